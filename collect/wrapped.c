/* What the runtime of containers puts before each line. A plain line costs a look at a few of its bytes. */
#include "collect/wrapped.h"

#include "collect/object.h"

enum {
    STAMP_LEAST = 20, /* "2026-11-23T09:07:12Z" */
    STAMP_MOST = 35,  /* "2026-11-23T09:07:12.057203123+01:00" */
    ESCAPE_MOST = 16  /* of a colour's */
};

/* "\x1b[36m": a colour (ECMA-48 8.3.117). */
static void pass_colour(struct str *rest)
{
    struct str in = *rest;
    while (cut_prefix(&in, STR("\x1b["))) {
        size_t i = 0;
        while (i < in.len && i < ESCAPE_MOST && (is_digit(in.at[i]) || in.at[i] == ';'))
            i++;
        if (i >= in.len || in.at[i] != 'm')
            return;
        in = str_skip(in, i + 1);
        *rest = in;
    }
}

static bool may_be_in_name(char c)
{
    return is_alnum(c) || c == '-' || c == '_' || c == '.' || c == '@';
}

static bool is_name(struct str text)
{
    size_t i = 0;
    while (i < text.len && may_be_in_name(text.at[i]))
        i++;
    return i && i == text.len;
}

/* "postfix-1  | ", or "postfix_1  |" and the colour's end before the blank (Compose 1). */
static bool cut_compose(struct str *rest, struct str *name)
{
    struct str in = *rest, found;
    pass_colour(&in);
    if (!cut_until_char(&in, ' ', &found))
        return false;
    while (cut_char(&in, ' '))
        ;
    if (!cut_char(&in, '|') || !is_name(found)) /* in this order: hardly any line has the bar there */
        return false;
    pass_colour(&in);
    if (!cut_char(&in, ' ') && in.len)
        return false;
    pass_colour(&in);
    *name = found;
    *rest = in;
    return true;
}

/* "[pod/mail-0/postfix] ": a program in a pod has the pod's name for its host's. */
static bool cut_pod(struct str *rest, struct str *name)
{
    struct str in = *rest, inside, found;
    if (!cut_prefix(&in, STR("[pod/")) || !cut_until(&in, STR("] "), &inside) ||
        !cut_until_char(&inside, '/', &found) || found.len == 0 || memchr(inside.at, ' ', inside.len))
        return false;
    *name = found;
    *rest = in;
    return true;
}

bool wrapped_cut_name(struct str *rest, struct str *name)
{
    if (rest->len == 0)
        return false;
    if (rest->at[0] == '[')
        return cut_pod(rest, name);
    return (rest->at[0] == '\x1b' || may_be_in_name(rest->at[0])) && cut_compose(rest, name);
}

/* "stdout F ": F is a whole line, P a part of one; more tags may follow behind colons
 * (kubernetes/design-proposals-archive, node/kubelet-cri-logging.md). */
static bool cut_cri(struct str *rest, struct wrapping *wrapping)
{
    struct str in = *rest, tags;
    wrapping->is_error = cut_prefix(&in, STR("stderr "));
    if (!wrapping->is_error && !cut_prefix(&in, STR("stdout ")))
        return false;
    if (in.len < 1 || (in.at[0] != 'F' && in.at[0] != 'P'))
        return false;
    if (in.len > 1 && in.at[1] != ' ' && in.at[1] != ':')
        return false;
    wrapping->is_part = in.at[0] == 'P';
    if (!cut_until_char(&in, ' ', &tags))
        in = str_skip(in, in.len); /* an empty line */
    *rest = in;
    return true;
}

static bool has_stamp(struct str text)
{
    struct stamp stamp;
    if (text.len < STAMP_LEAST - 4)
        return false;
    char c = text.at[0];
    /* A host may begin as a month does; the rest of a stamp is looked for only behind these. */
    if (c == '<' || c == '@' || (is_digit(c) && (text.at[4] == '-' || text.at[10] == '.')) ||
        (is_alpha(c) && text.at[3] == ' ' && is_digit(text.at[5])))
        return cut_stamp(&text, &stamp);
    return false;
}

bool wrapped_cut_stamp(struct syslog *stamps, struct str *rest, struct wrapping *wrapping)
{
    struct str in = *rest;
    usec at = 0;
    if (in.len <= STAMP_LEAST || !is_digit(in.at[0]) || in.at[10] != 'T')
        return false;
    size_t look = in.len - STAMP_LEAST < STAMP_MOST ? in.len - STAMP_LEAST : STAMP_MOST;
    const char *blank = memchr(in.at + STAMP_LEAST, ' ', look);
    if (!blank)
        return false;
    struct str behind = str_range(blank + 1, in.at + in.len);
    if (!cut_cri(&behind, wrapping) && !has_stamp(behind) && !(behind.len && behind.at[0] == '{'))
        return false;
    if (!syslog_stamp(stamps, &in, &at))
        return false;
    wrapping->at = at;
    *rest = behind;
    return true;
}

/* What a member of the object may be. */
enum member { LOG, STREAM, TIME, ATTRS, TAG, MEMBERS };
static const struct str members[MEMBERS] = {
    [LOG] = STR_INIT("log"),     [STREAM] = STR_INIT("stream"), [TIME] = STR_INIT("time"),
    [ATTRS] = STR_INIT("attrs"), [TAG] = STR_INIT("logtag"),
};

/* --log-opt tag={{.Name}} */
static struct str tag_of(struct str attrs)
{
    struct str key;
    struct object_value value;
    if (object_begin(&attrs))
        while (object_next(&attrs, &key, &value) == 1)
            if (str_eq(key, STR("tag")) && value.kind == VALUE_STRING && !value.is_escaped)
                return value.raw;
    return STR("");
}

static usec time_of(struct syslog *stamps, struct str text)
{
    char with_blank[STAMP_MOST + 1];
    usec at = USEC_NONE;
    if (text.len < STAMP_LEAST || text.len > STAMP_MOST)
        return USEC_NONE;
    memcpy(with_blank, text.at, text.len);
    with_blank[text.len] = ' ';
    struct str rest = { with_blank, text.len + 1 };
    return syslog_stamp(stamps, &rest, &at) ? at : USEC_NONE;
}

/* Docker cuts lines of more than 16 KiB into pieces, of which the last has the newline. Others that write
 * such objects leave the newline out, and have members that Docker has not. */
long wrapped_json(struct syslog *stamps, struct str line, char *to, size_t room, struct wrapping *wrapping)
{
    struct object_value value, log = { .kind = VALUE_OTHER };
    struct str key;
    int got = 0;
    bool is_dockers = true;
    if (!object_begin(&line))
        return -1;
    while ((got = object_next(&line, &key, &value)) == 1) {
        int i = 0;
        while (i < MEMBERS && !str_eq(key, members[i]))
            i++;
        is_dockers &= i < TAG;
        switch (i) {
        case LOG:
            log = value;
            break;
        case STREAM:
            wrapping->is_error = str_eq(value.raw, STR("stderr"));
            break;
        case TIME:
            if (value.kind == VALUE_STRING)
                wrapping->at = time_of(stamps, value.raw);
            break;
        case ATTRS:
            if (value.kind == VALUE_OBJECT)
                wrapping->name = tag_of(value.raw);
            break;
        case TAG:
            wrapping->is_part = str_eq(value.raw, STR("P"));
            break;
        default:
            break;
        }
    }
    if (got < 0 || log.kind != VALUE_STRING)
        return -1;
    long len = object_text(&log, to, room);
    if (is_dockers)
        wrapping->is_part = len == 0 || (size_t)len > room || to[len - 1] != '\n';
    return len;
}

static bool is_id(struct str text, size_t least)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_digit(text.at[i]) && (text.at[i] < 'a' || text.at[i] > 'f'))
            return false;
    return text.len >= least;
}

/* Kubernetes: /var/log/pods/NAMESPACE_POD_UID/CONTAINER/0.log, and links to it
 * /var/log/containers/POD_NAMESPACE_CONTAINER-ID.log. Docker: /var/lib/docker/containers/ID/ID-json.log; a
 * container has the first 12 digits of its ID for its host's name. */
struct str wrapped_name_of(const char *path, char name[WRAPPED_NAME_BYTES])
{
    struct str rest = str_of(path), before, found = { 0 };
    if (cut_until(&rest, STR("/pods/"), &before)) {
        if (!cut_until_char(&rest, '_', &before) || !cut_until_char(&rest, '_', &found))
            found.len = 0;
    } else if (cut_until(&rest, STR("/containers/"), &before)) {
        struct str id = rest;
        if (cut_until_char(&id, '/', &before) && is_id(before, 64))
            found = (struct str){ before.at, 12 };
        else if (!cut_until_char(&rest, '_', &found) || !memchr(rest.at, '_', rest.len))
            found.len = 0;
    }
    if (found.len == 0 || found.len > WRAPPED_NAME_BYTES || memchr(found.at, '/', found.len))
        return STR("");
    memcpy(name, found.at, found.len);
    return (struct str){ name, found.len };
}

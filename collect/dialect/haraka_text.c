/* Haraka's lines in each format of log.ini (logger.js):
 *     [NOTICE] [D6384114-781E-44DB-9069-2CC6244E1724.1] [core] queue code=OK msg="Message Queued
 * (D63..E1724.1)" level=NOTICE uuid=D6384114-781E-44DB-9069-2CC6244E1724.1 origin=core message=queue code=OK
 * msg="..."
 *     {"level":"NOTICE","uuid":"D63...E1724.1","origin":"core","message":"queue","code":"OK","msg":"..."}
 * Clients write much of them, but what they write stands in quotes or at a known place. */
#include "collect/dialect/haraka.h"

#include "collect/smtp_text.h"

/* The end of what begins at the quote text.at[0]: behind the closing one; text.len where there is none. */
static size_t quoted_len(struct str text)
{
    size_t i = 1;
    while (i < text.len && text.at[i] != '"')
        i += text.at[i] == '\\' ? 2 : 1;
    return i < text.len ? i + 1 : text.len;
}

/* What stands between the quotes. Escapes are taken out where there is room. */
static struct str unquote(struct haraka_line *said, struct str quoted)
{
    struct str inside = str_skip(quoted, 1);
    if (inside.len && inside.at[inside.len - 1] == '"')
        inside.len--;
    if (inside.len == 0 || !memchr(inside.at, '\\', inside.len) || said->used + inside.len > HARAKA_ROOM)
        return inside;
    char *to = said->room + said->used;
    size_t len = 0;
    for (size_t i = 0; i < inside.len; i++) {
        char c = inside.at[i];
        if (c == '\\' && i + 1 < inside.len) {
            c = inside.at[++i];
            if (c == 'n' || c == 'r' || c == 't')
                c = ' ';
        }
        to[len++] = c;
    }
    said->used += len;
    return (struct str){ to, len };
}

/* A name and its value, 'name=value' or 'name="value"', and the blank behind them. */
static bool cut_pair(struct haraka_line *said, struct str *rest, struct str *name, struct str *value)
{
    struct str in = *rest;
    while (cut_char(&in, ' '))
        ;
    if (!cut_until_char(&in, '=', name))
        return false;
    size_t len = 0;
    if (in.len && in.at[0] == '"') {
        len = quoted_len(in);
        *value = unquote(said, (struct str){ in.at, len });
    } else {
        while (len < in.len && in.at[len] != ' ')
            len++;
        *value = (struct str){ in.at, len };
    }
    *rest = str_skip(in, len);
    return true;
}

/* The length of the JSON value (RFC 8259 3) that `text` begins with. */
static size_t json_len(struct str text)
{
    size_t depth = 0, i = 0;
    while (i < text.len) {
        char c = text.at[i];
        if (c == '"') {
            i += quoted_len(str_skip(text, i));
            if (depth == 0)
                return i;
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}' || c == ']'))
            return i;
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        i++;
        if (depth == 0 && (c == '}' || c == ']'))
            return i;
    }
    return i;
}

/* '"name":value' and the comma before it. */
static bool cut_json_pair(struct haraka_line *said, struct str *rest, struct str *name, struct str *value)
{
    struct str in = *rest;
    while (cut_char(&in, ',') || cut_char(&in, ' ') || cut_char(&in, '{'))
        ;
    if (in.len == 0 || in.at[0] != '"')
        return false;
    size_t len = quoted_len(in);
    *name = unquote(said, (struct str){ in.at, len });
    in = str_skip(in, len);
    while (cut_char(&in, ' '))
        ;
    if (!cut_char(&in, ':'))
        return false;
    while (cut_char(&in, ' '))
        ;
    len = json_len(in);
    *value = (struct str){ in.at, len };
    if (len && in.at[0] == '"')
        *value = unquote(said, *value);
    *rest = str_skip(in, len);
    return true;
}

static bool next_pair(struct haraka_line *said, struct str *rest, struct str *name, struct str *value)
{
    return said->is_json ? cut_json_pair(said, rest, name, value) : cut_pair(said, rest, name, value);
}

static bool find_pair(struct haraka_line *said, struct str rest, struct str wanted, struct str *value)
{
    struct str name;
    size_t used = said->used;
    while (next_pair(said, &rest, &name, value)) {
        if (str_eq(name, wanted))
            return true;
        said->used = used;
    }
    return false;
}

bool haraka_field(struct haraka_line *said, struct str wanted, struct str *value)
{
    return find_pair(said, said->fields, wanted, value);
}

/* A DSN of which a line has the text alone, "4.7.1 Greylisted": what stands in front tells the class, by
 * which its code goes. sec_unauthorized() is 550 by itself, so that a 4.7.1 was given its code, 451
 * (haraka-plugin-greylist, -rspamd); so has sec_spf_error() (haraka-plugin-spf). The last words at the end of
 * the session put right what is otherwise. */
static void guess_code(struct reply *reply)
{
    struct str text = reply->text, enhanced;
    int other = reply->code < 500 ? 550 : 450;
    if (smtp_cut_enhanced(&text, reply->code, &enhanced)) {
        if (str_eq(enhanced, STR("4.7.1")) || str_eq(enhanced, STR("4.7.24")))
            reply->code = reply->code == 450 ? 451 : reply->code;
    } else if (smtp_cut_enhanced(&text, other, &enhanced)) {
        reply->code = (int16_t)other;
        guess_code(reply);
    }
}

void haraka_words(struct haraka_line *said, struct reply *reply)
{
    struct str msg, value;
    uint64_t code = 0;
    if (!haraka_field(said, STR("msg"), &msg) || !msg.len)
        return;
    if (!said->is_json || msg.at[0] != '{') {
        reply->text = msg;
        guess_code(reply);
        return;
    }
    if (find_pair(said, msg, STR("reply"), &value) && value.len)
        reply->text = value;
    if (find_pair(said, msg, STR("code"), &value) && str_number(value, &code) && code >= 400 && code < 600)
        reply->code = (int16_t)code;
}

/* "D6384114-781E-44DB-9069-2CC6244E1724.1" */
static void split_uuid(struct haraka_line *said)
{
    struct str number = said->uuid, uuid;
    uint64_t transaction = 0;
    if (cut_until_char(&number, '.', &uuid)) {
        said->uuid = uuid;
        if (cut_number(&number, &transaction) && transaction <= UINT32_MAX)
            said->transaction = (uint32_t)transaction;
    }
}

/* The fields follow the message without a mark: it is one of these. */
static void split_message(struct haraka_line *said)
{
    static const struct str words[] = { STR_INIT("connect "), STR_INIT("disconnect "), STR_INIT("message "),
                                        STR_INIT("queue "), STR_INIT("HAProxy ") };
    struct str text = said->message, path;
    if (str_starts(text, STR(" hook=")) || str_starts(text, STR("hook="))) { /* before Haraka 3 */
        said->message.len = 0;
        said->fields = text;
        return;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_starts(text, words[i])) {
            said->message.len = words[i].len - 1;
            said->fields = str_skip(text, words[i].len);
            return;
        }
    if (str_starts(text, STR("sender <")) || str_starts(text, STR("recipient <"))) {
        path = smtp_path(str_skip(text, text.at[0] == 's' ? 7 : 10));
        struct str behind = str_range(path.at + path.len, text.at + text.len);
        cut_char(&behind, '>');
        said->message.len = (size_t)(behind.at - text.at);
        said->fields = behind;
    } else if (str_starts(text, STR("C: "))) { /* " state=1" */
        const char *blank = str_find_last(text, ' ');
        if (str_starts(str_range(blank, text.at + text.len), STR(" state=")))
            said->message.len = (size_t)(blank - text.at);
    }
}

static bool read_default(struct str rest, struct haraka_line *said)
{
    if (!cut_char(&rest, '[') || !cut_until(&rest, STR("] ["), &said->level) ||
        !cut_until(&rest, STR("] ["), &said->uuid) || !cut_until_char(&rest, ']', &said->origin))
        return false;
    cut_char(&rest, ' ');
    said->message = rest;
    split_uuid(said);
    if (str_eq(said->origin, STR("core")))
        split_message(said);
    return true;
}

static bool read_pairs(struct str rest, struct haraka_line *said)
{
    struct str name;
    if (!next_pair(said, &rest, &name, &said->level) || !str_eq(name, STR("level")) ||
        !next_pair(said, &rest, &name, &said->uuid) || !str_eq(name, STR("uuid")) ||
        !next_pair(said, &rest, &name, &said->origin) || !str_eq(name, STR("origin")) ||
        !next_pair(said, &rest, &name, &said->message) || !str_eq(name, STR("message")))
        return false;
    said->fields = rest;
    split_uuid(said);
    return true;
}

bool haraka_read(struct str text, struct haraka_line *said)
{
    said->transaction = 0;
    said->used = 0;
    said->fields = (struct str){ text.at, 0 };
    said->is_json = text.len && text.at[0] == '{';
    if (!said->is_json && text.len && text.at[0] == '[')
        return read_default(text, said);
    return read_pairs(text, said);
}

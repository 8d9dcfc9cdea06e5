/* opendkim and opendmarc: milters, whose lines begin with the queue id.
 *     6760916E5B2: DKIM verification successful
 *     6760916E5B2: s=mail d=example.org a=rsa-sha256 SSL
 *     6760916E5B2: bad signature data
 *     6760916E5B2: no signature data
 * (opendkim.c, mlfi_eom) */
#include "collect/dialect/postfix.h"

static bool recognise(struct str program)
{
    return str_eq(program, STR("opendkim")) || str_eq(program, STR("postfix/opendkim"));
}

static const struct phrase_row {
    struct str says;
    const char *result;
} rows[] = {
    { STR_INIT("DKIM verification successful"), "pass" },
    { STR_INIT("bad signature data"), "fail" },
    { STR_INIT("no signature data"), "none" },
    { STR_INIT("no DKIM signature data"), "none" },
    { STR_INIT("not authenticated"), NULL },
};

/* "s=mail d=example.org a=rsa-sha256 SSL error:..." */
static struct str field_of(struct str text, struct str name)
{
    struct str before, value = { NULL, 0 };
    if (!cut_until(&text, name, &before))
        return value;
    size_t i = 0;
    while (i < text.len && text.at[i] != ' ' && text.at[i] != ';' && text.at[i] != ',')
        i++;
    return (struct str){ text.at, i };
}

static enum taken take(const struct line *line, struct builder *builder)
{
    struct str rest = line->text, queue_id;
    if (!cut_queue_id(&rest, &queue_id))
        return PASSED;
    session_key key = key_of_text(KEY_QUEUE_ID, line->host, queue_id);
    const char *result = NULL;
    struct evidence dkim = evidence_of(KIND_DKIM, UNKNOWN, line->at);
    for (size_t i = 0; i < sizeof rows / sizeof *rows && !result; i++)
        if (str_starts(rest, rows[i].says))
            result = rows[i].result;
    if (!result && str_starts(rest, STR("s="))) {
        dkim.subject = field_of(rest, STR(" d="));
        if (str_find(rest, STR(" SSL error")))
            result = "fail";
    }
    if (!result)
        return PASSED; /* signed by us, keys not found, internal hosts */
    dkim.detail = str_of(result);
    dkim.state = (uint8_t)tri_of(strcmp(result, "pass") == 0);
    return builder_add_by_key(builder, key, line, &dkim) ? TAKEN : PASSED;
}

const struct dialect dialect_opendkim = {
    .name = "opendkim",
    .title = "opendkim, DKIM signatures",
    .recognise = recognise,
    .take = take,
};

/* opendmarc: "6760916E5B2: example.org pass" (fail, none), "6760916E5B2: SPF(mailfrom): example.org fail"
 * (opendmarc.c, mlfi_eom). */
#include "collect/dialect/postfix.h"

static bool recognise(struct str program)
{
    return str_eq(program, STR("opendmarc")) || str_eq(program, STR("postfix/opendmarc"));
}

static bool is_result(struct str word)
{
    static const struct str results[] = { STR_INIT("pass"),     STR_INIT("fail"),    STR_INIT("none"),
                                          STR_INIT("softfail"), STR_INIT("neutral"), STR_INIT("permerror"),
                                          STR_INIT("temperror") };
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        if (str_eq(word, results[i]))
            return true;
    return false;
}

static enum taken take(const struct line *line, struct builder *builder)
{
    struct str rest = line->text, queue_id, domain;
    if (!cut_queue_id(&rest, &queue_id))
        return PASSED;
    enum kind kind = KIND_DMARC;
    if (cut_prefix(&rest, STR("SPF(mailfrom): ")) || cut_prefix(&rest, STR("SPF(helo): ")))
        kind = KIND_SPF;
    if (!cut_until_char(&rest, ' ', &domain) || !is_result(rest))
        return PASSED; /* "ignoring Authentication-Results at 1 from x", "implicit authentication service: x"
                        */
    struct evidence said = evidence_of(kind, tri_of(str_eq(rest, STR("pass"))), line->at);
    said.subject = domain;
    said.detail = rest;
    return builder_add_by_key(builder, key_of_text(KEY_QUEUE_ID, line->host, queue_id), line, &said) ? TAKEN
                                                                                                     : PASSED;
}

const struct dialect dialect_opendmarc = {
    .name = "opendmarc",
    .title = "opendmarc, DMARC policies",
    .recognise = recognise,
    .take = take,
};

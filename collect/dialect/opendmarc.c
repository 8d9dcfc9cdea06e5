/* opendmarc: a milter, for Postfix and Sendmail (opendmarc.c, mlfi_eom()).
 *     6760916E5B2: b.test pass                             the From header's domain: pass, fail, none,
 * temperror 6760916E5B2: SPF(mailfrom): b.test tempfail          where it asks itself (SPFSelfValidate) */
#include "collect/dialect/filter.h"

static bool recognise(struct str program)
{
    return str_eq(program, STR("opendmarc")) || str_eq(program, STR("postfix/opendmarc"));
}

/* The words of RFC 8601 2.7; its own for a temporary error is another. */
static const char *result_of(struct str word)
{
    static const char *const results[] = { "pass",    "fail",      "none",     "softfail",
                                           "neutral", "permerror", "temperror" };
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        if (str_eq(word, str_of(results[i])))
            return results[i];
    return str_eq(word, STR("tempfail")) ? "temperror" : NULL;
}

static enum taken take(const struct line *line, struct builder *builder)
{
    struct filtered message = { .line = line };
    struct str rest = line->text, domain;
    if (!filter_cut_id(&rest, &message.queue_id))
        return PASSED;
    enum kind kind = KIND_DMARC;
    if (cut_prefix(&rest, STR("SPF(mailfrom): ")) || cut_prefix(&rest, STR("SPF(helo): ")))
        kind = KIND_SPF;
    const char *result = cut_until_char(&rest, ' ', &domain) ? result_of(rest) : NULL;
    if (!result)
        return PASSED; /* "ARC pass, policy fail > ...", "RFC5322 requirement error: ...", "ignoring mail from
                          x" */
    struct evidence said = result_evidence(kind, line->at, domain, result);
    return filter_say(builder, &message, &said);
}

const struct dialect dialect_opendmarc = {
    .name = "opendmarc",
    .title = "opendmarc, DMARC policies",
    .recognise = recognise,
    .take = take,
};

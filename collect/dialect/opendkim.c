/* opendkim: a milter, for Postfix and Sendmail, whose lines begin with the message's queue id (opendkim.c).
 *     6760916E5B2: DKIM verification successful                                    mlfi_eom(), SyslogSuccess
 *     6760916E5B2: signature=Ab1 domain=b.test selector=m result="no signature error"; ...        LogResults
 *     6760916E5B2: bad signature data                                        dkimf_libstatus(), from here on
 *     6760916E5B2: no signature data                                                                  LogWhy
 *     6760916E5B2: key retrieval failed (s=m, d=b.test): 'm._domainkey.b.test' record not found
 *     6760916E5B2: s=m d=b.test a=rsa-sha256 SSL error:...                           dkimf_log_ssl_errors()
 */
#include "collect/dialect/filter.h"

static bool recognise(struct str program)
{
    return str_eq(program, STR("opendkim")) || str_eq(program, STR("postfix/opendkim"));
}

/* What a line begins with, and the result that opendkim writes into Authentication-Results then (RFC 8601).
 */
static const struct verification {
    struct str says;
    const char *result;
} verifications[] = {
    { STR_INIT("DKIM verification successful"), "pass" },
    { STR_INIT("bad signature data"), "fail" },
    { STR_INIT("no signature data"), "none" },
    { STR_INIT("key retrieval failed"), "temperror" }, /* but see key_result() */
    { STR_INIT("key revoked"), "permerror" },
    { STR_INIT("syntax error: "), "permerror" },
    { STR_INIT("signature processing failed"), "permerror" },
};

/* Of LogResults: dkim-tables.c, prv_sigerrors. What is not here is a signature or a key that cannot be used.
 */
static const struct verification signatures[] = {
    { STR_INIT("no signature error"), "pass" },
    { STR_INIT("signature verification failed"), "fail" },
    { STR_INIT("key DNS query failed"), "temperror" },
};

/* The value behind the name, to the blank, comma or bracket that ends it; at == NULL where it is not there.
 */
static struct str field_of(struct str text, struct str name)
{
    struct str before, value = { NULL, 0 };
    if (!cut_until(&text, name, &before))
        return value;
    size_t i = 0;
    while (i < text.len && !strchr(" ,;)", text.at[i]))
        i++;
    return (struct str){ text.at, i };
}

/* There is no such key, which will be so tomorrow, or the name server did not answer (dkim-keys.c). */
static const char *key_result(struct str text)
{
    return str_ends(text, STR("record not found")) ? "permerror" : "temperror";
}

/* "signature=Ab1 domain=b.test selector=m result=\"no signature error\"; signature=..." */
static enum taken take_results(struct str rest, const struct filtered *message, struct builder *builder)
{
    struct str before, domain, words;
    enum taken taken = SKIPPED;
    while (cut_until(&rest, STR(" domain="), &before) && cut_until(&rest, STR(" selector="), &domain) &&
           cut_until(&rest, STR(" result=\""), &before) && cut_until_char(&rest, '"', &words)) {
        const char *result = "permerror";
        for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
            if (str_eq(words, signatures[i].says))
                result = signatures[i].result;
        struct evidence dkim = result_evidence(KIND_DKIM, message->line->at, domain, result);
        taken = filter_say(builder, message, &dkim);
    }
    return taken;
}

static enum taken take(const struct line *line, struct builder *builder)
{
    struct filtered message = { .line = line };
    struct str rest = line->text;
    if (!filter_cut_id(&rest, &message.queue_id))
        return PASSED;
    if (str_starts(rest, STR("signature=")))
        return take_results(rest, &message, builder);
    const char *result = NULL;
    struct str domain = { NULL, 0 };
    for (size_t i = 0; i < sizeof verifications / sizeof *verifications && !result; i++)
        if (str_starts(rest, verifications[i].says))
            result = verifications[i].result;
    if (str_starts(rest, STR("s=")) && str_find(rest, STR(" SSL error"))) {
        result = "fail";
        domain = field_of(rest, STR(" d="));
    } else if (str_starts(rest, STR("key "))) {
        domain = field_of(rest, STR(", d="));
        if (result && str_starts(rest, STR("key retrieval failed")))
            result = key_result(rest);
    }
    if (!result)
        return PASSED; /* signed by us, internal hosts, errors of its own */
    struct evidence dkim = result_evidence(KIND_DKIM, line->at, domain, result);
    return filter_say(builder, &message, &dkim);
}

const struct dialect dialect_opendkim = {
    .name = "opendkim",
    .title = "opendkim, DKIM signatures",
    .recognise = recognise,
    .take = take,
};

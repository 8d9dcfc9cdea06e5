/* The names of what a session is made of, and how its end is concluded from its parts. */
#include "collect/session.h"

const char *const stage_name[STAGES] = { "connect", "banner", "helo", "mail", "rcpt", "data", "eom" };
const char *const closed_name[CLOSED_KINDS] = { NULL, "quit", "lost", "timeout", "dropped" };
const char *const verdict_name[VERDICTS] = { "none", "accepted", "rejected", "deferred" };
const char *const origin_name[ORIGINS] = { "log", "capture", "snapshot", "live", "list", "inferred" };

const char *const named_measure[NAMED_COUNT] = {
    [NAMED_NONE] = NULL,
    [NAMED_OTHER] = "other",
    [NAMED_NO_RDNS] = "no-rdns",
    [NAMED_FCRDNS] = "fcrdns",
    [NAMED_DNSBL] = "dnsbl",
    [NAMED_EARLY_TALKER] = "early-talker",
    [NAMED_AFTER_220] = "after-220",
    [NAMED_PIPELINING] = "pipelining",
    [NAMED_HELO] = "helo",
    [NAMED_SENDER_DOMAIN] = "sender-domain",
    [NAMED_SPF] = "spf",
    [NAMED_RELAY] = "relay",
    [NAMED_RECIPIENT] = "recipient",
    [NAMED_NULL_SENDER_MANY] = "null-sender-many",
    [NAMED_BATV] = "batv",
    [NAMED_DICTIONARY] = "dictionary",
    [NAMED_VRFY] = "vrfy",
    [NAMED_GREYLIST] = "greylist",
    [NAMED_NOLISTING] = "nolisting",
    [NAMED_DKIM] = "dkim",
    [NAMED_DMARC] = "dmarc",
    [NAMED_SPAM] = "spam",
    [NAMED_VIRUS] = "virus",
    [NAMED_TLS_REQUIRED] = "tls-required",
    [NAMED_AUTH_ABUSE] = "auth-abuse",
    [NAMED_RATE] = "rate",
};

const char *const kind_name[KINDS] = {
    [KIND_RDNS] = "rdns",
    [KIND_FCRDNS] = "fcrdns",
    [KIND_DNSBL] = "dnsbl",
    [KIND_EARLY_TALKER] = "early_talker",
    [KIND_PIPELINING] = "pipelining",
    [KIND_BARE_NEWLINE] = "bare_newline",
    [KIND_NON_SMTP] = "non_smtp",
    [KIND_HELO] = "helo",
    [KIND_SENDER_DOMAIN] = "sender_domain",
    [KIND_RECIPIENT] = "recipient",
    [KIND_RELAY] = "relay",
    [KIND_SPF] = "spf",
    [KIND_DKIM] = "dkim",
    [KIND_DMARC] = "dmarc",
    [KIND_BATV] = "batv",
    [KIND_SPAM] = "spam",
    [KIND_VIRUS] = "virus",
    [KIND_VRFY] = "vrfy",
    [KIND_AUTH] = "auth",
    [KIND_GREYLIST] = "greylist",
    [KIND_TESTED_BEFORE] = "tested_before",
    [KIND_EXEMPT] = "exempt",
    [KIND_WARNING] = "warning",
    [KIND_FATE] = "fate",
    [KIND_RATE] = "rate",
    [KIND_UNANSWERED] = "unanswered",
    [KIND_HEADER] = "header",
    [KIND_CONTRADICTION] = "contradiction",
    [KIND_ASN] = "asn",
    [KIND_COUNTRY] = "country",
    [KIND_LABEL] = "label",
    [KIND_TRAP] = "trap",
};

/* What a refusing reply comes to. A drop without a code is recorded with 5xx by who records it. */
static enum verdict refusal(const struct reply *reply)
{
    return reply->code >= 500 ? VERDICT_REJECTED : reply->code >= 400 ? VERDICT_DEFERRED : VERDICT_NONE;
}

/* The session's reply is the first that named a measure, else the first that refused. */
static void note_reply(struct session *session, const struct reply *reply)
{
    struct reply *first = &session->reply;
    if (reply->named == NAMED_NONE || refusal(reply) == VERDICT_NONE)
        return;
    if (first->named == NAMED_NONE || (first->named == NAMED_OTHER && reply->named != NAMED_OTHER))
        *first = *reply;
}

/* Fills the verdicts of a transaction and its recipients; returns that of the reply that stopped the first of
 * its attempts to be stopped, or none. */
static enum verdict conclude_transaction(struct session *session, struct transaction *transaction)
{
    enum verdict at_transaction = refusal(&transaction->reply), first = VERDICT_NONE;
    if (transaction->verdict != VERDICT_ACCEPTED)
        transaction->verdict = (uint8_t)at_transaction;
    for (uint32_t i = 0; i < transaction->recipient_count; i++) {
        struct recipient *recipient = &transaction->recipients[i];
        enum verdict verdict = refusal(&recipient->reply);
        note_reply(session, &recipient->reply);
        if (verdict == VERDICT_NONE)
            verdict = transaction->verdict;
        recipient->verdict = (uint8_t)verdict;
        if (first == VERDICT_NONE && verdict != VERDICT_ACCEPTED)
            first = verdict;
    }
    note_reply(session, &transaction->reply);
    if (first == VERDICT_NONE)
        first = at_transaction;
    if (transaction->verdict == VERDICT_NONE)
        transaction->verdict = (uint8_t)first;
    return first;
}

/* A greylister that is not the server itself names a recipient before the server does, or without it: what it
 * said is placed at the recipient. They come in the same order in both, so it is looked for from the last one
 * on. */
static void place_greylisting(struct session *session)
{
    enum { LOOK_MOST = 256 };
    uint32_t from = 0;
    for (uint32_t i = 0; i < session->evidence_count; i++) {
        struct evidence *evidence = &session->evidence[i];
        if (evidence->kind != KIND_GREYLIST || evidence->transaction < 0 || evidence->recipient >= 0 ||
            !evidence->subject.len)
            continue;
        const struct transaction *transaction = &session->transactions[evidence->transaction];
        uint32_t count = transaction->recipient_count;
        for (uint32_t n = 0; n < count && n < LOOK_MOST; n++)
            if (str_eq_nocase(transaction->recipients[(from + n) % count].address, evidence->subject)) {
                from = (from + n) % count;
                evidence->recipient = (int32_t)from++;
                break;
            }
    }
}

void session_conclude(struct session *session)
{
    place_greylisting(session);
    enum verdict verdict = VERDICT_NONE, before_mail = session->verdict;
    for (uint32_t i = 0; i < session->transaction_count; i++) {
        struct transaction *transaction = &session->transactions[i];
        enum verdict stopped = conclude_transaction(session, transaction);
        if (transaction->verdict == VERDICT_ACCEPTED)
            verdict = VERDICT_ACCEPTED;
        else if (verdict == VERDICT_NONE)
            verdict = stopped;
    }
    session->verdict = (uint8_t)(verdict != VERDICT_NONE ? verdict : before_mail);
}

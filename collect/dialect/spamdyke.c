/* spamdyke: one line for each RCPT, with the first reason that it found. Its values have no quotes, and the
 * sender's and the recipient's are the client's words: the fields are found from the right. ALLOWED is said
 * at RCPT, before the message is seen: it is taken to have been accepted then, and the session to be one with
 * a gap. */
#include "collect/dialect/phrases.h"
#include "collect/dialect/qmail.h"

#define REFUSED(says, code, named, kind, state, subject)                                                     \
    {                                                                                                        \
        STR_INIT(says), code,                                                                                \
        {                                                                                                    \
            { NULL, 0 }, named, kind, state, 0, subject,                                                     \
            {                                                                                                \
                NULL, 0                                                                                      \
            }                                                                                                \
        }                                                                                                    \
    }

/* spamdyke.h of 4.1 and 5.0 (REJECTION_DATA_...) and its documentation: the reason, the code that it replies
 * with (REJECT_SEVERITY_...), what it means. DENIED_OTHER is qmail-smtpd's own refusal, with a code of its
 * own. */
static const struct reason {
    struct str says;
    int16_t code;
    struct saying saying;
} reasons[] = {
    REFUSED("DENIED_RDNS_MISSING", 421, NAMED_NO_RDNS, KIND_RDNS, NO, NULL),
    REFUSED("DENIED_RDNS_RESOLVE", 421, NAMED_FCRDNS, KIND_FCRDNS, NO, NULL),
    REFUSED("DENIED_RBL_MATCH", 554, NAMED_DNSBL, KIND_DNSBL, YES, NULL),
    REFUSED("DENIED_EARLYTALKER", 554, NAMED_EARLY_TALKER, KIND_EARLY_TALKER, YES, NULL),
    REFUSED("DENIED_GRAYLISTED", 421, NAMED_GREYLIST, KIND_GREYLIST, YES, NULL),
    REFUSED("DENIED_SENDER_NO_MX", 421, NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO, "mx"),
    REFUSED("DENIED_RELAYING", 554, NAMED_RELAY, KIND_RELAY, YES, NULL),
    REFUSED("DENIED_INVALID_RECIPIENT", 554, NAMED_RECIPIENT, KIND_RECIPIENT, NO, NULL),
    REFUSED("DENIED_RECIPIENT_INVALID", 554, NAMED_RECIPIENT, KIND_RECIPIENT, NO, NULL),
    /* no measure's: lists of the site's own, patterns in names, limits */
    REFUSED("DENIED_IP_IN_RDNS", 554, NAMED_OTHER, KINDS, UNKNOWN, NULL),
    REFUSED("DENIED_IP_IN_CC_RDNS", 554, NAMED_OTHER, KINDS, UNKNOWN, NULL),
    REFUSED("DENIED_BLACKLIST_IP", 554, NAMED_OTHER, KINDS, UNKNOWN, NULL),
    REFUSED("DENIED_BLACKLIST_NAME", 554, NAMED_OTHER, KINDS, UNKNOWN, NULL),
    REFUSED("DENIED_BLACKLIST_HEADER", 554, NAMED_OTHER, KINDS, UNKNOWN, NULL),
    REFUSED("DENIED_HEADER_BLACKLISTED", 554, NAMED_OTHER, KINDS, UNKNOWN, NULL),
    REFUSED("DENIED_SENDER_BLACKLISTED", 554, NAMED_OTHER, KINDS, UNKNOWN, NULL),
    REFUSED("DENIED_SENDER_NOT_LOCAL", 554, NAMED_OTHER, KINDS, UNKNOWN, NULL),
    REFUSED("DENIED_SENDER_AUTH_MISMATCH", 554, NAMED_OTHER, KINDS, UNKNOWN, NULL),
    REFUSED("DENIED_RECIPIENT_BLACKLISTED", 554, NAMED_OTHER, KINDS, UNKNOWN, NULL),
    REFUSED("DENIED_RHSBL_MATCH", 554, NAMED_OTHER, KINDS, UNKNOWN,
            NULL), /* the sender's domain, not the client */
    REFUSED("DENIED_IDENTICAL_SENDER_RECIPIENT", 554, NAMED_OTHER, KINDS, UNKNOWN, NULL),
    REFUSED("DENIED_TOO_MANY_RECIPIENTS", 421, NAMED_OTHER, KINDS, UNKNOWN, NULL),
    REFUSED("DENIED_UNQUALIFIED_RECIPIENT", 554, NAMED_OTHER, KINDS, UNKNOWN, NULL),
    REFUSED("DENIED_ZERO_RECIPIENTS", 554, NAMED_OTHER, KINDS, UNKNOWN, NULL),
    REFUSED("DENIED_ACCESS_DENIED", 554, NAMED_OTHER, KINDS, UNKNOWN, NULL),
    REFUSED("DENIED_REJECT_ALL", 554, NAMED_OTHER, KINDS, UNKNOWN, NULL),
    REFUSED("DENIED_AUTHENTICATION_REQUIRED", 554, NAMED_OTHER, KINDS, UNKNOWN, NULL),
    REFUSED("DENIED_TLS_REQUIRED", 554, NAMED_TLS_REQUIRED, KINDS, UNKNOWN, NULL),
    REFUSED("DENIED_OTHER", 421, NAMED_OTHER, KINDS, UNKNOWN, NULL), /* what qmail-smtpd itself refused */
    REFUSED("DENIED_AUTH_REQUIRED", 554, NAMED_OTHER, KINDS, UNKNOWN, NULL),
    REFUSED("DENIED_SENDER_NOT_AUTH", 554, NAMED_OTHER, KINDS, UNKNOWN, NULL),
    REFUSED("DENIED_UNAVAILABLE_RECIPIENT", 554, NAMED_OTHER, KINDS, UNKNOWN, NULL),
    REFUSED("DENIED_UNPARSEABLE", 554, NAMED_OTHER, KINDS, UNKNOWN, NULL),
    REFUSED("TIMEOUT", 421, NAMED_OTHER, KINDS, UNKNOWN, NULL),
};

static bool recognise(struct str program)
{
    return str_eq(program, STR("spamdyke"));
}

static const struct reason *reason_of(struct str word)
{
    static const struct reason other = REFUSED("DENIED_", 554, NAMED_OTHER, KINDS, UNKNOWN, NULL);
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (str_eq(word, reasons[i].says))
            return &reasons[i];
    return str_starts(word, STR("DENIED_")) ? &other : NULL;
}

struct said {
    struct str word, from, to, ip, rdns, user, encryption, reason;
};

/* "(unknown)", "(none)": at == NULL. */
static void clear_unknown(struct str *value)
{
    if (str_eq(*value, STR("(unknown)")) || str_eq(*value, STR("(none)")))
        *value = (struct str){ NULL, 0 };
}

static bool read_said(struct str text, struct said *said)
{
    struct str rest = text, in;
    *said = (struct said){ .word = { NULL, 0 } };
    if (!cut_until(&rest, STR(" from: "), &said->word))
        return false;
    if (!str_split_last(rest, STR(" origin_ip: "), &rest, &in) ||
        !str_split_last(rest, STR(" to: "), &said->from, &said->to))
        return false;
    if (str_split_last(in, STR(" reason: "), &in, &said->reason))
        clear_unknown(&said->reason);
    if (str_split_last(in, STR(" encryption: "), &in, &said->encryption))
        clear_unknown(&said->encryption);
    if (str_split_last(in, STR(" auth: "), &in, &said->user))
        clear_unknown(&said->user);
    if (!str_split_last(in, STR(" origin_rdns: "), &said->ip, &said->rdns))
        return false;
    clear_unknown(&said->rdns);
    if (str_eq(said->from, STR("(unknown)"))) /* the null sender */
        said->from.len = 0;
    return true;
}

static void conclude(struct builder *builder, struct open_session *open)
{
    (void)builder;
    open->session.gap = true;
}

static struct open_session *session_of(struct builder *builder, const struct line *line,
                                       const struct said *said, const struct ip *client)
{
    struct open_session *open = qmail_session(builder, line, line->pid);
    if (open && !ip_eq(&open->session.client, client))
        open = NULL;
    if (!open) { /* no tcpserver's log */
        open = qmail_begin(builder, line, line->pid);
        open->conclude = conclude;
        builder_set_client(builder, open, client, 0);
    }
    if (!(open->flags & SPAMDYKE)) {
        struct evidence rdns = evidence_of(KIND_RDNS, tri_of(said->rdns.at != NULL), line->at);
        evidence_once(builder, open, &rdns);
        if (said->rdns.at && !open->session.client_name.at)
            open->session.client_name = builder_keep(builder, open, said->rdns);
    }
    open->flags |= SPAMDYKE;
    open->session.gap = true;
    if (said->user.len && !open->session.auth_user.at)
        open->session.auth_user = builder_keep(builder, open, said->user);
    open->session.tls |= str_starts(said->encryption, STR("TLS")) || str_starts(said->encryption, STR("SSL"));
    return open;
}

static enum taken take(const struct line *line, struct builder *builder)
{
    static const struct str others[] = {
        STR_INIT("ERROR"), STR_INIT("FILTER_"), STR_INIT("DEBUG"),   STR_INIT("EXCESSIVE"),
        STR_INIT("INFO"),  STR_INIT("VERBOSE"), STR_INIT("FAILED_"), STR_INIT("CONFIG"),
        STR_INIT("TLS_"),  STR_INIT("UNABLE"),
    };
    struct said said;
    struct ip client;
    if (!read_said(line->text, &said) || !ip_parse(said.ip, &client)) {
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
            if (str_starts(line->text, others[i]))
                return PASSED;
        return SKIPPED;
    }
    /* What stops no attempt: AUTH and STARTTLS, after which spamdyke sees no more where it passes it through.
     */
    if (str_eq(said.word, STR("FAILED_AUTH")) || str_eq(said.word, STR("UNKNOWN_AUTH")) ||
        str_eq(said.word, STR("FAILED_TLS")) || str_eq(said.word, STR("TLS_ENCRYPTED"))) {
        struct open_session *seen = session_of(builder, line, &said, &client);
        if (str_ends(said.word, STR("_AUTH"))) {
            struct evidence failed = evidence_of(KIND_AUTH, NO, line->at);
            failed.subject = said.user;
            builder_add_evidence(builder, seen, &failed);
        }
        if (seen->conclude == conclude)
            builder_rest(builder, seen, line);
        return TAKEN;
    }
    const struct reason *reason = reason_of(said.word);
    bool allowed = str_starts(said.word, STR("ALLOWED"));
    if (!reason && !allowed)
        return SKIPPED;
    struct open_session *open = session_of(builder, line, &said, &client);
    int32_t index = open->transaction;
    /* Recipients that were allowed before do not end the transaction. */
    if (index < 0 || !str_eq(open->session.transactions[index].mail_from, said.from))
        index = qmail_transaction(builder, open, said.from, line->at);
    if (index < 0 || !builder_add_recipient(builder, open, index, said.to, line->at))
        return TAKEN;
    struct transaction *transaction = &open->session.transactions[index];
    int32_t recipient = (int32_t)transaction->recipient_count - 1;
    if (open->session.stage < STAGE_RCPT)
        open->session.stage = STAGE_RCPT;
    if (allowed) {
        transaction->recipients[recipient].reply = (struct reply){ .code = 250, .stage = STAGE_RCPT };
        transaction->verdict = VERDICT_ACCEPTED;
    } else {
        struct refused refused = { .at = line->at,
                                   .sender = said.from,
                                   .address = said.to,
                                   .zone = zone_in(said.reason),
                                   .transaction = index,
                                   .recipient = recipient };
        refused.reply = (struct reply){ .code = reason->code, .stage = STAGE_RCPT, .text = said.word };
        refused_note(builder, open, &refused, &reason->saying);
    }
    if (open->conclude == conclude)
        builder_rest(builder, open, line);
    return TAKEN;
}

const struct dialect dialect_spamdyke = {
    .name = "spamdyke",
    .title = "spamdyke",
    .recognise = recognise,
    .take = take,
    .conclude = conclude,
};

/* What patched qmail-smtpds say of themselves:
 *
 *     qmail-smtpd: pid 22 Reject::RCPT::Failed_Rcptto P:ESMTP S:192.0.2.1:mail.b.test H:x F:a@b T:c@d s/qmail
 *     qlogenvelope: result=rejected code=550 reason=chkuser detail=nomailbox helo=x mailfrom=a@b rcptto=c@d …
 *     qlogreceived: result=accepted code=250 reason=queueaccept …                        Sagredo's combined
 * patch qmail-smtpd[22]: rbl: ip=192.0.2.1 query=1.2.0.192.bl.example.org result=reject message='…'
 *     qmail-smtpd[22]: GREETDELAY from 192.0.2.1: client sent data before greeting
 *     qmail-smtpd: message rejected (reason): a@b from 192.0.2.1 to c@d helo x                the logging
 * patch
 *
 * Sources: s/qmail's smtpdlog.c and qmail-smtpd.c; qmail-smtpd.c of the combined patches. */
#include "collect/dialect/phrases.h"
#include "collect/dialect/qmail.h"

static const struct str none = { NULL, 0 };

/* The session of that process, begun where no tcpserver's log tells of it; NULL: nothing tells whose it is.
 */
static struct open_session *session_of(struct builder *builder, const struct line *line, uint64_t pid,
                                       const struct ip *client)
{
    struct open_session *open = pid ? qmail_session(builder, line, pid) : NULL;
    if (open && !ip_is_none(client) && !ip_eq(&open->session.client, client))
        open = NULL;
    if (!open && !ip_is_none(client)) {
        open = qmail_session_of(builder, line, client);
        if (!open && pid) {
            open = qmail_begin(builder, line, pid);
            builder_set_client(builder, open, client, 0);
            open->flags |= NO_TCPSERVER;
        }
    }
    if (open)
        open->flags |= DIALOG_KNOWN;
    if (open && (open->flags & NO_TCPSERVER))
        builder_rest(builder, open, line);
    return open;
}

static void reach(struct open_session *open, enum stage stage)
{
    if (open->session.stage < stage)
        open->session.stage = (uint8_t)stage;
}

static void note_helo(struct builder *builder, struct open_session *open, struct str helo)
{
    if (helo.len && !str_eq(helo, open->session.helo))
        open->session.helo = builder_keep(builder, open, helo);
    if (helo.len)
        reach(open, STAGE_HELO);
}

static void note_auth(struct builder *builder, struct open_session *open, usec at, struct str user, bool well)
{
    struct evidence auth = evidence_of(KIND_AUTH, tri_of(well), at);
    auth.subject = user;
    reach(open, STAGE_HELO);
    if (well && open->session.auth_user.at)
        return;
    if (well)
        open->session.auth_user = builder_keep(builder, open, user);
    builder_add_evidence(builder, open, &auth);
}

/* One thing that was said of a recipient, a sender or a message. */
struct said {
    int16_t code;
    enum stage stage;
    struct str sender, recipient, text; /* at == NULL: not told */
    enum tri valid;
    const struct saying *saying; /* NULL: what the text says */
    bool is_last_word;           /* nothing will be said of a message that is taken in */
};

static void note_said(struct builder *builder, struct open_session *open, usec at, const struct said *said)
{
    struct refused refused = {
        .at = at,
        .reply = { .code = said->code, .stage = (uint8_t)said->stage, .text = said->text },
        .sender = said->sender,
        .address = said->recipient,
        .transaction = WHOLE_SESSION,
        .recipient = WHOLE_TRANSACTION
    };
    bool refuses = said->code >= 400;
    const struct saying *saying = said->saying ? said->saying : saying_of(said->text, said->stage);
    reach(open, said->stage);
    if (said->stage >= STAGE_MAIL) {
        const struct transaction *known =
            open->transaction >= 0 ? &open->session.transactions[open->transaction] : NULL;
        refused.transaction = open->transaction;
        if (!known || known->reply.code ||
            (said->stage < STAGE_DATA && !str_eq(known->mail_from, said->sender)))
            refused.transaction = qmail_transaction(builder, open, said->sender, at);
        if (refused.transaction < 0)
            return;
    }
    if (said->stage == STAGE_RCPT && said->recipient.at) {
        struct transaction *transaction = &open->session.transactions[refused.transaction];
        struct recipient *last =
            transaction->recipient_count ? &transaction->recipients[transaction->recipient_count - 1] : NULL;
        bool is_told = (open->flags & CHKUSER_TOLD) && last && str_eq(last->address, said->recipient);
        open->flags &= ~(uint32_t)CHKUSER_TOLD;
        if (is_told && (last->reply.code >= 400) == refuses)
            return; /* chkuser has said so in the line before */
        if (!builder_add_recipient(builder, open, refused.transaction, said->recipient, at))
            return;
        transaction = &open->session.transactions[refused.transaction];
        refused.recipient = (int32_t)transaction->recipient_count - 1;
        if (!refuses) {
            struct recipient *taken = &transaction->recipients[refused.recipient];
            taken->reply = (struct reply){ .code = said->code, .stage = STAGE_RCPT };
            taken->valid = (uint8_t)said->valid;
            if (said->is_last_word)
                transaction->verdict = VERDICT_ACCEPTED;
        }
    } else if (said->stage == STAGE_MAIL && refuses && (open->flags & CHKUSER_TOLD)) {
        open->flags &= ~(uint32_t)CHKUSER_TOLD;
        if (open->session.transactions[refused.transaction].reply.code)
            return;
    }
    if (refuses && said->stage >= STAGE_DATA)
        open->session.transactions[refused.transaction].verdict = VERDICT_NONE;
    if (refuses)
        refused_note(builder, open, &refused, saying);
    else if (said->stage == STAGE_EOM)
        open->session.transactions[refused.transaction].verdict = VERDICT_ACCEPTED;
}

#define OTHER_REASON                                                                                         \
    NAMED_OTHER, KINDS, UNKNOWN, 15, NULL,                                                                   \
    {                                                                                                        \
        NULL, 0                                                                                              \
    }

/* ---- s/qmail. */

static const struct label {
    struct str says;
    int16_t code;
    enum stage stage;
    struct saying saying;
} labels[] = {
    { STR_INIT("Reject::RCPT::Failed_Rcptto"),
      550,
      STAGE_RCPT,
      { { NULL, 0 }, NAMED_RECIPIENT, KIND_RECIPIENT, NO, 15, NULL, { NULL, 0 } } },
    { STR_INIT("Reject::SNDR::Invalid_Relay"),
      553,
      STAGE_RCPT,
      { { NULL, 0 }, NAMED_RELAY, KIND_RELAY, YES, 15, NULL, { NULL, 0 } } },
    { STR_INIT("Reject::SNDR::Bad_Helo"),
      550,
      STAGE_RCPT,
      { { NULL, 0 }, NAMED_HELO, KINDS, UNKNOWN, 15, NULL, { NULL, 0 } } },
    { STR_INIT("Reject::SNDR::DNS_Helo"),
      550,
      STAGE_RCPT,
      { { NULL, 0 }, NAMED_HELO, KIND_HELO, NO, 15, "resolves", { NULL, 0 } } },
    { STR_INIT("Reject::ORIG::DNS_MF"),
      553,
      STAGE_RCPT,
      { { NULL, 0 }, NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO, 15, "mx", { NULL, 0 } } },
    { STR_INIT("Reject::SPF::Fail"),
      550,
      STAGE_RCPT,
      { { NULL, 0 }, NAMED_SPF, KIND_SPF, NO, 15, NULL, { NULL, 0 } } },
    { STR_INIT("Reject::RBL::"),
      550,
      STAGE_RCPT,
      { { NULL, 0 }, NAMED_DNSBL, KIND_DNSBL, YES, 15, NULL, { NULL, 0 } } },
    { STR_INIT("Reject::DATA::Spam_Message"),
      554,
      STAGE_EOM,
      { { NULL, 0 }, NAMED_SPAM, KIND_SPAM, YES, 15, NULL, { NULL, 0 } } },
    { STR_INIT("Reject::DATA::Virus_Infected"),
      554,
      STAGE_EOM,
      { { NULL, 0 }, NAMED_VIRUS, KIND_VIRUS, YES, 15, NULL, { NULL, 0 } } },
    { STR_INIT("Reject::TLS::"),
      535,
      STAGE_RCPT,
      { { NULL, 0 }, NAMED_TLS_REQUIRED, KINDS, UNKNOWN, 15, NULL, { NULL, 0 } } },
    { STR_INIT("Reject::AUTH::missing"), 535, STAGE_RCPT, { { NULL, 0 }, OTHER_REASON } },
    { STR_INIT("Reject::RCPT::Toomany_Rcptto"), 452, STAGE_RCPT, { { NULL, 0 }, OTHER_REASON } },
    { STR_INIT("Reject::DATA::Invalid_Size"), 552, STAGE_EOM, { { NULL, 0 }, OTHER_REASON } },
    { STR_INIT("Reject::DATA::"), 554, STAGE_EOM, { { NULL, 0 }, OTHER_REASON } },
    { STR_INIT("Reject::ORIG::"), 553, STAGE_RCPT, { { NULL, 0 }, OTHER_REASON } },
    { STR_INIT("Reject::RCPT::"), 553, STAGE_RCPT, { { NULL, 0 }, OTHER_REASON } },
    { STR_INIT("Reject::SNDR::"), 553, STAGE_RCPT, { { NULL, 0 }, OTHER_REASON } },
};

/* " P:ESMTP S:192.0.2.1:mail.b.test H:helo F:a@b T:c@d 'info'": what the client wrote has no quotes. */
struct labelled {
    struct ip client;
    struct str protocol, host, helo, sender, recipient, info;
};

static bool read_labelled(struct str rest, struct labelled *said)
{
    struct str address, before;
    *said = (struct labelled){ .protocol = none };
    if (!cut_until(&rest, STR(" P:"), &before) || !cut_until(&rest, STR(" S:"), &said->protocol))
        return false;
    if (!cut_until(&rest, STR(" H:"), &address)) {
        address = rest;
        rest = str_skip(rest, rest.len);
    }
    said->host = address;
    /* an IPv6 address has colons: the name is behind the last one */
    const char *colon = str_find_last(address, ':');
    if (!colon || !ip_parse(str_range(address.at, colon), &said->client))
        return false;
    said->host = str_range(colon + 1, address.at + address.len);
    if (str_ends(rest, STR("'")) &&
        str_split_last((struct str){ rest.at, rest.len - 1 }, STR(" '"), &before, &said->info)) {
        rest = before;
        if (str_ends(rest, STR(" ?~")))
            rest.len -= 3;
    }
    said->helo = rest;
    if (cut_until(&rest, STR(" F:"), &said->helo)) {
        said->sender = rest;
        if (str_split_last(rest, STR(" T:"), &before, &said->recipient))
            said->sender = before;
    }
    return true;
}

static enum taken take_labelled(const struct line *line, struct builder *builder, struct str rest)
{
    struct labelled what;
    struct str label;
    uint64_t pid = 0;
    if (!cut_number(&rest, &pid) || !cut_char(&rest, ' '))
        return SKIPPED;
    label = rest;
    bool accepts = str_starts(label, STR("Accept::"));
    if (!accepts && !str_starts(label, STR("Reject::")))
        return PASSED; /* "from 192.0.2.1 HELO …", of other patches */
    if (!read_labelled(rest, &what))
        return SKIPPED;
    struct open_session *open = session_of(builder, line, pid, &what.client);
    if (!open)
        return PASSED;
    note_helo(builder, open, what.helo);
    if (what.host.len && !str_eq(what.host, STR("unknown")) && !open->session.client_name.at)
        open->session.client_name = builder_keep(builder, open, what.host);
    open->session.tls |=
        str_starts(what.protocol, STR("ESMTPS")) || str_starts(what.protocol, STR("UTF8SMTPS"));
    bool is_auth =
        str_starts(label, STR("Accept::AUTH::")) ||
        (str_starts(label, STR("Reject::AUTH::")) && !str_starts(label, STR("Reject::AUTH::missing")));
    if (is_auth)
        note_auth(builder, open, line->at, what.info, accepts);
    if (!what.sender.at) {
        if (is_auth || accepts)
            return TAKEN;
        what.sender = STR("");
    }
    struct said said = {
        .code = 250, .stage = STAGE_RCPT, .sender = what.sender, .recipient = what.recipient
    };
    said.valid = str_starts(label, STR("Accept::RCPT::Recipients_")) ? YES : UNKNOWN;
    said.is_last_word = true; /* but for a message that is refused */
    open->session.gap = true;
    for (size_t i = 0; i < sizeof labels / sizeof *labels && !accepts && !said.saying; i++)
        if (str_starts(label, labels[i].says)) {
            said.saying = &labels[i].saying;
            said.code = labels[i].code;
            said.stage = labels[i].stage;
        }
    if (!accepts && !said.saying)
        return SKIPPED;
    cut_until(&label, STR(" P:"), &said.text);
    note_said(builder, open, line->at, &said);
    return TAKEN;
}

/* ---- qlogenvelope, qlogreceived. */

static const struct outcome {
    struct str reason, detail; /* detail: what it begins with */
    enum stage stage;
    struct saying saying;
} outcomes[] = {
    { STR_INIT("pregreet"),
      STR_INIT(""),
      STAGE_BANNER,
      { { NULL, 0 }, NAMED_EARLY_TALKER, KIND_EARLY_TALKER, YES, 15, NULL, { NULL, 0 } } },
    { STR_INIT("rblreject"),
      STR_INIT(""),
      STAGE_RCPT,
      { { NULL, 0 }, NAMED_DNSBL, KIND_DNSBL, YES, 15, NULL, { NULL, 0 } } },
    { STR_INIT("rbldelay"),
      STR_INIT(""),
      STAGE_RCPT,
      { { NULL, 0 }, NAMED_DNSBL, KIND_DNSBL, YES, 15, NULL, { NULL, 0 } } },
    { STR_INIT("not_in_rcpthosts"),
      STR_INIT(""),
      STAGE_RCPT,
      { { NULL, 0 }, NAMED_RELAY, KIND_RELAY, YES, 15, NULL, { NULL, 0 } } },
    { STR_INIT("chkuser"),
      STR_INIT("notinrcpthosts"),
      STAGE_RCPT,
      { { NULL, 0 }, NAMED_RELAY, KIND_RELAY, YES, 15, NULL, { NULL, 0 } } },
    { STR_INIT("dontrelay"),
      STR_INIT(""),
      STAGE_RCPT,
      { { NULL, 0 }, NAMED_RELAY, KIND_RELAY, YES, 15, NULL, { NULL, 0 } } },
    { STR_INIT("chkuser"),
      STR_INIT("nomailbox"),
      STAGE_RCPT,
      { { NULL, 0 }, NAMED_RECIPIENT, KIND_RECIPIENT, NO, 15, NULL, { NULL, 0 } } },
    { STR_INIT("rcptcheck"),
      STR_INIT("nomailbox"),
      STAGE_RCPT,
      { { NULL, 0 }, NAMED_RECIPIENT, KIND_RECIPIENT, NO, 15, NULL, { NULL, 0 } } },
    { STR_INIT("nomailbox"),
      STR_INIT(""),
      STAGE_RCPT,
      { { NULL, 0 }, NAMED_RECIPIENT, KIND_RECIPIENT, NO, 15, NULL, { NULL, 0 } } },
    { STR_INIT("validrcptto"),
      STR_INIT(""),
      STAGE_RCPT,
      { { NULL, 0 }, NAMED_RECIPIENT, KIND_RECIPIENT, NO, 15, NULL, { NULL, 0 } } },
    { STR_INIT("brtlimit"),
      STR_INIT(""),
      STAGE_RCPT,
      { { NULL, 0 }, NAMED_DICTIONARY, KINDS, UNKNOWN, 15, NULL, { NULL, 0 } } },
    { STR_INIT("chkusersender"),
      STR_INIT("sendermxinvalid"),
      STAGE_MAIL,
      { { NULL, 0 }, NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO, 15, "mx", { NULL, 0 } } },
    { STR_INIT("chkusersender"),
      STR_INIT("sendermxdns"),
      STAGE_MAIL,
      { { NULL, 0 }, NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, UNKNOWN, 15, "mx", { NULL, 0 } } },
    { STR_INIT("chkusersender"), STR_INIT(""), STAGE_MAIL, { { NULL, 0 }, OTHER_REASON } },
    { STR_INIT("nullsenderdenied"), STR_INIT(""), STAGE_MAIL, { { NULL, 0 }, OTHER_REASON } },
    { STR_INIT("authnotmailfrom"), STR_INIT(""), STAGE_MAIL, { { NULL, 0 }, OTHER_REASON } },
    { STR_INIT("authrequired"), STR_INIT(""), STAGE_MAIL, { { NULL, 0 }, OTHER_REASON } },
    { STR_INIT("spf"),
      STR_INIT("lookupfailure"),
      STAGE_MAIL,
      { { NULL, 0 }, NAMED_SPF, KINDS, UNKNOWN, 15, NULL, { NULL, 0 } } },
    { STR_INIT("spf"),
      STR_INIT(""),
      STAGE_RCPT,
      { { NULL, 0 }, NAMED_SPF, KIND_SPF, NO, 15, NULL, { NULL, 0 } } },
    { STR_INIT("qregexbhelo"),
      STR_INIT(""),
      STAGE_RCPT,
      { { NULL, 0 }, NAMED_HELO, KINDS, UNKNOWN, 15, NULL, { NULL, 0 } } },
};

/* " name=value": values have no blanks, but in messages with SMTPUTF8. */
static struct str last_value(struct str text, struct str mark)
{
    struct str before, value = none, word;
    if (str_split_last(text, mark, &before, &value) && cut_until_char(&value, ' ', &word))
        return word;
    return value;
}

static enum taken take_qlog(const struct line *line, struct builder *builder)
{
    struct str rest = line->text, result, code_text, reason, detail, helo, sender, recipient, tail;
    uint64_t code = 0, pid = 0, number = 0;
    struct ip client;
    if (!cut_prefix(&rest, STR("result=")) || !cut_until(&rest, STR(" code="), &result) ||
        !cut_until(&rest, STR(" reason="), &code_text) || !cut_until(&rest, STR(" detail="), &reason) ||
        !cut_until(&rest, STR(" helo="), &detail) || !cut_until(&rest, STR(" mailfrom="), &helo) ||
        !cut_until(&rest, STR(" rcptto="), &sender) ||
        !str_split_last(rest, STR(" relay="), &recipient, &tail) || !str_number(code_text, &code) ||
        code < 200 || code > 599 || !str_number(last_value(tail, STR(" pid=")), &pid) ||
        !ip_parse(last_value(tail, STR(" remoteip=")), &client))
        return SKIPPED;
    bool received = str_eq(line->program, STR("qlogreceived"));
    struct open_session *open = session_of(builder, line, pid, &client);
    if (!open)
        return PASSED;
    struct session *session = &open->session;
    if (!session->client_port && str_number(last_value(tail, STR(" remoteport=")), &number) &&
        number <= UINT16_MAX)
        builder_set_client(builder, open, &session->client, (uint16_t)number);
    /* Until HELO it is the client's own name. */
    if (sender.len || recipient.len || !str_eq(helo, last_value(tail, STR(" remotehost="))))
        note_helo(builder, open, helo);
    session->tls |= last_value(tail, STR(" encrypted=")).len != 0;
    struct str user = last_value(tail, STR(" authuser="));
    if (str_eq(reason, STR("authfailed")) || str_eq(reason, STR("authinvalid"))) {
        note_auth(builder, open, line->at, user, false);
        return TAKEN; /* stops no attempt */
    }
    if (user.len)
        note_auth(builder, open, line->at, user, true);
    if (str_eq(reason, STR("alarmtimeout"))) {
        session->closed = CLOSED_TIMEOUT;
        return TAKEN;
    }
    struct said said = { .code = (int16_t)code,
                         .sender = sender,
                         .recipient = recipient.len ? recipient : none,
                         .text = str_range(reason.at, detail.at + detail.len) };
    said.stage = received ? STAGE_EOM : recipient.len ? STAGE_RCPT : STAGE_MAIL;
    said.valid = str_starts(detail, STR("chkuser")) && !str_eq(detail, STR("chkuserrelay")) ? YES
                 : str_eq(detail, STR("validrcptto"))                                       ? YES
                                                                                            : UNKNOWN;
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes && code >= 400 && !said.saying; i++)
        if (str_eq(reason, outcomes[i].reason) && str_starts(detail, outcomes[i].detail)) {
            said.saying = &outcomes[i].saying;
            said.stage = outcomes[i].stage;
        }
    if (said.stage == STAGE_BANNER && session->reply.named == NAMED_EARLY_TALKER)
        return TAKEN; /* GREETDELAY has told it */
    if (str_starts(reason, STR("rbl")))
        said.text = detail;
    if (received) { /* all recipients, with commas: their envelopes were told one by one */
        struct str qp = last_value(tail, STR(" qp="));
        note_said(builder, open, line->at, &said);
        if (open->transaction >= 0 && qp.len)
            session->transactions[open->transaction].queue_id = builder_keep(builder, open, qp);
        open->transaction = -1;
        return TAKEN;
    }
    note_said(builder, open, line->at, &said);
    return TAKEN;
}

/* ---- Lines that begin with the process: "qmail-smtpd[22]: …". */

/* "ip=192.0.2.1 query=1.2.0.192.bl.example.org result=reject message='…'" */
static enum taken take_rbl(const struct line *line, struct builder *builder, struct str rest)
{
    static const struct {
        struct str says;
        enum tri state;
    } results[] = { { STR_INIT("pass "), NO },
                    { STR_INIT("delay "), YES },
                    { STR_INIT("reject "), YES },
                    { STR_INIT("ignore "), YES },
                    { STR_INIT("dnserr "), UNKNOWN } };
    struct str address, zone, label;
    struct ip client;
    if (!cut_prefix(&rest, STR("ip=")) || !cut_until(&rest, STR(" query="), &address) ||
        !ip_parse(address, &client) || !cut_until(&rest, STR(" result="), &zone))
        return SKIPPED;
    struct open_session *open = session_of(builder, line, line->pid, &client);
    if (!open)
        return PASSED;
    for (int i = 0; i < (ip_is_v4(&client) ? 4 : 32); i++)
        if (!cut_until_char(&zone, '.', &label))
            return SKIPPED;
    reach(open, STAGE_RCPT);
    if (str_starts(rest, STR("accept "))) { /* a list of those who are let in */
        struct evidence exempt = evidence_of(KIND_EXEMPT, YES, line->at);
        exempt.detail = zone;
        evidence_once(builder, open, &exempt);
        return TAKEN;
    }
    struct evidence listed = evidence_of(KIND_DNSBL, UNKNOWN, line->at);
    listed.subject = zone;
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        if (str_starts(rest, results[i].says))
            listed.state = (uint8_t)results[i].state;
    evidence_once(builder, open, &listed);
    return TAKEN;
}

/* "from 192.0.2.1: client sent data before greeting", with ". ignoring" where that was all. */
static enum taken take_greetdelay(const struct line *line, struct builder *builder, struct str rest)
{
    static const struct saying early = { .named = NAMED_EARLY_TALKER, .kind = KINDS };
    struct str address;
    struct ip client;
    if (!cut_prefix(&rest, STR(" from ")) || !cut_until(&rest, STR(": "), &address) ||
        !ip_parse(address, &client))
        return PASSED; /* "GREETDELAY: 5s" */
    struct open_session *open = session_of(builder, line, line->pid, &client);
    if (!open)
        return PASSED;
    reach(open, STAGE_CONNECT);
    if (!str_starts(rest, STR("client sent data")))
        return TAKEN;
    struct evidence talker = evidence_of(KIND_EARLY_TALKER, YES, line->at);
    talker.a = talker.b = -1;
    evidence_once(builder, open, &talker);
    struct said said = { .code = 554, .stage = STAGE_BANNER, .text = rest, .saying = &early };
    if (!str_ends(rest, STR("ignoring")))
        note_said(builder, open, line->at, &said);
    return TAKEN;
}

/* ---- The logging patch: "message rejected (reason): a@b from 192.0.2.1 to c@d helo x". */

static enum taken take_logged(const struct line *line, struct builder *builder)
{
    struct str rest = line->text, what, reason = none, sender, address, recipient, helo;
    struct ip client;
    if (!str_split_last(rest, STR(" helo "), &rest, &helo) ||
        !str_split_last(rest, STR(" to "), &rest, &recipient) ||
        !str_split_last(rest, STR(" from "), &rest, &address) || !ip_parse(address, &client) ||
        !cut_until(&rest, STR(": "), &what))
        return SKIPPED;
    sender = str_eq(rest, STR("(null)")) ? none : rest;
    if (str_eq(recipient, STR("(null)")))
        recipient = none;
    str_split_last(what, STR(" ("), &what, &reason);
    if (reason.len && str_ends(reason, STR(")")))
        reason.len--;
    struct open_session *open = session_of(builder, line, 0, &client);
    if (!open)
        return PASSED;
    note_helo(builder, open, str_eq(helo, STR("(null)")) ? none : helo);
    struct said said = {
        .code = 550, .sender = sender.at ? sender : STR(""), .recipient = recipient, .text = reason
    };
    if (str_eq(what, STR("message accepted")) || str_eq(what, STR("accepted"))) {
        said.code = 250;
        said.stage = STAGE_EOM;
    } else if (str_starts(what, STR("message rejected"))) {
        static const struct saying listed = { .named = NAMED_DNSBL, .kind = KIND_DNSBL, .state = YES };
        said.stage = recipient.at ? STAGE_RCPT : STAGE_MAIL;
        if (str_find(what, STR("dnsbl"))) { /* "message rejected (qmail-dnsbl) (1.2.0.192.bl.example.org)" */
            struct str label;
            said.saying = &listed;
            said.code = 421;
            while (reason.len && is_digit(reason.at[0]) && cut_until_char(&reason, '.', &label))
                ;
            said.text = reason;
        }
    } else if (str_starts(what, STR("message too big")) || str_starts(what, STR("exceeded datasize"))) {
        said.code = 552;
        said.stage = what.at[0] == 'm' ? STAGE_EOM : STAGE_MAIL;
        said.text = what;
        if (said.stage == STAGE_MAIL && recipient.at) /* what MAIL was given */
            said.sender = recipient;
    } else {
        return TAKEN; /* "read failed", "reject (auth not available)" */
    }
    note_said(builder, open, line->at, &said);
    return TAKEN;
}

enum taken take_qmail_smtpd(const struct line *line, struct builder *builder)
{
    static const struct str others[] = {
        STR_INIT("badmailfrom: "), STR_INIT("badhelo: "),  STR_INIT("badrcptto: "),  STR_INIT("validrcptto"),
        STR_INIT("rcptcheck: "),   STR_INIT("RCPTCHECK "), STR_INIT("GREETDELAY: "), STR_INIT("policy_check"),
        STR_INIT("spp"),           STR_INIT("warning: "),  STR_INIT("tcp"),
    };
    struct str rest = line->text;
    if (str_starts(line->program, STR("qlog")))
        return take_qlog(line, builder);
    if (str_eq(line->program, STR("policy_check")))
        return PASSED; /* what follows says what came of it */
    if (cut_prefix(&rest, STR("pid ")))
        return take_labelled(line, builder, rest);
    if (cut_prefix(&rest, STR("rbl: ")))
        return take_rbl(line, builder, rest);
    if (cut_prefix(&rest, STR("GREETDELAY")))
        return take_greetdelay(line, builder, rest);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (str_starts(rest, others[i]))
            return PASSED;
    return take_logged(line, builder);
}

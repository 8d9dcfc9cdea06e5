/* Lines of Sendmail's that tell of transactions: rulesets and milters that refuse, what a message came to,
 * and its recipients' fate. Addresses are the client's own words, commas and all: each is taken by its
 * brackets. */
#include "collect/dialect/filter.h"
#include "collect/dialect/sendmail.h"

/* ---- Rulesets (proto.m4, srvrsmtp.c). */

static const struct ruleset {
    struct str name;
    enum stage stage;
    bool is_command; /* of a transaction, or before one */
} rulesets[] = {
    { STR_INIT("check_rcpt"), STAGE_RCPT, true },     { STR_INIT("check_mail"), STAGE_MAIL, true },
    { STR_INIT("check_relay"), STAGE_CONNECT, true }, { STR_INIT("check_data"), STAGE_DATA, true },
    { STR_INIT("check_compat"), STAGE_RCPT, true },   { STR_INIT("check_eoh"), STAGE_EOM, true },
    { STR_INIT("check_eom"), STAGE_EOM, true },       { STR_INIT("tls_client"), STAGE_HELO, true },
    { STR_INIT("check_vrfy"), STAGE_HELO, false },    { STR_INIT("check_expn"), STAGE_HELO, false },
    { STR_INIT("check_etrn"), STAGE_HELO, false },    { STR_INIT("trust_auth"), STAGE_HELO, false },
    { STR_INIT("srv_features"), STAGE_HELO, false },  { STR_INIT("greet_pause"), STAGE_BANNER, true },
    { STR_INIT("check_other"), STAGE_HELO, false },   { STR_INIT("bcc"), STAGE_RCPT, false },
};

/* Of this server as a client of others (deliver.c, usersmtp.c, queue.c). */
static const struct str of_clients[] = {
    STR_INIT("tls_server"), STR_INIT("tls_rcpt"), STR_INIT("try_tls"),
    STR_INIT("authinfo"),   STR_INIT("oc_rate"),  STR_INIT("oc_conc"),
};

/* Other names are those of header checks (K…, H…: $>CheckSubject). */
static struct ruleset ruleset_of(struct str name)
{
    for (size_t i = 0; i < sizeof rulesets / sizeof *rulesets; i++)
        if (str_eq(name, rulesets[i].name))
            return rulesets[i];
    return (struct ruleset){ name, STAGE_EOM, true };
}

/* "arg1=<a@b>", "arg1=mail.a.test", "arg2=127.0.0.2": up to the comma that ends it. */
static bool cut_argument(struct str *rest, struct str name, struct str *value)
{
    struct str in = *rest;
    if (!cut_prefix(&in, name))
        return false;
    if (!cut_bracketed(&in, value)) {
        size_t i = 0;
        while (i < in.len && !str_starts(str_skip(in, i), STR(", ")))
            i++;
        *value = (struct str){ in.at, i };
        in = str_skip(in, i);
    }
    *rest = in;
    return true;
}

/* What a DNS list answered stands where else the client's address is (dnsbl.m4). */
static int64_t list_answer(struct str text, const struct relay *relay)
{
    struct ip answer;
    if (!ip_parse(text, &answer) || !ip_is_v4(&answer) || ip_v4(&answer) >> 24 != 127 ||
        (ip_is_v4(&relay->client) && ip_v4(&relay->client) >> 24 == 127))
        return 0;
    return ip_v4(&answer);
}

static const struct saying some_list = { .named = NAMED_DNSBL, .kind = KIND_DNSBL, .state = YES };

/* ", relay=X, reject=…": its place behind arguments that are the client's own words, of a header or of any
 * command. The first that is the session's client, and where that is not known the last before the last
 * ", reject=". */
static bool find_relay(struct str *rest, const struct sendmail_line *at, struct relay *relay)
{
    const struct open_session *open = builder_find(at->builder, key_of_process(at->line), NULL);
    const char *end = rest->at + rest->len;
    struct str before = *rest, behind, last = { NULL, 0 };
    str_split_last(*rest, STR(", reject="), &before, &behind);
    const char *found = str_find(before, STR(", relay="));
    for (; found; found = str_find(str_range(found + 1, before.at + before.len), STR(", relay="))) {
        struct str in = str_range(found + STR(", relay=").len, end);
        last = in;
        cut_relay(&in, relay);
        if (open && !ip_is_none(&relay->client) && ip_eq(&relay->client, &open->session.client)) {
            *rest = in;
            return true;
        }
    }
    if (!last.at)
        return false;
    cut_relay(&last, relay);
    *rest = last;
    return true;
}

enum taken take_ruleset(struct str rest, const struct sendmail_line *at)
{
    struct str name, first = { NULL, 0 }, second = { NULL, 0 };
    struct relay relay = { .name = { NULL, 0 } };
    if (!cut_until(&rest, STR(", "), &name))
        return SKIPPED;
    struct str whole = rest;
    if (!cut_argument(&rest, STR("arg1="), &first))
        first = (struct str){ rest.at, 0 };
    cut_argument(&rest, STR(", arg2="), &second);
    for (size_t i = 0; i < sizeof of_clients / sizeof *of_clients; i++)
        if (str_eq(name, of_clients[i]))
            return PASSED;
    struct ruleset ruleset = ruleset_of(name);
    bool is_bracketed = first.at > whole.at && first.at[-1] == '<';
    if (is_bracketed || ruleset.stage == STAGE_CONNECT) {
        if (cut_prefix(&rest, STR(", relay=")))
            cut_relay(&rest, &relay);
    } else if (find_relay(&whole, at, &relay)) {
        rest = whole;
    }
    if (relay.local)
        return PASSED;
    if (ruleset.stage == STAGE_CONNECT && ip_is_none(&relay.client)) { /* it has gone already */
        struct str literal = first;
        cut_relay(&literal, &relay);
        if (ip_is_none(&relay.client) && !ip_parse(second, &relay.client))
            relay.client = (struct ip){ { 0 } };
    }
    struct open_session *open = sendmail_session(at, &relay);
    if (!open)
        return PASSED;
    bool rejected = cut_prefix(&rest, STR(", reject="));
    if (!rejected || !ruleset.is_command)
        return rejected || cut_prefix(&rest, STR(", discard")) || cut_prefix(&rest, STR(", quarantine=")) ||
                       cut_prefix(&rest, STR(", "))
                   ? TAKEN
                   : SKIPPED;
    struct sendmail_refusal refusal = { .stage = ruleset.stage };
    read_sendmail_reply(rest, 550, &refusal.reply);
    if (ruleset.stage == STAGE_MAIL)
        refusal.sender = first;
    else if (ruleset.stage == STAGE_RCPT)
        refusal.address = str_eq(name, STR("check_compat")) ? second : first;
    else if (ruleset.stage == STAGE_CONNECT)
        refusal.answer = list_answer(second, &relay);
    const struct saying *saying = saying_of(refusal.reply.text, ruleset.stage);
    if (refusal.answer && saying->named != NAMED_DNSBL)
        saying = &some_list;
    refusal.saying = saying;
    sendmail_refuse(at, open, &refusal);
    /* block_bad_helo.m4 tells the name. */
    struct str helo = refusal.reply.text;
    if (cut_prefix(&helo, STR("bogus HELO name used: ")) && !open->session.helo.at)
        open->session.helo = builder_keep(at->builder, open, helo);
    return TAKEN;
}

/* ---- Milters (milter.c). */

/* "reject=451 4.7.1 text", "rejecting commands", "temporarily failing commands"; false where nothing is
 * refused. */
static bool cut_verdict(struct str rest, struct reply *reply)
{
    if (str_starts(rest, STR("reject=421, errormode=4")))
        read_sendmail_reply(STR("421 4.3.0 closing connection"), 421, reply);
    else if (cut_prefix(&rest, STR("reject=")) || cut_prefix(&rest, STR("temp failing commands=")) ||
             cut_prefix(&rest, STR("shutdown=")))
        read_sendmail_reply(rest, 550, reply);
    else if (str_starts(rest, STR("shutdown")) || str_starts(rest, STR("closing connection")))
        read_sendmail_reply(STR("421 4.7.0 closing connection"), 421, reply);
    else if (str_starts(rest, STR("rejecting commands")) || str_starts(rest, STR("reject")))
        read_sendmail_reply(STR("554 Command rejected"), 554, reply);
    else if (str_starts(rest, STR("temp")))
        read_sendmail_reply(STR("451 4.3.2 Please try again later"), 451, reply);
    else
        return false;
    return true;
}

enum taken take_milter(struct str rest, const struct sendmail_line *at)
{
    struct sendmail_refusal refusal = { .stage = STAGE_EOM };
    struct str value, helo = { NULL, 0 };
    struct relay relay = { .name = { NULL, 0 } };
    if (cut_argument(&rest, STR("to="), &value)) {
        refusal.stage = STAGE_RCPT;
        refusal.address = value;
    } else if (cut_argument(&rest, STR("from="), &value)) {
        refusal.stage = STAGE_MAIL;
        refusal.sender = value;
    } else if (cut_argument(&rest, STR("helo="), &helo)) {
        refusal.stage = STAGE_HELO;
    } else if (cut_prefix(&rest, STR("connect: "))) {
        refusal.stage = STAGE_CONNECT;
        cut_argument(&rest, STR("host="), &relay.name);
        if (cut_argument(&rest, STR(", addr="), &value) && !ip_parse(value, &relay.client))
            relay.client = (struct ip){ { 0 } };
        if (relay.name.len && relay.name.at[0] == '[')
            relay.name = (struct str){ NULL, 0 };
    } else if (cut_prefix(&rest, STR("data"))) {
        refusal.stage = STAGE_EOM;
    } else if (cut_prefix(&rest, STR("cmd=data"))) {
        refusal.stage = STAGE_DATA;
    } else if (str_starts(rest, STR("initialization failed, "))) {
        refusal.stage = STAGE_CONNECT;
        rest = str_skip(rest, STR("initialization failed").len);
    } else {
        struct open_session *open = builder_find(at->builder, key_of_process(at->line), NULL);
        if (open)
            builder_took(at->builder, open, at->line);
        return open ? TAKEN : PASSED; /* "reject, data", "connect to filters", "init success" */
    }
    struct open_session *open = sendmail_session(at, &relay);
    if (!open)
        return PASSED;
    if (helo.at) {
        reach(open, STAGE_HELO);
        open->session.helo = builder_keep(at->builder, open, helo);
    }
    if (cut_prefix(&rest, STR(", ")) && cut_verdict(rest, &refusal.reply))
        sendmail_refuse(at, open, &refusal);
    return TAKEN;
}

/* "milter=labscan, action=rcpt, continue": that far the session went (LogLevel 14). What is refused is said
 * again. */
enum taken take_milter_step(struct str rest, const struct sendmail_line *at)
{
    static const struct step {
        struct str action;
        enum stage stage;
    } steps[] = {
        { STR_INIT("header,"), STAGE_DATA }, { STR_INIT("body,"), STAGE_DATA },
        { STR_INIT("eoh,"), STAGE_DATA },    { STR_INIT("rcpt,"), STAGE_RCPT },
        { STR_INIT("mail,"), STAGE_MAIL },   { STR_INIT("helo,"), STAGE_HELO },
    };
    struct str name;
    struct open_session *open = builder_find(at->builder, key_of_process(at->line), NULL);
    if (!open)
        return PASSED;
    builder_took(at->builder, open, at->line);
    if (cut_until(&rest, STR(", action="), &name))
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
            if (str_starts(rest, steps[i].action))
                reach(open, steps[i].stage);
    return TAKEN;
}

/* ---- What a transaction came to. */

enum { SENDER_BYTES_MOST = 200 }; /* logsender(): "from=%.200s, size=" */

/* "<a@b>, size=", "root, size=" */
static bool cut_sender(struct str *rest, struct str *sender)
{
    struct str in = str_skip(*rest, rest->len > SENDER_BYTES_MOST ? SENDER_BYTES_MOST : rest->len);
    if (str_starts(*rest, STR("<")) && cut_prefix(&in, STR(", size="))) { /* a long one, cut off */
        *sender = (struct str){ rest->at + 1, SENDER_BYTES_MOST - 1 };
        if (str_ends(*sender, STR(">")))
            sender->len--;
        *rest = in;
        return true;
    }
    in = *rest;
    if (!cut_bracketed(&in, sender) || !cut_prefix(&in, STR(", size="))) {
        in = *rest;
        if (!cut_until(&in, STR(", size="), sender))
            return false;
        cut_char(sender, '<');
        if (sender->len && sender->at[sender->len - 1] == '>')
            sender->len--;
    }
    *rest = in;
    return true;
}

/* It was taken unless something was said against it; a milter may refuse it yet, and says so behind. */
static void conclude_transaction(const struct sendmail_line *at, struct open_session *open, int32_t index,
                                 uint64_t size, bool has_message)
{
    struct transaction *transaction = &open->session.transactions[index];
    bool lost = open->flags & MESSAGE_LOST;
    open->flags &= ~(uint32_t)MESSAGE_LOST;
    if (size > 0) {
        reach(open, has_message && !lost ? STAGE_EOM : STAGE_DATA);
        transaction->size = size <= INT64_MAX ? (int64_t)size : -1;
    }
    if (transaction->reply.code || lost || !has_message)
        return;
    transaction->verdict = VERDICT_ACCEPTED;
    if (at->queue_id.at)
        builder_bind(at->builder, key_of_text(KEY_QUEUE_ID, at->line->host, at->queue_id), open, index, true);
}

enum taken take_from(struct str rest, const struct sendmail_line *at)
{
    struct str sender, fields, tail, message_id = { NULL, 0 }, before;
    struct relay relay = { .name = { NULL, 0 } };
    uint64_t size = 0, recipients = 0;
    if (!cut_sender(&rest, &sender) || !cut_number(&rest, &size) ||
        !cut_until(&rest, STR(", nrcpts="), &fields) || !cut_number(&rest, &recipients))
        return SKIPPED;
    if (!str_split_last(rest, STR(", relay="), &fields, &tail))
        return PASSED; /* not by SMTP */
    if (str_starts(tail, STR("[RESPONSE]")) || str_eq(tail, STR("localhost")))
        return PASSED; /* a bounce of its own, a message from here */
    cut_relay(&tail, &relay);
    if (relay.local || !is_of_process(at->queue_id, at->line->pid))
        return PASSED;
    if (cut_prefix(&fields, STR(", msgid=")))
        message_id = str_split_last(fields, STR(", bodytype="), &before, &tail) ||
                             str_split_last(fields, STR(", proto="), &before, &tail)
                         ? before
                         : fields;
    struct open_session *open = sendmail_session(at, &relay);
    if (!open)
        return PASSED;
    int32_t index = sendmail_transaction(at, open, sender);
    if (index < 0)
        return TAKEN;
    if (str_find(fields, STR(", proto=ESMTPS")))
        open->session.tls = true;
    if (message_id.len)
        open->session.transactions[index].message_id = builder_keep(at->builder, open, message_id);
    accept_recipients(at, open, index, recipients);
    conclude_transaction(at, open, index, size, size > 0 && recipients > 0);
    bool accepted = open->session.transactions[index].verdict == VERDICT_ACCEPTED;
    filter_know(at->builder, open, index, accepted, false, at->line->at);
    open->transaction = -1;
    builder_rest(at->builder, open, at->line);
    return TAKEN;
}

/* ---- Recipients. */

/* "00:00:09", "1+02:03:04" with days. */
static usec read_delay(struct str text)
{
    uint64_t part[4] = { 0 };
    struct str in = text, days;
    if (cut_until_char(&in, '+', &days) && !str_number(days, &part[0]))
        return -1;
    for (size_t i = 1; i < 4; i++)
        if (!cut_number(&in, &part[i]) || part[i] > 100 || (i < 3 && !cut_char(&in, ':')))
            return -1;
    if (part[0] > 10000)
        return -1;
    return (usec)part[0] * USEC_DAY + (usec)part[1] * USEC_HOUR + (usec)part[2] * USEC_MINUTE +
           (usec)part[3] * USEC_SECOND;
}

/* deliver.c: "Sent", "Deferred: ...", "queued"; all else is for good. */
static enum tri fate_of(struct str status)
{
    if (str_starts(status, STR("Sent")) || str_starts(status, STR("discarded")))
        return YES;
    return str_starts(status, STR("Deferred")) || str_starts(status, STR("queued")) ||
                   str_starts(status, STR("quarantined"))
               ? UNKNOWN
               : NO;
}

/* Recipients of a transaction that came to nothing: told by the server itself, no mailer was asked. */
static enum taken take_undelivered(struct str to, struct str status, const struct sendmail_line *at)
{
    int32_t index = -1;
    struct str address;
    session_key key = key_of_text(KEY_QUEUE_ID, at->line->host, at->queue_id);
    struct open_session *open = builder_find(at->builder, key, &index);
    if (!open && !is_of_process(at->queue_id, at->line->pid))
        return PASSED;
    if (!open || index < 0) {
        open = sendmail_session(at, NULL);
        index = open ? sendmail_transaction(at, open, (struct str){ NULL, 0 }) : -1;
    } else {
        builder_took(at->builder, open, at->line);
    }
    if (index < 0)
        return PASSED;
    uint64_t count = 0;
    for (struct str rest = to; cut_bracketed(&rest, &address); cut_char(&rest, ','))
        count++;
    accept_recipients(at, open, index, count);
    for (; cut_bracketed(&to, &address); cut_char(&to, ','))
        accepted_recipient(at, open, index, address);
    struct transaction *transaction = &open->session.transactions[index];
    if (str_starts(status, STR("aborted by sender")) || str_starts(status, STR("RSET")) ||
        str_starts(status, STR("discarded")) || str_starts(status, STR("quarantined")) ||
        transaction->reply.code)
        return TAKEN;
    struct sendmail_refusal refusal = { .stage = STAGE_EOM };
    /* MSG_TEMPFAIL of srvrsmtp.c, without its code */
    read_sendmail_reply(status, str_eq(status, STR("Please try again later")) ? 451 : 554, &refusal.reply);
    refusal.sender = transaction->mail_from;
    sendmail_refuse(at, open, &refusal);
    return TAKEN;
}

static void add_fate(const struct sendmail_line *at, struct open_session *open, int32_t index,
                     struct evidence fate)
{
    struct transaction *transaction = &open->session.transactions[index];
    fate.transaction = index;
    fate.recipient = accepted_recipient(at, open, index, fate.subject);
    if (fate.recipient >= 0) {
        struct recipient *recipient = &transaction->recipients[fate.recipient];
        bool unknown = fate.state == NO && str_starts(fate.detail, STR("5.1.1"));
        recipient->valid = (uint8_t)(unknown ? NO : recipient->valid == NO ? NO : YES);
    }
    builder_add_evidence(at->builder, open, &fate);
}

/* Whether all accepted recipients have met their fate. */
static bool is_over(const struct session *session, int32_t index)
{
    const struct transaction *transaction = &session->transactions[index];
    uint32_t accepted = 0, met = 0;
    for (uint32_t i = 0; i < transaction->recipient_count; i++)
        accepted += transaction->recipients[i].reply.code == 250;
    for (uint32_t i = 0; i < session->evidence_count; i++)
        met += session->evidence[i].kind == KIND_FATE && session->evidence[i].transaction == index &&
               session->evidence[i].state != UNKNOWN;
    return met >= accepted;
}

enum taken take_to(struct str rest, const struct sendmail_line *at)
{
    struct str to = rest, fields, status, delay = { NULL, 0 }, dsn = { NULL, 0 }, address, in;
    if (!at->queue_id.at)
        return SKIPPED;
    while (cut_bracketed(&rest, &address))
        cut_char(&rest, ',');
    if (!cut_until(&rest, STR(", stat="), &fields) && !cut_until(&rest, STR("stat="), &fields))
        return SKIPPED;
    to.len = (size_t)(fields.at - to.at);
    status = rest;
    if (!str_find(fields, STR("mailer=")))
        return take_undelivered(to, status, at);
    session_key key = key_of_text(KEY_QUEUE_ID, at->line->host, at->queue_id);
    if (!builder_knows(at->builder, key))
        return PASSED; /* sent from here */
    in = fields;
    if (cut_until(&in, STR(", dsn="), &dsn) || cut_until(&in, STR("dsn="), &dsn))
        dsn = in;
    in = fields;
    if (cut_until(&in, STR("delay="), &delay) && !cut_until_char(&in, ',', &delay))
        delay = in;
    struct evidence fate = evidence_of(KIND_FATE, fate_of(status), at->line->at);
    fate.detail = dsn.len ? str_range(dsn.at, status.at + status.len) : status; /* "2.0.0, stat=Sent" */
    fate.a = delay.at ? read_delay(delay) : -1;
    /* An alias or a .forward: what was asked for is the address that led here. */
    struct str asked = fields, before;
    if (cut_until(&asked, STR("ctladdr="), &before) && cut_bracketed(&asked, &address))
        to = str_range(address.at - 1, address.at + address.len + 1);
    int32_t index = -1;
    struct open_session *open = builder_find(at->builder, key, &index);
    if (open && index >= 0)
        builder_took(at->builder, open, at->line);
    while (cut_bracketed(&to, &fate.subject)) {
        if (open && index >= 0)
            add_fate(at, open, index, fate);
        else
            builder_add_by_key(at->builder, key, at->line, &fate);
        cut_char(&to, ',');
    }
    if (open && index >= 0 && is_over(&open->session, index))
        builder_unawait(at->builder, open, index);
    return TAKEN;
}

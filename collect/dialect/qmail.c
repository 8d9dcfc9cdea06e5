/* qmail: tcpserver, rblsmtpd, qmail-send, and what patched qmail-smtpds and simscan say. qmail-smtpd itself
 * logs nothing: without recordio, spamdyke or a patch a session is a connection and no more, and is marked as
 * one with a gap. */
#include "collect/dialect/qmail.h"

#include "collect/dialect/dialog.h"
#include "collect/dialect/phrases.h"

enum { LOOKED_AT_MOST = 64 }; /* of a client's sessions */

static bool recognise(struct str program)
{
    static const struct str tags[] = {
        STR_INIT("tcpserver"),    STR_INIT("sslserver"),   STR_INIT("rblsmtpd"),     STR_INIT("recordio"),
        STR_INIT("qmail"),        STR_INIT("qmail-send"),  STR_INIT("chkuser"),      STR_INIT("simscan"),
        STR_INIT("multilog"),     STR_INIT("qmail-smtpd"), STR_INIT("qlogenvelope"), STR_INIT("qlogreceived"),
        STR_INIT("policy_check"),
    };
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (str_eq(program, tags[i]))
            return true;
    return false;
}

/* ---- Sessions. */

session_key qmail_process(struct str host, uint64_t pid)
{
    return key_of_text(KEY_SESSION, host, (struct str){ (const char *)&pid, sizeof pid });
}

struct open_session *qmail_begin(struct builder *builder, const struct line *line, uint64_t pid)
{
    struct open_session *open = builder_open(builder, qmail_process(line->host, pid), line);
    open->flags |= line->host.len ? 0 : HOSTLESS;
    return open;
}

struct open_session *qmail_session(struct builder *builder, const struct line *line, uint64_t pid)
{
    struct open_session *open = builder_find(builder, qmail_process(line->host, pid), NULL);
    if (!open && line->host.len)
        open = builder_find(builder, qmail_process(STR(""), pid), NULL);
    if (open)
        builder_took(builder, open, line);
    return open;
}

/* Not one of another program's, which may serve the same client at the same time, nor another host's. */
static bool may_be_meant(const struct open_session *open, const struct line *line)
{
    const struct session *session = &open->session;
    return !open->ended && (recognise(session->service) || str_eq(session->service, STR("spamdyke"))) &&
           ((open->flags & HOSTLESS) || str_eq(session->server, line->host));
}

struct open_session *qmail_session_of(struct builder *builder, const struct line *line,
                                      const struct ip *client)
{
    struct open_session *open = builder_of_client(builder, client, NULL);
    for (int i = 0; open && !may_be_meant(open, line); i++)
        open = i < LOOKED_AT_MOST ? builder_of_client(builder, client, open) : NULL;
    if (open)
        builder_took(builder, open, line);
    return open;
}

int32_t qmail_transaction(struct builder *builder, struct open_session *open, struct str sender, usec at)
{
    struct session *session = &open->session;
    if (open->transaction >= 0) {
        const struct transaction *known = &session->transactions[open->transaction];
        if (known->reply.code == 0 && known->verdict == VERDICT_NONE && str_eq(known->mail_from, sender))
            return open->transaction;
    }
    struct transaction *transaction = builder_add_transaction(builder, open, at);
    if (!transaction)
        return -1;
    transaction->mail_from = builder_keep(builder, open, sender);
    open->transaction = (int32_t)session->transaction_count - 1;
    if (session->stage < STAGE_MAIL)
        session->stage = STAGE_MAIL;
    return open->transaction;
}

static void conclude(struct builder *builder, struct open_session *open)
{
    (void)builder;
    open->session.gap |= !(open->flags & (DIALOG_KNOWN | RBLSMTPD_REFUSED));
}

/* ---- tcpserver. */

/* "mx.lab.test:192.0.2.10:25", "mail54.a.test:198.51.100.54::35267": name, address, RFC 1413's user, port. */
struct endpoint {
    struct str name;
    struct ip address;
    uint16_t port;
};

static bool cut_last(struct str *text, struct str *field)
{
    const char *colon = str_find_last(*text, ':');
    if (!colon)
        return false;
    *field = str_range(colon + 1, text->at + text->len);
    text->len = (size_t)(colon - text->at);
    return true;
}

static bool read_endpoint(struct str text, bool has_user, struct endpoint *endpoint)
{
    struct str port, user;
    uint64_t number = 0;
    *endpoint = (struct endpoint){ .port = 0 };
    if (!cut_last(&text, &port) || !str_number(port, &number) || number > UINT16_MAX ||
        (has_user && !cut_last(&text, &user)) || !cut_until_char(&text, ':', &endpoint->name) ||
        !ip_parse(text, &endpoint->address))
        return false;
    endpoint->port = (uint16_t)number;
    return true;
}

static bool is_smtp(uint16_t port)
{
    static const uint16_t others[] = { 22, 53, 79, 80, 106, 110, 113, 143, 443, 628, 993, 995 };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (port == others[i])
            return false;
    return true;
}

/* "14320 mx.lab.test:192.0.2.10:25 mail54.a.test:198.51.100.54::35267" */
static enum taken take_connection(struct str rest, bool denied, const struct line *line,
                                  struct builder *builder)
{
    uint64_t pid = 0;
    struct str local;
    struct endpoint server, client;
    if (!cut_number(&rest, &pid) || !cut_char(&rest, ' ') || !cut_until_char(&rest, ' ', &local) ||
        !read_endpoint(local, false, &server) || !read_endpoint(str_trim(rest), true, &client))
        return SKIPPED;
    session_key key = qmail_process(line->host, pid);
    if (!is_smtp(server.port)) {
        builder_abandon(builder, key);
        return PASSED;
    }
    struct open_session *open = qmail_begin(builder, line, pid);
    struct session *session = &open->session;
    open->conclude = conclude;
    session->server_address = server.address;
    session->server_port = server.port;
    if (!session->server.len && server.name.len && !str_eq(server.name, STR("0")))
        session->server = builder_keep(builder, open, server.name);
    builder_set_client(builder, open, &client.address, client.port);
    if (client.name.len) { /* with -p it leads back, too; without, nobody looked; the line does not tell */
        struct evidence rdns = evidence_of(KIND_RDNS, YES, line->at);
        session->client_name = builder_keep(builder, open, client.name);
        builder_add_evidence(builder, open, &rdns);
    }
    if (denied) { /* by tcprules: closed without a word */
        session->reply = (struct reply){ .code = 554, .named = NAMED_OTHER, .stage = STAGE_CONNECT };
        session->reply.text = STR("deny");
        session->verdict = VERDICT_REJECTED;
        session->cut_off = true;
        open->flags |= RBLSMTPD_REFUSED;
        builder_close(builder, open, line, CLOSED_DROPPED);
    }
    return TAKEN;
}

/* "14320 status 0": exit code times 256, and signal. qmail-smtpd's is 0 only after QUIT. */
static enum taken take_end(struct str rest, const struct line *line, struct builder *builder)
{
    uint64_t pid = 0, status = 0;
    if (!cut_number(&rest, &pid) || !cut_prefix(&rest, STR(" status ")) || !cut_number(&rest, &status))
        return SKIPPED;
    struct open_session *open = qmail_session(builder, line, pid);
    if (!open)
        return PASSED;
    bool by_qmail = !(open->flags & (RBLSMTPD_REFUSED | SPAMDYKE));
    enum closed closed = !by_qmail || open->session.closed ? CLOSED_UNKNOWN
                         : status == 0                     ? CLOSED_QUIT
                         : status == 256                   ? CLOSED_LOST
                                                           : CLOSED_UNKNOWN;
    builder_close(builder, open, line, closed);
    return TAKEN;
}

static enum taken take_tcpserver(const struct line *line, struct builder *builder)
{
    struct str rest = line->text;
    if (cut_prefix(&rest, STR("ok ")))
        return take_connection(rest, false, line, builder);
    if (cut_prefix(&rest, STR("deny ")))
        return take_connection(rest, true, line, builder);
    if (cut_prefix(&rest, STR("end ")))
        return take_end(rest, line, builder);
    return str_starts(rest, STR("pid ")) || str_starts(rest, STR("status: ")) ||
                   str_starts(rest, STR("warning: ")) || str_starts(rest, STR("fatal: ")) ||
                   str_starts(rest, STR("cafile")) || str_starts(rest, STR("ssl ")) ||
                   str_starts(rest, STR("param "))
               ? PASSED
               : SKIPPED;
}

/* ---- rblsmtpd. */

/* What rblsmtpd repeats is the list's TXT record, or the site's own words (RBLSMTPD in tcprules): a record
 * has a page or a zone in it, or the usual words. */
static const struct saying *read_listing(struct str text, enum tri *state)
{
    static const struct saying listed = { .named = NAMED_DNSBL, .kind = KIND_DNSBL, .state = YES };
    static const struct saying failed = { .named = NAMED_DNSBL, .kind = KIND_DNSBL, .state = UNKNOWN };
    const struct saying *saying = saying_of(text, STAGE_CONNECT);
    *state = YES;
    if (str_starts(text, STR("Error: ")) || str_starts(text, STR("temporary ")))
        return &failed; /* the list did not say that it lists the client */
    if (saying->named == NAMED_DNSBL || zone_in(text).at || str_find(text, STR("://")))
        return &listed;
    return saying;
}

/* "203.0.113.3 pid 14330: 553 https://...": said at connect; the client hears it at RCPT. */
static enum taken take_rblsmtpd(const struct line *line, struct builder *builder)
{
    struct str rest = line->text, word;
    uint64_t pid = 0, code = 0;
    struct ip client;
    if (str_starts(rest, STR("warning: ")) || str_starts(rest, STR("fatal: ")))
        return PASSED;
    if (!cut_until(&rest, STR(" pid "), &word) || !cut_number(&rest, &pid) || !cut_prefix(&rest, STR(": ")) ||
        !cut_number(&rest, &code) || code < 400 || code > 599)
        return SKIPPED;
    struct open_session *open = qmail_session(builder, line, pid);
    if (!open) { /* the log begins here */
        if (!ip_parse(word, &client))
            return SKIPPED;
        open = qmail_begin(builder, line, pid);
        open->conclude = conclude;
        builder_set_client(builder, open, &client, 0);
    }
    enum tri state = YES;
    struct refused refused = { .at = line->at, .transaction = WHOLE_SESSION, .recipient = WHOLE_TRANSACTION };
    refused.reply = (struct reply){ .code = (int16_t)code, .stage = STAGE_CONNECT, .text = str_trim(rest) };
    open->flags |= RBLSMTPD_REFUSED;
    refused_note(builder, open, &refused, read_listing(refused.reply.text, &state));
    return TAKEN;
}

/* ---- chkuser. */

static const struct verdict_row {
    struct str says;
    enum stage stage;
    bool accepted;
} chkuser_verdicts[] = {
    { STR_INIT("accepted rcpt"), STAGE_RCPT, true },
    { STR_INIT("accepted any rcpt"), STAGE_RCPT, true },
    { STR_INIT("relaying rcpt"), STAGE_RCPT, true },
    { STR_INIT("accepted null sender"), STAGE_MAIL, true },
    { STR_INIT("accepted sender"), STAGE_MAIL, true },
    { STR_INIT("accepted any sender"), STAGE_MAIL, true },
    { STR_INIT("rejected rcpt"), STAGE_RCPT, false },
    { STR_INIT("rejected relaying"), STAGE_RCPT, false },
    { STR_INIT("rejected sender"), STAGE_MAIL, false },
    { STR_INIT("rejected intrusion"), STAGE_RCPT, false },
    { STR_INIT("intrusion threshold"), STAGE_RCPT, false },
    { STR_INIT("mbx overquota"), STAGE_RCPT, false },
    { STR_INIT("no auth resource"), STAGE_RCPT, false },
    { STR_INIT("rejected max rcpt"), STAGE_RCPT, false },
    { STR_INIT("must auth"), STAGE_RCPT, false },
    { STR_INIT("accepted doublebounce"), STAGE_MAIL, true },
};

enum { MAIL_ONLY = 2 };

/* chkuser's own words (chkuser.c, STR_CHKUSER_...). */
static const struct saying chkuser_sayings[] = {
    { STR_INIT("not existing recipient"), NAMED_RECIPIENT, KIND_RECIPIENT, NO, 15, NULL, { NULL, 0 } },
    { STR_INIT("client not allowed to relay"), NAMED_RELAY, KIND_RELAY, YES, 15, NULL, { NULL, 0 } },
    { STR_INIT("invalid sender MX domain"),
      NAMED_SENDER_DOMAIN,
      KIND_SENDER_DOMAIN,
      NO,
      15,
      "mx",
      { NULL, 0 } },
    { STR_INIT("invalid sender address format"), NAMED_OTHER, KINDS, UNKNOWN, 15, NULL, { NULL, 0 } },
    { STR_INIT("max number of allowed invalid rcpt"),
      NAMED_DICTIONARY,
      KINDS,
      UNKNOWN,
      15,
      NULL,
      { NULL, 0 } },
    { STR_INIT("max number of invalid recipients"), NAMED_DICTIONARY, KINDS, UNKNOWN, 15, NULL, { NULL, 0 } },
    { STR_INIT("temporary DNS problem"),
      NAMED_SENDER_DOMAIN,
      KIND_SENDER_DOMAIN,
      UNKNOWN,
      MAIL_ONLY,
      "mx",
      { NULL, 0 } },
    { STR_INIT("max number of allowed rcpt"), NAMED_OTHER, KINDS, UNKNOWN, 15, NULL, { NULL, 0 } },
};

static const struct saying *chkuser_saying(struct str text, enum stage stage)
{
    for (size_t i = 0; i < sizeof chkuser_sayings / sizeof *chkuser_sayings; i++)
        if (str_starts(text, chkuser_sayings[i].says) &&
            (stage == STAGE_MAIL || chkuser_sayings[i].stages != MAIL_ONLY))
            return &chkuser_sayings[i];
    return saying_of(text, stage);
}

/* "a@b.test:user:" in brackets: what follows the address is the user who authenticated, and whether he may
 * relay. */
static bool cut_colons(struct str *rest, struct str open, struct str *first, struct str *second,
                       struct str *third)
{
    struct str in = *rest, inside;
    *second = *third = (struct str){ NULL, 0 };
    if (!cut_prefix(&in, open) || !cut_until(&in, STR("> "), &inside))
        return false;
    struct str bar = inside, name; /* Sagredo's: "a@b|remoteinfo/auth:user|chkuser-identify:" */
    if (cut_until(&bar, STR("|remote"), first)) {
        cut_prefix(first, STR("helo:"));
        if (cut_until_char(&bar, '|', second) && cut_until_char(second, ':', &name) &&
            cut_until_char(&bar, ':', &name))
            *third = bar;
        *rest = in;
        return true;
    }
    if (cut_last(&inside, third) && !cut_last(&inside, second)) {
        *second = *third;
        *third = (struct str){ NULL, 0 };
    }
    *first = inside;
    *rest = in;
    return true;
}

/* "CHKUSER rejected rcpt: from <a@b::> remote <helo:name:192.0.2.1> rcpt <c@d> : not existing recipient" */
static enum taken take_chkuser(const struct line *line, struct builder *builder)
{
    struct str rest = line->text, what, sender, user, relay, helo, name, address, recipient;
    struct ip client;
    const struct verdict_row *verdict = NULL;
    if (!cut_prefix(&rest, STR("CHKUSER ")) || !cut_until(&rest, STR(": "), &what) ||
        !cut_colons(&rest, STR("from <"), &sender, &user, &relay) ||
        !cut_colons(&rest, STR("remote <"), &helo, &name, &address) || !ip_parse(address, &client) ||
        !cut_prefix(&rest, STR("rcpt <")) || !cut_until_char(&rest, '>', &recipient))
        return SKIPPED;
    for (size_t i = 0; i < sizeof chkuser_verdicts / sizeof *chkuser_verdicts && !verdict; i++)
        if (str_eq(what, chkuser_verdicts[i].says))
            verdict = &chkuser_verdicts[i];
    if (!verdict)
        return SKIPPED;
    cut_prefix(&rest, STR(" : "));
    struct open_session *open = qmail_session_of(builder, line, &client);
    if (!open)
        return PASSED; /* no tcpserver's log: nothing tells its sessions apart */
    open->flags |= DIALOG_KNOWN | CHKUSER_TOLD;
    if (helo.len)
        open->session.helo = builder_keep(builder, open, helo);
    if (user.len && !open->session.auth_user.at)
        open->session.auth_user = builder_keep(builder, open, user);
    int32_t index = qmail_transaction(builder, open, sender, line->at);
    if (index < 0)
        return TAKEN;
    struct refused refused = { .at = line->at, .transaction = index, .recipient = WHOLE_TRANSACTION };
    if (verdict->stage == STAGE_RCPT && builder_add_recipient(builder, open, index, recipient, line->at))
        refused.recipient = (int32_t)open->session.transactions[index].recipient_count - 1;
    if (open->session.stage < verdict->stage)
        open->session.stage = (uint8_t)verdict->stage;
    if (verdict->accepted) {
        if (refused.recipient >= 0) {
            struct recipient *taken = &open->session.transactions[index].recipients[refused.recipient];
            taken->reply = (struct reply){ .code = 250, .stage = STAGE_RCPT };
            taken->valid = str_starts(rest, STR("found existing")) ? YES : UNKNOWN;
        }
        return TAKEN;
    }
    refused.sender = sender;
    refused.address = recipient;
    bool later =
        str_starts(str_trim(rest), STR("temporary DNS")) || str_starts(str_trim(rest), STR("no auth res"));
    refused.reply =
        (struct reply){ .code = later ? 451 : 550, .stage = (uint8_t)verdict->stage, .text = str_trim(rest) };
    refused_note(builder, open, &refused, chkuser_saying(refused.reply.text, verdict->stage));
    return TAKEN;
}

/* ---- simscan. */

/* "15.3" in thousandths. */
static bool cut_score(struct str *rest, int64_t *score)
{
    struct str in = *rest;
    uint64_t whole = 0;
    int64_t unit = 100;
    bool minus = cut_char(&in, '-');
    if (!cut_number(&in, &whole) || whole > 1000000)
        return false;
    *score = (int64_t)whole * 1000;
    if (cut_char(&in, '.'))
        for (; in.len && is_digit(in.at[0]); in = str_skip(in, 1), unit /= 10)
            *score += unit * (in.at[0] - '0');
    if (minus)
        *score = -*score;
    *rest = in;
    return true;
}

/* The client, of "...:subject:192.0.2.1:from:to": the subject is anything, so from the right. */
static bool find_client(struct str text, struct ip *client, struct str *behind)
{
    const char *end = text.at + text.len;
    struct str field;
    while (cut_last(&text, &field))
        if (ip_parse(field, client) && ip_is_v4(client)) {
            const char *from = field.at + field.len;
            *behind = str_range(from < end ? from + 1 : from, end);
            return true;
        }
    return false;
}

/* "simscan:[14]:CLEAN (0.10/12.00):3.2463s:subject:192.0.2.1:from:to", "SPAM REJECTED (15.3/12.0):...",
 * "VIRUS:..." */
static enum taken take_simscan(const struct line *line, struct builder *builder)
{
    struct str rest = line->text, pid, word, behind, sender;
    struct ip client;
    cut_prefix(&rest, STR("simscan:"));
    if (!cut_char(&rest, '[') || !cut_until(&rest, STR("]:"), &pid))
        return SKIPPED;
    bool clean = str_starts(rest, STR("CLEAN")), virus = str_starts(rest, STR("VIRUS"));
    bool attachment = str_starts(rest, STR("ATTACH"));
    bool rejected = str_starts(rest, STR("SPAM REJECT")) || virus || attachment;
    if (!clean && !rejected && !str_starts(rest, STR("SPAM")) && !str_starts(rest, STR("RELAYCLIENT")) &&
        !str_starts(rest, STR("PASSTHRU")))
        return SKIPPED;
    if (!find_client(rest, &client, &behind) || !cut_until_char(&behind, ':', &sender))
        return SKIPPED;
    struct open_session *open = qmail_session_of(builder, line, &client);
    int32_t index = open ? qmail_transaction(builder, open, sender, line->at) : -1;
    if (index < 0)
        return PASSED;
    open->flags |= DIALOG_KNOWN;
    open->session.stage = STAGE_EOM;
    struct evidence score = evidence_of(virus ? KIND_VIRUS : KIND_SPAM, tri_of(rejected), line->at);
    score.transaction = index;
    score.a = score.b = INT64_MIN;
    if (cut_until(&rest, STR(" ("), &word)) {
        if (cut_score(&rest, &score.a) && cut_char(&rest, '/'))
            cut_score(&rest, &score.b);
    } else if (virus) {
        cut_prefix(&rest, STR("VIRUS:"));
        cut_until_char(&rest, ':', &score.detail);
        score.a = score.b = 0;
    }
    if (!attachment)
        builder_add_evidence(builder, open, &score);
    struct transaction *transaction = &open->session.transactions[index];
    if (!transaction->recipient_count && builder_add_recipient(builder, open, index, behind, line->at)) {
        transaction = &open->session.transactions[index];
        transaction->recipients[0].reply = (struct reply){ .code = 250, .stage = STAGE_RCPT };
    }
    if (rejected) {
        struct reply reply = { .code = 554, .stage = STAGE_EOM };
        reply.named = virus ? NAMED_VIRUS : attachment ? NAMED_OTHER : NAMED_SPAM;
        reply.text = virus ? STR("virus") : attachment ? STR("attachment") : STR("spam");
        transaction->reply = reply;
        builder_refused(open, &reply);
    } else {
        transaction->verdict = VERDICT_ACCEPTED;
    }
    return TAKEN;
}

/* ---- All. */

/* qmail-send knows its own numbers only: which session a message came by it does not tell. */
static enum taken take_qmail_send(struct str text)
{
    static const struct str known[] = {
        STR_INIT("new msg "),     STR_INIT("info msg "),       STR_INIT("end msg "),
        STR_INIT("bounce msg "),  STR_INIT("delivery "),       STR_INIT("starting "),
        STR_INIT("status: "),     STR_INIT("double bounce: "), STR_INIT("warning: "),
        STR_INIT("alert: "),      STR_INIT("triple bounce: "), STR_INIT("running"),
        STR_INIT("exiting"),      STR_INIT("local: "),         STR_INIT("number of "),
        STR_INIT("cannot start"),
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_starts(text, known[i]))
            return PASSED;
    return SKIPPED;
}

static enum taken take(const struct line *line, struct builder *builder)
{
    struct str program = line->program;
    if (str_eq(program, STR("tcpserver")) || str_eq(program, STR("sslserver")))
        return take_tcpserver(line, builder);
    if (str_eq(program, STR("rblsmtpd")))
        return take_rblsmtpd(line, builder);
    if (str_eq(program, STR("recordio")))
        return take_recordio(line, builder);
    if (str_eq(program, STR("chkuser")))
        return take_chkuser(line, builder);
    if (str_eq(program, STR("simscan")))
        return take_simscan(line, builder);
    if (str_eq(program, STR("qmail-smtpd")) && str_find(line->text, STR("CHKUSER "))) {
        struct line inner = *line;
        struct str before;
        cut_until(&inner.text, STR("CHKUSER "), &before);
        inner.text = str_range(inner.text.at - 8, line->text.at + line->text.len);
        return take_chkuser(&inner, builder);
    }
    if (str_eq(program, STR("qmail-smtpd")) || str_starts(program, STR("qlog")) ||
        str_eq(program, STR("policy_check")))
        return take_qmail_smtpd(line, builder);
    return take_qmail_send(line->text);
}

const struct dialect dialect_qmail = {
    .name = "qmail",
    .title = "qmail: tcpserver, rblsmtpd, recordio, qmail-send, chkuser, simscan",
    .recognise = recognise,
    .take = take,
    .conclude = conclude,
    .carry_notes = qmail_carry_notes,
};

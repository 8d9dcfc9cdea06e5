/* Lines of Exim's about a connection: that it came, was refused, got out of step, went. */
#include "collect/dialect/exim.h"

#include "base/leads.h"

static const struct str none = { NULL, 0 };

bool exim_cut_client(struct str *rest, struct exim_host *host)
{
    struct str in = *rest;
    if (!cut_prefix(&in, STR("H=")) && !cut_prefix(&in, STR("TFO* ")))
        cut_prefix(&in, STR("TFO "));
    if (!cut_exim_host(&in, host))
        return false;
    *rest = in;
    return true;
}

bool exim_cut_client_behind(struct str *rest, struct str mark, struct exim_host *host)
{
    const char *end = rest->at + rest->len;
    struct str found = none;
    for (const char *at = str_find(*rest, mark); at; at = str_find(str_range(at + 1, end), mark)) {
        struct str in = str_range(at + mark.len, end);
        struct exim_host other;
        if ((at == rest->at || at[-1] != '\\') && exim_cut_client(&in, &other)) {
            *host = other;
            found = in;
        }
    }
    if (!found.at)
        return false;
    *rest = found;
    return true;
}

void exim_note_foreign(struct builder *builder, struct open_session *open, usec at, struct str command)
{
    static const struct str foreign[] = { STR_INIT("GET "),       STR_INIT("POST "),    STR_INIT("PUT "),
                                          STR_INIT("HEAD "),      STR_INIT("CONNECT "), STR_INIT("OPTIONS "),
                                          STR_INIT("\\026\\003"), STR_INIT("SSH-") };
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (str_starts(command, foreign[i])) {
            struct evidence evidence = evidence_of(KIND_NON_SMTP, YES, at);
            evidence.detail = command;
            evidence_once(builder, open, &evidence);
        }
}

/* ---- Each shape; `rest` is what follows the words that it is known by. */

/* How a connection ended: the words behind the client. */
static const struct ending {
    struct str says;
    enum closed closed;
} endings[] = {
    { STR_INIT("closed by QUIT"), CLOSED_QUIT },
    { STR_INIT("lost"), CLOSED_LOST },
    { STR_INIT("TFO lost"), CLOSED_LOST },
    { STR_INIT("closed by EOF"), CLOSED_LOST },
    { STR_INIT("closed by DROP"), CLOSED_DROPPED },
    { STR_INIT("closed after SIGTERM"), CLOSED_DROPPED },
    { STR_INIT("closed after SIGINT"), CLOSED_DROPPED },
    { STR_INIT("closed SIG"), CLOSED_DROPPED }, /* 4.98, while a message comes in */
    { STR_INIT("dropped"), CLOSED_DROPPED },
    { STR_INIT("closed"), CLOSED_UNKNOWN },
};

/* It began as long before as the line says. */
static void note_duration(struct open_session *open, const struct exim_line *exim, struct str rest)
{
    usec length = exim_duration(rest);
    if (length >= 0 && exim->line->at - length < open->session.started)
        open->session.started = exim->line->at - length;
}

/* "SMTP connection from HOST (TCP/IP connection count = 1)", by the daemon, and "… closed by QUIT", "… lost
 * D=2s" by who served it: with +smtp_connection, on for "lost while reading message data". */
static enum taken take_connection(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    struct exim_host host;
    if (!exim_cut_client(&rest, &host))
        return PASSED; /* "from root": -bs */
    struct str tail = rest, duration;
    while (cut_char(&tail, ' '))
        ;
    cut_prefix(&tail, STR("(via inetd) "));
    if (str_starts(tail, STR("D=")) && !cut_until_char(&tail, ' ', &duration)) /* 4.98 */
        return SKIPPED;
    if (str_starts(tail, STR("(TCP/IP connection count"))) {
        struct exim_line daemon = *exim;
        daemon.pid = 0; /* who serves it has another */
        struct open_session *open = exim_begin(builder, &daemon, &host);
        open->flags |= EXIM_COUNTED;
        return TAKEN;
    }
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (str_starts(tail, endings[i].says)) {
            struct exim_line last = *exim;
            last.is_last = true;
            struct open_session *open = exim_session(builder, &last, &host, none, none);
            note_duration(open, exim, rest);
            if (str_starts(tail, STR("lost while reading message data")))
                exim_reach(open, STAGE_DATA);
            exim_end(open, exim, endings[i].closed);
            if (open->flags & EXIM_COUNTED)
                builder_close(builder, open, exim->line, CLOSED_UNKNOWN);
            return TAKEN;
        }
    return SKIPPED;
}

/* "SMTP connection Ci=769 from HOST D=2s closed by QUIT" (4.98, +connection_id): its process. */
static enum taken take_numbered(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    struct exim_line of_process = *exim;
    uint64_t pid = 0;
    if (!cut_number(&rest, &pid) || pid > UINT32_MAX || !cut_prefix(&rest, STR(" from ")))
        return SKIPPED;
    of_process.pid = (uint32_t)pid;
    return take_connection(builder, &of_process, rest);
}

static enum taken end_of(struct builder *builder, const struct exim_line *exim, const struct exim_host *host,
                         struct str rest, enum closed closed, enum stage stage)
{
    struct exim_line last = *exim;
    last.is_last = true;
    struct open_session *open = exim_session(builder, &last, host, none, none);
    note_duration(open, exim, rest);
    exim_reach(open, stage);
    exim_end(open, exim, closed);
    return TAKEN;
}

/* "no MAIL in SMTP connection from HOST D=0.001s A=LOGIN:bob X=… C=EHLO,QUIT" (+smtp_no_mail) */
static enum taken take_no_mail(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    struct exim_host host;
    if (!exim_cut_client(&rest, &host))
        return PASSED;
    struct exim_line last = *exim;
    struct exim_clauses clauses;
    struct str behind = rest, said = rest, before;
    str_split_last(rest, STR(" C="), &before, &said); /* the last: a certificate's name may hold others */
    bool greeted = str_find(said, STR("EHLO")) || str_find(said, STR("HELO"));
    last.is_last = true;
    struct open_session *open = exim_session(builder, &last, &host, none, none);
    note_duration(open, exim, rest);
    exim_reach(open, greeted ? STAGE_HELO : STAGE_CONNECT);
    if (cut_prefix(&behind, STR(" D=")) && cut_until_char(&behind, ' ', &before)) {
        cut_exim_clauses(&behind, &clauses);
        exim_note_clauses(builder, open, exim->line->at, &clauses);
    }
    exim_end(open, exim, str_find(said, STR("QUIT")) ? CLOSED_QUIT : CLOSED_UNKNOWN);
    return TAKEN;
}

/* "unexpected disconnection while reading SMTP command from HOST (error: …) D=2s" */
static enum taken take_disconnection(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    struct exim_host host;
    return exim_cut_client(&rest, &host) ? end_of(builder, exim, &host, rest, CLOSED_LOST, STAGE_BANNER)
                                         : PASSED;
}

static enum taken take_command_timeout(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    struct exim_host host;
    struct str before;
    if (!cut_until(&rest, STR("connection from "), &before) || !exim_cut_client(&rest, &host))
        return PASSED;
    return end_of(builder, exim, &host, rest, CLOSED_TIMEOUT, STAGE_BANNER);
}

static enum taken take_data_timeout(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    struct exim_host host;
    struct exim_clauses clauses;
    struct str before;
    if (!cut_until(&rest, STR("connection from "), &before) || !exim_cut_client(&rest, &host))
        return PASSED;
    cut_exim_clauses(&rest, &clauses);
    exim_greeted(&host);
    struct open_session *open = exim_session(builder, exim, &host, clauses.sender, none);
    exim_transaction(builder, open, exim, clauses.sender);
    exim_reach(open, STAGE_DATA);
    exim_end(open, exim, CLOSED_TIMEOUT);
    return TAKEN;
}

/* "SMTP connection lost after final dot H=HOST P=esmtp": it was not taken. */
static enum taken take_lost_after_dot(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    struct exim_host host;
    if (!exim_cut_client(&rest, &host))
        return SKIPPED;
    struct open_session *open = exim_session(builder, exim, &host, none, none);
    exim_transaction(builder, open, exim, none);
    exim_reach(open, STAGE_EOM);
    exim_end(open, exim, CLOSED_LOST);
    return TAKEN;
}

/* "SMTP call from HOST dropped: too many unrecognized commands (last was "GET / HTTP/1.1")" */
static enum taken take_call(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    struct exim_host host;
    struct str before;
    if (!exim_cut_client(&rest, &host))
        return PASSED;
    struct exim_line last = *exim;
    last.is_last = true;
    struct open_session *open = exim_session(builder, &last, &host, none, none);
    if (cut_until(&rest, STR(" was \""), &before)) {
        if (str_ends(rest, STR("\")")))
            rest.len -= 2;
        exim_note_foreign(builder, open, exim->line->at, rest);
    }
    exim_reach(open, STAGE_BANNER);
    exim_end(open, exim, CLOSED_DROPPED);
    return TAKEN;
}

/* "SMTP syntax error in "MAIL FROM foo" H=HOST unrecognized command" (+smtp_syntax_error), "SMTP protocol
 * error in …". */
static enum taken take_error(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    struct exim_host host;
    struct str command = rest;
    if (!exim_cut_client_behind(&rest, STR("\" H="), &host))
        return PASSED;
    cut_char(&command, '"');
    struct open_session *open = exim_session(builder, exim, &host, none, none);
    exim_note_foreign(builder, open, exim->line->at, command);
    exim_reach(open, STAGE_BANNER);
    return TAKEN;
}

/* "no host name found for IP address 203.0.113.152": logged when the connection comes. */
static enum taken take_no_name(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    struct exim_host host = { 0 };
    struct evidence rdns = evidence_of(KIND_RDNS, NO, exim->line->at),
                    fcrdns = evidence_of(KIND_FCRDNS, NO, exim->line->at);
    if (!ip_parse(rest, &host.address))
        return SKIPPED;
    struct open_session *open = NULL;
    bool announced = false; /* by the daemon */
    for (int i = 0; i < 16 && !announced && (open = builder_of_client(builder, &host.address, open)); i++)
        announced = !open->ended && (open->flags & EXIM_FRESH) && (open->flags & EXIM_COUNTED) &&
                    !open->session.evidence_count && exim_has_begun(open, exim);
    if (announced) {
        builder_took(builder, open, exim->line);
    } else {
        open = exim_begin(builder, exim, &host);
        builder_rest(builder, open, exim->line);
    }
    builder_add_evidence(builder, open, &rdns);
    builder_add_evidence(builder, open, &fcrdns);
    return TAKEN;
}

/* "no IP address found for host NAME (during SMTP connection from HOST)": a PTR that leads nowhere. */
static enum taken take_no_address(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    struct exim_host host;
    struct str name;
    if (!cut_until(&rest, STR(" (during SMTP connection from "), &name) || !exim_cut_client(&rest, &host))
        return PASSED;
    struct open_session *open = exim_session(builder, exim, &host, none, none);
    struct evidence rdns = evidence_of(KIND_RDNS, YES, exim->line->at),
                    fcrdns = evidence_of(KIND_FCRDNS, NO, exim->line->at);
    rdns.detail = name;
    open->flags |= EXIM_FRESH;
    evidence_once(builder, open, &rdns);
    evidence_once(builder, open, &fcrdns);
    return TAKEN;
}

/* "TLS error on connection from HOST (gnutls_handshake): …" */
static enum taken take_tls(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    struct exim_host host;
    struct str before;
    if (!cut_until(&rest, STR("connection from "), &before) || !exim_cut_client(&rest, &host))
        return PASSED;
    struct open_session *open = exim_session(builder, exim, &host, none, none);
    exim_reach(open, STAGE_BANNER);
    return TAKEN;
}

static enum taken take_etrn(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    struct exim_host host;
    struct str before;
    if (cut_until(&rest, STR(" received from "), &before) && exim_cut_client(&rest, &host))
        exim_session(builder, exim, &host, none, none);
    return PASSED;
}

/* "DNS list lookup defer (probably timeout) for 125.100.51.198.dead.rbl.test: assumed not in list" */
static enum taken take_dns_list(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    struct str before, zone;
    uint64_t octet[4] = { 0 };
    if (!cut_until(&rest, STR(" for "), &before))
        return PASSED;
    for (int i = 4; i-- > 0;)
        if (!cut_number(&rest, &octet[i]) || octet[i] > 255 || !cut_char(&rest, '.'))
            return PASSED;
    if (!cut_until(&rest, STR(": "), &zone))
        return PASSED;
    struct exim_host host = { .address = ip_from_v4(
                                  (uint32_t)(octet[0] << 24 | octet[1] << 16 | octet[2] << 8 | octet[3])) };
    struct open_session *open = exim_session(builder, exim, &host, none, none);
    struct evidence listed = evidence_of(KIND_DNSBL, UNKNOWN, exim->line->at);
    listed.subject = zone;
    open->flags |= EXIM_FRESH;
    evidence_once(builder, open, &listed);
    return TAKEN;
}

/* "DNS list lookup for 192.0.2.1 at bl.example.org returned 192.0.2.66; not in 127.0/8 and discarded": of the
 * client's address; else of a name, and no measure's. */
static enum taken take_dns_answer(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    struct exim_host host = { 0 };
    struct str address, zone;
    if (!cut_until(&rest, STR(" at "), &address) || !cut_until(&rest, STR(" returned "), &zone) ||
        !ip_parse(address, &host.address))
        return PASSED;
    struct open_session *open = exim_session(builder, exim, &host, none, none);
    struct evidence listed = evidence_of(KIND_DNSBL, UNKNOWN, exim->line->at);
    listed.subject = zone;
    open->flags |= EXIM_FRESH;
    evidence_once(builder, open, &listed);
    return TAKEN;
}

/* The words of $smtp_notquit_reason, for an ACL's "logwrite = notquit $smtp_notquit_reason from
 * $sender_host_address". */
static enum taken take_not_quit(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    static const struct reason {
        struct str says;
        enum closed closed;
    } reasons[] = {
        { STR_INIT("acl-drop"), CLOSED_DROPPED },
        { STR_INIT("bad-commands"), CLOSED_DROPPED },
        { STR_INIT("command-timeout"), CLOSED_TIMEOUT },
        { STR_INIT("connection-lost"), CLOSED_LOST },
        { STR_INIT("data-timeout"), CLOSED_TIMEOUT },
        { STR_INIT("signal-exit"), CLOSED_DROPPED },
        { STR_INIT("synchronization-error"), CLOSED_DROPPED },
        { STR_INIT("tls-failed"), CLOSED_UNKNOWN },
        { STR_INIT("local-scan-error"), CLOSED_DROPPED },
        { STR_INIT("local-scan-timeout"), CLOSED_DROPPED },
    };
    struct exim_host host = { 0 };
    struct str reason;
    if (!cut_until(&rest, STR(" from "), &reason) || !ip_parse(rest, &host.address))
        return SKIPPED;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (str_eq(reason, reasons[i].says))
            return end_of(builder, exim, &host, (struct str){ rest.at + rest.len, 0 }, reasons[i].closed,
                          STAGE_CONNECT);
    return SKIPPED;
}

/* "whitelisted 198.51.100.6 by wl.example-rbl.test": the usual words of a logwrite. */
static enum taken take_whitelisted(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    struct exim_host host = { 0 };
    struct str address;
    if (!cut_until_char(&rest, ' ', &address) || !ip_parse(address, &host.address))
        return SKIPPED;
    struct open_session *open = exim_session(builder, exim, &host, none, none);
    struct evidence exempt = evidence_of(KIND_EXEMPT, YES, exim->line->at);
    exempt.detail = str_range(address.at, rest.at + rest.len);
    evidence_once(builder, open, &exempt);
    return TAKEN;
}

static enum taken pass(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    (void)builder;
    (void)exim;
    (void)rest;
    return PASSED;
}

/* "Message abandoned: Input read error (Connection reset by peer) while receiving message from HOST", 451 to
 * who is still there. */
static enum taken take_abandoned(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    struct exim_host host;
    struct str what;
    if (!cut_until(&rest, STR(" while receiving message from "), &what) || !exim_cut_client(&rest, &host))
        return PASSED;
    struct open_session *open = exim_session(builder, exim, &host, none, none);
    int32_t index = exim_transaction(builder, open, exim, none);
    exim_reach(open, STAGE_DATA);
    if (index < 0 || !str_starts(what, STR("Spool write")))
        return TAKEN;
    struct refused refused = { .at = exim->line->at,
                               .reply = { .code = 451, .stage = STAGE_EOM, .text = what },
                               .transaction = index,
                               .recipient = WHOLE_TRANSACTION };
    refused_note(builder, open, &refused, saying_of(STR(""), STAGE_EOM));
    return TAKEN;
}

/* "SSL_write: (from HOST) syscall: Connection reset by peer" (tls-openssl.c) */
static enum taken take_ssl(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    struct exim_host host;
    if (!exim_cut_client(&rest, &host))
        return PASSED;
    exim_session(builder, exim, &host, none, none);
    return TAKEN;
}

/* "VRFY failed for alice H=HOST" */
static enum taken take_vrfy(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    struct exim_host host;
    struct str address = rest;
    if (!exim_cut_client_behind(&rest, STR(" H="), &host))
        return PASSED;
    address = str_range(address.at, rest.at);
    struct open_session *open = exim_session(builder, exim, &host, none, none);
    struct evidence probe = evidence_of(KIND_VRFY, YES, exim->line->at);
    struct str before, behind;
    if (str_split_last(address, STR(" H="), &before, &behind))
        address = before;
    probe.subject = address;
    builder_add_evidence(builder, open, &probe);
    exim_reach(open, STAGE_BANNER);
    return TAKEN;
}

/* "ignoring AUTH=a@b.test from H=HOST (client not authenticated)" */
static enum taken take_ignored_auth(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    struct exim_host host;
    if (!exim_cut_client_behind(&rest, STR(" from H="), &host))
        return PASSED;
    exim_session(builder, exim, &host, none, none);
    return TAKEN;
}

/* Of those that begin with the same letter, in order of how often they stand there by default. */
static const struct shape {
    struct str begins;
    exim_take_fn *take;
} shapes[] = {
    { STR_INIT("no host name found for IP address "), take_no_name },
    { STR_INIT("SMTP connection from "), take_connection },
    { STR_INIT("SMTP connection Ci="), take_numbered },
    { STR_INIT("no MAIL in SMTP connection from "), take_no_mail },
    { STR_INIT("no MAIL in TFO SMTP connection from "), take_no_mail },
    { STR_INIT("no MAIL in TFO* SMTP connection from "), take_no_mail },
    { STR_INIT("SMTP protocol synchronization error ("), exim_take_synchronization },
    { STR_INIT("unexpected disconnection while reading SMTP command from "), take_disconnection },
    { STR_INIT("rejected "), exim_take_rejected },
    { STR_INIT("Connection from "), exim_take_refused },
    { STR_INIT("no IP address found for host "), take_no_address },
    { STR_INIT("SMTP call from "), take_call },
    { STR_INIT("SMTP command timeout on "), take_command_timeout },
    { STR_INIT("SMTP data timeout (message abandoned) on "), take_data_timeout },
    { STR_INIT("SMTP connection lost after final dot H="), take_lost_after_dot },
    { STR_INIT("SMTP syntax error in "), take_error },
    { STR_INIT("SMTP protocol error in "), take_error },
    { STR_INIT("refused connection from "), exim_take_refused_host },
    { STR_INIT("connection from "), exim_take_options },
    { STR_INIT("temporarily "), exim_take_temporarily },
    { STR_INIT("ridiculously long "), exim_take_overlong },
    { STR_INIT("overlong "), exim_take_overlong },
    { STR_INIT("Message abandoned: "), take_abandoned },
    { STR_INIT("SSL_write: (from "), take_ssl },
    { STR_INIT("too many "), exim_take_too_many },
    { STR_INIT("unqualified "), exim_take_unqualified },
    { STR_INIT("TLS "), take_tls },
    { STR_INIT("ETRN "), take_etrn },
    { STR_INIT("DNS list lookup defer"), take_dns_list },
    { STR_INIT("notquit "), take_not_quit },
    { STR_INIT("whitelisted "), take_whitelisted },
    { STR_INIT("Start queue run: "), pass },
    { STR_INIT("End queue run: "), pass },
    { STR_INIT("cwd="), pass },
    { STR_INIT("exim "), pass },
    { STR_INIT("Exim "), pass },
    { STR_INIT("daemon"), pass },
    { STR_INIT("SIGHUP "), pass },
    { STR_INIT("SIGTERM "), pass },
    { STR_INIT("pid "), pass },
    { STR_INIT("Failed to "), pass },
    { STR_INIT("Warning: "), pass },
    { STR_INIT("VRFY failed for "), take_vrfy },
    { STR_INIT("VRFY "), pass },
    { STR_INIT("EXPN "), pass },
    { STR_INIT("U="), pass },
    { STR_INIT("F="), exim_take_local_scan },
    { STR_INIT("ignoring AUTH="), take_ignored_auth },
    { STR_INIT("DNS list lookup for "), take_dns_answer },
    { STR_INIT("getsockopt() failed from "), pass },
    { STR_INIT("Connection identification"), pass },
    { STR_INIT("ident connection to "), pass },
    { STR_INIT("Long "), pass },
    { STR_INIT("host name alias list truncated"), pass },
    { STR_INIT("unexpected EOF while reading SMTP command"), pass }, /* -bs */
    { STR_INIT("spool directory space check failed"), pass },
    { STR_INIT("log directory space check failed"), pass },
    { STR_INIT("no immediate delivery: "), pass },
    { STR_INIT("listen backlog "), pass },
    { STR_INIT("socket bind() "), pass },
    { STR_INIT("notify triggered queue run"), pass },
    { STR_INIT("DKIM: "), pass }, /* of no message */
    { STR_INIT("SSL_write error "), pass },
    { STR_INIT("SSL channel closed on write"), pass },
    { STR_INIT("SSL verify denied "), pass },
};

static struct leads leads = { .filled = ONCE_FLAG_INIT };

static void fill_leads(void)
{
    leads_fill(&leads, &shapes->begins, sizeof *shapes, sizeof shapes / sizeof *shapes);
}

/* "LOGIN authenticator failed for HOST: 535 Incorrect authentication data (set_id=alice)" */
static enum taken take_authenticator(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    struct exim_host host;
    struct str user = none, before;
    if (!exim_cut_client(&rest, &host))
        return SKIPPED;
    struct open_session *open = exim_session(builder, exim, &host, none, none);
    struct evidence auth = evidence_of(KIND_AUTH, NO, exim->line->at);
    if (cut_until(&rest, STR("(set_id="), &before)) {
        const char *end = str_find_last(rest, ')');
        user = end ? str_range(rest.at, end) : rest;
    }
    auth.subject = user;
    builder_add_evidence(builder, open, &auth);
    exim_reach(open, STAGE_HELO);
    return TAKEN;
}

/* What stands behind the id of a message and says nothing of a session: its way from here. */
static enum taken take_unknown(const struct exim_line *exim, struct str text)
{
    static const struct str known[] = { STR_INIT("Message is frozen"),
                                        STR_INIT("Frozen"),
                                        STR_INIT("Unfrozen"),
                                        STR_INIT("removed by "),
                                        STR_INIT("cancelled by "),
                                        STR_INIT("no immediate"),
                                        STR_INIT("Spool file"),
                                        STR_INIT("SMTP error from"),
                                        STR_INIT("Remote host "),
                                        STR_INIT("routing "),
                                        STR_INIT("Retry time"),
                                        STR_INIT("retry time"),
                                        STR_INIT("Warning:"),
                                        STR_INIT("alias"),
                                        STR_INIT("Error while"),
                                        STR_INIT("spam acl condition"),
                                        STR_INIT("malware acl"),
                                        STR_INIT("DMARC"),
                                        STR_INIT("PRDR "),
                                        STR_INIT("frozen by "),
                                        STR_INIT("local_scan() "),
                                        STR_INIT("invalid return "),
                                        STR_INIT("spam acl"),
                                        STR_INIT("regex acl"),
                                        STR_INIT("mime_regex acl"),
                                        STR_INIT("MIME acl"),
                                        STR_INIT("internal scanner error"),
                                        STR_INIT("spoolfile error"),
                                        STR_INIT("Spool write error"),
                                        STR_INIT("DKIM: "),
                                        STR_INIT("\""), /* rewritten by submission mode */
                                        STR_INIT("SA: "),
                                        STR_INIT("PDKIM"),
                                        STR_INIT("failed to "),
                                        STR_INIT("marked "),
                                        STR_INIT("SMTP timeout"),
                                        STR_INIT("original"),
                                        STR_INIT("TLS "),
                                        STR_INIT("Greylist"),
                                        STR_INIT("H="),
                                        STR_INIT("[") };
    struct str name;
    for (size_t i = 0; exim->id.at && i < sizeof known / sizeof *known; i++)
        if (str_starts(text, known[i]))
            return PASSED;
    if (str_starts(text, STR("[")) &&
        (str_find(text, STR("] SSL verify ")) || str_find(text, STR("] after QUIT, client reset"))))
        return PASSED; /* tls-openssl.c, of either side */
    /* "mx.example.org [192.0.2.1] Connection timed out": the other end of a delivery */
    return exim->id.at && cut_until_char(&text, ' ', &name) && text.len && text.at[0] == '[' ? PASSED
                                                                                             : SKIPPED;
}

enum taken exim_take_smtp(struct builder *builder, const struct exim_line *exim, struct str text)
{
    struct str rest = text, mechanism;
    call_once(&leads.filled, fill_leads);
    for (uint8_t row = text.len ? leads.first[(unsigned char)text.at[0]] : 0; row; row = leads.next[row])
        if (cut_prefix(&rest, shapes[row - 1].begins))
            return shapes[row - 1].take(builder, exim, rest);
    if (cut_until_char(&rest, ' ', &mechanism) && cut_prefix(&rest, STR("authenticator failed for ")))
        return take_authenticator(builder, exim, rest);
    return take_unknown(exim, text);
}

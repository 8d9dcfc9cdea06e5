/* Sendmail 8.9 to 8.18. One process serves one session, so its pid is the session; an id is made for each
 * transaction, the first at connect. LogLevel 9 tells little of a session that asked for little; 10 and more
 * say who connected, 14 each milter's step, 15 the whole dialog. */
#include "collect/dialect/sendmail.h"

static bool recognise(struct str program)
{
    static const struct str tags[] = {
        STR_INIT("sm-mta"),       STR_INIT("sendmail"),  STR_INIT("sm-msp-queue"),
        STR_INIT("sm-msp"),       STR_INIT("sm-que"),    STR_INIT("sm-acceptingconnections"),
        STR_INIT("sendmail-mta"), STR_INIT("sm-client"),
    };
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (str_eq(program, tags[i]))
            return true;
    return false;
}

/* ---- Connections. */

static enum taken take_connect(struct str rest, const struct sendmail_line *at)
{
    struct relay relay;
    cut_relay(&rest, &relay); /* a name alone where it has gone already */
    builder_abandon(at->builder, key_of_process(at->line));
    return sendmail_session(at, &relay) ? TAKEN : PASSED;
}

/* "commands from X due to pre-greeting traffic after 2 seconds" (greet_pause), "server HELO from X due to
 * traffic before response": the first was refused from the banner on, the second from that command on. */
static enum taken take_rejecting(struct str rest, const struct sendmail_line *at)
{
    static const struct saying early = { .named = NAMED_EARLY_TALKER, .kind = KINDS };
    static const struct saying ahead = { .named = NAMED_PIPELINING, .kind = KINDS };
    struct str command, reason;
    struct relay relay;
    uint64_t seconds = 0;
    if (str_starts(rest, STR("new messages: "))) /* "min free: 100" (daemon.c) */
        return PASSED;
    if (!cut_until(&rest, STR(" from "), &command))
        return SKIPPED;
    cut_relay(&rest, &relay);
    reason = rest;
    if (!cut_prefix(&rest, STR(" due to ")))
        return PASSED; /* "rejecting connections on daemon MTA: load average" */
    struct open_session *open = sendmail_session(at, &relay);
    if (!open)
        return PASSED;
    struct sendmail_refusal refusal = { .stage = STAGE_BANNER, .saying = &early };
    refusal.reply = (struct reply){ .code = 554, .text = str_skip(reason, 1) };
    if (cut_prefix(&rest, STR("pre-greeting traffic"))) {
        struct evidence evidence = evidence_of(KIND_EARLY_TALKER, YES, at->line->at);
        evidence.a = evidence.b = -1;
        if (cut_prefix(&rest, STR(" after ")) && cut_number(&rest, &seconds) && seconds < 3600)
            evidence.a = (usec)seconds * USEC_SECOND; /* whole seconds, cut off */
        builder_add_evidence(at->builder, open, &evidence);
        open->flags |= PRE_GREETING;
        sendmail_refuse(at, open, &refusal);
        return TAKEN;
    }
    struct evidence evidence = evidence_of(KIND_PIPELINING, YES, at->line->at);
    evidence.detail = command;
    builder_add_evidence(at->builder, open, &evidence);
    bool is_data = str_find(command, STR("DATA")) != NULL;
    reach(open, is_data ? STAGE_DATA : STAGE_HELO);
    if (open->flags & PRE_GREETING)
        return TAKEN; /* all is refused already */
    refusal.saying = &ahead;
    refusal.stage = is_data ? STAGE_DATA : STAGE_HELO;
    sendmail_refuse(at, open, &refusal);
    return TAKEN;
}

static enum stage stage_of(struct str word)
{
    static const struct {
        struct str word;
        enum stage stage;
    } words[] = { { STR_INIT("startup"), STAGE_CONNECT },
                  { STR_INIT("mail"), STAGE_MAIL },
                  { STR_INIT("rcpt"), STAGE_RCPT },
                  { STR_INIT("data"), STAGE_DATA },
                  { STR_INIT("bdat"), STAGE_DATA } };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_starts(word, words[i].word))
            return words[i].stage;
    return STAGE_CONNECT;
}

/* "lost input channel from X to MTA-v4 after rcpt" */
static enum taken take_lost(struct str rest, const struct sendmail_line *at)
{
    struct relay relay;
    struct str to;
    cut_relay(&rest, &relay);
    struct open_session *open = sendmail_session(at, &relay);
    if (!open)
        return PASSED;
    open->session.closed = CLOSED_LOST;
    if (cut_until(&rest, STR(" after "), &to))
        reach(open, stage_of(rest));
    builder_rest(at->builder, open, at->line);
    return TAKEN;
}

static enum taken take_timeout(struct str rest, const struct sendmail_line *at)
{
    struct relay relay;
    struct str what;
    if (!cut_until(&rest, STR(" from "), &what))
        return PASSED;
    cut_relay(&rest, &relay);
    if (str_starts(rest, STR(" during client ")))
        return sendmail_belongs(at); /* as a client ourselves */
    struct open_session *open = sendmail_session(at, &relay);
    if (!open)
        return PASSED;
    open->session.closed = CLOSED_TIMEOUT;
    builder_rest(at->builder, open, at->line);
    return TAKEN;
}

/* "X did not issue MAIL/EXPN/VRFY/ETRN during connection to MTA-v4", "X: VRFY paul [rejected]", "X: probable
 * open proxy: command=GET ...", "X: Possible SMTP RCPT flood, throttling." */
static enum taken take_client(struct str rest, const struct sendmail_line *at)
{
    struct relay relay;
    struct str word = rest;
    size_t name = 0;
    while (name < rest.len && rest.at[name] != ' ')
        name++;
    if (name && rest.at[name - 1] == ':') { /* "mail.a.test: VRFY paul": it has gone */
        word.len = name - 1;
        cut_relay(&word, &relay);
        rest = str_skip(rest, name - 1);
    } else {
        cut_relay(&rest, &relay);
    }
    if (str_starts(rest, STR(" did not issue "))) {
        struct open_session *open = sendmail_session(at, &relay);
        if (open)
            builder_close(at->builder, open, at->line, CLOSED_UNKNOWN);
        return open ? TAKEN : PASSED;
    }
    if (!cut_prefix(&rest, STR(": ")))
        return SKIPPED;
    bool expands = str_starts(rest, STR("VRFY ")) || str_starts(rest, STR("EXPN "));
    bool is_proxy = str_starts(rest, STR("probable open proxy: "));
    if (!expands && !is_proxy && !str_starts(rest, STR("ETRN ")) &&
        !str_starts(rest, STR("possible SMTP attack")) && !str_starts(rest, STR("Possible SMTP ")) &&
        ip_is_none(&relay.client))
        return SKIPPED;
    struct open_session *open = sendmail_session(at, &relay);
    if (!open)
        return PASSED;
    if (expands) {
        struct evidence probe = evidence_of(KIND_VRFY, YES, at->line->at);
        struct str address = str_skip(rest, 5), before;
        if (str_split_last(address, STR(" ["), &before, &rest))
            address = before;
        probe.subject = address;
        builder_add_evidence(at->builder, open, &probe);
        builder_rest(at->builder, open, at->line);
    } else if (is_proxy) {
        struct evidence other = evidence_of(KIND_NON_SMTP, YES, at->line->at);
        cut_until(&rest, STR("command="), &word);
        other.detail = rest;
        builder_add_evidence(at->builder, open, &other);
        open->session.cut_off = true; /* "421 Rejecting open proxy" */
        open->session.closed = CLOSED_DROPPED;
        reach(open, STAGE_BANNER);
    } else if (str_starts(rest, STR("SMTP violation, input too long")) ||
               str_starts(rest, STR("Possible SMTP RCPT flood, shutting down"))) {
        open->session.cut_off = true; /* 421 */
        open->session.closed = CLOSED_DROPPED;
        reach(open, rest.at[0] == 'P' ? STAGE_RCPT : STAGE_BANNER);
    }
    return TAKEN;
}

/* ---- HELO, AUTH, STARTTLS. */

/* "invalid domain name (x) from X": the name may hold anything. */
static enum taken take_bad_helo(struct str rest, const struct sendmail_line *at)
{
    static const struct saying bad_syntax = {
        .named = NAMED_HELO, .kind = KIND_HELO, .state = NO, .subject = "syntax"
    };
    struct str name;
    struct relay relay;
    if (!str_split_last(rest, STR(") from "), &name, &rest))
        return SKIPPED;
    cut_relay(&rest, &relay);
    struct open_session *open = sendmail_session(at, &relay);
    if (!open)
        return PASSED;
    if (!str_eq(name, STR("too long"))) /* what is said in place of such a one */
        open->session.helo = builder_keep(at->builder, open, name);
    struct sendmail_refusal refusal = { .stage = STAGE_HELO, .saying = &bad_syntax };
    read_sendmail_reply(STR("501 5.0.0 Invalid domain name"), 501, &refusal.reply);
    sendmail_refuse(at, open, &refusal);
    return TAKEN;
}

/* "AUTH=server, relay=X, authid=user, mech=PLAIN, bits=0"; "AUTH failure (LOGIN): ..., user=alice, relay=X"
 */
static enum taken take_auth(struct str rest, bool succeeded, const struct sendmail_line *at)
{
    struct relay relay = { .name = { NULL, 0 } };
    struct str before = rest, after = { rest.at, 0 }, user = { NULL, 0 };
    if (succeeded && cut_prefix(&rest, STR("relay="))) {
        after = rest;
        cut_relay(&after, &relay);
    } else if (str_split_last(rest, STR("relay="), &before, &after)) { /* 8.12 does not tell at a failure */
        cut_relay(&after, &relay);
    }
    if (succeeded && cut_prefix(&after, STR(", authid=")) &&
        !str_split_last(after, STR(", mech="), &user, &before))
        user = after;
    else if (!succeeded && str_split_last(before, STR(", user="), &after, &user) && str_ends(user, STR(", ")))
        user.len -= 2;
    struct open_session *open = sendmail_session(at, &relay);
    if (!open)
        return PASSED;
    struct evidence evidence = evidence_of(KIND_AUTH, tri_of(succeeded), at->line->at);
    evidence.subject = user;
    builder_add_evidence(at->builder, open, &evidence);
    if (succeeded && user.len)
        open->session.auth_user = builder_keep(at->builder, open, user);
    reach(open, STAGE_HELO);
    return TAKEN;
}

static enum taken take_tls(struct str rest, const struct sendmail_line *at)
{
    struct relay relay = { .name = { NULL, 0 } };
    struct str before, after;
    if (str_starts(rest, STR("cert-subject=")) || !str_split_last(rest, STR("relay="), &before, &after))
        return sendmail_belongs(at);    /* a certificate says what its owner wants */
    bool established = before.len == 0; /* ", error: accept failed=-1, ..., relay=X" else */
    cut_relay(&after, &relay);
    struct open_session *open = sendmail_session(at, &relay);
    if (!open)
        return PASSED;
    open->session.tls |= established;
    reach(open, STAGE_HELO);
    return TAKEN;
}

/* ---- All lines. */

/* What says nothing of a session, or nothing that matters. */
static const struct str other_lines[] = { STR_INIT("poststats: "),
                                          STR_INIT("AUTH: "),
                                          STR_INIT("AUTH decode64 "),
                                          STR_INIT("AUTH=client"),
                                          STR_INIT("engine="),
                                          STR_INIT("tls_srv_"),
                                          STR_INIT("tls_clt_"),
                                          STR_INIT("STARTTLS: "),
                                          STR_INIT("STARTTLS=client"),
                                          STR_INIT("STARTTLS="),
                                          STR_INIT("STARTTLS "),
                                          STR_INIT("dns "),
                                          STR_INIT("Milter "),
                                          STR_INIT("Milter: "),
                                          STR_INIT("discarded"),
                                          STR_INIT("done; "),
                                          STR_INIT("started as: "),
                                          STR_INIT("starting daemon"),
                                          STR_INIT("stopping daemon"),
                                          STR_INIT("restarting "),
                                          STR_INIT("SMTP outgoing connect"),
                                          STR_INIT("Sending "),
                                          STR_INIT("alias database "),
                                          STR_INIT("rebuilding alias"),
                                          STR_INIT("SYSERR"),
                                          STR_INIT("DSN: "),
                                          STR_INIT("clone "),
                                          STR_INIT("return to sender: "),
                                          STR_INIT("sender notify: "),
                                          STR_INIT("postmaster notify: "),
                                          STR_INIT("grew WorkList"),
                                          STR_INIT("runqueue: "),
                                          STR_INIT("rejecting connections on "),
                                          STR_INIT("accepting connections again"),
                                          STR_INIT("deferring connections"),
                                          STR_INIT("unable to qualify my own domain"),
                                          STR_INIT("My unqualified host name"),
                                          STR_INIT("gethostbyaddr("),
                                          STR_INIT("hash map "),
                                          STR_INIT("Losing "),
                                          STR_INIT("quarantine="),
                                          STR_INIT("quarantined"),
                                          STR_INIT("locked"),
                                          STR_INIT("makeconnection "),
                                          STR_INIT("mailer "),
                                          STR_INIT("putbody: "),
                                          STR_INIT("timeout writing "),
                                          STR_INIT("warning: "),
                                          STR_INIT("Warning: "),
                                          STR_INIT("NOTICE: "),
                                          STR_INIT("Truncated MIME "),
                                          STR_INIT("Fixed MIME "),
                                          STR_INIT("eightbit "),
                                          STR_INIT("accepting new messages"),
                                          STR_INIT("delaying="),
                                          STR_INIT("stat="),
                                          STR_INIT("rcpt="),
                                          STR_INIT("ERROR=ARGS_"),
                                          STR_INIT("AUTH error: "),
                                          STR_INIT("AUTH warning: "),
                                          STR_INIT("AUTH encode64 "),
                                          STR_INIT("srvfeatures: "),
                                          STR_INIT("proxy mode requested"),
                                          STR_INIT("smtp: doublequeue"),
                                          STR_INIT("set automode "),
                                          STR_INIT("fcntl("),
                                          STR_INIT("getmodifiers "),
                                          STR_INIT("can't find queue group"),
                                          STR_INIT("queue group name "),
                                          STR_INIT("rewrite: "),
                                          STR_INIT("rscheck("),
                                          STR_INIT("Could not remove daemon"),
                                          STR_INIT("Timeout.to_"),
                                          STR_INIT("Saved message in "),
                                          STR_INIT("returntosender: "),
                                          STR_INIT("forward "),
                                          STR_INIT("aliased to "),
                                          STR_INIT("expanded to "),
                                          STR_INIT("queueup: "),
                                          STR_INIT("daemon "),
                                          STR_INIT("could not "),
                                          STR_INIT("premature EOM"),
                                          STR_INIT("filesys_update"),
                                          STR_INIT("low on space"),
                                          STR_INIT("mci_"),
                                          STR_INIT("File descriptors missing"),
                                          STR_INIT("ldap"),
                                          STR_INIT("db_"),
                                          STR_INIT("error connecting to filter"),
                                          STR_INIT("Connection "),
                                          STR_INIT("milter_"),
                                          STR_INIT("to error state"),
                                          STR_INIT("write(") };

static bool is_other(struct str text)
{
    for (size_t i = 0; i < sizeof other_lines / sizeof *other_lines; i++)
        if (text.at[0] == other_lines[i].at[0] && str_starts(text, other_lines[i]))
            return true;
    return false;
}

static enum taken take_text(struct str rest, const struct sendmail_line *at)
{
    const struct str whole = rest;
    struct str in = rest, queue_id;
    switch (rest.len ? rest.at[0] : '\0') {
    case 'f':
        if (cut_prefix(&rest, STR("from=")))
            return take_from(rest, at);
        break;
    case 't':
        if (cut_prefix(&rest, STR("to=")))
            return take_to(rest, at);
        if (cut_prefix(&rest, STR("timeout waiting for input")))
            return take_timeout(rest, at);
        if (cut_prefix(&rest, STR("tcpwrappers (")))
            return take_tcpwrappers(rest, at);
        break;
    case 'r':
        if (cut_prefix(&rest, STR("ruleset=")))
            return take_ruleset(rest, at);
        if (!str_starts(rest, STR("rejecting connections")) && cut_prefix(&rest, STR("rejecting ")))
            return take_rejecting(rest, at);
        break;
    case 'm':
        if (cut_prefix(&rest, STR("milter=")))
            return take_milter_step(rest, at);
        if (str_starts(rest, STR("message size (")))
            return take_too_big(at);
        break;
    case 'M':
        if (cut_prefix(&rest, STR("Milter: ")))
            return take_milter(rest, at);
        break;
    case '<':
        if (cut_prefix(&rest, STR("<-- ")))
            return take_command(rest, at);
        return take_recipient(rest, at);
    case '-':
        if (cut_prefix(&rest, STR("--> ")) || cut_prefix(&rest, STR("--- "))) /* until 8.12; since */
            return take_reply(rest, at);
        break;
    case 'l':
        if (cut_prefix(&rest, STR("lost input channel from ")))
            return take_lost(rest, at);
        break;
    case 'c':
        if (cut_prefix(&rest, STR("connect from ")))
            return take_connect(rest, at);
        if (cut_prefix(&rest, STR("collect: ")))
            return take_collect(rest, at);
        break;
    case 'S':
        if (cut_prefix(&rest, STR("STARTTLS=server, ")))
            return take_tls(rest, at);
        if (cut_prefix(&rest, STR("SMTP ")) && str_find(rest, STR(" tempfailed (")))
            return take_tempfailed(rest, at);
        if (cut_prefix(&rest, STR("SYSERR")) && cut_until(&rest, STR(": "), &in) &&
            cut_prefix(&rest, STR("collect: ")))
            return take_collect(rest, at);
        break;
    case 'A':
        if (cut_prefix(&rest, STR("AUTH=server, ")))
            return take_auth(rest, true, at);
        if (cut_prefix(&rest, STR("AUTH failure ")))
            return take_auth(rest, false, at);
        break;
    case 'N':
        if (cut_prefix(&rest, STR("Null connection from "))) { /* until 8.11, for "did not issue" */
            struct relay relay;
            cut_relay(&rest, &relay);
            struct open_session *open = sendmail_session(at, &relay);
            if (open)
                builder_close(at->builder, open, at->line, CLOSED_UNKNOWN);
            return open ? TAKEN : PASSED;
        }
        break;
    case 'u':
        if (cut_prefix(&rest, STR("unauthorized PIPELINING, sleeping, relay=")))
            return take_unauthorized(rest, at);
        break;
    case 'h':
        if (str_starts(rest, STR("headers too large")) || str_starts(rest, STR("header overflow ")))
            return take_headers(rest, at);
        break;
    case 'E':
        if (cut_prefix(&rest, STR("ERROR: srv_features=")))
            return take_disabled(rest, at);
        break;
    case '"':
        return take_old_trick(str_skip(rest, 1), at);
    case 'i':
        if (cut_prefix(&rest, STR("invalid domain name (")))
            return take_bad_helo(rest, at);
        break;
    case 'T':
        if (str_starts(rest, STR("Too many recipients")))
            return take_too_many(at);
        break;
    default:
        break;
    }
    in = whole;
    if (!in.len || is_other(in))
        return sendmail_belongs(at);
    if (cut_message_name(&in, &queue_id)) /* "ID: ID: DSN: ..." tells of another message */
        return PASSED;
    return take_client(in, at);
}

static enum taken take(const struct line *line, struct builder *builder)
{
    struct sendmail_line at = { .line = line, .builder = builder };
    struct str rest = line->text;
    if (!cut_prefix(&rest, STR("NOQUEUE: ")))
        cut_message_name(&rest, &at.queue_id);
    return take_text(rest, &at);
}

const struct dialect dialect_sendmail = {
    .name = "sendmail",
    .title = "Sendmail 8.9 to 8.18",
    .recognise = recognise,
    .take = take,
    .conclude = sendmail_conclude,
    .carry_notes = sendmail_carry_notes,
};

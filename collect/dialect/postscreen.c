/* postscreen: one process serves all new clients, so address and port tell whose line it is; dnsblog, which
 * asks the DNS lists for it, names the address only; tlsproxy, which does STARTTLS for it, address and port
 * (postfix src/postscreen/, src/dnsblog/, src/tlsproxy/). A client that passes is handed to smtpd in the same
 * connection: there postfix_smtpd.c finds its session. */
#include "collect/dialect/postfix.h"

/* dnsblog asks as soon as the client is there, and postscreen is done with it after postscreen_greet_wait,
 * mostly; a slow answer may come when it has gone already. */
static const usec listing_most = 30 * USEC_SECOND;
/* A client that is dropped by a test is gone at once; one that says QUIT takes a round trip. */
static const usec at_once = 1000;

static session_key key_of(const struct line *line, const struct peer *peer)
{
    struct ip client = peer_address(peer);
    return key_of_client(line->host, &client, peer->port);
}

static struct open_session *begin(struct builder *builder, const struct line *line, const struct peer *peer)
{
    struct ip client = peer_address(peer);
    struct open_session *open = builder_open(builder, key_of(line, peer), line);
    open->conclude = postfix_conclude;
    open->peer = builder_keep(builder, open, peer->text);
    builder_set_client(builder, open, &client, peer->port);
    return open;
}

/* The session that is meant; one without its beginning where there is none. */
static struct open_session *session_of(struct builder *builder, const struct line *line,
                                       const struct peer *peer)
{
    struct open_session *open = builder_find(builder, key_of(line, peer), NULL);
    if (open) {
        builder_took(builder, open, line);
        return open;
    }
    open = begin(builder, line, peer);
    open->session.gap = true;
    return open;
}

static void add(struct builder *builder, struct open_session *open, enum kind kind, enum tri state, usec at,
                struct str detail)
{
    struct evidence evidence = evidence_of(kind, state, at);
    evidence.detail = detail;
    if (kind == KIND_EARLY_TALKER)
        evidence.a = evidence.b = -1;
    builder_add_evidence(builder, open, &evidence);
}

/* ---- What the lists said. */

static enum taken take_listing(struct str rest, const struct line *line, struct builder *builder)
{
    struct str address, zone;
    struct ip client, answer;
    if (!cut_until(&rest, STR(" listed by domain "), &address) || !cut_until(&rest, STR(" as "), &zone) ||
        !ip_parse(address, &client))
        return SKIPPED;
    struct evidence listing = evidence_of(KIND_DNSBL, UNKNOWN, line->at);
    listing.subject = zone;
    if (ip_parse(rest, &answer) && ip_is_v4(&answer)) {
        uint32_t code = ip_v4(&answer);
        listing.a = code;
        /* RFC 5782 2.1: 127/8; 127.255.255/24 says that the question was not answered */
        if (code >> 24 == 127 && code >> 8 != 0x7fffff)
            listing.state = YES;
    }
    bool found = false;
    for (struct open_session *open = builder_of_client(builder, &client, NULL); open;
         open = builder_of_client(builder, &client, open)) {
        if (!open->session.server_port || open->session.started < line->at - listing_most ||
            !str_eq(open->session.server, line->host))
            continue;
        builder_took(builder, open, line);
        builder_add_evidence(builder, open, &listing);
        found = true;
    }
    if (!found)
        builder_stash(builder, key_of_client(line->host, &client, 0), line, &listing);
    return TAKEN;
}

enum taken take_dnsblog(const struct line *line, struct builder *builder)
{
    struct str rest = line->text;
    if (cut_prefix(&rest, STR("addr ")))
        return take_listing(rest, line, builder);
    return cut_prefix(&rest, STR("warning: ")) ? PASSED : SKIPPED;
}

enum taken take_tlsproxy(const struct line *line, struct builder *builder)
{
    struct peer peer;
    struct str rest = line->text, before;
    bool established = cut_until(&rest, STR(" TLS connection established from "), &before);
    if (!established && !cut_prefix(&rest, STR("CONNECT from ")) && !cut_prefix(&rest, STR("DISCONNECT ")))
        return PASSED;
    if (!cut_peer(&rest, &peer))
        return SKIPPED;
    struct open_session *open = builder_find(builder, key_of(line, &peer), NULL);
    if (!open)
        return PASSED; /* smtpd or the smtp client uses it too */
    builder_took(builder, open, line);
    open->session.tls |= established;
    return TAKEN;
}

/* ---- What postscreen says. */

/* "[203.0.113.7]:41003 to [192.0.2.10]:25" */
static enum taken take_connect(struct str rest, const struct line *line, struct builder *builder)
{
    struct peer peer, server;
    if (!cut_peer(&rest, &peer) || !cut_prefix(&rest, STR(" to ")) || !cut_peer(&rest, &server))
        return SKIPPED;
    struct open_session *open = begin(builder, line, &peer);
    open->session.server_address = peer_address(&server);
    open->session.server_port = server.port;
    builder_adopt(builder, key_of_client(line->host, &open->session.client, 0), open, line->at,
                  2 * USEC_SECOND);
    return TAKEN;
}

/* A refusal that the log tells only by its test, and by the client's being dropped. */
static void refuse_dropped(struct builder *builder, struct open_session *open, const struct line *line,
                           enum named named, int16_t code, struct str enhanced, struct str text)
{
    struct phrase phrase = { .says = STR(""), .named = (uint8_t)named, .kind = KINDS, .source = "" };
    struct refusal refusal = { .line = line, .command = COMMAND_CONNECT };
    refusal.reply = (struct reply){ .code = code, .enhanced = enhanced, .text = text };
    postfix_refuse(builder, open, &refusal, &phrase, STR(""));
}

/* What each test says when it drops the client (postscreen_greet_action = drop and its like); the last that
 * failed counts. */
static const struct drop {
    uint32_t flag;
    enum named named;
    struct str enhanced, text;
} drops[] = {
    { SAW_PIPELINING, NAMED_PIPELINING, STR_INIT("5.5.1"), STR_INIT("Protocol error") },
    { SAW_DNSBL_RANK, NAMED_DNSBL, STR_INIT("5.7.1"), STR_INIT("Service unavailable") },
    { SAW_PREGREET, NAMED_EARLY_TALKER, STR_INIT("5.5.1"), STR_INIT("Protocol error") },
    { SAW_DENIED, NAMED_OTHER, STR_INIT("5.3.2"), STR_INIT("Service currently unavailable") },
};

/* That a test of this server lets clients talk on (= enforce), known from one that did. */
static session_key key_of_habit(const struct open_session *open, uint32_t flag)
{
    char text[] = { 'e', 'n', 'f', 'o', 'r', 'c', 'e', (char)('0' + __builtin_ctz(flag)) };
    return key_of_text(KEY_SESSION, open->session.server, (struct str){ text, sizeof text });
}

static void learn_enforce(struct builder *builder, const struct open_session *open)
{
    for (size_t i = 0; i < sizeof drops / sizeof *drops; i++)
        if (open->flags & drops[i].flag)
            builder_learn(builder, key_of_habit(open, drops[i].flag));
}

/* Where the client did not hang up, it was either dropped or said QUIT; no line tells which. Stamps of whole
 * seconds leave more open than others. */
static void conclude_tests(struct builder *builder, struct open_session *open, const struct line *line)
{
    struct session *session = &open->session;
    if (session->closed != CLOSED_UNKNOWN || (open->flags & SAW_REFUSAL) || line->at - open->marked > at_once)
        return;
    if (open->flags &
        SAW_NON_SMTP) { /* "521 5.7.0 Error: I can break rules, too. Goodbye.": no verdict on mail */
        session->closed = CLOSED_DROPPED;
        session->cut_off = true;
        return;
    }
    for (size_t i = 0; i < sizeof drops / sizeof *drops; i++) {
        if (!(open->flags & drops[i].flag))
            continue;
        if (builder_has_learnt(builder, key_of_habit(open, drops[i].flag)))
            return;
        refuse_dropped(builder, open, line, drops[i].named, 521, drops[i].enhanced, drops[i].text);
        session->closed = CLOSED_DROPPED;
        session->cut_off = true;
        return;
    }
}

static enum taken take_disconnect(struct str rest, const struct line *line, struct builder *builder)
{
    struct peer peer;
    if (!cut_peer(&rest, &peer))
        return SKIPPED;
    struct open_session *open = session_of(builder, line, &peer);
    conclude_tests(builder, open, line);
    if (open->session.closed == CLOSED_UNKNOWN)
        open->session.closed = CLOSED_QUIT;
    builder_close(builder, open, line, CLOSED_UNKNOWN);
    return TAKEN;
}

/* "NOQUEUE: reject: RCPT from [A]:P: 550 5.7.1 Service unavailable; client [A] blocked using ZONE; from=<>,
 * to=<>, proto=ESMTP, helo=<>". "Protocol error" is the same for all tests: the one that failed was logged
 * before. */
static enum taken take_refusal(struct str rest, const struct line *line, struct builder *builder)
{
    static const struct phrase after_220 = { STR_INIT("Service currently unavailable"),
                                             0,
                                             false,
                                             NAMED_AFTER_220,
                                             KINDS,
                                             UNKNOWN,
                                             NULL,
                                             "postscreen/postscreen.c" };
    static const struct phrase early = {
        STR_INIT("Protocol error"),     0, false, NAMED_EARLY_TALKER, KINDS, UNKNOWN, NULL,
        "postscreen/postscreen_early.c"
    };
    static const struct phrase ahead = {
        STR_INIT("Protocol error"),     0, false, NAMED_PIPELINING, KINDS, UNKNOWN, NULL,
        "postscreen/postscreen_smtpd.c"
    };
    struct peer peer;
    struct str where, text, reason;
    if (!cut_until(&rest, STR(" from "), &where) || !cut_peer(&rest, &peer) || !cut_prefix(&rest, STR(": ")))
        return SKIPPED;
    struct open_session *open = session_of(builder, line, &peer);
    struct refusal refusal = { .line = line, .command = command_of(where) };
    if (refusal.command == COMMAND_CONNECT) { /* "too many connections", "all server ports busy" */
        bool many = str_starts(rest, STR("too many"));
        refuse_dropped(builder, open, line, NAMED_OTHER, 421, many ? STR("4.7.0") : STR("4.3.2"), rest);
        open->session.closed = CLOSED_DROPPED;
        open->session.cut_off = true;
        if (many) {
            struct evidence rate = evidence_of(KIND_RATE, YES, line->at);
            rate.subject = STR("connection");
            builder_add_evidence(builder, open, &rate);
        }
        return TAKEN;
    }
    if (!split_trailer(rest, &text, &refusal.trailer, NULL))
        text = rest;
    read_reply(text, 550, &refusal.reply);
    const struct phrase *phrase = phrase_of(refusal.reply.text, &refusal.trailer, &reason);
    if (str_eq(refusal.reply.text, after_220.says) && !(open->flags & SAW_DENIED)) {
        phrase = &after_220;
        open->flags |= SAW_AFTER_220;
    } else if (str_eq(refusal.reply.text, early.says)) {
        phrase = open->flags & SAW_PREGREET ? &early : &ahead;
        if (phrase == &ahead && (open->flags & (SAW_NON_SMTP | SAW_PIPELINING)) == SAW_NON_SMTP)
            phrase = phrase_of(STR(""), &refusal.trailer, &reason);
    }
    postfix_refuse(builder, open, &refusal, phrase, reason);
    learn_enforce(builder, open);
    return TAKEN;
}

/* "5 after 0.12 from [A]:P: EHLO x\r\n": n bytes, seconds after connect. */
static enum taken take_pregreet(struct str rest, const struct line *line, struct builder *builder)
{
    struct peer peer;
    struct str bytes, seconds;
    usec after = -1;
    if (!cut_until(&rest, STR(" after "), &bytes) || !cut_until(&rest, STR(" from "), &seconds) ||
        !cut_peer(&rest, &peer))
        return SKIPPED;
    char text[16] = { 0 };
    if (seconds.len < sizeof text - 1) {
        memcpy(text, seconds.at, seconds.len);
        text[seconds.len] = 's';
        if (!duration_parse((struct str){ text, seconds.len + 1 }, &after))
            after = -1;
    }
    struct open_session *open = session_of(builder, line, &peer);
    struct evidence early = evidence_of(KIND_EARLY_TALKER, YES, line->at);
    cut_prefix(&rest, STR(": "));
    early.detail = rest;
    early.a = after;
    early.b = -1;
    builder_add_evidence(builder, open, &early);
    open->flags |= SAW_PREGREET;
    open->marked = line->at;
    return TAKEN;
}

/* "NEW [A]:P" or "OLD [A]:P". A client of which all tests were known goes to smtpd without one; OLD after a
 * test says only that the client is not new. Where it was told 450 before, it does not go to smtpd. */
static enum taken take_pass(struct str rest, const struct line *line, struct builder *builder)
{
    struct peer peer;
    bool old = cut_prefix(&rest, STR("OLD "));
    if (!old && !cut_prefix(&rest, STR("NEW ")))
        return PASSED; /* verbose: "PASS pregreet test ..." */
    if (!cut_peer(&rest, &peer))
        return SKIPPED;
    struct open_session *open = session_of(builder, line, &peer);
    if (open->flags & SAW_AFTER_220) {
        add(builder, open, KIND_EARLY_TALKER, NO, line->at, (struct str){ NULL, 0 });
        return TAKEN;
    }
    if (old)
        add(builder, open, KIND_TESTED_BEFORE, YES, line->at, STR("PASS OLD"));
    else if (!(open->flags & SAW_PREGREET))
        add(builder, open, KIND_EARLY_TALKER, NO, line->at, (struct str){ NULL, 0 });
    open->flags |= POSTSCREEN_PASSED;
    open->marked = line->at;
    return TAKEN;
}

/* ALLOWLISTED, WHITELISTED: by postscreen_access_list, never tested. DENYLISTED, BLACKLISTED: refused by it.
 */
static enum taken take_access_list(struct str rest, bool allow, const struct line *line,
                                   struct builder *builder)
{
    struct peer peer;
    if (!cut_peer(&rest, &peer))
        return SKIPPED;
    struct open_session *open = session_of(builder, line, &peer);
    open->marked = line->at;
    if (allow) {
        add(builder, open, KIND_EXEMPT, YES, line->at, STR("allowlisted"));
        open->flags |= POSTSCREEN_PASSED;
    } else {
        open->flags |= SAW_DENIED;
    }
    return TAKEN;
}

/* "0.5 from [A]:P in tests after SMTP handshake" */
static enum taken take_hangup(struct str rest, const struct line *line, struct builder *builder)
{
    struct peer peer;
    struct str seconds;
    if (!cut_until(&rest, STR(" from "), &seconds) || !cut_peer(&rest, &peer))
        return SKIPPED;
    struct open_session *open = session_of(builder, line, &peer);
    open->session.closed = CLOSED_LOST;
    if (str_eq(rest, STR(" in tests after SMTP handshake")))
        reach(open, STAGE_BANNER);
    return TAKEN;
}

/* Events "WHAT from [A]:P after COMMAND: text" of the tests after the greeting. */
static const struct event_row {
    struct str says;
    uint8_t kind; /* KINDS: none */
    uint8_t closed;
    uint32_t flag;
} events[] = {
    { STR_INIT("COMMAND PIPELINING from "), KIND_PIPELINING, CLOSED_UNKNOWN, SAW_PIPELINING },
    { STR_INIT("NON-SMTP COMMAND from "), KIND_NON_SMTP, CLOSED_UNKNOWN, SAW_NON_SMTP },
    { STR_INIT("BARE NEWLINE from "), KIND_BARE_NEWLINE, CLOSED_UNKNOWN, 0 },
    { STR_INIT("COMMAND TIME LIMIT from "), KINDS, CLOSED_TIMEOUT, 0 },
    { STR_INIT("COMMAND COUNT LIMIT from "), KINDS, CLOSED_DROPPED, 0 },
    { STR_INIT("COMMAND LENGTH LIMIT from "), KINDS, CLOSED_DROPPED, 0 },
    /* 554 "no valid recipients", and the client is dropped: it stops no attempt that was not stopped before
     */
    { STR_INIT("DATA without valid RCPT from "), KINDS, CLOSED_DROPPED, 0 },
    { STR_INIT("BDAT without valid RCPT from "), KINDS, CLOSED_DROPPED, 0 },
};

static enum taken take_event(const struct event_row *event, struct str rest, const struct line *line,
                             struct builder *builder)
{
    struct peer peer;
    if (!cut_peer(&rest, &peer))
        return SKIPPED;
    struct open_session *open = session_of(builder, line, &peer);
    cut_prefix(&rest, STR(" after "));
    struct str behind = rest, last = rest;
    cut_until(&behind, STR(": "), &last);
    enum command command = command_of(last);
    reach(open, STAGE_BANNER);
    if (command != COMMAND_CONNECT && command != COMMAND_OTHER)
        reach(open, command_stage(command));
    open->flags |= event->flag;
    open->marked = line->at;
    if (event->kind < KINDS)
        add(builder, open, (enum kind)event->kind, YES, line->at, rest);
    if (event->closed != CLOSED_UNKNOWN) {
        open->session.closed = event->closed;
        open->session.cut_off |= event->closed == CLOSED_DROPPED;
    }
    return TAKEN;
}

static enum taken take_rank(struct str rest, const struct line *line, struct builder *builder)
{
    struct peer peer;
    struct str rank;
    if (!cut_until(&rest, STR(" for "), &rank) || !cut_peer(&rest, &peer))
        return SKIPPED;
    struct open_session *open = session_of(builder, line, &peer);
    open->flags |= SAW_DNSBL_RANK;
    open->marked = line->at;
    return TAKEN;
}

/* "ALLOWLIST VETO [A]:P", "WHITELIST VETO": the client came to a backup address, and is not let in from
 * there. */
static enum taken take_veto(struct str rest, const struct line *line, struct builder *builder)
{
    struct peer peer;
    if (!cut_peer(&rest, &peer))
        return SKIPPED;
    session_of(builder, line, &peer);
    return TAKEN;
}

static enum taken take_other(struct str text)
{
    static const struct str known[] = {
        STR_INIT("warning: "),       STR_INIT("cache "),
        STR_INIT("entering STRESS"), STR_INIT("leaving STRESS"),
        STR_INIT("fatal: "),         STR_INIT("error: "),
        STR_INIT("panic: "),         STR_INIT("using backwards-compatible"),
        STR_INIT("table "),          STR_INIT("close "),
        STR_INIT("reload"),          STR_INIT("["),
        STR_INIT("statistics: "),
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_starts(text, known[i]))
            return PASSED;
    return SKIPPED;
}

enum taken take_postscreen(const struct line *line, struct builder *builder)
{
    struct str rest = line->text;
    if (cut_prefix(&rest, STR("CONNECT from ")))
        return take_connect(rest, line, builder);
    if (cut_prefix(&rest, STR("PASS ")))
        return take_pass(rest, line, builder);
    if (cut_prefix(&rest, STR("DISCONNECT ")))
        return take_disconnect(rest, line, builder);
    if (cut_prefix(&rest, STR("NOQUEUE: reject: ")))
        return take_refusal(rest, line, builder);
    if (cut_prefix(&rest, STR("HANGUP after ")))
        return take_hangup(rest, line, builder);
    if (cut_prefix(&rest, STR("DNSBL rank ")))
        return take_rank(rest, line, builder);
    if (cut_prefix(&rest, STR("PREGREET ")))
        return take_pregreet(rest, line, builder);
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        if (cut_prefix(&rest, events[i].says))
            return take_event(&events[i], rest, line, builder);
    if (cut_prefix(&rest, STR("ALLOWLISTED ")) || cut_prefix(&rest, STR("WHITELISTED ")))
        return take_access_list(rest, true, line, builder);
    if (cut_prefix(&rest, STR("DENYLISTED ")) || cut_prefix(&rest, STR("BLACKLISTED ")))
        return take_access_list(rest, false, line, builder);
    if (cut_prefix(&rest, STR("ALLOWLIST VETO ")) || cut_prefix(&rest, STR("WHITELIST VETO ")))
        return take_veto(rest, line, builder);
    if (cut_prefix(&rest, STR("reject: connect from "))) { /* "...: all screening ports busy" */
        struct peer peer;
        struct str from = rest;
        if (!cut_peer(&from, &peer))
            return SKIPPED;
        struct open_session *open = session_of(builder, line, &peer);
        cut_prefix(&from, STR(": "));
        refuse_dropped(builder, open, line, NAMED_OTHER, 421, STR("4.3.2"), from);
        open->session.closed = CLOSED_DROPPED;
        open->session.cut_off = true;
        return TAKEN;
    }
    return take_other(rest);
}

/* smtpd: one process serves one client at a time, so its pid tells whose line it is (postfix smtpd/smtpd.c,
 * smtpd_check.c). */
#include "collect/dialect/filter.h"
#include "collect/dialect/postfix.h"

/* How long after postscreen's PASS the client's "connect" may come: smtpd looks its name up before. */
static const usec pass_most = 5 * USEC_MINUTE;
enum { LOOK_MOST = 200 }; /* sessions of one client at a time: a gateway in front of us has many */
/* The warning about a name that does not lead back is logged just before "connect". */
static const usec warning_most = USEC_MINUTE;

/* ---- Which session a line belongs to. */

/* A front end that speaks XCLIENT replaces itself by the client (smtpd_xclient.c). It is one of our own. */
static bool is_front_end(const struct open_session *open)
{
    static const struct prefix own[] = {
        { { { [10] = 0xff, [11] = 0xff, [12] = 127 } }, 104 },
        { { { [10] = 0xff, [11] = 0xff, [12] = 10 } }, 104 },
        { { { [10] = 0xff, [11] = 0xff, [12] = 172, [13] = 16 } }, 108 },
        { { { [10] = 0xff, [11] = 0xff, [12] = 192, [13] = 168 } }, 112 },
        { { { [0] = 0xfc } }, 7 },
        { { { [15] = 1 } }, 128 },
    };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (prefix_holds(&own[i], &open->session.client))
            return open->session.transaction_count == 0;
    return false;
}

static void add_names(struct builder *builder, struct open_session *open, usec at)
{
    struct evidence rdns = evidence_of(KIND_RDNS, YES, at), fcrdns = evidence_of(KIND_FCRDNS, YES, at);
    builder_add_evidence(builder, open, &rdns);
    builder_add_evidence(builder, open, &fcrdns);
}

/* What was said of a front end's name is not the client's. */
static void forget_names(struct session *session)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < session->evidence_count; i++)
        if (session->evidence[i].kind != KIND_RDNS && session->evidence[i].kind != KIND_FCRDNS)
            session->evidence[kept++] = session->evidence[i];
    session->evidence_count = kept;
}

static void set_peer(struct builder *builder, struct open_session *open, const struct peer *peer, usec at)
{
    struct ip client = peer_address(peer);
    open->peer = builder_keep(builder, open, peer->text);
    if (!ip_eq(&client, &open->session.client) || peer->port != open->session.client_port)
        builder_set_client(builder, open, &client, peer->port ? peer->port : open->session.client_port);
    open->session.client_name = (struct str){ NULL, 0 };
    if (open->peer.len && !str_eq(peer->name, STR("unknown"))) {
        open->session.client_name = (struct str){ open->peer.at, peer->name.len };
        add_names(builder, open, at);
    }
}

struct open_session *smtpd_session(struct builder *builder, const struct line *line, const struct peer *peer)
{
    session_key key = key_of_process(line);
    struct open_session *open = builder_find(builder, key, NULL);
    if (open && (str_eq(open->peer, peer->text) || is_front_end(open))) {
        builder_took(builder, open, line);
        if (!str_eq(open->peer, peer->text)) {
            forget_names(&open->session);
            set_peer(builder, open, peer, line->at);
        }
        return open;
    }
    open = builder_open(builder, key, line);
    open->conclude = postfix_conclude;
    open->session.gap = true;
    set_peer(builder, open, peer, line->at);
    return open;
}

/* ---- Connecting and leaving. */

/* "postfix" of "postfix/smtpd": the instance, of which postscreen is too. */
static struct str instance_of(struct str tag)
{
    const char *slash = str_find_last(tag, '/');
    return slash ? str_range(tag.at, slash) : (struct str){ tag.at, 0 };
}

/* The oldest session that postscreen passed on and that smtpd has not taken yet. A client of which only some
 * tests were due goes to smtpd without a PASS in the log (postscreen_misc.c, psc_conclude): without a session
 * that has one, one that was not refused anything is taken. smtpd of another instance is on another port
 * (submission). */
static struct open_session *passed_by_postscreen(struct builder *builder, const struct line *line,
                                                 const struct peer *peer)
{
    struct ip client = peer_address(peer);
    struct open_session *passed = NULL, *quiet = NULL;
    int looked = 0;
    for (struct open_session *open = builder_of_client(builder, &client, NULL); open && looked < LOOK_MOST;
         open = builder_of_client(builder, &client, open), looked++) {
        const struct session *session = &open->session;
        if (open->ended || !session->server_port || (open->flags & (SMTPD_HAS_IT | SAW_REFUSAL)) ||
            !str_eq(session->server, line->host) || session->started < line->at - pass_most ||
            !str_eq(instance_of(session->service), instance_of(line->program)) ||
            (peer->port && peer->port != session->client_port))
            continue;
        if (open->flags & POSTSCREEN_PASSED)
            passed = open;
        else if (!(open->flags & (SAW_PREGREET | SAW_DNSBL_RANK | SAW_DENIED)) &&
                 session->closed == CLOSED_UNKNOWN)
            quiet = open;
    }
    return passed ? passed : quiet;
}

static enum taken take_connect(struct str rest, const struct line *line, struct builder *builder)
{
    struct peer peer;
    if (!cut_peer(&rest, &peer))
        return SKIPPED;
    session_key key = key_of_process(line);
    struct open_session *open = passed_by_postscreen(builder, line, &peer);
    if (open) {
        builder_abandon(builder, key);
        builder_took(builder, open, line);
        open->flags |= SMTPD_HAS_IT;
        /* the port may be another connection's before smtpd is done with this one */
        builder_release(builder, key_of_client(line->host, &open->session.client, open->session.client_port));
        open->session.service = builder_keep(builder, open, line->program);
        builder_bind(builder, key, open, -1, false);
    } else {
        open = builder_open(builder, key, line);
        open->conclude = postfix_conclude;
    }
    set_peer(builder, open, &peer, line->at);
    builder_adopt(builder, key, open, line->at, warning_most);
    return TAKEN;
}

/* " ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4": those that went well, of all where that differs. */
static void read_counts(struct str rest, struct command_counts *counts)
{
    *counts = (struct command_counts){ 0 };
    struct str name;
    while (cut_char(&rest, ' ') && cut_until_char(&rest, '=', &name) && name.len >= 4) {
        uint64_t well = 0, all = 0;
        if (!cut_number(&rest, &well))
            return;
        all = well;
        if (cut_char(&rest, '/') && !cut_number(&rest, &all))
            return;
        counts->known = true;
        uint32_t of_all = (uint32_t)all, of_well = (uint32_t)well;
#define WORD(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
        switch (WORD(name.at[0], name.at[1], name.at[2], name.at[3])) {
        case WORD('e', 'h', 'l', 'o'):
        case WORD('h', 'e', 'l', 'o'):
            counts->helo += of_all;
            break;
        case WORD('m', 'a', 'i', 'l'):
            counts->mail = of_all;
            counts->mail_ok = of_well;
            break;
        case WORD('r', 'c', 'p', 't'):
            counts->rcpt = of_all;
            counts->rcpt_ok = of_well;
            break;
        case WORD('d', 'a', 't', 'a'):
            counts->data = of_all;
            counts->data_ok = of_well;
            break;
        case WORD('b', 'd', 'a', 't'):
            counts->bdat = of_all;
            break;
        case WORD('v', 'r', 'f', 'y'):
            counts->vrfy = of_all;
            break;
        case WORD('q', 'u', 'i', 't'):
            counts->quit = of_all;
            break;
        case WORD('c', 'o', 'm', 'm'):
            counts->all = of_all;
            break;
        default:
            break;
        }
#undef WORD
    }
}

/* How it ended, where no line said so. smtpd is silent only about a client that leaves after the end of a
 * message. */
static enum closed guess_closed(const struct session *session, const struct command_counts *counts)
{
    if (session->closed != CLOSED_UNKNOWN)
        return session->closed;
    if (counts->quit || !counts->known) /* Postfix before 3.0 does not count */
        return CLOSED_QUIT;
    return counts->data_ok || counts->bdat ? CLOSED_LOST : CLOSED_DROPPED;
}

/* Postfix 3.9 ends a session in which commands were sent ahead (smtpd_forbid_unauth_pipelining): the client
 * was told so where it neither said QUIT nor was lost. */
static void refuse_synchronization(struct builder *builder, struct open_session *open,
                                   const struct line *line)
{
    static const struct phrase phrase = { STR_INIT("Error: SMTP protocol synchronization"),
                                          0,
                                          false,
                                          NAMED_PIPELINING,
                                          KINDS,
                                          UNKNOWN,
                                          NULL,
                                          "smtpd/smtpd.c" };
    struct refusal refusal = { .line = line, .command = COMMAND_HELO };
    refusal.reply = (struct reply){ .code = 554, .enhanced = STR("5.5.0"), .text = phrase.says };
    postfix_refuse(builder, open, &refusal, &phrase, STR(""));
}

static enum taken take_disconnect(struct str rest, const struct line *line, struct builder *builder)
{
    struct peer peer;
    if (!cut_peer(&rest, &peer))
        return SKIPPED;
    struct open_session *open = smtpd_session(builder, line, &peer);
    struct session *session = &open->session;
    struct postfix_notes *notes = postfix_notes(builder, open);
    read_counts(rest, &notes->counts);
    enum closed closed = guess_closed(session, &notes->counts);
    if (!notes->counts.known) /* before Postfix 3.0 */
        reach(open, (enum stage)notes->ended_at);
    if (closed == CLOSED_DROPPED && session->closed != closed) {
        session->cut_off = true;
        if (open->flags & SAW_PIPELINING)
            refuse_synchronization(builder, open, line);
    }
    if (notes->counts.known && !notes->counts.data_ok && !notes->counts.bdat)
        for (uint32_t i = 0; i < session->transaction_count; i++)
            builder_unawait(builder, open, (int32_t)i); /* no message was taken: nothing will become of it */
    builder_close(builder, open, line, closed);
    return TAKEN;
}

/* "after RCPT from PEER", "after DATA (2048 bytes) from PEER" */
static enum taken take_end(struct str rest, const struct line *line, struct builder *builder,
                           enum closed closed)
{
    struct peer peer;
    struct str where, before;
    if (!cut_until(&rest, STR(" from "), &where) || !cut_peer(&rest, &peer))
        return SKIPPED;
    if (cut_until(&where, STR(" ("), &before))
        where = before;
    struct open_session *open = smtpd_session(builder, line, &peer);
    open->session.closed = (uint8_t)closed;
    open->session.cut_off |= closed == CLOSED_DROPPED;
    if (str_eq(where, STR("CONNECT")))
        reach(open, STAGE_BANNER);
    enum command command = command_of(where);
    if (command >= COMMAND_HELO && command <= COMMAND_EOM)
        postfix_notes(builder, open)->ended_at = (uint8_t)command_stage(command);
    return TAKEN;
}

/* ---- Refusals, and messages taken in. */

/* "reject: RCPT from PEER: 450 4.7.1 ...": rest begins behind the action. */
static enum taken take_refusal(struct str rest, struct str queue_id, bool warning, const struct line *line,
                               struct builder *builder)
{
    /* At connect the greeting is not out yet: "sleep 5, reject_unauth_pipelining" in
     * smtpd_client_restrictions, as postconf(5) has it for who has no postscreen. */
    static const struct phrase early = { STR_INIT("Improper use of SMTP command pipelining"),
                                         0,
                                         false,
                                         NAMED_EARLY_TALKER,
                                         KIND_EARLY_TALKER,
                                         YES,
                                         NULL,
                                         "smtpd/smtpd_check.c" };
    struct peer peer;
    struct str where, text, reason;
    if (!cut_until(&rest, STR(" from "), &where) || !cut_peer(&rest, &peer) || !cut_prefix(&rest, STR(": ")))
        return SKIPPED;
    struct refusal refusal = {
        .line = line, .command = command_of(where), .warning = warning, .queue_id = queue_id
    };
    if (!split_trailer(rest, &text, &refusal.trailer, NULL))
        text = rest;
    read_reply(text, 550, &refusal.reply);
    struct open_session *open = smtpd_session(builder, line, &peer);
    const struct phrase *phrase = phrase_of(refusal.reply.text, &refusal.trailer, &reason);
    if (refusal.command == COMMAND_CONNECT && phrase->named == NAMED_PIPELINING)
        phrase = &early;
    postfix_refuse(builder, open, &refusal, phrase, reason);
    if (refusal.reply.code == 421 && !warning) {
        open->session.closed = CLOSED_DROPPED;
        open->session.cut_off = true;
    }
    return TAKEN;
}

/* "client=PEER, sasl_method=PLAIN, sasl_username=x, sasl_sender=y, orig_queue_id=z, orig_client=w" */
static enum taken take_client(struct str rest, struct str queue_id, const struct line *line,
                              struct builder *builder)
{
    struct peer peer;
    if (!cut_peer(&rest, &peer))
        return SKIPPED;
    struct open_session *open = smtpd_session(builder, line, &peer);
    struct session *session = &open->session;
    struct str none = { NULL, 0 }, field;
    int32_t transaction = transaction_at(builder, open, line->host, queue_id, none, line->at);
    reach(open, STAGE_RCPT);
    if (transaction >= 0 && queue_id.at)
        builder_bind(builder, key_of_text(KEY_QUEUE_ID, line->host, queue_id), open, transaction, true);
    if (cut_prefix(&rest, STR(", sasl_method=")) && cut_until(&rest, STR(", sasl_username="), &field) &&
        !session->auth_user.at) {
        struct str user = rest, before;
        if (cut_until(&rest, STR(", sasl_sender="), &before) || cut_until(&rest, STR(", orig_"), &before))
            user = before;
        session->auth_user = builder_keep(builder, open, user);
        struct evidence auth = evidence_of(KIND_AUTH, YES, line->at);
        auth.subject = user;
        builder_add_evidence(builder, open, &auth);
    }
    if (str_find(rest, STR("orig_queue_id=")) || str_find(rest, STR("orig_client="))) {
        /* it comes back from our own content filter, behind the queue or before it: not a session of the
         * outside's */
        session->direction = DIRECTION_OUT;
        open->flags |= REINJECTED;
    }
    return TAKEN;
}

/* What the filter handed on was taken by another smtpd, under the queue id that it told: this is the same
 * message. Its Message-ID and what scanners said of it come along. */
static void take_over(struct builder *builder, struct open_session *open, int32_t index, session_key key,
                      usec at)
{
    int32_t theirs = -1;
    struct open_session *behind = builder_find(builder, key, &theirs);
    if (!behind || behind == open || theirs < 0)
        return;
    for (uint32_t i = 0; i < behind->session.evidence_count; i++) {
        struct evidence evidence = behind->session.evidence[i];
        if (evidence.transaction != theirs || evidence.recipient >= 0 || evidence.kind == KIND_FATE)
            continue;
        evidence.transaction = index;
        builder_add_evidence(builder, open, &evidence);
    }
    open->session.transactions[index].message_id =
        builder_keep(builder, open, behind->session.transactions[theirs].message_id);
    filter_forget(builder, behind, theirs);
    filter_know(builder, open, index, true, false, at);
}

/* "END-OF-MESSAGE: 250 2.0.0 Ok: queued as ID; from=<> ...": what a before-queue filter answered. */
static enum taken take_proxy(struct str rest, bool accepted, const struct line *line, struct builder *builder)
{
    struct open_session *open = builder_find(builder, key_of_process(line), NULL);
    struct str where, text, id, reason, none = { NULL, 0 };
    if (!open || !cut_until(&rest, STR(": "), &where))
        return PASSED;
    builder_took(builder, open, line);
    struct refusal refusal = { .line = line, .command = command_of(where), .queue_id = none };
    if (!split_trailer(rest, &text, &refusal.trailer, NULL))
        text = rest;
    read_reply(text, 550, &refusal.reply);
    if (!accepted) {
        const struct phrase *phrase = phrase_of(refusal.reply.text, &refusal.trailer, &reason);
        postfix_refuse(builder, open, &refusal, phrase, reason);
        return TAKEN;
    }
    int32_t index = transaction_at(builder, open, line->host, none, refusal.trailer.from, line->at);
    if (index < 0)
        return TAKEN;
    reach(open, STAGE_EOM);
    struct transaction *transaction = &open->session.transactions[index];
    transaction->verdict = VERDICT_ACCEPTED;
    if (cut_until(&text, STR("queued as "), &where) && text.len) {
        text = str_trim(text);
        size_t len = 0;
        while (len < text.len && (is_alpha(text.at[len]) || is_digit(text.at[len])))
            len++;
        id = (struct str){ text.at, len };
        session_key key = key_of_text(KEY_QUEUE_ID, line->host, id);
        transaction->queue_id = builder_keep(builder, open, id);
        take_over(builder, open, index, key, line->at);
        filter_adopt(builder, open, index, id, line->at);
        builder_bind(builder, key, open, index, true);
    }
    return TAKEN;
}

/* What else smtpd notes of a command: an access table's or a policy server's WARN, INFO, HOLD, DELAY, FILTER,
 * REDIRECT, BCC, DISCARD, HANGUP, a milter's quarantine (smtpd_check.c, log_whatsup(); smtpd.c,
 * check_milter_reply()). Nothing is refused, and the reply is not told: the client had come so far. */
static enum taken take_note(struct str action, struct str rest, struct str queue_id, const struct line *line,
                            struct builder *builder)
{
    struct peer peer;
    struct str where, text;
    int32_t transaction, recipient;
    if (!cut_until(&rest, STR(" from "), &where) || !cut_peer(&rest, &peer) || !cut_prefix(&rest, STR(": ")))
        return PASSED;
    struct open_session *open = smtpd_session(builder, line, &peer);
    if (str_eq(action, STR("abort"))) /* TLS, whatever the client had said before */
        return TAKEN;
    struct refusal said = { .line = line, .command = command_of(where), .queue_id = queue_id };
    if (!split_trailer(rest, &text, &said.trailer, NULL))
        text = rest;
    postfix_reach(builder, open, &said, &transaction, &recipient);
    if (str_eq(action, STR("permit"))) { /* smtpd_log_access_permit_actions */
        struct evidence exempt = evidence_of(KIND_EXEMPT, YES, line->at);
        exempt.detail = text;
        builder_add_evidence(builder, open, &exempt);
    } else if (str_eq(action, STR("hangup"))) {
        open->session.closed = CLOSED_DROPPED;
        open->session.cut_off = true;
    }
    return TAKEN;
}

static enum taken take_action(struct str rest, struct str queue_id, const struct line *line,
                              struct builder *builder)
{
    struct str action;
    if (cut_prefix(&rest, STR("client=")))
        return take_client(rest, queue_id, line, builder);
    if (cut_prefix(&rest, STR("reject: ")) || cut_prefix(&rest, STR("milter-reject: ")))
        return take_refusal(rest, queue_id, false, line, builder);
    if (cut_prefix(&rest, STR("reject_warning: ")))
        return take_refusal(rest, queue_id, true, line, builder);
    return cut_until(&rest, STR(": "), &action) ? take_note(action, rest, queue_id, line, builder) : SKIPPED;
}

/* ---- The rest. */

/* "after CONNECT from PEER: EHLO x\r\n": what came before it was allowed. After CONNECT that is before the
 * greeting. */
static enum taken take_pipelining(struct str rest, const struct line *line, struct builder *builder)
{
    struct peer peer;
    struct str where;
    if (!cut_until(&rest, STR(" from "), &where) || !cut_peer(&rest, &peer))
        return SKIPPED;
    struct open_session *open = smtpd_session(builder, line, &peer);
    struct evidence ahead = evidence_of(KIND_PIPELINING, YES, line->at);
    ahead.detail = where;
    builder_add_evidence(builder, open, &ahead);
    if (str_eq(where, STR("CONNECT"))) {
        struct evidence early = evidence_of(KIND_EARLY_TALKER, YES, line->at);
        early.a = line->at > open->session.started ? line->at - open->session.started : 0; /* at the latest */
        early.b = -1;
        builder_add_evidence(builder, open, &early);
    }
    open->flags |= SAW_PIPELINING;
    return TAKEN;
}

static enum taken take_tls(struct str rest, const struct line *line, struct builder *builder)
{
    struct peer peer;
    struct str trust;
    if (!cut_until(&rest, STR(" TLS connection established from "), &trust) || !cut_peer(&rest, &peer))
        return PASSED;
    struct open_session *open = smtpd_session(builder, line, &peer);
    open->session.tls = true;
    return TAKEN;
}

/* Lines of smtpd that are of a session by its pid, or of none: verbose ones, SSL_accept error, panic, fatal,
 * ... */
static enum taken take_other(const struct line *line, struct builder *builder)
{
    static const struct str known[] = {
        STR_INIT("SSL_accept"),
        STR_INIT("table "),
        STR_INIT("fatal: "),
        STR_INIT("panic: "),
        STR_INIT("error: "),
        STR_INIT("setting up "),
        STR_INIT("initializing "),
        STR_INIT("using backwards-compatible"),
        STR_INIT("skipping address "),
        STR_INIT("discarding EHLO"),
        STR_INIT("mapping DSN"),
        STR_INIT("connect to subsystem"),
        STR_INIT("> "),
        STR_INIT("< "),
        STR_INIT("statistics: "),
        STR_INIT("generic_checks"),
        STR_INIT("match_"),
        STR_INIT("dict_"),
        STR_INIT("name_mask"),
        STR_INIT("auto_clnt_"),
        STR_INIT("Wrapper-mode "),
        STR_INIT("idle timeout"),
        STR_INIT("master_notify"),
        STR_INIT("proxymap"),
        STR_INIT("watchdog"),
        STR_INIT("event_"),
        STR_INIT("input attribute"),
        STR_INIT("send attr"),
    };
    bool is_known = false;
    for (size_t i = 0; i < sizeof known / sizeof *known && !is_known; i++)
        is_known = str_starts(line->text, known[i]);
    struct open_session *open = builder_find(builder, key_of_process(line), NULL);
    if (!is_known)
        return SKIPPED;
    if (!open)
        return PASSED;
    builder_took(builder, open, line);
    return TAKEN;
}

enum taken take_smtpd(const struct line *line, struct builder *builder)
{
    struct str rest = line->text, queue_id, none = { NULL, 0 };
    if (rest.len == 0)
        return PASSED;
    switch (rest.at[0]) {
    case 'c':
        if (cut_prefix(&rest, STR("connect from ")))
            return take_connect(rest, line, builder);
        break;
    case 'd':
        if (cut_prefix(&rest, STR("disconnect from ")))
            return take_disconnect(rest, line, builder);
        break;
    case 'N':
        if (cut_prefix(&rest, STR("NOQUEUE: ")))
            return take_action(rest, none, line, builder);
        break;
    case 'l':
        if (cut_prefix(&rest, STR("lost connection after ")))
            return take_end(rest, line, builder, CLOSED_LOST);
        break;
    case 't':
        if (cut_prefix(&rest, STR("timeout after ")))
            return take_end(rest, line, builder, CLOSED_TIMEOUT);
        if (cut_prefix(&rest, STR("too many errors after ")))
            return take_end(rest, line, builder, CLOSED_DROPPED);
        break;
    case 'w':
        if (cut_prefix(&rest, STR("warning: ")))
            return take_smtpd_warning(rest, line, builder);
        break;
    case 'i':
        if (cut_prefix(&rest, STR("improper command pipelining after ")))
            return take_pipelining(rest, line, builder);
        break;
    case 'p':
        if (cut_prefix(&rest, STR("proxy-accept: ")))
            return take_proxy(rest, true, line, builder);
        if (cut_prefix(&rest, STR("proxy-reject: ")))
            return take_proxy(rest, false, line, builder);
        break;
    default:
        break;
    }
    rest = line->text;
    if (cut_queue_id(&rest, &queue_id))
        return take_action(rest, queue_id, line, builder);
    if (str_find(rest, STR(" TLS connection established from ")))
        return take_tls(rest, line, builder);
    return take_other(line, builder);
}

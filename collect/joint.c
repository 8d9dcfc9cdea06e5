/* One session out of two records of it. A log may leave out whole transactions (qmail's has none, Exim's
 * default only those that were refused or accepted), a capture what TLS hides; what is in both is put side by
 * side in order: transactions by sender and recipients, recipients by address. */
#include "collect/joint.h"

/* LOOK_AHEAD: a record that has lost more than so many in a row is not put side by side again. */
enum { NOWHERE = -1, LOOK_AHEAD = 64 };

/* CONTRADICTIONS_MOST: of a session that has more the others say nothing new. */
enum { CONTRADICTIONS_MOST = 16, LOGGED_NAME_BYTES = 64 };

/* What the log says of `what`, and what the capture does. */
struct contradiction {
    const char *what;
    struct str log, capture;
    int32_t transaction, recipient;
    usec at;
};

struct joining {
    const struct session *log, *capture;
    usec offset;
    struct arena *arena;
    struct session *joined;
    struct contradiction contradiction[CONTRADICTIONS_MOST];
    uint32_t contradictions;
};

static usec moved(usec at, usec offset)
{
    return at == USEC_NONE ? USEC_NONE : at + offset;
}

static struct str either(struct str one, struct str other)
{
    return one.at ? one : other;
}

static uint32_t end_of_look(uint32_t from, uint32_t count)
{
    return count - from > LOOK_AHEAD ? from + LOOK_AHEAD : count;
}

/* ---- Contradictions. */

static void contradict(struct joining *joining, const struct contradiction *contradiction)
{
    if (joining->contradictions < CONTRADICTIONS_MOST)
        joining->contradiction[joining->contradictions++] = *contradiction;
}

static struct str code_text(const struct joining *joining, const struct reply *reply)
{
    struct str text = reply->text.at ? reply->text : STR("");
    struct str enhanced = reply->enhanced.at ? reply->enhanced : STR("");
    return arena_printf(joining->arena, "%d%s%.*s%s%.*s", reply->code, enhanced.len ? " " : "",
                        STR_ARG(enhanced), text.len ? " " : "", STR_ARG(text));
}

/* Codes of one class are none: many logs tell no more than the class. */
static bool replies_differ(const struct reply *log, const struct reply *capture)
{
    return log->code && capture->code && log->code / 100 != capture->code / 100;
}

/* Of the same command; in the joined session it is in this place. */
static void compare_replies(struct joining *joining, const char *what, const struct reply *log,
                            const struct reply *capture, int32_t transaction, int32_t recipient, usec at)
{
    if (!replies_differ(log, capture))
        return;
    contradict(joining, &(struct contradiction){ .what = what,
                                                 .log = code_text(joining, log),
                                                 .capture = code_text(joining, capture),
                                                 .transaction = transaction,
                                                 .recipient = recipient,
                                                 .at = at });
}

/* Logs write `?` or \303 for what they do not print, cut what is long, and of several words have the first.
 */
static bool same_name(struct str log, struct str capture)
{
    size_t i = 0, k = 0;
    for (; i < log.len && k < capture.len; i++, k++) {
        bool octal = log.at[i] == '\\' && log.len - i > 3 && is_digit(log.at[i + 1]);
        if (octal)
            i += 3;
        else if (log.at[i] != '?' && ascii_lower(log.at[i]) != ascii_lower(capture.at[k]))
            return false;
    }
    return i == log.len && (k == capture.len || capture.at[k] == ' ' || log.len >= LOGGED_NAME_BYTES);
}

/* A HELO that was refused may have been followed by another, of which a log says nothing. The client's own
 * address in brackets Exim leaves out; its name stands for it then. */
static bool helo_is_told(const struct session *log, const struct session *capture)
{
    if (log->tls || capture->tls || !log->helo.at || !capture->helo.at)
        return false;
    if (log->reply.stage == STAGE_HELO && log->reply.code >= 400)
        return false;
    return !(capture->helo.len && capture->helo.at[0] == '[' && log->client_name.at &&
             str_eq_nocase(log->helo, log->client_name));
}

/* What a client called itself behind STARTTLS only the log has. */
static void compare_helo(struct joining *joining)
{
    const struct session *log = joining->log, *capture = joining->capture;
    if (!helo_is_told(log, capture) || same_name(log->helo, capture->helo))
        return;
    contradict(joining, &(struct contradiction){ .what = "helo",
                                                 .log = log->helo,
                                                 .capture = capture->helo,
                                                 .transaction = WHOLE_SESSION,
                                                 .recipient = WHOLE_TRANSACTION,
                                                 .at = joining->joined->started });
}

/* A message that was taken, and refused. */
static void compare_message(struct joining *joining, const struct transaction *log,
                            const struct transaction *capture, int32_t transaction, usec at)
{
    bool taken = log->verdict == VERDICT_ACCEPTED, seen = capture->verdict == VERDICT_ACCEPTED;
    if (taken == seen || (taken && capture->reply.code < 400) || (seen && log->reply.code < 400)) {
        compare_replies(joining, "message", &log->reply, &capture->reply, transaction, WHOLE_TRANSACTION, at);
        return;
    }
    contradict(joining, &(struct contradiction){
                            .what = "message",
                            .log = taken ? STR("accepted") : code_text(joining, &log->reply),
                            .capture = seen ? STR("accepted") : code_text(joining, &capture->reply),
                            .transaction = transaction,
                            .recipient = WHOLE_TRANSACTION,
                            .at = at });
}

static void add_contradictions(const struct joining *joining)
{
    struct session *joined = joining->joined;
    for (uint32_t i = 0; i < joining->contradictions; i++) {
        const struct contradiction *contradiction = &joining->contradiction[i];
        struct evidence evidence = { .kind = KIND_CONTRADICTION,
                                     .state = YES,
                                     .origin = ORIGIN_LOG,
                                     .transaction = contradiction->transaction,
                                     .recipient = contradiction->recipient,
                                     .at = contradiction->at,
                                     .subject = str_of(contradiction->what),
                                     .detail = contradiction->log };
        joined->evidence[joined->evidence_count++] = evidence;
        evidence.origin = ORIGIN_CAPTURE;
        evidence.detail = contradiction->capture;
        joined->evidence[joined->evidence_count++] = evidence;
    }
}

/* ---- Replies. */

/* A log has the words of the server's own rules, to the letter or shortened; which measure they name is told
 * by whichever record tells it. */
static struct reply reply_joined(const struct reply *log, const struct reply *capture)
{
    if (log->code == 0)
        return *capture;
    struct reply reply = *log;
    if (capture->code == 0)
        return reply;
    if (reply.named <= NAMED_OTHER && capture->named > NAMED_OTHER && log->code / 100 == capture->code / 100)
        reply.named = capture->named;
    reply.enhanced = either(reply.enhanced, capture->enhanced);
    reply.text = either(reply.text, capture->text);
    return reply;
}

static const struct reply *first_reply(const struct session *log, const struct session *capture)
{
    if (log->reply.named > NAMED_OTHER || capture->reply.named <= NAMED_OTHER)
        return log->reply.code || !capture->reply.code ? &log->reply : &capture->reply;
    return &capture->reply;
}

/* ---- Recipients. */

static struct recipient recipient_joined(const struct recipient *log, const struct recipient *capture,
                                         usec offset)
{
    struct recipient recipient = *capture;
    recipient.reply = reply_joined(&log->reply, &capture->reply);
    recipient.valid = log->valid ? log->valid : capture->valid;
    recipient.at = log->at != USEC_NONE ? log->at : moved(capture->at, offset);
    return recipient;
}

/* Puts the recipients of both side by side: those of the log at the places of the same address in the
 * capture, the others behind those before them. */
static void join_recipients(struct joining *joining, struct transaction *to, const struct transaction *log,
                            const struct transaction *capture, struct places *log_places,
                            struct places *capture_places)
{
    uint32_t from = 0, count = log->recipient_count + capture->recipient_count;
    if (count == 0)
        return;
    to->recipients = arena_zero(joining->arena, count * sizeof *to->recipients);
    for (uint32_t i = 0; i < log->recipient_count; i++) {
        const struct recipient *recipient = &log->recipients[i];
        uint32_t same = from;
        while (same < end_of_look(from, capture->recipient_count) &&
               !str_eq_nocase(capture->recipients[same].address, recipient->address))
            same++;
        bool found = same < end_of_look(from, capture->recipient_count);
        for (; found && from < same; from++) {
            capture_places->recipient[from] = (int32_t)to->recipient_count;
            struct recipient *only = &to->recipients[to->recipient_count++];
            *only = capture->recipients[from];
            only->at = moved(only->at, joining->offset);
        }
        log_places->recipient[i] = (int32_t)to->recipient_count;
        if (found) {
            capture_places->recipient[from] = (int32_t)to->recipient_count;
            compare_replies(joining, "recipient", &recipient->reply, &capture->recipients[from].reply,
                            log_places->transaction, (int32_t)to->recipient_count, recipient->at);
        }
        to->recipients[to->recipient_count++] =
            found ? recipient_joined(recipient, &capture->recipients[from++], joining->offset) : *recipient;
    }
    for (; from < capture->recipient_count; from++) {
        capture_places->recipient[from] = (int32_t)to->recipient_count;
        struct recipient *only = &to->recipients[to->recipient_count++];
        *only = capture->recipients[from];
        only->at = moved(only->at, joining->offset);
    }
}

/* ---- Transactions. */

static bool share_recipient(const struct transaction *log, const struct transaction *capture)
{
    if (log->recipient_count == 0 || capture->recipient_count == 0)
        return true;
    for (uint32_t i = 0; i < end_of_look(0, log->recipient_count); i++)
        for (uint32_t k = 0; k < end_of_look(0, capture->recipient_count); k++)
            if (str_eq_nocase(log->recipients[i].address, capture->recipients[k].address))
                return true;
    return false;
}

/* Logs may write a sender in another case, or leave it out. */
static bool same_transaction(const struct transaction *log, const struct transaction *capture)
{
    if (log->queue_id.at && capture->queue_id.at && !str_eq(log->queue_id, capture->queue_id))
        return false;
    if (log->mail_from.at && capture->mail_from.at && !str_eq_nocase(log->mail_from, capture->mail_from))
        return false;
    return share_recipient(log, capture);
}

static struct transaction *add_transaction(const struct joining *joining, struct places *places)
{
    struct session *joined = joining->joined;
    places->transaction = (int32_t)joined->transaction_count;
    return &joined->transactions[joined->transaction_count++];
}

static void add_captured(struct joining *joining, uint32_t index, struct places *places)
{
    struct transaction *to = add_transaction(joining, &places[index]);
    static const struct transaction nothing;
    *to = joining->capture->transactions[index];
    to->at = moved(to->at, joining->offset);
    to->recipient_count = 0;
    join_recipients(joining, to, &nothing, &joining->capture->transactions[index], NULL, &places[index]);
}

static void add_joined(struct joining *joining, const struct transaction *log,
                       const struct transaction *capture, struct places *log_places,
                       struct places *capture_places)
{
    struct transaction *to = add_transaction(joining, log_places);
    capture_places->transaction = log_places->transaction;
    *to = *log;
    to->mail_from = either(capture->mail_from, log->mail_from);
    to->queue_id = either(log->queue_id, capture->queue_id);
    to->message_id = either(log->message_id, capture->message_id);
    to->size = log->size >= 0 ? log->size : capture->size;
    to->reply = reply_joined(&log->reply, &capture->reply);
    to->at = log->at != USEC_NONE ? log->at : moved(capture->at, joining->offset);
    if (capture->verdict == VERDICT_ACCEPTED)
        to->verdict = VERDICT_ACCEPTED;
    compare_message(joining, log, capture, log_places->transaction, to->at);
    to->recipient_count = 0;
    join_recipients(joining, to, log, capture, log_places, capture_places);
}

static struct places *places_of(const struct session *session, struct arena *arena)
{
    struct places *places = arena_zero(arena, (session->transaction_count + 1) * sizeof *places);
    for (uint32_t i = 0; i < session->transaction_count; i++) {
        uint32_t count = session->transactions[i].recipient_count;
        places[i].transaction = NOWHERE;
        places[i].recipients = count;
        places[i].recipient = arena_zero(arena, (count + 1) * sizeof *places[i].recipient);
    }
    return places;
}

static void join_transactions(struct joining *joining, struct places *log_places,
                              struct places *capture_places)
{
    static const struct transaction nothing;
    const struct session *log = joining->log, *capture = joining->capture;
    uint32_t from = 0, count = log->transaction_count + capture->transaction_count;
    joining->joined->transaction_count = 0;
    joining->joined->transactions =
        count ? arena_zero(joining->arena, count * sizeof *joining->joined->transactions) : NULL;
    for (uint32_t i = 0; i < log->transaction_count; i++) {
        const struct transaction *transaction = &log->transactions[i];
        uint32_t same = from;
        while (same < end_of_look(from, capture->transaction_count) &&
               !same_transaction(transaction, &capture->transactions[same]))
            same++;
        if (same == end_of_look(from, capture->transaction_count)) { /* hidden by TLS, or lost */
            struct transaction *to = add_transaction(joining, &log_places[i]);
            *to = *transaction;
            to->recipient_count = 0;
            join_recipients(joining, to, transaction, &nothing, &log_places[i], NULL);
            continue;
        }
        for (; from < same; from++)
            add_captured(joining, from, capture_places);
        add_joined(joining, transaction, &capture->transactions[from], &log_places[i], &capture_places[from]);
        from++;
    }
    for (; from < capture->transaction_count; from++)
        add_captured(joining, from, capture_places);
}

/* ---- Evidence. */

static void add_evidence(const struct joining *joining, const struct session *from,
                         const struct places *places, usec offset)
{
    struct session *joined = joining->joined;
    for (uint32_t i = 0; i < from->evidence_count; i++) {
        struct evidence *evidence = &joined->evidence[joined->evidence_count++];
        *evidence = from->evidence[i];
        evidence->at = moved(evidence->at, offset);
        if (evidence->transaction < 0 || (uint32_t)evidence->transaction >= from->transaction_count)
            continue;
        const struct places *place = &places[evidence->transaction];
        if (evidence->recipient >= 0 &&
            (uint32_t)evidence->recipient < from->transactions[evidence->transaction].recipient_count)
            evidence->recipient = place->recipient[evidence->recipient];
        evidence->transaction = place->transaction;
    }
}

/* ---- The session. */

/* Of a refusal before the first MAIL: session_conclude() wants it, and makes it nothing where transactions
 * tell more. */
static enum verdict before_mail(const struct session *log, const struct session *capture)
{
    enum verdict verdict = (enum verdict)log->verdict;
    if (verdict == VERDICT_NONE || verdict == VERDICT_ACCEPTED)
        verdict = (enum verdict)capture->verdict;
    return verdict == VERDICT_ACCEPTED ? VERDICT_NONE : verdict;
}

static usec earlier(usec a, usec b)
{
    return a < b ? a : b;
}

struct session session_joined(const struct session *log, const struct session *capture, usec offset,
                              struct arena *arena, struct places **places)
{
    struct session joined = *log;
    struct joining joining = {
        .log = log, .capture = capture, .offset = offset, .arena = arena, .joined = &joined
    };
    struct places *log_places = places_of(log, arena), *capture_places = places_of(capture, arena);
    joined.started = earlier(log->started, moved(capture->started, offset));
    joined.ended = capture->ended != USEC_NONE ? moved(capture->ended, offset) : log->ended;
    joined.client = ip_is_none(&log->client) ? capture->client : log->client;
    joined.client_port = log->client_port ? log->client_port : capture->client_port;
    joined.server_address = capture->server_address;
    joined.server_port = capture->server_port;
    joined.client_name = either(log->client_name, capture->client_name);
    /* The EHLO behind STARTTLS is the last one, and only the log has it. */
    joined.helo =
        log->tls || capture->tls ? either(log->helo, capture->helo) : either(capture->helo, log->helo);
    joined.auth_user = either(log->auth_user, capture->auth_user);
    joined.stage = log->stage > capture->stage ? log->stage : capture->stage;
    joined.closed = capture->closed != CLOSED_UNKNOWN ? capture->closed : log->closed;
    joined.tls = log->tls || capture->tls;
    joined.gap = log->gap && capture->gap; /* what one has lost, the other has */
    joined.cut_off = log->cut_off || capture->cut_off;
    joined.reply = *first_reply(log, capture);
    joined.verdict = (uint8_t)before_mail(log, capture);
    compare_helo(&joining);
    if (log->reply.stage == capture->reply.stage && log->reply.stage < STAGE_MAIL)
        compare_replies(&joining, stage_name[log->reply.stage], &log->reply, &capture->reply, WHOLE_SESSION,
                        WHOLE_TRANSACTION, log->started);
    join_transactions(&joining, log_places, capture_places);
    size_t evidence =
        (size_t)log->evidence_count + capture->evidence_count + 2 * (size_t)joining.contradictions;
    joined.evidence_count = 0;
    joined.evidence = arena_alloc(arena, (evidence + 1) * sizeof *joined.evidence);
    add_evidence(&joining, log, log_places, 0);
    add_evidence(&joining, capture, capture_places, offset);
    add_contradictions(&joining);
    session_conclude(&joined);
    *places = log_places;
    return joined;
}

/* Which sessions of a log and of a capture are the same. They are gathered until there are many; then the
 * clocks' difference is learnt from those that can hardly be others (the same port, the same words), the
 * likeliest pairs are taken first, and of the rest what is young waits for what comes next. */
#include "collect/matching.h"

#include <stdlib.h>
#include "base/memory.h"

enum {
    CANDIDATES_MOST = 32, /* of one session: the nearest in time */
    CLOCKS = 64,          /* servers whose clocks are known */
    WEIGHT_OF_PORT = 16,
    SAMPLES_LEAST = 3 /* of which none has the port */
};

static const usec offset_most =
    14 * USEC_HOUR; /* a clock that is set right, in a zone that is taken for another */
static const usec offset_window =
    2 * USEC_SECOND; /* stamps of whole seconds, and the time that a look-up takes */
static const usec tolerance = 2 * USEC_SECOND;
static const usec clock_least = USEC_SECOND, clock_step = USEC_SECOND / 10;
static const usec lasts_most = 10 * USEC_MINUTE; /* a session whose end is not known */
static const usec lasts_longest = 2 * USEC_HOUR;
static const usec waits_most = 2 * USEC_HOUR; /* for its other record */

/* What is kept of a session. Hashes are 0 where there is nothing. */
struct record {
    struct ip client;
    usec started, ended;
    int64_t id;
    uint64_t helo, sender, recipient;
    uint64_t server; /* of a log: its host, whose clock it is */
    uint32_t recipients;
    uint8_t taken; /* enum tri: whether a message was */
    uint16_t port;
    int16_t code; /* of the reply to the first recipient */
    bool captured, tls, matched;
    bool silent; /* the client said nothing, and went */
};

/* How much a server's clock is ahead of that of the captures. */
struct clock {
    uint64_t server;
    usec offset;
};

struct sample {
    uint64_t server;
    usec ahead;
    unsigned weight;
};

struct candidate {
    uint32_t log, capture;
    int score;
    usec apart;
};

struct matching {
    matching_pair *pair;
    void *state;
    struct record *record;
    size_t count, capacity;
    const struct record *capture, *end; /* once they are sorted: the first of a capture, and the end */
    struct clock clock[CLOCKS];
    size_t clocks;
    usec newest;
};

/* ---- Records. */

static uint64_t hash_folded(struct str text)
{
    char folded[256];
    size_t len = text.len < sizeof folded ? text.len : sizeof folded;
    for (size_t i = 0; i < len; i++)
        folded[i] = ascii_lower(text.at[i]);
    return text.at ? bytes_hash(folded, len, 1) | 1 : 0;
}

/* Logs write what is not plain in many ways (?, \303), and of several words the first; one that was refused
 * the client may have followed by another, which a log does not have. */
static uint64_t hash_helo(const struct session *session)
{
    char plain[256];
    struct str helo = session->helo;
    size_t len = 0;
    if (!helo.at || (session->reply.stage == STAGE_HELO && session->reply.code >= 400))
        return 0;
    for (size_t i = 0; i < helo.len && helo.at[i] != ' ' && len < sizeof plain; i++) {
        char c = ascii_lower(helo.at[i]);
        if (c == '\\' && helo.len - i > 3 && is_digit(helo.at[i + 1]))
            i += 3;
        else if ((c >= 'a' && c <= 'z') || is_digit(c) || memchr(".-_[]:", c, 6))
            plain[len++] = c;
    }
    return bytes_hash(plain, len, 1) | 1;
}

static struct record record_of(const struct session *session, bool captured)
{
    struct record record = { .client = session->client,
                             .started = session->started,
                             .ended = session->ended,
                             .id = session->id,
                             .helo = hash_helo(session),
                             .port = session->client_port,
                             .captured = captured,
                             .tls = session->tls };
    record.silent = session->stage <= STAGE_BANNER && !session->helo.at && session->transaction_count == 0;
    record.server = captured ? 0 : matching_server(session->server);
    for (uint32_t i = 0; i < session->transaction_count; i++) {
        const struct transaction *transaction = &session->transactions[i];
        if (!record.sender)
            record.sender = hash_folded(transaction->mail_from);
        if (record.taken != YES)
            record.taken = transaction->verdict == VERDICT_ACCEPTED ? YES : NO;
        if (!record.recipients && transaction->recipient_count) {
            record.recipient = hash_folded(transaction->recipients[0].address);
            record.code = transaction->recipients[0].reply.code;
        }
        record.recipients += transaction->recipient_count;
    }
    return record;
}

/* Those of logs first; by client, then by start. */
static int by_client(const void *left, const void *right)
{
    const struct record *a = left, *b = right;
    if (a->captured != b->captured)
        return a->captured ? 1 : -1;
    int order = memcmp(a->client.octet, b->client.octet, sizeof a->client.octet);
    if (order)
        return order;
    if (a->started != b->started)
        return a->started < b->started ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

/* The first of the captures that is of this client, and began at `from` or later. */
static const struct record *first_of(const struct matching *matching, const struct ip *client, usec from)
{
    const struct record key = { .client = *client, .started = from, .captured = true, .id = INT64_MIN };
    const struct record *low = matching->capture, *high = matching->end;
    while (low < high) {
        const struct record *middle = low + (high - low) / 2;
        if (by_client(middle, &key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool same_port(const struct record *log, const struct record *capture)
{
    return log->port && log->port == capture->port;
}

/* ---- Clocks. */

static usec ahead_of(const struct matching *matching, uint64_t server)
{
    for (size_t i = 0; i < matching->clocks; i++)
        if (matching->clock[i].server == server)
            return matching->clock[i].offset;
    return 0;
}

uint64_t matching_server(struct str name)
{
    return hash_folded(name);
}

usec matching_reach(const struct matching *matching, bool clocks_known)
{
    usec most = clocks_known ? 0 : offset_most;
    for (size_t i = 0; i < matching->clocks; i++)
        if (llabs(matching->clock[i].offset) > most)
            most = llabs(matching->clock[i].offset);
    return most + lasts_longest + tolerance;
}

void matching_know_clock(struct matching *matching, uint64_t server, usec ahead)
{
    size_t at = 0;
    while (at < matching->clocks && matching->clock[at].server != server)
        at++;
    if (at == CLOCKS)
        at--;
    else if (at == matching->clocks)
        matching->clocks++;
    matching->clock[at] = (struct clock){ .server = server, .offset = ahead };
}

bool matching_clock(const struct matching *matching, size_t at, uint64_t *server, usec *ahead)
{
    if (at >= matching->clocks)
        return false;
    *server = matching->clock[at].server;
    *ahead = matching->clock[at].offset;
    return true;
}

/* In steps, so that it is the same whichever sessions it is learnt from. */
static void learn_clock(struct matching *matching, uint64_t server, usec ahead)
{
    bool known = false;
    for (size_t i = 0; i < matching->clocks && !known; i++)
        known = matching->clock[i].server == server;
    if (known && llabs(ahead - ahead_of(matching, server)) < clock_least)
        return;
    usec steps = (ahead + (ahead < 0 ? -clock_step / 2 : clock_step / 2)) / clock_step;
    matching_know_clock(matching, server, llabs(ahead) < clock_least ? 0 : steps * clock_step);
}

static int by_server(const void *left, const void *right)
{
    const struct sample *a = left, *b = right;
    if (a->server != b->server)
        return a->server < b->server ? -1 : 1;
    return (a->ahead > b->ahead) - (a->ahead < b->ahead);
}

/* The middle of where the samples are thickest. */
static void learn_from(struct matching *matching, const struct sample *sample, size_t count)
{
    uint64_t best = 0, weight = 0;
    size_t best_from = 0, best_to = 0;
    for (size_t from = 0, to = 0; to < count; to++) {
        weight += sample[to].weight;
        while (sample[to].ahead - sample[from].ahead > offset_window)
            weight -= sample[from++].weight;
        if (weight > best) {
            best = weight;
            best_from = from;
            best_to = to;
        }
    }
    if (best < WEIGHT_OF_PORT && best_to - best_from + 1 < SAMPLES_LEAST)
        return;
    learn_clock(matching, sample[0].server, sample[best_from + (best_to - best_from) / 2].ahead);
}

/* What two records of one client say of the clocks, if they are of one session; more the less likely it is
 * that they are not. */
static unsigned weight_of(const struct record *log, const struct record *capture)
{
    if (log->port && log->port != capture->port)
        return 0;
    if (log->sender && capture->sender && log->sender != capture->sender)
        return 0;
    int same = (log->sender && log->sender == capture->sender) +
               (log->recipient && log->recipient == capture->recipient) +
               (log->helo && log->helo == capture->helo);
    return same_port(log, capture) ? WEIGHT_OF_PORT : (unsigned)(1 + same);
}

static void learn(struct matching *matching)
{
    struct sample *sample = NULL;
    size_t count = 0, capacity = 0;
    for (const struct record *log = matching->record; log < matching->capture; log++) {
        const struct record *here = first_of(matching, &log->client, log->started), *from = here, *to = here;
        while (from > matching->capture && here - from < CANDIDATES_MOST / 2 &&
               ip_eq(&from[-1].client, &log->client))
            from--;
        while (to < matching->end && to - here < CANDIDATES_MOST / 2 && ip_eq(&to->client, &log->client))
            to++;
        for (; from < to; from++) {
            usec ahead = log->started - from->started;
            unsigned weight = llabs(ahead) <= offset_most ? weight_of(log, from) : 0;
            if (!weight)
                continue;
            mem_room(sample, capacity, count + 1);
            sample[count++] = (struct sample){ log->server, ahead, weight };
        }
    }
    if (count)
        qsort(sample, count, sizeof *sample, by_server);
    for (size_t from = 0, to = 0; from < count; from = to) {
        while (to < count && sample[to].server == sample[from].server)
            to++;
        learn_from(matching, sample + from, to - from);
    }
    free(sample);
}

/* ---- Pairs. */

static int agree(uint64_t log, uint64_t capture, int worth)
{
    return !log || !capture ? 0 : log == capture ? worth : -worth;
}

/* One that is open where the capture ends may come to any end, and to a transaction that it has not had yet.
 */
static bool may_have_ended_together(const struct record *log, const struct record *capture, usec offset)
{
    if (capture->ended == USEC_NONE)
        return true;
    return log->ended != USEC_NONE && llabs(log->ended - (capture->ended + offset)) <= tolerance;
}

/* How likely both are one session; below 0: they are not. */
static int score_of(const struct record *log, const struct record *capture, usec offset, usec *apart)
{
    usec began = capture->started + offset;
    usec ended = capture->ended != USEC_NONE ? capture->ended + offset : began + lasts_most;
    *apart = llabs(log->started - began);
    if (log->port && log->port != capture->port)
        return -1;
    if (log->started < began - tolerance || log->started > ended + tolerance)
        return -1;
    int score = same_port(log, capture) ? 1000 : 10;
    /* What TLS hides is not said otherwise: it is not said. */
    int helo = !log->tls && !capture->tls ? agree(log->helo, capture->helo, 20) : 0;
    score += helo;
    if (!log->tls && !capture->tls)
        score += agree(log->taken, capture->taken, 15);
    score += agree(log->sender, capture->sender, 40) + agree(log->recipient, capture->recipient, 40);
    score += log->code && capture->code ? agree((uint64_t)log->code, (uint64_t)capture->code, 5) : 0;
    score += capture->recipients == log->recipients ? 5 : 0;
    score -= (int)(*apart / USEC_SECOND < 10 ? *apart / USEC_SECOND : 10);
    /* Of one that came and went at the same time, and that nothing fits better, a sender may be written
     * another way. */
    bool together = *apart <= tolerance && may_have_ended_together(log, capture, offset);
    return score < 0 && helo >= 0 && together ? 0 : score;
}

static int by_score(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    if (a->apart != b->apart)
        return a->apart < b->apart ? -1 : 1;
    if (a->log != b->log)
        return a->log < b->log ? -1 : 1;
    return (a->capture > b->capture) - (a->capture < b->capture);
}

static size_t find_candidates(struct matching *matching, struct candidate **candidates)
{
    size_t count = 0, capacity = 0;
    for (const struct record *log = matching->record; log < matching->capture; log++) {
        usec offset = ahead_of(matching, log->server), began = log->started - offset;
        const struct record *from = first_of(matching, &log->client, began - lasts_longest),
                            *to = first_of(matching, &log->client, began + tolerance + 1);
        if (to - from > CANDIDATES_MOST)
            from = to - CANDIDATES_MOST;
        for (; from < to; from++) {
            usec apart = 0;
            int score = score_of(log, from, offset, &apart);
            if (score < 0)
                continue;
            mem_room(*candidates, capacity, count + 1);
            (*candidates)[count++] = (struct candidate){ (uint32_t)(log - matching->record),
                                                         (uint32_t)(from - matching->record), score, apart };
        }
    }
    return count;
}

/* What is young waits for its other record; where there is too much of it, only what is younger. */
static void keep_young(struct matching *matching)
{
    for (usec wait = waits_most;; wait /= 2) {
        size_t kept = 0;
        for (size_t i = 0; i < matching->count; i++)
            kept += !matching->record[i].matched && matching->record[i].started >= matching->newest - wait;
        if (kept > MATCHING_MOST / 2 && wait > 0)
            continue;
        kept = 0;
        for (size_t i = 0; i < matching->count && wait > 0; i++)
            if (!matching->record[i].matched && matching->record[i].started >= matching->newest - wait)
                matching->record[kept++] = matching->record[i];
        matching->count = kept;
        return;
    }
}

/* A client that has gone before the server asks for its address: a log does not have it then. The capture's
 * nearest in time that nothing else of the log is. */
static int match_unaddressed(struct matching *matching)
{
    for (struct record *log = matching->record; log < matching->capture; log++) {
        if (!ip_is_none(&log->client) || log->matched || !log->silent)
            continue;
        struct record *nearest = NULL;
        usec offset = ahead_of(matching, log->server), least = tolerance;
        for (struct record *at = matching->record; at < matching->end; at++) {
            usec apart = llabs(log->started - (at->started + offset));
            if (!at->captured || at->matched || !at->silent || apart > least)
                continue;
            least = apart;
            nearest = at;
        }
        if (!nearest)
            continue;
        log->matched = nearest->matched = true;
        if (matching->pair(matching->state, log->id, nearest->id, offset))
            return -1;
    }
    return 0;
}

static int match(struct matching *matching)
{
    struct candidate *candidates = NULL;
    int result = 0;
    if (matching->count == 0)
        return 0;
    qsort(matching->record, matching->count, sizeof *matching->record, by_client);
    matching->end = matching->record + matching->count;
    for (matching->capture = matching->record; matching->capture < matching->end; matching->capture++)
        if (matching->capture->captured)
            break;
    learn(matching);
    size_t count = find_candidates(matching, &candidates);
    if (count)
        qsort(candidates, count, sizeof *candidates, by_score);
    for (size_t i = 0; i < count && result == 0; i++) {
        struct record *log = &matching->record[candidates[i].log],
                      *capture = &matching->record[candidates[i].capture];
        if (log->matched || capture->matched)
            continue;
        log->matched = capture->matched = true;
        result = matching->pair(matching->state, log->id, capture->id, ahead_of(matching, log->server));
    }
    free(candidates);
    if (result == 0)
        result = match_unaddressed(matching);
    keep_young(matching);
    return result;
}

/* ---- All of it. */

struct matching *matching_new(matching_pair *pair, void *state)
{
    struct matching *matching = mem_zero(1, sizeof *matching);
    matching->pair = pair;
    matching->state = state;
    matching->newest = INT64_MIN;
    return matching;
}

void matching_free(struct matching *matching)
{
    if (matching)
        free(matching->record);
    free(matching);
}

int matching_add(struct matching *matching, const struct session *session, bool captured)
{
    if ((ip_is_none(&session->client) && captured) || session->direction == DIRECTION_OUT)
        return 0;
    mem_room(matching->record, matching->capacity, matching->count + 1);
    matching->record[matching->count++] = record_of(session, captured);
    if (session->started > matching->newest)
        matching->newest = session->started;
    return matching->count >= MATCHING_MOST ? match(matching) : 0;
}

int matching_finish(struct matching *matching)
{
    return match(matching);
}

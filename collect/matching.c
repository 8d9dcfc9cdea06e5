/* Which sessions of a log and of a capture are the same. They are gathered until there are many; then the
 * clocks' difference is learnt from those that can hardly be others (the same port, the same words), the
 * likeliest pairs are taken first, and of the rest what is young waits for what comes next. */
#include "collect/matching.h"

#include <stdlib.h>
#include "base/memory.h"

enum {
    CANDIDATES_MOST = 32, /* of one session: the nearest in time */
    OFFSETS = 64,         /* servers whose clocks are known */
    SAMPLES_LEAST = 3
};

static const usec offset_most =
    14 * USEC_HOUR; /* a clock that is set right, in a zone that is taken for another */
static const usec offset_window =
    2 * USEC_SECOND; /* stamps of whole seconds, and the time that a look-up takes */
static const usec tolerance = 2 * USEC_SECOND;
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
    uint16_t port;
    int16_t code; /* of the reply to the first recipient */
    bool captured, tls, matched;
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
    struct clock clock[OFFSETS];
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

static struct record record_of(const struct session *session, bool captured)
{
    struct record record = { .client = session->client,
                             .started = session->started,
                             .ended = session->ended,
                             .id = session->id,
                             .helo = hash_folded(session->helo),
                             .port = session->client_port,
                             .captured = captured,
                             .tls = session->tls };
    record.server = captured ? 0 : hash_folded(session->server);
    for (uint32_t i = 0; i < session->transaction_count; i++) {
        const struct transaction *transaction = &session->transactions[i];
        if (!record.sender)
            record.sender = hash_folded(transaction->mail_from);
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

static struct clock *clock_of(struct matching *matching, uint64_t server)
{
    struct clock *clock = &matching->clock[server % OFFSETS];
    if (clock->server != server)
        *clock = (struct clock){ .server = server };
    return clock;
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
    if (best < SAMPLES_LEAST)
        return;
    clock_of(matching, sample[0].server)->offset = sample[best_from + (best_to - best_from) / 2].ahead;
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
    return same_port(log, capture) ? 16 : (unsigned)(1 + same);
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
    if (!log->tls && !capture->tls)
        score += agree(log->helo, capture->helo, 20);
    score += agree(log->sender, capture->sender, 40) + agree(log->recipient, capture->recipient, 40);
    score += log->code && capture->code ? agree((uint64_t)log->code, (uint64_t)capture->code, 5) : 0;
    score += capture->recipients == log->recipients ? 5 : 0;
    return score - (int)(*apart / USEC_SECOND < 10 ? *apart / USEC_SECOND : 10);
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
        usec offset = clock_of(matching, log->server)->offset, began = log->started - offset;
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

static int match(struct matching *matching)
{
    struct candidate *candidates = NULL;
    int result = 0;
    if (matching->count)
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
        result =
            matching->pair(matching->state, log->id, capture->id, clock_of(matching, log->server)->offset);
    }
    free(candidates);
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
    if (ip_is_none(&session->client) || session->direction == DIRECTION_OUT)
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

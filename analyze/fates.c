/* Fates. A recipient may have several pieces: deferred, deferred again, sent; the last one counts. Where one
 * recipient became several (an alias), it bounced if any of them did. */
#include "analyze/fates.h"

#include <math.h>
#include <stdlib.h>
#include "base/names.h"

const double delay_seconds[DELAYS] = { 1, 10, 60, 600, 3600, 14400, 86400, INFINITY };

enum { REASONS_MOST = 10000, REASON_BYTES_MOST = 200 };

struct fate_counter {
    usec from, to;
    struct fates fates;
    struct names reasons;
    uint64_t *count; /* by reason */
    size_t room;
    struct arena arena;
};

struct fate_counter *fates_new(usec from, usec to)
{
    struct fate_counter *counter = mem_zero(1, sizeof *counter);
    counter->from = from;
    counter->to = to;
    return counter;
}

void fates_free(struct fate_counter *counter)
{
    if (!counter)
        return;
    names_free(&counter->reasons);
    free(counter->count);
    arena_free(&counter->arena);
    free(counter);
}

static void count_reason(struct fate_counter *counter, struct str detail)
{
    if (!detail.len)
        detail = STR("(the log tells no reason)");
    detail.len = detail.len > REASON_BYTES_MOST ? REASON_BYTES_MOST : detail.len;
    uint32_t number = names_find(&counter->reasons, detail);
    if (number == NAME_NONE && counter->reasons.count >= REASONS_MOST)
        return;
    number = number == NAME_NONE ? names_add(&counter->reasons, detail) : number;
    size_t was = counter->room;
    mem_room(counter->count, counter->room, (size_t)number + 1);
    for (; was < counter->room; was++)
        counter->count[was] = 0;
    counter->count[number]++;
}

static void count_sent(struct fates *fates, const struct evidence *last, bool waited)
{
    fates->sent++;
    fates->late += waited;
    if (last->a < 0) {
        fates->delay_unknown++;
        return;
    }
    size_t kind = 0;
    while (kind < DELAYS - 1 && (double)last->a / (double)USEC_SECOND >= delay_seconds[kind])
        kind++;
    fates->by_delay[kind]++;
}

static void take_recipient(struct fate_counter *counter, const struct session *session, uint32_t t,
                           uint32_t r)
{
    struct fates *fates = &counter->fates;
    const struct evidence *last = NULL;
    bool waited = false;
    fates->accepted++;
    for (uint32_t e = 0; e < session->evidence_count; e++) {
        const struct evidence *one = &session->evidence[e];
        if (one->kind != KIND_FATE || one->transaction != (int32_t)t ||
            (one->recipient != (int32_t)r && one->recipient != WHOLE_TRANSACTION))
            continue;
        waited = waited || one->state == UNKNOWN;
        if (!last || last->state != NO)
            last = one;
    }
    if (!last) {
        fates->unknown++;
    } else if (last->state == YES) {
        count_sent(fates, last, waited);
    } else {
        fates->bounced += last->state == NO;
        fates->deferred += last->state == UNKNOWN;
        count_reason(counter, last->detail);
    }
}

void fates_take(struct fate_counter *counter, const struct session *session)
{
    if (session->direction != DIRECTION_IN ||
        (counter->from != USEC_NONE && session->started < counter->from) ||
        (counter->to != USEC_NONE && session->started >= counter->to))
        return;
    for (uint32_t t = 0; t < session->transaction_count; t++)
        for (uint32_t r = 0; r < session->transactions[t].recipient_count; r++)
            if (session->transactions[t].recipients[r].verdict == VERDICT_ACCEPTED)
                take_recipient(counter, session, t, r);
}

static int by_count(const void *left, const void *right)
{
    const struct fate_reason *a = left, *b = right;
    return (a->count < b->count) - (a->count > b->count);
}

struct fates fates_of(struct fate_counter *counter, size_t most)
{
    struct fates fates = counter->fates;
    size_t count = counter->reasons.count;
    fates.reasons = arena_zero(&counter->arena, (count + 1) * sizeof *fates.reasons);
    for (size_t i = 0; i < count; i++)
        fates.reasons[i] = (struct fate_reason){ counter->reasons.name[i], counter->count[i] };
    qsort(fates.reasons, count, sizeof *fates.reasons, by_count);
    fates.reason_count = count < most ? count : most;
    return fates;
}

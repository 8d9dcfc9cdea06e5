/* Classes, by signature. An attempt's has what the judged rules say of it and what of the record decides how
 * it ends; where some of that is not known, its stratum, by which estimates go. A unit's is that of its
 * attempts in order, with the signs of who wanted it. A session's is that of its attempts, each with what
 * came before it in its chain. */
#include "analyze/classes.h"

#include <assert.h>
#include <stdlib.h>
#include "analyze/lists.h"
#include "analyze/signature.h"
#include "analyze/units.h"

enum { VERDICT_BITS = 3, RULES_TOGETHER = 20 /* verdicts in a word */ };

/* ---- Attempts. */

static uint64_t recorded_part(const struct columns *columns, const struct networks *relays, uint32_t a)
{
    const struct ip *client = &columns->address[columns->client[columns->session[a]]];
    uint64_t part =
        columns->answer[a] | (uint64_t)columns->named[a] << 8 | (uint64_t)columns->reached[a] << 16;
    part |= (uint64_t)(columns->sender[a] != NAME_NONE) << 24 |
            (uint64_t)(columns->address_of[a] != NAME_NONE) << 25 |
            (uint64_t)(columns->recipient[a] != FACT_ALL) << 26 |
            (uint64_t)(columns->transaction[a] != FACT_ALL) << 27 |
            (uint64_t)(columns->before[a] != NO_ATTEMPT) << 28 |
            (uint64_t)(columns->after[a] != NO_ATTEMPT) << 29 |
            (uint64_t)(columns->at[a] + columns->retry_window <= columns->to) << 30 |
            (uint64_t)(relays->count && networks_hold(relays, client)) << 31 |
            (uint64_t)((columns->flags[columns->session[a]] & SESSION_CUT_OFF) != 0) << 32;
    return part;
}

/* What is asked about attempts where a rule has state. */
static uint64_t state_part(const struct shelf *shelf, uint32_t attempt)
{
    uint64_t own = 17;
    for (size_t i = 0; i < shelf->count; i++) {
        const struct judged *judged = shelf->judged[i];
        const struct judging judging = { shelf->columns, shelf->record, judged->policy,
                                         judged->rule,   NULL,          NULL };
        if (!rule_state(judged->rule))
            continue;
        bool maybe = judged->maybe.count && bits_get(&judged->maybe, attempt);
        struct asked asked[ASKED_MOST];
        size_t count = judging_asked(&judging, attempt, asked);
        own = signature_mix(own, (uint64_t)judging_touched(&judging, attempt) << 1 | (uint64_t)maybe);
        own = count ? signature_mix(own, record_trace(shelf->record, attempt)) : own;
        for (size_t k = 0; k < count; k++)
            own = signature_mix(own, (uint64_t)asked[k].status << 1 | asked[k].alike);
    }
    return own;
}

/* The verdicts of some of the rules, three bits each. */
static uint64_t verdicts(const struct shelf *shelf, size_t from, size_t to, uint32_t attempt, bool *open)
{
    uint64_t word = 0;
    for (size_t i = from; i < to; i++) {
        const struct judged *judged = shelf->judged[i];
        bool known = bits_get(&judged->known, attempt);
        word = word << VERDICT_BITS | (uint64_t)bits_get(&judged->hit, attempt) << 2 | (uint64_t)known << 1 |
               bits_get(&judged->applies, attempt);
        *open = *open || !known;
    }
    return word;
}

static uint64_t *attempt_signatures(const struct shelf *shelf, const struct networks *relays)
{
    const struct columns *columns = shelf->columns;
    uint64_t *signature = mem_alloc(columns->attempt_count * sizeof *signature);
    for (uint32_t a = 0; a < columns->attempt_count; a++) {
        bool open = false;
        signature[a] = signature_mix(1, recorded_part(columns, relays, a));
        for (size_t i = 0; i < shelf->count; i += RULES_TOGETHER) {
            size_t to = i + RULES_TOGETHER < shelf->count ? i + RULES_TOGETHER : shelf->count;
            signature[a] = signature_mix(signature[a], verdicts(shelf, i, to, a, &open));
        }
        signature[a] = signature_mix(signature[a], state_part(shelf, a));
        if (open)
            signature[a] = signature_mix(signature[a], stratum_of(shelf->strata, a));
    }
    return signature;
}

/* ---- Units. */

static void merge_units(struct classes *classes, const struct classes *fine, const struct shelf *shelf,
                        const uint64_t *signature)
{
    const struct columns *columns = shelf->columns;
    enum unit unit = shelf->options->unit;
    struct signatures found = { 0 };
    classes->unit_of = mem_alloc((fine->unit_count + 1) * sizeof *classes->unit_of);
    for (size_t i = 0; i < fine->unit_count; i++) {
        const struct unit_class *from = &fine->unit[i];
        uint32_t first = from->first;
        uint64_t own = signature_mix(2, from->signs);
        if (unit_after(columns, unit, first, first) != NO_ATTEMPT) /* the estimate goes by its first */
            own = signature_mix(own, stratum_of(shelf->strata, first));
        for (uint32_t a = first; a != NO_ATTEMPT; a = unit_after(columns, unit, first, a))
            own = signature_mix(own, signature[a]);
        uint32_t number = signatures_number(&found, own, (uint32_t)classes->unit_count);
        if (number == classes->unit_count) {
            mem_room(classes->unit, classes->unit_room, classes->unit_count + 1);
            classes->unit[classes->unit_count++] =
                (struct unit_class){ .first = first, .signs = from->signs };
        }
        assert(classes->unit && number < classes->unit_count);
        classes->unit[number].times += from->times;
        classes->unit_of[i] = number;
    }
    signatures_free(&found);
}

/* ---- Sessions. */

/* An attempt's signature with those before it in its chain. */
static uint64_t *chain_signatures(const struct shelf *shelf, const uint64_t *signature)
{
    const struct columns *columns = shelf->columns;
    uint64_t *chained = mem_alloc(columns->attempt_count * sizeof *chained);
    memcpy(chained, signature, columns->attempt_count * sizeof *chained);
    for (uint32_t head = 0; shelf->options->unit == UNIT_DELIVERY && head < columns->attempt_count; head++)
        for (uint32_t a = columns->before[head] == NO_ATTEMPT ? columns->after[head] : NO_ATTEMPT;
             a != NO_ATTEMPT; a = columns->after[a])
            chained[a] = signature_mix(chained[columns->before[a]], signature[a]);
    return chained;
}

size_t session_messages(const struct columns *columns, uint32_t s)
{
    size_t count = 0;
    for (uint32_t a = columns->first_attempt[s]; a < columns->first_attempt[s + 1]; a++)
        count += a == columns->first_attempt[s] || columns->transaction[a] != columns->transaction[a - 1];
    return count;
}

static void merge_sessions(struct classes *classes, const struct classes *fine, const struct shelf *shelf,
                           const uint64_t *signature)
{
    const struct columns *columns = shelf->columns;
    uint64_t *chained = chain_signatures(shelf, signature);
    struct signatures found = { 0 };
    classes->session_of = mem_alloc((fine->session_count + 1) * sizeof *classes->session_of);
    for (size_t i = 0; i < fine->session_count; i++) {
        const struct session_class *from = &fine->session[i];
        size_t messages = session_messages(columns, from->session);
        uint32_t first = columns->first_attempt[from->session],
                 end = columns->first_attempt[from->session + 1];
        uint64_t own = 3;
        for (uint32_t a = first; a < end; a++)
            own = signature_mix(
                own, chained[a] ^ (a > first && columns->transaction[a] == columns->transaction[a - 1]));
        uint32_t number = signatures_number(&found, own, (uint32_t)classes->session_count);
        if (number == classes->session_count) {
            mem_room(classes->session, classes->session_room, classes->session_count + 1);
            mem_room(classes->size, classes->size_room, classes->size_count + messages);
            classes->session[classes->session_count++] =
                (struct session_class){ .session = from->session, .sizes = (uint32_t)classes->size_count };
            for (size_t k = 0; k < messages; k++)
                classes->size[classes->size_count++] = 0;
        }
        assert(classes->session && classes->size && number < classes->session_count);
        struct session_class *like = &classes->session[number];
        like->times += from->times;
        classes->session_of[i] = number;
        for (size_t k = 0; k < messages; k++)
            classes->size[like->sizes + k] += fine->size[from->sizes + k] * (double)from->times;
    }
    for (size_t i = 0; i < classes->session_count; i++) { /* sums to means */
        const struct session_class *like = &classes->session[i];
        for (size_t k = session_messages(columns, like->session); k-- > 0;)
            classes->size[like->sizes + k] /= (double)like->times;
    }
    signatures_free(&found);
    free(chained);
}

/* ---- Attempts, each at its place in its chain. */

static void merge_attempts(struct classes *classes, const struct shelf *shelf, const uint64_t *signature)
{
    const struct columns *columns = shelf->columns;
    struct signatures found = { 0 };
    classes->attempt_of = mem_alloc((columns->attempt_count + 1) * sizeof *classes->attempt_of);
    for (uint32_t head = 0; head < columns->attempt_count; head++) {
        bool chained = shelf->options->unit == UNIT_DELIVERY;
        uint64_t whole = signature[head];
        uint32_t place = 0;
        if (chained && columns->before[head] != NO_ATTEMPT)
            continue;
        for (uint32_t a = columns->after[head]; chained && a != NO_ATTEMPT; a = columns->after[a])
            whole = signature_mix(whole, signature[a]);
        for (uint32_t a = head; a != NO_ATTEMPT; a = chained ? columns->after[a] : NO_ATTEMPT)
            classes->attempt_of[a] = signatures_number(&found, signature_mix(whole, place++), a);
    }
    signatures_free(&found);
}

/* ---- What is to be walked. */

static void walk_also(struct classes *classes, size_t *room, struct bits *seen, const struct columns *columns,
                      enum unit unit, uint32_t attempt)
{
    while (unit == UNIT_DELIVERY && columns->before[attempt] != NO_ATTEMPT)
        attempt = columns->before[attempt];
    if (bits_get(seen, attempt))
        return;
    bits_set(seen, attempt);
    mem_room(classes->walked, *room, classes->walked_count + 1);
    classes->walked[classes->walked_count++] = attempt;
}

void classes_find_walked(struct classes *classes, const struct columns *columns, enum unit unit)
{
    struct bits seen = bits_new(columns->attempt_count);
    size_t room = 0;
    for (size_t i = 0; i < classes->unit_count; i++)
        for (uint32_t first = classes->unit[i].first, a = first; a != NO_ATTEMPT;
             a = unit_after(columns, unit, first, a))
            walk_also(classes, &room, &seen, columns, unit, a);
    for (size_t i = 0; i < classes->session_count; i++) {
        uint32_t s = classes->session[i].session;
        for (uint32_t a = columns->first_attempt[s]; a < columns->first_attempt[s + 1]; a++)
            walk_also(classes, &room, &seen, columns, unit, a);
    }
    bits_free(&seen);
}

struct classes classes_merge(const struct classes *fine, const struct shelf *shelf,
                             const struct networks *relays)
{
    struct classes classes = { 0 };
    uint64_t *signature = attempt_signatures(shelf, relays);
    merge_units(&classes, fine, shelf, signature);
    merge_sessions(&classes, fine, shelf, signature);
    merge_attempts(&classes, shelf, signature);
    classes_find_walked(&classes, shelf->columns, shelf->options->unit);
    free(signature);
    return classes;
}

void classes_free(struct classes *classes)
{
    free(classes->unit);
    free(classes->session);
    free(classes->size);
    free(classes->walked);
    free(classes->unit_of);
    free(classes->session_of);
    free(classes->attempt_of);
    *classes = (struct classes){ 0 };
}

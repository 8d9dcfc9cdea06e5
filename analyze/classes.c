/* Classes, by signature. An attempt's has what the judged rules say of it and what of the record decides how
 * it ends; where some of that is not known, its stratum, by which estimates go. A unit's is that of its
 * attempts in order, with the signs of who wanted it. A session's is that of its attempts, each with what
 * came before it in its chain. */
#include "analyze/classes.h"

#include <assert.h>
#include <stdlib.h>
#include "analyze/cost.h"
#include "analyze/harms.h"
#include "analyze/lists.h"
#include "analyze/units.h"

enum { VERDICT_BITS = 3, RULES_TOGETHER = 20 /* verdicts in a word */ };

/* splitmix64's finisher (Steele, Lea, Flood 2014) over both. */
static uint64_t mix(uint64_t hash, uint64_t more)
{
    uint64_t z = (hash ^ more) + 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) + (hash << 1 | hash >> 63);
}

/* Signature to number of its class. */
struct table {
    struct slot {
        uint64_t signature;
        uint32_t number; /* and one; 0: free */
    } * slot;
    size_t slots, count;
};

static uint32_t table_number(struct table *table, uint64_t signature)
{
    if (table->count * 2 >= table->slots) {
        struct table old = *table;
        table->slots = old.slots ? old.slots * 2 : 1024;
        table->slot = mem_zero(table->slots, sizeof *table->slot);
        for (size_t i = 0; i < old.slots; i++) {
            size_t at = (size_t)old.slot[i].signature & (table->slots - 1);
            while (old.slot[i].number && table->slot[at].number)
                at = (at + 1) & (table->slots - 1);
            if (old.slot[i].number)
                table->slot[at] = old.slot[i];
        }
        free(old.slot);
    }
    size_t at = (size_t)signature & (table->slots - 1);
    while (table->slot[at].number && table->slot[at].signature != signature)
        at = (at + 1) & (table->slots - 1);
    if (!table->slot[at].number)
        table->slot[at] = (struct slot){ signature, (uint32_t)++table->count };
    return table->slot[at].number - 1;
}

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
            (uint64_t)(relays->count && networks_hold(relays, client)) << 31;
    return part;
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
        signature[a] = mix(1, recorded_part(columns, relays, a));
        for (size_t i = 0; i < shelf->count; i += RULES_TOGETHER) {
            size_t to = i + RULES_TOGETHER < shelf->count ? i + RULES_TOGETHER : shelf->count;
            signature[a] = mix(signature[a], verdicts(shelf, i, to, a, &open));
        }
        if (open)
            signature[a] = mix(signature[a], stratum_of(shelf->strata, a));
    }
    return signature;
}

/* ---- Units. */

static void find_units(struct classes *classes, const struct shelf *shelf, const struct wanted *wanted,
                       const uint64_t *signature)
{
    const struct columns *columns = shelf->columns;
    enum unit unit = shelf->options->unit;
    struct table table = { 0 };
    size_t room = 0;
    for (uint32_t first = 0; first < columns->attempt_count; first++) {
        if (!unit_begins(columns, unit, first) || !unit_in_period(columns, shelf->options, first))
            continue;
        uint16_t signs = unit_signs(columns, wanted, unit, first);
        uint64_t own = mix(2, signs);
        if (unit_after(columns, unit, first, first) != NO_ATTEMPT) /* the estimate goes by its first */
            own = mix(own, stratum_of(shelf->strata, first));
        for (uint32_t a = first; a != NO_ATTEMPT; a = unit_after(columns, unit, first, a))
            own = mix(own, signature[a]);
        uint32_t number = table_number(&table, own);
        if (number == classes->unit_count) {
            mem_room(classes->unit, room, classes->unit_count + 1);
            classes->unit[classes->unit_count++] = (struct unit_class){ .first = first, .signs = signs };
        }
        assert(classes->unit && number < classes->unit_count);
        classes->unit[number].times++;
    }
    free(table.slot);
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
            chained[a] = mix(chained[columns->before[a]], signature[a]);
    return chained;
}

static size_t messages_of(const struct columns *columns, uint32_t s)
{
    size_t count = 0;
    for (uint32_t a = columns->first_attempt[s]; a < columns->first_attempt[s + 1]; a++)
        count += a == columns->first_attempt[s] || columns->transaction[a] != columns->transaction[a - 1];
    return count;
}

static void find_sessions(struct classes *classes, const struct shelf *shelf, const uint64_t *signature)
{
    const struct columns *columns = shelf->columns;
    uint64_t *chained = chain_signatures(shelf, signature);
    double mean = cost_mean_size(columns);
    struct table table = { 0 };
    size_t room = 0, size_room = 0;
    for (uint32_t s = 0; s < columns->session_count; s++) {
        uint32_t from = columns->first_attempt[s], to = columns->first_attempt[s + 1];
        uint64_t own = 3;
        if (!unit_in_period(columns, shelf->options, from))
            continue;
        for (uint32_t a = from; a < to; a++)
            own = mix(own, chained[a] ^ (a > from && columns->transaction[a] == columns->transaction[a - 1]));
        uint32_t number = table_number(&table, own);
        if (number == classes->session_count) {
            size_t messages = messages_of(columns, s);
            mem_room(classes->session, room, classes->session_count + 1);
            mem_room(classes->size, size_room, classes->size_count + messages);
            classes->session[classes->session_count++] =
                (struct session_class){ .session = s, .sizes = (uint32_t)classes->size_count };
            for (size_t i = 0; i < messages; i++)
                classes->size[classes->size_count++] = 0;
        }
        assert(classes->session && classes->size && number < classes->session_count);
        struct session_class *like = &classes->session[number];
        double *size = &classes->size[like->sizes];
        like->times++;
        for (uint32_t a = from; a < to; a++)
            if (a == from || columns->transaction[a] != columns->transaction[a - 1])
                *size++ += columns->size[a] == SIZE_NOT_KNOWN ? mean : columns->size[a];
    }
    for (size_t i = 0; i < classes->session_count; i++) { /* sums to means */
        const struct session_class *like = &classes->session[i];
        double *size = &classes->size[like->sizes];
        for (size_t k = messages_of(columns, like->session); k-- > 0;)
            size[k] /= (double)like->times;
    }
    free(table.slot);
    free(chained);
}

/* ---- What is to be walked. */

static void walk_also(struct classes *classes, size_t *room, struct bits *seen, const struct shelf *shelf,
                      uint32_t attempt)
{
    while (shelf->options->unit == UNIT_DELIVERY && shelf->columns->before[attempt] != NO_ATTEMPT)
        attempt = shelf->columns->before[attempt];
    if (bits_get(seen, attempt))
        return;
    bits_set(seen, attempt);
    mem_room(classes->walked, *room, classes->walked_count + 1);
    classes->walked[classes->walked_count++] = attempt;
}

static void find_walked(struct classes *classes, const struct shelf *shelf)
{
    const struct columns *columns = shelf->columns;
    enum unit unit = shelf->options->unit;
    struct bits seen = bits_new(columns->attempt_count);
    size_t room = 0;
    for (size_t i = 0; i < classes->unit_count; i++)
        for (uint32_t first = classes->unit[i].first, a = first; a != NO_ATTEMPT;
             a = unit_after(columns, unit, first, a))
            walk_also(classes, &room, &seen, shelf, a);
    for (size_t i = 0; i < classes->session_count; i++) {
        uint32_t s = classes->session[i].session;
        for (uint32_t a = columns->first_attempt[s]; a < columns->first_attempt[s + 1]; a++)
            walk_also(classes, &room, &seen, shelf, a);
    }
    bits_free(&seen);
}

struct classes classes_make(const struct shelf *shelf, const struct wanted *wanted,
                            const struct networks *relays)
{
    struct classes classes = { 0 };
    uint64_t *signature = attempt_signatures(shelf, relays);
    find_units(&classes, shelf, wanted, signature);
    find_sessions(&classes, shelf, signature);
    find_walked(&classes, shelf);
    free(signature);
    return classes;
}

void classes_free(struct classes *classes)
{
    free(classes->unit);
    free(classes->session);
    free(classes->size);
    free(classes->walked);
    *classes = (struct classes){ 0 };
}

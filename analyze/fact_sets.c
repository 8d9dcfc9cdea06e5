/* Sets of facts, by a hash table of open addressing. */
#include "analyze/fact_sets.h"

#include <stdlib.h>

static bool is_set(const struct columns *columns, uint32_t set, size_t first)
{
    size_t count = columns->fact_count - first, from = columns->first_fact[set];
    return columns->first_fact[set + 1] - from == count &&
           (count == 0 ||
            memcmp(columns->fact + from, columns->fact + first, count * sizeof *columns->fact) == 0);
}

static void grow(struct fact_sets *sets)
{
    struct fact_set_slot *old = sets->slot;
    size_t old_slots = sets->slots;
    sets->slots = old_slots ? old_slots * 2 : 1024;
    sets->slot = mem_zero(sets->slots, sizeof *sets->slot);
    for (size_t i = 0; i < old_slots; i++) {
        size_t at = old[i].hash & (sets->slots - 1);
        while (old[i].number && sets->slot[at].number)
            at = (at + 1) & (sets->slots - 1);
        if (old[i].number)
            sets->slot[at] = old[i];
    }
    free(old);
}

uint32_t fact_sets_number(struct fact_sets *sets, struct columns *columns, size_t first, uint32_t kinds)
{
    size_t count = columns->fact_count - first;
    if (columns->fact_set_count * 2 >= sets->slots)
        grow(sets);
    uint32_t hash = count ? (uint32_t)bytes_hash(columns->fact + first, count * sizeof *columns->fact, 5) : 0;
    size_t at = hash & (sets->slots - 1);
    for (; sets->slot[at].number; at = (at + 1) & (sets->slots - 1))
        if (sets->slot[at].hash == hash && is_set(columns, sets->slot[at].number - 1, first)) {
            columns->fact_count = first;
            return sets->slot[at].number - 1;
        }
    uint32_t set = (uint32_t)columns->fact_set_count++;
    mem_room(columns->first_fact, sets->first_room, columns->fact_set_count + 1);
    mem_room(columns->kinds, sets->kinds_room, columns->fact_set_count);
    columns->first_fact[set] = (uint32_t)first;
    columns->first_fact[set + 1] = (uint32_t)columns->fact_count;
    columns->kinds[set] = kinds;
    sets->slot[at] = (struct fact_set_slot){ hash, set + 1 };
    return set;
}

void fact_sets_free(struct fact_sets *sets)
{
    free(sets->slot);
    *sets = (struct fact_sets){ 0 };
}

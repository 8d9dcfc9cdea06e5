/* What is said twice. A place holds 32 bits of what was said, and who said it first and last (16 bits each,
 * of the input's number); those of one bucket are in the order in which they came. */
#include "collect/twice.h"

#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "base/str.h"
#include "collect/state.h"

enum { BUCKETS = 1 << 16, BUCKET = 8, TIMES_MOST = 64, SAID_SHIFT = 32, FIRST_SHIFT = 16 };

void twice_free(struct twice *twice)
{
    free(twice->place);
    twice->place = NULL;
}

static uint64_t *bucket_of(struct twice *twice, uint64_t said)
{
    if (!twice->place)
        twice->place = mem_zero((size_t)BUCKETS * BUCKET, sizeof *twice->place);
    return &twice->place[(said & (BUCKETS - 1)) * BUCKET];
}

static uint64_t *find(uint64_t *bucket, uint64_t said)
{
    for (size_t i = 0; i < BUCKET; i++)
        if (bucket[i] && bucket[i] >> SAID_SHIFT == said >> SAID_SHIFT)
            return &bucket[i];
    return NULL;
}

static void add(uint64_t *bucket, uint64_t entry)
{
    memmove(bucket + 1, bucket, (BUCKET - 1) * sizeof *bucket);
    bucket[0] = entry;
}

static uint64_t entry_of(uint64_t said, uint16_t first, uint16_t last)
{
    return said >> SAID_SHIFT << SAID_SHIFT | (uint64_t)first << FIRST_SHIFT | last;
}

void twice_announce(const struct twice *twice, uint64_t said)
{
    if (twice->place)
        __builtin_prefetch(&twice->place[(said & (BUCKETS - 1)) * BUCKET], 1);
}

bool twice_in_inputs(struct twice *twice, uint64_t said, int32_t input)
{
    uint16_t who = (uint16_t)(input + 1);
    for (uint64_t times = 0; times < TIMES_MOST; times++) {
        uint64_t key = times ? bytes_hash(&times, sizeof times, said) : said;
        uint64_t *bucket = bucket_of(twice, key), *entry = find(bucket, key);
        if (!entry) {
            add(bucket, entry_of(key, who, who));
            return false;
        }
        uint16_t first = (uint16_t)(*entry >> FIRST_SHIFT);
        if (first == who || (uint16_t)*entry == who)
            continue; /* said by this one before */
        *entry = entry_of(key, first, who);
        return true;
    }
    return false;
}

bool twice_in_turn(struct twice *twice, uint64_t said)
{
    uint64_t *bucket = bucket_of(twice, said), *entry = find(bucket, said);
    if (!entry) {
        add(bucket, entry_of(said, 1, 1));
        return false;
    }
    size_t behind = (size_t)(bucket + BUCKET - (entry + 1));
    memmove(entry, entry + 1, behind * sizeof *entry);
    bucket[BUCKET - 1] = 0;
    return true;
}

/* Bucket by bucket: what is in it stands at its front. */
void twice_carry(struct twice *twice, struct state_bytes *state)
{
    bool any = twice->place != NULL;
    carry(state, &any);
    for (uint64_t i = 0; i < BUCKETS && any && !state->broken; i++) {
        uint64_t *bucket = bucket_of(twice, i);
        uint8_t count = 0;
        while (count < BUCKET && bucket[count])
            count++;
        carry(state, &count);
        state->broken |= count > BUCKET;
        if (!state->broken)
            carry_bytes(state, bucket, count * sizeof *bucket);
    }
}

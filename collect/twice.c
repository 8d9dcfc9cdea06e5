/* What is said twice. A place holds 48 bits of what was said and 16 of who said it last; those of one bucket
 * are in the order in which they came. */
#include "collect/twice.h"

#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "base/str.h"

enum { BUCKETS = 1 << 16, BUCKET = 8, TIMES_MOST = 64 };

#define WHO_BITS 16

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
        if (bucket[i] && bucket[i] >> WHO_BITS == said >> WHO_BITS)
            return &bucket[i];
    return NULL;
}

static void add(uint64_t *bucket, uint64_t entry)
{
    memmove(bucket + 1, bucket, (BUCKET - 1) * sizeof *bucket);
    bucket[0] = entry;
}

static uint64_t entry_of(uint64_t said, int32_t who)
{
    return said >> WHO_BITS << WHO_BITS | (uint16_t)(who + 1);
}

bool twice_in_inputs(struct twice *twice, uint64_t said, int32_t input)
{
    for (uint64_t times = 0; times < TIMES_MOST; times++) {
        uint64_t key = times ? bytes_hash(&times, sizeof times, said) : said;
        uint64_t *bucket = bucket_of(twice, key), *entry = find(bucket, key);
        if (!entry) {
            add(bucket, entry_of(key, input));
            return false;
        }
        if (*entry == entry_of(key, input))
            continue; /* said by this one before */
        *entry = entry_of(key, input);
        return true;
    }
    return false;
}

bool twice_in_turn(struct twice *twice, uint64_t said)
{
    uint64_t *bucket = bucket_of(twice, said), *entry = find(bucket, said);
    if (!entry) {
        add(bucket, entry_of(said, 0));
        return false;
    }
    size_t behind = (size_t)(bucket + BUCKET - (entry + 1));
    memmove(entry, entry + 1, behind * sizeof *entry);
    bucket[BUCKET - 1] = 0;
    return true;
}

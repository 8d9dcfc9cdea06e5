/* A bounded memory of which number a text has. */
#include "schemas/cache.h"

#include <stdlib.h>

static struct cache_generation generation_new(uint32_t entries_most)
{
    return (struct cache_generation){ .entry = mem_zero(entries_most, sizeof(struct cache_entry)),
                                      .slot = mem_zero((size_t)entries_most * 2, sizeof(struct cache_slot)) };
}

static void generation_free(struct cache_generation *generation)
{
    arena_free(&generation->text);
    free(generation->entry);
    free(generation->slot);
}

struct cache cache_new(uint32_t entries_most, size_t bytes_most)
{
    return (struct cache){ .young = generation_new(entries_most),
                           .old = generation_new(entries_most),
                           .entries_most = entries_most,
                           .bytes_most = bytes_most };
}

void cache_free(struct cache *cache)
{
    generation_free(&cache->young);
    generation_free(&cache->old);
}

/* The slot where the text is, or the free one where it belongs. A generation is at most half full. */
static struct cache_slot *find_slot(const struct cache *cache, const struct cache_generation *in,
                                    struct str text, uint32_t hash)
{
    uint32_t mask = cache->entries_most * 2 - 1;
    for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
        struct cache_slot *slot = &in->slot[i];
        if (!slot->place)
            return slot;
        const struct cache_entry *entry = &in->entry[slot->place - 1];
        if (slot->hash == hash && str_eq((struct str){ entry->at, entry->len }, text))
            return slot;
    }
}

static uint32_t fold_hash(uint64_t hash)
{
    return (uint32_t)(hash ^ hash >> 32);
}

int64_t cache_find(struct cache *cache, struct str text, uint64_t hash)
{
    uint32_t folded = fold_hash(hash);
    uint32_t place = find_slot(cache, &cache->young, text, folded)->place;
    if (place)
        return cache->young.entry[place - 1].number;
    place = find_slot(cache, &cache->old, text, folded)->place;
    if (!place)
        return 0;
    int64_t number = cache->old.entry[place - 1].number;
    cache_add(cache, text, hash, number);
    return number;
}

void cache_add(struct cache *cache, struct str text, uint64_t hash, int64_t number)
{
    struct cache_generation *young = &cache->young;
    if (text.len > cache->bytes_most / 2)
        return;
    if (young->count == cache->entries_most || young->text.bytes > cache->bytes_most) {
        struct cache_generation forgotten = cache->old;
        arena_reset(&forgotten.text);
        memset(forgotten.slot, 0, (size_t)cache->entries_most * 2 * sizeof *forgotten.slot);
        forgotten.count = 0;
        cache->old = *young;
        *young = forgotten;
    }
    struct cache_slot *slot = find_slot(cache, young, text, fold_hash(hash));
    young->entry[young->count++] =
        (struct cache_entry){ .at = arena_str(&young->text, text).at, .len = text.len, .number = number };
    *slot = (struct cache_slot){ .hash = fold_hash(hash), .place = young->count };
}

/* A bounded memory of which number a text has: two generations of a hash table. When the young one is full it
 * becomes the old one and the old one is forgotten; what is found in the old one moves up. So what is in use
 * stays, whatever goes by. */
#ifndef SCHEMAS_CACHE_H
#define SCHEMAS_CACHE_H

#include "base/memory.h"
#include "base/str.h"

struct cache_entry {
    const char *at;
    size_t len;
    int64_t number;
};

/* The hash stands beside the place, so that what is not there is told by one look at memory, not three. */
struct cache_slot {
    uint32_t hash, place; /* in the entries, + 1; 0: free */
};

struct cache_generation {
    struct cache_entry *entry;
    struct cache_slot *slot; /* open addressing */
    uint32_t count;
    struct arena text;
};

struct cache {
    struct cache_generation young, old;
    uint32_t entries_most; /* of a generation; a power of two */
    size_t bytes_most;     /* of a generation's texts */
};

/* `entries_most` must be a power of two. */
struct cache cache_new(uint32_t entries_most, size_t bytes_most);
void cache_free(struct cache *cache);
/* The number of `text`, or 0. `hash` is str_hash(text). */
int64_t cache_find(struct cache *cache, struct str text, uint64_t hash);
/* Remembers the number (not 0) of a text that cache_find() has just not found; the text is copied. */
void cache_add(struct cache *cache, struct str text, uint64_t hash, int64_t number);

#endif

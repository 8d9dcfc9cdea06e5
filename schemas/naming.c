/* Which texts are names. */
#include "schemas/naming.h"

#include <stdalign.h>
#include <stdlib.h>
#include "base/memory.h"

enum {
    SEEN = 1 << 18, /* a mark each: half a megabyte */
    NAMES = 1 << 15,
    LINE_BYTES = 64,
    TWICE = 0x8000,
    TEXT_BYTES = LINE_BYTES - 12 /* who sends more is not likely to send it again */
};

struct name {
    alignas(LINE_BYTES) int64_t number; /* 0: none */
    uint8_t len, used;                  /* used: found since both of the pair were */
    char text[TEXT_BYTES];
};

struct naming {
    struct name name[NAMES]; /* pairs: a text may be in either of two */
    /* Of what came last in each place: 15 bits of the hash, and whether it came twice. A false memory costs a
     * needless row, a forgotten one some bytes. Most texts come once or twice and get no further than here.
     */
    uint16_t seen[SEEN];
};

struct naming *naming_new(void)
{
    struct naming *naming = aligned_alloc(LINE_BYTES, sizeof *naming);
    return naming ? memset(naming, 0, sizeof *naming) : mem_alloc(SIZE_MAX);
}

void naming_free(struct naming *naming)
{
    free(naming);
}

static size_t pair_of(uint64_t hash)
{
    return (size_t)(hash >> 20) % NAMES & ~(size_t)1;
}

void naming_announce(const struct naming *naming, uint64_t hash)
{
    __builtin_prefetch(&naming->seen[hash % SEEN], 1);
    __builtin_prefetch(&naming->name[pair_of(hash)]);
    __builtin_prefetch(&naming->name[pair_of(hash) + 1]);
}

int64_t naming_number(struct naming *naming, struct str text, uint64_t hash, int64_t *next, bool *fresh)
{
    *fresh = false;
    if (text.len == 0 || text.len > TEXT_BYTES)
        return 0;
    uint16_t *seen = &naming->seen[hash % SEEN], once = (uint16_t)(hash >> 49 | 1), twice = once | TWICE;
    if (*seen != twice) {
        *seen = *seen == once ? twice : once;
        return 0;
    }
    struct name *pair = &naming->name[pair_of(hash)];
    for (int i = 0; i < 2; i++) {
        if (pair[i].number && str_eq((struct str){ pair[i].text, pair[i].len }, text)) {
            pair[i].used = 1;
            return pair[i].number;
        }
    }
    struct name *name = pair[0].used && !pair[1].used ? &pair[1] : &pair[0];
    if (name->used)
        pair[0].used = pair[1].used = 0;
    *fresh = true;
    name->number = ++*next;
    name->len = (uint8_t)text.len;
    name->used = 0;
    memcpy(name->text, text.at, text.len);
    return name->number;
}

/* Interned names: each distinct text has a small number, in order of first appearance. */
#ifndef BASE_NAMES_H
#define BASE_NAMES_H

#include <stdint.h>
#include "base/memory.h"
#include "base/str.h"

#define NAME_NONE UINT32_MAX

struct names {
    struct arena text;
    struct str *name; /* by number */
    struct name_slot {
        uint32_t hash, number; /* number + 1; 0: free. The hash tells most that is not there without a look at the text */
    } *slot;                   /* open addressing */
    size_t count, capacity, slots;
};

/* Zero-initialise to begin with. */
void names_free(struct names *names);
/* The number of `name`, which is copied when it is new. */
uint32_t names_add(struct names *names, struct str name);
/* The number of `name`, or NAME_NONE. */
uint32_t names_find(const struct names *names, struct str name);

static inline struct str names_text(const struct names *names, uint32_t number)
{
    return number == NAME_NONE ? (struct str){ NULL, 0 } : names->name[number];
}

#endif

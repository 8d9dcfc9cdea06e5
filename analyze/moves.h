/* Units that come out otherwise under another policy, by whose they are: counted up while a comparison goes
 * through them. Only compare.c includes this. */
#ifndef ANALYZE_MOVES_H
#define ANALYZE_MOVES_H

#include "analyze/cells.h"
#include "analyze/compare.h"
#include "analyze/wanted.h"

/* The same as struct moved, before it is whole. */
struct moving {
    struct cell change[CHANGES];
    struct cell label[LABELS][CHANGES];
};
void moving_add(struct moving *sum, const struct moving *unit);
struct moved moving_round(const struct moving *moving);

struct moves;
struct moves *moves_new(const struct columns *columns);
void moves_free(struct moves *moves);
/* Takes in a unit that moves, possibly or for certain. Memory is bounded: groups of one kind past the first
 * 100,000 are counted together. */
void moves_add(struct moves *moves, uint32_t first, const struct moving *unit);
/* The groups of one kind, those that move most first; texts last as long as `arena`. */
struct moves_group *moves_groups(const struct moves *moves, enum moves_by by, size_t *count,
                                 struct arena *arena);

#endif

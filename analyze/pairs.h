/* What may have become of a unit under two policies at once. That is less than any outcome under one with any
 * under the other: what is not known is the same under both. */
#ifndef ANALYZE_PAIRS_H
#define ANALYZE_PAIRS_H

#include "analyze/walk.h"

struct pair {
    uint8_t a, b; /* outcomes, each of its own policy */
};
enum { PAIRS_MOST = 64 * 64 };

struct pairs;
/* Of two walks over the same columns with the same options; either may be NULL: what the record says. They
 * must last as long. Never NULL. */
struct pairs *pairs_new(const struct columns *columns, const struct walk *a, const struct walk *b,
                        enum unit unit);
void pairs_free(struct pairs *pairs);
/* The pairs that are possible for the unit that begins with `first`, at least one; returns their number. The
 * truth is among them. */
size_t pairs_of(struct pairs *pairs, uint32_t first, struct pair pair[PAIRS_MOST]);

#endif

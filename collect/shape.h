/* Lines that were not understood, by shape: what is left of a line when its variable parts are folded.
 * Attackers write parts of lines, so the table is bounded; what does not fit is counted all the same. */
#ifndef COLLECT_SHAPE_H
#define COLLECT_SHAPE_H

#include <stddef.h>
#include <stdint.h>
#include "base/memory.h"
#include "base/str.h"
#include "base/why.h"
#include "collect/collect.h"

enum {
    SHAPES_MOST = 256, /* of one input; then one more for each reason */
    SHAPE_BYTES = 240,
    SHAPE_FIRST_BYTES = 500 /* of the first line of a shape */
};

/* Folds `text` into at most SHAPE_BYTES bytes: words with digits, addresses, host names, values behind = and
 * what stands in <>, [] or quotes become *. Returns the length. */
size_t shape_fold(struct str text, char shape[SHAPE_BYTES]);
/* The same of what a server says: its words may be of any language, in UTF-8. */
size_t shape_fold_words(struct str text, char shape[SHAPE_BYTES]);

struct shapes {
    struct skipped *skipped; /* count: since the last shapes_hand_over() */
    size_t count, capacity;
    uint16_t slot[1024]; /* hash table of places + 1 */
    struct arena arena;
};

/* Zero-initialise to begin with. */
void shapes_free(struct shapes *shapes);
/* Counts a line: `reason` is a literal; the shape is made of `program`, as it is, and `text`, folded; `whole`
 * is the line as it stands. */
void shapes_add(struct shapes *shapes, const char *reason, struct str program, struct str text,
                struct str whole, uint64_t number, uint64_t offset);
/* Hands over what was counted since the last time. 0, or -1 with why. */
int shapes_hand_over(struct shapes *shapes, int32_t input, const struct catalogue *catalogue,
                     struct why *why);

#endif

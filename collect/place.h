/* Inputs are known again by their content: where in one to begin. Only for collect/. */
#ifndef COLLECT_PLACE_H
#define COLLECT_PLACE_H

#include "collect/collect.h"
#include "collect/lines.h"
#include "collect/source.h"
#include "collect/survey.h"

enum place {
    PLACE_FAILED,   /* the catalogue */
    PLACE_BROKEN,   /* the input */
    PLACE_REPLACED, /* it is not the file any more that was found at its path: it was rotated meanwhile */
    PLACE_OTHER,    /* it only begins alike */
    PLACE_BEFORE,   /* it is shorter than what is known: an older copy */
    PLACE_REACHED
};

/* Finds out whether the input, or a beginning of it, was collected before, fills in *input with what is known
 * of it (id 0: nothing), and opens it where reading begins: `source` is read by `lines`, and both are to be
 * closed in any case. A stream is taken out of *found. Returns any but PLACE_OTHER, with why where it is no
 * good. */
enum place place_input(struct found *found, const struct catalogue *catalogue, struct source *source,
                       struct lines *lines, struct input *input, struct why *why);
/* The hash of the last `bytes` of `tail`, which is 0 where it has not as many. */
uint64_t place_tail_hash(struct str tail, uint64_t bytes);

#endif

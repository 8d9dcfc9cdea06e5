/* Which few of many sets cover the most: what exemptions cure (and how much, at least, of what as many
 * could). */
#ifndef ANALYZE_COVER_H
#define ANALYZE_COVER_H

#include <stddef.h>
#include <stdint.h>

struct cover_set {
    const uint32_t *item; /* each once */
    size_t count;
    uint64_t price; /* of two that cover as much the cheaper is taken, then the first */
};

/* Takes up to `most` sets into chosen[], each the one that adds most weight, until none adds any; returns how
 * many. No choice of as many sets covers more than 1/(1 - 1/e), or 1.582, times their weight (Nemhauser,
 * Wolsey and Fisher, Mathematical Programming 1978), and no other first one more than the first. */
size_t cover_most(const struct cover_set *set, size_t sets, const double *weight, size_t items, size_t most,
                  size_t *chosen);

#endif

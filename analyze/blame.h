/* Which measure it is that hurts: the harm of a unit (harms.h), given to those that do it. */
#ifndef ANALYZE_BLAME_H
#define ANALYZE_BLAME_H

#include "analyze/harms.h"

/* Adds the harm of `times` units like the one that begins with `first`, which have these signs, to the
 * measures: by_rule[] has the policy's rules. What is told or lost is its who stops the unit, what comes late
 * its who puts it off first; the shares are harms_add()'s, and sum to them. */
void blame_add(struct harm_cells *by_rule, const struct walk *walk, struct estimate *estimate, uint32_t first,
               uint16_t signs, uint64_t times);

#endif

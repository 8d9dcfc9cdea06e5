/* What a policy does to mail that should have come: refused with a word, late, or lost (semantics.md section
 * 7). */
#ifndef ANALYZE_HARMS_H
#define ANALYZE_HARMS_H

#include "analyze/cells.h"
#include "analyze/estimate.h"
#include "analyze/wanted.h"

enum { HARM_NONE = HARMS, HARM_KINDS };

/* The attempt of a unit at which a rule may stop it first, and that rule; NO_ATTEMPT: none may. */
uint32_t harms_first_stop(const struct walk *walk, enum unit unit, uint32_t first, uint32_t *rule);
/* Bits of enum harm, and of HARM_NONE, that may be so of a unit. */
unsigned harms_possible(const struct walk *walk, enum unit unit, uint32_t first);
/* The same; `share` is filled with what is expected of each, which sums to 1. */
unsigned harms_of(const struct walk *walk, struct estimate *estimate, enum unit unit, uint32_t first,
                  double share[HARM_KINDS]);

struct harm_cells {
    struct cell wanted[HARMS], presumed[HARMS];
    struct harm_cells *by_rule; /* the same for each of the policy's rules; NULL: not asked for */
};
/* Who is wanted is told by what does not rest on the measure that may stop it first. Adds the harm of `times`
 * units like the one that begins with `first`, which have these signs. By rule, what is told or lost is its
 * who stops the unit, what comes late its who puts it off first; the shares sum to the whole. */
void harms_add(struct harm_cells *cells, const struct walk *walk, struct estimate *estimate, uint32_t first,
               uint16_t signs, uint64_t times);
/* The signs of a unit together. */
uint16_t unit_signs(const struct columns *columns, const struct wanted *wanted, enum unit unit,
                    uint32_t first);
/* Counts those of all units in the period; `by_rule` (NULL: not asked for) is zeroed to begin with. */
struct harm_cells harms_count(const struct walk *walk, struct estimate *estimate, const struct wanted *wanted,
                              struct harm_cells *by_rule);

#endif

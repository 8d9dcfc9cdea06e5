/* The point estimate: how the units that are not certain spread over their possible outcomes (semantics.md
 * section 3). */
#ifndef ANALYZE_ESTIMATE_H
#define ANALYZE_ESTIMATE_H

#include "analyze/walk.h"

struct estimate;
struct estimate *estimate_new(const struct walk *walk);
void estimate_free(struct estimate *estimate);
/* For a walk of a part, by delivery: so many deliveries of the record are as the walk has the one that begins
 * with `head`. Once all are counted, the rate of rule r, which has state, is theirs. */
void estimate_count(struct estimate *estimate, uint32_t r, uint32_t head, uint64_t times);
/* Shares that sum to 1 over the outcomes of `set`, for a unit that begins with `attempt`; and how they were
 * come by. */
enum basis estimate_share(struct estimate *estimate, outcomes set, uint32_t attempt, double share[64]);

/* Which stratum each attempt is of. They are found when they are asked for first. */
struct strata *strata_new(const struct columns *columns);
void strata_free(struct strata *strata);
/* The number of an attempt's stratum at the finest level: two attempts of one stratum are alike for every
 * estimate. */
uint32_t stratum_of(struct strata *strata, uint32_t attempt);
void rates_free(struct rates *rates);

#endif

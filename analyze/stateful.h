/* Policies with one measure that has state, tried on a digest: what that measure says is worked out attempt
 * by attempt, once for all policies under which it is asked the same, and what comes of it case by case. */
#ifndef ANALYZE_STATEFUL_H
#define ANALYZE_STATEFUL_H

#include "analyze/cost.h"
#include "analyze/counting.h"
#include "analyze/digest.h"
#include "analyze/harms.h"

struct stateful;

/* Whether a policy can be tried so under these options. */
bool stateful_can(const struct policy *policy, const struct replay_options *options);

/* For the digest of the shelf's record, and these classes: its own, or merged from them. All must last as
 * long. */
struct stateful *stateful_new(struct shelf *shelf, const struct digest *digest, const struct classes *classes,
                              const struct wanted *wanted);
void stateful_free(struct stateful *stateful);

/* Tries the walk's policy, which is prepared on the digest's shelf, and whose `attempt` and `delivery` have
 * room for it. *condensed has what is known of the record beside. Adds to *costs and *harms, and fills
 * *tally. */
void stateful_try(struct stateful *stateful, struct walk *walk, struct condensed condensed,
                  struct costs *costs, struct harm_cells *harms, struct tally *tally);

#endif

/* Policies tried on a record one after the other: what can be worked out once for all of them is, and is kept
 * from one to the next. A sweep is made of it, and whatever shows at once what a change does. */
#ifndef ANALYZE_TRIALS_H
#define ANALYZE_TRIALS_H

#include "analyze/harms.h"
#include "analyze/sweep.h"

struct trials;

/* On these columns under these options, which both must last as long, and whose retry window must not be
 * changed meanwhile. `own`: networks of ours, for who wrote to whom; NULL: none. The first trial takes longer
 * than those after it. */
struct trials *trials_new(struct columns *columns, const struct replay_options *options,
                          const struct networks *own);
void trials_free(struct trials *trials);

/* Each policy is worked out from the record as it is: for one or two that is quicker. */
void trials_keep_plain(struct trials *trials);
/* What will be tried; each is tried more quickly then. Not needed, and others may be tried all the same. The
 * policies must last as long as the trials. 0, or -1 with why. */
int trials_expect(struct trials *trials, const struct policy *const *policies, size_t count, struct why *why);
/* Tries a policy: *row is what it is in a sweep (not on the front), *tally, unless NULL, what replay_run()
 * says. 0, or -1 with why. The policy must last as long as the trials: verdicts of its rules are kept. */
int trials_try(struct trials *trials, const struct policy *policy, struct sweep_row *row, struct tally *tally,
               struct why *why);
/* The same with the harm by rule of the policy, with room for RULES_MOST of them, zeroed. */
int trials_try_rules(struct trials *trials, const struct policy *policy, struct sweep_row *row,
                     struct tally *tally, struct harm_cells *by_rule, struct why *why);

#endif

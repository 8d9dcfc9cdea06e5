/* Policies tried one after the other on the same record, each as soon as somebody asks for it: what each of
 * its measures stops and whom it hurts. What one trial has found out, those after it take from the shelf.
 *
 * Whoever tries policies by hand goes through here, and through nothing else. */
#ifndef ANALYZE_TRIAL_H
#define ANALYZE_TRIAL_H

#include "analyze/cost.h"
#include "analyze/replay.h"
#include "analyze/wanted.h"

struct trial_harm {
    struct bounded wanted[HARMS], presumed[HARMS];
};

/* What a policy does. */
struct figures {
    struct tally tally;      /* as replay_run() says it, but for the notes */
    struct trial_harm all;   /* as a sweep says it */
    struct trial_harm *rule; /* by rule of the policy */
    struct costs costs;
    bool with_state; /* a measure of it has state */
};
void figures_free(struct figures *figures);

struct trial;
/* The columns, the options and `base` must last as long as the trial: its networks are ours (wanted.h), and
 * all policies must have its trusted relays. */
struct trial *trial_new(struct columns *columns, const struct replay_options *options,
                        const struct policy *base);
void trial_free(struct trial *trial);

/* Tries a policy, which must last as long as the trial. 0, or -1 with why; figures_free() is due where it is
 * 0. */
int trial_run(struct trial *trial, const struct policy *policy, struct figures *figures, struct why *why);

/* The DNS lists that the record shows, in `arena`. */
struct texts trial_zones(const struct columns *columns, struct arena *arena);

#endif

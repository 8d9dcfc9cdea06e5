/* What is worked out once for many policies on the same record: what the server enforced, habits, what each
 * measure with its parameters judges, and how often it hits in each stratum. */
#ifndef ANALYZE_SHELF_H
#define ANALYZE_SHELF_H

#include "analyze/habits.h"
#include "analyze/record.h"
#include "base/bits.h"

struct rates; /* estimate.h */
struct state; /* state.h */

/* A rule's verdicts from evidence on all attempts: those of every rule that judges alike in its stage. */
struct judged {
    const struct policy *policy; /* which it was judged for first */
    const struct rule *rule;
    enum stage stage;
    size_t number;          /* on the shelf */
    struct bits hit, known; /* a rule that does not apply misses; reach is minded */
    struct bits applies;    /* it is asked at all */
    struct bits maybe;      /* it may be exempt; no bits: none is */
    struct rates *rates;    /* NULL: not asked for yet */
};

struct strata; /* estimate.h */

struct shelf {
    const struct columns *columns;
    const struct replay_options *options;
    struct record *record;
    struct habits *habits; /* by delivery; NULL: not asked for yet */
    struct strata *strata;
    const uint32_t *times; /* by attempt; NULL: each counts once */
    struct judged **judged;
    size_t count, room;
};

/* The columns must have their chains, and they and the options last as long. */
struct shelf *shelf_new(const struct columns *columns, const struct replay_options *options);
/* For a part of another shelf's columns, each attempt of which counts so many times where rates are worked
 * out. It must not outlast that one. */
struct shelf *shelf_part(const struct shelf *whole, const struct columns *part, const uint32_t *times);
void shelf_free(struct shelf *shelf);
/* The habits of clients, worked out when they are asked for first. NULL: by other units than the delivery,
 * and for a part. */
struct habits *shelf_habits(struct shelf *shelf);
/* The verdicts of a rule that acts at this stage, worked out when they are asked for first. The policy must
 * last as long as the shelf. */
struct judged *shelf_judge(struct shelf *shelf, const struct policy *policy, const struct rule *rule,
                           enum stage stage);
/* What minds a rule's state; NULL: it has none. */
const struct state *rule_state(const struct rule *rule);

#endif

/* What a policy costs to enforce (semantics.md section 8). */
#ifndef ANALYZE_COST_H
#define ANALYZE_COST_H

#include "analyze/estimate.h"

/* What is expected of a figure, and between which it lies. */
struct cost {
    double expected, low, high;
};

struct costs {
    struct cost look_ups;
    struct cost messages; /* whose end was reached: a scanner that there is gets them */
    struct cost bytes;    /* of these; one whose size the record does not tell has the mean of the others */
    struct cost seconds;  /* of scanning */
};

/* What asking a rule once costs: its `cost`, else in look-ups, or for what looks at the message in seconds.
 */
double cost_of_asking(const struct rule *rule);
bool cost_is_seconds(const struct rule *rule);

/* Of the recorded attempts in the period; retries that the record does not show are not counted. A measure
 * that asks about the client or HELO is asked once a session, one that looks at the message once a message.
 */
struct costs costs_of(const struct walk *walk, struct estimate *estimate);

/* What stands for the size of a message of which the record does not tell it. */
double cost_mean_size(const struct columns *columns);
/* Of `times` sessions like this one, whose messages have these mean sizes, in order. Of the walk only what
 * the session's attempts and those before them in their chains came to is looked at. */
void costs_add(struct costs *costs, const struct walk *walk, struct estimate *estimate, uint32_t session,
               const double *sizes, double times);

#endif

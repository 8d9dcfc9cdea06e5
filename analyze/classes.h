/* Units and sessions that are alike: one of each kind is judged, and counts as many times as there are. */
#ifndef ANALYZE_CLASSES_H
#define ANALYZE_CLASSES_H

#include "analyze/estimate.h"

struct unit_class {
    uint32_t first; /* the attempt that the first of them begins with */
    uint16_t signs; /* of who wanted it */
    uint64_t times;
};

struct session_class {
    uint32_t session;
    uint32_t sizes; /* in `size`: of each of its messages, the mean of all that are alike */
    uint64_t times;
};

struct classes {
    struct unit_class *unit;
    struct session_class *session;
    size_t unit_count, session_count, unit_room, session_room;
    double *size;
    size_t size_count, size_room;
    uint32_t *walked; /* what is to be walked for them: units' firsts, or attempts where the unit is not the
                         delivery */
    size_t walked_count;
    /* Where these are merged: by those that they are merged from, the number of the one; and by attempt one
     * that in its chain is like it. Else NULL. */
    uint32_t *unit_of, *session_of, *attempt_of;
};

/* How many messages a session has, as far as costs go: its transactions, or the one that it might have had.
 */
size_t session_messages(const struct columns *columns, uint32_t s);

/* The same units and sessions in fewer classes: those together that the rules whose verdicts are on the shelf
 * do not tell apart. Only for policies without state whose rules all are there, and whose trusted relays are
 * these. That two are alike is told by 64 bits of a hash. */
struct classes classes_merge(const struct classes *fine, const struct shelf *shelf,
                             const struct networks *relays);
/* Fills `walked`. */
void classes_find_walked(struct classes *classes, const struct columns *columns, enum unit unit);
void classes_free(struct classes *classes);

#endif

/* Units and sessions that are alike for every policy of a sweep: one of each kind is judged, and counts as
 * many times as there are. */
#ifndef ANALYZE_CLASSES_H
#define ANALYZE_CLASSES_H

#include "analyze/estimate.h"
#include "analyze/wanted.h"

struct unit_class {
    uint32_t first; /* the attempt that the first of them begins with */
    uint16_t signs;
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
    size_t unit_count, session_count;
    double *size;
    size_t size_count;
    uint32_t *walked; /* what is to be walked for them: units' firsts, or attempts where the unit is not the
                         delivery */
    size_t walked_count;
};

/* Of all units and sessions in the shelf's period, as far as policies without state can tell them apart whose
 * rules' verdicts all are on the shelf, and who have these trusted relays. That two are alike is told by 64
 * bits of a hash. */
struct classes classes_make(const struct shelf *shelf, const struct wanted *wanted,
                            const struct networks *relays);
void classes_free(struct classes *classes);

#endif

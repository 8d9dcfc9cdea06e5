/* All that a report tells of one period, from one walk over the columns. */
#ifndef ANALYZE_PERIOD_H
#define ANALYZE_PERIOD_H

#include "analyze/audit.h"
#include "analyze/census.h"
#include "analyze/overlap.h"
#include "analyze/replay.h"
#include "collect/wall.h"

/* What is worked out; what a report does not show need not be. */
enum period_wants {
    WANT_RECORDED = 1 << 0, /* what the server itself did */
    WANT_BEFORE = 1 << 1,   /* the period before */
    WANT_COSTS = 1 << 2,
    WANT_CENSUS = 1 << 3,
    WANT_AUDIT = 1 << 4,
    WANT_OVERLAP = 1 << 5,
    WANT_KNOWN = 1 << 6,
    WANT_ALL = (1 << 7) - 1
};

/* A figure with its bounds. */
struct spent {
    double expected, low, high;
};

/* What comes to the end of a message, and is asked. */
struct spending {
    struct spent look_ups, messages, bytes, seconds;
};

/* How much is known of what a measure asks, by attempts in the period that it would be asked of. */
struct known_share {
    uint64_t asked, known;
    uint64_t undecided; /* of the unknown ones, those whose outcome it may decide */
};

struct period {
    struct tally tally;            /* with slices */
    struct tally recorded, before; /* row_count 0: not worked out */
    struct spending spent;         /* under the policy */
    struct spending open;          /* and if there were none */
    struct census census;
    struct audit audit;
    struct overlap overlap;
    struct known_share *known; /* by rule; NULL: not worked out */
    bool has_costs, has_census, has_audit, has_overlap;
    struct arena arena;
};

struct period_asked {
    const struct policy *policy;          /* NULL: what the server did */
    const struct replay_options *options; /* the period, by what it is sliced, its clock */
    usec before_from, before_to;          /* the one before */
    unsigned wants;                       /* of enum period_wants */
    size_t most;                          /* rows of each top */
};

/* 0, or -1 with why; period_free() is due in any case. The columns and the policy must last as long. */
int period_run(struct columns *columns, const struct period_asked *asked, struct period *period,
               struct why *why);
void period_free(struct period *period);

#endif

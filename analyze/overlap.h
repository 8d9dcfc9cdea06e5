/* What each measure, and each zone of each DNS list measure, catches alone, together and in order
 * (semantics.md section 3, "Order-free views"). A unit is hit by a measure when that measure alone would stop
 * it, as replay has it: greylisting hits who would not come back. */
#ifndef ANALYZE_OVERLAP_H
#define ANALYZE_OVERLAP_H

#include "analyze/game.h"
#include "analyze/replay.h"

/* What may be left out: each step takes the one without which least is lost, as long as that is little even
 * where all that is unknown would have been stopped by it alone. */
struct drop {
    size_t member;
    struct loss loss, together; /* by this step, and with those before it */
};

/* Measures, or the zones of one, in the order in which they act. */
struct overlap_group {
    struct str name;  /* "measures", or that of the dnsbl rule */
    struct str title; /* "Measures", or that rule's */
    bool zones;
    size_t count;
    struct str *names, *titles; /* by member */
    size_t *rules;              /* by member: index in the policy */
    struct game game;           /* its patterns: those with most units first */
    struct pattern *known;      /* of the units of which all is known but of those apart: most units first */
    size_t known_count;
    struct shares *shares;
    struct drop *drops;
    size_t drop_count;
    struct str *aside; /* names of those of which nothing at all is known: no members */
    size_t aside_count;
    size_t blindest; /* the member of those compared that is unknown most often, `unknown` times; count: none
                        is */
    uint64_t blind_units;
};

/* One stage's measures in the order that they have, and in the best one. */
struct overlap_stage {
    enum stage stage;
    size_t count, *now, *best; /* members of the first group */
    double cost_now, cost_best;
    double units;     /* expected to reach the stage */
    uint64_t unknown; /* units of which something that is asked there had to be estimated */
    bool guessed;     /* of some measure too little is known: half of what is unknown is taken for hit */
    bool exact;
};

struct overlap {
    struct str policy;
    enum unit unit;
    uint64_t units;               /* without those through trusted relays */
    uint64_t base;                /* what percentages are of, as in a tally */
    usec from, to;                /* first and last start of a unit */
    struct overlap_group *groups; /* first the measures, then a dnsbl rule with several zones each */
    size_t group_count;
    uint64_t guards; /* members of the first group that are never to drop (struct measure) */
    double *costs;   /* by member of the first group: what asking it costs */
    struct overlap_stage *stages;
    size_t stage_count;
    struct str *warners; /* measures that stop nothing, and are left out */
    size_t warner_count;
    struct str notes[8]; /* a sentence each: what was assumed of the record */
    size_t note_count;
    struct arena arena;
};

/* Without as much the rest loses little: units in ten thousand. */
enum { OVERLAP_LITTLE = 10 };

/* Unless `all`, members of which too little is known are compared with none (game.apart).
 * `policy` must last as long as *overlap. 0, or -1 with why. overlap_free() is due in any case; *overlap need
 * not be set before. */
int overlap_run(struct columns *columns, const struct policy *policy, const struct replay_options *options,
                bool all, struct overlap *overlap, struct why *why);
/* The same on a shelf that others have, which may keep what is judged for as long as the overlap lasts. */
struct shelf;
int overlap_shelved(struct shelf *shelf, const struct policy *policy, bool all, struct overlap *overlap,
                    struct why *why);
void overlap_free(struct overlap *overlap);
/* Those compared of whose hits fewer than half are among what is known: the counts say little of them. */
uint64_t overlap_unlike(const struct overlap_group *group);

#endif

/* Two policies on the same record: which units come out otherwise, and whose they are. */
#ifndef ANALYZE_COMPARE_H
#define ANALYZE_COMPARE_H

#include "analyze/replay.h"

/* What the second policy changes for a unit. */
enum change {
    CHANGE_NONE,
    CHANGE_STOPPED,   /* it stops what the first lets through */
    CHANGE_PASSED,    /* it lets through what the first stops */
    CHANGE_OTHERWISE, /* another row has it */
    CHANGES
};
extern const char *const change_name[CHANGES]; /* "stopped", as JSON has it */

/* What moves, together or of one group. */
struct moved {
    struct bounded change[CHANGES];
    struct bounded wanted[CHANGES], presumed[CHANGES], unwanted[CHANGES]; /* of these, by label */
};

enum moves_by { MOVES_DOMAIN, MOVES_ASN, MOVES_NETWORK, MOVES_BYS };
extern const char *const moves_by_name[MOVES_BYS]; /* "domain" */

struct moves_group {
    struct str name; /* of the sender's domain, "AS64496 Example", "192.0.2.0/24": may be anybody's text */
    struct moved moved;
    int64_t session; /* one that shows it, for explain */
};

struct comparison {
    struct tally side[2];                  /* each as replay_run() gives it */
    struct bounded *cell;                  /* row of the first by row of the second */
    enum change *change;                   /* of each of these */
    int64_t net[3];                        /* how many more the second stops: count, low, high */
    struct moved moved;                    /* all */
    struct moves_group *groups[MOVES_BYS]; /* those that move most first */
    size_t group_count[MOVES_BYS];
    struct arena arena; /* owns all but the tallies */
};

/* `first` and `second` may be NULL: what the server did. 0, or -1 with why. */
int compare_run(struct columns *columns, const struct policy *first, const struct policy *second,
                const struct replay_options *options, struct comparison *comparison, struct why *why);
void comparison_free(struct comparison *comparison);

#endif

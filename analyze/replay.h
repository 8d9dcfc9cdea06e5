/* Replay: what a policy would have done to the recorded sessions (semantics.md). The way is
 *     sessions -> columns (once) -> replay_run() with any policy -> tally. */
#ifndef ANALYZE_REPLAY_H
#define ANALYZE_REPLAY_H

#include "analyze/policy.h"
#include "analyze/tally.h"
#include "collect/session.h"

/* All sessions at once: an array a field. */
struct columns;
struct wall;
struct columns *columns_new(void);
void columns_free(struct columns *columns);
/* Takes one session in (any order); nothing of it is kept by reference. Of one that is outbound only that its
 * mail was sent. */
void columns_add(struct columns *columns, const struct session *session);
/* The record shows mail that is sent, be it that there was none. */
void columns_hold_sent(struct columns *columns);
/* Takes in a piece of evidence from elsewhere; before or after sessions, in any order, but that of message
 * ids before: of other messages the id is not kept. */
void columns_provide(struct columns *columns, const struct provider *provider,
                     const struct provided *provided);
/* After the last: sorts by start, links sessions to attempts, chains and networks. [from, to] is the span
 * that the record covers: retry windows that close within it are known to have closed. USEC_NONE: first and
 * last session. */
void columns_finish(struct columns *columns, usec from, usec to);

/* What the server enforced, from which "no" is inferred. */
struct in_force {
    const struct policy *policy;
    usec from, to; /* USEC_NONE: open */
};

enum slice_by { SLICE_NONE, SLICE_HOUR, SLICE_DAY, SLICE_WEEK, SLICE_MONTH };

struct replay_options {
    enum unit unit;
    usec from, to;     /* units whose first session started in [from, to); USEC_NONE: all. What came
                          before is judged all the same, for measures with state */
    usec retry_window; /* 0: two days */
    enum slice_by by;
    const struct wall *wall; /* whose clock the slices and the tally's times are of; NULL: UTC's */
    bool assume_habits;      /* --assume habits */
    double assume_resend;    /* --assume greylist.resend=0.8; NAN: not given */
    const struct in_force *in_force;
    size_t in_force_count; /* with `assumed` false and 0 here: nothing was in force */
    bool assumed; /* no recorded policy: take each measure for in force on the days on which it shows */
};

/* Replays `policy`, or where it is NULL tells what the server itself did. 0, or -1 with why. The columns are
 * as before afterwards, but for the chains of attempts where the retry window is another than the last time.
 */
int replay_run(struct columns *columns, const struct policy *policy, const struct replay_options *options,
               struct tally *tally, struct why *why);

/* Where the record shows DNS lists, but none of those that the policy asks: makes its dnsbl rules ask the
 * record's, at weight 1 each. Returns their names, which belong to the policy; at == NULL: nothing was
 * changed. */
struct str policy_adopt_zones(struct policy *policy, const struct columns *columns);
/* Takes out the rules, but those with state, that the record shows nobody to pass: of who is stopped by them
 * it tells nothing. Returns their titles, which belong to the policy; at == NULL: nothing was changed. */
struct str policy_leave_unseen(struct policy *policy, const struct columns *columns,
                               const struct replay_options *options);

/* What became of one session under a policy, for explain. Index of rules as in the policy. */
struct rule_story {
    enum tri hit;
    bool asked;     /* an earlier measure may have kept it from being asked */
    struct str why; /* "rdns is no: recorded", "unknown: the server refused before RCPT" */
};

struct attempt_story {
    struct str sender, recipient; /* at == NULL: not known */
    struct rule_story *rules;
    enum tri accepted;
    struct str outcome; /* "stopped by no-rdns", "accepted", "no-rdns or accepted", ... */
};

struct session_story {
    struct attempt_story *attempts;
    size_t count;
};

/* What would tell where evidence of a kind is missing: "enrich --dnsbl-zone ZONE=FILE"; NULL: nothing that
 * mxreplay could be given. */
const char *replay_teller(enum kind kind);

/* By session: `arena` owns the story. -1 with why where there is no such session in the columns. */
int replay_explain(struct columns *columns, const struct policy *policy, const struct replay_options *options,
                   int64_t session_id, struct session_story *story, struct arena *arena, struct why *why);

/* How much of what a policy's measures ask is known, by recipients, each with those of its rule in a month.
 * Measures that have only state are left out. */
struct coverage_row {
    size_t rule;
    int64_t month; /* year * 12 + month - 1 */
    uint64_t units, recorded, inferred, enriched, unknown;
};

struct coverage {
    struct coverage_row *row; /* in the order in which the rules act, then of time */
    size_t count;
    uint64_t *undecided; /* by rule: recipients of which its verdict would decide more; in the arena */
};

int replay_coverage(struct columns *columns, const struct policy *policy,
                    const struct replay_options *options, struct coverage *coverage, struct arena *arena,
                    struct why *why);
void coverage_free(struct coverage *coverage);

#endif

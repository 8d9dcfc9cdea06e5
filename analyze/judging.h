/* What a measure's judge may look at, and the rules that hold for every measure: recorded refusals, what a
 * recorded pass tells, exemptions, reach. */
#ifndef ANALYZE_JUDGING_H
#define ANALYZE_JUDGING_H

#include <stddef.h>
#include <sysexits.h>

#include "analyze/columns.h"
#include "analyze/measure.h"

struct record; /* record.h */

struct judging {
    const struct columns *columns;
    struct record *record; /* NULL: nothing is inferred */
    const struct policy *policy;
    const struct rule *rule;
    const struct bits *hit, *known; /* once all attempts are judged: the rule's verdicts; NULL before */
};

/* The verdict of a rule that applies, before state and reach are minded. UNKNOWN for a measure that has only
 * state. */
enum tri judging_verdict(const struct judging *judging, uint32_t attempt);

/* What the recorded server did with a rule of the same measure at an attempt. */
enum asked_status { ASKED_NOT, ASKED_PASSED, ASKED_REFUSED };
struct asked {
    const void *parameters; /* the recorded rule's */
    const struct rule *rule;
    enum asked_status status; /* where it may have been exempt, ASKED_PASSED only if `alike` */
    bool alike;               /* it exempts the same as ours */
};
enum { ASKED_MOST = 16 };

/* Fills `asked` with the recorded rules of the judged measure that were in force; returns their number. */
size_t judging_asked(const struct judging *judging, uint32_t attempt, struct asked asked[ASKED_MOST]);
/* Whether one of them let the attempt pass, or refused it. `fits` (NULL: any) says whether its parameters
 * tell about ours. */
bool judging_passed(const struct judging *judging, uint32_t attempt,
                    bool (*fits)(const void *recorded, const void *ours));
bool judging_refused(const struct judging *judging, uint32_t attempt,
                     bool (*fits)(const void *recorded, const void *ours));

/* Whether the recorded server's rule of this measure saw the attempt, be it that a later one decided. One
 * that exempts the same as ours is taken to have seen what ours sees. */
enum tri judging_touched(const struct judging *judging, uint32_t attempt);

/* Whether the rule is for this attempt: `when`, exemptions, and that the recorded server did not exempt whom
 * it refused. */
enum tri judging_applies(const struct judging *judging, uint32_t attempt);
/* Whether a recorded rule exempts the same as ours; and whether, with the same parameters too, it let the
 * attempt by, be it that it was exempt. */
bool judging_alike(const struct judging *judging, uint32_t attempt);
bool judging_let_by(const struct judging *judging, uint32_t attempt);

/* The facts of a kind that hold for an attempt, those from elsewhere among them; best origin first is not
 * promised; start with `after` NULL. */
const struct fact *judging_fact(const struct judging *judging, uint32_t attempt, enum kind kind,
                                const struct fact *after);
/* What outweighs what: the lower, the more it counts. From JUDGING_LATER on: a look-up or a snapshot of
 * another day than the session's, which even a "no" by inference outweighs. */
#define JUDGING_LATER ((uint64_t)ORIGINS)
uint64_t judging_rank(const struct judging *judging, uint32_t attempt, const struct fact *fact);
/* The one that counts most of those that say yes or no, or NULL. */
const struct fact *judging_best_fact(const struct judging *judging, uint32_t attempt, enum kind kind);
/* The client's autonomous system: `a` its number, `detail` whose it is; NULL: not known. */
const struct fact *judging_system(const struct columns *columns, uint32_t attempt);
/* The state that they tell, by their rank; with a subject, of those with that subject. */
enum tri judging_state(const struct judging *judging, uint32_t attempt, enum kind kind);
enum tri judging_subject(const struct judging *judging, uint32_t attempt, enum kind kind, struct str subject);
/* The same, and what is concluded from the record: where no evidence but a later look-up tells and the
 * attempt passed the recorded server's rules that `fits` (NULL: all) takes, it is `passed`. `subject` may be
 * NULL. */
enum tri judging_conclude(const struct judging *judging, uint32_t attempt, enum kind kind,
                          const struct str *subject, bool (*fits)(const void *recorded, const void *ours),
                          enum tri passed);
/* Whether evidence of this kind was recorded, by whoever's eyes. */
bool judging_recorded(const struct judging *judging, uint32_t attempt, enum kind kind);
/* Whether a look-up of this kind was made then and failed. */
bool judging_failed(const struct judging *judging, uint32_t attempt, enum kind kind);

struct str judging_name(const struct judging *judging, uint32_t name);
struct str judging_sender(const struct judging *judging, uint32_t attempt);
struct str judging_recipient(const struct judging *judging, uint32_t attempt);
struct str judging_helo(const struct judging *judging, uint32_t attempt);
/* The number of RCPT commands in the attempt's transaction. */
size_t judging_recipients(const struct judging *judging, uint32_t attempt);
bool judging_authenticated(const struct judging *judging, uint32_t attempt);

/* How many sessions at one of these servers, by address or name, were answered. */
size_t judging_answered_at(const struct judging *judging, const struct texts *servers);

extern const struct state state_greylist, state_remember, state_after_220, state_dictionary, state_rate,
    state_nolisting;

#endif

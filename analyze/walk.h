/* The walk: every attempt in order of time through the policy's measures, with the set of what may become of
 * it. */
#ifndef ANALYZE_WALK_H
#define ANALYZE_WALK_H

#include "analyze/columns.h"
#include "analyze/habits.h"
#include "analyze/record.h"
#include "analyze/shelf.h"
#include "analyze/state.h"

/* A set of outcomes: bit r for being stopped by rule r, and the ends that are no rule's. */
typedef uint64_t outcomes;
enum {
    OUTCOME_ACCEPTED = 59,
    OUTCOME_OTHER,
    OUTCOME_ABANDONED,
    OUTCOME_NOTHING,
    OUTCOME_RELAYED,
    RULES_MOST = OUTCOME_ACCEPTED
};
#define OUTCOME(which) ((outcomes)1 << (which))

/* How a chain stands before an attempt: ended, maybe ended, or certainly waiting for it. */
enum alive { ENDED, MAYBE_ALIVE, ALIVE };

/* What an attempt has to do with the rule that has state, of a policy that has one such. */
struct stand {
    enum tri answer; /* that this rule gives */
    bool asks;       /* it is asked at all */
    bool certain;    /* and the attempt certainly reaches it */
    bool spoils;     /* what the record decided does not stand from here on */
    bool newly_off;  /* it may be put off where the record did not */
};

struct walk {
    const struct columns *columns;
    const struct policy *policy;
    const struct replay_options *options;
    struct shelf *shelf; /* what is not this policy's alone; and whether the walk made it */
    bool own_shelf;
    struct record *record;
    struct judging *judging; /* by rule */
    struct judged **judged;  /* by rule: where its verdicts are kept */
    struct step *steps;      /* in order of acting */
    struct bits *hit,
        *known; /* by rule: verdicts from evidence, reach minded; a rule that does not apply misses */
    struct bits *applies;                        /* by rule: asked at all */
    struct bits *maybe;                          /* by rule: it may be exempt; no bits: none is */
    const struct state **state;                  /* by rule; NULL: none */
    void **held;                                 /* by rule: what the state holds */
    struct bits *net_spoiled, *operator_spoiled; /* by rule, of networks and of operators' names */
    struct habits *habits;                       /* NULL: those of whoever's turn it is are these */
    enum habit habit_of_address, habit_of_network;
    struct stand *stand; /* where what the rule with state says is given; NULL: it is asked */
    bool by_delivery;
    outcomes stateful;  /* the rules with state */
    outcomes *attempt;  /* by attempt: what may become of it; 0: the walk did not get to it */
    outcomes *delivery; /* by attempt that begins a chain: what may become of the delivery */
};

/* Judges all rules and walks all attempts. -1 with why where the policy has too many rules. */
int walk_run(struct walk *walk, const struct columns *columns, const struct policy *policy,
             const struct replay_options *options, struct why *why);
/* The same for one of many policies on the shelf's columns, under its options; policy and shelf must outlast
 * it. */
int walk_shelved(struct walk *walk, struct shelf *shelf, const struct policy *policy, struct why *why);
/* The same but for the walking: verdicts from evidence are there, `attempt` and `delivery` are not. */
int walk_prepare(struct walk *walk, struct shelf *shelf, const struct policy *policy, struct why *why);
/* Fills `attempt`, and by delivery `delivery`, for the attempts of one delivery (by other units: of one
 * attempt), where no rule has state. */
void walk_unit(struct walk *walk, uint32_t first);
/* Walks one attempt, by delivery, where the rule with state gives stand->answer: fills `attempt` for it, adds
 * to *delivery what the delivery may come to by it, and fills *stand. Returns how the chain stands after it.
 */
enum alive walk_stand(struct walk *walk, uint32_t attempt, enum alive alive, struct stand *stand,
                      outcomes *delivery);
void walk_free(struct walk *walk);

/* Whether a stop by rule r lets the client come back (semantics.md section 3: a drop is a 4xx to a chain). */
bool walk_puts_off(const struct walk *walk, uint32_t r, uint32_t attempt);
/* What a delivery comes to whose attempt has this outcome; *goes_on: or it goes on with its next attempt. By
 * delivery only. */
outcomes walk_leads(const struct walk *walk, uint32_t attempt, unsigned outcome, bool *goes_on);
/* Whether it may go on after this attempt, and *ends: whether it may not. By delivery only. */
bool walk_goes_on(const struct walk *walk, uint32_t attempt, bool *ends);

/* The habit of the attempt's client, as the key of a measure with state has it; and whether that has its
 * address, not its network. */
bool walk_goes_by_address(const struct walk *walk, uint32_t rule);
enum habit walk_habit(const struct walk *walk, uint32_t rule, uint32_t attempt);

/* What the record itself says became of an attempt, as an outcome by enum named in place of rules:
 * OUTCOME(named), or one of the ends. */
outcomes walk_recorded(const struct columns *columns, uint32_t attempt);

#endif

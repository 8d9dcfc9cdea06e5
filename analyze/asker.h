/* What a measure with state says of all attempts of the record, worked out in their course: of those that are
 * alone as counts, of the others as cases that are alike. */
#ifndef ANALYZE_ASKER_H
#define ANALYZE_ASKER_H

#include "analyze/company.h"
#include "analyze/state.h"
#include "analyze/walk.h"

/* How an attempt stands under a policy, in bits; where that rests on what the measure says, a bit or two for
 * each enum tri. */
enum {
    STAND_ACTIVE = 1, /* it has to do with the state */
    STAND_ASKS = 2,
    STAND_CERTAIN = 4,
    STAND_SPOILS = 8,
    STAND_APPLIES = 16,
    STAND_OFF_AT = 5,     /* newly put off */
    STAND_FIRST_AT = 8,   /* put off by a rule with state and no other */
    STAND_NEXT_AT = 11,   /* how the chain stands after it: two bits each */
    STAND_VERDICT_AT = 17 /* from evidence: two bits */
};

/* By class of units that are alone, and by the part's attempt, maybe alive and alive. */
struct stands {
    uint32_t *alone, *company;
    size_t alone_count, company_count;
};

/* Units, or sessions, that are of one class, and whose clients' habits and whose attempts' answers are the
 * same. */
struct answer_case {
    uint32_t class;
    uint8_t habit;
    uint32_t at, count; /* its answers */
    uint32_t sizes;     /* of sessions: in `size`, the mean of each of their messages */
    uint64_t times;
};

struct answer_cases {
    struct answer_case *of;
    size_t count, room;
    uint8_t *answer; /* enum tri: along a chain; of a session along the chains up to each of its attempts */
    size_t answer_count, answer_room;
    double *size;
    size_t size_count, size_room;
};

struct state_answers {
    struct answer_cases units, sessions;
    uint32_t *chain_case; /* by chain: its case */
    uint64_t seen_once;   /* of those that are alone: put off, and their sender's only delivery */
};

/* What remembers: its state is kept from one rule to the next of the same measure. */
struct asker {
    const struct columns *columns; /* the record */
    const struct company *company;
    const struct state *state;
    void *held;
    uint8_t *answer, *alive; /* by slot, while the course is followed */
    uint8_t *recorded;       /* by the part's attempt */
};

struct asker *asker_new(const struct columns *columns, const struct company *company);
void asker_free(struct asker *asker);
/* Asks about all attempts what a rule says, where they stand so. */
struct state_answers *asker_ask(struct asker *asker, const struct walk *walk, uint32_t rule,
                                const struct stands *stands, bool by_address);
void state_answers_free(struct state_answers *answers);

#endif

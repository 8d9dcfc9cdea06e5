/* Measures with state: what they do to an attempt depends on what they saw before. They are asked in order of
 * time, and only about attempts that may have reached them under the replayed policy (semantics.md sections 5
 * and 6). */
#ifndef ANALYZE_STATE_H
#define ANALYZE_STATE_H

#include "analyze/judging.h"

struct asking {
    const struct judging *judging;
    uint32_t attempt; /* of the columns that the state was begun with */
    uint32_t judged;  /* the same, or one that is like it, of judging->columns */
    bool certain;     /* it certainly reaches the measure; possibly it does, or the measure were not asked */
    bool as_recorded; /* all earlier attempts of the client's network and operator reach it as they did in the
                         record, and none is newly put off: only then does a recorded answer stand */
    bool
        by_delivery; /* the unit is the delivery: there may have been retries that the record does not show */
    enum tri verdict; /* of the measure without its state, from evidence */
    uint8_t *recorded; /* where what the record decided is kept for all that are like `judged`: an enum tri and
                          one, 0 where that is not worked out yet; NULL: nowhere */
};

struct state {
    void *(*begin)(
        const struct judging *judging); /* all attempts have been judged; *judging stays where it is */
    void (*end)(void *state);
    /* YES: stops the attempt. Takes down that it came. */
    enum tri (*ask)(void *state, const struct asking *asking);
    /* An attempt may have been put off that the record did not defer: any number of retries may have
     * followed, from any address of its network or operator, at any server. */
    void (*retry)(void *state, const struct asking *asking);
    /* Whether it might stop a retry of this attempt at some later time; NULL: it always might. */
    bool (*might)(void *state, uint32_t attempt);

    /* For many policies on one record (analyze/course.h). All three may be NULL. */
    /* Whether with these parameters all that it holds is of a client's network or operator, so that those who
     * have neither in common may be asked about one after the other. */
    bool (*by_client)(const void *parameters);
    /* So it goes on: forgets those before; so many attempts of others follow, and where `named`, of all of
     * these sender and recipient are known. */
    void (*forget)(void *state, size_t attempts, bool named);
    /* Begins anew with the parameters of another rule of the measure; forget() comes next. */
    void (*again)(void *state, const struct judging *judging);
};

#endif

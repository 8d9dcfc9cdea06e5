/* Whom an attempt has beside it. Most are alone in their session and in their delivery, and what comes of one
 * rests on its kind and on what a measure with state says; of the others, the answers to all of a delivery or
 * of a session are looked at together. Nothing here rests on a policy. */
#ifndef ANALYZE_COMPANY_H
#define ANALYZE_COMPANY_H

#include "analyze/course.h"
#include "analyze/digest.h"

enum { COMPANY_ANSWERS = 3, COMPANY_HABITS = 3, COMPANY_CELLS = COMPANY_ANSWERS * COMPANY_HABITS };

/* A delivery that has several attempts, or whose session has: its attempts have one slot after the other. */
struct chain {
    uint32_t head;        /* attempt of the record */
    uint32_t unit;        /* class */
    uint32_t slot, count; /* of its attempts */
    uint8_t about;        /* as in the course */
};

/* A session whose attempts are in such deliveries. */
struct companions {
    uint32_t session; /* of the record */
    uint32_t class;
    uint32_t first, count; /* in `member`: the slots of its attempts */
    uint8_t about;
};

struct company {
    const struct digest *digest;
    const struct classes *classes; /* the digest's, or merged from them */
    struct course *course;
    uint32_t *what; /* by place in the course: the class of a unit that is alone; or a slot and IN_COMPANY */
    uint32_t *times[2]; /* by class and habit, of addresses and of networks: of the units that are alone */
    double *bytes[2];   /* and the sizes of their messages together: one that is not known has the mean */
    double mean_size;
    uint32_t *alone_first; /* by class of units: the part's attempt, or NO_ATTEMPT where none is alone */
    uint32_t *session_of;  /* by class of units, where they are alone: the class of the session */
    uint32_t *like; /* by slot: the part's attempt that is like it; the first of a chain has FIRST_SLOT */
    size_t slot_count;
    uint32_t *liked; /* the part's attempts among these, each once */
    size_t liked_count, liked_room;
    struct chain *chain;
    size_t chain_count, chain_room;
    struct companions *session;
    size_t session_count, session_room;
    uint32_t *member;
    size_t member_count, member_room;
};
#define IN_COMPANY 0x80000000u
#define FIRST_SLOT 0x80000000u

struct company *company_new(struct shelf *shelf, const struct digest *digest, const struct classes *classes,
                            const struct wanted *wanted);
void company_free(struct company *company);

#endif

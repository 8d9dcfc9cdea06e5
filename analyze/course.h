/* The record's attempts in the course in which measures with state may be asked about them when they hold
 * nothing but what is of a client's network or operator: those of one client after the other, where clients
 * that share a network or an operator are one, and of each in order of time. So little is remembered at a
 * time, and what belongs together lies together. */
#ifndef ANALYZE_COURSE_H
#define ANALYZE_COURSE_H

#include "analyze/columns.h"
#include "analyze/habits.h"

struct course {
    struct columns *columns; /* in this order, with clients and networks numbered by it: of sessions client,
                                operator_of and server, of attempts session, sender, address_of, at and
                                size */
    uint32_t *attempt;       /* by place in it: the record's attempt */
    uint32_t *first;         /* by client: its first place; one more than there are */
    size_t client_count;
    uint8_t *about, *about_of; /* by place, and by attempt of the record: see below */
};

/* What is known of an attempt's client and sender: two bits of enum habit by address, two by network, and
 * whether the attempt begins the only delivery of its sender. */
enum { COURSE_NETWORK_AT = 2, COURSE_HABIT = 3, COURSE_ONCE = 16 };

struct course *course_new(const struct columns *columns, const struct habits *habits);
void course_free(struct course *course);

#endif

/* Small records at random: one session, one message, one recipient each, with part of the evidence. */
#ifndef TESTS_LIB_CONTACTS_H
#define TESTS_LIB_CONTACTS_H

#include "collect/session.h"

enum { CONTACTS_MOST = 24, CONTACT_EVIDENCE = 4 };

struct recorded {
    struct session session;
    struct transaction transaction;
    struct recipient recipient;
    struct evidence evidence[CONTACT_EVIDENCE];
};

/* Fills `recorded`, in order of time; each piece of evidence is there with a chance of `told` in ten.
 * Sessions are of four clients in two networks, three recipients and four senders. The same seed gives the
 * same. */
size_t contacts_record(unsigned seed, unsigned told, struct recorded recorded[CONTACTS_MOST]);
/* One session of which nothing is known but that it was accepted. */
void contact_unknown(struct recorded *recorded);
void recorded_copy(struct recorded *to, const struct recorded *from);
/* Adds the evidence that is missing, at random; what may be known for a whole chain is the same for all that
 * have its sender and recipient. */
void recorded_fill(struct recorded *recorded);

#endif

/* An interface of this machine that is listened to, with libpcap. */
#ifndef COLLECT_CAPTURE_TAP_H
#define COLLECT_CAPTURE_TAP_H

#include "collect/capture/frames.h"
#include "collect/collect.h"

struct tap;

struct tap_options {
    const char *interface;                 /* "eth0", or Linux' "any" */
    const struct capture_options *capture; /* its ports are what the kernel is asked for */
    uint64_t ring_bytes;                   /* of the kernel's, where packets wait; 0: 64 MiB */
    bool promiscuous;                      /* what is sent to others, too: for a mirrored port */
};

struct tap_counts {
    uint64_t dropped;         /* that the ring had no room for */
    uint64_t dropped_by_card; /* by the interface or its driver */
};

/* Begins to listen, which wants CAP_NET_RAW; nothing does after that. From here on packets wait in the ring.
 * NULL with why: no such interface (EX_NOINPUT), not allowed (EX_NOPERM), a link that is none of ours
 * (EX_DATAERR). */
struct tap *tap_open(const struct tap_options *options, struct why *why);
void tap_close(struct tap *tap);
/* A descriptor that is readable when packets have come. */
int tap_descriptor(const struct tap *tap);
/* Gives what has come to `take`, one after the other, at most a block of the ring; the bytes last until it
 * returns. Returns how many there were, or -1 with why (EX_UNAVAILABLE): the interface is down or gone. */
int tap_take(struct tap *tap, void (*take)(void *state, usec at, struct piece frame), void *state,
             struct why *why);
/* libpcap's DLT_ number of what it gives. */
int tap_link(const struct tap *tap);
/* Since it was opened. */
struct tap_counts tap_counts(struct tap *tap);

#endif

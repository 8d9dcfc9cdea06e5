/* Captures of known truth: SMTP dialogs of several clients, cut into segments, put into frames of any link
 * type, with what happens to packets on the way. The same seed gives the same capture. */
#ifndef TESTS_LIB_CAPTURE_MAKER_H
#define TESTS_LIB_CAPTURE_MAKER_H

#include "base/memory.h"
#include "collect/capture/tcp.h"
#include "tests/lib/random_session.h"

enum { MADE_DIALOGS_MOST = 5, MADE_LOST_MOST = 64 };

/* A range of a stream of which no copy is in the capture. */
struct made_range {
    uint64_t from, to;
};

/* A thing that the dialog has in its session, in order: the HELO, a MAIL, a RCPT with its reply, a message
 * that was accepted, the end. */
struct made_item {
    struct str text;       /* len 0: nothing of the session (RSET) */
    size_t exchange, last; /* the commands and replies that it comes from: these exchanges, first and last */
    bool damaged;          /* some byte of them is lost */
};

struct made_dialog {
    struct ip client, server;
    uint16_t client_port;
    struct str stream[2]; /* what each side said, by enum side */
    struct made_range lost[2][MADE_LOST_MOST];
    size_t lost_count[2];
    bool damaged;       /* some of it is lost */
    struct str session; /* what it comes to, where it is not damaged */
    struct made_item *item;
    size_t items;
};

struct made_capture {
    struct made_dialog dialog[MADE_DIALOGS_MOST];
    size_t dialogs;
    struct str file; /* pcap or pcapng */
    size_t packets;
    const char *link;
};

/* All of it belongs to `arena`. `harm`: whether packets may be missing or cut short. */
void capture_make(struct made_capture *made, uint64_t seed, bool harm, struct arena *arena);

#endif

/* TCP connections put together from segments: both directions, in the order in which the two sides knew of
 * each other's bytes. A segment that acknowledges bytes which have not been seen waits for them a while, so a
 * reply is never told before its command because packets were captured out of order. What stays missing
 * though the other side has acknowledged it was lost by the capture: it is told as such, and the connection
 * goes on behind it.
 *
 * Checksums are not looked at: on the machine that sends, most captures show them before the card has filled
 * them in. */
#ifndef COLLECT_CAPTURE_TCP_H
#define COLLECT_CAPTURE_TCP_H

#include "collect/capture/frames.h"

enum side { SIDE_CLIENT, SIDE_SERVER };
enum {
    TCP_BYTES_MOST = 256 * 1024 * 1024,
    TCP_CONNECTION_BYTES_MOST = 2 * 1024 * 1024,
    TCP_KEPT_BYTES_MOST = 64 * 1024 * 1024 /* from one run to the next: some 100,000 connections */
};

enum ending {
    ENDING_NONE, /* the record does not show its end */
    ENDING_FIN,  /* both sides, or the one that was seen */
    ENDING_RST,
    ENDING_REUSED, /* the same two ports began another */
    ENDING_PRESSED /* for want of memory */
};

/* What the consumer of a connection may read of it. `dialog` and `waited` are its own. */
struct connection {
    struct ip address[2];
    uint16_t port[2];
    int32_t input;
    uint64_t offset, last_offset; /* of its first and last packet in their inputs */
    usec started;                 /* its first packet */
    usec established;             /* the handshake's end; USEC_NONE: it has had none so far */
    usec seen;                    /* its last packet */
    usec closing;                 /* the first FIN, or the RST; USEC_NONE */
    uint8_t closed_by;            /* enum side, of that */
    uint8_t ending;               /* enum ending */
    bool midway;                  /* its beginning is not in the capture */
    bool one_way;                 /* so far, only one side was seen */
    bool answered;                /* the server has, be it by a RST */
    uint32_t syns;                /* that the client sent */
    usec waited;                  /* when bytes came that it would not take yet; USEC_NONE to begin with */
    void *dialog;
};

enum wanted {
    UNWANTED,
    WANTED_WHOLE, /* where the handshake tells which side is the server */
    WANTED        /* and where the port has to tell it */
};

struct tcp_consumer {
    void *state;
    /* Whether connections to this port of a server are wanted. */
    enum wanted (*wants)(void *state, uint16_t port);
    /* Bytes of one side, captured at `at`. Returns how many it takes; the rest is offered again after the
     * other side has said something more, or with `must`, when it has to take all. */
    size_t (*bytes)(void *state, struct connection *connection, enum side from, struct str bytes, usec at,
                    bool must);
    /* So many bytes of this side are missing here. */
    void (*lost)(void *state, struct connection *connection, enum side from, uint64_t count, usec at);
    /* It has ended. Called once for each; `dialog` is to be given back. */
    void (*closed)(void *state, struct connection *connection);
    /* Nobody wants to know any more how it ends: `dialog`, which there is, is to be given back. */
    void (*dropped)(void *state, struct connection *connection);
};

struct tcp_counts {
    uint64_t connections; /* established, or under way when they were first seen */
    uint64_t unanswered;  /* SYNs that nobody answered, refused ones included */
    uint64_t gaps;        /* ranges that were lost by the capture */
    uint64_t repeated;    /* segments with nothing new */
    uint64_t differing;   /* bytes that came twice and were not the same */
    uint64_t pressed;     /* closed for want of memory */
    uint64_t bad;         /* segments that were nonsense, or of no connection */
    size_t bytes, bytes_most;
};

struct tcp;

/* `bytes_most` of memory; 0: TCP_BYTES_MOST. */
struct tcp *tcp_new(const struct tcp_consumer *consumer, size_t bytes_most);
/* What is open is dropped. */
void tcp_free(struct tcp *tcp);
/* Takes a datagram of protocol TCP, which was found at `offset` of the input. */
void tcp_take(struct tcp *tcp, const struct datagram *datagram, int32_t input, uint64_t offset);
/* It is `now`, though no packet says so: what has been silent for too long is over. */
void tcp_advance(struct tcp *tcp, usec now);
/* Whether there are connections that have not ended. */
bool tcp_is_open(const struct tcp *tcp);
/* The end of all input: what is open is told as it stands. */
void tcp_finish(struct tcp *tcp);
/* Ends what has been idle longest, as it stands, until no more than so much memory is taken: of what is
 * closed, begun, established, in this order. */
void tcp_end_idle(struct tcp *tcp, size_t bytes);
/* How many of those that are open satisfy the question. */
size_t tcp_count(const struct tcp *tcp, bool (*is_such)(void *state, const struct connection *connection),
                 void *state);
/* All that is known of connections, for a run to come, both ways (collect/state.h); into a new one. `dialog`
 * carries what the consumer has of one that is open; when loading, it fills in `dialog` of the connection.
 * Bytes that wait are not kept. */
struct state_bytes;
typedef void tcp_carry_dialog(void *state, struct connection *connection, struct state_bytes *bytes);
void tcp_carry(struct tcp *tcp, struct state_bytes *state, tcp_carry_dialog *dialog);
/* A datagram from before the time when it was kept: takes from it bytes that waited then. */
void tcp_refill(struct tcp *tcp, const struct datagram *datagram);
/* Whether some of those are still missing. */
bool tcp_is_hollow(const struct tcp *tcp);
/* The consumer has taken (or given back, when negative) so much memory for its dialogs. */
void tcp_account(struct tcp *tcp, ptrdiff_t bytes);
const struct tcp_counts *tcp_counts(const struct tcp *tcp);

#endif

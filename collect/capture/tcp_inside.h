/* TCP's inside, for its own files: tcp.c knows what segments mean, tcp_stream.c puts the two streams of a
 * connection in order, tcp_table.c finds connections, tcp_state.c keeps them from one run to the next. */
#ifndef COLLECT_CAPTURE_TCP_INSIDE_H
#define COLLECT_CAPTURE_TCP_INSIDE_H

#include "collect/capture/tcp.h"

struct segment {
    struct segment *next;
    int64_t from;  /* place in the stream */
    int64_t ack;   /* the other stream's bytes before this place were known to the sender; -1: not told */
    usec at;       /* when it counts as said */
    usec captured; /* the packet's own time, by which it is found again (tcp_refill()) */
    uint32_t len, whole; /* captured, on the wire */
    uint32_t hollow;     /* how many were captured, in an earlier run: they are not here */
    bool early;          /* captured before what it acknowledges */
    uint8_t bytes[];
};

/* One direction. */
struct half {
    uint32_t base; /* sequence number of place 0 */
    bool known;    /* the base is */
    bool stuck;    /* the consumer waits for the other side */
    bool has_fin;
    int64_t done;       /* given to the consumer */
    int64_t heard;      /* up to here there is no hole */
    int64_t acked;      /* by the other side */
    int64_t fin;        /* its place */
    uint32_t first_ack; /* before the base is known: what the other side took it for */
    bool has_first_ack;
    struct segment *waiting;
    /* The hole at `heard`, as it was when it was first missed. */
    int64_t hole, hole_upto; /* hole < 0: there is none */
    usec hole_since;
    uint32_t hole_packets; /* of the connection, since then */
    bool overdue;
};

struct tracked {
    struct connection connection; /* first: the consumer's handle is a pointer to it */
    struct half half[2];
    struct tracked *same_slot, *before, *after; /* before and after in one of the lists, longest idle first */
    size_t bytes;                               /* of waiting segments */
    bool closed;
};

struct list {
    struct tracked *first, *last;
};

/* Of connections: not established yet, established, closed. */
enum { BEGUN, OPEN, CLOSED, TCP_LISTS };

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16 };

/* A segment's. */
struct header {
    uint16_t from_port, to_port;
    uint32_t seq, ack;
    uint8_t flags;
    struct piece payload;
};

struct tcp {
    struct tcp_consumer consumer;
    struct tracked **slot;
    size_t slots, count;
    uint64_t seed;
    struct list list[TCP_LISTS];
    size_t bytes_most;
    size_t hollow; /* segments, when they were loaded */
    struct tcp_counts counts;
};

static const usec reorder_most = USEC_SECOND; /* as late as a packet may have been captured */

/* ---- tcp.c */

bool tcp_parse(const struct datagram *datagram, struct header *header);

/* ---- tcp_table.c */

struct segment *tcp_segment_new(struct tcp *tcp, struct tracked *tracked, const uint8_t *at, uint32_t len,
                                uint32_t whole);
void tcp_segment_free(struct tcp *tcp, struct tracked *tracked, struct segment *segment);
void tcp_list_add(struct list *list, struct tracked *tracked);
void tcp_list_remove(struct list *list, struct tracked *tracked);
/* The one that it is in, by how far it has come. */
struct list *tcp_list_of(struct tcp *tcp, const struct tracked *tracked);
struct tracked *tcp_find(const struct tcp *tcp, const struct ip *client, uint16_t client_port,
                         const struct ip *server, uint16_t server_port);
/* Puts one that has its addresses and ports where it is found, and into its list. */
void tcp_track(struct tcp *tcp, struct tracked *tracked);
void tcp_forget(struct tcp *tcp, struct list *list, struct tracked *tracked);

/* ---- tcp_stream.c */

/* Takes bytes of one side: straight to the consumer, or to wait. */
void stream_take(struct tcp *tcp, struct tracked *tracked, enum side side, int64_t from, struct piece piece,
                 int64_t ack, usec at);
/* Tells all that can be told without guessing. */
void stream_progress(struct tcp *tcp, struct tracked *tracked);
/* What waits for something missing does not do so for ever. */
void stream_be_patient(struct tcp *tcp, struct tracked *tracked, usec at);
/* Goes on without what is overdue; with `all`, until nothing waits any more. */
void stream_give_up(struct tcp *tcp, struct tracked *tracked, bool all, usec at);
/* Whether bytes behind `heard` are known to have been sent: by what the other side acknowledged, or, where
 * that side was not seen, by what has come behind them. */
bool stream_has_hole(const struct half *half, const struct half *other);

/* The place of a sequence number, the nearest to what was heard last. */
static inline int64_t half_place(const struct half *half, uint32_t seq)
{
    uint32_t here = half->base + (uint32_t)half->heard;
    return half->heard + (int32_t)(seq - here);
}

/* All that it will ever say has been captured, told or not. */
static inline bool half_is_whole(const struct half *half)
{
    return half->has_fin && half->heard >= half->fin;
}

static inline bool half_is_over(const struct half *half)
{
    return half->has_fin && half->done >= half->fin;
}

#endif

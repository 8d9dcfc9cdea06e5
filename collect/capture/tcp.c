/* TCP connections put together from segments (RFC 9293). Places in a stream are counted from its first byte
 * in 64 bits, so that a sequence number's wrap is nothing special. In order and complete, as nearly all of it
 * is, a segment goes straight to the consumer; anything else waits in its half's list, sorted. */
#define _GNU_SOURCE
#include "collect/capture/tcp.h"

#include <stdlib.h>
#include <sys/random.h>
#include "base/memory.h"

enum {
    FIN = 1,
    SYN = 2,
    RST = 4,
    ACK = 16,
    SLOTS_LEAST = 1024,
    REORDER_PACKETS = 24,     /* of the connection, that may come before one that was captured late */
    RST_WINDOW = 1024 * 1024, /* how far ahead an RST may be; blind ones (RFC 5961) are seldom near */
    SEGMENT_OVERHEAD = 48
};

static const usec reorder_most = USEC_SECOND;   /* the same in time */
static const usec linger = 60 * USEC_SECOND;    /* a closed connection swallows its late segments so long */
static const usec idle_most = 2 * USEC_HOUR;    /* no SMTP timeout is near that (RFC 5321 4.5.3.2) */
static const usec begun_most = 3 * USEC_MINUTE; /* who was not answered has stopped to ask by then (tcp(7)) */
static const int64_t ahead_most = 1 << 30;      /* the largest window (RFC 7323 2.3) */

struct segment {
    struct segment *next;
    int64_t from; /* place in the stream */
    int64_t ack;  /* the other stream's bytes before this place were known to the sender; -1: not told */
    usec at;
    uint32_t len, whole; /* captured, on the wire */
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
    struct tracked *same_slot, *before, *after; /* before and after in one of two lists, longest idle first */
    size_t bytes;                               /* of waiting segments */
    bool closed;
};

struct list {
    struct tracked *first, *last;
};

struct tcp {
    struct tcp_consumer consumer;
    struct tracked **slot;
    size_t slots, count;
    uint64_t seed;
    struct list begun, open, closed; /* begun: not established yet */
    size_t bytes_most;
    struct tcp_counts counts;
};

/* ---- Memory. */

void tcp_account(struct tcp *tcp, ptrdiff_t bytes)
{
    tcp->counts.bytes += (size_t)bytes;
    if (tcp->counts.bytes > tcp->counts.bytes_most)
        tcp->counts.bytes_most = tcp->counts.bytes;
}

static void segment_free(struct tcp *tcp, struct tracked *tracked, struct segment *segment)
{
    size_t bytes = SEGMENT_OVERHEAD + sizeof *segment + segment->len;
    tracked->bytes -= bytes;
    tcp_account(tcp, -(ptrdiff_t)bytes);
    free(segment);
}

static struct segment *segment_new(struct tcp *tcp, struct tracked *tracked, const uint8_t *at, uint32_t len,
                                   uint32_t whole)
{
    struct segment *segment = mem_alloc(sizeof *segment + len);
    size_t bytes = SEGMENT_OVERHEAD + sizeof *segment + len;
    *segment = (struct segment){ .len = len, .whole = whole };
    if (len)
        memcpy(segment->bytes, at, len);
    tracked->bytes += bytes;
    tcp_account(tcp, (ptrdiff_t)bytes);
    return segment;
}

/* ---- Finding connections. */

static void list_add(struct list *list, struct tracked *tracked)
{
    tracked->before = list->last;
    tracked->after = NULL;
    *(list->last ? &list->last->after : &list->first) = tracked;
    list->last = tracked;
}

static void list_remove(struct list *list, struct tracked *tracked)
{
    *(tracked->before ? &tracked->before->after : &list->first) = tracked->after;
    *(tracked->after ? &tracked->after->before : &list->last) = tracked->before;
}

static uint64_t hash_of(const struct tcp *tcp, const struct ip *client, uint16_t client_port,
                        const struct ip *server, uint16_t server_port)
{
    uint64_t hash = bytes_hash(client->octet, sizeof client->octet, tcp->seed ^ client_port);
    return bytes_hash(server->octet, sizeof server->octet, hash ^ (uint64_t)server_port << 16);
}

static struct tracked **slot_of(const struct tcp *tcp, const struct connection *connection)
{
    return &tcp->slot[hash_of(tcp, &connection->address[SIDE_CLIENT], connection->port[SIDE_CLIENT],
                              &connection->address[SIDE_SERVER], connection->port[SIDE_SERVER]) &
                      (tcp->slots - 1)];
}

static struct tracked *find(const struct tcp *tcp, const struct ip *client, uint16_t client_port,
                            const struct ip *server, uint16_t server_port)
{
    struct tracked *tracked =
        tcp->slot[hash_of(tcp, client, client_port, server, server_port) & (tcp->slots - 1)];
    for (; tracked; tracked = tracked->same_slot) {
        const struct connection *connection = &tracked->connection;
        if (connection->port[SIDE_CLIENT] == client_port && connection->port[SIDE_SERVER] == server_port &&
            ip_eq(&connection->address[SIDE_CLIENT], client) &&
            ip_eq(&connection->address[SIDE_SERVER], server))
            return tracked;
    }
    return NULL;
}

static void grow(struct tcp *tcp)
{
    struct tracked **old = tcp->slot;
    size_t slots = tcp->slots;
    tcp->slots = slots ? slots * 2 : SLOTS_LEAST;
    tcp->slot = mem_zero(tcp->slots, sizeof(struct tracked *));
    tcp_account(tcp, (ptrdiff_t)((tcp->slots - slots) * sizeof(struct tracked *)));
    for (size_t i = 0; i < slots; i++)
        for (struct tracked *tracked = old[i], *next = NULL; tracked; tracked = next) {
            next = tracked->same_slot;
            struct tracked **slot = slot_of(tcp, &tracked->connection);
            tracked->same_slot = *slot;
            *slot = tracked;
        }
    free(old);
}

static struct list *list_of(struct tcp *tcp, const struct tracked *tracked)
{
    if (tracked->closed)
        return &tcp->closed;
    return tracked->connection.established == USEC_NONE ? &tcp->begun : &tcp->open;
}

static void forget(struct tcp *tcp, struct list *list, struct tracked *tracked)
{
    struct tracked **slot = slot_of(tcp, &tracked->connection);
    while (*slot != tracked)
        slot = &(*slot)->same_slot;
    *slot = tracked->same_slot;
    list_remove(list, tracked);
    tcp->count--;
    tcp_account(tcp, -(ptrdiff_t)sizeof *tracked);
    free(tracked);
}

/* ---- Telling the consumer. */

static bool is_missing(const struct half *half)
{
    return half->known && half->acked > half->heard;
}

/* Moves `heard` over what waits there without a hole. */
static void hear(struct half *half)
{
    for (const struct segment *segment = half->waiting; segment && segment->from <= half->heard;
         segment = segment->next)
        if (segment->from + segment->whole > half->heard)
            half->heard = segment->from + segment->whole;
}

static void lose(struct tcp *tcp, struct tracked *tracked, enum side from, int64_t upto, usec at)
{
    struct half *half = &tracked->half[from];
    tcp->counts.gaps++;
    tcp->consumer.lost(tcp->consumer.state, &tracked->connection, from, (uint64_t)(upto - half->done), at);
    half->done = upto;
    if (half->heard < upto)
        half->heard = upto;
    hear(half);
    tracked->half[!from].stuck = false;
}

/* Gives the consumer the bytes of [from, from + whole), of which `len` are there, as far as they are new.
 * Returns whether all was taken. */
static bool give(struct tcp *tcp, struct tracked *tracked, enum side side, int64_t from, const uint8_t *bytes,
                 uint32_t len, uint32_t whole, usec at, bool must)
{
    struct half *half = &tracked->half[side];
    int64_t old = half->done - from;
    if (old >= whole)
        return true;
    if (old < len) {
        size_t n = len - (size_t)old;
        size_t took = tcp->consumer.bytes(tcp->consumer.state, &tracked->connection, side,
                                          (struct str){ (const char *)bytes + old, n }, at, must);
        half->done += (int64_t)took;
        if (took)
            tracked->half[!side].stuck = false;
        if (took < n && !must) {
            half->stuck = true;
            return false;
        }
        half->done += (int64_t)(n - took);
    }
    if (half->done < from + whole) /* snapped */
        lose(tcp, tracked, side, from + whole, at);
    return true;
}

/* The first waiting segment, if nothing before it is missing. */
static struct segment *ready(const struct half *half)
{
    struct segment *segment = half->waiting;
    return segment && segment->from <= half->done ? segment : NULL;
}

static bool give_waiting(struct tcp *tcp, struct tracked *tracked, enum side side, bool must)
{
    struct half *half = &tracked->half[side];
    struct segment *segment = ready(half);
    if (segment->early) { /* whoever sent it had seen what has come only now */
        segment->at = tracked->connection.seen;
        segment->early = false;
    }
    if (!give(tcp, tracked, side, segment->from, segment->bytes, segment->len, segment->whole, segment->at,
              must))
        return false;
    half->waiting = segment->next;
    segment_free(tcp, tracked, segment);
    return true;
}

/* Whether what was acknowledged has not been told yet; but bytes for which the consumer wants the other side
 * first count as told. */
static bool is_ahead(int64_t ack, const struct half *other)
{
    return other->known && ack > (other->stuck ? other->heard : other->done);
}

/* Tells all that can be told without guessing. */
static void progress(struct tcp *tcp, struct tracked *tracked)
{
    for (bool more = true; more;) {
        more = false;
        for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER; side++) {
            struct half *half = &tracked->half[side], *other = &tracked->half[!side];
            struct segment *segment = NULL;
            while (!half->stuck && (segment = ready(half)) && !is_ahead(segment->ack, other))
                if (give_waiting(tcp, tracked, side, false))
                    more = true;
        }
    }
}

/* Whether bytes behind `heard` are known to have been sent: by what the other side acknowledged, or, where
 * that side was not seen, by what has come behind them. */
static bool has_hole(const struct half *half, const struct half *other)
{
    return is_missing(half) || (!other->known && half->waiting && half->waiting->from > half->heard);
}

/* Whether what waits behind the hole of one side was said on knowing more of the other than has been told, and
 * not the other way round: then the other's hole was before this one. */
static bool comes_after(const struct half *half, const struct half *other)
{
    return half->waiting && is_ahead(half->waiting->ack, other) &&
           !(other->waiting && is_ahead(other->waiting->ack, half));
}

/* The hole before this half's next byte is given up: up to what waits behind it, or as far as it went when it
 * was first missed; with `all`, up to what the other side has acknowledged. Where the other side's next words
 * were said on knowing a part of it, that part goes first. */
static bool give_up_hole(struct tcp *tcp, struct tracked *tracked, enum side side, bool all, usec at)
{
    struct half *half = &tracked->half[side];
    if (half->done < half->heard || ready(half) || !half->known || (!all && !half->overdue))
        return false;
    if (comes_after(half, &tracked->half[!side]) && give_up_hole(tcp, tracked, !side, true, at))
        return true;
    int64_t upto = all ? half->acked : half->hole_upto;
    if (half->waiting && (upto <= half->done || half->waiting->from < upto))
        upto = half->waiting->from;
    const struct segment *next = ready(&tracked->half[!side]);
    bool in_part = next && next->ack > half->done && next->ack < upto;
    if (in_part)
        upto = next->ack;
    half->overdue &= in_part;
    if (upto <= half->done)
        return false;
    lose(tcp, tracked, side, upto, at);
    if (in_part)
        half->hole = half->heard;
    return true;
}

/* What is overdue lies behind words that wait for a hole of the other side: then that one is given up, too.
 */
static bool give_up_before(struct tcp *tcp, struct tracked *tracked, enum side side, usec at)
{
    const struct segment *next = ready(&tracked->half[!side]);
    return next && is_ahead(next->ack, &tracked->half[side]) && give_up_hole(tcp, tracked, side, true, at);
}

/* Goes on without what is overdue; with `all`, until nothing waits any more. */
static void give_up(struct tcp *tcp, struct tracked *tracked, bool all, usec at)
{
    struct half *half = tracked->half;
    for (;;) {
        progress(tcp, tracked);
        for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER; side++)
            half[side].overdue = half[side].overdue && half[side].heard == half[side].hole;
        if (!all && !half[SIDE_CLIENT].overdue && !half[SIDE_SERVER].overdue)
            break;
        if (give_up_hole(tcp, tracked, SIDE_SERVER, all, at) ||
            give_up_hole(tcp, tracked, SIDE_CLIENT, all, at))
            continue;
        if (give_up_before(tcp, tracked, SIDE_SERVER, at) || give_up_before(tcp, tracked, SIDE_CLIENT, at))
            continue;
        /* Both wait for each other: what was captured first goes first. */
        const struct segment *client = ready(&half[SIDE_CLIENT]), *server = ready(&half[SIDE_SERVER]);
        if (client && (!server || client->at < server->at))
            give_waiting(tcp, tracked, SIDE_CLIENT, true);
        else if (server)
            give_waiting(tcp, tracked, SIDE_SERVER, true);
        else
            break;
    }
}

static bool is_over(const struct half *half)
{
    return half->has_fin && half->done >= half->fin;
}

static void close_connection(struct tcp *tcp, struct tracked *tracked, enum ending ending)
{
    struct connection *connection = &tracked->connection;
    for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER; side++) { /* there was as much as its FIN says */
        struct half *half = &tracked->half[side];
        if (half->has_fin && half->fin > half->acked)
            half->acked = half->fin;
    }
    give_up(tcp, tracked, true, connection->seen);
    /* It waited for nothing but packets that were lost. */
    if (ending == ENDING_NONE && is_over(&tracked->half[SIDE_CLIENT]) && is_over(&tracked->half[SIDE_SERVER]))
        ending = ENDING_FIN;
    connection->ending = (uint8_t)ending;
    connection->one_way = !tracked->half[SIDE_CLIENT].known || !tracked->half[SIDE_SERVER].known;
    if (connection->established == USEC_NONE)
        tcp->counts.unanswered++;
    else
        tcp->counts.connections++;
    tcp->counts.pressed += ending == ENDING_PRESSED;
    tcp->consumer.closed(tcp->consumer.state, connection);
    connection->dialog = NULL;
    list_remove(list_of(tcp, tracked), tracked);
    tracked->closed = true;
    list_add(&tcp->closed, tracked);
}

/* Ends what was seen before `since`, and, for want of memory, what was seen longest ago. */
static void expire_list(struct tcp *tcp, const struct list *list, usec since, const struct tracked *keep)
{
    for (struct tracked *oldest = list->first; oldest && oldest != keep; oldest = list->first) {
        bool pressed = tcp->counts.bytes > tcp->bytes_most;
        if (!pressed && oldest->connection.seen >= since)
            break;
        close_connection(tcp, oldest, pressed ? ENDING_PRESSED : ENDING_NONE);
        forget(tcp, &tcp->closed, oldest);
    }
}

/* Makes room, and lets go what has long been over: first of all that in which nothing was said. */
static void expire(struct tcp *tcp, usec now, const struct tracked *keep)
{
    struct tracked *after = NULL;
    for (struct tracked *oldest = tcp->closed.first; oldest && oldest != keep; oldest = after) {
        if (tcp->counts.bytes <= tcp->bytes_most && oldest->connection.seen >= now - linger)
            break;
        after = oldest->after;
        forget(tcp, &tcp->closed, oldest);
    }
    expire_list(tcp, &tcp->begun, now - begun_most, keep);
    expire_list(tcp, &tcp->open, now - idle_most, keep);
}

/* ---- Segments. */

struct header {
    uint16_t from_port, to_port;
    uint32_t seq, ack;
    uint8_t flags;
    struct piece payload;
};

static bool parse(const struct datagram *datagram, struct header *header)
{
    const struct piece *piece = &datagram->payload;
    if (piece->len < 20)
        return false;
    const uint8_t *at = piece->at;
    size_t bytes = (size_t)(at[12] >> 4) * 4;
    if (bytes < 20 || bytes > piece->whole)
        return false;
    size_t there = bytes < piece->len ? bytes : piece->len;
    header->from_port = (uint16_t)(at[0] << 8 | at[1]);
    header->to_port = (uint16_t)(at[2] << 8 | at[3]);
    header->seq = (uint32_t)at[4] << 24 | (uint32_t)at[5] << 16 | (uint32_t)at[6] << 8 | at[7];
    header->ack = (uint32_t)at[8] << 24 | (uint32_t)at[9] << 16 | (uint32_t)at[10] << 8 | at[11];
    header->flags = at[13];
    header->payload = (struct piece){ at + there, piece->len - there, piece->whole - bytes };
    return true;
}

/* The place of a sequence number, the nearest to what was heard last. */
static int64_t place_of(const struct half *half, uint32_t seq)
{
    uint32_t here = half->base + (uint32_t)half->heard;
    return half->heard + (int32_t)(seq - here);
}

static void begin_half(struct half *half, uint32_t base)
{
    half->base = base;
    half->known = true;
}

static struct tracked *begin(struct tcp *tcp, const struct datagram *datagram, const struct header *header,
                             enum side from, int32_t input, uint64_t offset)
{
    if (tcp->count >= tcp->slots)
        grow(tcp);
    struct tracked *tracked = mem_zero(1, sizeof *tracked);
    struct connection *connection = &tracked->connection;
    connection->address[from] = datagram->from;
    connection->address[!from] = datagram->to;
    connection->port[from] = header->from_port;
    connection->port[!from] = header->to_port;
    connection->input = input;
    connection->offset = offset;
    connection->started = connection->seen = datagram->at;
    connection->established = connection->closing = connection->waited = USEC_NONE;
    struct tracked **slot = slot_of(tcp, connection);
    tracked->half[SIDE_CLIENT].hole = tracked->half[SIDE_SERVER].hole = -1;
    tracked->same_slot = *slot;
    *slot = tracked;
    list_add(&tcp->begun, tracked);
    tcp->count++;
    tcp_account(tcp, sizeof *tracked);
    return tracked;
}

/* Bytes that wait already stay as they are: a copy that differs is a mistake, or someone who wants to be read
 * otherwise than he is. */
static void compare(struct tcp *tcp, const struct segment *old, int64_t from, struct piece piece)
{
    int64_t begin = old->from > from ? old->from : from;
    int64_t old_end = old->from + old->len, new_end = from + (int64_t)piece.len;
    int64_t end = old_end < new_end ? old_end : new_end;
    for (int64_t i = begin; i < end; i++)
        tcp->counts.differing += old->bytes[i - old->from] != piece.at[i - from];
}

/* Puts [from, from + piece.whole) where nothing waits yet, in the parts that takes. */
static void hold(struct tcp *tcp, struct tracked *tracked, enum side side, int64_t from, struct piece piece,
                 int64_t ack, usec at)
{
    struct half *half = &tracked->half[side];
    struct segment **place = &half->waiting;
    int64_t end = from + (int64_t)piece.whole;
    bool kept = false;
    if (from < half->done) {
        size_t old = (size_t)(half->done - from);
        piece.at += old < piece.len ? old : piece.len;
        piece.len -= old < piece.len ? old : piece.len;
        from = half->done;
    }
    while (from < end) {
        while (*place && (*place)->from + (*place)->whole <= from)
            place = &(*place)->next;
        struct segment *behind = *place;
        if (behind && behind->from <= from) { /* it has the beginning */
            size_t had = (size_t)(behind->from + behind->whole - from);
            compare(tcp, behind, from, piece);
            if (had >= (size_t)(end - from))
                break;
            piece.at += had < piece.len ? had : piece.len;
            piece.len -= had < piece.len ? had : piece.len;
            from += (int64_t)had;
            continue;
        }
        size_t whole = (size_t)(end - from);
        if (behind && behind->from < end)
            whole = (size_t)(behind->from - from);
        size_t len = piece.len < whole ? piece.len : whole;
        struct segment *segment = segment_new(tcp, tracked, piece.at, (uint32_t)len, (uint32_t)whole);
        segment->from = from;
        segment->ack = ack;
        segment->at = at;
        segment->early = tracked->half[!side].known && ack > tracked->half[!side].heard;
        segment->next = behind;
        *place = segment;
        piece.at += len;
        piece.len -= len;
        from += (int64_t)whole;
        kept = true;
    }
    tcp->counts.repeated += !kept;
    hear(half);
}

static void take_payload(struct tcp *tcp, struct tracked *tracked, enum side side, int64_t from,
                         struct piece piece, int64_t ack, usec at)
{
    struct half *half = &tracked->half[side], *other = &tracked->half[!side];
    if (from + (int64_t)piece.whole <= half->done) {
        tcp->counts.repeated++;
        return;
    }
    bool direct = from <= half->done && !is_ahead(ack, other) && !half->stuck;
    if (direct && !half->waiting) {
        if (from + (int64_t)piece.whole > half->heard)
            half->heard = from + (int64_t)piece.whole;
        if (give(tcp, tracked, side, from, piece.at, (uint32_t)piece.len, (uint32_t)piece.whole, at, false))
            return;
    }
    hold(tcp, tracked, side, from, piece, ack, at);
}

static void take_fin(struct tracked *tracked, enum side side, int64_t place, usec at)
{
    struct half *half = &tracked->half[side];
    struct connection *connection = &tracked->connection;
    if (half->has_fin)
        return;
    half->has_fin = true;
    half->fin = place;
    if (connection->closing == USEC_NONE) {
        connection->closing = at;
        connection->closed_by = (uint8_t)side;
    }
}

/* What waits for something missing does not do so for ever. */
static void be_patient(struct tcp *tcp, struct tracked *tracked, usec at)
{
    for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER; side++) {
        struct half *half = &tracked->half[side];
        if (!has_hole(half, &tracked->half[!side])) {
            half->hole = -1;
        } else if (half->hole != half->heard) {
            half->hole = half->heard;
            half->hole_upto = half->acked;
            half->hole_since = at;
            half->hole_packets = 0;
        } else if (++half->hole_packets >= REORDER_PACKETS || at - half->hole_since >= reorder_most) {
            half->overdue = true;
        }
    }
    if (tracked->bytes > TCP_CONNECTION_BYTES_MOST)
        give_up(tcp, tracked, true, at);
    else if (tracked->half[SIDE_CLIENT].overdue || tracked->half[SIDE_SERVER].overdue)
        give_up(tcp, tracked, false, at);
}

static void take_acknowledgement(struct half *half, const struct header *header)
{
    if (!half->known) {
        if (!half->has_first_ack) {
            half->has_first_ack = true;
            half->first_ack = header->ack;
        }
        return;
    }
    int64_t acked = place_of(half, header->ack);
    if (half->has_fin && acked > half->fin)
        acked = half->fin; /* the FIN counts as one */
    if (acked > half->acked && acked - half->heard < ahead_most)
        half->acked = acked;
}

/* A first segment of a side whose SYN was not seen: it begins where the other side said that it would. */
static void take_first(struct tracked *tracked, enum side side, const struct header *header)
{
    struct half *half = &tracked->half[side];
    uint32_t ahead = header->seq - half->first_ack;
    bool told = half->has_first_ack && !tracked->connection.midway && ahead < (uint32_t)ahead_most;
    begin_half(half, told ? half->first_ack : header->seq);
}

static void take_segment(struct tcp *tcp, struct tracked *tracked, enum side side,
                         const struct header *header, usec at)
{
    struct connection *connection = &tracked->connection;
    struct half *half = &tracked->half[side], *other = &tracked->half[!side];
    uint32_t seq = header->seq;
    if (header->flags & RST) {
        int64_t place = half->known ? place_of(half, seq) : 0;
        bool refused = !connection->answered && side == SIDE_SERVER;
        connection->answered |= side == SIDE_SERVER;
        if (!refused && half->known &&
            (place < half->done - RST_WINDOW || place > half->heard + RST_WINDOW)) {
            tcp->counts.bad++;
            return;
        }
        if (connection->closing == USEC_NONE) {
            connection->closing = at;
            connection->closed_by = (uint8_t)side;
        }
        if (half->known && !half->has_fin && place > half->acked)
            half->acked = place; /* what was sent before it */
        if (header->flags & ACK)
            take_acknowledgement(other, header);
        close_connection(tcp, tracked, ENDING_RST);
        return;
    }
    if (header->flags & SYN) {
        if (!half->known)
            begin_half(half, seq + 1);
        connection->answered |= side == SIDE_SERVER;
        connection->syns += side == SIDE_CLIENT;
        seq++;
    } else if (!half->known) {
        take_first(tracked, side, header);
    }
    if ((side == SIDE_CLIENT && (header->flags & ACK) && !(header->flags & SYN)) ||
        (header->payload.whole && !(header->flags & SYN))) {
        connection->answered = true;
        if (connection->established == USEC_NONE) {
            list_remove(&tcp->begun, tracked);
            connection->established = at;
            list_add(&tcp->open, tracked);
        }
    }
    int64_t ack = -1, from = place_of(half, seq);
    if (header->flags & ACK) {
        take_acknowledgement(other, header);
        ack = other->known ? place_of(other, header->ack) : -1;
        if (other->has_fin && ack > other->fin)
            ack = other->fin;
        if (ack - other->heard >= ahead_most)
            ack = -1;
    }
    if (from > half->heard + ahead_most || from < half->heard - ahead_most) {
        tcp->counts.bad++;
        return;
    }
    if (header->flags & FIN)
        take_fin(tracked, side, from + (int64_t)header->payload.whole, at);
    if (header->payload.whole)
        take_payload(tcp, tracked, side, from, header->payload, ack, at);
    progress(tcp, tracked);
    be_patient(tcp, tracked, at);
    if (is_over(&tracked->half[SIDE_CLIENT]) && is_over(&tracked->half[SIDE_SERVER]))
        close_connection(tcp, tracked, ENDING_FIN);
}

/* What a SYN without ACK means for a connection of the same ports. */
static bool begins_anew(const struct tracked *tracked, const struct header *header)
{
    const struct half *client = &tracked->half[SIDE_CLIENT];
    return tracked->closed || !client->known || client->base != header->seq + 1;
}

static struct tracked *track(struct tcp *tcp, const struct datagram *datagram, const struct header *header,
                             int32_t input, uint64_t offset, enum side *side)
{
    enum wanted to_server = tcp->consumer.wants(tcp->consumer.state, header->to_port);
    enum wanted to_client = tcp->consumer.wants(tcp->consumer.state, header->from_port);
    struct tracked *tracked = NULL;
    *side = SIDE_CLIENT;
    if (to_server)
        tracked = find(tcp, &datagram->from, header->from_port, &datagram->to, header->to_port);
    if (!tracked && to_client &&
        (tracked = find(tcp, &datagram->to, header->to_port, &datagram->from, header->from_port)))
        *side = SIDE_SERVER;
    bool syn = (header->flags & (SYN | ACK | RST)) == SYN;
    if (tracked && syn && *side == SIDE_CLIENT && begins_anew(tracked, header)) {
        if (!tracked->closed)
            close_connection(tcp, tracked, ENDING_REUSED);
        forget(tcp, &tcp->closed, tracked);
        tracked = NULL;
    }
    if (tracked || (!to_server && !to_client))
        return tracked;
    if (header->flags & RST)
        return NULL;
    if (syn) {
        *side = SIDE_CLIENT;
        return to_server ? begin(tcp, datagram, header, *side, input, offset) : NULL;
    }
    /* Under way already. What carries nothing may be the last of one that is over. */
    bool answer = header->flags & SYN;
    if (!answer && header->payload.whole == 0)
        return NULL;
    *side = answer ? SIDE_SERVER : to_server == WANTED ? SIDE_CLIENT : SIDE_SERVER;
    if (*side == SIDE_SERVER && to_client != WANTED && !(answer && to_client))
        return NULL;
    tracked = begin(tcp, datagram, header, *side, input, offset);
    if (answer && (header->flags & ACK))
        begin_half(&tracked->half[SIDE_CLIENT], header->ack);
    tracked->connection.midway = !answer;
    return tracked;
}

void tcp_take(struct tcp *tcp, const struct datagram *datagram, int32_t input, uint64_t offset)
{
    struct header header;
    enum side side = SIDE_CLIENT;
    if (!parse(datagram, &header)) {
        tcp->counts.bad++;
        return;
    }
    struct tracked *tracked = track(tcp, datagram, &header, input, offset, &side);
    if (tracked && !tracked->closed) {
        struct connection *connection = &tracked->connection;
        connection->last_offset = offset;
        if (datagram->at > connection->seen)
            connection->seen = datagram->at;
        struct list *list = list_of(tcp, tracked);
        list_remove(list, tracked);
        list_add(list, tracked);
        take_segment(tcp, tracked, side, &header, datagram->at);
    }
    expire(tcp, datagram->at, tracked);
}

void tcp_finish(struct tcp *tcp)
{
    while (tcp->begun.first)
        close_connection(tcp, tcp->begun.first, ENDING_NONE);
    while (tcp->open.first)
        close_connection(tcp, tcp->open.first, ENDING_NONE);
}

/* What has come of a connection that says nothing more: it waits for nothing that a packet of its own would
 * tell to be lost. */
static void settle(struct tcp *tcp, struct tracked *tracked, usec now)
{
    bool overdue = false;
    for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER; side++)
        overdue |= tracked->half[side].overdue = has_hole(&tracked->half[side], &tracked->half[!side]);
    if (overdue)
        give_up(tcp, tracked, false, now);
    if (is_over(&tracked->half[SIDE_CLIENT]) && is_over(&tracked->half[SIDE_SERVER]))
        close_connection(tcp, tracked, ENDING_FIN);
}

void tcp_advance(struct tcp *tcp, usec now)
{
    struct tracked *after = NULL;
    for (struct tracked *oldest = tcp->open.first; oldest; oldest = after) {
        if (oldest->connection.seen >= now - reorder_most)
            break;
        after = oldest->after;
        settle(tcp, oldest, now);
    }
    expire(tcp, now, NULL);
}

bool tcp_is_open(const struct tcp *tcp)
{
    return tcp->begun.first || tcp->open.first;
}

const struct tcp_counts *tcp_counts(const struct tcp *tcp)
{
    return &tcp->counts;
}

struct tcp *tcp_new(const struct tcp_consumer *consumer, size_t bytes_most)
{
    struct tcp *tcp = mem_zero(1, sizeof *tcp);
    tcp->consumer = *consumer;
    tcp->bytes_most = bytes_most ? bytes_most : TCP_BYTES_MOST;
    if (getrandom(&tcp->seed, sizeof tcp->seed, GRND_NONBLOCK) < 0)
        tcp->seed = (uintptr_t)tcp;
    grow(tcp);
    return tcp;
}

static void list_free(struct list *list)
{
    for (struct tracked *tracked = list->first, *after = NULL; tracked; tracked = after) {
        after = tracked->after;
        for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER; side++)
            for (struct segment *segment = tracked->half[side].waiting, *behind = NULL; segment;
                 segment = behind) {
                behind = segment->next;
                free(segment);
            }
        free(tracked);
    }
}

void tcp_free(struct tcp *tcp)
{
    list_free(&tcp->begun);
    list_free(&tcp->open);
    list_free(&tcp->closed);
    free(tcp->slot);
    free(tcp);
}

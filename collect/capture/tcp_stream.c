/* The two streams of a connection in order. Complete and in order, as nearly all of it is, a segment goes
 * straight to the consumer; anything else waits in its half's list, sorted. */
#include "collect/capture/tcp_inside.h"

#include "base/memory.h"

enum { REORDER_PACKETS = 24 }; /* the same in packets of the connection */

/* ---- Telling the consumer. */

static bool is_missing(const struct half *half)
{
    return half->known && half->acked > half->heard;
}

/* Moves `heard` over what waits there without a hole. */
static void half_hear(struct half *half)
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
    half_hear(half);
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
    tcp_segment_free(tcp, tracked, segment);
    return true;
}

/* Whether what was acknowledged has not been told yet; but bytes for which the consumer wants the other side
 * first count as told. */
static bool is_ahead(int64_t ack, const struct half *other)
{
    return other->known && ack > (other->stuck ? other->heard : other->done);
}

void stream_progress(struct tcp *tcp, struct tracked *tracked)
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

/* ---- What is missing. */

bool stream_has_hole(const struct half *half, const struct half *other)
{
    return is_missing(half) || (!other->known && half->waiting && half->waiting->from > half->heard);
}

/* Whether what waits behind the hole of one side was said on knowing more of the other than has been told,
 * and not the other way round: then the other's hole was before this one. */
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

void stream_give_up(struct tcp *tcp, struct tracked *tracked, bool all, usec at)
{
    struct half *half = tracked->half;
    for (;;) {
        stream_progress(tcp, tracked);
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

void stream_be_patient(struct tcp *tcp, struct tracked *tracked, usec at)
{
    for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER; side++) {
        struct half *half = &tracked->half[side];
        if (!stream_has_hole(half, &tracked->half[!side])) {
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
        stream_give_up(tcp, tracked, true, at);
    else if (tracked->half[SIDE_CLIENT].overdue || tracked->half[SIDE_SERVER].overdue)
        stream_give_up(tcp, tracked, false, at);
}

/* ---- What comes. */

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
        struct segment *segment = tcp_segment_new(tcp, tracked, piece.at, (uint32_t)len, (uint32_t)whole);
        segment->from = from;
        segment->ack = ack;
        segment->at = segment->captured = at;
        segment->early = tracked->half[!side].known && ack > tracked->half[!side].heard;
        segment->next = behind;
        *place = segment;
        piece.at += len;
        piece.len -= len;
        from += (int64_t)whole;
        kept = true;
    }
    tcp->counts.repeated += !kept;
    half_hear(half);
}

void stream_take(struct tcp *tcp, struct tracked *tracked, enum side side, int64_t from, struct piece piece,
                 int64_t ack, usec at)
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

/* TCP from one run to the next: how far each connection has come, and what waits in it, but for the bytes.
 * What clients say is not stored, be it for a while: the run that goes on reads these bytes again where the
 * capture is still at hand (tcp_refill()), and without it they count as lost. What comes back may be
 * anything, so each number is looked at before it is used. */
#include "collect/capture/tcp_inside.h"

#include <stdlib.h>
#include "base/memory.h"
#include "collect/state.h"

enum { SEGMENT_MOST = 1 << 17 /* more than any datagram has */ };

static void carry_connection(struct state_bytes *state, struct connection *connection)
{
    for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER; side++) {
        carry_bytes(state, &connection->address[side], sizeof connection->address[side]);
        carry(state, &connection->port[side]);
    }
    carry(state, &connection->input);
    carry(state, &connection->offset);
    carry(state, &connection->last_offset);
    carry_number(state, &connection->started);
    carry_time(state, &connection->established);
    carry_number(state, &connection->seen);
    carry_time(state, &connection->closing);
    carry(state, &connection->closed_by);
    carry(state, &connection->midway);
    carry(state, &connection->answered);
    carry(state, &connection->syns);
    carry_time(state, &connection->waited);
    state->broken |= connection->closed_by > SIDE_SERVER;
}

static void carry_segment(struct state_bytes *state, struct segment *segment)
{
    uint32_t had = segment->len ? segment->len : segment->hollow;
    carry_number(state, &segment->from);
    carry_number(state, &segment->ack);
    carry_number(state, &segment->at);
    carry_number(state, &segment->captured);
    carry(state, &had);
    carry(state, &segment->whole);
    carry(state, &segment->early);
    state->broken |= had > segment->whole || segment->whole == 0 || segment->whole > SEGMENT_MOST;
    if (state->loading)
        segment->hollow = had;
}

static void carry_segments(struct tcp *tcp, struct tracked *tracked, struct half *half,
                           struct state_bytes *state)
{
    struct segment **place = &half->waiting;
    size_t count = 0;
    int64_t end = INT64_MIN;
    for (const struct segment *segment = half->waiting; segment && !state->loading; segment = segment->next)
        count++;
    for (size_t left = carry_count(state, count); left && !state->broken; left--) {
        if (state->loading)
            *place = tcp_segment_new(tcp, tracked, NULL, 0, 0);
        struct segment *segment = *place;
        if (!segment)
            return;
        carry_segment(state, segment);
        state->broken |= segment->from < end;
        end = segment->from + segment->whole;
        tcp->hollow += state->loading && segment->hollow;
        place = &segment->next;
    }
}

/* What waits lies behind what was told, and what was heard reaches as far as it has no hole: else nothing
 * would ever come of it. */
static bool is_sound(const struct half *half)
{
    int64_t heard = half->done;
    for (const struct segment *segment = half->waiting; segment && segment->from <= heard;
         segment = segment->next)
        if (segment->from + segment->whole > heard)
            heard = segment->from + segment->whole;
    return half->done >= 0 && heard == half->heard && (half->known || (!half->waiting && half->done == 0));
}

static void carry_half(struct tcp *tcp, struct tracked *tracked, struct half *half, struct state_bytes *state)
{
    carry(state, &half->base);
    carry(state, &half->known);
    carry(state, &half->stuck);
    carry(state, &half->has_fin);
    carry_number(state, &half->done);
    carry_number(state, &half->heard);
    carry_number(state, &half->acked);
    carry_number(state, &half->fin);
    carry(state, &half->first_ack);
    carry(state, &half->has_first_ack);
    carry_number(state, &half->hole);
    carry_number(state, &half->hole_upto);
    carry_number(state, &half->hole_since);
    carry(state, &half->hole_packets);
    carry(state, &half->overdue);
    carry_segments(tcp, tracked, half, state);
    state->broken |= !is_sound(half);
}

static void carry_tracked(struct tcp *tcp, struct tracked *tracked, struct state_bytes *state,
                          tcp_carry_dialog *dialog)
{
    carry_connection(state, &tracked->connection);
    carry(state, &tracked->closed);
    for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER && !state->broken; side++)
        carry_half(tcp, tracked, &tracked->half[side], state);
    state->broken |= tracked->closed && (tracked->half[0].waiting || tracked->half[1].waiting);
    if (!state->broken && !tracked->closed)
        dialog(tcp->consumer.state, &tracked->connection, state);
}

static size_t count_all(const struct tcp *tcp)
{
    size_t count = 0;
    for (size_t i = 0; i < TCP_LISTS; i++)
        for (const struct tracked *tracked = tcp->list[i].first; tracked; tracked = tracked->after)
            count++;
    return count;
}

static void save(struct tcp *tcp, struct state_bytes *state, tcp_carry_dialog *dialog)
{
    carry_count(state, count_all(tcp));
    for (size_t i = 0; i < TCP_LISTS; i++)
        for (struct tracked *tracked = tcp->list[i].first; tracked; tracked = tracked->after)
            carry_tracked(tcp, tracked, state, dialog);
}

static void load(struct tcp *tcp, struct state_bytes *state, tcp_carry_dialog *dialog)
{
    for (size_t left = carry_count(state, 0); left && !state->broken; left--) {
        struct tracked *tracked = mem_zero(1, sizeof *tracked);
        carry_tracked(tcp, tracked, state, dialog);
        tcp_track(tcp, tracked); /* broken or not: what it has is given back with it */
    }
}

void tcp_carry(struct tcp *tcp, struct state_bytes *state, tcp_carry_dialog *dialog)
{
    if (state->loading)
        load(tcp, state, dialog);
    else
        save(tcp, state, dialog);
}

/* ---- Bytes that were not kept. */

void tcp_refill(struct tcp *tcp, const struct datagram *datagram)
{
    struct header header;
    enum side side = SIDE_CLIENT;
    if (!tcp->hollow || !tcp_parse(datagram, &header) || !header.payload.len)
        return;
    struct tracked *tracked = tcp_find(tcp, &datagram->from, header.from_port, &datagram->to, header.to_port);
    if (!tracked) {
        side = SIDE_SERVER;
        tracked = tcp_find(tcp, &datagram->to, header.to_port, &datagram->from, header.from_port);
    }
    if (!tracked || !tracked->half[side].known)
        return;
    struct half *half = &tracked->half[side];
    int64_t from = half_place(half, header.seq + (header.flags & TCP_SYN ? 1 : 0));
    for (struct segment **place = &half->waiting; *place; place = &(*place)->next) {
        struct segment *old = *place;
        int64_t skipped = old->from - from;
        if (!old->hollow || old->captured != datagram->at || skipped < 0 ||
            skipped + old->hollow > (int64_t)header.payload.len)
            continue;
        struct segment *segment =
            tcp_segment_new(tcp, tracked, header.payload.at + skipped, old->hollow, old->whole);
        segment->next = old->next;
        segment->from = old->from;
        segment->ack = old->ack;
        segment->at = old->at;
        segment->captured = old->captured;
        segment->early = old->early;
        *place = segment;
        tcp_segment_free(tcp, tracked, old);
    }
}

/* TCP connections put together from segments (RFC 9293): what each says of its connection. Places in a stream
 * are counted from its first byte in 64 bits, so that a sequence number's wrap is nothing special. */
#include "collect/capture/tcp_inside.h"

#include "base/memory.h"

enum { RST_WINDOW = 1024 * 1024 }; /* how far ahead an RST may be; blind ones (RFC 5961) are seldom near */

static const usec linger = 60 * USEC_SECOND;    /* a closed connection swallows its late segments so long */
static const usec idle_most = 2 * USEC_HOUR;    /* no SMTP timeout is near that (RFC 5321 4.5.3.2) */
static const usec begun_most = 3 * USEC_MINUTE; /* who was not answered has stopped to ask by then (tcp(7)) */
static const int64_t ahead_most = 1 << 30;      /* the largest window (RFC 7323 2.3) */

/* ---- The end of connections. */

static void close_connection(struct tcp *tcp, struct tracked *tracked, enum ending ending)
{
    struct connection *connection = &tracked->connection;
    for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER; side++) { /* there was as much as its FIN says */
        struct half *half = &tracked->half[side];
        if (half->has_fin && half->fin > half->acked)
            half->acked = half->fin;
    }
    stream_give_up(tcp, tracked, true, connection->seen);
    /* It waited for nothing but packets that were lost. */
    if (ending == ENDING_NONE && half_is_over(&tracked->half[SIDE_CLIENT]) &&
        half_is_over(&tracked->half[SIDE_SERVER]))
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
    tcp_list_remove(tcp_list_of(tcp, tracked), tracked);
    tracked->closed = true;
    tcp_list_add(&tcp->list[CLOSED], tracked);
}

/* Ends what was seen before `since`, and, for want of memory, what was seen longest ago. */
static void expire_list(struct tcp *tcp, const struct list *list, usec since, const struct tracked *keep)
{
    for (struct tracked *oldest = list->first; oldest && oldest != keep; oldest = list->first) {
        bool pressed = tcp->counts.bytes > tcp->bytes_most;
        if (!pressed && oldest->connection.seen >= since)
            break;
        close_connection(tcp, oldest, pressed ? ENDING_PRESSED : ENDING_NONE);
        tcp_forget(tcp, &tcp->list[CLOSED], oldest);
    }
}

/* Makes room, and lets go what has long been over: first of all that in which nothing was said. */
static void expire(struct tcp *tcp, usec now, const struct tracked *keep)
{
    struct tracked *after = NULL;
    for (struct tracked *oldest = tcp->list[CLOSED].first; oldest && oldest != keep; oldest = after) {
        if (tcp->counts.bytes <= tcp->bytes_most && oldest->connection.seen >= now - linger)
            break;
        after = oldest->after;
        tcp_forget(tcp, &tcp->list[CLOSED], oldest);
    }
    expire_list(tcp, &tcp->list[BEGUN], now - begun_most, keep);
    expire_list(tcp, &tcp->list[OPEN], now - idle_most, keep);
}

/* ---- Segments. */

bool tcp_parse(const struct datagram *datagram, struct header *header)
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

static void half_begin(struct half *half, uint32_t base)
{
    half->base = base;
    half->known = true;
}

static struct tracked *begin(struct tcp *tcp, const struct datagram *datagram, const struct header *header,
                             enum side from, int32_t input, uint64_t offset)
{
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
    tracked->half[SIDE_CLIENT].hole = tracked->half[SIDE_SERVER].hole = -1;
    tcp_track(tcp, tracked);
    return tracked;
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

static void half_acknowledge(struct half *half, const struct header *header)
{
    if (!half->known) {
        if (!half->has_first_ack) {
            half->has_first_ack = true;
            half->first_ack = header->ack;
        }
        return;
    }
    int64_t acked = half_place(half, header->ack);
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
    half_begin(half, told ? half->first_ack : header->seq);
}

static void take_segment(struct tcp *tcp, struct tracked *tracked, enum side side,
                         const struct header *header, usec at)
{
    struct connection *connection = &tracked->connection;
    struct half *half = &tracked->half[side], *other = &tracked->half[!side];
    uint32_t seq = header->seq;
    if (header->flags & TCP_RST) {
        int64_t place = half->known ? half_place(half, seq) : 0;
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
        if (header->flags & TCP_ACK)
            half_acknowledge(other, header);
        close_connection(tcp, tracked, ENDING_RST);
        return;
    }
    if (header->flags & TCP_SYN) {
        if (!half->known)
            half_begin(half, seq + 1);
        connection->answered |= side == SIDE_SERVER;
        connection->syns += side == SIDE_CLIENT;
        seq++;
    } else if (!half->known) {
        take_first(tracked, side, header);
    }
    if ((side == SIDE_CLIENT && (header->flags & TCP_ACK) && !(header->flags & TCP_SYN)) ||
        (header->payload.whole && !(header->flags & TCP_SYN))) {
        connection->answered = true;
        if (connection->established == USEC_NONE) {
            tcp_list_remove(&tcp->list[BEGUN], tracked);
            connection->established = at;
            tcp_list_add(&tcp->list[OPEN], tracked);
        }
    }
    int64_t ack = -1, from = half_place(half, seq);
    if (header->flags & TCP_ACK) {
        half_acknowledge(other, header);
        ack = other->known ? half_place(other, header->ack) : -1;
        if (other->has_fin && ack > other->fin)
            ack = other->fin;
        if (ack - other->heard >= ahead_most)
            ack = -1;
    }
    if (from > half->heard + ahead_most || from < half->heard - ahead_most) {
        tcp->counts.bad++;
        return;
    }
    if (header->flags & TCP_FIN)
        take_fin(tracked, side, from + (int64_t)header->payload.whole, at);
    if (header->payload.whole)
        stream_take(tcp, tracked, side, from, header->payload, ack, at);
    stream_progress(tcp, tracked);
    stream_be_patient(tcp, tracked, at);
    if (half_is_whole(&tracked->half[SIDE_CLIENT]) && half_is_whole(&tracked->half[SIDE_SERVER]))
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
        tracked = tcp_find(tcp, &datagram->from, header->from_port, &datagram->to, header->to_port);
    if (!tracked && to_client &&
        (tracked = tcp_find(tcp, &datagram->to, header->to_port, &datagram->from, header->from_port)))
        *side = SIDE_SERVER;
    bool syn = (header->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
    if (tracked && syn && *side == SIDE_CLIENT && begins_anew(tracked, header)) {
        if (!tracked->closed)
            close_connection(tcp, tracked, ENDING_REUSED);
        tcp_forget(tcp, &tcp->list[CLOSED], tracked);
        tracked = NULL;
    }
    if (tracked || (!to_server && !to_client))
        return tracked;
    if (header->flags & TCP_RST)
        return NULL;
    if (syn) {
        *side = SIDE_CLIENT;
        return to_server ? begin(tcp, datagram, header, *side, input, offset) : NULL;
    }
    /* Under way already. What carries nothing may be the last of one that is over. */
    bool answer = header->flags & TCP_SYN;
    if (!answer && header->payload.whole == 0)
        return NULL;
    *side = answer ? SIDE_SERVER : to_server == WANTED ? SIDE_CLIENT : SIDE_SERVER;
    if (*side == SIDE_SERVER && to_client != WANTED && !(answer && to_client))
        return NULL;
    tracked = begin(tcp, datagram, header, *side, input, offset);
    if (answer && (header->flags & TCP_ACK))
        half_begin(&tracked->half[SIDE_CLIENT], header->ack);
    tracked->connection.midway = !answer;
    return tracked;
}

/* ---- For who reads packets. */

void tcp_take(struct tcp *tcp, const struct datagram *datagram, int32_t input, uint64_t offset)
{
    struct header header;
    enum side side = SIDE_CLIENT;
    if (!tcp_parse(datagram, &header)) {
        tcp->counts.bad++;
        return;
    }
    struct tracked *tracked = track(tcp, datagram, &header, input, offset, &side);
    if (tracked && !tracked->closed) {
        struct connection *connection = &tracked->connection;
        connection->last_offset = offset;
        if (datagram->at > connection->seen)
            connection->seen = datagram->at;
        struct list *list = tcp_list_of(tcp, tracked);
        tcp_list_remove(list, tracked);
        tcp_list_add(list, tracked);
        take_segment(tcp, tracked, side, &header, datagram->at);
    }
    expire(tcp, datagram->at, tracked);
}

void tcp_finish(struct tcp *tcp)
{
    while (tcp->list[BEGUN].first)
        close_connection(tcp, tcp->list[BEGUN].first, ENDING_NONE);
    while (tcp->list[OPEN].first)
        close_connection(tcp, tcp->list[OPEN].first, ENDING_NONE);
}

/* What has come of a connection that says nothing more: it waits for nothing that a packet of its own would
 * tell to be lost. */
static void settle(struct tcp *tcp, struct tracked *tracked, usec now)
{
    bool overdue = false;
    for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER; side++)
        overdue |= tracked->half[side].overdue = stream_has_hole(&tracked->half[side], &tracked->half[!side]);
    if (overdue)
        stream_give_up(tcp, tracked, false, now);
    if (half_is_over(&tracked->half[SIDE_CLIENT]) && half_is_over(&tracked->half[SIDE_SERVER]))
        close_connection(tcp, tracked, ENDING_FIN);
}

void tcp_advance(struct tcp *tcp, usec now)
{
    struct tracked *after = NULL;
    for (struct tracked *oldest = tcp->list[OPEN].first; oldest; oldest = after) {
        if (oldest->connection.seen >= now - reorder_most)
            break;
        after = oldest->after;
        settle(tcp, oldest, now);
    }
    expire(tcp, now, NULL);
}

bool tcp_is_open(const struct tcp *tcp)
{
    return tcp->list[BEGUN].first || tcp->list[OPEN].first;
}

void tcp_end_idle(struct tcp *tcp, size_t bytes)
{
    static const int order[] = { CLOSED, BEGUN, OPEN };
    for (size_t i = 0; i < TCP_LISTS; i++)
        while (tcp->list[order[i]].first && tcp->counts.bytes > bytes) {
            struct tracked *oldest = tcp->list[order[i]].first;
            if (!oldest->closed)
                close_connection(tcp, oldest, ENDING_NONE);
            tcp_forget(tcp, &tcp->list[CLOSED], oldest);
        }
}

size_t tcp_count(const struct tcp *tcp, bool (*is_such)(void *state, const struct connection *connection),
                 void *state)
{
    size_t count = 0;
    for (size_t i = BEGUN; i <= OPEN; i++)
        for (const struct tracked *tracked = tcp->list[i].first; tracked; tracked = tracked->after)
            count += is_such(state, &tracked->connection);
    return count;
}

bool tcp_is_hollow(const struct tcp *tcp)
{
    return tcp->hollow != 0;
}

const struct tcp_counts *tcp_counts(const struct tcp *tcp)
{
    return &tcp->counts;
}

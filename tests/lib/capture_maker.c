/* Captures of known truth. Nothing of collect/ is used to make them but types. */
#define _GNU_SOURCE
#include "tests/lib/capture_maker.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- What is said. */

struct turn {
    enum side from;
    size_t begin, end; /* in that side's stream */
    size_t known;      /* of the other side's stream, when it was said */
};

struct maker {
    struct chance chance;
    struct arena *arena;
    bool harm;
    /* The dialog that is being made. */
    char *bytes[2];
    size_t len[2], room[2];
    struct turn *turn;
    size_t turns, turn_room;
    struct made_item *item;
    size_t items, item_room;
    struct exchange {
        struct made_range range[2]; /* by enum side */
    } * exchange;
    size_t exchanges, exchange_room;
    /* All packets. */
    struct packet {
        uint64_t at;
        char *ip;
        size_t len, whole;
        struct made_dialog *dialog;
        enum side from;
        size_t begin, end; /* of the stream */
        bool keep;         /* is not lost */
        bool control;      /* SYN, FIN, RST */
    } * packet;
    size_t packets, packet_room;
    uint64_t clock;
};

static uint64_t pick(struct maker *maker, uint64_t below)
{
    return draw(&maker->chance, below);
}

static void say(struct maker *maker, enum side from, size_t known, const void *bytes, size_t len)
{
    mem_room(maker->bytes[from], maker->room[from], maker->len[from] + len);
    memcpy(maker->bytes[from] + maker->len[from], bytes, len);
    mem_room(maker->turn, maker->turn_room, maker->turns + 1);
    maker->turn[maker->turns++] = (struct turn){ from, maker->len[from], maker->len[from] + len, known };
    maker->len[from] += len;
}

/* The client, having read all that the server said. */
static void client(struct maker *maker, const char *text)
{
    say(maker, SIDE_CLIENT, maker->len[SIDE_SERVER], text, strlen(text));
}

static void server(struct maker *maker, const char *text)
{
    say(maker, SIDE_SERVER, maker->len[SIDE_CLIENT], text, strlen(text));
}

/* What has been said since the last exchange is one: commands with their replies. */
static void end_exchange(struct maker *maker)
{
    struct exchange exchange = { 0 };
    mem_room(maker->exchange, maker->exchange_room, maker->exchanges + 1);
    for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER; side++) {
        if (maker->exchanges)
            exchange.range[side].from = maker->exchange[maker->exchanges - 1].range[side].to;
        exchange.range[side].to = maker->len[side];
    }
    maker->exchange[maker->exchanges++] = exchange;
}

static void exchange(struct maker *maker, const char *commands, const char *replies)
{
    client(maker, commands);
    server(maker, replies);
    end_exchange(maker);
}

/* An item of the exchanges from `first` to the one that is under way. */
static void item(struct maker *maker, size_t first, struct str text)
{
    mem_room(maker->item, maker->item_room, maker->items + 1);
    maker->item[maker->items++] =
        (struct made_item){ arena_str(maker->arena, text), first, maker->exchanges, false };
}

/* A message with lines that look like its end, commands and replies; its size without stuffing goes to *size.
 */
static void message(struct maker *maker, size_t *size)
{
    static const char *const lines[] = { "Subject: RCPT TO:<x@y.test>",
                                         "",
                                         "..",
                                         "..a",
                                         "250 ok",
                                         "QUIT",
                                         "354 go",
                                         "a \xc3\xa9 b",
                                         "a\rb",
                                         "...." };
    char text[4000];
    size_t len = 0;
    *size = 0;
    for (uint64_t i = pick(maker, 12); i-- > 0;) {
        const char *line = lines[pick(maker, sizeof lines / sizeof *lines)];
        len += (size_t)snprintf(text + len, sizeof text - len, "%s\r\n", line);
        *size += strlen(line) + 2 - (line[0] == '.');
    }
    len += (size_t)snprintf(text + len, sizeof text - len, ".\r\n");
    say(maker, SIDE_CLIENT, maker->len[SIDE_SERVER], text, len);
}

/* A chunk of anything, commands and dots included. */
static void chunks(struct maker *maker, size_t *size)
{
    char text[600];
    *size = 0;
    for (uint64_t left = 1 + pick(maker, 3); left-- > 0;) {
        size_t bytes = pick(maker, 400), head = 0;
        head = (size_t)snprintf(text, sizeof text, "BDAT %zu%s\r\n", bytes, left ? "" : " LAST");
        for (size_t i = 0; i < bytes; i++)
            text[head + i] = "\r\n.\0QUIT 250\xff"[pick(maker, 13)];
        say(maker, SIDE_CLIENT, maker->len[SIDE_SERVER], text, head + bytes);
        server(maker, left ? "250 more\r\n" : "250 2.0.0 Ok: queued as 4SmallId\r\n");
        if (left)
            end_exchange(maker);
        *size += bytes;
    }
}

static const char *const refusals[] = { "450 4.2.0 <%s>: Recipient address rejected: Greylisted",
                                        "greylist",
                                        "550 5.1.1 <%s>: User unknown",
                                        "recipient",
                                        "554 5.7.1 <%s>: Relay access denied",
                                        "relay" };

/* One transaction; what it is goes to `truth`. `best` gets the session's verdict and reply so far. */
static void transaction(struct maker *maker, FILE *truth, bool pipelined, bool *accepted)
{
    char commands[2000], replies[3000], address[40], from[40];
    size_t rcpts = pick(maker, 4), said = 0, told = 0, good = 0, size = 0;
    bool data = pick(maker, 4) != 0, chunked = pick(maker, 4) == 0;
    if (pick(maker, 5) == 0)
        from[0] = '\0';
    else
        snprintf(from, sizeof from, "s%u@from.test", (unsigned)pick(maker, 100));
    said = (size_t)snprintf(commands, sizeof commands, "MAIL FROM:<%s>%s\r\n", from,
                            pick(maker, 2) ? " SIZE=10" : "");
    told = (size_t)snprintf(replies, sizeof replies, "250 2.1.0 Ok\r\n");
    fprintf(truth, "mail <%s>", from);
    item(maker, maker->exchanges, arena_printf(maker->arena, "mail <%s>", from));
    char recipients[2000];
    size_t len = 0;
    recipients[0] = '\0';
    for (size_t i = 0; i < rcpts; i++) {
        size_t refusal = pick(maker, 5), before = len;
        snprintf(address, sizeof address, "r%u@to.test", (unsigned)pick(maker, 1000));
        if (!pipelined) {
            exchange(maker, commands, replies);
            said = told = 0;
        }
        said += (size_t)snprintf(commands + said, sizeof commands - said, "rcpt to:<%s>\r\n", address);
        if (refusal < 3) {
            told += (size_t)snprintf(replies + told, sizeof replies - told, refusals[refusal * 2], address);
            told += (size_t)snprintf(replies + told, sizeof replies - told, "\r\n");
            len += (size_t)snprintf(recipients + len, sizeof recipients - len, " rcpt <%s> %.3s %s", address,
                                    refusals[refusal * 2], refusals[refusal * 2 + 1]);
        } else {
            good++;
            told += (size_t)snprintf(replies + told, sizeof replies - told, "250-2.1.5\r\n250 2.1.5 Ok\r\n");
            len += (size_t)snprintf(recipients + len, sizeof recipients - len, " rcpt <%s> 250", address);
        }
        item(maker, maker->exchanges, (struct str){ recipients + before, len - before });
    }
    if (data && good && !chunked && pipelined) {
        said += (size_t)snprintf(commands + said, sizeof commands - said, "DATA\r\n");
        told += (size_t)snprintf(replies + told, sizeof replies - told, "354 go on\r\n");
    }
    exchange(maker, commands, replies);
    size_t asked = maker->exchanges - 1; /* where DATA may have been */
    if (data && good) {
        if (chunked) {
            chunks(maker, &size);
        } else {
            if (!pipelined) {
                exchange(maker, "DATA\r\n", "354 go on\r\n");
            }
            message(maker, &size);
            server(maker, "250 2.0.0 Ok: queued as 4SmallId\r\n");
        }
        fprintf(truth, " id=4SmallId size=%zu: accepted", size);
        item(maker, asked, arena_printf(maker->arena, " id=4SmallId size=%zu: accepted", size));
        end_exchange(maker);
        *accepted = true;
    } else {
        item(maker, maker->exchanges, STR(""));
        exchange(maker, "RSET\r\n", "250 2.0.0 Ok\r\n");
    }
    fprintf(truth, "%s\n", recipients);
}

enum parting { BY_QUIT, BY_CLIENT, BY_RST, BY_TIMEOUT, PARTINGS };

/* A whole dialog. Returns how it ends. */
static enum parting dialog(struct maker *maker, struct made_dialog *made)
{
    char *text = NULL;
    size_t len = 0;
    bool accepted = false, early = pick(maker, 6) == 0, pipelined = pick(maker, 2);
    FILE *truth = open_memstream(&text, &len);
    if (early)
        say(maker, SIDE_CLIENT, 0, "EHLO early.test\r\n", 17);
    server(maker, pick(maker, 2) ? "220 mx.test ESMTP\r\n" : "220-mx.test\r\n220 mx.test ESMTP\r\n");
    if (!early)
        client(maker, "EHLO a.test\r\n");
    server(maker, "250-mx.test\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
    item(maker, 0, arena_printf(maker->arena, "helo=%s", early ? "early.test" : "a.test"));
    end_exchange(maker);
    fprintf(truth, "helo=%s%s\n", early ? "early.test" : "a.test", early ? " early" : "");
    for (uint64_t i = pick(maker, 4); i-- > 0;)
        transaction(maker, truth, pipelined, &accepted);
    enum parting parting = (enum parting)pick(maker, PARTINGS);
    if (parting == BY_QUIT) {
        client(maker, "QUIT\r\n");
        server(maker, "221 2.0.0 Bye\r\n");
    } else if (parting == BY_TIMEOUT) {
        server(maker, "421 4.4.2 mx.test Error: timeout exceeded\r\n");
    }
    static const char *const closed[] = { "quit", "lost", "lost", "timeout" };
    fprintf(truth, "%s%s", closed[parting], accepted ? " accepted" : "");
    item(maker, maker->exchanges, str_of(closed[parting]));
    end_exchange(maker);
    fclose(truth);
    made->session = arena_str(maker->arena, (struct str){ text, len });
    free(text);
    for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER; side++)
        made->stream[side] = arena_str(maker->arena, (struct str){ maker->bytes[side], maker->len[side] });
    return parting;
}

/* ---- Packets. */

static void put16(char *at, unsigned value)
{
    at[0] = (char)(value >> 8);
    at[1] = (char)value;
}

static void put32(char *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

static size_t tcp_header(struct maker *maker, char *at, uint16_t from, uint16_t to, uint32_t seq,
                         uint32_t ack, int flags)
{
    size_t options = pick(maker, 3) * 4;
    memset(at, 1, 20 + options); /* options: NOPs */
    put16(at, from);
    put16(at + 2, to);
    put32(at + 4, seq);
    put32(at + 8, ack);
    at[12] = (char)((20 + options) / 4 << 4);
    at[13] = (char)flags;
    return 20 + options;
}

static void put_ip(char *at, const struct ip *ip)
{
    memcpy(at, ip->octet + (ip_is_v4(ip) ? 12 : 0), ip_is_v4(ip) ? 4 : 16);
}

/* An IP header with options or extension headers before `len` bytes of transport, which may be one fragment.
 */
static size_t ip_header(struct maker *maker, char *at, const struct ip *from, const struct ip *to, size_t len,
                        size_t offset, bool more, bool fragment, uint16_t id)
{
    if (ip_is_v4(from)) {
        size_t options = pick(maker, 4) ? 0 : 4 + pick(maker, 2) * 4;
        memset(at, 1, 20 + options);
        at[0] = (char)(0x40 | (20 + options) / 4);
        put16(at + 2, (unsigned)(20 + options + len));
        put16(at + 4, id);
        put16(at + 6, (unsigned)(offset / 8 | (more ? 0x2000 : 0)));
        at[8] = 64;
        at[9] = 6;
        put_ip(at + 12, from);
        put_ip(at + 16, to);
        return 20 + options;
    }
    size_t extra = pick(maker, 4) ? 0 : 8 + pick(maker, 3) * 8, at_next = 6, size = 40;
    memset(at, 0, 40 + extra + 8);
    at[0] = 0x60;
    at[7] = 64;
    put_ip(at + 8, from);
    put_ip(at + 24, to);
    if (extra) { /* hop by hop, or destination options */
        at[at_next] = pick(maker, 2) ? 0 : 60;
        at[41] = (char)(extra / 8 - 1);
        at_next = 40;
        size += extra;
    }
    if (fragment) {
        at[at_next] = 44;
        at_next = size;
        put16(at + size + 2, (unsigned)(offset | more));
        put32(at + size + 4, id);
        size += 8;
    }
    at[at_next] = 6;
    put16(at + 4, (unsigned)(size - 40 + len));
    return size;
}

static struct packet *packet_add(struct maker *maker, const char *ip, size_t len)
{
    mem_room(maker->packet, maker->packet_room, maker->packets + 1);
    struct packet *packet = &maker->packet[maker->packets++];
    *packet = (struct packet){ .at = maker->clock, .len = len, .whole = len, .keep = true };
    packet->ip = memcpy(arena_alloc(maker->arena, len), ip, len);
    maker->clock += 1 + pick(maker, 300);
    return packet;
}

/* One segment, whole or in fragments. */
static void send(struct maker *maker, struct made_dialog *made, enum side side, uint32_t seq, uint32_t ack,
                 int flags, size_t begin, size_t end, bool keep)
{
    char transport[2100], ip[2300];
    const struct ip *from = side == SIDE_CLIENT ? &made->client : &made->server;
    const struct ip *to = side == SIDE_CLIENT ? &made->server : &made->client;
    uint16_t from_port = side == SIDE_CLIENT ? made->client_port : 25,
             to_port = side == SIDE_CLIENT ? 25 : made->client_port;
    size_t len = tcp_header(maker, transport, from_port, to_port, seq, ack, flags);
    if (end > begin)
        memcpy(transport + len, made->stream[side].at + begin, end - begin);
    len += end - begin;
    bool fragments = len > 32 && pick(maker, 12) == 0;
    uint16_t id = (uint16_t)pick(maker, 65536);
    size_t step = fragments ? 16 + pick(maker, 4) * 8 : len, first = maker->packets;
    for (size_t at = 0; at < len; at += step) {
        size_t n = len - at < step ? len - at : step;
        size_t head = ip_header(maker, ip, from, to, n, at, at + n < len, fragments, id);
        memcpy(ip + head, transport + at, n);
        struct packet *packet = packet_add(maker, ip, head + n);
        packet->dialog = made;
        packet->from = side;
        packet->begin = begin;
        packet->end = end;
        packet->keep = keep;
        packet->control = flags & (SYN | FIN | RST);
    }
    if (fragments && pick(maker, 2)) { /* the last first */
        struct packet last = maker->packet[maker->packets - 1];
        uint64_t at = maker->packet[first].at;
        memmove(maker->packet + first + 1, maker->packet + first, (maker->packets - first - 1) * sizeof last);
        maker->packet[first] = last;
        maker->packet[first].at = at;
    }
}

/* Marks [from, to) as there. */
static void seen(bool *there, size_t from, size_t to)
{
    memset(there + from, true, to - from);
}

/* The segments of one dialog, with retransmissions, overlaps, keep-alives, and losses. */
static void segments(struct maker *maker, struct made_dialog *made, enum parting parting)
{
    uint32_t isn[2];
    bool *there[2];
    static const size_t sizes[] = { 8, 40, 200, 600, 1400 };
    size_t mss = sizes[pick(maker, sizeof sizes / sizeof *sizes)];
    for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER; side++) {
        isn[side] =
            (uint32_t)(pick(maker, 3) ? pick(maker, UINT32_MAX) : UINT32_MAX - pick(maker, 300)); /* wraps */
        there[side] = arena_zero(maker->arena, made->stream[side].len + 1);
    }
    send(maker, made, SIDE_CLIENT, isn[SIDE_CLIENT], 0, SYN, 0, 0, true);
    if (pick(maker, 8) == 0)
        send(maker, made, SIDE_CLIENT, isn[SIDE_CLIENT], 0, SYN, 0, 0, true);
    send(maker, made, SIDE_SERVER, isn[SIDE_SERVER], isn[SIDE_CLIENT] + 1, SYN | ACK, 0, 0, true);
    send(maker, made, SIDE_CLIENT, isn[SIDE_CLIENT] + 1, isn[SIDE_SERVER] + 1, ACK, 0, 0, true);
    for (size_t i = 0; i < maker->turns; i++) {
        const struct turn *turn = &maker->turn[i];
        enum side side = turn->from;
        uint32_t ack = isn[!side] + 1 + (uint32_t)turn->known;
        for (size_t at = turn->begin; at < turn->end;) {
            size_t end = at + 1 + pick(maker, mss);
            size_t begin = at > turn->begin && pick(maker, 10) == 0 ? at - pick(maker, at - turn->begin)
                                                                    : at; /* overlaps */
            end = end > turn->end ? turn->end : end;
            bool keep = !(maker->harm && pick(maker, 40) == 0);
            send(maker, made, side, isn[side] + 1 + (uint32_t)begin, ack, ACK, begin, end, keep);
            if (keep)
                seen(there[side], begin, end);
            if (pick(maker, 10) == 0) { /* once more */
                send(maker, made, side, isn[side] + 1 + (uint32_t)begin, ack, ACK, begin, end, true);
                seen(there[side], begin, end);
            }
            at = end;
        }
        if (pick(maker, 2))
            send(maker, made, !side, isn[!side] + 1 + (uint32_t)turn->known,
                 isn[side] + 1 + (uint32_t)turn->end, ACK, 0, 0, true);
        if (pick(maker, 20) == 0) /* a keep-alive (RFC 9293 3.8.4) */
            send(maker, made, side, isn[side] + (uint32_t)turn->end, ack, ACK, 0, 0, true);
    }
    for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER; side++) {
        size_t len = made->stream[side].len;
        for (size_t at = 0; at < len; at++) {
            size_t from = at;
            while (at < len && !there[side][at])
                at++;
            if (at > from)
                made->lost[side][made->lost_count[side]++] = (struct made_range){ from, at };
        }
        made->damaged |= made->lost_count[side] != 0;
    }
    enum side first =
        parting == BY_TIMEOUT || (parting == BY_QUIT && pick(maker, 2)) ? SIDE_SERVER : SIDE_CLIENT;
    uint32_t seq[2] = { isn[0] + 1 + (uint32_t)made->stream[0].len,
                        isn[1] + 1 + (uint32_t)made->stream[1].len };
    if (parting == BY_RST) {
        send(maker, made, first, seq[first], seq[!first], RST | ACK, 0, 0, true);
        return;
    }
    send(maker, made, first, seq[first], seq[!first], FIN | ACK, 0, 0, true);
    send(maker, made, !first, seq[!first], seq[first] + 1, FIN | ACK, 0, 0, true);
    send(maker, made, first, seq[first] + 1, seq[!first] + 1, ACK, 0, 0, true);
}

static bool is_damaged(const struct made_dialog *made, const struct exchange *exchange)
{
    for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER; side++)
        for (size_t i = 0; i < made->lost_count[side]; i++)
            if (made->lost[side][i].from < exchange->range[side].to &&
                exchange->range[side].from < made->lost[side][i].to)
                return true;
    return false;
}

/* Which items are damaged, now that it is known what is lost. */
static void judge(struct maker *maker, struct made_dialog *made)
{
    made->items = maker->items;
    made->item = arena_alloc(maker->arena, (maker->items + 1) * sizeof *made->item);
    memcpy(made->item, maker->item, maker->items * sizeof *made->item);
    for (size_t i = 0; i < made->items; i++)
        for (size_t j = made->item[i].exchange; j <= made->item[i].last; j++)
            made->item[i].damaged |= is_damaged(made, &maker->exchange[j]);
}

static int by_time(const void *left, const void *right)
{
    const struct packet *a = left, *b = right;
    return (a->at > b->at) - (a->at < b->at);
}

/* Packets captured out of order, a few places off: neighbours within the dialog, but not around its ends. */
static void reorder(struct maker *maker)
{
    for (size_t i = 1; i < maker->packets; i++) {
        struct packet *a = &maker->packet[i - 1], *b = &maker->packet[i];
        if (pick(maker, 12) || a->control || b->control)
            continue;
        struct packet keep = *a;
        uint64_t first = a->at, second = b->at;
        *a = *b;
        *b = keep;
        a->at = first;
        b->at = second;
    }
}

/* ---- The file. */

static const struct link {
    const char *name;
    uint32_t number; /* LINKTYPE_ */
    size_t bytes;
} links[] = { { "Ethernet", 1, 14 }, { "VLAN", 1, 18 },     { "QinQ", 1, 22 },
              { "PPPoE", 1, 22 },    { "cooked", 113, 16 }, { "cooked v2", 276, 20 },
              { "raw", 101, 0 },     { "loopback", 0, 4 },  { "OpenBSD loopback", 108, 4 } };

static void link_header(size_t link, char *at, bool v4, size_t len)
{
    unsigned type = v4 ? 0x0800 : 0x86dd;
    memset(at, 0, links[link].bytes);
    switch (link) {
    case 0:
        put16(at + 12, type);
        break;
    case 1:
        put16(at + 12, 0x8100);
        put16(at + 16, type);
        break;
    case 2:
        put16(at + 12, 0x88a8);
        put16(at + 16, 0x8100);
        put16(at + 20, type);
        break;
    case 3:
        put16(at + 12, 0x8864);
        at[14] = 0x11;
        put16(at + 18, (unsigned)len + 2);
        put16(at + 20, v4 ? 0x21 : 0x57);
        break;
    case 4:
        put16(at + 14, type);
        break;
    case 5:
        put16(at, type);
        break;
    case 7:
        at[0] = v4 ? 2 : 30; /* a little-endian machine's */
        break;
    case 8:
        at[3] = v4 ? 2 : 24;
        break;
    default:
        break;
    }
}

struct order {
    bool big;
};

static void put_word(FILE *to, struct order order, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        fputc((int)(value >> (order.big ? 8 * (bytes - 1 - i) : 8 * i) & 0xff), to);
}

static void write_file(struct maker *maker, struct made_capture *made)
{
    char *text = NULL;
    size_t len = 0, link = pick(maker, sizeof links / sizeof *links);
    bool ng = pick(maker, 3) == 0, nano = pick(maker, 2);
    struct order order = { pick(maker, 2) };
    FILE *to = open_memstream(&text, &len);
    char frame[2400];
    made->link = links[link].name;
    if (ng) {
        put_word(to, order, 0x0a0d0d0a, 4);
        put_word(to, order, 28, 4);
        put_word(to, order, 0x1a2b3c4d, 4);
        put_word(to, order, 1, 2);
        put_word(to, order, 0, 2);
        put_word(to, order, UINT32_MAX, 4);
        put_word(to, order, UINT32_MAX, 4);
        put_word(to, order, 28, 4);
        put_word(to, order, 1, 4);
        put_word(to, order, 20, 4);
        put_word(to, order, links[link].number, 2);
        put_word(to, order, 0, 2);
        put_word(to, order, 65535, 4);
        put_word(to, order, 20, 4);
    } else {
        put_word(to, order, nano ? 0xa1b23c4d : 0xa1b2c3d4, 4);
        put_word(to, order, 2, 2);
        put_word(to, order, 4, 2);
        put_word(to, order, 0, 4);
        put_word(to, order, 0, 4);
        put_word(to, order, 65535, 4);
        put_word(to, order, links[link].number, 4);
    }
    for (size_t i = 0; i < maker->packets; i++) {
        const struct packet *packet = &maker->packet[i];
        size_t head = links[link].bytes, padding = link == 0 && packet->len < 46 ? 46 - packet->len : 0;
        if (!packet->keep)
            continue;
        link_header(link, frame, packet->ip[0] >> 4 == 4, packet->len);
        memcpy(frame + head, packet->ip, packet->len);
        memset(frame + head + packet->len, 'Q', padding);
        uint32_t bytes = (uint32_t)(head + packet->len + padding);
        if (ng) {
            uint32_t all = (bytes + 3) & ~3u;
            put_word(to, order, 6, 4);
            put_word(to, order, 32 + all, 4);
            put_word(to, order, 0, 4);
            put_word(to, order, (uint32_t)(packet->at >> 32), 4);
            put_word(to, order, (uint32_t)packet->at, 4);
            put_word(to, order, bytes, 4);
            put_word(to, order, bytes, 4);
            fwrite(frame, 1, bytes, to);
            fwrite("\0\0\0", 1, all - bytes, to);
            put_word(to, order, 32 + all, 4);
        } else {
            put_word(to, order, (uint32_t)(packet->at / 1000000), 4);
            put_word(to, order, (uint32_t)(packet->at % 1000000) * (nano ? 1000 : 1), 4);
            put_word(to, order, bytes, 4);
            put_word(to, order, bytes, 4);
            fwrite(frame, 1, bytes, to);
        }
        made->packets++;
    }
    fclose(to);
    made->file = arena_str(maker->arena, (struct str){ text, len });
    free(text);
}

void capture_make(struct made_capture *made, uint64_t seed, bool harm, struct arena *arena)
{
    struct maker maker = { .chance = { seed * 0x9e3779b97f4a7c15u + 1 }, .arena = arena, .harm = harm };
    *made = (struct made_capture){ .dialogs = 1 + pick(&maker, MADE_DIALOGS_MOST) };
    uint64_t begin = 1795392000u * (uint64_t)1000000;
    for (size_t i = 0; i < made->dialogs; i++) {
        struct made_dialog *one = &made->dialog[i];
        bool v6 = pick(&maker, 3) == 0;
        ip_parse(v6 ? STR("2001:db8:1::10") : STR("192.0.2.10"), &one->server);
        ip_parse(v6 ? STR("2001:db8:a::7") : STR("198.51.100.7"), &one->client);
        one->client_port = (uint16_t)(1024 + 100 * i + pick(&maker, 100));
        maker.len[0] = maker.len[1] = maker.turns = maker.items = maker.exchanges = 0;
        maker.clock = begin + pick(&maker, 5000);
        segments(&maker, one, dialog(&maker, one));
        judge(&maker, one);
    }
    qsort(maker.packet, maker.packets, sizeof *maker.packet, by_time);
    reorder(&maker);
    write_file(&maker, made);
    free(maker.packet);
    free(maker.turn);
    free(maker.item);
    free(maker.exchange);
    free(maker.bytes[0]);
    free(maker.bytes[1]);
}

/* Segments of a few connections, each made of a few bytes of the input, so that they meet: whatever comes,
 * each byte of a stream is told once, and memory stays in bounds. Half-way all of it is kept and taken up by
 * another, as from one run to the next; what comes of it is the same. */
#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include "collect/capture/tcp.h"
#include "collect/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    uint64_t bytes, lost;
    uint8_t mood; /* how much the consumer takes */
};

static enum wanted wants(void *state, uint16_t port)
{
    (void)state;
    return port == 25 ? WANTED : UNWANTED;
}

static struct seen *seen_of(struct connection *connection)
{
    if (!connection->dialog)
        connection->dialog = calloc(1, sizeof(struct seen));
    return connection->dialog;
}

static size_t bytes(void *state, struct connection *connection, enum side from, struct str bytes, usec at,
                    bool must)
{
    struct seen *seen = seen_of(connection);
    (void)state;
    (void)from;
    (void)at;
    assert(bytes.len > 0);
    size_t n = must || ++seen->mood % 4 ? bytes.len : bytes.len / 2;
    seen->bytes += n;
    return n;
}

static void lost(void *state, struct connection *connection, enum side from, uint64_t count, usec at)
{
    (void)state;
    (void)from;
    (void)at;
    assert(count > 0 && count <= (uint64_t)1 << 31);
    seen_of(connection)->lost += count;
}

/* What all of them have come to. */
struct told {
    uint64_t connections, bytes, lost;
};

static void closed(void *state, struct connection *connection)
{
    struct told *told = state;
    const struct seen *seen = connection->dialog;
    told->connections++;
    told->bytes += seen ? seen->bytes : 0;
    told->lost += seen ? seen->lost : 0;
    free(connection->dialog);
}

static void dropped(void *state, struct connection *connection)
{
    (void)state;
    free(connection->dialog);
}

static void carry_dialog(void *state, struct connection *connection, struct state_bytes *bytes)
{
    bool any = connection->dialog;
    (void)state;
    carry(bytes, &any);
    if (!any)
        return;
    struct seen *seen = seen_of(connection);
    carry(bytes, &seen->bytes);
    carry(bytes, &seen->lost);
    carry(bytes, &seen->mood);
}

enum { MOST = 64 * 1024, STEP = 8 };

/* The packet that some bytes make, and the time when the next one comes. */
struct made {
    struct datagram datagram;
    uint8_t packet[20 + 256];
};

static usec make(struct made *made, const uint8_t *in, usec at)
{
    *made = (struct made){ .packet = { 0 } };
    uint8_t *packet = made->packet;
    uint8_t client = in[0] & 3;
    bool to_server = in[0] & 4;
    uint32_t base = to_server ? 0xffffff00u : 1000, other = to_server ? 1000 : 0xffffff00u;
    uint32_t seq = base + in[1] + ((uint32_t)in[2] << (in[0] >> 6) * 8), ack = other + in[3];
    uint16_t port = (uint16_t)(1024 + client), from = to_server ? port : 25, to = to_server ? 25 : port;
    size_t len = in[4], cut = in[0] & 8 ? len / 3 : 0;
    packet[0] = (uint8_t)(from >> 8);
    packet[1] = (uint8_t)from;
    packet[2] = (uint8_t)(to >> 8);
    packet[3] = (uint8_t)to;
    for (int j = 0; j < 4; j++) {
        packet[4 + j] = (uint8_t)(seq >> (24 - 8 * j));
        packet[8 + j] = (uint8_t)(ack >> (24 - 8 * j));
    }
    packet[12] = 5 << 4;
    packet[13] = in[5] & 0x17;
    made->datagram = (struct datagram){ .at = at,
                                        .from = ip_from_v4(0xc6336401u + !to_server),
                                        .to = ip_from_v4(0xc6336401u + to_server),
                                        .protocol = IPPROTO_TCP,
                                        .payload = { packet, 20 + len - cut, 20 + len } };
    return at + (in[6] < 240 ? in[6] * 100 : (usec)in[6] * USEC_MINUTE);
}

/* Hands all to another one, which has its packets up to `end` only to read again. */
static struct tcp *hand_over(struct tcp *tcp, const struct tcp_consumer *consumer, const uint8_t *data,
                             size_t end)
{
    struct state_bytes to = { 0 };
    tcp_carry(tcp, &to, carry_dialog);
    tcp_free(tcp);
    struct state_bytes from = state_load(state_end(&to));
    struct tcp *next = tcp_new(consumer, MOST);
    struct made made;
    usec at = 1795392000 * USEC_SECOND;
    tcp_carry(next, &from, carry_dialog);
    assert(!from.broken && from.rest.len == 0);
    for (size_t i = 0; i < end; i += STEP) {
        at = make(&made, data + i, at);
        tcp_refill(next, &made.datagram);
    }
    state_free(&to);
    return next;
}

static struct told run(const uint8_t *data, size_t size, size_t handed_over)
{
    struct told told = { 0 };
    struct tcp_consumer consumer = { &told, wants, bytes, lost, closed, dropped };
    struct tcp *tcp = tcp_new(&consumer, MOST);
    struct made made;
    usec at = 1795392000 * USEC_SECOND;
    uint64_t offset = 0;
    for (size_t i = 0; i + STEP <= size; i += STEP) {
        if (i == handed_over)
            tcp = hand_over(tcp, &consumer, data, i);
        at = make(&made, data + i, at);
        tcp_take(tcp, &made.datagram, 1, offset++);
        assert(tcp_counts(tcp)->bytes < MOST + 16 * 1024);
    }
    tcp_finish(tcp);
    tcp_free(tcp);
    return told;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct told whole = run(data, size, SIZE_MAX), parts = run(data, size, size / 2 / STEP * STEP);
    assert(whole.connections == parts.connections && whole.bytes == parts.bytes && whole.lost == parts.lost);
    return 0;
}

/* DNS over TCP: connections are put together as those of SMTP are, in a bound of their own. */
#include "collect/capture/dns_stream.h"

#include <stdlib.h>
#include "base/memory.h"
#include "collect/state.h"

enum { DNS_PORT = 53, LENGTH_BYTES = 2 };

struct dns_stream {
    struct answers *answers;
    struct tcp *tcp;
};

/* Of one side, what is there of a message, its length included. */
struct half_message {
    size_t len, capacity;
    char *bytes;
    bool lost; /* where the next one begins is not known any more */
};

struct dialog {
    struct half_message half[2];
};

static enum wanted wants(void *state, uint16_t port)
{
    (void)state;
    return port == DNS_PORT ? WANTED : UNWANTED;
}

static struct dialog *dialog_of(struct dns_stream *stream, struct connection *connection)
{
    if (!connection->dialog) {
        connection->dialog = mem_zero(1, sizeof(struct dialog));
        tcp_account(stream->tcp, sizeof(struct dialog));
    }
    return connection->dialog;
}

/* How many bytes the message has with its length, as far as that is known. */
static size_t wanted(const struct half_message *half)
{
    if (half->len < LENGTH_BYTES)
        return LENGTH_BYTES;
    return LENGTH_BYTES + ((size_t)(unsigned char)half->bytes[0] << 8 | (unsigned char)half->bytes[1]);
}

static size_t bytes(void *state, struct connection *connection, enum side from, struct str bytes, usec at,
                    bool must)
{
    struct dns_stream *stream = state;
    struct half_message *half = &dialog_of(stream, connection)->half[from];
    struct answers_parties parties = { connection->address[SIDE_CLIENT], connection->address[SIDE_SERVER],
                                       connection->port[SIDE_CLIENT] };
    struct str rest = bytes;
    (void)must;
    while (rest.len && !half->lost && !connection->midway) {
        size_t before = half->capacity, want = wanted(half), n = want - half->len;
        mem_room(half->bytes, half->capacity, want);
        tcp_account(stream->tcp, (ptrdiff_t)(half->capacity - before));
        if (n > rest.len)
            n = rest.len;
        memcpy(half->bytes + half->len, rest.at, n);
        half->len += n;
        rest = str_skip(rest, n);
        if (half->len > LENGTH_BYTES && half->len == wanted(half)) {
            answers_take(stream->answers, &parties, from == SIDE_SERVER,
                         (struct str){ half->bytes + LENGTH_BYTES, half->len - LENGTH_BYTES }, at);
            half->len = 0;
        } else if (half->len == LENGTH_BYTES && wanted(half) == LENGTH_BYTES) {
            half->len = 0; /* an empty one */
        }
    }
    return bytes.len;
}

static void lost(void *state, struct connection *connection, enum side from, uint64_t count, usec at)
{
    (void)count;
    (void)at;
    dialog_of(state, connection)->half[from].lost = true;
}

static void closed(void *state, struct connection *connection)
{
    struct dns_stream *stream = state;
    struct dialog *dialog = connection->dialog;
    if (!dialog)
        return;
    for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER; side++) {
        tcp_account(stream->tcp, -(ptrdiff_t)dialog->half[side].capacity);
        free(dialog->half[side].bytes);
    }
    tcp_account(stream->tcp, -(ptrdiff_t)sizeof *dialog);
    free(dialog);
}

struct dns_stream *dns_stream_new(struct answers *answers, size_t bytes_most)
{
    struct dns_stream *stream = mem_zero(1, sizeof *stream);
    struct tcp_consumer consumer = {
        .state = stream, .wants = wants, .bytes = bytes, .lost = lost, .closed = closed, .dropped = closed
    };
    stream->answers = answers;
    stream->tcp = tcp_new(&consumer, bytes_most);
    return stream;
}

void dns_stream_free(struct dns_stream *stream)
{
    if (!stream)
        return;
    tcp_free(stream->tcp);
    free(stream);
}

bool dns_stream_take(struct dns_stream *stream, const struct datagram *datagram)
{
    const uint8_t *at = datagram->payload.at;
    if (datagram->payload.len < 4 || ((at[0] << 8 | at[1]) != DNS_PORT && (at[2] << 8 | at[3]) != DNS_PORT))
        return false;
    tcp_take(stream->tcp, datagram, 0, 0);
    return true;
}

static void carry_dialog(void *state, struct connection *connection, struct state_bytes *bytes)
{
    struct dns_stream *stream = state;
    bool any = connection->dialog;
    carry(bytes, &any);
    for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER && any && !bytes->broken; side++) {
        struct half_message *half = &dialog_of(stream, connection)->half[side];
        half->len = carry_count(bytes, half->len);
        if (bytes->loading) {
            mem_room(half->bytes, half->capacity, half->len + LENGTH_BYTES);
            tcp_account(stream->tcp, (ptrdiff_t)half->capacity);
        }
        if (half->len)
            carry_bytes(bytes, half->bytes, half->len);
        carry(bytes, &half->lost);
        bytes->broken |= half->len >= wanted(half);
    }
}

void dns_stream_carry(struct dns_stream *stream, struct state_bytes *state)
{
    tcp_carry(stream->tcp, state, carry_dialog);
}

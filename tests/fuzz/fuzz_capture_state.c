/* What a run keeps of captures for the next one, as the database gives it back: damaged, or anybody's. It is
 * refused, or the run goes on from there: more packets come, and every session that comes out holds what may
 * be read. */
#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "base/memory.h"
#include "collect/capture/capture.h"
#include "collect/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned sum;

static void read_text(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        sum += (unsigned char)text.at[i];
}

static int take(void *state, const struct session *session, struct why *why)
{
    (void)why;
    ++*(unsigned *)state;
    assert(session->stage < STAGES && session->verdict < VERDICTS);
    read_text(session->helo);
    for (uint32_t i = 0; i < session->transaction_count; i++)
        for (uint32_t j = 0; j < session->transactions[i].recipient_count; j++)
            read_text(session->transactions[i].recipients[j].address);
    for (uint32_t i = 0; i < session->evidence_count; i++) {
        assert(session->evidence[i].kind < KINDS && session->evidence[i].origin < ORIGINS);
        read_text(session->evidence[i].detail);
    }
    return 0;
}

static int late(void *state, int64_t session, const struct evidence *evidence, struct why *why)
{
    (void)state;
    (void)session;
    (void)why;
    assert(evidence->kind < KINDS);
    return 0;
}

/* One segment of a connection that the seeds have. */
static void say(struct capture *capture, bool to_server, uint16_t port, uint32_t seq, uint8_t flags,
                struct str text, usec at)
{
    uint8_t packet[20 + 64] = { 0 };
    uint16_t from = to_server ? port : 25, to = to_server ? 25 : port;
    const uint16_t ports[] = { from, to };
    assert(text.len <= 64);
    for (int i = 0; i < 2; i++) {
        packet[2 * i] = (uint8_t)(ports[i] >> 8);
        packet[2 * i + 1] = (uint8_t)ports[i];
    }
    for (int i = 0; i < 4; i++)
        packet[4 + i] = (uint8_t)(seq >> (24 - 8 * i));
    packet[12] = 5 << 4;
    packet[13] = flags;
    if (text.len)
        memcpy(packet + 20, text.at, text.len);
    struct datagram datagram = { .at = at,
                                 .from = ip_from_v4(to_server ? 0xc6336404u : 0xc000020au),
                                 .to = ip_from_v4(to_server ? 0xc000020au : 0xc6336404u),
                                 .protocol = IPPROTO_TCP,
                                 .payload = { packet, 20 + text.len, 20 + text.len } };
    int result = capture_take(capture, &datagram, 1, 1 << 20, NULL);
    assert(result == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned sessions = 0;
    struct sink sink = { &sessions, take, late };
    struct builder *builder = builder_new(&sink, 1);
    struct capture_options options = { .bytes_most = 1024 * 1024 };
    struct capture *capture = capture_new(builder, &options, NULL);
    uint64_t hash = bytes_hash(data, size, 0);
    char *bytes = malloc(size + sizeof hash);
    if (size)
        memcpy(bytes, data, size);
    memcpy(bytes + size, &hash, sizeof hash);
    struct state_bytes state = state_load((struct str){ bytes, size + sizeof hash });
    assert(!state.broken);
    if (builder_load(builder, &state) == 0 && capture_load(capture, &state) == 0) {
        usec at = 1795392100 * USEC_SECOND;
        for (uint16_t port = 1024; port < 1028; port++) {
            say(capture, true, port, 1001, 16, STR("MAIL FROM:<a@b.test>\r\n"), at);
            say(capture, false, port, 5001, 16, STR("250 ok\r\n354 go\r\n"), at + 1);
            say(capture, true, port, 1100, 17, STR("x\r\n.\r\nQUIT\r\n"), at + 2);
            say(capture, false, port, 5100, 4, STR(""), at + 3);
        }
        capture_advance(capture, at + USEC_HOUR, NULL);
        struct state_bytes again = { 0 };
        builder_save(builder, &again);
        capture_save(capture, &again);
        state_free(&again);
        capture_finish(capture);
        builder_finish(builder, NULL);
    }
    capture_free(capture);
    builder_free(builder);
    free(bytes);
    return 0;
}

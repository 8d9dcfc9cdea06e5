/* A dialog: pieces of text, each with a byte before it for who says it and how long it is. Whatever is said,
 * a session comes of it, once, and all that it holds lies in what may be read. */
#include <assert.h>
#include <stdlib.h>
#include "collect/capture/smtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int take(void *state, const struct session *session, struct why *why)
{
    volatile unsigned sum = 0;
    (void)why;
    ++*(unsigned *)state;
    for (uint32_t i = 0; i < session->transaction_count; i++)
        for (uint32_t j = 0; j < session->transactions[i].recipient_count; j++) {
            struct str address = session->transactions[i].recipients[j].address;
            for (size_t k = 0; k < address.len; k++)
                sum += (unsigned char)address.at[k];
        }
    for (uint32_t i = 0; i < session->evidence_count; i++) {
        assert(session->evidence[i].kind < KINDS && session->evidence[i].origin == ORIGIN_CAPTURE);
        for (size_t k = 0; k < session->evidence[i].detail.len; k++)
            sum += (unsigned char)session->evidence[i].detail.at[k];
    }
    (void)sum;
    return 0;
}

static int no_late(void *state, int64_t session, const struct evidence *evidence, struct why *why)
{
    (void)state;
    (void)session;
    (void)evidence;
    (void)why;
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct servers servers;
    unsigned sessions = 0;
    struct sink sink = { &sessions, take, no_late };
    struct smtp_world world = { .builder = builder_new(&sink, 1), .servers = &servers, .headers = size % 2 };
    usec at = 1795392000 * USEC_SECOND;
    struct connection connection = { .waited = USEC_NONE,
                                     .address = { ip_from_v4(0xc6336401u), ip_from_v4(0xc000020au) },
                                     .port = { 1024, 25 },
                                     .input = 1,
                                     .started = at,
                                     .established = at,
                                     .seen = at,
                                     .closing = USEC_NONE,
                                     .midway = size && data[0] & 1,
                                     .ending = (uint8_t)(size ? (data[0] >> 1) % 5 : 0) };
    struct smtp *smtp = smtp_new(&world, &connection);
    for (size_t i = 1; i < size;) {
        enum side side = data[i] & 128 ? SIDE_SERVER : SIDE_CLIENT;
        size_t len = data[i] & 127;
        i++;
        connection.seen = at += 1000;
        if (len == 127) {
            smtp_lost(smtp, &connection, side, 10, at);
            continue;
        }
        len = len < size - i ? len : size - i;
        char *bytes = malloc(len ? len : 1);
        if (len) {
            memcpy(bytes, data + i, len);
            size_t took = smtp_bytes(smtp, &connection, side, (struct str){ bytes, len }, at, false);
            assert(took <= len);
            if (took < len) {
                size_t rest =
                    smtp_bytes(smtp, &connection, side, (struct str){ bytes + took, len - took }, at, true);
                assert(rest == len - took);
            }
        }
        free(bytes);
        i += len;
    }
    smtp_close(smtp, &connection);
    builder_finish(world.builder, NULL);
    builder_free(world.builder);
    assert(sessions == 1);
    return 0;
}

/* DNS messages of a few clients' names, each with a byte before it for who speaks and how long it is.
 * Whatever is answered, memory stays in bounds, and a session that is told of it holds only what may be read.
 */
#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include "collect/capture/answers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 8 * 1024 };

static int take(void *state, const struct session *session, struct why *why)
{
    volatile unsigned sum = 0;
    (void)state;
    (void)why;
    for (uint32_t i = 0; i < session->evidence_count; i++) {
        const struct evidence *evidence = &session->evidence[i];
        assert(evidence->kind < KINDS && evidence->state <= YES &&
               evidence->at <= session->started + USEC_HOUR);
        for (size_t k = 0; k < evidence->subject.len; k++)
            sum += (unsigned char)evidence->subject.at[k];
        for (size_t k = 0; k < evidence->detail.len; k++)
            sum += (unsigned char)evidence->detail.at[k];
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
    struct answers *answers = answers_new(MOST);
    struct sink sink = { NULL, take, no_late };
    struct builder *builder = builder_new(&sink, 1);
    usec at = 1795392000 * USEC_SECOND;
    struct answers_parties parties = { ip_from_v4(0xc000020au), ip_from_v4(0xc0000235u), 5300 };
    struct line line = { .at = at, .input = 1 };
    struct open_session *open = builder_open(builder, 0, &line);
    struct ip client = ip_from_v4(0xcb007109u);
    builder_set_client(builder, open, &client, 1024);
    open->session.helo = builder_keep(builder, open, STR("a.test"));
    builder_add_transaction(builder, open, at)->mail_from = builder_keep(builder, open, STR("x@a.test"));
    while (size > 1) {
        size_t n = data[0] & 0x7f ? (size_t)(data[0] & 0x7f) * 4 : size - 1;
        bool answer = data[0] & 0x80;
        if (n > size - 1)
            n = size - 1;
        /* A copy of its own, so that what is read beyond it is seen; an answer finds its question. */
        char *message = malloc(n ? n : 1);
        memcpy(message, data + 1, n);
        if (n > 2) {
            message[2] = (char)(message[2] & 0x7f);
            answers_take(answers, &parties, false, (struct str){ message, n }, at);
            message[2] = (char)(message[2] | (answer ? 0x80 : 0));
        }
        answers_take(answers, &parties, answer, (struct str){ message, n }, at);
        free(message);
        data += n + 1;
        size -= n + 1;
        at += USEC_SECOND;
        assert(answers_counts(answers)->bytes < MOST + 16 * 1024);
    }
    answers_note(answers, builder, open, at);
    builder_close(builder, open, &line, CLOSED_QUIT);
    builder_finish(builder, NULL);
    builder_free(builder);
    answers_free(answers);
    return 0;
}

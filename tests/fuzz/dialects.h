/* Lines through syslog, all dialects and the builder to a sink that looks at every byte it is given. What came out must
 * hang together, and each line alone must be safe: it is given with exactly its bytes. All of a fuzz target: there is one
 * for each dialect, which begins with that dialect's lines. */
#ifndef TESTS_FUZZ_DIALECTS_H
#define TESTS_FUZZ_DIALECTS_H

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"
#include "collect/builder.h"
#include "collect/programs.h"
#include "collect/syslog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    int64_t sessions;
    uint64_t sum; /* of all bytes, so that they are read */
};

static void see_text(struct seen *seen, struct str text)
{
    assert(text.at || text.len == 0);
    for (size_t i = 0; i < text.len; i++)
        seen->sum += (unsigned char)text.at[i];
}

static void see_reply(struct seen *seen, const struct reply *reply)
{
    assert(reply->code == 0 || (reply->code >= 200 && reply->code < 600));
    assert(reply->named < NAMED_COUNT && reply->stage < STAGES);
    see_text(seen, reply->enhanced);
    see_text(seen, reply->text);
}

static void see_evidence(struct seen *seen, const struct evidence *evidence)
{
    assert(evidence->kind < KINDS && evidence->state <= YES && evidence->origin < ORIGINS);
    see_text(seen, evidence->subject);
    see_text(seen, evidence->detail);
}

static void see_transaction(struct seen *seen, const struct transaction *transaction)
{
    assert(transaction->verdict < VERDICTS && transaction->size >= -1);
    see_text(seen, transaction->mail_from);
    see_text(seen, transaction->queue_id);
    see_text(seen, transaction->message_id);
    see_reply(seen, &transaction->reply);
    for (uint32_t i = 0; i < transaction->recipient_count; i++) {
        const struct recipient *recipient = &transaction->recipients[i];
        assert(recipient->verdict < VERDICTS && recipient->valid <= YES);
        see_text(seen, recipient->address);
        see_reply(seen, &recipient->reply);
    }
}

static int see_session(void *state, const struct session *session, struct why *why)
{
    struct seen *seen = state;
    (void)why;
    assert(session->id == ++seen->sessions);
    assert(session->first_offset <= session->last_offset);
    assert(session->stage < STAGES && session->closed < CLOSED_KINDS && session->verdict < VERDICTS);
    see_text(seen, session->server);
    see_text(seen, session->service);
    see_text(seen, session->client_name);
    see_text(seen, session->helo);
    see_text(seen, session->auth_user);
    see_reply(seen, &session->reply);
    bool accepted = false;
    for (uint32_t i = 0; i < session->transaction_count; i++) {
        see_transaction(seen, &session->transactions[i]);
        accepted |= session->transactions[i].verdict == VERDICT_ACCEPTED;
    }
    assert(accepted == (session->verdict == VERDICT_ACCEPTED));
    for (uint32_t i = 0; i < session->evidence_count; i++) {
        const struct evidence *evidence = &session->evidence[i];
        see_evidence(seen, evidence);
        assert(evidence->transaction >= WHOLE_SESSION &&
               (evidence->transaction < 0 || (uint32_t)evidence->transaction < session->transaction_count));
        assert(evidence->recipient >= WHOLE_TRANSACTION &&
               (evidence->recipient < 0 ||
                (evidence->transaction >= 0 &&
                 (uint32_t)evidence->recipient < session->transactions[evidence->transaction].recipient_count)));
    }
    return 0;
}

static int see_late(void *state, int64_t session_id, const struct evidence *evidence, struct why *why)
{
    struct seen *seen = state;
    (void)why;
    assert(session_id >= 1 && session_id <= seen->sessions);
    see_evidence(seen, evidence);
    return 0;
}

struct run {
    struct syslog syslog;
    struct programs programs;
    struct builder *builder;
    struct line line;
    const struct dialect *before;
};

static void take(struct run *run, struct str text)
{
    char *bytes = malloc(text.len ? text.len : 1);
    if (text.len)
        memcpy(bytes, text.at, text.len);
    if (syslog_parse(&run->syslog, (struct str){ bytes, text.len }, &run->line)) {
        const struct dialect *dialect = programs_dialect_of(&run->programs, &run->line);
        assert(builder_advance(run->builder, run->line.at, NULL) == 0);
        if (dialect)
            assert(dialect->take(&run->line, run->builder) <= NOT_OURS);
        run->before = dialect;
    } else if (text.len && run->before && run->before->continues) {
        run->before->continues((struct str){ bytes, text.len });
    }
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen seen = { 0 };
    struct sink sink = { &seen, see_session, see_late };
    struct run run = { .builder = builder_new(&sink, 1), .line = { .input = 1 } };
    struct str rest = { (const char *)data, size }, line;
    syslog_begin(&run.syslog, USEC_NONE, 2026);
    programs_begin(&run.programs, dialects);
    while (rest.len) {
        run.line.offset = size - rest.len;
        run.line.number++;
        if (!cut_until_char(&rest, '\n', &line)) {
            line = rest;
            rest = str_skip(rest, rest.len);
        }
        take(&run, line);
    }
    assert(builder_finish(run.builder, NULL) == 0);
    assert(builder_counts(run.builder)->open == 0);
    assert(builder_counts(run.builder)->handed_over == (uint64_t)seen.sessions);
    builder_free(run.builder);
    return seen.sum == 1;
}

#endif

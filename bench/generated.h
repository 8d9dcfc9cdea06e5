/* Generated sessions for benchmarks. The clients are nine bots in ten, most of them listed or without a name,
 * and mail servers that come back; half of the evidence is recorded. */
#ifndef BENCH_GENERATED_H
#define BENCH_GENERATED_H

#include <stdio.h>

#include "analyze/replay.h"

static uint64_t state = 1;

static uint64_t draw(uint64_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % below;
}

static struct evidence evidence_of(uint8_t kind, bool yes)
{
    struct evidence evidence = {
        .kind = kind, .state = (uint8_t)tri_of(yes), .transaction = -1, .recipient = -1, .origin = ORIGIN_LOG
    };
    if (kind == KIND_DNSBL)
        evidence.subject = draw(2) ? STR("a.example") : STR("b.example");
    if (kind == KIND_SPAM) {
        evidence.state = UNKNOWN;
        evidence.a = (int64_t)(yes ? 8 + draw(20) : draw(8)) * 1000;
    }
    return evidence;
}

/* One session a few tenths of a second after the one before it. */
static void add_session(struct columns *columns, int64_t id, usec at)
{
    static const uint8_t kinds[] = { KIND_RDNS, KIND_DNSBL, KIND_RECIPIENT, KIND_SPAM };
    struct evidence evidence[4];
    char sender[64], to[64];
    bool bot = draw(10) > 0;
    uint32_t who = (uint32_t)(bot ? draw(3000000) : draw(20000));
    struct reply accepted = { .code = 250, .stage = STAGE_RCPT };
    struct reply refused = { .code = 450, .named = NAMED_GREYLIST, .stage = STAGE_RCPT };
    struct recipient recipient = { .reply = bot || draw(3) == 0 ? refused : accepted, .at = at };
    struct transaction transaction = { .size = -1, .at = at, .recipients = &recipient, .recipient_count = 1 };
    struct session session = { .id = id,
                               .started = at,
                               .ended = at,
                               .client = ip_from_v4((bot ? 0xc6000000u : 0xcb000000u) + who),
                               .server = STR("mx"),
                               .stage = STAGE_RCPT,
                               .transactions = &transaction,
                               .transaction_count = 1,
                               .evidence = evidence };
    snprintf(sender, sizeof sender, "s%u@d%u.example", who % 7, who % 5000);
    snprintf(to, sizeof to, "r%u@l.example", (unsigned)draw(2000));
    transaction.mail_from = str_of(sender);
    recipient.address = str_of(to);
    if (recipient.reply.code == 250) {
        transaction.verdict = VERDICT_ACCEPTED;
        transaction.size = (int64_t)draw(100000);
    }
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (k == 3 ? recipient.reply.code == 250 : draw(10) < 8)
            evidence[session.evidence_count++] = evidence_of(
                kinds[k], k == 0 || k == 2 ? draw(10) >= (bot ? 5 : 1) : draw(10) < (bot ? 6 : 1));
    session_conclude(&session);
    columns_add(columns, &session);
}

/* So many of them. */
static struct columns *generated(size_t count)
{
    struct columns *columns = columns_new();
    usec at = 1700000000 * USEC_SECOND;
    for (size_t i = 0; i < count; i++, at += (usec)draw(500000))
        add_session(columns, (int64_t)i + 1, at);
    columns_finish(columns, USEC_NONE, USEC_NONE);
    return columns;
}

#endif

/* Records at random. */
#include "tests/lib/contacts.h"

#include <string.h>

static uint64_t state;

static uint64_t draw(uint64_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % below;
}

static const char *const senders[] = { "a@b.example", "c@d.example", "", "news-17@b.example" };
static const char *const recipients[] = { "u@l.example", "v@l.example", "n@l.example" };
static const uint8_t kinds[CONTACT_EVIDENCE] = { KIND_RDNS, KIND_DNSBL, KIND_RECIPIENT, KIND_SPAM };

/* Whether a recipient exists does not change, nor does a message's content. */
static struct evidence evidence_of(const struct recorded *recorded, uint8_t kind)
{
    struct evidence evidence = { .kind = kind, .transaction = -1, .recipient = -1, .origin = ORIGIN_LOG };
    bool is_n = str_eq(recorded->recipient.address, str_of(recipients[2]));
    evidence.state = kind == KIND_SPAM ? UNKNOWN : (uint8_t)tri_of((int)draw(2));
    if (kind == KIND_RECIPIENT)
        evidence.state = (uint8_t)tri_of(!is_n);
    if (kind == KIND_DNSBL)
        evidence.subject = STR("z.example");
    if (kind == KIND_SPAM)
        evidence.a = (int64_t)(recorded->transaction.mail_from.len * 7 + is_n) % 20 * 1000;
    return evidence;
}

static struct reply random_reply(void)
{
    static const uint8_t named[] = { NAMED_OTHER, NAMED_NO_RDNS, NAMED_DNSBL, NAMED_GREYLIST,
                                     NAMED_RECIPIENT };
    if (draw(3) == 0)
        return (struct reply){ .code = 250, .stage = STAGE_RCPT };
    return (struct reply){ .code = draw(2) ? 450 : 550, .named = named[draw(5)], .stage = STAGE_RCPT };
}

static void bind(struct recorded *recorded)
{
    recorded->transaction.recipients = &recorded->recipient;
    recorded->session.transactions = &recorded->transaction;
    recorded->session.evidence = recorded->evidence;
}

static void make(struct recorded *recorded, int64_t id, usec at, struct reply reply)
{
    *recorded = (struct recorded){ 0 };
    recorded->recipient =
        (struct recipient){ .address = str_of(recipients[draw(3)]), .reply = reply, .at = at };
    recorded->transaction = (struct transaction){
        .mail_from = str_of(senders[draw(4)]), .size = -1, .at = at, .recipient_count = 1
    };
    recorded->transaction.verdict = reply.code < 400 ? VERDICT_ACCEPTED : VERDICT_NONE;
    recorded->session = (struct session){ .id = id,
                                          .started = at,
                                          .ended = at,
                                          .client = ip_from_v4(0xc0000200u + (uint32_t)draw(4) * 0x81u),
                                          .server = STR("mx"),
                                          .stage = STAGE_RCPT,
                                          .transaction_count = 1 };
    bind(recorded);
}

size_t contacts_record(unsigned seed, unsigned told, struct recorded recorded[CONTACTS_MOST])
{
    state = seed;
    size_t count = 1 + draw(CONTACTS_MOST);
    usec at = 1000000 * USEC_SECOND;
    for (size_t i = 0; i < count; i++) {
        at += (usec)draw(4000) * USEC_SECOND;
        make(&recorded[i], (int64_t)i + 1, at, random_reply());
        for (size_t k = 0; k < CONTACT_EVIDENCE; k++)
            if (draw(10) < told)
                recorded[i].evidence[recorded[i].session.evidence_count++] =
                    evidence_of(&recorded[i], kinds[k]);
        session_conclude(&recorded[i].session);
    }
    return count;
}

void contact_unknown(struct recorded *recorded)
{
    state = 1;
    make(recorded, 1, 1000000 * USEC_SECOND, (struct reply){ .code = 250, .stage = STAGE_RCPT });
    session_conclude(&recorded->session);
}

void recorded_copy(struct recorded *to, const struct recorded *from)
{
    *to = *from;
    bind(to);
}

void recorded_fill(struct recorded *recorded)
{
    struct session *session = &recorded->session;
    for (size_t k = 0; k < CONTACT_EVIDENCE; k++) {
        bool there = false;
        for (uint32_t e = 0; e < session->evidence_count; e++)
            there = there || session->evidence[e].kind == kinds[k];
        if (!there)
            session->evidence[session->evidence_count++] = evidence_of(recorded, kinds[k]);
    }
}

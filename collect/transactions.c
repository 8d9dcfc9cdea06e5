/* Transactions of a session that turn out to be fewer or more than it seemed: joined, split, taken out, with
 * their recipients, evidence and keys. */
#include "collect/building.h"

/* Of everything that names a transaction, those at `from` and beyond move by `by`. */
static void renumber(struct builder *builder, struct open_session *open, int32_t from, int32_t by)
{
    struct session *session = &open->session;
    for (uint32_t i = 0; i < session->evidence_count; i++)
        if (session->evidence[i].transaction >= from)
            session->evidence[i].transaction += by;
    for (uint32_t number = building_of(open)->keys.first; number; number = builder->keys.entry[number].after)
        if (builder->keys.entry[number].transaction >= from)
            builder->keys.entry[number].transaction += by;
    if (open->transaction >= from)
        open->transaction += by;
}

static void take_out(struct session *session, uint32_t index)
{
    session->transaction_count--;
    memmove(&session->transactions[index], &session->transactions[index + 1],
            (session->transaction_count - index) * sizeof *session->transactions);
}

void builder_join_transaction(struct builder *builder, struct open_session *open, uint32_t index)
{
    struct session *session = &open->session;
    struct transaction *into = &session->transactions[index - 1], *from = &session->transactions[index];
    int32_t moved = (int32_t)into->recipient_count, at = (int32_t)index;
    for (uint32_t i = 0; i < from->recipient_count; i++) {
        struct recipient *recipient = building_add_recipient(&builder->pool, building_of(open), into);
        if (!recipient)
            break;
        *recipient = from->recipients[i];
    }
    struct transaction joined = *from;
    joined.recipients = into->recipients;
    joined.recipient_count = into->recipient_count;
    joined.at = into->at;
    *into = joined;
    for (uint32_t i = 0; i < session->evidence_count; i++)
        if (session->evidence[i].transaction == at && session->evidence[i].recipient >= 0)
            session->evidence[i].recipient += moved;
    renumber(builder, open, at, -1);
    take_out(session, index);
}

void builder_split_transaction(struct builder *builder, struct open_session *open, uint32_t index)
{
    struct session *session = &open->session;
    uint32_t before = session->transaction_count;
    uint32_t more = session->transactions[index].recipient_count - 1;
    for (uint32_t i = 0; i < more; i++)
        if (!building_add_transaction(&builder->pool, building_of(open))) {
            session->transaction_count = before;
            return;
        }
    struct transaction *here = &session->transactions[index];
    memmove(here + 1 + more, here + 1, (before - index - 1) * sizeof *here);
    renumber(builder, open, (int32_t)index + 1, (int32_t)more);
    struct recipient *recipients = here->recipients;
    for (uint32_t i = 0; i <= more; i++) {
        if (i)
            here[i] = here[0];
        here[i].recipients = &recipients[i];
        here[i].recipient_count = 1;
        here[i].at = recipients[i].at;
    }
    for (uint32_t i = 0; i < session->evidence_count; i++) {
        struct evidence *evidence = &session->evidence[i];
        if (evidence->transaction == (int32_t)index && evidence->recipient > 0) {
            evidence->transaction += evidence->recipient;
            evidence->recipient = 0;
        }
    }
}

void builder_drop_transaction(struct builder *builder, struct open_session *open, uint32_t index)
{
    struct session *session = &open->session;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < session->evidence_count; i++)
        if (session->evidence[i].transaction != (int32_t)index)
            session->evidence[kept++] = session->evidence[i];
    session->evidence_count = kept;
    for (uint32_t number = building_of(open)->keys.first; number; number = builder->keys.entry[number].after)
        if (builder->keys.entry[number].transaction == (int32_t)index)
            builder->keys.entry[number].transaction = -1;
    if (open->transaction == (int32_t)index)
        open->transaction = -1;
    renumber(builder, open, (int32_t)index + 1, -1);
    take_out(session, index);
}

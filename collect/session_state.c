/* A session as bytes. */
#include "collect/session_state.h"

#include "base/memory.h"

static void carry_reply(struct state_bytes *state, struct reply *reply)
{
    carry(state, &reply->code);
    carry(state, &reply->named);
    carry(state, &reply->stage);
    carry(state, &reply->enhanced);
    carry(state, &reply->text);
}

static void carry_recipient(struct state_bytes *state, struct recipient *recipient)
{
    carry(state, &recipient->address);
    carry_reply(state, &recipient->reply);
    carry(state, &recipient->verdict);
    carry(state, &recipient->valid);
    carry(state, &recipient->at);
}

static void carry_transaction(struct state_bytes *state, struct transaction *transaction, session_room *room)
{
    carry(state, &transaction->mail_from);
    carry(state, &transaction->queue_id);
    carry(state, &transaction->message_id);
    carry(state, &transaction->size);
    carry_reply(state, &transaction->reply);
    carry(state, &transaction->verdict);
    carry(state, &transaction->at);
    transaction->recipient_count = (uint32_t)carry_count(state, transaction->recipient_count);
    if (state->loading)
        transaction->recipients = room(state->owner, PART_RECIPIENTS, transaction->recipient_count,
                                       sizeof *transaction->recipients);
    for (uint32_t i = 0; i < transaction->recipient_count; i++)
        carry_recipient(state, &transaction->recipients[i]);
}

void carry_evidence(struct state_bytes *state, struct evidence *evidence)
{
    carry(state, &evidence->kind);
    carry(state, &evidence->state);
    carry(state, &evidence->origin);
    carry(state, &evidence->transaction);
    carry(state, &evidence->recipient);
    carry(state, &evidence->a);
    carry(state, &evidence->b);
    carry(state, &evidence->at);
    carry(state, &evidence->subject);
    carry(state, &evidence->detail);
}

void carry_session(struct state_bytes *state, struct session *session, session_room *room)
{
    carry(state, &session->input);
    carry(state, &session->first_offset);
    carry(state, &session->last_offset);
    carry(state, &session->started);
    carry(state, &session->ended);
    carry_bytes(state, &session->client, sizeof session->client);
    carry(state, &session->client_port);
    carry_bytes(state, &session->server_address, sizeof session->server_address);
    carry(state, &session->server_port);
    carry(state, &session->server);
    carry(state, &session->service);
    carry(state, &session->client_name);
    carry(state, &session->helo);
    carry(state, &session->auth_user);
    carry(state, &session->direction);
    carry(state, &session->stage);
    carry(state, &session->closed);
    carry(state, &session->verdict);
    carry(state, &session->tls);
    carry(state, &session->gap);
    carry(state, &session->cut_off);
    carry_reply(state, &session->reply);
    session->transaction_count = (uint32_t)carry_count(state, session->transaction_count);
    session->evidence_count = (uint32_t)carry_count(state, session->evidence_count);
    if (state->loading) {
        session->transactions =
            room(state->owner, PART_TRANSACTIONS, session->transaction_count, sizeof *session->transactions);
        session->evidence =
            room(state->owner, PART_EVIDENCE, session->evidence_count, sizeof *session->evidence);
    }
    for (uint32_t i = 0; i < session->transaction_count; i++)
        carry_transaction(state, &session->transactions[i], room);
    for (uint32_t i = 0; i < session->evidence_count; i++)
        carry_evidence(state, &session->evidence[i]);
}

static struct str keep_text(void *arena, struct str text)
{
    return arena_str(arena, text);
}

static void *keep_array(void *arena, enum session_part part, size_t count, size_t size)
{
    (void)part;
    return count ? arena_zero(arena, count * size) : NULL;
}

struct str session_save(struct state_bytes *state, const struct session *session)
{
    struct session saved = *session;
    state_begin(state);
    carry_session(state, &saved, NULL);
    return state_end(state);
}

int session_load(struct str bytes, struct session *session, struct arena *arena)
{
    struct state_bytes state = state_load(bytes);
    *session = (struct session){ .id = 0 };
    state.keep = keep_text;
    state.owner = arena;
    carry_session(&state, session, keep_array);
    return state.broken ? -1 : 0;
}

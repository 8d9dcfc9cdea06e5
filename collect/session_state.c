/* A session as bytes. */
#include "collect/session_state.h"

#include "base/memory.h"

/* Of one array: more than the builder and joining make of a session. */
enum { ARRAY_BYTES_MOST = 16 * 1024 * 1024 };

/* How many there are, and room for them; none where that is more than anybody has written. */
static void *carry_room(struct state_bytes *state, session_room *room, enum session_part part, void *array,
                        uint32_t *count, size_t size)
{
    size_t number = carry_count(state, *count);
    state->broken |= number > ARRAY_BYTES_MOST / size;
    *count = state->broken ? 0 : (uint32_t)number;
    return state->loading ? room(state->owner, part, *count, size) : array;
}

static void carry_reply(struct state_bytes *state, struct reply *reply)
{
    carry(state, &reply->code);
    carry_enum(state, &reply->named, NAMED_COUNT);
    carry_enum(state, &reply->stage, STAGES);
    carry(state, &reply->enhanced);
    carry(state, &reply->text);
}

static void carry_recipient(struct state_bytes *state, struct recipient *recipient)
{
    carry(state, &recipient->address);
    carry_reply(state, &recipient->reply);
    carry_enum(state, &recipient->verdict, VERDICTS);
    carry_enum(state, &recipient->valid, YES + 1);
    carry_time(state, &recipient->at);
}

static void carry_transaction(struct state_bytes *state, struct transaction *transaction, session_room *room)
{
    carry(state, &transaction->mail_from);
    carry(state, &transaction->queue_id);
    carry(state, &transaction->message_id);
    carry(state, &transaction->size);
    carry_reply(state, &transaction->reply);
    carry_enum(state, &transaction->verdict, VERDICTS);
    carry_time(state, &transaction->at);
    transaction->recipients = carry_room(state, room, PART_RECIPIENTS, transaction->recipients,
                                         &transaction->recipient_count, sizeof *transaction->recipients);
    for (uint32_t i = 0; i < transaction->recipient_count; i++)
        carry_recipient(state, &transaction->recipients[i]);
}

void carry_evidence(struct state_bytes *state, struct evidence *evidence)
{
    carry_enum(state, &evidence->kind, KINDS);
    carry_enum(state, &evidence->state, YES + 1);
    carry_enum(state, &evidence->origin, ORIGINS);
    carry(state, &evidence->transaction);
    carry(state, &evidence->recipient);
    carry(state, &evidence->a);
    carry(state, &evidence->b);
    carry_time(state, &evidence->at);
    carry(state, &evidence->subject);
    carry(state, &evidence->detail);
}

/* What is of a transaction or a recipient that there is not is of the whole. */
static void place_evidence(const struct session *session, struct evidence *evidence)
{
    if (evidence->transaction < 0 || (uint32_t)evidence->transaction >= session->transaction_count)
        evidence->transaction = WHOLE_SESSION;
    if (evidence->transaction < 0 || evidence->recipient < 0 ||
        (uint32_t)evidence->recipient >= session->transactions[evidence->transaction].recipient_count)
        evidence->recipient = WHOLE_TRANSACTION;
}

void carry_session(struct state_bytes *state, struct session *session, session_room *room)
{
    carry(state, &session->input);
    carry(state, &session->first_offset);
    carry(state, &session->last_offset);
    carry_time(state, &session->started);
    carry_time(state, &session->ended);
    carry_bytes(state, &session->client, sizeof session->client);
    carry(state, &session->client_port);
    carry_bytes(state, &session->server_address, sizeof session->server_address);
    carry(state, &session->server_port);
    carry(state, &session->server);
    carry(state, &session->service);
    carry(state, &session->client_name);
    carry(state, &session->helo);
    carry(state, &session->auth_user);
    carry_enum(state, &session->direction, DIRECTION_OUT + 1);
    carry_enum(state, &session->stage, STAGES);
    carry_enum(state, &session->closed, CLOSED_KINDS);
    carry_enum(state, &session->verdict, VERDICTS);
    carry(state, &session->tls);
    carry(state, &session->gap);
    carry(state, &session->cut_off);
    carry_reply(state, &session->reply);
    session->transactions = carry_room(state, room, PART_TRANSACTIONS, session->transactions,
                                       &session->transaction_count, sizeof *session->transactions);
    session->evidence = carry_room(state, room, PART_EVIDENCE, session->evidence, &session->evidence_count,
                                   sizeof *session->evidence);
    for (uint32_t i = 0; i < session->transaction_count; i++)
        carry_transaction(state, &session->transactions[i], room);
    for (uint32_t i = 0; i < session->evidence_count; i++)
        carry_evidence(state, &session->evidence[i]);
    for (uint32_t i = 0; i < session->evidence_count && state->loading; i++)
        place_evidence(session, &session->evidence[i]);
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

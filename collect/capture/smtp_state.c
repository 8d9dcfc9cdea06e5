/* A dialog from one run to the next. Neither passwords nor contents of messages go with it: of a line that
 * has come in part no more than what tells which command it is and what that says of the session; the rest
 * only counts. What comes back may be anything, so each number is looked at before it is used. */
#include <stdlib.h>
#include "base/memory.h"
#include "collect/capture/smtp_dialog.h"
#include "collect/state.h"

enum { MASK = '*' };

static void carry_size(struct state_bytes *state, size_t *size, size_t most)
{
    uint64_t number = *size;
    carry(state, &number);
    state->broken |= number > most;
    *size = state->broken ? 0 : (size_t)number;
}

/* `buffer` has room for `most` bytes. */
static void carry_text(struct state_bytes *state, char *buffer, size_t *len, size_t most)
{
    carry_size(state, len, most);
    if (*len)
        carry_bytes(state, buffer, *len);
}

/* ---- Lines. */

/* How much of a part of a client's line may be kept: where it is a command all of it, but of AUTH nothing
 * behind the mechanism. A line that is none may be a password whose question was not captured. */
static size_t harmless(const struct smtp *smtp, struct str line)
{
    if (smtp->state != COMMAND || !smtp_may_be_command(line))
        return 0;
    return smtp_before_response(line);
}

static void carry_line(struct state_bytes *state, struct smtp *smtp, enum side side)
{
    struct part_line *part = &smtp->line[side];
    carry_size(state, &part->len, PART_LINE_BYTES);
    carry_time(state, &part->began);
    if (!part->len)
        return;
    if (state->loading) {
        mem_room(part->at, part->capacity, part->len + 1);
        carry_bytes(state, part->at, part->len);
        return;
    }
    char kept[PART_LINE_BYTES];
    struct str line = { part->at, part->len };
    size_t plain = side == SIDE_SERVER ? line.len : harmless(smtp, line);
    memcpy(kept, line.at, line.len);
    for (size_t i = plain; i < line.len; i++)
        if (kept[i] != '\r')
            kept[i] = MASK;
    carry_bytes(state, kept, line.len);
}

/* ---- Headers. */

static bool is_kept(struct str field)
{
    static const struct str names[] = { STR_INIT("Message-ID"), STR_INIT("From"), STR_INIT("Subject") };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t len = field.len < names[i].len ? field.len : names[i].len;
        if (str_eq_nocase((struct str){ field.at, len }, (struct str){ names[i].at, len }))
            return true;
    }
    return false;
}

static void carry_headers(struct state_bytes *state, struct smtp *smtp)
{
    bool any = smtp->headers;
    carry(state, &any);
    if (!any)
        return;
    if (state->loading)
        smtp->headers = mem_zero(1, sizeof *smtp->headers);
    struct headers headers = *smtp->headers;
    if (!state->loading && !is_kept((struct str){ headers.field, headers.len }))
        memset(headers.field, MASK, headers.len);
    carry(state, &headers.ended);
    carry(state, &headers.line);
    carry_text(state, headers.field, &headers.len, sizeof headers.field);
    carry_text(state, headers.message_id, &headers.message_id_len, sizeof headers.message_id);
    carry_text(state, headers.from, &headers.from_len, sizeof headers.from);
    carry_text(state, headers.subject, &headers.subject_len, sizeof headers.subject);
    if (state->loading)
        *smtp->headers = headers;
}

/* ---- The dialog. */

static bool is_index(const struct smtp *smtp, int32_t transaction, int32_t recipient)
{
    const struct session *session = smtp->open ? &smtp->open->session : NULL;
    if (!session || transaction < 0)
        return transaction >= -1 && recipient >= -1;
    return (uint32_t)transaction < session->transaction_count &&
           (recipient < 0 || (uint32_t)recipient < session->transactions[transaction].recipient_count);
}

static void carry_pending(struct state_bytes *state, struct smtp *smtp)
{
    size_t count = carry_count(state, smtp->pending_count - smtp->pending_first);
    if (state->loading && count) {
        mem_room(smtp->pending, smtp->pending_capacity, count);
        smtp->pending_count = count;
    }
    for (size_t i = 0; i < count && !state->broken; i++) {
        struct pending *asked = &smtp->pending[smtp->pending_first + i];
        if (state->loading)
            *asked = (struct pending){ .command = C_BANNER };
        carry(state, &asked->command);
        carry(state, &asked->transaction);
        carry(state, &asked->recipient);
        state->broken |= asked->command > C_UNKNOWN || !is_index(smtp, asked->transaction, asked->recipient);
    }
}

static void carry_flags(struct state_bytes *state, struct smtp *smtp)
{
    bool *const flags[] = {
        &smtp->lost,         &smtp->resync,       &smtp->quit,          &smtp->pipelining,
        &smtp->implicit_tls, &smtp->astray,       &smtp->server_spoke,  &smtp->server_lost,
        &smtp->told,         &smtp->last_chunk,   &smtp->server_opaque, &smtp->timed_out,
        &smtp->farewell,     &smtp->injected,     &smtp->early,         &smtp->early_told,
        &smtp->ahead,        &smtp->bare_newline, &smtp->commands,
    };
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        carry(state, flags[i]);
}

static void carry_reading(struct state_bytes *state, struct smtp *smtp)
{
    size_t said = smtp->reply_len > smtp->said_len ? smtp->reply_len : smtp->said_len,
           head = smtp->tls.head_len;
    carry(state, &smtp->message.size);
    carry(state, &smtp->message.loose_end);
    carry(state, &smtp->message.reading);
    state->broken |= smtp->message.reading > MESSAGE_READING_MOST;
    carry(state, &smtp->chunk_left);
    carry_text(state, (char *)smtp->tls.head, &head, sizeof smtp->tls.head - 1);
    smtp->tls.head_len = (unsigned)head;
    carry(state, &smtp->tls.left);
    carry(state, &smtp->tls.lost);
    carry(state, &smtp->code);
    carry_text(state, smtp->reply, &said, sizeof smtp->reply);
    carry_size(state, &smtp->reply_len, said);
    carry_size(state, &smtp->said_len, said);
}

static void carry_auth(struct state_bytes *state, struct smtp *smtp)
{
    size_t len = strlen(smtp->mechanism);
    carry_text(state, smtp->mechanism, &len, sizeof smtp->mechanism - 1);
    carry(state, &smtp->auth_step);
    carry_text(state, smtp->user, &smtp->user_len, sizeof smtp->user);
}

static void carry_dialog(struct state_bytes *state, struct smtp *smtp)
{
    carry_time(state, &smtp->connected);
    carry_time(state, &smtp->seen);
    carry_flags(state, smtp);
    carry(state, &smtp->state);
    state->broken |= smtp->state > OPAQUE;
    carry(state, &smtp->transaction);
    state->broken |= !is_index(smtp, smtp->transaction, WHOLE_TRANSACTION);
    carry_time(state, &smtp->spoke);
    carry_time(state, &smtp->banner);
    carry_time(state, &smtp->replied);
    carry_time(state, &smtp->tls_at);
    carry_reading(state, smtp);
    carry_auth(state, smtp);
    carry_headers(state, smtp);
    carry_line(state, smtp, SIDE_CLIENT);
    carry_line(state, smtp, SIDE_SERVER);
    carry_pending(state, smtp);
}

void smtp_save(struct smtp *smtp, struct state_bytes *state)
{
    uint32_t number = smtp->open ? builder_number(smtp->open) : 0;
    carry(state, &number);
    carry_dialog(state, smtp);
}

struct smtp *smtp_load(struct smtp_world *world, struct open_session **on_the_wire, size_t count,
                       struct state_bytes *state)
{
    struct smtp *smtp = mem_zero(1, sizeof *smtp);
    uint32_t number = 0;
    smtp->world = world;
    carry(state, &number);
    if (number && !state->broken) {
        smtp->open = number <= count ? on_the_wire[number - 1] : NULL;
        state->broken |= !smtp->open;
    }
    if (smtp->open) {
        on_the_wire[number - 1] = NULL;
        smtp->open->notes = smtp;
        smtp->open->conclude = smtp_conclude;
    }
    carry_dialog(state, smtp);
    return smtp;
}

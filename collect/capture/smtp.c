/* The SMTP dialog of one connection. The client's bytes are in one of the states of smtp_dialog.h; what a
 * server's reply means is told by the command that it answers, which waits in a queue: with pipelining there
 * are many. Where the meaning of the client's next bytes hangs on a reply (is it a message after DATA, or
 * commands?) they are not taken before it. */
#define _GNU_SOURCE
#include "collect/capture/smtp.h"

#include <stdlib.h>
#include "base/memory.h"
#include "collect/capture/smtp_dialog.h"

enum { PENDING_MOST = 4096 /* commands without reply; then the client has to wait */ };

static struct line place_of(const struct connection *connection, usec at)
{
    return (struct line){ .at = at, .input = connection->input, .offset = connection->last_offset };
}

struct smtp *smtp_new(struct smtp_world *world, const struct connection *connection)
{
    struct smtp *smtp = mem_zero(1, sizeof *smtp);
    struct line line = place_of(connection, connection->started);
    line.offset = connection->offset;
    smtp->world = world;
    smtp->connected = connection->midway ? USEC_NONE : connection->established;
    smtp->banner = smtp->replied = smtp->tls_at = USEC_NONE;
    smtp->spoke = connection->waited;
    smtp->seen = connection->started;
    smtp->transaction = -1;
    smtp->lost = smtp->resync = connection->midway;
    smtp->open = builder_open(world->builder, 0, &line);
    struct session *session = &smtp->open->session;
    smtp->open->notes = smtp;
    smtp->open->conclude = smtp_conclude;
    session->server_address = connection->address[SIDE_SERVER];
    session->server_port = connection->port[SIDE_SERVER];
    builder_set_client(world->builder, smtp->open, &connection->address[SIDE_CLIENT],
                       connection->port[SIDE_CLIENT]);
    if (!connection->midway) {
        mem_room(smtp->pending, smtp->pending_capacity, 1);
        smtp->pending[smtp->pending_count++] = (struct pending){ C_BANNER, WHOLE_SESSION, WHOLE_TRANSACTION };
    }
    return smtp;
}

size_t smtp_memory(const struct smtp *smtp)
{
    return sizeof *smtp + (smtp->headers ? sizeof *smtp->headers : 0) + smtp->line[0].capacity +
           smtp->line[1].capacity + smtp->pending_capacity * sizeof *smtp->pending;
}

static void take_server(struct smtp *smtp, const struct connection *connection, struct str bytes, usec at)
{
    struct str line;
    usec began;
    bool bare = false;
    smtp->server_spoke = true;
    if (smtp->state == OPAQUE && smtp->banner == USEC_NONE && tls_is_answer(bytes))
        smtp->implicit_tls = smtp->server_opaque = true;
    while (bytes.len && !smtp->server_opaque)
        if (part_cut_line(&smtp->line[SIDE_SERVER], &bytes, at, &line, &began, &bare))
            smtp_reply_line(smtp, connection, line, at);
}

static size_t take_client(struct smtp *smtp, const struct connection *connection, struct str bytes, usec at,
                          bool must)
{
    size_t all = bytes.len;
    struct str line;
    usec began;
    bool bare = false;
    smtp_begin_turn(smtp);
    if (smtp->spoke == USEC_NONE) {
        smtp->spoke = at;
        if (tls_is_hello(bytes) && !connection->midway) { /* RFC 8314 3.3, or somebody's mistake */
            if (connection->port[SIDE_SERVER] != 465)
                smtp_note_foreign(smtp, STR("TLS hello"), at);
            smtp->state = OPAQUE;
        }
    }
    while (bytes.len) {
        switch ((enum state)smtp->state) {
        case WAIT_DATA:
        case WAIT_TLS:
        case WAIT_AUTH:
            if (smtp->pending_first < smtp->pending_count && !must)
                return all - bytes.len;
            smtp_guess(smtp, bytes);
            break;
        case COMMAND:
            if (smtp->pending_count - smtp->pending_first >= PENDING_MOST && !must)
                return all - bytes.len;
            if (part_cut_line(&smtp->line[SIDE_CLIENT], &bytes, at, &line, &began, &bare)) {
                smtp->bare_newline |= bare;
                smtp_note_ahead(smtp, began);
                smtp_command(smtp, line, began);
                if (smtp->farewell) /* RFC 5321 3.8: crossed it on the way */
                    smtp_answered(smtp, connection,
                                  &(struct answer){ 421, { smtp->reply, smtp->said_len }, smtp->replied });
            }
            break;
        case AUTH_LINE:
            if (part_cut_line(&smtp->line[SIDE_CLIENT], &bytes, at, &line, &began, &bare)) {
                smtp_auth_line(smtp, line);
                if (smtp->line[SIDE_CLIENT].at)
                    explicit_bzero(smtp->line[SIDE_CLIENT].at, smtp->line[SIDE_CLIENT].capacity);
            }
            break;
        case MESSAGE:
            if (smtp->headers)
                headers_take(smtp->headers, bytes);
            if (message_take(&smtp->message, &bytes))
                smtp_end_message(smtp);
            break;
        case CHUNK: {
            size_t n = bytes.len < smtp->chunk_left ? bytes.len : (size_t)smtp->chunk_left;
            if (smtp->headers)
                headers_take(smtp->headers, (struct str){ bytes.at, n });
            smtp->chunk_left -= n;
            bytes = str_skip(bytes, n);
            if (smtp->chunk_left == 0)
                smtp_end_chunk(smtp);
            break;
        }
        case OPAQUE:
            if (smtp->tls_at != USEC_NONE && at < smtp->tls_at) {
                /* CVE-2011-0411: what a client puts behind STARTTLS must not be read as if it came through
                 * TLS */
                smtp->ahead = smtp->injected = true;
                smtp->tls_at = USEC_NONE;
            }
            if (tls_take(&smtp->tls, bytes) && smtp->open)
                smtp->open->session.tls = true;
            bytes.len = 0;
            break;
        }
    }
    return all;
}

size_t smtp_bytes(struct smtp *smtp, const struct connection *connection, enum side from, struct str bytes,
                  usec at, bool must)
{
    struct line line = place_of(connection, at);
    smtp->seen = at;
    if (smtp->open)
        builder_took(smtp->world->builder, smtp->open, &line);
    if (from == SIDE_CLIENT)
        return take_client(smtp, connection, bytes, at, must);
    take_server(smtp, connection, bytes, at);
    return bytes.len;
}

static enum closed closed_how(const struct smtp *smtp, const struct connection *connection)
{
    if (smtp->quit)
        return CLOSED_QUIT;
    if (connection->ending != ENDING_FIN && connection->ending != ENDING_RST)
        return CLOSED_UNKNOWN;
    if (smtp->state == OPAQUE) /* QUIT may have been said inside */
        return CLOSED_UNKNOWN;
    if (connection->closed_by == SIDE_CLIENT)
        return CLOSED_LOST;
    return smtp->timed_out ? CLOSED_TIMEOUT : CLOSED_DROPPED;
}

static void free_dialog(struct smtp *smtp)
{
    for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER; side++)
        free(smtp->line[side].at);
    free(smtp->headers);
    free(smtp->pending);
    free(smtp);
}

void smtp_close(struct smtp *smtp, const struct connection *connection)
{
    bool ended = connection->ending == ENDING_FIN || connection->ending == ENDING_RST;
    struct line line = place_of(connection, ended ? connection->seen : USEC_NONE);
    smtp->seen = connection->seen;
    if (smtp->open) {
        enum closed closed = closed_how(smtp, connection);
        smtp->open->session.cut_off |= closed == CLOSED_DROPPED;
        if (!connection->answered)
            smtp_note_unanswered(smtp, connection);
        smtp->lost |= (connection->one_way && connection->answered) || connection->ending == ENDING_PRESSED ||
                      connection->ending == ENDING_REUSED;
        builder_close(smtp->world->builder, smtp->open, &line, closed);
    }
    free_dialog(smtp);
}

void smtp_drop(struct smtp *smtp)
{
    if (smtp->open) {
        smtp->open->conclude = NULL;
        smtp->open->notes = NULL;
    }
    free_dialog(smtp);
}

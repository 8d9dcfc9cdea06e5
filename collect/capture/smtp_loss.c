/* Where the capture has lost something: how a dialog finds its way again. */
#include "collect/capture/smtp_dialog.h"

void smtp_forget_pending(struct smtp *smtp)
{
    for (; smtp->pending_first < smtp->pending_count; smtp->pending_first++) {
        const struct pending *asked = &smtp->pending[smtp->pending_first];
        if ((asked->command == C_MESSAGE || asked->command == C_BDAT_LAST) &&
            asked->transaction == smtp->transaction) {
            smtp->transaction = -1;
            smtp->message.size = 0;
        }
    }
}

void smtp_guess(struct smtp *smtp, struct str bytes)
{
    struct str line = bytes;
    size_t len = 0;
    while (len < bytes.len && len < 64 && bytes.at[len] != '\r' && bytes.at[len] != '\n')
        len++;
    line.len = len;
    bool is_command = smtp_is_command(line);
    if (smtp->state == WAIT_TLS && tls_is_hello(bytes))
        smtp_begin_tls(smtp);
    else if (smtp->state == WAIT_DATA && !is_command)
        smtp_begin_message(smtp);
    else if (smtp->state == WAIT_AUTH && !is_command)
        smtp->state = AUTH_LINE;
    else
        smtp->state = COMMAND;
}

/* The client has heard the server and speaks again. Where something was lost before that, what seems to be
 * open is not: replies that were lost with their commands, the beginning of a line that was none, a message
 * that the server has answered. That is a guess only where the client still had commands under way when it
 * spoke. */
void smtp_begin_turn(struct smtp *smtp)
{
    bool anew = smtp->server_spoke, still = smtp->server_lost;
    smtp->server_spoke = smtp->server_lost = false;
    if (!anew || !smtp->astray || (smtp->state != COMMAND && smtp->state != MESSAGE))
        return;
    if (smtp->state == MESSAGE)
        smtp->transaction = -1;
    smtp->state = COMMAND;
    smtp->astray = still;
    smtp_forget_pending(smtp);
    smtp->line[SIDE_CLIENT].len = 0;
}

void smtp_lost(struct smtp *smtp, const struct connection *connection, enum side from, uint64_t count,
               usec at)
{
    (void)connection;
    (void)at;
    if (from == SIDE_CLIENT)
        smtp_begin_turn(smtp);
    smtp->lost = smtp->astray = true;
    smtp->line[from].len = 0;
    if (from == SIDE_SERVER) { /* whatever was asked has been answered there, as far as can be known */
        smtp_forget_pending(smtp);
        smtp->code = 0;
        smtp->reply_len = 0;
        smtp->resync = true;
        smtp->server_spoke = smtp->server_lost = true;
        return;
    }
    if (smtp->spoke == USEC_NONE)
        smtp->spoke = at;
    smtp->tls.lost = true;
    if (smtp->headers)
        smtp->headers->ended = true;
    switch ((enum state)smtp->state) {
    case MESSAGE:
        smtp->message.size += count;
        message_lost(&smtp->message);
        break;
    case CHUNK:
        if (count <= smtp->chunk_left) {
            smtp->chunk_left -= count;
            if (smtp->chunk_left == 0)
                smtp_end_chunk(smtp);
            break;
        }
        smtp->state = COMMAND;
        smtp->resync = true;
        break;
    case OPAQUE:
        break;
    case COMMAND:
    case WAIT_DATA:
    case WAIT_TLS:
    case WAIT_AUTH:
    case AUTH_LINE:
        smtp->resync = true;
        break;
    }
}

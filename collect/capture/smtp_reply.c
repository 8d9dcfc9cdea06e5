/* Replies (RFC 5321 4.2): each is the answer to the command that has waited longest. */
#include "collect/capture/smtp_dialog.h"

/* Whether some recipient of it was not refused: else a refusal at DATA stops nothing that was not stopped
 * before. */
static bool has_recipient(const struct smtp *smtp, int32_t transaction)
{
    const struct transaction *asked = &smtp->open->session.transactions[transaction];
    for (uint32_t i = 0; i < asked->recipient_count; i++)
        if (asked->recipients[i].reply.code < 400)
            return true;
    return false;
}

/* The server's word about a whole message. */
static void message_told(struct smtp *smtp, const struct answer *answer, int32_t transaction)
{
    if (!smtp->open || transaction < 0)
        return;
    struct transaction *message = &smtp->open->session.transactions[transaction];
    if (answer->code >= 200 && answer->code < 300) {
        message->verdict = VERDICT_ACCEPTED;
        message->queue_id = builder_keep(smtp->world->builder, smtp->open, smtp_queue_id(answer->text));
    } else {
        smtp_refused(smtp, answer, STAGE_EOM, transaction, WHOLE_TRANSACTION);
    }
    if (smtp->transaction == transaction)
        smtp->transaction = -1;
}

static void auth_told(struct smtp *smtp, const struct answer *answer)
{
    if (smtp->state == WAIT_AUTH)
        smtp->state = answer->code == 334 ? AUTH_LINE : COMMAND;
    if (answer->code == 334 || !smtp->open)
        return;
    struct evidence evidence = smtp_evidence(KIND_AUTH,
                                             answer->code == 235   ? YES
                                             : answer->code == 535 ? NO
                                                                   : UNKNOWN,
                                             answer->at); /* RFC 4954 6 */
    evidence.subject = (struct str){ smtp->user_len ? smtp->user : NULL, smtp->user_len };
    evidence.detail = str_of(smtp->mechanism);
    builder_add_evidence(smtp->world->builder, smtp->open, &evidence);
    if (answer->code == 235 && smtp->user_len)
        smtp->open->session.auth_user = builder_keep(smtp->world->builder, smtp->open, evidence.subject);
}

void smtp_begin_tls(struct smtp *smtp)
{
    smtp->state = OPAQUE;
    smtp->server_opaque = true;
    smtp->tls = (struct tls_records){ 0 };
    smtp->transaction = -1;
}

static void banner_told(struct smtp *smtp, const struct connection *connection, const struct answer *answer)
{
    smtp->early = smtp->spoke != USEC_NONE;
    smtp->banner = answer->at;
    servers_answered(smtp->world->servers, &connection->address[SIDE_SERVER]);
    if (smtp->open && smtp->spoke != USEC_NONE) { /* before a refusal says the same, without the times */
        smtp_add_early_talker(smtp, smtp->world->builder, smtp->open);
        smtp->early_told = true;
    }
    if (answer->code < 400)
        smtp_reach(smtp, STAGE_BANNER);
    else
        smtp_refused(smtp, answer, STAGE_CONNECT, WHOLE_SESSION, WHOLE_TRANSACTION);
}

/* Nobody asked: a timeout, a shutdown, too many errors; or the command was lost by the capture. */
static void unasked(struct smtp *smtp, const struct answer *answer)
{
    smtp->quit |= answer->code == 221 && smtp->lost; /* it only answers QUIT */
    if (answer->code == 354 && smtp->lost) {
        smtp_begin_message(smtp);
    } else if (smtp->state == MESSAGE && answer->code < 600) {
        message_told(smtp, answer, smtp->transaction);
        smtp->told = true;
        if (smtp->message.loose_end || smtp->lost) { /* the server has seen its end */
            smtp->state = COMMAND;
            smtp->resync = true;
            smtp->told = false;
        }
    } else if (answer->code == 421 && smtp->open) {
        enum stage stage = (enum stage)smtp->open->session.stage;
        smtp_refused(smtp, answer, stage, WHOLE_SESSION, WHOLE_TRANSACTION);
        smtp->farewell = true;
    }
}

void smtp_answered(struct smtp *smtp, const struct connection *connection, const struct answer *answer)
{
    struct open_session *open = smtp->open;
    smtp->replied = answer->at;
    smtp->farewell = false;
    if (answer->code == 421)
        smtp->timed_out = str_find(answer->text, STR("imeout")) || str_find(answer->text, STR("imed out"));
    /* "Go ahead" can only be about DATA: whatever was asked before it has lost its reply. */
    if (answer->code == 354)
        while (smtp->pending_first < smtp->pending_count &&
               smtp->pending[smtp->pending_first].command != C_DATA)
            smtp->pending_first++;
    if (smtp->pending_first == smtp->pending_count) {
        unasked(smtp, answer);
        return;
    }
    const struct pending asked = smtp->pending[smtp->pending_first++];
    if (smtp->state == CHUNK && smtp->astray && smtp->pending_first == smtp->pending_count) {
        smtp->state = COMMAND; /* the server has had all of it: it was no chunk, or ended in what was lost */
        smtp->resync = true;
    }
    switch ((enum command)asked.command) {
    case C_BANNER: /* RFC 5321 3.1 */
        banner_told(smtp, connection, answer);
        break;
    case C_HELO:
    case C_EHLO:
        if (answer->code >= 400)
            smtp_refused(smtp, answer, STAGE_HELO, WHOLE_SESSION, WHOLE_TRANSACTION);
        else if (open && open->session.transaction_count == 0)
            open->session.verdict = VERDICT_NONE; /* EHLO was not known, HELO is */
        break;
    case C_MAIL:
        if (asked.transaction >= 0)
            smtp_refused(smtp, answer, STAGE_MAIL, asked.transaction, WHOLE_TRANSACTION);
        break;
    case C_RCPT:
        if (asked.recipient < 0 || !open)
            break;
        struct recipient *recipient =
            &open->session.transactions[asked.transaction].recipients[asked.recipient];
        recipient->reply.code = answer->code;
        recipient->reply.stage = STAGE_RCPT;
        if (answer->code >= 400)
            smtp_refused(smtp, answer, STAGE_RCPT, asked.transaction, asked.recipient);
        else if (answer->code != 252) /* RFC 5321 3.5.3: cannot tell */
            recipient->valid = YES;
        break;
    case C_DATA:
        if (smtp->state == WAIT_DATA) {
            if (answer->code == 354)
                smtp_begin_message(smtp);
            else
                smtp->state = COMMAND;
        }
        if (open && answer->code >= 400 && asked.transaction >= 0 && has_recipient(smtp, asked.transaction))
            smtp_refused(smtp, answer, STAGE_DATA, asked.transaction, WHOLE_TRANSACTION);
        break;
    case C_BDAT:
        if (open && answer->code >= 400 && asked.transaction >= 0 && has_recipient(smtp, asked.transaction))
            smtp_refused(smtp, answer, STAGE_DATA, asked.transaction, WHOLE_TRANSACTION);
        break;
    case C_BDAT_LAST:
        if (open &&
            (answer->code < 400 || (asked.transaction >= 0 && has_recipient(smtp, asked.transaction))))
            message_told(smtp, answer, asked.transaction);
        break;
    case C_MESSAGE:
        message_told(smtp, answer, asked.transaction);
        break;
    case C_STARTTLS:
        if (smtp->state == WAIT_TLS) {
            smtp->state = COMMAND;
            if (answer->code == 220) {
                smtp->tls_at = answer->at;
                smtp_begin_tls(smtp);
            }
        }
        break;
    case C_AUTH:
        auth_told(smtp, answer);
        break;
    case C_QUIT: /* RFC 5321 4.1.1.10: 221 is its reply; it may have been a line of a message whose DATA is
                    lost */
        smtp->quit &= !smtp->lost || answer->code == 221 || answer->code == 421;
        if (answer->code == 421)
            unasked(smtp, answer);
        break;
    case C_RSET:
    case C_VRFY:
    case C_OTHER:
    case C_FOREIGN:
    case C_UNKNOWN:
        if (answer->code == 421)
            unasked(smtp, answer);
        break;
    }
}

static bool cut_code(struct str *line, int16_t *code)
{
    if (line->len < 3 || line->at[0] < '2' || line->at[0] > '5' || !is_digit(line->at[1]) ||
        !is_digit(line->at[2]))
        return false;
    *code = (int16_t)((line->at[0] - '0') * 100 + (line->at[1] - '0') * 10 + (line->at[2] - '0'));
    *line = str_skip(*line, 3);
    return line->len == 0 || line->at[0] == ' ' || line->at[0] == '-';
}

void smtp_reply_line(struct smtp *smtp, const struct connection *connection, struct str line, usec at)
{
    int16_t code = 0;
    if (!cut_code(&line, &code))
        return;
    bool more = cut_char(&line, '-');
    if (!more)
        cut_char(&line, ' ');
    if (smtp->code != code) {
        smtp->code = code;
        smtp->reply_len = 0;
    }
    if (code == 250 && smtp->pending_first < smtp->pending_count &&
        smtp->pending[smtp->pending_first].command == C_EHLO &&
        str_eq_nocase(str_trim(line), STR("PIPELINING")))
        smtp->pipelining = true;
    size_t room = REPLY_BYTES - smtp->reply_len, n = line.len < room ? line.len : room;
    if (smtp->reply_len && n > 1) { /* its lines joined by a blank */
        smtp->reply[smtp->reply_len++] = ' ';
        n = line.len < room - 1 ? line.len : room - 1;
    }
    if (n)
        memcpy(smtp->reply + smtp->reply_len, line.at, n);
    smtp->reply_len += n;
    if (more)
        return;
    struct answer answer = { code, { smtp->reply, smtp->reply_len }, at };
    smtp->code = 0;
    smtp->said_len = smtp->reply_len;
    smtp->reply_len = 0;
    smtp_answered(smtp, connection, &answer);
}

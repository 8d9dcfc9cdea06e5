/* The message after DATA, or in BDAT's chunks: its size, and of its header what the user asked for. */
#include "collect/capture/smtp_dialog.h"

#include "base/memory.h"

static void note_size(struct smtp *smtp)
{
    if (smtp->open && smtp->transaction >= 0)
        smtp->open->session.transactions[smtp->transaction].size = (int64_t)smtp->message.size;
    smtp->message.size = 0; /* the next one's MAIL may be lost */
}

static void begin_headers(struct smtp *smtp)
{
    if (smtp->world->headers && !smtp->headers)
        smtp->headers = mem_alloc(sizeof *smtp->headers);
    if (smtp->headers)
        *smtp->headers = (struct headers){ .ended = false };
}

static void note_header(struct smtp *smtp, struct str name, struct str text, usec at)
{
    struct evidence evidence = smtp_evidence(KIND_HEADER, YES, at);
    evidence.transaction = smtp->transaction;
    evidence.subject = name;
    evidence.detail = text;
    if (text.len)
        builder_add_evidence(smtp->world->builder, smtp->open, &evidence);
}

static void note_headers(struct smtp *smtp)
{
    const struct headers *headers = smtp->headers;
    if (!headers || !smtp->open || smtp->transaction < 0)
        return;
    if (headers->message_id_len)
        smtp->open->session.transactions[smtp->transaction].message_id = builder_keep(
            smtp->world->builder, smtp->open, (struct str){ headers->message_id, headers->message_id_len });
    note_header(smtp, STR("from"), (struct str){ headers->from, headers->from_len }, smtp->seen);
    note_header(smtp, STR("subject"), (struct str){ headers->subject, headers->subject_len }, smtp->seen);
}

void smtp_begin_message(struct smtp *smtp)
{
    smtp->state = MESSAGE;
    smtp->server_spoke = false; /* what it says from now on is about the message */
    smtp->message = (struct message){ 0 };
    begin_headers(smtp);
    smtp->told = false;
}

void smtp_end_message(struct smtp *smtp)
{
    smtp->state = COMMAND;
    note_size(smtp);
    note_headers(smtp);
    smtp_reach(smtp, STAGE_EOM);
    if (!smtp->told)
        smtp_ask(smtp, C_MESSAGE, smtp->transaction, WHOLE_TRANSACTION);
    smtp->told = false;
}

void smtp_begin_chunk(struct smtp *smtp, uint64_t bytes, bool last)
{
    if (smtp->message.size == 0)
        begin_headers(smtp);
    smtp->last_chunk = last;
    smtp->chunk_left = bytes;
    smtp->message.size += bytes;
    smtp->state = CHUNK;
}

void smtp_end_chunk(struct smtp *smtp)
{
    smtp->state = COMMAND;
    if (!smtp->last_chunk)
        return;
    note_size(smtp);
    note_headers(smtp);
    smtp_reach(smtp, STAGE_EOM);
}

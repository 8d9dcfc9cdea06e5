/* Behind smtpd a message has its queue id for a name: cleanup (what is in it, and milters at its end), qmgr
 * (it is queued, it is gone), the delivery agents and bounce (what became of each recipient). A queue id that
 * is no inbound session's (pickup, bounces, forwarded mail) is passed over. Sources: postfix
 * cleanup/cleanup_message.c, cleanup/cleanup_milter.c, qmgr/qmgr_active.c, global/log_adhoc.c,
 * bounce/bounce_notify_service.c. */
#include "collect/dialect/filter.h"
#include "collect/dialect/policy.h"
#include "collect/dialect/postfix.h"

static struct open_session *session_of(struct builder *builder, const struct line *line, struct str queue_id,
                                       int32_t *transaction)
{
    struct open_session *open =
        builder_find(builder, key_of_text(KEY_QUEUE_ID, line->host, queue_id), transaction);
    if (open && *transaction >= 0)
        builder_took(builder, open, line);
    return open && *transaction >= 0 ? open : NULL;
}

/* ---- cleanup. */

/* "reject: header Subject: x from PEER; from=<> to=<> proto= helo=<>: 5.7.1 text", "reject: mime-error ...",
 * "milter-reject: END-OF-MESSAGE from PEER: 5.7.1 text; from=<> ..." */
static enum taken take_refusal(struct str rest, struct str queue_id, bool milter, const struct line *line,
                               struct builder *builder)
{
    int32_t transaction = -1;
    struct str text = { NULL, 0 }, before, after, reason, where;
    struct open_session *open = session_of(builder, line, queue_id, &transaction);
    if (!open)
        return PASSED;
    struct refusal refusal = { .line = line, .command = COMMAND_EOM, .queue_id = queue_id };
    if (!split_trailer(rest, &before, &refusal.trailer, &after))
        before = rest;
    if (!milter) {
        text = after.at ? after : before;
    } else if (cut_until(&before, STR(" from "), &where)) {
        struct peer peer;
        text = cut_peer(&before, &peer) && cut_prefix(&before, STR(": ")) ? before : after;
    }
    read_reply(text, 550, &refusal.reply);
    const struct phrase *phrase = phrase_of(refusal.reply.text, &refusal.trailer, &reason);
    postfix_refuse(builder, open, &refusal, phrase, reason);
    return TAKEN;
}

static enum taken take_discard(struct str queue_id, const struct line *line, struct builder *builder)
{
    int32_t transaction = -1;
    struct open_session *open = session_of(builder, line, queue_id, &transaction);
    if (!open)
        return PASSED;
    struct evidence fate = evidence_of(KIND_FATE, NO, line->at);
    fate.detail = STR("discarded");
    fate.transaction = transaction;
    fate.a = -1;
    builder_add_evidence(builder, open, &fate);
    open->session.transactions[transaction].verdict = VERDICT_ACCEPTED; /* the client was told so */
    builder_unawait(builder, open, transaction);
    return TAKEN;
}

static enum taken take_message_id(struct str id, struct str queue_id, const struct line *line,
                                  struct builder *builder)
{
    int32_t transaction = -1;
    struct open_session *open = session_of(builder, line, queue_id, &transaction);
    if (!open)
        return PASSED;
    if (id.len >= 2 && id.at[0] == '<' && id.at[id.len - 1] == '>')
        id = (struct str){ id.at + 1, id.len - 2 };
    open->session.transactions[transaction].message_id = builder_keep(builder, open, id);
    filter_know(builder, open, transaction, open->session.transactions[transaction].reply.code == 0,
                open->flags & REINJECTED, line->at);
    reach(open, STAGE_DATA);
    return TAKEN;
}

enum taken take_cleanup(const struct line *line, struct builder *builder)
{
    struct str rest = line->text, queue_id;
    if (!cut_queue_id(&rest, &queue_id))
        return str_starts(rest, STR("warning: ")) || str_starts(rest, STR("table ")) ||
                       str_starts(rest, STR("fatal: ")) || str_starts(rest, STR("error: "))
                   ? PASSED
                   : SKIPPED;
    if (cut_prefix(&rest, STR("message-id=")))
        return take_message_id(rest, queue_id, line, builder);
    if (cut_prefix(&rest, STR("reject: ")))
        return take_refusal(rest, queue_id, false, line, builder);
    if (cut_prefix(&rest, STR("milter-reject: ")))
        return take_refusal(rest, queue_id, true, line, builder);
    if (cut_prefix(&rest, STR("discard: ")) || cut_prefix(&rest, STR("milter-discard: ")))
        return take_discard(queue_id, line, builder);
    /* resent-message-id=, warning:, replace:, prepend:, hold:, filter:, redirect:, bcc:, info:, strip:,
     * milter-header-... */
    return PASSED;
}

/* ---- qmgr. */

/* "from=<sender>, size=123, nrcpt=1 (queue active)": the message was accepted. It is said again when a
 * deferred message is tried again. */
static enum taken take_queued(struct str rest, struct str queue_id, const struct line *line,
                              struct builder *builder)
{
    struct str sender;
    uint64_t size = 0, recipients = 0;
    if (!cut_address(&rest, &sender))
        return SKIPPED;
    int32_t index = -1;
    bool expired = cut_prefix(&rest, STR(", status="));
    if (!expired && (!cut_prefix(&rest, STR(", size=")) || !cut_number(&rest, &size) ||
                     !cut_prefix(&rest, STR(", nrcpt=")) || !cut_number(&rest, &recipients)))
        return SKIPPED;
    if (expired) { /* "status=expired, returned to sender" and "force-expired" */
        struct evidence fate = evidence_of(KIND_FATE, NO, line->at);
        fate.detail = rest;
        fate.a = -1;
        return builder_add_by_key(builder, key_of_text(KEY_QUEUE_ID, line->host, queue_id), line, &fate)
                   ? TAKEN
                   : PASSED;
    }
    struct open_session *open = session_of(builder, line, queue_id, &index);
    if (!open)
        return PASSED;
    struct transaction *transaction = &open->session.transactions[index];
    if (transaction->size >= 0)
        return TAKEN;
    transaction->size = size <= INT64_MAX ? (int64_t)size : -1;
    if (transaction->reply.code == 0)
        transaction->verdict = VERDICT_ACCEPTED;
    if (!transaction->mail_from.at || same_address(transaction->mail_from, sender))
        transaction->mail_from = builder_keep(builder, open, sender);
    struct postfix_notes *notes = postfix_notes(builder, open);
    notes->nrcpt += recipients <= UINT16_MAX ? (uint32_t)recipients : UINT16_MAX;
    notes->queued++;
    reach(open, STAGE_EOM);
    policy_adopt(builder, open, index, line->at);
    return TAKEN;
}

static enum taken take_removed(struct str queue_id, const struct line *line, struct builder *builder)
{
    int32_t transaction = -1;
    session_key key = key_of_text(KEY_QUEUE_ID, line->host, queue_id);
    bool known = builder_knows(builder, key);
    struct open_session *open = session_of(builder, line, queue_id, &transaction);
    if (open)
        filter_forget(builder, open, transaction);
    builder_release(builder, key);
    return known ? TAKEN : PASSED;
}

enum taken take_qmgr(const struct line *line, struct builder *builder)
{
    struct str rest = line->text, queue_id;
    if (!cut_queue_id(&rest, &queue_id))
        return PASSED;
    if (cut_prefix(&rest, STR("from=<")))
        return take_queued(rest, queue_id, line, builder);
    if (str_eq(rest, STR("removed")))
        return take_removed(queue_id, line, builder);
    if (cut_prefix(&rest, STR("to=<"))) /* deferred or bounced without a delivery agent */
        return take_delivery(line, builder);
    return PASSED; /* skipped, still being delivered; ... */
}

/* ---- Delivery. */

/* Messages to thousands are rare, and then not all recipients are looked at. */
enum { EXACT_MOST = 2048, LOOSE_MOST = 128 };

static bool was_let_in(const struct recipient *recipient)
{
    return recipient->reply.code == 0 || recipient->reply.code == 250;
}

/* The recipient of the transaction with this address, as it was written or else as it is meant; -1: none. */
static int32_t find_recipient(const struct transaction *transaction, struct str address)
{
    const struct recipient *all = transaction->recipients;
    uint32_t count = transaction->recipient_count;
    for (uint32_t i = count; i-- > 0 && count - i <= EXACT_MOST;)
        if (was_let_in(&all[i]) && str_eq(all[i].address, address))
            return (int32_t)i;
    for (uint32_t i = count; i-- > 0 && count - i <= LOOSE_MOST;)
        if (was_let_in(&all[i]) && same_address(all[i].address, address))
            return (int32_t)i;
    return -1;
}

/* The recipient that was accepted and is now delivered to; the transaction's, or one that only this line
 * names. */
static int32_t accepted_recipient(struct builder *builder, struct open_session *open, int32_t index,
                                  struct str address)
{
    struct transaction *transaction = &open->session.transactions[index];
    int32_t found = find_recipient(transaction, address);
    if (found < 0) {
        if (!builder_add_recipient(builder, open, index, address, transaction->at))
            return WHOLE_TRANSACTION;
        found = (int32_t)transaction->recipient_count - 1;
    }
    struct reply *reply = &transaction->recipients[found].reply;
    reply->code = 250;
    reply->stage = STAGE_RCPT;
    return found;
}

/* "0.03" or "86400" seconds. */
static usec read_seconds(struct str text)
{
    uint64_t whole = 0, part = 0;
    if (!cut_number(&text, &whole) || whole > INT64_MAX / USEC_SECOND / 2)
        return -1;
    usec length = (usec)whole * USEC_SECOND;
    if (cut_char(&text, '.')) {
        usec unit = USEC_SECOND / 10;
        for (size_t i = 0; i < text.len && i < 6 && is_digit(text.at[i]); i++, unit /= 10)
            part += (uint64_t)(unit * (text.at[i] - '0'));
    }
    return length + (usec)part;
}

/* status=sent, bounced, deferred, expired, deliverable, undeliverable, SOFTBOUNCE. */
static enum tri fate_of(struct str status)
{
    if (str_starts(status, STR("sent")))
        return YES;
    return str_starts(status, STR("bounced")) || str_starts(status, STR("expired")) ? NO : UNKNOWN;
}

/* "to=<a@b>, orig_to=<c@d>, relay=virtual, delay=0.03, delays=0.01/0.01/0/0, dsn=2.0.0, status=sent
 * (delivered to mailbox)" (global/log_adhoc.c). What was asked for at RCPT is orig_to, where the address was
 * rewritten. */
enum taken take_delivery(const struct line *line, struct builder *builder)
{
    struct str rest = line->text, queue_id, to, asked, relay, delay, dsn;
    if (!cut_queue_id(&rest, &queue_id) || !cut_prefix(&rest, STR("to=<")))
        return PASSED; /* the client side of smtp: TLS, connections, warnings */
    session_key key = key_of_text(KEY_QUEUE_ID, line->host, queue_id);
    if (!builder_knows(builder, key))
        return PASSED;
    if (!cut_address(&rest, &to))
        return SKIPPED;
    asked = to;
    if (cut_prefix(&rest, STR(", orig_to=<")) && !cut_address(&rest, &asked))
        return SKIPPED;
    if (!cut_until(&rest, STR(", relay="), &relay) || !cut_until(&rest, STR(", delay="), &relay) ||
        !cut_until_char(&rest, ',', &delay) || !cut_until(&rest, STR(", dsn="), &relay) ||
        !cut_until(&rest, STR(", status="), &dsn))
        return SKIPPED;
    struct evidence fate = evidence_of(KIND_FATE, fate_of(rest), line->at);
    fate.subject = asked;
    fate.detail = str_range(dsn.at, rest.at + rest.len); /* "2.0.0, status=sent (...)" */
    fate.a = read_seconds(delay);
    int32_t transaction = -1;
    struct open_session *open = builder_find(builder, key, &transaction);
    if (!open || transaction < 0)
        return builder_add_by_key(builder, key, line, &fate) ? TAKEN : PASSED;
    builder_took(builder, open, line);
    fate.transaction = transaction;
    fate.recipient = accepted_recipient(builder, open, transaction, asked);
    if (fate.recipient >= 0) {
        struct recipient *recipient = &open->session.transactions[transaction].recipients[fate.recipient];
        bool unknown = fate.state == NO && str_starts(dsn, STR("5.1.1"));
        recipient->valid = (uint8_t)(unknown ? NO : recipient->valid == NO ? NO : YES);
    }
    builder_add_evidence(builder, open, &fate);
    return TAKEN;
}

/* "sender non-delivery notification: QUEUEID": a message of our own, which is nobody's session. */
enum taken take_bounce(const struct line *line, struct builder *builder)
{
    struct str rest = line->text, queue_id;
    int32_t transaction = -1;
    if (!cut_queue_id(&rest, &queue_id))
        return PASSED;
    return session_of(builder, line, queue_id, &transaction) ? TAKEN : PASSED;
}

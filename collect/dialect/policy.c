/* Which session a policy server was asked about. */
#include "collect/dialect/policy.h"

#include "collect/dialect/postfix.h"

/* Between the question and smtpd's own line: mostly a millisecond, a slow DNS answer at the most. */
static const usec wait_most = 2 * USEC_MINUTE;

enum { LOOK_MOST = 64 };

/* Of client and sender; policy servers write the sender in lower case, without quotes. */
static session_key key_of(struct str host, const struct ip *client, struct str sender)
{
    char text[sizeof client->octet + 320];
    size_t len = sizeof client->octet;
    memcpy(text, client->octet, len);
    for (size_t i = 0; i < sender.len && len < sizeof text; i++)
        if (sender.at[i] != '"' && sender.at[i] != '\\')
            text[len++] = ascii_lower(sender.at[i]);
    return key_of_text(KEY_ENVELOPE, host, (struct str){ text, len });
}

static bool is_with_smtpd(const struct open_session *open)
{
    return !open->ended && open->conclude == postfix_conclude &&
           (!open->session.server_port || (open->flags & SMTPD_HAS_IT));
}

/* The only session that can be meant, or NULL. */
static struct open_session *find_session(struct builder *builder, const struct question *question,
                                         int32_t *transaction)
{
    struct open_session *only = NULL;
    size_t candidates = 0;
    *transaction = -1;
    if (question->queue_id.at)
        return builder_find(builder, key_of_text(KEY_QUEUE_ID, question->line->host, question->queue_id),
                            transaction);
    for (struct open_session *open = builder_of_client(builder, &question->client, NULL);
         open && candidates < 2; open = builder_of_client(builder, &question->client, open)) {
        const struct session *session = &open->session;
        if (!is_with_smtpd(open) || !str_eq(session->server, question->line->host))
            continue;
        if (session->helo.len && question->helo.len && !str_eq_nocase(session->helo, question->helo))
            continue;
        only = open;
        candidates++;
    }
    return candidates == 1 ? only : NULL;
}

/* Asked about a further recipient of a message that has its queue id already, though the question did not
 * have it. */
static int32_t begun_transaction(struct builder *builder, struct open_session *open, struct str sender)
{
    if (open->transaction < 0)
        return -1;
    struct transaction *transaction = &open->session.transactions[open->transaction];
    if (!transaction->queue_id.at || transaction->reply.code || transaction->verdict != VERDICT_NONE ||
        !sender.at || (transaction->mail_from.at && !same_address(transaction->mail_from, sender)))
        return -1;
    if (!transaction->mail_from.at)
        transaction->mail_from = builder_keep(builder, open, sender);
    return open->transaction;
}

static void place(struct builder *builder, struct open_session *open, int32_t transaction,
                  struct evidence *evidence, struct str recipient, usec at)
{
    evidence->transaction = transaction;
    if (recipient.at && evidence->kind == KIND_GREYLIST)
        evidence->recipient = recipient_at(builder, open, transaction, recipient, at);
    uint32_t count = open->session.evidence_count;
    for (uint32_t i = count; i-- > 0 && count - i <= LOOK_MOST;) { /* asked again for the next recipient */
        const struct evidence *other = &open->session.evidence[i];
        if (other != evidence && other->kind == evidence->kind && other->transaction == transaction &&
            other->recipient == evidence->recipient && str_eq(other->subject, evidence->subject) &&
            str_eq(other->detail, evidence->detail)) {
            evidence->kind = KINDS;
            return;
        }
    }
}

void policy_say(struct builder *builder, const struct question *question, const struct evidence *evidence)
{
    const struct line *line = question->line;
    int32_t transaction = -1;
    struct open_session *open = find_session(builder, question, &transaction);
    if (!open) {
        if (question->sender.at)
            builder_stash(builder, key_of(line->host, &question->client, question->sender), line, evidence);
        return;
    }
    builder_took(builder, open, line);
    if (!open->session.helo.at && question->helo.len)
        open->session.helo = builder_keep(builder, open, question->helo);
    if (transaction < 0)
        transaction = begun_transaction(builder, open, question->sender);
    if (transaction < 0)
        transaction =
            transaction_at(builder, open, line->host, question->queue_id, question->sender, line->at);
    if (transaction < 0)
        return;
    struct evidence placed = *evidence;
    place(builder, open, transaction, &placed, question->recipient, line->at);
    if (placed.kind != KINDS)
        builder_add_evidence(builder, open, &placed);
}

void policy_adopt(struct builder *builder, struct open_session *open, int32_t transaction, usec at)
{
    struct session *session = &open->session;
    uint32_t from = session->evidence_count;
    struct str sender = session->transactions[transaction].mail_from;
    if (!sender.at || !builder_has_stash(builder) ||
        !builder_adopt(builder, key_of(session->server, &session->client, sender), open, at, wait_most))
        return;
    for (uint32_t i = from; i < session->evidence_count;) {
        struct evidence *evidence = &session->evidence[i];
        place(builder, open, transaction, evidence, evidence->subject, evidence->at);
        if (evidence->kind == KINDS)
            *evidence = session->evidence[--session->evidence_count];
        else
            i++;
    }
}

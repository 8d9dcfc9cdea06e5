/* What is known of a session only when all of it is there. smtpd logs no command that it accepts but the
 * first RCPT of a message ("client="); how many there were of each it tells at the end ("disconnect ...
 * mail=2 rcpt=1/3"), and the delivery agents tell the addresses. */
#include "collect/dialect/postfix.h"

enum { HIDDEN_MOST = 64 }; /* commands that are known by their number only: more are not made up */

/* A recipient of it was accepted: smtpd made a queue file, or a before-queue filter was asked about the
 * message. */
static bool was_begun(const struct transaction *transaction)
{
    return transaction->queue_id.at || transaction->verdict == VERDICT_ACCEPTED ||
           (transaction->reply.code && transaction->reply.stage >= STAGE_DATA);
}

/* RCPTs that were refused stand in a transaction without queue id; if the next RCPT was accepted, smtpd
 * logged "client=" without a sender, and another transaction was begun for it. The counts say whether there
 * was one MAIL or two. */
static void join_halves(struct builder *builder, struct open_session *open,
                        const struct command_counts *counts)
{
    struct session *session = &open->session;
    for (uint32_t i = 1; i < session->transaction_count;) {
        const struct transaction *before = &session->transactions[i - 1], *here = &session->transactions[i];
        if (!before->queue_id.at && before->reply.code == 0 && here->queue_id.at && before->mail_from.at &&
            here->mail_from.at && same_address(before->mail_from, here->mail_from) &&
            (!counts->known || session->transaction_count > counts->mail_ok))
            builder_join_transaction(builder, open, i);
        else
            i++;
    }
}

/* A policy server is asked at VRFY too, about the null sender: what looks like a transaction without an
 * answer is none where there were not as many MAILs. */
static void drop_questions(struct builder *builder, struct open_session *open,
                           const struct command_counts *counts)
{
    struct session *session = &open->session;
    for (uint32_t i = session->transaction_count; i-- > 0 && session->transaction_count > counts->mail_ok;) {
        const struct transaction *transaction = &session->transactions[i];
        bool answered = was_begun(transaction) || transaction->reply.code || transaction->mail_from.len;
        for (uint32_t r = 0; r < transaction->recipient_count && !answered; r++)
            answered = transaction->recipients[r].reply.code != 0;
        if (!answered)
            builder_drop_transaction(builder, open, i);
    }
}

/* MAILs with the same sender, one after the other, all refused, look like one. Where there were as many MAILs
 * as RCPTs, each RCPT had its own. */
static void split_same_sender(struct builder *builder, struct open_session *open,
                              const struct command_counts *counts)
{
    struct session *session = &open->session;
    uint32_t recipients = 0;
    for (uint32_t i = 0; i < session->transaction_count; i++)
        recipients += session->transactions[i].recipient_count;
    if (recipients != counts->mail_ok || recipients != counts->rcpt ||
        session->transaction_count >= recipients)
        return;
    for (uint32_t i = 0; i < session->transaction_count; i++)
        if (session->transactions[i].recipient_count > 1 && !was_begun(&session->transactions[i]))
            builder_split_transaction(builder, open, i);
}

/* qmgr shows each message that was accepted; where its line is not there (discarded, or the log ends), the
 * DATA commands that went well tell. */
static void accept_counted(struct session *session, const struct command_counts *counts)
{
    uint32_t accepted = 0;
    for (uint32_t i = 0; i < session->transaction_count; i++)
        accepted += session->transactions[i].verdict == VERDICT_ACCEPTED;
    for (uint32_t i = 0; i < session->transaction_count && accepted < counts->data_ok; i++) {
        struct transaction *transaction = &session->transactions[i];
        if (transaction->verdict == VERDICT_ACCEPTED || !was_begun(transaction) || transaction->reply.code)
            continue;
        transaction->verdict = VERDICT_ACCEPTED;
        accepted++;
    }
}

static void accept_recipient(struct recipient *recipient, enum tri valid)
{
    recipient->reply = (struct reply){ .code = 250, .stage = STAGE_RCPT };
    if (recipient->valid == UNKNOWN)
        recipient->valid = (uint8_t)valid;
}

/* Recipients that were asked for and not refused, once their transaction has a queue id: accepted. */
static uint32_t accept_asked(struct session *session)
{
    uint32_t accepted = 0;
    for (uint32_t t = 0; t < session->transaction_count; t++) {
        struct transaction *transaction = &session->transactions[t];
        for (uint32_t r = 0; r < transaction->recipient_count; r++) {
            struct recipient *recipient = &transaction->recipients[r];
            if (recipient->reply.code == 0 && was_begun(transaction))
                accept_recipient(recipient, YES);
            accepted += recipient->reply.code == 250;
        }
    }
    return accepted;
}

static bool has_accepted(const struct transaction *transaction)
{
    for (uint32_t r = 0; r < transaction->recipient_count; r++)
        if (transaction->recipients[r].reply.code == 250)
            return true;
    return false;
}

/* Recipients that are known by their number only: no address was logged. */
static void add_nameless(struct builder *builder, struct open_session *open, uint32_t missing)
{
    struct session *session = &open->session;
    int32_t last = -1;
    for (uint32_t t = 0; t < session->transaction_count; t++) {
        if (!was_begun(&session->transactions[t]))
            continue;
        last = (int32_t)t;
        if (missing == 0 || has_accepted(&session->transactions[t]))
            continue;
        struct recipient *recipient =
            builder_add_recipient(builder, open, last, (struct str){ NULL, 0 }, session->transactions[t].at);
        if (recipient)
            accept_recipient(recipient, YES);
        missing--;
    }
    for (uint32_t i = 0; last >= 0 && i < missing && i < HIDDEN_MOST; i++) {
        struct recipient *recipient = builder_add_recipient(builder, open, last, (struct str){ NULL, 0 },
                                                            session->transactions[last].at);
        if (recipient)
            accept_recipient(recipient, YES);
    }
}

static uint32_t count_missing(const struct session *session, const struct postfix_notes *notes,
                              uint32_t accepted)
{
    uint32_t wanted = notes->counts.known ? notes->counts.rcpt_ok : notes->nrcpt, begun = 0;
    for (uint32_t t = 0; t < session->transaction_count; t++)
        begun += was_begun(&session->transactions[t]);
    /* "too many recipients" is counted as done well by smtpd (its overshoot); qmgr knows better */
    if (notes->queued == begun && wanted > notes->nrcpt)
        wanted = notes->nrcpt;
    return wanted > accepted ? wanted - accepted : 0;
}

/* Stages, HELO and probes that the counts show. */
static void tell_commands(struct builder *builder, struct open_session *open,
                          const struct postfix_notes *notes)
{
    const struct command_counts *counts = &notes->counts;
    struct session *session = &open->session;
    if (counts->all)
        reach(open, STAGE_BANNER);
    if (counts->helo)
        reach(open, STAGE_HELO);
    if (counts->mail)
        reach(open, STAGE_MAIL);
    else if (session->stage > STAGE_HELO)
        session->stage = counts->helo ? STAGE_HELO : STAGE_BANNER;
    if (counts->rcpt && counts->mail_ok)
        reach(open, STAGE_RCPT);
    if ((counts->data || counts->bdat) && counts->rcpt_ok)
        reach(open, STAGE_DATA);
    if (counts->data_ok)
        reach(open, STAGE_EOM);
    if (!counts->helo && counts->mail) { /* whatever a policy server took for it */
        struct evidence none =
            evidence_of(KIND_HELO, NO, session->ended == USEC_NONE ? session->started : session->ended);
        none.subject = STR("required");
        session->helo = (struct str){ NULL, 0 };
        builder_add_evidence(builder, open, &none);
    }
    for (uint32_t i = notes->vrfy_seen; i < counts->vrfy && i < HIDDEN_MOST; i++) {
        struct evidence probe =
            evidence_of(KIND_VRFY, YES, session->ended == USEC_NONE ? session->started : session->ended);
        builder_add_evidence(builder, open, &probe);
    }
    for (uint32_t i = 0; session->transaction_count < counts->mail_ok && i < HIDDEN_MOST &&
                         (i || !session->transaction_count);
         i++)
        builder_add_transaction(builder, open, session->started);
}

void postfix_conclude(struct builder *builder, struct open_session *open)
{
    const struct postfix_notes *notes = postfix_notes(builder, open);
    struct session *session = &open->session;
    if (session->transaction_count > 1)
        join_halves(builder, open, &notes->counts);
    if (notes->counts.known) {
        drop_questions(builder, open, &notes->counts);
        split_same_sender(builder, open, &notes->counts);
        accept_counted(session, &notes->counts);
        tell_commands(builder, open, notes);
    }
    uint32_t missing = count_missing(session, notes, accept_asked(session));
    if (missing)
        add_nameless(builder, open, missing);
}

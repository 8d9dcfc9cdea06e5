/* What Postfix's lines make of a session: its transactions and recipients, and what a refusal says of them.
 */
#include "collect/dialect/filter.h"
#include "collect/dialect/policy.h"
#include "collect/dialect/postfix.h"
#include "collect/state.h"

/* Sessions of strangers may have thousands of recipients: what is looked for lies near the end. */
enum { LOOK_MOST = 64 };

static const struct command_row {
    struct str word;
    enum command command;
    enum stage stage;
} commands[] = {
    { STR_INIT("RCPT"), COMMAND_RCPT, STAGE_RCPT },
    { STR_INIT("MAIL"), COMMAND_MAIL, STAGE_MAIL },
    { STR_INIT("CONNECT"), COMMAND_CONNECT, STAGE_CONNECT },
    { STR_INIT("DATA"), COMMAND_DATA, STAGE_DATA },
    { STR_INIT("END-OF-MESSAGE"), COMMAND_EOM, STAGE_EOM },
    { STR_INIT("EHLO"), COMMAND_HELO, STAGE_HELO },
    { STR_INIT("HELO"), COMMAND_HELO, STAGE_HELO },
    { STR_INIT("BDAT"), COMMAND_DATA, STAGE_DATA },
    { STR_INIT("DATA content"), COMMAND_EOM, STAGE_DATA },
    { STR_INIT("BDAT content"), COMMAND_EOM, STAGE_DATA },
    { STR_INIT("VRFY"), COMMAND_VRFY, STAGE_HELO },
};

enum command command_of(struct str word)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (str_eq(word, commands[i].word))
            return commands[i].command;
    return COMMAND_OTHER;
}

enum stage command_stage(enum command command)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (command == commands[i].command)
            return commands[i].stage;
    return STAGE_HELO;
}

struct postfix_notes *postfix_notes(struct builder *builder, struct open_session *open)
{
    static struct postfix_notes nowhere; /* for a session that has all the memory it may have */
    struct postfix_notes *notes = builder_notes(builder, open, &dialect_postfix, sizeof *notes);
    nowhere = (struct postfix_notes){ 0 };
    return notes ? notes : &nowhere;
}

void postfix_carry_notes(struct builder *builder, struct open_session *open, struct state_bytes *state)
{
    struct postfix_notes *notes = postfix_notes(builder, open);
    struct command_counts *counts = &notes->counts;
    uint32_t *const numbers[] = {
        &counts->helo,    &counts->mail, &counts->mail_ok, &counts->rcpt_ok,  &counts->data,
        &counts->data_ok, &counts->bdat, &counts->vrfy,    &counts->quit,     &counts->rcpt,
        &counts->all,     &notes->nrcpt, &notes->queued,   &notes->vrfy_seen,
    };
    carry(state, &counts->known);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        carry(state, numbers[i]);
    carry_enum(state, &notes->ended_at, STAGES);
}

void hear_helo(struct builder *builder, struct open_session *open, struct str helo)
{
    if (!helo.at)
        return;
    reach(open, STAGE_HELO);
    if (!str_eq(helo, open->session.helo) || !open->session.helo.at)
        open->session.helo = builder_keep(builder, open, helo);
}

static bool is_unanswered(const struct transaction *transaction)
{
    return transaction->recipient_count == 0 ||
           transaction->recipients[transaction->recipient_count - 1].reply.code == 0;
}

/* Whether the transaction under way is the one that a line is about. A message that has a queue id, or was
 * refused, is not meant by NOQUEUE. */
static bool goes_on(const struct transaction *transaction, struct str queue_id, struct str sender)
{
    if (transaction->queue_id.at || transaction->reply.code != 0)
        return false;
    if (sender.at && transaction->mail_from.at)
        return same_address(sender, transaction->mail_from);
    return !queue_id.at || is_unanswered(transaction);
}

int32_t transaction_at(struct builder *builder, struct open_session *open, struct str host,
                       struct str queue_id, struct str sender, usec at)
{
    struct session *session = &open->session;
    int32_t index = -1;
    if (queue_id.at && builder_find(builder, key_of_text(KEY_QUEUE_ID, host, queue_id), &index) != open)
        index = -1;
    if (index < 0 && open->transaction >= 0 &&
        goes_on(&session->transactions[open->transaction], queue_id, sender))
        index = open->transaction;
    if (index < 0) {
        if (!builder_add_transaction(builder, open, at))
            return -1;
        index = (int32_t)session->transaction_count - 1;
    }
    open->transaction = index;
    struct transaction *transaction = &session->transactions[index];
    bool was_known = transaction->mail_from.at != NULL;
    if (sender.at && (!was_known || !str_eq(sender, transaction->mail_from)))
        transaction->mail_from = builder_keep(builder, open, sender);
    if (queue_id.at && !transaction->queue_id.at) {
        transaction->queue_id = builder_keep(builder, open, queue_id);
        filter_adopt(builder, open, index, queue_id, at);
    }
    reach(open, STAGE_MAIL);
    if (sender.at)
        policy_adopt(builder, open, index, at);
    return index;
}

int32_t recipient_at(struct builder *builder, struct open_session *open, int32_t transaction,
                     struct str address, usec at)
{
    struct transaction *asked = &open->session.transactions[transaction];
    uint32_t count = asked->recipient_count;
    for (uint32_t i = count; i-- > 0 && count - i <= LOOK_MOST;)
        if (asked->recipients[i].reply.code == 0 && same_address(asked->recipients[i].address, address))
            return (int32_t)i;
    reach(open, STAGE_RCPT);
    if (!builder_add_recipient(builder, open, transaction, address, at))
        return -1;
    return (int32_t)open->session.transactions[transaction].recipient_count - 1;
}

/* ---- What the words of a refusal are evidence of. */

/* "Service unavailable; Client host [203.0.113.7] blocked using zen.example.org; https://…": the zone. The
 * explanation stands in the reply already, once for all clients. One that begins with "Error: " is an answer
 * such as 127.255.255.254: the list did not say that it lists the client. */
static void read_listing(struct str reason, struct evidence *evidence)
{
    struct str rest = reason, before;
    if (!cut_until(&rest, STR("blocked using "), &before))
        return;
    size_t i = 0;
    while (i < rest.len && rest.at[i] != ';' && rest.at[i] != ' ' && rest.at[i] != ',')
        i++;
    evidence->subject = (struct str){ rest.at, i };
    rest = str_skip(rest, i);
    if (cut_prefix(&rest, STR("; Error: "))) {
        evidence->detail = rest;
        evidence->state = UNKNOWN;
    }
}

static struct str domain_of(struct str address)
{
    const char *at = str_find_last(address, '@');
    return at ? str_range(at + 1, address.at + address.len) : address;
}

/* Looked for among the first, which are of the whole session, and the last. */
static bool has_evidence(const struct open_session *open, const struct evidence *evidence)
{
    uint32_t count = open->session.evidence_count;
    for (uint32_t i = 0; i < count; i++) {
        if (i == LOOK_MOST && count > 2 * LOOK_MOST)
            i = count - LOOK_MOST;
        const struct evidence *other = &open->session.evidence[i];
        if (other->kind == evidence->kind && other->state == evidence->state &&
            other->transaction == evidence->transaction && other->recipient == evidence->recipient &&
            str_eq(other->subject, evidence->subject))
            return true;
    }
    return false;
}

/* Adds what a phrase says; each kind has its own subject (session.h), and belongs to the session, the
 * transaction or the recipient. */
static void add_meaning(struct builder *builder, struct open_session *open, const struct refusal *refusal,
                        const struct phrase *phrase, struct str reason, int32_t transaction,
                        int32_t recipient)
{
    const struct trailer *trailer = &refusal->trailer;
    struct evidence evidence =
        evidence_of((enum kind)phrase->kind, (enum tri)phrase->state, refusal->line->at);
    evidence.subject = str_of(phrase->subject);
    switch (phrase->kind) {
    case KINDS:
        return;
    case KIND_EARLY_TALKER:
        evidence.a = evidence.b = -1; /* when is not said */
        break;
    case KIND_DNSBL:
        read_listing(reason, &evidence);
        break;
    case KIND_SENDER_DOMAIN:
        evidence.transaction = transaction;
        evidence.detail = domain_of(trailer->from);
        break;
    case KIND_SPF:
    case KIND_DKIM:
    case KIND_DMARC:
        evidence.transaction = transaction;
        evidence.subject = domain_of(trailer->from.len ? trailer->from : trailer->helo);
        evidence.detail = phrase->state == NO ? STR("fail") : STR("temperror");
        break;
    case KIND_SPAM:
        evidence.a = evidence.b = INT64_MIN;
        evidence.transaction = transaction;
        break;
    case KIND_VIRUS:
        evidence.transaction = transaction;
        evidence.detail = reason;
        break;
    case KIND_RECIPIENT:
        if (recipient >= 0)
            open->session.transactions[transaction].recipients[recipient].valid = phrase->state;
        return; /* it stands in the recipient */
    case KIND_RELAY:
    case KIND_GREYLIST:
        if (recipient < 0)
            return;
        evidence.transaction = transaction;
        evidence.recipient = recipient;
        evidence.subject = trailer->to;
        if (phrase->kind == KIND_GREYLIST) {
            evidence.a = -1;
            evidence.detail = reason;
        }
        break;
    default:
        break;
    }
    if (!has_evidence(open, &evidence))
        builder_add_evidence(builder, open, &evidence);
    if (phrase->kind == KIND_RDNS) { /* without a name there is none that leads back */
        evidence.kind = KIND_FCRDNS;
        if (!has_evidence(open, &evidence))
            builder_add_evidence(builder, open, &evidence);
    }
}

/* ---- Refusals. */

static void add_warning(struct builder *builder, struct open_session *open, const struct refusal *refusal,
                        const struct phrase *phrase, int32_t transaction, int32_t recipient)
{
    struct evidence warning = evidence_of(KIND_WARNING, YES, refusal->line->at);
    warning.subject = str_of(named_measure[phrase->named]);
    warning.detail = refusal->reply.text;
    warning.transaction = transaction;
    warning.recipient = recipient;
    builder_add_evidence(builder, open, &warning);
}

static void add_probe(struct builder *builder, struct open_session *open, const struct refusal *refusal)
{
    struct evidence probe = evidence_of(KIND_VRFY, YES, refusal->line->at);
    probe.subject = refusal->trailer.to;
    probe.detail = refusal->reply.text;
    builder_add_evidence(builder, open, &probe);
    postfix_notes(builder, open)->vrfy_seen++;
}

void postfix_reach(struct builder *builder, struct open_session *open, const struct refusal *said,
                   int32_t *transaction, int32_t *recipient)
{
    const struct trailer *trailer = &said->trailer;
    *transaction = WHOLE_SESSION;
    *recipient = WHOLE_TRANSACTION;
    reach(open, command_stage(said->command));
    hear_helo(builder, open, trailer->helo);
    if (trailer->user.len && !open->session.auth_user.at)
        open->session.auth_user = builder_keep(builder, open, trailer->user);
    if (said->command < COMMAND_MAIL || said->command > COMMAND_EOM)
        return;
    *transaction =
        transaction_at(builder, open, said->line->host, said->queue_id, trailer->from, said->line->at);
    if (*transaction >= 0 && said->command == COMMAND_RCPT)
        *recipient = recipient_at(builder, open, *transaction, trailer->to, said->line->at);
    else if (*transaction >= 0 && trailer->to.len) /* the first that was accepted */
        recipient_at(builder, open, *transaction, trailer->to, said->line->at);
}

void postfix_refuse(struct builder *builder, struct open_session *open, const struct refusal *refusal,
                    const struct phrase *phrase, struct str reason)
{
    struct session *session = &open->session;
    int32_t transaction, recipient;
    postfix_reach(builder, open, refusal, &transaction, &recipient);
    if (refusal->command == COMMAND_VRFY && !refusal->warning)
        add_probe(builder, open, refusal);
    if (transaction >= 0 || refusal->command != COMMAND_VRFY || phrase->kind < KIND_RECIPIENT)
        add_meaning(builder, open, refusal, phrase, reason, transaction, recipient);
    if (refusal->warning) {
        add_warning(builder, open, refusal, phrase, transaction, recipient);
        return;
    }
    struct reply reply = refusal->reply;
    reply.named = phrase->named;
    reply.stage = (uint8_t)command_stage(refusal->command);
    reply.enhanced = builder_keep(builder, open, reply.enhanced);
    reply.text = builder_keep(builder, open, reply.text);
    open->flags |= SAW_REFUSAL;
    builder_refused(open, &reply);
    if (recipient >= 0) {
        session->transactions[transaction].recipients[recipient].reply = reply;
    } else if (transaction >= 0) {
        session->transactions[transaction].reply = reply;
        builder_unawait(builder, open, transaction); /* nothing will become of it */
    } else if (session->transaction_count == 0 && session->verdict == VERDICT_NONE &&
               (refusal->command == COMMAND_CONNECT || refusal->command == COMMAND_HELO)) {
        session->verdict = reply.code >= 500 ? VERDICT_REJECTED : VERDICT_DEFERRED;
    }
}

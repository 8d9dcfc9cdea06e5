/* Messages that Exim took in and what became of them: "<=", "=>", "->", "**", "==", "Completed". */
#include "collect/dialect/exim.h"
#include "collect/dialect/filter.h"

enum { RECIPIENTS_LOOKED_AT = 64 };

/* The sender behind "<= ": up to a blank, quotes minded; "<>" is the null sender. */
static struct str cut_sender(struct str *rest)
{
    bool quoted = false;
    size_t end = 0;
    if (cut_prefix(rest, STR("<>")))
        return (struct str){ rest->at, 0 };
    for (; end < rest->len && (quoted || rest->at[end] != ' '); end++) {
        if (rest->at[end] == '\\' && end + 1 < rest->len)
            end++;
        else if (rest->at[end] == '"')
            quoted = !quoted;
    }
    if (end >= rest->len) /* a quote that does not close is none */
        for (end = 0; end < rest->len && rest->at[end] != ' '; end++)
            ;
    struct str sender = { rest->at, end };
    *rest = str_skip(*rest, end);
    return sender;
}

/* Whether a recipient of the message is known already. */
static bool has_recipient(const struct transaction *transaction, struct str address)
{
    uint32_t count = transaction->recipient_count;
    for (uint32_t i = count; i-- > 0 && count - i <= RECIPIENTS_LOOKED_AT;)
        if (transaction->recipients[i].reply.code < 400 &&
            str_eq_nocase(transaction->recipients[i].address, address))
            return true;
    return false;
}

static void add_accepted(struct builder *builder, struct open_session *open, int32_t index,
                         struct str address, usec at)
{
    if (has_recipient(&open->session.transactions[index], address))
        return;
    struct recipient *recipient = builder_add_recipient(builder, open, index, address, at);
    if (!recipient)
        return;
    recipient->reply.code = 250;
    recipient->reply.stage = STAGE_RCPT;
    recipient->valid = YES;
}

/* What "<=" tells besides the host, a field each, with values in quotes that escape quotes. */
struct reception {
    struct exim_host host;
    struct exim_clauses clauses;
    struct str message_id, recipients;
    int64_t size;
    bool has_host;
};

static struct str cut_word(struct str *rest)
{
    const char *blank = rest->len ? memchr(rest->at, ' ', rest->len) : NULL;
    size_t end = blank ? (size_t)(blank - rest->at) : rest->len;
    if (end && (memchr(rest->at, '"', end) || memchr(rest->at, '\\', end))) {
        bool quoted = false;
        for (end = 0; end < rest->len && (quoted || rest->at[end] != ' '); end++) {
            if (rest->at[end] == '\\' && end + 1 < rest->len)
                end++;
            else if (rest->at[end] == '"')
                quoted = !quoted;
        }
        if (end > rest->len)
            end = rest->len;
    }
    struct str word = { rest->at, end };
    *rest = str_skip(*rest, end);
    return word;
}

static void read_reception(struct str rest, struct reception *reception)
{
    *reception = (struct reception){ .size = -1 };
    while (rest.len) {
        struct exim_clauses clauses;
        uint64_t size = 0;
        while (cut_char(&rest, ' '))
            ;
        struct str in = rest;
        if (!reception->has_host && cut_prefix(&in, STR("H=")) && cut_exim_host(&in, &reception->host)) {
            reception->has_host = true;
            rest = in;
        } else if (cut_prefix(&in, STR("S=")) && cut_number(&in, &size)) {
            reception->size = size <= INT64_MAX ? (int64_t)size : -1;
            rest = in;
        } else if (cut_prefix(&in, STR("id="))) {
            reception->message_id = cut_word(&in);
            rest = in;
        } else if (cut_prefix(&in, STR("for "))) { /* +received_recipients; last of all */
            reception->recipients = in;
            return;
        } else if (cut_prefix(&in, STR("from <"))) { /* +received_sender */
            in = str_skip(rest, 5);
            struct str path;
            if (!cut_exim_path(&in, &path))
                return;
            rest = in;
        } else if (str_starts(in, STR("X=")) || str_starts(in, STR("A="))) {
            cut_exim_clauses(&in, &clauses);
            if (clauses.tls.at)
                reception->clauses.tls = clauses.tls;
            if (clauses.authenticator.at) {
                reception->clauses.authenticator = clauses.authenticator;
                reception->clauses.user = clauses.user;
            }
            rest = in;
        } else {
            cut_word(&rest);
        }
    }
}

static void read_recipients(struct builder *builder, struct open_session *open, int32_t index,
                            struct str list, usec at)
{
    while (list.len) {
        struct str address = cut_word(&list);
        if (address.len)
            add_accepted(builder, open, index, address, at);
        cut_char(&list, ' ');
    }
}

/* What the client was told of a message after "<=", which calls it accepted. */
static void take_back(struct builder *builder, struct open_session *open, int32_t index, int16_t code,
                      usec at)
{
    static const struct saying other = { .named = NAMED_OTHER, .kind = KINDS };
    struct refused refused = { .at = at,
                               .reply = { .code = code, .stage = STAGE_EOM },
                               .transaction = index,
                               .recipient = WHOLE_TRANSACTION };
    open->session.transactions[index].verdict = VERDICT_NONE;
    refused_note(builder, open, &refused, &other);
}

/* `to_client`: 250, or 550 with control = fakereject, which takes the message and says otherwise ("(="). */
static enum taken take_reception(struct builder *builder, const struct exim_line *exim, struct str rest,
                                 int16_t to_client)
{
    struct reception reception;
    struct str sender = cut_sender(&rest), none = { NULL, 0 };
    const struct line *line = exim->line;
    read_reception(rest, &reception);
    if (!reception.has_host)
        return PASSED; /* by a program here: a bounce, a list, a user */
    exim_greeted(&reception.host);
    struct open_session *open = exim_session(builder, exim, &reception.host, sender, none);
    exim_note_clauses(builder, open, line->at, &reception.clauses);
    int32_t index = exim_transaction(builder, open, exim, sender);
    if (index < 0)
        return TAKEN;
    struct transaction *transaction = &open->session.transactions[index];
    session_key key = key_of_text(KEY_QUEUE_ID, line->host, exim->id);
    transaction->verdict = VERDICT_ACCEPTED;
    transaction->size = reception.size;
    if (reception.message_id.at)
        transaction->message_id = builder_keep(builder, open, reception.message_id);
    builder_bind(builder, key, open, index, true);
    if (reception.recipients.at)
        read_recipients(builder, open, index, reception.recipients, line->at);
    exim_reach(open, STAGE_EOM);
    filter_adopt(builder, open, index, exim->id, line->at);
    filter_know(builder, open, index, true, false, line->at);
    if (to_client != 250)
        take_back(builder, open, index, to_client, line->at);
    return TAKEN;
}

/* "rescind the above message-accept": it could not be written after all (4.98); 451. */
static enum taken take_rescinded(struct builder *builder, const struct exim_line *exim)
{
    int32_t index = -1;
    session_key key = key_of_text(KEY_QUEUE_ID, exim->line->host, exim->id);
    struct open_session *open = builder_find(builder, key, &index);
    if (!open || index < 0)
        return PASSED;
    builder_took(builder, open, exim->line);
    take_back(builder, open, index, 451, exim->line->at);
    builder_release(builder, key);
    return TAKEN;
}

/* ---- Deliveries. */

/* Whether what a delivery says of an address begins at this blank, or with the colon before it. */
static bool ends_address(struct str behind)
{
    static const struct str fields[] = { STR_INIT("R="), STR_INIT("T="), STR_INIT("F=<"), STR_INIT("P=<"),
                                         STR_INIT("(") };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (str_starts(behind, fields[i]))
            return true;
    return false;
}

/* The recipient as the client gave it: what stands in <> behind the address that it became, or that address.
 */
static struct str cut_recipient(struct str *rest)
{
    struct str in = *rest, path;
    const char *end = in.at + in.len, *at = in.at;
    if (in.len && in.at[0] == '"') { /* a quoted local part may hold any of these */
        for (at++; at < end && *at != '"'; at++)
            if (*at == '\\' && at + 1 < end)
                at++;
        if (at > end)
            at = end;
    }
    for (const char *from = at; at < end && (at = memchr(at, ' ', (size_t)(end - at))) != NULL; at++) {
        struct str behind = str_range(at + 1, end);
        if (at > from && at[-1] == ':') {
            end = at - 1;
            break;
        }
        if (ends_address(behind)) {
            end = at;
            break;
        }
        if (behind.len && behind.at[0] == '<' && cut_exim_path(&behind, &path)) {
            *rest = behind;
            return path;
        }
    }
    *rest = str_range(end, in.at + in.len);
    return str_range(in.at, end);
}

/* What the other side said, or why it did not come to that. */
static struct str outcome_of(struct str rest)
{
    struct str before, text = rest;
    if (cut_until(&text, STR(" C=\""), &before)) {
        const char *end = str_find_last(text, '"');
        return end ? str_range(text.at, end) : text;
    }
    text = rest;
    return cut_until(&text, STR(": "), &before) ? text : (struct str){ NULL, 0 };
}

static enum taken take_delivery(struct builder *builder, const struct exim_line *exim, struct str rest,
                                enum tri state)
{
    const struct line *line = exim->line;
    session_key key = key_of_text(KEY_QUEUE_ID, line->host, exim->id);
    int32_t index = -1;
    if (!builder_knows(builder, key))
        return PASSED; /* a message of our own, or from before the record */
    struct evidence fate = evidence_of(KIND_FATE, state, line->at);
    bool discarded = str_starts(rest, STR("blackhole (")); /* taken by the client's lights, and thrown away */
    fate.a = -1;
    if (discarded) {
        fate.detail = rest;
        fate.state = NO;
    } else {
        fate.subject = cut_recipient(&rest);
        fate.detail = outcome_of(rest);
    }
    struct open_session *open = builder_find(builder, key, &index);
    if (open && index >= 0 && !discarded && fate.subject.len)
        add_accepted(builder, open, index, fate.subject, open->session.transactions[index].at);
    builder_add_by_key(builder, key, line, &fate);
    return TAKEN;
}

/* ---- Signatures: "DKIM: d=example.org s=s1 c=relaxed/relaxed a=rsa-sha256 b=2048 [verification succeeded]",
 * logged before the message is. */
static enum taken take_dkim(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    struct str before, domain, verdict;
    if (!cut_until(&rest, STR("d="), &before))
        return PASSED;
    domain = cut_word(&rest);
    if (!cut_until_char(&rest, '[', &before))
        return PASSED;
    verdict = rest;
    bool well = str_starts(verdict, STR("verification succeeded"));
    if (!well && !str_starts(verdict, STR("verification failed")))
        return PASSED;
    struct evidence dkim = result_evidence(KIND_DKIM, exim->line->at, domain, well ? "pass" : "fail");
    filter_say(builder, &(struct filtered){ .line = exim->line, .queue_id = exim->id }, &dkim);
    return TAKEN;
}

/* "DMARC results: spf_domain=a.test dmarc_domain=a.test spf_align=yes dkim_align=no enforcement='Accept'"
 * (dmarc.c) */
static enum taken take_dmarc(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    static const struct outcome {
        struct str enforcement;
        const char *result;
    } outcomes[] = {
        { STR_INIT("Accept'"), "pass" },         { STR_INIT("Reject'"), "fail" },
        { STR_INIT("Quarantine'"), "fail" },     { STR_INIT("None, Accept'"), "fail" },
        { STR_INIT("No DMARC record"), "none" },
    };
    struct evidence dmarc = evidence_of(KIND_DMARC, NO, exim->line->at);
    struct str before;
    if (!cut_until(&rest, STR(" dmarc_domain="), &before) || !cut_until_char(&rest, ' ', &dmarc.subject) ||
        !cut_until(&rest, STR(" enforcement='"), &before))
        return PASSED;
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
        if (str_starts(rest, outcomes[i].enforcement))
            dmarc.detail = str_of(outcomes[i].result);
    if (!dmarc.detail.at)
        return PASSED; /* no From:, no answer */
    dmarc.state = (uint8_t)tri_of(str_eq(dmarc.detail, STR("pass")));
    filter_say(builder, &(struct filtered){ .line = exim->line, .queue_id = exim->id }, &dmarc);
    return TAKEN;
}

enum taken exim_take_message(struct builder *builder, const struct exim_line *exim, struct str text)
{
    struct str rest = str_skip(text, 3);
    if (text.len >= 3 && text.at[2] == ' ') {
        switch ((unsigned char)text.at[0] << 8 | (unsigned char)text.at[1]) {
        case '<' << 8 | '=':
            return take_reception(builder, exim, rest, 250);
        case '(' << 8 | '=':
            return take_reception(builder, exim, rest, 550);
        case '=' << 8 | '>':
        case '-' << 8 | '>': /* a further address of one delivery */
        case '>' << 8 | '>': /* while the client waits for it (control = cutthrough_delivery) */
        case '*' << 8 | '>': /* it would have been one (-N) */
            return take_delivery(builder, exim, rest, YES);
        case '*' << 8 | '*':
            return take_delivery(builder, exim, rest, NO);
        case '=' << 8 | '=':
            return take_delivery(builder, exim, rest, UNKNOWN);
        default:
            break;
        }
    }
    if (str_starts(text, STR("Completed"))) {
        int32_t index = -1;
        session_key key = key_of_text(KEY_QUEUE_ID, exim->line->host, exim->id);
        struct open_session *open = builder_find(builder, key, &index);
        if (open && index >= 0)
            filter_forget(builder, open, index);
        builder_release(builder, key);
        return TAKEN;
    }
    rest = text;
    if (cut_prefix(&rest, STR("DKIM: ")))
        return take_dkim(builder, exim, rest);
    if (cut_prefix(&rest, STR("DMARC results: ")))
        return take_dmarc(builder, exim, rest);
    if (str_eq(rest, STR("rescind the above message-accept")) ||
        str_starts(rest, STR("rescind the above message-accept ")))
        return take_rescinded(builder, exim);
    return NOT_OURS; /* no line of a message's way */
}

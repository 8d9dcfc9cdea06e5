/* What Sendmail's lines make of a session. There is no line at a session's end, but for one that asked for
 * nothing: it is taken to have ended with its last transaction unless more comes. */
#include "collect/dialect/sendmail.h"

#include "collect/dialect/filter.h"

enum { NAMELESS_MOST = 64, PID_DIGITS = 5 };

/* ---- Text. */

/* "[192.0.2.1]", "[IPv6:2001:db8:0:0:0:0:0:1]" */
static bool cut_literal(struct str *rest, struct ip *ip)
{
    struct str in = *rest, inside;
    if (!cut_char(&in, '[') || !cut_until_char(&in, ']', &inside) || !ip_parse(inside, ip))
        return false;
    *rest = in;
    return true;
}

void cut_relay(struct str *rest, struct relay *relay)
{
    struct str in = *rest, again;
    *relay = (struct relay){ 0 };
    size_t name = 0;
    while (name < in.len && in.at[name] != ' ' && in.at[name] != ',')
        name++;
    if (cut_literal(&in, &relay->client)) { /* no PTR; some lines say it twice: "[192.0.2.1] [192.0.2.1]" */
        again = in;
        if (cut_char(&again, ' ') && cut_literal(&again, &relay->client))
            in = again;
    } else {
        relay->name = (struct str){ in.at, name };
        in = again = str_skip(in, name);
        if (cut_char(&again, ' ') && cut_literal(&again, &relay->client))
            in = again;
        const char *at = str_find_last(relay->name, '@');
        relay->local = ip_is_none(&relay->client) && at;
        if (at) /* RFC 1413's user before the name */
            relay->name = str_range(at + 1, relay->name.at + relay->name.len);
    }
    relay->forged = cut_prefix(&in, STR(" (may be forged)"));
    *rest = in;
}

bool cut_message_name(struct str *rest, struct str *queue_id)
{
    size_t i = 0;
    while (i < rest->len && i < 20 && (is_alpha(rest->at[i]) || is_digit(rest->at[i])))
        i++;
    if (i < PID_DIGITS + 3 || i + 1 >= rest->len || rest->at[i] != ':' || rest->at[i + 1] != ' ')
        return false;
    for (size_t digit = i - PID_DIGITS; digit < i; digit++)
        if (!is_digit(rest->at[digit]))
            return false;
    *queue_id = (struct str){ rest->at, i };
    *rest = str_skip(*rest, i + 2);
    return true;
}

bool is_of_process(struct str queue_id, uint32_t pid)
{
    uint64_t number = 0;
    if (!queue_id.at)
        return true;
    struct str digits = str_skip(queue_id, queue_id.len > PID_DIGITS ? queue_id.len - PID_DIGITS : 0);
    return pid == 0 || !str_number(digits, &number) || number == pid % 100000;
}

/* The end of a quoted local part that begins at rest: behind its closing quote; 0 where it has none. */
static size_t quoted_len(struct str rest)
{
    for (size_t i = 1; i < rest.len; i++) {
        if (rest.at[i] == '\\')
            i++;
        else if (rest.at[i] == '"')
            return i + 1;
    }
    return 0;
}

bool cut_bracketed(struct str *rest, struct str *address)
{
    struct str in = *rest, unquoted;
    if (!cut_char(&in, '<'))
        return false;
    const char *from = in.at;
    if (in.len && in.at[0] == '"')
        in = str_skip(in, quoted_len(in));
    if (!cut_until_char(&in, '>', &unquoted))
        return false;
    *address = str_range(from, unquoted.at + unquoted.len);
    *rest = in;
    return true;
}

static bool is_enhanced(struct str word)
{
    uint64_t number;
    return word.len >= 5 && word.at[0] >= '2' && word.at[0] <= '5' && cut_number(&word, &number) &&
           cut_char(&word, '.') && cut_number(&word, &number) && cut_char(&word, '.') &&
           cut_number(&word, &number) && word.len == 0;
}

void read_sendmail_reply(struct str text, int16_t otherwise, struct reply *reply)
{
    struct str word, in = text, address;
    uint64_t code = 0;
    *reply = (struct reply){ .code = otherwise };
    if (text.len > 3 && text.at[3] == ' ' && cut_number(&in, &code) && code >= 200 && code < 600) {
        reply->code = (int16_t)code;
        text = str_skip(text, 4);
    }
    in = text;
    if (cut_until_char(&in, ' ', &word) && is_enhanced(word)) {
        reply->enhanced = word;
        text = in;
    }
    in = text;
    if (cut_bracketed(&in, &address) && cut_prefix(&in, STR("... ")))
        text = in;
    reply->text = str_trim(text);
}

/* ---- Sessions. */

/* A name that leads back, one that does not, or none: known once the last line was read, since a refusal may
 * say that the look-up only failed. */
void sendmail_conclude(struct builder *builder, struct open_session *open)
{
    struct session *session = &open->session;
    bool named = open->flags & (RELAY_NAMED | RELAY_FORGED);
    if (ip_is_none(&session->client) || !(open->flags & (RELAY_NAMED | RELAY_FORGED | RELAY_NAMELESS)))
        return;
    for (uint32_t i = 0; i < session->evidence_count; i++)
        if (session->evidence[i].kind == KIND_RDNS)
            return;
    struct evidence rdns = evidence_of(KIND_RDNS, tri_of(named), session->started);
    struct evidence fcrdns =
        evidence_of(KIND_FCRDNS, tri_of(!(open->flags & (RELAY_FORGED | RELAY_NAMELESS))), session->started);
    builder_add_evidence(builder, open, &rdns);
    evidence_once(builder, open, &fcrdns);
}

static session_key process_of(const struct sendmail_line *at)
{
    if (at->line->pid)
        return key_of_process(at->line);
    return at->queue_id.at ? key_of_text(KEY_SESSION, at->line->host, at->queue_id) : 0;
}

struct open_session *sendmail_session(const struct sendmail_line *at, const struct relay *relay)
{
    session_key key = process_of(at);
    if (!key)
        return NULL;
    struct open_session *open = builder_find(at->builder, key, NULL);
    bool has_address = relay && !ip_is_none(&relay->client);
    if (open && has_address && !ip_is_none(&open->session.client) &&
        !ip_eq(&open->session.client, &relay->client))
        open = NULL;
    if (open) {
        builder_took(at->builder, open, at->line);
    } else {
        open = builder_open(at->builder, key, at->line);
        open->conclude = sendmail_conclude;
    }
    if (has_address && ip_is_none(&open->session.client))
        builder_set_client(at->builder, open, &relay->client, 0);
    if (relay && relay->name.len && !open->session.client_name.at)
        open->session.client_name = builder_keep(at->builder, open, relay->name);
    if (has_address)
        open->flags |= relay->forged ? RELAY_FORGED : relay->name.len ? RELAY_NAMED : RELAY_NAMELESS;
    return open;
}

enum taken sendmail_belongs(const struct sendmail_line *at)
{
    struct open_session *open = builder_find(at->builder, key_of_process(at->line), NULL);
    if (!open)
        return PASSED;
    builder_took(at->builder, open, at->line);
    return TAKEN;
}

int32_t sendmail_transaction(const struct sendmail_line *at, struct open_session *open, struct str sender)
{
    struct session *session = &open->session;
    int32_t index = -1;
    session_key key = at->queue_id.at ? key_of_text(KEY_QUEUE_ID, at->line->host, at->queue_id) : 0;
    if (!key)
        index = open->transaction;
    else if (builder_find(at->builder, key, &index) != open)
        index = -1;
    if (index >= 0) {
        const struct transaction *known = &session->transactions[index];
        bool refused_mail = known->reply.code && known->reply.stage == STAGE_MAIL;
        bool is_it = !sender.at || !known->mail_from.at || str_eq(sender, known->mail_from);
        if (!is_it || (refused_mail && !sender.at))
            index = -1;
    }
    if (index < 0) {
        if (!builder_add_transaction(at->builder, open, at->line->at))
            return -1;
        index = (int32_t)session->transaction_count - 1;
        if (key) {
            session->transactions[index].queue_id = builder_keep(at->builder, open, at->queue_id);
            builder_bind(at->builder, key, open, index, false);
            filter_adopt(at->builder, open, index, at->queue_id, at->line->at);
        }
    }
    open->transaction = index;
    if (sender.at && !session->transactions[index].mail_from.at)
        session->transactions[index].mail_from = builder_keep(at->builder, open, sender);
    reach(open, STAGE_MAIL);
    return index;
}

int32_t sendmail_recipient(const struct sendmail_line *at, struct open_session *open, int32_t transaction,
                           struct str address)
{
    reach(open, STAGE_RCPT);
    if (!builder_add_recipient(at->builder, open, transaction, address, at->line->at))
        return WHOLE_TRANSACTION;
    return (int32_t)open->session.transactions[transaction].recipient_count - 1;
}

void accept_recipient(struct recipient *recipient)
{
    recipient->reply = (struct reply){ .code = 250, .stage = STAGE_RCPT };
    recipient->valid = YES;
}

static bool is_accepted(const struct recipient *recipient)
{
    return recipient->reply.code == 250;
}

void accept_recipients(const struct sendmail_line *at, struct open_session *open, int32_t transaction,
                       uint64_t count)
{
    uint64_t known = 0;
    for (uint32_t i = 0; i < open->session.transactions[transaction].recipient_count; i++)
        known += is_accepted(&open->session.transactions[transaction].recipients[i]);
    for (; known < count && known < NAMELESS_MOST; known++) {
        int32_t index = sendmail_recipient(at, open, transaction, (struct str){ NULL, 0 });
        if (index < 0)
            return;
        accept_recipient(&open->session.transactions[transaction].recipients[index]);
    }
}

int32_t accepted_recipient(const struct sendmail_line *at, struct open_session *open, int32_t transaction,
                           struct str address)
{
    struct transaction *asked = &open->session.transactions[transaction];
    int32_t nameless = WHOLE_TRANSACTION;
    for (uint32_t i = 0; i < asked->recipient_count; i++) {
        struct recipient *recipient = &asked->recipients[i];
        if (!is_accepted(recipient))
            continue;
        if (str_eq(recipient->address, address))
            return (int32_t)i;
        if (!recipient->address.at && nameless < 0)
            nameless = (int32_t)i;
    }
    if (nameless >= 0)
        asked->recipients[nameless].address = builder_keep(at->builder, open, address);
    return nameless;
}

void sendmail_refuse(const struct sendmail_line *at, struct open_session *open,
                     const struct sendmail_refusal *refusal)
{
    struct refused refused = { .at = at->line->at,
                               .reply = refusal->reply,
                               .sender = refusal->sender,
                               .address = refusal->address,
                               .answer = refusal->answer,
                               .transaction = WHOLE_SESSION,
                               .recipient = WHOLE_TRANSACTION };
    const struct saying *saying =
        refusal->saying ? refusal->saying : saying_of(refusal->reply.text, refusal->stage);
    refused.reply.stage = (uint8_t)refusal->stage;
    if (refusal->stage >= STAGE_MAIL) {
        refused.transaction = sendmail_transaction(at, open, refusal->sender);
        if (refused.transaction < 0)
            return;
        refused.sender = open->session.transactions[refused.transaction].mail_from;
        if (refusal->stage == STAGE_RCPT)
            refused.recipient = sendmail_recipient(at, open, refused.transaction, refusal->address);
        else
            open->session.transactions[refused.transaction].verdict =
                VERDICT_NONE; /* "from=" thought otherwise */
    }
    if (refused.reply.code == 421)
        open->session.cut_off = true;
    refused_note(at->builder, open, &refused, saying);
    builder_rest(at->builder, open, at->line); /* nothing tells when it leaves */
}

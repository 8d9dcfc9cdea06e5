/* The message tracking log: what becomes of each message. It is joined to the session of the protocol log by
 * the message's InternalId, which the server told the client, or by the Message-ID. By itself it tells of
 * accepted messages only, and of those that an agent refused: a session each, which has a gap. */
#include "collect/dialect/exchange.h"

#include "collect/dialect/phrases.h"
#include "collect/smtp_text.h"

/* Up to message-id all versions have the same order; then network-message-id came in between (2013). */
enum {
    CLIENT_IP,
    CLIENT_NAME,
    SERVER_IP,
    SERVER_NAME,
    SOURCE_CONTEXT,
    CONNECTOR,
    SOURCE,
    EVENT,
    INTERNAL_ID,
    MESSAGE_ID,
    RECIPIENTS,
    STATUS,
    SIZE,
    SENDER = 17,
    RETURN_PATH = 18,
    DIRECTION = 20,
    ORIGINAL_CLIENT = 22,
    CUSTOM_DATA = 24,
    NETWORK_SINCE = 27
};

static struct str field(const struct exchange_row *row, size_t number)
{
    return row->field[number >= RECIPIENTS && row->count >= NETWORK_SINCE ? number + 1 : number];
}

static struct str unbracketed(struct str id)
{
    return id.len && id.at[0] == '<' ? smtp_path(id) : id;
}

/* The server that logs: which of the two names it is hangs on the event. */
static struct str server_of(const struct exchange_row *row)
{
    struct str server, name;
    if (exchange_connector(field(row, CONNECTOR), &server, &name))
        return server;
    return field(row, SERVER_NAME);
}

/* The keys that may lead to the message. Deliveries have the mailbox server for server, and the one that
 * sends for client. */
static session_key known_key(const struct exchange_row *row, struct builder *builder)
{
    const struct str names[] = { server_of(row), field(row, SERVER_NAME), field(row, CLIENT_NAME) };
    for (size_t i = 0; field(row, INTERNAL_ID).len && i < sizeof names / sizeof *names; i++) {
        session_key key = exchange_message_key(names[i], field(row, INTERNAL_ID));
        if (names[i].len && builder_knows(builder, key))
            return key;
    }
    struct str id = unbracketed(field(row, MESSAGE_ID));
    session_key key = key_of_text(KEY_MESSAGE_ID, STR("exchange"), id);
    return id.len && builder_knows(builder, key) ? key : 0;
}

/* "S:ProxiedClientIPAddress=198.51.100.4;...": whom the front end has spoken for. */
static bool client_of(const struct exchange_row *row, struct ip *client)
{
    struct str rest = field(row, CUSTOM_DATA), before, text;
    if (rest.at && cut_until(&rest, STR("S:ProxiedClientIPAddress="), &before)) {
        if (!cut_until_char(&rest, ';', &text))
            text = rest;
        if (ip_parse(text, client))
            return true;
    }
    text = row->count > ORIGINAL_CLIENT ? field(row, ORIGINAL_CLIENT) : (struct str){ NULL, 0 };
    return (text.len && ip_parse(text, client)) || ip_parse(field(row, CLIENT_IP), client);
}

static bool cut_recipient(struct str *rest, struct str *address)
{
    if (rest->len == 0)
        return false;
    if (!cut_until_char(rest, ';', address)) {
        *address = *rest;
        rest->len = 0;
    }
    return true;
}

/* A session of one message; NULL where there is none to tell of. */
static struct open_session *session_alone(const struct line *line, const struct exchange_row *row,
                                          struct builder *builder)
{
    struct line at = *line;
    struct ip client, server;
    uint64_t size = 0;
    struct str rest = field(row, RECIPIENTS), address, sender = field(row, RETURN_PATH);
    at.host = server_of(row);
    if (!exchange_connector(field(row, CONNECTOR), &address, &at.program))
        at.program = line->program;
    if (builder_has_learnt(builder, exchange_protocol_flag(at.host)) || !client_of(row, &client))
        return NULL;
    struct open_session *open = builder_open(builder, 0, &at);
    builder_set_client(builder, open, &client, 0);
    if (ip_parse(field(row, SERVER_IP), &server))
        open->session.server_address = server;
    open->session.gap = true;
    open->session.stage = STAGE_EOM;
    struct transaction *transaction = builder_add_transaction(builder, open, line->at);
    if (!transaction)
        return open;
    transaction->mail_from = builder_keep(builder, open, str_eq(sender, STR("<>")) ? STR("") : sender);
    transaction->message_id = builder_keep(builder, open, unbracketed(field(row, MESSAGE_ID)));
    transaction->queue_id = builder_keep(builder, open, field(row, INTERNAL_ID));
    if (str_number(field(row, SIZE), &size) && size && size <= INT64_MAX)
        transaction->size = (int64_t)size;
    while (cut_recipient(&rest, &address)) {
        struct recipient *recipient = builder_add_recipient(builder, open, 0, address, line->at);
        if (recipient)
            recipient->reply = (struct reply){ .code = 250, .stage = STAGE_RCPT };
    }
    return open;
}

/* The same message, received by the next of the site's servers: its network-message-id is known. */
static bool is_next_hop(const struct exchange_row *row, struct builder *builder, session_key *key)
{
    struct str id = row->count >= NETWORK_SINCE ? row->field[RECIPIENTS] : (struct str){ NULL, 0 };
    *key = id.len ? key_of_text(KEY_ENVELOPE, STR("exchange"), id) : 0;
    return *key && builder_knows(builder, *key);
}

static enum taken received(const struct line *line, const struct exchange_row *row, struct builder *builder)
{
    session_key network = 0;
    if (!str_eq(field(row, SOURCE), STR("SMTP")) || known_key(row, builder) ||
        is_next_hop(row, builder, &network))
        return PASSED;
    struct open_session *open = session_alone(line, row, builder);
    if (!open)
        return PASSED;
    if (open->session.transaction_count) {
        open->session.transactions[0].verdict = VERDICT_ACCEPTED;
        builder_bind(builder, exchange_message_key(server_of(row), field(row, INTERNAL_ID)), open, 0, true);
        if (network)
            builder_bind(builder, network, open, 0, true);
    }
    builder_close(builder, open, line, CLOSED_UNKNOWN);
    return TAKEN;
}

/* "550 5.7.1 Sender ID (PRA) Not Permitted", "[{LED=550 5.7.1 ...};{MSG=};{FQDN=};{IP=};{LRT=}]" */
static bool read_status(struct str status, struct reply *reply)
{
    struct str rest = status, before, text;
    uint64_t code = 0;
    if (!cut_until(&rest, STR("LED="), &before))
        rest = status;
    else if (cut_until(&rest, STR("}"), &text))
        rest = text;
    if (!cut_number(&rest, &code) || code < 400 || code > 599)
        return false;
    *reply = (struct reply){ .code = (int16_t)code, .stage = STAGE_EOM, .text = str_trim(rest) };
    smtp_cut_enhanced(&reply->text, reply->code, &reply->enhanced);
    return true;
}

/* What an agent refused was never received, so there is nothing to join it to. */
static enum taken refused_alone(const struct line *line, const struct exchange_row *row,
                                struct builder *builder)
{
    struct refused refused = { .at = line->at, .transaction = 0, .recipient = WHOLE_TRANSACTION };
    bool by_agent = str_eq(field(row, SOURCE), STR("AGENT")) || str_eq(field(row, SOURCE), STR("SMTP"));
    if (!by_agent || !read_status(field(row, STATUS), &refused.reply))
        return PASSED;
    struct open_session *open = session_alone(line, row, builder);
    if (!open)
        return PASSED;
    if (open->session.transaction_count) {
        refused.sender = open->session.transactions[0].mail_from;
        const struct saying *saying = exchange_meaning(open, &refused.reply);
        refused_note(builder, open, &refused, saying ? saying : saying_of(refused.reply.text, STAGE_EOM));
    }
    builder_close(builder, open, line, CLOSED_UNKNOWN);
    return TAKEN;
}

static enum taken fate_told(const struct line *line, const struct exchange_row *row, struct builder *builder,
                            enum tri state)
{
    session_key key = known_key(row, builder);
    struct str rest = field(row, RECIPIENTS), address;
    struct evidence fate = evidence_of(KIND_FATE, state, line->at);
    if (!key)
        return state == NO ? refused_alone(line, row, builder) : PASSED;
    if (field(row, STATUS).len)
        fate.detail = field(row, STATUS);
    while (cut_recipient(&rest, &address)) {
        fate.subject = address;
        builder_add_by_key(builder, key, line, &fate);
    }
    return TAKEN;
}

/* "S:AMA=SUM|v=0|action=|error=|atch=2;...": how many viruses the Malware agent has found. */
static enum taken agents_told(const struct line *line, const struct exchange_row *row,
                              struct builder *builder)
{
    session_key key = known_key(row, builder);
    struct str rest = field(row, CUSTOM_DATA), before;
    uint64_t count = 0;
    if (!key || !rest.at || !cut_until(&rest, STR("S:AMA=SUM|v="), &before) || !cut_number(&rest, &count))
        return PASSED;
    struct evidence virus = evidence_of(KIND_VIRUS, tri_of(count > 0), line->at);
    builder_add_by_key(builder, key, line, &virus);
    return TAKEN;
}

enum taken exchange_take_tracking(const struct line *line, struct exchange_row *row, struct builder *builder)
{
    static const struct {
        struct str event;
        enum tri state;
    } fates[] = {
        { STR_INIT("DELIVER"), YES }, { STR_INIT("SEND"), YES }, { STR_INIT("SENDEXTERNAL"), YES },
        { STR_INIT("FAIL"), NO },     { STR_INIT("DROP"), NO },  { STR_INIT("DEFER"), UNKNOWN },
    };
    struct str event = field(row, EVENT);
    if (str_eq(event, STR("RECEIVE")))
        return received(line, row, builder);
    if (str_eq(event, STR("AGENTINFO")))
        return agents_told(line, row, builder);
    for (size_t i = 0; i < sizeof fates / sizeof *fates; i++)
        if (str_eq(event, fates[i].event))
            return fate_told(line, row, builder, fates[i].state);
    return PASSED; /* SUBMIT, EXPAND, TRANSFER, HAREDIRECT, NOTIFYMAPI, ... */
}

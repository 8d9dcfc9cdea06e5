/* The receive connectors' protocol log: a whole dialog, a row a line of it.
 *     MX01\Default Frontend MX01,08D892B7A9441226,38,192.0.2.10:25,198.51.100.4:54368,<,RCPT TO:<a@b.test>,
 * event: + connect, - disconnect, > what the server sends, < what it is sent, * what it says besides. What
 * clients authenticate with is not in it, nor are messages; what is said under TLS is.
 *
 * The front end gives the messages that it takes on to the transport service, mostly in the same machine and
 * at port 2525, whose protocol log tells of them once more: as of sessions with the front end. */
#include "collect/dialect/exchange.h"

#include "collect/dialect/dialog.h"
#include "collect/dialect/phrases.h"
#include "collect/state.h"

enum { HUB_PORT = 2525 };
enum { CONNECTOR, SESSION, SEQUENCE, LOCAL, REMOTE, EVENT, DATA, CONTEXT };

#define MEANS(named, kind, state, stages, subject)                                                           \
    {                                                                                                        \
        { NULL, 0 }, named, kind, state, stages, subject,                                                    \
        {                                                                                                    \
            NULL, 0                                                                                          \
        }                                                                                                    \
    }
#define NOTHING MEANS(NAMED_OTHER, KINDS, UNKNOWN, 0, NULL)

/* Microsoft.Exchange.Data.Transport, SmtpResponse, and the anti-spam agents: what it says itself, without the
 * codes. Names of lists and other words are the site's. */
static const struct words {
    struct str begin;
    struct saying means;
} words[] = {
    /* Connection Filtering agent */
    { STR_INIT("Recipient not authorized, your IP has been found on a block list"),
      MEANS(NAMED_DNSBL, KIND_DNSBL, YES, 0, NULL) },
    { STR_INIT("Unable to relay"), MEANS(NAMED_RELAY, KIND_RELAY, YES, 0, NULL) },
    { STR_INIT("RESOLVER.ADR.RecipientNotFound"), MEANS(NAMED_RECIPIENT, KIND_RECIPIENT, NO, 0, NULL) },
    { STR_INIT("RESOLVER.ADR.RecipNotFound"), MEANS(NAMED_RECIPIENT, KIND_RECIPIENT, NO, 0, NULL) },
    { STR_INIT("RESOLVER.ADR.ExRecipNotFound"), MEANS(NAMED_RECIPIENT, KIND_RECIPIENT, NO, 0, NULL) },
    { STR_INIT("User unknown"), MEANS(NAMED_RECIPIENT, KIND_RECIPIENT, NO, 0, NULL) },
    { STR_INIT("Invalid domain name"), MEANS(NAMED_HELO, KIND_HELO, NO, 0, "syntax") },
    { STR_INIT("EHLO requires domain address"), MEANS(NAMED_HELO, KIND_HELO, NO, 0, "syntax") },
    { STR_INIT("HELO requires domain address"), MEANS(NAMED_HELO, KIND_HELO, NO, 0, "syntax") },
    { STR_INIT("Sender ID (PRA) Not Permitted"), MEANS(NAMED_SPF, KIND_SPF, NO, 0, NULL) },
    { STR_INIT("Message rejected as spam by Content Filtering"), MEANS(NAMED_SPAM, KIND_SPAM, YES, 0, NULL) },
    { STR_INIT("Message rejected due to content restrictions"), MEANS(NAMED_SPAM, KIND_SPAM, YES, 0, NULL) },
    { STR_INIT("The maximum number of concurrent"), MEANS(NAMED_RATE, KIND_RATE, YES, 0, "connection") },
    { STR_INIT("Message submission rate for this client"), MEANS(NAMED_RATE, KIND_RATE, YES, 0, "message") },
    { STR_INIT("Must issue a STARTTLS command first"), MEANS(NAMED_TLS_REQUIRED, KINDS, UNKNOWN, 0, NULL) },
    { STR_INIT("STARTTLS is required to send mail"), MEANS(NAMED_TLS_REQUIRED, KINDS, UNKNOWN, 0, NULL) },
    { STR_INIT("Sender denied"), NOTHING }, /* Sender Filter agent: the site's list */
    { STR_INIT("Temporary server error"), NOTHING },
    { STR_INIT("Insufficient system resources"), NOTHING },
    { STR_INIT("Client was not authenticated"), NOTHING },
    { STR_INIT("Too many recipients"), NOTHING },
    { STR_INIT("Too many errors on this connection"), NOTHING },
    { STR_INIT("Connection timed out"), NOTHING },
    { STR_INIT("Message size exceeds fixed maximum message size"), NOTHING },
};

const struct saying *exchange_meaning(struct open_session *open, const struct reply *reply)
{
    (void)open;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_starts(reply->text, words[i].begin))
            return &words[i].means;
    return NULL;
}

/* "2.6.0 <m@a.test> [InternalId=5171798212845, Hostname=MX01.b.test] 4242 bytes in 0.174, 23.7 KB/sec Queued
 * mail for delivery": the version of 2007 has the Message-ID only. */
static void accepted(struct builder *builder, struct open_session *open, int32_t index,
                     const struct reply *reply)
{
    struct transaction *transaction = &open->session.transactions[index];
    struct str rest = reply->text, before, id, host = open->session.server, end;
    uint64_t size = 0;
    if (cut_until_char(&rest, '<', &before) && cut_until_char(&rest, '>', &id))
        transaction->message_id = builder_keep(builder, open, id);
    if (!cut_until(&rest, STR("[InternalId="), &before) || !cut_until_char(&rest, ']', &id)) {
        if (transaction->message_id.len)
            builder_bind(builder, key_of_text(KEY_MESSAGE_ID, STR("exchange"), transaction->message_id), open,
                         index, true);
        return;
    }
    end = id;
    if (cut_until(&end, STR(", Hostname="), &id))
        host = end;
    transaction->queue_id = builder_keep(builder, open, id);
    builder_bind(builder, exchange_message_key(host, id), open, index, true);
    if (cut_char(&rest, ' ') && cut_number(&rest, &size) && str_starts(rest, STR(" bytes")) &&
        size <= INT64_MAX)
        transaction->size = (int64_t)size;
}

static const struct dialog_style style = { .has_tls = true,
                                           .meaning = exchange_meaning,
                                           .accepted = accepted };

/* A session's id; somebody who hides it hides it everywhere. */
static session_key key_of(const struct exchange_row *row, struct str server)
{
    struct str id = row->field[SESSION];
    size_t zeros = 0;
    while (zeros < id.len && id.at[zeros] == '0')
        zeros++;
    return key_of_text(KEY_SESSION, server, zeros == id.len ? row->field[REMOTE] : id);
}

static enum taken connected(const struct line *line, const struct exchange_row *row, struct builder *builder,
                            struct str server, struct str connector)
{
    struct line at = *line;
    struct ip client, local;
    uint16_t client_port = 0, port = 0;
    if (!exchange_endpoint(row->field[REMOTE], &client, &client_port))
        return SKIPPED;
    at.host = server;
    at.program = connector;
    struct open_session *open = builder_open(builder, key_of(row, server), &at);
    if (exchange_endpoint(row->field[LOCAL], &local, &port)) {
        open->session.server_address = local;
        open->session.server_port = port;
    }
    builder_set_client(builder, open, &client, client_port);
    if (!builder_has_learnt(builder, exchange_protocol_flag(server)))
        builder_learn(builder, exchange_protocol_flag(server));
    return TAKEN;
}

/* "MX01\Administrator,authenticated"; ",TLS protocol SP_PROT_TLS1_2_SERVER negotiation succeeded ..." */
static void said_besides(const struct exchange_row *row, struct builder *builder, struct open_session *open)
{
    struct str context = row->field[CONTEXT];
    if (str_eq(context, STR("authenticated")) && row->field[DATA].len)
        open->session.auth_user = builder_keep(builder, open, row->field[DATA]);
    else if (str_starts(context, STR("TLS negotiation failed")))
        open->session.tls = false;
    else if (str_starts(context, STR("TLS protocol ")) && str_find(context, STR(" negotiation succeeded")))
        open->session.tls = true;
}

static void disconnected(const struct line *line, const struct exchange_row *row, struct builder *builder,
                         struct open_session *open)
{
    const struct dialog *dialog = builder_notes_of(open, &dialect_exchange);
    enum closed closed = (enum closed)open->session.closed;
    if (closed == CLOSED_UNKNOWN && dialog && dialog->timed_out)
        closed = CLOSED_TIMEOUT;
    else if (closed == CLOSED_UNKNOWN && str_starts(row->field[CONTEXT], STR("Remote")))
        closed = CLOSED_LOST;
    else if (closed == CLOSED_UNKNOWN && str_starts(row->field[CONTEXT], STR("Local")))
        closed = CLOSED_DROPPED;
    open->session.cut_off |= closed == CLOSED_DROPPED;
    builder_close(builder, open, line, closed);
}

void exchange_carry_notes(struct builder *builder, struct open_session *open, struct state_bytes *state)
{
    builder_notes(builder, open, &dialect_exchange, sizeof(struct dialog));
    dialog_carry(builder, open, state);
}

enum taken exchange_take_protocol(const struct line *line, struct exchange_row *row, struct builder *builder)
{
    struct str server, connector;
    struct ip local;
    uint16_t port = 0;
    if (!exchange_connector(row->field[CONNECTOR], &server, &connector))
        return PASSED; /* a send connector's */
    if (exchange_endpoint(row->field[LOCAL], &local, &port) && port == HUB_PORT)
        return PASSED;
    char event = row->field[EVENT].len ? row->field[EVENT].at[0] : '*';
    if (event == '+')
        return connected(line, row, builder, server, connector);
    struct open_session *open = builder_find(builder, key_of(row, server), NULL);
    /* The first row is in the file before, which may be gone: the greeting follows it. */
    if (!open && str_eq(row->field[SEQUENCE], STR("1")) && str_starts(row->field[DATA], STR("220 ")) &&
        connected(line, row, builder, server, connector) == TAKEN) {
        open = builder_find(builder, key_of(row, server), NULL);
        open->session.gap = true;
    }
    if (!open || !builder_notes(builder, open, &dialect_exchange, sizeof(struct dialog)))
        return PASSED; /* it began before the log */
    builder_took(builder, open, line);
    switch (event) {
    case '<':
        if (str_starts(row->field[DATA], STR("XPROXYFROM "))) /* a transport service at another port */
            open->session.direction = DIRECTION_OUT;
        dialog_client(&style, builder, open, row->field[DATA], line);
        return TAKEN;
    case '>':
        dialog_server(&style, builder, open, row->field[DATA], line);
        return TAKEN;
    case '*':
        said_besides(row, builder, open);
        return TAKEN;
    case '-':
        disconnected(line, row, builder, open);
        return TAKEN;
    default:
        return SKIPPED;
    }
}

/* Haraka: how a connection begins and ends (connection.js, constructor and disconnect_respond()), and what
 * its last line tells where the lines before it have not told it. */
#include "collect/dialect/haraka.h"

#include "collect/smtp_text.h"

static bool field_is(struct haraka_line *said, struct str name, struct str wanted)
{
    struct str value;
    return haraka_field(said, name, &value) && str_eq(value, wanted);
}

struct open_session *haraka_connected(const struct line *line, struct haraka_line *said,
                                      struct builder *builder, session_key key)
{
    struct str text;
    struct ip client;
    uint64_t port = 0;
    if (!haraka_field(said, STR("ip"), &text) || !ip_parse(text, &client))
        return NULL;
    struct open_session *open = builder_open(builder, key, line);
    if (haraka_field(said, STR("local_ip"), &text))
        ip_parse(text, &open->session.server_address);
    if (haraka_field(said, STR("local_port"), &text) && str_number(text, &port) && port <= UINT16_MAX)
        open->session.server_port = (uint16_t)port;
    port = 0;
    if (haraka_field(said, STR("port"), &text) && (!str_number(text, &port) || port > UINT16_MAX))
        port = 0;
    builder_set_client(builder, open, &client, (uint16_t)port);
    return open;
}

/* 'HAProxy proto=TCP4 src_ip=192.0.2.1:4000 dst_ip=192.0.2.9:25': the client that a proxy speaks for. */
void haraka_proxied(struct haraka_line *said, struct builder *builder, struct open_session *open)
{
    struct str text, address, number;
    struct ip client;
    uint64_t port = 0;
    if (!haraka_field(said, STR("src_ip"), &text) || !str_split_last(text, STR(":"), &address, &number) ||
        !ip_parse(address, &client))
        return;
    if (!str_number(number, &port) || port > UINT16_MAX)
        port = 0;
    builder_set_client(builder, open, &client, (uint16_t)port);
}

/* Without that line, which is of level=info, only the last one has another address than the first. */
static void proxied_after_all(struct haraka_line *said, struct builder *builder, struct open_session *open)
{
    struct str text;
    struct ip client;
    if (haraka_field(said, STR("ip"), &text) && ip_parse(text, &client) &&
        !ip_eq(&client, &open->session.client))
        builder_set_client(builder, open, &client, 0);
}

/* The name that connection.js has found, where no plugin has said more. */
static void name_told(const struct line *line, struct haraka_line *said, struct builder *builder,
                      struct open_session *open)
{
    struct str name;
    struct evidence rdns = evidence_of(KIND_RDNS, UNKNOWN, line->at);
    if (!haraka_field(said, STR("rdns"), &name) || !name.len)
        return;
    for (uint32_t i = 0; i < open->session.evidence_count; i++)
        if (open->session.evidence[i].kind == KIND_RDNS)
            return;
    if (!str_eq(name, STR("DNSERROR")) && !str_eq(name, STR("Unknown")))
        rdns.state = (uint8_t)tri_of(!str_eq(name, STR("NXDOMAIN")));
    evidence_once(builder, open, &rdns);
    if (rdns.state == YES)
        open->session.client_name = builder_keep(builder, open, name);
    rdns.kind = KIND_FCRDNS;
    if (rdns.state == NO) /* without a name there is none that leads back */
        evidence_once(builder, open, &rdns);
}

/* "rcpts=1/0/2": accepted, put off, refused. Where that many were not accepted, the last words tell which. */
static void correct_recipients(const struct line *line, struct haraka_line *said, struct builder *builder,
                               struct open_session *open, struct str last)
{
    struct str text, address = { NULL, 0 };
    uint64_t count = 0, left = 0;
    struct session *session = &open->session;
    if (!haraka_field(said, STR("rcpts"), &text) || !cut_number(&text, &count))
        return;
    if (cut_prefix(&last, STR("550 I cannot deliver mail for ")))
        address = smtp_path(last);
    for (uint32_t i = 0; i < session->transaction_count; i++)
        for (uint32_t j = 0; j < session->transactions[i].recipient_count; j++)
            left += session->transactions[i].recipients[j].reply.code == 250;
    for (uint32_t i = 0; i < session->transaction_count && left > count; i++)
        for (uint32_t j = 0; j < session->transactions[i].recipient_count && left > count; j++) {
            const struct recipient *recipient = &session->transactions[i].recipients[j];
            if (recipient->reply.code != 250 || (count && !str_eq(recipient->address, address)))
                continue;
            haraka_refuse_unspoken(line, builder, open, (int32_t)i, (int32_t)j);
            left--;
        }
    session->gap |= left != count;
}

static void correct_code(struct reply *reply, int16_t code, struct str words)
{
    struct str enhanced = { NULL, 0 };
    smtp_cut_enhanced(&words, code, &enhanced);
    if (reply->code >= 400 && str_eq(reply->text, words) && str_eq(reply->enhanced, enhanced))
        reply->code = code;
}

/* The last refusal's words have its code: so had all that were refused in these words. */
static void correct_codes(struct open_session *open, struct str last)
{
    struct session *session = &open->session;
    uint64_t number = 0;
    if (!cut_number(&last, &number) || number < 400 || number > 599)
        return;
    int16_t code = (int16_t)number;
    struct str words = str_trim(last);
    correct_code(&session->reply, code, words);
    for (uint32_t i = 0; i < session->transaction_count; i++) {
        struct transaction *transaction = &session->transactions[i];
        correct_code(&transaction->reply, code, words);
        for (uint32_t j = 0; j < transaction->recipient_count; j++)
            correct_code(&transaction->recipients[j].reply, code, words);
    }
}

/* "554 client [198.51.100.60] rejected; no rDNS": the last refusal, where no other line has told of one. */
static void last_words(const struct line *line, struct builder *builder, struct open_session *open,
                       struct str last)
{
    uint64_t code = 0;
    struct reply reply = { .stage = STAGE_CONNECT };
    if (open->session.reply.code || !cut_number(&last, &code) || code < 400 || code > 599 || code == 503 ||
        code == 500)
        return;
    reply.code = (int16_t)code;
    reply.text = str_trim(last);
    if (open->session.stage >= STAGE_HELO || str_find(last, STR("HELO")))
        reply.stage = STAGE_HELO;
    haraka_refuse(line, builder, open, &reply, WHOLE_SESSION, WHOLE_TRANSACTION);
}

/* What the dialog shows of when both sides spoke: connection.js reads before its banner is out. */
static void when_told(const struct line *line, struct builder *builder, struct open_session *open,
                      const struct dialog *dialog, bool early)
{
    struct evidence talked =
        evidence_of(early ? KIND_PIPELINING : KIND_EARLY_TALKER, tri_of(early), line->at);
    if (!early && !dialog->banner)
        return;
    for (uint32_t i = 0; i < open->session.evidence_count; i++)
        if (open->session.evidence[i].kind == KIND_EARLY_TALKER)
            return;
    talked.a = early || !dialog->spoke ? -1 : dialog->spoke;
    talked.b = early ? -1 : dialog->banner;
    builder_add_evidence(builder, open, &talked);
}

static enum closed closed_how(const struct open_session *open)
{
    if (open->session.closed != CLOSED_UNKNOWN)
        return (enum closed)open->session.closed;
    if (open->flags & SERVER_ENDS)
        return CLOSED_DROPPED;
    return open->flags & HOOKS_KNOWN ? CLOSED_QUIT : CLOSED_UNKNOWN;
}

void haraka_disconnected(const struct line *line, struct haraka_line *said, struct builder *builder,
                         struct open_session *open, struct haraka_notes *notes)
{
    struct session *session = &open->session;
    struct str text;
    bool known = open->flags & DIALOG_KNOWN;
    if (!known && haraka_field(said, STR("helo"), &text) && text.len) {
        session->helo = builder_keep(builder, open, text);
        haraka_reach(open, STAGE_HELO);
    }
    session->tls |= field_is(said, STR("tls"), STR("Y"));
    proxied_after_all(said, builder, open);
    name_told(line, said, builder, open);
    when_told(line, builder, open, &notes->dialog, field_is(said, STR("early"), STR("Y")));
    if (!known && haraka_field(said, STR("lr"), &text)) {
        correct_codes(open, text);
        correct_recipients(line, said, builder, open, text);
        last_words(line, builder, open, text);
    }
    if (!session->reply.code)
        haraka_reach(open, STAGE_BANNER);
    enum closed closed = closed_how(open);
    session->cut_off |= closed == CLOSED_DROPPED;
    builder_close(builder, open, line, closed);
}

/* How the client left: "client half closed connection"; before Haraka 3 "client NAME [ADDRESS] half ...". */
void haraka_leaving(struct haraka_line *said, struct open_session *open)
{
    static const struct {
        struct str begin;
        enum closed closed;
    } endings[] = {
        { STR_INIT("half closed connection"), CLOSED_LOST },
        { STR_INIT("dropped connection"), CLOSED_LOST },
        { STR_INIT("connection error"), CLOSED_LOST },
        { STR_INIT("connection timed out"), CLOSED_TIMEOUT },
        { STR_INIT("timeout, destroy socket"), CLOSED_TIMEOUT },
    };
    struct str message = said->message, before;
    if (open->session.closed != CLOSED_UNKNOWN)
        return;
    if (cut_prefix(&message, STR("client ")) && str_find(message, STR("] ")) &&
        !str_starts(message, STR("connection error")))
        cut_until(&message, STR("] "), &before);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (str_starts(message, endings[i].begin))
            open->session.closed = (uint8_t)endings[i].closed;
}

/* OpenSMTPD (smtpd.8): every line of a session has its id, 16 hex digits, and so have its lines from
 * connecting to leaving:
 *
 *     8399a448cab47c63 smtp connected address=198.51.100.21 host=mail21.shop.test            since 6.4
 *     8399a448cab47c63 smtp event=connected address=198.51.100.21 host=mail21.shop.test      5.9 to 6.3
 *     smtp-in: New session 8399a448cab47c63 from host mail21.shop.test [198.51.100.21]       before
 *
 * What went well up to the end of a message is not logged: not HELO, MAIL and RCPT, and no word of a session
 * that asked for nothing wrong. The sources are smtpd's smtp_session.c, mda.c, mta_session.c, lka_filter.c.
 */
#include "collect/dialect/phrases.h"

enum { SESSION_DIGITS = 16, MESSAGE_DIGITS = 8 };

enum { TURNED_AWAY = 1 << 0 };

/* ---- Text. */

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

static bool cut_hex(struct str *rest, size_t digits, struct str *hex)
{
    if (rest->len < digits || (rest->len > digits && is_hex(rest->at[digits])))
        return false;
    for (size_t i = 0; i < digits; i++)
        if (!is_hex(rest->at[i]))
            return false;
    *hex = (struct str){ rest->at, digits };
    *rest = str_skip(*rest, digits);
    return true;
}

/* Takes " key=value" off the front; quotes go round values with blanks in them, and what is in them is not
 * escaped: they end where another key follows, or at the end. An address is in <>, with quotes of its own. */
static bool cut_field(struct str *rest, struct str *key, struct str *value)
{
    struct str in = *rest;
    cut_char(&in, ',');
    if (!cut_char(&in, ' ') || !cut_until_char(&in, '=', key))
        return false;
    size_t end = 0;
    if (in.len && in.at[0] == '"') {
        for (end = 1; end < in.len; end++)
            if (in.at[end] == '"' && (end + 1 == in.len || in.at[end + 1] == ' '))
                break;
        *value = str_skip((struct str){ in.at, end }, 1);
        *rest = str_skip(in, end + 1);
        return true;
    }
    if (in.len && in.at[0] == '<') {
        bool quoted = false;
        for (end = 1; end < in.len && (quoted || in.at[end] != '>'); end++)
            if (in.at[end] == '"')
                quoted = !quoted;
        if (end < in.len) {
            *value = (struct str){ in.at + 1, end - 1 };
            *rest = str_skip(in, end + 1);
            return true;
        }
        end = 0;
    }
    while (end < in.len && in.at[end] != ' ' && in.at[end] != ',')
        end++;
    *value = (struct str){ in.at, end };
    *rest = str_skip(in, end);
    return true;
}

static struct str field(struct str fields, struct str wanted)
{
    struct str key, value;
    while (cut_field(&fields, &key, &value))
        if (str_eq(key, wanted))
            return value;
    return (struct str){ NULL, 0 };
}

/* The last field may have blanks without quotes: "stat=Error (can't create user output file)". */
static struct str last_field(struct str fields, struct str mark)
{
    const char *at = str_find(fields, mark);
    if (!at)
        return (struct str){ NULL, 0 };
    struct str value = str_range(at + mark.len, fields.at + fields.len);
    if (value.len > 1 && value.at[0] == '"' && str_ends(value, STR("\"")))
        value = (struct str){ value.at + 1, value.len - 2 };
    return value;
}

/* "550 5.7.1 text": either code may be missing. */
static struct reply reply_of(struct str text)
{
    struct reply reply = { 0 };
    struct str in = text, enhanced;
    uint64_t code = 0;
    if (cut_number(&in, &code) && code >= 200 && code < 600) {
        reply.code = (int16_t)code;
        cut_char(&in, ' ');
        text = in;
    }
    if (in.len > 5 && (in.at[0] == '4' || in.at[0] == '5') && in.at[1] == '.' &&
        cut_until_char(&in, ' ', &enhanced) && enhanced.len <= 9) {
        reply.enhanced = enhanced;
        text = in;
    }
    reply.text = text;
    return reply;
}

/* The address of "MAIL FROM:<a@b> SIZE=5"; *is_path: it is one in <>. */
static struct str path_in(struct str argument)
{
    bool quoted = false;
    size_t end = 0;
    while (cut_char(&argument, ' '))
        ;
    if (!cut_char(&argument, '<')) {
        while (end < argument.len && argument.at[end] != ' ')
            end++;
        return (struct str){ argument.at, end };
    }
    for (; end < argument.len && (quoted || argument.at[end] != '>'); end++)
        if (argument.at[end] == '"')
            quoted = !quoted;
    if (end == argument.len) /* a quote that does not close is none */
        for (end = 0; end < argument.len && argument.at[end] != '>'; end++)
            ;
    return (struct str){ argument.at, end };
}

/* Takes a command's name off the front, whatever its case. */
static bool cut_command(struct str *command, struct str name)
{
    if (command->len < name.len || !str_eq_nocase((struct str){ command->at, name.len }, name))
        return false;
    if (command->len > name.len && is_alpha(command->at[name.len]))
        return false;
    *command = str_skip(*command, name.len);
    return true;
}

/* Where a logged command ends and `mark` is the server's: quotes in it are as the client sent them, and the
 * server's answer may repeat its address. Behind the address, then, or the last mark. NULL: there is none. */
static const char *find_end(struct str command, struct str mark)
{
    struct str argument = command;
    const char *end = command.at + command.len, *last = NULL;
    if (cut_command(&argument, STR("MAIL FROM:")) || cut_command(&argument, STR("RCPT TO:"))) {
        struct str path = path_in(argument), simple;
        const char *found = str_find(str_range(path.at + path.len, end), mark);
        if (!found && cut_until_char(&argument, '>', &simple)) /* a quote that closes in the answer */
            found = str_find(str_range(simple.at + simple.len, end), mark);
        if (found)
            return found;
    }
    for (const char *at = str_find(command, mark); at; at = str_find(str_range(at + 1, end), mark))
        last = at;
    return last;
}

/* ---- Sessions. */

static void reach(struct open_session *open, enum stage stage)
{
    if (open->session.stage < stage)
        open->session.stage = (uint8_t)stage;
}

static session_key key_of(const struct line *line, struct str id)
{
    return key_of_text(KEY_SESSION, line->host, id);
}

static struct open_session *session_of(struct builder *builder, const struct line *line, struct str id)
{
    struct open_session *open = builder_find(builder, key_of(line, id), NULL);
    if (open) {
        builder_took(builder, open, line);
        return open;
    }
    open = builder_open(builder, key_of(line, id), line);
    open->session.gap = true; /* it began before the record */
    return open;
}

/* The transaction under way, begun when there is none. */
static int32_t transaction_of(struct builder *builder, struct open_session *open, usec at)
{
    if (open->transaction < 0) {
        if (!builder_add_transaction(builder, open, at))
            return -1;
        open->transaction = (int32_t)open->session.transaction_count - 1;
    }
    reach(open, STAGE_MAIL);
    return open->transaction;
}

static enum taken take_connected(struct builder *builder, const struct line *line, struct str id,
                                 struct str address, struct str host)
{
    struct str inside = address;
    struct ip client;
    if (cut_char(&inside, '[') && str_ends(inside, STR("]")))
        address = (struct str){ inside.at, inside.len - 1 };
    /* "local": over the socket, by sendmail(8). */
    bool local = str_eq(address, STR("local"));
    if (!local && !ip_parse(address, &client))
        return SKIPPED;
    struct open_session *open = builder_open(builder, key_of(line, id), line);
    if (local) {
        client = ip_from_v4(0x7f000001);
        open->session.direction = DIRECTION_OUT;
    }
    builder_set_client(builder, open, &client, 0);
    if (host.len && !str_eq(host, STR("<unknown>")) && !str_eq(host, STR("unknown"))) {
        open->session.client_name = builder_keep(builder, open, host);
        struct evidence rdns = evidence_of(KIND_RDNS, local ? UNKNOWN : YES, line->at);
        if (!local)
            builder_add_evidence(builder, open,
                                 &rdns); /* whether it leads back only the fcrdns filter asks */
    }
    return TAKEN;
}

static enum taken take_disconnected(struct builder *builder, const struct line *line, struct str id,
                                    struct str reason)
{
    static const struct end {
        struct str reason;
        enum closed closed;
    } ends[] = {
        { STR_INIT("quit"), CLOSED_QUIT },
        { STR_INIT("disconnect"), CLOSED_LOST },
        { STR_INIT("timeout"), CLOSED_TIMEOUT },
        { STR_INIT("session timeout"), CLOSED_TIMEOUT },
        { STR_INIT("io-error"), CLOSED_LOST },
        { STR_INIT("IO error"), CLOSED_LOST },
        { STR_INIT("error: "), CLOSED_LOST },
        { STR_INIT("tempfail"), CLOSED_DROPPED },
        { STR_INIT("bad-input"), CLOSED_DROPPED },
        { STR_INIT("rejected by filter"), CLOSED_DROPPED },
        { STR_INIT("session not moving forward"), CLOSED_DROPPED },
        { STR_INIT("SSL certificate check failed"), CLOSED_DROPPED },
        { STR_INIT("client did not present certificate"), CLOSED_DROPPED },
    };
    struct open_session *open = session_of(builder, line, id);
    enum closed closed = CLOSED_UNKNOWN;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (str_starts(reason, ends[i].reason))
            closed = ends[i].closed;
    if (str_eq(reason, STR("rejected by filter")) && !open->session.reply.code) { /* 5.4: without a word */
        struct refused refused = { .at = line->at,
                                   .reply = { .code = 421, .stage = STAGE_CONNECT, .text = reason },
                                   .transaction = WHOLE_SESSION,
                                   .recipient = WHOLE_TRANSACTION };
        refused_note(builder, open, &refused, saying_of(reason, STAGE_CONNECT));
    }
    if (open->flags & TURNED_AWAY) /* it says "quit" then too */
        closed = CLOSED_DROPPED;
    open->session.cut_off |= closed == CLOSED_DROPPED;
    builder_close(builder, open, line, closed);
    return TAKEN;
}

static void add_auth(struct builder *builder, struct open_session *open, const struct line *line,
                     struct str user, bool well)
{
    struct evidence auth = evidence_of(KIND_AUTH, well ? YES : NO, line->at);
    auth.subject = user;
    builder_add_evidence(builder, open, &auth);
    if (well && !open->session.auth_user.at)
        open->session.auth_user = builder_keep(builder, open, user);
}

/* ---- Refusals. */

/* Commands that stop no attempt: what they are evidence of. */
static void take_other_command(struct builder *builder, struct open_session *open, const struct line *line,
                               struct str command, const struct reply *reply)
{
    static const struct str foreign[] = {
        STR_INIT("GET "),  STR_INIT("POST "),    STR_INIT("PUT "),
        STR_INIT("HEAD "), STR_INIT("CONNECT "), STR_INIT("OPTIONS "),
    };
    struct str argument = command;
    if (cut_command(&argument, STR("VRFY")) || cut_command(&argument, STR("EXPN"))) {
        struct evidence probe = evidence_of(KIND_VRFY, YES, line->at);
        probe.subject = path_in(argument);
        probe.detail = reply->text;
        builder_add_evidence(builder, open, &probe);
    } else if (cut_command(&argument, STR("AUTH")) && reply->code == 535 &&
               !(open->session.evidence_count &&
                 open->session.evidence[open->session.evidence_count - 1].kind == KIND_AUTH)) {
        add_auth(builder, open, line, (struct str){ NULL, 0 },
                 false); /* the line before told it, with the user */
    }
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (str_starts(command, foreign[i])) {
            struct evidence evidence = evidence_of(KIND_NON_SMTP, YES, line->at);
            evidence.detail = command;
            evidence_once(builder, open, &evidence);
        }
}

static void take_helo(struct builder *builder, struct open_session *open, struct str argument)
{
    while (cut_char(&argument, ' '))
        ;
    open->session.helo = builder_keep(builder, open, argument);
}

/* 503 is out of place, not unwanted: after a MAIL that was refused, or with no recipient left. */
static bool is_out_of_place(const struct reply *reply)
{
    return reply->code == 503;
}

static enum taken take_failed(struct builder *builder, const struct line *line, struct str id,
                              struct str command, struct str result)
{
    struct open_session *open = session_of(builder, line, id);
    struct refused refused = { .at = line->at,
                               .reply = reply_of(result),
                               .transaction = WHOLE_SESSION,
                               .recipient = WHOLE_TRANSACTION };
    struct reply *reply = &refused.reply;
    struct str argument = command;
    if (command.len == 0) {
        reply->stage = STAGE_CONNECT;
        open->flags |= TURNED_AWAY;
    } else if (cut_command(&argument, STR("EHLO")) || cut_command(&argument, STR("HELO"))) {
        reply->stage = STAGE_HELO;
        take_helo(builder, open, argument);
        if (is_out_of_place(reply))
            return TAKEN;
    } else if (cut_command(&argument, STR("MAIL FROM:"))) {
        reply->stage = STAGE_MAIL;
        refused.sender = path_in(argument);
        open->transaction = -1;
        refused.transaction = transaction_of(builder, open, line->at);
        if (refused.transaction < 0)
            return TAKEN;
        open->session.transactions[refused.transaction].mail_from =
            builder_keep(builder, open, refused.sender);
        open->transaction = -1; /* there is none to go on with */
    } else if (cut_command(&argument, STR("RCPT TO:"))) {
        reply->stage = STAGE_RCPT;
        reach(open, STAGE_RCPT);
        if (is_out_of_place(reply))
            return TAKEN;
        refused.address = path_in(argument);
        refused.transaction = transaction_of(builder, open, line->at);
        if (refused.transaction < 0 ||
            !builder_add_recipient(builder, open, refused.transaction, refused.address, line->at))
            return TAKEN;
        const struct transaction *transaction = &open->session.transactions[refused.transaction];
        refused.recipient = (int32_t)transaction->recipient_count - 1;
        refused.sender = transaction->mail_from;
    } else if (cut_command(&argument, STR("DATA"))) {
        reply->stage = STAGE_EOM; /* it is written so when the message has come in, too */
        reach(open, STAGE_DATA);
        if (is_out_of_place(reply))
            return TAKEN;
        refused.transaction = transaction_of(builder, open, line->at);
        open->transaction = -1;
    } else {
        take_other_command(builder, open, line, command, reply);
        return TAKEN;
    }
    refused_note(builder, open, &refused, saying_of(reply->text, (enum stage)reply->stage));
    return TAKEN;
}

/* "500 5.5.1 Invalid command: Pipelining not supported": sent ahead of the reply to HELO. */
static enum taken take_bad_input(struct builder *builder, const struct line *line, struct str id,
                                 struct str result)
{
    struct open_session *open = session_of(builder, line, id);
    struct refused refused = { .at = line->at,
                               .reply = reply_of(result),
                               .transaction = WHOLE_SESSION,
                               .recipient = WHOLE_TRANSACTION };
    refused.reply.stage = STAGE_HELO;
    open->flags |= TURNED_AWAY;
    refused_note(builder, open, &refused, saying_of(refused.reply.text, STAGE_CONNECT));
    return TAKEN;
}

/* ---- Messages. */

static int32_t take_message(struct builder *builder, const struct line *line, struct open_session *open,
                            struct str message, struct str size)
{
    uint64_t bytes = 0;
    int32_t index = transaction_of(builder, open, line->at);
    if (index < 0)
        return -1;
    struct transaction *transaction = &open->session.transactions[index];
    transaction->queue_id = builder_keep(builder, open, message);
    transaction->verdict = VERDICT_ACCEPTED;
    if (str_number(size, &bytes) && bytes <= INT64_MAX)
        transaction->size = (int64_t)bytes;
    builder_bind(builder, key_of_text(KEY_MESSAGE_ID, line->host, message), open, index, false);
    reach(open, STAGE_EOM);
    open->transaction = -1;
    return index;
}

static void add_accepted(struct builder *builder, const struct line *line, struct open_session *open,
                         int32_t index, struct str from, struct str to)
{
    struct transaction *transaction = &open->session.transactions[index];
    if (!transaction->mail_from.at)
        transaction->mail_from = builder_keep(builder, open, from);
    struct recipient *recipient = builder_add_recipient(builder, open, index, to, line->at);
    if (!recipient)
        return;
    recipient->reply.code = 250;
    recipient->reply.stage = STAGE_RCPT;
    recipient->valid = YES;
}

/* Of a message whose envelopes no line names: what becomes of it is known by its own id. */
static void add_only(struct builder *builder, const struct line *line, struct open_session *open,
                     int32_t index, struct str from, struct str to)
{
    struct str message = open->session.transactions[index].queue_id;
    add_accepted(builder, line, open, index, from, to);
    builder_bind(builder, key_of_text(KEY_MESSAGE_ID, line->host, message), open, index, true);
}

static enum taken take_envelope(struct builder *builder, const struct line *line, struct str id,
                                struct str fields)
{
    struct str envelope = field(fields, STR("evpid")), from = field(fields, STR("from")),
               to = field(fields, STR("to"));
    int32_t index = -1;
    if (envelope.len != SESSION_DIGITS || !to.at)
        return SKIPPED;
    struct open_session *open = session_of(builder, line, id);
    struct str message = { envelope.at, MESSAGE_DIGITS };
    struct open_session *owner =
        builder_find(builder, key_of_text(KEY_MESSAGE_ID, line->host, message), &index);
    if (owner != open || index < 0)
        return TAKEN;
    add_accepted(builder, line, open, index, from, to);
    builder_bind(builder, key_of_text(KEY_ENVELOPE, line->host, envelope), open, index, true);
    return TAKEN;
}

/* "result=Ok stat=Delivered": what became of an envelope, under the id of another session. */
static enum taken take_delivery(struct builder *builder, const struct line *line, struct str envelope,
                                struct str result, struct str to, struct str stat)
{
    session_key key = key_of_text(KEY_ENVELOPE, line->host, envelope);
    bool well = str_eq(result, STR("Ok")), later = str_eq(result, STR("TempFail"));
    struct evidence fate = evidence_of(KIND_FATE, well ? YES : later ? UNKNOWN : NO, line->at);
    fate.subject = to;
    fate.detail = stat;
    fate.a = -1;
    if (!builder_knows(
            builder, key)) { /* before 6.4 no line names the envelopes: their ids begin with the message's */
        envelope.len = MESSAGE_DIGITS;
        key = key_of_text(KEY_MESSAGE_ID, line->host, envelope);
    }
    if (!builder_add_by_key(builder, key, line, &fate))
        return PASSED; /* a bounce of our own */
    if (!later)
        builder_release(builder, key);
    return TAKEN;
}

/* ---- Lines with the session's id first. */

static enum taken take_event(struct builder *builder, const struct line *line, struct str id, struct str rest)
{
    struct str event, command, result;
    cut_prefix(&rest, STR("event="));
    const char *begin = rest.at;
    if (!cut_until_char(&rest, ' ', &event)) {
        event = rest;
        rest = str_skip(rest, rest.len);
    } else {
        rest = str_range(begin + event.len, rest.at + rest.len); /* fields begin with a blank */
    }
    if (str_eq(event, STR("failed-command"))) {
        if (!cut_until(&rest, STR("command=\""), &command))
            return SKIPPED;
        const char *mark = find_end(rest, STR("\" result=\""));
        if (!mark)
            return SKIPPED;
        result = str_range(mark + 10, rest.at + rest.len);
        if (str_ends(result, STR("\"")))
            result.len--;
        return take_failed(builder, line, id, str_range(rest.at, mark), result);
    }
    if (str_eq(event, STR("connected")))
        return take_connected(builder, line, id, field(rest, STR("address")), field(rest, STR("host")));
    if (str_eq(event, STR("disconnected")) || str_eq(event, STR("closed"))) {
        if (str_starts(rest, STR("  "))) /* two blanks in smtp_free() of 6.8 */
            rest = str_skip(rest, 1);
        return take_disconnected(builder, line, id, field(rest, STR("reason")));
    }
    if (str_eq(event, STR("envelope")))
        return take_envelope(builder, line, id, rest);
    if (str_eq(event, STR("bad-input")))
        return take_bad_input(builder, line, id, field(rest, STR("result")));
    if (str_eq(event, STR("message"))) {
        struct open_session *open = session_of(builder, line, id);
        struct str to = field(rest, STR("to"));
        int32_t index =
            take_message(builder, line, open, field(rest, STR("msgid")), field(rest, STR("size")));
        if (index >= 0 && to.at) /* before 6.4 it tells sender and recipient itself */
            add_only(builder, line, open, index, field(rest, STR("from")), to);
        return TAKEN;
    }
    if (str_eq(event, STR("tls")) || str_eq(event, STR("starttls"))) {
        session_of(builder, line, id)->session.tls = true;
        return TAKEN;
    }
    if (str_eq(event, STR("authentication"))) {
        struct str outcome = field(rest, STR("result"));
        bool well = str_eq(outcome, STR("ok")) || str_eq(outcome, STR("success"));
        add_auth(builder, session_of(builder, line, id), line, field(rest, STR("user")), well);
        return TAKEN;
    }
    if (str_eq(event, STR("cert-check")) || str_eq(event, STR("client-cert-check")) ||
        str_starts(event, STR("filter")) || str_eq(event, STR("report"))) {
        session_of(builder, line, id);
        return TAKEN;
    }
    return SKIPPED;
}

/* "mda delivery evpid=…", "mta delivery …", "mta connecting …" */
static enum taken take_agent(struct builder *builder, const struct line *line, struct str rest)
{
    struct str envelope;
    cut_prefix(&rest, STR("event="));
    if (!cut_prefix(&rest, STR("delivery")))
        return PASSED; /* this server as a client of others */
    envelope = field(rest, STR("evpid"));
    if (envelope.len != SESSION_DIGITS)
        return SKIPPED;
    return take_delivery(builder, line, envelope, field(rest, STR("result")), field(rest, STR("to")),
                         last_field(rest, STR(" stat=")));
}

/* ---- Lines of 5.4 to 5.7. */

static bool cut_on_session(struct str *rest, struct str *id)
{
    struct str before;
    struct str in = *rest;
    if (!cut_until(&in, STR("session "), &before) || !cut_hex(&in, SESSION_DIGITS, id))
        return false;
    *rest = in;
    return true;
}

/* "8399a44f3a2b46d1: connection from host mail21.shop.test [198.51.100.21] established", "…: authentication
 * successful for user alice" */
static enum taken take_session_line(struct builder *builder, const struct line *line, struct str rest)
{
    struct str id, host, address;
    if (!cut_hex(&rest, SESSION_DIGITS, &id) || !cut_prefix(&rest, STR(": ")))
        return SKIPPED;
    if (cut_prefix(&rest, STR("connection from host "))) {
        if (!cut_until(&rest, STR(" ["), &host) || !cut_until_char(&rest, ']', &address))
            return SKIPPED;
        return take_connected(builder, line, id, address, host);
    }
    if (cut_prefix(&rest, STR("authentication successful for user "))) {
        add_auth(builder, session_of(builder, line, id), line, str_trim(rest), true);
        return TAKEN;
    }
    if (cut_prefix(&rest, STR("authentication failed for user "))) {
        add_auth(builder, session_of(builder, line, id), line, str_trim(rest), false);
        return TAKEN;
    }
    return str_eq(rest, STR("vfprintf")) ? PASSED : SKIPPED;
}

static enum taken take_smtp_in(struct builder *builder, const struct line *line, struct str rest)
{
    struct str id, host, message, command;
    if (cut_prefix(&rest, STR("New "))) {
        if (!cut_on_session(&rest, &id) || !cut_prefix(&rest, STR(" from host ")) ||
            !cut_until(&rest, STR(" ["), &host) || !str_ends(rest, STR("]")))
            return SKIPPED;
        return take_connected(builder, line, id, (struct str){ rest.at, rest.len - 1 }, host);
    }
    if (cut_prefix(&rest, STR("Failed command on "))) {
        if (!cut_on_session(&rest, &id) || !cut_prefix(&rest, STR(": \"")))
            return SKIPPED;
        const char *mark = find_end(rest, STR("\" => "));
        if (!mark)
            return SKIPPED;
        command = str_range(rest.at, mark);
        return take_failed(builder, line, id, command, str_range(mark + 5, rest.at + rest.len));
    }
    if (cut_prefix(&rest, STR("Accepted message "))) {
        struct str fields;
        if (!cut_hex(&rest, MESSAGE_DIGITS, &message) || !cut_on_session(&rest, &id) || !cut_char(&rest, ':'))
            return SKIPPED;
        fields = rest;
        struct open_session *open = session_of(builder, line, id);
        int32_t index = take_message(builder, line, open, message, field(fields, STR("size")));
        if (index >= 0)
            add_only(builder, line, open, index, field(fields, STR("from")), field(fields, STR("to")));
        return TAKEN;
    }
    if (cut_prefix(&rest, STR("Closing ")))
        return cut_on_session(&rest, &id) ? take_disconnected(builder, line, id, STR("quit")) : SKIPPED;
    if (cut_prefix(&rest, STR("Received disconnect from ")))
        return cut_on_session(&rest, &id) ? take_disconnected(builder, line, id, STR("disconnect")) : SKIPPED;
    if (cut_prefix(&rest, STR("Disconnecting "))) {
        if (!cut_on_session(&rest, &id))
            return SKIPPED;
        cut_prefix(&rest, STR(": "));
        return take_disconnected(builder, line, id, rest);
    }
    if (cut_prefix(&rest, STR("Bad input on "))) {
        if (!cut_on_session(&rest, &id))
            return SKIPPED;
        cut_prefix(&rest, STR(": "));
        return take_bad_input(builder, line, id, rest);
    }
    if (cut_prefix(&rest, STR("session "))) /* of 5.3 */
        return take_session_line(builder, line, rest);
    bool accepted = cut_prefix(&rest, STR("Accepted authentication for user "));
    if (accepted || cut_prefix(&rest, STR("Authentication failed for user ")) ||
        cut_prefix(&rest, STR("Authentication temporarily failed for user "))) {
        if (!cut_until(&rest, STR(" on "), &host) || !cut_on_session(&rest, &id))
            return SKIPPED;
        add_auth(builder, session_of(builder, line, id), line, host, accepted);
        return TAKEN;
    }
    if (cut_prefix(&rest, STR("Ending ")) || cut_prefix(&rest, STR("Client certificate verification ")) ||
        cut_prefix(&rest, STR("No PKI entry for requested SNI "))) {
        if (!cut_on_session(&rest, &id))
            return SKIPPED;
        struct open_session *open = session_of(builder, line, id);
        if (str_starts(rest, STR(": too many failed RCPT")))
            open->flags |= TURNED_AWAY;
        return TAKEN;
    }
    if (cut_prefix(&rest, STR("Started TLS on "))) {
        if (!cut_on_session(&rest, &id))
            return SKIPPED;
        session_of(builder, line, id)->session.tls = true;
        return TAKEN;
    }
    return SKIPPED;
}

/* "delivery: Ok for 9ff3e1d93f16bd7f: from=<a@b>, to=<c@d>, …", "relay: TempFail for …: session=…, from=…" */
static enum taken take_old_delivery(struct builder *builder, const struct line *line, struct str rest)
{
    struct str result, envelope;
    if (!cut_until(&rest, STR(" for "), &result) || !cut_hex(&rest, SESSION_DIGITS, &envelope) ||
        !cut_char(&rest, ':'))
        return PASSED;
    return take_delivery(builder, line, envelope, result, field(rest, STR("to")),
                         last_field(rest, STR(" stat=")));
}

/* ---- */

static bool recognise(struct str tag)
{
    return str_eq(tag, STR("smtpd")) || str_eq(tag, STR("opensmtpd"));
}

static enum taken take(const struct line *line, struct builder *builder)
{
    static const struct str others[] = {
        STR_INIT("info: "),
        STR_INIT("warn: "),
        STR_INIT("fatal: "),
        STR_INIT("Exiting"),
        STR_INIT("getnameinfo: "),
        STR_INIT("getaddrinfo: "),
        STR_INIT("smtp_session_imsg: "),
        STR_INIT("failed to push dataline"),
        STR_INIT("bounce"),
        STR_INIT("debug: "),
        STR_INIT("mta: "),
        STR_INIT("mta-in"),
        STR_INIT("smtp-out"),
        STR_INIT("queue"),
        STR_INIT("scheduler"),
        STR_INIT("control"),
        STR_INIT("lookup"),
        STR_INIT("lka"),
        STR_INIT("pony"),
        STR_INIT("relay-"),
        STR_INIT("parent"),
        STR_INIT("OpenSMTPD "),
        STR_INIT("kernel"),
        STR_INIT("crypto"),
        STR_INIT("dispatcher"),
    };
    struct str rest = line->text, id;
    if (cut_hex(&rest, SESSION_DIGITS, &id)) {
        if (cut_prefix(&rest, STR(" smtp ")))
            return take_event(builder, line, id, rest);
        if (cut_prefix(&rest, STR(" mda ")) || cut_prefix(&rest, STR(" mta ")))
            return take_agent(builder, line, rest);
        return SKIPPED;
    }
    if (cut_prefix(&rest, STR("smtp-in: ")))
        return take_smtp_in(builder, line, rest);
    if (cut_prefix(&rest, STR("delivery: ")) || cut_prefix(&rest, STR("relay: ")))
        return take_old_delivery(builder, line, rest);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (str_starts(line->text, others[i]))
            return PASSED;
    return SKIPPED;
}

const struct dialect dialect_opensmtpd = {
    .name = "opensmtpd",
    .title = "OpenSMTPD smtpd",
    .recognise = recognise,
    .take = take,
};

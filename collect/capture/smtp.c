/* The SMTP dialog of one connection. The client's bytes are in one of the states below; what a server's reply
 * means is told by the command that it answers, which waits in a queue: with pipelining there are many. Where
 * the meaning of the client's next bytes hangs on a reply (is it a message after DATA, or commands?) they are
 * not taken before it. */
#define _GNU_SOURCE
#include "collect/capture/smtp.h"

#include <stdlib.h>
#include "base/memory.h"
#include "collect/capture/headers.h"
#include "collect/capture/smtp_bytes.h"
#include "collect/capture/smtp_session.h"
#include "collect/smtp_text.h"

enum {
    REPLY_BYTES = 1000, /* kept of a reply's text */
    PENDING_MOST = 4096 /* commands without reply; then the client has to wait */
};

enum command {
    C_BANNER, /* none: the first reply comes by itself */
    C_HELO,
    C_EHLO,
    C_MAIL,
    C_RCPT,
    C_DATA,
    C_BDAT,
    C_BDAT_LAST,
    C_MESSAGE, /* the end of one */
    C_RSET,
    C_STARTTLS,
    C_AUTH,
    C_VRFY,
    C_QUIT,
    C_OTHER,
    C_FOREIGN, /* another protocol's */
    C_UNKNOWN
};

static const struct verb {
    struct str name;
    enum command command;
} verbs[] = {
    { STR_INIT("HELO"), C_HELO },         { STR_INIT("EHLO"), C_EHLO },
    { STR_INIT("LHLO"), C_EHLO },         { STR_INIT("MAIL"), C_MAIL },
    { STR_INIT("RCPT"), C_RCPT },         { STR_INIT("DATA"), C_DATA },
    { STR_INIT("BDAT"), C_BDAT },         { STR_INIT("RSET"), C_RSET },
    { STR_INIT("STARTTLS"), C_STARTTLS }, { STR_INIT("AUTH"), C_AUTH },
    { STR_INIT("VRFY"), C_VRFY },         { STR_INIT("EXPN"), C_VRFY },
    { STR_INIT("QUIT"), C_QUIT },         { STR_INIT("NOOP"), C_OTHER },
    { STR_INIT("HELP"), C_OTHER },        { STR_INIT("ETRN"), C_OTHER },
    { STR_INIT("XCLIENT"), C_OTHER },     { STR_INIT("XFORWARD"), C_OTHER },
    { STR_INIT("GET"), C_FOREIGN },       { STR_INIT("POST"), C_FOREIGN },
    { STR_INIT("PUT"), C_FOREIGN },       { STR_INIT("HEAD"), C_FOREIGN },
    { STR_INIT("OPTIONS"), C_FOREIGN },   { STR_INIT("CONNECT"), C_FOREIGN },
    { STR_INIT("DELETE"), C_FOREIGN },    { STR_INIT("PRI"), C_FOREIGN },
    { STR_INIT("PROXY"), C_FOREIGN },     { STR_INIT("USER-AGENT:"), C_FOREIGN },
    { STR_INIT("HOST:"), C_FOREIGN },
};

/* What the client's next bytes are. */
enum state {
    COMMAND,
    WAIT_DATA, /* hangs on the reply */
    WAIT_TLS,
    WAIT_AUTH,
    MESSAGE,
    CHUNK,
    AUTH_LINE,
    OPAQUE
};

struct pending {
    uint8_t command;
    int32_t transaction, recipient;
};

struct smtp {
    struct smtp_world *world;
    struct open_session *open; /* NULL: handed over already */
    usec connected;            /* the handshake's end */
    usec seen;                 /* when it was heard of last */
    bool lost, resync, quit, pipelining, implicit_tls;
    bool astray; /* since something was lost, commands and replies may have been taken for each other's */
    bool server_spoke; /* last */
    bool server_lost;  /* and of that something was lost */
    uint8_t state;     /* enum state */
    bool told;         /* the reply to the message came before its end */
    bool last_chunk, server_opaque, timed_out;
    bool farewell;       /* 421 came unasked, and is what the next command reads for its reply */
    int32_t transaction; /* under way, or -1 */
    struct message message;
    struct headers *headers; /* of the message that is being read; NULL: not wanted */
    bool injected;           /* something plain came behind STARTTLS */
    uint64_t chunk_left;
    usec spoke, banner, replied, tls_at; /* USEC_NONE: not yet */
    bool early;                          /* the client spoke before the banner */
    bool early_told, ahead, bare_newline, commands;
    struct tls_records tls;
    struct part_line line[2];
    struct pending *pending;
    size_t pending_first, pending_count, pending_capacity;
    int16_t code;               /* of the reply that is being read; 0: none */
    size_t reply_len, said_len; /* of that one; of the last whole one */
    char mechanism[16];
    unsigned auth_step;
    size_t user_len;
    char user[SMTP_USER_BYTES];
    char reply[REPLY_BYTES];
};

/* ---- The session. */

static struct evidence captured(enum kind kind, enum tri state, usec at)
{
    struct evidence evidence = evidence_of(kind, state, at);
    evidence.origin = ORIGIN_CAPTURE;
    return evidence;
}

static void reach(struct smtp *smtp, enum stage stage)
{
    if (smtp->open && smtp->open->session.stage < stage)
        smtp->open->session.stage = (uint8_t)stage;
}

/* By the order in which the two sides knew of it, not by the clock: packets may be captured in another. */
static bool spoke_early(const struct smtp *smtp)
{
    return smtp->early || (smtp->spoke != USEC_NONE && smtp->banner == USEC_NONE);
}

/* The times of first talk and banner, after the handshake, so that any wait can be replayed. A port that
 * begins with TLS shows neither. */
static void add_early_talker(struct smtp *smtp, struct builder *builder, struct open_session *open)
{
    if (smtp->implicit_tls || smtp->lost || smtp->connected == USEC_NONE ||
        (smtp->spoke == USEC_NONE && smtp->banner == USEC_NONE))
        return;
    bool early = spoke_early(smtp);
    struct evidence evidence = captured(KIND_EARLY_TALKER, tri_of(early), early ? smtp->spoke : smtp->banner);
    evidence.a = smtp->spoke == USEC_NONE ? -1 : smtp->spoke - smtp->connected;
    evidence.b = smtp->banner == USEC_NONE ? -1 : smtp->banner - smtp->connected;
    builder_add_evidence(builder, open, &evidence);
}

/* The builder's last call before it hands the session over, be it that it has no room or patience for more.
 */
static void conclude(struct builder *builder, struct open_session *open)
{
    struct smtp *smtp = open->notes;
    struct session *session = &open->session;
    if (!smtp->early_told)
        add_early_talker(smtp, builder, open);
    if (smtp->commands && (smtp->ahead || !smtp->lost)) {
        struct evidence evidence = captured(KIND_PIPELINING, tri_of(smtp->ahead), session->started);
        evidence.detail = smtp->injected ? STR("plain text behind STARTTLS") : STR("");
        builder_add_evidence(builder, open, &evidence);
    }
    if (smtp->commands && (smtp->bare_newline || !smtp->lost)) {
        struct evidence evidence = captured(KIND_BARE_NEWLINE, tri_of(smtp->bare_newline), session->started);
        builder_add_evidence(builder, open, &evidence);
    }
    if (smtp->world->answers)
        answers_note(smtp->world->answers, builder, open, smtp->seen);
    for (uint32_t i = 0; i < session->evidence_count; i++)
        session->evidence[i].origin = ORIGIN_CAPTURE;
    session->gap |= smtp->lost;
    session->direction =
        (uint8_t)servers_direction(smtp->world->servers, &session->client, &session->server_address);
    smtp->open = NULL;
}

static struct line place_of(const struct connection *connection, usec at)
{
    return (struct line){ .at = at, .input = connection->input, .offset = connection->last_offset };
}

struct smtp *smtp_new(struct smtp_world *world, const struct connection *connection)
{
    struct smtp *smtp = mem_zero(1, sizeof *smtp);
    struct line line = place_of(connection, connection->started);
    line.offset = connection->offset;
    smtp->world = world;
    smtp->connected = connection->midway ? USEC_NONE : connection->established;
    smtp->banner = smtp->replied = smtp->tls_at = USEC_NONE;
    smtp->spoke = connection->waited;
    smtp->seen = connection->started;
    smtp->transaction = -1;
    smtp->lost = smtp->resync = connection->midway;
    smtp->open = builder_open(world->builder, 0, &line);
    struct session *session = &smtp->open->session;
    smtp->open->notes = smtp;
    smtp->open->conclude = conclude;
    session->server_address = connection->address[SIDE_SERVER];
    session->server_port = connection->port[SIDE_SERVER];
    builder_set_client(world->builder, smtp->open, &connection->address[SIDE_CLIENT],
                       connection->port[SIDE_CLIENT]);
    if (!connection->midway) {
        mem_room(smtp->pending, smtp->pending_capacity, 1);
        smtp->pending[smtp->pending_count++] = (struct pending){ C_BANNER, WHOLE_SESSION, WHOLE_TRANSACTION };
    }
    return smtp;
}

size_t smtp_memory(const struct smtp *smtp)
{
    return sizeof *smtp + (smtp->headers ? sizeof *smtp->headers : 0) + smtp->line[0].capacity +
           smtp->line[1].capacity + smtp->pending_capacity * sizeof *smtp->pending;
}

/* ---- Commands. */

static const struct verb *verb_of(struct str line, struct str *argument)
{
    size_t len = 0;
    while (len < line.len && line.at[len] != ' ' && line.at[len] != '\t')
        len++;
    *argument = str_skip(line, len);
    if (argument->len)
        *argument = str_skip(*argument, 1);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (str_eq_nocase((struct str){ line.at, len }, verbs[i].name))
            return &verbs[i];
    return NULL;
}

static void ask(struct smtp *smtp, enum command command, int32_t transaction, int32_t recipient)
{
    if (smtp->pending_first && smtp->pending_first == smtp->pending_count)
        smtp->pending_first = smtp->pending_count = 0;
    if (smtp->pending_count == smtp->pending_capacity && smtp->pending_first > smtp->pending_capacity / 2) {
        smtp->pending_count -= smtp->pending_first;
        memmove(smtp->pending, smtp->pending + smtp->pending_first,
                smtp->pending_count * sizeof *smtp->pending);
        smtp->pending_first = 0;
    }
    mem_room(smtp->pending, smtp->pending_capacity, smtp->pending_count + 1);
    smtp->pending[smtp->pending_count++] = (struct pending){ (uint8_t)command, transaction, recipient };
}

/* The transaction that RCPT, DATA and BDAT belong to; one of an unknown sender where there was no MAIL. */
static int32_t transaction_of(struct smtp *smtp, usec at)
{
    if (smtp->transaction < 0 && smtp->open && builder_add_transaction(smtp->world->builder, smtp->open, at))
        smtp->transaction = (int32_t)smtp->open->session.transaction_count - 1;
    return smtp->transaction;
}

/* Replies that have been lost, as far as can be known: what they would have ended has ended. */
static void forget_pending(struct smtp *smtp)
{
    for (; smtp->pending_first < smtp->pending_count; smtp->pending_first++) {
        const struct pending *asked = &smtp->pending[smtp->pending_first];
        if ((asked->command == C_MESSAGE || asked->command == C_BDAT_LAST) &&
            asked->transaction == smtp->transaction) {
            smtp->transaction = -1;
            smtp->message.size = 0;
        }
    }
}

static struct str behind_colon(struct str argument)
{
    struct str rest = argument, word;
    return cut_until_char(&rest, ':', &word) ? rest : argument;
}

static void command_auth(struct smtp *smtp, struct str argument)
{
    struct str mechanism = argument, response = { NULL, 0 };
    if (cut_until_char(&argument, ' ', &mechanism))
        response = str_trim(argument);
    size_t len = mechanism.len < sizeof smtp->mechanism ? mechanism.len : sizeof smtp->mechanism - 1;
    for (size_t i = 0; i < len; i++)
        smtp->mechanism[i] =
            mechanism.at[i] >= 'a' && mechanism.at[i] <= 'z' ? (char)(mechanism.at[i] - 32) : mechanism.at[i];
    smtp->mechanism[len] = '\0';
    smtp->auth_step = 0;
    smtp->user_len = 0;
    if (response.len)
        smtp->user_len = smtp_auth_user(str_of(smtp->mechanism), smtp->auth_step++, response, smtp->user);
    smtp->state = WAIT_AUTH;
    ask(smtp, C_AUTH, WHOLE_SESSION, WHOLE_TRANSACTION);
}

static void note_foreign(struct smtp *smtp, struct str what, usec at)
{
    if (!smtp->open)
        return;
    struct evidence evidence = captured(KIND_NON_SMTP, YES, at);
    evidence.detail = what;
    for (uint32_t i = 0; i < smtp->open->session.evidence_count; i++)
        if (smtp->open->session.evidence[i].kind == KIND_NON_SMTP)
            return;
    builder_add_evidence(smtp->world->builder, smtp->open, &evidence);
}

static void note_vrfy(struct smtp *smtp, struct str argument, usec at)
{
    struct evidence evidence = captured(KIND_VRFY, YES, at);
    evidence.subject = smtp_path(argument);
    if (smtp->open)
        builder_add_evidence(smtp->world->builder, smtp->open, &evidence);
}

static void note_size(struct smtp *smtp)
{
    if (smtp->open && smtp->transaction >= 0)
        smtp->open->session.transactions[smtp->transaction].size = (int64_t)smtp->message.size;
    smtp->message.size = 0; /* the next one's MAIL may be lost */
}

static void begin_headers(struct smtp *smtp)
{
    if (smtp->world->headers && !smtp->headers)
        smtp->headers = mem_alloc(sizeof *smtp->headers);
    if (smtp->headers)
        *smtp->headers = (struct headers){ .ended = false };
}

static void note_header(struct smtp *smtp, struct str name, struct str text, usec at)
{
    struct evidence evidence = captured(KIND_HEADER, YES, at);
    evidence.transaction = smtp->transaction;
    evidence.subject = name;
    evidence.detail = text;
    if (text.len)
        builder_add_evidence(smtp->world->builder, smtp->open, &evidence);
}

static void note_headers(struct smtp *smtp)
{
    const struct headers *headers = smtp->headers;
    if (!headers || !smtp->open || smtp->transaction < 0)
        return;
    if (headers->message_id_len)
        smtp->open->session.transactions[smtp->transaction].message_id = builder_keep(
            smtp->world->builder, smtp->open, (struct str){ headers->message_id, headers->message_id_len });
    note_header(smtp, STR("from"), (struct str){ headers->from, headers->from_len }, smtp->seen);
    note_header(smtp, STR("subject"), (struct str){ headers->subject, headers->subject_len }, smtp->seen);
}

static void end_chunk(struct smtp *smtp)
{
    smtp->state = COMMAND;
    if (!smtp->last_chunk)
        return;
    note_size(smtp);
    note_headers(smtp);
    reach(smtp, STAGE_EOM);
}

static void command_bdat(struct smtp *smtp, struct str argument, usec at)
{
    uint64_t bytes = 0;
    struct str rest = str_trim(argument);
    if (!cut_number(&rest, &bytes)) {
        ask(smtp, C_UNKNOWN, WHOLE_SESSION, WHOLE_TRANSACTION);
        return;
    }
    int32_t transaction = transaction_of(smtp, at);
    reach(smtp, STAGE_DATA);
    if (smtp->message.size == 0)
        begin_headers(smtp);
    smtp->last_chunk = str_eq_nocase(str_trim(rest), STR("LAST"));
    smtp->chunk_left = bytes;
    smtp->message.size += bytes;
    smtp->state = CHUNK;
    ask(smtp, smtp->last_chunk ? C_BDAT_LAST : C_BDAT, transaction, WHOLE_TRANSACTION);
    if (bytes == 0)
        end_chunk(smtp);
}

/* One command line. */
static void command(struct smtp *smtp, struct str line, usec at)
{
    struct builder *builder = smtp->world->builder;
    struct open_session *open = smtp->open;
    struct str argument;
    const struct verb *verb = verb_of(line, &argument);
    enum command command = verb ? verb->command : C_UNKNOWN;
    if (smtp->resync && (!verb || command == C_FOREIGN))
        return; /* the rest of something that is lost */
    smtp->resync = false;
    smtp->commands = true;
    switch (command) {
    case C_HELO: /* RFC 5321 4.1.1.1 */
    case C_EHLO:
        if (open)
            open->session.helo = argument.len ? builder_keep(builder, open, argument) : STR("");
        reach(smtp, STAGE_HELO);
        smtp->transaction = -1;
        ask(smtp, command, WHOLE_SESSION, WHOLE_TRANSACTION);
        break;
    case C_MAIL: /* 4.1.1.2 */
        smtp->transaction = -1;
        smtp->message.size = 0;
        if (open && transaction_of(smtp, at) >= 0) {
            struct str path = smtp_path(behind_colon(argument));
            open->session.transactions[smtp->transaction].mail_from =
                path.len ? builder_keep(builder, open, path) : STR("");
        }
        reach(smtp, STAGE_MAIL);
        ask(smtp, C_MAIL, smtp->transaction, WHOLE_TRANSACTION);
        break;
    case C_RCPT: { /* 4.1.1.3 */
        int32_t transaction = transaction_of(smtp, at), recipient = WHOLE_TRANSACTION;
        if (open && transaction >= 0 &&
            builder_add_recipient(builder, open, transaction, smtp_path(behind_colon(argument)), at))
            recipient = (int32_t)open->session.transactions[transaction].recipient_count - 1;
        reach(smtp, STAGE_RCPT);
        ask(smtp, C_RCPT, transaction, recipient);
        break;
    }
    case C_DATA: /* 4.1.1.4 */
        reach(smtp, STAGE_DATA);
        smtp->message.size = 0;
        smtp->state = WAIT_DATA;
        ask(smtp, C_DATA, smtp->transaction, WHOLE_TRANSACTION);
        break;
    case C_BDAT: /* RFC 3030 2 */
    case C_BDAT_LAST:
        command_bdat(smtp, argument, at);
        break;
    case C_RSET: /* RFC 5321 4.1.1.5 */
        smtp->transaction = -1;
        ask(smtp, command, WHOLE_SESSION, WHOLE_TRANSACTION);
        break;
    case C_STARTTLS: /* RFC 3207 4 */
        smtp->state = WAIT_TLS;
        ask(smtp, command, WHOLE_SESSION, WHOLE_TRANSACTION);
        break;
    case C_AUTH: /* RFC 4954 4 */
        command_auth(smtp, argument);
        break;
    case C_VRFY: /* RFC 5321 4.1.1.6, 4.1.1.7 */
        note_vrfy(smtp, argument, at);
        ask(smtp, command, WHOLE_SESSION, WHOLE_TRANSACTION);
        break;
    case C_FOREIGN:
        note_foreign(smtp, line, at);
        ask(smtp, command, WHOLE_SESSION, WHOLE_TRANSACTION);
        break;
    case C_QUIT: /* 4.1.1.10 */
        smtp->quit = true;
        ask(smtp, command, WHOLE_SESSION, WHOLE_TRANSACTION);
        break;
    case C_BANNER:
    case C_MESSAGE:
    case C_OTHER:
    case C_UNKNOWN:
        ask(smtp, command, WHOLE_SESSION, WHOLE_TRANSACTION);
        break;
    }
}

/* ---- The client's bytes. */

/* Commands may come ahead of replies where the server offered PIPELINING, up to one that must be a group's
 * last (RFC 2920 3.1), and never ahead of the banner. */
static void note_ahead(struct smtp *smtp, usec at)
{
    bool waits = smtp->pending_first < smtp->pending_count;
    if (!waits && (smtp->replied == USEC_NONE || at >= smtp->replied))
        return;
    if (!smtp->pipelining) {
        smtp->ahead = true;
        return;
    }
    if (!waits)
        return;
    switch ((enum command)smtp->pending[smtp->pending_count - 1].command) {
    case C_EHLO:
    case C_HELO:
    case C_DATA:
    case C_VRFY:
    case C_QUIT:
    case C_STARTTLS:
        smtp->ahead = true;
        break;
    default:
        break;
    }
}

static void end_message(struct smtp *smtp)
{
    smtp->state = COMMAND;
    note_size(smtp);
    note_headers(smtp);
    reach(smtp, STAGE_EOM);
    if (!smtp->told)
        ask(smtp, C_MESSAGE, smtp->transaction, WHOLE_TRANSACTION);
    smtp->told = false;
}

static void begin_message(struct smtp *smtp)
{
    smtp->state = MESSAGE;
    smtp->server_spoke = false; /* what it says from now on is about the message */
    smtp->message = (struct message){ 0 };
    begin_headers(smtp);
    smtp->told = false;
}

static void begin_tls(struct smtp *smtp)
{
    smtp->state = OPAQUE;
    smtp->server_opaque = true;
    smtp->tls = (struct tls_records){ 0 };
    smtp->transaction = -1;
}

/* The reply on which it hangs is not to be had: the bytes themselves must tell. */
static void guess(struct smtp *smtp, struct str bytes)
{
    struct str argument, line = bytes;
    size_t len = 0;
    while (len < bytes.len && len < 64 && bytes.at[len] != '\r' && bytes.at[len] != '\n')
        len++;
    line.len = len;
    const struct verb *verb = verb_of(line, &argument);
    bool is_command = verb && verb->command != C_FOREIGN;
    if (smtp->state == WAIT_TLS && tls_is_hello(bytes))
        begin_tls(smtp);
    else if (smtp->state == WAIT_DATA && !is_command)
        begin_message(smtp);
    else if (smtp->state == WAIT_AUTH && !is_command)
        smtp->state = AUTH_LINE;
    else
        smtp->state = COMMAND;
}

/* ---- Replies. */

static void refused(struct smtp *smtp, const struct answer *answer, enum stage stage, int32_t transaction,
                    int32_t recipient)
{
    struct asked asked = { stage, transaction, recipient };
    bool early = spoke_early(smtp);
    if (smtp->open && answer->code >= 400)
        smtp_refused(smtp->world->builder, smtp->open, answer, &asked, early);
}

/* Whether some recipient of it was not refused: else a refusal at DATA stops nothing that was not stopped
 * before. */
static bool has_recipient(const struct smtp *smtp, int32_t transaction)
{
    const struct transaction *asked = &smtp->open->session.transactions[transaction];
    for (uint32_t i = 0; i < asked->recipient_count; i++)
        if (asked->recipients[i].reply.code < 400)
            return true;
    return false;
}

/* The server's word about a whole message. */
static void message_told(struct smtp *smtp, const struct answer *answer, int32_t transaction)
{
    if (!smtp->open || transaction < 0)
        return;
    struct transaction *message = &smtp->open->session.transactions[transaction];
    if (answer->code >= 200 && answer->code < 300) {
        message->verdict = VERDICT_ACCEPTED;
        message->queue_id = builder_keep(smtp->world->builder, smtp->open, smtp_queue_id(answer->text));
    } else {
        refused(smtp, answer, STAGE_EOM, transaction, WHOLE_TRANSACTION);
    }
    if (smtp->transaction == transaction)
        smtp->transaction = -1;
}

static void auth_told(struct smtp *smtp, const struct answer *answer)
{
    if (smtp->state == WAIT_AUTH)
        smtp->state = answer->code == 334 ? AUTH_LINE : COMMAND;
    if (answer->code == 334 || !smtp->open)
        return;
    struct evidence evidence = captured(KIND_AUTH,
                                        answer->code == 235   ? YES
                                        : answer->code == 535 ? NO
                                                              : UNKNOWN,
                                        answer->at); /* RFC 4954 6 */
    evidence.subject = (struct str){ smtp->user_len ? smtp->user : NULL, smtp->user_len };
    evidence.detail = str_of(smtp->mechanism);
    builder_add_evidence(smtp->world->builder, smtp->open, &evidence);
    if (answer->code == 235 && smtp->user_len)
        smtp->open->session.auth_user = builder_keep(smtp->world->builder, smtp->open, evidence.subject);
}

static void banner_told(struct smtp *smtp, const struct connection *connection, const struct answer *answer)
{
    smtp->early = smtp->spoke != USEC_NONE;
    smtp->banner = answer->at;
    servers_answered(smtp->world->servers, &connection->address[SIDE_SERVER]);
    if (smtp->open && smtp->spoke != USEC_NONE) { /* before a refusal says the same, without the times */
        add_early_talker(smtp, smtp->world->builder, smtp->open);
        smtp->early_told = true;
    }
    if (answer->code < 400)
        reach(smtp, STAGE_BANNER);
    else
        refused(smtp, answer, STAGE_CONNECT, WHOLE_SESSION, WHOLE_TRANSACTION);
}

/* Nobody asked: a timeout, a shutdown, too many errors; or the command was lost by the capture. */
static void unasked(struct smtp *smtp, const struct answer *answer)
{
    smtp->quit |= answer->code == 221 && smtp->lost; /* it only answers QUIT */
    if (answer->code == 354 && smtp->lost) {
        begin_message(smtp);
    } else if (smtp->state == MESSAGE && answer->code < 600) {
        message_told(smtp, answer, smtp->transaction);
        smtp->told = true;
        if (smtp->message.loose_end || smtp->lost) { /* the server has seen its end */
            smtp->state = COMMAND;
            smtp->resync = true;
            smtp->told = false;
        }
    } else if (answer->code == 421 && smtp->open) {
        enum stage stage = (enum stage)smtp->open->session.stage;
        refused(smtp, answer, stage, WHOLE_SESSION, WHOLE_TRANSACTION);
        smtp->farewell = true;
    }
}

static void answered(struct smtp *smtp, const struct connection *connection, const struct answer *answer)
{
    struct open_session *open = smtp->open;
    smtp->replied = answer->at;
    smtp->farewell = false;
    if (answer->code == 421)
        smtp->timed_out = str_find(answer->text, STR("imeout")) || str_find(answer->text, STR("imed out"));
    /* "Go ahead" can only be about DATA: whatever was asked before it has lost its reply. */
    if (answer->code == 354)
        while (smtp->pending_first < smtp->pending_count &&
               smtp->pending[smtp->pending_first].command != C_DATA)
            smtp->pending_first++;
    if (smtp->pending_first == smtp->pending_count) {
        unasked(smtp, answer);
        return;
    }
    const struct pending asked = smtp->pending[smtp->pending_first++];
    if (smtp->state == CHUNK && smtp->astray && smtp->pending_first == smtp->pending_count) {
        smtp->state = COMMAND; /* the server has had all of it: it was no chunk, or ended in what was lost */
        smtp->resync = true;
    }
    switch ((enum command)asked.command) {
    case C_BANNER: /* RFC 5321 3.1 */
        banner_told(smtp, connection, answer);
        break;
    case C_HELO:
    case C_EHLO:
        if (answer->code >= 400)
            refused(smtp, answer, STAGE_HELO, WHOLE_SESSION, WHOLE_TRANSACTION);
        else if (open && open->session.transaction_count == 0)
            open->session.verdict = VERDICT_NONE; /* EHLO was not known, HELO is */
        break;
    case C_MAIL:
        if (asked.transaction >= 0)
            refused(smtp, answer, STAGE_MAIL, asked.transaction, WHOLE_TRANSACTION);
        break;
    case C_RCPT:
        if (asked.recipient < 0 || !open)
            break;
        struct recipient *recipient =
            &open->session.transactions[asked.transaction].recipients[asked.recipient];
        recipient->reply.code = answer->code;
        recipient->reply.stage = STAGE_RCPT;
        if (answer->code >= 400)
            refused(smtp, answer, STAGE_RCPT, asked.transaction, asked.recipient);
        else if (answer->code != 252) /* RFC 5321 3.5.3: cannot tell */
            recipient->valid = YES;
        break;
    case C_DATA:
        if (smtp->state == WAIT_DATA) {
            if (answer->code == 354)
                begin_message(smtp);
            else
                smtp->state = COMMAND;
        }
        if (open && answer->code >= 400 && asked.transaction >= 0 && has_recipient(smtp, asked.transaction))
            refused(smtp, answer, STAGE_DATA, asked.transaction, WHOLE_TRANSACTION);
        break;
    case C_BDAT:
        if (open && answer->code >= 400 && asked.transaction >= 0 && has_recipient(smtp, asked.transaction))
            refused(smtp, answer, STAGE_DATA, asked.transaction, WHOLE_TRANSACTION);
        break;
    case C_BDAT_LAST:
        if (open &&
            (answer->code < 400 || (asked.transaction >= 0 && has_recipient(smtp, asked.transaction))))
            message_told(smtp, answer, asked.transaction);
        break;
    case C_MESSAGE:
        message_told(smtp, answer, asked.transaction);
        break;
    case C_STARTTLS:
        if (smtp->state == WAIT_TLS) {
            smtp->state = COMMAND;
            if (answer->code == 220) {
                smtp->tls_at = answer->at;
                begin_tls(smtp);
            }
        }
        break;
    case C_AUTH:
        auth_told(smtp, answer);
        break;
    case C_QUIT: /* RFC 5321 4.1.1.10: 221 is its reply; it may have been a line of a message whose DATA is
                    lost */
        smtp->quit &= !smtp->lost || answer->code == 221 || answer->code == 421;
        if (answer->code == 421)
            unasked(smtp, answer);
        break;
    case C_RSET:
    case C_VRFY:
    case C_OTHER:
    case C_FOREIGN:
    case C_UNKNOWN:
        if (answer->code == 421)
            unasked(smtp, answer);
        break;
    }
}

static bool cut_code(struct str *line, int16_t *code)
{
    if (line->len < 3 || line->at[0] < '2' || line->at[0] > '5' || !is_digit(line->at[1]) ||
        !is_digit(line->at[2]))
        return false;
    *code = (int16_t)((line->at[0] - '0') * 100 + (line->at[1] - '0') * 10 + (line->at[2] - '0'));
    *line = str_skip(*line, 3);
    return line->len == 0 || line->at[0] == ' ' || line->at[0] == '-';
}

/* One line of a reply (RFC 5321 4.2.1). */
static void reply_line(struct smtp *smtp, const struct connection *connection, struct str line, usec at)
{
    int16_t code = 0;
    if (!cut_code(&line, &code))
        return;
    bool more = cut_char(&line, '-');
    if (!more)
        cut_char(&line, ' ');
    if (smtp->code != code) {
        smtp->code = code;
        smtp->reply_len = 0;
    }
    if (code == 250 && smtp->pending_first < smtp->pending_count &&
        smtp->pending[smtp->pending_first].command == C_EHLO &&
        str_eq_nocase(str_trim(line), STR("PIPELINING")))
        smtp->pipelining = true;
    size_t room = REPLY_BYTES - smtp->reply_len, n = line.len < room ? line.len : room;
    if (smtp->reply_len && n > 1) { /* its lines joined by a blank */
        smtp->reply[smtp->reply_len++] = ' ';
        n = line.len < room - 1 ? line.len : room - 1;
    }
    if (n)
        memcpy(smtp->reply + smtp->reply_len, line.at, n);
    smtp->reply_len += n;
    if (more)
        return;
    struct answer answer = { code, { smtp->reply, smtp->reply_len }, at };
    smtp->code = 0;
    smtp->said_len = smtp->reply_len;
    smtp->reply_len = 0;
    answered(smtp, connection, &answer);
}

static void take_server(struct smtp *smtp, const struct connection *connection, struct str bytes, usec at)
{
    struct str line;
    usec began;
    bool bare = false;
    smtp->server_spoke = true;
    if (smtp->state == OPAQUE && smtp->banner == USEC_NONE && tls_is_answer(bytes))
        smtp->implicit_tls = smtp->server_opaque = true;
    while (bytes.len && !smtp->server_opaque)
        if (part_cut_line(&smtp->line[SIDE_SERVER], &bytes, at, &line, &began, &bare))
            reply_line(smtp, connection, line, at);
}

/* ---- What the client says, as it comes. */

/* The client has heard the server and speaks again. Where something was lost before that, what seems to be
 * open is not: replies that were lost with their commands, the beginning of a line that was none, a message
 * that the server has answered. That is a guess only where the client still had commands under way when it
 * spoke. */
static void begin_turn(struct smtp *smtp)
{
    bool anew = smtp->server_spoke, still = smtp->server_lost;
    smtp->server_spoke = smtp->server_lost = false;
    if (!anew || !smtp->astray || (smtp->state != COMMAND && smtp->state != MESSAGE))
        return;
    if (smtp->state == MESSAGE)
        smtp->transaction = -1;
    smtp->state = COMMAND;
    smtp->astray = still;
    forget_pending(smtp);
    smtp->line[SIDE_CLIENT].len = 0;
}

static void auth_line(struct smtp *smtp, struct str line)
{
    if (line.len > 1)
        smtp->user_len +=
            smtp->user_len ? 0 : smtp_auth_user(str_of(smtp->mechanism), smtp->auth_step, line, smtp->user);
    smtp->auth_step++;
    smtp->state = WAIT_AUTH;
    ask(smtp, C_AUTH, WHOLE_SESSION, WHOLE_TRANSACTION);
}

static size_t take_client(struct smtp *smtp, const struct connection *connection, struct str bytes, usec at,
                          bool must)
{
    size_t all = bytes.len;
    struct str line;
    usec began;
    bool bare = false;
    begin_turn(smtp);
    if (smtp->spoke == USEC_NONE) {
        smtp->spoke = at;
        if (tls_is_hello(bytes) && !connection->midway) { /* RFC 8314 3.3, or somebody's mistake */
            if (connection->port[SIDE_SERVER] != 465)
                note_foreign(smtp, STR("TLS hello"), at);
            smtp->state = OPAQUE;
        }
    }
    while (bytes.len) {
        switch ((enum state)smtp->state) {
        case WAIT_DATA:
        case WAIT_TLS:
        case WAIT_AUTH:
            if (smtp->pending_first < smtp->pending_count && !must)
                return all - bytes.len;
            guess(smtp, bytes);
            break;
        case COMMAND:
            if (smtp->pending_count - smtp->pending_first >= PENDING_MOST && !must)
                return all - bytes.len;
            if (part_cut_line(&smtp->line[SIDE_CLIENT], &bytes, at, &line, &began, &bare)) {
                smtp->bare_newline |= bare;
                note_ahead(smtp, began);
                command(smtp, line, began);
                if (smtp->farewell) /* RFC 5321 3.8: crossed it on the way */
                    answered(smtp, connection,
                             &(struct answer){ 421, { smtp->reply, smtp->said_len }, smtp->replied });
            }
            break;
        case AUTH_LINE:
            if (part_cut_line(&smtp->line[SIDE_CLIENT], &bytes, at, &line, &began, &bare)) {
                auth_line(smtp, line);
                if (smtp->line[SIDE_CLIENT].at)
                    explicit_bzero(smtp->line[SIDE_CLIENT].at, smtp->line[SIDE_CLIENT].capacity);
            }
            break;
        case MESSAGE:
            if (smtp->headers)
                headers_take(smtp->headers, bytes);
            if (message_take(&smtp->message, &bytes))
                end_message(smtp);
            break;
        case CHUNK: {
            size_t n = bytes.len < smtp->chunk_left ? bytes.len : (size_t)smtp->chunk_left;
            if (smtp->headers)
                headers_take(smtp->headers, (struct str){ bytes.at, n });
            smtp->chunk_left -= n;
            bytes = str_skip(bytes, n);
            if (smtp->chunk_left == 0)
                end_chunk(smtp);
            break;
        }
        case OPAQUE:
            if (smtp->tls_at != USEC_NONE && at < smtp->tls_at) {
                /* CVE-2011-0411: what a client puts behind STARTTLS must not be read as if it came through
                 * TLS */
                smtp->ahead = smtp->injected = true;
                smtp->tls_at = USEC_NONE;
            }
            if (tls_take(&smtp->tls, bytes) && smtp->open)
                smtp->open->session.tls = true;
            bytes.len = 0;
            break;
        }
    }
    return all;
}

/* ---- For tcp.c. */

size_t smtp_bytes(struct smtp *smtp, const struct connection *connection, enum side from, struct str bytes,
                  usec at, bool must)
{
    struct line line = place_of(connection, at);
    smtp->seen = at;
    if (smtp->open)
        builder_took(smtp->world->builder, smtp->open, &line);
    if (from == SIDE_CLIENT)
        return take_client(smtp, connection, bytes, at, must);
    take_server(smtp, connection, bytes, at);
    return bytes.len;
}

void smtp_lost(struct smtp *smtp, const struct connection *connection, enum side from, uint64_t count,
               usec at)
{
    (void)connection;
    (void)at;
    if (from == SIDE_CLIENT)
        begin_turn(smtp);
    smtp->lost = smtp->astray = true;
    smtp->line[from].len = 0;
    if (from == SIDE_SERVER) { /* whatever was asked has been answered there, as far as can be known */
        forget_pending(smtp);
        smtp->code = 0;
        smtp->reply_len = 0;
        smtp->resync = true;
        smtp->server_spoke = smtp->server_lost = true;
        return;
    }
    if (smtp->spoke == USEC_NONE)
        smtp->spoke = at;
    smtp->tls.lost = true;
    if (smtp->headers)
        smtp->headers->ended = true;
    switch ((enum state)smtp->state) {
    case MESSAGE:
        smtp->message.size += count;
        message_lost(&smtp->message);
        break;
    case CHUNK:
        if (count <= smtp->chunk_left) {
            smtp->chunk_left -= count;
            if (smtp->chunk_left == 0)
                end_chunk(smtp);
            break;
        }
        smtp->state = COMMAND;
        smtp->resync = true;
        break;
    case OPAQUE:
        break;
    case COMMAND:
    case WAIT_DATA:
    case WAIT_TLS:
    case WAIT_AUTH:
    case AUTH_LINE:
        smtp->resync = true;
        break;
    }
}

static enum closed closed_how(const struct smtp *smtp, const struct connection *connection)
{
    if (smtp->quit)
        return CLOSED_QUIT;
    if (connection->ending != ENDING_FIN && connection->ending != ENDING_RST)
        return CLOSED_UNKNOWN;
    if (smtp->state == OPAQUE) /* QUIT may have been said inside */
        return CLOSED_UNKNOWN;
    if (connection->closed_by == SIDE_CLIENT)
        return CLOSED_LOST;
    return smtp->timed_out ? CLOSED_TIMEOUT : CLOSED_DROPPED;
}

static void note_unanswered(struct smtp *smtp, const struct connection *connection)
{
    struct evidence evidence = captured(KIND_UNANSWERED, YES, connection->started);
    evidence.a = connection->syns;
    builder_add_evidence(smtp->world->builder, smtp->open, &evidence);
}

void smtp_close(struct smtp *smtp, const struct connection *connection)
{
    bool ended = connection->ending == ENDING_FIN || connection->ending == ENDING_RST;
    struct line line = place_of(connection, ended ? connection->seen : USEC_NONE);
    smtp->seen = connection->seen;
    if (smtp->open) {
        enum closed closed = closed_how(smtp, connection);
        smtp->open->session.cut_off |= closed == CLOSED_DROPPED;
        if (!connection->answered)
            note_unanswered(smtp, connection);
        smtp->lost |= (connection->one_way && connection->answered) || connection->ending == ENDING_PRESSED ||
                      connection->ending == ENDING_REUSED;
        builder_close(smtp->world->builder, smtp->open, &line, closed);
    }
    for (enum side side = SIDE_CLIENT; side <= SIDE_SERVER; side++)
        free(smtp->line[side].at);
    free(smtp->headers);
    free(smtp->pending);
    free(smtp);
}

/* Commands (RFC 5321 4.1.1): what each says of the session, and that a reply to it is awaited. */
#include "collect/capture/smtp_dialog.h"

#include "base/memory.h"

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

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static const struct verb *verb_of(struct str line, struct str *argument)
{
    size_t len = 0;
    while (len < line.len && !is_blank(line.at[len]))
        len++;
    *argument = str_skip(line, len);
    if (argument->len)
        *argument = str_skip(*argument, 1);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (str_eq_nocase((struct str){ line.at, len }, verbs[i].name))
            return &verbs[i];
    return NULL;
}

bool smtp_may_be_command(struct str part)
{
    struct str argument;
    if (verb_of(part, &argument))
        return true;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (part.len < verbs[i].name.len && str_eq_nocase(part, (struct str){ verbs[i].name.at, part.len }))
            return true;
    return false;
}

bool smtp_is_command(struct str line)
{
    struct str argument;
    const struct verb *verb = verb_of(line, &argument);
    return verb && verb->command != C_FOREIGN;
}

void smtp_ask(struct smtp *smtp, enum command command, int32_t transaction, int32_t recipient)
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

static struct str behind_colon(struct str argument)
{
    struct str rest = argument, word;
    return cut_until_char(&rest, ':', &word) ? rest : argument;
}

/* AUTH's mechanism (RFC 4954 4), off the front of its argument. Servers take more blanks than one, and tabs.
 */
static struct str cut_mechanism(struct str *argument)
{
    struct str mechanism;
    while (argument->len && is_blank(argument->at[0]))
        *argument = str_skip(*argument, 1);
    mechanism = (struct str){ argument->at, 0 };
    while (mechanism.len < argument->len && !is_blank(argument->at[mechanism.len]))
        mechanism.len++;
    *argument = str_skip(*argument, mechanism.len);
    return mechanism;
}

size_t smtp_before_response(struct str part)
{
    struct str argument;
    const struct verb *verb = verb_of(part, &argument);
    if (!verb || verb->command != C_AUTH)
        return part.len;
    cut_mechanism(&argument);
    return part.len - argument.len + (argument.len ? 1 : 0); /* with the blank, which ends the mechanism */
}

static void command_auth(struct smtp *smtp, struct str argument)
{
    struct str mechanism = cut_mechanism(&argument), response = str_trim(argument);
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
    smtp_ask(smtp, C_AUTH, WHOLE_SESSION, WHOLE_TRANSACTION);
}

void smtp_auth_line(struct smtp *smtp, struct str line)
{
    if (line.len > 1)
        smtp->user_len +=
            smtp->user_len ? 0 : smtp_auth_user(str_of(smtp->mechanism), smtp->auth_step, line, smtp->user);
    smtp->auth_step++;
    smtp->state = WAIT_AUTH;
    smtp_ask(smtp, C_AUTH, WHOLE_SESSION, WHOLE_TRANSACTION);
}

static void note_vrfy(struct smtp *smtp, struct str argument, usec at)
{
    struct evidence evidence = smtp_evidence(KIND_VRFY, YES, at);
    evidence.subject = smtp_path(argument);
    if (smtp->open)
        builder_add_evidence(smtp->world->builder, smtp->open, &evidence);
}

static void command_bdat(struct smtp *smtp, struct str argument, usec at)
{
    uint64_t bytes = 0;
    struct str rest = str_trim(argument);
    if (!cut_number(&rest, &bytes)) {
        smtp_ask(smtp, C_UNKNOWN, WHOLE_SESSION, WHOLE_TRANSACTION);
        return;
    }
    int32_t transaction = transaction_of(smtp, at);
    smtp_reach(smtp, STAGE_DATA);
    smtp_begin_chunk(smtp, bytes, str_eq_nocase(str_trim(rest), STR("LAST")));
    smtp_ask(smtp, smtp->last_chunk ? C_BDAT_LAST : C_BDAT, transaction, WHOLE_TRANSACTION);
    if (bytes == 0)
        smtp_end_chunk(smtp);
}

void smtp_command(struct smtp *smtp, struct str line, usec at)
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
        smtp_reach(smtp, STAGE_HELO);
        smtp->transaction = -1;
        smtp_ask(smtp, command, WHOLE_SESSION, WHOLE_TRANSACTION);
        break;
    case C_MAIL: /* 4.1.1.2 */
        smtp->transaction = -1;
        smtp->message.size = 0;
        if (open && transaction_of(smtp, at) >= 0) {
            struct str path = smtp_path(behind_colon(argument));
            open->session.transactions[smtp->transaction].mail_from =
                path.len ? builder_keep(builder, open, path) : STR("");
        }
        smtp_reach(smtp, STAGE_MAIL);
        smtp_ask(smtp, C_MAIL, smtp->transaction, WHOLE_TRANSACTION);
        break;
    case C_RCPT: { /* 4.1.1.3 */
        int32_t transaction = transaction_of(smtp, at), recipient = WHOLE_TRANSACTION;
        if (open && transaction >= 0 &&
            builder_add_recipient(builder, open, transaction, smtp_path(behind_colon(argument)), at))
            recipient = (int32_t)open->session.transactions[transaction].recipient_count - 1;
        smtp_reach(smtp, STAGE_RCPT);
        smtp_ask(smtp, C_RCPT, transaction, recipient);
        break;
    }
    case C_DATA: /* 4.1.1.4 */
        smtp_reach(smtp, STAGE_DATA);
        smtp->message.size = 0;
        smtp->state = WAIT_DATA;
        smtp_ask(smtp, C_DATA, smtp->transaction, WHOLE_TRANSACTION);
        break;
    case C_BDAT: /* RFC 3030 2 */
    case C_BDAT_LAST:
        command_bdat(smtp, argument, at);
        break;
    case C_RSET: /* RFC 5321 4.1.1.5 */
        smtp->transaction = -1;
        smtp_ask(smtp, command, WHOLE_SESSION, WHOLE_TRANSACTION);
        break;
    case C_STARTTLS: /* RFC 3207 4 */
        smtp->state = WAIT_TLS;
        smtp_ask(smtp, command, WHOLE_SESSION, WHOLE_TRANSACTION);
        break;
    case C_AUTH: /* RFC 4954 4 */
        command_auth(smtp, argument);
        break;
    case C_VRFY: /* RFC 5321 4.1.1.6, 4.1.1.7 */
        note_vrfy(smtp, argument, at);
        smtp_ask(smtp, command, WHOLE_SESSION, WHOLE_TRANSACTION);
        break;
    case C_FOREIGN:
        smtp_note_foreign(smtp, line, at);
        smtp_ask(smtp, command, WHOLE_SESSION, WHOLE_TRANSACTION);
        break;
    case C_QUIT: /* 4.1.1.10 */
        smtp->quit = true;
        smtp_ask(smtp, command, WHOLE_SESSION, WHOLE_TRANSACTION);
        break;
    case C_BANNER:
    case C_MESSAGE:
    case C_OTHER:
    case C_UNKNOWN:
        smtp_ask(smtp, command, WHOLE_SESSION, WHOLE_TRANSACTION);
        break;
    }
}

void smtp_note_ahead(struct smtp *smtp, usec at)
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

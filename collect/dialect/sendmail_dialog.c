/* LogLevel 15 and more log the dialog itself: "<-- RCPT TO:<a@b>", "--> 250 2.1.5 <a@b>... Recipient ok". It
 * tells what the other lines leave out; what they have told already is not told twice. */
#include "collect/dialect/sendmail.h"
#include "collect/state.h"

enum command { NOTHING, HELO, MAIL, RCPT, DATA, OTHER };

/* The command that waits for its reply. */
struct asked {
    enum command command;
    char address[200];
    uint8_t len;
};

static const struct {
    struct str verb;
    enum command command;
    enum stage stage;
} verbs[] = {
    { STR_INIT("EHLO "), HELO, STAGE_HELO },      { STR_INIT("HELO "), HELO, STAGE_HELO },
    { STR_INIT("MAIL FROM:"), MAIL, STAGE_MAIL }, { STR_INIT("RCPT TO:"), RCPT, STAGE_RCPT },
    { STR_INIT("DATA"), DATA, STAGE_DATA },
};

static bool cut_verb(struct str *rest, struct str verb)
{
    if (rest->len < verb.len || !str_eq_nocase((struct str){ rest->at, verb.len }, verb))
        return false;
    *rest = str_skip(*rest, verb.len);
    return true;
}

static struct asked *asked_of(struct builder *builder, struct open_session *open)
{
    return builder_notes(builder, open, &dialect_sendmail, sizeof(struct asked));
}

void sendmail_carry_notes(struct builder *builder, struct open_session *open, struct state_bytes *state)
{
    struct asked *asked = asked_of(builder, open);
    state->broken |= asked == NULL;
    if (!asked)
        return;
    uint8_t command = (uint8_t)asked->command;
    carry_enum(state, &command, OTHER + 1);
    asked->command = command;
    carry_enum(state, &asked->len, sizeof asked->address + 1);
    carry_bytes(state, asked->address, asked->len);
}

static uint32_t recipients_of(const struct session *session)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < session->transaction_count; i++)
        count += session->transactions[i].recipient_count;
    return count;
}

enum taken take_command(struct str rest, const struct sendmail_line *at)
{
    struct open_session *open = sendmail_session(at, NULL);
    struct asked *asked = open ? asked_of(at->builder, open) : NULL;
    if (!asked)
        return PASSED;
    asked->command = OTHER;
    if (str_eq_nocase(rest, STR("QUIT"))) {
        open->session.closed = CLOSED_QUIT;
        builder_rest(at->builder, open, at->line);
        return TAKEN;
    }
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        struct str argument = rest, address;
        if (!cut_verb(&argument, verbs[i].verb))
            continue;
        argument = str_trim(argument);
        asked->command = verbs[i].command;
        if (verbs[i].command == HELO)
            open->session.helo = builder_keep(at->builder, open, argument);
        address = argument;
        if (cut_bracketed(&argument, &address))
            argument = address;
        asked->len = (uint8_t)(argument.len < sizeof asked->address ? argument.len : sizeof asked->address);
        memcpy(asked->address, argument.at, asked->len);
        reach(open, verbs[i].command == HELO || open->session.transaction_count || verbs[i].command == MAIL
                        ? verbs[i].stage
                        : STAGE_HELO);
        open->marked = recipients_of(&open->session); /* as many as there are before the reply */
        break;
    }
    return TAKEN;
}

static void answer(const struct sendmail_line *at, struct open_session *open, const struct asked *asked,
                   const struct reply *reply)
{
    struct str address = { asked->address, asked->len };
    struct session *session = &open->session;
    struct sendmail_refusal refusal = { .reply = *reply };
    if (asked->command == MAIL && reply->code < 300) {
        sendmail_transaction(at, open, address);
    } else if (asked->command == MAIL) {
        const struct transaction *last =
            session->transaction_count ? &session->transactions[session->transaction_count - 1] : NULL;
        refusal.stage = STAGE_MAIL;
        refusal.sender = address;
        if (!last || last->reply.code == 0 || !str_eq(last->mail_from, address))
            sendmail_refuse(at, open, &refusal);
    } else if (asked->command == RCPT && reply->code < 300) {
        int32_t index = sendmail_transaction(at, open, (struct str){ NULL, 0 });
        int32_t recipient = index >= 0 ? sendmail_recipient(at, open, index, address) : -1;
        if (recipient >= 0)
            accept_recipient(&session->transactions[index].recipients[recipient]);
    } else if (asked->command == RCPT && recipients_of(session) == (uint64_t)open->marked) {
        refusal.stage = STAGE_RCPT;
        refusal.address = address;
        if (reply->code != 503) /* no MAIL before it: it asked for nothing */
            sendmail_refuse(at, open, &refusal);
    }
}

enum taken take_reply(struct str rest, const struct sendmail_line *at)
{
    struct open_session *open = sendmail_session(at, NULL);
    struct asked *asked = open ? asked_of(at->builder, open) : NULL;
    struct reply reply;
    if (!asked)
        return PASSED;
    reach(open, STAGE_BANNER);
    if (rest.len > 3 && rest.at[3] == '-')
        return TAKEN; /* more of it follows */
    read_sendmail_reply(rest, 0, &reply);
    if (reply.code && asked->command != NOTHING)
        answer(at, open, asked, &reply);
    asked->command = NOTHING;
    return TAKEN;
}

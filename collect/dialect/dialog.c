/* An SMTP dialog that a log tells line by line (RFC 5321, 2920, 3030, 3207, 4954). A reply makes a
 * transaction or a recipient of what was asked, so that a log which is cut off tells of nothing that had no
 * answer. */
#include "collect/dialect/dialog.h"

#include "collect/dialect/phrases.h"
#include "collect/smtp_text.h"
#include "collect/state.h"

enum command { BANNER, HELO, MAIL, RCPT, DATA, MESSAGE, TLS, AUTH, RSET, OTHER, COMMANDS };

static const struct verb {
    struct str word;
    enum command command;
} verbs[] = {
    { STR_INIT("RCPT TO:"), RCPT }, { STR_INIT("MAIL FROM:"), MAIL }, { STR_INIT("EHLO"), HELO },
    { STR_INIT("HELO"), HELO },     { STR_INIT("LHLO"), HELO },       { STR_INIT("DATA"), DATA },
    { STR_INIT("STARTTLS"), TLS },  { STR_INIT("AUTH "), AUTH },      { STR_INIT("RSET"), RSET },
};

struct dialog_asked {
    struct dialog_asked *next;
    enum command command;
    struct str address; /* or the user of AUTH */
};

/* At hand while a line is read. */
struct talk {
    const struct dialog_style *style;
    struct builder *builder;
    struct open_session *open;
    struct session *session;
    struct dialog *dialog;
    const struct line *line;
};

void dialog_carry(struct builder *builder, struct open_session *open, struct state_bytes *state)
{
    struct dialog *dialog = open->notes;
    uint32_t left = 0;
    state->broken |= dialog == NULL;
    if (!dialog)
        return;
    carry_time(state, &dialog->spoke);
    carry_time(state, &dialog->banner);
    carry(state, &dialog->greeted);
    carry(state, &dialog->timed_out);
    carry(state, &dialog->in_message);
    carry(state, &dialog->in_auth);
    carry(state, &dialog->is_opaque);
    carry(state, &dialog->auth_step);
    carry_enum(state, &dialog->mechanism_len, sizeof dialog->mechanism + 1);
    carry_bytes(state, dialog->mechanism, sizeof dialog->mechanism);
    for (const struct dialog_asked *asked = dialog->first; asked && !state->loading; asked = asked->next)
        left++;
    carry(state, &left);
    struct dialog_asked *asked = state->loading ? NULL : dialog->first;
    for (; left && !state->broken; left--) {
        struct dialog_asked carried = asked ? *asked : (struct dialog_asked){ 0 };
        uint8_t command = (uint8_t)carried.command;
        carry(state, &command);
        carry(state, &carried.address);
        state->broken |= command >= COMMANDS;
        carried.command = command;
        if (asked) {
            asked = asked->next;
            continue;
        }
        struct dialog_asked *next = builder_memory(builder, open, sizeof *next);
        state->broken |= next == NULL;
        if (!next)
            return;
        *next = carried;
        *(dialog->last ? &dialog->last->next : &dialog->first) = next;
        dialog->last = next;
    }
}

static void ask(const struct talk *talk, enum command command, struct str address)
{
    struct dialog *dialog = talk->dialog;
    struct dialog_asked *asked =
        dialog->unused ? dialog->unused : builder_memory(talk->builder, talk->open, sizeof *asked);
    if (!asked) {
        dialog->is_opaque = true;
        return;
    }
    if (asked == dialog->unused)
        dialog->unused = asked->next;
    *asked = (struct dialog_asked){ .command = command };
    asked->address = address.at ? builder_keep(talk->builder, talk->open, address) : address;
    *(dialog->last ? &dialog->last->next : &dialog->first) = asked;
    dialog->last = asked;
}

static bool cut_word(struct str *rest, struct str word)
{
    if (rest->len < word.len || !str_eq_nocase((struct str){ rest->at, word.len }, word))
        return false;
    *rest = str_skip(*rest, word.len);
    return true;
}

static void reach(const struct talk *talk, enum stage stage)
{
    if (talk->session->stage < stage)
        talk->session->stage = (uint8_t)stage;
}

/* ---- What the client says. */

static struct str auth_user(struct dialog *dialog, struct str response, char user[SMTP_USER_BYTES])
{
    struct str mechanism = { dialog->mechanism, dialog->mechanism_len };
    size_t len = smtp_auth_user(mechanism, dialog->auth_step++, str_trim(response), user);
    return (struct str){ len ? user : NULL, len };
}

static void ask_auth(const struct talk *talk, struct str argument)
{
    struct dialog *dialog = talk->dialog;
    struct str mechanism = argument, response = { NULL, 0 };
    char user[SMTP_USER_BYTES];
    if (cut_until_char(&argument, ' ', &mechanism))
        response = argument;
    if (mechanism.len > sizeof dialog->mechanism)
        mechanism.len = sizeof dialog->mechanism;
    memcpy(dialog->mechanism, mechanism.at, mechanism.len);
    dialog->mechanism_len = (uint8_t)mechanism.len;
    dialog->auth_step = 0;
    ask(talk, AUTH, response.len ? auth_user(dialog, response, user) : response);
}

/* The last one that was asked for is AUTH's: nothing may be sent behind it (RFC 4954 4). */
static void answer_challenge(const struct talk *talk, struct str text)
{
    char user[SMTP_USER_BYTES];
    struct dialog_asked *asked = talk->dialog->last;
    struct str name = auth_user(talk->dialog, text, user);
    talk->dialog->in_auth = false;
    if (asked && asked->command == AUTH && !asked->address.len && name.len)
        asked->address = builder_keep(talk->builder, talk->open, name);
}

static bool is_last_chunk(struct str argument)
{
    uint64_t bytes = 0;
    return cut_number(&argument, &bytes) && str_eq_nocase(str_trim(argument), STR("LAST"));
}

static void command(const struct talk *talk, struct str text)
{
    struct session *session = talk->session;
    struct str argument = text;
    if (cut_word(&argument, STR("VRFY ")) || cut_word(&argument, STR("EXPN "))) {
        struct evidence probe = evidence_of(KIND_VRFY, YES, talk->line->at);
        probe.subject = str_trim(argument);
        builder_add_evidence(talk->builder, talk->open, &probe);
    } else if (str_eq_nocase(str_trim(text), STR("QUIT"))) {
        session->closed = CLOSED_QUIT;
    } else if (cut_word(&argument, STR("BDAT ")) && is_last_chunk(argument)) {
        reach(talk, STAGE_DATA);
        ask(talk, MESSAGE, (struct str){ NULL, 0 });
        return;
    }
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        argument = text;
        if (!cut_word(&argument, verbs[i].word))
            continue;
        if (verbs[i].command == AUTH) {
            ask_auth(talk, argument);
        } else {
            if (verbs[i].command == HELO) {
                session->helo = builder_keep(talk->builder, talk->open, str_trim(argument));
                reach(talk, STAGE_HELO);
            }
            ask(talk, verbs[i].command, smtp_path(argument));
        }
        return;
    }
    ask(talk, OTHER, (struct str){ NULL, 0 });
}

void dialog_client(const struct dialog_style *style, struct builder *builder, struct open_session *open,
                   struct str text, const struct line *line)
{
    struct talk talk = { style, builder, open, &open->session, open->notes, line };
    struct dialog *dialog = talk.dialog;
    if (dialog->is_opaque)
        return;
    if (!dialog->spoke)
        dialog->spoke = line->at > open->session.started ? line->at - open->session.started : 1;
    if (dialog->in_message)
        dialog->in_message = !str_eq(text, STR("."));
    else if (dialog->in_auth)
        answer_challenge(&talk, text);
    else
        command(&talk, text);
}

/* ---- What the server answers. */

static bool same_as_greeting(const struct session *session, const struct reply *reply)
{
    return session->reply.stage == STAGE_CONNECT && session->reply.code &&
           str_eq(session->reply.text, reply->text);
}

static void refuse(const struct talk *talk, const struct reply *reply, int32_t transaction,
                   const struct dialog_asked *asked)
{
    struct session *session = talk->session;
    struct refused refused = {
        .at = talk->line->at, .reply = *reply, .transaction = transaction, .recipient = WHOLE_TRANSACTION
    };
    smtp_cut_enhanced(&refused.reply.text, reply->code, &refused.reply.enhanced);
    if (transaction >= 0)
        refused.sender = session->transactions[transaction].mail_from;
    if (reply->stage == STAGE_RCPT) {
        if (!builder_add_recipient(talk->builder, talk->open, transaction, asked->address, talk->line->at))
            return;
        refused.address = asked->address;
        refused.recipient = (int32_t)session->transactions[transaction].recipient_count - 1;
    }
    /* Who is turned away at once hears it again with each command. */
    struct saying again = { .named = session->reply.named, .kind = KINDS };
    const struct saying *saying = same_as_greeting(session, &refused.reply) ? &again : NULL;
    if (!saying && talk->style->meaning)
        saying = talk->style->meaning(talk->open, &refused.reply);
    if (!saying)
        saying = saying_of(smtp_without_address(refused.reply.text), (enum stage)reply->stage);
    refused_note(talk->builder, talk->open, &refused, saying);
}

static void answer_banner(const struct talk *talk, struct reply *reply)
{
    reply->stage = STAGE_CONNECT;
    talk->dialog->greeted = true;
    if (reply->code >= 400)
        refuse(talk, reply, WHOLE_SESSION, NULL);
    else
        reach(talk, STAGE_BANNER);
}

static void answer_helo(const struct talk *talk, struct reply *reply)
{
    reply->stage = STAGE_HELO;
    talk->open->transaction = -1;
    if (reply->code >= 400)
        refuse(talk, reply, WHOLE_SESSION, NULL);
    else if (talk->session->transaction_count == 0)
        talk->session->verdict = VERDICT_NONE; /* EHLO was not known, HELO is */
}

static void answer_mail(const struct talk *talk, const struct dialog_asked *asked, struct reply *reply)
{
    struct transaction *transaction = builder_add_transaction(talk->builder, talk->open, talk->line->at);
    if (!transaction)
        return;
    transaction->mail_from = asked->address;
    talk->open->transaction = (int32_t)talk->session->transaction_count - 1;
    reply->stage = STAGE_MAIL;
    reach(talk, STAGE_MAIL);
    if (reply->code >= 400)
        refuse(talk, reply, talk->open->transaction, asked);
}

static void answer_rcpt(const struct talk *talk, const struct dialog_asked *asked, struct reply *reply)
{
    int32_t index = talk->open->transaction;
    if (index < 0 || reply->code == 503) /* "503 MAIL first": it asked for nothing */
        return;
    reply->stage = STAGE_RCPT;
    reach(talk, STAGE_RCPT);
    if (reply->code >= 400) {
        refuse(talk, reply, index, asked);
        return;
    }
    struct recipient *recipient =
        builder_add_recipient(talk->builder, talk->open, index, asked->address, talk->line->at);
    if (!recipient)
        return;
    recipient->reply = (struct reply){ .code = 250, .stage = STAGE_RCPT };
    if (talk->style->has_valid)
        recipient->valid = YES;
}

/* Whether some recipient was not refused: else a refusal of DATA stops nothing that was not stopped before.
 */
static bool has_recipient(const struct transaction *transaction)
{
    for (uint32_t i = 0; i < transaction->recipient_count; i++)
        if (transaction->recipients[i].reply.code < 400)
            return true;
    return false;
}

static void answer_data(const struct talk *talk, struct reply *reply)
{
    int32_t index = talk->open->transaction;
    if (reply->code == 354) {
        talk->dialog->in_message = talk->style->has_bodies;
        reach(talk, STAGE_DATA);
        ask(talk, MESSAGE, (struct str){ NULL, 0 });
    } else if (reply->code != 503 && index >= 0 && has_recipient(&talk->session->transactions[index])) {
        reply->stage = STAGE_DATA;
        refuse(talk, reply, index, NULL);
    }
}

static void answer_message(const struct talk *talk, struct reply *reply)
{
    int32_t index = talk->open->transaction;
    if (index < 0)
        return;
    struct transaction *transaction = &talk->session->transactions[index];
    reply->stage = STAGE_EOM;
    if (reply->code >= 400 && !has_recipient(transaction))
        return;
    reach(talk, STAGE_EOM);
    talk->open->transaction = -1;
    if (reply->code >= 400) {
        refuse(talk, reply, index, NULL);
        return;
    }
    transaction->verdict = VERDICT_ACCEPTED;
    if (talk->style->accepted)
        talk->style->accepted(talk->builder, talk->open, index, reply);
}

static void answer_auth(const struct talk *talk, const struct dialog_asked *asked, const struct reply *reply)
{
    struct evidence tried = evidence_of(KIND_AUTH, tri_of(reply->code == 235), talk->line->at);
    tried.subject = asked->address;
    builder_add_evidence(talk->builder, talk->open, &tried);
    if (reply->code == 235 && asked->address.len)
        talk->session->auth_user = asked->address;
}

/* Nobody asked: a shutdown, too many errors; or a timeout, which refuses nothing. */
static void unasked(const struct talk *talk, struct reply *reply)
{
    if (reply->code != 421 || talk->dialog->timed_out)
        return;
    reply->stage = talk->session->stage;
    if (reply->stage != STAGE_RCPT)
        refuse(talk, reply, WHOLE_SESSION, NULL);
    talk->session->cut_off = true;
}

static void answer(const struct talk *talk, struct reply *reply)
{
    struct dialog *dialog = talk->dialog;
    struct dialog_asked *asked = dialog->first;
    if (!dialog->greeted) {
        answer_banner(talk, reply);
        return;
    }
    if (!asked) {
        unasked(talk, reply);
        return;
    }
    if (asked->command == AUTH && reply->code == 334) {
        dialog->in_auth = true;
        return;
    }
    dialog->first = asked->next;
    if (!dialog->first)
        dialog->last = NULL;
    switch (asked->command) {
    case HELO:
        answer_helo(talk, reply);
        break;
    case MAIL:
        answer_mail(talk, asked, reply);
        break;
    case RCPT:
        answer_rcpt(talk, asked, reply);
        break;
    case DATA:
        answer_data(talk, reply);
        break;
    case MESSAGE:
        answer_message(talk, reply);
        break;
    case TLS:
        talk->session->tls |= reply->code == 220;
        dialog->is_opaque = reply->code == 220 && !talk->style->has_tls;
        break;
    case AUTH:
        dialog->in_auth = false;
        answer_auth(talk, asked, reply);
        break;
    case RSET:
        talk->open->transaction = -1;
        break;
    case BANNER:
    case OTHER:
    case COMMANDS:
        break;
    }
    asked->next = dialog->unused;
    dialog->unused = asked;
}

void dialog_server(const struct dialog_style *style, struct builder *builder, struct open_session *open,
                   struct str text, const struct line *line)
{
    struct talk talk = { style, builder, open, &open->session, open->notes, line };
    uint64_t code = 0;
    struct str rest = text;
    if (talk.dialog->is_opaque || !cut_number(&rest, &code) || code < 200 || code > 599 ||
        (rest.len && rest.at[0] == '-')) /* more of it follows */
        return;
    struct reply reply = { .code = (int16_t)code, .text = str_trim(rest) };
    if (!talk.dialog->banner)
        talk.dialog->banner = line->at > open->session.started ? line->at - open->session.started : 1;
    if (code == 421)
        talk.dialog->timed_out = str_find(rest, STR("imeout")) || str_find(rest, STR("imed out"));
    answer(&talk, &reply);
}

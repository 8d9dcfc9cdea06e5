/* recordio's lines: "14320 < EHLO a.test\r ", "14320 > 250 ok\r ", "14320 < half a li+" where a packet ended
 * within one, "14320 > [EOF]". The whole dialog, message bodies too. A client may send several commands at
 * once, so each waits for its reply in order. */
#include "collect/dialect/phrases.h"
#include "collect/dialect/qmail.h"
#include "collect/state.h"

enum command { MAIL = 1, RCPT, DATA, MESSAGE, TLS, AUTH, OTHER };
enum { PART_BYTES = 100 };

static const struct verb {
    struct str word;
    enum command command;
    enum stage stage;
} verbs[] = {
    { STR_INIT("RCPT TO:"), RCPT, STAGE_RCPT }, { STR_INIT("MAIL FROM:"), MAIL, STAGE_MAIL },
    { STR_INIT("DATA"), DATA, STAGE_DATA },     { STR_INIT("STARTTLS"), TLS, STAGE_HELO },
    { STR_INIT("AUTH "), AUTH, STAGE_HELO },
};

struct asked {
    struct asked *next;
    enum command command;
    struct str address;
};

/* What was said last, and what is waited for. */
struct talk {
    struct asked *first, *last, *unused;
    bool greeted, in_message, in_auth;
    bool is_opaque;                   /* encrypted from here on */
    uint8_t from_client, from_server; /* bytes of a line whose rest follows */
    char client[PART_BYTES], server[PART_BYTES];
};

static struct talk *talk_of(struct builder *builder, struct open_session *open)
{
    open->keeper = &dialect_qmail;
    return builder_notes(builder, open, sizeof(struct talk));
}

void qmail_carry_notes(struct builder *builder, struct open_session *open, struct state_bytes *state)
{
    struct talk *talk = open->notes;
    uint32_t left = 0;
    for (const struct asked *asked = talk->first; asked && !state->loading; asked = asked->next)
        left++;
    carry(state, &left);
    struct asked *asked = state->loading ? NULL : talk->first;
    if (state->loading)
        talk->first = talk->last = talk->unused = NULL;
    for (; left && !state->broken; left--) {
        struct asked carried = asked ? *asked : (struct asked){ 0 };
        uint8_t command = (uint8_t)carried.command;
        carry(state, &command);
        carry(state, &carried.address);
        carried.command = command;
        if (asked) {
            asked = asked->next;
            continue;
        }
        struct asked *next = builder_memory(builder, open, sizeof *next);
        state->broken |= next == NULL;
        if (!next)
            return;
        *next = carried;
        *(talk->last ? &talk->last->next : &talk->first) = next;
        talk->last = next;
    }
}

static void ask(struct builder *builder, struct open_session *open, struct talk *talk, enum command command,
                struct str address)
{
    struct asked *asked = talk->unused ? talk->unused : builder_memory(builder, open, sizeof *asked);
    if (!asked) {
        talk->is_opaque = true;
        return;
    }
    if (asked == talk->unused)
        talk->unused = asked->next;
    *asked = (struct asked){ .command = command, .address = builder_keep(builder, open, address) };
    if (talk->last)
        talk->last->next = asked;
    else
        talk->first = asked;
    talk->last = asked;
}

static bool cut_word(struct str *rest, struct str word)
{
    if (rest->len < word.len || !str_eq_nocase((struct str){ rest->at, word.len }, word))
        return false;
    *rest = str_skip(*rest, word.len);
    return true;
}

static struct str address_in(struct str argument)
{
    struct str in = str_trim(argument), inside;
    bool quoted = false;
    if (!cut_char(&in, '<')) {
        if (cut_until_char(&in, ' ', &inside))
            return inside;
        return in;
    }
    for (size_t i = 0; i < in.len; i++) {
        if (in.at[i] == '\\')
            i++;
        else if (in.at[i] == '"')
            quoted = !quoted;
        else if (in.at[i] == '>' && !quoted)
            return (struct str){ in.at, i };
    }
    return in;
}

/* ---- What the client says. */

static void hear_client(struct builder *builder, struct open_session *open, struct talk *talk,
                        struct str text, const struct line *line)
{
    struct session *session = &open->session;
    struct str argument = text;
    if (!talk->greeted) {
        struct evidence early = evidence_of(KIND_EARLY_TALKER, YES, line->at);
        early.a = line->at > session->started ? line->at - session->started : 0; /* at the latest */
        early.b = -1;
        evidence_once(builder, open, &early);
    }
    if (talk->in_message) {
        if (str_eq(text, STR(".")))
            talk->in_message = false;
        return;
    }
    if (talk->in_auth) {
        talk->in_auth = false;
        ask(builder, open, talk, AUTH, (struct str){ NULL, 0 });
        return;
    }
    if (cut_word(&argument, STR("EHLO")) || cut_word(&argument, STR("HELO"))) {
        session->helo = builder_keep(builder, open, str_trim(argument));
        if (session->stage < STAGE_HELO)
            session->stage = STAGE_HELO;
    } else if (cut_word(&argument, STR("VRFY ")) || cut_word(&argument, STR("EXPN "))) {
        struct evidence probe = evidence_of(KIND_VRFY, YES, line->at);
        probe.subject = str_trim(argument);
        builder_add_evidence(builder, open, &probe);
    } else if (str_eq_nocase(text, STR("QUIT"))) {
        session->closed = CLOSED_QUIT;
    }
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        argument = text;
        if (cut_word(&argument, verbs[i].word)) {
            ask(builder, open, talk, verbs[i].command, address_in(argument));
            return;
        }
    }
    ask(builder, open, talk, OTHER, (struct str){ NULL, 0 });
}

/* ---- What the server answers. */

static void refuse(struct builder *builder, struct open_session *open, const struct reply *reply,
                   int32_t transaction, struct str address, const struct line *line)
{
    struct session *session = &open->session;
    struct refused refused = { .at = line->at,
                               .reply = *reply,
                               .sender = session->transactions[transaction].mail_from,
                               .address = address,
                               .transaction = transaction,
                               .recipient = WHOLE_TRANSACTION };
    const struct saying *saying = saying_of(reply->text, (enum stage)reply->stage);
    /* rblsmtpd's words are those of the list. */
    static const struct saying listed = { .named = NAMED_DNSBL, .kind = KINDS };
    if ((open->flags & RBLSMTPD_REFUSED) && session->reply.named == NAMED_DNSBL &&
        str_eq(session->reply.text, reply->text))
        saying = &listed;
    if (reply->stage == STAGE_RCPT) {
        if (!builder_add_recipient(builder, open, transaction, address, line->at))
            return;
        refused.recipient = (int32_t)session->transactions[transaction].recipient_count - 1;
    }
    refused_note(builder, open, &refused, saying);
}

static void answer_mail(struct builder *builder, struct open_session *open, const struct asked *asked,
                        const struct reply *reply, const struct line *line)
{
    struct transaction *transaction = builder_add_transaction(builder, open, line->at);
    if (!transaction)
        return;
    transaction->mail_from = asked->address;
    open->transaction = (int32_t)open->session.transaction_count - 1;
    if (open->session.stage < STAGE_MAIL)
        open->session.stage = STAGE_MAIL;
    if (reply->code >= 400)
        refuse(builder, open, reply, open->transaction, asked->address, line);
}

static void answer_rcpt(struct builder *builder, struct open_session *open, const struct asked *asked,
                        const struct reply *reply, const struct line *line)
{
    int32_t index = open->transaction;
    if (index < 0 || reply->code == 503) /* "503 MAIL first": it asked for nothing */
        return;
    if (open->session.stage < STAGE_RCPT)
        open->session.stage = STAGE_RCPT;
    if (reply->code >= 400) {
        refuse(builder, open, reply, index, asked->address, line);
        return;
    }
    struct recipient *recipient = builder_add_recipient(builder, open, index, asked->address, line->at);
    if (recipient) /* qmail-smtpd knows domains only, so it says nothing of whether there is such a user */
        recipient->reply = (struct reply){ .code = 250, .stage = STAGE_RCPT };
}

/* "ok 1795424810 qp 14791" */
static void answer_message(struct builder *builder, struct open_session *open, const struct reply *reply,
                           const struct line *line)
{
    int32_t index = open->transaction;
    if (index < 0)
        return;
    if (open->session.stage < STAGE_EOM)
        open->session.stage = STAGE_EOM;
    struct str rest = reply->text, before;
    if (reply->code >= 400) {
        refuse(builder, open, reply, index, (struct str){ NULL, 0 }, line);
        open->transaction = -1;
        return;
    }
    struct transaction *transaction = &open->session.transactions[index];
    transaction->verdict = VERDICT_ACCEPTED;
    if (cut_until(&rest, STR(" qp "), &before))
        transaction->queue_id = builder_keep(builder, open, rest);
    open->transaction = -1;
}

/* "334 VXNlcm5hbWU6": what the client says next is no command, but has a reply. */
static void answer_auth(struct builder *builder, struct open_session *open, struct talk *talk,
                        const struct reply *reply, const struct line *line)
{
    talk->in_auth = reply->code == 334;
    if (talk->in_auth)
        return;
    struct evidence tried = evidence_of(KIND_AUTH, tri_of(reply->code == 235), line->at);
    builder_add_evidence(builder, open, &tried);
}

static void hear_server(struct builder *builder, struct open_session *open, struct talk *talk,
                        struct str text, const struct line *line)
{
    struct reply reply = { .code = 0 };
    uint64_t code = 0;
    struct str rest = text;
    if (!cut_number(&rest, &code) || code < 200 || code > 599)
        return;
    if (rest.len && rest.at[0] == '-')
        return; /* more of it follows */
    reply.code = (int16_t)code;
    reply.text = str_trim(rest);
    if (!talk->greeted) {
        talk->greeted = true;
        if (open->session.stage < STAGE_BANNER)
            open->session.stage = STAGE_BANNER;
        return;
    }
    struct asked *asked = talk->first;
    if (!asked) /* "451 timeout" */
        return;
    talk->first = asked->next;
    if (!talk->first)
        talk->last = NULL;
    switch (asked->command) {
    case MAIL:
        reply.stage = STAGE_MAIL;
        answer_mail(builder, open, asked, &reply, line);
        break;
    case RCPT:
        reply.stage = STAGE_RCPT;
        answer_rcpt(builder, open, asked, &reply, line);
        break;
    case DATA:
        if (reply.code == 354) {
            talk->in_message = true;
            if (open->session.stage < STAGE_DATA)
                open->session.stage = STAGE_DATA;
            ask(builder, open, talk, MESSAGE, (struct str){ NULL, 0 });
        } else if (reply.code != 503 && open->transaction >= 0) {
            reply.stage = STAGE_DATA;
            refuse(builder, open, &reply, open->transaction, (struct str){ NULL, 0 }, line);
        }
        break;
    case MESSAGE:
        reply.stage = STAGE_EOM;
        answer_message(builder, open, &reply, line);
        break;
    case TLS:
        talk->is_opaque = reply.code == 220;
        open->session.tls |= talk->is_opaque;
        break;
    case AUTH:
        answer_auth(builder, open, talk, &reply, line);
        break;
    default:
        break;
    }
    asked->next = talk->unused;
    talk->unused = asked;
}

/* ---- Lines. */

/* The line, once it is whole: pieces end in "+", the last one in a blank. Long ones lose their end. */
static bool join(struct str *text, char *part, uint8_t *used, size_t size)
{
    bool more = text->len && text->at[text->len - 1] == '+';
    struct str piece = { text->at, text->len - (text->len ? 1 : 0) };
    if (!more && *used == 0) {
        *text = piece;
        return true;
    }
    size_t room = size - *used, n = piece.len < room ? piece.len : room;
    memcpy(part + *used, piece.at, n);
    *used = (uint8_t)(*used + n);
    *text = (struct str){ part, *used };
    if (more)
        return false;
    *used = 0;
    return true;
}

enum taken take_recordio(const struct line *line, struct builder *builder)
{
    struct str rest = line->text;
    uint64_t pid = 0;
    if (!cut_number(&rest, &pid) || !cut_char(&rest, ' '))
        return SKIPPED;
    bool from_client = str_starts(rest, STR("<"));
    if (!from_client && !str_starts(rest, STR(">")))
        return PASSED;
    struct open_session *open = qmail_session(builder, line, pid);
    struct talk *talk = open ? talk_of(builder, open) : NULL;
    if (!talk)
        return PASSED;
    rest = str_skip(rest, 2);
    if (str_starts(rest, STR("[EOF]")) || talk->is_opaque)
        return TAKEN;
    open->flags |= DIALOG_KNOWN;
    if (!join(&rest, from_client ? talk->client : talk->server,
              from_client ? &talk->from_client : &talk->from_server,
              from_client ? sizeof talk->client : sizeof talk->server))
        return TAKEN;
    if (rest.len && rest.at[rest.len - 1] == '\r')
        rest.len--;
    if (from_client)
        hear_client(builder, open, talk, rest, line);
    else
        hear_server(builder, open, talk, rest, line);
    return TAKEN;
}

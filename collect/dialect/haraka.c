/* Haraka: its own log, its console's or syslog's. A connection has a UUID that stands in each of its lines.
 * With level=protocol the log has the whole dialog, and that is used; else commands and replies are told by
 * one line each (connection.js, *_respond()), where there is one: a HELO that is refused is told by the
 * plugin's line (plugins.js, log_run_item(), from level=info on) or only by the last words of "disconnect".
 */
#include "collect/dialect/haraka.h"

#include <stdio.h>
#include "collect/smtp_text.h"

/* constants.js, and the codes of connection.js */
static const struct outcome {
    struct str name;
    int16_t code; /* to MAIL, RCPT and the message */
    bool ends;
} outcomes[] = {
    { STR_INIT("OK"), 250, false },
    { STR_INIT("CONT"), 250, false },
    { STR_INIT("DENY"), 550, false },
    { STR_INIT("DENYSOFT"), 450, false },
    { STR_INIT("DENYDISCONNECT"), 550, true },
    { STR_INIT("DENYSOFTDISCONNECT"), 450, true },
    { STR_INIT("DISCONNECT"), 550, true },
};

static const struct outcome *outcome_of(struct haraka_line *said, struct str field)
{
    struct str value;
    for (size_t i = 0; haraka_field(said, field, &value) && i < sizeof outcomes / sizeof *outcomes; i++)
        if (str_eq(value, outcomes[i].name))
            return &outcomes[i];
    return NULL;
}

static bool recognise(struct str program)
{
    return str_eq(program, STR("haraka")) || str_eq(program, STR("Haraka"));
}

/* "Message Queued (D6384114-781E-44DB-9069-2CC6244E1724.1)" */
static void accepted(struct builder *builder, struct open_session *open, int32_t transaction,
                     const struct reply *reply)
{
    struct str before, id;
    if (str_split_last(reply->text, STR(" ("), &before, &id) && str_ends(id, STR(")"))) {
        id.len--;
        open->session.transactions[transaction].queue_id = builder_keep(builder, open, id);
    }
}

static const struct dialog_style style = { .has_tls = true, .meaning = haraka_meaning, .accepted = accepted };

/* ---- What the lines say where the dialog is not known. */

void haraka_refuse(const struct line *line, struct builder *builder, struct open_session *open,
                   struct reply *reply, int32_t transaction, int32_t recipient)
{
    struct refused refused = {
        .at = line->at, .reply = *reply, .transaction = transaction, .recipient = recipient
    };
    struct str text = reply->text;
    smtp_cut_enhanced(&refused.reply.text, reply->code, &refused.reply.enhanced);
    if (!refused.reply.text.len)
        refused.reply.text = text;
    if (transaction >= 0) {
        const struct transaction *at = &open->session.transactions[transaction];
        refused.sender = at->mail_from;
        if (recipient >= 0)
            refused.address = at->recipients[recipient].address;
    }
    const struct saying *saying = haraka_meaning(open, &refused.reply);
    refused_note(builder, open, &refused,
                 saying ? saying : saying_of(refused.reply.text, (enum stage)reply->stage));
}

static void sender_told(const struct line *line, struct haraka_line *said, struct builder *builder,
                        struct open_session *open)
{
    const struct outcome *outcome = outcome_of(said, STR("code"));
    struct reply reply = { .code = outcome ? outcome->code : 250, .stage = STAGE_MAIL };
    struct transaction *transaction = builder_add_transaction(builder, open, line->at);
    if (!transaction)
        return;
    transaction->mail_from = builder_keep(builder, open, smtp_path(str_skip(said->message, 7)));
    open->transaction = (int32_t)open->session.transaction_count - 1;
    haraka_reach(open, STAGE_MAIL);
    if (reply.code < 400)
        return;
    reply.text = said->message; /* "sender <a@b.test> denied" */
    haraka_words(said, &reply);
    haraka_refuse(line, builder, open, &reply, open->transaction, WHOLE_TRANSACTION);
    open->transaction = -1;
}

void haraka_refuse_unspoken(const struct line *line, struct builder *builder, struct open_session *open,
                            int32_t transaction, int32_t recipient)
{
    struct str address = open->session.transactions[transaction].recipients[recipient].address;
    char text[400];
    int len = snprintf(text, sizeof text, "I cannot deliver mail for <%.*s>", STR_ARG(address));
    struct reply reply = { .code = 550, .stage = STAGE_RCPT };
    reply.text = (struct str){ text, len < (int)sizeof text ? (size_t)len : sizeof text - 1 };
    haraka_refuse(line, builder, open, &reply, transaction, recipient);
}

static void recipient_told(const struct line *line, struct haraka_line *said, struct builder *builder,
                           struct open_session *open)
{
    const struct outcome *outcome = outcome_of(said, STR("code"));
    struct reply reply = { .code = outcome ? outcome->code : 250, .stage = STAGE_RCPT };
    struct str address = smtp_path(str_skip(said->message, 10));
    bool vouched = (open->flags & VOUCHED) || !(open->flags & HOOKS_KNOWN);
    open->flags &= ~(uint32_t)VOUCHED;
    if (open->transaction < 0 || !builder_add_recipient(builder, open, open->transaction, address, line->at))
        return;
    struct transaction *transaction = &open->session.transactions[open->transaction];
    int32_t index = (int32_t)transaction->recipient_count - 1;
    haraka_reach(open, STAGE_RCPT);
    if (reply.code < 400 && vouched) {
        transaction->recipients[index].reply = reply;
    } else if (reply.code < 400) {
        haraka_refuse_unspoken(line, builder, open, open->transaction, index);
    } else {
        reply.text = said->message;
        haraka_words(said, &reply);
        haraka_refuse(line, builder, open, &reply, open->transaction, index);
    }
}

static void end_of_message(const struct line *line, struct haraka_line *said, struct builder *builder,
                           struct open_session *open, struct reply *reply)
{
    reply->stage = STAGE_EOM;
    haraka_reach(open, STAGE_EOM);
    haraka_words(said, reply);
    if (reply->code >= 400) {
        haraka_refuse(line, builder, open, reply, open->transaction, WHOLE_TRANSACTION);
    } else {
        open->session.transactions[open->transaction].verdict = VERDICT_ACCEPTED;
        accepted(builder, open, open->transaction, reply);
    }
    open->transaction = -1;
}

static void message_told(const struct line *line, struct haraka_line *said, struct builder *builder,
                         struct open_session *open)
{
    const struct outcome *outcome = outcome_of(said, STR("code"));
    struct reply reply = { .code = outcome ? outcome->code : 250 };
    struct str id, size;
    uint64_t bytes = 0;
    if (open->transaction < 0)
        return;
    struct transaction *transaction = &open->session.transactions[open->transaction];
    if (haraka_field(said, STR("mid"), &id) && id.len)
        transaction->message_id = builder_keep(builder, open, smtp_path(id));
    if (haraka_field(said, STR("size"), &size) && str_number(size, &bytes) && bytes <= INT64_MAX)
        transaction->size = (int64_t)bytes;
    haraka_reach(open, STAGE_EOM);
    if (reply.code >= 400 && !(open->flags & DIALOG_KNOWN))
        end_of_message(line, said, builder, open, &reply);
}

/* What data_done() and accumulate_data() refuse themselves, before they ask any plugin. */
static void refused_at_end(const struct line *line, struct haraka_line *said, struct builder *builder,
                           struct open_session *open)
{
    static const struct {
        struct str notice, reply;
        int16_t code;
    } refusals[] = {
        { STR_INIT("Client sent bare line-feed"),
          STR_INIT("Bare line-feed; see https://haraka.github.io/barelf/"), 451 },
        { STR_INIT("Incoming message exceeded "), STR_INIT("Message too big!"), 550 },
        { STR_INIT("Incoming message had too many Received headers"),
          STR_INIT("Too many received headers - possible mail loop"), 550 },
        { STR_INIT("Possible DoS attempt - too many MIME parts"),
          STR_INIT("Transaction failed due to too many MIME parts"), 554 },
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals && open->transaction >= 0; i++) {
        if (!str_starts(said->message, refusals[i].notice))
            continue;
        struct reply reply = { .code = refusals[i].code, .stage = STAGE_EOM, .text = refusals[i].reply };
        haraka_reach(open, STAGE_EOM);
        haraka_refuse(line, builder, open, &reply, open->transaction, WHOLE_TRANSACTION);
        open->transaction = -1;
    }
}

/* No queue plugin has taken it: CONT, and "451 Queuing declined or disabled, try later". */
static void queue_told(const struct line *line, struct haraka_line *said, struct builder *builder,
                       struct open_session *open)
{
    struct str code;
    const struct outcome *outcome = outcome_of(said, STR("code"));
    struct reply reply = { .code = outcome ? outcome->code : 451 };
    if (haraka_field(said, STR("code"), &code) && str_eq(code, STR("CONT")))
        reply.code = 451;
    if (open->transaction >= 0 && !(open->flags & DIALOG_KNOWN))
        end_of_message(line, said, builder, open, &reply);
}

/* ---- Plugins' decisions. */

static void hook_told(const struct line *line, struct haraka_line *said, struct builder *builder,
                      struct open_session *open, struct haraka_notes *notes)
{
    static const struct {
        struct str name;
        enum stage stage;
    } told_nowhere_else[] = {
        { STR_INIT("lookup_rdns"), STAGE_CONNECT }, { STR_INIT("connect"), STAGE_CONNECT },
        { STR_INIT("helo"), STAGE_HELO },           { STR_INIT("ehlo"), STAGE_HELO },
        { STR_INIT("data"), STAGE_DATA },
    };
    struct str hook, plugin, words;
    const struct outcome *outcome = outcome_of(said, STR("retval"));
    if (!haraka_field(said, STR("hook"), &hook) || !haraka_field(said, STR("plugin"), &plugin) || !outcome)
        return;
    if (str_eq(hook, STR("rcpt")) && outcome->code < 300)
        open->flags |= VOUCHED;
    if (outcome->code < 400)
        return;
    bool early = str_eq(plugin, STR("early_talker"));
    if (early && str_eq(hook, STR("connect_init"))) { /* whose decisions are kept, and not acted upon */
        struct evidence talked = evidence_of(KIND_EARLY_TALKER, YES, line->at);
        talked.a = talked.b = -1;
        evidence_once(builder, open, &talked);
        return;
    }
    if (outcome->ends)
        open->flags |= SERVER_ENDS;
    struct reply reply = { .code = outcome->code };
    if (haraka_field(said, STR("msg"), &words)) {
        haraka_note_denied(notes, plugin, words);
        reply.text = words;
    }
    for (size_t i = 0;
         !(open->flags & DIALOG_KNOWN) && i < sizeof told_nowhere_else / sizeof *told_nowhere_else; i++) {
        if (!str_eq(hook, told_nowhere_else[i].name))
            continue;
        bool first = open->session.reply.code == 0;
        bool in_transaction = told_nowhere_else[i].stage == STAGE_DATA;
        reply.stage = (uint8_t)told_nowhere_else[i].stage;
        if (reply.stage == STAGE_CONNECT)
            reply.code = reply.code == 450 ? 421 : 554;
        else if (reply.stage == STAGE_DATA)
            reply.code = reply.code == 450 ? 451 : 554;
        if (in_transaction && open->transaction < 0)
            return;
        haraka_refuse(line, builder, open, &reply, in_transaction ? open->transaction : WHOLE_SESSION,
                      WHOLE_TRANSACTION);
        if (first && !in_transaction)
            open->flags |= HOOK_REFUSED;
    }
}

/* delay_deny: it will be said at RCPT, or never. */
static void take_back(struct open_session *open)
{
    if ((open->flags & HOOK_REFUSED) && open->session.transaction_count == 0) {
        open->session.reply = (struct reply){ 0 };
        open->session.verdict = VERDICT_NONE;
    }
    open->flags &= ~(uint32_t)(HOOK_REFUSED | SERVER_ENDS);
}

/* Commands behind the end of the message, before its reply: none of them is run. */
static void sent_ahead(const struct line *line, struct builder *builder, struct open_session *open)
{
    struct evidence ahead = evidence_of(KIND_PIPELINING, YES, line->at);
    ahead.a = ahead.b = -1;
    evidence_once(builder, open, &ahead);
}

static enum taken core_said(const struct line *line, struct haraka_line *said, struct builder *builder,
                            struct open_session *open, struct haraka_notes *notes)
{
    struct str message = said->message;
    bool known = open->flags & DIALOG_KNOWN;
    if (str_eq(said->level, STR("PROTOCOL"))) {
        open->flags |= DIALOG_KNOWN;
        if (cut_prefix(&message, STR("C: ")))
            dialog_client(&style, builder, open, message, line);
        else if (cut_prefix(&message, STR("S: ")))
            dialog_server(&style, builder, open, message, line);
        return TAKEN;
    }
    if (str_eq(message, STR("disconnect"))) {
        haraka_disconnected(line, said, builder, open, notes);
        return TAKEN;
    }
    if (message.len == 0)
        hook_told(line, said, builder, open, notes);
    else if (str_starts(message, STR("sender <")) && !known)
        sender_told(line, said, builder, open);
    else if (str_starts(message, STR("recipient <")) && !known)
        recipient_told(line, said, builder, open);
    else if (str_eq(message, STR("message")))
        message_told(line, said, builder, open);
    else if (str_eq(message, STR("queue")))
        queue_told(line, said, builder, open);
    else if (str_starts(message, STR("deny(soft?) overrid"))) /* "overriden" before Haraka 3 */
        take_back(open);
    else if (str_eq(message, STR("HAProxy")))
        haraka_proxied(said, builder, open);
    else if (str_starts(message, STR("command pipelined after end of DATA")))
        sent_ahead(line, builder, open);
    else if (!known)
        refused_at_end(line, said, builder, open);
    haraka_leaving(said, open);
    return TAKEN;
}

/* auth_base.js waits before it refuses a password, and says so; the reply is told with the dialog only. */
static void refused_user(const struct line *line, struct builder *builder, struct open_session *open)
{
    struct evidence tried = evidence_of(KIND_AUTH, NO, line->at);
    if (!(open->flags & DIALOG_KNOWN))
        builder_add_evidence(builder, open, &tried);
}

static enum taken take(const struct line *line, struct builder *builder)
{
    struct haraka_line said;
    if (!haraka_read(line->text, &said))
        return str_starts(line->text, STR("[")) ? SKIPPED : PASSED; /* "Starting up Haraka version 3.3.4" */
    if (said.uuid.len < 2)                                          /* "-": the server's own */
        return PASSED;
    session_key key = key_of_text(KEY_SESSION, line->host, said.uuid);
    bool is_core = str_eq(said.origin, STR("core"));
    struct open_session *open = builder_find(builder, key, NULL);
    if (!open) {
        if (!is_core || !str_eq(said.message, STR("connect")))
            return PASSED; /* it began before the log, or is delivered now */
        return haraka_connected(line, &said, builder, key) ? TAKEN : SKIPPED;
    }
    struct haraka_notes *notes = builder_notes(builder, open, &dialect_haraka, sizeof *notes);
    if (!notes)
        return PASSED;
    builder_took(builder, open, line);
    if (str_eq(said.level, STR("INFO")))
        open->flags |= HOOKS_KNOWN;
    if (is_core)
        return core_said(line, &said, builder, open, notes);
    if (str_eq(said.origin, STR("tls")) && str_starts(said.message, STR("secured: ")))
        open->session.tls = true;
    if (str_starts(said.origin, STR("auth/")) && str_starts(said.message, STR("delaying for ")))
        refused_user(line, builder, open);
    haraka_plugin_said(line, &said, builder, open);
    return TAKEN;
}

/* What an error has behind its first line, where each line has no header of its own: before Haraka 3.1. */
static bool continues(struct str text)
{
    return str_starts(text, STR("    at ")) || str_starts(text, STR("  "));
}

const struct dialect dialect_haraka = {
    .name = "haraka",
    .title = "Haraka",
    .recognise = recognise,
    .take = take,
    .continues = continues,
    .carry_notes = haraka_carry_notes,
};

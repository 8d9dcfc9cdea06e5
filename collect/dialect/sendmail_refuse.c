/* What Sendmail refuses or notes without a ruleset: at connecting, of commands, of recipients and messages.
 */
#include "collect/dialect/sendmail.h"

/* "SMTP MAIL command (<a@b>) from X tempfailed (due to previous checks)": what went before has refused the
 * session for now. */
enum taken take_tempfailed(struct str rest, const struct sendmail_line *at)
{
    struct relay relay;
    struct str verb, argument, tail;
    if (!cut_until(&rest, STR(" command ("), &verb) ||
        !str_split_last(rest, STR(") from "), &argument, &tail))
        return SKIPPED;
    cut_relay(&tail, &relay);
    if (!str_starts(tail, STR(" tempfailed ")))
        return SKIPPED;
    struct open_session *open = sendmail_session(at, &relay);
    if (!open)
        return PASSED;
    if (!str_eq(verb, STR("MAIL")))
        return TAKEN;
    struct sendmail_refusal refusal = { .stage = STAGE_MAIL, .sender = argument };
    struct str address = argument;
    if (cut_bracketed(&argument, &address))
        refusal.sender = address;
    read_sendmail_reply(STR("451 4.3.2 Please try again later"), 451, &refusal.reply);
    sendmail_refuse(at, open, &refusal);
    return TAKEN;
}

/* "unauthorized PIPELINING, sleeping, relay=X" */
enum taken take_unauthorized(struct str rest, const struct sendmail_line *at)
{
    struct relay relay;
    cut_relay(&rest, &relay);
    struct open_session *open = sendmail_session(at, &relay);
    if (!open)
        return PASSED;
    struct evidence evidence = evidence_of(KIND_PIPELINING, YES, at->line->at);
    evidence_once(at->builder, open, &evidence);
    return TAKEN;
}

/* ""wiz" command from X (192.0.2.1)" */
enum taken take_old_trick(struct str rest, const struct sendmail_line *at)
{
    struct relay relay;
    struct str word;
    if (!cut_until(&rest, STR("\" command from "), &word))
        return SKIPPED;
    cut_relay(&rest, &relay);
    struct open_session *open = sendmail_session(at, &relay);
    if (open)
        reach(open, STAGE_BANNER);
    return open ? TAKEN : PASSED;
}

/* "ERROR: srv_features=tempfail, relay=X, access temporarily disabled": all is answered 450. */
enum taken take_disabled(struct str rest, const struct sendmail_line *at)
{
    struct relay relay;
    struct str before;
    if (!cut_until(&rest, STR("relay="), &before))
        return sendmail_belongs(at);
    cut_relay(&rest, &relay);
    struct open_session *open = sendmail_session(at, &relay);
    if (!open)
        return PASSED;
    struct sendmail_refusal refusal = { .stage = STAGE_CONNECT };
    read_sendmail_reply(STR("450 4.3.0 Please try again later."), 450, &refusal.reply);
    sendmail_refuse(at, open, &refusal);
    return TAKEN;
}

/* "headers too large (32768 max) from X during message collect", "header overflow from X …": 552. */
enum taken take_headers(struct str rest, const struct sendmail_line *at)
{
    static const struct saying limit = { .named = NAMED_OTHER, .kind = KINDS };
    struct str text;
    if (!cut_until(&rest, STR(" from "), &text) || !str_ends(rest, STR(" during message collect")))
        return SKIPPED;
    struct open_session *open = sendmail_session(at, NULL);
    if (!open)
        return PASSED;
    struct sendmail_refusal refusal = { .stage = STAGE_EOM, .saying = &limit };
    refusal.reply = (struct reply){ .code = 552, .enhanced = STR("5.6.0"), .text = text };
    sendmail_refuse(at, open, &refusal);
    return TAKEN;
}

/* "<a@b>... User unknown" (recipient.c). */
enum taken take_recipient(struct str rest, const struct sendmail_line *at)
{
    struct str address;
    if (!cut_bracketed(&rest, &address) || !cut_prefix(&rest, STR("... "))) {
        if (!cut_until(&rest, STR("... "), &address))
            return SKIPPED;
    }
    struct open_session *open =
        at->queue_id.at && is_of_process(at->queue_id, at->line->pid) ? sendmail_session(at, NULL) : NULL;
    if (!open)
        return PASSED;
    struct sendmail_refusal refusal = { .stage = STAGE_RCPT, .address = address };
    if (str_eq(rest, STR("User unknown")))
        refusal.reply = (struct reply){ .code = 550, .enhanced = STR("5.1.1"), .text = rest };
    else
        refusal.reply = (struct reply){ .code = 553, .enhanced = STR("5.1.3"), .text = rest };
    sendmail_refuse(at, open, &refusal);
    return TAKEN;
}

enum taken take_too_many(const struct sendmail_line *at)
{
    static const struct saying limit = { .named = NAMED_OTHER, .kind = KINDS };
    struct open_session *open = sendmail_session(at, NULL);
    if (!open)
        return PASSED;
    struct sendmail_refusal refusal = { .stage = STAGE_RCPT, .saying = &limit };
    read_sendmail_reply(STR("452 4.5.3 Too many recipients"), 452, &refusal.reply);
    sendmail_refuse(at, open, &refusal);
    return TAKEN;
}

/* "message size (70209) exceeds maximum (51200)" */
enum taken take_too_big(const struct sendmail_line *at)
{
    static const struct saying limit = { .named = NAMED_OTHER, .kind = KINDS };
    struct open_session *open = sendmail_session(at, NULL);
    if (!open)
        return PASSED;
    struct sendmail_refusal refusal = { .stage = STAGE_EOM, .saying = &limit };
    refusal.reply = (struct reply){ .code = 552, .enhanced = STR("5.2.3"), .text = at->line->text };
    struct str ignored;
    cut_message_name(&refusal.reply.text, &ignored);
    sendmail_refuse(at, open, &refusal);
    return TAKEN;
}

/* "relay=X, from=<a@b>, info=read timeout", "premature EOM: ...": the message did not come to its end,
 * "from=" follows. "info=Bare linefeed (LF) not allowed, where=body, status=tempfail" refuses it. */
enum taken take_collect(struct str rest, const struct sendmail_line *at)
{
    struct str sender = { NULL, 0 }, before, info;
    struct open_session *open = sendmail_session(at, NULL);
    if (!open)
        return PASSED;
    open->flags |= MESSAGE_LOST;
    reach(open, STAGE_DATA);
    if (!cut_until(&rest, STR("from="), &before) || !cut_bracketed(&rest, &sender) ||
        !cut_until(&rest, STR("info="), &before)) {
        open->session.closed = CLOSED_LOST;
        return TAKEN;
    }
    if (!cut_until(&rest, STR(", where="), &info)) {
        bool timeout = str_starts(rest, STR("read timeout"));
        open->session.closed = timeout ? CLOSED_TIMEOUT : CLOSED_LOST;
        return TAKEN;
    }
    struct evidence bare = evidence_of(KIND_BARE_NEWLINE, YES, at->line->at);
    bare.detail = info;
    builder_add_evidence(at->builder, open, &bare);
    struct sendmail_refusal refusal = { .stage = STAGE_EOM, .sender = sender };
    bool tempfail = str_ends(rest, STR("tempfail"));
    refusal.reply = (struct reply){ .code = tempfail ? 421 : 554, .text = info };
    sendmail_refuse(at, open, &refusal);
    return TAKEN;
}

enum taken take_tcpwrappers(struct str rest, const struct sendmail_line *at)
{
    struct str name;
    struct relay relay = { .name = { NULL, 0 } };
    if (!cut_until(&rest, STR(", "), &name) || !cut_until_char(&rest, ')', &name))
        return SKIPPED;
    if (!ip_parse(name, &relay.client))
        relay.client = (struct ip){ { 0 } };
    struct open_session *open = sendmail_session(at, &relay);
    if (!open)
        return PASSED;
    open->flags &= ~(uint32_t)RELAY_NAMELESS; /* it was not looked up */
    struct sendmail_refusal refusal = { .stage = STAGE_CONNECT };
    read_sendmail_reply(STR("550 5.0.0 Access denied"), 550, &refusal.reply);
    sendmail_refuse(at, open, &refusal);
    return TAKEN;
}

/* Lines that begin with the client, "H=…": what its ACLs refused (smtp_in.c, smtp_handle_acl_fail()), warned
 * of, and what was left undone. */
#include "collect/dialect/exim.h"

/* "550 5.7.1 text", where the site's message= has codes; else they follow from what the line calls it. */
static struct reply reply_of(struct str text, bool deferred, enum stage stage)
{
    struct reply reply = { .code = deferred ? 451 : 550, .stage = (uint8_t)stage, .text = text };
    struct str in = text, enhanced;
    uint64_t code = 0;
    if (cut_number(&in, &code) && code / 100 == (deferred ? 4 : 5) && cut_char(&in, ' ')) {
        reply.code = (int16_t)code;
        reply.text = text = in;
    }
    if (text.len > 5 && text.at[0] == (deferred ? '4' : '5') && text.at[1] == '.' && is_digit(text.at[2]) &&
        cut_until_char(&in, ' ', &enhanced) && enhanced.len <= 9) {
        reply.enhanced = enhanced;
        reply.text = in;
    }
    return reply;
}

/* One refusal: by whom and what stands in the structs that say so. */
struct rejection {
    const struct exim_line *exim;
    struct open_session *open;
    struct refused refused;
};

static void note(struct builder *builder, struct rejection *rejection)
{
    static const struct saying no_fault = { .named = NAMED_OTHER, .kind = KINDS };
    struct refused *refused = &rejection->refused;
    const struct saying *saying = saying_of(refused->reply.text, (enum stage)refused->reply.stage);
    if (saying->named == NAMED_SENDER_DOMAIN &&
        ((rejection->open->flags & EXIM_CALLOUT) || str_find(refused->reply.text, STR("callout"))))
        saying = &no_fault;
    refused_note(builder, rejection->open, refused, saying);
}

/* What was refused, and at which stage that is: "RCPT <a@b>: text". The mark is what follows "rejected ". */
static const struct place {
    struct str mark;
    enum stage stage;
    enum { OF_SESSION, OF_TRANSACTION, OF_RECIPIENT, OF_NONE } what;
} places[] = {
    { STR_INIT("RCPT "), STAGE_RCPT, OF_RECIPIENT },
    { STR_INIT("MAIL "), STAGE_MAIL, OF_TRANSACTION },
    { STR_INIT("after DATA"), STAGE_EOM, OF_TRANSACTION },
    { STR_INIT("during MIME ACL checks"), STAGE_EOM, OF_TRANSACTION },
    { STR_INIT("connection in \"connect\" ACL"), STAGE_CONNECT, OF_SESSION },
    { STR_INIT("'connect' ACL"), STAGE_CONNECT, OF_SESSION },
    { STR_INIT("EHLO or HELO "), STAGE_HELO, OF_SESSION },
    { STR_INIT("DATA"), STAGE_DATA, OF_TRANSACTION },
    { STR_INIT("by local_scan()"), STAGE_EOM, OF_TRANSACTION },
    { STR_INIT("PRDR"), STAGE_EOM, OF_NONE },
    { STR_INIT("DKIM"), STAGE_EOM, OF_TRANSACTION },
    { STR_INIT("AUTH"), STAGE_HELO, OF_NONE },
    { STR_INIT("STARTTLS"), STAGE_HELO, OF_NONE },
    { STR_INIT("VRFY"), STAGE_HELO, OF_NONE },
    { STR_INIT("EXPN"), STAGE_HELO, OF_NONE },
    { STR_INIT("ETRN"), STAGE_HELO, OF_NONE },
    { STR_INIT("QUIT"), STAGE_HELO, OF_NONE },
    { STR_INIT("WELLKNOWN"), STAGE_HELO, OF_NONE },
};

/* What the client said is cut off there (smtp_handle_acl_fail()). */
enum { COMMAND_BYTES_MOST = 100 };

/* "<a@b>" or, where the client left the brackets out, what stands before ": ". A long one lacks its end. */
static struct str cut_address(struct str *rest)
{
    struct str path, in = *rest;
    in.len = in.len < COMMAND_BYTES_MOST ? in.len : COMMAND_BYTES_MOST;
    if (cut_exim_path(&in, &path)) {
        *rest = str_range(in.at, rest->at + rest->len);
        return path;
    }
    if (rest->len > COMMAND_BYTES_MOST && rest->at[0] == '<' && rest->at[COMMAND_BYTES_MOST] == ':') {
        path = (struct str){ rest->at + 1, COMMAND_BYTES_MOST - 1 };
        *rest = str_skip(*rest, COMMAND_BYTES_MOST);
        return path;
    }
    in = *rest;
    if (cut_until(&in, STR(": "), &path)) {
        *rest = str_range(path.at + path.len, in.at + in.len);
        return path;
    }
    path = *rest;
    *rest = str_skip(*rest, rest->len);
    return path;
}

static void add_probe(struct builder *builder, struct open_session *open, usec at, struct str subject,
                      struct str text)
{
    struct evidence probe = evidence_of(KIND_VRFY, YES, at);
    cut_char(&subject, ' ');
    probe.subject = subject;
    probe.detail = text;
    builder_add_evidence(builder, open, &probe);
}

static enum taken take_rejection(struct builder *builder, const struct exim_line *exim,
                                 struct exim_host *host, const struct exim_clauses *clauses, struct str rest,
                                 bool deferred)
{
    const struct place *place = NULL;
    struct str none = { NULL, 0 }, address = none, sender = clauses->sender, text, whole = rest;
    for (size_t i = 0; i < sizeof places / sizeof *places && !place; i++)
        if (rest.len && rest.at[0] == places[i].mark.at[0] && cut_prefix(&rest, places[i].mark))
            place = &places[i];
    if (!place)
        return SKIPPED;
    if (place->what == OF_RECIPIENT)
        address = cut_address(&rest);
    else if (place->stage == STAGE_MAIL)
        sender = cut_address(&rest);
    if (place->stage >= STAGE_MAIL || (place->stage == STAGE_HELO && place->what == OF_SESSION))
        exim_greeted(host);
    if (place->stage == STAGE_HELO && place->what == OF_SESSION)
        cut_prefix(&rest, (struct str){ host->helo.at, host->helo.len < COMMAND_BYTES_MOST
                                                           ? host->helo.len
                                                           : COMMAND_BYTES_MOST }); /* may hold ": " */
    if (!cut_until(&rest, STR(": "), &text)) {
        text = rest;
        rest = (struct str){ rest.at + rest.len, 0 };
    }
    struct rejection rejection = { .exim = exim,
                                   .refused = { .at = exim->line->at,
                                                .reply = reply_of(rest, deferred, place->stage),
                                                .sender = sender,
                                                .address = address,
                                                .transaction = WHOLE_SESSION,
                                                .recipient = WHOLE_TRANSACTION } };
    struct open_session *open =
        exim_session(builder, exim, host, place->what >= OF_NONE ? none : sender, address);
    rejection.open = open;
    exim_note_clauses(builder, open, exim->line->at, clauses);
    exim_reach(open, place->stage);
    if (place->what == OF_NONE) {
        if (str_starts(whole, STR("VRFY")) || str_starts(whole, STR("EXPN")))
            add_probe(builder, open, exim->line->at, text, rest);
        return TAKEN; /* stops no attempt */
    }
    if (place->what == OF_TRANSACTION || place->what == OF_RECIPIENT) {
        int32_t index = exim_transaction(builder, open, exim, sender);
        if (index < 0)
            return TAKEN;
        rejection.refused.transaction = index;
        if (place->what == OF_RECIPIENT) {
            if (!builder_add_recipient(builder, open, index, address, exim->line->at))
                return TAKEN;
            rejection.refused.recipient = (int32_t)open->session.transactions[index].recipient_count - 1;
        }
    }
    note(builder, &rejection);
    if (place->stage == STAGE_CONNECT)
        exim_end(open, exim, CLOSED_DROPPED);
    return TAKEN;
}

/* "sender verify fail for <a@b>: response to "RCPT TO:<a@b>" from mx [ip] was: 550 …": a callout, where the
 * sender's server had its say; else it is the address that cannot be delivered to. The refusal itself
 * follows. */
static enum taken take_verify(struct builder *builder, const struct exim_line *exim, struct exim_host *host,
                              struct str rest)
{
    struct str address, before;
    if (!cut_prefix(&rest, STR(" for ")) || !cut_exim_path(&rest, &address))
        return SKIPPED;
    exim_greeted(host);
    struct open_session *open = exim_session(builder, exim, host, address, (struct str){ NULL, 0 });
    if (cut_prefix(&rest, STR(": ")) &&
        (str_find(rest, STR("response to ")) || cut_until(&rest, STR("callout"), &before) ||
         str_find(rest, STR("was: 5"))))
        open->flags |= EXIM_CALLOUT;
    else
        open->flags &= ~(uint32_t)EXIM_CALLOUT;
    exim_reach(open, STAGE_MAIL);
    return TAKEN;
}

/* "incomplete transaction (QUIT) from <a@b> for c@d e@f": what had been taken so far
 * (+smtp_incomplete_transaction). */
static enum taken take_incomplete(struct builder *builder, const struct exim_line *exim,
                                  struct exim_host *host, struct str rest)
{
    struct str why, sender, none = { NULL, 0 }, address;
    if (!cut_until(&rest, STR(") from "), &why) || !cut_exim_path(&rest, &sender))
        return SKIPPED;
    exim_greeted(host);
    struct open_session *open = exim_session(builder, exim, host, none, none);
    if (!sender.len && !rest.len)
        return TAKEN; /* after a message, or a MAIL that was refused, it says so too */
    int32_t index = exim_transaction(builder, open, exim, sender);
    if (index < 0)
        return TAKEN;
    if (cut_prefix(&rest, STR(" for ")))
        while (rest.len) {
            if (!cut_until_char(&rest, ' ', &address)) {
                address = rest;
                rest = str_skip(rest, rest.len);
            }
            struct recipient *recipient =
                builder_add_recipient(builder, open, index, address, exim->line->at);
            if (!recipient)
                break;
            recipient->reply.code = 250;
            recipient->reply.stage = STAGE_RCPT;
            recipient->valid = YES;
            exim_reach(open, STAGE_RCPT);
        }
    open->transaction = -1;
    return TAKEN;
}

/* "Warning: SPF softfail for shop.test": a warn of an ACL, in the site's words. */
static enum taken take_warning(struct builder *builder, const struct exim_line *exim, struct exim_host *host,
                               struct str rest)
{
    struct str none = { NULL, 0 };
    struct open_session *open = exim_session(builder, exim, host, none, none);
    const struct saying *saying = saying_of(rest, STAGE_RCPT);
    if (saying->named <= NAMED_OTHER)
        return TAKEN;
    struct evidence warning = evidence_of(KIND_WARNING, YES, exim->line->at);
    warning.subject = str_of(named_measure[saying->named]);
    warning.detail = rest;
    evidence_once(builder, open, &warning);
    return TAKEN;
}

/* "RCPT <a@b>: discarded by RCPT ACL: text": the client is told 250. */
static enum taken take_discarded(struct builder *builder, const struct exim_line *exim,
                                 struct exim_host *host, const struct exim_clauses *clauses, struct str rest)
{
    struct str address = cut_address(&rest);
    exim_greeted(host);
    struct open_session *open = exim_session(builder, exim, host, clauses->sender, address);
    int32_t index = exim_transaction(builder, open, exim, clauses->sender);
    struct recipient *recipient =
        index < 0 ? NULL : builder_add_recipient(builder, open, index, address, exim->line->at);
    if (recipient) {
        recipient->reply.code = 250;
        recipient->reply.stage = STAGE_RCPT;
    }
    exim_reach(open, STAGE_RCPT);
    return TAKEN;
}

/* "F=a@b H=HOST P=esmtp rejected by local_scan(): text" (receive.c) */
enum taken exim_take_local_scan(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    struct exim_host host;
    struct exim_clauses clauses = { .sender = { NULL, 0 } };
    struct str text;
    if (cut_prefix(&rest, STR("<>"))) {
        clauses.sender = (struct str){ rest.at, 0 };
    } else if (rest.len && rest.at[0] == '<') {
        return PASSED; /* by a program here: "F=<a@b> rejected by non-SMTP ACL: text" */
    } else {
        bool quoted = false;
        size_t end = 0;
        for (; end < rest.len && (quoted || rest.at[end] != ' '); end++)
            quoted ^= rest.at[end] == '"' && (end == 0 || rest.at[end - 1] != '\\');
        clauses.sender = (struct str){ rest.at, end };
        rest = str_skip(rest, end);
    }
    if (!cut_prefix(&rest, STR(" H=")) || !cut_exim_host(&rest, &host))
        return PASSED;
    while (rest.len && !str_starts(rest, STR("rejected ")) && !str_starts(rest, STR("temporarily ")))
        if (!cut_until_char(&rest, ' ', &text)) /* P=esmtp L */
            return SKIPPED;
    bool deferred = cut_prefix(&rest, STR("temporarily "));
    return cut_prefix(&rest, STR("rejected "))
               ? take_rejection(builder, exim, &host, &clauses, rest, deferred)
               : SKIPPED;
}

enum taken exim_take_host(struct builder *builder, const struct exim_line *exim, struct exim_host *host,
                          const struct exim_clauses *clauses, struct str rest)
{
    if (cut_prefix(&rest, STR("rejected ")))
        return take_rejection(builder, exim, host, clauses, rest, false);
    if (cut_prefix(&rest, STR("temporarily rejected ")))
        return take_rejection(builder, exim, host, clauses, rest, true);
    if (cut_prefix(&rest, STR("Warning: ")))
        return take_warning(builder, exim, host, rest);
    if (cut_prefix(&rest, STR("sender verify fail")) || cut_prefix(&rest, STR("sender verify defer")))
        return take_verify(builder, exim, host, rest);
    if (cut_prefix(&rest, STR("incomplete transaction (")))
        return take_incomplete(builder, exim, host, rest);
    if (cut_prefix(&rest, STR("dropped by 'connect' ACL"))) { /* on a port that begins with TLS */
        rest = str_range(rest.at - STR("'connect' ACL").len, rest.at + rest.len);
        return take_rejection(builder, exim, host, clauses, rest, false);
    }
    if (str_find(rest, STR(": discarded by ")) && cut_prefix(&rest, STR("RCPT ")))
        return take_discarded(builder, exim, host, clauses, rest);
    return exim->id.at ? PASSED : SKIPPED;
}

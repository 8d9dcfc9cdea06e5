/* What Exim itself refuses, without an ACL: who talks out of turn, too many, what is too big, names that are
 * none. */
#include "collect/dialect/exim.h"

static const struct str none = { NULL, 0 };

static void refuse(struct builder *builder, struct open_session *open, const struct exim_line *exim,
                   int16_t code, enum stage stage, struct str text, int32_t transaction,
                   const struct saying *saying)
{
    struct refused refused = { .at = exim->line->at,
                               .reply = { .code = code, .stage = (uint8_t)stage, .text = text },
                               .transaction = transaction,
                               .recipient = WHOLE_TRANSACTION };
    if (transaction >= 0)
        refused.sender = open->session.transactions[transaction].mail_from;
    refused_note(builder, open, &refused, saying ? saying : saying_of(text, stage));
}

/* The words that a shape is known by, again in front of what follows them. */
static struct str with_words(struct str rest, struct str words)
{
    return str_range(rest.at - words.len, rest.at + rest.len);
}

/* "SMTP protocol synchronization error (input sent without waiting for greeting): rejected connection from
 * H=HOST input="…"", "… (next input sent too soon: pipelining was not advertised): rejected "DATA" H=HOST
 * next input="…"". */
enum taken exim_take_synchronization(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    static const struct saying talker = { .named = NAMED_EARLY_TALKER,
                                          .kind = KIND_EARLY_TALKER,
                                          .state = YES };
    static const struct saying ahead = { .named = NAMED_PIPELINING, .kind = KIND_PIPELINING, .state = YES };
    struct exim_host host;
    struct str why, sent;
    if (!cut_until(&rest, STR("): rejected "), &why))
        return SKIPPED;
    bool early = cut_prefix(&rest, STR("connection from "));
    struct str command = rest;
    if (early ? !exim_cut_client(&rest, &host) : !exim_cut_client_behind(&rest, STR("\" H="), &host))
        return SKIPPED;
    cut_char(&command, '"');
    struct open_session *open = exim_session(builder, exim, &host, none, none);
    int32_t transaction = WHOLE_SESSION;
    enum stage stage = STAGE_BANNER;
    if (!early && open->session.stage >= STAGE_HELO)
        stage = STAGE_HELO;
    if (str_starts(command, STR("RCPT")) || str_starts(command, STR("DATA")) ||
        str_starts(command, STR("BDAT"))) {
        /* There is one under way, of which the log may not have told yet. */
        transaction = exim_transaction(builder, open, exim, none);
        stage = command.at[0] == 'R' ? STAGE_RCPT : STAGE_DATA;
    } else if (str_starts(command, STR("MAIL"))) {
        stage = STAGE_MAIL;
    } else if (!early) {
        stage = STAGE_HELO;
    }
    if (cut_until(&rest, STR("input=\""), &sent))
        exim_note_foreign(builder, open, exim->line->at, rest);
    refuse(builder, open, exim, 554, stage, why, transaction, early ? &talker : &ahead);
    exim_end(open, exim, CLOSED_DROPPED);
    return TAKEN;
}

/* "Connection from HOST refused: too many connections from that IP address", by the daemon: 421. */
enum taken exim_take_refused(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    static const struct saying rate = {
        .named = NAMED_RATE, .kind = KIND_RATE, .state = YES, .subject = "connection"
    };
    struct exim_host host;
    struct exim_line daemon = *exim;
    daemon.pid = 0;
    if (!exim_cut_client(&rest, &host))
        return PASSED;
    cut_char(&rest, ' ');
    cut_prefix(&rest, STR("temporarily "));
    if (!cut_prefix(&rest, STR("refused")))
        return SKIPPED;
    bool many = cut_prefix(&rest, STR(": ")) && str_starts(rest, STR("too many connections"));
    struct open_session *open = NULL;
    if (host.port) /* the daemon may have announced it */
        open = builder_find(builder, key_of_client(exim->line->host, &host.address, host.port), NULL);
    if (open && !open->ended && exim_has_begun(open, exim) && (open->flags & EXIM_FRESH))
        builder_took(builder, open, exim->line);
    else
        open = exim_begin(builder, &daemon, &host);
    open->flags &= ~(uint32_t)EXIM_FRESH;
    refuse(builder, open, exim, 421, STAGE_CONNECT, rest, WHOLE_SESSION, many ? &rate : NULL);
    exim_end(open, exim, CLOSED_DROPPED);
    builder_close(builder, open, exim->line, CLOSED_DROPPED);
    return TAKEN;
}

static enum taken refuse_connection(struct builder *builder, const struct exim_line *exim, struct str rest,
                                    int16_t code)
{
    struct exim_host host;
    if (!exim_cut_client(&rest, &host))
        return PASSED;
    if (!cut_prefix(&rest, STR(": ")))
        cut_char(&rest, ' ');
    struct open_session *open = exim_session(builder, exim, &host, none, none);
    refuse(builder, open, exim, code, STAGE_CONNECT, rest, WHOLE_SESSION, NULL);
    exim_end(open, exim, CLOSED_DROPPED);
    return TAKEN;
}

/* "refused connection from HOST (host_reject_connection)", "(tcp wrappers)": 554. */
enum taken exim_take_refused_host(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    return refuse_connection(builder, exim, rest, 554);
}

/* "connection from HOST refused (IP options)": 554. */
enum taken exim_take_options(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    return refuse_connection(builder, exim, rest, 554);
}

/* helo_verify_hosts: the name does not lead to the client. */
static enum taken refuse_helo(struct builder *builder, const struct exim_line *exim, struct str rest,
                              int16_t code)
{
    static const struct saying unverified = {
        .named = NAMED_HELO, .kind = KIND_HELO, .state = NO, .subject = "resolves"
    };
    static const struct saying unknown = {
        .named = NAMED_HELO, .kind = KIND_HELO, .state = UNKNOWN, .subject = "resolves"
    };
    struct exim_host host;
    struct str said = rest;
    if (!exim_cut_client_behind(&rest, STR("\" from "), &host))
        return SKIPPED;
    struct open_session *open = exim_session(builder, exim, &host, none, none);
    if (str_starts(said, STR("XCLIENT")))
        return TAKEN; /* stops no attempt */
    cut_prefix(&rest, STR(": "));
    refuse(builder, open, exim, code, STAGE_HELO, rest.len ? rest : with_words(said, STR("\"")),
           WHOLE_SESSION, code < 500 ? &unknown : &unverified);
    return TAKEN;
}

/* "temporarily refused connection from HOST (tcp wrappers errno=2)", "… HOST: not in reserve list:
 * connected=5 max=5 reserve=1": 451 and 421; "temporarily rejected "EHLO x" from HOST": 451. */
enum taken exim_take_temporarily(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    if (cut_prefix(&rest, STR("rejected \"")))
        return refuse_helo(builder, exim, rest, 451);
    if (!cut_prefix(&rest, STR("refused connection from ")))
        return SKIPPED;
    return refuse_connection(builder, exim, rest, str_find(rest, STR("reserve list")) ? 421 : 451);
}

/* "rejected EHLO from HOST: syntactically invalid argument(s): x", "rejected MAIL from HOST: no HELO/EHLO
 * given", "rejected MAIL FROM:<a@b> H=HOST: message too big: size=99 max=50", "rejected "EHLO x" from HOST:
 * …" (helo_verify_hosts), "rejected from <a@b> H=HOST: message too big: read=70212 max=51200". */
enum taken exim_take_rejected(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    static const struct saying helo_syntax = {
        .named = NAMED_HELO, .kind = KIND_HELO, .state = NO, .subject = "syntax"
    };
    static const struct saying helo_required = {
        .named = NAMED_HELO, .kind = KIND_HELO, .state = NO, .subject = "required"
    };
    static const struct saying other = { .named = NAMED_OTHER, .kind = KINDS };
    struct exim_host host;
    struct str path;
    if (cut_prefix(&rest, STR("EHLO from ")) || cut_prefix(&rest, STR("HELO from "))) {
        if (!exim_cut_client(&rest, &host) || !cut_prefix(&rest, STR(": ")))
            return SKIPPED;
        struct open_session *open = exim_session(builder, exim, &host, none, none);
        refuse(builder, open, exim, 501, STAGE_HELO, rest, WHOLE_SESSION, &helo_syntax);
        if (cut_prefix(&rest, STR("syntactically invalid argument(s): ")))
            open->session.helo =
                builder_keep(builder, open, str_eq(rest, STR("(no argument given)")) ? STR("") : rest);
        return TAKEN;
    }
    if (cut_prefix(&rest, STR("MAIL from "))) {
        if (!exim_cut_client(&rest, &host) || !cut_prefix(&rest, STR(": ")))
            return SKIPPED;
        struct open_session *open = exim_session(builder, exim, &host, none, none);
        int32_t index = exim_transaction(builder, open, exim, none);
        if (index >= 0)
            refuse(builder, open, exim, 503, STAGE_MAIL, rest, index,
                   str_starts(rest, STR("no HELO/EHLO given")) ? &helo_required : NULL);
        return TAKEN;
    }
    if (cut_prefix(&rest, STR("MAIL FROM:"))) {
        if (!cut_exim_path(&rest, &path) || !exim_cut_client_behind(&rest, STR(" H="), &host) ||
            !cut_prefix(&rest, STR(": ")))
            return SKIPPED;
        exim_greeted(&host);
        struct open_session *open = exim_session(builder, exim, &host, path, none);
        int32_t index = exim_transaction(builder, open, exim, path);
        if (index >= 0)
            refuse(builder, open, exim, 552, STAGE_MAIL, rest, index, NULL);
        return TAKEN;
    }
    if (cut_prefix(&rest, STR("from "))) {
        if (!cut_exim_path(&rest, &path))
            return SKIPPED;
        cut_char(&rest, ' '); /* not there for too many Received headers */
        if (!cut_prefix(&rest, STR("H=")) || !exim_cut_client(&rest, &host))
            return SKIPPED;
        cut_prefix(&rest, STR(": "));
        exim_greeted(&host);
        struct open_session *open = exim_session(builder, exim, &host, path, none);
        int32_t index = exim_transaction(builder, open, exim, path);
        if (index >= 0)
            refuse(builder, open, exim, str_starts(rest, STR("Too many ")) ? 550 : 552, STAGE_EOM, rest,
                   index, &other);
        return TAKEN;
    }
    if (cut_char(&rest, '"'))
        return refuse_helo(builder, exim, rest, 550);
    if (cut_prefix(&rest,
                   STR("MAIL command "))) { /* smtp_accept_max_per_connection: 421, and no sender read */
        if (!exim_cut_client(&rest, &host) || !cut_prefix(&rest, STR(": ")))
            return SKIPPED;
        exim_greeted(&host);
        struct open_session *open = exim_session(builder, exim, &host, none, none);
        open->transaction = -1;
        int32_t index = exim_transaction(builder, open, exim, none);
        if (index >= 0)
            refuse(builder, open, exim, 421, STAGE_MAIL, rest, index, &other);
        return TAKEN;
    }
    if (cut_prefix(&rest, STR("XCLIENT from "))) {
        if (!exim_cut_client(&rest, &host))
            return SKIPPED;
        exim_session(builder, exim, &host, none, none);
        return TAKEN; /* stops no attempt */
    }
    if (cut_prefix(&rest, STR("connection from ")))
        return exim_take_refused_host(builder, exim, rest);
    return SKIPPED;
}

/* "too many recipients: message rejected: sender=<a@b> H=HOST" */
enum taken exim_take_too_many(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    struct exim_host host;
    struct str before, sender = none, text = with_words(rest, STR("too many "));
    if (cut_until(&rest, STR("sender="), &before)) {
        if (!cut_exim_path(&rest, &sender) || !cut_prefix(&rest, STR(" H=")))
            return SKIPPED;
    } else if (!cut_until(&rest, STR("H="), &before) && !cut_until(&rest, STR(" from "), &before)) {
        return PASSED;
    }
    if (!exim_cut_client(&rest, &host))
        return PASSED;
    exim_greeted(&host);
    struct open_session *open = exim_session(builder, exim, &host, sender, none);
    if (!sender.at)
        return TAKEN;
    int32_t index = exim_transaction(builder, open, exim, sender);
    if (cut_until(&text, STR(": sender="), &before))
        text = before;
    if (index < 0)
        return TAKEN;
    if (!str_find(text, STR("excess temporarily"))) {
        refuse(builder, open, exim, 552, STAGE_DATA, text, index, NULL);
        return TAKEN;
    }
    /* Those that came before are taken all the same; this is said once, of the first that was not. */
    if (builder_add_recipient(builder, open, index, none, exim->line->at)) {
        struct refused refused = { .at = exim->line->at,
                                   .reply = { .code = 452, .stage = STAGE_RCPT, .text = text },
                                   .transaction = index,
                                   .recipient =
                                       (int32_t)open->session.transactions[index].recipient_count - 1 };
        refused_note(builder, open, &refused, saying_of(text, STAGE_RCPT));
    }
    return TAKEN;
}

/* "ridiculously long message header received from HOST (more than 1048576 characters): message abandoned",
 * "overlong message header line received from HOST …": 552. */
enum taken exim_take_overlong(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    static const struct saying other = { .named = NAMED_OTHER, .kind = KINDS };
    struct exim_host host;
    struct str text;
    if (!cut_until(&rest, STR(" received from "), &text) || !exim_cut_client(&rest, &host))
        return PASSED;
    exim_greeted(&host);
    struct open_session *open = exim_session(builder, exim, &host, none, none);
    int32_t index = exim_transaction(builder, open, exim, none);
    if (index >= 0)
        refuse(builder, open, exim, 552, STAGE_EOM, text, index, &other);
    return TAKEN;
}

/* "unqualified sender rejected: <bob> H=HOST", "unqualified recipient rejected: …", "unqualified verify
 * rejected: …" */
enum taken exim_take_unqualified(struct builder *builder, const struct exim_line *exim, struct str rest)
{
    static const struct saying fqdn = {
        .named = NAMED_SENDER_DOMAIN, .kind = KIND_SENDER_DOMAIN, .state = NO, .subject = "fqdn"
    };
    struct exim_host host;
    struct str what, path, text = with_words(rest, STR("unqualified "));
    if (!cut_until(&rest, STR(" rejected: "), &what) || !cut_exim_path(&rest, &path) ||
        !cut_prefix(&rest, STR(" H=")) || !exim_cut_client(&rest, &host))
        return SKIPPED;
    text = str_trim(str_range(text.at, path.at - 3)); /* up to ": <" */
    bool verify = str_eq(what, STR("verify")), sender = str_eq(what, STR("sender"));
    struct open_session *open = exim_session(builder, exim, &host, sender ? path : none, none);
    if (verify) {
        struct evidence probe = evidence_of(KIND_VRFY, YES, exim->line->at);
        probe.subject = path;
        builder_add_evidence(builder, open, &probe);
        return TAKEN;
    }
    int32_t index = exim_transaction(builder, open, exim, sender ? path : none);
    if (index < 0)
        return TAKEN;
    if (sender) {
        refuse(builder, open, exim, 501, STAGE_MAIL, text, index, &fqdn);
        return TAKEN;
    }
    struct recipient *recipient = builder_add_recipient(builder, open, index, path, exim->line->at);
    if (!recipient)
        return TAKEN;
    struct refused refused = { .at = exim->line->at,
                               .reply = { .code = 501, .stage = STAGE_RCPT, .text = text },
                               .address = path,
                               .transaction = index,
                               .recipient = (int32_t)open->session.transactions[index].recipient_count - 1 };
    refused_note(builder, open, &refused, saying_of(STR(""), STAGE_RCPT));
    return TAKEN;
}

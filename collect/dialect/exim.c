/* Exim: mainlog and rejectlog as it writes them itself, or through syslog:
 *
 *     2026-11-23 08:52:51 1xVPn9-00073A-2L <= user25@shop.test H=mail30.shop.test [198.51.100.30] P=esmtp
 * S=477 id=1@c.test 2026-11-23 08:55:56.465 +0100 [30171] SMTP connection from [203.0.113.121]:42557 (TCP/IP
 * connection count = 1) Nov 23 09:11:14 mx exim[20271]: 2026-11-23 09:11:14 H=(x) [192.0.2.6] F=<> rejected
 * RCPT <a@b>: Unrouteable address
 *
 * A rejection stands in both logs, through syslog twice; in rejectlog the message's header follows it. */
#include "collect/dialect/exim.h"

#include "collect/syslog.h"

static bool recognise(struct str tag)
{
    return str_eq(tag, STR("exim")) || str_eq(tag, STR("exim4"));
}

/* Through syslog, a line of several lines, or a long one, comes in parts: "[1\9] …" (log.c, write_syslog()).
 * The first has what counts. */
static bool cut_part(struct str *text, bool *is_first)
{
    struct str in = *text;
    uint64_t part = 0, parts = 0;
    if (!cut_char(&in, '[') || !cut_number(&in, &part) || !(cut_char(&in, '\\') || cut_char(&in, '/')) ||
        !cut_number(&in, &parts) || !cut_prefix(&in, STR("] ")))
        return false;
    *is_first = part == 1;
    *text = in;
    return true;
}

/* Whether the line is one of those that go to both logs, LOG_MAIN|LOG_REJECT in the source. */
static bool is_in_both(struct str text)
{
    static const struct str begins[] = {
        STR_INIT("SMTP protocol synchronization error"),
        STR_INIT("SMTP call from "),
        STR_INIT("rejected "),
        STR_INIT("refused "),
        STR_INIT("Connection from "),
        STR_INIT("too many "),
        STR_INIT("unqualified "),
        STR_INIT("ETRN "),
    };
    if (str_starts(text, STR("H=")))
        return str_find(text, STR("rejected ")) || str_find(text, STR(" sender verify ")) ||
               str_find(text, STR(": discarded by "));
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (text.len && text.at[0] == begins[i].at[0] && str_starts(text, begins[i]))
            return true;
    return str_find(text, STR(" authenticator failed for ")) != NULL;
}

/* An event that was read in the other log already. The pid is in neither's way: both have it or neither. */
static bool is_told_twice(const struct line *line, struct str text, bool by_syslog, bool stamped,
                          struct builder *builder)
{
    if (by_syslog) {
        /* The stamp in the text is the same in both; without one (syslog_timestamp = no) the second has to
         * do. */
        uint64_t second = stamped ? 0 : (uint64_t)(line->at / USEC_SECOND);
        uint64_t said = bytes_hash(line->host.at, line->host.len, second << 32 | line->pid);
        return builder_heard_in_turn(builder, bytes_hash(text.at, text.len, said));
    }
    return builder_heard(builder, bytes_hash(text.at, text.len, (uint64_t)line->at), line->input);
}

static enum taken take(const struct line *line, struct builder *builder)
{
    struct exim_line exim = { .line = line, .pid = line->pid };
    struct str text = line->text, whole = text, rest;
    struct stamp stamp;
    uint64_t pid = 0;
    bool by_syslog = line->host.len || line->pid, is_first = true, stamped = false;
    if (by_syslog) {
        cut_part(&text, &is_first);
        if (!is_first)
            return PASSED;
        whole = text;
        stamped = cut_stamp(&text, &stamp); /* syslog_timestamp, on by default */
    }
    rest = text;
    if (cut_char(&rest, '[') && cut_number(&rest, &pid) && cut_prefix(&rest, STR("] "))) {
        exim.pid = pid <= UINT32_MAX ? (uint32_t)pid : 0;
        text = rest;
    }
    cut_exim_id(&text, &exim.id, &exim.id_pid);
    if (exim.id.at) {
        enum taken taken = exim_take_message(builder, &exim, text);
        if (taken != NOT_OURS)
            return taken;
    }
    if (is_in_both(text) && is_told_twice(line, whole, by_syslog, stamped, builder))
        return PASSED;
    rest = text;
    return cut_prefix(&rest, STR("H=")) ? exim_take_host(builder, &exim, rest)
                                        : exim_take_smtp(builder, &exim, text);
}

/* In rejectlog, envelope and header of a rejected message: "Envelope-from: <…>", "P Received: …", "\tby …", "
 * Subject: …", and a line of dashes. */
static bool continues(struct str text)
{
    return str_starts(text, STR("Envelope-")) || text.at[0] == ' ' || text.at[0] == '\t' ||
           str_starts(text, STR("---")) ||
           (text.len > 2 && text.at[1] == ' ' && (is_alpha(text.at[0]) || text.at[0] == '*'));
}

const struct dialect dialect_exim = {
    .name = "exim",
    .title = "Exim mainlog and rejectlog",
    .recognise = recognise,
    .take = take,
    .continues = continues,
};

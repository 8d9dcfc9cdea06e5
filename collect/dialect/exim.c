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

/* Through syslog, a line of several lines, or one of more than 870 bytes, comes in parts (log.c,
 * write_syslog()): "[1\\9] …" where it ends with the part, "[1/9] …" where it goes on in the next. Of several
 * lines the first has what counts. */
struct part {
    uint64_t number, parts;
    bool goes_on;
};

static bool cut_part(struct str *text, struct part *part)
{
    struct str in = *text;
    if (!cut_char(&in, '[') || !cut_number(&in, &part->number))
        return false;
    part->goes_on = cut_char(&in, '/');
    if (!(part->goes_on || cut_char(&in, '\\')) || !cut_number(&in, &part->parts) ||
        !cut_prefix(&in, STR("] ")))
        return false;
    part->goes_on &= part->number < part->parts;
    *text = in;
    return true;
}

/* The first line of a report, once it is whole. False: wait, or what follows it. */
static bool join_parts(const struct line *line, struct str *text, struct line *first, struct builder *builder)
{
    struct part part = { 0 };
    session_key key = key_of_process(line);
    if (!cut_part(text, &part))
        return true;
    if (part.number == 1 && !part.goes_on)
        return true;
    if (part.number == 1)
        builder_drop_held(builder, key); /* what never came to its end */
    else if (!builder_holds(builder, key))
        return false;
    builder_hold(builder, key, line, *text);
    return !part.goes_on && builder_unhold(builder, key, first, text);
}

/* Whether the line is one of those that go to both logs, LOG_MAIN|LOG_REJECT in the source. Of one that
 * begins with "H=", what follows the client and its clauses is looked at first, if that is known: most are
 * told by it. */
static bool by_host_is_in_both(struct str text, struct str behind)
{
    return str_starts(behind, STR("rejected ")) || str_starts(behind, STR("temporarily rejected ")) ||
           str_find(text, STR("rejected ")) || str_find(text, STR(" sender verify ")) ||
           str_find(text, STR(": discarded by ")) || str_find(text, STR(" dropped by "));
}

static bool is_in_both(struct str text)
{
    static const struct str begins[] = {
        STR_INIT("SMTP protocol synchronization error"),
        STR_INIT("SMTP call from "),
        STR_INIT("rejected "),
        STR_INIT("refused connection "),
        STR_INIT("connection from "),
        STR_INIT("temporarily "),
        STR_INIT("too many "),
        STR_INIT("unqualified "),
        STR_INIT("local_scan() function "),
    };
    if (str_starts(text, STR("F=")))
        return str_find(text, STR("rejected by ")) != NULL;
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (text.len && text.at[0] == begins[i].at[0] && str_starts(text, begins[i]))
            return true;
    struct str mechanism;
    return cut_until_char(&text, ' ', &mechanism) && str_starts(text, STR("authenticator failed for "));
}

static bool is_by_syslog(const struct line *line)
{
    return line->host.len || line->pid;
}

/* What makes it this event. The pid is in neither's way: both have it or neither. */
static uint64_t event_of(const struct line *line, struct str text, bool by_syslog, const struct stamp *stamp)
{
    if (!by_syslog)
        return builder_event(bytes_hash(text.at, text.len, (uint64_t)line->at), line->at);
    /* The stamp in the text is the same in both; without one (syslog_timestamp = no) the second has to do. */
    uint64_t second = stamp ? 0 : (uint64_t)(line->at / USEC_SECOND);
    uint64_t said = bytes_hash(line->host.at, line->host.len, second << 32 | line->pid);
    return builder_event(bytes_hash(text.at, text.len, said), stamp ? stamp->of_day : line->at);
}

/* An event that was read in the other log already. */
static bool is_told_twice(const struct line *line, uint64_t event, struct builder *builder)
{
    return is_by_syslog(line) ? builder_heard_in_turn(builder, event)
                              : builder_heard(builder, event, line->input);
}

/* "[pid] " (+pid), the id of a message. */
static struct str cut_front(struct exim_line *exim, struct str text)
{
    struct str rest = text;
    uint64_t pid = 0;
    if (cut_char(&rest, '[') && cut_number(&rest, &pid) && cut_prefix(&rest, STR("] "))) {
        exim->pid = pid <= UINT32_MAX ? (uint32_t)pid : 0;
        text = rest;
    }
    cut_exim_id(&text, &exim->id, &exim->id_pid);
    if (!cut_prefix(&text, STR(" DS ")))
        cut_prefix(&text, STR("DS ")); /* the name's look-up was secure (+dnssec): smtp_handle_acl_fail() */
    return text;
}

/* `rest` is what follows "H=" in `text`. */
static enum taken take_host(struct builder *builder, const struct exim_line *exim, struct str text,
                            struct str rest, uint64_t event)
{
    struct exim_host host;
    struct exim_clauses clauses;
    struct str behind = { text.at, 0 };
    builder_announce(builder, event); /* while the client is read */
    bool known = cut_exim_host(&rest, &host);
    if (known) {
        cut_exim_clauses(&rest, &clauses);
        while (cut_char(&rest, ' '))
            ;
        behind = rest;
    }
    if (by_host_is_in_both(text, behind) && is_told_twice(exim->line, event, builder))
        return PASSED;
    if (known)
        return exim_take_host(builder, exim, &host, &clauses, rest);
    return exim->id.at ? PASSED : SKIPPED; /* a delivery that has to wait */
}

static enum taken take(const struct line *line, struct builder *builder)
{
    struct exim_line exim = { .line = line, .pid = line->pid };
    struct line first = *line;
    struct str text = line->text, whole, rest;
    struct stamp stamp;
    bool by_syslog = is_by_syslog(line), stamped = false;
    if (by_syslog) {
        if (!join_parts(line, &text, &first, builder))
            return PASSED;
        exim.first = first.offset != line->offset ? &first : NULL;
        whole = text;
        stamped = cut_stamp(&text, &stamp); /* syslog_timestamp, on by default */
    } else {
        whole = text;
    }
    text = cut_front(&exim, text);
    if (exim.id.at) {
        enum taken taken = exim_take_message(builder, &exim, text);
        if (taken != NOT_OURS)
            return taken;
    }
    const struct stamp *at = stamped ? &stamp : NULL;
    rest = text;
    if (cut_prefix(&rest, STR("H=")))
        return take_host(builder, &exim, text, rest, event_of(line, whole, by_syslog, at));
    if (is_in_both(text) && is_told_twice(line, event_of(line, whole, by_syslog, at), builder))
        return PASSED;
    return exim_take_smtp(builder, &exim, text);
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
    .carry_notes = exim_carry_notes,
};

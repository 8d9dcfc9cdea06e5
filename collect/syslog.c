/* What syslog puts in front of a message. A busy server logs hundreds of lines a second, all from one host:
 * so a stamp whose leading bytes equal the last line's, and a host that does, cost a comparison. */
#include "collect/syslog.h"

#include "collect/untagged.h"
#include "collect/years.h"
#include "collect/timezone.h"

enum {
    TRADITIONAL_BYTES = 16,
    ISO_SECOND_BYTES = 19,
    TAI64N_BYTES = 26,
    SPLOGGER_BYTES = 18,
    EXCHANGE_STAMP_BYTES = 25,
    EPOCH_DIGITS = 10 /* since 2001, until 2286 */
};

usec stamp_time(const struct stamp *stamp, int64_t year)
{
    return clock_days(stamp->year ? stamp->year : year, stamp->month, stamp->day) * USEC_DAY + stamp->of_day -
           stamp->zone;
}

static bool two_digits(const char *at, unsigned *number)
{
    if (!is_digit(at[0]) || !is_digit(at[1]))
        return false;
    *number = (unsigned)(at[0] - '0') * 10 + (unsigned)(at[1] - '0');
    return true;
}

/* "09:07:12" */
static bool cut_time(struct str *rest, usec *of_day)
{
    unsigned hour = 0, minute = 0, second = 0;
    if (rest->len < 8 || rest->at[2] != ':' || rest->at[5] != ':' || !two_digits(rest->at, &hour) ||
        !two_digits(rest->at + 3, &minute) || !two_digits(rest->at + 6, &second) || hour > 23 ||
        minute > 59 || second > 60)
        return false;
    *of_day = hour * USEC_HOUR + minute * USEC_MINUTE + second * USEC_SECOND;
    *rest = str_skip(*rest, 8);
    return true;
}

/* ".057203" or ",057", if it is there: as many digits as there are, of which six count. */
static usec cut_fraction(struct str *rest)
{
    usec fraction = 0, unit = USEC_SECOND / 10;
    size_t i = 1;
    if (rest->len < 2 || (rest->at[0] != '.' && rest->at[0] != ',') || !is_digit(rest->at[1]))
        return 0;
    for (; i < rest->len && is_digit(rest->at[i]); i++, unit /= 10)
        fraction += unit * (rest->at[i] - '0');
    *rest = str_skip(*rest, i);
    return fraction;
}

/* " +0100": Exim's log_timezone puts a blank before it. */
static bool zone_is_apart(struct str rest)
{
    return rest.len >= 6 && rest.at[0] == ' ' && (rest.at[1] == '+' || rest.at[1] == '-') &&
           is_digit(rest.at[2]);
}

/* "Z", "+01:00" or "+0100"; nothing is UTC. */
static bool cut_zone(struct str *rest, usec *zone)
{
    unsigned hours = 0, minutes = 0;
    *zone = 0;
    if (zone_is_apart(*rest))
        *rest = str_skip(*rest, 1);
    if (cut_char(rest, 'Z') || (rest->len && rest->at[0] == ' '))
        return true;
    if (rest->len < 5 || (rest->at[0] != '+' && rest->at[0] != '-') || !two_digits(rest->at + 1, &hours))
        return false;
    size_t colon = rest->at[3] == ':';
    if (rest->len < 5 + colon || !two_digits(rest->at + 3 + colon, &minutes) || hours > 23 || minutes > 59)
        return false;
    *zone = (rest->at[0] == '-' ? -1 : 1) * (hours * USEC_HOUR + minutes * USEC_MINUTE);
    *rest = str_skip(*rest, 5 + colon);
    return true;
}

static unsigned month_number(const char *name)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (unsigned i = 0; i < 12; i++)
        if (memcmp(names + (size_t)i * 3, name, 3) == 0)
            return i + 1;
    return 0;
}

/* "Nov 23 09:07:12 ", "Nov  3 …", "Nov 03 …"; some write the year or a fraction too: "Nov 23 2026 09:07:12.5
 * ". */
static bool cut_traditional(struct str *rest, struct stamp *stamp)
{
    struct str in = *rest;
    if (in.len < TRADITIONAL_BYTES || in.at[3] != ' ' || in.at[6] != ' ' || !is_digit(in.at[5]) ||
        (in.at[4] != ' ' && !is_digit(in.at[4])))
        return false;
    *stamp = (struct stamp){ .month = month_number(in.at) };
    stamp->day = (unsigned)(in.at[4] == ' ' ? 0 : in.at[4] - '0') * 10 + (unsigned)(in.at[5] - '0');
    if (stamp->month == 0 || stamp->day < 1 || stamp->day > 31)
        return false;
    in = str_skip(in, 7);
    unsigned century = 0, year = 0;
    if (in.at[4] == ' ' && two_digits(in.at, &century) && two_digits(in.at + 2, &year)) {
        stamp->year = century * 100 + year;
        in = str_skip(in, 5);
    }
    if (!cut_time(&in, &stamp->of_day))
        return false;
    stamp->of_day += cut_fraction(&in);
    if (!cut_char(&in, ' '))
        return false;
    *rest = in;
    return true;
}

/* "2026-11-23T09:07:12": a blank for the T is usual too. */
static bool cut_iso_second(struct str *rest, struct stamp *stamp)
{
    struct str in = *rest;
    unsigned century = 0, year = 0;
    if (in.len < ISO_SECOND_BYTES || in.at[4] != '-' || in.at[7] != '-' ||
        (in.at[10] != 'T' && in.at[10] != ' ') || !two_digits(in.at, &century) ||
        !two_digits(in.at + 2, &year))
        return false;
    *stamp = (struct stamp){ .year = century * 100 + year };
    if (!two_digits(in.at + 5, &stamp->month) || !two_digits(in.at + 8, &stamp->day) || stamp->month < 1 ||
        stamp->month > 12 || stamp->day < 1 || stamp->day > 31 || stamp->year == 0)
        return false;
    in = str_skip(in, 11);
    if (!cut_time(&in, &stamp->of_day))
        return false;
    *rest = in;
    return true;
}

static bool cut_iso(struct str *rest, struct stamp *stamp)
{
    struct str in = *rest;
    if (!cut_iso_second(&in, stamp))
        return false;
    stamp->of_day += cut_fraction(&in);
    const char *zone = in.at;
    if (!cut_zone(&in, &stamp->zone) || (!cut_char(&in, ' ') && !cut_char(&in, ',')))
        return false;
    stamp->zoned = in.at - zone > 1;
    *rest = in;
    return true;
}

/* "Mon 2026-11-23 09:07:12 CET ". */
static bool cut_weekday_iso(struct str *rest, struct stamp *stamp)
{
    struct str in = *rest, name;
    if (in.len < 4 || in.at[3] != ' ')
        return false;
    in = str_skip(in, 4);
    if (!cut_iso_second(&in, stamp))
        return false;
    stamp->of_day += cut_fraction(&in);
    if (!cut_char(&in, ' ') || !cut_until_char(&in, ' ', &name) || !timezone_by_name(name, &stamp->zone))
        return false;
    stamp->zoned = true;
    *rest = in;
    return true;
}

static bool is_epoch(struct str text)
{
    size_t i = 0;
    while (i < EPOCH_DIGITS && i < text.len && is_digit(text.at[i]))
        i++;
    return i == EPOCH_DIGITS;
}

/* "1795424832 ", "1795424832.057203 ", "1795424832057 ": seconds since 1970, or thousandths of them. */
static bool cut_epoch(struct str *rest, usec *at)
{
    struct str in = *rest;
    uint64_t seconds = 0, thousandths = 0;
    if (!is_epoch(in) || !str_number((struct str){ in.at, EPOCH_DIGITS }, &seconds))
        return false;
    in = str_skip(in, EPOCH_DIGITS);
    if (in.len > 3 && is_digit(in.at[0])) {
        if (!str_number((struct str){ in.at, 3 }, &thousandths))
            return false;
        in = str_skip(in, 3);
    }
    *at = (usec)seconds * USEC_SECOND + (usec)thousandths * 1000 + cut_fraction(&in);
    if (!cut_char(&in, ' '))
        return false;
    *rest = in;
    return true;
}

static bool cut_hex(struct str *rest, size_t digits, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < digits; i++) {
        char c = ascii_lower(rest->at[i]);
        if (!is_digit(c) && (c < 'a' || c > 'f'))
            return false;
        *number = *number << 4 | (uint64_t)(is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    *rest = str_skip(*rest, digits);
    return true;
}

/* "@400000006b0402182bddf524 ": multilog's t. Second 2^62 is ten seconds before 1970 in UTC: daemontools'
 * clocks run so (tai64nlocal.c), whatever leap seconds there were since. */
static bool cut_tai64n(struct str *rest, usec *at)
{
    static const uint64_t zero = ((uint64_t)1 << 62) + 10, most = (uint64_t)1 << 38;
    struct str in = *rest;
    uint64_t seconds = 0, nanoseconds = 0;
    if (in.len < TAI64N_BYTES || !cut_char(&in, '@') || !cut_hex(&in, 16, &seconds) ||
        !cut_hex(&in, 8, &nanoseconds) || !cut_char(&in, ' ') || seconds < zero || seconds - zero > most ||
        nanoseconds >= 1000000000)
        return false;
    *at = (usec)(seconds - zero) * USEC_SECOND + (usec)(nanoseconds / 1000);
    *rest = in;
    return true;
}

struct stamp stamp_of(usec at)
{
    struct stamp stamp = { .of_day = at % USEC_DAY, .zoned = true };
    clock_date(at / USEC_DAY, &stamp.year, &stamp.month, &stamp.day);
    return stamp;
}

static bool cut_counted_stamp(struct str *rest, struct stamp *stamp)
{
    usec at = 0;
    if (!cut_tai64n(rest, &at) && !cut_epoch(rest, &at))
        return false;
    *stamp = stamp_of(at);
    return true;
}

/* What may stand before the stamp: a byte order mark, "<22>"; and "1 ", which says that RFC 5424's header
 * follows. Returns whether it does. */
static bool cut_preamble(struct str *rest)
{
    cut_prefix(rest, STR("\xEF\xBB\xBF"));
    struct str in = *rest;
    uint64_t priority = 0;
    if (cut_char(&in, '<') && cut_number(&in, &priority) && priority < 192 && cut_char(&in, '>'))
        *rest = in;
    return cut_prefix(rest, STR("1 "));
}

bool cut_stamp(struct str *rest, struct stamp *stamp)
{
    struct str in = *rest;
    cut_preamble(&in);
    if (cut_prefix(&in, STR("#Date: "))) /* Exchange's header, when the file was begun */
        return cut_iso_second(&in, stamp) && (stamp->of_day += cut_fraction(&in), cut_char(&in, 'Z'));
    if (!cut_traditional(&in, stamp) && !cut_iso(&in, stamp) && !cut_counted_stamp(&in, stamp) &&
        !cut_weekday_iso(&in, stamp))
        return false;
    *rest = in;
    return true;
}

void syslog_begin(struct syslog *syslog, usec last, int64_t year)
{
    *syslog = (struct syslog){ .last = last, .year = year, .span = WALL_ALWAYS_UTC, .about = USEC_NONE };
}

void syslog_wall(struct syslog *syslog, const struct wall *wall, usec about)
{
    syslog->wall = wall;
    syslog->span = wall ? WALL_UNKNOWN : WALL_ALWAYS_UTC;
    syslog->about = about;
}

static usec time_shown(struct syslog *syslog, usec shown)
{
    if (shown >= syslog->span.from && shown < syslog->span.to)
        return shown - syslog->span.ahead;
    /* `about` is that of the first line, or of the one that follows there. */
    usec last = syslog->last != USEC_NONE ? syslog->last : syslog->about;
    return wall_time(syslog->wall, &syslog->span, shown, last);
}

static usec place(struct syslog *syslog, const struct stamp *stamp)
{
    if (stamp->year || syslog->last == USEC_NONE)
        return time_shown(syslog, stamp_time(stamp, syslog->year));
    return time_shown(syslog, stamp_time(stamp, year_following(stamp, syslog->last)));
}

/* The zone and the blank behind it, which hardly ever change. */
static bool cut_known_zone(struct syslog *syslog, struct str *rest)
{
    if (syslog->zone_len && rest->len >= sizeof syslog->zone_text &&
        memcmp(rest->at, syslog->zone_text, syslog->zone_len) == 0 &&
        (syslog->zone_len > 1 || !zone_is_apart(*rest))) {
        *rest = str_skip(*rest, syslog->zone_len);
        return true;
    }
    struct str in = *rest;
    usec zone = 0;
    if (!cut_zone(&in, &zone) || !cut_char(&in, ' '))
        return false;
    syslog->zone = zone;
    syslog->zone_len = (unsigned char)(in.at - rest->at);
    memcpy(syslog->zone_text, rest->at, syslog->zone_len);
    *rest = in;
    return true;
}

static bool is_known(const struct syslog *syslog, struct str rest, size_t len)
{
    return syslog->stamp_len == len && rest.len >= len && memcmp(rest.at, syslog->stamp, len) == 0;
}

static void remember(struct syslog *syslog, const char *at, size_t len, usec second)
{
    memcpy(syslog->stamp, at, len);
    syslog->stamp_len = (unsigned char)len;
    syslog->second = second;
}

bool syslog_stamp(struct syslog *syslog, struct str *rest, usec *at)
{
    struct str in = *rest;
    struct stamp stamp;
    syslog->dated = false;
    if (in.len && is_alpha(in.at[0])) {
        /* Equal stamps are equal times only while the line before was of about that time: see place(). */
        if (is_known(syslog, in, TRADITIONAL_BYTES) && syslog->second == syslog->last) {
            in = str_skip(in, TRADITIONAL_BYTES);
        } else {
            if (cut_weekday_iso(&in, &stamp)) {
                *at = stamp_time(&stamp, 0);
                *rest = in;
                syslog->dated = true;
                return true;
            }
            if (!cut_traditional(&in, &stamp))
                return false;
            usec time = place(syslog, &stamp);
            size_t len = (size_t)(in.at - rest->at);
            if (len == TRADITIONAL_BYTES)
                remember(syslog, rest->at, len, time);
            *at = time;
            *rest = in;
            return true;
        }
        *at = syslog->second;
    } else if (in.len && in.at[0] == '@') {
        if (!cut_tai64n(&in, at))
            return false;
        syslog->dated = true;
    } else if (in.len > EPOCH_DIGITS && is_digit(in.at[4])) {
        if (!cut_epoch(&in, at))
            return false;
        syslog->dated = true;
    } else {
        if (is_known(syslog, in, ISO_SECOND_BYTES)) {
            in = str_skip(in, ISO_SECOND_BYTES);
        } else {
            const char *from = in.at;
            if (!cut_iso_second(&in, &stamp))
                return false;
            remember(syslog, from, ISO_SECOND_BYTES, stamp_time(&stamp, 0));
        }
        usec fraction = cut_fraction(&in);
        if (!cut_known_zone(syslog, &in))
            return false;
        syslog->dated = syslog->zone_len > 1;
        *at = syslog->second + fraction;
        *at = syslog->dated ? *at - syslog->zone : time_shown(syslog, *at);
    }
    *rest = in;
    return true;
}

static bool cut_host(struct syslog *syslog, struct str *rest, struct str *host)
{
    if (syslog->host_len && rest->len >= syslog->host_len &&
        memcmp(rest->at, syslog->host, syslog->host_len) == 0) {
        *host = (struct str){ rest->at, syslog->host_len - 1u };
        *rest = str_skip(*rest, syslog->host_len);
        return true;
    }
    struct str in = *rest;
    /* FreeBSD's syslogd -v puts "<mail.info>" before the host. */
    if (in.len && in.at[0] == '<' && !cut_until_char(&in, ' ', host))
        return false;
    const char *from = in.at;
    if (!cut_until_char(&in, ' ', host))
        return false;
    if (host->len && (host->at[host->len - 1] == ':')) {
        /* No host: this is the program's tag already. */
        *host = (struct str){ from, 0 };
        return true;
    }
    if (from == rest->at && host->len && host->len < sizeof syslog->host) {
        memcpy(syslog->host, host->at, host->len + 1);
        syslog->host_len = (unsigned char)(host->len + 1);
    }
    *rest = in;
    return true;
}

/* "postfix/smtpd[15649]: text", "kernel: text". Without a tag, all is text. */
static void cut_tag(struct str rest, struct line *line)
{
    line->program = (struct str){ rest.at, 0 };
    line->pid = 0;
    line->text = rest;
    size_t i = 0;
    while (i < rest.len && rest.at[i] != '[' && rest.at[i] != ':' && rest.at[i] != ' ')
        i++;
    if (i == 0 || i == rest.len || rest.at[i] == ' ')
        return;
    struct str in = str_skip(rest, i);
    if (cut_char(&in, '[')) {
        uint64_t pid = 0;
        struct str inside;
        if (cut_number(&in, &pid) && cut_char(&in, ']'))
            line->pid = pid <= UINT32_MAX ? (uint32_t)pid : 0;
        else if (!cut_until_char(&in, ']', &inside))
            return;
        cut_char(&in, ':');
    } else {
        cut_char(&in, ':');
    }
    cut_char(&in, ' ');
    line->program.len = i;
    line->text = in;
}

/* A line without a host: the program is known by its tag, or by its words. */
static void cut_program(struct str rest, struct line *line)
{
    if (untagged_program(rest, &line->program)) {
        line->pid = 0;
        line->text = rest;
    } else {
        cut_tag(rest, line);
    }
}

/* splogger puts a time before what it is given: "qmail: 1795424789.732099 new msg 1287386", and its tag is
 * whatever the site calls it: the line is the program's whose it would be without. */
static void cut_splogger(struct line *line)
{
    struct str in = line->text;
    uint64_t seconds = 0, fraction = 0;
    if (in.len > SPLOGGER_BYTES && in.at[10] == '.' && in.at[17] == ' ' && cut_number(&in, &seconds) &&
        cut_char(&in, '.') && cut_number(&in, &fraction) && cut_char(&in, ' '))
        cut_program(in, line);
}

/* Solaris puts "[ID 197553 mail.info] " before the text. */
static void cut_message_id(struct str *text)
{
    struct str in = *text, inside;
    if (cut_prefix(&in, STR("[ID ")) && cut_until(&in, STR("] "), &inside) && inside.len < 64)
        *text = in;
}

/* RFC 5424 6.3: "-", or elements in brackets, in whose values \" \\ and \] are escaped. */
static bool cut_structured_data(struct str *rest)
{
    struct str in = *rest;
    if (!cut_char(&in, '-')) {
        if (in.len == 0 || in.at[0] != '[')
            return false;
        while (in.len && in.at[0] == '[') {
            bool quoted = false;
            size_t i = 1;
            for (; i < in.len && (quoted || in.at[i] != ']'); i++) {
                if (in.at[i] == '\\' && quoted && i + 1 < in.len)
                    i++;
                else if (in.at[i] == '"')
                    quoted = !quoted;
            }
            if (i >= in.len)
                return false;
            in = str_skip(in, i + 1);
        }
    }
    if (in.len && !cut_char(&in, ' '))
        return false;
    *rest = in;
    return true;
}

/* "mx postfix/smtpd 15649 - [id a="b"] text", RFC 5424 6. "-" stands for what is not known. */
static bool cut_5424(struct str rest, struct line *line)
{
    struct str host, program, process, id;
    uint64_t pid = 0;
    if (!cut_until_char(&rest, ' ', &host) || !cut_until_char(&rest, ' ', &program) ||
        !cut_until_char(&rest, ' ', &process) || !cut_until_char(&rest, ' ', &id) ||
        !cut_structured_data(&rest))
        return false;
    cut_prefix(&rest, STR("\xEF\xBB\xBF"));
    while (cut_char(&rest, ' ')) /* rsyslog leaves the blank that stood after "tag:" */
        ;
    line->host = str_eq(host, STR("-")) ? (struct str){ host.at, 0 } : host;
    line->program = str_eq(program, STR("-")) ? (struct str){ program.at, 0 } : program;
    line->pid = str_number(process, &pid) && pid <= UINT32_MAX ? (uint32_t)pid : 0;
    line->text = rest;
    return true;
}

/* Exchange's logs: a header, "#Fields: date-time,...", and rows, "2026-11-23T09:07:12.057Z,...". */
static bool parse_exchange(struct syslog *syslog, struct str text, struct line *line)
{
    static const struct str headers[] = { STR_INIT("#Software: Microsoft Exchange"), STR_INIT("#Version: "),
                                          STR_INIT("#Log-type: "), STR_INIT("#Date: "),
                                          STR_INIT("#Fields: date-time,") };
    struct stamp stamp;
    bool is_header = false;
    cut_prefix(&text, STR("\xEF\xBB\xBF"));
    for (size_t i = 0; text.len && text.at[0] == '#' && i < sizeof headers / sizeof *headers; i++)
        is_header |= str_starts(text, headers[i]);
    if (!is_header) {
        if (text.len < EXCHANGE_STAMP_BYTES || text.at[EXCHANGE_STAMP_BYTES - 1] != ',' ||
            text.at[10] != 'T' || !cut_iso(&text, &stamp))
            return false;
        syslog->last = stamp_time(&stamp, 0);
    }
    *line = (struct line){ .at = syslog->last,
                           .host = { text.at, 0 },
                           .program = STR("exchange"),
                           .text = text,
                           .input = line->input,
                           .offset = line->offset,
                           .number = line->number };
    return true;
}

void syslog_parse_untimed(struct str text, struct line *line)
{
    line->host = (struct str){ text.at, 0 };
    cut_program(text, line);
}

void syslog_parse_text(struct line *line)
{
    if (line->text.len && line->text.at[0] == '[')
        cut_message_id(&line->text);
    else if (line->text.len && line->pid == 0 && is_digit(line->text.at[0]))
        cut_splogger(line);
}

bool syslog_parse(struct syslog *syslog, struct str text, struct line *line)
{
    struct str rest = text;
    usec at = 0;
    bool is_5424 = false, is_tai64n = text.len && text.at[0] == '@';
    if (parse_exchange(syslog, text, line))
        return true;
    if (rest.len && (rest.at[0] == '<' || rest.at[0] == '1' || rest.at[0] == '\xEF'))
        is_5424 = cut_preamble(&rest);
    struct str stamp = rest;
    if (!syslog_stamp(syslog, &rest, &at))
        return false;
    if (is_5424) {
        if (!cut_5424(rest, line))
            return false;
    } else {
        struct str host = { rest.at, 0 };
        /* tai64nlocal has a blank between date and time, as some syslogs have; then the words decide, as they
         * do behind seconds since 1970. No host begins as Haraka's lines do. */
        bool no_host =
            rest.len && (rest.at[0] == '[' || rest.at[0] == '{' || str_starts(rest, STR("level=")));
        bool plain = is_digit(stamp.at[0]) && (stamp.at[10] == ' ' || is_digit(stamp.at[4]) || no_host) &&
                     untagged_program(rest, &line->program);
        if (!is_tai64n && !plain && !cut_host(syslog, &rest, &host))
            host = (struct str){ rest.at, 0 };
        line->host = host;
        if (plain) { /* the program is known by now */
            line->pid = 0;
            line->text = rest;
        } else if (host.len) {
            cut_tag(rest, line);
        } else {
            cut_program(rest, line);
        }
        if (!is_tai64n && !plain)
            syslog_parse_text(line);
    }
    line->at = at;
    syslog->last = at;
    return true;
}

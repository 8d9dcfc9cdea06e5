/* $SOA, $TIMESTAMP, $MAXRANGE4 and the like (rbldnsd_zones.c, ds_special). */
#include "enrich/zone_directives.h"

/* A number up to 32 bits, with what may stand behind it: blanks or the end. */
static bool cut_uint32(struct str *rest, uint32_t *number)
{
    uint64_t n = 0;
    struct str at = *rest;
    if (!cut_number(&at, &n) || n > UINT32_MAX || (at.len && !is_space(*at.at)))
        return false;
    *number = (uint32_t)n;
    *rest = skip_space(at);
    return true;
}

/* "3600", "1h", "2D": seconds. */
static bool cut_time(struct str *rest, uint32_t *seconds)
{
    static const struct {
        char unit;
        uint32_t seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 7 * 86400 } };
    uint64_t n = 0;
    struct str at = *rest;
    if (!cut_number(&at, &n) || n > UINT32_MAX)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (at.len && ascii_lower(*at.at) == units[i].unit) {
            n *= units[i].seconds;
            at = str_skip(at, 1);
            break;
        }
    }
    if (n > UINT32_MAX || (at.len && !is_space(*at.at)))
        return false;
    *seconds = (uint32_t)n;
    *rest = skip_space(at);
    return true;
}

/* The time that a serial tells: YYYYMMDDnn as RFC 1912 2.2 has it, or seconds since 1970; of this century. */
static usec serial_time(uint32_t serial)
{
    uint32_t day = serial / 100 % 100, month = serial / 10000 % 100, year = serial / 1000000;
    if (year >= 2000 && year < 2100 && month >= 1 && month <= 12 && day >= 1 && day <= 31)
        return clock_days(year, month, day) * USEC_DAY;
    return serial >= 946684800 ? (usec)serial * USEC_SECOND : USEC_NONE;
}

/* ttl origin person serial refresh retry expire minimum; only the first counts */
static bool take_soa(struct directing *d, struct str line)
{
    uint32_t seconds = 0, serial = 0;
    if (!cut_time(&line, &seconds) || cut_word(&line).len == 0 || cut_word(&line).len == 0 ||
        !cut_uint32(&line, &serial))
        return false;
    for (int i = 0; i < 4; i++)
        if (!cut_time(&line, &seconds))
            return false;
    if (d->history->serial == 0 && serial) {
        d->history->serial = serial;
        d->history->serial_stamp = serial_time(serial);
    }
    return line.len == 0;
}

static bool take_ns(struct directing *d, struct str line)
{
    uint32_t ttl = 0;
    (void)d;
    return cut_time(&line, &ttl) && line.len;
}

static bool take_ttl(struct directing *d, struct str line)
{
    uint32_t ttl = 0;
    (void)d;
    return cut_time(&line, &ttl) && line.len == 0;
}

/* The widest range that is taken, "256" addresses or "/24": it can be made less, not more. */
static bool take_maxrange4(struct directing *d, struct str line)
{
    uint32_t n = 0;
    bool prefix = cut_char(&line, '/');
    if (!cut_uint32(&line, &n) || n == 0 || line.len || (prefix && n > 32))
        return false;
    uint64_t most = prefix ? (uint64_t)host4((int)n) + 1 : n;
    if (d->set->most == 0 || most < d->set->most)
        d->set->most = d->file->most = most;
    return true;
}

/* A part of "2026:11:29:07", "2026-11-29" or "20261129": so many digits at most, and a mark behind it. */
static bool cut_part(struct str *rest, unsigned digits, unsigned least, unsigned most, unsigned *number)
{
    unsigned n = 0, i = 0;
    for (; i < digits && i < rest->len && is_digit(rest->at[i]); i++)
        n = n * 10 + (unsigned)(rest->at[i] - '0');
    if (i == 0 || n < least || n > most)
        return false;
    *number = n;
    *rest = str_skip(*rest, i);
    if (rest->len && (*rest->at == ':' || *rest->at == '-'))
        *rest = str_skip(*rest, 1);
    return true;
}

static bool cut_timestamp(struct str *rest, usec *at)
{
    struct str word = cut_word(rest);
    unsigned year = 0, month = 0, day = 0, time[3] = { 0 };
    if (str_eq(word, STR("0")) || str_eq(word, STR("-")) || str_eq(word, STR(":"))) {
        *at = USEC_NONE;
        return true;
    }
    if (!cut_part(&word, 4, 1970, 9999, &year) || !cut_part(&word, 2, 1, 12, &month) ||
        !cut_part(&word, 2, 1, 31, &day))
        return false;
    for (unsigned i = 0; i < 3 && word.len; i++)
        if (!cut_part(&word, 2, 0, i ? 59 : 23, &time[i]))
            return false;
    *at = clock_days(year, month, day) * USEC_DAY + time[0] * USEC_HOUR + time[1] * USEC_MINUTE +
          time[2] * USEC_SECOND;
    return word.len == 0;
}

/* when it was made, and until when it may be used: a time or "+2d" */
static bool take_timestamp(struct directing *d, struct str line)
{
    usec stamp = USEC_NONE, expires = USEC_NONE;
    uint32_t seconds = 0;
    if (!cut_timestamp(&line, &stamp))
        return false;
    if (cut_char(&line, '+')) {
        if (stamp == USEC_NONE || !cut_time(&line, &seconds) || seconds == 0)
            return false;
        expires = stamp + seconds * USEC_SECOND;
    } else if (line.len && !cut_timestamp(&line, &expires)) {
        return false;
    }
    if (line.len)
        return false;
    struct zone_history *history = d->history;
    if (stamp != USEC_NONE && (history->stamp == USEC_NONE || stamp > history->stamp))
        history->stamp = stamp;
    if (expires != USEC_NONE && (history->expires == USEC_NONE || expires < history->expires))
        history->expires = expires;
    return true;
}

static const struct {
    struct str name;
    bool (*take)(struct directing *d, struct str line);
} directives[] = {
    { STR_INIT("SOA"), take_soa },
    { STR_INIT("NS"), take_ns },
    { STR_INIT("NAMESERVER"), take_ns },
    { STR_INIT("TTL"), take_ttl },
    { STR_INIT("MAXRANGE4"), take_maxrange4 },
    { STR_INIT("TIMESTAMP"), take_timestamp },
};

/* "1 text": what stands for $1; the first that is given counts. */
static bool take_substitute(struct directing *d, char name, struct str text)
{
    struct str *put = &d->set->put[name == '=' ? SUBSTITUTE_BASE : name - '0'];
    if (text.len && !put->at)
        *put = arena_str(d->arena, text);
    return text.len > 0;
}

enum directive_is directive_take(struct directing *directing, struct str line, struct str *rest)
{
    struct str name = cut_word(&line);
    if (name.len == 1 && (is_digit(*name.at) || *name.at == '='))
        return take_substitute(directing, *name.at, line) ? DIRECTIVE_TAKEN : DIRECTIVE_BAD;
    *rest = line;
    if (str_eq_nocase(name, STR("DATASET")))
        return DIRECTIVE_DATASET;
    for (size_t i = 0; i < sizeof directives / sizeof *directives; i++)
        if (str_eq_nocase(name, directives[i].name))
            return directives[i].take(directing, line) ? DIRECTIVE_TAKEN : DIRECTIVE_BAD;
    return DIRECTIVE_BAD;
}

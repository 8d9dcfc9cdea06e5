/* Times and durations. */
#define _GNU_SOURCE
#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static usec read_clock(clockid_t id)
{
    struct timespec at = { 0 };
    clock_gettime(id, &at);
    return at.tv_sec * USEC_SECOND + at.tv_nsec / 1000;
}

usec clock_now(void)
{
    return read_clock(CLOCK_REALTIME);
}

usec clock_steady(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

/* Howard Hinnant's way of counting days: years begin in March, so the leap day is the last. */
int64_t clock_days(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void clock_date(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * of_year + 2) / 153;
    *day = (unsigned)(of_year - (153 * m + 2) / 5 + 1);
    *month = (unsigned)(m < 10 ? m + 3 : m - 9);
    *year = y + era * 400 + (*month <= 2);
}

unsigned clock_format(usec at, char text[CLOCK_TEXT_BYTES])
{
    int64_t day = at / USEC_DAY - (at % USEC_DAY < 0), year = 0;
    unsigned month = 0, date = 0;
    usec left = at - day * USEC_DAY;
    clock_date(day, &year, &month, &date);
    return (unsigned)snprintf(
        text, CLOCK_TEXT_BYTES,
        "%04" PRId64 "-%02u-%02uT%02" PRId64 ":%02" PRId64 ":%02" PRId64 ".%06" PRId64 "Z", year, month, date,
        left / USEC_HOUR, left / USEC_MINUTE % 60, left / USEC_SECOND % 60, left % USEC_SECOND);
}

/* Exactly `digits` digits. */
static bool cut_digits(struct str *rest, unsigned digits, unsigned *number)
{
    if (rest->len < digits)
        return false;
    unsigned n = 0;
    for (unsigned i = 0; i < digits; i++) {
        if (!is_digit(rest->at[i]))
            return false;
        n = n * 10 + (unsigned)(rest->at[i] - '0');
    }
    *number = n;
    *rest = str_skip(*rest, digits);
    return true;
}

/* ".057203": as many digits as there are, of which six count. */
static usec cut_fraction(struct str *rest)
{
    usec fraction = 0, unit = USEC_SECOND / 10;
    while (rest->len && is_digit(rest->at[0])) {
        fraction += unit * (rest->at[0] - '0');
        unit /= 10;
        *rest = str_skip(*rest, 1);
    }
    return fraction;
}

static bool cut_zone(struct str *rest, usec *offset)
{
    *offset = 0;
    if (rest->len == 0 || cut_char(rest, 'Z'))
        return true;
    bool west = cut_char(rest, '-');
    if (!west && !cut_char(rest, '+'))
        return false;
    unsigned hours = 0, minutes = 0;
    if (!cut_digits(rest, 2, &hours))
        return false;
    cut_char(rest, ':');
    if (rest->len && !cut_digits(rest, 2, &minutes))
        return false;
    *offset = (west ? -1 : 1) * (hours * USEC_HOUR + minutes * USEC_MINUTE);
    return true;
}

/* Whether the month has such a day. */
static bool is_date(int64_t year, unsigned month, unsigned day)
{
    int64_t y = 0;
    unsigned m = 0, d = 0;
    if (month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    clock_date(clock_days(year, month, day), &y, &m, &d);
    return m == month;
}

bool clock_parse(struct str text, usec *at)
{
    unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
    usec fraction = 0, offset = 0;
    if (!cut_digits(&text, 4, &year) || !cut_char(&text, '-') || !cut_digits(&text, 2, &month) ||
        !cut_char(&text, '-') || !cut_digits(&text, 2, &day) || !is_date(year, month, day))
        return false;
    if (cut_char(&text, 'T') || cut_char(&text, ' ')) {
        if (!cut_digits(&text, 2, &hour) || !cut_char(&text, ':') || !cut_digits(&text, 2, &minute))
            return false;
        if (cut_char(&text, ':') && !cut_digits(&text, 2, &second))
            return false;
        if (cut_char(&text, '.'))
            fraction = cut_fraction(&text);
    }
    if (hour > 23 || minute > 59 || second > 60 || !cut_zone(&text, &offset) || text.len)
        return false;
    *at = clock_days(year, month, day) * USEC_DAY + hour * USEC_HOUR + minute * USEC_MINUTE +
          second * USEC_SECOND + fraction - offset;
    return true;
}

static const struct unit {
    struct str name;
    usec length;
} units[] = {
    { STR_INIT("w"), 7 * USEC_DAY }, { STR_INIT("d"), USEC_DAY },    { STR_INIT("h"), USEC_HOUR },
    { STR_INIT("ms"), 1000 },        { STR_INIT("m"), USEC_MINUTE }, { STR_INIT("s"), USEC_SECOND },
};

bool duration_parse(struct str text, usec *length)
{
    usec all = 0;
    if (text.len == 0)
        return false;
    while (text.len) {
        uint64_t whole = 0;
        usec fraction = 0, part = 0;
        if (!cut_number(&text, &whole) || whole > INT64_MAX)
            return false;
        if (cut_char(&text, '.'))
            fraction = cut_fraction(&text);
        const struct unit *unit = NULL;
        for (size_t i = 0; i < sizeof units / sizeof *units && !unit; i++)
            if (cut_prefix(&text, units[i].name))
                unit = &units[i];
        if (!unit && !(text.len == 0 && whole == 0 && fraction == 0))
            return false; /* a number needs a unit, zero does not */
        usec factor = unit ? unit->length : 0;
        if (__builtin_mul_overflow((usec)whole, factor, &part) || __builtin_add_overflow(all, part, &all))
            return false;
        all += (usec)((double)fraction / (double)USEC_SECOND * (double)factor + 0.5);
    }
    *length = all;
    return true;
}

unsigned duration_format(usec length, char text[CLOCK_TEXT_BYTES])
{
    static const struct unit down[] = { { STR_INIT("d"), USEC_DAY },
                                        { STR_INIT("h"), USEC_HOUR },
                                        { STR_INIT("m"), USEC_MINUTE },
                                        { STR_INIT("s"), USEC_SECOND },
                                        { STR_INIT("ms"), 1000 } };
    unsigned n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof down / sizeof *down; i++) {
        usec whole = length / down[i].length;
        length %= down[i].length;
        if (whole && n < CLOCK_TEXT_BYTES)
            n += (unsigned)snprintf(text + n, CLOCK_TEXT_BYTES - n, "%" PRId64 "%s", whole, down[i].name.at);
    }
    return n ? n : (unsigned)snprintf(text, CLOCK_TEXT_BYTES, "0s");
}

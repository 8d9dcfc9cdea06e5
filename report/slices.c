/* Time for people. A time axis takes the finest step of calendar time whose labels do not touch; the larger
 * unit (the day of hours, the month of days, the year of months) stands in a second line where it changes. */
#include "report/slices.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *const slice_kind_name[SLICE_KINDS] = {
    [SLICED_HOUR] = "hour",   [SLICED_DAY] = "day",      [SLICED_WEEK] = "week",
    [SLICED_MONTH] = "month", [SLICED_WHOLE] = "period",
};

static const char *const month_name[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

struct date {
    int64_t days, year;
    unsigned month, day, hour, minute;
};

static struct date date_of(usec at)
{
    struct date date = { .days = at / USEC_DAY - (at % USEC_DAY < 0) };
    usec left = at - date.days * USEC_DAY;
    clock_date(date.days, &date.year, &date.month, &date.day);
    date.hour = (unsigned)(left / USEC_HOUR);
    date.minute = (unsigned)(left / USEC_MINUTE % 60);
    return date;
}

enum slice_kind slices_kind(const struct tally *tally)
{
    if (tally->slice_count == 0)
        return SLICED_WHOLE;
    usec length = tally->slices[0].to - tally->slices[0].from;
    return length <= USEC_HOUR      ? SLICED_HOUR
           : length <= USEC_DAY     ? SLICED_DAY
           : length <= 7 * USEC_DAY ? SLICED_WEEK
                                    : SLICED_MONTH;
}

void slice_text(usec from, enum slice_kind kind, char text[PERIOD_TEXT_BYTES])
{
    struct date date = date_of(from);
    int len = snprintf(text, PERIOD_TEXT_BYTES, "%04" PRId64 "-%02u", date.year, date.month);
    if (kind != SLICED_MONTH)
        len += snprintf(text + len, PERIOD_TEXT_BYTES - (size_t)len, "-%02u", date.day);
    if (kind == SLICED_HOUR)
        snprintf(text + len, PERIOD_TEXT_BYTES - (size_t)len, " %02u:%02u", date.hour, date.minute);
}

void period_text(usec from, usec to, char text[PERIOD_TEXT_BYTES])
{
    if (from == USEC_NONE || to == USEC_NONE) {
        snprintf(text, PERIOD_TEXT_BYTES, "no time");
        return;
    }
    char begin[PERIOD_TEXT_BYTES], end[PERIOD_TEXT_BYTES];
    slice_text(from, SLICED_DAY, begin);
    slice_text(to, SLICED_DAY, end);
    struct date first = date_of(from), last = date_of(to);
    if (first.days == last.days)
        snprintf(text, PERIOD_TEXT_BYTES, "%.20s, %02u:%02u to %02u:%02u", begin, first.hour, first.minute,
                 last.hour, last.minute);
    else
        snprintf(text, PERIOD_TEXT_BYTES, "%.20s to %.20s", begin, end);
}

/* Steps between labels, from fine to coarse. */
enum step_unit { STEP_HOURS, STEP_DAYS, STEP_DAYS_OF_MONTH, STEP_MONDAYS, STEP_MONTHS, STEP_YEARS };

static const struct step {
    enum step_unit unit;
    unsigned every;
} steps[] = {
    { STEP_HOURS, 1 },         { STEP_HOURS, 2 },   { STEP_HOURS, 3 },          { STEP_HOURS, 4 },
    { STEP_HOURS, 6 },         { STEP_HOURS, 12 },  { STEP_DAYS, 1 },           { STEP_DAYS_OF_MONTH, 2 },
    { STEP_DAYS_OF_MONTH, 5 }, { STEP_MONDAYS, 1 }, { STEP_DAYS_OF_MONTH, 10 }, { STEP_MONTHS, 1 },
    { STEP_MONTHS, 2 },        { STEP_MONTHS, 3 },  { STEP_MONTHS, 6 },         { STEP_YEARS, 1 },
    { STEP_YEARS, 2 },         { STEP_YEARS, 5 },   { STEP_YEARS, 10 },         { STEP_YEARS, 100 },
};

/* The finest step that makes sense for slices of a kind. */
static enum step_unit finest(enum slice_kind kind)
{
    return kind == SLICED_HOUR   ? STEP_HOURS
           : kind == SLICED_DAY  ? STEP_DAYS
           : kind == SLICED_WEEK ? STEP_MONDAYS
                                 : STEP_MONTHS;
}

/* Which step of the kind a time is in, counted from any beginning; *begins: it is the first moment of it. */
static int64_t step_of(const struct step *step, usec at, bool *begins)
{
    struct date date = date_of(at);
    bool midnight = at == date.days * USEC_DAY;
    int64_t every = step->every, hours = date.days * 24 + date.hour, months = date.year * 12 + date.month - 1;
    switch (step->unit) {
    case STEP_HOURS:
        *begins = date.hour % every == 0 && date.minute == 0;
        return hours / every - (hours % every < 0);
    case STEP_DAYS:
        *begins = midnight;
        return date.days;
    case STEP_DAYS_OF_MONTH: { /* odd days, or 1 5 10 …: the last one that would crowd the next month's first
                                  is left out */
        int64_t most = every == 2 ? 14 : 30 / every - 1,
                of_month = every == 2 ? (date.day - 1) / 2 : date.day / every;
        *begins = midnight && (date.day == 1 || (every == 2 ? date.day % 2 == 1 : date.day % every == 0));
        return months * 16 + (of_month < most ? of_month : most);
    }
    case STEP_MONDAYS: /* 1970-01-05 was a Monday */
        *begins = midnight && (date.days - 4) % 7 == 0;
        return (date.days - 4) / 7 - ((date.days - 4) % 7 < 0);
    case STEP_MONTHS:
        *begins = midnight && date.day == 1 && (date.month - 1) % every == 0;
        return months / every;
    case STEP_YEARS:
        *begins = midnight && date.day == 1 && date.month == 1 && date.year % every == 0;
        return date.year / every;
    }
    return 0;
}

static void label(const struct step *step, usec at, const struct tick *before, usec before_at,
                  struct tick *tick)
{
    struct date date = date_of(at), last = before ? date_of(before_at) : (struct date){ 0 };
    bool new_year = !before || last.year != date.year, new_month = new_year || last.month != date.month;
    bool new_day = new_month || last.day != date.day;
    tick->below[0] = '\0';
    switch (step->unit) {
    case STEP_HOURS:
        snprintf(tick->top, sizeof tick->top, "%02u:00", date.hour % 100);
        if (new_year)
            snprintf(tick->below, sizeof tick->below, "%u %s %04d", date.day, month_name[date.month - 1],
                     (int)date.year);
        else if (new_day)
            snprintf(tick->below, sizeof tick->below, "%u %s", date.day, month_name[date.month - 1]);
        return;
    case STEP_DAYS:
    case STEP_DAYS_OF_MONTH:
    case STEP_MONDAYS:
        snprintf(tick->top, sizeof tick->top, "%u", date.day % 100);
        if (new_year)
            snprintf(tick->below, sizeof tick->below, "%s %04d", month_name[date.month - 1], (int)date.year);
        else if (new_month)
            snprintf(tick->below, sizeof tick->below, "%s", month_name[date.month - 1]);
        return;
    case STEP_MONTHS:
        snprintf(tick->top, sizeof tick->top, "%s", month_name[date.month - 1]);
        if (new_year)
            snprintf(tick->below, sizeof tick->below, "%04d", (int)date.year);
        return;
    case STEP_YEARS:
        snprintf(tick->top, sizeof tick->top, "%d", (int)(date.year % 100000));
        return;
    }
}

struct axis {
    const usec *from;
    size_t count;
    double slot; /* characters a slice */
};

/* All labels of one step; returns their number, or 0 where two would touch. */
static size_t try_step(const struct axis *axis, const struct step *step, struct tick *ticks)
{
    size_t n = 0;
    int64_t last_step = 0;
    for (size_t i = 0; i < axis->count; i++) {
        bool begins = false;
        int64_t now = step_of(step, axis->from[i], &begins);
        bool is_tick = i ? now != last_step : begins;
        last_step = now;
        if (!is_tick)
            continue;
        struct tick *before = n ? &ticks[n - 1] : NULL;
        ticks[n] = (struct tick){ .at = i };
        label(step, axis->from[i], before, before ? axis->from[before->at] : 0, &ticks[n]);
        double apart = before ? axis->slot * (double)(i - before->at) : 0;
        if (before && apart < ((double)strlen(before->top) + (double)strlen(ticks[n].top)) / 2 + 1.5)
            return 0;
        n++;
    }
    return n;
}

/* The second line. Where two would touch, the second goes; but the first one of an axis goes for a new year.
 */
static void thin_below(const struct axis *axis, struct tick *ticks, size_t count)
{
    struct tick *last = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!ticks[i].below[0])
            continue;
        double apart = last ? axis->slot * (double)(ticks[i].at - last->at) : 0;
        if (!last || apart >= ((double)strlen(last->below) + (double)strlen(ticks[i].below)) / 2 + 1.5) {
            last = &ticks[i];
        } else if (last == ticks && strlen(ticks[i].below) >= strlen(last->below)) {
            last->below[0] = '\0';
            last = &ticks[i];
        } else {
            ticks[i].below[0] = '\0';
        }
    }
}

size_t slices_ticks(const usec *from, size_t count, enum slice_kind kind, size_t width, struct arena *arena,
                    struct tick **ticks)
{
    *ticks = NULL;
    if (count == 0 || kind == SLICED_WHOLE)
        return 0;
    struct axis axis = { from, count, (double)width / (double)count };
    *ticks = arena_zero(arena, count * sizeof **ticks);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (steps[i].unit < finest(kind))
            continue;
        size_t n = try_step(&axis, &steps[i], *ticks);
        if (n) {
            thin_below(&axis, *ticks, n);
            return n;
        }
    }
    /* Between two steps of calendar time, or too narrow for two labels: the first slice alone. */
    const struct step fine = { finest(kind), 1 };
    (*ticks)[0] = (struct tick){ .at = 0 };
    label(&fine, from[0], NULL, 0, &(*ticks)[0]);
    return 1;
}

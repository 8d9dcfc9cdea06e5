/* Periods by their names. */
#include "cli/span.h"

#include <inttypes.h>
#include <sysexits.h>

static const char *const month_names[] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December",
};

bool span_is_given(const struct span_words *words)
{
    return words->month || words->week || words->day || words->last;
}

/* When the clock shows the midnight with which a day begins. */
static usec midnight(const struct wall *wall, int64_t day)
{
    struct wall_span unused = WALL_UNKNOWN;
    return wall ? wall_time(wall, &unused, day * USEC_DAY, USEC_NONE) : day * USEC_DAY;
}

static void set_days(struct span *span, const struct wall *wall, int64_t before, int64_t from, int64_t to)
{
    span->before_from = midnight(wall, before);
    span->before_to = span->from = midnight(wall, from);
    span->to = midnight(wall, to);
}

/* ---- Months. */

static struct str month_title(struct arena *arena, int64_t months)
{
    return arena_printf(arena, "%s %" PRId64, month_names[months % 12], months / 12);
}

static int64_t month_day(int64_t months)
{
    return clock_days(months / 12, (unsigned)(months % 12) + 1, 1);
}

/* "2026-10" */
static int read_month(struct span *span, const char *text, const struct wall *wall, struct arena *arena,
                      struct why *why)
{
    struct str rest = str_of(text);
    uint64_t year = 0, month = 0;
    bool form =
        rest.len == 7 && cut_number(&rest, &year) && cut_char(&rest, '-') && cut_number(&rest, &month);
    if (!form || rest.len || month < 1 || month > 12 || year < 1)
        return why_set(why, EX_USAGE, "--month: \"%s\" is not a month; write 2026-10", text);
    int64_t months = (int64_t)(year * 12 + month - 1);
    set_days(span, wall, month_day(months - 1), month_day(months), month_day(months + 1));
    span->title = month_title(arena, months);
    span->before = month_title(arena, months - 1);
    return 0;
}

/* ---- Days and weeks. */

/* "2026-11-23" */
static bool read_date(const char *text, int64_t *day)
{
    struct str rest = str_of(text);
    uint64_t year = 0, month = 0, date = 0;
    int64_t back_year = 0;
    unsigned back_month = 0, back_date = 0;
    bool form = rest.len == 10 && cut_number(&rest, &year) && cut_char(&rest, '-') &&
                cut_number(&rest, &month) && cut_char(&rest, '-') && cut_number(&rest, &date);
    if (!form || rest.len || month < 1 || month > 12 || date < 1 || date > 31)
        return false;
    *day = clock_days((int64_t)year, (unsigned)month, (unsigned)date);
    clock_date(*day, &back_year, &back_month, &back_date);
    return back_date == date; /* there is no 30 February */
}

static struct str day_title(struct arena *arena, int64_t day)
{
    int64_t year = 0;
    unsigned month = 0, date = 0;
    clock_date(day, &year, &month, &date);
    return arena_printf(arena, "%u %s %" PRId64, date, month_names[month - 1], year);
}

static int read_day(struct span *span, const char *text, const struct wall *wall, struct arena *arena,
                    struct why *why)
{
    int64_t day = 0;
    if (!read_date(text, &day))
        return why_set(why, EX_USAGE, "--day: \"%s\" is not a day; write 2026-11-23", text);
    set_days(span, wall, day - 1, day, day + 1);
    span->title = day_title(arena, day);
    span->before = STR("the day before");
    return 0;
}

/* The Monday of an ISO 8601 week; the first one has 4 January. */
static int64_t week_monday(int64_t year, int64_t week)
{
    int64_t fourth = clock_days(year, 1, 4), monday = fourth - ((fourth + 3) % 7 + 7) % 7;
    return monday + (week - 1) * 7;
}

/* "2026-W47", or a day of it. */
static int read_week(struct span *span, const char *text, const struct wall *wall, struct arena *arena,
                     struct why *why)
{
    struct str rest = str_of(text);
    uint64_t year = 0, week = 0;
    int64_t monday = 0;
    bool form = cut_number(&rest, &year) && cut_prefix(&rest, STR("-W")) && cut_number(&rest, &week) &&
                rest.len == 0 && week >= 1 && week <= 53 && year < 10000;
    if (form) {
        monday = week_monday((int64_t)year, (int64_t)week);
        form = week < 53 || monday < week_monday((int64_t)year + 1, 1);
    } else if (read_date(text, &monday)) {
        monday -= ((monday + 3) % 7 + 7) % 7;
        form = true;
    }
    if (!form)
        return why_set(why, EX_USAGE,
                       "--week: \"%s\" is not a week; write 2026-W47, or a day of it: 2026-11-23", text);
    set_days(span, wall, monday - 7, monday, monday + 7);
    span->title = arena_printf(arena, "Week from %.*s", STR_ARG(day_title(arena, monday)));
    span->before = STR("the week before");
    return 0;
}

/* ---- Any. */

static void find_before(struct span *span)
{
    if (span->from == USEC_NONE || span->to == USEC_NONE)
        return;
    span->before_to = span->from;
    span->before_from = span->from - (span->to - span->from);
    span->before = STR("the same time before");
}

int span_read(struct span *span, const struct span_words *words, const struct wall *wall, usec end,
              struct arena *arena, struct why *why)
{
    int given = (words->month != NULL) + (words->week != NULL) + (words->day != NULL) + (words->last != 0);
    bool open = span->from == USEC_NONE && span->to == USEC_NONE;
    span->before_from = span->before_to = USEC_NONE;
    span->title = span->before = (struct str){ NULL, 0 };
    if (given > 1 || (given && !open))
        return why_set(why, EX_USAGE, "one period: --month, --week, --day, --last, or --from and --to");
    if (words->month)
        return read_month(span, words->month, wall, arena, why);
    if (words->week)
        return read_week(span, words->week, wall, arena, why);
    if (words->day)
        return read_day(span, words->day, wall, arena, why);
    if (words->last && end != USEC_NONE) {
        span->to = end + 1;
        span->from = span->to - words->last;
    }
    find_before(span);
    return 0;
}

/* Who could not wait, and who was made to: early talkers, and greylisting. */
#define _GNU_SOURCE
#include "report/views.h"

#include <inttypes.h>
#include "report/charts.h"
#include "report/words.h"

/* What the kinds of earliness_seconds and wait_minutes are called. */
static const char *const earliness_name[EARLINESS] = {
    "under 0.1 s", "to 0.5 s", "to 1 s", "to 2 s", "to 3 s", "to 5 s", "to 10 s", "to 30 s", "later",
};
static const char *const wait_name[WAITS] = {
    "under 5 min", "to 10 min", "to 15 min", "to 30 min", "to 1 h",
    "to 2 h",      "to 4 h",    "to 8 h",    "to 1 day",  "longer",
};

static const struct grid_column kind_columns[] = {
    { "kind", STR_INIT("After"), GRID_TEXT, EVERYWHERE },
    { "count", STR_INIT("Count"), GRID_NUMBER, EVERYWHERE },
    { "percent", STR_INIT("Percent"), GRID_NUMBER, EVERYWHERE },
};

static void put_kinds(struct grid *grid, const struct chart_column *columns, size_t count, uint64_t all)
{
    for (size_t i = 0; i < count; i++) {
        grid_row(grid);
        grid_text(grid, columns[i].name);
        grid_count(grid, columns[i].value);
        grid_percent(grid, columns[i].value, all);
    }
}

/* ---- Early talkers. */

static uint64_t early_talkers(const struct census *census)
{
    uint64_t sum = census->early_unknown;
    for (size_t i = 0; i < EARLINESS; i++)
        sum += census->early[i];
    return sum;
}

static bool has_early(const struct report *report)
{
    const struct period *period = report->month->period;
    return period->has_census && early_talkers(&period->census) > 0;
}

static void make_early(const struct report *report, struct section *section)
{
    const struct census *census = &report->month->period->census;
    struct arena *arena = report->arena;
    struct chart_column columns[EARLINESS];
    uint64_t all = early_talkers(census), timed = all - census->early_unknown;
    section_say(section, FOR_PEOPLE,
                arena_printf(arena,
                             "%.*s %s before the server had greeted them, of %.*s of which it is known.",
                             STR_ARG(grouped(arena, all)), all == 1 ? "session spoke" : "sessions spoke",
                             STR_ARG(grouped(arena, census->early_asked))));
    if (census->early_unknown)
        section_say(section, FOR_PEOPLE,
                    arena_printf(arena, "When, the record does not tell of %.*s.",
                                 STR_ARG(grouped(arena, census->early_unknown))));
    if (timed == 0)
        return;
    for (size_t i = 0; i < EARLINESS; i++)
        columns[i] = (struct chart_column){ .name = str_of(earliness_name[i]),
                                            .value = census->early[i],
                                            .rgb = palette_of(STR("early-talker")).rgb };
    section_chart(section, columns_chart("early", STR("How long after connecting early talkers spoke"),
                                         month_title(report->month, arena), STR("sessions"), columns,
                                         EARLINESS, arena));
    struct grid *grid = section_grid(section, "early", EVERYWHERE, kind_columns, 3);
    grid->folded = true;
    grid->caption = STR("The numbers");
    put_kinds(grid, columns, EARLINESS, timed);
}

const struct view view_early = { "early", "Early talkers", WANT_CENSUS, has_early, make_early };

/* ---- Greylisting. */

static bool has_greylist(const struct report *report)
{
    const struct period *period = report->month->period;
    return period->has_census && period->census.put_off.is_asked;
}

static const struct grid_column fate_columns[] = {
    { "what", STR_INIT("Put off at first, and"), GRID_TEXT, EVERYWHERE },
    { "count", STR_INIT("Count"), GRID_NUMBER, EVERYWHERE },
    { "percent", STR_INIT("Percent"), GRID_NUMBER, EVERYWHERE },
    { "share", STR_INIT(""), GRID_BAR, IN_PAGE },
};

static void put_fate(struct grid *grid, const char *what, uint64_t count, uint64_t all)
{
    grid_row_of(grid, STR("greylist"), palette_of(STR("greylist")).rgb);
    grid_text(grid, str_of(what));
    grid_count(grid, count);
    grid_percent(grid, count, all);
    grid_bar(grid, count, count, all);
}

static void make_greylist(const struct report *report, struct section *section)
{
    const struct put_off *put_off = &report->month->period->census.put_off;
    struct arena *arena = report->arena;
    struct chart_column columns[WAITS];
    section_say(section, FOR_PEOPLE,
                arena_printf(arena, "%.*s %s put off at first.", STR_ARG(grouped(arena, put_off->all)),
                             report->month->policy ? put_off->all == 1 ? "delivery would surely be"
                                                                       : "deliveries would surely be"
                             : put_off->all == 1   ? "delivery was"
                                                   : "deliveries were"));
    struct grid *grid = section_grid(section, "greylist", EVERYWHERE, fate_columns,
                                     sizeof fate_columns / sizeof *fate_columns);
    put_fate(grid, "came back and were accepted", put_off->accepted, put_off->all);
    put_fate(grid, "came back, and were not accepted", put_off->back - put_off->accepted, put_off->all);
    put_fate(grid, "never came back", put_off->never, put_off->all);
    if (put_off->open)
        put_fate(grid, "may still come: the record ends", put_off->open, put_off->all);
    if (put_off->unseen)
        put_fate(grid, "not known: the server had taken or refused them at once", put_off->unseen,
                 put_off->all);
    if (put_off->accepted == 0)
        return;
    char median[NUMBER_BYTES], ninety[NUMBER_BYTES], most[NUMBER_BYTES];
    section_say(
        section, FOR_PEOPLE,
        arena_printf(
            arena,
            "Half of those accepted were late by no more than %s minutes, 90 %% by %s and 99 %% by %s.",
            number_text(put_off->median, 1, median), number_text(put_off->ninety, 1, ninety),
            number_text(put_off->ninety_nine, 1, most)));
    for (size_t i = 0; i < WAITS; i++)
        columns[i] = (struct chart_column){ .name = str_of(wait_name[i]),
                                            .value = put_off->by_wait[i],
                                            .rgb = palette_of(STR("greylist")).rgb };
    section_chart(section,
                  columns_chart("waits", STR("How late greylisted mail came"),
                                month_title(report->month, arena), STR("deliveries"), columns, WAITS, arena));
    struct grid *waits = section_grid(section, "waits", EVERYWHERE, kind_columns, 3);
    waits->folded = true;
    waits->caption = STR("The numbers");
    put_kinds(waits, columns, WAITS, put_off->accepted);
}

const struct view view_greylist = { "greylist", "Greylisting", WANT_CENSUS, has_greylist, make_greylist };

/* The talk's two graphs, the numbers behind them, and the hours of the week. */
#define _GNU_SOURCE
#include "report/views.h"

#include <inttypes.h>
#include <stdlib.h>
#include "report/charts.h"
#include "report/plot.h"
#include "report/replay_table.h"
#include "report/slices.h"

/* A report's text is not coloured, and the bars are letters. */
static void put_graph(const struct report *report, struct section *section, enum graph graph)
{
    struct text_graph how = { .graph = graph, .width = 78 };
    struct chart *chart = plot_chart(report->tally, graph, report->arena);
    char *text = NULL;
    size_t len = 0;
    struct why unused;
    chart->values = "days";
    section_chart(section, chart);
    FILE *to = open_memstream(&text, &len);
    if (!to)
        return;
    text_graph_print(report->tally, &how, to, &unused);
    fclose(to);
    section_verbatim(section, IN_TEXT, arena_str(report->arena, (struct str){ text, len }));
    free(text);
}

static void make_counts(const struct report *report, struct section *section)
{
    put_graph(report, section, GRAPH_COUNTS);
}

static void make_percent(const struct report *report, struct section *section)
{
    put_graph(report, section, GRAPH_PERCENT);
}

const struct view view_counts = { "counts", "Counts", 0, NULL, make_counts };
const struct view view_percent = { "percent", "Shares", 0, NULL, make_percent };

/* ---- In numbers: a row a slice for people, a line a slice and row for machines. */

static bool has_slices(const struct report *report)
{
    return report->tally->slice_count > 0;
}

static const struct grid_column series_columns[] = {
    { "slice", { NULL, 0 }, GRID_TEXT, IN_DATA }, { "measure", { NULL, 0 }, GRID_TEXT, IN_DATA },
    { "title", { NULL, 0 }, GRID_TEXT, IN_DATA }, { "count", { NULL, 0 }, GRID_NUMBER, IN_DATA },
    { "low", { NULL, 0 }, GRID_NUMBER, IN_DATA }, { "high", { NULL, 0 }, GRID_NUMBER, IN_DATA },
    { "basis", { NULL, 0 }, GRID_TEXT, IN_DATA },
};

static void put_series(const struct report *report, struct section *section)
{
    const struct tally *tally = report->tally;
    struct grid *grid = section_grid(section, "series", IN_DATA, series_columns,
                                     sizeof series_columns / sizeof *series_columns);
    char text[PERIOD_TEXT_BYTES];
    for (size_t s = 0; s < tally->slice_count; s++)
        for (size_t i = 0; i < tally->row_count; i++) {
            const struct slice *slice = &tally->slices[s];
            slice_text(slice->from, slices_kind(tally), text);
            grid_row(grid);
            grid_text(grid, arena_str(report->arena, str_of(text)));
            grid_text(grid, tally->rows[i].name);
            grid_text(grid, tally->rows[i].title);
            grid_count(grid, slice->count[i]);
            grid_count(grid, slice->low[i]);
            grid_count(grid, slice->high[i]);
            grid_text(
                grid,
                str_of(basis_name[slice->low[i] == slice->high[i] ? BASIS_EXACT : tally->rows[i].basis]));
        }
}

static void put_days(const struct report *report, struct section *section)
{
    const struct tally *tally = report->tally;
    enum slice_kind kind = slices_kind(tally);
    struct grid_column *columns = arena_zero(report->arena, (tally->row_count + 2) * sizeof *columns);
    columns[0] = (struct grid_column){ "slice", str_of(slice_kind_name[kind]), GRID_TEXT, IN_PAGE };
    for (size_t i = 0; i < tally->row_count; i++)
        columns[i + 1] = (struct grid_column){ "count", tally->rows[i].title, GRID_NUMBER, IN_PAGE };
    columns[tally->row_count + 1] = (struct grid_column){ "units", STR("together"), GRID_NUMBER, IN_PAGE };
    struct grid *grid = section_grid(section, "days", IN_PAGE, columns, tally->row_count + 2);
    grid->folded = true;
    grid->caption = arena_printf(report->arena, "The numbers of each %s", slice_kind_name[kind]);
    char text[PERIOD_TEXT_BYTES];
    for (size_t s = 0; s < tally->slice_count; s++) {
        const struct slice *slice = &tally->slices[s];
        slice_text(slice->from, kind, text);
        grid_row(grid);
        grid_text(grid, arena_str(report->arena, str_of(text)));
        for (size_t i = 0; i < tally->row_count; i++)
            grid_put(grid, grouped(report->arena, slice->count[i]),
                     grouped_of(report->arena, slice->count[i],
                                slice->low[i] == slice->high[i] ? BASIS_EXACT : tally->rows[i].basis));
        grid_count(grid, slice->units);
    }
}

static void make_series(const struct report *report, struct section *section)
{
    put_days(report, section);
    put_series(report, section);
}

const struct view view_series = { "series", "In numbers", 0, has_slices, make_series };

/* ---- The week. */

static bool has_census(const struct report *report)
{
    return report->month->period->has_census;
}

static const struct grid_column week_columns[] = {
    { "weekday", STR_INIT("Day"), GRID_TEXT, EVERYWHERE },
    { "hour", STR_INIT("Hour"), GRID_NUMBER, EVERYWHERE },
    { "units", STR_INIT("Came"), GRID_NUMBER, EVERYWHERE },
    { "stopped", STR_INIT("Stopped for certain"), GRID_NUMBER, EVERYWHERE },
};

/* The text says it with letters: a line a day, a character an hour. */
static struct str week_text(const struct report *report)
{
    static const char shades[] = ".:-=+*#%@";
    const struct census *census = &report->month->period->census;
    uint64_t most = 1;
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    if (!to)
        return STR("");
    for (size_t day = 0; day < 7; day++)
        for (size_t hour = 0; hour < 24; hour++)
            most = census->week[day][hour] > most ? census->week[day][hour] : most;
    fputs("     0     3     6     9     12    15    18    21\n", to);
    for (size_t day = 0; day < 7; day++) {
        fprintf(to, "%s  ", weekday_name[day]);
        for (size_t hour = 0; hour < 24; hour++) {
            uint64_t value = census->week[day][hour];
            size_t shade = (size_t)(value * (sizeof shades - 2) / most);
            char c = value ? shades[shade] : ' ';
            fprintf(to, "%c%c", c, hour < 23 ? c : '\n');
        }
    }
    fclose(to);
    struct str copy = arena_str(report->arena, (struct str){ text, len });
    free(text);
    return copy;
}

static void make_week(const struct report *report, struct section *section)
{
    const struct census *census = &report->month->period->census;
    const struct tally *tally = report->tally;
    struct arena *arena = report->arena;
    size_t busiest_day = 0, busiest_hour = 0;
    for (size_t day = 0; day < 7; day++)
        for (size_t hour = 0; hour < 24; hour++)
            if (census->week[day][hour] > census->week[busiest_day][busiest_hour]) {
                busiest_day = day;
                busiest_hour = hour;
            }
    struct str title = arena_printf(arena, "When %s came: hour of the week", unit_plural[tally->unit]);
    struct str second = arena_printf(arena, "%.*s (%.*s)", STR_ARG(month_title(report->month, arena)),
                                     STR_ARG(tally_zone(tally)));
    section_chart(section, week_chart("week", title, second, census->week, 0x0072b2, arena));
    if (census->units)
        section_say(section, FOR_PEOPLE,
                    arena_printf(arena, "The fullest hour is %s from %02zu:00 on, with %.*s in all.",
                                 weekday_name[busiest_day], busiest_hour,
                                 STR_ARG(grouped(arena, census->week[busiest_day][busiest_hour]))));
    section_verbatim(section, IN_TEXT, week_text(report));
    struct grid *grid = section_grid(section, "week", IN_PAGE | IN_DATA, week_columns,
                                     sizeof week_columns / sizeof *week_columns);
    grid->folded = true;
    grid->caption = STR("The numbers of each hour");
    for (size_t day = 0; day < 7; day++)
        for (size_t hour = 0; hour < 24; hour++) {
            grid_row(grid);
            grid_text(grid, str_of(weekday_name[day]));
            grid_number(grid, (double)hour, 0);
            grid_count(grid, census->week[day][hour]);
            grid_count(grid, census->week_stopped[day][hour]);
        }
}

const struct view view_week = { "week", "Hours of the week", WANT_CENSUS, has_census, make_week };

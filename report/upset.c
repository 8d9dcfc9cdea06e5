/* An UpSet plot, as what the template upset.gnuplot draws. */
#define _GNU_SOURCE
#include "report/upset.h"

#include <inttypes.h>
#include "report/slices.h"
#include "report/utf8.h"

/* Pixels. */
enum {
    WIDTH = 960,
    TOP = 84,   /* of the bars */
    BARS = 220, /* their height */
    ROW = 24,   /* of a member */
    LEFT = 330, /* of the first column */
    RIGHT = 20,
    COLUMNS_MOST = 30,
    NAME_TEXT = 22
};

struct drawing {
    const struct overlap *overlap;
    const struct overlap_group *group;
    const struct pattern *column[COLUMNS_MOST];
    size_t columns;
    uint64_t rest, rest_kinds; /* units in other combinations, and how many such there are */
    struct chart *chart;
    struct arena *arena;
};

enum { BAR = 0x0072b2 };

/* Those that hit somebody, most units first; what nobody hits says nothing of an overlap. */
static void choose(struct drawing *drawing)
{
    const struct overlap_group *group = drawing->group;
    for (size_t i = 0; i < group->known_count; i++) {
        const struct pattern *pattern = &group->known[i];
        if (!pattern->hit)
            continue;
        if (drawing->columns < COLUMNS_MOST) {
            drawing->column[drawing->columns++] = pattern;
        } else {
            drawing->rest += pattern->units;
            drawing->rest_kinds++;
        }
    }
}

static void put_headings(struct drawing *drawing, struct str period)
{
    const struct overlap *overlap = drawing->overlap;
    const struct shares *shares = drawing->group->shares;
    struct arena *arena = drawing->arena;
    struct chart *chart = drawing->chart;
    char units[GROUPED_BYTES], out[GROUPED_BYTES], rest[GROUPED_BYTES];
    text_grouped(shares->known, units);
    text_grouped(shares->left_out, out);
    text_grouped(drawing->rest, rest);
    chart->title = arena_printf(
        arena, "%s that hit together: %.*s, %s %s", drawing->group->zones ? "Lists" : "Measures",
        STR_ARG(text_fit(
            arena, text_visible(arena, drawing->group->zones ? drawing->group->name : overlap->policy), 36)),
        units, shares->known == 1 ? unit_name[overlap->unit] : unit_plural[overlap->unit]);
    chart_text(chart, "title", chart->title);
    struct str second = period;
    if (shares->left_out)
        second =
            arena_printf(arena, "%.*s; %s more are left out: not all is known of them", STR_ARG(second), out);
    if (drawing->rest)
        second = arena_printf(arena, "%.*s; %s in %" PRIu64 " rarer combinations are not shown",
                              STR_ARG(second), rest, drawing->rest_kinds);
    chart_text(chart, "second", second);
    chart_text(chart, "note",
               drawing->columns   ? STR("")
               : shares->left_out ? STR("of those of which all is known none is hit")
                                  : STR("none of them hits anything"));
}

static void put_members(struct drawing *drawing, const uint32_t *colours)
{
    const struct overlap_group *group = drawing->group;
    struct arena *arena = drawing->arena;
    struct chart *chart = drawing->chart;
    int64_t most = 1;
    for (size_t m = 0; m < group->count; m++)
        most = group->shares->share[m].hits.count > most ? group->shares->share[m].hits.count : most;
    chart_count(chart, "members", group->count);
    chart_array(chart, "MEMBER", group->count);
    chart_array(chart, "MEMBER_COLOUR", group->count);
    chart_array(chart, "HITS", group->count);
    chart_array(chart, "HITS_TEXT", group->count);
    for (size_t m = 0; m < group->count; m++) {
        int64_t hits = group->shares->share[m].hits.count;
        char grouped[GROUPED_BYTES];
        text_grouped((uint64_t)hits, grouped);
        bool apart = group->game.apart >> m & 1;
        chart_item(chart, "HITS", m + 1, apart ? 0 : (double)hits / (double)most);
        chart_item_text(chart, "HITS_TEXT", m + 1, apart ? STR("not known") : str_of(grouped));
        chart_item_text(chart, "MEMBER", m + 1,
                        text_fit(arena, text_visible(arena, group->names[m]), NAME_TEXT));
        chart_item_colour(chart, "MEMBER_COLOUR", m + 1, colours ? colours[m] : BAR);
    }
}

static void put_columns(struct drawing *drawing)
{
    struct chart *chart = drawing->chart;
    uint64_t apart = drawing->group->game.apart;
    size_t members = drawing->group->count, dot = 0;
    size_t dots = (members - (size_t)__builtin_popcountll(apart)) * drawing->columns;
    chart_count(chart, "columns", drawing->columns);
    chart_count(chart, "dots", dots);
    static const char *const of_column[] = { "UNITS", "UNITS_TEXT", "FIRST", "LAST" }, *const of_dot[] = {
        "DOT_COLUMN", "DOT_MEMBER", "DOT_ON"
    };
    for (size_t i = 0; i < sizeof of_column / sizeof *of_column; i++)
        chart_array(chart, of_column[i], drawing->columns);
    for (size_t i = 0; i < sizeof of_dot / sizeof *of_dot; i++)
        chart_array(chart, of_dot[i], dots);
    for (size_t c = 0; c < drawing->columns; c++) {
        const struct pattern *pattern = drawing->column[c];
        char grouped[GROUPED_BYTES];
        size_t first = 0, last = 0;
        text_grouped(pattern->units, grouped);
        for (size_t m = 0; m < members; m++) {
            bool on = pattern->hit >> m & 1;
            first = on && !first ? m + 1 : first;
            last = on ? m + 1 : last;
            if (apart >> m & 1)
                continue;
            chart_item_count(chart, "DOT_COLUMN", ++dot, c + 1);
            chart_item_count(chart, "DOT_MEMBER", dot, m + 1);
            chart_item_count(chart, "DOT_ON", dot, on);
        }
        chart_item(chart, "UNITS", c + 1, (double)pattern->units / (double)drawing->column[0]->units);
        chart_item_text(chart, "UNITS_TEXT", c + 1, str_of(grouped));
        chart_item_count(chart, "FIRST", c + 1, first);
        chart_item_count(chart, "LAST", c + 1, last);
    }
}

struct chart *upset_chart(const struct overlap *overlap, const struct overlap_group *group,
                          const uint32_t *colours, const char *name, struct str period, struct arena *arena)
{
    struct chart *chart = arena_zero(arena, sizeof *chart);
    *chart = (struct chart){ .name = name,
                             .template = "upset",
                             .width = WIDTH,
                             .height = TOP + BARS + 30 + (int)group->count * ROW + 24 };
    struct drawing drawing = { .overlap = overlap, .group = group, .chart = chart, .arena = arena };
    choose(&drawing);
    chart_begin(chart);
    put_headings(&drawing, period);
    chart_number(chart, "left", LEFT);
    chart_number(chart, "right", RIGHT);
    chart_number(chart, "top", TOP);
    chart_number(chart, "tall", BARS);
    chart_number(chart, "row", ROW);
    put_members(&drawing, colours);
    put_columns(&drawing);
    chart_end(chart, arena);
    return chart;
}

int upset_picture(const struct overlap *overlap, const struct overlap_group *group, enum picture picture,
                  const struct gnuplot *gnuplot, struct picture_bytes *bytes, struct why *why)
{
    struct arena arena = { 0 };
    char period[PERIOD_TEXT_BYTES];
    period_text(overlap->from, overlap->to, period);
    struct chart *chart =
        upset_chart(overlap, group, NULL, "overlap", arena_printf(&arena, "%s (UTC)", period), &arena);
    int result = chart_draw(chart, picture, gnuplot, why);
    *bytes = chart->drawn[picture];
    arena_free(&arena);
    return result;
}

int upset_file(const struct overlap *overlap, const struct overlap_group *group, const char *path,
               const struct gnuplot *gnuplot, struct why *why)
{
    struct picture_bytes bytes = { 0 };
    enum picture picture = picture_of(path, why);
    if (picture == PICTURES || upset_picture(overlap, group, picture, gnuplot, &bytes, why) < 0)
        return -1;
    return picture_write(&bytes, path, why);
}

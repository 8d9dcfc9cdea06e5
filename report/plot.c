/* The talk's two graphs as what the template stack.gnuplot draws. Rectangles, and labels that must not run
 * into another, are worked out here, in numbers; so no row can hide behind another.
 *
 * The stack goes from the top down in the order of the table and the legend, with accepted at the bottom:
 * there it stands on the axis and can be followed by eye from day to day. What of a row is not certain is
 * pale. */
#define _GNU_SOURCE
#include "report/plot.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include "report/palette.h"
#include "report/replay_table.h"
#include "report/slices.h"
#include "report/utf8.h"

/* The canvas in pixels; a PNG has twice as many, for slides. */
enum {
    WIDTH = 960,
    HEIGHT = 540,
    LEFT = 72,
    TOP = 92,
    BOTTOM = 66,
    LEGEND = 244,     /* the column on the right */
    LEGEND_TEXT = 32, /* characters in it */
    ENTRY = 37,       /* pixels an entry of two lines */
    SHORT_ENTRY = 21, /* of one line, where there are many */
    PLOT_WIDTH = WIDTH - LEFT - LEGEND - 24,
    BARS_MOST = PLOT_WIDTH, /* a bar a pixel; more slices than that are drawn together */
    CHARACTER = 7,          /* of a label, in pixels, as widely as it gets */
    WIDEST_BAR = 96
};

struct drawing {
    const struct tally *tally;
    enum graph graph;
    struct bars bars;
    struct ink *inks;
    struct chart *chart;
    struct arena *arena;
};

static void put_headings(struct drawing *drawing)
{
    enum { TITLE_TEXT = 84 };
    const struct tally *tally = drawing->tally;
    const struct bars *bars = &drawing->bars;
    struct arena *arena = drawing->arena;
    struct chart *chart = drawing->chart;
    const char *unit = slice_kind_name[drawing->bars.kind], *units = unit_plural[tally->unit];
    char grouped[GROUPED_BYTES], period[PERIOD_TEXT_BYTES];
    text_grouped(tally->units, grouped);
    period_text(tally->from, tally->to, period);
    const char *counted = tally->units == 1 ? unit_name[tally->unit] : units;
    struct str title = tally_is_recorded(tally)
                           ? arena_printf(arena, "What the server did with %s %s", grouped, counted)
                           : arena_printf(arena, "What policy %.*s does with %s %s",
                                          STR_ARG(text_fit(arena, text_visible(arena, tally->policy), 40)),
                                          grouped, counted);
    chart->title = arena_printf(arena, "%.*s, %s: %s", STR_ARG(title), period, graph_name[drawing->graph]);
    chart_text(chart, "title", text_fit(arena, title, TITLE_TEXT));
    const char *together = "";
    if (bars->together > 1)
        together = arena_printf(arena, "; each bar is the mean of %zu %ss", bars->together, unit).at;
    const char *cut = bars->cut == SIZE_MAX ? "" : "; one bar is cut, its count stands above it";
    chart_text(chart, "second",
               arena_printf(arena, "%s (%.*s)%s%s", period, STR_ARG(tally_zone(tally)), together, cut));
    struct str axis = drawing->graph == GRAPH_COUNTS
                          ? arena_printf(arena, "%s per %s", units, unit)
                          : arena_printf(arena, "percent of the %s's %s", unit, units);
    bool whole = drawing->bars.kind == SLICED_WHOLE;
    chart_text(chart, "ylabel", whole && drawing->graph == GRAPH_COUNTS ? str_of(units) : axis);
    chart_text(chart, "xlabel", whole ? STR("") : str_of(unit));
    chart_text(chart, "note", tally->units ? STR("") : arena_printf(arena, "no %s in this period", units));
    chart_number(chart, "note_x", LEFT + PLOT_WIDTH / 2.0);
    chart_number(chart, "note_y", (TOP + chart->height - BOTTOM) / 2.0);
}

static void grouped_row_bounds(const struct row *row, char text[ROW_TEXT_BYTES])
{
    char low[GROUPED_BYTES], high[GROUPED_BYTES];
    text_grouped(row->low, low);
    text_grouped(row->high, high);
    row_bounds_text(row, text);
    if (*text)
        snprintf(text, ROW_TEXT_BYTES, "[%s, %s]", low, high);
}

/* Two lines a row where there is room for them, else one. */
static void put_legend(struct drawing *drawing, bool brief)
{
    struct arena *arena = drawing->arena;
    struct chart *chart = drawing->chart;
    size_t drawn = drawing->bars.drawn;
    chart_count(chart, "rows", drawn);
    chart_count(chart, "brief", brief);
    chart_array(chart, "ROW_TITLE", drawn);
    chart_array(chart, "ROW_TEXT", drawn);
    chart_array(chart, "ROW_COLOUR", drawn);
    for (size_t k = 0; k < drawn; k++) {
        const struct row *row = &drawing->tally->rows[drawing->bars.order[k]];
        char grouped[GROUPED_BYTES], percent[ROW_TEXT_BYTES], bounds[ROW_TEXT_BYTES];
        text_grouped(row->count, grouped);
        row_percent_text(drawing->tally, row, percent);
        grouped_row_bounds(row, bounds);
        const char *mark = row->basis == BASIS_ESTIMATED ? "~" : row->basis == BASIS_GUESSED ? "?" : "";
        chart_item_text(chart, "ROW_TITLE", k + 1,
                        text_fit(arena, text_visible(arena, row->title), LEGEND_TEXT));
        chart_item_text(chart, "ROW_TEXT", k + 1,
                        arena_printf(arena, "%s%s%s%s%s %s", mark, grouped, *percent ? "  ·  " : "", percent,
                                     *percent ? " %" : "", bounds));
        chart_item_colour(chart, "ROW_COLOUR", k + 1, drawing->inks[drawing->bars.order[k]].rgb);
    }
    chart_count(chart, "unsure", drawing->bars.unsure);
    fprintf(chart->to, "unsure_colour = 0x%06" PRIx32 "\n", palette_accepted().rgb);
}

static void put_axes(struct drawing *drawing)
{
    struct bars *bars = &drawing->bars;
    struct chart *chart = drawing->chart;
    size_t labels = 0;
    chart_number(chart, "left", LEFT);
    chart_number(chart, "top", TOP);
    chart_number(chart, "bottom", BOTTOM);
    chart_number(chart, "legend", LEGEND);
    chart_count(chart, "bars", bars->count);
    chart_number(chart, "most", bars->most);
    while ((double)labels * bars->step <= bars->most * 1.0001)
        labels++;
    chart_count(chart, "yticks", labels);
    chart_array(chart, "YTICK", labels);
    chart_array(chart, "YTEXT", labels);
    for (size_t i = 0; i < labels; i++) {
        char grouped[GROUPED_BYTES];
        if (bars->step < 1)
            snprintf(grouped, sizeof grouped, "%.2f", (double)i * bars->step);
        else
            text_grouped((uint64_t)((double)i * bars->step + 0.5), grouped);
        chart_item(chart, "YTICK", i + 1, (double)i * bars->step);
        chart_item_text(chart, "YTEXT", i + 1, str_of(grouped));
    }
    struct tick *ticks = NULL;
    size_t count = slices_ticks(bars->from, bars->count, drawing->bars.kind, PLOT_WIDTH / CHARACTER,
                                drawing->arena, &ticks);
    chart_count(chart, "xticks", count);
    chart_array(chart, "XTICK", count);
    chart_array(chart, "XTEXT", count);
    for (size_t i = 0; i < count; i++) { /* all of it is ours: digits and months */
        chart_item(chart, "XTICK", i + 1, (double)ticks[i].at);
        fprintf(chart->to, "XTEXT[%zu] = \"%s\\n%s\"\n", i + 1, ticks[i].top, ticks[i].below);
    }
}

/* One rectangle of a row; of a bar that is cut, what is left of it below the top, with a gap that shows the
 * cut. */
static void put_part(struct drawing *drawing, size_t bar, double wide, double from, double to)
{
    const struct bars *bars = &drawing->bars;
    const double gap_from = bars->most * 0.93, gap_to = bars->most * 0.945;
    if (bar == bars->cut && from < gap_from && to > gap_from) {
        put_part(drawing, bar, wide, from, gap_from);
        from = gap_to;
    } else if (bar == bars->cut && from >= gap_from && from < gap_to) {
        from = gap_to;
    }
    to = to < bars->most ? to : bars->most;
    if (to <= from)
        return;
    const double sides[] = { (double)bar, from, (double)bar - wide / 2, (double)bar + wide / 2, from, to };
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        if (i)
            putc(' ', drawing->chart->to);
        sheet_number(drawing->chart->to, sides[i]);
    }
    putc('\n', drawing->chart->to);
}

/* All rectangles of a row, as a block: what is certain, or what is not. */
static void put_row(struct drawing *drawing, size_t place, double wide, bool pale)
{
    const struct bars *bars = &drawing->bars;
    size_t row = drawing->bars.order[place];
    for (size_t bar = 0; bar < bars->count; bar++) {
        double from = 0;
        for (size_t below = place + 1; below < drawing->bars.drawn; below++)
            from += bars->value[drawing->bars.order[below] * bars->count + bar];
        double sure = bars->sure[row * bars->count + bar], value = bars->value[row * bars->count + bar];
        put_part(drawing, bar, wide, pale ? from + sure : from, pale ? from + value : from + sure);
    }
    fputs("\n\n", drawing->chart->to);
}

static bool has_any(const struct bars *bars, size_t row, bool pale)
{
    for (size_t bar = 0; bar < bars->count; bar++) {
        double sure = bars->sure[row * bars->count + bar], value = bars->value[row * bars->count + bar];
        if (pale ? value > sure : sure > 0)
            return true;
    }
    return false;
}

static void put_stack(struct drawing *drawing)
{
    const struct bars *bars = &drawing->bars;
    struct chart *chart = drawing->chart;
    /* Between bars is a hairline, up to a sixth of the room; where bars are a few pixels wide it would eat
     * them. */
    double slot = bars->count ? (double)PLOT_WIDTH / (double)bars->count : PLOT_WIDTH;
    double gap = slot < 4 ? 0 : slot < 12 ? 1 : slot / 6 < 8 ? slot / 6 : 8;
    double wide = (slot - gap < WIDEST_BAR ? slot - gap : WIDEST_BAR) / slot;
    chart->parts = arena_zero(drawing->arena, (2 * bars->drawn + 1) * sizeof *chart->parts);
    chart_array(chart, "PART_COLOUR", 2 * bars->drawn);
    chart_array(chart, "PART_SOLID", 2 * bars->drawn);
    fputs("$stack << E\n", chart->to);
    for (size_t k = 0; k < 2 * bars->drawn; k++)
        if (has_any(bars, bars->order[k / 2], k % 2))
            put_row(drawing, k / 2, wide, k % 2);
    fputs("E\n", chart->to);
    for (size_t k = 0; k < 2 * bars->drawn; k++) {
        size_t row = bars->order[k / 2];
        if (!has_any(bars, row, k % 2))
            continue;
        const struct row *of = &drawing->tally->rows[row];
        chart->parts[chart->part_count++] = (struct svg_part){
            arena_printf(drawing->arena, "%.*s%s", STR_ARG(of->title), k % 2 ? " (not certain)" : ""),
            of->name,
        };
        chart_item_colour(chart, "PART_COLOUR", chart->part_count, drawing->inks[row].rgb);
        chart_item(chart, "PART_SOLID", chart->part_count, k % 2 ? 0.4 : 1);
    }
    chart_count(chart, "parts", chart->part_count);
}

static void put_cut_count(struct drawing *drawing)
{
    const struct bars *bars = &drawing->bars;
    char grouped[GROUPED_BYTES] = "";
    double x = LEFT;
    if (bars->cut != SIZE_MAX) {
        text_grouped((uint64_t)(bars->total[bars->cut] + 0.5), grouped);
        double half = (double)strlen(grouped) * CHARACTER / 2;
        x = LEFT + PLOT_WIDTH * ((double)bars->cut + 0.5) / (double)bars->count;
        x = x + half > LEFT + PLOT_WIDTH ? LEFT + PLOT_WIDTH - half : x - half < LEFT ? LEFT + half : x;
    }
    chart_text(drawing->chart, "cut", str_of(grouped));
    chart_number(drawing->chart, "cut_x", x);
}

struct chart *plot_chart(const struct tally *tally, enum graph graph, struct arena *arena)
{
    struct chart *chart = arena_zero(arena, sizeof *chart);
    *chart = (struct chart){ .name = graph_name[graph],
                             .template = "stack",
                             .width = WIDTH,
                             .height = HEIGHT,
                             .left = LEFT,
                             .right = LEFT + PLOT_WIDTH };
    struct drawing drawing = { .tally = tally, .graph = graph, .chart = chart, .arena = arena };
    drawing.inks = arena_zero(arena, (tally->row_count + 1) * sizeof *drawing.inks);
    palette_assign(tally, drawing.inks);
    drawing.bars = bars_make(tally, graph, BARS_MOST, arena);
    int room = HEIGHT - TOP - BOTTOM + 40, entries = (int)drawing.bars.drawn + 1;
    bool brief = entries * ENTRY > room;
    if (brief && entries * SHORT_ENTRY > room)
        chart->height += entries * SHORT_ENTRY - room;
    chart_begin(chart);
    put_headings(&drawing);
    put_legend(&drawing, brief);
    put_cut_count(&drawing);
    put_axes(&drawing);
    put_stack(&drawing);
    chart_end(chart, arena);
    return chart;
}

int plot_picture(const struct tally *tally, enum graph graph, enum picture picture,
                 const struct gnuplot *gnuplot, struct picture_bytes *bytes, struct why *why)
{
    struct arena arena = { 0 };
    struct chart *chart = plot_chart(tally, graph, &arena);
    int result = chart_draw(chart, picture, gnuplot, why);
    *bytes = chart->drawn[picture];
    arena_free(&arena);
    return result;
}

int plot_file(const struct tally *tally, enum graph graph, const char *path, const struct gnuplot *gnuplot,
              struct why *why)
{
    struct picture_bytes bytes = { 0 };
    enum picture picture = picture_of(path, why);
    if (picture == PICTURES || plot_picture(tally, graph, picture, gnuplot, &bytes, why) < 0)
        return -1;
    return picture_write(&bytes, path, why);
}

/* The talk's two graphs as a gnuplot script. What is drawn is worked out here, in numbers: rectangles, labels
 * and where they stand. gnuplot draws them. So no text can run into another one, and no row can hide behind
 * another.
 *
 * The stack goes from the top down in the order of the table and the legend, with accepted at the bottom:
 * there it stands on the axis and can be followed by eye from day to day. What of a row is not certain is
 * pale. */
#define _GNU_SOURCE
#include "report/plot.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include "report/palette.h"
#include "report/replay_table.h"
#include "report/slices.h"
#include "report/svg.h"
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
    struct str title, *parts; /* what the picture and its plots are called */
    size_t part_count;
    struct sheet sheet;
    struct arena arena;
};

static const struct pen heading_pen = { 15, BOLD, INK, "left" }, second_pen = { 11, PLAIN, FAINT, "left" },
                        legend_pen = { 12, PLAIN, INK, "left" }, middle_pen = { 11, PLAIN, FAINT, "center" };

static void put_swatch(struct drawing *drawing, double x, double y, struct ink ink, bool pale)
{
    enum { SIDE = 12 };
    sheet_box(&drawing->sheet, x, y, SIDE, SIDE, ink.rgb, pale ? 0.4 : 1);
}

static void put_headings(struct drawing *drawing)
{
    enum { TITLE_TEXT = 84, MIDDLE = LEFT + PLOT_WIDTH / 2 };
    const struct tally *tally = drawing->tally;
    const struct bars *bars = &drawing->bars;
    struct arena *arena = &drawing->arena;
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
    sheet_label(&drawing->sheet, 20, 30, &heading_pen, text_fit(arena, title, TITLE_TEXT));
    drawing->title = arena_printf(arena, "%.*s, %s: %s", STR_ARG(title), period, graph_name[drawing->graph]);
    const char *together = "";
    if (bars->together > 1)
        together = arena_printf(arena, "; each bar is the mean of %zu %ss", bars->together, unit).at;
    const char *cut = bars->cut == SIZE_MAX ? "" : "; one bar is cut, its count stands above it";
    sheet_label(&drawing->sheet, 20, 51, &second_pen,
                arena_printf(arena, "%s (UTC)%s%s", period, together, cut));
    struct str axis = drawing->graph == GRAPH_COUNTS
                          ? arena_printf(arena, "%s per %s", units, unit)
                          : arena_printf(arena, "percent of the %s's %s", unit, units);
    if (drawing->bars.kind == SLICED_WHOLE && drawing->graph == GRAPH_COUNTS)
        axis = str_of(units);
    sheet_label(&drawing->sheet, 20, TOP - 18, &second_pen, axis);
    if (drawing->bars.kind != SLICED_WHOLE)
        sheet_label(&drawing->sheet, MIDDLE, drawing->sheet.height - 11, &middle_pen,
                    arena_printf(arena, "%s (UTC)", unit));
    if (tally->units == 0)
        sheet_label(&drawing->sheet, MIDDLE, (TOP + drawing->sheet.height - BOTTOM) / 2.0, &middle_pen,
                    arena_printf(arena, "no %s in this period", units));
}

static void grouped_bounds(const struct row *row, char text[ROW_TEXT_BYTES])
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
    const double x = WIDTH - LEGEND;
    int y = TOP - 6;
    struct arena *arena = &drawing->arena;
    for (size_t k = 0; k < drawing->bars.drawn; k++, y += brief ? SHORT_ENTRY : ENTRY) {
        const struct row *row = &drawing->tally->rows[drawing->bars.order[k]];
        char grouped[GROUPED_BYTES], percent[ROW_TEXT_BYTES], bounds[ROW_TEXT_BYTES];
        put_swatch(drawing, x, y, drawing->inks[drawing->bars.order[k]], false);
        sheet_label(&drawing->sheet, x + 19, y + 6, &legend_pen,
                    text_fit(arena, text_visible(arena, row->title), LEGEND_TEXT));
        if (brief)
            continue;
        text_grouped(row->count, grouped);
        row_percent_text(drawing->tally, row, percent);
        grouped_bounds(row, bounds);
        const char *mark = row->basis == BASIS_ESTIMATED ? "~" : row->basis == BASIS_GUESSED ? "?" : "";
        sheet_label(&drawing->sheet, x + 19, y + 21, &second_pen,
                    arena_printf(arena, "%s%s%s%s%s %s", mark, grouped, *percent ? "  ·  " : "", percent,
                                 *percent ? " %" : "", bounds));
    }
    if (drawing->bars.unsure) {
        put_swatch(drawing, x, y, palette_accepted(), true);
        sheet_label(&drawing->sheet, x + 19, y + 6, &second_pen, STR("faint: not certain"));
    }
}

static void put_axes(struct drawing *drawing)
{
    struct bars *bars = &drawing->bars;
    FILE *to = drawing->sheet.to;
    fprintf(to, "unset key\nset border 1 linecolor rgb '%s'\nset tics scale 0 nomirror\n", AXIS);
    fprintf(to, "set grid ytics back linetype 1 linecolor rgb '%s' linewidth 1\n", GRID);
    fputs("set lmargin at screen ", to);
    sheet_number(to, (double)LEFT / WIDTH);
    fputs("\nset rmargin at screen ", to);
    sheet_number(to, (double)(LEFT + PLOT_WIDTH) / WIDTH);
    fputs("\nset tmargin at screen ", to);
    sheet_number(to, 1 - (double)TOP / drawing->sheet.height);
    fputs("\nset bmargin at screen ", to);
    sheet_number(to, (double)BOTTOM / drawing->sheet.height);
    fputs("\nset xrange [-0.5:", to);
    sheet_number(to, (bars->count ? (double)bars->count : 1) - 0.5);
    fputs("]\nset yrange [0:", to);
    sheet_number(to, bars->most);
    fprintf(to, "]\nset ytics textcolor rgb '%s' font ',11' (", FAINT);
    for (unsigned i = 0; i * bars->step <= bars->most * 1.0001; i++) {
        char grouped[GROUPED_BYTES];
        if (bars->step < 1)
            snprintf(grouped, sizeof grouped, "%.2f", i * bars->step);
        else
            text_grouped((uint64_t)(i * bars->step + 0.5), grouped);
        fprintf(to, "%s'%s' ", i ? ", " : "", grouped);
        sheet_number(to, i * bars->step);
    }
    struct tick *ticks = NULL;
    size_t count = slices_ticks(bars->from, bars->count, drawing->bars.kind, PLOT_WIDTH / CHARACTER,
                                &drawing->arena, &ticks);
    fputs(")\nunset xtics\n", to);
    if (count == 0)
        return;
    fprintf(to, "set xtics scale 0 nomirror textcolor rgb '%s' font ',11' (", FAINT);
    for (size_t i = 0; i < count; i++) /* all of it is ours: digits and months */
        fprintf(to, "%s\"%s\\n%s\" %zu", i ? ", " : "", ticks[i].top, ticks[i].below, ticks[i].at);
    fputs(")\n", to);
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
            putc(' ', drawing->sheet.to);
        sheet_number(drawing->sheet.to, sides[i]);
    }
    putc('\n', drawing->sheet.to);
}

/* All rectangles of a row: what is certain, or what is not. Returns whether there are any. */
static bool put_row(struct drawing *drawing, size_t place, double wide, bool pale)
{
    const struct bars *bars = &drawing->bars;
    size_t row = drawing->bars.order[place];
    fprintf(drawing->sheet.to, "$%s%zu << E\n", pale ? "pale" : "sure", place);
    bool any = false;
    for (size_t bar = 0; bar < bars->count; bar++) {
        double from = 0;
        for (size_t below = place + 1; below < drawing->bars.drawn; below++)
            from += bars->value[drawing->bars.order[below] * bars->count + bar];
        double sure = bars->sure[row * bars->count + bar], value = bars->value[row * bars->count + bar];
        put_part(drawing, bar, wide, pale ? from + sure : from, pale ? from + value : from + sure);
        any = any || (pale ? value > sure : sure > 0);
    }
    fputs("E\n", drawing->sheet.to);
    return any;
}

static void put_stack(struct drawing *drawing)
{
    struct bars *bars = &drawing->bars;
    FILE *to = drawing->sheet.to;
    /* Between bars is a hairline, up to a sixth of the room; where bars are a few pixels wide it would eat
     * them. */
    double slot = bars->count ? (double)PLOT_WIDTH / (double)bars->count : PLOT_WIDTH;
    double gap = slot < 4 ? 0 : slot < 12 ? 1 : slot / 6 < 8 ? slot / 6 : 8;
    double wide = (slot - gap < WIDEST_BAR ? slot - gap : WIDEST_BAR) / slot;
    bool *has = arena_zero(&drawing->arena, 2 * drawing->bars.drawn * sizeof *has);
    for (size_t k = 0; k < drawing->bars.drawn; k++) {
        has[2 * k] = put_row(drawing, k, wide, false);
        has[2 * k + 1] = put_row(drawing, k, wide, true);
    }
    drawing->parts = arena_zero(&drawing->arena, 2 * drawing->bars.drawn * sizeof *drawing->parts);
    fputs("plot", to);
    for (size_t k = 0; k < 2 * drawing->bars.drawn; k++) {
        size_t row = drawing->bars.order[k / 2];
        if (!has[k])
            continue;
        fprintf(to,
                " $%s%zu using 1:2:3:4:5:6 with boxxyerror fillcolor rgb '#%06" PRIx32
                "' fillstyle %s noborder,",
                k % 2 ? "pale" : "sure", k / 2, drawing->inks[row].rgb,
                k % 2 ? "transparent solid 0.4" : "solid 1");
        drawing->parts[drawing->part_count++] =
            arena_printf(&drawing->arena, "%.*s%s", STR_ARG(drawing->tally->rows[row].title),
                         k % 2 ? " (not certain)" : "");
    }
    fputs(" NaN notitle\n", to); /* an axis without bars, too */
}

static void put_cut_count(struct drawing *drawing)
{
    const struct bars *bars = &drawing->bars;
    if (bars->cut == SIZE_MAX)
        return;
    char grouped[GROUPED_BYTES];
    text_grouped((uint64_t)(bars->total[bars->cut] + 0.5), grouped);
    double x = LEFT + PLOT_WIDTH * ((double)bars->cut + 0.5) / (double)bars->count;
    double half = (double)strlen(grouped) * CHARACTER / 2;
    x = x + half > LEFT + PLOT_WIDTH ? LEFT + PLOT_WIDTH - half : x - half < LEFT ? LEFT + half : x;
    sheet_label(&drawing->sheet, x, TOP - 8, &middle_pen, str_of(grouped));
}

/* The script that draws it all. */
static struct str script_of(struct drawing *drawing, char **text)
{
    size_t len = 0;
    *text = NULL;
    drawing->sheet.to = open_memstream(text, &len);
    if (!drawing->sheet.to)
        return (struct str){ 0 };
    int room = HEIGHT - TOP - BOTTOM + 40;
    int entries = (int)drawing->bars.drawn + 1;
    bool brief = entries * ENTRY > room;
    drawing->sheet.height = HEIGHT;
    if (brief && entries * SHORT_ENTRY > room)
        drawing->sheet.height += entries * SHORT_ENTRY - room;
    sheet_begin(&drawing->sheet);
    put_headings(drawing);
    put_legend(drawing, brief);
    put_cut_count(drawing);
    put_axes(drawing);
    put_stack(drawing);
    fclose(drawing->sheet.to);
    return (struct str){ *text, len };
}

int plot_picture(const struct tally *tally, enum graph graph, enum picture picture,
                 const struct gnuplot *gnuplot, struct picture_bytes *bytes, struct why *why)
{
    struct drawing drawing = { .tally = tally,
                               .graph = graph,
                               .sheet = { .picture = picture, .width = WIDTH } };
    drawing.inks = arena_zero(&drawing.arena, tally->row_count * sizeof *drawing.inks);
    palette_assign(tally, drawing.inks);
    drawing.bars = bars_make(tally, graph, BARS_MOST, &drawing.arena);
    char *text = NULL;
    struct str script = script_of(&drawing, &text);
    int result = picture_draw(picture, script, gnuplot, bytes, why);
    if (result == 0 && picture == PICTURE_SVG)
        svg_mend(bytes, drawing.title, drawing.parts, drawing.part_count);
    free(text);
    arena_free(&drawing.arena);
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

/* An UpSet plot. Where everything stands is worked out here; gnuplot draws boxes, dots and labels. */
#define _GNU_SOURCE
#include "report/upset.h"

#include <inttypes.h>
#include <stdlib.h>
#include "report/slices.h"
#include "report/svg.h"
#include "report/utf8.h"

/* Pixels. */
enum {
    WIDTH = 960,
    TOP = 84,   /* of the bars */
    BARS = 220, /* their height */
    ROW = 24,   /* of a member */
    LEFT = 330, /* of the first column */
    RIGHT = 20,
    SIZES = 96,  /* the widest bar of a member's hits */
    COLUMN = 30, /* the widest column */
    COLUMNS_MOST = 30,
    NAME_TEXT = 22,
    DOT = 6 /* radius */
};

struct drawing {
    const struct overlap *overlap;
    const struct overlap_group *group;
    const struct pattern *column[COLUMNS_MOST];
    size_t columns;
    uint64_t rest, rest_kinds; /* units in other combinations, and how many such there are */
    double wide;
    struct sheet sheet;
    struct str title;
    struct arena arena;
};

static const struct pen heading_pen = { 15, BOLD, INK, "left" }, second_pen = { 11, PLAIN, FAINT, "left" },
                        name_pen = { 12, PLAIN, INK, "right" }, count_pen = { 9, PLAIN, FAINT, "center" },
                        size_pen = { 11, PLAIN, FAINT, "right" };

enum { HITTING = 0xd55e00, QUIET = 0xdfe3e8, BAR = 0x0072b2 };

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
    double room = WIDTH - LEFT - RIGHT;
    drawing->wide = drawing->columns ? room / (double)drawing->columns : COLUMN;
    drawing->wide = drawing->wide > COLUMN ? COLUMN : drawing->wide;
}

static double column_x(const struct drawing *drawing, size_t column)
{
    return LEFT + ((double)column + 0.5) * drawing->wide;
}

static double row_y(size_t member)
{
    return TOP + BARS + 30 + ((double)member + 0.5) * ROW;
}

static void put_headings(struct drawing *drawing)
{
    const struct overlap *overlap = drawing->overlap;
    const struct shares *shares = drawing->group->shares;
    struct arena *arena = &drawing->arena;
    char units[GROUPED_BYTES], out[GROUPED_BYTES], rest[GROUPED_BYTES], period[PERIOD_TEXT_BYTES];
    text_grouped(shares->known, units);
    text_grouped(shares->left_out, out);
    text_grouped(drawing->rest, rest);
    period_text(overlap->from, overlap->to, period);
    drawing->title = arena_printf(
        arena, "%s that hit together: %.*s, %s %s", drawing->group->zones ? "Lists" : "Measures",
        STR_ARG(text_fit(
            arena, text_visible(arena, drawing->group->zones ? drawing->group->name : overlap->policy), 36)),
        units, shares->known == 1 ? unit_name[overlap->unit] : unit_plural[overlap->unit]);
    sheet_label(&drawing->sheet, 20, 30, &heading_pen, drawing->title);
    struct str second = arena_printf(arena, "%s (UTC)", period);
    if (shares->left_out)
        second =
            arena_printf(arena, "%.*s; %s more are left out: not all is known of them", STR_ARG(second), out);
    if (drawing->rest)
        second = arena_printf(arena, "%.*s; %s in %" PRIu64 " rarer combinations are not shown",
                              STR_ARG(second), rest, drawing->rest_kinds);
    sheet_label(&drawing->sheet, 20, 51, &second_pen, second);
    if (drawing->columns == 0)
        sheet_label(&drawing->sheet, LEFT, TOP + BARS / 2.0, &second_pen,
                    shares->left_out ? STR("of those of which all is known none is hit")
                                     : STR("none of them hits anything"));
}

static void put_dot(const struct drawing *drawing, double x, double y, uint32_t rgb)
{
    const struct sheet *sheet = &drawing->sheet;
    fputs("set object circle at screen ", sheet->to);
    sheet_number(sheet->to, x / sheet->width);
    fputs(", screen ", sheet->to);
    sheet_number(sheet->to, 1 - y / sheet->height);
    fputs(" size screen ", sheet->to);
    sheet_number(sheet->to, (double)DOT / sheet->width);
    fprintf(sheet->to, " fillcolor rgb '#%06" PRIx32 "' fillstyle solid 1 noborder front\n", rgb);
}

static void put_members(const struct drawing *drawing)
{
    const struct overlap_group *group = drawing->group;
    struct arena arena = { 0 };
    int64_t most = 1;
    for (size_t m = 0; m < group->count; m++)
        most = group->shares->share[m].hits.count > most ? group->shares->share[m].hits.count : most;
    for (size_t m = 0; m < group->count; m++) {
        int64_t hits = group->shares->share[m].hits.count;
        double long_ = (double)hits / (double)most * SIZES, y = row_y(m);
        char grouped[GROUPED_BYTES];
        text_grouped((uint64_t)hits, grouped);
        if (group->game.apart >> m & 1) {
            sheet_label(&drawing->sheet, LEFT - 20, y, &size_pen, STR("not known"));
        } else {
            sheet_box(&drawing->sheet, LEFT - 16 - long_, y - 7, long_, 14, BAR, 1);
            sheet_label(&drawing->sheet, LEFT - 20 - long_, y, &size_pen, str_of(grouped));
        }
        sheet_label(&drawing->sheet, LEFT - 20 - SIZES - 50, y, &name_pen,
                    text_fit(&arena, text_visible(&arena, group->names[m]), NAME_TEXT));
    }
    arena_free(&arena);
}

static void put_column(const struct drawing *drawing, size_t c)
{
    const struct pattern *pattern = drawing->column[c];
    double x = column_x(drawing, c), first = 0, last = 0;
    double high = (double)pattern->units / (double)drawing->column[0]->units * BARS;
    char grouped[GROUPED_BYTES];
    text_grouped(pattern->units, grouped);
    sheet_box(&drawing->sheet, x - drawing->wide * 0.32, TOP + BARS - high, drawing->wide * 0.64, high, BAR,
              1);
    sheet_label(&drawing->sheet, x, TOP + BARS - high - 8, &count_pen, str_of(grouped));
    for (size_t m = 0; m < drawing->group->count; m++) {
        if (!(pattern->hit >> m & 1))
            continue;
        first = first == 0 ? row_y(m) : first;
        last = row_y(m);
    }
    for (size_t m = 0; m < drawing->group->count; m++)
        if (!(drawing->group->game.apart >> m & 1))
            put_dot(drawing, x, row_y(m), pattern->hit >> m & 1 ? HITTING : QUIET);
    sheet_box(&drawing->sheet, x - 1.5, first, 3, last - first, HITTING, 1);
}

static struct str script_of(struct drawing *drawing, char **text)
{
    size_t len = 0;
    *text = NULL;
    drawing->sheet.to = open_memstream(text, &len);
    if (!drawing->sheet.to)
        return (struct str){ NULL, 0 };
    sheet_begin(&drawing->sheet);
    put_headings(drawing);
    put_members(drawing);
    for (size_t c = 0; c < drawing->columns; c++)
        put_column(drawing, c);
    /* Nothing but what was placed: a plot without axes. */
    fputs("unset key\nunset border\nunset tics\nset xrange [0:1]\nset yrange [0:1]\nplot NaN notitle\n",
          drawing->sheet.to);
    fclose(drawing->sheet.to);
    return (struct str){ *text, len };
}

int upset_picture(const struct overlap *overlap, const struct overlap_group *group, enum picture picture,
                  const struct gnuplot *gnuplot, struct picture_bytes *bytes, struct why *why)
{
    struct drawing drawing = { .overlap = overlap, .group = group };
    drawing.sheet = (struct sheet){ .picture = picture,
                                    .width = WIDTH,
                                    .height = TOP + BARS + 30 + (int)group->count * ROW + 24 };
    choose(&drawing);
    char *text = NULL;
    struct str script = script_of(&drawing, &text);
    int result = picture_draw(picture, script, gnuplot, bytes, why);
    if (result == 0 && picture == PICTURE_SVG)
        svg_mend(bytes, drawing.title, NULL, 0);
    free(text);
    arena_free(&drawing.arena);
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

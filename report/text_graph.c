/* A graph for the terminal: a line a slice, stacked from the left in the order in which the picture is
 * stacked from its axis, so that accepted stands first. Colours are backgrounds of blanks and need no font;
 * without them each measure has a letter. */
#define _GNU_SOURCE
#include "report/plot.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "report/palette.h"
#include "report/replay_table.h"
#include "report/slices.h"
#include "report/table.h"
#include "report/utf8.h"

enum { NARROWEST = 40, WIDEST = 400, USUAL = 80, TOTAL_COLUMNS = 9 };

struct canvas {
    const struct tally *tally;
    const struct text_graph *options;
    struct bars bars;
    struct ink *inks;
    FILE *to;
    struct arena arena;
};

unsigned terminal_width(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col)
        return size.ws_col;
    const char *columns = getenv("COLUMNS");
    uint64_t number = 0;
    return columns && str_number(str_of(columns), &number) && number && number < WIDEST ? (unsigned)number
                                                                                        : USUAL;
}

bool terminal_has_colour(int fd)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fd) && !(no && *no) && term && *term && strcmp(term, "dumb") != 0;
}

static void put_cells(struct canvas *canvas, struct ink ink, size_t cells)
{
    if (cells == 0)
        return;
    if (canvas->options->colour)
        fprintf(canvas->to, "\033[48;5;%um", palette_terminal(ink.rgb));
    for (size_t i = 0; i < cells; i++)
        putc(canvas->options->colour ? ' ' : ink.glyph, canvas->to);
    if (canvas->options->colour)
        fputs("\033[0m", canvas->to);
}

/* Shares a bar's cells out so that they come out even: each row ends where the sum up to it, rounded, ends.
 */
static void put_bar(struct canvas *canvas, size_t bar, size_t room)
{
    const struct bars *bars = &canvas->bars;
    bool cut = bar == bars->cut;
    double upto = 0;
    size_t done = 0;
    for (size_t k = bars->drawn; k-- > 0;) {
        size_t row = bars->order[k];
        upto += bars->value[row * bars->count + bar];
        size_t end = (size_t)(upto / bars->most * (double)room + 0.5);
        end = end > room ? room : end;
        put_cells(canvas, canvas->inks[row], end - done);
        done = end;
    }
    if (cut)
        fputs(" >>", canvas->to);
}

static void put_total(struct canvas *canvas, size_t bar)
{
    char grouped[GROUPED_BYTES];
    uint64_t total = (uint64_t)(canvas->bars.total[bar] + 0.5);
    if (canvas->options->graph == GRAPH_PERCENT)
        total = canvas->tally->slice_count ? canvas->tally->slices[bar].units : canvas->tally->units;
    text_grouped(total, grouped);
    fprintf(canvas->to, "%*s  ", TOTAL_COLUMNS, grouped);
}

static void put_key(struct canvas *canvas)
{
    const struct bars *bars = &canvas->bars;
    for (size_t k = 0; k < bars->drawn; k++) {
        size_t row = bars->order[k];
        struct str title = text_visible(&canvas->arena, canvas->tally->rows[row].title);
        put_cells(canvas, canvas->inks[row], 2);
        fprintf(canvas->to, " %.*s\n", STR_ARG(text_fit(&canvas->arena, title, canvas->options->width - 3)));
    }
}

int text_graph_print(const struct tally *tally, const struct text_graph *options, FILE *to, struct why *why)
{
    struct text_graph taken = *options;
    taken.width = taken.width < NARROWEST ? NARROWEST : taken.width > WIDEST ? WIDEST : taken.width;
    struct canvas canvas = { .tally = tally, .options = &taken, .to = to };
    canvas.inks = arena_zero(&canvas.arena, tally->row_count * sizeof *canvas.inks);
    palette_assign(tally, canvas.inks);
    canvas.bars = bars_make(tally, taken.graph, SIZE_MAX, &canvas.arena);
    const char *unit = slice_kind_name[canvas.bars.kind], *units = unit_plural[tally->unit];
    struct str heading = tally_heading(tally, false, &canvas.arena);
    for (struct str line; text_wrap(&heading, taken.width, &line);)
        fprintf(to, "%.*s\n", STR_ARG(line));
    if (taken.graph == GRAPH_COUNTS)
        fprintf(to, "%s per %s\n\n", units, unit);
    else
        fprintf(to, "percent of the %s's %s\n\n", unit, units);
    put_key(&canvas);
    putc('\n', to);
    if (canvas.bars.count == 0)
        fprintf(to, "no %s in this period\n", units);
    size_t label = canvas.bars.kind == SLICED_HOUR ? 16 : 10;
    size_t used = label + 1 + TOTAL_COLUMNS + 2 + (canvas.bars.cut == SIZE_MAX ? 0 : 3);
    for (size_t i = 0; i < canvas.bars.count; i++) {
        char text[PERIOD_TEXT_BYTES];
        slice_text(canvas.bars.from[i], canvas.bars.kind, text);
        fprintf(to, "%-*s ", (int)label, tally->slice_count ? text : "all");
        put_total(&canvas, i);
        put_bar(&canvas, i, taken.width - used);
        putc('\n', to);
    }
    arena_free(&canvas.arena);
    return printed(to, why);
}

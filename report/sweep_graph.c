/* The front as a graph: each row a point, what is stopped over what is harmed for good. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "report/escape.h"
#include "report/sheet.h"
#include "report/svg.h"
#include "report/sweep_table.h"
#include "report/utf8.h"
#include "report/whole_file.h"

enum { WIDTH = 960, HEIGHT = 540, NAMES_MOST = 14, NAME_WIDTH = 46, WIDE = 64, HIGH = 20 };

static bool is_text(const char *path)
{
    struct str text = str_of(path), ending = STR(".txt");
    return text.len > ending.len && str_eq_nocase(str_skip(text, text.len - ending.len), ending);
}

int sweep_graph_check(const char *path, struct why *why)
{
    if (is_text(path) || picture_of(path, why) != PICTURES)
        return 0;
    return why_set(why, EX_USAGE, "%s: a graph is drawn as .svg, .png or .txt; give the file such a name",
                   path);
}

/* What is refused or lost of what is wanted or presumed to be: what comes late comes. */
static uint64_t harmed(const struct sweep_row *row)
{
    return row->wanted[HARM_TOLD].count + row->wanted[HARM_LOST].count + row->presumed[HARM_TOLD].count +
           row->presumed[HARM_LOST].count;
}

enum axis { HARMED, STOPPED, AXES };

/* From the least to the most of the rows that are shown, with room on either side of them. */
struct extent {
    uint64_t least, most, from, to;
};

static uint64_t value_of(const struct sweep_row *row, enum axis axis)
{
    return axis == HARMED ? harmed(row) : row->stopped.count;
}

static struct extent extent_of(const struct sweep_shown *shown, enum axis axis)
{
    struct extent extent = { UINT64_MAX, 0, 0, 0 };
    for (size_t i = 0; i < shown->count; i++) {
        uint64_t value = value_of(&shown->rows[shown->order[i]], axis);
        extent.least = value < extent.least ? value : extent.least;
        extent.most = value > extent.most ? value : extent.most;
    }
    if (extent.least > extent.most)
        extent.least = extent.most;
    uint64_t room = (extent.most - extent.least) / 20 + 1;
    extent.from = extent.least > room ? extent.least - room : 0;
    extent.to = extent.most + room;
    return extent;
}

/* Whether two rows' numbers would stand on one another. */
static bool is_beside(const struct sweep_row *a, const struct sweep_row *b, const struct extent extents[AXES])
{
    static const double apart[AXES] = { 0.025, 0.03 };
    for (enum axis axis = HARMED; axis < AXES; axis++) {
        double between = (double)value_of(a, axis) - (double)value_of(b, axis);
        if (fabs(between) > apart[axis] * (double)(extents[axis].to - extents[axis].from))
            return false;
    }
    return true;
}

/* The numbers of the front's rows that stand here: of those that stand together the first has them all. */
static struct str numbers_at(const struct sweep_shown *shown, size_t at, const struct extent extents[AXES],
                             struct arena *arena)
{
    struct str numbers = { NULL, 0 };
    for (size_t i = 0; i < shown->count; i++) {
        const struct sweep_row *row = &shown->rows[shown->order[i]];
        if (!row->front || !is_beside(row, &shown->rows[shown->order[at]], extents))
            continue;
        if (i < at)
            return STR("");
        numbers = numbers.at ? arena_printf(arena, "%.*s, %zu", STR_ARG(numbers), shown->order[i])
                             : arena_printf(arena, "%zu", shown->order[i]);
    }
    return numbers;
}

static void put_data(const struct sweep_shown *shown, const char *name, bool front,
                     const struct extent extents[AXES], FILE *to)
{
    struct arena arena = { 0 };
    fprintf(to, "$%s << E\n", name);
    for (size_t i = 0; i < shown->count; i++) {
        const struct sweep_row *row = &shown->rows[shown->order[i]];
        if (row->front == front)
            fprintf(to, "%" PRIu64 " %" PRIu64 " \"%.*s\"\n", harmed(row), row->stopped.count,
                    STR_ARG(front ? numbers_at(shown, i, extents, &arena) : STR("")));
    }
    fputs("E\n", to);
    arena_free(&arena);
}

/* No label of a tick is there twice: they are whole numbers. */
static void put_axis(char name, const struct extent *extent, FILE *to)
{
    fprintf(to, "set %crange [%" PRIu64 ":%" PRIu64 "]\n", name, extent->from, extent->to);
    if (extent->to - extent->from <= 10)
        fprintf(to, "set %ctics 1\n", name);
}

static size_t count_front(const struct sweep_shown *shown)
{
    size_t count = 0;
    for (size_t i = 0; i < shown->count; i++)
        count += shown->rows[shown->order[i]].front;
    return count;
}

/* The rows of the front by number and name, beside the plot. */
static void put_names(const struct sweep_shown *shown, FILE *to)
{
    struct arena arena = { 0 };
    size_t said = 0;
    for (size_t i = 0; i < shown->count && said < NAMES_MOST; i++) {
        size_t row = shown->order[i];
        if (!shown->rows[row].front)
            continue;
        struct str name = text_fit(&arena, text_visible(&arena, shown->names[row]), NAME_WIDTH);
        fputs("set label ", to);
        escape_gnuplot(to, arena_printf(&arena, "%zu  %.*s", row, STR_ARG(name)));
        fprintf(to, " at graph 1.02, graph 0.%03zu left font ',10' noenhanced\n", 960 - 60 * said);
        said++;
    }
    if (count_front(shown) > said)
        fprintf(to, "set label \"and %zu more\" at graph 1.02, graph 0.%03zu left font ',10' noenhanced\n",
                count_front(shown) - said, 960 - 60 * said);
    arena_free(&arena);
}

static struct str title_of(const struct sweep_shown *shown, struct arena *arena)
{
    return arena_printf(arena, "Policy %.*s varied: what is stopped, and what it hurts",
                        STR_ARG(text_fit(arena, text_visible(arena, shown->policy), 40)));
}

static void put_script(const struct sweep_shown *shown, const struct sheet *sheet)
{
    const char *units = unit_plural[shown->unit];
    struct arena arena = { 0 };
    FILE *to = sheet->to;
    sheet_begin(sheet);
    fputs("set title ", to);
    escape_gnuplot(to, title_of(shown, &arena));
    fputs(" noenhanced\nset xlabel ", to);
    escape_gnuplot(to, arena_printf(&arena, "%s refused or lost that were wanted or accepted", units));
    fputs("\nset ylabel ", to);
    escape_gnuplot(to, arena_printf(&arena, "%s stopped", units));
    fputs("\nunset key\nset rmargin at screen 0.66\nset border 3 linecolor rgb '" AXIS "'\n"
          "set tics nomirror textcolor rgb '" FAINT
          "' font ',11' format '%.0f'\nset grid back linetype 1 linecolor rgb '" GRID "'\n",
          to);
    put_names(shown, to);
    size_t front = count_front(shown);
    const struct extent extents[AXES] = { extent_of(shown, HARMED), extent_of(shown, STOPPED) };
    put_axis('x', &extents[HARMED], to);
    put_axis('y', &extents[STOPPED], to);
    put_data(shown, "others", false, extents, to);
    put_data(shown, "front", true, extents, to);
    const char *before = "plot ";
    if (front < shown->count) {
        fprintf(to, "%s$others using 1:2 with points pointtype 7 pointsize 0.5 linecolor rgb '" AXIS "'",
                before);
        before = ", ";
    }
    if (front)
        fprintf(to,
                "%s$front using 1:2 with points pointtype 7 pointsize 0.9 linecolor rgb '#0b62a4', "
                "$front using 1:2:3 with labels offset 0.6,0.6 left font ',10' textcolor rgb '" INK "'",
                before);
    fputs("\n", to);
    arena_free(&arena);
}

static int draw(const struct sweep_shown *shown, const char *path, const struct gnuplot *gnuplot,
                struct why *why)
{
    struct sheet sheet = { .picture = picture_of(path, why), .width = WIDTH, .height = HEIGHT };
    struct picture_bytes bytes = { 0 };
    struct arena arena = { 0 };
    char *text = NULL;
    size_t len = 0;
    if (sheet.picture == PICTURES)
        return -1;
    sheet.to = open_memstream(&text, &len);
    if (!sheet.to)
        return why_set(why, EX_OSERR, "there is no memory for the graph's script");
    put_script(shown, &sheet);
    fclose(sheet.to);
    int result = picture_draw(sheet.picture, (struct str){ text, len }, gnuplot, &bytes, why);
    if (result == 0 && sheet.picture == PICTURE_SVG)
        svg_mend(&bytes, title_of(shown, &arena), NULL, 0);
    free(text);
    arena_free(&arena);
    return result == 0 ? picture_write(&bytes, path, why) : -1;
}

/* ---- For the terminal: a * for the front, with its row's number behind it where there is room. */

struct canvas {
    char cell[HIGH][WIDE + 1];
};

static size_t place(uint64_t value, const struct extent *extent, size_t room)
{
    return extent->most > extent->least
               ? (size_t)((double)(value - extent->least) / (double)(extent->most - extent->least) *
                              (double)(room - 1) +
                          0.5)
               : 0;
}

static void mark(struct canvas *canvas, size_t x, size_t y, bool front, struct str numbers)
{
    char *line = canvas->cell[HIGH - 1 - y];
    if (!front) {
        line[x] = line[x] == ' ' ? '.' : line[x];
        return;
    }
    line[x] = '*';
    bool room = x + 1 + numbers.len < WIDE;
    for (size_t i = 0; room && i <= numbers.len; i++)
        room = line[x + 1 + i] == ' ' || line[x + 1 + i] == '.';
    if (room && numbers.len)
        memcpy(line + x + 1, numbers.at, numbers.len);
}

static void put_text(const struct sweep_shown *shown, FILE *to)
{
    struct canvas canvas;
    const struct extent extents[AXES] = { extent_of(shown, HARMED), extent_of(shown, STOPPED) };
    const struct extent *across = &extents[HARMED], *up = &extents[STOPPED];
    struct arena arena = { 0 };
    for (size_t y = 0; y < HIGH; y++) {
        memset(canvas.cell[y], ' ', WIDE);
        canvas.cell[y][WIDE] = '\0';
    }
    for (size_t i = 0; i < shown->count; i++) {
        const struct sweep_row *row = &shown->rows[shown->order[i]];
        mark(&canvas, place(harmed(row), across, WIDE), place(row->stopped.count, up, HIGH), row->front,
             row->front ? numbers_at(shown, i, extents, &arena) : STR(""));
    }
    fprintf(to, "%s stopped\n", unit_plural[shown->unit]);
    for (size_t y = 0; y < HIGH; y++) {
        size_t len = WIDE;
        while (len && canvas.cell[y][len - 1] == ' ')
            len--;
        char label[24] = "";
        if (y == 0 || y == HIGH - 1)
            snprintf(label, sizeof label, "%" PRIu64, y ? up->least : up->most);
        fprintf(to, "%10s |%.*s\n", label, (int)len, canvas.cell[y]);
    }
    fprintf(to, "%10s +", "");
    for (size_t x = 0; x < WIDE; x++)
        putc('-', to);
    if (across->most > across->least)
        fprintf(to, "\n%12s%-*" PRIu64 "%" PRIu64, "", WIDE - 8, across->least, across->most);
    else
        fprintf(to, "\n%12s%" PRIu64, "", across->least);
    fprintf(to, "\n%12sof them wanted or accepted, and refused or lost\n\n", "");
    for (size_t i = 0; i < shown->count; i++) {
        size_t row = shown->order[i];
        if (!shown->rows[row].front)
            continue;
        fprintf(to, "%6zu  ", row);
        escape_plain(to, shown->names[row]);
        putc('\n', to);
    }
    arena_free(&arena);
}

int sweep_graph(const struct sweep_shown *shown, const char *path, const struct gnuplot *gnuplot,
                struct why *why)
{
    if (!is_text(path))
        return draw(shown, path, gnuplot, why);
    struct whole_file file;
    if (whole_file_open(&file, path, why) < 0)
        return -1;
    put_text(shown, file.to);
    return whole_file_keep(&file, why);
}

/* Filling a section. */
#include "report/section.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "report/utf8.h"
#include "report/words.h"

/* An arena has no realloc(): what grows is copied to twice the room. */
static void *grown(struct arena *arena, void *old, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return old;
    *room = *room ? 2 * *room : 8;
    void *new = arena_zero(arena, *room * size);
    if (count)
        memcpy(new, old, count * size);
    return new;
}

static struct part *add_part(struct section *section, enum part_kind kind, unsigned in)
{
    section->parts =
        grown(section->arena, section->parts, section->count, &section->room, sizeof *section->parts);
    struct part *part = &section->parts[section->count++];
    *part = (struct part){ .kind = kind, .in = in };
    return part;
}

void section_say(struct section *section, unsigned in, struct str text)
{
    add_part(section, PART_SAY, in)->text = text;
}

void section_item(struct section *section, unsigned in, struct str text)
{
    add_part(section, PART_ITEM, in)->text = text;
}

void section_verbatim(struct section *section, unsigned in, struct str text)
{
    add_part(section, PART_VERBATIM, in)->text = text;
}

void section_card(struct section *section, struct str what, struct str number, struct str more)
{
    struct part *part = add_part(section, PART_CARD, FOR_PEOPLE);
    part->what = what;
    part->text = number;
    part->more = more;
}

void section_chart(struct section *section, struct chart *chart)
{
    add_part(section, PART_CHART, IN_PAGE)->chart = chart;
}

struct grid *section_grid(struct section *section, const char *name, unsigned in,
                          const struct grid_column *columns, size_t count)
{
    struct part *part = add_part(section, PART_GRID, in);
    struct grid *grid = arena_zero(section->arena, sizeof *grid);
    *grid = (struct grid){
        .name = name, .in = in, .columns = columns, .column_count = count, .arena = section->arena
    };
    part->grid = grid;
    return grid;
}

/* ---- Rows. */

void grid_row_of(struct grid *grid, struct str measure, uint32_t rgb)
{
    grid->rows = grown(grid->arena, grid->rows, grid->row_count, &grid->row_room, sizeof *grid->rows);
    assert(grid->row_count == 0 || grid->rows[grid->row_count - 1].filled == grid->column_count);
    grid->rows[grid->row_count++] = (struct grid_row){
        .cells = arena_zero(grid->arena, grid->column_count * sizeof(struct grid_cell)),
        .measure = measure,
        .rgb = rgb,
    };
}

void grid_row(struct grid *grid)
{
    grid_row_of(grid, (struct str){ NULL, 0 }, 0);
}

void grid_row_total(struct grid *grid)
{
    grid_row(grid);
    grid->rows[grid->row_count - 1].total = true;
}

static struct grid_cell *next_cell(struct grid *grid)
{
    struct grid_row *row = &grid->rows[grid->row_count - 1];
    assert(row->filled < grid->column_count);
    return &row->cells[row->filled++];
}

void grid_put(struct grid *grid, struct str text, struct str shown)
{
    struct grid_cell *cell = next_cell(grid);
    cell->text = text;
    cell->shown = shown;
}

void grid_text(struct grid *grid, struct str text)
{
    grid_put(grid, text, (struct str){ NULL, 0 });
}

void grid_unknown(struct grid *grid)
{
    grid_put(grid, (struct str){ NULL, 0 }, (struct str){ NULL, 0 });
}

void grid_count(struct grid *grid, uint64_t count)
{
    grid_put(grid, arena_printf(grid->arena, "%" PRIu64, count), grouped(grid->arena, count));
}

void grid_percent(struct grid *grid, uint64_t count, uint64_t of)
{
    char text[16];
    percent_format(count, of, text);
    if (of)
        grid_text(grid, arena_str(grid->arena, str_of(text)));
    else
        grid_unknown(grid);
}

void grid_number(struct grid *grid, double number, unsigned places)
{
    char text[NUMBER_BYTES];
    if (isfinite(number))
        grid_text(grid, arena_str(grid->arena, str_of(number_text(number, places, text))));
    else
        grid_unknown(grid);
}

void grid_bar(struct grid *grid, uint64_t low, uint64_t high, uint64_t of)
{
    struct grid_cell *cell = next_cell(grid);
    high = high < of ? high : of;
    low = low < high ? low : high;
    cell->sure = of ? (double)low * 100 / (double)of : 0;
    cell->maybe = of ? (double)(high - low) * 100 / (double)of : 0;
}

bool grid_shows(const struct grid *grid, size_t column, unsigned in)
{
    const struct grid_column *is = &grid->columns[column];
    if (!(is->in & in))
        return false;
    if (is->in & IN_DATA || is->kind == GRID_BAR || grid->row_count == 0)
        return true;
    for (size_t r = 0; r < grid->row_count; r++)
        if (grid->rows[r].cells[column].text.len || grid->rows[r].cells[column].shown.len)
            return true;
    return false;
}

/* ---- Numbers for people. */

struct str grouped(struct arena *arena, uint64_t count)
{
    char text[GROUPED_BYTES];
    size_t len = text_grouped(count, text);
    return arena_str(arena, (struct str){ text, len });
}

struct str grouped_of(struct arena *arena, uint64_t count, enum basis basis)
{
    char text[GROUPED_BYTES];
    text_grouped(count, text);
    const char *mark = basis == BASIS_ESTIMATED ? "~" : basis == BASIS_GUESSED ? "?" : "";
    return arena_printf(arena, "%s%s", mark, text);
}

struct str grouped_bounds(struct arena *arena, uint64_t low, uint64_t high)
{
    char from[GROUPED_BYTES], to[GROUPED_BYTES];
    text_grouped(low, from);
    text_grouped(high, to);
    return low == high ? STR("") : arena_printf(arena, "%s to %s", from, to);
}

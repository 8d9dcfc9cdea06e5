/* What becomes of the same units under two policies. */
#include <inttypes.h>
#include <stdlib.h>

#include "report/compare_table.h"
#include "report/slices.h"
#include "report/utf8.h"
#include "report/words.h"

enum { MATRIX_COLUMNS = 100, NAME_COLUMNS = 24, GAP = 2 };

struct matrix {
    const struct comparison *comparison;
    const struct tally *down, *across;
    struct arena arena;
};

static const struct bounded *cell_at(const struct matrix *matrix, size_t i, size_t k)
{
    return &matrix->comparison->cell[i * matrix->across->row_count + k];
}

static struct str cell_text(struct matrix *matrix, size_t i, size_t k)
{
    const struct bounded *cell = cell_at(matrix, i, k);
    return cell->high ? bounded_text(cell, &matrix->arena) : STR("");
}

static struct str row_text(struct matrix *matrix, const struct row *row)
{
    return bounded_text(&(struct bounded){ row->count, row->low, row->high }, &matrix->arena);
}

/* ---- As a matrix. Rows and columns in which there is nothing are left out. */

static size_t wider(size_t width, struct str text)
{
    size_t other = text_width(text);
    return other > width ? other : width;
}

static size_t width_of(struct matrix *matrix)
{
    size_t width = 0, sum = wider(0, STR("together"));
    for (size_t i = 0; i < matrix->down->row_count; i++)
        if (matrix->down->rows[i].high) {
            sum = wider(sum, matrix->down->rows[i].name);
            width = wider(width, row_text(matrix, &matrix->down->rows[i]));
        }
    sum += GAP + wider(width, STR("together"));
    for (size_t k = 0; k < matrix->across->row_count; k++) {
        if (!matrix->across->rows[k].high)
            continue;
        width = wider(text_width(matrix->across->rows[k].name), row_text(matrix, &matrix->across->rows[k]));
        for (size_t i = 0; i < matrix->down->row_count; i++)
            width = wider(width, cell_text(matrix, i, k));
        sum += GAP + width;
    }
    return sum;
}

static int put_matrix(struct matrix *matrix, enum table_format format, FILE *to, struct why *why)
{
    const struct tally *down = matrix->down, *across = matrix->across;
    struct column *columns = arena_zero(&matrix->arena, (across->row_count + 2) * sizeof *columns);
    size_t wide = 0;
    columns[wide++] = (struct column){ .name = "row", .title = STR(""), .most = NAME_COLUMNS };
    for (size_t k = 0; k < across->row_count; k++)
        if (across->rows[k].high)
            columns[wide++] =
                (struct column){ .name = "count", .title = across->rows[k].name, .number = true };
    columns[wide++] = (struct column){ .name = "together", .number = true };
    struct table *table = table_open(to, format, columns, wide);
    for (size_t i = 0; i < down->row_count; i++) {
        if (!down->rows[i].high)
            continue;
        table_cell(table, down->rows[i].name);
        for (size_t k = 0; k < across->row_count; k++)
            if (across->rows[k].high)
                table_cell(table, cell_text(matrix, i, k));
        table_cell(table, row_text(matrix, &down->rows[i]));
    }
    table_rule(table);
    table_cell(table, STR("together"));
    for (size_t k = 0; k < across->row_count; k++)
        if (across->rows[k].high)
            table_cell(table, row_text(matrix, &across->rows[k]));
    table_count(table, down->units);
    return table_close(table, why);
}

/* ---- As a list. */

struct place {
    const struct bounded *cell;
    size_t i, k;
};

static int by_count(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    if (a->cell->count != b->cell->count)
        return a->cell->count > b->cell->count ? -1 : 1;
    return (a->cell > b->cell) - (a->cell < b->cell); /* as they stand in the matrix */
}

static int put_list(struct matrix *matrix, enum table_format format, FILE *to, struct why *why)
{
    const struct column columns[] = {
        { .name = "a",
          .title = compare_side_name(matrix->comparison, 0, &matrix->arena),
          .most = NAME_COLUMNS },
        { .name = "b",
          .title = compare_side_name(matrix->comparison, 1, &matrix->arena),
          .most = NAME_COLUMNS },
        { .name = "count", .title = str_of(unit_plural[matrix->down->unit]), .number = true },
    };
    const struct tally *down = matrix->down, *across = matrix->across;
    struct place *places = arena_alloc(&matrix->arena, down->row_count * across->row_count * sizeof *places);
    size_t count = 0, possible = 0;
    for (size_t i = 0; i < down->row_count; i++)
        for (size_t k = 0; k < across->row_count; k++) {
            const struct bounded *cell = cell_at(matrix, i, k);
            if (cell->count || cell->low)
                places[count++] = (struct place){ cell, i, k };
            else
                possible += cell->high > 0;
        }
    qsort(places, count, sizeof *places, by_count);
    struct table *table = table_open(to, format, columns, sizeof columns / sizeof *columns);
    for (size_t n = 0; n < count; n++) {
        table_cell(table, down->rows[places[n].i].name);
        table_cell(table, across->rows[places[n].k].name);
        table_cell(table, bounded_text(places[n].cell, &matrix->arena));
    }
    int result = table_close(table, why);
    if (possible) {
        putc('\n', to);
        words_say(to, format,
                  "%zu more are possible, of none of which anything is expected: --format csv has them.",
                  possible);
    }
    return result;
}

static void put_heading(struct matrix *matrix, bool as_list, enum table_format format, FILE *to)
{
    const struct tally *tally = matrix->down;
    char period[PERIOD_TEXT_BYTES];
    period_text(tally->from, tally->to, period);
    struct str text =
        arena_printf(&matrix->arena, "%" PRIu64 " %s, %s (UTC).", tally->units,
                     tally->units == 1 ? unit_name[tally->unit] : unit_plural[tally->unit], period);
    if (!as_list)
        text = arena_printf(&matrix->arena, "%.*s Down: %.*s. Across: %.*s.", STR_ARG(text),
                            STR_ARG(compare_side_name(matrix->comparison, 0, &matrix->arena)),
                            STR_ARG(compare_side_name(matrix->comparison, 1, &matrix->arena)));
    words_put(to, format, text);
    putc('\n', to);
}

int compare_matrix(const struct comparison *comparison, enum table_format format, FILE *to, struct why *why)
{
    struct matrix matrix = { comparison, &comparison->side[0], &comparison->side[1], { 0 } };
    bool as_list = width_of(&matrix) > MATRIX_COLUMNS;
    put_heading(&matrix, as_list, format, to);
    int result = as_list ? put_list(&matrix, format, to, why) : put_matrix(&matrix, format, to, why);
    arena_free(&matrix.arena);
    return result;
}

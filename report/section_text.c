/* A section as plain text of TEXT_COLUMNS, for mail and terminals. */
#include "report/section.h"

#include <stdlib.h>
#include "report/escape.h"
#include "report/table.h"
#include "report/utf8.h"
#include "report/words.h"

enum { BETWEEN = 2, NARROWEST = 10, COLUMNS_MOST = 32 };

static void put_item(FILE *to, struct str text)
{
    struct arena arena = { 0 };
    struct str rest = text_visible(&arena, text), line;
    for (const char *lead = "- "; text_wrap(&rest, TEXT_COLUMNS - 2, &line); lead = "  ")
        fprintf(to, "%s%.*s\n", lead, STR_ARG(line));
    arena_free(&arena);
}

static void put_card(FILE *to, const struct part *part)
{
    fprintf(to, "%12.*s  %.*s", STR_ARG(part->text), STR_ARG(part->what));
    if (part->more.len)
        fprintf(to, " (%.*s)", STR_ARG(part->more));
    putc('\n', to);
}

static struct str shown_of(const struct grid_cell *cell)
{
    return cell->shown.at ? cell->shown : cell->text;
}

/* What a title over numbers takes at least: table.c breaks it at blanks where it is longer than this. */
static size_t title_width(const struct column *column)
{
    enum { TITLE_WIDTH = 12 };
    size_t whole = text_width(column->title);
    return column->number && whole > TITLE_WIDTH ? TITLE_WIDTH : whole;
}

/* The widest texts give way until the table fits. */
static void fit(const struct grid *grid, const size_t *which, struct column *columns, size_t count)
{
    struct arena arena = { 0 };
    size_t width[COLUMNS_MOST], sum = BETWEEN * (count - 1);
    for (size_t i = 0; i < count; i++) {
        width[i] = title_width(&columns[i]);
        for (size_t r = 0; r < grid->row_count; r++) {
            size_t cell = text_width(text_visible(&arena, shown_of(&grid->rows[r].cells[which[i]])));
            width[i] = cell > width[i] ? cell : width[i];
        }
        sum += width[i];
    }
    arena_free(&arena);
    while (sum > TEXT_COLUMNS) {
        size_t widest = count;
        for (size_t i = 0; i < count; i++)
            if (!columns[i].number && width[i] > NARROWEST && (widest == count || width[i] > width[widest]))
                widest = i;
        if (widest == count)
            break;
        width[widest]--;
        sum--;
        columns[widest].most = (unsigned)width[widest];
    }
}

static void put_grid(const struct grid *grid, FILE *to)
{
    struct column columns[COLUMNS_MOST] = { { 0 } };
    size_t which[COLUMNS_MOST], count = 0;
    struct why unused;
    if (grid->caption.at) {
        words_put(to, TABLE_TEXT, grid->caption);
        putc('\n', to);
    }
    if (grid->row_count == 0) {
        words_put(to, TABLE_TEXT, grid->nothing.at ? grid->nothing : STR("None."));
        return;
    }
    for (size_t c = 0; c < grid->column_count && count < COLUMNS_MOST; c++) {
        const struct grid_column *column = &grid->columns[c];
        if (!grid_shows(grid, c, IN_TEXT) || column->kind == GRID_BAR)
            continue;
        columns[count] = (struct column){ .name = column->name,
                                          .title = column->title.at ? column->title : str_of(column->name),
                                          .number = column->kind == GRID_NUMBER };
        which[count++] = c;
    }
    fit(grid, which, columns, count);
    struct table *table = table_open(to, TABLE_TEXT, columns, count);
    for (size_t r = 0; r < grid->row_count; r++) {
        if (grid->rows[r].total)
            table_rule(table);
        for (size_t i = 0; i < count; i++)
            table_cell(table, shown_of(&grid->rows[r].cells[which[i]]));
    }
    table_close(table, &unused);
}

void section_text(const struct section *section, FILE *to)
{
    const struct part *before = NULL;
    for (size_t i = 0; i < section->count; i++) {
        const struct part *part = &section->parts[i];
        if (!(part->in & IN_TEXT))
            continue;
        bool together = before && before->kind == part->kind &&
                        (part->kind == PART_ITEM || part->kind == PART_CARD || part->kind == PART_SAY);
        if (before && !together)
            putc('\n', to);
        if (part->kind == PART_SAY)
            words_put(to, TABLE_TEXT, part->text);
        else if (part->kind == PART_ITEM)
            put_item(to, part->text);
        else if (part->kind == PART_CARD)
            put_card(to, part);
        else if (part->kind == PART_VERBATIM)
            fprintf(to, "%.*s", STR_ARG(part->text));
        else if (part->kind == PART_GRID)
            put_grid(part->grid, to);
        before = part;
    }
}

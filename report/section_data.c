/* A section's tables for machines. */
#include "report/section.h"

#include "report/escape.h"
#include "report/json.h"

void grid_csv(const struct grid *grid, FILE *to)
{
    bool begun = false;
    for (size_t c = 0; c < grid->column_count; c++) {
        if (!(grid->columns[c].in & IN_DATA))
            continue;
        fprintf(to, "%s%s", begun ? "," : "", grid->columns[c].name);
        begun = true;
    }
    putc('\n', to);
    for (size_t r = 0; r < grid->row_count; r++) {
        begun = false;
        for (size_t c = 0; c < grid->column_count && !grid->rows[r].total; c++) {
            struct str text = grid->rows[r].cells[c].text;
            if (!(grid->columns[c].in & IN_DATA))
                continue;
            if (begun)
                putc(',', to);
            begun = true;
            if (grid->columns[c].kind == GRID_NUMBER)
                fprintf(to, "%.*s", STR_ARG(text));
            else
                escape_csv(to, text);
        }
        if (!grid->rows[r].total)
            putc('\n', to);
    }
}

void grid_json(const struct grid *grid, struct json *json, const char *name)
{
    json_array(json, name);
    for (size_t r = 0; r < grid->row_count; r++) {
        if (grid->rows[r].total)
            continue;
        json_flat(json);
        json_object(json, NULL);
        for (size_t c = 0; c < grid->column_count; c++) {
            const struct grid_column *column = &grid->columns[c];
            struct str text = grid->rows[r].cells[c].text;
            if (!(column->in & IN_DATA))
                continue;
            if (column->kind == GRID_NUMBER)
                json_number(json, column->name, text);
            else
                json_text(json, column->name, text);
        }
        json_end_object(json);
    }
    json_end_array(json);
}

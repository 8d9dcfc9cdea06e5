/* A section as HTML. All that is not ours goes through escape_html(). */
#include "report/section.h"

#include <inttypes.h>
#include "report/escape.h"
#include "report/svg.h"
#include "report/words.h"

static void put_card(FILE *to, const struct part *part)
{
    fputs("<dl><dt>", to);
    escape_html(to, part->what);
    fputs("</dt><dd><b>", to);
    escape_html(to, part->text);
    fputs("</b> <small>", to);
    escape_html(to, part->more);
    fputs("</small></dd></dl>\n", to);
}

static void put_number(FILE *to, double number)
{
    char text[NUMBER_BYTES];
    fputs(number_text(number, 2, text), to);
}

/* A share as a bar: what is certain in full colour, what is only possible pale, as in the graphs. */
static void put_bar(FILE *to, const struct grid_cell *cell, const struct grid_row *row)
{
    uint32_t rgb = row->measure.at ? row->rgb : 0x0072b2;
    fputs("<td class=\"share\" aria-hidden=\"true\">", to);
    if (cell->sure > 0) {
        fputs("<i style=\"width:", to);
        put_number(to, cell->sure);
        fprintf(to, "%%;background:#%06" PRIx32 "\"></i>", rgb);
    }
    if (cell->maybe > 0) {
        fputs("<i class=\"pale\" style=\"width:", to);
        put_number(to, cell->maybe);
        fprintf(to, "%%;background:#%06" PRIx32 "\"></i>", rgb);
    }
    fputs("</td>", to);
}

static void put_row(FILE *to, const struct grid *grid, const struct grid_row *row)
{
    bool first = true;
    if (row->measure.at) {
        fputs("<tr class=\"lit\" data-of=\"", to);
        escape_html(to, row->measure);
        fputs("\">", to);
    } else {
        fputs("<tr>", to);
    }
    for (size_t c = 0; c < grid->column_count; c++) {
        const struct grid_column *column = &grid->columns[c];
        const struct grid_cell *cell = &row->cells[c];
        struct str text = cell->shown.at ? cell->shown : cell->text;
        if (!grid_shows(grid, c, IN_PAGE))
            continue;
        if (column->kind == GRID_BAR) {
            put_bar(to, cell, row);
            continue;
        }
        bool number = column->kind == GRID_NUMBER;
        fputs(first ? "<th scope=\"row\">" : number ? "<td>" : "<td class=\"t\">", to);
        if (first && row->measure.at)
            fprintf(to, "<i class=\"swatch\" style=\"background:#%06" PRIx32 "\"></i>", row->rgb);
        escape_html(to, text);
        fputs(first ? "</th>" : "</td>", to);
        first = false;
    }
    fputs("</tr>\n", to);
}

static void put_head(FILE *to, const struct grid *grid)
{
    bool first = true;
    fputs("<thead><tr>", to);
    for (size_t c = 0; c < grid->column_count; c++) {
        const struct grid_column *column = &grid->columns[c];
        if (!grid_shows(grid, c, IN_PAGE))
            continue;
        if (column->kind == GRID_BAR) {
            fputs("<td class=\"share\"></td>", to);
            continue;
        }
        fputs(column->kind == GRID_TEXT && !first ? "<th scope=\"col\" class=\"t\">" : "<th scope=\"col\">",
              to);
        escape_html(to, column->title.at ? column->title : str_of(column->name));
        fputs("</th>", to);
        first = false;
    }
    fputs("</tr></thead>\n", to);
}

static void put_grid(FILE *to, const struct grid *grid)
{
    if (grid->folded) {
        fputs("<details>\n<summary>", to);
        escape_html(to, grid->caption);
        fputs("</summary>\n", to);
    } else if (grid->caption.at) {
        fputs("<h3>", to);
        escape_html(to, grid->caption);
        fputs("</h3>\n", to);
    }
    if (grid->row_count == 0) {
        fputs("<p>", to);
        escape_html(to, grid->nothing.at ? grid->nothing : STR("None."));
        fputs("</p>\n", to);
    } else {
        bool in_foot = false;
        fprintf(to, "<div class=\"wide\" tabindex=\"0\"><table id=\"t-%s\">\n", grid->name);
        put_head(to, grid);
        fputs("<tbody>\n", to);
        for (size_t r = 0; r < grid->row_count; r++) {
            if (grid->rows[r].total && !in_foot)
                fputs("</tbody>\n<tfoot>\n", to);
            in_foot = in_foot || grid->rows[r].total;
            put_row(to, grid, &grid->rows[r]);
        }
        fputs(in_foot ? "</tfoot>\n</table></div>\n" : "</tbody>\n</table></div>\n", to);
    }
    if (grid->folded)
        fputs("</details>\n", to);
    if (grid->in & IN_DATA)
        fprintf(to,
                "<p class=\"files\"><a href=\"tables/%s.csv\">%s.csv</a> <a "
                "href=\"tables/%s.json\">%s.json</a></p>\n",
                grid->name, grid->name, grid->name, grid->name);
}

static void put_chart(FILE *to, const struct chart *chart)
{
    fprintf(to, "<figure id=\"g-%s\"", chart->name);
    if (chart->values)
        fprintf(to, " data-values=\"t-%s\" data-left=\"%d\" data-right=\"%d\"", chart->values,
                (int)chart->left, (int)chart->right);
    fputs("><div class=\"wide\" tabindex=\"0\">", to);
    svg_inline((struct str){ chart->drawn[PICTURE_SVG].at, chart->drawn[PICTURE_SVG].len }, to);
    fprintf(to,
            "</div>\n<figcaption class=\"files\"><a href=\"graphs/%s.svg\">%s.svg</a> <a "
            "href=\"graphs/%s.png\">%s.png</a></figcaption>\n</figure>\n",
            chart->name, chart->name, chart->name, chart->name);
}

/* What cards and items stand in together. */
static const char *wrapper(enum part_kind kind, bool begin)
{
    return kind == PART_CARD ? (begin ? "<div class=\"cards\">\n" : "</div>\n")
           : begin           ? "<ul>\n"
                             : "</ul>\n";
}

static bool is_wrapped(enum part_kind kind)
{
    return kind == PART_CARD || kind == PART_ITEM;
}

static void put_part(FILE *to, const struct part *part)
{
    switch (part->kind) {
    case PART_CARD:
        put_card(to, part);
        return;
    case PART_GRID:
        put_grid(to, part->grid);
        return;
    case PART_CHART:
        put_chart(to, part->chart);
        return;
    case PART_SAY:
    case PART_ITEM:
    case PART_VERBATIM:
        break;
    }
    const char *element = part->kind == PART_SAY ? "p" : part->kind == PART_ITEM ? "li" : "pre";
    fprintf(to, "<%s>", element);
    escape_html(to, part->text);
    fprintf(to, "</%s>\n", element);
}

void section_page(const struct section *section, FILE *to)
{
    const struct part *open = NULL;
    for (size_t i = 0; i < section->count; i++) {
        const struct part *part = &section->parts[i];
        if (!(part->in & IN_PAGE))
            continue;
        if (open && open->kind != part->kind) {
            fputs(wrapper(open->kind, false), to);
            open = NULL;
        }
        if (!open && is_wrapped(part->kind)) {
            fputs(wrapper(part->kind, true), to);
            open = part;
        }
        put_part(to, part);
    }
    if (open)
        fputs(wrapper(open->kind, false), to);
}

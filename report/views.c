/* The sections of a report: numbers at a glance, the table, the two graphs, the days, what the server did,
 * and what was assumed. */
#define _GNU_SOURCE
#include "report/views.h"

#include <inttypes.h>
#include "report/escape.h"
#include "report/replay_table.h"
#include "report/slices.h"
#include "report/svg.h"
#include "report/utf8.h"
#include "report/words.h"

static void put_grouped(FILE *to, uint64_t count)
{
    char text[GROUPED_BYTES];
    text_grouped(count, text);
    fputs(text, to);
}

static const char *mark_of(enum basis basis)
{
    return basis == BASIS_ESTIMATED ? "~" : basis == BASIS_GUESSED ? "?" : "";
}

static const struct row *accepted_row(const struct tally *tally)
{
    for (size_t i = 0; i < tally->row_count; i++)
        if (tally->rows[i].kind == ROW_ACCEPTED)
            return &tally->rows[i];
    return NULL;
}

/* What the measures stop together, with the weakest basis among them. */
static uint64_t stopped(const struct tally *tally, enum basis *basis)
{
    uint64_t sum = 0;
    *basis = BASIS_EXACT;
    for (size_t i = 0; i < tally->row_count; i++) {
        const struct row *row = &tally->rows[i];
        if (row->kind != ROW_MEASURE)
            continue;
        sum += row->count;
        *basis = row->basis > *basis ? row->basis : *basis;
    }
    return sum;
}

/* "2,800 to 3,424" */
static void bounds_text(const struct row *row, char text[2 * GROUPED_BYTES + 8])
{
    size_t len = text_grouped(row->low, text);
    len += (size_t)sprintf(text + len, " to ");
    text_grouped(row->high, text + len);
}

/* At a glance */

static void put_card(FILE *to, const char *what, const char *mark, uint64_t count, const char *percent,
                     const char *more)
{
    fprintf(to, "<div><dt>%s</dt><dd><b>%s", what, mark);
    put_grouped(to, count);
    fprintf(to, "</b>%s%s%s <small>%s</small></dd></div>\n", *percent ? " " : "", percent,
            *percent ? " %" : "", more);
}

static void glance_page(const struct report *report, FILE *to)
{
    const struct tally *tally = report->month->tally;
    const struct row *accepted = accepted_row(tally);
    char percent[16], bounds[2 * GROUPED_BYTES + 8] = "";
    fputs("<dl class=\"cards\">\n", to);
    put_card(to, unit_plural[tally->unit], "", tally->units, "", "");
    enum basis basis;
    uint64_t sum = stopped(tally, &basis);
    percent_format(sum, tally->base, percent);
    put_card(to, "stopped by a measure", mark_of(basis), sum, percent, "");
    if (accepted) {
        percent_format(accepted->count, tally->base, percent);
        if (!row_is_exact(accepted))
            bounds_text(accepted, bounds);
        put_card(to, "accepted", mark_of(accepted->basis), accepted->count, percent, bounds);
    }
    if (tally->delayed)
        put_card(to, "of them accepted late", "", tally->delayed, "", "");
    fputs("</dl>\n", to);
}

/* The table */

/* A share as a bar: what is certain in full colour, what is only possible pale, as in the graphs. */
static void put_share(FILE *to, const struct tally *tally, const struct row *row, struct ink ink)
{
    char low[16], pale[16];
    uint64_t high = row->high < tally->base ? row->high : tally->base;
    uint64_t sure = row->low < high ? row->low : high;
    percent_format(sure, tally->base, low);
    percent_format(high - sure, tally->base, pale);
    fprintf(to,
            "<td class=\"share\" aria-hidden=\"true\"><i style=\"width:%s%%;background:#%06" PRIx32
            "\"></i><i class=\"pale\" style=\"width:%s%%;background:#%06" PRIx32 "\"></i></td>",
            low, ink.rgb, pale, ink.rgb);
}

static void put_row(FILE *to, const struct tally *tally, const struct row *row, struct ink ink)
{
    char percent[ROW_TEXT_BYTES], bounds[2 * GROUPED_BYTES + 8] = "";
    fprintf(to, "<tr><th scope=\"row\"><i class=\"swatch\" style=\"background:#%06" PRIx32 "\"></i>",
            ink.rgb);
    escape_html(to, row->title);
    fprintf(to, "</th><td>%s%s", row->at_least ? "≥ " : "", mark_of(row->basis));
    put_grouped(to, row->count);
    row_percent_text(tally, row, percent);
    fprintf(to, "</td><td>%s</td><td>", percent);
    if (!row_is_exact(row))
        bounds_text(row, bounds);
    fprintf(to, "%s</td>", bounds);
    if (row_has_percent(tally, row))
        put_share(to, tally, row, ink);
    else
        fputs("<td class=\"share\"></td>", to);
    fputs("</tr>\n", to);
}

static void tally_page(const struct tally *tally, struct arena *arena, FILE *to)
{
    struct ink *inks = arena_zero(arena, tally->row_count * sizeof *inks);
    palette_assign(tally, inks);
    fputs("<div class=\"wide\"><table>\n<thead><tr><th scope=\"col\">What happened</th><th "
          "scope=\"col\">Count</th>"
          "<th scope=\"col\">Percent</th><th scope=\"col\">Low to high</th><td "
          "class=\"share\"></td></tr></thead>\n"
          "<tbody>\n",
          to);
    for (size_t i = 0; i < tally->row_count; i++)
        put_row(to, tally, &tally->rows[i], inks[i]);
    fputs("</tbody>\n<tfoot><tr><th scope=\"row\">together</th><td>", to);
    put_grouped(to, tally->units);
    fputs("</td><td></td><td></td><td class=\"share\"></td></tr></tfoot>\n</table></div>\n", to);
}

static void table_page(const struct report *report, FILE *to)
{
    tally_page(report->month->tally, report->arena, to);
}

static void table_text(const struct report *report, FILE *to)
{
    replay_table_print(report->month->tally, TABLE_TEXT, to, NULL);
}

/* The graphs */

static bool has_slices(const struct report *report)
{
    return report->month->tally->slice_count > 0;
}

static void graph_page(const struct report *report, enum graph graph, const char *caption, FILE *to)
{
    fputs("<figure>\n<div class=\"wide\">", to);
    svg_inline((struct str){ report->svg[graph].at, report->svg[graph].len }, to);
    fprintf(to, "</div>\n<figcaption>%s</figcaption>\n</figure>\n", caption);
}

static void graph_text(const struct report *report, enum graph graph, FILE *to)
{
    struct text_graph options = { .graph = graph, .width = TEXT_COLUMNS };
    text_graph_print(report->month->tally, &options, to, NULL);
}

static void counts_page(const struct report *report, FILE *to)
{
    graph_page(report, GRAPH_COUNTS, "Stacked in the order of the table, what was accepted at the bottom.",
               to);
}

static void counts_text(const struct report *report, FILE *to)
{
    graph_text(report, GRAPH_COUNTS, to);
}

static void percent_page(const struct report *report, FILE *to)
{
    graph_page(report, GRAPH_PERCENT, "The same, each bar as 100 percent.", to);
}

static void percent_text(const struct report *report, FILE *to)
{
    graph_text(report, GRAPH_PERCENT, to);
}

/* The numbers behind the graphs */

static void series_page(const struct report *report, FILE *to)
{
    const struct tally *tally = report->month->tally;
    enum slice_kind kind = slices_kind(tally);
    fprintf(to,
            "<details>\n<summary>The numbers of each %s</summary>\n<div class=\"wide\"><table>\n<thead><tr>"
            "<th scope=\"col\">%s</th>",
            slice_kind_name[kind], slice_kind_name[kind]);
    for (size_t i = 0; i < tally->row_count; i++) {
        fputs("<th scope=\"col\">", to);
        escape_html(to, tally->rows[i].title);
        fputs("</th>", to);
    }
    fputs("<th scope=\"col\">together</th></tr></thead>\n<tbody>\n", to);
    for (size_t s = 0; s < tally->slice_count; s++) {
        const struct slice *slice = &tally->slices[s];
        char text[PERIOD_TEXT_BYTES];
        slice_text(slice->from, kind, text);
        fprintf(to, "<tr><th scope=\"row\">%s</th>", text);
        for (size_t i = 0; i < tally->row_count; i++) {
            bool sure = slice->low[i] == slice->high[i];
            fprintf(to, "<td>%s", sure ? "" : mark_of(tally->rows[i].basis));
            put_grouped(to, slice->count[i]);
            fputs("</td>", to);
        }
        fputs("<td>", to);
        put_grouped(to, slice->units);
        fputs("</td></tr>\n", to);
    }
    fputs("</tbody>\n</table></div>\n</details>\n", to);
}

/* What the server itself did */

static bool has_recorded(const struct report *report)
{
    return report->month->recorded != NULL;
}

static void recorded_page(const struct report *report, FILE *to)
{
    tally_page(report->month->recorded, report->arena, to);
}

static void recorded_text(const struct report *report, FILE *to)
{
    replay_table_print(report->month->recorded, TABLE_TEXT, to, NULL);
}

/* What was assumed: in the text it stands under each table */

static void notes_page(const struct report *report, FILE *to)
{
    struct str *notes = NULL;
    size_t count = tally_notes(report->month->tally, report->arena, &notes);
    fputs("<ul>\n", to);
    for (size_t i = 0; i < count; i++) {
        fputs("<li>", to);
        escape_html(to, notes[i]);
        fputs("</li>\n", to);
    }
    if (count == 0)
        fputs("<li>All counts are exact: the record tells what became of each.</li>\n", to);
    fputs("<li>All times are UTC.</li>\n</ul>\n", to);
}

static const struct view glance_view = { "glance", "At a glance", NULL, glance_page, NULL };
static const struct view table_view = { "table", "What became of it", NULL, table_page, table_text };
static const struct view counts_view = { "counts", "Counts", NULL, counts_page, counts_text };
static const struct view percent_view = { "percent", "Shares", NULL, percent_page, percent_text };
static const struct view series_view = { "series", "In numbers", has_slices, series_page, NULL };
static const struct view recorded_view = { "recorded", "What the server did", has_recorded, recorded_page,
                                           recorded_text };
static const struct view notes_view = { "notes", "How to read it", NULL, notes_page, NULL };

const struct view *const views[] = { &glance_view, &table_view,    &counts_view, &percent_view,
                                     &series_view, &recorded_view, &notes_view,  NULL };

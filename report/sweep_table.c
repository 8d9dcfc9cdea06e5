/* A sweep for people and for machines. */
#define _GNU_SOURCE
#include "report/sweep_table.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include "report/escape.h"
#include "report/json.h"
#include "report/utf8.h"
#include "report/words.h"

enum { NAME_COLUMNS = 60 };

/* With up to so many digits behind the point. */
static struct str short_number(double number, unsigned places, struct arena *arena)
{
    char text[NUMBER_BYTES];
    size_t len = strlen(number_text(number, places, text));
    while (places && len && (text[len - 1] == '0' || text[len - 1] == '.'))
        if (text[--len] == '.')
            break;
    return arena_str(arena, (struct str){ text, len });
}

static struct str cost_text(const struct cost *cost, double unit, unsigned places, struct arena *arena)
{
    struct str text = short_number(cost->expected / unit, places, arena);
    if (cost->low == cost->high)
        return text;
    return arena_printf(arena, "%.*s [%.*s, %.*s]", STR_ARG(text),
                        STR_ARG(short_number(cost->low / unit, places, arena)),
                        STR_ARG(short_number(cost->high / unit, places, arena)));
}

/* Told, late and lost of those wanted, and of those presumed to be in brackets. */
static struct str harm_text(const struct sweep_row *row, int harm, struct arena *arena)
{
    struct str text = bounded_text(&row->wanted[harm], arena);
    if (row->presumed[harm].high == 0)
        return text;
    return arena_printf(arena, "%.*s + %.*s", STR_ARG(text),
                        STR_ARG(bounded_text(&row->presumed[harm], arena)));
}

static struct str minutes_text(const struct sweep_row *row, struct arena *arena)
{
    if (!row->delayed || isnan(row->delay_minutes))
        return STR("");
    return arena_printf(arena, "%.*s / %.*s", STR_ARG(short_number(row->delay_minutes, 1, arena)),
                        STR_ARG(short_number(row->delay_90, 1, arena)));
}

static void put_paragraph(struct str text, enum table_format format, FILE *to)
{
    words_put(to, format, text);
    if (format == TABLE_MARKDOWN)
        putc('\n', to);
}

static void put_legend(const struct sweep_shown *shown, enum table_format format, FILE *to)
{
    struct arena arena = { 0 };
    putc('\n', to);
    if (shown->left_out)
        put_paragraph(
            arena_printf(&arena, "%zu rows more are not shown; --most=0 shows all.", shown->left_out), format,
            to);
    put_paragraph(
        STR("* on the front: no other row stops as much with as little harm and cost, and is better "
            "in one of them."),
        format, to);
    put_paragraph(
        STR("told, late, lost: of what was wanted (by labels, logins, correspondents), and behind the "
            "+ of what is presumed to be, because it was accepted; refused with a 5xx, put off and "
            "let in later, not let in at all."),
        format, to);
    put_paragraph(
        STR("minutes: half of what comes late, and nine tenths of it, come within. messages reach the "
            "end of their data, and a scanner if there is one. [low, high] holds the truth."),
        format, to);
    arena_free(&arena);
}

/* Whether two rows have the same figures: policies that come to the same. */
static bool are_alike(const struct sweep_shown *shown, size_t one, size_t other)
{
    double a[SWEEP_FIGURES], b[SWEEP_FIGURES];
    sweep_figures(&shown->rows[one], a);
    sweep_figures(&shown->rows[other], b);
    for (size_t k = 0; k < SWEEP_FIGURES; k++)
        if (a[k] < b[k] || a[k] > b[k] || isnan(a[k]) != isnan(b[k]))
            return false;
    return shown->rows[one].front == shown->rows[other].front;
}

/* How many of those that are shown from the i-th on have its figures: with the same value they stand
 * together. */
static size_t count_alike(const struct sweep_shown *shown, size_t i)
{
    size_t count = 1;
    while (i + count < shown->count && are_alike(shown, shown->order[i], shown->order[i + count]))
        count++;
    return count;
}

static struct str row_name(const struct sweep_shown *shown, size_t row, size_t alike, struct arena *arena)
{
    struct str name = text_visible(arena, shown->names[row]);
    if (alike == 1)
        return text_fit(arena, name, NAME_COLUMNS);
    struct str more = arena_printf(arena, " (and %zu like it)", alike - 1);
    return arena_printf(arena, "%.*s%.*s", STR_ARG(text_fit(arena, name, NAME_COLUMNS - more.len)),
                        STR_ARG(more));
}

static int print_text(const struct sweep_shown *shown, enum table_format format, FILE *to, struct why *why)
{
    const struct column columns[] = {
        { .name = "row", .title = STR_INIT("#"), .number = true },
        { .name = "front", .title = STR_INIT("") },
        { .name = "policy", .title = STR_INIT("what is changed"), .most = NAME_COLUMNS },
        { .name = "stopped", .number = true },
        { .name = "told", .number = true },
        { .name = "late", .number = true },
        { .name = "lost", .number = true },
        { .name = "minutes", .number = true },
        { .name = "lookups", .title = STR_INIT("look-ups"), .number = true },
        { .name = "messages", .number = true },
        { .name = "megabytes", .title = STR_INIT("MB"), .number = true },
        { .name = "seconds", .title = STR_INIT("scan s"), .number = true },
        { .name = "value", .title = shown->formula.at ? STR("value") : STR(""), .number = true },
    };
    size_t count = sizeof columns / sizeof *columns - (shown->value == NULL);
    struct arena arena = { 0 };
    struct str heading =
        arena_printf(&arena, "Policy %.*s varied on %" PRIu64 " %s",
                     STR_ARG(text_fit(&arena, text_visible(&arena, shown->policy), 40)), shown->rows[0].units,
                     shown->rows[0].units == 1 ? unit_name[shown->unit] : unit_plural[shown->unit]);
    if (shown->value)
        heading = arena_printf(&arena, "%.*s, the best by %.*s first", STR_ARG(heading),
                               STR_ARG(text_visible(&arena, shown->formula)));
    put_paragraph(heading, format, to);
    if (format == TABLE_TEXT)
        putc('\n', to);
    struct table *table = table_open(to, format, columns, count);
    for (size_t i = 0, alike; i < shown->count; i += alike) {
        const struct sweep_row *row = &shown->rows[shown->order[i]];
        alike = count_alike(shown, i);
        table_count(table, shown->order[i]);
        table_cell(table, row->front ? STR("*") : STR(""));
        table_cell(table, row_name(shown, shown->order[i], alike, &arena));
        table_cell(table, bounded_text(&row->stopped, &arena));
        for (int harm = 0; harm < HARMS; harm++)
            table_cell(table, harm_text(row, harm, &arena));
        table_cell(table, minutes_text(row, &arena));
        table_cell(table, cost_text(&row->costs.look_ups, 1, 0, &arena));
        table_cell(table, cost_text(&row->costs.messages, 1, 0, &arena));
        table_cell(table, short_number(row->costs.bytes.expected / 1e6, 1, &arena));
        table_cell(table, cost_text(&row->costs.seconds, 1, 1, &arena));
        if (shown->value)
            table_cell(table, short_number(shown->value[shown->order[i]], 2, &arena));
    }
    int result = table_close(table, why);
    put_legend(shown, format, to);
    arena_free(&arena);
    return result ? result : printed(to, why);
}

/* Counts have no point, what is an expectation three digits. */
static struct str figure_text(double value, struct arena *arena)
{
    return short_number(value, 3, arena);
}

static int print_csv(const struct sweep_shown *shown, FILE *to, struct why *why)
{
    struct arena arena = { 0 };
    struct column columns[SWEEP_FIGURES + 4] = { { .name = "row", .number = true },
                                                 { .name = "policy" },
                                                 { .name = "front", .number = true } };
    for (size_t i = 0; i < SWEEP_FIGURES; i++)
        columns[3 + i] = (struct column){ .name = sweep_figure[i], .number = true };
    columns[SWEEP_FIGURES + 3] = (struct column){ .name = "value", .number = true };
    struct table *table = table_open(to, TABLE_CSV, columns, SWEEP_FIGURES + 4 - (shown->value == NULL));
    for (size_t i = 0; i < shown->count; i++) {
        const struct sweep_row *row = &shown->rows[shown->order[i]];
        double values[SWEEP_FIGURES];
        sweep_figures(row, values);
        table_count(table, shown->order[i]);
        table_cell(table, shown->names[shown->order[i]]);
        table_count(table, row->front);
        for (size_t k = 0; k < SWEEP_FIGURES; k++)
            table_cell(table, figure_text(values[k], &arena));
        if (shown->value)
            table_cell(table, figure_text(shown->value[shown->order[i]], &arena));
        arena_reset(&arena);
    }
    int result = table_close(table, why);
    arena_free(&arena);
    return result;
}

static int print_json(const struct sweep_shown *shown, FILE *to, struct why *why)
{
    struct json json = { .to = to };
    struct arena arena = { 0 };
    json_object(&json, NULL);
    json_text(&json, "policy", shown->policy);
    json_text(&json, "unit", str_of(unit_name[shown->unit]));
    json_count(&json, "units", shown->rows[0].units);
    json_text(&json, "best", shown->formula);
    json_array(&json, "rows");
    for (size_t i = 0; i < shown->count; i++) {
        const struct sweep_row *row = &shown->rows[shown->order[i]];
        double values[SWEEP_FIGURES];
        sweep_figures(row, values);
        json_flat(&json);
        json_object(&json, NULL);
        json_count(&json, "row", shown->order[i]);
        json_text(&json, "policy", shown->names[shown->order[i]]);
        json_bool(&json, "front", row->front);
        for (size_t k = 0; k < SWEEP_FIGURES; k++)
            json_number(&json, sweep_figure[k], figure_text(values[k], &arena));
        if (shown->value)
            json_number(&json, "value", figure_text(shown->value[shown->order[i]], &arena));
        json_end_object(&json);
        arena_reset(&arena);
    }
    json_end_array(&json);
    json_end_object(&json);
    arena_free(&arena);
    return printed(to, why);
}

int sweep_print(const struct sweep_shown *shown, enum table_format format, FILE *to, struct why *why)
{
    if (format == TABLE_CSV)
        return print_csv(shown, to, why);
    if (format == TABLE_JSON)
        return print_json(shown, to, why);
    return print_text(shown, format, to, why);
}

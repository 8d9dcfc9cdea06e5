/* The talk's table. */
#define _GNU_SOURCE
#include "report/replay_table.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "report/escape.h"
#include "report/json.h"
#include "report/slices.h"
#include "report/utf8.h"
#include "report/words.h"

bool row_has_percent(const struct tally *tally, const struct row *row)
{
    return row->kind != ROW_NOTHING || tally->unit == UNIT_SESSION;
}

struct str tally_zone(const struct tally *tally)
{
    return tally->zone.len ? tally->zone : STR("UTC");
}

bool tally_is_recorded(const struct tally *tally)
{
    return tally->policy.len == 0 || str_eq(tally->policy, STR("recorded"));
}

bool row_is_exact(const struct row *row)
{
    return row->basis == BASIS_EXACT && row->low == row->count && row->high == row->count;
}

void row_count_text(const struct row *row, char text[ROW_TEXT_BYTES])
{
    const char *mark = row->basis == BASIS_ESTIMATED ? "~" : row->basis == BASIS_GUESSED ? "?" : "";
    snprintf(text, ROW_TEXT_BYTES, "%s%s%" PRIu64, row->at_least ? ">=" : "", mark, row->count);
}

void row_bounds_text(const struct row *row, char text[ROW_TEXT_BYTES])
{
    text[0] = '\0';
    if (!row_is_exact(row))
        snprintf(text, ROW_TEXT_BYTES, "[%" PRIu64 ", %" PRIu64 "]", row->low, row->high);
}

void row_percent_text(const struct tally *tally, const struct row *row, char text[ROW_TEXT_BYTES])
{
    text[0] = '\0';
    if (row_has_percent(tally, row))
        percent_format(row->count, tally->base, text);
}

struct str tally_heading(const struct tally *tally, bool grouped, struct arena *arena)
{
    char period[PERIOD_TEXT_BYTES];
    period_text(tally->from, tally->to, period);
    const char *units = tally->units == 1 ? unit_name[tally->unit] : unit_plural[tally->unit];
    struct str policy = text_fit(arena, text_visible(arena, tally->policy), 40);
    char count[GROUPED_BYTES];
    if (grouped)
        text_grouped(tally->units, count);
    else
        snprintf(count, sizeof count, "%" PRIu64, tally->units);
    if (tally_is_recorded(tally))
        return arena_printf(arena, "What the server did with %s %s, %s (%.*s)", count, units, period,
                            STR_ARG(tally_zone(tally)));
    return arena_printf(arena, "Policy %.*s on %s %s, %s (%.*s)", STR_ARG(policy), count, units, period,
                        STR_ARG(tally_zone(tally)));
}

struct note_list {
    struct str *notes;
    size_t count;
};

static void note(struct note_list *list, struct str text)
{
    list->notes[list->count++] = text;
}

static bool is_exact(const struct tally *tally)
{
    for (size_t i = 0; i < tally->row_count; i++)
        if (!row_is_exact(&tally->rows[i]))
            return false;
    return true;
}

/* What the marks in the rows mean, each said only where it occurs. */
static void note_marks(struct note_list *list, const struct tally *tally)
{
    bool at_least = false, basis[BASES] = { false };
    for (size_t i = 0; i < tally->row_count; i++) {
        at_least = at_least || tally->rows[i].at_least;
        basis[tally->rows[i].basis] = true;
    }
    if (!is_exact(tally))
        note(list, STR("[low, high] is what is certain and what is possible; the truth lies inside."));
    if (basis[BASIS_ESTIMATED])
        note(list,
             STR("~ estimated: what the record does not tell is spread as among like units of which it does "
                 "tell."));
    if (basis[BASIS_GUESSED])
        note(list,
             STR("? guessed: there were too few like units to estimate from; the fewer, the nearer to one half."));
    if (at_least)
        note(list, STR(">= at least: the server cut sessions off, which hides what would have followed."));
}

size_t tally_notes(const struct tally *tally, struct arena *arena, struct str **notes)
{
    enum { OWN_NOTES = 8 };
    struct note_list list = { 0 };
    list.notes = arena_zero(arena, (OWN_NOTES + tally->row_count + tally->note_count) * sizeof *list.notes);
    note_marks(&list, tally);
    if (tally->base != tally->units)
        note(&list,
             arena_printf(arena, "Percentages are of the %" PRIu64 " %s in which something was attempted.",
                          tally->base, unit_plural[tally->unit]));
    if (tally->delayed && !isnan(tally->delay_minutes_median))
        note(&list,
             arena_printf(arena,
                          "%s%" PRIu64 " %s would be accepted late: half of them after %.1f minutes, 90 %% "
                          "within %.1f and 99 %% within %.1f.",
                          is_exact(tally) ? "" : "At least ", tally->delayed, unit_plural[tally->unit],
                          tally->delay_minutes_median, tally->delay_minutes_90, tally->delay_minutes_99));
    if (tally->seen_once)
        note(&list, arena_printf(arena, "%" PRIu64 " senders of what is put off were seen this once only.",
                                 tally->seen_once));
    for (size_t i = 0; i < tally->row_count; i++) {
        const struct row *row = &tally->rows[i];
        if (row->warned)
            note(&list, arena_printf(arena, "%.*s only warns, and stops nothing: %" PRIu64 " hits.",
                                     STR_ARG(text_visible(arena, row->title)), row->warned));
    }
    for (size_t i = 0; i < tally->note_count; i++)
        note(&list, text_visible(arena, tally->notes[i]));
    *notes = list.notes;
    return list.count;
}

static void put_heading(const struct tally *tally, enum table_format format, FILE *to)
{
    struct arena arena = { 0 };
    struct str heading = tally_heading(tally, false, &arena);
    if (format == TABLE_MARKDOWN) {
        fputs("**", to);
        escape_markdown(to, heading);
        fputs("**\n\n", to);
    } else {
        words_put(to, format, heading);
        putc('\n', to);
    }
    arena_free(&arena);
}

static void put_notes(const struct tally *tally, enum table_format format, FILE *to)
{
    struct arena arena = { 0 };
    struct str *notes = NULL;
    size_t count = tally_notes(tally, &arena, &notes);
    if (count)
        putc('\n', to);
    for (size_t i = 0; i < count; i++) {
        if (format == TABLE_MARKDOWN) {
            fputs("- ", to);
            escape_markdown(to, notes[i]);
            putc('\n', to);
            continue;
        }
        const char *indent = "";
        for (struct str line; text_wrap(&notes[i], TEXT_COLUMNS - strlen(indent), &line); indent = "  ")
            fprintf(to, "%s%.*s\n", indent, STR_ARG(line));
    }
    arena_free(&arena);
}

static int print_whole(const struct tally *tally, enum table_format format, FILE *to, struct why *why)
{
    bool bounds = false;
    for (size_t i = 0; i < tally->row_count; i++)
        bounds = bounds || !row_is_exact(&tally->rows[i]);
    struct column columns[] = {
        { .name = "title", .title = STR_INIT("What happened"), .most = 34 },
        { .name = "count", .title = STR_INIT("Count"), .number = true },
        { .name = "percent", .title = STR_INIT("Percent"), .number = true },
        { .name = "bounds", .title = STR_INIT("Low, high") },
    };
    put_heading(tally, format, to);
    struct table *table = table_open(to, format, columns, bounds ? 4 : 3);
    for (size_t i = 0; i < tally->row_count; i++) {
        const struct row *row = &tally->rows[i];
        char text[ROW_TEXT_BYTES];
        table_cell(table, row->title);
        row_count_text(row, text);
        table_cell(table, str_of(text));
        row_percent_text(tally, row, text);
        table_cell(table, str_of(text));
        row_bounds_text(row, text);
        if (bounds)
            table_cell(table, str_of(text));
    }
    table_rule(table);
    table_cell(table, STR("together"));
    table_count(table, tally->units);
    for (int i = bounds ? 4 : 3; i > 2; i--)
        table_cell(table, STR(""));
    int result = table_close(table, why);
    put_notes(tally, format, to);
    return result ? result : printed(to, why);
}

/* The columns that CSV and JSON promise, for the whole or for one slice; `base` is what percentages are of.
 */
struct promised {
    uint64_t count, low, high, base;
    enum basis basis;
};

static struct promised promised_whole(const struct tally *tally, size_t i)
{
    const struct row *row = &tally->rows[i];
    return (struct promised){ row->count, row->low, row->high, tally->base, row->basis };
}

/* What a slice's percentages are of: its units without those that attempted nothing, as for the whole. */
static uint64_t slice_base(const struct tally *tally, const struct slice *slice)
{
    uint64_t base = slice->units;
    for (size_t i = 0; i < tally->row_count; i++)
        if (!row_has_percent(tally, &tally->rows[i]))
            base -= slice->count[i] < base ? slice->count[i] : base;
    return base;
}

static struct promised promised_slice(const struct tally *tally, const struct slice *slice, size_t i)
{
    bool sure = slice->low[i] == slice->high[i];
    return (struct promised){ slice->count[i], slice->low[i], slice->high[i], slice_base(tally, slice),
                              sure ? BASIS_EXACT : tally->rows[i].basis };
}

static void put_csv_row(FILE *to, const struct tally *tally, size_t i, struct promised row)
{
    char percent[16] = "";
    if (row_has_percent(tally, &tally->rows[i]))
        percent_format(row.count, row.base, percent);
    escape_csv(to, tally->rows[i].name);
    putc(',', to);
    escape_csv(to, tally->rows[i].title);
    fprintf(to, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%s,%s\n", row.count, row.low, row.high, percent,
            basis_name[row.basis]);
}

static void put_json_row(struct json *json, const struct tally *tally, size_t i, struct promised row)
{
    char percent[16] = "";
    if (row_has_percent(tally, &tally->rows[i]))
        percent_format(row.count, row.base, percent);
    json_text(json, "measure", tally->rows[i].name);
    json_text(json, "title", tally->rows[i].title);
    json_count(json, "count", row.count);
    json_count(json, "low", row.low);
    json_count(json, "high", row.high);
    json_number(json, "percent", str_of(percent));
    json_text(json, "basis", str_of(basis_name[row.basis]));
}

static void json_time(struct json *json, const char *name, usec at)
{
    char text[CLOCK_TEXT_BYTES];
    if (at == USEC_NONE)
        json_text(json, name, (struct str){ 0 });
    else
        json_text(json, name, (struct str){ text, clock_format(at, text) });
}

static void json_minutes(struct json *json, const char *name, double minutes)
{
    char text[32] = "";
    if (!isnan(minutes))
        snprintf(text, sizeof text, "%.2f", minutes);
    json_number(json, name, str_of(text));
}

static void put_json_slices(struct json *json, const struct tally *tally)
{
    json_array(json, "slices");
    for (size_t s = 0; s < tally->slice_count; s++) {
        const struct slice *slice = &tally->slices[s];
        json_object(json, NULL);
        json_time(json, "from", slice->from);
        json_time(json, "to", slice->to);
        json_count(json, "units", slice->units);
        json_array(json, "rows");
        for (size_t i = 0; i < tally->row_count; i++) {
            json_flat(json);
            json_object(json, NULL);
            put_json_row(json, tally, i, promised_slice(tally, slice, i));
            json_end_object(json);
        }
        json_end_array(json);
        json_end_object(json);
    }
    json_end_array(json);
}

static int print_json(const struct tally *tally, bool slices, FILE *to, struct why *why)
{
    struct json json = { .to = to };
    json_object(&json, NULL);
    json_text(&json, "policy", tally->policy);
    json_text(&json, "unit", str_of(unit_name[tally->unit]));
    json_count(&json, "units", tally->units);
    json_count(&json, "base", tally->base);
    json_object(&json, "period");
    json_time(&json, "from", tally->from);
    json_time(&json, "to", tally->to);
    json_end_object(&json);
    json_array(&json, "rows");
    for (size_t i = 0; i < tally->row_count; i++) {
        json_flat(&json);
        json_object(&json, NULL);
        put_json_row(&json, tally, i, promised_whole(tally, i));
        if (tally->rows[i].at_least)
            json_bool(&json, "at_least", true);
        if (tally->rows[i].warned)
            json_count(&json, "warned", tally->rows[i].warned);
        json_end_object(&json);
    }
    json_end_array(&json);
    if (slices)
        put_json_slices(&json, tally);
    json_object(&json, "delayed");
    json_count(&json, "count", tally->delayed);
    json_minutes(&json, "minutes_median", tally->delayed ? tally->delay_minutes_median : NAN);
    json_minutes(&json, "minutes_90", tally->delayed ? tally->delay_minutes_90 : NAN);
    json_minutes(&json, "minutes_99", tally->delayed ? tally->delay_minutes_99 : NAN);
    json_count(&json, "seen_once", tally->seen_once);
    json_end_object(&json);
    json_array(&json, "notes");
    for (size_t i = 0; i < tally->note_count; i++)
        json_text(&json, NULL, tally->notes[i]);
    json_end_array(&json);
    json_end_object(&json);
    return printed(to, why);
}

int replay_table_print(const struct tally *tally, enum table_format format, FILE *to, struct why *why)
{
    if (format == TABLE_JSON)
        return print_json(tally, false, to, why);
    if (format != TABLE_CSV)
        return print_whole(tally, format, to, why);
    fputs("measure,title,count,low,high,percent,basis\n", to);
    for (size_t i = 0; i < tally->row_count; i++)
        put_csv_row(to, tally, i, promised_whole(tally, i));
    return printed(to, why);
}

static int print_series(const struct tally *tally, enum table_format format, FILE *to, struct why *why)
{
    enum slice_kind kind = slices_kind(tally);
    size_t count = tally->row_count + 2;
    struct column *columns = mem_zero(count, sizeof *columns);
    columns[0] = (struct column){ .name = "slice", .title = str_of(slice_kind_name[kind]) };
    for (size_t i = 0; i < tally->row_count; i++)
        columns[i + 1] = (struct column){ .name = "count", .title = tally->rows[i].title, .number = true };
    columns[count - 1] = (struct column){ .name = "units", .title = STR("together"), .number = true };
    put_heading(tally, format, to);
    struct table *table = table_open(to, format, columns, count);
    for (size_t s = 0; s < tally->slice_count; s++) {
        const struct slice *slice = &tally->slices[s];
        char text[PERIOD_TEXT_BYTES];
        slice_text(slice->from, kind, text);
        table_cell(table, str_of(text));
        for (size_t i = 0; i < tally->row_count; i++) {
            struct promised row = promised_slice(tally, slice, i);
            struct row as_row = { .count = row.count, .basis = row.basis };
            row_count_text(&as_row, text);
            table_cell(table, str_of(text));
        }
        table_count(table, slice->units);
    }
    table_rule(table);
    table_cell(table, STR("together"));
    for (size_t i = 0; i < tally->row_count; i++) {
        char text[ROW_TEXT_BYTES];
        row_count_text(&tally->rows[i], text);
        table_cell(table, str_of(text));
    }
    table_count(table, tally->units);
    int result = table_close(table, why);
    put_notes(tally, format, to);
    free(columns);
    return result ? result : printed(to, why);
}

int series_table_print(const struct tally *tally, enum table_format format, FILE *to, struct why *why)
{
    if (format == TABLE_JSON)
        return print_json(tally, true, to, why);
    if (format != TABLE_CSV)
        return print_series(tally, format, to, why);
    fputs("slice,measure,title,count,low,high,percent,basis\n", to);
    for (size_t s = 0; s < tally->slice_count; s++) {
        const struct slice *slice = &tally->slices[s];
        char at[PERIOD_TEXT_BYTES];
        slice_text(slice->from, SLICED_HOUR, at);
        for (size_t i = 0; i < tally->row_count; i++) {
            fprintf(to, "%.10sT%s:00Z,", at, at + 11);
            put_csv_row(to, tally, i, promised_slice(tally, slice, i));
        }
    }
    return printed(to, why);
}

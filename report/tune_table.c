/* The table. Where it is too wide, first the harm of wanted and presumed mail is added up, then numbers are
 * shortened, then columns go, the least telling first; the lines below the table have all of it. */
#include "report/tune_table.h"

#include <inttypes.h>
#include <stdlib.h>
#include "report/replay_table.h"
#include "report/utf8.h"

enum tune_column { NAME, PARAMETERS, STOPPED, BOUNDS, SHARE, CHANGE, WANTED, PRESUMED, COLUMNS };

static const struct {
    const char *title;
    bool right;
} heads[COLUMNS] = {
    [NAME] = { "      measure", false },
    [PARAMETERS] = { "set to", false },
    [STOPPED] = { "stopped", true },
    [BOUNDS] = { "low, high", true },
    [SHARE] = { "%", true },
    [CHANGE] = { "change", true },
    [WANTED] = { "wanted hurt", true },
    [PRESUMED] = { "presumed hurt", true },
};

struct cell_text {
    struct str text;
    enum screen_style style;
};

struct table_row {
    struct cell_text cell[COLUMNS];
};

struct tune_table {
    const struct tune_shown *shown;
    struct table_row *row; /* of measures, then totals */
    size_t measures, totals;
    struct str *summary;   /* by place */
    size_t width[COLUMNS]; /* 0: not shown */
    bool merged, compact;  /* harm added up; numbers shortened */
    bool has_wanted;       /* somebody says what is wanted */
    struct arena arena;
};

/* How the table may look, the best first. */
static const struct look {
    bool merged, compact, bounds, share, change;
    size_t parameters; /* columns that there must be for them */
} looks[] = {
    { false, false, true, true, true, 24 }, { true, false, true, true, true, 12 },
    { true, true, true, true, true, 12 },   { true, true, true, true, true, 8 },
    { true, true, false, true, true, 8 },   { true, true, false, false, true, 0 },
    { true, true, false, false, false, 0 },
};
enum { LOOKS = sizeof looks / sizeof *looks, PARAMETERS_MOST = 48 };

/* ---- Texts. */

/* "10,038", or where there is little room "10.0k", "1.23M": three digits. */
static struct str count_text(uint64_t count, bool compact, struct arena *arena)
{
    static const char units[] = "kMG";
    char text[GROUPED_BYTES];
    if (!compact || count < 10000) {
        size_t len = text_grouped(count, text);
        return arena_str(arena, (struct str){ text, len });
    }
    double number = (double)count;
    size_t unit = 0;
    for (number /= 1000; number >= 999.5 && unit < 2; unit++)
        number /= 1000;
    int places = number < 9.995 ? 2 : number < 99.95 ? 1 : 0;
    return arena_printf(arena, "%.*f%c", places, number, units[unit]);
}

struct str tune_change(int64_t by, struct arena *arena)
{
    if (by == 0)
        return STR("");
    return arena_printf(arena, "%c%.*s", by > 0 ? '+' : '-',
                        STR_ARG(count_text((uint64_t)(by > 0 ? by : -by), false, arena)));
}

static struct str bounds_text(uint64_t count, uint64_t low, uint64_t high, bool compact, struct arena *arena)
{
    if (low == high && low == count)
        return STR("");
    return arena_printf(arena, "[%.*s, %.*s]", STR_ARG(count_text(low, compact, arena)),
                        STR_ARG(count_text(high, compact, arena)));
}

struct str tune_bounded(const struct bounded *bounded, struct arena *arena)
{
    struct str bounds = bounds_text(bounded->count, bounded->low, bounded->high, false, arena);
    return arena_printf(arena, "%.*s%s%.*s", STR_ARG(count_text(bounded->count, false, arena)),
                        bounds.len ? " " : "", STR_ARG(bounds));
}

static struct str harm_text(const struct bounded *first, const struct bounded *second, bool compact,
                            struct arena *arena)
{
    struct str text = STR("");
    for (int harm = 0; harm < HARMS; harm++)
        text = arena_printf(
            arena, "%.*s%s%.*s", STR_ARG(text), harm ? "/" : "",
            STR_ARG(count_text(first[harm].count + (second ? second[harm].count : 0), compact, arena)));
    return text;
}

const struct row *tune_row(const struct figures *figures, enum row_kind kind, struct str name, size_t *at)
{
    for (size_t i = 0; figures && i < figures->tally.row_count; i++) {
        const struct row *row = &figures->tally.rows[i];
        if (row->kind == kind && (kind != ROW_MEASURE || str_eq(row->name, name))) {
            *at = i;
            return row;
        }
    }
    return NULL;
}

/* ---- Rows. */

static void set(struct tune_table *table, struct table_row *row, enum tune_column column, struct str text)
{
    row->cell[column].text = text;
    row->cell[column].style = table->shown->fresh || column < STOPPED ? SCREEN_PLAIN : SCREEN_DIM;
}

static void set_change(struct tune_table *table, struct table_row *row, int64_t by)
{
    struct arena *arena = &table->arena;
    struct str text = tune_change(by, arena);
    if (table->compact && by)
        text = arena_printf(arena, "%c%.*s", by > 0 ? '+' : '-',
                            STR_ARG(count_text((uint64_t)(by > 0 ? by : -by), true, arena)));
    set(table, row, CHANGE, text);
    if (table->shown->fresh && by)
        row->cell[CHANGE].style = by > 0 ? SCREEN_MORE : SCREEN_LESS;
}

static void set_harm(struct tune_table *table, struct table_row *row, const struct trial_harm *harm)
{
    if (table->has_wanted && !table->merged)
        set(table, row, WANTED, harm_text(harm->wanted, NULL, table->compact, &table->arena));
    set(table, row, PRESUMED,
        harm_text(harm->presumed, table->merged && table->has_wanted ? harm->wanted : NULL, table->compact,
                  &table->arena));
}

static void set_count(struct tune_table *table, struct table_row *row, const struct row *of)
{
    char text[ROW_TEXT_BYTES];
    struct arena *arena = &table->arena;
    struct row mark = *of;
    mark.count = 0; /* the mark in front of a count: "~0" without its digit */
    row_count_text(&mark, text);
    text[strlen(text) - 1] = '\0';
    set(table, row, STOPPED,
        arena_printf(arena, "%s%.*s", text, STR_ARG(count_text(of->count, table->compact, arena))));
    set(table, row, BOUNDS, bounds_text(of->count, of->low, of->high, table->compact, arena));
    row_percent_text(&table->shown->now->tally, of, text);
    set(table, row, SHARE, arena_str(arena, str_of(text)));
}

static void fill_measure(struct tune_table *table, size_t place)
{
    const struct tune_shown *shown = table->shown;
    struct tuned tuned = tuning_at(shown->tuning, place);
    struct table_row *row = &table->row[place];
    size_t at = 0, before = 0;
    const struct row *now = tune_row(shown->now, ROW_MEASURE, tuned.rule->name, &at);
    const struct row *loaded = tune_row(shown->loaded, ROW_MEASURE, tuned.rule->name, &before);
    set(table, row, NAME,
        arena_printf(&table->arena, "%c [%c] %.*s", place == shown->place ? '>' : ' ', tuned.off ? ' ' : 'x',
                     STR_ARG(tuned.rule->name)));
    set(table, row, PARAMETERS, table->summary[place]);
    if (tuned.off) {
        row->cell[NAME].style = row->cell[PARAMETERS].style = SCREEN_DIM;
        set(table, row, STOPPED, STR("off"));
    } else if (now) {
        set_count(table, row, now);
        set_harm(table, row, &shown->now->rule[at]);
    }
    if (loaded && (now || tuned.off))
        set_change(table, row, (int64_t)(now && !tuned.off ? now->count : 0) - (int64_t)loaded->count);
}

static void fill_stopped(struct tune_table *table, struct table_row *row)
{
    const struct tally *now = &table->shown->now->tally;
    bool exact = now->stopped_low == now->stopped && now->stopped_high == now->stopped;
    struct row all = { .kind = ROW_MEASURE,
                       .count = now->stopped,
                       .low = now->stopped_low,
                       .high = now->stopped_high,
                       .basis = exact ? BASIS_EXACT : BASIS_ESTIMATED };
    set(table, row, NAME, STR("      stopped"));
    set_count(table, row, &all);
    set_harm(table, row, &table->shown->now->all);
    if (table->shown->loaded)
        set_change(table, row, (int64_t)now->stopped - (int64_t)table->shown->loaded->tally.stopped);
    row->cell[NAME].style = SCREEN_BOLD;
    for (size_t c = STOPPED; c < COLUMNS && table->shown->fresh; c++)
        if (row->cell[c].style == SCREEN_PLAIN)
            row->cell[c].style = SCREEN_BOLD;
}

static void fill_end(struct tune_table *table, struct table_row *row, const struct row *end)
{
    size_t at = 0;
    const struct row *loaded = tune_row(table->shown->loaded, end->kind, end->name, &at);
    char name[2] = { ascii_lower(end->title.at[0]), '\0' };
    set(table, row, NAME,
        arena_printf(&table->arena, "      %s%.*s", name, STR_ARG(str_skip(end->title, 1))));
    set_count(table, row, end);
    if (table->shown->loaded)
        set_change(table, row, (int64_t)end->count - (int64_t)(loaded ? loaded->count : 0));
}

static void fill(struct tune_table *table)
{
    const struct tune_shown *shown = table->shown;
    size_t totals = 0;
    for (size_t place = 0; place < table->measures; place++)
        fill_measure(table, place);
    if (!shown->now)
        return;
    fill_stopped(table, &table->row[table->measures + totals++]);
    for (size_t i = 0; i < shown->now->tally.row_count; i++)
        if (shown->now->tally.rows[i].kind != ROW_MEASURE)
            fill_end(table, &table->row[table->measures + totals++], &shown->now->tally.rows[i]);
    table->totals = totals;
}

/* ---- Widths. */

static const char *title_of(const struct tune_table *table, size_t column)
{
    return column == PRESUMED && (table->merged || !table->has_wanted) ? "hurt" : heads[column].title;
}

static void measure_widths(struct tune_table *table, const struct look *look)
{
    const bool is_shown[COLUMNS] = {
        true, true, true, look->bounds, look->share, look->change, !look->merged && table->has_wanted, true
    };
    for (size_t c = 0; c < COLUMNS; c++) {
        const char *title = title_of(table, c);
        size_t most = 0;
        for (size_t i = 0; i < table->measures + table->totals; i++) {
            struct str text = text_visible(&table->arena, table->row[i].cell[c].text);
            bool counts = c != NAME || i < table->measures; /* the ends' names go on into the next column */
            if (counts && text_width(text) > most)
                most = text_width(text);
        }
        if (c == BOUNDS && most == 0) /* all is exact */
            title = "";
        if (most < strlen(title))
            most = strlen(title);
        table->width[c] = is_shown[c] ? most : 0;
    }
    if (table->width[PARAMETERS] > PARAMETERS_MOST)
        table->width[PARAMETERS] = PARAMETERS_MOST;
}

/* Whether it fits, when the parameters take what is left. */
static bool fits(struct tune_table *table, const struct look *look, size_t columns)
{
    size_t sum = 0, natural = table->width[PARAMETERS];
    for (size_t c = 0; c < COLUMNS; c++)
        if (c != PARAMETERS && table->width[c])
            sum += table->width[c] + (sum > 0);
    size_t left = columns > sum + 1 ? columns - sum - 1 : 0;
    table->width[PARAMETERS] = natural < left ? natural : left;
    size_t least = look->parameters < natural ? look->parameters : natural;
    if (look->parameters == 0 && table->width[PARAMETERS] < 8)
        table->width[PARAMETERS] = 0;
    return sum <= columns && (look->parameters == 0 || left >= least);
}

static bool knows_wanted(const struct figures *figures)
{
    bool any = false;
    for (int harm = 0; figures && harm < HARMS; harm++)
        any = any || figures->all.wanted[harm].high;
    return any;
}

struct tune_table *tune_table_new(const struct tune_shown *shown, size_t columns)
{
    struct tune_table *table = mem_zero(1, sizeof *table);
    table->shown = shown;
    table->measures = tuning_count(shown->tuning);
    table->has_wanted = knows_wanted(shown->now) || knows_wanted(shown->loaded);
    table->summary = arena_zero(&table->arena, (table->measures + 1) * sizeof *table->summary);
    for (size_t place = 0; place < table->measures; place++)
        table->summary[place] = knobs_summary(tuning_at(shown->tuning, place).rule, &table->arena);
    for (size_t i = 0; i < LOOKS; i++) {
        size_t rows = table->measures + 1 + (shown->now ? shown->now->tally.row_count : 0);
        table->merged = looks[i].merged;
        table->compact = looks[i].compact;
        table->row = arena_zero(&table->arena, rows * sizeof *table->row);
        fill(table);
        measure_widths(table, &looks[i]);
        if (fits(table, &looks[i], columns))
            break;
    }
    return table;
}

void tune_table_free(struct tune_table *table)
{
    arena_free(&table->arena);
    free(table);
}

size_t tune_table_totals(const struct tune_table *table)
{
    return table->totals;
}

/* ---- Drawing. */

static void put_cell(const struct tune_table *table, struct screen *screen, size_t row, size_t c, size_t from,
                     enum screen_style style, struct str text)
{
    if (heads[c].right)
        screen_put_right(screen, row, from + table->width[c], table->width[c], style, text);
    else
        screen_put(screen, row, from, table->width[c], style, text);
}

static size_t after(const struct tune_table *table, size_t c, size_t from)
{
    return table->width[c] ? from + table->width[c] + 1 : from;
}

void tune_table_head(const struct tune_table *table, struct screen *screen, size_t row)
{
    size_t from = 0;
    for (size_t c = 0; c < COLUMNS; c++) {
        const char *title = title_of(table, c);
        if (table->width[c])
            put_cell(table, screen, row, c, from, SCREEN_BOLD, str_of(title));
        from = after(table, c, from);
    }
}

static void put_row(const struct tune_table *table, size_t i, bool picked, struct screen *screen, size_t row)
{
    size_t from = 0;
    for (size_t c = 0; c < COLUMNS; c++) {
        const struct cell_text *cell = &table->row[i].cell[c];
        bool name_only = c == NAME && cell[1].text.len == 0 && cell[1].text.at == NULL;
        if (name_only && i >= table->measures)
            screen_put(screen, row, from, table->width[NAME] + 1 + table->width[PARAMETERS], cell->style,
                       cell->text);
        else if (table->width[c] && cell->text.len)
            put_cell(table, screen, row, c, from, picked && c == NAME ? SCREEN_PICKED : cell->style,
                     cell->text);
        from = after(table, c, from);
    }
}

void tune_table_measure(const struct tune_table *table, size_t place, struct screen *screen, size_t row)
{
    put_row(table, place, place == table->shown->place, screen, row);
}

void tune_table_total(const struct tune_table *table, size_t total, struct screen *screen, size_t row)
{
    put_row(table, table->measures + total, false, screen, row);
}

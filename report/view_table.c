/* What became of the units: at a glance, as the talk's table beside the period before, what the server itself
 * did, and what has to be said of all of it. */
#define _GNU_SOURCE
#include "report/views.h"

#include <inttypes.h>
#include <math.h>
#include "report/replay_table.h"
#include "report/utf8.h"
#include "report/words.h"

static const struct row *row_of_kind(const struct tally *tally, enum row_kind kind)
{
    for (size_t i = 0; i < tally->row_count; i++)
        if (tally->rows[i].kind == kind)
            return &tally->rows[i];
    return NULL;
}

static const struct row *row_named(const struct tally *tally, struct str name)
{
    for (size_t i = 0; i < tally->row_count; i++)
        if (str_eq(tally->rows[i].name, name))
            return &tally->rows[i];
    return NULL;
}

/* What the measures stop together, with the weakest basis among them. */
static enum basis basis_of_stopped(const struct tally *tally)
{
    enum basis basis = BASIS_EXACT;
    for (size_t i = 0; i < tally->row_count; i++)
        if (tally->rows[i].kind == ROW_MEASURE && tally->rows[i].basis > basis)
            basis = tally->rows[i].basis;
    return basis;
}

static uint64_t stopped_by_measures(const struct tally *tally)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < tally->row_count; i++)
        sum += tally->rows[i].kind == ROW_MEASURE ? tally->rows[i].count : 0;
    return sum;
}

/* ---- At a glance. */

static struct str percent(struct arena *arena, uint64_t count, uint64_t of)
{
    char text[16];
    percent_format(count, of, text);
    return of ? arena_printf(arena, "%s %%", text) : STR("");
}

/* "2.05 %, 150 to 300", of what there is. */
static struct str share_and_bounds(struct arena *arena, const struct tally *tally, uint64_t count,
                                   struct str bounds)
{
    struct str share = percent(arena, count, tally->base);
    return arena_printf(arena, "%.*s%s%.*s", STR_ARG(share), share.len && bounds.len ? ", " : "",
                        STR_ARG(bounds));
}

static void make_glance(const struct report *report, struct section *section)
{
    const struct tally *tally = report->tally;
    const struct period *period = report->month->period;
    struct arena *arena = report->arena;
    uint64_t stopped = stopped_by_measures(tally);
    const struct row *accepted = row_of_kind(tally, ROW_ACCEPTED);
    section_card(section, str_of(tally->units == 1 ? unit_name[tally->unit] : unit_plural[tally->unit]),
                 grouped(arena, tally->units), STR(""));
    section_card(section, STR("stopped by a measure"), grouped_of(arena, stopped, basis_of_stopped(tally)),
                 share_and_bounds(arena, tally, stopped,
                                  grouped_bounds(arena, tally->stopped_low, tally->stopped_high)));
    if (accepted)
        section_card(section, STR("accepted"), grouped_of(arena, accepted->count, accepted->basis),
                     share_and_bounds(arena, tally, accepted->count,
                                      grouped_bounds(arena, accepted->low, accepted->high)));
    if (tally->delayed)
        section_card(section, STR("of them accepted late"), grouped(arena, tally->delayed), STR(""));
    if (period->has_audit) {
        const struct audit_count *wanted = &period->audit.labels[LABEL_WANTED],
                                 *presumed = &period->audit.labels[LABEL_PRESUMED];
        uint64_t low = wanted->stopped_low + presumed->stopped_low,
                 high = wanted->stopped_high + presumed->stopped_high;
        section_card(section, STR("wanted or presumed so, and stopped"), grouped(arena, low),
                     low == high ? STR("") : grouped_bounds(arena, low, high));
    }
    if (tally->units == 0)
        section_say(section, FOR_PEOPLE,
                    arena_printf(arena, "There are no %s in this period.", unit_plural[tally->unit]));
}

const struct view view_glance = { "glance", "At a glance", WANT_AUDIT, NULL, make_glance };

/* ---- The table. */

struct portion {
    double point, low, high; /* percent */
};

static struct portion portion_of(const struct tally *tally, const struct row *row)
{
    double of = tally->base ? (double)tally->base / 100 : NAN;
    return (struct portion){ (double)row->count / of, (double)row->low / of, (double)row->high / of };
}

/* How a row's share changed, in percent of all; marked where the bounds alone could make as much of it. */
static void put_change(struct grid *grid, const struct report *report, const struct row *row)
{
    const struct tally *tally = report->tally, *before = &report->month->period->before;
    const struct row *old = row_named(before, row->name);
    char text[NUMBER_BYTES];
    if (!old || !tally->base || !before->base || !row_has_percent(tally, row) ||
        !row_has_percent(before, old)) {
        grid_unknown(grid);
        grid_unknown(grid);
        grid_unknown(grid);
        return;
    }
    struct portion now = portion_of(tally, row), then = portion_of(before, old);
    bool exact = row_is_exact(row) && row_is_exact(old);
    bool within = !exact && now.low <= then.high && then.low <= now.high;
    grid_number(grid, then.point, 2);
    number_text(now.point - then.point, 2, text);
    const char *sign = now.point - then.point > 0 ? "+" : "";
    struct str change = arena_str(grid->arena, str_of(text));
    grid_put(grid, change, arena_printf(grid->arena, "%s%s%s", within ? "≈ " : "", sign, text));
    grid_text(grid, within ? STR("within bounds") : STR("beyond bounds"));
}

enum { BEFORE_COLUMNS = 3 };
static const struct grid_column table_columns[] = {
    { "measure", { NULL, 0 }, GRID_TEXT, IN_DATA },
    { "title", STR_INIT("What happened"), GRID_TEXT, EVERYWHERE },
    { "count", STR_INIT("Count"), GRID_NUMBER, EVERYWHERE },
    { "low", { NULL, 0 }, GRID_NUMBER, IN_DATA },
    { "high", { NULL, 0 }, GRID_NUMBER, IN_DATA },
    { "percent", STR_INIT("Percent"), GRID_NUMBER, EVERYWHERE },
    { "basis", { NULL, 0 }, GRID_TEXT, IN_DATA },
    { "bounds", STR_INIT("Low to high"), GRID_NUMBER, FOR_PEOPLE },
    { "share", STR_INIT(""), GRID_BAR, IN_PAGE },
    { "before_percent", STR_INIT("Before %"), GRID_NUMBER, IN_PAGE | IN_DATA },
    { "change", STR_INIT("Change"), GRID_NUMBER, EVERYWHERE },
    { "change_is", { NULL, 0 }, GRID_TEXT, IN_DATA },
};
enum { TABLE_COLUMNS = sizeof table_columns / sizeof *table_columns };

static void put_row(const struct report *report, struct grid *grid, const struct tally *tally,
                    const struct row *row, uint32_t rgb, bool with_before)
{
    char shown[ROW_TEXT_BYTES];
    struct arena *arena = report->arena;
    struct str count = arena_printf(arena, "%" PRIu64, row->count);
    struct str marked = grouped_of(arena, row->count, row->basis);
    grid_row_of(grid, row->name, rgb);
    grid_text(grid, row->name);
    grid_text(grid, row->title);
    grid_put(grid, count, row->at_least ? arena_printf(arena, "≥ %.*s", STR_ARG(marked)) : marked);
    grid_count(grid, row->low);
    grid_count(grid, row->high);
    row_percent_text(tally, row, shown);
    grid_text(grid, *shown ? arena_str(arena, str_of(shown)) : (struct str){ NULL, 0 });
    grid_text(grid, str_of(basis_name[row->basis]));
    grid_text(grid, row_is_exact(row) ? STR("") : grouped_bounds(arena, row->low, row->high));
    if (row_has_percent(tally, row))
        grid_bar(grid, row->low, row->high, tally->base);
    else
        grid_bar(grid, 0, 0, 0);
    if (with_before)
        put_change(grid, report, row);
}

static void put_tally(const struct report *report, struct section *section, const char *name,
                      const struct tally *tally, bool with_before)
{
    size_t count = with_before ? TABLE_COLUMNS : TABLE_COLUMNS - BEFORE_COLUMNS;
    struct grid *grid = section_grid(section, name, EVERYWHERE, table_columns, count);
    struct ink *inks = arena_zero(report->arena, (tally->row_count + 1) * sizeof *inks);
    palette_assign(tally, inks);
    for (size_t i = 0; i < tally->row_count; i++)
        put_row(report, grid, tally, &tally->rows[i], inks[i].rgb, with_before);
    grid_row_total(grid);
    for (size_t c = 0; c < count; c++) {
        if (strcmp(table_columns[c].name, "title") == 0)
            grid_text(grid, STR("together"));
        else if (strcmp(table_columns[c].name, "count") == 0)
            grid_count(grid, tally->units);
        else
            grid_unknown(grid);
    }
}

static void make_table(const struct report *report, struct section *section)
{
    const struct month *month = report->month;
    const struct tally *before = &month->period->before;
    bool with_before = month->before.at && before->units > 0;
    struct str *notes = NULL;
    put_tally(report, section, "replay", report->tally, with_before);
    if (with_before)
        section_say(
            section, FOR_PEOPLE,
            arena_printf(report->arena,
                         "Compared with %.*s and its %.*s %s; change is in percent of all. ≈ before it: "
                         "it is within the bounds, and may be none.",
                         STR_ARG(month->before), STR_ARG(grouped(report->arena, before->units)),
                         unit_plural[before->unit]));
    else if (month->before.at && month->policy)
        section_say(section, FOR_PEOPLE,
                    arena_printf(report->arena, "Of %.*s the record has nothing to compare with.",
                                 STR_ARG(month->before)));
    size_t count = tally_notes(report->tally, report->arena, &notes);
    for (size_t i = 0; i < count; i++)
        section_item(section, IN_TEXT, notes[i]);
}

const struct view view_table = { "table", "What became of it", WANT_BEFORE, NULL, make_table };

/* ---- What the server itself did. */

static bool has_recorded(const struct report *report)
{
    return report->month->policy && report->month->period->recorded.row_count > 0;
}

static void make_recorded(const struct report *report, struct section *section)
{
    put_tally(report, section, "recorded", &report->month->period->recorded, false);
}

const struct view view_recorded = { "recorded", "What the server did", WANT_RECORDED, has_recorded,
                                    make_recorded };

/* ---- What was assumed: in the text it stands under the table. */

static void make_notes(const struct report *report, struct section *section)
{
    struct str *notes = NULL;
    size_t count = tally_notes(report->tally, report->arena, &notes);
    for (size_t i = 0; i < count; i++)
        section_item(section, IN_PAGE, notes[i]);
    if (count == 0)
        section_item(section, IN_PAGE, STR("All counts are exact: the record tells what became of each."));
    section_item(section, FOR_PEOPLE,
                 arena_printf(report->arena, "Times are of %.*s.", STR_ARG(tally_zone(report->tally))));
}

const struct view view_notes = { "notes", "How to read it", 0, NULL, make_notes };

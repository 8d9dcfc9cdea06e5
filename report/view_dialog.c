/* Where in the dialog what was stopped, and what that saved: bytes that were not sent, messages that nobody
 * had to scan. That is the point of light measures. */
#include "report/views.h"

#include <inttypes.h>
#include "analyze/measure.h"
#include "report/charts.h"
#include "report/words.h"

static bool has_dialog(const struct report *report)
{
    return report->month->policy && report->month->period->has_costs;
}

static const char *const stage_words[STAGES] = {
    [STAGE_CONNECT] = "at connect", [STAGE_BANNER] = "before the banner",
    [STAGE_HELO] = "at HELO",       [STAGE_MAIL] = "at MAIL",
    [STAGE_RCPT] = "at RCPT",       [STAGE_DATA] = "at DATA",
    [STAGE_EOM] = "after the data",
};

/* Where a rule acts: with delay-reject what would act before RCPT acts there. */
static enum stage stage_of(const struct policy *policy, const struct rule *rule)
{
    return policy->delay_reject && rule->at < STAGE_RCPT ? STAGE_RCPT : rule->at;
}

static const struct grid_column stage_columns[] = {
    { "stage", STR_INIT("Stopped"), GRID_TEXT, EVERYWHERE },
    { "count", STR_INIT("Count"), GRID_NUMBER, EVERYWHERE },
    { "low", { NULL, 0 }, GRID_NUMBER, IN_DATA },
    { "high", { NULL, 0 }, GRID_NUMBER, IN_DATA },
    { "bounds", STR_INIT("Low to high"), GRID_NUMBER, FOR_PEOPLE },
    { "percent", STR_INIT("Percent"), GRID_NUMBER, EVERYWHERE },
    { "measures", STR_INIT("By"), GRID_TEXT, EVERYWHERE },
};

struct at_stage {
    uint64_t count, low, high;
    enum basis basis;
    size_t rules;
    struct str by;
};

static void sum_stages(const struct report *report, struct at_stage stages[STAGES])
{
    const struct policy *policy = report->month->policy;
    for (size_t i = 0; i < report->tally->row_count; i++) {
        const struct row *row = &report->tally->rows[i];
        for (size_t r = 0; r < policy->rule_count && row->kind == ROW_MEASURE; r++) {
            struct at_stage *at = &stages[stage_of(policy, &policy->rules[r])];
            if (!str_eq(policy->rules[r].name, row->name))
                continue;
            at->rules++;
            at->count += row->count;
            at->low += row->low;
            at->high += row->high;
            at->basis = row->basis > at->basis ? row->basis : at->basis;
            at->by = arena_printf(report->arena, "%.*s%s%.*s", STR_ARG(at->by), at->by.len ? ", " : "",
                                  STR_ARG(row->name));
            break;
        }
    }
}

static void put_stages(const struct report *report, struct section *section)
{
    struct at_stage stages[STAGES] = { { 0 } };
    struct chart_column columns[STAGES];
    size_t count = 0;
    struct arena *arena = report->arena;
    sum_stages(report, stages);
    struct grid *grid = section_grid(section, "stages", EVERYWHERE, stage_columns,
                                     sizeof stage_columns / sizeof *stage_columns);
    for (size_t s = 0; s < STAGES; s++) {
        const struct at_stage *at = &stages[s];
        if (!at->rules)
            continue;
        columns[count++] = (struct chart_column){ .name = str_of(stage_words[s]),
                                                  .text = grouped_of(arena, at->count, at->basis),
                                                  .value = at->count,
                                                  .rgb = 0x0072b2 };
        grid_row(grid);
        grid_text(grid, str_of(stage_words[s]));
        grid_put(grid, arena_printf(arena, "%" PRIu64, at->count), grouped_of(arena, at->count, at->basis));
        grid_count(grid, at->low);
        grid_count(grid, at->high);
        grid_text(grid, grouped_bounds(arena, at->low, at->high));
        grid_percent(grid, at->count, report->tally->base);
        grid_text(grid, at->by);
    }
    section_chart(section, columns_chart("stages", STR("Where in the dialog they were stopped"),
                                         month_title(report->month, arena),
                                         str_of(unit_plural[report->tally->unit]), columns, count, arena));
}

static const struct grid_column saved_columns[] = {
    { "what", STR_INIT("What came in"), GRID_TEXT, EVERYWHERE },
    { "open", STR_INIT("Stopping nothing"), GRID_NUMBER, EVERYWHERE },
    { "spent", STR_INIT("The policy"), GRID_NUMBER, EVERYWHERE },
    { "spent_low", { NULL, 0 }, GRID_NUMBER, IN_DATA },
    { "spent_high", { NULL, 0 }, GRID_NUMBER, IN_DATA },
    { "bounds", STR_INIT("Low to high"), GRID_NUMBER, IN_PAGE },
    { "saved", STR_INIT("Saved"), GRID_NUMBER, EVERYWHERE },
    { "saved_percent", STR_INIT("%"), GRID_NUMBER, EVERYWHERE },
};

static uint64_t whole(double number)
{
    return number > 0 ? (uint64_t)(number + 0.5) : 0;
}

static void put_saved(struct grid *grid, const char *what, const struct spent *open,
                      const struct spent *spent)
{
    uint64_t most = whole(open->expected), now = whole(spent->expected), low = whole(spent->low),
             high = whole(spent->high);
    uint64_t saved = most > now ? most - now : 0;
    grid_row(grid);
    grid_text(grid, str_of(what));
    grid_count(grid, most);
    grid_count(grid, now);
    grid_count(grid, low);
    grid_count(grid, high);
    grid_text(grid, grouped_bounds(grid->arena, low, high));
    grid_count(grid, saved);
    grid_percent(grid, saved, most);
}

static void make_dialog(const struct report *report, struct section *section)
{
    const struct period *period = report->month->period;
    put_stages(report, section);
    struct grid *grid = section_grid(section, "saved", EVERYWHERE, saved_columns,
                                     sizeof saved_columns / sizeof *saved_columns);
    grid->caption = STR("What stopping early saves");
    put_saved(grid, "messages to the end", &period->open.messages, &period->spent.messages);
    put_saved(grid, "bytes of these", &period->open.bytes, &period->spent.bytes);
    if (period->open.seconds.expected > 0)
        put_saved(grid, "seconds of scanning", &period->open.seconds, &period->spent.seconds);
    char asked[NUMBER_BYTES];
    number_text(period->spent.look_ups.expected, 0, asked);
    section_say(
        section, FOR_PEOPLE,
        arena_printf(
            report->arena,
            "Of recorded attempts that would have gone on to the end of a message. A message whose size the "
            "record does not tell counts as the mean of the others. The measures ask name servers "
            "and lists %.*s times for it.",
            STR_ARG(grouped(report->arena, whole(period->spent.look_ups.expected)))));
}

const struct view view_dialog = { "dialog", "Where in the dialog", WANT_COSTS, has_dialog, make_dialog };

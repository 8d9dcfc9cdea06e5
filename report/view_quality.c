/* What the report rests on: inputs, gaps in the record, lines that were not understood, how much is known. */
#define _GNU_SOURCE
#include "report/views.h"

#include <inttypes.h>
#include "analyze/measure.h"
#include "collect/wall.h"
#include "report/slices.h"

static struct str moment(const struct report *report, usec at)
{
    char text[CLOCK_TEXT_BYTES];
    if (at == USEC_NONE)
        return (struct str){ NULL, 0 };
    clock_format(wall_shown(report->month->wall, at), text);
    return arena_printf(report->arena, "%.10s %.5s", text, text + 11);
}

static const struct grid_column input_columns[] = {
    { "path", STR_INIT("Input"), GRID_TEXT, EVERYWHERE },
    { "kind", STR_INIT("Kind"), GRID_TEXT, IN_PAGE | IN_DATA },
    { "first", STR_INIT("From"), GRID_TEXT, EVERYWHERE },
    { "last", STR_INIT("To"), GRID_TEXT, EVERYWHERE },
    { "lines", STR_INIT("Lines"), GRID_NUMBER, EVERYWHERE },
    { "skipped", STR_INIT("Skipped"), GRID_NUMBER, EVERYWHERE },
};

static void put_inputs(const struct report *report, struct section *section)
{
    const struct month *month = report->month;
    struct grid *grid = section_grid(section, "inputs", EVERYWHERE, input_columns,
                                     sizeof input_columns / sizeof *input_columns);
    grid->caption = STR("Inputs");
    for (size_t i = 0; i < month->input_count; i++) {
        const struct input *input = &month->inputs[i];
        grid_row(grid);
        grid_text(grid, input->path);
        grid_text(grid, input->kind);
        grid_text(grid, moment(report, input->first));
        grid_text(grid, moment(report, input->last));
        grid_count(grid, input->lines);
        grid_count(grid, input->skipped);
    }
}

static const struct grid_column skipped_columns[] = {
    { "count", STR_INIT("Lines"), GRID_NUMBER, EVERYWHERE },
    { "reason", STR_INIT("Why"), GRID_TEXT, EVERYWHERE },
    { "shape", STR_INIT("Shape"), GRID_TEXT, EVERYWHERE },
};

static void put_skipped(const struct report *report, struct section *section)
{
    const struct month *month = report->month;
    struct grid *grid = section_grid(section, "skipped", EVERYWHERE, skipped_columns,
                                     sizeof skipped_columns / sizeof *skipped_columns);
    grid->caption = STR("Lines that were not understood");
    for (size_t i = 0; i < month->skipped_count && i < report->most; i++) {
        grid_row(grid);
        grid_count(grid, month->skipped[i].count);
        grid_text(grid, str_of(month->skipped[i].reason));
        grid_text(grid, month->skipped[i].shape);
    }
}

static const struct grid_column silence_columns[] = {
    { "from", STR_INIT("From"), GRID_TEXT, EVERYWHERE },
    { "to", STR_INIT("To"), GRID_TEXT, EVERYWHERE },
    { "hours", STR_INIT("Hours"), GRID_NUMBER, EVERYWHERE },
    { "expected", STR_INIT("Sessions that usually come in it"), GRID_NUMBER, EVERYWHERE },
};

static void put_silences(const struct report *report, struct section *section)
{
    const struct census *census = &report->month->period->census;
    struct grid *grid = section_grid(section, "gaps", EVERYWHERE, silence_columns,
                                     sizeof silence_columns / sizeof *silence_columns);
    grid->caption = STR("Gaps in the record: hours in which nobody came");
    for (size_t i = 0; i < census->silence_count; i++) {
        const struct silence *silence = &census->silences[i];
        grid_row(grid);
        grid_text(grid, moment(report, silence->from));
        grid_text(grid, moment(report, silence->to));
        grid_number(grid, (double)(silence->to - silence->from) / (double)USEC_HOUR, 1);
        grid_number(grid, silence->expected, 0);
    }
}

static const struct grid_column known_columns[] = {
    { "measure", STR_INIT("Measure"), GRID_TEXT, EVERYWHERE },
    { "asked", STR_INIT("Asked of"), GRID_NUMBER, EVERYWHERE },
    { "known", STR_INIT("Known"), GRID_NUMBER, EVERYWHERE },
    { "known_percent", STR_INIT("Percent"), GRID_NUMBER, EVERYWHERE },
    { "share", STR_INIT(""), GRID_BAR, IN_PAGE },
    { "undecided", STR_INIT("Leaves open"), GRID_NUMBER, EVERYWHERE },
};

static void put_known(const struct report *report, struct section *section)
{
    const struct known_share *known = report->month->period->known;
    const struct policy *policy = report->month->policy;
    struct grid *grid = section_grid(section, "known", EVERYWHERE, known_columns,
                                     sizeof known_columns / sizeof *known_columns);
    grid->caption = STR("Of how many recipients is known what the measures ask");
    for (size_t r = 0; r < policy->rule_count; r++) {
        const struct str name = policy->rules[r].name;
        if (!known[r].asked)
            continue;
        grid_row_of(grid, name, report_colour(report, name));
        grid_text(grid, name);
        grid_count(grid, known[r].asked);
        grid_count(grid, known[r].known);
        grid_percent(grid, known[r].known, known[r].asked);
        grid_bar(grid, known[r].known, known[r].known, known[r].asked);
        grid_count(grid, known[r].undecided);
    }
    for (size_t r = 0; r < policy->rule_count; r++) {
        const char *teller = known[r].undecided ? replay_teller(policy->rules[r].measure->kind) : NULL;
        if (teller)
            section_item(section, FOR_PEOPLE,
                         arena_printf(report->arena, "%.*s: what would tell more: %s",
                                      STR_ARG(policy->rules[r].name), teller));
    }
    section_say(section, FOR_PEOPLE, STR("Where it is known from: mxreplay status --coverage -p POLICY."));
}

static void make_quality(const struct report *report, struct section *section)
{
    const struct period *period = report->month->period;
    const struct census *census = &period->census;
    struct arena *arena = report->arena;
    put_inputs(report, section);
    put_skipped(report, section);
    if (period->has_census) {
        put_silences(report, section);
        section_say(section, FOR_PEOPLE,
                    arena_printf(
                        arena,
                        "Of %.*s sessions in the period %.*s lost evidence to a gap in their input, and %.*s "
                        "were cut off by the server: what would have followed is not known.",
                        STR_ARG(grouped(arena, census->sessions)),
                        STR_ARG(grouped(arena, census->gap_sessions)),
                        STR_ARG(grouped(arena, census->cut_off_sessions))));
    }
    if (period->known)
        put_known(report, section);
}

const struct view view_quality = { "quality", "What it rests on", WANT_CENSUS | WANT_KNOWN, NULL,
                                   make_quality };

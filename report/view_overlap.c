/* What each measure, and each DNS list, catches alone and together. */
#define _GNU_SOURCE
#include "report/views.h"

#include <inttypes.h>
#include "report/replay_table.h"
#include "report/upset.h"

static const struct grid_column share_columns[] = {
    { "name", STR_INIT("Name"), GRID_TEXT, EVERYWHERE },
    { "hits", STR_INIT("Hits"), GRID_NUMBER, EVERYWHERE },
    { "hits_percent", STR_INIT("%"), GRID_NUMBER, EVERYWHERE },
    { "unique", STR_INIT("Only it"), GRID_NUMBER, EVERYWHERE },
    { "marginal", STR_INIT("New here"), GRID_NUMBER, IN_PAGE | IN_DATA },
    { "shapley", STR_INIT("Fair share"), GRID_NUMBER, EVERYWHERE },
    { "hits_low", STR_INIT("At least"), GRID_NUMBER, EVERYWHERE },
    { "hits_high", STR_INIT("At most"), GRID_NUMBER, EVERYWHERE },
};

enum { COMPARED = 5 }; /* columns of counts of what is known */

static uint64_t size_of(int64_t count)
{
    return count > 0 ? (uint64_t)count : 0;
}

static struct str period_of(const struct report *report)
{
    return arena_printf(report->arena, "%.*s (%.*s)", STR_ARG(month_title(report->month, report->arena)),
                        STR_ARG(tally_zone(report->tally)));
}

static void put_group(const struct report *report, struct section *section, const struct overlap_group *group,
                      const char *name)
{
    const struct shares *shares = group->shares;
    struct arena *arena = report->arena;
    uint32_t *colours = arena_zero(arena, (group->count + 1) * sizeof *colours);
    struct grid *grid =
        section_grid(section, name, EVERYWHERE, share_columns, sizeof share_columns / sizeof *share_columns);
    for (size_t m = 0; m < group->count; m++) {
        const struct share *share = &shares->share[m];
        colours[m] = report_colour(report, group->zones ? group->name : group->names[m]);
        if (group->zones)
            grid_row(grid);
        else
            grid_row_of(grid, group->names[m], colours[m]);
        grid_text(grid, group->zones ? group->names[m] : group->titles[m]);
        if (group->game.apart >> m & 1) {
            for (int k = 0; k < COMPARED; k++)
                grid_unknown(grid);
        } else {
            grid_count(grid, size_of(share->hits.count));
            grid_percent(grid, size_of(share->hits.count), shares->known);
            grid_count(grid, size_of(share->unique.count));
            grid_count(grid, size_of(share->marginal.count));
            grid_number(grid, share->shapley, 1);
        }
        grid_count(grid, size_of(share->hits.low));
        grid_count(grid, size_of(share->hits.high));
    }
    bool any = false;
    for (size_t i = 0; i < group->known_count; i++)
        any = any || group->known[i].hit;
    if (any && !overlap_unlike(group)) /* a picture of the known only where it is like the whole */
        section_chart(section, upset_chart(&report->month->period->overlap, group, colours, name,
                                           period_of(report), arena));
    section_say(
        section, FOR_PEOPLE,
        STR("Hits: by it, whoever else does. Only it: would pass without it. Fair share: what several hit "
            "is divided among them (Shapley)."));
    section_say(section, IN_PAGE, STR("New here: what those before it do not hit."));
    if (group->game.apart)
        section_say(section, FOR_PEOPLE,
                    STR("Of those without counts too little is known: compared, most would be left out; the "
                        "counts are as if there were only the others."));
    if (shares->left_out)
        section_say(
            section, FOR_PEOPLE,
            arena_printf(
                arena,
                "Counts are of the %.*s of which all is known%s; %.*s are left out%s. At least and at "
                "most are hits of all.",
                STR_ARG(grouped(arena, shares->known)), group->game.apart ? " of these" : "",
                STR_ARG(grouped(arena, shares->left_out)),
                shares->left_out <= shares->known ? ""
                : group->zones ? ": a server asks no more lists after one that turns a client away; "
                                 "enrich --dnsbl-zone tells of the others"
                               : ": of who was stopped the record mostly does not tell what else "
                                 "would have stopped it"));
    for (size_t i = 0; i < group->aside_count; i++)
        section_item(
            section, FOR_PEOPLE,
            arena_printf(arena, "Of %.*s nothing is known: it is left out.", STR_ARG(group->aside[i])));
}

static bool has_overlap(const struct report *report)
{
    const struct period *period = report->month->period;
    return period->has_overlap && period->overlap.group_count > 0 && period->overlap.groups[0].count > 1;
}

static void make_overlap(const struct report *report, struct section *section)
{
    const struct overlap *overlap = &report->month->period->overlap;
    put_group(report, section, &overlap->groups[0], "overlap");
    for (size_t i = 0; i < overlap->warner_count; i++)
        section_item(
            section, FOR_PEOPLE,
            arena_printf(report->arena, "%.*s only warns, and is left out.", STR_ARG(overlap->warners[i])));
}

const struct view view_overlap = { "overlap", "What each measure catches", WANT_OVERLAP, has_overlap,
                                   make_overlap };

static bool has_lists(const struct report *report)
{
    return report->month->period->has_overlap && report->month->period->overlap.group_count > 1;
}

static void make_lists(const struct report *report, struct section *section)
{
    const struct overlap *overlap = &report->month->period->overlap;
    for (size_t g = 1; g < overlap->group_count; g++) {
        const char *name = g == 1 ? "lists" : arena_printf(report->arena, "lists-%zu", g).at;
        if (overlap->group_count > 2)
            section_say(section, FOR_PEOPLE,
                        arena_printf(report->arena, "Lists of %.*s:", STR_ARG(overlap->groups[g].name)));
        put_group(report, section, &overlap->groups[g], name);
    }
}

const struct view view_lists = { "lists", "What each DNS list catches", WANT_OVERLAP, has_lists, make_lists };

/* Trials by hand, on those that sweeps are made of (trials.h). */
#include "analyze/trial.h"

#include <stdlib.h>
#include "analyze/columns.h"
#include "analyze/trials.h"
#include "collect/zone.h"

struct trial {
    struct trials *trials;
};

struct trial *trial_new(struct columns *columns, const struct replay_options *options,
                        const struct policy *base)
{
    struct trial *trial = mem_zero(1, sizeof *trial);
    trial->trials = trials_new(columns, options, &base->exempt.networks);
    return trial;
}

void trial_free(struct trial *trial)
{
    if (!trial)
        return;
    trials_free(trial->trials);
    free(trial);
}

void figures_free(struct figures *figures)
{
    tally_free(&figures->tally); /* its arena has the rest */
    *figures = (struct figures){ 0 };
}

static struct bounded whole(const struct cell *cell)
{
    return (struct bounded){ cell_round(cell), cell->low, cell->high };
}

int trial_run(struct trial *trial, const struct policy *policy, struct figures *figures, struct why *why)
{
    struct harm_cells by_rule[RULES_MOST] = { 0 };
    struct sweep_row row;
    *figures = (struct figures){ 0 };
    if (trials_try_rules(trial->trials, policy, &row, &figures->tally, by_rule, why) < 0)
        return -1;
    figures->costs = row.costs;
    figures->rule = arena_zero(&figures->tally.arena, (policy->rule_count + 1) * sizeof *figures->rule);
    for (int harm = 0; harm < HARMS; harm++) {
        figures->all.wanted[harm] = row.wanted[harm];
        figures->all.presumed[harm] = row.presumed[harm];
        for (size_t r = 0; r < policy->rule_count; r++) {
            figures->rule[r].wanted[harm] = whole(&by_rule[r].wanted[harm]);
            figures->rule[r].presumed[harm] = whole(&by_rule[r].presumed[harm]);
        }
    }
    for (size_t r = 0; r < policy->rule_count; r++)
        figures->with_state = figures->with_state || rule_state(&policy->rules[r]) != NULL;
    return 0;
}

static void take_zone(const struct columns *columns, const struct fact *fact, struct names *found)
{
    if (fact->kind == KIND_DNSBL && fact->subject != NAME_NONE &&
        zone_is_name(names_text(&columns->names, fact->subject)))
        names_add(found, names_text(&columns->names, fact->subject));
}

struct texts trial_zones(const struct columns *columns, struct arena *arena)
{
    struct names found = { 0 };
    struct texts zones = { 0 };
    for (size_t f = 0; f < columns->fact_count; f++)
        take_zone(columns, &columns->fact[f], &found);
    for (size_t p = 0; p < columns->provided_count; p++)
        take_zone(columns, &columns->provided[p].fact, &found);
    zones.text = arena_alloc(arena, (found.count + 1) * sizeof *zones.text);
    for (uint32_t z = 0; z < found.count; z++)
        zones.text[zones.count++] = arena_str(arena, names_text(&found, z));
    names_free(&found);
    return zones;
}

/* Trials. A policy without state is counted by classes of units that are alike for all that has been judged
 * so far (classes.h): some thousands instead of millions. A new measure, or one with new parameters, makes
 * the classes stale for the policies that have it; they are made again when the first of those is asked for,
 * or before, when nobody asks for anything. */
#include "analyze/trial.h"

#include <math.h>
#include <stdlib.h>
#include "analyze/classes.h"
#include "analyze/counting.h"
#include "analyze/harms.h"
#include "analyze/lists.h"
#include "analyze/measure.h"
#include "analyze/units.h"
#include "collect/zone.h"

struct trial {
    struct columns *columns;
    const struct replay_options *options;
    const struct policy *base;
    struct shelf *shelf;
    struct wanted wanted;
    struct classes classes;
    size_t in_classes; /* so many of the shelf's verdicts were minded when they were made */
    bool has_classes;
    usec from, to;                /* when the first and the last unit of the period started */
    outcomes *attempt, *delivery; /* room for walks over classes */
};

struct trial *trial_new(struct columns *columns, const struct replay_options *options,
                        const struct policy *base)
{
    struct trial *trial = mem_zero(1, sizeof *trial);
    columns_chain(columns, options->retry_window);
    trial->from = trial->to = USEC_NONE;
    for (uint32_t a = 0; a < columns->attempt_count; a++) {
        usec start = columns->started[columns->session[a]];
        if (!unit_begins(columns, options->unit, a) || !unit_in_period(columns, options, a))
            continue;
        trial->from = trial->from == USEC_NONE || start < trial->from ? start : trial->from;
        trial->to = trial->to == USEC_NONE || start > trial->to ? start : trial->to;
    }
    trial->columns = columns;
    trial->options = options;
    trial->base = base;
    trial->shelf = shelf_new(columns, options);
    trial->wanted = wanted_new(columns, &base->exempt.networks);
    return trial;
}

void trial_free(struct trial *trial)
{
    if (!trial)
        return;
    classes_free(&trial->classes);
    free(trial->attempt);
    free(trial->delivery);
    wanted_free(&trial->wanted);
    shelf_free(trial->shelf);
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

static struct trial_harm whole_harm(const struct harm_cells *cells)
{
    struct trial_harm harm;
    for (int h = 0; h < HARMS; h++) {
        harm.wanted[h] = whole(&cells->wanted[h]);
        harm.presumed[h] = whole(&cells->presumed[h]);
    }
    return harm;
}

/* ---- Counting, unit by unit. */

struct counting {
    struct walk *walk;
    struct estimate *estimate;
    struct harm_cells all;
    struct rows rows;
    struct cell row[64], stopped;
    enum basis basis[64];
};

static void count_rows(struct counting *counting, uint32_t first, uint64_t times)
{
    const struct walk *walk = counting->walk;
    outcomes set = unit_outcomes(walk->columns, walk, walk->options->unit, first);
    double share[64] = { 0 };
    bool certain = (set & (set - 1)) == 0;
    enum basis basis = BASIS_EXACT;
    if (certain)
        share[__builtin_ctzll(set)] = 1;
    else
        basis = estimate_share(counting->estimate, set, first, share);
    counting->stopped.low += set >> RULES_MOST ? 0 : times;
    counting->stopped.high += set & (OUTCOME(RULES_MOST) - 1) ? times : 0;
    for (outcomes left = set; left; left &= left - 1) {
        unsigned outcome = (unsigned)__builtin_ctzll(left), row = counting->rows.row[outcome];
        double expected = share[outcome] * (double)times;
        counting->row[row].expected += expected;
        counting->row[row].low += certain ? times : 0;
        counting->row[row].high += times;
        counting->stopped.expected += outcome < RULES_MOST ? expected : 0;
        if (basis > counting->basis[row])
            counting->basis[row] = basis;
    }
}

/* The tally as replay_count() would fill it. */
static void fill_tally(struct counting *counting, struct tally *tally)
{
    uint64_t counts[64];
    bool shown[64] = { false };
    const struct policy *policy = counting->walk->policy;
    cells_round(counting->row, counting->rows.count, tally->units, counts);
    tally->base = tally->units;
    for (size_t i = 0; i < counting->rows.count; i++) {
        struct row *row = &tally->rows[i];
        row->count = counts[i];
        row->low = counting->row[i].low;
        row->high = counting->row[i].high;
        row->basis = row->low == row->high ? BASIS_EXACT : counting->basis[i];
        shown[i] = row->kind == ROW_MEASURE || row->kind == ROW_ACCEPTED || row->high > 0;
        if (row->kind == ROW_NOTHING && tally->unit != UNIT_SESSION)
            tally->base -= row->count;
    }
    for (size_t r = 0; r < policy->rule_count; r++)
        if (rule_warns(&policy->rules[r]))
            tally->rows[r].warned = bits_count(&counting->walk->hit[r]);
    tally->stopped = cell_round(&counting->stopped);
    tally->stopped_low = counting->stopped.low;
    tally->stopped_high = counting->stopped.high;
    rows_keep(&counting->rows, tally, shown);
}

/* With state all attempts are walked. */
static int count_whole(const struct trial *trial, struct counting *counting, const struct policy *policy,
                       struct figures *figures, struct why *why)
{
    struct walk walk;
    if (walk_shelved(&walk, trial->shelf, policy, why) < 0)
        return -1;
    struct estimate *estimate = estimate_new(&walk);
    replay_count(walk.columns, &walk, estimate, trial->options, NULL, &figures->tally);
    counting->all = harms_count(&walk, estimate, &trial->wanted, counting->all.by_rule);
    figures->costs = costs_of(&walk, estimate);
    estimate_free(estimate);
    walk_free(&walk);
    return 0;
}

/* Without state one of each class stands for all that are like it. */
static void count_classes(const struct trial *trial, struct counting *counting, struct walk *walk,
                          struct figures *figures)
{
    const struct classes *classes = &trial->classes;
    struct estimate *estimate = estimate_new(walk);
    struct tally *tally = &figures->tally;
    *tally = (struct tally){ .unit = trial->options->unit,
                             .from = trial->from,
                             .to = trial->to,
                             .delay_minutes_median = NAN,
                             .delay_minutes_90 = NAN,
                             .delay_minutes_99 = NAN };
    tally->policy = arena_str(&tally->arena, walk->policy->name);
    counting->walk = walk;
    counting->estimate = estimate;
    rows_make(&counting->rows, walk->columns, walk->policy, tally);
    walk->attempt = trial->attempt;
    walk->delivery = walk->by_delivery ? trial->delivery : NULL;
    for (size_t i = 0; i < classes->walked_count; i++)
        walk_unit(walk, classes->walked[i]);
    for (size_t i = 0; i < classes->unit_count; i++) {
        const struct unit_class *like = &classes->unit[i];
        tally->units += like->times;
        count_rows(counting, like->first, like->times);
        harms_add(&counting->all, walk, estimate, like->first, like->signs, like->times);
    }
    for (size_t i = 0; i < classes->session_count; i++) {
        const struct session_class *like = &classes->session[i];
        costs_add(&figures->costs, walk, estimate, like->session, &classes->size[like->sizes],
                  (double)like->times);
    }
    fill_tally(counting, tally);
    walk->attempt = walk->delivery = NULL; /* they are the trial's */
    estimate_free(estimate);
}

/* ---- Classes. */

/* Whether the classes mind all that the walk's policy asks. */
static bool covers(const struct trial *trial, const struct walk *walk)
{
    for (size_t r = 0; r < walk->policy->rule_count; r++) {
        size_t i = 0;
        while (i < trial->in_classes && trial->shelf->judged[i] != walk->judged[r])
            i++;
        if (i == trial->in_classes)
            return false;
    }
    return trial->has_classes;
}

static void make_classes(struct trial *trial)
{
    size_t attempts = trial->columns->attempt_count;
    classes_free(&trial->classes);
    trial->classes = classes_make(trial->shelf, &trial->wanted, &trial->base->trusted_relays);
    trial->has_classes = true;
    trial->in_classes = trial->shelf->count;
    if (!trial->attempt) {
        trial->attempt = mem_zero(attempts + 1, sizeof *trial->attempt);
        trial->delivery = mem_zero(attempts + 1, sizeof *trial->delivery);
    }
}

/* By recipient a count may be marked "at least", which classes do not tell. */
static bool is_quick(const struct trial *trial, const struct walk *walk)
{
    return !walk->stateful && trial->options->unit != UNIT_RECIPIENT;
}

int trial_run(struct trial *trial, const struct policy *policy, struct figures *figures, struct why *why)
{
    struct walk walk;
    struct harm_cells by_rule[RULES_MOST] = { 0 };
    struct counting counting = { .all.by_rule = by_rule };
    *figures = (struct figures){ 0 };
    if (walk_prepare(&walk, trial->shelf, policy, why) < 0)
        return -1;
    figures->with_state = walk.stateful != 0;
    if (is_quick(trial, &walk)) {
        if (!covers(trial, &walk))
            make_classes(trial);
        count_classes(trial, &counting, &walk, figures);
        walk_free(&walk);
    } else {
        walk_free(&walk);
        if (count_whole(trial, &counting, policy, figures, why) < 0)
            return -1;
    }
    figures->all = whole_harm(&counting.all);
    figures->rule = arena_zero(&figures->tally.arena, (policy->rule_count + 1) * sizeof *figures->rule);
    for (size_t r = 0; r < policy->rule_count; r++)
        figures->rule[r] = whole_harm(&by_rule[r]);
    return 0;
}

bool trial_foresee(struct trial *trial, const struct policy *policy)
{
    struct walk walk;
    size_t before = trial->shelf->count;
    if (walk_prepare(&walk, trial->shelf, policy, NULL) == 0)
        walk_free(&walk);
    return trial->shelf->count > before;
}

bool trial_is_quick(struct trial *trial, const struct policy *policy)
{
    struct walk walk;
    if (walk_prepare(&walk, trial->shelf, policy, NULL) < 0)
        return false;
    bool quick = is_quick(trial, &walk);
    walk_free(&walk);
    return quick;
}

bool trial_settle(struct trial *trial)
{
    if (trial->has_classes && trial->in_classes == trial->shelf->count)
        return false;
    make_classes(trial);
    return true;
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

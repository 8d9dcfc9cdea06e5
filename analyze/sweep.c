/* The sweep. */
#include "analyze/sweep.h"

#include <math.h>
#include <stdlib.h>
#include "analyze/classes.h"
#include "analyze/counting.h"
#include "analyze/harms.h"
#include "analyze/lists.h"
#include "analyze/measure.h"
#include "analyze/units.h"

const char *const sweep_figure[SWEEP_FIGURES] = {
    "stopped",
    "stopped.low",
    "stopped.high",
    "wanted_told",
    "wanted_told.low",
    "wanted_told.high",
    "wanted_late",
    "wanted_late.low",
    "wanted_late.high",
    "wanted_lost",
    "wanted_lost.low",
    "wanted_lost.high",
    "presumed_told",
    "presumed_told.low",
    "presumed_told.high",
    "presumed_late",
    "presumed_late.low",
    "presumed_late.high",
    "presumed_lost",
    "presumed_lost.low",
    "presumed_lost.high",
    "delayed",
    "delay",
    "delay_90",
    "lookups",
    "lookups.low",
    "lookups.high",
    "messages",
    "messages.low",
    "messages.high",
    "bytes",
    "seconds",
    "seconds.low",
    "seconds.high",
    "measures",
    "units",
};

static double *put(double *to, const struct bounded *bounded)
{
    *to++ = (double)bounded->count;
    *to++ = (double)bounded->low;
    *to++ = (double)bounded->high;
    return to;
}

static double *put_cost(double *to, const struct cost *cost)
{
    *to++ = cost->expected;
    *to++ = cost->low;
    *to++ = cost->high;
    return to;
}

void sweep_figures(const struct sweep_row *row, double values[SWEEP_FIGURES])
{
    double *to = put(values, &row->stopped);
    for (int harm = 0; harm < HARMS; harm++)
        to = put(to, &row->wanted[harm]);
    for (int harm = 0; harm < HARMS; harm++)
        to = put(to, &row->presumed[harm]);
    *to++ = (double)row->delayed;
    *to++ = isnan(row->delay_minutes) ? 0 : row->delay_minutes;
    *to++ = isnan(row->delay_90) ? 0 : row->delay_90;
    to = put_cost(to, &row->costs.look_ups);
    to = put_cost(to, &row->costs.messages);
    *to++ = row->costs.bytes.expected;
    to = put_cost(to, &row->costs.seconds);
    *to++ = (double)row->measures;
    *to = (double)row->units;
}

/* ---- One policy. */

struct sweeping {
    struct shelf *shelf;
    struct wanted wanted;
    struct classes classes;
    bool has_classes;
    const struct networks *relays; /* for which they are made */
    outcomes *attempt, *delivery;  /* room for walks over classes */
    struct names seen;             /* policies, by what of them makes a difference */
    size_t *row_of;                /* by number of these: the first row that has it */
};

static struct bounded whole(const struct cell *cell)
{
    return (struct bounded){ cell_round(cell), cell->low, cell->high };
}

static void put_harms(struct sweep_row *row, const struct harm_cells *harms)
{
    for (int harm = 0; harm < HARMS; harm++) {
        row->wanted[harm] = whole(&harms->wanted[harm]);
        row->presumed[harm] = whole(&harms->presumed[harm]);
    }
}

/* With state all attempts are walked. */
static int judge_whole(const struct sweeping *sweeping, const struct policy *policy, struct sweep_row *row,
                       struct why *why)
{
    struct walk walk;
    struct tally tally;
    if (walk_shelved(&walk, sweeping->shelf, policy, why) < 0)
        return -1;
    struct estimate *estimate = estimate_new(&walk);
    replay_count(walk.columns, &walk, estimate, sweeping->shelf->options, NULL, &tally);
    struct harm_cells harms = harms_count(&walk, estimate, &sweeping->wanted, NULL);
    *row = (struct sweep_row){ .units = tally.units,
                               .stopped = { tally.stopped, tally.stopped_low, tally.stopped_high },
                               .delayed = tally.delayed,
                               .delay_minutes = tally.delay_minutes_median,
                               .delay_90 = tally.delay_minutes_90,
                               .costs = costs_of(&walk, estimate) };
    put_harms(row, &harms);
    tally_free(&tally);
    estimate_free(estimate);
    walk_free(&walk);
    return 0;
}

static void count_stops(struct walk *walk, struct estimate *estimate, const struct unit_class *like,
                        struct cell *stopped)
{
    const outcomes rules = OUTCOME(RULES_MOST) - 1;
    outcomes set = unit_outcomes(walk->columns, walk, walk->options->unit, like->first);
    double share[64] = { 0 }, sum = 0;
    if (set & (set - 1))
        estimate_share(estimate, set, like->first, share);
    else
        share[__builtin_ctzll(set)] = 1;
    for (outcomes left = set & rules; left; left &= left - 1)
        sum += share[__builtin_ctzll(left)];
    stopped->expected += sum * (double)like->times;
    stopped->low += set & ~rules ? 0 : like->times;
    stopped->high += set & rules ? like->times : 0;
}

/* Without state one of each class stands for all that are like it. */
static void judge_classes(const struct sweeping *sweeping, struct walk *walk, struct sweep_row *row)
{
    const struct classes *classes = &sweeping->classes;
    struct estimate *estimate = estimate_new(walk);
    struct harm_cells harms = { 0 };
    struct cell stopped = { 0, 0, 0 };
    *row = (struct sweep_row){ .delay_minutes = NAN, .delay_90 = NAN };
    walk->attempt = sweeping->attempt;
    walk->delivery = walk->by_delivery ? sweeping->delivery : NULL;
    for (size_t i = 0; i < classes->walked_count; i++)
        walk_unit(walk, classes->walked[i]);
    for (size_t i = 0; i < classes->unit_count; i++) {
        const struct unit_class *like = &classes->unit[i];
        row->units += like->times;
        count_stops(walk, estimate, like, &stopped);
        harms_add(&harms, walk, estimate, like->first, like->signs, like->times);
    }
    for (size_t i = 0; i < classes->session_count; i++) {
        const struct session_class *like = &classes->session[i];
        costs_add(&row->costs, walk, estimate, like->session, &classes->size[like->sizes],
                  (double)like->times);
    }
    row->stopped = whole(&stopped);
    put_harms(row, &harms);
    walk->attempt = walk->delivery = NULL; /* they are not the walk's */
    estimate_free(estimate);
}

static size_t count_measures(const struct policy *policy)
{
    size_t count = 0;
    for (size_t r = 0; r < policy->rule_count; r++)
        count += !rule_warns(&policy->rules[r]);
    return count;
}

/* ---- The front. */

enum { GOALS = 4 };

/* What is to be little: what is not stopped, harm, and both kinds of cost. */
static void goals_of(const struct sweep_row *row, double goals[GOALS])
{
    goals[0] = -(double)row->stopped.count;
    goals[1] = 0;
    for (int harm = 0; harm < HARMS; harm++)
        goals[1] += (double)row->wanted[harm].count + (double)row->presumed[harm].count;
    goals[2] = row->costs.look_ups.expected;
    goals[3] = row->costs.seconds.expected;
}

static bool dominates(const double a[GOALS], const double b[GOALS])
{
    bool better = false;
    for (int i = 0; i < GOALS; i++) {
        if (a[i] > b[i])
            return false;
        better = better || a[i] < b[i];
    }
    return better;
}

struct ranked {
    double goals[GOALS];
    size_t row;
};

static int by_goals(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    for (int i = 0; i < GOALS; i++)
        if (a->goals[i] != b->goals[i])
            return a->goals[i] < b->goals[i] ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* In order of the goals a row can be beaten only by one before it, and then by one of the front. */
void sweep_front(struct sweep_row *rows, size_t count)
{
    struct ranked *ranked = mem_zero(count, sizeof *ranked);
    size_t *front = mem_zero(count, sizeof *front), on_it = 0;
    for (size_t i = 0; i < count; i++) {
        goals_of(&rows[i], ranked[i].goals);
        ranked[i].row = i;
    }
    qsort(ranked, count, sizeof *ranked, by_goals);
    for (size_t i = 0; i < count; i++) {
        bool beaten = false;
        for (size_t k = 0; k < on_it && !beaten; k++)
            beaten = dominates(ranked[front[k]].goals, ranked[i].goals);
        rows[ranked[i].row].front = !beaten;
        if (!beaten)
            front[on_it++] = i;
    }
    free(front);
    free(ranked);
}

/* Judges whatever rule some policy has, so that it is known what the policies tell apart. *without: how many
 * have no state. */
static int prepare(struct sweeping *sweeping, const struct policy *const *policies, size_t count,
                   size_t *without, struct why *why)
{
    for (size_t i = 0; i < count; i++) {
        struct walk walk;
        if (walk_prepare(&walk, sweeping->shelf, policies[i], why) < 0)
            return -1;
        *without += walk.stateful == 0;
        walk_free(&walk);
    }
    return 0;
}

/* What of a rule makes a difference to a row. */
struct essence {
    const struct judged *judged; /* measure, parameters, exemptions and stage */
    double cost;
    uint64_t reply;
};

/* The number of a policy: those that do the same have the same. Rules that only warn do nothing, but their
 * asking costs. */
static uint32_t number_of(struct sweeping *sweeping, const struct walk *walk)
{
    const struct policy *policy = walk->policy;
    struct essence essence[RULES_MOST + 1];
    memset(essence, 0, sizeof essence);
    for (size_t k = 0; k < policy->rule_count; k++) {
        const struct rule *rule = &policy->rules[walk->steps[k].rule];
        essence[k].judged = walk->judged[walk->steps[k].rule];
        essence[k].cost = cost_of_asking(rule);
        essence[k].reply = (uint64_t)rule->reply << 1 | rule_warns(rule);
    }
    struct str bytes = { (const char *)essence, policy->rule_count * sizeof *essence };
    return names_add(&sweeping->seen, bytes);
}

static int judge_policy(struct sweeping *sweeping, const struct policy *const *policies, size_t i,
                        struct sweep_row *rows, struct why *why)
{
    const struct policy *policy = policies[i];
    struct sweep_row *row = &rows[i];
    struct walk walk;
    int result = 0;
    if (walk_prepare(&walk, sweeping->shelf, policy, why) < 0)
        return -1;
    size_t before = sweeping->seen.count;
    uint32_t number = number_of(sweeping, &walk);
    const struct policy *like = number < before ? policies[sweeping->row_of[number]] : NULL;
    if (!like)
        sweeping->row_of[number] = i;
    if (like && networks_equal(&like->trusted_relays, &policy->trusted_relays))
        *row = rows[sweeping->row_of[number]];
    else if (walk.stateful || !sweeping->has_classes ||
             !networks_equal(sweeping->relays, &policy->trusted_relays))
        result = judge_whole(sweeping, policy, row, why);
    else
        judge_classes(sweeping, &walk, row);
    row->measures = count_measures(policy);
    walk_free(&walk);
    return result;
}

enum { WORTH_CLASSES = 2 };

int sweep_run(struct columns *columns, const struct policy *const *policies, size_t count,
              const struct networks *own, const struct sweep_options *options, struct sweep_row *rows,
              struct why *why)
{
    size_t attempts = columns->attempt_count, without = 0;
    columns_chain(columns, options->replay->retry_window);
    struct sweeping sweeping = { .shelf = shelf_new(columns, options->replay),
                                 .wanted = wanted_new(columns, own),
                                 .relays = &policies[0]->trusted_relays };
    sweeping.row_of = mem_zero(count, sizeof *sweeping.row_of);
    int result = prepare(&sweeping, policies, count, &without, why);
    if (result == 0 && without >= WORTH_CLASSES) {
        sweeping.classes = classes_make(sweeping.shelf, &sweeping.wanted, sweeping.relays);
        sweeping.has_classes = true;
        sweeping.attempt = mem_zero(attempts, sizeof *sweeping.attempt);
        sweeping.delivery = mem_zero(attempts, sizeof *sweeping.delivery);
    }
    for (size_t i = 0; i < count && result == 0; i++) {
        result = judge_policy(&sweeping, policies, i, rows, why);
        if (options->progress)
            options->progress(options->state, i + 1, count);
    }
    classes_free(&sweeping.classes);
    names_free(&sweeping.seen);
    free(sweeping.row_of);
    free(sweeping.attempt);
    free(sweeping.delivery);
    wanted_free(&sweeping.wanted);
    shelf_free(sweeping.shelf);
    if (result == 0)
        sweep_front(rows, count);
    return result;
}

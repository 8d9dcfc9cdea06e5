/* The sweep. */
#include "analyze/sweep.h"

#include <math.h>
#include <stdlib.h>
#include "analyze/counting.h"
#include "analyze/harms.h"
#include "analyze/measure.h"
#include "analyze/wanted.h"

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

static struct bounded whole(const struct cell *cell)
{
    uint64_t count = (uint64_t)llround(cell->expected);
    count = count < cell->low ? cell->low : count > cell->high ? cell->high : count;
    return (struct bounded){ count, cell->low, cell->high };
}

static int judge_policy(struct columns *columns, const struct policy *policy, const struct wanted *wanted,
                        const struct replay_options *options, struct sweep_row *row, struct why *why)
{
    struct walk walk;
    struct tally tally;
    if (walk_run(&walk, columns, policy, options, why) < 0)
        return -1;
    struct estimate *estimate = estimate_new(&walk);
    replay_count(columns, &walk, estimate, options, NULL, &tally);
    struct harm_cells harms = harms_count(&walk, estimate, wanted);
    *row = (struct sweep_row){ .units = tally.units,
                               .stopped = { tally.stopped, tally.stopped_low, tally.stopped_high },
                               .delayed = tally.delayed,
                               .delay_minutes = tally.delay_minutes_median,
                               .delay_90 = tally.delay_minutes_90,
                               .costs = costs_of(&walk, estimate) };
    for (int harm = 0; harm < HARMS; harm++) {
        row->wanted[harm] = whole(&harms.wanted[harm]);
        row->presumed[harm] = whole(&harms.presumed[harm]);
    }
    for (size_t r = 0; r < policy->rule_count; r++)
        row->measures += !rule_warns(&policy->rules[r]);
    tally_free(&tally);
    estimate_free(estimate);
    walk_free(&walk);
    return 0;
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

int sweep_run(struct columns *columns, const struct policy *const *policies, size_t count,
              const struct networks *own, const struct sweep_options *options, struct sweep_row *rows,
              struct why *why)
{
    int result = 0;
    columns_chain(columns, options->replay->retry_window);
    struct wanted wanted = wanted_new(columns, own);
    for (size_t i = 0; i < count && result == 0; i++) {
        result = judge_policy(columns, policies[i], &wanted, options->replay, &rows[i], why);
        if (options->progress)
            options->progress(options->state, i + 1, count);
    }
    wanted_free(&wanted);
    if (result == 0)
        sweep_front(rows, count);
    return result;
}

/* The sweep. */
#include "analyze/sweep.h"

#include <math.h>
#include <stdlib.h>
#include "analyze/trials.h"

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

enum { WORTH_DIGESTING = 2 };

int sweep_run(struct columns *columns, const struct policy *const *policies, size_t count,
              const struct networks *own, const struct sweep_options *options, struct sweep_row *rows,
              struct why *why)
{
    struct trials *trials = trials_new(columns, options->replay, own);
    if (count < WORTH_DIGESTING)
        trials_keep_plain(trials);
    int result = trials_expect(trials, policies, count, why);
    for (size_t i = 0; i < count && result == 0; i++) {
        result = trials_try(trials, policies[i], &rows[i], NULL, why);
        if (options->progress)
            options->progress(options->state, i + 1, count);
    }
    trials_free(trials);
    if (result == 0)
        sweep_front(rows, count);
    return result;
}

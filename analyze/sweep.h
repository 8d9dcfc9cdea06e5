/* Many policies on one record: what each stops, whom it hurts, what it costs. */
#ifndef ANALYZE_SWEEP_H
#define ANALYZE_SWEEP_H

#include "analyze/cost.h"
#include "analyze/replay.h"
#include "analyze/wanted.h"

struct sweep_row {
    uint64_t units;
    struct bounded stopped; /* by any measure */
    struct bounded wanted[HARMS], presumed[HARMS];
    uint64_t delayed;               /* units that come late, wanted or not */
    double delay_minutes, delay_90; /* half of these within, nine tenths within; NAN: none */
    struct costs costs;
    size_t measures;
    bool front; /* no other row stops as much with as little harm at as little cost, and is better in one */
};

/* The figures of a row by the names that formulas and tables have for them. */
enum { SWEEP_FIGURES = 36 };
extern const char *const sweep_figure[SWEEP_FIGURES];
void sweep_figures(const struct sweep_row *row, double values[SWEEP_FIGURES]);

struct sweep_options {
    const struct replay_options *replay;
    void (*progress)(void *state, size_t done, size_t all); /* NULL: none */
    void *state;
};

/* A row each for `count` policies, with the Pareto front marked. `own`: networks of ours, for who wrote to
 * whom. Each row is what a replay of that policy alone says. 0, or -1 with why. */
int sweep_run(struct columns *columns, const struct policy *const *policies, size_t count,
              const struct networks *own, const struct sweep_options *options, struct sweep_row *rows,
              struct why *why);

/* Marks the rows that are on the front. */
void sweep_front(struct sweep_row *rows, size_t count);

#endif

/* What both graphs show, as numbers. */
#include "report/bars.h"

#include <assert.h>
#include "report/replay_table.h"

const char *const graph_name[GRAPHS] = { [GRAPH_COUNTS] = "counts", [GRAPH_PERCENT] = "percent" };

bool graph_find(struct str name, enum graph *graph)
{
    for (int i = 0; i < GRAPHS; i++) {
        if (str_eq(name, str_of(graph_name[i]))) {
            *graph = (enum graph)i;
            return true;
        }
    }
    return false;
}

static void order_rows(struct bars *bars, const struct tally *tally, enum graph graph, struct arena *arena)
{
    bars->order = arena_zero(arena, tally->row_count * sizeof *bars->order);
    for (int pass = 0; pass < 3; pass++) {
        for (size_t i = 0; i < tally->row_count; i++) {
            enum row_kind kind = tally->rows[i].kind;
            int when = kind == ROW_MEASURE ? 0 : kind == ROW_ACCEPTED ? 2 : 1;
            if (when == pass && (graph == GRAPH_COUNTS || row_has_percent(tally, &tally->rows[i])))
                bars->order[bars->drawn++] = i;
        }
    }
}

struct sums {
    uint64_t count, sure;
};

/* A row's sums over the slices of a bar; without slices, the whole. */
static struct sums sum_row(const struct tally *tally, size_t row, size_t from, size_t to)
{
    struct sums sums = { 0 };
    if (tally->slice_count == 0) {
        const struct row *whole = &tally->rows[row];
        return (struct sums){ whole->count, whole->low < whole->count ? whole->low : whole->count };
    }
    for (size_t s = from; s < to; s++) {
        const struct slice *slice = &tally->slices[s];
        sums.count += slice->count[row];
        sums.sure += slice->low[row] < slice->count[row] ? slice->low[row] : slice->count[row];
    }
    return sums;
}

static void fill_bar(struct bars *bars, const struct tally *tally, enum graph graph, size_t bar, size_t from,
                     size_t to)
{
    uint64_t base = 0;
    for (size_t k = 0; k < bars->drawn; k++)
        base += sum_row(tally, bars->order[k], from, to).count;
    double scale = graph == GRAPH_PERCENT ? (base ? 100 / (double)base : 0) : 1 / (double)(to - from);
    for (size_t k = 0; k < bars->drawn; k++) {
        size_t row = bars->order[k];
        struct sums sums = sum_row(tally, row, from, to);
        bars->value[row * bars->count + bar] = (double)sums.count * scale;
        bars->sure[row * bars->count + bar] = (double)sums.sure * scale;
        bars->unsure = bars->unsure || sums.sure < sums.count;
    }
    bars->total[bar] = (double)base * scale;
}

/* 1, 2 or 5 times a power of ten; parts of one only where a bar is a mean. */
static double nice_step(double most, unsigned labels, bool whole)
{
    double least = most / labels, power = whole ? 1 : 0.01;
    while (power * 10 <= least)
        power *= 10;
    return least <= power       ? power
           : least <= 2 * power ? 2 * power
           : least <= 5 * power ? 5 * power
                                : 10 * power;
}

/* Where one bar is four times as high as any other, the others would be nothing but a line on the axis: it is
 * cut, and its count written above it. */
static void scale_counts(struct bars *bars)
{
    enum { FEWEST = 5, TIMES = 4, LABELS = 7 };
    size_t highest = 0;
    double most = 0, second = 0;
    for (size_t i = 0; i < bars->count; i++) {
        if (bars->total[i] > most) {
            second = most;
            most = bars->total[i];
            highest = i;
        } else if (bars->total[i] > second) {
            second = bars->total[i];
        }
    }
    bool cut = bars->count >= FEWEST && second > 0 && most > TIMES * second;
    bars->cut = cut ? highest : SIZE_MAX;
    most = cut ? second * 1.25 : most;
    bars->most = most > 0 ? most * 1.04 : 1;
    bars->step = nice_step(bars->most, LABELS, bars->together == 1);
}

struct bars bars_make(const struct tally *tally, enum graph graph, size_t most, struct arena *arena)
{
    size_t slices = tally->slice_count ? tally->slice_count : tally->units > 0;
    struct bars bars = { .kind = slices_kind(tally), .cut = SIZE_MAX, .most = 100, .step = 20 };
    assert(most > 0);
    bars.together = slices > most ? slices / most + (slices % most > 0) : 1;
    bars.count = slices / bars.together + (slices % bars.together > 0);
    bars.from = arena_zero(arena, bars.count * sizeof *bars.from);
    bars.total = arena_zero(arena, bars.count * sizeof *bars.total);
    bars.value = arena_zero(arena, tally->row_count * bars.count * sizeof *bars.value);
    bars.sure = arena_zero(arena, tally->row_count * bars.count * sizeof *bars.sure);
    order_rows(&bars, tally, graph, arena);
    for (size_t i = 0, from = 0; i < bars.count; i++, from += bars.together) {
        size_t to = from + bars.together < slices ? from + bars.together : slices;
        bars.from[i] = tally->slice_count ? tally->slices[from].from : tally->from;
        fill_bar(&bars, tally, graph, i, from, to);
    }
    if (graph == GRAPH_COUNTS)
        scale_counts(&bars);
    return bars;
}

/* The order that costs least.
 *
 * What reaches a measure depends on which ones were asked before it, not in which order. So the least that
 * the rest of the way can cost depends on the set of those that were asked, and is worked out for all sets,
 * from the whole down. */
#include "analyze/order.h"

#include <math.h>
#include <stdlib.h>

#define BIT(member) ((uint64_t)1 << (member))

/* Whether one name comes before another. */
static bool comes_before(struct str a, struct str b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = memcmp(a.at, b.at, shorter);
    return order ? order < 0 : a.len < b.len;
}

double order_cost(const struct asked_order *asked, const struct expected *pattern, size_t patterns,
                  const size_t *order)
{
    double cost = 0;
    for (size_t i = 0; i < patterns; i++) {
        double one = 0;
        for (size_t k = 0; k < asked->count; k++) {
            one += asked->cost[order[k]];
            if (pattern[i].hit & BIT(order[k]))
                break;
        }
        cost += one * pattern[i].units;
    }
    return cost;
}

static double reach(const struct expected *pattern, size_t patterns, uint64_t before)
{
    double units = 0;
    for (size_t i = 0; i < patterns; i++)
        units += pattern[i].hit & before ? 0 : pattern[i].units;
    return units;
}

/* Many members: the next is always the one with the least cost over what it stops. */
static void greedy(const struct asked_order *asked, const struct expected *pattern, size_t patterns,
                   size_t *order)
{
    uint64_t before = 0;
    for (size_t k = 0; k < asked->count; k++) {
        size_t best = asked->count;
        double least = INFINITY;
        double reaching = reach(pattern, patterns, before);
        for (size_t m = 0; m < asked->count; m++) {
            if (before & BIT(m))
                continue;
            double stopped = reaching - reach(pattern, patterns, before | BIT(m));
            double rank = asked->cost[m] == 0 ? 0 : stopped > 0 ? asked->cost[m] / stopped : INFINITY;
            if (best == asked->count || rank < least ||
                (rank == least && comes_before(asked->name[m], asked->name[best]))) {
                best = m;
                least = rank;
            }
        }
        order[k] = best;
        before |= BIT(best);
    }
}

/* Sums of many parts differ by their last bits where they are equal. */
static bool is_least(double value, double least)
{
    return value <= least + 1e-9 * (1 + fabs(least));
}

static void exact(const struct asked_order *asked, const struct expected *pattern, size_t patterns,
                  size_t *order)
{
    size_t sets = (size_t)1 << asked->count, all = sets - 1;
    double *reaching = mem_zero(sets, sizeof *reaching); /* by the set of those not asked yet */
    double *rest = mem_zero(sets, sizeof *rest); /* by the set of those asked: what is still to come */
    for (size_t i = 0; i < patterns; i++)
        reaching[pattern[i].hit & all] += pattern[i].units;
    for (size_t m = 0; m < asked->count; m++) /* of each set: those hit by no other */
        for (size_t set = 0; set < sets; set++)
            if (set & BIT(m))
                reaching[set] += reaching[set ^ BIT(m)];
    for (size_t set = all; set-- > 0;) {
        rest[set] = INFINITY;
        for (size_t m = 0; m < asked->count; m++) {
            double cost = set & BIT(m) ? INFINITY : asked->cost[m] * reaching[all ^ set] + rest[set | BIT(m)];
            rest[set] = cost < rest[set] ? cost : rest[set];
        }
    }
    for (size_t k = 0, set = 0; k < asked->count; k++) {
        size_t best = asked->count;
        for (size_t m = 0; m < asked->count; m++)
            if (!(set & BIT(m)) &&
                is_least(asked->cost[m] * reaching[all ^ set] + rest[set | BIT(m)], rest[set]) &&
                (best == asked->count || comes_before(asked->name[m], asked->name[best])))
                best = m;
        order[k] = best;
        set |= BIT(best);
    }
    free(reaching);
    free(rest);
}

double order_best(const struct asked_order *asked, const struct expected *pattern, size_t patterns,
                  size_t *order)
{
    (asked->count <= EXACT_MOST ? exact : greedy)(asked, pattern, patterns, order);
    return order_cost(asked, pattern, patterns, order);
}

/* Greedy maximum coverage. What a set adds only falls while others are taken, so one whose former gain is
 * below the best found needs no look. */
#include "analyze/cover.h"

#include <stdbool.h>
#include <stdlib.h>
#include "base/memory.h"

static double gain_of(const struct cover_set *set, const double *weight, const bool *covered)
{
    double gain = 0;
    for (size_t i = 0; i < set->count; i++)
        gain += covered[set->item[i]] ? 0 : weight[set->item[i]];
    return gain;
}

size_t cover_most(const struct cover_set *set, size_t sets, const double *weight, size_t items, size_t most,
                  size_t *chosen)
{
    bool *covered = mem_zero(items + 1, sizeof *covered);
    double *gain = mem_alloc((sets + 1) * sizeof *gain);
    size_t count = 0;
    for (size_t s = 0; s < sets; s++)
        gain[s] = gain_of(&set[s], weight, covered);
    for (; count < most; count++) {
        size_t best = sets;
        for (size_t s = 0; s < sets; s++) {
            if (gain[s] <= 0 || (best < sets && gain[s] < gain[best]))
                continue;
            gain[s] = gain_of(&set[s], weight, covered);
            if (gain[s] > 0 && (best == sets || gain[s] > gain[best] ||
                                (gain[s] == gain[best] && set[s].price < set[best].price)))
                best = s;
        }
        if (best == sets)
            break;
        for (size_t i = 0; i < set[best].count; i++)
            covered[set[best].item[i]] = true;
        chosen[count] = best;
    }
    free(covered);
    free(gain);
    return count;
}

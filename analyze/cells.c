/* From expected counts to whole ones. */
#include "analyze/cells.h"

#include <math.h>
#include <stdlib.h>
#include "base/memory.h"

struct remainder {
    double part;
    size_t cell;
};

static int by_remainder(const void *left, const void *right)
{
    const struct remainder *a = left, *b = right;
    if (a->part != b->part)
        return a->part > b->part ? -1 : 1;
    return a->cell < b->cell ? -1 : a->cell > b->cell;
}

uint64_t cell_round(const struct cell *cell)
{
    uint64_t count = (uint64_t)floor(cell->expected + 0.5 + 1e-6);
    return count < cell->low ? cell->low : count > cell->high ? cell->high : count;
}

void cells_round(const struct cell *cells, size_t count, uint64_t sum, uint64_t *counts)
{
    struct remainder *order = mem_zero(count, sizeof *order);
    uint64_t so_far = 0;
    for (size_t i = 0; i < count; i++) {
        double whole = floor(cells[i].expected + 1e-9);
        counts[i] = (uint64_t)whole;
        counts[i] = counts[i] < cells[i].low    ? cells[i].low
                    : counts[i] > cells[i].high ? cells[i].high
                                                : counts[i];
        /* what is the same but for the order in which it was summed is the same */
        order[i] = (struct remainder){ round((cells[i].expected - (double)counts[i]) * 1e9), i };
        so_far += counts[i];
    }
    qsort(order, count, sizeof *order, by_remainder);
    for (size_t guard = 0; so_far < sum && guard < 4; guard++)
        for (size_t i = 0; i < count && so_far < sum; i++)
            if (counts[order[i].cell] < cells[order[i].cell].high) {
                counts[order[i].cell]++;
                so_far++;
            }
    for (size_t guard = 0; so_far > sum && guard < 4; guard++)
        for (size_t i = count; i-- > 0 && so_far > sum;)
            if (counts[order[i].cell] > cells[order[i].cell].low) {
                counts[order[i].cell]--;
                so_far--;
            }
    free(order);
}

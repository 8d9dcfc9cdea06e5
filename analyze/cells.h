/* Counts with bounds, while they are being counted, and as whole numbers. */
#ifndef ANALYZE_CELLS_H
#define ANALYZE_CELLS_H

#include <stddef.h>
#include <stdint.h>

struct cell {
    double expected;
    uint64_t low, high;
};

/* The nearest whole count within the bounds. Halves go up, be they a little short of one by the order in
 * which they were summed. */
uint64_t cell_round(const struct cell *cell);
/* Whole counts that sum to `sum`, each within its bounds: largest remainder. */
void cells_round(const struct cell *cells, size_t count, uint64_t sum, uint64_t *counts);

#endif

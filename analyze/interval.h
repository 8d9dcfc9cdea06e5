/* What a share may be that was seen in some of so many. */
#ifndef ANALYZE_INTERVAL_H
#define ANALYZE_INTERVAL_H

#include <stdint.h>

struct interval {
    double low, high;
};

/* The interval of Clopper and Pearson (Biometrika 1934): at least 95 times in a hundred it holds the share in
 * which what is counted happens, whatever that is. `low` to `high` of them were counted (the same, where all
 * is known; what is not known widens it on its side), `of` in all; of none it is [0, 1]. */
struct interval interval_of(uint64_t low, uint64_t high, uint64_t of);

#endif

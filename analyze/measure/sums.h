/* Sums of weights over the same zones, each of which lists a client or not: what some of them came to tells
 * of another. */
#ifndef ANALYZE_MEASURE_SUMS_H
#define ANALYZE_MEASURE_SUMS_H

#include <stdbool.h>
#include <stddef.h>
#include "base/tri.h"

enum { SUMS_MOST = 8, SUMS_ZONES_MOST = 10 };

struct zone_sum {
    double weight[SUMS_ZONES_MOST]; /* by zone; 0: not asked */
    double threshold;
    bool reached; /* of those that are known */
};

struct zone_sums {
    struct zone_sum ours, known[SUMS_MOST];
    size_t known_count, zones;
    enum tri listed[SUMS_ZONES_MOST]; /* by zone, as far as it was seen */
};

/* Whether ours reaches its threshold in all listings that agree with what was seen and with the known sums;
 * UNKNOWN where it does in some only, or none agrees. */
enum tri zone_sums_reach(const struct zone_sums *sums);

#endif

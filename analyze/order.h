/* The order of measures that costs least (semantics.md section 8). */
#ifndef ANALYZE_ORDER_H
#define ANALYZE_ORDER_H

#include "analyze/game.h"
#include "analyze/policy.h"

/* Measures of one stage, which may be asked in any order, each until one hits. */
struct asked_order {
    size_t count; /* MEMBERS_MOST at most */
    const double *cost;
    const struct str *name; /* of equal orders the first by name is taken */
};

/* So many units, or what is expected of them, are hit by these members. */
struct expected {
    uint64_t hit;
    double units;
};

enum { EXACT_MOST = 16 };

/* Puts into order[] the members in the order that costs least for units with these patterns (of members as
 * bits; none unknown), and returns what it costs. Up to EXACT_MOST members no order costs less; with more,
 * each next one is that with the least cost over the share it stops of what reaches it, which costs at most
 * four times the least (Munagala, Babu, Motwani, Widom 2005, "The pipelined set cover problem"). */
double order_best(const struct asked_order *asked, const struct expected *pattern, size_t patterns,
                  size_t *order);
/* What an order costs. */
double order_cost(const struct asked_order *asked, const struct expected *pattern, size_t patterns,
                  const size_t *order);

#endif

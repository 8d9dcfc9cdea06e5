/* Sets of facts: many sessions have the same evidence, and it is kept once for all of them. */
#ifndef ANALYZE_FACT_SETS_H
#define ANALYZE_FACT_SETS_H

#include "analyze/columns.h"

/* While sessions come in: where the set of a hash is. Zero-initialise it to begin with. */
struct fact_sets {
    struct fact_set_slot {
        uint32_t hash, number; /* number + 1; 0: free */
    } * slot;
    size_t slots, first_room, kinds_room;
};

/* The number of the set of facts that stand last in columns->fact, from `first` on; they are taken off again
 * where there is such a set already. */
uint32_t fact_sets_number(struct fact_sets *sets, struct columns *columns, size_t first, uint32_t kinds);
void fact_sets_free(struct fact_sets *sets);

#endif

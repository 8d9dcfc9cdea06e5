/* Hours in which nobody came though many should have: gaps in the record. Only census.c asks. */
#ifndef ANALYZE_SILENCES_H
#define ANALYZE_SILENCES_H

#include "analyze/columns.h"
#include "analyze/census.h"

/* Those of the period, the longest first; in `arena`. NULL: there are none. */
struct silence *silences_find(const struct columns *columns, const struct replay_options *options,
                              struct arena *arena, size_t *count);

#endif

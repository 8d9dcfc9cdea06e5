/* What both graphs show, as numbers: bars side by side, each a stack of a tally's rows. */
#ifndef REPORT_BARS_H
#define REPORT_BARS_H

#include <stdbool.h>
#include "analyze/tally.h"
#include "report/slices.h"

enum graph { GRAPH_COUNTS, GRAPH_PERCENT, GRAPHS };
extern const char *const graph_name[GRAPHS]; /* "counts", "percent": as --graph takes them */
bool graph_find(struct str name, enum graph *graph);

struct bars {
    enum slice_kind kind;
    size_t count, together; /* bars; slices in each */
    usec *from;
    size_t *order; /* rows from the top of the stack down: the policy's measures, the others, accepted */
    size_t drawn;  /* rows in it */
    double *value; /* row by row, `count` each: units in a slice, or percent */
    double *sure;  /* what of the value is certain */
    double *total; /* by bar */
    double most;   /* the top of the axis */
    double step;   /* between its labels */
    size_t cut;    /* the one bar that goes over the top; SIZE_MAX: none */
    bool unsure;   /* something is not certain */
};

/* At most `most` bars: where there are more slices, a bar is the mean of several. Without slices the whole
 * period is one. All belongs to `arena`. */
struct bars bars_make(const struct tally *tally, enum graph graph, size_t most, struct arena *arena);

#endif

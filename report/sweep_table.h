/* A sweep's rows, and the front as a graph. */
#ifndef REPORT_SWEEP_TABLE_H
#define REPORT_SWEEP_TABLE_H

#include <stdio.h>
#include "analyze/sweep.h"
#include "report/gnuplot.h"
#include "report/table.h"

struct sweep_shown {
    const struct sweep_row *rows;
    const struct str *names; /* of each row: what is changed */
    const double *value;     /* of the formula; NULL: none was given */
    const size_t *order;     /* in which they are shown */
    size_t count;            /* in `order` */
    size_t left_out;         /* rows that are not in it */
    struct str policy, formula;
    enum unit unit;
};

/* 0, or -1 with why. */
int sweep_print(const struct sweep_shown *shown, enum table_format format, FILE *to, struct why *why);

/* Draws what is stopped over what of it is wanted and lost or refused; those of the front have the number of
 * their row. To a file whose name ends in .svg, .png or .txt; another ending is an error (EX_USAGE).
 * `gnuplot` may be NULL. */
int sweep_graph(const struct sweep_shown *shown, const char *path, const struct gnuplot *gnuplot,
                struct why *why);
/* Whether the name has such an ending: 0, or -1 with why. */
int sweep_graph_check(const char *path, struct why *why);

#endif

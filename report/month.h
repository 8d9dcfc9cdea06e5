/* The monthly report: a folder with one self-contained page, the same as text, its tables as CSV, its graphs
 * as SVG and PNG. */
#ifndef REPORT_MONTH_H
#define REPORT_MONTH_H

#include "analyze/tally.h"
#include "base/why.h"
#include "report/gnuplot.h"

struct month {
    struct str title;              /* "October 2026": what the period is called; at == NULL: its dates */
    const struct tally *tally;     /* the policy's, with slices by day */
    const struct tally *recorded;  /* what the server itself did, to stand beside it; NULL: is left out */
    usec made;                     /* when, for the foot of the page; USEC_NONE: not said */
    const struct gnuplot *gnuplot; /* may be NULL */
};

/* Writes index.html, report.txt, replay.csv, series.csv, counts.svg, counts.png, percent.svg, percent.png
 * into `folder`, which is made when it is not there. Each file is whole or as it was before; index.html comes
 * last. 0, or -1 with why. */
int month_write(const struct month *month, const char *folder, struct why *why);

#endif

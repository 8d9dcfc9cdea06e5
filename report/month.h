/* The report of a period: a folder with one self-contained page, the same as text, its tables as CSV and
 * JSON, its graphs as SVG and PNG. */
#ifndef REPORT_MONTH_H
#define REPORT_MONTH_H

#include "analyze/fates.h"
#include "analyze/period.h"
#include "base/why.h"
#include "collect/collect.h"
#include "report/gnuplot.h"
#include "report/outline.h"

struct section;

struct month {
    struct str title;            /* "October 2026": what the period is called; at == NULL: its dates */
    struct str before;           /* "September 2026": the same of the one before; at == NULL: there is none */
    const struct policy *policy; /* NULL: what the server did */
    const struct period *period;
    const struct fates *fates; /* NULL: not counted */
    const struct input *inputs;
    size_t input_count;
    const struct skipped *skipped;
    size_t skipped_count;
    const struct wall *wall;       /* whose clock its times are of; NULL: UTC's */
    usec made;                     /* when, for the foot of the page; USEC_NONE: not said */
    const struct gnuplot *gnuplot; /* may be NULL */
    const struct outline *outline; /* which sections; NULL: all */
};

/* Writes index.html, report.txt, report.json, and for each table tables/NAME.csv and NAME.json, for each
 * graph graphs/NAME.svg and NAME.png into `folder`, which is made when it is not there. Each file is whole or
 * as it was before; index.html comes last. 0, or -1 with why. */
int month_write(const struct month *month, const char *folder, struct why *why);

/* The sections of a report, those of the outline that have something to say; in `arena`, undrawn. */
struct section *month_sections(const struct month *month, struct arena *arena, size_t *count);

/* What goes at the ends of a page and of a text. */
struct str month_title(const struct month *month, struct arena *arena);
struct str month_made(const struct month *month, struct arena *arena);

/* The whole page, self-contained and complete without a script; the same as plain text; and as JSON. */
void page_write(const struct month *month, const struct section *sections, size_t count, FILE *to);
void page_write_text(const struct month *month, const struct section *sections, size_t count, FILE *to);
void page_write_json(const struct month *month, const struct section *sections, size_t count, FILE *to);

#endif

/* The sections of a report. Each is one row: a page part and a text part of the same. To add one, add a row.
 */
#ifndef REPORT_VIEWS_H
#define REPORT_VIEWS_H

#include <stdbool.h>
#include <stdio.h>
#include "report/month.h"
#include "report/palette.h"
#include "report/plot.h"

/* What all sections draw from; made once a report. */
struct report {
    const struct month *month;
    struct picture_bytes svg[GRAPHS];
    struct arena *arena;
};

struct view {
    const char *name;                             /* its id in the page, and what lists of sections call it */
    const char *title;                            /* over it */
    bool (*applies)(const struct report *report); /* NULL: always */
    void (*page)(const struct report *report, FILE *to); /* HTML, below the title */
    void (*text)(const struct report *report, FILE *to); /* of at most 78 columns; NULL: not in the text */
};

extern const struct view *const views[]; /* in the order of the report; ends with NULL */

/* The whole page, self-contained and complete without a script; and the same as plain text. */
void page_write(const struct report *report, FILE *to);
void page_write_text(const struct report *report, FILE *to);

#endif

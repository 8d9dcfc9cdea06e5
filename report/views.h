/* The sections of a report. Each is one row: what it needs worked out, and what makes it of that. To add one,
 * add a row. */
#ifndef REPORT_VIEWS_H
#define REPORT_VIEWS_H

#include <stdbool.h>
#include "report/month.h"
#include "report/palette.h"
#include "report/section.h"

/* What all sections draw from; made once a report. */
struct report {
    const struct month *month;
    const struct tally *tally; /* the month's */
    struct ink *inks;          /* of its rows */
    size_t most;               /* rows of a long table that the page and the text show */
    struct arena *arena;
};

struct view {
    const char *name;                             /* its id in the page, and what lists of sections call it */
    const char *title;                            /* over it */
    unsigned wants;                               /* of enum period_wants */
    bool (*applies)(const struct report *report); /* NULL: always */
    void (*make)(const struct report *report, struct section *section);
};

extern const struct view *const views[]; /* in the order of a report; ends with NULL */

/* In the order of the dialog; each file has those of one thing. */
extern const struct view view_glance, view_table, view_recorded, view_notes;
extern const struct view view_counts, view_percent, view_series, view_week;
extern const struct view view_dialog, view_overlap, view_lists, view_early, view_greylist;
extern const struct view view_abuse, view_backscatter;
extern const struct view view_networks, view_systems, view_countries, view_domains, view_recipients;
extern const struct view view_harm, view_delivered, view_quality;

/* The colour of a measure, the same everywhere. */
uint32_t report_colour(const struct report *report, struct str measure);

#endif

/* A graph of a report: what it shows, as variables and data of a gnuplot template that draws it. Templates
 * come with mxreplay, and a folder of the user's may have others in their place: `NAME.gnuplot`.
 * doc/report.txt tells the variables. */
#ifndef REPORT_CHART_H
#define REPORT_CHART_H

#include <stdio.h>
#include "base/memory.h"
#include "base/str.h"
#include "report/gnuplot.h"
#include "report/sheet.h"
#include "report/svg.h"

struct chart {
    const char *name;     /* of its files: "counts" */
    const char *template; /* "stack" */
    struct str title;     /* what is to be seen: for those who cannot see it */
    int width, height;
    struct svg_part *parts; /* what is plotted, in order */
    size_t part_count;
    struct str data; /* the variables, as chart_end() left them */
    /* Where bars stand side by side: the numbers that show under the mouse. */
    double left, right; /* of the first and the last bar's edge, in pixels */
    const char *values; /* of which table of the page they are; NULL: of none */
    struct picture_bytes drawn[PICTURES];

    FILE *to; /* between chart_begin() and chart_end(): where the variables go */
    char *text;
    size_t text_len;
};

/* Texts may be anybody's. Arrays begin at 1. */
void chart_begin(struct chart *chart);
void chart_text(struct chart *chart, const char *name, struct str text);
void chart_number(struct chart *chart, const char *name, double number);
void chart_count(struct chart *chart, const char *name, size_t count); /* a whole number */
void chart_array(struct chart *chart, const char *name, size_t count);
void chart_item(struct chart *chart, const char *name, size_t i, double number);
void chart_item_count(struct chart *chart, const char *name, size_t i, size_t count);
void chart_item_text(struct chart *chart, const char *name, size_t i, struct str text);
void chart_item_colour(struct chart *chart, const char *name, size_t i, uint32_t rgb);
void chart_end(struct chart *chart, struct arena *arena);

/* Draws it to chart->drawn[picture], which is the caller's to free(). `gnuplot` may be NULL. 0, or -1 with
 * why. */
int chart_draw(struct chart *chart, enum picture picture, const struct gnuplot *gnuplot, struct why *why);
void chart_free(struct chart *chart); /* what was drawn */

/* The templates that come with mxreplay. */
struct shipped_template {
    const char *name, *text;
};
extern const struct shipped_template shipped_templates[]; /* ends with { NULL, NULL } */

#endif

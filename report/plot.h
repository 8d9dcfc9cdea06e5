/* The talk's two graphs, drawn by gnuplot: what became of the units slice by slice, stacked, and the same in
 * percent. */
#ifndef REPORT_PLOT_H
#define REPORT_PLOT_H

#include <stdbool.h>
#include <stdio.h>
#include "analyze/tally.h"
#include "base/why.h"
#include "report/bars.h"
#include "report/chart.h"
#include "report/sheet.h"

/* What is to be drawn, in `arena`; the tally must last as long. */
struct chart *plot_chart(const struct tally *tally, enum graph graph, struct arena *arena);
/* Draws into memory. `gnuplot` may be NULL. 0, or -1 with why: gnuplot is missing, died, hangs, drew nothing.
 */
int plot_picture(const struct tally *tally, enum graph graph, enum picture picture,
                 const struct gnuplot *gnuplot, struct picture_bytes *bytes, struct why *why);
/* Draws to a file whose name ends in .svg or .png; another ending is an error (EX_USAGE). The file is whole
 * or not there: what stood there before stays until the picture is done. "-" is stdout, as SVG. */
int plot_file(const struct tally *tally, enum graph graph, const char *path, const struct gnuplot *gnuplot,
              struct why *why);

/* The same for the eye in the terminal: a line a slice. */
struct text_graph {
    enum graph graph;
    unsigned width; /* columns; at least 40 are taken */
    bool colour;    /* else a letter a measure */
};
int text_graph_print(const struct tally *tally, const struct text_graph *options, FILE *to, struct why *why);
/* The columns of the terminal on `fd`, $COLUMNS, or 80. */
unsigned terminal_width(int fd);
/* Whether `fd` is a terminal with colours whose user wants them: not with NO_COLOR (no-color.org) or
 * TERM=dumb. */
bool terminal_has_colour(int fd);

#endif

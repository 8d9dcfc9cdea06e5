/* What gnuplot's SVG lacks to be put into a page: a name for those who cannot see it, a bold face, and
 * nothing in it that would stand twice where two graphs are in one page. */
#ifndef REPORT_SVG_H
#define REPORT_SVG_H

#include <stdio.h>
#include "base/str.h"
#include "report/gnuplot.h"

/* The family that stands for the bold face of sans-serif: gnuplot's svg terminal knows no weights. */
#define SVG_BOLD "sans-serif:Bold"

/* What is plotted: how it is called, which shows under the mouse, and which row of a tally it is of, so that
 * the page can light it up; measure.at == NULL: none. */
struct svg_part {
    struct str title, measure;
};

/* Mends the picture in place. `parts` are what is plotted, in order. All texts may be anybody's. */
void svg_mend(struct picture_bytes *picture, struct str title, const struct svg_part *parts,
              size_t part_count);
/* Writes the picture as an element of HTML: without the XML declaration in front. */
void svg_inline(struct str picture, FILE *to);

#endif

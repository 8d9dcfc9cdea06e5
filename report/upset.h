/* The combinations in which measures (or lists) hit, as a picture: an UpSet plot (Lex and others, 2014). A
 * column each with the members as dots, above it how many units have exactly these; and how many each hits on
 * the left. */
#ifndef REPORT_UPSET_H
#define REPORT_UPSET_H

#include "analyze/overlap.h"
#include "report/chart.h"

/* What is to be drawn of a group, in `arena`; `colours` of its members, NULL: all in one. `name` is of its
 * files, and must last; `period` says which time it is of, and whose. */
struct chart *upset_chart(const struct overlap *overlap, const struct overlap_group *group,
                          const uint32_t *colours, const char *name, struct str period, struct arena *arena);
/* Draws a group of the overlap. `gnuplot` may be NULL. 0, or -1 with why. */
int upset_picture(const struct overlap *overlap, const struct overlap_group *group, enum picture picture,
                  const struct gnuplot *gnuplot, struct picture_bytes *bytes, struct why *why);
/* To a file whose name ends in .svg or .png, whole or not at all; "-" is stdout, as SVG. */
int upset_file(const struct overlap *overlap, const struct overlap_group *group, const char *path,
               const struct gnuplot *gnuplot, struct why *why);

#endif

/* A gnuplot script that draws at places on a sheet, counted in pixels from its upper left corner, and what
 * comes of it. No text that is drawn can be read as anything else. */
#ifndef REPORT_SHEET_H
#define REPORT_SHEET_H

#include <stdbool.h>
#include <stdio.h>
#include "base/str.h"
#include "base/why.h"
#include "report/gnuplot.h"
#include "report/palette.h"

enum picture { PICTURE_SVG, PICTURE_PNG, PICTURES };
extern const char *const picture_ending[PICTURES]; /* ".svg", ".png" */

#define INK    "#24292f" /* what is read */
#define FAINT  "#6a737d" /* what is read second */
#define GRID   "#dfe3e8"
#define AXIS   "#8b949e"
#define GROUND "#ffffff"

struct sheet {
    enum picture picture;
    int width, height; /* pixels; a PNG has twice as many, for slides */
    FILE *to;
};

enum pen_weight { PLAIN, BOLD };

struct pen {
    unsigned size;
    enum pen_weight weight;
    const char *colour, *side; /* "left", "center" or "right" of it is the place */
};

/* A number without the locale's say in it. */
void sheet_number(FILE *to, double number);
/* The terminal: to begin with. */
void sheet_begin(const struct sheet *sheet);
void sheet_label(const struct sheet *sheet, double x, double y, const struct pen *pen, struct str text);
/* From corner to corner; `fill`: how solid, 0 to 1. */
void sheet_box(const struct sheet *sheet, double x, double y, double width, double height, uint32_t rgb,
               double fill);

/* Which picture a file's name asks for ("-": SVG); PICTURES with why where it is none (EX_USAGE). */
enum picture picture_of(const char *path, struct why *why);
/* Runs a script and looks whether what comes is whole. 0, or -1 with why. */
int picture_draw(enum picture picture, struct str script, const struct gnuplot *gnuplot,
                 struct picture_bytes *bytes, struct why *why);
/* To the file, whole or not at all, or to stdout for "-"; the bytes are freed. */
int picture_write(struct picture_bytes *bytes, const char *path, struct why *why);

#endif

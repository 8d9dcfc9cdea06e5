/* A terminal's screen as a grid of characters, which can be read without a terminal. */
#ifndef REPORT_SCREEN_H
#define REPORT_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/memory.h"
#include "base/str.h"

/* What a character should look like, where the terminal can; nothing is told by it alone. */
enum screen_style {
    SCREEN_PLAIN,
    SCREEN_BOLD,
    SCREEN_DIM,    /* of what is no longer so */
    SCREEN_BAR,    /* the first and the last line */
    SCREEN_PICKED, /* what the keys are for */
    SCREEN_MORE,   /* more than before */
    SCREEN_LESS,
    SCREEN_ERROR,
    SCREEN_STYLES
};

struct screen_cell {
    uint32_t code; /* never a hidden character; 0: the other half of a wide one before it */
    uint8_t style;
};

struct screen {
    size_t rows, columns;
    struct screen_cell *cell; /* row by row */
    bool ascii;               /* the terminal has no other characters */
    bool has_cursor;          /* where something is typed */
    size_t cursor_row, cursor_column;
};

/* Blank. */
struct screen screen_new(size_t rows, size_t columns, bool ascii);
void screen_free(struct screen *screen);

/* Writes a text from a column on, at most `width` columns of it; what is hidden in it is spelled out. Returns
 * the column behind it. What lies outside the screen is left out. */
size_t screen_put(struct screen *screen, size_t row, size_t column, size_t width, enum screen_style style,
                  struct str text);
/* The same, so that it ends before column `end`. */
void screen_put_right(struct screen *screen, size_t row, size_t end, size_t width, enum screen_style style,
                      struct str text);
/* A style for a whole row, its blanks too. */
void screen_style(struct screen *screen, size_t row, enum screen_style style);
/* A line across from a column on. */
void screen_rule(struct screen *screen, size_t row, size_t column, enum screen_style style);

/* A row's text without the blanks at its end, in `arena`. */
struct str screen_text(const struct screen *screen, size_t row, struct arena *arena);

#endif

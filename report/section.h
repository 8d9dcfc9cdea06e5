/* What a section of a report says, before it is a page, a text, CSV or JSON: words, cards, tables and
 * pictures in their order. Who makes a section knows nothing of formats, and who writes one knows nothing of
 * mail.
 *
 * Texts may be anybody's, and are escaped by who writes them; they must last as long as the arena. Titles and
 * names of tables, columns and pictures are ours. */
#ifndef REPORT_SECTION_H
#define REPORT_SECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "analyze/tally.h"
#include "base/memory.h"
#include "report/chart.h"

/* Where something is shown. */
enum shown_in { IN_PAGE = 1, IN_TEXT = 2, IN_DATA = 4, FOR_PEOPLE = IN_PAGE | IN_TEXT, EVERYWHERE = 7 };

enum grid_kind {
    GRID_TEXT,
    GRID_NUMBER, /* on the right; bare in JSON */
    GRID_BAR     /* a share as a bar: in the page only */
};

struct grid_column {
    const char *name; /* for machines */
    struct str title; /* for people; at == NULL: the name */
    enum grid_kind kind;
    unsigned in; /* of enum shown_in */
};

struct grid_cell {
    struct str text;    /* as machines have it; at == NULL: not known */
    struct str shown;   /* as people have it; at == NULL: the same */
    double sure, maybe; /* of a bar, in percent */
};

struct grid_row {
    struct grid_cell *cells;
    struct str measure; /* the row's of a tally that it is of: lit up together; at == NULL: none */
    uint32_t rgb;       /* its colour */
    bool total;
    size_t filled;
};

struct grid {
    const char *name;   /* of its files: "networks" */
    struct str caption; /* at == NULL: none */
    struct str nothing; /* what is said where it has no rows; at == NULL: "None." */
    unsigned in;
    bool folded; /* in the page: to be opened by who wants it */
    const struct grid_column *columns;
    size_t column_count;
    struct grid_row *rows;
    size_t row_count, row_room;
    struct arena *arena;
};

enum part_kind { PART_SAY, PART_ITEM, PART_CARD, PART_GRID, PART_CHART, PART_VERBATIM };

struct part {
    enum part_kind kind;
    unsigned in;
    struct str text;       /* PART_SAY: a paragraph; PART_ITEM: one of a list; PART_VERBATIM: as it stands */
    struct str what, more; /* PART_CARD: a number, what it counts, and what is said besides */
    struct grid *grid;
    struct chart *chart;
};

struct section {
    const char *name; /* its id in the page, and what lists of sections call it */
    struct str title;
    struct part *parts;
    size_t count, room;
    struct arena *arena; /* all that the section has lies in it */
};

/* ---- To fill one. */

void section_say(struct section *section, unsigned in, struct str text);
void section_item(struct section *section, unsigned in, struct str text);
void section_card(struct section *section, struct str what, struct str number, struct str more);
void section_verbatim(struct section *section, unsigned in, struct str text);
void section_chart(struct section *section, struct chart *chart);
/* `columns` must last. */
struct grid *section_grid(struct section *section, const char *name, unsigned in,
                          const struct grid_column *columns, size_t count);

void grid_row(struct grid *grid);
/* Of a measure (or another row of a tally), in its colour. */
void grid_row_of(struct grid *grid, struct str measure, uint32_t rgb);
void grid_row_total(struct grid *grid);
/* The next cell, from left to right. */
void grid_text(struct grid *grid, struct str text);
void grid_unknown(struct grid *grid);
void grid_put(struct grid *grid, struct str text, struct str shown);
void grid_count(struct grid *grid, uint64_t count);
/* "12.34" of percent; empty where `of` is nothing. */
void grid_percent(struct grid *grid, uint64_t count, uint64_t of);
/* With so many digits behind the point; not finite: not known. */
void grid_number(struct grid *grid, double number, unsigned places);
void grid_bar(struct grid *grid, uint64_t low, uint64_t high, uint64_t of);

/* A count as people have it, with what it rests on: "~3,424". In `arena`. */
struct str grouped(struct arena *arena, uint64_t count);
struct str grouped_of(struct arena *arena, uint64_t count, enum basis basis);
/* "2,800 to 3,424", empty where they are the same. */
struct str grouped_bounds(struct arena *arena, uint64_t low, uint64_t high);

/* Whether a column is shown there. One that is for people alone and has nothing to say in any row is not. */
bool grid_shows(const struct grid *grid, size_t column, unsigned in);

/* ---- To write one. */

void section_page(const struct section *section, FILE *to);
void section_text(const struct section *section, FILE *to);
void grid_csv(const struct grid *grid, FILE *to);
struct json;
void grid_json(const struct grid *grid, struct json *json, const char *name);

#endif

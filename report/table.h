/* Rows to a table: for eyes (aligned), for Markdown, and for machines as CSV and JSON. */
#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "base/str.h"
#include "base/why.h"

enum table_format { TABLE_TEXT, TABLE_MARKDOWN, TABLE_CSV, TABLE_JSON, TABLE_FORMATS };
extern const char
    *const table_format_name[TABLE_FORMATS]; /* "table", "markdown", "csv", "json": as --format takes them */
/* False where there is no format of that name. */
bool table_format_find(struct str name, enum table_format *format);

/* Whether people read it: text and Markdown. */
bool table_is_for_people(enum table_format format);

struct column {
    const char *name; /* for machines: CSV header, JSON name */
    struct str title; /* for people; at == NULL: the name */
    bool number;      /* on the right; bare in JSON */
    unsigned most;    /* columns of a terminal that it may take, the rest is cut; 0: 60 */
};

struct table;

/* Begins a table; `columns` stays the caller's and must last. CSV and JSON go out row by row; what is aligned
 * is kept until the end. JSON is an array of objects. */
struct table *table_open(FILE *to, enum table_format format, const struct column *columns, size_t count);
/* The next cell, row by row from left to right. The text is copied and may be anybody's. An empty one with
 * at == NULL is what is not known: null in JSON. */
void table_cell(struct table *table, struct str text);
void table_count(struct table *table, uint64_t count);
/* A line across, between rows, where there are lines. */
void table_rule(struct table *table);
/* Ends the table and gives its memory back. 0, or -1 with why where it could not be written. */
int table_close(struct table *table, struct why *why);

/* Whether all that was printed to `to` went out: 0, or -1 with why (EX_IOERR). */
int printed(FILE *to, struct why *why);

#endif

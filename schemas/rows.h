/* Rows in memory as a table that SQL can read: INSERT INTO t SELECT * FROM t_rows writes a thousand rows with
 * one statement, which takes half the time of binding and stepping a thousand times. */
#ifndef SCHEMAS_ROWS_H
#define SCHEMAS_ROWS_H

#include <sqlite3.h>
#include "base/memory.h"
#include "base/str.h"

enum { CELL_NULL = -2, CELL_NUMBER = -1 };

struct cell {
    union {
        int64_t number;
        const char *text;
    };
    int64_t size; /* of the text, or one of the above */
};

struct rows {
    struct cell *cell;
    size_t columns, count, capacity; /* capacity in cells */
};

static inline void cell_null(struct cell *cell)
{
    cell->size = CELL_NULL;
}

static inline void cell_number(struct cell *cell, int64_t number)
{
    cell->number = number;
    cell->size = CELL_NUMBER;
}

/* The bytes must last until the rows have been read; a text that is not known becomes NULL. */
static inline void cell_text(struct cell *cell, struct str text)
{
    cell->text = text.at;
    cell->size = text.at ? (int64_t)text.len : CELL_NULL;
}

/* A new row of `columns` cells, which are not set yet. */
struct cell *rows_add(struct rows *rows);
void rows_free(struct rows *rows);
/* Makes the rows a table `name` of this connection. They must outlive it. Returns an SQLite result code. */
int rows_register(sqlite3 *db, const char *name, struct rows *rows);

#endif

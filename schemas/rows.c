/* Rows in memory as a virtual table (sqlite.org/vtab.html): eponymous, read only, one scan from first to
 * last. */
#include "schemas/rows.h"

#include <stdio.h>
#include <stdlib.h>

struct rows_table {
    sqlite3_vtab base;
    const struct rows *rows;
};

struct rows_cursor {
    sqlite3_vtab_cursor base;
    const struct cell *row;
    size_t at;
};

static int rows_connect(sqlite3 *db, void *rows, int argc, const char *const *argv, sqlite3_vtab **table,
                        char **error)
{
    (void)argc;
    (void)argv;
    (void)error;
    char sql[512] = "CREATE TABLE x(";
    size_t used = strlen(sql);
    for (size_t i = 0; i < ((struct rows *)rows)->columns; i++)
        used += (size_t)snprintf(sql + used, sizeof sql - used, "%sc%zu", i ? "," : "", i);
    snprintf(sql + used, sizeof sql - used, ")");
    int rc = sqlite3_declare_vtab(db, sql);
    if (rc != SQLITE_OK)
        return rc;
    struct rows_table *made = mem_zero(1, sizeof *made);
    made->rows = rows;
    *table = &made->base;
    return SQLITE_OK;
}

static int rows_disconnect(sqlite3_vtab *table)
{
    free(table);
    return SQLITE_OK;
}

static int rows_plan(sqlite3_vtab *table, sqlite3_index_info *info)
{
    (void)table;
    info->estimatedCost = 1000;
    return SQLITE_OK;
}

static int rows_open(sqlite3_vtab *table, sqlite3_vtab_cursor **cursor)
{
    (void)table;
    struct rows_cursor *made = mem_zero(1, sizeof *made);
    *cursor = &made->base;
    return SQLITE_OK;
}

static int rows_close(sqlite3_vtab_cursor *cursor)
{
    free(cursor);
    return SQLITE_OK;
}

static const struct rows *rows_of(const struct rows_cursor *cursor)
{
    return ((const struct rows_table *)cursor->base.pVtab)->rows;
}

static int rows_rewind(sqlite3_vtab_cursor *base, int plan, const char *plan_text, int argc,
                       sqlite3_value **argv)
{
    (void)plan;
    (void)plan_text;
    (void)argc;
    (void)argv;
    struct rows_cursor *cursor = (struct rows_cursor *)base;
    cursor->at = 0;
    cursor->row = rows_of(cursor)->cell;
    return SQLITE_OK;
}

static int rows_next(sqlite3_vtab_cursor *base)
{
    struct rows_cursor *cursor = (struct rows_cursor *)base;
    cursor->at++;
    cursor->row += rows_of(cursor)->columns;
    return SQLITE_OK;
}

static int rows_end(sqlite3_vtab_cursor *base)
{
    const struct rows_cursor *cursor = (const struct rows_cursor *)base;
    return cursor->at >= rows_of(cursor)->count;
}

static int rows_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
    const struct cell *cell = &((const struct rows_cursor *)base)->row[column];
    if (cell->size >= 0)
        sqlite3_result_text64(context, cell->text, (sqlite3_uint64)cell->size, SQLITE_STATIC, SQLITE_UTF8);
    else if (cell->size == CELL_NUMBER)
        sqlite3_result_int64(context, cell->number);
    return SQLITE_OK; /* NULL where nothing is set */
}

static int rows_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid)
{
    *rowid = (sqlite3_int64)((const struct rows_cursor *)base)->at;
    return SQLITE_OK;
}

static const sqlite3_module rows_module = {
    .xConnect = rows_connect,
    .xDisconnect = rows_disconnect,
    .xBestIndex = rows_plan,
    .xOpen = rows_open,
    .xClose = rows_close,
    .xFilter = rows_rewind,
    .xNext = rows_next,
    .xEof = rows_end,
    .xColumn = rows_column,
    .xRowid = rows_rowid,
};

struct cell *rows_add(struct rows *rows)
{
    mem_room(rows->cell, rows->capacity, (rows->count + 1) * rows->columns);
    return &rows->cell[rows->count++ * rows->columns];
}

void rows_free(struct rows *rows)
{
    free(rows->cell);
    *rows = (struct rows){ 0 };
}

int rows_register(sqlite3 *db, const char *name, struct rows *rows)
{
    return sqlite3_create_module(db, name, &rows_module, rows);
}

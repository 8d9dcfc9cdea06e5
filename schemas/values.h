/* Values of rows: texts as text.h has them, and times that may not be known. */
#ifndef SCHEMAS_VALUES_H
#define SCHEMAS_VALUES_H

#include "base/clock.h"
#include "schemas/text.h"

#include <sqlite3.h>

/* A column as it is stored: lasts until the next step. */
static inline struct str stored_text(sqlite3_stmt *row, int column)
{
    const char *at = (const char *)sqlite3_column_text(row, column);
    return (struct str){ at, at ? (size_t)sqlite3_column_bytes(row, column) : 0 };
}

/* As it came. */
static inline struct str plain_text(struct arena *arena, sqlite3_stmt *row, int column)
{
    struct str stored = stored_text(row, column);
    return stored.at ? text_unescape(arena, stored) : stored;
}

static inline usec plain_time(sqlite3_stmt *row, int column)
{
    return sqlite3_column_type(row, column) == SQLITE_NULL ? USEC_NONE : sqlite3_column_int64(row, column);
}

static inline void bind_text(sqlite3_stmt *to, int at, struct arena *arena, struct str text)
{
    struct str stored = text_escape(arena, text);
    if (stored.at)
        sqlite3_bind_text64(to, at, stored.at, stored.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    else
        sqlite3_bind_null(to, at);
}

static inline void bind_time(sqlite3_stmt *to, int at, usec time)
{
    if (time != USEC_NONE)
        sqlite3_bind_int64(to, at, time);
    else
        sqlite3_bind_null(to, at);
}

#endif

/* What a database says. */
#include "tests/lib/said.h"

#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "base/str.h"

static uint64_t hash_row(sqlite3_stmt *row, uint64_t hash)
{
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        const void *text = sqlite3_column_text(row, i);
        size_t len = (size_t)sqlite3_column_bytes(row, i);
        hash = bytes_hash(text ? text : "-", text ? len : 1, hash + (text != NULL));
    }
    return hash;
}

struct said said_hear(const char *path, const char *const views[])
{
    struct said said = { 0 };
    sqlite3 *db = NULL;
    /* What a killed writer left wants an index beside it. */
    ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    for (size_t i = 0; views[i]; i++) {
        sqlite3_stmt *row = NULL;
        ck_assert_int_eq(sqlite3_prepare_v2(db, views[i], -1, &row, NULL), SQLITE_OK);
        while (sqlite3_step(row) == SQLITE_ROW) {
            said.hash[i] = hash_row(row, said.hash[i]);
            said.rows[i]++;
        }
        ck_assert_int_eq(sqlite3_finalize(row), SQLITE_OK);
    }
    sqlite3_close(db);
    return said;
}

void said_expect(const struct said *expected, const char *path, const char *const views[], const char *what,
                 unsigned seed)
{
    struct said said = said_hear(path, views);
    for (size_t i = 0; views[i]; i++)
        ck_assert_msg(said.hash[i] == expected->hash[i] && said.rows[i] == expected->rows[i],
                      "%s, seed %u: %s: %llu rows, expected %llu%s", what, seed, views[i],
                      (unsigned long long)said.rows[i], (unsigned long long)expected->rows[i],
                      said.rows[i] == expected->rows[i] ? " others" : "");
}

void said_forget(const char *path)
{
    char beside[160];
    unlink(path);
    snprintf(beside, sizeof beside, "%s-wal", path);
    unlink(beside);
    snprintf(beside, sizeof beside, "%s-shm", path);
    unlink(beside);
}

#include "tests/lib/runs.h"

#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

unsigned seeds(unsigned usual)
{
    const char *wanted = getenv("AGAIN");
    return wanted ? (unsigned)strtoul(wanted, NULL, 10) : usual;
}

uint64_t random_state;

uint64_t random_below(uint64_t most)
{
    random_state += 0x9E3779B97F4A7C15u;
    uint64_t bits = bytes_hash(&random_state, sizeof random_state, 1);
    return most ? bits % most : 0;
}

struct store *open_store(const char *database)
{
    struct why why = { 0 };
    struct store *store = NULL;
    ck_assert_msg(store_open(database, STORE_WRITE, &store, &why) == 0, "%s", why.text);
    return store;
}

void close_store(struct store *store)
{
    struct why why = { 0 };
    ck_assert_msg(store_close(store, &why) == 0, "%s", why.text);
}

void collect_paths(struct store *store, const char *const *paths, size_t count, uint64_t commit_bytes)
{
    struct why why = { 0 };
    struct collected collected;
    struct collect_options options = { .paths = paths,
                                       .path_count = count,
                                       .year = 2026,
                                       .first_session = store_next_session(store),
                                       .commit_bytes = commit_bytes,
                                       .quiet = true };
    struct sink sink = store_sink(store);
    struct catalogue catalogue = store_catalogue(store);
    ck_assert_msg(collect_run(&options, &sink, &catalogue, &collected, &why) == 0, "%s", why.text);
}

int64_t number(const char *database, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    ck_assert_int_eq(sqlite3_open_v2(database, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK, "%s: %s", sql,
                  sqlite3_errmsg(db));
    ck_assert_int_eq(sqlite3_step(row), SQLITE_ROW);
    int64_t found = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    sqlite3_close(db);
    return found;
}

void execute(const char *database, const char *sql)
{
    sqlite3 *db = NULL;
    ck_assert_int_eq(sqlite3_open_v2(database, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void complain(void *state, const char *finding)
{
    ck_abort_msg("%s: %s", (const char *)state, finding);
}

void expect_sound(const char *database)
{
    struct why why = { 0 };
    struct store *store = NULL;
    char place[160];
    snprintf(place, sizeof place, "%s", database);
    ck_assert_msg(store_open(database, STORE_READ, &store, &why) == 0, "%s", why.text);
    ck_assert_msg(store_check(store, complain, place, &why) == 0, "%s", why.text);
    close_store(store);
}

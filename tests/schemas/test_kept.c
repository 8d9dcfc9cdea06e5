/* What a run leaves to the next one stands in pieces: it is read as it was written, whatever changes, and
 * what has not changed is not written again. */
#include <check.h>
#include <stdlib.h>

#include "schemas/kept.h"
#include "schemas/schema.h"
#include "tests/lib/layouts.h"
#include "tests/lib/runs.h"
#include "tests/lib/scratch_store.h"

enum { STATE_BYTES = 1024 * 1024, PIECE_MOST = 8192, ROUNDS = 300 };

static sqlite3 *db;
static int lock;
static struct kept *kept;

static void database_opens(void)
{
    struct why why = { 0 };
    int rc = SQLITE_OK;
    ck_assert_msg(schema_open(scratch_path, STORE_WRITE, &db, &lock, &why) == 0, "%s", why.text);
    kept = kept_new(db, &rc);
    ck_assert_int_eq(rc, SQLITE_OK);
}

static void database_closes(void)
{
    kept_free(kept);
    ck_assert_int_eq(schema_close(scratch_path, STORE_WRITE, db, lock, NULL), 0);
}

/* As packer_keep() does it. Returns how many rows that took. */
static int write(struct str state)
{
    struct str order = { NULL, 0 };
    sqlite3_stmt *row = NULL;
    int before = sqlite3_total_changes(db);
    ck_assert_int_eq(kept_write(kept, state, &order), SQLITE_OK);
    int rows = sqlite3_total_changes(db) - before;
    ck_assert_int_eq(sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO unfinished (id, pieces) VALUES (1, ?)",
                                        -1, &row, NULL),
                     SQLITE_OK);
    sqlite3_bind_text64(row, 1, order.at, order.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    ck_assert_int_eq(sqlite3_step(row), SQLITE_DONE);
    sqlite3_finalize(row);
    return rows;
}

static void expect(struct str state)
{
    struct str read;
    ck_assert_int_eq(kept_read(db, &scratch_arena, &read), SQLITE_OK);
    ck_assert_uint_eq(read.len, state.len);
    ck_assert(str_eq(read, state));
    arena_reset(&scratch_arena);
}

static int64_t rows_there(void)
{
    int64_t count = 0;
    ck_assert_int_eq(schema_number(db, "SELECT count(*) FROM kept", &count), SQLITE_OK);
    return count;
}

static struct str random_state_bytes(void)
{
    char *bytes = malloc(STATE_BYTES);
    for (size_t i = 0; i < STATE_BYTES; i++)
        bytes[i] = (char)random_below(256);
    return (struct str){ bytes, STATE_BYTES / 2 };
}

/* Takes out, puts in or changes a few bytes somewhere, in place; there is room for twice as many. */
static void change(struct str *state)
{
    char *bytes = (char *)state->at;
    size_t at = (size_t)random_below(state->len - 100), count = 1 + (size_t)random_below(20);
    switch (random_below(3)) {
    case 0:
        memmove(bytes + at, bytes + at + count, state->len - at - count);
        state->len -= count;
        break;
    case 1:
        memmove(bytes + at + count, bytes + at, state->len - at);
        state->len += count;
        break;
    default:
        for (size_t i = 0; i < count; i++)
            bytes[at + i] = (char)random_below(256);
    }
}

/* A change of a few bytes is of one piece, or of two where it is at the end of one, or makes an end or takes
 * one away; the ends behind come back with the next that the bytes tell, which is rarely more than three
 * pieces away. */
START_TEST(what_changes_is_written)
{
    random_state = 1;
    struct str state = random_state_bytes();
    int rows = 0;
    database_opens();
    ck_assert_int_ge(write(state), STATE_BYTES / 2 / PIECE_MOST);
    expect(state);
    ck_assert_int_eq(write(state), 0);
    for (int round = 0; round < ROUNDS; round++) {
        change(&state);
        rows += write(state);
        expect(state);
        if (round % 50 == 0) { /* the next run knows what stands there */
            database_closes();
            database_opens();
            ck_assert_int_eq(write(state), 0);
        }
    }
    ck_assert_int_lt(rows, 4 * ROUNDS);
    database_closes();
    free((char *)state.at);
}
END_TEST

/* Pieces that are alike, and bytes that tell no ends. */
START_TEST(the_same_again_and_again)
{
    enum { SAME_BYTES = 10 * PIECE_MOST };
    char *bytes = mem_zero(SAME_BYTES, 1);
    database_opens();
    for (size_t len = SAME_BYTES; len > 5000; len -= 1 + (size_t)random_below(5000)) {
        write((struct str){ bytes, len });
        expect((struct str){ bytes, len });
        ck_assert_int_eq(rows_there(), (int64_t)(len + PIECE_MOST - 1) / PIECE_MOST);
    }
    write((struct str){ bytes, 0 });
    expect((struct str){ bytes, 0 });
    ck_assert_int_eq(rows_there(), 0);
    write((struct str){ bytes, SAME_BYTES });
    expect((struct str){ bytes, SAME_BYTES });
    database_closes();
    free(bytes);
}
END_TEST

/* Rows that nothing leads to any more, as where somebody has emptied the table that does. */
START_TEST(rows_left_behind)
{
    char bytes[2 * PIECE_MOST] = "what was kept";
    database_opens();
    write((struct str){ bytes, sizeof bytes });
    ck_assert_int_eq(sqlite3_exec(db, "DELETE FROM unfinished", NULL, NULL, NULL), SQLITE_OK);
    expect((struct str){ NULL, 0 });
    database_closes();
    database_opens();
    expect((struct str){ NULL, 0 });
    write((struct str){ bytes, 20 });
    expect((struct str){ bytes, 20 });
    ck_assert_int_eq(rows_there(), 1);
    database_closes();
}
END_TEST

/* Layout 6 had it all in one: that becomes the first piece. */
START_TEST(of_layout_6)
{
    struct str state = STR("what a run left");
    database_opens();
    write(state);
    database_closes();
    layout_back(scratch_path, 6);
    ck_assert_int_eq(number(scratch_path, "SELECT length(state) FROM unfinished"), (int64_t)state.len);
    database_opens();
    expect(state);
    ck_assert_int_eq(write(state), 0);
    database_closes();
    expect_sound(scratch_path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kept");
    TCase *tests = tcase_create("kept");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, scratch_begin, scratch_end);
    tcase_add_test(tests, what_changes_is_written);
    tcase_add_test(tests, the_same_again_and_again);
    tcase_add_test(tests, rows_left_behind);
    tcase_add_test(tests, of_layout_6);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

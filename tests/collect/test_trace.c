/* The lines of one session, read again for explain. */
#define _GNU_SOURCE
#include <archive.h>
#include <check.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "tests/lib/array_base.h"
#include "tests/lib/inputs.h"

struct told {
    char text[10][200];
    int count;
};

static void take_line(void *state, struct str text)
{
    struct told *told = state;
    ck_assert_int_lt(told->count, 10);
    snprintf(told->text[told->count++], sizeof told->text[0], "%.*s", STR_ARG(text));
}

START_TEST(lines_of_a_session)
{
    struct arena arena = { 0 };
    struct array_base *base = array_base_new();
    struct str log = log_of(0, 1000, &arena);
    input_write("trace.log", log);
    const char *path = input_path("trace.log");
    ck_assert_int_eq(array_base_collect(base, &path, 1, 2026).result, 0);
    for (int rotated = 0; rotated < 3; rotated++) {
        if (rotated == 1) { /* the file is another one now, and the former lies beside it, compressed */
            input_write("trace.log", log_of(1000, 1100, &arena));
            input_compress("trace.log.2.gz", archive_write_add_filter_gzip, log);
        }
        if (rotated == 2)
            unlink(input_path("trace.log"));
        for (size_t i = 0; i < 1000; i += 333) {
            struct told told = { 0 };
            struct why why = { 0 };
            unsigned n = (unsigned)((base->sessions[i].started - LOG_BEGINS) / USEC_SECOND);
            int count =
                collect_trace(input_path("trace.log"), &base->inputs[0], base->sessions[i].first_offset,
                              base->sessions[i].last_offset, take_line, &told, &why);
            ck_assert_msg(count == 2, "%d: %s", count, why.text);
            char expected[200];
            log_line(expected, n, n, "connect")[-1] = '\0';
            ck_assert_str_eq(told.text[0], expected);
            log_line(expected, n + 1, n, "disconnect")[-1] = '\0';
            ck_assert_str_eq(told.text[1], expected);
        }
    }
    /* gone; and another in its place */
    struct told told = { 0 };
    struct why why = { 0 };
    unlink(input_path("trace.log.2.gz"));
    ck_assert_int_eq(
        collect_trace(input_path("trace.log"), &base->inputs[0], 0, 1000, take_line, &told, &why), -1);
    ck_assert_int_eq(why.status, EX_NOINPUT);
    input_write("trace.log", log_of(1000, 1100, &arena));
    ck_assert_int_eq(
        collect_trace(input_path("trace.log"), &base->inputs[0], 0, 1000, take_line, &told, &why), -1);
    ck_assert_int_eq(why.status, EX_DATAERR);
    ck_assert_int_eq(told.count, 0);
    array_base_free(base);
    arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trace");
    TCase *t = tcase_create("trace");
    tcase_add_test(t, lines_of_a_session);
    suite_add_tcase(suite, t);
    return inputs_main(suite);
}

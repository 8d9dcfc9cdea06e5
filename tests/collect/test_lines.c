/* Lines out of bytes: whatever the bytes are and however they arrive. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "base/memory.h"
#include "collect/lines.h"

/* An input in memory that comes `step` bytes at a time, and fails at its end when told to. */
struct feed {
    struct str rest;
    size_t step;
    bool breaks;
};

static ssize_t feed_read(void *state, char *to, size_t size, struct why *why)
{
    struct feed *feed = state;
    size_t n = feed->step < size ? feed->step : size;
    if (n > feed->rest.len)
        n = feed->rest.len;
    if (n == 0 && feed->breaks)
        return why_set(why, EX_DATAERR, "truncated");
    if (n)
        memcpy(to, feed->rest.at, n);
    feed->rest = str_skip(feed->rest, n);
    return (ssize_t)n;
}

struct read_all {
    char text[64][80]; /* the lines' beginnings */
    size_t len[64];
    uint64_t offset[64];
    size_t count;
    int last;
    uint64_t cut, position, number;
    bool unended;
};

static struct read_all read_all(struct str input, size_t step, bool breaks)
{
    struct feed feed = { input, step, breaks };
    struct read_all all = { 0 };
    struct lines in;
    struct str line;
    struct why why = { 0 };
    lines_begin(&in, feed_read, &feed, 0, 0);
    while ((all.last = lines_next(&in, &line, &why)) == 1) {
        ck_assert_uint_lt(all.count, 64);
        ck_assert_uint_eq(in.number, all.count + 1);
        size_t n = line.len < sizeof all.text[0] - 1 ? line.len : sizeof all.text[0] - 1;
        memcpy(all.text[all.count], line.at, n);
        all.len[all.count] = line.len;
        all.offset[all.count++] = in.offset;
    }
    if (all.last < 0)
        ck_assert_str_eq(why.text, "truncated");
    all.cut = in.cut;
    all.position = in.position;
    all.number = in.number;
    all.unended = in.unended;
    lines_end(&in);
    return all;
}

static const size_t steps[] = { 1, 2, 3, 7, 4096, SIZE_MAX };
enum { STEPS = sizeof steps / sizeof *steps };

START_TEST(newlines_of_both_kinds)
{
    struct read_all all = read_all(STR("one\ntwo\r\n\nfour\r\r\n"), steps[_i], false);
    ck_assert_int_eq(all.last, 0);
    ck_assert_uint_eq(all.count, 4);
    ck_assert_str_eq(all.text[0], "one");
    ck_assert_str_eq(all.text[1], "two");
    ck_assert_str_eq(all.text[2], "");
    ck_assert_str_eq(all.text[3], "four\r");
    ck_assert_uint_eq(all.offset[1], 4);
    ck_assert_uint_eq(all.offset[3], 10);
    ck_assert_uint_eq(all.position, 17);
    ck_assert(!all.unended);
}
END_TEST

START_TEST(last_line_without_newline)
{
    struct read_all all = read_all(STR("one\ntwo"), steps[_i], false);
    ck_assert_uint_eq(all.count, 2);
    ck_assert_str_eq(all.text[1], "two");
    ck_assert(all.unended);
    ck_assert_uint_eq(all.position, 7);
}
END_TEST

START_TEST(nothing_at_all)
{
    struct read_all all = read_all(STR(""), steps[_i], false);
    ck_assert_int_eq(all.last, 0);
    ck_assert_uint_eq(all.count, 0);
}
END_TEST

/* A NUL inside a line is a byte as any other; a hole of them before a line is passed over. */
START_TEST(nul_bytes)
{
    struct read_all all = read_all(STR("a\0b\n\0\0\0c\n\0\0"), steps[_i], false);
    ck_assert_int_eq(all.last, 0);
    ck_assert_uint_eq(all.count, 2);
    ck_assert_uint_eq(all.len[0], 3);
    ck_assert(memcmp(all.text[0], "a\0b", 3) == 0);
    ck_assert_str_eq(all.text[1], "c");
    ck_assert_uint_eq(all.offset[1], 7);
    ck_assert_uint_eq(all.position, 11);
}
END_TEST

START_TEST(broken_off)
{
    struct read_all all = read_all(STR("one\ntwo\nthr"), steps[_i], true);
    ck_assert_int_eq(all.last, -1);
    ck_assert_uint_eq(all.count, 2);
    ck_assert_uint_eq(all.position, 8); /* where "thr" begins */
}
END_TEST

/* before, a line of `len` times x, after */
static struct str with_long_line(struct arena *arena, size_t len, size_t end)
{
    char *at = arena_alloc(arena, len + 20);
    memcpy(at, "before\n", 7);
    memset(at + 7, 'x', len);
    memcpy(at + 7 + len, "\nafter\n", 7);
    return (struct str){ at, 7 + len + end };
}

START_TEST(long_lines_are_cut)
{
    static const size_t lengths[] = { LINE_MAX_BYTES + 1, LINE_MAX_BYTES + 2, LINES_BLOCK_BYTES,
                                      1024 * 1024 };
    struct arena arena = { 0 };
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct read_all all =
            read_all(with_long_line(&arena, lengths[i], 7), steps[_i] < 4096 ? 1000 : steps[_i], false);
        ck_assert_uint_eq(all.count, 3);
        ck_assert_uint_eq(all.len[1], LINE_MAX_BYTES);
        ck_assert_uint_eq(all.cut, 1);
        ck_assert_str_eq(all.text[2], "after");
        ck_assert_uint_eq(all.offset[2], 7 + lengths[i] + 1);
    }
    arena_free(&arena);
}
END_TEST

START_TEST(a_line_of_the_limit_is_whole)
{
    struct arena arena = { 0 };
    struct read_all all =
        read_all(with_long_line(&arena, LINE_MAX_BYTES, 7), steps[_i] < 4096 ? 1000 : steps[_i], false);
    ck_assert_uint_eq(all.count, 3);
    ck_assert_uint_eq(all.len[1], LINE_MAX_BYTES);
    ck_assert_uint_eq(all.cut, 0);
    ck_assert_str_eq(all.text[2], "after");
    arena_free(&arena);
}
END_TEST

START_TEST(a_long_line_at_the_end)
{
    struct arena arena = { 0 };
    struct read_all all = read_all(with_long_line(&arena, 300000, 0), 5000, _i == 1);
    ck_assert_int_eq(all.last, _i == 1 ? -1 : 0);
    ck_assert_uint_eq(all.count, 2);
    ck_assert_uint_eq(all.cut, 1);
    ck_assert_uint_eq(all.position, 300007);
    arena_free(&arena);
}
END_TEST

/* Many lines over many blocks: every byte comes through, offsets and the tail are right. */
START_TEST(many_lines)
{
    enum { LINES = 5000 };
    struct arena arena = { 0 };
    char *all = arena_alloc(&arena, LINES * 64), *end = all;
    for (int i = 0; i < LINES; i++)
        end += sprintf(end, "line %d %.*s\n", i, i % 40, "........................................");
    struct feed feed = { str_range(all, end), steps[_i] < 7 ? 7 : steps[_i], false };
    struct lines in;
    struct str line;
    char expected[64];
    lines_begin(&in, feed_read, &feed, 0, 0);
    for (int i = 0; i < LINES; i++) {
        ck_assert_int_eq(lines_next(&in, &line, NULL), 1);
        int len = sprintf(expected, "line %d %.*s", i, i % 40, "........................................");
        ck_assert_uint_eq(line.len, (size_t)len);
        ck_assert(memcmp(line.at, expected, line.len) == 0);
        ck_assert(memcmp(all + in.offset, expected, line.len) == 0);
        struct str tail = lines_tail(&in);
        ck_assert_uint_eq(tail.len, in.position < LINES_TAIL_BYTES ? in.position : LINES_TAIL_BYTES);
        ck_assert(memcmp(tail.at, all + in.position - tail.len, tail.len) == 0);
    }
    ck_assert_int_eq(lines_next(&in, &line, NULL), 0);
    ck_assert_int_eq(lines_next(&in, &line, NULL), 0);
    lines_end(&in);
    arena_free(&arena);
}
END_TEST

START_TEST(skipping)
{
    struct str input = STR("one\ntwo\nthree\n");
    struct feed feed = { input, steps[_i], false };
    struct lines in;
    struct str line;
    lines_begin(&in, feed_read, &feed, 0, 0);
    ck_assert_int_eq(lines_skip(&in, 8, NULL), 0);
    ck_assert_uint_eq(in.position, 8);
    ck_assert(str_eq(lines_tail(&in), STR("one\ntwo\n")));
    ck_assert_int_eq(lines_next(&in, &line, NULL), 1);
    ck_assert(str_eq(line, STR("three")));
    ck_assert_uint_eq(in.offset, 8);
    ck_assert_int_eq(lines_skip(&in, 100, NULL), 0);
    ck_assert_uint_eq(in.position, 14); /* all there is */
    lines_end(&in);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lines");
    TCase *t = tcase_create("lines");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, newlines_of_both_kinds, 0, STEPS);
    tcase_add_loop_test(t, last_line_without_newline, 0, STEPS);
    tcase_add_loop_test(t, nothing_at_all, 0, STEPS);
    tcase_add_loop_test(t, nul_bytes, 0, STEPS);
    tcase_add_loop_test(t, broken_off, 0, STEPS);
    tcase_add_loop_test(t, long_lines_are_cut, 0, STEPS);
    tcase_add_loop_test(t, a_line_of_the_limit_is_whole, 0, STEPS);
    tcase_add_loop_test(t, a_long_line_at_the_end, 0, 2);
    tcase_add_loop_test(t, many_lines, 0, STEPS);
    tcase_add_loop_test(t, skipping, 0, STEPS);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

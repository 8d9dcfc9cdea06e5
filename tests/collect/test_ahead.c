/* Reading ahead: the same bytes in the same order, then the same end, whatever the pieces. */
#define _GNU_SOURCE
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "collect/ahead.h"

enum { PIECE_MOST = 300 * 1024 };

/* Bytes that tell their place, in pieces of any size. */
struct made {
    uint64_t at, size;
    size_t piece_most;
    unsigned seed;
    bool fails;
    unsigned delay_usec;
    unsigned ends; /* how often the end was told */
};

/* No block of them is like another. */
enum { PATTERN_BYTES = 4 * 1024 * 1024 };
static char pattern[PATTERN_BYTES + PIECE_MOST];

static void make_pattern(void)
{
    for (uint64_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (char)(i % PATTERN_BYTES * 0x9E3779B97F4A7C15u >> 56);
}

static size_t piece(unsigned *seed, size_t most)
{
    *seed = *seed * 1103515245 + 12345;
    return 1 + (*seed >> 8) % most;
}

static ssize_t make(void *state, char *to, size_t size, struct why *why)
{
    struct made *made = state;
    size_t count = piece(&made->seed, made->piece_most);
    if (made->delay_usec)
        usleep(made->delay_usec);
    if (count > size)
        count = size;
    if (count > made->size - made->at)
        count = (size_t)(made->size - made->at);
    memcpy(to, pattern + made->at % PATTERN_BYTES, count);
    made->at += count;
    if (count == 0) {
        made->ends++;
        return made->fails ? why_set(why, EX_DATAERR, "damaged") : 0;
    }
    return (ssize_t)count;
}

/* Reads all of it, or up to `stop`, in pieces; returns what ended it. */
static ssize_t read_all(struct ahead *ahead, uint64_t stop, unsigned seed, size_t most, unsigned delay_usec,
                        uint64_t *at, struct why *why)
{
    static char buffer[PIECE_MOST];
    ssize_t got = 1;
    for (*at = 0; *at < stop;) {
        got = ahead_read(ahead, buffer, piece(&seed, most), why);
        if (got <= 0)
            break;
        ck_assert(memcmp(buffer, pattern + *at % PATTERN_BYTES, (size_t)got) == 0);
        *at += (uint64_t)got;
        if (delay_usec)
            usleep(delay_usec);
    }
    return got;
}

START_TEST(all_of_it)
{
    static const size_t pieces[] = { 500, 4096, 100000, PIECE_MOST };
    static const uint64_t sizes[] = { 0, 1, 256 * 1024, 256 * 1024 + 1, 3 * 1024 * 1024 };
    for (int i = 0; i < 4 * 4 * 5 * 2; i++) {
        struct made made = {
            .size = sizes[i % 5], .piece_most = pieces[i / 5 % 4], .seed = (unsigned)i, .fails = i / 80
        };
        size_t read_most = pieces[i / 20 % 4];
        uint64_t at = 0;
        struct why why = { 0 };
        struct ahead *ahead = ahead_begin(make, &made);
        ck_assert_ptr_nonnull(ahead);
        for (int again = 0; again < 2; again++) { /* the end stays the end */
            ssize_t end = read_all(ahead, UINT64_MAX, (unsigned)i * 7, read_most, 0, &at, &why);
            ck_assert_int_eq(end, made.fails ? -1 : 0);
            ck_assert_uint_eq(at, again ? 0 : made.size);
            ck_assert_int_eq(why.status, made.fails ? EX_DATAERR : 0);
        }
        ahead_end(ahead);
        ck_assert_uint_eq(made.ends, 1);
    }
}
END_TEST

/* The reader waits for the thread, and the thread for the reader. */
START_TEST(one_slower_than_the_other)
{
    for (unsigned slow = 0; slow < 2; slow++) {
        struct made made = { .size = 4 * 1024 * 1024,
                             .piece_most = 128 * 1024,
                             .delay_usec = slow ? 500 : 0 };
        uint64_t at = 0;
        struct why why = { 0 };
        struct ahead *ahead = ahead_begin(make, &made);
        ck_assert_int_eq(read_all(ahead, UINT64_MAX, 1, 128 * 1024, slow ? 0 : 500, &at, &why), 0);
        ck_assert_uint_eq(at, made.size);
        ahead_end(ahead);
    }
}
END_TEST

/* Nobody wants the rest: the thread ends, and has not read much more than it may be ahead. */
START_TEST(ended_before_the_end)
{
    for (uint64_t stop = 0; stop < 3 * 1024 * 1024; stop += 700 * 1024) {
        struct made made = { .size = UINT64_MAX, .piece_most = 64 * 1024 };
        uint64_t at = 0;
        struct ahead *ahead = ahead_begin(make, &made);
        read_all(ahead, stop, 3, 64 * 1024, 0, &at, NULL);
        usleep(2000);
        ahead_end(ahead);
        ck_assert_uint_le(made.at, at + 2 * 1024 * 1024);
    }
    ahead_end(NULL);
}
END_TEST

int main(void)
{
    make_pattern();
    Suite *suite = suite_create("ahead");
    TCase *t = tcase_create("ahead");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, all_of_it);
    tcase_add_test(t, one_slower_than_the_other);
    tcase_add_test(t, ended_before_the_end);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

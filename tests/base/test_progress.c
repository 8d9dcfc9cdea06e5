/* Words and progress on stderr. */
#define _GNU_SOURCE
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"

/* What is written is kept in memory. */
struct told {
    char *text;
    size_t len;
    struct progress progress;
};

static void begin(struct told *told, bool wanted, bool quiet)
{
    *told = (struct told){ 0 };
    progress_begin(&told->progress, wanted, quiet);
    told->progress.to = open_memstream(&told->text, &told->len);
}

static void expect(struct told *told, const char *expected)
{
    progress_end(&told->progress);
    fclose(told->progress.to);
    ck_assert_str_eq(told->text, expected);
    free(told->text);
}

START_TEST(one_line_that_is_rewritten)
{
    struct told told;
    begin(&told, true, false);
    progress_show(&told.progress, "%d %%", 1);
    progress_show(&told.progress, "%d %%", 2);
    progress_note(&told.progress, "%s: empty", "mail.log");
    progress_show(&told.progress, "%d %%", 3);
    expect(&told, "1 %\r\033[K2 %\r\033[Kmxreplay: mail.log: empty\n3 %\r\033[K");
}
END_TEST

START_TEST(only_when_wanted)
{
    struct told told;
    begin(&told, false, false);
    ck_assert(!progress_due(&told.progress));
    progress_show(&told.progress, "1 %%");
    progress_note(&told.progress, "said");
    expect(&told, "mxreplay: said\n");
    begin(&told, true, true);
    told.progress.next = 0;
    ck_assert(!progress_due(&told.progress));
    progress_show(&told.progress, "1 %%");
    progress_note(&told.progress, "said");
    expect(&told, "");
}
END_TEST

/* A file's name may hold anything; and the line must not wrap, or it could not be taken away. */
START_TEST(harmless_and_short)
{
    struct told told;
    begin(&told, true, false);
    progress_note(&told.progress, "%s", "\033[31mred\n");
    for (int i = 0; i < 2; i++)
        progress_show(&told.progress, "%s",
                      "\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4"
                      "1234567890123456789012345678901234567890123456789012345678901234567890");
    fflush(told.progress.to);
    ck_assert_ptr_nonnull(strstr(told.text, "mxreplay: \\x1b[31mred\\x0a\n"));
    /* 79 columns of which ten take two bytes */
    ck_assert_uint_eq(strlen(strstr(told.text, "\r\033[K") + 4), 89);
    progress_end(&told.progress);
    fclose(told.progress.to);
    free(told.text);
}
END_TEST

START_TEST(due_a_few_times_a_second)
{
    struct told told;
    begin(&told, true, false);
    ck_assert(!progress_due(&told.progress)); /* nothing can be said yet */
    told.progress.next -= USEC_SECOND;
    ck_assert(progress_due(&told.progress));
    ck_assert(!progress_due(&told.progress));
    expect(&told, "");
}
END_TEST

START_TEST(numbers)
{
    char text[PROGRESS_NUMBER_BYTES];
    ck_assert_str_eq(progress_number(0, text), "0");
    ck_assert_str_eq(progress_number(999, text), "999");
    ck_assert_str_eq(progress_number(1000, text), "1,000");
    ck_assert_str_eq(progress_number(1234567, text), "1,234,567");
    ck_assert_str_eq(progress_number(UINT64_MAX, text), "18,446,744,073,709,551,615");
}
END_TEST

START_TEST(time_left)
{
    char text[PROGRESS_TIME_BYTES];
    struct progress progress;
    progress_begin(&progress, true, false);
    ck_assert_str_eq(progress_left(&progress, 1, 2, text), "-:--"); /* too early */
    progress.began -= 4000 * USEC_SECOND; /* so long that what the test itself takes is nothing to it */
    ck_assert_str_eq(progress_left(&progress, 0, 100, text), "-:--");
    ck_assert_str_eq(progress_left(&progress, 100, 0, text), "-:--"); /* a pipe: nobody knows */
    ck_assert_str_eq(progress_left(&progress, 400, 401, text), "0:10");
    ck_assert_str_eq(progress_left(&progress, 40, 49, text), "15:00");
    ck_assert_str_eq(progress_left(&progress, 1, 2, text), "1:06:40");
    ck_assert_str_eq(progress_left(&progress, 5, 5, text), "0:00");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("progress");
    TCase *t = tcase_create("progress");
    tcase_add_test(t, one_line_that_is_rewritten);
    tcase_add_test(t, only_when_wanted);
    tcase_add_test(t, harmless_and_short);
    tcase_add_test(t, due_a_few_times_a_second);
    tcase_add_test(t, numbers);
    tcase_add_test(t, time_left);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Times and durations. Expected values are date -u's. */
#include <check.h>
#include <stdlib.h>

#include "base/clock.h"

static const struct {
    const char *text;
    usec at; /* USEC_NONE: no time */
} times[] = {
    { "1970-01-01", 0 },
    { "2026-11-23T09:07:12.057203Z", 1795424832057203 },
    { "2026-11-23 09:07:12", 1795424832000000 },
    { "2026-11-23T10:07:12+01:00", 1795424832000000 },
    { "2026-11-23T04:07:12-0500", 1795424832000000 },
    { "2026-11-23T09:07", 1795424820000000 },
    { "2024-02-29", 1709164800000000 },
    { "1969-12-31T23:59:59Z", -1000000 },
    { "2000-03-01", 951868800000000 },
    { "2026-11-23T09:07:12.5", 1795424832500000 },
    { "2026-11-23T09:07:12.1234567", 1795424832123456 },
    { "2026-13-01", USEC_NONE },
    { "2026-02-31", USEC_NONE },
    { "2026-11-31", USEC_NONE },
    { "2025-02-29", USEC_NONE },
    { "2026-11-32", USEC_NONE },
    { "2026-11-23T24:00", USEC_NONE },
    { "2026-11-23T09:60", USEC_NONE },
    { "2026-11-23x", USEC_NONE },
    { "26-11-23", USEC_NONE },
    { "", USEC_NONE },
};

START_TEST(times_are_read)
{
    usec at = USEC_NONE;
    bool is = clock_parse(str_of(times[_i].text), &at);
    ck_assert_msg(is == (times[_i].at != USEC_NONE), "%s", times[_i].text);
    ck_assert_int_eq(at, times[_i].at);
}
END_TEST

START_TEST(times_are_written_with_six_digits)
{
    char text[CLOCK_TEXT_BYTES];
    ck_assert_uint_eq(clock_format(1795424832057203, text), 27);
    ck_assert_str_eq(text, "2026-11-23T09:07:12.057203Z");
    clock_format(-1, text);
    ck_assert_str_eq(text, "1969-12-31T23:59:59.999999Z");
}
END_TEST

/* 400 years have 146097 days: each leads back to itself, and to the day after the one before. */
START_TEST(days_and_dates_agree)
{
    unsigned before = 0;
    for (int64_t day = -200000; day < 200000; day++) {
        int64_t year = 0;
        unsigned month = 0, date = 0;
        clock_date(day, &year, &month, &date);
        if (clock_days(year, month, date) != day || (date != 1 && date != before + 1 && before != 0))
            ck_abort_msg("day %lld", (long long)day); /* ck_assert() takes its time, 400,000 times over */
        before = date;
    }
}
END_TEST

static const struct {
    const char *text;
    usec length;
    const char *written;
} durations[] = {
    { "5m", 5 * USEC_MINUTE, "5m" },
    { "300s", 5 * USEC_MINUTE, "5m" },
    { "1h30m", 90 * USEC_MINUTE, "1h30m" },
    { "2d", 2 * USEC_DAY, "2d" },
    { "1w", 7 * USEC_DAY, "7d" },
    { "1.5s", 1500000, "1s500ms" },
    { "250ms", 250000, "250ms" },
    { "0", 0, "0s" },
    { "0s", 0, "0s" },
};

START_TEST(durations_are_read_and_written)
{
    usec length = -1;
    char text[CLOCK_TEXT_BYTES];
    ck_assert(duration_parse(str_of(durations[_i].text), &length));
    ck_assert_int_eq(length, durations[_i].length);
    duration_format(length, text);
    ck_assert_str_eq(text, durations[_i].written);
}
END_TEST

START_TEST(what_is_no_duration)
{
    static const char *const bad[] = { "",    "5", "m", "5 minuts", "5x", "-5m", "5m ", "99999999999999999d",
                                       "1h30" };
    usec length = 0;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!duration_parse(str_of(bad[i]), &length), "%s", bad[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("clock");
    TCase *tcase = tcase_create("clock");
    tcase_add_loop_test(tcase, times_are_read, 0, sizeof times / sizeof *times);
    tcase_add_test(tcase, times_are_written_with_six_digits);
    tcase_add_test(tcase, days_and_dates_agree);
    tcase_add_loop_test(tcase, durations_are_read_and_written, 0, sizeof durations / sizeof *durations);
    tcase_add_test(tcase, what_is_no_duration);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

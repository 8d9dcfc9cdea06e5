/* The years of stamps that have none. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "collect/years.h"

static usec at(const char *text)
{
    usec time = 0;
    ck_assert_msg(clock_parse(str_of(text), &time), "%s", text);
    return time;
}

static struct stamp stamp(const char *text)
{
    struct str rest = str_of(text);
    struct stamp stamp;
    ck_assert_msg(cut_stamp(&rest, &stamp), "%s", text);
    return stamp;
}

static void expect(usec found, const char *expected)
{
    char text[CLOCK_TEXT_BYTES];
    clock_format(found, text);
    ck_assert_msg(found == at(expected), "%s, not %s", text, expected);
}

/* A file as its stamps, and the times that they are, given that of its first. */
static const struct file {
    const char *stamps[8];
    const char *times[8];
} files[] = {
    /* clang-format off */
    { { "Dec 31 23:59:59 ", "Jan  1 00:00:00 ", "Jan  1 00:00:01 " },
      { "2025-12-31 23:59:59", "2026-01-01", "2026-01-01 00:00:01" } },
    /* out of order at the turn of the year */
    { { "Dec 31 23:59:59 ", "Jan  1 00:00:00 ", "Dec 31 23:59:59 ", "Jan  1 00:00:01 " },
      { "2025-12-31 23:59:59", "2026-01-01", "2025-12-31 23:59:59", "2026-01-01 00:00:01" } },
    /* a clock that is set back: by minutes, an hour, weeks */
    { { "Nov 23 09:07:12 ", "Nov 23 09:02:00 ", "Nov 23 08:02:00 ", "Nov  1 00:00:00 ", "Nov 23 09:08:00 " },
      { "2026-11-23 09:07:12", "2026-11-23 09:02:00", "2026-11-23 08:02:00", "2026-11-01",
        "2026-11-23 09:08:00" } },
    /* set back just after the turn */
    { { "Jan  1 00:03:00 ", "Dec 31 23:58:00 ", "Jan  1 00:01:00 " },
      { "2026-01-01 00:03:00", "2025-12-31 23:58:00", "2026-01-01 00:01:00" } },
    /* a small site that logs little, for years */
    { { "Feb 28 12:00:00 ", "Aug 15 12:00:00 ", "Mar  1 12:00:00 ", "Nov 30 12:00:00 ", "Feb 29 12:00:00 ",
        "Oct  1 12:00:00 ", "Jan  2 12:00:00 " },
      { "2026-02-28 12:00", "2026-08-15 12:00", "2027-03-01 12:00", "2027-11-30 12:00", "2028-02-29 12:00",
        "2028-10-01 12:00", "2029-01-02 12:00" } },
    /* a silence of eight months is no step back */
    { { "Jan  5 00:00:00 ", "Sep  3 00:00:00 ", "Sep  4 00:00:00 " },
      { "2026-01-05", "2026-09-03", "2026-09-04" } },
    /* a dead clock battery: booted on 1 January, then set right */
    { { "Nov 22 00:00:00 ", "Jan  1 00:00:10 ", "Nov 22 00:05:00 " },
      { "2026-11-22", "2027-01-01 00:00:10", "2026-11-22 00:05" } },
    /* stamps that tell the year lead those that do not */
    { { "Nov 22 2024 00:00:00 ", "Nov 23 00:00:00 ", "2026-12-31T23:59:59Z ", "Jan  1 00:00:00 " },
      { "2024-11-22", "2024-11-23", "2026-12-31 23:59:59", "2027-01-01" } },
    /* clang-format on */
};

START_TEST(within_a_file)
{
    const struct file *file = &files[_i];
    struct syslog syslog;
    struct line line = { 0 };
    int64_t first_year = strtol(file->times[0], NULL, 10);
    syslog_begin(&syslog, USEC_NONE, first_year);
    for (int i = 0; file->stamps[i]; i++) {
        char text[100];
        for (int again = 0; again < 2; again++) { /* the second one by comparison with the first */
            int len = snprintf(text, sizeof text, "%smx postfix/smtpd[1]: x", file->stamps[i]);
            ck_assert(syslog_parse(&syslog, (struct str){ text, (size_t)len }, &line));
            expect(line.at, file->times[i]);
        }
    }
}
END_TEST

START_TEST(from_the_time_of_a_file)
{
    static const struct {
        const char *stamp, *latest;
        int64_t year;
    } cases[] = {
        { "Nov 23 09:07:12 ", "2026-11-23 09:07:12", 2026 },
        { "Nov 23 09:07:13 ", "2026-11-23 09:07:12", 2025 },
        { "Dec 31 23:00:00 ", "2026-01-01 00:00:00", 2025 },
        { "Jan  1 00:00:00 ", "2026-01-01 00:00:00", 2026 },
        { "Feb 29 00:00:00 ", "2026-11-23", 2024 },
        { "Feb 29 00:00:00 ", "2024-02-29", 2024 },
        { "Feb 29 00:00:00 ", "2024-02-28", 2020 },
        { "Feb 29 00:00:00 ", "2100-12-31", 2096 }, /* 2100 is no leap year */
        { "Feb 29 00:00:00 ", "2000-12-31", 2000 }, /* 2000 was one */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stamp s = stamp(cases[i].stamp);
        ck_assert_msg(year_not_after(&s, at(cases[i].latest)) == cases[i].year, "%s not after %s",
                      cases[i].stamp, cases[i].latest);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("years");
    TCase *t = tcase_create("years");
    tcase_add_loop_test(t, within_a_file, 0, sizeof files / sizeof *files);
    tcase_add_test(t, from_the_time_of_a_file);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

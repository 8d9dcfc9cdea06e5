/* Clocks on the wall: what localtime() writes over changes of the clock is read back to the same second. */
#define _GNU_SOURCE
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"
#include "collect/syslog.h"

#define AT(seconds) ((usec)(seconds)*USEC_SECOND)

/* The clock of `zone`, as the C library has it. */
static void set_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

static struct wall *wall_of(const char *zone)
{
    struct why why = { 0 };
    struct wall *wall = wall_new(str_of(zone), &why);
    ck_assert_msg(wall != NULL, "%s: %s", zone, why.text);
    return wall;
}

/* The times around which a log is written: `date -u -d @...` with `zdump -v` of the zone. */
static const struct change {
    const char *zone;
    usec at; /* the clock is set, or nothing happens */
} changes[] = {
    { "Europe/Berlin", AT(1792890000) },       /* 2026-10-25 01:00 UTC, 03:00 becomes 02:00 */
    { "Europe/Berlin", AT(1774746000) },       /* 2026-03-29 01:00 UTC, 02:00 becomes 03:00 */
    { "America/New_York", AT(1793512800) },    /* 2026-11-01 06:00 UTC */
    { "America/New_York", AT(1772953200) },    /* 2026-03-08 07:00 UTC */
    { "Australia/Lord_Howe", AT(1775314800) }, /* 2026-04-04 15:00 UTC, 02:00 becomes 01:30 */
    { "Australia/Lord_Howe", AT(1791041400) }, /* 2026-10-03 15:30 UTC, 02:00 becomes 02:30 */
    { "Africa/Casablanca", AT(1771120800) },   /* 2026-02-15 02:00 UTC, Ramadan */
    { "Asia/Kolkata", AT(1792890000) },        /* never set */
    { "Europe/Berlin", AT(2487200400) },       /* 2048-10-25: by the rule, behind the file's table */
    { "UTC", AT(1792890000) },
};
enum { CHANGES = sizeof changes / sizeof *changes };

/* Forms of stamps that have no zone. */
static const char *const forms[] = { "%b %e %H:%M:%S mx a: x", "%Y-%m-%d %H:%M:%S mx a: x",
                                     "%b %e %Y %H:%M:%S mx a: x", "%Y-%m-%dT%H:%M:%S,5 mx a: x" };

START_TEST(written_is_read)
{
    const struct change *change = &changes[_i / 4];
    const char *form = forms[_i % 4];
    usec fraction = strchr(form, ',') ? USEC_SECOND / 2 : 0;
    struct wall *wall = wall_of(change->zone);
    set_zone(change->zone);
    srandom(1);
    for (int log = 0; log < 30; log++) {
        struct syslog syslog;
        struct line line = { 0 };
        usec at = change->at - 3 * USEC_HOUR - random() % 7200 * USEC_SECOND;
        usec latest = at;
        int64_t gap_most = 2 + random() % 600; /* seconds */
        struct tm tm;
        time_t seconds = (time_t)(at / USEC_SECOND);
        syslog_begin(&syslog, USEC_NONE, localtime_r(&seconds, &tm)->tm_year + 1900);
        syslog_wall(&syslog, wall, USEC_NONE);
        while (latest < change->at + 3 * USEC_HOUR) {
            /* One line in ten is up to five minutes late. */
            latest += random() % gap_most * USEC_SECOND;
            at = random() % 10 == 0 && latest - at < USEC_MINUTE ? latest - random() % 300 * USEC_SECOND
                                                                 : latest;
            char text[64], zone[64];
            seconds = (time_t)(at / USEC_SECOND);
            strftime(text, sizeof text, form, localtime_r(&seconds, &tm));
            strftime(zone, sizeof zone, "%F %T %z", &tm);
            ck_assert(syslog_parse(&syslog, str_of(text), &line));
            ck_assert_msg(line.at == at + fraction, "%s: %s is %s, but was read as %lld s later",
                          change->zone, text, zone, (long long)(line.at - at) / 1000000);
        }
    }
    wall_free(wall);
}
END_TEST

/* Each second, whatever came before, is one that the clock showed then; or it jumped over it. */
START_TEST(each_second_is_shown)
{
    const struct change *change = &changes[_i];
    struct wall *wall = wall_of(change->zone);
    struct wall_span span = WALL_UNKNOWN;
    set_zone(change->zone);
    time_t middle = (time_t)(change->at / USEC_SECOND);
    struct tm tm;
    localtime_r(&middle, &tm);
    for (int64_t i = -2 * 3600; i < 2 * 3600; i++) {
        usec shown = change->at + (tm.tm_gmtoff + i) * USEC_SECOND;
        usec known = span.from <= shown && shown < span.to ? shown - span.ahead : USEC_NONE;
        usec at = wall_time(wall, &span, shown, USEC_NONE), first = 0, second = 0;
        if (known != USEC_NONE)
            ck_assert_int_eq(at, known);
        time_t seconds = (time_t)(at / USEC_SECOND);
        struct tm then;
        localtime_r(&seconds, &then);
        int64_t apart = then.tm_gmtoff * USEC_SECOND - (shown - at);
        /* A time that is jumped over is told as by the clock before: it shows what the jump adds. */
        ck_assert_msg(apart == 0 || (apart > 0 && apart <= USEC_HOUR && at >= change->at), "%s: %lld",
                      change->zone, (long long)i);
        if (wall_is_double(wall, shown, &first, &second)) {
            ck_assert_int_eq(first, at);
            seconds = (time_t)(second / USEC_SECOND);
            localtime_r(&seconds, &then);
            ck_assert_int_eq(then.tm_gmtoff * USEC_SECOND, shown - second);
            ck_assert(first < second);
        }
    }
    wall_free(wall);
}
END_TEST

static usec read_at(const struct wall *wall, const char *text, usec about)
{
    struct syslog syslog;
    struct line line = { 0 };
    syslog_begin(&syslog, USEC_NONE, 2026);
    syslog_wall(&syslog, wall, about);
    ck_assert(syslog_parse(&syslog, str_of(text), &line));
    return line.at;
}

START_TEST(no_clock_is_asked_where_the_stamp_tells)
{
    struct wall *wall = wall_of("America/New_York");
    static const char *const told[] = {
        "2026-11-23T09:07:12Z mx a: x",        "2026-11-23T10:07:12+01:00 mx a: x",
        "2026-11-23 10:07:12 +0100 mx a: x",   "1795424832 mx a: x",
        "Mon 2026-11-23 10:07:12 CET mx a: x", "<22>1 2026-11-23T09:07:12Z mx a - - - x",
        "@400000006b04024a00000000 a: x"
    };
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        ck_assert_msg(read_at(wall, told[i], USEC_NONE) == AT(1795424832), "%s", told[i]);
    ck_assert_int_eq(read_at(wall, "Nov 23 04:07:12 mx a: x", USEC_NONE), AT(1795424832));
    ck_assert_int_eq(read_at(wall, "2026-11-23 04:07:12 LOGIN authenticator failed for x", USEC_NONE),
                     AT(1795424832));
    wall_free(wall);
}
END_TEST

START_TEST(begins_in_the_double_hour)
{
    struct wall *wall = wall_of("Europe/Berlin");
    static const char line[] = "Oct 25 02:30:00 mx a: x";
    ck_assert_int_eq(read_at(wall, line, USEC_NONE), AT(1792888200));
    ck_assert_int_eq(read_at(wall, line, AT(1792888200)), AT(1792888200));
    ck_assert_int_eq(read_at(wall, line, AT(1792891800)), AT(1792891800));
    wall_free(wall);
}
END_TEST

START_TEST(over_the_turn_of_the_year)
{
    struct wall *east = wall_of("Pacific/Auckland"), *west = wall_of("Pacific/Honolulu");
    static const char *const lines[] = { "Dec 31 23:59:59 mx a: x", "Jan  1 00:00:01 mx a: x" };
    /* 2026-12-31 23:59:59 UTC is 1798761599; Auckland is 13 hours ahead, Honolulu 10 behind. */
    static const struct {
        int64_t ahead;
    } hours[] = { { 13 }, { -10 } };
    for (size_t i = 0; i < 2; i++) {
        struct syslog syslog;
        struct line line = { 0 };
        syslog_begin(&syslog, USEC_NONE, 2026);
        syslog_wall(&syslog, i ? west : east, USEC_NONE);
        ck_assert(syslog_parse(&syslog, str_of(lines[0]), &line));
        ck_assert_int_eq(line.at, AT(1798761599) - hours[i].ahead * USEC_HOUR);
        ck_assert(syslog_parse(&syslog, str_of(lines[1]), &line));
        ck_assert_int_eq(line.at, AT(1798761601) - hours[i].ahead * USEC_HOUR);
        ck_assert(syslog_parse(&syslog, str_of(lines[0]), &line));
        ck_assert_int_eq(line.at, AT(1798761599) - hours[i].ahead * USEC_HOUR);
    }
    wall_free(east);
    wall_free(west);
}
END_TEST

START_TEST(names)
{
    static const struct {
        const char *tz, *zone, *name;
        usec ahead; /* on 2026-11-23 */
    } rows[] = {
        { NULL, "UTC", "UTC", 0 },
        { NULL, "Etc/UTC", "UTC", 0 },
        { NULL, "+00:00", "UTC", 0 },
        { "Etc/UTC", "local", "UTC", 0 },
        { NULL, "+01:00", "+01:00", USEC_HOUR },
        { NULL, "-0330", "-0330", -210 * USEC_MINUTE },
        { NULL, "+05", "+05", 5 * USEC_HOUR },
        { "Asia/Tokyo", "Europe/Berlin", "Europe/Berlin", USEC_HOUR },
        { "Asia/Tokyo", "local", "Asia/Tokyo", 9 * USEC_HOUR },
        { ":Asia/Tokyo", "local", "Asia/Tokyo", 9 * USEC_HOUR },
        { "", "local", "UTC", 0 },
        { "XYZ-2", "local", "local", 2 * USEC_HOUR },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wall_span span = WALL_UNKNOWN;
        if (rows[i].tz)
            set_zone(rows[i].tz);
        else
            unsetenv("TZ");
        struct wall *wall = wall_of(rows[i].zone);
        ck_assert(str_eq(wall_name(wall), str_of(rows[i].name)));
        ck_assert_int_eq(wall_time(wall, &span, AT(1795424832), USEC_NONE), AT(1795424832) - rows[i].ahead);
        const char *after = getenv("TZ");
        ck_assert_pstr_eq(after, rows[i].tz);
        wall_free(wall);
    }
    static const char *const none[] = { "Europe/Berlim", "",       "+1",     "+24:00",  "+01:60",
                                        "/etc/passwd",   "../UTC", "Europe", "+01:00x", "local " };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        struct why why = { 0 };
        ck_assert_msg(wall_new(str_of(none[i]), &why) == NULL, "%s", none[i]);
        ck_assert_int_ne(why.status, 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wall");
    TCase *t = tcase_create("wall");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, written_is_read, 0, CHANGES * 4);
    tcase_add_loop_test(t, each_second_is_shown, 0, CHANGES);
    tcase_add_test(t, no_clock_is_asked_where_the_stamp_tells);
    tcase_add_test(t, begins_in_the_double_hour);
    tcase_add_test(t, over_the_turn_of_the_year);
    tcase_add_test(t, names);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

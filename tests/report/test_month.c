/* The report of a month: one page that is whole, well formed and alone, the same as text, and nothing half
 * done. */
#define _GNU_SOURCE
#include "tests/report/papers.h"

#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include "report/views.h"
#include "tests/report/hand_tally.h"

static char folder[] = "/tmp/mxreplay-month-XXXXXX";

static void in_a_new_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void folder_away(void)
{
    folder_remove(folder);
}

static char *content(const char *path)
{
    FILE *from = fopen(path, "r");
    ck_assert_msg(from != NULL, "%s is missing", path);
    char *text = NULL;
    CAUGHT(to, text, for (int c; (c = getc(from)) != EOF;) putc(c, to));
    fclose(from);
    return text;
}

static char *in_report(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/a/b/%s", folder, name);
    return content(path);
}

/* A policy with bounds and delays. */
static struct tally march(void)
{
    static const struct hand_row rows[] = {
        { ROW_MEASURE, "no-rdns", "No reverse DNS", 3424, 3400, 3500, BASIS_ESTIMATED },
        { ROW_MEASURE, "dnsbl", "Listed in chosen RBLs", 6210, 6210, 6210, BASIS_EXACT },
        { ROW_MEASURE, "greylist", "Greylisted: didn't resend", 198, 100, 250, BASIS_GUESSED },
        { ROW_ACCEPTED, "accepted", "Accepted", 206, 150, 300, BASIS_ESTIMATED },
        { ROW_NOTHING, "nothing-attempted", "Nothing attempted", 12, 12, 12, BASIS_EXACT },
    };
    struct tally tally = hand_tally("site", rows, sizeof rows / sizeof *rows);
    tally.delayed = 31;
    tally.delay_minutes_median = 6.5;
    tally.delay_minutes_90 = 20;
    tally.delay_minutes_99 = 140;
    hand_slice(&tally, clock_days(2009, 3, 1) * USEC_DAY, USEC_DAY, 31);
    return tally;
}

static struct month month_of(const struct tally *tally, const struct tally *recorded)
{
    return (
        struct month){ .title = STR("March 2009"), .tally = tally, .recorded = recorded, .made = USEC_NONE };
}

static void write_report(const struct month *month)
{
    char path[128];
    struct why why = { 0 };
    snprintf(path, sizeof path, "%s/a/b", folder); /* both are made */
    ck_assert_msg(month_write(month, path, &why) == 0, "%s", why.text);
}

static size_t times(const char *text, const char *what)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        count++;
    return count;
}

static void ck_page(const char *html)
{
    const char *wrong = malformed(html, true);
    ck_assert_msg(wrong == NULL, "%s", wrong);
    ck_assert_harmless(html, strlen(html), "\n\t");
    /* Alone: it loads nothing and runs nothing. The only addresses in it name XML's vocabularies. */
    static const char *const loads[] = { "<script", "<link", "<img",    "<iframe",     "<object", "src=",
                                         "@import", "url(",  " onload", "javascript:", "<base",   "<form" };
    for (size_t i = 0; i < sizeof loads / sizeof *loads; i++)
        ck_assert_msg(!strstr(html, loads[i]), "the page has %s", loads[i]);
    ck_assert_uint_eq(times(html, "://"), times(html, "\"http://www.w3.org/2000/svg\"") +
                                              times(html, "\"http://www.w3.org/1999/xlink\""));
}

START_TEST(a_page_that_is_whole_and_alone)
{
    struct tally tally = march(), recorded = hand_talk();
    recorded.policy = STR("recorded");
    struct month month = month_of(&tally, &recorded);
    write_report(&month);
    char *html = in_report("index.html");
    ck_page(html);
    ck_assert_ptr_nonnull(strstr(html, "<h1>March 2009</h1>"));
    ck_assert_ptr_nonnull(
        strstr(html, "Greylisted: didn&#39;t resend</th><td>?198</td><td>1.97</td><td>100 to 250</td>"));
    ck_assert_ptr_nonnull(strstr(html, "prefers-color-scheme:dark"));
    ck_assert_ptr_nonnull(strstr(html, "@media print"));
    ck_assert_uint_eq(times(html, "<svg "), 2);
    ck_assert_uint_eq(times(html, "<details>"), 1);
    ck_assert_uint_eq(times(html, "<tr>"),
                      (1 + 5 + 1) + (1 + 31) + (1 + 5 + 1)); /* the policy's, the days, the server's */
    for (size_t i = 0; views[i]; i++) {
        char id[64];
        snprintf(id, sizeof id, "id=\"%s\"", views[i]->name);
        ck_assert_uint_eq(times(html, id), 1);
    }
    /* What the style says of the dark speaks of colours that gnuplot did write. */
    static const char *const colours[] = { "rect[fill=\"#ffffff\"]",       "fill=\"#ffffff\"",
                                           "g[fill=\"rgb(36,41,47)\"]",    "fill=\"rgb(36,41,47)\"",
                                           "g[fill=\"rgb(106,115,125)\"]", "fill=\"rgb(106,115,125)\"" };
    const char *body = strstr(html, "<body>");
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i += 2) {
        ck_assert_ptr_nonnull(strstr(html, colours[i]));
        ck_assert_ptr_nonnull(strstr(body, colours[i + 1]));
    }
    ck_assert_ptr_nonnull(strstr(body, "class=\"gridline\""));
    ck_assert_ptr_nonnull(strstr(body, "stroke='rgb(139, 148, 158)'"));
    free(html);
    tally_free(&tally);
    tally_free(&recorded);
}
END_TEST

START_TEST(what_lies_beside_the_page)
{
    struct tally tally = march();
    struct month month = month_of(&tally, NULL);
    write_report(&month);
    char *replay = in_report("replay.csv"), *series = in_report("series.csv"),
         *svg = in_report("percent.svg");
    ck_assert_int_eq(
        strncmp(replay, "measure,title,count,low,high,percent,basis\nno-rdns,No reverse DNS,3424,3400,3500,",
                80),
        0);
    ck_assert_uint_eq(times(series, "\n"), 1 + 31 * 5);
    ck_assert_ptr_null(malformed(svg, false));
    free(replay);
    free(series);
    free(svg);
    free(in_report("counts.svg"));
    free(in_report("counts.png"));
    free(in_report("percent.png"));
    tally_free(&tally);
}
END_TEST

/* Without the pictures, the page is what it was when it was last looked at. */
START_TEST(the_page_as_it_was_read)
{
    static char svg[] = "<svg></svg>";
    struct tally tally = march(), recorded = hand_talk();
    struct arena arena = { 0 };
    recorded.policy = STR("recorded");
    struct month month = month_of(&tally, &recorded);
    struct report report = { .month = &month, .arena = &arena, .svg = { { svg, 11 }, { svg, 11 } } };
    char *html = NULL, *text = NULL;
    CAUGHT(to, html, page_write(&report, to));
    CAUGHT(to, text, page_write_text(&report, to));
    char *version = strstr(html, "mxreplay " MXREPLAY_VERSION);
    ck_assert_ptr_nonnull(version);
    memmove(version + 8, version + 9 + strlen(MXREPLAY_VERSION),
            strlen(version + 9 + strlen(MXREPLAY_VERSION)) + 1);
    *strstr(text, " " MXREPLAY_VERSION) = '\0';
    ck_golden("month.html", html);
    ck_golden("month.txt", text);
    free(html);
    free(text);
    arena_free(&arena);
    tally_free(&tally);
    tally_free(&recorded);
}
END_TEST

/* 78 columns, also where counts are large and titles long. */
START_TEST(the_text_fits_in_a_mail)
{
    static const struct hand_row rows[] = {
        { ROW_MEASURE, "one", "A measure with a title that is much longer than it needs to be", 12345678,
          10000000, 98765432, BASIS_ESTIMATED },
        { ROW_ACCEPTED, "accepted", "Accepted", 87654321, 80000000, 90000000, BASIS_GUESSED },
    };
    struct tally tally = hand_tally("a-policy-with-a-name-that-is-longer-than-any-name-should-be", rows, 2);
    hand_slice(&tally, clock_days(2009, 3, 1) * USEC_DAY, USEC_DAY, 31);
    struct arena arena = { 0 };
    struct month month = month_of(&tally, &tally);
    struct report report = { .month = &month, .arena = &arena };
    char *text = NULL;
    CAUGHT(to, text, page_write_text(&report, to));
    for (char *save = NULL, *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        size_t columns = 0;
        for (const char *c = line; *c; c++)
            columns += ((unsigned char)*c & 0xc0) != 0x80; /* characters, not bytes */
        ck_assert_msg(columns <= 78, "%zu: %s", columns, line);
    }
    free(text);
    arena_free(&arena);
    tally_free(&tally);
}
END_TEST

START_TEST(hostile_names_stay_text)
{
    static char svg[] = "<svg></svg>";
    struct tally tally = march();
    struct arena arena = { 0 };
    struct month month = month_of(&tally, &tally);
    struct report report = { .month = &month, .arena = &arena, .svg = { { svg, 11 }, { svg, 11 } } };
    month.title = hostile[_i];
    tally.policy = tally.rows[0].title = tally.rows[1].name = month.title;
    tally.notes = (struct str *)&hostile[_i];
    tally.note_count = 1;
    char *html = NULL, *text = NULL;
    size_t text_len = 0;
    CAUGHT(to, html, page_write(&report, to));
    FILE *to = open_memstream(&text, &text_len);
    page_write_text(&report, to);
    fclose(to);
    const char *wrong = malformed(html, true);
    ck_assert_msg(wrong == NULL, "%s", wrong);
    ck_assert_harmless(html, strlen(html), "\n");
    ck_assert_harmless(text, text_len, "\n");
    ck_assert_ptr_null(strstr(html, "<script"));
    ck_assert_ptr_null(strstr(html, "<img"));
    ck_assert_ptr_nonnull(strstr(html, "</html>"));
    ck_assert_uint_eq(times(html, "<tr>"), (1 + 5 + 1) * 2 + 1 + 31); /* no row more or less */
    free(html);
    free(text);
    arena_free(&arena);
    tally_free(&tally);
}
END_TEST

START_TEST(with_pictures_of_hostile_names)
{
    struct tally tally = march();
    struct month month = month_of(&tally, NULL);
    tally.rows[0].title = STR("</title><script>alert(1)</script>\"'&\033[m");
    tally.policy = STR("\"><img src=x onerror=alert(1)>");
    write_report(&month);
    char *html = in_report("index.html");
    const char *wrong = malformed(html, true);
    ck_assert_msg(wrong == NULL, "%s", wrong);
    ck_assert_ptr_null(strstr(html, "<script"));
    ck_assert_ptr_null(strstr(html, "<img"));
    free(html);
    tally_free(&tally);
}
END_TEST

/* gnuplot fails at the second run: nothing is written anew, and what was there stays. */
START_TEST(a_failed_report_leaves_the_last_one)
{
    struct tally tally = march();
    struct month month = month_of(&tally, NULL);
    write_report(&month);
    char *before = in_report("index.html");
    struct gnuplot gnuplot = { "/bin/false", 5000 };
    struct why why = { 0 };
    char path[128];
    month.gnuplot = &gnuplot;
    month.title = STR("April 2009");
    snprintf(path, sizeof path, "%s/a/b", folder);
    ck_assert_int_eq(month_write(&month, path, &why), -1);
    ck_assert_int_eq(why.status, EX_SOFTWARE);
    char *after = in_report("index.html");
    ck_assert_str_eq(before, after);
    snprintf(path, sizeof path, "%s/new", folder);
    ck_assert_int_eq(month_write(&month, path, &why), -1);
    ck_assert_int_ne(access(path, F_OK), 0);
    free(before);
    free(after);
    tally_free(&tally);
}
END_TEST

START_TEST(a_file_is_no_folder)
{
    struct tally tally = march();
    struct month month = month_of(&tally, NULL);
    struct why why = { 0 };
    char path[128];
    snprintf(path, sizeof path, "%s/file", folder);
    fclose(fopen(path, "w"));
    ck_assert_int_eq(month_write(&month, path, &why), -1);
    ck_assert_int_eq(why.status, EX_CANTCREAT);
    ck_assert_ptr_nonnull(strstr(why.text, "cannot make this folder: Not a directory"));
    tally_free(&tally);
}
END_TEST

/* A month in which nothing came is a report, too. */
START_TEST(an_empty_month)
{
    struct tally tally = { .policy = STR("site"), .from = USEC_NONE, .to = USEC_NONE };
    struct month month = { .tally = &tally, .made = clock_days(2009, 4, 1) * USEC_DAY };
    write_report(&month);
    char *html = in_report("index.html"), *text = in_report("report.txt");
    ck_page(html);
    ck_assert_ptr_nonnull(strstr(html, "no deliveries in this period"));
    ck_assert_ptr_nonnull(strstr(html, "2009-04-01 00:00 UTC"));
    ck_assert_ptr_nonnull(strstr(text, "no deliveries in this period"));
    free(html);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("month");
    TCase *cases = tcase_create("month");
    tcase_add_checked_fixture(cases, in_a_new_folder, folder_away);
    tcase_add_test(cases, a_page_that_is_whole_and_alone);
    tcase_add_test(cases, what_lies_beside_the_page);
    tcase_add_test(cases, the_page_as_it_was_read);
    tcase_add_test(cases, the_text_fits_in_a_mail);
    tcase_add_loop_test(cases, hostile_names_stay_text, 0, HOSTILE);
    tcase_add_test(cases, with_pictures_of_hostile_names);
    tcase_add_test(cases, a_failed_report_leaves_the_last_one);
    tcase_add_test(cases, a_file_is_no_folder);
    tcase_add_test(cases, an_empty_month);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The report of a month: one page that is whole, well formed and alone, the same as text and as JSON, tables
 * and graphs beside it, and nothing half done. */
#define _GNU_SOURCE
#include "tests/report/papers.h"

#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include "report/plot.h"
#include "report/utf8.h"
#include "report/views.h"
#include "report/words.h"
#include "tests/report/hand_month.h"

static char folder[] = "/tmp/mxreplay-month-XXXXXX";
static struct hand_month hand;

static void in_a_new_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    hand_month(&hand);
}

static void folder_away(void)
{
    hand_month_free(&hand);
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
    char path[160];
    snprintf(path, sizeof path, "%s/a/b/%s", folder, name);
    return content(path);
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

/* Without its one script, which is markup of no kind. */
static char *without_script(const char *html)
{
    const char *begin = strstr(html, "<script>"), *end = strstr(html, "</script>");
    char *text = NULL;
    ck_assert(begin && end && end > begin);
    CAUGHT(to, text, fprintf(to, "%.*s%s", (int)(begin - html), html, end + strlen("</script>")));
    return text;
}

static void ck_page(const char *html)
{
    char *rest = without_script(html);
    const char *wrong = malformed(rest, true);
    ck_assert_msg(wrong == NULL, "%s", wrong);
    ck_assert_harmless(html, strlen(html), "\n\t");
    /* Alone: it loads nothing and runs nothing else. The only addresses in it name XML's vocabularies. */
    static const char *const loads[] = { "<script", "<link", "<img",    "<iframe",     "<object", "src=",
                                         "@import", "url(",  " onload", "javascript:", "<base",   "<form" };
    for (size_t i = 0; i < sizeof loads / sizeof *loads; i++)
        ck_assert_msg(!strstr(rest, loads[i]), "the page has %s", loads[i]);
    ck_assert_uint_eq(times(html, "://"), times(html, "\"http://www.w3.org/2000/svg\"") +
                                              times(html, "\"http://www.w3.org/1999/xlink\""));
    ck_assert_ptr_nonnull(strstr(html, "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-"));
    free(rest);
}

/* Each table that the page has files of, and each graph, is there as a file. */
static void ck_files(const char *html)
{
    size_t files = 0;
    for (const char *at = html; (at = strstr(at, "href=\"")); files++) {
        char name[64];
        at += strlen("href=\"");
        snprintf(name, sizeof name, "%.*s", (int)strcspn(at, "\""), at);
        if (*name != '#')
            free(in_report(name));
        if (strstr(name, ".svg")) {
            char *svg = in_report(name);
            ck_assert_msg(malformed(svg, false) == NULL, "%s: %s", name, malformed(svg, false));
            free(svg);
        }
    }
    ck_assert_uint_ge(files, 60);
}

START_TEST(a_page_that_is_whole_and_alone)
{
    write_report(&hand.month);
    char *html = in_report("index.html");
    ck_page(html);
    ck_assert_ptr_nonnull(strstr(html, "<h1>March 2009</h1>"));
    ck_assert_ptr_nonnull(
        strstr(html, "Greylisted: didn&#39;t resend</th><td>?198</td><td>1.97</td><td>100 to 250</td>"));
    ck_assert_ptr_nonnull(strstr(html, "prefers-color-scheme:dark"));
    ck_assert_ptr_nonnull(strstr(html, "@media print"));
    ck_assert_uint_eq(times(html, "<svg "),
                      9); /* counts, percent, week, stages, two overlaps, early, waits, delivery */
    ck_assert_uint_eq(times(html, "role=\"img\" aria-label=\""), 9);
    for (size_t i = 0; views[i]; i++) {
        char id[64];
        snprintf(id, sizeof id, "<section id=\"%s\">", views[i]->name);
        ck_assert_msg(times(html, id) == 1, "%s", id);
        snprintf(id, sizeof id, "<a href=\"#%s\">", views[i]->name);
        ck_assert_msg(times(html, id) == 1, "%s", id);
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
    ck_files(html);
    free(html);
}
END_TEST

/* Rows of the change against the month before, worked out by hand: no-rdns 3424 of 10038 is 34.11 %, 4000 of
 * 10000 was 40 %: -5.89, and [33.87, 34.87] does not touch [39.9, 40.1]. greylist [1.00, 2.49] touches
 * [1.2, 2.4]. */
START_TEST(a_change_within_the_bounds_is_marked)
{
    struct outline outline = { 0 };
    struct arena arena = { 0 };
    struct why why = { 0 };
    ck_assert_int_eq(outline_read(&outline, "x", STR("sections: [table, series]"), &arena, &why), 0);
    hand.month.outline = &outline;
    write_report(&hand.month);
    char *csv = in_report("tables/replay.csv"), *text = in_report("report.txt");
    ck_assert_ptr_nonnull(strstr(csv, "198,100,250,1.97,guessed,1.50,0.47,within bounds"));
    ck_assert_ptr_nonnull(strstr(csv, "6210,6210,6210,61.86,exact,57.00,4.86,beyond bounds"));
    ck_assert_ptr_nonnull(strstr(text, "≈ +0.47"));
    ck_assert_ptr_null(strstr(text, "≈ +4.86"));
    free(csv);
    free(text);
    csv = in_report("tables/series.csv");
    ck_assert_uint_eq(times(csv, "\n"), 1 + 31 * 5);
    free(csv);
    arena_free(&arena);
}
END_TEST

static struct section *sections_of(const struct month *month, struct arena *arena, size_t *count)
{
    struct section *sections = month_sections(month, arena, count);
    for (size_t s = 0; s < *count; s++)
        for (size_t i = 0; i < sections[s].count; i++)
            if (sections[s].parts[i].kind == PART_CHART)
                sections[s].parts[i].chart->drawn[PICTURE_SVG] =
                    (struct picture_bytes){ (char *)"<svg></svg>", 11 };
    return sections;
}

/* The golden files say no version, and the page not its style and script, which have files of their own. */
static void forget(char *text, const char *from, const char *upto)
{
    char *begin = strstr(text, from), *end = begin ? strstr(begin + strlen(from), upto) : NULL;
    if (end)
        memmove(begin + strlen(from), end, strlen(end) + 1);
}

/* Without the pictures, the report is what it was when it was last looked at. */
START_TEST(the_report_as_it_was_read)
{
    struct arena arena = { 0 };
    size_t count = 0;
    struct section *sections = sections_of(&hand.month, &arena, &count);
    char *html = NULL, *text = NULL, *json = NULL, *csv = NULL;
    CAUGHT(to, html, page_write(&hand.month, sections, count, to));
    CAUGHT(to, text, page_write_text(&hand.month, sections, count, to));
    CAUGHT(to, json, page_write_json(&hand.month, sections, count, to));
    CAUGHT(
        to, csv, for (size_t s = 0; s < count; s++) for (size_t i = 0; i < sections[s].count; i++) {
            const struct part *part = &sections[s].parts[i];
            if (part->kind == PART_GRID && part->in & IN_DATA && strcmp(part->grid->name, "series") != 0 &&
                strcmp(part->grid->name, "week") != 0) {
                fprintf(to, "# %s.csv\n", part->grid->name);
                grid_csv(part->grid, to);
            }
        });
    forget(html, "<style>", "</style>");
    forget(html, "<script>", "</script>");
    forget(html, "sha256-", "'");
    forget(html, "mxreplay " MXREPLAY_VERSION, "</p>");
    *strstr(text, " " MXREPLAY_VERSION) = '\0';
    ck_golden("month.html", html);
    ck_golden("month.txt", text);
    ck_golden("month.json", json);
    ck_golden("month.csv", csv);
    free(html);
    free(text);
    free(json);
    free(csv);
    arena_free(&arena);
}
END_TEST

static void ck_columns(const char *text)
{
    struct arena arena = { 0 };
    char *copy = (char *)arena_str(&arena, str_of(text)).at;
    for (char *save = NULL, *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        ck_assert_msg(text_width(str_of(line)) <= TEXT_COLUMNS, "%zu: %s", text_width(str_of(line)), line);
    arena_free(&arena);
}

/* 78 columns, also where counts are large and names long. */
START_TEST(the_text_fits_in_a_mail)
{
    static struct str longest =
        STR_INIT("a-name-that-is-much-longer-than-any-name-of-anything-should-ever-be-at-all.example.org");
    struct tally *tally = &hand.period.tally;
    struct census *census = &hand.period.census;
    struct arena arena = { 0 };
    size_t count = 0;
    char *text = NULL;
    tally->policy = hand.month.title = hand.month.before = tally->rows[1].title = longest;
    for (size_t i = 0; i < tally->row_count; i++) {
        tally->rows[i].count = tally->rows[i].low = 10000000;
        tally->rows[i].high = 98765432;
        tally->rows[i].basis = BASIS_ESTIMATED;
    }
    tally->units = tally->base = 98765432;
    hand.input[0].path = hand.skipped[0].shape = hand.fates.reasons[0].text = longest;
    hand.input[0].lines = hand.input[0].skipped = 9876543210;
    for (int by = 0; by < TOPS; by++)
        census->tops[by].rows[0] = (struct top_row){ longest, 98765432, 98765432, 98765432, 98765432 };
    struct section *sections = sections_of(&hand.month, &arena, &count);
    CAUGHT(to, text, page_write_text(&hand.month, sections, count, to));
    ck_columns(text);
    free(text);
    arena_free(&arena);
}
END_TEST

/* ---- What strangers wrote. */

/* Everything that a stranger can have a say in. */
static void make_hostile(struct str text)
{
    struct census *census = &hand.period.census;
    struct audit *audit = &hand.period.audit;
    struct tally *tally = &hand.period.tally;
    hand.month.title = hand.month.before = tally->policy = tally->rows[0].title = tally->rows[1].name = text;
    tally->notes = arena_alloc(&hand.arena, sizeof *tally->notes);
    tally->notes[0] = text;
    tally->note_count = 1;
    hand.policy.rules[0].name = hand.policy.rules[1].name = text;
    for (int by = 0; by < TOPS; by++)
        census->tops[by].rows[0].name = text;
    census->backscatter.top[0].name = census->abuse[ABUSE_AUTH].top[0].name = text;
    audit->harmed[0].sender = audit->harmed[0].recipient = text;
    hand.period.overlap.groups[0].names[0] = hand.period.overlap.groups[0].titles[0] = text;
    hand.period.overlap.groups[1].names[0] = hand.period.overlap.groups[1].name = text;
    hand.period.overlap.policy = text;
    hand.input[0].path = hand.input[0].kind = hand.skipped[0].shape = hand.fates.reasons[0].text = text;
}

/* A spreadsheet runs a cell that begins with one of these: "=1", "\"=1\"". */
static void ck_no_formula(const char *csv)
{
    bool begins = true;
    for (const char *at = csv; *at; at++) {
        const char *cell = at + (*at == '"');
        bool is_number = strspn(cell, "-.0123456789") == strcspn(cell, ",\n");
        ck_assert_msg(!begins || !strchr("=+-@\t\r", *cell) || is_number || !*cell, "a formula: %.40s", at);
        begins = *at == ',' || *at == '\n';
        if (*at == '"') { /* to the end of the quoted field */
            for (at++; *at && !(*at == '"' && at[1] != '"'); at++)
                at += *at == '"';
            begins = false;
        }
        if (!*at)
            break;
    }
}

START_TEST(hostile_names_stay_text)
{
    struct arena arena = { 0 };
    size_t count = 0, text_len = 0, json_len = 0, csv_len = 0, rows = 0;
    char *html = NULL, *text = NULL, *json = NULL, *csv = NULL;
    struct section *sections = sections_of(&hand.month, &arena, &count);
    CAUGHT(to, html, page_write(&hand.month, sections, count, to));
    rows = times(html, "<tr");
    free(html);
    make_hostile(hostile[_i]);
    sections = sections_of(&hand.month, &arena, &count);
    CAUGHT(to, html, page_write(&hand.month, sections, count, to));
    FILE *to = open_memstream(&text, &text_len);
    page_write_text(&hand.month, sections, count, to);
    fclose(to);
    to = open_memstream(&json, &json_len);
    page_write_json(&hand.month, sections, count, to);
    fclose(to);
    to = open_memstream(&csv, &csv_len);
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < sections[s].count; i++)
            if (sections[s].parts[i].kind == PART_GRID)
                grid_csv(sections[s].parts[i].grid, to);
    fclose(to);
    char *rest = without_script(html);
    const char *wrong = malformed(rest, true);
    ck_assert_msg(wrong == NULL, "%s", wrong);
    ck_assert_harmless(html, strlen(html), "\n");
    ck_assert_harmless(text, text_len, "\n");
    ck_assert_harmless(json, json_len, "\n");
    ck_assert_harmless(csv, csv_len, "\n\r\t");
    ck_assert_ptr_null(strstr(rest, "<script"));
    ck_assert_ptr_null(strstr(rest, "<img"));
    ck_assert_ptr_nonnull(strstr(html, "</html>"));
    ck_assert_uint_eq(times(html, "<tr"), rows); /* no row more or less */
    ck_no_formula(csv);
    free(rest);
    free(html);
    free(text);
    free(json);
    free(csv);
    arena_free(&arena);
}
END_TEST

/* Through gnuplot too: all texts at once, and no command of theirs was run. */
START_TEST(pictures_of_hostile_names)
{
    struct outline outline = { 0 };
    struct arena arena = { 0 };
    struct why why = { 0 };
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert_int_eq(
        outline_read(&outline, "x", STR("sections: [counts, overlap, lists, stages]"), &arena, &why), -1);
    ck_assert_int_eq(
        outline_read(&outline, "x", STR("sections: [counts, overlap, lists, dialog]"), &arena, &why), 0);
    hand.month.outline = &outline;
    make_hostile(hostile[_i * 3 + 14]);
    write_report(&hand.month);
    char *html = in_report("index.html"), *rest = without_script(html);
    const char *wrong = malformed(rest, true);
    ck_assert_msg(wrong == NULL, "%s", wrong);
    ck_assert_ptr_null(strstr(rest, "<script"));
    ck_assert_ptr_null(strstr(rest, "<img"));
    ck_assert_int_ne(access("owned", F_OK), 0);
    free(html);
    free(rest);
    arena_free(&arena);
}
END_TEST

/* ---- When it cannot be made. */

/* gnuplot fails at the second run: nothing is written anew, and what was there stays. */
START_TEST(a_failed_report_leaves_the_last_one)
{
    struct outline outline = { 0 };
    struct arena arena = { 0 };
    struct why why = { 0 };
    ck_assert_int_eq(outline_read(&outline, "x", STR("sections: counts"), &arena, &why), 0);
    hand.month.outline = &outline;
    write_report(&hand.month);
    char *before = in_report("index.html");
    struct gnuplot gnuplot = { .program = "/bin/false", .patience_ms = 5000 };
    char path[128];
    hand.month.gnuplot = &gnuplot;
    hand.month.title = STR("April 2009");
    snprintf(path, sizeof path, "%s/a/b", folder);
    ck_assert_int_eq(month_write(&hand.month, path, &why), -1);
    ck_assert_int_eq(why.status, EX_SOFTWARE);
    char *after = in_report("index.html");
    ck_assert_str_eq(before, after);
    snprintf(path, sizeof path, "%s/new", folder);
    ck_assert_int_eq(month_write(&hand.month, path, &why), -1);
    ck_assert_int_ne(access(path, F_OK), 0);
    free(before);
    free(after);
    arena_free(&arena);
}
END_TEST

START_TEST(a_file_is_no_folder)
{
    struct outline outline = { 0 };
    struct arena arena = { 0 };
    struct why why = { 0 };
    char path[128];
    ck_assert_int_eq(outline_read(&outline, "x", STR("sections: table"), &arena, &why), 0);
    hand.month.outline = &outline;
    snprintf(path, sizeof path, "%s/file", folder);
    fclose(fopen(path, "w"));
    ck_assert_int_eq(month_write(&hand.month, path, &why), -1);
    ck_assert_int_eq(why.status, EX_CANTCREAT);
    ck_assert_ptr_nonnull(strstr(why.text, "cannot make this folder: Not a directory"));
    arena_free(&arena);
}
END_TEST

/* A month in which nothing came is a report, too. */
START_TEST(an_empty_month)
{
    struct period period = { .tally = { .policy = STR("site"), .from = USEC_NONE, .to = USEC_NONE },
                             .has_census = true,
                             .has_audit = true };
    struct month month = { .policy = &hand.policy,
                           .period = &period,
                           .made = clock_days(2009, 4, 1) * USEC_DAY };
    write_report(&month);
    char *html = in_report("index.html"), *text = in_report("report.txt");
    ck_page(html);
    ck_assert_ptr_nonnull(strstr(html, "There are no deliveries in this period."));
    ck_assert_ptr_nonnull(strstr(html, "2009-04-01 00:00 UTC"));
    ck_assert_ptr_nonnull(strstr(text, "no deliveries in this period"));
    const char *keep = getenv("MXREPLAY_KEEP"); /* for test_browser.py */
    struct why why = { 0 };
    ck_assert(!keep || month_write(&month, keep, &why) == 0);
    free(html);
    free(text);
}
END_TEST

/* ---- Which sections. */

static const struct {
    const char *yaml, *says;
} bad_outlines[] = {
    { "sections: [tabel]", "o.yaml:1:12: sections: \"tabel\" is no section; did you mean table?" },
    { "sections:\n  - table\n  - table\n", "o.yaml:3:5: sections: \"table\" is there already" },
    { "sections:\n  - networks: {most: 0}\n", "o.yaml:2:22: " },
    { "sections:\n  - networks: {mots: 3}\n", "o.yaml:2:16: " },
    { "sections: []", "there are no sections" },
    { "", "o.yaml: it is empty; write sections: [table, counts]" },
    { "- table", "list of sections" },
};

START_TEST(an_outline_that_is_none_says_where)
{
    struct outline outline = { 0 };
    struct arena arena = { 0 };
    struct why why = { 0 };
    ck_assert_int_eq(outline_read(&outline, "o.yaml", str_of(bad_outlines[_i].yaml), &arena, &why), -1);
    ck_assert_msg(strstr(why.text, bad_outlines[_i].says) != NULL, "%s", why.text);
    ck_assert_int_eq(why.status, EX_DATAERR);
    arena_free(&arena);
}
END_TEST

START_TEST(sections_are_chosen_ordered_and_named)
{
    struct outline outline = { 0 };
    struct arena arena = { 0 };
    struct why why = { 0 };
    size_t count = 0;
    ck_assert_msg(outline_read(&outline, "o.yaml",
                               STR("sections:\n  - networks: { title: Who came most, most: 1 }\n  - table\n"),
                               &arena, &why) == 0,
                  "%s", why.text);
    ck_assert_uint_eq(outline_wants(&outline), WANT_CENSUS | WANT_BEFORE);
    ck_assert_uint_eq(outline_wants(NULL), WANT_ALL);
    hand.month.outline = &outline;
    struct section *sections = month_sections(&hand.month, &arena, &count);
    ck_assert_uint_eq(count, 2);
    ck_assert(str_eq(sections[0].title, STR("Who came most")));
    ck_assert_uint_eq(sections[0].parts[0].grid->row_count, 1);
    ck_assert_str_eq(sections[1].name, "table");
    arena_free(&arena);
}
END_TEST

/* ---- Templates of the user's. */

START_TEST(a_template_of_ones_own_draws)
{
    char path[128];
    struct gnuplot gnuplot = { .templates = folder };
    struct arena arena = { 0 };
    struct why why = { 0 };
    snprintf(path, sizeof path, "%s/stack.gnuplot", folder);
    FILE *to = fopen(path, "w");
    fputs("set label 1 'mine: '.title at screen 0.1, screen 0.9 noenhanced\nset yrange [0:1]\nplot NaN "
          "notitle\n",
          to);
    fclose(to);
    struct chart *chart = plot_chart(&hand.period.tally, GRAPH_COUNTS, &arena);
    ck_assert_msg(chart_draw(chart, PICTURE_SVG, &gnuplot, &why) == 0, "%s", why.text);
    ck_assert_ptr_nonnull(memmem(chart->drawn[PICTURE_SVG].at, chart->drawn[PICTURE_SVG].len,
                                 "mine: What policy site", strlen("mine: What policy site")));
    chart_free(chart);
    to = fopen(path, "w");
    fputs("set nonsense\n", to);
    fclose(to);
    ck_assert_int_eq(chart_draw(chart, PICTURE_SVG, &gnuplot, &why), -1);
    ck_assert_msg(strncmp(why.text, path, strlen(path)) == 0, "%s", why.text);
    arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("month");
    TCase *cases = tcase_create("month");
    tcase_add_checked_fixture(cases, in_a_new_folder, folder_away);
    tcase_add_test(cases, a_page_that_is_whole_and_alone);
    tcase_add_test(cases, a_change_within_the_bounds_is_marked);
    tcase_add_test(cases, the_report_as_it_was_read);
    tcase_add_test(cases, the_text_fits_in_a_mail);
    tcase_add_loop_test(cases, hostile_names_stay_text, 0, HOSTILE);
    tcase_add_loop_test(cases, pictures_of_hostile_names, 0, 3);
    tcase_add_test(cases, a_failed_report_leaves_the_last_one);
    tcase_add_test(cases, a_file_is_no_folder);
    tcase_add_loop_test(cases, an_outline_that_is_none_says_where, 0,
                        (int)(sizeof bad_outlines / sizeof *bad_outlines));
    tcase_add_test(cases, sections_are_chosen_ordered_and_named);
    tcase_add_test(cases, a_template_of_ones_own_draws);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    TCase *empty = tcase_create("empty");
    tcase_add_checked_fixture(empty, in_a_new_folder, folder_away);
    tcase_add_test(empty, an_empty_month);
    tcase_set_timeout(empty, 60);
    suite_add_tcase(suite, empty);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

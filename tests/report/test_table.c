/* Tables and what makes them harmless. The talk's table and its CSV are held to golden files written after
 * semantics.md section 9 and design.md section 6; escaping to what the formats' own documents say. */
#define _GNU_SOURCE
#include "tests/report/papers.h"

#include "report/escape.h"
#include "report/json.h"
#include "report/replay_table.h"
#include "report/slices.h"
#include "report/utf8.h"
#include "tests/report/hand_tally.h"

/* ---- UTF-8 */

static const struct spelled_case {
    struct str text;
    const char *visible;
    size_t width;
} spelled_cases[] = {
    { STR_INIT("plain"), "plain", 5 },
    { STR_INIT("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f", 4 },
    { STR_INIT("\xe6\xbc\xa2\xe5\xad\x97"), "\xe6\xbc\xa2\xe5\xad\x97", 4 }, /* East Asian wide */
    { STR_INIT("e\xcc\x81"), "e\xcc\x81", 1 },                               /* combining acute */
    { STR_INIT("\xf0\x9f\x92\xa9"), "\xf0\x9f\x92\xa9", 2 },
    { STR_INIT("\033[1m"), "\\x1b[1m", 7 },
    { STR_INIT("a\tb\nc\rd"), "a\\x09b\\x0ac\\x0dd", 16 },
    { STR_INIT("\xc2\x9b"), "\\u009b", 6 },
    { STR_INIT("\xff"), "\\xff", 4 },
    { STR_INIT("\xc0\x80"), "\\xc0\\x80", 8 },                    /* overlong NUL */
    { STR_INIT("\xed\xa0\x80"), "\\xed\\xa0\\x80", 12 },          /* a surrogate */
    { STR_INIT("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80", 16 }, /* past U+10FFFF */
    { STR_INIT("\xe6\xbc"), "\\xe6\\xbc", 8 },                    /* cut off */
    // NOLINTNEXTLINE(misc-misleading-bidirectional): that is what it is about
    { STR_INIT("\xe2\x80\xae"), "\\u202e", 6 },
    { STR_INIT("\xf3\xa0\x81\x81"), "\\U000e0041", 10 }, /* a tag character */
    { STR_INIT("\xef\xbf\xbe"), "\\ufffe", 6 },
};

START_TEST(hidden_is_spelled_out)
{
    const struct spelled_case *c = &spelled_cases[_i];
    struct arena arena = { 0 };
    struct str visible = text_visible(&arena, c->text);
    ck_assert_str_eq(visible.at, c->visible);
    ck_assert_uint_eq(visible.len, strlen(c->visible));
    ck_assert_uint_eq(text_width(visible), c->width);
    arena_free(&arena);
}
END_TEST

START_TEST(texts_are_cut_by_columns)
{
    struct arena arena = { 0 };
    ck_assert_str_eq(text_fit(&arena, STR("abcdef"), 6).at, "abcdef");
    ck_assert_str_eq(text_fit(&arena, STR("abcdefg"), 6).at, "abcde…");
    /* The second character would take columns 3 and 4 of 3. */
    ck_assert_str_eq(text_fit(&arena, STR("漢字字"), 4).at, "漢…");
    ck_assert_str_eq(text_fit(&arena, STR("abc"), 0).at, "…");
    arena_free(&arena);
}
END_TEST

START_TEST(lines_break_at_blanks)
{
    struct str rest = STR("one two  three fourteencharacters x"), line;
    static const char *const lines[] = { "one two", "three", "fourteen", "characte", "rs x" };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        ck_assert(text_wrap(&rest, 8, &line));
        ck_assert_msg(str_eq(line, str_of(lines[i])), "%.*s is not %s", STR_ARG(line), lines[i]);
    }
    ck_assert(!text_wrap(&rest, 8, &line));
    rest = STR("漢"); /* wider than a line: it must come to an end */
    ck_assert(text_wrap(&rest, 1, &line));
    ck_assert(!text_wrap(&rest, 1, &line));
}
END_TEST

START_TEST(counts_are_grouped)
{
    char text[GROUPED_BYTES];
    text_grouped(0, text);
    ck_assert_str_eq(text, "0");
    text_grouped(999, text);
    ck_assert_str_eq(text, "999");
    text_grouped(1000, text);
    ck_assert_str_eq(text, "1,000");
    text_grouped(UINT64_MAX, text);
    ck_assert_str_eq(text, "18,446,744,073,709,551,615");
}
END_TEST

/* ---- escaping */

static const struct escape_case {
    void (*escape)(FILE *, struct str);
    struct str text;
    const char *out;
} escape_cases[] = {
    { escape_plain, STR_INIT("a\033b"), "a\\x1bb" },
    { escape_html, STR_INIT("<a b=\"c\" d='e'>&"), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;" },
    { escape_html, STR_INIT("\0"), "\\x00" },
    { escape_csv, STR_INIT("plain"), "plain" },
    { escape_csv, STR_INIT("a,b"), "\"a,b\"" },
    { escape_csv, STR_INIT("say \"x\""), "\"say \"\"x\"\"\"" },
    { escape_csv, STR_INIT("two\nlines"), "\"two\nlines\"" },
    { escape_csv, STR_INIT("=1+1"), "\"'=1+1\"" },
    { escape_csv, STR_INIT("+49 30"), "\"'+49 30\"" },
    { escape_csv, STR_INIT("-x"), "\"'-x\"" },
    { escape_csv, STR_INIT("@x"), "\"'@x\"" },
    { escape_csv, STR_INIT("\tx"), "\"'\tx\"" },
    { escape_csv, STR_INIT("\rx"), "\"'\rx\"" },
    { escape_csv, STR_INIT("x=1"), "x=1" },
    { escape_csv, STR_INIT("\033[m"), "\\x1b[m" },
    { escape_json, STR_INIT("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"" },
    { escape_json, STR_INIT("\n\t\r\b\033\x7f"), "\"\\n\\t\\r\\u0008\\u001b\\u007f\"" },
    { escape_json,
      STR_INIT("\xff"
               "x"),
      "\"\\ufffdx\"" },
    // NOLINTNEXTLINE(misc-misleading-bidirectional): that is what it is about
    { escape_json, STR_INIT("\xe2\x80\xae"), "\"\\u202e\"" },
    { escape_json, STR_INIT("\xf3\xa0\x81\x81"), "\"\\udb40\\udc41\"" }, /* U+E0041 */
    { escape_json, STR_INIT("\xf0\x9f\x92\xa9"), "\"\xf0\x9f\x92\xa9\"" },
    { escape_gnuplot, STR_INIT("it's `1` \"y\" \\n"), "\"it\\0047s \\01401\\0140 \\0042y\\0042 \\0134n\"" },
    { escape_gnuplot, STR_INIT("a\nb"), "\"a\\0134x0ab\"" },
    { escape_gnuplot, STR_INIT("gr\xc3\xbcn"), "\"gr\xc3\xbcn\"" },
    { escape_markdown, STR_INIT("a|b"), "a\\|b" },
    { escape_markdown, STR_INIT("*a* _b_ `c` <d> #1 ~e~ $f$ &g;"),
      "\\*a\\* \\_b\\_ \\`c\\` \\<d\\> \\#1 \\~e\\~ \\$f\\$ \\&g;" },
    { escape_markdown, STR_INIT("[3300, 3500]"), "[3300, 3500]" },
    { escape_markdown, STR_INIT("[a](b) [c][d]"), "[a\\](b) [c\\][d]" },
    { escape_markdown, STR_INIT("http://x a@b www.x"), "http\\://x a\\@b &#119;ww.x" },
    { escape_markdown, STR_INIT("a\nb"), "a\\\\x0ab" },
};

START_TEST(text_becomes_data)
{
    const struct escape_case *c = &escape_cases[_i];
    char *text = NULL;
    CAUGHT(to, text, c->escape(to, c->text));
    ck_assert_str_eq(text, c->out);
    free(text);
}
END_TEST

/* Reads one record of CSV back after RFC 4180 section 2: fields separated by commas, quotes doubled inside
 * quotes. */
static size_t read_csv(const char **at, char fields[][1024], size_t most)
{
    size_t n = 0;
    for (;;) {
        ck_assert_uint_lt(n, most);
        size_t len = 0;
        if (**at == '"') {
            for (++*at; **at && !(**at == '"' && (*at)[1] != '"'); ++*at) {
                if (**at == '"')
                    ++*at;
                fields[n][len++] = **at;
            }
            ck_assert_int_eq(**at, '"');
            ++*at;
        } else {
            while (**at && **at != ',' && **at != '\n')
                fields[n][len++] = *(*at)++;
        }
        fields[n++][len] = '\0';
        ck_assert_msg(**at == ',' || **at == '\n', "neither , nor end of line: %.20s", *at);
        if (*(*at)++ == '\n')
            return n;
    }
}

/* Whether a JSON text is one value after RFC 8259, with nothing behind it. */
static const char *json_value(const char *at);

static const char *json_blank(const char *at)
{
    return at + strspn(at, " \n\t\r");
}

static const char *json_string(const char *at)
{
    if (*at++ != '"')
        return NULL;
    for (; *at != '"'; at++) {
        if ((unsigned char)*at < 0x20)
            return NULL;
        if (*at != '\\')
            continue;
        at++;
        if (*at == 'u') {
            for (int i = 1; i <= 4; i++)
                if (!isxdigit((unsigned char)at[i]))
                    return NULL;
            at += 4;
        } else if (!*at || !strchr("\"\\/bfnrt", *at)) {
            return NULL;
        }
    }
    return at + 1;
}

static const char *json_value(const char *at)
{
    at = json_blank(at);
    if (*at == '"')
        return json_string(at);
    if (*at == '{' || *at == '[') {
        char end = *at == '{' ? '}' : ']';
        bool object = *at == '{';
        at = json_blank(at + 1);
        if (*at == end)
            return at + 1;
        for (;;) {
            if (object) {
                at = json_string(json_blank(at));
                if (!at || *(at = json_blank(at)) != ':')
                    return NULL;
                at++;
            }
            at = json_value(at);
            if (!at)
                return NULL;
            at = json_blank(at);
            if (*at == end)
                return at + 1;
            if (*at++ != ',')
                return NULL;
        }
    }
    size_t word = strspn(at, "truefalsn");
    if (word)
        return strncmp(at, "true", word) == 0 || strncmp(at, "false", word) == 0 ||
                       strncmp(at, "null", word) == 0
                   ? at + word
                   : NULL;
    size_t digits = strspn(at, "-0123456789.eE+");
    return digits ? at + digits : NULL;
}

static void ck_json(const char *text)
{
    const char *end = json_value(text);
    ck_assert_msg(end && *json_blank(end) == '\0', "no JSON: %s", text);
}

static struct tally hostile_tally(void)
{
    struct tally tally = hand_talk();
    tally.row_count = HOSTILE;
    tally.rows = arena_zero(&tally.arena, HOSTILE * sizeof *tally.rows);
    for (size_t i = 0; i < HOSTILE; i++)
        tally.rows[i] = (struct row){ .kind = ROW_MEASURE,
                                      .name = hostile[i],
                                      .title = hostile[i],
                                      .count = i,
                                      .high = i + 1,
                                      .warned = 1,
                                      .basis = BASIS_ESTIMATED };
    tally.notes = (struct str *)hostile;
    tally.note_count = HOSTILE;
    hand_sum(&tally);
    hand_slice(&tally, clock_days(2009, 3, 1) * USEC_DAY, USEC_DAY, 2);
    return tally;
}

/* Whatever stands in it, each form stays what it is: one line a row, nothing that a terminal obeys. */
START_TEST(hostile_text_stays_in_its_cell)
{
    struct tally tally = hostile_tally();
    for (size_t p = 0; p < HOSTILE; p++) {
        tally.policy = hostile[p];
        for (int format = 0; format < TABLE_FORMATS; format++) {
            char *text = NULL, *series = NULL;
            struct why why;
            CAUGHT(to, text,
                   ck_assert_int_eq(replay_table_print(&tally, (enum table_format)format, to, &why), 0));
            CAUGHT(to, series,
                   ck_assert_int_eq(series_table_print(&tally, (enum table_format)format, to, &why), 0));
            const char *also = format == TABLE_CSV ? "\n\r\t" : "\n";
            ck_assert_harmless(text, strlen(text), also);
            ck_assert_harmless(series, strlen(series), also);
            if (format == TABLE_JSON) {
                ck_json(text);
                ck_json(series);
            }
            free(text);
            free(series);
        }
    }
    tally_free(&tally);
}
END_TEST

START_TEST(csv_is_read_back)
{
    struct tally tally = hostile_tally();
    char *text = NULL;
    struct why why;
    CAUGHT(to, text, replay_table_print(&tally, TABLE_CSV, to, &why));
    const char *at = text;
    char fields[8][1024];
    ck_assert_uint_eq(read_csv(&at, fields, 8), 7);
    ck_assert_str_eq(fields[6], "basis");
    for (size_t i = 0; i < HOSTILE; i++) {
        ck_assert_uint_eq(read_csv(&at, fields, 8), 7);
        ck_assert_msg(!strchr("=+-@\t\r", fields[0][0]) || !fields[0][0], "a formula: %s", fields[0]);
        ck_assert_str_eq(fields[0], fields[1]);
        ck_assert_uint_eq(strtoul(fields[2], NULL, 10), i);
        ck_assert_str_eq(fields[6], "estimated");
    }
    ck_assert_str_eq(at, "");
    free(text);
    tally_free(&tally);
}
END_TEST

/* A Markdown table has the same number of bars that are not escaped in each line. */
START_TEST(markdown_rows_keep_their_cells)
{
    struct tally tally = hostile_tally();
    char *text = NULL;
    struct why why;
    CAUGHT(to, text, replay_table_print(&tally, TABLE_MARKDOWN, to, &why));
    size_t rows = 0;
    for (char *save = NULL, *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (line[0] != '|')
            continue;
        size_t bars = 0;
        for (const char *c = line; *c; c++) {
            if (*c == '\\' && c[1])
                c++;
            else
                bars += *c == '|';
        }
        ck_assert_msg(bars == 5, "%s", line);
        ck_assert_ptr_null(strstr(line, "http://"));
        const char *link = strstr(line, "](");
        ck_assert_msg(!link || link[-1] == '\\', "%s", line);
        rows++;
    }
    ck_assert_uint_eq(rows, HOSTILE + 3); /* titles, the line under them, together */
    free(text);
    tally_free(&tally);
}
END_TEST

/* ---- the generic table */

START_TEST(columns_line_up)
{
    static const struct column columns[] = {
        { .name = "name" },
        { .name = "n", .title = STR_INIT("count of a long title"), .number = true },
        { .name = "end", .most = 6 }
    };
    char *text = NULL;
    struct why why;
    CAUGHT(to, text, {
        struct table *table = table_open(to, TABLE_TEXT, columns, 3);
        table_cell(table, STR("漢字"));
        table_count(table, 7);
        table_cell(table, STR("abcdefgh"));
        table_rule(table);
        table_cell(table, STR("e\xcc\x81"));
        table_count(table, 12345);
        table_cell(table, STR(""));
        ck_assert_int_eq(table_close(table, &why), 0);
    });
    /* Wide characters take two columns, the combining one none; numbers are on the right under a title of two
     * lines; no blanks at the ends of lines. */
    ck_assert_str_eq(text, "        count of a\n"
                           "name    long title  end\n"
                           "--------------------------\n"
                           "漢字             7  abcde…\n"
                           "--------------------------\n"
                           "e\xcc\x81            12345\n");
    free(text);
}
END_TEST

START_TEST(a_full_disk_is_told)
{
    static const struct column columns[] = { { .name = "x" } };
    FILE *full = fopen("/dev/full", "w");
    ck_assert_ptr_nonnull(full);
    struct why why = { 0 };
    struct table *table = table_open(full, TABLE_CSV, columns, 1);
    table_cell(table, STR("y"));
    ck_assert_int_eq(table_close(table, &why), -1);
    ck_assert_int_eq(why.status, 74); /* EX_IOERR */
    ck_assert_str_eq(why.text, "cannot write: No space left on device");
    fclose(full);
}
END_TEST

START_TEST(formats_have_names)
{
    enum table_format format = TABLE_FORMATS;
    ck_assert(table_format_find(STR("markdown"), &format));
    ck_assert_int_eq(format, TABLE_MARKDOWN);
    ck_assert(table_format_find(STR("table"), &format));
    ck_assert_int_eq(format, TABLE_TEXT);
    ck_assert(!table_format_find(STR("xml"), &format));
}
END_TEST

/* ---- the talk's table */

static const char *const format_ending[TABLE_FORMATS] = { "txt", "md", "csv", "json" };

/* The talk's figures, exact. */
START_TEST(talk_as_it_was_told)
{
    struct tally tally = hand_talk();
    char *text = NULL, name[64];
    struct why why;
    CAUGHT(to, text, ck_assert_int_eq(replay_table_print(&tally, (enum table_format)_i, to, &why), 0));
    snprintf(name, sizeof name, "talk.%s", format_ending[_i]);
    ck_golden(name, text);
    free(text);
    tally_free(&tally);
}
END_TEST

/* Bounds, marks, rows beside the measures', what only warns, delays: all that can stand in and under a table.
 */
static struct tally uncertain(void)
{
    static const struct hand_row rows[] = {
        { ROW_MEASURE, "no-rdns", "No reverse DNS", 3000, 2900, 3100, BASIS_ESTIMATED },
        { ROW_MEASURE, "dnsbl", "Listed in chosen RBLs", 500, 500, 500, BASIS_EXACT },
        { ROW_MEASURE, "greylist", "Greylisted: didn't resend", 40, 0, 120, BASIS_GUESSED },
        { ROW_MEASURE, "helo", "HELO that cannot be", 0, 0, 0, BASIS_EXACT },
        { ROW_ACCEPTED, "accepted", "Accepted", 430, 380, 520, BASIS_ESTIMATED },
        { ROW_OTHER, "other", "Other refusals", 20, 20, 20, BASIS_EXACT },
        { ROW_ABANDONED, "abandoned", "Abandoned", 10, 10, 10, BASIS_EXACT },
        { ROW_NOTHING, "nothing-attempted", "Nothing attempted", 1000, 1000, 1000, BASIS_EXACT },
    };
    static struct str notes[] = { STR_INIT("What the server enforced is assumed.") };
    struct tally tally = hand_tally("site.yaml", rows, sizeof rows / sizeof *rows);
    tally.rows[1].at_least = true;
    tally.rows[3].warned = 77;
    tally.delayed = 31;
    tally.delay_minutes_median = 6.25;
    tally.delay_minutes_90 = 20;
    tally.delay_minutes_99 = 141.5;
    tally.seen_once = 3;
    tally.notes = notes;
    tally.note_count = 1;
    hand_slice(&tally, clock_days(2009, 3, 1) * USEC_DAY, USEC_DAY, 3);
    return tally;
}

START_TEST(uncertain_whole)
{
    struct tally tally = uncertain();
    char *text = NULL, name[64];
    struct why why;
    CAUGHT(to, text, ck_assert_int_eq(replay_table_print(&tally, (enum table_format)_i, to, &why), 0));
    snprintf(name, sizeof name, "uncertain.%s", format_ending[_i]);
    ck_golden(name, text);
    if (_i == TABLE_JSON)
        ck_json(text);
    free(text);
    tally_free(&tally);
}
END_TEST

START_TEST(uncertain_by_day)
{
    struct tally tally = uncertain();
    char *text = NULL, name[64];
    struct why why;
    CAUGHT(to, text, ck_assert_int_eq(series_table_print(&tally, (enum table_format)_i, to, &why), 0));
    snprintf(name, sizeof name, "uncertain-by-day.%s", format_ending[_i]);
    ck_golden(name, text);
    if (_i == TABLE_JSON)
        ck_json(text);
    free(text);
    tally_free(&tally);
}
END_TEST

/* `nothing attempted` is in no percentage but the session table's (semantics.md section 2). */
START_TEST(nothing_attempted_has_no_percent)
{
    struct tally tally = uncertain();
    const struct row *nothing = &tally.rows[7];
    char text[ROW_TEXT_BYTES];
    row_percent_text(&tally, nothing, text);
    ck_assert_str_eq(text, "");
    row_percent_text(&tally, &tally.rows[0], text);
    ck_assert_str_eq(text, "75.00"); /* 3000 of the 4000 that attempted something */
    tally.unit = UNIT_SESSION;
    hand_sum(&tally);
    row_percent_text(&tally, nothing, text);
    ck_assert_str_eq(text, "20.00"); /* 1000 of 5000 */
    tally_free(&tally);
}
END_TEST

START_TEST(an_empty_tally_prints)
{
    struct tally tally = { .policy = STR("recorded"), .from = USEC_NONE, .to = USEC_NONE };
    struct why why;
    for (int format = 0; format < TABLE_FORMATS; format++) {
        char *text = NULL;
        CAUGHT(to, text,
               ck_assert_int_eq(series_table_print(&tally, (enum table_format)format, to, &why), 0));
        ck_assert_ptr_nonnull(strstr(text, format == TABLE_CSV    ? "slice,measure"
                                           : format == TABLE_JSON ? "\"rows\": []"
                                                                  : "no time"));
        if (format == TABLE_JSON)
            ck_json(text);
        free(text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("table");
    TCase *cases = tcase_create("table");
    tcase_add_loop_test(cases, hidden_is_spelled_out, 0, (int)(sizeof spelled_cases / sizeof *spelled_cases));
    tcase_add_test(cases, texts_are_cut_by_columns);
    tcase_add_test(cases, lines_break_at_blanks);
    tcase_add_test(cases, counts_are_grouped);
    tcase_add_loop_test(cases, text_becomes_data, 0, (int)(sizeof escape_cases / sizeof *escape_cases));
    tcase_add_test(cases, hostile_text_stays_in_its_cell);
    tcase_add_test(cases, csv_is_read_back);
    tcase_add_test(cases, markdown_rows_keep_their_cells);
    tcase_add_test(cases, columns_line_up);
    tcase_add_test(cases, a_full_disk_is_told);
    tcase_add_test(cases, formats_have_names);
    tcase_add_loop_test(cases, talk_as_it_was_told, 0, TABLE_FORMATS);
    tcase_add_loop_test(cases, uncertain_whole, 0, TABLE_FORMATS);
    tcase_add_loop_test(cases, uncertain_by_day, 0, TABLE_FORMATS);
    tcase_add_test(cases, nothing_attempted_has_no_percent);
    tcase_add_test(cases, an_empty_tally_prints);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The screen of `mxreplay tune` without a terminal: figures made by hand, and what must be read of them at
 * every size. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "report/tune_screen.h"

static struct policy policy;
static struct tuning *tuning;
static struct arena arena;
static struct figures now, loaded;
static struct tune_shown shown;

static void set_row(struct row *row, enum row_kind kind, const char *name, uint64_t count, uint64_t low,
                    uint64_t high)
{
    *row = (struct row){ .kind = kind,
                         .name = str_of(name),
                         .title = str_of(name),
                         .count = count,
                         .low = low,
                         .high = high,
                         .basis = low == high ? BASIS_EXACT : BASIS_ESTIMATED };
}

/* Two measures and what is accepted: 12,345,678 deliveries of January. */
static void fill(struct figures *figures, uint64_t first, uint64_t second)
{
    const uint64_t units = 12345678;
    figures->tally = (struct tally){ .unit = UNIT_DELIVERY,
                                     .units = units,
                                     .base = units,
                                     .stopped = first + second,
                                     .stopped_low = first,
                                     .stopped_high = first + second + 1000,
                                     .from = 1767225600 * USEC_SECOND, /* 2026-01-01 */
                                     .to = 1769817600 * USEC_SECOND,   /* 2026-01-31 */
                                     .delayed = 50,
                                     .delay_minutes_median = 10.25,
                                     .delay_minutes_90 = 31 };
    figures->tally.rows = arena_zero(&arena, 3 * sizeof *figures->tally.rows);
    figures->tally.row_count = 3;
    set_row(&figures->tally.rows[0], ROW_MEASURE, "no-rdns", first, first, first);
    set_row(&figures->tally.rows[1], ROW_MEASURE, "greylist", second, 0, second + 1000);
    set_row(&figures->tally.rows[2], ROW_ACCEPTED, "Accepted", units - first - second,
            units - first - second - 1000, units - first);
    figures->rule = arena_zero(&arena, 2 * sizeof *figures->rule);
    figures->rule[0].wanted[HARM_TOLD] = (struct bounded){ 3, 2, 4 };
    figures->rule[1].presumed[HARM_LATE] = (struct bounded){ 70, 50, 90 };
    figures->all.wanted[HARM_TOLD] = (struct bounded){ 3, 2, 4 };
    figures->all.presumed[HARM_LATE] = (struct bounded){ 70, 50, 90 };
    figures->costs.look_ups = (struct cost){ 20000000, 20000000, 20000000 };
    figures->costs.messages = (struct cost){ 1234.4, 1000, 2000 };
    figures->costs.bytes = (struct cost){ 2.5e6, 2.5e6, 2.5e6 };
}

static void begin(void)
{
    struct why why = { 0 };
    const struct texts none = { 0 };
    ck_assert_msg(policy_read(&policy, "mine",
                              STR("policy: mine\nmeasures:\n"
                                  "  - no-rdns: { title: \"No \\u202e name\" }\n"
                                  "  - greylist: { delay: 10m, key: [client, sender], lifetime: 60d }\n"),
                              &why) == 0,
                  "%s", why.text);
    tuning = tuning_new(&policy, &none);
    now = loaded = (struct figures){ 0 };
    fill(&now, 4000000, 345678);
    fill(&loaded, 4000000, 340000);
    shown = (struct tune_shown){
        .tuning = tuning, .now = &now, .loaded = &loaded, .fresh = true, .name = STR("mine"), .place = 1
    };
}

static void end(void)
{
    tuning_free(tuning);
    policy_free(&policy);
    arena_free(&arena);
}

/* All rows of a screen, one below the other. */
static const char *draw(size_t rows, size_t columns, bool ascii)
{
    struct screen screen = screen_new(rows, columns, ascii);
    struct str text = STR("");
    tune_draw(&screen, &shown);
    for (size_t row = 0; row < rows; row++)
        text = arena_printf(&arena, "%.*s%.*s\n", STR_ARG(text), STR_ARG(screen_text(&screen, row, &arena)));
    screen_free(&screen);
    return text.at;
}

static void has(const char *screen, const char *text)
{
    ck_assert_msg(strstr(screen, text) != NULL, "not on the screen: %s\n%s", text, screen);
}

static void has_not(const char *screen, const char *text)
{
    ck_assert_msg(strstr(screen, text) == NULL, "on the screen: %s\n%s", text, screen);
}

/* 345,678 of 12,345,678 are 2.80 %, 4,345,678 are 35.20 %. */
START_TEST(test_wide)
{
    const char *screen = draw(30, 140, false);
    has(screen, " mxreplay tune  mine");
    has(screen, "12,345,678 deliveries, 2026-01-01 to 2026-01-31");
    has(screen, "> [x] greylist delay 10m, lifetime 60d, key client sender   ~345,678 ");
    has(screen, " [0, 346,678]  2.80 +5,678       0/0/0        0/70/0\n");
    has(screen, "  [x] no-rdns  on-error unknown ");
    has(screen, " 4,000,000                        32.40              3/0/0         0/0/0\n");
    has(screen, " ~4,345,678 [4,000,000, 4,346,678] 35.20 +5,678       3/0/0        0/70/0\n");
    has(screen, "      wanted mail: 3 [2, 4] told, 0 late, 0 lost\n");
    has(screen, "      presumed wanted: 0 told, 70 [50, 90] late, 0 lost\n");
    has(screen, "      50 surely late: half of them by 10.3 minutes, nine tenths by 31.0\n");
    has(screen, "      costs: 20,000,000 look-ups, 1,234 messages (2.5 MB)\n");
    has(screen, " greylist: Greylisted: didn't resend, at rcpt ");
    has(screen, " <delay 10m> retry-window 2d  lifetime 60d  key client on ");
}
END_TEST

/* Where there is less room, harm is summed and numbers are cut to three digits, and then columns go. */
START_TEST(test_narrow)
{
    const char *screen = draw(24, 80, false);
    has(screen, "hurt\n");
    has(screen, " ~4.35M [4.00M, 4.35M] 35.20 +5,678 3/70/0\n");
    screen = draw(15, 60, false);
    has(screen, "> [x] greylist delay");
    has(screen, " ~346k");
    has(screen, " 0/70/0\n");
    has(screen, "      stopped");
    has(screen, "q:quit\n");
    screen = draw(10, 40, false);
    has(screen, "> [x] greylist");
    has(screen, "~346k");
    has(draw(9, 80, false), "too small: 40x10 at least\n");
    has(draw(24, 39, false), "too small: 40x10 at least\n");
}
END_TEST

START_TEST(test_every_size)
{
    for (size_t rows = 1; rows < 40; rows += 3)
        for (size_t columns = 1; columns < 130; columns += 3)
            for (int page = TUNE_TABLE; page <= TUNE_COMPARE; page++) {
                shown.page = (enum tune_page)page;
                shown.scroll = 1000;
                tuning_switch(tuning, 0, NULL);
                const char *screen = draw(rows, columns, false);
                if (rows >= TUNE_ROWS_LEAST && columns >= TUNE_COLUMNS_LEAST)
                    has(screen, "q");
            }
}
END_TEST

START_TEST(test_states)
{
    shown.fresh = false;
    has(draw(24, 80, false), "computing\xe2\x80\xa6\n");
    shown.now = shown.loaded = NULL;
    const char *screen = draw(24, 80, false);
    has(screen, "> [x] greylist");
    has_not(screen, "stopped  ");
    shown.now = &now;
    shown.loaded = &loaded;
    shown.fresh = true;
    tuning_switch(tuning, 1, NULL);
    screen = draw(24, 100, false);
    has(screen, ", changed");
    has(screen, "> [ ] greylist");
    has(screen, " off ");
    has(screen, "-340,000"); /* all that it stopped */
    shown.question = STR("Write to:");
    shown.typed = STR("a-very-long-name-that-does-not-fit-into-the-line-0123456789.yaml");
    has(draw(24, 60, false), " Write to: ");
    has(draw(24, 60, false), "into-the-line-0123456789.yaml\n");
}
END_TEST

/* Nothing goes out that a terminal would obey, and in the C locale nothing but ASCII. */
START_TEST(test_what_strangers_wrote)
{
    shown.place = 0;
    has(draw(24, 80, false), "no-rdns: No \\u202e name, at connect");
    shown.message = STR("\x1b[31mred\xff");
    has(draw(24, 80, false), "\\x1b[31mred\\xff");
    const char *screen = draw(24, 80, true);
    for (const char *at = screen; *at; at++)
        ck_assert_msg((*at >= ' ' && *at < 0x7f) || *at == '\n', "%s", screen);
    has(screen, "-- no-rdns: ");
}
END_TEST

START_TEST(test_pages)
{
    shown.page = TUNE_HELP;
    has(draw(24, 80, false), " space              switches it on or off\n");
    shown.page = TUNE_COMPARE;
    has(draw(24, 80, false), " Nothing is changed.\n");
    struct knobs knobs = tuning_knobs(tuning, 1);
    ck_assert(tuning_turn(tuning, 1, &knobs.knob[0], 1, NULL) == 0);
    const char *screen = draw(30, 120, false);
    has(screen, "   greylist: delay 10m -> 15m\n");
    has(screen, "stopped");
    has(screen, "4,340,000 [4,000,000, 4,341,000]  4,345,678 [4,000,000, 4,346,678]  +5,678\n");
    has(screen, "Who moves is being worked out.");
    /* with less room first the bounds go, then what was before */
    has(draw(30, 80, false), "stopped                        4,340,000   4,345,678  +5,678\n");
    has(draw(30, 50, false), "stopped                  4,345,678  +5,678\n");
    shown.verdict = STR("mine stops more.");
    has(draw(30, 100, false), " mine stops more.\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tune_screen");
    TCase *cases = tcase_create("tune_screen");
    tcase_add_checked_fixture(cases, begin, end);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, test_wide);
    tcase_add_test(cases, test_narrow);
    tcase_add_test(cases, test_every_size);
    tcase_add_test(cases, test_states);
    tcase_add_test(cases, test_what_strangers_wrote);
    tcase_add_test(cases, test_pages);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

/* Command lines of a made-up command: what the settings hold afterwards, or what is said. */
#define _GNU_SOURCE
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/fail_if.h"
#include "cli/options.h"
#include "cli/say.h"
#include "report/table.h"

struct settings {
    struct common common;
    bool flag;
    const char *text;
    struct option_texts texts;
    int number, word;
    usec time, duration;
    uint64_t size;
};

static const char *const words[] = { "red", "green", "blue" };

#define AT(member) offsetof(struct settings, member)
static const struct option_row options[] = {
    { .letter = 'f', .name = "flag", .type = OPTION_FLAG, .at = AT(flag), .help = "a flag" },
    { .letter = 't',
      .name = "text",
      .type = OPTION_TEXT,
      .at = AT(text),
      .argument = "TEXT",
      .help = "a text" },
    { .name = "texts", .type = OPTION_TEXTS, .at = AT(texts), .argument = "TEXT", .help = "texts" },
    { .letter = 'n',
      .name = "number",
      .type = OPTION_NUMBER,
      .at = AT(number),
      .argument = "N",
      .help = "a number",
      .fallback = "7" },
    { .name = "time", .type = OPTION_TIME, .at = AT(time), .argument = "TIME", .help = "a time" },
    { .name = "size", .type = OPTION_SIZE, .at = AT(size), .argument = "S", .help = "a size" },
    { .name = "duration",
      .type = OPTION_DURATION,
      .at = AT(duration),
      .argument = "TIME",
      .help = "a duration",
      .fallback = "2d" },
    { .name = "colour",
      .type = OPTION_WORD,
      .at = AT(word),
      .argument = "COLOUR",
      .help = "a colour",
      .words = words,
      .word_count = 3,
      .fallback = "green" },
    { .name = NULL },
};

static const struct command any_number = {
    .name = "paint",
    .operands = "WALL…",
    .options = options,
    .takes = TAKES_DATABASE | TAKES_FORMAT,
    .settings_bytes = sizeof(struct settings),
    .least = 1,
    .missing = "which wall?",
};

static struct settings settings;
static char **operands;
static struct why why;

enum { ARGUMENTS_MAX = 24 };

/* Parses blank-separated words behind "paint"; the words last until the next call. */
static int parse(const struct command *command, const char *line)
{
    static char copy[400], *argv[ARGUMENTS_MAX + 1];
    int argc = 0;
    snprintf(copy, sizeof copy, "paint %s", line);
    for (char *word = strtok(copy, " "); word && argc < ARGUMENTS_MAX; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    memset(&settings, 0, sizeof settings);
    memset(&why, 0, sizeof why);
    return options_parse(command, argc, argv, &settings, &operands, &why);
}

static void done(void)
{
    options_free(&any_number, &settings);
    memset(&settings, 0, sizeof settings);
}

START_TEST(all_kinds_of_values)
{
    ck_assert_int_eq(parse(&any_number,
                           "-f -t hello --texts a --texts=b -n 12 --time 1970-01-02 --duration 1h30m --size 3M "
                           "--colour blue wall"),
                     0);
    ck_assert(settings.flag);
    ck_assert_str_eq(settings.text, "hello");
    ck_assert_uint_eq(settings.texts.count, 2);
    ck_assert_str_eq(settings.texts.text[0], "a");
    ck_assert_str_eq(settings.texts.text[1], "b");
    ck_assert_int_eq(settings.number, 12);
    ck_assert_int_eq(settings.time, USEC_DAY);
    ck_assert_int_eq(settings.duration, 90 * USEC_MINUTE);
    ck_assert_uint_eq(settings.size, 3 * 1024 * 1024);
    ck_assert_int_eq(settings.word, 2);
    ck_assert_str_eq(operands[0], "wall");
    ck_assert_ptr_null(operands[1]);
    done();
}
END_TEST

START_TEST(fallbacks_hold_where_nothing_is_given)
{
    ck_assert_int_eq(parse(&any_number, "wall"), 0);
    ck_assert(!settings.flag);
    ck_assert_ptr_null(settings.text);
    ck_assert_int_eq(settings.number, 7);
    ck_assert_int_eq(settings.time, USEC_NONE);
    ck_assert_int_eq(settings.duration, 2 * USEC_DAY);
    ck_assert_int_eq(settings.word, 1);
    ck_assert_int_eq(settings.common.format, TABLE_TEXT);
    ck_assert_int_eq(settings.common.from, USEC_NONE); /* though the command does not take it */
    ck_assert_ptr_null(settings.common.database);
}
END_TEST

START_TEST(options_and_operands_in_any_order)
{
    ck_assert_int_eq(parse(&any_number, "north -d x.db south --format csv - -- --east"), 0);
    ck_assert_str_eq(settings.common.database, "x.db");
    ck_assert_int_eq(settings.common.format, TABLE_CSV);
    ck_assert_str_eq(operands[0], "north");
    ck_assert_str_eq(operands[1], "south");
    ck_assert_str_eq(operands[2], "-");
    ck_assert_str_eq(operands[3], "--east");
    ck_assert_ptr_null(operands[4]);
}
END_TEST

START_TEST(short_forms)
{
    ck_assert_int_eq(parse(&any_number, "-fthello --col red --num=3 wall"), 0);
    ck_assert(settings.flag);
    ck_assert_str_eq(settings.text, "hello");
    ck_assert_int_eq(settings.word, 0);
    ck_assert_int_eq(settings.number, 3);
}
END_TEST

START_TEST(help_needs_no_operands)
{
    ck_assert_int_eq(parse(&any_number, "--help"), 0);
    ck_assert(settings.common.help);
}
END_TEST

static const struct bad {
    const char *line, *says;
} bad_lines[] = {
    { "wall --colr red", "paint has no option --colr; did you mean --colour?" },
    { "wall --zzz", "paint has no option --zzz; see mxreplay help paint" },
    { "wall -z", "paint has no option -z; see mxreplay help paint" },
    { "wall -fz", "paint has no option -z; see mxreplay help paint" },
    { "wall --te x", "--te is short for both --text and --texts" },
    { "wall --f x", "--f is short for both --flag and --format" },
    { "wall --flag=1", "--flag takes no value" },
    { "wall --number", "--number needs a value: --number=N" },
    { "wall -n", "--number needs a value: --number=N" },
    { "wall --number=many", "--number: \"many\" is not a whole number" },
    { "wall --number=-1", "--number: \"-1\" is not a whole number" },
    { "wall --number=99999999999", "--number: \"99999999999\" is not a whole number" },
    { "wall --text=", "--text: TEXT is empty" },
    { "wall --time today", "--time: \"today\" is not a time; write 2026-11-23 or 2026-11-23T09:07" },
    { "wall --time 2026-13-01",
      "--time: \"2026-13-01\" is not a time; write 2026-11-23 or 2026-11-23T09:07" },
    { "wall --size 5X", "--size: \"5X\" is not a size; write 500M, 2G or 1048576" },
    { "wall --size 99999999999T", "--size: \"99999999999T\" is not a size; write 500M, 2G or 1048576" },
    { "wall --duration 5minuts", "--duration: \"5minuts\" is not a duration; write 5m, 300s, 1h30m or 2d" },
    { "wall --colour puce", "--colour: \"puce\" is not known; write red, green or blue" },
    { "wall --format xml", "--format: \"xml\" is not known; write table, markdown, csv or json" },
    { "wall --policy x", "paint has no option --policy; see mxreplay help paint" },
    { "-f", "which wall?" },
};

START_TEST(bad_lines_say_what_to_do)
{
    ck_assert_int_eq(parse(&any_number, bad_lines[_i].line), -1);
    ck_assert_str_eq(why.text, bad_lines[_i].says);
    ck_assert_int_eq(why.status, EX_USAGE);
    done();
}
END_TEST

START_TEST(too_many_operands)
{
    struct command none = any_number, one = any_number;
    none.operands = NULL;
    none.least = 0;
    one.most = 1;
    ck_assert_int_eq(parse(&none, "wall"), -1);
    ck_assert_str_eq(why.text, "paint does not know what to do with \"wall\"; see mxreplay help paint");
    ck_assert_int_eq(parse(&one, "north south"), -1);
    ck_assert_str_eq(why.text, "paint does not know what to do with \"south\"; see mxreplay help paint");
    ck_assert_int_eq(parse(&none, ""), 0);
}
END_TEST

/* ---- --fail-if, on figures of the talk's table */

static const struct figure figures[] = {
    { STR_INIT("accepted"), 206 },
    { STR_INIT("accepted.high"), 210 },
    { STR_INIT("greylist"), 197 },
    { STR_INIT("units"), 10038 },
};

static int test(const char *text)
{
    const char *one[] = { text };
    struct option_texts tests = { .text = one, .count = 1 };
    memset(&why, 0, sizeof why);
    say_loudness(SAY_ERRORS);
    if (fail_if_check(&tests, &why) < 0)
        return -1;
    return fail_if_any(&tests, figures, sizeof figures / sizeof figures[0], 10038, &why);
}

static const struct verdict {
    const char *test;
    int holds;
} verdicts[] = {
    { "accepted>205", 1 },    { "accepted>206", 0 },        { "accepted>=206", 1 }, { "accepted<206", 0 },
    { "accepted<=206", 1 },   { "accepted=206", 1 },        { "accepted==206", 1 }, { "accepted!=206", 0 },
    { "accepted != 1", 1 },   { "accepted.high > 206", 1 }, { "units<10038", 0 },   { "accepted>2%", 1 },
    { "accepted>2.06%", 0 },  /* 206 of 10038 is 2.052 % */
    { "greylist>=1.97%", 0 }, /* 1.9625 % */
};

START_TEST(tests_hold_or_not)
{
    ck_assert_msg(test(verdicts[_i].test) == verdicts[_i].holds, "%s", verdicts[_i].test);
}
END_TEST

static const struct bad bad_tests[] = {
    { "accepted", "--fail-if: \"accepted\" is not a test; write 'accepted>1000' or 'greylist>=2.5%'" },
    { ">5", "--fail-if: \">5\" is not a test; write 'accepted>1000' or 'greylist>=2.5%'" },
    { "accepted>", "--fail-if: \"accepted>\" is not a test; write 'accepted>1000' or 'greylist>=2.5%'" },
    { "accepted>5x", "--fail-if: \"accepted>5x\" is not a test; write 'accepted>1000' or 'greylist>=2.5%'" },
    { "accepted>1.2.3",
      "--fail-if: \"accepted>1.2.3\" is not a test; write 'accepted>1000' or 'greylist>=2.5%'" },
    { "acepted>5", "--fail-if: there is no figure \"acepted\"; did you mean accepted?" },
    { "mail>5", "--fail-if: there is no figure \"mail\"; there are accepted, greylist, units" },
};

START_TEST(bad_tests_say_what_to_do)
{
    ck_assert_int_eq(test(bad_tests[_i].line), -1);
    ck_assert_str_eq(why.text, bad_tests[_i].says);
    ck_assert_int_eq(why.status, EX_USAGE);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *parsing = tcase_create("parsing"), *failing = tcase_create("fail-if");
    tcase_add_test(parsing, all_kinds_of_values);
    tcase_add_test(parsing, fallbacks_hold_where_nothing_is_given);
    tcase_add_test(parsing, options_and_operands_in_any_order);
    tcase_add_test(parsing, short_forms);
    tcase_add_test(parsing, help_needs_no_operands);
    tcase_add_loop_test(parsing, bad_lines_say_what_to_do, 0, ROWS(bad_lines));
    tcase_add_test(parsing, too_many_operands);
    tcase_add_loop_test(failing, tests_hold_or_not, 0, ROWS(verdicts));
    tcase_add_loop_test(failing, bad_tests_say_what_to_do, 0, ROWS(bad_tests));
    suite_add_tcase(suite, parsing);
    suite_add_tcase(suite, failing);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

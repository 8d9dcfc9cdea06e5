/* Formulas: values worked out by hand, and what is said of mistakes. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "analyze/formula.h"

static const char *const names[] = { "stopped", "stopped.low", "wanted_lost", "delay" };
static const double values[] = { 412, 398, 3, 0 };

static const struct {
    const char *text;
    double value;
} right[] = {
    { "stopped", 412 },
    { "  1 + 2 * 3 ", 7 },
    { "(1 + 2) * 3", 9 },
    { "10 - 4 - 3", 3 },
    { "24 / 4 / 3", 2 },
    { "-2 * -3", 6 },
    { "--+1", 1 },
    { "stopped - 50*wanted_lost", 262 },
    { "stopped.low - 0.25", 397.75 },
    { ".5 + 1.", 1.5 },
    { "-(stopped - stopped.low) / 2", -7 },
    { "((((((1))))))", 1 },
};

static const struct {
    const char *text, *said;
} wrong[] = {
    { "", "at character 1: a column, a number or ( is wanted here" },
    { "stopped +", "at character 10: a column, a number or ( is wanted here" },
    { "(stopped", "at character 9: a parenthesis is not closed; write )" },
    { "stopped)", "at character 8: + - * or / is wanted here" },
    { "stopped 5", "at character 9: + - * or / is wanted here" },
    { "stoped", "at character 1: there is no column stoped; did you mean stopped?" },
    { "1 + ?", "at character 5: a column, a number or ( is wanted here" },
    { ".", "at character 2: a number is wanted here" },
    { "1.5e", "at character 4: + - * or / is wanted here" },
};

START_TEST(values_by_hand)
{
    struct formula formula;
    struct why why = { 0 };
    ck_assert_msg(formula_read(&formula, str_of(right[_i].text), names, 4, &why) == 0, "%s", why.text);
    ck_assert_double_eq_tol(formula_value(&formula, values), right[_i].value, 1e-12);
    formula_free(&formula);
}
END_TEST

START_TEST(mistakes_have_place_and_cure)
{
    struct formula formula;
    struct why why = { 0 };
    ck_assert_int_eq(formula_read(&formula, str_of(wrong[_i].text), names, 4, &why), -1);
    ck_assert_msg(str_find(str_of(why.text), str_of(wrong[_i].said)) != NULL, "%s: %s", wrong[_i].text,
                  why.text);
}
END_TEST

/* What divides by nothing is no finite number. */
START_TEST(division_by_nothing)
{
    struct formula formula;
    struct why why = { 0 };
    ck_assert_int_eq(formula_read(&formula, STR("stopped / delay"), names, 4, &why), 0);
    ck_assert(!isfinite(formula_value(&formula, values)));
    formula_free(&formula);
}
END_TEST

/* A thousand parentheses are a mistake and no crash. */
START_TEST(nested_too_deeply)
{
    char text[1001] = { 0 };
    struct formula formula;
    struct why why = { 0 };
    memset(text, '(', 1000);
    ck_assert_int_eq(formula_read(&formula, str_of(text), names, 4, &why), -1);
    ck_assert(str_find(str_of(why.text), STR("nested too deeply")) != NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("formula");
    TCase *cases = tcase_create("formula");
    tcase_add_loop_test(cases, values_by_hand, 0, (int)(sizeof right / sizeof *right));
    tcase_add_loop_test(cases, mistakes_have_place_and_cure, 0, (int)(sizeof wrong / sizeof *wrong));
    tcase_add_test(cases, division_by_nothing);
    tcase_add_test(cases, nested_too_deeply);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

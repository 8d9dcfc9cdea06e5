/* What is said twice: by two inputs, or by one that says everything twice. */
#include <check.h>
#include <stdlib.h>
#include "base/str.h"
#include "collect/twice.h"

static uint64_t said(const char *text)
{
    return str_hash(str_of(text));
}

START_TEST(two_inputs_that_say_the_same)
{
    struct twice twice = { 0 };
    /* mainlog (1) says a once and b three times; rejectlog (2) the same, and c, and b a fourth time */
    ck_assert(!twice_in_inputs(&twice, said("a"), 1));
    for (int i = 0; i < 3; i++)
        ck_assert(!twice_in_inputs(&twice, said("b"), 1));
    ck_assert(twice_in_inputs(&twice, said("a"), 2));
    for (int i = 0; i < 3; i++)
        ck_assert(twice_in_inputs(&twice, said("b"), 2));
    ck_assert(!twice_in_inputs(&twice, said("b"), 2));
    ck_assert(!twice_in_inputs(&twice, said("c"), 2));
    twice_free(&twice);
}
END_TEST

START_TEST(two_inputs_in_turns)
{
    struct twice twice = { 0 };
    for (int i = 0; i < 50; i++) {
        ck_assert(!twice_in_inputs(&twice, said("a"), 7));
        ck_assert(twice_in_inputs(&twice, said("a"), 8));
    }
    twice_free(&twice);
}
END_TEST

START_TEST(one_input_that_says_all_twice)
{
    struct twice twice = { 0 };
    for (int i = 0; i < 20; i++) {
        ck_assert(!twice_in_turn(&twice, said("a")));
        ck_assert(!twice_in_turn(&twice, said("b")));
        ck_assert(twice_in_turn(&twice, said("a")));
        ck_assert(twice_in_turn(&twice, said("b")));
    }
    twice_free(&twice);
}
END_TEST

/* A day's rejections of a busy server are remembered: 100,000, of which hardly one has lost its place. */
START_TEST(many)
{
    struct twice twice = { 0 };
    unsigned again = 0;
    enum { MANY = 100000 };
    for (uint64_t i = 0; i < MANY; i++)
        ck_assert(!twice_in_inputs(&twice, bytes_hash(&i, sizeof i, 1), 1));
    for (uint64_t i = 0; i < MANY; i++)
        again += twice_in_inputs(&twice, bytes_hash(&i, sizeof i, 1), 2);
    ck_assert_uint_gt(again, MANY - 50);
    twice_free(&twice);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("twice");
    TCase *tcase = tcase_create("twice");
    tcase_add_test(tcase, two_inputs_that_say_the_same);
    tcase_add_test(tcase, two_inputs_in_turns);
    tcase_add_test(tcase, one_input_that_says_all_twice);
    tcase_add_test(tcase, many);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

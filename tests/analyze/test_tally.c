/* Percentages are rounded half away from zero from the exact ratio, whatever the size of the counts. */
#include <check.h>
#include <stdlib.h>

#include "analyze/tally.h"

static const struct percent_case {
    uint64_t count, of;
    const char *text;
} percent_cases[] = {
  /* the talk's table */
    {3424,                           10038,      "34.11" },
    { 6210,                          10038,      "61.86" }, /* 61.8649: the double 61.865 would go up */
    { 1,                             10038,      "0.01"  },
    { 197,                           10038,      "1.96"  },
    { 206,                           10038,      "2.05"  },
    { 10038,                         10038,      "100.00"},
    { 0,                             10038,      "0.00"  },
 /* worked out by hand */
    { 1,                             8,          "12.50" },
    { 1,                             3,          "33.33" },
    { 2,                             3,          "66.67" },
    { 1,                             16,         "6.25"  },
    { 1,                             32,         "3.13"  }, /* 3.125 exactly: away from zero */
    { 3,                             32,         "9.38"  }, /* 9.375 exactly: away from zero */
    { 5,                             1000,       "0.50"  },
    { 201,                           20000,      "1.01"  }, /* 1.005 exactly; the double nearest to it lies below */
    { 1,                             20000,      "0.01"  }, /* 0.005 exactly */
    { 1,                             20001,      "0.00"  }, /* 0.004999 */
    { 2,                             20000,      "0.01"  },
    { 19999,                         20000,      "100.00"}, /* 99.995 exactly */
    { 199989,                        200000,     "99.99" }, /* 99.9945 */
    { 0,                             0,          "0.00"  },
    { 7,                             0,          "0.00"  },
 /* counts whose products do not fit into 64 bits: half, and a third of it */
    { UINT64_C(9223372036854775808), UINT64_MAX, "50.00" },
    { UINT64_MAX / 3,                UINT64_MAX, "33.33" },
    { UINT64_MAX,                    UINT64_MAX, "100.00"},
};

START_TEST(percent_is_exact)
{
    const struct percent_case *c = &percent_cases[_i];
    char text[16];
    percent_format(c->count, c->of, text);
    ck_assert_str_eq(text, c->text);
}
END_TEST

/* More of something than there is must not run over the end of the text. */
START_TEST(percent_of_too_much_stays_inside)
{
    char text[16];
    percent_format(UINT64_MAX, 1, text);
    ck_assert_str_eq(text, "999999999999.99");
}
END_TEST

START_TEST(words_are_the_manual_s)
{
    static const char *const names[UNITS] = { "delivery", "session", "recipient", "message" };
    static const char *const plurals[UNITS] = { "deliveries", "sessions", "recipients", "messages" };
    for (int i = 0; i < UNITS; i++) {
        ck_assert_str_eq(unit_name[i], names[i]);
        ck_assert_str_eq(unit_plural[i], plurals[i]);
    }
    ck_assert_str_eq(basis_name[BASIS_EXACT], "exact");
    ck_assert_str_eq(basis_name[BASIS_ESTIMATED], "estimated");
    ck_assert_str_eq(basis_name[BASIS_GUESSED], "guessed");
}
END_TEST

/* A freed tally is an empty one and may be freed again. */
START_TEST(free_leaves_an_empty_tally)
{
    struct tally tally = { .units = 3, .row_count = 1 };
    tally.rows = arena_zero(&tally.arena, sizeof *tally.rows);
    tally.rows[0].name = arena_str(&tally.arena, STR("accepted"));
    tally_free(&tally);
    ck_assert_uint_eq(tally.row_count, 0);
    ck_assert_ptr_null(tally.rows);
    tally_free(&tally);
    ck_assert_uint_eq(tally.arena.bytes, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tally");
    TCase *cases = tcase_create("tally");
    tcase_add_loop_test(cases, percent_is_exact, 0, (int)(sizeof percent_cases / sizeof *percent_cases));
    tcase_add_test(cases, percent_of_too_much_stays_inside);
    tcase_add_test(cases, words_are_the_manual_s);
    tcase_add_test(cases, free_leaves_an_empty_tally);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

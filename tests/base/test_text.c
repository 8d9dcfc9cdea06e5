/* Views, names, arenas and sets of bits. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/str.h"
#include "base/tri.h"
#include "base/why.h"

/* A cursor either takes something or stays where it was. */
START_TEST(cursors_take_or_stay)
{
    struct str rest = STR("reject: 450 text"), before;
    uint64_t number = 7;
    ck_assert(!cut_prefix(&rest, STR("rejected")) && !cut_char(&rest, ':') && !cut_number(&rest, &number));
    ck_assert(!cut_until(&rest, STR("; "), &before) && str_eq(rest, STR("reject: 450 text")));
    ck_assert(cut_until(&rest, STR(": "), &before) && str_eq(before, STR("reject")));
    ck_assert(cut_number(&rest, &number) && number == 450);
    ck_assert(cut_char(&rest, ' ') && cut_until_char(&rest, 'x', &before) && str_eq(before, STR("te")));
    ck_assert(str_eq(rest, STR("t")) && !cut_until_char(&rest, 'x', &before));
    rest = (struct str){ NULL, 0 };
    ck_assert(!cut_char(&rest, 'a') && !cut_until_char(&rest, 'a', &before) && !cut_number(&rest, &number));
}
END_TEST

START_TEST(numbers_have_at_most_19_digits)
{
    uint64_t number = 0;
    ck_assert(str_number(STR("9999999999999999999"), &number) && number == 9999999999999999999u);
    ck_assert(!str_number(STR("10000000000000000000"), &number));
    ck_assert(!str_number(STR("12a"), &number) && !str_number(STR(""), &number) &&
              !str_number(STR("-1"), &number));
}
END_TEST

/* str_find against a search byte by byte, for every short text of two letters. */
START_TEST(finding_agrees_with_looking_at_each_byte)
{
    for (unsigned bits = 0; bits < 1 << 12; bits++) {
        char text[12];
        for (unsigned i = 0; i < 12; i++)
            text[i] = bits >> i & 1 ? 'a' : 'b';
        for (size_t len = 1; len <= 4; len++) {
            struct str in = { text + 4, 8 }, what = { text, len };
            const char *expected = NULL;
            for (size_t i = 0; i + len <= in.len && !expected; i++)
                expected = memcmp(in.at + i, what.at, len) == 0 ? in.at + i : NULL;
            ck_assert_ptr_eq(str_find(in, what), expected);
        }
    }
}
END_TEST

START_TEST(names_are_numbered_in_order_of_appearance)
{
    struct names names = { 0 };
    char text[32];
    ck_assert_uint_eq(names_find(&names, STR("0")), NAME_NONE);
    for (unsigned i = 0; i < 20000; i++)
        ck_assert_uint_eq(
            names_add(&names, (struct str){ text, (size_t)snprintf(text, sizeof text, "%u", i) }), i);
    for (unsigned i = 0; i < 20000; i++) {
        struct str name = { text, (size_t)snprintf(text, sizeof text, "%u", i) };
        ck_assert_uint_eq(names_find(&names, name), i);
        ck_assert_uint_eq(names_add(&names, name), i);
        ck_assert(str_eq(names_text(&names, i), name));
    }
    ck_assert_uint_eq(names_add(&names, STR("")), 20000);
    ck_assert_uint_eq(names_find(&names, STR("x")), NAME_NONE);
    names_free(&names);
}
END_TEST

START_TEST(arenas_keep_what_they_gave)
{
    struct arena arena = { 0 };
    for (int round = 0; round < 3; round++) {
        struct str kept[200];
        for (size_t i = 0; i < 200; i++) {
            kept[i] = arena_printf(&arena, "%0*zu", (int)(i * 37 % 5000) + 1, i);
            ck_assert_uint_eq((uintptr_t)arena_alloc(&arena, 1) % _Alignof(max_align_t), 0);
        }
        for (size_t i = 0; i < 200; i++) {
            uint64_t number = 0;
            ck_assert(str_number(str_skip(kept[i], kept[i].len > 19 ? kept[i].len - 19 : 0), &number) &&
                      number == i);
        }
        arena_reset(&arena);
    }
    arena_free(&arena);
    ck_assert_uint_eq(arena.bytes, 0);
}
END_TEST

START_TEST(bits_are_counted_and_end_in_zeros)
{
    struct bits bits = bits_new(130);
    bits_fill(&bits, true);
    ck_assert_uint_eq(bits_count(&bits), 130);
    bits_clear(&bits, 129);
    bits_put(&bits, 64, false);
    ck_assert(bits_count(&bits) == 128 && !bits_get(&bits, 129) && !bits_get(&bits, 64) &&
              bits_get(&bits, 63));
    bits_free(&bits);
}
END_TEST

/* Kleene's tables. */
START_TEST(three_values)
{
    static const enum tri all[] = { NO, UNKNOWN, YES };
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++) {
            ck_assert_int_eq(tri_and(all[a], all[b]), all[a < b ? a : b]);
            ck_assert_int_eq(tri_or(all[a], all[b]), all[a > b ? a : b]);
        }
    ck_assert(tri_not(YES) == NO && tri_not(NO) == YES && tri_not(UNKNOWN) == UNKNOWN);
}
END_TEST

START_TEST(reasons_show_control_characters)
{
    struct why why = { 0 };
    ck_assert_int_eq(why_set(&why, 65, "helo \"%s\" is odd", "a\033[2Jb\n"), -1);
    ck_assert_str_eq(why.text, "helo \"a\\x1b[2Jb\\x0a\" is odd");
    why_prefix(&why, "mail.log: ");
    ck_assert_str_eq(why.text, "mail.log: helo \"a\\x1b[2Jb\\x0a\" is odd");
    ck_assert_int_eq(why.status, 65);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text");
    TCase *tcase = tcase_create("text");
    tcase_add_test(tcase, cursors_take_or_stay);
    tcase_add_test(tcase, numbers_have_at_most_19_digits);
    tcase_add_test(tcase, finding_agrees_with_looking_at_each_byte);
    tcase_add_test(tcase, names_are_numbered_in_order_of_appearance);
    tcase_add_test(tcase, arenas_keep_what_they_gave);
    tcase_add_test(tcase, bits_are_counted_and_end_in_zeros);
    tcase_add_test(tcase, three_values);
    tcase_add_test(tcase, reasons_show_control_characters);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

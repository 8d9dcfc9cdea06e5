/* Lines that were not understood, by shape. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "collect/shape.h"

START_TEST(folding)
{
    static const struct {
        const char *text, *shape;
    } cases[] = {
        { "", "" },
        { "connect from unknown[203.0.113.7]", "connect from unknown[*]" },
        { "connect from mail.example.org[203.0.113.7]:4711", "connect from *[*]*" },
        { "4BxYz1234z: to=<a@b.test>, relay=none, delay=0.5, status=bounced (host not found)",
          "*: to=<*>, relay=* delay=* status=* (host not found)" },
        { "warning: dict_nis_init: NIS domain name not set - NIS lookups disabled",
          "warning: dict_nis_init: NIS domain name not set - NIS lookups disabled" },
        { "servers 192.0.2.1 192.0.2.2, a.test, b.test down", "servers * down" },
        { "message \"anything 12 at all\" seen", "message \"*\" seen" },
        { "empty <> and \"\" and []", "empty <> and \"\" and []" },
        { "unclosed <a b", "unclosed <a b" },
        { "helo=<x y z> proto=SMTP", "helo=<*> proto=*" },
        { "the end.", "the end." },
        { "caf\xC3\xA9 closed", "* closed" },
        { "=odd a=", "=* a=" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char shape[SHAPE_BYTES];
        size_t len = shape_fold(str_of(cases[i].text), shape);
        ck_assert_msg(str_eq((struct str){ shape, len }, str_of(cases[i].shape)), "%s: %.*s", cases[i].text,
                      (int)len, shape);
    }
}
END_TEST

START_TEST(folding_is_bounded)
{
    char text[4000], shape[SHAPE_BYTES];
    static const char bytes[] = "a<[\"=.@ 1,:\xFF\0";
    unsigned seed = 7;
    for (int round = 0; round < 2000; round++) {
        size_t len = (size_t)round * 2;
        for (size_t i = 0; i < len; i++) {
            seed = seed * 1103515245u + 12345u;
            text[i] = bytes[(seed >> 16) % (sizeof bytes - 1)];
        }
        ck_assert_uint_le(shape_fold((struct str){ text, len }, shape), SHAPE_BYTES);
    }
}
END_TEST

/* A catalogue that adds up what it is handed. */
struct handed {
    uint64_t all, shapes, other;
    struct skipped last;
    bool fails;
};

static int take(void *state, const struct skipped *skipped, struct why *why)
{
    struct handed *handed = state;
    if (handed->fails)
        return why_set(why, EX_IOERR, "full");
    ck_assert_int_eq(skipped->input, 7);
    handed->all += skipped->count;
    handed->shapes++;
    if (str_eq(skipped->shape, STR("(all other shapes)")))
        handed->other += skipped->count;
    handed->last = *skipped;
    return 0;
}

START_TEST(counting)
{
    struct shapes shapes = { 0 };
    struct handed handed = { 0 };
    struct catalogue catalogue = { .state = &handed, .skipped = take };
    struct str program = STR("postfix/smtpd");
    for (unsigned i = 0; i < 10; i++) {
        char text[40];
        int len = snprintf(text, sizeof text, "something %u odd", i);
        shapes_add(&shapes, "unknown text", program, (struct str){ text, (size_t)len },
                   (struct str){ text, (size_t)len }, 100 + i, 5000 + i);
    }
    ck_assert_int_eq(shapes_hand_over(&shapes, 7, &catalogue, NULL), 0);
    ck_assert_uint_eq(handed.shapes, 1);
    ck_assert_uint_eq(handed.last.count, 10);
    ck_assert_uint_eq(handed.last.first_line, 100);
    ck_assert_uint_eq(handed.last.first_offset, 5000);
    ck_assert(str_eq(handed.last.first_text, STR("something 0 odd")));
    ck_assert(str_eq(handed.last.shape, STR("postfix/smtpd: something * odd")));
    /* nothing new: nothing is handed over */
    ck_assert_int_eq(shapes_hand_over(&shapes, 7, &catalogue, NULL), 0);
    ck_assert_uint_eq(handed.all, 10);
    /* the same text for another reason is another row */
    shapes_add(&shapes, "too long", program, STR("something 1 odd"), STR("x"), 1, 1);
    shapes_add(&shapes, "unknown text", program, STR("something 1 odd"), STR("x"), 1, 1);
    ck_assert_int_eq(shapes_hand_over(&shapes, 7, &catalogue, NULL), 0);
    ck_assert_uint_eq(handed.all, 12);
    ck_assert_uint_eq(handed.shapes, 3);
    struct handed failing = { .fails = true };
    catalogue.state = &failing;
    shapes_add(&shapes, "too long", program, STR("x"), STR("x"), 1, 1);
    ck_assert_int_eq(shapes_hand_over(&shapes, 7, &catalogue, NULL), -1);
    shapes_free(&shapes);
}
END_TEST

/* As many shapes as a spammer likes: all are counted, few are kept. */
START_TEST(bounded)
{
    enum { LINES = 20000 };
    struct shapes shapes = { 0 };
    struct handed handed = { 0 };
    struct catalogue catalogue = { .state = &handed, .skipped = take };
    static char long_text[100000];
    memset(long_text, 'y', sizeof long_text);
    for (unsigned i = 0; i < LINES; i++) {
        char text[40] = "word ";
        for (unsigned n = i, at = 5; n; n /= 26)
            text[at++] = (char)('a' + n % 26);
        shapes_add(&shapes, i % 2 ? "unknown text" : "no time stamp", STR(""), str_of(text),
                   (struct str){ long_text, sizeof long_text }, i, i);
    }
    ck_assert_uint_lt(shapes.arena.bytes, 1024 * 1024);
    ck_assert_int_eq(shapes_hand_over(&shapes, 7, &catalogue, NULL), 0);
    ck_assert_uint_eq(handed.all, LINES);
    ck_assert_uint_eq(handed.shapes, SHAPES_MOST + 2);
    ck_assert_uint_eq(handed.other, LINES - SHAPES_MOST);
    ck_assert_uint_eq(handed.last.first_text.len, SHAPE_FIRST_BYTES);
    shapes_free(&shapes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shape");
    TCase *t = tcase_create("shape");
    tcase_add_test(t, folding);
    tcase_add_test(t, folding_is_bounded);
    tcase_add_test(t, counting);
    tcase_add_test(t, bounded);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

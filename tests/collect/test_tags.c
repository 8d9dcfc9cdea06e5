/* Tags that say another program than the one that logged. */
#include <check.h>
#include <stdlib.h>
#include <sysexits.h>

#include "collect/tags.h"

static struct arena arena;

static struct tags tags_of(const char *text)
{
    struct tags tags;
    struct why why = { 0 };
    ck_assert_msg(tags_parse(&tags, str_of(text), &arena, &why) == 0, "%s", why.text);
    return tags;
}

static const struct row {
    const char *rules, *program;
    const char *dialect, *as; /* NULL: as its tag says */
} rows[] = {
    /* a tag, and what is behind a / */
    { "mx-exim=exim", "mx-exim", "exim", "exim" },
    { "mx-exim=exim", "mx-exim4", NULL, NULL },
    { "mx-exim=exim", "", NULL, NULL },
    { "mx-exim=exim", "postfix/smtpd", NULL, NULL },
    { "spool=postfix", "spool/smtpd", "postfix", "postfix/smtpd" },
    { "spool=postfix", "spool/submission/smtpd", "postfix", "postfix/submission/smtpd" },
    { "smtp-in=postfix/smtpd", "smtp-in", "postfix", "postfix/smtpd" },
    { "postfix=exim", "postfix/smtpd", "exim", "exim" },
    { "greyd=postgrey", "greyd", "postgrey", "postgrey" },
    /* all lines */
    { "exim", "", "exim", "exim" },
    { "exim", "kernel", "exim", "exim" },
    { "exim", "postfix/smtpd", "exim", "exim" },
    { "postfix", "smtpd", "postfix", "postfix/smtpd" },
    { "postfix", "mail/mx/smtpd", "postfix", "postfix/smtpd" },
    /* the first that fits */
    { "a=exim b=postgrey sendmail", "b", "postgrey", "postgrey" },
    { "a=exim b=postgrey sendmail", "c", "sendmail", "sendmail" },
    { "  a=exim   a=postgrey ", "a", "exim", "exim" },
    { "", "postfix/smtpd", NULL, NULL },
};
enum { ROWS = sizeof rows / sizeof *rows };

START_TEST(each_rule)
{
    const struct row *row = &rows[_i];
    char room[TAG_BYTES];
    struct line line = { .program = str_of(row->program) };
    struct tags tags = tags_of(row->rules);
    const struct dialect *dialect = tags_dialect(&tags, &line, room);
    ck_assert_pstr_eq(dialect ? dialect->name : NULL, row->dialect);
    ck_assert_msg(str_eq(line.program, str_of(row->as ? row->as : row->program)), "%s: %s became %.*s",
                  row->rules, row->program, STR_ARG(line.program));
    arena_free(&arena);
}
END_TEST

START_TEST(each_dialect_has_a_name)
{
    for (size_t i = 0; dialects[i]; i++) {
        char room[TAG_BYTES];
        struct line line = { .program = STR("whatever") };
        struct tags tags = tags_of(dialects[i]->name);
        ck_assert_ptr_eq(tags_dialect(&tags, &line, room), dialects[i]);
    }
    arena_free(&arena);
}
END_TEST

START_TEST(long_tags)
{
    char room[TAG_BYTES], tag[300] = "spool/";
    struct tags tags = tags_of("spool=postfix");
    for (size_t len = 6; len < sizeof tag - 1; len++) {
        tag[len] = 'x';
        struct line line = { .program = { tag, len + 1 } };
        ck_assert_ptr_nonnull(tags_dialect(&tags, &line, room));
        ck_assert(line.program.len <= TAG_BYTES);
    }
    arena_free(&arena);
}
END_TEST

START_TEST(mistakes)
{
    static const char *const wrong[] = { "nonesuch", "a=nonesuch", "=exim", "exim =postfix", "a=" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct tags tags;
        struct why why = { 0 };
        ck_assert_msg(tags_parse(&tags, str_of(wrong[i]), &arena, &why) == -1, "%s", wrong[i]);
        ck_assert_int_eq(why.status, EX_USAGE);
    }
    struct tags tags;
    struct why why = { 0 };
    tags_parse(&tags, STR("a=nonesuch"), &arena, &why);
    ck_assert_ptr_nonnull(strstr(why.text, "\"nonesuch\" is neither"));
    ck_assert_ptr_nonnull(strstr(why.text, "postfix, postgrey,"));
    ck_assert_ptr_nonnull(strstr(why.text, "exim"));
    arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tags");
    TCase *t = tcase_create("tags");
    tcase_add_loop_test(t, each_rule, 0, ROWS);
    tcase_add_test(t, each_dialect_has_a_name);
    tcase_add_test(t, long_tags);
    tcase_add_test(t, mistakes);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The audit's table: harm counted by sender domain, the most hurt first, in bounded memory. Counts by hand.
 */
#define _GNU_SOURCE
#include "tests/report/papers.h"

#include "report/audit_text.h"
#include "tests/report/hand_tally.h"

static struct rule rules[] = { { .name = STR_INIT("dnsbl") }, { .name = STR_INIT("greylist") } };
static const struct policy policy = { .name = STR_INIT("site"), .rules = rules, .rule_count = 2 };

struct hurt {
    int64_t session;
    const char *sender;
    size_t rule;
    enum harm harm;
    bool certain;
};

static const struct hurt some[] = {
    { 1, "a@late.example", 1, HARM_LATE, true },  { 2, "b@late.example", 1, HARM_LATE, true },
    { 3, "c@LATE.example", 0, HARM_LATE, true },  { 4, "x@lost.example", 1, HARM_LOST, true },
    { 5, "x@told.example", 0, HARM_TOLD, true },  { 6, "y@told.example", 0, HARM_TOLD, true },
    { 6, "z@told.example", 0, HARM_TOLD, false }, { 7, "", 1, HARM_LOST, false },
    { 8, "nobody", 1, HARM_LATE, false },         { 9, NULL, 1, HARM_LATE, false },
};

static struct audit_list *filled(void)
{
    struct audit_list *list = audit_list_new(&policy, HURT_DOMAIN);
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        struct harmed harmed = { .session_id = some[i].session,
                                 .sender = str_of(some[i].sender),
                                 .rule = some[i].rule,
                                 .harm = some[i].harm,
                                 .certain = some[i].certain };
        audit_list_take(list, &harmed);
    }
    return list;
}

START_TEST(by_domain_the_most_hurt_first)
{
    static const char wanted[] = "domain,told,late,lost,possible,measure,sessions\n"
                                 "told.example,2,0,0,1,dnsbl,5 6\n"
                                 "lost.example,0,0,1,0,greylist,4\n"
                                 "late.example,0,3,0,0,greylist,1 2 3\n"
                                 "(no domain),0,0,0,1,greylist,8\n"
                                 "(sender not known),0,0,0,1,greylist,9\n"
                                 "<>,0,0,0,1,greylist,7\n";
    struct audit_list *list = filled();
    struct why why;
    char *text = NULL;
    CAUGHT(to, text, ck_assert_int_eq(audit_list_print(list, 1000, 0, TABLE_CSV, to, &why), 0));
    ck_assert_str_eq(text, wanted);
    free(text);
    audit_list_free(list);
}
END_TEST

/* 6 of 1000 for certain, 4 more possibly: 0.60 %, together 1.00 %. */
START_TEST(in_words)
{
    static const char wanted[] =
        "Of 1000 deliveries that the server accepted, policy site stops or delays 6\n"
        "(0.60 %), and possibly 4 more (together 1.00 %).\n"
        "\n"
        "sender domain  told  late  lost  possible  mostly by  for example\n"
        "-----------------------------------------------------------------\n"
        "told.example      2     0     0         1  dnsbl      5 6\n"
        "lost.example      0     0     1         0  greylist   4\n"
        "(all others)      0     3     0         3  greylist   1 2 3\n"
        "\n"
        "The last row is 4 sender domains more; --most=0 shows all.\n"
        "\n"
        "told: refused for good (5xx), the sender gets to know.\n"
        "late: put off (4xx), and comes with a later try.\n"
        "lost: put off or dropped, and does not come back.\n"
        "possible: the record does not tell whether it would be stopped, or how.\n";
    struct audit_list *list = filled();
    struct why why;
    char *text = NULL;
    CAUGHT(to, text, ck_assert_int_eq(audit_list_print(list, 1000, 2, TABLE_TEXT, to, &why), 0));
    ck_assert_str_eq(text, wanted);
    free(text);
    audit_list_free(list);
}
END_TEST

START_TEST(nobody_is_hurt)
{
    struct audit_list *list = audit_list_new(&policy, HURT_DOMAIN);
    struct why why;
    char *text = NULL;
    CAUGHT(to, text, ck_assert_int_eq(audit_list_print(list, 1, 0, TABLE_TEXT, to, &why), 0));
    ck_assert_str_eq(text,
                     "Of 1 delivery that the server accepted, policy site stops or delays 0 (0.00\n%).\n\n");
    free(text);
    CAUGHT(to, text, ck_assert_int_eq(audit_list_print(list, 1, 0, TABLE_JSON, to, &why), 0));
    ck_assert_ptr_nonnull(strstr(text, "\"domains\": []"));
    free(text);
    audit_list_free(list);
}
END_TEST

START_TEST(as_json)
{
    static const char wanted[] = "{\n"
                                 "  \"policy\": \"site\",\n"
                                 "  \"unit\": \"delivery\",\n"
                                 "  \"accepted\": 1000,\n"
                                 "  \"told\": 2,\n"
                                 "  \"late\": 3,\n"
                                 "  \"lost\": 1,\n"
                                 "  \"possible\": 4,\n  \"certain\": 6,\n"
                                 "  \"domains\": [\n"
                                 "    { \"domain\": \"told.example\", \"told\": 2, \"late\": 0, \"lost\": 0, "
                                 "\"possible\": 1, \"measure\": \"dnsbl\", \"sessions\": [ 5, 6 ] },\n"
                                 "    { \"domain\": \"(all others)\", \"told\": 0, \"late\": 3, \"lost\": 1, "
                                 "\"possible\": 3, \"measure\": \"greylist\", \"sessions\": [ 4, 1, 2 ] }\n"
                                 "  ]\n"
                                 "}\n";
    struct audit_list *list = filled();
    struct why why;
    char *text = NULL;
    CAUGHT(to, text, ck_assert_int_eq(audit_list_print(list, 1000, 1, TABLE_JSON, to, &why), 0));
    ck_assert_str_eq(text, wanted);
    free(text);
    audit_list_free(list);
}
END_TEST

/* A million domains: those past the most are one row, and no count is lost. */
START_TEST(memory_is_bounded)
{
    enum { DOMAINS = 1000 * 1000, KEPT = 100 * 1000 };
    struct audit_list *list = audit_list_new(&policy, HURT_DOMAIN);
    char sender[64];
    for (int i = 0; i < DOMAINS; i++) {
        snprintf(sender, sizeof sender, "x@d%07d.example", i);
        struct harmed harmed = {
            .session_id = i + 1, .sender = str_of(sender), .harm = HARM_LOST, .certain = true
        };
        audit_list_take(list, &harmed);
    }
    struct why why;
    char *text = NULL;
    CAUGHT(to, text, ck_assert_int_eq(audit_list_print(list, DOMAINS, 0, TABLE_CSV, to, &why), 0));
    size_t lines = 0;
    for (const char *at = text; *at; at++)
        lines += *at == '\n';
    ck_assert_uint_eq(lines, 1 + KEPT + 1);
    ck_assert_ptr_nonnull(strstr(text, "\n(all others),0,0,900000,0,dnsbl,100001 100002 100003\n"));
    free(text);
    audit_list_free(list);
}
END_TEST

START_TEST(hostile_senders_are_shown)
{
    struct audit_list *list = audit_list_new(&policy, HURT_DOMAIN);
    char sender[256];
    struct str word = hostile[_i];
    memcpy(sender, "x@", 2);
    memcpy(sender + 2, word.at, word.len);
    struct harmed harmed = {
        .session_id = 1, .sender = { sender, word.len + 2 }, .harm = HARM_TOLD, .certain = true
    };
    audit_list_take(list, &harmed);
    harmed.sender = word;
    audit_list_take(list, &harmed);
    for (int format = 0; format < TABLE_FORMATS; format++) {
        struct why why;
        char *text = NULL;
        size_t len = 0;
        FILE *to = open_memstream(&text, &len);
        ck_assert_int_eq(audit_list_print(list, 2, 0, (enum table_format)format, to, &why), 0);
        fclose(to);
        ck_assert_harmless(text, len, format == TABLE_CSV ? "\n\r\t" : "\n");
        free(text);
    }
    audit_list_free(list);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("audit");
    TCase *cases = tcase_create("audit");
    tcase_add_test(cases, by_domain_the_most_hurt_first);
    tcase_add_test(cases, in_words);
    tcase_add_test(cases, nobody_is_hurt);
    tcase_add_test(cases, as_json);
    tcase_add_test(cases, memory_is_bounded);
    tcase_add_loop_test(cases, hostile_senders_are_shown, 0, HOSTILE);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

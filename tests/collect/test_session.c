/* The recorded verdict of a session (design.md section 5), worked out by hand for each case. */
#include <check.h>
#include <stdlib.h>
#include "collect/session.h"

static struct reply reply_of(int code, enum named named)
{
    return (struct reply){ .code = (int16_t)code, .named = (uint8_t)named };
}

static struct recipient refused(int code, enum named named)
{
    return (struct recipient){ .reply = reply_of(code, named) };
}

static struct session one_transaction(struct transaction *transaction)
{
    return (struct session){ .transactions = transaction, .transaction_count = 1 };
}

START_TEST(first_stopped_attempt_tells)
{
    struct recipient r[] = { refused(450, NAMED_OTHER), refused(550, NAMED_RECIPIENT) };
    struct transaction t = { .recipients = r, .recipient_count = 2 };
    struct session s = one_transaction(&t);
    session_conclude(&s);
    ck_assert_int_eq(s.verdict, VERDICT_DEFERRED);
    ck_assert_int_eq(t.verdict, VERDICT_DEFERRED);
    ck_assert_int_eq(r[1].verdict, VERDICT_REJECTED);
    /* the reply is the first that names a measure, though another came before */
    ck_assert_int_eq(s.reply.named, NAMED_RECIPIENT);
    ck_assert_int_eq(s.reply.code, 550);
}
END_TEST

START_TEST(accepted_outweighs_refusals)
{
    struct recipient r[] = { refused(550, NAMED_RECIPIENT), { .reply = reply_of(250, NAMED_NONE) } };
    struct transaction t[] = { { .reply = reply_of(450, NAMED_GREYLIST) },
                               { .verdict = VERDICT_ACCEPTED, .recipients = r, .recipient_count = 2 } };
    struct session s = { .transactions = t, .transaction_count = 2 };
    session_conclude(&s);
    ck_assert_int_eq(s.verdict, VERDICT_ACCEPTED);
    ck_assert_int_eq(t[0].verdict, VERDICT_DEFERRED);
    ck_assert_int_eq(r[0].verdict, VERDICT_REJECTED);
    ck_assert_int_eq(r[1].verdict, VERDICT_ACCEPTED);
    ck_assert_int_eq(s.reply.named, NAMED_GREYLIST);
}
END_TEST

START_TEST(refused_at_the_end_of_message_counts_for_its_recipients)
{
    struct recipient r[] = { { .reply = reply_of(250, NAMED_NONE) } };
    struct transaction t = { .recipients = r, .recipient_count = 1, .reply = reply_of(554, NAMED_VIRUS) };
    struct session s = one_transaction(&t);
    session_conclude(&s);
    ck_assert_int_eq(s.verdict, VERDICT_REJECTED);
    ck_assert_int_eq(r[0].verdict, VERDICT_REJECTED);
    ck_assert_int_eq(r[0].reply.code, 250);
    ck_assert_int_eq(s.reply.named, NAMED_VIRUS);
}
END_TEST

START_TEST(abandoned_is_none)
{
    struct recipient r[] = { { .reply = reply_of(250, NAMED_NONE) } };
    struct transaction t = { .recipients = r, .recipient_count = 1 };
    struct session s = one_transaction(&t);
    session_conclude(&s);
    ck_assert_int_eq(s.verdict, VERDICT_NONE);
    ck_assert_int_eq(r[0].verdict, VERDICT_NONE);
    ck_assert_int_eq(s.reply.code, 0);
}
END_TEST

START_TEST(other_replies_stop_no_attempt)
{
    /* VRFY refused as unknown: the measure is named, but no attempt was made */
    struct session s = { .reply = reply_of(550, NAMED_RECIPIENT) };
    session_conclude(&s);
    ck_assert_int_eq(s.verdict, VERDICT_NONE);
    ck_assert_int_eq(s.reply.named, NAMED_RECIPIENT);
    /* refused at connect: nothing else was tried */
    struct session c = { .verdict = VERDICT_DEFERRED, .reply = reply_of(421, NAMED_RATE) };
    session_conclude(&c);
    ck_assert_int_eq(c.verdict, VERDICT_DEFERRED);
    /* refused HELO, then another HELO and a recipient refused for good */
    struct recipient r[] = { refused(550, NAMED_DNSBL) };
    struct transaction t = { .recipients = r, .recipient_count = 1 };
    struct session h = one_transaction(&t);
    h.verdict = VERDICT_DEFERRED;
    h.reply = reply_of(450, NAMED_HELO);
    session_conclude(&h);
    ck_assert_int_eq(h.verdict, VERDICT_REJECTED);
    ck_assert_int_eq(h.reply.named, NAMED_HELO);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("session");
    TCase *tcase = tcase_create("conclude");
    tcase_add_test(tcase, first_stopped_attempt_tells);
    tcase_add_test(tcase, accepted_outweighs_refusals);
    tcase_add_test(tcase, refused_at_the_end_of_message_counts_for_its_recipients);
    tcase_add_test(tcase, abandoned_is_none);
    tcase_add_test(tcase, other_replies_stop_no_attempt);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

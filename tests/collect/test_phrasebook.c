/* The site's own words: files of them, what fits, and what a session is then. */
#include <check.h>
#include <sysexits.h>

#include "collect/phrasebook.h"
#include "base/fold.h"

/* ---- Upper and lower case. */

static const struct {
    const char *text, *folded;
} folds[] = {
    { "No PTR Record", "no ptr record" },
    { "M\xc3\x84RZ \xc3\x97 \xc3\x9f", "m\xc3\xa4rz \xc3\x97 \xc3\x9f" },       /* MÄRZ × ß */
    { "\xd0\x9d\xd0\x95\xd0\xa2", "\xd0\xbd\xd0\xb5\xd1\x82" },                 /* НЕТ */
    { "\xd0\x81\xd0\x90\xd0\xaf", "\xd1\x91\xd0\xb0\xd1\x8f" },                 /* ЁАЯ */
    { "\xc5\x81\xc3\x93\xc4\x84\xc5\xbb", "\xc5\x82\xc3\xb3\xc4\x85\xc5\xbc" }, /* ŁÓĄŻ */
    { "\xc4\xb0 \xc5\xb8 \xc4\xb1", "\xc4\xb0 \xc5\xb8 \xc4\xb1" },             /* İ Ÿ ı: elsewhere */
    { "\xe4\xb8\xad \xff\xc3", "\xe4\xb8\xad \xff\xc3" },                       /* three bytes; no UTF-8 */
};

START_TEST(folds_letters)
{
    char bytes[64];
    struct str got = fold(bytes, str_of(folds[_i].text));
    ck_assert_msg(str_eq(got, str_of(folds[_i].folded)), "%.*s", STR_ARG(got));
}
END_TEST

/* ---- Files. */

static const struct {
    const char *yaml, *error;
} broken[] = {
    { "- pattern: abc\n  measure: dnsb\n",
      "p.yaml:2:12: measure: \"dnsb\" is not among its words; did you mean dnsbl? Possible: other, no-rdns" },
    { "- patern: abc\n", "p.yaml:1:3: there is no key \"patern\"; did you mean pattern?" },
    { "- measure: dnsbl\n",
      "p.yaml:1:3: a phrase without a pattern; write pattern: \"what the reply says\"" },
    { "- pattern: a*b\n  measure: spam\n",
      "p.yaml:1:12: pattern: \"a*b\" fits too much; write some of the reply's words" },
    { "- { pattern: abc, measure: spam, zone: a.example }\n",
      "p.yaml:1:40: only dnsbl has a zone; take it out, or write measure: dnsbl" },
    { "- { pattern: abc, measure: dnsbl, zone: 'a b' }\n",
      "p.yaml:1:41: zone: \"a b\" is not a zone; write zen.example.org" },
    { "- { pattern: abc, measure: spam, stage: quit }\n",
      "p.yaml:1:41: stage: \"quit\" is not among its words; " },
    { "- { pattern: abc, measure: spam, code: 250 }\n",
      "p.yaml:1:40: code: \"250\" is not a whole number from 400 to 599; write digits only" },
    { "pattern: abc\nmeasure: spam\n", "p.yaml:1:1: a mapping is not a list of phrases; write - { pattern:" },
    { "- you are blocked here\n",
      "p.yaml:1:3: \"you are blocked here\" is not a phrase; write - { pattern: \"you are blocked here\"" },
    { "- pattern: \"abc\n", "p.yaml:" },
    { "- { pattern: abc, pattern: abd }\n", "p.yaml:1:19: \"pattern\" stands twice; keep one" },
    { "- { pattern: \"a\\nbc\", measure: spam }\n",
      "p.yaml:1:14: pattern: a line break or another control character is in the text; take it out" },
};

START_TEST(says_what_is_wrong)
{
    struct phrasebook book = { 0 };
    struct why why = { 0 };
    size_t unfilled = 0;
    ck_assert_int_eq(phrasebook_parse(&book, "p.yaml", str_of(broken[_i].yaml), &unfilled, &why), -1);
    ck_assert_int_eq(why.status, EX_DATAERR);
    ck_assert_msg(str_starts(str_of(why.text), str_of(broken[_i].error)), "%s", why.text);
    phrasebook_free(&book);
}
END_TEST

static struct phrasebook book_of(const char *yaml, size_t *unfilled)
{
    struct phrasebook book = { 0 };
    struct why why = { 0 };
    ck_assert_msg(phrasebook_parse(&book, "p.yaml", str_of(yaml), unfilled, &why) == 0, "%s", why.text);
    return book;
}

START_TEST(reads_what_is_right)
{
    size_t unfilled = 0;
    struct phrasebook book = book_of("# ours\n"
                                     "- pattern: you are blocked here\n"
                                     "  measure: dnsbl\n"
                                     "  zone: bl.example\n"
                                     "- { pattern: 'go * away', measure: other, stage: helo, code: 550 }\n"
                                     "- pattern: not yet\n"
                                     "  measure:\n"
                                     "- { pattern: nor this, measure: ~, zone: , stage: , code: }\n",
                                     &unfilled);
    ck_assert_uint_eq(book.count, 2);
    ck_assert_uint_eq(unfilled, 2);
    ck_assert_int_eq(book.phrase[0].measure, NAMED_DNSBL);
    ck_assert_int_eq(book.phrase[0].stage, STAGES);
    ck_assert(str_eq(book.phrase[0].zone, STR("bl.example")));
    ck_assert_int_eq(book.phrase[1].measure, NAMED_OTHER);
    ck_assert_int_eq(book.phrase[1].stage, STAGE_HELO);
    ck_assert_int_eq(book.phrase[1].code, 550);
    phrasebook_free(&book);
    book = book_of("", &unfilled);
    ck_assert_uint_eq(book.count, 0);
    phrasebook_free(&book);
}
END_TEST

/* ---- What fits. */

static const struct {
    const char *pattern, *text;
    bool fits;
} fitting[] = {
    { "you are blocked here", "Sorry, YOU ARE blocked here.", true },
    { "you are blocked here", "you were blocked here", false },
    { "from * rejected", "Message from somebody rejected, ask us", true },
    { "from * rejected", "rejected, from somebody", false },
    { "*abc*", "xabcx", true },
    { "a**b c", "a much b c", true },
    { "ab*ba", "aba", false }, /* no byte is used twice */
    { "\xd0\xbd\xd0\xb5\xd1\x82 PTR", "\xd0\x9d\xd0\x95\xd0\xa2 ptr", true },
    /* What the client wrote is not the server's word... */
    { "blocked here", "HELO name blocked here is bad", false },
    { "blocked", "HELO name blocked here is bad", false },
    { "are blocked here", "HELO name blocked here is bad, you are blocked here", true },
    /* ... but words around it are, also where it is one of them. */
    { "your mail server", "your mail server is unknown", true },
    { "name * is bad", "HELO name blocked here is bad", true },
};

START_TEST(fits_or_not)
{
    struct phrasebook book = { 0 };
    struct site_phrase phrase = { .pattern = str_of(fitting[_i].pattern),
                                  .measure = NAMED_SPAM,
                                  .stage = STAGES };
    struct session session = { .helo = STR("blocked here"), .client_name = STR("mail") };
    struct reply reply = { .code = 550, .stage = STAGE_RCPT, .text = str_of(fitting[_i].text) };
    phrasebook_add(&book, &phrase);
    bool found = phrasebook_find(&book, &session, &reply, STR(""), STR("")) != NULL;
    ck_assert_msg(found == fitting[_i].fits, "%s: %s", fitting[_i].pattern, fitting[_i].text);
    phrasebook_free(&book);
}
END_TEST

START_TEST(only_at_its_stage_and_code)
{
    size_t unfilled = 0;
    struct phrasebook book = book_of("- { pattern: go away, measure: helo, stage: helo }\n"
                                     "- { pattern: go away, measure: greylist, code: 450 }\n"
                                     "- { pattern: go away, measure: spam }\n",
                                     &unfilled);
    struct session session = { .id = 1 };
    struct reply reply = { .code = 550, .stage = STAGE_HELO, .text = STR("go away") };
    ck_assert_int_eq(phrasebook_find(&book, &session, &reply, STR(""), STR(""))->measure, NAMED_HELO);
    reply.stage = STAGE_RCPT;
    ck_assert_int_eq(phrasebook_find(&book, &session, &reply, STR(""), STR(""))->measure, NAMED_SPAM);
    reply.code = 450;
    ck_assert_int_eq(phrasebook_find(&book, &session, &reply, STR(""), STR(""))->measure, NAMED_GREYLIST);
    phrasebook_free(&book);
}
END_TEST

/* ---- What a session is then. */

enum { STARTED = 1000, AT_MAIL = 2000, AT_RCPT = 3000 };

/* Two recipients: refused in words that nobody knows, and with a measure. */
static struct session two_refused(struct transaction *transaction, struct recipient recipients[2])
{
    recipients[0] = (struct recipient){ .address = STR("a@lab.test"),
                                        .reply = { .code = 554,
                                                   .named = NAMED_OTHER,
                                                   .stage = STAGE_RCPT,
                                                   .text = STR("you are blocked here") },
                                        .verdict = VERDICT_REJECTED,
                                        .at = AT_RCPT };
    recipients[1] = (struct recipient){ .address = STR("b@lab.test"),
                                        .reply = { .code = 554,
                                                   .named = NAMED_RELAY,
                                                   .stage = STAGE_RCPT,
                                                   .text = STR("Relay access denied") },
                                        .verdict = VERDICT_REJECTED,
                                        .at = AT_RCPT + 1 };
    *transaction = (struct transaction){ .mail_from = STR("me@sender.example"),
                                         .recipients = recipients,
                                         .recipient_count = 2,
                                         .at = AT_MAIL,
                                         .size = -1 };
    return (struct session){ .id = 1,
                             .started = STARTED,
                             .transactions = transaction,
                             .transaction_count = 1,
                             .reply = recipients[1].reply };
}

START_TEST(the_first_with_a_measure_is_the_sessions)
{
    size_t unfilled = 0;
    struct transaction transaction;
    struct recipient recipients[2];
    struct naming_effect effect;
    struct phrasebook book =
        book_of("- { pattern: blocked here, measure: dnsbl, zone: bl.example }\n", &unfilled);
    struct session session = two_refused(&transaction, recipients);
    ck_assert(phrasebook_name(&book, &session, &effect));
    ck_assert_int_eq(recipients[0].reply.named, NAMED_DNSBL);
    ck_assert_int_eq(recipients[1].reply.named, NAMED_RELAY);
    ck_assert_int_eq(session.reply.named, NAMED_DNSBL);
    ck_assert(str_eq(session.reply.text, STR("you are blocked here")));
    ck_assert(effect.other_reply);
    ck_assert_int_eq(effect.reply.named, NAMED_RELAY);
    ck_assert_uint_eq(effect.evidence_count, 1);
    ck_assert_int_eq(effect.evidence[0].kind, KIND_DNSBL);
    ck_assert_int_eq(effect.evidence[0].state, YES);
    ck_assert_int_eq(effect.evidence[0].at, AT_RCPT);
    ck_assert(str_eq(effect.evidence[0].subject, STR("bl.example")));
    phrasebook_free(&book);
}
END_TEST

START_TEST(a_recipient_that_is_none)
{
    size_t unfilled = 0;
    struct transaction transaction;
    struct recipient recipients[2];
    struct naming_effect effect;
    struct phrasebook book = book_of("- { pattern: blocked here, measure: recipient }\n", &unfilled);
    struct session session = two_refused(&transaction, recipients);
    ck_assert(phrasebook_name(&book, &session, &effect));
    ck_assert_int_eq(recipients[0].valid, NO);
    ck_assert_int_eq(recipients[0].reply.phrased, PHRASED_VALID);
    ck_assert_uint_eq(effect.evidence_count, 0);
    session = two_refused(&transaction, recipients);
    recipients[0].valid = YES; /* known better, and not by a phrase */
    ck_assert(phrasebook_name(&book, &session, &effect));
    ck_assert_int_eq(recipients[0].valid, YES);
    ck_assert_int_eq(recipients[0].reply.phrased, PHRASED);
    phrasebook_free(&book);
}
END_TEST

START_TEST(what_has_a_measure_keeps_it)
{
    size_t unfilled = 0;
    struct transaction transaction;
    struct recipient recipients[2];
    struct naming_effect effect;
    struct phrasebook book = book_of("- { pattern: Relay access, measure: spam }\n"
                                     "- { pattern: blocked here, measure: other }\n",
                                     &unfilled);
    struct session session = two_refused(&transaction, recipients);
    ck_assert(!phrasebook_name(&book, &session, &effect));
    ck_assert_int_eq(recipients[0].reply.named, NAMED_OTHER);
    ck_assert_int_eq(recipients[1].reply.named, NAMED_RELAY);
    ck_assert_int_eq(session.reply.named, NAMED_RELAY);
    phrasebook_free(&book);
}
END_TEST

/* A refusal at connect, of which there is no transaction; and evidence that the session has already. */
START_TEST(the_sessions_own_reply)
{
    size_t unfilled = 0;
    struct evidence rdns = {
        .kind = KIND_RDNS, .state = NO, .transaction = WHOLE_SESSION, .recipient = WHOLE_TRANSACTION
    };
    struct session session = {
        .id = 1,
        .started = STARTED,
        .reply = { .code = 554, .named = NAMED_OTHER, .text = STR("get a name first") },
        .evidence = &rdns,
        .evidence_count = 1
    };
    struct naming_effect effect;
    struct phrasebook book = book_of("- { pattern: get a name, measure: no-rdns }\n", &unfilled);
    ck_assert(phrasebook_name(&book, &session, &effect));
    ck_assert_int_eq(session.reply.named, NAMED_NO_RDNS);
    ck_assert(!effect.other_reply);
    ck_assert_uint_eq(effect.evidence_count, 1); /* fcrdns; rdns is there */
    ck_assert_int_eq(effect.evidence[0].kind, KIND_FCRDNS);
    ck_assert_int_eq(effect.evidence[0].at, STARTED);
    phrasebook_free(&book);
}
END_TEST

static void count_unnamed(void *state, const struct session *session, const struct reply *reply,
                          struct str sender, struct str recipient)
{
    (void)session;
    (void)sender;
    (void)recipient;
    ck_assert_int_eq(reply->named, NAMED_OTHER);
    ++*(int *)state;
}

START_TEST(each_unnamed_once)
{
    struct transaction transaction;
    struct recipient recipients[2];
    struct session session = two_refused(&transaction, recipients);
    int count = 0;
    session_unnamed(&session, count_unnamed, &count);
    ck_assert_int_eq(count, 1);
    session.reply = recipients[0].reply; /* the same */
    session_unnamed(&session, count_unnamed, &count);
    ck_assert_int_eq(count, 2);
    session.reply.text = STR("and another");
    session_unnamed(&session, count_unnamed, &count);
    ck_assert_int_eq(count, 4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("phrasebook");
    TCase *tests = tcase_create("phrasebook");
    tcase_add_loop_test(tests, folds_letters, 0, sizeof folds / sizeof *folds);
    tcase_add_loop_test(tests, says_what_is_wrong, 0, sizeof broken / sizeof *broken);
    tcase_add_test(tests, reads_what_is_right);
    tcase_add_loop_test(tests, fits_or_not, 0, sizeof fitting / sizeof *fitting);
    tcase_add_test(tests, only_at_its_stage_and_code);
    tcase_add_test(tests, the_first_with_a_measure_is_the_sessions);
    tcase_add_test(tests, a_recipient_that_is_none);
    tcase_add_test(tests, what_has_a_measure_keeps_it);
    tcase_add_test(tests, the_sessions_own_reply);
    tcase_add_test(tests, each_unnamed_once);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

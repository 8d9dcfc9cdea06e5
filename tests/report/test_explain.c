/* One session's story, printed. The session is made by hand; what must be printed was written by hand after
 * it. */
#define _GNU_SOURCE
#include "tests/report/papers.h"

#include "report/explain_text.h"
#include "tests/report/hand_tally.h"

#define AT(hour, minute, second)                                                                             \
    (clock_days(2026, 11, 23) * USEC_DAY + (hour)*USEC_HOUR + (minute)*USEC_MINUTE + (second)*USEC_SECOND)

/* A listed client that named two recipients: the first was greylisted, the second refused. */
static struct session complained_of(struct recipient recipients[2], struct transaction *transaction,
                                    struct evidence evidence[4])
{
    recipients[0] = (struct recipient){
        .address = STR("info@example.org"),
        .reply = { .code = 450,
                   .named = NAMED_GREYLIST,
                   .stage = STAGE_RCPT,
                   .enhanced = STR("4.2.0"),
                   .text = STR("Greylisted, see http://postgrey.schweikert.ch/help/example.org.html") },
        .verdict = VERDICT_DEFERRED,
    };
    recipients[1] = (struct recipient){
        .address = STR("nobody@example.org"),
        .reply = { .code = 550,
                   .named = NAMED_RECIPIENT,
                   .stage = STAGE_RCPT,
                   .enhanced = STR("5.1.1"),
                   .text = STR("User unknown") },
        .verdict = VERDICT_REJECTED,
    };
    *transaction = (struct transaction){ .mail_from = STR("shop@example.net"),
                                         .verdict = VERDICT_DEFERRED,
                                         .recipients = recipients,
                                         .recipient_count = 2 };
    evidence[0] = (struct evidence){ .kind = KIND_GREYLIST,
                                     .state = YES,
                                     .origin = ORIGIN_LOG,
                                     .at = AT(9, 7, 13),
                                     .a = 300 * USEC_SECOND,
                                     .subject = STR("info@example.org"),
                                     .detail = STR("new") };
    evidence[1] =
        (struct evidence){ .kind = KIND_RDNS, .state = YES, .origin = ORIGIN_LOG, .at = AT(9, 7, 12) };
    evidence[2] = (struct evidence){ .kind = KIND_DNSBL,
                                     .state = NO,
                                     .origin = ORIGIN_INFERRED,
                                     .at = AT(9, 7, 12),
                                     .subject = STR("zen.spamhaus.org") };
    evidence[3] = (struct evidence){ .kind = KIND_DNSBL,
                                     .state = YES,
                                     .origin = ORIGIN_LOG,
                                     .at = AT(9, 7, 12),
                                     .a = 0x7f000002,
                                     .subject = STR("bl.spamcop.net"),
                                     .detail = STR("warned") };
    struct session session = { .id = 4711,
                               .started = AT(9, 7, 12),
                               .ended = AT(9, 7, 15),
                               .client_port = 50123,
                               .server_port = 25,
                               .server = STR("mx1"),
                               .service = STR("postfix/smtpd"),
                               .client_name = STR("out.example.net"),
                               .helo = STR("out.example.net"),
                               .stage = STAGE_RCPT,
                               .closed = CLOSED_QUIT,
                               .verdict = VERDICT_DEFERRED,
                               .tls = true,
                               .reply = recipients[0].reply,
                               .transactions = transaction,
                               .transaction_count = 1,
                               .evidence = evidence,
                               .evidence_count = 4 };
    ck_assert(ip_parse(STR("192.0.2.7"), &session.client));
    return session;
}

static const char session_text[] =
    "Session 4711, 2026-11-23 09:07:12 to 09:07:15 (UTC)\n"
    "  client     192.0.2.7 port 50123, out.example.net\n"
    "  helo       out.example.net\n"
    "  server     mx1, postfix/smtpd port 25, with TLS\n"
    "  got to     rcpt, then quit\n"
    "  verdict    deferred by greylist at rcpt: 450 4.2.0 Greylisted, see "
    "http://postgrey.schweikert.ch/help/example.org.html\n"
    "\n"
    "  from <shop@example.net>: deferred\n"
    "    to <info@example.org>: deferred by greylist at rcpt: 450 4.2.0 Greylisted, see "
    "http://postgrey.schweikert.ch/help/example.org.html\n"
    "    to <nobody@example.org>: rejected by recipient at rcpt: 550 5.1.1 User unknown\n";

static const char evidence_text[] =
    "at                   kind      subject           state  detail                              origin\n"
    "----------------------------------------------------------------------------------------------------\n"
    "2026-11-23 09:07:12  rdns                        yes                                        log\n"
    "2026-11-23 09:07:12  dnsbl     zen.spamhaus.org  no                                         inferred\n"
    "2026-11-23 09:07:12  dnsbl     bl.spamcop.net    yes    answered 127.0.0.2; warned          log\n"
    "2026-11-23 09:07:13  greylist  info@example.org  yes    age or time missing 300.000 s; new  log\n";

START_TEST(who_came_and_what_was_said)
{
    struct recipient recipients[2];
    struct transaction transaction;
    struct evidence evidence[4];
    struct session session = complained_of(recipients, &transaction, evidence);
    char *text = NULL;
    CAUGHT(to, text, explain_session(&session, to));
    ck_assert_str_eq(text, session_text);
    free(text);
}
END_TEST

START_TEST(evidence_in_order_of_time)
{
    struct recipient recipients[2];
    struct transaction transaction;
    struct evidence evidence[4];
    struct session session = complained_of(recipients, &transaction, evidence);
    struct why why;
    char *text = NULL;
    CAUGHT(to, text, ck_assert_int_eq(explain_evidence(&session, to, &why), 0));
    ck_assert_str_eq(text, evidence_text);
    free(text);
    session.evidence_count = 0;
    CAUGHT(to, text, ck_assert_int_eq(explain_evidence(&session, to, &why), 0));
    ck_assert_str_eq(text, "nothing that a measure asks for\n");
    free(text);
}
END_TEST

START_TEST(verdicts_and_why)
{
    struct rule rules[] = { { .name = STR("no-rdns") },
                            { .name = STR("dnsbl"), .warn = true },
                            { .name = STR("spf") },
                            { .name = STR("greylist") } };
    struct policy policy = { .name = STR("site"), .rules = rules, .rule_count = 4 };
    struct rule_story told[] = { { NO, true, STR("rdns is yes (log)") },
                                 { YES, true, STR("bl.spamcop.net is yes (log)") },
                                 { UNKNOWN, true, STR("unknown: never asked") },
                                 { YES, false, STR("first seen") } };
    struct attempt_story attempts[] = {
        { STR(""), STR("info@example.org"), told, UNKNOWN, STR("spf or greylist") },
        { { NULL, 0 }, { NULL, 0 }, told, NO, STR("stopped by spf") },
    };
    struct session_story story = { attempts, 2 };
    struct why why;
    char *text = NULL;
    CAUGHT(to, text, ck_assert_int_eq(explain_story(&policy, &story, to, &why), 0));
    static const char table[] = "measure   verdict    why\n"
                                "------------------------------------------------\n"
                                "no-rdns   miss       rdns is yes (log)\n"
                                "dnsbl     warns      bl.spamcop.net is yes (log)\n"
                                "spf       unknown    unknown: never asked\n"
                                "greylist  not asked  first seen\n";
    char wanted[2048];
    snprintf(wanted, sizeof wanted,
             "From <> to <info@example.org>: spf or greylist\n\n%s\nFrom (not known) to (not known): stopped "
             "by spf\n\n%s",
             table, table);
    ck_assert_str_eq(text, wanted);
    free(text);
}
END_TEST

START_TEST(a_list_to_choose_from)
{
    struct recipient recipients[2];
    struct transaction transaction;
    struct evidence evidence[4];
    struct session session = complained_of(recipients, &transaction, evidence),
                   nobody = { .id = 4712, .started = AT(10, 0, 0) };
    struct why why;
    char *text = NULL;
    CAUGHT(to, text, {
        struct table *table = table_open(to, TABLE_CSV, session_columns, SESSION_COLUMNS);
        session_row(table, &session);
        session_row(table, &nobody);
        ck_assert_int_eq(table_close(table, &why), 0);
    });
    ck_assert_str_eq(
        text, "session,started,client_ip,mail_from,recipient,recipients,verdict,measure,code\n"
              "4711,2026-11-23 09:07:12,192.0.2.7,shop@example.net,info@example.org,2,deferred,greylist,450\n"
              "4712,2026-11-23 10:00:00,::,,,0,none,,\n");
    free(text);
}
END_TEST

/* Every text of a session in turn, in every place. */
START_TEST(hostile_words_are_shown)
{
    struct str word = hostile[_i];
    struct reply reply = {
        .code = 554, .named = NAMED_OTHER, .stage = STAGE_RCPT, .enhanced = word, .text = word
    };
    struct recipient recipient = { .address = word, .reply = reply, .verdict = VERDICT_REJECTED };
    struct transaction transaction = { .mail_from = word,
                                       .queue_id = word,
                                       .message_id = word,
                                       .reply = reply,
                                       .recipients = &recipient,
                                       .recipient_count = 1 };
    struct evidence evidence = { .kind = KIND_HELO, .at = AT(9, 0, 0), .subject = word, .detail = word };
    struct session session = { .id = 1,
                               .started = AT(9, 0, 0),
                               .ended = USEC_NONE,
                               .server = word,
                               .service = word,
                               .client_name = word,
                               .helo = word,
                               .auth_user = word,
                               .reply = reply,
                               .transactions = &transaction,
                               .transaction_count = 1,
                               .evidence = &evidence,
                               .evidence_count = 1 };
    struct rule rule = { .name = STR("helo") };
    struct policy policy = { .rules = &rule, .rule_count = 1 };
    struct rule_story told = { YES, true, word };
    struct attempt_story attempt = { word, word, &told, NO, word };
    struct session_story story = { &attempt, 1 };
    struct why why;
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    explain_session(&session, to);
    explain_line(to, word);
    explain_evidence(&session, to, &why);
    explain_story(&policy, &story, to, &why);
    struct table *table = table_open(to, TABLE_TEXT, session_columns, SESSION_COLUMNS);
    session_row(table, &session);
    ck_assert_int_eq(table_close(table, &why), 0);
    fclose(to);
    ck_assert_harmless(text, len, "\n");
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("explain");
    TCase *cases = tcase_create("explain");
    tcase_add_test(cases, who_came_and_what_was_said);
    tcase_add_test(cases, evidence_in_order_of_time);
    tcase_add_test(cases, verdicts_and_why);
    tcase_add_test(cases, a_list_to_choose_from);
    tcase_add_loop_test(cases, hostile_words_are_shown, 0, HOSTILE);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Refusals that servers sent, and the measure that their words name: those of the labs cite the line of the
 * server's configuration that made them, the others the program that has the words. */
#include <check.h>
#include "collect/dialect/phrases.h"

static const struct {
    const char *says;
    enum stage stage;
    enum named named;
    enum kind kind;
    enum tri state;
    const char *source;
} replies[] = {
    { "Fix reverse DNS for 203.0.113.174", STAGE_RCPT, NAMED_NO_RDNS, KIND_RDNS, NO,
      "sendmail.mc: require_rdns" },
    { "Client IP address 198.51.100.101 does not resolve", STAGE_RCPT, NAMED_NO_RDNS, KIND_RDNS, UNKNOWN,
      "sendmail.mc: require_rdns, a look-up that failed" },
    { "Possibly forged hostname for 198.51.100.94", STAGE_RCPT, NAMED_FCRDNS, KIND_FCRDNS, NO,
      "sendmail.mc: require_rdns" },
    { "Rejected: 203.0.113.67 listed at zen.example-rbl.test", STAGE_RCPT, NAMED_DNSBL, KIND_DNSBL, YES,
      "sendmail.mc: dnsbl" },
    { "Spam blocked see http://second.test/?ip=203.0.113.110", STAGE_RCPT, NAMED_DNSBL, KIND_DNSBL, YES,
      "sendmail.mc: enhdnsbl" },
    { "Connection rate limit exceeded.", STAGE_RCPT, NAMED_RATE, KIND_RATE, YES, "sendmail.mc: ratecontrol" },
    { "Too many open connections.", STAGE_CONNECT, NAMED_RATE, KIND_RATE, YES, "sendmail.mc: conncontrol" },
    { "bogus HELO name used: greylist.example", STAGE_RCPT, NAMED_HELO, KINDS, UNKNOWN,
      "sendmail.mc: block_bad_helo" },
    { "bot HELO", STAGE_HELO, NAMED_HELO, KINDS, UNKNOWN, "labscan.py: hello" },
    { "we do not want you", STAGE_HELO, NAMED_HELO, KINDS, UNKNOWN, "any words about a HELO" },
    { "Domain of sender address joe@nodns1.test does not exist", STAGE_RCPT, NAMED_SENDER_DOMAIN,
      KIND_SENDER_DOMAIN, NO, "Sendmail proto.m4" },
    { "Domain of sender address joe@servfail.test does not resolve", STAGE_MAIL, NAMED_SENDER_DOMAIN,
      KIND_SENDER_DOMAIN, UNKNOWN, "Sendmail proto.m4" },
    { "Domain of sender address greylist@greylist.test does not exist", STAGE_RCPT, NAMED_SENDER_DOMAIN,
      KIND_SENDER_DOMAIN, NO, "a sender that writes words" },
    { "Domain name required for sender address bob", STAGE_RCPT, NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO,
      "Sendmail proto.m4" },
    { "Invalid MX record for host mxloop.test", STAGE_RCPT, NAMED_SENDER_DOMAIN, KIND_SENDER_DOMAIN, NO,
      "sendmail.mc: badmx" },
    { "Relaying denied. Proper authentication required.", STAGE_RCPT, NAMED_RELAY, KIND_RELAY, YES,
      "Sendmail proto.m4" },
    { "Relaying denied. IP name lookup failed [IPv6:2001:db8:b:0:0:0:0:23]", STAGE_RCPT, NAMED_RELAY,
      KIND_RELAY, YES, "Sendmail proto.m4" },
    { "SPF fail", STAGE_MAIL, NAMED_SPF, KIND_SPF, NO, "labscan.py: envfrom" },
    { "Blocked by labscan: spam score 1000", STAGE_EOM, NAMED_SPAM, KIND_SPAM, YES, "labscan.py: eom" },
    { "we do not like your offers", STAGE_RCPT, NAMED_OTHER, KINDS, UNKNOWN, "access: From:offer@isp.test" },
    { "Access denied", STAGE_MAIL, NAMED_OTHER, KINDS, UNKNOWN, "access: REJECT" },
    { "Greylisting in action, please come back in 00:00:20", STAGE_RCPT, NAMED_GREYLIST, KIND_GREYLIST, YES,
      "milter-greylist" },
    { "203.0.113.9 is not yet authorized to deliver mail from <a@b.test> to <c@lab.test>.", STAGE_RCPT,
      NAMED_GREYLIST, KIND_GREYLIST, YES, "greylistd" },
    { "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", STAGE_RCPT, NAMED_RELAY,
      KIND_RELAY, YES, "qmail-smtpd.c" },
    { "Blocked - see https://www.spamcop.net/bl.shtml?203.0.113.9", STAGE_CONNECT, NAMED_DNSBL, KIND_DNSBL,
      YES, "bl.spamcop.net" },
    { "Unrouteable address", STAGE_RCPT, NAMED_RECIPIENT, KIND_RECIPIENT, NO, "Exim verify.c" },
    { "no FCrDNS available", STAGE_CONNECT, NAMED_FCRDNS, KIND_FCRDNS, NO, "OpenSMTPD: filter check-fcrdns" },
    { "mail from spf.example.org is not wanted", STAGE_MAIL, NAMED_OTHER, KINDS, UNKNOWN,
      "words within a name" },
    { "you are blocked here", STAGE_RCPT, NAMED_OTHER, KINDS, UNKNOWN, "a site's own rule" },
    { "sp", STAGE_EOM, NAMED_OTHER, KINDS, UNKNOWN, "too short" },
    { "", STAGE_RCPT, NAMED_OTHER, KINDS, UNKNOWN, "no words" },
};

START_TEST(words_name_a_measure)
{
    const struct saying *saying = saying_of(str_of(replies[_i].says), replies[_i].stage);
    ck_assert_msg(saying->named == replies[_i].named, "%s: %d", replies[_i].says, saying->named);
    ck_assert_msg(saying->kind == replies[_i].kind, "%s: evidence %d", replies[_i].says, saying->kind);
    if (saying->kind != KINDS)
        ck_assert_msg(saying->state == replies[_i].state, "%s: state %d", replies[_i].says, saying->state);
}
END_TEST

static const struct {
    const char *says, *zone;
} zones[] = {
    { "Rejected: 203.0.113.67 listed at zen.example-rbl.test", "zen.example-rbl.test" },
    { "Spam blocked see http://second.test/?ip=203.0.113.110", "second.test" },
    { "https://www.spamhaus.org/query/ip/203.0.113.9", "zen.spamhaus.org" },
    { "found in bl.second.test.", "bl.second.test" },
    { "<a@b.test> is listed at 127.0.0.2", NULL },
    { "203.0.113.9 is listed", NULL },
    { "", NULL },
};

START_TEST(zones_are_found)
{
    struct str zone = zone_in(str_of(zones[_i].says));
    if (zones[_i].zone)
        ck_assert_msg(str_eq(zone, str_of(zones[_i].zone)), "%s: %.*s", zones[_i].says, STR_ARG(zone));
    else
        ck_assert_msg(zone.at == NULL, "%s: %.*s", zones[_i].says, STR_ARG(zone));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("phrases");
    TCase *cases = tcase_create("phrases");
    tcase_add_loop_test(cases, words_name_a_measure, 0, sizeof replies / sizeof *replies);
    tcase_add_loop_test(cases, zones_are_found, 0, sizeof zones / sizeof *zones);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

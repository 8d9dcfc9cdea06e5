/* What syslog puts in front of a message. The times were worked out with `date -u -d ... +%s`. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "collect/programs.h"
#include "collect/syslog.h"

#define SECONDS_2026_11_23_09_07_12 1795424832
#define AT(seconds, micros)         ((usec)(seconds)*USEC_SECOND + (micros))

/* A line, and what it says. A NULL program: it has no time stamp. */
#define NOW  AT(SECONDS_2026_11_23_09_07_12, 0)
#define NONE 0, NULL, NULL, 0, NULL
#define BOM  "\xEF\xBB\xBF"
static const struct row {
    const char *line;
    usec at;
    const char *host, *program;
    uint32_t pid;
    const char *text;
} rows[] = {
    /* clang-format off */
    { "Nov 23 09:07:12 mx postfix/smtpd[15649]: connect from a.test[192.0.2.1]",
      NOW, "mx", "postfix/smtpd", 15649, "connect from a.test[192.0.2.1]" },
    { "Nov  3 09:07:12 mx postfix/smtpd[1]: x", AT(1793696832, 0), "mx", "postfix/smtpd", 1, "x" },
    { "Nov 03 09:07:12 mx postfix/smtpd[1]: x", AT(1793696832, 0), "mx", "postfix/smtpd", 1, "x" },
    { "Nov 30 23:59:60 mx a: x", AT(1796083200, 0), "mx", "a", 0, "x" },
    { "Nov 23 09:07:12.25 mx postfix/smtpd[1]: x", NOW + 250000, "mx", "postfix/smtpd", 1, "x" },
    { "Nov 23 2025 09:07:12 mx postfix/smtpd[1]: x", AT(1763888832, 0), "mx", "postfix/smtpd", 1, "x" },
    { "<22>Nov 23 09:07:12 mx postfix/smtpd[1]: x", NOW, "mx", "postfix/smtpd", 1, "x" },
    { "Nov 23 09:07:12 <mail.info> mx postfix/smtpd[1]: x", NOW, "mx", "postfix/smtpd", 1, "x" },
    { "Nov 23 09:07:12 postfix/smtpd[1]: no host", NOW, "", "postfix/smtpd", 1, "no host" },
    { "Nov 23 09:07:12 mx.example.org postfix-mx2/submission/smtpd[4194304]: x",
      NOW, "mx.example.org", "postfix-mx2/submission/smtpd", 4194304, "x" },
    { "Nov 23 09:07:12 2001:db8::1 postfix/smtpd[1]: x", NOW, "2001:db8::1", "postfix/smtpd", 1, "x" },
    { "Nov 23 09:07:12 mx postfix/smtpd[15649]: [ID 197553 mail.info] connect", NOW, "mx", "postfix/smtpd", 15649, "connect" },
    { "Nov 23 09:07:12 mx kernel: [12.5] eth0: up", NOW, "mx", "kernel", 0, "[12.5] eth0: up" },
    { "Nov 23 09:07:12 mx postfix/smtpd[99999999999]: x", NOW, "mx", "postfix/smtpd", 0, "x" },
    { "Nov 23 09:07:12 mx odd[main]: x", NOW, "mx", "odd", 0, "x" },
    { "Nov 23 09:07:12 mx postfix/smtpd[7]:", NOW, "mx", "postfix/smtpd", 7, "" },
    { "Nov 23 09:07:12 mx postfix/smtpd[7", NOW, "mx", "", 0, "postfix/smtpd[7" },
    { "Nov 23 09:07:12 mx last message repeated 2 times", NOW, "mx", "", 0, "last message repeated 2 times" },
    { "Nov 23 09:07:12 mx -- MARK --", NOW, "mx", "", 0, "-- MARK --" },
    { "Nov 23 09:07:12 x", NOW, "", "", 0, "x" },
    { "2026-11-23T09:07:12.057203+00:00 mx postfix/smtpd[1]: x", NOW + 57203, "mx", "postfix/smtpd", 1, "x" },
    { "2026-11-23T10:07:12.057203+01:00 mx postfix/smtpd[1]: x", NOW + 57203, "mx", "postfix/smtpd", 1, "x" },
    { "2026-11-23T05:37:12-03:30 mx postfix/smtpd[1]: x", NOW, "mx", "postfix/smtpd", 1, "x" },
    { "2026-11-23T10:07:12+0100 mx postfix/smtpd[1]: x", NOW, "mx", "postfix/smtpd", 1, "x" },
    { "2026-11-23T09:07:12Z mx postfix/smtpd[1]: x", NOW, "mx", "postfix/smtpd", 1, "x" },
    { "2026-11-23T09:07:12.1234567899Z mx a: x", NOW + 123456, "mx", "a", 0, "x" },
    { "2026-11-23 09:07:12 mx postfix/smtpd[1]: x", NOW, "mx", "postfix/smtpd", 1, "x" },
    { "1996-02-29T00:00:00Z mx a[1]: x", AT(825552000, 0), "mx", "a", 1, "x" },
    { "2026-11-23T09:07:12.057Z [NOTICE] [-] [server] Listening", NOW + 57000, "", "haraka", 0, "[NOTICE] [-] [server] Listening" },
    { "2026-11-23T09:07:12.057Z level=INFO uuid=- origin=server message=x", NOW + 57000, "", "haraka", 0,
      "level=INFO uuid=- origin=server message=x" },
    { "2026-11-23T09:07:12.057Z {\"level\":\"INFO\",\"uuid\":\"-\"}", NOW + 57000, "", "haraka", 0,
      "{\"level\":\"INFO\",\"uuid\":\"-\"}" },
    { "2026-11-23T09:07:12.057Z,MX01\\Default MX01,08DE,0,192.0.2.1:25,192.0.2.2:4,+,,", NOW + 57000, "", "exchange", 0,
      "MX01\\Default MX01,08DE,0,192.0.2.1:25,192.0.2.2:4,+,," },
    { "2026-11-23T09:07:12.057Z mx,a postfix/smtpd[1]: x", NOW + 57000, "mx,a", "postfix/smtpd", 1, "x" },
    { BOM "#Software: Microsoft Exchange Server", USEC_NONE, "", "exchange", 0, "#Software: Microsoft Exchange Server" },
    { "#Software: Microsoft Internet Information Services 10.0", NONE },
    /* past syslog; `tai64nlocal` says 2026-11-23 09:07:12.057203500 */
    { "@400000006b04024a0368e46c tcpserver: ok 1 mx:192.0.2.10:25 :192.0.2.1::5",
      NOW + 57205, "", "tcpserver", 0, "ok 1 mx:192.0.2.10:25 :192.0.2.1::5" },
    { "@400000006b04024a0368e46c new msg 1287386", NOW + 57205, "", "qmail-send", 0, "new msg 1287386" },
    { "@400000006b04024a0368e46c status: local 0/10", NOW + 57205, "", "qmail-send", 0, "status: local 0/10" },
    { "@400000006b04024a0368e46c delivery of nothing", NOW + 57205, "", "", 0, "delivery of nothing" },
    { "@400000006b04024a0368e46c 22078 < EHLO a\r ", NOW + 57205, "", "recordio", 0, "22078 < EHLO a\r " },
    { "@400000006b04024a0368e46c simscan:[14]:CLEAN (0.1)", NOW + 57205, "", "simscan", 0, "simscan:[14]:CLEAN (0.1)" },
    { "@400000006b04024a3b9aca00 x", NONE },
    { "@400000006b04024g0368e46c x", NONE },
    { "@400000006b04024a0368e46c", NONE },
    { "@3fffffffffffffff00000000 x", NONE },
    { "2026-11-23 09:07:12.057203500 tcpserver: pid 1 from 192.0.2.1", NOW + 57203, "", "tcpserver", 0, "pid 1 from 192.0.2.1" },
    { "2026-11-23 09:07:12.057203500 end msg 1287386", NOW + 57203, "", "qmail-send", 0, "end msg 1287386" },
    { "2026-11-23 09:07:12 delivery postfix/smtpd[1]: a host", NOW, "delivery", "postfix/smtpd", 1, "a host" },
    /* Exim's mainlog: log_selector = +millisec +pid, log_timezone */
    { "2026-11-23 09:07:12 1xVPn9-00073A-2L Completed", NOW, "", "exim", 0, "1xVPn9-00073A-2L Completed" },
    { "2026-11-23 09:07:12 1rAbCd-000000073A7-1Y2z <= a", NOW, "", "exim", 0, "1rAbCd-000000073A7-1Y2z <= a" },
    { "2026-11-23 09:07:12.057 [12] SMTP connection from [192.0.2.1]", NOW + 57000, "", "exim", 0,
      "[12] SMTP connection from [192.0.2.1]" },
    { "2026-11-23 10:07:12.057 +0100 H=(x) [192.0.2.1] rejected", NOW + 57000, "", "exim", 0, "H=(x) [192.0.2.1] rejected" },
    { "2026-11-23 05:07:12 -0400 Start queue run: pid=27057", NOW, "", "exim", 0, "Start queue run: pid=27057" },
    { "2026-11-23 09:07:12 LOGIN authenticator failed for [192.0.2.1]: x", NOW, "", "exim", 0,
      "LOGIN authenticator failed for [192.0.2.1]: x" },
    { "2026-11-23 09:07:12 rejected-1 postfix/smtpd[1]: a host", NOW, "rejected-1", "postfix/smtpd", 1, "a host" },
    { "Nov 23 09:07:12 mx qmail: 1795424832.057203 new msg 1287386", NOW, "mx", "qmail-send", 0, "new msg 1287386" },
    { "Nov 23 09:07:12 mx smtpd: 1795424832.057203 tcpserver: end 1 status 0", NOW, "mx", "tcpserver", 0, "end 1 status 0" },
    /* journalctl -o short-full, short-unix */
    { "Mon 2026-11-23 10:07:12 CET mx postfix/smtpd[1]: x", NOW, "mx", "postfix/smtpd", 1, "x" },
    { "Mon 2026-11-23 09:07:12.057203 UTC mx postfix/smtpd[1]: x", NOW + 57203, "mx", "postfix/smtpd", 1, "x" },
    { "Mon 2026-11-23 04:07:12 EST mx postfix/smtpd[1]: x", NOW, "mx", "postfix/smtpd", 1, "x" },
    { "Mon 2026-11-23 12:07:12 +03 mx postfix/smtpd[1]: x", NOW, "mx", "postfix/smtpd", 1, "x" },
    { "Mon 2026-11-23 14:52:12 +0545 mx postfix/smtpd[1]: x", NOW, "mx", "postfix/smtpd", 1, "x" },
    { "Mon 2026-11-23 09:07:12 XYZT mx postfix/smtpd[1]: x", NOW, "mx", "postfix/smtpd", 1, "x" },
    { "Mon 2026-11-23 09:07:12 mx postfix/smtpd[1]: x", NONE },
    { "Mon 2026-11-23 09:07:12 +9999 mx postfix/smtpd[1]: x", NONE },
    { "1795424832.057203 mx postfix/smtpd[1]: x", NOW + 57203, "mx", "postfix/smtpd", 1, "x" },
    { "179542483.057203 mx postfix/smtpd[1]: x", NONE },
    { "2026-11-23 09:07:12,057 mx postfix/smtpd[1]: x", NOW + 57000, "mx", "postfix/smtpd", 1, "x" },
    { "2026-11-23T09:07:12,057+00:00 mx postfix/smtpd[1]: x", NOW + 57000, "mx", "postfix/smtpd", 1, "x" },
    { "2026-11-23T09:07:12 mx postfix/smtpd[1]: x", NOW, "mx", "postfix/smtpd", 1, "x" },
    /* seconds since 1970 */
    { "1795424832 mx postfix/smtpd[1]: x", NOW, "mx", "postfix/smtpd", 1, "x" },
    { "1795424832.5 mx postfix/smtpd[1]: x", NOW + 500000, "mx", "postfix/smtpd", 1, "x" },
    { "1795424832.057203500 tcpserver: pid 1 from 192.0.2.1", NOW + 57203, "", "tcpserver", 0, "pid 1 from 192.0.2.1" },
    { "1795424832057 mx postfix/smtpd[1]: x", NOW + 57000, "mx", "postfix/smtpd", 1, "x" },
    { "1795424832 new msg 1287386", NOW, "", "qmail-send", 0, "new msg 1287386" },
    { "<22>1795424832 mx postfix/smtpd[1]: x", NOW, "mx", "postfix/smtpd", 1, "x" },
    { "179542483 mx postfix/smtpd[1]: x", NONE },
    { "17954248320 mx postfix/smtpd[1]: x", NONE },
    { "1795424832", NONE },
    { "1795424832.", NONE },
    { "179542483205 mx postfix/smtpd[1]: x", NONE },
    /* RFC 5424 */
    { "<22>1 2026-11-23T09:07:12.057203Z mx postfix/smtpd 15649 - - connect",
      NOW + 57203, "mx", "postfix/smtpd", 15649, "connect" },
    { "1 2026-11-23T09:07:12.057203Z mx postfix/smtpd 15649 ID47 - connect",
      NOW + 57203, "mx", "postfix/smtpd", 15649, "connect" },
    { "<22>1 2026-11-23T09:07:12Z mx postfix/smtpd 1 - -  connect", NOW, "mx", "postfix/smtpd", 1, "connect" },
    { "<22>1 2026-11-23T09:07:12Z mx postfix/smtpd 1 - - " BOM "connect", NOW, "mx", "postfix/smtpd", 1, "connect" },
    { "<22>1 2026-11-23T09:07:12Z mx postfix/smtpd 1 - [a b=\"]\\\"] \"][c@32473 d=\"\\]\"] connect",
      NOW, "mx", "postfix/smtpd", 1, "connect" },
    { "<22>1 2026-11-23T09:07:12Z - - - - -", NOW, "", "", 0, "" },
    { BOM "2026-11-23T09:07:12Z mx postfix/smtpd[1]: x", NOW, "mx", "postfix/smtpd", 1, "x" },
    /* no time stamp */
    { "", NONE },
    { " ", NONE },
    { "Nov", NONE },
    { "Nov 23 09:07:12", NONE },
    { "Nov 23 09:07:1x mx a: b", NONE },
    { "Nov 23 24:07:12 mx a: b", NONE },
    { "Nov 32 09:07:12 mx a: b", NONE },
    { "Nov  0 09:07:12 mx a: b", NONE },
    { "Foo 23 09:07:12 mx a: b", NONE },
    { "2026-13-23T09:07:12Z mx a: b", NONE },
    { "2026-11-23T09:07:12", NONE },
    { "2026-11-23T09:07:12+1 mx a: b", NONE },
    { "2026-11-23T09:07:12+01:0", NONE },
    { "<22>1 2026-11-23T09:07:12Z mx postfix/smtpd 1 - [a b=\"]", NONE },
    { "<22>1 2026-11-23T09:07:12Z mx postfix/smtpd 1", NONE },
    { "<22>1 - mx postfix/smtpd 1 - - no time", NONE },
    { "192.0.2.1 - - [23/Nov/2026:09:07:12 +0000] \"GET / HTTP/1.1\" 200 1", NONE },
    /* clang-format on */
};
enum { ROWS = sizeof rows / sizeof *rows };

static void expect(const struct row *row, bool parsed, const struct line *line)
{
    if (!row->program) {
        ck_assert_msg(!parsed, "%s: has no time stamp", row->line);
        return;
    }
    ck_assert_msg(parsed, "%s: not understood", row->line);
    /* Of a line that has none, it is the time of the line before. */
    ck_assert_msg(line->at == row->at || row->at == USEC_NONE, "%s: at %lld, not %lld", row->line,
                  (long long)line->at, (long long)row->at);
    ck_assert_msg(str_eq(line->host, str_of(row->host)), "%s: host %.*s", row->line, STR_ARG(line->host));
    ck_assert_msg(str_eq(line->program, str_of(row->program)), "%s: program %.*s", row->line,
                  STR_ARG(line->program));
    ck_assert_msg(str_eq(line->text, str_of(row->text)), "%s: text %.*s", row->line, STR_ARG(line->text));
    ck_assert_uint_eq(line->pid, row->pid);
}

/* The line as the only one: exactly as many bytes as it has, so that reading behind it is seen. */
static bool parse_alone(struct syslog *syslog, const char *text, struct line *line, char **bytes)
{
    size_t len = strlen(text);
    *bytes = malloc(len ? len : 1);
    memcpy(*bytes, text, len);
    return syslog_parse(syslog, (struct str){ *bytes, len }, line);
}

START_TEST(each_form)
{
    struct syslog syslog;
    struct line line = { 0 };
    char *bytes = NULL;
    syslog_begin(&syslog, USEC_NONE, 2026);
    bool parsed = parse_alone(&syslog, rows[_i].line, &line, &bytes);
    expect(&rows[_i], parsed, &line);
    ck_assert(!parsed || rows[_i].at != USEC_NONE || line.at == USEC_NONE);
    free(bytes);
}
END_TEST

/* Any line after any other: what is remembered of one must not show in the next. */
START_TEST(each_form_after_each_other)
{
    for (size_t i = 0; i < ROWS; i++) {
        struct syslog syslog;
        struct line line = { 0 };
        char *bytes = NULL;
        syslog_begin(&syslog, NOW, 0);
        parse_alone(&syslog, rows[i].line, &line, &bytes);
        free(bytes);
        syslog.last = NOW; /* years are test_years.c's */
        for (int again = 0; again < 2; again++) {
            bool parsed = parse_alone(&syslog, rows[_i].line, &line, &bytes);
            expect(&rows[_i], parsed, &line);
            free(bytes);
            if (again == 0)
                syslog.last = NOW;
        }
    }
}
END_TEST

/* Beginnings of a line, byte by byte: taken or not, but never read beyond. */
START_TEST(cut_anywhere)
{
    size_t len = strlen(rows[_i].line);
    for (size_t n = 0; n < len; n++) {
        struct syslog syslog;
        struct line line = { 0 };
        char *bytes = malloc(n ? n : 1);
        memcpy(bytes, rows[_i].line, n);
        syslog_begin(&syslog, USEC_NONE, 2026);
        for (int again = 0; again < 2; again++)
            if (syslog_parse(&syslog, (struct str){ bytes, n }, &line)) {
                ck_assert(line.text.at >= bytes);
                ck_assert(line.text.at + line.text.len <= bytes + n);
            }
        free(bytes);
    }
}
END_TEST

START_TEST(zone_that_changes)
{
    struct syslog syslog;
    struct line line = { 0 };
    syslog_begin(&syslog, USEC_NONE, 2026);
    ck_assert(syslog_parse(&syslog, STR("2026-10-25T02:59:59+02:00 mx a[1]: summer time"), &line));
    ck_assert_int_eq(line.at, AT(1792889999, 0));
    ck_assert(syslog_parse(&syslog, STR("2026-10-25T02:00:00+01:00 mx a[1]: winter time"), &line));
    ck_assert_int_eq(line.at, AT(1792890000, 0));
    ck_assert(syslog_parse(&syslog, STR("2026-10-25T02:00:00+02:00 mx a[1]: summer time"), &line));
    ck_assert_int_eq(line.at, AT(1792886400, 0));
}
END_TEST

static unsigned asked;
static bool is_smtpd(struct str program)
{
    asked++;
    return str_ends(program, STR("/smtpd"));
}
static bool is_any_postfix(struct str program)
{
    return str_starts(program, STR("postfix"));
}
static const struct dialect smtpd = { .name = "smtpd", .recognise = is_smtpd };
static const struct dialect postfix = { .name = "postfix", .recognise = is_any_postfix };

START_TEST(programs_are_asked_once)
{
    static const struct dialect *const table[] = { &smtpd, &postfix, NULL };
    static struct programs programs;
    programs_begin(&programs, table);
    asked = 0;
    for (int i = 0; i < 10; i++) {
        ck_assert_ptr_eq(programs_dialect(&programs, STR("postfix/smtpd")), &smtpd);
        ck_assert_ptr_eq(programs_dialect(&programs, STR("")), NULL);
    }
    ck_assert_uint_eq(asked, 1);
    ck_assert_ptr_eq(programs_dialect(&programs, STR("postfix/qmgr")), &postfix);
    /* More tags than there is room for, too long ones among them. */
    for (int i = 0; i < 2000; i++) {
        char tag[100];
        int len = snprintf(tag, sizeof tag, "%s%d%s", i % 2 ? "postfix/" : "spam", i,
                           i % 3 ? "" : "............................................................");
        ck_assert_ptr_eq(programs_dialect(&programs, (struct str){ tag, (size_t)len }),
                         i % 2 ? &postfix : NULL);
    }
    ck_assert_ptr_eq(programs_dialect(&programs, STR("postfix/smtpd")), &smtpd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("syslog");
    TCase *t = tcase_create("syslog");
    tcase_add_loop_test(t, each_form, 0, ROWS);
    tcase_add_loop_test(t, each_form_after_each_other, 0, ROWS);
    tcase_add_loop_test(t, cut_anywhere, 0, ROWS);
    tcase_add_test(t, zone_that_changes);
    tcase_add_test(t, programs_are_asked_once);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Every shape of a line that the filters' dialects know, each with its source: which dialect it is, how it is
 * taken beside a Postfix session whose message it is about, and what evidence comes of it. "run" is a line
 * that the program wrote when it was run (rspamd 3.4, amavis 2.13, spamd 4.0.1, sqlgrey 1.8.0,
 * milter-greylist 4.3.3), addresses and ids changed; else the place in its source that writes it. */
#define _GNU_SOURCE
#include <check.h>
#include <stdlib.h>

#include "collect/builder.h"
#include "collect/programs.h"
#include "tests/lib/session_text.h"

#define RSPAMD "<c1b63d>; task; rspamd_task_write_log: id: <1@a.test>, qid: <6760916E5B2>, ip: 198.51.100.4, "
#define LEN    ", len: 350, time: 141.464ms, dns req: 20, digest: <fb4d49449785090ee7600649178a7a63>"
#define AMAVIS " {RelayedInbound}, [198.51.100.4]:41003 [198.51.100.4] <s@a.test> -> <bob@lab.test>"
#define KNOWN  ", Queue-ID: 6760916E5B2, Message-ID: <1@a.test>, mail_id: An9wsFmvI9ic"
#define RESULT                                                                                               \
    "scantime=0.4,size=350,user=nobody,uid=65534,required_score=5.0,rhost=localhost,raddr=127.0.0.1,rport="  \
    "36510,mid=<1@"                                                                                          \
    "a.test>,autolearn=no autolearn_force=no"
#define TUPLE  "198.51.100(198.51.100.4), s@a.test -> bob@lab.test"
#define CLIENT "a.test[198.51.100.4]"

static const struct row {
    const char *source, *program, *text, *dialect;
    enum taken taken;
    const char *evidence; /* lines of it, or "" */
} rows[] = {
    /* rspamd: each action, with and without each field (conf/logging.inc) */
    { "run", "rspamd",
      RSPAMD "from: <s@a.test>, (default: F (no action): [-1.95/15.00] [MIME_GOOD(-0.10){text/plain;}])" LEN
             ", rcpts: <bob@lab.test,carol@lab.test>, mime_rcpts: <bob@lab.test>",
      "rspamd", TAKEN, "spam no of 0 a=-1950 b=15000 \"MIME_GOOD(-0.10){text/plain;}\"\n" },
    { "run", "rspamd", RSPAMD "from: <s@a.test>, (default: T (greylist): [4.80/15.00] [])" LEN, "rspamd",
      TAKEN, "spam no of 0 a=4800 b=15000 \"\"\n" },
    { "run", "rspamd", RSPAMD "from: <s@a.test>, (default: T (add header): [7.00/15.00] [])" LEN, "rspamd",
      TAKEN, "spam no of 0 a=7000 b=15000 \"\"\n" },
    { "actions.conf", "rspamd", RSPAMD "(default: T (rewrite subject): [8.00/15.00] [])" LEN, "rspamd", TAKEN,
      "spam no of 0 a=8000 b=15000 \"\"\n" },
    { "actions.conf", "rspamd", RSPAMD "(default: T (soft reject): [4.00/15.00] [])" LEN, "rspamd", TAKEN,
      "spam no of 0 a=4000 b=15000 \"\"\n" },
    { "run", "rspamd",
      RSPAMD "user: authuser, from: <s@a.test>, (default: S (reject): [15.00/15.00] [GTUBE(0.00){}])" LEN
             ", forced: reject \"Gtube pattern\"; score=15.00 (set by GTUBE)",
      "rspamd", TAKEN, "spam yes of 0 a=15000 b=15000 \"GTUBE(0.00){}\"\n" },
    { "task.c, RSPAMD_LOG_SCORES", "rspamd", RSPAMD "(default: T (reject): [3.00/nan] [])" LEN, "rspamd",
      TAKEN, "spam yes of 0 a=3000 b=none \"\"\n" },
    { "run", "rspamd",
      "<c4b4b7>; task; rspamd_task_write_log: id: <1@a.test>, ip: 2001:db8:a::1, from: <x>, y@a.test>, "
      "(default: T (add header): [7.30/15.00] [R_SPF_NA(0.00){no SPF record;}])" LEN,
      "rspamd", TAKEN,
      "spam no of 0 a=7300 b=15000 \"R_SPF_NA(0.00){no SPF record;}\"\nspf no of 0 <a.test> \"none\"\n" },
    { "task.c, without scores and options", "rspamd",
      RSPAMD "from: <s@a.test>, (default: F (no action): [1.00/15.00] [R_SPF_FAIL,DMARC_POLICY_REJECT])" LEN,
      "rspamd", TAKEN,
      "spam no of 0 a=1000 b=15000 \"R_SPF_FAIL,DMARC_POLICY_REJECT\"\nspf no of 0 <a.test> \"fail\"\ndmarc "
      "no of 0 \"fail\"\n" },
    { "policies_group.conf", "rspamd",
      RSPAMD "from: <s@a.test>, (default: F (no action): [1.00/15.00] "
             "[R_SPF_ALLOW(-0.20){+ip4:198.51.100.0/"
             "24;},R_DKIM_TEMPFAIL(0.00){a.test:s=x;},DMARC_POLICY_ALLOW(-0.50){a.test;reject;}])" LEN,
      "rspamd", TAKEN,
      "spam no of 0 a=1000 b=15000 "
      "\"R_SPF_ALLOW(-0.20){+ip4:198.51.100.0/"
      "24;},R_DKIM_TEMPFAIL(0.00){a.test:s=x;},DMARC_POLICY_ALLOW(-0.50){a.test;reject;}\"\n"
      "dkim unknown of 0 <a.test> \"temperror\"\nspf yes of 0 <a.test> \"pass\"\ndmarc yes of 0 <a.test> "
      "\"pass\"\n" },
    { "policies_group.conf", "rspamd",
      RSPAMD "from: <s@a.test>, (default: F (no action): [1.00/15.00] "
             "[R_SPF_DNSFAIL(0.00){},R_DKIM_PERMFAIL(0.00){a.test:s=x;},DMARC_DNSFAIL(0.00){a.test : query "
             "error;}])" LEN,
      "rspamd", TAKEN,
      "spam no of 0 a=1000 b=15000 "
      "\"R_SPF_DNSFAIL(0.00){},R_DKIM_PERMFAIL(0.00){a.test:s=x;},DMARC_DNSFAIL(0.00){a.test : query "
      "error;}\"\n"
      "dkim no of 0 <a.test> \"permerror\"\nspf unknown of 0 <a.test> \"temperror\"\ndmarc unknown of 0 "
      "<a.test> \"temperror\"\n" },
    { "rbl.conf", "rspamd",
      RSPAMD
      "(default: F (no action): [1.00/15.00] "
      "[RBL_SENDERSCORE(2.00){198.51.100.4:from;},RBL_SEM_FAIL(0.00){x;},SPAMHAUS_ZEN_URIBL(1.00){y;}])" LEN,
      "rspamd", TAKEN,
      "spam no of 0 a=1000 b=15000 "
      "\"RBL_SENDERSCORE(2.00){198.51.100.4:from;},RBL_SEM_FAIL(0.00){x;},SPAMHAUS_ZEN_URIBL(1.00){y;}\"\n"
      "dnsbl yes of 0 <bl.score.senderscore.com>\n" },
    { "greylist.lua", "rspamd",
      RSPAMD "(default: F (no action): [1.00/15.00] [GREYLIST(0.00){pass;body;}])" LEN, "rspamd", TAKEN,
      "spam no of 0 a=1000 b=15000 \"GREYLIST(0.00){pass;body;}\"\ngreylist no of 0 a=-1 \"pass;body\"\n" },
    { "run", "rspamd",
      "<821ff1>; re_cache; rspamd_re_cache_load_hyperscan: full hyperscan database of 172 regexps has been "
      "loaded",
      "rspamd", PASSED, "" },

    /* amavis: each category, short and verbose (Amavis.pm, log_short_templ, log_verbose_templ) */
    { "run", "amavis",
      "(26927-01) Passed CLEAN" AMAVIS ",<carol@lab.test>" KNOWN
      ", Hits: 1.3, size: 362, queued_as: 7760916E501, 250 ms",
      "amavis", TAKEN, "virus no of 0\nspam no of 0 a=1300 b=none\n" },
    { "run", "amavis",
      "(27754-07) Passed SPAMMY {RelayedTaggedInbound,Quarantined}, [198.51.100.4]:41003 [198.51.100.4] "
      "ESMTP/ESMTP <s@a.test> -> <bob@lab.test>, ([198.51.100.4]:41003), quarantine: badh-GszbmpNYw6rI" KNOWN
      ", b: upjhK4TTx, Hits: 4.039, size: 369, queued_as: 7760916E509, Subject: \"hello\", From: <s@a.test>, "
      "helo=a.test, Tests: [MISSING_DATE=2.739,RCVD_ILLEGAL_IP=1.3], autolearn=no autolearn_force=no, "
      "autolearnscore=4.039, 54 ms",
      "amavis", TAKEN,
      "virus no of 0\nspam no of 0 a=4039 b=none \"MISSING_DATE=2.739,RCVD_ILLEGAL_IP=1.3\"\n" },
    { "log_short_templ", "amavis",
      "(1-01) Blocked SPAM" AMAVIS ", quarantine: q" KNOWN ", Hits: 17.125, size: 362, 180 ms", "amavis",
      TAKEN, "virus no of 0\nspam yes of 0 a=17125 b=none\n" },
    { "log_short_templ", "amavis",
      "(1-01) Passed SPAM" AMAVIS KNOWN ", Hits: 17.125, size: 362, queued_as: 7760916E501, 180 ms", "amavis",
      TAKEN, "virus no of 0\nspam yes of 0 a=17125 b=none\n" },
    { "log_short_templ", "amavis",
      "(1-01) Blocked INFECTED (Eicar-Test-Signature)" AMAVIS KNOWN ", Hits: -, size: 362, 180 ms", "amavis",
      TAKEN, "virus yes of 0 \"Eicar-Test-Signature\"\n" },
    { "run", "amavis",
      "(27754-08) Blocked BANNED (application/octet-stream,a.exe)" AMAVIS KNOWN ", Hits: -, size: 506, 12 ms",
      "amavis", TAKEN, "virus no of 0\n" },
    { "log_short_templ", "amavis", "(1-01) Passed BAD-HEADER-2" AMAVIS KNOWN ", Hits: 0, size: 506, 12 ms",
      "amavis", TAKEN, "virus no of 0\nspam no of 0 b=none\n" },
    { "amavisd-new 2.6, log_templ", "amavis",
      "(1-01) Passed BAD-HEADER, [198.51.100.4] [198.51.100.4] <s@a.test> -> <bob@lab.test>, Message-ID: "
      "<1@a.test>, mail_id: x, Hits: 0.5, size: 506, queued_as: 7760916E501, 12 ms",
      "amavis", TAKEN, "virus no of 0\nspam no of 0 a=500 b=none\n" },
    { "log_short_templ", "amavis", "(1-01) Passed UNCHECKED" AMAVIS KNOWN ", Hits: -, size: 506, 12 ms",
      "amavis", TAKEN, "virus unknown of 0\n" },
    { "run", "amavis", "(26927-05) Blocked MTA-BLOCKED" AMAVIS KNOWN ", Hits: 1.3, size: 362, 68 ms",
      "amavis", TAKEN, "virus no of 0\nspam no of 0 a=1300 b=none\n" },
    { "log_short_templ", "amavis", "(1-01) Passed OVERSIZED" AMAVIS KNOWN ", Hits: -, size: 506, 12 ms",
      "amavis", TAKEN, "virus no of 0\n" },
    { "Amavis.pm, dkim sig_sd", "amavis",
      "(1-01) Passed CLEAN" AMAVIS KNOWN ", Hits: -1, size: 506, dkim_sd=mail:a.test, 12 ms", "amavis", TAKEN,
      "virus no of 0\nspam no of 0 a=-1000 b=none\ndkim yes of 0 <a.test> \"pass\"\n" },
    { "run", "amavis",
      "(26927-01) Passed CLEAN, <s@a.test> -> <bob@lab.test>, Hits: 1.3, tag=-999, tag2=4, kill=100, "
      "queued_as: 7760916E501, L/Y/0/0",
      "amavis", PASSED, "" },
    { "run", "amavis", "No $altermime,         not using it", "amavis", PASSED, "" },

    /* SpamAssassin */
    { "run", "spamd", "spamd: checking message <1@a.test> for nobody:65534", "spamassassin", TAKEN, "" },
    { "run", "spamd", "spamd: processing message (unknown) for (unknown):65534", "spamassassin", PASSED, "" },
    { "spamd.raw, aka", "spamd", "spamd: processing message <1@a.test> aka <2@a.test> for nobody:65534",
      "spamassassin", TAKEN, "" },
    { "run", "spamd", "spamd: clean message (1.3/5.0) for nobody:65534 in 0.4 seconds, 350 bytes.",
      "spamassassin", PASSED, "" },
    { "run", "spamd", "spamd: result: .  1 - RCVD_ILLEGAL_IP " RESULT, "spamassassin", TAKEN,
      "spam no of 0 a=1000 b=5000 \"RCVD_ILLEGAL_IP\"\n" },
    { "run", "spamd", "spamd: result: Y 1001 - GTUBE,RCVD_ILLEGAL_IP " RESULT, "spamassassin", TAKEN,
      "spam yes of 0 a=1001000 b=5000 \"GTUBE,RCVD_ILLEGAL_IP\"\n" },
    { "spamd.raw, no test hit", "spamd", "spamd: result: .  0 -  " RESULT, "spamassassin", TAKEN,
      "spam no of 0 b=5000 \"\"\n" },
    { "run", "spamd", "prefork: child states: IB", "spamassassin", PASSED, "" },
    { "spampd.pl", "spampd",
      "clean message <1@a.test> (1.20/5.00) from <s@a.test> for <bob@lab.test> in 1.20s, 1234 bytes.",
      "spamassassin", TAKEN, "spam no of 0 a=1200 b=5000\n" },
    { "spampd.pl", "spampd",
      "identified spam <1@a.test> (7.20/5.00) from <s@a.test> for <bob@lab.test> in 1.20s, 1234 bytes.",
      "spamassassin", TAKEN, "spam yes of 0 a=7200 b=5000\n" },
    { "spampd.pl", "spampd", "rules hit for <1@a.test>: A,B", "spamassassin", PASSED, "" },

    /* OpenBSD's spamd: sessions of its own */
    { "spamd.c, main", "spamd", "203.0.113.7: connected (2/1), lists: spews1", "openbsd-spamd", TAKEN,
      "dnsbl yes <spews1>\n" },
    { "spamd.c, main", "spamd", "203.0.113.7: connected (1/0)", "openbsd-spamd", TAKEN, "" },
    { "spamd.c, nextstate", "spamd", "(GREY) 203.0.113.7: <s@a.test> -> <bob@lab.test>", "openbsd-spamd",
      TAKEN, "greylist yes of 0.0 <bob@lab.test> a=-1\n" },
    { "spamd.c, nextstate", "spamd", "(BLACK) 203.0.113.7: <s@a.test> -> <bob@lab.test>", "openbsd-spamd",
      TAKEN, "" },
    { "spamd.c, nextstate", "spamd", "203.0.113.7: Subject: x", "openbsd-spamd", PASSED, "" },
    { "spamd.c, closecon", "spamd", "203.0.113.7: disconnected after 404 seconds. lists: spews1",
      "openbsd-spamd", TAKEN, "dnsbl yes <spews1>\n" },
    { "grey.c, greyupdate", "spamd", "new entry 203.0.113.7 from <s@a.test> to <bob@lab.test>, helo a.test",
      "openbsd-spamd", PASSED, "" },
    { "grey.c, greyscan", "spamd", "whitelisting 203.0.113.7 in /var/db/spamd", "openbsd-spamd", PASSED, "" },
    { "grey.c, twupdate", "spamd", "new TRAP from 192.0.2.1 for 203.0.113.7, expires 1795424832",
      "openbsd-spamd", PASSED, "" },
    { "spamlogd.c, logpkt_handler", "spamlogd", "inbound 203.0.113.7", "openbsd-spamd", PASSED, "" },

    /* milter-greylist: Sendmail's queue ids are not known yet, a Postfix session is known by its client */
    { "run", "milter-greylist",
      "6AN8sd7S028381: addr " CLIENT " from <s@a.test> to <bob@lab.test> delayed for 00:00:20 (ACL 14(none))",
      "milter-greylist", PASSED, "" },
    { "milter-greylist.c", "milter-greylist",
      "6760916E5B2: addr " CLIENT " from <s@a.test> to <bob@lab.test> delayed for 00:05:00 (ACL 14)",
      "milter-greylist", TAKEN,
      "greylist yes of 0 <bob@lab.test> a=300000000 \"delayed for 00:05:00 (ACL 14)\"\n" },
    { "milter-greylist.c", "milter-greylist",
      "6760916E5B2: addr " CLIENT " from <> to <bob@lab.test> delayed after DATA phase for 00:05:00",
      "milter-greylist", TAKEN,
      "greylist yes of 0 <bob@lab.test> a=300000000 \"delayed after DATA phase for 00:05:00\"\n" },
    { "run", "milter-greylist",
      "6760916E5B2: addr 198.51.100.4 from <s@a.test> rcpt <bob@lab.test>: autowhitelisted for another "
      "00:05:00",
      "milter-greylist", TAKEN,
      "greylist no of 0 <bob@lab.test> a=-1 \"autowhitelisted for another 00:05:00\"\n" },
    { "autowhite.c", "milter-greylist",
      "6760916E5B2: addr 198.51.100.4 from <s@a.test> rcpt <bob@lab.test>: autowhitelisted for more 24:00:00",
      "milter-greylist", TAKEN,
      "greylist no of 0 <bob@lab.test> a=-1 \"autowhitelisted for more 24:00:00\"\n" },
    { "run", "milter-greylist",
      "6760916E5B2: skipping greylist because address 198.51.100.4 is whitelisted, (from==sent\"@a.test>, "
      "rcpt=<\"bob\"@lab.test>, addr=" CLIENT ") ACL 12(none)",
      "milter-greylist", TAKEN,
      "greylist no of 0 <\"bob\"@lab.test> a=-1 \"address 198.51.100.4 is whitelisted\"\n" },
    { "run", "milter-greylist",
      "6760916E5B2: addr " CLIENT " from <s@a.test> to <bob@lab.test> blacklisted (ACL 13(none))",
      "milter-greylist", PASSED, "" },
    { "milter-greylist.c", "milter-greylist",
      "(unknown id): addr " CLIENT " from <s@a.test> to <bob@lab.test> delayed for 00:05:00 (ACL 14)",
      "milter-greylist", TAKEN,
      "greylist yes of 1.0 <bob@lab.test> a=300000000 \"delayed for 00:05:00 (ACL 14)\"\n" },
    { "milter-greylist.c", "milter-greylist", "smfi_main() returned 0", "milter-greylist", PASSED, "" },

    /* sqlgrey */
    { "run", "sqlgrey", "grey: new: " TUPLE, "sqlgrey", TAKEN,
      "greylist yes of 1.0 <bob@lab.test> a=-1 \"new\"\n" },
    { "run", "sqlgrey", "grey: early reconnect: " TUPLE, "sqlgrey", TAKEN,
      "greylist yes of 1.0 <bob@lab.test> a=-1 \"early reconnect\"\n" },
    { "run", "sqlgrey", "grey: reconnect ok: " TUPLE " (62)", "sqlgrey", TAKEN,
      "greylist no of 1.0 <bob@lab.test> a=62000000 \"reconnect ok\"\n" },
    { "sqlgrey, get_reconnect_delay", "sqlgrey", "grey: reconnect ok: " TUPLE " (00:05:12)", "sqlgrey", TAKEN,
      "greylist no of 1.0 <bob@lab.test> a=312000000 \"reconnect ok\"\n" },
    { "sqlgrey, smtpd_access_policy", "sqlgrey", "grey: throttling: " TUPLE, "sqlgrey", TAKEN,
      "greylist yes of 1.0 <bob@lab.test> a=-1 \"throttling\"\n" },
    { "run", "sqlgrey", "grey: from awl match: updating 198.51.100(198.51.100.4), s@a.test(s@a.test)",
      "sqlgrey", TAKEN, "greylist no of 1 a=-1 \"from awl match\"\n" },
    { "run", "sqlgrey", "grey: domain awl match: updating 198.51.100(198.51.100.4), a.test", "sqlgrey", TAKEN,
      "greylist no of 1 a=-1 \"domain awl match\"\n" },
    { "run", "sqlgrey", "grey: domain awl: 198.51.100, a.test added", "sqlgrey", PASSED, "" },
    { "sqlgrey, smtpd_access_policy", "sqlgrey", "whitelist: s@a.test, 198.51.100.4(a.test) -> bob@lab.test",
      "sqlgrey", TAKEN, "greylist no of 1.0 <bob@lab.test> a=-1 \"whitelist\"\n" },
    { "run", "sqlgrey", "optin: greylisting active for bob@lab.test", "sqlgrey", PASSED, "" },
    { "run", "sqlgrey", "dbaccess: error: couldn't access config table: unable to open database file",
      "sqlgrey", PASSED, "" },

    /* ClamAV */
    { "clamfi.c, clamfi_eom", "clamav-milter",
      "Message 6760916E5B2 from <s@a.test> to <bob@lab.test> with subject 'x' message-id '<1@a.test>' date "
      "'y' infected by Eicar-Test-Signature",
      "clamav", TAKEN, "virus yes of 0 \"Eicar-Test-Signature\"\n" },
    { "clamfi.c, clamfi_eom", "clamav-milter",
      "Message from <s@a.test> to <bob@lab.test> infected by Eicar-Test-Signature", "clamav", PASSED, "" },
    { "clamd", "clamd", "instream(127.0.0.1@36510): Eicar-Test-Signature FOUND", "clamav", PASSED, "" },
};

static const char *const before[] = {
    "connect from a.test[198.51.100.4]",
    "6760916E5B2: client=a.test[198.51.100.4]",
    "6760916E5B2: message-id=<1@a.test>",
    "6760916E5B2: from=<s@a.test>, size=470, nrcpt=1 (queue active)",
};
static const char *const programs_before[] = { "postfix/smtpd", "postfix/smtpd", "postfix/cleanup",
                                               "postfix/qmgr" };

struct run {
    struct builder *builder;
    struct programs programs;
    struct line line;
};

static enum taken take(struct run *run, const char *program, const char *text, const char **dialect_name)
{
    run->line.program = str_of(program);
    run->line.text = str_of(text);
    run->line.pid = program[0] == 'p' ? 1 : 9;
    run->line.offset += 100;
    const struct dialect *dialect = programs_dialect_of(&run->programs, &run->line);
    ck_assert_ptr_nonnull(dialect);
    *dialect_name = dialect->name;
    return dialect->take(&run->line, run->builder);
}

/* The evidence in sessions as text, without the client's name's. */
static void pick_evidence(struct str text, char *to, size_t size)
{
    static const struct str kinds[] = { STR_INIT("spam "),    STR_INIT("virus "), STR_INIT("spf "),
                                        STR_INIT("dkim "),    STR_INIT("dmarc "), STR_INIT("dnsbl "),
                                        STR_INIT("greylist ") };
    struct str line;
    size_t len = 0;
    while (cut_until_char(&text, '\n', &line)) {
        line = str_trim(line);
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
            if (str_starts(line, kinds[i]))
                len += (size_t)snprintf(to + len, size - len, "%.*s\n", STR_ARG(line));
        ck_assert_uint_lt(len, size);
    }
    to[len] = '\0';
}

START_TEST(a_shape)
{
    const struct row *row = &rows[_i];
    char *found = NULL, evidence[4096];
    size_t len = 0;
    const char *name = NULL;
    FILE *to = open_memstream(&found, &len);
    struct sink sink = session_text_sink(to);
    struct run run = { .builder = builder_new(&sink, 1), .line = { .at = 0, .host = STR("mx"), .input = 1 } };
    programs_begin(&run.programs, dialects);
    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        ck_assert_int_eq(take(&run, programs_before[i], before[i], &name), TAKEN);
    enum taken taken = take(&run, row->program, row->text, &name);
    ck_assert_int_eq(builder_finish(run.builder, NULL), 0);
    builder_free(run.builder);
    fclose(to);
    pick_evidence((struct str){ found, len }, evidence, sizeof evidence);
    free(found);
    ck_assert_msg(strcmp(name, row->dialect) == 0, "%s's, not %s's: %s", name, row->dialect, row->text);
    ck_assert_msg(taken == row->taken, "taken as %d: %s", (int)taken, row->text);
    ck_assert_msg(strcmp(evidence, row->evidence) == 0, "%s (%s)\n--- expected\n%s--- found\n%s", row->text,
                  row->source, row->evidence, evidence);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("filter lines");
    TCase *tcase = tcase_create("shapes");
    tcase_add_loop_test(tcase, a_shape, 0, (int)(sizeof rows / sizeof *rows));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

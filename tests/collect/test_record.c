/* What a program logged, out of what it is wrapped in. The lines are what the runtimes write, with other
 * text: Docker 20 and 24 (docker logs -t, json-file; `<` and `>` are escaped by Go's encoder), Compose 1 and
 * 2, containerd, CRI-O, journalctl 252. Times were worked out with `date -u -d ... +%s`. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "collect/record.h"
#include "tests/lib/inputs.h"

#define NOW (1795424832 * USEC_SECOND + 57203) /* 2026-11-23T09:07:12.057203Z */

/* ---- Bytes to records. */

struct feed {
    struct str rest;
    size_t step;
};

static ssize_t feed_read(void *state, char *to, size_t size, struct why *why)
{
    struct feed *feed = state;
    size_t n = feed->step < size ? feed->step : size;
    (void)why;
    if (n > feed->rest.len)
        n = feed->rest.len;
    if (n)
        memcpy(to, feed->rest.at, n);
    feed->rest = str_skip(feed->rest, n);
    return (ssize_t)n;
}

/* What records said, a line each. */
struct said {
    char *text;
    size_t len, capacity, count;
    struct arena arena;
};

static void say(struct said *said, const struct record *record)
{
    char head[512];
    struct str program = record->program.at ? record->program : STR("-");
    int len =
        snprintf(head, sizeof head, "%llu %llu %lld %.*s %.*s %u %d ", (unsigned long long)record->offset,
                 (unsigned long long)record->number, record->at == USEC_NONE ? -1LL : (long long)record->at,
                 STR_ARG(record->host), STR_ARG(program), record->pid, record->cut);
    ck_assert_int_lt(len, (int)sizeof head);
    mem_room(said->text, said->capacity, said->len + (size_t)len + record->text.len + 2);
    memcpy(said->text + said->len, head, (size_t)len);
    said->len += (size_t)len;
    if (record->text.len)
        memcpy(said->text + said->len, record->text.at, record->text.len);
    said->len += record->text.len;
    said->text[said->len++] = '\n';
    said->text[said->len] = '\0';
    said->count++;
}

/* Reads `bytes` from `from` on; ends after `most` records, or behind them at the first place where it may.
 * Returns where reading goes on. */
static struct lines_place read_from(struct str bytes, struct lines_place from, size_t step, size_t most,
                                    struct said *said)
{
    struct feed feed = { str_skip(bytes, from.position), step };
    struct lines lines;
    struct records records;
    struct record record;
    size_t count = 0;
    lines_begin(&lines, feed_read, &feed, from.position, from.number);
    records_begin(&records, &lines, "/var/log/mail.log");
    while (records_next(&records, &record, NULL) == 1) {
        if (count++ >= most && records_are_whole(&records))
            break;
        say(said, &record);
        ck_assert_uint_lt(record.offset, lines.position);
        ck_assert_uint_le(record.text.len, LINE_MAX_BYTES);
    }
    struct lines_place place = records_place(&records);
    records_end(&records);
    lines_end(&lines);
    return place;
}

static const struct lines_place begin;

/* ---- One line. */

static const struct row {
    const char *line;
    usec at;
    const char *host, *text; /* NULL: the line as it is */
} rows[] = {
    /* clang-format off */
    { "Nov 23 09:07:12 mx postfix/smtpd[1]: x", USEC_NONE, "", NULL },
    { "2026-11-23T09:07:12.057203123Z mx postfix/smtpd[1]: x", USEC_NONE, "", NULL },
    { "2026-11-23T09:07:12.057203123Z postfix/smtpd[1]: x", USEC_NONE, "", NULL },
    { "2026-11-23T09:07:12Z stdout postfix/smtpd[1]: x", USEC_NONE, "", NULL },
    { "abc | 1", USEC_NONE, "abc", "1" },
    { "a|b", USEC_NONE, "", NULL },
    { "a b | c", USEC_NONE, "", NULL },
    { "2026-11-23 09:07:12 new msg 5", USEC_NONE, "", NULL },
    { "[pod/mail-0 postfix] x", USEC_NONE, "", NULL },
    /* Compose */
    { "postfix-1  | Nov 23 09:07:12 mx postfix/smtpd[1]: x", USEC_NONE, "postfix-1", "Nov 23 09:07:12 mx postfix/smtpd[1]: x" },
    { "\x1b[36mpostfix-1  | \x1b[0mNov 23 09:07:12 mx postfix/smtpd[1]: x",
      USEC_NONE, "postfix-1", "Nov 23 09:07:12 mx postfix/smtpd[1]: x" },
    { "\x1b[36mpostfix_1    |\x1b[0m Nov 23 09:07:12 mx a: x", USEC_NONE, "postfix_1", "Nov 23 09:07:12 mx a: x" },
    { "\x1b[38;5;6mpostfix-1 | \x1b[0mx", USEC_NONE, "postfix-1", "x" },
    { "postfix-1  | 2026-11-23T09:07:12.057203123Z Nov 23 09:07:12 mx a: x", NOW, "postfix-1", "Nov 23 09:07:12 mx a: x" },
    { "postfix-1  | 2026-11-23T09:07:12.057203123Z postfix/smtpd[1]: x",
      USEC_NONE, "postfix-1", "2026-11-23T09:07:12.057203123Z postfix/smtpd[1]: x" },
    { "postfix-1  | ", USEC_NONE, "postfix-1", "" },
    { "mail_postfix.1.kx2w@node1    | Nov 23 09:07:12 mx a: x", USEC_NONE, "mail_postfix.1.kx2w@node1", "Nov 23 09:07:12 mx a: x" },
    /* docker logs -t */
    { "2026-11-23T09:07:12.057203123Z Nov 23 09:07:12 mx a: x", NOW, "", "Nov 23 09:07:12 mx a: x" },
    { "2026-11-23T09:07:12.057203123Z 2026-11-23T09:07:12.057201+00:00 mx a: x", NOW, "", "2026-11-23T09:07:12.057201+00:00 mx a: x" },
    { "2026-11-23T09:07:12.057203123Z 2026-11-23 09:07:12 H=x", NOW, "", "2026-11-23 09:07:12 H=x" },
    { "2026-11-23T09:07:12.057203123Z @400000006b04024a0368e46c tcpserver: x", NOW, "", "@400000006b04024a0368e46c tcpserver: x" },
    /* json-file */
    { "{\"log\":\"Nov 23 09:07:12 mx a: \\u003cx\\u003e \\\"\\\\\\/\\t\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-23T09:07:12.057203123Z\"}",
      NOW, "", "Nov 23 09:07:12 mx a: <x> \"\\/\t" },
    { "{\"log\":\"x\\r\\n\",\"stream\":\"stderr\",\"attrs\":{\"env\":\"}\\\"\",\"tag\":\"mail\"},\"time\":\"2026-11-23T10:07:12.057203+01:00\"}",
      NOW, "mail", "x" },
    { "{\"log\":\"\\u00e9\\ud83d\\ude00\\ud83dx\\udc00\\u0e\\n\",\"time\":\"2026-11-23T09:07:12.057203123Z\"}",
      NOW, "", "\xC3\xA9\xF0\x9F\x98\x80\xEF\xBF\xBDx\xEF\xBF\xBD\xEF\xBF\xBD" "0e" },
    { " { \"time\" : \"2026-11-23T09:07:12.057203123Z\" , \"log\" : \"x\" , \"logtag\" : \"F\" }", USEC_NONE, "", NULL },
    { "{ \"time\" : \"2026-11-23T09:07:12.057203123Z\" , \"log\" : \"x\" , \"logtag\" : \"F\" }", NOW, "", "x" },
    { "{\"log\":\"x\",\"kubernetes\":{\"pod_name\":\"mail-0\",\"a\":[1,{}]},\"time\":\"2026-11-23T09:07:12.057203123Z\"}", NOW, "", "x" },
    { "{\"log\":5,\"time\":\"2026-11-23T09:07:12.057203123Z\"}", USEC_NONE, "", NULL },
    { "{\"log\":\"x\\n\",\"time\":", USEC_NONE, "", NULL },
    { "{\"message\":\"x\"}", USEC_NONE, "", NULL },
    { "mail-1  | {\"log\":\"x\\n\",\"time\":\"2026-11-23T09:07:12.057203123Z\"}", NOW, "mail-1", "x" },
    { "mail-1  | 2026-11-23T09:07:12.057203123Z {\"log\":\"x\\n\"}", NOW, "mail-1", "{\"log\":\"x\\n\"}" },
    { "2026-11-23T09:07:12.057203123Z {\"log\":\"x\\n\"}", NOW, "", "x" },
    { "{\"log\":\"{\\\"log\\\":\\\"x\\\\n\\\"}\\n\",\"time\":\"2026-11-23T09:07:12.057203123Z\"}", NOW, "", "{\"log\":\"x\\n\"}" },
    /* CRI */
    { "2026-11-23T09:07:12.057203123Z stdout F Nov 23 09:07:12 mx a: x", NOW, "", "Nov 23 09:07:12 mx a: x" },
    { "2026-11-23T10:07:12.057203123+01:00 stderr F:x x", NOW, "", "x" },
    { "2026-11-23T09:07:12.057203Z stdout F", NOW, "", "" },
    { "2026-11-23T09:07:12.057203Z stdout Foreign", USEC_NONE, "", NULL },
    { "[pod/mail-0/postfix] Nov 23 09:07:12 mx a: x", USEC_NONE, "mail-0", "Nov 23 09:07:12 mx a: x" },
    { "[pod/mail-0/postfix] 2026-11-23T09:07:12.057203123Z Nov 23 09:07:12 mx a: x", NOW, "mail-0", "Nov 23 09:07:12 mx a: x" },
    /* clang-format on */
};

START_TEST(one_line)
{
    const struct row *row = &rows[_i];
    char expected[1024], bytes[1024];
    struct said said = { 0 };
    snprintf(bytes, sizeof bytes, "%s\n", row->line);
    snprintf(expected, sizeof expected, "0 1 %lld %s - 0 0 %s\n",
             row->at == USEC_NONE ? -1LL : (long long)row->at, row->host, row->text ? row->text : row->line);
    read_from(str_of(bytes), begin, 1 << 20, SIZE_MAX, &said);
    ck_assert_str_eq(said.text, expected);
    free(said.text);
}
END_TEST

/* ---- Several lines. */

static void expect(const char *bytes, size_t len, const char *expected)
{
    for (size_t step = 1; step < 200; step += 66) {
        struct said said = { 0 };
        read_from((struct str){ bytes, len }, begin, step, SIZE_MAX, &said);
        ck_assert_str_eq(said.text ? said.text : "", expected);
        free(said.text);
    }
}

#define EXPECT(bytes, expected) expect(bytes, sizeof(bytes) - 1, expected)

START_TEST(pieces)
{
    EXPECT("2026-11-23T09:07:12.057203123Z stdout P Nov 23 09:0\n"
           "2026-11-23T09:07:12.057204123Z stderr F y\n"
           "2026-11-23T09:07:12.057205123Z stdout P 7:12 mx\n"
           "2026-11-23T09:07:12.057206123Z stdout F  a: x\n"
           "2026-11-23T09:07:12.057207123Z stdout F z\n",
           "52 2 1795424832057204  - 0 0 y\n"
           "0 1 1795424832057203  - 0 0 Nov 23 09:07:12 mx a: x\n"
           "188 5 1795424832057207  - 0 0 z\n");
    EXPECT(
        "{\"log\":\"Nov 23 09:0\",\"stream\":\"stdout\",\"time\":\"2026-11-23T09:07:12.057203123Z\"}\n"
        "{\"log\":\"7:12 mx a: x\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-23T09:07:12.057204123Z\"}\n",
        "0 1 1795424832057203  - 0 0 Nov 23 09:07:12 mx a: x\n");
    /* What the end of the input cuts off is for another time, unless what comes behind its beginning has been
     * read. */
    EXPECT("2026-11-23T09:07:12.057203123Z stdout P x\n", "");
    EXPECT("2026-11-23T09:07:12.057203123Z stdout P x\n"
           "2026-11-23T09:07:12.057204123Z stderr F y\n",
           "42 2 1795424832057204  - 0 0 y\n"
           "0 1 1795424832057203  - 0 0 x\n");
    EXPECT("mail-1  | x\nmail-1  | y", "0 1 -1 mail-1 - 0 0 x\n");
}
END_TEST

START_TEST(entries)
{
    EXPECT("__CURSOR=s=1;i=1\n__REALTIME_TIMESTAMP=1795424832057299\n_SOURCE_REALTIME_TIMESTAMP="
           "1795424832057203\n"
           "_HOSTNAME=mx\nSYSLOG_IDENTIFIER=postfix/smtpd\nSYSLOG_PID=15649\n_PID=2\nMESSAGE=connect from "
           "x=y\n\n"
           "__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1795424832057203\n_HOSTNAME=mx\n_COMM=postgrey\n_PID=2\n"
           "MESSAGE\n\x0b\0\0\0\0\0\0\0two\nlines\n\n\nBINARY\n\x0a\0\0\0\0\0\0\0__CURSOR=s\n\n"
           "__CURSOR=s=1;i=3\n__REALTIME_TIMESTAMP=1795424832057203\nMESSAGE=no host\n"
           "__CURSOR=s=1;i=4\n__REALTIME_TIMESTAMP=1795424832057203\nMESSAGE=no end\n"
           "Nov 23 09:07:12 mx a: x\n"
           "__CURSOR=s=1;i=5\n__REALTIME_TIMESTAMP=1795424832057203\nMESSAGE=cut off\n",
           "0 1 1795424832057203 mx postfix/smtpd 15649 0 connect from x=y\n"
           "194 10 1795424832057203 mx postgrey 2 0 two\nlines\n"
           "339 24 1795424832057203   0 0 no host\n"
           "410 27 1795424832057203   0 0 no end\n"
           "480 30 -1  - 0 0 Nov 23 09:07:12 mx a: x\n");
    EXPECT("{\"__REALTIME_TIMESTAMP\":\"1795424832057203\",\"MESSAGE\":[104,195,169],\"_HOSTNAME\":\"mx\","
           "\"SYSLOG_IDENTIFIER\":[\"postfix/smtpd\",\"b\"],\"_PID\":\"7\"}\n"
           "\x1e{\"MESSAGE\":null,\"__REALTIME_TIMESTAMP\":\"1795424832057203\",\"_COMM\":\"a\"}\n"
           "data: "
           "{\"MESSAGE\":\"x\",\"__REALTIME_TIMESTAMP\":\"1795424832057203\",\"CONTAINER_NAME\":\"mail\",\"_"
           "PID\":\"7\"}\n"
           "{\"MESSAGE\":\"Nov 23 09:07:12 mx a: x\",\"_TRANSPORT\":\"stdout\",\"_PID\":\"7\","
           "\"__REALTIME_TIMESTAMP\":\"1795424832057203\"}\n",
           "0 1 1795424832057203 mx postfix/smtpd 7 0 h\xC3\xA9\n"
           "138 2 1795424832057203  a 0 1 \n"
           "210 3 1795424832057203 mail - 0 0 x\n"
           "309 4 1795424832057203  - 0 0 Nov 23 09:07:12 mx a: x\n");
}
END_TEST

/* What is longer than may be is cut, whatever it is wrapped in, and what follows it is read. */
START_TEST(too_long)
{
    enum { LONG = LINE_MAX_BYTES + 1000 };
    struct arena arena = { 0 };
    char *x = arena_alloc(&arena, LONG + 1);
    memset(x, 'x', LONG);
    x[LONG] = '\0';
    static const char *const forms[] = {
        "2026-11-23T09:07:12.057203Z stdout F %s\n",
        "__CURSOR=1\n__REALTIME_TIMESTAMP=1795424832057203\nMESSAGE=%s\n\n",
        "postfix-1  | %s\n",
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct said said = { 0 };
        char *text = arena_alloc(&arena, LONG + 200);
        int len = snprintf(text, LONG + 200, forms[i], x);
        len += snprintf(text + len, LONG + 200 - (size_t)len, "Nov 23 09:07:12 mx a: y\n");
        read_from((struct str){ text, (size_t)len }, begin, 1000, SIZE_MAX, &said);
        ck_assert_uint_eq(said.count, 2);
        ck_assert_ptr_nonnull(strstr(said.text, " 1 xxxx"));
        ck_assert_ptr_nonnull(strstr(said.text, " - 0 0 Nov 23 09:07:12 mx a: y\n"));
        free(said.text);
    }
    /* Pieces that together are too long; and one whose end never comes. */
    struct said said = { 0 };
    char *text = arena_alloc(&arena, 3 << 20);
    size_t len = 0;
    for (int i = 0; i < 40; i++)
        len += (size_t)snprintf(text + len, 20000, "2026-11-23T09:07:12.057203Z stdout %c %.16384s\n",
                                i == 39 ? 'F' : 'P', x);
    len += (size_t)snprintf(text + len, 100, "2026-11-23T09:07:12.057203Z stdout P never\n");
    for (int i = 0; i < 20000; i++)
        len += (size_t)snprintf(text + len, 100,
                                "2026-11-23T09:07:12.057203Z stderr F 0123456789012345678901234567890\n");
    read_from((struct str){ text, len }, begin, 1 << 16, SIZE_MAX, &said);
    ck_assert_uint_eq(said.count, 20002);
    ck_assert_uint_eq(strcspn(said.text, "x"), strlen("0 1 1795424832057203  - 0 1 "));
    const char *never = strstr(said.text, " - 0 0 never\n");
    ck_assert_ptr_nonnull(never);
    ck_assert_int_lt(never - said.text, 2000000);
    free(said.text);
    arena_free(&arena);
}
END_TEST

/* ---- From any place. */

static const char mixed[] =
    "2026-11-23T09:07:12.057203123Z stdout P Nov 23 09:0\n"
    "2026-11-23T09:07:12.057205123Z stdout F 7:12 mx a: x\n"
    "{\"log\":\"Nov 23 \",\"stream\":\"stdout\",\"time\":\"2026-11-23T09:07:12.057203123Z\"}\n"
    "{\"log\":\"x\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-23T09:07:12.057204123Z\"}\n"
    "__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1795424832057203\n_HOSTNAME=mx\n_COMM=postgrey\n_PID=2\n"
    "MESSAGE\n\x0b\0\0\0\0\0\0\0two\nlines\n\n\nBINARY\n\x0a\0\0\0\0\0\0\0__CURSOR=s\n\n"
    "postfix-1  | x\n"
    "{\"__REALTIME_TIMESTAMP\":\"1795424832057203\",\"MESSAGE\":\"x\"}\n"
    "__CURSOR=s=1;i=3\n__REALTIME_TIMESTAMP=1795424832057203\nMESSAGE=x\n\n"
    "Nov 23 09:07:12 mx a: y\n"
    "Nov 23 09:07:12 mx a: z\n";

START_TEST(from_any_place)
{
    struct str whole = { mixed, sizeof mixed - 1 };
    struct said expected = { 0 };
    read_from(whole, begin, 1 << 20, SIZE_MAX, &expected);
    ck_assert_uint_eq(expected.count, 8);
    /* The input has grown since it ended anywhere but in the first line or a plain log's, which is then taken
     * for one. */
    for (size_t end = 51; end <= whole.len; end++) {
        size_t line = end;
        while (line > 0 && mixed[line - 1] != '\n')
            line--;
        if (line != end && str_starts(str_skip(whole, line), STR("Nov 23 09:07:12 mx a: z")))
            continue;
        struct said said = { 0 };
        struct lines_place place = read_from((struct str){ mixed, end }, begin, 7, SIZE_MAX, &said);
        ck_assert_uint_le(place.position, end);
        /* The tail before that place is what makes the input known again. */
        ck_assert_uint_le(place.tail_bytes, place.position);
        ck_assert(place.tail_bytes || !place.position);
        ck_assert_uint_eq(place.tail_hash,
                          bytes_hash(mixed + place.position - place.tail_bytes, place.tail_bytes, 0));
        if (place.position && mixed[place.position - 1] != '\n' && mixed[place.position] == '\n') {
            place.position++; /* collect.c passes over the rest of a line that was read */
        }
        read_from(whole, place, 1 << 20, SIZE_MAX, &said);
        ck_assert_msg(strcmp(said.text, expected.text) == 0, "ended at %zu, went on at %zu:\n%s", end,
                      (size_t)place.position, said.text);
        free(said.text);
    }
    /* Reading stopped behind any record. */
    for (size_t most = 1; most < expected.count; most++) {
        struct said said = { 0 };
        struct lines_place place = read_from(whole, begin, 50, most, &said);
        read_from(whole, place, 50, SIZE_MAX, &said);
        ck_assert_str_eq(said.text, expected.text);
        free(said.text);
    }
    free(expected.text);
}
END_TEST

/* ---- Which stamp and which host count. */

static const struct {
    const char *line;
    usec at; /* after NOW */
    const char *host, *program;
} parsed[] = {
    /* clang-format off */
    /* The program's own tells year and zone. */
    { "2026-11-23T09:07:13.000000123Z stdout F 2026-11-23T10:07:12.057203+01:00 mx a[1]: x", 0, "mx", "a" },
    { "2026-11-23T09:07:13.000000123Z stdout F <22>1 2026-11-23T09:07:12.057203Z mx a 1 - - x", 0, "mx", "a" },
    { "2026-11-23T09:07:13.000000123Z stdout F @400000006b04024a0368e46c a: x", 2, "", "a" }, /* 057205 */
    /* It does not: another year, another zone. */
    { "2026-11-23T09:07:12.057203123Z stdout F Nov 23 10:07:12 mx a[1]: x", 0, "mx", "a" },
    { "2026-11-23T09:07:12.057203123Z stdout F 2026-11-23 10:07:12 mx a[1]: x", 0, "mx", "a" },
    /* There is none. */
    { "2026-11-23T09:07:12.057203123Z stdout F a[1]: x", 0, "", "a" },
    { "2026-11-23T09:07:12.057203123Z stdout F new msg 5", 0, "", "qmail-send" },
    { "{\"log\":\"a[1]: x\\n\",\"attrs\":{\"tag\":\"mail\"},\"time\":\"2026-11-23T09:07:12.057203123Z\"}", 0, "mail", "a" },
    { "mail-1  | 2026-11-23T09:07:12.057203123Z a[1]: x", 0, "mail-1", "a" },
    { "mail-1  | 2026-11-23T09:07:12.057203123Z 2026-11-23T09:07:12.057203Z a[1]: x", 0, "mail-1", "a" },
    { "mail-1  | 2026-11-23T09:07:12.057203123Z Nov 23 09:07:12 a[1]: x", 0, "mail-1", "a" },
    /* A name does not stand for a host that was logged. */
    { "mail-1  | 2026-11-23T09:07:12.057203Z mx a[1]: x", 0, "mx", "a" },
    { "[pod/mail-0/postfix] 2026-11-23T09:07:12.057203123Z a[1]: x", 0, "mail-0", "a" },
    /* clang-format on */
};

START_TEST(stamps)
{
    char bytes[512];
    snprintf(bytes, sizeof bytes, "%s\n", parsed[_i].line);
    struct feed feed = { str_of(bytes), 100 };
    struct lines lines;
    struct records records;
    struct record record;
    struct syslog syslog;
    struct line line = { 0 };
    lines_begin(&lines, feed_read, &feed, 0, 0);
    records_begin(&records, &lines, "mail.log");
    syslog_begin(&syslog, USEC_NONE, 1999);
    ck_assert_int_eq(records_next(&records, &record, NULL), 1);
    ck_assert(record_parse(&record, &syslog, &line));
    ck_assert_int_eq(line.at - NOW, parsed[_i].at);
    ck_assert(str_eq(line.host, str_of(parsed[_i].host)));
    ck_assert(str_eq(line.program, str_of(parsed[_i].program)));
    ck_assert_int_eq(syslog.last, line.at);
    records_end(&records);
    lines_end(&lines);
}
END_TEST

START_TEST(names_of_paths)
{
    static const char id[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    char docker[200], link[200], name[WRAPPED_NAME_BYTES];
    snprintf(docker, sizeof docker, "/var/lib/docker/containers/%s/%s-json.log.1", id, id);
    snprintf(link, sizeof link, "/var/log/containers/mail-0_prod_postfix-%s.log", id);
    const struct {
        const char *path, *name;
    } paths[] = {
        { docker, "0123456789ab" },
        { link, "mail-0" },
        { "/var/log/pods/prod_mail-0_7c1d/postfix/0.log.20261123-090712.gz", "mail-0" },
        { "/var/log/pods/prod", "" },
        { "/srv/containers/mail.log", "" },
        { "/var/log/mail.log", "" },
        { "-", "" },
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct str found = wrapped_name_of(paths[i].path, name);
        ck_assert_msg(str_eq(found, str_of(paths[i].name)), "%s: %.*s", paths[i].path, STR_ARG(found));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("record");
    TCase *t = tcase_create("record");
    tcase_add_loop_test(t, one_line, 0, sizeof rows / sizeof *rows);
    tcase_add_test(t, pieces);
    tcase_add_test(t, entries);
    tcase_add_test(t, too_long);
    tcase_add_test(t, from_any_place);
    tcase_add_loop_test(t, stamps, 0, sizeof parsed / sizeof *parsed);
    tcase_add_test(t, names_of_paths);
    suite_add_tcase(suite, t);
    return inputs_main(suite);
}

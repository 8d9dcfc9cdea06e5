/* The session builder: what it holds apart, what it lets go and when, and that it stays within its memory. */
#define _GNU_SOURCE
#include <check.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdlib.h>
#include "base/memory.h"
#include "collect/builder.h"
#include "collect/programs.h"
#include "tests/lib/session_text.h"

#define AT(seconds) (1795392000 * USEC_SECOND + (seconds)*USEC_SECOND)

/* A sink that keeps the sessions' texts, to be compared whatever their order. */
struct kept {
    char *text[4096];
    size_t count, late;
    uint64_t sessions, transactions, recipients;
    usec last_started;
    int fail_after; /* sessions; 0: never */
};

static int keep_session(void *state, const struct session *session, struct why *why)
{
    struct kept *kept = state;
    if (kept->fail_after && kept->sessions + 1 >= (uint64_t)kept->fail_after)
        return why_set(why, 74, "the disk is full");
    kept->sessions++;
    ck_assert_int_eq(session->id, (int64_t)kept->sessions);
    kept->transactions += session->transaction_count;
    for (uint32_t i = 0; i < session->transaction_count; i++)
        kept->recipients += session->transactions[i].recipient_count;
    kept->last_started = session->started;
    if (kept->count == 4096)
        return 0;
    size_t len = 0;
    FILE *to = open_memstream(&kept->text[kept->count++], &len);
    session_write(to, session);
    fclose(to);
    return 0;
}

static int keep_late(void *state, int64_t session_id, const struct evidence *evidence, struct why *why)
{
    struct kept *kept = state;
    (void)why;
    (void)evidence;
    ck_assert_int_ge(session_id, 1);
    ck_assert_int_le(session_id, (int64_t)kept->sessions);
    kept->late++;
    return 0;
}

static struct kept *kept_new(struct sink *sink)
{
    struct kept *kept = mem_zero(1, sizeof *kept);
    *sink = (struct sink){ kept, keep_session, keep_late };
    return kept;
}

static void kept_free(struct kept *kept)
{
    for (size_t i = 0; i < kept->count; i++)
        free(kept->text[i]); /* NULL where it was not to be kept */
    free(kept);
}

static struct builder *builder;
static struct sink sink;
static struct kept *got;
static uint64_t offset;

static void setup(void)
{
    got = kept_new(&sink);
    builder = builder_new(&sink, 1);
    offset = 0;
}

static void teardown(void)
{
    builder_free(builder);
    kept_free(got);
}

/* One line of a Postfix program. */
static enum taken say(usec at, const char *program, uint32_t pid, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static enum taken say(usec at, const char *program, uint32_t pid, const char *format, ...)
{
    static char text[70000];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    offset += 100;
    struct line line = { .at = at,
                         .host = STR("mx"),
                         .program = str_of(program),
                         .pid = pid,
                         .text = { text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1 },
                         .input = 1,
                         .offset = offset,
                         .number = offset / 100 };
    builder_advance(builder, at, NULL);
    for (size_t i = 0; dialects[i]; i++)
        if (dialects[i]->recognise(line.program))
            return dialects[i]->take(&line, builder);
    ck_abort_msg("no dialect takes %s", program);
    return NOT_OURS;
}

START_TEST(numbers_follow_the_first)
{
    ck_assert_int_eq(say(AT(0), "postfix/smtpd", 1, "connect from a.test[198.51.100.1]"), TAKEN);
    ck_assert_uint_eq(builder_counts(builder)->open, 1);
    say(AT(1), "postfix/smtpd", 1, "disconnect from a.test[198.51.100.1] quit=1 commands=1");
    ck_assert_uint_eq(got->sessions, 1);
    ck_assert_uint_eq(builder_counts(builder)->open, 0);
    ck_assert_uint_eq(builder_counts(builder)->handed_over, 1);
}
END_TEST

/* A message's fate is waited for, for a minute of the log; later it comes through the other door. */
START_TEST(a_fate_is_waited_for_a_minute)
{
    say(AT(0), "postfix/smtpd", 1, "connect from a.test[198.51.100.1]");
    say(AT(0), "postfix/smtpd", 1, "6760916E5B2: client=a.test[198.51.100.1]");
    say(AT(0), "postfix/qmgr", 2, "6760916E5B2: from=<s@a.test>, size=1, nrcpt=1 (queue active)");
    say(AT(1), "postfix/smtpd", 1,
        "disconnect from a.test[198.51.100.1] mail=1 rcpt=1 data=1 quit=1 commands=4");
    ck_assert_uint_eq(got->sessions, 0);
    builder_advance(builder, AT(60), NULL);
    ck_assert_uint_eq(got->sessions, 0);
    builder_advance(builder, AT(62), NULL);
    ck_assert_uint_eq(got->sessions, 1);
    ck_assert_int_eq(
        say(AT(99), "postfix/smtp", 3,
            "6760916E5B2: to=<x@y>, relay=none, delay=99, delays=9/9/9/9, dsn=5.0.0, status=bounced (no)"),
        TAKEN);
    ck_assert_uint_eq(got->late, 1);
    say(AT(99), "postfix/qmgr", 2, "6760916E5B2: removed");
    /* the id is nobody's now */
    ck_assert_int_eq(
        say(AT(100), "postfix/smtp", 3,
            "6760916E5B2: to=<x@y>, relay=none, delay=99, delays=9/9/9/9, dsn=5.0.0, status=bounced (no)"),
        PASSED);
    ck_assert_uint_eq(got->late, 1);
    ck_assert_uint_eq(builder_counts(builder)->late, 1);
}
END_TEST

START_TEST(silence_ends_a_session)
{
    say(AT(0), "postfix/smtpd", 1, "connect from a.test[198.51.100.1]");
    say(AT(1800), "postfix/smtpd", 2, "connect from b.test[198.51.100.2]");
    builder_advance(builder, AT(3599), NULL);
    ck_assert_uint_eq(got->sessions, 0);
    builder_advance(builder, AT(3602), NULL);
    ck_assert_uint_eq(got->sessions, 1);
    ck_assert_ptr_nonnull(strstr(got->text[0], "a.test"));
    ck_assert_uint_eq(builder_counts(builder)->early, 1);
}
END_TEST

/* A log that does not tell when sessions end (Exim's): more may come of one for five minutes. */
START_TEST(a_session_whose_end_no_line_tells)
{
    say(AT(0), "exim", 0, "H=(x) [198.51.100.1] F=<a@b> rejected RCPT <c@d>: Unrouteable address");
    say(AT(20), "exim", 0, "H=(x) [198.51.100.1] F=<a@b> rejected RCPT <e@d>: Unrouteable address");
    say(AT(21), "exim", 0, "H=(x) [198.51.100.1] F=<a@b> rejected RCPT <e@d>: Unrouteable address");
    ck_assert_uint_eq(builder_counts(builder)->open, 2);
    builder_advance(builder, AT(320), NULL);
    ck_assert_uint_eq(got->sessions, 0);
    builder_advance(builder, AT(322), NULL);
    ck_assert_uint_eq(got->sessions, 2);
    ck_assert_uint_eq(got->recipients, 3);
    ck_assert_ptr_nonnull(strstr(got->text[0], " 20 s"));
    ck_assert_uint_eq(builder_counts(builder)->early, 0);
    ck_assert_ptr_null(strstr(got->text[0], "gap"));
}
END_TEST

/* One that talks on for hours keeps its place, and does not hide a silent one that began later. */
START_TEST(a_long_session_is_no_silent_one)
{
    say(AT(0), "postfix/smtpd", 1, "connect from a.test[198.51.100.1]");
    say(AT(60), "postfix/smtpd", 2, "connect from b.test[198.51.100.2]");
    for (int minute = 2; minute < 180; minute++)
        say(AT(minute * 60), "postfix/smtpd", 1,
            "warning: a.test[198.51.100.1]: SASL PLAIN authentication failed: x");
    ck_assert_uint_eq(got->sessions, 1);
    ck_assert_ptr_nonnull(strstr(got->text[0], "b.test"));
    ck_assert_int_eq(builder_finish(builder, NULL), 0);
    ck_assert_uint_eq(got->sessions, 2);
}
END_TEST

/* Postfix's and Sendmail's lines about one queue id of one host: what one has noted is nothing to the other.
 */
START_TEST(notes_are_their_keepers)
{
    struct line line = { .at = AT(0), .host = STR("mx"), .program = STR("sm-mta"), .pid = 1, .input = 1 };
    struct open_session *open = builder_open(builder, key_of_process(&line), &line);
    unsigned char *notes = builder_notes(builder, open, dialects[0], 16);
    ck_assert_ptr_nonnull(notes);
    notes[15] = 1;
    ck_assert_ptr_eq(builder_notes(builder, open, dialects[0], 16), notes);
    ck_assert_ptr_eq(builder_notes_of(open, dialects[0]), notes);
    ck_assert_ptr_null(builder_notes(builder, open, dialects[1], 16));
    ck_assert_ptr_null(builder_notes_of(open, dialects[1]));
}
END_TEST

/* A wild stamp, years ahead, ends what was open; the next lines are right again. */
START_TEST(the_clock_may_jump)
{
    say(AT(0), "postfix/smtpd", 1, "connect from a.test[198.51.100.1]");
    say(AT(400000000), "postfix/smtpd", 2, "connect from b.test[198.51.100.2]");
    ck_assert_uint_eq(got->sessions, 1);
    say(AT(2), "postfix/smtpd", 3, "connect from c.test[198.51.100.3]");
    say(AT(3), "postfix/smtpd", 4, "connect from d.test[198.51.100.4]");
    ck_assert_uint_eq(got->sessions, 1);
    say(AT(4), "postfix/smtpd", 3, "disconnect from c.test[198.51.100.3] quit=1 commands=1");
    ck_assert_uint_eq(got->sessions, 2);
    ck_assert_ptr_nonnull(strstr(got->text[1], "c.test"));
}
END_TEST

START_TEST(a_sink_that_fails_is_told_on)
{
    struct why why = { 0 };
    got->fail_after = 1;
    say(AT(0), "postfix/smtpd", 1, "connect from a.test[198.51.100.1]");
    say(AT(1), "postfix/smtpd", 1, "disconnect from a.test[198.51.100.1] quit=1 commands=1");
    ck_assert_int_eq(builder_advance(builder, AT(1), &why), -1);
    ck_assert_str_eq(why.text, "the disk is full");
    say(AT(2), "postfix/smtpd", 1, "connect from a.test[198.51.100.1]");
    ck_assert_int_eq(builder_finish(builder, &why), -1);
    ck_assert_uint_eq(got->sessions, 0);
}
END_TEST

/* ---- Each line finds its session, whatever the order. */

struct script {
    int client, lines, next;
    uint32_t pid;
    bool accepted;
};

/* Line `next` of a session; sessions share pids and queue ids one after the other. */
static void play(struct script *script, usec at)
{
    int c = script->client;
    char peer[64], id[16];
    snprintf(peer, sizeof peer, "c%d.test[10.%d.%d.%d]", c, c >> 16 & 255, c >> 8 & 255, c & 255);
    snprintf(id, sizeof id, "ABCDE%04X", script->pid);
    switch (script->next++) {
    case 0:
        say(at, "postfix/smtpd", script->pid, "connect from %s", peer);
        break;
    case 1:
        if (script->accepted)
            say(at, "postfix/smtpd", script->pid, "%s: client=%s", id, peer);
        else
            say(at, "postfix/smtpd", script->pid,
                "NOQUEUE: reject: RCPT from %s: 550 5.1.1 <r%d@lab.test>: Recipient address rejected: User "
                "unknown; "
                "from=<s%d@c.test> to=<r%d@lab.test> proto=ESMTP helo=<c%d.test>",
                peer, c, c, c, c);
        break;
    case 2:
        if (script->accepted)
            say(at, "postfix/cleanup", 7, "%s: message-id=<m%d@c.test>", id, c);
        break;
    case 3:
        if (script->accepted)
            say(at, "postfix/qmgr", 8, "%s: from=<s%d@c.test>, size=%d, nrcpt=1 (queue active)", id, c, c);
        break;
    case 4:
        if (script->accepted)
            say(at, "postfix/virtual", 9,
                "%s: to=<r%d@lab.test>, relay=virtual, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent "
                "(delivered)",
                id, c);
        break;
    case 5:
        if (script->accepted)
            say(at, "postfix/qmgr", 8, "%s: removed", id);
        break;
    default:
        say(at, "postfix/smtpd", script->pid, "disconnect from %s ehlo=1 mail=1 rcpt=%s quit=1 commands=4",
            peer, script->accepted ? "1 data=1" : "0/1");
        break;
    }
}

enum { SCRIPT_LINES = 7, LANES = 40, PLAYED = 2000 };

static int by_text(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Client c is served in lane c % LANES, by the same process and under the same queue id as all of that lane.
 */
static struct script script_of(int client)
{
    return (struct script){ .client = client,
                            .accepted = client % 3 == 0,
                            .pid = 100 + (uint32_t)(client % LANES) };
}

/* All in the same second: the time tells nothing. Unmixed: one session after the other. */
static void play_all(unsigned seed, bool mixed)
{
    struct script lanes[LANES];
    unsigned random = seed;
    int left = PLAYED;
    for (int i = 0; i < LANES; i++)
        lanes[i] = script_of(i);
    while (left) {
        random = random * 1103515245u + 12345u;
        struct script *lane = &lanes[(random >> 16) % LANES];
        if (lane->client >= PLAYED)
            continue;
        do {
            play(lane, AT(0));
        } while (!mixed && lane->next < SCRIPT_LINES);
        if (lane->next < SCRIPT_LINES)
            continue;
        left--;
        *lane = script_of(lane->client + LANES);
    }
    ck_assert_int_eq(builder_finish(builder, NULL), 0);
}

static void check_own_words(const char *text)
{
    char mark[64];
    const char *at = strstr(text, " c");
    ck_assert_ptr_nonnull(at);
    long client = strtol(at + 2, NULL, 10);
    snprintf(mark, sizeof mark, "<s%ld@c.test>", client);
    ck_assert_msg(strstr(text, mark) != NULL, "%s", text);
    snprintf(mark, sizeof mark, "<r%ld@lab.test>", client);
    ck_assert_msg(strstr(text, mark) != NULL, "%s", text);
    ck_assert_msg(strstr(text, client % 3 ? ": rejected\n" : ": accepted\n") != NULL, "%s", text);
    ck_assert_ptr_null(strstr(text, "session gap"));
}

START_TEST(interleaved_is_as_one_after_the_other)
{
    play_all(1, true);
    ck_assert_uint_eq(got->count, PLAYED);
    for (size_t i = 0; i < PLAYED; i++)
        check_own_words(got->text[i]);
    struct sink other_sink;
    struct kept *first = got;
    builder_free(builder);
    got = kept_new(&other_sink);
    builder = builder_new(&other_sink, 1);
    offset = 0;
    play_all(2, false);
    ck_assert_uint_eq(got->count, PLAYED);
    qsort(first->text, PLAYED, sizeof first->text[0], by_text);
    qsort(got->text, PLAYED, sizeof got->text[0], by_text);
    for (size_t i = 0; i < PLAYED; i++)
        ck_assert_str_eq(first->text[i], got->text[i]);
    kept_free(first);
}
END_TEST

/* ---- Memory. */

/* The sanitizer has an allocator of its own. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t heap_bytes(void)
{
    if (__sanitizer_get_current_allocated_bytes)
        return __sanitizer_get_current_allocated_bytes();
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* Connections that never end, each with all that a line can hold. */
START_TEST(endless_connections_stay_within_bounds)
{
    size_t most = 0;
    got->count = 4096; /* the sink is not to be measured */
    builder_free(builder);
    size_t before = heap_bytes();
    builder = builder_new(&sink, 1);
    for (uint32_t i = 1; i <= 40000; i++) {
        say(AT(i / 1000), "postfix/smtpd", i, "connect from c.test[10.0.%u.%u]", i >> 8 & 255, i & 255);
        say(AT(i / 1000), "postfix/smtpd", i,
            "NOQUEUE: reject: RCPT from c.test[10.0.%u.%u]: 550 5.1.1 <%0900d@lab.test>: Recipient address "
            "rejected: User "
            "unknown; from=<%0300d@c.test> to=<%0900d@lab.test> proto=ESMTP helo=<c.test>",
            i >> 8 & 255, i & 255, 1, 2, 1);
        if (i % 100 == 0 && heap_bytes() - before > most)
            most = heap_bytes() - before;
    }
    ck_assert_uint_gt(builder_counts(builder)->early, 20000);
    ck_assert_uint_gt(most, 4 * 1024 * 1024); /* it was measured at all */
    ck_assert_uint_le(most, BUILDER_BYTES_MOST);
    ck_assert_int_eq(builder_finish(builder, NULL), 0);
    ck_assert_uint_eq(got->sessions, 40000);
    ck_assert_uint_eq(got->recipients, 40000);
}
END_TEST

/* One session with everything: what is too much is not kept, and said. */
START_TEST(one_endless_session_stays_within_bounds)
{
    say(AT(0), "postfix/smtpd", 1, "connect from c.test[10.0.0.1]");
    for (int i = 0; i < 100000; i++)
        say(AT(i / 1000), "postfix/smtpd", 1,
            "NOQUEUE: reject: RCPT from c.test[10.0.0.1]: 550 5.1.1 <r%d@lab.test>: Recipient address "
            "rejected: User unknown; "
            "from=<s%d@c.test> to=<r%d@lab.test> proto=ESMTP helo=<c.test>",
            i, i / 10, i);
    ck_assert_uint_le(builder_counts(builder)->bytes, 7 * 1024 * 1024);
    ck_assert_uint_gt(builder_counts(builder)->cut, 50000);
    say(AT(200), "postfix/smtpd", 1, "disconnect from c.test[10.0.0.1] quit=1 commands=1");
    ck_assert_uint_eq(got->sessions, 1);
    ck_assert_ptr_nonnull(strstr(got->text[0], "session gap"));
    ck_assert_uint_gt(got->recipients, 5000);
}
END_TEST

/* Messages that are never heard of again: their ids are forgotten, the oldest first. */
START_TEST(endless_deferrals_stay_within_bounds)
{
    for (uint32_t i = 1; i <= 120000; i++) {
        say(AT(i / 10), "postfix/smtpd", 1, "connect from c.test[10.0.%u.%u]", i >> 8 & 255, i & 255);
        say(AT(i / 10), "postfix/smtpd", 1, "%08X: client=c.test[10.0.%u.%u]", i, i >> 8 & 255, i & 255);
        say(AT(i / 10), "postfix/qmgr", 2, "%08X: from=<s@c.test>, size=1, nrcpt=1 (queue active)", i);
        say(AT(i / 10), "postfix/smtpd", 1,
            "disconnect from c.test[10.0.%u.%u] mail=1 rcpt=1 data=1 quit=1 commands=4", i >> 8 & 255,
            i & 255);
    }
    ck_assert_uint_le(builder_counts(builder)->bytes_most, BUILDER_BYTES_MOST);
    ck_assert_int_eq(builder_finish(builder, NULL), 0);
    ck_assert_uint_eq(got->sessions, 120000);
    ck_assert_int_eq(say(AT(12001), "postfix/qmgr", 2, "%08X: removed", 1u), PASSED);     /* forgotten */
    ck_assert_int_eq(say(AT(12001), "postfix/qmgr", 2, "%08X: removed", 119990u), TAKEN); /* known */
}
END_TEST

/* ---- Who took a line. */

struct watched {
    char text[512];
};

static void watch(void *state, int32_t input, uint64_t first_offset, uint64_t line_offset)
{
    struct watched *watched = state;
    size_t used = strlen(watched->text);
    ck_assert_int_eq(input, 1);
    snprintf(watched->text + used, sizeof watched->text - used, " %d>%d", (int)line_offset / 100,
             (int)first_offset / 100);
}

START_TEST(lines_are_attributed)
{
    struct watched watched = { "" };
    builder_watch(builder, watch, &watched);
    say(AT(0), "postfix/smtpd", 1, "connect from a.test[198.51.100.1]");               /* 1 */
    say(AT(0), "postfix/smtpd", 2, "connect from b.test[198.51.100.2]");               /* 2 */
    say(AT(0), "postfix/smtpd", 1, "6760916E5B2: client=a.test[198.51.100.1]");        /* 3 */
    say(AT(0), "postfix/anvil", 3, "statistics: max cache size 1 at Nov 23 09:00:00"); /* 4: nobody's */
    say(AT(0), "postfix/cleanup", 3, "6760916E5B2: message-id=<x>");                   /* 5 */
    say(AT(0), "postfix/smtpd", 2, "disconnect from b.test[198.51.100.2] quit=1 commands=1");     /* 6 */
    say(AT(0), "postfix/dnsblog", 4, "addr 198.51.100.3 listed by domain zen.test as 127.0.0.2"); /* 7 */
    say(AT(0), "postfix/postscreen", 5, "CONNECT from [198.51.100.3]:1001 to [192.0.2.10]:25");   /* 8 */
    say(AT(0), "postfix/dnsblog", 4, "addr 198.51.100.3 listed by domain bl.test as 127.0.0.2");  /* 9 */
    ck_assert_str_eq(watched.text, " 1>1 2>2 3>1 5>1 6>2 8>8 7>7 9>7");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("builder");
    TCase *tcase = tcase_create("builder");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, numbers_follow_the_first);
    tcase_add_test(tcase, a_fate_is_waited_for_a_minute);
    tcase_add_test(tcase, silence_ends_a_session);
    tcase_add_test(tcase, a_session_whose_end_no_line_tells);
    tcase_add_test(tcase, a_long_session_is_no_silent_one);
    tcase_add_test(tcase, notes_are_their_keepers);
    tcase_add_test(tcase, the_clock_may_jump);
    tcase_add_test(tcase, a_sink_that_fails_is_told_on);
    tcase_add_test(tcase, interleaved_is_as_one_after_the_other);
    tcase_add_test(tcase, endless_connections_stay_within_bounds);
    tcase_add_test(tcase, one_endless_session_stays_within_bounds);
    tcase_add_test(tcase, endless_deferrals_stay_within_bounds);
    tcase_add_test(tcase, lines_are_attributed);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

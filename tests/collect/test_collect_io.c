/* Inputs in whatever state and order, and the same sessions out. The lines are the simplest sessions there
 * are (connect, disconnect), so that what comes out is known by counting. */
#define _GNU_SOURCE
#include <archive.h>
#include <check.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "tests/lib/array_base.h"
#include "tests/lib/inputs.h"

static struct outcome collect_name(struct array_base *base, const char *name)
{
    const char *path = input_path(name);
    return array_base_collect(base, &path, 1, 2026);
}

static void expect_done(struct outcome outcome)
{
    ck_assert_msg(outcome.result == 0, "%s", outcome.why.text);
}

static size_t lines_in(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.at[i] == '\n';
    return count;
}

/* Exactly sessions [0, count), each once, begun and ended when they should. */
static void expect_sessions(const struct array_base *base, unsigned count)
{
    ck_assert_uint_eq(base->session_count, count);
    unsigned char seen[BASE_SESSIONS] = { 0 };
    for (size_t i = 0; i < count; i++) {
        usec second = (base->sessions[i].started - LOG_BEGINS) / USEC_SECOND;
        ck_assert_msg(second >= 0 && second < count && !seen[second], "session at %lld", (long long)second);
        seen[second] = 1;
        ck_assert_int_eq(base->sessions[i].ended - base->sessions[i].started, USEC_SECOND);
        ck_assert_uint_eq(ip_v4(&base->sessions[i].client),
                          10u << 24 | (unsigned)second / 250 << 8 | (unsigned)second % 250);
        ck_assert_int_eq(base->sessions[i].id, (int64_t)i + 1);
    }
}

START_TEST(a_plain_file)
{
    struct arena arena = { 0 };
    struct array_base *base = array_base_new();
    struct str log = log_of(0, 1000, &arena);
    input_write("mail.log", log);
    struct outcome outcome = collect_name(base, "mail.log");
    expect_done(outcome);
    expect_sessions(base, 1000);
    ck_assert_uint_eq(outcome.collected.inputs, 1);
    ck_assert_uint_eq(outcome.collected.lines, 2000);
    ck_assert_uint_eq(outcome.collected.bytes, log.len);
    ck_assert_uint_eq(outcome.collected.sessions, 1000);
    ck_assert_uint_eq(outcome.collected.skipped + outcome.collected.other + outcome.collected.known, 0);
    ck_assert_int_eq(base->input_count, 1);
    ck_assert(str_eq(base->inputs[0].kind, STR("log")));
    ck_assert(str_eq(base->inputs[0].dialects, STR("postfix")));
    ck_assert_uint_eq(base->inputs[0].bytes, log.len);
    ck_assert_int_eq(base->inputs[0].first, LOG_BEGINS);
    ck_assert_int_eq(base->inputs[0].last, LOG_BEGINS + 1000 * USEC_SECOND);
    ck_assert_uint_ge(base->commits, 1);
    for (size_t i = 0; i < 1000; i++) {
        const char *first = log.at + base->sessions[i].first_offset,
                   *last = log.at + base->sessions[i].last_offset;
        ck_assert(strstr(first, "connect from") < strchr(first, '\n'));
        ck_assert(strstr(last, "disconnect from") < strchr(last, '\n'));
    }
    /* the same again: nothing */
    outcome = collect_name(base, "mail.log");
    expect_done(outcome);
    expect_sessions(base, 1000);
    ck_assert_uint_eq(outcome.collected.known, 1);
    ck_assert_uint_eq(outcome.collected.inputs, 0);
    ck_assert_int_eq(base->input_count, 1);
    array_base_free(base);
    arena_free(&arena);
}
END_TEST

static int (*const filters[])(struct archive *) = { archive_write_add_filter_gzip,
                                                    archive_write_add_filter_bzip2,
                                                    archive_write_add_filter_xz,
                                                    archive_write_add_filter_zstd };
static const char *const filter_kinds[] = { "log, gzip", "log, bzip2", "log, xz", "log, zstd" };
enum { FILTERS = sizeof filters / sizeof *filters };

START_TEST(compressed)
{
    struct arena arena = { 0 };
    struct array_base *base = array_base_new();
    struct str log = log_of(0, 1000, &arena);
    input_compress("mail.log.1", filters[_i], log);
    expect_done(collect_name(base, "mail.log.1"));
    expect_sessions(base, 1000);
    ck_assert(str_eq(base->inputs[0].kind, str_of(filter_kinds[_i])));
    ck_assert_uint_eq(base->inputs[0].bytes, log.len);
    ck_assert_uint_eq(base->inputs[0].lines, 2000);
    array_base_free(base);
    arena_free(&arena);
}
END_TEST

/* Rotated, renamed, compressed in another way: it is known, and where it lies now is written down. */
START_TEST(known_by_content)
{
    struct arena arena = { 0 };
    struct array_base *base = array_base_new();
    struct str log = log_of(0, 1000, &arena);
    input_write("mail.log", log);
    expect_done(collect_name(base, "mail.log"));
    input_compress("mail.log.2.gz", filters[_i], log);
    struct outcome outcome = collect_name(base, "mail.log.2.gz");
    expect_done(outcome);
    expect_sessions(base, 1000);
    ck_assert_uint_eq(outcome.collected.known, 1);
    ck_assert_int_eq(base->input_count, 1);
    ck_assert(str_ends(base->inputs[0].path, STR("mail.log.2.gz")));
    ck_assert(str_eq(base->inputs[0].kind, str_of(filter_kinds[_i])));
    /* both at once, one of them twice: still known */
    const char *both[] = { input_path("mail.log"), input_path("mail.log.2.gz"), input_path("mail.log") };
    outcome = array_base_collect(base, both, 3, 2026);
    expect_done(outcome);
    ck_assert_uint_eq(outcome.collected.known, 2);
    expect_sessions(base, 1000);
    array_base_free(base);
    /* and in a new database, once */
    base = array_base_new();
    expect_done(array_base_collect(base, both, 3, 2026));
    expect_sessions(base, 1000);
    ck_assert_int_eq(base->input_count, 1);
    array_base_free(base);
    arena_free(&arena);
}
END_TEST

/* A log that is read while it grows, from one line on, in plain and compressed form: as if read once. Where
 * it is cut between sessions, since a session that is open at the end of a run is handed over as it stands.
 */
START_TEST(grown)
{
    struct arena arena = { 0 };
    struct array_base *base = array_base_new();
    static const unsigned ends[] = { 1, 2, 5, 40, 41, 700, 1000 };
    char *all = arena_alloc(&arena, 200000);
    size_t len = 0;
    unsigned from = 0;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct str part = log_of(from, ends[i], &arena);
        memcpy(all + len, part.at, part.len);
        len += part.len;
        from = ends[i];
        if (_i && i % 2)
            input_compress("grown.log", filters[_i - 1], (struct str){ all, len });
        else
            input_write("grown.log", (struct str){ all, len });
        struct outcome outcome = collect_name(base, "grown.log");
        expect_done(outcome);
        ck_assert_uint_eq(outcome.collected.inputs, 1);
        ck_assert_uint_eq(outcome.collected.bytes, part.len);
        ck_assert_int_eq(base->input_count, 1);
        ck_assert_uint_eq(base->inputs[0].lines, 2 * (size_t)ends[i]);
        expect_sessions(base, ends[i]);
    }
    array_base_free(base);
    arena_free(&arena);
}
END_TEST

/* An excerpt of what is known; and what begins alike, but goes on otherwise. */
START_TEST(that_begins_alike)
{
    struct arena arena = { 0 };
    struct array_base *base = array_base_new();
    struct str log = log_of(0, 600, &arena);
    input_write("mail.log", log);
    expect_done(collect_name(base, "mail.log"));
    input_write("head.log", log_part(log, 0, 200));
    struct outcome outcome = collect_name(base, "head.log");
    expect_done(outcome);
    ck_assert_uint_eq(outcome.collected.known, 1);
    expect_sessions(base, 600);
    ck_assert(str_ends(base->inputs[0].path, STR("mail.log"))); /* the whole one's */
    /* 2000 lines of which the first 400 are the same */
    struct str same = log_part(log, 0, 400), other = log_of(3000, 4000, &arena);
    char *fork_of = arena_alloc(&arena, same.len + other.len);
    memcpy(fork_of, same.at, same.len);
    memcpy(fork_of + same.len, other.at, other.len);
    input_write("fork.log", (struct str){ fork_of, same.len + other.len });
    outcome = collect_name(base, "fork.log");
    expect_done(outcome);
    ck_assert_int_eq(base->input_count, 2);
    ck_assert_uint_eq(base->inputs[1].bytes, same.len + other.len);
    ck_assert_uint_eq(base->inputs[0].bytes, log.len);
    size_t sessions = base->session_count;
    /* now both are known, though they begin alike */
    const char *both[] = { input_path("fork.log"), input_path("mail.log") };
    outcome = array_base_collect(base, both, 2, 2026);
    expect_done(outcome);
    ck_assert_uint_eq(outcome.collected.known, 2);
    ck_assert_uint_eq(base->session_count, sessions);
    array_base_free(base);
    arena_free(&arena);
}
END_TEST

/* A set of three, with sessions that go over from one into the next, given in every order, with and without
 * --year. */
START_TEST(any_order)
{
    static const int orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
                                      { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
    struct arena arena = { 0 };
    struct array_base *base = array_base_new();
    struct str log = log_of(0, 900, &arena);
    const char *names[] = { input_path("set.2.gz"), input_path("set.1"), input_path("set") };
    input_compress("set.2.gz", archive_write_add_filter_gzip, log_part(log, 0, 601));
    input_write("set.1", log_part(log, 601, 1201));
    input_write("set", log_part(log, 1201, 1800));
    const char *paths[3];
    for (int i = 0; i < 3; i++) {
        input_set_time(strrchr(names[i], '/') + 1, LOG_BEGINS + 2 * USEC_HOUR);
        paths[i] = names[orders[_i % 6][i]];
    }
    struct outcome outcome = array_base_collect(base, paths, 3, _i < 6 ? 2026 : 0);
    expect_done(outcome);
    ck_assert_uint_eq(outcome.collected.inputs, 3);
    ck_assert_int_eq(base->input_count, 3);
    ck_assert(str_ends(base->inputs[0].path, STR("set.2.gz")));
    ck_assert(str_ends(base->inputs[2].path, STR("set")));
    expect_sessions(base, 900);
    array_base_free(base);
    arena_free(&arena);
}
END_TEST

/* Writes the lines of a log to `count` files in turn. */
static void deal_out(struct str log, size_t count, const char *paths[])
{
    static char dealt[5][16384];
    size_t len[5] = { 0 }, at = 0;
    for (struct str line; cut_until_char(&log, '\n', &line); at++) {
        size_t to = at % count;
        ck_assert_uint_lt(len[to] + line.len + 1, sizeof dealt[to]);
        memcpy(dealt[to] + len[to], line.at, line.len + 1);
        len[to] += line.len + 1;
    }
    for (size_t i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, "dealt.%zu", i);
        input_write(name, (struct str){ dealt[i], len[i] });
        paths[i] = input_path(name);
    }
}

/* Sessions whose lines stand in several files that overlap in time. */
START_TEST(overlapping)
{
    struct arena arena = { 0 };
    struct array_base *base = array_base_new();
    const char *paths[5];
    size_t count = 2 + (size_t)_i;
    deal_out(log_of(0, 100, &arena), count, paths);
    struct outcome outcome = array_base_collect(base, paths, count, 2026);
    expect_done(outcome);
    expect_sessions(base, 100);
    ck_assert_uint_eq(outcome.collected.inputs, count);
    ck_assert_uint_eq(outcome.collected.lines, 200);
    ck_assert_int_eq((int)base->input_count, (int)count);
    outcome = array_base_collect(base, paths, count, 2026);
    expect_done(outcome);
    ck_assert_uint_eq(outcome.collected.known, count);
    expect_sessions(base, 100);
    array_base_free(base);
    arena_free(&arena);
}
END_TEST

/* More of them than are open at once, one for each session: all are read. */
START_TEST(many_overlapping)
{
    struct arena arena = { 0 };
    struct array_base *base = array_base_new();
    static char text[100][200];
    struct str log = log_of(0, 100, &arena);
    for (size_t i = 0; i < 100; i++) {
        struct str own = log_part(log, 2 * i, 2 * i + 2);
        char name[32];
        /* a line at the end of the day makes them overlap */
        snprintf(text[i], sizeof text[i], "%.*sNov 23 23:00:%02zu mx cron[1]: late\n", STR_ARG(own), i % 60);
        snprintf(name, sizeof name, "many.%zu", i);
        input_write(name, str_of(text[i]));
    }
    mkdir(input_path("many"), 0700);
    for (size_t i = 0; i < 100; i++) {
        char from[32], to[32];
        snprintf(from, sizeof from, "many.%zu", i);
        snprintf(to, sizeof to, "many/%02zu", i);
        ck_assert_int_eq(rename(input_path(from), input_path(to)), 0);
    }
    expect_done(collect_name(base, "many"));
    ck_assert_int_eq(base->input_count, 100);
    expect_sessions(base, 100);
    array_base_free(base);
    arena_free(&arena);
}
END_TEST

/* gzip files cut at many places: what came before is kept, and said; the next input is read all the same; and
 * when the whole file comes, only the rest is read. */
START_TEST(truncated_gzip)
{
    struct arena arena = { 0 };
    struct str log = log_of(0, 1000, &arena), next = log_of(1000, 1100, &arena);
    input_compress("whole.gz", archive_write_add_filter_gzip, log);
    struct str whole = input_read("whole.gz", &arena);
    input_write("next.log", next);
    for (size_t len = 5; len < whole.len; len += whole.len / 9) {
        struct array_base *base = array_base_new();
        input_write("cut.gz", (struct str){ whole.at, len });
        const char *paths[] = { input_path("cut.gz"), input_path("next.log") };
        struct outcome outcome = array_base_collect(base, paths, 2, 2026);
        ck_assert_int_eq(outcome.result, -1);
        ck_assert_int_eq(outcome.why.status, EX_DATAERR);
        uint64_t kept = outcome.collected.lines - lines_in(next);
        ck_assert(len < 50 || kept > 0);
        ck_assert_uint_lt(kept, 2000);
        char expected[200];
        snprintf(expected, sizeof expected, "%s: line %llu: truncated; %llu line%s kept", paths[0],
                 (unsigned long long)kept + 1, (unsigned long long)kept, kept == 1 ? " was" : "s were");
        ck_assert_str_eq(outcome.why.text, expected);
        size_t sessions = base->session_count;
        ck_assert_uint_eq(sessions, 100 + kept / 2 + kept % 2 + (kept > 1 && kept % 2 == 0));
        /* a line that was cut is not there: all that is, is a beginning of the log */
        if (kept) {
            ck_assert_uint_eq(base->inputs[0].lines, kept);
            ck_assert_uint_eq(base->inputs[0].bytes, log_part(log, 0, kept).len);
            ck_assert_uint_eq(base->inputs[0].skipped, 0);
        }
        /* again: the same, and nothing twice */
        outcome = array_base_collect(base, paths, 2, 2026);
        ck_assert_str_eq(outcome.why.text, expected);
        ck_assert_uint_eq(base->session_count, sessions);
        outcome = collect_name(base, "whole.gz");
        expect_done(outcome);
        ck_assert_uint_eq(outcome.collected.lines, 2000 - kept);
        array_base_free(base);
    }
    arena_free(&arena);
}
END_TEST

static void expect_refused(const char *name, int exit_status, const char *says)
{
    struct array_base *base = array_base_new();
    struct arena arena = { 0 };
    input_write("good.log", log_of(0, 3, &arena));
    const char *paths[] = { input_path("good.log"), input_path(name) };
    struct outcome outcome = array_base_collect(base, paths, 2, 2026);
    ck_assert_int_eq(outcome.result, -1);
    ck_assert_int_eq(outcome.why.status, exit_status);
    ck_assert_msg(strstr(outcome.why.text, name) && strstr(outcome.why.text, says), "%s", outcome.why.text);
    ck_assert_uint_eq(base->session_count, 0); /* found out before anything was read */
    ck_assert_int_eq(base->input_count, 0);
    array_base_free(base);
    arena_free(&arena);
}

START_TEST(refused)
{
    static char noise[5000];
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)(i * 7919 >> 3);
    expect_refused("not-there.log", EX_NOINPUT, "No such file");
    mkdir(input_path("void"), 0700);
    expect_refused("void", EX_NOINPUT, "no files in this folder");
    input_write("noise", (struct str){ noise, sizeof noise });
    expect_refused("noise", EX_DATAERR, "a binary file, not a log");
    input_write("access.log", STR("192.0.2.1 - - [23/Nov/2026:09:07:12 +0000] \"GET / HTTP/1.1\" 200 1\n"));
    expect_refused("access.log", EX_DATAERR, "not a log that mxreplay knows");
}
END_TEST

/* An empty file is usual just after rotation. */
START_TEST(empty_file)
{
    struct array_base *base = array_base_new();
    input_write("empty.log", STR(""));
    struct outcome outcome = collect_name(base, "empty.log");
    expect_done(outcome);
    ck_assert_uint_eq(outcome.collected.inputs + outcome.collected.known + outcome.collected.lines, 0);
    ck_assert_int_eq(base->input_count, 0);
    array_base_free(base);
}
END_TEST

/* A log of other programs only: all its lines are counted, and that there was nothing for us is an error. */
START_TEST(log_of_something_else)
{
    struct array_base *base = array_base_new();
    input_write("auth.log", STR("Nov 23 09:07:12 mx sshd[1]: x\nNov 23 09:07:13 mx CRON[2]: y\n\n"));
    struct outcome outcome = collect_name(base, "auth.log");
    ck_assert_int_eq(outcome.result, -1);
    ck_assert_int_eq(outcome.why.status, EX_DATAERR);
    ck_assert_ptr_nonnull(strstr(outcome.why.text, "auth.log: none of its 3 lines is a mail server's"));
    ck_assert_uint_eq(outcome.collected.other, 3);
    ck_assert_uint_eq(base->inputs[0].other, 3);
    array_base_free(base);
}
END_TEST

START_TEST(odd_lines)
{
    struct arena arena = { 0 };
    struct array_base *base = array_base_new();
    static char text[2200000];
    char *at = text;
    at = log_line(at, 0, 0, "connect");
    at = stpcpy(at, "a line without a time\n");
    at = stpcpy(at, "another line without a time\r\n\r\n");
    at += 4; /* NUL bytes, and a session between lines with them */
    at = log_line(at, 1, 0, "disconnect");
    at = stpcpy(at, "Nov 23 00:00:01 mx kernel: a NUL ");
    *at++ = '\0';
    *at++ = '\n';
    at = stpcpy(at, "Nov 23 00:00:01 mx postfix/smtpd[9]: ");
    memset(at, 'y', 1000000);
    at = stpcpy(at + 1000000, "\n");
    memset(at, 'z', 1000000);
    at = stpcpy(at + 1000000, "\r\n");
    at = log_line(at, 1, 1, "connect");
    at[-1] = '\r';
    *at++ = '\n';
    at = log_line(at, 2, 1, "disconnect");
    at--; /* no newline at the end */
    input_write("odd.log", str_range(text, at));
    struct outcome outcome = collect_name(base, "odd.log");
    expect_done(outcome);
    expect_sessions(base, 2);
    ck_assert_uint_eq(outcome.collected.lines, 10);
    ck_assert_uint_eq(outcome.collected.skipped, 4);
    ck_assert_uint_eq(outcome.collected.other, 2); /* the empty line and the kernel's */
    uint64_t without = 0, too_long = 0;
    for (size_t i = 0; i < base->skipped_count; i++) {
        if (strcmp(base->skipped[i].reason, "no time stamp") == 0)
            without += base->skipped[i].count;
        if (strcmp(base->skipped[i].reason, "too long") == 0)
            too_long += base->skipped[i].count;
    }
    ck_assert_uint_eq(without, 2);
    ck_assert_uint_eq(too_long, 2);
    ck_assert(str_eq(base->skipped[0].first_text, STR("a line without a time")));
    ck_assert_uint_eq(base->skipped[0].first_line, 2);
    array_base_free(base);
    arena_free(&arena);
}
END_TEST

/* The last line of a file that is being written may be half there. */
START_TEST(half_a_line)
{
    struct arena arena = { 0 };
    struct array_base *base = array_base_new();
    struct str log = log_of(0, 10, &arena);
    size_t half = log_part(log, 0, 18).len + 40;
    input_write("half.log", (struct str){ log.at, half });
    expect_done(collect_name(base, "half.log"));
    input_write("half.log", log);
    struct outcome outcome = collect_name(base, "half.log");
    expect_done(outcome);
    ck_assert_uint_eq(base->inputs[0].lines, 20);
    ck_assert_uint_eq(outcome.collected.lines, 1);
    ck_assert_uint_eq(outcome.collected.skipped, 1);
    ck_assert_str_eq(base->skipped[base->skipped_count - 1].reason, "rest of a line that was read before");
    /* where only the newline was missing, nothing was lost */
    array_base_free(base);
    base = array_base_new();
    input_write("half.log", (struct str){ log.at, log.len - 1 });
    expect_done(collect_name(base, "half.log"));
    expect_sessions(base, 10);
    input_write("half.log", log);
    outcome = collect_name(base, "half.log");
    expect_done(outcome);
    ck_assert_uint_eq(outcome.collected.lines + outcome.collected.skipped, 0);
    expect_sessions(base, 10);
    array_base_free(base);
    arena_free(&arena);
}
END_TEST

/* The clock goes back by some minutes in the middle; sessions stay whole and in their year. */
START_TEST(clock_going_back)
{
    struct array_base *base = array_base_new();
    char text[1000], *at = text;
    at = log_line(at, 3600, 0, "connect");
    at = log_line(at, 3601, 0, "disconnect");
    at = log_line(at, 3300, 1, "connect");
    at = log_line(at, 3301, 1, "disconnect");
    input_write("back.log", str_range(text, at));
    expect_done(collect_name(base, "back.log"));
    ck_assert_uint_eq(base->session_count, 2);
    ck_assert_int_eq(base->sessions[0].started, LOG_BEGINS + 3600 * USEC_SECOND);
    ck_assert_int_eq(base->sessions[1].started, LOG_BEGINS + 3300 * USEC_SECOND);
    array_base_free(base);
}
END_TEST

/* Over the turn of the year within a file that grows: the second run has only the first one's last line to go
 * by. */
START_TEST(new_year_in_a_grown_file)
{
    static const char december[] = "Dec 31 23:59:58 mx postfix/smtpd[7]: connect from unknown[10.0.0.1]\n"
                                   "Dec 31 23:59:59 mx postfix/smtpd[7]: disconnect from unknown[10.0.0.1]\n";
    static const char both[] = "Dec 31 23:59:58 mx postfix/smtpd[7]: connect from unknown[10.0.0.1]\n"
                               "Dec 31 23:59:59 mx postfix/smtpd[7]: disconnect from unknown[10.0.0.1]\n"
                               "Jan  1 00:00:00 mx postfix/smtpd[7]: connect from unknown[10.0.0.2]\n"
                               "Jan  1 00:00:01 mx postfix/smtpd[7]: disconnect from unknown[10.0.0.2]\n";
    struct array_base *base = array_base_new();
    usec new_year = 0;
    ck_assert(clock_parse(STR("2027-01-01"), &new_year));
    input_write("turn.log", str_of(december));
    expect_done(collect_name(base, "turn.log"));
    input_write("turn.log", str_of(both));
    expect_done(collect_name(base, "turn.log"));
    ck_assert_uint_eq(base->session_count, 2);
    ck_assert_int_eq(base->sessions[0].started, new_year - 2 * USEC_SECOND);
    ck_assert_int_eq(base->sessions[1].started, new_year);
    array_base_free(base);
}
END_TEST

#define REJECT                                                                                               \
    "NOQUEUE: reject: RCPT from unknown[10.0.0.0]: 554 5.7.1 <b@c.test>: Relay access denied; "              \
    "from=<a@a.test> "                                                                                       \
    "to=<b@c.test> proto=ESMTP helo=<a.test>"
START_TEST(repeated_messages)
{
    struct array_base *base = array_base_new();
    input_write("repeated.log",
                STR("Nov 23 00:00:00 mx postfix/smtpd[1000]: connect from unknown[10.0.0.0]\n"
                    "Nov 23 00:00:00 mx postfix/smtpd[1000]: " REJECT "\n"
                    "Nov 23 00:00:01 mx postfix/smtpd[1000]: message repeated 2 times: [ " REJECT "]\n"
                    "Nov 23 00:00:01 mx last message repeated 2 times\n"
                    "Nov 23 00:00:01 mx sshd[1]: x\n"
                    "Nov 23 00:00:01 mx last message repeated 2 times\n"
                    "Nov 23 00:00:01 mx postfix/smtpd[1000]: disconnect from unknown[10.0.0.0]\n"));
    struct outcome outcome = collect_name(base, "repeated.log");
    expect_done(outcome);
    expect_sessions(base, 1);
    ck_assert_uint_eq(base->recipients[0], 3);
    ck_assert_uint_eq(outcome.collected.skipped, 1);
    ck_assert_uint_eq(outcome.collected.other, 2);
    array_base_free(base);
}
END_TEST

/* The store fails: its reason comes out, and nothing is read on. */
START_TEST(failing_store)
{
    struct arena arena = { 0 };
    struct array_base *base = array_base_new();
    base->fails_after = 10;
    input_write("mail.log", log_of(0, 1000, &arena));
    struct outcome outcome = collect_name(base, "mail.log");
    ck_assert_int_eq(outcome.result, -1);
    ck_assert_int_eq(outcome.why.status, EX_IOERR);
    ck_assert_str_eq(outcome.why.text, "the disk is full");
    ck_assert_uint_eq(base->session_count, 10);
    array_base_free(base);
    arena_free(&arena);
}
END_TEST

START_TEST(standard_input)
{
    struct arena arena = { 0 };
    struct array_base *base = array_base_new();
    struct str log = log_of(0, 100, &arena);
    for (int round = 0; round < 3; round++) {
        if (round == 2) { /* it lies in a file too: that is where its lines can be found again */
            expect_done(collect_name(base, "stdin"));
            ck_assert(str_ends(base->inputs[0].path, STR("/stdin")));
        }
        input_compress("stdin", round == 1 ? archive_write_add_filter_none : filters[0], log);
        int ends[2];
        ck_assert_int_eq(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
            dup2(ends[1], STDOUT_FILENO);
            close(ends[0]);
            close(ends[1]);
            execlp("cat", "cat", input_path("stdin"), (char *)NULL);
            _exit(1);
        }
        close(ends[1]);
        int before = dup(STDIN_FILENO);
        dup2(ends[0], STDIN_FILENO);
        close(ends[0]);
        const char *path = "-";
        struct outcome outcome = array_base_collect(base, &path, 1, 2026);
        dup2(before, STDIN_FILENO);
        close(before);
        expect_done(outcome);
        ck_assert_uint_eq(outcome.collected.known, round > 0);
        expect_sessions(base, 100);
        ck_assert(str_ends(base->inputs[0].path, round < 2 ? STR("-") : STR("/stdin")));
    }
    array_base_free(base);
    arena_free(&arena);
}
END_TEST

/* More than is committed at once: at each commit, what is written of the input is what has been read. */
START_TEST(commits_on_the_way)
{
    enum { LINES = 4500, FILLER = 16000 };
    struct array_base *base = array_base_new();
    static char filler[FILLER + 1];
    memset(filler, 'f', FILLER);
    FILE *to = fopen(input_path("large.log"), "w");
    fputs("Nov 23 00:00:00 mx postfix/smtpd[1000]: connect from unknown[10.0.0.0]\n", to);
    for (int i = 0; i < LINES; i++)
        fprintf(to, "Nov 23 00:00:00 mx filler: %s\n", filler);
    fputs("Nov 23 00:00:01 mx postfix/smtpd[1000]: disconnect from unknown[10.0.0.0]\n", to);
    fclose(to);
    struct outcome outcome = collect_name(base, "large.log");
    expect_done(outcome);
    expect_sessions(base, 1);
    ck_assert_uint_eq(base->commits, 2);
    ck_assert_uint_eq(outcome.collected.other, LINES);
    ck_assert_uint_eq(base->inputs[0].bytes, outcome.collected.bytes);
    unlink(input_path("large.log"));
    array_base_free(base);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("collect_io");
    TCase *t = tcase_create("collect_io");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, a_plain_file);
    tcase_add_loop_test(t, compressed, 0, FILTERS);
    tcase_add_loop_test(t, known_by_content, 0, FILTERS);
    tcase_add_loop_test(t, grown, 0, FILTERS + 1);
    tcase_add_test(t, that_begins_alike);
    tcase_add_loop_test(t, any_order, 0, 12);
    tcase_add_loop_test(t, overlapping, 0, 4);
    tcase_add_test(t, many_overlapping);
    tcase_add_test(t, truncated_gzip);
    tcase_add_test(t, refused);
    tcase_add_test(t, empty_file);
    tcase_add_test(t, log_of_something_else);
    tcase_add_test(t, odd_lines);
    tcase_add_test(t, half_a_line);
    tcase_add_test(t, clock_going_back);
    tcase_add_test(t, new_year_in_a_grown_file);
    tcase_add_test(t, repeated_messages);
    tcase_add_test(t, failing_store);
    tcase_add_test(t, standard_input);
    tcase_add_test(t, commits_on_the_way);
    suite_add_tcase(suite, t);
    return inputs_main(suite);
}

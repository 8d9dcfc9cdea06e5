/* Retention: what stays is as it would be had the whole log been collected and pruned at the end, however
 * often it was pruned between, and whatever the dates; a prune that is killed has been done or not. $AGAIN is
 * how often each is tried, with other seeds. */
#define _GNU_SOURCE
#include <check.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "schemas/schema.h"
#include "tests/lib/inputs.h"
#include "tests/lib/layouts.h"
#include "tests/lib/runs.h"
#include "tests/lib/said.h"

enum { COMMIT_BYTES = 48 * 1024, PIECES_MOST = 5, LOG_BYTES_MOST = 4 * 1024 * 1024 };

static const char *const lab_logs[] = { "sample-logs/labs/postfix-smtpd/mail.log",
                                        "sample-logs/labs/postfix-postscreen/mail.log",
                                        "sample-logs/labs/postfix-greylist/mail.log" };
enum { LABS = sizeof lab_logs / sizeof *lab_logs };

/* All of it. Examples of lines that were not understood go with an input that ended before the date, and do
 * not come back when it grows: they are not among what must be equal. */
static const char *const all_views[] = {
    "SELECT * FROM v_session",
    "SELECT * FROM v_transaction",
    "SELECT * FROM v_recipient",
    "SELECT * FROM v_evidence",
    "SELECT * FROM v_attempt",
    "SELECT input_id, reason, shape, count, first_line, first_offset FROM v_skipped",
    "SELECT id, kind, dialects, bytes, lines, other, skipped, first, last FROM v_input",
    "SELECT sessions, transactions, recipients, messages, evidence, first, last FROM total",
    NULL,
};

static const char *view_since(usec since, const char *view, const char *id, char text[200])
{
    snprintf(text, 200, "SELECT v.* FROM %s v CROSS JOIN session s ON s.id = v.%s WHERE s.started >= %lld",
             view, id, (long long)since);
    return text;
}

/* The views of sessions since a time. The texts last until the next call. */
static const char *const *views_since(usec since)
{
    static char text[5][200];
    static const char *views[6];
    views[0] = view_since(since, "v_session", "id", text[0]);
    views[1] = view_since(since, "v_transaction", "session_id", text[1]);
    views[2] = view_since(since, "v_recipient", "session_id", text[2]);
    views[3] = view_since(since, "v_evidence", "session_id", text[3]);
    views[4] = view_since(since, "v_attempt", "session_id", text[4]);
    return views;
}

/* A third of the databases have the site's own words for what no dialect knows. */
static void tell_phrases(const char *database)
{
    struct phrasebook book = { 0 };
    struct store_named named;
    const struct site_phrase phrases[] = {
        { .pattern = STR_INIT("size exceeds"), .measure = NAMED_SPAM, .stage = STAGES },
        { .pattern = STR_INIT("RCPT command"), .measure = NAMED_RECIPIENT, .stage = STAGES },
        { .pattern = STR_INIT("concurrency limit"),
          .measure = NAMED_DNSBL,
          .zone = STR_INIT("zone.example"),
          .stage = STAGES },
    };
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
        phrasebook_add(&book, &phrases[i]);
    struct store *store = open_store(database);
    ck_assert_int_eq(store_name(store, &book, &named, NULL), 0);
    close_store(store);
    phrasebook_free(&book);
}

static void collect(const char *database, const char *path, uint64_t commit_bytes)
{
    struct store *store = open_store(database);
    collect_paths(store, &path, 1, commit_bytes);
    close_store(store);
}

static struct store_pruned prune(const char *database, usec before)
{
    struct why why = { 0 };
    struct store_pruned pruned;
    struct store *store = open_store(database);
    ck_assert_msg(store_prune(store, before, false, &pruned, &why) == 0, "%s", why.text);
    close_store(store);
    return pruned;
}

static struct str read_log(size_t lab, struct arena *arena)
{
    FILE *from = fopen(lab_logs[lab], "rb");
    ck_assert_ptr_nonnull(from);
    char *bytes = arena_alloc(arena, LOG_BYTES_MOST);
    struct str log = { bytes, fread(bytes, 1, LOG_BYTES_MOST, from) };
    fclose(from);
    return log;
}

/* A path of our own: input_path()'s last but a while. */
static void name_database(char database[128], const char *name)
{
    snprintf(database, 128, "%s", input_path(name));
    said_forget(database);
}

/* ---- What stays. */

static const char no_orphans[] =
    "SELECT (SELECT count(*) FROM name WHERE id NOT IN ("
    "SELECT client_name FROM session WHERE typeof(client_name) = 'integer' UNION "
    "SELECT helo FROM session WHERE typeof(helo) = 'integer' UNION "
    "SELECT auth_user FROM session WHERE typeof(auth_user) = 'integer' UNION "
    "SELECT recipient FROM session WHERE typeof(recipient) = 'integer' UNION "
    "SELECT mail_from FROM transaction_more WHERE typeof(mail_from) = 'integer' UNION "
    "SELECT address FROM recipient_more WHERE typeof(address) = 'integer' UNION "
    "SELECT subject FROM evidence_more WHERE typeof(subject) = 'integer' UNION "
    "SELECT detail FROM evidence_more WHERE typeof(detail) = 'integer' UNION "
    "SELECT subject FROM evidence_late WHERE typeof(subject) = 'integer' UNION "
    "SELECT detail FROM evidence_late WHERE typeof(detail) = 'integer')) + "
    "(SELECT count(*) FROM reply WHERE id NOT IN (SELECT reply FROM session WHERE reply IS NOT NULL UNION "
    "SELECT t_reply FROM session WHERE t_reply IS NOT NULL UNION SELECT r_reply FROM session WHERE r_reply "
    "IS NOT NULL "
    "UNION SELECT reply FROM transaction_more WHERE reply IS NOT NULL UNION "
    "SELECT reply FROM recipient_more WHERE reply IS NOT NULL UNION SELECT reply FROM renamed WHERE reply IS "
    "NOT NULL UNION "
    "SELECT base FROM reply WHERE base IS NOT NULL)) + "
    "(SELECT count(*) FROM fact WHERE id >> 8 NOT IN (SELECT bits >> 25 FROM session)) + "
    "(SELECT count(*) FROM place WHERE id NOT IN (SELECT place >> 16 FROM session))";

/* A log that grows, with a prune now and then, against the whole of it pruned once. */
START_TEST(between_runs)
{
    char whole[128], part[128];
    struct arena arena = { 0 };
    struct str logs[LABS];
    int64_t first[LABS], last[LABS];
    name_database(whole, "whole.db");
    name_database(part, "part.db");
    for (size_t i = 0; i < LABS; i++) {
        logs[i] = read_log(i, &arena);
        said_forget(whole);
        collect(whole, lab_logs[i], 0);
        first[i] = number(whole, "SELECT first FROM total");
        last[i] = number(whole, "SELECT last FROM total");
        ck_assert_int_gt(last[i], first[i]);
    }
    int64_t named = 0;
    for (unsigned seed = 0, all = seeds(12); seed < all; seed++) {
        random_state = seed * 1000 + 7;
        size_t lab = random_below(LABS), at = 0;
        usec span = last[lab] - first[lab] + 1;
        usec before = seed % 8 == 7 ? last[lab] + 1 : first[lab] + (usec)random_below((uint64_t)span);
        const char *path = input_path("mail.log");
        said_forget(whole);
        said_forget(part);
        if (seed % 3 == 0) {
            tell_phrases(whole);
            tell_phrases(part);
        }
        for (size_t pieces = 1 + random_below(PIECES_MOST); pieces > 0; pieces--) {
            at = pieces == 1 ? logs[lab].len : at + random_below(logs[lab].len - at);
            const char *newline = memchr(logs[lab].at + at - (at > 0), '\n', logs[lab].len - at + 1);
            at = newline ? (size_t)(newline - logs[lab].at) + 1 : logs[lab].len;
            input_write("mail.log", (struct str){ logs[lab].at, at });
            collect(part, path, COMMIT_BYTES * random_below(2));
            if (random_below(3)) {
                prune(part, random_below(2) ? before : before - (usec)random_below((uint64_t)span));
                expect_sound(part);
            }
        }
        collect(whole, path, 0);
        named += number(whole, "SELECT count(*) FROM evidence_named");
        prune(whole, before);
        expect_sound(whole);
        ck_assert_int_eq(number(whole, no_orphans), 0);

        const char *const *views = views_since(before);
        struct said expected = said_hear(whole, views);
        said_expect(&expected, part, views, "pruned between", seed);
        prune(part, before);
        expect_sound(part);
        ck_assert_int_eq(number(part, no_orphans), 0);
        expected = said_hear(whole, all_views);
        said_expect(&expected, part, all_views, "pruned at the end", seed);

        /* The same again brings nothing back. */
        collect(part, path, 0);
        said_expect(&expected, part, all_views, "collected again", seed);
    }
    ck_assert_int_gt(named, 0); /* phrases had something to name */
    arena_free(&arena);
}
END_TEST

/* Sessions of 5,000 seconds, one each: 3,000 go. */
START_TEST(how_much)
{
    struct arena arena = { 0 };
    struct why why = { 0 };
    struct store_pruned pruned;
    char database[128];
    name_database(database, "much.db");
    input_write("mail.log", log_of(0, 5000, &arena));
    collect(database, input_path("mail.log"), 0);
    struct said before = said_hear(database, all_views);
    ck_assert_uint_eq(before.rows[0], 5000);

    struct store *store = NULL;
    ck_assert_int_eq(store_open(database, STORE_READ, &store, &why), 0);
    ck_assert_int_eq(store_prune(store, LOG_BEGINS + 3000 * USEC_SECOND, true, &pruned, &why), 0);
    ck_assert_uint_eq(pruned.sessions, 3000);
    close_store(store);
    said_expect(&before, database, all_views, "a dry run", 0);

    pruned = prune(database, LOG_BEGINS + 3000 * USEC_SECOND);
    ck_assert_uint_eq(pruned.sessions, 3000);
    ck_assert_uint_lt(pruned.bytes_after, pruned.bytes_before);
    ck_assert_int_eq(number(database, "SELECT count(*) FROM session"), 2000);
    ck_assert_int_eq(number(database, "SELECT min(id) FROM session"), 3001);
    ck_assert_int_eq(number(database, "PRAGMA freelist_count"), 0);
    ck_assert_uint_eq(prune(database, LOG_BEGINS + 3000 * USEC_SECOND).sessions, 0);
    arena_free(&arena);
}
END_TEST

/* No number is given twice, be it that none is left and the collector's state is of no use. */
START_TEST(numbers_go_on)
{
    struct arena arena = { 0 };
    char database[128];
    name_database(database, "numbers.db");
    struct str log = log_of(0, 150, &arena);
    input_write("mail.log", log_part(log, 0, 201)); /* to the end of session 99 and the beginning of 100 */
    collect(database, input_path("mail.log"), 0);
    ck_assert_uint_eq(prune(database, LOG_BEGINS + USEC_DAY).sessions, 101);
    ck_assert_int_eq(number(database, "SELECT count(*) FROM session"), 0);
    expect_sound(database);
    execute(database, "DELETE FROM unfinished");
    input_write("mail.log", log);
    collect(database, input_path("mail.log"), 0);
    ck_assert_int_ge(number(database, "SELECT count(*) FROM session"), 49);
    ck_assert_int_eq(number(database, "SELECT min(id) FROM session"), 102);
    expect_sound(database);
    arena_free(&arena);
}
END_TEST

/* One process collects, prunes and collects: what it remembered of numbers is not held against it. */
START_TEST(in_one_process)
{
    struct arena arena = { 0 };
    struct store_pruned pruned;
    char database[128], other[128];
    name_database(database, "one.db");
    name_database(other, "other.db");
    struct store *store = open_store(database);
    for (size_t i = 0; i < LABS; i++) {
        collect_paths(store, &lab_logs[i], 1, 0);
        ck_assert_int_eq(store_prune(store, INT64_MAX, false, &pruned, NULL), 0);
        ck_assert_uint_gt(pruned.sessions, 100);
    }
    input_write("mail.log", log_of(0, 100, &arena));
    const char *log = input_path("mail.log");
    collect_paths(store, &log, 1, 0);
    close_store(store);
    expect_sound(database);
    ck_assert_int_eq(number(database, "SELECT count(*) FROM session"), 100);
    arena_free(&arena);
}
END_TEST

/* What a message's log says days later of a session that has gone does not come back without it. */
START_TEST(late_evidence)
{
    static const char begins[] =
        "2026-11-23T09:00:00.000000+00:00 mx postfix/smtpd[7]: connect from a.example[192.0.2.1]\n"
        "2026-11-23T09:00:01.000000+00:00 mx postfix/smtpd[7]: 4F0C1D2E3A: client=a.example[192.0.2.1]\n"
        "2026-11-23T09:00:02.000000+00:00 mx postfix/qmgr[8]: 4F0C1D2E3A: from=<x@a.example>, size=500, "
        "nrcpt=1 "
        "(queue active)\n"
        "2026-11-23T09:00:03.000000+00:00 mx postfix/smtpd[7]: disconnect from a.example[192.0.2.1] ehlo=1 "
        "mail=1 "
        "rcpt=1 data=1 quit=1 commands=5\n"
        "2026-11-23T09:00:04.000000+00:00 mx postfix/lmtp[9]: 4F0C1D2E3A: to=<y@example.org>, relay=none, "
        "delay=3, delays=3/0/0/0, "
        "dsn=4.4.1, status=deferred (connect to 127.0.0.1[127.0.0.1]:24: Connection refused)\n"
        "2026-11-23T19:00:00.000000+00:00 mx postfix/smtpd[7]: connect from b.example[192.0.2.2]\n"
        "2026-11-23T19:00:01.000000+00:00 mx postfix/smtpd[7]: disconnect from b.example[192.0.2.2]\n";
    static const char goes_on[] =
        "2026-11-23T19:10:00.000000+00:00 mx postfix/lmtp[9]: 4F0C1D2E3A: to=<y@example.org>, "
        "relay=127.0.0.1[127.0.0.1]:24, delay=36600, delays=36600/0/0/0, dsn=2.0.0, status=sent (250 ok)\n"
        "2026-11-23T19:10:00.000000+00:00 mx postfix/qmgr[8]: 4F0C1D2E3A: removed\n";
    struct arena arena = { 0 };
    char database[128];
    struct str both = arena_printf(&arena, "%s%s", begins, goes_on);
    usec between = 1795392000 * USEC_SECOND + 12 * USEC_HOUR; /* 2026-11-23T12:00 */

    name_database(database, "unpruned.db");
    input_write("mail.log", STR(begins));
    collect(database, input_path("mail.log"), 0);
    input_write("mail.log", both);
    collect(database, input_path("mail.log"), 0);
    ck_assert_int_eq(number(database, "SELECT count(*) FROM evidence_late"),
                     1); /* there is a case to be seen */

    name_database(database, "late.db");
    input_write("mail.log", STR(begins));
    collect(database, input_path("mail.log"), 0);
    ck_assert_uint_eq(prune(database, between).sessions, 1);
    input_write("mail.log", both);
    collect(database, input_path("mail.log"), 0);
    ck_assert_int_eq(number(database, "SELECT count(*) FROM evidence_late"), 0);
    ck_assert_int_eq(number(database, "SELECT count(*) FROM session"), 1);
    expect_sound(database);
    arena_free(&arena);
}
END_TEST

/* What went is overwritten, every session's sender being a word of its own. SQLite may leave a cell or two
 * that it moved where the first page that stays begins, until the file is written anew. */
static int words_left(const char *database, struct arena *arena)
{
    FILE *file = fopen(database, "rb");
    ck_assert_ptr_nonnull(file);
    char *bytes = arena_alloc(arena, LOG_BYTES_MOST);
    struct str all = { bytes, fread(bytes, 1, LOG_BYTES_MOST, file) };
    fclose(file);
    ck_assert_ptr_nonnull(str_find(all, STR("sender-400@")));
    int left = 0;
    for (int i = 0; i < 400; i++) {
        char sender[24], recipient[24], helo[24];
        sprintf(sender, "sender-%03d", i);
        sprintf(recipient, "you-%03d", i);
        sprintf(helo, "helo-%03d", i);
        left +=
            str_find(all, str_of(sender)) || str_find(all, str_of(recipient)) || str_find(all, str_of(helo));
    }
    return left;
}

START_TEST(nothing_is_left)
{
    struct arena arena = { 0 };
    char database[128], *log = arena_alloc(&arena, 400000), *to = log;
    name_database(database, "left.db");
    for (int i = 0; i < 800; i++)
        to += sprintf(
            to,
            "2026-11-23T09:%02d:%02d.000000+00:00 mx postfix/smtpd[%d]: connect from unknown[192.0.2.1]\n"
            "2026-11-23T09:%02d:%02d.000000+00:00 mx postfix/smtpd[%d]: NOQUEUE: reject: RCPT from "
            "unknown[192.0.2.1]: 450 4.7.1 no; from=<sender-%03d@example.com> to=<you-%03d@example.org> "
            "proto=ESMTP helo=<helo-%03d.example>\n"
            "2026-11-23T09:%02d:%02d.000000+00:00 mx postfix/smtpd[%d]: disconnect from unknown[192.0.2.1]\n",
            i / 20, i % 20, 1000 + i, i / 20, i % 20, 1000 + i, i, i, i, i / 20, i % 20, 1000 + i);
    to += sprintf(to,
                  "2026-11-23T13:00:00.000000+00:00 mx postfix/smtpd[77]: connect from unknown[192.0.2.1]\n");
    input_write("mail.log", str_range(log, to));
    collect(database, input_path("mail.log"), 0);
    prune(database, 1795392000 * USEC_SECOND + 9 * USEC_HOUR + 20 * USEC_MINUTE);
    ck_assert_int_eq(number(database, "SELECT count(*) FROM session WHERE mail_from IS NOT NULL"), 400);
    ck_assert_int_le(words_left(database, &arena), 2);
    execute(database, "VACUUM");
    ck_assert_int_eq(words_left(database, &arena), 0);
    arena_free(&arena);
}
END_TEST

/* ---- Killed: what was before, or what comes after. */

static void copy(const char *from, const char *to)
{
    char bytes[64 * 1024];
    size_t got = 0;
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    ck_assert(in && out);
    while ((got = fread(bytes, 1, sizeof bytes, in)) > 0)
        ck_assert_uint_eq(fwrite(bytes, 1, got, out), got);
    fclose(in);
    ck_assert_int_eq(fclose(out), 0);
}

START_TEST(killed)
{
    char database[128], start[128], done[128];
    name_database(start, "start.db");
    name_database(done, "done.db");
    name_database(database, "killed.db");
    collect(start, lab_logs[0], 0);
    collect(start, lab_logs[1], 0);
    usec before = number(start, "SELECT (first + last) / 2 FROM total");
    copy(start, done);
    struct timespec began, ended;
    clock_gettime(CLOCK_MONOTONIC, &began);
    ck_assert_uint_gt(prune(done, before).sessions, 100);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    uint64_t took =
        (uint64_t)((ended.tv_sec - began.tv_sec) * 1000000 + (ended.tv_nsec - began.tv_nsec) / 1000);
    struct said old = said_hear(start, all_views), new = said_hear(done, all_views);
    unsigned olds = 0, news = 0;
    for (unsigned seed = 0, all = seeds(20); seed < all; seed++) {
        random_state = seed;
        said_forget(database);
        copy(start, database);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            prune(database, before);
            pause();
        }
        usleep((useconds_t)random_below(took * 3 / 2));
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        struct said said = said_hear(database, all_views);
        bool is_old = said.rows[0] == old.rows[0];
        said_expect(is_old ? &old : &new, database, all_views, is_old ? "as before" : "as after", seed);
        olds += is_old;
        news += !is_old;
        expect_sound(database);
        prune(database, before);
        said_expect(&new, database, all_views, "and again", seed);
    }
    printf("killed before it was done: %u, after: %u\n", olds, news);
}
END_TEST

/* ---- A database of layout 3, which gave nothing back. */

START_TEST(older_layout)
{
    char database[128];
    name_database(database, "older.db");
    collect(database, lab_logs[0], 0);
    struct said said = said_hear(database, all_views);
    layout_back(database, 3);
    ck_assert_int_eq(number(database, "PRAGMA auto_vacuum"), 0);
    close_store(open_store(database));
    ck_assert_int_eq(number(database, "PRAGMA user_version"), SCHEMA_VERSION);
    said_expect(&said, database, all_views, "migrated", 0);
    struct store_pruned pruned = prune(database, number(database, "SELECT (first + last) / 2 FROM total"));
    ck_assert_uint_lt(pruned.bytes_after, pruned.bytes_before);
    ck_assert_int_eq(number(database, "PRAGMA auto_vacuum"), 2);
    expect_sound(database);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prune");
    TCase *cases = tcase_create("prune");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, between_runs);
    tcase_add_test(cases, how_much);
    tcase_add_test(cases, numbers_go_on);
    tcase_add_test(cases, in_one_process);
    tcase_add_test(cases, late_evidence);
    tcase_add_test(cases, nothing_is_left);
    tcase_add_test(cases, killed);
    tcase_add_test(cases, older_layout);
    suite_add_tcase(suite, cases);
    return inputs_main(suite);
}

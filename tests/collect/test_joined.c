/* A log and a capture of one server in one database: each session once, whichever comes first, in how many
 * runs, and however often these are killed. $AGAIN is how often kills and splits are tried, with other seeds.
 */
#define _GNU_SOURCE
#include <check.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collect/phrasebook.h"
#include "schemas/store.h"
#include "tests/lib/inputs.h"
#include "tests/lib/runs.h"
#include "tests/lib/said.h"

enum { COMMIT_BYTES = 48 * 1024 };

/* `sessions`: rows of the lab's truth.tsv. */
static const struct lab {
    const char *log, *capture;
    int64_t sessions;
} servers[] = {
    { "sample-logs/labs/postfix-smtpd/mail.log", "sample-logs/labs/postfix-smtpd/capture.pcap.xz", 589 },
    { "sample-logs/labs/opensmtpd-filters/mail.log.gz", "sample-logs/labs/opensmtpd-filters/capture.pcap.xz",
      567 },
    { "sample-logs/labs/sendmail-loglevel14/mail.log.gz",
      "sample-logs/labs/sendmail-loglevel14/capture.pcap.xz", 566 },
};
enum { LABS = sizeof servers / sizeof *servers };

/* ---- What a database says. */

/* With the ids, for runs of the same order. */
static const char *const whole_views[] = {
    "SELECT * FROM v_session",
    "SELECT * FROM v_transaction",
    "SELECT * FROM v_recipient",
    "SELECT * FROM v_evidence",
    "SELECT * FROM v_attempt",
    "SELECT sessions, transactions, recipients, messages, evidence, first, last FROM total",
    "SELECT id, capture, ahead FROM joined",
    "SELECT * FROM clock",
    NULL,
};

/* Without them, for any order: the session is known by its start, client and port. */
#define WHOSE    "s.started, s.client_ip, s.client_port, "
#define EVIDENCE "e.kind, e.subject, e.state, e.detail, e.at, e.origin"
static const char *const same_views[] = {
    "SELECT direction, gap, started, ended, client_ip, client_port, client_name, server, server_ip, "
    "server_port, "
    "helo, tls, auth_user, stage, closed, early_talker, transactions, messages, recipients, verdict, "
    "measure, code, "
    "enhanced, text FROM v_session ORDER BY started, client_ip, client_port, ended",
    "SELECT " WHOSE
    "t.mail_from, t.recipients, t.accepted_recipients, t.queue_id, t.message_id, t.size, t.verdict, "
    "t.measure, t.code FROM v_transaction t JOIN v_session s ON s.id = t.session_id "
    "ORDER BY s.started, s.client_ip, s.client_port, t.id & 16777215",
    "SELECT " WHOSE "r.transaction_id & 16777215, r.address, r.verdict, r.measure, r.code, r.valid "
    "FROM v_recipient r JOIN v_session s ON s.id = r.session_id "
    "ORDER BY s.started, s.client_ip, s.client_port, r.id & 16777215",
    "SELECT " WHOSE EVIDENCE
    " FROM v_evidence e JOIN v_session s ON s.id = e.session_id ORDER BY " WHOSE EVIDENCE,
    /* What came late is of the transaction that it is about. */
    "SELECT " WHOSE
    "kind, state, at, place, recipient FROM (SELECT session, bits >> 5 AS kind, bits & 3 AS state, "
    "at, \"transaction\" AS place, recipient FROM evidence_late) e JOIN v_session s ON s.id = e.session "
    "ORDER BY " WHOSE "kind, state, at, place, recipient",
    "SELECT sessions, transactions, recipients, messages, evidence, first, last FROM total",
    "SELECT count(*), min(ahead), max(ahead) FROM joined",
    "SELECT * FROM clock",
    NULL,
};
/* The same where pieces of the log are read in several runs: whether evidence came late is another matter. */
static const char *pieces_views[8];

static void expect_number(const char *database, const char *sql, int64_t expected)
{
    int64_t found = number(database, sql);
    ck_assert_msg(found == expected, "%s: %lld, expected %lld", sql, (long long)found, (long long)expected);
}

/* ---- Runs. */

struct paths {
    const char *path[8];
    size_t count;
};

static void collect(const char *database, const struct paths *paths, uint64_t commit_bytes)
{
    struct store *store = open_store(database);
    collect_paths(store, paths->path, paths->count, commit_bytes);
    close_store(store);
}

static void collect_one(const char *database, const char *path)
{
    collect(database, &(struct paths){ { path }, 1 }, 0);
}

/* A new database of this name. */
static const char *fresh(const char *name)
{
    const char *database = input_path(name);
    said_forget(database);
    return database;
}

/* The log up to the line at about a share of it. */
static struct str part_of(struct str log, double share)
{
    const char *at = memchr(log.at + (size_t)((double)(log.len - 1) * share), '\n', log.len);
    return at && at < log.at + log.len ? str_range(log.at, at + 1) : log;
}

/* ---- Each session once. */

START_TEST(each_session_once)
{
    const struct lab *lab = &servers[_i];
    const char *database = fresh("both.db");
    collect(database, &(struct paths){ { lab->log, lab->capture }, 2 }, 0);
    expect_sound(database);
    expect_number(database, "SELECT count(*) FROM v_session WHERE direction = 'in'", lab->sessions);
    expect_number(database, "SELECT count(*) FROM joined", lab->sessions);
    expect_number(database,
                  "SELECT count(DISTINCT client_ip || ' ' || client_port) FROM v_session "
                  "WHERE direction = 'in'",
                  lab->sessions);
    /* What only the log has, and only the capture, is on the one session. */
    expect_number(database, "SELECT count(*) FROM v_session WHERE direction = 'in' AND server IS NULL", 0);
    expect_number(database, "SELECT count(*) FROM v_session WHERE direction = 'in' AND server_ip IS NULL", 0);
    ck_assert_int_gt(
        number(database, "SELECT count(*) FROM v_transaction t JOIN v_evidence e USING (session_id) "
                         "WHERE t.queue_id IS NOT NULL AND e.kind = 'early_talker' AND e.origin = 'capture'"),
        10);
    expect_number(database, "SELECT count(*) FROM v_evidence WHERE kind = 'contradiction'", 0);
    /* The clocks are one machine's. */
    expect_number(database, "SELECT count(*) FROM joined WHERE ahead <> 0", 0);
}
END_TEST

/* Nothing of the log's own is lost: deliveries, queue ids, and what the log alone knows of the client. */
START_TEST(nothing_is_lost)
{
    static const char *const counts[] = {
        "SELECT count(*) FROM v_evidence WHERE kind = 'fate'",
        "SELECT count(DISTINCT queue_id) FROM v_transaction",
        "SELECT count(*) FROM v_evidence WHERE kind = 'spf'",
        "SELECT count(*) FROM v_evidence WHERE kind = 'greylist'",
        "SELECT count(*) FROM v_session WHERE measure IS NOT NULL AND measure <> 'other'",
    };
    const struct lab *lab = &servers[_i];
    const char *alone = fresh("alone.db"), *both = fresh("both.db");
    collect_one(alone, lab->log);
    collect(both, &(struct paths){ { lab->log, lab->capture }, 2 }, 0);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        ck_assert_msg(number(both, counts[i]) >= number(alone, counts[i]), "%s", counts[i]);
    const char *seen = fresh("seen.db"),
               *talked = "SELECT count(*) FROM v_evidence WHERE kind = 'early_talker' AND "
                         "origin = 'capture'";
    collect_one(seen, lab->capture);
    ck_assert_int_eq(number(both, talked), number(seen, talked));
}
END_TEST

START_TEST(three_servers)
{
    const char *database = fresh("three.db");
    int64_t sessions = 0;
    struct paths paths = { .count = 0 };
    for (size_t i = 0; i < LABS; i++) {
        paths.path[paths.count++] = servers[i].log;
        paths.path[paths.count++] = servers[i].capture;
        sessions += servers[i].sessions;
    }
    collect(database, &paths, 0);
    expect_sound(database);
    expect_number(database, "SELECT count(*) FROM v_session WHERE direction = 'in'", sessions);
    expect_number(database, "SELECT count(*) FROM joined", sessions);
}
END_TEST

/* ---- Whichever comes first. */

START_TEST(either_order)
{
    const struct lab *lab = &servers[_i];
    const char *database = fresh("once.db");
    collect(database, &(struct paths){ { lab->log, lab->capture }, 2 }, 0);
    struct said expected = said_hear(database, same_views);
    database = fresh("log_first.db");
    collect_one(database, lab->log);
    collect_one(database, lab->capture);
    expect_sound(database);
    said_expect(&expected, database, same_views, "log first", 0);
    database = fresh("capture_first.db");
    collect_one(database, lab->capture);
    collect_one(database, lab->log);
    expect_sound(database);
    said_expect(&expected, database, same_views, "capture first", 0);
    /* Nothing new: nothing changes. */
    expected = said_hear(database, whole_views);
    collect(database, &(struct paths){ { lab->log, lab->capture }, 2 }, 0);
    said_expect(&expected, database, whole_views, "again", 0);
}
END_TEST

/* The log grows between the runs, with sessions open where it ends; the capture comes before, between or
 * after. */
START_TEST(in_pieces)
{
    struct arena arena = { 0 };
    struct said expected[LABS];
    struct str logs[LABS];
    size_t views = 0;
    for (size_t i = 0; same_views[i]; i++)
        if (!strstr(same_views[i], "evidence_late"))
            pieces_views[views++] = same_views[i];
    for (size_t i = 0; i < LABS; i++) {
        const char *database = fresh("once.db");
        logs[i] = input_unpacked(servers[i].log, &arena);
        collect(database, &(struct paths){ { servers[i].log, servers[i].capture }, 2 }, 0);
        expected[i] = said_hear(database, pieces_views);
    }
    for (unsigned seed = 0, all = seeds(3); seed < all; seed++) {
        random_state = seed * 1000;
        size_t lab = random_below(LABS), pieces = 2 + random_below(3), capture_at = random_below(pieces + 1);
        const char *database = fresh("pieces.db");
        double share = 0;
        for (size_t i = 0; i <= pieces; i++) {
            if (i == capture_at)
                collect_one(database, servers[lab].capture);
            if (i == pieces)
                break;
            share = i + 1 == pieces ? 1 : share + (1 - share) * (double)random_below(1000) / 1000;
            input_write("growing.log", part_of(logs[lab], share));
            collect(database, &(struct paths){ { input_path("growing.log") }, 1 },
                    COMMIT_BYTES * random_below(2));
            expect_sound(database);
        }
        said_expect(&expected[lab], database, pieces_views, servers[lab].log, seed);
    }
    arena_free(&arena);
}
END_TEST

/* ---- Clocks. */

/* A log of RFC 3339 stamps by a clock that is ahead. */
static struct str shifted(struct str log, usec ahead, struct arena *arena)
{
    char *bytes = arena_alloc(arena, 2 * log.len);
    size_t len = 0;
    struct str line;
    while (cut_until_char(&log, '\n', &line)) {
        struct str rest = line, stamp = { 0 };
        usec at = 0;
        char text[CLOCK_TEXT_BYTES];
        ck_assert(cut_until_char(&rest, ' ', &stamp) && clock_parse(stamp, &at));
        unsigned length = clock_format(at + ahead, text);
        len += (size_t)sprintf(bytes + len, "%.*s %.*s\n", (int)length, text, STR_ARG(rest));
    }
    return (struct str){ bytes, len };
}

static const usec clocks[] = { 3700000, -40 * USEC_SECOND, 5 * USEC_HOUR + 30 * USEC_MINUTE };

START_TEST(clocks_that_differ)
{
    struct arena arena = { 0 };
    char sql[200];
    const struct lab *lab = &servers[0];
    usec ahead = clocks[_i];
    const char *database = fresh("clock.db");
    input_write("ahead.log", shifted(input_unpacked(lab->log, &arena), ahead, &arena));
    collect_one(database, lab->capture);
    collect_one(database, input_path("ahead.log"));
    expect_sound(database);
    expect_number(database, "SELECT count(*) FROM joined", lab->sessions);
    expect_number(database, "SELECT count(*) FROM v_session WHERE direction = 'in'", lab->sessions);
    snprintf(sql, sizeof sql, "SELECT count(*) FROM joined WHERE abs(ahead - %lld) > 200000",
             (long long)ahead);
    expect_number(database, sql, 0);
    arena_free(&arena);
}
END_TEST

/* ---- With what else changes sessions. */

static void tell_phrases(const char *database, bool any)
{
    static const struct site_phrase phrases[] = {
        { .pattern = STR_INIT("error"), .measure = NAMED_EARLY_TALKER, .stage = STAGES },
        { .pattern = STR_INIT("command"), .measure = NAMED_RECIPIENT, .stage = STAGES },
        { .pattern = STR_INIT("size"), .measure = NAMED_SPAM, .stage = STAGES },
        { .pattern = STR_INIT("invalid"), .measure = NAMED_RECIPIENT, .stage = STAGES },
    };
    struct why why = { 0 };
    struct phrasebook book = { 0 };
    struct store_named named;
    for (size_t i = 0; any && i < sizeof phrases / sizeof *phrases; i++)
        phrasebook_add(&book, &phrases[i]);
    struct store *store = open_store(database);
    ck_assert_msg(store_name(store, &book, &named, &why) == 0, "%s", why.text);
    close_store(store);
    phrasebook_free(&book);
}

/* Words of the site's own may be told before, between or afterwards, and taken back. */
START_TEST(phrases)
{
    static const char *const orders[] = { "PLC", "LPC", "LCP", "CPL" };
    const struct lab *lab = &servers[_i];
    struct said named = { 0 };
    const char *database = fresh("plain.db");
    collect(database, &(struct paths){ { lab->log, lab->capture }, 2 }, 0);
    struct said plain = said_hear(database, same_views);
    for (unsigned i = 0; i < sizeof orders / sizeof *orders; i++) {
        database = fresh("phrases.db");
        for (const char *step = orders[i]; *step; step++)
            if (*step == 'P')
                tell_phrases(database, true);
            else
                collect_one(database, *step == 'L' ? lab->log : lab->capture);
        expect_sound(database);
        expect_number(database, "SELECT count(*) > 0 FROM reply WHERE base IS NOT NULL", 1);
        if (i == 0)
            named = said_hear(database, same_views);
        said_expect(&named, database, same_views, "named", i);
        tell_phrases(database, false);
        expect_sound(database);
        said_expect(&plain, database, same_views, "taken back", i);
    }
}
END_TEST

/* What is pruned goes with what is known of its joining; what comes afterwards is joined as ever. */
START_TEST(pruned)
{
    struct arena arena = { 0 };
    struct why why = { 0 };
    struct store_pruned gone;
    const struct lab *lab = &servers[0];
    const char *database = fresh("pruned.db");
    struct str log = input_unpacked(lab->log, &arena);
    input_write("growing.log", part_of(log, 0.5));
    collect(database, &(struct paths){ { input_path("growing.log"), lab->capture }, 2 }, 0);
    usec middle = number(database, "SELECT (min(started) + max(started)) / 2 FROM session");
    struct store *store = open_store(database);
    ck_assert_int_eq(store_prune(store, middle, false, &gone, &why), 0);
    close_store(store);
    expect_sound(database);
    input_write("growing.log", log);
    collect(database, &(struct paths){ { input_path("growing.log") }, 1 }, 0);
    expect_sound(database);
    ck_assert_int_gt(number(database, "SELECT count(*) FROM joined"), 100);
    char sql[200];
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM session WHERE started >= %lld AND bits >> 24 & 1 = 0 AND id NOT IN "
             "(SELECT id FROM joined)",
             (long long)middle);
    expect_number(database, sql, 0);
    arena_free(&arena);
}
END_TEST

/* ---- Killed at any instant. */

struct told {
    volatile double began, ended;
};

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* Runs, and dies after `seconds`; returns how long it took where it was done before, else 0. */
static double run_and_die(struct told *told, const char *database, const struct paths *paths, double seconds)
{
    *told = (struct told){ 0 };
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        told->began = now();
        collect(database, paths, COMMIT_BYTES);
        told->ended = now();
        _exit(0);
    }
    while (told->ended == 0 && (told->began == 0 || now() - told->began < seconds))
        usleep(20);
    kill(child, SIGKILL);
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return told->ended > 0 ? told->ended - told->began : 0;
}

/* Three runs: half of the log, the capture with three quarters, all of the log. Each may be killed, and is
 * run again. */
static unsigned collect_killed(struct told *told, const char *database, struct str log, double whole[3])
{
    static const double shares[] = { 0.5, 0.75, 1 };
    unsigned kills = 0;
    for (size_t run = 0; run < 3; run++) {
        struct paths paths = { { input_path("growing.log"), servers[0].capture }, run == 1 ? 2 : 1 };
        input_write("growing.log", part_of(log, shares[run]));
        if (whole[run] == 0) {
            whole[run] = run_and_die(told, database, &paths, 1e9);
            continue;
        }
        for (size_t tries = random_below(3); tries; tries--)
            kills += run_and_die(told, database, &paths, whole[run] * (double)random_below(1000) / 900) == 0;
        collect(database, &paths, COMMIT_BYTES);
    }
    return kills;
}

START_TEST(killed)
{
    struct arena arena = { 0 };
    struct told *told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct str log = input_unpacked(servers[0].log, &arena);
    char database[128];
    double whole[3] = { 0 };
    snprintf(database, sizeof database, "%s", fresh("killed.db"));
    collect_killed(told, database, log, whole);
    expect_sound(database);
    struct said expected = said_hear(database, whole_views);
    ck_assert_uint_eq(expected.rows[6], (uint64_t)servers[0].sessions);
    unsigned kills = 0, wanted = seeds(6);
    for (unsigned seed = 0; kills < wanted && seed < 4 * wanted; seed++) {
        random_state = seed * 77;
        said_forget(database);
        kills += collect_killed(told, database, log, whole);
        expect_sound(database);
        said_expect(&expected, database, whole_views, "killed", seed);
    }
    printf("killed: %u\n", kills);
    munmap(told, sizeof *told);
    arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("joined");
    TCase *cases = tcase_create("joined");
    tcase_set_timeout(cases, 0);
    tcase_add_loop_test(cases, each_session_once, 0, LABS);
    tcase_add_loop_test(cases, nothing_is_lost, 0, LABS);
    tcase_add_test(cases, three_servers);
    tcase_add_loop_test(cases, either_order, 0, LABS);
    tcase_add_test(cases, in_pieces);
    tcase_add_loop_test(cases, clocks_that_differ, 0, sizeof clocks / sizeof *clocks);
    tcase_add_loop_test(cases, phrases, 0, LABS);
    tcase_add_test(cases, pruned);
    tcase_add_test(cases, killed);
    suite_add_tcase(suite, cases);
    return inputs_main(suite);
}

/* Again and again: a log that is read in pieces, or by runs that are killed, gives the database of one
 * undisturbed run: every view equal in content and order, ids included. $AGAIN is how often each is tried,
 * with other seeds. */
#define _GNU_SOURCE
#include <archive.h>
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collect/syslog.h"
#include "schemas/store.h"
#include "tests/lib/inputs.h"
#include "tests/lib/runs.h"
#include "tests/lib/said.h"

enum { COMMIT_BYTES = 48 * 1024, PIECES_MOST = 6 };

/* ---- What a database says. */

/* The views, as they come; `whole`: with all that is said of the inputs but when they were collected. */
static const char *const whole_views[] = {
    "SELECT * FROM v_session",
    "SELECT * FROM v_transaction",
    "SELECT * FROM v_recipient",
    "SELECT * FROM v_evidence",
    "SELECT * FROM v_attempt",
    "SELECT * FROM v_skipped",
    "SELECT id, path, kind, dialects, bytes, lines, other, skipped, first, last FROM v_input",
    "SELECT sessions, transactions, recipients, messages, evidence, first, last FROM total",
    NULL,
};
/* Which file a session is in is another matter where the log was split. */
static const char *const sum_views[] = {
    "SELECT id, direction, gap, started, ended, client_ip, client_port, client_name, server, server_ip, "
    "server_port, helo, "
    "tls, auth_user, stage, closed, early_talker, transactions, messages, recipients, verdict, measure, "
    "code, enhanced, text "
    "FROM v_session",
    "SELECT * FROM v_transaction",
    "SELECT * FROM v_recipient",
    "SELECT * FROM v_evidence",
    "SELECT * FROM v_attempt",
    "SELECT reason, shape, sum(count) FROM v_skipped GROUP BY reason, shape",
    "SELECT sum(bytes), sum(lines), sum(other), sum(skipped), min(first), max(last) FROM v_input",
    "SELECT sessions, transactions, recipients, messages, evidence, first, last FROM total",
    NULL,
};

/* ---- Runs. */

/* What a run that may be killed tells of itself. */
struct told {
    volatile unsigned commits;
    volatile bool closing;
    volatile double began, committed, closed, ended;
};

static struct told *told;
static struct catalogue inner;

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static int commit(void *state, struct why *why)
{
    int result = inner.commit(state, why);
    if (told && told->commits++ == 0)
        told->committed = now();
    return result;
}

static void collect(const char *database, const char *const *paths, size_t count, uint64_t commit_bytes)
{
    struct why why = { 0 };
    struct store *store = NULL;
    struct collected collected;
    ck_assert_msg(store_open(database, STORE_WRITE, &store, &why) == 0, "%s", why.text);
    struct collect_options options = { .paths = paths,
                                       .path_count = count,
                                       .year = 2026,
                                       .first_session = store_next_session(store),
                                       .commit_bytes = commit_bytes,
                                       .quiet = true };
    struct sink sink = store_sink(store);
    inner = store_catalogue(store);
    struct catalogue catalogue = inner;
    catalogue.commit = commit;
    ck_assert_msg(collect_run(&options, &sink, &catalogue, &collected, &why) == 0, "%s", why.text);
    if (told) {
        told->closed = now();
        told->closing = true;
    }
    ck_assert_msg(store_close(store, &why) == 0, "%s", why.text);
}

static const char *const lab_logs[] = { "sample-logs/labs/postfix-smtpd/mail.log",
                                        "sample-logs/labs/postfix-postscreen/mail.log",
                                        "sample-logs/labs/postfix-greylist/mail.log" };
enum { LABS = sizeof lab_logs / sizeof *lab_logs };

static struct str read_lab(const char *path, struct arena *arena)
{
    FILE *from = fopen(path, "rb");
    ck_assert_ptr_nonnull(from);
    char *bytes = arena_alloc(arena, 2 * 1024 * 1024);
    struct str log = { bytes, fread(bytes, 1, 2 * 1024 * 1024, from) };
    fclose(from);
    return log;
}

static int (*const filters[])(struct archive *) = { NULL, archive_write_add_filter_gzip,
                                                    archive_write_add_filter_xz,
                                                    archive_write_add_filter_zstd };

static void write_somehow(const char *name, struct str bytes)
{
    int (*filter)(struct archive *) = filters[random_below(sizeof filters / sizeof *filters)];
    if (filter)
        input_compress(name, filter, bytes);
    else
        input_write(name, bytes);
}

/* ---- Split into several files, as syslog does by program. */

enum { SPLITS_MOST = 5, STAMP_BYTES = sizeof "2026-11-23T09:07:12.057203" - 1 };

/* Files that overlap in time, which are the whole log when their lines are put in order of time. */
struct split {
    struct str file[SPLITS_MOST];
    size_t count;
};

enum way { BY_PROGRAM, BY_WORD, BY_LINE, WAYS };

static struct str word_behind(struct str line, size_t blanks, char end)
{
    struct str rest = line, word = { line.at, 0 };
    for (size_t i = 0; i <= blanks; i++)
        if (!cut_until_char(&rest, i == blanks ? end : ' ', &word))
            return (struct str){ line.at, 0 };
    return word;
}

/* Which of `count` files a line goes to. */
static size_t file_of(struct str line, enum way way, size_t count)
{
    struct str by = way == BY_PROGRAM ? word_behind(line, 2, '[') : word_behind(line, 6, ' ');
    return way == BY_LINE ? random_below(count) : bytes_hash(by.at, by.len, 5) % count;
}

/* Of equal times, and where the clock steps back, nothing but the log itself tells the order: a line that is
 * not later than all before it goes where the latest of these went. Every stamp of the labs is of this form
 * and zone, so its text is in order of time. */
static struct split split_up(struct str log, enum way way, size_t count, struct arena *arena)
{
    struct split split = { .count = count };
    const char *latest = NULL;
    size_t to = 0;
    for (size_t i = 0; i < count; i++)
        split.file[i].at = arena_alloc(arena, log.len);
    for (struct str line; cut_until_char(&log, '\n', &line);) {
        if (line.len > STAMP_BYTES && (!latest || memcmp(line.at, latest, STAMP_BYTES) > 0)) {
            latest = line.at;
            to = file_of(line, way, count);
        }
        memcpy((char *)split.file[to].at + split.file[to].len, line.at, line.len + 1);
        split.file[to].len += line.len + 1;
    }
    return split;
}

/* Those of its lines that come before `stamp`; the lines of a split file are in order but for those that a
 * step back of the clock left behind later ones. */
static struct str before_stamp(struct str file, const char *stamp)
{
    struct str rest = file, line;
    while (cut_until_char(&rest, '\n', &line))
        if (line.len > STAMP_BYTES && memcmp(line.at, stamp, STAMP_BYTES) >= 0)
            return str_range(file.at, line.at);
    return file;
}

struct paths {
    const char *path[SPLITS_MOST];
    size_t count;
};

static struct paths write_split(const struct split *split, const char *until)
{
    struct paths paths = { .count = split->count };
    for (size_t i = 0; i < split->count; i++) {
        char name[32];
        snprintf(name, sizeof name, "split.%zu", i);
        write_somehow(name, until ? before_stamp(split->file[i], until) : split->file[i]);
        paths.path[i] = input_path(name);
    }
    return paths;
}

/* ---- Killed at any instant. */

enum phase { BEFORE_COMMIT, BETWEEN, CHECKPOINT, PHASES };
static const char *const phase_name[PHASES] = { "before the first commit", "between commits",
                                                "in the last checkpoint" };

/* When a phase began; 0: it has not yet. */
static double phase_began(enum phase phase)
{
    return phase == BEFORE_COMMIT ? told->began : phase == BETWEEN ? told->committed : told->closed;
}

/* Runs, and dies so many seconds after a phase has begun. Which phase that was in; PHASES where it was done
 * before. */
static enum phase run_and_die(const char *database, const struct paths *paths, enum phase from,
                              double seconds)
{
    *told = (struct told){ .commits = 0 };
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        told->began = now();
        collect(database, paths->path, paths->count, COMMIT_BYTES);
        told->ended = now();
        _exit(0);
    }
    while (told->ended == 0 && (phase_began(from) == 0 || now() - phase_began(from) < seconds))
        usleep(20);
    kill(child, SIGKILL);
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    if (told->ended > 0)
        return PHASES;
    return told->closing ? CHECKPOINT : told->commits ? BETWEEN : BEFORE_COMMIT;
}

static void expect_same_when_killed(const struct paths *paths, unsigned usual_seeds, const char *what)
{
    char database[128], undisturbed[128];
    snprintf(database, sizeof database, "%s", input_path("killed.db"));
    snprintf(undisturbed, sizeof undisturbed, "%s", input_path("undisturbed.db"));
    said_forget(undisturbed);
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_int_eq(run_and_die(undisturbed, paths, BEFORE_COMMIT, 1e9), PHASES);
    const struct told usual = *told;
    struct said expected = said_hear(undisturbed, whole_views);
    ck_assert_uint_gt(expected.rows[0], 1000);

    unsigned wanted = seeds(usual_seeds), least = wanted / 20 + 1, in[PHASES + 1] = { 0 };
    double whole = usual.ended - usual.began;
    const double lasts[PHASES] = { usual.committed - usual.began, usual.closed - usual.committed,
                                   usual.ended - usual.closed };
    for (unsigned seed = 0, most = wanted >= 100 ? wanted * 4 : wanted + 8; seed < most; seed++) {
        /* Evenly over all of it; then in those that were hit too seldom. */
        random_state = seed;
        enum phase from = BEFORE_COMMIT;
        double share = (double)random_below(1u << 20) / (1u << 20);
        double at = whole * ((double)seed + share) / wanted;
        if (seed >= wanted) {
            while (from < PHASES && in[from] >= least)
                from++;
            if (from == PHASES)
                break;
            at = lasts[from] * share;
        }
        said_forget(database);
        enum phase phase = run_and_die(database, paths, from, at);
        in[phase]++;
        if (phase == PHASES && told->ended - told->began < whole)
            whole = told->ended - told->began; /* the machine is less busy now */
        if (random_below(4) == 0)              /* and the run after it */
            run_and_die(database, paths, BEFORE_COMMIT, whole * (double)random_below(1000) / 1000);
        collect(database, paths->path, paths->count, COMMIT_BYTES);
        said_expect(&expected, database, whole_views, what, seed);
    }
    for (enum phase phase = 0; phase < PHASES; phase++)
        printf("%s %s: %u\n", what, phase_name[phase], in[phase]);
    /* Where the kills of a short sample land hangs on how busy the machine is; the long check must hit each
     * phase. */
    for (enum phase phase = 0; wanted >= 100 && phase < PHASES; phase++)
        ck_assert_uint_ge(in[phase], least);
    munmap(told, sizeof *told);
    told = NULL;
}

START_TEST(killed)
{
    struct paths paths = { { lab_logs[0], lab_logs[1] }, 2 };
    expect_same_when_killed(&paths, 24, "killed");
}
END_TEST

START_TEST(split_and_killed)
{
    struct arena arena = { 0 };
    random_state = 7;
    struct split split = split_up(read_lab(lab_logs[2], &arena), BY_PROGRAM, 3, &arena);
    struct paths paths = write_split(&split, NULL);
    expect_same_when_killed(&paths, 24, "split and killed");
    arena_free(&arena);
}
END_TEST

/* A log as a container's runtime writes it: some lines in two pieces, and of those some with another
 * program's line between the pieces. */
static struct str wrap_pieces(struct str log, struct arena *arena)
{
    char *wrapped = arena_alloc(arena, log.len * 3);
    size_t len = 0, n = 0;
    struct str line;
    while (cut_until_char(&log, '\n', &line)) {
        struct str stamp = { line.at, STAMP_BYTES };
        size_t half = ++n % 3 ? 0 : line.len / 2;
        if (half)
            len +=
                (size_t)sprintf(wrapped + len, "%.*sZ stdout P %.*s\n", STR_ARG(stamp), (int)half, line.at);
        if (half && n % 2)
            len += (size_t)sprintf(wrapped + len, "%.*sZ stderr F cron[1]: x\n", STR_ARG(stamp));
        len += (size_t)sprintf(wrapped + len, "%.*sZ stdout F %.*s\n", STR_ARG(stamp), (int)(line.len - half),
                               line.at + half);
    }
    return (struct str){ wrapped, len };
}

static struct str wrap_entries(struct str log, struct arena *arena)
{
    enum { FIELDS_BYTES = 300 };
    size_t lines = 1, len = 0;
    for (size_t i = 0; i < log.len; i++)
        lines += log.at[i] == '\n';
    char *wrapped = arena_alloc(arena, log.len + lines * FIELDS_BYTES);
    struct str text;
    struct syslog syslog;
    syslog_begin(&syslog, USEC_NONE, 0);
    while (cut_until_char(&log, '\n', &text)) {
        struct line line = { 0 };
        ck_assert(syslog_parse(&syslog, text, &line));
        len += (size_t)sprintf(
            wrapped + len,
            "__CURSOR=x\n__REALTIME_TIMESTAMP=%lld\n__MONOTONIC_TIMESTAMP=%lld\n_BOOT_ID=%032d\n"
            "_HOSTNAME=%.*s\nSYSLOG_IDENTIFIER=%.*s\nSYSLOG_PID=%u\nMESSAGE=%.*s\n\n",
            (long long)line.at, (long long)(line.at - LOG_BEGINS), 1, STR_ARG(line.host),
            STR_ARG(line.program), line.pid, STR_ARG(line.text));
    }
    return (struct str){ wrapped, len };
}

START_TEST(wrapped_and_killed)
{
    struct arena arena = { 0 };
    char command[512];
    input_write("pieces.log", wrap_pieces(read_lab(lab_logs[0], &arena), &arena));
    input_write("entries.export", wrap_entries(read_lab(lab_logs[1], &arena), &arena));
    input_write("entries", wrap_entries(read_lab(lab_logs[2], &arena), &arena));
    snprintf(command, sizeof command, "rm -f %s; /lib/systemd/systemd-journal-remote -o %s %s 2>/dev/null",
             input_path("system.journal"), input_path("system.journal"), input_path("entries"));
    ck_assert_int_eq(system(command), 0);
    struct paths paths = {
        { input_path("pieces.log"), input_path("entries.export"), input_path("system.journal") }, 3
    };
    expect_same_when_killed(&paths, 8, "wrapped and killed");
    arena_free(&arena);
}
END_TEST

/* ---- In pieces. */

/* Where the log may be cut: line `at` begins in another second than the line before it ended. */
static bool second_changes(const char *log, const char *at)
{
    const char *before = at - 1;
    while (before > log && before[-1] != '\n')
        before--;
    return strncmp(before, at, sizeof "2026-11-23T09:07:12" - 1) != 0;
}

static size_t cut_near(struct str log, size_t place, bool by_second)
{
    for (const char *at = log.at + place; (at = memchr(at, '\n', (size_t)(log.at + log.len - at)));) {
        at++;
        if (at == log.at + log.len)
            break;
        if (!by_second || second_changes(log.at, at))
            return (size_t)(at - log.at);
    }
    return log.len;
}

static int by_size(const void *left, const void *right)
{
    const size_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* Ends of pieces; the last is the log's. */
static size_t cut_up(struct str log, bool by_second, size_t ends[PIECES_MOST])
{
    size_t count = 1 + random_below(PIECES_MOST), kept = 0;
    for (size_t i = 0; i + 1 < count; i++)
        ends[i] = cut_near(log, random_below(log.len), by_second);
    ends[count - 1] = log.len;
    qsort(ends, count, sizeof *ends, by_size);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || ends[i] != ends[kept - 1])
            ends[kept++] = ends[i];
    return kept;
}

/* One file that grows, is renamed and compressed between the runs. */
static void collect_growing(const char *database, struct str log)
{
    size_t ends[PIECES_MOST], count = cut_up(log, false, ends);
    for (size_t i = 0; i < count; i++) {
        const char *name = random_below(2) ? "mail.log" : "mail.log.1", *path = input_path(name);
        write_somehow(name, (struct str){ log.at, ends[i] });
        collect(database, &path, 1, COMMIT_BYTES * random_below(2));
    }
}

/* A rotated set, in one run or several; some of its files had been read by half before, some are given again.
 */
static void collect_rotated(const char *database, struct str log)
{
    size_t ends[PIECES_MOST], count = cut_up(log, true, ends), begin = 0, given = 0;
    const char *paths[PIECES_MOST * 2];
    char room[PIECES_MOST * 2][128]; /* input_path() keeps the last few only */
    for (size_t i = 0; i < count; i++) {
        char name[32];
        struct str piece = { log.at + begin, ends[i] - begin };
        begin = ends[i];
        snprintf(name, sizeof name, "piece.%zu", (size_t)(random_below(1000) * 10 + i));
        paths[given] = strcpy(room[given], input_path(name));
        given++;
        if (given == 1 && random_below(2)) { /* the half of it first */
            write_somehow(name, (struct str){ piece.at, cut_near(piece, piece.len / 2, false) });
            collect(database, paths, 1, 0);
        }
        write_somehow(name, piece);
        if (random_below(3) == 0) { /* the same under another name */
            snprintf(name, sizeof name, "again.%zu", i);
            paths[given] = strcpy(room[given], input_path(name));
            given++;
            write_somehow(name, piece);
        }
        if (i + 1 < count && random_below(2))
            continue;
        for (size_t n = given; n > 1; n--) {
            size_t other = random_below(n);
            const char *moved = paths[n - 1];
            paths[n - 1] = paths[other];
            paths[other] = moved;
        }
        collect(database, paths, given, COMMIT_BYTES * random_below(2));
        given = 0;
    }
}

/* A log that is split into files which overlap in time; they may grow together between the runs, up to a
 * time. */
static void collect_split(const char *database, struct str log, struct arena *arena)
{
    size_t ends[PIECES_MOST], count = cut_up(log, true, ends);
    struct split split =
        split_up(log, (enum way)random_below(WAYS), 2 + random_below(SPLITS_MOST - 1), arena);
    for (size_t i = random_below(count); i < count; i++) {
        struct paths paths = write_split(&split, ends[i] < log.len ? log.at + ends[i] : NULL);
        for (size_t n = paths.count; n > 1; n--) {
            size_t other = random_below(n);
            const char *moved = paths.path[n - 1];
            paths.path[n - 1] = paths.path[other];
            paths.path[other] = moved;
        }
        collect(database, paths.path, paths.count, COMMIT_BYTES * random_below(2));
    }
}

START_TEST(in_pieces)
{
    char database[128];
    snprintf(database, sizeof database, "%s", input_path("pieces.db"));
    struct arena arena = { 0 };
    struct said expected[LABS];
    struct str logs[LABS];
    for (size_t i = 0; i < LABS; i++) {
        said_forget(database);
        collect(database, &lab_logs[i], 1, 0);
        expected[i] = said_hear(database, sum_views);
        logs[i] = read_lab(lab_logs[i], &arena);
    }
    static const char *const names[] = { "growing", "rotated", "split" };
    for (unsigned seed = 0, all = seeds(16); seed < all; seed++) {
        struct arena pieces = { 0 };
        random_state = seed * 1000;
        size_t lab = random_below(LABS), how = random_below(3);
        said_forget(database);
        if (how == 0)
            collect_growing(database, logs[lab]);
        else if (how == 1)
            collect_rotated(database, logs[lab]);
        else
            collect_split(database, logs[lab], &pieces);
        said_expect(&expected[lab], database, sum_views, names[how], seed);
        arena_free(&pieces);
    }
    arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("again");
    TCase *cases = tcase_create("again");
    tcase_set_timeout(cases, 0);
    tcase_add_test(cases, killed);
    tcase_add_test(cases, split_and_killed);
    tcase_add_test(cases, wrapped_and_killed);
    tcase_add_test(cases, in_pieces);
    suite_add_tcase(suite, cases);
    return inputs_main(suite);
}

/* Following: a writer appends to logs, rotates them in each way that there is, and stops for a while; what
 * the follower has made of it is what one undisturbed run makes of the whole log. $AGAIN is how often, with
 * other seeds. */
#define _GNU_SOURCE
#include <archive.h>
#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "schemas/store.h"
#include "tests/lib/inputs.h"
#include "tests/lib/runs.h"
#include "tests/lib/said.h"

enum { LOGS_MOST = 3, LOG_BYTES_MOST = 2 * 1024 * 1024, PATH_BYTES = 160 };

/* Which file a session is in is another matter where the log was rotated. */
static const char *const views[] = {
    "SELECT id, direction, gap, started, ended, client_ip, client_port, client_name, server, server_ip, "
    "server_port, helo, tls, auth_user, stage, closed, early_talker, transactions, messages, recipients, "
    "verdict, "
    "measure, code, enhanced, text FROM v_session",
    "SELECT * FROM v_transaction",
    "SELECT * FROM v_recipient",
    "SELECT * FROM v_evidence",
    "SELECT * FROM v_attempt",
    "SELECT reason, shape, sum(count) FROM v_skipped GROUP BY reason, shape",
    "SELECT sum(bytes), sum(lines), sum(other), sum(skipped), min(first), max(last) FROM v_input",
    "SELECT sessions, transactions, recipients, messages, evidence, first, last FROM total",
    NULL,
};

static void collect(const char *database, const char *const *paths, size_t count, bool follow, int stop)
{
    struct why why = { 0 };
    struct store *store = NULL;
    struct collected collected;
    ck_assert_msg(store_open(database, STORE_WRITE, &store, &why) == 0, "%s", why.text);
    struct collect_options options = { .paths = paths,
                                       .path_count = count,
                                       .year = 2026,
                                       .first_session = store_next_session(store),
                                       .quiet = true,
                                       .follow = follow,
                                       .stop = stop };
    struct sink sink = store_sink(store);
    struct catalogue catalogue = store_catalogue(store);
    ck_assert_msg(collect_run(&options, &sink, &catalogue, &collected, &why) == 0, "%s", why.text);
    ck_assert_msg(store_close(store, &why) == 0, "%s", why.text);
}

/* ---- The follower, in a process of its own. */

struct follower {
    pid_t pid;
    int stop; /* closed: it is told to stop */
};

/* It watches before it looks at what is there: so this is when nothing that happens from now on is missed. */
static bool is_watching(pid_t pid)
{
    char command[96];
    snprintf(command, sizeof command, "grep -qs ^inotify /proc/%d/fdinfo/*", (int)pid);
    return system(command) == 0;
}

static struct follower begin(const char *database, const char *const *paths, size_t count)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    struct follower follower = { .pid = fork(), .stop = ends[1] };
    ck_assert_int_ge(follower.pid, 0);
    if (follower.pid == 0) {
        close(ends[1]);
        collect(database, paths, count, true, ends[0]);
        _exit(0);
    }
    close(ends[0]);
    while (!is_watching(follower.pid))
        usleep(5000);
    return follower;
}

static bool has_open(pid_t pid, const char *path)
{
    char command[2 * 160 + 64];
    snprintf(command, sizeof command, "ls -l /proc/%d/fd 2>&1 | grep -qF '%s'", (int)pid, path);
    return system(command) == 0;
}

/* A log that is rotated and compressed before the follower has opened it is found late, and its lines have
 * their place behind those of other logs: no daemon's log lives so shortly. On a busy machine a test's might.
 */
static void wait_for(const struct follower *follower, const char *path)
{
    for (int i = 0; follower->pid && i < 300 && !has_open(follower->pid, path); i++)
        usleep(10000);
}

static void end(struct follower *follower, const char *what, unsigned seed)
{
    int status = 0;
    close(follower->stop);
    ck_assert_int_eq(waitpid(follower->pid, &status, 0), follower->pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s, seed %u: the follower ended with %d",
                  what, seed, status);
}

/* Not before it has committed something: what it has never told of, nobody can know when it has been rotated
 * away. */
static void kill_it(struct follower *follower, const char *database)
{
    char command[PATH_BYTES + 96];
    snprintf(command, sizeof command, "test \"$(sqlite3 '%s' 'SELECT count(*) FROM input' 2>&1)\" -gt 0 2>&1",
             database);
    while (system(command) != 0)
        usleep(50000);
    kill(follower->pid, SIGKILL);
    ck_assert_int_eq(waitpid(follower->pid, NULL, 0), follower->pid);
    close(follower->stop);
}

/* ---- The writer. */

/* A log that is written line by line, by a daemon that holds its file open. */
struct written {
    char path[PATH_BYTES];
    const char *name;
    FILE *to;
    unsigned rotations;
    char renamed[PATH_BYTES]; /* the daemon has not been told yet that its file has this name now; "": it has
                                 no other */
};

static void file_path(char path[PATH_BYTES], const char *name)
{
    snprintf(path, PATH_BYTES, "%s", input_path(name));
}

static void open_log(struct written *log)
{
    log->to = fopen(log->path, "a");
    ck_assert_ptr_nonnull(log->to);
    setvbuf(log->to, NULL, _IONBF, 0);
}

static void rotated_path(struct written *log, char path[PATH_BYTES], const char *end)
{
    snprintf(path, PATH_BYTES, "%.120s.%02u%s", log->path, ++log->rotations % 100, end);
}

static void copy_file(const char *from, const char *to, bool compress)
{
    char command[2 * PATH_BYTES + 32];
    snprintf(command, sizeof command, compress ? "gzip -c '%s' >'%s'" : "cp '%s' '%s'", from, to);
    ck_assert_int_eq(system(command), 0);
}

enum rotation { RENAME, RENAME_LATE, COPY, RENAME_AND_COMPRESS, COPY_COMPRESSED, ROTATIONS };

static void reopen(struct written *log)
{
    fclose(log->to);
    open_log(log);
    log->renamed[0] = '\0';
}

static void rotate(struct written *log, enum rotation how)
{
    char path[PATH_BYTES], compressed[PATH_BYTES];
    struct stat status;
    if (log->renamed[0])
        reopen(log);
    if (stat(log->path, &status) != 0 || status.st_size == 0)
        return; /* notifempty */
    rotated_path(log, path, how == COPY_COMPRESSED ? ".gz" : "");
    if (how == COPY || how == COPY_COMPRESSED) {
        copy_file(log->path, path, how == COPY_COMPRESSED);
        ck_assert_int_eq(truncate(log->path, 0), 0);
        return;
    }
    ck_assert_int_eq(rename(log->path, path), 0);
    if (how == RENAME_LATE) {
        memcpy(log->renamed, path, sizeof path);
        return;
    }
    reopen(log);
    if (how == RENAME_AND_COMPRESS) {
        snprintf(compressed, sizeof compressed, "%.*s.gz", PATH_BYTES - 4, path);
        copy_file(path, compressed, true);
        unlink(path);
    }
}

/* In one piece, or in two with a pause between. */
static void write_line(struct written *log, struct str line)
{
    size_t first = random_below(30) ? line.len : random_below(line.len);
    fwrite(line.at, 1, first, log->to);
    if (first < line.len) {
        usleep((useconds_t)random_below(120) * 1000);
        fwrite(line.at + first, 1, line.len - first, log->to);
    }
}

static size_t log_of_line(struct str line, size_t count)
{
    struct str rest = line, word = { line.at, 0 };
    for (int i = 0; i < 3; i++)
        if (!cut_until_char(&rest, i == 2 ? '[' : ' ', &word))
            break;
    return bytes_hash(word.at, word.len, 1) % count;
}

/* How a case goes: what happens beside the writing, once in so many lines; 0: never. */
struct story {
    const char *name;
    size_t logs;
    bool folder;  /* it is followed, not the files in it */
    bool kills;   /* the follower, now and then, and it is begun again at another time */
    bool wrapped; /* as a container's runtime does, some lines in pieces */
    unsigned seeds;
};

static const struct story stories[] = {
    { "one log", 1, .seeds = 1 },
    { "logs by program", LOGS_MOST, .seeds = 1 },
    { "a folder", 1, .folder = true, .seeds = 1 },
    { "a folder of logs by program", LOGS_MOST, .folder = true, .seeds = 1 },
    { "killed", 1, .kills = true, .seeds = 1 },
    { "wrapped", 1, .wrapped = true, .seeds = 1 },
    { "wrapped and killed", 1, .wrapped = true, .kills = true, .seeds = 1 },
};
enum { STORIES = sizeof stories / sizeof *stories };

static const char *const names[LOGS_MOST] = { "first.log", "second.log", "third.log" };

static struct str read_file(const char *path, struct arena *arena)
{
    FILE *from = fopen(path, "rb");
    ck_assert_ptr_nonnull(from);
    char *bytes = arena_alloc(arena, LOG_BYTES_MOST);
    struct str log = { bytes, fread(bytes, 1, LOG_BYTES_MOST, from) };
    fclose(from);
    return log;
}

static const struct str stdout_part = STR_INIT(" stdout P "), stdout_end = STR_INIT(" stdout F ");

/* Kubernetes' form: the runtime's stamp, the stream, whether it is a part of a line or its end. */
static struct str wrap(struct str log, struct arena *arena)
{
    char *wrapped = arena_alloc(arena, 2 * LOG_BYTES_MOST), *to = wrapped;
    for (struct str line; cut_until_char(&log, '\n', &line);) {
        struct str rest = line, stamp;
        size_t cut = random_below(20) ? 0 : 1 + random_below(line.len - 1);
        ck_assert(cut_until_char(&rest, ' ', &stamp));
        if (cut)
            to += sprintf(to, "%.*s%.*s%.*s\n", STR_ARG(stamp), STR_ARG(stdout_part), (int)cut, line.at);
        to += sprintf(to, "%.*s%.*s%.*s\n", STR_ARG(stamp), STR_ARG(stdout_end), (int)(line.len - cut),
                      line.at + cut);
        ck_assert_int_lt(to - wrapped, LOG_BYTES_MOST);
    }
    return str_range(wrapped, to);
}

/* The runtime rotates where a line has ended. */
static bool is_part(struct str line)
{
    struct str stamp;
    return cut_until_char(&line, ' ', &stamp) &&
           str_starts(str_range(line.at - 1, line.at + line.len), stdout_part);
}

static void tell(const struct story *story, struct str log, const char *database, unsigned seed)
{
    char folder[PATH_BYTES], paths[LOGS_MOST][PATH_BYTES];
    char name[64];
    struct written written[LOGS_MOST] = { { .rotations = 0 } };
    const char *given[LOGS_MOST];
    size_t given_count = story->folder ? 1 : story->logs;
    snprintf(name, sizeof name, "follow.%s.%u", story->name, seed);
    file_path(folder, name);
    mkdir(folder, 0700);
    for (size_t i = 0; i < story->logs; i++) {
        snprintf(paths[i], PATH_BYTES, "%.100s/%s", folder, names[i]);
        memcpy(written[i].path, paths[i], PATH_BYTES);
        given[i] = story->folder ? folder : paths[i];
    }
    /* A folder must hold a log to begin with; a file need not be there. */
    bool begun = !story->folder && random_below(2), ever = begun;
    struct follower follower = { .pid = 0 };
    if (begun)
        follower = begin(database, given, given_count);
    for (size_t i = 0; i < story->logs; i++)
        open_log(&written[i]);
    size_t lines = 0, first = 200 + random_below(600);
    for (struct str line; cut_until_char(&log, '\n', &line); lines++) {
        line.len++;
        struct written *to = &written[log_of_line(line, story->logs)];
        write_line(to, line);
        if (to->renamed[0] && random_below(40) == 0)
            reopen(to);
        /* What was rotated away before it is followed is not of the file that is named. */
        if (random_below(250) == 0 && (ever || story->folder) && !is_part(line)) {
            struct written *rotated = &written[random_below(story->logs)];
            struct stat status;
            if (begun && stat(rotated->path, &status) == 0 && status.st_size)
                wait_for(&follower, rotated->path);
            rotate(rotated, (enum rotation)random_below(ROTATIONS));
        }
        if (random_below(400) == 0)
            usleep((useconds_t)random_below(150) * 1000);
        if (!begun && lines >= first) {
            follower = begin(database, given, given_count);
            ever = begun = true;
        } else if (begun && story->kills && random_below(600) == 0) {
            kill_it(&follower, database);
            begun = false;
            first = lines + random_below(300);
        }
    }
    for (size_t i = 0; i < story->logs; i++)
        fclose(written[i].to);
    if (!begun)
        follower = begin(database, given, given_count);
    if (random_below(2))
        usleep((useconds_t)random_below(1500) * 1000);
    end(&follower, story->name, seed);
}

START_TEST(followed)
{
    static const char *const labs[] = { "sample-logs/labs/postfix-smtpd/mail.log",
                                        "sample-logs/labs/postfix-postscreen/mail.log" };
    const struct story *story = &stories[_i];
    const unsigned all = seeds(story->seeds);
    struct arena arena = { 0 };
    char database[PATH_BYTES];
    file_path(database, "followed.db");
    for (unsigned seed = 0; seed < all; seed++) {
        random_state = seed * 1000 + (uint64_t)_i;
        const char *lab = labs[random_below(2)];
        struct str log = read_file(lab, &arena);
        if (story->wrapped) {
            log = wrap(log, &arena);
            input_write("wrapped.log", log);
            lab = input_path("wrapped.log");
        }
        said_forget(database);
        collect(database, &lab, 1, false, -1);
        struct said expected = said_hear(database, views);
        ck_assert_uint_gt(expected.rows[0], 500);
        said_forget(database);
        tell(story, log, database, seed);
        said_expect(&expected, database, views, story->name, seed);
        arena_reset(&arena);
    }
    arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("follow");
    TCase *cases = tcase_create("follow");
    tcase_set_timeout(cases, 0);
    tcase_add_loop_test(cases, followed, 0, STORIES);
    suite_add_tcase(suite, cases);
    return inputs_main(suite);
}

/* What goes wrong with a database: a clear word, the right exit status, and what was stored stays whole.
 * Disks that are full or read-only are real ones, in a mount namespace of the test's own. */
#define _GNU_SOURCE /* unshare */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "schemas/schema.h"
#include "schemas/store.h"
#include "tests/lib/random_session.h"
#include "tests/lib/scratch_store.h"

/* ---- Help. */

static void fails(const char *path, enum store_mode mode, int status, const char *words)
{
    struct why why = { 0 };
    struct store *store = NULL;
    ck_assert_int_eq(store_open(path, mode, &store, &why), -1);
    ck_assert_ptr_null(store);
    ck_assert_msg(why.status == status, "status %d: %s", why.status, why.text);
    ck_assert_msg(strstr(why.text, words) != NULL, "%s", why.text);
    ck_assert_msg(strncmp(why.text, path, strlen(path)) == 0, "%s", why.text);
}

static void sql(const char *text)
{
    sqlite3 *db = NULL;
    char *error = NULL;
    ck_assert_int_eq(sqlite3_open(scratch_path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, text, NULL, NULL, &error) == SQLITE_OK, "%s: %s", text, error);
    sqlite3_close(db);
}

static void write_file(const char *text, size_t length)
{
    FILE *file = fopen(scratch_path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, length, file), length);
    fclose(file);
}

static void say_to(const char *path, const char *format, unsigned number)
{
    FILE *file = fopen(path, "w");
    ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
    /* cppcheck-suppress wrongPrintfScanfArgNum */
    fprintf(file, format, number, number);
    ck_assert_int_eq(fclose(file), 0);
}

/* A mount namespace in which this process may mount; it ends with the process. As root, or in a user
 * namespace. Many containers and chroots allow neither: then there is nothing to test on, and the runner says
 * so. */
static bool own_mounts(const char *test)
{
    unsigned user = geteuid(), group = getegid();
    int name = (int)strlen(test) - (int)strlen("_fn"); /* as Check calls the function of a test */
    if (unshare(user == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0) {
        printf("skipped: %.*s: no mount namespace here: %s\n", name, test, strerror(errno));
        return false;
    }
    if (user != 0) {
        say_to("/proc/self/setgroups", "deny", 0);
        say_to("/proc/self/uid_map", "%u %u 1\n", user);
        say_to("/proc/self/gid_map", "%u %u 1\n", group);
    }
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) { /* in a chroot / is no mount */
        printf("skipped: %.*s: no mounts of its own here: %s\n", name, test, strerror(errno));
        return false;
    }
    return true;
}

static void small_disk(const char *size)
{
    char options[40];
    snprintf(options, sizeof options, "size=%s", size);
    ck_assert_msg(mount("tmpfs", scratch_folder, "tmpfs", 0, options) == 0, "tmpfs: %s", strerror(errno));
}

static void grow_disk(const char *size)
{
    char options[40];
    snprintf(options, sizeof options, "size=%s", size);
    ck_assert_msg(mount("tmpfs", scratch_folder, "tmpfs", MS_REMOUNT, options) == 0, "remount: %s",
                  strerror(errno));
}

static void make_read_only(void)
{
    ck_assert_int_eq(mount(scratch_folder, scratch_folder, NULL, MS_BIND, NULL), 0);
    ck_assert_msg(mount(scratch_folder, scratch_folder, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) == 0,
                  "remount: %s", strerror(errno));
}

static void make_writable(void)
{
    ck_assert_int_eq(umount(scratch_folder), 0);
}

static void complain(void *state, const char *finding)
{
    size_t used = strlen(state);
    snprintf((char *)state + used, 4096 - used, "%s\n", finding);
}

static void is_whole(struct store *store)
{
    char findings[4096] = "";
    struct why why = { 0 };
    int count = store_check(store, complain, findings, &why);
    ck_assert_msg(count == 0, "%s%s", findings, why.text);
}

static int count_one(void *state, const struct session *session)
{
    (void)session;
    ++*(size_t *)state;
    return 0;
}

static size_t count_sessions(struct store *store)
{
    struct store_filter all = { .outbound = true };
    struct why why = { 0 };
    size_t count = 0;
    ck_assert_msg(store_each(store, &all, count_one, &count, &why) == 0, "%s", why.text);
    return count;
}

struct expected {
    int64_t next;
    struct arena arena;
};

/* The session with a number is the same in every run: each has a seed of its own. */
static struct session *numbered(struct arena *arena, int64_t id)
{
    struct chance chance = { (uint64_t)id * 7919 };
    struct session *session = random_session(&chance, arena, id);
    session->input = 1;
    return session;
}

static int is_numbered(void *state, const struct session *session)
{
    struct expected *expected = state;
    const char *difference = NULL;
    const struct session *want = numbered(&expected->arena, expected->next++);
    if (!session_same(want, session, &difference))
        ck_abort_msg("session %lld where %lld is expected: %s differs", (long long)session->id,
                     (long long)want->id, difference);
    arena_reset(&expected->arena);
    return 0;
}

/* The store holds the numbered sessions from 1 on, and nothing else; returns how many. */
static int64_t has_numbered(struct store *store)
{
    struct store_filter any_order = { .outbound = true, .any_order = true };
    struct expected expected = { .next = 1 };
    struct why why = { 0 };
    ck_assert_msg(store_each(store, &any_order, is_numbered, &expected, &why) == 0, "%s", why.text);
    arena_free(&expected.arena);
    is_whole(store);
    return expected.next - 1;
}

static void write_input(struct store *store)
{
    struct why why = { 0 };
    struct catalogue catalogue = store_catalogue(store);
    struct input input = { .id = 1, .path = STR("mail.log"), .kind = STR("log"), .dialects = STR("") };
    ck_assert_int_eq(catalogue.write(catalogue.state, &input, &why), 0);
}

/* ---- What is not ours. */

START_TEST(not_there)
{
    char path[128];
    fails(scratch_path, STORE_READ, EX_NOINPUT, "collect into it first");
    snprintf(path, sizeof path, "%s/no/such/folder.db", scratch_folder);
    fails(path, STORE_WRITE, EX_CANTCREAT, "No such file or directory");
    fails(scratch_folder, STORE_WRITE, EX_CANTCREAT, "Is a directory");
    fails(scratch_folder, STORE_READ, EX_NOINPUT, "is a folder");
}
END_TEST

START_TEST(not_a_database)
{
    static const char text[] =
        "Nov 23 14:29:00 mx postfix/smtpd[197]: connect from mail56.news.test[198.51.100.56]\n";
    char many[2000];
    for (size_t i = 0; i < sizeof many; i++)
        many[i] = text[i % (sizeof text - 1)];
    write_file(many, sizeof many);
    fails(scratch_path, STORE_READ, EX_DATAERR, "is not a database");
    fails(scratch_path, STORE_WRITE, EX_DATAERR, "is not a database");
    char kept[2000];
    FILE *file = fopen(scratch_path, "r");
    ck_assert_uint_eq(fread(kept, 1, sizeof kept, file), sizeof kept);
    ck_assert_int_eq(fgetc(file), EOF);
    fclose(file);
    ck_assert_int_eq(memcmp(many, kept, sizeof kept), 0);
}
END_TEST

START_TEST(of_somebody_else)
{
    sql("CREATE TABLE message (id INTEGER PRIMARY KEY, body TEXT)");
    fails(scratch_path, STORE_READ, EX_DATAERR, "not one of mxreplay's");
    fails(scratch_path, STORE_WRITE, EX_DATAERR, "not one of mxreplay's");
    sql("INSERT INTO message VALUES (1, 'still there')");
}
END_TEST

START_TEST(of_a_newer_version)
{
    scratch_close(scratch_open(STORE_WRITE));
    sql("PRAGMA user_version = 99");
    fails(scratch_path, STORE_READ, EX_DATAERR, "of layout 99, from a newer mxreplay");
    fails(scratch_path, STORE_WRITE, EX_DATAERR, "of layout 99, from a newer mxreplay");
}
END_TEST

START_TEST(empty)
{
    write_file("", 0);
    fails(scratch_path, STORE_READ, EX_DATAERR, "is empty");
    scratch_close(scratch_open(STORE_WRITE));
    scratch_close(scratch_open(STORE_READ));
}
END_TEST

START_TEST(one_writer_at_a_time)
{
    struct store *store = scratch_open(STORE_WRITE);
    fails(scratch_path, STORE_WRITE, EX_TEMPFAIL, "another mxreplay is writing to it");
    scratch_close(store);
    scratch_close(scratch_open(STORE_WRITE));
}
END_TEST

/* What is committed is seen by others while the writer goes on. */
START_TEST(readers_meanwhile)
{
    struct store *writer = scratch_open(STORE_WRITE);
    write_input(writer);
    for (int64_t id = 1; id <= 40; id++)
        scratch_put(writer, numbered(&scratch_arena, id));
    is_whole(writer); /* has it committed */
    struct store *reader = scratch_open(STORE_READ);
    for (int64_t id = 41; id <= 60; id++)
        scratch_put(writer, numbered(&scratch_arena, id));
    ck_assert_int_eq(has_numbered(reader), 40);
    is_whole(writer);
    ck_assert_int_eq(has_numbered(reader), 60);
    scratch_close(writer);
    ck_assert_int_eq(has_numbered(reader), 60);
    scratch_close(reader);
}
END_TEST

START_TEST(a_number_twice)
{
    struct why why = { 0 };
    struct store *store = scratch_open(STORE_WRITE);
    write_input(store);
    scratch_put(store, numbered(&scratch_arena, 1));
    scratch_commit(store);
    scratch_put(store, numbered(&scratch_arena, 1));
    ck_assert_int_eq(store_close(store, &why), -1);
    ck_assert_int_eq(why.status, EX_SOFTWARE);
    store = scratch_open(STORE_READ);
    ck_assert_int_eq(has_numbered(store), 1);
    scratch_close(store);
}
END_TEST

/* ---- Migrations. */

START_TEST(steps_are_taken_together)
{
    static const char *const good[] = { NULL, NULL, "CREATE TABLE a (x); INSERT INTO a VALUES (1)",
                                        "UPDATE a SET x = x + 1" };
    static const char *const bad[] = { NULL, NULL, "CREATE TABLE b (x)", "INSERT INTO nowhere VALUES (1)" };
    sqlite3 *db = NULL;
    int64_t number = 0;
    ck_assert_int_eq(sqlite3_open(scratch_path, &db), SQLITE_OK);
    ck_assert_int_eq(schema_migrate(db, good, 1, 3), SQLITE_OK);
    ck_assert_int_eq(schema_number(db, "PRAGMA user_version", &number), SQLITE_OK);
    ck_assert_int_eq(number, 3);
    ck_assert_int_eq(schema_number(db, "SELECT x FROM a", &number), SQLITE_OK);
    ck_assert_int_eq(number, 2);
    ck_assert_int_eq(schema_migrate(db, good, 3, 3), SQLITE_OK);
    sqlite3_exec(db, "PRAGMA user_version = 1", NULL, NULL, NULL);
    ck_assert_int_eq(schema_migrate(db, bad, 1, 3), SQLITE_ERROR);
    ck_assert_int_eq(schema_number(db, "PRAGMA user_version", &number), SQLITE_OK);
    ck_assert_int_eq(number, 1);
    ck_assert_int_eq(schema_number(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'b'", &number),
                     SQLITE_OK);
    ck_assert_int_eq(number, 0);
    sqlite3_close(db);
}
END_TEST

/* ---- Disks. */

START_TEST(full_disk)
{
    struct why why = { 0 };
    if (!own_mounts(__func__))
        return;
    small_disk("1m");
    struct store *store = scratch_open(STORE_WRITE);
    struct sink sink = store_sink(store);
    struct catalogue catalogue = store_catalogue(store);
    write_input(store);
    int result = 0;
    int64_t id = 0;
    while (result == 0 && ++id < 100000) {
        result = sink.session(sink.state, numbered(&scratch_arena, id), &why);
        if (result == 0 && id % 100 == 0)
            result = catalogue.commit(catalogue.state, &why);
        arena_reset(&scratch_arena);
    }
    ck_assert_int_eq(result, -1);
    ck_assert_int_eq(why.status, EX_IOERR);
    ck_assert_ptr_nonnull(
        strstr(why.text, "the disk is full; what was committed before is kept; free space"));
    why = (struct why){ 0 };
    ck_assert_int_eq(store_close(store, &why), -1);
    ck_assert_int_eq(why.status, EX_IOERR);

    store = scratch_open(STORE_READ);
    int64_t kept = has_numbered(store);
    scratch_close(store);
    ck_assert_int_gt(kept, 0);
    ck_assert_int_eq(kept % 100, 0);

    grow_disk("64m");
    store = scratch_open(STORE_WRITE);
    ck_assert_int_eq(store_next_session(store), kept + 1);
    for (id = kept + 1; id <= kept + 1000; id++)
        scratch_put(store, numbered(&scratch_arena, id));
    scratch_close(store);
    store = scratch_open(STORE_READ);
    ck_assert_int_eq(has_numbered(store), kept + 1000);
    scratch_close(store);
}
END_TEST

/* A disk that does not take what is written: here the size of a file is limited, which write(2) answers with
 * EFBIG. */
START_TEST(disk_that_fails)
{
    struct why why = { 0 };
    struct rlimit limit = { .rlim_cur = 400000, .rlim_max = RLIM_INFINITY };
    struct store *store = scratch_open(STORE_WRITE);
    write_input(store);
    for (int64_t id = 1; id <= 100; id++)
        scratch_put(store, numbered(&scratch_arena, id));
    is_whole(store);
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct sink sink = store_sink(store);
    for (int64_t id = 101; id <= 4000; id++) {
        if (sink.session(sink.state, numbered(&scratch_arena, id), &why) != 0)
            break;
        arena_reset(&scratch_arena);
    }
    ck_assert_int_eq(store_close(store, &why), -1);
    ck_assert_msg(why.status == EX_IOERR, "status %d: %s", why.status, why.text);
    ck_assert_msg(strstr(why.text, "what was committed before is kept") != NULL, "%s", why.text);
    limit.rlim_cur = RLIM_INFINITY;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    store = scratch_open(STORE_READ);
    ck_assert_int_eq(has_numbered(store), 100);
    scratch_close(store);
}
END_TEST

START_TEST(disk_full_from_the_start)
{
    if (!own_mounts(__func__))
        return;
    small_disk("16k");
    fails(scratch_path, STORE_WRITE, EX_IOERR, "the disk is full");
}
END_TEST

START_TEST(read_only_disk)
{
    struct why why = { 0 };
    char path[128];
    if (!own_mounts(__func__))
        return;
    struct store *store = scratch_open(STORE_WRITE);
    write_input(store);
    for (int64_t id = 1; id <= 200; id++)
        scratch_put(store, numbered(&scratch_arena, id));
    scratch_close(store);
    make_read_only();
    fails(scratch_path, STORE_WRITE, EX_NOPERM, "cannot be written: Read-only file system");
    snprintf(path, sizeof path, "%s/new.db", scratch_folder);
    fails(path, STORE_WRITE, EX_NOPERM, "cannot be written: Read-only file system");
    store = scratch_open(STORE_READ);
    ck_assert_int_eq(has_numbered(store), 200);
    struct recorded_policy policy = { STR("a"), STR("policy: a\n"), USEC_NONE, USEC_NONE };
    ck_assert_int_eq(store_add_recorded(store, &policy, &why), -1);
    ck_assert_int_eq(why.status, EX_NOPERM);
    scratch_close(store);
    make_writable();
}
END_TEST

/* Writes sessions with a commit after each tenth until it is killed. */
static _Noreturn void write_until_killed(int tell)
{
    struct arena arena = { 0 };
    struct why why = { 0 };
    struct store *store = NULL;
    if (store_open(scratch_path, STORE_WRITE, &store, &why) != 0)
        _exit(1);
    struct sink sink = store_sink(store);
    struct catalogue catalogue = store_catalogue(store);
    struct input input = { .id = 1, .path = STR("mail.log"), .kind = STR("log"), .dialects = STR("") };
    if (catalogue.write(catalogue.state, &input, &why) != 0)
        _exit(1);
    for (int64_t id = store_next_session(store);; id++) {
        if (sink.session(sink.state, numbered(&arena, id), &why) != 0 ||
            (id % 10 == 0 && (catalogue.commit(catalogue.state, &why) != 0 || write(tell, "", 1) != 1)))
            _exit(1);
        arena_reset(&arena);
    }
}

/* Has a child write and kills it after so many commits were asked for and a random while. */
static void write_and_kill(int commits, unsigned usec_more)
{
    int told[2], status = 0;
    char byte = 0;
    ck_assert_int_eq(pipe(told), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        close(told[0]);
        write_until_killed(told[1]);
    }
    close(told[1]);
    while (commits-- > 0)
        ck_assert_msg(read(told[0], &byte, 1) == 1, "the writer ended by itself");
    nanosleep(&(struct timespec){ .tv_nsec = usec_more * 1000L }, NULL);
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    close(told[0]);
}

START_TEST(killed_writer)
{
    struct chance chance = { 13 };
    int64_t before = 0;
    for (int round = 0; round < 12; round++) {
        write_and_kill(1 + (int)draw(&chance, 60), (unsigned)draw(&chance, 30000));
        struct store *store = scratch_open(round % 2 ? STORE_READ : STORE_WRITE);
        int64_t kept = has_numbered(store);
        scratch_close(store);
        ck_assert_int_eq(kept % 10, 0);
        ck_assert_int_ge(kept, before);
        before = kept;
    }
    ck_assert_int_gt(before, 0);
}
END_TEST

/* What a killed writer left, moved to a disk that cannot be written, is read with all that was committed. */
START_TEST(killed_writer_on_a_read_only_disk)
{
    static const char *const lost[] = { "", "-shm" }; /* "": nothing is */
    char name[128], wal[128];
    struct stat status;
    if (!own_mounts(__func__))
        return;
    write_and_kill(40, 20000);
    snprintf(wal, sizeof wal, "%s-wal", scratch_path);
    ck_assert_int_eq(stat(wal, &status), 0);
    ck_assert_int_gt(status.st_size, 0);
    for (size_t i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s%s", scratch_path, lost[i]);
        if (*lost[i])
            ck_assert_int_eq(unlink(name), 0);
        make_read_only();
        struct store *store = scratch_open(STORE_READ);
        int64_t kept = has_numbered(store);
        ck_assert_int_gt(kept, 0);
        ck_assert_int_eq(kept % 10, 0);
        scratch_close(store);
        make_writable();
    }
    struct store *store = scratch_open(STORE_WRITE);
    int64_t kept = has_numbered(store);
    scratch_close(store);
    /* in WAL mode still, but without a WAL */
    sql("PRAGMA journal_mode = WAL");
    make_read_only();
    store = scratch_open(STORE_READ);
    ck_assert_int_eq(has_numbered(store), kept);
    scratch_close(store);
    make_writable();
}
END_TEST

/* ---- Damage. */

START_TEST(damaged_file)
{
    struct why why = { 0 };
    struct store *store = scratch_open(STORE_WRITE);
    write_input(store);
    for (int64_t id = 1; id <= 6000; id++) { /* the tables' own pages are in the first half */
        scratch_put(store, numbered(&scratch_arena, id));
        arena_reset(&scratch_arena);
    }
    scratch_close(store);
    struct stat status;
    ck_assert_int_eq(stat(scratch_path, &status), 0);
    int file = open(scratch_path, O_WRONLY);
    ck_assert_int_ge(file, 0);
    static char noise[65536];
    memset(noise, 0xa5, sizeof noise);
    for (off_t at = status.st_size / 2; at < status.st_size - (off_t)sizeof noise;
         at += 3 * (off_t)sizeof noise)
        ck_assert_int_eq(pwrite(file, noise, sizeof noise, at), (ssize_t)sizeof noise);
    close(file);
    store = scratch_open(STORE_READ);
    struct store_filter all = { .outbound = true };
    size_t count = 0;
    ck_assert_int_eq(store_each(store, &all, count_one, &count, &why), -1);
    ck_assert_int_eq(why.status, EX_DATAERR);
    ck_assert_ptr_nonnull(strstr(why.text, "is damaged"));
    char findings[4096] = "";
    ck_assert_int_ne(store_check(store, complain, findings, &why), 0);
    scratch_close(store);
}
END_TEST

/* Each way to tamper with what must hold between the tables, and what the check says of it. */
static const struct tampering {
    const char *sql, *finding;
} tamperings[] = {
    { "UPDATE session SET started = NULL WHERE id = 5", "sessions lack what every one has" },
    { "UPDATE session SET place = 999 << 16 WHERE id = 5", "a place that is not there" },
    { "UPDATE session SET reply = 999999 WHERE id = 5", "a reply that is not there" },
    { "UPDATE session SET bits = bits | 999999 << 25 WHERE id = 5", "evidence that is not there" },
    { "UPDATE session SET helo = 999999 WHERE id = 5", "a name that is not there" },
    { "DELETE FROM session WHERE id IN (SELECT id >> 24 FROM recipient_more LIMIT 1)",
      "belong to no session" },
    { "UPDATE session SET bits = bits & ~(1 << 20)", "belong to no session" },
    { "INSERT INTO evidence_late (session, bits) VALUES (99999, 1)", "belong to no session" },
    { "DELETE FROM transaction_more", "recipients belong to no transaction" },
    { "INSERT INTO joined VALUES (99999, 100000, 0, NULL, NULL)", "a log and a capture are not there" },
    { "INSERT INTO joined VALUES (1, 2, 0, NULL, NULL)", "or there a second time" },
    { "DELETE FROM evidence_more WHERE id >> 24 = (SELECT max(id >> 24) FROM evidence_more)",
      "evidence missing" },
    { "UPDATE total SET sessions = sessions + 1", "1 sessions more, or fewer" },
    { "UPDATE total SET transactions = transactions - 2", "2 transactions more, or fewer" },
    { "UPDATE total SET recipients = 0", "recipients more, or fewer" },
    { "UPDATE total SET messages = 0", "messages more, or fewer" },
    { "UPDATE total SET evidence = 0", "pieces of evidence more, or fewer" },
    { "UPDATE total SET first = 0", "first and last start" },
    { "DELETE FROM input", "an input that is not there" },
};

START_TEST(tampering_is_found)
{
    char findings[4096] = "";
    struct why why = { 0 };
    struct store *store = scratch_open(STORE_WRITE);
    write_input(store);
    for (int64_t id = 1; id <= 300; id++)
        scratch_put(store, numbered(&scratch_arena, id));
    is_whole(store);
    scratch_close(store);
    sql(tamperings[_i].sql);
    store = scratch_open(STORE_READ);
    int count = store_check(store, complain, findings, &why);
    ck_assert_msg(count > 0, "%s", why.text);
    ck_assert_msg(strstr(findings, tamperings[_i].finding) != NULL, "%s: %s", tamperings[_i].sql, findings);
    ck_assert_uint_gt(count_sessions(store), 0);
    scratch_close(store);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("errors");
    TCase *tests = tcase_create("errors");
    tcase_add_checked_fixture(tests, scratch_begin, scratch_end);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, not_there);
    tcase_add_test(tests, not_a_database);
    tcase_add_test(tests, of_somebody_else);
    tcase_add_test(tests, of_a_newer_version);
    tcase_add_test(tests, empty);
    tcase_add_test(tests, one_writer_at_a_time);
    tcase_add_test(tests, readers_meanwhile);
    tcase_add_test(tests, a_number_twice);
    tcase_add_test(tests, steps_are_taken_together);
    tcase_add_test(tests, full_disk);
    tcase_add_test(tests, disk_that_fails);
    tcase_add_test(tests, disk_full_from_the_start);
    tcase_add_test(tests, read_only_disk);
    tcase_add_test(tests, killed_writer);
    tcase_add_test(tests, killed_writer_on_a_read_only_disk);
    tcase_add_test(tests, damaged_file);
    tcase_add_loop_test(tests, tampering_is_found, 0, sizeof tamperings / sizeof *tamperings);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

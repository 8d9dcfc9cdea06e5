/* What a database of ours is. While it is written it is in WAL mode, so that others can read it meanwhile;
 * closed, it goes back to one file that reads from a read-only disk as well. */
#define _GNU_SOURCE /* flock, O_CLOEXEC */
#include "schemas/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include "schemas/holder.h"
#include "schemas/layout.h"

/* The DDL is longer than the 4095 bytes that C17 5.2.4.1 promises for a literal; gcc and clang take any
 * length. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"
static const char ddl[] =
#include "schemas/session.sql.inc"
    ;

/* From the version before to this one. migrations/README.md tells how to add one. */
/* clang-format off */
static const char *const migrations[SCHEMA_VERSION + 1] = {
    [2] =
#include "schemas/migrations/2.sql.inc"
    ,
    [3] =
#include "schemas/migrations/3.sql.inc"
    ,
    [4] =
#include "schemas/migrations/4.sql.inc"
    ,
    [5] =
#include "schemas/migrations/5.sql.inc"
    ,
    [6] =
#include "schemas/migrations/6.sql.inc"
    ,
    [7] =
#include "schemas/migrations/7.sql.inc"
    ,
    [8] =
#include "schemas/migrations/8.sql.inc"
};
/* clang-format on */
#pragma GCC diagnostic pop

enum { PAGE_BYTES = 16384, BUSY_MSEC = 10000 };

/* How a database that lies on a read-only disk with what a killed writer left is read: see open_somehow(). */
enum way { WAY_USUAL, WAY_OWN_INDEX, WAY_ALONE, WAYS };

int schema_why(sqlite3 *db, int rc, const char *path, struct why *why)
{
    const char *words = db ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return why_set(why, EX_IOERR,
                       "%s: the disk is full; what was committed before is kept; free space and run the same "
                       "command again",
                       path);
    case SQLITE_READONLY:
        return why_set(why, EX_NOPERM,
                       "%s: cannot be written: %s; make it writable or name another file with -d", path,
                       words);
    case SQLITE_CANTOPEN:
        return why_set(why, EX_CANTCREAT,
                       "%s: cannot be opened: %s; see that its folder exists and can be written", path,
                       words);
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return why_set(why, EX_NOPERM, "%s: %s; see who may read and write it", path, words);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return why_set(why, EX_TEMPFAIL, "%s: another program holds it; wait until that has finished", path);
    case SQLITE_NOTADB:
        return why_set(
            why, EX_DATAERR,
            "%s: is not a database (or is encrypted); name another file with -d, or move this one away",
            path);
    case SQLITE_CORRUPT:
        return why_set(
            why, EX_DATAERR,
            "%s: is damaged (%s); `mxreplay check` tells where; restore it or collect anew into another file",
            path, words);
    case SQLITE_CONSTRAINT:
        return why_set(why, EX_SOFTWARE, "%s: a session would stand there twice (%s); please report this",
                       path, words);
    case SQLITE_NOMEM:
        return why_set(why, EX_OSERR, "%s: out of memory", path);
    case SQLITE_IOERR:
        return why_set(
            why, EX_IOERR,
            "%s: %s (%s); what was committed before is kept; see to the disk and run the same command again",
            path, words,
            db && sqlite3_system_errno(db) ? strerror(sqlite3_system_errno(db)) : "no reason given");
    default:
        return why_set(why, EX_SOFTWARE, "%s: %s (SQLite result %d)", path, words, rc);
    }
}

int schema_number(sqlite3 *db, const char *sql, int64_t *number)
{
    sqlite3_stmt *statement = NULL;
    *number = 0;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        *number = sqlite3_column_int64(statement, 0);
    int end = sqlite3_finalize(statement);
    return rc == SQLITE_OK ? end : rc;
}

static int run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

int schema_migrate(sqlite3 *db, const char *const step[], int from, int to)
{
    int rc = run(db, "BEGIN IMMEDIATE");
    for (int version = from + 1; version <= to && rc == SQLITE_OK; version++) {
        char sql[48];
        snprintf(sql, sizeof sql, "PRAGMA user_version = %d", version);
        rc = run(db, step[version]);
        if (rc == SQLITE_OK)
            rc = run(db, sql);
    }
    if (rc == SQLITE_OK)
        rc = run(db, "COMMIT");
    if (!sqlite3_get_autocommit(db))
        run(db, "ROLLBACK");
    return rc;
}

static int make(sqlite3 *db)
{
    char sql[120];
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
             SCHEMA_APPLICATION, SCHEMA_VERSION);
    int rc = run(db, "BEGIN IMMEDIATE");
    if (rc == SQLITE_OK)
        rc = run(db, ddl);
    if (rc == SQLITE_OK)
        rc = run(db, sql);
    if (!sqlite3_get_autocommit(db))
        run(db, "ROLLBACK");
    return rc;
}

/* The names of measures and kinds that the program knows; a newer one adds its own. */
static int write_words(sqlite3 *db, const char *sql, const char *const word[], int count)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    for (int i = 0; i < count && rc == SQLITE_OK; i++) {
        if (!word[i])
            continue;
        sqlite3_bind_int(statement, 1, i);
        sqlite3_bind_text(statement, 2, word[i], -1, SQLITE_STATIC);
        sqlite3_step(statement);
        rc = sqlite3_reset(statement);
    }
    int end = sqlite3_finalize(statement);
    return rc == SQLITE_OK ? end : rc;
}

static int write_all_words(sqlite3 *db)
{
    int64_t measures = 0, kinds = 0;
    int rc = schema_number(db, "SELECT max(id) FROM measure", &measures);
    if (rc == SQLITE_OK)
        rc = schema_number(db, "SELECT max(id) FROM kind", &kinds);
    if (rc != SQLITE_OK || (measures >= NAMED_COUNT - 1 && kinds >= KINDS - 1))
        return rc;
    rc = run(db, "BEGIN IMMEDIATE");
    if (rc == SQLITE_OK)
        rc = write_words(db, "INSERT OR IGNORE INTO measure VALUES (?, ?)", named_measure, NAMED_COUNT);
    if (rc == SQLITE_OK)
        rc = write_words(db, "INSERT OR IGNORE INTO kind VALUES (?, ?)", kind_name, KINDS);
    if (rc == SQLITE_OK)
        rc = run(db, "COMMIT");
    if (!sqlite3_get_autocommit(db))
        run(db, "ROLLBACK");
    return rc;
}

/* Whose database this is. *fresh: it is empty. */
static int recognise(sqlite3 *db, const char *path, bool *fresh, int64_t *version, struct why *why)
{
    int64_t application = 0, objects = 0;
    int rc = schema_number(db, "PRAGMA application_id", &application);
    if (rc == SQLITE_OK)
        rc = schema_number(db, "PRAGMA user_version", version);
    if (rc == SQLITE_OK)
        rc = schema_number(db, "SELECT count(*) FROM sqlite_schema", &objects);
    if (rc != SQLITE_OK)
        return schema_why(db, rc, path, why);
    *fresh = application == 0 && *version == 0 && objects == 0;
    if (!*fresh && application != SCHEMA_APPLICATION)
        return why_set(
            why, EX_DATAERR,
            "%s: is a database, but not one of mxreplay's; name another file with -d, or move this one away",
            path);
    if (*version > SCHEMA_VERSION)
        return why_set(why, EX_DATAERR,
                       "%s: is of layout %lld, from a newer mxreplay than this (%s, layout %d); use that "
                       "one, or collect "
                       "anew into another file",
                       path, (long long)*version, MXREPLAY_VERSION, SCHEMA_VERSION);
    return 0;
}

static int is_held(const char *path, const struct holder *holder, struct why *why)
{
    if (holder->pid == 0)
        return why_set(why, EX_TEMPFAIL, "%s: another mxreplay is writing to it; wait until it has finished",
                       path);
    if (holder->goes_on)
        return why_set(
            why, EX_UNAVAILABLE,
            "%s: another mxreplay is writing to it: pid %d (%s), which goes on until it is told to stop; to "
            "do something else, stop it first (kill %d, or systemctl stop)",
            path, (int)holder->pid, holder->command, (int)holder->pid);
    return why_set(why, EX_TEMPFAIL,
                   "%s: another mxreplay is writing to it: pid %d (%s); wait until it has finished", path,
                   (int)holder->pid, holder->command);
}

/* Takes the file for this process: one writer at a time. The lock is flock(2)'s, which is not one of
 * SQLite's, and the descriptor is closed after the database: closing any descriptor of a file gives up its
 * POSIX locks, SQLite's. */
static int take(const char *path, int *lock, struct why *why)
{
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*lock < 0) {
        bool denied = errno == EACCES || errno == EPERM || errno == EROFS;
        return why_set(why, denied ? EX_NOPERM : EX_CANTCREAT,
                       "%s: cannot be written: %s; name a file that can be written with -d", path,
                       strerror(errno));
    }
    if (flock(*lock, LOCK_EX | LOCK_NB) == 0)
        return 0;
    int failure = errno;
    struct holder holder = failure == EWOULDBLOCK ? holder_find(*lock) : (struct holder){ .pid = 0 };
    close(*lock);
    *lock = -1;
    if (failure == EWOULDBLOCK)
        return is_held(path, &holder, why);
    return why_set(why, EX_IOERR, "%s: cannot be locked: %s", path, strerror(failure));
}

static int open_to_write(const char *path, sqlite3 *db, struct why *why)
{
    bool fresh = false;
    int64_t version = 0;
    char sql[200];
    sqlite3_busy_timeout(db, BUSY_MSEC);
    /* What is pruned can be given back without the whole file being written anew, and no copy of it is left
     * where a page was split. */
    snprintf(sql, sizeof sql,
             "PRAGMA page_size = %d; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA secure_delete = FAST; "
             "PRAGMA cache_size = -8192",
             PAGE_BYTES);
    int rc = run(db, sql);
    if (rc != SQLITE_OK)
        return schema_why(db, rc, path, why);
    if (recognise(db, path, &fresh, &version, why) != 0)
        return -1;
    if (sqlite3_db_readonly(db, "main"))
        return schema_why(db, SQLITE_READONLY, path, why);
    /* NORMAL syncs at a checkpoint: after a power failure the last commits may be gone, but never half of
     * one. */
    rc = run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 1000");
    if (rc == SQLITE_OK)
        rc = fresh ? make(db) : schema_migrate(db, migrations, (int)version, SCHEMA_VERSION);
    if (rc == SQLITE_OK)
        rc = write_all_words(db);
    return rc == SQLITE_OK ? 0 : schema_why(db, rc, path, why);
}

/* "file:" and the path with what has a meaning in a URI escaped. */
static char *uri_of(const char *path, const char *query)
{
    char *uri = mem_alloc(strlen(path) * 3 + strlen(query) + sizeof "file:./"), *to = uri;
    to += sprintf(to, "file:%s", path[0] == '/' ? "" : "./");
    for (; *path; path++)
        to += sprintf(to, strchr("?#%", *path) ? "%%%02x" : "%c", (unsigned char)*path);
    memcpy(to, query, strlen(query) + 1);
    return uri;
}

/* A database that a killed writer left in WAL mode on a disk that is read-only now, or full, cannot be read
 * in the usual way when the shared index of its WAL is not there to be made. Then we read it with an index of
 * our own in memory and without SQLite's locks; without a WAL, as it stands. So that nobody writes meanwhile
 * we hold the file as it does. */
static int open_way(const char *path, enum way way, sqlite3 **db)
{
    static const char *const query[WAYS] = { "?mode=ro", "?mode=ro", "?mode=ro&immutable=1" };
    static const char *const vfs[WAYS] = { NULL, "unix-none", NULL };
    char *uri = uri_of(path, query[way]);
    int rc = sqlite3_open_v2(uri, db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, vfs[way]);
    free(uri);
    int64_t objects = 0;
    sqlite3_busy_timeout(*db, BUSY_MSEC);
    if (rc == SQLITE_OK && way == WAY_OWN_INDEX)
        rc = run(*db, "PRAGMA locking_mode = EXCLUSIVE");
    if (rc == SQLITE_OK)
        rc = schema_number(*db, "SELECT count(*) FROM sqlite_schema", &objects);
    return rc == SQLITE_OK ? rc : sqlite3_extended_errcode(*db);
}

static bool lacks_index(int rc)
{
    return (rc & 0xff) == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_READONLY || rc == SQLITE_IOERR_SHMOPEN ||
           rc == SQLITE_IOERR_SHMSIZE || rc == SQLITE_IOERR_SHMMAP;
}

static bool has_wal(const char *path)
{
    struct stat status;
    char *wal = mem_alloc(strlen(path) + sizeof "-wal");
    sprintf(wal, "%s-wal", path);
    bool has = stat(wal, &status) == 0 && status.st_size > 0;
    free(wal);
    return has;
}

static int open_somehow(const char *path, sqlite3 **db, int *lock, struct why *why)
{
    int rc = open_way(path, WAY_USUAL, db);
    if (lacks_index(rc)) {
        sqlite3_close(*db);
        *db = NULL;
        *lock = open(path, O_RDONLY | O_CLOEXEC);
        if (*lock >= 0 && flock(*lock, LOCK_SH | LOCK_NB) != 0)
            return why_set(why, EX_TEMPFAIL,
                           "%s: another mxreplay is writing to it; wait until it has finished", path);
        rc = open_way(path, has_wal(path) ? WAY_OWN_INDEX : WAY_ALONE, db);
    }
    return rc == SQLITE_OK ? 0 : schema_why(*db, rc, path, why);
}

static int open_to_read(const char *path, sqlite3 **db, int *lock, struct why *why)
{
    bool fresh = false;
    int64_t version = 0;
    struct stat status;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return why_set(why, EX_NOINPUT, "%s: is a folder, not a database; name a file with -d", path);
    /* Not by opening it: to close it again would give up the locks of who else has it open in this process.
     */
    if (access(path, R_OK) != 0)
        return why_set(why, errno == EACCES ? EX_NOPERM : EX_NOINPUT,
                       "%s: cannot be read: %s; collect into it first (mxreplay collect -d %s LOG), or name "
                       "another with -d",
                       path, strerror(errno), path);
    if (open_somehow(path, db, lock, why) != 0 || recognise(*db, path, &fresh, &version, why) != 0)
        return -1;
    if (fresh)
        return why_set(why, EX_DATAERR, "%s: is empty; collect into it first (mxreplay collect -d %s LOG)",
                       path, path);
    if (version < SCHEMA_VERSION)
        return why_set(why, EX_DATAERR,
                       "%s: is of layout %lld, from an older mxreplay; `mxreplay collect -d %s LOG` brings "
                       "it up to date",
                       path, (long long)version, path);
    int rc = run(*db, "PRAGMA query_only = ON; PRAGMA cache_size = -16384; PRAGMA temp_store = FILE");
    return rc == SQLITE_OK ? 0 : schema_why(*db, rc, path, why);
}

int schema_open(const char *path, enum store_mode mode, sqlite3 **db, int *lock, struct why *why)
{
    *db = NULL;
    *lock = -1;
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS,
                   0); /* a mutex for each allocation, for a number nobody asks for */
    if (mode == STORE_READ) {
        if (open_to_read(path, db, lock, why) == 0)
            return 0;
    } else if (take(path, lock, why) == 0) {
        int rc = sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
        if (rc != SQLITE_OK)
            schema_why(*db, rc, path, why);
        else if (open_to_write(path, *db, why) == 0)
            return 0;
    }
    sqlite3_close(*db);
    if (*lock >= 0)
        close(*lock);
    *db = NULL;
    *lock = -1;
    return -1;
}

int schema_close(const char *path, enum store_mode mode, sqlite3 *db, int lock, struct why *why)
{
    /* Fails where somebody reads or the disk is full: then the WAL stays, and the next one to open it goes on
     * there. */
    if (mode == STORE_WRITE)
        run(db, "PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE");
    int rc = sqlite3_close(db);
    if (lock >= 0)
        close(lock);
    return rc == SQLITE_OK ? 0 : schema_why(NULL, rc, path, why);
}

/* Retention. One reading of `session` finds what goes, as runs of ids, and marks what those that stay refer
 * to; sessions come in order of their end, so what goes is a few long runs. What hangs on a run has ids in
 * one range, so that deleting takes time by what goes, not by what stays. No index on the start pays for
 * this: it would cost each session of each day some bytes, for one night's reading. */
#include "schemas/prune.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include "base/bits.h"
#include "schemas/connection.h"
#include "schemas/layout.h"
#include "schemas/schema.h"

enum {
    RUNS_MOST = 1 << 16, /* of one reading; what is beyond needs another */
    RUN_SESSIONS_MOST = 100 * 1000,
    BATCH_SESSIONS = 500 * 1000, /* of a transaction: what it writes anew stays below a hundred megabytes */
    VACUUM_PAGES = 2048,         /* of a transaction */
    NUMBERS_MOST = INT32_MAX     /* marks take a bit each: 256 MB, where there are none so many yet */
};

/* A time from..to of sessions' starts; from == USEC_NONE: of none. */
struct span {
    usec from, to;
};

static void span_add(struct span *span, usec at)
{
    if (span->from == USEC_NONE || at < span->from)
        span->from = at;
    if (span->to == USEC_NONE || at > span->to)
        span->to = at;
}

static void span_join(struct span *span, const struct span *other)
{
    if (other->from == USEC_NONE)
        return;
    span_add(span, other->from);
    span_add(span, other->to);
}

static const struct span span_none = { USEC_NONE, USEC_NONE };

/* What the table total counts of sessions. */
struct counts {
    int64_t sessions, transactions, recipients, messages, evidence;
};

/* Sessions that go, one after the other: no other lies between. */
struct run {
    int64_t first, last;
    struct span started;
    struct counts counts; /* as their own rows tell */
};

enum table { NAME, REPLY, FACT, PLACE, TABLES };

static const struct {
    const char *last, *unused;
} tables[TABLES] = {
    [NAME] = { "SELECT max(id) FROM name", "DELETE FROM name WHERE is_unused(0, id)" },
    [REPLY] = { "SELECT max(id) FROM reply", "DELETE FROM reply WHERE is_unused(1, id)" },
    [FACT] = { "SELECT max(id) >> 8 FROM fact", "DELETE FROM fact WHERE is_unused(2, id >> 8)" },
    [PLACE] = { "SELECT max(id) FROM place", "DELETE FROM place WHERE is_unused(3, id)" },
};

struct prune {
    sqlite3 *db;
    int rc; /* the first failure */
    usec before;
    bool dry_run;
    struct run *runs;
    size_t run_count, run_room, gone; /* gone: of the runs */
    bool more;                        /* sessions go that are in no run yet */
    bool unfinished;                  /* there is a row */
    int64_t open_from, late_from;     /* what is above stands for what is still open (table unfinished) */
    struct span stay, settled_stay;   /* of the sessions that stay; of those up to open_from */
    int64_t highest;                  /* of the ids that go */
    struct bits used[TABLES];
    unsigned char *facts; /* how many pieces of evidence a number in session.bits stands for */
    struct store_pruned *pruned;
};

/* ---- SQL. What goes wrong is remembered in prune->rc, and nothing more is done. */

static void fail(struct prune *prune, int rc)
{
    if (prune->rc == SQLITE_OK)
        prune->rc = rc;
}

static void execute(struct prune *prune, const char *sql)
{
    if (prune->rc == SQLITE_OK)
        fail(prune, sqlite3_exec(prune->db, sql, NULL, NULL, NULL));
}

static sqlite3_stmt *prepare(struct prune *prune, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (prune->rc == SQLITE_OK)
        fail(prune, sqlite3_prepare_v2(prune->db, sql, -1, &statement, NULL));
    return statement;
}

static bool next_row(struct prune *prune, sqlite3_stmt *statement)
{
    if (prune->rc != SQLITE_OK)
        return false;
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        return true;
    if (rc != SQLITE_DONE)
        fail(prune, rc);
    return false;
}

static int64_t number(struct prune *prune, const char *sql)
{
    int64_t found = 0;
    if (prune->rc == SQLITE_OK)
        fail(prune, schema_number(prune->db, sql, &found));
    return found;
}

/* ---- Marks. */

static void mark(struct prune *prune, enum table table, int64_t id)
{
    if (id > 0 && (uint64_t)id < prune->used[table].count)
        bits_set(&prune->used[table], (size_t)id);
}

static void mark_name(struct prune *prune, sqlite3_stmt *row, int column)
{
    if (sqlite3_column_type(row, column) == SQLITE_INTEGER)
        mark(prune, NAME, sqlite3_column_int64(row, column));
}

static bool is_marked(const struct prune *prune, enum table table, int64_t id)
{
    const struct bits *used = &prune->used[table];
    return id > 0 && (uint64_t)id < used->count && bits_get(used, (size_t)id);
}

static void is_unused(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    const struct prune *prune = sqlite3_user_data(context);
    sqlite3_result_int(
        context, !is_marked(prune, (enum table)sqlite3_value_int(argv[0]), sqlite3_value_int64(argv[1])));
}

static void begin_marks(struct prune *prune)
{
    for (enum table t = 0; t < TABLES; t++) {
        int64_t last = number(prune, tables[t].last);
        if (last < 0 || last > NUMBERS_MOST)
            fail(prune, SQLITE_CORRUPT);
        if (prune->rc == SQLITE_OK)
            prune->used[t] = bits_new((size_t)last + 1);
    }
    prune->facts = mem_zero(prune->used[FACT].count + 1, 1);
    sqlite3_stmt *row = prepare(prune, "SELECT id >> 8, count(*) FROM fact GROUP BY 1");
    while (next_row(prune, row))
        prune->facts[sqlite3_column_int64(row, 0)] = (unsigned char)sqlite3_column_int(row, 1);
    fail(prune, sqlite3_finalize(row));
}

/* ---- What goes. */

enum {
    ID,
    STARTED,
    BITS,
    PLACE_PORT,
    CLIENT_NAME,
    HELO,
    AUTH_USER,
    REPLIES,
    MAIL_FROM,
    T_REPLY,
    RECIPIENT,
    R_REPLY
};
static const char sql_sessions[] = "SELECT id, started, bits, place, client_name, helo, auth_user, reply, "
                                   "mail_from, t_reply, recipient, r_reply "
                                   "FROM session ORDER BY id";

static void stays(struct prune *prune, sqlite3_stmt *row, int64_t id, usec started)
{
    span_add(&prune->stay, started);
    if (id <= prune->open_from)
        span_add(&prune->settled_stay, started);
    mark(prune, PLACE, sqlite3_column_int64(row, PLACE_PORT) >> PORT_BITS);
    mark(prune, FACT, sqlite3_column_int64(row, BITS) >> BITS_FACTS);
    mark(prune, REPLY, sqlite3_column_int64(row, REPLIES));
    mark(prune, REPLY, sqlite3_column_int64(row, T_REPLY));
    mark(prune, REPLY, sqlite3_column_int64(row, R_REPLY));
    static const int names[] = { CLIENT_NAME, HELO, AUTH_USER, MAIL_FROM, RECIPIENT };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        mark_name(prune, row, names[i]);
}

/* `continues`: the session before it goes too. A run lies on one side of what is still open. */
static void goes(struct prune *prune, sqlite3_stmt *row, int64_t id, usec started, bool continues)
{
    struct run *run = prune->run_count ? &prune->runs[prune->run_count - 1] : NULL;
    if (!run || !continues || run->counts.sessions >= RUN_SESSIONS_MOST ||
        (run->last <= prune->open_from && id > prune->open_from)) {
        if ((prune->run_count == RUNS_MOST && !prune->dry_run) || prune->more) {
            prune->more = true;
            span_add(&prune->stay, started); /* until it goes */
            if (id <= prune->open_from)
                span_add(&prune->settled_stay, started);
            return;
        }
        mem_room(prune->runs, prune->run_room, prune->run_count + 1);
        run = &prune->runs[prune->run_count++];
        *run = (struct run){ .first = id, .started = span_none };
    }
    int64_t bits = sqlite3_column_int64(row, BITS);
    uint64_t facts = (uint64_t)bits >> BITS_FACTS;
    run->last = id;
    span_add(&run->started, started);
    run->counts.sessions++;
    run->counts.transactions += bits >> BITS_TRANSACTION & 1;
    run->counts.recipients += bits >> BITS_RECIPIENT & 1;
    run->counts.messages += (bits >> BITS_T_VERDICT & 3) == VERDICT_ACCEPTED;
    run->counts.evidence += facts < prune->used[FACT].count ? prune->facts[facts] : 0;
    prune->highest = id > prune->highest ? id : prune->highest;
}

static void find_runs(struct prune *prune)
{
    prune->run_count = prune->gone = 0;
    prune->more = false;
    prune->stay = prune->settled_stay = span_none;
    sqlite3_stmt *row = prepare(prune, sql_sessions);
    bool continues = false;
    while (next_row(prune, row)) {
        int64_t id = sqlite3_column_int64(row, ID);
        usec started = sqlite3_column_int64(row, STARTED);
        if (started < prune->before)
            goes(prune, row, id, started, continues);
        else
            stays(prune, row, id, started);
        continues = started < prune->before;
    }
    fail(prune, sqlite3_finalize(row));
}

/* ---- What hangs on it. */

/* Steps a statement that has ids from ?1 to ?2 and the end of what is settled, ?3; its first columns. */
static void of_range(struct prune *prune, const char *sql, int64_t from, int64_t to, int64_t columns[2])
{
    sqlite3_stmt *row = prepare(prune, sql);
    sqlite3_bind_int64(row, 1, from);
    sqlite3_bind_int64(row, 2, to);
    if (sqlite3_bind_parameter_count(row) > 2)
        sqlite3_bind_int64(row, 3, prune->late_from);
    if (next_row(prune, row))
        for (int i = 0; i < sqlite3_column_count(row) && i < 2; i++)
            columns[i] = sqlite3_column_int64(row, i);
    fail(prune, sqlite3_finalize(row));
}

static void counts_add(struct counts *to, const struct counts *more, int64_t sign)
{
    to->sessions += sign * more->sessions;
    to->transactions += sign * more->transactions;
    to->recipients += sign * more->recipients;
    to->messages += sign * more->messages;
    to->evidence += sign * more->evidence;
}

/* Counts what goes with a run and deletes it. *settled: of it what the table unfinished counts too. */
static struct counts take_run(struct prune *prune, const struct run *run, struct counts *settled)
{
    static const char *const deletions[] = {
        "DELETE FROM transaction_more WHERE id BETWEEN ?1 << 24 AND ?2 << 24 | 16777215",
        "DELETE FROM recipient_more WHERE id BETWEEN ?1 << 24 AND ?2 << 24 | 16777215",
        "DELETE FROM evidence_more WHERE id BETWEEN ?1 << 24 AND ?2 << 24 | 16777215",
        "DELETE FROM evidence_named WHERE id BETWEEN ?1 << 24 AND ?2 << 24 | 16777215",
        "DELETE FROM renamed_recipient WHERE id BETWEEN ?1 << 24 AND ?2 << 24 | 16777215",
        "DELETE FROM renamed WHERE id BETWEEN ?1 AND ?2",
        "DELETE FROM evidence_late WHERE session BETWEEN ?1 AND ?2",
        "DELETE FROM joined WHERE id BETWEEN ?1 AND ?2",
        "DELETE FROM session WHERE id BETWEEN ?1 AND ?2",
    };
    struct counts counts = run->counts;
    int64_t found[2] = { 0 };
    of_range(prune,
             "SELECT count(*), count(*) FILTER (WHERE verdict = 1) FROM transaction_more "
             "WHERE id BETWEEN ?1 << 24 AND ?2 << 24 | 16777215",
             run->first, run->last, found);
    counts.transactions += found[0];
    counts.messages += found[1];
    of_range(prune, "SELECT count(*) FROM recipient_more WHERE id BETWEEN ?1 << 24 AND ?2 << 24 | 16777215",
             run->first, run->last, found);
    counts.recipients += found[0];
    of_range(prune, "SELECT count(*) FROM evidence_more WHERE id BETWEEN ?1 << 24 AND ?2 << 24 | 16777215",
             run->first, run->last, found);
    counts.evidence += found[0];
    of_range(prune, "SELECT count(*) FROM evidence_named WHERE id BETWEEN ?1 << 24 AND ?2 << 24 | 16777215",
             run->first, run->last, found);
    counts.evidence += found[0];
    *settled = run->last <= prune->open_from ? counts : (struct counts){ 0 };
    of_range(prune,
             "SELECT count(*), count(*) FILTER (WHERE id <= ?3) FROM evidence_late WHERE session BETWEEN ?1 "
             "AND ?2",
             run->first, run->last, found);
    counts.evidence += found[0];
    settled->evidence += found[1];
    for (size_t i = 0; i < sizeof deletions / sizeof *deletions && !prune->dry_run; i++)
        of_range(prune, deletions[i], run->first, run->last, found);
    return counts;
}

/* Takes `counts` away from the one row of a table. */
static void count_down(struct prune *prune, const char *sql, const struct counts *counts,
                       const struct span *span)
{
    sqlite3_stmt *to = prepare(prune, sql);
    const int64_t numbers[] = { counts->sessions, counts->transactions, counts->recipients, counts->messages,
                                counts->evidence };
    for (int i = 0; i < 5; i++)
        sqlite3_bind_int64(to, i + 1, numbers[i]);
    if (span->from != USEC_NONE) {
        sqlite3_bind_int64(to, 6, span->from);
        sqlite3_bind_int64(to, 7, span->to);
    }
    next_row(prune, to);
    fail(prune, sqlite3_finalize(to));
}

#define COUNT_DOWN                                                                                           \
    " SET sessions = sessions - ?, transactions = transactions - ?, recipients = recipients - ?, "           \
    "messages = messages - ?, evidence = evidence - ?, first = ?, last = ?"

/* What is settled of what a batch has left: the sessions that stay, and those that go with a later batch. */
static void count_rest(struct prune *prune, const struct counts *counts, const struct counts *settled)
{
    struct span all = prune->stay, before_open = prune->settled_stay;
    for (size_t i = prune->gone; i < prune->run_count; i++) {
        span_join(&all, &prune->runs[i].started);
        if (prune->runs[i].last <= prune->open_from)
            span_join(&before_open, &prune->runs[i].started);
    }
    count_down(prune, "UPDATE total" COUNT_DOWN, counts, &all);
    if (prune->unfinished)
        count_down(prune, "UPDATE unfinished" COUNT_DOWN, settled, &before_open);
}

static void note_past(struct prune *prune)
{
    sqlite3_stmt *to =
        prepare(prune, "INSERT INTO past VALUES (1, ?1, ?2, NULL) ON CONFLICT (id) DO UPDATE SET "
                       "before = max(ifnull(before, ?1), ?1), session = max(ifnull(session, 0), ?2)");
    sqlite3_bind_int64(to, 1, prune->before);
    sqlite3_bind_int64(to, 2, prune->highest);
    next_row(prune, to);
    fail(prune, sqlite3_finalize(to));
}

/* Marks what is referred to from beside the sessions' own rows. */
static void mark_beside(struct prune *prune)
{
    static const char *const names[] = { "SELECT mail_from FROM transaction_more",
                                         "SELECT address FROM recipient_more",
                                         "SELECT subject, detail FROM evidence_more",
                                         "SELECT subject, detail FROM evidence_late" };
    sqlite3_stmt *row = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        row = prepare(prune, names[i]);
        while (next_row(prune, row))
            for (int column = 0; column < sqlite3_column_count(row); column++)
                mark_name(prune, row, column);
        fail(prune, sqlite3_finalize(row));
    }
    static const char *const replies[] = { "SELECT reply FROM transaction_more",
                                           "SELECT reply FROM recipient_more", "SELECT reply FROM renamed" };
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        row = prepare(prune, replies[i]);
        while (next_row(prune, row))
            mark(prune, REPLY, sqlite3_column_int64(row, 0));
        fail(prune, sqlite3_finalize(row));
    }
    /* One that a phrase named stands for the one that it was. */
    row = prepare(prune, "SELECT id, base FROM reply WHERE base IS NOT NULL");
    while (next_row(prune, row))
        if (is_marked(prune, REPLY, sqlite3_column_int64(row, 0)))
            mark(prune, REPLY, sqlite3_column_int64(row, 1));
    fail(prune, sqlite3_finalize(row));
}

/* Names, replies, evidence in common and places that nothing refers to any more; and of lines that were not
 * understood, the examples from inputs that ended before: they say as much as a session. */
static void sweep(struct prune *prune)
{
    mark_beside(prune);
    if (prune->rc == SQLITE_OK)
        fail(prune, provided_prune(prune->db));
    for (enum table t = 0; t < TABLES; t++) {
        execute(prune, tables[t].unused);
        prune->pruned->texts += prune->rc == SQLITE_OK ? (uint64_t)sqlite3_changes64(prune->db) : 0;
    }
    sqlite3_stmt *to = prepare(prune, "DELETE FROM stretch WHERE last < ?");
    sqlite3_bind_int64(to, 1, prune->before);
    next_row(prune, to);
    fail(prune, sqlite3_finalize(to));
    to = prepare(prune, "UPDATE skipped SET first_text = NULL WHERE first_text IS NOT NULL AND "
                        "input IN (SELECT id FROM input WHERE last < ?)");
    sqlite3_bind_int64(to, 1, prune->before);
    next_row(prune, to);
    fail(prune, sqlite3_finalize(to));
}

/* One transaction: runs until there are enough, and with the last ones what nothing refers to any more. */
static void take_batch(struct prune *prune)
{
    struct counts all = { 0 }, all_settled = { 0 };
    if (!prune->dry_run)
        execute(prune, "BEGIN IMMEDIATE");
    while (prune->rc == SQLITE_OK && prune->gone < prune->run_count && all.sessions < BATCH_SESSIONS) {
        struct counts settled, counts = take_run(prune, &prune->runs[prune->gone++], &settled);
        counts_add(&all, &counts, 1);
        counts_add(&all_settled, &settled, 1);
    }
    if (!prune->dry_run) {
        count_rest(prune, &all, &all_settled);
        note_past(prune);
        if (prune->gone == prune->run_count && !prune->more)
            sweep(prune);
        execute(prune, "COMMIT");
        if (!sqlite3_get_autocommit(prune->db))
            sqlite3_exec(prune->db, "ROLLBACK", NULL, NULL, NULL);
    }
    if (prune->rc != SQLITE_OK)
        return;
    prune->pruned->sessions += (uint64_t)all.sessions;
    prune->pruned->transactions += (uint64_t)all.transactions;
    prune->pruned->recipients += (uint64_t)all.recipients;
    prune->pruned->messages += (uint64_t)all.messages;
    prune->pruned->evidence += (uint64_t)all.evidence;
}

/* ---- The file. */

static uint64_t file_bytes(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
}

/* Free pages go, and with them what was written there. A database of an earlier version is written anew once,
 * and from then on gives back as others do. */
static void give_back(struct prune *prune)
{
    if (number(prune, "PRAGMA auto_vacuum") != 2)
        execute(prune, "PRAGMA auto_vacuum = INCREMENTAL; VACUUM");
    for (int64_t left = number(prune, "PRAGMA freelist_count"), before = -1; left > 0 && left != before;) {
        char sql[64];
        before = left;
        snprintf(sql, sizeof sql, "PRAGMA incremental_vacuum(%d)", VACUUM_PAGES);
        execute(prune, sql);
        left = number(prune, "PRAGMA freelist_count");
    }
    /* Fails where somebody reads: then the file shrinks with a later one. */
    sqlite3_exec(prune->db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
}

static void read_unfinished(struct prune *prune)
{
    prune->open_from = prune->late_from = INT64_MAX;
    sqlite3_stmt *row = prepare(prune, "SELECT session, late FROM unfinished");
    if (next_row(prune, row)) {
        prune->unfinished = true;
        prune->open_from = sqlite3_column_int64(row, 0);
        prune->late_from = sqlite3_column_int64(row, 1);
    }
    fail(prune, sqlite3_finalize(row));
}

int prune_database(sqlite3 *db, const char *path, usec before, bool dry_run, struct store_pruned *pruned,
                   struct why *why)
{
    struct prune prune = { .db = db, .before = before, .dry_run = dry_run, .pruned = pruned };
    *pruned = (struct store_pruned){ .bytes_before = file_bytes(path) };
    read_unfinished(&prune);
    begin_marks(&prune);
    if (!dry_run) {
        /* What goes is not to be read in what is left of it. */
        execute(&prune, "PRAGMA secure_delete = ON");
        fail(&prune, sqlite3_create_function(db, "is_unused", 2, SQLITE_UTF8 | SQLITE_DIRECTONLY, &prune,
                                             is_unused, NULL, NULL));
    }
    do {
        find_runs(&prune);
        do
            take_batch(&prune);
        while (prune.rc == SQLITE_OK && prune.gone < prune.run_count);
    } while (prune.rc == SQLITE_OK && prune.more && !dry_run);
    if (!dry_run) {
        if (prune.rc == SQLITE_OK && pruned->sessions)
            give_back(&prune);
        sqlite3_create_function(db, "is_unused", 2, SQLITE_UTF8, NULL, NULL, NULL, NULL);
        sqlite3_exec(db, "PRAGMA secure_delete = FAST", NULL, NULL, NULL);
    }
    pruned->bytes_after = file_bytes(path);
    for (enum table t = 0; t < TABLES; t++)
        bits_free(&prune.used[t]);
    free(prune.facts);
    free(prune.runs);
    return prune.rc == SQLITE_OK ? 0 : schema_why(db, prune.rc, path, why);
}

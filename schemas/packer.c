/* The packer: the tables whose rows are collected, and how they are written. */
#include <stdio.h>
#include <stdlib.h>
#include "schemas/joining.h"
#include "schemas/packing.h"
#include "schemas/values.h"
#include "schemas/renaming.h"
#include "schemas/schema.h"

static const struct {
    const char *name;
    size_t columns;
} tables[TABLES] = {
    [NAME] = { "name", 2 },
    [REPLY] = { "reply", 7 },
    [FACT] = { "fact", 11 },
    [PLACE] = { "place", 6 },
    [SESSION] = { "session", SESSION_COLUMNS },
    [TRANSACTION] = { "transaction_more", 8 },
    [RECIPIENT] = { "recipient_more", 6 },
    [EVIDENCE] = { "evidence_more", EVIDENCE_CELLS },
    [LATE] = { "evidence_late", 10 },
    [NAMED_EVIDENCE] = { "evidence_named", EVIDENCE_CELLS },
    [RENAMED] = { "renamed", 3 },
    [RENAMED_RECIPIENT] = { "renamed_recipient", 2 },
};
enum {
    TEXTS_CACHED = 1 << 12, /* of each of two generations, as the others */
    REPLIES_CACHED = 1 << 12,
    FACTS_CACHED = 1 << 12,
    PLACES_CACHED = 1 << 10,
    CACHED_BYTES = 1024 * 1024
};

/* Where the ids of a table's rows are those that SQLite would give them they are left to it: then it knows
 * that they are new and does not look for each. */
static void leave_ids(struct packer *packer, enum table table)
{
    struct rows *rows = &packer->rows[table];
    int64_t next = packer->last[table] + 1;
    bool continues = true;
    for (size_t i = 0; i < rows->count; i++) {
        int64_t id = rows->cell[i * rows->columns].number;
        continues = continues && id == next + (int64_t)i;
        if (id > packer->last[table])
            packer->last[table] = id;
    }
    for (size_t i = 0; continues && i < rows->count; i++)
        cell_null(&rows->cell[i * rows->columns]);
}

int packer_flush(struct packer *packer)
{
    int rc = SQLITE_OK;
    for (enum table t = 0; t < TABLES && rc == SQLITE_OK; t++) {
        struct rows *rows = &packer->rows[t];
        if (rows->count == 0)
            continue;
        leave_ids(packer, t);
        sqlite3_step(packer->insert[t]);
        rc = sqlite3_reset(packer->insert[t]);
        rows->count = 0;
    }
    arena_reset(&packer->text);
    return rc;
}

int packer_totals(struct packer *packer)
{
    const struct totals *totals = &packer->totals;
    sqlite3_bind_int64(packer->count, 1, (int64_t)totals->sessions);
    sqlite3_bind_int64(packer->count, 2, (int64_t)totals->transactions);
    sqlite3_bind_int64(packer->count, 3, (int64_t)totals->recipients);
    sqlite3_bind_int64(packer->count, 4, (int64_t)totals->messages);
    sqlite3_bind_int64(packer->count, 5, (int64_t)totals->evidence);
    bind_time(packer->count, 6, totals->first);
    bind_time(packer->count, 7, totals->last);
    sqlite3_step(packer->count);
    return sqlite3_reset(packer->count);
}

int packer_keep(struct packer *packer, struct str state)
{
    const struct totals *totals = &packer->totals;
    sqlite3_stmt *to = packer->keep;
    struct str order;
    int rc = kept_write(packer->kept, state, &order);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_int64(to, 1, packer->last[SESSION]);
    sqlite3_bind_int64(to, 2, packer->last[LATE]);
    sqlite3_bind_int64(to, 3, (int64_t)totals->sessions);
    sqlite3_bind_int64(to, 4, (int64_t)totals->transactions);
    sqlite3_bind_int64(to, 5, (int64_t)totals->recipients);
    sqlite3_bind_int64(to, 6, (int64_t)totals->messages);
    sqlite3_bind_int64(to, 7, (int64_t)totals->evidence);
    bind_time(to, 8, totals->first);
    bind_time(to, 9, totals->last);
    sqlite3_bind_blob(to, 10, packer->seen, TEXTS_SEEN * sizeof *packer->seen, SQLITE_STATIC);
    sqlite3_bind_text64(to, 11, order.at, order.len, SQLITE_STATIC, SQLITE_UTF8);
    sqlite3_step(to);
    sqlite3_clear_bindings(to);
    return sqlite3_reset(to);
}

/* The highest id in a table. */
static int read_last(sqlite3 *db, enum table table, int64_t *last)
{
    char sql[80];
    snprintf(sql, sizeof sql, "SELECT max(id) FROM %s", tables[table].name);
    return schema_number(db, sql, last);
}

static int prepare_table(struct packer *packer, sqlite3 *db, enum table table)
{
    char name[40], sql[120];
    snprintf(name, sizeof name, "%s_rows", tables[table].name);
    snprintf(sql, sizeof sql, "INSERT INTO %s SELECT * FROM %s", tables[table].name, name);
    packer->rows[table].columns = tables[table].columns;
    int rc = rows_register(db, name, &packer->rows[table]);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &packer->insert[table], NULL);
    if (rc == SQLITE_OK)
        rc = read_last(db, table, &packer->last[table]);
    packer->number[table] = table == FACT ? packer->last[table] >> FACT_BITS : packer->last[table];
    return rc;
}

static int read_totals(sqlite3 *db, struct totals *totals)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(
        db, "SELECT sessions, transactions, recipients, messages, evidence, first, last FROM total", -1,
        &statement, NULL);
    *totals = (struct totals){ .first = USEC_NONE, .last = USEC_NONE };
    if (rc == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
        totals->sessions = (uint64_t)sqlite3_column_int64(statement, 0);
        totals->transactions = (uint64_t)sqlite3_column_int64(statement, 1);
        totals->recipients = (uint64_t)sqlite3_column_int64(statement, 2);
        totals->messages = (uint64_t)sqlite3_column_int64(statement, 3);
        totals->evidence = (uint64_t)sqlite3_column_int64(statement, 4);
        if (sqlite3_column_type(statement, 5) == SQLITE_INTEGER)
            totals->first = sqlite3_column_int64(statement, 5);
        if (sqlite3_column_type(statement, 6) == SQLITE_INTEGER)
            totals->last = sqlite3_column_int64(statement, 6);
    }
    int end = sqlite3_finalize(statement);
    return rc == SQLITE_OK ? end : rc;
}

static int read_seen(struct packer *packer)
{
    sqlite3_stmt *row = NULL;
    int rc = sqlite3_prepare_v2(packer->db, "SELECT seen FROM unfinished", -1, &row, NULL);
    if (rc == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW) {
        const void *seen = sqlite3_column_blob(row, 0);
        if (seen && sqlite3_column_bytes(row, 0) == (int)(TEXTS_SEEN * sizeof *packer->seen))
            memcpy(packer->seen, seen, TEXTS_SEEN * sizeof *packer->seen);
    }
    int end = sqlite3_finalize(row);
    return rc == SQLITE_OK ? end : rc;
}

static const char take_back_sql[] =
    "DELETE FROM session WHERE id > (SELECT session FROM unfinished);"
    "DELETE FROM transaction_more WHERE id >= (SELECT session + 1 << 24 FROM unfinished);"
    "DELETE FROM recipient_more WHERE id >= (SELECT session + 1 << 24 FROM unfinished);"
    "DELETE FROM evidence_more WHERE id >= (SELECT session + 1 << 24 FROM unfinished);"
    "DELETE FROM evidence_late WHERE id > (SELECT late FROM unfinished);"
    "DELETE FROM evidence_named WHERE id >= (SELECT session + 1 << 24 FROM unfinished);"
    "DELETE FROM renamed WHERE id > (SELECT session FROM unfinished);"
    "DELETE FROM renamed_recipient WHERE id >= (SELECT session + 1 << 24 FROM unfinished);"
    "UPDATE total SET (sessions, transactions, recipients, messages, evidence, first, last) = "
    "(SELECT sessions, transactions, recipients, messages, evidence, first, last FROM unfinished)"
    "WHERE EXISTS (SELECT * FROM unfinished)";

int packer_find_ends(struct packer *packer)
{
    int rc = SQLITE_OK;
    for (enum table t = SESSION; t < TABLES && rc == SQLITE_OK; t++) {
        rc = read_last(packer->db, t, &packer->last[t]);
        packer->number[t] = packer->last[t];
    }
    return rc;
}

int packer_take_back(struct packer *packer)
{
    int rc = sqlite3_exec(packer->db, take_back_sql, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = packer_find_ends(packer);
    if (rc == SQLITE_OK)
        rc = read_totals(packer->db, &packer->totals);
    if (rc == SQLITE_OK)
        rc = read_seen(packer);
    return rc == SQLITE_OK ? joining_take_back(packer) : rc;
}

struct packer *packer_new(sqlite3 *db, bool ordered, int *rc)
{
    struct packer *packer = mem_zero(1, sizeof *packer);
    packer->db = db;
    packer->names = naming_new();
    packer->texts = cache_new(TEXTS_CACHED, CACHED_BYTES);
    packer->replies = cache_new(REPLIES_CACHED, CACHED_BYTES);
    packer->facts = cache_new(FACTS_CACHED, CACHED_BYTES);
    packer->places = cache_new(PLACES_CACHED, CACHED_BYTES);
    packer->seen = mem_zero(TEXTS_SEEN, sizeof *packer->seen);
    packer->ordered = ordered;
    packer->first_given = INT64_MAX;
    packer->kept = kept_new(db, rc);
    if (*rc == SQLITE_OK)
        *rc = schema_number(db, "SELECT session FROM past", &packer->pruned);
    for (enum table t = 0; t < TABLES && *rc == SQLITE_OK; t++)
        *rc = prepare_table(packer, db, t);
    if (*rc == SQLITE_OK)
        *rc = phrases_load(db, &packer->phrases);
    if (*rc == SQLITE_OK)
        *rc = read_totals(db, &packer->totals);
    if (*rc == SQLITE_OK)
        *rc = sqlite3_prepare_v3(
            db,
            "UPDATE total SET sessions = ?, transactions = ?, recipients = ?, messages = ?, "
            "evidence = ?, first = ?, last = ?",
            -1, SQLITE_PREPARE_PERSISTENT, &packer->count, NULL);
    if (*rc == SQLITE_OK)
        *rc = sqlite3_prepare_v3(
            db, "INSERT OR REPLACE INTO unfinished VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", -1,
            SQLITE_PREPARE_PERSISTENT, &packer->keep, NULL);
    if (*rc == SQLITE_OK)
        *rc = sqlite3_prepare_v3(db, "SELECT 1 FROM session WHERE id = ?", -1, SQLITE_PREPARE_PERSISTENT,
                                 &packer->stands, NULL);
    if (*rc == SQLITE_OK)
        return packer;
    packer_free(packer);
    return NULL;
}

void packer_free(struct packer *packer)
{
    if (!packer)
        return;
    sqlite3_finalize(packer->count);
    sqlite3_finalize(packer->keep);
    sqlite3_finalize(packer->stands);
    kept_free(packer->kept);
    for (enum table t = 0; t < TABLES; t++) {
        sqlite3_finalize(packer->insert[t]);
        rows_free(&packer->rows[t]);
    }
    naming_free(packer->names);
    cache_free(&packer->texts);
    cache_free(&packer->replies);
    cache_free(&packer->facts);
    cache_free(&packer->places);
    phrasebook_free(&packer->phrases);
    arena_free(&packer->text);
    free(packer->seen);
    free(packer);
}

/* Evidence from elsewhere: the tables provider and provided. */
#include "schemas/provided.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/names.h"
#include "schemas/connection.h"
#include "schemas/layout.h"
#include "schemas/schema.h"
#include "schemas/values.h"

/* ---- Columns. */

size_t client_text(const struct ip *ip, char text[CLIENT_TEXT_BYTES])
{
    struct prefix prefix = ip_network(ip, 24, 64);
    size_t len = ip_format(ip, text);
    text[len++] = ' ';
    return len + prefix_format(&prefix, text + len);
}

struct ip client_of_column(sqlite3_stmt *row, int column)
{
    struct ip ip = { 0 };
    if (sqlite3_column_type(row, column) == SQLITE_INTEGER)
        return ip_from_v4((uint32_t)sqlite3_column_int64(row, column));
    const char *at = (const char *)sqlite3_column_text(row, column);
    struct str text = { at, at ? (size_t)sqlite3_column_bytes(row, column) : 0 }, address = { NULL, 0 };
    if (text.len && cut_until_char(&text, ' ', &address))
        ip_parse(address, &ip);
    return ip;
}

static void bind_client(sqlite3_stmt *to, int at, const struct ip *ip)
{
    char text[CLIENT_TEXT_BYTES];
    if (ip_is_none(ip))
        sqlite3_bind_text(to, at, "", 0, SQLITE_STATIC);
    else if (ip_is_v4(ip))
        sqlite3_bind_int64(to, at, (int32_t)ip_v4(ip));
    else
        sqlite3_bind_text(to, at, text, (int)client_text(ip, text), SQLITE_TRANSIENT);
}

static int failed(struct store *store, sqlite3 *db, int rc, struct why *why)
{
    return schema_why(db, rc, store_path(store), why);
}

/* Hands over each row of a prepared statement, and finalizes it. A `take` that returns other than 0 ends it
 * with that value. What it makes in `arena` lasts until it returns. */
static int each_row(struct store *store, sqlite3 *db, sqlite3_stmt *row, int rc,
                    int (*take)(void *state, sqlite3_stmt *row, struct arena *arena), void *state,
                    struct why *why)
{
    struct arena arena = { 0 };
    int result = 0;
    while (rc == SQLITE_OK && result == 0 && sqlite3_step(row) == SQLITE_ROW) {
        arena_reset(&arena);
        result = take(state, row, &arena);
    }
    int end = sqlite3_finalize(row);
    rc = rc == SQLITE_OK ? end : rc;
    arena_free(&arena);
    return rc == SQLITE_OK ? result : failed(store, db, rc, why);
}

/* The same of a query without parameters. */
static int each_of(struct store *store, const char *sql,
                   int (*take)(void *state, sqlite3_stmt *row, struct arena *arena), void *state,
                   struct why *why)
{
    sqlite3 *db = store_connection(store, why);
    sqlite3_stmt *row = NULL;
    if (!db)
        return -1;
    int rc = sqlite3_prepare_v2(db, sql, -1, &row, NULL);
    return each_row(store, db, row, rc, take, state, why);
}

/* ---- What evidence can be of. */

struct taking {
    int (*client)(void *state, const struct ip *client, usec first, usec last);
    int (*name)(void *state, struct str name);
    int (*pair)(void *state, const struct ip *client, struct str domain);
    void *state;
    bool of_domains;   /* of senders only the domains, each once */
    struct names seen; /* of them */
};

static int take_client(void *state, sqlite3_stmt *row, struct arena *arena)
{
    struct taking *taking = state;
    (void)arena;
    struct ip ip = client_of_column(row, 0);
    return taking->client(taking->state, &ip, sqlite3_column_int64(row, 1), sqlite3_column_int64(row, 2));
}

int store_each_client(struct store *store,
                      int (*take)(void *state, const struct ip *client, usec first, usec last), void *state,
                      struct why *why)
{
    struct taking taking = { .client = take, .state = state };
    return each_of(store,
                   "SELECT client, min(started), max(started) FROM session "
                   "WHERE bits >> 24 & 1 = 0 AND client IS NOT NULL GROUP BY client",
                   take_client, &taking, why);
}

/* Texts and their numbers are made distinct before a number is looked up. */
#define NAMED(columns)                                                                                       \
    "SELECT DISTINCT lower(iif(typeof(v) = 'integer', (SELECT text FROM name WHERE name.id = v), v)) FROM "  \
    "(" columns ") WHERE v IS NOT NULL"
static const char senders[] = NAMED("SELECT mail_from AS v FROM session WHERE bits >> 24 & 1 = 0 UNION "
                                    "SELECT mail_from FROM transaction_more");
static const char *const sql_names[ABOUTS] = {
    [ABOUT_SENDER_DOMAIN] = senders,
    [ABOUT_SENDER] = senders,
    [ABOUT_RECIPIENT] = NAMED("SELECT recipient AS v FROM session WHERE bits >> 24 & 1 = 0 UNION "
                              "SELECT address FROM recipient_more"),
    [ABOUT_HELO] =
        NAMED("SELECT iif(helo = 0, client_name, helo) AS v FROM session WHERE bits >> 24 & 1 = 0"),
    [ABOUT_MESSAGE_ID] = NAMED("SELECT message_id AS v FROM session WHERE bits >> 24 & 1 = 0 UNION "
                               "SELECT message_id FROM transaction_more"),
};

static int take_name(void *state, sqlite3_stmt *row, struct arena *arena)
{
    struct taking *taking = state;
    struct str name = plain_text(arena, row, 0);
    size_t known = taking->seen.count;
    if (taking->of_domains)
        name = sender_domain(name);
    if (!name.len || (taking->of_domains && names_add(&taking->seen, name) < known))
        return 0;
    return taking->name(taking->state, name);
}

int store_each_name(struct store *store, enum about about, int (*take)(void *state, struct str name),
                    void *state, struct why *why)
{
    struct taking taking = { .name = take, .state = state, .of_domains = about == ABOUT_SENDER_DOMAIN };
    assert(sql_names[about]);
    int result = each_of(store, sql_names[about], take_name, &taking, why);
    names_free(&taking.seen);
    return result;
}

static int take_pair(void *state, sqlite3_stmt *row, struct arena *arena)
{
    struct taking *taking = state;
    struct ip ip = client_of_column(row, 0);
    struct str domain = plain_text(arena, row, 1);
    return domain.len ? taking->pair(taking->state, &ip, domain) : 0;
}

int store_each_pair(struct store *store, int (*take)(void *state, const struct ip *client, struct str domain),
                    void *state, struct why *why)
{
    struct taking taking = { .pair = take, .state = state };
    return each_of(store,
                   "SELECT DISTINCT s.client, lower(substr(t.mail_from, instr(t.mail_from, '@') + 1)) "
                   "FROM v_transaction t JOIN session s ON s.id = t.session_id "
                   "WHERE instr(t.mail_from, '@') AND s.client IS NOT NULL AND s.bits >> 24 & 1 = 0",
                   take_pair, &taking, why);
}

/* ---- Writing. */

struct providing {
    struct store *store;
    sqlite3 *db;
    sqlite3_stmt *add, *clear, *knows;
    int64_t provider;
    bool says_once;     /* what it said before of the same goes, of whatever time it was */
    struct arena arena; /* of the piece that is being written */
};

static int run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static void bind_provider(sqlite3_stmt *to, struct arena *arena, const struct provider *provider)
{
    sqlite3_bind_int(to, 1, provider->kind);
    sqlite3_bind_int(to, 2, provider->origin);
    sqlite3_bind_int(to, 3, provider->about);
    bind_text(to, 4, arena, provider->subject);
    bind_text(to, 5, arena, provider->place);
    bind_time(to, 6, provider->from);
    bind_time(to, 7, provider->to);
    bind_time(to, 8, provider->taken);
}

/* Who it is but for the date. */
#define SAME                                                                                                 \
    "kind = ?1 AND origin = ?2 AND about = ?3 AND subject IS ?4 AND place IS ?5 AND \"from\" IS ?6 AND "     \
    "\"to\" IS ?7 "
#define ANOTHER_DATE "origin <> ?9 AND taken IS NOT ?8 AND (\"from\" IS NOT NULL OR \"to\" IS NOT NULL)"

/* Look-ups go on where they were left off. Of a file there may be one for each of its dates, but of one that
 * holds for a period the latest takes the place of those before. */
static int find_provider(struct providing *providing, struct provider *provider)
{
    static const char *const sql[] = {
        "DELETE FROM provided WHERE provider IN (SELECT id FROM provider WHERE " SAME "AND " ANOTHER_DATE ")",
        "UPDATE provider SET taken = ?8 WHERE " SAME "AND " ANOTHER_DATE,
        "INSERT INTO provider (kind, origin, about, subject, place, \"from\", \"to\", taken) "
        "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE NOT EXISTS (SELECT * FROM provider WHERE " SAME
        "AND (origin = ?9 OR taken IS ?8))",
        "SELECT id FROM provider WHERE " SAME "AND (origin = ?9 OR taken IS ?8)",
    };
    int rc = SQLITE_OK;
    provider->id = 0;
    for (size_t i = 0; i < sizeof sql / sizeof *sql && rc == SQLITE_OK; i++) {
        sqlite3_stmt *row = NULL;
        rc = sqlite3_prepare_v2(providing->db, sql[i], -1, &row, NULL);
        if (rc != SQLITE_OK)
            break;
        bind_provider(row, &providing->arena, provider);
        sqlite3_bind_int(row, 9, ORIGIN_LIVE);
        if (sqlite3_step(row) == SQLITE_ROW)
            provider->id = sqlite3_column_int64(row, 0);
        rc = sqlite3_finalize(row);
    }
    providing->provider = provider->id;
    return rc;
}

struct providing *store_provide(struct store *store, struct provider *provider, struct why *why)
{
    sqlite3 *db = store_connection(store, why);
    if (!db)
        return NULL;
    struct providing *providing = mem_zero(1, sizeof *providing);
    providing->store = store;
    providing->db = db;
    providing->says_once = provider->origin == ORIGIN_LIST && provider->taken == USEC_NONE;
    int rc = sqlite3_get_autocommit(db) ? run(db, "BEGIN IMMEDIATE") : SQLITE_OK;
    if (rc == SQLITE_OK)
        rc = find_provider(providing, provider);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v3(db, "INSERT OR REPLACE INTO provided VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", -1,
                                SQLITE_PREPARE_PERSISTENT, &providing->add, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v3(db,
                                "DELETE FROM provided WHERE provider = ? AND client = ? AND name = ? AND "
                                "(at = ? OR ?)",
                                -1, SQLITE_PREPARE_PERSISTENT, &providing->clear, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v3(db,
                                "SELECT 1 FROM provided WHERE provider = ? AND client = ? AND name = ? AND "
                                "state <> 0 AND (at + b * 1000000 > ? OR at > ?)",
                                -1, SQLITE_PREPARE_PERSISTENT, &providing->knows, NULL);
    if (rc == SQLITE_OK)
        return providing;
    failed(store, db, rc, why);
    providing_end(providing, false, NULL);
    return NULL;
}

static int step(sqlite3_stmt *statement)
{
    sqlite3_step(statement);
    return sqlite3_reset(statement);
}

int providing_add(struct providing *providing, const struct provided *provided, unsigned n, struct why *why)
{
    sqlite3_stmt *const to[] = { providing->clear, providing->add };
    int rc = SQLITE_OK;
    arena_reset(&providing->arena);
    for (size_t i = n != 0; i < 2 && rc == SQLITE_OK; i++) {
        sqlite3_bind_int64(to[i], 1, providing->provider);
        bind_client(to[i], 2, &provided->client);
        bind_text(to[i], 3, &providing->arena, provided->name.at ? provided->name : STR(""));
        sqlite3_bind_int64(to[i], 4, provided->at);
        if (to[i] == providing->add) {
            sqlite3_bind_int(to[i], 5, (int)n);
            sqlite3_bind_int(to[i], 6, provided->state);
            sqlite3_bind_int64(to[i], 7, provided->a);
            sqlite3_bind_int64(to[i], 8, provided->b);
            bind_text(to[i], 9, &providing->arena, provided->detail);
        } else
            sqlite3_bind_int(to[i], 5, providing->says_once);
        rc = step(to[i]);
    }
    return rc == SQLITE_OK ? 0 : failed(providing->store, providing->db, rc, why);
}

bool providing_knows(struct providing *providing, const struct ip *client, struct str name, usec now,
                     usec fresh)
{
    sqlite3_stmt *row = providing->knows;
    arena_reset(&providing->arena);
    sqlite3_bind_int64(row, 1, providing->provider);
    bind_client(row, 2, client);
    bind_text(row, 3, &providing->arena, name.at ? name : STR(""));
    sqlite3_bind_int64(row, 4, now);
    sqlite3_bind_int64(row, 5, now - fresh);
    bool known = sqlite3_step(row) == SQLITE_ROW;
    sqlite3_reset(row);
    return known;
}

int providing_commit(struct providing *providing, struct why *why)
{
    int rc = run(providing->db, "COMMIT; BEGIN IMMEDIATE");
    return rc == SQLITE_OK ? 0 : failed(providing->store, providing->db, rc, why);
}

int providing_end(struct providing *providing, bool keep, struct why *why)
{
    int rc = SQLITE_OK;
    sqlite3_finalize(providing->add);
    sqlite3_finalize(providing->clear);
    sqlite3_finalize(providing->knows);
    if (keep && !sqlite3_get_autocommit(providing->db))
        rc = run(providing->db, "COMMIT");
    int result = rc == SQLITE_OK ? 0 : failed(providing->store, providing->db, rc, why);
    if (!sqlite3_get_autocommit(providing->db))
        run(providing->db, "ROLLBACK");
    arena_free(&providing->arena);
    free(providing);
    return result;
}

/* Senders in lower case. */
#define SENDERS                                                                                              \
    "SELECT lower(iif(typeof(v) = 'integer', (SELECT text FROM name WHERE name.id = v), v)) AS s FROM "      \
    "(SELECT mail_from AS v FROM session UNION SELECT mail_from FROM transaction_more) WHERE v IS NOT NULL"

int provided_prune(sqlite3 *db)
{
    static const char *const sql[] = {
        "DELETE FROM provided WHERE client <> '' AND client NOT IN (SELECT client FROM session WHERE client "
        "IS "
        "NOT NULL)",
        "DELETE FROM provided WHERE provider IN (SELECT id FROM provider WHERE about = 1) AND name <> '' AND "
        "name NOT IN (SELECT substr(s, instr(s, '@') + 1) FROM (" SENDERS "))",
        "DELETE FROM provided WHERE provider IN (SELECT id FROM provider WHERE about = 2) AND name <> '' AND "
        "name NOT IN (" SENDERS ")",
        "DELETE FROM provided WHERE provider IN (SELECT id FROM provider WHERE about = 3) AND name NOT IN "
        "(SELECT lower(address) FROM v_recipient WHERE address IS NOT NULL)",
        "DELETE FROM provided WHERE provider IN (SELECT id FROM provider WHERE about = 4) AND name NOT IN "
        "(SELECT lower(helo) FROM plain_session WHERE helo IS NOT NULL)",
        "DELETE FROM provided WHERE provider IN (SELECT id FROM provider WHERE about = 5) AND name NOT IN "
        "(SELECT lower(message_id) FROM v_transaction WHERE message_id IS NOT NULL)",
        "DELETE FROM provided WHERE provider IN (SELECT id FROM provider WHERE about = 6) AND "
        "CAST(name AS INTEGER) NOT IN (SELECT id FROM session)",
    };
    int64_t providers = 0;
    int rc = schema_number(db, "SELECT count(*) FROM provider", &providers);
    for (size_t i = 0; i < sizeof sql / sizeof *sql && rc == SQLITE_OK && providers; i++)
        rc = run(db, sql[i]);
    return rc;
}

int store_forget(struct store *store, int64_t provider, struct why *why)
{
    sqlite3 *db = store_connection(store, why);
    char sql[140];
    if (!db)
        return -1;
    snprintf(sql, sizeof sql,
             "DELETE FROM provided WHERE provider = %lld; DELETE FROM provider WHERE id = %lld",
             (long long)provider, (long long)provider);
    int rc = run(db, "BEGIN IMMEDIATE");
    rc = rc == SQLITE_OK ? run(db, sql) : rc;
    int gone = sqlite3_changes(db) > 0;
    rc = rc == SQLITE_OK ? run(db, "COMMIT") : rc;
    if (!sqlite3_get_autocommit(db))
        run(db, "ROLLBACK");
    return rc == SQLITE_OK ? gone : failed(store, db, rc, why);
}

/* ---- Reading. */

static void read_provider(struct arena *arena, sqlite3_stmt *row, struct provider *provider)
{
    *provider = (struct provider){ .id = sqlite3_column_int64(row, 0),
                                   .kind = (uint8_t)sqlite3_column_int(row, 1),
                                   .origin = (uint8_t)sqlite3_column_int(row, 2),
                                   .about = (uint8_t)sqlite3_column_int(row, 3),
                                   .subject = plain_text(arena, row, 4),
                                   .place = plain_text(arena, row, 5),
                                   .from = plain_time(row, 6),
                                   .to = plain_time(row, 7),
                                   .taken = plain_time(row, 8) };
}

int store_providers(struct store *store, struct arena *arena, struct provider **providers, uint64_t **pieces,
                    size_t *count, struct why *why)
{
    sqlite3 *db = store_connection(store, why);
    sqlite3_stmt *row = NULL;
    int64_t most = 0;
    *count = 0;
    if (!db)
        return -1;
    int rc = schema_number(db, "SELECT count(*) FROM provider", &most);
    *providers = arena_zero(arena, ((size_t)most + 1) * sizeof **providers);
    *pieces = arena_zero(arena, ((size_t)most + 1) * sizeof **pieces);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(db,
                                "SELECT id, kind, origin, about, subject, place, \"from\", \"to\", taken, "
                                "(SELECT count(*) FROM provided WHERE provider = provider.id) "
                                "FROM provider ORDER BY id",
                                -1, &row, NULL);
    while (rc == SQLITE_OK && *count < (size_t)most && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        struct provider *provider = &(*providers)[*count];
        read_provider(arena, row, provider);
        (*pieces)[(*count)++] = (uint64_t)sqlite3_column_int64(row, 9);
        rc = provider->kind < KINDS && provider->origin < ORIGINS && provider->about < ABOUTS
                 ? SQLITE_OK
                 : SQLITE_CORRUPT;
    }
    sqlite3_finalize(row);
    return rc == SQLITE_OK || rc == SQLITE_DONE ? 0 : failed(store, db, rc, why);
}

int store_each_provided(struct store *store,
                        int (*take)(void *state, const struct provider *provider,
                                    const struct provided *provided),
                        void *state, struct why *why)
{
    struct arena arena = { 0 }, piece = { 0 };
    struct provider *providers = NULL;
    uint64_t *pieces = NULL;
    size_t count = 0;
    int result = store_providers(store, &arena, &providers, &pieces, &count, why);
    sqlite3 *db = result == 0 ? store_connection(store, why) : NULL;
    sqlite3_stmt *row = NULL;
    int rc = db ? sqlite3_prepare_v2(db,
                                     "SELECT client, name, at, state, a, b, detail FROM provided WHERE "
                                     "provider = ? ORDER BY provider, client, name, at, n",
                                     -1, &row, NULL)
                : SQLITE_OK;
    for (size_t i = 0; i < count && db && rc == SQLITE_OK && result == 0; i++) {
        sqlite3_bind_int64(row, 1, providers[i].id);
        while (result == 0 && sqlite3_step(row) == SQLITE_ROW) {
            arena_reset(&piece);
            struct provided provided = { .client = client_of_column(row, 0),
                                         .name = plain_text(&piece, row, 1),
                                         .at = sqlite3_column_int64(row, 2),
                                         .state = (uint8_t)(sqlite3_column_int(row, 3) & 3),
                                         .a = sqlite3_column_int64(row, 4),
                                         .b = sqlite3_column_int64(row, 5),
                                         .detail = plain_text(&piece, row, 6) };
            if (provided.name.len == 0)
                provided.name = (struct str){ NULL, 0 };
            if (provided.state > YES)
                provided.state = UNKNOWN;
            result = take(state, &providers[i], &provided);
        }
        rc = sqlite3_reset(row);
    }
    sqlite3_finalize(row);
    arena_free(&piece);
    arena_free(&arena);
    return rc == SQLITE_OK ? result : failed(store, db, rc, why);
}

struct taking_evidence {
    int (*take)(void *state, const struct evidence *evidence);
    void *state;
};

static int take_evidence(void *state, sqlite3_stmt *row, struct arena *arena)
{
    const struct taking_evidence *taking = state;
    struct evidence evidence = { .kind = (uint8_t)sqlite3_column_int(row, 0),
                                 .state = (uint8_t)sqlite3_column_int(row, 1),
                                 .origin = (uint8_t)sqlite3_column_int(row, 2),
                                 .transaction = WHOLE_SESSION,
                                 .recipient = WHOLE_TRANSACTION,
                                 .at = plain_time(row, 3),
                                 .subject = plain_text(arena, row, 4),
                                 .detail = plain_text(arena, row, 5),
                                 .a = sqlite3_column_int64(row, 6),
                                 .b = sqlite3_column_int64(row, 7) };
    bool known = evidence.kind < KINDS && evidence.state <= YES && evidence.origin < ORIGINS;
    return known ? taking->take(taking->state, &evidence) : 0;
}

int store_provided_for(struct store *store, int64_t session,
                       int (*take)(void *state, const struct evidence *evidence), void *state,
                       struct why *why)
{
    struct taking_evidence taking = { take, state };
    sqlite3 *db = store_connection(store, why);
    sqlite3_stmt *row = NULL;
    if (!db)
        return -1;
    int rc = sqlite3_prepare_v2(db,
                                "SELECT kind, state, origin, at, subject, detail, a, b FROM "
                                "provided_evidence WHERE session_id = ?",
                                -1, &row, NULL);
    sqlite3_bind_int64(row, 1, session);
    return each_row(store, db, row, rc, take_evidence, &taking, why);
}

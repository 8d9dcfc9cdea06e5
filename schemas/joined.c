/* One session out of two in the database, and back. The two are read as they were handed over, taken away
 * with all that hangs on them, and what is made of them is packed as any other session. What came late for
 * the log's stays where it is, but for the numbers of transactions. */
#include "schemas/joined.h"

#include <stdlib.h>
#include "collect/joint.h"
#include "collect/session_state.h"
#include "schemas/schema.h"
#include "schemas/values.h"

enum { PENDING_MOST = 256 };

/* As renaming.c takes back all: what phrases have named of one session. */
#define HERE                "id BETWEEN ?1 << 24 AND ?1 << 24 | 16777215"
#define BASE(table, column) "ifnull((SELECT base FROM reply r WHERE r.id = " table "." column "), " column ")"

static const char *const joined_sql[JOINED_STATEMENTS] = {
    [JOINED_SESSION] = "SELECT * FROM session WHERE id = ?1",
    [JOINED_FORGET] = "DELETE FROM session WHERE id = ?1",
    [JOINED_FORGET_TRANSACTIONS] = "DELETE FROM transaction_more WHERE " HERE,
    [JOINED_FORGET_RECIPIENTS] = "DELETE FROM recipient_more WHERE " HERE,
    [JOINED_FORGET_EVIDENCE] = "DELETE FROM evidence_more WHERE " HERE,
    [JOINED_UNNAME] = "UPDATE session SET reply = " BASE("session", "reply") ", t_reply = " BASE(
        "session", "t_reply") ", r_reply = " BASE("session", "r_reply") " WHERE id = ?1",
    [JOINED_UNNAME + 1] =
        "UPDATE transaction_more SET reply = " BASE("transaction_more", "reply") " WHERE " HERE,
    [JOINED_UNNAME + 2] = "UPDATE recipient_more SET reply = " BASE("recipient_more", "reply") " WHERE " HERE,
    [JOINED_UNNAME + 3] =
        "UPDATE session SET (reply, bits) = (SELECT reply, bits FROM renamed r WHERE r.id = ?1) "
        "WHERE id = ?1 AND EXISTS (SELECT * FROM renamed r WHERE r.id = ?1)",
    [JOINED_UNNAME + 4] = "UPDATE recipient_more SET bits = (SELECT bits FROM renamed_recipient r WHERE r.id "
                          "= recipient_more.id) "
                          "WHERE " HERE " AND id IN (SELECT id FROM renamed_recipient)",
    [JOINED_UNNAME + 5] = "DELETE FROM renamed WHERE id = ?1",
    [JOINED_UNNAME + 6] = "DELETE FROM renamed_recipient WHERE " HERE,
    [JOINED_UNNAME + 7] = "DELETE FROM evidence_named WHERE " HERE,
    [JOINED_WRITE] = "INSERT INTO joined VALUES (?, ?, ?, ?, ?)",
    [JOINED_LATE] = "SELECT id, \"transaction\", recipient FROM evidence_late WHERE session = ?1 AND "
                    "\"transaction\" >= 0",
    [JOINED_MOVE_LATE] = "UPDATE evidence_late SET \"transaction\" = ?2, recipient = ?3 WHERE id = ?1",
};

void joined_step(struct joined *joined, sqlite3_stmt *statement)
{
    while (joined->reader.rc == SQLITE_OK && next_row(&joined->reader, statement))
        ;
}

static void step_for(struct joined *joined, enum joined_statement which, int64_t id)
{
    sqlite3_bind_int64(joined->statement[which], 1, id);
    joined_step(joined, joined->statement[which]);
}

void joined_flush(struct joined *joined)
{
    if (joined->reader.rc == SQLITE_OK)
        reader_fail(&joined->reader, packer_flush(joined->packer));
    arena_reset(&joined->arena);
    joined->pending = 0;
}

/* ---- The totals. */

static void totals_change(struct totals *to, const struct totals *before, const struct totals *now)
{
    to->sessions += now->sessions - before->sessions;
    to->transactions += now->transactions - before->transactions;
    to->recipients += now->recipients - before->recipients;
    to->messages += now->messages - before->messages;
    to->evidence += now->evidence - before->evidence;
}

/* What was done to the packer's totals for a session is done to those of what is settled. */
static void settle(struct joined *joined, int64_t id, const struct totals *before)
{
    if (id <= joined->open_from)
        totals_change(&joined->settled, before, &joined->packer->totals);
}

/* ---- A session. */

static void unname(struct joined *joined, int64_t id)
{
    struct totals before = joined->packer->totals;
    if (joined->packer->phrases.count == 0)
        return;
    for (int s = JOINED_UNNAME; s <= JOINED_UNNAME_LAST; s++)
        step_for(joined, (enum joined_statement)s, id);
    joined->packer->totals.evidence -= (uint64_t)sqlite3_changes(joined->packer->db);
    settle(joined, id, &before);
}

/* As it was handed over, with texts and arrays of its own; false where there is none. */
static bool read_session(struct joined *joined, int64_t id, struct session *session)
{
    struct reader *reader = &joined->reader;
    sqlite3_stmt *row = joined->statement[JOINED_SESSION];
    bool found = false;
    unname(joined, id);
    sqlite3_bind_int64(row, 1, id);
    if (reader->rc == SQLITE_OK && next_row(reader, row)) {
        unpack_session(reader, row, session);
        found = session_load(session_save(&joined->record, session), session, &joined->arena) == 0;
        session->id = id;
        joined_step(joined, row);
    }
    return found && reader->rc == SQLITE_OK;
}

static void forget(struct joined *joined, const struct session *session)
{
    struct totals *totals = &joined->packer->totals, before = *totals;
    for (int s = JOINED_FORGET; s <= JOINED_FORGET_EVIDENCE; s++)
        step_for(joined, (enum joined_statement)s, session->id);
    totals->sessions--;
    totals->transactions -= session->transaction_count;
    totals->evidence -= session->evidence_count;
    for (uint32_t t = 0; t < session->transaction_count; t++) {
        totals->recipients -= session->transactions[t].recipient_count;
        totals->messages -= session->transactions[t].verdict == VERDICT_ACCEPTED;
    }
    settle(joined, session->id, &before);
}

/* Its texts must last until the flush. */
static void add(struct joined *joined, struct session *session)
{
    struct totals before = joined->packer->totals;
    int64_t first_given = joined->packer->first_given; /* this one was given before */
    struct name_hashes hashes = packer_hashes(session);
    packer_session(joined->packer, session, &hashes);
    joined->packer->first_given = first_given;
    settle(joined, session->id, &before);
}

/* ---- Where the log's transactions went. */

static bool stand(const struct places *places, uint32_t count)
{
    for (uint32_t t = 0; t < count; t++) {
        if (places[t].transaction != (int32_t)t)
            return false;
        for (uint32_t r = 0; r < places[t].recipients; r++)
            if (places[t].recipient[r] != (int32_t)r)
                return false;
    }
    return true;
}

static void carry_places(struct state_bytes *state, struct places **places, uint32_t *count,
                         struct arena *arena)
{
    *count = (uint32_t)carry_count(state, *count);
    if (state->loading)
        *places = arena_zero(arena, (*count + 1) * sizeof **places);
    for (uint32_t t = 0; t < *count && *places; t++) {
        struct places *at = &(*places)[t];
        carry(state, &at->transaction);
        at->recipients = (uint32_t)carry_count(state, at->recipients);
        if (state->loading)
            at->recipient = arena_zero(arena, (at->recipients + 1) * sizeof *at->recipient);
        for (uint32_t r = 0; r < at->recipients; r++)
            carry(state, &at->recipient[r]);
    }
}

static void move(struct joined *joined, int64_t late, int32_t transaction, int32_t recipient)
{
    sqlite3_stmt *to = joined->statement[JOINED_MOVE_LATE];
    sqlite3_bind_int64(to, 1, late);
    sqlite3_bind_int(to, 2, transaction);
    sqlite3_bind_int(to, 3, recipient);
    joined_step(joined, to);
}

static void move_there(struct joined *joined, int64_t late, int32_t transaction, int32_t recipient,
                       const struct places *places, uint32_t count)
{
    if (transaction < 0 || (uint32_t)transaction >= count)
        return;
    const struct places *place = &places[transaction];
    if (recipient >= 0 && (uint32_t)recipient < place->recipients)
        recipient = place->recipient[recipient];
    move(joined, late, place->transaction, recipient);
}

static void move_back(struct joined *joined, int64_t late, int32_t transaction, int32_t recipient,
                      const struct places *places, uint32_t count)
{
    uint32_t t = 0, r = 0;
    while (t < count && places[t].transaction != transaction)
        t++;
    if (t == count)
        return;
    while (r < places[t].recipients && places[t].recipient[r] != recipient)
        r++;
    move(joined, late, (int32_t)t, r < places[t].recipients ? (int32_t)r : recipient);
}

typedef void move_one(struct joined *joined, int64_t late, int32_t transaction, int32_t recipient,
                      const struct places *places, uint32_t count);

/* All that came late so far for a session. */
static void move_all_late(struct joined *joined, int64_t id, move_one *move_it, const struct places *places,
                          uint32_t count)
{
    sqlite3_stmt *row = joined->statement[JOINED_LATE];
    sqlite3_bind_int64(row, 1, id);
    while (joined->reader.rc == SQLITE_OK && next_row(&joined->reader, row))
        move_it(joined, sqlite3_column_int64(row, 0), sqlite3_column_int(row, 1), sqlite3_column_int(row, 2),
                places, count);
}

static struct str blob_column(struct arena *arena, sqlite3_stmt *row, int column)
{
    const char *at = sqlite3_column_blob(row, column);
    return at ? arena_str(arena, (struct str){ at, (size_t)sqlite3_column_bytes(row, column) })
              : (struct str){ NULL, 0 };
}

static uint32_t load_places(struct str saved, struct places **places, struct arena *arena)
{
    struct state_bytes state = state_load(saved);
    uint32_t count = 0;
    if (!state.broken)
        carry_places(&state, places, &count, arena);
    return state.broken ? 0 : count;
}

void joined_move_late(struct joined *joined, int64_t behind)
{
    sqlite3_stmt *row = NULL;
    struct reader *reader = &joined->reader;
    struct arena arena = { 0 };
    reader_prepare(reader,
                   "SELECT e.id, \"transaction\", recipient, places FROM evidence_late e CROSS JOIN joined j "
                   "ON j.id = e.session WHERE e.id > ?1 AND \"transaction\" >= 0 AND places IS NOT NULL",
                   &row);
    if (reader->rc == SQLITE_OK)
        sqlite3_bind_int64(row, 1, behind);
    while (reader->rc == SQLITE_OK && next_row(reader, row)) {
        struct places *places = NULL;
        uint32_t count = load_places(blob_column(&arena, row, 3), &places, &arena);
        move_there(joined, sqlite3_column_int64(row, 0), sqlite3_column_int(row, 1),
                   sqlite3_column_int(row, 2), places, count);
        arena_reset(&arena);
    }
    sqlite3_finalize(row);
    arena_free(&arena);
}

/* ---- One out of two. */

static void write_joined(struct joined *joined, const struct session *log, const struct session *capture,
                         usec ahead, struct places *places)
{
    sqlite3_stmt *to = joined->statement[JOINED_WRITE];
    bool log_open = log->id > joined->open_from, capture_open = capture->id > joined->open_from;
    uint32_t count = log->transaction_count;
    sqlite3_bind_int64(to, 1, log->id);
    sqlite3_bind_int64(to, 2, capture->id);
    sqlite3_bind_int64(to, 3, ahead);
    if (!stand(places, count)) {
        state_begin(&joined->places);
        carry_places(&joined->places, &places, &count, NULL);
        struct str bytes = state_end(&joined->places);
        sqlite3_bind_blob64(to, 4, bytes.at, bytes.len, SQLITE_STATIC);
    }
    if (log_open != capture_open) {
        struct str bytes = session_save(&joined->record, log_open ? capture : log);
        sqlite3_bind_blob64(to, 5, bytes.at, bytes.len, SQLITE_STATIC);
    }
    joined_step(joined, to);
    sqlite3_clear_bindings(to);
}

void joined_pair(struct joined *joined, int64_t log, int64_t capture, usec ahead)
{
    struct session of_log, of_capture;
    struct places *places = NULL;
    if (!read_session(joined, log, &of_log) || !read_session(joined, capture, &of_capture))
        return;
    struct session both = session_joined(&of_log, &of_capture, ahead, &joined->arena, &places);
    forget(joined, &of_log);
    forget(joined, &of_capture);
    add(joined, &both);
    write_joined(joined, &of_log, &of_capture, ahead, places);
    if (!stand(places, of_log.transaction_count))
        move_all_late(joined, log, move_there, places, of_log.transaction_count);
    if (++joined->pending >= PENDING_MOST)
        joined_flush(joined);
}

/* ---- Two out of one. */

struct undone {
    int64_t log, capture;
    struct str places, record;
};

static void put_back(struct joined *joined, const struct undone *undone)
{
    struct session session;
    struct places *places = NULL;
    bool log_stays = undone->log <= joined->open_from;
    if (log_stays && read_session(joined, undone->log, &session)) {
        forget(joined, &session);
        uint32_t count = undone->places.at ? load_places(undone->places, &places, &joined->arena) : 0;
        move_all_late(joined, undone->log, move_back, places, count);
    }
    if (session_load(undone->record, &session, &joined->arena))
        reader_fail(&joined->reader, SQLITE_CORRUPT);
    session.id = log_stays ? undone->log : undone->capture;
    if (joined->reader.rc == SQLITE_OK)
        add(joined, &session);
}

void joined_take_back(struct joined *joined)
{
    struct reader *reader = &joined->reader;
    struct undone *undone = NULL;
    size_t count = 0, room = 0;
    sqlite3_stmt *row = NULL;
    struct arena arena = { 0 };
    reader_prepare(reader,
                   "SELECT id, capture, places, record FROM joined WHERE record IS NOT NULL "
                   "AND (id > ?1 OR capture > ?1) ORDER BY id",
                   &row);
    if (reader->rc == SQLITE_OK)
        sqlite3_bind_int64(row, 1, joined->open_from);
    while (reader->rc == SQLITE_OK && next_row(reader, row)) {
        mem_room(undone, room, count + 1);
        undone[count++] = (struct undone){ .log = sqlite3_column_int64(row, 0),
                                           .capture = sqlite3_column_int64(row, 1),
                                           .places = blob_column(&arena, row, 2),
                                           .record = blob_column(&arena, row, 3) };
    }
    sqlite3_finalize(row);
    for (size_t i = 0; i < count; i++)
        put_back(joined, &undone[i]);
    row = NULL;
    reader_prepare(reader, "DELETE FROM joined WHERE id > ?1 OR (record IS NOT NULL AND capture > ?1)", &row);
    if (reader->rc == SQLITE_OK)
        sqlite3_bind_int64(row, 1, joined->open_from);
    joined_step(joined, row);
    sqlite3_finalize(row);
    joined_flush(joined);
    free(undone);
    arena_free(&arena);
}

/* ---- The whole. */

static void read_settled(struct joined *joined)
{
    sqlite3_stmt *row = NULL;
    struct totals *settled = &joined->settled;
    joined->open_from = INT64_MAX;
    reader_prepare(&joined->reader,
                   "SELECT session, sessions, transactions, recipients, messages, evidence FROM unfinished",
                   &row);
    if (joined->reader.rc == SQLITE_OK && next_row(&joined->reader, row)) {
        joined->unfinished = true;
        joined->open_from = sqlite3_column_int64(row, 0);
        settled->sessions = (uint64_t)sqlite3_column_int64(row, 1);
        settled->transactions = (uint64_t)sqlite3_column_int64(row, 2);
        settled->recipients = (uint64_t)sqlite3_column_int64(row, 3);
        settled->messages = (uint64_t)sqlite3_column_int64(row, 4);
        settled->evidence = (uint64_t)sqlite3_column_int64(row, 5);
    }
    sqlite3_finalize(row);
}

/* The first start where `newest` is not set, else the last one, of sessions up to `id`: the stretches tell in
 * which it can be. */
static usec outermost(struct joined *joined, bool newest, int64_t id)
{
    struct reader *reader = &joined->reader;
    sqlite3_stmt *stretch = NULL, *row = NULL;
    usec found = USEC_NONE;
    reader_prepare(reader,
                   newest ? "SELECT id >> 1, last FROM stretch ORDER BY last DESC"
                          : "SELECT id >> 1, first FROM stretch ORDER BY first",
                   &stretch);
    reader_prepare(
        reader,
        newest ? "SELECT max(started) FROM session WHERE id BETWEEN ?1 << 12 AND min(?1 << 12 | 4095, ?2)"
               : "SELECT min(started) FROM session WHERE id BETWEEN ?1 << 12 AND min(?1 << 12 | 4095, ?2)",
        &row);
    while (reader->rc == SQLITE_OK && sqlite3_step(stretch) == SQLITE_ROW) {
        usec bound = sqlite3_column_int64(stretch, 1);
        if (found != USEC_NONE && (newest ? bound <= found : bound >= found))
            break;
        sqlite3_bind_int64(row, 1, sqlite3_column_int64(stretch, 0));
        sqlite3_bind_int64(row, 2, id);
        while (reader->rc == SQLITE_OK && next_row(reader, row)) {
            usec at = time_column(row, 0, 0);
            if (at != USEC_NONE && (found == USEC_NONE || (newest ? at > found : at < found)))
                found = at;
        }
    }
    sqlite3_finalize(stretch);
    sqlite3_finalize(row);
    return found;
}

static void write_settled(struct joined *joined)
{
    sqlite3_stmt *to = NULL;
    const struct totals *settled = &joined->settled;
    reader_prepare(&joined->reader,
                   "UPDATE unfinished SET sessions = ?, transactions = ?, recipients = ?, messages = ?, "
                   "evidence = ?, first = ?, last = ?",
                   &to);
    if (joined->reader.rc != SQLITE_OK)
        return;
    sqlite3_bind_int64(to, 1, (int64_t)settled->sessions);
    sqlite3_bind_int64(to, 2, (int64_t)settled->transactions);
    sqlite3_bind_int64(to, 3, (int64_t)settled->recipients);
    sqlite3_bind_int64(to, 4, (int64_t)settled->messages);
    sqlite3_bind_int64(to, 5, (int64_t)settled->evidence);
    bind_time(to, 6, outermost(joined, false, joined->open_from));
    bind_time(to, 7, outermost(joined, true, joined->open_from));
    joined_step(joined, to);
    sqlite3_finalize(to);
}

void joined_begin(struct joined *joined, struct packer *packer)
{
    static const struct store_filter all = { .outbound = true };
    *joined = (struct joined){ .packer = packer, .reader = { .db = packer->db, .filter = &all } };
    known_prepare(&joined->reader);
    unpack_prepare_bare(&joined->reader);
    for (int s = 0; s < JOINED_STATEMENTS; s++)
        reader_prepare(&joined->reader, joined_sql[s], &joined->statement[s]);
    read_settled(joined);
}

int joined_end(struct joined *joined)
{
    struct reader *reader = &joined->reader;
    joined_flush(joined);
    if (joined->unfinished)
        write_settled(joined);
    joined->packer->totals.first = outermost(joined, false, INT64_MAX);
    joined->packer->totals.last = outermost(joined, true, INT64_MAX);
    if (reader->rc == SQLITE_OK)
        reader_fail(reader, packer_find_ends(joined->packer));
    for (int s = 0; s < JOINED_STATEMENTS; s++)
        sqlite3_finalize(joined->statement[s]);
    unpack_free(reader);
    known_free(reader);
    arena_free(&joined->arena);
    state_free(&joined->record);
    state_free(&joined->places);
    return reader->rc;
}

/* Naming what is stored. What phrases named before is taken back first, so the sessions are then as the
 * dialects left them; those with a refusal that has no measure are made whole, named and changed in place.
 * What packer_session() does for new ones comes to the same rows. */
#include "schemas/renaming.h"

#include "schemas/packing.h"
#include "schemas/reading.h"
#include "schemas/schema.h"

/* ---- Phrases. */

int phrases_load(sqlite3 *db, struct phrasebook *book)
{
    sqlite3_stmt *row = NULL;
    struct arena arena = { 0 };
    int rc = sqlite3_prepare_v2(db, "SELECT pattern, measure, zone, stage, code FROM phrase ORDER BY id", -1,
                                &row, NULL);
    while (rc == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW) {
        bool any_stage = sqlite3_column_type(row, 3) == SQLITE_NULL;
        struct site_phrase phrase = { .pattern = plain_text(&arena, row, 0),
                                      .measure = (uint8_t)sqlite3_column_int(row, 1),
                                      .zone = plain_text(&arena, row, 2),
                                      .stage = any_stage ? STAGES : (uint8_t)sqlite3_column_int(row, 3),
                                      .code = (int16_t)sqlite3_column_int(row, 4) };
        if (phrase.pattern.len >= PHRASE_BYTES_LEAST && phrase.measure < NAMED_COUNT)
            phrasebook_add(book, &phrase);
        arena_reset(&arena);
    }
    arena_free(&arena);
    int end = sqlite3_finalize(row);
    return rc == SQLITE_OK ? end : rc;
}

static void bind_stored(sqlite3_stmt *to, int at, struct arena *arena, struct str text)
{
    struct str stored = text_escape(arena, text);
    if (stored.at)
        sqlite3_bind_text64(to, at, stored.at, stored.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    else
        sqlite3_bind_null(to, at);
}

static void bind_positive(sqlite3_stmt *to, int at, int64_t number)
{
    if (number > 0)
        sqlite3_bind_int64(to, at, number);
    else
        sqlite3_bind_null(to, at);
}

static int write_phrases(sqlite3 *db, const struct phrasebook *book)
{
    sqlite3_stmt *to = NULL;
    struct arena arena = { 0 };
    int rc = sqlite3_prepare_v2(
        db, "INSERT INTO phrase (pattern, measure, zone, stage, code) VALUES (?, ?, ?, ?, ?)", -1, &to, NULL);
    for (size_t i = 0; i < book->count && rc == SQLITE_OK; i++) {
        const struct site_phrase *phrase = &book->phrase[i];
        bind_stored(to, 1, &arena, phrase->pattern);
        sqlite3_bind_int(to, 2, phrase->measure);
        bind_stored(to, 3, &arena, phrase->zone);
        if (phrase->stage == STAGES)
            sqlite3_bind_null(to, 4);
        else
            sqlite3_bind_int(to, 4, phrase->stage);
        bind_positive(to, 5, phrase->code);
        sqlite3_step(to);
        rc = sqlite3_reset(to);
        arena_reset(&arena);
    }
    arena_free(&arena);
    int end = sqlite3_finalize(to);
    return rc == SQLITE_OK ? end : rc;
}

/* ---- Back to how the dialects left it. */

#define NAMED_REPLIES "(SELECT id FROM reply WHERE base IS NOT NULL)"

static const char take_back_sql[] =
    "UPDATE session SET reply = ifnull((SELECT base FROM reply r WHERE r.id = session.reply), reply), "
    "t_reply = ifnull((SELECT base FROM reply r WHERE r.id = t_reply), t_reply), "
    "r_reply = ifnull((SELECT base FROM reply r WHERE r.id = r_reply), r_reply) "
    "WHERE reply IN " NAMED_REPLIES " OR t_reply IN " NAMED_REPLIES " OR r_reply IN " NAMED_REPLIES ";"
    "UPDATE transaction_more SET reply = (SELECT base FROM reply r WHERE r.id = transaction_more.reply) "
    "WHERE reply IN " NAMED_REPLIES ";"
    "UPDATE recipient_more SET reply = (SELECT base FROM reply r WHERE r.id = recipient_more.reply) "
    "WHERE reply IN " NAMED_REPLIES ";"
    "UPDATE session SET (reply, bits) = (SELECT reply, bits FROM renamed r WHERE r.id = session.id) "
    "WHERE id IN (SELECT id FROM renamed);"
    "UPDATE recipient_more SET bits = (SELECT bits FROM renamed_recipient r WHERE r.id = recipient_more.id) "
    "WHERE id IN (SELECT id FROM renamed_recipient);"
    "DELETE FROM renamed; DELETE FROM renamed_recipient; DELETE FROM evidence_named;"
    "DELETE FROM reply WHERE base IS NOT NULL";

/* ---- And named. */

enum statement {
    FIND_REPLY,
    ADD_REPLY,
    FIND_PLACED,
    ADD_PLACED,
    SET_SESSION,
    SET_TRANSACTION,
    SET_RECIPIENT,
    GET_TRANSACTION,
    GET_RECIPIENT,
    ADD_EVIDENCE,
    ADD_RENAMED,
    ADD_RENAMED_RECIPIENT,
    STATEMENTS
};

static const char *const sql[STATEMENTS] = {
    [FIND_REPLY] = "SELECT id FROM reply WHERE base = ? AND named = ?",
    [ADD_REPLY] =
        "INSERT INTO reply SELECT (SELECT max(id) + 1 FROM reply), code, ?2, stage, enhanced, text, id "
        "FROM reply WHERE id = ?1 RETURNING id",
    [FIND_PLACED] = "SELECT id FROM reply WHERE base = -1 AND named = ?1 AND code = ?2 AND stage = ?3 AND "
                    "enhanced IS ?4 AND text IS ?5",
    [ADD_PLACED] = "INSERT INTO reply VALUES ((SELECT max(id) + 1 FROM reply), ?2, ?1, ?3, ?4, ?5, -1) "
                   "RETURNING id",
    [SET_SESSION] = "UPDATE session SET reply = ?2, t_reply = ?3, r_reply = ?4, bits = ?5 WHERE id = ?1",
    [SET_TRANSACTION] = "UPDATE transaction_more SET reply = ?2 WHERE id = ?1",
    [SET_RECIPIENT] = "UPDATE recipient_more SET reply = ?2, bits = ?3 WHERE id = ?1",
    [GET_TRANSACTION] = "SELECT reply FROM transaction_more WHERE id = ?",
    [GET_RECIPIENT] = "SELECT reply FROM recipient_more WHERE id = ?",
    [ADD_EVIDENCE] = "INSERT INTO evidence_named VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [ADD_RENAMED] = "INSERT INTO renamed VALUES (?, ?, ?)",
    [ADD_RENAMED_RECIPIENT] = "INSERT INTO renamed_recipient VALUES (?, ?)",
};

struct renaming {
    struct reader reader;
    struct phrasebook *book;
    struct store_named *named;
    sqlite3_stmt *statement[STATEMENTS];
    struct arena text; /* of the session's evidence, as it is stored */
};

static void step(struct renaming *renaming, sqlite3_stmt *statement)
{
    while (next_row(&renaming->reader, statement))
        ;
}

/* The first column of the first row, or 0. */
static int64_t answer(struct renaming *renaming, sqlite3_stmt *statement)
{
    int64_t number = 0;
    if (next_row(&renaming->reader, statement)) {
        number = sqlite3_column_int64(statement, 0);
        step(renaming, statement);
    }
    return number;
}

/* The number of the reply `before` when it is named as `reply` is. */
static int64_t named_number(struct renaming *renaming, int64_t before, const struct reply *reply)
{
    if (!reply->phrased || before == 0)
        return before;
    for (enum statement s = FIND_REPLY; s <= ADD_REPLY; s++) {
        sqlite3_stmt *statement = renaming->statement[s];
        sqlite3_bind_int64(statement, 1, before);
        sqlite3_bind_int(statement, 2, reply->named);
        int64_t number = answer(renaming, statement);
        if (number)
            return number;
    }
    return before;
}

static int64_t number_of(struct renaming *renaming, enum statement get, int64_t id)
{
    sqlite3_bind_int64(renaming->statement[get], 1, id);
    return answer(renaming, renaming->statement[get]);
}

static void change_transaction(struct renaming *renaming, int64_t id, const struct reply *reply)
{
    sqlite3_stmt *set = renaming->statement[SET_TRANSACTION];
    if (!reply->phrased)
        return;
    renaming->named->refusals++;
    sqlite3_bind_int64(set, 1, id);
    sqlite3_bind_int64(set, 2, named_number(renaming, number_of(renaming, GET_TRANSACTION, id), reply));
    step(renaming, set);
}

static void change_recipient(struct renaming *renaming, int64_t id, const struct recipient *recipient)
{
    sqlite3_stmt *set = renaming->statement[SET_RECIPIENT];
    int bits = recipient->verdict << RECIPIENT_VERDICT;
    if (!recipient->reply.phrased)
        return;
    renaming->named->refusals++;
    if (recipient->reply.phrased == PHRASED_VALID) {
        sqlite3_stmt *before = renaming->statement[ADD_RENAMED_RECIPIENT];
        sqlite3_bind_int64(before, 1, id);
        sqlite3_bind_int(before, 2, bits);
        step(renaming, before);
    }
    sqlite3_bind_int64(set, 1, id);
    sqlite3_bind_int64(set, 2,
                       named_number(renaming, number_of(renaming, GET_RECIPIENT, id), &recipient->reply));
    sqlite3_bind_int(set, 3, bits | recipient->valid << RECIPIENT_VALID);
    step(renaming, set);
}

/* Transactions but the first, and recipients but its first, as pack_more() numbers them. */
static void change_more(struct renaming *renaming, const struct session *session)
{
    int64_t place = 0;
    for (uint32_t t = 0; t < session->transaction_count; t++) {
        const struct transaction *transaction = &session->transactions[t];
        if (t > 0)
            change_transaction(renaming, session->id << PLACE_BITS | t, &transaction->reply);
        for (uint32_t r = t == 0; r < transaction->recipient_count; r++)
            change_recipient(renaming, session->id << PLACE_BITS | ++place, &transaction->recipients[r]);
    }
}

static void bind_cell(sqlite3_stmt *to, int at, const struct cell *cell)
{
    if (cell->size == CELL_NUMBER)
        sqlite3_bind_int64(to, at, cell->number);
    else if (cell->size == CELL_NULL)
        sqlite3_bind_null(to, at);
    else
        sqlite3_bind_text64(to, at, cell->text, (sqlite3_uint64)cell->size, SQLITE_STATIC, SQLITE_UTF8);
}

static void add_evidence(struct renaming *renaming, const struct session *session,
                         const struct naming_effect *effect)
{
    sqlite3_stmt *add = renaming->statement[ADD_EVIDENCE];
    for (uint32_t i = 0; i < effect->evidence_count; i++) {
        struct cell row[EVIDENCE_CELLS];
        pack_named_cells(row, &renaming->text, session, renaming->reader.same, &renaming->reader.quotes,
                         &effect->evidence[i], i);
        for (int c = 0; c < EVIDENCE_CELLS; c++)
            bind_cell(add, c + 1, &row[c]);
        step(renaming, add);
    }
    sqlite3_clear_bindings(add);
    arena_reset(&renaming->text);
}

/* The reply as a row that only sessions have which got it from another place within: its text has the marks
 * of the session. */
static int64_t placed_number(struct renaming *renaming, const struct reply *reply)
{
    struct str enhanced = text_escape(&renaming->text, reply->enhanced);
    struct str text =
        text_mark(&renaming->text, text_escape(&renaming->text, reply->text), &renaming->reader.quotes);
    int64_t number = 0;
    for (enum statement s = FIND_PLACED; s <= ADD_PLACED && number == 0; s++) {
        sqlite3_stmt *statement = renaming->statement[s];
        struct cell cell[2];
        cell_text(&cell[0], enhanced);
        cell_text(&cell[1], text);
        sqlite3_bind_int(statement, 1, reply->named);
        sqlite3_bind_int(statement, 2, reply->code);
        sqlite3_bind_int(statement, 3, reply->stage);
        bind_cell(statement, 4, &cell[0]);
        bind_cell(statement, 5, &cell[1]);
        number = answer(renaming, statement);
        sqlite3_clear_bindings(statement);
    }
    arena_reset(&renaming->text);
    return number;
}

static bool is_same(const struct reply *a, const struct reply *b)
{
    return a->code == b->code && a->named == b->named && a->stage == b->stage &&
           str_eq(a->enhanced, b->enhanced) && str_eq(a->text, b->text);
}

static uint64_t bits_of(uint64_t bits, const struct session *session, const struct recipient *first,
                        const struct naming_effect *effect)
{
    bits &= ~((uint64_t)3 << BITS_EARLY | (uint64_t)3 << BITS_R_VALID);
    bits |= (uint64_t)early_talker(session, effect) << BITS_EARLY;
    if (first)
        bits |= (uint64_t)first->valid << BITS_R_VALID;
    return bits;
}

static void change_session(struct renaming *renaming, sqlite3_stmt *row, const struct session *session,
                           const struct naming_effect *effect)
{
    static const struct reply none = { .code = 0 };
    const struct transaction *transaction = session->transaction_count ? session->transactions : NULL;
    const struct recipient *recipient =
        transaction && transaction->recipient_count ? transaction->recipients : NULL;
    const struct reply *t_reply = transaction ? &transaction->reply : &none,
                       *r_reply = recipient ? &recipient->reply : &none;
    int64_t before = sqlite3_column_int64(row, S_REPLY);
    uint64_t bits_before = (uint64_t)sqlite3_column_int64(row, S_BITS),
             bits = bits_of(bits_before, session, recipient, effect);
    int64_t t_number = named_number(renaming, sqlite3_column_int64(row, S_T_REPLY), t_reply);
    int64_t r_number = named_number(renaming, sqlite3_column_int64(row, S_R_REPLY), r_reply);
    int64_t number = !effect->other_reply                ? named_number(renaming, before, &session->reply)
                     : is_same(&session->reply, r_reply) ? r_number
                     : is_same(&session->reply, t_reply) ? t_number
                                                         : placed_number(renaming, &session->reply);
    renaming->named->refusals += (uint64_t)(t_reply->phrased != 0) + (r_reply->phrased != 0);
    if (bits != bits_before || effect->other_reply) {
        sqlite3_stmt *renamed = renaming->statement[ADD_RENAMED];
        sqlite3_bind_int64(renamed, 1, session->id);
        bind_positive(renamed, 2, before);
        sqlite3_bind_int64(renamed, 3, (int64_t)bits_before);
        step(renaming, renamed);
    }
    sqlite3_stmt *set = renaming->statement[SET_SESSION];
    sqlite3_bind_int64(set, 1, session->id);
    bind_positive(set, 2, number);
    bind_positive(set, 3, t_number);
    bind_positive(set, 4, r_number);
    sqlite3_bind_int64(set, 5, (int64_t)bits);
    step(renaming, set);
}

/* Sessions that may have a refusal without a measure. A row that is changed keeps its id, so the walk along
 * them is not disturbed. */
#define NO_MEASURE "(SELECT id FROM reply WHERE named = 1)"
static const char candidates_sql[] =
    "SELECT * FROM session WHERE reply IN " NO_MEASURE " OR t_reply IN " NO_MEASURE
    " OR r_reply IN " NO_MEASURE " OR bits >> 19 & 3 ORDER BY id";

static void name_all(struct renaming *renaming)
{
    struct reader *reader = &renaming->reader;
    sqlite3_stmt *row = NULL;
    known_prepare(reader);
    unpack_prepare(reader);
    reader->late.last = -1; /* what came later was not there when the session was stored */
    for (int s = 0; s < STATEMENTS; s++)
        reader_prepare(reader, sql[s], &renaming->statement[s]);
    reader_prepare(reader, candidates_sql, &row);
    while (reader->rc == SQLITE_OK && next_row(reader, row)) {
        struct session session;
        struct naming_effect effect;
        unpack_session(reader, row, &session);
        if (reader->rc != SQLITE_OK || !phrasebook_name(renaming->book, &session, &effect))
            continue;
        renaming->named->sessions++;
        change_more(renaming, &session);
        add_evidence(renaming, &session, &effect);
        change_session(renaming, row, &session, &effect);
    }
    sqlite3_finalize(row);
    for (int s = 0; s < STATEMENTS; s++)
        sqlite3_finalize(renaming->statement[s]);
    unpack_free(reader);
    known_free(reader);
    arena_free(&renaming->text);
}

/* ---- All together. */

/* What naming has added is in the totals, in those too that are taken back to (packer.c). */
static const char uncount_sql[] =
    "UPDATE total SET evidence = evidence - (SELECT count(*) FROM evidence_named);"
    "UPDATE unfinished SET evidence = evidence - "
    "(SELECT count(*) FROM evidence_named WHERE id < unfinished.session + 1 << 24)";
static const char count_sql[] =
    "UPDATE total SET evidence = evidence + (SELECT count(*) FROM evidence_named);"
    "UPDATE unfinished SET evidence = evidence + "
    "(SELECT count(*) FROM evidence_named WHERE id < unfinished.session + 1 << 24)";

static int run(sqlite3 *db, int rc, const char *statements)
{
    return rc == SQLITE_OK ? sqlite3_exec(db, statements, NULL, NULL, NULL) : rc;
}

int renaming_apply(sqlite3 *db, struct phrasebook *book, struct store_named *named)
{
    static const struct store_filter all = { .outbound = true };
    int64_t phrases = 0;
    int rc = run(db, SQLITE_OK, "BEGIN IMMEDIATE");
    if (rc == SQLITE_OK)
        rc = schema_number(db, "SELECT count(*) FROM phrase", &phrases);
    if (phrases) {
        rc = run(db, rc, uncount_sql);
        rc = run(db, rc, take_back_sql);
        rc = run(db, rc, "DELETE FROM phrase");
    }
    if (rc == SQLITE_OK)
        rc = write_phrases(db, book);
    if (rc == SQLITE_OK && book->count) {
        struct renaming renaming = { .reader = { .db = db, .filter = &all }, .book = book, .named = named };
        name_all(&renaming);
        rc = run(db, renaming.reader.rc, count_sql);
    }
    rc = run(db, rc, "COMMIT");
    if (!sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

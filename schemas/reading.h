/* What the parts of reading share: known.c remembers what has a number, unpack.c makes a session of a row,
 * reader.c says which and in what order. */
#ifndef SCHEMAS_READING_H
#define SCHEMAS_READING_H

#include "schemas/layout.h"
#include "schemas/store.h"
#include "schemas/values.h"

enum known_table { KNOWN_NAME, KNOWN_REPLY, KNOWN_FACTS, KNOWN_PLACE, KNOWN_TABLES };

struct place {
    int32_t input;
    uint16_t server_port;
    struct ip server_address;
    struct str server, service; /* unescaped */
};

struct facts {
    struct evidence *evidence;
    uint8_t *moment;
    int8_t *subject_same, *detail_same; /* enum same, or -1 */
    uint32_t count;
};

/* What has a number, remembered by it: the slot is the number's lowest bits, a newcomer takes it over. When
 * the arena is full all is forgotten. */
struct known {
    struct slot {
        int64_t number;
        void *what;
    } * slot;
    struct arena arena;
};

enum { ROWS_TRANSACTION, ROWS_RECIPIENT, ROWS_EVIDENCE, ROWS_NAMED, ROWS_LATE, ROW_TABLES };

/* Sessions that have rows in a table in which most have none. */
struct marked {
    unsigned char *bit; /* one for each session from 0 to last */
    int64_t last;
};

struct reader {
    sqlite3 *db;
    int rc; /* the first failure */
    const struct store_filter *filter;
    struct store_filter stored; /* the filter with its texts as they would be stored */
    struct arena filter_arena;  /* of these */
    struct prefix client;       /* of the filter */
    sqlite3_stmt *look_up[KNOWN_TABLES], *rows[ROW_TABLES];
    struct known known[KNOWN_TABLES];
    struct marked named, late;

    /* The session being read. */
    struct arena arena;
    struct quotes quotes; /* of the session and its first transaction */
    struct str same[SAMES];
    struct evidence *evidence;
    struct transaction *transactions;
    struct recipient *recipients; /* of all transactions, one after the other */
    uint32_t evidence_count, transaction_count, recipient_count;
    size_t evidence_room, transaction_room, recipient_room;
};

/* ---- What goes wrong is remembered in reader->rc, and nothing more is read. */

static inline void reader_fail(struct reader *reader, int rc)
{
    if (reader->rc == SQLITE_OK)
        reader->rc = rc;
}

static inline void reader_prepare(struct reader *reader, const char *sql, sqlite3_stmt **statement)
{
    if (reader->rc == SQLITE_OK)
        reader_fail(reader,
                    sqlite3_prepare_v3(reader->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL));
}

/* Steps a statement; false at its end, which resets it. */
static inline bool next_row(struct reader *reader, sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) == SQLITE_ROW)
        return true;
    int rc = sqlite3_reset(statement);
    if (rc != SQLITE_OK)
        reader_fail(reader, rc);
    return false;
}

/* ---- Columns. */

/* As it is stored, and lasts. */
static inline struct str keep_text(struct arena *arena, sqlite3_stmt *row, int column)
{
    struct str stored = stored_text(row, column);
    return stored.at ? arena_str(arena, stored) : stored;
}

static inline usec time_column(sqlite3_stmt *row, int column, usec base)
{
    return sqlite3_column_type(row, column) == SQLITE_NULL
               ? USEC_NONE
               : time_plus(base, sqlite3_column_int64(row, column));
}

/* ---- known.c */

/* What the number stands for, or NULL where nothing does: a struct str, struct reply, struct facts or struct
 * place. Texts are as they are stored, but for those of places and the enhanced codes. It lasts until the
 * next look-up in the table. */
const void *look_up(struct reader *reader, enum known_table table, int64_t number);
void known_prepare(struct reader *reader);
void known_free(struct reader *reader);

/* ---- unpack.c */

/* Makes a session of a row of `session` (all its columns) and what there is besides. It lasts until the next.
 */
void unpack_session(struct reader *reader, sqlite3_stmt *row, struct session *session);
void unpack_prepare(struct reader *reader);
/* For sessions as they were handed over: without what came late, or phrases have added. */
void unpack_prepare_bare(struct reader *reader);
void unpack_free(struct reader *reader);

#endif

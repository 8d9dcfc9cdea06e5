/* Pieces of what is kept, each a row, and known again by length and hash: what is not the same piece after
 * all does not get past the hash at the end of it all (collect/state.c). */
#include "schemas/kept.h"

#include <stdio.h>
#include <stdlib.h>
#include "schemas/schema.h"

enum {
    PIECE_LEAST = 1024,
    PIECE_USUAL = 4096, /* more than that much, in the middle: a power of two */
    PIECE_MOST = 8192,  /* so one is in one page of the database */
    WINDOW = 8,         /* bytes that tell whether a piece ends before them */
    NUMBER_BYTES = sizeof "4294967295,"
};

/* What makes bytes of which one looks like the next, or that are all zero, end no piece. */
static const uint64_t window_alien = 0x2545F4914F6CDD1Du, window_factor = 0x9E3779B97F4A7C15u;

#define IN_ORDER "FROM unfinished JOIN json_each(pieces) JOIN kept ON kept.id = value"

struct piece {
    uint64_t hash;
    uint32_t len;
    uint32_t id;   /* of its row; 0: none yet */
    bool is_taken; /* by one that is to stand there now */
};

struct pieces {
    struct piece *piece;
    size_t count, room;
};

struct kept {
    sqlite3_stmt *put, *drop;
    struct pieces stands, next; /* in the table; what is to stand there */
    uint32_t last;              /* the highest number that was ever given */
    char *order;
    size_t order_room;
};

static size_t piece_length(struct str rest)
{
    if (rest.len <= PIECE_LEAST)
        return rest.len;
    size_t most = rest.len < PIECE_MOST ? rest.len : PIECE_MOST;
    for (size_t end = PIECE_LEAST; end + WINDOW <= most; end++) {
        uint64_t window = 0;
        memcpy(&window, rest.at + end, WINDOW);
        if ((window ^ window_alien) * window_factor >> 32 < UINT32_MAX / PIECE_USUAL)
            return end;
    }
    return most;
}

static void add_piece(struct pieces *pieces, struct str bytes, uint32_t id)
{
    mem_room(pieces->piece, pieces->room, pieces->count + 1);
    pieces->piece[pieces->count++] =
        (struct piece){ .hash = str_hash(bytes), .len = (uint32_t)bytes.len, .id = id };
}

/* Gives pieces that stand there already their rows; most are behind the one before as they were then. */
static void take_standing(struct pieces *next, struct pieces *stands)
{
    size_t at = 0;
    for (size_t i = 0; i < next->count; i++) {
        struct piece *piece = &next->piece[i];
        for (size_t looked = 0; looked < stands->count && !piece->id; looked++) {
            struct piece *standing = &stands->piece[at];
            at = at + 1 < stands->count ? at + 1 : 0;
            if (standing->hash != piece->hash || standing->len != piece->len || standing->is_taken)
                continue;
            standing->is_taken = true;
            piece->id = standing->id;
        }
    }
}

/* A row that no piece has taken, from *at on, so that a piece which is changed stays where it was; NULL:
 * there is none left. */
static struct piece *next_free(struct pieces *stands, size_t *at)
{
    while (*at < stands->count && stands->piece[*at].is_taken)
        ++*at;
    return *at < stands->count ? &stands->piece[(*at)++] : NULL;
}

static int write_rows(struct kept *kept, struct str state)
{
    const struct piece *row = NULL;
    size_t at = 0;
    int rc = SQLITE_OK;
    for (size_t i = 0; i < kept->next.count && rc == SQLITE_OK; i++) {
        struct piece *piece = &kept->next.piece[i];
        if (!piece->id) {
            row = next_free(&kept->stands, &at);
            piece->id = row ? row->id : ++kept->last;
            sqlite3_bind_int64(kept->put, 1, piece->id);
            sqlite3_bind_blob64(kept->put, 2, state.at, piece->len, SQLITE_STATIC);
            sqlite3_step(kept->put);
            sqlite3_clear_bindings(kept->put);
            rc = sqlite3_reset(kept->put);
        }
        state = str_skip(state, piece->len);
    }
    while (rc == SQLITE_OK && (row = next_free(&kept->stands, &at))) {
        sqlite3_bind_int64(kept->drop, 1, row->id);
        sqlite3_step(kept->drop);
        rc = sqlite3_reset(kept->drop);
    }
    return rc;
}

/* As JSON, which SQLite can take apart. */
static struct str write_order(struct kept *kept)
{
    const struct pieces *pieces = &kept->next;
    mem_room(kept->order, kept->order_room, pieces->count * NUMBER_BYTES + sizeof "[]");
    char *to = kept->order;
    for (size_t i = 0; i < pieces->count; i++)
        to += sprintf(to, "%c%lu", i ? ',' : '[', (unsigned long)pieces->piece[i].id);
    to += sprintf(to, pieces->count ? "]" : "[]");
    return str_range(kept->order, to);
}

int kept_write(struct kept *kept, struct str state, struct str *order)
{
    kept->next.count = 0;
    for (struct str rest = state; rest.len;) {
        size_t len = piece_length(rest);
        add_piece(&kept->next, (struct str){ rest.at, len }, 0);
        rest = str_skip(rest, len);
    }
    take_standing(&kept->next, &kept->stands);
    int rc = write_rows(kept, state);
    *order = write_order(kept);
    struct pieces before = kept->stands;
    kept->stands = kept->next;
    kept->next = before;
    return rc;
}

/* All rows, be they in the order or not: what is not needed goes with the next kept_write(). */
static int read_standing(sqlite3 *db, struct kept *kept)
{
    sqlite3_stmt *row = NULL;
    int rc = sqlite3_prepare_v2(db, "SELECT id, bytes FROM kept ORDER BY id", -1, &row, NULL);
    while (rc == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW) {
        kept->last = (uint32_t)sqlite3_column_int64(row, 0);
        const char *at = sqlite3_column_blob(row, 1);
        add_piece(&kept->stands, (struct str){ at, (size_t)sqlite3_column_bytes(row, 1) }, kept->last);
    }
    int end = sqlite3_finalize(row);
    return rc == SQLITE_OK ? end : rc;
}

struct kept *kept_new(sqlite3 *db, int *rc)
{
    struct kept *kept = mem_zero(1, sizeof *kept);
    *rc = sqlite3_prepare_v3(db, "INSERT OR REPLACE INTO kept VALUES (?, ?)", -1, SQLITE_PREPARE_PERSISTENT,
                             &kept->put, NULL);
    if (*rc == SQLITE_OK)
        *rc = sqlite3_prepare_v3(db, "DELETE FROM kept WHERE id = ?", -1, SQLITE_PREPARE_PERSISTENT,
                                 &kept->drop, NULL);
    if (*rc == SQLITE_OK)
        *rc = read_standing(db, kept);
    return kept;
}

void kept_free(struct kept *kept)
{
    if (!kept)
        return;
    sqlite3_finalize(kept->put);
    sqlite3_finalize(kept->drop);
    free(kept->stands.piece);
    free(kept->next.piece);
    free(kept->order);
    free(kept);
}

int kept_read(sqlite3 *db, struct arena *arena, struct str *state)
{
    sqlite3_stmt *row = NULL;
    int64_t bytes = 0;
    *state = (struct str){ NULL, 0 };
    int rc = schema_number(db, "SELECT sum(length(bytes)) " IN_ORDER, &bytes);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(db, "SELECT bytes " IN_ORDER " ORDER BY key", -1, &row, NULL);
    char *copy = bytes ? arena_alloc(arena, (size_t)bytes) : NULL;
    while (rc == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW) {
        const void *at = sqlite3_column_blob(row, 0);
        size_t len = (size_t)sqlite3_column_bytes(row, 0);
        if (at)
            memcpy(copy + state->len, at, len);
        state->len += len;
    }
    state->at = copy;
    int end = sqlite3_finalize(row);
    return rc == SQLITE_OK ? end : rc;
}

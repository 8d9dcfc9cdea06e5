/* What rows refer to by number: names, replies, facts, places. */
#include <stdlib.h>
#include "schemas/reading.h"

enum { KNOWN_BYTES_MOST = 12 * 1024 * 1024 };

static const struct {
    size_t slots;
    const char *sql;
} known_tables[KNOWN_TABLES] = {
    [KNOWN_NAME] = { 1 << 17, "SELECT text FROM name WHERE id = ?" },
    [KNOWN_REPLY] = { 1 << 12, "SELECT code, named, stage, enhanced, text FROM reply WHERE id = ?" },
    [KNOWN_FACTS] = { 1 << 12,
                      "SELECT kind, state, origin, \"transaction\", recipient, moment, a, b, subject, detail "
                      "FROM fact WHERE id BETWEEN ?1 << 8 AND ?1 << 8 | 255" },
    [KNOWN_PLACE] = { 1 << 8,
                      "SELECT input, server, service, server_ip, server_port FROM place WHERE id = ?" },
};
static void read_name(struct arena *arena, void **what, sqlite3_stmt *row)
{
    struct str text = stored_text(row, 0);
    struct str *name = arena_alloc(arena, sizeof *name + text.len);
    char *copy = (char *)(name + 1);
    if (text.len)
        memcpy(copy, text.at, text.len);
    *name = (struct str){ copy, text.len };
    *what = name;
}

static void read_reply(struct arena *arena, void **what, sqlite3_stmt *row)
{
    struct reply *reply = arena_alloc(arena, sizeof *reply);
    *reply = (struct reply){ .code = (int16_t)sqlite3_column_int(row, 0),
                             .named = (uint8_t)sqlite3_column_int(row, 1),
                             .stage = (uint8_t)sqlite3_column_int(row, 2),
                             .enhanced = plain_text(arena, row, 3),
                             .text = keep_text(arena, row, 4) };
    *what = reply;
}

static void read_place(struct arena *arena, void **what, sqlite3_stmt *row)
{
    struct place *place = arena_zero(arena, sizeof *place);
    place->input = sqlite3_column_int(row, 0);
    place->server = plain_text(arena, row, 1);
    place->service = plain_text(arena, row, 2);
    struct str address = stored_text(row, 3);
    if (address.at)
        ip_parse(address, &place->server_address);
    place->server_port = (uint16_t)sqlite3_column_int(row, 4);
    *what = place;
}

/* A text of evidence, or which of the session's texts it is. */
static struct str same_or_text(struct arena *arena, sqlite3_stmt *row, int column, int8_t *same)
{
    *same = -1;
    if (sqlite3_column_type(row, column) != SQLITE_INTEGER)
        return keep_text(arena, row, column);
    *same = (int8_t)(-1 - sqlite3_column_int(row, column));
    return (struct str){ NULL, 0 };
}

static void read_fact(struct arena *arena, void **what, sqlite3_stmt *row)
{
    struct facts *facts = *what;
    if (!facts) {
        *what = facts = arena_zero(arena, sizeof *facts);
        facts->evidence = arena_alloc(arena, FACTS_MOST * sizeof *facts->evidence);
        facts->moment = arena_alloc(arena, FACTS_MOST);
        facts->subject_same = arena_alloc(arena, FACTS_MOST);
        facts->detail_same = arena_alloc(arena, FACTS_MOST);
    }
    if (facts->count == FACTS_MOST)
        return;
    uint32_t i = facts->count++;
    facts->moment[i] = (uint8_t)sqlite3_column_int(row, 5);
    facts->evidence[i] = (struct evidence){ .kind = (uint8_t)sqlite3_column_int(row, 0),
                                            .state = (uint8_t)sqlite3_column_int(row, 1),
                                            .origin = (uint8_t)sqlite3_column_int(row, 2),
                                            .transaction = sqlite3_column_int(row, 3),
                                            .recipient = sqlite3_column_int(row, 4),
                                            .a = sqlite3_column_int64(row, 6),
                                            .b = sqlite3_column_int64(row, 7),
                                            .subject = same_or_text(arena, row, 8, &facts->subject_same[i]),
                                            .detail = same_or_text(arena, row, 9, &facts->detail_same[i]) };
}

const void *look_up(struct reader *reader, enum known_table table, int64_t number)
{
    static void (*const read[KNOWN_TABLES])(struct arena *, void **,
                                            sqlite3_stmt *) = { [KNOWN_NAME] = read_name,
                                                                [KNOWN_REPLY] = read_reply,
                                                                [KNOWN_FACTS] = read_fact,
                                                                [KNOWN_PLACE] = read_place };
    struct known *known = &reader->known[table];
    size_t slots = known_tables[table].slots;
    struct slot *slot = &known->slot[(size_t)number & (slots - 1)];
    if (slot->number == number)
        return slot->what;
    if (known->arena.bytes > KNOWN_BYTES_MOST) {
        arena_reset(&known->arena);
        memset(known->slot, 0, slots * sizeof *known->slot);
    }
    *slot = (struct slot){ .number = number };
    sqlite3_stmt *statement = reader->look_up[table];
    sqlite3_bind_int64(statement, 1, number);
    while (next_row(reader, statement))
        read[table](&known->arena, &slot->what, statement);
    return slot->what;
}

void known_prepare(struct reader *reader)
{
    for (int i = 0; i < KNOWN_TABLES; i++) {
        reader->known[i].slot = mem_zero(known_tables[i].slots, sizeof *reader->known[i].slot);
        reader_prepare(reader, known_tables[i].sql, &reader->look_up[i]);
    }
}

void known_free(struct reader *reader)
{
    for (int i = 0; i < KNOWN_TABLES; i++) {
        sqlite3_finalize(reader->look_up[i]);
        free(reader->known[i].slot);
        arena_free(&reader->known[i].arena);
    }
}

/* Rows to sessions: pack.c's way back. What is in the side tables is fetched for the few sessions that have
 * such; names, replies, facts and places are remembered by number. */
#include "schemas/reader.h"

#include <stdlib.h>
#include <sysexits.h>
#include "schemas/layout.h"
#include "schemas/text.h"

/* What has a number, remembered by it: the slot is the number's lowest bits, a newcomer takes it over. When
 * the arena is full all is forgotten. */
struct known {
    struct slot {
        int64_t number;
        void *what;
    } * slot;
    struct arena arena;
};

enum { KNOWN_BYTES_MOST = 12 * 1024 * 1024 };

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

enum { ROWS_TRANSACTION, ROWS_RECIPIENT, ROWS_EVIDENCE, ROWS_LATE, ROW_TABLES };
static const char *const row_sql[ROW_TABLES] = {
    "SELECT mail_from, verdict, at, reply, size, queue_id, message_id FROM transaction_more "
    "WHERE id BETWEEN ?1 << 24 AND ?1 << 24 | 16777215 ORDER BY id",
    "SELECT \"transaction\", address, bits, at, reply FROM recipient_more "
    "WHERE id BETWEEN ?1 << 24 AND ?1 << 24 | 16777215 ORDER BY id",
    "SELECT bits, \"transaction\", recipient, a, b, at, subject, detail FROM evidence_more "
    "WHERE id BETWEEN ?1 << 24 AND ?1 << 24 | 16777215 ORDER BY id",
    "SELECT bits, \"transaction\", recipient, a, b, at, subject, detail FROM evidence_late "
    "WHERE session = ?1 ORDER BY id",
};

struct reader {
    sqlite3 *db;
    int rc; /* the first failure */
    const struct store_filter *filter;
    sqlite3_stmt *look_up[KNOWN_TABLES], *rows[ROW_TABLES];
    struct known known[KNOWN_TABLES];
    unsigned char *has_late; /* a bit for each session from 0 to late_last */
    int64_t late_last;

    /* The session being read. */
    struct arena arena, filter_arena;
    struct quotes quotes; /* of the session and its first transaction */
    struct str same[SAMES];
    struct evidence *evidence;
    struct transaction *transactions;
    struct recipient *recipients; /* of all transactions, one after the other */
    uint32_t evidence_count, transaction_count, recipient_count;
    size_t evidence_room, transaction_room, recipient_room;
    struct prefix client;       /* of the filter */
    struct store_filter stored; /* the filter with its texts as they would be stored */
};

static void fail(struct reader *reader, int rc)
{
    if (reader->rc == SQLITE_OK)
        reader->rc = rc;
}

/* Steps a statement; false at its end, which resets it. */
static bool next_row(struct reader *reader, sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) == SQLITE_ROW)
        return true;
    int rc = sqlite3_reset(statement);
    if (rc != SQLITE_OK)
        fail(reader, rc);
    return false;
}

/* A column as it is stored: lasts until the next step. */
static struct str stored_text(sqlite3_stmt *row, int column)
{
    const char *at = (const char *)sqlite3_column_text(row, column);
    return (struct str){ at, at ? (size_t)sqlite3_column_bytes(row, column) : 0 };
}

static struct str keep_text(struct arena *arena, sqlite3_stmt *row, int column)
{
    struct str stored = stored_text(row, column);
    return stored.at ? arena_str(arena, stored) : stored;
}

static struct str plain_text(struct arena *arena, sqlite3_stmt *row, int column)
{
    struct str stored = stored_text(row, column);
    return stored.at ? text_unescape(arena, stored) : stored;
}

static usec time_column(sqlite3_stmt *row, int column, usec base)
{
    return sqlite3_column_type(row, column) == SQLITE_NULL
               ? USEC_NONE
               : time_plus(base, sqlite3_column_int64(row, column));
}

/* ---- What has a number. */

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

/* What the number stands for, or NULL where nothing does. It lasts until the next look-up in the same table.
 */
static const void *look_up(struct reader *reader, enum known_table table, int64_t number)
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

/* A column that is a name's number or a text; as it is stored, in the session's arena. */
static struct str named_text(struct reader *reader, sqlite3_stmt *row, int column)
{
    switch (sqlite3_column_type(row, column)) {
    case SQLITE_INTEGER: {
        const struct str *name = look_up(reader, KNOWN_NAME, sqlite3_column_int64(row, column));
        return name ? arena_str(&reader->arena, *name) : (struct str){ NULL, 0 };
    }
    case SQLITE_TEXT:
        return keep_text(&reader->arena, row, column);
    default:
        return (struct str){ NULL, 0 };
    }
}

/* As it came, from as it is stored. */
static struct str as_it_came(struct reader *reader, struct str stored)
{
    return stored.at && memchr(stored.at, 0xee, stored.len) ? text_unescape(&reader->arena, stored) : stored;
}

static struct reply reply_column(struct reader *reader, sqlite3_stmt *row, int column,
                                 const struct quotes *quotes)
{
    int64_t number = sqlite3_column_int64(row, column);
    const struct reply *known = number ? look_up(reader, KNOWN_REPLY, number) : NULL;
    if (!known)
        return (struct reply){ 0 };
    struct reply reply = *known;
    bool wants_text = reply.text.at && !reader->filter->no_texts;
    reply.text =
        wants_text
            ? as_it_came(reader, text_unmark(&reader->arena, arena_str(&reader->arena, reply.text), quotes))
            : (struct str){ NULL, 0 };
    if (reply.enhanced.at)
        reply.enhanced = arena_str(&reader->arena, reply.enhanced);
    return reply;
}

/* ---- A session's evidence. */

static struct evidence *add_evidence(struct reader *reader)
{
    mem_room(reader->evidence, reader->evidence_room, (size_t)reader->evidence_count + 1);
    return &reader->evidence[reader->evidence_count++];
}

static struct str same_text(struct reader *reader, int8_t same)
{
    return same >= 0 && same < SAMES ? reader->same[same] : (struct str){ NULL, 0 };
}

static struct str evidence_text(struct reader *reader, struct str known, int8_t same)
{
    if (same >= 0)
        known = same_text(reader, same);
    else if (known.at)
        known = arena_str(&reader->arena, known);
    return as_it_came(reader, known);
}

/* The same of a detail, in which the session's texts may be quoted. */
static struct str detail_text(struct reader *reader, struct str known, int8_t same)
{
    return evidence_text(reader, same < 0 ? text_unmark(&reader->arena, known, &reader->quotes) : known,
                         same);
}

/* The recipient of the first transaction that evidence is of. */
static const struct recipient *its_recipient(const struct reader *reader, const struct evidence *evidence)
{
    return reader->transaction_count && evidence->recipient >= 0 &&
                   (uint32_t)evidence->recipient < reader->transactions->recipient_count
               ? &reader->recipients[evidence->recipient]
               : NULL;
}

static void read_facts(struct reader *reader, int64_t number, const usec moment[MOMENT_ITS_RECIPIENT])
{
    const struct facts *facts = look_up(reader, KNOWN_FACTS, number);
    for (uint32_t i = 0; facts && i < facts->count; i++) {
        struct evidence *evidence = add_evidence(reader);
        *evidence = facts->evidence[i];
        const struct recipient *its = its_recipient(reader, evidence);
        evidence->at = facts->moment[i] < MOMENT_ITS_RECIPIENT ? moment[facts->moment[i]]
                       : its                                   ? its->at
                                                               : USEC_NONE;
        if (facts->subject_same[i] == SAME_ITS_RECIPIENT)
            evidence->subject = its ? its->address : (struct str){ NULL, 0 };
        else
            evidence->subject = evidence_text(reader, evidence->subject, facts->subject_same[i]);
        evidence->detail = detail_text(reader, evidence->detail, facts->detail_same[i]);
    }
}

static struct str row_evidence_text(struct reader *reader, sqlite3_stmt *row, int column)
{
    if (sqlite3_column_type(row, column) == SQLITE_INTEGER && sqlite3_column_int64(row, column) < 0)
        return as_it_came(reader, same_text(reader, (int8_t)(-1 - sqlite3_column_int(row, column))));
    return as_it_came(reader, text_unmark(&reader->arena, named_text(reader, row, column), &reader->quotes));
}

static void read_evidence(struct reader *reader, int table, int64_t session, usec base)
{
    sqlite3_stmt *row = reader->rows[table];
    sqlite3_bind_int64(row, 1, session);
    while (next_row(reader, row)) {
        int bits = sqlite3_column_int(row, 0);
        struct evidence *evidence = add_evidence(reader);
        *evidence = (struct evidence){ .kind = (uint8_t)(bits >> EVIDENCE_KIND),
                                       .state = bits >> EVIDENCE_STATE & 3,
                                       .origin = bits >> EVIDENCE_ORIGIN & 7,
                                       .transaction = sqlite3_column_int(row, 1),
                                       .recipient = sqlite3_column_int(row, 2),
                                       .a = sqlite3_column_int64(row, 3),
                                       .b = sqlite3_column_int64(row, 4),
                                       .at = time_column(row, 5, base),
                                       .subject = row_evidence_text(reader, row, 6),
                                       .detail = row_evidence_text(reader, row, 7) };
    }
}

/* ---- Its transactions and recipients. */

static struct transaction *add_transaction(struct reader *reader)
{
    mem_room(reader->transactions, reader->transaction_room, (size_t)reader->transaction_count + 1);
    return &reader->transactions[reader->transaction_count++];
}

static struct recipient *add_recipient(struct reader *reader, uint32_t transaction)
{
    mem_room(reader->recipients, reader->recipient_room, (size_t)reader->recipient_count + 1);
    if (transaction < reader->transaction_count)
        reader->transactions[transaction].recipient_count++;
    return &reader->recipients[reader->recipient_count++];
}

static struct str message_id_column(struct reader *reader, sqlite3_stmt *row, int column)
{
    return reader->filter->no_texts ? (struct str){ NULL, 0 } : plain_text(&reader->arena, row, column);
}

static int64_t size_column(sqlite3_stmt *row, int column)
{
    return sqlite3_column_type(row, column) == SQLITE_NULL ? -1 : sqlite3_column_int64(row, column);
}

/* The first recipient's, which stands as what is after the transaction's. */
static usec recipient_time(sqlite3_stmt *row, usec started)
{
    usec at = time_column(row, S_T_AT, started);
    return time_column(row, S_R_AT, at == USEC_NONE ? started : at);
}

/* The first ones, from the session's own row; their texts are in reader->same. */
static void read_first(struct reader *reader, sqlite3_stmt *row, int64_t bits, usec started)
{
    if (bits >> BITS_TRANSACTION & 1)
        *add_transaction(reader) =
            (struct transaction){ .mail_from = as_it_came(reader, reader->same[SAME_SENDER]),
                                  .queue_id = plain_text(&reader->arena, row, S_QUEUE_ID),
                                  .message_id = message_id_column(reader, row, S_MESSAGE_ID),
                                  .size = size_column(row, S_SIZE),
                                  .reply = reply_column(reader, row, S_T_REPLY, &reader->quotes),
                                  .verdict = bits >> BITS_T_VERDICT & 3,
                                  .at = time_column(row, S_T_AT, started) };
    if (bits >> BITS_RECIPIENT & 1)
        *add_recipient(reader, 0) =
            (struct recipient){ .address = as_it_came(reader, reader->same[SAME_RECIPIENT]),
                                .reply = reply_column(reader, row, S_R_REPLY, &reader->quotes),
                                .verdict = bits >> BITS_R_VERDICT & 3,
                                .valid = bits >> BITS_R_VALID & 3,
                                .at = recipient_time(row, started) };
}

static void read_more_transactions(struct reader *reader, int64_t session, usec started)
{
    sqlite3_stmt *row = reader->rows[ROWS_TRANSACTION];
    struct quotes quotes = reader->quotes;
    quotes.text[QUOTED_RECIPIENT] = (struct str){ NULL, 0 };
    sqlite3_bind_int64(row, 1, session);
    while (next_row(reader, row)) {
        quotes.text[QUOTED_SENDER] = named_text(reader, row, 0);
        *add_transaction(reader) =
            (struct transaction){ .mail_from = as_it_came(reader, quotes.text[QUOTED_SENDER]),
                                  .queue_id = plain_text(&reader->arena, row, 5),
                                  .message_id = message_id_column(reader, row, 6),
                                  .size = size_column(row, 4),
                                  .reply = reply_column(reader, row, 3, &quotes),
                                  .verdict = (uint8_t)sqlite3_column_int(row, 1),
                                  .at = time_column(row, 2, started) };
    }
}

static void read_more_recipients(struct reader *reader, int64_t session, usec started)
{
    sqlite3_stmt *row = reader->rows[ROWS_RECIPIENT];
    struct quotes quotes = reader->quotes;
    sqlite3_bind_int64(row, 1, session);
    while (next_row(reader, row)) {
        int bits = sqlite3_column_int(row, 2);
        quotes.text[QUOTED_RECIPIENT] = named_text(reader, row, 1);
        quotes.text[QUOTED_SENDER] =
            sqlite3_column_int(row, 0) == 0 ? reader->quotes.text[QUOTED_SENDER] : (struct str){ NULL, 0 };
        *add_recipient(reader, (uint32_t)sqlite3_column_int(row, 0)) =
            (struct recipient){ .address = as_it_came(reader, quotes.text[QUOTED_RECIPIENT]),
                                .reply = reply_column(reader, row, 4, &quotes),
                                .verdict = bits >> RECIPIENT_VERDICT & 3,
                                .valid = bits >> RECIPIENT_VALID & 3,
                                .at = time_column(row, 3, started) };
    }
}

/* ---- The session. */

static struct ip client_column(sqlite3_stmt *row)
{
    struct ip ip = { 0 };
    if (sqlite3_column_type(row, S_CLIENT) == SQLITE_INTEGER) {
        ip = ip_from_v4((uint32_t)sqlite3_column_int64(row, S_CLIENT));
    } else {
        struct str text = stored_text(row, S_CLIENT), address = { NULL, 0 };
        if (cut_until_char(&text, ' ', &address))
            ip_parse(address, &ip);
    }
    return ip;
}

/* The session's texts as they are stored, of which replies and evidence quote. */
static void read_texts(struct reader *reader, sqlite3_stmt *row, const struct ip *client)
{
    struct str *quote = reader->quotes.text, *same = reader->same;
    bool helo_is_name =
        sqlite3_column_type(row, S_HELO) == SQLITE_INTEGER && sqlite3_column_int64(row, S_HELO) == 0;
    char text[IP_TEXT_BYTES];
    size_t length = ip_is_none(client) ? 0 : ip_format(client, text);
    quote[QUOTED_CLIENT] = arena_str(&reader->arena, (struct str){ text, length });
    quote[QUOTED_NAME] = same[SAME_NAME] = named_text(reader, row, S_CLIENT_NAME);
    quote[QUOTED_HELO] = same[SAME_HELO] = helo_is_name ? same[SAME_NAME] : named_text(reader, row, S_HELO);
    quote[QUOTED_SENDER] = same[SAME_SENDER] = named_text(reader, row, S_MAIL_FROM);
    same[SAME_SENDER_DOMAIN] = sender_domain(same[SAME_SENDER]);
    quote[QUOTED_RECIPIENT] = same[SAME_RECIPIENT] = named_text(reader, row, S_RECIPIENT);
}

static bool has_late(const struct reader *reader, int64_t session)
{
    return session >= 0 && session <= reader->late_last && reader->has_late[session / 8] >> (session % 8) & 1;
}

static void read_session(struct reader *reader, sqlite3_stmt *row, struct session *session)
{
    int64_t bits = sqlite3_column_int64(row, S_BITS);
    const struct place *place = look_up(reader, KNOWN_PLACE, sqlite3_column_int64(row, S_PLACE) >> PORT_BITS);
    arena_reset(&reader->arena);
    reader->transaction_count = reader->recipient_count = reader->evidence_count = 0;
    *session = (struct session){ .id = sqlite3_column_int64(row, S_ID),
                                 .started = sqlite3_column_int64(row, S_STARTED),
                                 .first_offset = (uint64_t)sqlite3_column_int64(row, S_FIRST_OFFSET),
                                 .client = client_column(row),
                                 .client_port = (uint16_t)sqlite3_column_int64(row, S_PLACE),
                                 .direction = bits >> BITS_OUT & 1,
                                 .stage = bits >> BITS_STAGE & 7,
                                 .closed = bits >> BITS_CLOSED & 7,
                                 .verdict = bits >> BITS_VERDICT & 3,
                                 .tls = bits >> BITS_TLS & 1,
                                 .gap = bits >> BITS_GAP & 1,
                                 .cut_off = bits >> BITS_CUT_OFF & 1 };
    if (place) {
        session->input = place->input;
        session->server_address = place->server_address;
        session->server_port = place->server_port;
        session->server = place->server; /* no other look-up is made before the next session */
        session->service = place->service;
    }
    session->last_offset = session->first_offset + (uint64_t)sqlite3_column_int64(row, S_SPAN);
    session->ended = time_column(row, S_LASTED, session->started);
    read_texts(reader, row, &session->client);
    session->client_name = as_it_came(reader, reader->same[SAME_NAME]);
    session->helo = as_it_came(reader, reader->same[SAME_HELO]);
    session->auth_user = as_it_came(reader, named_text(reader, row, S_AUTH_USER));
    session->reply = reply_column(reader, row, S_REPLY, &reader->quotes);
    read_first(reader, row, bits, session->started);
    if (bits >> BITS_MORE_TRANSACTIONS & 1)
        read_more_transactions(reader, session->id, session->started);
    if (bits >> BITS_MORE_RECIPIENTS & 1)
        read_more_recipients(reader, session->id, session->started);
    if (bits >> BITS_FACTS) {
        usec moment[MOMENT_ITS_RECIPIENT] = {
            [MOMENT_STARTED] = session->started,
            [MOMENT_ENDED] = session->ended,
            [MOMENT_TRANSACTION] = time_column(row, S_T_AT, session->started),
            [MOMENT_RECIPIENT] = recipient_time(row, session->started),
            [MOMENT_OWN] = time_column(row, S_MOMENT, session->started),
            [MOMENT_NONE] = USEC_NONE,
        };
        read_facts(reader, bits >> BITS_FACTS, moment);
    }
    if (bits >> BITS_MORE_EVIDENCE & 1)
        read_evidence(reader, ROWS_EVIDENCE, session->id, session->started);
    if (has_late(reader, session->id))
        read_evidence(reader, ROWS_LATE, session->id, 0);
    struct recipient *recipients = reader->recipients;
    for (uint32_t t = 0; t < reader->transaction_count; t++) {
        reader->transactions[t].recipients = recipients;
        recipients += reader->transactions[t].recipient_count;
    }
    session->transactions = reader->transactions;
    session->transaction_count = reader->transaction_count;
    session->evidence = reader->evidence;
    session->evidence_count = reader->evidence_count;
}

/* ---- Which sessions. */

static bool address_matches(struct str wanted, struct str address)
{
    if (!wanted.at)
        return true;
    if (!address.at)
        return false;
    if (wanted.len && wanted.at[0] == '@' && address.len > wanted.len)
        address = str_skip(address, address.len - wanted.len);
    return str_eq_nocase(wanted, address);
}

static bool transaction_matches(const struct store_filter *filter, const struct transaction *transaction)
{
    if (!address_matches(filter->sender, transaction->mail_from) ||
        (filter->queue_id.at &&
         (!transaction->queue_id.at || !str_eq(filter->queue_id, transaction->queue_id))))
        return false;
    bool found = !filter->recipient.at;
    for (uint32_t r = 0; r < transaction->recipient_count && !found; r++)
        found = address_matches(filter->recipient, transaction->recipients[r].address);
    return found;
}

static bool wants_transaction(const struct store_filter *filter)
{
    return filter->sender.at || filter->recipient.at || filter->queue_id.at;
}

static bool session_matches(const struct store_filter *filter, const struct session *session)
{
    bool found = !wants_transaction(filter);
    for (uint32_t t = 0; t < session->transaction_count && !found; t++)
        found = transaction_matches(filter, &session->transactions[t]);
    return found;
}

/* may_match(bits, client, mail_from, recipient, queue_id): false where the row alone tells that the session
 * is not wanted, so that it need not be sorted and read. */
static struct str value_text(struct reader *reader, sqlite3_value *value)
{
    if (sqlite3_value_type(value) == SQLITE_INTEGER) {
        const struct str *name = look_up(reader, KNOWN_NAME, sqlite3_value_int64(value));
        return name ? *name : (struct str){ NULL, 0 };
    }
    const char *at = (const char *)sqlite3_value_text(value);
    return (struct str){ at, at ? (size_t)sqlite3_value_bytes(value) : 0 };
}

static bool client_matches(const struct reader *reader, sqlite3_value *value)
{
    struct ip ip = { 0 };
    if (sqlite3_value_type(value) == SQLITE_INTEGER) {
        ip = ip_from_v4((uint32_t)sqlite3_value_int64(value));
    } else {
        struct str text = str_of((const char *)sqlite3_value_text(value)), address = { NULL, 0 };
        if (!text.at || !cut_until_char(&text, ' ', &address) || !ip_parse(address, &ip))
            return false;
    }
    return prefix_holds(&reader->client, &ip);
}

static void may_match(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    struct reader *reader = sqlite3_user_data(context);
    const struct store_filter *filter = &reader->stored;
    int64_t bits = sqlite3_value_int64(argv[0]);
    bool more_recipients = bits >> BITS_MORE_RECIPIENTS & 1,
         more_transactions = bits >> BITS_MORE_TRANSACTIONS & 1;
    bool may = !filter->client.at || client_matches(reader, argv[1]);
    if (may && filter->sender.at && !more_transactions)
        may = address_matches(filter->sender, value_text(reader, argv[2]));
    if (may && filter->recipient.at && !more_recipients)
        may = address_matches(filter->recipient, value_text(reader, argv[3]));
    if (may && filter->queue_id.at && !more_transactions) {
        struct str queue_id = value_text(reader, argv[4]);
        may = queue_id.at && str_eq(filter->queue_id, queue_id);
    }
    sqlite3_result_int(context, may);
}

/* ---- The whole. */

static void prepare(struct reader *reader, const char *sql, sqlite3_stmt **statement)
{
    if (reader->rc == SQLITE_OK)
        fail(reader, sqlite3_prepare_v3(reader->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL));
}

/* The sessions that have late evidence, so that it is not looked for in vain in all others. */
static void read_has_late(struct reader *reader)
{
    int64_t last = -1;
    sqlite3_stmt *row = NULL;
    prepare(reader, "SELECT DISTINCT session FROM evidence_late ORDER BY session DESC", &row);
    while (row && next_row(reader, row)) {
        int64_t session = sqlite3_column_int64(row, 0);
        if (session < 0 || session > (int64_t)1 << (62 - PLACE_BITS))
            continue; /* not one that we wrote */
        if (last < 0) {
            last = reader->late_last = session;
            reader->has_late = mem_zero((size_t)session / 8 + 1, 1);
        }
        reader->has_late[session / 8] |= (unsigned char)(1u << (session % 8));
    }
    sqlite3_finalize(row);
}

#define WANTED                                                                                               \
    "FROM session WHERE (?1 IS NULL OR started >= ?1) AND (?2 IS NULL OR started < ?2) AND (?3 OR bits >> "  \
    "24 & 1 = 0) "                                                                                           \
    "AND (NOT ?4 OR may_match(bits, client, mail_from, recipient, queue_id)) AND id BETWEEN ?5 AND ?6 "

/* Sorting takes numbers and starts alone: the sorter keeps within the page cache's size and a temporary file,
 * and rows are then read nearly in order, for sessions come in order of end. LIMIT keeps SQLite from leaving
 * the order out. */
static const char sql_in_order[] =
    "SELECT session.* FROM (SELECT id AS wanted " WANTED "ORDER BY started, id LIMIT -1) "
    "CROSS JOIN session ON id = wanted";
static const char sql_any_order[] = "SELECT * " WANTED "ORDER BY id";

static int parse_filter(struct reader *reader, struct why *why)
{
    const struct store_filter *filter = reader->filter;
    if (filter->client.at && !prefix_parse(filter->client, &reader->client))
        return why_set(why, EX_USAGE,
                       "%.*s: is not an address or a network; write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32",
                       STR_ARG(filter->client));
    reader->stored = *filter;
    struct str *text[] = { &reader->stored.sender, &reader->stored.recipient, &reader->stored.queue_id };
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        *text[i] = text_escape(&reader->filter_arena, *text[i]);
    return 0;
}

static void bind_filter(sqlite3_stmt *row, const struct store_filter *filter)
{
    if (filter->from != USEC_NONE && filter->from != 0)
        sqlite3_bind_int64(row, 1, filter->from);
    if (filter->to != USEC_NONE && filter->to != 0)
        sqlite3_bind_int64(row, 2, filter->to);
    sqlite3_bind_int(row, 3, filter->outbound);
    sqlite3_bind_int(row, 4, filter->client.at || wants_transaction(filter));
    sqlite3_bind_int64(row, 5, filter->id ? filter->id : INT64_MIN);
    sqlite3_bind_int64(row, 6, filter->id ? filter->id : INT64_MAX);
}

static void reader_free(struct reader *reader)
{
    for (int i = 0; i < KNOWN_TABLES; i++) {
        sqlite3_finalize(reader->look_up[i]);
        free(reader->known[i].slot);
        arena_free(&reader->known[i].arena);
    }
    for (int i = 0; i < ROW_TABLES; i++)
        sqlite3_finalize(reader->rows[i]);
    arena_free(&reader->arena);
    arena_free(&reader->filter_arena);
    free(reader->has_late);
    free(reader->evidence);
    free(reader->transactions);
    free(reader->recipients);
}

int reader_each(sqlite3 *db, const char *path, const struct store_filter *filter,
                int (*take)(void *state, const struct session *session), void *state, struct why *why)
{
    struct reader reader = { .db = db, .filter = filter, .late_last = -1 };
    sqlite3_stmt *row = NULL;
    int taken = 0;
    if (parse_filter(&reader, why) != 0)
        return -1;
    for (int i = 0; i < KNOWN_TABLES; i++) {
        reader.known[i].slot = mem_zero(known_tables[i].slots, sizeof *reader.known[i].slot);
        prepare(&reader, known_tables[i].sql, &reader.look_up[i]);
    }
    for (int i = 0; i < ROW_TABLES; i++)
        prepare(&reader, row_sql[i], &reader.rows[i]);
    read_has_late(&reader);
    if (reader.rc == SQLITE_OK)
        fail(&reader, sqlite3_create_function(db, "may_match", 5, SQLITE_UTF8 | SQLITE_DIRECTONLY, &reader,
                                              may_match, NULL, NULL));
    prepare(&reader, filter->any_order ? sql_any_order : sql_in_order, &row);
    if (reader.rc == SQLITE_OK)
        bind_filter(row, filter);
    while (reader.rc == SQLITE_OK && taken == 0 && next_row(&reader, row)) {
        struct session session;
        read_session(&reader, row, &session);
        if (reader.rc == SQLITE_OK && session_matches(filter, &session))
            taken = take(state, &session);
    }
    if (reader.rc != SQLITE_OK)
        taken = schema_why(db, reader.rc, path, why);
    sqlite3_finalize(row);
    sqlite3_create_function(db, "may_match", 5, SQLITE_UTF8, NULL, NULL, NULL, NULL);
    reader_free(&reader);
    return taken;
}

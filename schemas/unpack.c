/* Rows to sessions: pack.c's way back. What is in the side tables is fetched for the few sessions that have
 * such. */
#include <stdlib.h>
#include "schemas/connection.h"
#include "schemas/reading.h"

static const char *const row_sql[ROW_TABLES] = {
    "SELECT mail_from, verdict, at, reply, size, queue_id, message_id FROM transaction_more "
    "WHERE id BETWEEN ?1 << 24 AND ?1 << 24 | 16777215 ORDER BY id",
    "SELECT \"transaction\", address, bits, at, reply FROM recipient_more "
    "WHERE id BETWEEN ?1 << 24 AND ?1 << 24 | 16777215 ORDER BY id",
    "SELECT bits, \"transaction\", recipient, a, b, at, subject, detail FROM evidence_more "
    "WHERE id BETWEEN ?1 << 24 AND ?1 << 24 | 16777215 ORDER BY id",
    "SELECT bits, \"transaction\", recipient, a, b, at, subject, detail FROM evidence_named "
    "WHERE id BETWEEN ?1 << 24 AND ?1 << 24 | 16777215 ORDER BY id",
    "SELECT bits, \"transaction\", recipient, a, b, at, subject, detail FROM evidence_late "
    "WHERE session = ?1 ORDER BY id",
};
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

static bool is_marked(const struct marked *marked, int64_t session)
{
    return session >= 0 && session <= marked->last && marked->bit[session / 8] >> (session % 8) & 1;
}

void unpack_session(struct reader *reader, sqlite3_stmt *row, struct session *session)
{
    int64_t bits = sqlite3_column_int64(row, S_BITS);
    const struct place *place = look_up(reader, KNOWN_PLACE, sqlite3_column_int64(row, S_PLACE) >> PORT_BITS);
    arena_reset(&reader->arena);
    reader->transaction_count = reader->recipient_count = reader->evidence_count = 0;
    *session = (struct session){ .id = sqlite3_column_int64(row, S_ID),
                                 .started = sqlite3_column_int64(row, S_STARTED),
                                 .first_offset = (uint64_t)sqlite3_column_int64(row, S_FIRST_OFFSET),
                                 .client = client_of_column(row, S_CLIENT),
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
    if (is_marked(&reader->named, session->id))
        read_evidence(reader, ROWS_NAMED, session->id, session->started);
    if (is_marked(&reader->late, session->id))
        read_evidence(reader, ROWS_LATE, session->id, 0);
    struct recipient *recipients = reader->recipients;
    for (uint32_t t = 0; t < reader->transaction_count; t++) {
        reader->transactions[t].recipients = recipients;
        if (recipients)
            recipients += reader->transactions[t].recipient_count;
    }
    session->transactions = reader->transactions;
    session->transaction_count = reader->transaction_count;
    session->evidence = reader->evidence;
    session->evidence_count = reader->evidence_count;
}

/* The sessions that have such, so that it is not looked for in vain in all others; the query gives the
 * highest first. */
static void read_marked(struct reader *reader, struct marked *marked, const char *sql)
{
    sqlite3_stmt *row = NULL;
    marked->last = -1;
    reader_prepare(reader, sql, &row);
    while (row && next_row(reader, row)) {
        int64_t session = sqlite3_column_int64(row, 0);
        if (session < 0 || session > (int64_t)1 << (62 - PLACE_BITS))
            continue; /* not one that we wrote */
        if (marked->last < 0) {
            marked->last = session;
            marked->bit = mem_zero((size_t)session / 8 + 1, 1);
        }
        marked->bit[session / 8] |= (unsigned char)(1u << (session % 8));
    }
    sqlite3_finalize(row);
}

void unpack_prepare_bare(struct reader *reader)
{
    for (int i = 0; i < ROW_TABLES; i++)
        reader_prepare(reader, row_sql[i], &reader->rows[i]);
    reader->named.last = reader->late.last = -1;
}

void unpack_prepare(struct reader *reader)
{
    unpack_prepare_bare(reader);
    read_marked(reader, &reader->named, "SELECT id >> 24 FROM evidence_named ORDER BY id DESC");
    read_marked(reader, &reader->late, "SELECT DISTINCT session FROM evidence_late ORDER BY session DESC");
}

void unpack_free(struct reader *reader)
{
    for (int i = 0; i < ROW_TABLES; i++)
        sqlite3_finalize(reader->rows[i]);
    arena_free(&reader->arena);
    free(reader->named.bit);
    free(reader->late.bit);
    free(reader->evidence);
    free(reader->transactions);
    free(reader->recipients);
}

/* Which sessions are read, and in what order. */
#include "schemas/reader.h"

#include <sysexits.h>
#include "schemas/reading.h"

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

int reader_each(sqlite3 *db, const char *path, const struct store_filter *filter,
                int (*take)(void *state, const struct session *session), void *state, struct why *why)
{
    struct reader reader = { .db = db, .filter = filter };
    sqlite3_stmt *row = NULL;
    int taken = 0;
    if (parse_filter(&reader, why) != 0)
        return -1;
    known_prepare(&reader);
    unpack_prepare(&reader);
    if (reader.rc == SQLITE_OK)
        reader_fail(&reader, sqlite3_create_function(db, "may_match", 5, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                                     &reader, may_match, NULL, NULL));
    reader_prepare(&reader, filter->any_order ? sql_any_order : sql_in_order, &row);
    if (reader.rc == SQLITE_OK)
        bind_filter(row, filter);
    while (reader.rc == SQLITE_OK && taken == 0 && next_row(&reader, row)) {
        struct session session;
        unpack_session(&reader, row, &session);
        if (reader.rc == SQLITE_OK && session_matches(filter, &session))
            taken = take(state, &session);
    }
    if (reader.rc != SQLITE_OK)
        taken = schema_why(db, reader.rc, path, why);
    sqlite3_finalize(row);
    sqlite3_create_function(db, "may_match", 5, SQLITE_UTF8, NULL, NULL, NULL, NULL);
    unpack_free(&reader);
    known_free(&reader);
    arena_free(&reader.filter_arena);
    return taken;
}

/* Which sessions are looked through for such that a log and a capture have: those that are new, and of the
 * others those around them in time. Where these lie the stretches tell, so that a day more in a year's
 * database is a day's work; they are made when the first capture comes to logs, or the first log to captures.
 */
#include "schemas/joining.h"

#include <stdlib.h>
#include "collect/matching.h"
#include "schemas/joined.h"

enum { OF_LOG, OF_CAPTURE, KINDS_OF_RECORD, HOURS_MOST = 1 << 20, STRETCH_BITS = 12 };

/* Hours in which something new began. */
struct hours {
    int64_t *hour;
    size_t count, room;
};

struct window {
    usec from, to;
};

struct joining {
    struct joined joined;
    struct matching *matching;
    int64_t session, late; /* looked through up to these */
    struct hours hours[KINDS_OF_RECORD];
    struct window *window;
    size_t windows, room;
};

#define IS_CAPTURE "(kind LIKE 'capture%' OR kind = 'live')"
#define CAPTURES   "(SELECT p.id FROM place p JOIN input i ON i.id = p.input WHERE " IS_CAPTURE ")"

/* ---- What is new. */

static int by_hour(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static void hours_sort(struct hours *hours)
{
    size_t kept = 0;
    if (hours->count)
        qsort(hours->hour, hours->count, sizeof *hours->hour, by_hour);
    for (size_t i = 0; i < hours->count; i++)
        if (kept == 0 || hours->hour[i] != hours->hour[kept - 1])
            hours->hour[kept++] = hours->hour[i];
    hours->count = kept;
}

/* Sessions come nearly in order, so most are of the hour of the one before. */
static void hours_add(struct hours *hours, usec at)
{
    int64_t hour = at / USEC_HOUR - (at % USEC_HOUR < 0);
    if (hours->count && hours->hour[hours->count - 1] == hour)
        return;
    if (hours->count >= HOURS_MOST)
        hours_sort(hours);
    mem_room(hours->hour, hours->room, hours->count + 1);
    hours->hour[hours->count++] = hour;
}

/* A stretch's sessions of one kind, as far as they have come by. */
struct span {
    int64_t stretch;
    usec first, last;
};

static void write_span(struct joining *joining, sqlite3_stmt *to, const struct span *span, int kind)
{
    if (span->stretch < 0)
        return;
    sqlite3_bind_int64(to, 1, span->stretch << 1 | kind);
    sqlite3_bind_int64(to, 2, span->first);
    sqlite3_bind_int64(to, 3, span->last);
    joined_step(&joining->joined, to);
}

static void see_new(struct joining *joining)
{
    struct reader *reader = &joining->joined.reader;
    sqlite3_stmt *row = NULL, *to = NULL;
    struct span spans[KINDS_OF_RECORD] = { { .stretch = -1 }, { .stretch = -1 } };
    reader_prepare(reader,
                   "SELECT id, started, place >> 16 IN " CAPTURES
                   ", bits >> 24 & 1 FROM session WHERE id > ?1 "
                   "ORDER BY id",
                   &row);
    reader_prepare(reader,
                   "INSERT INTO stretch VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
                   "first = min(first, excluded.first), last = max(last, excluded.last)",
                   &to);
    if (reader->rc == SQLITE_OK)
        sqlite3_bind_int64(row, 1, joining->session);
    while (reader->rc == SQLITE_OK && next_row(reader, row)) {
        int64_t stretch = sqlite3_column_int64(row, 0) >> STRETCH_BITS;
        usec at = sqlite3_column_int64(row, 1);
        int kind = sqlite3_column_int(row, 2) ? OF_CAPTURE : OF_LOG;
        struct span *span = &spans[kind];
        if (span->stretch != stretch) {
            write_span(joining, to, span, kind);
            *span = (struct span){ stretch, at, at };
        }
        span->first = at < span->first ? at : span->first;
        span->last = at > span->last ? at : span->last;
        if (!sqlite3_column_int(row, 3))
            hours_add(&joining->hours[kind], at);
    }
    for (int kind = 0; kind < KINDS_OF_RECORD; kind++) {
        write_span(joining, to, &spans[kind], kind);
        hours_sort(&joining->hours[kind]);
    }
    sqlite3_finalize(row);
    sqlite3_finalize(to);
}

/* ---- What is around it. */

static int by_from(const void *left, const void *right)
{
    const struct window *a = left, *b = right;
    return (a->from > b->from) - (a->from < b->from);
}

/* Times may be of any clock. */
static usec at_least(int64_t hour, usec reach)
{
    usec at = 0;
    return __builtin_mul_overflow(hour, USEC_HOUR, &at) || __builtin_sub_overflow(at, reach, &at)
               ? INT64_MIN + 1
               : at;
}

static usec at_most(int64_t hour, usec reach)
{
    usec at = 0;
    return __builtin_mul_overflow(hour, USEC_HOUR, &at) || __builtin_add_overflow(at, reach, &at) ? INT64_MAX
                                                                                                  : at;
}

/* An hour is looked through only where there is something of the other kind around it. */
static void find_windows(struct joining *joining, usec reach)
{
    struct reader *reader = &joining->joined.reader;
    sqlite3_stmt *row = NULL;
    reader_prepare(reader, "SELECT 1 FROM stretch WHERE id & 1 = ?1 AND first < ?3 AND last >= ?2 LIMIT 1",
                   &row);
    for (int kind = 0; kind < KINDS_OF_RECORD && reader->rc == SQLITE_OK; kind++)
        for (size_t i = 0; i < joining->hours[kind].count; i++) {
            int64_t hour = joining->hours[kind].hour[i];
            struct window window = { at_least(hour, reach), at_most(hour, reach + USEC_HOUR) };
            sqlite3_bind_int(row, 1, !kind);
            sqlite3_bind_int64(row, 2, window.from);
            sqlite3_bind_int64(row, 3, window.to);
            if (!next_row(reader, row))
                continue;
            joined_step(&joining->joined, row);
            mem_room(joining->window, joining->room, joining->windows + 1);
            joining->window[joining->windows++] = window;
        }
    sqlite3_finalize(row);
    size_t kept = 0;
    if (joining->windows)
        qsort(joining->window, joining->windows, sizeof *joining->window, by_from);
    for (size_t i = 0; i < joining->windows; i++)
        if (kept == 0 || joining->window[i].from > joining->window[kept - 1].to)
            joining->window[kept++] = joining->window[i];
        else if (joining->window[i].to > joining->window[kept - 1].to)
            joining->window[kept - 1].to = joining->window[i].to;
    joining->windows = kept;
}

/* ---- Looking through. */

/* LIMIT -1: all ids are there, in order, before the first session is read and any of them goes. */
static const char sql_window[] =
    "SELECT session.*, captured FROM (SELECT s.id AS wanted, k.id & 1 AS captured FROM stretch k CROSS JOIN "
    "session s "
    "ON s.id BETWEEN k.id >> 1 << 12 AND k.id >> 1 << 12 | 4095 "
    "WHERE k.first < ?2 AND k.last >= ?1 AND s.started >= ?1 AND s.started < ?2 AND s.bits >> 24 & 1 = 0 "
    "AND (s.place >> 16 IN " CAPTURES
    ") = (k.id & 1) AND NOT EXISTS (SELECT 1 FROM joined j WHERE j.id = s.id) "
    "ORDER BY s.started, s.id LIMIT -1) CROSS JOIN session ON session.id = wanted";

static int pair(void *state, int64_t log, int64_t capture, usec ahead)
{
    struct joining *joining = state;
    joined_pair(&joining->joined, log, capture, ahead);
    return joining->joined.reader.rc == SQLITE_OK ? 0 : -1;
}

/* A session that is matched is not looked at again, so it may go while others are read. */
static void look_through(struct joining *joining)
{
    struct reader *reader = &joining->joined.reader;
    sqlite3_stmt *row = NULL;
    reader_prepare(reader, sql_window, &row);
    for (size_t i = 0; i < joining->windows && reader->rc == SQLITE_OK; i++) {
        sqlite3_bind_int64(row, 1, joining->window[i].from);
        sqlite3_bind_int64(row, 2, joining->window[i].to);
        while (reader->rc == SQLITE_OK && next_row(reader, row)) {
            struct session session;
            unpack_session(reader, row, &session);
            if (reader->rc == SQLITE_OK)
                matching_add(joining->matching, &session, sqlite3_column_int(row, SESSION_COLUMNS));
        }
    }
    if (reader->rc == SQLITE_OK)
        matching_finish(joining->matching);
    sqlite3_finalize(row);
}

/* ---- Clocks. */

static void read_clocks(struct joining *joining)
{
    struct reader *reader = &joining->joined.reader;
    sqlite3_stmt *row = NULL;
    reader_prepare(reader, "SELECT server, ahead FROM clock ORDER BY server", &row);
    while (reader->rc == SQLITE_OK && next_row(reader, row))
        matching_know_clock(joining->matching, (uint64_t)sqlite3_column_int64(row, 0),
                            sqlite3_column_int64(row, 1));
    sqlite3_finalize(row);
}

static bool knows_clock(const struct joining *joining, uint64_t server)
{
    uint64_t known = 0;
    usec ahead = 0;
    for (size_t i = 0; matching_clock(joining->matching, i, &known, &ahead); i++)
        if (known == server)
            return true;
    return false;
}

static bool knows_all_clocks(struct joining *joining)
{
    struct reader *reader = &joining->joined.reader;
    sqlite3_stmt *row = NULL;
    bool known = true;
    reader_prepare(reader, "SELECT DISTINCT server FROM place WHERE id NOT IN " CAPTURES, &row);
    while (reader->rc == SQLITE_OK && next_row(reader, row))
        known = known && knows_clock(joining, matching_server(plain_text(&joining->joined.arena, row, 0)));
    sqlite3_finalize(row);
    return known;
}

static void write_clocks(struct joining *joining)
{
    struct reader *reader = &joining->joined.reader;
    sqlite3_stmt *to = NULL;
    uint64_t server = 0;
    usec ahead = 0;
    reader_prepare(reader, "INSERT OR REPLACE INTO clock VALUES (?, ?)", &to);
    for (size_t i = 0; reader->rc == SQLITE_OK && matching_clock(joining->matching, i, &server, &ahead);
         i++) {
        sqlite3_bind_int64(to, 1, (int64_t)server);
        sqlite3_bind_int64(to, 2, ahead);
        joined_step(&joining->joined, to);
    }
    sqlite3_finalize(to);
}

/* ---- The whole. */

static void execute(struct joining *joining, const char *sql)
{
    struct reader *reader = &joining->joined.reader;
    if (reader->rc == SQLITE_OK)
        reader_fail(reader, sqlite3_exec(reader->db, sql, NULL, NULL, NULL));
}

static void read_progress(struct joining *joining)
{
    struct reader *reader = &joining->joined.reader;
    sqlite3_stmt *row = NULL;
    reader_prepare(reader, "SELECT session, late FROM joining", &row);
    while (reader->rc == SQLITE_OK && next_row(reader, row)) {
        joining->session = sqlite3_column_int64(row, 0);
        joining->late = sqlite3_column_int64(row, 1);
    }
    sqlite3_finalize(row);
}

/* What stands for open sessions comes again, and is looked through again. */
static const char sql_progress[] =
    "INSERT OR REPLACE INTO joining SELECT 1, ifnull((SELECT session FROM unfinished), (SELECT max(id) FROM "
    "session)), "
    "ifnull((SELECT late FROM unfinished), (SELECT max(id) FROM evidence_late))";

static bool has_both(sqlite3 *db, int *rc)
{
    sqlite3_stmt *row = NULL;
    bool both = false;
    *rc =
        sqlite3_prepare_v2(db, "SELECT min(" IS_CAPTURE ") < max(" IS_CAPTURE ") FROM input", -1, &row, NULL);
    if (*rc == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW)
        both = sqlite3_column_int(row, 0);
    int end = sqlite3_finalize(row);
    *rc = *rc == SQLITE_OK ? end : *rc;
    return both;
}

int joining_run(struct packer *packer)
{
    struct joining joining = { .session = 0 };
    int rc = SQLITE_OK;
    if (!has_both(packer->db, &rc))
        return rc;
    joined_begin(&joining.joined, packer);
    joining.matching = matching_new(pair, &joining);
    read_progress(&joining);
    read_clocks(&joining);
    joined_move_late(&joining.joined, joining.late);
    see_new(&joining);
    find_windows(&joining, matching_reach(joining.matching, knows_all_clocks(&joining)));
    look_through(&joining);
    write_clocks(&joining);
    execute(&joining, sql_progress);
    matching_free(joining.matching);
    for (int kind = 0; kind < KINDS_OF_RECORD; kind++)
        free(joining.hours[kind].hour);
    free(joining.window);
    return joined_end(&joining.joined);
}

int joining_take_back(struct packer *packer)
{
    struct joined joined;
    sqlite3_stmt *row = NULL;
    bool any = false;
    int rc = sqlite3_prepare_v2(packer->db,
                                "SELECT 1 FROM joined WHERE id > (SELECT session FROM unfinished) OR "
                                "record IS NOT NULL LIMIT 1",
                                -1, &row, NULL);
    if (rc == SQLITE_OK)
        any = sqlite3_step(row) == SQLITE_ROW;
    int end = sqlite3_finalize(row);
    if (rc != SQLITE_OK || end != SQLITE_OK || !any)
        return rc == SQLITE_OK ? end : rc;
    joined_begin(&joined, packer);
    joined_take_back(&joined);
    return joined_end(&joined);
}

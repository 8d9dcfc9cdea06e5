/* The store: sessions in one SQLite file, and back. */
#include "schemas/store.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include "schemas/check.h"
#include "schemas/connection.h"
#include "schemas/kept.h"
#include "schemas/layout.h"
#include "schemas/prune.h"
#include "schemas/reader.h"
#include "schemas/renaming.h"
#include "schemas/schema.h"
#include "schemas/values.h"
#include "schemas/writer.h"

struct store {
    sqlite3 *db;
    enum store_mode mode;
    int lock;
    struct str path;
    struct writer *writer; /* made with the first hand-over */
    int64_t next_session;
    bool copy;            /* it is pseudonymised */
    struct arena kept;    /* what the run before left */
    struct arena arena;   /* of the path and the inputs' texts */
    struct input *inputs; /* STORE_WRITE: all, by id */
    size_t input_count, input_room;
};

/* ---- What is read into arenas. */

static void read_input(struct arena *arena, sqlite3_stmt *row, void *to)
{
    *(struct input *)to = (struct input){ .id = sqlite3_column_int(row, 0),
                                          .path = plain_text(arena, row, 1),
                                          .kind = plain_text(arena, row, 2),
                                          .dialects = plain_text(arena, row, 3),
                                          .bytes = (uint64_t)sqlite3_column_int64(row, 4),
                                          .lines = (uint64_t)sqlite3_column_int64(row, 5),
                                          .other = (uint64_t)sqlite3_column_int64(row, 6),
                                          .skipped = (uint64_t)sqlite3_column_int64(row, 7),
                                          .first = plain_time(row, 8),
                                          .last = plain_time(row, 9),
                                          .head_hash = (uint64_t)sqlite3_column_int64(row, 10),
                                          .head_bytes = (uint64_t)sqlite3_column_int64(row, 11),
                                          .tail_hash = (uint64_t)sqlite3_column_int64(row, 12),
                                          .tail_bytes = (uint64_t)sqlite3_column_int64(row, 13),
                                          .zone = plain_text(arena, row, 14),
                                          .tags = plain_text(arena, row, 15) };
}

static void read_skipped(struct arena *arena, sqlite3_stmt *row, void *to)
{
    *(struct skipped *)to = (struct skipped){ .input = sqlite3_column_int(row, 0),
                                              .reason = plain_text(arena, row, 1).at,
                                              .shape = plain_text(arena, row, 2),
                                              .count = (uint64_t)sqlite3_column_int64(row, 3),
                                              .first_line = (uint64_t)sqlite3_column_int64(row, 4),
                                              .first_offset = (uint64_t)sqlite3_column_int64(row, 5),
                                              .first_text = plain_text(arena, row, 6) };
}

static void read_recorded(struct arena *arena, sqlite3_stmt *row, void *to)
{
    *(struct recorded_policy *)to = (struct recorded_policy){ .name = plain_text(arena, row, 0),
                                                              .yaml = plain_text(arena, row, 1),
                                                              .from = plain_time(row, 2),
                                                              .to = plain_time(row, 3) };
}

/* All rows of a query, as an array of things of `size` bytes in `arena`. */
static int read_all(struct store *store, const char *sql, size_t size,
                    void (*read)(struct arena *arena, sqlite3_stmt *row, void *to), struct arena *arena,
                    void **array, size_t *count, struct why *why)
{
    char *grown = NULL;
    size_t room = 0;
    sqlite3_stmt *row = NULL;
    *count = 0;
    int rc = sqlite3_prepare_v2(store->db, sql, -1, &row, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        if (*count == room)
            grown = mem_resize(grown, room = mem_grow(room, *count + 1), size);
        read(arena, row, grown + (*count)++ * size);
        rc = SQLITE_OK;
    }
    *array = *count ? memcpy(arena_alloc(arena, *count * size), grown, *count * size) : NULL;
    free(grown);
    sqlite3_finalize(row);
    return rc == SQLITE_DONE ? 0 : schema_why(store->db, rc, store->path.at, why);
}

/* So that this thread may use the connection. */
static int settle(struct store *store, struct why *why)
{
    return store->writer ? writer_settle(store->writer, why) : 0;
}

sqlite3 *store_connection(struct store *store, struct why *why)
{
    return settle(store, why) == 0 ? store->db : NULL;
}

const char *store_path(const struct store *store)
{
    return store->path.at;
}

static const char sql_inputs[] =
    "SELECT id, path, kind, dialects, bytes, lines, other, skipped, first, last, head_hash, "
    "head_bytes, tail_hash, tail_bytes, zone, tags FROM input ORDER BY id";

int store_inputs(struct store *store, struct arena *arena, struct input **inputs, size_t *count,
                 struct why *why)
{
    void *array = NULL;
    if (settle(store, why) != 0 ||
        read_all(store, sql_inputs, sizeof **inputs, read_input, arena, &array, count, why) != 0)
        return -1;
    *inputs = array;
    return 0;
}

int store_skipped(struct store *store, struct arena *arena, struct skipped **skipped, size_t *count,
                  struct why *why)
{
    void *array = NULL;
    if (settle(store, why) != 0 ||
        read_all(store,
                 "SELECT input, reason, shape, count, first_line, first_offset, first_text FROM skipped "
                 "ORDER BY count DESC, input, first_line",
                 sizeof **skipped, read_skipped, arena, &array, count, why) != 0)
        return -1;
    *skipped = array;
    return 0;
}

int store_recorded(struct store *store, struct arena *arena, struct recorded_policy **policies, size_t *count,
                   struct why *why)
{
    void *array = NULL;
    if (settle(store, why) != 0 ||
        read_all(store, "SELECT name, yaml, \"from\", \"to\" FROM recorded ORDER BY \"from\", id",
                 sizeof **policies, read_recorded, arena, &array, count, why) != 0)
        return -1;
    *policies = array;
    return 0;
}

/* ---- Writing. */

static struct writer *writer_of(struct store *store, struct why *why)
{
    if (!store->writer)
        store->writer = writer_new(store->db, store->path.at, store->copy, why);
    return store->writer;
}

static int take_session(void *state, const struct session *session, struct why *why)
{
    struct store *store = state;
    struct writer *writer = writer_of(store, why);
    if (!writer || writer_session(writer, session, why) != 0)
        return -1;
    if (session->id >= store->next_session)
        store->next_session = session->id + 1;
    return 0;
}

static int take_late(void *state, int64_t session_id, const struct evidence *evidence, struct why *why)
{
    struct writer *writer = writer_of(state, why);
    return writer ? writer_late(writer, session_id, evidence, why) : -1;
}

static int find_input(void *state, struct input *input, struct why *why)
{
    const struct store *store = state;
    (void)why;
    for (size_t i = 0; i < store->input_count; i++) {
        const struct input *known = &store->inputs[i];
        if (known->id <= input->id || known->head_hash != input->head_hash ||
            known->head_bytes != input->head_bytes)
            continue;
        *input = *known;
        return 1;
    }
    return 0;
}

/* An input is written down again and again while it grows; its texts are kept once. */
static struct str keep_changed(struct store *store, struct str kept, struct str text)
{
    return kept.at && str_eq(kept, text) ? kept : arena_str(&store->arena, text);
}

/* An input is known from here on, so that it is found before the writer is done with it. */
static int write_input(void *state, struct input *input, struct why *why)
{
    struct store *store = state;
    struct writer *writer = writer_of(store, why);
    if (!writer)
        return -1;
    size_t at = 0;
    if (input->id == 0)
        input->id = store->input_count ? store->inputs[store->input_count - 1].id + 1 : 1;
    while (at < store->input_count && store->inputs[at].id != input->id)
        at++;
    if (at == store->input_count) {
        mem_room(store->inputs, store->input_room, store->input_count + 1);
        store->inputs[store->input_count++] = (struct input){ 0 };
    }
    struct input *known = &store->inputs[at], before = *known;
    *known = *input;
    known->path = keep_changed(store, before.path, input->path);
    known->kind = keep_changed(store, before.kind, input->kind);
    known->dialects = keep_changed(store, before.dialects, input->dialects);
    known->zone = keep_changed(store, before.zone, input->zone);
    known->tags = keep_changed(store, before.tags, input->tags);
    return writer_input(writer, input, why);
}

static int write_skipped(void *state, const struct skipped *skipped, struct why *why)
{
    struct writer *writer = writer_of(state, why);
    return writer ? writer_skipped(writer, skipped, why) : -1;
}

static int commit(void *state, struct why *why)
{
    struct writer *writer = writer_of(state, why);
    return writer ? writer_commit(writer, why) : -1;
}

static int keep(void *state, struct str kept, struct why *why)
{
    struct writer *writer = writer_of(state, why);
    return writer ? writer_keep(writer, kept, why) : -1;
}

static int take_back(void *state, struct why *why)
{
    struct writer *writer = writer_of(state, why);
    return writer ? writer_take_back(writer, why) : -1;
}

static int join(void *state, struct why *why)
{
    struct writer *writer = writer_of(state, why);
    return writer ? writer_join(writer, why) : -1;
}

static int kept(void *state, struct str *bytes, struct why *why)
{
    struct store *store = state;
    *bytes = (struct str){ NULL, 0 };
    if (settle(store, why) != 0)
        return -1;
    arena_reset(&store->kept);
    int rc = kept_read(store->db, &store->kept, bytes);
    return rc == SQLITE_OK ? 0 : schema_why(store->db, rc, store->path.at, why);
}

struct sink store_sink(struct store *store)
{
    return (struct sink){ .state = store, .session = take_session, .late = take_late };
}

struct catalogue store_catalogue(struct store *store)
{
    return (struct catalogue){
        .state = store,
        .find = find_input,
        .write = write_input,
        .skipped = write_skipped,
        .commit = commit,
        .keep = keep,
        .kept = kept,
        .take_back = take_back,
        .join = join,
    };
}

int64_t store_next_session(struct store *store)
{
    return store->next_session;
}

int store_add_recorded(struct store *store, const struct recorded_policy *policy, struct why *why)
{
    if (settle(store, why) != 0)
        return -1;
    struct arena arena = { 0 };
    sqlite3_stmt *to = NULL;
    int rc = sqlite3_prepare_v2(
        store->db,
        "INSERT INTO recorded (name, yaml, \"from\", \"to\") SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS "
        "(SELECT * FROM recorded WHERE yaml = ?2 AND \"from\" IS ?3 AND \"to\" IS ?4)",
        -1, &to, NULL);
    if (rc == SQLITE_OK) {
        bind_text(to, 1, &arena, policy->name);
        bind_text(to, 2, &arena, policy->yaml);
        bind_time(to, 3, policy->from);
        bind_time(to, 4, policy->to);
        sqlite3_step(to);
        rc = sqlite3_finalize(to);
    }
    arena_free(&arena);
    return rc == SQLITE_OK ? 0 : schema_why(store->db, rc, store->path.at, why);
}

/* ---- Phrases. */

int store_phrases(struct store *store, struct phrasebook *book, struct why *why)
{
    if (settle(store, why) != 0)
        return -1;
    int rc = phrases_load(store->db, book);
    return rc == SQLITE_OK ? 0 : schema_why(store->db, rc, store->path.at, why);
}

int store_name(struct store *store, struct phrasebook *book, struct store_named *named, struct why *why)
{
    struct phrasebook known = { 0 };
    *named = (struct store_named){ 0 };
    assert(!store->writer);
    int rc = phrases_load(store->db, &known);
    named->same = rc == SQLITE_OK && phrasebook_same(&known, book);
    phrasebook_free(&known);
    if (rc == SQLITE_OK && !named->same)
        rc = renaming_apply(store->db, book, named);
    return rc == SQLITE_OK ? 0 : schema_why(store->db, rc, store->path.at, why);
}

/* ---- Reading. */

int store_each(struct store *store, const struct store_filter *filter,
               int (*take)(void *state, const struct session *session), void *state, struct why *why)
{
    return settle(store, why) != 0 ? -1 : reader_each(store->db, store->path.at, filter, take, state, why);
}

int store_summarise(struct store *store, struct store_summary *summary, struct why *why)
{
    sqlite3_stmt *row = NULL;
    struct stat status = { 0 };
    if (settle(store, why) != 0)
        return -1;
    int rc = sqlite3_prepare_v2(store->db,
                                "SELECT sessions, transactions, recipients, messages, evidence, first, last, "
                                "(SELECT count(*) FROM joined) FROM total",
                                -1, &row, NULL);
    *summary = (struct store_summary){ .first = USEC_NONE, .last = USEC_NONE };
    if (rc == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW)
        *summary = (struct store_summary){ .sessions = (uint64_t)sqlite3_column_int64(row, 0),
                                           .transactions = (uint64_t)sqlite3_column_int64(row, 1),
                                           .recipients = (uint64_t)sqlite3_column_int64(row, 2),
                                           .messages = (uint64_t)sqlite3_column_int64(row, 3),
                                           .evidence = (uint64_t)sqlite3_column_int64(row, 4),
                                           .first = plain_time(row, 5),
                                           .last = plain_time(row, 6),
                                           .joined = (uint64_t)sqlite3_column_int64(row, 7) };
    int end = sqlite3_finalize(row);
    if (stat(store->path.at, &status) == 0)
        summary->bytes = (uint64_t)status.st_size;
    rc = rc == SQLITE_OK ? end : rc;
    return rc == SQLITE_OK ? 0 : schema_why(store->db, rc, store->path.at, why);
}

int store_check(struct store *store, void (*complain)(void *state, const char *finding), void *state,
                struct why *why)
{
    return settle(store, why) != 0 ? -1 : check_database(store->db, store->path.at, complain, state, why);
}

/* ---- Retention. */

int store_prune(struct store *store, usec before, bool dry_run, struct store_pruned *pruned, struct why *why)
{
    int result = settle(store, why);
    writer_free(store->writer); /* it knows numbers that may be free afterwards */
    store->writer = NULL;
    return result == 0 ? prune_database(store->db, store->path.at, before, dry_run, pruned, why) : -1;
}

/* ---- Copies. */

int store_begin_copy(struct store *store, struct why *why)
{
    int rc = sqlite3_exec(
        store->db, "INSERT INTO past VALUES (1, NULL, NULL, 1) ON CONFLICT (id) DO UPDATE SET copy = 1", NULL,
        NULL, NULL);
    store->copy = rc == SQLITE_OK;
    return rc == SQLITE_OK ? 0 : schema_why(store->db, rc, store->path.at, why);
}

bool store_is_copy(const struct store *store)
{
    return store->copy;
}

/* ---- Opening and closing. */

static int know_what_is_there(struct store *store, struct why *why)
{
    void *array = NULL;
    int rc = schema_number(store->db,
                           "SELECT max(ifnull((SELECT max(id) FROM session), 0), "
                           "ifnull((SELECT session FROM past), 0), "
                           "ifnull((SELECT session FROM joining), 0))",
                           &store->next_session);
    store->next_session++;
    int64_t copy = 0;
    if (rc == SQLITE_OK)
        rc = schema_number(store->db, "SELECT copy FROM past", &copy);
    store->copy = copy != 0;
    if (rc != SQLITE_OK)
        return schema_why(store->db, rc, store->path.at, why);
    if (read_all(store, sql_inputs, sizeof *store->inputs, read_input, &store->arena, &array,
                 &store->input_count, why) != 0)
        return -1;
    mem_room(store->inputs, store->input_room, store->input_count);
    if (store->input_count)
        memcpy(store->inputs, array, store->input_count * sizeof *store->inputs);
    return 0;
}

int store_open(const char *path, enum store_mode mode, struct store **store, struct why *why)
{
    sqlite3 *db = NULL;
    int lock = -1;
    *store = NULL;
    if (schema_open(path, mode, &db, &lock, why) != 0)
        return -1;
    struct store *opened = mem_zero(1, sizeof *opened);
    opened->db = db;
    opened->mode = mode;
    opened->lock = lock;
    opened->path = arena_str(&opened->arena, str_of(path));
    if (know_what_is_there(opened, why) != 0) {
        store_close(opened, NULL);
        return -1;
    }
    *store = opened;
    return 0;
}

int store_close(struct store *store, struct why *why)
{
    int result = settle(store, why);
    writer_free(store->writer);
    int closed = schema_close(store->path.at, store->mode, store->db, store->lock, result == 0 ? why : NULL);
    free(store->inputs);
    arena_free(&store->kept);
    arena_free(&store->arena);
    free(store);
    return result == 0 ? closed : result;
}

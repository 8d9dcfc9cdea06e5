/* The store's own thread. */
#define _GNU_SOURCE /* pthread_setname_np */
#include "schemas/writer.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sysexits.h>
#include "schemas/joining.h"
#include "schemas/layout.h"
#include "schemas/pack.h"
#include "schemas/values.h"

/* About 2000 sessions: large enough that handing over costs nothing, small enough that three stay in the
 * cache. */
enum { BATCH_BYTES = 2 * 1024 * 1024, BATCHES = 3, AHEAD = 8 };
enum { LINE_BYTES = 64 /* of a cache */, FETCHED_MOST = 2048 };

enum item_kind { ITEM_SESSION, ITEM_LATE, ITEM_INPUT, ITEM_SKIPPED, ITEM_KEEP, ITEM_TAKE_BACK, ITEM_JOIN };
struct item {
    struct item *next;
    enum item_kind kind;
    int64_t session_id;        /* of ITEM_LATE */
    struct name_hashes hashes; /* of ITEM_SESSION */
    union {
        struct session *session;
        struct evidence *evidence;
        struct input *input;
        struct skipped *skipped;
        struct str *kept;
    };
};

/* Filled from the front; what is larger than a whole batch has one of its own. */
struct batch {
    struct batch *next;
    struct item *first, **end;
    char *memory, *at;
    size_t size;
    bool commit, stop;
};

struct writer {
    sqlite3 *db;
    const char *path;
    struct packer *packer;
    sqlite3_stmt *begin, *commit, *input, *skipped;
    pthread_t thread;
    bool started;
    struct batch *filling; /* the caller's */
    struct batch batch[BATCHES];

    pthread_mutex_t mutex; /* for what follows */
    pthread_cond_t changed;
    struct batch *empty, *full, **full_end;
    unsigned under_way;
    struct why why;     /* set when failed */
    atomic_bool failed; /* looked at for each session, without the mutex */
};

/* ---- The thread. */

static const char input_sql[] =
    "INSERT OR REPLACE INTO input (id, path, kind, dialects, bytes, lines, other, skipped, first, last, "
    "collected, head_hash, head_bytes, tail_hash, tail_bytes, zone, tags) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

static int write_input(struct writer *writer, const struct input *input)
{
    sqlite3_stmt *to = writer->input;
    struct arena arena = { 0 };
    sqlite3_bind_int(to, 1, input->id);
    bind_text(to, 2, &arena, input->path);
    bind_text(to, 3, &arena, input->kind);
    bind_text(to, 4, &arena, input->dialects);
    sqlite3_bind_int64(to, 5, (int64_t)input->bytes);
    sqlite3_bind_int64(to, 6, (int64_t)input->lines);
    sqlite3_bind_int64(to, 7, (int64_t)input->other);
    sqlite3_bind_int64(to, 8, (int64_t)input->skipped);
    bind_time(to, 9, input->first);
    bind_time(to, 10, input->last);
    sqlite3_bind_int64(to, 11, clock_now());
    sqlite3_bind_int64(to, 12, (int64_t)input->head_hash);
    sqlite3_bind_int64(to, 13, (int64_t)input->head_bytes);
    sqlite3_bind_int64(to, 14, (int64_t)input->tail_hash);
    sqlite3_bind_int64(to, 15, (int64_t)input->tail_bytes);
    bind_text(to, 16, &arena, input->zone);
    bind_text(to, 17, &arena, input->tags);
    arena_free(&arena);
    sqlite3_step(to);
    return sqlite3_reset(to);
}

static const char skipped_sql[] =
    "INSERT INTO skipped (input, reason, shape, count, first_line, first_offset, first_text) "
    "VALUES (?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (input, reason, shape) DO UPDATE SET count = count + excluded.count";

static int write_skipped(struct writer *writer, const struct skipped *skipped)
{
    sqlite3_stmt *to = writer->skipped;
    struct arena arena = { 0 };
    sqlite3_bind_int(to, 1, skipped->input);
    bind_text(to, 2, &arena, str_of(skipped->reason));
    bind_text(to, 3, &arena, skipped->shape);
    sqlite3_bind_int64(to, 4, (int64_t)skipped->count);
    sqlite3_bind_int64(to, 5, (int64_t)skipped->first_line);
    sqlite3_bind_int64(to, 6, (int64_t)skipped->first_offset);
    bind_text(to, 7, &arena, skipped->first_text);
    arena_free(&arena);
    sqlite3_step(to);
    return sqlite3_reset(to);
}

static int step(sqlite3_stmt *statement)
{
    sqlite3_step(statement);
    return sqlite3_reset(statement);
}

/* Says what names will be asked for AHEAD sessions later, so that they are at hand then; returns the next to
 * be announced. */
static const struct item *announce(const struct packer *packer, const struct item *item)
{
    if (!item)
        return NULL;
    if (item->kind == ITEM_SESSION)
        packer_announce(packer, &item->hashes);
    /* The item itself, and the front of the next, were written by another processor. */
    const char *at = (const char *)item, *end = item->next ? (const char *)item->next : at;
    for (size_t i = LINE_BYTES; i <= FETCHED_MOST && at + i <= end; i += LINE_BYTES)
        __builtin_prefetch(at + i);
    return item->next;
}

static int write_batch(struct writer *writer, const struct batch *batch)
{
    int rc = SQLITE_OK;
    const struct item *ahead = batch->first;
    for (int i = 0; i < AHEAD; i++)
        ahead = announce(writer->packer, ahead);
    if (batch->first && sqlite3_get_autocommit(writer->db))
        rc = step(writer->begin);
    for (const struct item *item = batch->first; item && rc == SQLITE_OK; item = item->next) {
        ahead = announce(writer->packer, ahead);
        switch (item->kind) {
        case ITEM_SESSION:
            packer_session(writer->packer, item->session, &item->hashes);
            break;
        case ITEM_LATE:
            packer_late(writer->packer, item->session_id, item->evidence);
            break;
        case ITEM_INPUT:
            rc = write_input(writer, item->input);
            break;
        case ITEM_SKIPPED:
            rc = write_skipped(writer, item->skipped);
            break;
        case ITEM_KEEP:
            rc = packer_flush(writer->packer);
            if (rc == SQLITE_OK)
                rc = packer_keep(writer->packer, *item->kept);
            break;
        case ITEM_TAKE_BACK:
            rc = packer_flush(writer->packer);
            if (rc == SQLITE_OK)
                rc = packer_take_back(writer->packer);
            break;
        case ITEM_JOIN:
            rc = packer_flush(writer->packer);
            if (rc == SQLITE_OK)
                rc = joining_run(writer->packer);
            break;
        }
    }
    if (rc == SQLITE_OK)
        rc = packer_flush(writer->packer);
    if (rc == SQLITE_OK && batch->commit && !sqlite3_get_autocommit(writer->db)) {
        rc = packer_totals(writer->packer);
        if (rc == SQLITE_OK)
            rc = step(writer->commit);
    }
    return rc;
}

static void *writer_run(void *state)
{
    struct writer *writer = state;
    bool failed = false, stop = false;
    pthread_mutex_lock(&writer->mutex);
    while (!stop) {
        while (!writer->full)
            pthread_cond_wait(&writer->changed, &writer->mutex);
        struct batch *batch = writer->full;
        writer->full = batch->next;
        if (!writer->full)
            writer->full_end = &writer->full;
        pthread_mutex_unlock(&writer->mutex);

        stop = batch->stop;
        struct why why = { 0 };
        int rc = failed ? SQLITE_OK : write_batch(writer, batch);
        if (rc != SQLITE_OK) {
            schema_why(writer->db, rc, writer->path, &why);
            if (!sqlite3_get_autocommit(writer->db))
                sqlite3_exec(writer->db, "ROLLBACK", NULL, NULL, NULL);
            failed = true;
        }

        pthread_mutex_lock(&writer->mutex);
        if (rc != SQLITE_OK) {
            writer->why = why;
            atomic_store(&writer->failed, true);
        }
        batch->next = writer->empty;
        writer->empty = batch;
        writer->under_way--;
        pthread_cond_broadcast(&writer->changed);
    }
    pthread_mutex_unlock(&writer->mutex);
    return NULL;
}

/* ---- The caller. */

static void batch_clear(struct batch *batch)
{
    if (batch->size > BATCH_BYTES) {
        free(batch->memory);
        batch->memory = NULL;
        batch->size = 0;
    }
    batch->at = batch->memory;
    batch->first = NULL;
    batch->end = &batch->first;
    batch->commit = batch->stop = false;
}

static void hand_over(struct writer *writer)
{
    struct batch *batch = writer->filling;
    writer->filling = NULL;
    pthread_mutex_lock(&writer->mutex);
    batch->next = NULL;
    *writer->full_end = batch;
    writer->full_end = &batch->next;
    writer->under_way++;
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->mutex);
}

static int failed(struct writer *writer, struct why *why)
{
    if (!atomic_load(&writer->failed))
        return 0;
    pthread_mutex_lock(&writer->mutex);
    if (why)
        *why = writer->why;
    pthread_mutex_unlock(&writer->mutex);
    return -1;
}

/* Waits for an empty batch: this is what bounds the memory. */
static struct batch *batch_take(struct writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    while (!writer->empty)
        pthread_cond_wait(&writer->changed, &writer->mutex);
    struct batch *batch = writer->empty;
    writer->empty = batch->next;
    pthread_mutex_unlock(&writer->mutex);
    batch_clear(batch);
    return batch;
}

/* The batch to be filled, with room for `bytes`; hands the one before over when it is full. */
static struct batch *batch_with_room(struct writer *writer, size_t bytes)
{
    struct batch *batch = writer->filling;
    if (batch && batch->size - (size_t)(batch->at - batch->memory) < bytes)
        hand_over(writer);
    if (!writer->filling)
        writer->filling = batch_take(writer);
    batch = writer->filling;
    if (batch->size < bytes || !batch->memory) {
        free(batch->memory);
        batch->size = bytes > BATCH_BYTES ? bytes : BATCH_BYTES;
        batch->memory = batch->at = mem_alloc(batch->size);
    }
    return batch;
}

static void *take_bytes(struct batch *batch, size_t bytes)
{
    void *memory = batch->at;
    batch->at += bytes;
    return memory;
}

static size_t aligned(size_t bytes)
{
    return (bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

/* An array copied into the batch. */
static void *take_copy(struct batch *batch, const void *from, size_t count, size_t size)
{
    void *copy = take_bytes(batch, aligned(count * size));
    if (count)
        memcpy(copy, from, count * size);
    return copy;
}

static void take_text(struct batch *batch, struct str *text)
{
    if (text->len)
        text->at = memcpy(take_bytes(batch, text->len), text->at, text->len);
    else if (text->at)
        text->at = "";
}

/* Every text of a session, its transactions, recipients and evidence: one walk for measuring and for copying,
 * of which each is to have code of its own: a call for each text would be most of the work. */
typedef void each_text(void *state, struct str *text);
#define FOR_EACH_USE static inline __attribute__((always_inline))

FOR_EACH_USE void reply_texts(struct reply *reply, each_text *each, void *state)
{
    each(state, &reply->enhanced);
    each(state, &reply->text);
}

FOR_EACH_USE void session_texts(struct session *session, each_text *each, void *state)
{
    each(state, &session->server);
    each(state, &session->service);
    each(state, &session->client_name);
    each(state, &session->helo);
    each(state, &session->auth_user);
    reply_texts(&session->reply, each, state);
    for (uint32_t t = 0; t < session->transaction_count; t++) {
        struct transaction *transaction = &session->transactions[t];
        each(state, &transaction->mail_from);
        each(state, &transaction->queue_id);
        each(state, &transaction->message_id);
        reply_texts(&transaction->reply, each, state);
        for (uint32_t r = 0; r < transaction->recipient_count; r++) {
            each(state, &transaction->recipients[r].address);
            reply_texts(&transaction->recipients[r].reply, each, state);
        }
    }
    for (uint32_t e = 0; e < session->evidence_count; e++) {
        each(state, &session->evidence[e].subject);
        each(state, &session->evidence[e].detail);
    }
}

static void add_length(void *bytes, struct str *text)
{
    *(size_t *)bytes += text->len;
}

static void copy_text(void *batch, struct str *text)
{
    take_text(batch, text);
}

/* A new item at the end of the batch, with `size` bytes copied from `from` behind it. */
static struct item *add_item(struct batch *batch, enum item_kind kind, const void *from, size_t size)
{
    struct item *item = take_bytes(batch, aligned(sizeof *item));
    item->next = NULL;
    item->kind = kind;
    item->session_id = 0;
    item->hashes = (struct name_hashes){ 0 };
    item->session = take_copy(batch, from, 1, size);
    *batch->end = item;
    batch->end = &item->next;
    return item;
}

/* A batch with room for an item of `size` bytes and its texts. */
static struct batch *batch_for(struct writer *writer, size_t size, size_t text_bytes)
{
    /* What comes next must be aligned again. */
    return batch_with_room(writer, aligned(sizeof(struct item)) + aligned(size) + aligned(text_bytes));
}

static void align(struct batch *batch)
{
    batch->at = batch->memory + aligned((size_t)(batch->at - batch->memory));
}

int writer_session(struct writer *writer, const struct session *session, struct why *why)
{
    if (failed(writer, why) != 0)
        return -1;
    size_t bytes = aligned(sizeof *session) +
                   aligned(session->transaction_count * sizeof *session->transactions) +
                   aligned(session->evidence_count * sizeof *session->evidence);
    size_t recipients = 0, text_bytes = 0;
    for (uint32_t t = 0; t < session->transaction_count; t++) {
        recipients += session->transactions[t].recipient_count;
        bytes += aligned(session->transactions[t].recipient_count * sizeof(struct recipient));
    }
    if (session->transaction_count >= THINGS_MOST || session->evidence_count >= THINGS_MOST ||
        recipients >= THINGS_MOST)
        return why_set(why, EX_DATAERR,
                       "%s: session %lld has more than %d transactions, recipients or pieces of evidence; "
                       "leave its lines out",
                       writer->path, (long long)session->id, THINGS_MOST - 1);
    struct session copy = *session;
    session_texts(&copy, add_length, &text_bytes);
    struct batch *batch = batch_for(writer, bytes, text_bytes);
    struct item *item = add_item(batch, ITEM_SESSION, session, sizeof *session);
    struct session *kept = item->session;
    item->hashes = packer_hashes(session);
    kept->transactions =
        take_copy(batch, session->transactions, session->transaction_count, sizeof *session->transactions);
    for (uint32_t t = 0; t < kept->transaction_count; t++)
        kept->transactions[t].recipients =
            take_copy(batch, kept->transactions[t].recipients, kept->transactions[t].recipient_count,
                      sizeof(struct recipient));
    kept->evidence = take_copy(batch, session->evidence, session->evidence_count, sizeof *session->evidence);
    session_texts(kept, copy_text, batch);
    align(batch);
    return 0;
}

int writer_late(struct writer *writer, int64_t session_id, const struct evidence *evidence, struct why *why)
{
    if (failed(writer, why) != 0)
        return -1;
    struct batch *batch = batch_for(writer, sizeof *evidence, evidence->subject.len + evidence->detail.len);
    struct item *item = add_item(batch, ITEM_LATE, evidence, sizeof *evidence);
    item->session_id = session_id;
    take_text(batch, &item->evidence->subject);
    take_text(batch, &item->evidence->detail);
    align(batch);
    return 0;
}

int writer_input(struct writer *writer, const struct input *input, struct why *why)
{
    if (failed(writer, why) != 0)
        return -1;
    struct batch *batch = batch_for(writer, sizeof *input,
                                    input->path.len + input->kind.len + input->dialects.len +
                                        input->zone.len + input->tags.len);
    struct input *kept = add_item(batch, ITEM_INPUT, input, sizeof *input)->input;
    take_text(batch, &kept->path);
    take_text(batch, &kept->kind);
    take_text(batch, &kept->dialects);
    take_text(batch, &kept->zone);
    take_text(batch, &kept->tags);
    align(batch);
    return 0;
}

int writer_skipped(struct writer *writer, const struct skipped *skipped, struct why *why)
{
    if (failed(writer, why) != 0)
        return -1;
    size_t reason_bytes = strlen(skipped->reason) + 1;
    struct batch *batch =
        batch_for(writer, sizeof *skipped, reason_bytes + skipped->shape.len + skipped->first_text.len);
    struct skipped *kept = add_item(batch, ITEM_SKIPPED, skipped, sizeof *skipped)->skipped;
    kept->reason = memcpy(take_bytes(batch, reason_bytes), skipped->reason, reason_bytes);
    take_text(batch, &kept->shape);
    take_text(batch, &kept->first_text);
    align(batch);
    return 0;
}

int writer_keep(struct writer *writer, struct str kept, struct why *why)
{
    if (failed(writer, why) != 0)
        return -1;
    struct batch *batch = batch_for(writer, sizeof kept, kept.len);
    take_text(batch, add_item(batch, ITEM_KEEP, &kept, sizeof kept)->kept);
    align(batch);
    return 0;
}

int writer_take_back(struct writer *writer, struct why *why)
{
    if (failed(writer, why) != 0)
        return -1;
    add_item(batch_for(writer, 0, 0), ITEM_TAKE_BACK, "", 0);
    return 0;
}

int writer_join(struct writer *writer, struct why *why)
{
    if (failed(writer, why) != 0)
        return -1;
    add_item(batch_for(writer, 0, 0), ITEM_JOIN, "", 0);
    return 0;
}

int writer_commit(struct writer *writer, struct why *why)
{
    if (failed(writer, why) != 0)
        return -1;
    batch_with_room(writer, 0)->commit = true;
    hand_over(writer);
    return 0;
}

int writer_settle(struct writer *writer, struct why *why)
{
    if (!writer->started || writer_commit(writer, why) != 0)
        return writer->started ? -1 : 0;
    pthread_mutex_lock(&writer->mutex);
    while (writer->under_way)
        pthread_cond_wait(&writer->changed, &writer->mutex);
    pthread_mutex_unlock(&writer->mutex);
    return failed(writer, why);
}

struct writer *writer_new(sqlite3 *db, const char *path, bool ordered, struct why *why)
{
    struct writer *writer = mem_zero(1, sizeof *writer);
    writer->db = db;
    writer->path = path;
    writer->full_end = &writer->full;
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_cond_init(&writer->changed, NULL);
    for (int i = 0; i < BATCHES; i++) {
        writer->batch[i].next = writer->empty;
        writer->empty = &writer->batch[i];
    }
    const struct {
        const char *sql;
        sqlite3_stmt **statement;
    } wanted[] = { { "BEGIN IMMEDIATE", &writer->begin },
                   { "COMMIT", &writer->commit },
                   { input_sql, &writer->input },
                   { skipped_sql, &writer->skipped } };
    int rc = SQLITE_OK;
    writer->packer = packer_new(db, ordered, &rc);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted && rc == SQLITE_OK; i++)
        rc = sqlite3_prepare_v3(db, wanted[i].sql, -1, SQLITE_PREPARE_PERSISTENT, wanted[i].statement, NULL);
    if (rc != SQLITE_OK) {
        schema_why(db, rc, path, why);
        writer_free(writer);
        return NULL;
    }
    int failure = pthread_create(&writer->thread, NULL, writer_run, writer);
    if (failure) {
        why_set(why, EX_OSERR, "%s: no thread can be started to write it: %s", path, strerror(failure));
        writer_free(writer);
        return NULL;
    }
    pthread_setname_np(writer->thread, "store");
    writer->started = true;
    return writer;
}

void writer_free(struct writer *writer)
{
    if (!writer)
        return;
    if (writer->started) {
        batch_with_room(writer, 0)->stop = true;
        hand_over(writer);
        pthread_join(writer->thread, NULL);
        if (!sqlite3_get_autocommit(writer->db))
            sqlite3_exec(writer->db, "ROLLBACK", NULL, NULL, NULL);
    }
    packer_free(writer->packer);
    sqlite3_finalize(writer->begin);
    sqlite3_finalize(writer->commit);
    sqlite3_finalize(writer->input);
    sqlite3_finalize(writer->skipped);
    for (int i = 0; i < BATCHES; i++)
        free(writer->batch[i].memory);
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->mutex);
    free(writer);
}

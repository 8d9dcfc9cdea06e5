/* What the database has of a session that a log and a capture share, to put both back: bytes that may be
 * damaged, or anybody's. Whatever they are, the two are put back or an error is told, and what stands in the
 * database afterwards can be read and joined again. */
#define _GNU_SOURCE /* mkdtemp */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "collect/state.h"
#include "schemas/joining.h"
#include "schemas/reader.h"
#include "schemas/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WITH_PLACES = 1, HASHED_PLACES = 2, HASHED_RECORD = 4, OPEN_LOG = 8, HEAD_BYTES = 3 };

static char folder[] = "/tmp/mxreplay-fuzz-XXXXXX";

static void remove_folder(void)
{
    static const char *const names[] = { "capture.db", "log.db" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[80];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

/* One session as the log or the capture has it. */
static void put(const struct sink *sink, int32_t input, int64_t id)
{
    struct recipient recipients[] = {
        { .address = STR("a@example.com"), .reply = { .code = 250, .stage = STAGE_RCPT } },
        { .address = input == 1 ? STR("b@example.com") : STR("c@example.com"),
          .reply = { .code = 450, .stage = STAGE_RCPT, .text = STR("later") } }
    };
    struct transaction transactions[] = {
        { .mail_from = STR("x@example.org"), .size = -1, .recipients = recipients, .recipient_count = 2 },
        { .mail_from = STR("y@example.org"), .size = -1, .recipients = recipients, .recipient_count = 1 }
    };
    struct evidence evidence = { .kind = KIND_RDNS, .state = YES, .transaction = -1, .recipient = -1 };
    struct session session = { .id = id,
                               .input = input,
                               .started = 1795392000 * USEC_SECOND,
                               .ended = 1795392009 * USEC_SECOND,
                               .client = ip_from_v4(0xc0000201),
                               .client_port = 1024,
                               .helo = STR("client.example.net"),
                               .stage = STAGE_RCPT,
                               .transactions = input == 1 ? transactions : transactions + 1,
                               .transaction_count = input == 1 ? 2 : 1,
                               .evidence = &evidence,
                               .evidence_count = 1 };
    struct why why = { 0 };
    int result = sink->session(sink->state, &session, &why);
    assert(result == 0);
}

/* A database in which one of the two stands for what is open. */
static sqlite3 *make(const char *name, int32_t settled)
{
    static char path[80];
    struct store *store = NULL;
    struct why why = { 0 };
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int result = store_open(path, STORE_WRITE, &store, &why);
    struct sink sink = store_sink(store);
    struct catalogue catalogue = store_catalogue(store);
    struct input inputs[] = { { .path = STR("mail.log"), .kind = STR("log"), .head_hash = 1 },
                              { .path = STR("mx.pcap"), .kind = STR("capture"), .head_hash = 2 } };
    for (size_t i = 0; i < 2; i++)
        result |= catalogue.write(catalogue.state, &inputs[i], &why);
    put(&sink, settled, 1);
    struct evidence late = { .kind = KIND_FATE, .state = YES, .transaction = 0, .recipient = 0 };
    result |= settled == 1 && sink.late(sink.state, 1, &late, &why);
    result |= catalogue.keep(catalogue.state, STR("state"), &why);
    put(&sink, 3 - settled, 2);
    result |= catalogue.join(catalogue.state, &why) | catalogue.commit(catalogue.state, &why);
    result |= store_close(store, &why);
    sqlite3 *db = NULL;
    result |= sqlite3_open(path, &db);
    assert(result == 0);
    return db;
}

/* With the hash that state_end() would have written, or as it is. */
static void bind(sqlite3_stmt *to, int at, struct str bytes, bool hashed)
{
    char *copy = mem_alloc(bytes.len + sizeof(uint64_t));
    uint64_t hash = bytes_hash(bytes.at, bytes.len, 0);
    if (bytes.len)
        memcpy(copy, bytes.at, bytes.len);
    memcpy(copy + bytes.len, &hash, sizeof hash);
    sqlite3_bind_blob64(to, at, copy, bytes.len + (hashed ? sizeof hash : 0), free);
}

static int take(void *state, const struct session *session)
{
    ++*(uint64_t *)state;
    assert(session->stage < STAGES && session->verdict < VERDICTS && session->closed < CLOSED_KINDS);
    assert(session->reply.named < NAMED_COUNT);
    for (uint32_t i = 0; i < session->evidence_count; i++)
        assert(session->evidence[i].kind < KINDS && session->evidence[i].origin < ORIGINS);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sqlite3 *db[2];
    static const struct store_filter all = { .outbound = true };
    if (!db[0]) {
        char *made = mkdtemp(folder);
        assert(made);
        atexit(remove_folder);
        db[0] = make("capture.db", 1);
        db[1] = make("log.db", 2);
    }
    if (size < HEAD_BYTES)
        return 0;
    sqlite3 *of = db[data[0] & OPEN_LOG ? 1 : 0];
    size_t rest = size - HEAD_BYTES, places = (size_t)data[1] << 8 | data[2];
    places = places < rest ? places : rest;
    const char *bytes = (const char *)data + HEAD_BYTES;
    sqlite3_stmt *to = NULL;
    int rc = sqlite3_exec(of, "BEGIN", NULL, NULL, NULL);
    rc |= sqlite3_prepare_v2(of, "UPDATE joined SET places = ?, record = ?", -1, &to, NULL);
    assert(rc == SQLITE_OK);
    if (data[0] & WITH_PLACES)
        bind(to, 1, (struct str){ bytes, places }, data[0] & HASHED_PLACES);
    bind(to, 2, (struct str){ bytes + places, rest - places }, data[0] & HASHED_RECORD);
    sqlite3_step(to);
    rc = sqlite3_finalize(to);
    assert(rc == SQLITE_OK);
    struct packer *packer = packer_new(of, true, &rc);
    assert(packer);
    struct why why = { 0 };
    uint64_t sessions = 0;
    rc = joining_take_back(packer);
    if (rc == SQLITE_OK) {
        int result = reader_each(of, "fuzz", &all, take, &sessions, &why);
        assert(result == 0 && sessions > 0);
        rc = joining_run(packer);
        assert(rc == SQLITE_OK);
        result = reader_each(of, "fuzz", &all, take, &sessions, &why);
        assert(result == 0);
    } else {
        assert(rc == SQLITE_CORRUPT);
    }
    packer_free(packer);
    sqlite3_exec(of, "ROLLBACK", NULL, NULL, NULL);
    return 0;
}

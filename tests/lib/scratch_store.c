/* A store in a folder of its own, for tests. */
#define _GNU_SOURCE /* mkdtemp */
#include "tests/lib/scratch_store.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char scratch_folder[64], scratch_path[96];
struct arena scratch_arena;

void scratch_begin(void)
{
    snprintf(scratch_folder, sizeof scratch_folder, "/tmp/mxreplay-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(scratch_folder));
    snprintf(scratch_path, sizeof scratch_path, "%s/traffic.db", scratch_folder);
}

void scratch_end(void)
{
    static const char *const suffix[] = { "", "-wal", "-shm", "-journal" };
    for (size_t i = 0; i < sizeof suffix / sizeof *suffix; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s%s", scratch_path, suffix[i]);
        unlink(name);
    }
    rmdir(scratch_folder);
    arena_free(&scratch_arena);
}

struct store *scratch_open(enum store_mode mode)
{
    struct why why = { 0 };
    struct store *store = NULL;
    ck_assert_msg(store_open(scratch_path, mode, &store, &why) == 0, "%s", why.text);
    return store;
}

void scratch_close(struct store *store)
{
    struct why why = { 0 };
    ck_assert_msg(store_close(store, &why) == 0, "%s", why.text);
}

void scratch_put(struct store *store, const struct session *session)
{
    struct why why = { 0 };
    struct sink sink = store_sink(store);
    ck_assert_msg(sink.session(sink.state, session, &why) == 0, "%s", why.text);
}

void scratch_late(struct store *store, int64_t session_id, const struct evidence *evidence)
{
    struct why why = { 0 };
    struct sink sink = store_sink(store);
    ck_assert_msg(sink.late(sink.state, session_id, evidence, &why) == 0, "%s", why.text);
}

void scratch_commit(struct store *store)
{
    struct why why = { 0 };
    struct catalogue catalogue = store_catalogue(store);
    ck_assert_msg(catalogue.commit(catalogue.state, &why) == 0, "%s", why.text);
}

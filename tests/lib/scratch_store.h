/* A store in a folder of its own, for tests: scratch_begin() and scratch_end() are the fixture; what fails,
 * fails the test. */
#ifndef TESTS_LIB_SCRATCH_STORE_H
#define TESTS_LIB_SCRATCH_STORE_H

#include "base/memory.h"
#include "schemas/store.h"

extern char scratch_folder[64], scratch_path[96]; /* of the database */
extern struct arena scratch_arena;                /* freed by scratch_end() */

void scratch_begin(void);
void scratch_end(void);
struct store *scratch_open(enum store_mode mode);
void scratch_close(struct store *store);
void scratch_put(struct store *store, const struct session *session);
void scratch_late(struct store *store, int64_t session_id, const struct evidence *evidence);
void scratch_commit(struct store *store);

#endif

/* The store's own thread. What is handed over is copied into batches of bounded size; the thread packs and
 * writes them in the order in which it came, while the caller goes on. At most BATCHES are under way, then
 * the caller waits. */
#ifndef SCHEMAS_WRITER_H
#define SCHEMAS_WRITER_H

#include "base/why.h"
#include "collect/collect.h"

#include <sqlite3.h>

struct writer;

/* `path` is for messages. `ordered`: evidence is read again in the order in which it is handed over. The
 * thread has the connection to itself but for the time between writer_settle() and the next hand-over. NULL
 * with why where the database cannot be prepared. */
struct writer *writer_new(sqlite3 *db, const char *path, bool ordered, struct why *why);
/* Gives up what is not committed. */
void writer_free(struct writer *writer);

/* Each returns 0, or -1 with the reason why what was handed over before could not be written. */
int writer_session(struct writer *writer, const struct session *session, struct why *why);
int writer_late(struct writer *writer, int64_t session_id, const struct evidence *evidence, struct why *why);
int writer_input(struct writer *writer, const struct input *input, struct why *why);
int writer_skipped(struct writer *writer, const struct skipped *skipped, struct why *why);
int writer_keep(struct writer *writer, struct str kept, struct why *why);
int writer_take_back(struct writer *writer, struct why *why);
int writer_join(struct writer *writer, struct why *why);
/* Has what was handed over so far committed together; does not wait for it. */
int writer_commit(struct writer *writer, struct why *why);
/* Waits until all that was handed over is committed, or is known to have failed. */
int writer_settle(struct writer *writer, struct why *why);

#endif

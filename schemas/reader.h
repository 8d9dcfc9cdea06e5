/* Rows to sessions. */
#ifndef SCHEMAS_READER_H
#define SCHEMAS_READER_H

#include "schemas/store.h"

#include <sqlite3.h>

/* store_each(), for a connection whose writer has settled. */
int reader_each(sqlite3 *db, const char *path, const struct store_filter *filter,
                int (*take)(void *state, const struct session *session), void *state, struct why *why);

#endif

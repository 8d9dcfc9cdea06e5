/* Retention: what started before a time goes. */
#ifndef SCHEMAS_PRUNE_H
#define SCHEMAS_PRUNE_H

#include "schemas/store.h"

#include <sqlite3.h>

/* store_prune(), for a connection that has no writer. */
int prune_database(sqlite3 *db, const char *path, usec before, bool dry_run, struct store_pruned *pruned,
                   struct why *why);

#endif

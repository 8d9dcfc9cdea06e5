/* Is a database whole? */
#ifndef SCHEMAS_CHECK_H
#define SCHEMAS_CHECK_H

#include "base/why.h"

#include <sqlite3.h>

/* store_check(), for a connection whose writer has settled. */
int check_database(sqlite3 *db, const char *path, void (*complain)(void *state, const char *finding),
                   void *state, struct why *why);

#endif

/* What a run of collect leaves to the next one, in pieces: of what is megabytes, little changes from one
 * commit to the next, and only that is written. Where a piece ends, the bytes themselves tell, so what grows
 * or shrinks in front of others leaves those as they are. */
#ifndef SCHEMAS_KEPT_H
#define SCHEMAS_KEPT_H

#include "base/memory.h"
#include "base/str.h"

#include <sqlite3.h>

struct kept;

/* Of the table `kept`. *rc: an SQLite result code; what is returned has to be freed in any case. */
struct kept *kept_new(sqlite3 *db, int *rc);
void kept_free(struct kept *kept);
/* Has `state` stand in the table in place of what stood there. *order is what unfinished.pieces has to be;
 * it lasts until the next call. An SQLite result code. */
int kept_write(struct kept *kept, struct str state, struct str *order);
/* What stands there, in `arena`; len 0 where nothing does. An SQLite result code. */
int kept_read(sqlite3 *db, struct arena *arena, struct str *state);

#endif

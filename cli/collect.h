/* Collecting into a database, as collect and look do it. */
#ifndef CLI_COLLECT_H
#define CLI_COLLECT_H

#include "cli/options.h"
#include "collect/collect.h"
#include "schemas/store.h"

/* Collects `inputs` (ends with NULL) into an open database and says on standard error what was found. 0, or
 * -1 with why; then the sessions that were whole are in the database all the same. Of `wishes`, what the two
 * commands may differ in. */
int collect_into(struct store *store, const struct common *common, const struct collect_options *wishes,
                 char **inputs, struct collected *collected, struct why *why);
/* Takes a database away that this run made for nothing. `existed`: it was there before. */
void collect_forget(const char *path, bool existed, const struct collected *collected);

#endif

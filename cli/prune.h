/* Retention, as prune and collect --keep do it. */
#ifndef CLI_PRUNE_H
#define CLI_PRUNE_H

#include "schemas/store.h"

/* Takes away what started before `before`, and says how much that was. 0, or -1 with why. */
int prune_from(struct store *store, const char *path, usec before, bool dry_run, struct why *why);

#endif

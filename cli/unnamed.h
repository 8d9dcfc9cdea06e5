/* status --unnamed: refusals whose measure is not known. */
#ifndef CLI_UNNAMED_H
#define CLI_UNNAMED_H

#include "cli/options.h"
#include "schemas/store.h"

/* Prints them by what they say, the most frequent first: as a table where a format was asked for, else as a
 * file of phrases for `collect --phrases`, which begins with those that hold already. 0, or -1 with why. */
int unnamed_print(struct store *store, const struct common *common, struct why *why);

#endif

/* A folder for one run, gone when the run ends, also by a signal. */
#ifndef CLI_SCRATCH_H
#define CLI_SCRATCH_H

#include "base/why.h"

/* Makes the folder and returns the path of the database that may be made in it; NULL with why. The path lasts
 * until scratch_remove(). Once a run. */
const char *scratch_database(struct why *why);
void scratch_remove(void);

#endif

/* status --coverage: what of a policy's measures is known, and what would tell more. */
#ifndef CLI_COVERAGE_H
#define CLI_COVERAGE_H

#include "cli/options.h"

/* common->policy, or where it is NULL all measures that need no more than their defaults. */
int coverage_print(const struct common *common, struct why *why);

#endif

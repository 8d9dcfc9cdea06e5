/* status --contradictions: evidence that contradicts other evidence of the same session. */
#ifndef CLI_CONTRADICTED_H
#define CLI_CONTRADICTED_H

#include <stdint.h>

#include "base/why.h"
#include "cli/options.h"

int contradicted_print(const struct common *common, struct why *why);
/* In how many sessions evidence from elsewhere is one of the two sides. */
int contradicted_count(const struct common *common, uint64_t *sessions, struct why *why);

#endif

/* --fail-if: a test on a figure that decides the exit status: 'accepted>1000', 'greylist>=2.5%'. */
#ifndef CLI_FAIL_IF_H
#define CLI_FAIL_IF_H

#include <stdbool.h>
#include "base/str.h"
#include "base/why.h"
#include "cli/options.h"

struct figure {
    struct str name;
    double value;
};

/* Whether a test is written as one: 0, or -1 with why. Said before the work is done. */
int fail_if_check(const struct option_texts *tests, struct why *why);
/* 1 if any of the tests holds, 0 if none does, -1 with why where one names no figure. `percent_of` is what
 * percentages are of. */
int fail_if_any(const struct option_texts *tests, const struct figure *figures, size_t count,
                double percent_of, struct why *why);

#endif

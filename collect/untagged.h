/* Programs that log without a host and without a tag are known by the words that a line begins with. */
#ifndef COLLECT_UNTAGGED_H
#define COLLECT_UNTAGGED_H

#include <stdbool.h>
#include "base/str.h"

/* The program whose line `text` (all that follows the time) is; false where it is none that logs so. */
bool untagged_program(struct str text, struct str *program);

#endif

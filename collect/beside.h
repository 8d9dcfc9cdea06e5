/* What rotation makes of a log, found by its content. Only for collect/. */
#ifndef COLLECT_BESIDE_H
#define COLLECT_BESIDE_H

#include "collect/run.h"
#include "collect/survey.h"
#include "collect/watch.h"

/* Finds the files beside the operand that go on where it was left, by this run or the one before: a copy of
 * what it was before it was truncated, or compressed since, and those that came and were rotated away between
 * two looks. Those that are open are left out. *paths belongs to `arena`. Returns their number. */
size_t beside_find(struct run *run, struct operand *operand, struct arena *arena, const char ***paths);

/* Whether a path is one of these, by its name. */
bool beside_is_of(const struct operand *operand, const char *path);

#endif

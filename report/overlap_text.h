/* The overlap of measures and of DNS lists, for eyes and for machines. */
#ifndef REPORT_OVERLAP_TEXT_H
#define REPORT_OVERLAP_TEXT_H

#include <stdio.h>
#include "analyze/overlap.h"
#include "base/why.h"
#include "report/table.h"

/* What is shown. CSV is one table: of all of them the shares. */
enum overlap_part {
    OVERLAP_ALL,
    OVERLAP_SHARES,
    OVERLAP_PAIRS,
    OVERLAP_COMBINATIONS,
    OVERLAP_ORDER,
    OVERLAP_PARTS
};
extern const char *const overlap_part_name[OVERLAP_PARTS]; /* "all", "shares", ...: as --show takes them */

/* Combinations are the `most` that most units have (0: all). JSON is all of it, always. 0, or -1 with why. */
int overlap_print(const struct overlap *overlap, enum overlap_part part, size_t most,
                  enum table_format format, FILE *to, struct why *why);

/* The JSON alone. */
void overlap_json(const struct overlap *overlap, FILE *to);

#endif

/* A comparison of two policies: the verdict in a sentence, the matrix, and whose deliveries move. */
#ifndef REPORT_COMPARE_TABLE_H
#define REPORT_COMPARE_TABLE_H

#include <stdio.h>
#include "analyze/compare.h"
#include "report/table.h"

/* "strict stops 412 [398, 431] more deliveries than talk-2009, of which 3 were wanted." Lasts as long as
 * `arena`. */
struct str compare_verdict(const struct comparison *comparison, struct arena *arena);

/* What the first (0) or the second policy is called in a sentence. */
struct str compare_side_name(const struct comparison *comparison, int side, struct arena *arena);

/* Prints it; of each kind of groups at most `most` (0: all), the rest in one row. As CSV: the columns kind
 * (matrix, domain, asn, network), a, b, name, change, count, low, high, wanted, presumed, unwanted, session.
 * 0, or -1 with why. */
int compare_print(const struct comparison *comparison, size_t most, enum table_format format, FILE *to,
                  struct why *why);

/* What becomes of the units under both policies, for people: a matrix, or where that would be wider than a
 * terminal its cells one below the other, the most first; those that are possible only are counted. 0, or -1
 * with why. */
int compare_matrix(const struct comparison *comparison, enum table_format format, FILE *to, struct why *why);

#endif

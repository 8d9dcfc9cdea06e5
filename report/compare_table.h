/* A comparison of two policies: the verdict in a sentence, the matrix, and whose deliveries move. */
#ifndef REPORT_COMPARE_TABLE_H
#define REPORT_COMPARE_TABLE_H

#include <stdio.h>
#include "analyze/compare.h"
#include "report/table.h"

/* "strict stops 412 [398, 431] more deliveries than talk-2009, of which 3 were wanted." Lasts as long as
 * `arena`. */
struct str compare_verdict(const struct comparison *comparison, struct arena *arena);

/* Prints it; of each kind of groups at most `most` (0: all), the rest in one row. As CSV: the columns kind
 * (matrix, domain, asn, network), a, b, name, change, count, low, high, wanted, presumed, unwanted, session.
 * 0, or -1 with why. */
int compare_print(const struct comparison *comparison, size_t most, enum table_format format, FILE *to,
                  struct why *why);

#endif

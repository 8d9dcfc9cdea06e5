/* The talk's table: what became of the units under a policy, with bounds where the record does not tell. */
#ifndef REPORT_REPLAY_TABLE_H
#define REPORT_REPLAY_TABLE_H

#include <stdio.h>
#include "analyze/tally.h"
#include "base/why.h"
#include "report/table.h"

/* The whole period, a row a measure. CSV has the header measure,title,count,low,high,percent,basis; JSON is
 * an object with the same names under "rows", and policy, unit, units, base, period, notes. 0, or -1 with
 * why. */
int replay_table_print(const struct tally *tally, enum table_format format, FILE *to, struct why *why);

/* Slice by slice: a row a slice and a column a measure; CSV in the long form with `slice` in front of the
 * columns above; JSON the object above with "slices" besides. */
int series_table_print(const struct tally *tally, enum table_format format, FILE *to, struct why *why);

/* What pages and pictures need of a row, written once so that all say the same. */
enum { ROW_TEXT_BYTES = 64 };
/* "3424", "~3424" estimated, "?3424" guessed, ">=3424" at least. */
void row_count_text(const struct row *row, char text[ROW_TEXT_BYTES]);
bool row_is_exact(const struct row *row);
/* "[3300, 3500]", empty where the count is exact. */
void row_bounds_text(const struct row *row, char text[ROW_TEXT_BYTES]);
/* "34.11", empty where the row is in no percentage. */
void row_percent_text(const struct tally *tally, const struct row *row, char text[ROW_TEXT_BYTES]);
/* Whether percentages of this tally are of less than all units: without what attempted nothing. */
bool row_has_percent(const struct tally *tally, const struct row *row);
/* Whose clock the tally's times are of: "UTC". */
struct str tally_zone(const struct tally *tally);
/* Whether the tally tells what the server itself did. */
bool tally_is_recorded(const struct tally *tally);

/* What has to stand under the table: what the marks mean, what percentages are of, what greylisting delayed,
 * what only warned, and the tally's own notes. Each is a sentence or more; they belong to `arena`. */
size_t tally_notes(const struct tally *tally, struct arena *arena, struct str **notes);
/* "What the server did with 10038 deliveries, 2009-03-01 to 2009-03-31 (UTC)"; grouped: 10,038. */
struct str tally_heading(const struct tally *tally, bool grouped, struct arena *arena);

#endif

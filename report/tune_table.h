/* The table of `mxreplay tune`: as many columns, and as wide, as the screen has room for. */
#ifndef REPORT_TUNE_TABLE_H
#define REPORT_TUNE_TABLE_H

#include "report/tune_screen.h"

struct tune_table;
/* The rows: a measure each, in order; then those of the totals, stopped and accepted first. */
struct tune_table *tune_table_new(const struct tune_shown *shown, size_t columns);
void tune_table_free(struct tune_table *table);
size_t tune_table_totals(const struct tune_table *table);

void tune_table_head(const struct tune_table *table, struct screen *screen, size_t row);
void tune_table_measure(const struct tune_table *table, size_t place, struct screen *screen, size_t row);
void tune_table_total(const struct tune_table *table, size_t total, struct screen *screen, size_t row);

/* "+12", "-3", "" for no change, in `arena`. */
struct str tune_change(int64_t by, struct arena *arena);
/* "~1,234 [1,200, 1,300]"; in `arena`. */
struct str tune_bounded(const struct bounded *bounded, struct arena *arena);
/* The row of a measure, by its name, or of another kind; NULL: there is none. */
const struct row *tune_row(const struct figures *figures, enum row_kind kind, struct str name, size_t *at);

#endif

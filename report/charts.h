/* Graphs that several sections have: columns by kind, and the hours of a week. */
#ifndef REPORT_CHARTS_H
#define REPORT_CHARTS_H

#include "report/chart.h"

struct chart_column {
    struct str name, text; /* below and above it; `text` at == NULL: the value with commas */
    uint64_t value;
    uint32_t rgb;
};

/* All texts are ours. `name` must last. */
struct chart *columns_chart(const char *name, struct str title, struct str second, struct str ylabel,
                            const struct chart_column *columns, size_t count, struct arena *arena);

/* By weekday (Monday first) and hour. */
struct chart *week_chart(const char *name, struct str title, struct str second, const uint64_t week[7][24],
                         uint32_t rgb, struct arena *arena);

extern const char *const weekday_name[7]; /* "Mon" */

#endif

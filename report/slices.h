/* Time for people: what a slice is called, what a period is called, and where a time axis has its labels. All
 * in UTC, which is said once by whoever prints it. */
#ifndef REPORT_SLICES_H
#define REPORT_SLICES_H

#include <stddef.h>
#include "analyze/tally.h"
#include "base/clock.h"

enum slice_kind { SLICED_HOUR, SLICED_DAY, SLICED_WEEK, SLICED_MONTH, SLICED_WHOLE, SLICE_KINDS };
extern const char *const slice_kind_name[SLICE_KINDS]; /* "hour", ..., "period" */

/* What the slices of a tally are, by their length; SLICED_WHOLE where there are none. */
enum slice_kind slices_kind(const struct tally *tally);

enum { PERIOD_TEXT_BYTES = 64 };
/* "2026-11-23 14:00", "2026-11-23", "2026-11-23" (a week's Monday), "2026-11". */
void slice_text(usec from, enum slice_kind kind, char text[PERIOD_TEXT_BYTES]);
/* The period of a tally: "2026-11-01 to 2026-11-30", on one day "2026-11-23, 09:07 to 17:40", "no time" where
 * there is none. */
void period_text(usec from, usec to, char text[PERIOD_TEXT_BYTES]);

/* A label of a time axis, under the middle of slice `at`. */
struct tick {
    size_t at;
    char top[8]; /* "14:00", "23", "Nov", "2026" */
    char
        below[16]; /* what the labels from here on belong to: "23 Nov 2026", "Nov 2026", "2026"; else empty */
};

/* The labels of an axis `width` characters long on which `count` slices that begin at `from` stand side by
 * side. No two of them touch, in either line. The ticks belong to `arena`; returns their number. */
size_t slices_ticks(const usec *from, size_t count, enum slice_kind kind, size_t width, struct arena *arena,
                    struct tick **ticks);

#endif

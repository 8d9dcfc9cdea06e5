/* What a replay counts: rows of units, each with its bounds, for the whole period and for each slice of it.
 * Everything that report/ shows comes from here; nothing in here knows how it was judged. */
#ifndef ANALYZE_TALLY_H
#define ANALYZE_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/clock.h"
#include "base/memory.h"
#include "base/str.h"

enum unit { UNIT_DELIVERY, UNIT_SESSION, UNIT_RECIPIENT, UNIT_MESSAGE, UNITS };
extern const char *const unit_name[UNITS];   /* "delivery" */
extern const char *const unit_plural[UNITS]; /* "deliveries" */

/* How sure a count is (semantics.md section 3). */
enum basis { BASIS_EXACT, BASIS_ESTIMATED, BASIS_GUESSED, BASES };
extern const char *const basis_name[BASES]; /* "exact" */

/* What a row is. Rows stand in this order: the policy's measures in its order, then the others where not
 * zero. */
enum row_kind { ROW_MEASURE, ROW_ACCEPTED, ROW_OTHER, ROW_ABANDONED, ROW_NOTHING, ROW_RELAYED };

struct row {
    enum row_kind kind;
    struct str name;  /* "no-rdns", or the instance's own; "accepted", "other", ... : for CSV and JSON */
    struct str title; /* "No reverse DNS": for people */
    uint64_t count;   /* the point estimate; counts sum to the units */
    uint64_t low, high;
    enum basis basis;
    bool at_least;   /* the record was cut off: there may have been more (semantics.md section 3) */
    uint64_t warned; /* hits of a measure that only warns: counted aside, in no sum */
};

/* One slice of time, always a whole hour, day, week (from Monday) or month of the tally's clock, also where the period
 * begins or ends inside it: from its length report/ knows what a slice is. The rows stand in the same order
 * as the whole's. */
struct slice {
    usec from, to;
    uint64_t units;
    uint64_t *count, *low, *high; /* by row */
};

/* A count beside the rows. */
struct bounded {
    uint64_t count, low, high;
};

struct tally {
    struct str policy; /* its name */
    enum unit unit;
    uint64_t units; /* of all rows */
    uint64_t base;  /* what percentages are of: without `nothing attempted`, but for the session table */
    uint64_t stopped, stopped_low,
        stopped_high; /* by any measure; rounded by itself, and the bounds are not the rows' sums */
    usec from, to;    /* first and last start of a unit, in the period asked for */
    struct str zone;  /* whose clock shows from, to and the slices' ends; at == NULL: UTC's */
    struct row *rows;
    size_t row_count;
    struct slice *slices; /* in order of time, without holes; none where not asked for */
    size_t slice_count;
    /* Harm of greylisting, semantics.md section 5: deliveries put off and accepted later. */
    uint64_t delayed;
    double delay_minutes_median, delay_minutes_90, delay_minutes_99; /* NAN where there is none */
    uint64_t seen_once; /* senders seen once only among what is put off */
    /* What must be said under the table, a sentence each: assumptions, contradictions, notes. */
    struct str *notes;
    size_t note_count, note_room;
    struct arena arena; /* owns all of the above */
};

void tally_free(struct tally *tally);
/* Adds a sentence to the notes; the text is copied. */
void tally_note(struct tally *tally, struct str sentence);

/* `count` of `of` in percent with two digits, rounded half away from zero from the exact ratio, as text with
 * a NUL: 6210 of 10038 (61.8649 %) is "61.86". Nothing of nothing is "0.00". */
void percent_format(uint64_t count, uint64_t of, char text[16]);

#endif

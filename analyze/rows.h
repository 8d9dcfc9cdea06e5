/* The rows that outcomes are counted in: those of a policy, or of what the record names, then the ends. */
#ifndef ANALYZE_ROWS_H
#define ANALYZE_ROWS_H

#include "analyze/walk.h"

struct rows {
    size_t count;
    uint8_t outcome[64]; /* of each row */
    uint8_t row[64];     /* of each outcome; ROW_NONE: none */
};
#define ROW_NONE UINT8_MAX

/* Gives the tally its rows; `policy` NULL: those of the record. */
void rows_make(struct rows *rows, const struct columns *columns, const struct policy *policy,
               struct tally *tally);
/* Takes those out, of the tally too, that are not `shown`. */
void rows_keep(struct rows *rows, struct tally *tally, const bool *shown);

#endif

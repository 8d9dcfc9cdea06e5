/* A replay's last step, for those who need the walk too. */
#ifndef ANALYZE_COUNTING_H
#define ANALYZE_COUNTING_H

#include "analyze/classes.h"
#include "analyze/rows.h"

/* Counts what a walk found into a tally, as replay_run() does; `walk` and `estimate` NULL: what the record
 * says. *rows, unless NULL, tells which outcome each of the tally's rows is. */
void replay_count(const struct columns *columns, struct walk *walk, struct estimate *estimate,
                  const struct replay_options *options, struct rows *rows, struct tally *tally);

/* The same of classes of units, which a part of the record stands for. */
struct condensed {
    const struct classes *classes;
    const uint32_t *times;                   /* by attempt of the part: how many of the record are like it */
    void (*stand)(void *state, size_t unit); /* makes the walk be that of a class; NULL: it is that of all */
    void *state;
    usec from, to; /* first and last start of a unit in the period */
    uint64_t open; /* replay_open() of the record */
};
void replay_count_condensed(const struct columns *part, struct walk *walk, struct estimate *estimate,
                            const struct replay_options *options, const struct condensed *condensed,
                            struct tally *tally);
/* Deliveries that the record put off last, and whose clients may come back after its end. */
uint64_t replay_open(const struct columns *columns);

#endif

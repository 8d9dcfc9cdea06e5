/* A replay's last step, for those who need the walk too. */
#ifndef ANALYZE_COUNTING_H
#define ANALYZE_COUNTING_H

#include "analyze/estimate.h"
#include "analyze/rows.h"

/* Counts what a walk found into a tally, as replay_run() does; `walk` and `estimate` NULL: what the record
 * says. *rows, unless NULL, tells which outcome each of the tally's rows is. */
void replay_count(const struct columns *columns, struct walk *walk, struct estimate *estimate,
                  const struct replay_options *options, struct rows *rows, struct tally *tally);

#endif

/* The years of stamps that have none. */
#ifndef COLLECT_YEARS_H
#define COLLECT_YEARS_H

#include "collect/syslog.h"

/* How far a clock may be set back, or lines be out of order, before it is taken for a new year. A mail server
 * that logs nothing for nine months is as unlikely. */
#define YEARS_BACK_MOST (90 * USEC_DAY)

/* The year in which a stamp follows a line logged at `last`: the same, unless that would be more than
 * YEARS_BACK_MOST before (a new year), or lead forward to less than that before `last` in the year before (a
 * line of the old year after one of the new). */
int64_t year_following(const struct stamp *stamp, usec last);
/* The last year in which the stamp was not after `latest`. 29 February has leap years only. */
int64_t year_not_after(const struct stamp *stamp, usec latest);

#endif

/* Zones by the names that date(1) and journalctl write. */
#ifndef COLLECT_TIMEZONE_H
#define COLLECT_TIMEZONE_H

#include <stdbool.h>
#include "base/clock.h"
#include "base/str.h"

/* How far the zone is ahead of UTC. A name of letters that is not known, or is used in several places (IST,
 * CST), is taken for UTC; false where it is no zone's. */
bool timezone_by_name(struct str name, usec *zone);

#endif

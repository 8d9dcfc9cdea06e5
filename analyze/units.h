/* Units: which attempts make one, and what may have become of it (semantics.md section 2). A unit is named by
 * the attempt that it begins with. */
#ifndef ANALYZE_UNITS_H
#define ANALYZE_UNITS_H

#include "analyze/walk.h"

/* Whether a unit begins with this attempt. */
bool unit_begins(const struct columns *columns, enum unit unit, uint32_t attempt);
/* The attempt of the unit that begins with `first` which comes after `attempt`, or NO_ATTEMPT. */
uint32_t unit_after(const struct columns *columns, enum unit unit, uint32_t first, uint32_t attempt);
/* Whether the unit is in the period that was asked for. */
bool unit_in_period(const struct columns *columns, const struct replay_options *options, uint32_t first);
/* What may have become of it; `walk` NULL: what the record says (an outcome by enum named in place of rules).
 */
outcomes unit_outcomes(const struct columns *columns, const struct walk *walk, enum unit unit,
                       uint32_t first);

#endif

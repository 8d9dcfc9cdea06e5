/* Where retries may have come from that the record does not show (semantics.md section 5): from any address
 * of the network or the operator of an attempt that was possibly put off. */
#ifndef ANALYZE_HAUNTS_H
#define ANALYZE_HAUNTS_H

#include "analyze/columns.h"

struct haunts;
struct haunts *haunts_new(const struct columns *columns);
void haunts_free(struct haunts *haunts);
/* Retries of the attempt may come from now on. */
void haunts_add(struct haunts *haunts, uint32_t attempt);
/* Since when such retries may have come from the network of the attempt's client; USEC_NONE: none may. */
usec haunts_since(const struct haunts *haunts, uint32_t attempt);

#endif

/* Keys that unrecorded retries may have passed newly, for auto-allowing (semantics.md section 5): by place,
 * which is a network or an operator, since a retry comes from any address of either. No more of a place than
 * auto-allowing asks for is kept. */
#ifndef ANALYZE_PASSES_H
#define ANALYZE_PASSES_H

#include <stdint.h>
#include "base/clock.h"

struct passes;

/* For places numbered below `places`; `most` of each. Never NULL. */
struct passes *passes_new(uint32_t places, uint32_t most);
void passes_free(struct passes *passes);
/* Takes down that retries under the key of a sender and recipient may have come from `since` on. */
void passes_add(struct passes *passes, uint32_t place, uint32_t sender, uint32_t recipient, usec since);
/* Forgets those of a place; and, once none is left, where they were. */
void passes_forget(struct passes *passes, uint32_t place);
void passes_forget_all(struct passes *passes);
/* How many there are of several places together, each key once: those that began no later than `until`. After
 * passes_start() each place is counted in, which returns the number so far. */
void passes_start(struct passes *passes);
uint32_t passes_count(struct passes *passes, uint32_t place, usec until);

#endif

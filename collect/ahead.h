/* Reading ahead: a thread of its own unpacks what is to come, so that unpacking and parsing take as long as
 * the slower one, not as both. */
#ifndef COLLECT_AHEAD_H
#define COLLECT_AHEAD_H

#include "collect/lines.h"

struct ahead;

/* Begins to call `read`, as lines do, from another thread, and from there only until ahead_end(). It stays a
 * megabyte ahead at most. NULL where there can be no thread. */
struct ahead *ahead_begin(read_fn *read, void *state);
/* What `read` has read, in order; then its end, or its failure. */
ssize_t ahead_read(struct ahead *ahead, char *to, size_t size, struct why *why);
/* Ends the thread, whatever it is about to read: a pipe may make it wait for that. */
void ahead_end(struct ahead *ahead);

#endif

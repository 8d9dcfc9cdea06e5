/* One capture that is being read, whole. Only for collect/. */
#ifndef COLLECT_PACKETS_H
#define COLLECT_PACKETS_H

#include "collect/run.h"
#include "collect/survey.h"

/* Reads what is new of a capture, or notes a failure of the run. 0, or -1 with why for the store's troubles.
 * A stream is taken out of *found. */
int packets_read(struct run *run, struct found *found, struct why *why);

#endif

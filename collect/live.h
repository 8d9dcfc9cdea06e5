/* Collecting from the wire: packets of an interface in, sessions out, until the caller says that it is
 * enough. */
#ifndef COLLECT_LIVE_H
#define COLLECT_LIVE_H

#include "collect/capture/tap.h"
#include "collect/collect.h"

struct live_options {
    const char *interface;
    const struct capture_options *capture;
    int64_t first_session; /* as collect_options has it */
    int stop;              /* a descriptor: readable when it is enough */
};

/* Reads what the tap gives until `stop` is readable, and what it has by then. What was handed over is
 * committed within a second. What the kernel dropped is written down beside the lines that were skipped.
 * Connections that are open in the end are handed over as they stand. Returns 0, or -1 with why: the store's
 * troubles, or an interface that is gone; what was seen before that is whole. */
int collect_live(const struct live_options *options, struct tap *tap, const struct sink *sink,
                 const struct catalogue *catalogue, struct collected *collected, struct why *why);

#endif

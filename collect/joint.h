/* One session out of two records of it: the server's log and a capture of its packets. */
#ifndef COLLECT_JOINT_H
#define COLLECT_JOINT_H

#include "base/memory.h"
#include "collect/session.h"

/* Where a transaction of the log is in the joined session, and each of its recipients there: what comes late
 * is of the log's. */
struct places {
    int32_t transaction;
    int32_t *recipient;
    uint32_t recipients;
};

/* Both records in one: id, input and place are the log's; what only one of them has is taken from it, and
 * where both have it the one that saw it better is believed: the capture for what was said and when, the log
 * for what became of it and why. The evidence of both is kept, each with its origin. `offset`: how much the
 * log's clock is ahead of the capture's; times of the capture are moved by it. What one of them says and the
 * other contradicts is evidence of its own (KIND_CONTRADICTION). Arrays belong to `arena`, texts are views
 * into those of the two or into `arena`. *places: one for each transaction of the log, in `arena`. */
struct session session_joined(const struct session *log, const struct session *capture, usec offset,
                              struct arena *arena, struct places **places);

#endif

/* What became of mail that the server accepted, at its own hands: sent on, put into a mailbox, deferred,
 * bounced. Counted while sessions are read: columns keep of it only what measures need. */
#ifndef ANALYZE_FATES_H
#define ANALYZE_FATES_H

#include "collect/session.h"
#include "base/memory.h"

enum { DELAYS = 8 };
extern const double delay_seconds[DELAYS]; /* up to which a delay is of this kind; the last: INFINITY */

struct fate_reason {
    struct str text; /* as the log has it; may be anybody's */
    uint64_t count;
};

struct fates {
    uint64_t accepted;                        /* recipients of inbound mail that were accepted */
    uint64_t sent, bounced, deferred;         /* the last that is known of these */
    uint64_t unknown;                         /* nothing is known of them */
    uint64_t late;                            /* sent after they had been deferred */
    uint64_t by_delay[DELAYS], delay_unknown; /* those sent */
    struct fate_reason *reasons;              /* why they bounced or are deferred, the most frequent first */
    size_t reason_count;
};

struct fate_counter;
/* Of sessions that started in [from, to) (USEC_NONE: open). */
struct fate_counter *fates_new(usec from, usec to);
void fates_take(struct fate_counter *counter, const struct session *session);
/* What was counted; at most `most` reasons. It lasts as long as the counter. */
struct fates fates_of(struct fate_counter *counter, size_t most);
void fates_free(struct fate_counter *counter);

#endif

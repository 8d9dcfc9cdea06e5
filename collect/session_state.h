/* A session as bytes, of which it can be made again as it was, but for its id. */
#ifndef COLLECT_SESSION_STATE_H
#define COLLECT_SESSION_STATE_H

#include "base/memory.h"
#include "collect/session.h"
#include "collect/state.h"

/* When a session is loaded: zeroed room for `count` parts of `size` bytes; NULL for none. `owner` is
 * state->owner. */
enum session_part { PART_TRANSACTIONS, PART_RECIPIENTS, PART_EVIDENCE };
typedef void *session_room(void *owner, enum session_part part, size_t count, size_t size);

void carry_session(struct state_bytes *state, struct session *session, session_room *room);
void carry_evidence(struct state_bytes *state, struct evidence *evidence);

/* The bytes last until the next use of the state. */
struct str session_save(struct state_bytes *state, const struct session *session);
/* Arrays and texts are made in `arena`. 0, or -1 where the bytes are not what was saved. */
int session_load(struct str bytes, struct session *session, struct arena *arena);

#endif

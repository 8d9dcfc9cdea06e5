/* Which sessions of a log and of a capture are the same: by the client's address, its port where the log has
 * it, time, HELO and envelope. The clocks of the two may differ; by how much is learnt from the sessions
 * themselves.
 *
 * Sessions come in order of their start; memory is bounded by MATCHING_MOST of them. */
#ifndef COLLECT_MATCHING_H
#define COLLECT_MATCHING_H

#include "collect/session.h"

enum { MATCHING_MOST = 1 << 16 };

struct matching;

/* Called for each pair that is found: the same session as the log's and as the capture's id, and how much the
 * log's clock is ahead of the capture's. 0, or -1 to end it. */
typedef int matching_pair(void *state, int64_t log, int64_t capture, usec offset);

struct matching *matching_new(matching_pair *pair, void *state);
void matching_free(struct matching *matching);
/* How much the clock of a log's server is ahead, as is known from before; and what is known now, one by one:
 * `at` from 0 until false. A server is known by a hash of its name. What differs by less than a second from
 * what is known is a look-up's time, or a stamp's whole second: it changes nothing. */
uint64_t matching_server(struct str name);
void matching_know_clock(struct matching *matching, uint64_t server, usec ahead);
bool matching_clock(const struct matching *matching, size_t at, uint64_t *server, usec *ahead);
/* How far apart the starts of a session's two records can be; less where the clocks of all servers are known.
 */
usec matching_reach(const struct matching *matching, bool clocks_known);
/* Takes a session, as it came of a log or of a capture. Of the text nothing is kept. 0, or -1 where pair()
 * said so. */
int matching_add(struct matching *matching, const struct session *session, bool captured);
/* There are no more. As above. */
int matching_finish(struct matching *matching);

#endif

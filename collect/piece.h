/* A session of a log that does not tell which lines are one connection's, as a piece of a connection that a
 * capture shows whole. */
#ifndef COLLECT_PIECE_H
#define COLLECT_PIECE_H

#include "collect/joint.h"

/* What is the log's already of a session that a log and a capture have: where another of the log's sessions
 * has its transactions and recipients there. */
struct taken_places {
    const struct places *places;
    uint32_t count;
};

/* Whether `piece` may be of the same connection as `whole`, a session that a log and a capture share: it
 * lies in its time, each command and reply in it is one of that dialog that none of `taken` has, and neither
 * contradicts the other. What the server alone knows (a look-up, an exemption) stands in no dialog. */
bool piece_fits(const struct session *piece, const struct session *whole, const struct taken_places *taken,
                size_t taken_count, struct arena *arena);
/* One session out of both: `whole`, with what the piece tells besides. Arrays belong to `arena`, texts are
 * views into those of the two. *places: where the transactions of the piece are now, in `arena`. */
struct session piece_joined(const struct session *piece, const struct session *whole, struct arena *arena,
                            struct places **places);

#endif

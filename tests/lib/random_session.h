/* Random sessions for tests of the store: every field takes every sort of value, texts are hostile, and much
 * of it comes again, in a session and from session to session. The same seed gives the same sessions. */
#ifndef TESTS_LIB_RANDOM_SESSION_H
#define TESTS_LIB_RANDOM_SESSION_H

#include "base/memory.h"
#include "collect/session.h"

struct chance {
    uint64_t state;
};

/* A number in [0, below). */
uint64_t draw(struct chance *chance, uint64_t below);
/* A text of any sort; not known (at == NULL) now and then. */
struct str random_text(struct chance *chance, struct arena *arena);
/* A session with this id; all of it belongs to `arena`. */
struct session *random_session(struct chance *chance, struct arena *arena, int64_t id);
struct evidence random_evidence(struct chance *chance, struct arena *arena, const struct session *session);
/* Whether both are the same in all they hold, evidence in any order; else *difference says what is not. */
bool session_same(const struct session *a, const struct session *b, const char **difference);
/* Texts that are the same: both not known, or the same bytes. */
bool text_same(struct str a, struct str b);

#endif

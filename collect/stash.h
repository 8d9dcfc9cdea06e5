/* Evidence whose session has not begun yet, or cannot be told yet: a small ring, in which the oldest is
 * overwritten. */
#ifndef COLLECT_STASH_H
#define COLLECT_STASH_H

#include "collect/session.h"

enum { STASH_MOST = 128, STASH_TEXT_MOST = 320 };

struct state_bytes;

struct stashed {
    struct evidence evidence; /* its texts are in `text`, once it lies where it is read */
    int32_t input;
    uint64_t offset;
    char text[2][STASH_TEXT_MOST];
};

struct stash {
    struct stashed *ring;
    uint64_t *key; /* of each; 0: free. Apart, since they are what is searched */
    uint32_t next;
    uint32_t count; /* that are not free: mostly none, and then nothing is searched */
};

void stash_new(struct stash *stash);
void stash_free(struct stash *stash);
void stash_put(struct stash *stash, uint64_t key, int32_t input, uint64_t offset,
               const struct evidence *evidence);
/* Moves the oldest one of `key` to *taken. */
bool stash_take(struct stash *stash, uint64_t key, struct stashed *taken);
/* From one run to the next. */
void stash_carry(struct stash *stash, struct state_bytes *state);

#endif

/* Lines that come in several parts, each a line of the log for itself, since syslog takes no longer ones:
 * what has been read of them until their last part comes. A few; the oldest goes first. */
#ifndef COLLECT_HELD_H
#define COLLECT_HELD_H

#include <stdbool.h>
#include <stdint.h>
#include "base/str.h"

enum { HELD_MOST = 8, HELD_BYTES_MOST = 8192 };

struct state_bytes;

struct held_part {
    uint64_t key;  /* 0: free */
    int32_t input; /* where the first part stands */
    uint64_t offset;
    uint32_t len;
    char text[HELD_BYTES_MOST];
};

struct held {
    struct held_part *ring; /* NULL until there is one */
    uint32_t next;
};

void held_free(struct held *held);
/* Adds to what is held under `key`, or begins it. What is too long is cut. */
void held_add(struct held *held, uint64_t key, int32_t input, uint64_t offset, struct str text);
bool held_has(const struct held *held, uint64_t key);
/* What is held under `key`, or NULL; it is no longer held then, but lasts until the next held_add(). */
const struct held_part *held_take(struct held *held, uint64_t key);
/* From one run to the next. */
void held_carry(struct held *held, struct state_bytes *state);

#endif

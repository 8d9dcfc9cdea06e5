/* What is said twice: a server may write one event into two logs (Exim's rejections stand in mainlog and
 * rejectlog), or twice into one. A table of fixed size of what was said; when it is full, the oldest is
 * forgotten, place by place. */
#ifndef COLLECT_TWICE_H
#define COLLECT_TWICE_H

#include <stdbool.h>
#include <stdint.h>

struct state_bytes;

/* What is said at one time is looked for in one part of the table, of 256 buckets: which, the low 16 bits
 * tell. */
static inline uint64_t twice_place(uint64_t hash, int64_t second)
{
    return (hash & ~(uint64_t)0xff00) | ((uint64_t)second & 0xff) << 8;
}

/* Zero-initialised it is empty; it takes 4 MB once there is something in it. */
struct twice {
    uint64_t *place;
};

void twice_free(struct twice *twice);
/* Notes that `input` says this; whether another input has said it, as often as this one does now. */
bool twice_in_inputs(struct twice *twice, uint64_t said, int32_t input);
/* Either of these will be asked of this soon: the place is fetched meanwhile. */
void twice_announce(const struct twice *twice, uint64_t said);
/* Notes that this is said; true each second time. */
bool twice_in_turn(struct twice *twice, uint64_t said);
/* From one run to the next. */
void twice_carry(struct twice *twice, struct state_bytes *state);

#endif

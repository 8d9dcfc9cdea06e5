/* What is said twice: a server may write one event into two logs (Exim's rejections stand in mainlog and
 * rejectlog), or twice into one. A table of fixed size of what was said; when it is full, the oldest is
 * forgotten, place by place. */
#ifndef COLLECT_TWICE_H
#define COLLECT_TWICE_H

#include <stdbool.h>
#include <stdint.h>

struct state_bytes;

/* Zero-initialised it is empty; it takes 4 MB once there is something in it. */
struct twice {
    uint64_t *place;
};

void twice_free(struct twice *twice);
/* Notes that `input` says this; whether another input has said it, as often as this one does now. */
bool twice_in_inputs(struct twice *twice, uint64_t said, int32_t input);
/* Notes that this is said; true each second time. */
bool twice_in_turn(struct twice *twice, uint64_t said);
/* From one run to the next. */
void twice_carry(struct twice *twice, struct state_bytes *state);

#endif

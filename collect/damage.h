/* What was wrong with packets: counted beside the lines that were skipped (v_skipped), by reason. */
#ifndef COLLECT_DAMAGE_H
#define COLLECT_DAMAGE_H

#include "collect/capture/tcp.h"
#include "collect/collect.h"

enum damage { DAMAGE_DROPPED, DAMAGE_DROPPED_BY_CARD, DAMAGE_DIFFERING, DAMAGE_PRESSED, DAMAGES };

/* How each is told: what stands for the reason in v_skipped, and what is counted. */
extern const struct damage_row {
    const char *reason, *what;
} damage_table[DAMAGES];

/* How many there were of each, since reading began. */
struct damages {
    uint64_t count[DAMAGES];
};

/* Takes over what TCP has counted. */
void damages_of_tcp(struct damages *damages, const struct tcp_counts *counts);
/* Writes down what of `now` has not been `told` about the input. 0, or -1 with why. */
int damages_write(struct damages *told, const struct damages *now, const struct input *input,
                  const struct catalogue *catalogue, struct why *why);

#endif

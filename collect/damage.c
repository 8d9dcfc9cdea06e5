/* What was wrong with packets. */
#include "collect/damage.h"

const struct damage_row damage_table[DAMAGES] = {
    [DAMAGE_DROPPED] = { "dropped", "packets for which the kernel's ring had no room" },
    [DAMAGE_DROPPED_BY_CARD] = { "dropped by the interface", "packets that the interface dropped" },
    [DAMAGE_DIFFERING] = { "differing", "bytes that came twice and were not the same; the first count" },
    [DAMAGE_PRESSED] = { "pressed", "connections that were closed for want of memory" },
};

void damages_of_tcp(struct damages *damages, const struct tcp_counts *counts)
{
    damages->count[DAMAGE_DIFFERING] = counts->differing;
    damages->count[DAMAGE_PRESSED] = counts->pressed;
}

int damages_write(struct damages *told, const struct damages *now, const struct input *input,
                  const struct catalogue *catalogue, struct why *why)
{
    for (size_t i = 0; i < DAMAGES; i++) {
        struct skipped skipped = { .input = input->id,
                                   .reason = damage_table[i].reason,
                                   .shape = str_of(damage_table[i].what),
                                   .count = now->count[i] - told->count[i],
                                   .first_line = input->lines,
                                   .first_offset = input->bytes,
                                   .first_text = STR("") };
        if (skipped.count && catalogue->skipped(catalogue->state, &skipped, why))
            return -1;
    }
    *told = *now;
    return 0;
}

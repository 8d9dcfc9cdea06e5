/* IP fragments put together again. A packet in the making is a buffer and a mark for each 8 bytes of it, the
 * unit in which fragments are placed. */
#include "collect/capture/fragments.h"

#include <stdlib.h>
#include "base/memory.h"

enum {
    PACKET_BYTES = 65536,
    UNIT = 8, /* RFC 791 3.1, "Fragment Offset" */
    UNITS = PACKET_BYTES / UNIT,
    SLOTS = 64
};

static const usec patience = 60 * USEC_SECOND; /* RFC 8200 4.5 */

struct making {
    struct fragment_key key;
    usec at;      /* USEC_NONE: the slot is free */
    size_t end;   /* 0: the last fragment has not been seen */
    size_t units; /* there */
    uint8_t protocol;
    bool has_first;
    uint8_t there[UNITS / 8];
    uint8_t bytes[PACKET_BYTES];
};

struct fragments {
    struct making *slot[SLOTS];
    uint64_t lost;
};

struct fragments *fragments_new(void)
{
    return mem_zero(1, sizeof(struct fragments));
}

void fragments_free(struct fragments *fragments)
{
    for (size_t i = 0; i < SLOTS; i++)
        free(fragments->slot[i]);
    free(fragments);
}

static bool same_key(const struct fragment_key *a, const struct fragment_key *b)
{
    return a->id == b->id && a->protocol == b->protocol && ip_eq(&a->from, &b->from) && ip_eq(&a->to, &b->to);
}

/* The packet in the making that has the key, or a slot for it: a free one, else that of the oldest. */
static struct making *making_of(struct fragments *fragments, const struct fragment_key *key, usec at)
{
    struct making **place = NULL;
    for (size_t i = 0; i < SLOTS; i++) {
        struct making *making = fragments->slot[i];
        if (making && making->at != USEC_NONE && (making->at + patience < at || making->at - patience > at)) {
            making->at = USEC_NONE;
            fragments->lost++;
        }
        if (making && making->at != USEC_NONE && same_key(&making->key, key))
            return making;
        if (!place || (*place && (!making || making->at < (*place)->at)))
            place = &fragments->slot[i];
    }
    if (!*place) {
        *place = mem_alloc(sizeof **place);
        (*place)->at = USEC_NONE;
    }
    struct making *making = *place;
    fragments->lost += making->at != USEC_NONE;
    making->key = *key;
    making->at = at;
    making->end = making->units = 0;
    making->has_first = false;
    memset(making->there, 0, sizeof making->there);
    return making;
}

bool fragments_add(struct fragments *fragments, const struct fragment_key *key, usec at, size_t offset,
                   bool last, uint8_t protocol, struct piece piece, struct piece *whole,
                   uint8_t *whole_protocol)
{
    /* A snapped fragment cannot be used, and all but the last are whole units. */
    if (piece.len < piece.whole || piece.whole == 0 || offset % UNIT || offset + piece.whole > PACKET_BYTES ||
        (!last && piece.whole % UNIT))
        return false;
    struct making *making = making_of(fragments, key, at);
    if (last && making->end == 0)
        making->end = offset + piece.whole;
    if (offset == 0 && !making->has_first) {
        making->has_first = true;
        making->protocol = protocol;
    }
    for (size_t done = 0; done < piece.whole; done += UNIT) {
        size_t unit = (offset + done) / UNIT, n = piece.whole - done < UNIT ? piece.whole - done : UNIT;
        if (making->there[unit / 8] >> (unit % 8) & 1)
            continue;
        making->there[unit / 8] |= (uint8_t)(1u << (unit % 8));
        making->units++;
        memcpy(making->bytes + offset + done, piece.at + done, n);
    }
    if (making->end == 0 || !making->has_first || making->units != (making->end + UNIT - 1) / UNIT)
        return false;
    making->at = USEC_NONE;
    *whole = (struct piece){ making->bytes, making->end, making->end };
    *whole_protocol = making->protocol;
    return true;
}

uint64_t fragments_lost(const struct fragments *fragments)
{
    return fragments->lost;
}

/* IP fragments put together again (RFC 791 3.2, RFC 8200 4.5). Memory is bounded: the oldest packet that is
 * not whole goes when another needs its place. */
#ifndef COLLECT_CAPTURE_FRAGMENTS_H
#define COLLECT_CAPTURE_FRAGMENTS_H

#include "collect/capture/frames.h"

struct fragments;

struct fragment_key {
    struct ip from, to;
    uint32_t id;
    uint8_t protocol; /* IPv4: the packet's; IPv6: 0, it is not part of the key there */
};

struct fragments *fragments_new(void);
void fragments_free(struct fragments *fragments);
/* Adds `piece`, which belongs at `offset` of its packet; `last`: no more fragments follow it; `protocol`:
 * what the first one says the packet carries. Of bytes that come twice the first copy stays. Returns true
 * when the packet is whole: then it is in *whole, until the next call. */
bool fragments_add(struct fragments *fragments, const struct fragment_key *key, usec at, size_t offset,
                   bool last, uint8_t protocol, struct piece piece, struct piece *whole,
                   uint8_t *whole_protocol);
/* Packets given up, for want of their other fragments. */
uint64_t fragments_lost(const struct fragments *fragments);

#endif

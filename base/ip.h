/* IP addresses and prefixes. IPv4 is held as IPv4-mapped IPv6 (RFC 4291 2.5.5.2), so there is one type. */
#ifndef BASE_IP_H
#define BASE_IP_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "base/str.h"

struct ip {
    uint8_t octet[16];
};

struct prefix {
    struct ip network; /* bits after `bits` are zero */
    uint8_t bits;      /* of 128: an IPv4 /24 is 120 */
};

enum { IP_TEXT_BYTES = 46 };

static inline bool ip_is_v4(const struct ip *ip)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    return memcmp(ip->octet, mapped, sizeof mapped) == 0;
}

static inline bool ip_eq(const struct ip *a, const struct ip *b)
{
    return memcmp(a->octet, b->octet, sizeof a->octet) == 0;
}

/* "::": an address that is not known. */
static inline bool ip_is_none(const struct ip *ip)
{
    static const struct ip none;
    return ip_eq(ip, &none);
}

struct ip ip_from_v4(uint32_t address);
/* The IPv4 address in host order; only where ip_is_v4(). */
uint32_t ip_v4(const struct ip *ip);
/* The whole view as an address: dotted quad, or RFC 4291 2.2 text (an "IPv6:" tag and a %zone are allowed). */
bool ip_parse(struct str text, struct ip *ip);
/* Writes the address (RFC 5952 form) with a NUL; returns its length. */
size_t ip_format(const struct ip *ip, char text[IP_TEXT_BYTES]);
/* The network of the given length that `ip` is in; `v4_bits` of 32 for IPv4, `v6_bits` of 128 for IPv6. */
struct prefix ip_network(const struct ip *ip, unsigned v4_bits, unsigned v6_bits);
/* "192.0.2.0/24", "2001:db8::/32" or a lone address. Host bits that are set make it false. */
bool prefix_parse(struct str text, struct prefix *prefix);
bool prefix_holds(const struct prefix *prefix, const struct ip *ip);
/* Writes "192.0.2.0/24" with a NUL; returns its length. */
size_t prefix_format(const struct prefix *prefix, char text[IP_TEXT_BYTES + 4]);

#endif

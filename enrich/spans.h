/* Ranges of addresses with values. They are added in any order and may lie over each other; finished, they
 * are sorted, each address is in one at most, and that has what the rule makes of all that were added: 12
 * bytes a range of IPv4 addresses, 40 of IPv6. */
#ifndef ENRICH_SPANS_H
#define ENRICH_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

__extension__ typedef unsigned __int128 address;

enum spans_rule {
    SPANS_UNION,  /* any; the first's value */
    SPANS_OCTETS, /* IPv4: the narrowest of /32, /24, /16 and /8, with all values that it has; ranges must not
                     be wider than the octet that they are of: spans_add_octets() cuts them so */
    SPANS_LONGEST, /* ranges are prefixes, the longest answers, of the same prefix the first that was added */
};

enum { SPAN_NONE = 0 }; /* the value that takes addresses out; what is found where there is nothing */

/* A value with this bit is several: spans_values() has them. */
#define SPAN_SEVERAL 0x80000000u

enum { SPAN_VALUES_MOST = 64 }; /* the rest is left out */

struct span4 {
    uint32_t first, last, value;
};
struct span6 {
    uint64_t first[2], last[2]; /* high, low */
    uint32_t value;
};

/* Zero-initialise, and say which family. */
struct spans {
    bool six;
    struct span4 *four; /* the family's own is used */
    struct span6 *wide;
    size_t count, capacity;
    uint32_t *several; /* runs: how many, and the values */
    size_t several_count, several_capacity;
    uint32_t *begins; /* IPv4: by the first 16 bits, where ranges of them begin; NULL: they are few */
};

void spans_free(struct spans *spans);
/* Values are below SPAN_SEVERAL. */
void spans_add(struct spans *spans, address first, address last, uint32_t value);
/* IPv4, for SPANS_OCTETS: the range as single addresses up to a whole /24, whole /24s up to a whole /16 ...
 */
void spans_add_octets(struct spans *spans, uint32_t first, uint32_t last, uint32_t value);
void spans_finish(struct spans *spans, enum spans_rule rule);
/* The value at an address, SPAN_NONE where there is none; with SPAN_SEVERAL: for spans_values(). */
uint32_t spans_find(const struct spans *spans, address at);
/* Points *values to the values; returns how many. They live as long as the spans. */
size_t spans_values(const struct spans *spans, const uint32_t *found, const uint32_t **values);
size_t spans_bytes(const struct spans *spans);

#endif

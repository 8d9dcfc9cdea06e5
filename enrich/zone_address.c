/* Addresses, prefixes and ranges as rbldnsd reads them (ip4parse.c, ip6addr.c). */
#include "enrich/zone_parts.h"

struct str cut_word(struct str *rest)
{
    size_t len = 0;
    while (len < rest->len && !is_space(rest->at[len]))
        len++;
    struct str word = { rest->at, len };
    *rest = skip_space(str_skip(*rest, len));
    return word;
}

/* A decimal number up to `most`, with any zeros before it. */
static bool cut_small(struct str *rest, unsigned most, unsigned *number)
{
    unsigned n = 0;
    size_t i = 0;
    for (; i < rest->len && is_digit(rest->at[i]); i++) {
        n = n * 10 + (unsigned)(rest->at[i] - '0');
        if (n > most)
            return false;
    }
    *number = n;
    *rest = str_skip(*rest, i);
    return i > 0;
}

unsigned cut_octets(struct str *rest, uint32_t *first)
{
    struct str at = *rest;
    uint32_t all = 0;
    unsigned bits = 0, octet = 0;
    do {
        if (!cut_small(&at, 255, &octet))
            return 0;
        bits += 8;
        all |= octet << (32 - bits);
    } while (bits < 32 && cut_char(&at, '.'));
    *first = all;
    *rest = at;
    return bits;
}

int cut_bits4(struct str *rest, unsigned octets)
{
    unsigned bits = octets;
    if (cut_char(rest, '/'))
        return cut_small(rest, 32, &bits) ? (int)bits : -1;
    return octets == 8 ? -1 : (int)octets;
}

int cut_cidr4(struct str *rest, uint32_t *first)
{
    struct str at = *rest;
    unsigned octets = cut_octets(&at, first);
    int bits = octets ? cut_bits4(&at, octets) : -1;
    if (bits >= 0)
        *rest = at;
    return bits;
}

int cut_range4(struct str *rest, uint32_t *first, uint32_t *last)
{
    struct str at = *rest;
    unsigned bits = cut_octets(&at, first);
    if (bits == 0)
        return -1;
    if (!cut_char(&at, '-')) {
        int prefix = cut_bits4(&at, bits);
        if (prefix < 0)
            return -1;
        *last = *first | host4(prefix);
        *rest = at;
        return prefix;
    }
    unsigned last_bits = cut_octets(&at, last);
    if (last_bits == 8) /* "127.16-31": the last octet that was written */
        *last = *last >> (bits - 8) | (*first & ~host4((int)bits - 8));
    else if (last_bits != bits)
        return -1;
    *last |= host4((int)bits);
    if (*first > *last)
        return -1;
    *rest = at;
    return 32;
}

int hex_digit(char c)
{
    return is_digit(c) ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

/* Up to four hexadecimal digits, and zeros before them. */
static bool cut_group(struct str *rest, unsigned *group)
{
    unsigned n = 0;
    size_t i = 0;
    for (; i < rest->len && hex_digit(rest->at[i]) >= 0; i++) {
        n = n << 4 | (unsigned)hex_digit(rest->at[i]);
        if (n > 0xffff)
            return false;
    }
    *group = n;
    *rest = str_skip(*rest, i);
    return i > 0;
}

int cut_groups(struct str *rest, address *first)
{
    enum { GROUPS = 8 };
    struct str at = *rest;
    unsigned group[GROUPS] = { 0 }, count = 0;
    int zeros = cut_prefix(&at, STR("::")) ? 0 : -1; /* before which group "::" stands */
    bool whole = false;                              /* no colon is left behind the last one */
    while (count < GROUPS && cut_group(&at, &group[count])) {
        count++;
        whole = count == GROUPS || !cut_char(&at, ':');
        if (whole)
            break;
        if (zeros < 0 && cut_char(&at, ':'))
            zeros = (int)count;
    }
    if (zeros < 0 ? !whole : count == GROUPS)
        return -1;
    address all = 0;
    for (unsigned i = 0; i < count; i++) {
        bool behind = zeros >= 0 && i >= (unsigned)zeros;
        all |= (address)group[i] << (16 * (behind ? count - 1 - i : GROUPS - 1 - i));
    }
    *first = all;
    *rest = at;
    return zeros < 0 ? (int)count * 16 : 128;
}

int cut_cidr6(struct str *rest, address *first)
{
    struct str at = *rest;
    unsigned prefix = 0;
    int bits = cut_groups(&at, first);
    if (bits < 0)
        return -1;
    if (cut_char(&at, '/')) {
        if (!cut_small(&at, 128, &prefix))
            return -1;
        bits = (int)prefix;
    } else if (bits == 16) {
        return -1;
    }
    *rest = at;
    return bits;
}

/* IP addresses and prefixes. */
#include "base/ip.h"

#include <arpa/inet.h>

struct ip ip_from_v4(uint32_t address)
{
    struct ip ip = { { [10] = 0xff, [11] = 0xff } };
    for (int i = 0; i < 4; i++)
        ip.octet[12 + i] = (uint8_t)(address >> (24 - 8 * i));
    return ip;
}

uint32_t ip_v4(const struct ip *ip)
{
    const uint8_t *o = ip->octet + 12;
    return (uint32_t)o[0] << 24 | (uint32_t)o[1] << 16 | (uint32_t)o[2] << 8 | o[3];
}

/* By hand: inet_pton wants a NUL, and this is on the path of every line. */
static bool parse_v4(struct str text, uint32_t *address)
{
    uint32_t all = 0;
    size_t i = 0;
    for (int part = 0; part < 4; part++) {
        unsigned octet = 0;
        size_t from = i;
        while (i < text.len && i - from < 3 && is_digit(text.at[i]))
            octet = octet * 10 + (unsigned)(text.at[i++] - '0');
        if (i == from || octet > 255 || (i - from > 1 && text.at[from] == '0'))
            return false;
        if (part < 3 && (i == text.len || text.at[i++] != '.'))
            return false;
        all = all << 8 | octet;
    }
    *address = all;
    return i == text.len;
}

static bool parse(struct str text, struct ip *ip)
{
    uint32_t v4 = 0;
    if (parse_v4(text, &v4)) {
        *ip = ip_from_v4(v4);
        return true;
    }
    if (text.len > 5 && str_eq_nocase((struct str){ text.at, 5 }, STR("IPv6:")))
        text = str_skip(text, 5);
    const char *zone = text.len ? memchr(text.at, '%', text.len) : NULL;
    if (zone)
        text.len = (size_t)(zone - text.at);
    char copy[IP_TEXT_BYTES];
    if (text.len == 0 || text.len >= sizeof copy)
        return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    return inet_pton(AF_INET6, copy, ip->octet) == 1;
}

/* Several lines in a row, or nearly so, are about one client: the last addresses stand here, each at the
 * place that the hash of its text tells. */
enum { PARSED = 64 };

static _Thread_local struct parsed {
    struct ip ip;
    uint8_t len; /* 0: free */
    char text[IP_TEXT_BYTES];
} parsed[PARSED];

bool ip_parse(struct str text, struct ip *ip)
{
    if (text.len == 0 || text.len > sizeof parsed->text)
        return parse(text, ip);
    struct parsed *place = &parsed[str_hash(text) % PARSED];
    if (place->len == text.len && memcmp(place->text, text.at, text.len) == 0) {
        *ip = place->ip;
        return true;
    }
    if (!parse(text, ip))
        return false;
    place->ip = *ip;
    place->len = (uint8_t)text.len;
    memcpy(place->text, text.at, text.len);
    return true;
}

/* By hand: every session's address is written at least once. */
static size_t format_v4(const uint8_t octet[4], char *text)
{
    char *to = text;
    for (int i = 0; i < 4; i++) {
        unsigned n = octet[i];
        if (n >= 100)
            *to++ = (char)('0' + n / 100);
        if (n >= 10)
            *to++ = (char)('0' + n / 10 % 10);
        *to++ = (char)('0' + n % 10);
        *to++ = '.';
    }
    *--to = '\0';
    return (size_t)(to - text);
}

enum { GROUPS = 8 };

/* "db8": without leading zeros. */
static char *format_group(char *to, unsigned group)
{
    static const char digits[16] = "0123456789abcdef";
    for (int shift = group >= 0x1000  ? 12
                     : group >= 0x100 ? 8
                     : group >= 0x10  ? 4
                                      : 0;
         shift >= 0; shift -= 4)
        *to++ = digits[group >> shift & 15];
    return to;
}

/* RFC 5952 4.2: the first of the longest runs of two or more groups that are zero becomes "::". */
static int zeros_begin(const unsigned group[GROUPS], int *count)
{
    int begin = GROUPS;
    *count = 1;
    for (int i = 0, run = 0; i < GROUPS; i++) {
        run = group[i] ? 0 : run + 1;
        if (run > *count) {
            *count = run;
            begin = i + 1 - run;
        }
    }
    return begin;
}

static size_t format_v6(const uint8_t octet[16], char *text)
{
    unsigned group[GROUPS];
    int zeros = 0;
    for (int i = 0; i < GROUPS; i++)
        group[i] = (unsigned)octet[2 * i] << 8 | octet[2 * i + 1];
    int begin = zeros_begin(group, &zeros);
    char *to = text;
    if (begin == 0 && zeros == 6) { /* "::192.0.2.1" (RFC 4291 2.5.5.1) */
        *to++ = ':';
        *to++ = ':';
        return 2 + format_v4(octet + 12, to);
    }
    for (int i = 0; i < GROUPS; i++) {
        if (i == begin) {
            *to++ = ':';
            i += zeros - 1;
            if (i == GROUPS - 1)
                *to++ = ':';
            continue;
        }
        if (i)
            *to++ = ':';
        to = format_group(to, group[i]);
    }
    *to = '\0';
    return (size_t)(to - text);
}

size_t ip_format(const struct ip *ip, char text[IP_TEXT_BYTES])
{
    return ip_is_v4(ip) ? format_v4(ip->octet + 12, text) : format_v6(ip->octet, text);
}

static void mask(struct ip *ip, unsigned bits)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned left = bits > i * 8 ? bits - i * 8 : 0;
        if (left < 8)
            ip->octet[i] = (uint8_t)(ip->octet[i] & (0xff00u >> left));
    }
}

struct prefix ip_network(const struct ip *ip, unsigned v4_bits, unsigned v6_bits)
{
    struct prefix prefix = { *ip, (uint8_t)(ip_is_v4(ip) ? 96 + v4_bits : v6_bits) };
    mask(&prefix.network, prefix.bits);
    return prefix;
}

bool prefix_parse(struct str text, struct prefix *prefix)
{
    struct str address = text;
    struct str rest = text;
    uint64_t bits = 0;
    bool sized = cut_until_char(&rest, '/', &address);
    if (!ip_parse(address, &prefix->network))
        return false;
    unsigned most = ip_is_v4(&prefix->network) ? 32 : 128;
    if (!sized)
        bits = most;
    else if (!str_number(rest, &bits) || bits > most)
        return false;
    prefix->bits = (uint8_t)(128 - most + bits);
    struct ip masked = prefix->network;
    mask(&masked, prefix->bits);
    return ip_eq(&masked, &prefix->network);
}

bool prefix_holds(const struct prefix *prefix, const struct ip *ip)
{
    unsigned whole = prefix->bits / 8, left = prefix->bits % 8;
    if (memcmp(prefix->network.octet, ip->octet, whole) != 0)
        return false;
    return left == 0 || ((prefix->network.octet[whole] ^ ip->octet[whole]) >> (8 - left)) == 0;
}

size_t prefix_format(const struct prefix *prefix, char text[IP_TEXT_BYTES + 4])
{
    size_t n = ip_format(&prefix->network, text);
    unsigned bits = ip_is_v4(&prefix->network) ? prefix->bits - 96u : prefix->bits;
    text[n++] = '/';
    if (bits >= 100)
        text[n++] = (char)('0' + bits / 100);
    if (bits >= 10)
        text[n++] = (char)('0' + bits / 10 % 10);
    text[n++] = (char)('0' + bits % 10);
    text[n] = '\0';
    return n;
}

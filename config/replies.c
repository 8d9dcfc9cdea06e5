/* The answers of a DNS list that count: patterns and networks. A pattern is four sets of numbers; each is cut
 * into the largest aligned blocks, so that 127.0.0.[4..7] is 127.0.0.4/30. */
#include "config/replies.h"

enum { NETWORKS_MOST = 256 };

struct octets {
    bool in[4][256];
};

static bool cut_octet_number(struct str *rest, uint64_t *number)
{
    return cut_number(rest, number) && *number <= 255;
}

/* "[2;4..7]" or "2". */
static bool cut_set(struct str *rest, bool in[256])
{
    uint64_t from = 0, to = 0;
    if (!cut_char(rest, '[')) {
        if (!cut_octet_number(rest, &from))
            return false;
        in[from] = true;
        return true;
    }
    do {
        if (!cut_octet_number(rest, &from))
            return false;
        to = from;
        if (cut_prefix(rest, STR("..")) && !cut_octet_number(rest, &to))
            return false;
        for (uint64_t i = from; i <= to; i++)
            in[i] = true;
    } while (cut_char(rest, ';'));
    return cut_char(rest, ']');
}

static bool is_full(const bool in[256])
{
    for (int i = 0; i < 256; i++)
        if (!in[i])
            return false;
    return true;
}

/* The largest aligned block of the set that begins at `from`, as a number of bits below 8. */
static unsigned block_bits(const bool in[256], unsigned from)
{
    unsigned bits = 0;
    while (bits < 8) {
        unsigned size = 2U << bits;
        bool all = from % size == 0;
        for (unsigned i = 0; all && i < size; i++)
            all = in[from + i];
        if (!all)
            break;
        bits++;
    }
    return bits;
}

static bool emit(struct networks *replies, struct prefix *room, uint32_t address, unsigned length)
{
    if (replies->count >= NETWORKS_MOST)
        return false;
    struct ip ip = ip_from_v4(address);
    room[replies->count++] = ip_network(&ip, length, 128);
    return true;
}

static bool emit_from(const struct octets *octets, unsigned octet, uint32_t address, struct networks *replies,
                      struct prefix *room)
{
    bool rest_full = true;
    for (unsigned i = octet + 1; i < 4; i++)
        rest_full = rest_full && is_full(octets->in[i]);
    unsigned shift = 24 - 8 * octet;
    for (unsigned value = 0; value < 256; value++) {
        if (!octets->in[octet][value])
            continue;
        uint32_t here = address | (uint32_t)value << shift;
        if (!rest_full) {
            if (!emit_from(octets, octet + 1, here, replies, room))
                return false;
            continue;
        }
        unsigned bits = block_bits(octets->in[octet], value);
        if (!emit(replies, room, here, 8 * octet + 8 - bits))
            return false;
        value += (1U << bits) - 1;
    }
    return true;
}

bool replies_add(struct arena *arena, struct networks *replies, struct str pattern)
{
    struct octets octets = { 0 };
    struct networks grown = { .count = replies->count };
    struct prefix *room = arena_alloc(arena, NETWORKS_MOST * sizeof *room);
    if (replies->count > NETWORKS_MOST)
        return false;
    if (replies->count)
        memcpy(room, replies->prefix, replies->count * sizeof *room);
    for (unsigned i = 0; i < 4; i++)
        if ((i && !cut_char(&pattern, '.')) || !cut_set(&pattern, octets.in[i]))
            return false;
    if (pattern.len || !emit_from(&octets, 0, 0, &grown, room))
        return false;
    grown.prefix = room;
    *replies = grown;
    return true;
}

static uint64_t size_of(const struct prefix *prefix)
{
    return prefix->bits < 96 ? UINT64_C(1) << 32 : UINT64_C(1) << (128 - prefix->bits);
}

size_t replies_each(const struct networks *replies, uint32_t *answers, size_t most)
{
    size_t count = 0;
    for (size_t i = 0; i < replies->count; i++) {
        uint32_t first = ip_v4(&replies->prefix[i].network);
        for (uint64_t k = 0; k < size_of(&replies->prefix[i]); k++) {
            bool seen = false;
            for (size_t n = 0; n < count && !seen; n++)
                seen = answers[n] == first + (uint32_t)k;
            if (seen)
                continue;
            if (count == most)
                return 0;
            answers[count++] = first + (uint32_t)k;
        }
    }
    return count;
}

static struct str set_text(struct arena *arena, const bool in[256])
{
    struct str text = STR("");
    unsigned parts = 0, values = 0;
    for (unsigned i = 0; i < 256; i++) {
        if (!in[i])
            continue;
        unsigned to = i;
        while (to + 1 < 256 && in[to + 1])
            to++;
        text = to == i ? arena_printf(arena, "%.*s%s%u", STR_ARG(text), parts ? ";" : "", i)
                       : arena_printf(arena, "%.*s%s%u..%u", STR_ARG(text), parts ? ";" : "", i, to);
        values += to - i + 1;
        parts++;
        i = to;
    }
    return values == 1 ? text : arena_printf(arena, "[%.*s]", STR_ARG(text));
}

/* The octets' sets say the same as the networks only if there are as many answers as the sets have products.
 */
struct str replies_pattern(struct arena *arena, const struct networks *replies)
{
    struct octets octets = { 0 };
    uint64_t all = 0, products = 1;
    for (size_t i = 0; i < replies->count; i++) {
        uint32_t first = ip_v4(&replies->prefix[i].network);
        uint64_t size = size_of(&replies->prefix[i]);
        for (size_t k = 0; k < i; k++)
            if (prefix_holds(&replies->prefix[k], &replies->prefix[i].network) ||
                prefix_holds(&replies->prefix[i], &replies->prefix[k].network))
                return (struct str){ NULL, 0 };
        all += size;
        for (unsigned o = 0; o < 4; o++) {
            unsigned shift = 24 - 8 * o;
            uint64_t values = size >> shift ? size >> shift : 1;
            unsigned from = first >> shift & 255;
            for (uint64_t v = 0; v < (values > 256 ? 256 : values); v++)
                octets.in[o][(from + v) & 255] = true;
        }
    }
    struct str text = STR("");
    for (unsigned o = 0; o < 4; o++) {
        uint64_t values = 0;
        for (unsigned i = 0; i < 256; i++)
            values += octets.in[o][i];
        products *= values;
        struct str set = set_text(arena, octets.in[o]);
        text = arena_printf(arena, "%.*s%s%.*s", STR_ARG(text), o ? "." : "", STR_ARG(set));
    }
    return products == all && all ? text : (struct str){ NULL, 0 };
}

/* Who is in a policy's lists. Texts are sorted by what they are called without case and without the @ or . of
 * a domain, networks by their length: to look an address up is one search for each length that there is. */
#include "analyze/lists.h"

#include <stdlib.h>
#include <string.h>

enum { SHORT = 8 /* so many are compared one by one as fast */ };

/* ---- Networks. */

static int by_length(const void *left, const void *right)
{
    const struct prefix *a = left, *b = right;
    if (a->bits != b->bits)
        return a->bits < b->bits ? -1 : 1;
    return memcmp(a->network.octet, b->network.octet, sizeof a->network.octet);
}

void networks_index(struct networks *networks, struct arena *arena)
{
    networks->sorted = NULL;
    if (networks->count <= SHORT)
        return;
    networks->sorted = arena_alloc(arena, networks->count * sizeof *networks->sorted);
    memcpy(networks->sorted, networks->prefix, networks->count * sizeof *networks->sorted);
    qsort(networks->sorted, networks->count, sizeof *networks->sorted, by_length);
}

/* The first at or after `wanted`. */
static size_t network_place(const struct networks *networks, const struct prefix *wanted)
{
    size_t low = 0, high = networks->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (by_length(&networks->sorted[middle], wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool networks_hold(const struct networks *networks, const struct ip *ip)
{
    if (!networks->sorted) {
        for (size_t i = 0; i < networks->count; i++)
            if (prefix_holds(&networks->prefix[i], ip))
                return true;
        return false;
    }
    for (size_t i = 0; i < networks->count;) {
        uint8_t bits = networks->sorted[i].bits;
        struct prefix wanted = { *ip, bits };
        for (size_t octet = bits / 8; octet < sizeof ip->octet; octet++) {
            unsigned kept = octet == bits / 8 ? 0xff00u >> bits % 8 : 0;
            wanted.network.octet[octet] = (uint8_t)(wanted.network.octet[octet] & kept);
        }
        size_t place = network_place(networks, &wanted);
        if (place < networks->count && by_length(&networks->sorted[place], &wanted) == 0)
            return true;
        if (bits == 128)
            return false;
        struct prefix longer = { .bits = (uint8_t)(bits + 1) };
        i = network_place(networks, &longer);
    }
    return false;
}

bool networks_equal(const struct networks *a, const struct networks *b)
{
    bool equal = a->count == b->count;
    if (a->prefix == b->prefix) /* as in copies of one policy */
        return equal;
    for (size_t i = 0; equal && i < a->count; i++)
        equal = by_length(&a->prefix[i], &b->prefix[i]) == 0;
    return equal;
}

/* ---- Numbers. */

static int by_number(const void *left, const void *right)
{
    const uint32_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

void numbers_sort(struct numbers *numbers)
{
    size_t kept = 0;
    if (numbers->count)
        qsort(numbers->number, numbers->count, sizeof *numbers->number, by_number);
    for (size_t i = 0; i < numbers->count; i++)
        if (!kept || numbers->number[kept - 1] != numbers->number[i])
            numbers->number[kept++] = numbers->number[i];
    numbers->count = kept;
}

bool numbers_hold(const struct numbers *numbers, uint32_t number)
{
    return numbers->count &&
           bsearch(&number, numbers->number, numbers->count, sizeof *numbers->number, by_number);
}

bool numbers_equal(const struct numbers *a, const struct numbers *b)
{
    return a->count == b->count &&
           (a->count == 0 || memcmp(a->number, b->number, a->count * sizeof *a->number) == 0);
}

/* ---- Texts. */

static struct str bare(struct str text)
{
    return text.len && (text.at[0] == '@' || text.at[0] == '.') ? str_skip(text, 1) : text;
}

static int compare(struct str a, struct str b)
{
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        unsigned char one = (unsigned char)ascii_lower(a.at[i]), other = (unsigned char)ascii_lower(b.at[i]);
        if (one != other)
            return one < other ? -1 : 1;
    }
    return (a.len > b.len) - (a.len < b.len);
}

/* A text and its place, while they are sorted. */
struct placed {
    struct str text;
    uint32_t place;
};

static int by_text(const void *left, const void *right)
{
    const struct placed *a = left, *b = right;
    int order = compare(a->text, b->text);
    return order ? order : (a->place > b->place) - (a->place < b->place);
}

void texts_index(struct texts *texts, struct arena *arena)
{
    texts->sorted = NULL;
    if (texts->count <= SHORT)
        return;
    struct placed *placed = mem_alloc(texts->count * sizeof *placed);
    for (size_t i = 0; i < texts->count; i++)
        placed[i] = (struct placed){ bare(texts->text[i]), (uint32_t)i };
    qsort(placed, texts->count, sizeof *placed, by_text);
    texts->sorted = arena_alloc(arena, texts->count * sizeof *texts->sorted);
    for (size_t i = 0; i < texts->count; i++)
        texts->sorted[i] = placed[i].place;
    free(placed);
}

/* Whether one of the texts is `wanted` but for an @ or . before it; `fits` (NULL: any) is asked about the
 * text as it is written. */
static bool has(const struct texts *texts, struct str wanted, bool (*fits)(struct str text))
{
    size_t low = 0, high = texts->sorted ? texts->count : 0;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare(bare(texts->text[texts->sorted[middle]]), wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t i = low; i < texts->count; i++) {
        struct str text = texts->text[texts->sorted ? texts->sorted[i] : i];
        bool same = compare(bare(text), wanted) == 0;
        if (same && (!fits || fits(text)))
            return true;
        if (!same && texts->sorted)
            return false;
    }
    return false;
}

static bool is_bare(struct str text)
{
    return bare(text).len == text.len;
}

static bool has_at(struct str text)
{
    return text.len && text.at[0] == '@';
}

bool texts_hold(const struct texts *texts, struct str text)
{
    return has(texts, text, is_bare);
}

bool texts_hold_address(const struct texts *texts, struct str address)
{
    const char *at = address.len ? str_find_last(address, '@') : NULL;
    return has(texts, address, is_bare) ||
           (at && has(texts, str_range(at + 1, address.at + address.len), has_at));
}

bool texts_hold_exactly(const struct texts *texts, struct str domain)
{
    return has(texts, domain, NULL);
}

bool texts_hold_domain(const struct texts *texts, struct str domain)
{
    while (domain.len && texts->count) {
        if (has(texts, domain, NULL))
            return true;
        const char *dot = memchr(domain.at, '.', domain.len);
        if (!dot)
            return false;
        domain = str_range(dot + 1, domain.at + domain.len);
    }
    return false;
}

bool texts_equal(const struct texts *a, const struct texts *b)
{
    if (a->text == b->text)
        return a->count == b->count;
    bool equal = a->count == b->count;
    for (size_t i = 0; equal && i < a->count; i++)
        equal = str_eq(a->text[i], b->text[i]);
    return equal;
}

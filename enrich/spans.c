/* Ranges of addresses with values.
 *
 * Sorted by where they begin (radix sort: ten million in half a second), they are walked once: at each
 * address where one begins or ends, those that are open decide by their depth, a whole /8 being shallow and a
 * single address deep. Deeper ones lie within shallower ones, so that the open depths are few, and what a
 * depth says is worked out again only when one of it has begun or ended. */
#include "enrich/spans.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"

enum { DEPTHS = 129, INDEX_FROM = 4096, INDEX_BLOCKS = 65536 };

void spans_free(struct spans *spans)
{
    free(spans->four);
    free(spans->wide);
    free(spans->several);
    free(spans->begins);
    *spans = (struct spans){ .six = spans->six };
}

size_t spans_bytes(const struct spans *spans)
{
    return spans->capacity * (spans->six ? sizeof *spans->wide : sizeof *spans->four) +
           spans->several_capacity * sizeof *spans->several +
           (spans->begins ? (INDEX_BLOCKS + 1) * sizeof *spans->begins : 0);
}

void spans_add(struct spans *spans, address first, address last, uint32_t value)
{
    if (spans->six) {
        mem_room(spans->wide, spans->capacity, spans->count + 1);
        spans->wide[spans->count++] = (struct span6){ { (uint64_t)(first >> 64), (uint64_t)first },
                                                      { (uint64_t)(last >> 64), (uint64_t)last },
                                                      value };
    } else {
        mem_room(spans->four, spans->capacity, spans->count + 1);
        spans->four[spans->count++] = (struct span4){ (uint32_t)first, (uint32_t)last, value };
    }
}

void spans_add_octets(struct spans *spans, uint32_t first, uint32_t last, uint32_t value)
{
    /* In 64 bits, so that what follows 255.255.255.255 has a number. */
    uint64_t from = first, to = (uint64_t)last + 1;
    for (unsigned bits = 8; bits <= 24; bits += 8) {
        uint64_t block = (uint64_t)1 << bits;
        uint64_t whole_from = (from + block - 1) & ~(block - 1), whole_to = to & ~(block - 1);
        if (whole_from >= whole_to) { /* no whole block; it may lie across the border of two */
            if (from < whole_from && whole_from < to) {
                spans_add(spans, from, whole_from - 1, value);
                from = whole_from;
            }
            if (from < to)
                spans_add(spans, from, to - 1, value);
            return;
        }
        if (from < whole_from)
            spans_add(spans, from, whole_from - 1, value);
        if (whole_to < to)
            spans_add(spans, whole_to, to - 1, value);
        from = whole_from;
        to = whole_to;
    }
    spans_add(spans, from, to - 1, value);
}

/* ---- Sorted */

static inline address first_of(const struct spans *spans, size_t i)
{
    return spans->six ? (address)spans->wide[i].first[0] << 64 | spans->wide[i].first[1]
                      : spans->four[i].first;
}

static inline address last_of(const struct spans *spans, size_t i)
{
    return spans->six ? (address)spans->wide[i].last[0] << 64 | spans->wide[i].last[1] : spans->four[i].last;
}

static inline uint32_t value_of(const struct spans *spans, size_t i)
{
    return spans->six ? spans->wide[i].value : spans->four[i].value;
}

/* Whether each begins where the one before it began or behind it; *apart: none lies over another. */
static bool is_sorted(const struct spans *spans, bool *apart)
{
    *apart = true;
    for (size_t i = 1; i < spans->count; i++) {
        address first = first_of(spans, i);
        if (first < first_of(spans, i - 1))
            return *apart = false;
        *apart = *apart && first > last_of(spans, i - 1);
    }
    return true;
}

enum { DIGITS4 = 11, DIGITS6 = 8 }; /* bits that one pass of sorting looks at */

/* Makes counts of digits the places where they begin; false where all ranges have the same digit. */
static bool places(size_t *begins, unsigned digits, size_t count)
{
    size_t at = 0;
    for (unsigned digit = 0; digit < digits; digit++) {
        size_t here = begins[digit];
        if (here == count)
            return false;
        begins[digit] = at;
        at += here;
    }
    return true;
}

/* One pass over some bits of where ranges begin; false: there is nothing to sort by. */
static bool sort_pass4(const struct spans *spans, struct span4 *to, unsigned shift)
{
    const unsigned mask = (1u << DIGITS4) - 1;
    size_t begins[1 << DIGITS4] = { 0 };
    const struct span4 *from = spans->four;
    for (size_t i = 0; i < spans->count; i++)
        begins[from[i].first >> shift & mask]++;
    if (!places(begins, mask + 1, spans->count))
        return false;
    for (size_t i = 0; i < spans->count; i++)
        to[begins[from[i].first >> shift & mask]++] = from[i];
    return true;
}

static bool sort_pass6(const struct spans *spans, struct span6 *to, unsigned shift)
{
    const unsigned mask = (1u << DIGITS6) - 1, half = shift < 64, bits = shift % 64;
    size_t begins[1 << DIGITS6] = { 0 };
    const struct span6 *from = spans->wide;
    for (size_t i = 0; i < spans->count; i++)
        begins[from[i].first[half] >> bits & mask]++;
    if (!places(begins, mask + 1, spans->count))
        return false;
    for (size_t i = 0; i < spans->count; i++)
        to[begins[from[i].first[half] >> bits & mask]++] = from[i];
    return true;
}

/* Stable: of two that begin at the same address, the one that was added first comes first. */
static void sort4(struct spans *spans)
{
    struct span4 *other = mem_resize(NULL, spans->capacity, sizeof *other);
    for (unsigned shift = 0; shift < 32; shift += DIGITS4) {
        if (sort_pass4(spans, other, shift)) {
            struct span4 *before = spans->four;
            spans->four = other;
            other = before;
        }
    }
    free(other);
}

static void sort6(struct spans *spans)
{
    struct span6 *other = mem_resize(NULL, spans->capacity, sizeof *other);
    for (unsigned shift = 0; shift < 128; shift += DIGITS6) {
        if (sort_pass6(spans, other, shift)) {
            struct span6 *before = spans->wide;
            spans->wide = other;
            other = before;
        }
    }
    free(other);
}

/* ---- Flat */

struct open {
    address last;
    uint32_t value;
};

struct depth {
    struct open *open;
    size_t count, capacity;
    address next_end; /* the least `last` */
    uint32_t says;    /* the value for all of them */
    bool known;       /* says is up to date */
};

struct sweep {
    enum spans_rule rule;
    struct depth depth[DEPTHS];
    unsigned open[DEPTHS], open_count; /* the depths that have some, the deepest last */
    struct spans flat;
    uint32_t *values; /* of one depth, while they are made a set */
    size_t values_capacity;
};

static unsigned depth_of(const struct sweep *sweep, address first, address last)
{
    if (sweep->rule == SPANS_OCTETS) {
        for (unsigned octets = 1; octets < 4; octets++) {
            address host = ((address)1 << (32 - 8 * octets)) - 1;
            if ((first & host) == 0 && (last & host) == host)
                return octets;
        }
        return 4;
    }
    unsigned bits = 0;
    for (address size = last - first; size; size >>= 1)
        bits++;
    return 128 - bits;
}

static void begin(struct sweep *sweep, address first, address last, uint32_t value)
{
    unsigned number = depth_of(sweep, first, last);
    struct depth *depth = &sweep->depth[number];
    if (depth->count && sweep->rule == SPANS_LONGEST)
        return; /* the same prefix once more */
    if (depth->count && depth->open[depth->count - 1].last == last &&
        depth->open[depth->count - 1].value == value)
        return;
    if (!depth->count) {
        unsigned at = sweep->open_count++;
        for (; at && sweep->open[at - 1] > number; at--)
            sweep->open[at] = sweep->open[at - 1];
        sweep->open[at] = number;
        depth->next_end = last;
    }
    mem_room(depth->open, depth->capacity, depth->count + 1);
    depth->open[depth->count++] = (struct open){ last, value };
    if (last < depth->next_end)
        depth->next_end = last;
    depth->known = false;
}

/* Closes what ends at `last`. */
static void end(struct sweep *sweep, address last)
{
    unsigned kept_depths = 0;
    for (unsigned i = 0; i < sweep->open_count; i++) {
        struct depth *depth = &sweep->depth[sweep->open[i]];
        if (depth->next_end == last) {
            size_t kept = 0;
            depth->next_end = ~(address)0;
            for (size_t k = 0; k < depth->count; k++) {
                if (depth->open[k].last == last)
                    continue;
                depth->open[kept++] = depth->open[k];
                if (depth->open[k].last < depth->next_end)
                    depth->next_end = depth->open[k].last;
            }
            depth->count = kept;
            depth->known = false;
        }
        if (depth->count)
            sweep->open[kept_depths++] = sweep->open[i];
    }
    sweep->open_count = kept_depths;
}

static int compare_values(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* One value for several: the place where they are kept. */
static uint32_t keep_several(struct spans *flat, const uint32_t *values, size_t count)
{
    if (count > SPAN_VALUES_MOST)
        count = SPAN_VALUES_MOST;
    size_t at = flat->several_count;
    if (at + 1 + count >= SPAN_SEVERAL)
        return values[0];
    mem_room(flat->several, flat->several_capacity, at + 1 + count);
    flat->several[at] = (uint32_t)count;
    memcpy(flat->several + at + 1, values, count * sizeof *values);
    flat->several_count = at + 1 + count;
    return SPAN_SEVERAL | (uint32_t)at;
}

/* What the deepest that are open say. */
static uint32_t said(struct sweep *sweep)
{
    struct depth *depth = &sweep->depth[sweep->open[sweep->open_count - 1]];
    if (depth->known)
        return depth->says;
    depth->known = true;
    mem_room(sweep->values, sweep->values_capacity, depth->count);
    for (size_t i = 0; i < depth->count; i++)
        sweep->values[i] = depth->open[i].value;
    qsort(sweep->values, depth->count, sizeof *sweep->values, compare_values);
    size_t count = 1;
    for (size_t i = 1; i < depth->count; i++)
        if (sweep->values[i] != sweep->values[count - 1])
            sweep->values[count++] = sweep->values[i];
    bool one = count == 1 || sweep->values[0] == SPAN_NONE; /* one exclusion outweighs all */
    return depth->says = one ? sweep->values[0] : keep_several(&sweep->flat, sweep->values, count);
}

static void set_last(struct spans *spans, size_t i, address last)
{
    if (spans->six) {
        spans->wide[i].last[0] = (uint64_t)(last >> 64);
        spans->wide[i].last[1] = (uint64_t)last;
    } else {
        spans->four[i].last = (uint32_t)last;
    }
}

/* Adds to the end of what is flat, or makes the last one longer. */
static void put(struct spans *flat, address first, address last, uint32_t value)
{
    if (value == SPAN_NONE)
        return;
    if (flat->count && value_of(flat, flat->count - 1) == value &&
        (first == 0 || last_of(flat, flat->count - 1) >= first - 1)) {
        if (last > last_of(flat, flat->count - 1))
            set_last(flat, flat->count - 1, last);
        return;
    }
    spans_add(flat, first, last, value);
}

static void flatten(struct spans *spans, enum spans_rule rule)
{
    struct sweep *sweep = mem_zero(1, sizeof *sweep);
    sweep->rule = rule;
    sweep->flat.six = spans->six;
    address at = 0;
    for (size_t i = 0; i < spans->count || sweep->open_count;) {
        if (!sweep->open_count) {
            at = first_of(spans, i);
            if (i + 1 == spans->count ||
                last_of(spans, i) < first_of(spans, i + 1)) { /* alone, as most are */
                put(&sweep->flat, at, last_of(spans, i), value_of(spans, i));
                i++;
                continue;
            }
        }
        for (; i < spans->count && first_of(spans, i) == at; i++)
            begin(sweep, at, last_of(spans, i), value_of(spans, i));
        address until = i < spans->count ? first_of(spans, i) - 1 : ~(address)0;
        for (unsigned k = 0; k < sweep->open_count; k++)
            if (sweep->depth[sweep->open[k]].next_end < until)
                until = sweep->depth[sweep->open[k]].next_end;
        put(&sweep->flat, at, until, said(sweep));
        end(sweep, until);
        at = until + 1; /* where it is none any more, nothing is open and none is left */
    }
    spans_free(spans);
    *spans = sweep->flat;
    for (unsigned i = 0; i < DEPTHS; i++)
        free(sweep->depth[i].open);
    free(sweep->values);
    free(sweep);
}

/* None lies over another, or all have one value: they are what they say, in place. */
static void join(struct spans *spans)
{
    struct spans flat = *spans;
    flat.count = 0;
    for (size_t i = 0; i < spans->count; i++)
        put(&flat, first_of(spans, i), last_of(spans, i), value_of(spans, i));
    *spans = flat;
}

static void index_begins(struct spans *spans)
{
    if (spans->six || spans->count < INDEX_FROM)
        return;
    assert(spans->count < UINT32_MAX);
    spans->begins = mem_zero(INDEX_BLOCKS + 1, sizeof *spans->begins);
    size_t i = 0;
    for (size_t block = 0; block <= INDEX_BLOCKS; block++) {
        while (i < spans->count && spans->four[i].first >> 16 < block)
            i++;
        spans->begins[block] = (uint32_t)i;
    }
}

void spans_finish(struct spans *spans, enum spans_rule rule)
{
    bool apart = false;
    if (!is_sorted(spans, &apart)) {
        if (spans->six)
            sort6(spans);
        else
            sort4(spans);
        is_sorted(spans, &apart);
    }
    if (apart || rule == SPANS_UNION)
        join(spans);
    else
        flatten(spans, rule);
    if (spans->count && spans->six)
        spans->wide = mem_resize(spans->wide, spans->count, sizeof *spans->wide);
    else if (spans->count)
        spans->four = mem_resize(spans->four, spans->count, sizeof *spans->four);
    spans->capacity = spans->count ? spans->count : spans->capacity;
    index_begins(spans);
}

/* ---- Asked */

uint32_t spans_find(const struct spans *spans, address at)
{
    size_t low = 0, high = spans->count;
    if (spans->begins) {
        size_t block = (size_t)(at >> 16);
        low = spans->begins[block];
        high = spans->begins[block + 1];
    }
    while (low < high) { /* the first that begins behind `at` */
        size_t middle = low + (high - low) / 2;
        if (first_of(spans, middle) <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low && last_of(spans, low - 1) >= at ? value_of(spans, low - 1) : SPAN_NONE;
}

size_t spans_values(const struct spans *spans, const uint32_t *found, const uint32_t **values)
{
    if (!(*found & SPAN_SEVERAL)) {
        *values = found;
        return *found == SPAN_NONE ? 0 : 1;
    }
    const uint32_t *run = spans->several + (*found & ~SPAN_SEVERAL);
    *values = run + 1;
    return *run;
}

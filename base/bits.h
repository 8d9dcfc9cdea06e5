/* Sets of bits: one bit a unit, 64 to a word. The words after the last bit are kept zero. */
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bits {
    uint64_t *word;
    size_t count; /* bits */
};

static inline size_t bits_words(size_t count)
{
    return (count + 63) / 64;
}

static inline bool bits_get(const struct bits *bits, size_t i)
{
    return bits->word[i / 64] >> (i % 64) & 1;
}

static inline void bits_set(struct bits *bits, size_t i)
{
    bits->word[i / 64] |= (uint64_t)1 << (i % 64);
}

static inline void bits_clear(struct bits *bits, size_t i)
{
    bits->word[i / 64] &= ~((uint64_t)1 << (i % 64));
}

static inline void bits_put(struct bits *bits, size_t i, bool value)
{
    if (value)
        bits_set(bits, i);
    else
        bits_clear(bits, i);
}

/* All zero; give back with bits_free(). */
struct bits bits_new(size_t count);
void bits_free(struct bits *bits);
void bits_fill(struct bits *bits, bool value);
void bits_copy(struct bits *to, const struct bits *from);
/* The number of ones. */
size_t bits_count(const struct bits *bits);

#endif

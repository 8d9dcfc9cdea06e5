/* Sets of bits. */
#include "base/bits.h"

#include <stdlib.h>
#include <string.h>
#include "base/memory.h"

struct bits bits_new(size_t count)
{
    return (struct bits){ mem_zero(bits_words(count), sizeof(uint64_t)), count };
}

void bits_free(struct bits *bits)
{
    free(bits->word);
    *bits = (struct bits){ 0 };
}

void bits_fill(struct bits *bits, bool value)
{
    memset(bits->word, value ? 0xff : 0, bits_words(bits->count) * sizeof(uint64_t));
    if (value && bits->count % 64)
        bits->word[bits->count / 64] = ((uint64_t)1 << (bits->count % 64)) - 1;
}

void bits_copy(struct bits *to, const struct bits *from)
{
    memcpy(to->word, from->word, bits_words(from->count) * sizeof(uint64_t));
}

size_t bits_count(const struct bits *bits)
{
    size_t ones = 0;
    for (size_t i = 0; i < bits_words(bits->count); i++)
        ones += (size_t)__builtin_popcountll(bits->word[i]);
    return ones;
}

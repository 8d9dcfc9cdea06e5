/* Lower case, byte for byte. Unicode 15, blocks Latin-1 Supplement, Latin Extended-A and Cyrillic. */
#include "base/fold.h"

#include <stdint.h>

/* The small letter of a code point that is written in two bytes; most have none. */
static uint32_t small(uint32_t point)
{
    if (point >= 0xc0 && point <= 0xde && point != 0xd7)
        return point + 0x20;
    /* Pairs: the capital is even, but odd from U+0139 to U+0148 and from U+0179 on. U+0130 and U+0178 have
     * their other letter elsewhere. */
    if (point >= 0x100 && point <= 0x137 && point != 0x130)
        return point | 1;
    if ((point >= 0x139 && point <= 0x148) || (point >= 0x179 && point <= 0x17e))
        return point + (point & 1);
    if (point >= 0x14a && point <= 0x177)
        return point | 1;
    if (point >= 0x410 && point <= 0x42f)
        return point + 0x20;
    return point >= 0x400 && point <= 0x40f ? point + 0x50 : point;
}

struct str fold(char *to, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c >= 0xc3 && c <= 0xd0 && i + 1 < text.len && ((unsigned char)text.at[i + 1] & 0xc0) == 0x80) {
            uint32_t point = small((uint32_t)(c & 0x1f) << 6 | ((unsigned char)text.at[i + 1] & 0x3f));
            to[i] = (char)(0xc0 | point >> 6);
            to[++i] = (char)(0x80 | (point & 0x3f));
        } else {
            to[i] = ascii_lower(text.at[i]);
        }
    }
    return (struct str){ to, text.len };
}

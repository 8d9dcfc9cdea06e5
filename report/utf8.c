/* UTF-8 as it comes from strangers. Widths are after Unicode's EastAsianWidth.txt (W and F) and the general
 * categories Mn and Me, folded into ranges: libc's wcwidth() would depend on the locale. */
#include "report/utf8.h"

#include <inttypes.h>
#include <stdio.h>

struct range {
    uint32_t from, to;
};

/* clang-format off */
static const struct range wide[] = {
    { 0x1100, 0x115f }, { 0x231a, 0x231b }, { 0x2329, 0x232a }, { 0x23e9, 0x23ec }, { 0x23f0, 0x23f0 },
    { 0x23f3, 0x23f3 }, { 0x25fd, 0x25fe }, { 0x2614, 0x2615 }, { 0x2648, 0x2653 }, { 0x267f, 0x267f },
    { 0x2693, 0x2693 }, { 0x26a1, 0x26a1 }, { 0x26aa, 0x26ab }, { 0x26bd, 0x26be }, { 0x26c4, 0x26c5 },
    { 0x26ce, 0x26ce }, { 0x26d4, 0x26d4 }, { 0x26ea, 0x26ea }, { 0x26f2, 0x26f3 }, { 0x26f5, 0x26f5 },
    { 0x26fa, 0x26fa }, { 0x26fd, 0x26fd }, { 0x2705, 0x2705 }, { 0x270a, 0x270b }, { 0x2728, 0x2728 },
    { 0x274c, 0x274c }, { 0x274e, 0x274e }, { 0x2753, 0x2755 }, { 0x2757, 0x2757 }, { 0x2795, 0x2797 },
    { 0x27b0, 0x27b0 }, { 0x27bf, 0x27bf }, { 0x2b1b, 0x2b1c }, { 0x2b50, 0x2b50 }, { 0x2b55, 0x2b55 },
    { 0x2e80, 0x303e }, { 0x3041, 0x33ff }, { 0x3400, 0x4dbf }, { 0x4e00, 0xa4cf }, { 0xa960, 0xa97f },
    { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff }, { 0xfe10, 0xfe19 }, { 0xfe30, 0xfe6f }, { 0xff00, 0xff60 },
    { 0xffe0, 0xffe6 }, { 0x16fe0, 0x18aff }, { 0x1b000, 0x1b2ff }, { 0x1f004, 0x1f004 }, { 0x1f0cf, 0x1f0cf },
    { 0x1f18e, 0x1f18e }, { 0x1f191, 0x1f19a }, { 0x1f200, 0x1f320 }, { 0x1f32d, 0x1f335 },
    { 0x1f337, 0x1f37c }, { 0x1f37e, 0x1f393 }, { 0x1f3a0, 0x1f3ca }, { 0x1f3cf, 0x1f3d3 },
    { 0x1f3e0, 0x1f3f0 }, { 0x1f3f4, 0x1f3f4 }, { 0x1f3f8, 0x1f43e }, { 0x1f440, 0x1f440 },
    { 0x1f442, 0x1f4fc }, { 0x1f4ff, 0x1f53d }, { 0x1f54b, 0x1f54e }, { 0x1f550, 0x1f567 },
    { 0x1f57a, 0x1f57a }, { 0x1f595, 0x1f596 }, { 0x1f5a4, 0x1f5a4 }, { 0x1f5fb, 0x1f64f },
    { 0x1f680, 0x1f6c5 }, { 0x1f6cc, 0x1f6cc }, { 0x1f6d0, 0x1f6d2 }, { 0x1f6d5, 0x1f6d7 },
    { 0x1f6dc, 0x1f6df }, { 0x1f6eb, 0x1f6ec }, { 0x1f6f4, 0x1f6fc }, { 0x1f7e0, 0x1f7eb },
    { 0x1f7f0, 0x1f7f0 }, { 0x1f90c, 0x1f93a }, { 0x1f93c, 0x1f945 }, { 0x1f947, 0x1f9ff },
    { 0x1fa70, 0x1faff }, { 0x20000, 0x3fffd },
};

static const struct range combining[] = {
    { 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd }, { 0x05bf, 0x05bf }, { 0x05c1, 0x05c2 },
    { 0x05c4, 0x05c5 }, { 0x05c7, 0x05c7 }, { 0x0610, 0x061a }, { 0x064b, 0x065f }, { 0x0670, 0x0670 },
    { 0x06d6, 0x06dc }, { 0x06df, 0x06e4 }, { 0x06e7, 0x06e8 }, { 0x06ea, 0x06ed }, { 0x0711, 0x0711 },
    { 0x0730, 0x074a }, { 0x07a6, 0x07b0 }, { 0x0900, 0x0902 }, { 0x093a, 0x093a }, { 0x093c, 0x093c },
    { 0x0941, 0x0948 }, { 0x094d, 0x094d }, { 0x0951, 0x0957 }, { 0x0e31, 0x0e31 }, { 0x0e34, 0x0e3a },
    { 0x0e47, 0x0e4e }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x20d0, 0x20f0 }, { 0x302a, 0x302d },
    { 0x3099, 0x309a }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f },
};

static const struct range hidden[] = {
    { 0x0000, 0x001f }, /* C0: escape sequences begin here */
    { 0x007f, 0x009f }, /* DEL and C1: a lone U+009B is ESC [ to some terminals */
    { 0x00ad, 0x00ad }, /* soft hyphen */
    { 0x034f, 0x034f }, { 0x061c, 0x061c }, { 0x115f, 0x1160 }, { 0x17b4, 0x17b5 }, { 0x180b, 0x180f },
    { 0x200b, 0x200f }, /* zero width; left-to-right and right-to-left marks */
    { 0x2028, 0x202e }, /* line and paragraph ends, embeddings, overrides */
    { 0x2060, 0x206f }, { 0x3164, 0x3164 }, { 0xd800, 0xdfff }, { 0xfdd0, 0xfdef }, { 0xfeff, 0xfeff },
    { 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb }, { 0xfffe, 0xffff }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
};
/* clang-format on */

static bool in_ranges(uint32_t code, const struct range *ranges, size_t count)
{
    size_t low = 0;
    for (size_t high = count; low < high;) {
        size_t middle = (low + high) / 2;
        if (code > ranges[middle].to)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && code >= ranges[low].from;
}

#define IN(code, ranges) in_ranges((code), (ranges), sizeof(ranges) / sizeof *(ranges))

/* The bytes that follow a first byte, and the least code that needs so many (RFC 3629 section 3). */
static bool lead(unsigned char byte, unsigned *follow, uint32_t *code, uint32_t *least)
{
    if (byte < 0x80) {
        *follow = 0, *code = byte, *least = 0;
        return true;
    }
    if ((byte & 0xe0) == 0xc0) {
        *follow = 1, *code = byte & 0x1f, *least = 0x80;
        return true;
    }
    if ((byte & 0xf0) == 0xe0) {
        *follow = 2, *code = byte & 0x0f, *least = 0x800;
        return true;
    }
    *follow = 3, *code = byte & 0x07, *least = 0x10000;
    return (byte & 0xf8) == 0xf0;
}

bool utf8_next(struct str *rest, uint32_t *code)
{
    if (rest->len == 0)
        return false;
    unsigned char first = (unsigned char)rest->at[0];
    unsigned follow = 0;
    uint32_t whole = 0, least = 0;
    bool valid = lead(first, &follow, &whole, &least) && rest->len > follow;
    for (unsigned i = 1; valid && i <= follow; i++) {
        unsigned char byte = (unsigned char)rest->at[i];
        valid = (byte & 0xc0) == 0x80;
        whole = whole << 6 | (byte & 0x3f);
    }
    valid = valid && whole >= least && whole < UTF8_BYTE && !(whole >= 0xd800 && whole <= 0xdfff);
    *code = valid ? whole : UTF8_BYTE + (uint32_t)first;
    *rest = str_skip(*rest, valid ? follow + 1 : 1);
    return true;
}

unsigned utf8_width(uint32_t code)
{
    if (code < 0x300)
        return 1;
    return IN(code, combining) ? 0 : IN(code, wide) ? 2 : 1;
}

bool utf8_is_hidden(uint32_t code)
{
    if (code >= 0x20 && code < 0x7f)
        return false;
    /* U+1FFFE, U+1FFFF and so on, the last two of each plane, are no characters. */
    return code >= UTF8_BYTE || (code & 0xfffe) == 0xfffe || IN(code, hidden);
}

size_t utf8_spell(uint32_t code, char text[SPELLED_BYTES])
{
    if (code >= UTF8_BYTE)
        return (size_t)snprintf(text, SPELLED_BYTES, "\\x%02" PRIx32, code - UTF8_BYTE);
    if (code < 0x80)
        return (size_t)snprintf(text, SPELLED_BYTES, "\\x%02" PRIx32, code);
    if (code < 0x10000)
        return (size_t)snprintf(text, SPELLED_BYTES, "\\u%04" PRIx32, code);
    return (size_t)snprintf(text, SPELLED_BYTES, "\\U%08" PRIx32, code);
}

struct str text_visible(struct arena *arena, struct str text)
{
    size_t bytes = 1;
    uint32_t code = 0;
    for (struct str rest = text; utf8_next(&rest, &code);)
        bytes += utf8_is_hidden(code) ? SPELLED_BYTES : 4;
    char *copy = arena_alloc(arena, bytes), *to = copy;
    for (struct str rest = text, before = rest; utf8_next(&rest, &code); before = rest) {
        if (utf8_is_hidden(code)) {
            to += utf8_spell(code, to);
        } else {
            memcpy(to, before.at, before.len - rest.len);
            to += before.len - rest.len;
        }
    }
    *to = '\0';
    return str_range(copy, to);
}

size_t text_width(struct str visible)
{
    size_t width = 0;
    for (uint32_t code = 0; utf8_next(&visible, &code);)
        width += utf8_width(code);
    return width;
}

/* The longest beginning that takes at most `width` columns. */
static struct str begin_of(struct str visible, size_t width)
{
    struct str rest = visible, last = visible;
    size_t used = 0;
    for (uint32_t code = 0; utf8_next(&rest, &code); last = rest)
        if ((used += utf8_width(code)) > width)
            break;
    return str_range(visible.at, last.at);
}

struct str text_fit(struct arena *arena, struct str visible, size_t width)
{
    if (text_width(visible) <= width)
        return visible;
    return arena_printf(arena, "%.*s…", STR_ARG(begin_of(visible, width ? width - 1 : 0)));
}

bool text_wrap(struct str *rest, size_t width, struct str *line)
{
    *rest = str_trim(*rest);
    if (rest->len == 0)
        return false;
    *line = begin_of(*rest, width);
    const char *blank = NULL;
    if (line->len < rest->len && rest->at[line->len] != ' ')
        blank = str_find_last(*line, ' ');
    if (blank)
        *line = str_range(line->at, blank);
    if (line->len == 0) { /* a width of nothing, or of one before a wide character: go on all the same */
        struct str left = *rest;
        uint32_t code = 0;
        utf8_next(&left, &code);
        *line = str_range(rest->at, left.at);
    }
    *rest = str_skip(*rest, line->len);
    *line = str_trim(*line);
    return true;
}

size_t text_grouped(uint64_t count, char text[GROUPED_BYTES])
{
    char digits[24];
    size_t len = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, count), n = 0;
    for (size_t i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            text[n++] = ',';
        text[n++] = digits[i];
    }
    text[n] = '\0';
    return n;
}

/* How texts stand in the database. */
#include "schemas/text.h"

/* The code points U+EF00..U+EFFF, for private use, stand for the bytes that are escaped. In UTF-8: EE BC 80
 * .. EE BF BF. They are not text of ours when a client sends them: their bytes are escaped in turn. */
enum { ESCAPE_LEAD = 0xee, ESCAPE_BYTES = 3 };

enum { MARK = 1 };
static const char mark_letter[QUOTED] = { 'c', 'n', 'h', 's', 'r' };
/* Shorter texts stand in a reply by chance more often than as a quotation. */
enum { QUOTE_BYTES_LEAST = 4 };

/* Whether 8 bytes are all of 0x20..0x7e: no borrow out of, and no carry into, a byte's highest bit. */
static bool are_plain(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    return ((word | (word - ones * 0x20) | (word + ones)) & high) == 0;
}

static size_t plain_bytes(struct str text)
{
    size_t i = 0;
    for (; i + 8 <= text.len; i += 8) {
        uint64_t word = 0;
        memcpy(&word, text.at + i, 8);
        if (!are_plain(word))
            break;
    }
    while (i < text.len && text.at[i] >= 0x20 && text.at[i] < 0x7f)
        i++;
    return i;
}

/* The length of the code point at the front that may stand as it is, or 0 (Unicode 15, table 3-7). */
static size_t whole_bytes(const unsigned char *at, size_t left)
{
    unsigned char c = at[0];
    if (c < 0x80)
        return (c >= 0x20 && c != 0x7f) || c == '\t';
    size_t length = c >= 0xc2 && c <= 0xdf ? 2 : c >= 0xe0 && c <= 0xef ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;
    if (length == 0 || left < length)
        return 0;
    for (size_t i = 1; i < length; i++)
        if (at[i] < 0x80 || at[i] > 0xbf)
            return 0;
    bool is_long = (c == 0xe0 && at[1] < 0xa0) || (c == 0xf0 && at[1] < 0x90);
    bool is_no_character = (c == 0xed && at[1] > 0x9f) || (c == 0xf4 && at[1] > 0x8f);
    bool is_control = c == 0xc2 && at[1] < 0xa0;
    bool is_escape = c == ESCAPE_LEAD && at[1] >= 0xbc;
    return is_long || is_no_character || is_control || is_escape ? 0 : length;
}

struct str text_escaped(struct arena *arena, struct str text)
{
    size_t i = plain_bytes(text);
    const unsigned char *from = (const unsigned char *)text.at;
    for (size_t length = 0; i < text.len && (length = whole_bytes(from + i, text.len - i)); i += length)
        ;
    if (i == text.len)
        return text;
    size_t bytes = 0;
    if (__builtin_mul_overflow(text.len, (size_t)ESCAPE_BYTES, &bytes))
        bytes = SIZE_MAX; /* ends in arena_alloc() */
    unsigned char *copy = arena_alloc(arena, bytes), *to = copy;
    for (i = 0; i < text.len;) {
        size_t length = whole_bytes(from + i, text.len - i);
        if (length) {
            memcpy(to, from + i, length);
            to += length;
            i += length;
            continue;
        }
        *to++ = ESCAPE_LEAD;
        *to++ = (unsigned char)(0xbc | from[i] >> 6);
        *to++ = (unsigned char)(0x80 | (from[i] & 0x3f));
        i++;
    }
    return (struct str){ (char *)copy, (size_t)(to - copy) };
}

struct str text_unescape(struct arena *arena, struct str stored)
{
    struct str copy = arena_str(arena, stored);
    if (!stored.len || !memchr(stored.at, ESCAPE_LEAD, stored.len))
        return copy;
    unsigned char *at = arena_alloc(arena, stored.len), *to = at;
    const unsigned char *from = (const unsigned char *)copy.at, *end = from + copy.len;
    while (from < end) {
        if (from[0] == ESCAPE_LEAD && end - from >= ESCAPE_BYTES && from[1] >= 0xbc) {
            *to++ = (unsigned char)((from[1] & 3) << 6 | (from[2] & 0x3f));
            from += ESCAPE_BYTES;
        } else {
            *to++ = *from++;
        }
    }
    return (struct str){ (char *)at, (size_t)(to - at) };
}

static bool is_word(char c)
{
    return is_alpha(c) || is_digit(c);
}

/* The quote that stands at text[i] as a word of its own, the longest; or QUOTED. */
static enum quoted quote_at(struct str text, size_t i, const struct quotes *quotes, unsigned candidates)
{
    enum quoted found = QUOTED;
    for (enum quoted q = 0; q < QUOTED; q++) {
        struct str quote = quotes->text[q];
        if (!(candidates & 1u << q) || text.len - i < quote.len ||
            memcmp(text.at + i, quote.at, quote.len) != 0 ||
            (i + quote.len < text.len && is_word(text.at[i + quote.len])))
            continue;
        if (found == QUOTED || quote.len > quotes->text[found].len)
            found = q;
    }
    return found;
}

/* Where words begin that may be quotes. A bit for each quote says which bytes it begins with; 0xff in
 * after_byte that a word may begin after a byte. This is most of what there is to do for a reply, so eight
 * bytes are looked at at once. */
#define YES5  0xff, 0xff, 0xff, 0xff, 0xff
#define YES16 YES5, YES5, YES5, 0xff
#define NO10  0, 0, 0, 0, 0, 0, 0, 0, 0, 0
/* clang-format off */
static const uint8_t after_byte[256] = {
    YES16, YES16, YES16,
    NO10, YES5, 0xff,           /* 0 to 9 */
    0xff, NO10, 0, 0, 0, 0, 0,  /* A to O */
    NO10, 0, YES5,              /* P to Z */
    0xff, NO10, 0, 0, 0, 0, 0,
    NO10, 0, YES5,
    YES16, YES16, YES16, YES16, YES16, YES16, YES16, YES16
};
/* clang-format on */

static size_t next_candidate(struct str text, size_t from, const uint8_t begins[256], unsigned *candidates)
{
    const unsigned char *at = (const unsigned char *)text.at;
    size_t i = from;
    if (i == 0 && text.len && begins[at[0]]) {
        *candidates = begins[at[0]];
        return 0;
    }
    for (i = i ? i : 1; i + 8 <= text.len; i += 8) {
        unsigned any = 0;
        for (size_t j = i; j < i + 8; j++)
            any |= begins[at[j]] & after_byte[at[j - 1]];
        if (any)
            break;
    }
    for (; i < text.len; i++)
        if ((*candidates = begins[at[i]] & after_byte[at[i - 1]]))
            return i;
    return text.len;
}

struct str text_mark(struct arena *arena, struct str text, const struct quotes *quotes)
{
    uint8_t begins[256] = { 0 };
    for (enum quoted q = 0; q < QUOTED; q++)
        if (quotes->text[q].len >= QUOTE_BYTES_LEAST)
            begins[(unsigned char)quotes->text[q].at[0]] |= (uint8_t)(1u << q);
    char *copy = NULL, *to = NULL;
    size_t kept = 0; /* what stands before has been copied */
    unsigned candidates = 0;
    for (size_t i = 0; (i = next_candidate(text, i, begins, &candidates)) < text.len;) {
        enum quoted q = quote_at(text, i, quotes, candidates);
        if (q == QUOTED) {
            i++;
            continue;
        }
        if (!copy)
            copy = to = arena_alloc(arena, text.len);
        memcpy(to, text.at + kept, i - kept);
        to += i - kept;
        *to++ = MARK;
        *to++ = mark_letter[q];
        i += quotes->text[q].len;
        kept = i;
    }
    if (!copy)
        return text;
    memcpy(to, text.at + kept, text.len - kept);
    to += text.len - kept;
    return str_range(copy, to);
}

/* The quote that a letter stands for. */
static struct str quote_of(char letter, const struct quotes *quotes)
{
    const char *at = memchr(mark_letter, letter, sizeof mark_letter);
    return at ? quotes->text[at - mark_letter] : (struct str){ "", 0 };
}

struct str text_unmark(struct arena *arena, struct str marked, const struct quotes *quotes)
{
    if (!marked.len || !memchr(marked.at, MARK, marked.len))
        return marked;
    const char *end = marked.at + marked.len, *mark = NULL;
    size_t bytes = marked.len;
    for (const char *at = marked.at; (mark = memchr(at, MARK, (size_t)(end - at))) && mark + 1 < end;
         at = mark + 2)
        bytes += quote_of(mark[1], quotes).len;
    char *copy = arena_alloc(arena, bytes), *to = copy;
    const char *at = marked.at;
    for (; (mark = memchr(at, MARK, (size_t)(end - at))) && mark + 1 < end; at = mark + 2) {
        struct str quote = quote_of(mark[1], quotes);
        memcpy(to, at, (size_t)(mark - at));
        to += mark - at;
        if (quote.len)
            memcpy(to, quote.at, quote.len);
        to += quote.len;
    }
    memcpy(to, at, (size_t)(end - at));
    return str_range(copy, to + (end - at));
}

/* Views on text: what is too long to be inline. */
#define _GNU_SOURCE
#include "base/str.h"

/* A table, since no branch foresees what comes in an id. */
const uint8_t digit62[256] = {
    ['0'] = 1, 2,  3,  4,  5,  6,  7,  8,  9,  10, ['A'] = 11, 12, 13, 14, 15, 16,         17, 18, 19, 20, 21,
    22,        23, 24, 25, 26, 27, 28, 29, 30, 31, 32,         33, 34, 35, 36, ['a'] = 37, 38, 39, 40, 41, 42,
    43,        44, 45, 46, 47, 48, 49, 50, 51, 52, 53,         54, 55, 56, 57, 58,         59, 60, 61, 62,
};

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (ascii_lower(a.at[i]) != ascii_lower(b.at[i]))
            return false;
    return true;
}

/* memmem() fills a table of 256 bytes before it begins: for the usual line that is more than the search. */
const char *str_find(struct str s, struct str what)
{
    if (what.len == 0)
        return s.at;
    if (s.len < what.len)
        return NULL;
    if (s.len > 1024)
        return memmem(s.at, s.len, what.at, what.len);
    const char *last = s.at + (s.len - what.len), end = what.at[what.len - 1];
    for (const char *at = s.at; at <= last; at++) {
        at = memchr(at, what.at[0], (size_t)(last - at) + 1);
        /* Most words that begin alike do not end alike. */
        if (!at || (at[what.len - 1] == end && memcmp(at, what.at, what.len) == 0))
            return at;
    }
    return NULL;
}

const char *str_find_last(struct str s, char c)
{
    return s.len ? memrchr(s.at, c, s.len) : NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool str_split_last(struct str s, struct str mark, struct str *before, struct str *behind)
{
    for (size_t at = s.len >= mark.len ? s.len - mark.len + 1 : 0; at-- > 0;)
        if (memcmp(s.at + at, mark.at, mark.len) == 0) {
            *before = (struct str){ s.at, at };
            *behind = str_skip(s, at + mark.len);
            return true;
        }
    return false;
}

struct str str_trim(struct str s)
{
    while (s.len && is_blank(s.at[0])) {
        s.at++;
        s.len--;
    }
    while (s.len && is_blank(s.at[s.len - 1]))
        s.len--;
    return s;
}

bool cut_until(struct str *rest, struct str mark, struct str *before)
{
    const char *at = str_find(*rest, mark);
    if (!at)
        return false;
    *before = str_range(rest->at, at);
    *rest = str_range(at + mark.len, rest->at + rest->len);
    return true;
}

bool cut_number(struct str *rest, uint64_t *number)
{
    uint64_t n = 0;
    size_t i = 0;
    for (; i < rest->len && is_digit(rest->at[i]); i++) {
        if (i == 19)
            return false;
        n = n * 10 + (uint64_t)(rest->at[i] - '0');
    }
    if (i == 0)
        return false;
    *number = n;
    *rest = str_skip(*rest, i);
    return true;
}

bool str_number(struct str s, uint64_t *number)
{
    uint64_t n = 0;
    if (!cut_number(&s, &n) || s.len)
        return false;
    *number = n;
    return true;
}

/* A multiply-and-fold hash over 8 bytes at a time: three multiplications for a usual name. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* 1 to 7 bytes as one word, by loads of fixed size that overlap. */
static uint64_t short_word(const unsigned char *p, size_t len)
{
    if (len < 4)
        return (uint64_t)p[0] << 16 | (uint64_t)p[len / 2] << 8 | p[len - 1];
    uint32_t first, last;
    memcpy(&first, p, 4);
    memcpy(&last, p + len - 4, 4);
    return (uint64_t)first << 32 | last;
}

uint64_t bytes_hash(const void *bytes, size_t len, uint64_t seed)
{
    const unsigned char *p = bytes;
    uint64_t h = seed ^ (len * 0x9E3779B97F4A7C15u);
    for (; len >= 8; p += 8, len -= 8) {
        uint64_t word = 0;
        memcpy(&word, p, 8);
        h = fold(h ^ word, 0xD6E8FEB86659FD93u);
    }
    if (len)
        h = fold(h ^ short_word(p, len), 0xA0761D6478BD642Fu);
    return fold(h, 0xE7037ED1A0B428DBu);
}

uint64_t str_hash(struct str s)
{
    return bytes_hash(s.at, s.len, 0x2545F4914F6CDD1Du);
}

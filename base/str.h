/* Views on text. A `struct str` never owns its bytes and is never NUL-terminated by writing into them;
 * who owns the bytes is said where a view is handed over. Parsers are cursors: each cut_* either takes
 * something off the front of *rest and returns true, or leaves *rest as it was and returns false. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *at;
    size_t len;
};

/* A view of a string literal. */
#define STR(literal) ((struct str){ (literal), sizeof(literal) - 1 })
/* The same for initialisers of static tables. */
#define STR_INIT(literal)                                                                                    \
    {                                                                                                        \
        (literal), sizeof(literal) - 1                                                                       \
    }
/* For printf: "%.*s", STR_ARG(view). */
#define STR_ARG(s) (int)(s).len, (s).at

static inline struct str str_of(const char *c_string)
{
    return (struct str){ c_string, c_string ? strlen(c_string) : 0 };
}

static inline struct str str_range(const char *from, const char *to)
{
    return (struct str){ from, (size_t)(to - from) };
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && memcmp(s.at, prefix.at, prefix.len) == 0;
}

static inline bool str_ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len && memcmp(s.at + (s.len - suffix.len), suffix.at, suffix.len) == 0;
}

static inline struct str str_skip(struct str s, size_t n)
{
    return n >= s.len ? (struct str){ s.at + s.len, 0 } : (struct str){ s.at + n, s.len - n };
}

static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool is_alpha(char c)
{
    return (unsigned char)((c | 0x20) - 'a') < 26; /* one comparison: bit 5 is all that a capital lacks */
}

static inline bool is_alnum(char c)
{
    return is_alpha(c) || is_digit(c);
}

/* What the digit counts to the base of 62 (0-9, A-Z, a-z), and one more; 0: it is none. */
extern const uint8_t digit62[256];

/* Whether all of them are. Without a branch for each: this is asked where they mostly are. */
static inline bool are_digits62(const char *at, size_t count)
{
    bool all = true;
    for (size_t i = 0; i < count; i++)
        all &= digit62[(unsigned char)at[i]] != 0;
    return all;
}

/* ASCII case-insensitive. */
bool str_eq_nocase(struct str a, struct str b);
/* The first place of `what` in `s`, or NULL. An empty `what` is found at the start. */
const char *str_find(struct str s, struct str what);
/* The last place of `c` in `s`, or NULL. */
const char *str_find_last(struct str s, char c);
/* What stands before and behind the last place of `mark` in `s`; false where it is not there. */
bool str_split_last(struct str s, struct str mark, struct str *before, struct str *behind);
/* Without white space (blank, tab, CR, LF) at both ends. */
struct str str_trim(struct str s);

/* Takes `prefix` off the front of *rest. */
static inline bool cut_prefix(struct str *rest, struct str prefix)
{
    if (!str_starts(*rest, prefix))
        return false;
    *rest = str_skip(*rest, prefix.len);
    return true;
}

static inline bool cut_char(struct str *rest, char c)
{
    if (rest->len == 0 || rest->at[0] != c)
        return false;
    *rest = str_skip(*rest, 1);
    return true;
}

/* Takes what stands before the first `c` into *before and drops the `c`. */
static inline bool cut_until_char(struct str *rest, char c, struct str *before)
{
    const char *at = rest->len ? memchr(rest->at, c, rest->len) : NULL;
    if (!at)
        return false;
    *before = str_range(rest->at, at);
    *rest = str_range(at + 1, rest->at + rest->len);
    return true;
}

/* The same for a longer mark. */
bool cut_until(struct str *rest, struct str mark, struct str *before);
/* Takes a decimal number of at most 19 digits off the front; false where there is no digit or it is over. */
bool cut_number(struct str *rest, uint64_t *number);
/* The whole view as a decimal number. */
bool str_number(struct str s, uint64_t *number);

/* 64-bit hash of the bytes (not for adversaries that see the table: it is seeded once a process). */
uint64_t str_hash(struct str s);
uint64_t bytes_hash(const void *bytes, size_t len, uint64_t seed);

/* Writes the text in lower case (ASCII) to `to`, as far as there is room. */
static inline struct str str_lower(struct str text, char *to, size_t size)
{
    struct str copy = { to, text.len < size ? text.len : size };
    for (size_t i = 0; i < copy.len; i++)
        to[i] = ascii_lower(text.at[i]);
    return copy;
}

#endif

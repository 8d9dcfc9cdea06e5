/* Damerau's distance in the form called optimal string alignment: no piece of text is changed twice. */
#include "base/nearest.h"

enum { WORD_MAX = 40 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t distance(struct str a, struct str b)
{
    size_t row[3][WORD_MAX + 1];
    for (size_t j = 0; j <= b.len; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *now = row[i % 3], *before = row[(i + 2) % 3], *earlier = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            char x = ascii_lower(a.at[i - 1]), y = ascii_lower(b.at[j - 1]);
            now[j] = least(least(before[j] + 1, now[j - 1] + 1), before[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == ascii_lower(b.at[j - 2]) && y == ascii_lower(a.at[i - 2]))
                now[j] = least(now[j], earlier[j - 2] + 1);
        }
    }
    return row[a.len % 3][b.len];
}

const char *nearest_word(struct str typed, const char *const *words, size_t count)
{
    const char *best = NULL;
    size_t best_distance = typed.len / 3 + 2;
    if (typed.len == 0 || typed.len > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        struct str word = str_of(words[i]);
        if (word.len == 0 || word.len > WORD_MAX)
            continue;
        size_t slips = typed.len > 2 && str_starts(word, typed) ? 1 : distance(typed, word);
        if (slips < best_distance && slips < word.len) {
            best = words[i];
            best_distance = slips;
        }
    }
    return best;
}

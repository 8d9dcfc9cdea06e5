/* The word that a mistyped one was meant to be. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>
#include "base/str.h"

/* The word of `words` that is the nearest to `typed`, or NULL where none is near enough to be worth a question:
 * at most one slip (a letter added, left out, changed, or two swapped) for each three letters typed and one
 * more, or `typed` is the beginning of it. NULLs among the words are passed over. */
const char *nearest_word(struct str typed, const char *const *words, size_t count);

#endif

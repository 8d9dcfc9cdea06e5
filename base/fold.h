/* Upper and lower case are one, for who looks for words in a text. */
#ifndef BASE_FOLD_H
#define BASE_FOLD_H

#include "base/str.h"

/* Writes `text` in lower case to `to`, which has room for as many bytes: the letters of ASCII, and of UTF-8
 * those of two bytes that have their other case at the same distance (Latin-1, Latin Extended-A, Cyrillic).
 * Every byte keeps its place; what is no UTF-8 is left as it is. Returns the view of it. */
struct str fold(char *to, struct str text);

#endif

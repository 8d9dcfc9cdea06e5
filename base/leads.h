/* Words that text may begin with, in a table: which rows are looked at is told by the first byte. */
#ifndef BASE_LEADS_H
#define BASE_LEADS_H

#include <stdint.h>
#include <threads.h>
#include "base/str.h"

enum { LEADS_MOST = 127 };

/* For each byte the first row that begins with it, for each row the next that begins alike: numbers from 1;
 * 0: none. `filled` must be ONCE_FLAG_INIT, the rest zero; it is filled by leads_fill(), called once. */
struct leads {
    once_flag filled;
    uint8_t first[256], next[LEADS_MOST + 1];
};

/* `begin` is that of the first of `count` rows, none of which is empty, `stride` bytes from row to row. Rows
 * that begin with the same byte are found in the table's order. */
void leads_fill(struct leads *leads, const struct str *begin, size_t stride, size_t count);

#endif

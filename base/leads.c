/* Tables of words by their first byte. */
#include "base/leads.h"

#include <assert.h>

void leads_fill(struct leads *leads, const struct str *begin, size_t stride, size_t count)
{
    assert(count <= LEADS_MOST);
    for (size_t row = count; row > 0; row--) {
        const struct str *words =
            (const struct str *)(const void *)((const char *)begin + (row - 1) * stride);
        uint8_t *first = &leads->first[(unsigned char)words->at[0]];
        leads->next[row] = *first;
        *first = (uint8_t)row;
    }
}

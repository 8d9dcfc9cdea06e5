/* A name server's answer, with a byte before it for the type that was asked. What comes of it holds only what
 * may be read: no more records than there may be, of the type, in the arena. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "enrich/resolver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum dns_type types[] = { DNS_A, DNS_AAAA, DNS_PTR, DNS_MX, DNS_TXT };
    if (!size)
        return 0;
    enum dns_type type = types[data[0] % (sizeof types / sizeof *types)];
    struct arena arena = { 0 };
    /* A copy of its own, so that what is read beyond it is seen. */
    unsigned char *message = malloc(size > 1 ? size - 1 : 1);
    memcpy(message, data + 1, size - 1);
    struct dns_answer answer = dns_answer_parse(message, size - 1, type, &arena);
    free(message);
    volatile unsigned sum = 0;
    assert(answer.count <= DNS_RECORDS_MOST);
    assert((answer.outcome == DNS_FOUND) == (answer.count > 0) || answer.outcome == DNS_NOT_KNOWN);
    for (size_t i = 0; i < answer.count; i++)
        for (size_t k = 0; k < answer.record[i].text.len; k++)
            sum += (unsigned char)answer.record[i].text.at[k];
    (void)sum;
    arena_free(&arena);
    return 0;
}

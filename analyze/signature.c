/* Signatures, by a hash table of open addressing: they are hashes already. */
#include "analyze/signature.h"

#include <stdlib.h>
#include "base/memory.h"

static void grow(struct signatures *signatures)
{
    struct signatures old = *signatures;
    size_t slots = old.slots ? old.slots * 2 : 1024;
    signatures->slots = slots;
    signatures->slot = mem_zero(slots, sizeof *signatures->slot);
    for (size_t i = 0; i < old.slots; i++) {
        size_t at = (size_t)old.slot[i].signature & (slots - 1);
        while (old.slot[i].number && signatures->slot[at].number)
            at = (at + 1) & (slots - 1);
        if (old.slot[i].number)
            signatures->slot[at] = old.slot[i];
    }
    free(old.slot);
}

uint32_t signatures_number(struct signatures *signatures, uint64_t signature, uint32_t number)
{
    if (signatures->count * 2 >= signatures->slots)
        grow(signatures);
    size_t at = (size_t)signature & (signatures->slots - 1);
    while (signatures->slot[at].number && signatures->slot[at].signature != signature)
        at = (at + 1) & (signatures->slots - 1);
    if (!signatures->slot[at].number) {
        signatures->slot[at] = (struct signature_slot){ signature, number + 1 };
        signatures->count++;
    }
    return signatures->slot[at].number - 1;
}

void signatures_free(struct signatures *signatures)
{
    free(signatures->slot);
    *signatures = (struct signatures){ 0 };
}

/* Parts of lines, in a ring. */
#include "collect/held.h"

#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "collect/state.h"

void held_free(struct held *held)
{
    free(held->ring);
    *held = (struct held){ 0 };
}

static struct held_part *find(const struct held *held, uint64_t key)
{
    for (uint32_t i = 0; held->ring && i < HELD_MOST; i++)
        if (held->ring[i].key == key)
            return &held->ring[i];
    return NULL;
}

void held_add(struct held *held, uint64_t key, int32_t input, uint64_t offset, struct str text)
{
    struct held_part *part = find(held, key);
    if (!held->ring)
        held->ring = mem_zero(HELD_MOST, sizeof *held->ring);
    if (!part) {
        part = &held->ring[held->next++ % HELD_MOST];
        part->key = key;
        part->input = input;
        part->offset = offset;
        part->len = 0;
    }
    size_t room = HELD_BYTES_MOST - part->len, len = text.len < room ? text.len : room;
    if (len)
        memcpy(part->text + part->len, text.at, len);
    part->len += (uint32_t)len;
}

bool held_has(const struct held *held, uint64_t key)
{
    return find(held, key) != NULL;
}

const struct held_part *held_take(struct held *held, uint64_t key)
{
    struct held_part *part = find(held, key);
    if (part)
        part->key = 0;
    return part;
}

void held_carry(struct held *held, struct state_bytes *state)
{
    bool any = held->ring != NULL;
    carry(state, &any);
    if (!any)
        return;
    if (!held->ring)
        held->ring = mem_zero(HELD_MOST, sizeof *held->ring);
    carry(state, &held->next);
    for (uint32_t i = 0; i < HELD_MOST && !state->broken; i++) {
        struct held_part *part = &held->ring[i];
        carry(state, &part->key);
        if (!part->key)
            continue;
        carry(state, &part->input);
        carry(state, &part->offset);
        carry(state, &part->len);
        state->broken |= part->len > HELD_BYTES_MOST;
        if (state->broken)
            break;
        carry_bytes(state, part->text, part->len);
    }
}

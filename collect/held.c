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
    if (!held->ring)
        return NULL;
    for (uint32_t i = 0; i < HELD_MOST; i++)
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

static void carry_part(struct held_part *part, struct state_bytes *state)
{
    bool any = part->key != 0;
    carry(state, &any);
    if (!any)
        return;
    carry(state, &part->key);
    carry(state, &part->input);
    carry(state, &part->offset);
    carry(state, &part->len);
    if (part->len > HELD_BYTES_MOST)
        state->broken = true;
    else
        carry_bytes(state, part->text, part->len);
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
    for (uint32_t i = 0; i < HELD_MOST && !state->broken; i++)
        carry_part(&held->ring[i], state);
}

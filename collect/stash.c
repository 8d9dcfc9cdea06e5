/* The ring of evidence that waits for its session. */
#include "collect/stash.h"

#include <stdlib.h>
#include "base/memory.h"
#include "collect/building.h"
#include "collect/session_state.h"

void stash_new(struct stash *stash)
{
    *stash = (struct stash){ .ring = mem_zero(STASH_MOST, sizeof *stash->ring),
                             .key = mem_zero(STASH_MOST, sizeof *stash->key) };
}

void stash_free(struct stash *stash)
{
    free(stash->ring);
    free(stash->key);
    *stash = (struct stash){ 0 };
}

static struct str copy_text(char to[STASH_TEXT_MOST], struct str text)
{
    if (!text.at)
        return text;
    size_t len = text.len < STASH_TEXT_MOST ? text.len : STASH_TEXT_MOST;
    memcpy(to, text.at, len);
    return (struct str){ to, len };
}

/* Makes the copy's texts its own. */
static void place(struct stashed *to, const struct evidence *evidence)
{
    to->evidence = *evidence;
    to->evidence.subject = copy_text(to->text[0], evidence->subject);
    to->evidence.detail = copy_text(to->text[1], evidence->detail);
}

void stash_put(struct stash *stash, uint64_t key, int32_t input, uint64_t offset,
               const struct evidence *evidence)
{
    uint32_t i = stash->next++ % STASH_MOST;
    stash->count += stash->key[i] == 0;
    stash->key[i] = key;
    stash->ring[i].input = input;
    stash->ring[i].offset = offset;
    place(&stash->ring[i], evidence);
}

bool stash_take(struct stash *stash, uint64_t key, struct stashed *taken)
{
    if (stash->count == 0)
        return false;
    for (uint32_t n = 0; n < STASH_MOST; n++) {
        uint32_t i = (stash->next + n) % STASH_MOST;
        if (stash->key[i] != key)
            continue;
        taken->input = stash->ring[i].input;
        taken->offset = stash->ring[i].offset;
        place(taken, &stash->ring[i].evidence);
        stash->key[i] = 0;
        stash->count--;
        return true;
    }
    return false;
}

void stash_carry(struct stash *stash, struct state_bytes *state)
{
    carry(state, &stash->next);
    stash->count = (uint32_t)carry_count(state, stash->count);
    for (uint32_t i = 0, left = stash->count; left && !state->broken; left--, i++) {
        while (!state->loading && stash->key[i] == 0)
            i++;
        carry(state, &i);
        state->broken |= i >= STASH_MOST;
        if (state->broken)
            return;
        bool again = state->loading && stash->key[i];
        carry(state, &stash->key[i]);
        state->broken |= again || !stash->key[i];
        carry(state, &stash->ring[i].input);
        carry(state, &stash->ring[i].offset);
        struct evidence evidence = stash->ring[i].evidence;
        carry_evidence(state, &evidence);
        if (state->loading)
            place(&stash->ring[i], &evidence);
    }
}

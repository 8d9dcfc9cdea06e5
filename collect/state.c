/* What a run leaves to the next one, as bytes: numbers seven bits a byte, the lowest first, texts with their
 * length before them, and a hash of it all at the end. */
#include "collect/state.h"

#include <stdlib.h>
#include "base/memory.h"

#define NUMBER_MOST ((int64_t)1 << 60) /* microseconds: 36,000 years */

enum { SEVEN = 0x7f, MORE = 0x80, NUMBER_BYTES_MOST = 10 };

void state_begin(struct state_bytes *state)
{
    state->len = 0;
}

void state_free(struct state_bytes *state)
{
    free(state->bytes);
    *state = (struct state_bytes){ 0 };
}

struct str state_end(struct state_bytes *state)
{
    uint64_t hash = bytes_hash(state->bytes, state->len, 0);
    carry_bytes(state, &hash, sizeof hash);
    return (struct str){ state->bytes, state->len };
}

struct state_bytes state_load(struct str saved)
{
    struct state_bytes state = { .loading = true, .rest = saved };
    uint64_t hash = 0;
    if (saved.len < sizeof hash) {
        state.broken = true;
    } else {
        state.rest.len -= sizeof hash;
        memcpy(&hash, saved.at + state.rest.len, sizeof hash);
        state.broken = hash != bytes_hash(saved.at, state.rest.len, 0);
    }
    return state;
}

static void add(struct state_bytes *state, const void *bytes, size_t count)
{
    mem_room(state->bytes, state->capacity, state->len + count);
    if (count)
        memcpy(state->bytes + state->len, bytes, count);
    state->len += count;
}

static struct str take(struct state_bytes *state, size_t count)
{
    state->broken |= count > state->rest.len;
    if (state->broken)
        return (struct str){ NULL, 0 };
    struct str taken = { state->rest.at, count };
    state->rest = str_skip(state->rest, count);
    return taken;
}

void carry_bytes(struct state_bytes *state, void *bytes, size_t count)
{
    if (!state->loading) {
        add(state, bytes, count);
        return;
    }
    struct str taken = take(state, count);
    memset(bytes, 0, count);
    if (taken.len)
        memcpy(bytes, taken.at, taken.len);
}

void carry_u64(struct state_bytes *state, uint64_t *value)
{
    if (!state->loading) {
        unsigned char bytes[NUMBER_BYTES_MOST];
        size_t count = 0;
        uint64_t left = *value;
        for (; left > SEVEN; left >>= 7)
            bytes[count++] = (unsigned char)(left & SEVEN) | MORE;
        bytes[count++] = (unsigned char)left;
        add(state, bytes, count);
        return;
    }
    *value = 0;
    for (unsigned shift = 0; shift < 7 * NUMBER_BYTES_MOST; shift += 7) {
        struct str byte = take(state, 1);
        if (!byte.len)
            break;
        *value |= (uint64_t)(byte.at[0] & SEVEN) << shift;
        if (!((unsigned char)byte.at[0] & MORE))
            break;
    }
}

/* Small ones are short on both sides of zero. */
void carry_i64(struct state_bytes *state, int64_t *value)
{
    uint64_t folded = (uint64_t)*value << 1 ^ (*value < 0 ? UINT64_MAX : 0);
    carry_u64(state, &folded);
    *value = (int64_t)(folded >> 1 ^ (folded & 1 ? UINT64_MAX : 0));
}

#define CARRY_AS(wide, carry_wide, narrow, carry_narrow)                                                     \
    void carry_narrow(struct state_bytes *state, narrow *value)                                              \
    {                                                                                                        \
        wide as = (wide)*value;                                                                              \
        carry_wide(state, &as);                                                                              \
        *value = (narrow)as;                                                                                 \
    }

CARRY_AS(uint64_t, carry_u64, bool, carry_bool)
CARRY_AS(uint64_t, carry_u64, uint8_t, carry_u8)
CARRY_AS(uint64_t, carry_u64, uint16_t, carry_u16)
CARRY_AS(uint64_t, carry_u64, uint32_t, carry_u32)
CARRY_AS(int64_t, carry_i64, int16_t, carry_i16)
CARRY_AS(int64_t, carry_i64, int32_t, carry_i32)

static void bound(struct state_bytes *state, int64_t *value)
{
    if (!state->loading || (*value > -NUMBER_MOST && *value < NUMBER_MOST))
        return;
    state->broken = true;
    *value = 0;
}

void carry_number(struct state_bytes *state, int64_t *value)
{
    carry_i64(state, value);
    bound(state, value);
}

void carry_time(struct state_bytes *state, usec *at)
{
    carry_i64(state, at);
    if (*at != USEC_NONE)
        bound(state, at);
}

void carry_enum(struct state_bytes *state, uint8_t *value, unsigned count)
{
    carry_u8(state, value);
    if (state->loading && *value >= count) {
        state->broken = true;
        *value = 0;
    }
}

size_t carry_count(struct state_bytes *state, size_t count)
{
    uint64_t number = count;
    carry_u64(state, &number);
    if (!state->loading)
        return count;
    state->broken |= number > state->rest.len;
    return state->broken ? 0 : (size_t)number;
}

/* What is not known is told from what is known to be empty. */
void carry_str(struct state_bytes *state, struct str *text)
{
    uint64_t len = text->at ? (uint64_t)text->len + 1 : 0;
    carry_u64(state, &len);
    if (!state->loading) {
        add(state, text->at, text->len);
        return;
    }
    struct str taken = len ? take(state, (size_t)len - 1) : (struct str){ NULL, 0 };
    if (taken.at && taken.len == 0)
        taken.at = "";
    *text = state->keep && taken.len ? state->keep(state->owner, taken) : taken;
}

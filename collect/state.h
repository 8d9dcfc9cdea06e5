/* What a run leaves to the next one, as bytes. One walk over the fields serves both ways: carry() writes the
 * field that it is given, or, when loading, fills it in. */
#ifndef COLLECT_STATE_H
#define COLLECT_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/clock.h"
#include "base/str.h"

struct state_bytes {
    bool loading;
    bool broken; /* loading: the bytes are not what was written; what came since is zero */
    char *bytes; /* saving */
    size_t len, capacity;
    struct str rest; /* loading */
    struct str (*keep)(void *owner,
                       struct str); /* loading: where texts are copied to; NULL: views on the bytes */
    void *owner;
};

/* Begins to write, over what was written before. Zero-initialise the state to begin with. */
void state_begin(struct state_bytes *state);
/* All that was written, good until the next state_begin(). */
struct str state_end(struct state_bytes *state);
void state_free(struct state_bytes *state);
/* Begins to read; broken where the bytes were not written by state_end(). */
struct state_bytes state_load(struct str saved);

void carry_bytes(struct state_bytes *state, void *bytes, size_t count);
void carry_bool(struct state_bytes *state, bool *value);
void carry_u8(struct state_bytes *state, uint8_t *value);
void carry_u16(struct state_bytes *state, uint16_t *value);
void carry_u32(struct state_bytes *state, uint32_t *value);
void carry_u64(struct state_bytes *state, uint64_t *value);
void carry_i16(struct state_bytes *state, int16_t *value);
void carry_i32(struct state_bytes *state, int32_t *value);
void carry_i64(struct state_bytes *state, int64_t *value);
void carry_str(struct state_bytes *state, struct str *text);

#define carry(state, field)                                                                                  \
    _Generic((field), bool *                                                                                  \
             : carry_bool, uint8_t *                                                                          \
             : carry_u8, uint16_t *                                                                           \
             : carry_u16, uint32_t *                                                                          \
             : carry_u32, uint64_t *                                                                          \
             : carry_u64, int16_t *                                                                           \
             : carry_i16, int32_t *                                                                           \
             : carry_i32, int64_t *                                                                           \
             : carry_i64, struct str *                                                                        \
             : carry_str)(state, field)

/* Numbers that are reckoned with: broken, when loading, where they are so large that a sum might not fit. A
 * time may be USEC_NONE, too. */
void carry_number(struct state_bytes *state, int64_t *value);
void carry_time(struct state_bytes *state, usec *at);
/* A number of a list: broken, when loading, where it is not below `count`. */
void carry_enum(struct state_bytes *state, uint8_t *value, unsigned count);

/* How many things follow: at most as many as there are bytes left. */
size_t carry_count(struct state_bytes *state, size_t count);

#endif

/* What leads to a session: a bounded table from 64-bit keys to sessions that are being built, and, after
 * those have been handed over, to their numbers. When it is full, the oldest key of a session that was handed
 * over goes. */
#ifndef COLLECT_KEYS_H
#define COLLECT_KEYS_H

#include <stdbool.h>
#include <stdint.h>

enum { KEYS_MOST = 1 << 16, KEY_NONE = 0 };

struct building; /* builder.c */

struct key_entry {
    uint64_t key;
    struct building *building; /* NULL: handed over, see session_id */
    int64_t session_id;
    int32_t transaction;
    uint32_t same_slot;     /* numbers of entries; KEY_NONE ends a list */
    uint32_t before, after; /* in the list of its session's keys, or of those handed over */
    bool awaits;
};

/* A list of entries; zero-initialised it is empty. */
struct key_list {
    uint32_t first, last;
    uint32_t count;
};

struct keys {
    struct key_entry *entry; /* from 1 to capacity */
    uint32_t *slot;          /* twice as many */
    uint32_t capacity;       /* a power of two; grows to KEYS_MOST */
    uint32_t used, free;     /* how many were ever used; list of free ones through same_slot */
    struct key_list handed_over;
};

void keys_new(struct keys *keys);
void keys_free(struct keys *keys);
/* The number of the entry of `key`, or KEY_NONE. */
uint32_t keys_find(const struct keys *keys, uint64_t key);
/* Makes `key` lead to `building`, in the list of its keys; it must not be there yet. KEY_NONE when nothing
 * can make room. */
uint32_t keys_add(struct keys *keys, struct key_list *list, uint64_t key, struct building *building);
/* Takes an entry out of its list and of the table. */
void keys_remove(struct keys *keys, struct key_list *list, uint32_t number);
/* The list that its session's keys are in loses it; it leads to `session_id` from now on. */
void keys_hand_over(struct keys *keys, struct key_list *list, uint32_t number, int64_t session_id);

#endif

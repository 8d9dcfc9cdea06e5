/* The table of keys: chained, since entries must stay where they are, with entries from a pool. */
#include "collect/keys.h"

#include <stdlib.h>
#include "base/memory.h"

enum { KEYS_LEAST = 1 << 10 };

static uint32_t *slot_of(const struct keys *keys, uint64_t key)
{
    return &keys->slot[key & (keys->capacity * 2 - 1)];
}

/* When all entries are in use. They keep their numbers; in which slot's list they are is worked out anew. */
static void grow(struct keys *keys, uint32_t capacity)
{
    keys->capacity = capacity;
    keys->entry = mem_resize(keys->entry, capacity + 1, sizeof *keys->entry);
    free(keys->slot);
    keys->slot = mem_zero((size_t)capacity * 2, sizeof *keys->slot);
    for (uint32_t number = 1; number <= keys->used; number++) {
        uint32_t *slot = slot_of(keys, keys->entry[number].key);
        keys->entry[number].same_slot = *slot;
        *slot = number;
    }
}

void keys_new(struct keys *keys)
{
    *keys = (struct keys){ 0 };
    grow(keys, KEYS_LEAST);
    keys->entry[0] = (struct key_entry){ 0 }; /* what KEY_NONE leads to */
}

void keys_free(struct keys *keys)
{
    free(keys->entry);
    free(keys->slot);
    *keys = (struct keys){ 0 };
}

uint32_t keys_find(const struct keys *keys, uint64_t key)
{
    uint32_t number = *slot_of(keys, key);
    while (number && keys->entry[number].key != key)
        number = keys->entry[number].same_slot;
    return number;
}

static void list_add(struct keys *keys, struct key_list *list, uint32_t number)
{
    struct key_entry *entry = &keys->entry[number];
    entry->before = list->last;
    entry->after = KEY_NONE;
    if (list->last)
        keys->entry[list->last].after = number;
    else
        list->first = number;
    list->last = number;
    list->count++;
}

static void list_remove(struct keys *keys, struct key_list *list, uint32_t number)
{
    const struct key_entry *entry = &keys->entry[number];
    if (entry->before)
        keys->entry[entry->before].after = entry->after;
    else
        list->first = entry->after;
    if (entry->after)
        keys->entry[entry->after].before = entry->before;
    else
        list->last = entry->before;
    list->count--;
}

uint32_t keys_add(struct keys *keys, struct key_list *list, uint64_t key, struct building *building)
{
    if (!keys->free && keys->used == keys->capacity) {
        if (keys->capacity < KEYS_MOST)
            grow(keys, keys->capacity * 2);
        else if (keys->handed_over.first)
            keys_remove(keys, &keys->handed_over, keys->handed_over.first);
        else
            return KEY_NONE;
    }
    uint32_t number = keys->free;
    if (number)
        keys->free = keys->entry[number].same_slot;
    else
        number = ++keys->used;
    uint32_t *slot = slot_of(keys, key);
    keys->entry[number] =
        (struct key_entry){ .key = key, .building = building, .transaction = -1, .same_slot = *slot };
    *slot = number;
    list_add(keys, list, number);
    return number;
}

void keys_remove(struct keys *keys, struct key_list *list, uint32_t number)
{
    struct key_entry *entry = &keys->entry[number];
    list_remove(keys, list, number);
    uint32_t *link = slot_of(keys, entry->key);
    while (*link != number)
        link = &keys->entry[*link].same_slot;
    *link = entry->same_slot;
    entry->same_slot = keys->free;
    keys->free = number;
}

void keys_hand_over(struct keys *keys, struct key_list *list, uint32_t number, int64_t session_id)
{
    struct key_entry *entry = &keys->entry[number];
    list_remove(keys, list, number);
    entry->building = NULL;
    entry->session_id = session_id;
    list_add(keys, &keys->handed_over, number);
}

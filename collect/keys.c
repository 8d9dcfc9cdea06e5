/* The table of keys: chained, since entries must stay where they are, with entries from a pool of fixed size.
 */
#include "collect/keys.h"

#include <stdlib.h>
#include "base/memory.h"

enum { SLOTS = 1 << 17 };

void keys_new(struct keys *keys)
{
    *keys = (struct keys){ .entry = mem_zero(KEYS_MOST + 1, sizeof *keys->entry),
                           .slot = mem_zero(SLOTS, sizeof *keys->slot) };
}

void keys_free(struct keys *keys)
{
    free(keys->entry);
    free(keys->slot);
    *keys = (struct keys){ 0 };
}

static uint32_t *slot_of(const struct keys *keys, uint64_t key)
{
    return &keys->slot[key & (SLOTS - 1)];
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
    if (!keys->free && keys->used == KEYS_MOST) {
        if (!keys->handed_over.first)
            return KEY_NONE;
        keys_remove(keys, &keys->handed_over, keys->handed_over.first);
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

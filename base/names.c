/* Interned names. */
#include "base/names.h"

#include <stdlib.h>

static uint32_t short_hash(struct str name)
{
    uint64_t hash = str_hash(name);
    return (uint32_t)(hash ^ hash >> 32);
}

/* The slot where `name` is, or the free one where it belongs. */
static struct name_slot *find_slot(const struct names *names, struct str name, uint32_t hash)
{
    size_t mask = names->slots - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct name_slot *slot = &names->slot[i];
        if (!slot->number || (slot->hash == hash && str_eq(names->name[slot->number - 1], name)))
            return slot;
    }
}

static void grow(struct names *names)
{
    struct name_slot *old = names->slot;
    size_t old_slots = names->slots;
    names->slots = old_slots ? old_slots * 2 : 1024;
    names->slot = mem_zero(names->slots, sizeof *names->slot);
    for (size_t i = 0; i < old_slots; i++) {
        if (!old[i].number)
            continue;
        size_t at = old[i].hash & (names->slots - 1);
        while (names->slot[at].number)
            at = (at + 1) & (names->slots - 1);
        names->slot[at] = old[i];
    }
    free(old);
}

uint32_t names_add(struct names *names, struct str name)
{
    if (names->count * 2 >= names->slots)
        grow(names);
    uint32_t hash = short_hash(name);
    struct name_slot *slot = find_slot(names, name, hash);
    if (slot->number)
        return slot->number - 1;
    mem_room(names->name, names->capacity, names->count + 1);
    names->name[names->count] = arena_str(&names->text, name);
    *slot = (struct name_slot){ hash, (uint32_t)++names->count };
    return (uint32_t)names->count - 1;
}

uint32_t names_find(const struct names *names, struct str name)
{
    if (names->slots == 0)
        return NAME_NONE;
    const struct name_slot *slot = find_slot(names, name, short_hash(name));
    return slot->number ? slot->number - 1 : NAME_NONE;
}

void names_free(struct names *names)
{
    arena_free(&names->text);
    free(names->name);
    free(names->slot);
    *names = (struct names){ 0 };
}

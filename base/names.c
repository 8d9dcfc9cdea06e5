/* Interned names. */
#include "base/names.h"

#include <stdlib.h>

/* The slot where `name` is, or the free one where it belongs. */
static size_t find_slot(const struct names *names, struct str name)
{
    size_t mask = names->slots - 1;
    size_t i = (size_t)str_hash(name) & mask;
    while (names->slot[i] && !str_eq(names->name[names->slot[i] - 1], name))
        i = (i + 1) & mask;
    return i;
}

static void grow(struct names *names)
{
    names->slots = names->slots ? names->slots * 2 : 1024;
    free(names->slot);
    names->slot = mem_zero(names->slots, sizeof *names->slot);
    for (size_t i = 0; i < names->count; i++)
        names->slot[find_slot(names, names->name[i])] = (uint32_t)i + 1;
}

uint32_t names_add(struct names *names, struct str name)
{
    if (names->count * 2 >= names->slots)
        grow(names);
    size_t i = find_slot(names, name);
    if (names->slot[i])
        return names->slot[i] - 1;
    mem_room(names->name, names->capacity, names->count + 1);
    names->name[names->count] = arena_str(&names->text, name);
    names->slot[i] = (uint32_t)++names->count;
    return (uint32_t)names->count - 1;
}

uint32_t names_find(const struct names *names, struct str name)
{
    if (names->slots == 0)
        return NAME_NONE;
    size_t i = find_slot(names, name);
    return names->slot[i] ? names->slot[i] - 1 : NAME_NONE;
}

void names_free(struct names *names)
{
    arena_free(&names->text);
    free(names->name);
    free(names->slot);
    *names = (struct names){ 0 };
}

/* The keys of a place stand in a list in order of time; of those counted so far a list is kept for
 * comparison. Both are as short as auto-allowing's number, five by default. */
#include "analyze/passes.h"

#include <stdlib.h>
#include "base/memory.h"

#define NONE UINT32_MAX

struct pass {
    uint32_t sender, recipient, next;
    usec since;
};

struct passes {
    uint32_t most, *first; /* by place: index of its first, or NONE */
    struct pass *pass;
    size_t count, room;
    uint32_t *seen; /* those counted in */
    size_t seen_count, seen_room;
};

struct passes *passes_new(uint32_t places, uint32_t most)
{
    struct passes *passes = mem_zero(1, sizeof *passes);
    passes->most = most;
    passes->first = mem_alloc(places * sizeof *passes->first);
    for (uint32_t i = 0; i < places; i++)
        passes->first[i] = NONE;
    return passes;
}

void passes_free(struct passes *passes)
{
    free(passes->first);
    free(passes->pass);
    free(passes->seen);
    free(passes);
}

void passes_add(struct passes *passes, uint32_t place, uint32_t sender, uint32_t recipient, usec since)
{
    uint32_t last = NONE, held = 0;
    for (uint32_t i = passes->first[place]; i != NONE; last = i, i = passes->pass[i].next, held++)
        if (passes->pass[i].sender == sender && passes->pass[i].recipient == recipient)
            return; /* the walk goes on in time: the first was the earliest */
    if (held >= passes->most)
        return;
    mem_room(passes->pass, passes->room, passes->count + 1);
    uint32_t at = (uint32_t)passes->count++;
    passes->pass[at] = (struct pass){ sender, recipient, NONE, since };
    *(last == NONE ? &passes->first[place] : &passes->pass[last].next) = at;
}

void passes_forget(struct passes *passes, uint32_t place)
{
    passes->first[place] = NONE;
}

void passes_forget_all(struct passes *passes)
{
    passes->count = 0;
}

void passes_start(struct passes *passes)
{
    passes->seen_count = 0;
}

static bool is_seen(const struct passes *passes, const struct pass *pass)
{
    for (size_t i = 0; i < passes->seen_count; i++) {
        const struct pass *other = &passes->pass[passes->seen[i]];
        if (other->sender == pass->sender && other->recipient == pass->recipient)
            return true;
    }
    return false;
}

uint32_t passes_count(struct passes *passes, uint32_t place, usec until)
{
    for (uint32_t i = passes->first[place]; i != NONE && passes->pass[i].since <= until;
         i = passes->pass[i].next)
        if (passes->seen_count < passes->most && !is_seen(passes, &passes->pass[i])) {
            mem_room(passes->seen, passes->seen_room, passes->seen_count + 1);
            passes->seen[passes->seen_count++] = i;
        }
    return (uint32_t)passes->seen_count;
}

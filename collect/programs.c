/* Which dialect a program's lines belong to. */
#include "collect/programs.h"

void programs_begin(struct programs *programs, const struct dialect *const *of)
{
    *programs = (struct programs){ .dialects = of };
}

static const struct dialect *ask(const struct programs *programs, struct str tag)
{
    for (const struct dialect *const *dialect = programs->dialects; *dialect; dialect++)
        if ((*dialect)->recognise(tag))
            return *dialect;
    return NULL;
}

const struct dialect *programs_dialect(struct programs *programs, struct str tag)
{
    if (tag.len == 0)
        return NULL;
    if (tag.len > PROGRAM_BYTES)
        return ask(programs, tag);
    struct program *known = &programs->program[str_hash(tag) % PROGRAMS];
    if (known->len != tag.len || memcmp(known->tag, tag.at, tag.len) != 0) {
        known->dialect = ask(programs, tag);
        known->len = (uint8_t)tag.len;
        memcpy(known->tag, tag.at, tag.len);
    }
    return known->dialect;
}

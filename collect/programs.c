/* Which dialect a program's lines belong to. */
#include "collect/programs.h"

enum { REPEATS_MOST = 10000 };

void programs_begin(struct programs *programs, const struct dialect *const *table)
{
    *programs = (struct programs){ .table = table };
}

static const struct dialect *ask(const struct programs *programs, struct str tag)
{
    for (const struct dialect *const *dialect = programs->table; *dialect; dialect++)
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

static uint64_t cut_repeats(struct str *text)
{
    struct str in = *text;
    uint64_t times = 0;
    if (!cut_prefix(&in, STR("message repeated ")) || !cut_number(&in, &times) ||
        !cut_prefix(&in, STR(" times: [")) || !str_ends(in, STR("]")))
        return 1;
    in.len--;
    cut_char(&in, ' ');
    *text = in;
    return times < REPEATS_MOST ? times : REPEATS_MOST;
}

enum taken dialect_take(const struct dialect *dialect, struct line *line, struct builder *builder)
{
    enum taken taken = PASSED;
    for (uint64_t i = cut_repeats(&line->text); i; i--)
        taken = dialect->take(line, builder);
    return taken;
}

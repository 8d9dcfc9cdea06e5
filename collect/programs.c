/* Which dialect a program's lines belong to. */
#include "collect/programs.h"

enum { REPEATS_MOST = 10000 };

void programs_begin(struct programs *programs, const struct dialect *const *table)
{
    *programs = (struct programs){ .table = table };
}

/* The first row from `row` on that recognises the tag. */
static const struct dialect *const *ask(const struct dialect *const *row, struct str tag)
{
    while (*row && !(*row)->recognise(tag))
        row++;
    return row;
}

static bool is_of(const struct program *known, struct str tag)
{
    return known->len == tag.len && memcmp(known->tag, tag.at, tag.len) == 0;
}

const struct dialect *programs_dialect(struct programs *programs, struct str tag)
{
    if (tag.len == 0)
        return NULL;
    struct program *known = &programs->program[programs->last];
    if (is_of(known, tag))
        return known->dialect;
    if (tag.len > PROGRAM_BYTES)
        return *ask(programs->table, tag);
    programs->last = (unsigned)(str_hash(tag) % PROGRAMS);
    known = &programs->program[programs->last];
    if (!is_of(known, tag)) {
        known->dialect = *ask(programs->table, tag);
        known->len = (uint8_t)tag.len;
        memcpy(known->tag, tag.at, tag.len);
    }
    return known->dialect;
}

const struct dialect *programs_dialect_of(struct programs *programs, const struct line *line)
{
    const struct dialect *first = programs_dialect(programs, line->program);
    if (!first || !first->says || first->says(line->text))
        return first;
    const struct dialect *const *row = programs->table;
    while (*row != first)
        row++;
    do
        row = ask(row + 1, line->program);
    while (*row && (*row)->says && !(*row)->says(line->text));
    return *row;
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

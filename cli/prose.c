/* The manual's markup, taken apart. */
#include "cli/prose.h"

#define INDENT STR("    ")

static bool next_line(struct str *rest, struct str *line)
{
    if (rest->len == 0)
        return false;
    if (!cut_until_char(rest, '\n', line)) {
        *line = *rest;
        *rest = str_skip(*rest, rest->len);
    }
    return true;
}

/* Whether a line begins a block of its own, or is empty, and so ends the one before. */
static bool begins(struct str line)
{
    return line.len == 0 || str_starts(line, STR("# ")) || str_starts(line, STR("- ")) ||
           str_starts(line, INDENT) || (line.at[0] == '`' && str_find(line, STR("`:: ")));
}

void prose_each(struct str text,
                void (*take)(void *state, enum prose kind, struct str term, struct str block), void *state)
{
    struct str rest = text, line = { 0 }, none = { 0 };
    while (next_line(&rest, &line)) {
        if (line.len == 0)
            continue;
        if (cut_prefix(&line, STR("# "))) {
            take(state, PROSE_HEADING, none, line);
            continue;
        }
        if (cut_prefix(&line, INDENT)) {
            take(state, PROSE_LITERAL, none, line);
            continue;
        }
        enum prose kind = PROSE_PARAGRAPH;
        struct str term = none, block = line, peek = rest, next = { 0 };
        if (cut_prefix(&block, STR("- ")))
            kind = PROSE_POINT;
        else if (block.at[0] == '`' && cut_until(&block, STR(":: "), &term))
            kind = PROSE_TERM;
        while (next_line(&peek, &next) && !begins(next)) {
            block.len = (size_t)(next.at + next.len - block.at);
            rest = peek;
        }
        take(state, kind, term, block);
    }
}

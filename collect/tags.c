/* Tags that say another program than the one that logged. */
#include "collect/tags.h"

#include <sysexits.h>

static const struct dialect *dialect_named(struct str name)
{
    for (const struct dialect *const *row = dialects; *row; row++)
        if (str_eq(name, str_of((*row)->name)))
            return *row;
    for (const struct dialect *const *row = dialects; *row; row++)
        if ((*row)->recognise(name))
            return *row;
    return NULL;
}

static int unknown(struct str name, struct arena *arena, struct why *why)
{
    struct str names = STR("");
    for (const struct dialect *const *row = dialects; *row; row++)
        names = arena_printf(arena, "%.*s%s%s", STR_ARG(names), names.len ? ", " : "", (*row)->name);
    return why_set(why, EX_USAGE,
                   "\"%.*s\" is neither a dialect nor a program's tag that one knows; the dialects are: %.*s",
                   STR_ARG(name), STR_ARG(names));
}

int tags_parse(struct tags *tags, struct str text, struct arena *arena, struct why *why)
{
    /* Two rules have a blank between them. */
    *tags = (struct tags){ .rule = arena_zero(arena, (text.len / 2 + 1) * sizeof *tags->rule) };
    for (struct str rest = str_trim(text), word; rest.len; rest = str_trim(rest)) {
        if (!cut_until_char(&rest, ' ', &word)) {
            word = rest;
            rest.len = 0;
        }
        struct tag_rule *rule = &tags->rule[tags->count++];
        rule->as = word;
        if (cut_until_char(&rule->as, '=', &rule->tag) && rule->tag.len == 0)
            return why_set(why, EX_USAGE, "\"%.*s\": which tag? write TAG=NAME, or NAME for all lines",
                           STR_ARG(word));
        rule->dialect = dialect_named(rule->as);
        if (!rule->dialect)
            return unknown(rule->as, arena, why);
    }
    return 0;
}

/* What of the tag tells one program of a family from another: "/smtpd". */
static bool fits(const struct tag_rule *rule, struct str program, struct str *member)
{
    if (rule->tag.at) {
        *member = str_skip(program, rule->tag.len);
        return str_starts(program, rule->tag) && (!member->len || member->at[0] == '/');
    }
    const char *slash = str_find_last(program, '/');
    *member = slash ? str_range(slash + 1, program.at + program.len) : program;
    return true;
}

const struct dialect *tags_dialect(const struct tags *tags, struct line *line, char room[TAG_BYTES])
{
    struct str member = { NULL, 0 };
    const struct tag_rule *rule = tags->rule, *end = rule + tags->count;
    while (rule < end && !fits(rule, line->program, &member))
        rule++;
    if (rule == end)
        return NULL;
    bool slash = member.len && member.at[0] != '/';
    struct str tag = { room, rule->as.len + slash + member.len };
    if (member.len && tag.len <= TAG_BYTES) {
        memcpy(room, rule->as.at, rule->as.len);
        room[rule->as.len] = '/';
        memcpy(room + rule->as.len + slash, member.at, member.len);
    }
    bool is_member = member.len && tag.len <= TAG_BYTES && rule->dialect->recognise(tag);
    line->program = is_member ? tag : rule->as;
    return rule->dialect;
}

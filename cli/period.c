/* Periods in options. */
#include "cli/period.h"

#include <sysexits.h>

static int end_of(const char *option, struct str text, usec *at, struct why *why)
{
    if (text.len == 0 || clock_parse(text, at))
        return 0;
    return why_set(why, EX_USAGE, "--%s: \"%.*s\" is not a time; write 2026-11-23 or 2026-11-23T09:07",
                   option, STR_ARG(text));
}

int period_cut(const char *option, struct str text, struct str *name, usec *from, usec *to, struct why *why)
{
    const char *at = text.len ? str_find_last(text, '@') : NULL;
    struct str rest = at ? str_range(at + 1, text.at + text.len) : STR(""), begin = { 0 };
    *from = *to = USEC_NONE;
    *name = text;
    if (!at || !cut_until(&rest, STR(".."), &begin))
        return 0;
    if (end_of(option, begin, from, why) < 0 || end_of(option, rest, to, why) < 0)
        return -1;
    if (*from != USEC_NONE && *to != USEC_NONE && *from >= *to)
        return why_set(why, EX_USAGE, "--%s: %.*s ends before it begins", option, STR_ARG(text));
    *name = str_range(text.at, at);
    return 0;
}

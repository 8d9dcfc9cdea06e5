/* Which period a report is of: --month, --week, --day, --last, or --from and --to; and the one before it. */
#ifndef CLI_SPAN_H
#define CLI_SPAN_H

#include "base/clock.h"
#include "base/memory.h"
#include "base/why.h"
#include "collect/wall.h"

struct span_words {
    const char *month, *week, *day; /* NULL: not given */
    usec last;                      /* 0: not given */
};

struct span {
    usec from, to;               /* [from, to); USEC_NONE: open */
    usec before_from, before_to; /* as long, and just before; USEC_NONE: there is none */
    struct str title, before;    /* "October 2026", "September 2026"; at == NULL: no name but its dates */
};

/* Whether any of them was given. */
bool span_is_given(const struct span_words *words);
/* Of the words; where none was given, *span's from and to stay, and are what a period before is found by.
 * `end` is where the record ends: what --last counts back from. Days begin at midnight of the clock. 0, or -1
 * with why (EX_USAGE). */
int span_read(struct span *span, const struct span_words *words, const struct wall *wall, usec end,
              struct arena *arena, struct why *why);

#endif

/* Tags that say another program than the one that logged, or none: what the user knows better. */
#ifndef COLLECT_TAGS_H
#define COLLECT_TAGS_H

#include "base/memory.h"
#include "base/why.h"
#include "collect/dialect.h"

enum { TAG_BYTES = 128 };

struct tag_rule {
    struct str tag; /* at == NULL: any, and none */
    struct str as;  /* the tag that counts instead */
    const struct dialect *dialect;
};

/* Zero-initialised there are none. */
struct tags {
    struct tag_rule *rule;
    size_t count;
};

/* Reads "TAG=NAME TAG=NAME NAME", with blanks between; NAME is a dialect's, or a tag that one recognises. A
 * rule for TAG is one for TAG/anything too, and one without TAG for all lines; the first that fits counts.
 * What *tags points to is the arena's, or a view of `text`. Returns 0, or -1 with why (EX_USAGE). */
int tags_parse(struct tags *tags, struct str text, struct arena *arena, struct why *why);
/* The dialect that a line is said to be of, with line->program as that one has it, in `room` perhaps; NULL
 * where no rule fits: the tag tells. */
const struct dialect *tags_dialect(const struct tags *tags, struct line *line, char room[TAG_BYTES]);

#endif

/* Which dialect a program's lines belong to. A log names a few dozen programs millions of times, so the
 * dialects are asked once a tag. */
#ifndef COLLECT_PROGRAMS_H
#define COLLECT_PROGRAMS_H

#include <stdint.h>
#include "base/str.h"
#include "collect/dialect.h"

enum { PROGRAMS = 256, PROGRAM_BYTES = 46 };

struct programs {
    const struct dialect *const *table; /* ends with NULL */
    /* A hash table without chains: who comes last has the place, so tags made up by strangers take no memory.
     */
    struct program {
        const struct dialect *dialect;
        uint8_t len; /* 0: free */
        char tag[PROGRAM_BYTES + 1];
    } program[PROGRAMS];
    unsigned last; /* the place that was asked for last: mostly it is the next as well */
};

void programs_begin(struct programs *programs, const struct dialect *const *table);
/* The dialect of lines with this tag, or NULL: another program's. The first row that recognises it has it. */
const struct dialect *programs_dialect(struct programs *programs, struct str tag);
/* The dialect of a line: where two programs have the same tag, its words tell them apart. */
const struct dialect *programs_dialect_of(struct programs *programs, const struct line *line);
/* Gives a line to its dialect. rsyslog shortens equal lines to "message repeated 2 times: [ text]": these are
 * taken as often. */
enum taken dialect_take(const struct dialect *dialect, struct line *line, struct builder *builder);

#endif

/* Which sections a report has, in which order, and what they are called: a YAML file.
 *
 *     sections:
 *       - table
 *       - networks: { title: Who came most, most: 50 }
 */
#ifndef REPORT_OUTLINE_H
#define REPORT_OUTLINE_H

#include <stddef.h>
#include "base/memory.h"
#include "base/str.h"
#include "base/why.h"

struct view;

struct outline_row {
    const struct view *view;
    struct str title; /* at == NULL: the view's own */
    size_t most;      /* rows of its long tables that are shown; 0: the usual number */
};

struct outline {
    struct outline_row *rows;
    size_t count;
};

/* Reads one from a text; `origin` is what errors call it. All lies in `arena`. 0, or -1 with why, which names
 * line, column and cure. */
int outline_read(struct outline *outline, const char *origin, struct str yaml, struct arena *arena,
                 struct why *why);
/* The same from a file. */
int outline_load(struct outline *outline, const char *path, struct arena *arena, struct why *why);
/* What has to be worked out for it (enum period_wants); NULL: for all sections. */
unsigned outline_wants(const struct outline *outline);

#endif

/* A list in a text file, line by line. */
#ifndef ENRICH_TEXT_FILE_H
#define ENRICH_TEXT_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/why.h"

struct text_file {
    FILE *file;
    const char *path;
    char *buffer;
    size_t room;
    uint64_t line; /* number of the last one */
    bool whole;    /* lines are taken as they are, but for their ends: no comments in them */
    usec changed;  /* when the file was last written; now, where it is no file */
};

/* "-" is stdin. */
int text_file_open(struct text_file *file, const char *path, struct why *why);
void text_file_close(struct text_file *file);
/* The next line that is neither empty nor a comment (# to its end, at the beginning or behind a blank),
 * without blanks around it (unless `whole` is set); it lasts until the next. 1, 0 at the end, or -1 with why.
 */
int text_file_next(struct text_file *file, struct str *line, struct why *why);

#endif

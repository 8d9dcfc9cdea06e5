/* Files that are whole or not there: written beside their place and moved into it. */
#ifndef REPORT_WHOLE_FILE_H
#define REPORT_WHOLE_FILE_H

#include <stdio.h>
#include "base/str.h"
#include "base/why.h"

struct whole_file {
    FILE *to; /* write here */
    char *path, *beside;
};

/* 0, or -1 with why (EX_CANTCREAT). Readable for all, as far as the umask allows. */
int whole_file_open(struct whole_file *file, const char *path, struct why *why);
/* Moves it into its place: 0, or -1 with why (EX_IOERR), and then nothing is left of it. */
int whole_file_keep(struct whole_file *file, struct why *why);
/* Forgets it. */
void whole_file_drop(struct whole_file *file);
/* All at once. */
int whole_file_write(const char *path, struct str bytes, struct why *why);

#endif

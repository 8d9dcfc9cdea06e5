/* Which files of a folder are the mail server's logs, going by their names. */
#ifndef COLLECT_FOLDER_H
#define COLLECT_FOLDER_H

#include "base/memory.h"
#include "base/why.h"

/* Paths of what is in a folder, in the order of their names. */
struct folder {
    const char **file; /* those to read */
    size_t files;
    const char **folder;
    size_t folders;
    size_t all_files; /* how many there are, dotfiles and backups left aside */
};

/* Looks into a folder; paths and arrays are the arena's. Returns 0, or -1 with why. */
int folder_read(struct folder *folder, const char *path, struct arena *arena, struct why *why);

#endif

/* The files of one configuration: those given, and those that it names. Only config/ includes this. */
#ifndef CONFIG_FILES_H
#define CONFIG_FILES_H

#include "base/memory.h"
#include "config/config.h"

struct files {
    struct config_file **file; /* each where it stays */
    size_t count, room;
    bool closed;         /* nothing is read from the disk */
    struct arena *arena; /* owns the texts that were read from it */
};

/* Takes what was given apart at its "#=== NAME" lines. Text with a NUL is refused. */
int files_open(struct files *files, const struct config_file *given, size_t count, bool closed,
               struct arena *arena, struct why *why);
void files_close(struct files *files);

/* The given file whose name ends like this ("master.cf", "postgrey"), or NULL. */
const struct config_file *files_called(const struct files *files, const char *name);
/* A file that a configuration names: one of those given that is called so, else, unless closed, that on the
 * disk, a path that does not begin at the root being from `from`'s folder on. NULL where there is none, or
 * more than a megabyte. */
const struct config_file *files_named(struct files *files, const char *from, struct str path);

/* The next line without its end, and its number. */
struct config_lines {
    struct str rest;
    size_t number;
};
struct config_lines config_lines(const struct config_file *file);
bool config_line_next(struct config_lines *lines, struct str *line);

/* The next word: blanks and tabs part them. */
bool cut_token(struct str *rest, struct str *word);
/* Takes a text in double or single quotes off the front, without them, else a word. */
bool cut_quoted(struct str *rest, struct str *text);

#endif

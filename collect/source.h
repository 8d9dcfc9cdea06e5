/* Bytes of an input, whatever it is: a plain file, a compressed one, a pipe. */
#ifndef COLLECT_SOURCE_H
#define COLLECT_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/clock.h"
#include "base/str.h"
#include "base/why.h"

struct source {
    const char *path;        /* as given to source_open(), which it must outlive */
    const char *compression; /* "gzip", "xz", ...; NULL: none */
    bool stream;             /* a pipe, a terminal: cannot be read a second time */
    uint64_t size;           /* as it lies there, compressed; 0 for streams */
    uint64_t consumed;       /* of that */
    usec modified;           /* the file's time; for streams now */
    struct source_parts *parts;
};

/* Opens a file, or stdin for "-". Returns 0, or -1 with why: EX_NOINPUT where there is none, EX_NOPERM. */
int source_open(struct source *source, const char *path, struct why *why);
void source_close(struct source *source);
/* The first bytes, uncompressed, at least `size` of them unless the input ends or is damaged before:
 * source_read() will tell. They are read again by source_read(), and the view lasts until then. Only before
 * the first source_read(). */
struct str source_look(struct source *source, size_t size);
/* Reads on; a read_fn (lines.h) with a struct source for its state. What could be read before a damage is
 * handed over before the damage is told: "truncated", or what else is wrong (EX_DATAERR, EX_IOERR). The path
 * is not part of it. */
ssize_t source_read(void *state, char *to, size_t size, struct why *why);
/* Goes to `position` of the uncompressed bytes, where that can be had without reading: false otherwise. */
bool source_seek(struct source *source, uint64_t position);
/* Where source_read() goes on in a plain file. */
uint64_t source_position(const struct source *source);
/* Copies `size` bytes at `position` of a plain file to `to`, whatever has been read. Returns how many there
 * are. */
size_t source_copy(const struct source *source, uint64_t position, char *to, size_t size);
/* Which file it is, and whether it has a name still. */
struct source_file {
    uint64_t device, number;
    bool named;
};
struct source_file source_file(const struct source *source);
/* A path that leads to the file whatever its name is by now. */
enum { SOURCE_NAME_BYTES = 32 };
void source_name(const struct source *source, char name[SOURCE_NAME_BYTES]);

#endif

/* Lines out of bytes: each byte is looked at once, lines are views, memory is one buffer whatever the input
 * holds. */
#ifndef COLLECT_LINES_H
#define COLLECT_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/str.h"
#include "base/why.h"

enum {
    LINE_MAX_BYTES = 64 * 1024, /* rsyslog and journald stop at 8 and 48 KiB unless told otherwise */
    LINES_BLOCK_BYTES =
        256 * 1024,         /* read at once: more is no faster, and this stays in the second-level cache */
    LINES_TAIL_BYTES = 4096 /* kept of what has been read: an input that grew is known by it */
};

/* Where bytes come from: puts at most `size` of them at `to`; returns their number, 0 at the end, -1 with
 * why. */
typedef ssize_t read_fn(void *state, char *to, size_t size, struct why *why);

/* Where an input may be read on. */
struct lines_place {
    uint64_t position, number;      /* in the uncompressed input, and how many lines come before it */
    uint64_t tail_bytes, tail_hash; /* of what comes before it */
};

struct lines {
    read_fn *read;
    void *state;
    char *buffer, *at, *end; /* at..end: read, but not handed over yet; buffer..at: the tail */
    char *searched;          /* no newline between `at` and here */
    uint64_t position;       /* of `at` in the uncompressed input */
    uint64_t offset, number; /* of the line that was handed over last; numbers from 1 */
    uint64_t cut;            /* lines that were longer than LINE_MAX_BYTES */
    bool was_cut;            /* the last one was */
    bool unended;            /* the last one was ended by the input's end, not by a newline */
    bool ended;              /* nothing more to read */
    bool marked;
    char *mark; /* in the buffer; NULL: not there any more, and `marked_place` is known */
    struct lines_place marked_place; /* but for its tail while `mark` is there */
    /* Set by the caller: more may come. The end is asked for again by each call, and a line without a newline
     * waits for the rest of it. */
    bool growing;
};

/* Begins to read at `position` of the input, after `number` lines: 0 and 0 for a whole one. */
void lines_begin(struct lines *in, read_fn *read, void *state, uint64_t position, uint64_t number);
void lines_end(struct lines *in);
/* Reads the next line of `in`, without its newline and one carriage return before it, into *line.
 * The bytes belong to `in` and last until the next call. A line longer than LINE_MAX_BYTES is cut there, and
 * counted in in->cut. A line that a failure breaks off is not handed over. Returns 1, 0 at the end, or -1
 * with the reason in `why`. */
int lines_next(struct lines *in, struct str *line, struct why *why);
/* Passes over bytes up to `position` without looking at them; it becomes the next line's beginning. Where the
 * input ends before, in->position tells how far it got. Returns 0, or -1 with why. */
int lines_skip(struct lines *in, uint64_t position, struct why *why);
/* Takes the next `count` bytes as they are, newlines and all; of these the first `room` are copied to `to`.
 * Returns 1, 0 where the input ends before, or -1 with why. */
int lines_bytes(struct lines *in, uint64_t count, char *to, size_t room, struct why *why);
/* What begins with the line that was handed over last is not done with: until lines_unmark(), the place to
 * read on is before it. */
void lines_mark(struct lines *in);
void lines_unmark(struct lines *in);
/* Where to read on, another time. */
struct lines_place lines_place(const struct lines *in);
/* The bytes before the next line, LINES_TAIL_BYTES of them where there are as many. As long as the line
 * lasts. */
struct str lines_tail(const struct lines *in);

#endif

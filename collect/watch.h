/* Which files are followed: what inotify tells of them and of their folders. Only for collect/. */
#ifndef COLLECT_WATCH_H
#define COLLECT_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/clock.h"
#include "base/why.h"

/* A path that is followed. */
struct operand {
    const char *path;
    const char *name; /* a file's, in its folder */
    bool folder;      /* it stands for many files: a folder, a pattern, a journal */
    bool pattern;
    bool changed; /* a folder: a file has come into it, or one that is not open has changed */
    bool
        lost; /* a file: it was truncated, or another is in its place: what came between must be looked for */
    bool complained; /* that there is no log */
    usec since;      /* by the clock: when it began to be followed */
    usec reached;    /* the latest stamp in what is not open any more */
};

/* A folder that is watched, for what comes into it. */
struct room {
    int watch;
    char *path; /* with a slash at its end; empty: the current one */
    struct operand *of;
};

/* A file that is watched, by what it is, not by its name. */
struct tail {
    uint64_t device, number;
    int watch;
    struct operand *of;
    bool touched;        /* since it was looked at last */
    bool past;           /* it is not at the operand's path any more */
    unsigned tries_left; /* it came into a folder, and may become a log when something is written to it */
};

struct watch {
    int inotify;
    struct operand *operands;
    size_t operand_count;
    struct room *rooms;
    size_t room_count, room_room;
    struct tail *tails;
    size_t tail_count, tail_room;
};

/* Whether the operand, a folder, stands for that file too. */
bool watch_stands_for(const struct operand *operand, const char *path);
/* 0, or -1 with why: what cannot be followed, since it is no file, or since its folder is not there;
 * watch_end() in any case. `paths` must last. */
int watch_begin(struct watch *watch, const char *const *paths, size_t count, struct why *why);
void watch_end(struct watch *watch);
/* Takes what has happened: sets `changed` and `touched`. Does not wait. */
void watch_take(struct watch *watch);
struct tail *watch_find(struct watch *watch, uint64_t device, uint64_t number);
/* Watches the file at `path`; the pointer lasts until the next is added. NULL where it has gone meanwhile. */
struct tail *watch_add(struct watch *watch, struct operand *operand, const char *path);
/* Watches it no longer. */
void watch_drop(struct watch *watch, struct tail *tail);

#endif

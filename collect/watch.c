/* Watching files. A file operand's folder is watched for what comes to its name, and the file for what is
 * written to it, be it renamed meanwhile; of a folder operand each log is watched, and the folder for new
 * ones. */
#define _GNU_SOURCE
#include "collect/watch.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>
#include "base/memory.h"
#include "collect/journal.h"

enum { TRIES_MOST = 8, DEPTH_MOST = 4 /* of folders in folders */ };

static int cannot_watch(const char *path, struct why *why)
{
    if (errno == ENOSPC || errno == EMFILE)
        return why_set(why, EX_OSERR,
                       "%s: cannot be followed: the system's inotify watches are used up; raise "
                       "fs.inotify.max_user_watches or fs.inotify.max_user_instances with sysctl",
                       path);
    return why_set(why, errno == EACCES ? EX_NOPERM : EX_NOINPUT, "%s: cannot be followed: %s", path,
                   strerror(errno));
}

/* As files are stamped. */
static usec file_clock(void)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME_COARSE, &at);
    return at.tv_sec * USEC_SECOND + at.tv_nsec / 1000;
}

struct tail *watch_find(struct watch *watch, uint64_t device, uint64_t number)
{
    for (size_t i = 0; i < watch->tail_count; i++)
        if (watch->tails[i].device == device && watch->tails[i].number == number)
            return &watch->tails[i];
    return NULL;
}

void watch_drop(struct watch *watch, struct tail *tail)
{
    inotify_rm_watch(watch->inotify, tail->watch);
    *tail = watch->tails[--watch->tail_count];
}

struct tail *watch_add(struct watch *watch, struct operand *operand, const char *path)
{
    struct stat status;
    int number = inotify_add_watch(watch->inotify, path, IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF);
    if (number < 0 || stat(path, &status) != 0)
        return NULL;
    /* The same watch comes for the same file: what was at the path before has its own. */
    struct tail *tail = watch_find(watch, (uint64_t)status.st_dev, (uint64_t)status.st_ino);
    if (!tail) {
        mem_room(watch->tails, watch->tail_room, watch->tail_count + 1);
        tail = &watch->tails[watch->tail_count++];
    }
    *tail = (struct tail){ .device = (uint64_t)status.st_dev,
                           .number = (uint64_t)status.st_ino,
                           .watch = number,
                           .of = operand,
                           .touched = true };
    return tail;
}

static void take_file_event(struct watch *watch, const struct inotify_event *event)
{
    for (size_t i = 0; i < watch->tail_count; i++) {
        struct tail *tail = &watch->tails[i];
        if (tail->watch != event->wd)
            continue;
        tail->touched = true;
        if (event->mask & IN_IGNORED) /* it is not there any more */
            *tail = watch->tails[--watch->tail_count];
        return;
    }
}

/* ---- Folders. */

static void try_members(struct watch *watch, struct operand *operand, const char *folder, unsigned depth);

static bool is_journals(const char *name)
{
    return strstr(name, ".journal") != NULL;
}

bool watch_stands_for(const struct operand *operand, const char *path)
{
    return operand->pattern ? fnmatch(operand->path, path, FNM_PATHNAME | FNM_PERIOD) == 0
                            : str_starts(str_of(path), str_of(operand->path));
}

/* journald writes to its files without a system call, and truncates them to the size that they have to tell
 * of it. */
static int watch_room(struct watch *watch, struct operand *operand, const char *path, uint32_t more)
{
    const uint32_t mask = IN_CREATE | IN_MOVED_TO | IN_ONLYDIR | IN_MASK_ADD;
    bool slash = path[0] && !str_ends(str_of(path), STR("/"));
    int number = inotify_add_watch(watch->inotify, path[0] ? path : ".", mask | more);
    if (number < 0)
        return -1;
    for (size_t i = 0; i < watch->room_count; i++)
        if (watch->rooms[i].watch == number && watch->rooms[i].of == operand)
            return 0;
    mem_room(watch->rooms, watch->room_room, watch->room_count + 1);
    struct room *room = &watch->rooms[watch->room_count++];
    size_t size = strlen(path) + 2;
    *room = (struct room){ .watch = number, .path = mem_alloc(size), .of = operand };
    snprintf(room->path, size, "%s%s", path, slash ? "/" : "");
    return 0;
}

/* A file is mostly empty when it comes into a folder: whether it is a log shows when something is written to
 * it. */
static void try_member(struct watch *watch, struct operand *operand, const char *folder, const char *name,
                       unsigned depth)
{
    struct stat status;
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s%s", folder, name) >= (int)sizeof path || stat(path, &status) != 0)
        return;
    if (S_ISDIR(status.st_mode) && depth < DEPTH_MOST && !operand->pattern && name[0] != '.') {
        if (watch_room(watch, operand, path, IN_CLOSE_WRITE) == 0)
            try_members(watch, operand, path, depth + 1);
    } else if (S_ISREG(status.st_mode) && is_journals(name)) {
        watch_room(watch, operand, folder, IN_MODIFY);
        operand->changed = true;
    } else if (S_ISREG(status.st_mode) && watch_stands_for(operand, path) &&
               !watch_find(watch, (uint64_t)status.st_dev, (uint64_t)status.st_ino)) {
        struct tail *tail = watch_add(watch, operand, path);
        operand->changed = true;
        if (tail)
            tail->tries_left = TRIES_MOST;
    }
}

/* What is in a folder: it may be empty yet. */
static void try_members(struct watch *watch, struct operand *operand, const char *folder, unsigned depth)
{
    char path[PATH_MAX];
    bool slash = folder[0] && !str_ends(str_of(folder), STR("/"));
    DIR *entries = opendir(folder[0] ? folder : ".");
    const struct dirent *entry = NULL;
    snprintf(path, sizeof path, "%s%s", folder, slash ? "/" : "");
    while (entries && (entry = readdir(entries)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            try_member(watch, operand, path, entry->d_name, depth);
    if (entries)
        closedir(entries);
}

/* ---- Operands. */

static int begin_folder(struct watch *watch, struct operand *operand, const char *path, struct why *why)
{
    if (watch_room(watch, operand, path, IN_CLOSE_WRITE))
        return cannot_watch(operand->path, why);
    try_members(watch, operand, path, 0);
    return 0;
}

/* The folders in which there may be files of a pattern's. */
static int begin_pattern(struct watch *watch, struct operand *operand, const char *folder, struct why *why)
{
    glob_t names = { 0 };
    operand->pattern = true;
    int result = folder[0] ? glob(folder, GLOB_ONLYDIR, NULL, &names) : 0;
    if (result)
        result =
            why_set(why, EX_NOINPUT, "%s: cannot be followed: no folder matches %s", operand->path, folder);
    if (!folder[0])
        result = begin_folder(watch, operand, folder, why);
    for (size_t i = 0; i < names.gl_pathc && result == 0; i++)
        result = begin_folder(watch, operand, names.gl_pathv[i], why);
    globfree(&names);
    return result;
}

static int begin_journal(struct watch *watch, struct operand *operand, struct why *why)
{
    struct journals journals = { 0 };
    int result = journals_look(&journals, operand->path, why);
    for (size_t i = 0; i < journals.count; i++)
        for (size_t n = 0; n < journals.sets[i].count && result == 0; n++) {
            const char *path = journals.sets[i].files[n].path;
            char folder[PATH_MAX];
            snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') + 1 - path), path);
            if (watch_room(watch, operand, folder, IN_MODIFY))
                result = cannot_watch(operand->path, why);
        }
    journals_free(&journals);
    return result;
}

static int begin_operand(struct watch *watch, struct operand *operand, const char *path, struct why *why)
{
    struct stat status;
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];
    *operand = (struct operand){
        .path = path, .name = slash ? slash + 1 : path, .since = file_clock(), .reached = USEC_NONE
    };
    bool exists = stat(path, &status) == 0, is_pattern = !exists && strpbrk(path, "*?[");
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 0, path);
    operand->folder = (exists && S_ISDIR(status.st_mode)) || is_pattern || journal_is_named(path);
    if (journal_is_named(path))
        return begin_journal(watch, operand, why);
    if (strcmp(path, "-") == 0 || (exists && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)))
        return why_set(why, EX_USAGE,
                       "%s: only files, folders and journals are followed; a pipe is read to its end without "
                       "--follow",
                       path);
    if (is_pattern)
        return begin_pattern(watch, operand, folder, why);
    if (operand->folder)
        return begin_folder(watch, operand, path, why);
    operand->lost = true; /* it may have been rotated between the first looks */
    return watch_room(watch, operand, folder, 0) ? cannot_watch(path, why) : 0;
}

int watch_begin(struct watch *watch, const char *const *paths, size_t count, struct why *why)
{
    *watch = (struct watch){ .inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC) };
    if (watch->inotify < 0)
        return cannot_watch(paths[0], why);
    watch->operands = mem_zero(count, sizeof *watch->operands);
    for (; watch->operand_count < count; watch->operand_count++)
        if (begin_operand(watch, &watch->operands[watch->operand_count], paths[watch->operand_count], why))
            return -1;
    return 0;
}

void watch_end(struct watch *watch)
{
    if (watch->inotify >= 0)
        close(watch->inotify);
    for (size_t i = 0; i < watch->room_count; i++)
        free(watch->rooms[i].path);
    free(watch->rooms);
    free(watch->operands);
    free(watch->tails);
    *watch = (struct watch){ .inotify = -1 };
}

/* Below the operand. */
static unsigned depth_of(const struct room *room)
{
    unsigned depth = 0;
    size_t len = strlen(room->of->path);
    for (const char *at = room->path + (len < strlen(room->path) ? len : 0); (at = strchr(at, '/')); at++)
        depth++;
    return depth;
}

static void take_event(struct watch *watch, const struct inotify_event *event)
{
    bool overflow = event->mask & IN_Q_OVERFLOW;
    take_file_event(watch, event);
    for (size_t i = 0; overflow && i < watch->operand_count; i++)
        watch->operands[i].changed = watch->operands[i].folder;
    for (size_t i = 0; i < watch->room_count; i++) {
        struct room room = watch->rooms[i]; /* more may come */
        bool is_new = event->mask & (IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE);
        if (room.watch != event->wd || !room.of->folder || event->len == 0)
            continue;
        if (is_new)
            try_member(watch, room.of, room.path, event->name, depth_of(&room));
        else if (is_journals(event->name))
            room.of->changed = true;
    }
    for (size_t i = 0; overflow && i < watch->tail_count; i++)
        watch->tails[i].touched = true;
}

void watch_take(struct watch *watch)
{
    char bytes[16 * 1024] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t got = 0;
    while ((got = read(watch->inotify, bytes, sizeof bytes)) > 0)
        for (ssize_t at = 0; at < got;) {
            const struct inotify_event *event = (const void *)(bytes + at);
            take_event(watch, event);
            at += (ssize_t)(sizeof *event + event->len);
        }
}

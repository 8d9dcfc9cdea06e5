/* Following. A log that has come to its end stays open, and inotify tells when it grows, whatever its name is
 * by then; so what the daemon still writes to a file that was renamed is read as well. All that is new is
 * merged as in any run, and the builder stays in memory: what is kept with each commit is for the run after
 * one that was killed. */
#define _GNU_SOURCE
#include "collect/follow.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include "collect/beside.h"
#include "collect/watch.h"

enum {
    READ_SLOTS = 1024,
    IDLE_MOST = OPEN_MOST / 2,    /* logs that are held open; others are opened again when they change */
    COMMIT_USEC = 900 * 1000,     /* after the first news, at the latest: a commit takes some time too */
    REST_USEC = 10 * 1000 * 1000, /* to read what is there when the end has come */
    SURVEYS_MOST = 10,
    DAY_MSEC = 24 * 60 * 60 * 1000,
    GATHER_USEC = 50 * 1000 /* from the first news to the reading of it: a busy log tells of each line */
};
static const usec never = INT64_MAX;
/* A member of a folder that was not written to for so long is not held open. */
static const usec quiet_most = USEC_DAY;

struct follow {
    struct run *run;
    const struct collect_options *options;
    struct watch watch;
    const char **paths; /* those that are there */
    size_t path_count, path_room;
    struct arena arena;        /* of those that are found beside them */
    uint64_t read[READ_SLOTS]; /* hashes of files that were read whole: who comes last has the place */
    uint64_t looked;           /* run->reads when it looked around last */
    usec end;                  /* by clock_steady(), never: only when it is asked for */
    usec told;                 /* when it had come; USEC_NONE: not yet */
    bool looks;                /* around: not while the first reading goes on, nor in the end */
    bool past;                 /* what is opened now does not grow any more */
};

/* ---- Beginning and end. */

int follow_begin(struct run *run, const struct collect_options *options, struct why *why)
{
    struct follow *follow = mem_zero(1, sizeof *follow);
    run->follow = follow;
    follow->run = run;
    follow->options = options;
    follow->watch.inotify = -1;
    follow->end = options->follow_most ? clock_steady() + options->follow_most : never;
    follow->told = USEC_NONE;
    return watch_begin(&follow->watch, options->paths, options->path_count, why);
}

void follow_free(struct follow *follow)
{
    if (!follow)
        return;
    watch_end(&follow->watch);
    free(follow->paths);
    arena_free(&follow->arena);
    free(follow);
}

static void add_path(struct follow *follow, const char *path)
{
    mem_room(follow->paths, follow->path_room, follow->path_count + 1);
    follow->paths[follow->path_count++] = path;
}

static uint64_t state_of_file(uint64_t device, uint64_t number, uint64_t size, usec modified)
{
    uint64_t state[] = { device, number, size, (uint64_t)modified };
    return bytes_hash(state, sizeof state, 0);
}

static uint64_t state_of(const struct stat *status)
{
    return state_of_file((uint64_t)status->st_dev, (uint64_t)status->st_ino, (uint64_t)status->st_size,
                         status->st_mtim.tv_sec * USEC_SECOND + status->st_mtim.tv_nsec / 1000);
}

/* Which of the operands are there, and what rotation has made of them. Returns a hash of that. */
static uint64_t find_paths(struct follow *follow)
{
    struct stat status;
    uint64_t hash = 0;
    follow->path_count = 0;
    for (size_t i = 0; i < follow->watch.operand_count; i++) {
        struct operand *operand = &follow->watch.operands[i];
        const char **beside = NULL;
        size_t found = operand->folder ? 0 : beside_find(follow->run, operand, &follow->arena, &beside);
        for (size_t n = 0; n < found; n++) {
            add_path(follow, beside[n]);
            if (stat(beside[n], &status) == 0)
                hash = hash * 31 + state_of(&status);
        }
        bool is_there = stat(operand->path, &status) == 0;
        if (operand->folder || is_there)
            add_path(follow, operand->path);
        if (!operand->folder && is_there)
            hash = hash * 31 + state_of_file((uint64_t)status.st_dev, (uint64_t)status.st_ino, 0, 0);
    }
    return hash;
}

int follow_survey(struct follow *follow, struct survey *survey, struct why *why)
{
    uint64_t before = 0, after = find_paths(follow);
    int result = 0, tries = SURVEYS_MOST;
    do {
        struct why aside = { 0 };
        before = after;
        survey_free(survey);
        result = run_survey(follow->run, survey, follow->paths, follow->path_count, &aside);
        if (result && why)
            *why = aside;
        after = find_paths(follow);
    } while (after != before && --tries);
    return result;
}

int follow_check(struct follow *follow, const struct survey *survey, struct why *why)
{
    bool grows = false;
    const char *compressed = NULL;
    for (size_t i = 0; i < follow->watch.operand_count; i++) {
        const struct operand *operand = &follow->watch.operands[i];
        const struct found *found = NULL;
        for (size_t n = 0; n < survey->count && !found; n++)
            if (strcmp(survey->found[n].path, operand->path) == 0)
                found = &survey->found[n];
        struct stat status;
        if (!operand->folder && !found && stat(operand->path, &status) != 0)
            progress_note(&follow->run->progress, "%s: not there yet; waiting for it", operand->path);
        if (found && found->capture)
            return why_set(why, EX_USAGE,
                           "%s: a packet capture cannot be followed; collect it without --follow",
                           operand->path);
        if (found && found->compression)
            compressed = operand->path;
        else
            grows = true;
    }
    return grows
               ? 0
               : why_set(why, EX_USAGE,
                         "%s: compressed, so that it does not grow: there is nothing to follow; name the log "
                         "that is written to as well, or collect it without --follow",
                         compressed);
}

/* ---- What is open. */

static struct reading *reading_of(const struct follow *follow, uint64_t device, uint64_t number)
{
    struct reading *reading = follow->run->readings;
    while (reading && !(reading->file.device == device && reading->file.number == number))
        reading = reading->older;
    return reading;
}

static struct tail *tail_of(struct follow *follow, const struct reading *reading)
{
    return watch_find(&follow->watch, reading->file.device, reading->file.number);
}

/* An operand of that path, or the folder that it lies in. */
static struct operand *operand_of(struct follow *follow, const char *path)
{
    struct operand *folder = NULL;
    for (size_t i = 0; i < follow->watch.operand_count; i++) {
        struct operand *operand = &follow->watch.operands[i];
        if (strcmp(operand->path, path) == 0)
            return operand;
        if (operand->folder && watch_stands_for(operand, path))
            folder = operand;
    }
    return folder;
}

/* The daemon may write to a log that was renamed until it is told. */
static struct operand *operand_beside(struct follow *follow, const char *path)
{
    for (size_t i = 0; i < follow->watch.operand_count; i++)
        if (beside_is_of(&follow->watch.operands[i], path))
            return &follow->watch.operands[i];
    return NULL;
}

bool follow_grows(struct follow *follow, const char *path)
{
    return !follow->past && (operand_of(follow, path) || operand_beside(follow, path));
}

void follow_opened(struct follow *follow, const struct reading *reading)
{
    struct operand *operand = operand_of(follow, reading->found.path);
    struct operand *beside = operand ? NULL : operand_beside(follow, reading->found.path);
    struct tail *tail = tail_of(follow, reading);
    char name[SOURCE_NAME_BYTES];
    source_name(&reading->source, name);
    if ((operand || beside) && !tail) {
        tail = watch_add(&follow->watch, operand ? operand : beside, name);
        if (tail)
            tail->past = beside;
    }
    if (tail)
        tail->tries_left = 0;
}

void follow_note_read(struct follow *follow, const struct reading *reading)
{
    struct source_file file = source_file(&reading->source);
    uint64_t state = state_of_file(file.device, file.number, reading->found.size, reading->found.modified);
    follow->read[state % READ_SLOTS] = state;
}

bool follow_has_read(const struct follow *follow, const struct stat *status)
{
    uint64_t state = state_of(status);
    return follow->read[state % READ_SLOTS] == state;
}

static size_t idle_count(const struct follow *follow)
{
    size_t count = 0;
    for (const struct reading *reading = follow->run->readings; reading; reading = reading->older)
        count += reading->idle;
    return count;
}

bool follow_keeps(struct follow *follow, struct reading *reading)
{
    const struct tail *tail = reading->growing ? tail_of(follow, reading) : NULL;
    follow->looked = follow->run->reads - 1; /* what goes on from there comes before any other's next line */
    reading->idle =
        tail && !records_end_within(&reading->records) &&
        !((tail->of->folder || tail->past) && clock_now() - reading->found.modified > quiet_most) &&
        idle_count(follow) < IDLE_MOST;
    return reading->idle;
}

/* ---- Looking at what is idle. */

static void leave_behind(struct operand *operand, const struct reading *reading)
{
    if (reading->reached != USEC_NONE && reading->reached > operand->reached)
        operand->reached = reading->reached;
}

/* One that will not grow any more: what stands behind its last newline is a line. */
static int finish(struct merge *merge, struct reading *reading, struct why *why)
{
    reading_grown(reading);
    if (!reading->has_line)
        reading_next(reading);
    if (reading->has_line && merge_add(merge, reading)) {
        reading->idle = false;
        return 0;
    }
    return reading_close(reading, 0, why);
}

/* What it was has gone: by name, or by content. */
static int lose(struct follow *follow, struct merge *merge, struct reading *reading, struct why *why)
{
    struct tail *tail = tail_of(follow, reading);
    if (tail) {
        leave_behind(tail->of, reading);
        tail->touched = true;
        tail->of->changed = tail->of->folder;
        tail->of->lost |= reading->replaced;
    }
    return reading->replaced ? reading_close(reading, 0, why) : finish(merge, reading, why);
}

static int gather(struct follow *follow, struct merge *merge, struct why *why)
{
    for (struct reading *reading = follow->run->readings, *older = NULL; reading; reading = older) {
        older = reading->older;
        if (!reading->idle)
            continue;
        if (!reading->has_line)
            reading_next(reading);
        if (reading->has_line) {
            if (merge_add(merge, reading))
                reading->idle = false;
        } else if ((reading->replaced || !source_file(&reading->source).named) &&
                   lose(follow, merge, reading, why)) {
            return -1;
        }
    }
    return 0;
}

/* ---- Looking for what is new. */

/* A file that has not been read as it is now, nor is open. */
static bool is_news(const struct follow *follow, const struct found *found)
{
    struct stat status;
    return stat(found->path, &status) == 0 && !follow_has_read(follow, &status) &&
           !reading_of(follow, (uint64_t)status.st_dev, (uint64_t)status.st_ino);
}

/* A journal is read up to the entry that was its last when it was found. */
static bool is_being_read(const struct run *run, const struct found *found)
{
    for (const struct reading *open = run->readings; open; open = open->older)
        if (open->found.journal && open->found.head.hash[0] == found->head.hash[0])
            return true;
    return false;
}

/* Returns 1 where one must wait for another that is being read, 0, or -1. One that waits for a log that is
 * followed is a copy of it. */
static int open_found(struct follow *follow, struct merge *merge, struct survey *survey, struct why *why)
{
    bool waits = false;
    for (size_t i = 0; i < survey->count; i++) {
        struct found *found = &survey->found[i];
        if (found->journal && !found->empty && is_being_read(follow->run, found)) {
            waits = true;
            continue;
        }
        if (found->empty || (!found->journal && !is_news(follow, found)))
            continue;
        int result = merge_open(merge, found, i, why);
        if (result < 0)
            return -1;
        waits |= result == 1 && merge->count;
    }
    return waits;
}

static int open_beside(struct follow *follow, struct merge *merge, struct operand *operand, struct why *why)
{
    struct survey survey = { 0 };
    struct arena arena = { 0 };
    const char **paths = NULL;
    size_t count = beside_find(follow->run, operand, &arena, &paths);
    int result = 0;
    if (count && run_survey(follow->run, &survey, paths, count, NULL) == 0)
        result = open_found(follow, merge, &survey, why);
    survey_free(&survey);
    arena_free(&arena);
    operand->lost = result == 1;
    return result < 0 ? -1 : 0;
}

/* Returns 1 where it must wait for another that is being read, 0, or -1. A log that is there, but cannot be
 * read as one (yet: its first line may be half written), is told of once.
 */
static int open_operand(struct follow *follow, struct merge *merge, struct operand *operand, struct why *why)
{
    struct survey survey;
    struct why aside = { 0 };
    int result = 0;
    if (run_survey(follow->run, &survey, &operand->path, 1, &aside) == 0) {
        result = open_found(follow, merge, &survey, why);
        operand->complained = false;
    } else if (!operand->complained) {
        progress_note(&follow->run->progress, "%s", aside.text);
        operand->complained = true;
    }
    survey_free(&survey);
    return result;
}

/* Another file is in the operand's place. The one before stays open, since the daemon may write to it until
 * it is told of the rotation; the one before that does not. */
static int rotate(struct follow *follow, struct merge *merge, struct operand *operand, struct why *why)
{
    struct watch *watch = &follow->watch;
    operand->lost = true;
    for (size_t i = watch->tail_count; i-- > 0;) {
        struct tail *tail = &watch->tails[i];
        if (tail->of != operand)
            continue;
        struct reading *reading = reading_of(follow, tail->device, tail->number);
        if (reading)
            leave_behind(operand, reading);
        if (!tail->past) {
            tail->past = true;
        } else if (!reading || reading->idle) {
            if (reading && finish(merge, reading, why))
                return -1;
            watch_drop(watch, tail);
        }
    }
    return 0;
}

static int look_at_file(struct follow *follow, struct merge *merge, struct operand *operand, struct why *why)
{
    struct stat status;
    if (stat(operand->path, &status) != 0 || !S_ISREG(status.st_mode))
        return 0;
    uint64_t device = (uint64_t)status.st_dev, number = (uint64_t)status.st_ino;
    struct tail *tail = watch_find(&follow->watch, device, number);
    if (!tail || tail->past) {
        if (rotate(follow, merge, operand, why))
            return -1;
        tail = watch_add(&follow->watch, operand, operand->path);
        /* Of what was written before there was a watch, nothing else tells. */
        if (stat(operand->path, &status) != 0)
            return 0;
    }
    bool opens = tail && tail->touched && status.st_size && !reading_of(follow, device, number);
    if (tail)
        tail->touched = false;
    int result = opens ? open_operand(follow, merge, operand, why) : 0;
    if (result == 1 && (tail = watch_find(&follow->watch, device, number)))
        tail->touched = true;
    /* After it has been opened: what was truncated before that is in a copy by now. */
    if (result >= 0 && (opens || operand->lost))
        result = open_beside(follow, merge, operand, why);
    return result < 0 ? -1 : 0;
}

static int look_into_folder(struct follow *follow, struct merge *merge, struct operand *operand,
                            struct why *why)
{
    struct watch *watch = &follow->watch;
    for (size_t i = watch->tail_count; i-- > 0;) {
        struct tail *tail = &watch->tails[i];
        bool touched = tail->touched;
        if (tail->of != operand)
            continue;
        tail->touched = false;
        if (reading_of(follow, tail->device, tail->number)) {
            tail->tries_left = 0;
        } else if (touched) {
            operand->changed = true;
            if (tail->tries_left && --tail->tries_left == 0)
                watch_drop(watch, tail); /* no log, whatever is written to it */
        }
    }
    if (!operand->changed)
        return 0;
    int result = open_operand(follow, merge, operand, why);
    operand->changed = result == 1;
    return result < 0 ? -1 : 0;
}

int follow_look(struct follow *follow, struct merge *merge, struct why *why)
{
    struct watch *watch = &follow->watch;
    while (follow->looks && follow->looked != follow->run->reads) {
        follow->looked = follow->run->reads;
        watch_take(watch);
        if (gather(follow, merge, why))
            return -1;
        for (size_t i = 0; i < watch->operand_count; i++) {
            struct operand *operand = &watch->operands[i];
            if ((operand->folder ? look_into_folder : look_at_file)(follow, merge, operand, why))
                return -1;
        }
    }
    return 0;
}

/* ---- The way on. */

static int read_news(struct follow *follow, struct why *why)
{
    struct run *run = follow->run;
    struct merge merge;
    merge_begin(&merge, run, NULL);
    if (run->commit_at == USEC_NONE)
        run->commit_at = clock_steady() + COMMIT_USEC;
    follow->looks = true;
    follow->looked = run->reads - 1;
    int result = run_read(run, &merge, why);
    merge_free(&merge);
    if (run->uncommitted_bytes == 0)
        run->commit_at = USEC_NONE;
    return result;
}

/* As a run does that does not follow: to the ends of the files, newline or not. */
static int read_rest(struct follow *follow, struct why *why)
{
    struct run *run = follow->run;
    struct merge merge;
    struct survey survey = { 0 };
    struct why aside = { 0 };
    follow->looks = false;
    follow->past = true;
    merge_begin(&merge, run, NULL);
    int result = 0;
    for (struct reading *reading = run->readings, *older = NULL; reading && result == 0; reading = older) {
        older = reading->older;
        result = finish(&merge, reading, why);
    }
    if (result == 0)
        result = run_read(run, &merge, why);
    merge_free(&merge);
    run->progress.quiet = true; /* of what is not there, or empty */
    if (result == 0 && !run->stopped && follow_survey(follow, &survey, &aside) == 0) {
        merge_begin(&merge, run, &survey);
        result = run_read(run, &merge, why);
        merge_free(&merge);
    }
    survey_free(&survey);
    return result;
}

/* Whether the end has come: it is asked for, or due. */
static bool is_told(struct follow *follow)
{
    struct pollfd stop = { .fd = follow->options->stop, .events = POLLIN };
    if (follow->told == USEC_NONE && (poll(&stop, 1, 0) > 0 || clock_steady() >= follow->end))
        follow->told = clock_steady();
    return follow->told != USEC_NONE;
}

bool follow_is_over(struct follow *follow)
{
    return is_told(follow) && clock_steady() - follow->told >= REST_USEC;
}

/* Waits for the end, and for news or until `at`: without a timer if there is none. Returns whether there are
 * news. */
static bool wait_for(const struct follow *follow, bool for_news, usec at)
{
    struct pollfd wanted[] = { { .fd = follow->options->stop, .events = POLLIN },
                               { .fd = for_news ? follow->watch.inotify : -1, .events = POLLIN } };
    usec until = at < follow->end ? at : follow->end, left = until == never ? 0 : until - clock_steady();
    int msec = until == never ? -1 : left <= 0 ? 0 : left < USEC_DAY ? (int)(left / 1000) + 1 : DAY_MSEC;
    return poll(wanted, 2, msec) > 0 && wanted[1].revents;
}

int follow_on(struct follow *follow, struct why *why)
{
    struct run *run = follow->run;
    bool news = true; /* what came before there was a watch */
    while (!is_told(follow)) {
        if (news && read_news(follow, why))
            return -1;
        if (run->commit_at != USEC_NONE && clock_steady() >= run->commit_at) {
            if (run_commit_read(run, why) < 0)
                return -1;
            run->commit_at = USEC_NONE; /* in the midst of a line in pieces: with what comes next */
        }
        news = wait_for(follow, true, run->commit_at == USEC_NONE ? never : run->commit_at);
        if (news)
            wait_for(follow, false, clock_steady() + GATHER_USEC);
    }
    if (!run->stopped && read_news(follow, why))
        return -1;
    return run->stopped ? 0 : read_rest(follow, why);
}

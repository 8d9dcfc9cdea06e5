/* Which input comes next. A server's log may be split by program, and two servers' logs overlap: inputs that
 * overlap in time are open together. One that begins when all before it have ended costs a comparison a
 * line. */
#include "collect/merge.h"

#include <stdlib.h>
#include "collect/follow.h"
#include "collect/packets.h"

void merge_begin(struct merge *merge, struct run *run, struct survey *survey)
{
    *merge = (struct merge){ .run = run, .survey = survey };
}

/* ---- The heap. */

static bool comes_before(const struct reading *a, const struct reading *b)
{
    return a->time != b->time ? a->time < b->time : a->order < b->order;
}

static void sink(struct merge *merge)
{
    struct reading **open = merge->open, *moved = open[0];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < merge->count && comes_before(open[child + 1], open[child]))
            child++;
        if (child >= merge->count || !comes_before(open[child], moved))
            break;
        open[at] = open[child];
        at = child;
    }
    open[at] = moved;
}

static void rise(struct merge *merge, struct reading *added)
{
    struct reading **open = merge->open;
    size_t at = merge->count++;
    while (at && comes_before(added, open[(at - 1) / 2])) {
        open[at] = open[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    open[at] = added;
}

/* ---- Opening and closing. */

/* Whether the input begins as one that is open does. Then it may be a copy of that, or go on from it: which,
 * is known when that has been read. Returns 1, 0, or -1 with why. */
static int must_wait(const struct merge *merge, const struct found *found, struct why *why)
{
    struct input known = { 0 };
    unsigned at = 0;
    int result = 0;
    while ((result = head_find(&found->head, &at, merge->run->catalogue, &known, why)) == 1)
        for (const struct reading *open = merge->run->readings; open; open = open->older)
            if (open->input.id == known.id)
                return 1;
    return result;
}

/* One that has come to its end. */
static int leave(struct merge *merge, struct reading *reading, struct why *why)
{
    struct follow *follow = merge->run->follow;
    return follow && follow_keeps(follow, reading) ? 0 : reading_close(reading, 0, why);
}

/* Opens a log. Returns 1 where it must wait, 0, or -1 with why. */
static int open_log(struct merge *merge, struct found *found, size_t order, struct why *why)
{
    struct reading *reading = NULL;
    int waits = merge->run->readings ? must_wait(merge, found, why) : 0;
    if (waits < 0)
        return -1;
    if (waits || merge->count == OPEN_MOST)
        return 1;
    int result = reading_open(merge->run, found, order, &reading, why);
    if (result < 0)
        return -1;
    if (result && !reading->has_line)
        return leave(merge, reading, why);
    if (result)
        rise(merge, reading);
    return 0;
}

int merge_open(struct merge *merge, struct found *found, size_t order, struct why *why)
{
    struct run *run = merge->run;
    if (found->damage)
        reading_failed(run, found->path, 0, found->damage);
    else if (found->capture && run->follow)
        progress_note(&run->progress, "%s: a capture cannot be followed; collect it for itself", found->path);
    else if (found->empty)
        progress_note(&run->progress, "%s: empty", found->path);
    else
        return found->capture ? packets_read(run, found, why) : open_log(merge, found, order, why);
    return 0;
}

static int open_next(struct merge *merge, struct why *why)
{
    size_t place = merge->next++;
    merge->run->at = merge->next;
    int waits = merge_open(merge, &merge->survey->found[place], place, why);
    if (waits == 1) {
        mem_room(merge->waiting, merge->waiting_room, merge->waiting_count + 1);
        merge->waiting[merge->waiting_count++] = place;
    }
    return waits < 0 ? -1 : 0;
}

bool merge_add(struct merge *merge, struct reading *reading)
{
    if (merge->count == OPEN_MOST)
        return false;
    rise(merge, reading);
    return true;
}

static int open_waiting(struct merge *merge, struct why *why)
{
    size_t count = merge->waiting_count;
    merge->waiting_count = 0;
    for (size_t i = 0; i < count; i++) {
        size_t place = merge->waiting[i];
        int waits = open_log(merge, &merge->survey->found[place], place, why);
        if (waits < 0)
            return -1;
        if (waits)
            merge->waiting[merge->waiting_count++] = place;
    }
    return 0;
}

/* The next line of the one that was given out. */
static int go_on(struct merge *merge, struct why *why)
{
    struct reading *reading = merge->open[0];
    reading_next(reading);
    if (reading->has_line) {
        sink(merge);
        return 0;
    }
    merge->open[0] = merge->open[--merge->count];
    if (merge->count)
        sink(merge);
    return leave(merge, reading, why) || open_waiting(merge, why) ? -1 : 0;
}

/* An input begins at the latest when its first line is the next one. */
static bool is_due(const struct merge *merge)
{
    const struct survey *survey = merge->survey;
    if (!survey || merge->next == survey->count)
        return false;
    if (merge->count == 0)
        return true;
    const struct found *found = &survey->found[merge->next];
    return merge->count < OPEN_MOST && found->first <= merge->open[0]->time && !found->capture;
}

int merge_next(struct merge *merge, struct reading **reading, struct why *why)
{
    if (merge->given && go_on(merge, why))
        return -1;
    merge->given = false;
    while (is_due(merge))
        if (open_next(merge, why))
            return -1;
    if (merge->run->follow && follow_look(merge->run->follow, merge, why))
        return -1;
    if (merge->count == 0)
        return 0;
    *reading = merge->open[0];
    merge->given = true;
    return 1;
}

uint64_t merge_consumed(const struct merge *merge)
{
    uint64_t consumed = 0;
    for (size_t i = 0; i < merge->count; i++)
        consumed += merge->open[i]->source.consumed;
    return consumed;
}

void merge_free(struct merge *merge)
{
    while (merge->count)
        reading_close(merge->open[--merge->count], -1, NULL);
    free(merge->waiting);
}

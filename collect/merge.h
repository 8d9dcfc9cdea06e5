/* Several inputs as one, by the time of their lines. Only for collect/. */
#ifndef COLLECT_MERGE_H
#define COLLECT_MERGE_H

#include "collect/reading.h"
#include "collect/run.h"
#include "collect/survey.h"

/* How many inputs are open at once. Each has a line buffer (330 KB) and a decompressor beside it. Of more
 * that overlap in time, those that begin first are read first, and the next is opened when one has come to
 * its end: its lines that are older than what has been read by then come late, as those of a file that is
 * given in a later run do. */
enum { OPEN_MOST = 64 };

struct merge {
    struct run *run;
    struct survey *survey;
    size_t next;                     /* the first that has not been opened */
    struct reading *open[OPEN_MOST]; /* a heap: open[0] has the next line */
    size_t count;
    size_t *waiting; /* places in the survey: what begins as one that is open does */
    size_t waiting_count, waiting_room;
    bool given; /* open[0] has been given out, and its line is taken */
};

/* Opens one more input; one that has no new line is closed, or the follower's. Returns 0; 1 where it must
 * wait, since it begins as one that is open does, or since too many are; -1 with why. */
int merge_open(struct merge *merge, struct found *found, size_t order, struct why *why);
/* Takes in an open reading that has a line. False where there is no room. */
bool merge_add(struct merge *merge, struct reading *reading);

/* Begins to read what the survey found, which must last; NULL: nothing. */
void merge_begin(struct merge *merge, struct run *run, struct survey *survey);
/* The reading whose line comes next: the one of the smallest time, of equal ones the one that began first.
 * Captures are read on the way, whole: when all logs that began before them have been read, and before any
 * that began after. The caller takes the line. Returns 1, 0 when all is read, or -1 with why. */
int merge_next(struct merge *merge, struct reading **reading, struct why *why);
/* Bytes of what is open, as they lie there. */
uint64_t merge_consumed(const struct merge *merge);
void merge_free(struct merge *merge);

#endif

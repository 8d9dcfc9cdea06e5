/* Words and progress on stderr. Progress is one line that is written again and again; what else is said on
 * the way goes above it. */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "base/clock.h"

enum { PROGRESS_NUMBER_BYTES = 32, PROGRESS_TIME_BYTES = 32 };

struct progress {
    FILE *to;    /* stderr unless a test says otherwise */
    bool wanted; /* the line: where stderr is a terminal, or with --progress */
    bool quiet;  /* notes are not wanted either */
    bool shown;  /* the line stands there */
    usec began, next;
};

void progress_begin(struct progress *progress, bool wanted, bool quiet);
/* Whether it is time to write the line again: a few times a second. Costs a look at the clock. */
bool progress_due(struct progress *progress);
/* Writes the line; what does not fit in the terminal's width is left out. */
void progress_show(struct progress *progress, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Says something, on a line of its own: "mxreplay: ...". */
void progress_note(struct progress *progress, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Takes the line away. */
void progress_end(struct progress *progress);

double progress_seconds(const struct progress *progress);
/* The time left, "0:42" or "1:02:03", when `done` of `all` (in whatever unit) is done; "-:--" where nothing
 * can be said yet. Both return `text`. */
char *progress_left(const struct progress *progress, double done, double all, char text[PROGRESS_TIME_BYTES]);
/* "1,234,567" */
char *progress_number(uint64_t number, char text[PROGRESS_NUMBER_BYTES]);

#endif

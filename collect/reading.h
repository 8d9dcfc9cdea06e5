/* One log that is being read, line by line. Only for collect/. */
#ifndef COLLECT_READING_H
#define COLLECT_READING_H

#include "base/memory.h"
#include "collect/lines.h"
#include "collect/record.h"
#include "collect/run.h"
#include "collect/shape.h"
#include "collect/source.h"
#include "collect/survey.h"
#include "collect/syslog.h"
#include "collect/tags.h"

enum { DIALECTS_BYTES = 512 };

struct reading {
    struct run *run;
    struct found found;
    size_t order; /* of inputs that have a line of the same time, that of the lowest comes first */
    struct source source;
    struct source_file file;
    struct lines lines;
    struct records records; /* out of these, or out of a journal */
    struct syslog syslog;
    struct shapes shapes;
    struct input input; /* as of the lines that have been taken; bytes, lines: as it was written down last */
    struct arena arena; /* of the input's texts */
    struct tags tags;
    char tag_room[TAG_BYTES];
    uint64_t dialects;           /* a bit for each row of the table that took a line */
    const struct dialect *noted; /* whose bit was set last, or NULL */
    char dialect_names[DIALECTS_BYTES];
    const struct dialect *before; /* whose the line before was, or NULL */
    usec reached;                 /* the latest stamp of a line that was taken, or USEC_NONE */
    uint64_t begin_bytes, begin_skipped, begin_other; /* of the input, when it was opened */
    bool moved;                                       /* it does not lie where it did */
    bool in_rest;                                     /* of a line whose beginning has been taken for one */
    bool unwritten;                                   /* something was taken since reading_write() */
    struct reading *older, *newer;                    /* in run->readings */
    /* More may come. */
    bool growing;
    bool idle;     /* it has come to its end, and waits for more with the follower */
    bool replaced; /* what was before the place where reading goes on is not there any more: it was truncated
                    */
    /* The next line, read ahead. */
    bool has_line, has_time;
    struct record record;
    uint64_t line_bytes; /* with all that it is wrapped in */
    struct line line;    /* where it has a time */
    usec time; /* of the next line: the latest stamp up to it, so that order within an input is kept */
};

/* Opens what was found where it goes on, and reads its first new line ahead. Returns 1 with *opened, which
 * is to be closed; 0 where there is nothing to read, which is counted or noted as a failure of the run; -1
 * with why for the store's troubles. A stream is taken out of *found. */
int reading_open(struct run *run, struct found *found, size_t order, struct reading **opened,
                 struct why *why);
/* Gives the line that was read ahead to its dialect. 0, or -1 with why. */
int reading_take(struct reading *reading, struct why *why);
/* Reads the next line ahead; none: has_line is false, and where that is for a failure, it is noted. Where the
 * log grows, the next call may find one. */
void reading_next(struct reading *reading);
/* Nothing more will come: what stands behind the last newline is a line. */
void reading_grown(struct reading *reading);
/* Writes down how far the lines have been taken. Only where reading can begin again there. 0, or -1 with why.
 */
int reading_write(struct reading *reading, struct why *why);
/* The same for all that are open and have given something since. Returns 1, 0 where one cannot be read on
 * from where it is, so that nothing may be committed yet, or -1 with why. */
int reading_write_all(struct run *run, struct why *why);
/* Writes down the end, unless `result` is -1 already, counts, and frees it. Returns the result. */
int reading_close(struct reading *reading, int result, struct why *why);

/* A log cannot be read on behind `kept` lines: see run_fail(). */
void reading_failed(struct run *run, const char *path, uint64_t kept, const struct why *broken);

#endif

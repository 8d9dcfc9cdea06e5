/* One run of the collector: what its parts share. Only for collect/. */
#ifndef COLLECT_RUN_H
#define COLLECT_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include "base/progress.h"
#include "base/why.h"
#include "collect/collect.h"
#include "collect/damage.h"
#include "collect/dialect.h"
#include "collect/programs.h"
#include "collect/state.h"
#include "collect/survey.h"

struct builder;
struct capture;
struct follow;
struct merge;
struct reading;

/* How far the time of an input had come where it was left, and whose its last line was: what a reading that
 * goes on there must know. */
struct mark {
    int32_t input;
    usec reached; /* the latest stamp so far */
    const struct dialect *before;
};

enum { MARKS = 64 }; /* at least as many as inputs are open at once */

struct run {
    const struct catalogue *catalogue;
    struct builder *builder;
    struct capture *capture; /* begun with the first one, or loaded */
    const struct capture_options *capture_options;
    const struct collect_options *options;
    struct damages damages; /* of captures, that have been told */
    struct collected *collected;
    struct progress progress;
    struct programs programs;
    struct walls walls;                       /* of what is being read */
    uint64_t commit_bytes, uncommitted_bytes; /* of input */
    usec commit_at; /* by clock_steady(), at the latest; USEC_NONE: when there is enough to commit */
    struct state_bytes state; /* what is kept */
    uint64_t
        open_before; /* sessions that were open when the run before ended, and stand there as they were */
    bool resumed;    /* this run goes on from another */
    bool unfinished; /* that run was killed: what was open does not stand there */
    bool fresh;      /* something new has been read */
    usec told;       /* the time that the builder was told last */
    struct mark mark[MARKS]; /* of the inputs that were written down last, the last first */
    size_t marks;
    uint64_t bytes_all, bytes_done; /* as the inputs lie there; done: of those that are behind us */
    size_t inputs, at;              /* how many, and how many of them have been opened */
    struct reading *readings;       /* all that are open, the last first */
    size_t reading_count;
    struct follow *follow; /* files that grow are followed; else NULL */
    bool stopped;          /* and it was broken off, with a commit */
    uint64_t reads;        /* of these: how often one gave something new */
    struct why strange;    /* the last input without a line of a mail program */
    bool ours;             /* some input had one, now or before */
    struct why failure;    /* the first input that could not be read to its end */
};

/* Begins where the run before ended; with a builder in any case, which is the caller's to free. 0, or -1 with
 * why. */
int run_begin(struct run *run, const struct sink *sink, int64_t first_session, struct why *why);
/* Commits what has been handed over, with what is needed to go on from here. 0, or -1 with why. */
int run_commit(struct run *run, struct why *why);
/* The end of all input: what is open is handed over as it stands, unless the run before has done so and there
 * is nothing new. 0, or -1 with why. */
int run_end(struct run *run, struct why *why);
/* There is something new: what stood for the open sessions goes. To be called before it is told to the
 * builder. */
int run_refresh(struct run *run, struct why *why);
/* An input could not be read, or not to its end: the others are read all the same, and the run fails with the
 * first such reason in the end; one that follows says so and goes on. */
void run_fail(struct run *run, const struct why *failure);

/* survey_inputs() as this run was told to. */
int run_survey(struct run *run, struct survey *survey, const char *const *paths, size_t count,
               struct why *why);
/* All that has been taken so far, with the places where each input is to be read on. Returns 1, 0 where one
 * is in the midst of a line that was cut into pieces, so that it has to be a little later, or -1 with why. */
int run_commit_read(struct run *run, struct why *why);
/* Reads on until there is nothing more, or `stopped`. */
int run_read(struct run *run, struct merge *merge, struct why *why);

/* The mark of an input, or NULL; and a new one. */
const struct mark *run_mark(const struct run *run, int32_t input);
void run_note(struct run *run, const struct mark *mark);

#endif

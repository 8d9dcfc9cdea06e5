/* Before anything is read: what the inputs are, when each begins, and the order in which to read them. */
#ifndef COLLECT_SURVEY_H
#define COLLECT_SURVEY_H

#include "base/memory.h"
#include "base/why.h"
#include "collect/collect.h"
#include "collect/journal.h"
#include "collect/source.h"
#include "collect/syslog.h"
#include "collect/wall.h"

/* An input is known again by its first bytes: by as many powers of two of them as there are, 1, 2, 4, ...
 * 4096. */
enum { HEADS = 13 };

struct head {
    uint64_t hash[HEADS]; /* of the first 1 << i bytes; of a journal: [0] is its hash, and count 0 */
    unsigned count;
};

struct found {
    const char *path;
    struct source stream;    /* what cannot be opened a second time stays open; else parts == NULL */
    const char *compression; /* NULL: none */
    uint64_t size;           /* as it lies there; 0 for streams */
    usec modified;
    bool empty;
    bool capture; /* of packets; else a log */
    bool trails;  /* tells only of what other logs have told before: read when these have been */
    const struct journal_set *journal; /* or a journal */
    const struct why *damage;          /* why nothing can be had from it; else NULL */
    struct head head;
    struct stamp stamp;      /* the first one; of logs */
    int64_t year;            /* that it is of */
    const struct wall *wall; /* the clock of its stamps without a zone; NULL: one that shows UTC */
    usec first;              /* its time */
};

struct survey {
    struct found *found; /* in the order of their first stamps; those that have none come first */
    size_t count;
    struct journals journals;
    struct arena arena; /* owns all of the above */
};

/* The clocks of inputs that are known, each made once. Zero-initialise; walls_free() when done. */
struct walls {
    struct wall **wall;
    size_t count, capacity;
};
void walls_free(struct walls *walls);

struct survey_wishes {
    int year;                /* of stamps that have none; 0: it comes from the files' times */
    const struct wall *wall; /* the clock of those that tell no zone; NULL: one that shows UTC */
    struct walls *walls; /* where the clocks of known inputs are kept: for as long as what is found is used */
};

/* Looks at all inputs; folders are replaced by the log files in them. What the
 * catalogue knows already stays where it is in time, with the clock by which it was read.
 * Returns 0, or -1 with why: an input is missing, or is no log. survey_free() in any case. */
int survey_inputs(struct survey *survey, const char *const *paths, size_t count,
                  const struct survey_wishes *wishes, const struct catalogue *catalogue,
                  struct progress *progress, struct why *why);
void survey_free(struct survey *survey);

struct head head_of(struct str first_bytes);
/* How many bytes the longest head is of. */
uint64_t head_bytes(const struct head *head);
/* Goes through the known inputs that begin as this one, those of the longest common head first. *at and
 * *input are zero to begin with. Returns 1 with what is known in *input, 0 when there are no more, -1 with
 * why. */
int head_find(const struct head *head, unsigned *at, const struct catalogue *catalogue, struct input *input,
              struct why *why);

#endif

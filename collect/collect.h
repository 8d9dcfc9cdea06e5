/* Collecting: inputs in, finished sessions out. */
#ifndef COLLECT_COLLECT_H
#define COLLECT_COLLECT_H

#include "base/why.h"
#include "collect/session.h"

struct progress; /* base/progress.h */
struct wall;     /* collect/wall.h */

/* One input as it was found and read. */
struct input {
    int32_t id;          /* in the database; given by the catalogue */
    struct str path;     /* as given; "-" for stdin */
    struct str kind;     /* "log", "capture" or "journal"; with the compression: "log, gzip" */
    struct str dialects; /* "postfix postgrey policyd-spf", in order of the table */
    uint64_t bytes;      /* uncompressed, read so far */
    uint64_t lines, other,
        skipped;      /* of a capture: packets, those of other protocols, those cut off or bad */
    usec first, last; /* stamps of the first and last line; USEC_NONE where there is none */
    uint64_t
        head_hash; /* of the first head_bytes uncompressed bytes: an input is known again by its content */
    uint64_t head_bytes; /* the largest power of two that the input is long, at most 4096; so a longer one has
                            it too */
    /* A journal is known by the sequence of its entries: head_hash is of its id, head_bytes 0; and tail_hash
     * is the number of the last entry that was read, tail_bytes 0. Its lines are entries. */
    uint64_t tail_hash; /* of the last tail_bytes bytes before `bytes` */
    uint64_t tail_bytes;
    struct str zone; /* whose clock its stamps are of that tell no zone: wall_new() knows it; empty: UTC */
    struct str tags; /* what was said of its tags: tags_parse() knows it; empty: nothing */
};

/* Lines of one shape that no dialect understood. */
struct skipped {
    int32_t input;
    const char *reason; /* "unknown text", "no time stamp", "too long", ... */
    struct str shape;   /* the line with its variable parts folded */
    uint64_t count;
    uint64_t first_line, first_offset;
    struct str first_text; /* at most 500 bytes of it */
};

/* What is known of inputs that were collected before, and where new ones are written down. */
struct catalogue {
    void *state;
    /* Looks an input up by its content: of those whose head_hash and head_bytes are those of `input`, the
     * first with an id above input->id (several may begin alike). Fills in all that is known of it and
     * returns 1; 0 when there is none, -1 with why. Text lasts until the next call. */
    int (*find)(void *state, struct input *input, struct why *why);
    /* Writes an input down, or what more is known of it, its path and head included: an input that grew has a
     * longer head. Gives it its id when it has none (0). */
    int (*write)(void *state, struct input *input, struct why *why);
    /* Adds `count` to what is written of this input, reason and shape; the first line is kept from the first
     * time. */
    int (*skipped)(void *state, const struct skipped *skipped, struct why *why);
    /* The sessions handed over so far are whole: a good moment to commit. */
    int (*commit)(void *state, struct why *why);
    /* What the run after this one needs to go on from here; kept in place of what was kept before, with the
     * next commit. */
    int (*keep)(void *state, struct str kept, struct why *why);
    /* What was kept last, len 0 where nothing was; lasts until the next call of any of these. */
    int (*kept)(void *state, struct str *kept, struct why *why);
    /* The sessions handed over since keep(), in this run or before, stand for what was open then, and go:
     * they will come again with what the rest of the log says of them. With the next commit. */
    int (*take_back)(void *state, struct why *why);
    /* All that the run has is handed over: of what was handed over in this run or before, and has not been looked
     * through yet, sessions that a log and a capture have become one. With the next commit; undone by take_back()
     * where one of the two goes. */
    int (*join)(void *state, struct why *why);
};

/* How captures are read. */
struct capture_options {
    const struct ip *own; /* the site's mail servers: their sessions to others go out; none: learnt */
    size_t own_count;
    const char *const *dns_paths; /* captures of DNS that was captured apart */
    size_t dns_count;
    const uint16_t *ports; /* of servers; none: those of SMTP and submission */
    size_t port_count;
    bool any_port;       /* and each port whose server speaks "220 ... SMTP" */
    bool headers;        /* Message-ID, Subject and the domain of From are kept */
    uint64_t bytes_most; /* of memory; 0: 256 MiB */
};

struct collect_options {
    const char *const *paths;
    size_t path_count;
    int year;                /* 0: from the file's time */
    const struct wall *wall; /* the clock of stamps that tell no zone, of inputs that are not known yet; NULL:
                                one that shows UTC */
    int64_t first_session; /* the number that the first session gets, where the catalogue has kept nothing */
    uint64_t commit_bytes; /* of input between two commits; 0: as many as cost nothing */
    bool progress, quiet;
    struct str
        tags; /* which dialect lines are of, of inputs that are not known yet: tags_parse() has read it */
    struct capture_options capture;
    bool
        follow; /* logs are read on as they grow, through rotation, until `stop` (a descriptor) is readable */
    int stop;
    usec follow_most; /* the end comes by itself after that time; 0: it does not */
};

struct collected {
    uint64_t inputs, known; /* read, and found to be known already with nothing new */
    uint64_t bytes, lines, skipped, other;
    uint64_t sessions; /* more than there were before */
    uint64_t packets;  /* of captures */
};

/* Reads all inputs in order of time, and goes on where the run before ended. What is open in the end is
 * handed over as it stands, and taken back by the run that reads more. Returns 0, or -1 with why; then what
 * was handed over is whole all the same. */
int collect_run(const struct collect_options *options, const struct sink *sink,
                const struct catalogue *catalogue, struct collected *collected, struct why *why);

/* Re-reads lines from..to (offsets) of one input and calls `line` for each that belongs to the session whose
 * first line is at `first_offset`: what explain shows. Returns the number of lines, or -1 with why
 * (EX_NOINPUT where the input is gone, EX_DATAERR where its content is another). */
int collect_trace(const char *path, const struct input *input, uint64_t first_offset, uint64_t last_offset,
                  void (*line)(void *state, struct str text), void *state, struct why *why);

#endif

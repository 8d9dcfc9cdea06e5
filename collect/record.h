/* Records out of lines: what a program logged, taken out of what containers and journals wrap it in. A plain
 * log's record is its line.
 *
 * A record may be made of several lines: one that was cut in pieces, or a journal's entry in the export
 * format. It lies where its first line does. What the input's end cuts off is left for another time: who
 * wraps lines ends each with a newline, and a part of one may look like something else. */
#ifndef COLLECT_RECORD_H
#define COLLECT_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include "base/clock.h"
#include "base/str.h"
#include "collect/lines.h"
#include "collect/syslog.h"
#include "collect/wrapped.h"

struct record {
    struct str text; /* what the program logged, with a stamp, host and tag of its own or without */
    uint64_t offset,
        number; /* of its first line; of a journal's entry that comes by libsystemd: its number */
    bool cut;   /* it was longer than LINE_MAX_BYTES */
    /* What its wrappings tell. */
    usec at;            /* USEC_NONE: nothing */
    struct str host;    /* the machine, the pod or the container; empty: nothing */
    struct str program; /* at == NULL: the text tells */
    uint32_t pid;
};

struct entry;   /* collect/entry.h */
struct journal; /* collect/journal.h */

/* A line of which not all pieces have come yet. */
struct pieces {
    char *text;
    size_t len;
    bool open;
    struct record record;
};

struct records {
    struct lines *in;
    struct journal *journal; /* entries come from there, not from lines */
    struct syslog stamps;    /* of the wrappings */
    struct str name;         /* the host of lines that tell none */
    char name_bytes[WRAPPED_NAME_BYTES];
    char *unescaped;         /* LINE_MAX_BYTES, once there was JSON */
    struct pieces pieces[2]; /* of stdout and stderr */
    bool handed_over;        /* something since the first of these pieces began */
    bool whole;
    bool within;         /* an entry, of which the rest may come */
    struct entry *entry; /* of a journal; made with the first */
    struct str held;     /* a line that was read, and is not part of the entry before it */
    bool holds;
    bool wrapped; /* the record before was */
};

/* Begins to read records out of `in`, which has begun and must outlive them; `path` is where the input lies.
 */
void records_begin(struct records *records, struct lines *in, const char *path);
void records_end(struct records *records);
/* Reads the next one. Its texts last until the next call. Returns 1, 0 at the end, or -1 with why. Where
 * `in` grows, the next call may find one after the end, but not if that was within a journal's entry. */
int records_next(struct records *records, struct record *record, struct why *why);
/* Whether reading can begin again at the record that was handed over last, or at the end; and whether the end
 * was within a journal's entry, and more of it may come. */
bool records_are_whole(const struct records *records);
bool records_end_within(const struct records *records);
/* Where to read on, another time: before the record that was handed over last or, when there was none any
 * more, behind the one before. Only where records_are_whole(), or at the end. */
struct lines_place records_place(const struct records *records);

/* Takes a record apart as syslog_parse() does a line. The program's own stamp counts where it tells year and
 * zone, else that of the wrapping, if it has one; the wrapping's host stands for one that was not logged. */
bool record_parse(const struct record *record, struct syslog *syslog, struct line *line);

enum { RECORD_SHOWN_BYTES = LINE_MAX_BYTES + 1024 };
/* The record as a log would have it: its text, with what is missing there put before it, in `to` where need
 * be. */
struct str record_show(const struct record *record, char to[RECORD_SHOWN_BYTES]);
/* The stamp of a line in any wrapping, or of the field of an entry that has it, for who only wants to know
 * when a log begins. */
bool record_stamp(struct str line, struct stamp *stamp);

#endif

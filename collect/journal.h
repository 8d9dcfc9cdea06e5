/* systemd's journals, read from their files with libsystemd.
 *
 * journald numbers what it writes, through all the files that it begins and removes; such a sequence of
 * entries has an id that no other has (systemd.io/JOURNAL_FILE_FORMAT: seqnum_id, seqnum). So each sequence
 * is one input, wherever its files lie and however they are named; an entry's place in it is its number, and
 * all up to a number has been read. */
#ifndef COLLECT_JOURNAL_H
#define COLLECT_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/clock.h"
#include "base/memory.h"
#include "base/str.h"
#include "base/why.h"
#include "collect/lines.h"

enum { JOURNAL_HEADER_BYTES = 208, JOURNAL_ID_BYTES = 16 };

struct journal_file {
    const char *path;
    uint64_t first, last; /* numbers of entries */
};

/* A sequence, and the files that hold it. */
struct journal_set {
    const char *name; /* as the user named it: a file, a folder, "journal:" */
    unsigned char id[JOURNAL_ID_BYTES];
    struct journal_file *files;
    size_t count, capacity;
    uint64_t last;  /* number, as things stood when the files were found */
    usec begins;    /* the time of its first entry; USEC_NONE where there is none */
    uint64_t bytes; /* of the files */
};

/* Zero-initialise; journals_free() when done. */
struct journals {
    struct journal_set *sets;
    size_t count, capacity;
    struct arena arena;
};

/* Whether the user means a journal by this: "journal:" is that of this machine, "journal:NAME" that of a
 * machine that runs on it (machinectl). */
bool journal_is_named(const char *path);
/* Whether a file that begins with these bytes is one of a journal's. */
bool journal_recognise(struct str look);
/* Adds the journal files of a name, or of a folder and the folders of machines in it. `name` and `path` must
 * outlive the journals. Returns how many there are, or -1 with why. */
long journals_add(struct journals *journals, const char *name, struct why *why);
/* Adds one file. */
int journals_add_file(struct journals *journals, const char *path, const char *name, struct why *why);
/* Adds what `name` stands for, be it a file or one of the above. 0, or -1 with why. */
int journals_look(struct journals *journals, const char *name, struct why *why);
void journals_free(struct journals *journals);

/* By which an input that is a sequence is known again. */
uint64_t journal_hash(const struct journal_set *set);
/* The sequence of that hash among the journals, or NULL. */
const struct journal_set *journals_find(const struct journals *journals, uint64_t hash);

/* How many entries that followed number `after` are in none of the files any more. */
uint64_t journal_gone(const struct journal_set *set, uint64_t after);

struct journal;
struct record;
struct records;

/* Opens what follows entry number `after`, be it nothing. Returns 0, or -1 with why; journal_close() when
 * done.
 */
int journal_open(struct journal **journal, const struct journal_set *set, uint64_t after, struct why *why);
void journal_close(struct journal *journal);
/* As records_next() and records_place(). There are no lines; records->in counts entries, and the bytes of
 * their fields. */
int journal_record(struct records *records, struct record *record, struct why *why);
struct lines_place journal_place(const struct records *records);
/* How much of what there was to read has been read, from 0 to 1. */
double journal_share(const struct journal *journal);

#endif

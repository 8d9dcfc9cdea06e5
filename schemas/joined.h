/* What the parts of joining share: joining.c finds what belongs together, joined.c makes one out of two, and
 * two out of one. */
#ifndef SCHEMAS_JOINED_H
#define SCHEMAS_JOINED_H

#include "collect/state.h"
#include "schemas/packing.h"
#include "schemas/reading.h"

enum joined_statement {
    JOINED_SESSION,
    JOINED_FORGET, /* four in a row */
    JOINED_FORGET_TRANSACTIONS,
    JOINED_FORGET_RECIPIENTS,
    JOINED_FORGET_EVIDENCE,
    JOINED_UNNAME, /* eight in a row; the last is of evidence */
    JOINED_UNNAME_LAST = JOINED_UNNAME + 7,
    JOINED_WRITE,
    JOINED_LATE,
    JOINED_MOVE_LATE,
    JOINED_STATEMENTS
};

struct joined {
    struct packer *packer;
    struct reader reader; /* what goes wrong is in its rc */
    sqlite3_stmt *statement[JOINED_STATEMENTS];
    int64_t open_from; /* sessions above stand for what is open */
    bool unfinished;   /* the table has a row: */
    struct totals settled;
    struct arena arena; /* of what is not flushed yet */
    struct state_bytes record, places;
    unsigned pending;
};

/* Reads how far what is settled goes. */
void joined_begin(struct joined *joined, struct packer *packer);
/* Writes what is left, and the totals of what is settled. Returns an SQLite result code. */
int joined_end(struct joined *joined);

/* A log's and a capture's session become one. */
void joined_pair(struct joined *joined, int64_t log, int64_t capture, usec ahead);
/* Puts back what was joined with a session that has gone. */
void joined_take_back(struct joined *joined);
/* What came late for joined sessions, from behind this number on, goes to where the log's transactions are
 * now. */
void joined_move_late(struct joined *joined, int64_t behind);

/* Steps a statement to its end. */
void joined_step(struct joined *joined, sqlite3_stmt *statement);
void joined_flush(struct joined *joined);

#endif

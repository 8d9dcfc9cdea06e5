/* A dialect: what one program says in its log. One file and one row in dialect/table.c. */
#ifndef COLLECT_DIALECT_H
#define COLLECT_DIALECT_H

#include "base/clock.h"
#include "base/str.h"

#include <stdbool.h>

struct builder;
struct open_session;
struct state_bytes;

/* A log line, taken apart as far as syslog goes. All text is views into the input's block and lasts until
 * the next line is read. */
struct line {
    usec at;
    struct str host;    /* as logged; empty where there is none */
    struct str program; /* the whole tag before [pid]: "postfix/smtpd", "postfix/submission/smtpd" */
    uint32_t pid;       /* 0: none */
    struct str text;    /* after "program[pid]: " */
    int32_t input;
    uint64_t offset; /* of the line in the uncompressed input */
    uint64_t number; /* from 1 */
};

enum taken {
    TAKEN,   /* understood, and of a session */
    PASSED,  /* a line of this dialect's program that says nothing about a session; known as such */
    SKIPPED, /* a line of this dialect's program that was not understood: counted by shape */
    NOT_OURS /* another program's */
};

struct dialect {
    const char *name;  /* "postfix" */
    const char *title; /* "Postfix smtpd, cleanup, qmgr and delivery agents" */
    /* Whether lines with this program tag belong to the dialect. Asked once a tag: the answer is cached. */
    bool (*recognise)(struct str program);
    /* Where another program has the same tag: whether a line is of this one, by its words; may be NULL. The
     * next row that recognises the tag is asked else. */
    bool (*says)(struct str text);
    enum taken (*take)(const struct line *line, struct builder *builder);
    /* Whether a line without a stamp goes on with what the line before, one of the dialect's, said; may be
     * NULL. */
    bool (*continues)(struct str text);
    /* The only one that its sessions' open_session.conclude may be; may be NULL. */
    void (*conclude)(struct builder *builder, struct open_session *open);
    /* Carries its notes (collect/state.h) of a session whose open_session.keeper it is, when loading into new
     * ones: builder_notes() makes them or has them. Each field is looked at that may not be anything. NULL:
     * it takes none. */
    void (*carry_notes)(struct builder *builder, struct open_session *open, struct state_bytes *state);
};

extern const struct dialect *const dialects[]; /* ends with NULL */

#endif

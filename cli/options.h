/* Options: one table a command, from which come parsing, --help, the manual's list of options and the shells'
 * completions (git's parse-options is the model). getopt_long() does the parsing. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include "base/clock.h"
#include "base/why.h"
#include "cli/prose.h"

enum option_type {
    OPTION_FLAG,     /* bool; takes no argument */
    OPTION_TEXT,     /* const char * */
    OPTION_TEXTS,    /* struct option_texts: may be given more than once */
    OPTION_NUMBER,   /* int, from 0 */
    OPTION_TIME,     /* usec; USEC_NONE when not given */
    OPTION_DURATION, /* usec; 0 when not given */
    OPTION_SIZE,     /* uint64_t, bytes; 0 when not given */
    OPTION_WORD      /* int: the place in `words` */
};

struct option_texts {
    const char **text;
    size_t count, capacity;
};

/* What the shells offer for an option's argument, or for the words after the options. */
enum completion { COMPLETE_NOTHING, COMPLETE_FILE, COMPLETE_FOLDER, COMPLETE_DATABASE, COMPLETE_POLICY };

struct option_row {
    char letter;      /* 0: none */
    const char *name; /* "database"; NULL ends a table */
    enum option_type type;
    size_t at;            /* offsetof in the command's settings */
    const char *argument; /* what stands for it in the help: "FILE"; NULL for a flag */
    const char *help;     /* half a sentence */
    const char *fallback; /* what holds when it is not given, written as on the command line; NULL: zero */
    const char *const *words; /* for OPTION_WORD */
    size_t word_count;
    enum completion complete;
};

/* What several commands can be told; the first member of each command's settings. */
struct common {
    bool help, version, quiet, verbose;
    bool progress;        /* asked for, or stderr is a terminal and -q was not given */
    const char *database; /* NULL: not given */
    int format;           /* enum table_format */
    bool format_given;    /* and asked for */
    const char *policy;   /* NULL: not given */
    usec from, to;        /* USEC_NONE: open */
    int unit;             /* enum unit */
    usec retry_window;    /* 0: not given */
    struct option_texts assume;
    struct option_texts fail_if;
    bool strict;
};

/* Which of them a command takes besides --help, --version, -q and -v. */
enum common_options {
    TAKES_DATABASE = 1 << 0,
    TAKES_FORMAT = 1 << 1,
    TAKES_PROGRESS = 1 << 2,
    TAKES_POLICY = 1 << 3,
    TAKES_PERIOD = 1 << 4,
    TAKES_REPLAY = 1 << 5, /* how to replay: --unit, --retry-window, --assume */
    TAKES_FAIL_IF = 1 << 6,
    TAKES_STRICT = 1 << 7
};

struct command {
    const char *name;
    const char *operands;                         /* for the usage line: "INPUT…"; NULL: takes none */
    const char *summary;                          /* one line, without a full stop */
    const char *manual;                           /* the prose of the manual page, see help.c */
    void (*more)(prose_taker *take, void *state); /* what of it comes out of tables; NULL: nothing */
    const struct option_row *options;             /* its own */
    unsigned takes;                               /* of enum common_options */
    size_t settings_bytes;                        /* of a struct that begins with struct common */
    size_t least, most;                           /* operands; most 0 with `operands` set: any number */
    const char *missing;                          /* what is said where there are fewer than `least` */
    enum completion complete;                     /* of operands */
    const char *const *words;                     /* or what the first operand may be; ends with NULL */
    /* 0, 1 for a finding that was asked to count, or -1 with why. `operands` ends with NULL. */
    int (*run)(const void *settings, char **operands, struct why *why);
};

/* Parses a command line whose argv[0] is skipped into `settings` (zeroed, settings_bytes large), fallbacks
 * first. *operands are the words that are no options, the last followed by NULL; they point into argv, which
 * is put in order. Returns 0, or -1 with why (EX_USAGE). */
int options_parse(const struct command *command, int argc, char **argv, void *settings, char ***operands,
                  struct why *why);
/* Frees what the settings hold. */
void options_free(const struct command *command, void *settings);

/* Calls `take` for each option of a command: its own first, in the table's order, then the common ones. */
void options_each(const struct command *command, void (*take)(void *state, const struct option_row *row),
                  void *state);

#endif

/* A server's configuration to a policy, and back: the room's door. What a configuration says that no policy
 * can, and the other way round, is told, each with its place. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include "analyze/policy.h"
#include "base/str.h"
#include "base/why.h"

/* A file as it was given. */
struct config_file {
    const char *name; /* as errors call it; what it is called tells what it is, too */
    struct str text;
    size_t line; /* before its first one: not zero for a part of a larger text */
};

/* What became of one thing that a configuration says: a restriction, a condition, a setting. */
struct finding {
    const char *file;
    size_t line;     /* from 1; 0: it is not written there, but what the server does without being told */
    struct str what; /* "reject_unauth_destination" */
    bool mapped;     /* it is in the policy */
    struct str why;  /* it is not, or not all of it: why; at == NULL: nothing to say */
};

struct imported {
    struct policy policy;
    struct str yaml; /* the policy as text, with a comment on each of the findings at its place */
    const char *server;
    struct finding *findings; /* in the order in which they were found */
    size_t count, unmapped;
    struct arena arena; /* owns all but the policy, which has its own */
};

/* What is not in the files, but on somebody's command line or elsewhere on the disk. */
struct config_options {
    const char *server;   /* "postfix", "exim", ...: NULL: what the files look like */
    const char *postgrey; /* its options: "--delay=300"; NULL: not told */
    bool closed;          /* files that the configuration names are not read, only those given */
};

/* Reads the policy out of a server's files, the main one first. A file may hold several, each under a line
 * "#=== NAME" (which is how config_export() writes). Returns 0 with *imported, which the caller closes, or -1
 * with why: main.cf:12: "}" is missing; ... */
int config_import(const struct config_file *given, size_t count, const struct config_options *options,
                  struct imported *imported, struct why *why);
void imported_close(struct imported *imported);

/* What was asked for and is not in the lines: in words, one each. */
struct exported {
    struct str *words;
    size_t count, room;
    struct arena arena;
};

/* Writes the lines that make the server of this name ("postfix") enforce the policy. */
int config_export(const struct policy *policy, const char *name, FILE *to, struct exported *exported,
                  struct why *why);
void exported_close(struct exported *exported);

#endif

/* One session told: what the record says of it, and what a policy says to that. How it looks is report/'s. */
#ifndef CLI_STORY_H
#define CLI_STORY_H

#include <stdbool.h>
#include <stdio.h>
#include "analyze/policy.h"
#include "analyze/replay.h"
#include "collect/collect.h"

struct story {
    struct session session; /* its text and arrays live in the arena */
    struct str *lines;      /* of the log, re-read from the input */
    size_t line_count, line_capacity;
    struct str no_lines; /* why there are none; at == NULL: there are */
    const struct input *input;
    const struct policy *policy;
    const char *policy_is; /* how it comes to be this one: ", which the server enforced" */
    struct session_story told;
    bool assumed; /* what the server enforced is not recorded */
    struct arena arena;
};

/* Copies a session into the arena. */
void story_keep(struct story *story, const struct session *session);
/* Adds a piece of evidence to it. */
void story_add(struct story *story, const struct evidence *evidence);
/* For people, or with `json` for machines. -1 with why where it could not be written. */
int story_print(const struct story *story, bool json, FILE *to, struct why *why);
void story_free(struct story *story);

#endif

/* main.cf as it is written. Only config/postfix_export.c and postfix_lines.c include this. */
#ifndef CONFIG_POSTFIX_LINES_H
#define CONFIG_POSTFIX_LINES_H

#include "config/server.h"

enum line_list {
    LIST_CLIENT,
    LIST_HELO,
    LIST_SENDER,
    LIST_RELAY,
    LIST_RECIPIENT,
    LIST_DATA,
    LIST_END,
    LINE_LISTS
};

struct line_setting {
    const char *name;
    struct str value;
    const char *remark; /* a comment above it; NULL: none */
};

struct line {
    struct str text; /* a restriction, or a comment that begins with # */
};

struct lines {
    const struct policy *policy;
    FILE *to;
    struct exported *exported;
    struct line_setting *setting;
    size_t setting_count, setting_room;
    struct {
        struct line *line;
        size_t count, room;
        struct exempt let_go; /* by the lines so far */
        bool asked;           /* a restriction is in it */
    } list[LINE_LISTS];
    struct networks mynetworks;
    bool relay_last, relayed;
    const struct rule *postscreen, *spf, *greylist; /* the services that are needed; NULL: none */
};

/* postfix_export.c: a parameter, unless it is set already. */
void lines_set(struct lines *out, const char *name, struct str value, const char *remark);
/* postfix_lines.c: a rule as a restriction in the list of its stage; and the lists, written. */
void lines_restriction(struct lines *out, const struct rule *rule);
void lines_put_lists(struct lines *out);

/* For table.c's row. */
int postfix_export(const struct policy *policy, FILE *to, struct exported *exported, struct why *why);
const char *postfix_hint(const char *measure);

#endif

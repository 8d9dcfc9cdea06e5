/* smtpd.conf as it is read. Only config/opensmtpd* include this. */
#ifndef CONFIG_OPENSMTPD_H
#define CONFIG_OPENSMTPD_H

#include "config/server.h"

/* A word of smtpd.conf; a string in quotes is one, without them, and so are <table>, "{", "}", "!" and "=".
 */
struct smtpd_word {
    struct str text;
    bool quoted;
};

struct smtpd_line {
    struct smtpd_word *word;
    size_t count, room;
    struct str text; /* as written, for comments */
    struct place place;
};

struct smtpd_conf {
    struct files *files;
    struct draft *draft;
    struct smtpd_line *line;
    size_t count, room;
    struct smtpd_line *macro; /* "name = value" */
    size_t macro_count, macro_room;
    size_t work; /* filters followed */
    struct why *why;
};

int smtpd_read(struct smtpd_conf *conf, const struct config_file *file);
void smtpd_close(struct smtpd_conf *conf);
/* Whether a line begins with these words. */
bool smtpd_is(const struct smtpd_line *line, const char *first, const char *second);
/* The place of a word in a line from `from` on, or line->count. */
size_t smtpd_find(const struct smtpd_line *line, size_t from, const char *word);
/* Calls `take` for each entry of a table: inline { }, or of its file. False where it cannot be had. */
bool smtpd_table(struct smtpd_conf *conf, struct str name, void (*take)(void *state, struct str entry),
                 void *state);

int opensmtpd_export(const struct policy *policy, FILE *to, struct exported *exported, struct why *why);
const char *opensmtpd_hint(const char *measure);

#endif

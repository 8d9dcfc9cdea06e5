/* A server whose configuration can be read: one file, one row of table.c. Only config/ includes this. */
#ifndef CONFIG_SERVER_H
#define CONFIG_SERVER_H

#include "config/draft.h"
#include "config/files.h"

struct config_server {
    const char *name, *title; /* "postfix", "Postfix" */
    /* Whether a file is its main one, by name or looks. */
    bool (*recognise)(const struct config_file *file);
    int (*import)(struct files *files, const struct config_options *options, struct draft *draft,
                  struct why *why);
    int (*export)(const struct policy *policy, FILE *to, struct exported *exported,
                  struct why *why);           /* or NULL */
    const char *(*hint)(const char *measure); /* what does what it cannot; may be NULL, may return NULL */
};

extern const struct config_server config_postfix, config_exim, config_opensmtpd, config_spamdyke,
    config_sendmail;
extern const struct config_server *const config_servers[]; /* ends with NULL */

/* What an export asks of a rule: whether it is of this measure, the stage at which it acts under its policy,
 * and what it answers where the record does not say. */
bool rule_is(const struct rule *rule, const char *measure);
enum stage rule_stage(const struct policy *policy, const struct rule *rule);
enum reply_class rule_reply(const struct rule *rule);

/* Says what the lines do not. */
void export_says(struct exported *exported, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

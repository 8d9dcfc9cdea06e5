/* Exim's configuration as it is read: options, named lists, access control lists. Only config/exim* include
 * this.
 */
#ifndef CONFIG_EXIM_H
#define CONFIG_EXIM_H

#include "config/server.h"

struct exim_option {
    struct str name, value; /* "smtp_enforce_sync", "acl_smtp_rcpt", "hostlist relay_from_hosts" */
    struct place place;
};

/* "!verify = recipient/callout" */
struct exim_condition {
    struct str name, value;
    bool negated;
    struct place place;
};

enum exim_verb {
    VERB_ACCEPT,
    VERB_DEFER,
    VERB_DENY,
    VERB_DISCARD,
    VERB_DROP,
    VERB_REQUIRE,
    VERB_WARN,
    VERBS
};
extern const char *const exim_verb_names[VERBS];

struct exim_statement {
    enum exim_verb verb;
    struct exim_condition *condition; /* modifiers such as message among them */
    size_t count, room;
    struct place place;
};

struct exim_acl {
    struct str name;
    struct exim_statement *statement;
    size_t count, room;
};

struct exim {
    struct files *files;
    struct draft *draft;
    struct exim_option *option, *macro;
    size_t option_count, option_room, macro_count, macro_room;
    struct exim_acl *acl;
    size_t acl_count, acl_room;
    struct why *why;
};

/* exim_syntax.c */
int exim_read(struct exim *exim, const struct config_file *file);
void exim_close(struct exim *exim);
/* The value of an option, or `fallback`; and whether it is a yes. */
struct str exim_option(const struct exim *exim, const char *name, const char *fallback);
const struct exim_option *exim_find(const struct exim *exim, struct str name);
bool exim_is_true(const struct exim *exim, const char *name, bool fallback);
const struct exim_acl *exim_acl_called(const struct exim *exim, struct str name);

/* exim_lists.c: "a : b", "<; a ; b". */
struct exim_list {
    struct str rest;
    char separator;
    struct arena *arena; /* for items in which it is doubled */
};
struct exim_list exim_list(struct str text, struct arena *arena);
bool exim_list_next(struct exim_list *list, struct str *item);
/* Adds the hosts of a list to whom is exempt: networks, and names with *.example.org. False where an item is
 * neither, or is excepted with !. */
bool exim_hosts(const struct exim *exim, struct str list, struct exempt *exempt);
/* The same for domains of senders, and for recipients. */
bool exim_sender_domains(const struct exim *exim, struct str list, struct exempt *exempt);
bool exim_recipients(const struct exim *exim, struct str list, struct exempt *exempt);
/* Whether each item is the name of a list ("+local_domains") or @, so that it says what is ours. */
bool exim_is_ours(struct str list);

/* exim_conditions.c: the measure that a condition asks about, as a rule at the end of the draft. */
struct exim_asking {
    struct exim *exim;
    const struct exim_statement *statement;
    enum stage stage;
    struct exempt exempt;
    bool warn;
    enum reply_class reply;
    struct str all; /* the statement, for comments */
};
enum exim_asked { EXIM_NOT, EXIM_RULE, EXIM_FAILED };
/* EXIM_NOT: it asks about no measure. EXIM_FAILED: it does, but cannot be mapped, and *why says why. */
enum exim_asked exim_ask(struct exim_asking *asking, const struct exim_condition *condition,
                         bool refuses_if_true, const char **why);

/* What Exim's conditions are written like, for both ways: `text` in the order of the rule's parts. */
struct exim_phrase {
    const char *measure, *part;
    const char *needle[2]; /* that the condition, blanks taken out, has; NULL: none */
    const char *text;
};
extern const struct exim_phrase exim_phrases[]; /* ends with a row without measure */

int exim_export(const struct policy *policy, FILE *to, struct exported *exported, struct why *why);
const char *exim_hint(const char *measure);

#endif

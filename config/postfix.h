/* Postfix's configuration as it is read: parameters, services, and what $name stands for. Only
 * config/postfix* include this. */
#ifndef CONFIG_POSTFIX_H
#define CONFIG_POSTFIX_H

#include "config/draft.h"
#include "config/files.h"

/* A parameter and its value as written, comments between its lines blanked out: the lines of the value are
 * those of the file from place.line on. */
struct setting {
    struct str name, value;
    struct place place;
};

/* A line of master.cf. */
struct service {
    struct str name, type, command; /* "smtp", "inet", "smtpd" */
    struct str arguments;           /* what follows it */
    struct place place;
};

struct postfix {
    struct files *files;
    struct draft *draft;
    struct setting *setting; /* of main.cf */
    size_t setting_count, setting_room;
    struct setting *override; /* of the service that takes mail at port 25 */
    size_t override_count, override_room;
    struct service *service;
    size_t service_count, service_room;
    bool postscreen; /* it stands before smtpd */
    bool soft_bounce;
    const char *postgrey;
    int depth;   /* of $name and classes */
    size_t work; /* done for them: a few lines of $names can ask for more than a life's */
    struct why *why;
};

/* A word of a list: what it is, and the line that it stands in. */
struct item {
    struct str text;
    struct place place;
};
struct items {
    struct item *item;
    size_t count, room; /* free() gives `item` back */
};

/* postfix_syntax.c: reads main.cf (or what postconf -n prints) and master.cf. */
int postfix_read_main(struct postfix *postfix, const struct config_file *file);
int postfix_read_master(struct postfix *postfix, const struct config_file *file);
/* Takes the next word off a list: commas and blanks part them, { } hold them together. False at its end. */
bool postfix_cut_item(struct str *rest, struct str *item);
/* What is inside { }, trimmed; else the text itself. */
struct str postfix_unbrace(struct str text);

/* postfix_values.c: the value that holds, $names replaced, else Postfix's own default; "" where neither is
 * known. It belongs to the draft's arena. -1 with why where names refer to themselves. */
int postfix_value(struct postfix *postfix, const char *name, struct str *value);
/* Whether it is said in the files; and where (place.line 0 where it is not). */
const struct setting *postfix_setting(const struct postfix *postfix, struct str name);
struct place postfix_place(const struct postfix *postfix, const char *name);
/* The words of a list parameter, each with its line. */
int postfix_items(struct postfix *postfix, const char *name, struct items *items);
int postfix_expand(struct postfix *postfix, struct str text, struct str *value);
/* Whether it is "yes"; a time, `unit` where none is written; a number. False where it is none. */
bool postfix_is_yes(struct postfix *postfix, const char *name);
bool postfix_seconds(struct postfix *postfix, const char *name, char unit, usec *length);
bool postfix_number(struct postfix *postfix, const char *name, int64_t *number);

/* postfix_networks.c: mynetworks and its like, to exemptions. */
int postfix_networks(struct postfix *postfix, const char *name, struct exempt *exempt);

/* postfix_lists.c: the restriction lists, in the order in which smtpd asks them. */
int postfix_lists(struct postfix *postfix);

/* postfix_restrictions.c: what a restriction does to a policy. */
struct walk {
    struct postfix *postfix;
    const char *list;     /* "smtpd_recipient_restrictions" */
    enum stage stage;     /* at which it is asked */
    struct exempt exempt; /* who was let go before */
    struct weights allow; /* zones that let go: their weights are set where they are used */
    struct place ended;   /* line: 0 while something behind can still be asked */
    bool warn;            /* warn_if_reject stands before */
    struct str all;       /* "reject_rbl_client zen.example.org": as comments say it */
    struct place place;
    struct items *items; /* of the list, and the place in it */
    size_t at;
};
/* Takes the restriction at walk->items->item[walk->at], and its argument, if any. */
int postfix_restriction(struct walk *walk);
/* Whether it is a restriction's name, an old one too. */
bool postfix_is_restriction(struct str name);
/* A rule for it: merged into the one before where that can be (`merges`). It acts at the walk's stage,
 * exempts whom the list let go and answers with this code. */
struct draft_rule *walk_rule(struct walk *walk, const char *measure, bool merges, struct str code);

/* postfix_policy.c: check_policy_service, by what answers there. */
void postfix_policy_service(struct walk *walk, struct str server);
/* postfix_access.c: check_client_access and its like. */
void postfix_access(struct walk *walk, struct str text);
/* postscreen.c: the tests of postscreen(8); and smtpd's own limits. */
int postfix_postscreen(struct postfix *postfix);
int postfix_limits(struct postfix *postfix);

#endif

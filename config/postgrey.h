/* postgrey's command line and its white lists, to a greylist rule and back. Only config/ includes this. */
#ifndef CONFIG_POSTGREY_H
#define CONFIG_POSTGREY_H

#include "config/server.h"

/* Fills a greylist rule from postgrey's options: from `options` (what --postgrey gave) or, where that is
 * NULL, from a file that has them (/etc/default/postgrey, a systemd unit), else postgrey's defaults. White
 * lists that are named and can be read, or were given, become exemptions. */
void postgrey_read(struct files *files, struct draft *draft, const char *options, struct draft_rule *rule);
/* The options that make postgrey do what the rule says; what they cannot is said. */
struct str postgrey_options(const struct rule *rule, struct exported *exported);
/* The white lists for the rule's exemptions, as parts of their own. */
void postgrey_write_lists(const struct rule *rule, FILE *to);

#endif

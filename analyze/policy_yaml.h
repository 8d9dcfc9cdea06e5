/* Values of a policy as they stand in YAML nodes. Only policy*.c include this. */
#ifndef ANALYZE_POLICY_YAML_H
#define ANALYZE_POLICY_YAML_H

#include "analyze/measure.h"
#include "analyze/policy.h"
#include "base/yaml.h"

/* Lists, inline or from elsewhere (policy_lists.h); `key` is what they are for. */
int read_networks(struct reader *reader, yaml_node_t *node, const char *key, struct networks *value);
/* Of texts, each of which `bad` (may be NULL) finds no fault with: it returns NULL or a cure. */
int read_texts(struct reader *reader, yaml_node_t *node, const char *key, const char *(*bad)(struct str text),
               struct texts *value);
/* Of autonomous systems: 64496 or AS64496. */
int read_asns(struct reader *reader, yaml_node_t *node, const char *key, struct numbers *value);
/* Of countries: DE or de. */
int read_countries(struct reader *reader, yaml_node_t *node, const char *key, struct texts *value);

/* The value of a measure's parameter, into the measure's parameters. */
int read_parameter(struct reader *reader, yaml_node_t *node, const struct parameter *parameter,
                   void *parameters);
/* What a rule's row is called where no `title` is given: the measure's title, which is handed back itself, or
 * where the rule has a name of its own (name.at != NULL) that with the name in brackets. */
struct str rule_title_default(struct arena *arena, const struct measure *measure, struct str name);

#endif

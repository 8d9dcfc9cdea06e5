/* The items of a list in a policy, wherever they stand. Only policy*.c include this. */
#ifndef ANALYZE_POLICY_LISTS_H
#define ANALYZE_POLICY_LISTS_H

#include "base/yaml.h"

struct list_item {
    yaml_node_t node;
    const char *origin; /* what errors call the file; NULL: the policy's own */
};

struct list {
    struct list_item *item;
    size_t count, room;
    struct arena texts; /* of the files */
};

/* The items of a node: a list, one item alone, { file: PATH } or { list: NAME }, or a list with such among
 * its items. A path is from the folder of the policy's file; such a file has an entry a line, blank lines and
 * what follows a # (at the beginning or behind a blank) left out. NAME is that of a list that comes with
 * mxreplay for `key`. `list` is all zero before; list_close() is due, after an error too. */
int list_open(struct reader *reader, yaml_node_t *node, const char *key, struct list *list);
/* Calls `take` for each; errors name the file that the item stands in. */
int list_each(struct reader *reader, struct list *list,
              int (*take)(struct reader *reader, yaml_node_t *item, void *state), void *state);
void list_close(struct list *list);

#endif

/* Values of a policy as they stand in YAML nodes, and errors that say where. Only policy*.c include this. */
#ifndef ANALYZE_POLICY_YAML_H
#define ANALYZE_POLICY_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yaml.h>

#include "analyze/measure.h"
#include "analyze/policy.h"

struct reader {
    const char *origin; /* what errors call the file */
    yaml_document_t *document;
    struct arena *arena; /* the policy's: owns what is read */
    struct why *why;
    size_t values;  /* taken so far: aliases can make a short text long */
    char path[160]; /* "greylist.exempt.networks" */
    size_t path_len;
};

/* A key of a mapping, and what reads its value. `into` is the struct that the mapping fills. */
struct key {
    const char *name;
    int (*read)(struct reader *reader, yaml_node_t *value, void *into);
};

/* Fills reader->why with "policy.yaml:12:7: greylist.delay: " and the rest; returns -1. */
int reader_fail(struct reader *reader, const yaml_node_t *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What is read until the matching pop is below this key. Gives back what pop wants. */
size_t reader_push(struct reader *reader, struct str key);
void reader_pop(struct reader *reader, size_t before);
/* " Did you mean X? Possible: a, b, c": the cure for a name that is none of these. */
struct str reader_possible(struct reader *reader, struct str typed, const char *const *names, size_t count);

/* Whether a node says nothing: no node, an empty plain scalar, ~ or null. */
bool node_is_null(const yaml_node_t *node);
/* The text of a scalar; at == NULL for other nodes. It belongs to the document. */
struct str node_text(const yaml_node_t *node);

/* Calls `take` for each pair of a mapping, after seeing to it that its keys are scalars and that no name
 * comes twice (`fold`: in either case of letters). A node that says nothing is an empty mapping. */
int reader_pairs(struct reader *reader, yaml_node_t *node, bool fold,
                 int (*take)(struct reader *reader, yaml_node_t *key, yaml_node_t *value, void *state),
                 void *state);
/* Calls `take` for each item of a list; a node that is no list is a list of itself, one that says nothing an
 * empty one. *count is how many there will be, set before the first call. */
int reader_items(struct reader *reader, yaml_node_t *node, size_t *count,
                 int (*take)(struct reader *reader, yaml_node_t *item, void *state), void *state);
/* A mapping with these keys (the last row has no name) and no others. */
int reader_mapping(struct reader *reader, yaml_node_t *node, const struct key *keys, void *into);

int read_bool(struct reader *reader, yaml_node_t *node, bool *value);
int read_duration(struct reader *reader, yaml_node_t *node, usec *value);
int read_number(struct reader *reader, yaml_node_t *node, double *value);
int read_count(struct reader *reader, yaml_node_t *node, uint64_t least, uint64_t most, uint64_t *value);
int read_word(struct reader *reader, yaml_node_t *node, const char *const *words, uint32_t *value);
/* One line of text without control characters. */
int read_text(struct reader *reader, yaml_node_t *node, struct str *value);
int read_networks(struct reader *reader, yaml_node_t *node, struct networks *value);
/* A list of texts, each of which `bad` (may be NULL) finds no fault with: it returns NULL or a cure. */
int read_texts(struct reader *reader, yaml_node_t *node, const char *(*bad)(struct str text),
               struct texts *value);

/* The value of a measure's parameter, into the measure's parameters. */
int read_parameter(struct reader *reader, yaml_node_t *node, const struct parameter *parameter,
                   void *parameters);
bool parameter_equal(const struct parameter *parameter, const void *one, const void *other);
/* What a rule's row is called where no `title` is given: the measure's title, which is handed back itself, or
 * where the rule has a name of its own (name.at != NULL) that with the name in brackets. */
struct str rule_title_default(struct arena *arena, const struct measure *measure, struct str name);

#endif

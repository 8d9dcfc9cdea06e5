/* Values as they stand in YAML nodes, and errors that say where; and files to YAML documents. */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yaml.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/str.h"
#include "base/why.h"

struct reader {
    const char *origin; /* what errors call the file */
    yaml_document_t *document;
    struct arena *arena; /* owns what is read */
    struct why *why;
    size_t values;  /* taken so far: aliases can make a short text long */
    char path[160]; /* "greylist.exempt.networks" */
    size_t path_len;
    bool elsewhere; /* some of it was read from other files */
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

/* "\"5 minuts\" is not a duration; write 5m, 300s or 1h30m", of what stands in the node; returns -1. */
int reader_not_a(struct reader *reader, const yaml_node_t *node, const char *what, const char *cure);
/* Counts a value that is taken: -1 where there are too many. */
int reader_count(struct reader *reader, const yaml_node_t *node);
/* How many items a node will give reader_items(), or pairs reader_pairs(), before memory is taken for them:
 * -1 where they are more than may be, for an aliased list takes it each time that it is read. */
int reader_room(struct reader *reader, const yaml_node_t *node, size_t *count);

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

/* ---- From bytes to nodes. Before libyaml makes a document of a text its depth and its anchors are looked
 * at: the text may come from a stranger who asks for help with it. */

enum { READER_BYTES_MOST = 1024 * 1024 };

/* Reads the rest of `in` into *text, which the caller frees; one byte more than READER_BYTES_MOST is enough
 * to tell that it is too long. 0, or -1 with why, which calls it `path`. */
int reader_bytes(int in, const char *path, char **text, size_t *len, struct why *why);
/* Makes a document of the text and calls `take` with its root (NULL: it is empty); returns what that returns,
 * or -1 with why. `what` is what it should be, for errors: "policy". Values are taken into `arena`. */
int reader_document(const char *origin, const char *what, struct str yaml, struct arena *arena,
                    int (*take)(struct reader *reader, yaml_node_t *root, void *state), void *state,
                    struct why *why);

#endif

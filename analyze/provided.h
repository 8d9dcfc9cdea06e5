/* Evidence from elsewhere in columns, for columns.c and judging.c. */
#ifndef ANALYZE_PROVIDED_H
#define ANALYZE_PROVIDED_H

#include "analyze/columns.h"

/* What has come in, before its order is known. */
struct piece {
    struct provided_fact fact;
    uint32_t key; /* number of the address, or in abouts */
    bool of_client;
};

struct providing_columns {
    struct piece *piece;
    size_t count, room;
};

/* `client`: the number of provided->client, where it is of one. */
void provided_take(struct columns *columns, struct providing_columns *taking, const struct provider *provider,
                   const struct provided *provided, uint32_t client);
/* Whether a message with this id was labelled, so far; `fact` says so of one of a session's transactions (the
 * label itself is found through it). */
bool provided_message(const struct columns *columns, struct str id, struct fact *fact);
/* After the last, and the last session. Frees what was taken. */
void provided_finish(struct columns *columns, struct providing_columns *taken);
void provided_free(struct columns *columns);

/* The facts from elsewhere of a kind that hold for an attempt, one after the other; `after` NULL: the first.
 */
const struct fact *provided_next(const struct columns *columns, uint32_t attempt, enum kind kind,
                                 const struct fact *after);
/* The last of those that are of the attempt's client, sender, ...: NULL where there is none. */
const struct fact *provided_about(const struct columns *columns, uint32_t attempt, enum kind kind,
                                  enum about about);
/* The one from elsewhere that a fact is, or NULL where it was recorded. */
const struct provided_fact *provided_of_fact(const struct columns *columns, const struct fact *fact);

#endif

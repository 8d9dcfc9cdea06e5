/* What stands behind a dollar sign at the beginning of a line, for whatever format the file has. */
#ifndef ENRICH_ZONE_DIRECTIVES_H
#define ENRICH_ZONE_DIRECTIVES_H

#include "enrich/zone_parts.h"

struct directing {
    struct zone_history *history;
    struct arena *arena;  /* of the zone */
    struct dataset *file; /* what the file's own lines belong to */
    struct dataset *set;  /* what the lines at this place belong to: in combined files another one */
};

enum directive_is { DIRECTIVE_TAKEN, DIRECTIVE_DATASET, DIRECTIVE_BAD };

/* Takes "SOA 1h ns.example. ..." without its dollar sign. Where it is $DATASET, *rest is what follows it. */
enum directive_is directive_take(struct directing *directing, struct str line, struct str *rest);

#endif

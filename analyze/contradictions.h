/* Evidence that contradicts other evidence of the same session, be it recorded or from elsewhere. None of it
 * is overwritten; what outweighs what is judging_rank()'s (semantics.md section 1). */
#ifndef ANALYZE_CONTRADICTIONS_H
#define ANALYZE_CONTRADICTIONS_H

#include "analyze/replay.h"

/* What one origin says of something and another denies. */
struct contradiction_row {
    uint8_t kind;
    uint8_t yes, no;    /* enum origin; of KIND_CONTRADICTION: of log and capture */
    struct str subject; /* what it is of (a zone, "exists"), of the columns; none where that is an address */
    uint64_t sessions;  /* that hold such a pair */
    int64_t first;      /* id of the first of them */
    size_t last;        /* number of the last */
};

struct contradictions {
    struct contradiction_row *row; /* the most sessions first */
    size_t count, room;
    uint64_t sessions; /* that hold any */
    uint64_t added;    /* of these, where one side is from elsewhere */
};

/* Fills `found`, which is zeroed to begin with. The columns must be finished. */
void contradictions_find(const struct columns *columns, struct contradictions *found);
void contradictions_free(struct contradictions *found);

#endif

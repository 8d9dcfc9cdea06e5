/* A digest of the record: a part of it in which each kind of attempt stands once, with how many there are of
 * it. For rules without state it tells all that the record does: a month of ten million sessions has some ten
 * thousand kinds. */
#ifndef ANALYZE_DIGEST_H
#define ANALYZE_DIGEST_H

#include "analyze/classes.h"
#include "analyze/wanted.h"

struct digest {
    struct columns *columns; /* the part; what is not by session or attempt is the record's own */
    struct shelf *shelf;     /* for it */
    struct classes classes;  /* of all units and sessions in the shelf's period; attempts and sessions are
                                the part's */
    uint32_t *like;          /* by attempt of the record: the part's that is like it */
    uint32_t *part_like;     /* by attempt of the part: the one that is like it and counts */
    uint32_t *times;         /* by attempt of the part: how many of the record are like it; 0: it is only
                                beside one that counts */
};

/* A rule by which kinds are told apart: by whom it is for and what it judges. */
struct told_apart {
    const struct policy *policy;
    const struct rule *rule;
    const struct judged *judged; /* on all of the record; NULL: by whom it is for alone */
};

/* Whether whom a rule is for, or what it judges, is told by evidence and answers alone. */
bool rule_needs_no_telling(const struct policy *policy, const struct rule *rule);

/* The digest of what is on the shelf, for policies that have these trusted relays. What their rules look at
 * beside evidence and answers must be told. */
struct digest *digest_new(const struct shelf *shelf, const struct wanted *wanted,
                          const struct networks *relays, const struct told_apart *told, size_t told_count);
void digest_free(struct digest *digest);

#endif

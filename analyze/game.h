/* Who has what share in what several measures stop together. From counts of hit patterns alone: knows nothing
 * of mail. Members are bits; a unit is stopped when the weights of those that hit it reach the threshold
 * (without weights: when any does). */
#ifndef ANALYZE_GAME_H
#define ANALYZE_GAME_H

#include <stddef.h>
#include <stdint.h>

enum { MEMBERS_MOST = 64, WEIGHTS_MOST = 10000 };

/* So many units are hit by these members, and of these it is not known. No bit is in both. */
struct pattern {
    uint64_t hit, unknown, units;
};

struct game {
    size_t members;
    const int32_t *weight; /* by member, of which the absolute values sum to WEIGHTS_MOST at most; NULL: each
                              alone is enough */
    double threshold;      /* where there are weights */
    uint64_t apart;        /* members that are compared with none: too little is known of them */
    const struct pattern *pattern;
    size_t patterns;
};

/* `count` is of the units of which all members but those apart are known, as if there were no others; [low,
 * high] is what it may be of all units, with all members. */
struct counted {
    int64_t count, low, high;
};

struct share {
    struct counted hits;     /* by it, whoever else does */
    struct counted unique;   /* that would pass without it */
    struct counted marginal; /* that it adds to those before it, in order of members */
    /* Shapley's: what it adds on average over all orders. Of a unit that several hit, each of which would be
     * enough, an equal part. */
    double shapley, shapley_low, shapley_high;
};

struct shares {
    struct share share[MEMBERS_MOST];
    struct counted whole;     /* what they stop together: marginals and Shapley's shares sum to it */
    uint64_t known, left_out; /* units of which all is known but of those apart, and others */
    /* Of the units of which both of a pair are known: those that the first hits, and those that both hit. */
    uint64_t hit[MEMBERS_MOST][MEMBERS_MOST], both[MEMBERS_MOST][MEMBERS_MOST];
};

/* Which members to set apart so that at least half of the units are known: of those that leave out the rest,
 * the one that is unknown most often, again and again; one member stays. */
uint64_t game_apart(const struct game *game);

/* Fills *shares, which may be large: have it in memory of its own. */
void game_share(const struct game *game, struct shares *shares);

/* What would pass, of what they stop together, if these were left out, of known units and at most of all. */
struct loss {
    uint64_t count, high;
};
struct loss game_loss(const struct game *game, uint64_t without);

#endif

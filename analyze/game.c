/* Shares of measures in what they stop together.
 *
 * Without weights a unit that k members hit gives each of them 1/k: whoever comes first in an order has it,
 * and each is first in one of k orders. With weights the member has it that brings the sum over the
 * threshold; in how many orders that is, is counted by the sizes and sums of the sets that may come before
 * it.
 *
 * Where members are unknown, what is shared depends on them; the bounds are over all that they may come to.
 * Weighted, each completion is shared out by itself, as long as there are few. */
#include "analyze/game.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"

enum { COMPLETED_MOST = 10 }; /* unknown members of a pattern whose completions are all looked at */

#define BIT(member) ((uint64_t)1 << (member))

/* The shares in one set of hits, kept: with weights the same set comes again and again. */
struct split {
    uint64_t hit;
    double *part; /* by member */
};

struct sharing {
    const struct game *game;
    struct split *slot; /* hash table; part NULL: free */
    size_t slots, used;
    struct arena arena;
};

static int64_t sum_of(const struct game *game, uint64_t set)
{
    int64_t sum = 0;
    for (; set; set &= set - 1)
        sum += game->weight[__builtin_ctzll(set)];
    return sum;
}

/* Whether a unit that exactly these hit is stopped. */
static bool stops(const struct game *game, uint64_t hit)
{
    return game->weight ? (double)sum_of(game, hit) >= game->threshold : hit != 0;
}

/* ---- One set of hits, shared out by weights. */

/* ways[size][sum + offset]: how many sets of the others there are of that size and sum. */
static double share_of_one(const struct game *game, uint64_t hit, unsigned member, double *ways)
{
    uint64_t others = hit & ~BIT(member);
    size_t count = (size_t)__builtin_popcountll(others), range = 0;
    int64_t offset = 0, own = game->weight[member];
    for (uint64_t left = others; left; left &= left - 1) {
        int32_t weight = game->weight[__builtin_ctzll(left)];
        offset += weight < 0 ? -(int64_t)weight : 0;
        range += (size_t)(weight < 0 ? -(int64_t)weight : weight);
    }
    size_t width = range + 1, size = 0;
    memset(ways, 0, (count + 1) * width * sizeof *ways);
    ways[offset] = 1;
    for (uint64_t left = others; left; left &= left - 1, size++) {
        int32_t weight = game->weight[__builtin_ctzll(left)];
        for (size_t n = size + 1; n-- > 0;)
            for (size_t at = 0; at < width; at++)
                if (ways[n * width + at] > 0)
                    ways[(n + 1) * width + (size_t)((int64_t)at + weight)] += ways[n * width + at];
    }
    double share = 0, orders = (double)count + 1; /* of each: (n + m)! over n! (count - n)! as it goes */
    for (size_t n = 0; n <= count; n++) {
        double pivots = 0;
        for (size_t at = 0; at < width; at++) {
            int64_t before = (int64_t)at - offset;
            bool passes = (double)before < game->threshold,
                 stopped = (double)(before + own) >= game->threshold;
            if (passes == stopped) /* it makes the difference, to the one side or the other */
                pivots += stopped ? ways[n * width + at] : -ways[n * width + at];
        }
        share += pivots / orders;
        orders = orders * (double)(count - n) / (double)(n + 1);
    }
    return share;
}

static double *split(struct sharing *sharing, uint64_t hit)
{
    const struct game *game = sharing->game;
    if (sharing->used * 2 >= sharing->slots) {
        struct split *old = sharing->slot;
        size_t count = sharing->slots;
        sharing->slots = count ? count * 2 : 64;
        sharing->slot = mem_zero(sharing->slots, sizeof *sharing->slot);
        for (size_t i = 0; i < count; i++) {
            size_t at = (size_t)bytes_hash(&old[i].hit, sizeof old[i].hit, 5) & (sharing->slots - 1);
            while (old[i].part && sharing->slot[at].part)
                at = (at + 1) & (sharing->slots - 1);
            if (old[i].part)
                sharing->slot[at] = old[i];
        }
        free(old);
    }
    size_t at = (size_t)bytes_hash(&hit, sizeof hit, 5) & (sharing->slots - 1);
    for (; sharing->slot[at].part; at = (at + 1) & (sharing->slots - 1))
        if (sharing->slot[at].hit == hit)
            return sharing->slot[at].part;
    double *part = arena_zero(&sharing->arena, game->members * sizeof *part);
    size_t count = (size_t)__builtin_popcountll(hit), range = 1;
    for (uint64_t left = hit; left; left &= left - 1)
        range += (size_t)labs(game->weight[__builtin_ctzll(left)]);
    double *ways = mem_alloc((count + 1) * range * sizeof *ways);
    for (uint64_t left = hit; left; left &= left - 1) {
        unsigned member = (unsigned)__builtin_ctzll(left);
        part[member] = share_of_one(game, hit, member, ways);
    }
    free(ways);
    sharing->slot[at] = (struct split){ hit, part };
    sharing->used++;
    return part;
}

/* ---- One pattern. */

/* What a member may have of a unit with unknown members: least and most. */
struct part {
    double shapley[2];
    int unique[2], marginal[2];
};

static int whole_of(const struct game *game, uint64_t hit)
{
    return (int)stops(game, hit) - (int)stops(game, 0);
}

static struct part part_of(struct sharing *sharing, uint64_t hit, unsigned member)
{
    const struct game *game = sharing->game;
    uint64_t before = hit & (BIT(member) - 1), own = hit & BIT(member);
    int count = __builtin_popcountll(hit);
    double shapley = !own ? 0 : game->weight ? split(sharing, hit)[member] : 1.0 / count;
    int unique = (int)stops(game, hit) - (int)stops(game, hit & ~own);
    int marginal = (int)stops(game, before | own) - (int)stops(game, before);
    return (struct part){ { shapley, shapley }, { unique, unique }, { marginal, marginal } };
}

static void widen(struct part *part, const struct part *other)
{
    part->shapley[0] = other->shapley[0] < part->shapley[0] ? other->shapley[0] : part->shapley[0];
    part->shapley[1] = other->shapley[1] > part->shapley[1] ? other->shapley[1] : part->shapley[1];
    part->unique[0] = other->unique[0] < part->unique[0] ? other->unique[0] : part->unique[0];
    part->unique[1] = other->unique[1] > part->unique[1] ? other->unique[1] : part->unique[1];
    part->marginal[0] = other->marginal[0] < part->marginal[0] ? other->marginal[0] : part->marginal[0];
    part->marginal[1] = other->marginal[1] > part->marginal[1] ? other->marginal[1] : part->marginal[1];
}

/* Without weights: least if all the unknown hit (or it does not, if it is one), most if no other does. */
static struct part bounds_of_any(const struct pattern *pattern, unsigned member)
{
    uint64_t own = BIT(member), before = own - 1, may = pattern->hit | pattern->unknown;
    if (!(may & own))
        return (struct part){ 0 };
    bool sure = pattern->hit & own;
    int others = __builtin_popcountll(pattern->hit & ~own), all = __builtin_popcountll(may);
    return (struct part){ { sure ? 1.0 / all : 0, 1.0 / (others + 1) },
                          { sure && all == 1, others == 0 },
                          { sure && !(may & before), !(pattern->hit & before) } };
}

static struct part bounds_of(struct sharing *sharing, const struct pattern *pattern, unsigned member)
{
    const struct game *game = sharing->game;
    if (!pattern->unknown)
        return part_of(sharing, pattern->hit, member);
    if (!game->weight)
        return bounds_of_any(pattern, member);
    bool may = (pattern->hit | pattern->unknown) & BIT(member);
    if (__builtin_popcountll(pattern->unknown) > COMPLETED_MOST) {
        int least = may && game->weight[member] < 0 ? -1 : 0, most = may && game->weight[member] > 0;
        return (struct part){ { least, most }, { least, most }, { least, most } };
    }
    struct part part = part_of(sharing, pattern->hit, member);
    for (uint64_t some = pattern->unknown; some; some = (some - 1) & pattern->unknown) {
        struct part other = part_of(sharing, pattern->hit | some, member);
        widen(&part, &other);
    }
    return part;
}

/* Whether it may be stopped, and may pass. */
static void bound_whole(const struct game *game, const struct pattern *pattern, int *least, int *most)
{
    uint64_t low = pattern->hit, high = pattern->hit | pattern->unknown;
    for (uint64_t left = game->weight ? pattern->unknown : 0; left; left &= left - 1) {
        unsigned member = (unsigned)__builtin_ctzll(left);
        if (game->weight[member] < 0) {
            low |= BIT(member);
            high &= ~BIT(member);
        }
    }
    *least = whole_of(game, low);
    *most = whole_of(game, high);
}

static void bound(struct counted *counted, uint64_t units, int least, int most)
{
    counted->low += (int64_t)units * least;
    counted->high += (int64_t)units * most;
}

static void take_bounds(struct sharing *sharing, const struct pattern *pattern, struct shares *shares)
{
    const struct game *game = sharing->game;
    int least, most;
    bound_whole(game, pattern, &least, &most);
    bound(&shares->whole, pattern->units, least, most);
    for (unsigned m = 0; m < game->members; m++) {
        struct share *share = &shares->share[m];
        struct part part = bounds_of(sharing, pattern, m);
        bool hit = pattern->hit & BIT(m), may = (pattern->hit | pattern->unknown) & BIT(m);
        bound(&share->hits, pattern->units, hit, may);
        bound(&share->unique, pattern->units, part.unique[0], part.unique[1]);
        bound(&share->marginal, pattern->units, part.marginal[0], part.marginal[1]);
        share->shapley_low += (double)pattern->units * part.shapley[0];
        share->shapley_high += (double)pattern->units * part.shapley[1];
        for (unsigned other = 0; hit && other < game->members; other++) {
            shares->hit[m][other] += pattern->unknown & BIT(other) ? 0 : pattern->units;
            shares->both[m][other] += pattern->hit & BIT(other) ? pattern->units : 0;
        }
    }
}

static void take_known(struct sharing *sharing, uint64_t hit, uint64_t units, struct shares *shares)
{
    shares->known += units;
    shares->whole.count += (int64_t)units * whole_of(sharing->game, hit);
    for (unsigned m = 0; m < sharing->game->members; m++) {
        struct share *share = &shares->share[m];
        struct part part = part_of(sharing, hit, m);
        share->hits.count += hit & BIT(m) ? (int64_t)units : 0;
        share->unique.count += (int64_t)units * part.unique[0];
        share->marginal.count += (int64_t)units * part.marginal[0];
        share->shapley += (double)units * part.shapley[0];
    }
}

uint64_t game_apart(const struct game *game)
{
    uint64_t apart = 0;
    for (size_t left = game->members; left > 1; left--) {
        uint64_t unknown[MEMBERS_MOST] = { 0 }, all = 0, left_out = 0;
        size_t most = 0;
        for (size_t i = 0; i < game->patterns; i++) {
            const struct pattern *pattern = &game->pattern[i];
            all += pattern->units;
            left_out += pattern->unknown & ~apart ? pattern->units : 0;
            for (uint64_t some = pattern->unknown & ~apart; some; some &= some - 1)
                unknown[__builtin_ctzll(some)] += pattern->units;
        }
        if (left_out <= all - left_out)
            break;
        for (size_t m = 1; m < game->members; m++)
            most = unknown[m] >= unknown[most] ? m : most;
        apart |= BIT(most);
    }
    return apart;
}

void game_share(const struct game *game, struct shares *shares)
{
    struct sharing sharing = { .game = game };
    *shares = (struct shares){ 0 };
    for (size_t i = 0; i < game->patterns; i++) {
        const struct pattern *pattern = &game->pattern[i];
        take_bounds(&sharing, pattern, shares);
        if (pattern->unknown & ~game->apart)
            shares->left_out += pattern->units;
        else
            take_known(&sharing, pattern->hit & ~game->apart, pattern->units, shares);
    }
    free(sharing.slot);
    arena_free(&sharing.arena);
}

/* ---- What is lost without some. */

/* Whether the unknown may come out so that it is stopped with them and passes without. Weighted: no
 * completion is missed, some may be taken for possible that are not. */
static bool may_lose(const struct game *game, const struct pattern *pattern, uint64_t without)
{
    uint64_t may = pattern->hit | pattern->unknown;
    if (!game->weight)
        return (may & without) && !(pattern->hit & ~without);
    double rest_least = 0, rest_most = 0, gain = 0;
    for (uint64_t left = may; left; left &= left - 1) {
        unsigned member = (unsigned)__builtin_ctzll(left);
        double weight = game->weight[member];
        bool sure = pattern->hit & BIT(member);
        if (without & BIT(member)) {
            gain += sure || weight > 0 ? weight : 0;
        } else {
            rest_least += sure || weight < 0 ? weight : 0;
            rest_most += sure || weight > 0 ? weight : 0;
        }
    }
    double rest = rest_most < game->threshold ? rest_most : ceil(game->threshold) - 1; /* weights are whole */
    return rest_least < game->threshold && rest + gain >= game->threshold;
}

struct loss game_loss(const struct game *game, uint64_t without)
{
    struct loss loss = { 0, 0 };
    for (size_t i = 0; i < game->patterns; i++) {
        const struct pattern *pattern = &game->pattern[i];
        bool lost = stops(game, pattern->hit) && !stops(game, pattern->hit & ~without);
        loss.count += !pattern->unknown && lost ? pattern->units : 0;
        loss.high += (pattern->unknown ? may_lose(game, pattern, without) : lost) ? pattern->units : 0;
    }
    return loss;
}

/* Pairs of outcomes.
 *
 * Rules that both policies have, in the same order, are the same: they judge the same attempts by the same
 * evidence. Where all other rules certainly miss, the policies are one and the same policy, and what is not
 * known, be it a client's habit, comes out the same under both: the unit does not move. Measures with state
 * remember what other attempts did; so with such it takes that the other rules certainly miss all attempts of
 * the client's neighbourhood, which is every network and every operator that attempts join together: nothing
 * else do measures with state go by.
 *
 * Elsewhere an attempt's outcomes under a policy are a list of decisions, in the order of the rules: the
 * first rule that hits has it. A rule of evidence that stands in both lists hits in both or in neither,
 * wherever it stands: pairs for which it would have to do both are left out. State that is not known may
 * differ, and is taken to be anything. A delivery's or a session's attempts are gone through with the set of
 * pairs so far. */
#include "analyze/pairs.h"

#include <stdlib.h>
#include <string.h>
#include "analyze/lists.h"
#include "analyze/measure/parameters.h"
#include "analyze/units.h"

enum { NO_TWIN = RULES_MOST, SIDES = 2, OPEN = 64 /* in place of an outcome: it has not come to one yet */ };

struct side {
    const struct walk *walk;  /* NULL: the record */
    bool same[RULES_MOST];    /* by rule: the other policy has it too, in the same order */
    uint8_t twin[RULES_MOST]; /* by rule: the one of the other policy that judges by the same evidence */
};

struct pairs {
    const struct columns *columns;
    enum unit unit;
    struct side side[SIDES];
    uint8_t other[RULES_MOST]; /* of the first policy's rules that are the same: the second's */
    struct bits differ;        /* by attempt: a rule that is not the same may hit it; no bits: of all */
    struct bits moved;         /* by place of a neighbourhood's root: it holds such an attempt; no bits: a
                                  unit is a neighbourhood of its own */
    uint32_t *root;            /* by network, then by operator's name: union-find */
};

/* ---- Which rules are the same. */

static bool judge_alike(const struct walk *a, uint32_t r, const struct walk *b, uint32_t q)
{
    return rules_judge_alike(a->policy, &a->policy->rules[r], b->policy, &b->policy->rules[q]);
}

static bool act_alike(const struct walk *a, const struct step *one, const struct walk *b,
                      const struct step *other)
{
    return one->stage == other->stage &&
           a->policy->rules[one->rule].reply == b->policy->rules[other->rule].reply &&
           judge_alike(a, one->rule, b, other->rule);
}

/* The steps of a policy that can stop anything. */
static size_t acting_steps(const struct walk *walk, struct step *steps)
{
    size_t count = 0;
    for (size_t k = 0; k < walk->policy->rule_count; k++)
        if (!rule_warns(&walk->policy->rules[walk->steps[k].rule]))
            steps[count++] = walk->steps[k];
    return count;
}

/* The longest common subsequence of the two lists of steps. */
static void find_same(struct pairs *pairs)
{
    const struct walk *a = pairs->side[0].walk, *b = pairs->side[1].walk;
    struct step left[RULES_MOST], right[RULES_MOST];
    uint8_t longest[RULES_MOST + 1][RULES_MOST + 1] = { { 0 } };
    bool alike[RULES_MOST][RULES_MOST] = { { false } };
    size_t n = acting_steps(a, left), m = acting_steps(b, right);
    for (size_t i = n; i-- > 0;)
        for (size_t k = m; k-- > 0;) {
            alike[i][k] = act_alike(a, &left[i], b, &right[k]);
            uint8_t skip = longest[i + 1][k] > longest[i][k + 1] ? longest[i + 1][k] : longest[i][k + 1];
            longest[i][k] = alike[i][k] ? (uint8_t)(longest[i + 1][k + 1] + 1) : skip;
        }
    for (size_t i = 0, k = 0; i < n && k < m;) {
        if (alike[i][k]) {
            pairs->side[0].same[left[i].rule] = pairs->side[1].same[right[k].rule] = true;
            pairs->other[left[i++].rule] = (uint8_t)right[k++].rule;
        } else if (longest[i + 1][k] >= longest[i][k + 1]) {
            i++;
        } else {
            k++;
        }
    }
}

static void find_twins(struct pairs *pairs)
{
    const struct walk *a = pairs->side[0].walk, *b = pairs->side[1].walk;
    for (uint32_t r = 0; r < a->policy->rule_count; r++)
        for (uint32_t q = 0; q < b->policy->rule_count; q++)
            if (!a->state[r] && !b->state[q] && pairs->side[0].twin[r] == NO_TWIN &&
                judge_alike(a, r, b, q)) {
                pairs->side[0].twin[r] = (uint8_t)q;
                pairs->side[1].twin[q] = (uint8_t)r;
            }
}

/* ---- Where rules that are not the same may hit. */

static void mark_differing(struct pairs *pairs, const struct side *side)
{
    const struct walk *walk = side->walk;
    size_t words = bits_words(pairs->columns->attempt_count);
    for (uint32_t r = 0; r < walk->policy->rule_count; r++) {
        if (side->same[r] || rule_warns(&walk->policy->rules[r]))
            continue;
        for (size_t w = 0; w < words; w++)
            pairs->differ.word[w] |=
                walk->state[r] ? walk->applies[r].word[w] : walk->hit[r].word[w] | ~walk->known[r].word[w];
    }
}

static uint32_t root_of(struct pairs *pairs, uint32_t place)
{
    while (pairs->root[place] != place)
        place = pairs->root[place] = pairs->root[pairs->root[place]];
    return place;
}

static uint32_t neighbourhood(struct pairs *pairs, uint32_t attempt)
{
    const struct columns *columns = pairs->columns;
    return root_of(pairs, columns->network[columns->client[columns->session[attempt]]]);
}

/* Greylisting by sender and recipient alone knows no neighbourhoods. */
static bool has_wide_state(const struct walk *walk)
{
    for (uint32_t r = 0; r < walk->policy->rule_count; r++) {
        const struct rule *rule = &walk->policy->rules[r];
        const uint32_t by_client = 1u << KEY_CLIENT | 1u << KEY_CLIENT_NET | 1u << KEY_CLIENT_NET6;
        if (rule->measure == &measure_greylist &&
            !(((const struct greylist_parameters *)rule->parameters)->key & by_client))
            return true;
    }
    return false;
}

static void find_neighbourhoods(struct pairs *pairs)
{
    const struct columns *columns = pairs->columns;
    size_t networks = columns->network_count, places = networks + columns->names.count;
    pairs->root = mem_alloc(places * sizeof *pairs->root);
    for (size_t i = 0; i < places; i++)
        pairs->root[i] = (uint32_t)i;
    bool wide = has_wide_state(pairs->side[0].walk) || has_wide_state(pairs->side[1].walk);
    for (size_t s = 0; s < columns->session_count; s++) {
        uint32_t network = root_of(pairs, columns->network[columns->client[s]]);
        if (columns->operator_of[s] != NAME_NONE)
            pairs->root[root_of(pairs, (uint32_t)networks + columns->operator_of[s])] = network;
        if (wide)
            pairs->root[network] = root_of(pairs, columns->network[columns->client[0]]);
    }
    pairs->moved = bits_new(places);
    for (uint32_t a = 0; a < columns->attempt_count; a++)
        if (bits_get(&pairs->differ, a))
            bits_set(&pairs->moved, neighbourhood(pairs, a));
}

struct pairs *pairs_new(const struct columns *columns, const struct walk *a, const struct walk *b,
                        enum unit unit)
{
    struct pairs *pairs = mem_zero(1, sizeof *pairs);
    pairs->columns = columns;
    pairs->unit = unit;
    pairs->side[0].walk = a;
    pairs->side[1].walk = b;
    for (int s = 0; s < SIDES; s++)
        memset(pairs->side[s].twin, NO_TWIN, sizeof pairs->side[s].twin);
    if (!a || !b)
        return pairs;
    find_same(pairs);
    find_twins(pairs);
    pairs->differ = bits_new(columns->attempt_count);
    mark_differing(pairs, &pairs->side[0]);
    mark_differing(pairs, &pairs->side[1]);
    if (!networks_equal(&a->policy->trusted_relays, &b->policy->trusted_relays))
        for (uint32_t i = 0; i < columns->attempt_count; i++)
            if ((a->attempt[i] ^ b->attempt[i]) & OUTCOME(OUTCOME_RELAYED))
                bits_set(&pairs->differ, i);
    if (a->stateful || b->stateful)
        find_neighbourhoods(pairs);
    return pairs;
}

void pairs_free(struct pairs *pairs)
{
    bits_free(&pairs->differ);
    bits_free(&pairs->moved);
    free(pairs->root);
    free(pairs);
}

/* Whether both policies do the same to the unit, whatever is not known. */
static bool is_settled(struct pairs *pairs, uint32_t first)
{
    if (pairs->moved.count)
        return !bits_get(&pairs->moved, neighbourhood(pairs, first));
    for (uint32_t a = first; a != NO_ATTEMPT; a = unit_after(pairs->columns, pairs->unit, first, a))
        if (bits_get(&pairs->differ, a))
            return false;
    return true;
}

/* ---- An attempt's decisions under both. */

struct decisions {
    uint8_t outcome[64];
    size_t count;
};

/* The outcomes of a set in the order in which they are decided: what yields comes after its stage. */
static struct decisions decisions_of(const struct walk *walk, uint32_t attempt)
{
    struct decisions list = { .count = 0 };
    outcomes set = walk->attempt[attempt];
    uint32_t yielding = RULES_MOST;
    for (size_t k = 0; k < walk->policy->rule_count; k++) {
        uint32_t r = walk->steps[k].rule;
        if (yielding != RULES_MOST && walk->steps[k].stage != walk->steps[k - 1].stage) {
            list.outcome[list.count++] = (uint8_t)yielding;
            yielding = RULES_MOST;
        }
        if (!(set >> r & 1))
            continue;
        if (rule_yields(&walk->policy->rules[r]) && yielding == RULES_MOST)
            yielding = r;
        else
            list.outcome[list.count++] = (uint8_t)r;
    }
    if (yielding != RULES_MOST)
        list.outcome[list.count++] = (uint8_t)yielding;
    for (outcomes ends = set >> RULES_MOST << RULES_MOST; ends; ends &= ends - 1)
        list.outcome[list.count++] = (uint8_t)__builtin_ctzll(ends);
    return list;
}

/* Whether the rule that decides on one side would have decided earlier on the other. */
static bool contradicts(const struct side *one, uint8_t decided, const struct decisions *other, size_t before)
{
    if (decided >= RULES_MOST || one->twin[decided] == NO_TWIN)
        return false;
    for (size_t i = 0; i < before; i++)
        if (other->outcome[i] == one->twin[decided])
            return true;
    return false;
}

static size_t attempt_pairs(const struct pairs *pairs, uint32_t attempt, struct pair pair[PAIRS_MOST])
{
    const struct side *side = pairs->side;
    struct decisions a = decisions_of(side[0].walk, attempt), b = decisions_of(side[1].walk, attempt);
    size_t count = 0;
    for (size_t i = 0; i < a.count; i++)
        for (size_t k = 0; k < b.count; k++)
            if (!contradicts(&side[0], a.outcome[i], &b, k) && !contradicts(&side[1], b.outcome[k], &a, i))
                pair[count++] = (struct pair){ a.outcome[i], b.outcome[k] };
    return count;
}

/* ---- A unit's attempts, one after the other. */

/* What it may have come to so far, under the first policy, then under the second; OPEN stands for not yet. */
struct standing {
    outcomes second[OPEN + 1];
    bool open[OPEN + 1];
};

static void standing_add(struct standing *standing, outcomes a, bool open_a, outcomes b, bool open_b)
{
    for (outcomes left = a; left; left &= left - 1) {
        unsigned outcome = (unsigned)__builtin_ctzll(left);
        standing->second[outcome] |= b;
        standing->open[outcome] = standing->open[outcome] || open_b;
    }
    if (open_a) {
        standing->second[OPEN] |= b;
        standing->open[OPEN] = standing->open[OPEN] || open_b;
    }
}

/* What a unit comes to that stood at `so_far` when an attempt of it has this outcome. */
static outcomes advance(const struct pairs *pairs, const struct walk *walk, uint32_t attempt, unsigned so_far,
                        unsigned outcome, bool *open)
{
    *open = false;
    if (pairs->unit == UNIT_DELIVERY)
        return so_far == OPEN ? walk_leads(walk, attempt, outcome, open) : OUTCOME(so_far);
    bool left = so_far == OUTCOME_ABANDONED || so_far == OUTCOME_NOTHING;
    if (so_far == OPEN || outcome == OUTCOME_ACCEPTED ||
        (left && outcome != OUTCOME_ABANDONED && outcome != OUTCOME_NOTHING))
        return OUTCOME(outcome);
    return OUTCOME(so_far);
}

static void advance_pair(const struct pairs *pairs, uint32_t attempt, unsigned a, unsigned b,
                         const struct pair *pair, struct standing *next)
{
    bool open_a = false, open_b = false;
    outcomes to_a = advance(pairs, pairs->side[0].walk, attempt, a, pair->a, &open_a);
    outcomes to_b = advance(pairs, pairs->side[1].walk, attempt, b, pair->b, &open_b);
    standing_add(next, to_a, open_a, to_b, open_b);
}

static struct standing attempts_of(struct pairs *pairs, uint32_t first, struct pair pair[PAIRS_MOST])
{
    struct standing now = { .open = { [OPEN] = true } };
    for (uint32_t x = first; x != NO_ATTEMPT; x = unit_after(pairs->columns, pairs->unit, first, x)) {
        struct standing next = { .open = { false } };
        size_t count = attempt_pairs(pairs, x, pair);
        for (unsigned a = 0; a <= OPEN; a++)
            for (unsigned b = 0; b <= OPEN; b++) {
                if (!(b == OPEN ? now.open[a] : now.second[a] >> b & 1))
                    continue;
                for (size_t i = 0; i < count; i++)
                    advance_pair(pairs, x, a, b, &pair[i], &next);
            }
        now = next;
    }
    return now;
}

size_t pairs_of(struct pairs *pairs, uint32_t first, struct pair pair[PAIRS_MOST])
{
    const struct walk *walk_a = pairs->side[0].walk, *walk_b = pairs->side[1].walk;
    outcomes a = unit_outcomes(pairs->columns, walk_a, pairs->unit, first);
    outcomes b = unit_outcomes(pairs->columns, walk_b, pairs->unit, first);
    bool open = (a & (a - 1)) != 0 && (b & (b - 1)) != 0;
    size_t count = 0;
    if (!walk_a && !walk_b)
        return *pair = (struct pair){ (uint8_t)__builtin_ctzll(a), (uint8_t)__builtin_ctzll(a) }, 1;
    bool settled = open && is_settled(pairs, first);
    for (outcomes left = settled ? a : 0; left; left &= left - 1) {
        uint8_t one = (uint8_t)__builtin_ctzll(left);
        uint8_t other = one < RULES_MOST ? pairs->other[one] : one;
        if (one >= RULES_MOST || pairs->side[0].same[one])
            pair[count++] = (struct pair){ one, other };
    }
    if (count)
        return count;
    struct standing standing = { .open = { false } };
    if (open)
        standing = attempts_of(pairs, first, pair);
    for (int whole = !open; whole < 2 && !count; whole++) /* the second time: each with each */
        for (outcomes left = a; left; left &= left - 1)
            for (outcomes right = b; right; right &= right - 1) {
                unsigned one = (unsigned)__builtin_ctzll(left), other = (unsigned)__builtin_ctzll(right);
                if (whole || standing.second[one] >> other & 1)
                    pair[count++] = (struct pair){ (uint8_t)one, (uint8_t)other };
            }
    return count;
}

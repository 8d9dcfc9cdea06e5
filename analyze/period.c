/* One walk, and all that is counted on it. */
#include "analyze/period.h"

#include <math.h>
#include <string.h>
#include "analyze/cost.h"
#include "analyze/counting.h"
#include "analyze/units.h"

static struct spent spent_of(struct cost cost)
{
    return (struct spent){ cost.expected, cost.low, cost.high };
}

static struct spending spending_of(const struct costs *costs)
{
    return (struct spending){ spent_of(costs->look_ups), spent_of(costs->messages), spent_of(costs->bytes),
                              spent_of(costs->seconds) };
}

/* What it would cost if nothing were stopped before the end of a message: what the policy asks there, and no
 * other rule. */
static int count_open(struct shelf *shelf, const struct policy *policy, struct spending *open,
                      struct why *why)
{
    struct policy bare = policy_copy(policy);
    struct walk walk = { 0 };
    size_t kept = 0;
    for (size_t r = 0; r < bare.rule_count; r++)
        if (cost_is_seconds(&bare.rules[r]))
            bare.rules[kept++] = bare.rules[r];
    bare.rule_count = kept;
    int result = walk_shelved(&walk, shelf, &bare, why);
    if (result == 0) {
        struct estimate *estimate = estimate_new(&walk);
        struct costs costs = costs_of(&walk, estimate);
        *open = spending_of(&costs);
        estimate_free(estimate);
    }
    walk_free(&walk);
    policy_free(&bare);
    return result;
}

static void count_before(const struct columns *columns, struct walk *walk, struct estimate *estimate,
                         const struct period_asked *asked, struct tally *before)
{
    struct replay_options options = *asked->options;
    options.from = asked->before_from;
    options.to = asked->before_to;
    options.by = SLICE_NONE;
    replay_count(columns, walk, estimate, &options, NULL, before);
}

/* status --coverage tells where each piece of evidence came from, which takes another walk. */
static struct known_share *count_known(const struct walk *walk, const struct replay_options *options,
                                       struct arena *arena)
{
    const struct columns *columns = walk->columns;
    size_t rules = walk->policy->rule_count;
    struct known_share *shares = arena_zero(arena, (rules + 1) * sizeof *shares);
    for (size_t a = 0; a < columns->attempt_count; a++) {
        if (!unit_in_period(columns, options, (uint32_t)a))
            continue;
        outcomes set = walk->attempt[a];
        for (size_t r = 0; r < rules; r++) {
            struct known_share *share = &shares[r];
            bool known = bits_get(&walk->known[r], a);
            if (!bits_get(&walk->applies[r], a) || !walk->policy->rules[r].measure->judge)
                continue;
            share->asked++;
            share->known += known;
            share->undecided += !known && (set & (set - 1)) != 0 && set & OUTCOME(r);
        }
    }
    return shares;
}

static int with_policy(struct columns *columns, const struct period_asked *asked, struct period *period,
                       struct why *why)
{
    const struct policy *policy = asked->policy;
    const struct replay_options *options = asked->options;
    struct shelf *shelf = shelf_new(columns, options);
    struct walk walk = { 0 };
    struct estimate *estimate = NULL;
    int result = walk_shelved(&walk, shelf, policy, why);
    if (result < 0)
        goto done;
    estimate = estimate_new(&walk);
    replay_count(columns, &walk, estimate, options, NULL, &period->tally);
    if (asked->wants & WANT_BEFORE)
        count_before(columns, &walk, estimate, asked, &period->before);
    if (asked->wants & WANT_COSTS) {
        struct costs costs = costs_of(&walk, estimate);
        period->spent = spending_of(&costs);
        result = count_open(shelf, policy, &period->open, why);
        period->has_costs = result == 0;
    }
    if (result == 0 && asked->wants & WANT_CENSUS) {
        census_make(columns, &walk, options, options->wall, asked->most, &period->census);
        period->has_census = true;
    }
    if (result == 0 && asked->wants & WANT_AUDIT && options->unit == UNIT_DELIVERY) {
        audit_walked(&walk, options, &period->audit);
        period->has_audit = true;
    }
    if (result == 0 && asked->wants & WANT_KNOWN)
        period->known = count_known(&walk, options, &period->arena);
    if (result == 0 && asked->wants & WANT_OVERLAP) {
        period->has_overlap = true; /* to be freed, whatever comes of it */
        result = overlap_shelved(shelf, policy, false, &period->overlap, why);
    }
done:
    estimate_free(estimate);
    walk_free(&walk);
    shelf_free(shelf);
    return result;
}

static void without_policy(struct columns *columns, const struct period_asked *asked, struct period *period)
{
    replay_count(columns, NULL, NULL, asked->options, NULL, &period->tally);
    if (asked->wants & WANT_BEFORE)
        count_before(columns, NULL, NULL, asked, &period->before);
    if (asked->wants & WANT_CENSUS) {
        census_make(columns, NULL, asked->options, asked->options->wall, asked->most, &period->census);
        period->has_census = true;
    }
}

int period_run(struct columns *columns, const struct period_asked *asked, struct period *period,
               struct why *why)
{
    const struct policy *policy = asked->policy;
    const struct replay_options *options = asked->options;
    *period = (struct period){ 0 };
    columns_chain(columns, options->retry_window);
    if (!policy) {
        without_policy(columns, asked, period);
        return 0;
    }
    if (with_policy(columns, asked, period, why) < 0)
        return -1;
    if (asked->wants & WANT_RECORDED)
        replay_count(columns, NULL, NULL, options, NULL, &period->recorded);
    return 0;
}

void period_free(struct period *period)
{
    tally_free(&period->tally);
    tally_free(&period->recorded);
    tally_free(&period->before);
    if (period->has_census)
        census_free(&period->census);
    if (period->has_audit)
        audit_free(&period->audit);
    if (period->has_overlap)
        overlap_free(&period->overlap);
    arena_free(&period->arena);
}

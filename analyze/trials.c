/* Trials. A policy without state is tried on the digest of the record, one with state on all of it. */
#include "analyze/trials.h"

#include <math.h>
#include <stdlib.h>
#include "analyze/counting.h"
#include "analyze/digest.h"
#include "analyze/harms.h"
#include "analyze/lists.h"
#include "analyze/measure.h"
#include "analyze/stateful.h"
#include "analyze/units.h"

struct trials {
    struct columns *columns;
    const struct replay_options *options;
    struct wanted wanted;
    struct shelf *shelf; /* for the whole record */
    bool plain;
    struct condensed condensed; /* what the digest does not tell of the record */
    bool has_condensed;

    struct digest *digest;         /* NULL: not asked for yet */
    const struct networks *relays; /* for which it is */
    struct told_apart *told;       /* with these */
    size_t told_count, told_room;
    outcomes *attempt, *delivery;       /* room for walks over it */
    struct stateful *stateful;          /* NULL: not asked for yet */
    const struct classes *stateful_for; /* these classes */

    struct classes merged; /* of the digest, for the policies that are expected */
    size_t merged_rules;   /* for the first so many rules on the digest's shelf; 0: there are none */

    struct names seen; /* policies, by what of them makes a difference */
    struct seen {
        const struct policy *policy;
        struct sweep_row row;
    } * seen_row; /* by number of these */
    size_t seen_room;
};

struct trials *trials_new(struct columns *columns, const struct replay_options *options,
                          const struct networks *own)
{
    struct trials *trials = mem_zero(1, sizeof *trials);
    columns_chain(columns, options->retry_window);
    trials->columns = columns;
    trials->options = options;
    trials->wanted = wanted_new(columns, own);
    trials->shelf = shelf_new(columns, options);
    return trials;
}

static void drop_stateful(struct trials *trials)
{
    stateful_free(trials->stateful);
    trials->stateful = NULL;
    trials->stateful_for = NULL;
}

static void drop_digest(struct trials *trials)
{
    drop_stateful(trials);
    digest_free(trials->digest);
    classes_free(&trials->merged);
    free(trials->attempt);
    free(trials->delivery);
    names_free(&trials->seen); /* these rest on the digest's verdicts */
    trials->digest = NULL;
    trials->attempt = trials->delivery = NULL;
    trials->merged_rules = 0;
}

void trials_free(struct trials *trials)
{
    if (!trials)
        return;
    drop_digest(trials);
    free(trials->seen_row);
    free(trials->told);
    shelf_free(trials->shelf);
    wanted_free(&trials->wanted);
    free(trials);
}

void trials_keep_plain(struct trials *trials)
{
    trials->plain = true;
}

/* ---- The digest. */

static bool is_told(const struct trials *trials, const struct policy *policy, const struct rule *rule)
{
    for (size_t i = 0; i < trials->told_count; i++) {
        const struct told_apart *told = &trials->told[i];
        if (told->judged ? rules_judge_alike(told->policy, told->rule, policy, rule)
                         : rules_exempt_alike(told->policy, told->rule, policy, rule) &&
                               told->rule->when.port == rule->when.port &&
                               str_eq(told->rule->when.server, rule->when.server))
            return true;
    }
    return false;
}

/* What a policy's rules look at beside evidence and answers: whether that is new. */
static bool tell_apart(struct trials *trials, const struct policy *policy)
{
    struct step steps[RULES_MOST];
    bool is_new = false;
    policy_steps(policy, steps);
    for (size_t k = 0; k < policy->rule_count; k++) {
        const struct rule *rule = &policy->rules[steps[k].rule];
        const struct measure *measure = rule->measure;
        bool farther = measure->judge && measure->looks_farther && measure->looks_farther(rule->parameters);
        if (rule_needs_no_telling(policy, rule) || is_told(trials, policy, rule))
            continue;
        mem_room(trials->told, trials->told_room, trials->told_count + 1);
        trials->told[trials->told_count++] =
            (struct told_apart){ policy, rule,
                                 farther ? shelf_judge(trials->shelf, policy, rule, steps[k].stage) : NULL };
        is_new = true;
    }
    return is_new;
}

static void make_digest(struct trials *trials, const struct networks *relays)
{
    drop_digest(trials);
    trials->relays = relays;
    trials->digest = digest_new(trials->shelf, &trials->wanted, relays, trials->told, trials->told_count);
    size_t attempts = trials->digest->columns->attempt_count;
    trials->attempt = mem_zero(attempts + 1, sizeof *trials->attempt);
    trials->delivery = mem_zero(attempts + 1, sizeof *trials->delivery);
}

static bool has_state(const struct policy *policy)
{
    for (size_t r = 0; r < policy->rule_count; r++)
        if (rule_state(&policy->rules[r]))
            return true;
    return false;
}

/* Whether a policy is tried on the digest. */
static bool is_digested(const struct trials *trials, const struct policy *policy)
{
    return !trials->plain && (!has_state(policy) || stateful_can(policy, trials->options));
}

static int check_size(const struct policy *policy, struct why *why)
{
    if (policy->rule_count <= RULES_MOST)
        return 0;
    return why_set(why, EX_DATAERR, "%.*s: more than %d measures in one policy", STR_ARG(policy->name),
                   RULES_MOST);
}

int trials_expect(struct trials *trials, const struct policy *const *policies, size_t count, struct why *why)
{
    bool is_new = !trials->digest;
    const struct policy *first = NULL;
    for (size_t i = 0; i < count; i++) {
        if (check_size(policies[i], why) < 0)
            return -1;
        if (!is_digested(trials, policies[i]))
            continue;
        first = first ? first : policies[i];
        is_new = tell_apart(trials, policies[i]) || is_new;
    }
    if (!first)
        return 0;
    if (is_new)
        make_digest(trials, &first->trusted_relays);
    for (size_t i = 0; i < count; i++) {
        struct walk walk;
        if (!is_digested(trials, policies[i]))
            continue;
        if (walk_prepare(&walk, trials->digest->shelf, policies[i], why) < 0)
            return -1;
        walk_free(&walk);
    }
    drop_stateful(trials); /* its classes may be these */
    classes_free(&trials->merged);
    trials->merged = classes_merge(&trials->digest->classes, trials->digest->shelf, trials->relays);
    trials->merged_rules = trials->digest->shelf->count;
    return 0;
}

/* ---- One policy. */

static struct bounded whole(const struct cell *cell)
{
    return (struct bounded){ cell_round(cell), cell->low, cell->high };
}

static void put_harms(struct sweep_row *row, const struct harm_cells *harms)
{
    for (int harm = 0; harm < HARMS; harm++) {
        row->wanted[harm] = whole(&harms->wanted[harm]);
        row->presumed[harm] = whole(&harms->presumed[harm]);
    }
}

static void put_tally(struct sweep_row *row, const struct tally *tally)
{
    row->units = tally->units;
    row->stopped = (struct bounded){ tally->stopped, tally->stopped_low, tally->stopped_high };
    row->delayed = tally->delayed;
    row->delay_minutes = tally->delay_minutes_median;
    row->delay_90 = tally->delay_minutes_90;
}

/* On all attempts. */
static int try_whole(const struct trials *trials, const struct policy *policy, struct sweep_row *row,
                     struct tally *tally, struct harm_cells *by_rule, struct why *why)
{
    struct walk walk;
    if (walk_shelved(&walk, trials->shelf, policy, why) < 0)
        return -1;
    struct estimate *estimate = estimate_new(&walk);
    replay_count(walk.columns, &walk, estimate, trials->options, NULL, tally);
    struct harm_cells harms = harms_count(&walk, estimate, &trials->wanted, by_rule);
    row->costs = costs_of(&walk, estimate);
    put_tally(row, tally);
    put_harms(row, &harms);
    estimate_free(estimate);
    walk_free(&walk);
    return 0;
}

static bool knows_merged(const struct trials *trials, const struct walk *walk)
{
    for (size_t r = 0; r < walk->policy->rule_count; r++)
        if (walk->judged[r]->number >= trials->merged_rules)
            return false;
    return trials->merged_rules > 0;
}

static void find_condensed(struct trials *trials)
{
    const struct columns *columns = trials->columns;
    struct condensed *condensed = &trials->condensed;
    *condensed = (struct condensed){ .from = USEC_NONE, .to = USEC_NONE, .open = replay_open(columns) };
    for (uint32_t a = 0; a < columns->attempt_count; a++) {
        usec start = columns->started[columns->session[a]];
        if (!unit_begins(columns, trials->options->unit, a) || !unit_in_period(columns, trials->options, a))
            continue;
        condensed->from = condensed->from == USEC_NONE || start < condensed->from ? start : condensed->from;
        condensed->to = condensed->to == USEC_NONE || start > condensed->to ? start : condensed->to;
    }
    trials->has_condensed = true;
}

/* Without state one of each class stands for all that are like it. */
static void count_classes(const struct trials *trials, struct walk *walk, const struct classes *classes,
                          struct costs *costs, struct harm_cells *harms, struct tally *tally)
{
    struct estimate *estimate = estimate_new(walk);
    for (size_t i = 0; i < classes->walked_count; i++)
        walk_unit(walk, classes->walked[i]);
    replay_count_condensed(walk->columns, walk, estimate, trials->options, &trials->condensed, tally);
    for (size_t i = 0; i < classes->unit_count; i++) {
        const struct unit_class *like = &classes->unit[i];
        harms_add(harms, walk, estimate, like->first, like->signs, like->times);
    }
    for (size_t i = 0; i < classes->session_count; i++) {
        const struct session_class *like = &classes->session[i];
        costs_add(costs, walk, estimate, like->session, &classes->size[like->sizes], (double)like->times);
    }
    estimate_free(estimate);
}

static void make_stateful(struct trials *trials, const struct classes *classes)
{
    stateful_free(trials->stateful);
    trials->stateful = stateful_new(trials->shelf, trials->digest, classes, &trials->wanted);
    trials->stateful_for = classes;
}

/* On the digest. */
static void try_digest(struct trials *trials, struct walk *walk, struct sweep_row *row, struct tally *tally,
                       struct harm_cells *by_rule)
{
    const struct classes *classes = knows_merged(trials, walk) ? &trials->merged : &trials->digest->classes;
    struct harm_cells harms = { .by_rule = by_rule };
    if (!trials->has_condensed)
        find_condensed(trials);
    trials->condensed.classes = classes;
    trials->condensed.times = trials->digest->times;
    walk->attempt = trials->attempt;
    walk->delivery = walk->by_delivery ? trials->delivery : NULL;
    if (walk->stateful) {
        if (trials->stateful_for != classes)
            make_stateful(trials, classes);
        stateful_try(trials->stateful, walk, trials->condensed, &row->costs, &harms, tally);
    } else {
        count_classes(trials, walk, classes, &row->costs, &harms, tally);
    }
    put_tally(row, tally);
    put_harms(row, &harms);
    walk->attempt = walk->delivery = NULL; /* they are not the walk's */
}

static size_t count_measures(const struct policy *policy)
{
    size_t count = 0;
    for (size_t r = 0; r < policy->rule_count; r++)
        count += !rule_warns(&policy->rules[r]);
    return count;
}

/* What of a rule makes a difference to a row. */
struct essence {
    const struct judged *judged; /* measure, parameters, exemptions and stage */
    double cost;
    uint64_t reply;
};

/* The number of a policy: those that do the same have the same. Rules that only warn do nothing, but their
 * asking costs. */
static uint32_t number_of(struct trials *trials, const struct walk *walk)
{
    const struct policy *policy = walk->policy;
    struct essence essence[RULES_MOST + 1];
    memset(essence, 0, sizeof essence);
    for (size_t k = 0; k < policy->rule_count; k++) {
        const struct rule *rule = &policy->rules[walk->steps[k].rule];
        essence[k].judged = walk->judged[walk->steps[k].rule];
        essence[k].cost = cost_of_asking(rule);
        essence[k].reply = (uint64_t)rule->reply << 1 | rule_warns(rule);
    }
    struct str bytes = { (const char *)essence, policy->rule_count * sizeof *essence };
    return names_add(&trials->seen, bytes);
}

/* Prepares the walk on the digest, or leaves it empty where that does not tell. */
static int prepare(struct trials *trials, const struct policy *policy, struct walk *walk, struct why *why)
{
    *walk = (struct walk){ 0 };
    if (check_size(policy, why) < 0)
        return -1;
    if (!is_digested(trials, policy))
        return 0;
    if (tell_apart(trials, policy) || !trials->digest)
        make_digest(trials, trials->digest ? trials->relays : &policy->trusted_relays);
    if (!networks_equal(trials->relays, &policy->trusted_relays))
        return 0;
    return walk_prepare(walk, trials->digest->shelf, policy, why);
}

int trials_try_rules(struct trials *trials, const struct policy *policy, struct sweep_row *row,
                     struct tally *tally, struct harm_cells *by_rule, struct why *why)
{
    struct walk walk;
    struct tally own = { 0 }, *to = tally ? tally : &own;
    int result = 0;
    if (prepare(trials, policy, &walk, why) < 0)
        return -1;
    bool digested = walk.policy && (!tally || trials->options->by == SLICE_NONE);
    size_t before = trials->seen.count;
    uint32_t number = walk.policy ? number_of(trials, &walk) : NAME_NONE;
    *row = (struct sweep_row){ .delay_minutes = NAN, .delay_90 = NAN };
    if (!tally && !by_rule && number != NAME_NONE && number < before) {
        *row = trials->seen_row[number].row;
    } else if (digested) {
        try_digest(trials, &walk, row, to, by_rule);
    } else {
        result = try_whole(trials, policy, row, to, by_rule, why);
    }
    if (number != NAME_NONE && number == before) {
        mem_room(trials->seen_row, trials->seen_room, trials->seen.count);
        trials->seen_row[number] = (struct seen){ policy, *row };
    }
    row->measures = count_measures(policy);
    tally_free(&own);
    walk_free(&walk);
    return result;
}

int trials_try(struct trials *trials, const struct policy *policy, struct sweep_row *row, struct tally *tally,
               struct why *why)
{
    return trials_try_rules(trials, policy, row, tally, NULL, why);
}

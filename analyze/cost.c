/* Costs: by session, which of its attempts reach which rule. */
#include "analyze/cost.h"

#include <math.h>
#include <stdlib.h>
#include "analyze/units.h"

double cost_of_asking(const struct rule *rule)
{
    const struct measure *measure = rule->measure;
    if (!isnan(rule->cost))
        return rule->cost;
    if (measure->look_ups_of)
        return measure->look_ups_of(rule->parameters);
    return measure->look_ups + measure->seconds;
}

bool cost_is_seconds(const struct rule *rule)
{
    return rule->measure->seconds > 0;
}

/* How surely something is so. */
struct surely {
    double share;
    bool certain, possible;
};

static void either(struct surely *sum, struct surely one)
{
    sum->share = one.share > sum->share ? one.share : sum->share;
    sum->certain = sum->certain || one.certain;
    sum->possible = sum->possible || one.possible;
}

static void cost_add(struct cost *cost, struct surely surely, double each)
{
    cost->expected += surely.share * each;
    cost->low += surely.certain ? each : 0;
    cost->high += surely.possible ? each : 0;
}

struct costing {
    const struct walk *walk;
    struct estimate *estimate;
    double each[RULES_MOST];
    double mean_size;
    const double *sizes; /* of the session's messages; NULL: as recorded */
    struct costs costs;
};

/* Whether an attempt comes, certainly (2) or possibly (1): where those before it in its delivery were put
 * off. */
static uint8_t alive_of(const struct walk *walk, uint32_t attempt)
{
    const struct columns *columns = walk->columns;
    uint32_t head = attempt;
    uint8_t alive = 2;
    while (walk->by_delivery && columns->before[head] != NO_ATTEMPT)
        head = columns->before[head];
    for (uint32_t a = head; a != attempt && alive; a = columns->after[a]) {
        bool ends = false, goes_on = walk_goes_on(walk, a, &ends);
        alive = !goes_on ? 0 : ends ? 1 : alive;
    }
    return alive;
}

/* How surely an attempt reaches each step, and (at rule_count) the end of the message. */
static void reach(struct costing *costing, uint32_t attempt, struct surely reached[RULES_MOST + 1])
{
    const struct walk *walk = costing->walk;
    outcomes set = walk->attempt[attempt];
    uint8_t alive = alive_of(walk, attempt);
    struct surely now = { alive ? alive / 2.0 : 0, alive == 2, alive > 0 };
    bool open = (set & (set - 1)) != 0;
    if (set == OUTCOME(OUTCOME_RELAYED)) { /* no measure is asked about what a trusted relay brings */
        for (size_t k = 0; k < walk->policy->rule_count; k++)
            reached[k] = (struct surely){ 0, false, false };
        reached[walk->policy->rule_count] = now;
        return;
    }
    double share[64] = { 0 };
    if (open)
        estimate_share(costing->estimate, set, attempt, share);
    double come = now.share;
    struct surely at_end = { 0, false, false };
    bool past = false;
    for (size_t k = 0; k < walk->policy->rule_count; k++) {
        uint32_t r = walk->steps[k].rule;
        if (walk->steps[k].stage >= STAGE_EOM && !past) {
            at_end = now;
            past = true;
        }
        reached[k] = bits_get(&walk->applies[r], attempt) ? now : (struct surely){ 0, false, false };
        if (!(set >> r & 1))
            continue;
        outcomes later = set & ~OUTCOME(r); /* what it has not decided yet */
        for (size_t before = 0; before < k; before++)
            later &= ~OUTCOME(walk->steps[before].rule);
        now.certain = false;
        now.possible = now.possible && later;
        now.share -= open ? come * share[r] : come;
        now.share = now.share > 0 && now.possible ? now.share : 0;
    }
    reached[walk->policy->rule_count] = past ? at_end : now;
    if (walk->columns->reached[attempt] < STAGE_EOM)
        reached[walk->policy->rule_count] = (struct surely){ 0, false, false };
}

/* What reaches the end of a message, and the scanners there. */
static void add_message(struct costing *costing, const struct surely reached[RULES_MOST + 1], double size)
{
    const struct policy *policy = costing->walk->policy;
    struct surely end = reached[policy->rule_count];
    cost_add(&costing->costs.messages, end, 1);
    cost_add(&costing->costs.bytes, end, size);
    for (size_t k = 0; k < policy->rule_count; k++)
        if (cost_is_seconds(&policy->rules[costing->walk->steps[k].rule]))
            cost_add(&costing->costs.seconds, reached[k], costing->each[k]);
}

/* A session's rules that ask about its client are asked at most once, those of a message once for all its
 * recipients. */
static void add_session(struct costing *costing, uint32_t s)
{
    const struct columns *columns = costing->walk->columns;
    const struct policy *policy = costing->walk->policy;
    size_t count = policy->rule_count;
    struct surely session[RULES_MOST] = { { 0, false, false } };
    uint32_t end = columns->first_attempt[s + 1];
    size_t number = 0;
    for (uint32_t a = columns->first_attempt[s]; a < end;) {
        struct surely message[RULES_MOST + 1] = { { 0, false, false } };
        uint32_t known = columns->size[a], first = a;
        double size = costing->sizes            ? costing->sizes[number++]
                      : known == SIZE_NOT_KNOWN ? costing->mean_size
                                                : known;
        for (; a < end && columns->transaction[a] == columns->transaction[first]; a++) {
            struct surely one[RULES_MOST + 1];
            reach(costing, a, one);
            for (size_t k = 0; k <= count; k++)
                either(&message[k], one[k]);
            for (size_t k = 0; k < count; k++) {
                const struct rule *rule = &policy->rules[costing->walk->steps[k].rule];
                if (rule->measure->stage == STAGE_RCPT && !cost_is_seconds(rule))
                    cost_add(&costing->costs.look_ups, one[k], costing->each[k]);
            }
        }
        for (size_t k = 0; k < count; k++) {
            const struct rule *rule = &policy->rules[costing->walk->steps[k].rule];
            if (rule->measure->stage <= STAGE_HELO)
                either(&session[k], message[k]);
            else if (rule->measure->stage != STAGE_RCPT && !cost_is_seconds(rule))
                cost_add(&costing->costs.look_ups, message[k], costing->each[k]);
        }
        add_message(costing, message, size);
    }
    for (size_t k = 0; k < count; k++)
        if (!cost_is_seconds(&policy->rules[costing->walk->steps[k].rule]))
            cost_add(&costing->costs.look_ups, session[k], costing->each[k]);
}

double cost_mean_size(const struct columns *columns)
{
    uint64_t known = 0, bytes = 0;
    for (size_t a = 0; a < columns->attempt_count; a++)
        if (columns->size[a] != SIZE_NOT_KNOWN) {
            known++;
            bytes += columns->size[a];
        }
    return known ? (double)bytes / (double)known : 0;
}

static void find_each(struct costing *costing)
{
    const struct walk *walk = costing->walk;
    for (size_t k = 0; k < walk->policy->rule_count; k++)
        costing->each[k] = cost_of_asking(&walk->policy->rules[walk->steps[k].rule]);
}

struct costs costs_of(const struct walk *walk, struct estimate *estimate)
{
    const struct columns *columns = walk->columns;
    struct costing costing = { .walk = walk, .estimate = estimate, .mean_size = cost_mean_size(columns) };
    find_each(&costing);
    for (uint32_t s = 0; s < columns->session_count; s++)
        if (unit_in_period(columns, walk->options, columns->first_attempt[s]))
            add_session(&costing, s);
    return costing.costs;
}

static void scale(struct cost *sum, const struct cost *one, double times)
{
    sum->expected += one->expected * times;
    sum->low += one->low * times;
    sum->high += one->high * times;
}

void costs_add(struct costs *costs, const struct walk *walk, struct estimate *estimate, uint32_t session,
               const double *sizes, double times)
{
    struct costing costing = { .walk = walk, .estimate = estimate, .sizes = sizes };
    find_each(&costing);
    add_session(&costing, session);
    scale(&costs->look_ups, &costing.costs.look_ups, times);
    scale(&costs->messages, &costing.costs.messages, times);
    scale(&costs->bytes, &costing.costs.bytes, times);
    scale(&costs->seconds, &costing.costs.seconds, times);
}

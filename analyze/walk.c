/* The walk (semantics.md sections 3 and 5).
 *
 * First each rule is judged on all attempts from evidence alone, into bit sets. Then the attempts are taken
 * in order of time, each through the rules in the order in which they act; measures with state are asked on
 * the way, about those attempts only that may have reached them. By delivery an attempt is walked if the ones
 * before it in its chain may have been put off. Nothing here knows a measure by name. */
#include "analyze/walk.h"

#include <stdlib.h>
#include "analyze/lists.h"
#include "analyze/measure/parameters.h"

static bool is_maybe(const struct walk *walk, uint32_t r, uint32_t attempt)
{
    return walk->maybe[r].count && bits_get(&walk->maybe[r], attempt);
}

static enum tri verdict_of(const struct walk *walk, uint32_t r, uint32_t attempt)
{
    return !bits_get(&walk->known[r], attempt) ? UNKNOWN : bits_get(&walk->hit[r], attempt) ? YES : NO;
}

static bool is_deferred(const struct columns *columns, uint32_t attempt)
{
    return columns->answer[attempt] == ANSWER_DEFERRED || columns->answer[attempt] == ANSWER_DROPPED;
}

bool walk_puts_off(const struct walk *walk, uint32_t r, uint32_t attempt)
{
    const struct rule *rule = &walk->policy->rules[r];
    enum reply_class reply = rule->reply;
    if (reply == REPLY_DEFAULT && walk->columns->named[attempt] == rule->measure->named)
        return is_deferred(walk->columns, attempt);
    if (reply == REPLY_DEFAULT)
        reply = rule->measure->reply;
    return reply != REPLY_5XX;
}

/* What is under way with one attempt. */
struct passage {
    outcomes stopped;       /* by these rules, possibly */
    bool certain, possible; /* it goes on to the next rule */
    bool put_off;           /* possibly, by any of them */
};

static enum tri ask_state(struct walk *walk, uint32_t r, uint32_t attempt, bool certain)
{
    const struct columns *columns = walk->columns;
    if (!bits_get(&walk->applies[r], attempt))
        return NO;
    uint32_t s = columns->session[attempt], network = columns->network[columns->client[s]];
    uint32_t operator_name = columns->operator_of[s];
    bool maybe = is_maybe(walk, r, attempt);
    if (walk->stand) {
        walk->stand->asks = true;
        walk->stand->certain = certain && !maybe;
        return maybe && walk->stand->answer == YES ? UNKNOWN : walk->stand->answer;
    }
    bool spoiled = bits_get(&walk->net_spoiled[r], network) ||
                   (operator_name != NAME_NONE && bits_get(&walk->operator_spoiled[r], operator_name));
    struct asking asking = {
        .judging = &walk->judging[r],
        .attempt = attempt,
        .judged = attempt,
        .certain = certain && !maybe,
        .as_recorded = !spoiled,
        .by_delivery = walk->by_delivery,
        .verdict = verdict_of(walk, r, attempt),
    };
    enum tri verdict = walk->state[r]->ask(walk->held[r], &asking);
    return maybe && verdict == YES ? UNKNOWN : verdict;
}

static void stop(const struct walk *walk, struct passage *passage, uint32_t r, uint32_t attempt)
{
    passage->stopped |= OUTCOME(r);
    passage->put_off = passage->put_off || walk_puts_off(walk, r, attempt);
}

static void spoil(struct walk *walk, uint32_t r, uint32_t attempt)
{
    const struct columns *columns = walk->columns;
    uint32_t s = columns->session[attempt];
    if (walk->stand) {
        walk->stand->spoils = true;
        return;
    }
    bits_set(&walk->net_spoiled[r], columns->network[columns->client[s]]);
    if (columns->operator_of[s] != NAME_NONE)
        bits_set(&walk->operator_spoiled[r], columns->operator_of[s]);
}

/* A recorded answer of a measure with state stands only while everything before reached it as in the record.
 */
static void mind_record(struct walk *walk, uint32_t r, uint32_t attempt, bool certain, bool possible)
{
    if (!walk->state[r])
        return;
    enum tri touched = judging_touched(&walk->judging[r], attempt);
    bool known = !is_maybe(walk, r, attempt) || judging_alike(&walk->judging[r], attempt);
    if (touched == YES ? certain && known : touched == NO && !possible)
        return;
    spoil(walk, r, attempt);
}

static struct passage pass_rules(struct walk *walk, uint32_t attempt, bool certain)
{
    struct passage passage = { .certain = certain, .possible = true };
    size_t count = walk->policy->rule_count;
    uint32_t yielding =
        UINT32_MAX; /* a rule that has stopped the attempt unless a later one of its stage does */
    enum tri yielded = NO;
    for (size_t k = 0; k < count; k++) {
        uint32_t r = walk->steps[k].rule;
        const struct rule *rule = &walk->policy->rules[r];
        if (yielding != UINT32_MAX && walk->steps[k].stage != walk->steps[k - 1].stage && passage.possible) {
            stop(walk, &passage, yielding, attempt);
            passage.possible = passage.possible && yielded != YES;
            passage.certain = false;
            yielding = UINT32_MAX;
        }
        bool reaches = passage.possible && (!walk->state[r] || bits_get(&walk->applies[r], attempt));
        enum tri verdict = !passage.possible ? NO
                           : walk->state[r]  ? ask_state(walk, r, attempt, passage.certain)
                                             : verdict_of(walk, r, attempt);
        mind_record(walk, r, attempt, reaches && passage.certain, reaches);
        if (verdict == NO || rule_warns(rule))
            continue;
        if (rule_yields(rule)) {
            yielding = r;
            yielded = verdict;
            continue;
        }
        stop(walk, &passage, r, attempt);
        passage.certain = false;
        passage.possible = verdict == UNKNOWN;
    }
    if (yielding != UINT32_MAX && passage.possible) {
        stop(walk, &passage, yielding, attempt);
        passage.possible = yielded != YES;
        passage.certain = false;
    }
    return passage;
}

/* What an attempt that nothing stops comes to by itself. */
static outcomes end_of(const struct columns *columns, uint32_t attempt)
{
    bool asked = columns->sender[attempt] != NAME_NONE || columns->recipient[attempt] != FACT_ALL ||
                 columns->transaction[attempt] != FACT_ALL;
    if (columns->answer[attempt] == ANSWER_NONE)
        return asked ? OUTCOME(OUTCOME_ABANDONED) : OUTCOME(OUTCOME_NOTHING);
    if (columns->answer[attempt] != ANSWER_ACCEPTED && columns->named[attempt] == NAMED_OTHER)
        return OUTCOME(OUTCOME_OTHER);
    return OUTCOME(OUTCOME_ACCEPTED);
}

outcomes walk_recorded(const struct columns *columns, uint32_t attempt)
{
    outcomes end = end_of(columns, attempt);
    return end == OUTCOME(OUTCOME_ACCEPTED) && columns->answer[attempt] != ANSWER_ACCEPTED
               ? OUTCOME(columns->named[attempt])
               : end;
}

/* Whether a rule with state might stop a retry of this attempt. */
static bool might_stop(const struct walk *walk, uint32_t r, uint32_t attempt)
{
    const struct state *state = walk->state[r];
    return bits_get(&walk->applies[r], attempt) && (!state->might || state->might(walk->held[r], attempt));
}

/* What a retry would get that the record does not show: the same from the measures without state, and those
 * with it are unknown then. */
static outcomes retry_outcomes(const struct walk *walk, uint32_t attempt)
{
    outcomes set = 0, yielded = 0;
    enum stage yield_stage = STAGES;
    for (size_t k = 0; k < walk->policy->rule_count; k++) {
        uint32_t r = walk->steps[k].rule;
        const struct rule *rule = &walk->policy->rules[r];
        if (yielded && walk->steps[k].stage != yield_stage) {
            set |= yielded;
            yielded = 0;
        }
        if (rule_warns(rule))
            continue;
        if (walk->state[r]) {
            if (!might_stop(walk, r, attempt))
                continue;
            if (rule_yields(rule)) {
                yielded = OUTCOME(r);
                yield_stage = walk->steps[k].stage;
            } else {
                set |= OUTCOME(r);
            }
            continue;
        }
        enum tri verdict = verdict_of(walk, r, attempt);
        if (verdict != NO)
            set |= OUTCOME(r);
        if (verdict == YES)
            return set;
    }
    return set | yielded | end_of(walk->columns, attempt);
}

/* The rules with state that come before rule r: those that act before it, and do not yield to it. */
static outcomes stateful_before(const struct walk *walk, uint32_t r, uint32_t attempt)
{
    outcomes set = 0, yielding = 0;
    enum stage stage = STAGES;
    for (size_t k = 0; k < walk->policy->rule_count; k++) {
        uint32_t other = walk->steps[k].rule;
        if (walk->steps[k].stage != stage) {
            set |= yielding;
            yielding = 0;
            stage = walk->steps[k].stage;
        }
        if (other == r)
            break;
        if (walk->state[other] && bits_get(&walk->applies[other], attempt) &&
            !rule_warns(&walk->policy->rules[other]))
            *(rule_yields(&walk->policy->rules[other]) ? &yielding : &set) |= OUTCOME(other);
    }
    return set;
}

bool walk_goes_by_address(const struct walk *walk, uint32_t rule)
{
    const struct rule *by = &walk->policy->rules[rule];
    return by->measure == &measure_greylist
               ? ((const struct greylist_parameters *)by->parameters)->key & 1u << KEY_CLIENT
               : true;
}

enum habit walk_habit(const struct walk *walk, uint32_t rule, uint32_t attempt)
{
    bool address = walk_goes_by_address(walk, rule);
    if (!walk->habits)
        return address ? walk->habit_of_address : walk->habit_of_network;
    return habit_of(walk->habits, attempt, address);
}

/* What becomes of a delivery that rule r puts off at its last recorded attempt (semantics.md section 5). */
static outcomes after_last(const struct walk *walk, uint32_t r, uint32_t attempt)
{
    const struct columns *columns = walk->columns;
    if (is_deferred(columns, attempt)) {
        bool told = columns->sender[attempt] != NAME_NONE && columns->address_of[attempt] != NAME_NONE;
        bool closed = columns->at[attempt] + columns->retry_window <= columns->to;
        if (told && closed)
            return OUTCOME(r);
        /* Back later: past the state, and then what the other measures say to that attempt. */
        return OUTCOME(r) |
               (walk->stateful >> r & 1 ? retry_outcomes(walk, attempt)
                                        : OUTCOME(OUTCOME_ACCEPTED) | stateful_before(walk, r, attempt));
    }
    if (walk->stateful >> r & 1) {
        outcomes retried = retry_outcomes(walk, attempt);
        enum habit habit = walk->options->assume_habits ? walk_habit(walk, r, attempt) : HABIT_UNKNOWN;
        return habit == HABIT_GIVES_UP  ? OUTCOME(r)
               : habit == HABIT_RETRIES ? retried & ~walk->stateful
                                        : OUTCOME(r) | retried;
    }
    return OUTCOME(r) | stateful_before(walk, r, attempt);
}

/* What the delivery comes to when an attempt of it is not stopped: what its last recorded attempt did. */
static outcomes end_of_chain(const struct columns *columns, uint32_t attempt)
{
    while (columns->after[attempt] != NO_ATTEMPT)
        attempt = columns->after[attempt];
    return end_of(columns, attempt);
}

outcomes walk_leads(const struct walk *walk, uint32_t attempt, unsigned outcome, bool *goes_on)
{
    const struct columns *columns = walk->columns;
    bool last = columns->after[attempt] == NO_ATTEMPT;
    *goes_on = false;
    if (outcome < RULES_MOST) {
        if (!walk_puts_off(walk, outcome, attempt))
            return OUTCOME(outcome);
        *goes_on = !last;
        return last ? after_last(walk, outcome, attempt) : 0;
    }
    if (outcome == OUTCOME_RELAYED)
        return OUTCOME(OUTCOME_RELAYED);
    *goes_on = !last && (outcome == OUTCOME_ABANDONED || outcome == OUTCOME_NOTHING ||
                         (outcome == OUTCOME_OTHER && is_deferred(columns, attempt)));
    return *goes_on ? 0 : end_of_chain(columns, attempt);
}

bool walk_goes_on(const struct walk *walk, uint32_t attempt, bool *ends)
{
    bool goes_on = false;
    *ends = false;
    for (outcomes left = walk->attempt[attempt]; left; left &= left - 1) {
        bool on = false;
        walk_leads(walk, attempt, (unsigned)__builtin_ctzll(left), &on);
        goes_on = goes_on || on;
        *ends = *ends || !on;
    }
    return goes_on;
}

static enum alive walk_delivery(struct walk *walk, uint32_t attempt, enum alive alive, outcomes *delivery)
{
    const struct columns *columns = walk->columns;
    struct passage passage = pass_rules(walk, attempt, alive == ALIVE);
    bool goes_on = false, ends = false;
    outcomes set = passage.stopped | (passage.possible ? end_of(columns, attempt) : 0);
    walk->attempt[attempt] = set;
    for (outcomes left = set; left; left &= left - 1) {
        bool on = false;
        *delivery |= walk_leads(walk, attempt, (unsigned)__builtin_ctzll(left), &on);
        goes_on = goes_on || on;
        ends = ends || !on;
    }
    if (walk->stand && passage.put_off && !is_deferred(columns, attempt)) {
        walk->stand->newly_off = true;
    } else if (passage.put_off && !is_deferred(columns, attempt)) {
        for (uint32_t r = 0; r < walk->policy->rule_count; r++) {
            if (!walk->state[r])
                continue;
            spoil(walk, r, attempt); /* newly put off */
            struct asking asking = { .judging = &walk->judging[r],
                                     .attempt = attempt,
                                     .judged = attempt,
                                     .by_delivery = true,
                                     .verdict = verdict_of(walk, r, attempt) };
            if (bits_get(&walk->applies[r], attempt))
                walk->state[r]->retry(walk->held[r], &asking);
        }
    }
    return goes_on ? (ends || alive != ALIVE ? MAYBE_ALIVE : ALIVE) : ENDED;
}

static bool is_relayed(const struct walk *walk, uint32_t attempt)
{
    const struct columns *columns = walk->columns;
    return walk->policy->trusted_relays.count &&
           networks_hold(&walk->policy->trusted_relays,
                         &columns->address[columns->client[columns->session[attempt]]]);
}

static void walk_lone(struct walk *walk, uint32_t attempt)
{
    struct passage passage = pass_rules(walk, attempt, true);
    walk->attempt[attempt] = passage.stopped | (passage.possible ? end_of(walk->columns, attempt) : 0);
}

void walk_unit(struct walk *walk, uint32_t first)
{
    enum alive now = ALIVE;
    if (!walk->by_delivery) {
        if (is_relayed(walk, first))
            walk->attempt[first] = OUTCOME(OUTCOME_RELAYED);
        else
            walk_lone(walk, first);
        return;
    }
    walk->delivery[first] = 0;
    for (uint32_t a = first; a != NO_ATTEMPT; a = walk->columns->after[a]) {
        outcomes ended = 0, *delivery = now == ENDED ? &ended : &walk->delivery[first];
        if (is_relayed(walk, a)) {
            walk->attempt[a] = OUTCOME(OUTCOME_RELAYED);
            *delivery |= OUTCOME(OUTCOME_RELAYED);
            now = ENDED;
            continue;
        }
        enum alive next = walk_delivery(walk, a, now, delivery);
        now = now == ENDED ? ENDED : next;
    }
}

enum alive walk_stand(struct walk *walk, uint32_t attempt, enum alive alive, struct stand *stand,
                      outcomes *delivery)
{
    outcomes ended = 0;
    *stand = (struct stand){ .answer = stand->answer };
    if (is_relayed(walk, attempt)) {
        walk->attempt[attempt] = OUTCOME(OUTCOME_RELAYED);
        *delivery |= alive != ENDED ? OUTCOME(OUTCOME_RELAYED) : 0;
        return ENDED;
    }
    walk->stand = stand;
    enum alive next = walk_delivery(walk, attempt, alive, alive == ENDED ? &ended : delivery);
    walk->stand = NULL;
    return alive == ENDED ? ENDED : next;
}

static void walk_attempts(struct walk *walk)
{
    const struct columns *columns = walk->columns;
    bool by_delivery = walk->by_delivery;
    uint32_t *order = columns_in_time(columns);
    uint32_t *head = by_delivery ? mem_alloc(columns->attempt_count * sizeof *head) : NULL;
    uint8_t *alive = by_delivery ? mem_zero(columns->attempt_count, 1) : NULL;
    for (size_t k = 0; k < columns->attempt_count; k++) {
        uint32_t a = order[k];
        bool first = columns->before[a] == NO_ATTEMPT;
        if (by_delivery)
            head[a] = first ? a : head[columns->before[a]];
        if (is_relayed(walk, a)) { /* a chain of which an attempt came through a relay ends there */
            walk->attempt[a] = OUTCOME(OUTCOME_RELAYED);
            if (by_delivery && (first || alive[a] != ENDED))
                walk->delivery[head[a]] |= OUTCOME(OUTCOME_RELAYED);
            continue;
        }
        if (!by_delivery) {
            walk_lone(walk, a);
            continue;
        }
        /* one that would not have come may have come for another message of the same key */
        enum alive now = first ? ALIVE : (enum alive)alive[a];
        outcomes ended = 0;
        enum alive next = walk_delivery(walk, a, now, now == ENDED ? &ended : &walk->delivery[head[a]]);
        next = now == ENDED ? ENDED : next;
        if (columns->after[a] != NO_ATTEMPT)
            alive[columns->after[a]] = (uint8_t)next;
    }
    free(order);
    free(head);
    free(alive);
}

static void prepare_rule(struct walk *walk, size_t k)
{
    uint32_t r = walk->steps[k].rule;
    const struct rule *rule = &walk->policy->rules[r];
    struct judged *judged = shelf_judge(walk->shelf, walk->policy, rule, walk->steps[k].stage);
    walk->judging[r] = (struct judging){ walk->columns, walk->record, walk->policy, rule, NULL, NULL };
    walk->state[r] = rule_state(rule);
    walk->judged[r] = judged;
    walk->hit[r] = judged->hit;
    walk->known[r] = judged->known;
    walk->applies[r] = judged->applies;
    walk->maybe[r] = judged->maybe;
    walk->judging[r].hit = &walk->hit[r];
    walk->judging[r].known = &walk->known[r];
    walk->stateful |= walk->state[r] ? OUTCOME(r) : 0;
}

int walk_prepare(struct walk *walk, struct shelf *shelf, const struct policy *policy, struct why *why)
{
    size_t rules = policy->rule_count;
    *walk = (struct walk){ 0 };
    if (rules > RULES_MOST)
        return why_set(why, EX_DATAERR, "%.*s: more than %d measures in one policy", STR_ARG(policy->name),
                       RULES_MOST);
    walk->columns = shelf->columns;
    walk->policy = policy;
    walk->options = shelf->options;
    walk->shelf = shelf;
    walk->by_delivery = shelf->options->unit == UNIT_DELIVERY;
    walk->record = shelf->record;
    walk->judging = mem_zero(rules, sizeof *walk->judging);
    walk->steps = mem_zero(rules, sizeof *walk->steps);
    walk->judged = mem_zero(rules, sizeof *walk->judged);
    walk->hit = mem_zero(rules, sizeof *walk->hit);
    walk->known = mem_zero(rules, sizeof *walk->known);
    walk->applies = mem_zero(rules, sizeof *walk->applies);
    walk->maybe = mem_zero(rules, sizeof *walk->maybe);
    walk->state = mem_zero(rules, sizeof *walk->state);
    walk->held = mem_zero(rules, sizeof *walk->held);
    walk->net_spoiled = mem_zero(rules, sizeof *walk->net_spoiled);
    walk->operator_spoiled = mem_zero(rules, sizeof *walk->operator_spoiled);
    policy_steps(policy, walk->steps);
    for (size_t k = 0; k < rules; k++)
        prepare_rule(walk, k);
    walk->habits = walk->stateful ? shelf_habits(shelf) : NULL;
    return 0;
}

int walk_shelved(struct walk *walk, struct shelf *shelf, const struct policy *policy, struct why *why)
{
    const struct columns *columns = shelf->columns;
    if (walk_prepare(walk, shelf, policy, why) < 0)
        return -1;
    walk->attempt = mem_zero(columns->attempt_count, sizeof *walk->attempt);
    walk->delivery = walk->by_delivery ? mem_zero(columns->attempt_count, sizeof *walk->delivery) : NULL;
    for (size_t r = 0; r < policy->rule_count; r++) {
        if (!walk->state[r])
            continue;
        walk->held[r] = walk->state[r]->begin(&walk->judging[r]);
        walk->net_spoiled[r] = bits_new(columns->network_count);
        walk->operator_spoiled[r] = bits_new(columns->names.count);
    }
    walk_attempts(walk);
    return 0;
}

int walk_run(struct walk *walk, const struct columns *columns, const struct policy *policy,
             const struct replay_options *options, struct why *why)
{
    struct shelf *shelf = shelf_new(columns, options);
    int result = walk_shelved(walk, shelf, policy, why);
    if (result < 0)
        shelf_free(shelf);
    else
        walk->own_shelf = true;
    return result;
}

void walk_free(struct walk *walk)
{
    for (size_t r = 0; walk->policy && r < walk->policy->rule_count; r++) {
        bits_free(&walk->net_spoiled[r]);
        bits_free(&walk->operator_spoiled[r]);
        if (walk->state[r] && walk->held[r])
            walk->state[r]->end(walk->held[r]);
    }
    if (walk->own_shelf)
        shelf_free(walk->shelf);
    free(walk->judging);
    free(walk->steps);
    free(walk->judged);
    free(walk->hit);
    free(walk->known);
    free(walk->applies);
    free(walk->maybe);
    free(walk->state);
    free(walk->held);
    free(walk->net_spoiled);
    free(walk->operator_spoiled);
    free(walk->attempt);
    free(walk->delivery);
    *walk = (struct walk){ 0 };
}

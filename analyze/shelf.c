/* The shelf. */
#include "analyze/shelf.h"

#include <assert.h>
#include <stdlib.h>
#include "analyze/estimate.h"
#include "analyze/measure/parameters.h"

/* Verdicts while they are being worked out: an enum tri, and whether the rule is asked at all. */
enum { JUDGED_VERDICT = 3, JUDGED_NOT_ASKED = 4 };

struct shelf *shelf_new(const struct columns *columns, const struct replay_options *options)
{
    struct shelf *shelf = mem_zero(1, sizeof *shelf);
    shelf->columns = columns;
    shelf->options = options;
    shelf->record = record_new(columns, options);
    shelf->strata = strata_new(columns);
    return shelf;
}

struct habits *shelf_habits(struct shelf *shelf)
{
    if (!shelf->habits && !shelf->times && shelf->options->unit == UNIT_DELIVERY)
        shelf->habits = habits_new(shelf->columns);
    return shelf->habits;
}

struct shelf *shelf_part(const struct shelf *whole, const struct columns *part, const uint32_t *times)
{
    struct shelf *shelf = mem_zero(1, sizeof *shelf);
    shelf->columns = part;
    shelf->options = whole->options;
    shelf->record = record_share(whole->record, part);
    shelf->strata = strata_new(part);
    shelf->times = times;
    return shelf;
}

void shelf_free(struct shelf *shelf)
{
    if (!shelf)
        return;
    for (size_t i = 0; i < shelf->count; i++) {
        struct judged *judged = shelf->judged[i];
        bits_free(&judged->hit);
        bits_free(&judged->known);
        bits_free(&judged->applies);
        bits_free(&judged->maybe);
        rates_free(judged->rates);
        free(judged);
    }
    record_free(shelf->record);
    habits_free(shelf->habits);
    strata_free(shelf->strata);
    free(shelf->judged);
    free(shelf);
}

static struct judged *shelf_find(const struct shelf *shelf, const struct policy *policy,
                                 const struct rule *rule, enum stage stage)
{
    for (size_t i = 0; i < shelf->count; i++) {
        struct judged *judged = shelf->judged[i];
        if (judged->stage == stage && rules_judge_alike(judged->policy, judged->rule, policy, rule))
            return judged;
    }
    return NULL;
}

static struct judged *shelf_add(struct shelf *shelf, const struct policy *policy, const struct rule *rule,
                                enum stage stage)
{
    size_t attempts = shelf->columns->attempt_count;
    struct judged *judged = mem_zero(1, sizeof *judged);
    mem_room(shelf->judged, shelf->room, shelf->count + 1);
    *judged = (struct judged){ .policy = policy,
                               .rule = rule,
                               .stage = stage,
                               .number = shelf->count,
                               .hit = bits_new(attempts),
                               .known = bits_new(attempts),
                               .applies = bits_new(attempts),
                               .maybe = bits_new(rule_may_wonder(policy, rule) ? attempts : 0) };
    shelf->judged[shelf->count++] = judged;
    return judged;
}

/* ---- Judging. */

const struct state *rule_state(const struct rule *rule)
{
    size_t at = rule->measure->remember_at;
    bool remembers = at && *(const usec *)(const void *)((const char *)rule->parameters + at) > 0;
    return remembers ? &state_remember : rule->measure->state;
}

/* Within a chain some evidence is known from whichever attempt shows it (semantics.md section 2), asked or
 * not.
 */
static void share_in_chains(const struct columns *columns, uint8_t *judged)
{
    for (uint32_t head = 0; head < columns->attempt_count; head++) {
        if (columns->before[head] != NO_ATTEMPT || columns->after[head] == NO_ATTEMPT)
            continue;
        uint8_t shown = UNKNOWN;
        for (uint32_t a = head; a != NO_ATTEMPT && shown == UNKNOWN; a = columns->after[a])
            shown = judged[a] & JUDGED_VERDICT;
        for (uint32_t a = head; a != NO_ATTEMPT; a = columns->after[a]) {
            uint8_t own = judged[a] & JUDGED_VERDICT;
            shown = own == UNKNOWN ? shown : own;
            judged[a] = (uint8_t)((judged[a] & JUDGED_NOT_ASKED) | shown);
        }
    }
}

static void judge_all(const struct shelf *shelf, const struct judging *judging, struct judged *to)
{
    const struct columns *columns = shelf->columns;
    bool shared = shelf->options->unit == UNIT_DELIVERY && to->rule->measure->in_chain;
    bool with_state = rule_state(to->rule) != NULL;
    uint8_t *judged = mem_alloc(columns->attempt_count);
    for (uint32_t a = 0; a < columns->attempt_count; a++) {
        bool tells = shared && (columns->before[a] != NO_ATTEMPT || columns->after[a] != NO_ATTEMPT);
        enum tri applies = to->stage <= columns->reached[a] ? judging_applies(judging, a) : NO;
        judged[a] = applies != NO ? 0 : JUDGED_NOT_ASKED;
        judged[a] |= (uint8_t)(applies != NO || tells ? judging_verdict(judging, a) : UNKNOWN);
        if (applies != UNKNOWN)
            continue;
        if (judged[a] == YES && !with_state && judging_let_by(judging, a)) {
            judged[a] |= JUDGED_NOT_ASKED; /* the same rule did not hit it: it was exempt */
        } else {
            assert(to->maybe.word); /* else nobody may be exempt */
            bits_set(&to->maybe, a);
        }
    }
    if (shared)
        share_in_chains(columns, judged);
    for (uint32_t a = 0; a < columns->attempt_count; a++) {
        bool asked = !(judged[a] & JUDGED_NOT_ASKED);
        enum tri verdict = asked ? (enum tri)judged[a] : NO;
        if (verdict == YES && !with_state && to->maybe.count && bits_get(&to->maybe, a))
            verdict = UNKNOWN;
        if (verdict == YES)
            bits_set(&to->hit, a);
        if (verdict != UNKNOWN)
            bits_set(&to->known, a);
        if (asked)
            bits_set(&to->applies, a);
    }
    free(judged);
}

struct judged *shelf_judge(struct shelf *shelf, const struct policy *policy, const struct rule *rule,
                           enum stage stage)
{
    const struct judging judging = { shelf->columns, shelf->record, policy, rule, NULL, NULL };
    struct judged *judged = shelf_find(shelf, policy, rule, stage);
    if (judged)
        return judged;
    judged = shelf_add(shelf, policy, rule, stage);
    judge_all(shelf, &judging, judged);
    return judged;
}

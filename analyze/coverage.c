/* How much of what a policy's measures ask is known, from where, and of what the missing leaves most open. A
 * measure is judged three times: from what was recorded of the session alone, with what the server's own
 * policy lets conclude, and with evidence from elsewhere. */
#include <stdlib.h>
#include <string.h>

#include "analyze/walk.h"

struct counting {
    struct columns *columns;
    const struct walk *walk;
    struct coverage *coverage;
    size_t room;
    struct arena *arena;
};

static int64_t month_of(usec at)
{
    int64_t year;
    unsigned month, day;
    clock_date(usec_day(at), &year, &month, &day);
    return year * 12 + (int64_t)month - 1;
}

static struct coverage_row *row_of(struct counting *counting, size_t rule, int64_t month)
{
    struct coverage *coverage = counting->coverage;
    for (size_t i = coverage->count; i-- > 0;)
        if (coverage->row[i].rule == rule && coverage->row[i].month == month)
            return &coverage->row[i];
    mem_room(coverage->row, counting->room, coverage->count + 1);
    coverage->row[coverage->count] = (struct coverage_row){ .rule = rule, .month = month };
    return &coverage->row[coverage->count++];
}

/* Without evidence from elsewhere. */
static enum tri without(struct columns *columns, const struct judging *judging, uint32_t attempt)
{
    uint8_t provided_of[KINDS];
    memcpy(provided_of, columns->provided_of, sizeof provided_of);
    memset(columns->provided_of, 0, sizeof columns->provided_of);
    enum tri verdict = judging_verdict(judging, attempt);
    memcpy(columns->provided_of, provided_of, sizeof provided_of);
    return verdict;
}

static void count(struct counting *counting, uint32_t r, enum stage stage, uint32_t attempt)
{
    struct columns *columns = counting->columns;
    const struct walk *walk = counting->walk;
    const struct rule *rule = &walk->policy->rules[r];
    if (stage > columns->reached[attempt] || rule_applies(columns, walk->policy, rule, attempt) == NO)
        return;
    const struct judging *whole = &walk->judging[r];
    struct judging bare = *whole;
    bare.record = NULL;
    struct coverage_row *row = row_of(counting, r, month_of(columns->started[columns->session[attempt]]));
    bool refused = columns->named[attempt] == rule->measure->named;
    row->units++;
    if (refused || without(columns, &bare, attempt) != UNKNOWN)
        row->recorded++;
    else if (without(columns, whole, attempt) != UNKNOWN)
        row->inferred++;
    else if (judging_verdict(whole, attempt) != UNKNOWN)
        row->enriched++;
    else
        row->unknown++;
}

/* Attempts of which this rule's verdict, were it known, would leave less open. */
static uint64_t undecided_by(const struct walk *walk, uint32_t r)
{
    uint64_t count = 0;
    for (size_t a = 0; a < walk->columns->attempt_count; a++) {
        outcomes set = walk->attempt[a];
        count += (set & (set - 1)) != 0 && set & OUTCOME(r) && !bits_get(&walk->known[r], a);
    }
    return count;
}

int replay_coverage(struct columns *columns, const struct policy *policy,
                    const struct replay_options *options, struct coverage *coverage, struct arena *arena,
                    struct why *why)
{
    struct replay_options by_recipient = *options;
    struct walk walk;
    by_recipient.unit = UNIT_RECIPIENT;
    *coverage =
        (struct coverage){ .undecided = arena_zero(arena, (policy->rule_count + 1) * sizeof(uint64_t)) };
    if (walk_run(&walk, columns, policy, &by_recipient, why) < 0)
        return -1;
    struct counting counting = { .columns = columns, .walk = &walk, .coverage = coverage, .arena = arena };
    for (size_t k = 0; k < policy->rule_count; k++) {
        uint32_t r = walk.steps[k].rule;
        coverage->undecided[r] = undecided_by(&walk, r);
        for (uint32_t a = 0; policy->rules[r].measure->judge && a < columns->attempt_count; a++)
            count(&counting, r, walk.steps[k].stage, a);
    }
    walk_free(&walk);
    return 0;
}

void coverage_free(struct coverage *coverage)
{
    free(coverage->row);
    coverage->row = NULL;
}

/* The shelf. */
#include "analyze/shelf.h"

#include <stdlib.h>
#include "analyze/estimate.h"

struct shelf *shelf_new(const struct columns *columns, const struct replay_options *options)
{
    struct shelf *shelf = mem_zero(1, sizeof *shelf);
    shelf->columns = columns;
    shelf->options = options;
    shelf->record = record_new(columns, options);
    shelf->habits = options->unit == UNIT_DELIVERY ? habits_new(columns) : NULL;
    shelf->strata = strata_new(columns);
    return shelf;
}

void shelf_free(struct shelf *shelf)
{
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

bool rules_judge_alike(const struct policy *policy, const struct rule *rule, const struct policy *other,
                       const struct rule *others)
{
    return rule->measure == others->measure &&
           parameters_equal(rule->measure, rule->parameters, others->parameters) &&
           rule->when.port == others->when.port && str_eq(rule->when.server, others->when.server) &&
           rules_exempt_alike(policy, rule, other, others);
}

struct judged *shelf_find(const struct shelf *shelf, const struct policy *policy, const struct rule *rule,
                          enum stage stage)
{
    for (size_t i = 0; i < shelf->count; i++) {
        struct judged *judged = shelf->judged[i];
        if (judged->stage == stage && rules_judge_alike(judged->policy, judged->rule, policy, rule))
            return judged;
    }
    return NULL;
}

struct judged *shelf_add(struct shelf *shelf, const struct policy *policy, const struct rule *rule,
                         enum stage stage)
{
    size_t attempts = shelf->columns->attempt_count;
    struct judged *judged = mem_zero(1, sizeof *judged);
    mem_room(shelf->judged, shelf->room, shelf->count + 1);
    shelf->judged[shelf->count++] = judged;
    *judged = (struct judged){ .policy = policy, .rule = rule, .stage = stage };
    judged->hit = bits_new(attempts);
    judged->known = bits_new(attempts);
    judged->applies = bits_new(attempts);
    judged->maybe = bits_new(rule_may_wonder(policy, rule) ? attempts : 0);
    return judged;
}

/* A policy that someone else wrote names DNS lists that this site does not ask; then nothing is known of any
 * of them. For a first look it says more to ask the lists that the site itself asks. It also has measures of
 * which the record does not show one client that passes them: each unknown would be halved, and a guess that
 * size says nothing. */
#include <stdlib.h>

#include "analyze/measure/parameters.h"
#include "analyze/record.h"

static bool asks(const struct dnsbl_parameters *dnsbl, struct str zone)
{
    for (size_t i = 0; i < dnsbl->zones.count; i++)
        if (str_eq_nocase(dnsbl->zones.weight[i].name, zone))
            return true;
    return false;
}

/* The zones of which the record holds any evidence. */
static void find_zones(const struct columns *columns, struct names *zones)
{
    for (size_t f = 0; f < columns->fact_count; f++)
        if (columns->fact[f].kind == KIND_DNSBL && columns->fact[f].subject != NAME_NONE)
            names_add(zones, names_text(&columns->names, columns->fact[f].subject));
}

struct str policy_adopt_zones(struct policy *policy, const struct columns *columns)
{
    struct names zones = { 0 };
    struct str list = { NULL, 0 };
    find_zones(columns, &zones);
    for (size_t r = 0; zones.count && r < policy->rule_count; r++) {
        struct rule *rule = &policy->rules[r];
        bool known = rule->measure != &measure_dnsbl;
        for (uint32_t z = 0; z < zones.count && !known; z++)
            known = asks(rule->parameters, names_text(&zones, z));
        if (known)
            continue;
        struct dnsbl_parameters *own = arena_alloc(&policy->arena, sizeof *own);
        *own = *(const struct dnsbl_parameters *)rule->parameters;
        own->threshold = 1;
        own->zones.count = zones.count;
        own->zones.weight = arena_zero(&policy->arena, zones.count * sizeof *own->zones.weight);
        list = STR("");
        for (uint32_t z = 0; z < zones.count; z++) {
            struct str zone = arena_str(&policy->arena, names_text(&zones, z));
            own->zones.weight[z] = (struct weight){ .name = zone, .weight = 1 };
            list = arena_printf(&policy->arena, "%.*s%s%.*s", STR_ARG(list), z ? ", " : "", STR_ARG(zone));
        }
        rule->parameters = own;
    }
    names_free(&zones);
    return list;
}

/* Whether the record shows anybody whom the rule would let pass. */
static bool lets_pass(const struct judging *judging, enum stage stage)
{
    const struct columns *columns = judging->columns;
    for (uint32_t a = 0; a < columns->attempt_count; a++)
        if (stage <= columns->reached[a] && rule_applies(columns, judging->policy, judging->rule, a) == YES &&
            judging_verdict(judging, a) == NO)
            return true;
    return false;
}

struct str policy_leave_unseen(struct policy *policy, const struct columns *columns,
                               const struct replay_options *options)
{
    struct str list = { NULL, 0 };
    struct record *record = record_new(columns, options);
    struct step *steps = mem_zero(policy->rule_count, sizeof *steps);
    bool *seen = mem_zero(policy->rule_count, sizeof *seen);
    policy_steps(policy, steps);
    for (size_t k = 0; k < policy->rule_count; k++) {
        const struct rule *rule = &policy->rules[steps[k].rule];
        struct judging judging = { columns, record, policy, rule, NULL, NULL };
        seen[steps[k].rule] = rule->measure->state || lets_pass(&judging, steps[k].stage);
    }
    size_t kept = 0;
    for (size_t r = 0; r < policy->rule_count; r++) {
        if (seen[r])
            policy->rules[kept++] = policy->rules[r];
        else
            list = arena_printf(&policy->arena, "%.*s%s%.*s", STR_ARG(list), list.len ? ", " : "",
                                STR_ARG(policy->rules[r].title));
    }
    policy->rule_count = kept;
    free(seen);
    free(steps);
    record_free(record);
    return list;
}

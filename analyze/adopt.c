/* A policy that someone else wrote names DNS lists that this site does not ask; then nothing is known of any
 * of them. For a first look it says more to ask the lists that the site itself asks. */
#include "analyze/columns.h"
#include "analyze/measure/parameters.h"

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

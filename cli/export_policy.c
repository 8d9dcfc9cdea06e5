/* Policies under pseudonyms: the networks and names in a policy follow those of the sessions. */
#include "analyze/measure.h"
#include "cli/export.h"

typedef struct str as_pseudonym(const struct pseudonyms *pseudonyms, struct arena *arena, struct str text);

static void networks_name(struct networks *networks, const struct pseudonyms *pseudonyms)
{
    for (size_t i = 0; i < networks->count; i++)
        networks->prefix[i] = pseudonym_prefix(pseudonyms, &networks->prefix[i]);
}

static void texts_name(struct texts *texts, as_pseudonym *name, const struct pseudonyms *pseudonyms,
                       struct arena *arena)
{
    for (size_t i = 0; i < texts->count; i++)
        texts->text[i] = name(pseudonyms, arena, texts->text[i]);
}

/* "example.org", ".example.org" or "@example.org". */
static struct str name_domain(const struct pseudonyms *pseudonyms, struct arena *arena, struct str text)
{
    bool marked = text.len && (text.at[0] == '@' || text.at[0] == '.');
    struct str domain = pseudonym_domain(pseudonyms, arena, marked ? str_skip(text, 1) : text);
    return arena_printf(arena, "%.*s%.*s", marked ? 1 : 0, text.at, STR_ARG(domain));
}

/* A mailbox, or "@example.org". */
static struct str name_recipient(const struct pseudonyms *pseudonyms, struct arena *arena, struct str text)
{
    return text.len && text.at[0] == '@' ? name_domain(pseudonyms, arena, text)
                                         : pseudonym_address(pseudonyms, arena, text);
}

static void exempt_name(struct exempt *exempt, const struct pseudonyms *pseudonyms, struct arena *arena)
{
    networks_name(&exempt->networks, pseudonyms);
    texts_name(&exempt->client_names, name_domain, pseudonyms, arena);
    texts_name(&exempt->sender_domains, name_domain, pseudonyms, arena);
    texts_name(&exempt->spf_domains, name_domain, pseudonyms, arena);
    texts_name(&exempt->recipients, name_recipient, pseudonyms, arena);
}

/* How the texts of a measure's parameter are named; NULL: they are nobody's. */
static as_pseudonym *naming_of(const struct measure *measure)
{
    static as_pseudonym *const by_named[NAMED_COUNT] = {
        [NAMED_HELO] = pseudonym_helo, [NAMED_RECIPIENT] = name_recipient, [NAMED_RELAY] = name_recipient
    };
    return by_named[measure->named];
}

static void parameters_name(char *parameters, const struct measure *measure,
                            const struct pseudonyms *pseudonyms, struct arena *arena)
{
    for (const struct parameter *p = measure->parameters; p->name; p++) {
        void *at = parameters + p->at;
        if (p->type == PARAMETER_TEXTS && naming_of(measure))
            texts_name(at, naming_of(measure), pseudonyms, arena);
        struct weights *zones = at;
        for (size_t i = 0; p->type == PARAMETER_WEIGHTS && i < zones->count; i++)
            zones->weight[i].name = pseudonym_zone(pseudonyms, arena, zones->weight[i].name);
    }
}

void policy_pseudonymise(struct policy *policy, const struct pseudonyms *pseudonyms)
{
    struct arena *arena = &policy->arena;
    exempt_name(&policy->exempt, pseudonyms, arena);
    networks_name(&policy->trusted_relays, pseudonyms);
    for (size_t r = 0; r < policy->rule_count; r++) {
        struct rule *rule = &policy->rules[r];
        exempt_name(&rule->exempt, pseudonyms, arena);
        rule->when.server = pseudonym_domain(pseudonyms, arena, rule->when.server);
        size_t bytes = rule->measure->parameters_size;
        char *parameters = memcpy(arena_alloc(arena, bytes), rule->parameters, bytes);
        parameters_name(parameters, rule->measure, pseudonyms, arena);
        rule->parameters = parameters;
    }
}

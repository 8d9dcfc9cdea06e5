/* Two policies held against each other: the one that was asked for, and the one that an import reads out of
 * the lines that were written for it. That is how an export knows what a server cannot do: not from a list of
 * exceptions, but from what it reads. */
#include "config/difference.h"

#include <stdlib.h>

#include "analyze/lists.h"
#include "analyze/measure.h"
#include "analyze/measure/parameters.h"
#include "config/draft.h"
#include "analyze/policy_yaml.h"
#include "config/server.h"

/* A rule with what holds for it from its policy. */
struct standing {
    const struct rule *rule;
    enum stage stage;
    struct exempt exempt;
    enum reply_class reply;
    const struct standing *partner;
    size_t place;
};

struct side {
    struct standing *standing;
    size_t count;
};

static void exempt_join(struct draft *draft, struct exempt *into, const struct exempt *more)
{
    into->authenticated = into->authenticated || more->authenticated;
    for (size_t i = 0; i < more->networks.count; i++)
        exempt_add_network(draft, into, &more->networks.prefix[i]);
    for (size_t i = 0; i < more->client_names.count; i++)
        exempt_add_text(draft, &into->client_names, more->client_names.text[i]);
    for (size_t i = 0; i < more->sender_domains.count; i++)
        exempt_add_text(draft, &into->sender_domains, more->sender_domains.text[i]);
    for (size_t i = 0; i < more->recipients.count; i++)
        exempt_add_text(draft, &into->recipients, more->recipients.text[i]);
    for (size_t i = 0; i < more->spf_domains.count; i++)
        exempt_add_text(draft, &into->spf_domains, more->spf_domains.text[i]);
    for (size_t i = 0; i < more->countries.count; i++)
        exempt_add_text(draft, &into->countries, more->countries.text[i]);
    if (more->asns.count)
        into->asns = more->asns;
}

static struct side side_of(struct draft *draft, const struct policy *policy)
{
    struct side side = { mem_zero(policy->rule_count + 1, sizeof *side.standing), 0 };
    for (enum stage stage = STAGE_CONNECT; stage < STAGES; stage++)
        for (size_t i = 0; i < policy->rule_count; i++) {
            const struct rule *rule = &policy->rules[i];
            if (rule_stage(policy, rule) != stage)
                continue;
            struct standing *standing = &side.standing[side.count];
            *standing = (struct standing){ .rule = rule, .stage = stage, .place = side.count };
            standing->reply = rule_reply(rule);
            exempt_join(draft, &standing->exempt, &policy->exempt);
            exempt_join(draft, &standing->exempt, &rule->exempt);
            side.count++;
        }
    return side;
}

/* ---- Exemptions: lists are sets. */

static bool texts_within(const struct texts *a, const struct texts *b)
{
    for (size_t i = 0; i < a->count; i++) {
        bool found = false;
        for (size_t k = 0; k < b->count && !found; k++)
            found = str_eq_nocase(a->text[i], b->text[k]);
        if (!found)
            return false;
    }
    return true;
}

static bool texts_same(const struct texts *a, const struct texts *b)
{
    return texts_within(a, b) && texts_within(b, a);
}

static bool networks_within(const struct networks *a, const struct networks *b)
{
    for (size_t i = 0; i < a->count; i++) {
        bool found = false;
        for (size_t k = 0; k < b->count && !found; k++)
            found =
                a->prefix[i].bits == b->prefix[k].bits && ip_eq(&a->prefix[i].network, &b->prefix[k].network);
        if (!found)
            return false;
    }
    return true;
}

static bool networks_same(const struct networks *a, const struct networks *b)
{
    return networks_within(a, b) && networks_within(b, a);
}

static struct str exempt_difference(struct arena *arena, const struct exempt *a, const struct exempt *b)
{
    const struct {
        const char *name;
        bool same;
    } keys[] = {
        { "authenticated", a->authenticated == b->authenticated },
        { "networks", networks_same(&a->networks, &b->networks) },
        { "asns", numbers_equal(&a->asns, &b->asns) },
        { "countries", texts_same(&a->countries, &b->countries) },
        { "client-names", texts_same(&a->client_names, &b->client_names) },
        { "sender-domains", texts_same(&a->sender_domains, &b->sender_domains) },
        { "spf-domains", texts_same(&a->spf_domains, &b->spf_domains) },
        { "recipients", texts_same(&a->recipients, &b->recipients) },
    };
    struct str list = STR("");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!keys[i].same)
            list = arena_printf(arena, "%.*s%s%s", STR_ARG(list), list.len ? ", " : "", keys[i].name);
    return list;
}

/* ---- Parameters: those that make no difference are passed over. */

static bool answers_same(const struct networks *a, const struct networks *b)
{
    enum { MOST = 4096 };
    if (networks_same(a, b))
        return true;
    if (!a->count || !b->count)
        return false;
    for (int turn = 0; turn < 2; turn++) {
        const struct networks *some = turn ? b : a, *other = turn ? a : b;
        for (size_t i = 0; i < some->count; i++) {
            uint32_t first = ip_v4(&some->prefix[i].network);
            uint64_t size =
                some->prefix[i].bits <= 96 ? MOST + 1 : UINT64_C(1) << (128 - some->prefix[i].bits);
            if (size > MOST)
                return false;
            for (uint64_t k = 0; k < size; k++) {
                struct ip ip = ip_from_v4(first + (uint32_t)k);
                bool held = false;
                for (size_t n = 0; n < other->count && !held; n++)
                    held = prefix_holds(&other->prefix[n], &ip);
                if (!held)
                    return false;
            }
        }
    }
    return true;
}

static const struct weight *weight_of(const struct dnsbl_parameters *dnsbl, struct str zone)
{
    for (size_t i = 0; i < dnsbl->zones.count; i++)
        if (str_eq_nocase(dnsbl->zones.weight[i].name, zone))
            return &dnsbl->zones.weight[i];
    for (size_t i = 0; i < dnsbl->allow.count; i++)
        if (str_eq_nocase(dnsbl->allow.weight[i].name, zone))
            return &dnsbl->allow.weight[i];
    return NULL;
}

static bool zones_within(const struct dnsbl_parameters *a, const struct dnsbl_parameters *b)
{
    for (size_t i = 0; i < a->zones.count + a->allow.count; i++) {
        const struct weight *zone =
            i < a->zones.count ? &a->zones.weight[i] : &a->allow.weight[i - a->zones.count];
        const struct weight *other = weight_of(b, zone->name);
        if (!other || other->weight != zone->weight || !answers_same(&other->replies, &zone->replies))
            return false;
    }
    return true;
}

/* What counts as a listing is no question where each zone says which answers do. */
static bool any_answer_counts(const struct dnsbl_parameters *dnsbl)
{
    for (size_t i = 0; i < dnsbl->zones.count; i++)
        if (!dnsbl->zones.weight[i].replies.count)
            return true;
    for (size_t i = 0; i < dnsbl->allow.count; i++)
        if (!dnsbl->allow.weight[i].replies.count)
            return true;
    return false;
}

static bool parameter_same(const struct measure *measure, const struct parameter *parameter, const void *a,
                           const void *b)
{
    if (parameter_equal(parameter, a, b))
        return true;
    if (measure == &measure_dnsbl && strcmp(parameter->name, "errors") == 0)
        return !any_answer_counts(a) && !any_answer_counts(b);
    if (measure == &measure_dnsbl && parameter->type == PARAMETER_WEIGHTS)
        return zones_within(a, b) && zones_within(b, a);
    if (parameter->type == PARAMETER_TEXTS)
        return texts_same((const struct texts *)((const char *)a + parameter->at),
                          (const struct texts *)((const char *)b + parameter->at));
    if (measure == &measure_greylist && strcmp(parameter->name, "auto-interval") == 0)
        return ((const struct greylist_parameters *)a)->auto_allow == 0;
    return false;
}

/* The number of things in which two rules differ. */
static unsigned distance(const struct standing *a, const struct standing *b)
{
    struct arena arena = { 0 };
    unsigned differ = (a->stage != b->stage ? 1U : 0) + (a->reply != b->reply ? 1U : 0) +
                      (a->rule->warn != b->rule->warn ? 4U : 0);
    for (const struct parameter *p = a->rule->measure->parameters; p->name; p++)
        differ += !parameter_same(a->rule->measure, p, a->rule->parameters, b->rule->parameters);
    differ += exempt_difference(&arena, &a->exempt, &b->exempt).len > 0;
    arena_free(&arena);
    return differ;
}

/* The nearest first. */
static void pair(struct side *asked, struct side *has)
{
    for (unsigned reach = 0; reach < 24; reach++)
        for (size_t i = 0; i < asked->count; i++)
            for (size_t k = 0; k < has->count && !asked->standing[i].partner; k++)
                if (!has->standing[k].partner &&
                    has->standing[k].rule->measure == asked->standing[i].rule->measure &&
                    distance(&asked->standing[i], &has->standing[k]) <= reach) {
                    asked->standing[i].partner = &has->standing[k];
                    has->standing[k].partner = &asked->standing[i];
                }
}

static void say_pair(const struct standing *a, const char *server, struct exported *exported)
{
    static const char *const replies[] = { "", "4xx", "5xx", "drop" };
    const struct standing *b = a->partner;
    struct str name = a->rule->name;
    for (const struct parameter *p = a->rule->measure->parameters; p->name; p++) {
        if (parameter_same(a->rule->measure, p, a->rule->parameters, b->rule->parameters))
            continue;
        struct str was = parameter_text(&exported->arena, p, a->rule->parameters);
        struct str is = parameter_text(&exported->arena, p, b->rule->parameters);
        export_says(exported, "%.*s: %s has %.*s where %.*s was asked for", STR_ARG(name), server,
                    STR_ARG(is), STR_ARG(was));
    }
    struct str exempt = exempt_difference(&exported->arena, &a->exempt, &b->exempt);
    if (exempt.len)
        export_says(exported, "%.*s: who is exempt is not the same: %.*s", STR_ARG(name), STR_ARG(exempt));
    if (a->stage != b->stage)
        export_says(exported, "%.*s acts at %s, not at %s", STR_ARG(name), stage_name[b->stage],
                    stage_name[a->stage]);
    if (a->reply != b->reply)
        export_says(exported, "%.*s answers with %s, not %s", STR_ARG(name), replies[b->reply],
                    replies[a->reply]);
    if (a->rule->warn != b->rule->warn)
        export_says(exported, "%.*s %s", STR_ARG(name),
                    a->rule->warn ? "stops, it does not only warn" : "only warns");
    if (a->rule->when.port || a->rule->when.server.at)
        export_says(exported, "%.*s: it is asked always, whatever \"when\" says", STR_ARG(name));
}

/* Each rule that comes before one that it should come after. */
static void say_order(const struct side *asked, struct exported *exported)
{
    const struct standing *last = NULL;
    for (size_t i = 0; i < asked->count; i++) {
        const struct standing *now = &asked->standing[i];
        if (!now->partner)
            continue;
        if (last && now->partner->place < last->partner->place)
            export_says(exported, "%.*s comes before %.*s, not after it", STR_ARG(now->rule->name),
                        STR_ARG(last->rule->name));
        else
            last = now;
    }
}

void policy_differences(const struct policy *asked, const struct policy *has, const char *server,
                        const char *(*hint)(const char *measure), struct exported *exported)
{
    struct draft draft = { 0 };
    struct side a = side_of(&draft, asked), b = side_of(&draft, has);
    pair(&a, &b);
    for (size_t i = 0; i < a.count; i++) {
        const struct standing *standing = &a.standing[i];
        const char *other = hint && !standing->partner ? hint(standing->rule->measure->name) : NULL;
        if (standing->partner)
            say_pair(standing, server, exported);
        else
            export_says(exported, "%.*s: %s cannot do that%s%s", STR_ARG(standing->rule->name), server,
                        other ? "; " : "", other ? other : "");
    }
    for (size_t i = 0; i < b.count; i++)
        if (!b.standing[i].partner)
            export_says(exported, "%.*s: %s does that too, though the policy does not ask for it",
                        STR_ARG(b.standing[i].rule->name), server);
    say_order(&a, exported);
    if (!networks_same(&asked->trusted_relays, &has->trusted_relays))
        export_says(exported,
                    "trusted-relays: %s does not treat them apart; whom it should not judge, write as exempt",
                    server);
    free(a.standing);
    free(b.standing);
    draft_close(&draft);
}

/* Who is not judged: a row for each thing that an exemption may ask. */
#include "analyze/exempt.h"

#include "analyze/lists.h"

/* ---- What each asks. */

/* That somebody would have logged in who had no time to is not thought of: nothing could be said of anybody.
 */
static enum tri is_authenticated(const struct judging *judging, const struct exempt *exempt, uint32_t attempt)
{
    return tri_of(exempt->authenticated && judging_authenticated(judging, attempt));
}

static enum tri is_in_network(const struct judging *judging, const struct exempt *exempt, uint32_t attempt)
{
    const struct columns *columns = judging->columns;
    return tri_of(
        networks_hold(&exempt->networks, &columns->address[columns->client[columns->session[attempt]]]));
}

static enum tri is_of_system(const struct judging *judging, const struct exempt *exempt, uint32_t attempt)
{
    const struct fact *fact = judging_best_fact(judging, attempt, KIND_ASN);
    if (!fact)
        return UNKNOWN;
    return tri_of(fact->state == YES && fact->a > 0 && fact->a <= UINT32_MAX &&
                  numbers_hold(&exempt->asns, (uint32_t)fact->a));
}

static enum tri is_of_country(const struct judging *judging, const struct exempt *exempt, uint32_t attempt)
{
    const struct fact *fact = judging_best_fact(judging, attempt, KIND_COUNTRY);
    if (!fact)
        return UNKNOWN;
    return tri_of(fact->state == YES && texts_hold(&exempt->countries, judging_name(judging, fact->detail)));
}

/* A name that is none of theirs is no friend's, confirmed or not. */
static enum tri has_client_name(const struct judging *judging, const struct exempt *exempt, uint32_t attempt)
{
    const struct columns *columns = judging->columns;
    uint32_t s = columns->session[attempt];
    struct str name = names_text(&columns->names, columns->client_name[s]);
    if (name.len && !texts_hold_domain(&exempt->client_names, name))
        return NO;
    if (columns->operator_of[s] != NAME_NONE)
        return YES;
    enum tri confirmed = judging_state(judging, attempt, KIND_FCRDNS);
    if (confirmed == NO || judging_state(judging, attempt, KIND_RDNS) == NO)
        return NO;
    return name.len ? confirmed : UNKNOWN;
}

/* at == NULL: the sender is not known; empty: it has none. */
static struct str sender_domain(const struct judging *judging, uint32_t attempt)
{
    struct str sender = judging_sender(judging, attempt);
    struct str domain = mailbox_domain(sender);
    return sender.at && !domain.at ? STR("") : domain;
}

static enum tri has_sender_domain(const struct judging *judging, const struct exempt *exempt,
                                  uint32_t attempt)
{
    struct str domain = sender_domain(judging, attempt);
    return domain.at ? tri_of(texts_hold_domain(&exempt->sender_domains, domain)) : UNKNOWN;
}

static enum tri has_spf_domain(const struct judging *judging, const struct exempt *exempt, uint32_t attempt)
{
    struct str domain = sender_domain(judging, attempt);
    enum tri named = domain.at ? tri_of(texts_hold_domain(&exempt->spf_domains, domain)) : UNKNOWN;
    return named == NO ? NO : tri_and(named, judging_state(judging, attempt, KIND_SPF));
}

static enum tri has_recipient(const struct judging *judging, const struct exempt *exempt, uint32_t attempt)
{
    struct str recipient = judging_recipient(judging, attempt);
    return recipient.at ? tri_of(texts_hold_address(&exempt->recipients, recipient)) : UNKNOWN;
}

static const struct criterion {
    size_t count_at; /* offsetof its list's count; 0: it has none, and is always known */
    enum tri (*holds)(const struct judging *judging, const struct exempt *exempt, uint32_t attempt);
    const char *what; /* where it may be unknown */
    enum kind kind;   /* that tells it */
} criteria[] = {
    { 0, is_authenticated, NULL, KINDS },
    { offsetof(struct exempt, networks.count), is_in_network, NULL, KINDS },
    { offsetof(struct exempt, asns.count), is_of_system, "the client's autonomous system", KIND_ASN },
    { offsetof(struct exempt, countries.count), is_of_country, "the client's country", KIND_COUNTRY },
    { offsetof(struct exempt, client_names.count), has_client_name, "the client's confirmed name",
      KIND_FCRDNS },
    { offsetof(struct exempt, sender_domains.count), has_sender_domain, "the sender", KINDS },
    { offsetof(struct exempt, spf_domains.count), has_spf_domain, "what SPF says of the sender", KIND_SPF },
    { offsetof(struct exempt, recipients.count), has_recipient, "the recipient", KINDS },
};
enum { CRITERIA = sizeof criteria / sizeof *criteria };

static bool is_asked(const struct criterion *criterion, const struct exempt *exempt)
{
    return !criterion->count_at ||
           *(const size_t *)(const void *)((const char *)exempt + criterion->count_at) > 0;
}

/* ---- All of them. */

static enum tri is_exempt(const struct judging *judging, const struct exempt *exempt, uint32_t attempt)
{
    enum tri any = NO;
    for (size_t i = 0; i < CRITERIA && any != YES; i++)
        if (is_asked(&criteria[i], exempt))
            any = tri_or(any, criteria[i].holds(judging, exempt, attempt));
    return any;
}

static bool is_for_session(const struct columns *columns, const struct rule *rule, uint32_t s)
{
    if (rule->when.port && columns->port[s] && columns->port[s] != rule->when.port)
        return false;
    return !rule->when.server.at ||
           str_eq_nocase(names_text(&columns->servers, columns->server[s]), rule->when.server);
}

enum tri rule_applies(const struct columns *columns, const struct policy *policy, const struct rule *rule,
                      uint32_t attempt)
{
    const struct judging bare = { columns, NULL, policy, rule, NULL, NULL };
    if (!is_for_session(columns, rule, columns->session[attempt]))
        return NO;
    enum tri exempt = is_exempt(&bare, &policy->exempt, attempt);
    return tri_not(exempt == YES ? YES : tri_or(exempt, is_exempt(&bare, &rule->exempt, attempt)));
}

bool rule_may_wonder(const struct policy *policy, const struct rule *rule)
{
    for (size_t i = 0; i < CRITERIA; i++)
        if (criteria[i].what &&
            (is_asked(&criteria[i], &policy->exempt) || is_asked(&criteria[i], &rule->exempt)))
            return true;
    return false;
}

bool rule_is_selective(const struct policy *policy, const struct rule *rule)
{
    for (size_t i = 0; i < CRITERIA; i++)
        if (criteria[i].count_at &&
            (is_asked(&criteria[i], &policy->exempt) || is_asked(&criteria[i], &rule->exempt)))
            return true;
    return rule->when.port || rule->when.server.at;
}

struct wanting rule_wants(const struct columns *columns, const struct policy *policy, const struct rule *rule,
                          uint32_t attempt)
{
    const struct judging bare = { columns, NULL, policy, rule, NULL, NULL };
    const struct exempt *both[] = { &policy->exempt, &rule->exempt };
    for (size_t i = 0; i < CRITERIA; i++)
        for (size_t k = 0; k < 2; k++)
            if (is_asked(&criteria[i], both[k]) && criteria[i].holds(&bare, both[k], attempt) == UNKNOWN)
                return (struct wanting){ criteria[i].what, criteria[i].kind };
    return (struct wanting){ NULL, KINDS };
}

static bool exempt_equal(const struct exempt *a, const struct exempt *b)
{
    return a->authenticated == b->authenticated && networks_equal(&a->networks, &b->networks) &&
           numbers_equal(&a->asns, &b->asns) && texts_equal(&a->countries, &b->countries) &&
           texts_equal(&a->client_names, &b->client_names) &&
           texts_equal(&a->sender_domains, &b->sender_domains) &&
           texts_equal(&a->spf_domains, &b->spf_domains) && texts_equal(&a->recipients, &b->recipients);
}

bool rules_exempt_alike(const struct policy *policy, const struct rule *rule, const struct policy *other,
                        const struct rule *others)
{
    return exempt_equal(&policy->exempt, &other->exempt) && exempt_equal(&rule->exempt, &others->exempt);
}

bool exempt_is(const struct exempt *exempt, const struct exempt *other)
{
    return exempt->authenticated == other->authenticated &&
           exempt->networks.prefix == other->networks.prefix &&
           exempt->networks.count == other->networks.count && exempt->asns.number == other->asns.number &&
           exempt->asns.count == other->asns.count && exempt->countries.text == other->countries.text &&
           exempt->countries.count == other->countries.count &&
           exempt->client_names.text == other->client_names.text &&
           exempt->client_names.count == other->client_names.count &&
           exempt->sender_domains.text == other->sender_domains.text &&
           exempt->sender_domains.count == other->sender_domains.count &&
           exempt->spf_domains.text == other->spf_domains.text &&
           exempt->spf_domains.count == other->spf_domains.count &&
           exempt->recipients.text == other->recipients.text &&
           exempt->recipients.count == other->recipients.count;
}

bool exempt_is_empty(const struct exempt *exempt)
{
    bool empty = !exempt->authenticated;
    for (size_t i = 0; i < CRITERIA; i++)
        empty = empty && !(criteria[i].count_at && is_asked(&criteria[i], exempt));
    return empty;
}

bool rules_judge_alike(const struct policy *policy, const struct rule *rule, const struct policy *other,
                       const struct rule *others)
{
    return rule->measure == others->measure &&
           parameters_equal(rule->measure, rule->parameters, others->parameters) &&
           rule->when.port == others->when.port && str_eq(rule->when.server, others->when.server) &&
           rules_exempt_alike(policy, rule, other, others);
}

/* dnsbl: the weights of the zones that list the client reach the threshold. Zones that were not asked make an
 * interval of sums; the verdict is known when all of it lies on one side. */
#include "analyze/judging.h"
#include "analyze/measure/parameters.h"

static const char *const errors_words[] = { "unknown", "listed", NULL };

static const struct parameter parameters[] = {
    { "zones", PARAMETER_WEIGHTS, offsetof(struct dnsbl_parameters, zones), NULL, NULL,
      "zone: weight, or zone: {weight: n, replies: [127.0.0.2, ...]}" },
    { "allow", PARAMETER_WEIGHTS, offsetof(struct dnsbl_parameters, allow), NULL, NULL,
      "zones that speak for a client; their weights are negative" },
    { "threshold", PARAMETER_NUMBER, offsetof(struct dnsbl_parameters, threshold), "1", NULL,
      "turned away from this sum of weights on" },
    { "errors", PARAMETER_WORD, offsetof(struct dnsbl_parameters, errors), "unknown", errors_words,
      "what an answer that is an error code counts as (RFC 5782)" },
    { "remember", PARAMETER_DURATION, offsetof(struct dnsbl_parameters, remember), "0s", NULL,
      "how long a client that passed is not tested again" },
    { 0 },
};

/* Whether an answer is a listing at all: not 127.255.255.0/24, and inside 127.0.0.0/8 (RFC 5782 2.1). */
static bool is_error(uint32_t answer)
{
    return answer >> 24 != 127 || answer >> 8 == 0x7fffff;
}

static bool in_replies(const struct networks *replies, uint32_t answer)
{
    struct ip ip = ip_from_v4(answer);
    for (size_t i = 0; i < replies->count; i++)
        if (prefix_holds(&replies->prefix[i], &ip))
            return true;
    return replies->count == 0;
}

/* What an observed answer says to a zone of ours. */
static enum tri answer_says(const struct weight *zone, uint32_t errors, const struct fact *fact)
{
    if (fact->state == NO)
        return NO;
    uint32_t answer = (uint32_t)fact->a;
    if (answer && is_error(answer))
        return errors == ERRORS_LISTED && zone->replies.count == 0 ? YES : UNKNOWN;
    if (fact->state == UNKNOWN)
        return UNKNOWN;
    if (answer == 0)
        return zone->replies.count ? UNKNOWN : YES;
    return tri_of(in_replies(&zone->replies, answer));
}

static const struct weight *find_zone(const struct weights *weights, struct str name)
{
    for (size_t i = 0; i < weights->count; i++)
        if (str_eq_nocase(weights->weight[i].name, name))
            return &weights->weight[i];
    return NULL;
}

/* What a recorded rule's pass says of a zone: none that alone reaches the threshold listed it, where no other
 * speaks for the client. An unfiltered recorded zone that did not answer did not answer with ours either. */
static enum tri pass_says(const struct dnsbl_parameters *theirs, const struct weight *zone)
{
    const struct weight *same = find_zone(&theirs->zones, zone->name);
    if (!same || same->weight < theirs->threshold || theirs->allow.count)
        return UNKNOWN;
    for (size_t i = 0; i < theirs->zones.count; i++)
        if (theirs->zones.weight[i].weight < 0)
            return UNKNOWN;
    if (same->replies.count == 0)
        return NO;
    for (size_t i = 0; i < zone->replies.count; i++) /* each answer of ours must be one of theirs */
        for (size_t k = 0;; k++) {
            if (k == same->replies.count)
                return UNKNOWN;
            const struct prefix *outer = &same->replies.prefix[k], *inner = &zone->replies.prefix[i];
            if (outer->bits <= inner->bits && prefix_holds(outer, &inner->network))
                break;
        }
    return zone->replies.count ? NO : UNKNOWN;
}

/* And a refusal: the only zone that it can have been, judged by the same filter. */
static enum tri refusal_says(const struct dnsbl_parameters *theirs, const struct dnsbl_parameters *ours,
                             const struct weight *zone)
{
    const struct weight *same = find_zone(&theirs->zones, zone->name);
    double others = 0;
    if (!same || same->replies.count || zone->replies.count || theirs->errors != ours->errors)
        return UNKNOWN;
    for (size_t i = 0; i < theirs->zones.count; i++)
        if (&theirs->zones.weight[i] != same && theirs->zones.weight[i].weight > 0)
            others += theirs->zones.weight[i].weight;
    return others < theirs->threshold ? YES : UNKNOWN;
}

/* What those answers of the zone say that count most. */
struct answers {
    enum tri said;
    uint64_t rank; /* judging_rank(); UINT64_MAX: none says yes or no */
    bool failed;   /* it was asked then, and the answer says neither */
};

/* A zone may give several answers, of which the reply filter wants one. A refusal tells that there was one,
 * but not which: then what others know of that counts. `coded`: of those that are known only. */
static struct answers answers_of(const struct judging *judging, uint32_t attempt, const struct weight *zone,
                                 bool coded)
{
    const struct dnsbl_parameters *ours = judging->rule->parameters;
    struct answers answers = { UNKNOWN, UINT64_MAX, false };
    const struct fact *fact = NULL;
    bool bare = false; /* the best of them is a listing without its answer */
    while ((fact = judging_fact(judging, attempt, KIND_DNSBL, fact))) {
        if (!str_eq_nocase(judging_name(judging, fact->subject), zone->name) || (coded && fact->a == 0))
            continue;
        enum tri says = answer_says(zone, ours->errors, fact);
        uint64_t rank = judging_rank(judging, attempt, fact);
        answers.failed |= says == UNKNOWN && (rank < JUDGING_LATER || coded);
        if (says == UNKNOWN || rank > answers.rank || (rank == answers.rank && says != YES))
            continue;
        bare = says == YES && fact->a == 0 && (bare || rank < answers.rank);
        answers.said = says;
        answers.rank = rank;
    }
    if (!bare)
        return answers;
    struct answers known = answers_of(judging, attempt, zone, true);
    return known.said != UNKNOWN || known.failed ? known : answers;
}

static enum tri zone_lists(const struct judging *judging, uint32_t attempt, const struct weight *zone)
{
    const struct dnsbl_parameters *ours = judging->rule->parameters;
    struct answers answers = answers_of(judging, attempt, zone, false);
    enum tri said = answers.said;
    if (answers.rank < JUDGING_LATER || answers.failed)
        return said;
    struct asked asked[ASKED_MOST];
    size_t count = judging_asked(judging, attempt, asked);
    enum tri concluded = UNKNOWN;
    for (size_t i = 0; i < count && concluded == UNKNOWN; i++)
        concluded = asked[i].status == ASKED_PASSED    ? pass_says(asked[i].parameters, zone)
                    : asked[i].status == ASKED_REFUSED ? refusal_says(asked[i].parameters, ours, zone)
                                                       : UNKNOWN;
    return concluded == UNKNOWN ? said : concluded;
}

static void add(const struct judging *judging, uint32_t attempt, const struct weights *zones, double *least,
                double *most)
{
    for (size_t i = 0; i < zones->count; i++) {
        double weight = zones->weight[i].weight;
        enum tri listed = weight == 0 ? NO : zone_lists(judging, attempt, &zones->weight[i]);
        if (listed == YES || (listed == UNKNOWN && weight < 0))
            *least += weight;
        if (listed == YES || (listed == UNKNOWN && weight > 0))
            *most += weight;
    }
}

static enum tri judge(const struct judging *judging, uint32_t attempt)
{
    const struct dnsbl_parameters *ours = judging->rule->parameters;
    double least = 0, most = 0;
    add(judging, attempt, &ours->zones, &least, &most);
    add(judging, attempt, &ours->allow, &least, &most);
    return least >= ours->threshold ? YES : most < ours->threshold ? NO : UNKNOWN;
}

static int check(const void *given, struct why *why)
{
    const struct dnsbl_parameters *ours = given;
    if (ours->zones.count == 0)
        return why_set(why, EX_DATAERR,
                       "zones is empty; name at least one list: zones: { zen.spamhaus.org: 1 }");
    for (size_t i = 0; i < ours->allow.count; i++)
        if (ours->allow.weight[i].weight > 0)
            return why_set(
                why, EX_DATAERR,
                "allow: %.*s speaks against a client with %d; write -%d, or name it among the zones",
                STR_ARG(ours->allow.weight[i].name), (int)ours->allow.weight[i].weight,
                (int)ours->allow.weight[i].weight);
    return 0;
}

const struct measure measure_dnsbl = {
    .name = "dnsbl",
    .title = "Listed in chosen RBLs",
    .named = NAMED_DNSBL,
    .stage = STAGE_CONNECT,
    .kind = KIND_DNSBL,
    .reply = REPLY_5XX,
    .parameters = parameters,
    .parameters_size = sizeof(struct dnsbl_parameters),
    .remember_at = offsetof(struct dnsbl_parameters, remember),
    .check = check,
    .judge = judge,
};

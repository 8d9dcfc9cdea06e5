/* dnsbl: the weights of the zones that list the client reach the threshold. Zones that were not asked make an
 * interval of sums; the verdict is known when all of it lies on one side. */
#include "analyze/judging.h"
#include "analyze/measure/parameters.h"
#include "analyze/measure/sums.h"

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

/* Whether each answer that `inner` wants is one that `outer` wants. */
static bool filter_holds(const struct networks *outer, const struct networks *inner)
{
    if (outer->count == 0 || inner->count == 0)
        return outer->count == 0;
    for (size_t i = 0; i < inner->count; i++) {
        size_t k = 0;
        while (k < outer->count && !(outer->prefix[k].bits <= inner->prefix[i].bits &&
                                     prefix_holds(&outer->prefix[k], &inner->prefix[i].network)))
            k++;
        if (k == outer->count)
            return false;
    }
    return true;
}

/* What those answers of the zone say that count most. */
struct answers {
    enum tri said;
    uint64_t rank; /* judging_rank(); UINT64_MAX: none says yes or no */
    bool failed;   /* it was asked then, and the answer says neither */
};

/* A zone may give several answers, of which the reply filter wants one. A refusal tells that there was one,
 * but not which: then what others know of that counts. `coded`: of those that are known only. */
static struct answers coded_answers(const struct judging *judging, uint32_t attempt,
                                    const struct weight *zone, uint32_t errors, bool coded)
{
    struct answers answers = { UNKNOWN, UINT64_MAX, false };
    const struct fact *fact = NULL;
    bool bare = false; /* the best of them is a listing without its answer */
    while ((fact = judging_fact(judging, attempt, KIND_DNSBL, fact))) {
        if (!str_eq_nocase(judging_name(judging, fact->subject), zone->name) || (coded && fact->a == 0))
            continue;
        enum tri says = answer_says(zone, errors, fact);
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
    struct answers known = coded_answers(judging, attempt, zone, errors, true);
    return known.said != UNKNOWN || known.failed ? known : answers;
}

static struct answers answers_of(const struct judging *judging, uint32_t attempt, const struct weight *zone,
                                 uint32_t errors)
{
    return coded_answers(judging, attempt, zone, errors, false);
}

/* What a recorded rule's zones may come to. */
struct sum {
    double least, most;
};

/* Adds the zones but one, by what was `seen` of them or as if nothing was. */
static void add_recorded(const struct judging *judging, uint32_t attempt,
                         const struct dnsbl_parameters *theirs, const struct weight *but, bool seen,
                         struct sum *sum)
{
    const struct weights *lists[] = { &theirs->zones, &theirs->allow };
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
        for (size_t i = 0; i < lists[l]->count; i++) {
            const struct weight *zone = &lists[l]->weight[i];
            struct answers answers = { UNKNOWN, UINT64_MAX, false };
            if (zone == but)
                continue;
            if (seen)
                answers = answers_of(judging, attempt, zone, theirs->errors);
            enum tri listed = answers.rank < JUDGING_LATER ? answers.said : UNKNOWN;
            if (listed == YES || (listed == UNKNOWN && zone->weight < 0))
                sum->least += zone->weight;
            if (listed == YES || (listed == UNKNOWN && zone->weight > 0))
                sum->most += zone->weight;
        }
}

/* Whether what was seen allows what the recorded rule did. */
static bool agrees(const struct asked *asked, const struct sum *sum)
{
    double threshold = ((const struct dnsbl_parameters *)asked->parameters)->threshold;
    return asked->status == ASKED_PASSED ? sum->least < threshold : sum->most >= threshold;
}

/* What a recorded rule tells of a zone: let pass, it cannot have been listed where that alone, beside what
 * the others come to at least, would have reached the threshold; refused, it must have been where the others
 * do not reach it. Where what was seen of the others contradicts that, they are taken as not seen. An
 * unfiltered recorded zone that did not answer did not answer with ours either. */
static enum tri record_says(const struct judging *judging, uint32_t attempt, const struct asked *asked,
                            const struct weight *zone)
{
    const struct dnsbl_parameters *theirs = asked->parameters, *ours = judging->rule->parameters;
    const struct weight *same = asked->status == ASKED_NOT ? NULL : find_zone(&theirs->zones, zone->name);
    if (!same || same->weight <= 0)
        return UNKNOWN;
    struct sum others = { 0 };
    add_recorded(judging, attempt, theirs, same, true, &others);
    if (!agrees(asked, &(struct sum){ others.least, others.most + same->weight })) {
        others = (struct sum){ 0 };
        add_recorded(judging, attempt, theirs, same, false, &others);
    }
    if (asked->status == ASKED_PASSED)
        return others.least + same->weight >= theirs->threshold &&
                       filter_holds(&same->replies, &zone->replies)
                   ? NO
                   : UNKNOWN;
    return others.most < theirs->threshold && filter_holds(&zone->replies, &same->replies) &&
                   theirs->errors == ours->errors
               ? YES
               : UNKNOWN;
}

/* A zone's weight in a rule, an allow zone's among them; NULL: none. */
static const struct weight *any_zone(const struct dnsbl_parameters *of, struct str name)
{
    const struct weight *zone = find_zone(&of->zones, name);
    return zone ? zone : find_zone(&of->allow, name);
}

/* Whether a zone contributes no less in `more` than in `less`, whatever it answers; both NULL-able. */
static bool no_less(const struct weight *more, const struct weight *less)
{
    double above = more ? more->weight : 0, below = less ? less->weight : 0;
    if (above < below || (above < 0 && !less))
        return false;
    if (more && less && above > 0 && below > 0)
        return filter_holds(&more->replies, &less->replies);
    if (more && less && above < 0)
        return filter_holds(&less->replies, &more->replies);
    return true;
}

/* Whether the sum of weights in `more` is never below that in `less`. */
static bool outweighs(const struct dnsbl_parameters *more, const struct dnsbl_parameters *less)
{
    const struct weights *lists[] = { &more->zones, &more->allow, &less->zones, &less->allow };
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
        for (size_t i = 0; i < lists[l]->count; i++)
            if (!no_less(any_zone(more, lists[l]->weight[i].name), any_zone(less, lists[l]->weight[i].name)))
                return false;
    return true;
}

/* What a recorded rule tells of the sum: ours is no greater than one that stayed below its threshold, or no
 * smaller than one that reached it. */
static enum tri record_says_of_sum(const struct judging *judging, uint32_t attempt, const struct asked *asked)
{
    const struct dnsbl_parameters *theirs = asked->parameters, *ours = judging->rule->parameters;
    struct sum sum = { 0 };
    if (asked->status == ASKED_NOT)
        return UNKNOWN;
    add_recorded(judging, attempt, theirs, NULL, true, &sum);
    if (!agrees(asked, &sum))
        return UNKNOWN;
    if (asked->status == ASKED_PASSED && ours->threshold >= theirs->threshold && outweighs(theirs, ours))
        return NO;
    if (asked->status == ASKED_REFUSED && ours->threshold <= theirs->threshold &&
        theirs->errors == ours->errors && outweighs(ours, theirs))
        return YES;
    return UNKNOWN;
}

static enum tri zone_lists(const struct judging *judging, uint32_t attempt, const struct weight *zone,
                           bool *failed)
{
    const struct dnsbl_parameters *ours = judging->rule->parameters;
    struct answers answers = answers_of(judging, attempt, zone, ours->errors);
    if (answers.rank < JUDGING_LATER)
        return answers.said;
    if (answers.failed) {
        *failed = true;
        return answers.said;
    }
    struct asked asked[ASKED_MOST];
    size_t count = judging_asked(judging, attempt, asked);
    enum tri concluded = UNKNOWN;
    for (size_t i = 0; i < count && concluded == UNKNOWN; i++)
        concluded = record_says(judging, attempt, &asked[i], zone);
    return concluded == UNKNOWN ? answers.said : concluded;
}

static void add(const struct judging *judging, uint32_t attempt, const struct weights *zones, double *least,
                double *most, bool *failed)
{
    for (size_t i = 0; i < zones->count; i++) {
        double weight = zones->weight[i].weight;
        enum tri listed = weight == 0 ? NO : zone_lists(judging, attempt, &zones->weight[i], failed);
        if (listed == YES || (listed == UNKNOWN && weight < 0))
            *least += weight;
        if (listed == YES || (listed == UNKNOWN && weight > 0))
            *most += weight;
    }
}

/* The zones of all the sums, each with who first named it. */
struct asked_zones {
    const struct weight *zone[SUMS_ZONES_MOST];
    size_t count;
};

/* Enters a rule's zones into a sum. false: there are too many, or another rule asks one for other replies. */
static bool enter(struct asked_zones *zones, const struct dnsbl_parameters *rule, struct zone_sum *sum)
{
    const struct weights *lists[] = { &rule->zones, &rule->allow };
    sum->threshold = rule->threshold;
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
        for (size_t i = 0; i < lists[l]->count; i++) {
            const struct weight *zone = &lists[l]->weight[i];
            size_t z = 0;
            while (z < zones->count && !str_eq_nocase(zones->zone[z]->name, zone->name))
                z++;
            if (z == SUMS_ZONES_MOST)
                return false;
            if (z == zones->count)
                zones->zone[zones->count++] = zone;
            else if (!filter_holds(&zones->zone[z]->replies, &zone->replies) ||
                     !filter_holds(&zone->replies, &zones->zone[z]->replies))
                return false;
            sum->weight[z] += zone->weight;
        }
    return true;
}

/* What the recorded rules tell of our sum together: one that was reached says that some list it, another that
 * was not that none of these does. */
static enum tri records_say(const struct judging *judging, uint32_t attempt, const struct asked *asked,
                            size_t count)
{
    const struct dnsbl_parameters *ours = judging->rule->parameters;
    struct zone_sums sums = { 0 };
    struct asked_zones zones = { 0 };
    if (!enter(&zones, ours, &sums.ours))
        return UNKNOWN;
    for (size_t i = 0; i < count && sums.known_count < SUMS_MOST; i++) {
        const struct dnsbl_parameters *theirs = asked[i].parameters;
        struct asked_zones before = zones;
        struct zone_sum *sum = &sums.known[sums.known_count];
        if (asked[i].status == ASKED_NOT || theirs->errors != ours->errors)
            continue;
        *sum = (struct zone_sum){ .reached = asked[i].status == ASKED_REFUSED };
        if (enter(&zones, theirs, sum))
            sums.known_count++;
        else
            zones = before;
    }
    sums.zones = zones.count;
    for (size_t z = 0; z < zones.count && sums.known_count; z++) {
        struct answers answers = answers_of(judging, attempt, zones.zone[z], ours->errors);
        sums.listed[z] = answers.rank < JUDGING_LATER ? answers.said : UNKNOWN;
    }
    return sums.known_count ? zone_sums_reach(&sums) : UNKNOWN;
}

static enum tri judge(const struct judging *judging, uint32_t attempt)
{
    const struct dnsbl_parameters *ours = judging->rule->parameters;
    double least = 0, most = 0;
    bool failed = false;
    add(judging, attempt, &ours->zones, &least, &most, &failed);
    add(judging, attempt, &ours->allow, &least, &most, &failed);
    if (least >= ours->threshold || most < ours->threshold)
        return tri_of(least >= ours->threshold);
    struct asked asked[ASKED_MOST];
    size_t count = failed ? 0 : judging_asked(judging, attempt, asked);
    enum tri concluded = UNKNOWN;
    for (size_t i = 0; i < count && concluded == UNKNOWN; i++)
        concluded = record_says_of_sum(judging, attempt, &asked[i]);
    return concluded == UNKNOWN ? records_say(judging, attempt, asked, count) : concluded;
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

static double look_ups(const void *given)
{
    const struct dnsbl_parameters *ours = given;
    return (double)(ours->zones.count + ours->allow.count);
}

const struct measure measure_dnsbl = {
    .name = "dnsbl",
    .title = "Listed in chosen RBLs",
    .named = NAMED_DNSBL,
    .stage = STAGE_CONNECT,
    .kind = KIND_DNSBL,
    .reply = REPLY_5XX,
    .look_ups_of = look_ups,
    .parameters = parameters,
    .parameters_size = sizeof(struct dnsbl_parameters),
    .remember_at = offsetof(struct dnsbl_parameters, remember),
    .check = check,
    .judge = judge,
};

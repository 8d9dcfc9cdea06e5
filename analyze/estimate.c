/* The point estimate. Each unknown on the way is spread by the rate at which the measure hits among units of
 * the same stratum for which it is known: same known rdns, number of DNSBL listings (0, 1, 2+), null sender,
 * address family, week. A stratum needs 30 of them; else week, then family, then null sender are given up,
 * never rdns and DNSBL count. Where all is in vain the unknown is halved. */
#include "analyze/estimate.h"

#include <math.h>
#include <stdlib.h>

enum { STRATUM_LEAST = 30, LEVELS = 4 }; /* with all, without week, without family, without null sender */

/* What a rule itself is judged by is no part of its strata: where that is not known, all who are alike in it
 * are not known either. One look-up tells rdns and fcrdns. */
enum blind { BLIND_NONE, BLIND_NAME, BLIND_DNSBL, BLINDS };

/* The fields of a stratum, packed; the coarser a level, the fewer of them are left. */
enum { WEEK_BITS = 16, FAMILY_AT = WEEK_BITS, SENDER_AT, RDNS_AT = SENDER_AT + 2, LISTED_AT = RDNS_AT + 2 };

static const uint32_t level_mask[LEVELS] = {
    UINT32_MAX,
    ~((1u << FAMILY_AT) - 1),
    ~((1u << SENDER_AT) - 1),
    ~((1u << RDNS_AT) - 1),
};

struct strata {
    const struct columns *columns;
    uint32_t *of; /* by attempt: its number with nothing left out; NULL: not asked for yet */
    struct names keys[BLINDS];
    uint32_t *number[BLINDS]; /* by that number: the number of what is left of it */
};

/* How often a rule hits in each stratum, the level chosen. */
struct rates {
    double *rate;   /* by number of the stratum */
    uint8_t *basis; /* enum basis */
};

struct count {
    uint32_t known, hits;
};

struct estimate {
    const struct walk *walk;
    struct strata *strata;
    bool own_strata;
    struct rates *rates[RULES_MOST]; /* NULL: not asked for yet */
    bool own[RULES_MOST];
    struct count *counted[RULES_MOST]; /* by stratum; NULL: all attempts are looked at */
};

/* ---- Strata. */

struct strata *strata_new(const struct columns *columns)
{
    struct strata *strata = mem_zero(1, sizeof *strata);
    strata->columns = columns;
    return strata;
}

void strata_free(struct strata *strata)
{
    free(strata->of);
    for (int b = 0; b < BLINDS; b++) {
        free(strata->number[b]);
        names_free(&strata->keys[b]);
    }
    free(strata);
}

/* What the evidence is worth: known rdns, and listings. */
static uint32_t evidence_key(const struct columns *columns, uint32_t attempt)
{
    uint32_t listed = 0;
    const struct judging bare = { .columns = columns };
    uint32_t rdns = judging_state(&bare, attempt, KIND_RDNS);
    const struct fact *fact = NULL;
    while (listed < 2 && (fact = judging_fact(&bare, attempt, KIND_DNSBL, fact)))
        listed += fact->state == YES;
    return rdns << RDNS_AT | listed << LISTED_AT;
}

/* Whether it is worth the same to all attempts of all sessions that have this set of facts. */
static bool is_of_set(const struct columns *columns, uint32_t set)
{
    for (uint32_t f = columns->first_fact[set]; f < columns->first_fact[set + 1]; f++) {
        const struct fact *fact = &columns->fact[f];
        if ((fact->kind == KIND_RDNS || fact->kind == KIND_DNSBL) &&
            (fact->transaction != FACT_ALL || fact->recipient != FACT_ALL))
            return false;
    }
    return !columns->provided_of[KIND_RDNS] && !columns->provided_of[KIND_DNSBL];
}

static uint32_t stratum_key(const struct columns *columns, uint32_t attempt, uint32_t evidence)
{
    uint32_t s = columns->session[attempt];
    uint32_t sender = columns->sender[attempt] == NAME_NONE
                          ? 2
                          : names_text(&columns->names, columns->sender[attempt]).len == 0;
    uint32_t family = ip_is_v4(&columns->address[columns->client[s]]);
    uint32_t week = (uint32_t)(columns->started[s] / (7 * USEC_DAY)) & ((1u << WEEK_BITS) - 1);
    return week | family << FAMILY_AT | sender << SENDER_AT | evidence;
}

#define EVIDENCE_NEW    UINT32_MAX
#define EVIDENCE_VARIES (UINT32_MAX - 1)

static uint32_t key_number(struct names *keys, uint32_t key)
{
    return names_add(keys, (struct str){ (const char *)&key, sizeof key });
}

static void find_strata(struct strata *strata)
{
    static const uint32_t seen[BLINDS] = { UINT32_MAX, ~(3u << RDNS_AT), ~(3u << LISTED_AT) };
    const struct columns *columns = strata->columns;
    struct names *whole = &strata->keys[BLIND_NONE];
    uint32_t last_key = 0, last = NAME_NONE;
    strata->of = mem_alloc(columns->attempt_count * sizeof *strata->of);
    uint32_t *of_set = mem_alloc((columns->fact_set_count + 1) * sizeof *of_set);
    memset(of_set, 0xff, (columns->fact_set_count + 1) * sizeof *of_set);
    for (uint32_t a = 0; a < columns->attempt_count; a++) {
        uint32_t set = columns->fact_set[columns->session[a]];
        if (of_set[set] == EVIDENCE_NEW)
            of_set[set] = is_of_set(columns, set) ? evidence_key(columns, a) : EVIDENCE_VARIES;
        uint32_t key =
            stratum_key(columns, a, of_set[set] == EVIDENCE_VARIES ? evidence_key(columns, a) : of_set[set]);
        if (last == NAME_NONE || key != last_key) /* neighbours are often alike */
            last = key_number(whole, key);
        last_key = key;
        strata->of[a] = last;
    }
    free(of_set);
    for (int b = 0; b < BLINDS; b++) {
        strata->number[b] = mem_alloc(whole->count * sizeof *strata->number[b]);
        for (uint32_t i = 0; i < whole->count; i++) {
            uint32_t key = 0;
            memcpy(&key, names_text(whole, i).at, sizeof key);
            strata->number[b][i] = b == BLIND_NONE ? i : key_number(&strata->keys[b], key & seen[b]);
        }
    }
}

static uint32_t stratum_number(struct strata *strata, enum blind blind, uint32_t attempt)
{
    if (!strata->of)
        find_strata(strata);
    return strata->number[blind][strata->of[attempt]];
}

uint32_t stratum_of(struct strata *strata, uint32_t attempt)
{
    return stratum_number(strata, BLIND_NONE, attempt);
}

static enum blind blind_of(const struct measure *measure)
{
    return measure->kind == KIND_RDNS || measure->kind == KIND_FCRDNS ? BLIND_NAME
           : measure->kind == KIND_DNSBL                              ? BLIND_DNSBL
                                                                      : BLIND_NONE;
}

/* ---- Rates. */

void rates_free(struct rates *rates)
{
    if (!rates)
        return;
    free(rates->rate);
    free(rates->basis);
    free(rates);
}

/* From counts at the finest level: each stratum takes the finest level that has enough. */
static struct rates *choose_levels(const struct names *keys, const struct count *counts)
{
    struct rates *rates = mem_zero(1, sizeof *rates);
    rates->rate = mem_alloc(keys->count * sizeof *rates->rate);
    rates->basis = mem_alloc(keys->count);
    memset(rates->basis, BASIS_GUESSED, keys->count);
    for (int level = 0; level < LEVELS; level++) {
        struct names coarse = { 0 };
        struct count *sums = mem_zero(keys->count, sizeof *sums);
        uint32_t *number = mem_alloc(keys->count * sizeof *number);
        for (uint32_t i = 0; i < keys->count; i++) {
            uint32_t key = 0;
            memcpy(&key, names_text(keys, i).at, sizeof key);
            key &= level_mask[level];
            number[i] = names_add(&coarse, (struct str){ (const char *)&key, sizeof key });
            sums[number[i]].known += counts[i].known;
            sums[number[i]].hits += counts[i].hits;
        }
        for (uint32_t i = 0; i < keys->count; i++) {
            const struct count *sum = &sums[number[i]];
            if (rates->basis[i] != BASIS_GUESSED || sum->known < STRATUM_LEAST)
                continue;
            rates->rate[i] = (double)sum->hits / sum->known;
            rates->basis[i] = BASIS_ESTIMATED;
        }
        free(number);
        free(sums);
        names_free(&coarse);
    }
    for (uint32_t i = 0; i < keys->count; i++)
        if (rates->basis[i] == BASIS_GUESSED)
            rates->rate[i] = 0.5;
    return rates;
}

/* Whether who comes back gets past the rule: greylisting and its like, which judge by no evidence. */
static bool by_retrying(const struct walk *walk, uint32_t r)
{
    return walk->policy->rules[r].measure->state && !walk->policy->rules[r].measure->judge;
}

/* With state: of the deliveries that certainly are stopped by it or pass all; where retrying decides, of
 * those that it put off. Those whose retry window goes beyond the record are left out: who came back is known
 * of them, who did not is not. */
static bool is_known(const struct walk *walk, uint32_t r, uint32_t attempt, bool *hit)
{
    const struct columns *columns = walk->columns;
    if (!walk->policy->rules[r].measure->state) { /* and with `remember`: as if it were tested each time */
        *hit = bits_get(&walk->hit[r], attempt);
        return bits_get(&walk->known[r], attempt);
    }
    bool whole = walk->by_delivery && columns->before[attempt] == NO_ATTEMPT &&
                 columns->at[attempt] + columns->retry_window <= columns->to;
    outcomes set = whole ? walk->delivery[attempt] : 0;
    *hit = set == OUTCOME(r);
    return set && (set & (set - 1)) == 0 && (!by_retrying(walk, r) || walk->attempt[attempt] & OUTCOME(r));
}

void estimate_count(struct estimate *estimate, uint32_t r, uint32_t head, uint64_t times)
{
    enum blind blind = blind_of(estimate->walk->policy->rules[r].measure);
    uint32_t stratum = stratum_number(estimate->strata, blind, head);
    bool hit = false, known = is_known(estimate->walk, r, head, &hit);
    if (!estimate->counted[r])
        estimate->counted[r] = mem_zero(estimate->strata->keys[blind].count, sizeof **estimate->counted);
    estimate->counted[r][stratum].known += known ? (uint32_t)times : 0;
    estimate->counted[r][stratum].hits += known && hit ? (uint32_t)times : 0;
}

static struct rates *find_rates(const struct estimate *estimate, uint32_t r)
{
    const struct walk *walk = estimate->walk;
    enum blind blind = blind_of(walk->policy->rules[r].measure);
    struct strata *strata = estimate->strata;
    if (!strata->of)
        find_strata(strata);
    const uint32_t *number = strata->number[blind];
    const struct names *keys = &strata->keys[blind];
    if (estimate->counted[r])
        return choose_levels(keys, estimate->counted[r]);
    struct count *counts = mem_zero(keys->count, sizeof *counts);
    for (uint32_t a = 0; a < walk->columns->attempt_count; a++) {
        bool hit = false, known = is_known(walk, r, a, &hit);
        uint32_t times = walk->shelf && walk->shelf->times ? walk->shelf->times[a] : 1;
        counts[number[strata->of[a]]].known += known ? times : 0;
        counts[number[strata->of[a]]].hits += known && hit ? times : 0;
    }
    struct rates *rates = choose_levels(keys, counts);
    free(counts);
    return rates;
}

static const struct rates *rates_of(struct estimate *estimate, uint32_t r)
{
    const struct walk *walk = estimate->walk;
    struct judged *judged = walk->policy->rules[r].measure->state ? NULL : walk->judged[r];
    if (estimate->rates[r])
        return estimate->rates[r];
    if (judged && judged->rates)
        return estimate->rates[r] = judged->rates;
    estimate->rates[r] = find_rates(estimate, r);
    estimate->own[r] = !judged;
    if (judged)
        judged->rates = estimate->rates[r];
    return estimate->rates[r];
}

struct estimate *estimate_new(const struct walk *walk)
{
    struct estimate *estimate = mem_zero(1, sizeof *estimate);
    estimate->walk = walk;
    estimate->own_strata = !walk->shelf;
    estimate->strata = walk->shelf ? walk->shelf->strata : strata_new(walk->columns);
    return estimate;
}

void estimate_free(struct estimate *estimate)
{
    if (!estimate)
        return;
    for (size_t r = 0; r < RULES_MOST; r++) {
        if (estimate->own[r])
            rates_free(estimate->rates[r]);
        free(estimate->counted[r]);
    }
    if (estimate->own_strata)
        strata_free(estimate->strata);
    free(estimate);
}

static bool is_put_off(const struct columns *columns, uint32_t attempt)
{
    return columns->answer[attempt] == ANSWER_DEFERRED || columns->answer[attempt] == ANSWER_DROPPED;
}

/* Whether the delivery itself comes back when it is put off: as it did when the record put it off, for
 * whatever. Whom the recorded server's rule of this measure let by had come back before. UNKNOWN where it was
 * not put off, or the record ends before it shows. */
static enum tri comes_back(const struct walk *walk, uint32_t r, uint32_t head)
{
    const struct columns *columns = walk->columns;
    uint32_t last = head;
    if (judging_passed(&walk->judging[r], head, NULL))
        return YES;
    if (!walk->by_delivery || columns->before[head] != NO_ATTEMPT || !is_put_off(columns, head))
        return UNKNOWN;
    while (columns->after[last] != NO_ATTEMPT)
        last = columns->after[last];
    if (!is_put_off(columns, last))
        return YES;
    return columns->at[last] + columns->retry_window <= columns->to ? NO : UNKNOWN;
}

/* The rate at which rule r stops units like this one. Where retrying decides, what this one did itself tells
 * more than what its client does, and that more than what others do. */
static enum basis stop_rate(struct estimate *estimate, uint32_t r, uint32_t attempt, double *rate)
{
    const struct walk *walk = estimate->walk;
    if (by_retrying(walk, r) && !isnan(walk->options->assume_resend)) {
        *rate = 1 - walk->options->assume_resend;
        return BASIS_ESTIMATED;
    }
    enum tri back = by_retrying(walk, r) ? comes_back(walk, r, attempt) : UNKNOWN;
    if (back != UNKNOWN) {
        *rate = back == NO;
        return BASIS_ESTIMATED;
    }
    if (by_retrying(walk, r) && walk->by_delivery) {
        enum habit habit = walk_habit(walk, r, attempt);
        *rate = habit == HABIT_GIVES_UP ? 1 : 0;
        if (habit != HABIT_UNKNOWN)
            return BASIS_ESTIMATED;
    }
    const struct rates *rates = rates_of(estimate, r);
    uint32_t stratum = stratum_number(estimate->strata, blind_of(walk->policy->rules[r].measure), attempt);
    *rate = rates->rate[stratum];
    return (enum basis)rates->basis[stratum];
}

enum basis estimate_share(struct estimate *estimate, outcomes set, uint32_t attempt, double share[64])
{
    const struct walk *walk = estimate->walk;
    enum basis basis = BASIS_ESTIMATED;
    double left = 1;
    outcomes ends = set >> RULES_MOST << RULES_MOST;
    for (size_t k = 0; k < walk->policy->rule_count; k++) {
        uint32_t r = walk->steps[k].rule;
        if (!(set >> r & 1))
            continue;
        bool last = !ends; /* and none of the set acts later */
        for (size_t later = k + 1; last && later < walk->policy->rule_count; later++)
            last = !(set >> walk->steps[later].rule & 1);
        double rate = 1;
        bool surely =
            !walk->state[r] && bits_get(&walk->known[r], attempt) && bits_get(&walk->hit[r], attempt);
        if (!last && !surely) {
            enum basis this = stop_rate(estimate, r, attempt, &rate);
            basis = this > basis ? this : basis;
        }
        share[r] = left * rate;
        left -= share[r];
    }
    unsigned count = (unsigned)__builtin_popcountll(ends);
    for (outcomes e = ends; e; e &= e - 1)
        share[__builtin_ctzll(e)] = left / count;
    return basis;
}

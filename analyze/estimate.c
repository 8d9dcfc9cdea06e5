/* The point estimate. Each unknown on the way is spread by the rate at which the measure hits among units of
 * the same stratum for which it is known: same known rdns, number of DNSBL listings (0, 1, 2+), null sender,
 * address family, week. A stratum needs 30 of them; else week, then family, then null sender are given up,
 * never rdns and DNSBL count. Where all is in vain the unknown is halved. */
#include "analyze/estimate.h"

#include <math.h>
#include <stdlib.h>

enum { STRATUM_LEAST = 30, STRATA = 4 }; /* with all, without week, without family, without null sender */

struct rate {
    uint64_t key;
    uint32_t known, hits;
};

struct estimate {
    const struct walk *walk;
    struct rate *rate; /* by (rule, stratum at a level) */
    size_t rates, slots;
};

static struct rate *rate_of(struct estimate *estimate, uint64_t key)
{
    if (estimate->rates * 2 >= estimate->slots) {
        struct rate *old = estimate->rate;
        size_t old_slots = estimate->slots;
        estimate->slots = old_slots ? old_slots * 2 : 1024;
        estimate->rate = mem_zero(estimate->slots, sizeof *estimate->rate);
        for (size_t i = 0; i < old_slots; i++)
            if (old[i].key) {
                size_t slot = (size_t)bytes_hash(&old[i].key, 8, 5) & (estimate->slots - 1);
                while (estimate->rate[slot].key)
                    slot = (slot + 1) & (estimate->slots - 1);
                estimate->rate[slot] = old[i];
            }
        free(old);
    }
    size_t slot = (size_t)bytes_hash(&key, 8, 5) & (estimate->slots - 1);
    while (estimate->rate[slot].key && estimate->rate[slot].key != key)
        slot = (slot + 1) & (estimate->slots - 1);
    if (!estimate->rate[slot].key) {
        estimate->rate[slot].key = key;
        estimate->rates++;
    }
    return &estimate->rate[slot];
}

/* The stratum of an attempt at a level, packed; the top bit keeps it from being 0. What the rule itself is
 * judged by is no part of it: where that is not known, all who are alike in it are not known either.
 * `let_by`: of those only that the recorded server's rule of this measure let by, which came back before. */
static uint64_t stratum(const struct walk *walk, uint32_t attempt, uint32_t rule, unsigned level, bool let_by)
{
    const struct columns *columns = walk->columns;
    uint32_t s = columns->session[attempt];
    struct judging bare = { columns, NULL, NULL, NULL, NULL, NULL };
    enum kind own = walk->policy->rules[rule].measure->kind;
    bool of_name = own == KIND_RDNS || own == KIND_FCRDNS; /* one look-up tells both */
    uint64_t rdns = of_name ? 0 : judging_state(&bare, attempt, KIND_RDNS), listed = 0;
    const struct fact *fact = NULL;
    while (own != KIND_DNSBL && listed < 2 && (fact = judging_fact(&bare, attempt, KIND_DNSBL, fact)))
        listed += fact->state == YES;
    uint64_t sender = columns->sender[attempt] == NAME_NONE
                          ? 2
                          : names_text(&columns->names, columns->sender[attempt]).len == 0;
    uint64_t family = ip_is_v4(&columns->address[columns->client[s]]);
    uint64_t week = (uint64_t)(columns->started[s] / (7 * USEC_DAY)) & 0xffff;
    uint64_t key = (uint64_t)1 << 63 | (uint64_t)rule << 48 | (uint64_t)level << 44 | rdns << 40 |
                   listed << 36 | (uint64_t)let_by << 30;
    if (level < 3)
        key |= sender << 32;
    if (level < 2)
        key |= family << 31;
    if (level < 1)
        key |= week;
    return key;
}

/* Whether who comes back gets past the rule: greylisting and its like, which judge by no evidence. */
static bool by_retrying(const struct walk *walk, uint32_t r)
{
    return walk->policy->rules[r].measure->state && !walk->policy->rules[r].measure->judge;
}

static bool is_let_by(const struct walk *walk, uint32_t attempt, uint32_t r)
{
    return by_retrying(walk, r) && judging_passed(&walk->judging[r], attempt, NULL);
}

struct estimate *estimate_new(const struct walk *walk)
{
    struct estimate *estimate = mem_zero(1, sizeof *estimate);
    const struct columns *columns = walk->columns;
    estimate->walk = walk;
    bool wanted = false; /* is there anything to estimate? */
    for (size_t a = 0; a < columns->attempt_count && !wanted; a++) {
        outcomes set = walk->by_delivery ? walk->delivery[a] : walk->attempt[a];
        wanted = (set & (set - 1)) != 0;
    }
    for (uint32_t a = 0; wanted && a < columns->attempt_count; a++)
        for (uint32_t r = 0; r < walk->policy->rule_count; r++) {
            /* With state: of the deliveries that certainly are stopped by it or pass all; where retrying
             * decides, of those that it put off. Those whose retry window goes beyond the record are left
             * out: who came back is known of them, who did not is not. Whom the recorded server's own let by
             * are for themselves, put off now or not. */
            bool hit = false, known = false, let_by = is_let_by(walk, a, r);
            if (walk->policy->rules[r].measure->state) {
                bool whole = walk->by_delivery && columns->before[a] == NO_ATTEMPT &&
                             columns->at[a] + columns->retry_window <= columns->to;
                outcomes set = whole ? walk->delivery[a] : 0;
                known = set && (set & (set - 1)) == 0 &&
                        (!by_retrying(walk, r) || let_by || walk->attempt[a] & OUTCOME(r));
                hit = known && set == OUTCOME(r);
            } else { /* and with `remember`: as if it were tested each time */
                known = bits_get(&walk->known[r], a);
                hit = known && bits_get(&walk->hit[r], a);
            }
            for (unsigned level = 0; known && level < STRATA; level++) {
                struct rate *rate = rate_of(estimate, stratum(walk, a, r, level, let_by));
                rate->known++;
                rate->hits += hit;
            }
        }
    return estimate;
}

void estimate_free(struct estimate *estimate)
{
    if (!estimate)
        return;
    free(estimate->rate);
    free(estimate);
}

/* The rate at which rule r stops units like this one. */
static enum basis stop_rate(struct estimate *estimate, uint32_t r, uint32_t attempt, double *rate)
{
    const struct walk *walk = estimate->walk;
    if (by_retrying(walk, r) && !isnan(walk->options->assume_resend)) {
        *rate = 1 - walk->options->assume_resend;
        return BASIS_ESTIMATED;
    }
    if (by_retrying(walk, r) && walk->habits) {
        enum habit habit = walk_habit(walk, r, attempt);
        *rate = habit == HABIT_GIVES_UP ? 1 : 0;
        if (habit != HABIT_UNKNOWN)
            return BASIS_ESTIMATED;
    }
    for (bool let_by = is_let_by(walk, attempt, r);; let_by = false) {
        for (unsigned level = 0; level < STRATA; level++) {
            const struct rate *found = rate_of(estimate, stratum(walk, attempt, r, level, let_by));
            if (found->known >= STRATUM_LEAST) {
                *rate = (double)found->hits / found->known;
                return BASIS_ESTIMATED;
            }
        }
        if (!let_by)
            break;
    }
    *rate = 0.5;
    return BASIS_GUESSED;
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

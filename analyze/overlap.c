/* From sessions to hit patterns: each measure is replayed alone, and so is each zone. */
#include "analyze/overlap.h"

#include <stdlib.h>
#include <string.h>
#include "analyze/cost.h"
#include "analyze/lists.h"
#include "analyze/measure/parameters.h"
#include "analyze/order.h"
#include "analyze/units.h"

#define BIT(member) ((uint64_t)1 << (member))

/* A pattern of the units whose clients got to the same stage. */
struct fine {
    struct pattern pattern;
    uint64_t reached;
};

struct finding {
    const struct columns *columns;
    struct shelf *shelf;
    const struct policy *policy;
    const struct replay_options *options;
    bool all; /* compare all, whatever that leaves out */
    struct overlap *overlap;
    uint32_t *first; /* by unit: its first attempt */
    size_t units;
    struct bits *hit, *known; /* by member of the group that is being looked at */
};

/* ---- Units. */

static bool is_relayed(const struct finding *finding, uint32_t attempt)
{
    const struct columns *columns = finding->columns;
    return networks_hold(&finding->policy->trusted_relays,
                         &columns->address[columns->client[columns->session[attempt]]]);
}

static void find_units(struct finding *finding)
{
    const struct columns *columns = finding->columns;
    struct overlap *overlap = finding->overlap;
    finding->first = mem_alloc((columns->attempt_count + 1) * sizeof *finding->first);
    for (uint32_t a = 0; a < columns->attempt_count; a++) {
        if (!unit_begins(columns, finding->options->unit, a) ||
            !unit_in_period(columns, finding->options, a) || is_relayed(finding, a))
            continue;
        usec start = columns->started[columns->session[a]];
        overlap->from = overlap->from == USEC_NONE || start < overlap->from ? start : overlap->from;
        overlap->to = overlap->to == USEC_NONE || start > overlap->to ? start : overlap->to;
        finding->first[finding->units++] = a;
    }
    overlap->units = finding->units;
}

/* Replays a policy of this one rule, and takes down whom it stops. Its parameters last as long as the
 * overlap: the shelf keeps what it judged by them. */
static int judge_alone(struct finding *finding, const struct rule *rule, size_t member, struct why *why)
{
    struct overlap *overlap = finding->overlap;
    struct policy *alone = arena_alloc(&overlap->arena, sizeof *alone);
    struct walk walk;
    *alone = *finding->policy;
    alone->rules = arena_alloc(&overlap->arena, sizeof *rule);
    alone->rules[0] = *rule;
    alone->rule_count = 1;
    if (walk_shelved(&walk, finding->shelf, alone, why) < 0)
        return -1;
    finding->hit[member] = bits_new(finding->units);
    finding->known[member] = bits_new(finding->units);
    for (size_t u = 0; u < finding->units; u++) {
        outcomes set = unit_outcomes(finding->columns, &walk, finding->options->unit, finding->first[u]);
        if (set == OUTCOME(0))
            bits_set(&finding->hit[member], u);
        if (set == OUTCOME(0) || !(set & OUTCOME(0)))
            bits_set(&finding->known[member], u);
    }
    if (overlap->note_count == 0)
        overlap->note_count = record_notes(walk.record, &overlap->arena, overlap->notes);
    walk_free(&walk);
    return 0;
}

/* Takes the last member of a group out again where nothing is known of it: it would leave nothing of the
 * others. */
static void set_aside(struct finding *finding, struct overlap_group *group)
{
    size_t m = group->count - 1;
    if (finding->units == 0 || bits_count(&finding->known[m]))
        return;
    bits_free(&finding->hit[m]);
    bits_free(&finding->known[m]);
    group->aside[group->aside_count++] = group->names[m];
    group->count--;
}

/* ---- Patterns. */

static int by_pattern(const void *left, const void *right)
{
    const struct fine *a = left, *b = right;
    if (a->pattern.hit != b->pattern.hit)
        return a->pattern.hit < b->pattern.hit ? -1 : 1;
    if (a->pattern.unknown != b->pattern.unknown)
        return a->pattern.unknown < b->pattern.unknown ? -1 : 1;
    return (a->reached > b->reached) - (a->reached < b->reached);
}

struct fines {
    struct fine *fine;
    size_t count, room, slots;
    uint32_t *slot; /* hash table of indexes + 1 */
};

static void count_pattern(struct fines *fines, uint64_t hit, uint64_t unknown, uint64_t reached)
{
    if (fines->count * 2 >= fines->slots) {
        fines->slots = fines->slots ? fines->slots * 2 : 256;
        free(fines->slot);
        fines->slot = mem_zero(fines->slots, sizeof *fines->slot);
        for (size_t i = 0; i < fines->count; i++) {
            const struct fine *fine = &fines->fine[i];
            const uint64_t key[] = { fine->pattern.hit, fine->pattern.unknown, fine->reached };
            size_t at = (size_t)bytes_hash(key, sizeof key, 3) & (fines->slots - 1);
            while (fines->slot[at])
                at = (at + 1) & (fines->slots - 1);
            fines->slot[at] = (uint32_t)i + 1;
        }
    }
    const uint64_t key[] = { hit, unknown, reached };
    size_t at = (size_t)bytes_hash(key, sizeof key, 3) & (fines->slots - 1);
    for (; fines->slot[at]; at = (at + 1) & (fines->slots - 1)) {
        struct fine *fine = &fines->fine[fines->slot[at] - 1];
        if (fine->pattern.hit == hit && fine->pattern.unknown == unknown && fine->reached == reached) {
            fine->pattern.units++;
            return;
        }
    }
    mem_room(fines->fine, fines->room, fines->count + 1);
    fines->fine[fines->count++] = (struct fine){ { hit, unknown, 1 }, reached };
    fines->slot[at] = (uint32_t)fines->count;
}

static struct fines find_patterns(const struct finding *finding, size_t members)
{
    struct fines fines = { 0 };
    for (size_t u = 0; u < finding->units; u++) {
        uint64_t hit = 0, unknown = 0;
        for (size_t m = 0; m < members; m++) {
            hit |= bits_get(&finding->hit[m], u) ? BIT(m) : 0;
            unknown |= bits_get(&finding->known[m], u) ? 0 : BIT(m);
        }
        count_pattern(&fines, hit, unknown, finding->columns->reached[finding->first[u]]);
    }
    if (fines.count)
        qsort(fines.fine, fines.count, sizeof *fines.fine, by_pattern);
    return fines;
}

static int by_units(const void *left, const void *right)
{
    const struct pattern *a = left, *b = right;
    if (a->units != b->units)
        return a->units > b->units ? -1 : 1;
    if (a->hit != b->hit)
        return a->hit < b->hit ? -1 : 1;
    return (a->unknown > b->unknown) - (a->unknown < b->unknown);
}

/* Sums those that are alike and stand together, and puts those with most units first. */
static size_t merge_patterns(struct pattern *pattern, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool again = kept && pattern[kept - 1].hit == pattern[i].hit &&
                     pattern[kept - 1].unknown == pattern[i].unknown;
        if (again)
            pattern[kept - 1].units += pattern[i].units;
        else
            pattern[kept++] = pattern[i];
    }
    if (kept)
        qsort(pattern, kept, sizeof *pattern, by_units);
    return kept;
}

static int by_hit(const void *left, const void *right)
{
    const struct pattern *a = left, *b = right;
    return (a->hit > b->hit) - (a->hit < b->hit);
}

static void find_known(struct overlap_group *group, struct arena *arena)
{
    const struct game *game = &group->game;
    size_t count = 0;
    group->known = arena_zero(arena, (game->patterns + 1) * sizeof *group->known);
    for (size_t i = 0; i < game->patterns; i++)
        if (!(game->pattern[i].unknown & ~game->apart))
            group->known[count++] =
                (struct pattern){ game->pattern[i].hit & ~game->apart, 0, game->pattern[i].units };
    if (count)
        qsort(group->known, count, sizeof *group->known, by_hit);
    group->known_count = merge_patterns(group->known, count);
}

/* Whatever stage was reached. */
static void set_game(struct overlap_group *group, const struct fines *fines, struct arena *arena)
{
    struct pattern *pattern = arena_zero(arena, (fines->count + 1) * sizeof *pattern);
    for (size_t i = 0; i < fines->count; i++)
        pattern[i] = fines->fine[i].pattern;
    group->game.members = group->count;
    group->game.pattern = pattern;
    group->game.patterns = merge_patterns(pattern, fines->count);
}

/* ---- What to leave out. */

static void find_drops(const struct overlap *overlap, struct overlap_group *group, struct arena *arena)
{
    uint64_t without = 0;
    uint64_t limit = (group->shares->known + group->shares->left_out) * OVERLAP_LITTLE / 10000;
    group->drops = arena_zero(arena, (group->count + 1) * sizeof *group->drops);
    while (group->drop_count + 1 < group->count) {
        struct drop best = { .member = group->count };
        double best_cost = 0;
        for (size_t m = 0; m < group->count; m++) {
            struct loss together = { 0, 0 };
            double cost = group->zones ? 1 : overlap->costs[m];
            if (without & BIT(m) || (!group->zones && overlap->guards & BIT(m)))
                continue;
            together = game_loss(&group->game, without | BIT(m));
            bool better = best.member == group->count || together.high < best.together.high ||
                          (together.high == best.together.high && cost >= best_cost);
            if (!better)
                continue;
            best = (struct drop){ .member = m, .together = together };
            best_cost = cost;
        }
        if (best.member == group->count || best.together.high > limit)
            break;
        struct loss before = game_loss(&group->game, without);
        best.loss = (struct loss){ best.together.count - before.count, best.together.high - before.high };
        without |= BIT(best.member);
        group->drops[group->drop_count++] = best;
    }
}

static void find_blindest(struct overlap_group *group)
{
    group->blindest = group->count;
    for (size_t m = 0; m < group->count; m++) {
        uint64_t units = 0;
        for (size_t i = 0; i < group->game.patterns; i++)
            units += group->game.pattern[i].unknown & ~group->game.apart & BIT(m)
                         ? group->game.pattern[i].units
                         : 0;
        if (units > group->blind_units) {
            group->blind_units = units;
            group->blindest = m;
        }
    }
}

static void conclude(struct finding *finding, struct overlap_group *group, const struct fines *fines)
{
    struct arena *arena = &finding->overlap->arena;
    set_game(group, fines, arena);
    group->game.apart = finding->all ? 0 : game_apart(&group->game);
    find_known(group, arena);
    group->shares = arena_alloc(arena, sizeof *group->shares);
    game_share(&group->game, group->shares);
    find_blindest(group);
    find_drops(finding->overlap, group, arena);
    for (size_t m = 0; m < group->count; m++) {
        bits_free(&finding->hit[m]);
        bits_free(&finding->known[m]);
    }
}

static void begin_group(struct finding *finding, struct overlap_group *group, size_t most)
{
    struct arena *arena = &finding->overlap->arena;
    group->names = arena_zero(arena, (most + 1) * sizeof *group->names);
    group->titles = arena_zero(arena, (most + 1) * sizeof *group->titles);
    group->rules = arena_zero(arena, (most + 1) * sizeof *group->rules);
    group->aside = arena_zero(arena, (most + 1) * sizeof *group->aside);
    finding->hit = arena_zero(arena, (most + 1) * sizeof *finding->hit);
    finding->known = arena_zero(arena, (most + 1) * sizeof *finding->known);
}

/* ---- Measures. */

/* The share of a member's hits among the units that get to a stage past what comes before it, where it is
 * known; a half where too few are. */
enum { ENOUGH = 30 };
static double rate_of(const struct fines *fines, size_t member, enum stage stage, uint64_t earlier,
                      bool *guessed)
{
    uint64_t hits = 0, known = 0;
    for (size_t i = 0; i < fines->count; i++) {
        const struct pattern *one = &fines->fine[i].pattern;
        if (fines->fine[i].reached < stage || one->hit & earlier || one->unknown & BIT(member))
            continue;
        known += one->units;
        hits += one->hit & BIT(member) ? one->units : 0;
    }
    *guessed = known < ENOUGH;
    return known < ENOUGH ? 0.5 : (double)hits / (double)known;
}

struct expecting {
    struct expected *pattern;
    size_t count, room;
};

/* Spreads a pattern over what its unknown members may come to, each by its rate. */
static void expect(struct expecting *expecting, uint64_t hit, uint64_t unknown, double units,
                   const double *rate)
{
    if (units <= 0)
        return;
    if (unknown) {
        unsigned member = (unsigned)__builtin_ctzll(unknown);
        expect(expecting, hit | BIT(member), unknown & (unknown - 1), units * rate[member], rate);
        expect(expecting, hit, unknown & (unknown - 1), units * (1 - rate[member]), rate);
        return;
    }
    mem_room(expecting->pattern, expecting->room, expecting->count + 1);
    expecting->pattern[expecting->count++] = (struct expected){ hit, units };
}

/* Where many are unknown of one unit the last of them are taken for misses, or it would be spread over more
 * than there are units. */
enum { SPREAD_MOST = 10 };
static uint64_t some_of(uint64_t set)
{
    uint64_t kept = 0;
    for (unsigned n = 0; set && n < SPREAD_MOST; n++, set &= set - 1)
        kept |= set & (~set + 1);
    return kept;
}

/* The best order of one stage's measures, which are the members [from, to) of the group. */
static void find_order(const struct finding *finding, const struct overlap_group *group, size_t from,
                       size_t to, const struct fines *fines, struct overlap_stage *stage, double *rate)
{
    struct overlap *overlap = finding->overlap;
    size_t count = to - from;
    uint64_t earlier = BIT(from) - 1, own = (BIT(count) - 1) << from;
    struct expecting expecting = { 0 };
    struct asked_order asked = { count, overlap->costs + from, group->names + from };
    for (size_t m = from; m < to; m++) {
        bool guessed;
        rate[m] = rate_of(fines, m, stage->stage, earlier, &guessed);
        stage->guessed = stage->guessed || guessed;
    }
    for (size_t i = 0; i < fines->count; i++) {
        const struct pattern *one = &fines->fine[i].pattern;
        double units = (double)one->units;
        if (fines->fine[i].reached < stage->stage || one->hit & earlier)
            continue;
        for (uint64_t left = one->unknown & earlier; left; left &= left - 1)
            units *= 1 - rate[__builtin_ctzll(left)];
        stage->units += units;
        stage->unknown += one->unknown & (earlier | own) ? one->units : 0;
        expect(&expecting, (one->hit & own) >> from, some_of((one->unknown & own) >> from), units,
               rate + from);
    }
    stage->count = count;
    stage->exact = count <= EXACT_MOST;
    stage->now = arena_zero(&overlap->arena, count * sizeof *stage->now);
    stage->best = arena_zero(&overlap->arena, count * sizeof *stage->best);
    for (size_t k = 0; k < count; k++)
        stage->now[k] = k;
    stage->cost_now = order_cost(&asked, expecting.pattern, expecting.count, stage->now);
    stage->cost_best = order_best(&asked, expecting.pattern, expecting.count, stage->best);
    for (size_t k = 0; k < count; k++) {
        stage->now[k] += from;
        stage->best[k] += from;
    }
    free(expecting.pattern);
}

/* Those that nobody attempted anything with, and nothing stops, are in no percentage; as in a tally. */
static void find_base(struct finding *finding, size_t members)
{
    struct overlap *overlap = finding->overlap;
    const struct columns *columns = finding->columns;
    enum unit unit = finding->options->unit;
    overlap->base = overlap->units;
    for (size_t u = 0; unit != UNIT_SESSION && u < finding->units; u++) {
        bool nothing = unit_outcomes(columns, NULL, unit, finding->first[u]) == OUTCOME(OUTCOME_NOTHING);
        for (size_t m = 0; nothing && m < members; m++)
            nothing = bits_get(&finding->known[m], u) && !bits_get(&finding->hit[m], u);
        overlap->base -= nothing;
    }
}

static int find_measures(struct finding *finding, struct overlap_group *group, struct why *why)
{
    const struct policy *policy = finding->policy;
    struct overlap *overlap = finding->overlap;
    struct arena *arena = &overlap->arena;
    struct step *steps = arena_zero(arena, (policy->rule_count + 1) * sizeof *steps);
    enum stage *stage_of = arena_zero(arena, (policy->rule_count + 1) * sizeof *stage_of);
    int result = 0;
    policy_steps(policy, steps);
    *group = (struct overlap_group){ .name = STR("measures"), .title = STR("Measures") };
    begin_group(finding, group, policy->rule_count);
    overlap->costs = arena_zero(arena, (policy->rule_count + 1) * sizeof *overlap->costs);
    overlap->warners = arena_zero(arena, (policy->rule_count + 1) * sizeof *overlap->warners);
    for (size_t k = 0; k < policy->rule_count && result == 0; k++) {
        struct rule rule = policy->rules[steps[k].rule];
        if (rule_warns(&rule)) {
            overlap->warners[overlap->warner_count++] = rule.name;
            continue;
        }
        size_t m = group->count++;
        group->names[m] = rule.name;
        group->titles[m] = rule.title;
        group->rules[m] = steps[k].rule;
        overlap->costs[m] = cost_of_asking(&rule);
        overlap->guards |= rule.measure->guards ? BIT(m) : 0;
        stage_of[m] = steps[k].stage;
        result = judge_alone(finding, &rule, m, why);
        if (result == 0)
            set_aside(finding, group);
    }
    if (result < 0)
        return -1;
    struct fines fines = find_patterns(finding, group->count);
    find_base(finding, group->count);
    conclude(finding, group, &fines);
    overlap->stages = arena_zero(arena, STAGES * sizeof *overlap->stages);
    double *rate = arena_zero(arena, (group->count + 1) * sizeof *rate);
    for (size_t from = 0, to; from < group->count; from = to) {
        struct overlap_stage *stage = &overlap->stages[overlap->stage_count++];
        stage->stage = stage_of[from];
        for (to = from; to < group->count && stage_of[to] == stage_of[from];)
            to++;
        find_order(finding, group, from, to, &fines, stage, rate);
    }
    free(fines.fine);
    free(fines.slot);
    return 0;
}

/* ---- Zones. */

static int find_zones(struct finding *finding, size_t r, struct overlap_group *group, struct why *why)
{
    const struct rule *rule = &finding->policy->rules[r];
    const struct dnsbl_parameters *all = rule->parameters;
    const struct weights *lists[] = { &all->zones, &all->allow };
    size_t most = all->zones.count + all->allow.count;
    struct arena *arena = &finding->overlap->arena;
    int32_t *weights = arena_zero(arena, (most + 1) * sizeof *weights);
    uint64_t sum = 0;
    bool each_is_enough = all->allow.count == 0;
    *group = (struct overlap_group){ .name = rule->name, .title = rule->title, .zones = true };
    if (most > MEMBERS_MOST)
        return why_set(why, EX_DATAERR, "%.*s: more than %d zones in one measure", STR_ARG(rule->name),
                       MEMBERS_MOST);
    begin_group(finding, group, most);
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
        for (size_t i = 0; i < lists[l]->count; i++) {
            struct weight zone = lists[l]->weight[i];
            size_t m = group->count++;
            weights[m] = zone.weight;
            sum += zone.weight < 0 ? (uint64_t) - (int64_t)zone.weight : (uint64_t)zone.weight;
            each_is_enough = each_is_enough && zone.weight >= all->threshold && all->threshold > 0;
            group->names[m] = group->titles[m] = zone.name;
            group->rules[m] = r;
            zone.weight = 1;
            struct dnsbl_parameters *one = arena_alloc(&finding->overlap->arena, sizeof *one);
            struct rule alone = *rule;
            *one = *all;
            one->zones = (struct weights){ arena_alloc(&finding->overlap->arena, sizeof zone), 1 };
            one->zones.weight[0] = zone;
            one->allow = (struct weights){ 0 };
            one->threshold = 1;
            one->remember = 0;
            alone.parameters = one;
            alone.warn = false;
            if (judge_alone(finding, &alone, m, why) < 0)
                return -1;
            set_aside(finding, group);
        }
    if (!each_is_enough && sum > WEIGHTS_MOST)
        return why_set(why, EX_DATAERR,
                       "%.*s: the weights of its zones sum to more than %d; divide them and the threshold by "
                       "what they have in common",
                       STR_ARG(rule->name), WEIGHTS_MOST);
    group->game.weight = each_is_enough ? NULL : weights;
    group->game.threshold = all->threshold;
    struct fines fines = find_patterns(finding, group->count);
    conclude(finding, group, &fines);
    free(fines.fine);
    free(fines.slot);
    return 0;
}

int overlap_shelved(struct shelf *shelf, const struct policy *policy, bool all, struct overlap *overlap,
                    struct why *why)
{
    const struct replay_options *options = shelf->options;
    struct finding finding = {
        .columns = shelf->columns,
        .shelf = shelf,
        .policy = policy,
        .options = options,
        .all = all,
        .overlap = overlap,
    };
    int result = -1;
    *overlap = (struct overlap){ .unit = options->unit, .from = USEC_NONE, .to = USEC_NONE };
    if (policy->rule_count > RULES_MOST)
        return why_set(why, EX_DATAERR, "%.*s: more than %d measures in one policy", STR_ARG(policy->name),
                       RULES_MOST);
    overlap->policy = arena_str(&overlap->arena, policy->name);
    overlap->groups = arena_zero(&overlap->arena, (policy->rule_count + 1) * sizeof *overlap->groups);
    find_units(&finding);
    if (find_measures(&finding, &overlap->groups[overlap->group_count++], why) < 0)
        goto done;
    for (size_t r = 0; r < policy->rule_count; r++) {
        const struct rule *rule = &policy->rules[r];
        if (rule->measure != &measure_dnsbl)
            continue;
        const struct dnsbl_parameters *zones = rule->parameters;
        if (zones->zones.count + zones->allow.count > 1 &&
            find_zones(&finding, r, &overlap->groups[overlap->group_count++], why) < 0)
            goto done;
    }
    result = 0;
done:
    free(finding.first);
    return result;
}

int overlap_run(struct columns *columns, const struct policy *policy, const struct replay_options *options,
                bool all, struct overlap *overlap, struct why *why)
{
    columns_chain(columns, options->retry_window);
    struct shelf *shelf = shelf_new(columns, options);
    int result = overlap_shelved(shelf, policy, all, overlap, why);
    shelf_free(shelf);
    return result;
}

uint64_t overlap_unlike(const struct overlap_group *group)
{
    uint64_t members = 0;
    for (size_t m = 0; m < group->count; m++) {
        const struct counted *hits = &group->shares->share[m].hits;
        bool unlike = !(group->game.apart & BIT(m)) && hits->count * 2 < hits->low;
        members |= unlike ? BIT(m) : 0;
    }
    return members;
}

void overlap_free(struct overlap *overlap)
{
    struct arena arena = overlap->arena; /* *overlap may lie in it */
    *overlap = (struct overlap){ 0 };
    arena_free(&arena);
}

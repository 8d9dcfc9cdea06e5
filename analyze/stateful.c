/* Policies with state, on a digest. */
#include "analyze/stateful.h"

#include <math.h>
#include <stdlib.h>
#include "analyze/asker.h"
#include "analyze/signature.h"
#include "analyze/units.h"

/* What was asked, and what was answered. */
struct kept {
    const struct judged *judged; /* the rule with state */
    uint64_t stands;             /* a signature of how all stand */
    struct state_answers *answers;
    uint64_t delay_of; /* a signature of what the figures of delay below are of */
    uint64_t delayed, seen_once;
    double median, within_90, within_99;
};

enum { KEPT_MOST = 64 };

struct stateful {
    const struct columns *columns; /* the record */
    const struct digest *digest;
    const struct classes *classes;
    struct company *company;
    struct asker *asker;
    struct kept kept[KEPT_MOST];
    size_t kept_count, kept_next; /* the oldest makes room */
};

bool stateful_can(const struct policy *policy, const struct replay_options *options)
{
    size_t count = 0;
    for (uint32_t r = 0; r < policy->rule_count; r++) {
        const struct state *state = rule_state(&policy->rules[r]);
        if (!state)
            continue;
        if (!state->by_client || !state->by_client(policy->rules[r].parameters) || state->might)
            return false;
        count++;
    }
    return count == 1 && options->unit == UNIT_DELIVERY && options->by == SLICE_NONE &&
           options->from == USEC_NONE && options->to == USEC_NONE && !options->assume_habits;
}

struct stateful *stateful_new(struct shelf *shelf, const struct digest *digest, const struct classes *classes,
                              const struct wanted *wanted)
{
    struct stateful *stateful = mem_zero(1, sizeof *stateful);
    stateful->columns = shelf->columns;
    stateful->digest = digest;
    stateful->classes = classes;
    stateful->company = company_new(shelf, digest, classes, wanted);
    stateful->asker = asker_new(shelf->columns, stateful->company);
    return stateful;
}

void stateful_free(struct stateful *stateful)
{
    if (!stateful)
        return;
    for (size_t i = 0; i < stateful->kept_count; i++)
        state_answers_free(stateful->kept[i].answers);
    asker_free(stateful->asker);
    company_free(stateful->company);
    free(stateful);
}

/* ---- How all stand. */

static uint32_t stand_of(struct walk *walk, uint32_t rule, uint32_t attempt, enum alive alive)
{
    static const enum tri answers[COMPANY_ANSWERS] = { NO, UNKNOWN, YES };
    bool known = bits_get(&walk->known[rule], attempt), hit = bits_get(&walk->hit[rule], attempt);
    uint32_t bits = bits_get(&walk->applies[rule], attempt) ? STAND_APPLIES : 0;
    bits |= (uint32_t)(known ? tri_of(hit) : UNKNOWN) << STAND_VERDICT_AT;
    for (int i = 0; i < COMPANY_ANSWERS; i++) {
        enum tri answer = answers[i];
        struct stand stand = { .answer = answer };
        outcomes delivery = 0;
        enum alive next = walk_stand(walk, attempt, alive, &stand, &delivery);
        outcomes set = walk->attempt[attempt];
        bool first = set && (set & ~walk->stateful) == 0;
        bits |= (stand.asks ? STAND_ASKS : 0) | (stand.certain ? STAND_CERTAIN : 0) |
                (stand.spoils ? STAND_SPOILS : 0);
        bits |= (uint32_t)stand.newly_off << (STAND_OFF_AT + answer) |
                (uint32_t)first << (STAND_FIRST_AT + answer) | (uint32_t)next << (STAND_NEXT_AT + 2 * answer);
        if (stand.asks || stand.spoils || stand.newly_off)
            bits |= STAND_ACTIVE;
        if (!stand.asks)
            break; /* no other answer is given */
    }
    return bits;
}

static struct stands find_stands(const struct stateful *stateful, struct walk *walk, uint32_t rule)
{
    const struct company *company = stateful->company;
    const struct columns *part = stateful->digest->columns;
    struct stands stands = { .alone_count = stateful->classes->unit_count,
                             .company_count = part->attempt_count * 2 };
    stands.alone = mem_zero(stands.alone_count + 1, sizeof *stands.alone);
    stands.company = mem_zero(stands.company_count + 1, sizeof *stands.company);
    for (size_t i = 0; i < stands.alone_count; i++)
        if (company->alone_first[i] != NO_ATTEMPT)
            stands.alone[i] = stand_of(walk, rule, company->alone_first[i], ALIVE);
    for (size_t i = 0; i < company->liked_count; i++) {
        uint32_t a = company->liked[i];
        stands.company[a * 2 + 1] = stand_of(walk, rule, a, ALIVE);
        if (part->before[a] != NO_ATTEMPT)
            stands.company[a * 2] = stand_of(walk, rule, a, MAYBE_ALIVE);
    }
    return stands;
}

static uint64_t stands_signature(const struct stateful *stateful, const struct stands *stands)
{
    const struct company *company = stateful->company;
    uint64_t own = 19;
    for (size_t i = 0; i < stands->alone_count; i += 2) /* there is one more, zero */
        own = signature_mix(own, stands->alone[i] | (uint64_t)stands->alone[i + 1] << 32);
    for (size_t i = 0; i < company->liked_count; i++) {
        uint32_t a = company->liked[i];
        own = signature_mix(own, stands->company[a * 2] | (uint64_t)stands->company[a * 2 + 1] << 32);
    }
    return own;
}

/* The answers to what this policy asks; worked out unless they are kept. */
static struct kept *find_answers(struct stateful *stateful, struct walk *walk, uint32_t rule)
{
    struct stands stands = find_stands(stateful, walk, rule);
    uint64_t own = stands_signature(stateful, &stands);
    struct kept *kept = NULL;
    for (size_t i = 0; i < stateful->kept_count && !kept; i++)
        if (stateful->kept[i].judged == walk->judged[rule] && stateful->kept[i].stands == own)
            kept = &stateful->kept[i];
    if (!kept) {
        kept = &stateful->kept[stateful->kept_next];
        stateful->kept_next = (stateful->kept_next + 1) % KEPT_MOST;
        if (stateful->kept_count < KEPT_MOST)
            stateful->kept_count++;
        state_answers_free(kept->answers);
        *kept = (struct kept){ .judged = walk->judged[rule],
                               .stands = own,
                               .answers = asker_ask(stateful->asker, walk, rule, &stands,
                                                    walk_goes_by_address(walk, rule)) };
    }
    free(stands.alone);
    free(stands.company);
    return kept;
}

/* ---- Case by case. */

struct trying {
    const struct stateful *stateful;
    struct walk *walk;
    const struct state_answers *answers;
    struct unit_class *unit;      /* by case */
    outcomes *attempt, *delivery; /* what came of each: by answer, and by case */
    struct {
        bool off;          /* put off at first, by the rule with state and no other */
        uint32_t accepted; /* attempts on from the first, where it is accepted; 0: at none */
    } * late;              /* by case */
};

/* Walks a chain of the part up to `last` with these answers; returns how many it took. */
static size_t stand_chain(struct walk *walk, uint32_t first, uint32_t last, const uint8_t *answers)
{
    const struct columns *part = walk->columns;
    enum alive alive = ALIVE;
    size_t count = 0;
    walk->delivery[first] = 0;
    for (uint32_t a = first; a != NO_ATTEMPT; a = a == last ? NO_ATTEMPT : part->after[a]) {
        struct stand stand = { .answer = (enum tri)answers[count++] };
        alive = walk_stand(walk, a, alive, &stand, &walk->delivery[first]);
    }
    return count;
}

static void set_habit(struct walk *walk, uint8_t habit)
{
    walk->habit_of_address = walk->habit_of_network = (enum habit)habit;
}

/* Walks a case, and takes down what comes of it. */
static void stand_unit(struct trying *trying, size_t i)
{
    struct walk *walk = trying->walk;
    const struct answer_case *one = &trying->answers->units.of[i];
    uint32_t first = trying->unit[i].first;
    outcomes *to = trying->attempt + one->at;
    set_habit(walk, one->habit);
    stand_chain(walk, first, NO_ATTEMPT, trying->answers->units.answer + one->at);
    for (uint32_t a = first; a != NO_ATTEMPT; a = walk->columns->after[a])
        *to++ = walk->attempt[a];
    trying->delivery[i] = walk->delivery[first];
}

/* Makes the walk be that of a case once more. */
static void recall_unit(void *given, size_t i)
{
    const struct trying *trying = given;
    struct walk *walk = trying->walk;
    const struct answer_case *one = &trying->answers->units.of[i];
    uint32_t first = trying->unit[i].first;
    const outcomes *from = trying->attempt + one->at;
    set_habit(walk, one->habit);
    for (uint32_t a = first; a != NO_ATTEMPT; a = walk->columns->after[a])
        walk->attempt[a] = *from++;
    walk->delivery[first] = trying->delivery[i];
}

static void find_late(struct trying *trying, size_t i)
{
    const struct walk *walk = trying->walk;
    uint32_t first = trying->unit[i].first, count = 1;
    outcomes set = walk->attempt[first];
    trying->late[i].off = set && (set & ~walk->stateful) == 0;
    for (uint32_t a = walk->columns->after[first]; a != NO_ATTEMPT && !trying->late[i].accepted;
         a = walk->columns->after[a], count++)
        if (walk->attempt[a] == OUTCOME(OUTCOME_ACCEPTED))
            trying->late[i].accepted = count;
}

static uint32_t chain_head(const struct columns *columns, uint32_t attempt)
{
    while (columns->before[attempt] != NO_ATTEMPT)
        attempt = columns->before[attempt];
    return attempt;
}

static void add_costs(const struct trying *trying, struct estimate *estimate, struct costs *costs)
{
    struct walk *walk = trying->walk;
    const struct columns *part = walk->columns;
    const struct answer_cases *cases = &trying->answers->sessions;
    const struct classes *classes = trying->stateful->classes;
    for (size_t i = 0; i < cases->count; i++) {
        const struct session_class *like = &classes->session[cases->of[i].class];
        const uint8_t *answers = cases->answer + cases->of[i].at;
        set_habit(walk, cases->of[i].habit);
        for (uint32_t a = part->first_attempt[like->session]; a < part->first_attempt[like->session + 1]; a++)
            answers += stand_chain(walk, chain_head(part, a), a, answers);
        costs_add(costs, walk, estimate, like->session, &cases->size[cases->of[i].sizes],
                  (double)cases->of[i].times);
    }
}

/* ---- Delay. */

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void find_delay(const struct trying *trying, struct kept *kept)
{
    const struct company *company = trying->stateful->company;
    const struct columns *columns = trying->stateful->columns;
    double *minutes = mem_alloc((company->chain_count + 1) * sizeof *minutes);
    size_t count = 0;
    kept->seen_once = kept->answers->seen_once;
    kept->median = kept->within_90 = kept->within_99 = NAN;
    for (size_t i = 0; i < company->chain_count; i++) {
        const struct chain *chain = &company->chain[i];
        uint32_t of = kept->answers->chain_case[i], a = chain->head;
        if (!trying->late[of].off)
            continue;
        kept->seen_once += (chain->about & COURSE_ONCE) != 0;
        for (uint32_t k = 0; k < trying->late[of].accepted; k++)
            a = columns->after[a];
        if (trying->late[of].accepted)
            minutes[count++] = (double)(columns->at[a] - columns->at[chain->head]) / (double)USEC_MINUTE;
    }
    kept->delayed = count;
    if (count) {
        qsort(minutes, count, sizeof *minutes, by_value);
        kept->median = minutes[(count - 1) / 2];
        kept->within_90 = minutes[(count - 1) * 9 / 10];
        kept->within_99 = minutes[(count - 1) * 99 / 100];
    }
    free(minutes);
}

/* Most of what policies do after the rule with state changes nothing in who comes late. */
static void put_delay(const struct trying *trying, struct kept *kept, struct tally *tally)
{
    uint64_t own = 23;
    for (size_t i = 0; i < trying->answers->units.count; i++)
        own = signature_mix(own, (uint64_t)trying->late[i].accepted << 1 | trying->late[i].off);
    if (kept->delay_of != own)
        find_delay(trying, kept);
    kept->delay_of = own;
    tally->delayed = kept->delayed;
    tally->seen_once = kept->seen_once;
    tally->delay_minutes_median = kept->median;
    tally->delay_minutes_90 = kept->within_90;
    tally->delay_minutes_99 = kept->within_99;
}

void stateful_try(struct stateful *stateful, struct walk *walk, struct condensed condensed,
                  struct costs *costs, struct harm_cells *harms, struct tally *tally)
{
    uint32_t rule = (uint32_t)__builtin_ctzll(walk->stateful);
    struct kept *kept = find_answers(stateful, walk, rule);
    const struct answer_cases *cases = &kept->answers->units;
    struct trying trying = { .stateful = stateful, .walk = walk, .answers = kept->answers };
    struct estimate *estimate = estimate_new(walk);
    trying.unit = mem_zero(cases->count + 1, sizeof *trying.unit);
    trying.late = mem_zero(cases->count + 1, sizeof *trying.late);
    trying.attempt = mem_alloc((cases->answer_count + 1) * sizeof *trying.attempt);
    trying.delivery = mem_alloc((cases->count + 1) * sizeof *trying.delivery);
    for (size_t i = 0; i < cases->count; i++) {
        const struct unit_class *like = &stateful->classes->unit[cases->of[i].class];
        trying.unit[i] = (struct unit_class){ like->first, like->signs, cases->of[i].times };
        stand_unit(&trying, i);
        estimate_count(estimate, rule, like->first, cases->of[i].times);
        find_late(&trying, i);
    }
    const struct classes classes = { .unit = trying.unit, .unit_count = cases->count };
    condensed.classes = &classes;
    condensed.stand = recall_unit;
    condensed.state = &trying;
    replay_count_condensed(walk->columns, walk, estimate, walk->options, &condensed, tally);
    for (size_t i = 0; i < cases->count; i++) {
        recall_unit(&trying, i);
        harms_add(harms, walk, estimate, trying.unit[i].first, trying.unit[i].signs, trying.unit[i].times);
    }
    add_costs(&trying, estimate, costs);
    put_delay(&trying, kept, tally);
    estimate_free(estimate);
    free(trying.unit);
    free(trying.late);
    free(trying.attempt);
    free(trying.delivery);
}

/* Policies with state, on a digest.
 *
 * Most attempts are alone in their session and their delivery, and what comes of one rests on its kind and on
 * what the measure with state says, of which there are three: so they are counted in cells, and one of each
 * is walked. Of the others the answers along a chain, or of all the chains of a session, are looked at
 * together. Those that are alike in all this, and in their clients' habits, are a case. */
#include "analyze/stateful.h"

#include <assert.h>
#include <stdlib.h>
#include "analyze/course.h"
#include "analyze/harms.h"
#include "analyze/measure.h"
#include "analyze/signature.h"
#include "analyze/units.h"

enum { ANSWERS = 3, HABITS = 3, CELLS = ANSWERS * HABITS };

/* A delivery that has several attempts, or whose session has. */
struct chain {
    uint32_t head, unit; /* attempt of the record; its class in the digest */
    uint32_t case_number;
    uint8_t about;
};

struct stateful {
    struct shelf *shelf;
    const struct digest *digest;
    struct course *course;
    uint32_t
        *what; /* by place: the class of an attempt that is alone; or the part's attempt and IN_COMPANY */
    uint32_t *times[2];   /* by class and habit, of addresses and of networks: of those that are alone */
    uint32_t *session_of; /* by the part's attempts that are alone: their session's class */
    struct chain *chain;
    size_t chain_count, chain_room;
    uint32_t *session; /* of the record, that are of chains or have several attempts; then their classes */
    uint32_t *session_class;
    size_t session_count, session_room, class_room;
    uint8_t *about_session; /* habits, as in the course */
    size_t about_room;
    uint8_t *recorded;         /* by the part's attempt: what the record decided, see struct asking */
    uint8_t *answer;           /* by the record's attempt: what the measure said, where it has company */
    uint8_t *alive;            /* and how its chain stood before it */
    const struct state *state; /* whose `held` is kept from the last trial */
    void *held;
};

#define IN_COMPANY 0x80000000u

bool stateful_can(const struct policy *policy, const struct replay_options *options, uint32_t *rule)
{
    size_t count = 0;
    for (uint32_t r = 0; r < policy->rule_count; r++) {
        const struct state *state = rule_state(&policy->rules[r]);
        if (!state)
            continue;
        if (!state->by_client || !state->by_client(policy->rules[r].parameters) || state->might)
            return false;
        *rule = r;
        count++;
    }
    return count == 1 && options->unit == UNIT_DELIVERY && options->by == SLICE_NONE &&
           options->from == USEC_NONE && options->to == USEC_NONE && !options->assume_habits;
}

/* ---- What does not rest on a policy. */

static bool is_alone(const struct columns *columns, uint32_t a)
{
    uint32_t s = columns->session[a];
    return columns->before[a] == NO_ATTEMPT && columns->after[a] == NO_ATTEMPT &&
           columns->first_attempt[s + 1] - columns->first_attempt[s] == 1;
}

/* By the record's attempt that begins a delivery: its class in the digest. */
struct unit_finder {
    const struct digest *digest;
    const struct wanted *wanted;
    struct signatures found;
    uint32_t *last; /* by the part's attempt: the class found last, and one */
};

static uint64_t unit_signature(uint32_t first, uint16_t signs)
{
    return signature_mix(first, signs);
}

static struct unit_finder finder_new(const struct digest *digest, const struct wanted *wanted)
{
    struct unit_finder finder = { .digest = digest, .wanted = wanted };
    finder.last = mem_zero(digest->columns->attempt_count + 1, sizeof *finder.last);
    for (size_t i = 0; i < digest->classes.unit_count; i++) {
        const struct unit_class *unit = &digest->classes.unit[i];
        signatures_number(&finder.found, unit_signature(unit->first, unit->signs), (uint32_t)i);
    }
    return finder;
}

static uint32_t unit_of(struct unit_finder *finder, uint32_t head)
{
    uint32_t first = finder->digest->like[head], last = finder->last[first];
    uint16_t signs = wanted_signs(finder->wanted, head);
    if (last && finder->digest->classes.unit[last - 1].signs == signs)
        return last - 1;
    uint32_t number = signatures_number(&finder->found, unit_signature(first, signs), UINT32_MAX - 1);
    finder->last[first] = number + 1;
    return number;
}

/* What stands at each place, and those that have company. */
static void find_places(struct stateful *stateful, const struct columns *columns, const struct wanted *wanted)
{
    const struct course *course = stateful->course;
    const struct digest *digest = stateful->digest;
    struct unit_finder finder = finder_new(digest, wanted);
    uint32_t *what = mem_alloc((columns->attempt_count + 1) * sizeof *what); /* by attempt */
    for (uint32_t a = 0; a < columns->attempt_count; a++) {
        uint32_t s = columns->session[a], about = course->about_of[a];
        uint32_t unit = columns->before[a] == NO_ATTEMPT ? unit_of(&finder, a) : UINT32_MAX;
        if (is_alone(columns, a)) {
            what[a] = unit;
            stateful->times[0][unit * HABITS + (about & COURSE_HABIT)]++;
            stateful->times[1][unit * HABITS + (about >> COURSE_NETWORK_AT & COURSE_HABIT)]++;
            continue;
        }
        what[a] = digest->like[a] | IN_COMPANY;
        if (columns->before[a] == NO_ATTEMPT) {
            mem_room(stateful->chain, stateful->chain_room, stateful->chain_count + 1);
            stateful->chain[stateful->chain_count++] =
                (struct chain){ .head = a, .unit = unit, .about = (uint8_t)about };
        }
        if (a != columns->first_attempt[s])
            continue;
        mem_room(stateful->session, stateful->session_room, stateful->session_count + 1);
        mem_room(stateful->about_session, stateful->about_room, stateful->session_count + 1);
        stateful->about_session[stateful->session_count] = (uint8_t)about;
        stateful->session[stateful->session_count++] = s;
    }
    for (size_t i = 0; i < columns->attempt_count; i++)
        stateful->what[i] = what[course->attempt[i]];
    free(what);
    free(finder.last);
    signatures_free(&finder.found);
}

/* The classes of sessions, as the digest found them. */
static void find_session_classes(struct stateful *stateful, const struct columns *columns)
{
    const struct digest *digest = stateful->digest;
    const struct columns *part = digest->columns;
    struct signatures found = { 0 };
    stateful->session_of = mem_alloc((part->attempt_count + 1) * sizeof *stateful->session_of);
    stateful->session_class = mem_alloc((stateful->session_count + 1) * sizeof *stateful->session_class);
    memset(stateful->session_of, 0xff, (part->attempt_count + 1) * sizeof *stateful->session_of);
    for (size_t i = 0; i < digest->classes.session_count; i++) {
        uint32_t s = digest->classes.session[i].session;
        uint32_t from = part->first_attempt[s], to = part->first_attempt[s + 1];
        if (to - from == 1) {
            stateful->session_of[from] = (uint32_t)i;
            continue;
        }
        uint64_t own = 3;
        for (uint32_t a = from; a < to; a++)
            own = signature_mix(own, digest->part_like[a]);
        signatures_number(&found, own, (uint32_t)i);
    }
    for (size_t i = 0; i < stateful->session_count; i++) {
        uint32_t s = stateful->session[i];
        uint32_t from = columns->first_attempt[s], to = columns->first_attempt[s + 1];
        uint64_t own = 3;
        if (to - from == 1) {
            stateful->session_class[i] = stateful->session_of[digest->like[from]];
            continue;
        }
        for (uint32_t a = from; a < to; a++)
            own = signature_mix(own, digest->like[a]);
        stateful->session_class[i] = signatures_number(&found, own, UINT32_MAX - 1);
    }
    signatures_free(&found);
}

struct stateful *stateful_new(struct shelf *shelf, const struct digest *digest, const struct wanted *wanted)
{
    const struct columns *columns = shelf->columns;
    struct stateful *stateful = mem_zero(1, sizeof *stateful);
    stateful->shelf = shelf;
    stateful->digest = digest;
    stateful->course = course_new(columns, shelf_habits(shelf));
    stateful->what = mem_alloc((columns->attempt_count + 1) * sizeof *stateful->what);
    stateful->recorded = mem_zero(digest->columns->attempt_count + 1, 1);
    stateful->answer = mem_zero(columns->attempt_count + 1, 1);
    stateful->alive = mem_zero(columns->attempt_count + 1, 1);
    for (int i = 0; i < 2; i++)
        stateful->times[i] = mem_zero(digest->classes.unit_count * HABITS + 1, sizeof *stateful->times[i]);
    find_places(stateful, columns, wanted);
    find_session_classes(stateful, columns);
    return stateful;
}

void stateful_free(struct stateful *stateful)
{
    if (!stateful)
        return;
    if (stateful->held)
        stateful->state->end(stateful->held);
    course_free(stateful->course);
    free(stateful->what);
    free(stateful->times[0]);
    free(stateful->times[1]);
    free(stateful->session_of);
    free(stateful->chain);
    free(stateful->session);
    free(stateful->session_class);
    free(stateful->about_session);
    free(stateful->recorded);
    free(stateful->answer);
    free(stateful->alive);
    free(stateful);
}

/* ---- How kinds stand. */

/* A stand in bits, for each answer where it rests on that. */
enum {
    STAND_ACTIVE = 1, /* it has to do with the state */
    STAND_ASKS = 2,
    STAND_CERTAIN = 4,
    STAND_SPOILS = 8,
    STAND_APPLIES = 16,
    STAND_OFF_AT = 5,     /* newly put off */
    STAND_FIRST_AT = 8,   /* put off by a rule with state and no other */
    STAND_NEXT_AT = 11,   /* how the chain stands after it: two bits each */
    STAND_VERDICT_AT = 17 /* from evidence: two bits */
};

static uint32_t stand_of(struct walk *walk, uint32_t rule, uint32_t attempt, enum alive alive)
{
    bool known = bits_get(&walk->known[rule], attempt), hit = bits_get(&walk->hit[rule], attempt);
    uint32_t bits = bits_get(&walk->applies[rule], attempt) ? STAND_APPLIES : 0;
    bits |= (uint32_t)(known ? tri_of(hit) : UNKNOWN) << STAND_VERDICT_AT;
    static const enum tri answers[ANSWERS] = { NO, UNKNOWN, YES };
    for (int i = 0; i < ANSWERS; i++) {
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

/* ---- The course. */

struct trying {
    struct stateful *stateful;
    struct walk *walk;
    uint32_t rule;
    const struct classes *classes;
    uint32_t *alone;   /* by class of the digest: how its units stand that are alone */
    uint32_t *company; /* by the part's attempt: how it stands, maybe alive and alive */
    uint32_t *cell;    /* by class of the digest, habit and answer: how many are alone */
    struct bits net_spoiled, operator_spoiled;
    uint32_t *spoiled; /* which: places */
    size_t spoiled_count, spoiled_room;
    uint32_t *active; /* places of one client */
    size_t active_room;
    uint64_t seen_once;
    unsigned habit_shift;

    /* Cases: units, and what their attempts are answered; then sessions. */
    struct unit_class *unit;
    struct answered {
        size_t at; /* in `answers` */
        uint32_t count;
        uint8_t habit;
        bool off;          /* put off at first, by the rule with state and no other */
        uint32_t accepted; /* attempts on from the first, where it is accepted; 0: at none */
    } * answered;
    size_t unit_count, unit_room, answered_room;
    uint8_t *answers;
    size_t answer_count, answer_room;
};

static void find_stands(struct trying *trying)
{
    const struct digest *digest = trying->stateful->digest;
    const struct columns *part = digest->columns;
    struct walk *walk = trying->walk;
    trying->alone = mem_zero(digest->classes.unit_count + 1, sizeof *trying->alone);
    trying->company = mem_zero(part->attempt_count * 2 + 2, sizeof *trying->company);
    for (uint32_t a = 0; a < part->attempt_count; a++) {
        if (!digest->times[a])
            continue;
        trying->company[a * 2 + 1] = stand_of(walk, trying->rule, a, ALIVE);
        if (part->before[a] != NO_ATTEMPT)
            trying->company[a * 2] = stand_of(walk, trying->rule, a, MAYBE_ALIVE);
    }
    for (size_t i = 0; i < digest->classes.unit_count; i++)
        trying->alone[i] = trying->company[digest->classes.unit[i].first * 2 + 1];
}

static bool is_spoiled(const struct trying *trying, uint32_t place)
{
    const struct columns *lane = trying->stateful->course->columns;
    uint32_t s = lane->session[place], name = lane->operator_of[s];
    return bits_get(&trying->net_spoiled, lane->network[lane->client[s]]) ||
           (name != NAME_NONE && bits_get(&trying->operator_spoiled, name));
}

static void spoil(struct trying *trying, uint32_t place)
{
    const struct columns *lane = trying->stateful->course->columns;
    uint32_t s = lane->session[place], name = lane->operator_of[s];
    if (is_spoiled(trying, place) && name == NAME_NONE)
        return;
    bits_set(&trying->net_spoiled, lane->network[lane->client[s]]);
    if (name != NAME_NONE)
        bits_set(&trying->operator_spoiled, name);
    mem_room(trying->spoiled, trying->spoiled_room, trying->spoiled_count + 1);
    trying->spoiled[trying->spoiled_count++] = place;
}

static void forget_spoiled(struct trying *trying)
{
    const struct columns *lane = trying->stateful->course->columns;
    for (size_t i = 0; i < trying->spoiled_count; i++) {
        uint32_t s = lane->session[trying->spoiled[i]];
        bits_clear(&trying->net_spoiled, lane->network[lane->client[s]]);
        if (lane->operator_of[s] != NAME_NONE)
            bits_clear(&trying->operator_spoiled, lane->operator_of[s]);
    }
    trying->spoiled_count = 0;
}

/* What the measure says of an attempt that stands so, and what becomes of its state. */
static enum tri answer_of(struct trying *trying, uint32_t place, uint32_t judged, uint32_t stand)
{
    struct stateful *stateful = trying->stateful;
    struct asking asking = {
        .judging = &trying->walk->judging[trying->rule],
        .attempt = place,
        .judged = judged,
        .certain = stand & STAND_CERTAIN,
        .by_delivery = true,
        .verdict = (enum tri)(stand >> STAND_VERDICT_AT & 3),
        .recorded = &stateful->recorded[judged],
    };
    enum tri answer = NO;
    if (stand & STAND_ASKS) {
        asking.as_recorded = !is_spoiled(trying, place);
        answer = stateful->state->ask(stateful->held, &asking);
    }
    if (stand & STAND_SPOILS)
        spoil(trying, place);
    if (stand >> (STAND_OFF_AT + answer) & 1) {
        spoil(trying, place);
        asking.certain = asking.as_recorded = false;
        if (stand & STAND_APPLIES)
            stateful->state->retry(stateful->held, &asking);
    }
    return answer;
}

static void take_alone(struct trying *trying, uint32_t place, uint32_t unit)
{
    const struct stateful *stateful = trying->stateful;
    uint32_t stand = trying->alone[unit], about = stateful->course->about[place];
    enum tri answer = answer_of(trying, place, stateful->digest->classes.unit[unit].first, stand);
    uint32_t *cell = &trying->cell[unit * CELLS + (about >> trying->habit_shift & COURSE_HABIT) * ANSWERS];
    cell[NO]--;
    cell[answer]++;
    trying->seen_once += stand >> (STAND_FIRST_AT + answer) & 1 && about & COURSE_ONCE;
}

static void take_company(struct trying *trying, uint32_t place, uint32_t like)
{
    struct stateful *stateful = trying->stateful;
    const struct columns *columns = stateful->shelf->columns;
    uint32_t a = stateful->course->attempt[place], before = columns->before[a];
    enum alive alive = ALIVE;
    if (before != NO_ATTEMPT) {
        enum alive then = (enum alive)stateful->alive[before];
        uint32_t stood = trying->company[stateful->digest->like[before] * 2 + (then == ALIVE)];
        alive =
            then == ENDED ? ENDED : (enum alive)(stood >> (STAND_NEXT_AT + 2 * stateful->answer[before]) & 3);
    }
    stateful->alive[a] = (uint8_t)alive;
    stateful->answer[a] =
        (uint8_t)answer_of(trying, place, like, trying->company[like * 2 + (alive == ALIVE)]);
}

static void take_client(struct trying *trying, uint32_t from, uint32_t to)
{
    struct stateful *stateful = trying->stateful;
    const struct columns *lane = stateful->course->columns;
    size_t count = 0;
    bool named = true;
    for (uint32_t i = from; i < to; i++) {
        uint32_t what = stateful->what[i];
        if (!(what & IN_COMPANY) && !(trying->alone[what] & STAND_ACTIVE))
            continue;
        mem_room(trying->active, trying->active_room, count + 1);
        trying->active[count++] = i;
        named = named && lane->sender[i] != NAME_NONE && lane->address_of[i] != NAME_NONE;
    }
    if (!count)
        return;
    stateful->state->forget(stateful->held, count, named);
    for (size_t k = 0; k < count; k++) {
        uint32_t place = trying->active[k], what = stateful->what[place];
        if (what & IN_COMPANY)
            take_company(trying, place, what & ~IN_COMPANY);
        else
            take_alone(trying, place, what);
    }
    forget_spoiled(trying);
}

static void begin_state(struct trying *trying)
{
    struct stateful *stateful = trying->stateful;
    const struct rule *rule = &trying->walk->policy->rules[trying->rule];
    const struct judging judging = {
        stateful->course->columns, NULL, trying->walk->policy, rule, NULL, NULL
    };
    const struct state *state = trying->walk->state[trying->rule];
    if (stateful->state == state) {
        state->again(stateful->held, &judging);
        return;
    }
    if (stateful->held)
        stateful->state->end(stateful->held);
    stateful->state = state;
    stateful->held = state->begin(&judging);
}

static void follow_course(struct trying *trying)
{
    const struct stateful *stateful = trying->stateful;
    const struct course *course = stateful->course;
    const uint32_t *times = stateful->times[trying->habit_shift ? 1 : 0];
    size_t units = stateful->digest->classes.unit_count;
    trying->net_spoiled = bits_new(course->columns->network_count);
    trying->operator_spoiled = bits_new(course->columns->names.count);
    trying->cell = mem_zero(units * CELLS + 1, sizeof *trying->cell);
    for (size_t i = 0; i < units * HABITS; i++)
        trying->cell[i * ANSWERS + NO] = times[i];
    begin_state(trying);
    memset(stateful->recorded, 0, stateful->digest->columns->attempt_count + 1);
    for (size_t c = 0; c < course->client_count; c++)
        take_client(trying, course->first[c], course->first[c + 1]);
}

/* ---- Cases. */

static void add_case(struct trying *trying, struct unit_class unit, uint8_t habit)
{
    mem_room(trying->unit, trying->unit_room, trying->unit_count + 1);
    mem_room(trying->answered, trying->answered_room, trying->unit_count + 1);
    trying->unit[trying->unit_count] = unit;
    trying->answered[trying->unit_count++] = (struct answered){ .at = trying->answer_count, .habit = habit };
}

/* To the last case. */
static void add_answer(struct trying *trying, uint8_t answer)
{
    mem_room(trying->answers, trying->answer_room, trying->answer_count + 1);
    trying->answers[trying->answer_count++] = answer;
    trying->answered[trying->unit_count - 1].count++;
}

static uint32_t merged_unit(const struct classes *classes, uint32_t fine)
{
    return classes->unit_of ? classes->unit_of[fine] : fine;
}

static uint32_t merged_session(const struct classes *classes, uint32_t fine)
{
    return classes->session_of ? classes->session_of[fine] : fine;
}

/* By merged class, habit and answer. */
static void add_cells(struct trying *trying, const uint64_t *sum, size_t classes, bool sessions)
{
    for (size_t i = 0; i < classes * CELLS; i++) {
        size_t class = i / CELLS;
        if (!sum[i])
            continue;
        struct unit_class unit = { .times = sum[i] };
        if (sessions)
            unit.first = (uint32_t) class;
        else
            unit = (struct unit_class){ trying->classes->unit[class].first,
                                        trying->classes->unit[class].signs, sum[i] };
        add_case(trying, unit, (uint8_t)(i % CELLS / ANSWERS));
        add_answer(trying, (uint8_t)(i % ANSWERS));
    }
}

static void find_unit_cases(struct trying *trying)
{
    struct stateful *stateful = trying->stateful;
    const struct columns *columns = stateful->shelf->columns;
    size_t fine = stateful->digest->classes.unit_count;
    uint64_t *sum = mem_zero(trying->classes->unit_count * CELLS + 1, sizeof *sum);
    struct signatures found = { 0 };
    for (uint32_t i = 0; i < fine; i++)
        for (uint32_t k = 0; k < CELLS; k++)
            sum[merged_unit(trying->classes, i) * CELLS + k] += trying->cell[i * CELLS + k];
    add_cells(trying, sum, trying->classes->unit_count, false);
    free(sum);
    for (size_t i = 0; i < stateful->chain_count; i++) {
        struct chain *chain = &stateful->chain[i];
        uint32_t unit = merged_unit(trying->classes, chain->unit);
        uint8_t habit = chain->about >> trying->habit_shift & COURSE_HABIT;
        uint64_t own = signature_mix(unit, habit);
        for (uint32_t a = chain->head; a != NO_ATTEMPT; a = columns->after[a])
            own = signature_mix(own, stateful->answer[a]);
        uint32_t number = signatures_number(&found, own, (uint32_t)trying->unit_count);
        if (number == trying->unit_count) {
            const struct unit_class *like = &trying->classes->unit[unit];
            add_case(trying, (struct unit_class){ like->first, like->signs, 0 }, habit);
            for (uint32_t a = chain->head; a != NO_ATTEMPT; a = columns->after[a])
                add_answer(trying, stateful->answer[a]);
        }
        trying->unit[number].times++;
        chain->case_number = number;
    }
    signatures_free(&found);
}

/* Walks a chain of the part up to `last` with these answers; returns how many it took. */
static size_t stand_chain(struct trying *trying, uint32_t first, uint32_t last, const uint8_t *answers)
{
    struct walk *walk = trying->walk;
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

/* Makes the walk be that of a case. */
static void stand_unit(void *given, size_t i)
{
    struct trying *trying = given;
    set_habit(trying->walk, trying->answered[i].habit);
    stand_chain(trying, trying->unit[i].first, NO_ATTEMPT, trying->answers + trying->answered[i].at);
}

/* ---- Delay. */

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void find_accepted(struct trying *trying, size_t i)
{
    const struct walk *walk = trying->walk;
    struct answered *answered = &trying->answered[i];
    uint32_t first = trying->unit[i].first, count = 1;
    outcomes set = walk->attempt[first];
    answered->off = set && (set & ~walk->stateful) == 0;
    for (uint32_t a = walk->columns->after[first]; a != NO_ATTEMPT && !answered->accepted;
         a = walk->columns->after[a], count++)
        if (walk->attempt[a] == OUTCOME(OUTCOME_ACCEPTED))
            answered->accepted = count;
}

static void measure_delay(const struct trying *trying, struct tally *tally)
{
    const struct stateful *stateful = trying->stateful;
    const struct columns *columns = stateful->shelf->columns;
    double *minutes = mem_alloc((stateful->chain_count + 1) * sizeof *minutes);
    size_t count = 0;
    tally->seen_once = trying->seen_once;
    for (size_t i = 0; i < stateful->chain_count; i++) {
        const struct chain *chain = &stateful->chain[i];
        const struct answered *answered = &trying->answered[chain->case_number];
        uint32_t a = chain->head;
        if (!answered->off)
            continue;
        tally->seen_once += (chain->about & COURSE_ONCE) != 0;
        for (uint32_t k = 0; k < answered->accepted; k++)
            a = columns->after[a];
        if (answered->accepted)
            minutes[count++] = (double)(columns->at[a] - columns->at[chain->head]) / (double)USEC_MINUTE;
    }
    tally->delayed = count;
    if (count) {
        qsort(minutes, count, sizeof *minutes, by_value);
        tally->delay_minutes_median = minutes[(count - 1) / 2];
        tally->delay_minutes_90 = minutes[(count - 1) * 9 / 10];
        tally->delay_minutes_99 = minutes[(count - 1) * 99 / 100];
    }
    free(minutes);
}

/* ---- Costs. */

/* How many attempts come before one in its chain. */
static uint32_t chain_head(const struct columns *columns, uint32_t attempt)
{
    while (columns->before[attempt] != NO_ATTEMPT)
        attempt = columns->before[attempt];
    return attempt;
}

static void find_session_cases(struct trying *trying)
{
    struct stateful *stateful = trying->stateful;
    const struct columns *columns = stateful->shelf->columns;
    const struct classes *fine = &stateful->digest->classes;
    uint64_t *sum = mem_zero(trying->classes->session_count * CELLS + 1, sizeof *sum);
    struct signatures found = { 0 };
    for (size_t i = 0; i < fine->unit_count; i++) {
        uint32_t of = stateful->session_of[fine->unit[i].first];
        for (uint32_t k = 0; of != UINT32_MAX && k < CELLS; k++)
            sum[merged_session(trying->classes, of) * CELLS + k] += trying->cell[i * CELLS + k];
    }
    add_cells(trying, sum, trying->classes->session_count, true);
    free(sum);
    for (size_t i = 0; i < stateful->session_count; i++) {
        uint32_t s = stateful->session[i],
                 class = merged_session(trying->classes, stateful->session_class[i]);
        uint32_t from = columns->first_attempt[s], to = columns->first_attempt[s + 1];
        uint8_t habit = stateful->about_session[i] >> trying->habit_shift & COURSE_HABIT;
        uint64_t own = signature_mix(class, habit);
        for (uint32_t a = from; a < to; a++) /* and of those before it in its chain, from the last */
            for (uint32_t b = a; b != NO_ATTEMPT; b = columns->before[b])
                own = signature_mix(own, stateful->answer[b]);
        uint32_t number = signatures_number(&found, own, (uint32_t)trying->unit_count);
        if (number == trying->unit_count) {
            add_case(trying, (struct unit_class){ .first = class }, habit);
            for (uint32_t a = from; a < to; a++)
                for (uint32_t b = chain_head(columns, a); b != NO_ATTEMPT;
                     b = b == a ? NO_ATTEMPT : columns->after[b])
                    add_answer(trying, stateful->answer[b]);
        }
        trying->unit[number].times++;
    }
    signatures_free(&found);
}

static void add_costs(struct trying *trying, struct estimate *estimate, struct costs *costs)
{
    const struct columns *part = trying->walk->columns;
    const struct classes *classes = trying->classes;
    for (size_t i = 0; i < trying->unit_count; i++) {
        const struct session_class *like = &classes->session[trying->unit[i].first];
        const uint8_t *answers = trying->answers + trying->answered[i].at;
        set_habit(trying->walk, trying->answered[i].habit);
        for (uint32_t a = part->first_attempt[like->session]; a < part->first_attempt[like->session + 1]; a++)
            answers += stand_chain(trying, chain_head(part, a), a, answers);
        costs_add(costs, trying->walk, estimate, like->session, &classes->size[like->sizes],
                  (double)trying->unit[i].times);
    }
}

/* ---- All of it. */

static void clear_cases(struct trying *trying)
{
    trying->unit_count = trying->answer_count = 0;
}

void stateful_try(struct stateful *stateful, struct walk *walk, uint32_t rule, const struct classes *classes,
                  struct condensed condensed, struct costs *costs, struct harm_cells *harms,
                  struct tally *tally)
{
    struct trying trying = { .stateful = stateful, .walk = walk, .rule = rule, .classes = classes };
    struct estimate *estimate = estimate_new(walk);
    trying.habit_shift = walk_goes_by_address(walk, rule) ? 0 : COURSE_NETWORK_AT;
    find_stands(&trying);
    follow_course(&trying);
    find_unit_cases(&trying);
    for (size_t i = 0; i < trying.unit_count; i++) {
        stand_unit(&trying, i);
        estimate_count(estimate, rule, trying.unit[i].first, trying.unit[i].times);
        find_accepted(&trying, i);
    }
    const struct classes cases = { .unit = trying.unit, .unit_count = trying.unit_count };
    condensed.classes = &cases;
    condensed.stand = stand_unit;
    condensed.state = &trying;
    replay_count_condensed(walk->columns, walk, estimate, walk->options, &condensed, tally);
    for (size_t i = 0; i < trying.unit_count; i++) {
        stand_unit(&trying, i);
        harms_add(harms, walk, estimate, trying.unit[i].first, trying.unit[i].signs, trying.unit[i].times);
    }
    measure_delay(&trying, tally);
    clear_cases(&trying);
    find_session_cases(&trying);
    add_costs(&trying, estimate, costs);
    estimate_free(estimate);
    bits_free(&trying.net_spoiled);
    bits_free(&trying.operator_spoiled);
    free(trying.alone);
    free(trying.company);
    free(trying.cell);
    free(trying.spoiled);
    free(trying.active);
    free(trying.unit);
    free(trying.answered);
    free(trying.answers);
}

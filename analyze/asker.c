/* The asker. */
#include "analyze/asker.h"

#include <stdlib.h>
#include "analyze/shelf.h"
#include "analyze/signature.h"

enum { ANSWERS = COMPANY_ANSWERS, HABITS = COMPANY_HABITS, CELLS = COMPANY_CELLS };

struct asker *asker_new(const struct columns *columns, const struct company *company)
{
    struct asker *asker = mem_zero(1, sizeof *asker);
    asker->columns = columns;
    asker->company = company;
    asker->answer = mem_zero(company->slot_count + 1, 1);
    asker->alive = mem_zero(company->slot_count + 1, 1);
    asker->recorded = mem_zero(company->digest->columns->attempt_count + 1, 1);
    return asker;
}

void asker_free(struct asker *asker)
{
    if (!asker)
        return;
    if (asker->held)
        asker->state->end(asker->held);
    free(asker->answer);
    free(asker->alive);
    free(asker->recorded);
    free(asker);
}

/* ---- The course. */

struct following {
    struct asker *asker;
    const struct company *company;
    const struct columns *lane; /* the course's */
    const struct stands *stands;
    const struct judging *judging; /* of the part */
    uint32_t *cell;                /* by class, habit and answer: how many are alone */
    double *bytes;                 /* and the sizes of their messages together */
    struct bits net_spoiled, operator_spoiled;
    uint32_t *spoiled; /* which: places */
    size_t spoiled_count, spoiled_room;
    uint32_t *active; /* places of one client */
    size_t active_room;
    unsigned habit_at;
    uint64_t seen_once;
};

static bool is_spoiled(const struct following *following, uint32_t place)
{
    const struct columns *lane = following->lane;
    uint32_t s = lane->session[place], name = lane->operator_of[s];
    return bits_get(&following->net_spoiled, lane->network[lane->client[s]]) ||
           (name != NAME_NONE && bits_get(&following->operator_spoiled, name));
}

static void spoil(struct following *following, uint32_t place)
{
    const struct columns *lane = following->lane;
    uint32_t s = lane->session[place], name = lane->operator_of[s];
    uint32_t network = lane->network[lane->client[s]];
    if (bits_get(&following->net_spoiled, network) &&
        (name == NAME_NONE || bits_get(&following->operator_spoiled, name)))
        return;
    bits_set(&following->net_spoiled, network);
    if (name != NAME_NONE)
        bits_set(&following->operator_spoiled, name);
    mem_room(following->spoiled, following->spoiled_room, following->spoiled_count + 1);
    following->spoiled[following->spoiled_count++] = place;
}

static void forget_spoiled(struct following *following)
{
    const struct columns *lane = following->lane;
    for (size_t i = 0; i < following->spoiled_count; i++) {
        uint32_t s = lane->session[following->spoiled[i]];
        bits_clear(&following->net_spoiled, lane->network[lane->client[s]]);
        if (lane->operator_of[s] != NAME_NONE)
            bits_clear(&following->operator_spoiled, lane->operator_of[s]);
    }
    following->spoiled_count = 0;
}

/* What the measure says of an attempt that stands so, and what becomes of its state. */
static enum tri answer_of(struct following *following, uint32_t place, uint32_t judged, uint32_t stand)
{
    struct asker *asker = following->asker;
    struct asking asking = {
        .judging = following->judging,
        .attempt = place,
        .judged = judged,
        .certain = stand & STAND_CERTAIN,
        .by_delivery = true,
        .verdict = (enum tri)(stand >> STAND_VERDICT_AT & 3),
        .recorded = &asker->recorded[judged],
    };
    enum tri answer = NO;
    if (stand & STAND_ASKS) {
        asking.as_recorded = !is_spoiled(following, place);
        answer = asker->state->ask(asker->held, &asking);
    }
    if (stand & STAND_SPOILS)
        spoil(following, place);
    if (stand >> (STAND_OFF_AT + answer) & 1) {
        spoil(following, place);
        asking.certain = asking.as_recorded = false;
        if (stand & STAND_APPLIES)
            asker->state->retry(asker->held, &asking);
    }
    return answer;
}

static void take_alone(struct following *following, uint32_t place, uint32_t unit)
{
    const struct company *company = following->company;
    uint32_t stand = following->stands->alone[unit], about = company->course->about[place];
    enum tri answer = answer_of(following, place, company->alone_first[unit], stand);
    size_t at = unit * CELLS + (about >> following->habit_at & COURSE_HABIT) * ANSWERS;
    uint32_t known = following->lane->size[place];
    double size = known == SIZE_NOT_KNOWN ? company->mean_size : known;
    if (answer != NO) {
        following->cell[at + NO]--;
        following->cell[at + answer]++;
        following->bytes[at + NO] -= size;
        following->bytes[at + answer] += size;
    }
    following->seen_once += stand >> (STAND_FIRST_AT + answer) & 1 && about & COURSE_ONCE;
}

static void take_company(struct following *following, uint32_t place, uint32_t slot)
{
    struct asker *asker = following->asker;
    const uint32_t *like = following->company->like, *company = following->stands->company;
    uint32_t own = like[slot] & ~FIRST_SLOT;
    enum alive alive = ALIVE;
    if (!(like[slot] & FIRST_SLOT)) {
        enum alive then = (enum alive)asker->alive[slot - 1];
        uint32_t stood = company[(like[slot - 1] & ~FIRST_SLOT) * 2 + (then == ALIVE)];
        alive =
            then == ENDED ? ENDED : (enum alive)(stood >> (STAND_NEXT_AT + 2 * asker->answer[slot - 1]) & 3);
    }
    asker->alive[slot] = (uint8_t)alive;
    asker->answer[slot] = (uint8_t)answer_of(following, place, own, company[own * 2 + (alive == ALIVE)]);
}

static void take_client(struct following *following, uint32_t from, uint32_t to)
{
    const uint32_t *what = following->company->what;
    const struct columns *lane = following->lane;
    struct asker *asker = following->asker;
    size_t count = 0;
    bool named = true;
    for (uint32_t i = from; i < to; i++) {
        if (!(what[i] & IN_COMPANY) && !(following->stands->alone[what[i]] & STAND_ACTIVE))
            continue;
        mem_room(following->active, following->active_room, count + 1);
        following->active[count++] = i;
        named = named && lane->sender[i] != NAME_NONE && lane->address_of[i] != NAME_NONE;
    }
    if (!count)
        return;
    asker->state->forget(asker->held, count, named);
    for (size_t k = 0; k < count; k++) {
        uint32_t place = following->active[k];
        if (what[place] & IN_COMPANY)
            take_company(following, place, what[place] & ~IN_COMPANY);
        else
            take_alone(following, place, what[place]);
    }
    forget_spoiled(following);
}

static void begin_state(struct asker *asker, const struct walk *walk, uint32_t rule)
{
    const struct judging judging = { asker->company->course->columns, NULL, walk->policy,
                                     &walk->policy->rules[rule],      NULL, NULL };
    memset(asker->recorded, 0, asker->company->digest->columns->attempt_count + 1);
    if (asker->state == walk->state[rule]) {
        asker->state->again(asker->held, &judging);
        return;
    }
    if (asker->held)
        asker->state->end(asker->held);
    asker->state = walk->state[rule];
    asker->held = asker->state->begin(&judging);
}

static void follow_course(struct following *following)
{
    const struct company *company = following->company;
    const struct course *course = company->course;
    unsigned by = following->habit_at ? 1 : 0;
    size_t units = company->classes->unit_count;
    following->net_spoiled = bits_new(following->lane->network_count);
    following->operator_spoiled = bits_new(following->lane->names.count);
    following->cell = mem_zero(units * CELLS + 1, sizeof *following->cell);
    following->bytes = mem_zero(units * CELLS + 1, sizeof *following->bytes);
    for (size_t i = 0; i < units * HABITS; i++) {
        following->cell[i * ANSWERS + NO] = company->times[by][i];
        following->bytes[i * ANSWERS + NO] = company->bytes[by][i];
    }
    for (size_t c = 0; c < course->client_count; c++)
        take_client(following, course->first[c], course->first[c + 1]);
    bits_free(&following->net_spoiled);
    bits_free(&following->operator_spoiled);
    free(following->spoiled);
    free(following->active);
}

/* ---- Cases. */

static struct answer_case *add_case(struct answer_cases *cases, uint32_t class, uint8_t habit)
{
    mem_room(cases->of, cases->room, cases->count + 1);
    cases->of[cases->count] =
        (struct answer_case){ .class = class, .habit = habit, .at = (uint32_t)cases->answer_count };
    return &cases->of[cases->count++];
}

/* To the last case. */
static void add_answer(struct answer_cases *cases, uint8_t answer)
{
    mem_room(cases->answer, cases->answer_room, cases->answer_count + 1);
    cases->answer[cases->answer_count++] = answer;
    cases->of[cases->count - 1].count++;
}

/* To the sizes of a case's messages. */
static double *add_sizes(struct answer_cases *cases, struct answer_case *one, size_t messages)
{
    mem_room(cases->size, cases->size_room, cases->size_count + messages);
    one->sizes = (uint32_t)cases->size_count;
    for (size_t i = 0; i < messages; i++)
        cases->size[cases->size_count++] = 0;
    return &cases->size[one->sizes];
}

/* From cells by class, habit and answer; `bytes`, unless NULL: the sizes of their messages together. */
static void add_cells(struct answer_cases *cases, const uint32_t *cell, const double *bytes, size_t classes)
{
    for (size_t i = 0; i < classes * CELLS; i++) {
        if (!cell[i])
            continue;
        struct answer_case *one = add_case(cases, (uint32_t)(i / CELLS), (uint8_t)(i % CELLS / ANSWERS));
        one->times = cell[i];
        if (bytes)
            *add_sizes(cases, one, 1) = bytes[i];
        add_answer(cases, (uint8_t)(i % ANSWERS));
    }
}

static void find_chains(const struct following *following, struct state_answers *answers)
{
    const struct company *company = following->company;
    const uint8_t *answer = following->asker->answer;
    struct answer_cases *cases = &answers->units;
    struct signatures found = { 0 };
    answers->chain_case = mem_alloc((company->chain_count + 1) * sizeof *answers->chain_case);
    for (size_t i = 0; i < company->chain_count; i++) {
        const struct chain *chain = &company->chain[i];
        uint8_t habit = chain->about >> following->habit_at & COURSE_HABIT;
        uint64_t own = signature_mix(chain->unit, habit);
        for (uint32_t k = 0; k < chain->count; k++)
            own = signature_mix(own, answer[chain->slot + k]);
        uint32_t number = signatures_number(&found, own, (uint32_t)cases->count);
        if (number == cases->count) {
            add_case(cases, chain->unit, habit);
            for (uint32_t k = 0; k < chain->count; k++)
                add_answer(cases, answer[chain->slot + k]);
        }
        cases->of[number].times++;
        answers->chain_case[i] = number;
    }
    signatures_free(&found);
}

static uint32_t first_slot(const struct company *company, uint32_t slot)
{
    while (!(company->like[slot] & FIRST_SLOT))
        slot--;
    return slot;
}

static void find_sessions(const struct following *following, struct state_answers *answers)
{
    const struct company *company = following->company;
    const uint8_t *answer = following->asker->answer;
    const struct columns *columns = following->asker->columns;
    struct answer_cases *cases = &answers->sessions;
    struct signatures found = { 0 };
    for (size_t i = 0; i < company->session_count; i++) {
        const struct companions *session = &company->session[i];
        const uint32_t *member = &company->member[session->first];
        uint8_t habit = session->about >> following->habit_at & COURSE_HABIT;
        uint64_t own = signature_mix(session->class, habit);
        for (uint32_t k = 0; k < session->count; k++)
            for (uint32_t slot = first_slot(company, member[k]); slot <= member[k]; slot++)
                own = signature_mix(own, answer[slot]);
        uint32_t number = signatures_number(&found, own, (uint32_t)cases->count);
        if (number == cases->count) {
            add_sizes(cases, add_case(cases, session->class, habit),
                      session_messages(columns, session->session));
            for (uint32_t k = 0; k < session->count; k++)
                for (uint32_t slot = first_slot(company, member[k]); slot <= member[k]; slot++)
                    add_answer(cases, answer[slot]);
        }
        cases->of[number].times++;
        double *size = &cases->size[cases->of[number].sizes];
        uint32_t from = columns->first_attempt[session->session];
        for (uint32_t a = from; a < from + session->count; a++)
            if (a == from || columns->transaction[a] != columns->transaction[a - 1])
                *size++ += columns->size[a] == SIZE_NOT_KNOWN ? company->mean_size : columns->size[a];
    }
    signatures_free(&found);
}

/* From sums of sizes to means. */
static void divide_sizes(struct answer_cases *cases)
{
    for (size_t i = 0; i < cases->count; i++) {
        size_t end = i + 1 < cases->count ? cases->of[i + 1].sizes : cases->size_count;
        for (size_t k = cases->of[i].sizes; k < end; k++)
            cases->size[k] /= (double)cases->of[i].times;
    }
}

/* From cells of units to those of their sessions. */
static void add_session_cells(const struct following *following, struct answer_cases *cases)
{
    const struct company *company = following->company;
    size_t sessions = company->classes->session_count;
    uint32_t *cell = mem_zero(sessions * CELLS + 1, sizeof *cell);
    double *bytes = mem_zero(sessions * CELLS + 1, sizeof *bytes);
    for (size_t i = 0; i < company->classes->unit_count; i++)
        for (uint32_t k = 0; k < CELLS; k++) {
            cell[company->session_of[i] * CELLS + k] += following->cell[i * CELLS + k];
            bytes[company->session_of[i] * CELLS + k] += following->bytes[i * CELLS + k];
        }
    add_cells(cases, cell, bytes, sessions);
    free(cell);
    free(bytes);
}

struct state_answers *asker_ask(struct asker *asker, const struct walk *walk, uint32_t rule,
                                const struct stands *stands, bool by_address)
{
    const struct company *company = asker->company;
    struct state_answers *answers = mem_zero(1, sizeof *answers);
    struct following following = {
        .asker = asker,
        .company = company,
        .lane = company->course->columns,
        .stands = stands,
        .judging = &walk->judging[rule],
        .habit_at = by_address ? 0 : COURSE_NETWORK_AT,
    };
    begin_state(asker, walk, rule);
    follow_course(&following);
    add_cells(&answers->units, following.cell, NULL, company->classes->unit_count);
    add_session_cells(&following, &answers->sessions);
    find_chains(&following, answers);
    find_sessions(&following, answers);
    divide_sizes(&answers->sessions);
    answers->seen_once = following.seen_once;
    free(following.cell);
    free(following.bytes);
    return answers;
}

void state_answers_free(struct state_answers *answers)
{
    if (!answers)
        return;
    free(answers->units.of);
    free(answers->units.answer);
    free(answers->sessions.of);
    free(answers->sessions.answer);
    free(answers->sessions.size);
    free(answers->chain_case);
    free(answers);
}

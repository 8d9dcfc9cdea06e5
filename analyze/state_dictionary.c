/* dictionary: so many unknown recipients of a client network within a window. Two tallies are kept: of
 * recipients that certainly reached it and are certainly invalid, and of those for which both are possible
 * (semantics.md section 6). */
#include <stdlib.h>

#include "analyze/measure/parameters.h"
#include "analyze/state.h"

#define NONE UINT32_MAX

struct
try {
    usec at;
    uint32_t before;
    bool certain;
};

struct network {
    uint32_t last;  /* newest try, or NONE */
    usec unbounded; /* from then on any number may have come; USEC_NONE: not */
    bool suspect;   /* some recipient of its clients in the record may be invalid */
};

struct dictionary {
    const struct columns *columns;
    const struct dictionary_parameters *ours;
    struct network *network;
    usec *operator_unbounded; /* by operator's name */
    struct try *try;
    size_t tries, room;
};

static void *begin(const struct judging *judging)
{
    const struct columns *columns = judging->columns;
    struct dictionary *state = mem_zero(1, sizeof *state);
    state->columns = columns;
    state->ours = judging->rule->parameters;
    state->network = mem_alloc(columns->network_count * sizeof *state->network);
    for (size_t i = 0; i < columns->network_count; i++)
        state->network[i] = (struct network){ NONE, USEC_NONE, false };
    for (uint32_t a = 0; a < columns->attempt_count; a++)
        if (!bits_get(judging->known, a) || bits_get(judging->hit, a) || columns->recipient[a] == FACT_ALL)
            state->network[columns->network[columns->client[columns->session[a]]]].suspect = true;
    state->operator_unbounded = mem_alloc(columns->names.count * sizeof *state->operator_unbounded);
    for (size_t i = 0; i < columns->names.count; i++)
        state->operator_unbounded[i] = USEC_NONE;
    return state;
}

static void end(void *given)
{
    struct dictionary *state = given;
    free(state->network);
    free(state->operator_unbounded);
    free(state->try);
    free(state);
}

/* The tries in (now - window, now], certain ones apart; counting stops at `most`. */
static void count(const struct dictionary *state, const struct network *network, usec now, double most,
                  double *certain, double *possible)
{
    usec after = now - state->ours->window;
    for (uint32_t i = network->last; i != NONE && state->try[i].at > after && *certain < most;
         i = state->try[i].before) {
        *possible += 1;
        *certain += state->try[i].certain;
    }
}

static enum tri recorded(const struct dictionary *state, const struct asking *asking)
{
    if (!asking->as_recorded)
        return UNKNOWN;
    struct asked asked[ASKED_MOST];
    size_t rules = judging_asked(asking->judging, asking->attempt, asked);
    for (size_t i = 0; i < rules; i++) {
        const struct dictionary_parameters *theirs = asked[i].parameters;
        bool equal = theirs->unknown == state->ours->unknown && theirs->window == state->ours->window;
        bool stricter = theirs->unknown <= state->ours->unknown && theirs->window >= state->ours->window;
        if (asked[i].status == ASKED_REFUSED && equal)
            return YES;
        if (asked[i].status == ASKED_PASSED && stricter)
            return NO;
    }
    return UNKNOWN;
}

static enum tri ask(void *given, const struct asking *asking)
{
    struct dictionary *state = given;
    const struct columns *columns = asking->judging->columns;
    uint32_t attempt = asking->attempt, s = columns->session[attempt];
    uint32_t operator_name = columns->operator_of[s];
    struct network *network = &state->network[columns->network[columns->client[s]]];
    usec now = columns->at[attempt];
    bool cut_off = columns->recipient[attempt] == FACT_ALL;
    double certain = 0, possible = 0, most = state->ours->unknown;

    if (asking->verdict != NO || cut_off) {
        mem_room(state->try, state->room, state->tries + 1);
        state->try[state->tries] =
            (struct try){ now, network->last, asking->certain && asking->verdict == YES };
        network->last = (uint32_t)state->tries++;
        if (cut_off && asking->by_delivery && network->unbounded == USEC_NONE)
            network->unbounded = now;
    }
    count(state, network, now, most, &certain, &possible);
    bool unbounded = network->unbounded != USEC_NONE ||
                     (operator_name != NAME_NONE && state->operator_unbounded[operator_name] != USEC_NONE);
    enum tri told = recorded(state, asking);
    if (told != UNKNOWN)
        return told;
    return certain >= most ? YES : possible >= most || unbounded ? UNKNOWN : NO;
}

static void retry(void *given, const struct asking *asking)
{
    struct dictionary *state = given;
    const struct columns *columns = asking->judging->columns;
    uint32_t s = columns->session[asking->attempt], operator_name = columns->operator_of[s];
    struct network *network = &state->network[columns->network[columns->client[s]]];
    usec now = columns->at[asking->attempt];
    if (asking->verdict == NO)
        return;
    if (network->unbounded == USEC_NONE)
        network->unbounded = now;
    if (operator_name != NAME_NONE && state->operator_unbounded[operator_name] == USEC_NONE)
        state->operator_unbounded[operator_name] = now;
}

static bool might(void *given, uint32_t attempt)
{
    const struct dictionary *state = given;
    return state->network[state->columns->network[state->columns->client[state->columns->session[attempt]]]]
        .suspect;
}

const struct state state_dictionary = { begin, end, ask, retry, might };

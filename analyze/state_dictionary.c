/* dictionary: so many unknown recipients of a client network within a window. Two tallies are kept: of
 * recipients that certainly reached it and are certainly invalid, and of those for which both are possible
 * (semantics.md section 6). */
#include <stdlib.h>

#include "analyze/haunts.h"
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
    bool unbounded; /* any number may have come with a session that was cut off before RCPT */
    bool suspect;   /* some recipient that its clients ask for may be invalid, be it in a retry */
};

struct dictionary {
    const struct columns *columns;
    const struct dictionary_parameters *ours;
    struct network *network;
    struct bits suspect_operator; /* by name: one of its networks is */
    struct haunts *haunts;        /* of unrecorded retries any number may have come */
    struct try *try;
    size_t tries, room;
};

/* Whose retries it can never stop: no recipient of the network, nor of an operator that was seen there, may
 * be invalid, nor of the other networks from which the retry may come. */
static void find_suspects(struct dictionary *state, const struct judging *judging)
{
    const struct columns *columns = judging->columns;
    struct bits asked = bits_new(columns->names.count); /* operators that ask for such themselves */
    for (uint32_t a = 0; a < columns->attempt_count; a++) {
        uint32_t s = columns->session[a];
        if (bits_get(judging->known, a) && !bits_get(judging->hit, a) && columns->recipient[a] != FACT_ALL)
            continue;
        state->network[columns->network[columns->client[s]]].suspect = true;
        if (columns->operator_of[s] != NAME_NONE)
            bits_set(&asked, columns->operator_of[s]);
    }
    for (size_t s = 0; s < columns->session_count; s++)
        if (columns->operator_of[s] != NAME_NONE && bits_get(&asked, columns->operator_of[s]))
            state->network[columns->network[columns->client[s]]].suspect = true;
    state->suspect_operator = bits_new(columns->names.count);
    for (size_t s = 0; s < columns->session_count; s++)
        if (columns->operator_of[s] != NAME_NONE &&
            state->network[columns->network[columns->client[s]]].suspect)
            bits_set(&state->suspect_operator, columns->operator_of[s]);
    bits_free(&asked);
}

static void *begin(const struct judging *judging)
{
    const struct columns *columns = judging->columns;
    struct dictionary *state = mem_zero(1, sizeof *state);
    state->columns = columns;
    state->ours = judging->rule->parameters;
    state->network = mem_alloc(columns->network_count * sizeof *state->network);
    for (size_t i = 0; i < columns->network_count; i++)
        state->network[i] = (struct network){ NONE, false, false };
    find_suspects(state, judging);
    state->haunts = haunts_new(columns);
    return state;
}

static void end(void *given)
{
    struct dictionary *state = given;
    free(state->network);
    bits_free(&state->suspect_operator);
    haunts_free(state->haunts);
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
    struct network *network = &state->network[columns->network[columns->client[s]]];
    usec now = columns->at[attempt];
    bool cut_off = columns->recipient[attempt] == FACT_ALL;
    double certain = 0, possible = 0, most = state->ours->unknown;

    if (asking->verdict != NO || cut_off) {
        mem_room(state->try, state->room, state->tries + 1);
        state->try[state->tries] =
            (struct try){ now, network->last, asking->certain && asking->verdict == YES };
        network->last = (uint32_t)state->tries++;
        network->unbounded = network->unbounded || (cut_off && asking->by_delivery);
    }
    count(state, network, now, most, &certain, &possible);
    bool unbounded = network->unbounded || haunts_since(state->haunts, attempt) != USEC_NONE;
    enum tri told = recorded(state, asking);
    if (told != UNKNOWN)
        return told;
    return certain >= most ? YES : possible >= most || unbounded ? UNKNOWN : NO;
}

static void retry(void *given, const struct asking *asking)
{
    struct dictionary *state = given;
    if (asking->verdict != NO)
        haunts_add(state->haunts, asking->attempt);
}

static bool might(void *given, uint32_t attempt)
{
    const struct dictionary *state = given;
    const struct columns *columns = state->columns;
    uint32_t s = columns->session[attempt], operator_name = columns->operator_of[s];
    return state->network[columns->network[columns->client[s]]].suspect ||
           (operator_name != NAME_NONE && bits_get(&state->suspect_operator, operator_name));
}

const struct state state_dictionary = {
    .begin = begin, .end = end, .ask = ask, .retry = retry, .might = might
};

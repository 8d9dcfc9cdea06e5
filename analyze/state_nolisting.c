/* nolisting: which clients came to a server that answers, and when. A client is its network, or its operator
 * where that is known. It has the chain's retry window to come there. What a client does whom the primary
 * answered tells nothing: it had no need to go on. */
#include <stdlib.h>

#include "analyze/measure/parameters.h"
#include "analyze/state.h"

enum place { ELSEWHERE, AT_PRIMARY, AT_SECONDARY, NOT_LOGGED };

struct nolisting {
    const struct columns *columns;
    uint8_t *place; /* by session */
    bool *comes;    /* by session: to a secondary, too, within the window */
    usec from, to;  /* the record shows a secondary from the first session there to the last */
};

static bool is_one_of(const struct columns *columns, const struct texts *servers, uint16_t number)
{
    struct str name =
        number < columns->servers.count ? names_text(&columns->servers, number) : (struct str){ NULL, 0 };
    for (size_t i = 0; name.len && i < servers->count; i++)
        if (str_eq_nocase(servers->text[i], name))
            return true;
    return false;
}

static enum place place_of(const struct columns *columns, const struct nolisting_parameters *ours, size_t s)
{
    uint16_t numbers[] = { columns->server[s], columns->server_ip[s] };
    for (size_t i = 0; i < 2; i++) {
        if (is_one_of(columns, &ours->primary, numbers[i]))
            return AT_PRIMARY;
        if (is_one_of(columns, &ours->secondary, numbers[i]))
            return AT_SECONDARY;
    }
    bool logged =
        columns->server_ip[s] != UINT16_MAX || names_text(&columns->servers, columns->server[s]).len;
    return logged ? ELSEWHERE : NOT_LOGGED;
}

static void *begin(const struct judging *judging)
{
    const struct columns *columns = judging->columns;
    const struct nolisting_parameters *ours = judging->rule->parameters;
    struct nolisting *state = mem_zero(1, sizeof *state);
    /* When they next came to a secondary, as sessions are gone through backwards. */
    usec *network = mem_alloc(columns->network_count * sizeof *network);
    usec *operator_at = mem_alloc(columns->names.count * sizeof *operator_at);
    state->columns = columns;
    state->from = state->to = USEC_NONE;
    state->place = mem_zero(columns->session_count, 1);
    state->comes = mem_zero(columns->session_count, sizeof *state->comes);
    for (size_t i = 0; i < columns->network_count; i++)
        network[i] = INT64_MAX;
    for (size_t i = 0; i < columns->names.count; i++)
        operator_at[i] = INT64_MAX;
    for (size_t s = columns->session_count; s-- > 0;) {
        uint32_t of = columns->network[columns->client[s]], operator_name = columns->operator_of[s];
        usec started = columns->started[s], until = started + columns->retry_window;
        state->place[s] = (uint8_t)place_of(columns, ours, s);
        if (state->place[s] == AT_SECONDARY) {
            state->to = state->to == USEC_NONE ? started : state->to;
            state->from = started;
            network[of] = started;
            if (operator_name != NAME_NONE)
                operator_at[operator_name] = started;
        }
        state->comes[s] =
            network[of] <= until || (operator_name != NAME_NONE && operator_at[operator_name] <= until);
    }
    free(network);
    free(operator_at);
    return state;
}

static void end(void *given)
{
    struct nolisting *state = given;
    free(state->place);
    free(state->comes);
    free(state);
}

/* Whoever got no answer tried the primary only, if nobody of its network or operator comes to a secondary
 * while its window is open, and the record would show that. */
static enum tri ask(void *given, const struct asking *asking)
{
    const struct nolisting *state = given;
    const struct columns *columns = state->columns;
    uint32_t s = columns->session[asking->attempt];
    switch ((enum place)state->place[s]) {
    case ELSEWHERE:
    case AT_SECONDARY:
        return NO;
    case NOT_LOGGED:
        return UNKNOWN;
    case AT_PRIMARY:
        break;
    }
    if (!session_has(columns, s, KIND_UNANSWERED))
        return UNKNOWN;
    if (state->comes[s])
        return NO;
    usec until = columns->started[s] + columns->retry_window;
    bool shown = state->from != USEC_NONE && state->from <= until && columns->started[s] <= state->to;
    return shown && until <= columns->to ? YES : UNKNOWN;
}

static void retry(void *given, const struct asking *asking)
{
    (void)given;
    (void)asking;
}

/* A retry comes to the server that its attempt came to. */
static bool might(void *given, uint32_t attempt)
{
    const struct nolisting *state = given;
    enum place place = (enum place)state->place[state->columns->session[attempt]];
    return place == AT_PRIMARY || place == NOT_LOGGED;
}

size_t judging_answered_at(const struct judging *judging, const struct texts *servers)
{
    const struct columns *columns = judging->columns;
    size_t count = 0;
    for (size_t s = 0; s < columns->session_count; s++)
        count +=
            !session_has(columns, s, KIND_UNANSWERED) && (is_one_of(columns, servers, columns->server[s]) ||
                                                          is_one_of(columns, servers, columns->server_ip[s]));
    return count;
}

const struct state state_nolisting = {
    .begin = begin, .end = end, .ask = ask, .retry = retry, .might = might
};

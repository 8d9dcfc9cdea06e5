/* rate and auth-abuse: what clients did within a window, in two tallies, of what certainly and of what
 * possibly reached the measure (semantics.md section 6). Who is turned away counts too: that is how anvil
 * counts. A session is judged once, with its first attempt that comes here. */
#include <stdlib.h>

#include "analyze/measure/parameters.h"
#include "analyze/state.h"

#define NONE UINT32_MAX

enum counted { CONNECTIONS, MESSAGES, RECIPIENTS, FAILURES, ATTEMPTS, COUNTED };

struct event {
    usec at;
    double weight;
    uint32_t before;
    bool certain;
};

struct client {
    uint32_t last[COUNTED]; /* newest event, or NONE */
};

/* A session as far as it has come. */
struct progress {
    bool begun;
    uint8_t once;         /* enum tri: what it is judged by as a whole exceeds the limit */
    uint16_t transaction; /* the last one that was counted */
};

struct rate {
    const struct columns *columns;
    const struct rate_parameters *ours;
    struct client *client;
    struct progress *progress; /* by session */
    bool *network_unbounded,
        *operator_unbounded; /* by network, by operator's name: any number may have come */
    struct event *event;
    size_t events, room;
};

static void *begin(const struct judging *judging)
{
    const struct columns *columns = judging->columns;
    struct rate *state = mem_zero(1, sizeof *state);
    state->columns = columns;
    state->ours = judging->rule->parameters;
    size_t clients = state->ours->per == PER_NETWORK ? columns->network_count : columns->address_count;
    state->client = mem_alloc(clients * sizeof *state->client);
    for (size_t i = 0; i < clients; i++)
        state->client[i] = (struct client){ { NONE, NONE, NONE, NONE, NONE } };
    state->progress = mem_zero(columns->session_count, sizeof *state->progress);
    state->network_unbounded = mem_zero(columns->network_count, sizeof *state->network_unbounded);
    state->operator_unbounded = mem_zero(columns->names.count, sizeof *state->operator_unbounded);
    return state;
}

static void end(void *given)
{
    struct rate *state = given;
    free(state->client);
    free(state->progress);
    free(state->network_unbounded);
    free(state->operator_unbounded);
    free(state->event);
    free(state);
}

static struct client *client_of(const struct rate *state, uint32_t attempt)
{
    const struct columns *columns = state->columns;
    uint32_t address = columns->client[columns->session[attempt]];
    return &state->client[state->ours->per == PER_NETWORK ? columns->network[address] : address];
}

static double limit_of(const struct rate *state, enum counted what)
{
    const double limits[COUNTED] = { state->ours->connections, state->ours->messages, state->ours->recipients,
                                     state->ours->failures, state->ours->attempts };
    return limits[what];
}

static void note(struct rate *state, struct client *client, enum counted what, usec at, double weight,
                 bool certain)
{
    if (weight <= 0 || limit_of(state, what) <= 0)
        return;
    mem_room(state->event, state->room, state->events + 1);
    state->event[state->events] = (struct event){ at, weight, client->last[what], certain };
    client->last[what] = (uint32_t)state->events++;
}

/* Whether what came in (now - window, now] is more than the limit. */
static enum tri exceeds(const struct rate *state, const struct client *client, enum counted what, usec now)
{
    double limit = limit_of(state, what), certain = 0, possible = 0;
    if (limit <= 0)
        return NO;
    usec after = now - state->ours->window;
    for (uint32_t i = client->last[what]; i != NONE && state->event[i].at > after && certain <= limit;
         i = state->event[i].before) {
        possible += state->event[i].weight;
        certain += state->event[i].certain ? state->event[i].weight : 0;
    }
    return certain > limit ? YES : possible > limit ? UNKNOWN : NO;
}

/* AUTH commands of the session, and how many failed. */
static double logins_of(const struct asking *asking, double *failures)
{
    const struct fact *fact = NULL;
    double all = 0;
    *failures = 0;
    while ((fact = judging_fact(asking->judging, asking->attempt, KIND_AUTH, fact))) {
        all += 1;
        *failures += fact->state == NO;
    }
    return all;
}

/* Whether the server refused it before it could have tried to log in. */
static bool is_cut_off(const struct columns *columns, uint32_t a)
{
    return columns->answer[a] != ANSWER_NONE && columns->answer[a] != ANSWER_ACCEPTED &&
           columns->answered_at[a] < STAGE_HELO;
}

static enum tri recorded(const struct asking *asking)
{
    if (!asking->as_recorded)
        return UNKNOWN;
    struct asked asked[ASKED_MOST];
    size_t rules = judging_asked(asking->judging, asking->attempt, asked);
    const struct measure *measure = asking->judging->rule->measure;
    for (size_t i = 0; i < rules; i++) {
        if (!parameters_equal(measure, asked[i].parameters, asking->judging->rule->parameters))
            continue;
        if (asked[i].status != ASKED_NOT)
            return tri_of(asked[i].status == ASKED_REFUSED);
    }
    return UNKNOWN;
}

static void take_down(struct rate *state, const struct asking *asking, struct client *client,
                      const struct progress *progress)
{
    const struct columns *columns = state->columns;
    uint32_t a = asking->attempt;
    usec at = columns->at[a];
    if (!progress->begun) {
        note(state, client, CONNECTIONS, columns->started[columns->session[a]], 1, asking->certain);
        double failures = 0, all = logins_of(asking, &failures);
        note(state, client, FAILURES, at, failures, asking->certain);
        note(state, client, ATTEMPTS, at, all, asking->certain);
        if (all == 0 && is_cut_off(columns, a)) {
            note(state, client, FAILURES, at, state->ours->failures + 1, false);
            note(state, client, ATTEMPTS, at, state->ours->attempts + 1, false);
        }
    }
    if (columns->transaction[a] != FACT_ALL &&
        (!progress->begun || columns->transaction[a] != progress->transaction))
        note(state, client, MESSAGES, at, 1, asking->certain);
    if (columns->recipient[a] != FACT_ALL)
        note(state, client, RECIPIENTS, at, 1, asking->certain);
}

static enum tri ask(void *given, const struct asking *asking)
{
    struct rate *state = given;
    const struct columns *columns = state->columns;
    uint32_t a = asking->attempt, s = columns->session[a], operator_name = columns->operator_of[s];
    struct client *client = client_of(state, a);
    struct progress *progress = &state->progress[s];
    take_down(state, asking, client, progress);
    if (!progress->begun)
        progress->once = (uint8_t)tri_or(exceeds(state, client, CONNECTIONS, columns->started[s]),
                                         tri_or(exceeds(state, client, FAILURES, columns->at[a]),
                                                exceeds(state, client, ATTEMPTS, columns->at[a])));
    progress->begun = true;
    progress->transaction = columns->transaction[a];
    enum tri told = recorded(asking);
    if (told != UNKNOWN)
        return told;
    enum tri hit =
        tri_or((enum tri)progress->once, tri_or(exceeds(state, client, MESSAGES, columns->at[a]),
                                                exceeds(state, client, RECIPIENTS, columns->at[a])));
    bool unbounded = state->network_unbounded[columns->network[columns->client[s]]] ||
                     (operator_name != NAME_NONE && state->operator_unbounded[operator_name]);
    return hit == NO && unbounded ? UNKNOWN : hit;
}

/* Any number of retries may have followed, from any address of the network or operator. */
static void retry(void *given, const struct asking *asking)
{
    struct rate *state = given;
    const struct columns *columns = state->columns;
    uint32_t s = columns->session[asking->attempt], operator_name = columns->operator_of[s];
    state->network_unbounded[columns->network[columns->client[s]]] = true;
    if (operator_name != NAME_NONE)
        state->operator_unbounded[operator_name] = true;
}

const struct state state_rate = { begin, end, ask, retry, NULL };

/* rate and auth-abuse: what clients did within a window, in two tallies, of what certainly and of what
 * possibly reached the measure (semantics.md section 6). Who is turned away counts too: that is how anvil
 * counts; but anvil begins a new interval when one is over (anvil.c, ANVIL_REMOTE_INCR_RATE), and what it
 * would count depends on when it was started, so here the window ends with the attempt, as dictionary's does.
 *
 * A session is judged once, with its first attempt that comes here, by what began before it. Attempts are
 * asked about in order of time, and a session that began before may have its first one after: such are
 * counted as far as it is known that they come. */
#include <stdlib.h>

#include "analyze/haunts.h"
#include "analyze/measure/parameters.h"
#include "analyze/record.h"
#include "analyze/state.h"

#define NONE UINT32_MAX

enum counted { MESSAGES, RECIPIENTS, FAILURES, LOGINS, COUNTED };

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
    uint32_t before;      /* the client's session that began before it, or NONE */
    uint16_t transaction; /* the last one that was counted */
    uint8_t once;         /* enum tri: what it is judged by as a whole exceeds the limit */
    bool begun, certain;  /* it has come here; certainly */
};

struct rate {
    const struct judging *judging;
    const struct columns *columns;
    const struct rate_parameters *ours;
    struct client *client;
    struct progress *progress;            /* by session */
    struct haunts *haunts;                /* retries of which any number may have come */
    bool *network_tries, *operator_tries; /* the same: there were logins, or may have been */
    bool first; /* no measure acts before it: whoever is asked about certainly comes */
    struct event *event;
    size_t events, room;
};

static bool counts_logins(const struct rate *state)
{
    return state->ours->failures > 0 || state->ours->attempts > 0;
}

static size_t client_number(const struct rate *state, uint32_t session)
{
    uint32_t address = state->columns->client[session];
    return state->ours->per == PER_NETWORK ? state->columns->network[address] : address;
}

/* The server refused it before it could log in, or cut it off: it may have gone on to. */
static bool hides_logins(const struct columns *columns, uint32_t attempt)
{
    bool refused = columns->answer[attempt] != ANSWER_NONE && columns->answer[attempt] != ANSWER_ACCEPTED;
    return (refused && columns->answered_at[attempt] <= STAGE_HELO) ||
           columns->flags[columns->session[attempt]] & SESSION_CUT_OFF;
}

static void find_logins(struct rate *state)
{
    const struct columns *columns = state->columns;
    state->network_tries = mem_zero(columns->network_count, sizeof *state->network_tries);
    state->operator_tries = mem_zero(columns->names.count, sizeof *state->operator_tries);
    for (uint32_t s = 0; s < columns->session_count; s++)
        if (session_has(columns, s, KIND_AUTH) || hides_logins(columns, columns->first_attempt[s]))
            state->network_tries[columns->network[columns->client[s]]] = true;
    for (uint32_t s = 0; s < columns->session_count; s++)
        if (columns->operator_of[s] != NAME_NONE &&
            state->network_tries[columns->network[columns->client[s]]])
            state->operator_tries[columns->operator_of[s]] = true;
}

/* Whether no other measure stops anything before ours is asked, nor a relay goes by. */
static bool is_first(const struct judging *judging)
{
    const struct policy *policy = judging->policy;
    struct step *steps = mem_zero(policy->rule_count, sizeof *steps);
    size_t k = 0;
    policy_steps(policy, steps);
    while (k < policy->rule_count && &policy->rules[steps[k].rule] != judging->rule &&
           rule_warns(&policy->rules[steps[k].rule]))
        k++;
    bool first = k < policy->rule_count && &policy->rules[steps[k].rule] == judging->rule;
    free(steps);
    return first && !policy->trusted_relays.count;
}

static void *begin(const struct judging *judging)
{
    const struct columns *columns = judging->columns;
    struct rate *state = mem_zero(1, sizeof *state);
    state->judging = judging;
    state->columns = columns;
    state->ours = judging->rule->parameters;
    state->first = is_first(judging);
    size_t clients = state->ours->per == PER_NETWORK ? columns->network_count : columns->address_count;
    state->client = mem_alloc(clients * sizeof *state->client);
    uint32_t *last = mem_alloc(clients * sizeof *last);
    for (size_t i = 0; i < clients; i++) {
        state->client[i] = (struct client){ { NONE, NONE, NONE, NONE } };
        last[i] = NONE;
    }
    state->progress = mem_zero(columns->session_count, sizeof *state->progress);
    for (uint32_t s = 0; s < columns->session_count; s++) {
        uint32_t *newest = &last[client_number(state, s)];
        state->progress[s].before = *newest;
        *newest = s;
    }
    free(last);
    state->haunts = haunts_new(columns);
    if (counts_logins(state))
        find_logins(state);
    return state;
}

static void end(void *given)
{
    struct rate *state = given;
    free(state->client);
    free(state->progress);
    haunts_free(state->haunts);
    free(state->network_tries);
    free(state->operator_tries);
    free(state->event);
    free(state);
}

static double limit_of(const struct rate *state, enum counted what)
{
    const double limits[COUNTED] = { state->ours->messages, state->ours->recipients, state->ours->failures,
                                     state->ours->attempts };
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

/* Any number of them may have come, then. */
static void note_any(struct rate *state, struct client *client, enum counted what, usec at)
{
    note(state, client, what, at, limit_of(state, what) + 1, false);
}

static enum tri over(double limit, double certain, double possible)
{
    return certain > limit ? YES : possible > limit ? UNKNOWN : NO;
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
    return over(limit, certain, possible);
}

/* Whether a session that was not asked about yet will be, after `attempt`: and whether it then certainly
 * comes here, because nothing can keep it. */
static bool is_due(const struct rate *state, uint32_t session, const struct asking *asking, bool *certain)
{
    const struct columns *columns = state->columns;
    uint32_t first = columns->first_attempt[session], last = columns->first_attempt[session + 1] - 1;
    usec now = columns->at[asking->attempt], then = columns->at[last];
    if (then < now || (then == now && last < asking->attempt))
        return false;
    *certain = state->first && !bits_get(state->judging->known, first) &&
               judging_applies(state->judging, first) == YES &&
               (!asking->by_delivery || columns->before[first] == NO_ATTEMPT);
    return true;
}

/* The same of connections: of the client's sessions that began in the window, this one included. */
static enum tri exceeds_connections(const struct rate *state, const struct asking *asking)
{
    const struct columns *columns = state->columns;
    uint32_t session = columns->session[asking->attempt];
    double limit = state->ours->connections, certain = 0, possible = 0;
    usec after = columns->started[session] - state->ours->window;
    if (limit <= 0)
        return NO;
    for (uint32_t s = session; s != NONE && columns->started[s] > after && certain <= limit;
         s = state->progress[s].before) {
        const struct progress *progress = &state->progress[s];
        bool surely = progress->certain;
        if (!progress->begun && !is_due(state, s, asking, &surely))
            continue;
        possible += 1;
        certain += surely;
    }
    return over(limit, certain, possible);
}

/* Whether a limit of theirs lets nobody pass whom ours would not. */
static bool as_strict(double theirs, double ours)
{
    return ours <= 0 || (theirs > 0 && theirs <= ours);
}

static enum tri recorded(const struct asking *asking)
{
    if (!asking->as_recorded)
        return UNKNOWN;
    struct asked asked[ASKED_MOST];
    size_t rules = judging_asked(asking->judging, asking->attempt, asked);
    const struct rate_parameters *ours = asking->judging->rule->parameters;
    for (size_t i = 0; i < rules; i++) {
        const struct rate_parameters *theirs = asked[i].parameters;
        bool equal = parameters_equal(asking->judging->rule->measure, theirs, ours);
        bool stricter =
            theirs->per == ours->per && theirs->window >= ours->window &&
            as_strict(theirs->connections, ours->connections) &&
            as_strict(theirs->messages, ours->messages) && as_strict(theirs->recipients, ours->recipients) &&
            as_strict(theirs->failures, ours->failures) && as_strict(theirs->attempts, ours->attempts);
        if (asked[i].status == ASKED_REFUSED && equal)
            return YES;
        if (asked[i].status == ASKED_PASSED && stricter)
            return NO;
    }
    return UNKNOWN;
}

/* Logins of the session, once. */
static void take_logins(struct rate *state, const struct asking *asking, struct client *client)
{
    const struct fact *fact = NULL;
    double failures = 0, logins = 0;
    uint32_t a = asking->attempt;
    usec at = state->columns->at[a];
    while ((fact = judging_fact(asking->judging, a, KIND_AUTH, fact))) {
        failures += fact->state == NO;
        logins += 1;
    }
    note(state, client, FAILURES, at, failures, asking->certain);
    note(state, client, LOGINS, at, logins, asking->certain);
    if (hides_logins(state->columns, a)) {
        note_any(state, client, FAILURES, at);
        note_any(state, client, LOGINS, at);
    }
}

/* The commands of the attempt. A client that was cut off before RCPT is taken to have gone on to send one,
 * and by delivery may have sent any number after it. */
static void take_commands(struct rate *state, const struct asking *asking, struct client *client,
                          const struct progress *progress)
{
    const struct columns *columns = state->columns;
    uint32_t a = asking->attempt;
    usec at = columns->at[a];
    bool cut_off = columns->recipient[a] == FACT_ALL && columns->reached[a] >= STAGE_RCPT;
    bool new = !progress->begun || columns->transaction[a] != progress->transaction;
    if ((columns->transaction[a] != FACT_ALL || cut_off) && new)
        note(state, client, MESSAGES, at, 1, asking->certain);
    if (columns->recipient[a] != FACT_ALL || cut_off)
        note(state, client, RECIPIENTS, at, 1, asking->certain);
}

/* What may have followed it. */
static void take_hidden(struct rate *state, const struct asking *asking, struct client *client)
{
    const struct columns *columns = state->columns;
    uint32_t a = asking->attempt;
    if (!asking->by_delivery || columns->recipient[a] != FACT_ALL || columns->reached[a] < STAGE_RCPT)
        return;
    note_any(state, client, MESSAGES, columns->at[a]);
    note_any(state, client, RECIPIENTS, columns->at[a]);
}

static enum tri ask(void *given, const struct asking *asking)
{
    struct rate *state = given;
    const struct columns *columns = state->columns;
    uint32_t a = asking->attempt, s = columns->session[a];
    usec now = columns->at[a];
    struct client *client = &state->client[client_number(state, s)];
    struct progress *progress = &state->progress[s];
    take_commands(state, asking, client, progress);
    progress->certain = progress->certain || asking->certain;
    if (!progress->begun) {
        progress->begun = true;
        if (counts_logins(state))
            take_logins(state, asking, client);
        progress->once =
            (uint8_t)tri_or(exceeds_connections(state, asking), tri_or(exceeds(state, client, FAILURES, now),
                                                                       exceeds(state, client, LOGINS, now)));
    }
    progress->transaction = columns->transaction[a];
    enum tri hit = tri_or((enum tri)progress->once, tri_or(exceeds(state, client, MESSAGES, now),
                                                           exceeds(state, client, RECIPIENTS, now)));
    take_hidden(state, asking, client);
    enum tri told = recorded(asking);
    if (told != UNKNOWN)
        return told;
    return hit == NO && haunts_since(state->haunts, a) != USEC_NONE ? UNKNOWN : hit;
}

/* Any number of retries may have followed. They are like the attempt: who did not try to log in does not
 * then. */
static void retry(void *given, const struct asking *asking)
{
    struct rate *state = given;
    uint32_t a = asking->attempt;
    bool tries =
        session_has(state->columns, state->columns->session[a], KIND_AUTH) || hides_logins(state->columns, a);
    if (!counts_logins(state) || tries)
        haunts_add(state->haunts, a);
}

/* Logins are counted against nobody of whose network, nor of an operator's, there were none. */
static bool might(void *given, uint32_t attempt)
{
    const struct rate *state = given;
    uint32_t s = state->columns->session[attempt], operator_name = state->columns->operator_of[s];
    return !counts_logins(state) ||
           state->network_tries[state->columns->network[state->columns->client[s]]] ||
           (operator_name != NAME_NONE && state->operator_tries[operator_name]);
}

const struct state state_rate = { .begin = begin, .end = end, .ask = ask, .retry = retry, .might = might };

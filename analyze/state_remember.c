/* `remember`: a client that was tested and passed is not tested again for so long (postscreen's cache,
 * postscreen_greet_ttl and its like). An untested pass does not renew it. */
#include <stdlib.h>

#include "analyze/haunts.h"
#include "analyze/state.h"

struct client {
    usec certainly, possibly; /* remembered until then; USEC_NONE: not */
};

struct remembering {
    const struct judging *judging;
    struct client *client; /* by number of the address */
    struct haunts *haunts; /* retries that may have been tested, and passed */
    usec remember;
};

static usec remember_of(const struct measure *measure, const void *parameters)
{
    return *(const usec *)(const void *)((const char *)parameters + measure->remember_at);
}

static void *begin(const struct judging *judging)
{
    struct remembering *state = mem_zero(1, sizeof *state);
    state->judging = judging;
    state->remember = remember_of(judging->rule->measure, judging->rule->parameters);
    state->haunts = haunts_new(judging->columns);
    state->client = mem_alloc(judging->columns->address_count * sizeof *state->client);
    for (size_t i = 0; i < judging->columns->address_count; i++)
        state->client[i] = (struct client){ USEC_NONE, USEC_NONE };
    return state;
}

static void end(void *given)
{
    struct remembering *state = given;
    haunts_free(state->haunts);
    free(state->client);
    free(state);
}

/* The recorded server says that it knew the client, and ours remembers at least as long. Where its own rule
 * remembers nobody, or refused the client, what it knew was of another rule. */
static bool known_by_record(const struct remembering *state, const struct asking *asking)
{
    const struct judging *judging = asking->judging;
    if (!asking->as_recorded || !judging_fact(judging, asking->attempt, KIND_TESTED_BEFORE, NULL))
        return false;
    struct asked asked[ASKED_MOST];
    size_t count = judging_asked(judging, asking->attempt, asked);
    for (size_t i = 0; i < count; i++) {
        usec theirs = remember_of(judging->rule->measure, asked[i].parameters);
        if (asked[i].status == ASKED_REFUSED || theirs == 0 || theirs > state->remember)
            return false;
    }
    return count > 0;
}

static enum tri ask(void *given, const struct asking *asking)
{
    struct remembering *state = given;
    const struct columns *columns = asking->judging->columns;
    usec now = columns->at[asking->attempt];
    struct client *client = &state->client[columns->client[columns->session[asking->attempt]]];
    if (client->certainly != USEC_NONE && now <= client->certainly)
        return NO;
    if (known_by_record(state, asking)) {
        client->possibly = now + state->remember;
        return NO;
    }
    bool maybe_known = (client->possibly != USEC_NONE && now <= client->possibly) ||
                       haunts_since(state->haunts, asking->attempt) != USEC_NONE;
    enum tri verdict = asking->verdict;
    if (verdict != YES)
        client->possibly = now + state->remember;
    if (verdict == NO && asking->certain && !maybe_known)
        client->certainly = now + state->remember;
    return maybe_known && verdict == YES ? UNKNOWN : verdict;
}

/* A retry is tested anew, from whichever address it comes, and may pass where this attempt did not. */
static void retry(void *given, const struct asking *asking)
{
    struct remembering *state = given;
    if (asking->verdict != YES)
        haunts_add(state->haunts, asking->attempt);
}

/* A client that passes when it is tested passes when it is not, too. */
static bool might(void *given, uint32_t attempt)
{
    const struct judging *judging = ((const struct remembering *)given)->judging;
    return !bits_get(judging->known, attempt) || bits_get(judging->hit, attempt);
}

const struct state state_remember = {
    .begin = begin, .end = end, .ask = ask, .retry = retry, .might = might
};

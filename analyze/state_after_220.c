/* after-220: postscreen's tests after the banner end with a 450 4.3.2 even for who passes them, since
 * postscreen cannot hand over a session under way (postscreen_smtpd.c). So a new client is put off once and
 * known from then on: greylisting by address without delay, judged once a session. */
#include <stdlib.h>

#include "analyze/state_greylist.h"

struct after_220 {
    const struct columns *columns;
    void *greylist;
    struct judged {
        uint32_t session;
        enum tri verdict;
    } * judged; /* by address */
};

static struct greylist_parameters as_greylist(const void *parameters)
{
    usec remember = ((const struct after_220_parameters *)parameters)->remember;
    return (struct greylist_parameters){ .retry_window = remember,
                                         .lifetime = remember,
                                         .key = 1u << KEY_CLIENT };
}

static void *begin(const struct judging *judging)
{
    struct after_220 *state = mem_zero(1, sizeof *state);
    state->columns = judging->columns;
    state->greylist = greylist_begin(judging, as_greylist);
    state->judged = mem_alloc(judging->columns->address_count * sizeof *state->judged);
    for (size_t i = 0; i < judging->columns->address_count; i++)
        state->judged[i].session = UINT32_MAX;
    return state;
}

static void end(void *given)
{
    struct after_220 *state = given;
    greylist_end(state->greylist);
    free(state->judged);
    free(state);
}

static enum tri ask(void *given, const struct asking *asking)
{
    struct after_220 *state = given;
    uint32_t session = state->columns->session[asking->attempt];
    struct judged *judged = &state->judged[state->columns->client[session]];
    if (judged->session != session)
        *judged = (struct judged){ session, greylist_ask(state->greylist, asking) };
    return judged->verdict;
}

static void retry(void *given, const struct asking *asking)
{
    greylist_retry(((struct after_220 *)given)->greylist, asking);
}

static bool by_client(const void *parameters)
{
    (void)parameters;
    return true;
}

static void forget(void *given, size_t attempts, bool named)
{
    greylist_forget(((struct after_220 *)given)->greylist, attempts, named);
}

static void again(void *given, const struct judging *judging)
{
    struct after_220 *state = given;
    greylist_again(state->greylist, judging);
    for (size_t i = 0; i < judging->columns->address_count; i++)
        state->judged[i].session = UINT32_MAX;
}

const struct state state_after_220 = {
    .begin = begin,
    .end = end,
    .ask = ask,
    .retry = retry,
    .by_client = by_client,
    .forget = forget,
    .again = again,
};

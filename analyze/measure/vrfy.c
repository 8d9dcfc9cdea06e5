/* vrfy: who asks which addresses there are (VRFY, EXPN). To answer 252 is enough (RFC 5321 3.5.3), so it only
 * counts unless told to turn such clients away. A probe that the record does not show was none: servers note
 * such commands, or count them at the end of the session. But what a client asks after HELO is hidden where
 * the server did not let it come that far, or cut it off. */
#include "analyze/judging.h"
#include "analyze/measure/parameters.h"

static const struct parameter parameters[] = {
    { "reject", PARAMETER_BOOL, offsetof(struct vrfy_parameters, reject), "false", NULL,
      "the client is turned away; else it is only counted" },
    { 0 },
};

static bool rejects(const void *recorded, const void *ours)
{
    (void)ours;
    return ((const struct vrfy_parameters *)recorded)->reject;
}

static enum tri judge(const struct judging *judging, uint32_t attempt)
{
    const struct columns *columns = judging->columns;
    if (judging_state(judging, attempt, KIND_VRFY) == YES)
        return YES;
    if (judging_passed(judging, attempt, rejects))
        return NO;
    bool refused = columns->answer[attempt] != ANSWER_NONE && columns->answer[attempt] != ANSWER_ACCEPTED;
    bool hidden = (refused && columns->answered_at[attempt] <= STAGE_HELO) ||
                  columns->flags[columns->session[attempt]] & SESSION_CUT_OFF;
    return hidden ? UNKNOWN : NO;
}

static bool only_counts(const void *given)
{
    return !((const struct vrfy_parameters *)given)->reject;
}

const struct measure measure_vrfy = {
    .name = "vrfy",
    .title = "VRFY and EXPN probes",
    .named = NAMED_VRFY,
    .stage = STAGE_HELO,
    .kind = KIND_VRFY,
    .reply = REPLY_5XX,
    .parameters = parameters,
    .reasons = { NULL, "no VRFY or EXPN is recorded",
                 "the server let it go no farther than HELO, or cut it off" },
    .parameters_size = sizeof(struct vrfy_parameters),
    .judge = judge,
    .only_counts = only_counts,
};

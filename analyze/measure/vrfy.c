/* vrfy: who asks which addresses there are (VRFY, EXPN). To answer 252 is enough (RFC 5321 3.5.3), so it only
 * counts unless told to turn such clients away. A probe that the record does not show was none: servers note
 * commands, or count them at the end of the session. */
#include "analyze/judging.h"
#include "analyze/measure/parameters.h"

static const struct parameter parameters[] = {
    { "reject", PARAMETER_BOOL, offsetof(struct vrfy_parameters, reject), "false", NULL,
      "the client is turned away; else it is only counted" },
    { 0 },
};

static enum tri judge(const struct judging *judging, uint32_t attempt)
{
    return tri_of(judging_state(judging, attempt, KIND_VRFY) == YES);
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
    .parameters_size = sizeof(struct vrfy_parameters),
    .judge = judge,
    .only_counts = only_counts,
};

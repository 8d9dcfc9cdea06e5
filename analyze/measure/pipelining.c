/* pipelining: commands sent ahead without having been offered PIPELINING, or ahead of the greeting (RFC
 * 2920 3.1). */
#include "analyze/judging.h"
#include "analyze/measure/parameters.h"

static const struct parameter parameters[] = {
    { "remember", PARAMETER_DURATION, offsetof(struct pipelining_parameters, remember), "0s", NULL,
      "how long a client that passed is not tested again" },
    { 0 },
};

static enum tri judge(const struct judging *judging, uint32_t attempt)
{
    return judging_conclude(judging, attempt, KIND_PIPELINING, NULL, NULL, NO);
}

const struct measure measure_pipelining = {
    .name = "pipelining",
    .title = "Improper pipelining",
    .named = NAMED_PIPELINING,
    .stage = STAGE_DATA,
    .kind = KIND_PIPELINING,
    .reply = REPLY_5XX,
    .parameters = parameters,
    .parameters_size = sizeof(struct pipelining_parameters),
    .remember_at = offsetof(struct pipelining_parameters, remember),
    .judge = judge,
};

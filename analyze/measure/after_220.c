/* after-220: postscreen's tests after the banner; its state is in state_after_220.c. */
#include "analyze/judging.h"
#include "analyze/measure/parameters.h"

static const struct parameter parameters[] = {
    { "remember", PARAMETER_DURATION, offsetof(struct after_220_parameters, remember), "30d", NULL,
      "how long a client that passed is known" },
    { 0 },
};

const struct measure measure_after_220 = {
    .name = "after-220",
    .title = "Put off after the banner",
    .named = NAMED_AFTER_220,
    .stage = STAGE_RCPT,
    .kind = KINDS,
    .reply = REPLY_4XX,
    .parameters = parameters,
    .reasons = { "put off once: nothing before could have made the client known",
                 "passes: the client is known from before",
                 "what came before may have made the client known" },
    .parameters_size = sizeof(struct after_220_parameters),
    .state = &state_after_220,
};

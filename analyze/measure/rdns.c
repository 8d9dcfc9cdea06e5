/* no-rdns: the client's address has no PTR; fcrdns: it has none that leads back to the address. */
#include "analyze/judging.h"
#include "analyze/measure/parameters.h"

static const char *const on_error_words[] = { "unknown", "hit", NULL };

static const struct parameter parameters[] = {
    { "on-error", PARAMETER_WORD, offsetof(struct rdns_parameters, on_error), "unknown", on_error_words,
      "what a look-up that failed for the time being counts as" },
    { 0 },
};

/* A look-up that failed is evidence without a state. */
static enum tri judge(const struct judging *judging, uint32_t attempt, enum kind kind)
{
    const struct rdns_parameters *ours = judging->rule->parameters;
    enum tri exists = judging_conclude(judging, attempt, kind, NULL, NULL, YES);
    if (exists == UNKNOWN && ours->on_error == ON_ERROR_HIT && judging_failed(judging, attempt, kind))
        return YES;
    return tri_not(exists);
}

static enum tri judge_no_rdns(const struct judging *judging, uint32_t attempt)
{
    return judge(judging, attempt, KIND_RDNS);
}

static enum tri judge_fcrdns(const struct judging *judging, uint32_t attempt)
{
    return judge(judging, attempt, KIND_FCRDNS);
}

const struct measure measure_no_rdns = {
    .name = "no-rdns",
    .title = "No reverse DNS",
    .named = NAMED_NO_RDNS,
    .stage = STAGE_CONNECT,
    .kind = KIND_RDNS,
    .reply = REPLY_4XX,
    .parameters = parameters,
    .parameters_size = sizeof(struct rdns_parameters),
    .judge = judge_no_rdns,
};

const struct measure measure_fcrdns = {
    .name = "fcrdns",
    .title = "Reverse DNS does not lead back",
    .named = NAMED_FCRDNS,
    .stage = STAGE_CONNECT,
    .kind = KIND_FCRDNS,
    .reply = REPLY_4XX,
    .parameters = parameters,
    .parameters_size = sizeof(struct rdns_parameters),
    .judge = judge_fcrdns,
};

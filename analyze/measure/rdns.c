/* no-rdns: the client's address has no PTR; fcrdns: it has none that leads back to the address. */
#include "analyze/judging.h"
#include "analyze/measure/parameters.h"

extern const struct measure measure_no_rdns, measure_fcrdns;

static const char *const on_error_words[] = { "unknown", "hit", NULL };

static const struct parameter parameters[] = {
    { "on-error", PARAMETER_WORD, offsetof(struct rdns_parameters, on_error), "unknown", on_error_words,
      "what a look-up that failed for the time being counts as" },
    { 0 },
};

static bool hits_on_error(const void *recorded, const void *ours)
{
    (void)ours;
    return ((const struct rdns_parameters *)recorded)->on_error == ON_ERROR_HIT;
}

/* What evidence of a kind tells, and that the recorded server's rule of that kind let the client pass: which
 * says nothing where the look-up failed and that rule lets who fails pass. */
static enum tri told(const struct judging *judging, uint32_t attempt, const struct measure *measure)
{
    static const struct rdns_parameters any;
    struct rule rule = *judging->rule; /* for its exemptions */
    rule.measure = measure;
    rule.parameters = &any;
    const struct judging as = { judging->columns, judging->record, judging->policy, &rule, NULL, NULL };
    bool failed = judging_failed(judging, attempt, measure->kind);
    return judging_conclude(&as, attempt, measure->kind, NULL, failed ? hits_on_error : NULL, YES);
}

static bool same(const void *recorded, const void *ours)
{
    const struct rdns_parameters *theirs = recorded, *mine = ours;
    return theirs->on_error == mine->on_error;
}

/* A look-up that failed is evidence without a state: what it counts as is ours to say, or what the recorded
 * server made of it where that counts it the same. */
static enum tri hit_if_no(const struct judging *judging, uint32_t attempt, enum tri exists)
{
    const struct rdns_parameters *ours = judging->rule->parameters;
    if (exists != UNKNOWN || !judging_failed(judging, attempt, judging->rule->measure->kind))
        return tri_not(exists);
    if (ours->on_error == ON_ERROR_HIT)
        return YES;
    return judging_passed(judging, attempt, same) ? NO : UNKNOWN;
}

/* A name that leads back is a name; without one there is none that does. */
static enum tri judge_no_rdns(const struct judging *judging, uint32_t attempt)
{
    enum tri exists = told(judging, attempt, &measure_no_rdns);
    if (exists == UNKNOWN && told(judging, attempt, &measure_fcrdns) == YES)
        exists = YES;
    return hit_if_no(judging, attempt, exists);
}

static enum tri judge_fcrdns(const struct judging *judging, uint32_t attempt)
{
    enum tri leads_back = told(judging, attempt, &measure_fcrdns);
    if (leads_back == UNKNOWN && told(judging, attempt, &measure_no_rdns) == NO)
        leads_back = NO;
    return hit_if_no(judging, attempt, leads_back);
}

const struct measure measure_no_rdns = {
    .name = "no-rdns",
    .title = "No reverse DNS",
    .named = NAMED_NO_RDNS,
    .stage = STAGE_CONNECT,
    .kind = KIND_RDNS,
    .reply = REPLY_4XX,
    .look_ups = 1,
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
    .look_ups = 2, /* the name, and its address */
    .parameters = parameters,
    .parameters_size = sizeof(struct rdns_parameters),
    .judge = judge_fcrdns,
};

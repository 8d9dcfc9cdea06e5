/* spf: the result of the check of the sender's domain (RFC 7208) is one of those that are turned away. */
#include "analyze/judging.h"
#include "analyze/measure/parameters.h"

static const char *const results[] = { "pass", "fail",      "softfail",  "neutral",
                                       "none", "permerror", "temperror", NULL };

static const struct parameter parameters[] = {
    { "on", PARAMETER_WORDS, offsetof(struct spf_parameters, on), "fail", results,
      "the results that are turned away" },
    { 0 },
};

/* The recorded server turned away whatever we would. */
static bool as_strict(const void *recorded, const void *ours)
{
    const struct spf_parameters *theirs = recorded, *mine = ours;
    return (mine->on & ~theirs->on) == 0;
}

/* It turned away nothing that we would not. */
static bool as_lax(const void *recorded, const void *ours)
{
    const struct spf_parameters *theirs = recorded, *mine = ours;
    return (theirs->on & ~mine->on) == 0;
}

static enum tri judge(const struct judging *judging, uint32_t attempt)
{
    const struct spf_parameters *ours = judging->rule->parameters;
    const struct fact *fact = NULL;
    uint64_t best = UINT64_MAX;
    enum tri hit = UNKNOWN;
    while ((fact = judging_fact(judging, attempt, KIND_SPF, fact)))
        for (uint32_t i = 0; i < SPF_RESULTS; i++)
            if (str_eq_nocase(judging_name(judging, fact->detail), str_of(results[i])) &&
                judging_rank(judging, attempt, fact) < best) {
                best = judging_rank(judging, attempt, fact);
                hit = tri_of(ours->on >> i & 1);
            }
    if (best < JUDGING_LATER)
        return hit;
    return judging_passed(judging, attempt, as_strict) ? NO
           : judging_refused(judging, attempt, as_lax) ? YES
                                                       : hit;
}

const struct measure measure_spf = {
    .name = "spf",
    .title = "SPF says no",
    .named = NAMED_SPF,
    .stage = STAGE_MAIL,
    .kind = KIND_SPF,
    .reply = REPLY_5XX,
    .look_ups = 1,
    .parameters = parameters,
    .parameters_size = sizeof(struct spf_parameters),
    .judge = judge,
};

/* dkim and dmarc: what was found at the end of the message (RFC 6376, RFC 7489) is one of what is turned
 * away. The words are those of RFC 8601 2.7. */
#include "analyze/judging.h"
#include "analyze/measure/parameters.h"

static const char *const results[] = { "pass",   "fail",      "none",      "neutral",
                                       "policy", "permerror", "temperror", NULL };

static const struct parameter parameters[] = {
    { "on", PARAMETER_WORDS, offsetof(struct results_parameters, on), "fail", results,
      "the results that are turned away" },
    { 0 },
};

/* The recorded server turned away whatever we would. */
static bool as_strict(const void *recorded, const void *ours)
{
    const struct results_parameters *theirs = recorded, *mine = ours;
    return (mine->on & ~theirs->on) == 0;
}

/* It turned away nothing that we would not. */
static bool as_lax(const void *recorded, const void *ours)
{
    const struct results_parameters *theirs = recorded, *mine = ours;
    return (theirs->on & ~mine->on) == 0;
}

static uint32_t result_bit(struct str word)
{
    for (uint32_t i = 0; results[i]; i++)
        if (str_eq_nocase(word, str_of(results[i])))
            return (uint32_t)1 << i;
    return 0;
}

/* A message may have several signatures: one that passes is enough, if to pass is well. */
static enum tri judge(const struct judging *judging, uint32_t attempt, enum kind kind)
{
    const struct results_parameters *ours = judging->rule->parameters;
    const struct fact *fact = NULL;
    uint32_t found = 0, pass = result_bit(STR("pass"));
    while ((fact = judging_fact(judging, attempt, kind, fact)))
        found |= result_bit(judging_name(judging, fact->detail));
    if (found)
        return tri_of((ours->on & (found & pass ? pass : found)) != 0);
    return judging_passed(judging, attempt, as_strict) ? NO
           : judging_refused(judging, attempt, as_lax) ? YES
                                                       : UNKNOWN;
}

static enum tri judge_dkim(const struct judging *judging, uint32_t attempt)
{
    return judge(judging, attempt, KIND_DKIM);
}

static enum tri judge_dmarc(const struct judging *judging, uint32_t attempt)
{
    return judge(judging, attempt, KIND_DMARC);
}

const struct measure measure_dkim = {
    .name = "dkim",
    .title = "DKIM says no",
    .named = NAMED_DKIM,
    .stage = STAGE_EOM,
    .kind = KIND_DKIM,
    .reply = REPLY_5XX,
    .in_chain = true,
    .look_ups = 1,
    .parameters = parameters,
    .parameters_size = sizeof(struct results_parameters),
    .judge = judge_dkim,
};

const struct measure measure_dmarc = {
    .name = "dmarc",
    .title = "DMARC says no",
    .named = NAMED_DMARC,
    .stage = STAGE_EOM,
    .kind = KIND_DMARC,
    .reply = REPLY_5XX,
    .in_chain = true,
    .look_ups = 1,
    .parameters = parameters,
    .parameters_size = sizeof(struct results_parameters),
    .judge = judge_dmarc,
};

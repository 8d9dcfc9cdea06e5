/* early-talker: the client spoke before the banner's last line was out, and before `wait` was over.
 * What it did later than the recorded server waited is not known. */
#include "analyze/judging.h"
#include "analyze/measure/parameters.h"

static const struct parameter parameters[] = {
    { "wait", PARAMETER_DURATION, offsetof(struct early_talker_parameters, wait), "6s", NULL,
      "how long the banner's last line is held back" },
    { "remember", PARAMETER_DURATION, offsetof(struct early_talker_parameters, remember), "0s", NULL,
      "how long a client that passed is not tested again" },
    { 0 },
};

/* A recorded server that waited as long at least, and let the client pass. */
static bool waited_as_long(const void *recorded, const void *ours)
{
    const struct early_talker_parameters *theirs = recorded, *mine = ours;
    return theirs->wait >= mine->wait;
}

/* One that waited no longer, and heard it speak. */
static bool waited_no_longer(const void *recorded, const void *ours)
{
    const struct early_talker_parameters *theirs = recorded, *mine = ours;
    return theirs->wait <= mine->wait;
}

static enum tri judge(const struct judging *judging, uint32_t attempt)
{
    const struct early_talker_parameters *ours = judging->rule->parameters;
    const struct fact *fact = NULL;
    while ((fact = judging_fact(judging, attempt, KIND_EARLY_TALKER, fact))) {
        usec spoke = fact->a, banner = fact->b;
        if (fact->state == YES && spoke < 0)
            continue;
        if (fact->state == YES) /* spoke before the recorded banner: would it have before ours? */
            return tri_of(spoke < ours->wait);
        if (spoke >= 0 && banner >= 0 && spoke < banner)
            return tri_of(spoke < ours->wait);
        if (banner >= ours->wait)
            return NO; /* was silent for at least as long */
        if (spoke >= 0 && spoke >= ours->wait)
            return NO;
    }
    if (judging_refused(judging, attempt, waited_no_longer))
        return YES;
    return judging_passed(judging, attempt, waited_as_long) ? NO : UNKNOWN;
}

const struct measure measure_early_talker = {
    .name = "early-talker",
    .title = "Early talkers",
    .named = NAMED_EARLY_TALKER,
    .stage = STAGE_BANNER,
    .kind = KIND_EARLY_TALKER,
    .reply = REPLY_5XX,
    .parameters = parameters,
    .parameters_size = sizeof(struct early_talker_parameters),
    .remember_at = offsetof(struct early_talker_parameters, remember),
    .judge = judge,
};

/* Greylisting as postgrey and RFC 6647 do it (semantics.md section 5): parameters; its state is in
 * state_greylist.c. */
#include "analyze/judging.h"
#include "analyze/measure/parameters.h"

static const char *const key_words[] = { "client", "client/24", "client/64", "sender", "recipient", NULL };
static const char *const scope_words[] = { "shared", "server", NULL };

static const struct parameter parameters[] = {
    { "delay", PARAMETER_DURATION, offsetof(struct greylist_parameters, delay), "5m", NULL,
      "how long a new triplet is put off" },
    { "retry-window", PARAMETER_DURATION, offsetof(struct greylist_parameters, retry_window), "2d", NULL,
      "how long after the first attempt a retry counts" },
    { "lifetime", PARAMETER_DURATION, offsetof(struct greylist_parameters, lifetime), "35d", NULL,
      "how long a triplet that passed is known" },
    { "key", PARAMETER_WORDS, offsetof(struct greylist_parameters, key), "[client/24, sender, recipient]",
      key_words, "what makes a triplet" },
    { "normalise", PARAMETER_BOOL, offsetof(struct greylist_parameters, normalise), "true", NULL,
      "lower case, BATV tag and +extension off, numbers in the sender as #" },
    { "auto-allow", PARAMETER_COUNT, offsetof(struct greylist_parameters, auto_allow), "5", NULL,
      "a client address with so many passed triplets is allowed; 0: off" },
    { "auto-interval", PARAMETER_DURATION, offsetof(struct greylist_parameters, auto_interval), "1h", NULL,
      "at most one is counted in this time" },
    { "scope", PARAMETER_WORD, offsetof(struct greylist_parameters, scope), "shared", scope_words,
      "whether servers share the state" },
    { "yields", PARAMETER_BOOL, offsetof(struct greylist_parameters, yields), "false", NULL,
      "a later measure of the same stage that hits comes first (Postfix's DEFER_IF_PERMIT)" },
    { 0 },
};

static int check(const void *given, struct why *why)
{
    const struct greylist_parameters *ours = given;
    if (ours->lifetime <= ours->retry_window)
        return why_set(why, EX_DATAERR, "lifetime must be longer than retry-window");
    if (ours->retry_window < ours->delay)
        return why_set(why, EX_DATAERR, "retry-window must not be shorter than delay");
    if (!ours->key)
        return why_set(why, EX_DATAERR, "key is empty; write [client/24, sender, recipient]");
    return 0;
}

const struct measure measure_greylist = {
    .name = "greylist",
    .title = "Greylisted: didn't resend",
    .title_by_unit = "Greylisted",
    .named = NAMED_GREYLIST,
    .stage = STAGE_RCPT,
    .kind = KIND_GREYLIST,
    .reply = REPLY_4XX,
    .parameters = parameters,
    .reasons = { "put off: nothing before could have made it known",
                 "passes: known, or old enough, by what came before",
                 "what came before may have made it known" },
    .parameters_size = sizeof(struct greylist_parameters),
    .check = check,
    .state = &state_greylist,
};

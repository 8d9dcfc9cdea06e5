/* nolisting: a primary MX that does not answer at all; who never tries the next one is turned away by that.
 * Its state, which clients tried which server, is in state_nolisting.c. */
#include <sysexits.h>

#include "analyze/judging.h"
#include "analyze/measure/parameters.h"

static const struct parameter parameters[] = {
    { "primary", PARAMETER_TEXTS, offsetof(struct nolisting_parameters, primary), NULL, NULL,
      "the server that does not answer: its address, or its name as logged" },
    { "secondary", PARAMETER_TEXTS, offsetof(struct nolisting_parameters, secondary), NULL, NULL,
      "those that do" },
    { 0 },
};

static int check(const void *given, struct why *why)
{
    const struct nolisting_parameters *ours = given;
    if (ours->primary.count && ours->secondary.count)
        return 0;
    return why_set(why, EX_DATAERR, "both are wanted: primary: 192.0.2.1, secondary: 192.0.2.2");
}

/* A 4xx is an answer: a client that gets one comes back to the same server (RFC 5321 5.1), and the next is
 * not tried. */
static struct str note(const struct judging *judging, struct arena *arena)
{
    const struct nolisting_parameters *ours = judging->rule->parameters;
    size_t answered = judging_answered_at(judging, &ours->primary);
    if (!answered)
        return (struct str){ NULL, 0 };
    return arena_printf(
        arena,
        "%zu sessions were answered at the primary: that was no nolisting, be the answer a 4xx, and whether "
        "their clients would have tried the secondary is not known.",
        answered);
}

const struct measure measure_nolisting = {
    .name = "nolisting",
    .title = "Tried the primary only",
    .named = NAMED_NOLISTING,
    .stage = STAGE_CONNECT,
    .kind = KIND_UNANSWERED,
    .reply = REPLY_DROP,
    .parameters = parameters,
    .reasons = { "nobody answered at the primary, and it came to no secondary",
                 "it came to a server that answers",
                 "whether it would have come to a secondary is not recorded" },
    .parameters_size = sizeof(struct nolisting_parameters),
    .check = check,
    .note = note,
    .state = &state_nolisting,
};

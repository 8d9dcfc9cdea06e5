/* dictionary: a client that asks for many recipients that do not exist; its state is in state_dictionary.c.
 */
#include "analyze/judging.h"
#include "analyze/measure/parameters.h"

static const struct parameter parameters[] = {
    { "unknown", PARAMETER_NUMBER, offsetof(struct dictionary_parameters, unknown), "5", NULL,
      "so many recipients that do not exist" },
    { "window", PARAMETER_DURATION, offsetof(struct dictionary_parameters, window), "10m", NULL,
      "within this time" },
    { 0 },
};

/* Whether this recipient counts: as the recipient measure would judge it. */
static enum tri judge(const struct judging *judging, uint32_t attempt)
{
    static const struct recipient_parameters recorded;
    static const struct rule recipient = { .measure = &measure_recipient, .parameters = &recorded };
    struct judging as_recipient = {
        judging->columns, judging->record, judging->policy, &recipient, NULL, NULL
    };
    return judging_verdict(&as_recipient, attempt);
}

const struct measure measure_dictionary = {
    .name = "dictionary",
    .title = "Dictionary attacks",
    .named = NAMED_DICTIONARY,
    .stage = STAGE_RCPT,
    .kind = KIND_RECIPIENT,
    .reply = REPLY_5XX,
    .in_chain = true,
    .parameters = parameters,
    .reasons = { "so many recipients that its network asked for do not exist",
                 "not so many recipients that its network asked for do not exist",
                 "of what its network asked for it is not known how much came to this, or exists" },
    .parameters_size = sizeof(struct dictionary_parameters),
    .judge = judge,
    .state = &state_dictionary,
};

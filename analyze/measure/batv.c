/* batv: a bounce to somebody who did not send what bounced. Mail that leaves with a signed sender (prvs=...)
 * comes back to that; a bounce to the bare address is backscatter, unless the site sends without tags. So it
 * is known only of who sent nothing at all in the window, and only where the record shows what is sent. */
#include "analyze/judging.h"
#include "analyze/measure/parameters.h"

static const struct parameter parameters[] = {
    { "sent-within", PARAMETER_DURATION, offsetof(struct batv_parameters, sent_within), "7d", NULL,
      "for so long mail that was sent may bounce" },
    { 0 },
};

static bool has_tag(struct str address)
{
    struct str tag = STR("prvs=");
    return address.len > tag.len && str_eq_nocase((struct str){ address.at, tag.len }, tag);
}

/* They turned away whoever sent nothing in a time no longer than ours: whom they let pass had sent since. */
static bool passed_shorter(const void *recorded, const void *ours)
{
    const struct batv_parameters *theirs = recorded, *mine = ours;
    return theirs->sent_within <= mine->sent_within;
}

static bool refused_longer(const void *recorded, const void *ours)
{
    const struct batv_parameters *theirs = recorded, *mine = ours;
    return theirs->sent_within >= mine->sent_within;
}

static enum tri judge(const struct judging *judging, uint32_t attempt)
{
    const struct columns *columns = judging->columns;
    const struct batv_parameters *ours = judging->rule->parameters;
    struct str sender = judging_sender(judging, attempt), recipient = judging_recipient(judging, attempt);
    if (sender.len)
        return NO;
    if (!sender.at || !recipient.at)
        return UNKNOWN;
    if (has_tag(recipient) || judging_passed(judging, attempt, passed_shorter))
        return NO;
    if (judging_refused(judging, attempt, refused_longer))
        return YES;
    usec at = columns->at[attempt], from = at - ours->sent_within;
    if (from < columns->from || !columns_shows_sent(columns, from, at))
        return UNKNOWN;
    static const struct networks none;
    const struct networks *own = judging->policy ? &judging->policy->exempt.networks : &none;
    return columns_has_sent(columns, recipient, from, at, own) ? UNKNOWN : YES;
}

static bool looks_farther(const void *given)
{
    (void)given;
    return true; /* at both addresses, and at what was sent */
}

const struct measure measure_batv = {
    .name = "batv",
    .title = "Bounces of what was not sent",
    .named = NAMED_BATV,
    .stage = STAGE_RCPT,
    .kind = KIND_BATV,
    .reply = REPLY_5XX,
    .parameters = parameters,
    .reasons = { "a bounce to somebody who is not recorded to have sent anything",
                 "it has a sender, or a tag", "the recipient sent mail, or what is sent is not recorded" },
    .parameters_size = sizeof(struct batv_parameters),
    .looks_farther = looks_farther,
    .judge = judge,
};

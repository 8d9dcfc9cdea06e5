/* recipient: the address does not exist; relay: it is not ours, and the client may not relay. */
#include "analyze/judging.h"
#include "analyze/lists.h"
#include "analyze/measure/parameters.h"

static const struct parameter recipient_table[] = {
    { "list", PARAMETER_TEXTS, offsetof(struct recipient_parameters, list), NULL, NULL,
      "the addresses that exist, or @domain; without it what the record shows" },
    { 0 },
};

static enum tri judge_recipient(const struct judging *judging, uint32_t attempt)
{
    const struct recipient_parameters *ours = judging->rule->parameters;
    struct str address = judging_recipient(judging, attempt);
    if (!address.at)
        return UNKNOWN;
    if (ours->list.count)
        return tri_not(tri_of(texts_hold_address(&ours->list, address)));
    return tri_not(judging_conclude(judging, attempt, KIND_RECIPIENT, NULL, NULL, YES));
}

static bool recipient_looks_farther(const void *given)
{
    return ((const struct recipient_parameters *)given)->list.count > 0;
}

const struct measure measure_recipient = {
    .name = "recipient",
    .guards = true,
    .title = "Unknown recipient",
    .named = NAMED_RECIPIENT,
    .stage = STAGE_RCPT,
    .kind = KIND_RECIPIENT,
    .reply = REPLY_5XX,
    .in_chain = true,
    .parameters = recipient_table,
    .parameters_size = sizeof(struct recipient_parameters),
    .looks_farther = recipient_looks_farther,
    .judge = judge_recipient,
};

static const struct parameter relay_table[] = {
    { "domains", PARAMETER_TEXTS, offsetof(struct relay_parameters, domains), NULL, NULL,
      "our domains, with @ before them or not; without it what the record shows" },
    { 0 },
};

/* A mailbox without a domain is one of ours (RFC 5321 4.1.1.3: postmaster). */
static bool is_ours(const struct texts *domains, struct str address)
{
    struct str domain = mailbox_domain(address);
    return !domain.at || texts_hold_exactly(domains, domain);
}

static enum tri judge_relay(const struct judging *judging, uint32_t attempt)
{
    const struct relay_parameters *ours = judging->rule->parameters;
    struct str address = judging_recipient(judging, attempt);
    if (ours->domains.count && address.at && !judging_authenticated(judging, attempt))
        return tri_not(tri_of(is_ours(&ours->domains, address)));
    enum tri relay = judging_conclude(judging, attempt, KIND_RELAY, NULL, NULL, NO);
    /* A list of domains does not know who may relay. */
    return relay == YES && judging_authenticated(judging, attempt) &&
                   !judging_recorded(judging, attempt, KIND_RELAY)
               ? NO
               : relay;
}

static bool relay_looks_farther(const void *given)
{
    return ((const struct relay_parameters *)given)->domains.count > 0;
}

const struct measure measure_relay = {
    .name = "relay",
    .guards = true,
    .title = "Relay attempts",
    .named = NAMED_RELAY,
    .stage = STAGE_RCPT,
    .kind = KIND_RELAY,
    .reply = REPLY_5XX,
    .parameters = relay_table,
    .parameters_size = sizeof(struct relay_parameters),
    .looks_farther = relay_looks_farther,
    .judge = judge_relay,
};

/* sender-domain: the domain of the sender does not exist, accepts no mail (RFC 7505), or has no dot.
 * The null sender has no domain and always misses. */
#include "analyze/judging.h"
#include "analyze/measure/parameters.h"

static const struct parameter parameters[] = {
    { "exists", PARAMETER_BOOL, offsetof(struct sender_domain_parameters, exists), "true", NULL,
      "it must exist" },
    { "null-mx", PARAMETER_BOOL, offsetof(struct sender_domain_parameters, null_mx), "true", NULL,
      "it must not be null MX (RFC 7505)" },
    { "fqdn", PARAMETER_BOOL, offsetof(struct sender_domain_parameters, fqdn), "false", NULL,
      "it must have a dot" },
    { 0 },
};

static bool asked_exists(const void *recorded, const void *ours)
{
    (void)ours;
    return ((const struct sender_domain_parameters *)recorded)->exists;
}

static bool asked_null_mx(const void *recorded, const void *ours)
{
    (void)ours;
    return ((const struct sender_domain_parameters *)recorded)->null_mx;
}

static enum tri judge(const struct judging *judging, uint32_t attempt)
{
    const struct sender_domain_parameters *ours = judging->rule->parameters;
    struct str sender = judging_sender(judging, attempt);
    if (sender.at && sender.len == 0)
        return NO;
    enum tri hit = NO;
    if (ours->exists) {
        enum tri exists =
            judging_conclude(judging, attempt, KIND_SENDER_DOMAIN, &STR("exists"), asked_exists, YES);
        hit = tri_or(hit, tri_not(exists));
    }
    if (ours->null_mx) {
        enum tri null_mx =
            judging_conclude(judging, attempt, KIND_SENDER_DOMAIN, &STR("null-mx"), asked_null_mx, NO);
        /* a domain that does not exist has no MX record either, and one that was refused for that is no null
         * MX */
        if (null_mx == UNKNOWN &&
            judging_subject(judging, attempt, KIND_SENDER_DOMAIN, STR("exists")) != UNKNOWN)
            null_mx = NO;
        hit = tri_or(hit, null_mx);
    }
    if (ours->fqdn) {
        const char *at = sender.at ? str_find_last(sender, '@') : NULL;
        enum tri dot = !sender.at ? UNKNOWN : NO;
        if (at)
            dot = tri_of(str_find(str_range(at, sender.at + sender.len), STR(".")) != NULL ||
                         (at + 1 < sender.at + sender.len && at[1] == '['));
        hit = tri_or(hit, tri_not(dot));
    }
    return hit;
}

static bool looks_farther(const void *given)
{
    return ((const struct sender_domain_parameters *)given)->fqdn;
}

static double look_ups(const void *given)
{
    const struct sender_domain_parameters *ours = given;
    return ours->exists || ours->null_mx;
}

const struct measure measure_sender_domain = {
    .name = "sender-domain",
    .title = "Bad sender domain",
    .named = NAMED_SENDER_DOMAIN,
    .stage = STAGE_MAIL,
    .kind = KIND_SENDER_DOMAIN,
    .reply = REPLY_4XX,
    .in_chain = true,
    .look_ups_of = look_ups,
    .parameters = parameters,
    .parameters_size = sizeof(struct sender_domain_parameters),
    .looks_farther = looks_farther,
    .judge = judge,
};

/* The measures: the only place that knows them all. */
#include "analyze/measure.h"

#include "analyze/measure/parameters.h"

extern const struct measure measure_no_rdns, measure_fcrdns, measure_early_talker, measure_pipelining,
    measure_relay, measure_null_sender_many, measure_batv, measure_dictionary, measure_vrfy,
    measure_after_220, measure_nolisting, measure_dkim, measure_dmarc, measure_spam, measure_virus,
    measure_tls_required, measure_auth_abuse, measure_rate;

/* In the order of the dialog. */
const struct measure *const measures[] = {
    &measure_nolisting,
    &measure_rate,
    &measure_no_rdns,
    &measure_fcrdns,
    &measure_dnsbl,
    &measure_early_talker,
    &measure_pipelining,
    &measure_helo,
    &measure_vrfy,
    &measure_auth_abuse,
    &measure_tls_required,
    &measure_sender_domain,
    &measure_spf,
    &measure_relay,
    &measure_recipient,
    &measure_null_sender_many,
    &measure_batv,
    &measure_dictionary,
    &measure_after_220,
    &measure_greylist,
    &measure_dkim,
    &measure_dmarc,
    &measure_spam,
    &measure_virus,
    NULL,
};

bool rule_warns(const struct rule *rule)
{
    return rule->warn || (rule->measure->only_counts && rule->measure->only_counts(rule->parameters));
}

const struct measure *measure_find(struct str name)
{
    for (const struct measure *const *m = measures; *m; m++)
        if (str_eq(str_of((*m)->name), name))
            return *m;
    return NULL;
}

/* The parameters of each measure, as its table fills them. What they mean is said in semantics.md section 4.
 */
#ifndef ANALYZE_MEASURE_PARAMETERS_H
#define ANALYZE_MEASURE_PARAMETERS_H

#include "analyze/measure.h"

struct rdns_parameters { /* no-rdns and fcrdns */
    uint32_t on_error;   /* enum on_error */
};
enum on_error { ON_ERROR_UNKNOWN, ON_ERROR_HIT };

struct dnsbl_parameters {
    struct weights zones, allow;
    usec remember; /* not at offset 0, which means "no `remember`", see struct measure */
    double threshold;
    uint32_t errors; /* enum dnsbl_errors */
};
enum dnsbl_errors { ERRORS_UNKNOWN, ERRORS_LISTED };

struct early_talker_parameters {
    usec wait;
    usec remember;
};

struct pipelining_parameters {
    uint32_t unused; /* offset 0 means "no `remember`", see struct measure */
    usec remember;
};

struct helo_parameters {
    bool require, syntax, fqdn, resolves;
    uint32_t address_literal; /* 1: reject */
    struct texts own_name;
};

struct sender_domain_parameters {
    bool exists, null_mx, fqdn;
};

struct spf_parameters {
    uint32_t on; /* a bit for each enum spf_result */
};
enum spf_result {
    SPF_PASS,
    SPF_FAIL,
    SPF_SOFTFAIL,
    SPF_NEUTRAL,
    SPF_NONE,
    SPF_PERMERROR,
    SPF_TEMPERROR,
    SPF_RESULTS
};

struct results_parameters { /* dkim and dmarc: a bit for each word of theirs */
    uint32_t on;
};

struct batv_parameters {
    usec sent_within;
};

struct vrfy_parameters {
    bool reject;
};

struct nolisting_parameters {
    struct texts primary, secondary;
};

struct rate_parameters { /* rate and auth-abuse; 0: no limit */
    usec window;
    double connections, messages, recipients, failures, attempts;
    uint32_t per; /* enum rate_per */
};
enum rate_per { PER_ADDRESS, PER_NETWORK };

struct recipient_parameters {
    struct texts list;
};

struct relay_parameters {
    struct texts domains;
};

struct greylist_parameters {
    usec delay, retry_window, lifetime, auto_interval;
    uint32_t key; /* a bit for each enum greylist_key */
    uint32_t auto_allow;
    uint32_t scope; /* 1: server */
    bool normalise, yields;
};
enum greylist_key { KEY_CLIENT, KEY_CLIENT_NET, KEY_CLIENT_NET6, KEY_SENDER, KEY_RECIPIENT };

struct after_220_parameters {
    usec remember;
};

struct dictionary_parameters {
    usec window;
    double unknown;
};

struct spam_parameters {
    double score;
    struct texts symbols;
};

#endif

/* The names of what a session is made of, and how its end is concluded from its parts. */
#include "collect/session.h"

const char *const stage_name[STAGES] = { "connect", "banner", "helo", "mail", "rcpt", "data", "eom" };
const char *const closed_name[CLOSED_KINDS] = { NULL, "quit", "lost", "timeout", "dropped" };
const char *const verdict_name[VERDICTS] = { "none", "accepted", "rejected", "deferred" };
const char *const origin_name[ORIGINS] = { "log", "capture", "snapshot", "live", "list", "inferred" };

const char *const named_measure[NAMED_COUNT] = {
    [NAMED_NONE] = NULL,
    [NAMED_OTHER] = "other",
    [NAMED_NO_RDNS] = "no-rdns",
    [NAMED_FCRDNS] = "fcrdns",
    [NAMED_DNSBL] = "dnsbl",
    [NAMED_EARLY_TALKER] = "early-talker",
    [NAMED_AFTER_220] = "after-220",
    [NAMED_PIPELINING] = "pipelining",
    [NAMED_HELO] = "helo",
    [NAMED_SENDER_DOMAIN] = "sender-domain",
    [NAMED_SPF] = "spf",
    [NAMED_RELAY] = "relay",
    [NAMED_RECIPIENT] = "recipient",
    [NAMED_NULL_SENDER_MANY] = "null-sender-many",
    [NAMED_BATV] = "batv",
    [NAMED_DICTIONARY] = "dictionary",
    [NAMED_VRFY] = "vrfy",
    [NAMED_GREYLIST] = "greylist",
    [NAMED_NOLISTING] = "nolisting",
    [NAMED_DKIM] = "dkim",
    [NAMED_DMARC] = "dmarc",
    [NAMED_SPAM] = "spam",
    [NAMED_VIRUS] = "virus",
    [NAMED_TLS_REQUIRED] = "tls-required",
    [NAMED_AUTH_ABUSE] = "auth-abuse",
    [NAMED_RATE] = "rate",
};

const char *const kind_name[KINDS] = {
    [KIND_RDNS] = "rdns",
    [KIND_FCRDNS] = "fcrdns",
    [KIND_DNSBL] = "dnsbl",
    [KIND_EARLY_TALKER] = "early_talker",
    [KIND_PIPELINING] = "pipelining",
    [KIND_BARE_NEWLINE] = "bare_newline",
    [KIND_NON_SMTP] = "non_smtp",
    [KIND_HELO] = "helo",
    [KIND_SENDER_DOMAIN] = "sender_domain",
    [KIND_RECIPIENT] = "recipient",
    [KIND_RELAY] = "relay",
    [KIND_SPF] = "spf",
    [KIND_DKIM] = "dkim",
    [KIND_DMARC] = "dmarc",
    [KIND_BATV] = "batv",
    [KIND_SPAM] = "spam",
    [KIND_VIRUS] = "virus",
    [KIND_VRFY] = "vrfy",
    [KIND_AUTH] = "auth",
    [KIND_GREYLIST] = "greylist",
    [KIND_TESTED_BEFORE] = "tested_before",
    [KIND_EXEMPT] = "exempt",
    [KIND_WARNING] = "warning",
    [KIND_FATE] = "fate",
    [KIND_RATE] = "rate",
};

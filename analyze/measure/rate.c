/* rate and auth-abuse: so many connections, messages, recipients or failed logins of a client within a
 * window, as Postfix's anvil(8) counts them: what goes beyond the limit is turned away. Their state is in
 * state_rate.c. */
#include <sysexits.h>

#include "analyze/judging.h"
#include "analyze/measure/parameters.h"

static const char *const per_words[] = { "address", "network", NULL };

#define WINDOW(fallback)                                                                                     \
    {                                                                                                        \
        "window", PARAMETER_DURATION, offsetof(struct rate_parameters, window), fallback, NULL,              \
            "within this time (anvil_rate_time_unit)"                                                        \
    }
#define PER                                                                                                  \
    {                                                                                                        \
        "per", PARAMETER_WORD, offsetof(struct rate_parameters, per), "address", per_words,                  \
            "of whom: an address, or its /24 or /64"                                                         \
    }

static const struct parameter rate_table[] = {
    { "connections", PARAMETER_NUMBER, offsetof(struct rate_parameters, connections), "0", NULL,
      "more of them are turned away; 0: any number may come (smtpd_client_connection_rate_limit)" },
    { "messages", PARAMETER_NUMBER, offsetof(struct rate_parameters, messages), "0", NULL,
      "the same of MAIL commands (smtpd_client_message_rate_limit); with at: mail" },
    { "recipients", PARAMETER_NUMBER, offsetof(struct rate_parameters, recipients), "0", NULL,
      "the same of RCPT commands (smtpd_client_recipient_rate_limit); with at: rcpt" },
    WINDOW("60s"),
    PER,
    { 0 },
};

static const struct parameter auth_table[] = {
    { "failures", PARAMETER_NUMBER, offsetof(struct rate_parameters, failures), "5", NULL,
      "more failed logins than this, and the client is turned away; 0: any number may fail" },
    { "attempts", PARAMETER_NUMBER, offsetof(struct rate_parameters, attempts), "0", NULL,
      "the same of AUTH commands, be they well or not (smtpd_client_auth_rate_limit)" },
    WINDOW("10m"),
    PER,
    { 0 },
};

static int check_rate(const void *given, struct why *why)
{
    const struct rate_parameters *ours = given;
    if (ours->connections <= 0 && ours->messages <= 0 && ours->recipients <= 0)
        return why_set(why, EX_DATAERR,
                       "no limit is set; write connections: 30, messages: 30 or recipients: 100");
    return 0;
}

static int check_auth(const void *given, struct why *why)
{
    const struct rate_parameters *ours = given;
    return ours->failures <= 0 && ours->attempts <= 0
               ? why_set(why, EX_DATAERR, "no limit is set; write failures: 5 or attempts: 10")
               : 0;
}

const struct measure measure_rate = {
    .name = "rate",
    .title = "Too much at once",
    .named = NAMED_RATE,
    .stage = STAGE_CONNECT,
    .kind = KIND_RATE,
    .reply = REPLY_4XX,
    .reasons = { "more than the limit within the window", "not more than the limit within the window",
                 "it is not known how much came to this within the window" },
    .parameters = rate_table,
    .parameters_size = sizeof(struct rate_parameters),
    .check = check_rate,
    .state = &state_rate,
};

const struct measure measure_auth_abuse = {
    .name = "auth-abuse",
    .title = "Password guessing",
    .named = NAMED_AUTH_ABUSE,
    .stage = STAGE_HELO,
    .kind = KIND_AUTH,
    .reply = REPLY_5XX,
    .reasons = { "more logins than the limit within the window",
                 "not more logins than the limit within the window",
                 "it is not known how many logins there were within the window" },
    .parameters = auth_table,
    .parameters_size = sizeof(struct rate_parameters),
    .check = check_auth,
    .state = &state_rate,
};

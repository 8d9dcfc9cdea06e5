/* tls-required: no mail without TLS (RFC 3207; Postfix's smtpd_tls_security_level = encrypt: 530 at MAIL). A
 * client that went on without, where others used TLS, is taken not to have it; where nobody did, it may not
 * have been offered. */
#include "analyze/judging.h"
#include "analyze/measure/parameters.h"

static const struct parameter parameters[] = { { 0 } };

static enum tri judge(const struct judging *judging, uint32_t attempt)
{
    const struct columns *columns = judging->columns;
    uint32_t s = columns->session[attempt];
    if (columns->flags[s] & SESSION_TLS || judging_passed(judging, attempt, NULL))
        return NO;
    bool sent_mail = columns->sender[attempt] != NAME_NONE || columns->stage[s] >= STAGE_MAIL;
    return sent_mail && columns->offers_tls[columns->server[s]] ? YES : UNKNOWN;
}

const struct measure measure_tls_required = {
    .name = "tls-required",
    .title = "Without TLS",
    .named = NAMED_TLS_REQUIRED,
    .stage = STAGE_MAIL,
    .kind = KINDS,
    .reply = REPLY_5XX,
    .parameters = parameters,
    .parameters_size = sizeof(uint32_t),
    .judge = judge,
};

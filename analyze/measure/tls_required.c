/* tls-required: no mail without TLS (RFC 3207 4; Postfix's smtpd_tls_security_level = encrypt: 530 at MAIL).
 * A client that sent MAIL without, while TLS was offered, is taken not to use it. It was offered at least
 * from the first to the last session that used it at that server's port; before and after, and where nobody
 * used it or none was logged, it is not known to have been. */
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
    const struct offer *offer = columns_offer(columns, columns->server[s], columns->port[s]);
    bool offered = offer && columns->started[s] >= offer->from && columns->started[s] <= offer->to;
    return sent_mail && offered ? YES : UNKNOWN;
}

static bool looks_farther(const void *given)
{
    (void)given;
    return true; /* at when TLS was offered, and where */
}

const struct measure measure_tls_required = {
    .name = "tls-required",
    .title = "Without TLS",
    .named = NAMED_TLS_REQUIRED,
    .stage = STAGE_MAIL,
    .kind = KINDS,
    .reply = REPLY_5XX,
    .parameters = parameters,
    .reasons = { "MAIL without TLS, while TLS was offered", "it used TLS",
                 "whether TLS was offered is not recorded, or it did not come so far" },
    .parameters_size = sizeof(uint32_t),
    .looks_farther = looks_farther,
    .judge = judge,
};

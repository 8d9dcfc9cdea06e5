/* What a refusal is evidence of. Each kind has its own subject (session.h), and belongs to the session, the
 * transaction or the recipient. */
#include "collect/refused.h"

#include "collect/zone.h"

static struct str domain_of(struct str address)
{
    const char *at = str_find_last(address, '@');
    return at ? str_range(at + 1, address.at + address.len) : address;
}

unsigned refused_means(const struct refused *refused, enum kind kind, enum tri state, const char *subject,
                       struct evidence evidence[REFUSED_MEANS_MOST])
{
    struct evidence means = { .kind = (uint8_t)kind,
                              .state = (uint8_t)state,
                              .origin = ORIGIN_LOG,
                              .transaction = WHOLE_SESSION,
                              .recipient = WHOLE_TRANSACTION,
                              .at = refused->at,
                              .subject = str_of(subject) };
    switch (kind) {
    case KINDS:
    case KIND_RECIPIENT:
        return 0;
    case KIND_EARLY_TALKER:
        means.a = means.b = -1; /* when is not said */
        break;
    case KIND_DNSBL:
        if (!means.subject.at)
            means.subject = refused->zone.at ? refused->zone : zone_in(refused->reply.text);
        means.a = refused->answer;
        break;
    case KIND_SENDER_DOMAIN:
        means.transaction = refused->transaction;
        means.detail = domain_of(refused->sender);
        break;
    case KIND_SPF:
    case KIND_DKIM:
    case KIND_DMARC:
        means.transaction = refused->transaction;
        means.subject = domain_of(refused->sender);
        means.detail = STR("fail");
        break;
    case KIND_SPAM:
        means.a = means.b = INT64_MIN;
        means.transaction = refused->transaction;
        break;
    case KIND_VIRUS:
        means.transaction = refused->transaction;
        means.detail = refused->reply.text;
        break;
    case KIND_RELAY:
    case KIND_GREYLIST:
        if (refused->recipient < 0)
            return 0;
        means.transaction = refused->transaction;
        means.recipient = refused->recipient;
        means.subject = refused->address;
        if (kind == KIND_GREYLIST) {
            means.a = -1;
            means.detail = refused->reply.text;
        }
        break;
    default:
        break;
    }
    evidence[0] = means;
    if (kind != KIND_RDNS || state != NO)
        return 1;
    means.kind = KIND_FCRDNS; /* without a name there is none that leads back */
    evidence[1] = means;
    return 2;
}

bool evidence_among(const struct evidence *known, uint32_t count, const struct evidence *evidence)
{
    for (uint32_t i = 0; i < count; i++)
        if (known[i].kind == evidence->kind && known[i].state == evidence->state &&
            known[i].transaction == evidence->transaction && known[i].recipient == evidence->recipient &&
            str_eq(known[i].subject, evidence->subject))
            return true;
    return false;
}

/* null-sender-many: a bounce goes to one recipient only (RFC 5321 4.5.5); one for several is none. */
#include "analyze/judging.h"
#include "analyze/measure/parameters.h"

static const struct parameter parameters[] = { { 0 } };

static enum tri judge(const struct judging *judging, uint32_t attempt)
{
    struct str sender = judging_sender(judging, attempt);
    if (!sender.at || !judging_recipient(judging, attempt).at)
        return UNKNOWN;
    return tri_of(sender.len == 0 && judging_recipients(judging, attempt) > 1);
}

const struct measure measure_null_sender_many = {
    .name = "null-sender-many",
    .title = "Bounces to many recipients",
    .named = NAMED_NULL_SENDER_MANY,
    .stage = STAGE_DATA,
    .kind = KINDS,
    .reply = REPLY_5XX,
    .parameters = parameters,
    .parameters_size = sizeof(uint32_t),
    .judge = judge,
};

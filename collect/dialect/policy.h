/* Policy servers (check_policy_service) name what they were asked about: client, sender, recipient. Which
 * session that is is plain while the client has one connection only, or when smtpd has named the sender
 * already; else what was said waits until it does. */
#ifndef COLLECT_DIALECT_POLICY_H
#define COLLECT_DIALECT_POLICY_H

#include "collect/builder.h"

struct question {
    const struct line *line;
    struct ip client;
    struct str sender, recipient, helo; /* at == NULL: not told; an empty sender is the null sender */
    struct str queue_id;                /* at == NULL: not told */
};

/* Adds what the policy server said about the question. Evidence with a recipient is placed at that recipient.
 */
void policy_say(struct builder *builder, const struct question *question, const struct evidence *evidence);
/* The sender of a transaction has become known: adds what waited for it. */
void policy_adopt(struct builder *builder, struct open_session *open, int32_t transaction, usec at);

#endif

/* Filters (spam and virus scanners, greylisters) log beside the server, and mostly before it: what they say
 * is joined to the message by its queue id, else by its Message-ID. A filter on another machine than the
 * server, or one whose log has no hosts, is joined where only one server knows the message. */
#ifndef COLLECT_DIALECT_FILTER_H
#define COLLECT_DIALECT_FILTER_H

#include "collect/builder.h"
#include "collect/dialect.h"

/* ---- For filters' dialects. */

struct filtered {
    const struct line *line;
    struct str queue_id, message_id; /* at == NULL: not told; either will do */
};

/* Takes a milter's "6AN8sd7S028381: " or "6760916E5B2: " off, Sendmail's queue ids and Postfix's. */
bool filter_cut_id(struct str *rest, struct str *queue_id);
/* Whether the message's session is known. */
bool filter_knows(const struct builder *builder, const struct filtered *message);
/* Adds evidence to the message's session, be it handed over. Where none is known yet, it waits for a few
 * minutes until one is. TAKEN, or PASSED where it waits. */
enum taken filter_say(struct builder *builder, const struct filtered *message,
                      const struct evidence *evidence);
/* Evidence of a scanner's score, in thousandths. `symbols` may have at == NULL. */
struct evidence scored_evidence(usec at, int64_t score, int64_t threshold, enum tri over, struct str symbols);
/* What SPF, DKIM or DMARC came to: "pass", "fail", ..., "temperror" (RFC 8601 2.7). */
struct evidence result_evidence(enum kind kind, usec at, struct str domain, const char *result);
/* "<1@a.test>" without its brackets. */
struct str bare_message_id(struct str text);
/* Behind the last '@'; the whole text where there is none. */
struct str address_domain(struct str address);

/* ---- For servers' dialects. */

/* A transaction has a queue id from now on: adds what filters said of it already. */
void filter_adopt(struct builder *builder, struct open_session *open, int32_t transaction,
                  struct str queue_id, usec at);
/* Its Message-ID is known, and kept in the transaction: filters find it by that. `awaits` as in
 * builder_bind(). A message that came back from a filter (`again`) leaves it to the session that it came with
 * first. */
void filter_know(struct builder *builder, struct open_session *open, int32_t transaction, bool awaits,
                 bool again, usec at);
/* Nothing more is awaited of it: its Message-ID leads nowhere. The session may be handed over by this. */
void filter_forget(struct builder *builder, struct open_session *open, int32_t transaction);

#endif

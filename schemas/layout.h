/* What session.sql says of the tables' inside, for those who write and read them. */
#ifndef SCHEMAS_LAYOUT_H
#define SCHEMAS_LAYOUT_H

#include "base/why.h"
#include "collect/session.h"

#include <sqlite3.h>

/* session.bits: how far to shift; the number of bits is in session.sql. */
enum {
    BITS_STAGE = 0,
    BITS_CLOSED = 3,
    BITS_VERDICT = 6,
    BITS_TLS = 8,
    BITS_EARLY = 9,
    BITS_TRANSACTION = 11,
    BITS_RECIPIENT = 12,
    BITS_T_VERDICT = 13,
    BITS_R_VERDICT = 15,
    BITS_R_VALID = 17,
    BITS_MORE_RECIPIENTS = 19,
    BITS_MORE_TRANSACTIONS = 20,
    BITS_MORE_EVIDENCE = 21,
    BITS_GAP = 22,
    BITS_CUT_OFF = 23,
    BITS_OUT = 24,
    BITS_FACTS = 25 /* and all above */
};

/* session.place: the client's port in the lowest bits. */
enum { PORT_BITS = 16 };

/* The columns of `session`, in order. */
enum session_column {
    S_ID,
    S_STARTED,
    S_LASTED,
    S_BITS,
    S_PLACE,
    S_FIRST_OFFSET,
    S_SPAN,
    S_CLIENT,
    S_CLIENT_NAME,
    S_HELO,
    S_AUTH_USER,
    S_REPLY,
    S_MOMENT,
    S_MAIL_FROM,
    S_T_AT,
    S_T_REPLY,
    S_SIZE,
    S_QUEUE_ID,
    S_MESSAGE_ID,
    S_RECIPIENT,
    S_R_AT,
    S_R_REPLY,
    SESSION_COLUMNS
};

/* recipient_more.bits and evidence_more.bits, as above. */
enum { RECIPIENT_VERDICT = 0, RECIPIENT_VALID = 2 };
enum { EVIDENCE_STATE = 0, EVIDENCE_ORIGIN = 2, EVIDENCE_KIND = 5 };

/* The times that fact.moment refers to. */
enum moment {
    MOMENT_STARTED,
    MOMENT_ENDED,
    MOMENT_TRANSACTION,
    MOMENT_RECIPIENT,
    MOMENT_OWN,
    MOMENT_NONE,
    MOMENT_ITS_RECIPIENT,
    MOMENTS
};

/* The session's texts that evidence refers to: in the database the negative number, from -1. */
enum same {
    SAME_RECIPIENT,
    SAME_SENDER,
    SAME_SENDER_DOMAIN,
    SAME_NAME,
    SAME_HELO,
    SAMES,
    SAME_ITS_RECIPIENT = SAMES
};

/* Places in a session are of 24 bits, so there can be as many as this of each thing; of equal facts fewer. */
enum { PLACE_BITS = 24, THINGS_MOST = 1 << PLACE_BITS, FACT_BITS = 8, FACTS_MOST = 16 };

/* The domain of a sender, where it is certain: behind its only @. */
static inline struct str sender_domain(struct str sender)
{
    const char *at = sender.len ? memchr(sender.at, '@', sender.len) : NULL;
    struct str domain = at ? str_range(at + 1, sender.at + sender.len) : (struct str){ NULL, 0 };
    return domain.len && !memchr(domain.at, '@', domain.len) ? domain : (struct str){ NULL, 0 };
}

/* Times are added and taken away modulo 2^64: they come back whatever they are. */
static inline int64_t time_less(usec at, usec base)
{
    return (int64_t)((uint64_t)at - (uint64_t)base);
}

static inline usec time_plus(usec base, int64_t after)
{
    return (usec)((uint64_t)base + (uint64_t)after);
}

/* Fills *why from an SQLite result code of a database that is being read or written, as SQLite's own words,
 * place and cure; returns -1. */
int schema_why(sqlite3 *db, int rc, const char *path, struct why *why);

#endif

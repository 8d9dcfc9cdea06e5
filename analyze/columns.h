/* All sessions at once: an array a field, texts as numbers of interned names. Sessions are in order of start
 * (then id), attempts in order of session and command, so a period is a range. Only analyze/ reads this. */
#ifndef ANALYZE_COLUMNS_H
#define ANALYZE_COLUMNS_H

#include "analyze/replay.h"
#include "base/names.h"
#include "collect/session.h"

#define NO_ATTEMPT     UINT32_MAX
#define SIZE_NOT_KNOWN UINT32_MAX
#define SENT_BY_OURS   UINT32_MAX /* who logged in, is on a private network, or whose mail went out */

/* What the record answered to an attempt. */
enum answer { ANSWER_NONE, ANSWER_ACCEPTED, ANSWER_DEFERRED, ANSWER_REFUSED, ANSWER_DROPPED };

/* A piece of evidence. */
struct fact {
    int64_t a, b;
    uint32_t subject, detail;           /* names, or NAME_NONE */
    uint16_t transaction, recipient;    /* FACT_ALL: of the whole session, transaction */
    uint8_t kind, state, origin, spare; /* spare: 0, so that facts can be compared as bytes */
};
#define FACT_ALL UINT16_MAX

/* One from elsewhere: of all sessions that have the client or the name and started in [from, to). */
struct provided_fact {
    struct fact fact; /* first: facts of both kinds are handed out as such */
    usec at;          /* when it was so */
    usec from, to;    /* USEC_NONE: open */
    uint32_t domain;  /* of mail from this domain only (in abouts), or NAME_NONE */
};

enum session_flag {
    SESSION_AUTHENTICATED = 1,
    SESSION_CUT_OFF = 2,
    SESSION_GAP = 4,
    SESSION_TLS = 8,
};

struct columns {
    struct names names;
    usec from, to; /* what the record covers */
    bool finished;

    size_t session_count;
    int64_t *id;
    usec *started;
    uint32_t *client;      /* number of the address */
    uint32_t *operator_of; /* name of the organisational domain of the confirmed client name, or NAME_NONE */
    uint32_t *client_name; /* name, or NAME_NONE */
    uint32_t *helo;        /* name, or NAME_NONE */
    uint16_t *server;      /* number of the server's name */
    uint16_t *server_ip;   /* number of its address, as text, among those names; 0xffff: not known */
    uint16_t *port;
    uint8_t *flags;          /* enum session_flag */
    uint8_t *stage;          /* enum stage reached */
    uint32_t *fact_set;      /* which of the sets of facts it has: most are alike */
    uint32_t *first_attempt; /* one more than sessions: [i], [i + 1) */

    size_t address_count; /* of clients, distinct */
    struct ip *address;
    uint32_t *network; /* by address: number of its /24 or /64 */
    size_t network_count;

    size_t attempt_count;
    uint32_t *session;
    uint16_t *transaction, *recipient; /* index in the session, transaction; FACT_ALL: none */
    uint32_t *sender, *address_of;     /* names as sent, NAME_NONE where not known: of sender and recipient */
    uint32_t *size;                    /* bytes of the transaction's message, or SIZE_NOT_KNOWN */
    usec *at;
    uint8_t *answer;          /* enum answer */
    uint8_t *named;           /* enum named: what the answer named */
    uint8_t *answered_at;     /* enum stage of the answer */
    uint8_t *reached;         /* enum stage that the client reached, or would have: see columns.c */
    uint32_t *before, *after; /* the neighbours in its chain, NO_ATTEMPT at its ends */
    usec retry_window;        /* for which the chains are made */

    size_t fact_set_count; /* distinct */
    uint32_t *first_fact;  /* one more than sets */
    uint32_t *kinds;       /* by set: a bit for each enum kind of which there is a fact */
    size_t fact_count;
    struct fact *fact;

    /* From elsewhere: those of clients, in order of address, then those of names. */
    size_t provided_count;
    struct provided_fact *provided;
    uint32_t *first_of_client, *first_of_about; /* one more than addresses and abouts; NULL: there are none */
    struct names abouts; /* what names they are of: enum about as a byte, then the name in lower case */
    uint8_t provided_of[KINDS]; /* a bit for each enum about of which there are facts of this kind */

    /* Mail that the record accepted, inbound or out, one for each recipient, in order of sender and time. */
    struct sent {
        uint32_t sender, recipient; /* names, in lower case */
        uint32_t client;            /* number of its address, or SENT_BY_OURS */
        usec at;
    } * sent;
    size_t sent_count, sent_room;
    usec *own_sent; /* when ours sent, in order */
    size_t own_sent_count;
    bool holds_sent; /* all that ours sent is in the record, be it that there is none */

    struct names servers;
    struct offer {
        struct offer *next;
        uint16_t port;
        usec from, to;       /* sessions that used TLS started then, first and last */
    } * *offers;             /* by server: a list */
    uint64_t contradictions; /* pairs of evidence of one kind and subject that say yes and no */
};

/* The facts of a session, up to *end; and whether there is one of a kind. */
static inline const struct fact *session_facts(const struct columns *columns, size_t s,
                                               const struct fact **end)
{
    uint32_t set = columns->fact_set[s];
    *end = columns->fact + columns->first_fact[set + 1];
    return columns->fact + columns->first_fact[set];
}

static inline bool session_has(const struct columns *columns, size_t s, enum kind kind)
{
    return columns->kinds[columns->fact_set[s]] >> kind & 1;
}

/* Whether a fact of an attempt's session is of the attempt. */
static inline bool fact_holds(const struct columns *columns, const struct fact *fact, uint32_t attempt)
{
    return (fact->transaction == FACT_ALL || fact->transaction == columns->transaction[attempt]) &&
           (fact->recipient == FACT_ALL || fact->recipient == columns->recipient[attempt]);
}

/* The number in columns->abouts of what evidence is of, or NAME_NONE where there is none of it. */
uint32_t columns_about(const struct columns *columns, enum about about, struct str name);
/* Whether the record shows what ours sent in [from, to]; and whether that has mail of this sender: from one
 * of ours, or from the networks `own`. */
bool columns_shows_sent(const struct columns *columns, usec from, usec to);
bool columns_has_sent(const struct columns *columns, struct str sender, usec from, usec to,
                      const struct networks *own);
/* When TLS was used at a server's port, or NULL. */
struct offer *columns_offer(const struct columns *columns, uint16_t server, uint16_t port);
/* Makes the chains for a retry window (0: two days), if they are not made for it already. */
void columns_chain(struct columns *columns, usec retry_window);
/* The attempts in order of time; the caller frees. */
uint32_t *columns_in_time(const struct columns *columns);

#endif

/* What collecting makes and everything to the right of it reads: one finished session, with its
 * transactions, recipients and evidence. design.md has the words. Text is views; who owns the bytes is said
 * where a session is handed over. A text that is not known has at == NULL; one that is known to be empty
 * (the null sender) has len 0 and at != NULL. */
#ifndef COLLECT_SESSION_H
#define COLLECT_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include "base/clock.h"
#include "base/ip.h"
#include "base/str.h"
#include "base/tri.h"
#include "base/why.h"

/* Where a session got to, and where a measure acts. Stored: never renumber. */
enum stage { STAGE_CONNECT, STAGE_BANNER, STAGE_HELO, STAGE_MAIL, STAGE_RCPT, STAGE_DATA, STAGE_EOM, STAGES };
extern const char *const stage_name[STAGES];

enum direction { DIRECTION_IN, DIRECTION_OUT };
enum closed { CLOSED_UNKNOWN, CLOSED_QUIT, CLOSED_LOST, CLOSED_TIMEOUT, CLOSED_DROPPED, CLOSED_KINDS };
extern const char *const closed_name[CLOSED_KINDS]; /* NULL for unknown */

/* What the record says became of a session, transaction or recipient (design.md section 5). */
enum verdict { VERDICT_NONE, VERDICT_ACCEPTED, VERDICT_REJECTED, VERDICT_DEFERRED, VERDICTS };
extern const char *const verdict_name[VERDICTS];

/* The measure that a reply of the server names. The names are the policies'. Stored: append, never renumber.
 */
enum named {
    NAMED_NONE,  /* the reply refused nothing */
    NAMED_OTHER, /* it did, for a reason that is no measure's */
    NAMED_NO_RDNS,
    NAMED_FCRDNS,
    NAMED_DNSBL,
    NAMED_EARLY_TALKER,
    NAMED_AFTER_220,
    NAMED_PIPELINING,
    NAMED_HELO,
    NAMED_SENDER_DOMAIN,
    NAMED_SPF,
    NAMED_RELAY,
    NAMED_RECIPIENT,
    NAMED_NULL_SENDER_MANY,
    NAMED_BATV,
    NAMED_DICTIONARY,
    NAMED_VRFY,
    NAMED_GREYLIST,
    NAMED_NOLISTING,
    NAMED_DKIM,
    NAMED_DMARC,
    NAMED_SPAM,
    NAMED_VIRUS,
    NAMED_TLS_REQUIRED,
    NAMED_AUTH_ABUSE,
    NAMED_RATE,
    NAMED_COUNT
};
extern const char *const named_measure[NAMED_COUNT]; /* NULL for none, "other", "no-rdns", ... */

/* Whether a reply has its measure from the user's phrases, and a recipient with it that it is not valid. */
enum phrased { NOT_PHRASED, PHRASED, PHRASED_VALID };

/* A reply of the server that matters to the verdict. */
struct reply {
    int16_t code;        /* 250, 450, 554; 0: none seen */
    uint8_t named;       /* enum named */
    uint8_t stage;       /* enum stage at which it was given */
    uint8_t phrased;     /* enum phrased; only where it is being named (collect/phrasebook.h) */
    struct str enhanced; /* "5.7.1" (RFC 3463), or not known */
    struct str text;     /* what follows the codes, as logged, without from=, to=, proto=, helo= */
};

/* Evidence: what the record says that a measure needs. The comment tells subject, detail and numbers a, b.
 * Stored: append, never renumber. */
enum kind {
    KIND_RDNS,         /* a PTR exists */
    KIND_FCRDNS,       /* that name leads back to the address */
    KIND_DNSBL,        /* subject: zone; state YES: listed; a: the answer as IPv4 number, 0 not known; b:
                          its TTL in seconds, 0 not known; detail: TXT */
    KIND_EARLY_TALKER, /* a: first spoke, b: banner's last line out; usec after connect, -1 not known */
    KIND_PIPELINING,   /* sent ahead without being allowed to (YES), or was seen not to (NO) */
    KIND_BARE_NEWLINE, /* as above */
    KIND_NON_SMTP,     /* talked something else; detail: what */
    KIND_HELO, /* subject: syntax, fqdn, resolves, own-name, required; NO: found bad; YES: found good */
    KIND_SENDER_DOMAIN, /* subject: exists, null-mx, fqdn, mx, spf; detail: the domain; state: of the subject
                         */
    KIND_RECIPIENT,     /* subject: address; state: valid */
    KIND_RELAY,         /* subject: address; YES: not ours and the client may not relay */
    KIND_SPF,   /* subject: domain; detail: pass, fail, softfail, neutral, none, permerror, temperror; state:
                   detail is pass */
    KIND_DKIM,  /* as spf */
    KIND_DMARC, /* as spf */
    KIND_BATV,  /* subject: recipient; state: carries a tag */
    KIND_SPAM,  /* a: score in thousandths, b: the threshold it was held against or INT64_MIN; state: was over
                   it; detail: symbols */
    KIND_VIRUS, /* detail: signature; state: one was found */
    KIND_VRFY,  /* subject: address; a VRFY or EXPN was tried */
    KIND_AUTH,  /* subject: user; state: succeeded */
    KIND_GREYLIST,      /* subject: recipient; YES: put off; a: age or missing time in usec; detail: reason as
                           logged */
    KIND_TESTED_BEFORE, /* postscreen PASS OLD and allow lists: this client was not tested. detail: why */
    KIND_EXEMPT,        /* permitted before the tests; detail: by what (whitelisted, allowlisted, ...) */
    KIND_WARNING,       /* subject: measure that warned (reject_warning); state YES; detail: its text */
    KIND_FATE,       /* subject: recipient; YES sent, NO bounced or expired, UNKNOWN deferred; detail: dsn and
                        reply; a: delay in usec */
    KIND_RATE,       /* anvil limit; subject: connection, rate, message, recipient; state: exceeded */
    KIND_UNANSWERED, /* nobody answered the client's SYN; a: how many it sent */
    KIND_HEADER,     /* subject: from, subject; detail: the domain of the first address; the text */
    KIND_CONTRADICTION, /* between log and capture, one of each origin. subject: helo, recipient, message or a
                           stage; detail: what the origin has: the name, the reply, "accepted"; YES */
    KIND_ASN,           /* a: the number of the client's autonomous system; detail: whose it is */
    KIND_COUNTRY,       /* detail: ISO 3166 code of the client's country */
    KIND_LABEL,         /* YES: wanted, NO: not; detail: who says so */
    KIND_TRAP,          /* subject: recipient, an address to which nobody writes who was given it; YES */
    KINDS
};
extern const char *const kind_name[KINDS]; /* as in v_evidence: rdns, fcrdns, dnsbl, ... */

enum origin {
    ORIGIN_LOG,
    ORIGIN_CAPTURE,
    ORIGIN_SNAPSHOT,
    ORIGIN_LIVE,
    ORIGIN_LIST,
    ORIGIN_INFERRED,
    ORIGINS
};
extern const char *const origin_name[ORIGINS];

/* The domain of a mailbox: behind its last @. at == NULL where there is none, or the mailbox is not known. */
static inline struct str mailbox_domain(struct str address)
{
    const char *at = address.len ? str_find_last(address, '@') : NULL;
    return at ? str_range(at + 1, address.at + address.len) : (struct str){ NULL, 0 };
}

enum { WHOLE_SESSION = -1, WHOLE_TRANSACTION = -1 };

struct evidence {
    uint8_t kind;        /* enum kind */
    uint8_t state;       /* enum tri */
    uint8_t origin;      /* enum origin */
    int32_t transaction; /* index in the session, or WHOLE_SESSION */
    int32_t recipient;   /* index in the transaction, or WHOLE_TRANSACTION */
    int64_t a, b;
    usec at; /* when it was seen */
    struct str subject, detail;
};

/* Evidence from elsewhere, beside what was recorded: of a client's address or a name, and so of all sessions
 * that have it. Who provides it: a list's zone file, a resolver, a file of ours. Stored: never renumber. */
enum about {
    ABOUT_CLIENT,        /* the client's address */
    ABOUT_SENDER_DOMAIN, /* the domain of MAIL FROM; with a client too: of mail from there (SPF) */
    ABOUT_SENDER,        /* the whole address */
    ABOUT_RECIPIENT,
    ABOUT_HELO,
    ABOUT_MESSAGE_ID,
    ABOUT_SESSION, /* its number */
    ABOUTS
};

struct provider {
    int64_t id;
    uint8_t kind, origin, about; /* enum kind, enum origin, enum about */
    struct str subject;          /* as evidence of that kind has it: the zone; not known: none */
    struct str place;            /* the file, the resolver */
    usec from, to;               /* sessions that started in [from, to) and no others; USEC_NONE: open */
    usec taken;                  /* of when it is; of look-ups when the first was made */
};

struct provided {
    struct ip client; /* ip_is_none(): of whatever client */
    struct str name;  /* in lower case; not known: whatever it is */
    usec at;          /* when it was so */
    uint8_t state;    /* enum tri */
    int64_t a, b;     /* as evidence of the kind has them */
    struct str detail;
};

/* One RCPT command, refused or not. */
struct recipient {
    struct str address; /* as sent, without brackets */
    struct reply reply; /* to this RCPT; code 250 where it was accepted */
    uint8_t verdict;    /* enum verdict: what became of it in the end: refused at DATA counts */
    uint8_t valid;      /* enum tri */
    usec at;
};

/* One MAIL command, refused or not, and what followed. */
struct transaction {
    struct str mail_from; /* without brackets; empty: the null sender; at == NULL: not logged */
    struct str queue_id, message_id;
    int64_t size;       /* bytes; -1 not known */
    struct reply reply; /* the one that stopped it at MAIL, DATA or end of message; code 0: none did */
    uint8_t verdict;    /* enum verdict */
    usec at;
    struct recipient *recipients;
    uint32_t recipient_count;
};

struct session {
    int64_t id;               /* given by the collector, in order of emission, from 1 */
    int32_t input;            /* the number of the input that holds its first line */
    uint64_t first_offset;    /* of its first line in that input, uncompressed */
    uint64_t last_offset;     /* of its last line; in a later input of the same set where it spans two */
    usec started, ended;      /* ended == USEC_NONE: the record does not show it */
    struct ip server_address; /* ip_is_none(): not logged */
    uint16_t server_port;     /* 0: not logged */
    struct str server;        /* the host as logged */
    struct str service;       /* the instance that took it: "postfix/smtpd", "postfix/submission/smtpd" */
    struct str client_name;   /* as the server had it; not known for "unknown" */
    struct str helo;          /* the last one heard */
    struct str auth_user;
    uint8_t direction, stage, closed, verdict;
    bool tls, gap;
    bool cut_off; /* the server ended it (too many errors, 421, drop): what would have followed is hidden */
    struct reply reply; /* the first that named a measure, else the first that refused */
    struct transaction *transactions;
    uint32_t transaction_count;
    struct evidence *evidence;
    uint32_t evidence_count;
    uint16_t client_port;         /* 0: not logged */
    _Alignas(8) struct ip client; /* last: see struct open_session */
};

/* Where finished sessions go. The collector calls these in one thread. */
struct sink {
    void *state;
    /* Takes over nothing: what it wants to keep it copies before it returns. 0, or -1 with why. */
    int (*session)(void *state, const struct session *session, struct why *why);
    /* Evidence that came after its session was handed over (a deferred message delivered hours later). */
    int (*late)(void *state, int64_t session_id, const struct evidence *evidence, struct why *why);
};

/* What became of the whole session, worked out from its parts as design.md section 5 says ("Recorded
 * verdict"). Before: an accepted transaction has its verdict; session->verdict is that of a refusal that came
 * before the first MAIL, if any; session->reply that of the first refusal of a command that has no place in a
 * transaction (connect, HELO, VRFY). After: verdict and reply of the session, verdicts of all transactions
 * and recipients. What a greylister said of a recipient by its address stands at that recipient. */
void session_conclude(struct session *session);

#endif

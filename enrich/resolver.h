/* Questions to name servers: many at once, no faster than a rate, each answered or given up in the end. */
#ifndef ENRICH_RESOLVER_H
#define ENRICH_RESOLVER_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/ip.h"
#include "base/str.h"
#include "base/why.h"

enum dns_type {
    DNS_A = 1,
    DNS_PTR = 12,
    DNS_MX = 15,
    DNS_TXT = 16,
    DNS_AAAA = 28
}; /* RFC 1035 3.2.2, 3596 */

struct dns_record {
    struct ip ip;        /* A, AAAA */
    struct str text;     /* PTR, MX: the name, without the last dot; TXT: its strings, one after the other */
    uint16_t preference; /* MX */
};

enum dns_outcome {
    DNS_FOUND,    /* there are such records */
    DNS_NO_DATA,  /* the name exists, without such records */
    DNS_NO_NAME,  /* NXDOMAIN */
    DNS_NOT_KNOWN /* no answer in time, or one that says nothing (SERVFAIL, REFUSED) */
};

struct dns_answer {
    enum dns_outcome outcome;
    uint32_t ttl; /* seconds; of a "no" as its SOA says (RFC 2308 5) */
    struct dns_record *record;
    size_t count;
};

enum { DNS_RECORDS_MOST = 256, DNS_NAME_BYTES = 256 };

/* Takes an answer apart: the records of `type` in its answer section, whoever's name they bear. They and the
 * texts belong to `arena`. What is no DNS message is DNS_NOT_KNOWN. */
struct arena;
struct dns_answer dns_answer_parse(const unsigned char *bytes, size_t count, enum dns_type type,
                                   struct arena *arena);

struct resolver;

struct resolver_settings {
    const char *server; /* "192.0.2.53", "[2001:db8::53]:5353"; NULL: those of this machine */
    unsigned rate;      /* questions a second, at most */
    unsigned at_once;   /* that wait for an answer, at most */
    usec timeout;       /* for each of two tries */
};

/* NULL with why: no such server. */
struct resolver *resolver_new(const struct resolver_settings *settings, struct why *why);
void resolver_free(struct resolver *resolver);

/* Asks; `take` is called once, sooner or later, from within a call of a function here, and may ask on. The
 * answer lasts until it returns. Waits as long as the rate and the number of questions under way want it. */
void resolver_ask(struct resolver *resolver, const char *name, enum dns_type type,
                  void (*take)(void *state, const struct dns_answer *answer), void *state);
/* Until all is answered. */
void resolver_wait(struct resolver *resolver);
/* Until *done. */
void resolver_wait_for(struct resolver *resolver, const bool *done);
uint64_t resolver_asked(const struct resolver *resolver);

#endif

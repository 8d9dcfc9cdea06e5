/* What one kind of look-up needs: a row of the table in lookup.c. */
#ifndef ENRICH_LOOKUP_H
#define ENRICH_LOOKUP_H

#include "enrich/enrich.h"

enum { LOOKUP_PROVIDERS = 2 };

struct looking {
    struct store *store;
    struct resolver *resolver;
    const struct lookup_settings *settings;
    struct str subject; /* the zone */
    struct providing *providing[LOOKUP_PROVIDERS];
    struct enriched *enriched;
    const struct lookup_row *row;
    struct ip *clients; /* what is asked about: clients, names or pairs of them */
    struct str *names;
    size_t count, client_room, name_room;
    struct arena arena; /* of the names */
    usec committed;
    int failed; /* -1: an answer could not be kept, and why tells */
    struct why *why;
};

/* Who provides it. */
struct lookup_provider {
    enum kind kind;
    const char *subject; /* NULL: the zone, or none */
};

struct lookup_row {
    const char *name;
    bool has_subject; /* "dnsbl:ZONE" */
    bool of_clients, of_names;
    enum about about;
    struct lookup_provider provider[LOOKUP_PROVIDERS];
    unsigned providers;
    /* Asks about one; answers come to looking_say(). */
    void (*ask)(struct looking *looking, const struct ip *client, struct str name);
};

extern const struct lookup_row lookup_dnsbl, lookup_rdns, lookup_sender_domain, lookup_helo, lookup_spf;

/* An answer of provider p: `n` among several. The first of them tells when it was. */
void looking_say(struct looking *looking, unsigned p, const struct ip *client, struct str name,
                 enum tri state, int64_t a, uint32_t ttl, struct str detail, unsigned n);

/* "4.3.2.1.zone", or the nibbles of an IPv6 address (RFC 5782 2.1, 2.4; RFC 3596 2.5). */
enum { REVERSED_BYTES = 64 + DNS_NAME_BYTES };
const char *reversed_name(const struct ip *ip, struct str zone_v4, struct str zone_v6,
                          char name[REVERSED_BYTES]);

#endif

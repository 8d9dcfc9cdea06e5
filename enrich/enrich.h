/* Evidence from elsewhere: what the record does not tell of the clients and names in it, asked of zone files,
 * resolvers and lists, and kept in the database beside it. A function here asks about all that the database
 * holds, in one transaction; asked again, it takes the place of what it said before. */
#ifndef ENRICH_ENRICH_H
#define ENRICH_ENRICH_H

#include "enrich/resolver.h"
#include "schemas/provided.h"

/* For how long what is said holds. */
struct period {
    usec from, to; /* sessions that started in [from, to); USEC_NONE: open. Both open: it is of its own day,
                      and of others a later look-up */
};

struct enriched {
    uint64_t asked, yes, no, unknown; /* clients, or names */
    uint64_t beside;  /* clients of a family of addresses of which the list has nothing: among the no */
    uint64_t entries; /* of the list */
    uint64_t skipped; /* its lines that say nothing */
    usec taken;       /* of when it is */
};

/* A DNS list's zone files ("FILE,FILE", each with "FORMAT:" before it where it is not to be guessed): of each
 * client whether `zone` lists it, with its answers. */
int enrich_zone(struct store *store, struct str zone, const char *path, const struct period *period,
                struct enriched *enriched, struct why *why);
/* The addresses that exist: one address or @domain a line, or a map of Postfix's or Exim's (its keys count).
 * Of each recipient of a domain in it whether it is valid. */
int enrich_recipients(struct store *store, const char *path, const struct period *period,
                      struct enriched *enriched, struct why *why);
/* Our domains: of each recipient whether it would have been relayed. */
int enrich_local_domains(struct store *store, const char *path, const struct period *period,
                         struct enriched *enriched, struct why *why);
/* Addresses to which nobody writes who was given them, or @domain. */
int enrich_traps(struct store *store, const char *path, const struct period *period,
                 struct enriched *enriched, struct why *why);
/* Of each client whose network and which country it is in, by an mmdb file. */
int enrich_mmdb(struct store *store, const char *path, const struct period *period, struct enriched *enriched,
                struct why *why);
/* What somebody says of mail: "KEY wanted|unwanted [BY]" a line, the key a session's number, a <message-id>,
 * a sender or a client's address; or CSV with columns of these names. A later line of the same key takes the
 * place of an earlier one. */
int enrich_labels(struct store *store, const char *path, const struct period *period,
                  struct enriched *enriched, struct why *why);

/* Look-ups, of all clients and names whose answers are not known or too old. */
struct lookup_settings {
    struct resolver_settings resolver;
    usec fresh; /* an answer that is younger is not asked for again, even where its time to live is over */
    void (*tell)(void *state, uint64_t asked, uint64_t all); /* how far it is; may be NULL */
    void *state;
};

/* `what`: "dnsbl:ZONE", "rdns" (with fcrdns), "sender-domain", "helo" or "spf". What was answered is
 * committed every few seconds, so that whatever ends it, the next one goes on from there. */
int enrich_lookup(struct store *store, struct str what, const struct lookup_settings *settings,
                  struct enriched *enriched, struct why *why);
/* What `what` may be, ends with NULL. */
extern const char *const lookup_names[];

#endif

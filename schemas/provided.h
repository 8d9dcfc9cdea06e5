/* Evidence from elsewhere in the database: kept apart from what was recorded, each piece with who provides it
 * and when. To store.h what that is to sessions. */
#ifndef SCHEMAS_PROVIDED_H
#define SCHEMAS_PROVIDED_H

#include "schemas/store.h"

/* ---- What evidence can be of: of sessions of direction in. */

/* Calls `take` for each client's address, with the first and last start of its sessions. A `take` that
 * returns other than 0 ends it with that value. */
int store_each_client(struct store *store,
                      int (*take)(void *state, const struct ip *client, usec first, usec last), void *state,
                      struct why *why);
/* The same for each sender's domain, sender, recipient, HELO or message id, in lower case; one that is not
 * known or empty is left out. Names come in no order; each comes once. */
int store_each_name(struct store *store, enum about about, int (*take)(void *state, struct str name),
                    void *state, struct why *why);

/* The same for each pair of a client's address and the domain of a sender from there. */
int store_each_pair(struct store *store, int (*take)(void *state, const struct ip *client, struct str domain),
                    void *state, struct why *why);

/* ---- Writing. */

struct providing;

/* Evidence of a provider follows, in one transaction with that of others that are not at their end yet.
 * A list without a date (taken == USEC_NONE) says of a client or name the last that it said. provider->id is
 * set: the one that it has already, where all else is the same (and what it said of a client and name goes as
 * it says something else), or a new one. NULL with why. */
struct providing *store_provide(struct store *store, struct provider *provider, struct why *why);
/* `n`: the place among several answers of one moment about the same, from 0. */
int providing_add(struct providing *providing, const struct provided *provided, unsigned n, struct why *why);
/* Whether a client and name need not be asked about again: what was said is younger than its time to live
 * (`b`, seconds) or than `fresh`. */
bool providing_knows(struct providing *providing, const struct ip *client, struct str name, usec now,
                     usec fresh);
/* Makes what was added last, and goes on. */
int providing_commit(struct providing *providing, struct why *why);
/* Commits, or with `keep` false takes back what was not, of all that were not at their end yet; the memory is
 * freed in any case. */
int providing_end(struct providing *providing, bool keep, struct why *why);

/* Takes a provider and all that it said away. 1, 0 where there is none of that number, or -1. */
int store_forget(struct store *store, int64_t provider, struct why *why);

/* ---- Reading. */

/* All providers, and how many pieces each has; the arrays and texts belong to `arena`. */
int store_providers(struct store *store, struct arena *arena, struct provider **providers, uint64_t **pieces,
                    size_t *count, struct why *why);
/* Calls `take` for each piece, providers in order of number; it lasts until `take` returns. */
int store_each_provided(struct store *store,
                        int (*take)(void *state, const struct provider *provider,
                                    const struct provided *provided),
                        void *state, struct why *why);
/* The same of what holds for one session, as evidence of it; it lasts until `take` returns. */
int store_provided_for(struct store *store, int64_t session,
                       int (*take)(void *state, const struct evidence *evidence), void *state,
                       struct why *why);

#endif

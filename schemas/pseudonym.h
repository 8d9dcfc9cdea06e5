/* Pseudonyms: names and addresses replaced by keyed hashes, the same key giving the same. What a measure
 * looks at in a text is the same in its pseudonym, so that a replay counts the same: which networks hold an
 * address, dots and validity of a host name, its public suffix, the tag and extension of a mailbox, which
 * texts differ by case only. */
#ifndef SCHEMAS_PSEUDONYM_H
#define SCHEMAS_PSEUDONYM_H

#include "base/ip.h"
#include "base/memory.h"
#include "base/str.h"
#include "collect/session.h"

struct pseudonyms;

enum pseudonym_domains {
    DOMAINS_HASH,
    DOMAINS_KEEP /* the registered ones: what stands left of them is hashed */
};
enum { PSEUDONYM_KEY_BYTES_LEAST = 32 };

/* From at least PSEUDONYM_KEY_BYTES_LEAST random bytes. */
struct pseudonyms *pseudonyms_new(struct str key, enum pseudonym_domains domains);
void pseudonyms_free(struct pseudonyms *pseudonyms);

/* Texts are made in `arena`; one that is not known or empty stays so. */

/* Addresses with the first n bits in common have pseudonyms with just the first n bits in common (Fan, Xu,
 * Ammar, Moon: Prefix-preserving IP address anonymization, 2004). 127.0.0.0/8 and ::1 stay. */
struct ip pseudonym_ip(const struct pseudonyms *pseudonyms, const struct ip *ip);
struct prefix pseudonym_prefix(const struct pseudonyms *pseudonyms, const struct prefix *prefix);
/* A host name or domain, label by label up to its public suffix, which stays: one that is below another is so
 * afterwards. Of names that policies are written with, example.org and its like, the registered name stays.
 */
struct str pseudonym_domain(const struct pseudonyms *pseudonyms, struct arena *arena, struct str domain);
/* What a client called itself: a name, an address literal, or neither, as before. */
struct str pseudonym_helo(const struct pseudonyms *pseudonyms, struct arena *arena, struct str helo);
/* A mailbox. postmaster stays. */
struct str pseudonym_address(const struct pseudonyms *pseudonyms, struct arena *arena, struct str address);
/* A DNS list, which stays, but for a customer's key among its labels. */
struct str pseudonym_zone(const struct pseudonyms *pseudonyms, struct arena *arena, struct str zone);
/* What has no parts that matter: a queue id. */
struct str pseudonym_id(const struct pseudonyms *pseudonyms, struct arena *arena, struct str id);

/* A copy of the session, in `arena`, with pseudonyms for all that it says of anybody: also in replies and
 * details, of which only the usual words are left. Where it stands in its input is left out. */
void pseudonym_session(const struct pseudonyms *pseudonyms, struct arena *arena, const struct session *from,
                       struct session *to);

#endif

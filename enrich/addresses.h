/* A list of addresses and @domains, as administrators keep them. */
#ifndef ENRICH_ADDRESSES_H
#define ENRICH_ADDRESSES_H

#include "base/clock.h"
#include "base/names.h"
#include "base/tri.h"
#include "base/why.h"

struct addresses {
    struct names name;   /* in lower case: "box@domain", "@domain" for all of it */
    struct names domain; /* all that it has an address in */
    uint64_t skipped;    /* lines that are neither */
    uint64_t first_skipped;
    usec changed;
};

enum bare { BARE_IS_SKIPPED, BARE_IS_DOMAIN };

/* Reads one address or @domain a line; of a map's line ("key value", "key: value") the key. `bare`: what a
 * word without
 * @ is. A file in which nothing is an address is an error. Zero it to begin with. */
int addresses_read(struct addresses *addresses, const char *path, enum bare bare, struct why *why);
void addresses_free(struct addresses *addresses);
/* YES: it is there, also without its +extension, or all of its domain is; NO: others of its domain are; else
 * UNKNOWN. */
enum tri addresses_hold(const struct addresses *addresses, struct str address);
/* Whether the domain of an address is there, or one that it is below and that stands there as ".domain". */
bool addresses_hold_domain(const struct addresses *addresses, struct str address);

#endif

/* Names with values: domains, and *.domains. */
#ifndef ENRICH_DOMAINS_H
#define ENRICH_DOMAINS_H

#include <stdbool.h>
#include "base/names.h"

enum { DOMAIN_BYTES = 254 }; /* the longest in text */

struct domain_value {
    uint32_t value, next; /* the place of the next one + 1; 0: the last */
};

/* Zero-initialise. */
struct domains {
    struct names names;
    uint32_t *plain, *wild; /* by name: the place of its first value + 1; 0: it is not there as such */
    size_t capacity;
    struct domain_value *value;
    size_t count, values_capacity;
};

void domains_free(struct domains *domains);
size_t domains_bytes(const struct domains *domains);
/* Writes the name in lower case and without dots too many; false: it is no name, or longer than names are. */
bool domain_clean(struct str name, char to[DOMAIN_BYTES], struct str *clean);
/* `wild`: what is below the name. */
void domains_add(struct domains *domains, struct str clean, bool wild, uint32_t value);
/* The first value of the name, NULL where it is not there as such; *entry is the name as it is kept. */
const struct domain_value *domains_find(const struct domains *domains, struct str clean, bool wild,
                                        struct str *entry);
const struct domain_value *domains_next(const struct domains *domains, const struct domain_value *value);

#endif

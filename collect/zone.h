/* Names of DNS lists. */
#ifndef COLLECT_ZONE_H
#define COLLECT_ZONE_H

#include "base/str.h"

/* The zone that a reply about a DNS list names: "listed at zen.example.org", or whose web page stands in it;
 * at == NULL where there is none. */
struct str zone_in(struct str text);
/* Whether a text can be the name of a zone: letters, digits, - and _ with single stops between them. */
bool zone_is_name(struct str text);

#endif

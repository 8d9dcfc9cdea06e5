/* Which texts are names: those that came three times of late. One line of the processor's cache a name, so
 * that one look tells; and since hashes are known ahead, that look can be announced. */
#ifndef SCHEMAS_NAMING_H
#define SCHEMAS_NAMING_H

#include <stdbool.h>
#include "base/str.h"

struct naming;

struct naming *naming_new(void);
void naming_free(struct naming *naming);
/* Says that the text with this hash will be asked for soon. */
void naming_announce(const struct naming *naming, uint64_t hash);
/* The number of a text that is a name, or 0. A text that has come twice and has none, or none any more,
 * becomes the name *next, which is counted up; *fresh tells. `hash` is str_hash(text). */
int64_t naming_number(struct naming *naming, struct str text, uint64_t hash, int64_t *next, bool *fresh);

#endif

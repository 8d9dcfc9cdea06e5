/* Many policies out of one: what is varied, and how it is combined. */
#ifndef ANALYZE_VARY_H
#define ANALYZE_VARY_H

#include "analyze/replay.h"

enum search { SEARCH_GRID, SEARCH_ONE_AT_A_TIME, SEARCH_RANDOM, SEARCHES };
extern const char *const search_name[SEARCHES]; /* "grid", as --search takes them */

struct axes;
/* Reads what is to be varied of a policy, each as
 *     greylist.delay=1m,5m,15m     a key of a measure (by its row's name), written as in a policy
 *     dnsbl.threshold=1..5         whole numbers from, to
 *     dnsbl.zones=+each,-each      with each zone of the record that it lacks; without each that it has; or
 *                                  +NAME, -NAME
 *     greylist=on,off              without it
 *     delay-reject=true,false
 *     order                        of the measures, within their stages
 * Each value is tried on the policy, which must last as long. 0, or -1 with why (EX_USAGE). */
int axes_read(const struct policy *policy, const char *const *vary, size_t count, struct axes **axes,
              struct why *why);
void axes_free(struct axes *axes);

struct variant {
    struct policy policy;
    struct str name; /* what is changed: "greylist.delay=5m dnsbl=off"; the first is "as it is" */
};

struct variants {
    struct variant *variant;
    size_t count;
    struct arena arena;
};

enum { VARIANTS_MOST = 100 * 1000 };

/* The policies: first the one that is varied, as it is. A grid has every combination of the values, one at a
 * time each value alone, and random `samples` of the combinations (the same for the same seed). 0, or -1 with
 * why where they are too many, or two are all there is. */
int variants_make(struct axes *axes, const struct columns *columns, enum search search, size_t samples,
                  uint64_t seed, struct variants *variants, struct why *why);
void variants_free(struct variants *variants);

#endif

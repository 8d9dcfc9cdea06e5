/* A DNS list's zone file. */
#include <sysexits.h>
#include "enrich/enrich.h"
int enrich_zone(struct store *store, struct str zone, const char *path, const struct period *period,
                struct enriched *enriched, struct why *why)
{
    (void)store;
    (void)zone;
    (void)period;
    (void)enriched;
    return why_set(why, EX_USAGE, "%s: not yet", path);
}

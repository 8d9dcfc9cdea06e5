/* What a clock on the wall shows, and when that was: for stamps that do not tell their zone. */
#ifndef COLLECT_WALL_H
#define COLLECT_WALL_H

#include "base/clock.h"
#include "base/str.h"
#include "base/why.h"

struct wall;

/* The clock of a zone: a name of the time zone database ("Europe/Berlin"), how far it is ahead of UTC
 * ("+01:00", "-0330"), "UTC", or "local": this machine's, by TZ or /etc/localtime. Sets TZ meanwhile: to be
 * called before there are threads. Returns NULL with why (EX_USAGE) where there is no such zone; wall_free()
 * is due. */
struct wall *wall_new(struct str zone, struct why *why);
void wall_free(struct wall *wall);
/* The zone's name, for which wall_new() makes the same again; of "local" that of the machine's zone, where it
 * can be told; "UTC" of all that never differ from it. As long as the clock lasts. */
struct str wall_name(const struct wall *wall);

/* A span of wall times that come once and are all `ahead` of UTC by the same: what is worked out once. */
struct wall_span {
    usec from, to; /* to: behind it */
    usec ahead;
};

#define WALL_ALWAYS_UTC ((struct wall_span){ INT64_MIN, INT64_MAX, 0 })
#define WALL_UNKNOWN    ((struct wall_span){ 0, 0, 0 })

/* When a clock showed `shown` (microseconds since 1970-01-01 00:00 on it). A time that it shows twice, since
 * it was set back, is the first one, unless that is too long before `last`, the time of the line before (or
 * USEC_NONE): lines are in order but for a part of what the clock is set back by. A time that it never shows,
 * since it was set forward, is that of a clock that has not been yet. *span is that of `shown`, where there
 * is one. */
usec wall_time(const struct wall *wall, struct wall_span *span, usec shown, usec last);
/* What it shows at a time. NULL: UTC. */
usec wall_shown(const struct wall *wall, usec at);
/* Whether the clock shows this time twice; then *second is the later one. */
bool wall_is_double(const struct wall *wall, usec shown, usec *first, usec *second);

#endif

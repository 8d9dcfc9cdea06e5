/* Times are microseconds since 1970-01-01 UTC (int64_t, named ..._usec or `usec`). */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include "base/str.h"

typedef int64_t usec;

#define USEC_SECOND ((usec)1000000)
#define USEC_MINUTE (60 * USEC_SECOND)
#define USEC_HOUR   (60 * USEC_MINUTE)
#define USEC_DAY    (24 * USEC_HOUR)
#define USEC_NONE   INT64_MIN /* no time is known */

enum { CLOCK_TEXT_BYTES = 32 };

/* What the machine's clock shows; and one that goes on evenly whatever is done to that, for differences. */
usec clock_now(void);
usec clock_steady(void);
/* Days since 1970-01-01 of a date in the Gregorian calendar; month 1-12, day 1-31. */
int64_t clock_days(int64_t year, unsigned month, unsigned day);
/* The other way round. */
void clock_date(int64_t days, int64_t *year, unsigned *month, unsigned *day);
/* The day, in UTC: days since 1970-01-01. */
static inline int64_t usec_day(usec at)
{
    return at / USEC_DAY - (at % USEC_DAY < 0);
}

/* Writes "2026-11-23T09:07:12.057203Z" (always with six digits) and a NUL; returns its length. */
unsigned clock_format(usec at, char text[CLOCK_TEXT_BYTES]);
/* Reads "2026-11-23", "2026-11-23T09:07", "2026-11-23 09:07:12.5", each with or without Z or +01:00; UTC when
 * nothing is said. */
bool clock_parse(struct str text, usec *at);
/* A duration as policies write it: "5m", "300s", "1h30m", "2d", "1.5s", "1w", "250ms". */
bool duration_parse(struct str text, usec *length);
/* The shortest such text; returns its length. */
unsigned duration_format(usec length, char text[CLOCK_TEXT_BYTES]);

#endif

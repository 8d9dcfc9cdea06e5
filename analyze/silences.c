/* Silences. */
#include "analyze/silences.h"

#include <stdlib.h>
#include <string.h>
#include "analyze/units.h"

/* Nothing for an hour or more in which, by what comes at these hours of the day, so many should have come: by
 * chance that is less likely than one in a hundred million. */
enum { SILENCE_EXPECTED = 20, SILENCES_MOST = 20 };

/* What usually comes between two times; whole days are taken at once. */
static double expected_in(const double by_hour[24], usec from, usec to)
{
    double sum = 0, day = 0;
    for (size_t hour = 0; hour < 24; hour++)
        day += by_hour[hour];
    usec days = (to - from) / USEC_DAY;
    sum = (double)days * day;
    for (usec at = from + days * USEC_DAY; at < to;) {
        usec in_day = at - usec_day(at) * USEC_DAY, next = at - in_day % USEC_HOUR + USEC_HOUR;
        next = next < to ? next : to;
        sum += by_hour[in_day / USEC_HOUR] * (double)(next - at) / (double)USEC_HOUR;
        at = next;
    }
    return sum;
}

static int by_length(const void *left, const void *right)
{
    const struct silence *a = left, *b = right;
    usec x = a->to - a->from, y = b->to - b->from;
    return x != y ? (x > y ? -1 : 1) : (a->from > b->from) - (a->from < b->from);
}

/* What the period's sessions are: by hour of the day (of UTC), and how many a day. */
static size_t count_hours(const struct columns *columns, const struct replay_options *options,
                          double by_hour[24])
{
    usec first = USEC_NONE, last = USEC_NONE;
    size_t count = 0;
    for (size_t s = 0; s < columns->session_count; s++) {
        if (!unit_in_period(columns, options, columns->first_attempt[s]))
            continue;
        first = first == USEC_NONE ? columns->started[s] : first;
        last = columns->started[s];
        by_hour[(last - usec_day(last) * USEC_DAY) / USEC_HOUR]++;
        count++;
    }
    double days = (double)(last - first) / (double)USEC_DAY;
    for (size_t hour = 0; hour < 24; hour++)
        by_hour[hour] /= days < 1 ? 1 : days;
    return count;
}

struct silence *silences_find(const struct columns *columns, const struct replay_options *options,
                              struct arena *arena, size_t *count)
{
    double by_hour[24] = { 0 };
    size_t room = 0, found = 0, sessions = count_hours(columns, options, by_hour);
    struct silence *silences = NULL, *kept = NULL;
    usec before = USEC_NONE;
    *count = 0;
    for (size_t s = 0; sessions > 1 && s < columns->session_count; s++) {
        if (!unit_in_period(columns, options, columns->first_attempt[s]))
            continue;
        usec at = columns->started[s], length = before == USEC_NONE ? 0 : at - before;
        double expected = length >= USEC_HOUR ? expected_in(by_hour, before, at) : 0;
        if (expected >= SILENCE_EXPECTED) {
            mem_room(silences, room, found + 1);
            silences[found++] = (struct silence){ before, at, expected };
        }
        before = at;
    }
    if (silences) {
        qsort(silences, found, sizeof *silences, by_length);
        *count = found < SILENCES_MOST ? found : SILENCES_MOST;
        kept = arena_alloc(arena, *count * sizeof *kept);
        memcpy(kept, silences, *count * sizeof *kept);
    }
    free(silences);
    return kept;
}

/* From attempts to units. */
#include "analyze/units.h"

/* A message is the accepted recipients of one transaction. */
static bool same_message(const struct columns *columns, uint32_t attempt, uint32_t first)
{
    return columns->answer[attempt] == ANSWER_ACCEPTED &&
           columns->transaction[attempt] == columns->transaction[first];
}

bool unit_begins(const struct columns *columns, enum unit unit, uint32_t attempt)
{
    uint32_t first = columns->first_attempt[columns->session[attempt]];
    switch (unit) {
    case UNIT_SESSION:
        return attempt == first;
    case UNIT_RECIPIENT:
        return true;
    case UNIT_MESSAGE:
        if (columns->answer[attempt] != ANSWER_ACCEPTED)
            return false;
        while (first < attempt && !same_message(columns, first, attempt))
            first++;
        return first == attempt;
    case UNIT_DELIVERY:
    case UNITS:
        break;
    }
    return columns->before[attempt] == NO_ATTEMPT;
}

uint32_t unit_after(const struct columns *columns, enum unit unit, uint32_t first, uint32_t attempt)
{
    uint32_t end = columns->first_attempt[columns->session[attempt] + 1], next = attempt + 1;
    switch (unit) {
    case UNIT_SESSION:
        return next < end ? next : NO_ATTEMPT;
    case UNIT_RECIPIENT:
        return NO_ATTEMPT;
    case UNIT_MESSAGE:
        while (next < end && !same_message(columns, next, first))
            next++;
        return next < end ? next : NO_ATTEMPT;
    case UNIT_DELIVERY:
    case UNITS:
        break;
    }
    return columns->after[attempt];
}

bool unit_in_period(const struct columns *columns, const struct replay_options *options, uint32_t first)
{
    usec at = columns->started[columns->session[first]];
    return (options->from == USEC_NONE || at >= options->from) &&
           (options->to == USEC_NONE || at < options->to);
}

static outcomes outcomes_of(const struct columns *columns, const struct walk *walk, uint32_t attempt)
{
    return walk ? walk->attempt[attempt] : walk_recorded(columns, attempt);
}

/* A session, or the accepted recipients of a message: accepted when any attempt is, else it belongs to what
 * stopped the first that was stopped. */
static outcomes combine(const struct columns *columns, const struct walk *walk, enum unit unit,
                        uint32_t first)
{
    const outcomes accepted = OUTCOME(OUTCOME_ACCEPTED);
    const outcomes left = OUTCOME(OUTCOME_ABANDONED) | OUTCOME(OUTCOME_NOTHING);
    outcomes set = 0,
             leaves = left; /* what it may come to if the client leaves each attempt so far by itself */
    for (uint32_t a = first; a != NO_ATTEMPT; a = unit_after(columns, unit, first, a)) {
        outcomes one = outcomes_of(columns, walk, a);
        if (one == accepted)
            return accepted;
        set |= one & accepted;
        if (leaves)
            set |= one & ~(accepted | left);
        leaves &= one;
    }
    return set | leaves;
}

outcomes unit_outcomes(const struct columns *columns, const struct walk *walk, enum unit unit, uint32_t first)
{
    uint32_t last = first;
    switch (unit) {
    case UNIT_SESSION:
    case UNIT_MESSAGE:
        return combine(columns, walk, unit, first);
    case UNIT_RECIPIENT:
        return outcomes_of(columns, walk, first);
    case UNIT_DELIVERY:
    case UNITS:
        break;
    }
    if (walk)
        return walk->delivery[first];
    while (columns->after[last] != NO_ATTEMPT)
        last = columns->after[last];
    return walk_recorded(columns, last);
}

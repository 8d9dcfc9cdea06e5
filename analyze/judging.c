/* What holds for every measure: which evidence is for an attempt, and what outweighs what. */
#include "analyze/judging.h"

#include "analyze/provided.h"
#include "analyze/record.h"

bool judging_passed(const struct judging *judging, uint32_t attempt,
                    bool (*fits)(const void *recorded, const void *ours))
{
    struct asked asked[ASKED_MOST];
    size_t count = judging_asked(judging, attempt, asked);
    for (size_t i = 0; i < count; i++)
        if (asked[i].status == ASKED_PASSED &&
            (!fits || fits(asked[i].parameters, judging->rule->parameters)))
            return true;
    return false;
}

bool judging_refused(const struct judging *judging, uint32_t attempt,
                     bool (*fits)(const void *recorded, const void *ours))
{
    struct asked asked[ASKED_MOST];
    size_t count = judging_asked(judging, attempt, asked);
    for (size_t i = 0; i < count; i++)
        if (asked[i].status == ASKED_REFUSED &&
            (!fits || fits(asked[i].parameters, judging->rule->parameters)))
            return true;
    return false;
}

const struct fact *judging_fact(const struct judging *judging, uint32_t attempt, enum kind kind,
                                const struct fact *after)
{
    const struct columns *columns = judging->columns;
    uint32_t s = columns->session[attempt];
    if (after && provided_of_fact(columns, after))
        return provided_next(columns, attempt, kind, after);
    if (session_has(columns, s, kind)) {
        const struct fact *end = NULL, *first = session_facts(columns, s, &end);
        for (const struct fact *fact = after ? after + 1 : first; fact < end; fact++)
            if (fact->kind == kind && fact_holds(columns, fact, attempt))
                return fact;
    }
    return columns->provided_of[kind] ? provided_next(columns, attempt, kind, NULL) : NULL;
}

/* What the server itself saw, then a capture, then a snapshot or a look-up of the session's own day (or of
 * the days for which it was said to hold), then a list of those; of others the nearest in time (semantics.md
 * section 1). */
uint64_t judging_rank(const struct judging *judging, uint32_t attempt, const struct fact *fact)
{
    const struct columns *columns = judging->columns;
    const struct provided_fact *provided = provided_of_fact(columns, fact);
    usec started = columns->started[columns->session[attempt]];
    if (!provided || provided->from != USEC_NONE || provided->to != USEC_NONE)
        return fact->origin;
    if (usec_day(provided->at) == usec_day(started))
        return fact->origin;
    return JUDGING_LATER + (provided->at > started ? (uint64_t)provided->at - (uint64_t)started
                                                   : (uint64_t)started - (uint64_t)provided->at);
}

const struct fact *judging_best_fact(const struct judging *judging, uint32_t attempt, enum kind kind)
{
    const struct fact *fact = NULL, *best = NULL;
    while ((fact = judging_fact(judging, attempt, kind, fact)))
        if (fact->state != UNKNOWN &&
            (!best || judging_rank(judging, attempt, fact) < judging_rank(judging, attempt, best)))
            best = fact;
    return best;
}

const struct fact *judging_system(const struct columns *columns, uint32_t attempt)
{
    const struct judging bare = { .columns = columns };
    const struct fact *fact = judging_best_fact(&bare, attempt, KIND_ASN);
    return fact && fact->state == YES && fact->a > 0 && fact->a <= UINT32_MAX ? fact : NULL;
}

/* Of those of a rank below `end`, the lowest; of equal rank the first. */
static enum tri best_state(const struct judging *judging, uint32_t attempt, enum kind kind,
                           const struct str *subject, uint64_t end)
{
    const struct fact *fact = NULL;
    enum tri best = UNKNOWN;
    while ((fact = judging_fact(judging, attempt, kind, fact))) {
        if (fact->state == UNKNOWN || (subject && !str_eq(judging_name(judging, fact->subject), *subject)))
            continue;
        uint64_t rank = judging_rank(judging, attempt, fact);
        if (rank >= end)
            continue;
        best = (enum tri)fact->state;
        end = rank;
    }
    return best;
}

enum tri judging_state(const struct judging *judging, uint32_t attempt, enum kind kind)
{
    return best_state(judging, attempt, kind, NULL, UINT64_MAX);
}

enum tri judging_subject(const struct judging *judging, uint32_t attempt, enum kind kind, struct str subject)
{
    return best_state(judging, attempt, kind, &subject, UINT64_MAX);
}

enum tri judging_conclude(const struct judging *judging, uint32_t attempt, enum kind kind,
                          const struct str *subject, bool (*fits)(const void *recorded, const void *ours),
                          enum tri passed)
{
    enum tri state = best_state(judging, attempt, kind, subject, JUDGING_LATER);
    if (state == UNKNOWN && judging_passed(judging, attempt, fits))
        return passed;
    return state == UNKNOWN ? best_state(judging, attempt, kind, subject, UINT64_MAX) : state;
}

bool judging_recorded(const struct judging *judging, uint32_t attempt, enum kind kind)
{
    const struct fact *fact = judging_fact(judging, attempt, kind, NULL);
    return fact && !provided_of_fact(judging->columns, fact);
}

bool judging_failed(const struct judging *judging, uint32_t attempt, enum kind kind)
{
    const struct fact *fact = NULL;
    while ((fact = judging_fact(judging, attempt, kind, fact)))
        if (fact->state == UNKNOWN && judging_rank(judging, attempt, fact) < JUDGING_LATER)
            return true;
    return false;
}

struct str judging_name(const struct judging *judging, uint32_t name)
{
    return names_text(&judging->columns->names, name);
}

struct str judging_sender(const struct judging *judging, uint32_t attempt)
{
    return judging_name(judging, judging->columns->sender[attempt]);
}

struct str judging_recipient(const struct judging *judging, uint32_t attempt)
{
    return judging_name(judging, judging->columns->address_of[attempt]);
}

struct str judging_helo(const struct judging *judging, uint32_t attempt)
{
    return judging_name(judging, judging->columns->helo[judging->columns->session[attempt]]);
}

size_t judging_recipients(const struct judging *judging, uint32_t attempt)
{
    const struct columns *columns = judging->columns;
    uint32_t s = columns->session[attempt];
    size_t count = 0;
    for (uint32_t a = columns->first_attempt[s]; a < columns->first_attempt[s + 1]; a++)
        count +=
            columns->transaction[a] == columns->transaction[attempt] && columns->recipient[a] != FACT_ALL;
    return count;
}

bool judging_authenticated(const struct judging *judging, uint32_t attempt)
{
    return judging->columns->flags[judging->columns->session[attempt]] & SESSION_AUTHENTICATED;
}

enum tri judging_verdict(const struct judging *judging, uint32_t attempt)
{
    const struct measure *measure = judging->rule->measure;
    struct asked asked[ASKED_MOST];
    size_t count = measure->judge && !measure->state ? judging_asked(judging, attempt, asked) : 0;
    for (size_t i = 0; i < count; i++)
        if (asked[i].status == ASKED_REFUSED &&
            parameters_equal(measure, asked[i].parameters, judging->rule->parameters))
            return YES; /* a recorded refusal is a hit with the recorded parameters, whatever its cause */
    return measure->judge ? measure->judge(judging, attempt) : UNKNOWN;
}

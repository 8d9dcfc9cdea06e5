/* Harm, unit by unit. What comes late was put off at one attempt and let in at a later one; what is stopped
 * by a 5xx is told to the sender's server; what is put off or dropped for good is lost. */
#include "analyze/harms.h"

#include "analyze/units.h"

static void give(unsigned *set, double share[HARM_KINDS], int harm, double part)
{
    *set |= 1u << harm;
    share[harm] += part;
}

#define BY_RULES (OUTCOME(RULES_MOST) - 1)

/* The unit's next attempt, if it may come to that. */
static uint32_t next_of(const struct walk *walk, enum unit unit, uint32_t first, uint32_t attempt)
{
    bool ends = false;
    return unit == UNIT_DELIVERY && !walk_goes_on(walk, attempt, &ends)
               ? NO_ATTEMPT
               : unit_after(walk->columns, unit, first, attempt);
}

uint32_t harms_first_stop(const struct walk *walk, enum unit unit, uint32_t first, uint32_t *rule)
{
    for (uint32_t a = first; a != NO_ATTEMPT; a = next_of(walk, unit, first, a)) {
        outcomes stopped = walk->attempt[a] & BY_RULES;
        for (size_t k = 0; stopped && k < walk->policy->rule_count; k++)
            if (stopped >> walk->steps[k].rule & 1) {
                *rule = walk->steps[k].rule;
                return a;
            }
    }
    return NO_ATTEMPT;
}

/* By delivery the chain tells whether it came late; by other units what is put off may come again or not. */
static void add_stop(const struct walk *walk, enum unit unit, uint32_t first, uint32_t r, double part,
                     unsigned *set, double share[HARM_KINDS])
{
    bool told = false, off = false;
    uint32_t last = first;
    for (uint32_t a = first; a != NO_ATTEMPT; a = next_of(walk, unit, first, a)) {
        last = a;
        if (!(walk->attempt[a] >> r & 1))
            continue;
        told = told || !walk_puts_off(walk, r, a);
        off = off || walk_puts_off(walk, r, a);
    }
    if (!told && !off) /* a retry that the record does not show */
        *(walk_puts_off(walk, r, last) ? &off : &told) = true;
    double each = part / (told + off);
    if (told)
        give(set, share, HARM_TOLD, each);
    if (off && unit != UNIT_DELIVERY) {
        give(set, share, HARM_LOST, each / 2);
        give(set, share, HARM_LATE, each / 2);
    } else if (off) {
        give(set, share, HARM_LOST, each);
    }
}

static void add_end(const struct walk *walk, enum unit unit, uint32_t first, double part, unsigned *set,
                    double share[HARM_KINDS])
{
    bool off = false, at_once = (walk->attempt[first] & ~BY_RULES) != 0;
    for (uint32_t a = unit == UNIT_DELIVERY ? first : NO_ATTEMPT; a != NO_ATTEMPT && !off;
         a = next_of(walk, unit, first, a))
        for (outcomes left = walk->attempt[a] & BY_RULES; left && !off; left &= left - 1)
            off = walk_puts_off(walk, (uint32_t)__builtin_ctzll(left), a);
    double each = off && at_once ? part / 2 : part;
    if (off)
        give(set, share, HARM_LATE, each);
    if (at_once || !off)
        give(set, share, HARM_NONE, each);
}

static unsigned of_outcomes(const struct walk *walk, enum unit unit, uint32_t first, outcomes all,
                            const double of_outcome[64], double share[HARM_KINDS])
{
    unsigned set = 0;
    memset(share, 0, HARM_KINDS * sizeof *share);
    for (outcomes left = all; left; left &= left - 1) {
        unsigned outcome = (unsigned)__builtin_ctzll(left);
        if (outcome < RULES_MOST)
            add_stop(walk, unit, first, outcome, of_outcome[outcome], &set, share);
        else
            add_end(walk, unit, first, of_outcome[outcome], &set, share);
    }
    return set;
}

unsigned harms_possible(const struct walk *walk, enum unit unit, uint32_t first)
{
    static const double nothing[64];
    double share[HARM_KINDS];
    return of_outcomes(walk, unit, first, unit_outcomes(walk->columns, walk, unit, first), nothing, share);
}

unsigned harms_of(const struct walk *walk, struct estimate *estimate, enum unit unit, uint32_t first,
                  double share[HARM_KINDS])
{
    outcomes all = unit_outcomes(walk->columns, walk, unit, first);
    double of_outcome[64] = { 0 };
    if (all & (all - 1))
        estimate_share(estimate, all, first, of_outcome);
    else
        of_outcome[__builtin_ctzll(all)] = 1;
    return of_outcomes(walk, unit, first, all, of_outcome, share);
}

uint16_t unit_signs(const struct columns *columns, const struct wanted *wanted, enum unit unit,
                    uint32_t first)
{
    unsigned signs = 0;
    for (uint32_t a = first; a != NO_ATTEMPT; a = unit_after(columns, unit, first, a))
        signs |= wanted->signs[a];
    return (uint16_t)signs;
}

void harms_add(struct harm_cells *cells, const struct walk *walk, struct estimate *estimate, uint32_t first,
               uint16_t signs, uint64_t times)
{
    uint32_t rule = 0;
    bool stops = harms_first_stop(walk, walk->options->unit, first, &rule) != NO_ATTEMPT;
    enum label label =
        signs_label(signs, stops ? walk->policy->rules[rule].measure->named : NAMED_NONE, NULL);
    if (label != LABEL_WANTED && label != LABEL_PRESUMED)
        return;
    double share[HARM_KINDS];
    unsigned set = harms_of(walk, estimate, walk->options->unit, first, share);
    for (int harm = 0; harm < HARMS; harm++) {
        struct cell *cell = label == LABEL_WANTED ? &cells->wanted[harm] : &cells->presumed[harm];
        cell->expected += share[harm] * (double)times;
        cell->low += set == 1u << harm ? times : 0;
        cell->high += set >> harm & 1 ? times : 0;
    }
}

struct harm_cells harms_count(const struct walk *walk, struct estimate *estimate, const struct wanted *wanted)
{
    const struct columns *columns = walk->columns;
    enum unit unit = walk->options->unit;
    struct harm_cells cells = { 0 };
    for (uint32_t a = 0; a < columns->attempt_count; a++)
        if (unit_begins(columns, unit, a) && unit_in_period(columns, walk->options, a))
            harms_add(&cells, walk, estimate, a, unit_signs(columns, wanted, unit, a), 1);
    return cells;
}

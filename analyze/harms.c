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

/* Whether a rule that stops the unit tells its sender, or puts it off; both where its attempts differ. */
static void how_stopped(const struct walk *walk, enum unit unit, uint32_t first, uint32_t r, bool *told,
                        bool *off)
{
    uint32_t last = first;
    *told = *off = false;
    for (uint32_t a = first; a != NO_ATTEMPT; a = next_of(walk, unit, first, a)) {
        last = a;
        if (walk->attempt[a] >> r & 1)
            *(walk_puts_off(walk, r, a) ? off : told) = true;
    }
    if (!*told && !*off) /* a retry that the record does not show */
        *(walk_puts_off(walk, r, last) ? off : told) = true;
}

/* By delivery the chain tells whether it came late; by other units what is put off may come again or not. */
static void add_stop(const struct walk *walk, enum unit unit, uint32_t first, uint32_t r, double part,
                     unsigned *set, double share[HARM_KINDS])
{
    bool told = false, off = false;
    how_stopped(walk, unit, first, r, &told, &off);
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

/* ---- Which measure it is: each share of harm is parted among those that may have done it, by how likely
 * each is to be the one. */

/* Who may do a harm, and what of it is expected of each. */
struct blamed {
    outcomes may[HARMS];
    double weight[HARMS][RULES_MOST];
};

static void blame_for(struct blamed *blamed, enum harm harm, unsigned rule, double weight)
{
    blamed->may[harm] |= OUTCOME(rule);
    blamed->weight[harm][rule] += weight;
}

/* A stop for good: told or lost, and where nobody asks about deliveries perhaps only late. */
static void blame_stop(struct blamed *blamed, const struct walk *walk, enum unit unit, uint32_t first,
                       unsigned rule, double share)
{
    bool told = false, off = false;
    how_stopped(walk, unit, first, rule, &told, &off);
    if (told)
        blame_for(blamed, HARM_TOLD, rule, share);
    if (off)
        blame_for(blamed, HARM_LOST, rule, share);
    if (off && unit != UNIT_DELIVERY)
        blame_for(blamed, HARM_LATE, rule, share);
}

/* A delivery that arrives late: the first attempt at which it may have been put off tells by whom. */
static void blame_delay(struct blamed *blamed, const struct walk *walk, struct estimate *estimate,
                        uint32_t first)
{
    for (uint32_t a = first; a != NO_ATTEMPT; a = next_of(walk, UNIT_DELIVERY, first, a)) {
        outcomes off = 0;
        double share[64] = { 0 };
        for (outcomes left = walk->attempt[a] & BY_RULES; left; left &= left - 1)
            if (walk_puts_off(walk, (uint32_t)__builtin_ctzll(left), a))
                off |= left & -left;
        if (!off)
            continue;
        if (off & (off - 1))
            estimate_share(estimate, off, a, share);
        else
            share[__builtin_ctzll(off)] = 1;
        for (outcomes left = off; left; left &= left - 1)
            blame_for(blamed, HARM_LATE, (unsigned)__builtin_ctzll(left), share[__builtin_ctzll(left)]);
        return;
    }
}

static struct blamed blame(const struct walk *walk, struct estimate *estimate, enum unit unit, uint32_t first)
{
    struct blamed blamed = { 0 };
    outcomes all = unit_outcomes(walk->columns, walk, unit, first);
    double share[64] = { 0 };
    if (all & (all - 1))
        estimate_share(estimate, all, first, share);
    else
        share[__builtin_ctzll(all)] = 1;
    for (outcomes left = all & BY_RULES; left; left &= left - 1)
        blame_stop(&blamed, walk, unit, first, (unsigned)__builtin_ctzll(left), share[__builtin_ctzll(left)]);
    if (unit == UNIT_DELIVERY && all & ~BY_RULES)
        blame_delay(&blamed, walk, estimate, first);
    return blamed;
}

/* Parts a share of harm; where nothing is expected of any of those who may, all are alike. */
static void part(struct harm_cells *by_rule, bool wanted, enum harm harm, const struct blamed *blamed,
                 double share, bool surely, uint64_t times)
{
    outcomes may = blamed->may[harm];
    double sum = 0;
    for (outcomes left = may; left; left &= left - 1)
        sum += blamed->weight[harm][__builtin_ctzll(left)];
    for (outcomes left = may; left; left &= left - 1) {
        unsigned rule = (unsigned)__builtin_ctzll(left);
        struct cell *cell = wanted ? &by_rule[rule].wanted[harm] : &by_rule[rule].presumed[harm];
        double of_it = sum > 0 ? blamed->weight[harm][rule] / sum : 1.0 / (double)__builtin_popcountll(may);
        cell->expected += share * of_it * (double)times;
        cell->low += surely && may == OUTCOME(rule) ? times : 0;
        cell->high += times;
    }
}

/* ---- Counts. */

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
    if (!stops || !cells->by_rule)
        return;
    struct blamed blamed = blame(walk, estimate, walk->options->unit, first);
    for (int harm = 0; harm < HARMS; harm++)
        if (set >> harm & 1)
            part(cells->by_rule, label == LABEL_WANTED, (enum harm)harm, &blamed, share[harm],
                 set == 1u << harm, times);
}

struct harm_cells harms_count(const struct walk *walk, struct estimate *estimate, const struct wanted *wanted,
                              struct harm_cells *by_rule)
{
    const struct columns *columns = walk->columns;
    enum unit unit = walk->options->unit;
    struct harm_cells cells = { .by_rule = by_rule };
    for (uint32_t a = 0; a < columns->attempt_count; a++)
        if (unit_begins(columns, unit, a) && unit_in_period(columns, walk->options, a))
            harms_add(&cells, walk, estimate, a, unit_signs(columns, wanted, unit, a), 1);
    return cells;
}

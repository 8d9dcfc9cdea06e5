/* Blame. A unit's harms are known by their shares; here each share is parted among the measures that may have
 * done it, by how likely each is to be the one. */
#include "analyze/blame.h"

#include "analyze/units.h"

#define BY_RULES (OUTCOME(RULES_MOST) - 1)

/* Who may do a harm, and what of it is expected of each. */
struct blamed {
    outcomes may[HARMS];
    double weight[HARMS][RULES_MOST];
};

static uint32_t next_of(const struct walk *walk, enum unit unit, uint32_t first, uint32_t attempt)
{
    bool ends = false;
    return unit == UNIT_DELIVERY && !walk_goes_on(walk, attempt, &ends)
               ? NO_ATTEMPT
               : unit_after(walk->columns, unit, first, attempt);
}

static void put(struct blamed *blamed, enum harm harm, unsigned rule, double weight)
{
    blamed->may[harm] |= OUTCOME(rule);
    blamed->weight[harm][rule] += weight;
}

/* A stop for good: told or lost, and where nobody asks about deliveries perhaps only late. */
static void blame_stop(struct blamed *blamed, const struct walk *walk, enum unit unit, uint32_t first,
                       unsigned rule, double share)
{
    bool told = false, off = false;
    uint32_t last = first;
    for (uint32_t a = first; a != NO_ATTEMPT; a = next_of(walk, unit, first, a)) {
        last = a;
        if (walk->attempt[a] >> rule & 1)
            *(walk_puts_off(walk, rule, a) ? &off : &told) = true;
    }
    if (!told && !off) /* at a retry that the record does not show */
        *(walk_puts_off(walk, rule, last) ? &off : &told) = true;
    if (told)
        put(blamed, HARM_TOLD, rule, share);
    if (off)
        put(blamed, HARM_LOST, rule, share);
    if (off && unit != UNIT_DELIVERY)
        put(blamed, HARM_LATE, rule, share);
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
            put(blamed, HARM_LATE, (unsigned)__builtin_ctzll(left), share[__builtin_ctzll(left)]);
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

void blame_add(struct harm_cells *by_rule, const struct walk *walk, struct estimate *estimate, uint32_t first,
               uint16_t signs, uint64_t times)
{
    enum unit unit = walk->options->unit;
    uint32_t rule = 0;
    if (harms_first_stop(walk, unit, first, &rule) == NO_ATTEMPT)
        return;
    enum label label = signs_label(signs, walk->policy->rules[rule].measure->named, NULL);
    if (label != LABEL_WANTED && label != LABEL_PRESUMED)
        return;
    double share[HARM_KINDS];
    unsigned set = harms_of(walk, estimate, unit, first, share);
    struct blamed blamed = blame(walk, estimate, unit, first);
    for (int harm = 0; harm < HARMS; harm++)
        if (set >> harm & 1)
            part(by_rule, label == LABEL_WANTED, (enum harm)harm, &blamed, share[harm], set == 1u << harm,
                 times);
}

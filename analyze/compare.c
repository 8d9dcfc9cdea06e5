/* The comparison: each unit with the pairs of outcomes that it may have, into a matrix of the two policies'
 * rows, and those that move to whoever sent them.
 *
 * The estimate of a pair agrees with each policy's own estimate: the possible pairs are weighed so that both
 * margins come out (iterative proportional fitting). */
#include "analyze/compare.h"

#include <math.h>
#include <stdlib.h>
#include "analyze/counting.h"
#include "analyze/harms.h"
#include "analyze/moves.h"
#include "analyze/pairs.h"
#include "analyze/units.h"

enum { FITTING_ROUNDS = 12 };

struct side {
    const struct policy *policy; /* NULL: the record */
    struct walk walk;
    struct estimate *estimate;
    struct rows rows;
    struct tally *tally;
};

struct comparing {
    const struct columns *columns;
    const struct replay_options *options;
    struct side side[2];
    struct pairs *pairs;
    struct wanted wanted;
    struct moves *moves;
    struct moving all;
    struct cell *cell;
    uint8_t change[64][64]; /* of outcomes: enum change */
    struct pair pair[PAIRS_MOST];
    double share[PAIRS_MOST];
    int64_t net_low, net_high;
};

static struct walk *walk_of(struct side *side)
{
    return side->policy ? &side->walk : NULL;
}

static bool stops(uint8_t outcome)
{
    return outcome < RULES_MOST;
}

/* Rows of one name are the same row, be their parameters others. */
static void find_changes(struct comparing *comparing)
{
    const struct side *a = &comparing->side[0], *b = &comparing->side[1];
    for (size_t i = 0; i < a->rows.count; i++)
        for (size_t k = 0; k < b->rows.count; k++) {
            uint8_t from = a->rows.outcome[i], to = b->rows.outcome[k];
            comparing->change[from][to] = stops(to) && !stops(from)   ? CHANGE_STOPPED
                                          : stops(from) && !stops(to) ? CHANGE_PASSED
                                          : str_eq(a->tally->rows[i].name, b->tally->rows[k].name)
                                              ? CHANGE_NONE
                                              : CHANGE_OTHERWISE;
        }
}

/* ---- Shares. */

static void margin(struct side *side, outcomes set, uint32_t first, double share[64])
{
    memset(share, 0, 64 * sizeof *share);
    if (set & (set - 1))
        estimate_share(side->estimate, set, first, share);
    else
        share[__builtin_ctzll(set)] = 1;
}

/* Scales the shares of the pairs so that those of one side's outcomes sum to the margin. */
static void fit(struct comparing *comparing, size_t count, bool second, const double margin_of[64])
{
    double sum[64] = { 0 };
    for (size_t i = 0; i < count; i++)
        sum[second ? comparing->pair[i].b : comparing->pair[i].a] += comparing->share[i];
    for (size_t i = 0; i < count; i++) {
        uint8_t outcome = second ? comparing->pair[i].b : comparing->pair[i].a;
        comparing->share[i] *= sum[outcome] > 0 ? margin_of[outcome] / sum[outcome] : 0;
    }
}

static void find_shares(struct comparing *comparing, size_t count, uint32_t first)
{
    enum unit unit = comparing->options->unit;
    double margins[2][64], sum = 0;
    for (int s = 0; s < 2; s++) {
        struct side *side = &comparing->side[s];
        margin(side, unit_outcomes(comparing->columns, walk_of(side), unit, first), first, margins[s]);
    }
    for (size_t i = 0; i < count; i++)
        comparing->share[i] = 1e-9 + margins[0][comparing->pair[i].a] * margins[1][comparing->pair[i].b];
    for (int round = 0; round < FITTING_ROUNDS; round++) {
        fit(comparing, count, true, margins[1]);
        fit(comparing, count, false, margins[0]);
    }
    for (size_t i = 0; i < count; i++)
        sum += comparing->share[i];
    for (size_t i = 0; i < count; i++) /* where the margins cannot both be had */
        comparing->share[i] = sum > 0 ? comparing->share[i] / sum : 1.0 / (double)count;
}

/* ---- Units. */

/* The measure that stops one of the pair, whose own signs do not count. */
static enum named judged(const struct comparing *comparing, const struct pair *pair)
{
    const struct side *side = &comparing->side[stops(pair->b)];
    uint8_t outcome = stops(pair->b) ? pair->b : pair->a;
    if (!stops(outcome))
        return NAMED_NONE;
    return side->policy ? side->policy->rules[outcome].measure->named : (enum named)outcome;
}

static void cell_bound(struct cell *cell, size_t times, size_t count)
{
    cell->low = times == count;
    cell->high = times > 0;
}

/* What of a unit moves. */
static void take_moves(struct comparing *comparing, size_t count, uint32_t first)
{
    struct moving unit = { 0 };
    size_t changes[CHANGES] = { 0 }, labels[LABELS][CHANGES] = { { 0 } };
    uint16_t signs = unit_signs(comparing->columns, &comparing->wanted, comparing->options->unit, first);
    for (size_t i = 0; i < count; i++) {
        const struct pair *pair = &comparing->pair[i];
        enum change change = (enum change)comparing->change[pair->a][pair->b];
        enum label label = signs_label(signs, judged(comparing, pair), NULL);
        unit.change[change].expected += comparing->share[i];
        unit.label[label][change].expected += comparing->share[i];
        changes[change]++;
        labels[label][change]++;
    }
    for (int c = 0; c < CHANGES; c++) {
        cell_bound(&unit.change[c], changes[c], count);
        for (int l = 0; l < LABELS; l++)
            cell_bound(&unit.label[l][c], labels[l][c], count);
    }
    moving_add(&comparing->all, &unit);
    if (changes[CHANGE_NONE] < count)
        moves_add(comparing->moves, first, &unit);
}

static void take_unit(struct comparing *comparing, uint32_t first)
{
    size_t count = pairs_of(comparing->pairs, first, comparing->pair);
    size_t wide = comparing->side[1].rows.count;
    int least = 1, most = -1;
    if (count == 1)
        comparing->share[0] = 1;
    else
        find_shares(comparing, count, first);
    for (size_t i = 0; i < count; i++) {
        const struct pair *pair = &comparing->pair[i];
        struct cell *cell =
            &comparing
                 ->cell[comparing->side[0].rows.row[pair->a] * wide + comparing->side[1].rows.row[pair->b]];
        int more = stops(pair->b) - stops(pair->a);
        cell->expected += comparing->share[i];
        cell->low += count == 1;
        cell->high++;
        least = more < least ? more : least;
        most = more > most ? more : most;
    }
    comparing->net_low += least;
    comparing->net_high += most;
    take_moves(comparing, count, first);
}

/* ---- Whole counts. */

/* The cells while they become whole: each row sums to the first policy's already. */
struct levelling {
    const struct cell *cells;
    uint64_t *counts;
    size_t high, wide;
    int64_t *over;              /* by column: how much more it sums to than the second policy's */
    size_t *from, *row, *queue; /* by column: whence it was come to, and in which row */
};

/* The row in which a one may move from column to column; `high`: there is none. */
static size_t way(const struct levelling *it, size_t from, size_t to)
{
    size_t i = 0;
    while (i < it->high && (it->counts[i * it->wide + from] <= it->cells[i * it->wide + from].low ||
                            it->counts[i * it->wide + to] >= it->cells[i * it->wide + to].high))
        i++;
    return i;
}

/* Breadth first from a column with too much to one with too little, be it over others; `wide`: none. */
static size_t find_under(struct levelling *it, size_t start)
{
    size_t head = 0, tail = 0;
    for (size_t k = 0; k < it->wide; k++)
        it->from[k] = SIZE_MAX;
    it->from[start] = start;
    it->queue[tail++] = start;
    while (head < tail) {
        size_t column = it->queue[head++];
        if (it->over[column] < 0)
            return column;
        for (size_t to = 0; to < it->wide; to++) {
            size_t row = it->from[to] == SIZE_MAX ? way(it, column, to) : it->high;
            if (row == it->high)
                continue;
            it->from[to] = column;
            it->row[to] = row;
            it->queue[tail++] = to;
        }
    }
    return it->wide;
}

/* Moves ones along the rows until the columns sum to the second policy's counts. Where the cells' bounds,
 * which are of both policies at once, leave no way for the last one, the column's own sum is that count. */
static void level_columns(const struct cell *cells, uint64_t *counts, const struct tally *first,
                          struct tally *second)
{
    size_t wide = second->row_count;
    struct levelling it = { cells, counts, first->row_count, wide, NULL, NULL, NULL, NULL };
    it.over = mem_zero(wide, sizeof *it.over);
    it.from = mem_zero(wide * 3, sizeof *it.from);
    it.row = it.from + wide;
    it.queue = it.row + wide;
    for (size_t k = 0; k < wide; k++) {
        it.over[k] = -(int64_t)second->rows[k].count;
        for (size_t i = 0; i < it.high; i++)
            it.over[k] += (int64_t)counts[i * wide + k];
    }
    for (size_t k = 0; k < wide; k++)
        while (it.over[k] > 0) {
            size_t to = find_under(&it, k);
            if (to == wide)
                break;
            it.over[k]--;
            it.over[to]++;
            for (; to != k; to = it.from[to]) {
                counts[it.row[to] * wide + it.from[to]]--;
                counts[it.row[to] * wide + to]++;
            }
        }
    for (size_t k = 0; k < wide; k++)
        second->rows[k].count = (uint64_t)((int64_t)second->rows[k].count + it.over[k]);
    free(it.over);
    free(it.from);
}

/* The labels of a change sum to it. */
static void round_labels(const struct moving *all, enum change change, struct moved *moved)
{
    struct cell cells[LABELS];
    uint64_t counts[LABELS];
    for (int l = 0; l < LABELS; l++)
        cells[l] = all->label[l][change];
    cells_round(cells, LABELS, moved->change[change].count, counts);
    moved->wanted[change].count = counts[LABEL_WANTED];
    moved->presumed[change].count = counts[LABEL_PRESUMED];
    moved->unwanted[change].count = counts[LABEL_UNWANTED];
}

static void fill(struct comparing *comparing, struct comparison *to)
{
    const struct tally *first = &to->side[0];
    struct tally *second = &to->side[1];
    size_t high = first->row_count, wide = second->row_count;
    uint64_t *counts = mem_zero(high * wide, sizeof *counts);
    for (size_t i = 0; i < high; i++)
        cells_round(&comparing->cell[i * wide], wide, first->rows[i].count, &counts[i * wide]);
    level_columns(comparing->cell, counts, first, second);
    to->cell = arena_zero(&to->arena, high * wide * sizeof *to->cell);
    to->change = arena_zero(&to->arena, high * wide * sizeof *to->change);
    to->moved = moving_round(&comparing->all);
    for (int c = 0; c < CHANGES; c++) /* what the cells sum to, not what their sum would be rounded to */
        to->moved.change[c].count = 0;
    for (size_t i = 0; i < high * wide; i++) {
        const struct cell *cell = &comparing->cell[i];
        uint8_t from = comparing->side[0].rows.outcome[i / wide],
                into = comparing->side[1].rows.outcome[i % wide];
        to->cell[i] = (struct bounded){ counts[i], cell->low, cell->high };
        to->change[i] = (enum change)comparing->change[from][into];
        to->moved.change[to->change[i]].count += counts[i];
    }
    for (int c = 0; c < CHANGES; c++)
        round_labels(&comparing->all, (enum change)c, &to->moved);
    free(counts);
    to->net[0] =
        (int64_t)to->moved.change[CHANGE_STOPPED].count - (int64_t)to->moved.change[CHANGE_PASSED].count;
    to->net[1] = comparing->net_low;
    to->net[2] = comparing->net_high;
    for (int by = 0; by < MOVES_BYS; by++)
        to->groups[by] = moves_groups(comparing->moves, (enum moves_by)by, &to->group_count[by], &to->arena);
}

/* What both policies exempt as our own networks tells whom our recipients wrote to. */
static const struct networks *own_networks(const struct side side[2])
{
    for (int s = 0; s < 2; s++)
        if (side[s].policy && side[s].policy->exempt.networks.count)
            return &side[s].policy->exempt.networks;
    return NULL;
}

int compare_run(struct columns *columns, const struct policy *first, const struct policy *second,
                const struct replay_options *options, struct comparison *comparison, struct why *why)
{
    struct comparing *comparing = mem_zero(1, sizeof *comparing);
    struct side *side = comparing->side;
    int result = -1;
    *comparison = (struct comparison){ 0 };
    comparing->columns = columns;
    comparing->options = options;
    side[0].policy = first;
    side[1].policy = second;
    columns_chain(columns, options->retry_window);
    for (int s = 0; s < 2; s++)
        if (side[s].policy && walk_run(&side[s].walk, columns, side[s].policy, options, why) < 0)
            goto done;
    for (int s = 0; s < 2; s++) {
        side[s].tally = &comparison->side[s];
        side[s].estimate = side[s].policy ? estimate_new(&side[s].walk) : NULL;
        replay_count(columns, walk_of(&side[s]), side[s].estimate, options, &side[s].rows, side[s].tally);
    }
    find_changes(comparing);
    comparing->pairs = pairs_new(columns, walk_of(&side[0]), walk_of(&side[1]), options->unit);
    comparing->wanted = wanted_new(columns, own_networks(side));
    comparing->moves = moves_new(columns);
    comparing->cell = mem_zero(side[0].rows.count * side[1].rows.count, sizeof *comparing->cell);
    for (uint32_t a = 0; a < columns->attempt_count; a++)
        if (unit_begins(columns, options->unit, a) && unit_in_period(columns, options, a))
            take_unit(comparing, a);
    fill(comparing, comparison);
    pairs_free(comparing->pairs);
    wanted_free(&comparing->wanted);
    moves_free(comparing->moves);
    result = 0;
done:
    for (int s = 0; s < 2; s++) {
        estimate_free(side[s].estimate);
        walk_free(&side[s].walk);
    }
    free(comparing->cell);
    free(comparing);
    return result;
}

void comparison_free(struct comparison *comparison)
{
    tally_free(&comparison->side[0]);
    tally_free(&comparison->side[1]);
    arena_free(&comparison->arena);
}

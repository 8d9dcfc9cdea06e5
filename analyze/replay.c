/* Replay: from the walk's sets of outcomes to units, and from units to a tally. */
#include "analyze/replay.h"

#include <math.h>
#include <stdlib.h>
#include "analyze/cells.h"
#include "analyze/contradictions.h"
#include "analyze/counting.h"
#include "analyze/units.h"
#include "collect/wall.h"

struct counting {
    const struct columns *columns;
    const struct replay_options *options;
    struct walk *walk;                 /* NULL: the record itself */
    const struct condensed *condensed; /* NULL: all units are counted one by one */
    struct tally *tally;
    struct rows rows;
    struct estimate *estimate;
    struct cell all[64], stopped;
    enum basis basis[64];
    bool at_least[64];
    struct cell *slice; /* by slice, then row */
    uint64_t *slice_units;
    size_t slices, slice_room;
    const struct wall *wall;
};

/* The start of the slice that a time is in. */
static usec slice_start(enum slice_by by, usec at)
{
    int64_t day = at / USEC_DAY - (at % USEC_DAY < 0), year = 0;
    unsigned month = 0, date = 0;
    switch (by) {
    case SLICE_HOUR:
        return day * USEC_DAY + (at - day * USEC_DAY) / USEC_HOUR * USEC_HOUR;
    case SLICE_WEEK: /* 1970-01-01 was a Thursday */
        return (day - ((day + 3) % 7 + 7) % 7) * USEC_DAY;
    case SLICE_MONTH:
        clock_date(day, &year, &month, &date);
        return clock_days(year, month, 1) * USEC_DAY;
    case SLICE_DAY:
    case SLICE_NONE:
        break;
    }
    return day * USEC_DAY;
}

static usec slice_end(enum slice_by by, usec start)
{
    int64_t year = 0;
    unsigned month = 0, date = 0;
    switch (by) {
    case SLICE_HOUR:
        return start + USEC_HOUR;
    case SLICE_WEEK:
        return start + 7 * USEC_DAY;
    case SLICE_MONTH:
        clock_date(start / USEC_DAY, &year, &month, &date);
        return clock_days(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1) * USEC_DAY;
    case SLICE_DAY:
    case SLICE_NONE:
        break;
    }
    return start + USEC_DAY;
}

/* Slices are laid out from the first unit's to the last one's, without holes. */
static void make_slices(struct counting *counting)
{
    const struct columns *columns = counting->columns;
    enum slice_by by = counting->options->by;
    struct tally *tally = counting->tally;
    usec first = USEC_NONE, last = USEC_NONE;
    for (size_t s = 0; by != SLICE_NONE && s < columns->session_count; s++) {
        if (!unit_in_period(columns, counting->options, columns->first_attempt[s]))
            continue;
        usec shown = wall_shown(counting->wall, columns->started[s]);
        first = first == USEC_NONE || shown < first ? shown : first;
        last = last == USEC_NONE || shown > last ? shown : last;
    }
    if (first == USEC_NONE)
        return;
    size_t count = 0;
    for (usec start = slice_start(by, first); start <= last; start = slice_end(by, start))
        count++;
    tally->slices = arena_zero(&tally->arena, count * sizeof *tally->slices);
    tally->slice_count = counting->slices = count;
    counting->slice = mem_zero(count * counting->rows.count, sizeof *counting->slice);
    counting->slice_units = mem_zero(count, sizeof *counting->slice_units);
    usec start = slice_start(by, first);
    for (size_t i = 0; i < count; i++, start = slice_end(by, start))
        tally->slices[i] = (struct slice){ .from = start, .to = slice_end(by, start) };
}

static size_t slice_at(const struct counting *counting, usec at)
{
    size_t low = 0, high = counting->slices;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (counting->tally->slices[middle].from <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Takes so many units that are alike: what may have become of them, the first seen at `attempt`. */
static void count_unit(struct counting *counting, outcomes set, uint32_t attempt, bool cut_off,
                       uint64_t times)
{
    struct tally *tally = counting->tally;
    usec start = wall_shown(counting->wall, counting->columns->started[counting->columns->session[attempt]]);
    size_t rows = counting->rows.count;
    bool certain = (set & (set - 1)) == 0;
    tally->from = tally->from == USEC_NONE || start < tally->from ? start : tally->from;
    tally->to = tally->to == USEC_NONE || start > tally->to ? start : tally->to;
    tally->units += times;
    struct cell *slice = counting->slices ? &counting->slice[slice_at(counting, start) * rows] : NULL;
    if (slice)
        counting->slice_units[slice_at(counting, start)] += times;
    double share[64] = { 0 };
    enum basis basis = BASIS_EXACT;
    if (certain)
        share[__builtin_ctzll(set)] = 1;
    else
        basis = estimate_share(counting->estimate, set, attempt, share);
    counting->stopped.low += set >> RULES_MOST == 0 ? times : 0;
    counting->stopped.high += (set & (OUTCOME(RULES_MOST) - 1)) != 0 ? times : 0;
    double each = (double)times;
    for (outcomes left = set; left; left &= left - 1) {
        counting->stopped.expected +=
            __builtin_ctzll(left) < RULES_MOST ? each * share[__builtin_ctzll(left)] : 0;
        unsigned outcome = (unsigned)__builtin_ctzll(left), row = counting->rows.row[outcome];
        struct cell *cells[2] = { &counting->all[row], slice ? &slice[row] : NULL };
        for (int i = 0; i < 2 && cells[i]; i++) {
            cells[i]->expected += each * share[outcome];
            cells[i]->low += certain ? times : 0;
            cells[i]->high += times;
        }
        if (basis > counting->basis[row])
            counting->basis[row] = basis;
        counting->at_least[row] = counting->at_least[row] || cut_off;
    }
}

static void count_from(struct counting *counting, uint32_t first, uint64_t times)
{
    const struct columns *columns = counting->columns;
    enum unit unit = counting->options->unit;
    outcomes set = unit_outcomes(columns, counting->walk, unit, first);
    /* the server cut the session off: a laxer policy would have seen more */
    bool more = unit == UNIT_RECIPIENT && counting->walk &&
                columns->flags[columns->session[first]] & SESSION_CUT_OFF &&
                set != walk_recorded(columns, first) && set & OUTCOME(OUTCOME_ACCEPTED);
    count_unit(counting, set, first, more, times);
}

static void count_units(struct counting *counting)
{
    const struct columns *columns = counting->columns;
    const struct condensed *condensed = counting->condensed;
    for (size_t i = 0; condensed && i < condensed->classes->unit_count; i++) {
        if (condensed->stand)
            condensed->stand(condensed->state, i);
        count_from(counting, condensed->classes->unit[i].first, condensed->classes->unit[i].times);
    }
    for (uint32_t a = 0; !condensed && a < columns->attempt_count; a++)
        if (unit_begins(columns, counting->options->unit, a) && unit_in_period(columns, counting->options, a))
            count_from(counting, a, 1);
    if (condensed) {
        counting->tally->from = condensed->from;
        counting->tally->to = condensed->to;
    }
}

static void fill_tally(struct counting *counting)
{
    struct tally *tally = counting->tally;
    size_t rows = counting->rows.count;
    uint64_t counts[64];
    bool shown[64] = { false };
    cells_round(counting->all, rows, tally->units, counts);
    for (size_t i = 0; i < rows; i++) {
        struct row *row = &tally->rows[i];
        row->count = counts[i];
        row->low = counting->all[i].low;
        row->high = counting->all[i].high;
        row->basis = row->low == row->high ? BASIS_EXACT : counting->basis[i];
        row->at_least = counting->at_least[i];
        shown[i] = row->kind == ROW_MEASURE || row->kind == ROW_ACCEPTED || row->high > 0;
        if (row->kind == ROW_NOTHING && tally->unit != UNIT_SESSION)
            tally->base = row->count; /* for now: what percentages leave out */
    }
    tally->base = tally->units - tally->base;
    tally->stopped = cell_round(&counting->stopped);
    tally->stopped_low = counting->stopped.low;
    tally->stopped_high = counting->stopped.high;
    for (size_t s = 0; s < tally->slice_count; s++) {
        struct slice *slice = &tally->slices[s];
        const struct cell *cells = &counting->slice[s * rows];
        slice->units = counting->slice_units[s];
        slice->count = arena_zero(&tally->arena, rows * sizeof *slice->count);
        slice->low = arena_zero(&tally->arena, rows * sizeof *slice->low);
        slice->high = arena_zero(&tally->arena, rows * sizeof *slice->high);
        cells_round(cells, rows, slice->units, counts);
        size_t n = 0;
        for (size_t i = 0; i < rows; i++) {
            if (!shown[i])
                continue;
            slice->count[n] = counts[i];
            slice->low[n] = cells[i].low;
            slice->high[n++] = cells[i].high;
        }
    }
    rows_keep(&counting->rows, tally, shown);
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* What the delay that greylisting and its like cause amounts to: of deliveries that are put off first and
 * accepted at a later attempt of the record. */
static void measure_delay(struct counting *counting)
{
    const struct columns *columns = counting->columns;
    struct tally *tally = counting->tally;
    double *minutes = NULL;
    size_t room = 0;
    uint32_t *deliveries_of = mem_zero(columns->names.count, sizeof *deliveries_of);
    for (uint32_t a = 0; a < columns->attempt_count; a++)
        if (columns->before[a] == NO_ATTEMPT && columns->sender[a] != NAME_NONE)
            deliveries_of[columns->sender[a]]++;
    for (uint32_t head = 0; head < columns->attempt_count; head++) {
        if (columns->before[head] != NO_ATTEMPT || !unit_in_period(columns, counting->options, head))
            continue;
        outcomes first = counting->walk->attempt[head];
        bool put_off = first && (first & ~counting->walk->stateful) == 0;
        if (!put_off)
            continue;
        if (columns->sender[head] != NAME_NONE && deliveries_of[columns->sender[head]] == 1)
            tally->seen_once++;
        for (uint32_t a = columns->after[head]; a != NO_ATTEMPT; a = columns->after[a])
            if (counting->walk->attempt[a] == OUTCOME(OUTCOME_ACCEPTED)) {
                mem_room(minutes, room, tally->delayed + 1);
                if (minutes) /* it is not NULL: mem_room() ends the program first */
                    minutes[tally->delayed++] =
                        (double)(columns->at[a] - columns->at[head]) / (double)USEC_MINUTE;
                break;
            }
    }
    free(deliveries_of);
    if (minutes) {
        size_t n = (size_t)tally->delayed;
        qsort(minutes, n, sizeof *minutes, by_value);
        tally->delay_minutes_median = minutes[(n - 1) / 2];
        tally->delay_minutes_90 = minutes[(n - 1) * 9 / 10];
        tally->delay_minutes_99 = minutes[(n - 1) * 99 / 100];
    }
    free(minutes);
}

static void count_warnings(struct counting *counting, const struct policy *policy)
{
    const struct condensed *condensed = counting->condensed;
    for (size_t r = 0; r < policy->rule_count; r++) {
        const struct bits *hit = &counting->walk->hit[r];
        if (!rule_warns(&policy->rules[r]))
            continue;
        uint64_t warned = condensed ? 0 : bits_count(hit);
        for (size_t a = 0; condensed && a < counting->columns->attempt_count; a++)
            warned += bits_get(hit, a) ? condensed->times[a] : 0;
        counting->tally->rows[r].warned = warned;
    }
}

uint64_t replay_open(const struct columns *columns)
{
    uint64_t count = 0;
    for (size_t a = 0; a < columns->attempt_count; a++)
        count += columns->after[a] == NO_ATTEMPT && columns->sender[a] != NAME_NONE &&
                 (columns->answer[a] == ANSWER_DEFERRED || columns->answer[a] == ANSWER_DROPPED) &&
                 columns->at[a] + columns->retry_window > columns->to;
    return count;
}

static void note_open(struct counting *counting)
{
    char window[CLOCK_TEXT_BYTES];
    uint64_t count = counting->condensed ? counting->condensed->open : replay_open(counting->columns);
    if (!count)
        return;
    duration_format(counting->columns->retry_window, window);
    tally_note(
        counting->tally,
        arena_printf(&counting->tally->arena,
                     "The record ends less than %s after it put %llu %s off: whether these came back is "
                     "not known (--retry-window takes another time).",
                     window, (unsigned long long)count, count == 1 ? "delivery" : "deliveries"));
}

static void note_contradictions(struct counting *counting)
{
    struct contradictions found = { 0 };
    contradictions_find(counting->columns, &found);
    if (found.sessions)
        tally_note(
            counting->tally,
            arena_printf(&counting->tally->arena,
                         "Evidence contradicts itself in %llu %s (status --contradictions lists it); what "
                         "the server itself saw outweighs a capture, that a snapshot, that a look-up.",
                         (unsigned long long)found.sessions, found.sessions == 1 ? "session" : "sessions"));
    contradictions_free(&found);
}

static void write_notes(struct counting *counting)
{
    struct tally *tally = counting->tally;
    struct str notes[8];
    size_t count = counting->walk ? record_notes(counting->walk->record, &tally->arena, notes) : 0;
    for (size_t i = 0; i < count; i++)
        tally_note(tally, notes[i]);
    for (size_t r = 0; counting->walk && r < counting->walk->policy->rule_count; r++) {
        const struct measure *measure = counting->walk->policy->rules[r].measure;
        struct str note =
            measure->note ? measure->note(&counting->walk->judging[r], &tally->arena) : (struct str){ 0 };
        if (note.at)
            tally_note(tally, note);
    }
    if (counting->walk)
        note_contradictions(counting);
    enum basis worst = BASIS_EXACT;
    for (size_t i = 0; i < tally->row_count; i++)
        worst = tally->rows[i].basis > worst ? tally->rows[i].basis : worst;
    if (counting->walk && tally->unit == UNIT_DELIVERY && worst != BASIS_EXACT)
        note_open(counting);
    if (worst == BASIS_ESTIMATED || worst == BASIS_GUESSED)
        tally_note(tally,
                   STR("Estimates take what the record does not tell to be missing at random among like "
                       "units."));
    if (counting->walk && counting->options->assume_habits)
        tally_note(
            tally,
            STR("Assumed: clients keep their habits (those that came back before would have come back)."));
    if (counting->walk && !isnan(counting->options->assume_resend))
        tally_note(tally, arena_printf(&tally->arena, "Assumed: greylist.resend=%g.",
                                       counting->options->assume_resend));
    if (counting->walk && tally->unit == UNIT_DELIVERY)
        tally_note(tally, STR("Taken: a client stops at 2xx and 5xx; a retry that the record did not see has "
                              "the evidence of the "
                              "attempt that it repeats."));
}

static void count_all(const struct columns *columns, struct walk *walk, struct estimate *estimate,
                      const struct replay_options *options, const struct condensed *condensed,
                      struct rows *rows, struct tally *tally)
{
    const struct policy *policy = walk ? walk->policy : NULL;
    *tally = (struct tally){ .unit = options->unit, .from = USEC_NONE, .to = USEC_NONE };
    tally->delay_minutes_median = tally->delay_minutes_90 = tally->delay_minutes_99 = NAN;
    tally->policy = arena_str(&tally->arena, policy ? policy->name : STR("recorded"));
    struct counting counting = {
        .columns = columns,
        .options = options,
        .walk = walk,
        .estimate = estimate,
        .condensed = condensed,
        .tally = tally,
        .wall = options->wall,
    };
    if (options->wall)
        tally->zone = arena_str(&tally->arena, wall_name(options->wall));
    rows_make(&counting.rows, columns, policy, tally);
    make_slices(&counting);
    count_units(&counting);
    if (policy)
        count_warnings(&counting, policy);
    fill_tally(&counting);
    if (policy && options->unit == UNIT_DELIVERY && walk->stateful && !condensed)
        measure_delay(&counting);
    write_notes(&counting);
    free(counting.slice);
    free(counting.slice_units);
    if (rows)
        *rows = counting.rows;
}

void replay_count(const struct columns *columns, struct walk *walk, struct estimate *estimate,
                  const struct replay_options *options, struct rows *rows, struct tally *tally)
{
    count_all(columns, walk, estimate, options, NULL, rows, tally);
}

void replay_count_condensed(const struct columns *part, struct walk *walk, struct estimate *estimate,
                            const struct replay_options *options, const struct condensed *condensed,
                            struct tally *tally)
{
    count_all(part, walk, estimate, options, condensed, NULL, tally);
}

int replay_run(struct columns *columns, const struct policy *policy, const struct replay_options *options,
               struct tally *tally, struct why *why)
{
    struct walk walk = { 0 };
    columns_chain(columns, options->retry_window);
    if (policy && walk_run(&walk, columns, policy, options, why) < 0)
        return -1;
    struct estimate *estimate = policy ? estimate_new(&walk) : NULL;
    replay_count(columns, policy ? &walk : NULL, estimate, options, NULL, tally);
    estimate_free(estimate);
    walk_free(&walk);
    return 0;
}

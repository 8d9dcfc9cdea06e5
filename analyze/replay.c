/* Replay: from the walk's sets of outcomes to units, and from units to a tally. */
#include "analyze/replay.h"

#include <math.h>
#include <stdlib.h>
#include "analyze/estimate.h"
#include "analyze/walk.h"

/* The rows that a tally is counted in: those of the policy, or of what the record names, then the ends. */
struct rows {
    size_t count;
    uint8_t outcome[64]; /* of each row */
    uint8_t row[64];     /* of each outcome; UINT8_MAX: none */
};

struct cell {
    double expected;
    uint64_t low, high;
};

struct counting {
    const struct columns *columns;
    const struct replay_options *options;
    struct walk *walk; /* NULL: the record itself */
    struct tally *tally;
    struct rows rows;
    struct estimate *estimate;
    struct cell all[64];
    enum basis basis[64];
    bool at_least[64];
    struct cell *slice; /* by slice, then row */
    uint64_t *slice_units;
    size_t slices, slice_room;
    usec first_slice;
};

static const struct end {
    enum row_kind kind;
    uint8_t outcome;
    struct str name, title;
} ends[] = {
    { ROW_ACCEPTED, OUTCOME_ACCEPTED, STR_INIT("accepted"), STR_INIT("Accepted") },
    { ROW_OTHER, OUTCOME_OTHER, STR_INIT("other"), STR_INIT("Refused for other reasons") },
    { ROW_ABANDONED, OUTCOME_ABANDONED, STR_INIT("abandoned"), STR_INIT("Abandoned by the client") },
    { ROW_NOTHING, OUTCOME_NOTHING, STR_INIT("nothing-attempted"), STR_INIT("Nothing attempted") },
    { ROW_RELAYED, OUTCOME_RELAYED, STR_INIT("relayed"), STR_INIT("Through trusted relays") },
};

static struct row *add_row(struct counting *counting, uint8_t outcome, enum row_kind kind, struct str name,
                           struct str title)
{
    struct tally *tally = counting->tally;
    struct rows *rows = &counting->rows;
    struct row *row = &tally->rows[tally->row_count++];
    *row = (struct row){ .kind = kind };
    row->name = arena_str(&tally->arena, name);
    row->title = arena_str(&tally->arena, title);
    rows->outcome[rows->count] = outcome;
    rows->row[outcome] = (uint8_t)rows->count++;
    return row;
}

static struct str title_of(const struct measure *measure, enum unit unit)
{
    return str_of(unit != UNIT_DELIVERY && measure->title_by_unit ? measure->title_by_unit : measure->title);
}

static void make_rows(struct counting *counting, const struct policy *policy)
{
    struct tally *tally = counting->tally;
    tally->rows = arena_zero(&tally->arena, 64 * sizeof *tally->rows);
    memset(counting->rows.row, 0xff, sizeof counting->rows.row);
    if (policy) {
        for (unsigned r = 0; r < policy->rule_count; r++) {
            const struct rule *rule = &policy->rules[r];
            bool own = !str_eq(rule->title, str_of(rule->measure->title));
            add_row(counting, (uint8_t)r, ROW_MEASURE, rule->name,
                    own ? rule->title : title_of(rule->measure, tally->unit));
        }
    } else {
        uint32_t named = 0;
        const struct columns *columns = counting->columns;
        for (size_t a = 0; a < columns->attempt_count; a++)
            named |= columns->named[a] > NAMED_OTHER ? (uint32_t)1 << columns->named[a] : 0;
        for (const struct measure *const *m = measures; *m; m++)
            if (named >> (*m)->named & 1) {
                add_row(counting, (uint8_t)(*m)->named, ROW_MEASURE, str_of((*m)->name),
                        title_of(*m, tally->unit));
                named &= ~((uint32_t)1 << (*m)->named);
            }
        /* named by the server, and no measure of ours yet */
        for (unsigned n = NAMED_OTHER + 1; n < NAMED_COUNT; n++)
            if (named >> n & 1)
                add_row(counting, (uint8_t)n, ROW_MEASURE, str_of(named_measure[n]),
                        str_of(named_measure[n]));
    }
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        add_row(counting, ends[i].outcome, ends[i].kind, ends[i].name, ends[i].title);
}

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

static bool in_period(const struct replay_options *options, usec at)
{
    return (options->from == USEC_NONE || at >= options->from) &&
           (options->to == USEC_NONE || at < options->to);
}

/* Slices are laid out from the first unit's to the last one's, without holes. */
static void make_slices(struct counting *counting)
{
    const struct columns *columns = counting->columns;
    enum slice_by by = counting->options->by;
    struct tally *tally = counting->tally;
    usec first = USEC_NONE, last = USEC_NONE;
    for (size_t s = 0; by != SLICE_NONE && s < columns->session_count; s++) {
        if (!in_period(counting->options, columns->started[s]))
            continue;
        first = first == USEC_NONE ? columns->started[s] : first;
        last = columns->started[s];
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

/* Takes one unit: what may have become of it, first seen at `attempt`. */
static void count_unit(struct counting *counting, outcomes set, uint32_t attempt, bool cut_off)
{
    struct tally *tally = counting->tally;
    usec start = counting->columns->started[counting->columns->session[attempt]];
    size_t rows = counting->rows.count;
    if (!in_period(counting->options, start))
        return;
    bool certain = (set & (set - 1)) == 0;
    tally->from = tally->from == USEC_NONE || start < tally->from ? start : tally->from;
    tally->to = tally->to == USEC_NONE || start > tally->to ? start : tally->to;
    tally->units++;
    struct cell *slice = counting->slices ? &counting->slice[slice_at(counting, start) * rows] : NULL;
    if (slice)
        counting->slice_units[slice_at(counting, start)]++;
    double share[64] = { 0 };
    enum basis basis = BASIS_EXACT;
    if (certain)
        share[__builtin_ctzll(set)] = 1;
    else
        basis = estimate_share(counting->estimate, set, attempt, share);
    for (outcomes left = set; left; left &= left - 1) {
        unsigned outcome = (unsigned)__builtin_ctzll(left), row = counting->rows.row[outcome];
        struct cell *cells[2] = { &counting->all[row], slice ? &slice[row] : NULL };
        for (int i = 0; i < 2 && cells[i]; i++) {
            cells[i]->expected += share[outcome];
            cells[i]->low += certain;
            cells[i]->high++;
        }
        if (basis > counting->basis[row])
            counting->basis[row] = basis;
        counting->at_least[row] = counting->at_least[row] || cut_off;
    }
}

static outcomes outcomes_of(const struct counting *counting, uint32_t attempt)
{
    return counting->walk ? counting->walk->attempt[attempt] : walk_recorded(counting->columns, attempt);
}

/* A session, or the accepted recipients of a message: accepted when any attempt is, else it belongs to what
 * stopped the first that was stopped. */
static outcomes combine(const struct counting *counting, uint32_t from, uint32_t to,
                        bool (*wanted)(const struct columns *, uint32_t, uint32_t), uint32_t first)
{
    const outcomes accepted = OUTCOME(OUTCOME_ACCEPTED);
    const outcomes left = OUTCOME(OUTCOME_ABANDONED) | OUTCOME(OUTCOME_NOTHING);
    outcomes set = 0,
             leaves = left; /* what it may come to if the client leaves each attempt so far by itself */
    for (uint32_t a = from; a < to; a++) {
        if (wanted && !wanted(counting->columns, a, first))
            continue;
        outcomes one = outcomes_of(counting, a);
        if (one == accepted)
            return accepted;
        set |= one & accepted;
        if (leaves)
            set |= one & ~(accepted | left);
        leaves &= one;
    }
    return set | leaves;
}

static void count_sessions(struct counting *counting)
{
    const struct columns *columns = counting->columns;
    for (size_t s = 0; s < columns->session_count; s++) {
        uint32_t first = columns->first_attempt[s];
        count_unit(counting, combine(counting, first, columns->first_attempt[s + 1], NULL, first), first,
                   false);
    }
}

static void count_recipients(struct counting *counting)
{
    const struct columns *columns = counting->columns;
    for (uint32_t a = 0; a < columns->attempt_count; a++) {
        uint8_t flags = columns->flags[columns->session[a]];
        outcomes set = outcomes_of(counting, a);
        /* the server cut the session off: a laxer policy would have seen more */
        bool more =
            flags & SESSION_CUT_OFF && set != walk_recorded(columns, a) && set & OUTCOME(OUTCOME_ACCEPTED);
        count_unit(counting, set, a, more && counting->walk);
    }
}

static bool same_message(const struct columns *columns, uint32_t attempt, uint32_t first)
{
    return columns->answer[attempt] == ANSWER_ACCEPTED &&
           columns->transaction[attempt] == columns->transaction[first];
}

static void count_messages(struct counting *counting)
{
    const struct columns *columns = counting->columns;
    for (uint32_t a = 0; a < columns->attempt_count; a++) {
        uint32_t s = columns->session[a];
        bool begins = columns->answer[a] == ANSWER_ACCEPTED;
        for (uint32_t b = columns->first_attempt[s]; begins && b < a; b++)
            begins = !same_message(columns, b, a);
        if (begins)
            count_unit(counting, combine(counting, a, columns->first_attempt[s + 1], same_message, a), a,
                       false);
    }
}

static outcomes recorded_delivery(const struct columns *columns, uint32_t head)
{
    uint32_t last = head;
    while (columns->after[last] != NO_ATTEMPT)
        last = columns->after[last];
    return walk_recorded(columns, last);
}

static void count_deliveries(struct counting *counting)
{
    const struct columns *columns = counting->columns;
    for (uint32_t a = 0; a < columns->attempt_count; a++) {
        if (columns->before[a] != NO_ATTEMPT)
            continue;
        count_unit(counting, counting->walk ? counting->walk->delivery[a] : recorded_delivery(columns, a), a,
                   false);
    }
}

struct remainder {
    double part;
    size_t row;
};

static int by_remainder(const void *left, const void *right)
{
    const struct remainder *a = left, *b = right;
    if (a->part != b->part)
        return a->part > b->part ? -1 : 1;
    return a->row < b->row ? -1 : a->row > b->row;
}

/* Whole counts that sum to the units, each within its bounds: largest remainder. */
static void round_counts(const struct cell *cells, size_t rows, uint64_t units, uint64_t *counts)
{
    struct remainder order[64] = { { 0, 0 } };
    uint64_t sum = 0;
    for (size_t i = 0; i < rows; i++) {
        double whole = floor(cells[i].expected + 1e-9);
        counts[i] = (uint64_t)whole;
        counts[i] = counts[i] < cells[i].low    ? cells[i].low
                    : counts[i] > cells[i].high ? cells[i].high
                                                : counts[i];
        order[i] = (struct remainder){ cells[i].expected - (double)counts[i], i };
        sum += counts[i];
    }
    qsort(order, rows, sizeof *order, by_remainder);
    for (size_t guard = 0; sum < units && guard < 4; guard++)
        for (size_t i = 0; i < rows && sum < units; i++)
            if (counts[order[i].row] < cells[order[i].row].high) {
                counts[order[i].row]++;
                sum++;
            }
    for (size_t guard = 0; sum > units && guard < 4; guard++)
        for (size_t i = rows; i-- > 0 && sum > units;)
            if (counts[order[i].row] > cells[order[i].row].low) {
                counts[order[i].row]--;
                sum--;
            }
}

static void fill_tally(struct counting *counting)
{
    struct tally *tally = counting->tally;
    size_t rows = counting->rows.count;
    uint64_t counts[64];
    bool shown[64] = { false };
    round_counts(counting->all, rows, tally->units, counts);
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
    for (size_t s = 0; s < tally->slice_count; s++) {
        struct slice *slice = &tally->slices[s];
        const struct cell *cells = &counting->slice[s * rows];
        slice->units = counting->slice_units[s];
        slice->count = arena_zero(&tally->arena, rows * sizeof *slice->count);
        slice->low = arena_zero(&tally->arena, rows * sizeof *slice->low);
        slice->high = arena_zero(&tally->arena, rows * sizeof *slice->high);
        round_counts(cells, rows, slice->units, counts);
        size_t n = 0;
        for (size_t i = 0; i < rows; i++) {
            if (!shown[i])
                continue;
            slice->count[n] = counts[i];
            slice->low[n] = cells[i].low;
            slice->high[n++] = cells[i].high;
        }
    }
    size_t n = 0;
    for (size_t i = 0; i < rows; i++)
        if (shown[i])
            tally->rows[n++] = tally->rows[i];
    tally->row_count = n;
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
        if (columns->before[head] != NO_ATTEMPT ||
            !in_period(counting->options, columns->started[columns->session[head]]))
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
    for (size_t r = 0; r < policy->rule_count; r++)
        if (rule_warns(&policy->rules[r]))
            counting->tally->rows[r].warned = bits_count(&counting->walk->hit[r]);
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
    if (counting->walk && counting->columns->contradictions)
        tally_note(
            tally,
            arena_printf(
                &tally->arena,
                "%llu pieces of evidence contradict others of the same session; what the server itself "
                "saw outweighs a capture, that a snapshot, that a look-up.",
                (unsigned long long)counting->columns->contradictions));
    enum basis worst = BASIS_EXACT;
    for (size_t i = 0; i < tally->row_count; i++)
        worst = tally->rows[i].basis > worst ? tally->rows[i].basis : worst;
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

int replay_run(struct columns *columns, const struct policy *policy, const struct replay_options *options,
               struct tally *tally, struct why *why)
{
    static const struct policy as_recorded = { .name = STR_INIT("recorded") };
    struct walk walk = { 0 };
    columns_chain(columns, options->retry_window);
    if (policy && walk_run(&walk, columns, policy, options, why) < 0)
        return -1;
    *tally = (struct tally){ .unit = options->unit, .from = USEC_NONE, .to = USEC_NONE };
    tally->delay_minutes_median = tally->delay_minutes_90 = tally->delay_minutes_99 = NAN;
    tally->policy = arena_str(&tally->arena, policy ? policy->name : as_recorded.name);
    struct counting counting = {
        .columns = columns, .options = options, .walk = policy ? &walk : NULL, .tally = tally
    };
    counting.estimate = policy ? estimate_new(&walk) : NULL;
    make_rows(&counting, policy);
    make_slices(&counting);
    switch (options->unit) {
    case UNIT_SESSION:
        count_sessions(&counting);
        break;
    case UNIT_RECIPIENT:
        count_recipients(&counting);
        break;
    case UNIT_MESSAGE:
        count_messages(&counting);
        break;
    case UNIT_DELIVERY:
    case UNITS:
        count_deliveries(&counting);
        break;
    }
    if (policy)
        count_warnings(&counting, policy);
    fill_tally(&counting);
    if (policy && options->unit == UNIT_DELIVERY && walk.stateful)
        measure_delay(&counting);
    write_notes(&counting);
    estimate_free(counting.estimate);
    free(counting.slice);
    free(counting.slice_units);
    walk_free(&walk);
    return 0;
}

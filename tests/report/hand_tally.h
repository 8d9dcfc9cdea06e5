/* Tallies made by hand, for the tests of this room. */
#ifndef TESTS_REPORT_HAND_TALLY_H
#define TESTS_REPORT_HAND_TALLY_H

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "analyze/tally.h"

struct hand_row {
    enum row_kind kind;
    const char *name, *title;
    uint64_t count, low, high;
    enum basis basis;
};

static inline void hand_sum(struct tally *tally)
{
    tally->units = tally->base = 0;
    for (size_t i = 0; i < tally->row_count; i++) {
        tally->units += tally->rows[i].count;
        if (tally->rows[i].kind != ROW_NOTHING || tally->unit == UNIT_SESSION)
            tally->base += tally->rows[i].count;
    }
}

static inline struct tally hand_tally(const char *policy, const struct hand_row *rows, size_t count)
{
    struct tally tally = { .policy = str_of(policy),
                           .row_count = count,
                           .from = clock_days(2009, 3, 1) * USEC_DAY,
                           .to = clock_days(2009, 3, 31) * USEC_DAY + 17 * USEC_HOUR,
                           .delay_minutes_median = NAN,
                           .delay_minutes_90 = NAN,
                           .delay_minutes_99 = NAN };
    tally.rows = arena_zero(&tally.arena, count * sizeof *tally.rows);
    for (size_t i = 0; i < count; i++)
        tally.rows[i] = (struct row){ .kind = rows[i].kind,
                                      .name = str_of(rows[i].name),
                                      .title = str_of(rows[i].title),
                                      .count = rows[i].count,
                                      .low = rows[i].low,
                                      .high = rows[i].high,
                                      .basis = rows[i].basis };
    hand_sum(&tally);
    return tally;
}

/* The talk's table, to the last digit (semantics.md section 9). */
static inline struct tally hand_talk(void)
{
    static const struct hand_row rows[] = {
        { ROW_MEASURE, "no-rdns", "No reverse DNS", 3424, 3424, 3424, BASIS_EXACT },
        { ROW_MEASURE, "dnsbl", "Listed in chosen RBLs", 6210, 6210, 6210, BASIS_EXACT },
        { ROW_MEASURE, "early-talker", "Early talkers", 1, 1, 1, BASIS_EXACT },
        { ROW_MEASURE, "greylist", "Greylisted: didn't resend", 197, 197, 197, BASIS_EXACT },
        { ROW_ACCEPTED, "accepted", "Accepted", 206, 206, 206, BASIS_EXACT },
    };
    return hand_tally("talk-2009", rows, 5);
}

/* Weeks with a weekend, months with a middle, and each row a little after the one before. */
static inline uint64_t hand_weight(size_t slice, size_t row)
{
    uint64_t day = slice + row, weekly = day % 7 < 5 ? 6 : 2,
             monthly = day % 30 < 15 ? day % 30 : 30 - day % 30;
    return 4 + weekly + monthly + slice * 7919 % 5;
}

/* `count` slices of `length` from `from` on, over which the rows' counts are spread unevenly but the same
 * each time; bounds in proportion. A length of 0 is months. */
static inline void hand_slice(struct tally *tally, usec from, usec length, size_t count)
{
    tally->slices = arena_zero(&tally->arena, count * sizeof *tally->slices);
    tally->slice_count = count;
    usec at = from;
    for (size_t s = 0; s < count; s++) {
        struct slice *slice = &tally->slices[s];
        slice->from = at;
        if (length) {
            at += length;
        } else {
            int64_t year = 0;
            unsigned month = 0, day = 0;
            clock_date(at / USEC_DAY, &year, &month, &day);
            at = clock_days(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1) * USEC_DAY;
        }
        slice->to = at;
        slice->count = arena_zero(&tally->arena, tally->row_count * sizeof(uint64_t));
        slice->low = arena_zero(&tally->arena, tally->row_count * sizeof(uint64_t));
        slice->high = arena_zero(&tally->arena, tally->row_count * sizeof(uint64_t));
    }
    for (size_t i = 0; count && i < tally->row_count; i++) {
        const struct row *row = &tally->rows[i];
        uint64_t weight = 0, done = 0, before = 0, low_before = 0, high_before = 0;
        for (size_t s = 0; s < count; s++)
            weight += hand_weight(s, i);
        for (size_t s = 0; s < count; s++) {
            done += hand_weight(s, i);
            uint64_t upto = row->count * done / weight, low = row->low * done / weight,
                     high = row->high * done / weight;
            struct slice *slice = &tally->slices[s];
            slice->count[i] = upto - before;
            slice->low[i] = low - low_before < slice->count[i] ? low - low_before : slice->count[i];
            slice->high[i] = high - high_before > slice->count[i] ? high - high_before : slice->count[i];
            slice->units += slice->count[i];
            before = upto, low_before = low, high_before = high;
        }
    }
    if (count) {
        tally->from = tally->slices[0].from;
        tally->to = tally->slices[count - 1].to - USEC_HOUR / 2;
    }
}

/* All that a call prints, as a string of the caller's. */
#define CAUGHT(to, text, ...)                                                                                \
    do {                                                                                                     \
        size_t caught_len = 0;                                                                               \
        FILE *to = open_memstream(&(text), &caught_len);                                                     \
        __VA_ARGS__;                                                                                         \
        fclose(to);                                                                                          \
    } while (0)

#endif

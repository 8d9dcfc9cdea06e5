/* Retry habits: *retries* who came back after a 4xx at least once and in at least 80 % of the recorded
 * deferrals, *gives up* who never came back after at least 3 deferrals on different days. */
#include "analyze/habits.h"

#include <stdlib.h>

struct tries {
    uint32_t deferrals, back, days; /* days: different ones on which it was deferred */
    int64_t last_day;
};

struct habits {
    const struct columns *columns;
    struct tries *address, *network;
};

static void take(struct tries *tries, int64_t day, bool back, bool over)
{
    tries->deferrals++;
    tries->back += back;
    if (!over)
        return;
    if (tries->days == 0 || tries->last_day != day)
        tries->days++;
    tries->last_day = day;
}

struct habits *habits_new(const struct columns *columns)
{
    struct habits *habits = mem_zero(1, sizeof *habits);
    habits->columns = columns;
    habits->address = mem_zero(columns->address_count, sizeof *habits->address);
    habits->network = mem_zero(columns->network_count, sizeof *habits->network);
    for (uint32_t a = 0; a < columns->attempt_count; a++) {
        bool told = columns->sender[a] != NAME_NONE && columns->address_of[a] != NAME_NONE;
        bool deferred = columns->answer[a] == ANSWER_DEFERRED || columns->answer[a] == ANSWER_DROPPED;
        bool closed = columns->at[a] + columns->retry_window <= columns->to;
        uint32_t after = columns->after[a], address = columns->client[columns->session[a]];
        if (!told || !deferred)
            continue;
        /* Who may still come back after the record's end does not count as giving up, but not as coming back
         * either: else, near the end, only those who do would count. */
        uint32_t next = after == NO_ATTEMPT ? UINT32_MAX : columns->client[columns->session[after]];
        int64_t day = columns->at[a] / USEC_DAY;
        bool over = after != NO_ATTEMPT || closed;
        take(&habits->address[address], day, next == address, over);
        take(&habits->network[columns->network[address]], day,
             next != UINT32_MAX && columns->network[next] == columns->network[address], over);
    }
    return habits;
}

void habits_free(struct habits *habits)
{
    if (!habits)
        return;
    free(habits->address);
    free(habits->network);
    free(habits);
}

enum habit habit_of(const struct habits *habits, uint32_t attempt, bool by_address)
{
    const struct columns *columns = habits->columns;
    uint32_t address = columns->client[columns->session[attempt]];
    const struct tries *tries =
        by_address ? &habits->address[address] : &habits->network[columns->network[address]];
    if (tries->back && (uint64_t)tries->back * 5 >= (uint64_t)tries->deferrals * 4)
        return HABIT_RETRIES;
    return tries->back == 0 && tries->days >= 3 ? HABIT_GIVES_UP : HABIT_UNKNOWN;
}

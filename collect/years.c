/* The years of stamps that have none. */
#include "collect/years.h"

static int64_t year_of(usec at)
{
    int64_t year = 0;
    unsigned month = 0, day = 0;
    clock_date(at / USEC_DAY - (at % USEC_DAY < 0), &year, &month, &day);
    return year;
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int64_t year_following(const struct stamp *stamp, usec last)
{
    int64_t year = year_of(last);
    /* Each year is tried rather than reckoned with 365 days: leap days then come out by themselves. */
    if (stamp_time(stamp, year) < last - YEARS_BACK_MOST)
        return year + 1;
    if (stamp_time(stamp, year - 1) >= last - YEARS_BACK_MOST)
        return year - 1;
    return year;
}

int64_t year_not_after(const struct stamp *stamp, usec latest)
{
    int64_t year = year_of(latest);
    bool leap_day = stamp->month == 2 && stamp->day == 29;
    while (stamp_time(stamp, year) > latest || (leap_day && !is_leap(year)))
        year--;
    return year;
}

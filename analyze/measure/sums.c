/* All listings are gone through, 1,024 at most. */
#include "analyze/measure/sums.h"

static bool reaches(const struct zone_sum *sum, size_t zones, unsigned listing)
{
    double total = 0;
    for (size_t z = 0; z < zones; z++)
        total += listing >> z & 1 ? sum->weight[z] : 0;
    return total >= sum->threshold;
}

static bool agrees(const struct zone_sums *sums, unsigned listing)
{
    for (size_t k = 0; k < sums->known_count; k++)
        if (reaches(&sums->known[k], sums->zones, listing) != sums->known[k].reached)
            return false;
    return true;
}

enum tri zone_sums_reach(const struct zone_sums *sums)
{
    unsigned seen = 0, listed = 0;
    bool some = false, none = false;
    for (size_t z = 0; z < sums->zones; z++) {
        seen |= (unsigned)(sums->listed[z] != UNKNOWN) << z;
        listed |= (unsigned)(sums->listed[z] == YES) << z;
    }
    for (unsigned listing = 0; listing < 1u << sums->zones && !(some && none); listing++) {
        if ((listing & seen) != listed || !agrees(sums, listing))
            continue;
        if (reaches(&sums->ours, sums->zones, listing))
            some = true;
        else
            none = true;
    }
    return some == none ? UNKNOWN : tri_of(some);
}

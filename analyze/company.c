/* Company. */
#include "analyze/company.h"
#include "analyze/cost.h"

#include <stdlib.h>
#include "analyze/signature.h"

static bool is_alone(const struct columns *columns, uint32_t a)
{
    uint32_t s = columns->session[a];
    return columns->before[a] == NO_ATTEMPT && columns->after[a] == NO_ATTEMPT &&
           columns->first_attempt[s + 1] - columns->first_attempt[s] == 1;
}

static uint32_t merged(const uint32_t *of, uint32_t fine)
{
    return of ? of[fine] : fine;
}

/* ---- The classes of units, as the digest found them. */

struct finder {
    const struct digest *digest;
    const struct wanted *wanted;
    struct signatures found;
    uint32_t *last; /* by the part's attempt: the class found last, and one */
};

static struct finder finder_new(const struct digest *digest, const struct wanted *wanted)
{
    struct finder finder = { .digest = digest, .wanted = wanted };
    finder.last = mem_zero(digest->columns->attempt_count + 1, sizeof *finder.last);
    for (size_t i = 0; i < digest->classes.unit_count; i++) {
        const struct unit_class *unit = &digest->classes.unit[i];
        signatures_number(&finder.found, signature_mix(unit->first, unit->signs), (uint32_t)i);
    }
    return finder;
}

static uint32_t find_unit(struct finder *finder, uint32_t head)
{
    uint32_t first = finder->digest->like[head], last = finder->last[first];
    uint16_t signs = wanted_signs(finder->wanted, head);
    if (last && finder->digest->classes.unit[last - 1].signs == signs)
        return last - 1;
    uint32_t number = signatures_number(&finder->found, signature_mix(first, signs), UINT32_MAX - 1);
    finder->last[first] = number + 1;
    return number;
}

/* ---- Units. */

static void add_chain(struct company *company, const struct columns *columns, uint32_t head, uint32_t unit,
                      uint32_t *what)
{
    mem_room(company->chain, company->chain_room, company->chain_count + 1);
    struct chain *chain = &company->chain[company->chain_count++];
    *chain = (struct chain){ head, unit, (uint32_t)company->slot_count, 0, company->course->about_of[head] };
    for (uint32_t a = head; a != NO_ATTEMPT; a = columns->after[a], chain->count++)
        what[a] = (uint32_t)company->slot_count++ | IN_COMPANY;
}

/* By attempt of the record: what stands at its place. */
static uint32_t *find_units(struct company *company, const struct columns *columns,
                            const struct wanted *wanted)
{
    const struct course *course = company->course;
    const struct classes *classes = company->classes;
    struct finder finder = finder_new(company->digest, wanted);
    uint32_t *what = mem_alloc((columns->attempt_count + 1) * sizeof *what);
    for (uint32_t a = 0; a < columns->attempt_count; a++) {
        uint32_t about = course->about_of[a];
        if (columns->before[a] != NO_ATTEMPT)
            continue;
        uint32_t unit = merged(classes->unit_of, find_unit(&finder, a));
        if (!is_alone(columns, a)) {
            add_chain(company, columns, a, unit, what);
            continue;
        }
        what[a] = unit;
        company->alone_first[unit] = classes->unit[unit].first;
        double size = columns->size[a] == SIZE_NOT_KNOWN ? company->mean_size : columns->size[a];
        for (unsigned i = 0; i < 2; i++) {
            size_t at = unit * COMPANY_HABITS + (about >> i * COURSE_NETWORK_AT & COURSE_HABIT);
            company->times[i][at]++;
            company->bytes[i][at] += size;
        }
    }
    free(finder.last);
    signatures_free(&finder.found);
    return what;
}

static void find_likes(struct company *company, const struct columns *columns)
{
    const struct digest *digest = company->digest;
    struct bits seen = bits_new(digest->columns->attempt_count);
    company->like = mem_alloc((company->slot_count + 1) * sizeof *company->like);
    for (size_t i = 0; i < company->chain_count; i++) {
        const struct chain *chain = &company->chain[i];
        uint32_t slot = chain->slot;
        for (uint32_t a = chain->head; a != NO_ATTEMPT; a = columns->after[a], slot++) {
            uint32_t like = merged(company->classes->attempt_of, digest->like[a]);
            company->like[slot] = like | (a == chain->head ? FIRST_SLOT : 0);
            if (bits_get(&seen, like))
                continue;
            bits_set(&seen, like);
            mem_room(company->liked, company->liked_room, company->liked_count + 1);
            company->liked[company->liked_count++] = like;
        }
    }
    bits_free(&seen);
}

/* ---- Sessions. */

static uint64_t session_signature(const uint32_t *like, uint32_t from, uint32_t to)
{
    uint64_t own = 3;
    for (uint32_t a = from; a < to; a++)
        own = signature_mix(own, like[a]);
    return own;
}

static void find_sessions(struct company *company, const struct columns *columns, const uint32_t *what)
{
    const struct digest *digest = company->digest;
    const struct columns *part = digest->columns;
    struct signatures found = { 0 };
    uint32_t *lone = mem_alloc((part->attempt_count + 1) * sizeof *lone); /* class, by its only attempt */
    memset(lone, 0xff, (part->attempt_count + 1) * sizeof *lone);
    for (uint32_t i = 0; i < digest->classes.session_count; i++) {
        uint32_t s = digest->classes.session[i].session;
        uint32_t from = part->first_attempt[s], to = part->first_attempt[s + 1];
        if (to - from == 1)
            lone[from] = i;
        else
            signatures_number(&found, session_signature(digest->part_like, from, to), i);
    }
    for (size_t i = 0; i < digest->classes.unit_count; i++) {
        uint32_t unit = merged(company->classes->unit_of, (uint32_t)i);
        uint32_t of = lone[digest->classes.unit[i].first];
        if (company->alone_first[unit] != NO_ATTEMPT && of != UINT32_MAX)
            company->session_of[unit] = merged(company->classes->session_of, of);
    }
    for (uint32_t s = 0; s < columns->session_count; s++) {
        uint32_t from = columns->first_attempt[s], to = columns->first_attempt[s + 1];
        if (!(what[from] & IN_COMPANY))
            continue;
        uint32_t class = to - from == 1 ? lone[digest->like[from]]
                                        : signatures_number(&found, session_signature(digest->like, from, to),
                                                            UINT32_MAX - 1);
        mem_room(company->session, company->session_room, company->session_count + 1);
        mem_room(company->member, company->member_room, company->member_count + (to - from));
        company->session[company->session_count++] =
            (struct companions){ s, merged(company->classes->session_of, class),
                                 (uint32_t)company->member_count, to - from,
                                 company->course->about_of[from] };
        for (uint32_t a = from; a < to; a++)
            company->member[company->member_count++] = what[a] & ~IN_COMPANY;
    }
    free(lone);
    signatures_free(&found);
}

struct company *company_new(struct shelf *shelf, const struct digest *digest, const struct classes *classes,
                            const struct wanted *wanted)
{
    const struct columns *columns = shelf->columns;
    size_t units = classes->unit_count;
    struct company *company = mem_zero(1, sizeof *company);
    company->digest = digest;
    company->classes = classes;
    company->course = course_new(columns, shelf_habits(shelf));
    company->what = mem_alloc((columns->attempt_count + 1) * sizeof *company->what);
    company->alone_first = mem_alloc((units + 1) * sizeof *company->alone_first);
    company->session_of = mem_zero(units + 1, sizeof *company->session_of);
    memset(company->alone_first, 0xff, (units + 1) * sizeof *company->alone_first);
    company->mean_size = cost_mean_size(columns);
    for (int i = 0; i < 2; i++) {
        company->times[i] = mem_zero(units * COMPANY_HABITS + 1, sizeof *company->times[i]);
        company->bytes[i] = mem_zero(units * COMPANY_HABITS + 1, sizeof *company->bytes[i]);
    }
    uint32_t *what = find_units(company, columns, wanted);
    find_likes(company, columns);
    find_sessions(company, columns, what);
    for (size_t i = 0; i < columns->attempt_count; i++)
        company->what[i] = what[company->course->attempt[i]];
    free(what);
    return company;
}

void company_free(struct company *company)
{
    if (!company)
        return;
    course_free(company->course);
    free(company->what);
    for (int i = 0; i < 2; i++) {
        free(company->times[i]);
        free(company->bytes[i]);
    }
    free(company->alone_first);
    free(company->session_of);
    free(company->like);
    free(company->liked);
    free(company->chain);
    free(company->session);
    free(company->member);
    free(company);
}

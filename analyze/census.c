/* The census. Units are gone through once, then sessions once; what is counted by a name or a network stands
 * in an array by its number, so that memory is a few bytes for each of them. */
#include "analyze/census.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "analyze/judging.h"
#include "analyze/silences.h"
#include "analyze/units.h"
#include "analyze/walk.h"
#include "collect/wall.h"

const char *const top_name[TOPS] = {
    [TOP_NETWORK] = "networks", [TOP_SYSTEM] = "systems",       [TOP_COUNTRY] = "countries",
    [TOP_DOMAIN] = "domains",   [TOP_RECIPIENT] = "recipients",
};
const char *const abuse_name[ABUSES] = {
    [ABUSE_DICTIONARY] = "dictionary",
    [ABUSE_RELAY] = "relay",
    [ABUSE_VRFY] = "vrfy",
    [ABUSE_AUTH] = "auth",
    [ABUSE_BACKSCATTER] = "backscatter",
};
const double wait_minutes[WAITS] = { 5, 10, 15, 30, 60, 120, 240, 480, 1440, INFINITY };
const double earliness_seconds[EARLINESS] = { 0.1, 0.5, 1, 2, 3, 5, 10, 30, INFINITY };

struct count {
    uint32_t units, stopped_low, stopped_high, accepted;
};

/* Counts by a number, which `names` gives, or the columns. */
struct counts {
    struct names names; /* of systems, countries, domains, recipients */
    struct count *count;
    size_t room, used;
};

struct tries {
    uint32_t tries, sessions, last; /* last: the session that tried last, and 1 */
};

struct censusing {
    const struct columns *columns;
    const struct walk *walk;
    const struct replay_options *options;
    const struct wall *wall;
    struct census *census;
    struct counts counts[TOPS];
    uint32_t *domain_of; /* by name of a sender: the domain's number and 1; 0: not looked at yet */
    uint32_t *lower_of;  /* by name of a recipient: the same */
    uint32_t *system_of, *country_of; /* by address */
    bool has_system, has_country;
    struct tries *tries[ABUSES]; /* by network */
    uint32_t *bounced;           /* by lower name of a recipient */
    size_t bounced_room;
    outcomes greylists; /* the policy's */
    double *minutes;
    size_t minute_count, minute_room;
    size_t most;
};

/* ---- Tops. */

static struct count *count_at(struct counts *counts, uint32_t number)
{
    if (number >= counts->used) {
        size_t was = counts->used;
        mem_room(counts->count, counts->room, (size_t)number + 1);
        counts->used = (size_t)number + 1;
        memset(counts->count + was, 0, (counts->used - was) * sizeof *counts->count);
    }
    return &counts->count[number];
}

static void count_one(struct counts *counts, uint32_t number, outcomes set)
{
    struct count *count = count_at(counts, number);
    const outcomes rules = OUTCOME(RULES_MOST) - 1;
    count->units++;
    count->stopped_low += (set & ~rules) == 0;
    count->stopped_high += (set & rules) != 0;
    count->accepted += set == OUTCOME(OUTCOME_ACCEPTED);
}

static uint32_t domain_number(struct censusing *censusing, uint32_t sender)
{
    uint32_t *known = &censusing->domain_of[sender];
    if (*known == 0) {
        char text[512];
        struct str name = names_text(&censusing->columns->names, sender), domain = mailbox_domain(name);
        if (name.len == 0)
            domain = STR("<>");
        else if (!domain.len || domain.len > 255)
            domain = STR("(no domain)");
        *known = names_add(&censusing->counts[TOP_DOMAIN].names, str_lower(domain, text, sizeof text)) + 1;
    }
    return *known - 1;
}

static uint32_t recipient_number(struct censusing *censusing, uint32_t recipient)
{
    uint32_t *known = &censusing->lower_of[recipient];
    if (*known == 0) {
        char text[512];
        struct str name = names_text(&censusing->columns->names, recipient);
        *known = names_add(&censusing->counts[TOP_RECIPIENT].names, str_lower(name, text, sizeof text)) + 1;
    }
    return *known - 1;
}

static const struct fact *best_fact(const struct censusing *censusing, uint32_t attempt, enum kind kind)
{
    const struct judging bare = { .columns = censusing->columns };
    const struct fact *fact = judging_best_fact(&bare, attempt, kind);
    return fact && fact->state == YES ? fact : NULL;
}

/* A client's system does not change within a period, as far as a top is concerned: the first attempt of each
 * address tells it. */
static uint32_t system_number(struct censusing *censusing, uint32_t attempt, uint32_t client)
{
    uint32_t *known = &censusing->system_of[client];
    if (*known == 0) {
        const struct columns *columns = censusing->columns;
        const struct fact *fact = judging_system(columns, attempt);
        struct arena arena = { 0 };
        struct str name = STR("(not known)");
        if (fact && fact->detail != NAME_NONE)
            name = arena_printf(&arena, "AS%lld %.*s", (long long)fact->a,
                                STR_ARG(names_text(&columns->names, fact->detail)));
        else if (fact)
            name = arena_printf(&arena, "AS%lld", (long long)fact->a);
        *known = names_add(&censusing->counts[TOP_SYSTEM].names, name) + 1;
        arena_free(&arena);
    }
    return *known - 1;
}

static uint32_t country_number(struct censusing *censusing, uint32_t attempt, uint32_t client)
{
    uint32_t *known = &censusing->country_of[client];
    if (*known == 0) {
        const struct fact *fact = best_fact(censusing, attempt, KIND_COUNTRY);
        struct str name =
            fact ? names_text(&censusing->columns->names, fact->detail) : (struct str){ NULL, 0 };
        *known = names_add(&censusing->counts[TOP_COUNTRY].names, name.len ? name : STR("(not known)")) + 1;
    }
    return *known - 1;
}

static void count_tops(struct censusing *censusing, uint32_t first, outcomes set)
{
    const struct columns *columns = censusing->columns;
    uint32_t client = columns->client[columns->session[first]];
    struct counts *counts = censusing->counts;
    count_one(&counts[TOP_NETWORK], columns->network[client], set);
    if (censusing->has_system)
        count_one(&counts[TOP_SYSTEM], system_number(censusing, first, client), set);
    if (censusing->has_country)
        count_one(&counts[TOP_COUNTRY], country_number(censusing, first, client), set);
    if (columns->sender[first] != NAME_NONE)
        count_one(&counts[TOP_DOMAIN], domain_number(censusing, columns->sender[first]), set);
    if (columns->address_of[first] != NAME_NONE)
        count_one(&counts[TOP_RECIPIENT], recipient_number(censusing, columns->address_of[first]), set);
}

/* ---- When. */

static void count_hour(struct censusing *censusing, uint32_t first, outcomes set)
{
    usec shown = wall_shown(censusing->wall, censusing->columns->started[censusing->columns->session[first]]);
    int64_t day = usec_day(shown);
    size_t weekday = (size_t)(((day + 3) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    size_t hour = (size_t)((shown - day * USEC_DAY) / USEC_HOUR);
    censusing->census->week[weekday][hour]++;
    censusing->census->week_stopped[weekday][hour] += (set & ~(OUTCOME(RULES_MOST) - 1)) == 0;
}

/* ---- Greylisting. */

static bool is_put_off(const struct censusing *censusing, uint32_t attempt)
{
    const struct columns *columns = censusing->columns;
    if (!censusing->walk)
        return columns->answer[attempt] == ANSWER_DEFERRED && columns->named[attempt] == NAMED_GREYLIST;
    outcomes set = censusing->walk->attempt[attempt];
    return set && (set & ~censusing->greylists) == 0;
}

static bool is_let_in(const struct censusing *censusing, uint32_t attempt)
{
    return censusing->walk ? censusing->walk->attempt[attempt] == OUTCOME(OUTCOME_ACCEPTED)
                           : censusing->columns->answer[attempt] == ANSWER_ACCEPTED;
}

static void count_put_off(struct censusing *censusing, uint32_t head)
{
    const struct columns *columns = censusing->columns;
    struct put_off *put_off = &censusing->census->put_off;
    uint32_t next = columns->after[head];
    enum answer answer = (enum answer)columns->answer[head];
    if (columns->before[head] != NO_ATTEMPT || !is_put_off(censusing, head))
        return;
    put_off->all++;
    if (next == NO_ATTEMPT) {
        bool closed = columns->at[head] + columns->retry_window <= columns->to;
        if (answer != ANSWER_DEFERRED && answer != ANSWER_DROPPED)
            put_off->unseen++;
        else if (closed)
            put_off->never++;
        else
            put_off->open++;
        return;
    }
    put_off->back++;
    while (next != NO_ATTEMPT && !is_let_in(censusing, next))
        next = columns->after[next];
    if (next == NO_ATTEMPT)
        return;
    double minutes = (double)(columns->at[next] - columns->at[head]) / (double)USEC_MINUTE;
    size_t kind = 0;
    while (kind < WAITS - 1 && minutes >= wait_minutes[kind])
        kind++;
    put_off->by_wait[kind]++;
    put_off->accepted++;
    mem_room(censusing->minutes, censusing->minute_room, censusing->minute_count + 1);
    censusing->minutes[censusing->minute_count++] = minutes;
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void finish_put_off(struct censusing *censusing)
{
    struct put_off *put_off = &censusing->census->put_off;
    size_t n = censusing->minute_count;
    put_off->median = put_off->ninety = put_off->ninety_nine = NAN;
    put_off->is_asked = censusing->walk ? censusing->greylists != 0 : put_off->all > 0;
    if (n == 0)
        return;
    qsort(censusing->minutes, n, sizeof *censusing->minutes, by_value);
    put_off->median = censusing->minutes[(n - 1) / 2];
    put_off->ninety = censusing->minutes[(n - 1) * 9 / 10];
    put_off->ninety_nine = censusing->minutes[(n - 1) * 99 / 100];
}

/* ---- Abuse. */

static void add_tries(struct censusing *censusing, enum abuse abuse, uint32_t session, uint32_t tries)
{
    const struct columns *columns = censusing->columns;
    if (tries == 0)
        return;
    struct tries *of = &censusing->tries[abuse][columns->network[columns->client[session]]];
    of->tries += tries;
    of->sessions++;
    censusing->census->abuse[abuse].tries += tries;
    censusing->census->abuse[abuse].sessions++;
}

static void count_bounce(struct censusing *censusing, uint32_t attempt)
{
    const struct columns *columns = censusing->columns;
    struct backscatter *backscatter = &censusing->census->backscatter;
    backscatter->bounces++;
    backscatter->invalid += columns->named[attempt] == NAMED_RECIPIENT;
    backscatter->accepted += columns->answer[attempt] == ANSWER_ACCEPTED;
    if (columns->address_of[attempt] == NAME_NONE)
        return;
    uint32_t number = recipient_number(censusing, columns->address_of[attempt]);
    size_t was = censusing->bounced_room;
    mem_room(censusing->bounced, censusing->bounced_room, (size_t)number + 1);
    memset(censusing->bounced + was, 0, (censusing->bounced_room - was) * sizeof *censusing->bounced);
    censusing->bounced[number]++;
}

static void count_early(struct censusing *censusing, const struct fact *fact)
{
    struct census *census = censusing->census;
    census->early_asked += fact->state != UNKNOWN;
    if (fact->state != YES)
        return;
    if (fact->a < 0 || (fact->a == 0 && fact->b <= 0)) {
        census->early_unknown++;
        return;
    }
    size_t kind = 0;
    while (kind < EARLINESS - 1 && (double)fact->a / (double)USEC_SECOND >= earliness_seconds[kind])
        kind++;
    census->early[kind]++;
}

/* A command and what was found out of it are one try, though the record has both: of the two counts the
 * larger one is taken. */
static void count_session(struct censusing *censusing, uint32_t s)
{
    const struct columns *columns = censusing->columns;
    uint32_t named[ABUSES] = { 0 }, found[ABUSES] = { 0 };
    bool early = false;
    for (uint32_t a = columns->first_attempt[s]; a < columns->first_attempt[s + 1]; a++) {
        named[ABUSE_DICTIONARY] += columns->named[a] == NAMED_RECIPIENT;
        named[ABUSE_RELAY] += columns->named[a] == NAMED_RELAY;
        named[ABUSE_VRFY] += columns->named[a] == NAMED_VRFY;
        if (columns->sender[a] != NAME_NONE && columns->names.name[columns->sender[a]].len == 0) {
            named[ABUSE_BACKSCATTER]++;
            count_bounce(censusing, a);
        }
    }
    const struct fact *end, *fact = session_facts(columns, s, &end);
    for (; fact < end; fact++) {
        found[ABUSE_DICTIONARY] += fact->kind == KIND_RECIPIENT && fact->state == NO;
        found[ABUSE_RELAY] += fact->kind == KIND_RELAY && fact->state == YES;
        found[ABUSE_VRFY] += fact->kind == KIND_VRFY;
        found[ABUSE_AUTH] += fact->kind == KIND_AUTH && fact->state == NO;
        if (fact->kind == KIND_EARLY_TALKER && !early) {
            early = true;
            count_early(censusing, fact);
        }
    }
    for (int abuse = 0; abuse < ABUSES; abuse++)
        add_tries(censusing, (enum abuse)abuse, s, named[abuse] > found[abuse] ? named[abuse] : found[abuse]);
    censusing->census->sessions++;
    censusing->census->gap_sessions += (columns->flags[s] & SESSION_GAP) != 0;
    censusing->census->cut_off_sessions += (columns->flags[s] & SESSION_CUT_OFF) != 0;
    censusing->census->tls_sessions += (columns->flags[s] & SESSION_TLS) != 0;
}

/* ---- From numbers to rows. */

struct ranked {
    uint64_t count;
    uint32_t number;
};

static int by_rank(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    return a->count != b->count ? (a->count > b->count ? -1 : 1)
                                : (a->number > b->number) - (a->number < b->number);
}

/* The `most` of highest count among `count` of them, in order; a heap with the least on top would be no
 * faster: nearly all are passed over by one comparison. */
static size_t rank(const uint32_t *count, size_t stride, size_t numbers, size_t most, struct ranked *ranked)
{
    size_t kept = 0;
    for (size_t i = 0; i < numbers; i++) {
        uint32_t value = *(const uint32_t *)((const char *)count + i * stride);
        if (value == 0 || (kept == most && value <= ranked[most - 1].count))
            continue;
        size_t at = kept < most ? kept++ : most - 1;
        while (at > 0 && ranked[at - 1].count < value) {
            ranked[at] = ranked[at - 1];
            at--;
        }
        ranked[at] = (struct ranked){ value, (uint32_t)i };
    }
    if (kept)
        qsort(ranked, kept, sizeof *ranked, by_rank);
    return kept;
}

/* Networks by one of their addresses each. */
static struct str *network_names(const struct columns *columns, const struct ranked *ranked, size_t count,
                                 struct arena *arena)
{
    struct str *names = arena_zero(arena, (count + 1) * sizeof *names);
    uint32_t *place = mem_zero(columns->network_count + 1, sizeof *place); /* and 1; 0: none */
    for (size_t i = 0; i < count; i++)
        place[ranked[i].number] = (uint32_t)i + 1;
    for (size_t a = 0; a < columns->address_count && count; a++) {
        uint32_t *wanted = &place[columns->network[a]];
        if (*wanted == 0)
            continue;
        char text[IP_TEXT_BYTES + 4];
        struct prefix prefix = ip_network(&columns->address[a], 24, 64);
        prefix_format(&prefix, text);
        names[*wanted - 1] = arena_str(arena, str_of(text));
        *wanted = 0;
    }
    free(place);
    return names;
}

static void finish_top(struct censusing *censusing, enum top_by by)
{
    struct counts *counts = &censusing->counts[by];
    struct census *census = censusing->census;
    struct top *top = &census->tops[by];
    struct ranked *ranked = mem_zero(censusing->most + 1, sizeof *ranked);
    for (size_t i = 0; i < counts->used; i++) {
        top->kinds += counts->count[i].units > 0;
        top->units += counts->count[i].units;
    }
    top->count = counts->used ? rank(&counts->count[0].units, sizeof *counts->count, counts->used,
                                     censusing->most, ranked)
                              : 0;
    top->rows = arena_zero(&census->arena, (top->count + 1) * sizeof *top->rows);
    struct str *names =
        by == TOP_NETWORK ? network_names(censusing->columns, ranked, top->count, &census->arena) : NULL;
    for (size_t i = 0; i < top->count; i++) {
        const struct count *count = &counts->count[ranked[i].number];
        top->rows[i] = (struct top_row){
            .name =
                names ? names[i] : arena_str(&census->arena, names_text(&counts->names, ranked[i].number)),
            .units = count->units,
            .stopped_low = count->stopped_low,
            .stopped_high = count->stopped_high,
            .accepted = count->accepted,
        };
    }
    free(ranked);
}

static void finish_abuse(struct censusing *censusing, enum abuse by)
{
    const struct columns *columns = censusing->columns;
    struct census *census = censusing->census;
    struct abuse_count *abuse = &census->abuse[by];
    struct ranked *ranked = mem_zero(censusing->most + 1, sizeof *ranked);
    const struct tries *tries = censusing->tries[by];
    for (size_t i = 0; i < columns->network_count; i++)
        abuse->networks += tries[i].tries > 0;
    abuse->top_count = columns->network_count ? rank(&tries[0].tries, sizeof *tries, columns->network_count,
                                                     censusing->most, ranked)
                                              : 0;
    struct str *names = network_names(columns, ranked, abuse->top_count, &census->arena);
    abuse->top = arena_zero(&census->arena, (abuse->top_count + 1) * sizeof *abuse->top);
    for (size_t i = 0; i < abuse->top_count; i++) {
        const struct tries *of = &tries[ranked[i].number];
        abuse->top[i] = (struct abuse_network){ names[i], of->tries, of->sessions };
    }
    free(ranked);
}

/* To whom bounces came, and who of these never wrote anything that the record shows. */
static void finish_backscatter(struct censusing *censusing)
{
    const struct columns *columns = censusing->columns;
    struct census *census = censusing->census;
    struct backscatter *backscatter = &census->backscatter;
    const struct names *names = &censusing->counts[TOP_RECIPIENT].names;
    const struct networks *own = censusing->walk ? &censusing->walk->policy->exempt.networks : NULL;
    const struct networks none = { 0 };
    struct ranked *ranked = mem_zero(censusing->most + 1, sizeof *ranked);
    size_t room = censusing->bounced_room;
    backscatter->shows_sent = columns_shows_sent(columns, columns->from, columns->to);
    for (size_t i = 0; i < room && backscatter->shows_sent; i++)
        if (censusing->bounced[i] &&
            !columns_has_sent(columns, names->name[i], columns->from, columns->to, own ? own : &none))
            backscatter->unsent += censusing->bounced[i];
    backscatter->top_count =
        room ? rank(censusing->bounced, sizeof *censusing->bounced, room, censusing->most, ranked) : 0;
    backscatter->top = arena_zero(&census->arena, (backscatter->top_count + 1) * sizeof *backscatter->top);
    for (size_t i = 0; i < backscatter->top_count; i++)
        backscatter->top[i] =
            (struct top_row){ .name = arena_str(&census->arena, names->name[ranked[i].number]),
                              .units = ranked[i].count };
    free(ranked);
}

/* ---- All of it. */

static bool has_kind(const struct columns *columns, enum kind kind)
{
    if (columns->provided_of[kind])
        return true;
    for (size_t s = 0; s < columns->session_count; s++)
        if (session_has(columns, s, kind))
            return true;
    return false;
}

static void begin(struct censusing *censusing)
{
    const struct columns *columns = censusing->columns;
    censusing->domain_of = mem_zero(columns->names.count + 1, sizeof(uint32_t));
    censusing->lower_of = mem_zero(columns->names.count + 1, sizeof(uint32_t));
    censusing->has_system = has_kind(columns, KIND_ASN);
    censusing->has_country = has_kind(columns, KIND_COUNTRY);
    censusing->system_of = mem_zero(columns->address_count + 1, sizeof(uint32_t));
    censusing->country_of = mem_zero(columns->address_count + 1, sizeof(uint32_t));
    for (int abuse = 0; abuse < ABUSES; abuse++)
        censusing->tries[abuse] = mem_zero(columns->network_count + 1, sizeof(struct tries));
    for (size_t r = 0; censusing->walk && r < censusing->walk->policy->rule_count; r++)
        if (censusing->walk->policy->rules[r].measure == &measure_greylist)
            censusing->greylists |= OUTCOME(r);
}

static void end(struct censusing *censusing)
{
    for (int by = 0; by < TOPS; by++) {
        names_free(&censusing->counts[by].names);
        free(censusing->counts[by].count);
    }
    for (int abuse = 0; abuse < ABUSES; abuse++)
        free(censusing->tries[abuse]);
    free(censusing->domain_of);
    free(censusing->lower_of);
    free(censusing->system_of);
    free(censusing->country_of);
    free(censusing->bounced);
    free(censusing->minutes);
}

/* What the record stopped is told by what its replies named, in place of rules: the same bits. NAMED_NONE and
 * NAMED_OTHER are none of a measure's, and walk_recorded() has ends for them. */
void census_make(const struct columns *columns, const struct walk *walk, const struct replay_options *options,
                 const struct wall *wall, size_t most, struct census *census)
{
    struct censusing censusing = {
        .columns = columns, .walk = walk, .options = options, .wall = wall, .census = census, .most = most
    };
    *census = (struct census){ 0 };
    begin(&censusing);
    for (uint32_t a = 0; a < columns->attempt_count; a++) {
        if (!unit_begins(columns, options->unit, a) || !unit_in_period(columns, options, a))
            continue;
        outcomes set = unit_outcomes(columns, walk, options->unit, a);
        census->units++;
        count_tops(&censusing, a, set);
        count_hour(&censusing, a, set);
        if (options->unit == UNIT_DELIVERY)
            count_put_off(&censusing, a);
    }
    for (uint32_t s = 0; s < columns->session_count; s++)
        if (unit_in_period(columns, options, columns->first_attempt[s]))
            count_session(&censusing, s);
    census->silences = silences_find(columns, options, &census->arena, &census->silence_count);
    finish_put_off(&censusing);
    for (int by = 0; by < TOPS; by++)
        finish_top(&censusing, (enum top_by)by);
    for (int abuse = 0; abuse < ABUSES; abuse++)
        finish_abuse(&censusing, (enum abuse)abuse);
    finish_backscatter(&censusing);
    end(&censusing);
}

void census_free(struct census *census)
{
    arena_free(&census->arena);
    *census = (struct census){ 0 };
}

/* What the server enforced at each time, and what its answers tell about its measures.
 *
 * Without a recorded policy one is assumed for each day: the measures that refused or warned at least once on
 * that day, with the parameters that the log shows (zones, HELO checks), at the stage at which they answered.
 * Their order within a stage is not known, so only what acts in an earlier stage than the answer is taken for
 * passed. */
#include "analyze/record.h"

#include <stdlib.h>
#include "analyze/measure/parameters.h"
#include "analyze/signature.h"

/* Whether a recorded rule exempts the same as one of ours: lists may be long, so it is worked out once. By
 * what ours exempts, since a rule may be made for a moment, and another then stands in its place. */
struct likeness {
    const struct policy *policy;
    struct exempt ours;
    bool alike;
};

struct segment {
    const struct policy *policy;
    usec from, to;
    bool order_known;
    uint32_t *position; /* by rule: its place in the order of acting; what yields stands last in its stage */
    uint32_t *place;    /* by rule: the same without minding `yields` */
    enum stage *stage;  /* by rule */
    struct likeness *likeness; /* by rule */
    size_t twin;               /* the first segment with the same rules */
    bool *traced;              /* by rule: it looks at more than evidence and answers */
    bool *selective;           /* by rule: so do its exemptions */
    struct policy own;         /* where it is assumed */
};

struct record {
    const struct columns *columns;
    struct segment *segment;
    size_t count, capacity;
    size_t last; /* the segment of the last attempt asked about */
    bool assumed;
    bool shared; /* the segments are another's */
};

static int by_stage(const void *left, const void *right)
{
    const struct step *a = left, *b = right;
    if (a->stage != b->stage)
        return a->stage < b->stage ? -1 : 1;
    return a->rule < b->rule ? -1 : a->rule > b->rule;
}

void policy_steps(const struct policy *policy, struct step *steps)
{
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct rule *rule = &policy->rules[i];
        enum stage stage = rule->at;
        if (!rule->moved && policy->delay_reject && stage < STAGE_RCPT)
            stage = STAGE_RCPT;
        steps[i] = (struct step){ (uint32_t)i, stage };
    }
    qsort(steps, policy->rule_count, sizeof *steps, by_stage);
}

bool rule_yields(const struct rule *rule)
{
    return rule->measure == &measure_greylist &&
           ((const struct greylist_parameters *)rule->parameters)->yields;
}

static void order(struct segment *segment)
{
    size_t count = segment->policy->rule_count;
    struct step *steps = mem_zero(count, sizeof *steps);
    policy_steps(segment->policy, steps);
    segment->position = mem_zero(count, sizeof *segment->position);
    segment->place = mem_zero(count, sizeof *segment->place);
    segment->stage = mem_zero(count, sizeof *segment->stage);
    segment->likeness = mem_zero(count, sizeof *segment->likeness);
    for (uint32_t i = 0; i < count; i++) {
        const struct step *step = &steps[i];
        bool yields = rule_yields(&segment->policy->rules[step->rule]);
        segment->stage[step->rule] = step->stage;
        segment->place[step->rule] = i;
        segment->position[step->rule] = ((uint32_t)step->stage * 2 + yields) * 1000 + i;
    }
    free(steps);
}

static struct segment *add_segment(struct record *record)
{
    mem_room(record->segment, record->capacity, record->count + 1);
    struct segment *segment = &record->segment[record->count++];
    *segment = (struct segment){ .from = USEC_NONE, .to = USEC_NONE };
    return segment;
}

/* What a day shows: the measures that refused or warned, where, and with which zones and checks. */
struct day {
    uint32_t named; /* a bit for each enum named */
    uint8_t stage[NAMED_COUNT];
    uint32_t helo;   /* bits of helo_checks */
    uint32_t sender; /* bits of sender_checks */
    uint32_t spf;
    struct names zones;
};

static const char *const helo_checks[] = { "syntax", "fqdn", "resolves", NULL };
static const char *const sender_checks[] = { "exists", "null-mx", "fqdn", NULL };
static const char *const spf_results[] = { "pass", "fail",      "softfail",  "neutral",
                                           "none", "permerror", "temperror", NULL };

static uint32_t word_bit(const char *const *words, struct str text)
{
    for (uint32_t i = 0; text.at && words[i]; i++)
        if (str_eq_nocase(str_of(words[i]), text))
            return (uint32_t)1 << i;
    return 0;
}

static void see_fact(const struct columns *columns, const struct fact *fact, enum stage stage,
                     uint32_t refused, struct day *day)
{
    struct str subject = names_text(&columns->names, fact->subject);
    if (fact->kind == KIND_WARNING && subject.at) {
        const struct measure *measure = measure_find(subject);
        if (measure && !(day->named >> measure->named & 1)) {
            day->named |= (uint32_t)1 << measure->named;
            day->stage[measure->named] = stage > STAGE_RCPT ? STAGE_RCPT : (uint8_t)stage;
        }
    }
    if (fact->origin != ORIGIN_LOG)
        return;
    if (fact->kind == KIND_DNSBL && fact->state == YES && refused >> NAMED_DNSBL & 1)
        names_add(&day->zones, subject);
    if (fact->kind == KIND_HELO && fact->state == NO)
        day->helo |= word_bit(helo_checks, subject);
    if (fact->kind == KIND_SENDER_DOMAIN)
        day->sender |= word_bit(sender_checks, subject);
    if (fact->kind == KIND_SPF && refused >> NAMED_SPF & 1)
        day->spf |= word_bit(spf_results, names_text(&columns->names, fact->detail));
}

static void see_session(const struct columns *columns, size_t s, struct day *day)
{
    uint32_t refused = 0;
    for (uint32_t a = columns->first_attempt[s]; a < columns->first_attempt[s + 1]; a++) {
        uint8_t named = columns->named[a];
        if (named <= NAMED_OTHER)
            continue;
        if (!(day->named >> named & 1) || columns->answered_at[a] > day->stage[named])
            day->stage[named] = columns->answered_at[a];
        day->named |= (uint32_t)1 << named;
        refused |= (uint32_t)1 << named;
    }
    const struct fact *end = NULL;
    for (const struct fact *fact = session_facts(columns, s, &end); fact < end; fact++)
        see_fact(columns, fact, columns->stage[s], refused, day);
}

static const void *assumed_parameters(const struct measure *measure, const struct day *day,
                                      struct policy *policy)
{
    void *parameters = parameters_default(measure, &policy->arena);
    if (measure == &measure_dnsbl) {
        struct dnsbl_parameters *dnsbl = parameters;
        dnsbl->zones.count = day->zones.count;
        dnsbl->zones.weight = arena_zero(&policy->arena, day->zones.count * sizeof(struct weight));
        dnsbl->errors = ERRORS_LISTED;
        for (uint32_t i = 0; i < day->zones.count; i++)
            dnsbl->zones.weight[i] =
                (struct weight){ .name = arena_str(&policy->arena, names_text(&day->zones, i)), .weight = 1 };
    } else if (measure == &measure_helo) {
        struct helo_parameters *helo = parameters;
        helo->syntax = day->helo & 1;
        helo->fqdn = day->helo >> 1 & 1;
        helo->resolves = day->helo >> 2 & 1;
    } else if (measure == &measure_sender_domain && day->sender) {
        struct sender_domain_parameters *sender = parameters;
        sender->exists = day->sender & 1;
        sender->null_mx = day->sender >> 1 & 1;
        sender->fqdn = day->sender >> 2 & 1;
    } else if (measure == &measure_spf && day->spf) {
        ((struct spf_parameters *)parameters)->on = day->spf;
    }
    return parameters;
}

static void assume_day(struct record *record, const struct day *day, usec from)
{
    struct segment *segment = add_segment(record);
    struct policy *policy = &segment->own;
    segment->from = from;
    segment->to = from + USEC_DAY;
    *policy = (struct policy){ .name = STR("assumed") };
    policy->rules = arena_zero(&policy->arena, NAMED_COUNT * sizeof(struct rule));
    for (const struct measure *const *m = measures; *m; m++)
        if (day->named >> (*m)->named & 1)
            policy->rules[policy->rule_count++] = (struct rule){
                .measure = *m,
                .name = str_of((*m)->name),
                .title = str_of((*m)->title),
                .moved = true,
                .at = (enum stage)day->stage[(*m)->named],
                .parameters = assumed_parameters(*m, day, policy),
            };
}

static void assume(struct record *record)
{
    const struct columns *columns = record->columns;
    struct day day = { 0 };
    usec today = USEC_NONE;
    for (size_t s = 0; s <= columns->session_count; s++) {
        bool end = s == columns->session_count;
        usec started = end ? 0 : columns->started[s];
        usec start = started - ((started % USEC_DAY) + USEC_DAY) % USEC_DAY;
        if (end || start != today) {
            if (today != USEC_NONE)
                assume_day(record, &day, today);
            names_free(&day.zones);
            day = (struct day){ 0 };
            today = start;
        }
        if (!end)
            see_session(columns, s, &day);
    }
    for (size_t i = 0; i < record->count; i++) /* only now: the array has stopped moving */
        record->segment[i].policy = &record->segment[i].own;
}

static void note_traces(struct segment *segment)
{
    const struct policy *policy = segment->policy;
    size_t count = policy->rule_count;
    segment->traced = mem_zero(count, sizeof *segment->traced);
    segment->selective = mem_zero(count, sizeof *segment->selective);
    for (size_t r = 0; r < count; r++) {
        const struct rule *rule = &policy->rules[r];
        segment->selective[r] = rule_is_selective(policy, rule);
        bool alone = true; /* which of several rules of a measure refused is told by what they judge */
        for (size_t q = 0; q < count; q++)
            alone = alone && (q == r || policy->rules[q].measure->named != rule->measure->named);
        segment->traced[r] = !alone && rule->measure->judge;
    }
}

/* Days are mostly like those before them. */
static size_t find_twin(const struct record *record, size_t i)
{
    const struct policy *policy = record->segment[i].policy;
    for (size_t k = 0; k < i; k++) {
        const struct policy *other = record->segment[k].policy;
        bool same = record->segment[k].twin == k && other->rule_count == policy->rule_count &&
                    record->segment[k].order_known == record->segment[i].order_known;
        for (size_t r = 0; same && r < policy->rule_count; r++)
            same = policy->rules[r].at == other->rules[r].at &&
                   policy->rules[r].warn == other->rules[r].warn &&
                   policy->rules[r].moved == other->rules[r].moved &&
                   rules_judge_alike(policy, &policy->rules[r], other, &other->rules[r]);
        if (same && policy->delay_reject == other->delay_reject)
            return k;
    }
    return i;
}

struct record *record_new(const struct columns *columns, const struct replay_options *options)
{
    struct record *record = mem_zero(1, sizeof *record);
    record->columns = columns;
    record->assumed = options->assumed;
    if (options->assumed)
        assume(record);
    for (size_t i = 0; !options->assumed && i < options->in_force_count; i++) {
        struct segment *segment = add_segment(record);
        segment->policy = options->in_force[i].policy;
        segment->from = options->in_force[i].from;
        segment->to = options->in_force[i].to;
        segment->order_known = true;
    }
    for (size_t i = 0; i < record->count; i++) {
        order(&record->segment[i]);
        note_traces(&record->segment[i]);
        record->segment[i].twin = find_twin(record, i);
    }
    return record;
}

void record_free(struct record *record)
{
    for (size_t i = 0; i < record->count && !record->shared; i++) {
        struct segment *segment = &record->segment[i];
        free(segment->traced);
        free(segment->selective);
        free(segment->position);
        free(segment->place);
        free(segment->stage);
        free(segment->likeness);
        arena_free(&segment->own.arena);
    }
    if (!record->shared)
        free(record->segment);
    free(record);
}

static bool covers(const struct segment *segment, usec at)
{
    return (segment->from == USEC_NONE || at >= segment->from) &&
           (segment->to == USEC_NONE || at < segment->to);
}

/* The last one given that covers the attempt: rules are edited in mid-month. */
static const struct segment *segment_at(struct record *record, usec at)
{
    if (record->assumed && record->count) { /* disjoint and in order of time */
        if (covers(&record->segment[record->last], at))
            return &record->segment[record->last];
        size_t low = 0, high = record->count;
        while (low < high) {
            size_t middle = (low + high) / 2;
            if (record->segment[middle].to <= at)
                low = middle + 1;
            else
                high = middle;
        }
        if (low < record->count && covers(&record->segment[low], at)) {
            record->last = low;
            return &record->segment[low];
        }
        return NULL;
    }
    for (size_t i = record->count; i-- > 0;)
        if (covers(&record->segment[i], at))
            return &record->segment[i];
    return NULL;
}

struct record *record_share(const struct record *record, const struct columns *part)
{
    struct record *shared = mem_zero(1, sizeof *shared);
    *shared = *record;
    shared->columns = part;
    shared->shared = true;
    return shared;
}

uint64_t record_trace(struct record *record, uint32_t attempt)
{
    const struct columns *columns = record->columns;
    const struct segment *segment = segment_at(record, columns->started[columns->session[attempt]]);
    uint64_t trace = segment ? 1 + segment->twin : 0;
    for (uint32_t r = 0; segment && r < segment->policy->rule_count; r++) {
        const struct rule *rule = &segment->policy->rules[r];
        const struct judging bare = { columns, NULL, NULL, rule, NULL, NULL };
        if (segment->selective[r])
            trace = signature_mix(trace, rule_applies(columns, segment->policy, rule, attempt));
        if (segment->traced[r])
            trace = signature_mix(trace, rule->measure->judge(&bare, attempt));
    }
    return trace;
}

/* postscreen lets a client pass untested that it knows, or that an allow list names. */
static bool was_tested(const struct columns *columns, const struct segment *segment, uint32_t r,
                       uint32_t attempt)
{
    uint32_t untested = (uint32_t)1 << KIND_TESTED_BEFORE | (uint32_t)1 << KIND_EXEMPT;
    if (!(columns->kinds[columns->fact_set[columns->session[attempt]]] & untested))
        return true;
    const struct rule *rule = &segment->policy->rules[r];
    size_t remember_at = rule->measure->remember_at;
    usec remember =
        remember_at ? *(const usec *)(const void *)((const char *)rule->parameters + remember_at) : 0;
    return remember == 0 && segment->stage[r] > STAGE_BANNER;
}

/* Of several rules of one measure the one whose evidence is there; where none has any, the first that tested
 * the client. */
static uint32_t refuser(const struct record *record, const struct segment *segment, uint32_t attempt)
{
    const struct policy *policy = segment->policy;
    uint32_t first = UINT32_MAX, found = 0;
    for (uint32_t r = 0; r < policy->rule_count; r++)
        if (policy->rules[r].measure->named == record->columns->named[attempt] &&
            !rule_warns(&policy->rules[r])) {
            if (first == UINT32_MAX || (!was_tested(record->columns, segment, first, attempt) &&
                                        was_tested(record->columns, segment, r, attempt)))
                first = r;
            found++;
        }
    for (uint32_t r = 0; found > 1 && r < policy->rule_count; r++) {
        const struct rule *rule = &policy->rules[r];
        struct judging bare = { record->columns, NULL, NULL, rule, NULL, NULL };
        if (rule->measure->named == record->columns->named[attempt] && !rule_warns(rule) &&
            rule->measure->judge && rule->measure->judge(&bare, attempt) == YES)
            return r;
    }
    return first;
}

/* A warning is of the rule that warns, where there is one of that measure. */
static bool warned(const struct columns *columns, const struct policy *policy, const struct rule *rule,
                   uint32_t attempt)
{
    for (size_t r = 0; !rule_warns(rule) && r < policy->rule_count; r++)
        if (policy->rules[r].measure == rule->measure && rule_warns(&policy->rules[r]))
            return false;
    uint32_t s = columns->session[attempt];
    if (!session_has(columns, s, KIND_WARNING))
        return false;
    const struct fact *end = NULL;
    for (const struct fact *fact = session_facts(columns, s, &end); fact < end; fact++)
        if (fact->kind == KIND_WARNING && fact_holds(columns, fact, attempt) &&
            str_eq(names_text(&columns->names, fact->subject), str_of(rule->measure->name)))
            return true;
    return false;
}

/* What came of a recorded rule. The more it tells, the later. */
enum came { CAME_NOT, CAME_PAST /* passed it, or was exempt */, CAME_THROUGH, CAME_REFUSED };

/* What the answer to this attempt alone tells about rule r, whether or not it was tested. */
static enum came came_to(const struct record *record, const struct segment *segment, uint32_t r,
                         uint32_t attempt)
{
    const struct columns *columns = record->columns;
    const struct rule *rule = &segment->policy->rules[r];
    enum tri applies = rule_applies(columns, segment->policy, rule, attempt);
    if (applies == NO)
        return CAME_NOT;
    if (warned(columns, segment->policy, rule, attempt))
        return CAME_REFUSED;
    enum came through = applies == YES ? CAME_THROUGH : CAME_PAST;
    switch ((enum answer)columns->answer[attempt]) {
    case ANSWER_ACCEPTED:
        return through;
    case ANSWER_NONE:
        return segment->stage[r] <= columns->reached[attempt] ? through : CAME_NOT;
    case ANSWER_DEFERRED:
    case ANSWER_REFUSED:
    case ANSWER_DROPPED:
        break;
    }
    uint32_t by = columns->named[attempt] > NAMED_OTHER ? refuser(record, segment, attempt) : UINT32_MAX;
    if (by == r)
        return CAME_REFUSED;
    if (by == UINT32_MAX || !segment->order_known)
        return segment->stage[r] < columns->answered_at[attempt] ? through : CAME_NOT;
    return segment->position[r] < segment->position[by] ? through : CAME_NOT;
}

static enum came own_status(const struct record *record, const struct segment *segment, uint32_t r,
                            uint32_t attempt)
{
    enum came came = came_to(record, segment, r, attempt);
    return came == CAME_REFUSED || was_tested(record->columns, segment, r, attempt) ? came : CAME_NOT;
}

enum { SIBLINGS_MOST = 64 };

/* What acts on the client or the sender is known from any attempt of the session or the transaction. */
static enum came status(const struct record *record, const struct segment *segment, uint32_t r,
                        uint32_t attempt)
{
    enum came own = own_status(record, segment, r, attempt);
    const struct columns *columns = record->columns;
    const struct measure *measure = segment->policy->rules[r].measure;
    if (own >= CAME_THROUGH || measure->stage > STAGE_MAIL || measure->state)
        return own;
    uint32_t s = columns->session[attempt], from = columns->first_attempt[s],
             to = columns->first_attempt[s + 1];
    for (uint32_t a = from; a < to && a < from + SIBLINGS_MOST && own != CAME_REFUSED; a++) {
        if (a == attempt ||
            (measure->stage == STAGE_MAIL && columns->transaction[a] != columns->transaction[attempt]))
            continue;
        enum came other = own_status(record, segment, r, a);
        own = other > own ? other : own;
    }
    return own;
}

static bool is_alike(const struct judging *judging, const struct segment *segment, uint32_t r)
{
    struct likeness *likeness = &segment->likeness[r];
    const struct exempt *ours = &judging->rule->exempt;
    if (!judging->policy)
        return false;
    if (likeness->policy != judging->policy || !exempt_is(&likeness->ours, ours)) {
        likeness->policy = judging->policy;
        likeness->ours = *ours;
        likeness->alike =
            rules_exempt_alike(segment->policy, &segment->policy->rules[r], judging->policy, judging->rule);
    }
    return likeness->alike;
}

size_t judging_asked(const struct judging *judging, uint32_t attempt, struct asked asked[ASKED_MOST])
{
    struct record *record = judging->record;
    if (!record)
        return 0;
    const struct segment *segment =
        segment_at(record, judging->columns->started[judging->columns->session[attempt]]);
    size_t count = 0;
    for (uint32_t r = 0; segment && r < segment->policy->rule_count && count < ASKED_MOST; r++) {
        const struct rule *rule = &segment->policy->rules[r];
        if (rule->measure != judging->rule->measure)
            continue;
        enum came came = status(record, segment, r, attempt);
        bool alike = is_alike(judging, segment, r);
        asked[count++] =
            (struct asked){ .parameters = rule->parameters,
                            .rule = rule,
                            .alike = alike,
                            .status = came == CAME_REFUSED                                   ? ASKED_REFUSED
                                      : came == CAME_THROUGH || (came == CAME_PAST && alike) ? ASKED_PASSED
                                                                                             : ASKED_NOT };
    }
    return count;
}

enum tri judging_applies(const struct judging *judging, uint32_t attempt)
{
    enum tri applies = rule_applies(judging->columns, judging->policy, judging->rule, attempt);
    struct asked asked[ASKED_MOST];
    size_t count = applies == UNKNOWN ? judging_asked(judging, attempt, asked) : 0;
    for (size_t i = 0; i < count; i++)
        if (asked[i].alike && asked[i].status == ASKED_REFUSED)
            return YES;
    return applies;
}

bool judging_alike(const struct judging *judging, uint32_t attempt)
{
    struct asked asked[ASKED_MOST];
    size_t count = judging_asked(judging, attempt, asked);
    bool alike = false;
    for (size_t i = 0; i < count; i++)
        alike = alike || asked[i].alike;
    return alike;
}

bool judging_let_by(const struct judging *judging, uint32_t attempt)
{
    struct asked asked[ASKED_MOST];
    size_t count = judging_asked(judging, attempt, asked);
    for (size_t i = 0; i < count; i++)
        if (asked[i].alike && asked[i].status == ASKED_PASSED &&
            parameters_equal(judging->rule->measure, asked[i].parameters, judging->rule->parameters))
            return true;
    return false;
}

enum tri judging_touched(const struct judging *judging, uint32_t attempt)
{
    enum tri touched = NO;
    struct record *record = judging->record;
    const struct columns *columns = judging->columns;
    const struct segment *segment =
        record ? segment_at(record, columns->started[columns->session[attempt]]) : NULL;
    for (uint32_t r = 0; segment && r < segment->policy->rule_count; r++) {
        if (segment->policy->rules[r].measure != judging->rule->measure)
            continue;
        enum came came = came_to(record, segment, r, attempt);
        uint32_t by = columns->named[attempt] > NAMED_OTHER ? refuser(record, segment, attempt) : UINT32_MAX;
        enum tri here = came == CAME_NOT ? NO : came == CAME_PAST ? UNKNOWN : YES;
        if (came == CAME_NOT && by != UINT32_MAX && segment->order_known &&
            segment->place[r] < segment->place[by]) /* it yielded to a later measure of its stage */
            here = rule_applies(columns, segment->policy, &segment->policy->rules[r], attempt);
        touched = tri_or(touched, here == UNKNOWN && is_alike(judging, segment, r) ? YES : here);
    }
    return touched;
}

size_t record_notes(const struct record *record, struct arena *arena, struct str notes[8])
{
    if (!record->assumed)
        return 0;
    notes[0] = arena_printf(
        arena, "What the server enforced is assumed: each measure on the days on which the record "
               "shows it refuse or warn (collect --recorded POLICY tells it for certain).");
    return 1;
}

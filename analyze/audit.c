/* From the walk's outcomes of deliveries to who is hurt. */
#include "analyze/audit.h"

#include <math.h>
#include <stdlib.h>
#include "analyze/harms.h"
#include "analyze/lists.h"
#include "analyze/units.h"
#include "analyze/walk.h"

#define BY_RULES (OUTCOME(RULES_MOST) - 1)

struct auditing {
    const struct columns *columns;
    const struct policy *policy;
    const struct replay_options *options;
    const struct walk *walk;
    const struct wanted *wanted;
    struct audit *audit;
    uint32_t *deliveries_of; /* by sender's name: how many the record has */
    size_t harmed_room, gone_room, other_room, late_room;
};

static uint32_t last_of(const struct columns *columns, uint32_t attempt)
{
    while (columns->after[attempt] != NO_ATTEMPT)
        attempt = columns->after[attempt];
    return attempt;
}

/* What the rule that may stop it first would do to the delivery, where it is not known what becomes of it. */
static enum harm harm_of(const struct walk *walk, uint32_t attempt, uint32_t rule, outcomes delivery)
{
    if (!walk_puts_off(walk, rule, attempt))
        return HARM_TOLD;
    return (delivery & OUTCOME(OUTCOME_ACCEPTED)) ? HARM_LATE : HARM_LOST;
}

/* How much later than its first attempt a delivery is accepted. */
static double minutes_late(const struct walk *walk, uint32_t head)
{
    for (uint32_t a = walk->columns->after[head]; a != NO_ATTEMPT; a = walk->columns->after[a])
        if (walk->attempt[a] == OUTCOME(OUTCOME_ACCEPTED))
            return (double)(walk->columns->at[a] - walk->columns->at[head]) / (double)USEC_MINUTE;
    return NAN;
}

static void set_system(const struct columns *columns, uint32_t attempt, struct harmed *harmed)
{
    const struct fact *system = judging_system(columns, attempt);
    harmed->asn = system ? system->a : 0;
    harmed->as_name = system ? names_text(&columns->names, system->detail) : (struct str){ NULL, 0 };
}

static struct harmed describe(const struct auditing *auditing, uint32_t head, uint32_t stopped, uint32_t rule)
{
    const struct columns *columns = auditing->columns;
    uint32_t last = last_of(columns, head), s = columns->session[last], sender = columns->sender[head];
    struct harmed harmed = {
        .session_id = columns->id[s],
        .at = columns->at[stopped],
        .sender = names_text(&columns->names, sender),
        .recipient = names_text(&columns->names, columns->address_of[head]),
        .client_name = names_text(&columns->names, columns->client_name[s]),
        .client = columns->address[columns->client[s]],
        .rule = rule,
        .accepted = columns->answer[last] == ANSWER_ACCEPTED,
        .seen_once = sender != NAME_NONE && auditing->deliveries_of[sender] == 1,
        .late_minutes = NAN,
        .head = head,
    };
    set_system(columns, last, &harmed);
    return harmed;
}

/* ---- Counts. */

static void count_label(struct audit_count *count, outcomes delivery, unsigned harms, bool stops,
                        const struct harmed *harmed)
{
    outcomes by_rules = delivery & BY_RULES;
    count->deliveries++;
    if (!stops)
        return;
    count->stopped_low += by_rules == delivery;
    count->stopped_high += by_rules != 0;
    count->late_low += harms == 1u << HARM_LATE;
    count->late_high += harms >> HARM_LATE & 1;
    if (harmed->certain && !harmed->either)
        count->by_harm[harmed->harm]++;
}

static void count_measures(struct auditing *auditing, outcomes delivery, uint16_t signs)
{
    for (size_t r = 0; r < auditing->policy->rule_count; r++) {
        struct audit_measure *measure = &auditing->audit->measures[r];
        enum label label = signs_label(signs, auditing->policy->rules[r].measure->named, NULL);
        measure->wanted += label == LABEL_WANTED;
        measure->presumed += label == LABEL_PRESUMED;
        measure->unwanted += label == LABEL_UNWANTED;
        measure->low[label] += delivery == OUTCOME(r);
        measure->high[label] += delivery >> r & 1;
    }
}

static void count_once(struct audit_once *once, const struct harmed *harmed)
{
    if (!harmed->seen_once)
        return;
    once->example = once->example ? once->example : harmed->session_id;
    if (!harmed->certain)
        once->possible++;
    else
        *(harmed->harm == HARM_LATE   ? &once->late
          : harmed->harm == HARM_LOST ? &once->lost
                                      : &once->told) += 1;
}

static void keep(struct harmed **list, size_t *count, size_t *room, const struct harmed *harmed)
{
    mem_room(*list, *room, *count + 1);
    (*list)[(*count)++] = *harmed;
}

/* Whether the record shows that the client gave up: its last attempt was put off, and no other came in time.
 */
static bool gave_up(const struct columns *columns, uint32_t head)
{
    uint32_t last = last_of(columns, head);
    return (columns->answer[last] == ANSWER_DEFERRED || columns->answer[last] == ANSWER_DROPPED) &&
           columns->sender[last] != NAME_NONE && columns->address_of[last] != NAME_NONE &&
           columns->at[last] + columns->retry_window <= columns->to;
}

static void take(struct auditing *auditing, uint32_t head)
{
    const struct columns *columns = auditing->columns;
    const struct walk *walk = auditing->walk;
    struct audit *audit = auditing->audit;
    outcomes delivery = walk->delivery[head];
    uint16_t signs = wanted_signs(auditing->wanted, head);
    enum sign sign = SIGNS;
    uint32_t rule = 0;
    if (delivery & OUTCOME(OUTCOME_RELAYED))
        return;
    uint32_t stopped = harms_first_stop(walk, UNIT_DELIVERY, head, &rule);
    bool stops = stopped != NO_ATTEMPT;
    enum named judged = stops ? auditing->policy->rules[rule].measure->named : NAMED_NONE;
    enum label label = signs_label(signs, judged, &sign);
    struct harmed harmed = { .head = head };
    unsigned harms = 0;
    audit->deliveries++;
    audit->accepted += columns->answer[last_of(columns, head)] == ANSWER_ACCEPTED;
    if (sign != SIGNS)
        audit->signs[sign]++;
    count_measures(auditing, delivery, signs);
    if (stops) {
        harmed = describe(auditing, head, stopped, rule);
        harmed.label = label;
        harmed.sign = sign;
        harms = harms_possible(walk, UNIT_DELIVERY, head);
        harmed.certain = !(harms >> HARM_NONE & 1);
        harmed.either = (harms & (harms - 1)) != 0;
        harmed.harm =
            harmed.either ? harm_of(walk, stopped, rule, delivery) : (enum harm)__builtin_ctz(harms);
        harmed.arrives = delivery == OUTCOME(OUTCOME_ACCEPTED);
        if (harms == 1u << HARM_LATE)
            harmed.late_minutes = minutes_late(walk, head);
    }
    count_label(&audit->labels[label], delivery, harms, stops, &harmed);
    if (stops && label != LABEL_UNWANTED && (delivery & BY_RULES) == delivery && harmed.harm == HARM_LOST &&
        gave_up(columns, head))
        keep(&audit->gone, &audit->gone_count, &auditing->gone_room, &harmed);
    bool is_wanted = label == LABEL_WANTED || label == LABEL_PRESUMED;
    if (stops && !is_wanted) {
        mem_room(audit->others, auditing->other_room, audit->other_count + 1);
        audit->others[audit->other_count++] = head;
    }
    if (!stops || !is_wanted)
        return;
    count_once(&audit->once, &harmed);
    keep(&audit->harmed, &audit->harmed_count, &auditing->harmed_room, &harmed);
    if (!isnan(harmed.late_minutes)) {
        mem_room(audit->late_minutes, auditing->late_room, audit->late_count + 1);
        audit->late_minutes[audit->late_count++] = harmed.late_minutes;
    }
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

void audit_walked(const struct walk *walk, const struct replay_options *options, struct audit *audit)
{
    const struct columns *columns = walk->columns;
    const struct policy *policy = walk->policy;
    *audit = (struct audit){ 0 };
    struct wanted wanted = wanted_new(columns, &policy->exempt.networks);
    struct auditing auditing = {
        .columns = columns,
        .policy = policy,
        .options = options,
        .walk = walk,
        .wanted = &wanted,
        .audit = audit,
        .deliveries_of = mem_zero(columns->names.count + 1, sizeof(uint32_t)),
    };
    audit->measures = arena_zero(&audit->arena, (policy->rule_count + 1) * sizeof *audit->measures);
    for (uint32_t a = 0; a < columns->attempt_count; a++)
        if (columns->before[a] == NO_ATTEMPT && columns->sender[a] != NAME_NONE)
            auditing.deliveries_of[columns->sender[a]]++;
    for (uint32_t head = 0; head < columns->attempt_count; head++)
        if (columns->before[head] == NO_ATTEMPT && unit_in_period(columns, options, head))
            take(&auditing, head);
    if (audit->late_count)
        qsort(audit->late_minutes, audit->late_count, sizeof *audit->late_minutes, by_value);
    audit->note_count = record_notes(walk->record, &audit->arena, audit->notes);
    free(auditing.deliveries_of);
    wanted_free(&wanted);
}

int audit_run(struct columns *columns, const struct policy *policy, const struct replay_options *options,
              struct audit *audit, struct why *why)
{
    struct replay_options by_delivery = *options;
    struct walk walk;
    *audit = (struct audit){ 0 };
    by_delivery.unit = UNIT_DELIVERY;
    columns_chain(columns, options->retry_window);
    if (walk_run(&walk, columns, policy, &by_delivery, why) < 0)
        return -1;
    audit_walked(&walk, options, audit);
    walk_free(&walk);
    return 0;
}

void audit_free(struct audit *audit)
{
    free(audit->harmed);
    free(audit->gone);
    free(audit->others);
    free(audit->late_minutes);
    arena_free(&audit->arena);
    *audit = (struct audit){ 0 };
}

struct interval audit_rate(const struct audit_count *count)
{
    return interval_of(count->stopped_low, count->stopped_high, count->deliveries);
}

static struct interval share(uint64_t low, uint64_t of_low, uint64_t high, uint64_t of_high)
{
    return (struct interval){ of_low ? (double)low / (double)of_low : NAN,
                              of_high ? (double)high / (double)of_high : NAN };
}

struct interval audit_precision(const struct audit_measure *measure)
{
    const uint64_t *low = measure->low, *high = measure->high;
    return share(low[LABEL_UNWANTED], low[LABEL_UNWANTED] + high[LABEL_WANTED], high[LABEL_UNWANTED],
                 high[LABEL_UNWANTED] + low[LABEL_WANTED]);
}

struct interval audit_recall(const struct audit_measure *measure)
{
    return share(measure->low[LABEL_UNWANTED], measure->unwanted, measure->high[LABEL_UNWANTED],
                 measure->unwanted);
}

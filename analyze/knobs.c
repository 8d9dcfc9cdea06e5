/* Knobs. */
#include "analyze/knobs.h"

#include <inttypes.h>
#include <math.h>
#include <sysexits.h>

/* What people set: nobody tries 7m. */
#define S USEC_SECOND
#define M USEC_MINUTE
#define H USEC_HOUR
#define D USEC_DAY
static const usec durations[] = {
    0,      1 * S,  2 * S,  3 * S,  4 * S,  5 * S,  6 * S,   8 * S,   10 * S,  15 * S, 20 * S,
    30 * S, 1 * M,  2 * M,  5 * M,  10 * M, 15 * M, 30 * M,  1 * H,   2 * H,   4 * H,  8 * H,
    12 * H, 1 * D,  2 * D,  3 * D,  4 * D,  5 * D,  7 * D,   10 * D,  14 * D,  21 * D, 28 * D,
    30 * D, 35 * D, 40 * D, 50 * D, 60 * D, 90 * D, 120 * D, 180 * D, 365 * D,
};
enum { DURATIONS = sizeof durations / sizeof *durations };
#undef S
#undef M
#undef H
#undef D

/* Up to here by ones, from here on by these. */
static const double numbers[] = {
    20, 25, 30, 40, 50, 60, 80, 100, 150, 200, 300, 500, 1000, 2000, 5000, 10000
};
enum { NUMBERS = sizeof numbers / sizeof *numbers, WEIGHT_MOST = 100 };

static const char *const reply_words[] = { "as it is", "4xx", "5xx", "drop" };

static const void *value_at(const struct parameter *parameter, const struct rule *rule)
{
    return (const char *)rule->parameters + parameter->at;
}

/* ---- Which there are. */

static bool has_zone(const struct knobs *knobs, const struct parameter *parameter, struct str zone)
{
    for (size_t i = 0; i < knobs->count; i++)
        if (knobs->knob[i].parameter == parameter && str_eq_nocase(knobs->knob[i].zone, zone))
            return true;
    return false;
}

static void add_zone(struct knobs *knobs, const struct parameter *parameter, struct str zone)
{
    if (!has_zone(knobs, parameter, zone))
        knobs->knob[knobs->count++] =
            (struct knob){ .kind = KNOB_ZONE, .parameter = parameter, .zone = zone };
}

/* Friends and foes are told by the sign, so the first of both lists takes the record's zones. */
static bool takes_others(const struct measure *measure, const struct parameter *parameter)
{
    const struct parameter *first = measure->parameters;
    while (first->name && first->type != PARAMETER_WEIGHTS)
        first++;
    return first == parameter;
}

static void add_zones(struct knobs *knobs, const struct parameter *parameter, const struct rule *rule,
                      const struct rule *given, const struct texts *others)
{
    const struct weights *lists[] = { value_at(parameter, given), value_at(parameter, rule) };
    for (size_t list = 0; list < 2; list++)
        for (size_t i = 0; i < lists[list]->count; i++)
            add_zone(knobs, parameter, lists[list]->weight[i].name);
    for (size_t i = 0; takes_others(rule->measure, parameter) && i < others->count; i++)
        add_zone(knobs, parameter, others->text[i]);
}

/* How many there can be at most. */
static size_t room_for(const struct rule *rule, const struct rule *given, const struct texts *others)
{
    size_t count = 3;
    for (const struct parameter *p = rule->measure->parameters; p->name; p++) {
        count++;
        for (size_t w = 0; p->type == PARAMETER_WORDS && p->words[w]; w++)
            count++;
        if (p->type == PARAMETER_WEIGHTS)
            count += ((const struct weights *)value_at(p, rule))->count +
                     ((const struct weights *)value_at(p, given))->count + others->count;
    }
    return count;
}

struct knobs knobs_of(const struct rule *rule, const struct rule *given, const struct texts *others,
                      struct arena *arena)
{
    struct knobs knobs = { arena_alloc(arena, room_for(rule, given, others) * sizeof *knobs.knob), 0 };
    for (const struct parameter *p = rule->measure->parameters; p->name; p++) {
        if (p->type == PARAMETER_WEIGHTS) {
            add_zones(&knobs, p, rule, given, others);
            continue;
        }
        if (p->type != PARAMETER_WORDS) {
            knobs.knob[knobs.count++] = (struct knob){ .kind = KNOB_PARAMETER, .parameter = p };
            continue;
        }
        for (uint32_t w = 0; p->words[w]; w++)
            knobs.knob[knobs.count++] = (struct knob){ .kind = KNOB_WORD, .parameter = p, .word = w };
    }
    for (enum knob_kind kind = KNOB_REPLY; kind <= KNOB_WARN; kind++)
        knobs.knob[knobs.count++] = (struct knob){ .kind = kind };
    return knobs;
}

bool knobs_equal(const struct knob *a, const struct knob *b)
{
    return a->kind == b->kind && a->parameter == b->parameter && a->word == b->word &&
           str_eq_nocase(a->zone, b->zone);
}

bool knob_turns(const struct knob *knob)
{
    return knob->kind != KNOB_PARAMETER || knob->parameter->type != PARAMETER_TEXTS;
}

/* ---- What they are called, and how they stand. */

struct str knob_name(const struct knob *knob, struct arena *arena)
{
    switch (knob->kind) {
    case KNOB_PARAMETER:
        break;
    case KNOB_WORD:
        return arena_printf(arena, "%s %s", knob->parameter->name, knob->parameter->words[knob->word]);
    case KNOB_ZONE:
        return str_eq(str_of(knob->parameter->name), STR("zones"))
                   ? knob->zone
                   : arena_printf(arena, "%s %.*s", knob->parameter->name, STR_ARG(knob->zone));
    case KNOB_REPLY:
        return STR("reply");
    case KNOB_AT:
        return STR("at");
    case KNOB_WARN:
        return STR("warn");
    }
    return str_of(knob->parameter->name);
}

/* NULL: the rule does not ask it. */
static const struct weight *find_zone(const struct knob *knob, const struct rule *rule)
{
    const struct weights *weights = value_at(knob->parameter, rule);
    for (size_t i = 0; i < weights->count; i++)
        if (str_eq_nocase(weights->weight[i].name, knob->zone))
            return &weights->weight[i];
    return NULL;
}

static int32_t zone_weight(const struct knob *knob, const struct rule *rule)
{
    const struct weight *zone = find_zone(knob, rule);
    return zone ? zone->weight : 0;
}

static struct str on_off(bool on)
{
    return on ? STR("on") : STR("off");
}

/* As a policy has it, without its name in front. */
static struct str parameter_value(const struct parameter *parameter, const struct rule *rule,
                                  struct arena *arena)
{
    if (parameter->type == PARAMETER_BOOL)
        return on_off(*(const bool *)value_at(parameter, rule));
    if (parameter->type == PARAMETER_TEXTS)
        return arena_printf(arena, "%zu", ((const struct texts *)value_at(parameter, rule))->count);
    struct str text = parameter_text(arena, parameter, rule->parameters), name;
    cut_until_char(&text, ':', &name);
    return str_trim(text);
}

struct str knob_value(const struct knob *knob, const struct rule *rule, struct arena *arena)
{
    switch (knob->kind) {
    case KNOB_PARAMETER:
        break;
    case KNOB_WORD:
        return on_off(*(const uint32_t *)value_at(knob->parameter, rule) >> knob->word & 1);
    case KNOB_ZONE:
        return zone_weight(knob, rule) == 0 ? STR("off")
                                            : arena_printf(arena, "%" PRId32, zone_weight(knob, rule));
    case KNOB_REPLY:
        return str_of(reply_words[rule->reply]);
    case KNOB_AT:
        return str_of(stage_name[rule->at]);
    case KNOB_WARN:
        return on_off(rule->warn);
    }
    return parameter_value(knob->parameter, rule, arena);
}

bool knob_same(const struct knob *knob, const struct rule *a, const struct rule *b)
{
    switch (knob->kind) {
    case KNOB_PARAMETER:
        break;
    case KNOB_WORD:
        return ((*(const uint32_t *)value_at(knob->parameter, a) ^
                 *(const uint32_t *)value_at(knob->parameter, b)) >>
                    knob->word &
                1) == 0;
    case KNOB_ZONE:
        return zone_weight(knob, a) == zone_weight(knob, b);
    case KNOB_REPLY:
        return a->reply == b->reply;
    case KNOB_AT:
        return a->at == b->at;
    case KNOB_WARN:
        return a->warn == b->warn;
    }
    return parameter_equal(knob->parameter, a->parameters, b->parameters);
}

/* ---- Turning. */

/* The next rung above or below; a value that is no rung goes to the nearest one in that direction. */
static usec step_duration(usec from, int by)
{
    if (by > 0) {
        for (size_t i = 0; i < DURATIONS; i++)
            if (durations[i] > from)
                return durations[i];
        return from;
    }
    for (size_t i = DURATIONS; i-- > 0;)
        if (durations[i] < from)
            return durations[i];
    return from;
}

static double step_number(double from, int by)
{
    if (by > 0 && from < numbers[0])
        return fmin(from + 1, numbers[0]);
    if (by < 0 && from <= numbers[0])
        return fmax(from - 1, fmin(0, from));
    if (by > 0) {
        for (size_t i = 0; i < NUMBERS; i++)
            if (numbers[i] > from)
                return numbers[i];
        return from;
    }
    for (size_t i = NUMBERS; i-- > 0;)
        if (numbers[i] < from)
            return numbers[i];
    return from;
}

/* The rule's weights with another weight for one zone; 0 takes it out. */
static void set_zone(const struct knob *knob, struct weights *weights, const struct rule *given,
                     int32_t weight, struct arena *arena)
{
    struct weights changed = { arena_alloc(arena, (weights->count + 1) * sizeof *changed.weight), 0 };
    bool found = false;
    for (size_t i = 0; i < weights->count; i++) {
        struct weight zone = weights->weight[i];
        if (str_eq_nocase(zone.name, knob->zone)) {
            found = true;
            zone.weight = weight;
            if (weight == 0)
                continue;
        }
        changed.weight[changed.count++] = zone;
    }
    if (!found && weight != 0) {
        const struct weight *before = find_zone(knob, given);
        struct weight zone = before ? *before : (struct weight){ .name = knob->zone };
        zone.weight = weight;
        changed.weight[changed.count++] = zone;
    }
    *weights = changed;
}

static int no_further(const struct knob *knob, int by, struct arena *arena, struct why *why)
{
    return why_set(why, EX_DATAERR, "%.*s goes no %s", STR_ARG(knob_name(knob, arena)),
                   by > 0 ? "higher" : "lower");
}

/* Whether it can be switched. */
static bool is_switch(const struct knob *knob)
{
    return knob->kind == KNOB_WARN || knob->kind == KNOB_WORD || knob->kind == KNOB_ZONE ||
           (knob->kind == KNOB_PARAMETER && knob->parameter->type == PARAMETER_BOOL);
}

/* The weight of a zone after a step. */
static int32_t step_weight(int32_t from, int32_t at_first, int by)
{
    if (by)
        return from + by;
    return from ? 0 : at_first ? at_first : 1;
}

static int turn_parameter(const struct knob *knob, void *parameters, const struct rule *given, int by,
                          struct arena *arena, struct why *why)
{
    const struct parameter *parameter = knob->parameter;
    void *at = (char *)parameters + parameter->at;
    uint32_t words = 0;
    switch (parameter->type) {
    case PARAMETER_BOOL:
        *(bool *)at = !*(bool *)at;
        break;
    case PARAMETER_DURATION:
        *(usec *)at = step_duration(*(usec *)at, by);
        break;
    case PARAMETER_NUMBER:
        *(double *)at = step_number(*(double *)at, by);
        break;
    case PARAMETER_COUNT:
        *(uint32_t *)at = (uint32_t)step_number(*(uint32_t *)at, by);
        break;
    case PARAMETER_WORD:
        do
            words++;
        while (parameter->words[words]);
        *(uint32_t *)at = (*(uint32_t *)at + (by > 0 ? 1 : words - 1)) % words;
        break;
    case PARAMETER_WORDS:
        *(uint32_t *)at ^= (uint32_t)1 << knob->word;
        break;
    case PARAMETER_TEXTS:
        return why_set(why, EX_DATAERR, "%s is a list: change it in the policy's file", parameter->name);
    case PARAMETER_WEIGHTS: {
        struct weights *weights = at;
        struct rule as_it_is = { .parameters = parameters };
        int32_t weight = step_weight(zone_weight(knob, &as_it_is), zone_weight(knob, given), by);
        if (weight > WEIGHT_MOST || weight < -WEIGHT_MOST)
            return no_further(knob, by, arena, why);
        set_zone(knob, weights, given, weight, arena);
        break;
    }
    }
    return 0;
}

int knob_turn(const struct knob *knob, struct rule *rule, const struct rule *given, int by,
              struct arena *arena, struct why *why)
{
    const struct measure *measure = rule->measure;
    struct rule turned = *rule;
    if (by == 0 && !is_switch(knob))
        return why_set(why, EX_DATAERR, "%.*s has more than on and off: + and - turn it",
                       STR_ARG(knob_name(knob, arena)));
    if (knob->kind == KNOB_REPLY) {
        turned.reply = (enum reply_class)((rule->reply + (by > 0 ? 1 : REPLY_DROP)) % (REPLY_DROP + 1));
    } else if (knob->kind == KNOB_WARN) {
        turned.warn = !rule->warn;
    } else if (knob->kind == KNOB_AT) {
        if (by > 0 ? rule->at + 1 == STAGES : rule->at == 0)
            return no_further(knob, by, arena, why);
        turned.at = (enum stage)((int)rule->at + by);
        turned.moved = given->moved || turned.at != measure->stage;
    } else {
        void *parameters = arena_zero(arena, measure->parameters_size);
        memcpy(parameters, rule->parameters, measure->parameters_size);
        struct why told = { 0 };
        if (turn_parameter(knob, parameters, given, by, arena, why) < 0)
            return -1;
        if (measure->check && measure->check(parameters, &told) < 0)
            return why_set(why, EX_DATAERR, "%.*s: %s", STR_ARG(knob_name(knob, arena)), told.text);
        turned.parameters = parameters;
        if (knob_same(knob, &turned, rule))
            return no_further(knob, by, arena, why);
    }
    *rule = turned;
    return 0;
}

/* ---- In short. */

static struct str append(struct arena *arena, struct str text, struct str more, const char *between)
{
    return text.len ? arena_printf(arena, "%.*s%s%.*s", STR_ARG(text), between, STR_ARG(more)) : more;
}

static struct str words_of(const struct parameter *parameter, uint32_t set, struct arena *arena)
{
    struct str text = STR("");
    for (uint32_t w = 0; parameter->words[w]; w++)
        if (set >> w & 1)
            text = append(arena, text, str_of(parameter->words[w]), " ");
    return text.len ? text : STR("none");
}

/* at == NULL: not worth telling. */
static struct str in_short(const struct parameter *p, const struct rule *rule, bool first, bool is_default,
                           struct arena *arena)
{
    const void *at = value_at(p, rule);
    const struct str nothing = { NULL, 0 };
    size_t count = p->type == PARAMETER_TEXTS     ? ((const struct texts *)at)->count
                   : p->type == PARAMETER_WEIGHTS ? ((const struct weights *)at)->count
                                                  : 0;
    switch (p->type) {
    case PARAMETER_BOOL:
        if (is_default && !(first && *(const bool *)at))
            return nothing;
        return *(const bool *)at ? str_of(p->name) : arena_printf(arena, "no %s", p->name);
    case PARAMETER_WEIGHTS:
        if (!first && !count)
            return nothing;
        return arena_printf(arena, "%zu %s%s", count, first ? "zone" : p->name,
                            first && count != 1 ? "s" : "");
    case PARAMETER_TEXTS:
        return count ? arena_printf(arena, "%zu in %s", count, p->name) : nothing;
    case PARAMETER_WORDS:
        if (is_default && !first)
            return nothing;
        return arena_printf(arena, "%s %.*s", p->name, STR_ARG(words_of(p, *(const uint32_t *)at, arena)));
    default:
        if (is_default && !first)
            return nothing;
        return arena_printf(arena, "%s %.*s", p->name, STR_ARG(parameter_value(p, rule, arena)));
    }
}

struct str knobs_summary(const struct rule *rule, struct arena *arena)
{
    const struct measure *measure = rule->measure;
    const void *defaults = parameters_default(measure, arena);
    struct str text = STR("");
    /* What was set first, then what is so by itself; a threshold tells more than that errors are unknown. */
    for (const struct parameter *p = measure->parameters; p->name; p++) {
        bool is_default = parameter_equal(p, rule->parameters, defaults);
        bool counts = p->type == PARAMETER_NUMBER && measure == &measure_dnsbl;
        struct str one = in_short(p, rule, p == measure->parameters || counts, is_default, arena);
        if (one.at)
            text = append(arena, text, one, ", ");
    }
    if (rule->reply != REPLY_DEFAULT)
        text = append(arena, text, str_of(reply_words[rule->reply]), ", ");
    if (rule->moved)
        text = append(arena, text, arena_printf(arena, "at %s", stage_name[rule->at]), ", ");
    return rule->warn ? append(arena, text, STR("only warns"), ", ") : text;
}

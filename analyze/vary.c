/* Axes, each with its choices; a combination of choices is a policy. */
#include "analyze/vary.h"

#include <stdlib.h>
#include <sysexits.h>
#include "analyze/measure/parameters.h"
#include "analyze/columns.h"
#include "analyze/record.h"
#include "base/nearest.h"

const char *const search_name[SEARCHES] = { "grid", "one-at-a-time", "random" };

enum { RANGE_MOST = 1000, ORDERS_WHOLE = 120 /* so many orders are all tried */ };

enum change_kind { CHANGE_KEY, CHANGE_OFF, CHANGE_DELAY, CHANGE_ORDER, CHANGE_NOTHING };

/* One choice of an axis. */
struct choice {
    enum change_kind kind;
    size_t rule;
    struct str key, value, name;
    bool flag;
    size_t *order; /* of rules by their places in the policy */
};

enum axis_kind { AXIS_CHOICES, AXIS_ZONES, AXIS_ORDER };

struct axis {
    enum axis_kind kind;
    const char *text; /* as it was given */
    size_t rule;
    bool with_each, without_each;
    struct choice *choice;
    size_t count, room;
};

struct axes {
    const struct policy *policy;
    struct axis *axis;
    size_t count;
    struct arena arena;
};

static void add_choice(struct axis *axis, struct choice choice)
{
    mem_room(axis->choice, axis->room, axis->count + 1);
    axis->choice[axis->count++] = choice;
}

/* ---- One policy out of a combination. */

static int apply(struct policy *policy, const struct choice *choice, bool *off, struct why *why)
{
    switch (choice->kind) {
    case CHANGE_KEY:
        return policy_set(policy, choice->rule, choice->key, choice->value, why);
    case CHANGE_OFF:
        off[choice->rule] = choice->flag;
        break;
    case CHANGE_DELAY:
        policy->delay_reject = choice->flag;
        break;
    case CHANGE_ORDER:
    case CHANGE_NOTHING:
        break;
    }
    return 0;
}

/* Puts the rules in order and leaves out those that are off. */
static void arrange(struct policy *policy, const struct policy *given, const size_t *order, const bool *off)
{
    struct rule *rules = arena_zero(&policy->arena, (given->rule_count + 1) * sizeof *rules);
    size_t count = 0;
    for (size_t i = 0; i < given->rule_count; i++) {
        size_t r = order ? order[i] : i;
        if (!off[r])
            rules[count++] = policy->rules[r];
    }
    policy->rules = rules;
    policy->rule_count = count;
}

static int combine(const struct axes *axes, const size_t *chosen, struct variant *variant, struct why *why)
{
    struct policy policy = policy_copy(axes->policy);
    bool *off = arena_zero(&policy.arena, (policy.rule_count + 1) * sizeof *off);
    const size_t *order = NULL;
    struct str name = STR("");
    for (size_t i = 0; i < axes->count; i++) {
        if (chosen[i] >= axes->axis[i].count) /* as it is */
            continue;
        const struct choice *choice = &axes->axis[i].choice[chosen[i]];
        if (apply(&policy, choice, off, why) < 0) {
            policy_free(&policy);
            return -1;
        }
        order = choice->kind == CHANGE_ORDER ? choice->order : order;
        if (choice->name.len)
            name = arena_printf(&policy.arena, "%.*s%s%.*s", STR_ARG(name), name.len ? " " : "",
                                STR_ARG(choice->name));
    }
    arrange(&policy, axes->policy, order, off);
    *variant = (struct variant){ policy, name.len ? name : STR("as it is") };
    return 0;
}

/* ---- Reading axes. */

/* The next value of a list, which commas part but inside brackets. */
static bool next_value(struct str *rest, struct str *value)
{
    int depth = 0;
    size_t i = 0;
    if (!rest->at)
        return false;
    for (; i < rest->len && (depth > 0 || rest->at[i] != ','); i++)
        depth += (rest->at[i] == '[' || rest->at[i] == '{') - (rest->at[i] == ']' || rest->at[i] == '}');
    *value = str_trim((struct str){ rest->at, i });
    *rest = i < rest->len ? str_skip(*rest, i + 1) : (struct str){ NULL, 0 };
    return true;
}

static size_t rule_named(const struct policy *policy, struct str name)
{
    size_t r = 0;
    while (r < policy->rule_count && !str_eq(policy->rules[r].name, name))
        r++;
    return r;
}

static int no_rule(const struct policy *policy, const char *text, struct str name, struct why *why)
{
    const char *names[64];
    char typed[64];
    struct arena arena = { 0 };
    size_t count = 0;
    for (; count < policy->rule_count && count < 64; count++)
        names[count] = arena_str(&arena, policy->rules[count].name).at;
    snprintf(typed, sizeof typed, "%.*s", STR_ARG(name));
    const char *near = nearest_word(str_of(typed), names, count);
    int result =
        near ? why_set(why, EX_USAGE, "--vary %s: policy %.*s has no measure \"%s\"; did you mean %s?", text,
                       STR_ARG(policy->name), typed, near)
             : why_set(why, EX_USAGE, "--vary %s: policy %.*s has no measure \"%s\"", text,
                       STR_ARG(policy->name), typed);
    arena_free(&arena);
    return result;
}

/* "1..5" */
static bool is_range(struct str value, uint64_t *from, uint64_t *to)
{
    return cut_number(&value, from) && cut_prefix(&value, STR("..")) && str_number(value, to) &&
           *from <= *to && *to - *from < RANGE_MOST;
}

static int add_value(struct axes *axes, struct axis *axis, struct str key, struct str value, struct why *why)
{
    const struct rule *rule = &axes->policy->rules[axis->rule];
    struct choice choice = { .kind = CHANGE_KEY, .rule = axis->rule };
    choice.key = arena_str(&axes->arena, key);
    choice.value = arena_str(&axes->arena, value);
    choice.name =
        arena_printf(&axes->arena, "%.*s.%.*s=%.*s", STR_ARG(rule->name), STR_ARG(key), STR_ARG(value));
    struct policy tried = policy_copy(axes->policy);
    int result = policy_set(&tried, axis->rule, key, value, why);
    policy_free(&tried);
    if (result < 0) {
        struct why told = why ? *why : (struct why){ 0 };
        return why_set(why, EX_USAGE, "--vary %s: %s", axis->text, told.text);
    }
    add_choice(axis, choice);
    return 0;
}

static int read_values(struct axes *axes, struct axis *axis, struct str key, struct str values,
                       struct why *why)
{
    struct str value;
    if (str_eq(key, STR("name")) || str_eq(key, STR("title")))
        return why_set(why, EX_USAGE, "--vary %s: a %.*s changes nothing; vary a parameter", axis->text,
                       STR_ARG(key));
    while (next_value(&values, &value)) {
        uint64_t from = 0, to = 0;
        if (!is_range(value, &from, &to)) {
            if (add_value(axes, axis, key, value, why) < 0)
                return -1;
            continue;
        }
        for (uint64_t n = from; n <= to; n++) {
            char digits[24];
            int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
            if (add_value(axes, axis, key, (struct str){ digits, (size_t)len }, why) < 0)
                return -1;
        }
    }
    return 0;
}

static int read_switch(struct axes *axes, struct axis *axis, struct str values, struct why *why)
{
    const struct rule *rule = &axes->policy->rules[axis->rule];
    struct str value;
    while (next_value(&values, &value)) {
        bool on = str_eq(value, STR("on"));
        if (!on && !str_eq(value, STR("off")))
            return why_set(why, EX_USAGE,
                           "--vary %s: \"%.*s\" is not known; write %.*s=on,off or %.*s.KEY=...", axis->text,
                           STR_ARG(value), STR_ARG(rule->name), STR_ARG(rule->name));
        struct str name = on ? STR("") : arena_printf(&axes->arena, "%.*s=off", STR_ARG(rule->name));
        add_choice(axis,
                   (struct choice){ .kind = CHANGE_OFF, .rule = axis->rule, .flag = !on, .name = name });
    }
    return 0;
}

static int read_delay(struct axes *axes, struct axis *axis, struct str values, struct why *why)
{
    struct str value;
    while (next_value(&values, &value)) {
        bool yes = str_eq(value, STR("true"));
        if (!yes && !str_eq(value, STR("false")))
            return why_set(why, EX_USAGE, "--vary %s: \"%.*s\" is neither true nor false", axis->text,
                           STR_ARG(value));
        add_choice(
            axis, (struct choice){ .kind = CHANGE_DELAY,
                                   .flag = yes,
                                   .name = arena_printf(&axes->arena, "delay-reject=%.*s", STR_ARG(value)) });
    }
    return 0;
}

/* ---- Zones. */

static struct str zone_text(struct arena *arena, struct str before, struct str name, int32_t weight)
{
    return arena_printf(arena, "%.*s%s\"%.*s\": %d", STR_ARG(before), before.len ? ", " : "", STR_ARG(name),
                        (int)weight);
}

/* The rule's zones without one of them (at == NULL: with all) and with another (at == NULL: none). */
static void add_zones(struct axes *axes, struct axis *axis, struct str without, struct str with)
{
    const struct rule *rule = &axes->policy->rules[axis->rule];
    const struct weights *zones = &((const struct dnsbl_parameters *)rule->parameters)->zones;
    struct str list = STR(""), zone = with.at ? with : without;
    struct choice choice = { .kind = CHANGE_KEY, .rule = axis->rule, .key = STR("zones") };
    for (size_t i = 0; i < zones->count; i++) {
        const struct weight *one = &zones->weight[i];
        if (without.at && str_eq_nocase(one->name, without))
            continue;
        if (!one->replies.count) {
            list = zone_text(&axes->arena, list, one->name, one->weight);
            continue;
        }
        list = arena_printf(&axes->arena, "%.*s%s\"%.*s\": { weight: %d, replies: [", STR_ARG(list),
                            list.len ? ", " : "", STR_ARG(one->name), (int)one->weight);
        for (size_t k = 0; k < one->replies.count; k++) {
            char text[IP_TEXT_BYTES + 4];
            prefix_format(&one->replies.prefix[k], text);
            list = arena_printf(&axes->arena, "%.*s%s\"%s\"", STR_ARG(list), k ? ", " : "", text);
        }
        list = arena_printf(&axes->arena, "%.*s] }", STR_ARG(list));
    }
    if (with.at)
        list = zone_text(&axes->arena, list, with, 1);
    choice.value = arena_printf(&axes->arena, "{ %.*s }", STR_ARG(list));
    choice.name = arena_printf(&axes->arena, "%.*s.zones%c%.*s", STR_ARG(rule->name), with.at ? '+' : '-',
                               STR_ARG(zone));
    struct policy tried = policy_copy(axes->policy); /* a stranger's zone may be no name for a policy */
    if (policy_set(&tried, axis->rule, choice.key, choice.value, NULL) == 0)
        add_choice(axis, choice);
    policy_free(&tried);
}

static bool has_zone(const struct rule *rule, struct str name)
{
    const struct weights *zones = &((const struct dnsbl_parameters *)rule->parameters)->zones;
    for (size_t i = 0; i < zones->count; i++)
        if (str_eq_nocase(zones->weight[i].name, name))
            return true;
    return false;
}

static int read_zones(struct axes *axes, struct axis *axis, struct str values, struct why *why)
{
    const struct rule *rule = &axes->policy->rules[axis->rule];
    const struct str none = { NULL, 0 };
    struct str value;
    axis->kind = AXIS_ZONES;
    while (next_value(&values, &value)) {
        char sign = value.len ? value.at[0] : '\0';
        struct str name = arena_str(&axes->arena, str_skip(value, 1));
        bool each = str_eq(name, STR("each"));
        if (sign == '+' && each)
            axis->with_each = true;
        else if (sign == '-' && each)
            axis->without_each = true;
        else if (sign == '+' && name.len && !has_zone(rule, name))
            add_zones(axes, axis, none, name);
        else if (sign == '-' && has_zone(rule, name))
            add_zones(axes, axis, name, none);
        else
            return why_set(
                why, EX_USAGE,
                "--vary %s: \"%.*s\" is not known; write +each, -each, +NAME of a zone that it lacks "
                "or -NAME of one that it has",
                axis->text, STR_ARG(value));
    }
    return 0;
}

static void find_zones(struct axes *axes, struct axis *axis, const struct columns *columns)
{
    const struct rule *rule = &axes->policy->rules[axis->rule];
    const struct weights *zones = &((const struct dnsbl_parameters *)rule->parameters)->zones;
    const struct str none = { NULL, 0 };
    struct names found = { 0 };
    for (size_t i = 0; axis->without_each && i < zones->count; i++)
        add_zones(axes, axis, zones->weight[i].name, none);
    for (size_t f = 0; axis->with_each && f < columns->fact_count; f++)
        if (columns->fact[f].kind == KIND_DNSBL && columns->fact[f].subject != NAME_NONE)
            names_add(&found, names_text(&columns->names, columns->fact[f].subject));
    for (size_t p = 0; axis->with_each && p < columns->provided_count; p++)
        if (columns->provided[p].fact.kind == KIND_DNSBL && columns->provided[p].fact.subject != NAME_NONE)
            names_add(&found, names_text(&columns->names, columns->provided[p].fact.subject));
    for (uint32_t z = 0; z < found.count; z++)
        if (!has_zone(rule, names_text(&found, z)))
            add_zones(axes, axis, none, arena_str(&axes->arena, names_text(&found, z)));
    names_free(&found);
    axis->with_each = axis->without_each = false;
}

/* ---- Orders. */

struct ordering {
    struct axes *axes;
    struct axis *axis;
    const struct step *steps;
    size_t count;
};

/* `rules`: in the order in which they are to act. The policy's text has them in that order. */
static void add_order(struct ordering *ordering, const uint32_t *rules)
{
    struct axes *axes = ordering->axes;
    struct choice choice = { .kind = CHANGE_ORDER };
    struct str name = STR("order=");
    bool same = true;
    choice.order = arena_alloc(&axes->arena, (ordering->count + 1) * sizeof *choice.order);
    for (size_t i = 0; i < ordering->count; i++) {
        choice.order[i] = rules[i];
        same = same && rules[i] == ordering->steps[i].rule;
        name = arena_printf(&axes->arena, "%.*s%s%.*s", STR_ARG(name), i ? ">" : "",
                            STR_ARG(axes->policy->rules[rules[i]].name));
    }
    choice.name = name;
    if (!same)
        add_choice(ordering->axis, choice);
}

/* All orders from place `at` on. */
static void permute(struct ordering *ordering, uint32_t *rules, size_t at)
{
    if (at + 1 >= ordering->count) {
        add_order(ordering, rules);
        return;
    }
    for (size_t i = at; i < ordering->count && ordering->steps[i].stage == ordering->steps[at].stage; i++) {
        uint32_t swap = rules[at];
        rules[at] = rules[i];
        rules[i] = swap;
        permute(ordering, rules, at + 1);
        rules[i] = rules[at];
        rules[at] = swap;
    }
}

static void read_order(struct axes *axes, struct axis *axis)
{
    size_t count = axes->policy->rule_count, orders = 1, run = 0;
    struct step *steps = mem_zero(count, sizeof *steps);
    uint32_t *rules = mem_zero(count, sizeof *rules);
    policy_steps(axes->policy, steps);
    struct ordering ordering = { axes, axis, steps, count };
    axis->kind = AXIS_ORDER;
    for (size_t i = 0; i < count; i++) {
        rules[i] = steps[i].rule;
        run = i && steps[i].stage == steps[i - 1].stage ? run + 1 : 1;
        orders = orders > ORDERS_WHOLE ? orders : orders * run;
    }
    if (orders <= ORDERS_WHOLE)
        permute(&ordering, rules, 0);
    for (size_t i = 0; orders > ORDERS_WHOLE && i + 1 < count; i++) {
        if (steps[i].stage != steps[i + 1].stage)
            continue;
        rules[i] = steps[i + 1].rule;
        rules[i + 1] = steps[i].rule;
        add_order(&ordering, rules);
        rules[i] = steps[i].rule;
        rules[i + 1] = steps[i + 1].rule;
    }
    free(rules);
    free(steps);
}

/* ---- All of it. */

static int read_axis(struct axes *axes, struct axis *axis, const char *text, struct why *why)
{
    struct str rest = str_of(text), name, key = { NULL, 0 };
    axis->text = text;
    if (str_eq(rest, STR("order"))) {
        read_order(axes, axis);
        return 0;
    }
    if (!cut_until_char(&rest, '=', &name) || name.len == 0)
        return why_set(
            why, EX_USAGE,
            "--vary: \"%s\" varies nothing; write greylist.delay=1m,5m or greylist=on,off or order", text);
    if (str_eq(name, STR("delay-reject")))
        return read_delay(axes, axis, rest, why);
    axis->rule = rule_named(axes->policy, name);
    for (const char *dot; axis->rule == axes->policy->rule_count && (dot = str_find_last(name, '.'));) {
        key = str_range(dot + 1, name.at + name.len);
        name.len = (size_t)(dot - name.at);
        axis->rule = rule_named(axes->policy, name);
    }
    if (axis->rule == axes->policy->rule_count)
        return no_rule(axes->policy, text, name, why);
    if (!key.at)
        return read_switch(axes, axis, rest, why);
    bool of_zones = axes->policy->rules[axis->rule].measure == &measure_dnsbl && str_eq(key, STR("zones")) &&
                    rest.len && (rest.at[0] == '+' || rest.at[0] == '-');
    return of_zones ? read_zones(axes, axis, rest, why) : read_values(axes, axis, key, rest, why);
}

/* Whether both vary the same of a policy: the one would undo what the other does. */
static bool is_same(const struct axis *a, const struct axis *b)
{
    if (a->kind != b->kind || a->kind == AXIS_ORDER)
        return a->kind == b->kind;
    if (a->kind == AXIS_ZONES)
        return a->rule == b->rule;
    const struct choice *one = &a->choice[0], *other = &b->choice[0];
    return a->count && b->count && one->kind == other->kind && one->rule == other->rule &&
           str_eq(one->key, other->key);
}

int axes_read(const struct policy *policy, const char *const *vary, size_t count, struct axes **axes,
              struct why *why)
{
    struct axes *made = *axes = mem_zero(1, sizeof *made);
    made->policy = policy;
    made->axis = mem_zero(count + 1, sizeof *made->axis);
    for (size_t i = 0; i < count; i++) {
        made->count++; /* one with a mistake may hold choices already */
        if (read_axis(made, &made->axis[i], vary[i], why) < 0)
            return -1;
        for (size_t k = 0; k < i; k++)
            if (is_same(&made->axis[k], &made->axis[i]))
                return why_set(why, EX_USAGE,
                               "--vary %s and --vary %s vary the same; write its choices in one, with commas",
                               vary[k], vary[i]);
    }
    return 0;
}

void axes_free(struct axes *axes)
{
    if (!axes)
        return;
    for (size_t i = 0; i < axes->count; i++)
        free(axes->axis[i].choice);
    free(axes->axis);
    arena_free(&axes->arena);
    free(axes);
}

/* ---- Combinations. */

/* How many choices an axis has: in zones and orders, as it is counts as one of them. */
static size_t choices(const struct axis *axis)
{
    return axis->count + (axis->kind != AXIS_CHOICES);
}

static int add_variant(const struct axes *axes, const size_t *chosen, struct variants *variants, size_t *room,
                       struct why *why)
{
    mem_room(variants->variant, *room, variants->count + 1);
    if (combine(axes, chosen, &variants->variant[variants->count], why) < 0)
        return -1;
    /* what is as it is stands there already */
    if (variants->count && str_eq(variants->variant[variants->count].name, variants->variant[0].name))
        policy_free(&variants->variant[variants->count].policy);
    else
        variants->count++;
    return 0;
}

static int make_grid(const struct axes *axes, size_t *chosen, struct variants *variants, size_t *room,
                     struct why *why)
{
    double all = 1;
    for (size_t i = 0; i < axes->count; i++) {
        all *= (double)choices(&axes->axis[i]);
        chosen[i] = 0;
    }
    if (all > VARIANTS_MOST)
        return why_set(why, EX_USAGE,
                       "that makes %.0f policies; take --search random --samples 1000, or one-at-a-time",
                       all);
    for (size_t i = 0; all > 0 && i < axes->count;) {
        if (add_variant(axes, chosen, variants, room, why) < 0)
            return -1;
        for (i = 0; i < axes->count && ++chosen[i] == choices(&axes->axis[i]); i++)
            chosen[i] = 0;
    }
    return 0;
}

static int make_one_at_a_time(const struct axes *axes, size_t *chosen, struct variants *variants,
                              size_t *room, struct why *why)
{
    for (size_t i = 0; i < axes->count; i++)
        for (size_t c = 0; c < axes->axis[i].count; c++) {
            for (size_t k = 0; k < axes->count; k++)
                chosen[k] = k == i ? c : SIZE_MAX;
            if (add_variant(axes, chosen, variants, room, why) < 0)
                return -1;
        }
    return 0;
}

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Combinations at random, none twice; as it is belongs to every axis. */
static int make_random(const struct axes *axes, size_t *chosen, size_t samples, uint64_t seed,
                       struct variants *variants, size_t *room, struct why *why)
{
    struct names seen = { 0 };
    int result = 0;
    for (size_t tries = 0; result == 0 && variants->count <= samples && tries < samples * 20; tries++) {
        for (size_t i = 0; i < axes->count; i++)
            chosen[i] = (size_t)(draw(&seed) % (axes->axis[i].count + 1));
        size_t before = seen.count;
        names_add(&seen, (struct str){ (const char *)chosen, axes->count * sizeof *chosen });
        if (seen.count > before)
            result = add_variant(axes, chosen, variants, room, why);
    }
    names_free(&seen);
    return result;
}

int variants_make(struct axes *axes, const struct columns *columns, enum search search, size_t samples,
                  uint64_t seed, struct variants *variants, struct why *why)
{
    size_t *chosen = mem_zero(axes->count + 1, sizeof *chosen), room = 0;
    int result = -1;
    *variants = (struct variants){ 0 };
    for (size_t i = 0; i < axes->count; i++) {
        if (axes->axis[i].kind == AXIS_ZONES)
            find_zones(axes, &axes->axis[i], columns);
        chosen[i] = SIZE_MAX;
    }
    if (add_variant(axes, chosen, variants, &room, why) < 0)
        goto done;
    switch (search) {
    case SEARCH_GRID:
    case SEARCHES:
        result = make_grid(axes, chosen, variants, &room, why);
        break;
    case SEARCH_ONE_AT_A_TIME:
        result = make_one_at_a_time(axes, chosen, variants, &room, why);
        break;
    case SEARCH_RANDOM:
        result = make_random(axes, chosen, samples, seed, variants, &room, why);
        break;
    }
done:
    free(chosen);
    return result;
}

void variants_free(struct variants *variants)
{
    for (size_t i = 0; i < variants->count; i++)
        policy_free(&variants->variant[i].policy);
    free(variants->variant);
    arena_free(&variants->arena);
}

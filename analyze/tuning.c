/* Tuning: a list of editions, each a policy with all its measures and whether each is on; a step makes one
 * more. An edition is never changed once it is there, so that trials may look at it from another thread. */
#define _POSIX_C_SOURCE 200809L
#include "analyze/tuning.h"

#include <stdlib.h>
#include <sysexits.h>
#include "analyze/record.h"

struct edition {
    struct policy policy; /* its arena owns the rest */
    bool *off;            /* by rule */
    struct str *essence;  /* by rule; those of rules that a step did not turn are older editions' */
    struct step *steps;
    struct str what;  /* the step that made it */
    struct str whole; /* two of one text are alike */
};

struct tuning {
    const struct policy *loaded;
    struct texts zones;
    struct edition **edition; /* the first is the loaded policy */
    size_t count, room, now;
    struct edition **gone; /* what was undone and then done otherwise: trials may still look at it */
    size_t gone_count, gone_room;
    struct str saved;   /* `whole` of what was written last */
    struct arena knobs; /* until the next step */
    struct arena arena;
};

/* ---- Texts that tell editions apart. */

/* What a tuning can change of a rule, and the name of it. */
static struct str essence_of(const struct rule *rule, struct arena *arena)
{
    struct str text = arena_printf(arena, "%.*s %d %d %d %d", STR_ARG(rule->name), (int)rule->reply,
                                   (int)rule->at, rule->moved, rule->warn);
    for (const struct parameter *p = rule->measure->parameters; p->name; p++) {
        struct str one = parameter_text(arena, p, rule->parameters);
        text = arena_printf(arena, "%.*s, %.*s", STR_ARG(text), STR_ARG(one));
    }
    return text;
}

static struct str joined_essence(const struct edition *edition, bool off_too, struct arena *arena)
{
    size_t len = 2, count = edition->policy.rule_count;
    for (size_t r = 0; r < count; r++)
        len += edition->essence[r].len + 3;
    char *text = arena_alloc(arena, len), *end = text;
    *end++ = edition->policy.delay_reject ? 'd' : '-';
    for (size_t r = 0; r < count; r++) {
        if (edition->off[r] && !off_too)
            continue;
        *end++ = '\n';
        *end++ = edition->off[r] ? '-' : '+';
        memcpy(end, edition->essence[r].at, edition->essence[r].len);
        end += edition->essence[r].len;
    }
    return str_range(text, end);
}

/* Leaves those out that are off. */
static void leave_out(struct policy *policy, const bool *off)
{
    size_t kept = 0;
    for (size_t r = 0; r < policy->rule_count; r++)
        if (!off[r])
            policy->rules[kept++] = policy->rules[r];
    policy->rule_count = kept;
}

/* ---- Editions. */

static struct edition *edition_new(const struct policy *policy)
{
    struct edition *edition = mem_zero(1, sizeof *edition);
    struct arena *arena = &edition->policy.arena;
    size_t count = policy->rule_count;
    edition->policy = policy_copy(policy);
    edition->off = arena_zero(arena, count + 1);
    edition->essence = arena_zero(arena, (count + 1) * sizeof *edition->essence);
    edition->steps = arena_zero(arena, (count + 1) * sizeof *edition->steps);
    return edition;
}

static void edition_free(struct edition *edition)
{
    policy_free(&edition->policy);
    free(edition);
}

/* Its order, and what tells it apart, once it is as it is to be. */
static void edition_finish(struct edition *edition)
{
    struct policy *policy = &edition->policy;
    policy_steps(policy, edition->steps);
    edition->whole = joined_essence(edition, true, &policy->arena);
}

static const struct edition *current(const struct tuning *tuning)
{
    return tuning->edition[tuning->now];
}

static struct edition *next_edition(const struct tuning *tuning)
{
    const struct edition *now = current(tuning);
    struct edition *edition = edition_new(&now->policy);
    memcpy(edition->off, now->off, now->policy.rule_count);
    memcpy(edition->essence, now->essence, now->policy.rule_count * sizeof *edition->essence);
    return edition;
}

/* The loaded policy. */
static struct edition *first_edition(const struct policy *loaded)
{
    struct edition *edition = edition_new(loaded);
    for (size_t r = 0; r < loaded->rule_count; r++)
        edition->essence[r] = essence_of(&edition->policy.rules[r], &edition->policy.arena);
    return edition;
}

/* Makes it the current one; what had been undone is gone. */
static int push(struct tuning *tuning, struct edition *edition, struct str what)
{
    edition_finish(edition);
    edition->what = arena_str(&edition->policy.arena, what);
    for (size_t i = tuning->now + 1; i < tuning->count; i++) {
        mem_room(tuning->gone, tuning->gone_room, tuning->gone_count + 1);
        tuning->gone[tuning->gone_count++] = tuning->edition[i];
    }
    tuning->count = ++tuning->now;
    mem_room(tuning->edition, tuning->room, tuning->count + 1);
    tuning->edition[tuning->count++] = edition;
    arena_reset(&tuning->knobs);
    return 0;
}

struct tuning *tuning_new(const struct policy *loaded, const struct texts *zones)
{
    struct tuning *tuning = mem_zero(1, sizeof *tuning);
    tuning->loaded = loaded;
    tuning->zones.text = arena_alloc(&tuning->arena, (zones->count + 1) * sizeof *tuning->zones.text);
    for (size_t i = 0; i < zones->count; i++)
        tuning->zones.text[tuning->zones.count++] = arena_str(&tuning->arena, zones->text[i]);
    mem_room(tuning->edition, tuning->room, 1);
    tuning->edition[tuning->count++] = first_edition(loaded);
    edition_finish(tuning->edition[0]);
    tuning->saved = tuning->edition[0]->whole;
    return tuning;
}

void tuning_free(struct tuning *tuning)
{
    if (!tuning)
        return;
    for (size_t i = 0; i < tuning->count; i++)
        edition_free(tuning->edition[i]);
    for (size_t i = 0; i < tuning->gone_count; i++)
        edition_free(tuning->gone[i]);
    free(tuning->edition);
    free(tuning->gone);
    arena_free(&tuning->knobs);
    arena_free(&tuning->arena);
    free(tuning);
}

/* ---- What there is. */

size_t tuning_count(const struct tuning *tuning)
{
    return tuning->loaded->rule_count;
}

static const struct rule *given_of(const struct tuning *tuning, struct str name)
{
    const struct policy *loaded = tuning->loaded;
    size_t r = 0;
    while (r + 1 < loaded->rule_count && !str_eq(loaded->rules[r].name, name))
        r++;
    return &loaded->rules[r];
}

struct tuned tuning_at(const struct tuning *tuning, size_t place)
{
    const struct edition *edition = current(tuning);
    const struct step *step = &edition->steps[place];
    const struct rule *rule = &edition->policy.rules[step->rule];
    return (struct tuned){ rule, given_of(tuning, rule->name), step->stage, edition->off[step->rule] };
}

struct knobs tuning_knobs(struct tuning *tuning, size_t place)
{
    struct tuned tuned = tuning_at(tuning, place);
    return knobs_of(tuned.rule, tuned.given, &tuning->zones, &tuning->knobs);
}

size_t tuning_place(const struct tuning *tuning, struct str name)
{
    size_t place = 0;
    while (place < tuning_count(tuning) && !str_eq(tuning_at(tuning, place).rule->name, name))
        place++;
    return place;
}

bool tuning_delays_reject(const struct tuning *tuning)
{
    return current(tuning)->policy.delay_reject;
}

/* ---- Steps. */

int tuning_switch(struct tuning *tuning, size_t place, struct why *why)
{
    (void)why;
    struct edition *edition = next_edition(tuning);
    size_t r = current(tuning)->steps[place].rule;
    edition->off[r] = !edition->off[r];
    return push(tuning, edition,
                arena_printf(&edition->policy.arena, "%.*s: %s", STR_ARG(edition->policy.rules[r].name),
                             edition->off[r] ? "off" : "on"));
}

/* Two of one stage that act one after the other change places in the text; what stands between them there
 * acts at other stages, and its order stays. */
static void swap_rules(struct edition *edition, size_t a, size_t b)
{
    struct rule rule = edition->policy.rules[a];
    bool off = edition->off[a];
    struct str essence = edition->essence[a];
    edition->essence[a] = edition->essence[b];
    edition->essence[b] = essence;
    edition->policy.rules[a] = edition->policy.rules[b];
    edition->policy.rules[b] = rule;
    edition->off[a] = edition->off[b];
    edition->off[b] = off;
}

int tuning_move(struct tuning *tuning, size_t *place, int by, struct why *why)
{
    const struct edition *now = current(tuning);
    if (by < 0 ? *place == 0 : *place + 1 >= tuning_count(tuning))
        return why_set(why, EX_DATAERR, "%.*s is the %s one already",
                       STR_ARG(tuning_at(tuning, *place).rule->name), by < 0 ? "first" : "last");
    size_t other = by < 0 ? *place - 1 : *place + 1;
    const struct step *step = &now->steps[*place], *neighbour = &now->steps[other];
    const struct rule *rules = now->policy.rules;
    if (step->stage != neighbour->stage)
        return why_set(why, EX_DATAERR,
                       "%.*s acts at %s and %.*s at %s: the dialog's order decides; `at` or delay-reject "
                       "changes that",
                       STR_ARG(rules[step->rule].name), stage_name[step->stage],
                       STR_ARG(rules[neighbour->rule].name), stage_name[neighbour->stage]);
    struct edition *edition = next_edition(tuning);
    swap_rules(edition, step->rule, neighbour->rule);
    *place = other;
    return push(tuning, edition,
                arena_printf(&edition->policy.arena, "%.*s %s %.*s", STR_ARG(rules[step->rule].name),
                             by < 0 ? "before" : "behind", STR_ARG(rules[neighbour->rule].name)));
}

/* "greylist: delay 5m -> 10m" */
static struct str change_text(const struct knob *knob, const struct rule *from, const struct rule *to,
                              struct arena *arena)
{
    return arena_printf(arena, "%.*s: %.*s %.*s -> %.*s", STR_ARG(to->name), STR_ARG(knob_name(knob, arena)),
                        STR_ARG(knob_value(knob, from, arena)), STR_ARG(knob_value(knob, to, arena)));
}

/* NULL where it does not turn, with why. */
static struct edition *turned(const struct tuning *tuning, size_t r, const struct knob *knob, int by,
                              struct why *why)
{
    struct edition *edition = next_edition(tuning);
    struct rule *rule = &edition->policy.rules[r];
    struct arena *arena = &edition->policy.arena;
    if (knob_turn(knob, rule, given_of(tuning, rule->name), by, arena, why) < 0) {
        edition_free(edition);
        return NULL;
    }
    edition->essence[r] = essence_of(rule, arena);
    return edition;
}

int tuning_turn(struct tuning *tuning, size_t place, const struct knob *knob, int by, struct why *why)
{
    size_t r = current(tuning)->steps[place].rule;
    struct edition *edition = turned(tuning, r, knob, by, why);
    if (!edition)
        return -1;
    const struct rule *rule = &edition->policy.rules[r];
    return push(tuning, edition,
                change_text(knob, &current(tuning)->policy.rules[r], rule, &edition->policy.arena));
}

int tuning_delay_reject(struct tuning *tuning, struct why *why)
{
    (void)why;
    struct edition *edition = next_edition(tuning);
    edition->policy.delay_reject = !edition->policy.delay_reject;
    return push(tuning, edition,
                edition->policy.delay_reject ? STR("delay-reject: off -> on")
                                             : STR("delay-reject: on -> off"));
}

int tuning_reset(struct tuning *tuning, struct why *why)
{
    if (!tuning_is_changed(tuning))
        return why_set(why, EX_DATAERR, "it is as it was loaded");
    return push(tuning, first_edition(tuning->loaded), STR("as it was loaded"));
}

int tuning_undo(struct tuning *tuning, struct why *why)
{
    if (tuning->now == 0)
        return why_set(why, EX_DATAERR, "there is nothing to take back");
    tuning->now--;
    arena_reset(&tuning->knobs);
    return 0;
}

int tuning_redo(struct tuning *tuning, struct why *why)
{
    if (tuning->now + 1 == tuning->count)
        return why_set(why, EX_DATAERR, "there is nothing to make again");
    tuning->now++;
    arena_reset(&tuning->knobs);
    return 0;
}

struct str tuning_last(const struct tuning *tuning)
{
    return current(tuning)->what;
}

/* ---- What differs. */

bool tuning_is_changed(const struct tuning *tuning)
{
    return !str_eq(current(tuning)->whole, tuning->edition[0]->whole);
}

bool tuning_is_saved(const struct tuning *tuning)
{
    return str_eq(current(tuning)->whole, tuning->saved);
}

void tuning_saved(struct tuning *tuning)
{
    tuning->saved = current(tuning)->whole;
}

/* Whether those that both have act in another order than they did. */
static bool is_reordered(const struct tuning *tuning)
{
    const struct edition *now = current(tuning), *first = tuning->edition[0];
    size_t k = 0;
    for (size_t i = 0; i < tuning_count(tuning); i++) {
        struct str name = first->policy.rules[first->steps[i].rule].name;
        size_t r = now->steps[k].rule;
        while (k + 1 < tuning_count(tuning) && now->off[r])
            r = now->steps[++k].rule;
        size_t place = tuning_place(tuning, name);
        if (tuning_at(tuning, place).off)
            continue;
        if (!str_eq(now->policy.rules[r].name, name))
            return true;
        k += k + 1 < tuning_count(tuning);
    }
    return false;
}

static struct str order_text(const struct tuning *tuning, struct arena *arena)
{
    struct str text = STR("order:");
    for (size_t place = 0; place < tuning_count(tuning); place++) {
        struct tuned tuned = tuning_at(tuning, place);
        if (!tuned.off)
            text = arena_printf(arena, "%.*s%s %.*s", STR_ARG(text), text.len > 6 ? "," : "",
                                STR_ARG(tuned.rule->name));
    }
    return text;
}

size_t tuning_changes(const struct tuning *tuning, struct arena *arena, struct str **lines)
{
    size_t count = 0, room = 0;
    struct str *found = NULL;
    if (tuning_delays_reject(tuning) != tuning->loaded->delay_reject) {
        mem_room(found, room, count + 1);
        found[count++] = arena_printf(arena, "delay-reject: %s", tuning_delays_reject(tuning) ? "on" : "off");
    }
    for (size_t place = 0; place < tuning_count(tuning); place++) {
        struct tuned tuned = tuning_at(tuning, place);
        struct knobs knobs = knobs_of(tuned.rule, tuned.given, &tuning->zones, arena);
        if (tuned.off) {
            mem_room(found, room, count + 1);
            found[count++] = arena_printf(arena, "%.*s: off", STR_ARG(tuned.rule->name));
        }
        for (size_t i = 0; !tuned.off && i < knobs.count; i++)
            if (!knob_same(&knobs.knob[i], tuned.rule, tuned.given)) {
                mem_room(found, room, count + 1);
                found[count++] = change_text(&knobs.knob[i], tuned.given, tuned.rule, arena);
            }
    }
    if (is_reordered(tuning)) {
        mem_room(found, room, count + 1);
        found[count++] = order_text(tuning, arena);
    }
    *lines = arena_alloc(arena, (count + 1) * sizeof **lines);
    if (count)
        memcpy(*lines, found, count * sizeof **lines);
    free(found);
    return count;
}

/* ---- To be tried. */

static struct attempted attempt_of(struct edition *edition)
{
    struct attempted attempted = { mem_alloc(sizeof *attempted.policy), { NULL, 0 } };
    attempted.key = joined_essence(edition, false, &edition->policy.arena);
    leave_out(&edition->policy, edition->off);
    *attempted.policy = edition->policy;
    free(edition);
    return attempted;
}

struct attempted tuning_attempt(const struct tuning *tuning)
{
    return attempt_of(next_edition(tuning));
}

void attempted_free(struct attempted *attempted)
{
    if (attempted->policy)
        policy_free(attempted->policy);
    free(attempted->policy);
    *attempted = (struct attempted){ 0 };
}

/* ---- To be written. */

/* A rule as it would be written, for a remark. */
static struct str remark_of(const struct rule *rule, struct arena *arena)
{
    struct rule alone = *rule;
    struct policy policy = { .name = STR("x"), .rules = &alone, .rule_count = 1 };
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    struct str remark = STR("switched off:\n");
    alone.remark = (struct str){ 0 };
    if (to) {
        policy_write(&policy, false, to, NULL);
        fclose(to);
    }
    struct str rest = { text, len }, line;
    while (cut_until_char(&rest, '\n', &line))
        if (str_starts(line, STR("  ")))
            remark = arena_printf(arena, "%.*s%.*s\n", STR_ARG(remark), STR_ARG(str_skip(line, 2)));
    free(text);
    return remark;
}

static struct str joined(struct arena *arena, struct str a, struct str b)
{
    bool ends = a.len == 0 || a.at[a.len - 1] == '\n';
    return a.len && b.len ? arena_printf(arena, "%.*s%s%.*s", STR_ARG(a), ends ? "" : "\n", STR_ARG(b))
           : a.len        ? a
                          : b;
}

static struct str heading(const struct tuning *tuning, struct arena *arena)
{
    struct str *lines = NULL;
    size_t count = tuning_changes(tuning, arena, &lines);
    struct str text = tuning->loaded->remark;
    if (count)
        text =
            joined(arena, text,
                   arena_printf(arena, "%.*s, changed with mxreplay tune:", STR_ARG(tuning->loaded->name)));
    for (size_t i = 0; i < count; i++)
        text = joined(arena, text, arena_printf(arena, "  %.*s", STR_ARG(lines[i])));
    return text;
}

int tuning_write(const struct tuning *tuning, struct str name, FILE *to, struct why *why)
{
    struct edition *edition = next_edition(tuning);
    struct policy *policy = &edition->policy;
    struct arena *arena = &policy->arena;
    struct str off = { NULL, 0 };
    for (size_t r = 0; r < policy->rule_count; r++) {
        if (edition->off[r]) {
            off = joined(arena, off, remark_of(&policy->rules[r], arena));
            continue;
        }
        policy->rules[r].remark = joined(arena, off, policy->rules[r].remark);
        off = (struct str){ NULL, 0 };
    }
    policy->last_remark = joined(arena, off, policy->last_remark);
    policy->remark = heading(tuning, arena);
    if (name.at)
        policy->name = name;
    leave_out(policy, edition->off);
    int result = policy_write(policy, false, to, why);
    edition_free(edition);
    return result;
}

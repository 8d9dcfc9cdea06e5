/* A policy in the making. Each restriction of a server becomes a rule, a part of the rule before it, or a
 * comment that says why not; in the end what all rules exempt is said once, rules of one kind get names that
 * tell them apart, and the policy is written and read again, so that it is one. */
#define _POSIX_C_SOURCE 200809L
#include "config/draft.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "analyze/exempt.h"
#include "analyze/lists.h"
#include "collect/zone.h"

enum { FINDINGS_MOST = 20000, WHAT_MOST = 200 };

void draft_close(struct draft *draft)
{
    for (size_t i = 0; i < draft->rule_count; i++)
        free(draft->rules[i].remark.text);
    free(draft->head.text);
    free(draft->pending.text);
    free(draft->rules);
    free(draft->findings);
    arena_free(&draft->arena);
    *draft = (struct draft){ 0 };
}

struct draft_rule *draft_add(struct draft *draft, const char *measure, const struct exempt *exempt)
{
    const struct measure *found = measure_find(str_of(measure));
    mem_room(draft->rules, draft->rule_room, draft->rule_count + 1);
    struct draft_rule *rule = &draft->rules[draft->rule_count++];
    *rule = (struct draft_rule){ .rule = { .measure = found, .at = found->stage, .cost = NAN } };
    rule->parameters = parameters_default(found, &draft->arena);
    rule->rule.parameters = rule->parameters;
    if (exempt)
        rule->rule.exempt = *exempt;
    rule->remark = draft->pending;
    draft->pending = (struct remark){ 0 };
    draft->apart = false;
    return rule;
}

struct draft_rule *draft_last(struct draft *draft, const char *measure, const struct exempt *exempt,
                              bool warn, enum stage stage)
{
    struct draft_rule *last = draft->rule_count ? &draft->rules[draft->rule_count - 1] : NULL;
    if (!last || draft->apart || strcmp(last->rule.measure->name, measure) != 0 || last->rule.warn != warn ||
        draft_stage(draft, last) != stage || !exempts_equal(&last->rule.exempt, exempt))
        return NULL;
    return last;
}

enum stage draft_stage(const struct draft *draft, const struct draft_rule *rule)
{
    bool late = draft->delay_reject && !rule->rule.moved && rule->rule.at < STAGE_RCPT;
    return late ? STAGE_RCPT : rule->rule.at;
}

void draft_act_at(const struct draft *draft, struct draft_rule *rule, enum stage stage)
{
    rule->rule.moved = false;
    rule->rule.at = rule->rule.measure->stage;
    rule->rule.moved = draft_stage(draft, rule) != stage;
    if (rule->rule.moved)
        rule->rule.at = stage;
}

void draft_reply(struct draft_rule *rule, struct str code)
{
    if (code.len && code.at[0] == '4')
        rule->says_4xx = true;
    else if (code.len && code.at[0] == '5')
        rule->says_5xx = true;
    enum reply_class says = rule->says_4xx && rule->says_5xx ? REPLY_DEFAULT
                            : rule->says_4xx                 ? REPLY_4XX
                            : rule->says_5xx                 ? REPLY_5XX
                                                             : rule->rule.reply;
    rule->rule.reply = says == rule->rule.measure->reply ? REPLY_DEFAULT : says;
}

/* ---- Findings. */

/* One line of printable text, shortened. */
static struct str clean(struct draft *draft, struct str text)
{
    char *copy = arena_alloc(&draft->arena, WHAT_MOST + 4);
    size_t len = 0;
    text = str_trim(text);
    for (size_t i = 0; i < text.len && len < WHAT_MOST; i++) {
        unsigned char c = (unsigned char)text.at[i];
        bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        if (blank && len && copy[len - 1] == ' ')
            continue;
        copy[len++] = blank ? ' ' : c < 0x20 || c >= 0x7f ? '?' : (char)c;
    }
    if (len == WHAT_MOST)
        len += (size_t)snprintf(copy + len, 4, "...");
    return (struct str){ copy, len };
}

static void add_line(struct remark *remark, struct str line)
{
    mem_room(remark->text, remark->room, remark->len + line.len + 1);
    if (remark->len)
        remark->text[remark->len++] = '\n';
    if (line.len)
        memcpy(remark->text + remark->len, line.at, line.len);
    remark->len += line.len;
}

static struct str remark_text(const struct remark *remark)
{
    return (struct str){ remark->text, remark->len };
}

static void note(struct draft *draft, struct draft_rule *rule, struct place place, struct str what,
                 bool mapped, struct str why)
{
    if (draft->finding_count >= FINDINGS_MOST)
        return;
    what = clean(draft, what);
    mem_room(draft->findings, draft->finding_room, draft->finding_count + 1);
    draft->findings[draft->finding_count++] = (struct finding){ place.file, place.line, what, mapped, why };
    const char *slash =
        place.file ? strrchr(place.file, '/') : NULL; /* the folder is said on standard error */
    struct str line = place.line ? arena_printf(&draft->arena, "%s:%zu: %.*s", slash ? slash + 1 : place.file,
                                                place.line, STR_ARG(what))
                                 : what;
    if (why.len)
        line = arena_printf(&draft->arena, "%s%.*s: %.*s", mapped ? "" : "NOT HERE: ", STR_ARG(line),
                            STR_ARG(why));
    add_line(rule ? &rule->remark : &draft->pending, line);
}

void draft_mapped(struct draft *draft, struct draft_rule *rule, struct place place, struct str what)
{
    note(draft, rule, place, what, true, (struct str){ NULL, 0 });
}

static struct str say(struct draft *draft, const char *format, va_list arguments)
{
    char text[1024];
    int len = vsnprintf(text, sizeof text, format, arguments);
    size_t kept = len < 0 ? 0 : (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    return arena_str(&draft->arena, clean(draft, (struct str){ text, kept }));
}

void draft_partly(struct draft *draft, struct draft_rule *rule, struct place place, struct str what,
                  const char *why, ...)
{
    va_list arguments;
    va_start(arguments, why);
    struct str text = say(draft, why, arguments);
    va_end(arguments);
    note(draft, rule, place, what, true, text);
}

void draft_unmapped(struct draft *draft, struct place place, struct str what, const char *why, ...)
{
    va_list arguments;
    va_start(arguments, why);
    struct str text = say(draft, why, arguments);
    va_end(arguments);
    note(draft, NULL, place, what, false, text);
}

void draft_remark(struct draft *draft, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_line(&draft->head, say(draft, format, arguments));
    va_end(arguments);
}

/* ---- Exemptions and zones. Rules that were made before keep their lists: two that grew out of one must not
 * write into each other, so a list is longer in place only for who has the longest of it, which is noted in
 * front of its entries. */

enum { ENTRIES_MOST = 4000, ZONES_MOST = 1000, LOOK_BACK = 500 };

struct grown {
    size_t used, room;
};

static struct grown *grown_of(void *entries)
{
    return (struct grown *)entries - 1;
}

/* Where the entry behind the first `count` goes, in *entries, which may have moved. NULL: there are too many.
 */
static void *grow(struct draft *draft, void **entries, size_t count, size_t size)
{
    if (count >= ENTRIES_MOST) {
        if (!draft->full)
            draft_remark(
                draft,
                "a list has more than %d entries, and the rest is left out; write { file: PATH } in its "
                "place",
                ENTRIES_MOST);
        draft->full = true;
        return NULL;
    }
    struct grown *grown = *entries ? grown_of(*entries) : NULL;
    if (!grown || grown->used != count || grown->used == grown->room) {
        size_t room = count < 8 ? 8 : count * 2;
        grown = arena_alloc(&draft->arena, sizeof *grown + room * size);
        *grown = (struct grown){ count, room };
        if (count)
            memcpy(grown + 1, *entries, count * size);
        *entries = grown + 1;
    }
    grown->used++;
    return (char *)*entries + count * size;
}

/* Only the last ones are looked at: that an entry stands twice does no harm. */
static size_t look_from(size_t count)
{
    return count > LOOK_BACK ? count - LOOK_BACK : 0;
}

void exempt_add_network(struct draft *draft, struct exempt *exempt, const struct prefix *network)
{
    struct networks *old = &exempt->networks;
    assert(network);
    void *entries = old->prefix;
    for (size_t i = look_from(old->count); i < old->count; i++)
        if (old->prefix[i].bits == network->bits && ip_eq(&old->prefix[i].network, &network->network))
            return;
    struct prefix *new = grow(draft, &entries, old->count, sizeof *new);
    if (!new)
        return;
    *new = *network;
    *old = (struct networks){ entries, old->count + 1, NULL };
}

void exempt_add_text(struct draft *draft, struct texts *texts, struct str text)
{
    void *entries = texts->text;
    for (size_t i = look_from(texts->count); i < texts->count; i++)
        if (str_eq_nocase(texts->text[i], text))
            return;
    struct str *new = grow(draft, &entries, texts->count, sizeof *new);
    if (!new)
        return;
    *new = arena_str(&draft->arena, text);
    *texts = (struct texts){ entries, texts->count + 1, NULL };
}

bool exempts_equal(const struct exempt *a, const struct exempt *b)
{
    return a->authenticated == b->authenticated && networks_equal(&a->networks, &b->networks) &&
           numbers_equal(&a->asns, &b->asns) && texts_equal(&a->countries, &b->countries) &&
           texts_equal(&a->client_names, &b->client_names) &&
           texts_equal(&a->sender_domains, &b->sender_domains) &&
           texts_equal(&a->spf_domains, &b->spf_domains) && texts_equal(&a->recipients, &b->recipients);
}

static bool is_word(struct str text, const char *never)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] <= ' ' || (unsigned char)text.at[i] >= 0x7f ||
            strchr(never, text.at[i]))
            return false;
    return text.len > 0 && text.len < 256;
}

bool is_domain_text(struct str text)
{
    return is_word(text, "@/<>,;:\"\\*[](){}|$^") && text.at[0] != '.' && text.at[text.len - 1] != '.';
}

bool is_recipient_text(struct str text)
{
    return is_word(text, "<>,;\"\\*[](){}|$^") &&
           (memchr(text.at, '@', text.len) || str_eq_nocase(text, STR("postmaster")));
}

bool weights_add(struct draft *draft, struct weights *weights, struct str zone, int32_t weight,
                 const struct networks *replies)
{
    char lower[256];
    if (weights->count >= ZONES_MOST || zone.len >= sizeof lower || !zone_is_name(zone) ||
        !is_domain_text(zone))
        return false;
    for (size_t i = 0; i < weights->count; i++)
        if (str_eq_nocase(weights->weight[i].name, zone))
            return false;
    struct weight *grown = arena_alloc(&draft->arena, (weights->count + 1) * sizeof *grown);
    if (weights->count)
        memcpy(grown, weights->weight, weights->count * sizeof *grown);
    grown[weights->count] =
        (struct weight){ .name = arena_str(&draft->arena, str_lower(zone, lower, sizeof lower)),
                         .weight = weight };
    if (replies)
        grown[weights->count].replies = *replies;
    *weights = (struct weights){ grown, weights->count + 1 };
    return true;
}

void friends_outweigh(struct draft *draft, struct dnsbl_parameters *dnsbl, const struct weights *friends)
{
    for (size_t i = 0; i < friends->count; i++)
        weights_add(draft, &dnsbl->allow, friends->weight[i].name, -1, &friends->weight[i].replies);
    for (size_t i = 0; i < dnsbl->allow.count; i++)
        dnsbl->allow.weight[i].weight = -(int32_t)dnsbl->zones.count;
}

/* ---- The end. */

/* Rules that cannot be, such as a greylist that forgets before it would let anybody pass. */
static void drop_impossible(struct draft *draft)
{
    size_t kept = 0;
    for (size_t i = 0; i < draft->rule_count; i++) {
        struct draft_rule *rule = &draft->rules[i];
        struct why why = { 0 };
        if (rule->rule.measure->check && rule->rule.measure->check(rule->parameters, &why)) {
            add_line(&draft->pending, remark_text(&rule->remark));
            free(rule->remark.text);
            draft_unmapped(draft, (struct place){ NULL, 0 }, str_of(rule->rule.measure->name), "%s",
                           why.text);
            continue;
        }
        draft->rules[kept++] = *rule;
    }
    draft->rule_count = kept;
}

static bool taken(const struct draft *draft, size_t before, struct str name)
{
    for (size_t i = 0; i < before; i++)
        if (str_eq(draft->rules[i].rule.name, name))
            return true;
    return false;
}

/* As a policy that was read has it. */
static struct str title_of(struct draft *draft, const struct measure *measure, struct str name)
{
    if (str_eq(name, str_of(measure->name)))
        return str_of(measure->title);
    return arena_printf(&draft->arena, "%s (%.*s)", measure->title, STR_ARG(name));
}

static unsigned named_before(const struct draft *draft, const struct measure *measure)
{
    unsigned count = 0;
    for (size_t i = 0; i < draft->rule_count; i++)
        count += draft->rules[i].rule.measure == measure && draft->rules[i].rule.name.at;
    return count;
}

/* The first of a kind that stops something has the measure's own name: that is what the record calls it. */
static void name_rules(struct draft *draft)
{
    for (size_t i = 0; i < draft->rule_count; i++)
        draft->rules[i].rule.name = (struct str){ NULL, 0 };
    for (int warning = 0; warning < 2; warning++)
        for (size_t i = 0; i < draft->rule_count; i++) {
            struct draft_rule *rule = &draft->rules[i];
            struct str plain = str_of(rule->rule.measure->name), name = plain;
            if (rule->rule.warn != (warning == 1))
                continue;
            if (taken(draft, draft->rule_count, name) && rule->suffix)
                name = arena_printf(&draft->arena, "%.*s-%s", STR_ARG(plain), rule->suffix);
            for (unsigned number = 1 + named_before(draft, rule->rule.measure);
                 taken(draft, draft->rule_count, name); number++)
                name = arena_printf(&draft->arena, "%.*s-%u", STR_ARG(plain), number);
            rule->rule.name = name;
            rule->rule.title = title_of(draft, rule->rule.measure, name);
        }
}

/* Whom every rule exempts the policy does. */

static bool texts_have(const struct texts *texts, struct str text)
{
    for (size_t i = 0; i < texts->count; i++)
        if (str_eq_nocase(texts->text[i], text))
            return true;
    return false;
}

static bool networks_have(const struct networks *networks, const struct prefix *prefix)
{
    for (size_t i = 0; i < networks->count; i++)
        if (networks->prefix[i].bits == prefix->bits && ip_eq(&networks->prefix[i].network, &prefix->network))
            return true;
    return false;
}

/* Those of `texts` that are (`among`), or are not, in `other`. */
static struct texts texts_some(struct draft *draft, const struct texts *texts, const struct texts *other,
                               bool among)
{
    struct texts some = { 0 };
    if (texts->text == other->text && texts->count == other->count)
        return among ? *texts : some; /* one list, not two */
    for (size_t i = 0; i < texts->count; i++)
        if (texts_have(other, texts->text[i]) == among)
            exempt_add_text(draft, &some, texts->text[i]);
    return some;
}

static struct networks networks_some(struct draft *draft, const struct networks *networks,
                                     const struct networks *other, bool among)
{
    struct exempt some = { 0 };
    if (networks->prefix == other->prefix && networks->count == other->count)
        return among ? *networks : some.networks;
    for (size_t i = 0; i < networks->count; i++)
        if (networks_have(other, &networks->prefix[i]) == among)
            exempt_add_network(draft, &some, &networks->prefix[i]);
    return some.networks;
}

static struct exempt exempt_some(struct draft *draft, const struct exempt *exempt, const struct exempt *other,
                                 bool among)
{
    return (struct exempt){
        .authenticated = exempt->authenticated && other->authenticated == among,
        .networks = networks_some(draft, &exempt->networks, &other->networks, among),
        .client_names = texts_some(draft, &exempt->client_names, &other->client_names, among),
        .sender_domains = texts_some(draft, &exempt->sender_domains, &other->sender_domains, among),
        .recipients = texts_some(draft, &exempt->recipients, &other->recipients, among),
    };
}

static void say_once(struct draft *draft, struct policy *policy)
{
    if (!draft->rule_count)
        return;
    struct exempt common = draft->rules[0].rule.exempt;
    for (size_t i = 1; i < draft->rule_count; i++)
        common = exempt_some(draft, &common, &draft->rules[i].rule.exempt, true);
    policy->exempt = common;
    for (size_t i = 0; i < draft->rule_count; i++)
        draft->rules[i].rule.exempt = exempt_some(draft, &draft->rules[i].rule.exempt, &common, false);
}

/* The text of the policy, which belongs to `arena`. */
static int write_policy(const struct policy *policy, struct arena *arena, struct str *yaml, struct why *why)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    int result = to ? policy_write(policy, false, to, why) : why_set(why, EX_OSERR, "no memory stream");
    if (to)
        fclose(to);
    if (result == 0)
        *yaml = arena_str(arena, (struct str){ text, len });
    free(text);
    return result;
}

int draft_finish(struct draft *draft, const char *name, struct imported *imported, struct why *why)
{
    struct policy policy = { .name = str_of(name), .delay_reject = draft->delay_reject };
    drop_impossible(draft);
    name_rules(draft);
    say_once(draft, &policy);
    policy.remark = remark_text(&draft->head);
    policy.last_remark = remark_text(&draft->pending);
    policy.rules = arena_zero(&draft->arena, (draft->rule_count + 1) * sizeof *policy.rules);
    policy.rule_count = draft->rule_count;
    for (size_t i = 0; i < draft->rule_count; i++) {
        policy.rules[i] = draft->rules[i].rule;
        policy.rules[i].remark = remark_text(&draft->rules[i].remark);
    }
    if (write_policy(&policy, &draft->arena, &imported->yaml, why) ||
        policy_read(&imported->policy, name, imported->yaml, why))
        return -1;
    imported->findings = arena_alloc(&draft->arena, (draft->finding_count + 1) * sizeof *imported->findings);
    if (draft->finding_count)
        memcpy(imported->findings, draft->findings, draft->finding_count * sizeof *imported->findings);
    imported->count = draft->finding_count;
    for (size_t i = 0; i < draft->finding_count; i++)
        imported->unmapped += !draft->findings[i].mapped;
    imported->arena = draft->arena;
    draft->arena = (struct arena){ 0 };
    return 0;
}

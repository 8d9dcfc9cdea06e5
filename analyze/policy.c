/* Policies: which measures act in which order, with what parameters, and who is exempt (design.md section 6).
 * The keys of a measure come from its own table (measure.h); the keys that all measures take, and the
 * policy's, are the two tables here. */
#include "analyze/policy.h"

#include <assert.h>
#include <math.h>
#include <sysexits.h>
#include <yaml.h>

#include "analyze/measure.h"
#include "analyze/policy_yaml.h"

enum { RULES_MOST = 1000, NAME_MOST = 64 };

/* What reading one rule fills: where its keys go. */
struct rule_read {
    struct rule *rule;
    void *parameters;
    yaml_node_t *name; /* for the error that two have it */
};

/* Rows of a table that are no measure's (semantics.md section 2), so no measure can have these names. */
static const char *const row_names[] = { "accepted", "other",    "abandoned", "nothing-attempted",
                                         "relayed",  "together", NULL };

static bool is_name(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_alpha(text.at[i]) && !is_digit(text.at[i]) && !strchr("-_.", text.at[i]))
            return false;
    return text.len > 0 && text.len <= NAME_MOST;
}

static int read_name(struct reader *reader, yaml_node_t *node, struct str *name)
{
    if (read_text(reader, node, name))
        return -1;
    if (!is_name(*name))
        return reader_fail(
            reader, node, "\"%.*s\" is not a name; write letters, digits, - _ and . only, at most %d of them",
            STR_ARG(*name), NAME_MOST);
    return 0;
}

/* Who is exempt. */

static const char *bad_domain(struct str text)
{
    if (text.at[0] == '*' || text.at[0] == '.' || text.at[0] == '@')
        return "is not a domain; write example.org, which means all below it too";
    for (size_t i = 0; i < text.len; i++)
        if (strchr(" \t@/<>,;:", text.at[i]))
            return "is not a domain; write example.org";
    return NULL;
}

static const char *bad_recipient(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (strchr("<>", text.at[i]))
            return "is not an address; write postmaster@example.org, without brackets";
    if (!memchr(text.at, '@', text.len) && !str_eq_nocase(text, STR("postmaster")))
        return "is not an address; write postmaster@example.org, or @example.org for all of a domain";
    return NULL;
}

static int exempt_authenticated(struct reader *reader, yaml_node_t *value, void *into)
{
    return read_bool(reader, value, &((struct exempt *)into)->authenticated);
}

static int exempt_networks(struct reader *reader, yaml_node_t *value, void *into)
{
    return read_networks(reader, value, "networks", &((struct exempt *)into)->networks);
}

static int exempt_client_names(struct reader *reader, yaml_node_t *value, void *into)
{
    return read_texts(reader, value, "client-names", bad_domain, &((struct exempt *)into)->client_names);
}

static int exempt_sender_domains(struct reader *reader, yaml_node_t *value, void *into)
{
    return read_texts(reader, value, "sender-domains", bad_domain, &((struct exempt *)into)->sender_domains);
}

static int exempt_spf_domains(struct reader *reader, yaml_node_t *value, void *into)
{
    return read_texts(reader, value, "spf-domains", bad_domain, &((struct exempt *)into)->spf_domains);
}

static int exempt_asns(struct reader *reader, yaml_node_t *value, void *into)
{
    return read_asns(reader, value, "asns", &((struct exempt *)into)->asns);
}

static int exempt_countries(struct reader *reader, yaml_node_t *value, void *into)
{
    return read_countries(reader, value, "countries", &((struct exempt *)into)->countries);
}

static int exempt_recipients(struct reader *reader, yaml_node_t *value, void *into)
{
    return read_texts(reader, value, "recipients", bad_recipient, &((struct exempt *)into)->recipients);
}

static const struct key exempt_keys[] = {
    { "authenticated", exempt_authenticated },
    { "networks", exempt_networks },
    { "asns", exempt_asns },
    { "countries", exempt_countries },
    { "client-names", exempt_client_names },
    { "sender-domains", exempt_sender_domains },
    { "spf-domains", exempt_spf_domains },
    { "recipients", exempt_recipients },
    { NULL, NULL },
};

/* When a measure acts. */

static int when_port(struct reader *reader, yaml_node_t *value, void *into)
{
    uint64_t port = 0;
    if (read_count(reader, value, 1, UINT16_MAX, &port))
        return -1;
    ((struct when *)into)->port = (uint16_t)port;
    return 0;
}

static int when_server(struct reader *reader, yaml_node_t *value, void *into)
{
    return read_text(reader, value, &((struct when *)into)->server);
}

static const struct key when_keys[] = { { "port", when_port }, { "server", when_server }, { NULL, NULL } };

/* The keys that every measure takes. */

static int rule_name(struct reader *reader, yaml_node_t *value, void *into)
{
    struct rule_read *read = into;
    if (read_name(reader, value, &read->rule->name))
        return -1;
    for (const char *const *row = row_names; *row; row++)
        if (str_eq(read->rule->name, str_of(*row)))
            return reader_fail(reader, value, "\"%s\" is a row of its own in every table; take another name",
                               *row);
    read->name = value;
    return 0;
}

static int rule_title(struct reader *reader, yaml_node_t *value, void *into)
{
    return read_text(reader, value, &((struct rule_read *)into)->rule->title);
}

static int rule_at(struct reader *reader, yaml_node_t *value, void *into)
{
    const char *words[STAGES + 1] = { NULL };
    uint32_t stage = 0;
    memcpy(words, stage_name, sizeof stage_name);
    if (read_word(reader, value, words, &stage))
        return -1;
    struct rule *rule = ((struct rule_read *)into)->rule;
    rule->moved = true;
    rule->at = (enum stage)stage;
    return 0;
}

static int rule_when(struct reader *reader, yaml_node_t *value, void *into)
{
    return reader_mapping(reader, value, when_keys, &((struct rule_read *)into)->rule->when);
}

static int rule_reply(struct reader *reader, yaml_node_t *value, void *into)
{
    static const char *const words[] = { "4xx", "5xx", "drop", NULL };
    uint32_t word = 0;
    if (read_word(reader, value, words, &word))
        return -1;
    ((struct rule_read *)into)->rule->reply = (enum reply_class)(REPLY_4XX + word);
    return 0;
}

static int rule_exempt(struct reader *reader, yaml_node_t *value, void *into)
{
    return reader_mapping(reader, value, exempt_keys, &((struct rule_read *)into)->rule->exempt);
}

static int rule_cost(struct reader *reader, yaml_node_t *value, void *into)
{
    double *cost = &((struct rule_read *)into)->rule->cost;
    if (read_number(reader, value, cost))
        return -1;
    return *cost < 0 ? reader_fail(reader, value, "a cost cannot be less than nothing; write 0 or more") : 0;
}

static int rule_warn(struct reader *reader, yaml_node_t *value, void *into)
{
    return read_bool(reader, value, &((struct rule_read *)into)->rule->warn);
}

static const struct key rule_keys[] = {
    { "name", rule_name }, { "title", rule_title }, { "at", rule_at },
    { "when", rule_when }, { "reply", rule_reply }, { "exempt", rule_exempt },
    { "cost", rule_cost }, { "warn", rule_warn },   { NULL, NULL },
};

static int take_rule_key(struct reader *reader, yaml_node_t *key, yaml_node_t *value, void *state)
{
    struct rule_read *read = state;
    const struct measure *measure = read->rule->measure;
    struct str name = node_text(key);
    const char *names[64];
    size_t count = 0;
    size_t before = reader_push(reader, name);
    for (const struct parameter *p = measure->parameters; p->name; p++) {
        if (str_eq(str_of(p->name), name)) {
            int result = read_parameter(reader, value, p, read->parameters);
            reader_pop(reader, before);
            return result;
        }
        assert(count < sizeof names / sizeof *names);
        names[count++] = p->name;
    }
    for (const struct key *k = rule_keys; k->name; k++) {
        if (str_eq(str_of(k->name), name)) {
            int result = k->read(reader, value, read);
            reader_pop(reader, before);
            return result;
        }
        assert(count < sizeof names / sizeof *names);
        names[count++] = k->name;
    }
    reader_pop(reader, before);
    struct str cure = reader_possible(reader, name, names, count);
    return reader_fail(reader, key, "there is no key \"%.*s\"; %.*s", STR_ARG(name), STR_ARG(cure));
}

struct str rule_title_default(struct arena *arena, const struct measure *measure, struct str name)
{
    if (!name.at)
        return str_of(measure->title);
    return arena_printf(arena, "%s (%.*s)", measure->title, STR_ARG(name));
}

static int read_rule(struct reader *reader, struct policy *policy, yaml_node_t *key, yaml_node_t *value)
{
    struct str name = node_text(key);
    const struct measure *measure = measure_find(name);
    if (!measure) {
        const char *names[256];
        size_t count = 0;
        for (const struct measure *const *m = measures; *m && count < sizeof names / sizeof *names; m++)
            names[count++] = (*m)->name;
        struct str cure = reader_possible(reader, name, names, count);
        return reader_fail(reader, key, "there is no measure \"%.*s\"; %.*s", STR_ARG(name), STR_ARG(cure));
    }
    struct rule *rule = &policy->rules[policy->rule_count];
    *rule = (struct rule){ .measure = measure,
                           .at = measure->stage,
                           .cost = NAN,
                           .line = (int)key->start_mark.line + 1,
                           .column = (int)key->start_mark.column + 1 };
    struct rule_read read = { rule, parameters_default(measure, reader->arena), key };
    rule->parameters = read.parameters;
    size_t before = reader_push(reader, name);
    if (reader_pairs(reader, value, false, take_rule_key, &read))
        return -1;
    if (!rule->title.at)
        rule->title = rule_title_default(reader->arena, measure, rule->name);
    if (!rule->name.at)
        rule->name = str_of(measure->name);
    struct why why = { 0 };
    if (measure->check && measure->check(rule->parameters, &why))
        return reader_fail(reader, key, "%s", why.text);
    reader_pop(reader, before);
    for (size_t i = 0; i < policy->rule_count; i++)
        if (str_eq(policy->rules[i].name, rule->name))
            return reader_fail(
                reader, read.name,
                "two measures are called \"%.*s\", the other one in line %d; tell them apart with "
                "name: NAME",
                STR_ARG(rule->name), policy->rules[i].line);
    policy->rule_count++;
    return 0;
}

/* One item of `measures`: "no-rdns: {…}", or "no-rdns" alone. */
static int take_measure(struct reader *reader, yaml_node_t *item, void *state)
{
    struct policy *policy = state;
    static yaml_node_t nothing = { .type = YAML_SCALAR_NODE,
                                   .data.scalar = { .value = (yaml_char_t *)"",
                                                    .style = YAML_PLAIN_SCALAR_STYLE } };
    if (node_text(item).at)
        return read_rule(reader, policy, item, &nothing);
    yaml_node_pair_t *pair = item->type == YAML_MAPPING_NODE ? item->data.mapping.pairs.start : NULL;
    if (!pair || pair == item->data.mapping.pairs.top)
        return reader_fail(reader, item, "a measure is wanted here; write no-rdns: {}");
    yaml_node_t *key = yaml_document_get_node(reader->document, pair->key);
    if (!node_text(key).at)
        return reader_fail(reader, key, "a measure's name is wanted here; write no-rdns: {}");
    if (item->data.mapping.pairs.top - pair > 1) {
        yaml_node_t *second = yaml_document_get_node(reader->document, pair[1].key);
        struct str text = node_text(second), first = node_text(key);
        return reader_fail(
            reader, second,
            "\"%.*s\" stands beside %.*s; put it inside, as in %.*s: { … }, or give each measure "
            "a - of its own",
            STR_ARG(text), STR_ARG(first), STR_ARG(first));
    }
    return read_rule(reader, policy, key, yaml_document_get_node(reader->document, pair->value));
}

/* The keys of a policy. */

static int policy_name(struct reader *reader, yaml_node_t *value, void *into)
{
    return read_name(reader, value, &((struct policy *)into)->name);
}

static int policy_delay_reject(struct reader *reader, yaml_node_t *value, void *into)
{
    return read_bool(reader, value, &((struct policy *)into)->delay_reject);
}

static int policy_exempt(struct reader *reader, yaml_node_t *value, void *into)
{
    return reader_mapping(reader, value, exempt_keys, &((struct policy *)into)->exempt);
}

static int policy_trusted_relays(struct reader *reader, yaml_node_t *value, void *into)
{
    return read_networks(reader, value, "trusted-relays", &((struct policy *)into)->trusted_relays);
}

/* Room for `count` rules. */
static int rules_room(struct reader *reader, struct policy *policy, const yaml_node_t *node, size_t count)
{
    if (count > RULES_MOST)
        return reader_fail(reader, node, "%zu measures; a policy has at most %d", count, RULES_MOST);
    policy->rules = arena_zero(reader->arena, count * sizeof *policy->rules);
    return 0;
}

static int policy_measures(struct reader *reader, yaml_node_t *value, void *into)
{
    size_t count = 0, path = reader->path_len;
    if (node_is_null(value))
        return 0;
    if (value->type != YAML_SEQUENCE_NODE)
        return reader_fail(reader, value, "a list of measures is wanted here; write - before each");
    count = (size_t)(value->data.sequence.items.top - value->data.sequence.items.start);
    if (rules_room(reader, into, value, count))
        return -1;
    reader->path_len = 0; /* "greylist.delay" says enough */
    int result = reader_items(reader, value, &count, take_measure, into);
    reader->path_len = path;
    return result;
}

static const struct key policy_keys[] = {
    { "policy", policy_name },       { "delay-reject", policy_delay_reject },
    { "exempt", policy_exempt },     { "trusted-relays", policy_trusted_relays },
    { "measures", policy_measures }, { NULL, NULL },
};

/* An item of a policy that is written as one list: a key of the policy, or a measure. */
static int take_item(struct reader *reader, yaml_node_t *item, void *state)
{
    yaml_node_pair_t *pair = item->type == YAML_MAPPING_NODE ? item->data.mapping.pairs.start : NULL;
    if (pair && item->data.mapping.pairs.top - pair == 1) {
        struct str name = node_text(yaml_document_get_node(reader->document, pair->key));
        for (const struct key *k = policy_keys; k->name; k++)
            if (k->read != policy_measures && name.at && str_eq(str_of(k->name), name))
                return reader_mapping(reader, item, policy_keys, state);
    }
    return take_measure(reader, item, state);
}

/* "policies/strict.yaml" is called strict unless it says otherwise. */
static struct str name_of(struct arena *arena, const char *origin)
{
    struct str name = str_of(origin);
    const char *slash = str_find_last(name, '/');
    if (slash)
        name = str_range(slash + 1, name.at + name.len);
    const char *dot = str_find_last(name, '.');
    if (dot && dot > name.at)
        name.len = (size_t)(dot - name.at);
    return is_name(name) ? arena_str(arena, name) : STR("policy");
}

static int read_root(struct policy *policy, struct reader *reader, yaml_node_t *root)
{
    if (!root || node_is_null(root))
        return why_set(reader->why, EX_DATAERR,
                       "%s: an empty policy; write measures: [] for one that stops nothing", reader->origin);
    if (root->type == YAML_SEQUENCE_NODE) {
        size_t count = (size_t)(root->data.sequence.items.top - root->data.sequence.items.start);
        if (rules_room(reader, policy, root, count) || reader_items(reader, root, &count, take_item, policy))
            return -1;
    } else if (root->type != YAML_MAPPING_NODE) {
        return reader_fail(reader, root, "not a policy; it begins with policy: NAME and has measures: below");
    } else if (reader_mapping(reader, root, policy_keys, policy)) {
        return -1;
    } else {
        bool measured = false;
        for (yaml_node_pair_t *p = root->data.mapping.pairs.start; p < root->data.mapping.pairs.top; p++)
            measured = measured ||
                       str_eq(node_text(yaml_document_get_node(reader->document, p->key)), STR("measures"));
        if (!measured)
            return reader_fail(reader, root,
                               "there are no measures; write measures: [] for a policy that stops nothing");
    }
    if (!policy->name.at)
        policy->name = name_of(reader->arena, reader->origin);
    return 0;
}

int policy_from_node(struct policy *policy, const char *origin, struct yaml_document_s *document,
                     struct yaml_node_s *node, struct why *why)
{
    *policy = (struct policy){ 0 };
    struct reader reader = { .origin = origin, .document = document, .arena = &policy->arena, .why = why };
    if (read_root(policy, &reader, node) == 0) {
        policy->has_lists = reader.elsewhere;
        return 0;
    }
    policy_free(policy);
    return -1;
}

/* What policy_set() is told, until the reader has a document of it. */
struct setting {
    struct policy *policy;
    struct rule *rule;
};

static int take_setting(struct reader *reader, yaml_node_t *root, void *state)
{
    struct setting *setting = state;
    struct rule *rule = setting->rule;
    const struct measure *measure = rule->measure;
    void *parameters = arena_zero(reader->arena, measure->parameters_size);
    if (measure->parameters_size)
        memcpy(parameters, rule->parameters, measure->parameters_size);
    struct rule_read read = { rule, parameters, root };
    size_t before = reader_push(reader, rule->name);
    if (reader_pairs(reader, root, false, take_rule_key, &read))
        return -1;
    reader_pop(reader, before);
    rule->parameters = parameters;
    struct why why = { 0 };
    return measure->check && measure->check(parameters, &why) ? reader_fail(reader, root, "%s", why.text) : 0;
}

int policy_set(struct policy *policy, size_t rule, struct str key, struct str value, struct why *why)
{
    static const char origin[] = "policy";
    struct setting setting = { policy, &policy->rules[rule] };
    struct str yaml = arena_printf(&policy->arena, "{ %.*s: %.*s }", STR_ARG(key), STR_ARG(value));
    struct why told = { 0 };
    if (reader_document(origin, "setting", yaml, &policy->arena, take_setting, &setting, &told) == 0)
        return 0;
    /* it stands in no file: the place says nothing */
    struct str text = str_of(told.text), place;
    for (int part = 0; part < 3 && str_starts(str_of(told.text), str_of(origin)); part++)
        cut_until_char(&text, ':', &place);
    text = str_trim(text);
    return why_set(why, told.status, "%.*s", STR_ARG(text));
}

struct policy policy_copy(const struct policy *policy)
{
    struct policy copy = *policy;
    copy.arena = (struct arena){ 0 };
    copy.rules = arena_zero(&copy.arena, (policy->rule_count + 1) * sizeof *copy.rules);
    if (policy->rule_count)
        memcpy(copy.rules, policy->rules, policy->rule_count * sizeof *copy.rules);
    return copy;
}

void policy_free(struct policy *policy)
{
    struct arena arena = policy->arena;
    *policy = (struct policy){ 0 };
    arena_free(&arena);
}

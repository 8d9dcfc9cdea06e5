/* Values of a policy out of YAML nodes: what only policies have. */
#include "analyze/policy_yaml.h"

#include <assert.h>

#include "analyze/lists.h"
#include "analyze/policy_lists.h"
#include "collect/zone.h"

enum { WEIGHT_MOST = 10000 /* the sum of all that fit is an int32_t's */ };

static int take_network(struct reader *reader, yaml_node_t *item, void *state)
{
    struct networks *networks = state;
    struct prefix *prefix = &networks->prefix[networks->count];
    struct str text = node_text(item), host = text, bits = text;
    if (!text.at || !prefix_parse(text, prefix)) {
        /* 192.0.2.1/24: we know what was meant, and whether they do */
        uint64_t size = 0;
        if (text.at && cut_until_char(&bits, '/', &host) && ip_parse(host, &prefix->network) &&
            str_number(bits, &size) && size <= (ip_is_v4(&prefix->network) ? 32 : 128)) {
            char meant[IP_TEXT_BYTES + 4];
            struct prefix network = ip_network(&prefix->network, (unsigned)size, (unsigned)size);
            prefix_format(&network, meant);
            return reader_fail(reader, item, "\"%.*s\" has bits set behind its /%llu; write %s or %.*s",
                               STR_ARG(text), (unsigned long long)size, meant, STR_ARG(host));
        }
        return reader_not_a(reader, item, "an address or network",
                            "192.0.2.0/24, 2001:db8::/32 or 192.0.2.25");
    }
    networks->count++;
    return 0;
}

int read_networks(struct reader *reader, yaml_node_t *node, const char *key, struct networks *value)
{
    struct list list = { 0 };
    int result = list_open(reader, node, key, &list);
    *value = (struct networks){ 0 };
    if (result == 0 && list.count) {
        value->prefix = arena_zero(reader->arena, list.count * sizeof *value->prefix);
        result = list_each(reader, &list, take_network, value);
        networks_index(value, reader->arena);
    }
    list_close(&list);
    return result;
}

struct texts_taken {
    struct texts *texts;
    const char *(*bad)(struct str text);
};

static int take_text(struct reader *reader, yaml_node_t *item, void *state)
{
    struct texts_taken *taken = state;
    struct str text = { NULL, 0 };
    if (read_text(reader, item, &text))
        return -1;
    const char *cure = taken->bad ? taken->bad(text) : NULL;
    if (cure)
        return reader_fail(reader, item, "\"%.*s\" %s", STR_ARG(text), cure);
    taken->texts->text[taken->texts->count++] = text;
    return 0;
}

int read_texts(struct reader *reader, yaml_node_t *node, const char *key, const char *(*bad)(struct str text),
               struct texts *value)
{
    struct texts_taken taken = { value, bad };
    struct list list = { 0 };
    int result = list_open(reader, node, key, &list);
    *value = (struct texts){ 0 };
    if (result == 0 && list.count) {
        value->text = arena_zero(reader->arena, list.count * sizeof *value->text);
        result = list_each(reader, &list, take_text, &taken);
        texts_index(value, reader->arena);
    }
    list_close(&list);
    return result;
}

static int take_asn(struct reader *reader, yaml_node_t *item, void *state)
{
    struct numbers *numbers = state;
    struct str text = node_text(item), digits = text;
    uint64_t number = 0;
    if (digits.len > 2 && str_eq_nocase((struct str){ digits.at, 2 }, STR("AS")))
        digits = str_skip(digits, 2);
    if (!text.at || !str_number(digits, &number) || number == 0 || number > UINT32_MAX)
        return reader_not_a(reader, item, "the number of an autonomous system", "64496 or AS64496");
    numbers->number[numbers->count++] = (uint32_t)number;
    return 0;
}

int read_asns(struct reader *reader, yaml_node_t *node, const char *key, struct numbers *value)
{
    struct list list = { 0 };
    int result = list_open(reader, node, key, &list);
    *value = (struct numbers){ 0 };
    if (result == 0 && list.count) {
        value->number = arena_zero(reader->arena, list.count * sizeof *value->number);
        result = list_each(reader, &list, take_asn, value);
        numbers_sort(value);
    }
    list_close(&list);
    return result;
}

static const char *bad_country(struct str text)
{
    return text.len == 2 && is_alpha(text.at[0]) && is_alpha(text.at[1])
               ? NULL
               : "is not a country; write its two letters (ISO 3166), DE or CH";
}

int read_countries(struct reader *reader, yaml_node_t *node, const char *key, struct texts *value)
{
    return read_texts(reader, node, key, bad_country, value);
}

struct words_taken {
    const char *const *words;
    uint32_t set;
};

static int take_word(struct reader *reader, yaml_node_t *item, void *state)
{
    struct words_taken *taken = state;
    uint32_t word = 0;
    if (read_word(reader, item, taken->words, &word))
        return -1;
    taken->set |= (uint32_t)1 << word;
    return 0;
}

static int read_weight_value(struct reader *reader, yaml_node_t *value, void *into)
{
    struct weight *zone = into;
    struct str text = node_text(value);
    uint64_t weight = 0;
    bool minus = text.at && cut_char(&text, '-');
    if (!text.at || !str_number(text, &weight) || weight > WEIGHT_MOST)
        return reader_not_a(reader, value, "a weight",
                            "a whole number such as 1, or -2 for a list of friends");
    zone->weight = minus ? -(int32_t)weight : (int32_t)weight;
    return 0;
}

static int read_replies(struct reader *reader, yaml_node_t *value, void *into)
{
    struct weight *zone = into;
    if (read_networks(reader, value, "replies", &zone->replies))
        return -1;
    for (size_t i = 0; i < zone->replies.count; i++)
        if (!ip_is_v4(&zone->replies.prefix[i].network))
            return reader_fail(reader, value,
                               "a DNSBL answers with IPv4 addresses (RFC 5782); write 127.0.0.2 or "
                               "127.0.0.0/28");
    return 0;
}

static const struct key zone_keys[] = { { "weight", read_weight_value },
                                        { "replies", read_replies },
                                        { NULL, NULL } };

static int take_zone(struct reader *reader, yaml_node_t *key, yaml_node_t *value, void *state)
{
    struct weights *weights = state;
    struct weight *zone = &weights->weight[weights->count];
    struct str name = node_text(key);
    if (!zone_is_name(name))
        return reader_not_a(reader, key, "a zone", "zen.example.org: 1");
    *zone = (struct weight){ .name = arena_str(reader->arena, name), .weight = 1 };
    size_t before = reader_push(reader, name);
    int result = value->type == YAML_MAPPING_NODE ? reader_mapping(reader, value, zone_keys, zone)
                                                  : read_weight_value(reader, value, zone);
    reader_pop(reader, before);
    weights->count++;
    return result;
}

static int read_weights(struct reader *reader, yaml_node_t *node, struct weights *value)
{
    *value = (struct weights){ 0 };
    if (!node_is_null(node) && node->type != YAML_MAPPING_NODE)
        return reader_not_a(reader, node, "a mapping of zones to weights",
                            "{ zen.example.org: 1, dnswl.example.org: -2 }");
    if (node->type == YAML_MAPPING_NODE) {
        size_t count = 0;
        if (reader_room(reader, node, &count))
            return -1;
        value->weight = arena_zero(reader->arena, count * sizeof *value->weight);
    }
    return reader_pairs(reader, node, true, take_zone, value);
}

int read_parameter(struct reader *reader, yaml_node_t *node, const struct parameter *parameter,
                   void *parameters)
{
    void *at = (char *)parameters + parameter->at;
    uint64_t count = 0;
    struct words_taken taken = { parameter->words, 0 };
    size_t items = 0;
    int result = -1;
    switch (parameter->type) {
    case PARAMETER_BOOL:
        return read_bool(reader, node, at);
    case PARAMETER_DURATION:
        return read_duration(reader, node, at);
    case PARAMETER_NUMBER:
        return read_number(reader, node, at);
    case PARAMETER_COUNT:
        result = read_count(reader, node, 0, UINT32_MAX, &count);
        *(uint32_t *)at = (uint32_t)count;
        return result;
    case PARAMETER_WORD:
        return read_word(reader, node, parameter->words, at);
    case PARAMETER_WORDS:
        result = reader_items(reader, node, &items, take_word, &taken);
        *(uint32_t *)at = taken.set;
        return result;
    case PARAMETER_TEXTS:
        return read_texts(reader, node, parameter->name, NULL, at);
    case PARAMETER_WEIGHTS:
        return read_weights(reader, node, at);
    }
    return result;
}

/* A fallback is written as in a policy, so it is read as one is; that it can be is ours to guarantee. */
static void read_fallback(const struct parameter *parameter, struct arena *arena, void *parameters)
{
    yaml_parser_t parser;
    yaml_document_t document;
    struct reader reader = { .origin = parameter->name, .document = &document, .arena = arena };
    int ok = yaml_parser_initialize(&parser);
    assert(ok);
    yaml_parser_set_input_string(&parser, (const unsigned char *)parameter->fallback,
                                 strlen(parameter->fallback));
    ok = yaml_parser_load(&parser, &document) && yaml_document_get_root_node(&document) &&
         read_parameter(&reader, yaml_document_get_root_node(&document), parameter, parameters) == 0;
    assert(ok);
    (void)ok;
    yaml_document_delete(&document);
    yaml_parser_delete(&parser);
}

void *parameters_default(const struct measure *measure, struct arena *arena)
{
    void *parameters = arena_zero(arena, measure->parameters_size);
    for (const struct parameter *p = measure->parameters; p->name; p++)
        if (p->fallback)
            read_fallback(p, arena, parameters);
    return parameters;
}

/* Values out of YAML nodes. Every error names file, line and column, the key's path, what stands there and
 * what could. A text is only as long as its file, but aliases may repeat a list inside a list; so the values
 * that are taken are counted, and there is an end to them. */
#include "base/yaml.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>

#include "base/names.h"
#include "base/nearest.h"

enum {
    VALUES_MOST = 200000, /* four times what fits into a file of zones and networks that we have seen */
    TEXT_MOST = 1000,
    SHOWN_MOST = 60 /* of a value in an error */
};

int reader_fail(struct reader *reader, const yaml_node_t *node, const char *format, ...)
{
    char text[sizeof reader->why->text];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return why_set(reader->why, EX_DATAERR, "%s:%zu:%zu: %.*s%s%s", reader->origin, node->start_mark.line + 1,
                   node->start_mark.column + 1, (int)reader->path_len, reader->path,
                   reader->path_len ? ": " : "", text);
}

size_t reader_push(struct reader *reader, struct str key)
{
    size_t before = reader->path_len, room = sizeof reader->path - before;
    size_t len = key.len + (before > 0);
    if (key.len == 0 || len > room)
        return before; /* deeper than any policy: the error has its line all the same */
    if (before)
        reader->path[before] = '.';
    memcpy(reader->path + before + (before > 0), key.at, key.len);
    reader->path_len += len;
    return before;
}

void reader_pop(struct reader *reader, size_t before)
{
    reader->path_len = before;
}

struct str reader_possible(struct reader *reader, struct str typed, const char *const *names, size_t count)
{
    const char *meant = nearest_word(typed, names, count);
    struct str list = { "", 0 };
    for (size_t i = 0; i < count; i++)
        list = arena_printf(reader->arena, "%.*s%s%s", STR_ARG(list), i ? ", " : "", names[i]);
    return meant ? arena_printf(reader->arena, "did you mean %s? Possible: %.*s", meant, STR_ARG(list))
                 : arena_printf(reader->arena, "possible: %.*s", STR_ARG(list));
}

struct str node_text(const yaml_node_t *node)
{
    if (node->type != YAML_SCALAR_NODE)
        return (struct str){ NULL, 0 };
    return (struct str){ (const char *)node->data.scalar.value, node->data.scalar.length };
}

bool node_is_null(const yaml_node_t *node)
{
    struct str text = node ? node_text(node) : STR("");
    if (!node || !text.at || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return !node;
    return text.len == 0 || str_eq(text, STR("~")) || str_eq_nocase(text, STR("null"));
}

/* What stands in a node, for an error: its text in quotes, or what it is. */
static struct str shown(struct reader *reader, const yaml_node_t *node)
{
    struct str text = node_text(node);
    if (node_is_null(node))
        return STR("nothing");
    if (!text.at)
        return node->type == YAML_SEQUENCE_NODE ? STR("a list") : STR("a mapping");
    /* not in the middle of a character */
    size_t len = text.len;
    if (len > SHOWN_MOST)
        for (len = SHOWN_MOST; len && ((unsigned char)text.at[len] & 0xc0) == 0x80; len--)
            ;
    return arena_printf(reader->arena, "\"%.*s%s\"", (int)len, text.at, len < text.len ? "…" : "");
}

int reader_not_a(struct reader *reader, const yaml_node_t *node, const char *what, const char *cure)
{
    struct str found = shown(reader, node);
    return reader_fail(reader, node, "%.*s is not %s; write %s", STR_ARG(found), what, cure);
}

int reader_count(struct reader *reader, const yaml_node_t *node)
{
    if (++reader->values <= VALUES_MOST)
        return 0;
    return reader_fail(reader, node, "more than %d values; name fewer, or join them to larger networks",
                       VALUES_MOST);
}

int reader_pairs(struct reader *reader, yaml_node_t *node, bool fold,
                 int (*take)(struct reader *reader, yaml_node_t *key, yaml_node_t *value, void *state),
                 void *state)
{
    struct names seen = { 0 };
    struct arena folded = { 0 };
    int result = 0;
    if (node_is_null(node))
        return 0;
    if (node->type != YAML_MAPPING_NODE)
        return reader_not_a(reader, node, "a mapping", "key: value, or { key: value }");
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
         pair++) {
        yaml_node_t *key = yaml_document_get_node(reader->document, pair->key);
        yaml_node_t *value = yaml_document_get_node(reader->document, pair->value);
        struct str name = node_text(key);
        if ((result = reader_count(reader, key)))
            break;
        if (!name.at) {
            result = reader_not_a(reader, key, "a key", "one word");
            break;
        }
        char *once = arena_alloc(&folded, name.len);
        for (size_t i = 0; i < name.len; i++)
            once[i] = fold ? ascii_lower(name.at[i]) : name.at[i];
        size_t known = seen.count;
        if (names_add(&seen, (struct str){ once, name.len }) < known) {
            struct str found = shown(reader, key);
            result = reader_fail(reader, key, "%.*s stands twice; keep one", STR_ARG(found));
            break;
        }
        if ((result = take(reader, key, value, state)))
            break;
    }
    arena_free(&folded);
    names_free(&seen);
    return result;
}

int reader_items(struct reader *reader, yaml_node_t *node, size_t *count,
                 int (*take)(struct reader *reader, yaml_node_t *item, void *state), void *state)
{
    *count = 0;
    if (node_is_null(node))
        return 0;
    if (node->type != YAML_SEQUENCE_NODE) {
        *count = 1;
        return reader_count(reader, node) || take(reader, node, state) ? -1 : 0;
    }
    yaml_node_item_t *first = node->data.sequence.items.start, *end = node->data.sequence.items.top;
    *count = (size_t)(end - first);
    for (yaml_node_item_t *item = first; item < end; item++) {
        yaml_node_t *value = yaml_document_get_node(reader->document, *item);
        if (reader_count(reader, value) || take(reader, value, state))
            return -1;
    }
    return 0;
}

struct filling {
    const struct key *keys;
    void *into;
};

static int fill_pair(struct reader *reader, yaml_node_t *key, yaml_node_t *value, void *state)
{
    struct filling *filling = state;
    struct str name = node_text(key);
    const char *names[16];
    size_t count = 0;
    for (const struct key *k = filling->keys; k->name; k++) {
        if (!str_eq(str_of(k->name), name)) {
            assert(count < sizeof names / sizeof *names);
            names[count++] = k->name;
            continue;
        }
        size_t before = reader_push(reader, name);
        int result = k->read(reader, value, filling->into);
        reader_pop(reader, before);
        return result;
    }
    struct str found = shown(reader, key), cure = reader_possible(reader, name, names, count);
    return reader_fail(reader, key, "there is no key %.*s; %.*s", STR_ARG(found), STR_ARG(cure));
}

int reader_mapping(struct reader *reader, yaml_node_t *node, const struct key *keys, void *into)
{
    struct filling filling = { keys, into };
    return reader_pairs(reader, node, false, fill_pair, &filling);
}

int read_bool(struct reader *reader, yaml_node_t *node, bool *value)
{
    struct str text = node_text(node);
    if (text.at && (str_eq_nocase(text, STR("true")) || str_eq_nocase(text, STR("yes")))) {
        *value = true;
        return 0;
    }
    if (text.at && (str_eq_nocase(text, STR("false")) || str_eq_nocase(text, STR("no")))) {
        *value = false;
        return 0;
    }
    return reader_not_a(reader, node, "yes or no", "true or false");
}

int read_duration(struct reader *reader, yaml_node_t *node, usec *value)
{
    struct str text = node_text(node);
    if (!text.at || !duration_parse(text, value))
        return reader_not_a(reader, node, "a duration", "5m, 300s or 1h30m");
    if (*value % 1000)
        return reader_not_a(reader, node, "whole milliseconds", "5m, 1.5s or 250ms");
    return 0;
}

/* A decimal number of at most 15 digits: an exact integer over an exact power of ten, so the division gives
 * the nearest double, in every locale. */
static bool parse_decimal(struct str text, double *value)
{
    bool minus = cut_char(&text, '-');
    int64_t digits = 0;
    double scale = 1;
    size_t count = 0, places = 0;
    bool point = false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '.' && !point) {
            point = true;
            continue;
        }
        if (!is_digit(text.at[i]) || ++count > 15)
            return false;
        digits = digits * 10 + (text.at[i] - '0');
        places += point;
        scale *= point ? 10 : 1;
    }
    if (count == 0 || (point && (places == 0 || places == count)))
        return false; /* ".5" and "5." are mistakes more often than numbers */
    *value = digits ? (double)(minus ? -digits : digits) / scale : 0;
    return true;
}

int read_number(struct reader *reader, yaml_node_t *node, double *value)
{
    struct str text = node_text(node);
    if (!text.at || !parse_decimal(text, value))
        return reader_not_a(reader, node, "a number", "5 or 7.5");
    return 0;
}

int read_count(struct reader *reader, yaml_node_t *node, uint64_t least, uint64_t most, uint64_t *value)
{
    struct str text = node_text(node);
    if (text.at && str_number(text, value) && *value >= least && *value <= most)
        return 0;
    struct str found = shown(reader, node);
    return reader_fail(reader, node, "%.*s is not a whole number from %llu to %llu; write digits only",
                       STR_ARG(found), (unsigned long long)least, (unsigned long long)most);
}

int read_word(struct reader *reader, yaml_node_t *node, const char *const *words, uint32_t *value)
{
    struct str text = node_text(node);
    uint32_t count = 0;
    for (; words[count]; count++)
        if (text.at && str_eq(text, str_of(words[count]))) {
            *value = count;
            return 0;
        }
    struct str found = shown(reader, node);
    struct str cure = reader_possible(reader, text.at ? text : STR(""), words, count);
    return reader_fail(reader, node, "%.*s is not among its words; %.*s", STR_ARG(found), STR_ARG(cure));
}

int read_text(struct reader *reader, yaml_node_t *node, struct str *value)
{
    struct str text = node_text(node);
    if (!text.at || text.len == 0)
        return reader_not_a(reader, node, "a text",
                            "one, in quotes where it has other signs than letters and digits");
    if (text.len > TEXT_MOST)
        return reader_fail(reader, node, "%zu bytes are too many for a text; %d will do", text.len,
                           TEXT_MOST);
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f)
            return reader_fail(reader, node,
                               "a line break or another control character is in the text; take it out");
    *value = arena_str(reader->arena, text);
    return 0;
}

static size_t items_of(const yaml_node_t *node)
{
    switch (node->type) {
    case YAML_SEQUENCE_NODE:
        return (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    case YAML_MAPPING_NODE:
        return (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
    default:
        return 1;
    }
}

int reader_room(struct reader *reader, const yaml_node_t *node, size_t *count)
{
    *count = node_is_null(node) ? 0 : items_of(node);
    if (*count > VALUES_MOST - reader->values) {
        reader->values = VALUES_MOST;
        return reader_count(reader, node);
    }
    return 0;
}

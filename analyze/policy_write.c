/* A policy as YAML: what differs from the defaults, or all of it, in the form in which a postmaster would
 * write it, so that policy_read() takes it back to an equal policy. */
#define _POSIX_C_SOURCE 200809L
#include "analyze/policy.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <sysexits.h>

#include "analyze/exempt.h"
#include "analyze/lists.h"
#include "analyze/measure.h"
#include "analyze/policy_yaml.h"

enum { ON_A_LINE = 72 /* of a list; a longer one has an item a line */ };

struct writer {
    FILE *to;
    struct arena *arena; /* for what is needed until the writing is done */
    int indent;
    bool whole;              /* the defaults too */
    const struct rule *rule; /* whose "- greylist:" is still to be written before the first of its keys */
};

/* "      delay: ", with what must come before it. */
static void put_key(struct writer *out, const char *key)
{
    if (out->rule)
        fprintf(out->to, "  - %s:\n", out->rule->measure->name);
    out->rule = NULL;
    fprintf(out->to, "%*s%s:", out->indent, "", key);
}

/* Whether a text can stand without quotes wherever we write one. */
static bool is_plain(struct str text)
{
    if (text.len == 0 || !(is_alpha(text.at[0]) || is_digit(text.at[0])) || str_eq_nocase(text, STR("null")))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!is_alpha(text.at[i]) && !is_digit(text.at[i]) && !memchr("-_./@", text.at[i], 5))
            return false;
    return true;
}

static size_t text_width(struct str text)
{
    size_t width = text.len + (is_plain(text) ? 0 : 2);
    for (size_t i = 0; i < text.len; i++)
        width += text.at[i] == '"' || text.at[i] == '\\';
    return width;
}

static void put_text(FILE *to, struct str text)
{
    if (is_plain(text)) {
        fprintf(to, "%.*s", STR_ARG(text));
        return;
    }
    putc('"', to);
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '"' || text.at[i] == '\\')
            putc('\\', to);
        putc(text.at[i], to);
    }
    putc('"', to);
}

static void put_duration(FILE *to, usec length)
{
    char text[CLOCK_TEXT_BYTES];
    duration_format(length, text);
    fputs(text, to);
}

/* The shortest decimal that is this number, without the locale's point. */
static void put_number(FILE *to, double number)
{
    double scale = 1, scaled = fabs(number);
    int places = 0;
    while (places < 15 && round(scaled) / scale != fabs(number) && scaled * 10 < 1e15) {
        scale *= 10;
        scaled = fabs(number) * scale;
        places++;
    }
    uint64_t digits = (uint64_t)round(scaled), whole = 1;
    for (int i = 0; i < places; i++)
        whole *= 10;
    fprintf(to, "%s%" PRIu64, number < 0 ? "-" : "", digits / whole);
    if (places)
        fprintf(to, ".%0*" PRIu64, places, digits % whole);
}

/* " [a, b]", or each on a line of its own where that would be too long. */
static void put_list(struct writer *out, const struct texts *list)
{
    size_t width = 0;
    for (size_t i = 0; i < list->count && width <= ON_A_LINE; i++)
        width += text_width(list->text[i]) + 2;
    bool wide = width > ON_A_LINE;
    fputs(wide ? "" : " [", out->to);
    for (size_t i = 0; i < list->count; i++) {
        if (wide)
            fprintf(out->to, "\n%*s- ", out->indent + 2, "");
        else if (i)
            fputs(", ", out->to);
        put_text(out->to, list->text[i]);
    }
    fputs(wide ? "\n" : "]\n", out->to);
}

/* A lone address is written without its length. */
static struct str network_text(const struct prefix *prefix, char text[IP_TEXT_BYTES + 4])
{
    size_t len = prefix->bits == 128 ? ip_format(&prefix->network, text) : prefix_format(prefix, text);
    return (struct str){ text, len };
}

static void put_networks(struct writer *out, const char *key, const struct networks *networks)
{
    if (!networks->count)
        return;
    struct texts list = { .text = arena_alloc(out->arena, networks->count * sizeof *list.text),
                          .count = networks->count };
    for (size_t i = 0; i < list.count; i++) {
        char text[IP_TEXT_BYTES + 4];
        list.text[i] = arena_str(out->arena, network_text(&networks->prefix[i], text));
    }
    put_key(out, key);
    put_list(out, &list);
}

static void put_texts(struct writer *out, const char *key, const struct texts *texts)
{
    if (!texts->count)
        return;
    put_key(out, key);
    put_list(out, texts);
}

static void put_numbers(struct writer *out, const char *key, const struct numbers *numbers)
{
    struct texts list = { .text = arena_alloc(out->arena, numbers->count * sizeof *list.text),
                          .count = numbers->count };
    for (size_t i = 0; i < list.count; i++)
        list.text[i] = arena_printf(out->arena, "%" PRIu32, numbers->number[i]);
    put_texts(out, key, &list);
}

static void put_exempt(struct writer *out, const struct exempt *exempt)
{
    if (exempt_is_empty(exempt))
        return;
    put_key(out, "exempt");
    putc('\n', out->to);
    out->indent += 2;
    if (exempt->authenticated) {
        put_key(out, "authenticated");
        fputs(" true\n", out->to);
    }
    put_networks(out, "networks", &exempt->networks);
    put_numbers(out, "asns", &exempt->asns);
    put_texts(out, "countries", &exempt->countries);
    put_texts(out, "client-names", &exempt->client_names);
    put_texts(out, "sender-domains", &exempt->sender_domains);
    put_texts(out, "spf-domains", &exempt->spf_domains);
    put_texts(out, "recipients", &exempt->recipients);
    out->indent -= 2;
}

static void put_weights(struct writer *out, const struct weights *weights)
{
    char text[IP_TEXT_BYTES + 4];
    if (!weights->count)
        fputs(" {}", out->to);
    for (size_t i = 0; i < weights->count; i++) {
        const struct weight *zone = &weights->weight[i];
        fprintf(out->to, "\n%*s", out->indent + 2, "");
        put_text(out->to, zone->name);
        if (!zone->replies.count) {
            fprintf(out->to, ": %" PRId32, zone->weight);
            continue;
        }
        fprintf(out->to, ": { weight: %" PRId32 ", replies: [", zone->weight);
        for (size_t k = 0; k < zone->replies.count; k++) {
            fputs(k ? ", " : "", out->to);
            put_text(out->to, network_text(&zone->replies.prefix[k], text));
        }
        fputs("] }", out->to);
    }
    putc('\n', out->to);
}

static bool weights_equal(const struct weights *a, const struct weights *b)
{
    bool equal = a->count == b->count;
    for (size_t i = 0; equal && i < a->count; i++)
        equal = str_eq(a->weight[i].name, b->weight[i].name) && a->weight[i].weight == b->weight[i].weight &&
                networks_equal(&a->weight[i].replies, &b->weight[i].replies);
    return equal;
}

bool parameter_equal(const struct parameter *parameter, const void *a, const void *b)
{
    a = (const char *)a + parameter->at;
    b = (const char *)b + parameter->at;
    switch (parameter->type) {
    case PARAMETER_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case PARAMETER_DURATION:
        return *(const usec *)a == *(const usec *)b;
    case PARAMETER_NUMBER:
        return *(const double *)a == *(const double *)b;
    case PARAMETER_COUNT:
    case PARAMETER_WORD:
    case PARAMETER_WORDS:
        return *(const uint32_t *)a == *(const uint32_t *)b;
    case PARAMETER_TEXTS:
        return texts_equal(a, b);
    case PARAMETER_WEIGHTS:
        return weights_equal(a, b);
    }
    return false;
}

bool parameters_equal(const struct measure *measure, const void *a, const void *b)
{
    for (const struct parameter *p = measure->parameters; p->name; p++)
        if (!parameter_equal(p, a, b))
            return false;
    return true;
}

static void put_words(struct writer *out, const struct parameter *parameter, uint32_t set)
{
    const char *before = " [";
    for (uint32_t i = 0; parameter->words[i]; i++)
        if (set >> i & 1) {
            fprintf(out->to, "%s%s", before, parameter->words[i]);
            before = ", ";
        }
    fputs(set ? "]\n" : " []\n", out->to);
}

static void put_parameter(struct writer *out, const struct parameter *parameter, const void *parameters)
{
    const void *at = (const char *)parameters + parameter->at;
    const struct texts *texts = at;
    put_key(out, parameter->name);
    switch (parameter->type) {
    case PARAMETER_BOOL:
        fprintf(out->to, " %s\n", *(const bool *)at ? "true" : "false");
        break;
    case PARAMETER_DURATION:
        putc(' ', out->to);
        put_duration(out->to, *(const usec *)at);
        putc('\n', out->to);
        break;
    case PARAMETER_NUMBER:
        putc(' ', out->to);
        put_number(out->to, *(const double *)at);
        putc('\n', out->to);
        break;
    case PARAMETER_COUNT:
        fprintf(out->to, " %" PRIu32 "\n", *(const uint32_t *)at);
        break;
    case PARAMETER_WORD:
        fprintf(out->to, " %s\n", parameter->words[*(const uint32_t *)at]);
        break;
    case PARAMETER_WORDS:
        put_words(out, parameter, *(const uint32_t *)at);
        break;
    case PARAMETER_TEXTS:
        put_list(out, texts);
        break;
    case PARAMETER_WEIGHTS:
        put_weights(out, at);
        break;
    }
}

struct str parameter_text(struct arena *arena, const struct parameter *parameter, const void *parameters)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    if (!to)
        return STR("");
    struct writer out = { .to = to, .arena = arena };
    put_parameter(&out, parameter, parameters);
    fclose(to);
    struct str line = arena_str(arena, str_trim((struct str){ text, len }));
    char *at = (char *)line.at, *end = at;
    for (size_t i = 0; i < line.len;
         i++) { /* one line: a list's items are parted by what is left of its lines */
        char c = line.at[i] == '\n' ? ' ' : line.at[i];
        if (c != ' ' || end == at || end[-1] != ' ')
            *end++ = c;
    }
    free(text);
    return str_range(line.at, end);
}

static void put_when(struct writer *out, const struct when *when)
{
    if (!when->port && !when->server.at)
        return;
    put_key(out, "when");
    fputs(" {", out->to);
    if (when->port)
        fprintf(out->to, " port: %u%s", when->port, when->server.at ? "," : "");
    if (when->server.at) {
        fputs(" server: ", out->to);
        put_text(out->to, when->server);
    }
    fputs(" }\n", out->to);
}

/* Comments, a line each. */
static void put_remark(struct writer *out, struct str remark)
{
    while (remark.len) {
        struct str line = remark;
        if (!cut_until_char(&remark, '\n', &line))
            remark.len = 0;
        fprintf(out->to, "%*s#%s%.*s\n", out->indent, "", line.len ? " " : "", STR_ARG(line));
    }
}

static void put_rule(struct writer *out, const struct rule *rule)
{
    static const char *const replies[] = { NULL, "4xx", "5xx", "drop" };
    const struct measure *measure = rule->measure;
    const void *defaults = parameters_default(measure, out->arena);
    bool named = !str_eq(rule->name, str_of(measure->name));
    out->indent = 2;
    put_remark(out, rule->remark);
    out->rule = rule;
    out->indent = 6;
    if (named) {
        put_key(out, "name");
        fprintf(out->to, " %.*s\n", STR_ARG(rule->name));
    }
    if (!str_eq(rule->title,
                rule_title_default(out->arena, measure, named ? rule->name : (struct str){ NULL, 0 }))) {
        put_key(out, "title");
        putc(' ', out->to);
        put_text(out->to, rule->title);
        putc('\n', out->to);
    }
    for (const struct parameter *p = measure->parameters; p->name; p++)
        if (out->whole || !parameter_equal(p, rule->parameters, defaults))
            put_parameter(out, p, rule->parameters);
    if (rule->moved) {
        put_key(out, "at");
        fprintf(out->to, " %s\n", stage_name[rule->at]);
    }
    put_when(out, &rule->when);
    if (rule->reply != REPLY_DEFAULT) {
        put_key(out, "reply");
        fprintf(out->to, " %s\n", replies[rule->reply]);
    }
    put_exempt(out, &rule->exempt);
    if (!isnan(rule->cost)) {
        put_key(out, "cost");
        putc(' ', out->to);
        put_number(out->to, rule->cost);
        putc('\n', out->to);
    }
    if (rule->warn) {
        put_key(out, "warn");
        fputs(" true\n", out->to);
    }
    if (out->rule)
        fprintf(out->to, "  - %s: {}\n", measure->name);
    out->rule = NULL;
}

int policy_write(const struct policy *policy, bool whole, FILE *to, struct why *why)
{
    struct arena arena = { 0 };
    struct writer out = { .to = to, .arena = &arena, .whole = whole };
    put_remark(&out, policy->remark);
    fprintf(to, "policy: %.*s\n", STR_ARG(policy->name));
    if (whole || policy->delay_reject)
        fprintf(to, "delay-reject: %s\n", policy->delay_reject ? "true" : "false");
    put_exempt(&out, &policy->exempt);
    put_networks(&out, "trusted-relays", &policy->trusted_relays);
    fputs(policy->rule_count ? "measures:\n" : "measures: []\n", to);
    for (size_t i = 0; i < policy->rule_count; i++)
        put_rule(&out, &policy->rules[i]);
    out.indent = policy->rule_count ? 2 : 0;
    put_remark(&out, policy->last_remark);
    arena_free(&arena);
    if (fflush(to) || ferror(to))
        return why_set(why, EX_IOERR, "the policy could not be written: %s", strerror(errno));
    return 0;
}

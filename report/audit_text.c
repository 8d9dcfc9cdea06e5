/* Whom it hurts, as a table. Names are interned, and their counts stand in arrays by their number. */
#define _GNU_SOURCE
#include "report/audit_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include "base/names.h"
#include "report/escape.h"
#include "report/json.h"
#include "report/replay_table.h"
#include "report/utf8.h"
#include "report/words.h"

enum {
    DOMAINS_MOST = 100 * 1000,
    DOMAIN_BYTES_MOST = 255, /* RFC 1035 2.3.4; what is longer is no domain */
    EXAMPLES = 3
};

struct domain {
    struct str name;                           /* at == NULL: all that are past the most */
    uint64_t surely, certain[HARMS], possible; /* surely: hurt, be it not known how: then it is possible */
    int64_t example[EXAMPLES];
    uint64_t *by_rule;
};

const char *const hurt_by_name[HURT_KINDS] = {
    [HURT_DOMAIN] = "domain",
    [HURT_RECIPIENT] = "recipient",
    [HURT_SYSTEM] = "asn",
    [HURT_NETWORK] = "network",
};

struct audit_list {
    const struct policy *policy;
    enum hurt_by by;
    struct names names;
    struct domain *domains; /* by the name's number */
    size_t domain_room;
    struct domain others, all;
    struct arena arena;
};

struct audit_list *audit_list_new(const struct policy *policy, enum hurt_by by)
{
    struct audit_list *list = mem_zero(1, sizeof *list);
    list->policy = policy;
    list->by = by;
    list->others.by_rule = arena_zero(&list->arena, policy->rule_count * sizeof(uint64_t));
    list->all.by_rule = arena_zero(&list->arena, policy->rule_count * sizeof(uint64_t));
    return list;
}

void audit_list_free(struct audit_list *list)
{
    free(list->domains);
    names_free(&list->names);
    arena_free(&list->arena);
    free(list);
}

/* What the sender's mail is from; "<>" is a bounce's. */
static struct str domain_of(struct str sender, char lower[DOMAIN_BYTES_MOST])
{
    if (!sender.at)
        return STR("(sender not known)");
    if (sender.len == 0)
        return STR("<>");
    const char *at = str_find_last(sender, '@');
    struct str domain = at ? str_range(at + 1, sender.at + sender.len) : STR("");
    if (domain.len == 0 || domain.len > DOMAIN_BYTES_MOST)
        return STR("(no domain)");
    for (size_t i = 0; i < domain.len; i++)
        lower[i] = ascii_lower(domain.at[i]);
    return (struct str){ lower, domain.len };
}

/* As it comes, in lower case where it is not too long. */
static struct str name_of_recipient(struct str recipient, char lower[DOMAIN_BYTES_MOST])
{
    if (!recipient.at)
        return STR("(recipient not known)");
    return recipient.len <= DOMAIN_BYTES_MOST ? str_lower(recipient, lower, DOMAIN_BYTES_MOST) : recipient;
}

static struct str name_of_system(const struct harmed *harmed, struct arena *arena)
{
    if (harmed->asn == 0)
        return STR("(not known)");
    return harmed->as_name.len
               ? arena_printf(arena, "AS%" PRId64 " %.*s", harmed->asn, STR_ARG(harmed->as_name))
               : arena_printf(arena, "AS%" PRId64, harmed->asn);
}

static struct str name_of_network(const struct harmed *harmed, char text[DOMAIN_BYTES_MOST])
{
    bool v4 = ip_is_v4(&harmed->client);
    struct prefix prefix = ip_network(&harmed->client, 24, 64);
    size_t len = ip_format(&prefix.network, text);
    len += (size_t)snprintf(text + len, DOMAIN_BYTES_MOST - len, "/%d", v4 ? 24 : 64);
    return (struct str){ text, len };
}

static struct str name_by(const struct audit_list *list, const struct harmed *harmed,
                          char text[DOMAIN_BYTES_MOST], struct arena *arena)
{
    switch (list->by) {
    case HURT_RECIPIENT:
        return name_of_recipient(harmed->recipient, text);
    case HURT_SYSTEM:
        return name_of_system(harmed, arena);
    case HURT_NETWORK:
        return name_of_network(harmed, text);
    case HURT_DOMAIN:
    case HURT_KINDS:
        break;
    }
    return domain_of(harmed->sender, text);
}

static struct domain *find_domain(struct audit_list *list, struct str name)
{
    uint32_t number = names_find(&list->names, name);
    if (number == NAME_NONE && list->names.count >= DOMAINS_MOST)
        return &list->others;
    if (number == NAME_NONE) {
        number = names_add(&list->names, name);
        mem_room(list->domains, list->domain_room, list->names.count);
        list->domains[number] = (struct domain){
            .name = names_text(&list->names, number),
            .by_rule = arena_zero(&list->arena, list->policy->rule_count * sizeof(uint64_t)),
        };
    }
    return &list->domains[number];
}

static void count(struct domain *domain, const struct harmed *harmed, size_t rules)
{
    domain->surely += harmed->certain;
    if (harmed->certain && !harmed->either)
        domain->certain[harmed->harm]++;
    else
        domain->possible++;
    if (harmed->rule < rules)
        domain->by_rule[harmed->rule]++;
    for (size_t i = 0; i < EXAMPLES; i++) {
        if (domain->example[i] == harmed->session_id)
            return;
        if (domain->example[i] == 0) {
            domain->example[i] = harmed->session_id;
            return;
        }
    }
}

void audit_list_take(struct audit_list *list, const struct harmed *harmed)
{
    char text[DOMAIN_BYTES_MOST];
    struct arena arena = { 0 };
    count(find_domain(list, name_by(list, harmed, text, &arena)), harmed, list->policy->rule_count);
    count(&list->all, harmed, list->policy->rule_count);
    arena_free(&arena);
}

/* Mail that never arrives hurts more than mail that comes late, and both more than what only may happen. */
static int by_hurt(const void *a, const void *b)
{
    const struct domain *x = a, *y = b;
    uint64_t gone_x = x->certain[HARM_LOST] + x->certain[HARM_TOLD];
    uint64_t gone_y = y->certain[HARM_LOST] + y->certain[HARM_TOLD];
    if (gone_x != gone_y)
        return gone_x > gone_y ? -1 : 1;
    if (x->certain[HARM_LATE] != y->certain[HARM_LATE])
        return x->certain[HARM_LATE] > y->certain[HARM_LATE] ? -1 : 1;
    if (x->possible != y->possible)
        return x->possible > y->possible ? -1 : 1;
    size_t shorter = x->name.len < y->name.len ? x->name.len : y->name.len;
    int order = memcmp(x->name.at, y->name.at, shorter);
    return order ? order : x->name.len < y->name.len ? -1 : 1;
}

static void add_to(struct domain *sum, const struct domain *domain, size_t rules)
{
    for (int harm = 0; harm < HARMS; harm++)
        sum->certain[harm] += domain->certain[harm];
    sum->surely += domain->surely;
    sum->possible += domain->possible;
    for (size_t i = 0; i < rules; i++)
        sum->by_rule[i] += domain->by_rule[i];
    size_t filled = 0;
    while (filled < EXAMPLES && sum->example[filled])
        filled++;
    for (size_t i = 0; i < EXAMPLES && domain->example[i] && filled < EXAMPLES; i++)
        sum->example[filled++] = domain->example[i];
}

/* The rows to print: the most hurt, and the rest as one. */
struct shown {
    struct domain *rows;
    size_t count, left_out;
};

static struct shown choose(const struct audit_list *list, size_t most, struct arena *arena)
{
    size_t total = list->names.count, rules = list->policy->rule_count;
    struct domain *rows = arena_zero(arena, (total + 1) * sizeof *rows);
    if (total)
        memcpy(rows, list->domains, total * sizeof *rows);
    qsort(rows, total, sizeof *rows, by_hurt);
    size_t shown = most && most < total ? most : total;
    struct domain rest = { .by_rule = arena_zero(arena, rules * sizeof(uint64_t)) };
    add_to(&rest, &list->others, rules);
    for (size_t i = shown; i < total; i++)
        add_to(&rest, &rows[i], rules);
    bool has_rest = shown < total || list->others.example[0];
    if (has_rest)
        rows[shown] = rest;
    return (struct shown){ rows, shown + has_rest, total - shown };
}

/* The measure that stops most of a domain's mail. */
static struct str worst_rule(const struct audit_list *list, const struct domain *domain)
{
    size_t worst = 0;
    for (size_t i = 1; i < list->policy->rule_count; i++)
        worst = domain->by_rule[i] > domain->by_rule[worst] ? i : worst;
    return list->policy->rule_count ? list->policy->rules[worst].name : STR("");
}

static struct str name_of(const struct domain *domain)
{
    return domain->name.at ? domain->name : STR("(all others)");
}

static void print_heading(const struct audit_list *list, uint64_t accepted, enum table_format format,
                          FILE *to)
{
    struct arena arena = { 0 };
    char low[16], high[16];
    const struct domain *all = &list->all;
    uint64_t certain = all->surely, possible = all->possible + all->certain[HARM_TOLD] +
                                               all->certain[HARM_LATE] + all->certain[HARM_LOST] - certain;
    percent_format(certain, accepted, low);
    percent_format(certain + possible, accepted, high);
    struct str text = arena_printf(
        &arena, "Of %" PRIu64 " %s that the server accepted, policy %.*s stops or delays %" PRIu64 " (%s %%)",
        accepted, accepted == 1 ? "delivery" : "deliveries",
        STR_ARG(text_fit(&arena, text_visible(&arena, list->policy->name), 40)), certain, low);
    text = possible ? arena_printf(&arena, "%.*s, and possibly %" PRIu64 " more (together %s %%).",
                                   STR_ARG(text), possible, high)
                    : arena_printf(&arena, "%.*s.", STR_ARG(text));
    words_put(to, format, text);
    putc('\n', to);
    arena_free(&arena);
}

static void print_legend(enum table_format format, FILE *to)
{
    static const char *const lines[] = {
        "told: refused for good (5xx), the sender gets to know.",
        "late: put off (4xx), and comes with a later try.",
        "lost: put off or dropped, and does not come back.",
        "possible: the record does not tell whether it would be stopped, or how.",
    };
    putc('\n', to);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        fprintf(to, "%s%s\n", format == TABLE_MARKDOWN ? "- " : "", lines[i]);
}

static struct str examples(const struct domain *domain, struct arena *arena)
{
    struct str text = STR("");
    for (size_t i = 0; i < EXAMPLES && domain->example[i]; i++)
        text = arena_printf(arena, "%.*s%s%" PRId64, STR_ARG(text), i ? " " : "", domain->example[i]);
    return text;
}

size_t audit_list_most(const struct audit_list *list, size_t most, struct arena *arena,
                       struct audit_list_row **rows)
{
    struct shown shown = choose(list, most, arena);
    *rows = arena_zero(arena, (shown.count + 1) * sizeof **rows);
    for (size_t i = 0; i < shown.count; i++) {
        const struct domain *domain = &shown.rows[i];
        struct audit_list_row *row = &(*rows)[i];
        *row = (struct audit_list_row){ .name = arena_str(arena, name_of(domain)),
                                        .possible = domain->possible,
                                        .measure = worst_rule(list, domain),
                                        .example = domain->example[0] };
        memcpy(row->harm, domain->certain, sizeof row->harm);
    }
    return shown.count;
}

void audit_list_sums(const struct audit_list *list, struct json *json)
{
    for (int harm = 0; harm < HARMS; harm++)
        json_count(json, harm_name[harm], list->all.certain[harm]);
    json_count(json, "possible", list->all.possible);
    json_count(json, "certain", list->all.surely); /* of all of these */
}

void audit_list_rows(const struct audit_list *list, size_t most, struct json *json, const char *name)
{
    struct arena arena = { 0 };
    struct shown shown = choose(list, most, &arena);
    json_array(json, name);
    for (size_t i = 0; i < shown.count; i++) {
        const struct domain *domain = &shown.rows[i];
        json_flat(json);
        json_object(json, NULL);
        json_text(json, hurt_by_name[list->by], name_of(domain));
        for (int harm = 0; harm < HARMS; harm++)
            json_count(json, harm_name[harm], domain->certain[harm]);
        json_count(json, "possible", domain->possible);
        json_text(json, "measure", worst_rule(list, domain));
        json_array(json, "sessions");
        for (size_t k = 0; k < EXAMPLES && domain->example[k]; k++)
            json_count(json, NULL, (uint64_t)domain->example[k]);
        json_end_array(json);
        json_end_object(json);
    }
    json_end_array(json);
    arena_free(&arena);
}

static void print_json(const struct audit_list *list, size_t most, uint64_t accepted, FILE *to)
{
    struct json json = { .to = to };
    json_object(&json, NULL);
    json_text(&json, "policy", list->policy->name);
    json_text(&json, "unit", STR("delivery"));
    json_count(&json, "accepted", accepted);
    audit_list_sums(list, &json);
    audit_list_rows(list, most, &json, "domains");
    json_end_object(&json);
}

static int print_table(const struct audit_list *list, const struct shown *shown, enum table_format format,
                       FILE *to, struct why *why)
{
    static const struct str titles[HURT_KINDS] = { [HURT_DOMAIN] = STR_INIT("sender domain"),
                                                   [HURT_RECIPIENT] = STR_INIT("recipient"),
                                                   [HURT_SYSTEM] = STR_INIT("autonomous system"),
                                                   [HURT_NETWORK] = STR_INIT("client network") };
    const struct column columns[] = {
        { .name = hurt_by_name[list->by], .title = titles[list->by], .most = 40 },
        { .name = "told", .number = true },
        { .name = "late", .number = true },
        { .name = "lost", .number = true },
        { .name = "possible", .number = true },
        { .name = "measure", .title = STR_INIT("mostly by") },
        { .name = "sessions", .title = STR_INIT("for example") },
    };
    struct arena arena = { 0 };
    struct table *table = table_open(to, format, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < shown->count; i++) {
        const struct domain *domain = &shown->rows[i];
        table_cell(table, name_of(domain));
        for (int harm = 0; harm < HARMS; harm++)
            table_count(table, domain->certain[harm]);
        table_count(table, domain->possible);
        table_cell(table, worst_rule(list, domain));
        table_cell(table, examples(domain, &arena));
    }
    int result = table_close(table, why);
    arena_free(&arena);
    return result;
}

int audit_list_table(const struct audit_list *list, size_t most, enum table_format format, FILE *to,
                     struct why *why)
{
    struct arena arena = { 0 };
    struct shown shown = choose(list, most, &arena);
    int result = print_table(list, &shown, format, to, why);
    arena_free(&arena);
    return result;
}

int audit_list_print(const struct audit_list *list, uint64_t accepted, size_t most, enum table_format format,
                     FILE *to, struct why *why)
{
    struct arena arena = { 0 };
    struct shown shown = choose(list, most, &arena);
    static const char *const things[HURT_KINDS][2] = {
        [HURT_DOMAIN] = { "sender domain", "sender domains" },
        [HURT_RECIPIENT] = { "recipient", "recipients" },
        [HURT_SYSTEM] = { "autonomous system", "autonomous systems" },
        [HURT_NETWORK] = { "client network", "client networks" },
    };
    bool words = table_is_for_people(format);
    int result = 0;
    if (words)
        print_heading(list, accepted, format, to);
    if (format == TABLE_JSON)
        print_json(list, most, accepted, to);
    else if (!words || shown.count)
        result = print_table(list, &shown, format, to, why);
    if (words && shown.left_out)
        fprintf(to, "\nThe last row is %zu %s more; --most=0 shows all.\n", shown.left_out,
                things[list->by][shown.left_out != 1]);
    if (words && shown.count)
        print_legend(format, to);
    arena_free(&arena);
    return result ? result : printed(to, why);
}

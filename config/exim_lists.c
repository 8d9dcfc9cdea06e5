/* Exim's lists (its specification, chapter 10): items between colons, or what "<;" says; a doubled separator
 * is one that is meant. */
#include "config/exim.h"
#include "config/values.h"

enum { NESTED_MOST = 8, LISTS_MOST = 100 };

struct exim_list exim_list(struct str text, struct arena *arena)
{
    struct exim_list list = { str_trim(text), ':', arena };
    if (list.rest.len >= 2 && list.rest.at[0] == '<') {
        list.separator = list.rest.at[1];
        list.rest = str_skip(list.rest, 2);
    }
    return list;
}

bool exim_list_next(struct exim_list *list, struct str *item)
{
    if (!list->rest.at || !list->rest.len)
        return false;
    char *text = arena_alloc(list->arena, list->rest.len);
    size_t len = 0, i = 0;
    for (; i < list->rest.len; i++) {
        char c = list->rest.at[i];
        bool mark = c == list->separator;
        if (mark && !(i + 1 < list->rest.len && list->rest.at[i + 1] == c))
            break;
        i += mark;
        text[len++] = c;
    }
    list->rest = str_skip(list->rest, i + 1);
    *item = str_trim((struct str){ text, len });
    return true;
}

/* "*.example.org" and "example.org"; a policy's domains have all below them. */
static bool add_domain(const struct exim *exim, struct texts *texts, struct str item)
{
    struct str domain = item;
    cut_prefix(&domain, STR("*."));
    if (!is_domain_text(domain) || !memchr(domain.at, '.', domain.len))
        return false; /* a macro that nothing defines, a table, a pattern */
    exempt_add_text(exim->draft, texts, domain);
    return true;
}

/* The list that "+name" stands for. */
static bool named_list(const struct exim *exim, const char *kind, struct str name, struct str *list)
{
    char whole[128];
    snprintf(whole, sizeof whole, "%s %.*s", kind, STR_ARG(name));
    const struct exim_option *option = name.len < 100 ? exim_find(exim, str_of(whole)) : NULL;
    if (option)
        *list = option->value;
    return option != NULL;
}

/* `left`: lists that may still be opened, since lists of lists can be many. */
static bool add_hosts(const struct exim *exim, struct str text, struct exempt *exempt, int depth, int *left)
{
    struct exim_list list = exim_list(text, &exim->draft->arena);
    struct str item, inner;
    struct prefix prefix;
    bool all = true;
    while (exim_list_next(&list, &item)) {
        if (!item.len)
            continue; /* a local process, which is no client of ours */
        if (network_of(str_eq(item, STR("localhost")) ? STR("127.0.0.1") : item, &prefix))
            exempt_add_network(exim->draft, exempt, &prefix);
        else if (item.at[0] == '+' && depth < NESTED_MOST && --*left > 0 &&
                 named_list(exim, "hostlist", str_skip(item, 1), &inner))
            all = add_hosts(exim, inner, exempt, depth + 1, left) && all;
        else
            all = add_domain(exim, &exempt->client_names, item) && all;
    }
    return all;
}

bool exim_hosts(const struct exim *exim, struct str list, struct exempt *exempt)
{
    int left = LISTS_MOST;
    return add_hosts(exim, list, exempt, 0, &left);
}

bool exim_sender_domains(const struct exim *exim, struct str text, struct exempt *exempt)
{
    struct exim_list list = exim_list(text, &exim->draft->arena);
    struct str item;
    bool all = true;
    while (exim_list_next(&list, &item))
        all = (!item.len || add_domain(exim, &exempt->sender_domains, item)) && all;
    return all;
}

/* "postmaster@example.org", "*@example.org", "postmaster". */
bool exim_recipients(const struct exim *exim, struct str text, struct exempt *exempt)
{
    struct exim_list list = exim_list(text, &exim->draft->arena);
    struct str item;
    bool all = true;
    while (exim_list_next(&list, &item)) {
        if (!item.len)
            continue;
        if (str_starts(item, STR("*@")))
            item = str_skip(item, 1);
        else if (str_eq_nocase(item, STR("postmaster@*")))
            item = STR("postmaster");
        if (is_recipient_text(item) && item.at[0] != '!')
            exempt_add_text(exim->draft, &exempt->recipients, item);
        else
            all = false;
    }
    return all;
}

bool exim_is_ours(struct str text)
{
    struct arena arena = { 0 };
    struct exim_list list = exim_list(text, &arena);
    struct str item;
    bool ours = true;
    while (exim_list_next(&list, &item))
        ours = ours && (!item.len || item.at[0] == '+' || item.at[0] == '@');
    arena_free(&arena);
    return ours;
}

/* Each delivery that is hurt could be cured by some exemptions: of its network or address, system, client's
 * or sender's domain, recipient. Those are the sets that are to cover what is hurt.
 *
 * What is promised is tried: the policy is written with them, read again and replayed, since who is exempt
 * leaves no trace in measures with state (and those may then hurt somebody else). */
#define _GNU_SOURCE
#include "analyze/exemptions.h"

#include <stdlib.h>
#include <string.h>
#include "analyze/cover.h"
#include "analyze/judging.h"
#include "analyze/lists.h"

const char *const exemption_key[EXEMPTION_KINDS] = {
    [BY_NETWORK] = "networks",         [BY_ASN] = "asns",
    [BY_CLIENT_NAME] = "client-names", [BY_SENDER_DOMAIN] = "sender-domains",
    [BY_RECIPIENT] = "recipients",
};

enum { KEY_BYTES_MOST = 256 };

/* An exemption covers a delivery. */
struct pair {
    uint32_t key, item;
};

struct searching {
    const struct columns *columns;
    const struct audit *audit;
    struct names keys; /* a letter for enum exemption_by, and the text */
    struct pair *pair;
    size_t pair_count, pair_room;
    uint64_t *price; /* by key: what it lets by */
};

/* Calls for each key that would exempt a delivery. */
typedef void take_key(struct searching *searching, enum exemption_by by, struct str text, uint32_t item);

/* ---- What would exempt a delivery. */

/* What a policy takes as a domain or a mailbox without quoting, and nothing else: strangers wrote it. */
static bool is_plain(struct str text, bool mailbox)
{
    size_t ats = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        ats += c == '@';
        if (!is_alnum(c) && c != '.' && c != '-' && c != '_' &&
            !(mailbox && (c == '@' || c == '+' || c == '=')))
            return false;
    }
    return text.len && text.len < KEY_BYTES_MOST - 1 && text.at[0] != '.' && text.at[0] != '@' &&
           text.at[text.len - 1] != '.' && ats == mailbox && memchr(text.at, '.', text.len) != NULL;
}

static void take_domains(struct searching *searching, enum exemption_by by, struct str domain, uint32_t item,
                         take_key *take)
{
    char lower[KEY_BYTES_MOST];
    if (!is_plain(domain, false))
        return;
    for (struct str rest = str_lower(domain, lower, sizeof lower); is_plain(rest, false);) {
        const char *dot = memchr(rest.at, '.', rest.len);
        take(searching, by, rest, item);
        rest = dot ? str_range(dot + 1, rest.at + rest.len) : (struct str){ NULL, 0 };
    }
}

static void take_network(struct searching *searching, const struct ip *client, unsigned v4, unsigned v6,
                         uint32_t item, take_key *take)
{
    char text[IP_TEXT_BYTES + 8];
    struct prefix prefix = ip_network(client, v4, v6);
    size_t len = ip_format(&prefix.network, text);
    len += (size_t)snprintf(text + len, sizeof text - len, "/%u", ip_is_v4(client) ? v4 : v6);
    take(searching, BY_NETWORK, (struct str){ text, len }, item);
}

static void take_system(struct searching *searching, uint32_t head, uint32_t item, take_key *take)
{
    const struct fact *best = judging_system(searching->columns, head);
    char text[24];
    if (!best)
        return;
    int len = snprintf(text, sizeof text, "%lld", (long long)best->a);
    take(searching, BY_ASN, (struct str){ text, (size_t)len }, item);
}

static void each_key(struct searching *searching, uint32_t head, uint32_t item, take_key *take)
{
    const struct columns *columns = searching->columns;
    uint32_t s = columns->session[head];
    const struct ip *client = &columns->address[columns->client[s]];
    struct str recipient = names_text(&columns->names, columns->address_of[head]);
    char lower[KEY_BYTES_MOST];
    take_network(searching, client, 32, 128, item, take);
    take_network(searching, client, 24, 64, item, take);
    take_system(searching, head, item, take);
    if (columns->operator_of[s] != NAME_NONE)
        take_domains(searching, BY_CLIENT_NAME, names_text(&columns->names, columns->client_name[s]), item,
                     take);
    take_domains(searching, BY_SENDER_DOMAIN,
                 mailbox_domain(names_text(&columns->names, columns->sender[head])), item, take);
    if (is_plain(recipient, true))
        take(searching, BY_RECIPIENT, str_lower(recipient, lower, sizeof lower), item);
}

static struct str key_of(enum exemption_by by, struct str text, char key[KEY_BYTES_MOST + 1])
{
    key[0] = (char)('a' + (int)by);
    memcpy(key + 1, text.at, text.len);
    return (struct str){ key, text.len + 1 };
}

/* A domain as it stands, and for a client's name its organisation's: not what is above them (exempting "com"
 * cures a lot). */
static bool is_offered(const struct searching *searching, enum exemption_by by, struct str text,
                       uint32_t item)
{
    const struct columns *columns = searching->columns;
    uint32_t head = searching->audit->harmed[item].head, s = columns->session[head];
    if (by == BY_SENDER_DOMAIN)
        return text.len == mailbox_domain(names_text(&columns->names, columns->sender[head])).len;
    return by != BY_CLIENT_NAME || text.len == names_text(&columns->names, columns->operator_of[s]).len;
}

static void offer(struct searching *searching, enum exemption_by by, struct str text, uint32_t item)
{
    char key[KEY_BYTES_MOST + 1];
    if (is_offered(searching, by, text, item))
        names_add(&searching->keys, key_of(by, text, key));
}

static void cover(struct searching *searching, enum exemption_by by, struct str text, uint32_t item)
{
    char key[KEY_BYTES_MOST + 1];
    uint32_t found = names_find(&searching->keys, key_of(by, text, key));
    if (found == NAME_NONE)
        return;
    mem_room(searching->pair, searching->pair_room, searching->pair_count + 1);
    searching->pair[searching->pair_count++] = (struct pair){ found, item };
}

static void charge(struct searching *searching, enum exemption_by by, struct str text, uint32_t item)
{
    char key[KEY_BYTES_MOST + 1];
    uint32_t found = names_find(&searching->keys, key_of(by, text, key));
    (void)item;
    if (found != NAME_NONE)
        searching->price[found]++;
}

static int by_key(const void *left, const void *right)
{
    const struct pair *a = left, *b = right;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return (a->item > b->item) - (a->item < b->item);
}

/* ---- The choice. */

struct choice {
    struct cover_set *set;
    uint32_t *item; /* of all sets, one behind the other */
    double *weight;
    size_t *chosen, count;
};

static void find_sets(struct searching *searching)
{
    const struct audit *audit = searching->audit;
    for (uint32_t i = 0; i < audit->harmed_count; i++)
        each_key(searching, audit->harmed[i].head, i, offer);
    searching->price = mem_zero(searching->keys.count + 1, sizeof *searching->price);
    for (uint32_t i = 0; i < audit->harmed_count; i++)
        each_key(searching, audit->harmed[i].head, i, cover);
    for (size_t i = 0; i < audit->other_count; i++)
        each_key(searching, audit->others[i], 0, charge);
    if (searching->pair_count)
        qsort(searching->pair, searching->pair_count, sizeof *searching->pair, by_key);
}

static void choose(const struct searching *searching, size_t most, double lets_by, struct choice *choice)
{
    const struct audit *audit = searching->audit;
    size_t sets = searching->keys.count;
    double step = (double)audit->harmed_count + 1;
    choice->set = mem_zero(sets + 1, sizeof *choice->set);
    choice->item = mem_alloc((searching->pair_count + 1) * sizeof *choice->item);
    choice->weight = mem_alloc((audit->harmed_count + 1) * sizeof *choice->weight);
    choice->chosen = mem_alloc((most + 1) * sizeof *choice->chosen);
    for (size_t i = 0; i < audit->harmed_count; i++) {
        const struct harmed *harmed = &audit->harmed[i];
        choice->weight[i] = !harmed->certain ? 1 : harmed->label == LABEL_WANTED ? step * step : step;
    }
    for (size_t p = 0; p < searching->pair_count; p++) {
        struct cover_set *set = &choice->set[searching->pair[p].key];
        choice->item[p] = searching->pair[p].item;
        set->item = set->count ? set->item : &choice->item[p];
        set->count++;
    }
    for (size_t s = 0; s < sets; s++) {
        choice->set[s].price = searching->price[s];
        if ((double)searching->price[s] > lets_by * (double)choice->set[s].count)
            choice->set[s].count = 0;
    }
    choice->count = cover_most(choice->set, sets, choice->weight, audit->harmed_count, most, choice->chosen);
}

static void tell(const struct searching *searching, const struct choice *choice,
                 struct exemptions *exemptions)
{
    const struct audit *audit = searching->audit;
    bool *covered = mem_zero(audit->harmed_count + 1, sizeof *covered);
    exemptions->item = arena_zero(&exemptions->arena, (choice->count + 1) * sizeof *exemptions->item);
    for (size_t k = 0; searching->keys.name && k < choice->count; k++) {
        const struct cover_set *set = &choice->set[choice->chosen[k]];
        struct str key = searching->keys.name[choice->chosen[k]];
        struct exemption *exemption = &exemptions->item[exemptions->count++];
        *exemption = (struct exemption){ .by = (enum exemption_by)(key.at[0] - 'a'),
                                         .text = arena_str(&exemptions->arena, str_skip(key, 1)),
                                         .lets_by = set->price };
        for (size_t i = 0; i < set->count; i++) {
            if (covered[set->item[i]])
                continue;
            covered[set->item[i]] = true;
            *(audit->harmed[set->item[i]].certain ? &exemption->cures : &exemption->settles) += 1;
        }
    }
    free(covered);
}

/* ---- The policy with them. */

static void add_text(struct texts *texts, struct str text, size_t room, struct arena *arena)
{
    struct str *more = arena_zero(arena, (texts->count + room) * sizeof *more);
    if (texts->count)
        memcpy(more, texts->text, texts->count * sizeof *more);
    more[texts->count] = text;
    *texts = (struct texts){ more, texts->count + 1, NULL };
}

static void add_exemption(struct exempt *exempt, const struct exemption *exemption, struct arena *arena)
{
    uint64_t number = 0;
    switch (exemption->by) {
    case BY_NETWORK: {
        struct prefix *more = arena_zero(arena, (exempt->networks.count + 1) * sizeof *more);
        if (exempt->networks.count)
            memcpy(more, exempt->networks.prefix, exempt->networks.count * sizeof *more);
        prefix_parse(exemption->text, &more[exempt->networks.count]);
        exempt->networks = (struct networks){ more, exempt->networks.count + 1, NULL };
        return;
    }
    case BY_ASN: {
        uint32_t *more = arena_zero(arena, (exempt->asns.count + 1) * sizeof *more);
        if (exempt->asns.count)
            memcpy(more, exempt->asns.number, exempt->asns.count * sizeof *more);
        str_number(exemption->text, &number);
        more[exempt->asns.count] = (uint32_t)number;
        exempt->asns = (struct numbers){ more, exempt->asns.count + 1 };
        numbers_sort(&exempt->asns);
        return;
    }
    case BY_CLIENT_NAME:
        add_text(&exempt->client_names, exemption->text, 1, arena);
        return;
    case BY_SENDER_DOMAIN:
        add_text(&exempt->sender_domains, exemption->text, 1, arena);
        return;
    case BY_RECIPIENT:
    case EXEMPTION_KINDS:
        break;
    }
    add_text(&exempt->recipients, exemption->text, 1, arena);
}

/* A policy as text; at == NULL with why. */
static struct str written(const struct policy *policy, struct arena *arena, struct why *why)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    if (!to) {
        why_set(why, EX_OSERR, "there is no memory for the policy");
        return (struct str){ NULL, 0 };
    }
    int result = policy_write(policy, false, to, why);
    fclose(to);
    struct str copy = result == 0 ? arena_str(arena, (struct str){ text, len }) : (struct str){ NULL, 0 };
    free(text);
    return copy;
}

/* What stands between the policy's name and its measures, of which there are none: `exempt:`. */
static struct str block_of(const struct policy *policy, struct arena *arena, struct why *why)
{
    struct policy alone = { .name = policy->name, .exempt = policy->exempt };
    struct str text = written(&alone, arena, why);
    const char *begin = text.at ? str_find(text, STR("exempt:")) : NULL;
    const char *end = begin ? str_find(str_range(begin, text.at + text.len), STR("\nmeasures:")) : NULL;
    return end ? str_range(begin, end + 1) : (struct str){ NULL, 0 };
}

static int by_head(const void *left, const void *right)
{
    const struct harmed *a = left, *b = right;
    return (a->head > b->head) - (a->head < b->head);
}

/* Replays the policy with them, as it reads when it is written down. */
static int try_out(struct columns *columns, const struct policy *with, const struct replay_options *options,
                   const struct audit *before, struct exemptions *exemptions, struct why *why)
{
    struct policy again = { 0 };
    struct audit after = { 0 };
    int result = -1;
    struct str text = written(with, &exemptions->arena, why);
    if (!text.at || policy_read(&again, "exemptions", text, why) < 0 ||
        audit_run(columns, &again, options, &after, why) < 0)
        goto done;
    for (size_t i = 0; i < before->harmed_count; i++) {
        const struct harmed *one = &before->harmed[i];
        bool still = after.harmed_count &&
                     bsearch(one, after.harmed, after.harmed_count, sizeof *after.harmed, by_head) != NULL;
        *(one->certain ? &exemptions->cured : &exemptions->settled) += !still;
    }
    result = 0;
done:
    audit_free(&after);
    policy_free(&again);
    return result;
}

int exemptions_find(struct columns *columns, const struct policy *policy,
                    const struct replay_options *options, const struct audit *audit, size_t most,
                    double lets_by, struct exemptions *exemptions, struct why *why)
{
    struct searching searching = { .columns = columns, .audit = audit };
    struct choice choice = { 0 };
    struct policy with = *policy;
    int result = 0;
    *exemptions = (struct exemptions){ 0 };
    for (size_t i = 0; i < audit->harmed_count; i++)
        *(audit->harmed[i].certain ? &exemptions->hurt : &exemptions->possible) += 1;
    if (most == 0 || audit->harmed_count == 0)
        return 0;
    find_sets(&searching);
    choose(&searching, most, lets_by, &choice);
    tell(&searching, &choice, exemptions);
    for (size_t k = 0; k < exemptions->count; k++)
        add_exemption(&with.exempt, &exemptions->item[k], &exemptions->arena);
    if (exemptions->count) {
        exemptions->yaml = block_of(&with, &exemptions->arena, why);
        result = exemptions->yaml.at ? try_out(columns, &with, options, audit, exemptions, why) : -1;
    }
    free(choice.set);
    free(choice.item);
    free(choice.weight);
    free(choice.chosen);
    free(searching.pair);
    free(searching.price);
    names_free(&searching.keys);
    return result;
}

void exemptions_free(struct exemptions *exemptions)
{
    struct arena arena = exemptions->arena;
    *exemptions = (struct exemptions){ 0 };
    arena_free(&arena);
}

/* What Exim's conditions ask about (its specification, chapters 44.25 on), one row each; and the string
 * expansions that stand in for conditions that Exim has not. */
#include "config/exim.h"

#include <stdlib.h>

#include "config/values.h"
#include "config/replies.h"

/* Expansions are known by a piece or two of them, blanks left out: sites write them in many ways. What is
 * written for a policy is `text`. */
const struct exim_phrase exim_phrases[] = {
    { "helo", "require", { "eq{$sender_helo_name}{}", NULL }, "${if eq{$sender_helo_name}{}}" },
    { "helo",
      "fqdn",
      { "isip{$sender_helo_name}", "!match{$sender_helo_name}{\\N[.]\\N}" },
      "${if or{{isip{$sender_helo_name}}{!match{$sender_helo_name}{\\N[.]\\N}}}}" },
    { "helo",
      "address-literal",
      { "match{$sender_helo_name}{\\N^\\[", NULL },
      "${if match{$sender_helo_name}{\\N^\\[\\N}}" },
    { "helo",
      "own-name",
      { "match_domain{$sender_helo_name}{", NULL },
      "${if match_domain{$sender_helo_name}{" },
    { "no-rdns",
      "",
      { "lookupdnsdb{", "ptr=$sender_host_address}" },
      "${if eq{${lookup dnsdb{defer_never,ptr=$sender_host_address}{yes}{no}}}{no}}" },
    { "null-sender-many", "rcpt", { ">{$rcpt_count}{1}", NULL }, "${if >{$rcpt_count}{1}}" },
    { "null-sender-many", "data", { ">{$recipients_count}{1}", NULL }, "${if >{$recipients_count}{1}}" },
    { "dictionary", "", { ">{$rcpt_fail_count}{", NULL }, NULL },
    { "greylist",
      "",
      { "greylistd/socket", NULL },
      "${readsocket{/var/run/greylistd/socket}{--grey %s $sender_address "
      "$local_part@$domain}{5s}{}{false}}" },
    { "spam", "score", { ">={$spam_score_int}{", NULL }, "${if >={$spam_score_int}{" },
    { "spam", "score", { ">{$spam_score_int}{", NULL }, NULL },
    { NULL, NULL, { NULL, NULL }, NULL },
};

static struct str without_blanks(struct arena *arena, struct str text)
{
    char *copy = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] != ' ' && text.at[i] != '\t')
            copy[len++] = text.at[i];
    return (struct str){ copy, len };
}

static const struct exim_phrase *phrase_of(struct str text)
{
    for (const struct exim_phrase *phrase = exim_phrases; phrase->measure; phrase++)
        if (str_find(text, str_of(phrase->needle[0])) &&
            (!phrase->needle[1] || str_find(text, str_of(phrase->needle[1]))))
            return phrase;
    return NULL;
}

/* The number behind a phrase's needle. */
static bool number_behind(struct str text, const struct exim_phrase *phrase, uint64_t *number)
{
    const char *at = str_find(text, str_of(phrase->needle[0]));
    struct str rest = str_range(at + strlen(phrase->needle[0]), text.at + text.len);
    return cut_number(&rest, number);
}

/* ---- A rule for what is asked. */

static struct draft_rule *begin(struct exim_asking *asking, const char *measure, bool merges)
{
    struct draft *draft = asking->exim->draft;
    const struct measure *found = measure_find(str_of(measure));
    enum reply_class reply = asking->reply == found->reply ? REPLY_DEFAULT : asking->reply;
    struct draft_rule *rule =
        merges ? draft_last(draft, measure, &asking->exempt, asking->warn, asking->stage) : NULL;
    if (rule && rule->rule.reply == reply) {
        draft_mapped(draft, rule, asking->statement->place, asking->all);
        return rule;
    }
    rule = draft_add(draft, measure, &asking->exempt);
    rule->rule.warn = asking->warn;
    rule->rule.reply = reply;
    draft_act_at(draft, rule, asking->stage);
    draft_mapped(draft, rule, asking->statement->place, asking->all);
    return rule;
}

/* ---- dnslists = zone=127.0.0.2,127.0.0.4 : zone&3 : zone/$sender_address_domain */

static bool add_answers(struct arena *arena, struct networks *replies, struct str list, const char **why)
{
    struct str answer;
    struct prefix prefix;
    while (list.len) {
        if (!cut_until_char(&list, ',', &answer)) {
            answer = list;
            list.len = 0;
        }
        answer = str_trim(answer);
        const char *slash = memchr(answer.at ? answer.at : "", '/', answer.len);
        if (!slash && replies_add(arena, replies, answer))
            continue;
        if (!slash || !prefix_parse(answer, &prefix) || prefix.bits < 96 || replies->count >= 200) {
            *why = "the answers that count cannot be read";
            return false;
        }
        struct prefix *grown = arena_alloc(arena, (replies->count + 1) * sizeof *grown);
        if (replies->count)
            memcpy(grown, replies->prefix, replies->count * sizeof *grown);
        grown[replies->count] = prefix;
        *replies = (struct networks){ grown, replies->count + 1, NULL };
    }
    return true;
}

/* "&3": answers in which one of these bits is set, of those that lists give. */
static bool add_bits(struct arena *arena, struct networks *replies, struct str text, const char **why)
{
    uint64_t mask = 0;
    char pattern[32];
    if (!str_number(text, &mask) || mask > 255) {
        *why = "which bits of the answer count cannot be read";
        return false;
    }
    for (unsigned value = 0; value < 256; value++) {
        snprintf(pattern, sizeof pattern, "127.0.0.%u", value);
        if (value & mask && !replies_add(arena, replies, str_of(pattern)))
            return false;
    }
    return true;
}

static bool add_zone(struct exim_asking *asking, struct weights *zones, struct str item, int32_t weight,
                     const char **why)
{
    struct arena *arena = &asking->exim->draft->arena;
    struct networks replies = { 0 };
    size_t end = 0;
    while (end < item.len && !strchr("=!&/,;", item.at[end]))
        end++;
    struct str zone = str_trim((struct str){ item.at, end }), rest = str_skip(item, end);
    if (rest.len && rest.at[0] == '/')
        *why = "it asks for something else than the client's address";
    else if (rest.len && rest.at[0] == '=' && !str_starts(rest, STR("=="))) {
        if (!add_answers(arena, &replies, str_skip(rest, 1), why))
            return false;
    } else if (rest.len && rest.at[0] == '&') {
        if (!add_bits(arena, &replies, str_skip(rest, 1), why))
            return false;
    } else if (rest.len) {
        *why = "answers that must not be, or must all be, no policy can say";
    }
    if (*why)
        return false;
    if (!weights_add(asking->exim->draft, zones, zone, weight, &replies)) {
        *why = "not the name of a zone, or it stands there twice";
        return false;
    }
    return true;
}

static enum exim_asked ask_lists(struct exim_asking *asking, struct str value, const char **why)
{
    struct exim_list list = exim_list(value, &asking->exim->draft->arena);
    struct weights zones = { 0 };
    struct str item;
    while (exim_list_next(&list, &item))
        if (item.len && !add_zone(asking, &zones, item, 1, why))
            return EXIM_FAILED;
    if (!zones.count) {
        *why = "it names no list";
        return EXIM_FAILED;
    }
    struct draft_rule *last =
        draft_last(asking->exim->draft, "dnsbl", &asking->exempt, asking->warn, asking->stage);
    bool twice = false;
    const struct dnsbl_parameters *before = last ? last->parameters : NULL;
    for (size_t i = 0; before && i < zones.count; i++)
        for (size_t k = 0; k < before->zones.count; k++)
            twice = twice || str_eq_nocase(before->zones.weight[k].name, zones.weight[i].name);
    struct draft_rule *rule = begin(asking, "dnsbl", !twice);
    struct dnsbl_parameters *dnsbl = rule->parameters;
    for (size_t i = 0; i < zones.count; i++)
        weights_add(asking->exim->draft, &dnsbl->zones, zones.weight[i].name, 1, &zones.weight[i].replies);
    dnsbl->errors = ERRORS_LISTED;
    return EXIM_RULE;
}

/* ---- verify = */

static enum exim_asked ask_verify(struct exim_asking *asking, struct str value, const char **why)
{
    struct str what = value, options = STR(""), word;
    if (cut_until_char(&what, '/', &word)) {
        options = what;
        what = word;
    }
    what = str_trim(what);
    bool callout = str_find(options, STR("callout")) != NULL;
    if (str_eq(what, STR("reverse_host_lookup"))) {
        struct draft_rule *rule = begin(asking, "fcrdns", false);
        ((struct rdns_parameters *)rule->parameters)->on_error = ON_ERROR_HIT;
    } else if (str_eq(what, STR("helo"))) {
        struct draft_rule *rule = begin(asking, "helo", true);
        ((struct helo_parameters *)rule->parameters)->resolves = true;
        draft_partly(
            asking->exim->draft, rule, asking->statement->place, STR("verify = helo"),
            "Exim wants the name to lead to the client's own address, a policy only that it leads somewhere");
    } else if (str_eq(what, STR("recipient"))) {
        struct draft_rule *rule = begin(asking, "recipient", false);
        if (callout)
            draft_partly(asking->exim->draft, rule, asking->statement->place, STR("callout"),
                         "whom the next server knows is judged by what the record shows of recipients");
    } else if (str_eq(what, STR("sender"))) {
        struct draft_rule *rule = begin(asking, "sender-domain", true);
        struct sender_domain_parameters *sender = rule->parameters;
        sender->exists = sender->null_mx = true;
        rule->suffix = rule->suffix ? rule->suffix : "exists";
        if (callout)
            draft_partly(asking->exim->draft, rule, asking->statement->place, STR("callout"),
                         "whether the sender's own server knows it is no measure");
    } else {
        *why = "what it verifies is no measure";
        return EXIM_FAILED;
    }
    return EXIM_RULE;
}

/* ---- The scanners' and others' results. */

static const char *const spf_words[] = { "pass", "fail",      "softfail", "neutral",
                                         "none", "permerror", "temperror" };

static enum exim_asked ask_spf(struct exim_asking *asking, struct str value, const char **why)
{
    struct exim_list list = exim_list(value, &asking->exim->draft->arena);
    struct str item;
    uint32_t on = 0;
    while (exim_list_next(&list, &item)) {
        size_t i = 0, words = sizeof spf_words / sizeof *spf_words;
        while (i < words && !str_eq_nocase(item, str_of(spf_words[i])))
            i++;
        if (i == words) {
            *why = "not one of SPF's results";
            return EXIM_FAILED;
        }
        on |= 1U << i;
    }
    ((struct spf_parameters *)begin(asking, "spf", false)->parameters)->on = on;
    return EXIM_RULE;
}

/* The words of dkim's and dmarc's `on` are in their tables. */
static enum exim_asked ask_results(struct exim_asking *asking, const char *measure, struct str value,
                                   const char **why)
{
    struct exim_list list = exim_list(value, &asking->exim->draft->arena);
    const struct parameter *parameter = measure_find(str_of(measure))->parameters;
    struct str item;
    uint32_t on = 0;
    while (exim_list_next(&list, &item)) {
        bool reject = strcmp(measure, "dmarc") == 0 &&
                      (str_eq_nocase(item, STR("reject")) || str_eq_nocase(item, STR("quarantine")));
        struct str word = reject ? STR("fail") : item;
        uint32_t i = 0;
        while (parameter->words[i] && !str_eq_nocase(word, str_of(parameter->words[i])))
            i++;
        if (!parameter->words[i]) {
            *why = "not a result that a policy knows";
            return EXIM_FAILED;
        }
        on |= 1U << i;
    }
    ((struct results_parameters *)begin(asking, measure, false)->parameters)->on = on;
    return EXIM_RULE;
}

/* SpamAssassin's own threshold, unless the statement has another. */
static enum exim_asked ask_spam(struct exim_asking *asking)
{
    struct draft_rule *rule = begin(asking, "spam", false);
    ((struct spam_parameters *)rule->parameters)->score = 5;
    for (size_t i = 0; i < asking->statement->count; i++) {
        const struct exim_condition *condition = &asking->statement->condition[i];
        struct str text = without_blanks(&asking->exim->draft->arena, condition->value);
        const struct exim_phrase *phrase = str_eq(condition->name, STR("condition")) ? phrase_of(text) : NULL;
        uint64_t score = 0;
        if (phrase && strcmp(phrase->measure, "spam") == 0 && number_behind(text, phrase, &score) &&
            score < 1000000)
            ((struct spam_parameters *)rule->parameters)->score =
                (double)(score + (phrase->needle[0][1] == '=' ? 0 : 1)) / 10;
    }
    return EXIM_RULE;
}

/* "25 / 1m / per_mail / strict": Exim's is a mean that fades, where a policy counts in a window. */
static enum exim_asked ask_rate(struct exim_asking *asking, struct str value, const char **why)
{
    struct str part[6];
    size_t count = 0;
    struct rate_parameters limits = { .per = PER_ADDRESS };
    usec window = 0;
    uint64_t number = 0;
    while (count < 6 && value.len) {
        if (!cut_until_char(&value, '/', &part[count])) {
            part[count] = value;
            value.len = 0;
        }
        part[count] = str_trim(part[count]);
        count++;
    }
    if (count < 2 || !str_number(part[0], &number) || !number || number > 1000000 ||
        !config_time(part[1], 's', &window) || !window) {
        *why = "not a number in a time; write 25 / 1m / per_mail";
        return EXIM_FAILED;
    }
    limits.messages = (double)number;
    for (size_t i = 2; i < count; i++) {
        bool connections = str_eq(part[i], STR("per_conn")), recipients = str_eq(part[i], STR("per_rcpt"));
        if (connections || recipients)
            limits.messages = 0;
        limits.connections = connections ? (double)number : limits.connections;
        limits.recipients = recipients ? (double)number : limits.recipients;
        if (memchr(part[i].at, '$', part[i].len)) {
            *why = "it counts by something else than the client's address";
            return EXIM_FAILED;
        }
    }
    struct draft_rule *rule = begin(asking, "rate", false);
    limits.window = window;
    *(struct rate_parameters *)rule->parameters = limits;
    rule->suffix = limits.connections > 0 ? "connections" : limits.recipients > 0 ? "recipients" : "messages";
    return EXIM_RULE;
}

/* ---- condition = ${...} */

/* greylistd(8)'s file of timeouts. */
static void read_greylistd(struct exim_asking *asking, struct draft_rule *rule)
{
    static const struct {
        const char *name;
        size_t at;
    } timeouts[] = { { "retryMin", offsetof(struct greylist_parameters, delay) },
                     { "retryMax", offsetof(struct greylist_parameters, retry_window) },
                     { "expire", offsetof(struct greylist_parameters, lifetime) } };
    static const char *const files[] = { "greylistd.config", "greylistd.conf", "config" };
    const struct config_file *file = NULL;
    for (size_t i = 0; i < sizeof files / sizeof *files && !file; i++)
        file = files_called(asking->exim->files, files[i]);
    if (!file) {
        draft_remark(asking->exim->draft,
                     "greylistd is taken to have its defaults; give /etc/greylistd/config too");
        return;
    }
    struct config_lines lines = config_lines(file);
    struct str line, name;
    while (config_line_next(&lines, &line)) {
        struct str value = line;
        uint64_t seconds = 0;
        if (!str_trim(line).len || str_trim(line).at[0] == '#' || !cut_until_char(&value, '=', &name))
            continue;
        for (size_t i = 0; i < 3; i++) {
            if (!str_eq(str_trim(name), str_of(timeouts[i].name)) || !str_number(str_trim(value), &seconds) ||
                seconds > 36500U * 86400U)
                continue;
            *(usec *)((char *)rule->parameters + timeouts[i].at) = (usec)seconds * USEC_SECOND;
            draft_mapped(asking->exim->draft, rule, (struct place){ file->name, lines.number },
                         str_trim(line));
        }
    }
}

/* greylistd's defaults: ten minutes, eight hours, sixty days. */
static void ask_greylist(struct exim_asking *asking, struct str text)
{
    struct draft_rule *rule = begin(asking, "greylist", false);
    struct greylist_parameters *greylist = rule->parameters;
    bool network = str_find(text, STR("mask:$sender_host_address/24")) != NULL;
    *greylist = (struct greylist_parameters){ .delay = 10 * USEC_MINUTE,
                                              .retry_window = 8 * USEC_HOUR,
                                              .lifetime = 60 * USEC_DAY,
                                              .auto_interval = USEC_HOUR };
    greylist->key = 1U << (network ? KEY_CLIENT_NET : KEY_CLIENT) | 1U << KEY_SENDER | 1U << KEY_RECIPIENT;
    read_greylistd(asking, rule);
}

/* "${if match_domain{$sender_helo_name}{$primary_hostname:+local_domains}}" */
static void add_own_names(struct exim_asking *asking, struct helo_parameters *helo, struct str text)
{
    const struct exim *exim = asking->exim;
    struct str needle = STR("match_domain{$sender_helo_name}{"), inside, item, entry;
    const char *at = str_find(text, needle);
    struct str rest = str_range(at + needle.len, text.at + text.len);
    if (!cut_until_char(&rest, '}', &inside))
        return;
    struct exim_list list = exim_list(inside, &exim->draft->arena);
    while (exim_list_next(&list, &item)) {
        char name[128];
        struct str names = item;
        if (str_eq(item, STR("$primary_hostname")))
            names = exim_option(exim, "primary_hostname", "");
        else if (item.len && item.at[0] == '+' && item.len < 100) {
            snprintf(name, sizeof name, "domainlist %.*s", STR_ARG(str_skip(item, 1)));
            names = exim_option(exim, name, "");
        }
        struct exim_list entries = exim_list(names, &exim->draft->arena);
        while (exim_list_next(&entries, &entry))
            if (is_domain_text(entry))
                exempt_add_text(exim->draft, &helo->own_name, entry);
    }
}

static void ask_helo(struct exim_asking *asking, const struct exim_phrase *phrase, struct str text)
{
    size_t before = asking->exim->draft->rule_count;
    struct draft_rule *rule = begin(asking, "helo", true);
    struct helo_parameters *helo = rule->parameters;
    if (asking->exim->draft->rule_count > before)
        helo->require = false;
    if (strcmp(phrase->part, "require") == 0)
        helo->require = true;
    else if (strcmp(phrase->part, "fqdn") == 0)
        helo->fqdn = true;
    else if (strcmp(phrase->part, "address-literal") == 0)
        helo->address_literal = 1;
    else
        add_own_names(asking, helo, text);
    rule->suffix = rule->suffix ? rule->suffix : phrase->part;
}

static enum exim_asked ask_expansion(struct exim_asking *asking, struct str value, const char **why)
{
    struct str text = without_blanks(&asking->exim->draft->arena, value);
    const struct exim_phrase *phrase = phrase_of(text);
    if (!phrase)
        return EXIM_NOT;
    if (strcmp(phrase->measure, "helo") == 0) {
        ask_helo(asking, phrase, text);
    } else if (strcmp(phrase->measure, "no-rdns") == 0) {
        struct draft_rule *rule = begin(asking, "no-rdns", false);
        ((struct rdns_parameters *)rule->parameters)->on_error = ON_ERROR_HIT;
    } else if (strcmp(phrase->measure, "null-sender-many") == 0) {
        begin(asking, "null-sender-many", false);
    } else if (strcmp(phrase->measure, "greylist") == 0) {
        ask_greylist(asking, text);
    } else if (strcmp(phrase->measure, "dictionary") == 0) {
        /* under a policy's rule those who share a network would be refused for each other's mistakes */
        *why = "Exim counts in one session; dictionary: counts all of a network's in a window";
        return EXIM_FAILED;
    } else {
        return EXIM_NOT; /* a score beside spam = */
    }
    return EXIM_RULE;
}

enum exim_asked exim_ask(struct exim_asking *asking, const struct exim_condition *condition,
                         bool refuses_if_true, const char **why)
{
    struct str name = condition->name, value = condition->value;
    bool affirmed = !condition->negated == refuses_if_true;
    *why = NULL;
    if (str_eq(name, STR("verify")) && affirmed)
        return *why = "it refuses what is well", EXIM_FAILED;
    if (str_eq(name, STR("verify")))
        return ask_verify(asking, value, why);
    if (str_eq(name, STR("encrypted")) && !affirmed)
        return begin(asking, "tls-required", false), EXIM_RULE;
    if (str_eq(name, STR("domains")) && !affirmed) {
        struct draft_rule *rule = begin(asking, "relay", false);
        if (!exim_is_ours(value)) {
            struct exim_list list = exim_list(value, &asking->exim->draft->arena);
            struct str item;
            while (exim_list_next(&list, &item))
                if (is_domain_text(item))
                    exempt_add_text(asking->exim->draft,
                                    &((struct relay_parameters *)rule->parameters)->domains, item);
        }
        return EXIM_RULE;
    }
    if (!affirmed)
        return EXIM_NOT;
    if (str_eq(name, STR("dnslists")))
        return ask_lists(asking, value, why);
    if (str_eq(name, STR("spf")))
        return ask_spf(asking, value, why);
    if (str_eq(name, STR("dkim_status")))
        return ask_results(asking, "dkim", value, why);
    if (str_eq(name, STR("dmarc_status")))
        return ask_results(asking, "dmarc", value, why);
    if (str_eq(name, STR("spam")))
        return ask_spam(asking);
    if (str_eq(name, STR("malware")) || str_eq(name, STR("demime")))
        return begin(asking, "virus", false), EXIM_RULE;
    if (str_eq(name, STR("ratelimit")))
        return ask_rate(asking, value, why);
    if (str_eq(name, STR("condition")))
        return ask_expansion(asking, value, why);
    return EXIM_NOT;
}

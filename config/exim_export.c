/* A policy as Exim's access control lists, one a stage, to be named by the acl_smtp_ options or copied into
 * those that are there. */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <math.h>

#include "config/exim.h"
#include "config/replies.h"
#include "config/values.h"

struct exim_lines {
    const struct policy *policy;
    struct exported *exported;
    FILE *to;
    const struct rule *greylist;
};

static const char *verb_of(const struct rule *rule)
{
    enum reply_class reply = rule_reply(rule);
    return rule->warn ? "warn" : reply == REPLY_4XX ? "defer" : reply == REPLY_DROP ? "drop" : "deny";
}

static const char *phrase_text(const char *measure, const char *part)
{
    for (const struct exim_phrase *phrase = exim_phrases; phrase->measure; phrase++)
        if (strcmp(phrase->measure, measure) == 0 && strcmp(phrase->part, part) == 0 && phrase->text)
            return phrase->text;
    return "";
}

/* ---- Who is spared. It is said in each statement, and not with an accept before them: that would end the
 * list for whoever it lets go, who then might relay. */

/* The ACL in which a rule is asked: recipients are known at RCPT and at no other time, a sender and who has
 * logged in from MAIL on, and Exim answers with a temporary error where an ACL asks too early (acl.c, the
 * "forbids" of its conditions). Who may relay is asked of each recipient. */
static enum stage acts_at(const struct policy *policy, const struct rule *rule)
{
    enum stage stage = rule_stage(policy, rule);
    const struct exempt *all = &policy->exempt, *own = &rule->exempt;
    if (rule_is(rule, "relay"))
        return STAGE_RCPT;
    if (stage < STAGE_RCPT && (all->recipients.count || own->recipients.count))
        return STAGE_RCPT;
    if (stage < STAGE_MAIL &&
        (all->authenticated || own->authenticated || all->sender_domains.count || own->sender_domains.count))
        return STAGE_MAIL;
    return stage;
}

static void spare_texts(struct exim_lines *out, const char *condition, const struct texts *texts,
                        bool domains)
{
    if (!texts->count)
        return;
    fprintf(out->to, "!%s = ", condition);
    for (size_t i = 0; i < texts->count; i++) {
        struct str text = texts->text[i];
        const char *before = text.at[0] == '@' ? "*" : "", *behind = "";
        if (str_eq_nocase(text, STR("postmaster")) && !domains)
            behind = "@*";
        fprintf(out->to, "%s%s%.*s%s", i ? " : " : "", before, STR_ARG(text), behind);
        if (domains)
            fprintf(out->to, " : *.%.*s", STR_ARG(text));
    }
    fputs("\n          ", out->to);
}

static void spare_networks(struct exim_lines *out, const struct networks *networks)
{
    char text[IP_TEXT_BYTES + 4];
    if (!networks->count)
        return;
    fputs("!hosts = <;", out->to);
    for (size_t i = 0; i < networks->count; i++) {
        network_format(&networks->prefix[i], text);
        fprintf(out->to, "%s %s", i ? " ;" : "", text);
    }
    fputs("\n          ", out->to);
}

/* Anybody can write a sender, so nobody may relay for one. */
static void spare(struct exim_lines *out, const struct rule *rule)
{
    const struct exempt *both[] = { &out->policy->exempt, &rule->exempt };
    if (both[0]->authenticated || both[1]->authenticated)
        fputs("!authenticated = *\n          ", out->to);
    for (size_t e = 0; e < 2; e++) {
        spare_networks(out, &both[e]->networks);
        if (rule_is(rule, "relay"))
            continue;
        spare_texts(out, "hosts", &both[e]->client_names, true);
        spare_texts(out, "sender_domains", &both[e]->sender_domains, true);
        if (acts_at(out->policy, rule) == STAGE_RCPT)
            spare_texts(out, "recipients", &both[e]->recipients, false);
    }
}

/* ---- What is asked. */

static void put(struct exim_lines *out, const struct rule *rule, const char *condition)
{
    fprintf(out->to, "  %-6s  ", verb_of(rule));
    spare(out, rule);
    fprintf(out->to, "%s\n", condition);
}

static void say(struct exim_lines *out, const struct rule *rule, const char *message)
{
    fprintf(out->to, "          %s = %s\n", rule->warn ? "log_message" : "message", message);
}

static void put_lists(struct exim_lines *out, const struct rule *rule)
{
    enum { MOST = 64 };
    const struct dnsbl_parameters *dnsbl = rule->parameters;
    struct arena *arena = &out->exported->arena;
    struct str text = STR("dnslists =");
    char address[IP_TEXT_BYTES + 4];
    for (size_t i = 0; i < dnsbl->zones.count; i++) {
        const struct weight *zone = &dnsbl->zones.weight[i];
        text = arena_printf(arena, "%.*s%s%.*s", STR_ARG(text), i ? " : " : " ", STR_ARG(zone->name));
        for (size_t k = 0; k < zone->replies.count; k++) {
            network_format(&zone->replies.prefix[k], address);
            text = arena_printf(arena, "%.*s%s%s", STR_ARG(text), k ? "," : "=", address);
        }
    }
    if (!dnsbl->zones.count)
        return;
    put(out, rule, text.at);
    say(out, rule, "$sender_host_address is listed at $dnslist_domain");
}

static void put_helo(struct exim_lines *out, const struct rule *rule)
{
    const struct helo_parameters *helo = rule->parameters;
    struct arena *arena = &out->exported->arena;
    static const char *const parts[] = { "require", "fqdn", "address-literal" };
    const bool wanted[] = { helo->require, helo->fqdn, helo->address_literal == 1 };
    for (size_t i = 0; i < 3; i++)
        if (wanted[i]) {
            put(out, rule, arena_printf(arena, "condition = %s", phrase_text("helo", parts[i])).at);
            say(out, rule, i ? "HELO with your host's full name, please" : "Say HELO first, please");
        }
    if (helo->own_name.count) {
        struct str names = arena_printf(arena, "condition = %s", phrase_text("helo", "own-name"));
        for (size_t i = 0; i < helo->own_name.count; i++)
            names = arena_printf(arena, "%.*s%s%.*s", STR_ARG(names), i ? ":" : "",
                                 STR_ARG(helo->own_name.text[i]));
        put(out, rule, arena_printf(arena, "%.*s}}", STR_ARG(names)).at);
        say(out, rule, "that name is ours");
    }
    if (helo->resolves)
        put(out, rule, "!verify = helo");
}

static void put_sender(struct exim_lines *out, const struct rule *rule)
{
    const struct sender_domain_parameters *sender = rule->parameters;
    if (sender->exists || sender->null_mx)
        put(out, rule, "!verify = sender");
}

static void put_words(struct exim_lines *out, const struct rule *rule, const char *condition)
{
    const struct parameter *parameter = rule->measure->parameters;
    uint32_t on = *(const uint32_t *)((const char *)rule->parameters + parameter->at);
    struct str text = arena_printf(&out->exported->arena, "%s =", condition);
    unsigned count = 0;
    for (uint32_t i = 0; parameter->words[i]; i++)
        if (on >> i & 1)
            text = arena_printf(&out->exported->arena, "%.*s%s%s", STR_ARG(text), count++ ? " : " : " ",
                                parameter->words[i]);
    if (count)
        put(out, rule, text.at);
}

static void put_spf(struct exim_lines *out, const struct rule *rule)
{
    put_words(out, rule, "spf");
}

static void put_dkim(struct exim_lines *out, const struct rule *rule)
{
    put_words(out, rule, "dkim_status");
}

static void put_relay(struct exim_lines *out, const struct rule *rule)
{
    const struct relay_parameters *relay = rule->parameters;
    struct str list = STR("+local_domains : +relay_to_domains");
    for (size_t i = 0; i < relay->domains.count; i++)
        list = arena_printf(&out->exported->arena, "%.*s%s%.*s", i ? (int)list.len : 0, list.at,
                            i ? " : " : "", STR_ARG(relay->domains.text[i]));
    put(out, rule, arena_printf(&out->exported->arena, "!domains = %.*s", STR_ARG(list)).at);
    say(out, rule, "relay not permitted");
}

static void put_many(struct exim_lines *out, const struct rule *rule)
{
    bool data = acts_at(out->policy, rule) >= STAGE_DATA;
    put(out, rule, "senders = :");
    fprintf(out->to, "          condition = %s\n", phrase_text("null-sender-many", data ? "data" : "rcpt"));
    say(out, rule, "bounces have only one recipient");
}

static void put_spam(struct exim_lines *out, const struct rule *rule)
{
    const struct spam_parameters *spam = rule->parameters;
    put(out, rule, "spam = nobody:true");
    fprintf(out->to, "          condition = %s%.0f}}\n", phrase_text("spam", "score"),
            ceil(spam->score * 10));
}

static void put_rate(struct exim_lines *out, const struct rule *rule)
{
    const struct rate_parameters *rate = rule->parameters;
    const struct {
        double limit;
        const char *per;
    } limits[] = { { rate->connections, "per_conn" },
                   { rate->messages, "per_mail" },
                   { rate->recipients, "per_rcpt" } };
    for (size_t i = 0; i < 3; i++)
        if (limits[i].limit > 0)
            put(out, rule,
                arena_printf(&out->exported->arena, "ratelimit = %.0f / %" PRId64 "s / %s / strict",
                             ceil(limits[i].limit), rate->window / USEC_SECOND, limits[i].per)
                    .at);
}

static void put_greylist(struct exim_lines *out, const struct rule *rule)
{
    const struct greylist_parameters *greylist = rule->parameters;
    char text[512];
    if (out->greylist)
        return;
    out->greylist = rule;
    bool network = greylist->key >> KEY_CLIENT_NET & 1;
    snprintf(
        text, sizeof text, phrase_text("greylist", ""),
        network
            ? "${if "
              "isip4{$sender_host_address}{${mask:$sender_host_address/24}}{${mask:$sender_host_address/64}}}"
            : "$sender_host_address");
    put(out, rule, arena_printf(&out->exported->arena, "condition = %s", text).at);
    say(out, rule, "greylisted, come back later");
}

static const struct {
    const char *measure;
    const char *condition; /* or what writes it */
    void (*put)(struct exim_lines *out, const struct rule *rule);
} writers[] = {
    { "no-rdns", NULL, NULL },
    { "fcrdns", "!verify = reverse_host_lookup", NULL },
    { "recipient", "!verify = recipient", NULL },
    { "tls-required", "!encrypted = *", NULL },
    { "virus", "malware = *", NULL },
    { "dmarc", "dmarc_status = reject : quarantine", NULL },
    { "dnsbl", NULL, put_lists },
    { "helo", NULL, put_helo },
    { "sender-domain", NULL, put_sender },
    { "spf", NULL, put_spf },
    { "dkim", NULL, put_dkim },
    { "relay", NULL, put_relay },
    { "null-sender-many", NULL, put_many },
    { "spam", NULL, put_spam },
    { "rate", NULL, put_rate },
    { "greylist", NULL, put_greylist },
};

/* What Exim does by itself needs no line. */
static bool is_own(const struct rule *rule)
{
    const struct helo_parameters *helo = rule->parameters;
    const struct sender_domain_parameters *sender = rule->parameters;
    if (rule_is(rule, "helo"))
        return !helo->require && !helo->fqdn && !helo->resolves && !helo->address_literal &&
               !helo->own_name.count;
    return rule_is(rule, "pipelining") || rule_is(rule, "early-talker") ||
           (rule_is(rule, "sender-domain") && !sender->exists && !sender->null_mx);
}

static void put_rule(struct exim_lines *out, const struct rule *rule)
{
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++) {
        if (!rule_is(rule, writers[i].measure) || is_own(rule))
            continue;
        fprintf(out->to, "  # %.*s\n", STR_ARG(rule->name));
        if (writers[i].put)
            writers[i].put(out, rule);
        else if (writers[i].condition)
            put(out, rule, writers[i].condition);
        else
            put(out, rule,
                arena_printf(&out->exported->arena, "condition = %s", phrase_text("no-rdns", "")).at);
        return;
    }
}

/* The first of a measure that stops something. */
static const struct rule *find(const struct policy *policy, const char *measure)
{
    for (size_t i = 0; i < policy->rule_count; i++)
        if (rule_is(&policy->rules[i], measure) && !policy->rules[i].warn)
            return &policy->rules[i];
    return NULL;
}

static const struct {
    const char *option, *acl;
    enum stage stage, to; /* those from and to which its rules act */
} lists[] = {
    { "acl_smtp_connect", "mxreplay_connect", STAGE_CONNECT, STAGE_BANNER },
    { "acl_smtp_helo", "mxreplay_helo", STAGE_HELO, STAGE_HELO },
    { "acl_smtp_mail", "mxreplay_mail", STAGE_MAIL, STAGE_MAIL },
    { "acl_smtp_rcpt", "mxreplay_rcpt", STAGE_RCPT, STAGE_RCPT },
    { "acl_smtp_predata", "mxreplay_predata", STAGE_DATA, STAGE_DATA },
    { "acl_smtp_data", "mxreplay_data", STAGE_EOM, STAGE_EOM },
};
enum { LISTS = sizeof lists / sizeof *lists };

static void put_options(struct exim_lines *out)
{
    const struct rule *early = find(out->policy, "early-talker");
    fputs("#=== /etc/exim4/exim4.conf\n# Options of the main part; domainlist local_domains and "
          "relay_to_domains are yours.\n",
          out->to);
    for (size_t l = 0; l < LISTS; l++)
        fprintf(out->to, "%s = %s\n", lists[l].option, lists[l].acl);
    if (early) {
        struct str spared = STR("");
        char text[IP_TEXT_BYTES + 4];
        const struct networks *both[] = { &out->policy->exempt.networks, &early->exempt.networks };
        for (size_t l = 0; l < 2; l++)
            for (size_t i = 0; i < both[l]->count; i++) {
                network_format(&both[l]->prefix[i], text);
                spared = arena_printf(&out->exported->arena, "%.*s%s %s", STR_ARG(spared),
                                      spared.len ? " ;" : "", text);
            }
        fprintf(out->to,
                "# early-talker: only these may send ahead of the greeting\n"
                "smtp_enforce_sync = true\npipelining_connect_advertise_hosts = <;%.*s\n",
                STR_ARG(spared));
    }
}

static void put_delay(struct exim_lines *out)
{
    const struct rule *early = find(out->policy, "early-talker");
    if (!early)
        return;
    usec wait = ((const struct early_talker_parameters *)early->parameters)->wait;
    usec seconds = (wait + USEC_SECOND - 1) / USEC_SECOND;
    if (seconds)
        fprintf(out->to, "  # early-talker: the greeting is held back\n  warn    delay = %" PRId64 "s\n",
                seconds);
}

static void put_greylistd(struct exim_lines *out)
{
    if (!out->greylist)
        return;
    const struct greylist_parameters *greylist = out->greylist->parameters;
    fprintf(out->to,
            "\n#=== /etc/greylistd/config\n[timeouts]\nretryMin = %" PRId64 "\nretryMax = %" PRId64
            "\nexpire = %" PRId64 "\n",
            greylist->delay / USEC_SECOND, greylist->retry_window / USEC_SECOND,
            greylist->lifetime / USEC_SECOND);
}

/* The rules that are asked from one stage to another, in the order in which the policy has them act. */
static void put_acl(struct exim_lines *out, enum stage from, enum stage to)
{
    const struct policy *policy = out->policy;
    for (enum stage stage = STAGE_CONNECT; stage < STAGES; stage++)
        for (size_t i = 0; i < policy->rule_count; i++) {
            enum stage at = acts_at(policy, &policy->rules[i]);
            if (rule_stage(policy, &policy->rules[i]) == stage && at >= from && at <= to)
                put_rule(out, &policy->rules[i]);
        }
}

/* What the policy does not ask and a server must. */
static void put_what_nobody_forgoes(struct exim_lines *out)
{
    bool listed = false;
    for (size_t i = 0; i < out->policy->rule_count; i++)
        listed = listed || rule_is(&out->policy->rules[i], "recipient");
    if (!find(out->policy, "relay"))
        fputs("  # the policy does not ask who may relay; without this everybody might\n"
              "  deny    !hosts = +relay_from_hosts\n          !authenticated = *\n"
              "          !domains = +local_domains : +relay_to_domains\n"
              "          message = relay not permitted\n",
              out->to);
    if (!listed)
        fputs("  # nor for unknown recipients: a server that takes them in sends bounces to strangers\n"
              "  deny    !verify = recipient\n",
              out->to);
}

int exim_export(const struct policy *policy, FILE *to, struct exported *exported, struct why *why)
{
    struct exim_lines out = { .policy = policy, .exported = exported, .to = to };
    (void)why;
    put_options(&out);
    fputs("\nbegin acl\n", to);
    for (size_t l = 0; l < LISTS; l++) {
        fprintf(to, "\n%s:\n", lists[l].acl);
        if (l == 0)
            put_delay(&out);
        put_acl(&out, lists[l].stage, lists[l].to);
        if (lists[l].stage == STAGE_RCPT)
            put_what_nobody_forgoes(&out);
        fputs("  accept\n", to);
    }
    put_greylistd(&out);
    return 0;
}

const char *exim_hint(const char *measure)
{
    static const struct {
        const char *measure, *hint;
    } hints[] = {
        { "after-220", "postscreen is Postfix's" },
        { "dictionary", "$rcpt_fail_count counts in one session" },
        { "batv", "see prvs and prvscheck in Exim's specification" },
        { "nolisting", "it takes a first MX that does not answer, in the DNS" },
        { "auth-abuse", "fail2ban or a ratelimit in acl_smtp_auth does" },
        { "vrfy", "acl_smtp_vrfy answers it, and stops nobody" },
    };
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (strcmp(hints[i].measure, measure) == 0)
            return hints[i].hint;
    return NULL;
}

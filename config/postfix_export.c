/* A policy as Postfix's lines: main.cf, and where it takes them master.cf, postgrey's and policyd-spf's
 * options. What comes out is read again by config_export(), which says what is not as it was asked for; so
 * here each rule is written as well as it can be, and no more is said than a line needs. */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <sysexits.h>

#include "config/values.h"
#include "config/postfix.h"
#include "config/postfix_lines.h"
#include "config/postgrey.h"
#include "config/replies.h"

/* ---- Which part of Postfix a rule is for. */

/* smtpd adds nothing up: its lists have one weight, and are asked each time. */
static bool dnsbl_is_plain(const struct dnsbl_parameters *dnsbl)
{
    if (dnsbl->allow.count || dnsbl->remember || dnsbl->threshold <= 0 || dnsbl->threshold > 1)
        return false;
    for (size_t i = 0; i < dnsbl->zones.count; i++)
        if (dnsbl->zones.weight[i].weight != 1)
            return false;
    return true;
}

static bool is_for_postscreen(const struct rule *rule)
{
    return rule_is(rule, "early-talker") || rule_is(rule, "after-220") ||
           (rule_is(rule, "dnsbl") && !dnsbl_is_plain(rule->parameters)) ||
           (rule_is(rule, "pipelining") &&
            ((const struct pipelining_parameters *)rule->parameters)->remember);
}

/* ---- Settings: those of one name are one, be it that two rules want them. */

void lines_set(struct lines *out, const char *name, struct str value, const char *remark)
{
    for (size_t i = 0; i < out->setting_count; i++)
        if (strcmp(out->setting[i].name, name) == 0)
            return;
    mem_room(out->setting, out->setting_room, out->setting_count + 1);
    out->setting[out->setting_count++] =
        (struct line_setting){ name, arena_str(&out->exported->arena, value), remark };
}

static void set_time(struct lines *out, const char *name, usec length, const char *remark)
{
    usec seconds = (length + USEC_SECOND - 1) / USEC_SECOND;
    lines_set(out, name, arena_printf(&out->exported->arena, "%" PRId64 "s", seconds ? seconds : 1), remark);
}

static void set_number(struct lines *out, const char *name, double number, const char *remark)
{
    lines_set(out, name, arena_printf(&out->exported->arena, "%.0f", ceil(number)), remark);
}

/* ---- postscreen. */

static struct str action_of(const struct rule *rule)
{
    return rule->warn ? STR("ignore") : rule_reply(rule) == REPLY_DROP ? STR("drop") : STR("enforce");
}

static void add_sites(struct lines *out, const struct weights *weights, struct str *sites)
{
    struct arena *arena = &out->exported->arena;
    for (size_t i = 0; i < weights->count; i++) {
        const struct weight *zone = &weights->weight[i];
        struct str pattern = STR(""), sign = STR("");
        if (zone->replies.count) {
            pattern = replies_pattern(arena, &zone->replies);
            sign = pattern.at ? STR("=") : STR("");
        }
        *sites = arena_printf(arena, "%.*s\n    %.*s%.*s%.*s", STR_ARG(*sites), STR_ARG(zone->name),
                              STR_ARG(sign), STR_ARG(pattern));
        if (zone->weight != 1)
            *sites = arena_printf(arena, "%.*s*%" PRId32, STR_ARG(*sites), zone->weight);
    }
}

static void put_sites(struct lines *out, const struct rule *rule)
{
    const struct dnsbl_parameters *dnsbl = rule->parameters;
    struct str sites = STR("");
    add_sites(out, &dnsbl->zones, &sites);
    add_sites(out, &dnsbl->allow, &sites);
    lines_set(out, "postscreen_dnsbl_sites", sites,
              "dnsbl: the lists, the answers that count, their weights");
    set_number(out, "postscreen_dnsbl_threshold", dnsbl->threshold, NULL);
    lines_set(out, "postscreen_dnsbl_action", action_of(rule), NULL);
    usec least = 60 * USEC_SECOND;
    set_time(out, "postscreen_dnsbl_max_ttl", dnsbl->remember < least ? least : dnsbl->remember, NULL);
}

static void put_postscreen(struct lines *out, const struct rule *rule)
{
    out->postscreen = rule;
    if (rule_is(rule, "early-talker")) {
        const struct early_talker_parameters *early = rule->parameters;
        set_time(out, "postscreen_greet_wait", early->wait, "early-talker");
        lines_set(out, "postscreen_greet_action", action_of(rule), NULL);
        set_time(out, "postscreen_greet_ttl", early->remember, NULL);
    } else if (rule_is(rule, "dnsbl")) {
        put_sites(out, rule);
    } else if (rule_is(rule, "pipelining")) {
        lines_set(out, "postscreen_pipelining_enable", STR("yes"), "pipelining");
        lines_set(out, "postscreen_pipelining_action", action_of(rule), NULL);
        set_time(out, "postscreen_pipelining_ttl",
                 ((const struct pipelining_parameters *)rule->parameters)->remember, NULL);
    } else {
        lines_set(out, "postscreen_bare_newline_enable", STR("yes"),
                  "after-220: a test after the banner, which puts every new client off once; what it finds "
                  "is only logged");
        lines_set(out, "postscreen_bare_newline_action", STR("ignore"), NULL);
        set_time(out, "postscreen_bare_newline_ttl",
                 ((const struct after_220_parameters *)rule->parameters)->remember, NULL);
    }
}

/* ---- What has a parameter of its own. True: that is all of it. */

static bool put_limit(struct lines *out, const struct rule *rule)
{
    const struct rate_parameters *rate = rule->parameters;
    if (!rule_is(rule, "rate") && !rule_is(rule, "auth-abuse"))
        return false;
    if (rate->connections > 0)
        set_number(out, "smtpd_client_connection_rate_limit", rate->connections, "rate");
    if (rate->messages > 0)
        set_number(out, "smtpd_client_message_rate_limit", rate->messages, "rate");
    if (rate->recipients > 0)
        set_number(out, "smtpd_client_recipient_rate_limit", rate->recipients, "rate");
    if (rate->attempts > 0)
        set_number(out, "smtpd_client_auth_rate_limit", rate->attempts, "auth-abuse");
    set_time(out, "anvil_rate_time_unit", rate->window, "the time in which they are counted");
    struct str spared = STR("");
    const struct networks *lists[] = { &out->policy->exempt.networks, &rule->exempt.networks };
    char text[IP_TEXT_BYTES + 4];
    for (size_t l = 0; l < 2; l++)
        for (size_t i = 0; i < lists[l]->count; i++) {
            network_format(&lists[l]->prefix[i], text);
            spared =
                arena_printf(&out->exported->arena, "%.*s%s%s", STR_ARG(spared), spared.len ? " " : "", text);
        }
    lines_set(out, "smtpd_client_event_limit_exceptions", spared, "whom the limits spare");
    return true;
}

static bool put_own_setting(struct lines *out, const struct rule *rule)
{
    if (put_limit(out, rule))
        return true;
    if (rule_is(rule, "tls-required") && rule_stage(out->policy, rule) == STAGE_MAIL &&
        rule_reply(rule) == REPLY_5XX && !rule->warn) {
        lines_set(out, "smtpd_tls_security_level", STR("encrypt"), "tls-required");
        return true;
    }
    const struct helo_parameters *helo = rule->parameters;
    if (!rule_is(rule, "helo") || !helo->require || rule->warn)
        return false;
    lines_set(out, "smtpd_helo_required", STR("yes"), "helo: require; it is asked at MAIL, and of everybody");
    return !helo->syntax && !helo->fqdn && !helo->resolves;
}

/* ---- The rest. */

static bool lists_recipients(const struct policy *policy)
{
    for (size_t i = 0; i < policy->rule_count; i++)
        if (rule_is(&policy->rules[i], "recipient"))
            return true;
    return false;
}

static struct str networks_text(struct arena *arena, const struct networks *networks)
{
    struct str text = STR("");
    char network[IP_TEXT_BYTES + 4];
    for (size_t i = 0; i < networks->count; i++) {
        size_t len = network_format(&networks->prefix[i], network);
        struct str address = { network, len };
        const char *slash = memchr(network, '/', len);
        struct str length = slash ? str_range(slash, network + len) : STR("");
        address.len -= length.len;
        bool v4 = ip_is_v4(&networks->prefix[i].network);
        text = arena_printf(arena, "%.*s%s%s%.*s%s%.*s", STR_ARG(text), i ? " " : "", v4 ? "" : "[",
                            STR_ARG(address), v4 ? "" : "]", STR_ARG(length));
    }
    return text;
}

static void put_settings(const struct lines *out)
{
    for (size_t i = 0; i < out->setting_count; i++) {
        const struct line_setting *setting = &out->setting[i];
        if (setting->remark)
            fprintf(out->to, "\n# %s\n", setting->remark);
        fprintf(out->to, "%s =%s%.*s\n", setting->name,
                setting->value.len && setting->value.at[0] != '\n' ? " " : "", STR_ARG(setting->value));
    }
}

static void put_master(const struct lines *out)
{
    if (!out->postscreen && !out->spf)
        return;
    fputs("\n#=== /etc/postfix/master.cf\n", out->to);
    if (out->postscreen)
        fputs("# in place of the line that begins with smtp inet\n"
              "smtp      inet  n       -       y       -       1       postscreen\n"
              "smtpd     pass  -       -       y       -       -       smtpd\n"
              "dnsblog   unix  -       -       y       -       0       dnsblog\n"
              "tlsproxy  unix  -       -       y       -       0       tlsproxy\n",
              out->to);
    if (out->spf)
        fputs("# of the package postfix-policyd-spf-python\n"
              "policyd-spf unix -     n       n       -       0       spawn\n"
              "    user=policyd-spf argv=/usr/bin/policyd-spf\n",
              out->to);
}

static void put_services(struct lines *out)
{
    if (out->spf) {
        const struct spf_parameters *spf = out->spf->parameters;
        uint32_t fail = 1U << SPF_FAIL, soft = 1U << SPF_SOFTFAIL, neutral = 1U << SPF_NEUTRAL;
        uint32_t on = spf->on & ~(1U << SPF_PERMERROR);
        fprintf(out->to,
                "\n#=== /etc/postfix-policyd-spf-python/policyd-spf.conf\n"
                "HELO_reject = False\nMail_From_reject = %s\nPermError_reject = %s\n",
                on & neutral ? "SPF_Not_Pass"
                : on & soft  ? "Softfail"
                : on & fail  ? "Fail"
                             : "False",
                spf->on >> SPF_PERMERROR & 1 ? "True" : "False");
    }
    if (out->greylist) {
        struct str options = postgrey_options(out->greylist, out->exported);
        struct rule rest = *out->greylist;
        rest.exempt.authenticated = false;
        fprintf(out->to, "\n#=== /etc/default/postgrey\nPOSTGREY_OPTS=\"%.*s\"\n", STR_ARG(options));
        postgrey_write_lists(&rest, out->to);
    }
}

/* mynetworks may relay, so they are whom the question who may relay exempts, and nobody else. */
static void put_networks_setting(struct lines *out)
{
    const struct policy *policy = out->policy;
    for (size_t i = 0; i < policy->rule_count && !out->mynetworks.count; i++)
        if (rule_is(&policy->rules[i], "relay") && !policy->rules[i].warn)
            out->mynetworks =
                policy->exempt.networks.count ? policy->exempt.networks : policy->rules[i].exempt.networks;
    if (out->mynetworks.count)
        lines_set(out, "mynetworks", networks_text(&out->exported->arena, &out->mynetworks),
                  "who is exempt of relay. Postfix lets them relay");
}

int postfix_export(const struct policy *policy, FILE *to, struct exported *exported, struct why *why)
{
    struct lines out = { .policy = policy, .to = to, .exported = exported };
    (void)why;
    lines_set(&out, "compatibility_level", STR("3.6"), NULL);
    lines_set(&out, "smtpd_delay_reject", policy->delay_reject ? STR("yes") : STR("no"),
              policy->delay_reject ? "delay-reject: all is asked at RCPT"
                                   : "delay-reject: each is asked at its own stage");
    put_networks_setting(&out);
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct rule *rule = &policy->rules[i];
        if (is_for_postscreen(rule))
            put_postscreen(&out, rule);
        else if (!put_own_setting(&out, rule))
            lines_restriction(&out, rule);
    }
    if (out.postscreen) {
        bool spares = policy->exempt.networks.count || out.postscreen->exempt.networks.count;
        lines_set(&out, "postscreen_access_list",
                  spares && out.mynetworks.count ? STR("permit_mynetworks") : STR(""),
                  "whom postscreen does not test");
        lines_set(&out, "postscreen_greet_action", STR("ignore"), NULL);
        lines_set(&out, "postscreen_dnsbl_action", STR("ignore"), NULL);
    }
    if (!lists_recipients(policy))
        lines_set(&out, "smtpd_reject_unlisted_recipient", STR("yes"),
                  "Postfix refuses unknown recipients unless told not to, and well it does: a server that "
                  "takes them in "
                  "sends bounces to strangers");
    fputs("#=== /etc/postfix/main.cf\n", to);
    put_settings(&out);
    lines_put_lists(&out);
    put_master(&out);
    put_services(&out);
    free(out.setting);
    for (size_t i = 0; i < LINE_LISTS; i++)
        free(out.list[i].line);
    return 0;
}

const char *postfix_hint(const char *measure)
{
    static const struct {
        const char *measure, *hint;
    } hints[] = {
        { "virus", "a milter such as rspamd or clamav-milter does (smtpd_milters)" },
        { "spam", "a milter such as rspamd does (smtpd_milters)" },
        { "dkim", "a milter such as opendkim or rspamd does" },
        { "dmarc", "a milter such as opendmarc or rspamd does" },
        { "batv", "a milter such as batv-milter does" },
        { "dictionary",
          "smtpd_hard_error_limit cuts off a session after so many mistakes, and fail2ban a client" },
        { "nolisting", "it takes a first MX that does not answer, in the DNS" },
        { "vrfy", "disable_vrfy_command = yes answers it, and stops nobody" },
    };
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (strcmp(hints[i].measure, measure) == 0)
            return hints[i].hint;
    return NULL;
}

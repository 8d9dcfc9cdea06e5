/* A policy as smtpd.conf's filters (smtpd.conf(5), OpenSMTPD 6.6 and later). */
#include <string.h>

#include "config/opensmtpd.h"
#include "config/values.h"

struct smtpd_lines {
    const struct policy *policy;
    FILE *to;
    struct exported *exported;
    struct str chain; /* the names of its filters */
    unsigned count;
    struct exempt gone[STAGES]; /* whom the filters so far let go */
};

static void join_chain(struct smtpd_lines *out, struct str name)
{
    out->chain = arena_printf(&out->exported->arena, "%.*s%s\"%.*s\"", STR_ARG(out->chain),
                              out->count ? ", " : "", STR_ARG(name));
    out->count++;
}

static const char *const phase_names[STAGES] = { "connect", "connect", "helo",  "mail-from",
                                                 "rcpt-to", "data",    "commit" };

/* Who is let go is so for the rest of the phase: a filter takes one condition. */
static void let_go_in(struct smtpd_lines *out, const struct exempt *exempt, const char *phase,
                      unsigned number)
{
    char network[IP_TEXT_BYTES + 4];
    if (exempt->authenticated) {
        struct str name = arena_printf(&out->exported->arena, "auth-%s-%u", phase, number);
        fprintf(out->to, "filter \"%.*s\" phase %s match auth bypass\n", STR_ARG(name), phase);
        join_chain(out, name);
    }
    if (!exempt->networks.count)
        return;
    struct str name = arena_printf(&out->exported->arena, "spared-%s-%u", phase, number);
    fprintf(out->to, "table \"%.*s\" {", STR_ARG(name));
    for (size_t i = 0; i < exempt->networks.count; i++) {
        network_format(&exempt->networks.prefix[i], network);
        fprintf(out->to, "%s \"%s\"", i ? "," : "", network);
    }
    fprintf(out->to, " }\nfilter \"%.*s\" phase %s match src <%.*s> bypass\n", STR_ARG(name), phase,
            STR_ARG(name));
    join_chain(out, name);
}

static void let_go(struct smtpd_lines *out, const struct rule *rule)
{
    enum stage stage = rule_stage(out->policy, rule);
    const struct exempt *both[] = { &out->policy->exempt, &rule->exempt };
    for (unsigned e = 0; e < 2; e++) {
        struct exempt more = *both[e];
        /* nobody has logged in before MAIL, and smtpd's grammar knows it */
        bool known = stage >= STAGE_MAIL && stage <= STAGE_DATA;
        more.authenticated = more.authenticated && known && !out->gone[stage].authenticated;
        if (out->gone[stage].networks.count)
            more.networks.count = 0;
        let_go_in(out, &more, phase_names[stage], out->count);
        if (stage == STAGE_HELO)
            let_go_in(out, &more, "ehlo", out->count);
        out->gone[stage].authenticated = out->gone[stage].authenticated || more.authenticated;
        if (more.networks.count)
            out->gone[stage].networks = more.networks;
    }
}

static void put_filter(struct smtpd_lines *out, const struct rule *rule, const char *phase,
                       const char *condition, const char *says)
{
    enum reply_class reply = rule_reply(rule);
    enum stage stage = rule_stage(out->policy, rule);
    struct str name =
        phase ? arena_printf(&out->exported->arena, "%.*s-%s", STR_ARG(rule->name), phase) : rule->name;
    bool connect = stage <= STAGE_BANNER;
    fprintf(out->to, "filter \"%.*s\" phase %s match %s %s \"%d %s\"\n", STR_ARG(name),
            phase ? phase : phase_names[stage], condition, connect ? "disconnect" : "reject",
            reply == REPLY_4XX ? (connect ? 421 : 450) : 550, says);
    join_chain(out, name);
}

static void put_helo(struct smtpd_lines *out, const struct rule *rule)
{
    const struct helo_parameters *helo = rule->parameters;
    if (!helo->own_name.count)
        return;
    bool both = rule_stage(out->policy, rule) == STAGE_HELO;
    fprintf(out->to, "table \"names-%.*s\" {", STR_ARG(rule->name));
    for (size_t i = 0; i < helo->own_name.count; i++)
        fprintf(out->to, "%s \"%.*s\"", i ? "," : "", STR_ARG(helo->own_name.text[i]));
    fputs(" }\n", out->to);
    struct str condition = arena_printf(&out->exported->arena, "helo <names-%.*s>", STR_ARG(rule->name));
    if (!both) {
        put_filter(out, rule, NULL, condition.at, "that name is ours");
        return;
    }
    put_filter(out, rule, "helo", condition.at, "that name is ours");
    put_filter(out, rule, "ehlo", condition.at, "that name is ours");
}

static void put_lists(struct smtpd_lines *out, const struct rule *rule)
{
    const struct dnsbl_parameters *dnsbl = rule->parameters;
    fprintf(out->to, "# of the package opensmtpd-filter-dnsbl\nfilter \"%.*s\" proc-exec \"filter-dnsbl%s",
            STR_ARG(rule->name), rule->warn ? " -m" : "");
    for (size_t i = 0; i < dnsbl->zones.count; i++)
        fprintf(out->to, " %.*s", STR_ARG(dnsbl->zones.weight[i].name));
    fputs("\"\n", out->to);
    join_chain(out, rule->name);
}

static void put_rule(struct smtpd_lines *out, const struct rule *rule)
{
    bool stops = !rule->warn;
    const struct helo_parameters *helo = rule->parameters;
    if (stops && (rule_is(rule, "no-rdns") || rule_is(rule, "fcrdns") ||
                  (rule_is(rule, "helo") && helo->own_name.count)))
        let_go(out, rule);
    if (rule_is(rule, "no-rdns") && stops)
        put_filter(out, rule, NULL, "!rdns", "your address has no name");
    else if (rule_is(rule, "fcrdns") && stops)
        put_filter(out, rule, NULL, "!fcrdns", "your address's name does not lead back to it");
    else if (rule_is(rule, "helo") && stops)
        put_helo(out, rule);
    else if (rule_is(rule, "dnsbl"))
        put_lists(out, rule);
    else if (rule_is(rule, "spam") && stops) {
        fprintf(out->to,
                "# of the package opensmtpd-filter-rspamd; the score is rspamd's\n"
                "filter \"%.*s\" proc-exec \"filter-rspamd\"\n",
                STR_ARG(rule->name));
        join_chain(out, rule->name);
    }
}

int opensmtpd_export(const struct policy *policy, FILE *to, struct exported *exported, struct why *why)
{
    struct smtpd_lines out = { .policy = policy, .to = to, .exported = exported, .chain = STR("") };
    const char *tls = "";
    (void)why;
    fputs("#=== /etc/smtpd.conf\n", to);
    for (size_t i = 0; i < policy->rule_count; i++) {
        put_rule(&out, &policy->rules[i]);
        if (rule_is(&policy->rules[i], "tls-required"))
            tls = " tls-require";
    }
    if (out.count)
        fprintf(to, "\nfilter \"mxreplay\" chain { %.*s }\n", STR_ARG(out.chain));
    fprintf(to, "\n# with your own addresses, pki and match lines\nlisten on 0.0.0.0 port 25%s%s\n", tls,
            out.count ? " filter \"mxreplay\"" : "");
    return 0;
}

const char *opensmtpd_hint(const char *measure)
{
    static const struct {
        const char *measure, *hint;
    } hints[] = {
        { "greylist", "OpenBSD's spamd(8) greylists before it" },
        { "early-talker", "OpenBSD's spamd(8) holds clients up before it" },
        { "spf", "filter-rspamd does, as rspamd is told" },
        { "dkim", "filter-rspamd does, as rspamd is told" },
        { "dmarc", "filter-rspamd does, as rspamd is told" },
        { "virus", "filter-rspamd or filter-clamav does" },
        { "nolisting", "it takes a first MX that does not answer, in the DNS" },
    };
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (strcmp(hints[i].measure, measure) == 0)
            return hints[i].hint;
    return NULL;
}

/* Rules as restrictions in smtpd's lists: first who is let go, then what is asked. */
#include "config/postfix_lines.h"

#include <inttypes.h>

#include "analyze/lists.h"
#include "analyze/measure/parameters.h"
#include "config/values.h"
#include "config/replies.h"

static const char *const list_names[] = { "smtpd_client_restrictions",     "smtpd_helo_restrictions",
                                          "smtpd_sender_restrictions",     "smtpd_relay_restrictions",
                                          "smtpd_recipient_restrictions",  "smtpd_data_restrictions",
                                          "smtpd_end_of_data_restrictions" };

static void add(struct lines *out, enum line_list list, struct str text)
{
    mem_room(out->list[list].line, out->list[list].room, out->list[list].count + 1);
    out->list[list].line[out->list[list].count++].text = arena_str(&out->exported->arena, text);
}

static enum line_list list_of(const struct lines *out, const struct rule *rule)
{
    static const enum line_list lists[STAGES] = { LIST_CLIENT,    LIST_CLIENT, LIST_HELO, LIST_SENDER,
                                                  LIST_RECIPIENT, LIST_DATA,   LIST_END };
    enum stage stage = rule->at; /* smtpd_delay_reject knows no exceptions */
    return lists[out->policy->delay_reject && stage < STAGE_RCPT ? STAGE_RCPT : stage];
}

/* ---- Who is let go. */

static void let_networks(struct lines *out, enum line_list list, const struct networks *networks)
{
    struct arena *arena = &out->exported->arena;
    char text[IP_TEXT_BYTES + 4];
    struct str entries = STR("");
    if (networks_equal(networks, &out->mynetworks)) {
        add(out, list, STR("permit_mynetworks"));
        return;
    }
    for (size_t i = 0; i < networks->count; i++) {
        network_format(&networks->prefix[i], text);
        entries = arena_printf(arena, "%.*s {%s OK}", STR_ARG(entries), text);
    }
    add(out, list, arena_printf(arena, "check_client_access cidr:{%.*s }", STR_ARG(entries)));
}

static void let_texts(struct lines *out, enum line_list list, const char *check, const struct texts *texts)
{
    struct arena *arena = &out->exported->arena;
    struct str entries = STR("");
    for (size_t i = 0; i < texts->count; i++) {
        struct str text = texts->text[i];
        bool bare = str_eq_nocase(text, STR("postmaster"));
        if (text.at[0] == '@')
            text = str_skip(text, 1);
        entries = arena_printf(arena, "%.*s {%.*s%s = OK}", STR_ARG(entries), STR_ARG(text), bare ? "@" : "");
    }
    add(out, list, arena_printf(arena, "%s inline:{%.*s }", check, STR_ARG(entries)));
}

/* Who was let go stays so: a rule further down cannot call them back. Before relaying is asked about, only
 * who may relay is let go: anybody can write a sender. */
static void let_go(struct lines *out, enum line_list list, const struct rule *rule)
{
    struct exempt *gone = &out->list[list].let_go;
    const struct exempt *both[] = { &out->policy->exempt, &rule->exempt };
    bool services = rule_is(rule, "greylist"); /* postgrey has white lists of its own */
    for (size_t e = 0; e < 2; e++) {
        const struct exempt *exempt = both[e];
        if (exempt->networks.count && !gone->networks.count && !(services && e == 1)) {
            let_networks(out, list, &exempt->networks);
            gone->networks = exempt->networks;
        }
        if (exempt->authenticated && !gone->authenticated) {
            add(out, list, STR("permit_sasl_authenticated"));
            gone->authenticated = true;
        }
        if (rule_is(rule, "relay") || (services && e == 1))
            continue;
        if (exempt->client_names.count && !gone->client_names.count) {
            let_texts(out, list, "check_client_access", &exempt->client_names);
            gone->client_names = exempt->client_names;
        }
        if (exempt->sender_domains.count && !gone->sender_domains.count) {
            let_texts(out, list, "check_sender_access", &exempt->sender_domains);
            gone->sender_domains = exempt->sender_domains;
        }
        if (exempt->recipients.count && !gone->recipients.count) {
            let_texts(out, list, "check_recipient_access", &exempt->recipients);
            gone->recipients = exempt->recipients;
        }
    }
}

/* ---- What is asked. */

/* Postfix's own code for each, and the parameter that changes it. */
static void set_code(struct lines *out, const struct rule *rule, const char *parameter, int own, int other,
                     bool only)
{
    enum reply_class wanted = rule->reply != REPLY_DEFAULT ? rule->reply
                              : only                       ? rule->measure->reply
                                                           : REPLY_DEFAULT;
    int code = wanted == REPLY_DEFAULT || wanted == (own < 500 ? REPLY_4XX : REPLY_5XX) ? own : other;
    lines_set(out, parameter, arena_printf(&out->exported->arena, "%d", code), NULL);
}

static void ask(struct lines *out, enum line_list list, const struct rule *rule, struct str restriction)
{
    out->list[list].asked = true;
    add(out, list,
        arena_printf(&out->exported->arena, "%s%.*s", rule->warn ? "warn_if_reject " : "",
                     STR_ARG(restriction)));
}

static void ask_lists(struct lines *out, enum line_list list, const struct rule *rule)
{
    const struct dnsbl_parameters *dnsbl = rule->parameters;
    struct arena *arena = &out->exported->arena;
    set_code(out, rule, "maps_rbl_reject_code", 554, 450, true);
    for (size_t i = 0; i < dnsbl->zones.count; i++) {
        const struct weight *zone = &dnsbl->zones.weight[i];
        struct str pattern = replies_pattern(arena, &zone->replies);
        ask(out, list, rule,
            zone->replies.count && pattern.at
                ? arena_printf(arena, "reject_rbl_client %.*s=%.*s", STR_ARG(zone->name), STR_ARG(pattern))
                : arena_printf(arena, "reject_rbl_client %.*s", STR_ARG(zone->name)));
    }
}

static void ask_helo(struct lines *out, enum line_list list, const struct rule *rule)
{
    const struct helo_parameters *helo = rule->parameters;
    bool one = helo->syntax + helo->fqdn + helo->resolves == 1;
    if (helo->syntax)
        ask(out, list, rule, STR("reject_invalid_helo_hostname"));
    if (helo->fqdn)
        ask(out, list, rule, STR("reject_non_fqdn_helo_hostname"));
    if (helo->resolves)
        ask(out, list, rule, STR("reject_unknown_helo_hostname"));
    if (helo->syntax)
        set_code(out, rule, "invalid_hostname_reject_code", 501, 450, one);
    if (helo->fqdn)
        set_code(out, rule, "non_fqdn_reject_code", 504, 450, one);
    if (helo->resolves)
        set_code(out, rule, "unknown_hostname_reject_code", 450, 550, one);
}

static void ask_sender(struct lines *out, enum line_list list, const struct rule *rule)
{
    const struct sender_domain_parameters *sender = rule->parameters;
    bool exists = sender->exists || sender->null_mx, one = exists != sender->fqdn;
    if (sender->fqdn) {
        ask(out, list, rule, STR("reject_non_fqdn_sender"));
        set_code(out, rule, "non_fqdn_reject_code", 504, 450, one);
    }
    if (exists) {
        ask(out, list, rule, STR("reject_unknown_sender_domain"));
        set_code(out, rule, "unknown_address_reject_code", 450, 550, one);
    }
}

/* Unknown recipients are refused to everybody by smtpd_reject_unlisted_recipient, to who was not let go by
 * the restriction alone. */
static void ask_recipient(struct lines *out, enum line_list list, const struct rule *rule)
{
    bool all = !out->policy->exempt.authenticated && !out->policy->exempt.networks.count &&
               !rule->exempt.authenticated && !rule->exempt.networks.count && !rule->warn;
    lines_set(out, "smtpd_reject_unlisted_recipient", all ? STR("yes") : STR("no"),
              all ? "recipient: whoever asks"
                  : "recipient: it is asked where it stands in the list, of who is not exempt");
    ask(out, list, rule, STR("reject_unlisted_recipient"));
    set_code(out, rule, "unknown_local_recipient_reject_code", 550, 450, true);
    set_code(out, rule, "unknown_relay_recipient_reject_code", 550, 450, true);
    set_code(out, rule, "unknown_virtual_alias_reject_code", 550, 450, true);
    set_code(out, rule, "unknown_virtual_mailbox_reject_code", 550, 450, true);
}

static void ask_relay(struct lines *out, enum line_list list, const struct rule *rule)
{
    bool later = rule->reply == REPLY_4XX;
    out->relayed = out->relayed || !rule->warn;
    ask(out, list, rule, later ? STR("defer_unauth_destination") : STR("reject_unauth_destination"));
}

static void ask_names(struct lines *out, enum line_list list, const struct rule *rule)
{
    set_code(out, rule, "unknown_client_reject_code", 450, 550, true);
    ask(out, list, rule,
        rule_is(rule, "fcrdns") ? STR("reject_unknown_client_hostname")
                                : STR("reject_unknown_reverse_client_hostname"));
}

static void ask_tls(struct lines *out, enum line_list list, const struct rule *rule)
{
    set_code(out, rule, "plaintext_reject_code", 450, 550, true);
    ask(out, list, rule, STR("reject_plaintext_session"));
}

static void ask_many(struct lines *out, enum line_list list, const struct rule *rule)
{
    set_code(out, rule, "multi_recipient_bounce_reject_code", 550, 450, true);
    ask(out, list, rule, STR("reject_multi_recipient_bounce"));
}

static void ask_pipelining(struct lines *out, enum line_list list, const struct rule *rule)
{
    ask(out, list, rule, STR("reject_unauth_pipelining"));
}

static void ask_greylist(struct lines *out, enum line_list list, const struct rule *rule)
{
    if (out->greylist)
        return; /* one postgrey is enough */
    out->greylist = rule;
    ask(out, list, rule, STR("check_policy_service inet:127.0.0.1:10023"));
}

static void ask_spf(struct lines *out, enum line_list list, const struct rule *rule)
{
    if (out->spf)
        return;
    out->spf = rule;
    ask(out, list, rule, STR("check_policy_service unix:private/policyd-spf"));
}

static const struct {
    const char *measure;
    void (*ask)(struct lines *out, enum line_list list, const struct rule *rule);
} askers[] = {
    { "no-rdns", ask_names },         { "fcrdns", ask_names },
    { "dnsbl", ask_lists },           { "helo", ask_helo },
    { "sender-domain", ask_sender },  { "recipient", ask_recipient },
    { "relay", ask_relay },           { "tls-required", ask_tls },
    { "null-sender-many", ask_many }, { "pipelining", ask_pipelining },
    { "greylist", ask_greylist },     { "spf", ask_spf },
};

/* Relaying has a list of its own, before or after that of recipients: who is let go there is not let go here.
 * It is asked of each recipient, whatever stage the policy names. */
static enum line_list relay_list(struct lines *out)
{
    out->relay_last = out->list[LIST_RECIPIENT].asked;
    return LIST_RELAY;
}

void lines_restriction(struct lines *out, const struct rule *rule)
{
    enum line_list list = list_of(out, rule);
    for (size_t i = 0; i < sizeof askers / sizeof *askers; i++) {
        if (!rule_is(rule, askers[i].measure))
            continue;
        if (rule_is(rule, "relay"))
            list = relay_list(out);
        let_go(out, list, rule);
        add(out, list, arena_printf(&out->exported->arena, "# %.*s", STR_ARG(rule->name)));
        askers[i].ask(out, list, rule);
        return;
    }
}

void lines_put_lists(struct lines *out)
{
    if (!out->relayed) {
        add(out, LIST_RELAY, STR("# the policy does not ask who may relay; without this everybody might"));
        add(out, LIST_RELAY, STR("permit_mynetworks"));
        add(out, LIST_RELAY, STR("permit_sasl_authenticated"));
        add(out, LIST_RELAY, STR("reject_unauth_destination"));
    }
    if (out->relay_last)
        fputs("\nsmtpd_relay_before_recipient_restrictions = no\n", out->to);
    for (size_t l = 0; l < LINE_LISTS; l++) {
        if (!out->list[l].count && l != LIST_RELAY && l != LIST_RECIPIENT)
            continue;
        fprintf(out->to, "\n%s =\n", list_names[l]);
        for (size_t i = 0; i < out->list[l].count; i++)
            fprintf(out->to, "    %.*s\n", STR_ARG(out->list[l].line[i].text));
    }
}

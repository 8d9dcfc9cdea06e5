/* What each of Postfix's restrictions does to a policy (postconf(5); postfix smtpd_check.c), one row each. */
#include <stdlib.h>

#include "config/values.h"
#include "config/postfix.h"
#include "config/replies.h"

enum argument { ALONE, TAKES_DOMAIN, TAKES_TABLE, TAKES_SERVER, TAKES_SECONDS };

struct restriction {
    const char *name;
    /* Makes a rule of it, or says why not. NULL: it is not mapped, because of `why`. */
    void (*map)(struct walk *walk, const struct restriction *row, struct str argument);
    const char *why;  /* or the measure's name, for map_measure() */
    const char *code; /* the parameter that has its reply, or the reply */
    size_t bit;       /* offsetof a bool among the measure's parameters */
    enum argument argument;
    enum stage needs; /* the first stage at which what it asks about is there */
};

static struct str code_of(struct walk *walk, const struct restriction *row)
{
    struct str code = STR("");
    if (!row->code)
        return code;
    if (is_digit(row->code[0]))
        return str_of(row->code);
    if (postfix_value(walk->postfix, row->code, &code))
        return STR("");
    return code;
}

struct draft_rule *walk_rule(struct walk *walk, const char *measure, bool merges, struct str code)
{
    struct draft *draft = walk->postfix->draft;
    struct draft_rule *rule =
        merges ? draft_last(draft, measure, &walk->exempt, walk->warn, walk->stage) : NULL;
    if (!rule) {
        rule = draft_add(draft, measure, &walk->exempt);
        rule->rule.warn = walk->warn;
        draft_act_at(draft, rule, walk->stage);
    }
    draft_reply(rule, walk->postfix->soft_bounce ? STR("4") : code);
    draft_mapped(draft, rule, walk->place, walk->all);
    return rule;
}

/* ---- Rules. */

static void map_client_name(struct walk *walk, const struct restriction *row, struct str argument)
{
    const char *measure = row->bit ? "fcrdns" : "no-rdns";
    struct draft_rule *rule = walk_rule(walk, measure, false, code_of(walk, row));
    ((struct rdns_parameters *)rule->parameters)->on_error = ON_ERROR_HIT;
    (void)argument;
}

/* The rule that a restriction is part of, be it the last one; *fresh: it has only the measure's defaults. */
static struct draft_rule *part_of(struct walk *walk, const char *measure, const struct restriction *row,
                                  bool *fresh)
{
    size_t before = walk->postfix->draft->rule_count;
    struct draft_rule *rule = walk_rule(walk, measure, true, code_of(walk, row));
    *fresh = walk->postfix->draft->rule_count > before;
    return rule;
}

static void map_helo(struct walk *walk, const struct restriction *row, struct str argument)
{
    bool fresh;
    struct draft_rule *rule = part_of(walk, "helo", row, &fresh);
    struct helo_parameters *helo = rule->parameters;
    if (fresh)
        helo->require = false;
    *(bool *)((char *)rule->parameters + row->bit) = true;
    rule->suffix = rule->suffix ? rule->suffix : helo->resolves ? "resolves" : "name";
    (void)argument;
}

static void map_sender(struct walk *walk, const struct restriction *row, struct str argument)
{
    bool fresh;
    struct draft_rule *rule = part_of(walk, "sender-domain", row, &fresh);
    struct sender_domain_parameters *sender = rule->parameters;
    if (fresh)
        sender->exists = sender->null_mx = false;
    if (row->bit)
        sender->fqdn = true;
    else
        sender->exists = sender->null_mx = true;
    rule->suffix = rule->suffix ? rule->suffix : row->bit ? "fqdn" : "exists";
    (void)argument;
}

static void map_measure(struct walk *walk, const struct restriction *row, struct str argument)
{
    walk_rule(walk, row->why, false, code_of(walk, row));
    (void)argument;
}

/* The restriction is in the list; what is not asked before it by then is asked by
 * smtpd_reject_unlisted_recipient, whoever was let go: then nobody is exempt. */
static void map_unlisted(struct walk *walk, const struct restriction *row, struct str argument)
{
    struct exempt kept = walk->exempt;
    if (postfix_is_yes(walk->postfix, "smtpd_reject_unlisted_recipient") && !walk->warn)
        walk->exempt = (struct exempt){ 0 };
    walk_rule(walk, "recipient", false, code_of(walk, row));
    walk->exempt = kept;
    (void)argument;
}

/* "zen.example.org=127.0.0.[2..11]" */
static bool cut_zone(struct walk *walk, struct str argument, struct str *zone, struct networks *replies)
{
    struct str pattern = argument;
    *zone = argument;
    *replies = (struct networks){ 0 };
    return !cut_until_char(&pattern, '=', zone) ||
           replies_add(&walk->postfix->draft->arena, replies, pattern);
}

static void map_list(struct walk *walk, const struct restriction *row, struct str argument)
{
    struct str zone;
    struct networks replies;
    struct draft *draft = walk->postfix->draft;
    if (!cut_zone(walk, argument, &zone, &replies)) {
        draft_unmapped(draft, walk->place, walk->all,
                       "the answers that count cannot be read; write zone=127.0.0.[2..11]");
        return;
    }
    struct draft_rule *rule = draft_last(draft, "dnsbl", &walk->exempt, walk->warn, walk->stage);
    struct dnsbl_parameters *dnsbl = rule ? rule->parameters : NULL;
    for (size_t i = 0; dnsbl && i < dnsbl->zones.count; i++)
        if (str_eq_nocase(dnsbl->zones.weight[i].name, zone))
            rule = NULL; /* twice, with other answers: a rule of its own */
    struct weights zones = { 0 };
    if (!weights_add(draft, &zones, zone, 1, &replies)) {
        draft_unmapped(draft, walk->place, walk->all,
                       "not the name of a zone; write reject_rbl_client zen.example.org");
        return;
    }
    rule = walk_rule(walk, "dnsbl", rule != NULL, code_of(walk, row));
    dnsbl = rule->parameters;
    weights_add(draft, &dnsbl->zones, zone, 1, &replies);
    dnsbl->errors = ERRORS_LISTED;
    friends_outweigh(draft, dnsbl, &walk->allow);
}

static void map_service(struct walk *walk, const struct restriction *row, struct str argument)
{
    (void)row;
    postfix_policy_service(walk, argument);
}

static void map_access(struct walk *walk, const struct restriction *row, struct str argument)
{
    (void)row;
    postfix_access(walk, argument);
}

/* "sleep 5, reject_unauth_pipelining" before the greeting is how who talks early was found before there was
 * postscreen (postconf(5), "sleep"). */
static void map_sleep(struct walk *walk, const struct restriction *row, struct str argument)
{
    struct draft *draft = walk->postfix->draft;
    usec wait = 0;
    bool next = walk->at < walk->items->count &&
                str_eq(walk->items->item[walk->at].text, STR("reject_unauth_pipelining"));
    (void)row;
    if (walk->stage != STAGE_CONNECT || !next || !config_time(argument, 's', &wait) || wait <= 0) {
        draft_unmapped(draft, walk->place, walk->all, "it stops nobody by itself");
        return;
    }
    walk->stage = STAGE_BANNER;
    struct draft_rule *rule = walk_rule(walk, "early-talker", false, STR("503"));
    walk->stage = STAGE_CONNECT;
    ((struct early_talker_parameters *)rule->parameters)->wait = wait;
    const struct item *item = &walk->items->item[walk->at++];
    draft_mapped(draft, rule, item->place, item->text);
}

/* ---- Who is let go. */

static void map_mynetworks(struct walk *walk, const struct restriction *row, struct str argument)
{
    (void)row, (void)argument;
    draft_mapped(walk->postfix->draft, NULL, walk->place, walk->all);
    postfix_networks(walk->postfix, "mynetworks", &walk->exempt);
}

static void map_authenticated(struct walk *walk, const struct restriction *row, struct str argument)
{
    (void)row, (void)argument;
    draft_mapped(walk->postfix->draft, NULL, walk->place, walk->all);
    walk->exempt.authenticated = true;
}

static void map_own_addresses(struct walk *walk, const struct restriction *row, struct str argument)
{
    (void)row, (void)argument;
    draft_partly(walk->postfix->draft, NULL, walk->place, walk->all,
                 "inet_interfaces is looked up as if it were mynetworks; names are not");
    postfix_networks(walk->postfix, "inet_interfaces", &walk->exempt);
}

static void map_friends(struct walk *walk, const struct restriction *row, struct str argument)
{
    struct str zone;
    struct networks replies;
    struct draft *draft = walk->postfix->draft;
    (void)row;
    if (!cut_zone(walk, argument, &zone, &replies) || !weights_add(draft, &walk->allow, zone, -1, &replies)) {
        draft_unmapped(draft, walk->place, walk->all,
                       "not a zone, or it stands twice; write permit_dnswl_client list.example.org");
        return;
    }
    draft_partly(
        draft, NULL, walk->place, walk->all,
        "it lets who is listed pass the DNS lists behind it; that it lets them pass the list's other "
        "restrictions too, no policy can say");
}

static void map_permit(struct walk *walk, const struct restriction *row, struct str argument)
{
    (void)row, (void)argument;
    draft_mapped(walk->postfix->draft, NULL, walk->place, walk->all);
    if (!walk->warn)
        walk->ended = walk->place;
}

/* Nothing is left to be asked after it. */
static void map_end(struct walk *walk, const struct restriction *row, struct str argument)
{
    (void)argument;
    draft_unmapped(walk->postfix->draft, walk->place, walk->all, "%s", row->why);
    if (!walk->warn)
        walk->ended = walk->place;
}

/* ---- The rows. */

#define TABLE_OF_ITS_OWN "a table of the site's own, which is no measure"
#define ADDRESSES        "a table of addresses and servers behind a name, which is no measure"
#define NAMES_LIST       "a DNS list of names; dnsbl asks about client addresses"
#define LOGIN            "who may send as whom is no measure"
#define CERTIFICATE      "certificates are not in the record, so nobody is exempt for one"

#define HELO_BIT(member) offsetof(struct helo_parameters, member)

static const struct restriction restrictions[] = {
    { "check_ccert_access", NULL, CERTIFICATE, NULL, 0, TAKES_TABLE, 0 },
    { "check_client_a_access", NULL, ADDRESSES, NULL, 0, TAKES_TABLE, 0 },
    { "check_client_access", map_access, NULL, NULL, 0, TAKES_TABLE, 0 },
    { "check_client_mx_access", NULL, ADDRESSES, NULL, 0, TAKES_TABLE, 0 },
    { "check_client_ns_access", NULL, ADDRESSES, NULL, 0, TAKES_TABLE, 0 },
    { "check_etrn_access", NULL, "ETRN is no mail", NULL, 0, TAKES_TABLE, 0 },
    { "check_helo_a_access", NULL, ADDRESSES, NULL, 0, TAKES_TABLE, 0 },
    { "check_helo_access", map_access, NULL, NULL, 0, TAKES_TABLE, STAGE_HELO },
    { "check_helo_mx_access", NULL, ADDRESSES, NULL, 0, TAKES_TABLE, 0 },
    { "check_helo_ns_access", NULL, ADDRESSES, NULL, 0, TAKES_TABLE, 0 },
    { "check_policy_service", map_service, NULL, NULL, 0, TAKES_SERVER, 0 },
    { "check_recipient_a_access", NULL, ADDRESSES, NULL, 0, TAKES_TABLE, 0 },
    { "check_recipient_access", map_access, NULL, NULL, 0, TAKES_TABLE, STAGE_RCPT },
    { "check_recipient_maps", map_unlisted, NULL, "unknown_local_recipient_reject_code", 0, ALONE,
      STAGE_RCPT },
    { "check_recipient_mx_access", NULL, ADDRESSES, NULL, 0, TAKES_TABLE, 0 },
    { "check_recipient_ns_access", NULL, ADDRESSES, NULL, 0, TAKES_TABLE, 0 },
    { "check_relay_domains", map_measure, "relay", "relay_domains_reject_code", 0, ALONE, STAGE_RCPT },
    { "check_reverse_client_hostname_a_access", NULL, ADDRESSES, NULL, 0, TAKES_TABLE, 0 },
    { "check_reverse_client_hostname_access", NULL, TABLE_OF_ITS_OWN, NULL, 0, TAKES_TABLE, 0 },
    { "check_reverse_client_hostname_mx_access", NULL, ADDRESSES, NULL, 0, TAKES_TABLE, 0 },
    { "check_reverse_client_hostname_ns_access", NULL, ADDRESSES, NULL, 0, TAKES_TABLE, 0 },
    { "check_sasl_access", NULL, TABLE_OF_ITS_OWN, NULL, 0, TAKES_TABLE, 0 },
    { "check_sender_a_access", NULL, ADDRESSES, NULL, 0, TAKES_TABLE, 0 },
    { "check_sender_access", map_access, NULL, NULL, 0, TAKES_TABLE, STAGE_MAIL },
    { "check_sender_mx_access", NULL, ADDRESSES, NULL, 0, TAKES_TABLE, 0 },
    { "check_sender_ns_access", NULL, ADDRESSES, NULL, 0, TAKES_TABLE, 0 },
    { "defer", map_end, "it puts off whoever comes this far, which is no measure", NULL, 0, ALONE, 0 },
    { "defer_if_permit", NULL, "it puts off whoever nothing else stops, which is no measure", NULL, 0, ALONE,
      0 },
    { "defer_if_reject", NULL, "it makes later refusals temporary, which no policy can say", NULL, 0, ALONE,
      0 },
    { "defer_unauth_destination", map_measure, "relay", "450", 0, ALONE, STAGE_RCPT },
    { "permit", map_permit, NULL, NULL, 0, ALONE, 0 },
    { "permit_auth_destination", NULL, "who writes to us cannot be exempt by that alone", NULL, 0, ALONE, 0 },
    { "permit_dnswl_client", map_friends, NULL, NULL, 0, TAKES_DOMAIN, 0 },
    { "permit_inet_interfaces", map_own_addresses, NULL, NULL, 0, ALONE, 0 },
    { "permit_mx_backup", NULL, "who may use us as a backup is not in the record", NULL, 0, ALONE, 0 },
    { "permit_mynetworks", map_mynetworks, NULL, NULL, 0, ALONE, 0 },
    { "permit_naked_ip_address", NULL, "nobody can be exempt for a bare address in HELO", NULL, 0, ALONE, 0 },
    { "permit_rhswl_client", NULL, "nobody can be exempt by a DNS list of names", NULL, 0, TAKES_DOMAIN, 0 },
    { "permit_sasl_authenticated", map_authenticated, NULL, NULL, 0, ALONE, 0 },
    { "permit_tls_all_clientcerts", NULL, CERTIFICATE, NULL, 0, ALONE, 0 },
    { "permit_tls_clientcerts", NULL, CERTIFICATE, NULL, 0, ALONE, 0 },
    { "reject", map_end, "it refuses whoever comes this far, which is no measure", NULL, 0, ALONE, 0 },
    { "reject_authenticated_sender_login_mismatch", NULL, LOGIN, NULL, 0, ALONE, 0 },
    { "reject_invalid_helo_hostname", map_helo, NULL, "invalid_hostname_reject_code", HELO_BIT(syntax), ALONE,
      STAGE_HELO },
    { "reject_invalid_hostname", map_helo, NULL, "invalid_hostname_reject_code", HELO_BIT(syntax), ALONE,
      STAGE_HELO },
    { "reject_known_sender_login_mismatch", NULL, LOGIN, NULL, 0, ALONE, 0 },
    { "reject_maps_rbl", NULL, "name the zones of maps_rbl_domains with reject_rbl_client", NULL, 0, ALONE,
      0 },
    { "reject_multi_recipient_bounce", map_measure, "null-sender-many", "multi_recipient_bounce_reject_code",
      0, ALONE, STAGE_RCPT },
    { "reject_non_fqdn_helo_hostname", map_helo, NULL, "non_fqdn_reject_code", HELO_BIT(fqdn), ALONE,
      STAGE_HELO },
    { "reject_non_fqdn_hostname", map_helo, NULL, "non_fqdn_reject_code", HELO_BIT(fqdn), ALONE, STAGE_HELO },
    { "reject_non_fqdn_recipient", NULL, "what a recipient is written like is no measure", NULL, 0, ALONE,
      0 },
    { "reject_non_fqdn_sender", map_sender, NULL, "non_fqdn_reject_code", 1, ALONE, STAGE_MAIL },
    { "reject_plaintext_session", map_measure, "tls-required", "plaintext_reject_code", 0, ALONE,
      STAGE_HELO },
    { "reject_rbl_client", map_list, NULL, "maps_rbl_reject_code", 0, TAKES_DOMAIN, 0 },
    { "reject_rhsbl_client", NULL, NAMES_LIST, NULL, 0, TAKES_DOMAIN, 0 },
    { "reject_rhsbl_helo", NULL, NAMES_LIST, NULL, 0, TAKES_DOMAIN, 0 },
    { "reject_rhsbl_recipient", NULL, NAMES_LIST, NULL, 0, TAKES_DOMAIN, 0 },
    { "reject_rhsbl_reverse_client", NULL, NAMES_LIST, NULL, 0, TAKES_DOMAIN, 0 },
    { "reject_rhsbl_sender", NULL, NAMES_LIST, NULL, 0, TAKES_DOMAIN, 0 },
    { "reject_sender_login_mismatch", NULL, LOGIN, NULL, 0, ALONE, 0 },
    { "reject_unauth_destination", map_measure, "relay", "relay_domains_reject_code", 0, ALONE, STAGE_RCPT },
    { "reject_unauth_pipelining", map_measure, "pipelining", "503", 0, ALONE, 0 },
    { "reject_unauthenticated_sender_login_mismatch", NULL, LOGIN, NULL, 0, ALONE, 0 },
    { "reject_unknown_address", map_sender, NULL, "unknown_address_reject_code", 0, ALONE, STAGE_MAIL },
    { "reject_unknown_client", map_client_name, NULL, "unknown_client_reject_code", 1, ALONE, 0 },
    { "reject_unknown_client_hostname", map_client_name, NULL, "unknown_client_reject_code", 1, ALONE, 0 },
    { "reject_unknown_helo_hostname", map_helo, NULL, "unknown_hostname_reject_code", HELO_BIT(resolves),
      ALONE, STAGE_HELO },
    { "reject_unknown_hostname", map_helo, NULL, "unknown_hostname_reject_code", HELO_BIT(resolves), ALONE,
      STAGE_HELO },
    { "reject_unknown_recipient_domain", NULL, "whether a recipient's domain exists is no measure", NULL, 0,
      ALONE, 0 },
    { "reject_unknown_reverse_client_hostname", map_client_name, NULL, "unknown_client_reject_code", 0, ALONE,
      0 },
    { "reject_unknown_sender_domain", map_sender, NULL, "unknown_address_reject_code", 0, ALONE, STAGE_MAIL },
    { "reject_unlisted_recipient", map_unlisted, NULL, "unknown_local_recipient_reject_code", 0, ALONE,
      STAGE_RCPT },
    { "reject_unlisted_sender", NULL, "whether a sender exists is no measure", NULL, 0, ALONE, 0 },
    { "reject_unverified_recipient", NULL,
      "it asks where the mail goes on to, which the record does not show; \"recipient\" has what the record "
      "shows of recipients",
      NULL, 0, ALONE, 0 },
    { "reject_unverified_sender", NULL, "whether a sender's own server knows it is no measure", NULL, 0,
      ALONE, 0 },
    { "sleep", map_sleep, NULL, NULL, 0, TAKES_SECONDS, 0 },
};

static const struct restriction *find(struct str name)
{
    for (size_t i = 0; i < sizeof restrictions / sizeof *restrictions; i++)
        if (str_eq_nocase(str_of(restrictions[i].name), name))
            return &restrictions[i];
    return NULL;
}

bool postfix_is_restriction(struct str name)
{
    return find(name) || str_eq_nocase(name, STR("warn_if_reject"));
}

static int map_row(struct walk *walk, const struct restriction *row, struct str argument)
{
    struct draft *draft = walk->postfix->draft;
    if (walk->ended.line || walk->ended.file)
        draft_unmapped(draft, walk->place, walk->all, "nothing comes this far: %s:%zu", walk->ended.file,
                       walk->ended.line);
    else if (row->argument != ALONE && !argument.len)
        draft_unmapped(draft, walk->place, walk->all, "what it takes is missing behind it");
    else if (!row->map)
        draft_unmapped(draft, walk->place, walk->all, "%s", row->why);
    else if (row->needs > walk->stage)
        draft_unmapped(draft, walk->place, walk->all, "%s is asked before there is a %s: it does nothing",
                       walk->list, stage_name[row->needs]);
    else
        row->map(walk, row, argument);
    return walk->postfix->why->status ? -1 : 0;
}

/* The item behind, where it is an argument and no restriction. */
static struct str argument_of(struct walk *walk, const struct restriction *row)
{
    if (row->argument == ALONE || walk->at >= walk->items->count)
        return STR("");
    struct str next = walk->items->item[walk->at].text;
    if (postfix_is_restriction(next))
        return STR("");
    walk->at++;
    return next;
}

/* "hash:/etc/postfix/access" alone is an old way to write check_client_access and its like. */
static bool is_table(struct str text)
{
    const char *colon = text.len ? memchr(text.at, ':', text.len) : NULL;
    return colon && colon > text.at && colon + 1 < text.at + text.len;
}

static int take_class(struct walk *walk, struct str name)
{
    struct postfix *postfix = walk->postfix;
    struct items inner;
    struct items *outer = walk->items;
    size_t at = walk->at;
    int result = 0;
    if (postfix->depth > 8)
        return why_set(postfix->why, 65, "%s:%zu: the class \"%.*s\" refers to itself; take one of them away",
                       walk->place.file, walk->place.line, STR_ARG(name));
    draft_mapped(postfix->draft, NULL, walk->place, walk->all);
    char text[256];
    snprintf(text, sizeof text, "%.*s", STR_ARG(name));
    if (postfix_items(postfix, text, &inner))
        return -1;
    postfix->depth++;
    walk->items = &inner;
    for (walk->at = 0; result == 0 && walk->at < inner.count;)
        result = postfix_restriction(walk);
    postfix->depth--;
    free(inner.item);
    walk->items = outer;
    walk->at = at;
    return result;
}

static bool is_class(struct postfix *postfix, struct str name)
{
    struct items classes;
    bool found = false;
    if (name.len > 200 || postfix_items(postfix, "smtpd_restriction_classes", &classes))
        return false;
    for (size_t i = 0; i < classes.count && !found; i++)
        found = str_eq(classes.item[i].text, name);
    free(classes.item);
    return found;
}

int postfix_restriction(struct walk *walk)
{
    const struct item *item = &walk->items->item[walk->at++];
    struct str name = postfix_unbrace(item->text), argument;
    if (++walk->postfix->work > 1000000)
        return why_set(walk->postfix->why, 65, "%s:%zu: too many restrictions", item->place.file,
                       item->place.line);
    walk->place = item->place;
    walk->all = name;
    if (str_eq_nocase(name, STR("warn_if_reject"))) {
        walk->warn = true;
        if (walk->at == walk->items->count)
            draft_unmapped(walk->postfix->draft, walk->place, name, "there is nothing behind it");
        else
            draft_mapped(walk->postfix->draft, NULL, walk->place, name);
        return 0;
    }
    const struct restriction *row = find(name);
    int result = 0;
    if (row) {
        argument = argument_of(walk, row);
        if (argument.len)
            walk->all =
                arena_printf(&walk->postfix->draft->arena, "%.*s %.*s", STR_ARG(name), STR_ARG(argument));
        result = map_row(walk, row, argument);
    } else if (is_class(walk->postfix, name)) {
        result = take_class(walk, name);
    } else {
        draft_unmapped(walk->postfix->draft, walk->place, walk->all, "%s",
                       is_table(name) ? TABLE_OF_ITS_OWN : "there is no restriction of that name");
    }
    walk->warn = false;
    return result;
}

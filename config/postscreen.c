/* postscreen(8): what it asks before smtpd is let near a client, and for how long it remembers; and the
 * limits that smtpd has of its own (anvil(8)). Both act where they act, whatever smtpd_delay_reject says. */
#include <stdlib.h>

#include "config/values.h"
#include "config/postfix.h"
#include "config/replies.h"

/* Notes a parameter that a rule was made of, where it is said in the files. */
static void note_setting(struct postfix *postfix, struct draft_rule *rule, const char *name)
{
    const struct setting *setting = postfix_setting(postfix, str_of(name));
    struct str value;
    if (!setting || postfix_value(postfix, name, &value))
        return;
    draft_mapped(postfix->draft, rule, setting->place,
                 arena_printf(&postfix->draft->arena, "%s = %.*s", name, STR_ARG(value)));
}

static bool is_drop(struct postfix *postfix, const char *action)
{
    struct str value;
    return postfix_value(postfix, action, &value) == 0 && str_eq_nocase(value, STR("drop"));
}

/* "drop" hangs up with a 521, "enforce" lets the client go on and refuses each recipient with a 550, "ignore"
 * only logs. Where smtpd asks before RCPT, what postscreen refuses then has been refused before smtpd's. */
static void take_action(struct postfix *postfix, struct draft_rule *rule, const char *name)
{
    struct str action;
    if (postfix_value(postfix, name, &action))
        return;
    bool late = !is_drop(postfix, name) && postfix->draft->delay_reject;
    draft_act_at(postfix->draft, rule, late ? STAGE_RCPT : STAGE_CONNECT);
    rule->rule.warn = str_eq_nocase(action, STR("ignore"));
    rule->rule.reply = is_drop(postfix, name) ? REPLY_DROP : rule->rule.warn ? REPLY_DEFAULT : REPLY_5XX;
    if (rule->rule.reply == rule->rule.measure->reply)
        rule->rule.reply = REPLY_DEFAULT;
    note_setting(postfix, rule, name);
}

static bool is_ignored(struct postfix *postfix, const char *action)
{
    struct str value;
    return postfix_value(postfix, action, &value) != 0 || str_eq_nocase(value, STR("ignore"));
}

/* ---- The access list. */

static int take_access(struct postfix *postfix, struct exempt *exempt)
{
    struct items items;
    if (postfix_items(postfix, "postscreen_access_list", &items))
        return -1;
    for (size_t i = 0; i < items.count; i++) {
        struct str text = items.item[i].text;
        if (str_eq_nocase(text, STR("permit_mynetworks"))) {
            draft_mapped(postfix->draft, NULL, items.item[i].place, text);
            if (postfix_networks(postfix, "mynetworks", exempt)) {
                free(items.item);
                return -1;
            }
        } else {
            draft_unmapped(postfix->draft, items.item[i].place, text,
                           "whom postscreen's own table lets go or refuses; write the former as exempt");
        }
    }
    free(items.item);
    return 0;
}

/* ---- Tests. */

static void take_greeting(struct postfix *postfix, const struct exempt *exempt)
{
    struct draft_rule *rule = draft_add(postfix->draft, "early-talker", exempt);
    struct early_talker_parameters *early = rule->parameters;
    postfix_seconds(postfix, "postscreen_greet_wait", 's', &early->wait);
    postfix_seconds(postfix, "postscreen_greet_ttl", 'd', &early->remember);
    note_setting(postfix, rule, "postscreen_greet_wait");
    take_action(postfix, rule, "postscreen_greet_action");
    note_setting(postfix, rule, "postscreen_greet_ttl");
}

/* "zen.example.org=127.0.0.[2..11]*3" */
static void take_site(struct postfix *postfix, struct dnsbl_parameters *dnsbl, const struct item *item)
{
    struct str zone = item->text, weight_text, before = zone, pattern;
    struct networks replies = { 0 };
    struct draft *draft = postfix->draft;
    int64_t weight = 1;
    if (str_split_last(zone, STR("*"), &before, &weight_text)) {
        uint64_t number = 0;
        bool minus = cut_char(&weight_text, '-');
        if (!str_number(weight_text, &number) || number > 100000) {
            draft_unmapped(draft, item->place, item->text, "not a weight; write zone*2");
            return;
        }
        weight = minus ? -(int64_t)number : (int64_t)number;
        zone = before;
    }
    pattern = zone;
    if (cut_until_char(&pattern, '=', &before)) {
        if (!replies_add(&draft->arena, &replies, pattern)) {
            draft_unmapped(draft, item->place, item->text,
                           "the answers that count cannot be read; write zone=127.0.0.[2..11]");
            return;
        }
        zone = before;
    }
    struct weights *weights = weight < 0 ? &dnsbl->allow : &dnsbl->zones;
    if (!weights_add(draft, weights, zone, (int32_t)weight, &replies)) {
        draft_unmapped(draft, item->place, item->text,
                       "not the name of a zone, or it stands there with other answers already");
        return;
    }
    draft_mapped(draft, &draft->rules[draft->rule_count - 1], item->place, item->text);
}

static int take_lists(struct postfix *postfix, const struct exempt *exempt)
{
    struct items sites;
    int64_t threshold = 1;
    if (postfix_items(postfix, "postscreen_dnsbl_sites", &sites))
        return -1;
    if (!sites.count)
        return 0;
    struct draft_rule *rule = draft_add(postfix->draft, "dnsbl", exempt);
    struct dnsbl_parameters *dnsbl = rule->parameters;
    rule->suffix = "postscreen";
    dnsbl->errors = ERRORS_LISTED;
    for (size_t i = 0; i < sites.count; i++)
        take_site(postfix, dnsbl, &sites.item[i]);
    free(sites.item);
    if (postfix_number(postfix, "postscreen_dnsbl_threshold", &threshold))
        dnsbl->threshold = (double)threshold;
    /* the answer's own time to live, which is not more than this */
    postfix_seconds(postfix, "postscreen_dnsbl_max_ttl", 'h', &dnsbl->remember);
    note_setting(postfix, rule, "postscreen_dnsbl_threshold");
    note_setting(postfix, rule, "postscreen_dnsbl_max_ttl");
    take_action(postfix, rule, "postscreen_dnsbl_action");
    int64_t allow = 0;
    const char *friends = "postscreen_dnsbl_allowlist_threshold";
    if (!postfix_setting(postfix, str_of(friends)))
        friends = "postscreen_dnsbl_whitelist_threshold";
    if (postfix_number(postfix, "postscreen_dnsbl_allowlist_threshold", &allow) && allow < 0)
        draft_unmapped(postfix->draft, postfix_place(postfix, friends),
                       arena_printf(&postfix->draft->arena, "%s = %lld", friends, (long long)allow),
                       "that a client of this score is spared the other tests, no policy can say");
    return 0;
}

/* ---- The tests after the banner put every new client off once, whatever they find; what they find is
 * refused. */

static const struct {
    const char *name, *enable, *action, *ttl;
} deep_tests[] = {
    { "pipelining", "postscreen_pipelining_enable", "postscreen_pipelining_action",
      "postscreen_pipelining_ttl" },
    { "non-SMTP commands", "postscreen_non_smtp_command_enable", "postscreen_non_smtp_command_action",
      "postscreen_non_smtp_command_ttl" },
    { "bare newlines", "postscreen_bare_newline_enable", "postscreen_bare_newline_action",
      "postscreen_bare_newline_ttl" },
};
enum { DEEP_TESTS = 3 };

static void take_pipelining(struct postfix *postfix, const struct exempt *exempt)
{
    if (!postfix_is_yes(postfix, deep_tests[0].enable))
        return;
    struct draft_rule *rule = draft_add(postfix->draft, "pipelining", exempt);
    rule->suffix = "postscreen";
    note_setting(postfix, rule, deep_tests[0].enable);
    take_action(postfix, rule, deep_tests[0].action);
    draft_act_at(postfix->draft, rule, STAGE_RCPT);
    note_setting(postfix, rule, deep_tests[0].ttl);
    postfix_seconds(postfix, deep_tests[0].ttl, 'd',
                    &((struct pipelining_parameters *)rule->parameters)->remember);
}

static void take_after_220(struct postfix *postfix, const struct exempt *exempt)
{
    usec remember = 0, ttl = 0;
    struct draft *draft = postfix->draft;
    for (size_t i = 0; i < DEEP_TESTS; i++)
        if (postfix_is_yes(postfix, deep_tests[i].enable) &&
            postfix_seconds(postfix, deep_tests[i].ttl, 'd', &ttl))
            remember = remember && remember < ttl ? remember : ttl;
    if (!remember)
        return;
    struct draft_rule *rule = draft_add(draft, "after-220", exempt);
    ((struct after_220_parameters *)rule->parameters)->remember = remember;
    for (size_t i = 1; i < DEEP_TESTS; i++) {
        if (!postfix_is_yes(postfix, deep_tests[i].enable))
            continue;
        note_setting(postfix, rule, deep_tests[i].enable);
        note_setting(postfix, rule, deep_tests[i].ttl);
        if (!is_ignored(postfix, deep_tests[i].action))
            draft_unmapped(draft, postfix_place(postfix, deep_tests[i].action), str_of(deep_tests[i].action),
                           "that %s are refused is no measure", deep_tests[i].name);
    }
}

int postfix_postscreen(struct postfix *postfix)
{
    struct exempt exempt = { 0 };
    if (take_access(postfix, &exempt))
        return -1;
    /* who is dropped is dropped in the order of time; of those whom "enforce" lets go on, the DNS lists,
     * asked until the greeting, have the word after PREGREET (postfix postscreen_early.c); whether "Protocol
     * error" is then for that or for pipelining, the log does not tell, and it is taken for the former */
    bool early = is_drop(postfix, "postscreen_greet_action"),
         listed = is_drop(postfix, "postscreen_dnsbl_action");
    if (early)
        take_greeting(postfix, &exempt);
    if (listed && take_lists(postfix, &exempt))
        return -1;
    if (!listed && take_lists(postfix, &exempt))
        return -1;
    if (!early)
        take_greeting(postfix, &exempt);
    take_pipelining(postfix, &exempt);
    take_after_220(postfix, &exempt);
    struct str denied;
    if (postfix_setting(postfix, STR("postscreen_denylist_action")) &&
        postfix_value(postfix, "postscreen_denylist_action", &denied) == 0)
        draft_unmapped(
            postfix->draft, postfix_place(postfix, "postscreen_denylist_action"),
            arena_printf(&postfix->draft->arena, "postscreen_denylist_action = %.*s", STR_ARG(denied)),
            "the site's own list of clients, which is no measure");
    return postfix->why->status ? -1 : 0;
}

/* ---- smtpd's limits. */

static int limit(struct postfix *postfix, const char *name, const char *measure, size_t at, enum stage stage,
                 const char *suffix)
{
    int64_t number = 0;
    struct exempt exempt = { 0 };
    if (!postfix_number(postfix, name, &number) || number <= 0)
        return 0;
    if (postfix_networks(postfix, "smtpd_client_event_limit_exceptions", &exempt))
        return -1;
    struct draft_rule *rule = draft_add(postfix->draft, measure, &exempt);
    struct rate_parameters *rate = rule->parameters;
    rule->suffix = suffix;
    if (strcmp(measure, "auth-abuse") == 0)
        rate->failures = 0;
    memcpy((char *)rule->parameters + at, &(double){ (double)number }, sizeof(double));
    rate->per = PER_ADDRESS;
    draft_act_at(postfix->draft, rule, stage);
    postfix_seconds(postfix, "anvil_rate_time_unit", 's', &rate->window);
    note_setting(postfix, rule, name);
    note_setting(postfix, rule, "anvil_rate_time_unit");
    return 0;
}

int postfix_limits(struct postfix *postfix)
{
    if (limit(postfix, "smtpd_client_connection_rate_limit", "rate",
              offsetof(struct rate_parameters, connections), STAGE_CONNECT, "connections") ||
        limit(postfix, "smtpd_client_message_rate_limit", "rate", offsetof(struct rate_parameters, messages),
              STAGE_MAIL, "messages") ||
        limit(postfix, "smtpd_client_recipient_rate_limit", "rate",
              offsetof(struct rate_parameters, recipients), STAGE_RCPT, "recipients") ||
        limit(postfix, "smtpd_client_auth_rate_limit", "auth-abuse",
              offsetof(struct rate_parameters, attempts), STAGE_HELO, NULL))
        return -1;
    struct str level = STR("");
    struct draft *draft = postfix->draft;
    if (postfix_is_yes(postfix, "smtpd_helo_required")) {
        struct draft_rule *rule = draft_add(draft, "helo", NULL);
        rule->suffix = "required";
        draft_act_at(draft, rule, STAGE_MAIL);
        note_setting(postfix, rule, "smtpd_helo_required");
    }
    if (postfix_value(postfix, "smtpd_tls_security_level", &level) == 0 &&
        (str_eq(level, STR("encrypt")) || postfix_is_yes(postfix, "smtpd_enforce_tls"))) {
        struct draft_rule *rule = draft_add(draft, "tls-required", NULL);
        draft_act_at(draft, rule, STAGE_MAIL);
        note_setting(postfix, rule, "smtpd_tls_security_level");
        note_setting(postfix, rule, "smtpd_enforce_tls");
    }
    return postfix->why->status ? -1 : 0;
}

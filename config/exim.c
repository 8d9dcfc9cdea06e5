/* Exim: the access control lists of each stage of the dialog, and what Exim refuses without being told. A
 * statement that lets go exempts from what follows in its list; one that refuses is a rule when it asks about
 * one measure and about nothing that narrows it down in a way that no policy has. */
#include "config/exim.h"

#include <stdlib.h>

#include "config/values.h"

struct walking {
    struct exim *exim;
    enum stage stage;
    struct exempt exempt;
    struct weights friends; /* zones that let go */
    struct place ended;
};

static bool is_named(const struct exim_condition *condition, const char *name)
{
    return str_eq(condition->name, str_of(name));
}

/* What changes nothing in who is refused. */
static bool is_modifier(const struct exim_condition *condition)
{
    static const char *const names[] = { "message", "log_message", "logwrite",   "log_reject_target",
                                         "set",     "control",     "add_header", "remove_header",
                                         "delay",   "continue",    "endpass",    "queue",
                                         "udpsend" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is_named(condition, names[i]))
            return true;
    return false;
}

static struct str text_of(struct exim *exim, const struct exim_statement *statement)
{
    struct arena *arena = &exim->draft->arena;
    struct str text = str_of(exim_verb_names[statement->verb]);
    for (size_t i = 0; i < statement->count; i++) {
        const struct exim_condition *condition = &statement->condition[i];
        if (is_modifier(condition) || text.len > 300)
            continue;
        text = arena_printf(arena, "%.*s %s%.*s%s%.*s", STR_ARG(text), condition->negated ? "!" : "",
                            STR_ARG(condition->name), condition->value.len ? " = " : "",
                            STR_ARG(condition->value));
    }
    return text;
}

/* ---- Who is let go. */

/* "local_parts = postmaster : abuse" with "domains = +local_domains", where that list is one of names. */
static bool add_mailboxes(struct exim *exim, struct str locals, struct str domains, struct exempt *exempt)
{
    struct arena *arena = &exim->draft->arena;
    struct exim_list local_list = exim_list(locals, arena);
    struct str local, domain;
    bool all = domains.at != NULL;
    if (all && domains.len && domains.at[0] == '+') {
        char name[128];
        snprintf(name, sizeof name, "domainlist %.*s", (int)(domains.len < 100 ? domains.len - 1 : 100),
                 domains.at + 1);
        domains = exim_option(exim, name, "");
    }
    while (all && exim_list_next(&local_list, &local)) {
        struct exim_list domain_list = exim_list(domains, arena);
        while (exim_list_next(&domain_list, &domain)) {
            struct str address = arena_printf(arena, "%.*s@%.*s", STR_ARG(local), STR_ARG(domain));
            if (is_domain_text(domain) && is_recipient_text(address))
                exempt_add_text(exim->draft, &exempt->recipients, address);
            else
                all = false;
        }
    }
    return all && exempt->recipients.count;
}

static void add_friends(struct walking *walking, struct str value)
{
    struct exim_list list = exim_list(value, &walking->exim->draft->arena);
    struct str item;
    while (exim_list_next(&list, &item))
        weights_add(walking->exim->draft, &walking->friends, item, -1, NULL);
}

/* accept: all of its conditions must be such as an exemption can say, and but one of them. */
static void take_accept(struct walking *walking, const struct exim_statement *statement)
{
    struct exim *exim = walking->exim;
    struct exempt more = walking->exempt;
    struct str all = text_of(exim, statement), locals = { NULL, 0 }, domains = { NULL, 0 };
    unsigned kinds = 0, others = 0;
    bool well = true, friends = false;
    for (size_t i = 0; i < statement->count; i++) {
        const struct exim_condition *condition = &statement->condition[i];
        struct str value = condition->value;
        if (is_modifier(condition) || (is_named(condition, "verify") && str_starts(value, STR("recipient"))))
            continue;
        if (condition->negated) {
            others++;
            continue;
        }
        if (is_named(condition, "domains")) {
            domains = value;
            continue;
        }
        if (is_named(condition, "hosts")) {
            kinds++;
            well = exim_hosts(exim, value, &more) && well;
        } else if (is_named(condition, "authenticated")) {
            kinds++;
            more.authenticated = true;
        } else if (is_named(condition, "recipients")) {
            kinds++;
            well = exim_recipients(exim, value, &more) && well;
        } else if (is_named(condition, "sender_domains")) {
            kinds++;
            well = exim_sender_domains(exim, value, &more) && well;
        } else if (is_named(condition, "local_parts")) {
            kinds++;
            locals = value;
        } else if (is_named(condition, "dnslists")) {
            kinds++;
            friends = true;
            add_friends(walking, value);
        } else {
            others++;
        }
    }
    if (locals.at)
        well = add_mailboxes(exim, locals, domains, &more) && well;
    else
        others += domains.at != NULL;
    if (!kinds && !others) {
        draft_mapped(exim->draft, NULL, statement->place, all);
        walking->ended = statement->place;
    } else if (kinds != 1 || others) {
        draft_unmapped(exim->draft, statement->place, all, "whom it lets go, no exemption can say");
    } else if (friends) {
        draft_partly(
            exim->draft, NULL, statement->place, all,
            "it lets who is listed pass the DNS lists behind it; that it lets them pass all else too, no "
            "policy can say");
    } else {
        walking->exempt = more;
        if (well)
            draft_mapped(exim->draft, NULL, statement->place, all);
        else
            draft_partly(exim->draft, NULL, statement->place, all,
                         "not all that it lets go can be said: write networks, domains or addresses");
    }
}

/* ---- What is refused. */

/* "hosts = !192.0.2.0/24": all but these. */
static bool all_but(struct exim_asking *asking, struct str value)
{
    struct exim_list list = exim_list(value, &asking->exim->draft->arena);
    struct exempt exempt = asking->exempt;
    struct str item;
    while (exim_list_next(&list, &item))
        if (!cut_char(&item, '!') || !exim_hosts(asking->exim, str_trim(item), &exempt))
            return false;
    asking->exempt = exempt;
    return true;
}

/* A condition beside the one that is asked about. NULL: it narrows nothing down, or what it spares is exempt
 * now; else why it cannot be said. */
static const char *narrow(struct exim_asking *asking, const struct exim_condition *condition, bool *partly)
{
    struct str value = condition->value;
    bool negated = condition->negated;
    const struct exim *exim = asking->exim;
    if (is_modifier(condition))
        return NULL;
    if (is_named(condition, "hosts") && negated)
        return exim_hosts(exim, value, &asking->exempt) ? NULL : (*partly = true, NULL);
    if (is_named(condition, "hosts"))
        return str_eq(str_trim(value), STR("*")) || all_but(asking, value) ? NULL
                                                                           : "it is for some clients only";
    if (is_named(condition, "authenticated") && negated)
        return asking->exempt.authenticated = true, NULL;
    if (is_named(condition, "domains") && !negated && exim_is_ours(value))
        return NULL;
    if (is_named(condition, "senders") && str_eq(str_trim(value), STR(":")))
        return negated ? (*partly = true, NULL) : NULL;
    if (is_named(condition, "sender_domains") && negated)
        return exim_sender_domains(exim, value, &asking->exempt) ? NULL : (*partly = true, NULL);
    if (is_named(condition, "recipients") && negated)
        return exim_recipients(exim, value, &asking->exempt) ? NULL : (*partly = true, NULL);
    if (is_named(condition, "acl") && negated)
        return *partly = true, NULL;
    if (is_named(condition, "condition") && str_find(value, STR("$spam_score_int")))
        return NULL;
    return "it is for some mail only";
}

static void outweigh(struct walking *walking)
{
    struct draft *draft = walking->exim->draft;
    struct draft_rule *rule = &draft->rules[draft->rule_count - 1];
    if (strcmp(rule->rule.measure->name, "dnsbl") == 0)
        friends_outweigh(draft, rule->parameters, &walking->friends);
}

/* Whether a condition asks about a measure, without making a rule of it: a draft of its own is thrown away.
 */
static bool asks(const struct exim_asking *asking, const struct exim_condition *condition, bool if_true)
{
    struct draft trial = { .delay_reject = false };
    struct exim exim = *asking->exim;
    struct exim_asking copy = *asking;
    const char *why = NULL;
    exim.draft = &trial;
    copy.exim = &exim;
    copy.all = STR("");
    bool found = !is_modifier(condition) && exim_ask(&copy, condition, if_true, &why) != EXIM_NOT;
    draft_close(&trial);
    return found;
}

static void take_refusal(struct walking *walking, const struct exim_statement *statement,
                         struct exim_asking *asking)
{
    struct draft *draft = walking->exim->draft;
    const struct exim_condition *asked = NULL;
    const char *why = NULL;
    bool partly = false;
    for (size_t i = 0; i < statement->count && !asked; i++)
        if (asks(asking, &statement->condition[i], true))
            asked = &statement->condition[i];
    for (size_t i = 0; i < statement->count && asked && !why; i++)
        if (&statement->condition[i] != asked)
            why = narrow(asking, &statement->condition[i], &partly);
    if (!asked)
        why = "the site's own rule, which is no measure";
    if (!why && exim_ask(asking, asked, true, &why) == EXIM_RULE) {
        outweigh(walking);
        if (partly)
            draft_partly(draft, &draft->rules[draft->rule_count - 1], statement->place, asking->all,
                         "not all whom it spares can be exempt");
        return;
    }
    draft_unmapped(draft, statement->place, asking->all, "%s", why);
}

/* require: each of its conditions refuses by itself. */
static void take_require(struct walking *walking, const struct exim_statement *statement,
                         struct exim_asking *asking)
{
    bool any = false;
    for (size_t i = 0; i < statement->count; i++) {
        const struct exim_condition *condition = &statement->condition[i];
        const char *why = NULL;
        if (is_modifier(condition))
            continue;
        any = true;
        enum exim_asked result = exim_ask(asking, condition, false, &why);
        if (result == EXIM_RULE)
            outweigh(walking);
        else
            draft_unmapped(walking->exim->draft, condition->place, asking->all, "%s",
                           why ? why : "the site's own rule, which is no measure");
    }
    if (!any)
        draft_mapped(walking->exim->draft, NULL, statement->place, asking->all);
}

/* warn delay = 5s at connect: how long the greeting is held back. */
static bool take_delay(struct walking *walking, const struct exim_statement *statement, usec *wait)
{
    usec delay = 0, sum = 0;
    for (size_t i = 0; i < statement->count; i++) {
        if (!is_named(&statement->condition[i], "delay"))
            return false;
        if (!config_time(statement->condition[i].value, 's', &delay))
            return false;
        sum += delay;
    }
    if (walking->stage != STAGE_CONNECT || statement->verb != VERB_WARN || !sum)
        return false;
    *wait += sum;
    return true;
}

static void take_statement(struct walking *walking, const struct exim_statement *statement, usec *wait)
{
    static const enum reply_class replies[VERBS] = { [VERB_DEFER] = REPLY_4XX,
                                                     [VERB_DENY] = REPLY_5XX,
                                                     [VERB_DROP] = REPLY_DROP,
                                                     [VERB_REQUIRE] = REPLY_5XX };
    struct exim *exim = walking->exim;
    struct exim_asking asking = { .exim = exim,
                                  .statement = statement,
                                  .stage = walking->stage,
                                  .exempt = walking->exempt,
                                  .warn = statement->verb == VERB_WARN,
                                  .reply = replies[statement->verb],
                                  .all = text_of(exim, statement) };
    if (walking->ended.file) {
        draft_unmapped(exim->draft, statement->place, asking.all, "nothing comes this far: %s:%zu",
                       walking->ended.file, walking->ended.line);
    } else if (statement->verb == VERB_ACCEPT) {
        take_accept(walking, statement);
    } else if (statement->verb == VERB_DISCARD) {
        draft_unmapped(exim->draft, statement->place, asking.all,
                       "mail that is taken and thrown away is no measure");
    } else if (take_delay(walking, statement, wait)) {
        draft_mapped(exim->draft, NULL, statement->place, STR("warn delay"));
    } else if (statement->verb == VERB_REQUIRE) {
        take_require(walking, statement, &asking);
    } else {
        take_refusal(walking, statement, &asking);
    }
}

/* ---- The lists. */

static void take_acl(struct exim *exim, const struct exim_option *option, enum stage stage, usec *wait)
{
    const struct exim_acl *acl = exim_acl_called(exim, option->value);
    struct walking walking = { .exim = exim, .stage = stage };
    exim->draft->apart = true;
    if (!acl) {
        draft_unmapped(
            exim->draft, option->place,
            arena_printf(&exim->draft->arena, "%.*s = %.*s", STR_ARG(option->name), STR_ARG(option->value)),
            "there is no ACL of that name here");
        return;
    }
    for (size_t i = 0; i < acl->count; i++)
        take_statement(&walking, &acl->statement[i], wait);
}

static void take_early_talkers(struct exim *exim, usec wait)
{
    const struct exim_option *ahead = exim_find(exim, STR("pipelining_connect_advertise_hosts"));
    struct exempt exempt = { 0 };
    if (!exim_is_true(exim, "smtp_enforce_sync", true) || !ahead)
        return; /* who may send ahead is not refused (pipelining_connect_advertise_hosts is all hosts) */
    bool all = exim_hosts(exim, ahead->value, &exempt);
    struct draft_rule *rule = draft_add(exim->draft, "early-talker", &exempt);
    ((struct early_talker_parameters *)rule->parameters)->wait = wait;
    rule->rule.reply = REPLY_DROP;
    draft_mapped(exim->draft, rule, ahead->place, STR("smtp_enforce_sync"));
    if (!all)
        draft_unmapped(exim->draft, ahead->place, ahead->value, "hosts that are no networks or names");
}

/* What Exim refuses by itself: names in HELO that are none (smtp_in.c, check_helo), senders without a domain
 * (receive.c), and commands that are sent ahead. */
static void take_defaults(struct exim *exim)
{
    struct place none = { NULL, 0 };
    if (!exim_find(exim, STR("helo_accept_junk_hosts"))) {
        struct draft_rule *rule = draft_add(exim->draft, "helo", NULL);
        struct helo_parameters *helo = rule->parameters;
        helo->require = false;
        helo->syntax = true;
        rule->suffix = "syntax";
        draft_mapped(exim->draft, rule, none, STR("Exim refuses names in HELO that cannot be one"));
    }
    if (!exim_find(exim, STR("sender_unqualified_hosts"))) {
        struct draft_rule *rule = draft_add(exim->draft, "sender-domain", NULL);
        struct sender_domain_parameters *sender = rule->parameters;
        sender->exists = sender->null_mx = false;
        sender->fqdn = true;
        rule->rule.reply = REPLY_5XX;
        rule->suffix = "fqdn";
        draft_mapped(exim->draft, rule, none, STR("Exim refuses senders without a domain"));
    }
    if (exim_is_true(exim, "smtp_enforce_sync", true)) {
        struct draft_rule *rule = draft_add(exim->draft, "pipelining", NULL);
        rule->rule.reply = REPLY_DROP;
        draft_mapped(exim->draft, rule, none, STR("Exim hangs up on who sends ahead of what it offers"));
    }
}

/* Limits and lists of main options that no policy has. */
static void name_others(struct exim *exim)
{
    static const char *const names[] = { "host_reject_connection",
                                         "helo_verify_hosts",
                                         "smtp_accept_max_per_host",
                                         "smtp_accept_max_per_connection",
                                         "recipients_max_reject",
                                         "acl_smtp_mime",
                                         "acl_smtp_dkim",
                                         "acl_smtp_etrn",
                                         "acl_smtp_vrfy",
                                         "acl_smtp_expn",
                                         "acl_smtp_auth",
                                         "acl_smtp_starttls",
                                         "acl_smtp_notquit",
                                         "acl_smtp_quit",
                                         "smtp_ratelimit_hosts",
                                         "message_size_limit",
                                         "smtp_max_unknown_commands",
                                         "smtp_max_synprot_errors",
                                         "local_scan_path",
                                         "acl_smtp_data_prdr" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct exim_option *option = exim_find(exim, str_of(names[i]));
        if (option)
            draft_unmapped(exim->draft, option->place,
                           arena_printf(&exim->draft->arena, "%s = %.*s", names[i], STR_ARG(option->value)),
                           "what it stops is no measure");
    }
}

static bool recognise(const struct config_file *file)
{
    struct config_lines lines = config_lines(file);
    struct str line;
    while (config_line_next(&lines, &line))
        if (str_starts(line, STR("begin acl")) || str_starts(line, STR("acl_smtp_")) ||
            str_starts(line, STR("begin routers")))
            return true;
    return false;
}

static int import(struct files *files, const struct config_options *options, struct draft *draft,
                  struct why *why)
{
    static const struct {
        const char *option;
        enum stage stage;
    } lists[] = { { "acl_smtp_connect", STAGE_CONNECT }, { "acl_smtp_helo", STAGE_HELO },
                  { "acl_smtp_mail", STAGE_MAIL },       { "acl_smtp_rcpt", STAGE_RCPT },
                  { "acl_smtp_predata", STAGE_DATA },    { "acl_smtp_data", STAGE_EOM } };
    struct exim exim = { .files = files, .draft = draft, .why = why };
    usec wait = 0;
    (void)options;
    const struct config_file *main = files->file[0];
    for (size_t i = files->count; i-- > 0;)
        if (recognise(files->file[i]))
            main = files->file[i];
    int result = exim_read(&exim, main);
    if (result == 0) {
        take_defaults(&exim);
        for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
            const struct exim_option *option = exim_find(&exim, str_of(lists[i].option));
            if (option)
                take_acl(&exim, option, lists[i].stage, &wait);
            if (i == 0)
                take_early_talkers(&exim, wait);
        }
        name_others(&exim);
    }
    exim_close(&exim);
    return result;
}

const struct config_server config_exim = { .name = "exim",
                                           .title = "Exim",
                                           .recognise = recognise,
                                           .import = import,
                                           .export = exim_export,
                                           .hint = exim_hint };

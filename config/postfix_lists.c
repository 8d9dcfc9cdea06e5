/* Postfix: the main.cf and master.cf that were given, and the restriction lists in the order in which smtpd
 * asks them (postfix smtpd_check.c, smtpd_check_rcpt()). */
#include <stdlib.h>
#include <sysexits.h>

#include "config/postfix.h"
#include "config/postfix_lines.h"
#include "config/server.h"

struct list {
    const char *name;
    enum stage stage;
};

/* What acts before RCPT waits for it under smtpd_delay_reject. */
static int walk_list(struct postfix *postfix, const struct list *list)
{
    struct items items;
    struct walk walk = { .postfix = postfix, .list = list->name, .stage = list->stage, .items = &items };
    if (postfix->draft->delay_reject && walk.stage < STAGE_RCPT)
        walk.stage = STAGE_RCPT;
    if (postfix_items(postfix, list->name, &items))
        return -1;
    postfix->draft->apart = true;
    int result = 0;
    while (result == 0 && walk.at < items.count)
        result = postfix_restriction(&walk);
    free(items.item);
    return result;
}

/* The relay list comes before that of recipients, or after it. */
static int walk_lists(struct postfix *postfix)
{
    static const struct list relay = { "smtpd_relay_restrictions", STAGE_RCPT };
    static const struct list recipient = { "smtpd_recipient_restrictions", STAGE_RCPT };
    static const struct list before[] = { { "smtpd_client_restrictions", STAGE_CONNECT },
                                          { "smtpd_helo_restrictions", STAGE_HELO },
                                          { "smtpd_sender_restrictions", STAGE_MAIL } };
    static const struct list after[] = { { "smtpd_data_restrictions", STAGE_DATA },
                                         { "smtpd_end_of_data_restrictions", STAGE_EOM } };
    bool relay_first = postfix_is_yes(postfix, "smtpd_relay_before_recipient_restrictions");
    for (size_t i = 0; i < 3; i++)
        if (walk_list(postfix, &before[i]))
            return -1;
    if (walk_list(postfix, relay_first ? &relay : &recipient) ||
        walk_list(postfix, relay_first ? &recipient : &relay))
        return -1;
    bool listed = false;
    for (size_t i = 0; i < postfix->draft->rule_count; i++)
        listed = listed || (strcmp(postfix->draft->rules[i].rule.measure->name, "recipient") == 0 &&
                            !postfix->draft->rules[i].rule.warn);
    if (!listed && postfix_is_yes(postfix, "smtpd_reject_unlisted_recipient")) {
        struct draft_rule *rule = draft_add(postfix->draft, "recipient", NULL);
        struct place place = postfix_place(postfix, "smtpd_reject_unlisted_recipient");
        draft_mapped(postfix->draft, rule, place,
                     place.line ? STR("smtpd_reject_unlisted_recipient = yes")
                                : STR("smtpd_reject_unlisted_recipient is on where nothing is said"));
    }
    for (size_t i = 0; i < 2; i++)
        if (walk_list(postfix, &after[i]))
            return -1;
    return 0;
}

/* What is asked at ETRN only, and what cuts off or looks into mail in ways that no policy has. */
static int name_others(struct postfix *postfix)
{
    static const struct {
        const char *name, *why;
    } others[] = {
        { "body_checks", "the site's own patterns, which are no measure" },
        { "header_checks", "the site's own patterns, which are no measure" },
        { "message_size_limit", "size is no measure; the record has what it refused as other" },
        { "milter_default_action", "what milters do is not in main.cf" },
        { "smtpd_client_connection_count_limit", "how many connections are open at once is no measure" },
        { "smtpd_client_new_tls_session_rate_limit", "TLS sessions are not counted by rate" },
        { "smtpd_forbid_bare_newline", "bare newlines are no measure" },
        { "smtpd_forbid_unauth_pipelining", "it hangs up at once; pipelining: acts at a stage" },
        { "smtpd_hard_error_limit", "being cut off after so many mistakes is no measure" },
        { "smtpd_milters", "what a milter refuses is not in main.cf; write spam:, virus:, dkim: or dmarc:" },
        { "smtpd_proxy_filter", "what a proxy refuses is not in main.cf; write spam: or virus:" },
        { "smtpd_recipient_limit", "how many recipients a message may have is no measure" },
        { "smtpd_reject_unlisted_sender", "whether a sender exists is no measure" },
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const struct setting *setting = postfix_setting(postfix, str_of(others[i].name));
        struct str value;
        if (!setting)
            continue;
        if (postfix_value(postfix, others[i].name, &value))
            return -1;
        if (value.len && !str_eq_nocase(value, STR("no")) && !str_eq(value, STR("0")))
            draft_unmapped(postfix->draft, setting->place,
                           arena_printf(&postfix->draft->arena, "%s = %.*s", others[i].name, STR_ARG(value)),
                           "%s", others[i].why);
    }
    struct items items;
    if (postfix_items(postfix, "smtpd_etrn_restrictions", &items))
        return -1;
    for (size_t i = 0; i < items.count; i++)
        draft_unmapped(postfix->draft, items.item[i].place, items.item[i].text,
                       "it is asked at ETRN only, which is no mail");
    free(items.item);
    return 0;
}

/* ---- master.cf: who listens at port 25, and what it is told with -o. */

static void take_override(struct postfix *postfix, struct str text, struct place place)
{
    struct str value = postfix_unbrace(text), name;
    if (!cut_until_char(&value, '=', &name))
        return;
    mem_room(postfix->override, postfix->override_room, postfix->override_count + 1);
    for (size_t i = 0; i < postfix->override_count; i++)
        if (str_eq(postfix->override[i].name, str_trim(name))) {
            postfix->override[i].value = value;
            postfix->override[i].place = place;
            return;
        }
    postfix->override[postfix->override_count++] = (struct setting){ str_trim(name), value, place };
}

static void take_overrides(struct postfix *postfix, const struct service *service)
{
    struct str rest = service->arguments, item;
    struct place place = service->place;
    const char *counted = rest.at;
    while (postfix_cut_item(&rest, &item)) {
        bool option = str_starts(item, STR("-o"));
        if (option && item.len == 2 && !postfix_cut_item(&rest, &item))
            return;
        if (!option)
            continue;
        for (; counted < item.at; counted++)
            place.line += *counted == '\n';
        take_override(postfix, str_starts(item, STR("-o")) ? str_skip(item, 2) : item, place);
    }
}

static const struct service *find_service(const struct postfix *postfix, const char *name, const char *type)
{
    for (size_t i = 0; i < postfix->service_count; i++) {
        struct str called = postfix->service[i].name;
        const char *colon = str_find_last(called, ':'); /* "192.0.2.1:smtp" */
        if (colon)
            called = str_range(colon + 1, called.at + called.len);
        bool same = str_eq(called, str_of(name)) || (strcmp(name, "smtp") == 0 && str_eq(called, STR("25")));
        if (same && str_eq(postfix->service[i].type, str_of(type)))
            return &postfix->service[i];
    }
    return NULL;
}

static bool speaks_of_postscreen(const struct postfix *postfix)
{
    static const char *const names[] = { "postscreen_greet_action",
                                         "postscreen_dnsbl_sites",
                                         "postscreen_dnsbl_action",
                                         "postscreen_pipelining_enable",
                                         "postscreen_non_smtp_command_enable",
                                         "postscreen_bare_newline_enable" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (postfix_setting(postfix, str_of(names[i])))
            return true;
    return false;
}

static void find_front(struct postfix *postfix)
{
    const struct service *front = find_service(postfix, "smtp", "inet");
    if (!front) {
        postfix->postscreen = speaks_of_postscreen(postfix);
        if (postfix->postscreen)
            draft_remark(postfix->draft,
                         "postscreen is taken to stand before smtpd, since main.cf speaks of it; give "
                         "master.cf too");
        return;
    }
    postfix->postscreen = str_eq(front->command, STR("postscreen"));
    if (postfix->postscreen) {
        take_overrides(postfix, front);
        front = find_service(postfix, "smtpd", "pass");
    }
    if (front)
        take_overrides(postfix, front);
}

static int read_files(struct postfix *postfix)
{
    for (size_t i = 0; i < postfix->files->count; i++) {
        const struct config_file *file = postfix->files->file[i];
        struct str name = str_of(file->name);
        if (str_ends(name, STR("master.cf"))) {
            if (postfix_read_master(postfix, file))
                return -1;
        } else if ((i == 0 || str_ends(name, STR("main.cf"))) && postfix_read_main(postfix, file)) {
            return -1;
        }
    }
    find_front(postfix);
    return 0;
}

static int import(struct files *files, const struct config_options *options, struct draft *draft,
                  struct why *why)
{
    struct postfix postfix = { .files = files, .draft = draft, .postgrey = options->postgrey, .why = why };
    int result = read_files(&postfix);
    if (result == 0) {
        postfix.soft_bounce = postfix_is_yes(&postfix, "soft_bounce");
        draft->delay_reject = postfix_is_yes(&postfix, "smtpd_delay_reject");
        if (!postfix_setting(&postfix, STR("mynetworks")))
            draft_remark(
                draft,
                "mynetworks is not set: Postfix takes this host's own (mynetworks_style), of which only "
                "the loopback ones are known here");
        result = (postfix.postscreen && postfix_postscreen(&postfix)) || postfix_limits(&postfix) ||
                         walk_lists(&postfix) || name_others(&postfix)
                     ? -1
                     : 0;
    }
    free(postfix.setting);
    free(postfix.override);
    free(postfix.service);
    return result;
}

/* "smtpd_recipient_restrictions = ...", "myhostname = ...". */
static bool recognise(const struct config_file *file)
{
    static const char *const words[] = { "smtpd_",          "myhostname",          "mydestination",
                                         "mynetworks",      "compatibility_level", "postscreen_",
                                         "queue_directory", "inet_interfaces" };
    struct config_lines lines = config_lines(file);
    struct str line;
    if (str_ends(str_of(file->name), STR("main.cf")))
        return true;
    while (config_line_next(&lines, &line)) {
        struct str value = line, name;
        if (!cut_until_char(&value, '=', &name))
            continue;
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (str_starts(name, str_of(words[i])))
                return true;
    }
    return false;
}

const struct config_server config_postfix = { .name = "postfix",
                                              .title = "Postfix",
                                              .recognise = recognise,
                                              .import = import,
                                              .export = postfix_export,
                                              .hint = postfix_hint };

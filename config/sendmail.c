/* sendmail.mc: the FEATUREs and settings of Sendmail's m4 configuration (cf/README), and what its rule sets
 * refuse without being told. Only read: what a policy asks for takes more than an .mc file. */
#include "config/server.h"

#include <assert.h>
#include <stdlib.h>
#include <sysexits.h>

enum { ARGUMENTS_MOST = 12 };

struct call {
    struct str name, argument[ARGUMENTS_MOST];
    size_t count;
    struct place place;
    struct str text;
};

struct sendmail {
    struct draft *draft;
    struct call *call;
    size_t count, room;
};

/* ---- m4: NAME(`a', `b'), quotes inside each other; dnl is a comment to the end of the line. */

/* The place behind the quote that closes the one at `i`, or the end. */
static size_t quoted_end(struct str text, size_t i)
{
    int depth = 0;
    for (; i < text.len; i++) {
        depth += text.at[i] == '`' ? 1 : text.at[i] == '\'' ? -1 : 0;
        if (!depth)
            return i + 1;
    }
    return text.len;
}

static struct str unquote(struct str text)
{
    text = str_trim(text);
    if (text.len >= 2 && text.at[0] == '`' && text.at[text.len - 1] == '\'')
        return (struct str){ text.at + 1, text.len - 2 };
    return text;
}

/* The arguments up to the closing bracket; false where there is none. */
static bool take_arguments(struct str text, size_t *at, struct call *call)
{
    size_t start = *at;
    int depth = 0;
    for (size_t i = *at; i < text.len; i++) {
        char c = text.at[i];
        if (c == '`') {
            i = quoted_end(text, i) - 1;
        } else if (c == '(') {
            depth++;
        } else if ((c == ',' && !depth) || (c == ')' && depth-- == 0)) {
            if (call->count < ARGUMENTS_MOST)
                call->argument[call->count++] = unquote(str_range(text.at + start, text.at + i));
            start = i + 1;
            if (c == ')') {
                *at = i + 1;
                return true;
            }
        }
    }
    return false;
}

static bool is_word(char c)
{
    return is_alnum(c) || c == '_';
}

static int read_calls(struct sendmail *sendmail, const struct config_file *file, struct why *why)
{
    struct str text = file->text;
    size_t line = file->line + 1, counted = 0;
    for (size_t i = 0; i < text.len;) {
        for (; counted < i; counted++)
            line += text.at[counted] == '\n';
        if (!is_word(text.at[i])) {
            if (text.at[i] == '#') { /* m4 leaves comments as they are */
                const char *end = memchr(text.at + i, '\n', text.len - i);
                i = end ? (size_t)(end - text.at) : text.len;
            } else {
                i++;
            }
            continue;
        }
        size_t end = i;
        while (end < text.len && is_word(text.at[end]))
            end++;
        struct call call = { .name = str_range(text.at + i, text.at + end), .place = { file->name, line } };
        if (str_eq(call.name, STR("dnl"))) {
            const char *next = memchr(text.at + end, '\n', text.len - end);
            i = next ? (size_t)(next - text.at) : text.len;
            continue;
        }
        size_t begin = i;
        i = end;
        if (end >= text.len || text.at[end] != '(')
            continue;
        i = end + 1;
        if (!take_arguments(text, &i, &call))
            return why_set(why, EX_DATAERR, "%s:%zu: %.*s( has no end; write the ) that closes it",
                           file->name, line, STR_ARG(call.name));
        call.text = str_range(text.at + begin, text.at + i);
        mem_room(sendmail->call, sendmail->room, sendmail->count + 1);
        sendmail->call[sendmail->count++] = call;
    }
    return 0;
}

static struct str argument(const struct call *call, size_t number)
{
    return number < call->count ? call->argument[number] : STR("");
}

static const struct call *find(const struct sendmail *sendmail, const char *name, const char *first)
{
    for (size_t i = sendmail->count; i-- > 0;)
        if (str_eq(sendmail->call[i].name, str_of(name)) &&
            str_eq(argument(&sendmail->call[i], 0), str_of(first)))
            return &sendmail->call[i];
    return NULL;
}

/* ---- What each does. */

static void map_list(struct sendmail *sendmail, const struct call *call)
{
    struct draft *draft = sendmail->draft;
    struct networks replies = { 0 };
    struct exempt none = { 0 };
    struct weights zones = { 0 };
    bool enhanced = str_eq(argument(call, 0), STR("enhdnsbl"));
    struct str says = argument(call, 2);
    cut_char(&says, '"');
    for (size_t i = 4; enhanced && i < call->count; i++) {
        struct str answer = call->argument[i];
        struct ip ip;
        if (answer.len && answer.at[answer.len - 1] == '.')
            answer.len--;
        if (!ip_parse(answer, &ip) || !ip_is_v4(&ip)) {
            draft_unmapped(draft, call->place, call->text, "the answers that count are no plain addresses");
            return;
        }
        struct prefix *grown = arena_alloc(&draft->arena, (replies.count + 1) * sizeof *grown);
        if (replies.count)
            memcpy(grown, replies.prefix, replies.count * sizeof *grown);
        grown[replies.count] = ip_network(&ip, 32, 128);
        replies = (struct networks){ grown, replies.count + 1, NULL };
    }
    if (!weights_add(draft, &zones, argument(call, 1), 1, &replies)) {
        draft_unmapped(draft, call->place, call->text, "not the name of a zone");
        return;
    }
    enum stage stage = draft->delay_reject ? STAGE_RCPT : STAGE_CONNECT;
    struct draft_rule *rule = draft_last(draft, "dnsbl", &none, false, stage);
    struct dnsbl_parameters *dnsbl = rule ? rule->parameters : NULL;
    for (size_t i = 0; dnsbl && i < dnsbl->zones.count; i++)
        if (str_eq_nocase(dnsbl->zones.weight[i].name, zones.weight[0].name))
            rule = NULL;
    if (!rule)
        rule = draft_add(draft, "dnsbl", NULL);
    dnsbl = rule->parameters;
    assert(dnsbl);
    weights_add(draft, &dnsbl->zones, argument(call, 1), 1, &replies);
    dnsbl->errors = ERRORS_LISTED;
    draft_reply(rule, says.len && is_digit(says.at[0]) ? says : STR("5"));
    draft_mapped(draft, rule, call->place, call->text);
}

static void map_rdns(struct sendmail *sendmail, const struct call *call)
{
    static const char *const measures_of[] = { "no-rdns", "fcrdns" };
    for (size_t i = 0; i < 2; i++) {
        struct draft_rule *rule = draft_add(sendmail->draft, measures_of[i], NULL);
        ((struct rdns_parameters *)rule->parameters)->on_error = ON_ERROR_HIT;
        draft_reply(rule, STR("550"));
        draft_mapped(sendmail->draft, rule, call->place, call->text);
    }
}

static void map_pause(struct sendmail *sendmail, const struct call *call)
{
    uint64_t milliseconds = 5000;
    if (call->count > 1 && !str_number(argument(call, 1), &milliseconds)) {
        draft_unmapped(sendmail->draft, call->place, call->text, "not a number of milliseconds");
        return;
    }
    struct draft_rule *rule = draft_add(sendmail->draft, "early-talker", NULL);
    ((struct early_talker_parameters *)rule->parameters)->wait =
        (usec)(milliseconds < 3600000 ? milliseconds : 3600000) * 1000;
    draft_act_at(sendmail->draft, rule, STAGE_BANNER);
    draft_mapped(sendmail->draft, rule, call->place, call->text);
}

static void map_bad_helo(struct sendmail *sendmail, const struct call *call)
{
    struct draft_rule *rule = draft_add(sendmail->draft, "helo", NULL);
    struct helo_parameters *helo = rule->parameters;
    helo->require = false;
    helo->fqdn = true;
    rule->suffix = "fqdn";
    const struct call *own = find(sendmail, "define", "confDOMAIN_NAME");
    if (own && is_domain_text(argument(own, 1)))
        exempt_add_text(sendmail->draft, &helo->own_name, argument(own, 1));
    draft_partly(sendmail->draft, rule, call->place, call->text,
                 "it refuses all names of class w; of these only confDOMAIN_NAME is known here");
}

static void map_delay(struct sendmail *sendmail, const struct call *call)
{
    if (argument(call, 1).len)
        draft_partly(
            sendmail->draft, NULL, call->place, call->text,
            "which recipients are friends or haters is in the access table; write the former as exempt");
    else
        draft_mapped(sendmail->draft, NULL, call->place, call->text);
}

#define OWN_TABLE "a table of the site's own, which is no measure"

static const struct {
    const char *feature;
    void (*map)(struct sendmail *sendmail, const struct call *call);
    const char *why;
} features[] = {
    { "dnsbl", map_list, NULL },
    { "enhdnsbl", map_list, NULL },
    { "require_rdns", map_rdns, NULL },
    { "greet_pause", map_pause, NULL },
    { "block_bad_helo", map_bad_helo, NULL },
    { "delay_checks", map_delay, NULL },
    { "access_db", NULL, OWN_TABLE },
    { "blocklist_recipients", NULL, OWN_TABLE },
    { "blacklist_recipients", NULL, OWN_TABLE },
    { "conncontrol", NULL, "how many connections are open at once is no measure" },
    { "ratecontrol", NULL, "its limits are in the access table; write rate:" },
    { "badmx", NULL, "what a sender's MX looks like is no measure" },
    { "check_cert_altnames", NULL, "certificates are not in the record" },
    { "greylist", NULL, "what greylists is not in the .mc file; write greylist:" },
    { "relay_based_on_MX", NULL, "who may relay by it is not in the record" },
    { "relay_mail_from", NULL, "who may relay by it is not in the record" },
    { "rhsbl", NULL, "a DNS list of names; dnsbl asks about client addresses" },
};

static void take_feature(struct sendmail *sendmail, const struct call *call)
{
    for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
        if (!str_eq(argument(call, 0), str_of(features[i].feature)))
            continue;
        if (features[i].map)
            features[i].map(sendmail, call);
        else
            draft_unmapped(sendmail->draft, call->place, call->text, "%s", features[i].why);
    }
}

/* What the rule sets and the daemon refuse unless a FEATURE or an option tells them not to. */
static void take_defaults(struct sendmail *sendmail)
{
    struct draft *draft = sendmail->draft;
    struct place none = { NULL, 0 };
    const struct call *privacy = find(sendmail, "define", "confPRIVACY_FLAGS");
    struct str flags = privacy ? argument(privacy, 1) : STR("");
    if (!find(sendmail, "define", "confALLOW_BOGUS_HELO")) {
        struct draft_rule *rule = draft_add(draft, "helo", NULL);
        ((struct helo_parameters *)rule->parameters)->require = false;
        ((struct helo_parameters *)rule->parameters)->syntax = true;
        draft_act_at(draft, rule, STAGE_HELO);
        rule->suffix = "syntax";
        draft_mapped(draft, rule, none, STR("Sendmail refuses names in HELO that cannot be one"));
    }
    if (privacy && (str_find(flags, STR("goaway")) || str_find(flags, STR("needmailhelo")))) {
        struct draft_rule *rule = draft_add(draft, "helo", NULL);
        draft_act_at(draft, rule, STAGE_MAIL);
        rule->suffix = "require";
        draft_mapped(draft, rule, privacy->place, privacy->text);
    }
    bool resolves = !find(sendmail, "FEATURE", "accept_unresolvable_domains");
    bool qualified = !find(sendmail, "FEATURE", "accept_unqualified_senders");
    if (resolves || qualified) {
        struct draft_rule *rule = draft_add(draft, "sender-domain", NULL);
        struct sender_domain_parameters *sender = rule->parameters;
        sender->exists = sender->null_mx = resolves;
        sender->fqdn = qualified;
        draft_reply(rule, STR("553"));
        draft_mapped(draft, rule, none,
                     STR("Sendmail refuses senders without a domain, or of one that does not exist"));
    }
}

static void take_recipients(struct sendmail *sendmail)
{
    struct draft *draft = sendmail->draft;
    struct exempt logged_in = { .authenticated = true };
    if (!find(sendmail, "FEATURE", "promiscuous_relay"))
        draft_mapped(draft, draft_add(draft, "relay", &logged_in), (struct place){ NULL, 0 },
                     STR("Sendmail refuses to relay"));
    draft_mapped(draft, draft_add(draft, "recipient", NULL), (struct place){ NULL, 0 },
                 STR("Sendmail refuses unknown users"));
}

static void name_others(struct sendmail *sendmail)
{
    static const struct {
        const char *name, *first, *why;
    } others[] = {
        { "INPUT_MAIL_FILTER", NULL,
          "what a milter refuses is not in the .mc file; write spam:, virus:, spf: and the like" },
        { "MAIL_FILTER", NULL, "what a milter refuses is not in the .mc file" },
        { "define", "confBAD_RCPT_THROTTLE", "being slowed down is no measure" },
        { "define", "confMAX_RCPTS_PER_MESSAGE", "how many recipients a message may have is no measure" },
        { "define", "confMAX_MESSAGE_SIZE", "size is no measure" },
        { "define", "confCONNECTION_RATE_THROTTLE", "it is for all clients together" },
        { "LOCAL_RULESETS", NULL, "rule sets of the site's own, which are no measure" },
    };
    for (size_t c = 0; c < sendmail->count; c++)
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
            if (str_eq(sendmail->call[c].name, str_of(others[i].name)) &&
                (!others[i].first || str_eq(argument(&sendmail->call[c], 0), str_of(others[i].first))))
                draft_unmapped(sendmail->draft, sendmail->call[c].place, sendmail->call[c].text, "%s",
                               others[i].why);
}

static int import(struct files *files, const struct config_options *options, struct draft *draft,
                  struct why *why)
{
    struct sendmail sendmail = { .draft = draft };
    (void)options;
    int result = read_calls(&sendmail, files->file[0], why);
    if (result == 0) {
        draft->delay_reject = find(&sendmail, "FEATURE", "delay_checks") != NULL;
        for (size_t i = 0; i < sendmail.count; i++)
            if (str_eq(sendmail.call[i].name, STR("FEATURE")))
                take_feature(&sendmail, &sendmail.call[i]);
        take_defaults(&sendmail);
        take_recipients(&sendmail);
        name_others(&sendmail);
    }
    free(sendmail.call);
    return result;
}

static bool recognise(const struct config_file *file)
{
    struct config_lines lines = config_lines(file);
    struct str line;
    if (str_ends(str_of(file->name), STR("sendmail.mc")))
        return true;
    while (config_line_next(&lines, &line))
        if (str_starts(line, STR("FEATURE(")) || str_starts(line, STR("OSTYPE(")) ||
            str_starts(line, STR("divert(-1)")))
            return true;
    return false;
}

const struct config_server config_sendmail = {
    .name = "sendmail", .title = "Sendmail", .recognise = recognise, .import = import
};

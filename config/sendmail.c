/* sendmail.mc: the FEATUREs and settings of Sendmail's m4 configuration (cf/README; cf/m4/proto.m4 has the
 * rule sets, with their order and codes), and what it refuses without being told. Only read: what a policy
 * asks for takes more than an .mc file. */
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
    struct exempt
        logged_in; /* whom the rule sets let go, under delay_checks, if TRUST_AUTH_MECH names some */
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
        bool alone = end >= text.len || text.at[end] != '(';
        i = end;
        if (alone && !str_eq(call.name, STR("LOCAL_RULESETS")))
            continue;
        i += !alone;
        if (!alone && !take_arguments(text, &i, &call))
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

static bool find_any(const struct sendmail *sendmail, const char *name)
{
    for (size_t i = 0; i < sendmail->count; i++)
        if (str_eq(sendmail->call[i].name, str_of(name)))
            return true;
    return false;
}

/* Whether a define() says yes: sendmail takes an option's value for true when it begins so (conf.c, atobool).
 */
static bool is_yes(const struct sendmail *sendmail, const char *name)
{
    const struct call *call = find(sendmail, "define", name);
    struct str value = call ? argument(call, 1) : STR("");
    return call && (!value.len || strchr("tTyY", value.at[0]));
}

/* A rule of the rule sets check_relay and check_mail, which let go who has logged in only if they wait for
 * RCPT. */
static struct draft_rule *add_check(struct sendmail *sendmail, const char *measure)
{
    return draft_add(sendmail->draft, measure, &sendmail->logged_in);
}

/* ---- What each does. */

static void map_list(struct sendmail *sendmail, const struct call *call)
{
    struct draft *draft = sendmail->draft;
    struct networks replies = { 0 };
    struct weights zones = { 0 };
    bool enhanced = str_eq(argument(call, 0), STR("enhdnsbl"));
    struct str says = argument(call, 2);
    cut_char(&says, '"');
    if (str_eq(says, STR("discard")) || str_eq(says, STR("quarantine"))) {
        draft_unmapped(draft, call->place, call->text, "mail that is taken and put aside is no measure");
        return;
    }
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
    struct draft_rule *rule = draft_last(draft, "dnsbl", &sendmail->logged_in, false, stage);
    struct dnsbl_parameters *dnsbl = rule ? rule->parameters : NULL;
    for (size_t i = 0; dnsbl && i < dnsbl->zones.count; i++)
        if (str_eq_nocase(dnsbl->zones.weight[i].name, zones.weight[0].name))
            rule = NULL;
    if (!rule)
        rule = add_check(sendmail, "dnsbl");
    dnsbl = rule->parameters;
    assert(dnsbl);
    weights_add(draft, &dnsbl->zones, argument(call, 1), 1, &replies);
    dnsbl->errors = ERRORS_LISTED;
    draft_reply(rule, says.len && is_digit(says.at[0]) ? says : STR("5"));
    draft_mapped(draft, rule, call->place, call->text);
}

/* A name that does not lead back is put off, none at all is refused (proto.m4, _REQUIRE_RDNS_). */
static void map_rdns(struct sendmail *sendmail, const struct call *call)
{
    static const struct {
        const char *measure, *code;
    } both[] = { { "no-rdns", "550" }, { "fcrdns", "451" } };
    for (size_t i = 0; i < 2; i++) {
        struct draft_rule *rule = add_check(sendmail, both[i].measure);
        ((struct rdns_parameters *)rule->parameters)->on_error = ON_ERROR_HIT;
        draft_reply(rule, str_of(both[i].code));
        draft_mapped(sendmail->draft, rule, call->place, call->text);
    }
}

static void map_pause(struct sendmail *sendmail, const struct call *call)
{
    uint64_t milliseconds = 0;
    if (!argument(call, 1).len || !str_number(argument(call, 1), &milliseconds)) {
        draft_unmapped(sendmail->draft, call->place, call->text,
                       argument(call, 1).len ? "not a number of milliseconds"
                                             : "whom it holds back, and how long, is in the access table");
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
    struct exempt logged_in = { .authenticated = true };
    struct draft_rule *rule = draft_add(sendmail->draft, "helo", &logged_in);
    struct helo_parameters *helo = rule->parameters;
    helo->require = false;
    helo->fqdn = true;
    draft_act_at(sendmail->draft, rule, STAGE_RCPT);
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

#define OWN_TABLE  "a table of the site's own, which is no measure"
#define WHO_RELAYS "who may relay by it is not in the record"

/* When the rule sets ask, if delay_checks has all of them wait for RCPT: who may relay and the sender before
 * these, and unknown users behind them. Else the stages part them. */
enum turn { AHEAD, LISTS, NAMES, HELO, TURNS };

static const struct {
    const char *feature;
    void (*map)(struct sendmail *sendmail, const struct call *call);
    const char *why;
    enum turn turn;
} features[] = {
    { "delay_checks", map_delay, NULL, AHEAD },
    { "greet_pause", map_pause, NULL, AHEAD },
    { "dnsbl", map_list, NULL, LISTS },
    { "enhdnsbl", map_list, NULL, LISTS },
    { "require_rdns", map_rdns, NULL, NAMES },
    { "block_bad_helo", map_bad_helo, NULL, HELO },
    { "access_db", NULL, OWN_TABLE, AHEAD },
    { "blocklist_recipients", NULL, OWN_TABLE, AHEAD },
    { "blacklist_recipients", NULL, OWN_TABLE, AHEAD },
    { "compat_check", NULL, OWN_TABLE, AHEAD },
    { "conncontrol", NULL, "how many connections are open at once is no measure", AHEAD },
    { "ratecontrol", NULL, "its limits are in the access table; write rate:", AHEAD },
    { "badmx", NULL, "what a sender's MX looks like is no measure", AHEAD },
    { "check_cert_altnames", NULL, "certificates are not in the record", AHEAD },
    { "greylist", NULL, "what greylists is not in the .mc file; write greylist:", AHEAD },
    { "loose_relay_check", NULL, WHO_RELAYS, AHEAD },
    { "relay_based_on_MX", NULL, WHO_RELAYS, AHEAD },
    { "relay_entire_domain", NULL, WHO_RELAYS, AHEAD },
    { "relay_hosts_only", NULL, WHO_RELAYS, AHEAD },
    { "relay_local_from", NULL, WHO_RELAYS, AHEAD },
    { "relay_mail_from", NULL, WHO_RELAYS, AHEAD },
    { "rhsbl", NULL, "a DNS list of names; dnsbl asks about client addresses", AHEAD },
};

static void take_features(struct sendmail *sendmail, enum turn turn)
{
    for (size_t c = 0; c < sendmail->count; c++) {
        const struct call *call = &sendmail->call[c];
        for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
            if (features[i].turn != turn || !str_eq(call->name, STR("FEATURE")) ||
                !str_eq(argument(call, 0), str_of(features[i].feature)))
                continue;
            if (features[i].map)
                features[i].map(sendmail, call);
            else
                draft_unmapped(sendmail->draft, call->place, call->text, "%s", features[i].why);
        }
    }
}

/* What the daemon refuses unless an option tells it not to. */
static void take_daemon(struct sendmail *sendmail)
{
    struct draft *draft = sendmail->draft;
    const struct call *privacy = find(sendmail, "define", "confPRIVACY_FLAGS");
    struct str flags = privacy ? argument(privacy, 1) : STR("");
    if (!is_yes(sendmail, "confALLOW_BOGUS_HELO")) {
        struct draft_rule *rule = draft_add(draft, "helo", NULL);
        ((struct helo_parameters *)rule->parameters)->require = false;
        ((struct helo_parameters *)rule->parameters)->syntax = true;
        draft_act_at(draft, rule, STAGE_HELO);
        rule->suffix = "syntax";
        draft_mapped(draft, rule, (struct place){ NULL, 0 },
                     STR("Sendmail refuses names in HELO that cannot be one"));
    }
    if (str_find(flags, STR("goaway")) || str_find(flags, STR("needmailhelo"))) {
        struct draft_rule *rule = draft_add(draft, "helo", NULL);
        draft_act_at(draft, rule, STAGE_MAIL);
        rule->suffix = "require";
        draft_mapped(draft, rule, privacy->place, privacy->text);
    }
}

/* Who has logged in may relay if its mechanism is one of TRUST_AUTH_MECH (cf/README, SMTP AUTHENTICATION). */
static void take_relay(struct sendmail *sendmail)
{
    struct exempt logged_in = { .authenticated = find_any(sendmail, "TRUST_AUTH_MECH") };
    if (!find(sendmail, "FEATURE", "promiscuous_relay"))
        draft_mapped(sendmail->draft, draft_add(sendmail->draft, "relay", &logged_in),
                     (struct place){ NULL, 0 }, STR("Sendmail refuses to relay"));
}

static void take_sender(struct sendmail *sendmail)
{
    bool resolves = !find(sendmail, "FEATURE", "accept_unresolvable_domains");
    bool qualified = !find(sendmail, "FEATURE", "accept_unqualified_senders");
    if (!resolves && !qualified)
        return;
    struct draft_rule *rule = add_check(sendmail, "sender-domain");
    struct sender_domain_parameters *sender = rule->parameters;
    sender->exists = sender->null_mx = resolves;
    sender->fqdn = qualified;
    draft_reply(rule, STR("553"));
    draft_mapped(sendmail->draft, rule, (struct place){ NULL, 0 },
                 STR("Sendmail refuses senders without a domain, or of one that does not exist"));
}

static void take_recipient(struct sendmail *sendmail)
{
    const struct call *taken = find(sendmail, "define", "LUSER_RELAY");
    if (taken)
        draft_mapped(sendmail->draft, NULL, taken->place, taken->text);
    else
        draft_mapped(sendmail->draft, draft_add(sendmail->draft, "recipient", NULL),
                     (struct place){ NULL, 0 }, STR("Sendmail refuses unknown users"));
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
        { "RELAY_DOMAIN", NULL, "who may relay: write networks as exempt of relay" },
        { "RELAY_DOMAIN_FILE", NULL, "who may relay: write networks as exempt of relay" },
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
        sendmail.logged_in.authenticated = draft->delay_reject && find_any(&sendmail, "TRUST_AUTH_MECH");
        take_features(&sendmail, AHEAD);
        take_daemon(&sendmail);
        take_relay(&sendmail);
        take_sender(&sendmail);
        for (enum turn turn = LISTS; turn < TURNS; turn++)
            take_features(&sendmail, turn);
        take_recipient(&sendmail);
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

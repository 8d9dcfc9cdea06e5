/* OpenSMTPD: the filters of those who listen at port 25, and what smtpd refuses without being told. */
#include "config/opensmtpd.h"

#include <stdlib.h>

#include "config/values.h"

struct filtering {
    struct smtpd_conf *conf;
    struct exempt *spared; /* by stage: whom bypass has let go */
    const struct smtpd_line *line;
    enum stage stage;
    struct exempt exempt;
    size_t at; /* the word behind "match" */
};

static const struct {
    const char *phase;
    enum stage stage;
} phases[] = {
    { "connect", STAGE_CONNECT }, { "helo", STAGE_HELO },    { "ehlo", STAGE_HELO },
    { "mail-from", STAGE_MAIL },  { "rcpt-to", STAGE_RCPT }, { "data", STAGE_DATA },
    { "commit", STAGE_EOM },
};

static void unmapped(struct filtering *filtering, const char *why)
{
    draft_unmapped(filtering->conf->draft, filtering->line->place, filtering->line->text, "%s", why);
}

/* ---- Tables. */

struct gathering {
    struct draft *draft;
    struct exempt *exempt;
    struct texts *names;
    bool all;
};

static void add_network(void *state, struct str entry)
{
    struct gathering *gathering = state;
    struct prefix prefix;
    if (network_of(entry, &prefix))
        exempt_add_network(gathering->draft, gathering->exempt, &prefix);
    else
        gathering->all = false;
}

static void add_name(void *state, struct str entry)
{
    struct gathering *gathering = state;
    if (is_domain_text(entry))
        exempt_add_text(gathering->draft, gathering->names, entry);
    else
        gathering->all = false;
}

static void add_recipient(void *state, struct str entry)
{
    struct gathering *gathering = state;
    if (is_recipient_text(entry))
        exempt_add_text(gathering->draft, &gathering->exempt->recipients, entry);
    else
        gathering->all = false;
}

/* A value is a table, or one entry. */
static bool each_entry(struct filtering *filtering, struct str value,
                       void (*take)(void *state, struct str entry), struct gathering *gathering)
{
    if (!value.at)
        return false;
    if (value.len && value.at[0] == '<')
        return smtpd_table(filtering->conf, value, take, gathering);
    take(gathering, value);
    return true;
}

/* ---- match [!]condition [value] ... */

enum condition { NO_CONDITION, RDNS, FCRDNS, SRC, HELO, AUTH, MAIL_FROM, RCPT_TO };

static enum condition condition_of(struct str word)
{
    static const struct {
        const char *name;
        enum condition condition;
    } names[] = { { "rdns", RDNS }, { "fcrdns", FCRDNS },       { "src", SRC },        { "helo", HELO },
                  { "auth", AUTH }, { "mail-from", MAIL_FROM }, { "rcpt-to", RCPT_TO } };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(word, str_of(names[i].name)))
            return names[i].condition;
    return NO_CONDITION;
}

struct matched {
    enum condition asked; /* what it is about; the rest spares */
    bool negated;
    struct str value;
    unsigned conditions;
    const char *why; /* it cannot be said */
};

static bool is_value(const struct smtpd_word *word)
{
    return word->quoted || (word->text.len && word->text.at[0] == '<');
}

/* "!src <friends>" and "!auth" spare, whatever else is asked. */
static bool spare(struct filtering *filtering, enum condition condition, struct str value,
                  struct matched *matched)
{
    struct gathering gathering = { filtering->conf->draft, &filtering->exempt,
                                   &filtering->exempt.sender_domains, true };
    bool had = true;
    if (condition == AUTH)
        filtering->exempt.authenticated = true;
    else if (condition == SRC)
        had = each_entry(filtering, value, add_network, &gathering);
    else if (condition == RCPT_TO)
        had = each_entry(filtering, value, add_recipient, &gathering);
    else
        return false;
    if (!had || !gathering.all)
        matched->why = "the table of whom it spares cannot be read, or has entries that no policy can have";
    return true;
}

static struct matched take_match(struct filtering *filtering)
{
    const struct smtpd_line *line = filtering->line;
    struct matched matched = { .asked = NO_CONDITION };
    size_t i = filtering->at;
    while (i < line->count) {
        bool negated = false;
        while (i < line->count && str_eq(line->word[i].text, STR("!"))) {
            negated = !negated;
            i++;
        }
        enum condition condition =
            i < line->count && !line->word[i].quoted ? condition_of(line->word[i].text) : NO_CONDITION;
        if (condition == NO_CONDITION)
            break;
        i++;
        struct str value = { NULL, 0 };
        if (i < line->count && is_value(&line->word[i]) && condition != AUTH && condition != FCRDNS)
            value = line->word[i++].text;
        matched.conditions++;
        if (negated && spare(filtering, condition, value, &matched))
            continue;
        if (matched.asked != NO_CONDITION)
            matched.why = "it asks about two things at once";
        matched.asked = condition;
        matched.negated = negated;
        matched.value = value;
    }
    filtering->at = i;
    return matched;
}

/* ---- What it does. */

static struct draft_rule *rule_for(struct filtering *filtering, const char *measure, struct str reply)
{
    struct draft *draft = filtering->conf->draft;
    struct draft_rule *rule = draft_last(draft, measure, &filtering->exempt, false, filtering->stage);
    if (!rule || strcmp(measure, "helo") != 0) {
        rule = draft_add(draft, measure, &filtering->exempt);
        draft_act_at(draft, rule, filtering->stage);
    }
    draft_reply(rule, reply);
    draft_mapped(draft, rule, filtering->line->place, filtering->line->text);
    return rule;
}

static void refuse(struct filtering *filtering, const struct matched *matched, struct str reply)
{
    struct draft *draft = filtering->conf->draft;
    bool plain = !matched->value.at;
    if (matched->why) {
        unmapped(filtering, matched->why);
    } else if ((matched->asked == RDNS || matched->asked == FCRDNS) && matched->negated && plain) {
        struct draft_rule *rule = rule_for(filtering, matched->asked == RDNS ? "no-rdns" : "fcrdns", reply);
        ((struct rdns_parameters *)rule->parameters)->on_error = ON_ERROR_HIT;
    } else if (matched->asked == HELO && !matched->negated) {
        struct texts names = { 0 };
        struct gathering gathering = { draft, &filtering->exempt, &names, true };
        if (!each_entry(filtering, matched->value, add_name, &gathering) || !names.count) {
            unmapped(filtering, "the table of names cannot be read; give its file beside smtpd.conf");
            return;
        }
        size_t before = draft->rule_count;
        struct draft_rule *rule = rule_for(filtering, "helo", reply);
        struct helo_parameters *helo = rule->parameters;
        if (draft->rule_count > before)
            helo->require = false;
        for (size_t i = 0; i < names.count; i++)
            exempt_add_text(draft, &helo->own_name, names.text[i]);
        rule->suffix = "own-name";
        if (!gathering.all)
            draft_unmapped(draft, filtering->line->place, matched->value,
                           "patterns among the names; a policy has whole names");
    } else {
        unmapped(filtering, "the site's own rule, which is no measure");
    }
}

/* "match src <friends> bypass": what follows in this phase is not asked of them. */
static void let_go(struct filtering *filtering, const struct matched *matched)
{
    struct exempt kept = filtering->exempt, more;
    struct matched trial = *matched;
    if (matched->negated || matched->conditions != 1 ||
        !spare(filtering, matched->asked, matched->value, &trial)) {
        unmapped(filtering, "whom it lets go, no exemption can say");
        return;
    }
    more = filtering->exempt;
    filtering->exempt = kept;
    filtering->spared[filtering->stage] = more;
    if (trial.why)
        draft_partly(filtering->conf->draft, NULL, filtering->line->place, filtering->line->text, "%s",
                     trial.why);
    else
        draft_mapped(filtering->conf->draft, NULL, filtering->line->place, filtering->line->text);
}

static void take_phase(struct filtering *filtering)
{
    const struct smtpd_line *line = filtering->line;
    struct str phase = line->count > 3 ? line->word[3].text : STR("");
    size_t i = 0, count = sizeof phases / sizeof *phases, match = smtpd_find(line, 4, "match");
    while (i < count && !str_eq(str_of(phases[i].phase), phase))
        i++;
    if (i == count || match == line->count) {
        unmapped(filtering, "its phase or what it matches is missing, or is not one of smtpd.conf(5)'s");
        return;
    }
    filtering->stage = phases[i].stage;
    filtering->exempt = filtering->spared[filtering->stage];
    filtering->at = match + 1;
    struct matched matched = take_match(filtering);
    struct str action = filtering->at < line->count ? line->word[filtering->at].text : STR("");
    struct str reply = filtering->at + 1 < line->count ? line->word[filtering->at + 1].text : STR("5");
    if (str_eq(action, STR("disconnect")) || str_eq(action, STR("reject")))
        refuse(filtering, &matched, reply);
    else if (str_eq(action, STR("bypass")))
        let_go(filtering, &matched);
    else
        unmapped(filtering, "it stops nobody");
}

/* proc-exec "filter-dnsbl -m zen.example.org", "filter-rspamd". */
static void take_program(struct filtering *filtering, struct str command)
{
    struct draft *draft = filtering->conf->draft;
    struct str rest = command, word;
    if (str_find(command, STR("dnsbl"))) {
        struct weights zones = { 0 };
        bool marks = false;
        cut_token(&rest, &word);
        while (cut_token(&rest, &word)) {
            marks = marks || (word.at[0] == '-' && memchr(word.at, 'm', word.len));
            if (word.at[0] != '-' && !weights_add(draft, &zones, word, 1, NULL))
                draft_unmapped(draft, filtering->line->place, word, "not the name of a zone");
        }
        filtering->stage = STAGE_CONNECT;
        struct draft_rule *rule = rule_for(filtering, "dnsbl", STR("5"));
        struct dnsbl_parameters *dnsbl = rule->parameters;
        dnsbl->zones = zones;
        dnsbl->errors = ERRORS_LISTED;
        rule->rule.warn = marks;
    } else if (str_find(command, STR("rspamd"))) {
        filtering->stage = STAGE_EOM;
        struct draft_rule *rule = rule_for(filtering, "spam", STR("5"));
        draft_partly(draft, rule, filtering->line->place, STR("rspamd"),
                     "the score is rspamd's own where it has no other");
    } else {
        unmapped(filtering, "what that program refuses is not in smtpd.conf");
    }
}

static void take_filter(struct smtpd_conf *conf, struct exempt *spared, struct str name, int depth)
{
    enum { WORK_MOST = 1000 }; /* a chain in which it stands itself grows with each turn */
    if (++conf->work > WORK_MOST) {
        if (conf->work == WORK_MOST + 1)
            draft_remark(conf->draft, "chains of more than %d filters: the rest is left out", WORK_MOST);
        return;
    }
    for (size_t i = 0; i < conf->count; i++) {
        const struct smtpd_line *line = &conf->line[i];
        struct filtering filtering = { .conf = conf, .spared = spared, .line = line };
        if (!smtpd_is(line, "filter", NULL) || line->count < 4 || !str_eq(line->word[1].text, name))
            continue;
        if (str_eq(line->word[2].text, STR("phase"))) {
            take_phase(&filtering);
        } else if (str_eq(line->word[2].text, STR("chain")) && depth < 8) {
            draft_mapped(conf->draft, NULL, line->place, line->text);
            for (size_t w = 3; w < line->count; w++)
                if (conf->work <= WORK_MOST && (line->word[w].quoted || is_alnum(line->word[w].text.at[0])))
                    take_filter(conf, spared, line->word[w].text, depth + 1);
        } else if (str_eq(line->word[2].text, STR("proc-exec"))) {
            take_program(&filtering, line->word[3].text);
        } else {
            unmapped(&filtering, "what that program refuses is not in smtpd.conf");
        }
        return;
    }
    draft_remark(conf->draft, "there is no filter \"%.*s\" here", STR_ARG(name));
}

/* ---- Who listens. */

static bool is_port_25(const struct smtpd_line *line)
{
    size_t port = smtpd_find(line, 1, "port");
    if (smtpd_is(line, "listen", "on") && line->count > 2 && str_eq(line->word[2].text, STR("socket")))
        return false;
    if (smtpd_find(line, 1, "smtps") < line->count && port == line->count)
        return false;
    return port + 1 >= line->count || str_eq(line->word[port + 1].text, STR("25")) ||
           str_eq(line->word[port + 1].text, STR("smtp"));
}

/* What smtpd refuses of itself (smtp_session.c): MAIL before HELO, names that are none, commands sent ahead,
 * and whoever no "match" takes. */
static void take_defaults(struct smtpd_conf *conf)
{
    static const struct {
        const char *measure, *what;
    } own[] = { { "helo", "smtpd wants HELO, and a name that can be one" },
                { "pipelining", "smtpd refuses what is sent ahead" },
                { "relay", "smtpd refuses recipients that no match takes" },
                { "recipient", "smtpd refuses recipients that its actions do not know" } };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        struct draft_rule *rule = draft_add(conf->draft, own[i].measure, NULL);
        if (i == 0)
            ((struct helo_parameters *)rule->parameters)->syntax = true;
        draft_mapped(conf->draft, rule, (struct place){ NULL, 0 }, str_of(own[i].what));
    }
}

static void take_listener(struct smtpd_conf *conf)
{
    struct exempt spared[STAGES] = { { 0 } };
    const struct smtpd_line *first = NULL;
    for (size_t i = 0; i < conf->count && !first; i++)
        if (smtpd_is(&conf->line[i], "listen", NULL) && is_port_25(&conf->line[i]))
            first = &conf->line[i];
    if (!first)
        return;
    if (smtpd_find(first, 1, "tls-require") < first->count) {
        struct draft_rule *rule = draft_add(conf->draft, "tls-required", NULL);
        draft_mapped(conf->draft, rule, first->place, first->text);
    }
    size_t filter = smtpd_find(first, 1, "filter");
    if (filter + 1 < first->count)
        take_filter(conf, spared, first->word[filter + 1].text, 0);
    for (size_t i = 0; i < conf->count; i++) {
        const struct smtpd_line *line = &conf->line[i];
        if (smtpd_is(line, "match", NULL) && smtpd_find(line, 1, "reject") < line->count)
            draft_unmapped(conf->draft, line->place, line->text, "the site's own rule, which is no measure");
        else if (smtpd_is(line, "smtp", "limit") || smtpd_is(line, "smtp", "max-message-size"))
            draft_unmapped(conf->draft, line->place, line->text, "limits of size and number are no measure");
        else if (line != first && smtpd_is(line, "listen", NULL) && is_port_25(line) &&
                 smtpd_find(line, 1, "filter") + 1 < line->count && filter + 1 < first->count &&
                 !str_eq(line->word[smtpd_find(line, 1, "filter") + 1].text, first->word[filter + 1].text))
            draft_unmapped(conf->draft, line->place, line->text,
                           "another filter than the first listener's; write it as a policy of its own");
    }
}

static int import(struct files *files, const struct config_options *options, struct draft *draft,
                  struct why *why)
{
    struct smtpd_conf conf = { .files = files, .draft = draft, .why = why };
    (void)options;
    int result = smtpd_read(&conf, files->file[0]);
    if (result == 0) {
        take_defaults(&conf);
        take_listener(&conf);
    }
    smtpd_close(&conf);
    return result;
}

static bool recognise(const struct config_file *file)
{
    struct config_lines lines = config_lines(file);
    struct str line;
    if (str_ends(str_of(file->name), STR("smtpd.conf")))
        return true;
    while (config_line_next(&lines, &line))
        if (str_starts(line, STR("listen on ")) || str_starts(line, STR("match from ")) ||
            str_starts(line, STR("match for ")))
            return true;
    return false;
}

const struct config_server config_opensmtpd = { .name = "opensmtpd",
                                                .title = "OpenSMTPD",
                                                .recognise = recognise,
                                                .import = import,
                                                .export = opensmtpd_export,
                                                .hint = opensmtpd_hint };

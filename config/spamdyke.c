/* spamdyke.conf (spamdyke 5, its README): name=value, a filter each. spamdyke refuses at RCPT whatever it
 * found before, and lets who has logged in pass. Only read: spamdyke is not written for any more. */
#include "config/server.h"

#include <stdlib.h>

#include "config/values.h"

struct spamdyke {
    struct files *files;
    struct draft *draft;
    struct exempt exempt;
    struct weights zones, friends;
    bool no_rdns, resolves, sender, recipient, greylist, open;
    usec wait, delay, lifetime;
};

enum option {
    EMPTY_RDNS,
    UNRESOLVABLE,
    ZONE,
    FRIEND,
    ALLOW_IP,
    ALLOW_RDNS,
    ALLOW_SENDER,
    ALLOW_RECIPIENT,
    GREETING,
    GREY_LEVEL,
    GREY_MIN,
    GREY_MAX,
    REJECT_SENDER,
    REJECT_MX,
    REJECT_RECIPIENT,
    RELAY_LEVEL,
    NAMED
};

static const struct {
    const char *name;
    enum option option;
    const char *why;
} options_known[] = {
    { "reject-empty-rdns", EMPTY_RDNS, NULL },
    { "reject-unresolvable-rdns", UNRESOLVABLE, NULL },
    { "dns-blacklist-entry", ZONE, NULL },
    { "dns-blacklist-file", ZONE, NULL },
    { "dns-whitelist-entry", FRIEND, NULL },
    { "dns-whitelist-file", FRIEND, NULL },
    { "ip-whitelist-entry", ALLOW_IP, NULL },
    { "ip-whitelist-file", ALLOW_IP, NULL },
    { "rdns-whitelist-entry", ALLOW_RDNS, NULL },
    { "rdns-whitelist-file", ALLOW_RDNS, NULL },
    { "sender-whitelist-entry", ALLOW_SENDER, NULL },
    { "sender-whitelist-file", ALLOW_SENDER, NULL },
    { "recipient-whitelist-entry", ALLOW_RECIPIENT, NULL },
    { "recipient-whitelist-file", ALLOW_RECIPIENT, NULL },
    { "greeting-delay-secs", GREETING, NULL },
    { "graylist-level", GREY_LEVEL, NULL },
    { "graylist-min-secs", GREY_MIN, NULL },
    { "graylist-max-secs", GREY_MAX, NULL },
    { "reject-sender", REJECT_SENDER, NULL },
    { "reject-missing-sender-mx", REJECT_MX, NULL },
    { "reject-recipient", REJECT_RECIPIENT, NULL },
    { "relay-level", RELAY_LEVEL, NULL },
    { "reject-ip-in-cc-rdns", NAMED, "what a client's name looks like is no measure" },
    { "ip-in-rdns-keyword-blacklist", NAMED, "what a client's name looks like is no measure" },
    { "ip-in-rdns-keyword-whitelist", NAMED, "what a client's name looks like is no measure" },
    { "rhs-blacklist", NAMED, "a DNS list of names; dnsbl asks about client addresses" },
    { "rhs-whitelist", NAMED, "nobody can be exempt by a DNS list of names" },
    { "ip-blacklist", NAMED, "the site's own list, which is no measure" },
    { "rdns-blacklist", NAMED, "the site's own list, which is no measure" },
    { "sender-blacklist", NAMED, "the site's own list, which is no measure" },
    { "recipient-blacklist", NAMED, "the site's own list, which is no measure" },
    { "header-blacklist", NAMED, "the site's own patterns, which are no measure" },
    { "reject-identical-sender-recipient", NAMED, "a sender who writes to himself is no measure" },
    { "max-recipients", NAMED, "how many recipients a message may have is no measure" },
    { "graylist-exception", NAMED, "whom greylisting spares, write as exempt of greylist" },
    { "filter-level", NAMED, "what is asked of whom in general no policy can say" },
    { "smtp-auth-level", NAMED, "that one must log in is no measure" },
    { "ip-relay", NAMED, "who may relay: write networks as exempt of relay" },
    { "rdns-relay", NAMED, "who may relay: write networks as exempt of relay" },
    { "rdns-whitelist-dir", NAMED, "its names are those of files; write them as exempt, client-names" },
    { "access-file", NAMED, "the site's own table, which is no measure" },
    { "config-dir", NAMED, "what holds for some clients or recipients only, write as a policy of its own" },
};

static bool is_yes(struct str value)
{
    return !value.len || str_eq_nocase(value, STR("yes")) || str_eq_nocase(value, STR("true")) ||
           str_eq_nocase(value, STR("on")) || str_eq(value, STR("1"));
}

static bool take_entry(struct spamdyke *spamdyke, enum option option, struct str entry)
{
    struct draft *draft = spamdyke->draft;
    struct exempt *exempt = &spamdyke->exempt;
    struct prefix prefix;
    struct str domain = entry;
    cut_char(&domain, '@');
    cut_char(&domain, '.');
    switch (option) {
    case ZONE:
        return weights_add(draft, &spamdyke->zones, entry, 1, NULL);
    case FRIEND:
        return weights_add(draft, &spamdyke->friends, entry, -1, NULL);
    case ALLOW_IP:
        if (!network_of(entry, &prefix))
            return false;
        exempt_add_network(draft, exempt, &prefix);
        return true;
    case ALLOW_RDNS:
    case ALLOW_SENDER:
        if (!is_domain_text(domain))
            return false;
        exempt_add_text(draft, option == ALLOW_RDNS ? &exempt->client_names : &exempt->sender_domains,
                        domain);
        return true;
    case ALLOW_RECIPIENT:
        if (!is_recipient_text(entry))
            return false;
        exempt_add_text(draft, &exempt->recipients, entry);
        return true;
    default:
        return false;
    }
}

/* name-entry=VALUE, or name-file=PATH with an entry a line. */
static void take_list(struct spamdyke *spamdyke, enum option option, struct str name, struct str value,
                      struct place place, struct str line)
{
    struct str entry;
    if (!str_ends(name, STR("-file"))) {
        if (take_entry(spamdyke, option, value))
            draft_mapped(spamdyke->draft, NULL, place, line);
        else
            draft_unmapped(spamdyke->draft, place, line, "no policy can have that entry");
        return;
    }
    const struct config_file *file = files_named(spamdyke->files, place.file, value);
    if (!file) {
        draft_unmapped(spamdyke->draft, place, line, "the file could not be read; give it beside this one");
        return;
    }
    draft_mapped(spamdyke->draft, NULL, place, line);
    struct config_lines lines = config_lines(file);
    while (config_line_next(&lines, &entry)) {
        entry = str_trim(entry);
        if (entry.len && entry.at[0] != '#' && !take_entry(spamdyke, option, entry))
            draft_unmapped(spamdyke->draft, (struct place){ file->name, lines.number }, entry,
                           "no policy can have that entry");
    }
}

static bool take_seconds(struct str value, usec *length)
{
    return config_time(value, 's', length);
}

static void take_option(struct spamdyke *spamdyke, size_t row, struct str name, struct str value,
                        struct place place, struct str line)
{
    struct draft *draft = spamdyke->draft;
    bool well = true, off = str_eq_nocase(value, STR("none"));
    switch (options_known[row].option) {
    case EMPTY_RDNS:
        spamdyke->no_rdns = is_yes(value);
        break;
    case UNRESOLVABLE:
        spamdyke->resolves = is_yes(value);
        if (spamdyke->resolves) {
            draft_partly(draft, NULL, place, line,
                         "it asks only whether the name has an address, not whether that is the client's");
            return;
        }
        break;
    case GREETING:
        well = take_seconds(value, &spamdyke->wait);
        break;
    case GREY_LEVEL:
        spamdyke->greylist = !off;
        if (!off && !str_starts(value, STR("always"))) {
            draft_partly(draft, NULL, place, line, "for whom it is not, write as exempt of greylist");
            return;
        }
        break;
    case GREY_MIN:
        well = take_seconds(value, &spamdyke->delay);
        break;
    case GREY_MAX:
        well = take_seconds(value, &spamdyke->lifetime);
        break;
    case REJECT_SENDER:
        well = off || str_eq_nocase(value, STR("no-mx"));
        spamdyke->sender = spamdyke->sender || (well && !off);
        break;
    case REJECT_MX:
        spamdyke->sender = is_yes(value);
        break;
    case REJECT_RECIPIENT:
        well = off || str_eq_nocase(value, STR("invalid"));
        spamdyke->recipient = spamdyke->recipient || (well && !off);
        break;
    case RELAY_LEVEL:
        spamdyke->open = str_eq_nocase(value, STR("allow-all"));
        break;
    case NAMED:
        draft_unmapped(draft, place, line, "%s", options_known[row].why);
        return;
    default:
        take_list(spamdyke, options_known[row].option, name, value, place, line);
        return;
    }
    if (well)
        draft_mapped(draft, NULL, place, line);
    else
        draft_unmapped(draft, place, line, "no policy can say that");
}

/* What the DNS may be at fault for is put off, the rest refused (spamdyke.h, REJECT_SEVERITY_). */
static struct draft_rule *add(struct spamdyke *spamdyke, const char *measure, const char *code)
{
    struct draft_rule *rule = draft_add(spamdyke->draft, measure, &spamdyke->exempt);
    draft_reply(rule, str_of(code));
    return rule;
}

static void add_greylist(struct spamdyke *spamdyke)
{
    struct draft_rule *rule = add(spamdyke, "greylist", "421");
    usec longest = spamdyke->lifetime ? spamdyke->lifetime : 365 * USEC_DAY;
    *(struct greylist_parameters *)rule->parameters = (struct greylist_parameters){
        .delay = spamdyke->delay,
        .retry_window = longest,
        .lifetime = longest + USEC_SECOND, /* one time for both, and a policy's must be longer */
        .auto_interval = USEC_HOUR,
        .key = 1U << KEY_SENDER | 1U << KEY_RECIPIENT,
    };
}

/* In the order in which spamdyke filters. */
static void add_rules(struct spamdyke *spamdyke)
{
    if (spamdyke->no_rdns)
        add(spamdyke, "no-rdns", "421");
    if (spamdyke->resolves)
        add(spamdyke, "fcrdns", "421");
    if (spamdyke->zones.count) {
        struct dnsbl_parameters *dnsbl = add(spamdyke, "dnsbl", "554")->parameters;
        dnsbl->zones = spamdyke->zones;
        dnsbl->errors = ERRORS_LISTED;
        friends_outweigh(spamdyke->draft, dnsbl, &spamdyke->friends);
    }
    if (spamdyke->wait > 0)
        ((struct early_talker_parameters *)add(spamdyke, "early-talker", "554")->parameters)->wait =
            spamdyke->wait;
    if (spamdyke->sender)
        add(spamdyke, "sender-domain", "421");
    if (!spamdyke->open)
        add(spamdyke, "relay", "554");
    if (spamdyke->recipient)
        add(spamdyke, "recipient", "554");
    if (spamdyke->greylist)
        add_greylist(spamdyke);
}

static int import(struct files *files, const struct config_options *options, struct draft *draft,
                  struct why *why)
{
    struct spamdyke spamdyke = { .files = files, .draft = draft };
    struct config_lines lines = config_lines(files->file[0]);
    struct str line;
    (void)options, (void)why;
    draft->delay_reject = true;
    spamdyke.exempt.authenticated = true;
    while (config_line_next(&lines, &line)) {
        struct str value = str_trim(line), name = value;
        struct place place = { files->file[0]->name, lines.number };
        if (!value.len || value.at[0] == '#')
            continue;
        if (!cut_until_char(&value, '=', &name))
            value = STR("");
        for (size_t i = 0; i < sizeof options_known / sizeof *options_known; i++) {
            struct str known = str_of(options_known[i].name);
            bool group = options_known[i].option == NAMED && str_starts(str_trim(name), known);
            if (!group && !str_eq(str_trim(name), known))
                continue;
            take_option(&spamdyke, i, str_trim(name), str_trim(value), place, str_trim(line));
            break;
        }
    }
    add_rules(&spamdyke);
    return 0;
}

static bool recognise(const struct config_file *file)
{
    struct config_lines lines = config_lines(file);
    struct str line;
    if (str_ends(str_of(file->name), STR("spamdyke.conf")))
        return true;
    while (config_line_next(&lines, &line))
        if (str_starts(line, STR("graylist-")) || str_starts(line, STR("greeting-delay-secs")) ||
            str_starts(line, STR("dns-blacklist-")) || str_starts(line, STR("reject-empty-rdns")))
            return true;
    return false;
}

const struct config_server config_spamdyke = {
    .name = "spamdyke", .title = "spamdyke", .recognise = recognise, .import = import
};

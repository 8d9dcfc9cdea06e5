/* postgrey (postgrey(8), 1.37): what it is told on its command line, and whom it never puts off. */
#include "config/postgrey.h"

#include <inttypes.h>

#include "config/values.h"

struct reading {
    struct files *files;
    struct draft *draft;
    struct draft_rule *rule;
    struct greylist_parameters *greylist;
    struct place place;
    bool clients, recipients; /* --whitelist-… named some */
};

/* ---- White lists. */

/* "192.0.2", "192.0.2.0/24", "2001:db8::/32". */
static bool is_network(struct str text, struct prefix *prefix)
{
    char whole[64];
    uint64_t octet = 0;
    struct str rest = text;
    int octets = 0;
    while (cut_number(&rest, &octet) && octet <= 255) {
        cut_char(&rest, '.');
        octets++;
    }
    if (!rest.len && (octets == 2 || octets == 3) && text.len < 20) {
        snprintf(whole, sizeof whole, "%.*s%s", STR_ARG(text), octets == 3 ? ".0/24" : ".0.0/24");
        return prefix_parse(str_of(whole), prefix);
    }
    return network_of(text, prefix);
}

static void take_client(struct reading *reading, struct place place, struct str entry)
{
    struct exempt *exempt = &reading->rule->rule.exempt;
    struct prefix prefix;
    if (entry.at[0] == '/')
        draft_unmapped(reading->draft, place, entry,
                       "a pattern; write the domains that it is for as client-names");
    else if (is_network(entry, &prefix))
        exempt_add_network(reading->draft, exempt, &prefix);
    else if (is_domain_text(entry))
        exempt_add_text(reading->draft, &exempt->client_names, entry);
    else
        draft_unmapped(reading->draft, place, entry, "neither a host name nor an address");
}

static void take_recipient(struct reading *reading, struct place place, struct str entry)
{
    struct texts *recipients = &reading->rule->rule.exempt.recipients;
    struct str text = entry;
    if (entry.at[0] == '/') {
        draft_unmapped(reading->draft, place, entry,
                       "a pattern; write the addresses that it is for as recipients");
        return;
    }
    if (!memchr(entry.at, '@', entry.len))
        text = arena_printf(&reading->draft->arena, "@%.*s", STR_ARG(entry));
    else if (str_eq_nocase(entry, STR("postmaster@")))
        text = STR("postmaster");
    if (text.at[text.len - 1] == '@' || !is_recipient_text(text))
        draft_unmapped(reading->draft, place, entry,
                       "a recipient at any domain; write out whom you mean: %.*s with your domain",
                       STR_ARG(entry));
    else
        exempt_add_text(reading->draft, recipients, text);
}

static void take_list(struct reading *reading, const struct config_file *file, bool clients)
{
    struct config_lines lines = config_lines(file);
    struct str line, before;
    while (config_line_next(&lines, &line)) {
        struct str rest = line;
        struct str entry = str_trim(cut_until_char(&rest, '#', &before) ? before : line);
        struct place place = { file->name, lines.number };
        if (!entry.len)
            continue;
        if (clients)
            take_client(reading, place, entry);
        else
            take_recipient(reading, place, entry);
    }
}

static void name_list(struct reading *reading, struct str path, bool clients)
{
    const struct config_file *file = files_named(reading->files, reading->place.file, path);
    *(clients ? &reading->clients : &reading->recipients) = true;
    if (file)
        take_list(reading, file, clients);
    else
        draft_unmapped(reading->draft, reading->place, path,
                       "the white list could not be read; give it beside main.cf");
}

static void given_list(struct reading *reading, const char *name, bool clients)
{
    const struct config_file *file = files_called(reading->files, name);
    if (file)
        take_list(reading, file, clients);
}

/* ---- Options. */

enum option {
    DELAY,
    MAX_AGE,
    RETRY_WINDOW,
    AUTO,
    BY_HOST,
    CIDR4,
    CIDR6,
    CLIENTS,
    RECIPIENTS,
    ACTION,
    NOTHING
};

static const struct {
    const char *name;
    enum option option;
    bool takes; /* a value, that may be the next word */
} options_known[] = {
    { "delay", DELAY, true },
    { "max-age", MAX_AGE, true },
    { "retry-window", RETRY_WINDOW, true },
    { "auto-whitelist-clients", AUTO, false },
    { "lookup-by-host", BY_HOST, false },
    { "lookup-by-subnet", NOTHING, false },
    { "ipv4cidr", CIDR4, true },
    { "ipv6cidr", CIDR6, true },
    { "whitelist-clients", CLIENTS, true },
    { "whitelist-recipients", RECIPIENTS, true },
    { "greylist-action", ACTION, true },
    { "inet", NOTHING, true },
    { "unix", NOTHING, true },
    { "socketmode", NOTHING, true },
    { "user", NOTHING, true },
    { "group", NOTHING, true },
    { "dbdir", NOTHING, true },
    { "pidfile", NOTHING, true },
    { "syslogfacility", NOTHING, true },
    { "syslog-facility", NOTHING, true },
    { "facility", NOTHING, true },
    { "greylist-text", NOTHING, true },
    { "hostname", NOTHING, true },
    { "listen-queue-size", NOTHING, true },
    { "x-greylist-header", NOTHING, true },
    { "privacy", NOTHING, false },
    { "exim", NOTHING, false },
    { "daemonize", NOTHING, false },
    { "verbose", NOTHING, false },
    { "quiet", NOTHING, false },
};

static bool number_below(struct str text, uint64_t most, uint64_t *number)
{
    return str_number(text, number) && *number <= most;
}

static bool take_time(struct str text, usec unit, usec *time)
{
    uint64_t number = 0;
    if (!number_below(text, 1000000, &number))
        return false;
    *time = (usec)number * unit;
    return true;
}

/* "2" days or "48h". */
static bool take_window(struct str text, usec *window)
{
    bool hours = text.len && ascii_lower(text.at[text.len - 1]) == 'h';
    return take_time((struct str){ text.at, text.len - hours }, hours ? USEC_HOUR : USEC_DAY, window);
}

static void take_cidr(struct reading *reading, struct str option, struct str value, unsigned usual,
                      uint64_t whole)
{
    uint64_t bits = 0;
    if (!number_below(value, whole, &bits))
        draft_unmapped(reading->draft, reading->place, option, "not a number of bits");
    else if (bits != usual)
        draft_unmapped(reading->draft, reading->place, option,
                       "a policy's networks are /24 and /64, no others");
}

static void take_option(struct reading *reading, enum option option, struct str all, struct str value)
{
    struct greylist_parameters *greylist = reading->greylist;
    uint64_t number = 0;
    bool well = true;
    switch (option) {
    case DELAY:
        well = take_time(value, USEC_SECOND, &greylist->delay);
        greylist->delay = greylist->delay ? greylist->delay : 300 * USEC_SECOND; /* 0 is its default */
        break;
    case MAX_AGE:
        well = take_time(value, USEC_DAY, &greylist->lifetime);
        greylist->lifetime = greylist->lifetime ? greylist->lifetime : 35 * USEC_DAY;
        break;
    case RETRY_WINDOW:
        well = take_window(value, &greylist->retry_window);
        break;
    case AUTO:
        number = 5;
        well = !value.len || number_below(value, UINT32_MAX, &number);
        if (well)
            greylist->auto_allow = (uint32_t)number;
        break;
    case BY_HOST:
        greylist->key = 1U << KEY_CLIENT | 1U << KEY_SENDER | 1U << KEY_RECIPIENT;
        break;
    case CIDR4:
        take_cidr(reading, all, value, 24, 32);
        break;
    case CIDR6:
        take_cidr(reading, all, value, 64, 128);
        break;
    case CLIENTS:
    case RECIPIENTS:
        name_list(reading, value, option == CLIENTS);
        break;
    case ACTION:
        greylist->yields = str_eq_nocase(value, STR("DEFER_IF_PERMIT"));
        break;
    case NOTHING:
        break;
    }
    if (!well)
        draft_unmapped(reading->draft, reading->place, all, "not a number that postgrey would take");
}

/* One word that begins with --, and where it takes one and has none the next word. */
static void take_word(struct reading *reading, struct str word, struct str *rest)
{
    struct str name = str_skip(word, 2), value = STR(""), all = word;
    const char *equal = memchr(name.at, '=', name.len);
    if (equal) {
        value = str_range(equal + 1, name.at + name.len);
        name = str_range(name.at, equal);
    }
    for (size_t i = 0; i < sizeof options_known / sizeof *options_known; i++) {
        if (!str_eq_nocase(str_of(options_known[i].name), name))
            continue;
        if (options_known[i].takes && !equal && cut_quoted(rest, &value))
            all = arena_printf(&reading->draft->arena, "%.*s %.*s", STR_ARG(word), STR_ARG(value));
        take_option(reading, options_known[i].option, all, value);
        return;
    }
    draft_unmapped(reading->draft, reading->place, word, "postgrey has no such option");
}

static void take_options(struct reading *reading, struct str text)
{
    struct str word;
    while (cut_token(&text, &word)) {
        while (word.len && strchr("\"'", word.at[word.len - 1]))
            word.len--;
        while (word.len && strchr("\"'", word.at[0]))
            word = str_skip(word, 1);
        if (str_starts(word, STR("--")) && word.len > 2)
            take_word(reading, word, &text);
    }
}

/* POSTGREY_OPTS="--inet=10023 --delay=300", or ExecStart=/usr/sbin/postgrey --inet=10023 ... */
static bool take_file(struct reading *reading, const struct config_file *file)
{
    struct config_lines lines = config_lines(file);
    struct str line;
    bool found = false;
    while (config_line_next(&lines, &line)) {
        struct str text = str_trim(line);
        const char *options = str_find(text, STR("--"));
        if (!text.len || text.at[0] == '#' || text.at[0] == ';' || !options)
            continue;
        reading->place = (struct place){ file->name, lines.number };
        draft_mapped(reading->draft, reading->rule, reading->place, text);
        take_options(reading, str_range(options, text.at + text.len));
        found = true;
    }
    return found;
}

void postgrey_read(struct files *files, struct draft *draft, const char *options, struct draft_rule *rule)
{
    struct reading reading = { files, draft, rule, rule->parameters, { "--postgrey", 0 }, false, false };
    const struct config_file *file = files_called(files, "postgrey");
    if (!file)
        file = files_called(files, "postgrey.service");
    reading.greylist->yields = true;
    bool told = true;
    if (options) {
        draft_mapped(draft, rule, reading.place, arena_printf(&draft->arena, "postgrey %s", options));
        take_options(&reading, str_of(options));
    } else {
        told = file && take_file(&reading, file);
    }
    if (!told)
        draft_remark(draft,
                     "postgrey is taken to have its defaults; tell its command line with --postgrey, or give "
                     "/etc/default/postgrey beside main.cf");
    if (!reading.clients) {
        given_list(&reading, "whitelist_clients", true);
        given_list(&reading, "whitelist_clients.local", true);
    }
    if (!reading.recipients) {
        given_list(&reading, "whitelist_recipients", false);
        given_list(&reading, "whitelist_recipients.local", false);
    }
}

/* ---- Writing. */

static struct str put_time(struct exported *exported, struct str line, const char *option, usec time,
                           usec unit, const char *tail, const char *what)
{
    usec count = (time + unit - 1) / unit;
    if (time % unit)
        export_says(exported,
                    "postgrey counts %s in whole units: %s=%" PRId64 "%s is more than was asked for", what,
                    option, count, tail);
    return arena_printf(&exported->arena, "%.*s %s=%" PRId64 "%s", STR_ARG(line), option, count, tail);
}

struct str postgrey_options(const struct rule *rule, struct exported *exported)
{
    const struct greylist_parameters *greylist = rule->parameters;
    struct arena *arena = &exported->arena;
    uint32_t triplet = 1U << KEY_SENDER | 1U << KEY_RECIPIENT;
    struct str line = STR("--inet=127.0.0.1:10023");
    line = put_time(exported, line, "--delay", greylist->delay ? greylist->delay : USEC_SECOND, USEC_SECOND,
                    "", "the delay");
    if (!greylist->delay)
        export_says(exported, "greylist.delay: postgrey waits for a second at least");
    bool hours = greylist->retry_window % USEC_DAY != 0;
    line = put_time(exported, line, "--retry-window", greylist->retry_window, hours ? USEC_HOUR : USEC_DAY,
                    hours ? "h" : "", "the retry window");
    line = put_time(exported, line, "--max-age", greylist->lifetime, USEC_DAY, "", "the lifetime");
    line = arena_printf(arena, "%.*s --auto-whitelist-clients=%" PRIu32, STR_ARG(line), greylist->auto_allow);
    if (greylist->key == (triplet | 1U << KEY_CLIENT))
        line = arena_printf(arena, "%.*s --lookup-by-host", STR_ARG(line));
    else if (greylist->key != (triplet | 1U << KEY_CLIENT_NET) &&
             greylist->key != (triplet | 1U << KEY_CLIENT_NET6) &&
             greylist->key != (triplet | 1U << KEY_CLIENT_NET | 1U << KEY_CLIENT_NET6))
        export_says(exported,
                    "greylist.key: postgrey's is the client's network or address, sender and recipient");
    if (!greylist->yields)
        line = arena_printf(arena, "%.*s --greylist-action=DEFER", STR_ARG(line));
    if (!greylist->normalise)
        export_says(exported,
                    "greylist.normalise: false: postgrey always takes extensions and numbers off senders");
    if (greylist->auto_allow && greylist->auto_interval != USEC_HOUR)
        export_says(exported, "greylist.auto-interval: postgrey counts one client an hour");
    if (greylist->scope == 1)
        export_says(exported,
                    "greylist.scope: server: that is so where each server has a postgrey of its own");
    return line;
}

void postgrey_write_lists(const struct rule *rule, FILE *to)
{
    const struct exempt *exempt = &rule->exempt;
    char text[IP_TEXT_BYTES + 4];
    if (exempt->networks.count || exempt->client_names.count)
        fputs("\n#=== /etc/postgrey/whitelist_clients.local\n", to);
    for (size_t i = 0; i < exempt->networks.count; i++) {
        network_format(&exempt->networks.prefix[i], text);
        fprintf(to, "%s\n", text);
    }
    for (size_t i = 0; i < exempt->client_names.count; i++)
        fprintf(to, "%.*s\n", STR_ARG(exempt->client_names.text[i]));
    if (exempt->recipients.count)
        fputs("\n#=== /etc/postgrey/whitelist_recipients.local\n", to);
    for (size_t i = 0; i < exempt->recipients.count; i++) {
        struct str recipient = exempt->recipients.text[i];
        bool domain = recipient.at[0] == '@', bare = !memchr(recipient.at, '@', recipient.len);
        fprintf(to, "%.*s%s\n", STR_ARG(domain ? str_skip(recipient, 1) : recipient), bare ? "@" : "");
    }
}

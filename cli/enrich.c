/* mxreplay enrich: evidence that the record does not have. Each source of it is a row of the table. */
#include "enrich/enrich.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/progress.h"
#include "cli/commands.h"
#include "cli/load.h"
#include "cli/period.h"
#include "cli/say.h"
#include "report/table.h"

struct settings {
    struct common common;
    struct option_texts zones, recipients, local_domains, traps, labels, mmdbs, lookups;
    const char *resolver;
    int rate, at_once;
    usec timeout, fresh;
    int forget; /* 0: nothing */
};

/* FILE, ZONE=FILE, either with @FROM..TO behind it. */
struct given {
    struct str subject;
    const char *path; /* in the arena */
    struct period period;
};

/* ---- What was asked for. */

static int given_of(const char *option, const char *text, bool has_subject, struct arena *arena,
                    struct given *given, struct why *why)
{
    struct str rest = str_of(text);
    *given = (struct given){ .period = { USEC_NONE, USEC_NONE } };
    if (has_subject && (!cut_until_char(&rest, '=', &given->subject) || !given->subject.len || !rest.len))
        return why_set(why, EX_USAGE,
                       "--%s: \"%s\": write the zone and its file: --%s zen.spamhaus.org=zen.zone", option,
                       text, option);
    if (period_cut(option, rest, &rest, &given->period.from, &given->period.to, why) < 0)
        return -1;
    given->path = arena_printf(arena, "%.*s", STR_ARG(rest)).at;
    return 0;
}

/* In the order in which they are done. */
static const struct source_row {
    const char *option;
    size_t at;
    int (*add)(struct store *store, const char *path, const struct period *period, struct enriched *enriched,
               struct why *why);  /* NULL: a zone's */
    const char *asked, *yes, *no; /* what was asked about, and what it is called */
} source_rows[] = {
    { "dnsbl-zone", offsetof(struct settings, zones), NULL, "clients", "listed", "not listed" },
    { "recipients", offsetof(struct settings, recipients), enrich_recipients, "recipients", "valid",
      "not valid" },
    { "local-domains", offsetof(struct settings, local_domains), enrich_local_domains, "recipients",
      "elsewhere", "ours" },
    { "spam-traps", offsetof(struct settings, traps), enrich_traps, "recipients", "traps", NULL },
    { "mmdb", offsetof(struct settings, mmdbs), enrich_mmdb, "clients", "found", "not" },
    { "labels", offsetof(struct settings, labels), enrich_labels, NULL, "wanted", "unwanted" },
};
enum { SOURCES = sizeof source_rows / sizeof *source_rows };

static const struct option_texts *texts_of(const struct settings *settings, const struct source_row *row)
{
    return (const struct option_texts *)(const void *)((const char *)settings + row->at);
}

/* "zen.zone: 5132 clients: 312 listed, 4820 not listed" */
static void tell(const struct source_row *row, const struct given *given, const struct enriched *enriched)
{
    char line[400];
    int len = snprintf(line, sizeof line, "%s: ", given->path);
    if (row->asked)
        len += snprintf(line + len, sizeof line - (size_t)len, "%" PRIu64 " entries; of %" PRIu64 " %s ",
                        enriched->entries, enriched->asked, row->asked);
    len += snprintf(line + len, sizeof line - (size_t)len, "%" PRIu64 " %s", enriched->yes, row->yes);
    if (row->no)
        len += snprintf(line + len, sizeof line - (size_t)len, ", %" PRIu64 " %s", enriched->no, row->no);
    if (enriched->unknown && row->no)
        snprintf(line + len, sizeof line - (size_t)len, ", of %" PRIu64 " it says nothing",
                 enriched->unknown);
    say("%s", line);
    if (enriched->beside)
        say("%s: has nothing of the address family of %" PRIu64
            " of them, which so are not listed; if the list has "
            "another file for those, name it too",
            given->path, enriched->beside);
    if (enriched->skipped)
        say("%s: %" PRIu64 " lines say nothing and were left out", given->path, enriched->skipped);
}

/* Files of one zone and time make one list: those of the option's other words for it are put behind the
 * first. *done: they are behind an earlier one. */
static int gather_files(const struct source_row *row, const struct option_texts *texts, size_t at,
                        struct given *given, struct arena *arena, bool *done, struct why *why)
{
    *done = false;
    for (size_t i = 0; !row->add && i < texts->count; i++) {
        struct given other;
        if (i == at)
            continue;
        if (given_of(row->option, texts->text[i], true, arena, &other, why) < 0)
            return -1;
        if (!str_eq_nocase(other.subject, given->subject) || other.period.from != given->period.from ||
            other.period.to != given->period.to)
            continue;
        *done |= i < at;
        given->path = arena_printf(arena, "%s,%s", given->path, other.path).at;
    }
    return 0;
}

static int add_all(const struct settings *settings, struct store *store, struct why *why)
{
    struct arena arena = { 0 };
    int result = 0;
    for (size_t r = 0; r < SOURCES && result == 0; r++) {
        const struct option_texts *texts = texts_of(settings, &source_rows[r]);
        for (size_t i = 0; i < texts->count && result == 0; i++) {
            struct given given;
            struct enriched enriched = { 0 };
            bool done = false;
            result =
                given_of(source_rows[r].option, texts->text[i], !source_rows[r].add, &arena, &given, why);
            if (result == 0)
                result = gather_files(&source_rows[r], texts, i, &given, &arena, &done, why);
            if (done)
                continue;
            if (result == 0)
                result = source_rows[r].add
                             ? source_rows[r].add(store, given.path, &given.period, &enriched, why)
                             : enrich_zone(store, given.subject, given.path, &given.period, &enriched, why);
            if (result == 0)
                tell(&source_rows[r], &given, &enriched);
        }
    }
    arena_free(&arena);
    return result;
}

/* ---- Look-ups. */

struct telling {
    struct progress progress;
    const char *what;
};

static void show(void *state, uint64_t asked, uint64_t all)
{
    struct telling *telling = state;
    char count[PROGRESS_NUMBER_BYTES], of[PROGRESS_NUMBER_BYTES], left[PROGRESS_TIME_BYTES];
    if (progress_due(&telling->progress))
        progress_show(&telling->progress, "%s: %s of %s, %s left", telling->what,
                      progress_number(asked, count), progress_number(all, of),
                      progress_left(&telling->progress, (double)asked, (double)all, left));
}

static int look_up(const struct settings *settings, struct store *store, const char *what, struct why *why)
{
    struct enriched enriched = { 0 };
    struct telling telling = { .what = what };
    struct lookup_settings lookup = { .resolver = { .server = settings->resolver,
                                                    .rate = (unsigned)settings->rate,
                                                    .at_once = (unsigned)settings->at_once,
                                                    .timeout = settings->timeout },
                                      .fresh = settings->fresh,
                                      .tell = show,
                                      .state = &telling };
    progress_begin(&telling.progress, settings->common.progress, settings->common.quiet);
    int result = enrich_lookup(store, str_of(what), &lookup, &enriched, why);
    progress_end(&telling.progress);
    if (result == 0)
        say("%s: %" PRIu64 " asked: %" PRIu64 " yes, %" PRIu64 " no, %" PRIu64
            " without an answer that lasts",
            what, enriched.asked, enriched.yes, enriched.no, enriched.unknown);
    return result;
}

static int look_up_all(const struct settings *settings, struct store *store, struct why *why)
{
    int result = 0;
    if (settings->lookups.count && (settings->rate == 0 || settings->at_once == 0))
        return why_set(why, EX_USAGE, "--rate and --at-once: at least 1");
    for (size_t i = 0; i < settings->lookups.count && result == 0; i++)
        result = look_up(settings, store, settings->lookups.text[i], why);
    return result;
}

/* ---- What there is. */

/* The day; for machines as in the views. */
static struct str date_text(struct arena *arena, enum table_format format, usec at)
{
    char text[CLOCK_TEXT_BYTES];
    if (at == USEC_NONE)
        return (struct str){ NULL, 0 };
    size_t len = clock_format(at, text);
    bool whole = format == TABLE_CSV || format == TABLE_JSON;
    return arena_str(arena, (struct str){ text, whole ? len : sizeof "2026-11-23" - 1 });
}

static int list(const struct settings *settings, struct store *store, struct why *why)
{
    static const struct column columns[] = {
        { .name = "id", .title = STR_INIT("Number"), .number = true },
        { .name = "kind", .title = STR_INIT("Evidence") },
        { .name = "subject", .title = STR_INIT("Of") },
        { .name = "origin", .title = STR_INIT("Origin") },
        { .name = "place", .title = STR_INIT("From") },
        { .name = "taken", .title = STR_INIT("Dated") },
        { .name = "from", .title = STR_INIT("Holds from") },
        { .name = "to", .title = STR_INIT("Until") },
        { .name = "pieces", .title = STR_INIT("Pieces"), .number = true }
    };
    enum table_format format = (enum table_format)settings->common.format;
    struct arena arena = { 0 };
    struct provider *provider = NULL;
    uint64_t *pieces = NULL;
    size_t count = 0;
    int result = store_providers(store, &arena, &provider, &pieces, &count, why);
    if (result == 0 && count == 0)
        say("%s: no evidence from elsewhere yet; mxreplay enrich --help tells what can be added",
            database_path(&settings->common));
    if (result == 0 && (count || format != TABLE_TEXT)) {
        struct table *table = table_open(stdout, format, columns, sizeof columns / sizeof *columns);
        for (size_t i = 0; i < count; i++) {
            table_count(table, (uint64_t)provider[i].id);
            table_cell(table, str_of(kind_name[provider[i].kind]));
            table_cell(table, provider[i].subject);
            table_cell(table, str_of(origin_name[provider[i].origin]));
            table_cell(table, provider[i].place);
            table_cell(table, date_text(&arena, format, provider[i].taken));
            table_cell(table, date_text(&arena, format, provider[i].from));
            table_cell(table, date_text(&arena, format, provider[i].to));
            table_count(table, pieces[i]);
        }
        result = table_close(table, why);
    }
    arena_free(&arena);
    return result;
}

static int forget(const struct settings *settings, struct store *store, struct why *why)
{
    int gone = store_forget(store, settings->forget, why);
    if (gone == 0)
        return why_set(why, EX_USAGE,
                       "--forget: there is no evidence of number %d; mxreplay enrich lists what there is",
                       settings->forget);
    return gone < 0 ? -1 : 0;
}

static int run(const void *given, char **operands, struct why *why)
{
    (void)operands;
    const struct settings *settings = given;
    struct store *store = NULL;
    bool changes = settings->forget != 0 || settings->lookups.count != 0;
    for (size_t r = 0; r < SOURCES; r++)
        changes |= texts_of(settings, &source_rows[r])->count != 0;
    int result = changes ? database_change(&settings->common, &store, why)
                         : database_open(&settings->common, &store, why);
    if (result < 0)
        return -1;
    if (settings->forget)
        result = forget(settings, store, why);
    if (result == 0)
        result = changes ? add_all(settings, store, why) : list(settings, store, why);
    if (result == 0)
        result = look_up_all(settings, store, why);
    if (store_close(store, result < 0 ? NULL : why) < 0)
        result = -1;
    return result;
}

#define AT(member) offsetof(struct settings, member)
static const struct option_row options[] = {
    { .name = "dnsbl-zone",
      .type = OPTION_TEXTS,
      .at = AT(zones),
      .argument = "ZONE=[FORMAT:]FILE[,FILE][@FROM..TO]",
      .help = "a DNS list's zone file, rbldnsd's or a plain list of networks (of that time)",
      .complete = COMPLETE_FILE },
    { .name = "recipients",
      .type = OPTION_TEXTS,
      .at = AT(recipients),
      .argument = "FILE[@FROM..TO]",
      .help = "the addresses that exist: one or @domain a line, or a map of Postfix's or Exim's",
      .complete = COMPLETE_FILE },
    { .name = "local-domains",
      .type = OPTION_TEXTS,
      .at = AT(local_domains),
      .argument = "FILE[@FROM..TO]",
      .help = "our domains, one a line; .example.org for all below it",
      .complete = COMPLETE_FILE },
    { .name = "spam-traps",
      .type = OPTION_TEXTS,
      .at = AT(traps),
      .argument = "FILE[@FROM..TO]",
      .help = "addresses to which nobody writes who was given them",
      .complete = COMPLETE_FILE },
    { .name = "mmdb",
      .type = OPTION_TEXTS,
      .at = AT(mmdbs),
      .argument = "FILE[@FROM..TO]",
      .help = "autonomous systems or countries of addresses: GeoLite2-ASN.mmdb and its like",
      .complete = COMPLETE_FILE },
    { .name = "labels",
      .type = OPTION_TEXTS,
      .at = AT(labels),
      .argument = "FILE[@FROM..TO]",
      .help = "what somebody says of mail: KEY wanted or KEY unwanted a line, or CSV",
      .complete = COMPLETE_FILE },
    { .name = "lookup",
      .type = OPTION_TEXTS,
      .at = AT(lookups),
      .argument = "WHAT",
      .help = "asks name servers: dnsbl:ZONE, rdns, sender-domain, helo or spf" },
    { .name = "resolver",
      .type = OPTION_TEXT,
      .at = AT(resolver),
      .argument = "ADDRESS[:PORT]",
      .help = "whom; without it those of /etc/resolv.conf" },
    { .name = "rate",
      .type = OPTION_NUMBER,
      .at = AT(rate),
      .argument = "N",
      .help = "questions a second, at most",
      .fallback = "50" },
    { .name = "at-once",
      .type = OPTION_NUMBER,
      .at = AT(at_once),
      .argument = "N",
      .help = "questions that wait for an answer, at most",
      .fallback = "32" },
    { .name = "timeout",
      .type = OPTION_DURATION,
      .at = AT(timeout),
      .argument = "TIME",
      .help = "for each of the two tries of a question",
      .fallback = "5s" },
    { .name = "fresh",
      .type = OPTION_DURATION,
      .at = AT(fresh),
      .argument = "TIME",
      .help = "an answer younger than this is not asked for again; 0s: one within its time to live",
      .fallback = "1d" },
    { .name = "forget",
      .type = OPTION_NUMBER,
      .at = AT(forget),
      .argument = "NUMBER",
      .help = "takes away what was added under this number" },
    { .name = NULL },
};

static const char manual[] =
#include "doc/enrich.txt.inc"
    ;

const struct command enrich_command = {
    .name = "enrich",
    .summary = "Adds evidence that the record does not have: lists, zone files, look-ups",
    .manual = manual,
    .options = options,
    .takes = TAKES_DATABASE | TAKES_FORMAT | TAKES_PROGRESS,
    .settings_bytes = sizeof(struct settings),
    .run = run,
};

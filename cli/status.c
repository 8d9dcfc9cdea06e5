/* mxreplay status: what the database holds. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/commands.h"
#include "cli/contradicted.h"
#include "cli/coverage.h"
#include "cli/load.h"
#include "cli/say.h"
#include "cli/unnamed.h"
#include "collect/damage.h"
#include "report/table.h"
#include "schemas/provided.h"

struct settings {
    struct common common;
    bool inputs, skipped, unnamed, evidence, coverage, contradictions;
};

/* Evidence of one kind, over all sessions. A session counts once in each column that it has evidence for. */
struct kind_coverage {
    uint64_t state[YES + 1], origin[ORIGINS], sessions;
};

struct status {
    const struct settings *settings;
    enum table_format format;
    struct store *store;
    struct store_summary summary;
    struct input *inputs;
    size_t input_count;
    uint64_t verdict[VERDICTS], gaps, contradictory, contradicted;
    uint64_t denied; /* sessions that evidence from elsewhere contradicts */
    bool provided;   /* there is such evidence */
    struct kind_coverage coverage[KINDS];
    uint64_t damages[DAMAGES]; /* of packets */
    uint64_t phrases, unnamed; /* refusals without a measure */
    struct arena arena;
};

/* ---- one walk over all sessions */

/* Facts about a client or a message that do not change within a session: to see both is a contradiction.
 * Others (put off, then passed) may. */
static bool is_fact(unsigned kind)
{
    switch ((enum kind)kind) {
    case KIND_RDNS:
    case KIND_FCRDNS:
    case KIND_DNSBL:
    case KIND_SENDER_DOMAIN:
    case KIND_RECIPIENT:
    case KIND_RELAY:
        return true;
    default:
        return false;
    }
}

static int by_subject(const void *left, const void *right)
{
    const struct evidence *a = *(const struct evidence *const *)left,
                          *b = *(const struct evidence *const *)right;
    if (a->kind != b->kind)
        return a->kind - b->kind;
    if (a->subject.len != b->subject.len)
        return a->subject.len < b->subject.len ? -1 : 1;
    int order = a->subject.len ? memcmp(a->subject.at, b->subject.at, a->subject.len) : 0;
    if (order)
        return order;
    if (a->detail.len != b->detail.len && a->kind == KIND_SENDER_DOMAIN)
        return a->detail.len < b->detail.len ? -1 : 1;
    return a->kind == KIND_SENDER_DOMAIN && a->detail.len ? memcmp(a->detail.at, b->detail.at, a->detail.len)
                                                          : 0;
}

static bool contradicts_itself(const struct session *session)
{
    const struct evidence **facts = mem_zero(session->evidence_count + 1, sizeof *facts);
    size_t count = 0;
    for (uint32_t i = 0; i < session->evidence_count; i++)
        if (is_fact(session->evidence[i].kind) && session->evidence[i].state != UNKNOWN)
            facts[count++] = &session->evidence[i];
    bool found = false;
    if (count > 1)
        qsort(facts, count, sizeof *facts, by_subject);
    for (size_t i = 1, first = 0; i < count && !found; i++) {
        if (by_subject(&facts[first], &facts[i]) != 0)
            first = i;
        found = facts[first]->state != facts[i]->state;
    }
    free(facts);
    return found;
}

static int take(void *state, const struct session *session)
{
    struct status *status = state;
    uint8_t states[KINDS] = { 0 }, origins[KINDS] = { 0 };
    status->verdict[session->verdict]++;
    status->unnamed += session->reply.named == NAMED_OTHER;
    status->gaps += session->gap;
    for (uint32_t i = 0; i < session->evidence_count; i++) {
        const struct evidence *evidence = &session->evidence[i];
        states[evidence->kind] |= (uint8_t)(1u << evidence->state);
        origins[evidence->kind] |= (uint8_t)(1u << evidence->origin);
    }
    for (size_t kind = 0; kind < KINDS; kind++) {
        struct kind_coverage *coverage = &status->coverage[kind];
        coverage->sessions += states[kind] != 0;
        for (size_t i = 0; i <= YES; i++)
            coverage->state[i] += states[kind] >> i & 1;
        for (size_t i = 0; i < ORIGINS; i++)
            coverage->origin[i] += origins[kind] >> i & 1;
    }
    bool contradicted = states[KIND_CONTRADICTION] != 0;
    status->contradictory += contradicted || (session->evidence_count > 1 && contradicts_itself(session));
    status->contradicted += contradicted;
    return 0;
}

/* ---- tables */

/* For people "2026-11-23 09:07:12", for machines as in the views; at == NULL where it is not known. */
static struct str time_text(struct status *status, usec at)
{
    char text[CLOCK_TEXT_BYTES];
    if (at == USEC_NONE)
        return (struct str){ NULL, 0 };
    unsigned length = clock_format(at, text);
    if (status->format == TABLE_CSV || status->format == TABLE_JSON)
        return arena_str(&status->arena, (struct str){ text, length });
    return arena_printf(&status->arena, "%.10s %.8s", text, text + 11);
}

static void row(struct table *table, struct str what, struct str value)
{
    table_cell(table, what);
    table_cell(table, value);
}

static struct str number(struct status *status, uint64_t count)
{
    return arena_printf(&status->arena, "%" PRIu64, count);
}

static struct str bytes_text(struct status *status, uint64_t bytes)
{
    if (status->format == TABLE_CSV || status->format == TABLE_JSON || bytes < 10000)
        return number(status, bytes);
    static const char *const units[] = { "kB", "MB", "GB", "TB" };
    double shown = (double)bytes / 1000;
    size_t unit = 0;
    for (; shown >= 1000 && unit < 3; unit++)
        shown /= 1000;
    return arena_printf(&status->arena, "%.1f %s", shown, units[unit]);
}

static int by_first(const void *left, const void *right)
{
    const struct input *a = left, *b = right;
    return (a->first > b->first) - (a->first < b->first);
}

/* Times between inputs of which nothing was collected. An hour of silence between two files is nothing
 * strange. */
static uint64_t holes(struct status *status, struct table *table)
{
    struct input *sorted = arena_zero(&status->arena, (status->input_count + 1) * sizeof *sorted);
    uint64_t found = 0;
    if (status->input_count)
        memcpy(sorted, status->inputs, status->input_count * sizeof *sorted);
    qsort(sorted, status->input_count, sizeof *sorted, by_first);
    usec covered = USEC_NONE;
    for (size_t i = 0; i < status->input_count; i++) {
        if (sorted[i].first == USEC_NONE)
            continue;
        if (covered != USEC_NONE && sorted[i].first > covered + USEC_HOUR) {
            struct str from = time_text(status, covered);
            struct str to = time_text(status, sorted[i].first);
            row(table, STR("nothing collected"),
                arena_printf(&status->arena, "%.*s to %.*s", STR_ARG(from), STR_ARG(to)));
            found++;
        }
        if (sorted[i].last != USEC_NONE && (covered == USEC_NONE || sorted[i].last > covered))
            covered = sorted[i].last;
    }
    return found;
}

static int recorded_rows(struct status *status, struct table *table, struct why *why)
{
    struct recorded_policy *policies = NULL;
    size_t count = 0;
    if (store_recorded(status->store, &status->arena, &policies, &count, why) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct str from =
            policies[i].from == USEC_NONE ? STR("the beginning") : time_text(status, policies[i].from);
        struct str to = policies[i].to == USEC_NONE ? STR("the end") : time_text(status, policies[i].to);
        row(table, STR("enforced policy"),
            arena_printf(&status->arena, "%.*s, from %.*s to %.*s", STR_ARG(policies[i].name), STR_ARG(from),
                         STR_ARG(to)));
    }
    if (count == 0)
        row(table, STR("enforced policy"), STR("not recorded; see mxreplay help collect, --recorded"));
    return 0;
}

static uint64_t skipped_lines(const struct status *status)
{
    uint64_t skipped = 0;
    for (size_t i = 0; i < status->input_count; i++)
        skipped += status->inputs[i].skipped;
    return skipped;
}

/* What was wrong with packets. That nothing was dropped is worth a row where somebody listened. */
static void damage_rows(struct status *status, struct table *table)
{
    bool live = false;
    for (size_t i = 0; i < status->input_count; i++)
        live |= str_eq(status->inputs[i].kind, STR("live"));
    for (size_t i = 0; i < DAMAGES; i++)
        if (status->damages[i] || (live && i == DAMAGE_DROPPED))
            row(table, str_of(damage_table[i].what), number(status, status->damages[i]));
}

/* What --strict complains about is counted into *complaints. */
static int print_overview(struct status *status, uint64_t *complaints, struct why *why)
{
    static const struct column columns[] = { { .name = "what", .title = STR_INIT("What") },
                                             { .name = "value", .title = STR_INIT("Is"), .most = 100 } };
    struct table *table = table_open(stdout, status->format, columns, 2);
    const struct store_summary *summary = &status->summary;
    row(table, STR("database"), str_of(database_path(&status->settings->common)));
    row(table, STR("bytes"), bytes_text(status, summary->bytes));
    row(table, STR("inputs"), number(status, status->input_count));
    row(table, STR("sessions"), number(status, summary->sessions));
    row(table, STR("transactions"), number(status, summary->transactions));
    row(table, STR("recipients"), number(status, summary->recipients));
    row(table, STR("messages"), number(status, summary->messages));
    row(table, STR("first session"), time_text(status, summary->first));
    row(table, STR("last session"), time_text(status, summary->last));
    for (size_t i = 0; i < VERDICTS; i++)
        row(table,
            arena_printf(&status->arena, "sessions %s",
                         i == VERDICT_NONE ? "without a verdict" : verdict_name[i]),
            number(status, status->verdict[i]));
    row(table, STR("sessions with a gap"), number(status, status->gaps));
    row(table, STR("sessions that contradict themselves"), number(status, status->contradictory));
    if (status->provided)
        row(table, STR("sessions that evidence from elsewhere contradicts"), number(status, status->denied));
    if (summary->joined)
        row(table, STR("sessions seen by log and capture"), number(status, summary->joined));
    if (summary->joined || status->contradicted)
        row(table, STR("sessions that log and capture contradict"), number(status, status->contradicted));
    damage_rows(status, table);
    row(table, STR("lines not understood"), number(status, skipped_lines(status)));
    if (status->phrases)
        row(table, STR("phrases of the site's own"), number(status, status->phrases));
    *complaints = status->damages[DAMAGE_DROPPED] + status->damages[DAMAGE_DROPPED_BY_CARD] + status->gaps +
                  status->contradictory + status->denied + skipped_lines(status) + holes(status, table);
    int result = recorded_rows(status, table, why);
    return table_close(table, why) < 0 ? -1 : result;
}

static struct str zone_of(const struct input *input)
{
    return input->zone.len ? input->zone : STR("UTC");
}

static int print_inputs(struct status *status, struct why *why)
{
    static const struct column columns[] = {
        { .name = "input", .title = STR_INIT("#"), .number = true },
        { .name = "path", .title = STR_INIT("Input"), .most = 50 },
        { .name = "kind", .title = STR_INIT("Kind") },
        { .name = "dialects", .title = STR_INIT("Dialects"), .most = 40 },
        { .name = "lines", .title = STR_INIT("Lines"), .number = true },
        { .name = "other", .title = STR_INIT("Other"), .number = true },
        { .name = "skipped", .title = STR_INIT("Skipped"), .number = true },
        { .name = "first", .title = STR_INIT("First") },
        { .name = "last", .title = STR_INIT("Last") },
        { .name = "zone", .title = STR_INIT("Zone") }, /* for people only where one is another than UTC */
    };
    bool zones = status->format == TABLE_CSV || status->format == TABLE_JSON;
    for (size_t i = 0; i < status->input_count; i++)
        zones |= !str_eq(zone_of(&status->inputs[i]), STR("UTC"));
    struct table *table =
        table_open(stdout, status->format, columns, sizeof columns / sizeof columns[0] - !zones);
    for (size_t i = 0; i < status->input_count; i++) {
        const struct input *input = &status->inputs[i];
        table_count(table, (uint64_t)input->id);
        table_cell(table, input->path);
        table_cell(table, input->kind);
        table_cell(table, input->dialects);
        table_count(table, input->lines);
        table_count(table, input->other);
        table_count(table, input->skipped);
        table_cell(table, time_text(status, input->first));
        table_cell(table, time_text(status, input->last));
        if (zones)
            table_cell(table, zone_of(input));
    }
    return table_close(table, why);
}

/* For people the lines themselves come last, whole: what a report must have. */
static int print_first_lines(struct status *status, const struct skipped *skipped, size_t count,
                             struct why *why)
{
    static const struct column columns[] = {
        { .name = "line", .title = STR_INIT("Input:line") },
        { .name = "example", .title = STR_INIT("The first of each"), .most = 500 },
    };
    size_t lines = 0;
    for (size_t i = 0; i < count; i++) /* of packets there is no text */
        lines += skipped[i].first_text.len != 0;
    if (lines == 0)
        return 0;
    putchar('\n');
    struct table *table = table_open(stdout, status->format, columns, 2);
    for (size_t i = 0; i < count; i++) {
        if (skipped[i].first_text.len == 0)
            continue;
        table_cell(table,
                   arena_printf(&status->arena, "%d:%" PRIu64, skipped[i].input, skipped[i].first_line));
        table_cell(table, skipped[i].first_text);
    }
    if (table_close(table, why) < 0)
        return -1;
    say("A line that a mail server wrote and mxreplay should know is worth a report: the line as it stands "
        "here, with "
        "names and addresses changed, and the server's version.");
    return 0;
}

static int print_skipped(struct status *status, struct why *why)
{
    static const struct column columns[] = {
        { .name = "count", .title = STR_INIT("Lines"), .number = true },
        { .name = "reason", .title = STR_INIT("Why") },
        { .name = "shape", .title = STR_INIT("Shape"), .most = 100 },
        { .name = "input", .title = STR_INIT("Input"), .number = true },
        { .name = "line", .title = STR_INIT("First line"), .number = true },
    };
    static const struct column example = { .name = "example" };
    struct skipped *skipped = NULL;
    size_t count = 0;
    if (store_skipped(status->store, &status->arena, &skipped, &count, why) < 0)
        return -1;
    bool machine = status->format == TABLE_CSV || status->format == TABLE_JSON;
    struct column all[sizeof columns / sizeof columns[0] + 1];
    memcpy(all, columns, sizeof columns);
    all[sizeof columns / sizeof columns[0]] = example;
    struct table *table =
        table_open(stdout, status->format, all, sizeof columns / sizeof columns[0] + machine);
    for (size_t i = 0; i < count; i++) {
        table_count(table, skipped[i].count);
        table_cell(table, str_of(skipped[i].reason));
        table_cell(table, skipped[i].shape);
        table_count(table, (uint64_t)skipped[i].input);
        table_count(table, skipped[i].first_line);
        if (machine)
            table_cell(table, skipped[i].first_text);
    }
    if (count == 0)
        say("Every line of a mail program was understood.");
    if (table_close(table, why) < 0)
        return -1;
    return machine ? 0 : print_first_lines(status, skipped, count, why);
}

static int print_evidence(struct status *status, struct why *why)
{
    static const struct column columns[] = {
        { .name = "evidence", .title = STR_INIT("Evidence") },
        { .name = "sessions", .title = STR_INIT("Sessions"), .number = true },
        { .name = "percent", .title = STR_INIT("%"), .number = true },
        { .name = "yes", .title = STR_INIT("Yes"), .number = true },
        { .name = "no", .title = STR_INIT("No"), .number = true },
        { .name = "unknown", .title = STR_INIT("Unknown"), .number = true },
        { .name = "origins", .title = STR_INIT("From") },
    };
    struct table *table = table_open(stdout, status->format, columns, sizeof columns / sizeof columns[0]);
    for (size_t kind = 0; kind < KINDS; kind++) {
        const struct kind_coverage *coverage = &status->coverage[kind];
        if (coverage->sessions == 0)
            continue;
        char percent[16];
        percent_format(coverage->sessions, status->summary.sessions, percent);
        struct str origins = STR("");
        for (size_t i = 0; i < ORIGINS; i++)
            if (coverage->origin[i])
                origins = arena_printf(&status->arena, "%.*s%s%s", STR_ARG(origins), origins.len ? " " : "",
                                       origin_name[i]);
        table_cell(table, str_of(kind_name[kind]));
        table_count(table, coverage->sessions);
        table_cell(table, str_of(percent));
        table_count(table, coverage->state[YES]);
        table_count(table, coverage->state[NO]);
        table_count(table, coverage->state[UNKNOWN]);
        table_cell(table, origins);
    }
    return table_close(table, why);
}

/* ---- all together */

/* Machines get one table at a time, people the whole. */
static int print(struct status *status, uint64_t *complaints, struct why *why)
{
    const struct settings *settings = status->settings;
    if (settings->inputs)
        return print_inputs(status, why);
    if (settings->skipped)
        return print_skipped(status, why);
    if (settings->unnamed)
        return unnamed_print(status->store, &settings->common, why);
    if (settings->evidence)
        return print_evidence(status, why);
    if (print_overview(status, complaints, why) < 0)
        return -1;
    if (status->format == TABLE_CSV || status->format == TABLE_JSON)
        return 0;
    putchar('\n');
    if (print_inputs(status, why) < 0)
        return -1;
    putchar('\n');
    if (print_evidence(status, why) < 0)
        return -1;
    const char *option = settings->common.database ? " -d " : "",
               *database = settings->common.database ? settings->common.database : "";
    if (status->unnamed)
        say("Refusals whose measure is not known, by what they say: %s status%s%s --unnamed", program(),
            option, database);
    if (status->contradictory || status->denied)
        say("What contradicts what: %s status%s%s --contradictions", program(), option, database);
    if (skipped_lines(status))
        say("The lines that were not understood, by shape: %s status%s%s --skipped", program(), option,
            database);
    return 0;
}

static int count_damages(struct status *status, struct why *why)
{
    struct skipped *skipped = NULL;
    size_t count = 0;
    if (store_skipped(status->store, &status->arena, &skipped, &count, why) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        for (size_t damage = 0; damage < DAMAGES; damage++)
            if (strcmp(skipped[i].reason, damage_table[damage].reason) == 0)
                status->damages[damage] += skipped[i].count;
    return 0;
}

static int count_phrases(struct status *status, struct why *why)
{
    struct phrasebook book = { 0 };
    int result = store_phrases(status->store, &book, why);
    status->phrases = book.count;
    phrasebook_free(&book);
    return result;
}

/* To find them takes all sessions at once: only where there is evidence from elsewhere. */
static int count_denied(struct status *status, struct why *why)
{
    struct provider *providers = NULL;
    uint64_t *pieces = NULL;
    size_t count = 0;
    if (status->settings->evidence)
        return 0;
    if (store_providers(status->store, &status->arena, &providers, &pieces, &count, why) < 0)
        return -1;
    status->provided = count > 0;
    return count ? contradicted_count(&status->settings->common, &status->denied, why) : 0;
}

static int run(const void *given, char **operands, struct why *why)
{
    (void)operands;
    const struct settings *settings = given;
    if (settings->inputs + settings->skipped + settings->unnamed + settings->evidence + settings->coverage +
            settings->contradictions >
        1)
        return why_set(why, EX_USAGE,
                       "--inputs, --skipped, --unnamed, --evidence, --contradictions and --coverage are "
                       "tables of their own; ask for one at a time");
    if (settings->coverage)
        return coverage_print(&settings->common, why);
    if (settings->contradictions)
        return contradicted_print(&settings->common, why);
    struct status status = { .settings = settings, .format = (enum table_format)settings->common.format };
    struct store_filter all = { .from = USEC_NONE, .to = USEC_NONE, .outbound = true, .no_texts = true };
    uint64_t complaints = 0;
    int result = -1;
    if (database_open(&settings->common, &status.store, why) < 0)
        return -1;
    bool walk = !settings->inputs && !settings->skipped && !settings->unnamed;
    if (store_summarise(status.store, &status.summary, why) == 0 &&
        store_inputs(status.store, &status.arena, &status.inputs, &status.input_count, why) == 0 &&
        count_phrases(&status, why) == 0 && count_damages(&status, why) == 0 &&
        (!walk || store_each(status.store, &all, take, &status, why) == 0) &&
        (!walk || count_denied(&status, why) == 0))
        result = print(&status, &complaints, why);
    if (result == 0 && settings->common.strict)
        result = complaints + (settings->skipped ? skipped_lines(&status) : 0) > 0;
    store_close(status.store, NULL);
    arena_free(&status.arena);
    return result;
}

static const struct option_row options[] = {
    { .name = "inputs",
      .type = OPTION_FLAG,
      .at = offsetof(struct settings, inputs),
      .help = "only the inputs, one row each" },
    { .name = "skipped",
      .type = OPTION_FLAG,
      .at = offsetof(struct settings, skipped),
      .help = "only the lines that were not understood, by shape, with the first of each" },
    { .name = "unnamed",
      .type = OPTION_FLAG,
      .at = offsetof(struct settings, unnamed),
      .help = "only the refusals without a measure, by what they say: a file of phrases to be filled in" },
    { .name = "evidence",
      .type = OPTION_FLAG,
      .at = offsetof(struct settings, evidence),
      .help = "only what is known: sessions with evidence of each kind" },
    { .name = "contradictions",
      .type = OPTION_FLAG,
      .at = offsetof(struct settings, contradictions),
      .help =
          "only the evidence that contradicts other evidence of the same session, whence each is, and how "
          "often" },
    { .name = "coverage",
      .type = OPTION_FLAG,
      .at = offsetof(struct settings, coverage),
      .help = "how much of what a policy's measures ask is known, by month, and what would tell more" },
    { .name = NULL },
};

static const char manual[] =
#include "doc/status.txt.inc"
    ;

const struct command status_command = {
    .name = "status",
    .summary = "Tells what the database holds",
    .manual = manual,
    .options = options,
    .takes = TAKES_DATABASE | TAKES_FORMAT | TAKES_STRICT | TAKES_POLICY,
    .settings_bytes = sizeof(struct settings),
    .run = run,
};

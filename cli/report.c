/* mxreplay report: the talk's two graphs, and the report of a period. */
#define _GNU_SOURCE
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/load.h"
#include "cli/say.h"
#include "cli/span.h"
#include "report/month.h"
#include "report/plot.h"

struct settings {
    struct common common;
    int graph, by;
    struct span_words span;
    const char *out, *sections, *templates, *zone;
};

/* No graph is asked for unless one is named. */
enum { NO_GRAPH = GRAPHS, BY_FITTING = SLICE_MONTH + 1 };
static const char *const graph_words[] = {
    [GRAPH_COUNTS] = "counts", [GRAPH_PERCENT] = "percent", [NO_GRAPH] = "none"
};
static const char *const by_words[] = {
    [SLICE_NONE] = "whole", [SLICE_HOUR] = "hour",   [SLICE_DAY] = "day",
    [SLICE_WEEK] = "week",  [SLICE_MONTH] = "month", [BY_FITTING] = "fitting",
};

/* ---- a graph */

static int graph(const struct settings *settings, struct load *load, struct why *why)
{
    struct tally tally = { 0 };
    const struct gnuplot gnuplot = { .templates = settings->templates };
    int result = replay_run(load->columns, load->policy, &load->options, &tally, why);
    if (result == 0 && settings->out) {
        result = plot_file(&tally, (enum graph)settings->graph, settings->out, &gnuplot, why);
        if (result == 0 && strcmp(settings->out, "-") != 0)
            say("%s", settings->out);
    } else if (result == 0) {
        struct text_graph how = { .graph = (enum graph)settings->graph,
                                  .width = terminal_width(STDOUT_FILENO),
                                  .colour = terminal_has_colour(STDOUT_FILENO) };
        result = text_graph_print(&tally, &how, stdout, why);
    }
    tally_free(&tally);
    return result;
}

/* ---- the report of a period */

/* All that one is made of, while it is made. */
struct making {
    const struct settings *settings;
    struct load load;
    struct wall *wall;
    struct span span;
    struct outline outline;
    struct fate_counter *fates;
    struct period period;
};

static int write_month(struct making *making, struct why *why)
{
    enum { MOST = 1000 };
    const struct settings *settings = making->settings;
    struct load *load = &making->load;
    const struct outline *outline = settings->sections ? &making->outline : NULL;
    const struct gnuplot gnuplot = { .templates = settings->templates };
    bool has_before = making->span.before_from != USEC_NONE;
    const struct period_asked asked = {
        .policy = load->policy,
        .options = &load->options,
        .before_from = making->span.before_from,
        .before_to = making->span.before_to,
        .wants = outline_wants(outline) & ~(has_before ? 0u : (unsigned)WANT_BEFORE),
        .most = MOST,
    };
    if (period_run(load->columns, &asked, &making->period, why) < 0)
        return -1;
    if (making->period.tally.units == 0)
        return why_set(
            why, EX_DATAERR, "there is nothing in %s; what the database holds: mxreplay status -d %s",
            making->span.title.at ? making->span.title.at : "this period", database_path(&settings->common));
    const struct fates fates = fates_of(making->fates, MOST);
    struct input *inputs = NULL;
    struct skipped *skipped = NULL;
    struct month month = { .title = making->span.title,
                           .before = making->span.before,
                           .policy = load->policy,
                           .period = &making->period,
                           .fates = &fates,
                           .wall = making->wall,
                           .made = clock_now(),
                           .gnuplot = &gnuplot,
                           .outline = outline };
    if (store_inputs(load->store, &load->arena, &inputs, &month.input_count, why) < 0 ||
        store_skipped(load->store, &load->arena, &skipped, &month.skipped_count, why) < 0)
        return -1;
    month.inputs = inputs;
    month.skipped = skipped;
    return month_write(&month, settings->out, why);
}

/* ---- either */

static int find_span(struct making *making, struct common *common, struct why *why)
{
    struct store_summary summary = { .last = USEC_NONE };
    making->span = (struct span){ .from = common->from, .to = common->to };
    if (making->settings->span.last && store_summarise(making->load.store, &summary, why) < 0)
        return -1;
    if (span_read(&making->span, &making->settings->span, making->wall, summary.last, &making->load.arena,
                  why) < 0)
        return -1;
    common->from = making->span.from;
    common->to = making->span.to;
    return 0;
}

/* Bars of an hour where the whole is of two days at most. */
static enum slice_by fitting(const struct settings *settings, const struct span *span)
{
    if (settings->by != BY_FITTING)
        return (enum slice_by)settings->by;
    bool is_short = span->from != USEC_NONE && span->to != USEC_NONE && span->to - span->from <= 2 * USEC_DAY;
    return is_short ? SLICE_HOUR : SLICE_DAY;
}

static int make(struct making *making, struct common *common, struct why *why)
{
    const struct settings *settings = making->settings;
    struct load *load = &making->load;
    bool wants_graph = settings->graph != NO_GRAPH;
    making->wall = wall_new(str_of(settings->zone), why);
    if (!making->wall) {
        why_prefix(why, "--tz: ");
        return -1;
    }
    /* A mistake is told before ten million sessions are read. */
    if ((settings->sections && outline_load(&making->outline, settings->sections, &load->arena, why) < 0) ||
        load_named_policy(load, common->policy ? common->policy : "recorded", why) < 0 ||
        (!settings->span.last && find_span(making, common, why) < 0) ||
        database_open(common, &load->store, why) < 0 ||
        (settings->span.last && find_span(making, common, why) < 0) || load_options(load, common, why) < 0)
        return -1;
    load->options.wall = making->wall;
    load->options.by = fitting(settings, &making->span);
    if (!wants_graph)
        load->fates = making->fates = fates_new(common->from, common->to);
    if (load_sessions(load, common, why) < 0)
        return -1;
    if (wants_graph)
        return graph(settings, load, why);
    if (write_month(making, why) < 0)
        return -1;
    say("%s/index.html", settings->out);
    return 0;
}

static int run(const void *given, char **operands, struct why *why)
{
    (void)operands;
    const struct settings *settings = given;
    struct common common = settings->common;
    struct making making = { .settings = settings };
    bool wants_graph = settings->graph != NO_GRAPH;
    if (!wants_graph && !settings->out)
        return why_set(why, EX_USAGE,
                       span_is_given(&settings->span)
                           ? "where to? -o FOLDER"
                           : "which report? --graph counts or --graph percent, or --month 2026-10 -o FOLDER");
    if (wants_graph && settings->sections)
        return why_set(why, EX_USAGE, "--sections are of a report in a folder; leave --graph out");
    int result = make(&making, &common, why);
    period_free(&making.period);
    fates_free(making.fates);
    load_free(&making.load);
    wall_free(making.wall);
    return result;
}

#define AT(member) offsetof(struct settings, member)
static const struct option_row options[] = {
    { .name = "graph",
      .type = OPTION_WORD,
      .at = AT(graph),
      .argument = "GRAPH",
      .help = "counts: what became of the units, stacked; percent: the same in percent",
      .fallback = "none",
      .words = graph_words,
      .word_count = sizeof graph_words / sizeof graph_words[0] },
    { .name = "by",
      .type = OPTION_WORD,
      .at = AT(by),
      .argument = "SLICE",
      .help = "a bar for each hour, day, week or month; fitting: days, or hours of two days at most",
      .fallback = "fitting",
      .words = by_words,
      .word_count = sizeof by_words / sizeof by_words[0] },
    { .name = "month",
      .type = OPTION_TEXT,
      .at = AT(span.month),
      .argument = "YYYY-MM",
      .help = "of a month: a folder with a page, the same as text, tables and graphs" },
    { .name = "week",
      .type = OPTION_TEXT,
      .at = AT(span.week),
      .argument = "WEEK",
      .help = "the same of a week: 2026-W47, or a day of it" },
    { .name = "day", .type = OPTION_TEXT, .at = AT(span.day), .argument = "DATE", .help = "of a day" },
    { .name = "last",
      .type = OPTION_DURATION,
      .at = AT(span.last),
      .argument = "TIME",
      .help = "of the last such time in the record: 30d" },
    { .letter = 'o',
      .name = "output",
      .type = OPTION_TEXT,
      .at = AT(out),
      .argument = "FILE",
      .help = "where to: a folder; of a graph FILE.svg or FILE.png (- is standard output), else it is text",
      .complete = COMPLETE_FILE },
    { .name = "sections",
      .type = OPTION_TEXT,
      .at = AT(sections),
      .argument = "FILE",
      .help = "which sections, in which order: YAML",
      .complete = COMPLETE_FILE },
    { .name = "templates",
      .type = OPTION_TEXT,
      .at = AT(templates),
      .argument = "FOLDER",
      .help = "gnuplot templates that stand for those that come with mxreplay",
      .complete = COMPLETE_FOLDER },
    { .name = "tz",
      .type = OPTION_TEXT,
      .at = AT(zone),
      .argument = "ZONE",
      .help = "whose days and hours: Europe/Berlin, +01:00, UTC, or local, this machine's",
      .fallback = "local" },
    { .name = NULL },
};

static const char manual[] =
#include "doc/report.txt.inc"
    ;

const struct command report_command = {
    .name = "report",
    .summary = "Draws graphs, and writes the report of a month",
    .manual = manual,
    .options = options,
    .takes = TAKES_DATABASE | TAKES_PROGRESS | TAKES_POLICY | TAKES_PERIOD | TAKES_REPLAY,
    .settings_bytes = sizeof(struct settings),
    .run = run,
};

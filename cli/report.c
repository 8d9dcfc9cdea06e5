/* mxreplay report: the talk's two graphs, and the report of a month. */
#define _GNU_SOURCE
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/load.h"
#include "cli/say.h"
#include "report/month.h"
#include "report/plot.h"

struct settings {
    struct common common;
    int graph, by;
    const char *month, *out;
};

/* No graph is asked for unless one is named. */
enum { NO_GRAPH = GRAPHS };
static const char *const graph_words[] = {
    [GRAPH_COUNTS] = "counts", [GRAPH_PERCENT] = "percent", [NO_GRAPH] = "none"
};
static const char *const by_words[] = {
    [SLICE_NONE] = "whole", [SLICE_HOUR] = "hour",   [SLICE_DAY] = "day",
    [SLICE_WEEK] = "week",  [SLICE_MONTH] = "month",
};

/* ---- a graph */

static int graph(const struct settings *settings, struct load *load, struct why *why)
{
    struct tally tally = { 0 };
    load->options.by = (enum slice_by)settings->by;
    int result = replay_run(load->columns, load->policy, &load->options, &tally, why);
    if (result == 0 && settings->out) {
        result = plot_file(&tally, (enum graph)settings->graph, settings->out, NULL, why);
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

/* ---- a month */

static const char *const month_names[] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December",
};

/* "2026-10": from its first day to that of the next. */
static int month_parse(const char *text, usec *from, usec *to, struct arena *arena, struct str *title,
                       struct why *why)
{
    struct str rest = str_of(text);
    uint64_t year = 0, month = 0;
    bool form =
        rest.len == 7 && cut_number(&rest, &year) && cut_char(&rest, '-') && cut_number(&rest, &month);
    if (!form || rest.len || month < 1 || month > 12)
        return why_set(why, EX_USAGE, "--month: \"%s\" is not a month; write 2026-10", text);
    *from = clock_days((int64_t)year, (unsigned)month, 1) * USEC_DAY;
    *to = month == 12 ? clock_days((int64_t)year + 1, 1, 1) * USEC_DAY
                      : clock_days((int64_t)year, (unsigned)month + 1, 1) * USEC_DAY;
    *title = arena_printf(arena, "%s %.4s", month_names[month - 1], text);
    return 0;
}

static int month(const struct settings *settings, struct load *load, struct str title, struct why *why)
{
    struct tally tally = { 0 }, recorded = { 0 };
    load->options.by = SLICE_DAY;
    int result = replay_run(load->columns, load->policy, &load->options, &tally, why);
    if (result == 0 && load->policy)
        result = replay_run(load->columns, NULL, &load->options, &recorded, why);
    if (result == 0 && tally.units == 0)
        result =
            why_set(why, EX_DATAERR, "there is nothing in %s; what the database holds: mxreplay status -d %s",
                    settings->month, database_path(&settings->common));
    if (result == 0) {
        struct month what = { .title = title,
                              .tally = &tally,
                              .recorded = load->policy ? &recorded : NULL,
                              .made = (usec)time(NULL) * USEC_SECOND };
        result = month_write(&what, settings->out, why);
    }
    if (result == 0)
        say("%s/index.html", settings->out);
    tally_free(&recorded);
    tally_free(&tally);
    return result;
}

/* ---- either */

static int run(const void *given, char **operands, struct why *why)
{
    (void)operands;
    const struct settings *settings = given;
    struct common common = settings->common;
    struct load load = { 0 };
    struct str title = { NULL, 0 };
    int result = -1;
    bool wants_graph = settings->graph != NO_GRAPH;
    if (wants_graph == (settings->month != NULL))
        return why_set(why, EX_USAGE,
                       "which report? --graph counts or --graph percent, or --month 2026-10 -o FOLDER");
    if (settings->month && !settings->out)
        return why_set(why, EX_USAGE, "--month: where to? -o FOLDER");
    if (settings->month && (common.from != USEC_NONE || common.to != USEC_NONE))
        return why_set(why, EX_USAGE, "--month is a period; leave --from and --to out");
    if (settings->month &&
        month_parse(settings->month, &common.from, &common.to, &load.arena, &title, why) < 0)
        goto done;
    if (load_all(&load, &common, "recorded", why) < 0)
        goto done;
    result = wants_graph ? graph(settings, &load, why) : month(settings, &load, title, why);
done:
    load_free(&load);
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
      .help = "a bar for each hour, day, week or month (UTC)",
      .fallback = "day",
      .words = by_words,
      .word_count = sizeof by_words / sizeof by_words[0] },
    { .name = "month",
      .type = OPTION_TEXT,
      .at = AT(month),
      .argument = "YYYY-MM",
      .help = "the report of a month: a page with table and graphs, the same as text, and CSV" },
    { .letter = 'o',
      .name = "output",
      .type = OPTION_TEXT,
      .at = AT(out),
      .argument = "FILE",
      .help = "where to: FILE.svg or FILE.png (- is standard output), a folder with --month; without it, a "
              "graph of "
              "text",
      .complete = COMPLETE_FILE },
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

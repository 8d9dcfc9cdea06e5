/* mxreplay sweep: many policies at once. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "analyze/formula.h"
#include "analyze/sweep.h"
#include "analyze/vary.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/load.h"
#include "cli/say.h"
#include "report/escape.h"
#include "report/sweep_table.h"
#include "report/whole_file.h"

struct settings {
    struct common common;
    struct option_texts vary, write;
    const char *best, *graph;
    int search, samples, seed, most;
    bool front;
};

/* A sweep under way. */
struct sweeping {
    const struct settings *settings;
    struct load load;
    struct axes *axes;
    struct variants variants;
    struct sweep_row *rows;
    struct str *names;
    struct formula formula;
    double *value; /* by row, where there is a formula */
    size_t *order; /* all rows, the best first */
    struct progress progress;
};

static void progress(void *state, size_t done, size_t all)
{
    struct sweeping *sweeping = state;
    char count[PROGRESS_NUMBER_BYTES], of[PROGRESS_NUMBER_BYTES], left[PROGRESS_TIME_BYTES];
    if (progress_due(&sweeping->progress))
        progress_show(&sweeping->progress, "policies: %s of %s, %s left", progress_number(done, count),
                      progress_number(all, of),
                      progress_left(&sweeping->progress, (double)done, (double)all, left));
}

/* "12=FILE", "best=FILE" */
static int write_target(const char *text, bool has_best, size_t count, size_t best, size_t *row,
                        const char **path, struct why *why)
{
    struct str rest = str_of(text), which;
    uint64_t number = 0;
    if (!cut_until_char(&rest, '=', &which) || rest.len == 0)
        return why_set(why, EX_USAGE,
                       "--write: \"%s\" says not what or where; write 12=policy.yaml, or "
                       "best=policy.yaml",
                       text);
    *path = rest.at;
    if (str_eq(which, STR("best")) && !has_best)
        return why_set(why, EX_USAGE, "--write best: best by what? --best 'stopped - 50*wanted_lost'");
    if (str_eq(which, STR("best"))) {
        *row = best;
        return 0;
    }
    if (!str_number(which, &number))
        return why_set(why, EX_USAGE, "--write: \"%.*s\" is not a row's number", STR_ARG(which));
    if (number >= count)
        return why_set(why, EX_USAGE, "--write: there is no row %" PRIu64 "; the last is %zu", number,
                       count - 1);
    *row = (size_t)number;
    return 0;
}

static int write_policy(const struct sweeping *sweeping, size_t row, const char *path, struct why *why)
{
    struct policy policy = sweeping->variants.variant[row].policy;
    struct arena arena = { 0 };
    struct whole_file file;
    if (whole_file_open(&file, path, why) < 0)
        return -1;
    policy.name = arena_printf(&arena, "%.*s-%zu", (int)(policy.name.len < 40 ? policy.name.len : 40),
                               policy.name.at, row);
    fputs("# ", file.to);
    escape_plain(file.to, sweeping->names[row]);
    putc('\n', file.to);
    int result = policy_write(&policy, false, file.to, why);
    if (result < 0)
        whole_file_drop(&file);
    else
        result = whole_file_keep(&file, why);
    arena_free(&arena);
    return result;
}

static int write_all(const struct sweeping *sweeping, struct why *why)
{
    const struct option_texts *write = &sweeping->settings->write;
    for (size_t i = 0; i < write->count; i++) {
        size_t row = 0;
        const char *path = NULL;
        if (write_target(write->text[i], sweeping->value != NULL, sweeping->variants.count,
                         sweeping->order[0], &row, &path, why) < 0 ||
            write_policy(sweeping, row, path, why) < 0)
            return -1;
    }
    return 0;
}

/* The rows from the best down; a value that is none stands last. */
static void sort_rows(struct sweeping *sweeping)
{
    size_t count = sweeping->variants.count;
    sweeping->order = mem_zero(count, sizeof *sweeping->order);
    for (size_t i = 0; i < count; i++) { /* insertion by halves: rows of one value keep their order */
        size_t low = 0, high = i;
        while (sweeping->value && low < high) {
            size_t middle = (low + high) / 2;
            double there = sweeping->value[sweeping->order[middle]], here = sweeping->value[i];
            if (isnan(here) || there >= here)
                low = middle + 1;
            else
                high = middle;
        }
        low = sweeping->value ? low : i;
        memmove(&sweeping->order[low + 1], &sweeping->order[low], (i - low) * sizeof *sweeping->order);
        sweeping->order[low] = i;
    }
}

static void evaluate(struct sweeping *sweeping)
{
    if (!sweeping->settings->best)
        return;
    sweeping->value = mem_zero(sweeping->variants.count, sizeof *sweeping->value);
    for (size_t i = 0; i < sweeping->variants.count; i++) {
        double figures[SWEEP_FIGURES];
        sweep_figures(&sweeping->rows[i], figures);
        sweeping->value[i] = formula_value(&sweeping->formula, figures);
    }
}

static int run_all(struct sweeping *sweeping, struct why *why)
{
    size_t count = sweeping->variants.count;
    const struct policy **policies = mem_zero(count, sizeof *policies);
    sweeping->rows = mem_zero(count, sizeof *sweeping->rows);
    sweeping->names = mem_zero(count, sizeof *sweeping->names);
    for (size_t i = 0; i < count; i++) {
        policies[i] = &sweeping->variants.variant[i].policy;
        sweeping->names[i] = sweeping->variants.variant[i].name;
    }
    struct sweep_options options = { &sweeping->load.options, progress, sweeping };
    progress_begin(&sweeping->progress, sweeping->settings->common.progress,
                   sweeping->settings->common.quiet);
    int result = sweep_run(sweeping->load.columns, policies, count, &sweeping->load.policy->exempt.networks,
                           &options, sweeping->rows, why);
    progress_end(&sweeping->progress);
    say_more("%zu policies in %.1f s", count, progress_seconds(&sweeping->progress));
    free(policies);
    return result;
}

/* What is shown: the first rows, or with --front those that are on it. */
static int show(struct sweeping *sweeping, struct why *why)
{
    const struct settings *settings = sweeping->settings;
    size_t count = sweeping->variants.count, most = (size_t)settings->most, shown = 0;
    size_t *order = mem_zero(count, sizeof *order);
    for (size_t i = 0; i < count; i++) {
        size_t row = sweeping->order[i];
        if (!settings->front || sweeping->rows[row].front)
            order[shown++] = row;
    }
    struct sweep_shown all = { .rows = sweeping->rows,
                               .names = sweeping->names,
                               .value = sweeping->value,
                               .order = order,
                               .count = shown,
                               .policy = sweeping->load.policy->name,
                               .formula = str_of(settings->best),
                               .unit = sweeping->load.options.unit };
    say_if_empty(&settings->common, sweeping->rows[0].units);
    int result = settings->graph ? sweep_graph(&all, settings->graph, NULL, why) : 0;
    if (most && most < shown) {
        all.count = most;
        all.left_out = shown - most;
    }
    if (result == 0)
        result = sweep_print(&all, (enum table_format)settings->common.format, stdout, why);
    free(order);
    return result;
}

/* Mistakes on the command line are told before ten million sessions are read. */
static int check(struct sweeping *sweeping, struct why *why)
{
    const struct settings *settings = sweeping->settings;
    size_t row = 0;
    const char *path = NULL;
    if (!settings->common.policy || strcmp(settings->common.policy, "recorded") == 0)
        return why_set(why, EX_USAGE,
                       "which policy? mxreplay sweep -p my.yaml --vary greylist.delay=1m,5m,15m");
    if (settings->vary.count == 0)
        return why_set(why, EX_USAGE,
                       "vary what? --vary greylist.delay=1m,5m,15m --vary dnsbl.threshold=1..5");
    if (settings->graph && sweep_graph_check(settings->graph, why) < 0)
        return -1;
    for (size_t i = 0; i < settings->write.count; i++)
        if (write_target(settings->write.text[i], settings->best != NULL, VARIANTS_MOST, 0, &row, &path,
                         why) < 0)
            return -1;
    if (settings->best &&
        formula_read(&sweeping->formula, str_of(settings->best), sweep_figure, SWEEP_FIGURES, why) < 0) {
        why_prefix(why, "--best: ");
        return -1;
    }
    return 0;
}

static void sweeping_free(struct sweeping *sweeping)
{
    formula_free(&sweeping->formula);
    free(sweeping->rows);
    free(sweeping->names);
    free(sweeping->value);
    free(sweeping->order);
    variants_free(&sweeping->variants);
    axes_free(sweeping->axes);
    load_free(&sweeping->load);
}

static int run(const void *given, char **operands, struct why *why)
{
    (void)operands;
    const struct settings *settings = given;
    const struct common *common = &settings->common;
    struct sweeping sweeping = { .settings = settings };
    struct load *load = &sweeping.load;
    int result = -1;
    if (check(&sweeping, why) == 0 && load_named_policy(load, common->policy, why) == 0 &&
        axes_read(load->policy, settings->vary.text, settings->vary.count, &sweeping.axes, why) == 0 &&
        database_open(common, &load->store, why) == 0 && load_options(load, common, why) == 0 &&
        load_sessions(load, common, why) == 0 &&
        variants_make(sweeping.axes, load->columns, (enum search)settings->search, (size_t)settings->samples,
                      (uint64_t)settings->seed, &sweeping.variants, why) == 0 &&
        run_all(&sweeping, why) == 0) {
        evaluate(&sweeping);
        sort_rows(&sweeping);
        result = write_all(&sweeping, why);
        if (result == 0)
            result = show(&sweeping, why);
    }
    sweeping_free(&sweeping);
    return result;
}

static const struct option_row options[] = {
    { .name = "vary",
      .type = OPTION_TEXTS,
      .at = offsetof(struct settings, vary),
      .argument = "WHAT",
      .help =
          "greylist.delay=1m,5m,15m, dnsbl.threshold=1..5, dnsbl.zones=+each,-each, greylist=on,off, order" },
    { .name = "search",
      .type = OPTION_WORD,
      .at = offsetof(struct settings, search),
      .argument = "WAY",
      .help = "every combination, each value alone, or combinations at random",
      .fallback = "grid",
      .words = search_name,
      .word_count = SEARCHES },
    { .name = "samples",
      .type = OPTION_NUMBER,
      .at = offsetof(struct settings, samples),
      .argument = "N",
      .help = "how many combinations at random",
      .fallback = "200" },
    { .name = "seed",
      .type = OPTION_NUMBER,
      .at = offsetof(struct settings, seed),
      .argument = "N",
      .help = "which ones: the same seed draws the same",
      .fallback = "1" },
    { .name = "best",
      .type = OPTION_TEXT,
      .at = offsetof(struct settings, best),
      .argument = "FORMULA",
      .help = "the highest value first: 'stopped - 50*wanted_lost - 5*wanted_told'" },
    { .name = "front",
      .type = OPTION_FLAG,
      .at = offsetof(struct settings, front),
      .help = "only rows that no other row beats in all" },
    { .name = "most",
      .type = OPTION_NUMBER,
      .at = offsetof(struct settings, most),
      .argument = "N",
      .help = "rows to show; 0: all",
      .fallback = "0" },
    { .name = "write",
      .type = OPTION_TEXTS,
      .at = offsetof(struct settings, write),
      .argument = "ROW=FILE",
      .help = "writes the policy of a row: 12=policy.yaml, best=policy.yaml",
      .complete = COMPLETE_FILE },
    { .name = "graph",
      .type = OPTION_TEXT,
      .at = offsetof(struct settings, graph),
      .argument = "FILE",
      .help = "draws what is stopped over what it hurts, as .svg, .png or .txt",
      .complete = COMPLETE_FILE },
    { .name = NULL },
};

static const char manual[] =
#include "doc/sweep.txt.inc"
    ;

const struct command sweep_command = {
    .name = "sweep",
    .summary = "Tries many policies at once: what they stop, hurt and cost",
    .manual = manual,
    .options = options,
    .takes = TAKES_DATABASE | TAKES_PROGRESS | TAKES_FORMAT | TAKES_POLICY | TAKES_PERIOD | TAKES_REPLAY,
    .settings_bytes = sizeof(struct settings),
    .run = run,
};

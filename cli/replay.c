/* mxreplay replay: what a policy would have done, the talk's table. */
#include <inttypes.h>
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/fail_if.h"
#include "cli/load.h"
#include "cli/say.h"
#include "report/replay_table.h"

struct settings {
    struct common common;
    int by;
};

static const char *const by_words[] = {
    [SLICE_NONE] = "whole", [SLICE_HOUR] = "hour",   [SLICE_DAY] = "day",
    [SLICE_WEEK] = "week",  [SLICE_MONTH] = "month",
};

/* Each row has three figures: NAME, NAME.low and NAME.high; and there are `units`. */
static int test_rows(const struct tally *tally, const struct common *common, struct why *why)
{
    struct arena arena = { 0 };
    struct figure *figures = arena_alloc(&arena, (3 * tally->row_count + 1) * sizeof *figures);
    size_t count = 0;
    bool exact = true;
    for (size_t i = 0; i < tally->row_count; i++) {
        const struct row *row = &tally->rows[i];
        figures[count++] = (struct figure){ row->name, (double)row->count };
        figures[count++] =
            (struct figure){ arena_printf(&arena, "%.*s.low", STR_ARG(row->name)), (double)row->low };
        figures[count++] =
            (struct figure){ arena_printf(&arena, "%.*s.high", STR_ARG(row->name)), (double)row->high };
        exact = exact && row->low == row->high;
    }
    figures[count++] = (struct figure){ STR("units"), (double)tally->units };
    int result = fail_if_any(&common->fail_if, figures, count, (double)tally->base, why);
    arena_free(&arena);
    return result == 0 && common->strict && !exact ? 1 : result;
}

static int run(const void *given, char **operands, struct why *why)
{
    (void)operands;
    const struct settings *settings = given;
    const struct common *common = &settings->common;
    enum table_format format = (enum table_format)common->format;
    struct load load = { 0 };
    struct tally tally = { 0 };
    int result = -1;
    if (fail_if_check(&common->fail_if, why) < 0 || load_all(&load, common, "recorded", why) < 0)
        goto done;
    load.options.by = (enum slice_by)settings->by;
    if (replay_run(load.columns, load.policy, &load.options, &tally, why) < 0)
        goto done;
    say_if_empty(common, tally.units);
    /* Before the table: a figure that is not there is a mistake on the command line, told before data come
     * out. */
    int failed = test_rows(&tally, common, why);
    if (failed < 0)
        goto done;
    if (settings->by == SLICE_NONE)
        result = replay_table_print(&tally, format, stdout, why);
    else
        result = series_table_print(&tally, format, stdout, why);
    if (result == 0)
        result = failed;
done:
    tally_free(&tally);
    load_free(&load);
    return result;
}

static const struct option_row options[] = {
    { .name = "by",
      .type = OPTION_WORD,
      .at = offsetof(struct settings, by),
      .argument = "SLICE",
      .help = "a row for each hour, day, week or month (UTC) instead of the whole",
      .fallback = "whole",
      .words = by_words,
      .word_count = sizeof by_words / sizeof by_words[0] },
    { .name = NULL },
};

static const char manual[] =
#include "doc/replay.txt.inc"
    ;

const struct command replay_command = {
    .name = "replay",
    .summary = "Counts what a policy would have stopped, with bounds",
    .manual = manual,
    .options = options,
    .takes = TAKES_DATABASE | TAKES_PROGRESS | TAKES_FORMAT | TAKES_POLICY | TAKES_PERIOD | TAKES_REPLAY |
             TAKES_FAIL_IF | TAKES_STRICT,
    .settings_bytes = sizeof(struct settings),
    .run = run,
};

/* mxreplay compare: what another policy would change. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "analyze/compare.h"
#include "cli/commands.h"
#include "cli/fail_if.h"
#include "cli/load.h"
#include "cli/say.h"
#include "report/compare_table.h"

struct settings {
    struct common common;
    struct option_texts policies;
    int most;
};

static int test(const struct comparison *comparison, const struct common *common, struct why *why)
{
    const struct moved *moved = &comparison->moved;
    const struct figure figures[] = {
        { STR("more"), (double)comparison->net[0] },
        { STR("more.low"), (double)comparison->net[1] },
        { STR("more.high"), (double)comparison->net[2] },
        { STR("stopped"), (double)moved->change[CHANGE_STOPPED].count },
        { STR("stopped.high"), (double)moved->change[CHANGE_STOPPED].high },
        { STR("passed"), (double)moved->change[CHANGE_PASSED].count },
        { STR("passed.high"), (double)moved->change[CHANGE_PASSED].high },
        { STR("wanted"), (double)moved->wanted[CHANGE_STOPPED].count },
        { STR("wanted.high"), (double)moved->wanted[CHANGE_STOPPED].high },
        { STR("presumed"), (double)moved->presumed[CHANGE_STOPPED].count },
    };
    bool moves = moved->change[CHANGE_STOPPED].high || moved->change[CHANGE_PASSED].high ||
                 moved->change[CHANGE_OTHERWISE].high;
    int result = fail_if_any(&common->fail_if, figures, sizeof figures / sizeof figures[0],
                             (double)comparison->side[0].units, why);
    return result == 0 && common->strict && moves ? 1 : result;
}

/* The story of a delivery that moves is told under the policy that has measures for it. */
static void say_why(const struct settings *settings, const struct comparison *comparison)
{
    struct arena arena = { 0 };
    const char *const *policy = settings->policies.text;
    const char *shown = strcmp(policy[1], "recorded") == 0 ? policy[0] : policy[1];
    if (comparison->group_count[MOVES_DOMAIN])
        say("\nWhy one of them: %s explain%s %" PRId64 " -p %s", program(),
            database_option(&settings->common, &arena), comparison->groups[MOVES_DOMAIN][0].session, shown);
    arena_free(&arena);
}

static int run(const void *given, char **operands, struct why *why)
{
    (void)operands;
    const struct settings *settings = given;
    const struct common *common = &settings->common;
    struct load load[2] = { { 0 }, { 0 } }; /* the second has its policy only */
    struct comparison comparison = { 0 };
    int result = -1;
    if (settings->policies.count != 2)
        return why_set(
            why, EX_USAGE,
            "which two policies? mxreplay compare -p recorded -p my.yaml (recorded: what the server "
            "did)");
    if (fail_if_check(&common->fail_if, why) < 0 ||
        load_named_policy(&load[1], settings->policies.text[1], why) < 0 ||
        load_all(&load[0], common, settings->policies.text[0], why) < 0 ||
        compare_run(load[0].columns, load[0].policy, load[1].policy, &load[0].options, &comparison, why) < 0)
        goto done;
    say_if_empty(common, comparison.side[0].units);
    int failed = test(&comparison, common, why);
    if (failed < 0 || compare_print(&comparison, (size_t)settings->most, (enum table_format)common->format,
                                    stdout, why) < 0)
        goto done;
    say_why(settings, &comparison);
    result = failed;
done:
    comparison_free(&comparison);
    load_free(&load[1]);
    load_free(&load[0]);
    return result;
}

static const struct option_row options[] = {
    { .letter = 'p',
      .name = "policy",
      .type = OPTION_TEXTS,
      .at = offsetof(struct settings, policies),
      .argument = "POLICY",
      .help = "twice: from this policy, to that one; a file, one that comes with mxreplay, or recorded",
      .complete = COMPLETE_POLICY },
    { .name = "most",
      .type = OPTION_NUMBER,
      .at = offsetof(struct settings, most),
      .argument = "N",
      .help = "groups to show of each kind, those that move most first; 0: all",
      .fallback = "10" },
    { .name = "fail-if",
      .type = OPTION_TEXTS,
      .at = offsetof(struct settings, common.fail_if),
      .argument = "TEST",
      .help = "exit 1 if it holds: 'wanted>0', 'more.high>1%' (of more, stopped, passed, wanted, presumed)" },
    { .name = NULL },
};

static const char manual[] =
#include "doc/compare.txt.inc"
    ;

const struct command compare_command = {
    .name = "compare",
    .summary = "Shows what changes between two policies",
    .manual = manual,
    .options = options,
    .takes = TAKES_DATABASE | TAKES_PROGRESS | TAKES_FORMAT | TAKES_PERIOD | TAKES_REPLAY | TAKES_STRICT,
    .settings_bytes = sizeof(struct settings),
    .run = run,
};

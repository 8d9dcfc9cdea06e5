/* mxreplay audit: who would be hurt. */
#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "cli/commands.h"
#include "cli/fail_if.h"
#include "cli/load.h"
#include "cli/say.h"
#include "report/audit_text.h"

struct settings {
    struct common common;
    int most;
};

/* What --fail-if asks about, counted on the way to the table. */
struct counting {
    struct audit_list *list;
    uint64_t stopped, certain, by_harm[HARMS];
    int64_t first; /* session, for explain */
};

static int take(void *state, const struct harmed *harmed)
{
    struct counting *counting = state;
    if (counting->stopped++ == 0)
        counting->first = harmed->session_id;
    counting->certain += harmed->certain;
    counting->by_harm[harmed->harm]++;
    return audit_list_take(counting->list, harmed);
}

static int test(const struct counting *counting, uint64_t accepted, const struct common *common,
                struct why *why)
{
    const struct figure figures[] = {
        { STR("stopped"), (double)counting->stopped },
        { STR("certain"), (double)counting->certain },
        { STR("told"), (double)counting->by_harm[HARM_TOLD] },
        { STR("late"), (double)counting->by_harm[HARM_LATE] },
        { STR("lost"), (double)counting->by_harm[HARM_LOST] },
    };
    int result =
        fail_if_any(&common->fail_if, figures, sizeof figures / sizeof figures[0], (double)accepted, why);
    return result == 0 && common->strict && counting->stopped ? 1 : result;
}

static int run(const void *given, char **operands, struct why *why)
{
    (void)operands;
    const struct settings *settings = given;
    const struct common *common = &settings->common;
    struct load load = { 0 };
    struct counting counting = { 0 };
    uint64_t accepted = 0;
    int result = -1;
    if (!common->policy || strcmp(common->policy, "recorded") == 0)
        return why_set(why, EX_USAGE, "which policy? mxreplay audit -p talk-2009, or a file: -p policy.yaml");
    if (fail_if_check(&common->fail_if, why) < 0 || load_all(&load, common, common->policy, why) < 0)
        goto done;
    counting.list = audit_list_new(load.policy, load.options.unit);
    if (replay_audit(load.columns, load.policy, &load.options, &accepted, take, &counting, why) < 0)
        goto done;
    int failed = test(&counting, accepted, common, why);
    if (failed < 0 || audit_list_print(counting.list, accepted, (size_t)settings->most,
                                       (enum table_format)common->format, stdout, why) < 0)
        goto done;
    if (counting.stopped)
        say("\nWhy one of them: %s explain%s %" PRId64 " -p %s", program(),
            database_option(common, &load.arena), counting.first, common->policy);
    result = failed;
done:
    if (counting.list)
        audit_list_free(counting.list);
    load_free(&load);
    return result;
}

static const struct option_row options[] = {
    { .name = "most",
      .type = OPTION_NUMBER,
      .at = offsetof(struct settings, most),
      .argument = "N",
      .help = "sender domains to show, the most hurt first; 0: all",
      .fallback = "40" },
    { .name = "fail-if",
      .type = OPTION_TEXTS,
      .at = offsetof(struct settings, common.fail_if),
      .argument = "TEST",
      .help = "exit 1 if it holds: 'lost>0', 'certain>=1%' (of stopped, certain, told, late, lost)" },
    { .name = NULL },
};

static const char manual[] =
#include "doc/audit.txt.inc"
    ;

const struct command audit_command = {
    .name = "audit",
    .summary = "Lists whose mail a policy would have stopped",
    .manual = manual,
    .options = options,
    .takes = TAKES_DATABASE | TAKES_PROGRESS | TAKES_FORMAT | TAKES_POLICY | TAKES_PERIOD | TAKES_REPLAY |
             TAKES_STRICT,
    .settings_bytes = sizeof(struct settings),
    .run = run,
};

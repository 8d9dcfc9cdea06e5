/* mxreplay prune: retention. */
#include "cli/prune.h"

#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>

#include "cli/commands.h"
#include "cli/load.h"
#include "cli/say.h"

struct settings {
    struct common common;
    usec before;
    bool dry_run;
};

/* "1 session", "2 sessions". */
static struct str counted(struct arena *arena, uint64_t count, const char *noun)
{
    return arena_printf(arena, "%" PRIu64 " %s%s", count, noun, count == 1 ? "" : "s");
}

int prune_from(struct store *store, const char *path, usec before, bool dry_run, struct why *why)
{
    struct store_pruned pruned = { 0 };
    struct arena arena = { 0 };
    char date[CLOCK_TEXT_BYTES];
    if (store_prune(store, before, dry_run, &pruned, why) < 0)
        return -1;
    clock_format(before, date);
    date[sizeof "2026-11-23T09:07:12" - 1] = '\0';
    struct str sessions = counted(&arena, pruned.sessions, "session"),
               transactions = counted(&arena, pruned.transactions, "transaction"),
               recipients = counted(&arena, pruned.recipients, "recipient");
    if (!pruned.sessions)
        say("%s: no session started before %s", path, date);
    else if (dry_run)
        say("%s: %.*s with %.*s and %.*s started before %s and would go", path, STR_ARG(sessions),
            STR_ARG(transactions), STR_ARG(recipients), date);
    else
        say("%s: %.*s with %.*s and %.*s that started before %s went; %.1f MB of %.1f MB were given back",
            path, STR_ARG(sessions), STR_ARG(transactions), STR_ARG(recipients), date,
            (double)(pruned.bytes_before - pruned.bytes_after) / 1e6, (double)pruned.bytes_before / 1e6);
    arena_free(&arena);
    return 0;
}

static int run(const void *given, char **operands, struct why *why)
{
    (void)operands;
    const struct settings *settings = given;
    struct store *store = NULL;
    if (settings->before == USEC_NONE)
        return why_set(why, EX_USAGE,
                       "--before: until when? For example: mxreplay prune --before 2026-10-01");
    int opened = settings->dry_run ? database_open(&settings->common, &store, why)
                                   : database_change(&settings->common, &store, why);
    if (opened < 0)
        return -1;
    int result =
        prune_from(store, database_path(&settings->common), settings->before, settings->dry_run, why);
    if (store_close(store, result < 0 ? NULL : why) < 0)
        result = -1;
    return result;
}

static const struct option_row options[] = {
    { .name = "before",
      .type = OPTION_TIME,
      .at = offsetof(struct settings, before),
      .argument = "DATE",
      .help = "sessions that started before this go" },
    { .letter = 'n',
      .name = "dry-run",
      .type = OPTION_FLAG,
      .at = offsetof(struct settings, dry_run),
      .help = "only tells what would go" },
    { .name = NULL },
};

static const char manual[] =
#include "doc/prune.txt.inc"
    ;

const struct command prune_command = {
    .name = "prune",
    .summary = "Takes old sessions out of the database",
    .manual = manual,
    .options = options,
    .takes = TAKES_DATABASE,
    .settings_bytes = sizeof(struct settings),
    .run = run,
};

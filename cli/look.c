/* mxreplay look: the first minute. A log in, what the server did and what the talk's policy would have done
 * out. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/collect.h"
#include "cli/commands.h"
#include "cli/load.h"
#include "cli/say.h"
#include "cli/scratch.h"
#include "report/replay_table.h"

struct settings {
    struct common common;
    int year;
};

enum { STEP_WIDTH = 40 };

static int collect(const char *path, const struct settings *settings, char **inputs,
                   struct collected *collected, struct why *why)
{
    struct store *store = NULL;
    bool existed = access(path, F_OK) == 0;
    if (store_open(path, STORE_WRITE, &store, why) < 0)
        return -1;
    int result = collect_into(store, &settings->common, settings->year, inputs, collected, why);
    if (store_close(store, result < 0 ? NULL : why) < 0)
        result = -1;
    if (result < 0)
        collect_forget(path, existed, collected);
    return result;
}

/* The talk's policy asks lists of its own time; a site that asks others learns more from those. */
static void note_adopted(struct tally *tally, struct str zones)
{
    struct str note =
        arena_printf(&tally->arena,
                     "Your server asks none of the DNS lists of this policy, so those that it asks stand for "
                     "them: %.*s.",
                     STR_ARG(zones));
    tally_note(tally, note);
}

static int table(const struct load *load, const struct policy *policy, struct str adopted,
                 enum table_format format, usec *covered, struct why *why)
{
    struct tally tally = { 0 };
    int result = replay_run(load->columns, policy, &load->options, &tally, why);
    if (result == 0 && adopted.at)
        note_adopted(&tally, adopted);
    if (result == 0 && tally.units)
        *covered = tally.to - tally.from;
    if (result == 0)
        result = replay_table_print(&tally, format, stdout, why);
    tally_free(&tally);
    return result;
}

/* *covered: how long a time the sessions span. */
static int tables(const struct load *load, struct str adopted, enum table_format format, usec *covered,
                  struct why *why)
{
    bool json = format == TABLE_JSON;
    if (json)
        fputs("[\n", stdout);
    if (table(load, NULL, (struct str){ NULL, 0 }, format, covered, why) < 0)
        return -1;
    fputs(json ? ",\n" : "\n", stdout);
    if (table(load, load->policy, adopted, format, covered, why) < 0)
        return -1;
    if (json)
        fputs("]\n", stdout);
    return 0;
}

/* The inputs as they were typed, for the line to type next. */
static struct str typed(struct arena *arena, char **inputs)
{
    struct str text = STR("");
    for (size_t i = 0; i < 3 && inputs[i]; i++) {
        bool plain =
            strspn(inputs[i], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+,:@%") ==
            strlen(inputs[i]);
        text =
            arena_printf(arena, "%.*s %s%s%s", STR_ARG(text), plain ? "" : "'", inputs[i], plain ? "" : "'");
    }
    return inputs[0] && inputs[1] && inputs[2] && inputs[3] ? arena_printf(arena, "%.*s …", STR_ARG(text))
                                                            : text;
}

static void step(struct str command, const char *what)
{
    say("  %-*.*s  %s", (int)(command.len < STEP_WIDTH ? STEP_WIDTH : command.len), STR_ARG(command), what);
}

static void next_steps(const struct settings *settings, const struct collected *collected, usec covered,
                       char **inputs)
{
    struct arena arena = { 0 };
    const char *kept = settings->common.database;
    const char *policy = settings->common.policy ? settings->common.policy : "talk-2009";
    struct str d = kept ? arena_printf(&arena, " -d %s", kept) : STR("");
    if (collected->skipped)
        say("\n%" PRIu64
            " lines of mail programs were not understood; after collect: mxreplay status --skipped",
            collected->skipped);
    usec window = settings->common.retry_window;
    if (covered < window + window / 2) {
        char text[CLOCK_TEXT_BYTES];
        duration_format(window, text);
        say("\nWho is put off may come back within %s, and the log covers hardly more or less than that. "
            "With older\n"
            "logs beside it (mail.log.1 …) more is known, and the bounds are narrower.",
            text);
    }
    say("\nWhat to type next:");
    if (!kept)
        step(arena_printf(&arena, "mxreplay collect%.*s", STR_ARG(typed(&arena, inputs))),
             "keeps it, in mxreplay.db");
    step(arena_printf(&arena, "mxreplay explain%.*s --recipient ADDRESS", STR_ARG(d)),
         "why was mail to ADDRESS refused?");
    step(arena_printf(&arena, "mxreplay replay%.*s -p %s --by day", STR_ARG(d), policy),
         "the same, day by day");
    step(arena_printf(&arena, "mxreplay audit%.*s -p %s", STR_ARG(d), policy),
         "whose mail would it have stopped?");
    step(arena_printf(&arena, "mxreplay policy show %s > my.yaml", policy),
         "a policy of your own, to try with -p my.yaml");
    arena_free(&arena);
}

static int run(const void *given, char **operands, struct why *why)
{
    const struct settings *settings = given;
    const struct common *common = &settings->common;
    struct load load = { 0 };
    struct collected collected = { 0 };
    int result = -1;
    const char *path = common->database;
    if (load_named_policy(&load, common->policy ? common->policy : "talk-2009", why) < 0)
        goto done;
    if (!load.policy) {
        why_set(why, EX_USAGE,
                "look shows what the server did anyway; name a policy to compare it with: -p talk-2009");
        goto done;
    }
    if (!path && !(path = scratch_database(why)))
        goto done;
    int whole = collect(path, settings, operands, &collected, why);
    if (whole == 0 && collected.sessions == 0 && collected.known == 0)
        whole = why_set(why, EX_DATAERR, "no SMTP session in %s%s: nothing to show", operands[0],
                        operands[1] ? " and the others" : "");
    /* A truncated input is no reason not to show what stands before the break. */
    if (whole < 0 && collected.sessions == 0)
        goto done;
    usec covered = 0;
    struct why later = { 0 }, *next = whole < 0 ? &later : why;
    if (store_open(path, STORE_READ, &load.store, next) < 0 || load_options(&load, common, next) < 0 ||
        load_sessions(&load, common, next) < 0)
        goto done;
    struct str adopted = { NULL, 0 };
    if (!common->policy)
        adopted = policy_adopt_zones(load.policy, load.columns);
    if (tables(&load, adopted, (enum table_format)common->format, &covered, next) < 0)
        goto done;
    next_steps(settings, &collected, covered, operands);
    result = whole;
done:
    load_free(&load);
    scratch_remove();
    return result;
}

static const struct option_row options[] = {
    { .name = "year",
      .type = OPTION_NUMBER,
      .at = offsetof(struct settings, year),
      .argument = "YEAR",
      .help = "the year of the first line, where stamps have none; else taken from the file's time" },
    { .letter = 'd',
      .name = "database",
      .type = OPTION_TEXT,
      .at = offsetof(struct settings, common.database),
      .argument = "FILE",
      .help = "keep what is read in this database; else it is forgotten at the end",
      .complete = COMPLETE_DATABASE },
    { .name = NULL },
};

static const char manual[] =
#include "doc/look.txt.inc"
    ;

const struct command look_command = {
    .name = "look",
    .operands = "INPUT…",
    .summary = "The first minute: what the server did, and what others would",
    .manual = manual,
    .options = options,
    .takes = TAKES_FORMAT | TAKES_PROGRESS | TAKES_POLICY | TAKES_REPLAY,
    .settings_bytes = sizeof(struct settings),
    .least = 1,
    .missing = "which log? For example: mxreplay look /var/log/mail.log",
    .complete = COMPLETE_FILE,
    .run = run,
};

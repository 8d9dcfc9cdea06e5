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

/* How the policy was fitted to the site, to be said under its table; at == NULL: it was not. */
struct fitted {
    struct str adopted, left; /* DNS lists, titles of measures */
};

/* The time that the sessions span. */
struct covered {
    usec from, to;
};

static int collect(const char *path, const struct settings *settings, char **inputs,
                   struct collected *collected, struct why *why)
{
    struct store *store = NULL;
    bool existed = access(path, F_OK) == 0;
    if (store_open(path, STORE_WRITE, &store, why) < 0)
        return -1;
    struct collect_options wishes = { .year = settings->year };
    int result = collect_into(store, &settings->common, &wishes, inputs, collected, why);
    if (store_close(store, result < 0 ? NULL : why) < 0)
        result = -1;
    if (result < 0)
        collect_forget(path, existed, collected);
    return result;
}

/* The talk's policy asks lists of its own time; a site that asks others learns more from those. */
static void note_fitted(struct tally *tally, const struct fitted *fitted)
{
    if (fitted->adopted.at)
        tally_note(tally,
                   arena_printf(&tally->arena,
                                "Your server asks none of the DNS lists of this policy, so those that it "
                                "asks stand for them: %.*s.",
                                STR_ARG(fitted->adopted)));
    if (fitted->left.at)
        tally_note(tally, arena_printf(&tally->arena,
                                       "Left out, since your log tells of nobody that they would pass: %.*s.",
                                       STR_ARG(fitted->left)));
}

static int table(const struct load *load, const struct policy *policy, const struct fitted *fitted,
                 enum table_format format, struct covered *covered, struct why *why)
{
    struct tally tally = { 0 };
    int result = replay_run(load->columns, policy, &load->options, &tally, why);
    if (result == 0)
        note_fitted(&tally, fitted);
    if (result == 0 && tally.units)
        *covered = (struct covered){ tally.from, tally.to };
    if (result == 0)
        result = replay_table_print(&tally, format, stdout, why);
    tally_free(&tally);
    return result;
}

static int tables(const struct load *load, const struct fitted *fitted, enum table_format format,
                  struct covered *covered, struct why *why)
{
    static const struct fitted not_at_all;
    bool json = format == TABLE_JSON;
    if (json)
        fputs("[\n", stdout);
    if (table(load, NULL, &not_at_all, format, covered, why) < 0)
        return -1;
    fputs(json ? ",\n" : "\n", stdout);
    if (table(load, load->policy, fitted, format, covered, why) < 0)
        return -1;
    if (json)
        fputs("]\n", stdout);
    return 0;
}

/* The inputs as they were typed, for the line to type next. */
static struct str typed(struct arena *arena, char **inputs)
{
    struct str text = STR("");
    for (size_t i = 0; i < 3 && inputs[i]; i++)
        text = arena_printf(arena, "%.*s %.*s", STR_ARG(text), STR_ARG(shell_word(arena, str_of(inputs[i]))));
    return inputs[0] && inputs[1] && inputs[2] && inputs[3] ? arena_printf(arena, "%.*s …", STR_ARG(text))
                                                            : text;
}

static void step(const char *what, struct str options)
{
    say("  %-40s %s %.*s", what, program(), STR_ARG(options));
}

/* 18m30s of a log of that length, 3d4h of a longer one: what is left over of its largest two units is
 * dropped. */
static void roughly(usec length, char text[CLOCK_TEXT_BYTES])
{
    usec fine = length >= USEC_DAY ? USEC_HOUR : length >= USEC_HOUR ? USEC_MINUTE : USEC_SECOND;
    duration_format(length / fine * fine, text);
}

static void next_steps(const struct settings *settings, const struct collected *collected,
                       const struct covered *covered, char **inputs)
{
    struct arena arena = { 0 };
    const char *kept = settings->common.database;
    const char *policy = settings->common.policy ? settings->common.policy : "talk-2009";
    struct str d = kept ? arena_printf(&arena, " -d %s", kept) : STR("");
    struct str logs = typed(&arena, inputs);
    char window[CLOCK_TEXT_BYTES], length[CLOCK_TEXT_BYTES], month[CLOCK_TEXT_BYTES];
    if (collected->skipped)
        say("\n%" PRIu64 " lines of mail programs were not understood; after collect: %s status --skipped",
            collected->skipped, program());
    duration_format(settings->common.retry_window, window);
    roughly(covered->to - covered->from, length);
    clock_format(covered->to, month);
    if (covered->to - covered->from < settings->common.retry_window * 3 / 2)
        say("\nThis log covers %s, and who is put off may come back within %s. With the older logs beside "
            "it\n"
            "(mail.log.1 …) more is known, and the bounds are narrower.",
            length, window);
    say("\nWhat to type next:");
    if (!kept)
        step("keep it, in mxreplay.db:", arena_printf(&arena, "collect%.*s", STR_ARG(logs)));
    step("why was mail to ADDRESS refused?",
         arena_printf(&arena, "explain%.*s --recipient ADDRESS", STR_ARG(d)));
    step("this policy day by day:", arena_printf(&arena, "replay%.*s -p %s --by day", STR_ARG(d), policy));
    step("whose mail would it have stopped?", arena_printf(&arena, "audit%.*s -p %s", STR_ARG(d), policy));
    step("a month's page with graphs:",
         arena_printf(&arena, "report%.*s --month %.7s -o %.7s", STR_ARG(d), month, month));
    step("a policy of your own, to try with -p:", arena_printf(&arena, "policy show %s > my.yaml", policy));
    step("narrower bounds: what your server asks,", STR("policy show postfix-typical > server.yaml"));
    step("  as its configuration has it:",
         arena_printf(&arena, "collect%.*s --recorded server.yaml%.*s", STR_ARG(d), STR_ARG(logs)));
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
    struct covered covered = { 0, 0 };
    struct why later = { 0 }, *next = whole < 0 ? &later : why;
    if (store_open(path, STORE_READ, &load.store, next) < 0 || load_options(&load, common, next) < 0 ||
        load_sessions(&load, common, next) < 0)
        goto done;
    struct fitted fitted = { { NULL, 0 }, { NULL, 0 } };
    if (!common->policy) {
        fitted.adopted = policy_adopt_zones(load.policy, load.columns);
        fitted.left = policy_leave_unseen(load.policy, load.columns, &load.options);
    }
    if (tables(&load, &fitted, (enum table_format)common->format, &covered, next) < 0)
        goto done;
    next_steps(settings, &collected, &covered, operands);
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

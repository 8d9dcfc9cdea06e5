/* mxreplay collect: logs and captures to a database. */
#define _GNU_SOURCE
#include "cli/collect.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "analyze/policy.h"
#include "base/yaml.h"
#include "cli/commands.h"
#include "cli/load.h"
#include "cli/period.h"
#include "cli/prune.h"
#include "cli/say.h"
#include "cli/stop.h"
#include "cli/wire.h"
#include "collect/tags.h"
#include "collect/wall.h"

struct settings {
    struct common common;
    int year;
    const char *zone;
    struct option_texts tags;
    struct option_texts recorded;
    struct wire_settings wire;
    const char *phrases;
    usec keep; /* 0: all */
    bool follow;
    usec wait;
};

static int refuse_copy(const struct store *store, const char *path, struct why *why)
{
    if (!store_is_copy(store))
        return 0;
    return why_set(
        why, EX_DATAERR,
        "%s: is a pseudonymised copy, into which nothing is collected; collect into the database that it "
        "was made from, and make a new copy",
        path);
}

int collect_into(struct store *store, const struct common *common, const struct collect_options *wishes,
                 char **inputs, struct collected *collected, struct why *why)
{
    size_t count = 0;
    *collected = (struct collected){ 0 };
    if (refuse_copy(store, database_path(common), why) < 0)
        return -1;
    while (inputs[count])
        count++;
    const char **paths = mem_zero(count + 1, sizeof *paths);
    for (size_t i = 0; i < count; i++)
        paths[i] = inputs[i];
    struct collect_options how = *wishes;
    struct wall *local = how.wall ? NULL : wall_new(STR("local"), why);
    if (!how.wall)
        how.wall = local;
    how.paths = paths;
    how.path_count = count;
    how.first_session = store_next_session(store);
    how.progress = common->progress;
    how.quiet = common->quiet;
    struct sink sink = store_sink(store);
    struct catalogue catalogue = store_catalogue(store);
    int result = how.wall ? collect_run(&how, &sink, &catalogue, collected, why) : -1;
    free(paths);
    wall_free(local);
    return result;
}

void collect_forget(const char *path, bool existed, const struct collected *collected)
{
    if (!existed && collected->sessions == 0 && collected->inputs == 0)
        unlink(path);
}

enum { PAUSE_MSEC = 100 };

/* Another run may be writing: waits for its end, `most` at the most, unless told to stop. */
static int open_waiting(const char *path, usec most, int stop, struct store **store, struct why *why)
{
    usec until = clock_steady() + most;
    bool said = false;
    int result = 0;
    while ((result = store_open(path, STORE_WRITE, store, why)) < 0 && why->status == EX_TEMPFAIL &&
           clock_steady() < until && !stop_wait(stop, said ? PAUSE_MSEC : 0)) {
        if (!said)
            say("waiting: %s", why->text);
        said = true;
    }
    return result;
}

/* A policy that was in force; recorded_free() is due for what was read. */
struct enforced {
    struct policy policy;
    bool read;
    usec from, to;
};

static int enforced_read(struct enforced *enforced, const char *text, struct why *why)
{
    struct str name;
    if (period_cut("recorded", str_of(text), &name, &enforced->from, &enforced->to, why) < 0)
        return -1;
    char *path = strndup(name.at, name.len);
    int result = policy_load(&enforced->policy, path, why);
    enforced->read = result == 0;
    free(path);
    return result;
}

/* A policy whose lists are elsewhere is kept with them: the files will have changed when it is read again. */
static int enforced_write(const struct enforced *enforced, char **yaml, size_t *bytes, struct why *why)
{
    const struct policy *policy = &enforced->policy;
    *yaml = NULL;
    if (!policy->has_lists) {
        *yaml = strndup(policy->yaml.at, policy->yaml.len);
        *bytes = policy->yaml.len;
        return *yaml ? 0 : why_set(why, EX_OSERR, "out of memory");
    }
    FILE *written = open_memstream(yaml, bytes);
    int result =
        written ? policy_write(policy, false, written, why) : why_set(why, EX_OSERR, "out of memory");
    if (written)
        fclose(written);
    if (result == 0 && *bytes > READER_BYTES_MOST)
        result =
            why_set(why, EX_DATAERR, "--recorded: policy %.*s is more than 1 MB with its lists; shorten them",
                    STR_ARG(policy->name));
    return result;
}

static int enforced_store(struct store *store, const struct enforced *enforced, size_t count, struct why *why)
{
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        char *yaml = NULL;
        size_t bytes = 0;
        result = enforced_write(&enforced[i], &yaml, &bytes, why);
        struct recorded_policy policy = {
            enforced[i].policy.name, { yaml, bytes }, enforced[i].from, enforced[i].to
        };
        if (result == 0)
            result = store_add_recorded(store, &policy, why);
        free(yaml);
    }
    return result;
}

static struct wall *zone_read(const char *zone, struct why *why)
{
    struct wall *wall = wall_new(str_of(zone), why);
    if (!wall)
        why_prefix(why, "--tz: ");
    return wall;
}

/* The rules of --dialect, as they are kept with an input. */
static int tags_read(const struct option_texts *texts, struct arena *arena, struct str *rules,
                     struct why *why)
{
    struct tags tags;
    *rules = STR("");
    for (size_t i = 0; i < texts->count; i++)
        *rules = arena_printf(arena, "%.*s%s%s", STR_ARG(*rules), i ? " " : "", texts->text[i]);
    if (tags_parse(&tags, *rules, arena, why) < 0) {
        why_prefix(why, "--dialect: ");
        return -1;
    }
    return 0;
}

static void summary(const struct collected *collected, const char *path, double seconds, bool follows)
{
    const char *inputs = collected->inputs == 1 ? "input" : "inputs";
    if (follows) /* an input may have been taken up several times */
        say("%s: %" PRIu64 " sessions from %" PRIu64 " lines in %.1f s", path, collected->sessions,
            collected->lines, seconds);
    else if (collected->inputs && collected->packets && collected->lines)
        say("%s: %" PRIu64 " sessions from %" PRIu64 " lines and %" PRIu64 " packets of %" PRIu64
            " %s in %.1f s",
            path, collected->sessions, collected->lines, collected->packets, collected->inputs, inputs,
            seconds);
    else if (collected->inputs)
        say("%s: %" PRIu64 " sessions from %" PRIu64 " %s of %" PRIu64 " %s in %.1f s", path,
            collected->sessions, collected->packets ? collected->packets : collected->lines,
            collected->packets ? "packets" : "lines", collected->inputs, inputs, seconds);
    if (collected->known && !follows)
        say("%s: nothing new in %" PRIu64 " %s", path, collected->known,
            collected->known == 1 ? "input" : "inputs");
    say_more("%" PRIu64 " bytes, %" PRIu64 " lines of other programs passed over", collected->bytes,
             collected->other);
    if (collected->skipped)
        say("%" PRIu64 " %s not understood; see %s with: %s status -d %s --skipped", collected->skipped,
            collected->skipped == 1 ? "line of a mail program was" : "lines of mail programs were",
            collected->skipped == 1 ? "it" : "them", program(), path);
}

/* The phrases of a file, to be stored. */
struct told {
    struct phrasebook book;
    size_t unfilled;
};

static int told_read(struct told *told, const char *file, struct why *why)
{
    if (!file || phrasebook_read(&told->book, file, &told->unfilled, why) == 0)
        return 0;
    phrasebook_free(&told->book);
    return -1;
}

static int told_store(struct store *store, struct told *told, const struct settings *settings,
                      struct why *why)
{
    struct store_named named;
    const char *path = database_path(&settings->common);
    if (!settings->phrases)
        return 0;
    if (store_name(store, &told->book, &named, why) < 0)
        return -1;
    if (told->unfilled)
        say("%s: %zu %s no measure yet, and %s passed over", settings->phrases, told->unfilled,
            told->unfilled == 1 ? "phrase has" : "phrases have", told->unfilled == 1 ? "is" : "are");
    if (named.same)
        say_more("%s: the phrases are those that it has", path);
    else
        say("%s: %zu %s, which %s %" PRIu64 " refusals in %" PRIu64 " of the sessions that were there", path,
            told->book.count, told->book.count == 1 ? "phrase" : "phrases",
            told->book.count == 1 ? "names" : "name", named.refusals, named.sessions);
    return 0;
}

/* Without an input there must be something that can be done with the database, and the database. */
static int check_asked(const struct settings *settings, char **operands, bool existed, struct why *why)
{
    const char *path = database_path(&settings->common);
    if (operands[0])
        return 0;
    if (!settings->phrases || settings->follow)
        return why_set(why, EX_USAGE, "which log? For example: mxreplay collect /var/log/mail.log");
    if (!existed)
        return why_set(
            why, EX_NOINPUT,
            "%s: there is no such database whose refusals could be named; collect into it first, or "
            "name another with -d",
            path);
    return 0;
}

static int run(const void *given, char **operands, struct why *why)
{
    const struct settings *settings = given;
    const char *path = database_path(&settings->common);
    struct told told = { .unfilled = 0 };
    struct store *store = NULL;
    struct collected collected = { 0 };
    int result = -1;
    usec began = clock_steady();
    bool existed = access(path, F_OK) == 0;

    /* Mistakes in what was typed come before the database is made. */
    if (check_asked(settings, operands, existed, why) < 0 || told_read(&told, settings->phrases, why) < 0)
        return -1;
    size_t count = settings->recorded.count;
    struct enforced *enforced = mem_zero(count + 1, sizeof *enforced);
    struct arena arena = { 0 };
    struct wall *wall = zone_read(settings->zone, why);
    struct collect_options wishes = { .year = settings->year,
                                      .wall = wall,
                                      .follow = settings->follow,
                                      .stop = -1,
                                      .follow_most = settings->keep ? USEC_DAY : 0 };
    if (!wall || tags_read(&settings->tags, &arena, &wishes.tags, why) < 0 ||
        wire_options(&settings->wire, &arena, &wishes.capture, why) < 0)
        goto done;
    for (size_t i = 0; i < count; i++)
        if (enforced_read(&enforced[i], settings->recorded.text[i], why) < 0)
            goto done;
    if (settings->follow)
        wishes.stop = stop_begin(); /* before the store's thread is there, which inherits what is blocked */
    if (open_waiting(path, settings->wait, wishes.stop, &store, why) < 0)
        goto done;
    result = refuse_copy(store, path, why);
    if (result == 0)
        result = enforced_store(store, enforced, count, why);
    if (result == 0)
        result = told_store(store, &told, settings, why);
    do {
        if (result == 0 && operands[0])
            result = collect_into(store, &settings->common, &wishes, operands, &collected, why);
        /* Retention is due whatever became of this run. */
        if (settings->keep && !store_is_copy(store) &&
            prune_from(store, path, clock_now() - settings->keep, false, result < 0 ? NULL : why) < 0)
            result = -1;
    } while (settings->follow && result == 0 && !stop_wait(wishes.stop, 0));
    if (settings->follow)
        stop_end(wishes.stop);
    /* What was collected before something went wrong is whole, and stays. */
    if (store_close(store, result < 0 ? NULL : why) < 0)
        result = -1;
    if (result == 0 || collected.sessions)
        summary(&collected, path, (double)(clock_steady() - began) / USEC_SECOND, settings->follow);
    if (result < 0)
        collect_forget(path, existed, &collected);
    else
        result = settings->common.strict && collected.skipped ? 1 : 0;
done:
    for (size_t i = 0; i < count; i++)
        if (enforced[i].read)
            policy_free(&enforced[i].policy);
    free(enforced);
    wall_free(wall);
    arena_free(&arena);
    phrasebook_free(&told.book);
    return result;
}

static const struct option_row options[] = {
    { .name = "year",
      .type = OPTION_NUMBER,
      .at = offsetof(struct settings, year),
      .argument = "YEAR",
      .help = "the year of the first line, where stamps have none; else taken from the file's time" },
    { .name = "tz",
      .type = OPTION_TEXT,
      .at = offsetof(struct settings, zone),
      .argument = "ZONE",
      .help = "of stamps that tell no zone: Europe/Berlin, +01:00, UTC, or local, this machine's",
      .fallback = "local" },
    { .name = "dialect",
      .type = OPTION_TEXTS,
      .at = offsetof(struct settings, tags),
      .argument = "[TAG=]NAME",
      .help = "lines tagged TAG, or all, are of this dialect, or of the program of this tag" },
    { .name = "follow",
      .type = OPTION_FLAG,
      .at = offsetof(struct settings, follow),
      .help = "read on as the logs grow and are rotated, until SIGINT or SIGTERM" },
    { .name = "wait",
      .type = OPTION_DURATION,
      .at = offsetof(struct settings, wait),
      .argument = "DURATION",
      .help = "how long to wait for another run that writes to the database",
      .fallback = "1m" },
    { .name = "recorded",
      .type = OPTION_TEXTS,
      .at = offsetof(struct settings, recorded),
      .argument = "POLICY[@FROM..TO]",
      .help = "what the server enforced (in that time): what it let pass is known not to hit",
      .complete = COMPLETE_POLICY },
    { .name = "dns-file",
      .type = OPTION_TEXTS,
      .at = offsetof(struct settings, wire.dns_files),
      .argument = "CAPTURE",
      .help = "DNS that was captured apart: its answers are evidence for the sessions of the captures",
      .complete = COMPLETE_FILE },
    WIRE_ROWS(struct settings),
    { .name = "phrases",
      .type = OPTION_TEXT,
      .at = offsetof(struct settings, phrases),
      .argument = "FILE",
      .help =
          "the site's own words for its refusals, in place of those told before; names what is stored, too",
      .complete = COMPLETE_FILE },
    { .name = "keep",
      .type = OPTION_DURATION,
      .at = offsetof(struct settings, keep),
      .argument = "DURATION",
      .help = "prune afterwards: sessions that started longer ago than this go, as 90d" },
    { .name = NULL },
};

static const char manual[] =
#include "doc/collect.txt.inc"
    ;

const struct command collect_command = {
    .name = "collect",
    .operands = "[INPUT…]",
    .summary = "Reads logs and captures into the database, nothing twice",
    .manual = manual,
    .options = options,
    .takes = TAKES_DATABASE | TAKES_PROGRESS | TAKES_STRICT,
    .settings_bytes = sizeof(struct settings),
    .complete = COMPLETE_FILE,
    .run = run,
};

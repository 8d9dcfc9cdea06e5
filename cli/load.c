/* Database to columns to replay. */
#define _GNU_SOURCE
#include "cli/load.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/progress.h"
#include "cli/say.h"
#include "schemas/provided.h"

enum { PROGRESS_EVERY = 8192 }; /* sessions: looking at the clock costs too */

const char *database_path(const struct common *common)
{
    const char *wanted = getenv("MXREPLAY_DB");
    if (common->database)
        return common->database;
    return wanted && *wanted ? wanted : "mxreplay.db";
}

const char *database_option(const struct common *common, struct arena *arena)
{
    return common->database ? arena_printf(arena, " -d %s", common->database).at : "";
}

static int open_database(const struct common *common, enum store_mode mode, struct store **store,
                         struct why *why)
{
    const char *path = database_path(common);
    if (access(path, F_OK) < 0 && errno == ENOENT)
        return why_set(why, EX_NOINPUT, "no database %s; make one with: mxreplay collect -d %s mail.log",
                       path, path);
    return store_open(path, mode, store, why);
}

void say_if_empty(const struct common *common, uint64_t units)
{
    if (units == 0)
        say("There is nothing in this period; what the database holds: mxreplay status -d %s",
            database_path(common));
}

int database_open(const struct common *common, struct store **store, struct why *why)
{
    return open_database(common, STORE_READ, store, why);
}

int database_change(const struct common *common, struct store **store, struct why *why)
{
    return open_database(common, STORE_WRITE, store, why);
}

int load_named_policy(struct load *load, const char *name, struct why *why)
{
    if (strcmp(name, "recorded") == 0)
        return 0;
    struct policy *policy = mem_zero(1, sizeof *policy);
    if (policy_load(policy, name, why) < 0) {
        free(policy);
        return -1;
    }
    load->policy = policy;
    return 0;
}

/* "habits" or "greylist.resend=0.8". */
static int assume(struct replay_options *options, const char *text, struct why *why)
{
    if (strcmp(text, "habits") == 0) {
        options->assume_habits = true;
        return 0;
    }
    static const char resend[] = "greylist.resend=";
    if (strncmp(text, resend, strlen(resend)) != 0)
        return why_set(why, EX_USAGE, "--assume: \"%s\" is not known; write habits or greylist.resend=0.8",
                       text);
    const char *digits = text + strlen(resend);
    char *end = NULL;
    double share = strtod(digits, &end);
    if (end == digits || *end || !(share >= 0 && share <= 1))
        return why_set(why, EX_USAGE, "--assume: greylist.resend: \"%s\" is not a share between 0 and 1",
                       digits);
    options->assume_resend = share;
    return 0;
}

int load_options(struct load *load, const struct common *common, struct why *why)
{
    struct replay_options *options = &load->options;
    *options = (struct replay_options){ .unit = (enum unit)common->unit,
                                        .from = common->from,
                                        .to = common->to,
                                        .retry_window = common->retry_window,
                                        .assume_resend = NAN };
    if (common->from != USEC_NONE && common->to != USEC_NONE && common->from >= common->to)
        return why_set(why, EX_USAGE, "--to is not after --from: nothing lies between them");
    for (size_t i = 0; i < common->assume.count; i++)
        if (assume(options, common->assume.text[i], why) < 0)
            return -1;

    struct recorded_policy *stored = NULL;
    size_t count = 0;
    if (store_recorded(load->store, &load->arena, &stored, &count, why) < 0)
        return -1;
    load->recorded = mem_zero(count + 1, sizeof *load->recorded);
    struct in_force *in_force = arena_zero(&load->arena, (count + 1) * sizeof *in_force);
    options->in_force = in_force;
    options->assumed = count == 0;
    for (; options->in_force_count < count; options->in_force_count++) {
        size_t i = options->in_force_count;
        struct str origin = arena_printf(&load->arena, "recorded policy %.*s", STR_ARG(stored[i].name));
        if (policy_read(&load->recorded[i], origin.at, stored[i].yaml, why) < 0)
            return -1;
        in_force[i] = (struct in_force){ &load->recorded[i], stored[i].from, stored[i].to };
    }
    return 0;
}

struct reading {
    struct columns *columns;
    struct fate_counter *fates;
    struct progress progress;
    uint64_t read, all;
};

static int add(void *state, const struct session *session)
{
    struct reading *reading = state;
    columns_add(reading->columns, session);
    if (reading->fates)
        fates_take(reading->fates, session);
    reading->read++;
    if (reading->read % PROGRESS_EVERY == 0 && progress_due(&reading->progress)) {
        char count[PROGRESS_NUMBER_BYTES], all[PROGRESS_NUMBER_BYTES], left[PROGRESS_TIME_BYTES];
        progress_show(&reading->progress, "reading sessions: %s of %s, %s left",
                      progress_number(reading->read, count), progress_number(reading->all, all),
                      progress_left(&reading->progress, (double)reading->read, (double)reading->all, left));
    }
    return 0;
}

struct giving {
    struct columns *columns;
    bool of_messages; /* some of it is of message ids */
};

static int provide(void *state, const struct provider *provider, const struct provided *provided)
{
    struct giving *giving = state;
    columns_provide(giving->columns, provider, provided);
    giving->of_messages = giving->of_messages || provider->about == ABOUT_MESSAGE_ID;
    return 0;
}

/* The time that the inputs cover; a retry that did not come by its end may still have been on its way. */
static int span(struct load *load, usec *from, usec *to, struct why *why)
{
    struct input *input = NULL;
    size_t count = 0;
    if (store_inputs(load->store, &load->arena, &input, &count, why) < 0)
        return -1;
    *from = *to = USEC_NONE;
    for (size_t i = 0; i < count; i++) {
        if (input[i].first != USEC_NONE && (*from == USEC_NONE || input[i].first < *from))
            *from = input[i].first;
        if (input[i].last != USEC_NONE && (*to == USEC_NONE || input[i].last > *to))
            *to = input[i].last;
    }
    return 0;
}

int load_sessions(struct load *load, const struct common *common, struct why *why)
{
    usec from = USEC_NONE, to = USEC_NONE;
    struct store_summary summary = { 0 };
    if (span(load, &from, &to, why) < 0 || store_summarise(load->store, &summary, why) < 0)
        return -1;
    load->columns = columns_new();
    struct reading reading = { .columns = load->columns, .fates = load->fates, .all = summary.sessions };
    struct giving giving = { .columns = load->columns };
    if (store_each_provided(load->store, provide, &giving, why) < 0)
        return -1;
    struct store_filter all = {
        .from = USEC_NONE, .to = USEC_NONE, .no_texts = !giving.of_messages, .outbound = true
    };
    progress_begin(&reading.progress, common->progress, common->quiet);
    int result = store_each(load->store, &all, add, &reading, why);
    progress_end(&reading.progress);
    if (result < 0)
        return -1;
    columns_finish(load->columns, from, to);
    say_more("%" PRIu64 " sessions read in %.1f s", reading.read, progress_seconds(&reading.progress));
    return 0;
}

int load_all(struct load *load, const struct common *common, const char *fallback, struct why *why)
{
    /* A mistake in the policy is told before ten million sessions are read. */
    if (load_named_policy(load, common->policy ? common->policy : fallback, why) < 0 ||
        database_open(common, &load->store, why) < 0 || load_options(load, common, why) < 0)
        return -1;
    return load_sessions(load, common, why);
}

void load_free(struct load *load)
{
    if (load->policy)
        policy_free(load->policy);
    free(load->policy);
    for (size_t i = 0; i < load->options.in_force_count; i++)
        policy_free(&load->recorded[i]);
    free(load->recorded);
    if (load->columns)
        columns_free(load->columns);
    if (load->store)
        store_close(load->store, NULL);
    arena_free(&load->arena);
}

/* A sweep of many policies over generated sessions: how long the loading into columns takes, how long the
 * sweep after it, and how much memory there is a session.
 *
 *     sweep_bench [SESSIONS [POLICIES [STATEFUL]]]      1000000, 1000, 0: how many of them have greylisting
 *
 * Where some have, a third sweep is of 1,000 that have, under 20 of which greylisting is asked anew.
 *
 * The clients are nine bots in ten, most of them listed or without a name, and mail servers that come back;
 * half of the evidence is recorded. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "analyze/sweep.h"
#include "analyze/vary.h"
#include "bench/generated.h"

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Of the processor: others may be using the machine too. */
static double busy(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static double megabytes(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)used.ru_maxrss / 1024;
}

static void quit(const struct why *why)
{
    fprintf(stderr, "%s\n", why->text);
    exit(1);
}

/* What is varied. */
struct task {
    const char *name;
    bool greylisting;
    enum search search;
    const char *vary[7];
};

static const struct task without = { "without greylisting",
                                     false,
                                     SEARCH_RANDOM,
                                     { "no-rdns=on,off", "dnsbl.zones=+each,-each", "spam.score=4..20",
                                       "order", "recipient=on,off", NULL } };
/* nearly each of them lets others through to greylisting */
static const struct task with_others = { "with greylisting, each asked of others",
                                         true,
                                         SEARCH_RANDOM,
                                         { "no-rdns=on,off", "dnsbl.zones=+each,-each", "spam.score=4..20",
                                           "order", "recipient=on,off", "greylist.delay=1m,5m,15m,1h",
                                           NULL } };
/* 50 times each of 20 */
static const struct task with_same = {
    "with greylisting, 20 asked anew",
    true,
    SEARCH_GRID,
    { "spam.score=1..50",
      "greylist.delay=1m,2m,3m,4m,5m,6m,7m,8m,9m,10m,15m,20m,25m,30m,35m,40m,45m,50m,55m,1h", NULL }
};

/* `count` policies at random, or all; of one that has greylisting or has not. */
static void sweep(struct columns *columns, const struct task *task, size_t count)
{
    bool greylisting = task->greylisting;
    size_t axis_count = 0;
    while (task->vary[axis_count])
        axis_count++;
    struct policy policy;
    struct axes *axes = NULL;
    struct variants variants;
    struct why why = { 0 };
    struct replay_options options = {
        .unit = UNIT_DELIVERY, .from = USEC_NONE, .to = USEC_NONE, .assume_resend = NAN
    };
    const char *yaml =
        greylisting ? "measures: [ no-rdns: {}, dnsbl: { zones: { a.example: 1 } }, helo: {}, recipient: {}, "
                      "greylist: {}, "
                      "spam: { score: 8 } ]"
                    : "measures: [ no-rdns: {}, dnsbl: { zones: { a.example: 1 } }, helo: {}, recipient: {}, "
                      "spam: { score: 8 } ]";
    if (policy_read(&policy, "bench", str_of(yaml), &why) < 0 ||
        axes_read(&policy, task->vary, axis_count, &axes, &why) < 0 ||
        variants_make(axes, columns, task->search, count ? count - 1 : 0, 1, &variants, &why) < 0)
        quit(&why);
    const struct policy **policies = mem_zero(variants.count, sizeof *policies);
    struct sweep_row *rows = mem_zero(variants.count, sizeof *rows);
    for (size_t i = 0; i < variants.count; i++)
        policies[i] = &variants.variant[i].policy;
    double start = seconds(), start_busy = busy();
    struct sweep_options how = { &options, NULL, NULL };
    if (sweep_run(columns, policies, variants.count, NULL, &how, rows, &why) < 0)
        quit(&why);
    double taken = seconds() - start;
    printf("%zu policies %s: %.2f s (%.2f s of the processor), %.1f ms each; the first stops "
           "%" PRIu64 " [%" PRIu64 ", %" PRIu64 "]\n",
           variants.count, task->name, taken, busy() - start_busy, 1000 * taken / (double)variants.count,
           rows[0].stopped.count, rows[0].stopped.low, rows[0].stopped.high);
    free(rows);
    free(policies);
    variants_free(&variants);
    axes_free(axes);
    policy_free(&policy);
}

int main(int count, char **arguments)
{
    size_t sessions = count > 1 ? strtoul(arguments[1], NULL, 10) : 1000000;
    size_t policies = count > 2 ? strtoul(arguments[2], NULL, 10) : 1000;
    size_t stateful = count > 3 ? strtoul(arguments[3], NULL, 10) : 0;
    double before = megabytes(), start = seconds(), start_busy = busy();
    struct columns *columns = generated(sessions);
    printf("%zu sessions into columns: %.2f s (%.2f s of the processor), %.0f bytes each\n", sessions,
           seconds() - start, busy() - start_busy, (megabytes() - before) * 1024 * 1024 / (double)sessions);
    if (policies > stateful)
        sweep(columns, &without, policies - stateful);
    if (stateful) {
        sweep(columns, &with_others, stateful);
        sweep(columns, &with_same, 0);
    }
    printf("at most %.0f MiB\n", megabytes());
    columns_free(columns);
    return 0;
}

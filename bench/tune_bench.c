/* How long whoever tunes a policy waits for an answer after a key, on generated sessions: where the measures
 * have no state and where one has.
 *
 *     tune_bench [SESSIONS]      1000000 */
#define _GNU_SOURCE
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "analyze/trial.h"
#include "analyze/tuning.h"
#include "bench/generated.h"

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void quit(const struct why *why)
{
    fprintf(stderr, "%s\n", why->text);
    exit(1);
}

struct bench {
    struct tuning *tuning;
    struct trial *trial;
    struct attempted kept[1000]; /* the trial looks at them as long as it lasts */
    size_t kept_count;
    double most, sum;
    size_t answers;
};

/* Tries the policy as it is now. */
static double answer(struct bench *bench)
{
    struct figures figures;
    struct why why = { 0 };
    struct attempted now = tuning_attempt(bench->tuning);
    double start = seconds();
    if (trial_run(bench->trial, now.policy, &figures, &why) < 0)
        quit(&why);
    double taken = seconds() - start;
    figures_free(&figures);
    bench->kept[bench->kept_count++] = now;
    return taken;
}

static void note(struct bench *bench, double taken)
{
    bench->most = taken > bench->most ? taken : bench->most;
    bench->sum += taken;
    bench->answers++;
}

/* Each measure off and on again, each knob up and back. */
static void press_all(struct bench *bench)
{
    for (size_t place = 0; place < tuning_count(bench->tuning); place++) {
        tuning_switch(bench->tuning, place, NULL);
        note(bench, answer(bench));
        tuning_undo(bench->tuning, NULL);
        struct knobs knobs = tuning_knobs(bench->tuning, place);
        for (size_t k = 0; k < knobs.count && k < 3; k++) {
            struct knob knob = knobs.knob[k];
            if (tuning_turn(bench->tuning, place, &knob, 1, NULL) < 0)
                continue;
            note(bench, answer(bench));
            tuning_undo(bench->tuning, NULL);
            knobs = tuning_knobs(bench->tuning, place);
        }
    }
}

static void tune(struct columns *columns, const char *what, const char *yaml)
{
    struct policy policy;
    struct why why = { 0 };
    struct bench bench = { 0 };
    const struct replay_options options = {
        .unit = UNIT_DELIVERY, .from = USEC_NONE, .to = USEC_NONE, .assume_resend = NAN
    };
    struct arena arena = { 0 };
    struct texts zones = trial_zones(columns, &arena);
    if (policy_read(&policy, "bench", str_of(yaml), &why) < 0)
        quit(&why);
    bench.tuning = tuning_new(&policy, &zones);
    double start = seconds();
    bench.trial = trial_new(columns, &options, &policy);
    double ready = seconds() - start, first = answer(&bench);
    press_all(&bench);
    printf("%s: first answer %.2f s, then %zu of %.1f ms, at most %.1f ms\n", what, ready + first,
           bench.answers, 1000 * bench.sum / (double)bench.answers, 1000 * bench.most);
    trial_free(bench.trial);
    for (size_t i = 0; i < bench.kept_count; i++)
        attempted_free(&bench.kept[i]);
    tuning_free(bench.tuning);
    policy_free(&policy);
    arena_free(&arena);
}

int main(int count, char **arguments)
{
    size_t sessions = count > 1 ? strtoul(arguments[1], NULL, 10) : 1000000;
    double start = seconds();
    struct columns *columns = generated(sessions);
    printf("%zu sessions into columns: %.2f s\n", sessions, seconds() - start);
    tune(columns, "without state",
         "measures: [ no-rdns: {}, dnsbl: { zones: { a.example: 1 } }, helo: {}, recipient: {}, spam: { "
         "score: 8 } ]");
    tune(columns, "with greylisting",
         "measures: [ no-rdns: {}, dnsbl: { zones: { a.example: 1 } }, helo: {}, recipient: {}, greylist: "
         "{}, spam: { "
         "score: 8 } ]");
    columns_free(columns);
    return 0;
}

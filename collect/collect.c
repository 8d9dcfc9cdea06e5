/* Collecting: inputs in, finished sessions out. One builder serves all inputs of a run, so a session goes on
 * from one rotated file into the next. With each commit the builder is kept beside the sessions, so the next
 * run goes on from there, be it that this one was killed or that the log has grown: the sessions come out as
 * from one run. */
#define _GNU_SOURCE
#include "collect/collect.h"

#include <assert.h>
#include <stdio.h>
#include "collect/builder.h"
#include "collect/capture/capture.h"
#include "collect/follow.h"
#include "collect/merge.h"
#include "collect/reading.h"
#include "collect/run.h"

enum {
    COMMIT_BYTES = 64 * 1024 * 1024, /* of input: a fraction of a second */
    PROGRESS_LINES = 2048,           /* between two looks at the clock */
    COMMIT_LINES = 512,              /* the same, where there are commits by it */
    STATE_VERSION = 5 /* of what is kept: count up when what is written down of a run, a session or a
                         dialect's notes changes */
};

static_assert((int)MARKS >= (int)OPEN_MOST, "each open input has a mark when it has been written down");

/* ---- What the parts of a run share. */

void run_fail(struct run *run, const struct why *failure)
{
    if (run->failure.status || run->follow)
        progress_note(&run->progress, "%s", failure->text);
    else
        run->failure = *failure;
}

int run_refresh(struct run *run, struct why *why)
{
    if (run->fresh)
        return 0;
    run->fresh = true;
    return run->resumed ? run->catalogue->take_back(run->catalogue->state, why) : 0;
}

const struct mark *run_mark(const struct run *run, int32_t input)
{
    for (size_t i = 0; i < run->marks; i++)
        if (run->mark[i].input == input)
            return &run->mark[i];
    return NULL;
}

void run_note(struct run *run, const struct mark *mark)
{
    const struct mark *old = run_mark(run, mark->input);
    size_t before = old ? (size_t)(old - run->mark) : run->marks < MARKS ? run->marks++ : MARKS - 1;
    memmove(run->mark + 1, run->mark, before * sizeof *run->mark);
    run->mark[0] = *mark;
}

/* ---- From one run to the next. */

static void carry_mark(struct state_bytes *state, struct mark *mark)
{
    struct str name = mark->before ? str_of(mark->before->name) : (struct str){ NULL, 0 };
    carry(state, &mark->input);
    carry(state, &mark->reached);
    carry(state, &name);
    mark->before = NULL;
    for (size_t i = 0; name.at && dialects[i]; i++)
        if (str_eq(str_of(dialects[i]->name), name))
            mark->before = dialects[i];
}

static void carry_run(struct state_bytes *state, struct run *run, bool *finished, uint64_t *open)
{
    uint64_t version = STATE_VERSION;
    struct str program = STR(MXREPLAY_VERSION);
    carry(state, &version);
    carry(state, &program);
    state->broken |= version != STATE_VERSION || !str_eq(program, STR(MXREPLAY_VERSION));
    carry(state, finished);
    carry(state, open);
    carry(state, &run->told);
    run->marks = carry_count(state, run->marks);
    state->broken |= run->marks > MARKS;
    for (size_t i = 0; i < run->marks && !state->broken; i++)
        carry_mark(state, &run->mark[i]);
}

/* While packets come from an interface, or logs are followed, that is each second: what is on the wire is
 * then kept only with the end. */
static bool keeps_capture(const struct run *run, bool finished)
{
    return run->capture && run->options && (finished || !run->follow);
}

/* Keeps all that is needed to go on from here. `finished`: what is open is handed over next, as it stands. */
static int keep_run(struct run *run, bool finished, struct why *why)
{
    bool captured = keeps_capture(run, finished);
    if (captured)
        capture_bound(run->capture);
    uint64_t open = builder_counts(run->builder)->open + (captured ? capture_wordless(run->capture) : 0);
    state_begin(&run->state);
    carry_run(&run->state, run, &finished, &open);
    builder_save(run->builder, &run->state);
    carry(&run->state, &captured);
    if (captured)
        capture_save(run->capture, &run->state);
    return run->catalogue->keep(run->catalogue->state, state_end(&run->state), why);
}

/* 0, 1 where what is kept is broken, or -1 with why. */
static int load_run(struct run *run, struct state_bytes *state, bool *finished, uint64_t *open,
                    struct why *why)
{
    bool captured = false;
    carry_run(state, run, finished, open);
    if (state->broken || builder_load(run->builder, state))
        return 1;
    carry(state, &captured);
    if (!captured)
        return state->broken;
    if (!(run->capture = capture_new(run->builder, run->capture_options, why)))
        return -1;
    return capture_load(run->capture, state) ? 1 : 0;
}

/* What another version has kept is of no use: the sessions stay as they stand. */
int run_begin(struct run *run, const struct sink *sink, int64_t first_session, struct why *why)
{
    struct str kept = { NULL, 0 };
    bool finished = false;
    uint64_t open = 0;
    run->builder = builder_new(sink, first_session);
    if (run->catalogue->kept(run->catalogue->state, &kept, why))
        return -1;
    if (kept.len == 0)
        return 0;
    struct state_bytes state = state_load(kept);
    int loaded = load_run(run, &state, &finished, &open, why);
    if (loaded < 0)
        return -1;
    if (loaded) {
        capture_free(run->capture);
        run->capture = NULL;
        builder_free(run->builder);
        run->builder = builder_new(sink, first_session);
        run->told = USEC_NONE;
        run->marks = 0;
        return 0;
    }
    run->resumed = true;
    run->unfinished = !finished;
    run->open_before = finished ? open : 0;
    return 0;
}

int run_commit(struct run *run, struct why *why)
{
    run->uncommitted_bytes = 0;
    run->commit_at = USEC_NONE;
    return keep_run(run, false, why) || run->catalogue->commit(run->catalogue->state, why) ? -1 : 0;
}

int run_end(struct run *run, struct why *why)
{
    if (!run->fresh && !run->unfinished)
        return run->catalogue->commit(run->catalogue->state, why);
    if (run_refresh(run, why) || keep_run(run, true, why))
        return -1;
    if (run->capture)
        capture_finish(run->capture);
    if (builder_finish(run->builder, why) || run->catalogue->join(run->catalogue->state, why) ||
        run->catalogue->commit(run->catalogue->state, why))
        return -1;
    run->collected->sessions = builder_counts(run->builder)->handed_over - run->open_before;
    return 0;
}

/* ---- The way through the inputs. */

static void show_progress(struct run *run, const struct merge *merge, const struct reading *reading)
{
    char lines[PROGRESS_NUMBER_BYTES], sessions[PROGRESS_NUMBER_BYTES], left[PROGRESS_TIME_BYTES], share[32];
    double done = (double)(run->bytes_done + merge_consumed(merge)), all = (double)run->bytes_all;
    if (reading->source.stream)
        snprintf(share, sizeof share, "%.0f MB", (double)reading->lines.position / 1e6);
    else
        snprintf(share, sizeof share, "%.0f %%", all > 0 ? 100 * done / all : 0);
    progress_show(
        &run->progress, "%s (%zu of %zu)  %s  %s lines/s  %s sessions  %s left", reading->found.path, run->at,
        run->inputs, share,
        progress_number((uint64_t)((double)run->collected->lines / progress_seconds(&run->progress)), lines),
        progress_number(builder_counts(run->builder)->handed_over, sessions),
        progress_left(&run->progress, done, reading->source.stream ? 0 : all, left));
}

int run_survey(struct run *run, struct survey *survey, const char *const *paths, size_t count,
               struct why *why)
{
    const struct collect_options *options = run->options;
    const struct survey_wishes wishes = { options->year, options->wall, &run->walls };
    return survey_inputs(survey, paths, count, &wishes, run->catalogue, &run->progress, why);
}

int run_commit_read(struct run *run, struct why *why)
{
    int written = reading_write_all(run, why);
    if (written <= 0)
        return written;
    return run_commit(run, why) ? -1 : 1;
}

static bool commit_is_due(const struct run *run)
{
    return run->uncommitted_bytes >= run->commit_bytes ||
           (run->commit_at != USEC_NONE && run->collected->lines % COMMIT_LINES == 0 &&
            clock_steady() >= run->commit_at);
}

int run_read(struct run *run, struct merge *merge, struct why *why)
{
    struct reading *reading = NULL;
    int got = 0;
    while ((got = merge_next(merge, &reading, why)) == 1) {
        if (commit_is_due(run) && run_commit_read(run, why) < 0)
            return -1;
        if (run->follow && run->collected->lines % COMMIT_LINES == 0 && follow_is_over(run->follow)) {
            int committed = run_commit_read(run, why);
            run->stopped = committed == 1;
            if (committed)
                return committed < 0 ? -1 : 0;
        }
        if (reading_take(reading, why))
            return -1;
        if (run->collected->lines % PROGRESS_LINES == 0 && progress_due(&run->progress))
            show_progress(run, merge, reading);
    }
    return got;
}

static int read_inputs(struct run *run, struct survey *survey, struct why *why)
{
    struct merge merge;
    run->inputs = survey->count;
    for (size_t i = 0; i < survey->count; i++)
        run->bytes_all += survey->found[i].size;
    merge_begin(&merge, run, survey);
    int result = run_read(run, &merge, why);
    merge_free(&merge);
    return result;
}

static int follow_inputs(struct run *run, struct survey *survey, struct why *why)
{
    if (read_inputs(run, survey, why) || (run->fresh && run_commit_read(run, why) < 0))
        return -1;
    if (run->stopped)
        return 0;
    progress_end(&run->progress);
    run->progress.wanted = false;
    return follow_on(run->follow, why);
}

static int read_all(struct run *run, const struct sink *sink, struct why *why)
{
    struct survey survey = { 0 };
    const struct collect_options *options = run->options;
    int result = run->follow ? follow_survey(run->follow, &survey, why)
                             : run_survey(run, &survey, options->paths, options->path_count, why);
    if (result == 0 && run->follow)
        result = follow_check(run->follow, &survey, why);
    if (result == 0) {
        programs_begin(&run->programs, dialects);
        result = run_begin(run, sink, options->first_session, why);
        if (result == 0)
            result = (run->follow ? follow_inputs : read_inputs)(run, &survey, why);
        run->collected->sessions = builder_counts(run->builder)->handed_over;
        if (result == 0)
            result = run_end(run, why);
        capture_free(run->capture);
        builder_free(run->builder);
        state_free(&run->state);
    }
    survey_free(&survey);
    return result;
}

int collect_run(const struct collect_options *options, const struct sink *sink,
                const struct catalogue *catalogue, struct collected *collected, struct why *why)
{
    struct run run = { .catalogue = catalogue,
                       .options = options,
                       .capture_options = &options->capture,
                       .collected = collected,
                       .commit_bytes = options->commit_bytes ? options->commit_bytes : COMMIT_BYTES,
                       .commit_at = USEC_NONE,
                       .told = USEC_NONE };
    *collected = (struct collected){ 0 };
    progress_begin(&run.progress, options->progress, options->quiet);
    int result = options->follow ? follow_begin(&run, options, why) : 0;
    if (result == 0)
        result = read_all(&run, sink, why);
    /* Among others, a file that has nothing for us is no matter; alone, it is a mistake. */
    if (result == 0 && !run.ours && !run.failure.status && !run.follow)
        run.failure = run.strange;
    progress_end(&run.progress);
    while (run.readings)
        reading_close(run.readings, -1, NULL);
    follow_free(run.follow);
    walls_free(&run.walls);
    if (result == 0 && run.failure.status) {
        if (why)
            *why = run.failure;
        result = -1;
    }
    return result;
}

/* Collecting: inputs in, finished sessions out. One builder serves all inputs of a run, so a session goes on
 * from one rotated file into the next. With each commit the builder is kept beside the sessions, so the next
 * run goes on from there, be it that this one was killed or that the log has grown: the sessions come out as
 * from one run. */
#include "collect/collect.h"

#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>
#include "base/memory.h"
#include "base/progress.h"
#include "collect/builder.h"
#include "collect/capture/capture.h"
#include "collect/lines.h"
#include "collect/programs.h"
#include "collect/shape.h"
#include "collect/state.h"
#include "collect/survey.h"
#include "collect/syslog.h"

enum {
    COMMIT_BYTES = 64 * 1024 * 1024, /* of input: a fraction of a second */
    PROGRESS_LINES = 2048,           /* between two looks at the clock */
    DIALECTS_BYTES = 256,
    STATE_VERSION = 1 /* of what is kept: count up when what is written down of a run, a session or a
                         dialect's notes changes */
};

struct run {
    const struct catalogue *catalogue;
    struct builder *builder;
    struct capture *capture; /* begun with the first one */
    const struct capture_options *capture_options;
    struct collected *collected;
    struct progress progress;
    struct programs programs;
    uint64_t commit_bytes;
    struct state_bytes state; /* what is kept */
    uint64_t
        open_before;    /* sessions that were open when the run before ended, and stand there as they were */
    bool resumed;       /* this run goes on from another */
    bool unfinished;    /* that run was killed: what was open does not stand there */
    bool fresh;         /* something new has been read */
    int32_t last_input; /* the input that was read last, and whose its last line was */
    struct str last_dialect;
    usec told;                      /* the time that the builder was told last */
    uint64_t bytes_all, bytes_done; /* as the inputs lie there; done: of those before this one */
    size_t inputs, at;              /* how many, and which one, from 1 */
    struct why strange;             /* the last input without a line of a mail program */
    bool ours;                      /* some input had one, now or before */
    struct why failure;             /* the first input that could not be read to its end */
};

/* One input that is being read. */
struct reading {
    struct run *run;
    struct found *found;
    struct source source;
    struct lines lines;
    struct syslog syslog;
    struct shapes shapes;
    struct input input;
    struct arena arena; /* of the input's texts */
    uint64_t dialects;  /* a bit for each row of the table that took a line */
    uint64_t committed; /* position */
    uint64_t lines_before;
    const struct dialect *before; /* whose the line before was, or NULL */
    char dialect_names[DIALECTS_BYTES];
};

static int open_input(struct reading *reading, struct why *why)
{
    if (reading->found->stream.parts) {
        reading->source = reading->found->stream;
        reading->found->stream = (struct source){ 0 };
        return 0;
    }
    return source_open(&reading->source, reading->found->path, why);
}

static void close_input(struct reading *reading)
{
    lines_end(&reading->lines);
    source_close(&reading->source);
}

static uint64_t tail_hash(const struct lines *lines, uint64_t bytes)
{
    struct str tail = lines_tail(lines);
    return bytes <= tail.len ? bytes_hash(tail.at + tail.len - bytes, bytes, 0) : 0;
}

enum place {
    PLACE_FAILED, /* the catalogue */
    PLACE_BROKEN, /* the input */
    PLACE_OTHER,  /* it only begins alike */
    PLACE_BEFORE, /* it is shorter than what is known: an older copy */
    PLACE_REACHED
};

/* Opens the input and goes to where `known` ended, which must have the same bytes before it. */
static enum place place_behind(struct reading *reading, const struct input *known, struct why *why)
{
    uint64_t tail = known->bytes - known->tail_bytes;
    if (open_input(reading, why))
        return PLACE_BROKEN;
    bool sought = source_seek(&reading->source, tail);
    lines_begin(&reading->lines, source_read, &reading->source, sought ? tail : 0, known->lines);
    if (lines_skip(&reading->lines, known->bytes, why)) {
        why_prefix(why, "%s: ", reading->found->path);
        return PLACE_BROKEN;
    }
    if (reading->lines.position < known->bytes)
        return PLACE_BEFORE;
    return tail_hash(&reading->lines, known->tail_bytes) == known->tail_hash ? PLACE_REACHED : PLACE_OTHER;
}

/* Finds out whether the input, or a beginning of it, was collected before, and opens it where reading begins.
 */
static enum place place_input(struct run *run, struct reading *reading, struct why *why)
{
    struct found *found = reading->found;
    struct input known = { 0 };
    unsigned at = 0;
    int result = 0;
    bool stream = found->stream.parts;
    while ((result = head_find(&found->head, &at, run->catalogue, &known, why)) == 1) {
        reading->input = known;
        enum place place = place_behind(reading, &known, why);
        if (place != PLACE_OTHER)
            return place;
        close_input(reading);
        if (stream) {
            why_set(why, EX_DATAERR,
                    "%s: begins as an input that was collected before, and goes on otherwise; give it "
                    "as a file, a pipe cannot be read twice",
                    found->path);
            return PLACE_BROKEN;
        }
    }
    reading->input = (struct input){ .first = USEC_NONE, .last = USEC_NONE };
    if (result < 0)
        return PLACE_FAILED;
    if (open_input(reading, why))
        return PLACE_BROKEN;
    lines_begin(&reading->lines, source_read, &reading->source, 0, 0);
    return PLACE_REACHED;
}

/* The rows of the table whose names stand in `names`. */
static uint64_t dialect_bits(struct str names)
{
    uint64_t bits = 0;
    while (names.len) {
        struct str name;
        if (!cut_until_char(&names, ' ', &name)) {
            name = names;
            names.len = 0;
        }
        for (unsigned i = 0; dialects[i]; i++)
            if (strncmp(dialects[i]->name, name.at, name.len) == 0 && dialects[i]->name[name.len] == '\0')
                bits |= (uint64_t)1 << i;
    }
    return bits;
}

static struct str dialect_names(uint64_t bits, char text[DIALECTS_BYTES])
{
    size_t len = 0;
    for (unsigned i = 0; dialects[i] && len < DIALECTS_BYTES; i++)
        if (bits >> i & 1)
            len +=
                (size_t)snprintf(text + len, DIALECTS_BYTES - len, "%s%s", len ? " " : "", dialects[i]->name);
    return (struct str){ text, len < DIALECTS_BYTES ? len : DIALECTS_BYTES - 1 };
}

/* ---- From one run to the next. */

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
    carry(state, &run->last_input);
    carry(state, &run->last_dialect);
}

static void note_last(struct run *run, const struct reading *reading)
{
    run->last_input = reading->input.id;
    run->last_dialect = reading->before ? str_of(reading->before->name) : (struct str){ NULL, 0 };
}

/* Keeps all that is needed to go on from here. `finished`: what is open is handed over next, as it stands. */
static int keep_run(struct run *run, bool finished, struct why *why)
{
    uint64_t open = builder_counts(run->builder)->open;
    state_begin(&run->state);
    carry_run(&run->state, run, &finished, &open);
    builder_save(run->builder, &run->state);
    return run->catalogue->keep(run->catalogue->state, state_end(&run->state), why);
}

/* What another version has kept is of no use: the sessions stay as they stand. */
static int begin_run(struct run *run, const struct sink *sink, int64_t first_session, struct why *why)
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
    carry_run(&state, run, &finished, &open);
    if (state.broken || builder_load(run->builder, &state)) {
        builder_free(run->builder);
        run->builder = builder_new(sink, first_session);
        run->told = USEC_NONE;
        run->last_input = 0;
        return 0;
    }
    for (size_t i = 0; dialects[i]; i++)
        if (str_eq(str_of(dialects[i]->name), run->last_dialect))
            run->last_dialect = str_of(dialects[i]->name); /* it was the state's */
    run->resumed = true;
    run->unfinished = !finished;
    run->open_before = finished ? open : 0;
    return 0;
}

/* There is something new: what stood for the open sessions goes. */
static int refresh(struct run *run, struct why *why)
{
    if (run->fresh)
        return 0;
    run->fresh = true;
    return run->resumed ? run->catalogue->take_back(run->catalogue->state, why) : 0;
}

/* What is open is handed over as it stands, unless the run before has done so and there is nothing new. */
static int end_run(struct run *run, struct why *why)
{
    if (!run->fresh && !run->unfinished)
        return run->catalogue->commit(run->catalogue->state, why);
    if (refresh(run, why) || keep_run(run, true, why) || builder_finish(run->builder, why) ||
        run->catalogue->commit(run->catalogue->state, why))
        return -1;
    run->collected->sessions = builder_counts(run->builder)->handed_over - run->open_before;
    return 0;
}

/* Writes down how far the input has been read. */
static int write_input(struct run *run, struct reading *reading, struct why *why)
{
    struct input *input = &reading->input;
    const struct head *head = &reading->found->head;
    uint64_t bytes = reading->lines.position;
    input->dialects = dialect_names(reading->dialects, reading->dialect_names);
    input->bytes = bytes;
    input->lines = reading->lines.number;
    input->last = reading->syslog.last;
    input->head_bytes = (uint64_t)1 << (head->count - 1);
    input->head_hash = head->hash[head->count - 1];
    input->tail_bytes = lines_tail(&reading->lines).len;
    input->tail_hash = tail_hash(&reading->lines, input->tail_bytes);
    reading->committed = bytes;
    note_last(run, reading);
    return run->catalogue->write(run->catalogue->state, input, why) ||
                   shapes_hand_over(&reading->shapes, input->id, run->catalogue, why)
               ? -1
               : 0;
}

static void skip(struct reading *reading, const char *reason, struct str program, struct str text,
                 struct str whole)
{
    reading->input.skipped++;
    shapes_add(&reading->shapes, reason, program, text, whole, reading->lines.number, reading->lines.offset);
}

static int take_line(struct run *run, struct reading *reading, struct str text, struct why *why)
{
    struct line line = { .input = reading->input.id,
                         .offset = reading->lines.offset,
                         .number = reading->lines.number };
    if (reading->lines.was_cut)
        skip(reading, "too long", STR(""), text, text);
    if (!syslog_parse(&reading->syslog, text, &line)) {
        const struct dialect *before = reading->before;
        if (str_trim(text).len == 0 || (before && before->continues && before->continues(text)))
            reading->input.other++;
        else if (!reading->lines.was_cut)
            skip(reading, "no time stamp", STR(""), text, text);
        return 0;
    }
    if (reading->input.first == USEC_NONE)
        reading->input.first = line.at;
    const struct dialect *dialect = programs_dialect(&run->programs, line.program);
    if (!dialect) {
        if (reading->before && line.program.len == 0 && str_starts(line.text, STR("last message repeated")))
            skip(reading, "repetition of another line", STR(""), line.text, text);
        else
            reading->input.other++;
        reading->before = NULL;
        return 0;
    }
    reading->before = dialect;
    if (run->told == USEC_NONE || line.at < run->told || line.at - run->told >= USEC_SECOND) {
        run->told = line.at;
        if (builder_advance(run->builder, line.at, why))
            return -1;
    }
    enum taken taken = dialect_take(dialect, &line, run->builder);
    if (taken == SKIPPED && !reading->lines.was_cut)
        skip(reading, "unknown text", line.program, line.text, text);
    else if (taken == NOT_OURS)
        reading->input.other++;
    if (taken != NOT_OURS)
        for (unsigned i = 0; dialects[i]; i++)
            reading->dialects |= (uint64_t)(dialects[i] == dialect) << i;
    return 0;
}

static void show_progress(struct run *run, const struct reading *reading)
{
    char lines[PROGRESS_NUMBER_BYTES], sessions[PROGRESS_NUMBER_BYTES], left[PROGRESS_TIME_BYTES], share[32];
    double done = (double)(run->bytes_done + reading->source.consumed), all = (double)run->bytes_all;
    if (reading->source.stream)
        snprintf(share, sizeof share, "%.0f MB", (double)reading->lines.position / 1e6);
    else
        snprintf(share, sizeof share, "%.0f %%", all > 0 ? 100 * done / all : 0);
    progress_show(&run->progress, "%s (%zu of %zu)  %s  %s lines/s  %s sessions  %s left",
                  reading->found->path, run->at, run->inputs, share,
                  progress_number((uint64_t)((double)(run->collected->lines + reading->lines.number -
                                                      reading->lines_before) /
                                             progress_seconds(&run->progress)),
                                  lines),
                  progress_number(builder_counts(run->builder)->handed_over, sessions),
                  progress_left(&run->progress, done, reading->source.stream ? 0 : all, left));
}

/* An input could not be read, or not to its end: the others are read all the same, and the run fails with the
 * first such reason in the end. */
static void fail(struct run *run, const struct why *failure)
{
    if (run->failure.status)
        progress_note(&run->progress, "%s", failure->text);
    else
        run->failure = *failure;
}

static void fail_at_line(struct run *run, const struct reading *reading, const struct why *broken)
{
    struct why failure;
    uint64_t kept = reading->lines.number;
    why_set(&failure, broken->status, "%s: line %" PRIu64 ": %s; %" PRIu64 " %s kept", reading->found->path,
            kept + 1, broken->text, kept, kept == 1 ? "line was" : "lines were");
    fail(run, &failure);
}

/* Reads what is new of the input. Returns -1 only for the store's troubles. */
static int read_lines(struct run *run, struct reading *reading, struct why *why)
{
    struct str text, tail = lines_tail(&reading->lines);
    struct why broken = { 0 };
    int got = 1;
    /* Last time the input ended within a line, and what was there has been taken for one. */
    if (tail.len && tail.at[tail.len - 1] != '\n' &&
        (got = lines_next(&reading->lines, &text, &broken)) == 1) {
        reading->lines.number--;
        if (text.len)
            skip(reading, "rest of a line that was read before", STR(""), text, text);
    }
    while (got == 1 && (got = lines_next(&reading->lines, &text, &broken)) == 1) {
        if (!run->fresh && refresh(run, why))
            return -1;
        if (take_line(run, reading, text, why))
            return -1;
        if (reading->lines.number % PROGRESS_LINES == 0 && progress_due(&run->progress))
            show_progress(run, reading);
        /* The connections of a capture cannot be kept: until all is read, nothing of the run is committed. */
        if (reading->lines.position - reading->committed >= run->commit_bytes && !reading->lines.was_cut &&
            !run->capture &&
            (write_input(run, reading, why) || keep_run(run, false, why) ||
             run->catalogue->commit(run->catalogue->state, why)))
            return -1;
    }
    if (got < 0)
        fail_at_line(run, reading, &broken);
    return 0;
}

static int read_new(struct run *run, struct reading *reading, struct why *why)
{
    struct input *input = &reading->input;
    struct collected *collected = run->collected;
    uint64_t bytes = input->bytes, skipped = input->skipped, other = input->other;
    const char *compression = reading->found->compression;
    struct str path = str_of(reading->found->path), old_path = arena_str(&reading->arena, input->path);
    /* Where it lies now is where to look for its lines; but in a pipe they cannot be looked for. */
    bool moved = !str_eq(old_path, path) && !(input->id && reading->source.stream);
    reading->dialects = dialect_bits(input->dialects);
    input->path = moved ? path : old_path;
    input->kind = compression ? arena_printf(&reading->arena, "log, %s", compression) : STR("log");
    reading->committed = bytes;
    reading->lines_before = reading->lines.number;
    syslog_begin(&reading->syslog, input->last, reading->found->year);
    for (size_t i = 0; input->id && input->id == run->last_input && dialects[i]; i++)
        if (str_eq(str_of(dialects[i]->name), run->last_dialect))
            reading->before = dialects[i];
    /* Its sessions need its number. */
    int result = input->id ? 0 : write_input(run, reading, why);
    if (result == 0)
        result = read_lines(run, reading, why);
    bool more = reading->lines.position > bytes;
    run->ours |= reading->dialects != 0;
    if (!reading->dialects && reading->lines.number) {
        char lines[PROGRESS_NUMBER_BYTES];
        why_set(&run->strange, EX_DATAERR, "%s: none of its %s lines is a mail server's that mxreplay knows",
                reading->found->path, progress_number(reading->lines.number, lines));
    }
    if (result == 0 && (more || moved || input->bytes == 0))
        result = write_input(run, reading, why);
    *(more ? &collected->inputs : &collected->known) += 1;
    collected->bytes += reading->lines.position - bytes;
    collected->lines += reading->lines.number - reading->lines_before;
    collected->skipped += input->skipped - skipped;
    collected->other += input->other - other;
    return result;
}

/* ---- Captures. */

static void show_packets(void *state, uint64_t position, uint64_t packets)
{
    struct reading *reading = state;
    struct run *run = reading->run;
    char rate[PROGRESS_NUMBER_BYTES], sessions[PROGRESS_NUMBER_BYTES], left[PROGRESS_TIME_BYTES], share[32];
    double done = (double)(run->bytes_done + reading->source.consumed), all = (double)run->bytes_all;
    if (!progress_due(&run->progress))
        return;
    if (reading->source.stream)
        snprintf(share, sizeof share, "%.0f MB", (double)position / 1e6);
    else
        snprintf(share, sizeof share, "%.0f %%", all > 0 ? 100 * done / all : 0);
    progress_show(
        &run->progress, "%s (%zu of %zu)  %s  %s packets/s  %s sessions  %s left", reading->found->path,
        run->at, run->inputs, share,
        progress_number(
            (uint64_t)((double)(run->collected->packets + packets) / progress_seconds(&run->progress)), rate),
        progress_number(builder_counts(run->builder)->handed_over, sessions),
        progress_left(&run->progress, done, reading->source.stream ? 0 : all, left));
}

/* A capture that has grown is read from its beginning, for the connections that were open where it ended;
 * those that had begun before that have been handed over. */
static int open_from_beginning(struct reading *reading, struct why *why)
{
    bool stream = reading->source.stream;
    close_input(reading);
    if (stream)
        return why_set(
            why, EX_DATAERR,
            "%s: goes on where a capture that was collected before ended; give it as a file, a pipe "
            "cannot be read twice",
            reading->found->path);
    return source_open(&reading->source, reading->found->path, why);
}

/* Nothing is committed before its end: a session is handed over when it ends, and could not be told from one
 * that was, were the reading to begin again in the middle. */
static int read_capture(struct run *run, struct reading *reading, struct why *why)
{
    struct input *input = &reading->input;
    struct why broken = { 0 };
    struct str rest, path = str_of(reading->found->path), old_path = arena_str(&reading->arena, input->path);
    const char *compression = reading->found->compression;
    const struct head *head = &reading->found->head;
    bool known = input->id != 0, moved = !str_eq(old_path, path) && !(known && reading->source.stream);
    run->ours = true;
    input->kind = compression ? arena_printf(&reading->arena, "capture, %s", compression) : STR("capture");
    input->dialects = STR("smtp");
    input->path = moved ? path : old_path;
    if (known && lines_next(&reading->lines, &rest, &broken) == 0) {
        run->collected->known++;
        return moved ? run->catalogue->write(run->catalogue->state, input, why) : 0;
    }
    if (known && open_from_beginning(reading, &broken)) {
        fail(run, &broken);
        return 0;
    }
    input->head_bytes = (uint64_t)1 << (head->count - 1);
    input->head_hash = head->hash[head->count - 1];
    /* Its sessions need its number. */
    if (!known && run->catalogue->write(run->catalogue->state, input, why))
        return -1;
    if (refresh(run, why))
        return -1;
    if (!run->capture && !(run->capture = capture_new(run->builder, run->capture_options, why)))
        return -1;
    struct capture_input capture = { .source = &reading->source,
                                     .id = input->id,
                                     .fresh_from = input->bytes,
                                     .tick = show_packets,
                                     .tick_state = reading };
    int result = capture_read(run->capture, &capture, &broken, why);
    if (result < 0)
        return -1;
    if (result > 0) {
        why_prefix(&broken, "%s: packet %" PRIu64 ": ", reading->found->path, capture.packets + 1);
        fail(run, &broken);
    }
    if (capture.dns_broken.status)
        fail(run, &capture.dns_broken);
    run->collected->inputs++;
    run->collected->bytes += capture.position - input->bytes;
    run->collected->packets += capture.packets - input->lines;
    input->bytes = capture.position;
    input->lines = capture.packets;
    input->other = capture.other;
    input->skipped = capture.bad;
    input->first = capture.first;
    input->last = capture.last;
    input->tail_bytes = capture.tail_bytes;
    input->tail_hash = capture.tail_hash;
    return run->catalogue->write(run->catalogue->state, input, why);
}

static int read_input(struct run *run, struct found *found, struct why *why)
{
    struct reading reading = { .run = run, .found = found };
    struct why broken = { 0 };
    int result = 0;
    if (found->damage) {
        fail_at_line(run, &reading, found->damage);
        return 0;
    }
    if (found->empty) {
        progress_note(&run->progress, "%s: empty", found->path);
        return 0;
    }
    switch (place_input(run, &reading, &broken)) {
    case PLACE_REACHED:
        result = found->capture ? read_capture(run, &reading, why) : read_new(run, &reading, why);
        break;
    case PLACE_BEFORE:
        run->collected->known++;
        break;
    case PLACE_FAILED:
        if (why)
            *why = broken;
        result = -1;
        break;
    case PLACE_BROKEN:
    case PLACE_OTHER:
        fail(run, &broken);
        break;
    }
    close_input(&reading);
    shapes_free(&reading.shapes);
    arena_free(&reading.arena);
    run->bytes_done += found->size;
    return result;
}

int collect_run(const struct collect_options *options, const struct sink *sink,
                const struct catalogue *catalogue, struct collected *collected, struct why *why)
{
    struct survey survey;
    struct run run = { .catalogue = catalogue,
                       .capture_options = &options->capture,
                       .collected = collected,
                       .told = USEC_NONE };
    *collected = (struct collected){ 0 };
    progress_begin(&run.progress, options->progress, options->quiet);
    int result = survey_inputs(&survey, options->paths, options->path_count, options->year, catalogue,
                               &run.progress, why);
    if (result == 0) {
        programs_begin(&run.programs, dialects);
        result = begin_run(&run, sink, options->first_session, why);
        run.inputs = survey.count;
        run.commit_bytes = options->commit_bytes ? options->commit_bytes : COMMIT_BYTES;
        for (size_t i = 0; i < survey.count; i++)
            run.bytes_all += survey.found[i].size;
        for (size_t i = 0; i < survey.count && result == 0; i++) {
            run.at = i + 1;
            result = read_input(&run, &survey.found[i], why);
        }
        capture_free(run.capture);
        collected->sessions = builder_counts(run.builder)->handed_over;
        if (result == 0)
            result = end_run(&run, why);
        builder_free(run.builder);
        state_free(&run.state);
    }
    /* Among others, a file that has nothing for us is no matter; alone, it is a mistake. */
    if (result == 0 && !run.ours && !run.failure.status)
        run.failure = run.strange;
    progress_end(&run.progress);
    survey_free(&survey);
    if (result == 0 && run.failure.status) {
        if (why)
            *why = run.failure;
        result = -1;
    }
    return result;
}

/* Captures, one after the other; each is committed as a whole. What is open where one ends goes on with the
 * next packets, be they in another file or read by another run. */
#include "collect/packets.h"

#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>
#include "base/memory.h"
#include "collect/builder.h"
#include "collect/capture/capture.h"
#include "collect/lines.h"
#include "collect/place.h"
#include "collect/source.h"

struct packets {
    struct run *run;
    struct found *found;
    struct source source;
    struct lines lines;
    struct input input;
    struct arena arena; /* of the input's texts */
};

static void show(void *state, uint64_t position, uint64_t packets)
{
    const struct packets *reading = state;
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

/* A capture that has grown is read from its beginning: how its packets are to be taken apart stands there,
 * and bytes that waited where it ended are only there. */
static int open_from_beginning(struct packets *reading, struct why *why)
{
    bool stream = reading->source.stream;
    lines_end(&reading->lines);
    source_close(&reading->source);
    if (stream)
        return why_set(
            why, EX_DATAERR,
            "%s: goes on where a capture that was collected before ended; give it as a file, a pipe "
            "cannot be read twice",
            reading->found->path);
    return source_open(&reading->source, reading->found->path, why);
}

/* A capture that has nothing new may have what waits for packets in another one. */
static int read_again(struct packets *reading, struct why *why)
{
    struct why broken = { 0 };
    struct run *run = reading->run;
    struct capture_input capture = { .source = &reading->source,
                                     .id = reading->input.id,
                                     .fresh_from = UINT64_MAX };
    if (!run->capture || !capture_wants_again(run->capture) || reading->source.stream ||
        open_from_beginning(reading, &broken))
        return 0;
    return capture_read(run->capture, &capture, &broken, why) < 0 ? -1 : 0;
}

static int read_new(struct packets *reading, struct why *why)
{
    struct run *run = reading->run;
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
        if (moved && run->catalogue->write(run->catalogue->state, input, why))
            return -1;
        return read_again(reading, why);
    }
    if (known && open_from_beginning(reading, &broken)) {
        run_fail(run, &broken);
        return 0;
    }
    input->head_bytes = (uint64_t)1 << (head->count - 1);
    input->head_hash = head->hash[head->count - 1];
    /* Its sessions need its number. */
    if (!known && run->catalogue->write(run->catalogue->state, input, why))
        return -1;
    if (run_refresh(run, why))
        return -1;
    if (!run->capture && !(run->capture = capture_new(run->builder, run->capture_options, why)))
        return -1;
    struct capture_input capture = { .source = &reading->source,
                                     .path = reading->source.stream ? NULL : reading->found->path,
                                     .id = input->id,
                                     .fresh_from = input->bytes,
                                     .tick = show,
                                     .tick_state = reading };
    int result = capture_read(run->capture, &capture, &broken, why);
    if (result < 0)
        return -1;
    if (result > 0) {
        why_prefix(&broken, "%s: packet %" PRIu64 ": ", reading->found->path, capture.packets + 1);
        run_fail(run, &broken);
    }
    if (capture.dns_broken.status)
        run_fail(run, &capture.dns_broken);
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
    struct damages now = run->damages;
    damages_of_tcp(&now, capture_counts(run->capture));
    return damages_write(&run->damages, &now, input, run->catalogue, why) ||
                   run->catalogue->write(run->catalogue->state, input, why)
               ? -1
               : 0;
}

int packets_read(struct run *run, struct found *found, struct why *why)
{
    struct packets reading = { .run = run, .found = found };
    struct why broken = { 0 };
    int result = 0;
    switch (place_input(found, run->catalogue, &reading.source, &reading.lines, &reading.input, &broken)) {
    case PLACE_REACHED:
        result = read_new(&reading, why);
        break;
    case PLACE_BEFORE:
        run->collected->known++;
        break;
    case PLACE_FAILED:
        if (why)
            *why = broken;
        result = -1;
        break;
    case PLACE_REPLACED: /* who follows finds both files in a moment */
        if (!run->follow) {
            why_set(&broken, EX_TEMPFAIL, "%s: was rotated just now; collect again", found->path);
            run_fail(run, &broken);
        }
        break;
    case PLACE_BROKEN:
    case PLACE_OTHER:
        run_fail(run, &broken);
        break;
    }
    lines_end(&reading.lines);
    source_close(&reading.source);
    arena_free(&reading.arena);
    run->bytes_done += found->size;
    return result;
}

/* The loop of `live`. It sleeps until a packet comes; only while connections are open, or something has not
 * been committed, it looks up each second. */
#define _GNU_SOURCE
#include "collect/live.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sysexits.h>
#include "base/memory.h"
#include "collect/builder.h"
#include "collect/capture/capture.h"
#include "collect/damage.h"
#include "collect/run.h"

/* A block of the ring that is not full is handed over that late, and some more: what has not been seen by
 * then was not sent. */
static const usec behind = USEC_SECOND;
enum { BLOCK_MS = 200 }; /* in which what is in such a block must have come */

struct live {
    struct run run;
    struct tap *tap;
    struct framing *framing;
    struct input input;
    struct arena arena;
    struct damages told; /* what is written down already */
    usec advanced;       /* to when the capture was told that time has gone on */
    struct datagram datagram;
};

static void take(void *state, usec at, struct piece frame)
{
    struct live *live = state;
    uint64_t offset = live->input.bytes;
    live->input.bytes += frame.len;
    live->input.lines++;
    if (live->input.first == USEC_NONE)
        live->input.first = at;
    live->input.last = at;
    if (framing_take(live->framing, at, frame, &live->datagram))
        /* A failure of the sink is told by capture_advance() again. */
        capture_take(live->run.capture, &live->datagram, live->input.id, offset, NULL);
}

/* ---- Commits. */

static int write_input(struct live *live, struct why *why)
{
    const struct frames_counts *counts = framing_counts(live->framing);
    const struct tap_counts dropped = tap_counts(live->tap);
    struct damages now = {
        .count = { [DAMAGE_DROPPED] = dropped.dropped, [DAMAGE_DROPPED_BY_CARD] = dropped.dropped_by_card }
    };
    damages_of_tcp(&now, capture_counts(live->run.capture));
    if (damages_write(&live->told, &now, &live->input, live->run.catalogue, why))
        return -1;
    live->input.other = counts->other;
    live->input.skipped = counts->bad;
    return live->run.catalogue->write(live->run.catalogue->state, &live->input, why);
}

static int commit(struct live *live, struct why *why)
{
    return write_input(live, why) || run_commit(&live->run, why) ? -1 : 0;
}

/* ---- The loop. */

static bool is_waiting(struct live *live)
{
    return capture_is_open(live->run.capture) || builder_counts(live->run.builder)->open;
}

/* Milliseconds until there is something to do though nothing comes; -1: never. */
static int patience(struct live *live)
{
    usec left = is_waiting(live) ? USEC_SECOND : USEC_NONE;
    if (live->run.commit_at != USEC_NONE) {
        usec due = live->run.commit_at - clock_steady();
        if (left == USEC_NONE || due < left)
            left = due > 0 ? due : 0;
    }
    return left == USEC_NONE ? -1 : (int)((left + 999) / 1000);
}

/* Takes what has come, and does what is due. Returns whether there was something, or -1 with why. */
static int take_some(struct live *live, struct why *why)
{
    int took = tap_take(live->tap, take, live, why);
    if (took < 0)
        return -1;
    if (took && live->run.commit_at == USEC_NONE)
        live->run.commit_at = clock_steady() + USEC_SECOND;
    usec now = took ? live->input.last : clock_now() - behind;
    if (live->advanced == USEC_NONE || now < live->advanced || now - live->advanced >= USEC_SECOND) {
        uint64_t before = builder_counts(live->run.builder)->handed_over;
        live->advanced = now;
        if (capture_advance(live->run.capture, now, why))
            return -1;
        if (builder_counts(live->run.builder)->handed_over != before && live->run.commit_at == USEC_NONE)
            live->run.commit_at = clock_steady();
    }
    if (live->run.commit_at != USEC_NONE && clock_steady() >= live->run.commit_at && commit(live, why))
        return -1;
    return took > 0;
}

/* What is in the ring when it is enough has been seen, too; not what comes for ever after. */
static int take_rest(struct live *live, struct why *why)
{
    usec end = clock_now();
    struct pollfd wait = { .fd = tap_descriptor(live->tap), .events = POLLIN };
    int some = 0;
    do {
        poll(&wait, 1, BLOCK_MS);
        some = take_some(live, why);
    } while (some > 0 && live->input.last < end);
    return some < 0 ? -1 : 0;
}

static int listen_on(struct live *live, int stop, struct why *why)
{
    struct pollfd wait[] = { { .fd = tap_descriptor(live->tap), .events = POLLIN },
                             { .fd = stop, .events = POLLIN } };
    for (;;) {
        if (poll(wait, 2, patience(live)) < 0 && errno != EINTR)
            return why_set(why, EX_OSERR, "waiting for packets: %s", strerror(errno));
        if (take_some(live, why) < 0)
            return -1;
        if (wait[1].revents)
            return take_rest(live, why);
    }
}

/* ---- From the beginning to the end. */

static int begin(struct live *live, const struct live_options *options, const struct sink *sink,
                 struct why *why)
{
    usec now = clock_now();
    struct input *input = &live->input;
    if (run_begin(&live->run, sink, options->first_session, why) || run_refresh(&live->run, why))
        return -1;
    if (!live->run.capture && !(live->run.capture = capture_new(live->run.builder, options->capture, why)))
        return -1;
    *input = (struct input){ .path = arena_printf(&live->arena, "live:%s", options->interface),
                             .kind = STR("live"),
                             .dialects = STR("smtp"),
                             .first = USEC_NONE,
                             .last = USEC_NONE };
    /* Never to be found again by its content: no bytes have this head. */
    input->head_hash = bytes_hash(&now, sizeof now, bytes_hash(input->path.at, input->path.len, 0));
    live->framing = framing_new(tap_link(live->tap));
    /* Its sessions need its number; and that someone listens is told from the beginning. */
    return live->run.catalogue->write(live->run.catalogue->state, input, why) || commit(live, why) ? -1 : 0;
}

static int finish(struct live *live, struct why *why)
{
    capture_finish(live->run.capture);
    return write_input(live, why) || run_end(&live->run, why) ? -1 : 0;
}

int collect_live(const struct live_options *options, struct tap *tap, const struct sink *sink,
                 const struct catalogue *catalogue, struct collected *collected, struct why *why)
{
    struct live live = { .run = { .catalogue = catalogue,
                                  .capture_options = options->capture,
                                  .collected = collected,
                                  .commit_at = USEC_NONE,
                                  .told = USEC_NONE },
                         .tap = tap,
                         .advanced = USEC_NONE };
    *collected = (struct collected){ 0 };
    int result = begin(&live, options, sink, why);
    if (result == 0) {
        result = listen_on(&live, options->stop, why);
        /* An interface that is gone is no reason to lose what it had shown; the store's troubles are. */
        if (result == 0 || (why && why->status == EX_UNAVAILABLE)) {
            struct why at_end = { 0 };
            if (finish(&live, &at_end)) {
                result = -1;
                if (why)
                    *why = at_end;
            }
        }
        collected->inputs = 1;
        collected->packets = live.input.lines;
        collected->bytes = live.input.bytes;
        collected->skipped = live.told.count[DAMAGE_DROPPED] + live.told.count[DAMAGE_DROPPED_BY_CARD];
    }
    capture_free(live.run.capture);
    builder_free(live.run.builder);
    if (live.framing)
        framing_free(live.framing);
    state_free(&live.run.state);
    arena_free(&live.arena);
    return result;
}

/* Lines out of bytes. The buffer holds, from its start: what is kept of the bytes that have been handed over
 * (the tail), the beginning of a line whose end has not been read yet, and the block read last. */
#include "collect/lines.h"

#include <stdlib.h>
#include "base/memory.h"

enum { BUFFER_BYTES = LINES_TAIL_BYTES + LINE_MAX_BYTES + 1 + LINES_BLOCK_BYTES };

void lines_begin(struct lines *in, read_fn *read, void *state, uint64_t position, uint64_t number)
{
    char *buffer = mem_alloc(BUFFER_BYTES);
    *in = (struct lines){ .read = read,
                          .state = state,
                          .buffer = buffer,
                          .at = buffer,
                          .end = buffer,
                          .searched = buffer,
                          .position = position,
                          .offset = position,
                          .number = number };
}

void lines_end(struct lines *in)
{
    free(in->buffer);
    *in = (struct lines){ 0 };
}

static struct str tail_before(const struct lines *in, const char *at)
{
    size_t before = (size_t)(at - in->buffer);
    size_t len = before < LINES_TAIL_BYTES ? before : LINES_TAIL_BYTES;
    return (struct str){ at - len, len };
}

struct str lines_tail(const struct lines *in)
{
    return tail_before(in, in->at);
}

static struct lines_place place_of(const struct lines *in, const char *at, uint64_t position, uint64_t number)
{
    struct str tail = tail_before(in, at);
    return (struct lines_place){ position, number, tail.len, bytes_hash(tail.at, tail.len, 0) };
}

void lines_mark(struct lines *in)
{
    in->marked = true;
    in->mark = in->at - (in->position - in->offset);
    in->marked_place = (struct lines_place){ .position = in->offset, .number = in->number - 1 };
}

void lines_unmark(struct lines *in)
{
    in->marked = false;
    in->mark = NULL;
}

struct lines_place lines_place(const struct lines *in)
{
    if (!in->marked)
        return place_of(in, in->at, in->position, in->number);
    if (!in->mark)
        return in->marked_place;
    return place_of(in, in->mark, in->marked_place.position, in->marked_place.number);
}

static void advance(struct lines *in, char *to)
{
    in->position += (uint64_t)(to - in->at);
    in->at = to;
    in->searched = to;
}

/* Moves the tail and the begun line to the front and reads a block behind them. The begun line is at most
 * LINE_MAX_BYTES + 1 long, so there is always room. Returns 1, 0 at the end, or -1. */
static int refill(struct lines *in, struct why *why)
{
    if (in->ended)
        return 0;
    if (in->mark) {
        in->marked_place = lines_place(in);
        in->mark = NULL;
    }
    struct str tail = lines_tail(in);
    size_t kept = tail.len + (size_t)(in->end - in->at);
    size_t moved = (size_t)(tail.at - in->buffer);
    memmove(in->buffer, tail.at, kept);
    in->at -= moved;
    in->end -= moved;
    in->searched -= moved;
    ssize_t got = in->read(in->state, in->end, LINES_BLOCK_BYTES, why);
    if (got <= 0) {
        in->ended = true;
        return got < 0 ? -1 : 0;
    }
    in->end += got;
    return 1;
}

/* Drops the rest of a line that is too long. Returns 0, 1 where more of it may come, or -1. */
static int drop_rest(struct lines *in, struct why *why)
{
    for (;;) {
        char *newline = memchr(in->at, '\n', (size_t)(in->end - in->at));
        if (newline) {
            advance(in, newline + 1);
            return 0;
        }
        advance(in, in->end);
        int more = refill(in, why);
        if (more == 0 && in->growing)
            return 1;
        if (more <= 0) {
            in->unended = true;
            return more;
        }
    }
}

/* A crash leaves holes of NUL bytes in log files, of any length. What comes after one is a line of its own.
 */
static int pass_hole(struct lines *in, struct why *why)
{
    while (in->at < in->end && *in->at == '\0') {
        char *at = in->at;
        while (at < in->end && *at == '\0')
            at++;
        advance(in, at);
        if (at == in->end && refill(in, why) < 0)
            return -1;
    }
    return 0;
}

int lines_next(struct lines *in, struct str *line, struct why *why)
{
    if (in->growing)
        in->ended = false;
    int rest = in->was_cut ? drop_rest(in, why) : 0;
    if (rest)
        return rest < 0 ? -1 : 0;
    in->was_cut = false;
    if ((in->at == in->end && refill(in, why) < 0) || pass_hole(in, why))
        return -1;
    in->offset = in->position;
    char *newline = NULL;
    while (!(newline = memchr(in->searched, '\n', (size_t)(in->end - in->searched)))) {
        in->searched = in->end;
        if (in->end - in->at > LINE_MAX_BYTES)
            break;
        int more = refill(in, why);
        if (more < 0)
            return -1;
        if (more == 0)
            break;
    }
    char *from = in->at, *to = newline ? newline : in->end;
    if (from == in->end || (!newline && in->growing && to - from <= LINE_MAX_BYTES))
        return 0;
    in->number++;
    if (to - from > LINE_MAX_BYTES) {
        /* The rest is dropped by the next call: this line's bytes must last until then. */
        to = from + LINE_MAX_BYTES;
        in->cut++;
        in->was_cut = true;
        advance(in, to);
    } else {
        in->unended = !newline;
        advance(in, newline ? newline + 1 : to);
        if (to > from && to[-1] == '\r')
            to--;
    }
    *line = str_range(from, to);
    return 1;
}

int lines_bytes(struct lines *in, uint64_t count, char *to, size_t room, struct why *why)
{
    for (;;) {
        size_t here = (size_t)(in->end - in->at), taken = here < count ? here : (size_t)count;
        size_t copied = taken < room ? taken : room;
        if (copied) {
            memcpy(to, in->at, copied);
            to += copied;
            room -= copied;
        }
        count -= taken;
        for (const char *at = in->at, *end = in->at + taken; (at = memchr(at, '\n', (size_t)(end - at)));
             at++)
            in->number++;
        advance(in, in->at + taken);
        if (count == 0)
            return 1;
        int more = refill(in, why);
        if (more <= 0)
            return more;
    }
}

int lines_skip(struct lines *in, uint64_t position, struct why *why)
{
    in->was_cut = false;
    while (in->position < position) {
        uint64_t here = (uint64_t)(in->end - in->at), wanted = position - in->position;
        advance(in, in->at + (here < wanted ? here : wanted));
        if (in->position == position)
            break;
        int more = refill(in, why);
        if (more <= 0)
            return more;
    }
    in->offset = in->position;
    return 0;
}

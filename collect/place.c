/* Where to begin in an input. It is known by its first bytes, and that it goes on as the one that was read by
 * those before the place where that ended. */
#include "collect/place.h"

#include <sysexits.h>
#include "base/memory.h"

uint64_t place_tail_hash(struct str tail, uint64_t bytes)
{
    return bytes <= tail.len ? bytes_hash(tail.at + tail.len - bytes, bytes, 0) : 0;
}

static int open_source(struct found *found, struct source *source, struct why *why)
{
    if (found->stream.parts) {
        *source = found->stream;
        found->stream = (struct source){ 0 };
        return 0;
    }
    return source_open(source, found->path, why);
}

/* Whether the file that was opened begins as the one that was found. */
static bool is_what_was_found(const struct found *found, struct source *source, bool stream)
{
    unsigned last = found->head.count - 1;
    if (stream || found->head.count == 0)
        return true;
    struct str look = source_look(source, (size_t)1 << last);
    return look.len >= (size_t)1 << last &&
           bytes_hash(look.at, (size_t)1 << last, 0) == found->head.hash[last];
}

/* Opens the input and goes to where `known` ended, which must have the same bytes before it. */
static enum place place_behind(struct found *found, struct source *source, struct lines *lines,
                               const struct input *known, struct why *why)
{
    uint64_t tail = known->bytes - known->tail_bytes;
    bool stream = found->stream.parts;
    if (open_source(found, source, why))
        return PLACE_BROKEN;
    if (!is_what_was_found(found, source, stream))
        return PLACE_REPLACED;
    bool sought = source_seek(source, tail);
    lines_begin(lines, source_read, source, sought ? tail : 0, known->lines);
    if (lines_skip(lines, known->bytes, why)) {
        why_prefix(why, "%s: ", found->path);
        return PLACE_BROKEN;
    }
    if (lines->position < known->bytes)
        return PLACE_BEFORE;
    return place_tail_hash(lines_tail(lines), known->tail_bytes) == known->tail_hash ? PLACE_REACHED
                                                                                     : PLACE_OTHER;
}

enum place place_input(struct found *found, const struct catalogue *catalogue, struct source *source,
                       struct lines *lines, struct input *input, struct why *why)
{
    struct input known = { 0 };
    unsigned at = 0;
    int result = 0;
    bool stream = found->stream.parts;
    while ((result = head_find(&found->head, &at, catalogue, &known, why)) == 1) {
        *input = known;
        enum place place = place_behind(found, source, lines, &known, why);
        if (place != PLACE_OTHER)
            return place;
        lines_end(lines);
        source_close(source);
        if (stream) {
            why_set(why, EX_DATAERR,
                    "%s: begins as an input that was collected before, and goes on otherwise; give it "
                    "as a file, a pipe cannot be read twice",
                    found->path);
            return PLACE_BROKEN;
        }
    }
    *input = (struct input){ .first = USEC_NONE, .last = USEC_NONE };
    if (result < 0)
        return PLACE_FAILED;
    if (open_source(found, source, why))
        return PLACE_BROKEN;
    if (!is_what_was_found(found, source, stream))
        return PLACE_REPLACED;
    lines_begin(lines, source_read, source, 0, 0);
    return PLACE_REACHED;
}

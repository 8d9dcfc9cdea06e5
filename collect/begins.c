/* When a log begins whose first line is of a time that its clock showed twice: what follows tells. Where the
 * stamps go back, it was the first time; where they go on until the clock shows what it shows only once, the
 * second; where the log ends before, the file's time tells, unless the file was copied since. */
#include "collect/begins.h"

#include "collect/lines.h"

/* The stamps of a log, as its clock showed them. */
struct shown {
    struct source source;
    struct lines lines;
    int64_t year;
};

static bool next_shown(struct shown *shown, usec *at)
{
    struct str text;
    struct stamp stamp;
    while (lines_next(&shown->lines, &text, NULL) == 1)
        if (cut_stamp(&text, &stamp) && !stamp.zoned) {
            *at = stamp_time(&stamp, shown->year);
            return true;
        }
    return false;
}

static bool is_second(const struct found *found, usec begin, usec apart)
{
    struct shown shown = { .year = found->year };
    usec at = begin, latest = begin, first = 0, second = 0;
    bool back = false, doubled = wall_is_double(found->wall, begin, &first, &second);
    if (found->stream.parts || source_open(&shown.source, found->path, NULL))
        return false;
    lines_begin(&shown.lines, source_read, &shown.source, 0, 0);
    while (!back && doubled && next_shown(&shown, &at)) {
        back = at < latest - apart / 2;
        latest = at > latest ? at : latest;
        doubled = wall_is_double(found->wall, latest, &first, &second);
    }
    lines_end(&shown.lines);
    source_close(&shown.source);
    if (back || !doubled)
        return !back;
    return found->modified >= second && found->modified < second + apart / 2;
}

usec begins_at(const struct found *found)
{
    struct wall_span span;
    usec shown = stamp_time(&found->stamp, found->year), first = 0, second = 0;
    if (found->stamp.zoned || !found->wall)
        return shown;
    if (!wall_is_double(found->wall, shown, &first, &second))
        return wall_time(found->wall, &span, shown, USEC_NONE);
    return is_second(found, shown, second - first) ? second : first;
}

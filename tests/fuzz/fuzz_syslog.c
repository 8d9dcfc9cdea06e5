/* Bytes to lines to syslog to shapes. The first byte says how many bytes come at a time. */
#include <assert.h>
#include <stdlib.h>

#include "collect/lines.h"
#include "collect/shape.h"
#include "collect/syslog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct feed {
    struct str rest;
    size_t step;
};

static ssize_t feed_read(void *state, char *to, size_t size, struct why *why)
{
    struct feed *feed = state;
    size_t n = feed->step < size ? feed->step : size;
    (void)why;
    if (n > feed->rest.len)
        n = feed->rest.len;
    if (n)
        memcpy(to, feed->rest.at, n);
    feed->rest = str_skip(feed->rest, n);
    return (ssize_t)n;
}

static void within(struct str part, struct str whole)
{
    assert(part.at >= whole.at && part.at + part.len <= whole.at + whole.len);
}

static void one_line(struct syslog *syslog, struct str text)
{
    struct line line = { 0 };
    char shape[SHAPE_BYTES];
    /* Exactly its bytes, so that the sanitizer sees a look behind them. */
    char *bytes = malloc(text.len ? text.len : 1);
    if (text.len)
        memcpy(bytes, text.at, text.len);
    struct str alone = { bytes, text.len };
    bool taken = syslog_parse(syslog, alone, &line);
    if (taken) {
        within(line.host, alone);
        assert(line.program.len <= alone.len); /* a view of it, or a literal */
        within(line.text, alone);
        assert(line.at == syslog->last);
    }
    /* The same line again goes by what is remembered of it, and must say the same. */
    struct line again = { 0 };
    assert(syslog_parse(syslog, alone, &again) == taken);
    assert(again.host.at == line.host.at && again.host.len == line.host.len);
    assert(again.program.at == line.program.at && again.program.len == line.program.len);
    assert(again.text.at == line.text.at && again.text.len == line.text.len && again.pid == line.pid);
    assert(again.at == line.at);
    assert(shape_fold(alone, shape) <= SHAPE_BYTES);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct feed feed = { { (const char *)data, size }, 1 };
    struct lines lines;
    struct syslog syslog;
    struct str text;
    if (size) {
        feed.step = 1 + (size_t)data[0] * 17;
        feed.rest = str_skip(feed.rest, 1);
    }
    uint64_t expected = feed.rest.len, before = 0;
    syslog_begin(&syslog, USEC_NONE, 2026);
    lines_begin(&lines, feed_read, &feed, 0, 0);
    while (lines_next(&lines, &text, NULL) == 1) {
        assert(lines.offset >= before && lines.position > lines.offset);
        assert(text.len <= LINE_MAX_BYTES && memchr(text.at, '\n', text.len) == NULL);
        before = lines.position;
        one_line(&syslog, text);
    }
    assert(lines.position == expected);
    lines_end(&lines);
    return 0;
}

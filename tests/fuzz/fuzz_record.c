/* Bytes to lines to records. The first byte says how many bytes come at a time, the second after how many
 * records reading stops, to go on from its place: what is read in two parts is what is read in one. */
#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"
#include "collect/record.h"

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

static uint64_t hash_text(struct str text, uint64_t hash)
{
    return bytes_hash(text.at ? text.at : "", text.len, hash + text.len);
}

/* All of a record, and that it may be read. */
static uint64_t hash_record(const struct record *record, uint64_t hash, char *shown)
{
    const uint64_t numbers[] = { record->offset,       record->number, record->cut,
                                 (uint64_t)record->at, record->pid,    record->program.at != NULL };
    struct syslog syslog;
    struct line line = { 0 };
    assert(record->text.len <= LINE_MAX_BYTES);
    hash = bytes_hash(numbers, sizeof numbers, hash);
    hash = hash_text(record->text, hash);
    hash = hash_text(record->host, hash);
    hash = hash_text(record->program, hash);
    syslog_begin(&syslog, USEC_NONE, 2026);
    if (record_parse(record, &syslog, &line)) {
        assert(line.at == syslog.last && line.at != USEC_NONE);
        hash = hash_text(line.host, hash_text(line.program, hash_text(line.text, hash)));
    }
    struct str text = record_show(record, shown);
    assert(text.len <= RECORD_SHOWN_BYTES);
    return hash_text(text, hash);
}

/* Reads from `from` on, and ends behind `most` records, or more where it may not yet. */
static struct lines_place read_from(struct str bytes, struct lines_place from, size_t step, size_t most,
                                    uint64_t *hash, char *shown)
{
    struct feed feed = { str_skip(bytes, from.position), step };
    struct lines lines;
    struct records records;
    struct record record;
    lines_begin(&lines, feed_read, &feed, from.position, from.number);
    records_begin(&records, &lines, "/var/log/containers/mail-0_prod_postfix.log");
    for (size_t count = 0; records_next(&records, &record, NULL) == 1; count++) {
        if (count >= most && records_are_whole(&records))
            break;
        assert(record.offset < lines.position && record.number <= lines.number);
        *hash = hash_record(&record, *hash, shown);
    }
    struct lines_place place = records_place(&records);
    assert(place.position <= bytes.len && place.position >= from.position &&
           place.tail_bytes <= place.position);
    records_end(&records);
    lines_end(&lines);
    return place;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    /* Exactly the bytes, so that the sanitizer sees a look behind them. */
    struct str bytes = str_skip((struct str){ (const char *)data, size }, 2);
    size_t step = 1 + (size_t)data[0] * 17, most = data[1];
    char *shown = mem_alloc(RECORD_SHOWN_BYTES);
    uint64_t whole = 0, parts = 0;
    struct stamp stamp;
    record_stamp(bytes, &stamp);
    read_from(bytes, (struct lines_place){ 0 }, 1 << 20, SIZE_MAX, &whole, shown);
    struct lines_place place = read_from(bytes, (struct lines_place){ 0 }, step, most, &parts, shown);
    read_from(bytes, place, step, SIZE_MAX, &parts, shown);
    /* Of a last line without an end it counts what the one before it was wrapped in. */
    assert(whole == parts || bytes.len == 0 || bytes.at[bytes.len - 1] != '\n');
    free(shown);
    return 0;
}

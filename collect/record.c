/* Records out of lines. What a line is wrapped in is told by the line itself, so that reading can begin at
 * any record. */
#include "collect/record.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/memory.h"
#include "collect/entry.h"
#include "collect/export.h"
#include "collect/journal.h"

enum {
    PIECES_APART_MOST = 1024 * 1024 /* bytes of others between the pieces of a line */
};

void records_begin(struct records *records, struct lines *in, const char *path)
{
    *records = (struct records){ .in = in, .whole = true };
    records->name = wrapped_name_of(path, records->name_bytes);
    syslog_begin(&records->stamps, USEC_NONE, 0);
}

void records_end(struct records *records)
{
    journal_close(records->journal);
    free(records->unescaped);
    free(records->entry);
    for (size_t i = 0; i < 2; i++)
        free(records->pieces[i].text);
    *records = (struct records){ 0 };
}

bool records_are_whole(const struct records *records)
{
    return records->journal || records->whole;
}

bool records_end_within(const struct records *records)
{
    return records->within;
}

struct lines_place records_place(const struct records *records)
{
    return records->journal ? journal_place(records) : lines_place(records->in);
}

/* ---- Lines in pieces. */

static bool any_open(const struct records *records)
{
    return records->pieces[0].open || records->pieces[1].open;
}

static void add_piece(struct pieces *pieces, struct str text)
{
    if (!pieces->text)
        pieces->text = mem_alloc(LINE_MAX_BYTES);
    size_t room = LINE_MAX_BYTES - pieces->len, taken = text.len < room ? text.len : room;
    if (taken)
        memcpy(pieces->text + pieces->len, text.at, taken);
    pieces->len += taken;
    pieces->record.cut |= taken < text.len;
}

static void hand_over_pieces(struct records *records, struct pieces *pieces, struct record *record)
{
    *record = pieces->record;
    record->text = (struct str){ pieces->text, pieces->len };
    record->host = records->name;
    pieces->open = false;
    pieces->len = 0;
    records->whole = !records->handed_over;
}

/* Whether the record is whole: else it is kept until the rest of it comes. */
static bool join(struct records *records, struct record *record, const struct wrapping *wrapping)
{
    struct pieces *pieces = &records->pieces[wrapping->is_error];
    if (!pieces->open) {
        if (!wrapping->is_part)
            return true;
        if (!any_open(records)) {
            lines_mark(records->in);
            records->handed_over = false;
        }
        pieces->record = *record;
        pieces->open = true;
    }
    add_piece(pieces, record->text);
    pieces->record.cut |= record->cut;
    if (wrapping->is_part)
        return false;
    struct str host = record->host; /* the first piece's line is gone */
    hand_over_pieces(records, pieces, record);
    record->host = host;
    return true;
}

/* Pieces whose end does not come. */
static bool take_stale(struct records *records, uint64_t apart, struct record *record)
{
    for (size_t i = 0; i < 2; i++)
        if (records->pieces[i].open && records->in->position - records->pieces[i].record.offset > apart) {
            hand_over_pieces(records, &records->pieces[i], record);
            return true;
        }
    return false;
}

/* ---- Wrappings. */

static struct entry *entry_of(struct records *records)
{
    if (!records->entry)
        records->entry = mem_alloc(sizeof *records->entry);
    return records->entry;
}

static struct str without_newline(struct str text)
{
    if (text.len && text.at[text.len - 1] == '\n')
        text.len--;
    if (text.len && text.at[text.len - 1] == '\r')
        text.len--;
    return text;
}

/* An object of journalctl -o json, or one of Docker's kind. */
static bool take_json(struct records *records, struct str object, struct record *record,
                      struct wrapping *wrapping)
{
    struct entry *entry = entry_of(records);
    if (entry_from_json(entry, object)) {
        entry_record(entry, record);
        return true;
    }
    if (!records->unescaped)
        records->unescaped = mem_alloc(LINE_MAX_BYTES);
    struct wrapping inner = { .at = USEC_NONE };
    long len = wrapped_json(&records->stamps, object, records->unescaped, LINE_MAX_BYTES, &inner);
    if (len < 0)
        return false;
    record->cut = len > LINE_MAX_BYTES;
    record->text =
        without_newline((struct str){ records->unescaped, record->cut ? LINE_MAX_BYTES : (size_t)len });
    wrapping->is_part = inner.is_part;
    wrapping->is_error = inner.is_error;
    if (inner.at != USEC_NONE)
        wrapping->at = inner.at;
    if (inner.name.len)
        wrapping->name = inner.name;
    return true;
}

/* A JSON text sequence (RFC 7464) has a record separator before each object, server-sent events this. */
static struct str object_in(struct str text)
{
    if (text.len && text.at[0] == '\x1e')
        text = str_skip(text, 1);
    cut_prefix(&text, STR("data: "));
    return text;
}

enum unwrapped {
    UNWRAPPED, /* or never wrapped */
    PART,      /* kept until the rest comes */
    CUT_OFF    /* the input ends in it */
};

static bool ends_input(const struct records *records, const struct record *record)
{
    return records->in->unended && !record->cut;
}

/* A line that nothing is wrapped around. */
static enum unwrapped plain(struct records *records, const struct record *record)
{
    if (records->wrapped && ends_input(records, record))
        return CUT_OFF;
    records->wrapped = false;
    return UNWRAPPED;
}

static uint64_t word_at(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* "Nov 23 ", "2026-11-23 0": nothing is wrapped around a line that begins so. Of the second kind a name has
 * no blank so early, and a stamp has a T. Of digits half of the bits is looked at: a blank has others. */
static bool is_plain(struct str text)
{
    static const char bits[] = "\xf0\xf0\xf0\xf0\xff\xf0\xf0\xff\xf0\xf0\xff\xf0";
    static const char like[] = "0000-00-00 0";
    if (text.len <= 6)
        return false;
    if (is_alpha(text.at[0]))
        return text.at[3] == ' ' && text.at[6] == ' ' && is_digit(text.at[5]);
    return text.len >= sizeof like && (word_at(text.at) & word_at(bits)) == word_at(like) &&
           (word_at(text.at + 4) & word_at(bits + 4)) == word_at(like + 4);
}

/* Two wrappings at most are taken off: one that names, one that dates or is an object. */
static enum unwrapped unwrap(struct records *records, struct record *record)
{
    struct str text = record->text;
    struct wrapping wrapping = { .at = USEC_NONE, .name = records->name };
    if (is_plain(text))
        return plain(records, record);
    bool is_named = wrapped_cut_name(&text, &wrapping.name);
    bool is_dated = wrapped_cut_stamp(&records->stamps, &text, &wrapping);
    struct str object = is_named && is_dated ? STR("") : object_in(text);
    if (object.len && object.at[0] == '{') {
        struct record inner = *record;
        if (take_json(records, object, &inner, &wrapping)) {
            if (!inner.program.at) {
                inner.at = inner.at == USEC_NONE ? wrapping.at : inner.at;
                inner.host = inner.host.len ? inner.host : wrapping.name;
            }
            *record = inner;
            records->wrapped = true;
            return join(records, record, &wrapping) ? UNWRAPPED : PART;
        }
        if (ends_input(records, record))
            return CUT_OFF;
    }
    record->text = text;
    record->at = wrapping.at;
    record->host = wrapping.name;
    if (!is_named && !is_dated)
        return plain(records, record);
    if (ends_input(records, record))
        return CUT_OFF;
    records->wrapped = true;
    return join(records, record, &wrapping) ? UNWRAPPED : PART;
}

/* ---- Reading. */

static int next_line(struct records *records, struct str *text, struct why *why)
{
    if (records->holds) {
        *text = records->held;
        records->holds = false;
        return 1;
    }
    return lines_next(records->in, text, why);
}

static struct record record_of(const struct lines *in, struct str text)
{
    return (struct record){ .text = text,
                            .offset = in->offset,
                            .number = in->number,
                            .cut = in->was_cut,
                            .at = USEC_NONE,
                            .host = { "", 0 } };
}

/* Reads the rest of an entry whose first line was `begun`. */
static int next_entry(struct records *records, struct record *record, struct why *why)
{
    struct str text;
    lines_mark(records->in);
    *record = record_of(records->in, STR(""));
    enum export_end end = export_read(records->in, entry_of(records), &text, why);
    if (end == EXPORT_FAILED)
        return -1;
    if (end == EXPORT_CUT_OFF) {
        records->within = records->in->growing;
        return 0;
    }
    records->wrapped = true;
    entry_record(records->entry, record);
    if (end == EXPORT_OTHER_LINE) {
        records->held = text;
        records->holds = true;
    }
    return 1;
}

static int read_record(struct records *records, struct record *record, struct why *why)
{
    struct str text;
    for (;;) {
        if (any_open(records) && take_stale(records, PIECES_APART_MOST, record))
            return 1;
        int got = next_line(records, &text, why);
        if (got == 0 && !records->in->growing && any_open(records) && records->handed_over &&
            take_stale(records, 0, record))
            return 1;
        if (got != 1)
            return got;
        if (export_begins(text) && !records->in->was_cut && !any_open(records))
            return next_entry(records, record, why);
        *record = record_of(records->in, text);
        switch (unwrap(records, record)) {
        case UNWRAPPED:
            if (!records->in->marked)
                lines_mark(records->in);
            return 1;
        case PART:
            break;
        case CUT_OFF:
            if (any_open(records) && records->handed_over && take_stale(records, 0, record)) {
                records->held = text;
                records->holds = true;
                return 1;
            }
            if (!records->in->marked)
                lines_mark(records->in);
            return 0;
        }
    }
}

/* What has been handed over is marked until the next one is wanted; where pieces are open, the first of those
 * is. */
int records_next(struct records *records, struct record *record, struct why *why)
{
    if (records->journal)
        return journal_record(records, record, why);
    records->whole = true;
    if (!any_open(records))
        lines_unmark(records->in);
    int got = read_record(records, record, why);
    if (got == 1 && any_open(records))
        records->handed_over = true;
    if (got >= 0 && any_open(records) && records->handed_over)
        records->whole = false;
    return got;
}

/* ---- What records say. */

bool record_stamp(struct str line, struct stamp *stamp)
{
    struct wrapping wrapping = { .at = USEC_NONE };
    struct syslog stamps;
    char begin[64];
    if (line.len && line.at[0] == '_') {
        wrapping.at = entry_line_time(line);
    } else {
        syslog_begin(&stamps, USEC_NONE, 0);
        wrapped_cut_name(&line, &wrapping.name);
        wrapped_cut_stamp(&stamps, &line, &wrapping);
        struct str object = object_in(line);
        if (object.len && object.at[0] == '{') {
            long len = wrapped_json(&stamps, object, begin, sizeof begin, &wrapping);
            if (len < 0)
                wrapping.at = entry_json_time(object);
            else
                line = (struct str){ begin, (size_t)len < sizeof begin ? (size_t)len : sizeof begin };
        }
    }
    if (wrapping.at == USEC_NONE)
        return cut_stamp(&line, stamp);
    *stamp = stamp_of(wrapping.at);
    return true;
}

bool record_parse(const struct record *record, struct syslog *syslog, struct line *line)
{
    if (record->program.at) {
        line->at = syslog->last = record->at;
        line->host = record->host;
        line->program = record->program;
        line->pid = record->pid;
        line->text = record->text;
        syslog_parse_text(line);
        return record->at != USEC_NONE;
    }
    if (syslog_parse(syslog, record->text, line)) {
        if (record->at != USEC_NONE && !syslog->dated)
            line->at = syslog->last = record->at;
    } else {
        if (record->at == USEC_NONE)
            return false;
        syslog_parse_untimed(record->text, line);
        line->at = syslog->last = record->at;
    }
    if (line->host.len == 0)
        line->host = record->host;
    return true;
}

struct str record_show(const struct record *record, char to[RECORD_SHOWN_BYTES])
{
    struct str text = record->text;
    struct stamp stamp;
    char at[CLOCK_TEXT_BYTES], pid[16] = "";
    if (record->at == USEC_NONE || (!record->program.at && cut_stamp(&text, &stamp)))
        return record->text;
    clock_format(record->at, at);
    if (record->pid)
        snprintf(pid, sizeof pid, "[%u]", record->pid);
    int len = snprintf(to, RECORD_SHOWN_BYTES, "%s%s%.*s %.*s%s%s", at, record->host.len ? " " : "",
                       STR_ARG(record->host), STR_ARG(record->program), pid, record->program.len ? ": " : "");
    size_t room = RECORD_SHOWN_BYTES - (size_t)len;
    size_t taken = record->text.len < room ? record->text.len : room;
    if (taken)
        memcpy(to + len, record->text.at, taken);
    return (struct str){ to, (size_t)len + taken };
}

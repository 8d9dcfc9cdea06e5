/* One log that is being read. Its next line is read ahead, so that of several logs the one whose line comes
 * next is known; what is written down is always the place before that line. */
#include "collect/reading.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include "collect/builder.h"
#include "collect/follow.h"
#include "collect/place.h"

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

/* ---- How far it has been read. */

void reading_failed(struct run *run, const char *path, uint64_t kept, const struct why *broken)
{
    struct why failure;
    why_set(&failure, broken->status, "%s: line %" PRIu64 ": %s; %" PRIu64 " %s kept", path, kept + 1,
            broken->text, kept, kept == 1 ? "line was" : "lines were");
    run_fail(run, &failure);
}

/* A log that was short when it was found is known by more of it when it has grown. */
static void lengthen_head(struct reading *reading)
{
    char first[1 << (HEADS - 1)];
    struct head *head = &reading->found.head;
    if (!reading->growing || head->count == HEADS ||
        records_place(&reading->records).position >> head->count == 0)
        return;
    struct head longer =
        head_of((struct str){ first, source_copy(&reading->source, 0, first, sizeof first) });
    if (longer.count > head->count && longer.hash[head->count - 1] == head->hash[head->count - 1])
        *head = longer;
}

int reading_write(struct reading *reading, struct why *why)
{
    struct run *run = reading->run;
    struct input *input = &reading->input;
    const struct head *head = &reading->found.head;
    lengthen_head(reading);
    struct lines_place place = records_place(&reading->records);
    input->dialects = dialect_names(reading->dialects, reading->dialect_names);
    input->bytes = place.position;
    input->lines = place.number;
    input->head_bytes = head_bytes(head);
    input->head_hash = head->hash[head->count ? head->count - 1 : 0];
    input->tail_bytes = place.tail_bytes;
    input->tail_hash = place.tail_hash;
    if (run->catalogue->write(run->catalogue->state, input, why) ||
        shapes_hand_over(&reading->shapes, input->id, run->catalogue, why))
        return -1;
    struct mark mark = { input->id, reading->reached, reading->before };
    run_note(run, &mark);
    reading->unwritten = false;
    return 0;
}

int reading_write_all(struct run *run, struct why *why)
{
    for (const struct reading *reading = run->readings; reading; reading = reading->older)
        if (!records_are_whole(&reading->records))
            return 0;
    for (struct reading *reading = run->readings; reading; reading = reading->older)
        if (reading->unwritten && reading_write(reading, why))
            return -1;
    return 1;
}

/* ---- A log that grows. */

enum { PROOF_BYTES = 256 };

/* Reads what is new of a plain file. It may have been truncated meanwhile and written anew, even beyond where
 * we are: so what came before must be there still when what comes next has been read. */
static ssize_t read_growing(void *state, char *to, size_t size, struct why *why)
{
    struct reading *reading = state;
    size_t known = (size_t)(to - reading->lines.buffer);
    uint64_t position = source_position(&reading->source);
    char proof[PROOF_BYTES];
    if (reading->replaced)
        return 0;
    if (known > PROOF_BYTES)
        known = PROOF_BYTES;
    if (known > position)
        known = (size_t)position;
    ssize_t got = source_read(&reading->source, to, size, why);
    if (got < 0)
        return got;
    if (source_copy(&reading->source, position - known, proof, known) != known ||
        memcmp(proof, to - known, known) != 0) {
        reading->replaced = true;
        return 0;
    }
    reading->run->reads += got > 0;
    return got;
}

static void grow(struct reading *reading)
{
    reading->growing = reading->lines.growing = true;
    reading->lines.read = read_growing;
    reading->lines.state = reading;
}

void reading_grown(struct reading *reading)
{
    reading->growing = reading->lines.growing = false;
}

/* ---- Lines. */

static void skip(struct reading *reading, const char *reason, struct str program, struct str text)
{
    reading->input.skipped++;
    shapes_add(&reading->shapes, reason, program, text, reading->record.text, reading->record.number,
               reading->record.offset);
}

static bool next_line(struct reading *reading)
{
    struct why broken; /* is not cleared whole: it is a kilobyte, and this is done for each line */
    broken.status = 0;
    broken.text[0] = '\0';
    int got = records_next(&reading->records, &reading->record, &broken);
    if (got < 0)
        reading_failed(reading->run, reading->found.path, reading->lines.number, &broken);
    return got == 1;
}

/* Last time the input ended within a line, and what was there has been taken for one. */
static void pass_rest_of_line(struct reading *reading)
{
    struct str text;
    struct why broken = { 0 };
    int got = lines_next(&reading->lines, &text, &broken);
    if (got < 0)
        reading_failed(reading->run, reading->found.path, reading->lines.number, &broken);
    if (got != 1)
        return;
    reading->in_rest = false;
    reading->lines.number--;
    reading->record =
        (struct record){ .text = text, .offset = reading->lines.offset, .number = reading->lines.number };
    if (text.len)
        skip(reading, "rest of a line that was read before", STR(""), text);
}

void reading_next(struct reading *reading)
{
    reading->has_line = false;
    if (reading->in_rest)
        pass_rest_of_line(reading);
    uint64_t position = reading->lines.position;
    if (reading->in_rest || !next_line(reading))
        return;
    reading->has_line = true;
    reading->line_bytes = reading->lines.position - position;
    if (reading->records.journal)
        reading->source.consumed =
            (uint64_t)(journal_share(reading->records.journal) * (double)reading->found.size);
    reading->line = (struct line){ .input = reading->input.id,
                                   .offset = reading->record.offset,
                                   .number = reading->record.number };
    reading->has_time = record_parse(&reading->record, &reading->syslog, &reading->line);
    reading->time = reading->reached;
    if (reading->has_time && (reading->time == USEC_NONE || reading->line.at > reading->time))
        reading->time = reading->line.at;
}

static void note_dialect(struct reading *reading, const struct dialect *dialect)
{
    for (unsigned i = 0; dialects[i]; i++)
        reading->dialects |= (uint64_t)(dialects[i] == dialect) << i;
    reading->noted = dialect;
}

static int take_timed(struct reading *reading, struct why *why)
{
    struct run *run = reading->run;
    struct line *line = &reading->line;
    reading->reached = reading->time;
    reading->input.last = line->at;
    if (reading->input.first == USEC_NONE)
        reading->input.first = line->at;
    const struct dialect *dialect = tags_dialect(&reading->tags, line, reading->tag_room);
    if (!dialect)
        dialect = programs_dialect_of(&run->programs, line);
    if (!dialect) {
        if (reading->before && line->program.len == 0 && str_starts(line->text, STR("last message repeated")))
            skip(reading, "repetition of another line", STR(""), line->text);
        else
            reading->input.other++;
        reading->before = NULL;
        return 0;
    }
    reading->before = dialect;
    if (run->told == USEC_NONE || line->at < run->told || line->at - run->told >= USEC_SECOND) {
        run->told = line->at;
        if (builder_advance(run->builder, line->at, why))
            return -1;
    }
    enum taken taken = dialect_take(dialect, line, run->builder);
    if (taken == SKIPPED && !reading->record.cut)
        skip(reading, "unknown text", line->program, line->text);
    else if (taken == NOT_OURS)
        reading->input.other++;
    if (taken != NOT_OURS && reading->noted != dialect)
        note_dialect(reading, dialect);
    return 0;
}

int reading_take(struct reading *reading, struct why *why)
{
    struct run *run = reading->run;
    struct str text = reading->record.text;
    const struct dialect *before = reading->before;
    if (run_refresh(run, why))
        return -1;
    reading->unwritten = true;
    run->collected->lines++;
    run->uncommitted_bytes += reading->line_bytes;
    if (reading->record.cut)
        skip(reading, "too long", STR(""), text);
    if (reading->has_time)
        return take_timed(reading, why);
    if (str_trim(text).len == 0 || (before && before->continues && before->continues(text)))
        reading->input.other++;
    else if (!reading->record.cut)
        skip(reading, "no time stamp", STR(""), text);
    return 0;
}

/* ---- Opening and closing. */

/* Takes up what is known of the input. */
static int begin(struct reading *reading, struct why *why)
{
    struct run *run = reading->run;
    struct input *input = &reading->input;
    const char *compression = reading->found.compression;
    struct str path = str_of(reading->found.path), old_path = arena_str(&reading->arena, input->path);
    const struct mark *mark = input->id ? run_mark(run, input->id) : NULL;
    /* Where it lies now is where to look for its lines; but in a pipe they cannot be looked for. */
    reading->moved = !str_eq(old_path, path) && !(input->id && reading->source.stream);
    reading->dialects = dialect_bits(input->dialects);
    input->path = reading->moved ? path : old_path;
    input->kind = reading->found.journal ? STR("journal")
                  : compression          ? arena_printf(&reading->arena, "log, %s", compression)
                                         : STR("log");
    reading->begin_bytes = input->bytes;
    reading->begin_skipped = input->skipped;
    reading->begin_other = input->other;
    reading->reached = mark ? mark->reached : input->last;
    reading->before = mark ? mark->before : NULL;
    const struct wall *wall = reading->found.wall;
    input->zone = wall ? wall_name(wall) : STR("");
    input->tags = arena_str(&reading->arena, input->id ? input->tags : run->options->tags);
    if (tags_parse(&reading->tags, input->tags, &reading->arena, why))
        return -1;
    struct str tail = lines_tail(&reading->lines);
    reading->in_rest = tail.len && tail.at[tail.len - 1] != '\n';
    syslog_begin(&reading->syslog, input->last, reading->found.year);
    syslog_wall(&reading->syslog, wall, reading->found.first);
    if (!reading->found.journal)
        reading->file = source_file(&reading->source);
    if (run->follow && follow_grows(run->follow, reading->found.path) && !reading->found.journal &&
        !reading->source.compression && !reading->source.stream)
        grow(reading);
    /* Its sessions need its number. */
    if (!input->id && reading_write(reading, why))
        return -1;
    if (reading->growing)
        follow_opened(run->follow, reading);
    return 0;
}

static void list_add(struct reading *reading)
{
    struct run *run = reading->run;
    reading->older = run->readings;
    if (run->readings)
        run->readings->newer = reading;
    run->readings = reading;
    run->reading_count++;
}

static void list_remove(struct reading *reading)
{
    struct run *run = reading->run;
    if (reading->newer)
        reading->newer->older = reading->older;
    else
        run->readings = reading->older;
    if (reading->older)
        reading->older->newer = reading->newer;
    run->reading_count--;
}

static void release(struct reading *reading)
{
    reading->run->bytes_done += reading->found.size;
    records_end(&reading->records);
    lines_end(&reading->lines);
    source_close(&reading->source);
    shapes_free(&reading->shapes);
    arena_free(&reading->arena);
    free(reading);
}

/* A journal is read on behind the entry that was read last. */
static enum place place_journal(struct reading *reading, struct why *why)
{
    struct run *run = reading->run;
    const struct journal_set *set = reading->found.journal;
    struct input *known = &reading->input;
    *known = (struct input){ .head_hash = reading->found.head.hash[0] };
    int found = run->catalogue->find(run->catalogue->state, known, why);
    if (found < 0)
        return PLACE_FAILED;
    if (found == 0)
        *known = (struct input){ .first = USEC_NONE, .last = USEC_NONE };
    uint64_t gone = found ? journal_gone(set, known->tail_hash) : 0;
    if (gone)
        progress_note(&run->progress,
                      "%s: %" PRIu64 " entries were removed from the journal before they were read",
                      reading->found.path, gone);
    reading->lines = (struct lines){ .position = known->bytes, .number = known->lines };
    if (journal_open(&reading->records.journal, set, known->tail_hash, why))
        return PLACE_BROKEN;
    return PLACE_REACHED;
}

static enum place place_reading(struct reading *reading, struct why *why)
{
    struct found *found = &reading->found;
    records_begin(&reading->records, &reading->lines, found->path);
    if (found->journal)
        return place_journal(reading, why);
    return place_input(found, reading->run->catalogue, &reading->source, &reading->lines, &reading->input,
                       why);
}

int reading_open(struct run *run, struct found *found, size_t order, struct reading **opened, struct why *why)
{
    struct reading *reading = mem_zero(1, sizeof *reading);
    struct why broken = { 0 };
    int result = 0;
    *opened = NULL;
    reading->run = run;
    reading->order = order;
    reading->found = *found;
    found->stream = (struct source){ 0 };
    reading->found.path = arena_str(&reading->arena, str_of(found->path)).at;
    switch (place_reading(reading, &broken)) {
    case PLACE_REACHED:
        if (begin(reading, why)) {
            result = -1;
            break;
        }
        list_add(reading);
        reading_next(reading);
        *opened = reading;
        return 1;
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
    source_close(&reading->found.stream);
    release(reading);
    return result;
}

int reading_close(struct reading *reading, int result, struct why *why)
{
    struct run *run = reading->run;
    struct input *input = &reading->input;
    uint64_t bytes = records_place(&reading->records).position;
    bool more = bytes > reading->begin_bytes;
    run->ours |= reading->dialects != 0;
    if (!reading->dialects && reading->lines.number) {
        char lines[PROGRESS_NUMBER_BYTES];
        why_set(&run->strange, EX_DATAERR, "%s: none of its %s lines is a mail server's that mxreplay knows",
                reading->found.path, progress_number(reading->lines.number, lines));
    }
    if (result == 0 && (reading->unwritten || more || reading->moved || input->bytes == 0))
        result = reading_write(reading, why);
    if (run->follow && !reading->growing && !reading->found.journal && result == 0)
        follow_note_read(run->follow, reading);
    list_remove(reading);
    *(more ? &run->collected->inputs : &run->collected->known) += 1;
    run->collected->bytes += bytes - reading->begin_bytes;
    run->collected->skipped += input->skipped - reading->begin_skipped;
    run->collected->other += input->other - reading->begin_other;
    release(reading);
    return result;
}

/* The lines of one session, read again. A file that was collected may have been rotated or compressed since:
 * then the one beside it that has its content is read. */
#define _GNU_SOURCE
#include "collect/collect.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include "base/memory.h"
#include "collect/builder.h"
#include "collect/journal.h"
#include "collect/lines.h"
#include "collect/programs.h"
#include "collect/record.h"
#include "collect/source.h"
#include "collect/syslog.h"
#include "collect/tags.h"

static bool has_content(struct source *source, const struct input *input)
{
    struct str look = source_look(source, input->head_bytes);
    return look.len >= input->head_bytes && bytes_hash(look.at, input->head_bytes, 0) == input->head_hash;
}

/* mail.log.2.gz -> mail.log: what rotation leaves of a name. */
static struct str stem_of(struct str name)
{
    const char *dot = NULL;
    while ((dot = str_find_last(name, '.'))) {
        struct str last = str_range(dot + 1, name.at + name.len);
        uint64_t number = 0;
        if (!str_number(last, &number) && !str_eq(last, STR("gz")) && !str_eq(last, STR("bz2")) &&
            !str_eq(last, STR("xz")) && !str_eq(last, STR("zst")))
            break;
        name = str_range(name.at, dot);
    }
    return name;
}

/* Opens a file beside `path` that has the input's content. */
static bool open_beside(struct source *source, const char *path, const struct input *input,
                        struct arena *arena)
{
    const char *slash = strrchr(path, '/');
    struct str folder = slash ? str_range(path, slash + 1) : STR("./");
    struct str stem = stem_of(str_of(slash ? slash + 1 : path));
    DIR *entries = opendir(arena_str(arena, folder).at);
    const struct dirent *entry = NULL;
    bool found = false;
    while (entries && !found && (entry = readdir(entries))) {
        if (!str_starts(str_of(entry->d_name), stem))
            continue;
        const char *beside = arena_printf(arena, "%.*s%s", STR_ARG(folder), entry->d_name).at;
        struct stat status;
        if (stat(beside, &status) || !S_ISREG(status.st_mode) || source_open(source, beside, NULL))
            continue;
        found = has_content(source, input);
        if (!found)
            source_close(source);
    }
    if (entries)
        closedir(entries);
    return found;
}

static int open_again(struct source *source, const char *path, const struct input *input, struct arena *arena,
                      struct why *why)
{
    struct why missing = { 0 };
    if (strcmp(path, "-") == 0)
        return why_set(why, EX_NOINPUT, "the lines came from a pipe and are not there any more");
    bool opened = source_open(source, path, &missing) == 0;
    if (opened && has_content(source, input))
        return 0;
    if (opened)
        source_close(source);
    if (open_beside(source, path, input, arena))
        return 0;
    if (opened)
        return why_set(why, EX_DATAERR,
                       "%s: not what it was when it was collected, and no other file of that name is", path);
    if (why)
        *why = missing;
    return -1;
}

/* What is wanted, and which lines the builder said belong to it. */
struct wanted {
    int32_t input;
    uint64_t first_offset;
    uint64_t *offsets;
    size_t count, capacity;
};

static void remember(void *state, int32_t input, uint64_t first_offset, uint64_t line_offset)
{
    struct wanted *wanted = state;
    if (input != wanted->input || first_offset != wanted->first_offset)
        return;
    mem_room(wanted->offsets, wanted->capacity, wanted->count + 1);
    wanted->offsets[wanted->count++] = line_offset;
}

static int drop_session(void *state, const struct session *session, struct why *why)
{
    (void)state;
    (void)session;
    (void)why;
    return 0;
}

static int drop_late(void *state, int64_t session_id, const struct evidence *evidence, struct why *why)
{
    (void)state;
    (void)session_id;
    (void)evidence;
    (void)why;
    return 0;
}

/* An input that is read again. */
struct again {
    const char *path; /* where it lay */
    const struct input *input;
    struct source source; /* opened before begin_at() */
    struct journals journals;
    struct lines lines;
    struct records records;
};

static int begin_journal(struct again *again, uint64_t number, struct why *why)
{
    const struct journal_set *set = journals_find(&again->journals, again->input->head_hash);
    if (!set)
        return why_set(why, EX_NOINPUT, "%s: the journal is not there any more", again->path);
    return journal_open(&again->records.journal, set, number - 1, why);
}

/* Begins with the record at `offset`. */
static int begin_at(struct again *again, uint64_t offset, struct why *why)
{
    bool sought = again->source.parts && source_seek(&again->source, offset);
    if (again->source.parts)
        lines_begin(&again->lines, source_read, &again->source, sought ? offset : 0, 0);
    else
        again->lines = (struct lines){ 0 };
    records_begin(&again->records, &again->lines, again->path);
    return again->source.parts ? lines_skip(&again->lines, offset, why) : begin_journal(again, offset, why);
}

static void end_reading(struct again *again)
{
    records_end(&again->records);
    lines_end(&again->lines);
}

/* Builds the sessions of the range once more, and hears which records went into the one that is wanted. */
static int find_lines(struct again *again, uint64_t last, struct wanted *wanted, struct why *why)
{
    static const struct sink nowhere = { .session = drop_session, .late = drop_late };
    struct syslog syslog;
    struct programs programs;
    struct record record;
    struct arena arena = { 0 };
    struct tags tags = { 0 };
    char tag_room[TAG_BYTES];
    struct str zone = again->input->zone;
    struct wall *wall = zone.len ? wall_new(zone, why) : NULL;
    if (zone.len && !wall)
        return -1;
    int got = begin_at(again, wanted->first_offset, why);
    struct builder *builder = builder_new(&nowhere, 1);
    builder_watch(builder, remember, wanted);
    syslog_begin(&syslog, again->input->first, 0);
    syslog_wall(&syslog, wall, again->input->first);
    programs_begin(&programs, dialects);
    if (got >= 0)
        got = tags_parse(&tags, again->input->tags, &arena, why);
    while (got >= 0 && (got = records_next(&again->records, &record, why)) == 1 && record.offset <= last) {
        struct line line = { .input = again->input->id, .offset = record.offset, .number = record.number };
        if (!record_parse(&record, &syslog, &line))
            continue;
        const struct dialect *dialect = tags_dialect(&tags, &line, tag_room);
        if (!dialect)
            dialect = programs_dialect_of(&programs, &line);
        if (!dialect)
            continue;
        if (builder_advance(builder, line.at, why))
            got = -1;
        else
            dialect_take(dialect, &line, builder);
    }
    if (got >= 0 && builder_finish(builder, why))
        got = -1;
    builder_free(builder);
    end_reading(again);
    wall_free(wall);
    arena_free(&arena);
    return got < 0 ? -1 : 0;
}

static int by_offset(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static int hand_over(struct again *again, const struct wanted *wanted,
                     void (*take)(void *state, struct str text), void *state, struct why *why)
{
    struct record record;
    char *shown = mem_alloc(RECORD_SHOWN_BYTES);
    int count = 0;
    size_t i = 0;
    int got = begin_at(again, wanted->offsets[0], why);
    while (got >= 0 && i < wanted->count && (got = records_next(&again->records, &record, why)) == 1) {
        if (record.offset < wanted->offsets[i])
            continue;
        take(state, record_show(&record, shown));
        count++;
        while (i < wanted->count && wanted->offsets[i] <= record.offset)
            i++;
    }
    free(shown);
    end_reading(again);
    return got < 0 ? -1 : count;
}

int collect_trace(const char *path, const struct input *input, uint64_t first_offset, uint64_t last_offset,
                  void (*line)(void *state, struct str text), void *state, struct why *why)
{
    struct arena arena = { 0 };
    struct again again = { .path = path, .input = input };
    struct wanted wanted = { .input = input->id, .first_offset = first_offset };
    /* A session that ends in the next file of a set: this one's part is what can be shown. */
    uint64_t last = last_offset < first_offset ? UINT64_MAX : last_offset;
    bool is_journal = str_eq(input->kind, STR("journal"));
    int result = is_journal ? journals_look(&again.journals, path, why)
                            : open_again(&again.source, path, input, &arena, why);
    if (result == 0)
        result = find_lines(&again, last, &wanted, why);
    if (result == 0 && wanted.count) {
        qsort(wanted.offsets, wanted.count, sizeof *wanted.offsets, by_offset);
        if (!is_journal) {
            const char *opened = again.source.path;
            source_close(&again.source);
            result = source_open(&again.source, opened, why);
        }
        if (result == 0)
            result = hand_over(&again, &wanted, line, state, why);
    }
    source_close(&again.source);
    journals_free(&again.journals);
    free(wanted.offsets);
    arena_free(&arena);
    return result;
}

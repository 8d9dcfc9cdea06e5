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
#include "collect/lines.h"
#include "collect/programs.h"
#include "collect/source.h"
#include "collect/survey.h"
#include "collect/syslog.h"

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

/* Opens the lines at `offset`. */
static int begin_at(struct lines *lines, struct source *source, uint64_t offset, struct why *why)
{
    bool sought = source_seek(source, offset);
    lines_begin(lines, source_read, source, sought ? offset : 0, 0);
    return lines_skip(lines, offset, why);
}

/* Builds the sessions of the range once more, and hears which lines went into the one that is wanted. */
static int find_lines(struct source *source, const struct input *input, uint64_t last, struct wanted *wanted,
                      struct why *why)
{
    static const struct sink nowhere = { .session = drop_session, .late = drop_late };
    struct lines lines;
    struct syslog syslog;
    struct programs programs;
    struct str text;
    int got = begin_at(&lines, source, wanted->first_offset, why);
    struct builder *builder = builder_new(&nowhere, 1);
    builder_watch(builder, remember, wanted);
    syslog_begin(&syslog, input->first, 0);
    programs_begin(&programs, dialects);
    while (got >= 0 && (got = lines_next(&lines, &text, why)) == 1 && lines.offset <= last) {
        struct line line = { .input = input->id, .offset = lines.offset, .number = lines.number };
        if (!syslog_parse(&syslog, text, &line))
            continue;
        const struct dialect *dialect = programs_dialect_of(&programs, &line);
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
    lines_end(&lines);
    return got < 0 ? -1 : 0;
}

static int by_offset(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static int hand_over(struct source *source, const struct wanted *wanted,
                     void (*take)(void *state, struct str text), void *state, struct why *why)
{
    struct lines lines;
    struct str text;
    int count = 0, got = 0;
    size_t i = 0;
    if (wanted->count == 0)
        return 0;
    got = begin_at(&lines, source, wanted->offsets[0], why);
    while (got >= 0 && i < wanted->count && (got = lines_next(&lines, &text, why)) == 1) {
        if (lines.offset < wanted->offsets[i])
            continue;
        take(state, text);
        count++;
        while (i < wanted->count && wanted->offsets[i] <= lines.offset)
            i++;
    }
    lines_end(&lines);
    return got < 0 ? -1 : count;
}

int collect_trace(const char *path, const struct input *input, uint64_t first_offset, uint64_t last_offset,
                  void (*line)(void *state, struct str text), void *state, struct why *why)
{
    struct arena arena = { 0 };
    struct source source = { 0 };
    struct wanted wanted = { .input = input->id, .first_offset = first_offset };
    /* A session that ends in the next file of a set: this one's part is what can be shown. */
    uint64_t last = last_offset < first_offset ? UINT64_MAX : last_offset;
    int result = open_again(&source, path, input, &arena, why);
    if (result == 0)
        result = find_lines(&source, input, last, &wanted, why);
    if (result == 0 && wanted.count) {
        qsort(wanted.offsets, wanted.count, sizeof *wanted.offsets, by_offset);
        const char *opened = source.path;
        source_close(&source);
        result = source_open(&source, opened, why) ? -1 : hand_over(&source, &wanted, line, state, why);
    }
    source_close(&source);
    free(wanted.offsets);
    arena_free(&arena);
    return result;
}

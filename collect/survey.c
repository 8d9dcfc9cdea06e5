/* Before anything is read: what the inputs are, when each begins, and the order in which to read them. All
 * that can be wrong with what the user named is found here, when nothing has been stored yet. */
#define _GNU_SOURCE
#include "collect/survey.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include "base/progress.h"
#include "collect/begins.h"
#include "collect/capture/frames.h"
#include "collect/folder.h"
#include "collect/lines.h"
#include "collect/record.h"
#include "collect/years.h"

enum {
    LOOK_BYTES = 64 * 1024,
    LOOK_FURTHER_BYTES = 4 * 1024 * 1024, /* where a log begins with a line of a megabyte */
    SAMPLES = 256,
    SAMPLE_BYTES = 8 * 1024,
    BINARY_PERCENT = 5
};

/* Years are counted from one that has a leap day. */
#define SOME_YEAR 2000

struct head head_of(struct str bytes)
{
    struct head head = { 0 };
    while (head.count < HEADS && (size_t)1 << head.count <= bytes.len) {
        head.hash[head.count] = bytes_hash(bytes.at, (size_t)1 << head.count, 0);
        head.count++;
    }
    return head;
}

uint64_t head_bytes(const struct head *head)
{
    return head->count ? (uint64_t)1 << (head->count - 1) : 0;
}

int head_find(const struct head *head, unsigned *at, const struct catalogue *catalogue, struct input *input,
              struct why *why)
{
    int32_t after = input->id;
    for (; *at < head->count; ++*at, after = 0) {
        unsigned i = head->count - 1 - *at;
        *input = (struct input){ .id = after, .head_hash = head->hash[i], .head_bytes = (uint64_t)1 << i };
        int found = catalogue->find(catalogue->state, input, why);
        if (found)
            return found;
    }
    return 0;
}

/* What people give to a log reader by mistake, and what to do instead. */
static const struct foreign {
    size_t at;
    struct str magic;
    const char *is;
} foreign[] = {
    { 0, STR_INIT("PK\3\4"), "a ZIP archive; unpack it first" },
    { 257, STR_INIT("ustar"), "a tar archive; unpack it first" },
    { 0, STR_INIT("SQLite format 3"), "a database, not a log; mxreplay's own is named with -d" },
    { 0, STR_INIT("LPKSHHRH"), "a systemd journal; give it as a file, not through a pipe or compressed" },
};

static const char *foreign_kind(struct str look)
{
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (look.len > foreign[i].at && str_starts(str_skip(look, foreign[i].at), foreign[i].magic))
            return foreign[i].is;
    return NULL;
}

static bool is_binary(struct str look)
{
    size_t odd = 0;
    for (size_t i = 0; i < look.len; i++) {
        unsigned char c = (unsigned char)look.at[i];
        odd += (c < ' ' && c != '\n' && c != '\t' && c != '\r') || c == 0x7f;
    }
    return odd * 100 > look.len * BINARY_PERCENT;
}

/* The stamp of the next line in *rest that has one. */
static bool cut_stamped_line(struct str *rest, struct stamp *stamp)
{
    struct str line;
    while (rest->len) {
        if (!cut_until_char(rest, '\n', &line)) {
            line = *rest;
            *rest = str_skip(*rest, rest->len);
        }
        while (line.len && line.at[0] == '\0') /* as lines_next() does */
            line = str_skip(line, 1);
        if (record_stamp(line, stamp))
            return true;
    }
    return false;
}

/* Turns of the year up to a stamp, by the stamps on the way to it. */
struct span {
    usec at; /* as if the first stamp were of SOME_YEAR */
    int64_t years;
    struct stamp last;
};

static struct span span_begin(const struct stamp *first)
{
    return (struct span){ .at = stamp_time(first, SOME_YEAR), .last = *first };
}

static void span_follow(struct span *span, const struct stamp *stamp)
{
    if (stamp->year)
        return;
    int64_t year = year_following(stamp, span->at);
    span->at = stamp_time(stamp, year);
    span->years = year - SOME_YEAR;
    span->last = *stamp;
}

/* A compressed file is read whole: there is no other way to its last line. */
static void follow_lines(struct source *source, struct span *span)
{
    struct lines lines;
    struct str text;
    struct stamp stamp;
    lines_begin(&lines, source_read, source, 0, 0);
    while (lines_next(&lines, &text, NULL) == 1)
        if (record_stamp(text, &stamp))
            span_follow(span, &stamp);
    lines_end(&lines);
}

/* Follows the stamps of the lines that begin in the `size` bytes at `position`: the first, or all. */
static bool follow_piece(struct source *source, uint64_t position, size_t size, bool all, char *buffer,
                         struct span *span)
{
    ssize_t got = source_seek(source, position) ? source_read(source, buffer, size, NULL) : -1;
    struct str rest = { buffer, got > 0 ? (size_t)got : 0 }, begun;
    struct stamp stamp;
    if (position && !cut_until_char(&rest, '\n', &begun))
        return got > 0;
    while (cut_stamped_line(&rest, &stamp)) {
        span_follow(span, &stamp);
        if (!all)
            break;
    }
    return got > 0;
}

/* A plain file is looked at here and there, and at its end: a year that lies between two places is missed, if
 * nothing was logged for most of it. */
static void follow_samples(struct source *source, struct span *span)
{
    char *buffer = mem_alloc(LOOK_BYTES);
    uint64_t step = source->size / SAMPLES > SAMPLE_BYTES ? source->size / SAMPLES : SAMPLE_BYTES;
    uint64_t end = source->size > LOOK_BYTES ? source->size - LOOK_BYTES : 0, position = step;
    while (position < end && follow_piece(source, position, SAMPLE_BYTES, false, buffer, span))
        position += step;
    follow_piece(source, end, LOOK_BYTES, true, buffer, span);
    free(buffer);
}

/* The year of the first stamp, so that the last one is not after the file's time; for the clock of another
 * machine and for zones, a day more. */
static int64_t year_by_file_time(const struct found *found)
{
    struct span span = span_begin(&found->stamp);
    struct source source;
    if (!found->stream.parts && source_open(&source, found->path, NULL) == 0) {
        if (source.compression)
            follow_lines(&source, &span);
        else
            follow_samples(&source, &span);
        source_close(&source);
    }
    int64_t year = year_not_after(&span.last, found->modified + USEC_DAY) - span.years;
    /* 29 February may lead further back. */
    return year_not_after(&found->stamp, stamp_time(&found->stamp, year) + USEC_DAY);
}

/* Exchange's message tracking log: a session that it tells of by itself is one that no protocol log has. */
static bool is_trailing(struct str look)
{
    struct str line, rest = look;
    for (int i = 0; i < 5 && cut_until_char(&rest, '\n', &line); i++)
        if (str_starts(line, STR("#Log-type: Message Tracking Log")))
            return true;
    return false;
}

/* Opens an input, looks at it, and closes it again if it can be opened a second time. `is_ours` tells whether
 * it is a capture, or has stamps; without them it is an error that *why tells. */
static int look_at(struct found *found, struct arena *arena, bool *is_ours, struct why *why)
{
    struct source source;
    *is_ours = false;
    if (source_open(&source, found->path, why))
        return -1;
    struct str look = source_look(&source, LOOK_BYTES);
    found->compression = source.compression;
    found->size = source.size;
    found->modified = source.modified;
    found->empty = look.len == 0;
    found->head = head_of(look);
    struct str rest = look;
    const char *other_kind = foreign_kind(look);
    char byte = 0;
    struct why broken = { 0 };
    if (look.len == 0 && source_read(&source, &byte, 1, &broken) < 0) {
        struct why *damage = arena_alloc(arena, sizeof *damage);
        *damage = broken;
        found->damage = damage;
        found->empty = false;
    }
    found->capture = frames_recognise(look);
    found->trails = is_trailing(look);
    found->first = USEC_NONE;
    if (found->capture) {
        *is_ours = true;
        found->first = frames_first_time(look);
    } else if (look.len && !other_kind) {
        *is_ours = cut_stamped_line(&rest, &found->stamp);
        if (!*is_ours && look.len >= LOOK_BYTES) {
            rest = look = source_look(&source, LOOK_FURTHER_BYTES);
            *is_ours = cut_stamped_line(&rest, &found->stamp);
        }
    }
    if (other_kind)
        why_set(why, EX_DATAERR, "%s: %s", found->path, other_kind);
    else if (!*is_ours && is_binary(look))
        why_set(why, EX_DATAERR, "%s: a binary file, not a log", found->path);
    else if (!*is_ours && look.len)
        why_set(why, EX_DATAERR,
                "%s: not a log that mxreplay knows, nor a packet capture: its lines do not begin with a "
                "time, as \"Nov 23 09:07:12 "
                "host "
                "program[pid]: ...\" or \"2026-11-23T09:07:12+00:00 host ...\" do",
                found->path);
    if (*is_ours && source.stream)
        found->stream = source;
    else
        source_close(&source);
    return 0;
}

struct finds {
    struct survey *survey;
    size_t capacity;
    struct place {
        dev_t device;
        ino_t number;
    } * places; /* of all files and folders so far */
    size_t place_count, place_capacity;
    size_t logs; /* found in folders so far, those that were named before with them */
};

/* Whether a file or folder was named before, be it by another name: a link, or twice. */
static bool is_again(struct finds *finds, const char *path)
{
    struct stat status;
    if (strcmp(path, "-") == 0 || stat(path, &status) ||
        (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)))
        return false;
    for (size_t i = 0; i < finds->place_count; i++)
        if (finds->places[i].device == status.st_dev && finds->places[i].number == status.st_ino)
            return true;
    mem_room(finds->places, finds->place_capacity, finds->place_count + 1);
    finds->places[finds->place_count++] = (struct place){ status.st_dev, status.st_ino };
    return false;
}

static struct found *find_room(struct finds *finds)
{
    struct survey *survey = finds->survey;
    mem_room(survey->found, finds->capacity, survey->count + 1);
    survey->found[survey->count] = (struct found){ 0 };
    return &survey->found[survey->count];
}

/* What a pipe has given to who looks at it is gone: one is no journal. */
static bool is_journal_file(const char *path)
{
    struct source source;
    struct stat status;
    if (strcmp(path, "-") == 0 || stat(path, &status) || !S_ISREG(status.st_mode) ||
        source_open(&source, path, NULL))
        return false;
    bool is = !source.stream && !source.compression && journal_recognise(source_look(&source, 8));
    source_close(&source);
    return is;
}

static int add_file(struct finds *finds, const char *path, struct why *why)
{
    if (is_again(finds, path))
        return 0;
    if (is_journal_file(path))
        return journals_add_file(&finds->survey->journals, path, path, why);
    struct found *found = find_room(finds);
    bool is_ours = false;
    found->path = path;
    if (look_at(found, &finds->survey->arena, &is_ours, why) || (!is_ours && !found->empty && !found->damage))
        return -1;
    finds->survey->count++;
    return 0;
}

/* A file of a folder: one that is neither log nor capture is passed over. */
static int add_member(struct finds *finds, const char *path, struct why *why)
{
    if (is_again(finds, path)) {
        finds->logs++;
        return 0;
    }
    if (is_journal_file(path))
        return 0; /* add_folder() has it already */
    struct found *found = find_room(finds);
    struct why aside = { 0 };
    bool is_ours = false;
    found->path = path;
    if (look_at(found, &finds->survey->arena, &is_ours, &aside)) {
        if (why)
            *why = aside;
        return -1;
    }
    finds->survey->count += is_ours || found->damage;
    finds->logs += is_ours || found->damage;
    return 0;
}

/* Adds the log files in a folder. One that has none stands for those of the folders in it, each by itself:
 * /srv/logs/mx1/mail.log, /srv/logs/mx2/mail.log. Where there are some, what lies below them is mostly older
 * copies. *files counts all files that were there. */
static int add_members(struct finds *finds, const char *path, size_t *files, struct why *why)
{
    struct folder folder;
    struct survey *survey = finds->survey;
    size_t before = finds->logs;
    if (is_again(finds, path)) {
        finds->logs++;
        return 0;
    }
    long journals = journals_add(&survey->journals, path, why);
    if (journals < 0 || folder_read(&folder, path, &survey->arena, why))
        return -1;
    finds->logs += (size_t)journals;
    *files += folder.all_files;
    for (size_t i = 0; i < folder.files; i++)
        if (add_member(finds, folder.file[i], why))
            return -1;
    if (finds->logs > before)
        return 0;
    for (size_t i = 0; i < folder.folders; i++)
        if (add_members(finds, folder.folder[i], files, why))
            return -1;
    return 0;
}

static int add_folder(struct finds *finds, const char *path, struct why *why)
{
    size_t before = finds->logs, files = 0;
    if (add_members(finds, path, &files, why))
        return -1;
    if (finds->logs > before)
        return 0;
    return why_set(why, EX_NOINPUT, "%s: %s; name the files, or the folder where the mail log is", path,
                   files ? "none of the files in this folder is a log" : "no files in this folder");
}

static int by_place_in_year(const void *left, const void *right)
{
    const struct found *a = *(const struct found *const *)left, *b = *(const struct found *const *)right;
    usec x = stamp_time(&a->stamp, SOME_YEAR), y = stamp_time(&b->stamp, SOME_YEAR);
    return (x > y) - (x < y);
}

/* With --year, all files begin in that year, unless they are a set that goes over the turn of the year: the
 * first of January's follows December's last within `rotated`, and there is a hole somewhere else. Those
 * after the turn are of the next year. */
static void give_years(struct survey *survey, int year)
{
    const usec rotated = 35 * USEC_DAY,
               whole = (clock_days(SOME_YEAR + 1, 1, 1) - clock_days(SOME_YEAR, 1, 1)) * USEC_DAY;
    struct found **set = mem_zero(survey->count, sizeof *set);
    size_t count = 0, begin = 0;
    usec hole = 0;
    for (size_t i = 0; i < survey->count; i++)
        if (survey->found[i].stamp.month && survey->found[i].stamp.year == 0)
            set[count++] = &survey->found[i];
    if (count)
        qsort(set, count, sizeof *set, by_place_in_year);
    for (size_t i = 1; i < count; i++) {
        usec apart = stamp_time(&set[i]->stamp, SOME_YEAR) - stamp_time(&set[i - 1]->stamp, SOME_YEAR);
        if (apart > hole) {
            hole = apart;
            begin = i;
        }
    }
    usec turn =
        count ? stamp_time(&set[0]->stamp, SOME_YEAR) + whole - stamp_time(&set[count - 1]->stamp, SOME_YEAR)
              : 0;
    if (turn > rotated || hole <= 2 * rotated)
        begin = 0;
    for (size_t i = 0; i < count; i++)
        set[i]->year = i < begin ? year + 1 : year;
    free(set);
}

static int by_time(const void *left, const void *right)
{
    const struct found *a = left, *b = right;
    if (a->trails != b->trails)
        return a->trails ? 1 : -1;
    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    return strcmp(a->path, b->path);
}

/* The clock of a zone; each is made once. */
static const struct wall *wall_of(struct walls *walls, struct str zone, struct why *why)
{
    for (size_t i = 0; i < walls->count; i++)
        if (str_eq(wall_name(walls->wall[i]), zone))
            return walls->wall[i];
    mem_room(walls->wall, walls->capacity, walls->count + 1);
    struct wall *wall = wall_new(zone, why);
    if (wall)
        walls->wall[walls->count++] = wall;
    return wall;
}

void walls_free(struct walls *walls)
{
    for (size_t i = 0; i < walls->count; i++)
        wall_free(walls->wall[i]);
    free(walls->wall);
    *walls = (struct walls){ 0 };
}

/* What is known of an input: when it began, or USEC_NONE, and by whose clock. */
static int recall(struct walls *walls, struct found *found, const struct catalogue *catalogue,
                  struct why *why)
{
    struct input input = { 0 };
    unsigned at = 0;
    int known = head_find(&found->head, &at, catalogue, &input, why);
    if (known != 1)
        return known;
    found->first = input.first;
    found->wall = NULL;
    if (input.zone.len && !(found->wall = wall_of(walls, input.zone, why))) {
        why_prefix(why, "%s: ", found->path);
        return -1;
    }
    return 0;
}

static void add_journals(struct finds *finds)
{
    const struct journals *journals = &finds->survey->journals;
    for (size_t i = 0; i < journals->count; i++) {
        const struct journal_set *set = &journals->sets[i];
        struct found *found = find_room(finds);
        *found = (struct found){ .path = set->name,
                                 .journal = set,
                                 .size = set->bytes,
                                 .first = set->begins,
                                 .empty = set->last == 0,
                                 .head = { .hash = { journal_hash(set) } } };
        finds->survey->count++;
    }
}

static int add_path(struct finds *finds, const char *path, struct why *why)
{
    struct stat status;
    if (strcmp(path, "-") != 0 && stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return add_folder(finds, path, why);
    return add_file(finds, path, why);
}

/* "/var/log/mail.log*", where no shell has expanded it: in quotes, or in a service's file. */
static int add_pattern(struct finds *finds, const char *pattern, struct why *why)
{
    glob_t names = { 0 };
    int result = glob(pattern, 0, NULL, &names);
    if (result == GLOB_NOMATCH)
        result = why_set(why, EX_NOINPUT, "%s: no such file, and none that matches this pattern", pattern);
    else if (result)
        result = why_set(why, EX_NOPERM, "%s: a folder of this pattern cannot be read: %s", pattern,
                         strerror(errno));
    for (size_t i = 0; i < names.gl_pathc && result == 0; i++)
        result = add_path(finds, arena_str(&finds->survey->arena, str_of(names.gl_pathv[i])).at, why);
    globfree(&names);
    return result;
}

static int add_named(struct finds *finds, const char *path, struct why *why)
{
    if (journal_is_named(path))
        return journals_add(&finds->survey->journals, path, why) < 0 ? -1 : 0;
    if (strpbrk(path, "*?[") && access(path, F_OK) != 0)
        return add_pattern(finds, path, why);
    return add_path(finds, path, why);
}

int survey_inputs(struct survey *survey, const char *const *paths, size_t count,
                  const struct survey_wishes *wishes, const struct catalogue *catalogue,
                  struct progress *progress, struct why *why)
{
    struct finds finds = { .survey = survey };
    *survey = (struct survey){ 0 };
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = add_named(&finds, paths[i], why);
    free(finds.places);
    if (result)
        return -1;
    add_journals(&finds);
    if (wishes->year)
        give_years(survey, wishes->year);
    for (size_t i = 0; i < survey->count; i++) {
        struct found *found = &survey->found[i];
        if (found->stamp.month == 0)
            continue;
        found->wall = wishes->wall;
        if (recall(wishes->walls, found, catalogue, why))
            return -1;
        if (found->first != USEC_NONE)
            continue;
        if (progress_due(progress))
            progress_show(progress, "%s (%zu of %zu)  looking for its year", found->path, i + 1,
                          survey->count);
        if (found->stamp.year == 0 && wishes->year == 0)
            found->year = year_by_file_time(found);
        found->first = begins_at(found);
    }
    if (survey->count)
        qsort(survey->found, survey->count, sizeof *survey->found, by_time);
    return 0;
}

void survey_free(struct survey *survey)
{
    for (size_t i = 0; i < survey->count; i++)
        source_close(&survey->found[i].stream);
    free(survey->found);
    journals_free(&survey->journals);
    arena_free(&survey->arena);
    *survey = (struct survey){ 0 };
}

/* systemd's journals. Their headers are read here: they tell which files have anything new before libsystemd
 * opens those. The number of the last entry that there was then is where reading ends: what journald writes
 * meanwhile, into several files, is left for the next time, so that nothing before it is missed. */
#define _GNU_SOURCE
#include "collect/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>
#include <unistd.h>
#include "collect/entry.h"
#include "collect/record.h"

/* systemd.io/JOURNAL_FILE_FORMAT, "Header". */
enum { SEQNUM_ID_AT = 72, TAIL_SEQNUM_AT = 160, HEAD_SEQNUM_AT = 168, HEAD_TIME_AT = 184 };

struct journal {
    sd_journal *files;
    struct entry entry;
    uint64_t after, last, number; /* to be read behind, up to; of the entry that was read last */
    struct lines_place before;    /* that one */
    bool ahead;                   /* there is one */
};

bool journal_is_named(const char *path)
{
    return str_starts(str_of(path), STR("journal:"));
}

bool journal_recognise(struct str look)
{
    return str_starts(look, STR("LPKSHHRH"));
}

static uint64_t number_at(const unsigned char *header, size_t at)
{
    uint64_t number = 0;
    for (size_t i = 8; i > 0; i--)
        number = number << 8 | header[at + i - 1];
    return number;
}

static struct journal_set *set_of(struct journals *journals, const unsigned char *id, const char *name)
{
    for (size_t i = 0; i < journals->count; i++)
        if (memcmp(journals->sets[i].id, id, JOURNAL_ID_BYTES) == 0)
            return &journals->sets[i];
    mem_room(journals->sets, journals->capacity, journals->count + 1);
    struct journal_set *set = &journals->sets[journals->count++];
    *set = (struct journal_set){ .name = name, .begins = USEC_NONE };
    memcpy(set->id, id, JOURNAL_ID_BYTES);
    return set;
}

int journals_add_file(struct journals *journals, const char *path, const char *name, struct why *why)
{
    unsigned char header[JOURNAL_HEADER_BYTES];
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        if (error == EACCES || error == EPERM)
            return why_set(
                why, EX_NOPERM,
                "%s: permission denied; root and the groups systemd-journal and adm may read journals", path);
        return why_set(why, EX_NOINPUT, "%s: %s", path, strerror(error));
    }
    ssize_t got = pread(fd, header, sizeof header, 0);
    close(fd);
    if (got < (ssize_t)sizeof header ||
        !journal_recognise((struct str){ (const char *)header, sizeof header }))
        return why_set(why, EX_DATAERR, "%s: not a journal, or the beginning of one only", path);
    struct journal_set *set = set_of(journals, header + SEQNUM_ID_AT, name);
    struct journal_file file = { .path = path,
                                 .first = number_at(header, HEAD_SEQNUM_AT),
                                 .last = number_at(header, TAIL_SEQNUM_AT) };
    uint64_t begins = number_at(header, HEAD_TIME_AT);
    mem_room(set->files, set->capacity, set->count + 1);
    set->files[set->count++] = file;
    set->bytes += (uint64_t)status.st_size;
    if (file.last > set->last)
        set->last = file.last;
    if (file.last && (set->begins == USEC_NONE || (usec)begins < set->begins))
        set->begins = (usec)begins;
    return 0;
}

void journals_free(struct journals *journals)
{
    for (size_t i = 0; i < journals->count; i++)
        free(journals->sets[i].files);
    free(journals->sets);
    arena_free(&journals->arena);
    *journals = (struct journals){ 0 };
}

uint64_t journal_hash(const struct journal_set *set)
{
    return bytes_hash(set->id, JOURNAL_ID_BYTES, 0);
}

uint64_t journal_gone(const struct journal_set *set, uint64_t after)
{
    uint64_t first = UINT64_MAX;
    for (size_t i = 0; i < set->count; i++)
        if (set->files[i].last > after && set->files[i].first < first)
            first = set->files[i].first;
    return first == UINT64_MAX || first <= after + 1 ? 0 : first - after - 1;
}

const struct journal_set *journals_find(const struct journals *journals, uint64_t hash)
{
    for (size_t i = 0; i < journals->count; i++)
        if (journal_hash(&journals->sets[i]) == hash)
            return &journals->sets[i];
    return NULL;
}

/* ---- Where the files are. */

/* journald calls a file that it found damaged NAME.journal~. */
static bool is_journals(const char *file)
{
    return str_ends(str_of(file), STR(".journal")) || str_ends(str_of(file), STR(".journal~"));
}

/* A folder of a machine's, of one of its namespaces (MACHINE-ID.NAME), or of what others send
 * (systemd-journal-remote). */
static bool is_machines(const char *folder)
{
    size_t i = 0;
    while (is_digit(folder[i]) || (folder[i] >= 'a' && folder[i] <= 'f'))
        i++;
    return strcmp(folder, "remote") == 0 ||
           (i == SD_ID128_STRING_MAX - 1 && (folder[i] == '\0' || folder[i] == '.'));
}

/* The journal files in a folder; `deeper`: and in the folders of machines in it. */
static long add_folder(struct journals *journals, const char *path, const char *name, bool deeper,
                       struct why *why)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, NULL, alphasort);
    long added = 0;
    if (count < 0)
        return why_set(why, errno == EACCES ? EX_NOPERM : EX_NOINPUT, "%s: %s", path, strerror(errno));
    for (int i = 0; i < count; i++) {
        const char *entry = entries[i]->d_name;
        if (entry[0] != '.' && added >= 0 && (is_journals(entry) || (deeper && is_machines(entry)))) {
            const char *member = arena_printf(&journals->arena, "%s/%s", path, entry).at;
            struct stat status;
            if (stat(member, &status) == 0) {
                long more = 0;
                if (S_ISREG(status.st_mode) && is_journals(entry))
                    more = journals_add_file(journals, member, name, why) ? -1 : 1;
                else if (S_ISDIR(status.st_mode) && deeper)
                    more = add_folder(journals, member, name, false, why);
                added = more < 0 ? -1 : added + more;
            }
        }
        free(entries[i]);
    }
    free(entries);
    return added;
}

/* The root of a machine that systemd-machined knows: "ROOT=/var/lib/machines/mail" in its file. */
static int machine_root(struct arena *arena, const char *machine, const char **root, struct why *why)
{
    char line[4096];
    const char *path = arena_printf(arena, "/run/systemd/machines/%s", machine).at;
    FILE *file = strchr(machine, '/') ? NULL : fopen(path, "re");
    *root = NULL;
    while (file && !*root && fgets(line, sizeof line, file)) {
        struct str text = str_trim(str_of(line));
        if (cut_prefix(&text, STR("ROOT=")))
            *root = arena_str(arena, text).at;
    }
    if (file)
        fclose(file);
    if (*root)
        return 0;
    return why_set(why, EX_NOINPUT,
                   "journal:%s: no machine of that name runs here (machinectl lists them); for another's "
                   "journal name the folder that it lies in",
                   machine);
}

static long add_machine(struct journals *journals, const char *name, struct why *why)
{
    static const char *const folders[] = { "var/log/journal", "run/log/journal" };
    const char *machine = name + strlen("journal:"), *root = "/";
    long added = 0;
    if (machine[0] && machine_root(&journals->arena, machine, &root, why))
        return -1;
    for (size_t i = 0; i < sizeof folders / sizeof *folders && added >= 0; i++) {
        const char *path =
            arena_printf(&journals->arena, "%s/%s", strcmp(root, "/") ? root : "", folders[i]).at;
        char own[SD_ID128_STRING_MAX];
        sd_id128_t id;
        /* Beside this machine's journal those of its containers may lie. */
        if (!machine[0] && sd_id128_get_machine(&id) == 0)
            path = arena_printf(&journals->arena, "%s/%s", path, sd_id128_to_string(id, own)).at;
        if (access(path, F_OK))
            continue;
        long more = add_folder(journals, path, name, machine[0] != '\0', why);
        added = more < 0 ? -1 : added + more;
    }
    if (added == 0)
        return why_set(why, EX_NOINPUT, "%s: there is no journal in /var/log/journal nor /run/log/journal",
                       name);
    return added;
}

long journals_add(struct journals *journals, const char *name, struct why *why)
{
    return journal_is_named(name) ? add_machine(journals, name, why)
                                  : add_folder(journals, name, name, true, why);
}

int journals_look(struct journals *journals, const char *name, struct why *why)
{
    struct stat status;
    if (!journal_is_named(name) && stat(name, &status) == 0 && !S_ISDIR(status.st_mode))
        return journals_add_file(journals, name, name, why);
    return journals_add(journals, name, why) < 0 ? -1 : 0;
}

/* ---- Entries. */

static int failed(int error, const char *what, struct why *why)
{
    return why_set(why, error == -EACCES ? EX_NOPERM : EX_DATAERR, "%s: %s", what, strerror(-error));
}

/* The files that have entries behind `after`. */
static int open_files(struct journal *journal, const struct journal_set *set, uint64_t after)
{
    const char **paths = mem_zero(set->count + 1, sizeof *paths);
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++)
        if (set->files[i].last > after)
            paths[count++] = set->files[i].path;
    int error = count ? sd_journal_open_files(&journal->files, paths, 0) : 0;
    free(paths);
    return error;
}

int journal_open(struct journal **journal, const struct journal_set *set, uint64_t after, struct why *why)
{
    char id[SD_ID128_STRING_MAX], cursor[128];
    sd_id128_t number;
    struct journal *opened = mem_zero(1, sizeof *opened);
    opened->after = opened->number = after;
    opened->last = set->last > after ? set->last : after;
    int error = open_files(opened, set, after);
    if (error == -ENOENT) {
        /* journald has renamed one since. */
        struct journals again = { 0 };
        const struct journal_set *same = NULL;
        if (journals_look(&again, set->name, NULL) == 0)
            same = journals_find(&again, journal_hash(set));
        if (same)
            error = open_files(opened, same, after);
        journals_free(&again);
    }
    if (error >= 0 && opened->files) {
        memcpy(number.bytes, set->id, JOURNAL_ID_BYTES);
        snprintf(cursor, sizeof cursor, "s=%s;i=%" PRIx64, sd_id128_to_string(number, id), after + 1);
        sd_journal_set_data_threshold(opened->files, LINE_MAX_BYTES + 64);
        error = sd_journal_seek_cursor(opened->files, cursor);
    }
    if (error < 0) {
        journal_close(opened);
        return failed(error, set->name, why);
    }
    *journal = opened;
    return 0;
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    sd_journal_close(journal->files);
    free(journal);
}

/* "s=…;i=2f3;b=…": there is no call for the number before systemd 254. */
static bool number_in(const char *cursor, uint64_t *number)
{
    const char *at = strstr(cursor, ";i=");
    char *end = NULL;
    if (!at)
        return false;
    *number = strtoull(at + 3, &end, 16);
    return *end == ';' || *end == '\0';
}

static size_t take_fields(struct journal *journal)
{
    const void *data = NULL;
    size_t len = 0, bytes = 0;
    entry_begin(&journal->entry);
    sd_journal_restart_data(journal->files);
    while (sd_journal_enumerate_available_data(journal->files, &data, &len) > 0) {
        struct str value = { data, len }, name;
        if (!cut_until_char(&value, '=', &name))
            continue;
        int field = entry_field(name);
        if (field != ENTRY_NONE)
            entry_copy(&journal->entry, field, value);
        bytes += len;
    }
    return bytes;
}

static struct lines_place place_behind(const struct records *records)
{
    return (struct lines_place){ .position = records->in->position,
                                 .number = records->in->number,
                                 .tail_hash = records->journal->number };
}

static int end_of(struct journal *journal)
{
    journal->number = journal->last;
    journal->ahead = false;
    return 0;
}

int journal_record(struct records *records, struct record *record, struct why *why)
{
    struct journal *journal = records->journal;
    struct lines *in = records->in;
    uint64_t number = 0, at = 0;
    do {
        char *cursor = NULL;
        int got = journal->files ? sd_journal_next(journal->files) : 0;
        if (got < 0)
            return failed(got, "the journal cannot be read", why);
        if (got == 0)
            return end_of(journal);
        got = sd_journal_get_cursor(journal->files, &cursor);
        bool known = got >= 0 && number_in(cursor, &number);
        free(cursor);
        if (!known)
            return failed(got < 0 ? got : -EBADMSG, "an entry of the journal cannot be read", why);
    } while (number <= journal->after);
    if (number > journal->last)
        return end_of(journal);
    journal->before = place_behind(records);
    journal->ahead = true;
    journal->number = number;
    in->position += take_fields(journal);
    in->number++;
    in->offset = number;
    *record = (struct record){ .offset = number, .number = in->number, .host = { "", 0 } };
    entry_record(&journal->entry, record);
    if (record->at == USEC_NONE && sd_journal_get_realtime_usec(journal->files, &at) >= 0)
        record->at = (usec)at;
    return 1;
}

struct lines_place journal_place(const struct records *records)
{
    return records->journal->ahead ? records->journal->before : place_behind(records);
}

double journal_share(const struct journal *journal)
{
    double all = (double)(journal->last - journal->after);
    return all > 0 ? (double)(journal->number - journal->after) / all : 1;
}

/* Which files of a folder are the mail server's logs. Debian's rsyslog writes much of mail.log a second and
 * third time to mail.info, mail.warn and mail.err, and all of it to syslog: so only those of the highest rank
 * are read. */
#define _GNU_SOURCE /* scandir() */
#include "collect/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include "base/str.h"

enum rank { RANK_ANY, RANK_EXCERPT, RANK_MAIL, RANK_WHOLE };

static enum rank rank_of(struct str name)
{
    static const struct {
        struct str begin;
        enum rank rank;
    } ranks[] = {
        { STR_INIT("mail.log"), RANK_WHOLE },    { STR_INIT("maillog"), RANK_WHOLE },
        { STR_INIT("mail.warn"), RANK_EXCERPT }, { STR_INIT("mail.err"), RANK_EXCERPT },
        { STR_INIT("mail"), RANK_MAIL },         { STR_INIT("postfix"), RANK_WHOLE },
    };
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++)
        if (str_starts(name, ranks[i].begin))
            return ranks[i].rank;
    return RANK_ANY;
}

/* What editors and packages leave beside a file has its lines once more. */
static bool is_backup(struct str name)
{
    static const struct str ends[] = { STR_INIT("~"),    STR_INIT("#"),    STR_INIT(".bak"),
                                       STR_INIT(".swp"), STR_INIT(".tmp"), STR_INIT(".orig") };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (str_ends(name, ends[i]))
            return true;
    return false;
}

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && !is_backup(str_of(entry->d_name));
}

static enum rank rank_of_path(const char *path)
{
    return rank_of(str_of(strrchr(path, '/') + 1));
}

static void keep_highest(struct folder *folder)
{
    enum rank highest = RANK_ANY;
    size_t kept = 0;
    for (size_t i = 0; i < folder->all_files; i++)
        if (rank_of_path(folder->file[i]) > highest)
            highest = rank_of_path(folder->file[i]);
    for (size_t i = 0; i < folder->all_files; i++)
        if (rank_of_path(folder->file[i]) >= highest)
            folder->file[kept++] = folder->file[i];
    folder->files = kept;
}

int folder_read(struct folder *folder, const char *path, struct arena *arena, struct why *why)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_shown, alphasort);
    if (count < 0)
        return why_set(why, errno == EACCES ? EX_NOPERM : EX_NOINPUT, "%s: %s", path, strerror(errno));
    *folder = (struct folder){ .file = arena_zero(arena, ((size_t)count + 1) * sizeof *folder->file),
                               .folder = arena_zero(arena, ((size_t)count + 1) * sizeof *folder->folder) };
    for (int i = 0; i < count; i++) {
        struct stat status;
        const char *slash = str_ends(str_of(path), STR("/")) ? "" : "/";
        const char *member = arena_printf(arena, "%s%s%s", path, slash, entries[i]->d_name).at;
        if (stat(member, &status) == 0 && S_ISREG(status.st_mode))
            folder->file[folder->all_files++] = member;
        else if (stat(member, &status) == 0 && S_ISDIR(status.st_mode))
            folder->folder[folder->folders++] = member;
        free(entries[i]);
    }
    free(entries);
    keep_highest(folder);
    return 0;
}

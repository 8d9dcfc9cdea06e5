/* What rotation makes of a log. The file that is followed is open whatever its name, so this is for what
 * cannot be had through that: copytruncate leaves the lines that were not read yet in the copy, and a log may
 * be rotated twice between two looks. */
#define _GNU_SOURCE
#include "collect/beside.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "collect/follow.h"
#include "collect/reading.h"

static bool is_open(const struct run *run, const struct stat *status)
{
    for (const struct reading *open = run->readings; open; open = open->older)
        if (open->file.device == (uint64_t)status->st_dev && open->file.number == (uint64_t)status->st_ino)
            return true;
    return false;
}

/* mail.log.1, mail.log-20261128.gz; mail-20261128.log; multilog's current is renamed to @400000006b....s */
static bool is_rotated_name(struct str name, struct str of)
{
    const char *dot = str_find_last(of, '.');
    if (str_starts(name, of) || (str_eq(of, STR("current")) && str_starts(name, STR("@"))))
        return true;
    return dot && str_starts(name, str_range(of.at, dot)) && name.len > (size_t)(dot - of.at) &&
           (name.at[dot - of.at] == '-' || name.at[dot - of.at] == '.');
}

bool beside_is_of(const struct operand *operand, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    return !operand->folder && str_eq(str_range(path, name), str_range(operand->path, operand->name)) &&
           strcmp(name, operand->name) != 0 && is_rotated_name(str_of(name), str_of(operand->name));
}

/* What is found at a path, if it is a log that is not open. */
static bool survey_one(struct run *run, const struct operand *operand, const char *path,
                       struct survey *survey)
{
    struct stat status;
    struct why aside = { 0 };
    *survey = (struct survey){ 0 };
    if (!beside_is_of(operand, path) || stat(path, &status) != 0 || !S_ISREG(status.st_mode) ||
        is_open(run, &status) || follow_has_read(run->follow, &status))
        return false;
    if (run_survey(run, survey, &path, 1, &aside) != 0 || survey->count != 1)
        return false;
    const struct found *found = &survey->found[0];
    return !found->empty && !found->damage && !found->capture && found->first != USEC_NONE;
}

/* Whether anything is known of it. Then what is the operand's has been followed up to there. */
static bool remember(struct run *run, struct operand *operand, const struct found *found)
{
    struct input known = { 0 };
    unsigned at = 0;
    bool is_known = false;
    while (head_find(&found->head, &at, run->catalogue, &known, NULL) == 1) {
        is_known = true;
        if (known.last != USEC_NONE && known.last > operand->reached)
            operand->reached = known.last;
    }
    return is_known;
}

/* What is known is read on as in any run. Of what is not, only that is the operand's which came after what
 * has been followed; where that is nothing yet, after the following began. */
static bool goes_on(struct run *run, struct operand *operand, const struct found *found)
{
    if (remember(run, operand, found))
        return true;
    return operand->reached != USEC_NONE ? found->first >= operand->reached
                                         : found->modified >= operand->since;
}

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

size_t beside_find(struct run *run, struct operand *operand, struct arena *arena, const char ***paths)
{
    struct str folder = str_range(operand->path, operand->name);
    struct dirent **entries = NULL;
    int count = scandir(folder.len ? arena_str(arena, folder).at : ".", &entries, is_shown, alphasort);
    size_t found = 0;
    *paths = arena_zero(arena, (count > 0 ? (size_t)count : 0) * sizeof **paths + 1);
    /* First what was followed, by the run before too; then what goes on from there. */
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < count; i++) {
            struct survey survey;
            const char *name = entries[i]->d_name;
            const char *path = arena_printf(arena, "%.*s%s", STR_ARG(folder), name).at;
            if (!survey_one(run, operand, path, &survey))
                ;
            else if (round == 0)
                (void)remember(run, operand, &survey.found[0]);
            else if (goes_on(run, operand, &survey.found[0]))
                (*paths)[found++] = path;
            survey_free(&survey);
        }
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    return found;
}

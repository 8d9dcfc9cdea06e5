/* Files that are whole or not there. */
#define _GNU_SOURCE
#include "report/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include "base/memory.h"
#include "report/table.h"

enum { NAMES_TRIED = 100 };

static int cannot(struct why *why, int status, const char *path)
{
    return why_set(why, status, "%s: cannot write: %s", path, strerror(errno));
}

static char *formatted(const char *path, unsigned n)
{
    char *text = NULL;
    if (asprintf(&text, "%s.%ld-%u.tmp", path, (long)getpid(), n) < 0)
        return NULL;
    return text;
}

int whole_file_open(struct whole_file *file, const char *path, struct why *why)
{
    struct stat there;
    *file = (struct whole_file){ 0 };
    bool exists = stat(path, &there) == 0;
    if (exists && S_ISDIR(there.st_mode))
        return why_set(why, EX_CANTCREAT, "%s is a folder; name a file in it", path);
    if (exists && !S_ISREG(there.st_mode)) { /* a device or a pipe must not be replaced by a file */
        file->to = fopen(path, "we");
        return file->to ? 0 : cannot(why, EX_CANTCREAT, path);
    }
    file->path = exists ? realpath(path, NULL) : strdup(path); /* a link stays one */
    int fd = -1;
    for (unsigned n = 0; file->path && fd < 0 && n < NAMES_TRIED; n++) {
        free(file->beside);
        file->beside = formatted(file->path, n);
        fd = file->beside ? open(file->beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666) : -1;
        if (fd < 0 && errno != EEXIST)
            break;
    }
    file->to = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file->to)
        return 0;
    cannot(why, EX_CANTCREAT, path);
    if (fd >= 0)
        close(fd);
    else if (file->beside)
        file->beside[0] = '\0'; /* not ours to remove */
    whole_file_drop(file);
    return -1;
}

int whole_file_keep(struct whole_file *file, struct why *why)
{
    const char *name = file->path ? file->path : "output";
    int result = printed(file->to, why);
    if (result)
        why_prefix(why, "%s: ", name);
    else if (file->path && fsync(fileno(file->to)))
        result = cannot(why, EX_IOERR, name);
    if (fclose(file->to) && !result)
        result = cannot(why, EX_IOERR, name);
    file->to = NULL;
    if (!result && file->path && rename(file->beside, file->path))
        result = cannot(why, EX_CANTCREAT, name);
    if (!result && file->beside)
        file->beside[0] = '\0';
    whole_file_drop(file);
    return result;
}

void whole_file_drop(struct whole_file *file)
{
    if (file->to)
        fclose(file->to);
    if (file->beside && file->beside[0])
        unlink(file->beside);
    free(file->beside);
    free(file->path);
    *file = (struct whole_file){ 0 };
}

int whole_file_write(const char *path, struct str bytes, struct why *why)
{
    struct whole_file file;
    if (whole_file_open(&file, path, why))
        return -1;
    fwrite(bytes.at, 1, bytes.len, file.to);
    return whole_file_keep(&file, why);
}

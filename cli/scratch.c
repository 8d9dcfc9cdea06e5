/* The temporary database of a first look. */
#define _GNU_SOURCE
#include "cli/scratch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

/* What SQLite makes beside a database. */
static const char *const endings[] = { "", "-wal", "-shm", "-journal" };
enum { ENDINGS = sizeof endings / sizeof endings[0] };

static char folder[PATH_BYTES];
static char files[ENDINGS][PATH_BYTES + 32];

/* Safe in a signal handler: unlink() and rmdir() are (POSIX.1-2017 2.4.3). */
static void remove_all(void)
{
    if (!folder[0])
        return;
    for (size_t i = 0; i < ENDINGS; i++)
        unlink(files[i]);
    rmdir(folder);
    folder[0] = '\0';
}

static void interrupted(int number)
{
    remove_all();
    raise(number); /* SA_RESETHAND: this time it ends the program, as the shell expects */
}

/* A log may be of many gigabytes: what is meant for large and lasting things comes before /tmp, which may be
 * memory. */
static int make_folder(void)
{
    const char *const candidates[] = { getenv("TMPDIR"), "/var/tmp", "/tmp" };
    for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++) {
        if (!candidates[i] || strlen(candidates[i]) > PATH_BYTES - 32)
            continue;
        snprintf(folder, sizeof folder, "%s/mxreplay-XXXXXX", candidates[i]);
        if (mkdtemp(folder))
            return 0;
    }
    folder[0] = '\0';
    return -1;
}

const char *scratch_database(struct why *why)
{
    if (make_folder() < 0) {
        why_set(why, EX_CANTCREAT,
                "no folder for a temporary database: %s; name one with TMPDIR, or keep it: -d FILE",
                strerror(errno));
        return NULL;
    }
    for (size_t i = 0; i < ENDINGS; i++)
        snprintf(files[i], sizeof files[i], "%s/look.db%s", folder, endings[i]);
    struct sigaction action = { .sa_handler = interrupted, .sa_flags = (int)SA_RESETHAND };
    sigemptyset(&action.sa_mask);
    const int signals[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE };
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], &action, NULL);
    atexit(remove_all);
    return files[0];
}

void scratch_remove(void)
{
    remove_all();
}

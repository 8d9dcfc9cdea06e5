/* What a process that reads from strangers must not be able to do. */
#ifndef CLI_PRIVILEGES_H
#define CLI_PRIVILEGES_H

#include <sys/types.h>
#include "base/why.h"

/* As whom to go on. */
struct identity {
    uid_t user;
    gid_t group;
    const char *name; /* of the user, as it was given or found; NULL: as who we are */
};

/* As whom: the user of that name or number. NULL: where we are root, who called sudo, else the owner of the
 * database or of the folder that it will be made in; nobody else is guessed. 0, or -1 with why (EX_USAGE,
 * EX_NOUSER). The name lasts until the next call. */
int identity_find(struct identity *identity, const char *name, const char *database, struct why *why);

/* Gives up root, every capability and the way back to them, for good. To be called while there is one thread.
 * 0, or -1 with why (EX_NOPERM). */
int privileges_drop(const struct identity *identity, struct why *why);

/* From now on this process and its threads may read, write and make files, wait, and nothing else: no new
 * program or process, no socket, no other user (seccomp(2)). 0, or -1 with why (EX_OSERR) where the kernel
 * cannot. */
int sandbox_enter(struct why *why);

#endif

/* Who holds a file that cannot be locked. Only for schemas/. */
#ifndef SCHEMAS_HOLDER_H
#define SCHEMAS_HOLDER_H

#include <stdbool.h>
#include <sys/types.h>

enum { HOLDER_COMMAND_BYTES = 160 };

struct holder {
    pid_t pid;                          /* 0: not to be found out */
    char command[HOLDER_COMMAND_BYTES]; /* as it was called, cut where it is longer */
    bool goes_on;                       /* it is a collect --follow, or live */
};

/* Who holds the flock(2) of an open file, from /proc. */
struct holder holder_find(int fd);

#endif

/* mxreplay check: the integrity of the database. */
#include <stdio.h>
#include <sysexits.h>

#include "cli/commands.h"
#include "cli/load.h"
#include "cli/say.h"
#include "report/escape.h"

static void complain(void *state, const char *finding)
{
    (void)state;
    escape_plain(stdout, str_of(finding));
    putchar('\n');
}

static int run(const void *given, char **operands, struct why *why)
{
    (void)operands;
    const struct common *common = given;
    struct store *store = NULL;
    if (database_open(common, &store, why) < 0)
        return -1;
    int findings = store_check(store, complain, NULL, why);
    int closed = store_close(store, findings < 0 ? NULL : why);
    if (findings < 0 || closed < 0)
        return -1;
    const char *path = database_path(common);
    if (findings)
        return why_set(why, EX_DATAERR, "%s is damaged: %d %s; collect the logs again into a new one", path,
                       findings, findings == 1 ? "finding" : "findings");
    say("%s: sound", path);
    return 0;
}

static const char manual[] =
#include "doc/check.txt.inc"
    ;

const struct command check_command = {
    .name = "check",
    .summary = "Checks the integrity of the database",
    .manual = manual,
    .takes = TAKES_DATABASE,
    .settings_bytes = sizeof(struct common),
    .run = run,
};

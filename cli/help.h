/* What is printed from the option tables and the manual's prose: --help, manual pages, shell completions. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>
#include "cli/options.h"

void version_print(FILE *to);
/* All commands, one line each. */
void help_overview(FILE *to);
/* A command's usage and options: --help. */
void help_print(const struct command *command, FILE *to);
/* The same with the manual's prose: mxreplay help COMMAND. */
void help_manual(const struct command *command, FILE *to);

/* A manual page in roff, man(7): of a command, or where it is NULL mxreplay(1). */
void man_print(const struct command *command, FILE *to);

/* A completion script for a shell; false where it is not one that we know. */
bool completion_print(const char *shell, FILE *to);
extern const char *const completion_shells[]; /* ends with NULL */

#endif

/* The subcommands: one file and one row of the table each. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/options.h"

extern const struct command *const commands[]; /* in the order in which one wants them; ends with NULL */

/* The command of that name, or NULL. */
const struct command *command_find(const char *name);
/* The command that `name` was meant to be, or NULL. */
const struct command *command_nearest(const char *name);

extern const struct command look_command, collect_command, live_command, enrich_command, status_command,
    replay_command, compare_command, sweep_command, tune_command, report_command, audit_command,
    overlap_command, explain_command, policy_command, export_command, prune_command, check_command,
    help_command;

#endif

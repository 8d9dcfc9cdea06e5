/* The table of subcommands. */
#include "cli/commands.h"

#include <string.h>
#include "base/nearest.h"

const struct command *const commands[] = {
    &look_command,
    &collect_command,
    &live_command,
    &enrich_command,
    &status_command,
    &replay_command,
    &compare_command,
    &sweep_command,
    &tune_command,
    &report_command,
    &audit_command,
    &overlap_command,
    &explain_command,
    &policy_command,
    &export_command,
    &prune_command,
    &check_command,
    &help_command,
    NULL,
};

const struct command *command_find(const char *name)
{
    for (size_t i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

const struct command *command_nearest(const char *name)
{
    const char *names[sizeof commands / sizeof commands[0]] = { NULL };
    size_t count = 0;
    for (; commands[count]; count++)
        names[count] = commands[count]->name;
    const char *near = nearest_word(str_of(name), names, count);
    return near ? command_find(near) : NULL;
}

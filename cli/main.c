/* mxreplay: finds the command, parses its options, runs it, and turns what came of it into an exit status. */
#define _GNU_SOURCE
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/say.h"

static int run(const struct command *command, int argc, char **argv, struct why *why)
{
    struct common *common = mem_zero(1, command->settings_bytes);
    char **operands = NULL;
    int result = options_parse(command, argc, argv, common, &operands, why);
    if (result == 0 && common->help) {
        help_print(command, stdout);
    } else if (result == 0 && common->version) {
        version_print(stdout);
    } else if (result == 0) {
        say_loudness(common->quiet ? SAY_ERRORS : common->verbose ? SAY_MORE : SAY_WORDS);
        result = command->run(common, operands, why);
    }
    options_free(command, common);
    free(common);
    return result;
}

/* `mxreplay mail.log` is short for `mxreplay look mail.log`, options before the file included. */
static int dispatch(int argc, char **argv, struct why *why)
{
    if (argc < 2) {
        help_overview(stderr);
        return why_set(why, EX_USAGE, "which command, or which log?");
    }
    const char *first = argv[1];
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
        help_overview(stdout);
        return 0;
    }
    if (strcmp(first, "--version") == 0) {
        version_print(stdout);
        return 0;
    }
    const struct command *command = command_find(first);
    if (command)
        return run(command, argc - 1, argv + 1, why);
    if (first[0] == '-' || strpbrk(first, "/.") || access(first, F_OK) == 0)
        return run(&look_command, argc, argv, why);
    command = command_nearest(first);
    if (command)
        return why_set(why, EX_USAGE, "\"%s\" is neither a command nor a file; did you mean %s?", first,
                       command->name);
    return why_set(why, EX_USAGE, "\"%s\" is neither a command nor a file; see mxreplay --help", first);
}

int main(int argc, char **argv)
{
    /* Only the character set is the user's: numbers, dates and sorting are the same everywhere. */
    setlocale(LC_CTYPE, "");
    struct why why = { 0 };
    say_called(argv[0]);
    int result = dispatch(argc, argv, &why);
    if (result >= 0 && (fflush(stdout) != 0 || ferror(stdout)))
        result = why_set(&why, EX_IOERR, "standard output could not be written; is the disk full?");
    if (result >= 0)
        return result;
    say_error(why.text[0] ? why.text : "something failed without saying why; this is a mistake in mxreplay");
    return why.status ? why.status : EX_SOFTWARE;
}

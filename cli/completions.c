/* Shell completions from the option tables. The scripts are whole: the shell never runs mxreplay for them. */
#include "cli/help.h"

#include <string.h>

#include "analyze/policy.h"
#include "cli/commands.h"

const char *const completion_shells[] = { "bash", "zsh", NULL };

static void policies_print(FILE *to)
{
    for (const struct shipped_policy *policy = shipped_policies; policy->name; policy++)
        fprintf(to, " %s", policy->name);
}

static void commands_print(FILE *to)
{
    for (size_t i = 0; commands[i]; i++)
        fprintf(to, "%s%s", i ? " " : "", commands[i]->name);
}

/* ---- bash */

static void bash_name(void *state, const struct option_row *row)
{
    FILE *to = state;
    if (row->letter)
        fprintf(to, " -%c", row->letter);
    fprintf(to, " --%s", row->name);
}

static void bash_complete(FILE *to, enum completion complete)
{
    switch (complete) {
    case COMPLETE_NOTHING:
        fputs("COMPREPLY=()", to);
        return;
    case COMPLETE_FILE:
    case COMPLETE_DATABASE:
        fputs("COMPREPLY=($(compgen -f -- \"$word\"))", to);
        return;
    case COMPLETE_FOLDER:
        fputs("COMPREPLY=($(compgen -d -- \"$word\"))", to);
        return;
    case COMPLETE_POLICY:
        fputs("COMPREPLY=($(compgen -f -W 'recorded", to);
        policies_print(to);
        fputs("' -- \"$word\"))", to);
        return;
    }
}

static void bash_argument(void *state, const struct option_row *row)
{
    FILE *to = state;
    if (!row->argument)
        return;
    fputs("            ", to);
    if (row->letter)
        fprintf(to, "-%c|", row->letter);
    fprintf(to, "--%s) ", row->name);
    if (row->words) {
        fputs("COMPREPLY=($(compgen -W '", to);
        for (size_t i = 0; i < row->word_count; i++)
            fprintf(to, "%s%s", i ? " " : "", row->words[i]);
        fputs("' -- \"$word\"))", to);
    } else {
        bash_complete(to, row->complete);
    }
    fputs("; return ;;\n", to);
}

static void bash_print(FILE *to)
{
    fputs("# bash completion of mxreplay, made by: mxreplay help --completion bash\n"
          "_mxreplay() {\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} "
          "command=${COMP_WORDS[1]}\n"
          "    compopt -o filenames 2>/dev/null\n"
          "    if [[ $word == = ]]; then word=; elif [[ $before == = ]]; then "
          "before=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
          "    if (( COMP_CWORD == 1 )); then\n"
          "        COMPREPLY=($(compgen -f -W '",
          to);
    commands_print(to);
    fputs(" --help --version' -- \"$word\"))\n"
          "        return\n"
          "    fi\n"
          "    case $command in\n",
          to);
    for (size_t i = 0; commands[i]; i++) {
        const struct command *command = commands[i];
        fprintf(to, "    %s)\n        case $before in\n", command->name);
        options_each(command, bash_argument, to);
        fputs("        esac\n        if [[ $word == -* ]]; then COMPREPLY=($(compgen -W '", to);
        options_each(command, bash_name, to);
        fputs("' -- \"$word\"))\n        else ", to);
        if (command == &help_command) {
            fputs("COMPREPLY=($(compgen -W '", to);
            commands_print(to);
            fputs("' -- \"$word\"))", to);
        } else if (command->words) {
            fputs("COMPREPLY=($(compgen -f -W '", to);
            for (size_t w = 0; command->words[w]; w++)
                fprintf(to, "%s%s", w ? " " : "", command->words[w]);
            policies_print(to);
            fputs("' -- \"$word\"))", to);
        } else {
            bash_complete(to, command->complete);
        }
        fputs("; fi ;;\n", to);
    }
    fputs("    *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n    esac\n}\ncomplete -F _mxreplay mxreplay\n",
          to);
}

/* ---- zsh */

/* Text inside single quotes and inside _arguments' own brackets and colons. */
static void zsh_text(FILE *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", to);
        else if (*text == '[' || *text == ']' || *text == ':')
            fprintf(to, "\\%c", *text);
        else if (*text != '`')
            fputc(*text, to);
    }
}

static void zsh_complete(FILE *to, enum completion complete)
{
    switch (complete) {
    case COMPLETE_NOTHING:
        return;
    case COMPLETE_FILE:
    case COMPLETE_DATABASE:
        fputs("_files", to);
        return;
    case COMPLETE_FOLDER:
        fputs("_files -/", to);
        return;
    case COMPLETE_POLICY:
        fputs("_mxreplay_policy", to);
        return;
    }
}

static void zsh_option(void *state, const struct option_row *row)
{
    FILE *to = state;
    const char *repeat = row->type == OPTION_TEXTS ? "*" : "";
    fputs(" \\\n            ", to);
    if (row->letter && *repeat)
        fprintf(to, "'*'{-%c,--%s%s}'[", row->letter, row->name, row->argument ? "=" : "");
    else if (row->letter)
        fprintf(to, "'(-%c --%s)'{-%c,--%s%s}'[", row->letter, row->name, row->letter, row->name,
                row->argument ? "=" : "");
    else
        fprintf(to, "'%s--%s%s[", repeat, row->name, row->argument ? "=" : "");
    zsh_text(to, row->help);
    fputc(']', to);
    if (row->argument) {
        fputc(':', to);
        zsh_text(to, row->argument);
        fputc(':', to);
        if (row->words) {
            fputc('(', to);
            for (size_t i = 0; i < row->word_count; i++)
                fprintf(to, "%s%s", i ? " " : "", row->words[i]);
            fputc(')', to);
        } else {
            zsh_complete(to, row->complete);
        }
    }
    fputc('\'', to);
}

static void zsh_operands(const struct command *command, FILE *to)
{
    if (command == &help_command) {
        fputs(" \\\n            '1:command:(", to);
        commands_print(to);
        fputs(")'", to);
    } else if (command->words) {
        fputs(" \\\n            '1:what:(", to);
        for (size_t w = 0; command->words[w]; w++)
            fprintf(to, "%s%s", w ? " " : "", command->words[w]);
        fputs(")' '2:policy:_mxreplay_policy'", to);
    } else if (command->complete != COMPLETE_NOTHING) {
        fputs(" \\\n            '*:input:", to);
        zsh_complete(to, command->complete);
        fputc('\'', to);
    }
}

static void zsh_print(FILE *to)
{
    fputs("#compdef mxreplay\n# made by: mxreplay help --completion zsh\n"
          "_mxreplay_policy() {\n    _alternative 'shipped:policy:(recorded",
          to);
    policies_print(to);
    fputs(")' 'files:file:_files'\n}\n"
          "_mxreplay() {\n"
          "    local -a all=(\n",
          to);
    for (size_t i = 0; commands[i]; i++) {
        fprintf(to, "        '%s:", commands[i]->name);
        zsh_text(to, commands[i]->summary);
        fputs("'\n", to);
    }
    fputs("    )\n"
          "    if (( CURRENT == 2 )); then _describe command all; _files; return; fi\n"
          "    local command=$words[2]\n"
          "    shift words; (( CURRENT-- ))\n"
          "    case $command in\n",
          to);
    for (size_t i = 0; commands[i]; i++) {
        fprintf(to, "        %s)\n            _arguments -s -S", commands[i]->name);
        options_each(commands[i], zsh_option, to);
        zsh_operands(commands[i], to);
        fputs(" ;;\n", to);
    }
    fputs("        *) _files ;;\n    esac\n}\n_mxreplay \"$@\"\n", to);
}

bool completion_print(const char *shell, FILE *to)
{
    if (strcmp(shell, "bash") == 0)
        bash_print(to);
    else if (strcmp(shell, "zsh") == 0)
        zsh_print(to);
    else
        return false;
    return true;
}

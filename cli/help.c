/* Help in the terminal, from the option tables and the manual's prose. */
#include "cli/help.h"

#include <string.h>
#include <sysexits.h>

#include "cli/commands.h"
#include "cli/prose.h"

enum { WIDTH = 79, OPTION_INDENT = 28, COMMAND_INDENT = 12 };

/* Writes text word by word between `indent` and WIDTH, from column `at`; without its backquotes. Ends the
 * line. */
static void wrap(FILE *to, struct str text, size_t at, size_t indent)
{
    bool first = true;
    while ((text = str_trim(text)).len) {
        size_t length = 0, shown = 0;
        for (; length < text.len && text.at[length] != ' ' && text.at[length] != '\n'; length++)
            shown += text.at[length] != '`' && ((unsigned char)text.at[length] & 0xc0) != 0x80;
        if (!first && at + 1 + shown > WIDTH) {
            fprintf(to, "\n%*s", (int)indent, "");
            at = indent;
        } else if (!first) {
            fputc(' ', to);
            at++;
        }
        for (size_t i = 0; i < length; i++)
            if (text.at[i] != '`')
                fputc(text.at[i], to);
        at += shown;
        first = false;
        text = str_skip(text, length);
    }
    fputc('\n', to);
}

/* Moves on to column `indent`, on a line of its own where `at` is too far already. */
static void move_on(FILE *to, size_t at, size_t indent)
{
    if (at + 2 > indent) {
        fputc('\n', to);
        at = 0;
    }
    fprintf(to, "%*s", (int)(indent - at), "");
}

static void option_print(void *state, const struct option_row *row)
{
    FILE *to = state;
    int at = row->letter ? fprintf(to, "  -%c, --%s", row->letter, row->name)
                         : fprintf(to, "      --%s", row->name);
    if (row->argument)
        at += fprintf(to, "=%s", row->argument);
    move_on(to, (size_t)at, OPTION_INDENT);
    char help[400];
    if (row->fallback)
        snprintf(help, sizeof help, "%s (%s unless given)", row->help, row->fallback);
    else
        snprintf(help, sizeof help, "%s", row->help);
    wrap(to, str_of(help), OPTION_INDENT, OPTION_INDENT);
}

void version_print(FILE *to)
{
    fprintf(to, "mxreplay " MXREPLAY_VERSION "\n");
}

void help_overview(FILE *to)
{
    fputs("Usage: mxreplay COMMAND [OPTION…] …\n"
          "       mxreplay LOG…                 (short for: mxreplay look LOG…)\n\n"
          "Collects SMTP sessions from a mail server's log, replays on them each measure that turns\n"
          "mail away (no reverse DNS, DNSBL, greylisting, …) and counts what it would have stopped.\n\n",
          to);
    for (size_t i = 0; commands[i]; i++) {
        int at = fprintf(to, "  %s", commands[i]->name);
        move_on(to, (size_t)at, COMMAND_INDENT);
        wrap(to, str_of(commands[i]->summary), COMMAND_INDENT, COMMAND_INDENT);
    }
    fputs("\nmxreplay COMMAND --help lists its options, mxreplay help COMMAND is its manual.\n", to);
}

static void usage_print(const struct command *command, FILE *to)
{
    fprintf(to, "Usage: mxreplay %s [OPTION…]%s%s\n", command->name, command->operands ? " " : "",
            command->operands ? command->operands : "");
}

void help_print(const struct command *command, FILE *to)
{
    usage_print(command, to);
    fprintf(to, "%s.\n\n", command->summary);
    options_each(command, option_print, to);
    fprintf(to, "\nMore, with examples: mxreplay help %s\n", command->name);
}

struct page {
    FILE *to;
    bool literal; /* the block before was one: no empty line between */
};

static void block_print(void *state, enum prose kind, struct str term, struct str block)
{
    struct page *page = state;
    if (!(kind == PROSE_LITERAL && page->literal))
        fputc('\n', page->to);
    page->literal = kind == PROSE_LITERAL;
    switch (kind) {
    case PROSE_HEADING:
        fprintf(page->to, "%.*s\n", STR_ARG(block));
        return;
    case PROSE_PARAGRAPH:
        wrap(page->to, block, 0, 0);
        return;
    case PROSE_LITERAL:
        fprintf(page->to, "    %.*s\n", STR_ARG(block));
        return;
    case PROSE_TERM:
        fputs("  ", page->to);
        wrap(page->to, term, 2, 2);
        fputs("      ", page->to);
        wrap(page->to, block, 6, 6);
        return;
    case PROSE_POINT:
        fputs("  - ", page->to);
        wrap(page->to, block, 4, 4);
        return;
    }
}

void help_manual(const struct command *command, FILE *to)
{
    usage_print(command, to);
    fprintf(to, "%s.\n", command->summary);
    struct page page = { to, false };
    prose_each(str_of(command->manual), block_print, &page);
    if (command->more)
        command->more(block_print, &page);
    fputs("\nOptions\n", to);
    options_each(command, option_print, to);
}

/* ---- mxreplay help */

struct settings {
    struct common common;
    bool man;
    const char *completion;
};

static const struct option_row options[] = {
    { .name = "man",
      .type = OPTION_FLAG,
      .at = offsetof(struct settings, man),
      .help = "print the manual page as roff: mxreplay help --man replay | man -l -" },
    { .name = "completion",
      .type = OPTION_TEXT,
      .at = offsetof(struct settings, completion),
      .argument = "SHELL",
      .help = "print what completes mxreplay's words in bash or zsh" },
    { .name = NULL },
};

static int run(const void *given, char **operands, struct why *why)
{
    const struct settings *settings = given;
    const struct command *command = operands[0] ? command_find(operands[0]) : NULL;
    if (operands[0] && !command) {
        const struct command *near = command_nearest(operands[0]);
        return near ? why_set(why, EX_USAGE, "there is no command \"%s\"; did you mean %s?", operands[0],
                              near->name)
                    : why_set(why, EX_USAGE, "there is no command \"%s\"; see mxreplay --help", operands[0]);
    }
    if (settings->completion)
        return completion_print(settings->completion, stdout)
                   ? 0
                   : why_set(why, EX_USAGE, "--completion: \"%s\" is not known; write bash or zsh",
                             settings->completion);
    if (settings->man)
        man_print(command, stdout);
    else if (command)
        help_manual(command, stdout);
    else
        help_overview(stdout);
    return 0;
}

static const char manual[] =
#include "doc/help.txt.inc"
    ;

const struct command help_command = {
    .name = "help",
    .operands = "[COMMAND]",
    .summary = "The manual of a command, or the list of all",
    .manual = manual,
    .options = options,
    .settings_bytes = sizeof(struct settings),
    .most = 1,
    .run = run,
};

/* Manual pages, man(7), from the option tables and the manual's prose. */
#include "cli/help.h"

#include <ctype.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/prose.h"

static const char overview[] =
#include "doc/mxreplay.txt.inc"
    ;

/* Text with what roff would take for its own made harmless; `this` becomes bold. */
static void roff(FILE *to, struct str text)
{
    bool bold = false, line_start = true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (line_start && (c == '.' || c == '\''))
            fputs("\\&", to);
        line_start = c == '\n';
        switch (c) {
        case '`':
            bold = !bold;
            fputs(bold ? "\\fB" : "\\fR", to);
            break;
        case '\\':
            fputs("\\e", to);
            break;
        case '-':
            fputs("\\-", to);
            break;
        default:
            fputc(c, to);
        }
    }
    fputc('\n', to);
}

struct page {
    FILE *to;
    bool literal; /* inside .nf */
};

static void literal_end(struct page *page)
{
    if (page->literal)
        fputs(".fi\n.RE\n", page->to);
    page->literal = false;
}

static void block_print(void *state, enum prose kind, struct str term, struct str block)
{
    struct page *page = state;
    if (kind != PROSE_LITERAL)
        literal_end(page);
    switch (kind) {
    case PROSE_HEADING:
        fputs(".SH ", page->to);
        for (size_t i = 0; i < block.len; i++)
            fputc(toupper((unsigned char)block.at[i]), page->to);
        fputc('\n', page->to);
        return;
    case PROSE_PARAGRAPH:
        fputs(".PP\n", page->to);
        break;
    case PROSE_LITERAL:
        if (!page->literal)
            fputs(".PP\n.RS 4\n.nf\n", page->to);
        page->literal = true;
        break;
    case PROSE_TERM:
        fputs(".TP\n", page->to);
        roff(page->to, term);
        break;
    case PROSE_POINT:
        fputs(".IP \\(bu 2\n", page->to);
        break;
    }
    roff(page->to, block);
}

static void option_print(void *state, const struct option_row *row)
{
    FILE *to = state;
    fputs(".TP\n", to);
    if (row->letter)
        fprintf(to, "\\fB\\-%c\\fR, ", row->letter);
    fputs("\\fB\\-\\-", to);
    for (const char *c = row->name; *c; c++)
        fprintf(to, *c == '-' ? "\\-" : "%c", *c);
    fputs("\\fR", to);
    if (row->argument)
        fprintf(to, "=\\fI%s\\fR", row->argument);
    fputc('\n', to);
    roff(to, str_of(row->help));
    if (row->fallback)
        fprintf(to, "(%s unless given)\n", row->fallback);
}

static void command_page(const struct command *command, FILE *to)
{
    fprintf(to, ".SH NAME\nmxreplay\\-%s \\- %c%s\n", command->name,
            tolower((unsigned char)command->summary[0]), command->summary + 1);
    fprintf(to, ".SH SYNOPSIS\n.B mxreplay %s\n[\\fIOPTION\\fR…]%s%s\n", command->name,
            command->operands ? " " : "", command->operands ? command->operands : "");
    struct page page = { to, false };
    prose_each(str_of(command->manual), block_print, &page);
    if (command->more)
        command->more(block_print, &page);
    literal_end(&page);
    fputs(".SH OPTIONS\n", to);
    options_each(command, option_print, to);
}

static void overview_page(FILE *to)
{
    fputs(".SH NAME\nmxreplay \\- what a mail server's measures stop, and what others would\n"
          ".SH SYNOPSIS\n.B mxreplay\n\\fILOG\\fR…\n.br\n.B mxreplay\n\\fICOMMAND\\fR [\\fIOPTION\\fR…] …\n",
          to);
    struct page page = { to, false };
    prose_each(str_of(overview), block_print, &page);
    literal_end(&page);
    fputs(".SH COMMANDS\n", to);
    for (size_t i = 0; commands[i]; i++)
        fprintf(to, ".TP\n\\fBmxreplay\\-%s\\fR(1)\n%s.\n", commands[i]->name, commands[i]->summary);
}

void man_print(const struct command *command, FILE *to)
{
    fputs(".TH MXREPLAY", to);
    if (command)
        fputc('-', to);
    for (const char *c = command ? command->name : ""; *c; c++)
        fputc(toupper((unsigned char)*c), to);
    fputs(" 1 \"\" \"mxreplay " MXREPLAY_VERSION "\" \"mxreplay manual\"\n", to);
    if (command)
        command_page(command, to);
    else
        overview_page(to);
    fputs(".SH SEE ALSO\n", to);
    if (command)
        fputs(".BR mxreplay (1)\n", to);
    else
        fputs(".BR postconf (5),\n.BR sqlite3 (1),\n.BR gnuplot (1)\n", to);
}

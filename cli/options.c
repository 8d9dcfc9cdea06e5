/* One table a command: parsing. What is printed from the same tables is in help.c. */
#define _GNU_SOURCE
#include "cli/options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "analyze/tally.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "report/table.h"

#define AT(member) offsetof(struct common, member)

/* Each row with the TAKES_… that it needs; 0: every command has it. */
static const struct common_row {
    unsigned needs;
    struct option_row row;
} common_rows[] = {
    { TAKES_POLICY,
      { .letter = 'p',
        .name = "policy",
        .type = OPTION_TEXT,
        .at = AT(policy),
        .argument = "POLICY",
        .help = "a file, the name of one that comes with mxreplay, or recorded: what the server did",
        .complete = COMPLETE_POLICY } },
    { TAKES_PERIOD,
      { .name = "from",
        .type = OPTION_TIME,
        .at = AT(from),
        .argument = "TIME",
        .help = "only what began at this time (UTC) or later: 2026-11-23 or 2026-11-23T09:07" } },
    { TAKES_PERIOD,
      { .name = "to",
        .type = OPTION_TIME,
        .at = AT(to),
        .argument = "TIME",
        .help = "only what began before this time" } },
    { TAKES_REPLAY,
      { .name = "unit",
        .type = OPTION_WORD,
        .at = AT(unit),
        .argument = "UNIT",
        .help = "what is counted: delivery, session, recipient or message",
        .fallback = "delivery",
        .words = unit_name,
        .word_count = UNITS } },
    { TAKES_REPLAY,
      { .name = "retry-window",
        .type = OPTION_DURATION,
        .at = AT(retry_window),
        .argument = "TIME",
        .help = "attempts no further apart than this are one delivery",
        .fallback = "2d" } },
    { TAKES_REPLAY,
      { .name = "assume",
        .type = OPTION_TEXTS,
        .at = AT(assume),
        .argument = "WHAT",
        .help = "habits: clients go on as they did; greylist.resend=0.8: this share of what is put off comes "
                "back" } },
    { TAKES_FAIL_IF,
      { .name = "fail-if",
        .type = OPTION_TEXTS,
        .at = AT(fail_if),
        .argument = "TEST",
        .help = "exit 1 if it holds: 'accepted>1000', 'greylist>=2.5%', 'accepted.high>1200'" } },
    { TAKES_STRICT,
      { .name = "strict",
        .type = OPTION_FLAG,
        .at = AT(strict),
        .help = "exit 1 if there is anything to complain about" } },
    { TAKES_DATABASE,
      { .letter = 'd',
        .name = "database",
        .type = OPTION_TEXT,
        .at = AT(database),
        .argument = "FILE",
        .help = "the database; else $MXREPLAY_DB, else mxreplay.db in this folder",
        .complete = COMPLETE_DATABASE } },
    { TAKES_FORMAT,
      { .name = "format",
        .type = OPTION_WORD,
        .at = AT(format),
        .argument = "FORMAT",
        .help = "how rows come out: table, markdown, csv or json",
        .fallback = "table",
        .words = table_format_name,
        .word_count = TABLE_FORMATS } },
    { TAKES_PROGRESS,
      { .name = "progress",
        .type = OPTION_FLAG,
        .at = AT(progress),
        .help = "show progress though standard error is no terminal" } },
    { 0,
      { .letter = 'q',
        .name = "quiet",
        .type = OPTION_FLAG,
        .at = AT(quiet),
        .help = "no words but errors on standard error" } },
    { 0,
      { .letter = 'v',
        .name = "verbose",
        .type = OPTION_FLAG,
        .at = AT(verbose),
        .help = "more words there" } },
    { 0, { .letter = 'h', .name = "help", .type = OPTION_FLAG, .at = AT(help), .help = "this help" } },
    { 0, { .name = "version", .type = OPTION_FLAG, .at = AT(version), .help = "the version" } },
};

/* What getopt_long() returns for a long option: LONG + its row. All differ, or it would not see that --f may
 * be --from as well as --format. */
enum { COMMON_ROWS = sizeof common_rows / sizeof common_rows[0], ROWS_MAX = 40, LONG = 256 };

void options_each(const struct command *command, void (*take)(void *state, const struct option_row *row),
                  void *state)
{
    for (const struct option_row *row = command->options; row && row->name; row++)
        take(state, row);
    for (size_t i = 0; i < COMMON_ROWS; i++)
        if ((common_rows[i].needs & command->takes) == common_rows[i].needs)
            take(state, &common_rows[i].row);
}

/* A command's rows side by side, as getopt_long() wants them and as errors look them up. */
struct rows {
    const struct option_row *row[ROWS_MAX];
    const char *name[ROWS_MAX];
    struct option long_form[ROWS_MAX + 1];
    char letters[2 * ROWS_MAX + 3];
    size_t count, letter_count;
};

static void rows_add(void *state, const struct option_row *row)
{
    struct rows *rows = state;
    if (rows->count == ROWS_MAX)
        abort();
    size_t i = rows->count++;
    rows->row[i] = row;
    rows->name[i] = row->name;
    rows->long_form[i] =
        (struct option){ row->name, row->type == OPTION_FLAG ? no_argument : required_argument, NULL,
                         LONG + (int)i };
    if (!row->letter)
        return;
    rows->letters[rows->letter_count++] = row->letter;
    if (row->type != OPTION_FLAG)
        rows->letters[rows->letter_count++] = ':';
}

static const struct option_row *row_of(const struct rows *rows, int option)
{
    if (option >= LONG)
        return rows->row[option - LONG];
    for (size_t i = 0; i < rows->count; i++)
        if (rows->row[i]->letter == option)
            return rows->row[i];
    return NULL;
}

static void texts_add(struct option_texts *texts, const char *text)
{
    mem_room(texts->text, texts->capacity, texts->count + 1);
    texts->text[texts->count++] = text;
}

static int word_put(int *value, const struct option_row *row, const char *text, struct why *why)
{
    char all[256] = "";
    for (size_t i = 0; i < row->word_count; i++) {
        if (strcmp(row->words[i], text) == 0) {
            *value = (int)i;
            return 0;
        }
        size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s%s",
                 i == 0                    ? ""
                 : i + 1 < row->word_count ? ", "
                                           : " or ",
                 row->words[i]);
    }
    return why_set(why, EX_USAGE, "--%s: \"%s\" is not known; write %s", row->name, text, all);
}

/* "256M": powers of 1024. */
static bool size_parse(struct str text, uint64_t *bytes)
{
    static const char units[] = "KMGT";
    struct str rest = text;
    uint64_t number = 0;
    if (!cut_number(&rest, &number) || rest.len > 1)
        return false;
    const char *unit = rest.len ? strchr(units, rest.at[0] & ~0x20) : NULL;
    if ((rest.len && !unit) || number == 0)
        return false;
    for (const char *at = units; unit && at <= unit; at++)
        if (__builtin_mul_overflow(number, 1024u, &number))
            return false;
    *bytes = number;
    return true;
}

static int value_put(void *settings, const struct option_row *row, const char *text, struct why *why)
{
    void *value = (char *)settings + row->at;
    uint64_t number = 0;
    switch (row->type) {
    case OPTION_FLAG:
        *(bool *)value = true;
        return 0;
    case OPTION_TEXT:
        if (!*text)
            return why_set(why, EX_USAGE, "--%s: %s is empty", row->name, row->argument);
        *(const char **)value = text;
        return 0;
    case OPTION_TEXTS:
        texts_add(value, text);
        return 0;
    case OPTION_NUMBER:
        if (!str_number(str_of(text), &number) || number > INT32_MAX)
            return why_set(why, EX_USAGE, "--%s: \"%s\" is not a whole number", row->name, text);
        *(int *)value = (int)number;
        return 0;
    case OPTION_TIME:
        if (!clock_parse(str_of(text), value))
            return why_set(why, EX_USAGE, "--%s: \"%s\" is not a time; write 2026-11-23 or 2026-11-23T09:07",
                           row->name, text);
        return 0;
    case OPTION_DURATION:
        if (!duration_parse(str_of(text), value))
            return why_set(why, EX_USAGE, "--%s: \"%s\" is not a duration; write 5m, 300s, 1h30m or 2d",
                           row->name, text);
        return 0;
    case OPTION_SIZE:
        if (!size_parse(str_of(text), value))
            return why_set(why, EX_USAGE, "--%s: \"%s\" is not a size; write 500M, 2G or 1048576", row->name,
                           text);
        return 0;
    case OPTION_WORD:
        return word_put(value, row, text, why);
    }
    abort();
}

static void fallbacks_put(void *settings, const struct rows *rows)
{
    struct why why = { 0 };
    for (size_t i = 0; i < rows->count; i++) {
        const struct option_row *row = rows->row[i];
        if (row->type == OPTION_TIME)
            *(usec *)((char *)settings + row->at) = USEC_NONE;
        if (row->fallback && value_put(settings, row, row->fallback, &why) < 0)
            abort(); /* our own table is wrong */
    }
}

/* What getopt_long() did not like about `word`. It says only '?', so whether a name is unknown, short for
 * several, or has a value that it does not take is found out again here. */
static int bad_option(const struct command *command, const struct rows *rows, const char *word, int letter,
                      struct why *why)
{
    if (strncmp(word, "--", 2) != 0) {
        char typed[2] = { (char)letter, '\0' };
        return why_set(why, EX_USAGE, "%s has no option -%s; see mxreplay help %s", command->name, typed,
                       command->name);
    }
    size_t length = strcspn(word + 2, "=");
    struct str typed = { word + 2, length };
    if (word[2 + length] == '=')
        for (size_t i = 0; i < rows->count; i++)
            if (str_eq(typed, str_of(rows->name[i])))
                return why_set(why, EX_USAGE, "--%s takes no value", rows->name[i]);
    const char *first = NULL;
    for (size_t i = 0; i < rows->count; i++) {
        if (!str_starts(str_of(rows->name[i]), typed))
            continue;
        if (first)
            return why_set(why, EX_USAGE, "--%.*s is short for both --%s and --%s", STR_ARG(typed), first,
                           rows->name[i]);
        first = rows->name[i];
    }
    const char *near = nearest_word(typed, rows->name, rows->count);
    if (near)
        return why_set(why, EX_USAGE, "%s has no option --%.*s; did you mean --%s?", command->name,
                       STR_ARG(typed), near);
    return why_set(why, EX_USAGE, "%s has no option --%.*s; see mxreplay help %s", command->name,
                   STR_ARG(typed), command->name);
}

static int operands_check(const struct command *command, char **operands, size_t count, struct why *why)
{
    if (count < command->least)
        return why_set(why, EX_USAGE, "%s", command->missing);
    if (command->operands && command->most == 0)
        return 0;
    if (count <= command->most)
        return 0;
    return why_set(why, EX_USAGE, "%s does not know what to do with \"%s\"; see mxreplay help %s",
                   command->name, operands[command->most], command->name);
}

int options_parse(const struct command *command, int argc, char **argv, void *settings, char ***operands,
                  struct why *why)
{
    struct rows rows = { .letters = ":", .letter_count = 1 };
    options_each(command, rows_add, &rows);
    struct common *common = settings;
    common->from = common->to = USEC_NONE; /* also for commands that do not take them */
    fallbacks_put(settings, &rows);

    optind = 0; /* GNU: begin anew, with another table */
    opterr = 0;
    for (;;) {
        int option = getopt_long(argc, argv, rows.letters, rows.long_form, NULL);
        if (option == -1)
            break;
        if (option == '?')
            return common->help ? 0 : bad_option(command, &rows, argv[optind - 1], optopt, why);
        const struct option_row *row = row_of(&rows, option == ':' ? optopt : option);
        if (option == ':')
            return why_set(why, EX_USAGE, "--%s needs a value: --%s=%s", row->name, row->name, row->argument);
        if (value_put(settings, row, optarg, why) < 0)
            return -1;
        common->format_given |= row->type == OPTION_WORD && row->at == offsetof(struct common, format);
    }
    *operands = argv + optind;
    if (common->help || common->version)
        return 0;
    common->progress = common->progress || (!common->quiet && isatty(STDERR_FILENO));
    return operands_check(command, *operands, (size_t)(argc - optind), why);
}

static void texts_free(void *state, const struct option_row *row)
{
    if (row->type == OPTION_TEXTS)
        free(((struct option_texts *)(void *)((char *)state + row->at))->text);
}

void options_free(const struct command *command, void *settings)
{
    options_each(command, texts_free, settings);
}

/* Rows to a table. A cell is made visible when it comes in, so that what is measured is what is shown. */
#define _GNU_SOURCE
#include "report/table.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sysexits.h>
#include "base/memory.h"
#include "report/escape.h"
#include "report/json.h"
#include "report/utf8.h"

const char *const table_format_name[TABLE_FORMATS] = {
    [TABLE_TEXT] = "table",
    [TABLE_MARKDOWN] = "markdown",
    [TABLE_CSV] = "csv",
    [TABLE_JSON] = "json",
};

enum { WIDEST = 60, BETWEEN = 2 };

struct table {
    FILE *to;
    enum table_format format;
    const struct column *columns;
    size_t count, at;  /* at: the column of the next cell */
    struct str *cells; /* of all rows, where they are aligned */
    size_t cell_count, cell_room;
    size_t *rules; /* rows that have a line across before them */
    size_t rule_count, rule_room;
    struct json json;
    struct arena arena;
};

bool table_is_for_people(enum table_format format)
{
    return format == TABLE_TEXT || format == TABLE_MARKDOWN;
}

bool table_format_find(struct str name, enum table_format *format)
{
    for (int i = 0; i < TABLE_FORMATS; i++) {
        if (str_eq(name, str_of(table_format_name[i]))) {
            *format = (enum table_format)i;
            return true;
        }
    }
    return false;
}

int printed(FILE *to, struct why *why)
{
    if (fflush(to) == 0 && !ferror(to))
        return 0;
    return why_set(why, EX_IOERR, "cannot write: %s", strerror(errno ? errno : EIO));
}

static struct str title(const struct column *column)
{
    return column->title.at ? column->title : str_of(column->name);
}

struct table *table_open(FILE *to, enum table_format format, const struct column *columns, size_t count)
{
    struct table *table = mem_zero(1, sizeof *table);
    assert(count > 0);
    *table = (struct table){
        .to = to, .format = format, .columns = columns, .count = count, .json = { .to = to }
    };
    if (format == TABLE_CSV) {
        for (size_t i = 0; i < count; i++)
            fprintf(to, "%s%s", i ? "," : "", columns[i].name);
        putc('\n', to);
    } else if (format == TABLE_JSON) {
        json_array(&table->json, NULL);
    }
    return table;
}

static void put_csv(struct table *table, struct str text)
{
    if (table->at)
        putc(',', table->to);
    if (table->columns[table->at].number)
        fprintf(table->to, "%.*s", STR_ARG(text));
    else
        escape_csv(table->to, text);
    if (table->at + 1 == table->count)
        putc('\n', table->to);
}

static void put_json(struct table *table, struct str text)
{
    const struct column *column = &table->columns[table->at];
    if (table->at == 0) {
        json_flat(&table->json);
        json_object(&table->json, NULL);
    }
    if (column->number)
        json_number(&table->json, column->name, text);
    else
        json_text(&table->json, column->name, text);
    if (table->at + 1 == table->count)
        json_end_object(&table->json);
}

/* The cell as Markdown has it, so that its width is known before it is printed. */
static struct str markdown(struct arena *arena, struct str text)
{
    char *at = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&at, &len);
    if (!to)
        return text_visible(arena, text);
    escape_markdown(to, text);
    fclose(to);
    struct str copy = arena_str(arena, (struct str){ at, len });
    free(at);
    return copy;
}

static void keep(struct table *table, struct str text)
{
    unsigned most = table->columns[table->at].most ? table->columns[table->at].most : WIDEST;
    mem_room(table->cells, table->cell_room, table->cell_count + 1);
    table->cells[table->cell_count++] =
        table->format == TABLE_MARKDOWN ? markdown(&table->arena, text)
                                        : text_fit(&table->arena, text_visible(&table->arena, text), most);
}

void table_cell(struct table *table, struct str text)
{
    if (table->format == TABLE_CSV)
        put_csv(table, text);
    else if (table->format == TABLE_JSON)
        put_json(table, text);
    else
        keep(table, text);
    table->at = (table->at + 1) % table->count;
}

void table_count(struct table *table, uint64_t count)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, count);
    table_cell(table, (struct str){ digits, (size_t)len });
}

void table_rule(struct table *table)
{
    if (table->format != TABLE_TEXT)
        return;
    mem_room(table->rules, table->rule_room, table->rule_count + 1);
    table->rules[table->rule_count++] = table->cell_count / table->count;
}

static void put_times(FILE *to, char c, size_t times)
{
    while (times--)
        putc(c, to);
}

/* One line of the table. Blanks go out only before something: at the end of a line they would show in diffs
 * and wrap in narrow terminals. */
static void put_line(const struct table *table, const struct str *cells, const size_t *width)
{
    size_t blanks = 0;
    for (size_t i = 0; i < table->count; i++) {
        size_t used = text_width(cells[i]), pad = used < width[i] ? width[i] - used : 0;
        bool right = table->columns[i].number;
        blanks += right ? pad : 0;
        if (cells[i].len) {
            put_times(table->to, ' ', blanks);
            fwrite(cells[i].at, 1, cells[i].len, table->to);
            blanks = 0;
        }
        blanks += (right ? 0 : pad) + BETWEEN;
    }
    putc('\n', table->to);
}

static void measure_cells(const struct table *table, size_t *width)
{
    for (size_t i = 0; i < table->cell_count; i++) {
        size_t wanted = text_width(table->cells[i]);
        if (wanted > width[i % table->count])
            width[i % table->count] = wanted;
    }
}

/* A title over numbers may be broken at its blanks: then its longest word must fit. */
static size_t longest_word(struct str text)
{
    size_t longest = 0, word = 0;
    for (uint32_t code = 0; utf8_next(&text, &code);) {
        word = code == ' ' ? 0 : word + utf8_width(code);
        longest = word > longest ? word : longest;
    }
    return longest;
}

/* Titles stand on the line above the rows, and go up as many lines as the longest of them needs. */
static void put_titles(struct table *table, const struct str *titles, const size_t *width)
{
    struct str *lines = NULL; /* line by line, each with a cell a column */
    size_t room = 0, high = 1;
    for (size_t i = 0; i < table->count; i++) {
        struct str rest = titles[i], line = { 0 };
        size_t n = 0;
        while (text_wrap(&rest, width[i], &line))
            n++;
        high = n > high ? n : high;
    }
    mem_room(lines, room, high * table->count);
    for (size_t i = 0; i < table->count; i++) {
        struct str rest = titles[i], line = { 0 };
        size_t n = 0, from = high;
        while (text_wrap(&rest, width[i], &line))
            from--;
        for (; n < from; n++)
            lines[n * table->count + i] = STR("");
        for (rest = titles[i]; text_wrap(&rest, width[i], &line); n++)
            lines[n * table->count + i] = line;
    }
    for (size_t i = 0; i < high; i++)
        put_line(table, lines + i * table->count, width);
    free(lines);
}

static void put_rule(const struct table *table, const size_t *width)
{
    size_t across = BETWEEN * (table->count - 1);
    for (size_t i = 0; i < table->count; i++)
        across += width[i];
    put_times(table->to, '-', across);
    putc('\n', table->to);
}

static void put_text(struct table *table)
{
    enum { TITLE_WIDTH = 12 };
    assert(table->count > 0);
    size_t *width = mem_zero(table->count, sizeof *width), rule = 0;
    struct str *titles = mem_zero(table->count, sizeof *titles);
    measure_cells(table, width);
    for (size_t i = 0; i < table->count; i++) {
        titles[i] = text_fit(&table->arena, text_visible(&table->arena, title(&table->columns[i])), WIDEST);
        size_t whole = text_width(titles[i]), word = longest_word(titles[i]);
        size_t wanted = !table->columns[i].number || whole <= TITLE_WIDTH ? whole
                        : word > TITLE_WIDTH                              ? word
                                                                          : TITLE_WIDTH;
        width[i] = wanted > width[i] ? wanted : width[i];
    }
    put_titles(table, titles, width);
    put_rule(table, width);
    for (size_t row = 0; row < table->cell_count / table->count; row++) {
        if (rule < table->rule_count && table->rules[rule] == row) {
            put_rule(table, width);
            rule++;
        }
        put_line(table, table->cells + row * table->count, width);
    }
    free(titles);
    free(width);
}

static void put_markdown_row(struct table *table, const struct str *cells, const size_t *width)
{
    for (size_t i = 0; i < table->count; i++) {
        size_t used = text_width(cells[i]), pad = used < width[i] ? width[i] - used : 0;
        fputs("| ", table->to);
        put_times(table->to, ' ', table->columns[i].number ? pad : 0);
        fwrite(cells[i].at, 1, cells[i].len, table->to);
        put_times(table->to, ' ', (table->columns[i].number ? 0 : pad) + 1);
    }
    fputs("|\n", table->to);
}

static void put_markdown(struct table *table)
{
    size_t *width = mem_zero(table->count, sizeof *width);
    struct str *titles = mem_zero(table->count, sizeof *titles);
    measure_cells(table, width);
    for (size_t i = 0; i < table->count; i++) {
        titles[i] = markdown(&table->arena, title(&table->columns[i]));
        size_t wanted = text_width(titles[i]);
        wanted = wanted < 3 ? 3 : wanted;
        width[i] = wanted > width[i] ? wanted : width[i];
    }
    put_markdown_row(table, titles, width);
    for (size_t i = 0; i < table->count; i++) {
        fputs("| ", table->to);
        put_times(table->to, '-', width[i] - 1);
        fputs(table->columns[i].number ? ": " : "- ", table->to);
    }
    fputs("|\n", table->to);
    for (size_t i = 0; i < table->cell_count; i += table->count)
        put_markdown_row(table, table->cells + i, width);
    free(titles);
    free(width);
}

int table_close(struct table *table, struct why *why)
{
    if (table->format == TABLE_TEXT)
        put_text(table);
    else if (table->format == TABLE_MARKDOWN)
        put_markdown(table);
    else if (table->format == TABLE_JSON)
        json_end_array(&table->json);
    int result = printed(table->to, why);
    arena_free(&table->arena);
    free(table->rules);
    free(table->cells);
    free(table);
    return result;
}

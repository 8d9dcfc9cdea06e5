/* The syntax of main.cf and master.cf (postconf(5), master(5); postfix util/readlline.c, dict.c): a line that
 * begins with a blank goes on with the one before, comments and empty lines in between not counting; of a
 * parameter that is set twice the later one holds. */
#include <stdlib.h>
#include <sysexits.h>

#include "config/postfix.h"

/* A logical line: its text with what does not count blanked out, and where it begins. */
struct logical {
    struct str text;
    size_t line;
};

static bool is_comment(struct str line)
{
    line = str_trim(line);
    return line.len == 0 || line.at[0] == '#';
}

/* Newlines are kept, so that places in the text can be told as lines. */
static bool next_logical(struct postfix *postfix, struct config_lines *lines, struct logical *logical)
{
    struct str line;
    do {
        if (!config_line_next(lines, &line))
            return false;
    } while (is_comment(line));
    logical->line = lines->number;
    struct config_lines ahead = *lines;
    const char *end = line.at + line.len;
    struct str next;
    while (config_line_next(&ahead, &next)) {
        if (is_comment(next))
            continue;
        if (next.at[0] != ' ' && next.at[0] != '\t')
            break;
        end = next.at + next.len;
        *lines = ahead;
    }
    logical->text = str_range(line.at, end);
    char *copy =
        memcpy(arena_alloc(&postfix->draft->arena, logical->text.len + 1), line.at, logical->text.len);
    bool comment = false, begins = false, seen = false;
    for (size_t i = 0; i < logical->text.len; i++) {
        char c = copy[i];
        if (c == '\n') {
            begins = true;
            comment = seen = false;
            continue;
        }
        if (begins && !seen && c != ' ' && c != '\t' && c != '\r') {
            seen = true;
            comment = c == '#';
        }
        if (comment || c == '\r')
            copy[i] = ' ';
    }
    logical->text.at = copy;
    return true;
}

static void keep(struct setting **settings, size_t *count, size_t *room, struct setting new)
{
    for (size_t i = 0; i < *count; i++)
        if (str_eq((*settings)[i].name, new.name)) {
            (*settings)[i] = new;
            return;
        }
    mem_room(*settings, *room, *count + 1);
    (*settings)[(*count)++] = new;
}

static bool is_parameter_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.at[i] <= ' ' || strchr("{}(),", name.at[i]))
            return false;
    return name.len > 0;
}

/* Braces have partners (postfix util/extpar.c refuses what has not). */
static int check_braces(struct postfix *postfix, const char *file, size_t line, struct str value)
{
    int depth = 0;
    for (size_t i = 0; i < value.len && depth >= 0; i++)
        depth += value.at[i] == '{' ? 1 : value.at[i] == '}' ? -1 : 0;
    if (depth > 0)
        return why_set(postfix->why, EX_DATAERR, "%s:%zu: a \"}\" is missing; close what \"{\" opens", file,
                       line);
    if (depth < 0)
        return why_set(postfix->why, EX_DATAERR, "%s:%zu: \"}\" without a \"{\" before it; take it away",
                       file, line);
    return 0;
}

int postfix_read_main(struct postfix *postfix, const struct config_file *file)
{
    struct config_lines lines = config_lines(file);
    struct logical logical;
    while (next_logical(postfix, &lines, &logical)) {
        struct str value = logical.text, name = { NULL, 0 };
        struct place place = { file->name, logical.line };
        if (!cut_until_char(&value, '=', &name) || !is_parameter_name(str_trim(name))) {
            draft_unmapped(postfix->draft, place, logical.text,
                           "not a setting, and Postfix would not start; write name = value");
            continue;
        }
        for (const char *at = name.at; at < name.at + name.len; at++)
            place.line += *at == '\n';
        if (check_braces(postfix, file->name, place.line, value))
            return -1;
        keep(&postfix->setting, &postfix->setting_count, &postfix->setting_room,
             (struct setting){ str_trim(name), value, place });
    }
    return 0;
}

/* ---- master.cf: name, type, private, unpriv, chroot, wakeup, maxproc, command and arguments. */

int postfix_read_master(struct postfix *postfix, const struct config_file *file)
{
    struct config_lines lines = config_lines(file);
    struct logical logical;
    while (next_logical(postfix, &lines, &logical)) {
        struct service service = { .place = { file->name, logical.line } };
        struct str word[8], rest = logical.text;
        size_t count = 0;
        while (count < 8 && cut_token(&rest, &word[count]))
            count++;
        if (count < 8) {
            draft_unmapped(postfix->draft, service.place, logical.text,
                           "not a service: master(5) has eight columns");
            continue;
        }
        service.name = word[0];
        service.type = word[1];
        service.command = word[7];
        service.arguments = rest;
        if (check_braces(postfix, file->name, logical.line, rest))
            return -1;
        mem_room(postfix->service, postfix->service_room, postfix->service_count + 1);
        postfix->service[postfix->service_count++] = service;
    }
    return 0;
}

/* ---- Lists. */

static bool is_separator(char c)
{
    return c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool postfix_cut_item(struct str *rest, struct str *item)
{
    size_t from = 0;
    int depth = 0;
    while (from < rest->len && is_separator(rest->at[from]))
        from++;
    size_t to = from;
    for (; to < rest->len && (depth > 0 || !is_separator(rest->at[to])); to++)
        depth += rest->at[to] == '{' ? 1 : rest->at[to] == '}' ? -1 : 0;
    if (from == to)
        return false;
    *item = str_range(rest->at + from, rest->at + to);
    *rest = str_skip(*rest, to);
    return true;
}

struct str postfix_unbrace(struct str text)
{
    text = str_trim(text);
    if (text.len >= 2 && text.at[0] == '{' && text.at[text.len - 1] == '}')
        return str_trim((struct str){ text.at + 1, text.len - 2 });
    return text;
}

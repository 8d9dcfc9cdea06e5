/* The syntax of smtpd.conf(5): words and strings, a backslash at a line's end, macros, include, tables. */
#include "config/opensmtpd.h"

#include <stdlib.h>
#include <sysexits.h>

enum { LINES_MOST = 50000, WORDS_MOST = 5000, INCLUDES_MOST = 20 };

static void add_word(struct smtpd_line *line, struct str text, bool quoted)
{
    if (line->count >= WORDS_MOST)
        return;
    mem_room(line->word, line->room, line->count + 1);
    line->word[line->count++] = (struct smtpd_word){ text, quoted };
}

static const struct smtpd_line *macro_called(const struct smtpd_conf *conf, struct str name)
{
    for (size_t i = conf->macro_count; i-- > 0;)
        if (str_eq(conf->macro[i].word[0].text, name))
            return &conf->macro[i];
    return NULL;
}

static bool is_alone(char c)
{
    return c == '{' || c == '}' || c == '!' || c == '=' || c == ',' || c == '(' || c == ')';
}

/* One word off the front; a macro's name gives its words. */
static int cut_words(struct smtpd_conf *conf, struct smtpd_line *line, struct str *rest)
{
    char c = rest->at[0];
    if (c == '"') {
        size_t end = 1;
        while (end < rest->len && rest->at[end] != '"')
            end += rest->at[end] == '\\' ? 2 : 1;
        if (end >= rest->len)
            return why_set(conf->why, EX_DATAERR, "%s:%zu: a string has no end; write the \" that closes it",
                           line->place.file, line->place.line);
        add_word(line, (struct str){ rest->at + 1, end - 1 }, true);
        *rest = str_skip(*rest, end + 1);
        return 0;
    }
    if (is_alone(c)) {
        if (c != ',')
            add_word(line, (struct str){ rest->at, 1 }, false);
        *rest = str_skip(*rest, 1);
        return 0;
    }
    size_t end = 1;
    while (end < rest->len && !strchr(" \t\"{}!=,()", rest->at[end]))
        end++;
    struct str word = { rest->at, end };
    const struct smtpd_line *macro = c == '$' ? macro_called(conf, str_skip(word, 1)) : NULL;
    if (macro)
        for (size_t i = 2; i < macro->count; i++)
            add_word(line, macro->word[i].text, macro->word[i].quoted);
    else
        add_word(line, word, false);
    *rest = str_skip(*rest, end);
    return 0;
}

static int take_words(struct smtpd_conf *conf, struct smtpd_line *line)
{
    struct str rest = line->text;
    for (;;) {
        rest = str_trim(rest);
        if (!rest.len || rest.at[0] == '#')
            return 0;
        if (cut_words(conf, line, &rest))
            return -1;
    }
}

/* A logical line: joined where a backslash ends it, and while a { is open. */
static bool next_logical(struct smtpd_conf *conf, struct config_lines *lines, struct smtpd_line *line,
                         const char *file)
{
    struct str part;
    struct arena *arena = &conf->draft->arena;
    bool any = false, more = true;
    int depth = 0;
    *line = (struct smtpd_line){ 0 };
    while (more && config_line_next(lines, &part)) {
        struct str text = str_trim(part);
        if (!any && (!text.len || text.at[0] == '#'))
            continue;
        if (!any)
            line->place = (struct place){ file, lines->number };
        more = text.len && text.at[text.len - 1] == '\\';
        text.len -= more;
        bool quoted = false;
        for (size_t i = 0; i < text.len; i++) {
            quoted = quoted != (text.at[i] == '"');
            if (text.at[i] == '#' && !quoted) {
                text.len = i;
                break;
            }
            if (!quoted)
                depth += text.at[i] == '{' ? 1 : text.at[i] == '}' ? -1 : 0;
        }
        more = more || depth > 0;
        line->text = any ? arena_printf(arena, "%.*s %.*s", STR_ARG(line->text), STR_ARG(text)) : text;
        any = true;
        if (line->text.len > 256 * 1024)
            break;
    }
    return any;
}

static int read_file(struct smtpd_conf *conf, const struct config_file *file, int depth)
{
    struct config_lines lines = config_lines(file);
    struct smtpd_line line;
    while (next_logical(conf, &lines, &line, file->name)) {
        int result = take_words(conf, &line);
        if (conf->count + conf->macro_count > LINES_MOST)
            result = why_set(conf->why, EX_DATAERR, "%s:%zu: more lines than any server's configuration has",
                             line.place.file, line.place.line);
        if (result) {
            free(line.word);
            return -1;
        }
        if (line.count >= 2 && str_eq(line.word[0].text, STR("include")) && depth < INCLUDES_MOST) {
            const struct config_file *other = files_named(conf->files, file->name, line.word[1].text);
            if (!other)
                draft_unmapped(conf->draft, line.place, line.text,
                               "it could not be read; give the file beside this one");
            free(line.word);
            if (other && other != file && read_file(conf, other, depth + 1))
                return -1;
        } else if (line.count >= 3 && str_eq(line.word[1].text, STR("=")) && !line.word[1].quoted) {
            mem_room(conf->macro, conf->macro_room, conf->macro_count + 1);
            conf->macro[conf->macro_count++] = line;
        } else if (line.count) {
            mem_room(conf->line, conf->room, conf->count + 1);
            conf->line[conf->count++] = line;
        } else {
            free(line.word);
        }
    }
    return 0;
}

int smtpd_read(struct smtpd_conf *conf, const struct config_file *file)
{
    return read_file(conf, file, 0);
}

void smtpd_close(struct smtpd_conf *conf)
{
    for (size_t i = 0; i < conf->count; i++)
        free(conf->line[i].word);
    for (size_t i = 0; i < conf->macro_count; i++)
        free(conf->macro[i].word);
    free(conf->line);
    free(conf->macro);
}

bool smtpd_is(const struct smtpd_line *line, const char *first, const char *second)
{
    return line->count > (second ? 1U : 0U) && str_eq(line->word[0].text, str_of(first)) &&
           (!second || str_eq(line->word[1].text, str_of(second)));
}

size_t smtpd_find(const struct smtpd_line *line, size_t from, const char *word)
{
    size_t i = from;
    while (i < line->count && (line->word[i].quoted || !str_eq(line->word[i].text, str_of(word))))
        i++;
    return i;
}

static bool take_file(struct smtpd_conf *conf, struct str path, const char *from,
                      void (*take)(void *state, struct str entry), void *state)
{
    const struct config_file *file = files_named(conf->files, from, path);
    struct str line, entry;
    if (!file)
        return false;
    struct config_lines lines = config_lines(file);
    while (config_line_next(&lines, &line))
        if (cut_token(&line, &entry) && entry.at[0] != '#')
            take(state, entry);
    return true;
}

bool smtpd_table(struct smtpd_conf *conf, struct str name, void (*take)(void *state, struct str entry),
                 void *state)
{
    if (name.len >= 2 && name.at[0] == '<')
        name = (struct str){ name.at + 1, name.len - 2 };
    for (size_t i = 0; i < conf->count; i++) {
        const struct smtpd_line *line = &conf->line[i];
        if (!smtpd_is(line, "table", NULL) || line->count < 3 || !str_eq(line->word[1].text, name))
            continue;
        struct str source = line->word[2].text;
        if (cut_prefix(&source, STR("file:")))
            return take_file(conf, source, line->place.file, take, state);
        for (size_t w = 2; w < line->count; w++)
            if (line->word[w].quoted || !is_alone(line->word[w].text.at[0]))
                take(state, line->word[w].text);
        return true;
    }
    return false;
}

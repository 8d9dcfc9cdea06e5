/* The files of a configuration, and their lines and words. */
#define _POSIX_C_SOURCE 200809L
#include "config/files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/yaml.h"

enum { FILES_MOST = 200 };

static const struct str mark = STR_INIT("#=== ");

static struct config_file *add(struct files *files, struct config_file file)
{
    mem_room(files->file, files->room, files->count + 1);
    struct config_file *kept = arena_alloc(files->arena, sizeof *kept);
    *kept = file;
    return files->file[files->count++] = kept;
}

static bool says_something(const struct config_file *part)
{
    struct config_lines lines = config_lines(part);
    struct str line;
    while (config_line_next(&lines, &line))
        if (str_trim(line).len && line.at[0] != '#')
            return true;
    return false;
}

/* Each part knows its place in the whole, so that errors name the file that was given. */
static void take_apart(struct files *files, const struct config_file *given)
{
    struct config_lines lines = config_lines(given);
    struct str line;
    struct config_file part = { given->name, { given->text.at, 0 }, given->line };
    const char *start = given->text.at;
    bool parted = false;
    while (config_line_next(&lines, &line)) {
        if (!str_starts(line, mark))
            continue;
        part.text = str_range(start, line.at);
        if (parted || says_something(&part))
            add(files, part);
        part.name = arena_str(files->arena, str_trim(str_skip(line, mark.len))).at;
        part.line = lines.number;
        start = line.at + line.len;
        start += start < given->text.at + given->text.len;
        parted = true;
    }
    part.text = str_range(start, given->text.at + given->text.len);
    add(files, part);
}

int files_open(struct files *files, const struct config_file *given, size_t count, bool closed,
               struct arena *arena, struct why *why)
{
    *files = (struct files){ .closed = closed, .arena = arena };
    for (size_t i = 0; i < count; i++) {
        if (given[i].text.len && memchr(given[i].text.at, '\0', given[i].text.len))
            return why_set(why, EX_DATAERR, "%s: not a text; a server's configuration is one", given[i].name);
        struct config_file file = given[i];
        if (!file.text.at)
            file.text = STR("");
        take_apart(files, &file);
    }
    return 0;
}

void files_close(struct files *files)
{
    free(files->file);
    *files = (struct files){ 0 };
}

static struct str base_name(struct str path)
{
    const char *slash = str_find_last(path, '/');
    return slash ? str_range(slash + 1, path.at + path.len) : path;
}

const struct config_file *files_called(const struct files *files, const char *name)
{
    for (size_t i = 0; i < files->count; i++)
        if (str_eq(base_name(str_of(files->file[i]->name)), str_of(name)))
            return files->file[i];
    return NULL;
}

static bool read_file(const char *path, struct arena *arena, struct str *text)
{
    struct stat about;
    char *bytes = NULL;
    size_t len = 0;
    int in = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool read = in >= 0 && fstat(in, &about) == 0 && S_ISREG(about.st_mode) &&
                reader_bytes(in, path, &bytes, &len, NULL) == 0 && len <= READER_BYTES_MOST &&
                (len == 0 || !memchr(bytes, '\0', len));
    if (in >= 0)
        close(in);
    if (read)
        *text = arena_str(arena, (struct str){ bytes, len });
    free(bytes);
    return read;
}

const struct config_file *files_named(struct files *files, const char *from, struct str path)
{
    struct str name = base_name(path);
    if (!name.len || memchr(path.at, '\0', path.len))
        return NULL;
    for (size_t i = 0; i < files->count; i++)
        if (str_eq(str_of(files->file[i]->name), path))
            return files->file[i];
    for (size_t i = 0; i < files->count; i++)
        if (str_eq(base_name(str_of(files->file[i]->name)), name))
            return files->file[i];
    if (files->closed || files->count >= FILES_MOST)
        return NULL;
    const char *slash = path.at[0] == '/' ? NULL : str_find_last(str_of(from), '/');
    struct str folder = slash ? str_range(from, slash + 1) : STR("");
    struct config_file file = {
        .name = arena_printf(files->arena, "%.*s%.*s", STR_ARG(folder), STR_ARG(path)).at
    };
    return read_file(file.name, files->arena, &file.text) ? add(files, file) : NULL;
}

/* ---- Lines and words. */

struct config_lines config_lines(const struct config_file *file)
{
    return (struct config_lines){ file->text, file->line };
}

bool config_line_next(struct config_lines *lines, struct str *line)
{
    if (!lines->rest.len)
        return false;
    *line = lines->rest;
    if (!cut_until_char(&lines->rest, '\n', line))
        lines->rest.len = 0;
    lines->number++;
    if (line->len && line->at[line->len - 1] == '\r')
        line->len--;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool cut_token(struct str *rest, struct str *word)
{
    size_t from = 0;
    while (from < rest->len && is_blank(rest->at[from]))
        from++;
    size_t to = from;
    while (to < rest->len && !is_blank(rest->at[to]))
        to++;
    if (from == to)
        return false;
    *word = str_range(rest->at + from, rest->at + to);
    *rest = str_skip(*rest, to);
    return true;
}

bool cut_quoted(struct str *rest, struct str *text)
{
    struct str trimmed = str_trim(*rest);
    if (trimmed.len && (trimmed.at[0] == '"' || trimmed.at[0] == '\'')) {
        struct str inside = str_skip(trimmed, 1);
        if (cut_until_char(&inside, trimmed.at[0], text)) {
            *rest = inside;
            return true;
        }
    }
    return cut_token(rest, text);
}

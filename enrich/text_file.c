/* A list in a text file, line by line. */
#define _GNU_SOURCE /* getline, fileno, st_mtim */
#include "enrich/text_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

int text_file_open(struct text_file *file, const char *path, struct why *why)
{
    struct stat status;
    bool is_stdin = strcmp(path, "-") == 0;
    *file =
        (struct text_file){ .path = is_stdin ? "stdin" : path, .file = is_stdin ? stdin : fopen(path, "r") };
    if (!file->file)
        return why_set(why, errno == EACCES ? EX_NOPERM : EX_NOINPUT, "%s: cannot be read: %s", path,
                       strerror(errno));
    bool known = fstat(fileno(file->file), &status) == 0;
    if (known && S_ISDIR(status.st_mode)) {
        text_file_close(file);
        return why_set(why, EX_NOINPUT, "%s: is a folder; name a file", path);
    }
    file->changed = known && S_ISREG(status.st_mode) ? status.st_mtim.tv_sec * USEC_SECOND : clock_now();
    return 0;
}

void text_file_close(struct text_file *file)
{
    if (file->file && file->file != stdin)
        fclose(file->file);
    free(file->buffer);
    file->file = NULL;
    file->buffer = NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct str trimmed(struct str line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.at[i] == '#' && (i == 0 || is_blank(line.at[i - 1])))
            line.len = i;
    while (line.len && is_blank(line.at[line.len - 1]))
        line.len--;
    while (line.len && is_blank(*line.at))
        line = str_skip(line, 1);
    return line;
}

static struct str without_end(struct str line)
{
    while (line.len && (line.at[line.len - 1] == '\n' || line.at[line.len - 1] == '\r'))
        line.len--;
    return line;
}

int text_file_next(struct text_file *file, struct str *line, struct why *why)
{
    for (;;) {
        errno = 0;
        ssize_t len = getline(&file->buffer, &file->room, file->file);
        if (len < 0)
            return ferror(file->file)
                       ? why_set(why, EX_IOERR, "%s: line %llu: cannot be read: %s", file->path,
                                 (unsigned long long)file->line + 1, strerror(errno))
                       : 0;
        file->line++;
        *line = (struct str){ file->buffer, (size_t)len };
        *line = file->whole ? without_end(*line) : trimmed(*line);
        if (line->len)
            return 1;
    }
}

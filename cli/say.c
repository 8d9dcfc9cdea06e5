/* Words on standard error. */
#include "cli/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static enum loudness loud = SAY_WORDS;
static const char *called = "mxreplay";

void say_loudness(enum loudness loudness)
{
    loud = loudness;
}

bool say_is(enum loudness loudness)
{
    return loud >= loudness;
}

void say(const char *format, ...)
{
    if (!say_is(SAY_WORDS))
        return;
    va_list args;
    va_start(args, format);
    fflush(stdout);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

void say_more(const char *format, ...)
{
    if (!say_is(SAY_MORE))
        return;
    va_list args;
    va_start(args, format);
    fflush(stdout);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

void say_called(const char *argv0)
{
    if (argv0 && strchr(argv0, '/'))
        called = argv0;
}

const char *program(void)
{
    return called;
}

static bool is_plain(char c)
{
    return is_alpha(c) || is_digit(c) || (c && strchr("/._-+,:@%=", c));
}

struct str shell_word(struct arena *arena, struct str word)
{
    bool plain = word.len > 0;
    struct str quoted = STR("'");
    for (size_t i = 0; i < word.len; i++)
        plain = plain && is_plain(word.at[i]);
    if (plain)
        return word;
    for (struct str rest = word, piece; rest.len;) {
        bool ends = !cut_until_char(&rest, '\'', &piece);
        if (ends)
            piece = rest, rest = STR("");
        quoted = arena_printf(arena, "%.*s%.*s%s", STR_ARG(quoted), STR_ARG(piece), ends ? "" : "'\\''");
    }
    return arena_printf(arena, "%.*s'", STR_ARG(quoted));
}

void say_error(const char *text)
{
    fflush(stdout);
    fprintf(stderr, "mxreplay: %s\n", text);
}

/* Words on standard error. */
#include "cli/say.h"

#include <stdarg.h>
#include <stdio.h>

static enum loudness loud = SAY_WORDS;

void say_loudness(enum loudness loudness)
{
    loud = loudness;
}

bool say_is(enum loudness loudness)
{
    return loud >= loudness;
}

static void line(enum loudness at, const char *format, va_list args)
{
    if (loud < at)
        return;
    fflush(stdout);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

void say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    line(SAY_WORDS, format, args);
    va_end(args);
}

void say_more(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    line(SAY_MORE, format, args);
    va_end(args);
}

void say_error(const char *text)
{
    fflush(stdout);
    fprintf(stderr, "mxreplay: %s\n", text);
}

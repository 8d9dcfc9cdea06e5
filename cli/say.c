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

void say_error(const char *text)
{
    fflush(stdout);
    fprintf(stderr, "mxreplay: %s\n", text);
}

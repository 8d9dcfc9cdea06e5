/* Paragraphs and numbers. */
#define _GNU_SOURCE
#include "report/words.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include "base/memory.h"
#include "report/escape.h"
#include "report/utf8.h"

void words_put(FILE *to, enum table_format format, struct str text)
{
    struct arena arena = { 0 };
    struct str rest = text_visible(&arena, text), line;
    if (format == TABLE_MARKDOWN) {
        escape_markdown(to, rest);
        putc('\n', to);
    } else {
        while (text_wrap(&rest, TEXT_COLUMNS, &line))
            fprintf(to, "%.*s\n", STR_ARG(line));
    }
    arena_free(&arena);
}

void words_say(FILE *to, enum table_format format, const char *words, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, words);
    int len = vasprintf(&text, words, args);
    va_end(args);
    if (len < 0)
        return;
    words_put(to, format, (struct str){ text, (size_t)len });
    free(text);
}

const char *number_text(double number, unsigned places, char text[NUMBER_BYTES])
{
    const double most = 9e15; /* up to there a double has each whole number */
    int64_t scale = 1;
    *text = '\0';
    if (!isfinite(number))
        return text;
    for (unsigned i = 0; i < places; i++)
        scale *= 10;
    int64_t digits = llround(fmin(fmax(number * (double)scale, -most), most));
    uint64_t size = (uint64_t)llabs(digits), whole = size / (uint64_t)scale, part = size % (uint64_t)scale;
    int len = snprintf(text, NUMBER_BYTES, "%s%" PRIu64, digits < 0 ? "-" : "", whole);
    if (places)
        snprintf(text + len, NUMBER_BYTES - (size_t)len, ".%0*" PRIu64, (int)places, part);
    return text;
}

struct str bounded_text(const struct bounded *bounded, struct arena *arena)
{
    if (bounded->low == bounded->high)
        return arena_printf(arena, "%" PRIu64, bounded->count);
    return arena_printf(arena, "%" PRIu64 " [%" PRIu64 ", %" PRIu64 "]", bounded->count, bounded->low,
                        bounded->high);
}

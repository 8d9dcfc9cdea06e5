/* Words and progress on stderr. */
#define _GNU_SOURCE
#include "base/progress.h"

#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include "base/why.h"

#define EVERY (USEC_SECOND / 5)

enum { LINE_BYTES = 512, COLUMNS_UNKNOWN = 80 };

void progress_begin(struct progress *progress, bool wanted, bool quiet)
{
    *progress = (struct progress){ .to = stderr, .wanted = wanted && !quiet, .quiet = quiet };
    progress->began = clock_steady();
    progress->next = progress->began + EVERY;
}

bool progress_due(struct progress *progress)
{
    usec at = progress->wanted ? clock_steady() : 0;
    if (!progress->wanted || at < progress->next)
        return false;
    progress->next = at + EVERY;
    return true;
}

static size_t columns(FILE *to)
{
    struct winsize size = { 0 };
    if (ioctl(fileno(to), TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
        return size.ws_col;
    return COLUMNS_UNKNOWN;
}

/* Characters begin at bytes that are not 10xxxxxx (RFC 3629 3). */
static size_t bytes_of_columns(const char *text, size_t most)
{
    size_t n = 0, i = 0;
    for (; text[i]; i++)
        if (((unsigned char)text[i] & 0xC0) != 0x80 && n++ == most)
            break;
    return i;
}

static void clear(struct progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", progress->to);
    progress->shown = false;
}

void progress_show(struct progress *progress, const char *format, ...)
{
    if (!progress->wanted)
        return;
    char raw[LINE_BYTES];
    struct why safe = { 0 };
    va_list args;
    va_start(args, format);
    vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    why_set(&safe, 0, "%s", raw); /* paths may hold anything */
    clear(progress);
    fwrite(safe.text, 1, bytes_of_columns(safe.text, columns(progress->to) - 1), progress->to);
    fflush(progress->to);
    progress->shown = true;
}

void progress_note(struct progress *progress, const char *format, ...)
{
    if (progress->quiet)
        return;
    char raw[sizeof((struct why *)0)->text];
    struct why safe = { 0 };
    va_list args;
    va_start(args, format);
    vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    why_set(&safe, 0, "%s", raw);
    clear(progress);
    fprintf(progress->to, "mxreplay: %s\n", safe.text);
}

void progress_end(struct progress *progress)
{
    clear(progress);
    fflush(progress->to);
}

double progress_seconds(const struct progress *progress)
{
    return (double)(clock_steady() - progress->began) / (double)USEC_SECOND;
}

char *progress_left(const struct progress *progress, double done, double all, char text[PROGRESS_TIME_BYTES])
{
    double passed = progress_seconds(progress);
    double left = done > 0 && all >= done ? passed * (all - done) / done : -1;
    if (left < 0 || left > 1e8 || passed < 0.5) {
        snprintf(text, PROGRESS_TIME_BYTES, "-:--");
        return text;
    }
    unsigned long seconds = (unsigned long)(left + 0.5);
    if (seconds >= 3600)
        snprintf(text, PROGRESS_TIME_BYTES, "%lu:%02lu:%02lu", seconds / 3600, seconds / 60 % 60,
                 seconds % 60);
    else
        snprintf(text, PROGRESS_TIME_BYTES, "%lu:%02lu", seconds / 60, seconds % 60);
    return text;
}

char *progress_number(uint64_t number, char text[PROGRESS_NUMBER_BYTES])
{
    char digits[PROGRESS_NUMBER_BYTES];
    size_t len = (size_t)snprintf(digits, sizeof digits, "%ju", (uintmax_t)number), n = 0;
    for (size_t i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            text[n++] = ',';
        text[n++] = digits[i];
    }
    text[n] = '\0';
    return text;
}

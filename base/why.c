/* Why something failed. */
#include "base/why.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Makes control characters visible; bytes above 127 stay, they may be UTF-8. */
static void escape(char *to, size_t size, const char *from)
{
    size_t n = 0;
    for (; *from && n + 5 < size; from++) {
        unsigned char c = (unsigned char)*from;
        if (c >= 0x20 && c != 0x7f)
            to[n++] = *from;
        else
            n += (size_t)snprintf(to + n, size - n, "\\x%02x", c);
    }
    to[n] = '\0';
}

int why_set(struct why *why, int status, const char *format, ...)
{
    if (!why)
        return -1;
    char raw[sizeof why->text];
    va_list args;
    va_start(args, format);
    vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    escape(why->text, sizeof why->text, raw);
    why->status = status;
    return -1;
}

void why_prefix(struct why *why, const char *format, ...)
{
    if (!why)
        return;
    char raw[sizeof why->text], tail[sizeof why->text];
    va_list args;
    va_start(args, format);
    vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    memcpy(tail, why->text, sizeof tail);
    escape(why->text, sizeof why->text, raw);
    size_t used = strlen(why->text);
    snprintf(why->text + used, sizeof why->text - used, "%.*s", (int)(sizeof tail - 1), tail);
}

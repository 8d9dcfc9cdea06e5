/* Words for people go to standard error, data to standard output. */
#ifndef CLI_SAY_H
#define CLI_SAY_H

#include <stdbool.h>
#include "base/memory.h"
#include "base/str.h"

enum loudness { SAY_ERRORS, SAY_WORDS, SAY_MORE };

void say_loudness(enum loudness loudness);
bool say_is(enum loudness loudness);
/* A line, unless -q was given. What waits for standard output is written before, so that both come in order.
 */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same only with -v. */
void say_more(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* How mxreplay was called, for lines to type next: as typed where that is a path, as ./mxreplay before it is
 * installed. */
void say_called(const char *argv0);
const char *program(void);
/* A word of such a line, quoted for the shell where it must be. */
struct str shell_word(struct arena *arena, struct str word);
/* "mxreplay: TEXT", always. */
void say_error(const char *text);

#endif

/* The terminal, by ncurses: a screen (report/screen.h) goes out, keys come in. It is one at a time, and is as
 * it was before, however the program ends. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include "base/why.h"
#include "report/screen.h"

/* Keys that are no characters. */
enum {
    KEYS_NONE = 0,
    KEYS_ESCAPE = 0x1b,
    KEYS_UP = 0x200000,
    KEYS_DOWN,
    KEYS_LEFT,
    KEYS_RIGHT,
    KEYS_SHIFT_UP,
    KEYS_SHIFT_DOWN,
    KEYS_PAGE_UP,
    KEYS_PAGE_DOWN,
    KEYS_HOME,
    KEYS_END,
    KEYS_ENTER,
    KEYS_TAB,
    KEYS_BACK_TAB,
    KEYS_BACKSPACE,
    KEYS_RESIZED,
    KEYS_OTHER
};

/* Whether standard input and output are one: 0, or -1 with why (EX_USAGE). */
int terminal_check(struct why *why);
/* Takes the terminal over. 0, or -1 with why where there is none, or one that can do too little (EX_USAGE).
 */
int terminal_open(struct why *why);
/* Gives it back; may be called twice. */
void terminal_close(void);

/* A blank screen as large as the terminal is now. */
struct screen terminal_screen(void);
void terminal_show(const struct screen *screen);
/* The next key that was pressed, a character by its code point; KEYS_NONE: there is none yet. */
uint32_t terminal_key(void);

#endif

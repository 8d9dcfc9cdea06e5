/* ncurses. Characters go out one by one as code points that report/ has found fit to be shown; ncurses sends
 * what has changed. */
#define _GNU_SOURCE
#define NCURSES_WIDECHAR 1
#include "cli/terminal.h"

#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

#include <term.h>
#undef columns /* it calls capabilities by plain words */
#undef lines

static struct {
    SCREEN *screen;
    bool is_open, ascii;
    attr_t attributes[SCREEN_STYLES];
    short pair[SCREEN_STYLES];
    /* for the case that there is no time for more */
    struct termios before;
    char last_words[256];
    size_t last_words_len;
} terminal;

/* What must not be left behind where the program dies. Only what a signal handler may do: write(2),
 * tcsetattr(3), signal(2), raise(3). */
static void die(int number)
{
    if (terminal.is_open) {
        ssize_t written = write(STDOUT_FILENO, terminal.last_words, terminal.last_words_len);
        (void)written;
        tcsetattr(STDIN_FILENO, TCSANOW, &terminal.before);
    }
    signal(number, SIG_DFL);
    raise(number);
}

/* NULL: the terminal has none of that name. tigetstr(3) says (char *)-1 for what is no text at all. */
static const char *capability(const char *name)
{
    const char *text = tigetstr(name);
    return (intptr_t)text == -1 ? NULL : text;
}

static void prepare_to_die(void)
{
    static const char *const capabilities[] = { "sgr0", "rmcup", "cnorm" };
    static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT, SIGHUP };
    for (size_t i = 0; i < sizeof capabilities / sizeof *capabilities; i++) {
        const char *text = capability(capabilities[i]);
        size_t len = text ? strlen(text) : 0;
        if (len == 0 || terminal.last_words_len + len > sizeof terminal.last_words)
            continue;
        memcpy(terminal.last_words + terminal.last_words_len, text, len);
        terminal.last_words_len += len;
    }
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction before;
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            signal(signals[i], die);
    }
}

int terminal_check(struct why *why)
{
    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
        return 0;
    return why_set(
        why, EX_USAGE,
        "this is no terminal: tune shows and asks. Without one, mxreplay sweep tries many policies "
        "at once, and mxreplay compare tells what changes between two");
}

/* Blue and yellow differ for every eye; a sign or a word says the same each time. */
static void choose_styles(void)
{
    static const struct {
        attr_t attributes;
        short colour;
    } with_colours[SCREEN_STYLES] = {
        [SCREEN_PLAIN] = { A_NORMAL, -1 },
        [SCREEN_BOLD] = { A_BOLD, -1 },
        [SCREEN_DIM] = { A_DIM, -1 },
        [SCREEN_BAR] = { A_REVERSE, -1 },
        [SCREEN_PICKED] = { A_REVERSE | A_BOLD, -1 },
        [SCREEN_MORE] = { A_BOLD, COLOR_CYAN },
        [SCREEN_LESS] = { A_BOLD, COLOR_YELLOW },
        [SCREEN_ERROR] = { A_BOLD, COLOR_YELLOW },
    };
    const char *without = getenv("NO_COLOR");
    bool colours =
        (!without || !*without) && has_colors() && start_color() == OK && use_default_colors() == OK;
    for (int i = 0; i < SCREEN_STYLES; i++) {
        terminal.attributes[i] = with_colours[i].attributes;
        terminal.pair[i] = 0;
        if (colours && with_colours[i].colour >= 0 &&
            init_pair((short)(i + 1), with_colours[i].colour, -1) == OK)
            terminal.pair[i] = (short)(i + 1);
    }
}

int terminal_open(struct why *why)
{
    const char *type = getenv("TERM");
    int known = 0;
    if (terminal_check(why) < 0)
        return -1;
    tcgetattr(STDIN_FILENO, &terminal.before);
    if (!type || !*type || setupterm(type, STDOUT_FILENO, &known) != OK)
        return why_set(why, EX_USAGE, "the terminal's type is not known (TERM=%s); try TERM=xterm",
                       type ? type : "");
    bool can_move = capability("cup") != NULL;
    del_curterm(cur_term);
    if (can_move)
        terminal.screen = newterm(NULL, stdout, stdin);
    if (!terminal.screen)
        return why_set(why, EX_USAGE, "a terminal of type %s cannot place a cursor; try TERM=xterm", type);
    terminal.is_open = true;
    atexit(terminal_close);
    prepare_to_die();
    terminal.ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
    cbreak();
    noecho();
    nonl();
    intrflush(stdscr, FALSE);
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(25);
    curs_set(0);
    choose_styles();
    return 0;
}

void terminal_close(void)
{
    if (!terminal.is_open)
        return;
    terminal.is_open = false;
    curs_set(1);
    endwin();
    delscreen(terminal.screen);
    terminal.screen = NULL;
}

struct screen terminal_screen(void)
{
    int rows = 0, columns = 0;
    getmaxyx(stdscr, rows, columns);
    return screen_new(rows > 0 ? (size_t)rows : 1, columns > 0 ? (size_t)columns : 1, terminal.ascii);
}

void terminal_show(const struct screen *screen)
{
    erase();
    for (size_t row = 0; row < screen->rows; row++)
        for (size_t column = 0; column < screen->columns; column++) {
            const struct screen_cell *cell = &screen->cell[row * screen->columns + column];
            wchar_t text[2] = { (wchar_t)cell->code, L'\0' };
            cchar_t shown;
            bool blank = cell->code == ' ' && cell->style == SCREEN_PLAIN;
            if (cell->code && !blank &&
                setcchar(&shown, text, terminal.attributes[cell->style], terminal.pair[cell->style], NULL) ==
                    OK)
                mvadd_wch((int)row, (int)column, &shown);
        }
    curs_set(screen->has_cursor ? 1 : 0);
    if (screen->has_cursor)
        move((int)screen->cursor_row, (int)screen->cursor_column);
    refresh();
}

static uint32_t special_key(wint_t code)
{
    static const struct {
        wint_t code;
        uint32_t key;
    } keys[] = {
        { KEY_UP, KEYS_UP },
        { KEY_DOWN, KEYS_DOWN },
        { KEY_LEFT, KEYS_LEFT },
        { KEY_RIGHT, KEYS_RIGHT },
        { KEY_SR, KEYS_SHIFT_UP },
        { KEY_SF, KEYS_SHIFT_DOWN },
        { KEY_PPAGE, KEYS_PAGE_UP },
        { KEY_NPAGE, KEYS_PAGE_DOWN },
        { KEY_HOME, KEYS_HOME },
        { KEY_END, KEYS_END },
        { KEY_ENTER, KEYS_ENTER },
        { KEY_BTAB, KEYS_BACK_TAB },
        { KEY_BACKSPACE, KEYS_BACKSPACE },
        { KEY_DC, KEYS_BACKSPACE },
        { KEY_RESIZE, KEYS_RESIZED },
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].code == code)
            return keys[i].key;
    return KEYS_OTHER;
}

uint32_t terminal_key(void)
{
    wint_t code = 0;
    switch (get_wch(&code)) {
    case OK:
        return code == '\r' || code == '\n' ? KEYS_ENTER
               : code == '\t'               ? KEYS_TAB
               : code == 0x7f || code == 8  ? KEYS_BACKSPACE
               : code == 0                  ? KEYS_OTHER
                                            : (uint32_t)code;
    case KEY_CODE_YES:
        return special_key(code);
    default:
        return KEYS_NONE;
    }
}

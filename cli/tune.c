/* mxreplay tune: a policy turned by hand, with what it does beside it. */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/load.h"
#include "cli/say.h"
#include "cli/stop.h"
#include "cli/terminal.h"
#include "cli/tune_work.h"
#include "report/tune_screen.h"
#include "report/utf8.h"
#include "report/whole_file.h"

struct settings {
    struct common common;
};

enum question { ASKED_NOTHING, ASKED_FILE, ASKED_OVERWRITE, ASKED_QUIT };
enum { TYPED_BYTES = 1024, NAME_MOST = 64 };

struct tune {
    struct load load;
    struct tuning *tuning;
    struct work *work;
    struct attempted now; /* the policy that is shown, without what is off */
    bool changed;         /* it has to be made anew */
    bool compared;
    struct tune_shown shown;
    enum question asked;
    char typed[TYPED_BYTES]; /* with a NUL */
    char file[TYPED_BYTES];  /* that was written last, or is proposed */
    bool written, quit;
    struct arena messages;
};

/* ---- Words below the table. */

static void say_that(struct tune *tune, bool is_error, struct str text)
{
    tune->shown.message = arena_str(&tune->messages, text);
    tune->shown.is_error = is_error;
}

static void clear_message(struct tune *tune)
{
    arena_reset(&tune->messages);
    tune->shown.message = (struct str){ NULL, 0 };
    tune->shown.is_error = false;
}

static void ask(struct tune *tune, enum question asked, struct str question)
{
    tune->asked = asked;
    tune->shown.question = question;
    tune->shown.typed = STR("");
}

static void ask_nothing(struct tune *tune)
{
    ask(tune, ASKED_NOTHING, (struct str){ NULL, 0 });
}

/* What came of a step. */
static void stepped(struct tune *tune, int result, const struct why *why)
{
    if (result < 0) {
        say_that(tune, true, str_of(why->text));
        return;
    }
    tune->changed = true;
    if (!tune->shown.message.at)
        say_that(tune, false, tuning_last(tune->tuning));
}

/* ---- What the keys do. */

/* Knobs that cannot be turned are passed by. */
static void choose_knob(struct tune *tune, size_t step)
{
    struct knobs knobs = tuning_knobs(tune->tuning, tune->shown.place);
    for (size_t tries = 0; tries < knobs.count; tries++) {
        tune->shown.knob = tune->shown.knob < knobs.count ? (tune->shown.knob + step) % knobs.count : 0;
        if (knob_turns(&knobs.knob[tune->shown.knob]))
            return;
    }
}

static void move_to(struct tune *tune, size_t place)
{
    size_t count = tuning_count(tune->tuning);
    tune->shown.place = place < count ? place : count - 1;
    tune->shown.knob = SIZE_MAX;
    choose_knob(tune, 1);
}

static void key_up(struct tune *tune)
{
    move_to(tune, tune->shown.place ? tune->shown.place - 1 : 0);
}

static void key_down(struct tune *tune)
{
    move_to(tune, tune->shown.place + 1);
}

enum { PAGE_ROWS = 8 };

static void key_page_up(struct tune *tune)
{
    move_to(tune, tune->shown.place > PAGE_ROWS ? tune->shown.place - PAGE_ROWS : 0);
}

static void key_page_down(struct tune *tune)
{
    move_to(tune, tune->shown.place + PAGE_ROWS);
}

static void key_home(struct tune *tune)
{
    move_to(tune, 0);
}

static void key_end(struct tune *tune)
{
    move_to(tune, SIZE_MAX);
}

static void key_switch(struct tune *tune)
{
    struct why why = { 0 };
    stepped(tune, tuning_switch(tune->tuning, tune->shown.place, &why), &why);
}

static void reorder(struct tune *tune, int by)
{
    struct why why = { 0 };
    stepped(tune, tuning_move(tune->tuning, &tune->shown.place, by, &why), &why);
}

static void key_before(struct tune *tune)
{
    reorder(tune, -1);
}

static void key_behind(struct tune *tune)
{
    reorder(tune, 1);
}

static void key_next(struct tune *tune)
{
    choose_knob(tune, 1);
}

static void key_previous(struct tune *tune)
{
    choose_knob(tune, tuning_knobs(tune->tuning, tune->shown.place).count - 1);
}

/* The knob stays chosen when zones come and go. */
static void turn(struct tune *tune, int by)
{
    struct why why = { 0 };
    struct knobs knobs = tuning_knobs(tune->tuning, tune->shown.place);
    struct knob knob = knobs.knob[tune->shown.knob];
    struct str name = tuning_at(tune->tuning, tune->shown.place).rule->name;
    stepped(tune, tuning_turn(tune->tuning, tune->shown.place, &knob, by, &why), &why);
    tune->shown.place = tuning_place(tune->tuning, name); /* `at` puts it elsewhere */
    knobs = tuning_knobs(tune->tuning, tune->shown.place);
    for (size_t i = 0; i < knobs.count; i++)
        if (knobs_equal(&knobs.knob[i], &knob))
            tune->shown.knob = i;
}

static void key_more(struct tune *tune)
{
    turn(tune, 1);
}

static void key_less(struct tune *tune)
{
    turn(tune, -1);
}

static void key_cross(struct tune *tune)
{
    turn(tune, 0);
}

static void key_delay_reject(struct tune *tune)
{
    struct why why = { 0 };
    struct str name = tuning_at(tune->tuning, tune->shown.place).rule->name;
    stepped(tune, tuning_delay_reject(tune->tuning, &why), &why);
    tune->shown.place = tuning_place(tune->tuning, name);
}

/* Steps that may change the whole table: the measure that was picked stays so. */
static void stroll(struct tune *tune, int (*step)(struct tuning *tuning, struct why *why))
{
    struct why why = { 0 };
    struct str name = tuning_at(tune->tuning, tune->shown.place).rule->name;
    int result = step(tune->tuning, &why);
    size_t place = tuning_place(tune->tuning, name);
    if (place != tune->shown.place)
        tune->shown.place = place;
    size_t knobs = tuning_knobs(tune->tuning, place).count;
    if (tune->shown.knob >= knobs)
        tune->shown.knob = 0;
    stepped(tune, result, &why);
}

static void key_undo(struct tune *tune)
{
    struct arena arena = { 0 };
    struct str last = arena_printf(&arena, "taken back: %.*s", STR_ARG(tuning_last(tune->tuning)));
    say_that(tune, false, last);
    arena_free(&arena);
    stroll(tune, tuning_undo);
}

static void key_redo(struct tune *tune)
{
    stroll(tune, tuning_redo);
}

static void key_reset(struct tune *tune)
{
    stroll(tune, tuning_reset);
}

static void show_page(struct tune *tune, enum tune_page page)
{
    tune->shown.page = page;
    tune->shown.scroll = 0;
}

static void key_help(struct tune *tune)
{
    show_page(tune, TUNE_HELP);
}

static void key_compare(struct tune *tune)
{
    show_page(tune, TUNE_COMPARE);
}

static void key_write(struct tune *tune)
{
    ask(tune, ASKED_FILE, STR("Write to (Esc: not):"));
    memcpy(tune->typed, tune->file, sizeof tune->typed);
    tune->shown.typed = str_of(tune->typed);
}

static void key_quit(struct tune *tune)
{
    if (tuning_is_saved(tune->tuning))
        tune->quit = true;
    else
        ask(tune, ASKED_QUIT, STR("The changes are not written. Quit all the same (y, n)?"));
}

static const struct key_row {
    void (*press)(struct tune *tune);
    uint32_t key;
    bool of_measure; /* there must be one */
} key_rows[] = {
    { key_up, KEYS_UP, true },
    { key_up, 'k', true },
    { key_down, KEYS_DOWN, true },
    { key_down, 'j', true },
    { key_page_up, KEYS_PAGE_UP, true },
    { key_page_down, KEYS_PAGE_DOWN, true },
    { key_home, KEYS_HOME, true },
    { key_home, 'g', true },
    { key_end, KEYS_END, true },
    { key_end, 'G', true },
    { key_switch, ' ', true },
    { key_before, 'K', true },
    { key_before, KEYS_SHIFT_UP, true },
    { key_behind, 'J', true },
    { key_behind, KEYS_SHIFT_DOWN, true },
    { key_next, KEYS_TAB, true },
    { key_next, KEYS_ENTER, true },
    { key_previous, KEYS_BACK_TAB, true },
    { key_more, KEYS_RIGHT, true },
    { key_more, '+', true },
    { key_less, KEYS_LEFT, true },
    { key_less, '-', true },
    { key_cross, 'x', true },
    { key_delay_reject, 'd', true },
    { key_undo, 'u', true },
    { key_redo, 'r', true },
    { key_reset, '=', true },
    { key_compare, 'c', false },
    { key_help, '?', false },
    { key_help, 'h', false },
    { key_write, 'w', false },
    { key_quit, 'q', false },
};

/* ---- Writing. */

/* "my-policy" of "etc/my-policy.yaml", where that can be a policy's name; at == NULL: it cannot. */
static struct str name_of(struct str path)
{
    const char *slash = str_find_last(path, '/');
    struct str name = slash ? str_range(slash + 1, path.at + path.len) : path;
    const char *dot = str_find_last(name, '.');
    if (dot && dot > name.at)
        name.len = (size_t)(dot - name.at);
    for (size_t i = 0; i < name.len; i++)
        if (!is_alnum(name.at[i]) && !strchr("-_.", name.at[i]))
            name.len = 0;
    return name.len && name.len <= NAME_MOST ? name : (struct str){ NULL, 0 };
}

static void write_file(struct tune *tune)
{
    struct whole_file file;
    struct why why = { 0 };
    struct arena arena = { 0 };
    int result = whole_file_open(&file, tune->typed, &why);
    if (result == 0) {
        result = tuning_write(tune->tuning, name_of(str_of(tune->typed)), file.to, &why);
        if (result < 0)
            whole_file_drop(&file);
        else
            result = whole_file_keep(&file, &why);
    }
    if (result < 0) {
        say_that(tune, true, str_of(why.text));
    } else {
        tuning_saved(tune->tuning);
        memcpy(tune->file, tune->typed, sizeof tune->file);
        tune->written = true;
        say_that(tune, false, arena_printf(&arena, "Written to %s.", tune->typed));
    }
    arena_free(&arena);
    ask_nothing(tune);
}

static void may_write(struct tune *tune)
{
    struct stat there;
    if (!tune->typed[0])
        ask_nothing(tune);
    else if (lstat(tune->typed, &there) == 0 && !S_ISDIR(there.st_mode))
        ask(tune, ASKED_OVERWRITE, STR("There is a file of that name. Overwrite it (y, n)?"));
    else
        write_file(tune);
}

/* ---- Answers. */

static void type_character(struct tune *tune, uint32_t code)
{
    size_t len = strlen(tune->typed);
    char bytes[4];
    size_t more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint32_t lead[] = { 0, 0xc0, 0xe0, 0xf0 };
    if (len + more + 2 > sizeof tune->typed || utf8_is_hidden(code))
        return;
    bytes[0] = (char)(lead[more] | code >> (6 * more));
    for (size_t i = 1; i <= more; i++)
        bytes[i] = (char)(0x80 | (code >> (6 * (more - i)) & 0x3f));
    memcpy(tune->typed + len, bytes, more + 1);
    tune->typed[len + more + 1] = '\0';
}

static void type(struct tune *tune, uint32_t key)
{
    enum { CLEAR = 'U' - '@' /* Ctrl-U */ };
    size_t len = strlen(tune->typed);
    if (key == KEYS_ESCAPE) {
        ask_nothing(tune);
        return;
    }
    if (key == KEYS_ENTER) {
        may_write(tune);
        return;
    }
    if (key == CLEAR)
        len = 0;
    while (key == KEYS_BACKSPACE && len && ((unsigned char)tune->typed[--len] & 0xc0) == 0x80)
        ;
    tune->typed[len] = '\0';
    if (key >= ' ' && key < KEYS_UP)
        type_character(tune, key);
    tune->shown.typed = str_of(tune->typed);
}

static void answer(struct tune *tune, uint32_t key)
{
    bool yes = key == 'y' || key == 'Y';
    switch (tune->asked) {
    case ASKED_FILE:
        type(tune, key);
        break;
    case ASKED_OVERWRITE:
        if (yes)
            write_file(tune);
        else
            key_write(tune);
        break;
    case ASKED_QUIT:
        tune->quit = yes;
        ask_nothing(tune);
        break;
    case ASKED_NOTHING:
        break;
    }
}

static void press(struct tune *tune, uint32_t key)
{
    if (key == KEYS_RESIZED)
        return;
    clear_message(tune);
    if (tune->asked != ASKED_NOTHING) {
        answer(tune, key);
        return;
    }
    if (tune->shown.page != TUNE_TABLE) {
        bool up = key == KEYS_UP || key == 'k', down = key == KEYS_DOWN || key == 'j' || key == ' ';
        if (up && tune->shown.scroll)
            tune->shown.scroll--;
        if (down)
            tune->shown.scroll++;
        if (!up && !down)
            show_page(tune, TUNE_TABLE);
        return;
    }
    for (size_t i = 0; i < sizeof key_rows / sizeof *key_rows; i++)
        if (key_rows[i].key == key && (!key_rows[i].of_measure || tuning_count(tune->tuning)))
            key_rows[i].press(tune);
}

/* ---- Figures. */

/* Asks for those of the policy that is shown, and takes what has come. */
static void look_up(struct tune *tune)
{
    struct why why = { 0 };
    bool asks = false;
    if (tune->changed) {
        attempted_free(&tune->now);
        tune->now = tuning_attempt(tune->tuning);
        tune->changed = tune->compared = false;
        tune->shown.verdict = (struct str){ NULL, 0 };
        asks = true;
    }
    const struct figures *known = work_known(tune->work, tune->now.key);
    if (known) {
        tune->shown.now = known;
    } else if (asks && tuning_is_changed(tune->tuning)) { /* the loaded policy is tried unasked */
        work_ask(tune->work, tuning_attempt(tune->tuning));
    }
    tune->shown.fresh = known != NULL;
    tune->shown.loaded = work_first(tune->work);
    bool compares = tune->shown.page == TUNE_COMPARE && tuning_is_changed(tune->tuning);
    if (known && compares && !tune->compared) {
        work_compare(tune->work, tuning_attempt(tune->tuning));
        tune->compared = true;
    }
    if (tune->compared)
        tune->shown.verdict = work_verdict(tune->work);
    if (work_failed(tune->work, &why))
        say_that(tune, true, str_of(why.text));
}

/* ---- All of it. */

static void draw(struct tune *tune)
{
    struct screen screen = terminal_screen();
    struct str message = tune->shown.message;
    tune_draw(&screen, &tune->shown);
    tune->shown.message = message; /* a page has a word of its own */
    terminal_show(&screen);
    screen_free(&screen);
}

static int stopped_by(int stop, const struct tune *tune, struct why *why)
{
    struct signalfd_siginfo info = { 0 };
    if (read(stop, &info, sizeof info) != (ssize_t)sizeof info)
        info.ssi_signo = SIGTERM;
    return why_set(why, 128 + (int)info.ssi_signo, "stopped by a signal%s",
                   tuning_is_saved(tune->tuning) ? "" : "; the changes are not written");
}

static int converse(struct tune *tune, int stop, struct why *why)
{
    struct pollfd wanted[] = { { .fd = STDIN_FILENO, .events = POLLIN },
                               { .fd = work_done(tune->work), .events = POLLIN },
                               { .fd = stop, .events = POLLIN } };
    while (!tune->quit) {
        look_up(tune);
        draw(tune);
        poll(wanted, sizeof wanted / sizeof *wanted, -1); /* a resized terminal interrupts it */
        if (wanted[2].revents)
            return stopped_by(stop, tune, why);
        if (wanted[0].revents & (POLLHUP | POLLERR | POLLNVAL))
            return why_set(why, EX_IOERR, "the terminal is gone");
        if (wanted[1].revents)
            work_heard(tune->work);
        for (uint32_t key; !tune->quit && (key = terminal_key()) != KEYS_NONE;)
            press(tune, key);
    }
    return 0;
}

/* "my-tuned.yaml" for "etc/my.yaml" and for "my" */
static void propose_file(struct tune *tune, const char *policy)
{
    struct str name = name_of(str_of(policy));
    if (!name.at)
        name = tune->load.policy->name;
    snprintf(tune->file, sizeof tune->file, "%.*s-tuned.yaml", STR_ARG(name));
}

static int run(const void *given, char **operands, struct why *why)
{
    (void)operands;
    const struct common *common = given;
    struct tune tune = { .changed = true };
    struct load *load = &tune.load;
    struct arena arena = { 0 };
    if (!common->policy || strcmp(common->policy, "recorded") == 0)
        return why_set(why, EX_USAGE, "which policy? mxreplay tune -p my.yaml");
    if (terminal_check(why) < 0)
        return -1;
    if (load_named_policy(load, common->policy, why) < 0 || database_open(common, &load->store, why) < 0 ||
        load_options(load, common, why) < 0 || load_sessions(load, common, why) < 0) {
        load_free(load);
        return -1;
    }
    int result = terminal_open(why);
    bool ended = true;
    if (result == 0) {
        int stop = stop_begin();
        struct texts zones = trial_zones(load->columns, &arena);
        tune.tuning = tuning_new(load->policy, &zones);
        tune.work = work_start(load->columns, &load->options, load->policy, tuning_attempt(tune.tuning));
        tune.shown = (struct tune_shown){ .tuning = tune.tuning, .name = load->policy->name };
        if (tuning_count(tune.tuning))
            move_to(&tune, 0);
        propose_file(&tune, common->policy);
        result = converse(&tune, stop, why);
        terminal_close();
        stop_end(stop);
        ended = work_stop(tune.work);
    }
    attempted_free(&tune.now);
    arena_free(&tune.messages);
    arena_free(&arena);
    if (result == 0 && tune.written)
        say("Written: %s. Next: %s replay -p %s", tune.file, program(), tune.file);
    if (!ended) /* somebody is still at it, and gone in a moment */
        return result;
    tuning_free(tune.tuning);
    load_free(load);
    return result;
}

static const struct option_row options[] = { { .name = NULL } };

static const char manual[] =
#include "doc/tune.txt.inc"
    ;

const struct command tune_command = {
    .name = "tune",
    .summary = "Turns a policy by hand in the terminal, and shows at once what that does",
    .manual = manual,
    .options = options,
    .takes = TAKES_DATABASE | TAKES_PROGRESS | TAKES_POLICY | TAKES_PERIOD | TAKES_REPLAY,
    .settings_bytes = sizeof(struct settings),
    .run = run,
};
